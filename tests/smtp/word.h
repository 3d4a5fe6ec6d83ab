/* SPDX-License-Identifier: MIT */
/*
 * word.h - one word of a transcript: plain text, quotes, escapes
 *
 * In quotes: \0 \n \r \t \\ \" \xNN, and \*N{text} for text N times.
 */
#ifndef TESTS_SMTP_WORD_H
#define TESTS_SMTP_WORD_H

#include <stdbool.h>
#include <stddef.h>

/* A word with its escapes undone; ends in a NUL that is not counted. The bytes are malloc'd. */
struct word {
	char *bytes;
	size_t length;
};

/* Appends bytes, `times` over; false when the word would be too long. */
bool word_add(struct word *w, const char *bytes, size_t length, size_t times);

/*
 * Reads the word at p, up to a blank that does not stand in quotes. Returns what stands behind it;
 * NULL for a quote that does not end or an escape that does not exist. w->bytes is set either way.
 */
const char *word_read(struct word *w, const char *p);

#endif
