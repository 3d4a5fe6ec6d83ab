/* SPDX-License-Identifier: MIT */
/*
 * dmarc_walk.h - the DNS tree walk (RFC 9989 section 4.10)
 *
 * A state machine that says what is to be asked and is told the answer; who asks is not its
 * business.
 */
#ifndef PLUGINS_DMARC_WALK_H
#define PLUGINS_DMARC_WALK_H

#include <chainmail/plugin.h>

#include "dmarc_name.h"
#include "dmarc_record.h"

/* Questions of one walk, and labels of the name behind the first of a long one. */
#define DMARC_WALK_MOST 8u
#define DMARC_JUMP	7u

/* What is put in front of a name to ask for its record, and the size of the two. */
#define DMARC_PREFIX	    "_dmarc."
#define DMARC_QUESTION_SIZE (DMARC_NAME_SIZE + sizeof(DMARC_PREFIX))

struct dmarc_step {
	const char *name; /* the start, or one above it */
	bool found;	  /* it has one record, */
	const char *text; /* this one; as long as the answer lives */
	size_t len;
	struct dmarc_record record;
};

/* Not to be copied: names of steps are parts of start. */
struct dmarc_walk {
	char start[DMARC_NAME_SIZE];
	size_t count, at; /* steps in all, and answered */
	struct dmarc_step steps[DMARC_WALK_MOST];
	bool over;
	bool failed;		   /* nobody knows what the record of steps[at] is */
	enum cm_dns_status status; /* of that answer */
	const char *listed; /* the organizational domain, by a list; NULL: the walk finds it */
};

/* From a name as dmarc_name() spells it. */
void dmarc_walk_begin(struct dmarc_walk *, const char *name);
/* As RFC 7489 had it: only the name and its organizational domain, which a list names, are asked.
 */
void dmarc_walk_begin_listed(struct dmarc_walk *, const char *name, const char *org);
/* Of step i, "_dmarc.NAME". */
void dmarc_walk_question(const struct dmarc_walk *, size_t i, char out[DMARC_QUESTION_SIZE]);
/* The next step to be asked for; false: the walk is over. */
bool dmarc_walk_next(const struct dmarc_walk *, size_t *i);
/* What the TXT question of that step got. The walk ends where DNS failed. */
void dmarc_walk_answer(struct dmarc_walk *, const struct cm_dns_answer *);

/* Of a walk that is over and did not fail: */
/* the organizational domain of the start (section 4.10.2); a part of start. */
const char *dmarc_walk_org(const struct dmarc_walk *);
/* it was told by a psd tag, */
bool dmarc_walk_told(const struct dmarc_walk *);
/* or no record was found at all. */
bool dmarc_walk_empty(const struct dmarc_walk *);
/*
 * The step whose record is for mail from the start (section 4.10.1), NULL: none. Also of a walk
 * that failed behind the first step, where that has it.
 */
const struct dmarc_step *dmarc_walk_policy(const struct dmarc_walk *);

#endif
