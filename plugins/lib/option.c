/* SPDX-License-Identifier: MIT */
/*
 * option.c - checks of settings that several plugins have
 */
#include "option.h"

#include <stdio.h>

/* The host adds no field with a longer name. */
#define FIELD_MOST 128u

bool
option_check_field(const char *text, const char *example, char *why, size_t why_size)
{
	size_t len = 0;

	while (text[len] > ' ' && text[len] <= '~' && text[len] != ':')
		len++;
	if (len > 0 && len <= FIELD_MOST && text[len] == '\0')
		return true;
	snprintf(why, why_size, "must be the name of a header field, such as %s", example);
	return false;
}
