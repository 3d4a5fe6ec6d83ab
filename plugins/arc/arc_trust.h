/* SPDX-License-Identifier: MIT */
/*
 * arc_trust.h - what a sealer whom we trust found out when the message came to it
 */
#ifndef PLUGINS_ARC_TRUST_H
#define PLUGINS_ARC_TRUST_H

#include "arc_check.h"

#define ARC_WORD_SIZE 16u
/* In the place of a domain that cannot be read: no author has it. */
#define ARC_UNREADABLE "(unreadable)"

/* Of ARC-Authentication-Results; "" where it has none. */
struct arc_recorded {
	char dkim[ARC_WORD_SIZE];  /* of several the best: "pass" if one of them passed */
	char spf[ARC_WORD_SIZE];   /* of several, "pass" if all are */
	char dmarc[ARC_WORD_SIZE]; /* and if they are of the same author */
	char dmarc_from[DKIM_SIG_DOMAIN_SIZE]; /* header.from= of dmarc, or ARC_UNREADABLE */
};

/* Reads the value of a field, which ends in NUL and may hold anything. */
void arc_recorded_read(struct arc_recorded *, const char *value);

struct arc_trust {
	unsigned instance; /* 0: nobody to be believed */
	struct arc_recorded recorded;
};

/*
 * Whose word counts, in a chain that passes: of sealers that are trusted, the newest that recorded
 * a pass of DMARC, or else the newest. Sets behind one of a stranger count only where the message
 * is what it was when they were sealed: the stranger may have written it.
 */
void arc_trust_find(struct arc_trust *, const struct arc_chain *, const struct arc_result *,
	bool (*trusted)(void *context, const char *domain), void *context);

#endif
