/* SPDX-License-Identifier: MIT */
/*
 * address_loose.h - a path in any spelling that an MTA takes, without what it throws away
 */
#ifndef CORE_MAIL_ADDRESS_LOOSE_H
#define CORE_MAIL_ADDRESS_LOOSE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct loose {
	const char *path; /* "local@domain" or "local", as spelt; "": the null sender */
	size_t local_len;
	const char *domain; /* in path; NULL: none */
};

/*
 * Without brackets, comments, blanks and source route (RFC 822 section 3.4 and 6.1). False for what
 * two MTAs could take for two mailboxes, and for what is none at all.
 */
bool loose_parse(struct loose *, struct arena *, const char *text);

#endif
