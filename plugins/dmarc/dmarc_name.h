/* SPDX-License-Identifier: MIT */
/*
 * dmarc_name.h - domain names as DMARC compares them
 *
 * One spelling: lower case, A-labels (RFC 5890), no last dot. All pointers are into the names
 * given.
 */
#ifndef PLUGINS_DMARC_NAME_H
#define PLUGINS_DMARC_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Octets of a name with its NUL (RFC 1035 section 2.3.4). */
#define DMARC_NAME_SIZE 254u

/*
 * The one spelling of a name in any; U-labels become A-labels (RFC 9989 section 4.7). False, and
 * out is empty: no host could have that name.
 */
bool dmarc_name(char out[DMARC_NAME_SIZE], const char *text);
size_t dmarc_name_labels(const char *name);
/* The name without its first label; NULL: it has no other. */
const char *dmarc_name_parent(const char *name);
/* The last so many labels of a name that has as many. */
const char *dmarc_name_last(const char *name, size_t labels);
/* The name is top, or below it. */
bool dmarc_name_within(const char *name, const char *top);

#endif
