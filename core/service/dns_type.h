/* SPDX-License-Identifier: MIT */
/*
 * dns_type.h - the types of DNS records that can be asked for, by name
 */
#ifndef CORE_SERVICE_DNS_TYPE_H
#define CORE_SERVICE_DNS_TYPE_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>

struct dns_type {
	const char *name; /* as in zone files: "MX" (RFC 1035 section 3.2.2, RFC 3596) */
	enum cm_dns_type type;
};

/* Sorted by name. */
extern const struct dns_type dns_types[];
extern const size_t dns_type_count;

/* The names of the table, for messages. */
#define DNS_TYPE_NAMES "A AAAA CNAME MX NS PTR TXT"

/* NULL: nothing that can be asked for. Lives for ever. */
const char *dns_type_name(enum cm_dns_type);
/* In any case of letters; false: there is none of that name. */
bool dns_type_find(const char *name, enum cm_dns_type *);

#endif
