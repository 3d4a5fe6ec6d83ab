/* SPDX-License-Identifier: MIT */
/*
 * dmarc_name.c - domain names as DMARC compares them
 */
#include "dmarc_name.h"

#include <string.h>

#include "../lib/idn.h"

#define LABEL_MOST 63u

/* The octet in lower case; 0: it stands in no name. */
static char
name_octet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
		return c;
	return '\0';
}

/* Lower case and without the last dot; false: it is no name, or does not fit. */
static bool
copy_ascii(char out[DMARC_NAME_SIZE], const char *text)
{
	size_t len = 0, label = 0;

	for (; *text != '\0'; text++) {
		if (*text == '.' && text[1] == '\0' && label > 0)
			break;
		if (len + 1 >= DMARC_NAME_SIZE)
			return false;
		out[len] = *text == '.' ? '.' : name_octet(*text);
		label = *text == '.' ? 0 : label + 1;
		if (out[len] == '\0' || label > LABEL_MOST || (out[len] == '.' && len == 0) ||
			(out[len] == '.' && out[len - 1] == '.'))
			return false;
		len++;
	}
	out[len] = '\0';
	return len > 0;
}

/* With the last dot, which is no part of it. */
static bool
copy_unicode(char out[DMARC_NAME_SIZE], const char *text)
{
	char ascii[DMARC_NAME_SIZE + 1];

	return idn_to_ascii(text, strlen(text), ascii, sizeof(ascii)) && copy_ascii(out, ascii);
}

bool
dmarc_name(char out[DMARC_NAME_SIZE], const char *text)
{
	if (idn_wanted(text, strlen(text)) ? copy_unicode(out, text) : copy_ascii(out, text))
		return true;
	out[0] = '\0';
	return false;
}

size_t
dmarc_name_labels(const char *name)
{
	size_t count = name[0] != '\0';

	for (; *name != '\0'; name++)
		count += *name == '.';
	return count;
}

const char *
dmarc_name_parent(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot == NULL ? NULL : dot + 1;
}

const char *
dmarc_name_last(const char *name, size_t labels)
{
	for (size_t have = dmarc_name_labels(name); have > labels; have--)
		name = dmarc_name_parent(name);
	return name;
}

bool
dmarc_name_within(const char *name, const char *top)
{
	size_t len = strlen(name), top_len = strlen(top);

	return len >= top_len && strcmp(name + len - top_len, top) == 0 &&
	       (len == top_len || name[len - top_len - 1] == '.');
}
