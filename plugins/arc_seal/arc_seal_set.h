/* SPDX-License-Identifier: MIT */
/*
 * arc_seal_set.h - the next ARC set of a message (RFC 8617 section 5.1)
 */
#ifndef PLUGINS_ARC_SEAL_SET_H
#define PLUGINS_ARC_SEAL_SET_H

#include "../lib/arc_set.h"
#include "../lib/dkim_hash.h"
#include "../lib/dkim_private.h"

/* Octets of ARC-Authentication-Results, and of the others. */
#define ARC_SEAL_RESULTS_SIZE 16384u
#define ARC_SEAL_VALUE_SIZE   8192u

struct arc_seal_job {
	const struct arc_chain *chain;	  /* what the message has already */
	const struct canon_field *fields; /* of the message as it is sent */
	size_t count;
	enum arc_status status;	       /* cv=: what the chain came to */
	const char *domain, *selector; /* d=, s= */
	const struct dkim_private *key;
	int64_t now;	     /* t=: seconds since 1970 */
	const char *results; /* value of ARC-Authentication-Results with this instance */
	unsigned char body[DIGEST_SIZE]; /* hash of the relaxed body, as it is sent */
};

/* Values of the fields; lines end in LF. */
struct arc_seal_set {
	char message[ARC_SEAL_VALUE_SIZE], seal[ARC_SEAL_VALUE_SIZE];
};

/* Why no set may be added (sections 4.2.1, 5.1.2); NULL: one may. */
const char *arc_seal_hinders(const struct arc_chain *);
/* Of the next set. */
unsigned arc_seal_instance(const struct arc_chain *);
/*
 * Signs. False: OpenSSL failed, there is no memory, or a chain that has a problem is said to pass.
 */
bool arc_seal_set_make(struct arc_seal_set *, const struct arc_seal_job *);

#endif
