/* SPDX-License-Identifier: MIT */
/*
 * arc_set.h - the ARC sets of a message (RFC 8617 section 4)
 *
 * A set is what one server added: what it found out (ARC-Authentication-Results), a signature of
 * the message (ARC-Message-Signature) and one of all sets so far (ARC-Seal). Here they are found
 * and read; whether they are true is not asked.
 */
#ifndef PLUGINS_LIB_ARC_SET_H
#define PLUGINS_LIB_ARC_SET_H

#include "dkim_sig.h"

/* Section 4.2.1. */
#define ARC_SETS_MOST 50u

/* In the order in which a seal covers them (section 5.1.1). */
enum arc_kind { ARC_RESULTS, ARC_MESSAGE, ARC_SEAL, ARC_KINDS };
/* Chain Validation Status (section 4.4). */
enum arc_status { ARC_NONE, ARC_PASS, ARC_FAIL };

/* "pass" */
const char *arc_status_name(enum arc_status);

struct arc_set {
	const struct canon_field *fields[ARC_KINDS]; /* NULL: not there */
	enum arc_status status;			     /* cv= of the seal */
	struct dkim_sig *message, *seal;
	const char *message_problem; /* why message cannot be used; NULL: it can */
};

struct arc_chain {
	size_t field_count;  /* fields of ARC in the message */
	unsigned newest;     /* highest instance that could be read; 0: none */
	bool dead;	     /* its seal says that the chain is broken: cv=fail */
	unsigned problem_at; /* instance; 0: of no instance */
	char problem[128];   /* "", or why the sets are no chain (section 5.2 step 3) */
	struct arc_set sets[ARC_SETS_MOST]; /* of instance 1 and up */
};

/*
 * Finds the sets among the fields, which stay where they are until arc_chain_fini(); their values
 * end in NUL. False: no memory; arc_chain_fini() may be called in any case. Signatures are read
 * where the sets are a chain: else they are NULL. An older message signature that cannot be read is
 * no problem of the chain, for nobody need look at it.
 */
bool arc_chain_init(struct arc_chain *, const struct canon_field *fields, size_t count);
void arc_chain_fini(struct arc_chain *);

/*
 * The hashes that the seals sign, that of instance 1 first (section 5.1.1): the sets up to a seal's
 * own, each field relaxed, the seal without its b=. Each field is looked at twice at most, however
 * many seals cover it. The chain has no problem. False: OpenSSL failed.
 */
bool arc_seal_hashes(const struct arc_chain *, unsigned char out[ARC_SETS_MOST][DIGEST_SIZE]);
/* Puts the fields of the sets before that one, for a seal that is not there yet. */
void arc_seal_put(struct digest *, const struct arc_chain *, unsigned instance);

/*
 * The text behind "i=N;" of ARC-Authentication-Results (section 4.1.1), and the instance; NULL: the
 * value does not begin so. The value ends in NUL.
 */
const char *arc_results_payload(const char *value, unsigned *instance);

#endif
