/* SPDX-License-Identifier: MIT */
/*
 * replay_kept.h - the offline door for a kept session
 *
 * Says to another configuration what the MTA said then, with the answers that DNS gave. What the
 * recording does not have is never taken for something that was not there: it is counted.
 */
#ifndef CORE_DOOR_REPLAY_KEPT_H
#define CORE_DOOR_REPLAY_KEPT_H

#include "conversation.h"
#include "kept.h"

struct kept_run {
	struct conversation conversation;
	const struct kept *kept;
	struct generation *generation;
	const char *word; /* what becomes of the message now; see struct chain_outcome */
	struct chain_outcome outcome;
	uint64_t rcpts; /* which recipients were refused: equal where it is the same ones */
	uint64_t rcpts_then;
	/* What is not known. */
	const char *untried; /* why the outcome says nothing; NULL: it does */
	bool unfinished;     /* it was refused then, so what would have followed is not known */
	unsigned stood_in;   /* answers of links that need the body were taken as they were then */
	unsigned without;    /* links that need the body and were not asked then had no opinion */
	unsigned unasked;    /* questions of DNS whose answers nobody had then: temporary faults */
};

/*
 * The generation is the running one; its resolver is replaced. Texts live until the end. What is
 * kept is borrowed until then.
 */
void replay_kept(struct kept_run *, struct generation *, const struct kept *);
void replay_kept_end(struct kept_run *);

#endif
