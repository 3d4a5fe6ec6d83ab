/* SPDX-License-Identifier: MIT */
/*
 * dkim_key.h - public keys as DNS has them (RFC 6376 section 3.6.1, RFC 8301, RFC 8463)
 */
#ifndef PLUGINS_LIB_DKIM_KEY_H
#define PLUGINS_LIB_DKIM_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "digest.h"

/* RFC 8301 section 3.2: fewer never verify. More cost more than they are worth. */
#define DKIM_KEY_BITS_LEAST 1024u
#define DKIM_KEY_BITS_MOST  8192u

struct evp_pkey_ctx_st;
struct evp_pkey_st;

enum dkim_key_type { DKIM_KEY_RSA, DKIM_KEY_ED25519 };

/* A record that was read; nobody changes it any more, so threads may share it. */
struct dkim_key {
	const char *problem; /* why it verifies nothing, for people; NULL: it does */
	bool revoked;	     /* its p= is empty */
	bool testing;	     /* t=y */
	bool strict;	     /* t=s: no i= below d= */
	bool sha256;	     /* h= allows it */
	enum dkim_key_type type;
	unsigned bits; /* of an RSA modulus; 256 of Ed25519 */
	struct evp_pkey_st *pkey;
	struct evp_pkey_ctx_st *ready; /* RSA: to verify with, copied by each use; may be NULL */
};

/*
 * The record is one of keys, whatever the key is worth: it has p=, and no v= but DKIM1 (RFC 6376
 * section 3.6.1 has others discarded). Tells a key among several records.
 */
bool dkim_key_among(const char *text, size_t len);

/*
 * Reads a record, or finds it among those that were read before, which stay until others push them
 * out. NULL: no memory. To be given back with dkim_key_drop().
 */
const struct dkim_key *dkim_key_get(const char *text, size_t len);
void dkim_key_drop(const struct dkim_key *);

/* The signature is that of the hash (RFC 8017 section 8.2.2; RFC 8463 section 3). */
bool dkim_key_verify(const struct dkim_key *, const unsigned char hash[DIGEST_SIZE],
	const unsigned char *signature, size_t len);

/*
 * The key as p= has it, before base64: SubjectPublicKeyInfo of RSA, the 32 octets of Ed25519.
 * Returns how many octets; 0: there is no key, or it does not fit.
 */
size_t dkim_key_octets(const struct dkim_key *, unsigned char *out, size_t size);

/* --- for dkim_key_cache.c ----------------------------------------------------------------------
 */

/* Reads a record; the key is zeroed before. */
void dkim_key_read(struct dkim_key *, const char *text, size_t len);
void dkim_key_fini(struct dkim_key *);

#endif
