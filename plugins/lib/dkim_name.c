/* SPDX-License-Identifier: MIT */
/*
 * dkim_name.c - names of domains and selectors (RFC 6376 section 3.5)
 */
#include "dkim_name.h"

#include <stdio.h>

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
dkim_name_key(char out[DKIM_NAME_KEY_SIZE], const char *selector, const char *domain)
{
	return snprintf(out, DKIM_NAME_KEY_SIZE, "%s._domainkey.%s", selector, domain) <
	       (int)DKIM_NAME_SIZE;
}
