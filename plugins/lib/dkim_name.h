/* SPDX-License-Identifier: MIT */
/*
 * dkim_name.h - names of domains and selectors (RFC 6376 section 3.5)
 */
#ifndef PLUGINS_LIB_DKIM_NAME_H
#define PLUGINS_LIB_DKIM_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* A domain name of 253 octets, with its end. */
#define DKIM_NAME_SIZE 254u

/*
 * Letters, digits, "-" and "_" in labels of at most 63 octets, with dots between and none at an end
 * (RFC 5321 section 4.1.2; "_" is seen). labels_least: 2 for d=, 1 for s=.
 */
bool dkim_name_valid(const char *text, size_t len, size_t labels_least);

/*
 * The one spelling of such a name: in lower case, and U-labels, which stand in headers with letters
 * above ASCII, as A-labels (RFC 8616 section 5). False, and out is empty: it is no such name.
 */
bool dkim_name_read(char out[DKIM_NAME_SIZE], const char *text, size_t len, size_t labels_least);

/* SELECTOR._domainkey.DOMAIN of two names that are valid, with its end. */
#define DKIM_NAME_KEY_SIZE (2 * DKIM_NAME_SIZE + sizeof("._domainkey."))

/*
 * Where DNS has the key (RFC 6376 section 3.6.2.1). False: a name in DNS has at most 253 octets,
 * and this one has more; it is written all the same.
 */
bool dkim_name_key(char out[DKIM_NAME_KEY_SIZE], const char *selector, const char *domain);

#endif
