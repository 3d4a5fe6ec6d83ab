/* SPDX-License-Identifier: MIT */
/*
 * dkim_private.c - private keys: what they sign, and the record that DNS must serve
 *
 * Arithmetic is OpenSSL's. Files are another part's.
 */
#include "dkim_private.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dkim_sig.h"
#include "taglist.h"

/* Of a public key (RFC 8032 section 5.1.5). */
#define ED25519_SIZE 32u

/* --- reading --- */

/* A daemon has nobody to ask for a passphrase. */
static int
no_passphrase(char *out, int size, int writing, void *context)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)context;
	return 0;
}

static const char *
take(struct dkim_private *key)
{
	key->bits = (unsigned)EVP_PKEY_get_bits(key->pkey);
	switch (EVP_PKEY_get_base_id(key->pkey)) {
	case EVP_PKEY_RSA:
		key->type = DKIM_KEY_RSA;
		if (key->bits < DKIM_KEY_BITS_LEAST)
			return "an RSA key of less than 1024 bits, which nobody accepts";
		return key->bits > DKIM_KEY_BITS_MOST ? "an RSA key of more than 8192 bits" : NULL;
	case EVP_PKEY_ED25519:
		key->type = DKIM_KEY_ED25519;
		key->bits = 256;
		return NULL;
	default:
		return "neither an RSA nor an Ed25519 key";
	}
}

struct dkim_private *
dkim_private_parse(const void *pem, size_t len, const char **why)
{
	struct dkim_private *key = calloc(1, sizeof(*key));
	BIO *bio = len > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);

	*why = key == NULL || bio == NULL ? "no memory" : NULL;
	if (*why == NULL) {
		key->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
		*why = key->pkey == NULL ? "no private key in PEM, or one with a passphrase"
					 : take(key);
	}
	BIO_free(bio);
	if (*why == NULL)
		return key;
	dkim_private_free(key);
	return NULL;
}

void
dkim_private_free(struct dkim_private *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

/* --- making --- */

struct dkim_private *
dkim_private_new(enum dkim_key_type type, unsigned bits)
{
	struct dkim_private *key = calloc(1, sizeof(*key));

	if (key == NULL)
		return NULL;
	switch (type) {
	case DKIM_KEY_RSA:
		key->pkey = EVP_RSA_gen(bits);
		break;
	case DKIM_KEY_ED25519:
		key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	}
	if (key->pkey != NULL && take(key) == NULL)
		return key;
	dkim_private_free(key);
	return NULL;
}

size_t
dkim_private_pem(const struct dkim_private *key, char **pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long len = 0;

	*pem = NULL;
	if (bio != NULL &&
		PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1)
		len = BIO_get_mem_data(bio, &data);
	if (len > 0)
		*pem = OPENSSL_memdup(data, (size_t)len);
	/* A memory BIO does not wipe what it held. */
	if (len > 0)
		OPENSSL_cleanse(data, (size_t)len);
	BIO_free(bio);
	return *pem == NULL ? 0 : (size_t)len;
}

void
dkim_private_wipe(void *data, size_t len)
{
	OPENSSL_cleanse(data, len);
}

void
dkim_private_pem_free(char *pem, size_t len)
{
	OPENSSL_clear_free(pem, len);
}

/* --- signing --- */

static size_t
sign_rsa(EVP_PKEY *pkey, const unsigned char *hash, unsigned char *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	size_t len = DKIM_PRIVATE_OCTETS;
	bool done = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		    EVP_PKEY_sign(ctx, out, &len, hash, DIGEST_SIZE) == 1;

	EVP_PKEY_CTX_free(ctx);
	return done ? len : 0;
}

static size_t
sign_ed25519(EVP_PKEY *pkey, const unsigned char *hash, unsigned char *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = DKIM_PRIVATE_OCTETS;
	bool done = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		    EVP_DigestSign(ctx, out, &len, hash, DIGEST_SIZE) == 1;

	EVP_MD_CTX_free(ctx);
	return done ? len : 0;
}

size_t
dkim_private_sign(
	const struct dkim_private *key, const unsigned char hash[DIGEST_SIZE], unsigned char *out)
{
	switch (key->type) {
	case DKIM_KEY_RSA:
		return sign_rsa(key->pkey, hash, out);
	case DKIM_KEY_ED25519:
		return sign_ed25519(key->pkey, hash, out);
	}
	return 0;
}

const char *
dkim_private_algorithm(const struct dkim_private *key)
{
	switch (key->type) {
	case DKIM_KEY_RSA:
		return dkim_sig_algorithm_name(DKIM_SIG_RSA_SHA256);
	case DKIM_KEY_ED25519:
		return dkim_sig_algorithm_name(DKIM_SIG_ED25519_SHA256);
	}
	return "";
}

/* --- the record --- */

/* What p= holds: SubjectPublicKeyInfo, or the bare octets of RFC 8463 section 4. For
   OPENSSL_free(). */
static size_t
public_octets(const struct dkim_private *key, unsigned char **out)
{
	size_t len = ED25519_SIZE;
	int der;

	*out = NULL;
	switch (key->type) {
	case DKIM_KEY_RSA:
		der = i2d_PUBKEY(key->pkey, out);
		return der > 0 ? (size_t)der : 0;
	case DKIM_KEY_ED25519:
		*out = OPENSSL_malloc(len);
		if (*out != NULL && EVP_PKEY_get_raw_public_key(key->pkey, *out, &len) == 1)
			return len;
		break;
	}
	return 0;
}

bool
dkim_private_record(const struct dkim_private *key, char out[DKIM_PRIVATE_RECORD_SIZE])
{
	const char *type = key->type == DKIM_KEY_RSA ? "rsa" : "ed25519";
	int head = snprintf(out, DKIM_PRIVATE_RECORD_SIZE, "v=DKIM1; k=%s; p=", type);
	unsigned char *octets;
	size_t len = public_octets(key, &octets);
	bool fits = len > 0 && taglist_write_base64(octets, len, out + head,
				       DKIM_PRIVATE_RECORD_SIZE - (size_t)head);

	OPENSSL_free(octets);
	return fits;
}

bool
dkim_private_matches(const struct dkim_private *key, const struct dkim_key *public)
{
	return public->pkey != NULL && EVP_PKEY_eq(key->pkey, public->pkey) == 1;
}
