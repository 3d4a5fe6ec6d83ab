/* SPDX-License-Identifier: MIT */
/*
 * dmarc_from.h - the author domain of a message (RFC 9989 section 5.3.1)
 */
#ifndef PLUGINS_DMARC_FROM_H
#define PLUGINS_DMARC_FROM_H

#include <chainmail/plugin.h>

#include "dmarc_name.h"

enum dmarc_from {
	DMARC_FROM_ONE,	      /* one address with a domain */
	DMARC_FROM_ADDRESSES, /* several addresses of one domain */
	DMARC_FROM_DOMAINS,   /* addresses of several domains */
	DMARC_FROM_NONE,      /* no field, no address, or none with a domain */
	DMARC_FROM_FIELDS,    /* several From: fields */
	DMARC_FROM_BROKEN,    /* a field that cannot be read, and has not one domain alone */
	DMARC_FROMS
};

/*
 * What the message has, and the domain for the first two, "" else. from is the host's reading of
 * the fields, field the first of them as received, NULL: there is none.
 */
enum dmarc_from dmarc_from(
	const struct cm_from *from, size_t fields, const char *field, char domain[DMARC_NAME_SIZE]);
/* "has addresses of several domains"; of the first NULL. */
const char *dmarc_from_words(enum dmarc_from);

#endif
