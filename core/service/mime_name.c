/* SPDX-License-Identifier: MIT */
/*
 * mime_name.c - names of attachments
 *
 * What cannot be seen is left out, not replaced: a name that ends in "do<zero width>cm" is one that
 * ends in "docm" to whoever reads it, and to a rule.
 */
#include "mime_name.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
/* Octets of a long name that stay at its end. */
#define TAIL 52u

/* Unicode's control and format characters, and selectors that change no letter. */
static const struct {
	uint32_t first, last;
} unseen[] = {
	{0x00, 0x1f},
	{0x7f, 0x9f},
	{0xad, 0xad},
	{0x61c, 0x61c},
	{0x180b, 0x180e},
	{0x200b, 0x200f},
	{0x2028, 0x202e},
	{0x2060, 0x206f},
	{0xfe00, 0xfe0f},
	{0xfeff, 0xfeff},
	{0xfff9, 0xfffb},
	{0xe0000, 0xe0fff},
};

/* Of valid UTF-8: the character at p and its octets. */
static size_t
character(const char *p, uint32_t *c)
{
	unsigned char lead = (unsigned char)*p;
	size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	*c = len == 1 ? lead : lead & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++)
		*c = *c << 6 | ((unsigned char)p[i] & 0x3fu);
	return len;
}

static bool
is_unseen(uint32_t c)
{
	for (size_t i = 0; i < COUNT(unseen); i++) {
		if (c >= unseen[i].first && c <= unseen[i].last)
			return true;
	}
	return false;
}

/* In place: valid UTF-8, with '?' for each octet that is none, and nothing unseen. */
static size_t
drop_unseen(char *text)
{
	size_t len = strlen(text), kept = 0;
	size_t valid = text_utf8_valid(text, len);

	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t octets;

		if (i == valid) {
			text[kept++] = '?';
			i++;
			valid = i + text_utf8_valid(text + i, len - i);
			continue;
		}
		octets = character(text + i, &c);
		if (!is_unseen(c)) {
			memmove(text + kept, text + i, octets);
			kept += octets;
		}
		i += octets;
	}
	text[kept] = '\0';
	return kept;
}

static bool
goes_on(const char *text, size_t at)
{
	return ((unsigned char)text[at] & 0xc0) == 0x80;
}

/* "beginning...end"; no character is cut. */
static void
shorten(const char *text, size_t len, char out[MIME_NAME_SIZE])
{
	size_t head = MIME_NAME_SIZE - 1 - TAIL - 3, tail = len - TAIL;

	if (len < MIME_NAME_SIZE) {
		memcpy(out, text, len);
		out[len] = '\0';
		return;
	}
	while (goes_on(text, head))
		head--;
	while (tail < len && goes_on(text, tail))
		tail++;
	memcpy(out, text, head);
	memcpy(out + head, "...", 3);
	memcpy(out + head + 3, text + tail, len - tail);
	out[head + 3 + len - tail] = '\0';
}

void
mime_name_clean(const char *raw, char out[MIME_NAME_SIZE])
{
	size_t size = strlen(raw) + 1;
	char *text = memcpy(mem_alloc(size), raw, size);
	size_t len = drop_unseen(text), from;

	while (len > 0 && strchr(" ./\\", text[len - 1]) != NULL)
		len--;
	for (from = len; from > 0 && text[from - 1] != '/' && text[from - 1] != '\\'; from--)
		;
	while (from < len && text[from] == ' ')
		from++;
	shorten(text + from, len - from, out);
	free(text);
}

bool
mime_name_ext(const char *name, char out[MIME_NAME_SIZE])
{
	const char *dot = strrchr(name, '.');

	if (dot == NULL || dot[1] == '\0') {
		out[0] = '\0';
		return false;
	}
	memcpy(out, dot + 1, strlen(dot));
	text_lower_all(out);
	return true;
}
