/* SPDX-License-Identifier: MIT */
/*
 * dkim_judge.h - which signatures are verified, and what each came to
 */
#ifndef PLUGINS_DKIM_JUDGE_H
#define PLUGINS_DKIM_JUDGE_H

#include <chainmail/plugin.h>

#include "dkim_verifier.h"

/* Names of fields are shorter than that, or a signature does not cover them. */
#define DKIM_NAME_MOST 128u
/* A record of DNS that is longer is no key. */
#define DKIM_RECORD_MOST 8192u
#define DKIM_REASON_SIZE 160u

/* RFC 8601 section 2.7.1, the best first. */
enum dkim_code {
	DKIM_PASS,
	DKIM_TEMPERROR,
	DKIM_FAIL,
	DKIM_POLICY,
	DKIM_NEUTRAL,
	DKIM_PERMERROR,
	DKIM_NONE,
	DKIM_CODES
};

/* "pass" */
const char *dkim_code_name(enum dkim_code);

/* What the administrator decides. */
struct dkim_policy {
	int64_t min_key_bits;
	enum dkim_code unsigned_tail; /* of a good signature that leaves some of the body out */
	enum dkim_code test_key;      /* of one whose key is tested (t=y) */
};

/* A signature of a message, from its field to its result. */
struct dkim_signature {
	struct dkim_job job;
	enum dkim_code code;	       /* DKIM_NONE: not known yet */
	char reason[DKIM_REASON_SIZE]; /* for people; "" with pass */
};

/*
 * Reads a field. It is decided where it cannot be used: what breaks the standard, rsa-sha1, times
 * that do not fit, too long a name of a field. now: seconds since 1970.
 */
void
dkim_judge_field(struct dkim_signature *, const struct canon_field *, size_t field, int64_t now);
/* It is still to be verified. */
bool dkim_judge_open(const struct dkim_signature *);
/*
 * What DNS says of its key: sets the job's key, or decides. A fault of DNS is this signature's
 * alone.
 */
void dkim_judge_key(struct dkim_signature *, const struct cm_dns_answer *);
/* After the engine has finished. */
void dkim_judge_check(struct dkim_signature *, const struct dkim_policy *);
/* It was not verified, and why. */
void dkim_judge_skip(struct dkim_signature *, enum dkim_code, const char *reason);

/* How near a signature's domain is to an author's: 0 the same, 1 above or below it, 2 another. */
unsigned dkim_judge_distance(const char *signer, const char *author);
/* The signature whose result is the message's: the best, and of these the first. count is not 0. */
size_t dkim_judge_best(const struct dkim_signature *, size_t count);

#endif
