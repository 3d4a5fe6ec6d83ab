/* SPDX-License-Identifier: MIT */
/*
 * idn.c - domain names in U-labels, as DNS has them (RFC 5890, RFC 8616)
 *
 * The only file that includes libidn2. A name of ASCII is not shown to it: it would refuse names
 * that are in use, such as those with an underscore.
 */
#include "idn.h"

#include <idn2.h>
#include <stdio.h>
#include <string.h>

/* Octets of a name, of which none in DNS has so many in any spelling (RFC 1035 section 2.3.4). */
#define NAME_MOST (4 * 254u)

bool
idn_wanted(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && (text[i] & 0x80) == 0)
		i++;
	return i < len;
}

bool
idn_to_ascii(const char *text, size_t len, char *out, size_t size)
{
	char name[NAME_MOST + 1], *ascii = NULL;
	bool ok;

	if (len > NAME_MOST || memchr(text, '\0', len) != NULL)
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	ok = idn2_to_ascii_8z(name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
	     snprintf(out, size, "%s", ascii) < (int)size;
	idn2_free(ascii);
	return ok;
}
