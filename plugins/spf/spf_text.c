/* SPDX-License-Identifier: MIT */
/*
 * spf_text.c - names and pieces of text, as DNS takes them and as people may see them
 */
#include "spf_text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX  63
#define OCTETS_MAX 253

static bool
printable(char c)
{
	return c >= 0x20 && c < 0x7f;
}

void
spf_show(char *out, size_t size, const char *text, size_t len)
{
	size_t n = len < size ? len : size - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = printable(text[i]) ? text[i] : '?';
	if (n < len && n > 3)
		memcpy(out + n - 3, "...", 3);
	out[n] = '\0';
}

bool
spf_name_valid(const char *name)
{
	size_t total = strlen(name);

	if (total > 0 && name[total - 1] == '.')
		total--;
	if (total == 0 || total > OCTETS_MAX)
		return false;
	for (size_t at = 0; at < total;) {
		size_t label = strcspn(name + at, ".");

		if (label == 0 || label > LABEL_MAX)
			return false;
		at += label + 1;
		/* Two dots at the end. */
		if (at == total)
			return false;
	}
	return true;
}

void
spf_name_text(char *out, const char *name)
{
	for (; *name != '\0'; name++) {
		if (printable(*name) && *name != ' ' && *name != '\\' && *name != '"')
			*out++ = *name;
		else
			out += snprintf(out, sizeof("\\255"), "\\%03u", (unsigned char)*name);
	}
	*out = '\0';
}

bool
spf_name_below(const char *name, const char *domain)
{
	size_t nlen = strlen(name), dlen = strlen(domain);

	if (dlen > 0 && domain[dlen - 1] == '.')
		dlen--;
	if (dlen == 0 || dlen > nlen || strncasecmp(name + nlen - dlen, domain, dlen) != 0)
		return false;
	return dlen == nlen || name[nlen - dlen - 1] == '.';
}

bool
spf_equal(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(text, word, len) == 0;
}
