/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign.h - private keys, and what is signed with them (RFC 6376 section 3.3, RFC 8463)
 */
#ifndef PLUGINS_LIB_DKIM_SIGN_H
#define PLUGINS_LIB_DKIM_SIGN_H

#include "dkim_key.h"
#include "dkim_sig.h"

/* A signature of DKIM_SIG_OCTETS_MOST octets in base64, with its end. */
#define DKIM_SIGN_TEXT_SIZE (DKIM_SIG_OCTETS_MOST / 3 * 4 + 8)
/* A hash in base64, with its end. */
#define DKIM_SIGN_HASH_SIZE 48u

/* Nobody changes it once it is open, so threads may share it. */
struct dkim_signer {
	struct evp_pkey_st *pkey;
	enum dkim_sig_algorithm algorithm; /* rsa-sha256 or ed25519-sha256 */
};

/*
 * Reads a PEM file with an RSA or Ed25519 key. False: why says so for people: it cannot be read, is
 * somebody else's, others may read or change it, it is encrypted, of another kind, or an RSA key of
 * less than 1024 bits (RFC 8301 section 3.2).
 */
bool dkim_signer_open(struct dkim_signer *, const char *path, char *why, size_t why_size);
void dkim_signer_close(struct dkim_signer *);

/* The signature of a hash, in base64. False: OpenSSL failed. */
bool dkim_signer_sign(const struct dkim_signer *, const unsigned char hash[DIGEST_SIZE],
	char text[DKIM_SIGN_TEXT_SIZE]);
/* A hash in base64, as bh= has it. */
void dkim_sign_hash_text(const unsigned char hash[DIGEST_SIZE], char text[DKIM_SIGN_HASH_SIZE]);

#endif
