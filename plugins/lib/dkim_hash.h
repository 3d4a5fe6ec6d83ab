/* SPDX-License-Identifier: MIT */
/*
 * dkim_hash.h - the hash of the header fields that a signature covers (RFC 6376 section 3.7)
 */
#ifndef PLUGINS_LIB_DKIM_HASH_H
#define PLUGINS_LIB_DKIM_HASH_H

#include "dkim_sig.h"

/* The fields of a message, so that those of a name are found from the bottom up. */
struct dkim_fields {
	size_t count;
	const struct canon_field *items; /* borrowed */
	struct dkim_field_place *places;
};

/* False: no memory. The items stay where they are until dkim_fields_fini(). */
bool dkim_fields_init(struct dkim_fields *, const struct canon_field *items, size_t count);
void dkim_fields_fini(struct dkim_fields *);

/*
 * The places of the fields that h= names, in that order, each name taking the next one from the
 * bottom (section 5.4.2); a name without a field left is nothing. self: the signature's own field,
 * which h= cannot mean (fields->count: none). Returns how many.
 */
size_t dkim_hash_pick(const struct dkim_fields *, const struct dkim_sig *, size_t self,
	size_t picked[DKIM_SIG_NAMES_MOST]);
/* Puts them. */
void
dkim_hash_names(struct digest *, const struct dkim_fields *, const struct dkim_sig *, size_t self);
/* Puts the signature's own field with b= empty, and no line break behind it. */
void dkim_hash_self(struct digest *, const struct canon_field *, const struct dkim_sig *);
/* Both, and what they hash to. False: OpenSSL failed. */
bool dkim_hash(const struct dkim_fields *, const struct dkim_sig *, size_t self,
	unsigned char out[DIGEST_SIZE]);

#endif
