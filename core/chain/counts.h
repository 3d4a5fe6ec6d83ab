/* SPDX-License-Identifier: MIT */
/*
 * counts.h - what links and profiles decided, counted for as long as the process runs
 *
 * By name, over reloads. A chain that nobody joined (explain, tests of a chain) counts nothing.
 * Counters are atomics without an order: mail waits for no reader.
 */
#ifndef CORE_CHAIN_COUNTS_H
#define CORE_CHAIN_COUNTS_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/stage.h"

struct chain;
struct cm_session;

/* Opinions of links, that of CM_CONTINUE and CM_DONE left out. */
enum count_verdict { COUNT_ACCEPT, COUNT_DISCARD, COUNT_REJECT, COUNT_TEMPFAIL, COUNT_VERDICTS };

/* What became of messages and recipients. */
enum count_outcome {
	COUNT_ABANDONED, /* the client went away, or began another */
	COUNT_ACCEPTED,
	COUNT_DISCARDED,
	COUNT_QUARANTINED,
	COUNT_REJECTED,
	COUNT_TEMPFAILED,
	COUNT_OUTCOMES
};

/* Upper bounds of count_bounds[], and what is above them. */
#define COUNT_BUCKETS 9u

struct link_counts {
	_Atomic uint64_t said[CM_STAGE_COUNT][COUNT_VERDICTS];
	_Atomic uint64_t shadow[CM_STAGE_COUNT][COUNT_VERDICTS]; /* and was only watched */
};

struct profile_counts {
	_Atomic uint64_t messages[COUNT_OUTCOMES], recipients[COUNT_OUTCOMES];
	_Atomic uint64_t took[COUNT_BUCKETS]; /* messages by the time that hooks took */
	_Atomic uint64_t took_us;	      /* of all messages together */
};

/* Microseconds, ascending; one less than there are buckets. */
extern const int64_t count_bounds[COUNT_BUCKETS - 1];

const char *count_verdict_name(enum count_verdict);
const char *count_outcome_name(enum count_outcome);

/* Before the chain is used: its profiles count where others of their names have counted. */
void counts_join(struct chain *);
/* What a link said counts, or was watched. */
void counts_note_verdict(struct link_counts *, enum cm_stage, enum cm_verdict, bool shadow);
/* At the end of a message, while it is still there. */
void counts_note_message(const struct cm_session *);

#endif
