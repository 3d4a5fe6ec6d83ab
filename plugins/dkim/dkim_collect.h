/* SPDX-License-Identifier: MIT */
/*
 * dkim_collect.h - the signatures of a message that are looked at
 */
#ifndef PLUGINS_DKIM_COLLECT_H
#define PLUGINS_DKIM_COLLECT_H

#include "dkim_judge.h"

/* More are never looked at: each costs a question and some arithmetic. */
#define DKIM_SIGNATURES_MOST 16u

/* By its name. */
bool dkim_is_signature(const struct canon_field *);

struct dkim_collection {
	size_t field_count; /* DKIM-Signature fields of the message */
	size_t count;	    /* of these are looked at */
	struct dkim_signature *all;
};

/* DKIM-Signature fields among them. */
size_t dkim_count(const struct canon_field *fields, size_t count);

/*
 * Reads the signatures among the fields, and keeps the most useful ones in c->all, which has room
 * for all there are, but not for more than most + 1: those that can be verified first, of these
 * those whose domain is an author's, or above or below it, and of these the upper ones. author: the
 * domain of From:, "" where it has none or several.
 */
void dkim_collect(struct dkim_collection *c, const struct canon_field *fields, size_t count,
	const char *author, int64_t now, size_t most);

#endif
