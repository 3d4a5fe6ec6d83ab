/* SPDX-License-Identifier: MIT */
/*
 * digest.c - SHA-256 of what comes in pieces
 */
#include "digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

/* Pieces of this size and more are hashed where they are. */
#define LARGE 1024u

/* Looking it up by name takes a lock; once is enough. Set once, then only read. */
static EVP_MD *sha256;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

bool
digest_init(struct digest *d)
{
	pthread_once(&once, fetch);
	d->len = 0;
	d->ctx = EVP_MD_CTX_new();
	d->failed =
		d->ctx == NULL || sha256 == NULL || EVP_DigestInit_ex2(d->ctx, sha256, NULL) != 1;
	return !d->failed;
}

static void
update(struct digest *d, const void *data, size_t len)
{
	if (!d->failed && EVP_DigestUpdate(d->ctx, data, len) != 1)
		d->failed = true;
}

static void
flush(struct digest *d)
{
	if (d->len > 0)
		update(d, d->data, d->len);
	d->len = 0;
}

void
digest_put(struct digest *d, const void *data, size_t len)
{
	if (len >= LARGE || len > sizeof(d->data) - d->len)
		flush(d);
	if (len >= LARGE) {
		update(d, data, len);
		return;
	}
	memcpy(d->data + d->len, data, len);
	d->len += len;
}

bool
digest_copy(struct digest *d, const struct digest *from)
{
	d->ctx = EVP_MD_CTX_new();
	d->failed = from->failed || d->ctx == NULL || EVP_MD_CTX_copy_ex(d->ctx, from->ctx) != 1;
	d->len = from->len;
	memcpy(d->data, from->data, from->len);
	return !d->failed;
}

bool
digest_end(struct digest *d, unsigned char out[DIGEST_SIZE])
{
	flush(d);
	if (!d->failed && EVP_DigestFinal_ex(d->ctx, out, NULL) != 1)
		d->failed = true;
	return !d->failed;
}

void
digest_fini(struct digest *d)
{
	EVP_MD_CTX_free(d->ctx);
	d->ctx = NULL;
}
