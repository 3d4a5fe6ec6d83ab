/* SPDX-License-Identifier: MIT */
/*
 * word.c - one word of a transcript: plain text, quotes, escapes
 *
 * Its own file because bytes that no MTA would send are written here and nowhere else.
 */
#include "word.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX ((size_t)64 << 20)

bool
word_add(struct word *w, const char *bytes, size_t length, size_t times)
{
	if (length != 0 && times > WORD_MAX / length)
		return false;
	if (w->length + length * times > WORD_MAX)
		return false;
	w->bytes = realloc(w->bytes, w->length + length * times + 1);
	if (!w->bytes)
		abort();
	for (size_t i = 0; i < times; i++, w->length += length)
		memcpy(w->bytes + w->length, bytes, length);
	w->bytes[w->length] = '\0';
	return true;
}

/* `*N{text}`: text N times. */
static const char *
read_times(struct word *w, const char *p)
{
	char *end;
	unsigned long times = strtoul(p + 1, &end, 10);
	const char *close = *end == '{' ? strchr(end, '}') : NULL;

	if (end == p + 1 || !close ||
		!word_add(w, end + 1, (size_t)(close - end - 1), (size_t)times))
		return NULL;
	return close + 1;
}

static const char *
read_hex(struct word *w, const char *p)
{
	char digits[3] = {p[1], p[1] ? p[2] : '\0', '\0'};
	char byte;

	if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]))
		return NULL;
	byte = (char)strtoul(digits, NULL, 16);
	return word_add(w, &byte, 1, 1) ? p + 3 : NULL;
}

/* p stands behind the backslash. NULL: no such escape. */
static const char *
read_escape(struct word *w, const char *p)
{
	static const char names[] = "0nrt\\\"";
	static const char bytes[] = "\0\n\r\t\\\"";

	if (*p == '*')
		return read_times(w, p);
	if (*p == 'x')
		return read_hex(w, p);
	const char *found = *p ? strchr(names, *p) : NULL;
	if (!found || !word_add(w, &bytes[found - names], 1, 1))
		return NULL;
	return p + 1;
}

/* p stands behind the opening quote; returns what stands behind the closing one, or NULL. */
static const char *
read_quoted(struct word *w, const char *p)
{
	while (p && *p && *p != '"') {
		if (*p == '\\')
			p = read_escape(w, p + 1);
		else
			p = word_add(w, p, 1, 1) ? p + 1 : NULL;
	}
	return p && *p == '"' ? p + 1 : NULL;
}

const char *
word_read(struct word *w, const char *p)
{
	*w = (struct word){0};
	word_add(w, "", 0, 1);
	while (p && *p && *p != ' ' && *p != '\t') {
		size_t plain = strcspn(p, " \t\"");

		word_add(w, p, plain, 1);
		p += plain;
		if (*p == '"')
			p = read_quoted(w, p + 1);
	}
	return p;
}
