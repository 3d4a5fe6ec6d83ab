/* SPDX-License-Identifier: MIT */
/*
 * digest.h - SHA-256 of what comes in pieces
 *
 * OpenSSL's, with a buffer in front: a call of it costs as much as hashing a line.
 */
#ifndef PLUGINS_LIB_DIGEST_H
#define PLUGINS_LIB_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_SIZE   32u
#define DIGEST_BUFFER 4096u

struct evp_md_ctx_st;

struct digest {
	struct evp_md_ctx_st *ctx;
	bool failed;
	size_t len;
	unsigned char data[DIGEST_BUFFER];
};

/* False: OpenSSL has no memory, or no SHA-256. In any case digest_fini() may be called. */
bool digest_init(struct digest *);
void digest_put(struct digest *, const void *, size_t len);
/* Begins with all that was put into another. False as digest_init(). */
bool digest_copy(struct digest *, const struct digest *from);
/* The hash of all that was put; nothing more may be. False: OpenSSL failed. */
bool digest_end(struct digest *, unsigned char out[DIGEST_SIZE]);
void digest_fini(struct digest *);

#endif
