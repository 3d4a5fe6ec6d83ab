/* SPDX-License-Identifier: MIT */
/*
 * resolver_name.c - names of DNS as text, in one form
 */
#include "resolver_name.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define LABEL_MOST 63u
#define WIRE_MOST  255u

/* One octet of a label, read at text; how many octets of text it took. 0: a broken escape. */
static size_t
read_octet(const char *text, unsigned char *octet)
{
	unsigned value = 0;

	*octet = (unsigned char)text[0];
	if (text[0] != '\\')
		return 1;
	if (text[1] < '0' || text[1] > '9') {
		*octet = (unsigned char)text[1];
		return text[1] == '\0' ? 0 : 2;
	}
	for (int i = 1; i <= 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*octet = (unsigned char)value;
	return value > 255 ? 0 : 4;
}

static size_t
write_octet(char *out, unsigned char octet)
{
	if (octet <= ' ' || octet >= 0x7f || octet == '.' || octet == '\\') {
		out[0] = '\\';
		out[1] = (char)('0' + octet / 100);
		out[2] = (char)('0' + octet / 10 % 10);
		out[3] = (char)('0' + octet % 10);
		return 4;
	}
	out[0] = text_lower((char)octet);
	return 1;
}

/* One label up to its dot or the end; NULL where it cannot be one. */
static const char *
read_label(const char *text, char *out, size_t *len, size_t *wire)
{
	unsigned octets = 0;
	unsigned char octet;

	while (*text != '\0' && *text != '.') {
		size_t took = read_octet(text, &octet);

		/* The length in front and the root behind count, too. */
		if (took == 0 || ++octets > LABEL_MOST || *wire + octets + 2 > WIRE_MOST)
			return NULL;
		*len += write_octet(out + *len, octet);
		text += took;
	}
	*wire += octets + 1;
	return octets == 0 ? NULL : text;
}

bool
resolver_name(const char *text, char out[RESOLVER_NAME_SIZE], size_t *len)
{
	size_t wire = 0;

	*len = 0;
	out[0] = '\0';
	if (text[0] == '\0' || strcmp(text, ".") == 0)
		return true;
	for (;;) {
		text = read_label(text, out, len, &wire);
		if (text == NULL)
			return false;
		if (text[0] == '\0' || text[1] == '\0')
			break;
		out[(*len)++] = '.';
		text++;
	}
	out[*len] = '\0';
	return true;
}
