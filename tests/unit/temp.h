/* SPDX-License-Identifier: MIT */
/*
 * temp.h - names for temporary files and directories, below $TMPDIR or /tmp
 */
#ifndef TESTS_UNIT_TEMP_H
#define TESTS_UNIT_TEMP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Names are kept in arrays of 64; sockets below them need short ones, too. */
#define TEMP_NAME_SIZE 64

/* A pattern for mkdtemp() and mkstemp(); $TMPDIR does not count where it is too long for that. */
static inline void
temp_pattern(char out[TEMP_NAME_SIZE], const char *what)
{
	const char *dir = getenv("TMPDIR");

	if (dir == NULL || dir[0] == '\0' ||
		snprintf(out, TEMP_NAME_SIZE, "%s/%s-XXXXXX", dir, what) >= TEMP_NAME_SIZE)
		snprintf(out, TEMP_NAME_SIZE, "/tmp/%s-XXXXXX", what);
}

/* False when there can be none; out then holds the pattern. */
static inline bool
temp_dir(char out[TEMP_NAME_SIZE], const char *what)
{
	temp_pattern(out, what);
	return mkdtemp(out) != NULL;
}

/* An open file, or -1. */
static inline int
temp_file(char out[TEMP_NAME_SIZE], const char *what)
{
	temp_pattern(out, what);
	return mkstemp(out);
}

#endif
