/* SPDX-License-Identifier: MIT */
/*
 * dkim_name.c - names of domains and selectors (RFC 6376 section 3.5)
 */
#include "dkim_name.h"

#include <stdio.h>
#include <string.h>

#include "idn.h"

#define LABEL_MOST 63u

static bool
is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

bool
dkim_name_valid(const char *text, size_t len, size_t labels_least)
{
	size_t label = 0, labels = 1;

	if (len >= DKIM_NAME_SIZE)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' && label > 0) {
			label = 0;
			labels++;
		} else if (!is_label_char(text[i]) || ++label > LABEL_MOST) {
			return false;
		}
	}
	return label > 0 && labels >= labels_least;
}

bool
dkim_name_read(char out[DKIM_NAME_SIZE], const char *text, size_t len, size_t labels_least)
{
	char ascii[DKIM_NAME_SIZE];

	out[0] = '\0';
	if (idn_wanted(text, len)) {
		if (!idn_to_ascii(text, len, ascii, sizeof(ascii)))
			return false;
		text = ascii;
		len = strlen(ascii);
	}
	if (!dkim_name_valid(text, len, labels_least))
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
	out[len] = '\0';
	return true;
}

bool
dkim_name_key(char out[DKIM_NAME_KEY_SIZE], const char *selector, const char *domain)
{
	return snprintf(out, DKIM_NAME_KEY_SIZE, "%s._domainkey.%s", selector, domain) <
	       (int)DKIM_NAME_SIZE;
}
