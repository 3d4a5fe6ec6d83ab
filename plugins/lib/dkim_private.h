/* SPDX-License-Identifier: MIT */
/*
 * dkim_private.h - private keys: their files, what they sign, and the record that DNS must serve
 *
 * A key is DIR/DOMAIN/SELECTOR.pem. Whoever may write there may sign as the domain once the daemon
 * reads it, and whoever may read it at once, so a key that others can reach is not used.
 */
#ifndef PLUGINS_LIB_DKIM_PRIVATE_H
#define PLUGINS_LIB_DKIM_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "digest.h"
#include "dkim_key.h"

/* Why something about a key cannot be done, with its file and what to do. */
#define DKIM_PRIVATE_WHY 768u
/* Octets of a signature: RSA with DKIM_KEY_BITS_MOST. */
#define DKIM_PRIVATE_OCTETS (DKIM_KEY_BITS_MOST / 8)
/* Of a record, with its end. */
#define DKIM_PRIVATE_RECORD_SIZE 2048u
/* Bits of an RSA key that is made (RFC 8301 section 3.2; more does not fit into a DNS packet). */
#define DKIM_PRIVATE_BITS_LEAST 2048u
#define DKIM_PRIVATE_BITS_MOST	4096u

/* Nobody changes it any more, so threads may share it. */
struct dkim_private {
	enum dkim_key_type type;
	unsigned bits;
	struct evp_pkey_st *pkey;
};

/* Whose key it is. */
struct dkim_private_name {
	const char *dir, *domain, *selector;
};

/* Reads PEM: PKCS #8 or the traditional form of RSA, without a passphrase. NULL: *why says why. */
struct dkim_private *dkim_private_parse(const void *pem, size_t len, const char **why);
void dkim_private_free(struct dkim_private *);

/*
 * Reads a key's file, if nobody but root, the user that we are and perhaps their group can read it,
 * and nobody else can write to its directories.
 */
struct dkim_private *
dkim_private_load(const struct dkim_private_name *, char *why, size_t why_size);
/* The same for a file by its path, whose directories are nobody's business. */
struct dkim_private *dkim_private_read(const char *path, char *why, size_t why_size);

/* A new key. NULL: OpenSSL could not. bits: of RSA. */
struct dkim_private *dkim_private_new(enum dkim_key_type, unsigned bits);
/*
 * Writes the key into its file, mode 0600 or, with a group that is not -1, 0640, and makes the
 * directories that lack. A file that is there stays, and that is an error; so are directories that
 * others can write to, for the key would not be used. path: room for its name, at least PATH_MAX.
 */
bool dkim_private_save(const struct dkim_private *, const struct dkim_private_name *, gid_t,
	char *path, char *why, size_t why_size);

/*
 * The signature of a hash; out has DKIM_PRIVATE_OCTETS. 0: OpenSSL failed (RFC 8017 section 8.2.1;
 * RFC 8463 section 3).
 */
size_t dkim_private_sign(
	const struct dkim_private *, const unsigned char hash[DIGEST_SIZE], unsigned char *out);

/* As a= has it: "rsa-sha256". */
const char *dkim_private_algorithm(const struct dkim_private *);
/* The record of RFC 6376 section 3.6.1: "v=DKIM1; k=rsa; p=...". False: it does not fit. */
bool dkim_private_record(const struct dkim_private *, char out[DKIM_PRIVATE_RECORD_SIZE]);
/* The public key is this one's. */
bool dkim_private_matches(const struct dkim_private *, const struct dkim_key *);

/* --- for dkim_private_file.c -------------------------------------------------------------------
 */

/* PKCS #8 in PEM, for OPENSSL_free(); 0: OpenSSL failed. */
size_t dkim_private_pem(const struct dkim_private *, char **pem);
/* Forgets a text that held a key, and frees what dkim_private_pem() gave. */
void dkim_private_wipe(void *, size_t len);
void dkim_private_pem_free(char *pem, size_t len);

#endif
