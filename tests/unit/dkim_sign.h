/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign.h - signs messages for tests
 *
 * With the hashes of plugins/lib; that these are right is shown by signatures that others made.
 */
#ifndef TESTS_UNIT_DKIM_SIGN_H
#define TESTS_UNIT_DKIM_SIGN_H

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "../../plugins/lib/taglist.h"
#include "dkim_case.h"

/* A hash and a signature before they are known. */
#define DKIM_SIGN_NO_HASH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define DKIM_SIGN_NO_B	  "AAAA"

static inline void
dkim_sign_must(bool holds)
{
	if (!holds)
		abort();
}

/* bits 0: Ed25519. */
static inline EVP_PKEY *
dkim_sign_new_key(unsigned bits)
{
	EVP_PKEY *key = bits == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
				  : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);

	dkim_sign_must(key != NULL);
	return key;
}

/* p= of its record; out has 4096 octets, or 64 for Ed25519. */
static inline void
dkim_sign_public(EVP_PKEY *key, bool bare, char *out)
{
	unsigned char der[2048], *p = der;
	bool ed25519 = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
	size_t len = sizeof(der);

	if (ed25519)
		dkim_sign_must(EVP_PKEY_get_raw_public_key(key, der, &len) == 1);
	else
		len = (size_t)(bare ? i2d_PublicKey(key, &p) : i2d_PUBKEY(key, &p));
	dkim_sign_must(taglist_write_base64(der, len, out, ed25519 ? 64 : 4096));
}

static inline size_t
dkim_sign_hash(
	EVP_PKEY *key, const unsigned char hash[DIGEST_SIZE], unsigned char *out, size_t size)
{
	EVP_PKEY_CTX *ctx = NULL;
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
		dkim_sign_must(EVP_DigestSignInit(md, NULL, NULL, NULL, key) == 1);
		dkim_sign_must(EVP_DigestSign(md, out, &size, hash, DIGEST_SIZE) == 1);
	} else {
		ctx = EVP_PKEY_CTX_new(key, NULL);
		dkim_sign_must(EVP_PKEY_sign_init(ctx) == 1 &&
			       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
			       EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
			       EVP_PKEY_sign(ctx, out, &size, hash, DIGEST_SIZE) == 1);
	}
	EVP_PKEY_CTX_free(ctx);
	EVP_MD_CTX_free(md);
	return size;
}

static inline void
dkim_sign_body(const struct dkim_case *c, const struct dkim_sig *sig, unsigned char *hash)
{
	struct canon_body b;

	dkim_sign_must(canon_body_init(&b, sig->body, sig->limit));
	canon_body_put(&b, c->body, c->body_len);
	dkim_sign_must(canon_body_end(&b, hash));
	canon_body_fini(&b);
}

/* The octets of b= of the message's first field. */
static inline size_t
dkim_sign_make(const struct dkim_case *c, EVP_PKEY *key, unsigned char *out, size_t size)
{
	unsigned char hash[DIGEST_SIZE];
	struct dkim_fields fields;
	struct dkim_sig sig;
	const char *why;

	(void)dkim_sig_read(&sig, DKIM_SIG_DKIM, c->fields[0].value, c->fields[0].len, &why);
	dkim_sign_must(dkim_fields_init(&fields, c->fields, c->field_count));
	dkim_sign_must(dkim_hash(&fields, &sig, 0, hash));
	dkim_fields_fini(&fields);
	return dkim_sign_hash(key, hash, out, size);
}

static inline char *
dkim_sign_compose(const char *tags, const char *bh, const char *b, const char *message, size_t *len)
{
	char *text = NULL;
	int n = asprintf(&text, "DKIM-Signature: %s; bh=%s;\r\n\tb=%s\r\n", tags, bh, b);
	size_t mlen = *len;

	dkim_sign_must(n > 0);
	text = realloc(text, (size_t)n + mlen + 1);
	memcpy(text + n, message, mlen);
	text[(size_t)n + mlen] = '\0';
	*len += (size_t)n;
	return text;
}

/*
 * The message with a signature in front, to be freed; tags are those without bh= and b=. The
 * message's lines end in CRLF, or as the caller has it.
 */
static inline char *
dkim_sign(const char *tags, EVP_PKEY *key, const char *message, size_t *len)
{
	size_t first = *len, second = *len;
	unsigned char hash[DIGEST_SIZE], octets[DKIM_SIG_OCTETS_MOST];
	char bh[64], b[2048], *text;
	struct dkim_case *c = malloc(sizeof(*c));
	struct dkim_sig sig;
	const char *why;

	text = dkim_sign_compose(tags, DKIM_SIGN_NO_HASH, DKIM_SIGN_NO_B, message, &first);
	dkim_case_init(c, text, first, true);
	(void)dkim_sig_read(&sig, DKIM_SIG_DKIM, c->fields[0].value, c->fields[0].len, &why);
	dkim_sign_body(c, &sig, hash);
	dkim_case_fini(c);
	free(text);
	dkim_sign_must(taglist_write_base64(hash, sizeof(hash), bh, sizeof(bh)));
	text = dkim_sign_compose(tags, bh, DKIM_SIGN_NO_B, message, &second);
	dkim_case_init(c, text, second, true);
	first = dkim_sign_make(c, key, octets, sizeof(octets));
	dkim_case_fini(c);
	free(text);
	free(c);
	dkim_sign_must(taglist_write_base64(octets, first, b, sizeof(b)));
	return dkim_sign_compose(tags, bh, b, message, len);
}

#endif
