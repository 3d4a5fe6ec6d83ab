/* SPDX-License-Identifier: MIT */
/*
 * buf.h - a string that grows up to a limit
 *
 * Text is built here for log lines, replies, pages and JSON. Past the limit nothing is written and
 * buf_cut() says so; the text stays valid and ends in NUL.
 */
#ifndef CORE_BASE_BUF_H
#define CORE_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* never NULL after init; ends in NUL */
	size_t len;
	size_t size;
	size_t limit; /* most octets of text; 0: no limit */
	bool cut;
};

void buf_init(struct buf *, size_t limit);
void buf_fini(struct buf *);
void buf_clear(struct buf *);
/* The next so many octets need no more memory: for what is built often and about as long. */
void buf_reserve(struct buf *, size_t);
void buf_add(struct buf *, const void *, size_t);
void buf_add_char(struct buf *, char);
void buf_add_str(struct buf *, const char *);
void buf_printf(struct buf *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *, const char *format, va_list) __attribute__((format(printf, 2, 0)));
/* Adds that many octets, which the caller fills, and says where; for one without a limit. */
char *buf_extend(struct buf *, size_t);
/* Something did not fit since init or clear. */
bool buf_cut(const struct buf *);

#endif
