/* SPDX-License-Identifier: MIT */
/*
 * owner.h - whose an address is, as Postfix's smtpd_sender_login_maps says it
 *
 * The keys to look up for an address, and the logins of a value. Maps are somebody else's.
 */
#ifndef PLUGINS_LIB_OWNER_H
#define PLUGINS_LIB_OWNER_H

#include <stdbool.h>

/* Octets of an address that is looked up (RFC 5321 section 4.5.3.1 allows 320). */
#define OWNER_KEY_SIZE 512

/* A login of the list, in any case; its items are separated by white space and commas. */
bool owner_listed(const char *owners, const char *login);
/*
 * The n-th key under which an address may stand, or NULL behind the last; "" is skipped. The first
 * that is found decides. delimiters: characters that begin a tag (user+tag@domain); NULL: none.
 */
const char *owner_key(char out[OWNER_KEY_SIZE], const char *addr, const char *domain,
	const char *delimiters, unsigned n);

#endif
