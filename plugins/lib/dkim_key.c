/* SPDX-License-Identifier: MIT */
/*
 * dkim_key.c - public keys as DNS has them (RFC 6376 section 3.6.1, RFC 8301, RFC 8463)
 *
 * Arithmetic is OpenSSL's. Who publishes a key chooses what its use costs, so its size is bounded.
 */
#include "dkim_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "taglist.h"

/* Octets of p= behind base64: a key of DKIM_KEY_BITS_MOST has some 1,100. */
#define DER_SIZE 2048u
/* Of RSA's public exponent; 65537 is usual, and more bits are slow. */
#define EXPONENT_BITS_MOST 64
#define ED25519_SIZE	   32u

/* --- p= --- */

/* SubjectPublicKeyInfo, as most publish, or the bare RSAPublicKey of the grammar. */
static EVP_PKEY *
read_rsa(const unsigned char *der, size_t len)
{
	const unsigned char *p = der;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)len);

	if (pkey != NULL)
		return pkey;
	p = der;
	return d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)len);
}

static bool
exponent_small(const EVP_PKEY *pkey)
{
	BIGNUM *e = NULL;
	bool small = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
		     BN_num_bits(e) <= EXPONENT_BITS_MOST;

	BN_free(e);
	return small;
}

/* NULL: no memory. */
static EVP_PKEY_CTX *
make_ready(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);

	if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

static const char *
take_rsa(struct dkim_key *key, const unsigned char *der, size_t len)
{
	key->pkey = read_rsa(der, len);
	if (key->pkey == NULL || EVP_PKEY_get_base_id(key->pkey) != EVP_PKEY_RSA)
		return "p= of the key is no RSA key";
	key->bits = (unsigned)EVP_PKEY_get_bits(key->pkey);
	if (key->bits < DKIM_KEY_BITS_LEAST)
		return "an RSA key of less than 1024 bits";
	if (key->bits > DKIM_KEY_BITS_MOST || !exponent_small(key->pkey))
		return "an RSA key that is larger than anybody needs";
	key->ready = make_ready(key->pkey);
	return NULL;
}

static const char *
take_ed25519(struct dkim_key *key, const unsigned char *octets, size_t len)
{
	key->bits = 256;
	if (len == ED25519_SIZE)
		key->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, octets, len);
	return key->pkey == NULL ? "p= of the key is no Ed25519 key" : NULL;
}

static const char *
take_octets(struct dkim_key *key, const struct taglist_tag *p)
{
	unsigned char der[DER_SIZE];
	size_t len;

	if (p == NULL)
		return "the key has no p=";
	key->revoked = p->len == 0;
	if (key->revoked)
		return "the key is revoked (p= is empty)";
	len = taglist_base64(p->value, p->len, der, sizeof(der));
	if (len == 0)
		return "p= of the key is not base64, or too long";
	switch (key->type) {
	case DKIM_KEY_RSA:
		return take_rsa(key, der, len);
	case DKIM_KEY_ED25519:
		return take_ed25519(key, der, len);
	}
	return "";
}

/* --- the other tags --- */

/* The list has the word; a tag that is not there has all of them. */
static bool
has_item(const struct taglist_tag *tag, const char *word)
{
	const char *item;
	size_t at = 0, len;

	while (tag != NULL && taglist_item(tag, &at, &item, &len)) {
		if (taglist_is(item, len, word))
			return true;
	}
	return tag == NULL;
}

static bool
has_flag(const struct taglist *list, const char *flag)
{
	const struct taglist_tag *tag = taglist_find(list, "t");

	return tag != NULL && has_item(tag, flag);
}

static const char *
take_version(const struct taglist *list)
{
	const struct taglist_tag *v = taglist_find(list, "v");

	if (v == NULL)
		return NULL;
	if (v != &list->tags[0])
		return "v= of the key is not its first tag";
	return v->len == 5 && memcmp(v->value, "DKIM1", 5) == 0 ? NULL
								: "v= of the key is not DKIM1";
}

static const char *
take_type(struct dkim_key *key, const struct taglist_tag *k)
{
	if (k == NULL || taglist_is(k->value, k->len, "rsa"))
		key->type = DKIM_KEY_RSA;
	else if (taglist_is(k->value, k->len, "ed25519"))
		key->type = DKIM_KEY_ED25519;
	else
		return "a key of an unknown type (k=)";
	return NULL;
}

static const char *
take_tags(struct dkim_key *key, const struct taglist *list)
{
	const struct taglist_tag *s = taglist_find(list, "s");
	const char *why = take_version(list);

	key->testing = has_flag(list, "y");
	key->strict = has_flag(list, "s");
	key->sha256 = has_item(taglist_find(list, "h"), "sha256");
	if (why == NULL && !has_item(s, "email") && !has_item(s, "*"))
		why = "the key is not for mail (s=)";
	if (why == NULL && !key->sha256)
		why = "the key does not allow SHA-256 (h=)";
	if (why == NULL)
		why = take_type(key, taglist_find(list, "k"));
	return why != NULL ? why : take_octets(key, taglist_find(list, "p"));
}

bool
dkim_key_among(const char *text, size_t len)
{
	struct taglist list;
	const char *why;

	return taglist_parse(&list, text, len, &why) && take_version(&list) == NULL &&
	       taglist_find(&list, "p") != NULL;
}

void
dkim_key_read(struct dkim_key *key, const char *text, size_t len)
{
	struct taglist list;

	if (!taglist_parse(&list, text, len, &key->problem))
		key->problem = "the key is not a list of tags";
	else
		key->problem = take_tags(key, &list);
}

void
dkim_key_fini(struct dkim_key *key)
{
	EVP_PKEY_CTX_free(key->ready);
	EVP_PKEY_free(key->pkey);
	key->ready = NULL;
	key->pkey = NULL;
}

/* --- what it is for --- */

/* Threads share a key, and none of them may use its context: to copy it only reads it. */
static bool
verify_rsa(const struct dkim_key *key, const unsigned char *hash, const unsigned char *signature,
	size_t len)
{
	EVP_PKEY_CTX *ctx =
		key->ready != NULL ? EVP_PKEY_CTX_dup(key->ready) : make_ready(key->pkey);
	bool good = ctx != NULL && EVP_PKEY_verify(ctx, signature, len, hash, DIGEST_SIZE) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

static bool
verify_ed25519(
	EVP_PKEY *pkey, const unsigned char *hash, const unsigned char *signature, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		    EVP_DigestVerify(ctx, signature, len, hash, DIGEST_SIZE) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

bool
dkim_key_verify(const struct dkim_key *key, const unsigned char hash[DIGEST_SIZE],
	const unsigned char *signature, size_t len)
{
	if (key->problem != NULL)
		return false;
	switch (key->type) {
	case DKIM_KEY_RSA:
		return verify_rsa(key, hash, signature, len);
	case DKIM_KEY_ED25519:
		return verify_ed25519(key->pkey, hash, signature, len);
	}
	return false;
}

size_t
dkim_key_octets(const struct dkim_key *key, unsigned char *out, size_t size)
{
	int len;

	if (key->pkey == NULL)
		return 0;
	if (key->type == DKIM_KEY_ED25519)
		return EVP_PKEY_get_raw_public_key(key->pkey, out, &size) == 1 ? size : 0;
	len = i2d_PUBKEY(key->pkey, NULL);
	if (len <= 0 || (size_t)len > size)
		return 0;
	return i2d_PUBKEY(key->pkey, &out) == len ? (size_t)len : 0;
}
