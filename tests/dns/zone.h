/* SPDX-License-Identifier: MIT */
/*
 * zone.h - the records of a text file, by name
 *
 * One record a line: NAME [TTL] TYPE VALUE, types A AAAA CNAME MX NS PTR TXT, with wildcards as
 * RFC 4592 has them; "#" begins a comment. NAME do WORD... gives a name the behaviours of these
 * words (behave.h).
 */
#ifndef TESTS_DNS_ZONE_H
#define TESTS_DNS_ZONE_H

#include "packet.h"

struct zone;

struct zone_record {
	struct zone_record *next; /* of the same name */
	uint16_t type;
	uint32_t ttl;
	size_t len;
	unsigned char rdata[];
};

struct zone_node {
	struct zone_node *next;
	struct name name;
	struct zone_record *records; /* in the order of the file */
	char *words;		     /* of its line "do"; NULL: none */
};

/* Ends the program, with file, line and reason, for a file that is not like that; known says which
   words there are. */
struct zone *zone_read(const char *path, bool (*known)(const char *word));
/* That name, or the wildcard that stands for it; NULL: no such name. A NULL zone has none. */
const struct zone_node *zone_find(const struct zone *, const struct name *);

#endif
