/* SPDX-License-Identifier: MIT */
/*
 * idn.h - domain names in U-labels, as DNS has them (RFC 5890, RFC 8616)
 */
#ifndef PLUGINS_LIB_IDN_H
#define PLUGINS_LIB_IDN_H

#include <stdbool.h>
#include <stddef.h>

/* Some octet is above ASCII. */
bool idn_wanted(const char *text, size_t len);
/*
 * Writes the name with A-labels for its U-labels. False: it is no name that a host could have, or
 * does not fit into size octets. What comes out is ASCII, and not checked otherwise.
 */
bool idn_to_ascii(const char *text, size_t len, char *out, size_t size);

#endif
