/* SPDX-License-Identifier: MIT */
/*
 * dkim_publish.h - what rules, other checks and Authentication-Results learn of signatures
 */
#ifndef PLUGINS_DKIM_PUBLISH_H
#define PLUGINS_DKIM_PUBLISH_H

#include "dkim_collect.h"

/*
 * Each signature that was looked at, for Authentication-Results (RFC 8601 section 2.7.1) and under
 * its number; the message's result is that of best.
 */
void dkim_publish(
	struct cm_session *, const struct dkim_collection *, const struct dkim_signature *best);
/* The message has none. */
void dkim_publish_none(struct cm_session *);

/* Also what signing publishes. */
#define DKIM_PUBLISHED 9u
extern const struct cm_published dkim_published[DKIM_PUBLISHED];

#endif
