/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign.c - private keys, and what is signed with them (RFC 6376 section 3.3, RFC 8463)
 *
 * Whoever has the key can speak for the domain, so a file that others than its owner and its group
 * can read is refused: it would be noticed too late.
 */
#include "dkim_sign.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the file --- */

static bool
complain(char *why, size_t why_size, const char *path, const char *what)
{
	snprintf(why, why_size, "%.300s: %s", path, what);
	return false;
}

/* NULL: it is as it should be. */
static const char *
file_problem(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "a key must be a file";
	/* Root reads it to see that it can be read, and then the user does (main.user). */
	if (st->st_uid != 0 && st->st_uid != geteuid() && geteuid() != 0)
		return "a key must belong to root or to the user of this process";
	if ((st->st_mode & (S_IRWXO | S_IWGRP)) != 0)
		return "others can read or change the key: chmod 0640, or less";
	return NULL;
}

/* An encrypted key asks for a passphrase, and nobody is there to tell it. */
static int
no_passphrase(char *out, int size, int writing, void *asked)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static const char *
key_problem(struct dkim_signer *signer, bool encrypted)
{
	if (encrypted)
		return "the key is encrypted: openssl pkey takes the passphrase away";
	if (signer->pkey == NULL)
		return "there is no private key in PEM format in it";
	switch (EVP_PKEY_get_base_id(signer->pkey)) {
	case EVP_PKEY_RSA:
		signer->algorithm = DKIM_SIG_RSA_SHA256;
		break;
	case EVP_PKEY_ED25519:
		signer->algorithm = DKIM_SIG_ED25519_SHA256;
		return NULL;
	default:
		return "the key is neither RSA nor Ed25519";
	}
	if ((unsigned)EVP_PKEY_get_bits(signer->pkey) < DKIM_KEY_BITS_LEAST)
		return "an RSA key of less than 1024 bits";
	if ((unsigned)EVP_PKEY_get_bits(signer->pkey) > DKIM_KEY_BITS_MOST)
		return "an RSA key of more than 8192 bits";
	return NULL;
}

static const char *
read_key(struct dkim_signer *signer, int fd)
{
	FILE *f = fdopen(dup(fd), "r");
	bool encrypted = false;

	if (f == NULL)
		return strerror(errno);
	signer->pkey = PEM_read_PrivateKey(f, NULL, no_passphrase, &encrypted);
	fclose(f);
	ERR_clear_error();
	return key_problem(signer, encrypted);
}

bool
dkim_signer_open(struct dkim_signer *signer, const char *path, char *why, size_t why_size)
{
	/* Of a pipe, say, that nobody writes to. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *problem;
	struct stat st;

	*signer = (struct dkim_signer){0};
	if (fd < 0)
		return complain(why, why_size, path, strerror(errno));
	problem = fstat(fd, &st) != 0 ? strerror(errno) : file_problem(&st);
	if (problem == NULL)
		problem = read_key(signer, fd);
	close(fd);
	if (problem == NULL)
		return true;
	dkim_signer_close(signer);
	return complain(why, why_size, path, problem);
}

void
dkim_signer_close(struct dkim_signer *signer)
{
	EVP_PKEY_free(signer->pkey);
	signer->pkey = NULL;
}

/* --- signing --- */

static bool
sign_rsa(EVP_PKEY *pkey, const unsigned char *hash, unsigned char *out, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool done = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		    EVP_PKEY_sign(ctx, out, len, hash, DIGEST_SIZE) == 1;

	EVP_PKEY_CTX_free(ctx);
	return done;
}

/* RFC 8463 section 3: the hash is the message. */
static bool
sign_ed25519(EVP_PKEY *pkey, const unsigned char *hash, unsigned char *out, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool done = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		    EVP_DigestSign(ctx, out, len, hash, DIGEST_SIZE) == 1;

	EVP_MD_CTX_free(ctx);
	return done;
}

bool
dkim_signer_sign(const struct dkim_signer *signer, const unsigned char hash[DIGEST_SIZE],
	char text[DKIM_SIGN_TEXT_SIZE])
{
	unsigned char octets[DKIM_SIG_OCTETS_MOST];
	size_t len = sizeof(octets);
	bool done = signer->algorithm == DKIM_SIG_ED25519_SHA256
			    ? sign_ed25519(signer->pkey, hash, octets, &len)
			    : sign_rsa(signer->pkey, hash, octets, &len);

	ERR_clear_error();
	if (done)
		EVP_EncodeBlock((unsigned char *)text, octets, (int)len);
	return done;
}

void
dkim_sign_hash_text(const unsigned char hash[DIGEST_SIZE], char text[DKIM_SIGN_HASH_SIZE])
{
	EVP_EncodeBlock((unsigned char *)text, hash, DIGEST_SIZE);
}
