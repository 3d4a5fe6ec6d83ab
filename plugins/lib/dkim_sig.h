/* SPDX-License-Identifier: MIT */
/*
 * dkim_sig.h - what a DKIM-Signature field says (RFC 6376 section 3.5)
 *
 * ARC-Message-Signature and ARC-Seal are fields of the same kind (RFC 8617 section 4.1).
 */
#ifndef PLUGINS_LIB_DKIM_SIG_H
#define PLUGINS_LIB_DKIM_SIG_H

#include <stdbool.h>
#include <stdint.h>

#include "canon.h"
#include "digest.h"

/* A domain name of 253 octets, with its end. */
#define DKIM_SIG_DOMAIN_SIZE 254u
/* Of i=: libopendkim reads behind its end when it is longer. */
#define DKIM_SIG_IDENTITY_SIZE 256u
/* Of b=: RSA with 8192 bits. */
#define DKIM_SIG_OCTETS_MOST 1024u
/* Of h=. Honest ones have some 30. */
#define DKIM_SIG_NAMES_MOST 256u

enum dkim_sig_kind { DKIM_SIG_DKIM, DKIM_SIG_ARC_MESSAGE, DKIM_SIG_ARC_SEAL };
enum dkim_sig_algorithm {
	DKIM_SIG_ED25519_SHA256,
	DKIM_SIG_RSA_SHA1,
	DKIM_SIG_RSA_SHA256,
	DKIM_SIG_NO_ALGORITHM /* a= is not there, or one that nobody here knows */
};

/* A name of h=, as a place in the value. */
struct dkim_sig_name {
	uint32_t at, len;
};

struct dkim_sig {
	const char *value; /* of the field: all behind the colon; borrowed */
	size_t len;
	enum dkim_sig_algorithm algorithm;
	enum canon header, body;
	char domain[DKIM_SIG_DOMAIN_SIZE];	    /* d= in lower case, with A-labels; "": none */
	char selector[DKIM_SIG_DOMAIN_SIZE];	    /* s= */
	bool below;				    /* the domain of i= is below d= */
	unsigned instance;			    /* i= of ARC */
	int64_t signed_at, expires_at;		    /* t=, x=: seconds since 1970; -1: none */
	uint64_t limit;				    /* l=; CANON_ALL: none */
	unsigned char hash[DIGEST_SIZE];	    /* bh=; of rsa-sha1 not read */
	unsigned char octets[DKIM_SIG_OCTETS_MOST]; /* b= */
	size_t octet_count;
	char first[9];	     /* the first octets of b= as they are written */
	size_t b_from, b_to; /* what counts as not there when b= is hashed */
	size_t name_count;
	struct dkim_sig_name names[DKIM_SIG_NAMES_MOST];
};

/*
 * Reads a value. False: it is no signature that can be used, and *why says so for people; domain,
 * selector and algorithm are filled as far as they could be read. The charset of d=, s= and i= is
 * checked: nothing but letters, digits, "-", "_" and dots gets into a name. U-labels become
 * A-labels (RFC 8616 section 5); what is hashed is the value as it is written.
 */
bool dkim_sig_read(
	struct dkim_sig *, enum dkim_sig_kind, const char *value, size_t len, const char **why);

/* As RFC 6376 section 3.5 writes it: "rsa-sha256"; "" where there is none. */
const char *dkim_sig_algorithm_name(enum dkim_sig_algorithm);

#endif
