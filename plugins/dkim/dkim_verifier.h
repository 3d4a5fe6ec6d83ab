/* SPDX-License-Identifier: MIT */
/*
 * dkim_verifier.h - what verifies signatures: an engine behind four functions
 *
 * An engine says whether hashes and signatures are right. What that means for the mail, and which
 * signatures it gets to see, is decided outside of it, so that engines come to the same.
 */
#ifndef PLUGINS_DKIM_VERIFIER_H
#define PLUGINS_DKIM_VERIFIER_H

#include "../lib/dkim_hash.h"
#include "../lib/dkim_key.h"
#include "../lib/dkim_sig.h"

enum dkim_check {
	DKIM_CHECK_NONE,      /* not checked: it had no key */
	DKIM_CHECK_GOOD,      /* the signature is right */
	DKIM_CHECK_BODY,      /* the body is another one (bh=) */
	DKIM_CHECK_LENGTH,    /* l= is larger than the body */
	DKIM_CHECK_SIGNATURE, /* the header is another one, or the key is (b=) */
	DKIM_CHECK_REFUSED,   /* the engine does not take this message */
	DKIM_CHECK_LETTERS,   /* the engine takes no letters above ASCII */
	DKIM_CHECK_BROKEN     /* the engine has failed: no memory */
};

/* A signature that is to be verified. */
struct dkim_job {
	struct dkim_sig sig;
	size_t field;		    /* its place among those of the message */
	const struct dkim_key *key; /* before finish(); NULL: not to be checked */
	enum dkim_check check;	    /* finish() sets both */
	bool tail;		    /* something of the body is behind l= */
};

/* Lives longer than what begin() makes. */
struct dkim_message {
	const struct canon_field *fields;
	size_t field_count;
	struct dkim_job **jobs;
	size_t job_count;
};

struct dkim_engine {
	const char *name;
	/* At the end of the header section. NULL: no memory. Freed by end(). */
	void *(*begin)(const struct dkim_message *);
	/* The next octets of the body. */
	void (*body)(void *, const void *data, size_t len);
	/* At end of message, once: checks the jobs that have a key. */
	void (*finish)(void *);
	/* At any time; NULL is nothing. */
	void (*end)(void *);
};

extern const struct dkim_engine dkim_native, dkim_opendkim;

/* How many different hashes of the body the jobs need. */
size_t dkim_body_hashes(const struct dkim_message *);
/* The first job with the body hash that the i-th has. */
size_t dkim_body_of(const struct dkim_message *, size_t i);

#endif
