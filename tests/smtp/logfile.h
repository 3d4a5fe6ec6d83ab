/* SPDX-License-Identifier: MIT */
/*
 * logfile.h - what the filter wrote to its log, as a transcript looks at it
 */
#ifndef TESTS_SMTP_LOGFILE_H
#define TESTS_SMTP_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>

/* The octets written so far; where a play begins to look. */
size_t logfile_size(const char *path);

/* How many lines from that octet on are like the glob. */
size_t logfile_count(const char *path, size_t from, const char *glob);

/* Whether the bytes stand anywhere in it. */
bool logfile_has(const char *path, const void *bytes, size_t length);

/* The whole text, to be freed, a NUL behind it; NULL: cannot be read. */
char *logfile_read(const char *path, size_t *length);

#endif
