/* SPDX-License-Identifier: MIT */
/*
 * err.h - why a load or a start failed, in words
 */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

#include <stdbool.h>

#define MUST_USE __attribute__((warn_unused_result))

struct err {
	char text[512];
};

/* Writes the text (cut where it is too long) and returns false: `return err_set(err, ...)`. */
bool err_set(struct err *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Like err_set, with ": " and the words of errno behind. */
bool err_errno(struct err *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
