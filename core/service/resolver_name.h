/* SPDX-License-Identifier: MIT */
/*
 * resolver_name.h - names of DNS as text, in one form
 *
 * Canonical: lower case, no last dot, every octet that is no visible ASCII, and every dot or
 * backslash inside a label, as \DDD. So equal names are equal texts, and none surprises who shows
 * it.
 */
#ifndef CORE_SERVICE_RESOLVER_NAME_H
#define CORE_SERVICE_RESOLVER_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* 253 octets of a name, each written as \DDD. */
#define RESOLVER_NAME_SIZE 1024

/*
 * Octets of the canonical text in out. \DDD and \c are escapes in text, as in zone files. False for
 * a name that cannot be asked for: empty labels, a label over 63 octets, over 255 octets on the
 * wire (RFC 1035 section 2.3.4), a broken escape. "" and "." are the root.
 */
bool resolver_name(const char *text, char out[RESOLVER_NAME_SIZE], size_t *len);

#endif
