/* SPDX-License-Identifier: MIT */
/*
 * dns_type.c - the types of DNS records that can be asked for, by name
 *
 * Separate from the resolver, for zone files, tests of rules and people name types, too.
 */
#include "dns_type.h"

#include <strings.h>

const struct dns_type dns_types[] = {
	{"A", CM_DNS_A},
	{"AAAA", CM_DNS_AAAA},
	{"CNAME", CM_DNS_CNAME},
	{"MX", CM_DNS_MX},
	{"NS", CM_DNS_NS},
	{"PTR", CM_DNS_PTR},
	{"TXT", CM_DNS_TXT},
};

const size_t dns_type_count = sizeof(dns_types) / sizeof(*dns_types);

const char *
dns_type_name(enum cm_dns_type type)
{
	for (size_t i = 0; i < dns_type_count; i++) {
		if (dns_types[i].type == type)
			return dns_types[i].name;
	}
	return NULL;
}

bool
dns_type_find(const char *name, enum cm_dns_type *type)
{
	for (size_t i = 0; i < dns_type_count; i++) {
		if (strcasecmp(dns_types[i].name, name) == 0) {
			*type = dns_types[i].type;
			return true;
		}
	}
	return false;
}
