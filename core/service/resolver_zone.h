/* SPDX-License-Identifier: MIT */
/*
 * resolver_zone.h - what a zone file says
 *
 * One record a line: NAME [TTL] TYPE VALUE, or NAME [TYPE] and how the question fails. For tests,
 * `explain --zone` and whoever wants to know what would be if DNS said so. Inside resolver*.c only.
 */
#ifndef CORE_SERVICE_RESOLVER_ZONE_H
#define CORE_SERVICE_RESOLVER_ZONE_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"
#include "resolver.h"

struct diag;

struct zone_record {
	struct zone_record *next;
	enum cm_dns_type type;
	uint32_t ttl;
	enum cm_dns_status fails; /* CM_DNS_FOUND: it is a record */
	unsigned preference;
	const char *text; /* a name (canonical), the text of TXT, or the address as octets */
	size_t len;
};

struct zone_name {
	struct zone_record *records, **last;
	enum cm_dns_status fails; /* every question without a record; CM_DNS_FOUND: none does */
};

struct zone {
	struct arena arena;
	struct table names; /* canonical name to struct zone_name */
	/* Told of each question that no line answers, which fails; NULL: there is no such name. */
	resolver_missed *missed;
	void *context;
};

/* False when errors were reported. */
bool zone_read(struct zone *, const char *path, struct diag *);
/* The same from memory; path: for messages. */
bool zone_read_text(struct zone *, const char *path, const char *text, size_t len, struct diag *);
/* The name's entry, made when it is not there, with those of the names above it. */
struct zone_name *zone_add_name(struct zone *, const char *name);

#endif
