/* SPDX-License-Identifier: MIT */
/*
 * replay_report.h - what `chainmail replay` found, for people and for programs
 */
#ifndef CORE_CLI_REPLAY_REPORT_H
#define CORE_CLI_REPLAY_REPORT_H

#include <jansson.h>

#include "chain/chain.h"
#include "door/kept.h"
#include "tally.h"

/* Verdicts that were other ones, of one kind. */
struct replay_pair {
	char *then, *now;
	size_t count;
	struct tally by;
};

struct replay_report {
	bool json;
	const char *list_then, *list_now; /* list those; NULL: no list */
	size_t sessions, same, damaged, unfinished;
	size_t stood_in, without; /* answers that were taken as they were, and that were none */
	size_t unasked, unasked_sessions;
	struct replay_pair *pairs;
	size_t pair_count;
	struct tally logins, untried;
	json_t *listed;
};

/* One session whose verdict is another one. */
struct replay_change {
	const struct kept *kept;
	const char *then, *now;
	const char *by;	    /* link that decided: now, or then where nothing refuses now */
	const char *became; /* what became of the link: "shadow", "off", "gone"; NULL: nothing */
	const struct reply *reply; /* code 0: none */
};

void replay_report_init(struct replay_report *, bool json);
void replay_report_fini(struct replay_report *);
/* Counts it, and prints it where it is to be listed. */
void replay_report_change(struct replay_report *, const struct replay_change *);
/* us: how long it took. */
void replay_report_print(struct replay_report *, int64_t us, bool against);
/* Some verdict is another one. */
bool replay_report_differs(const struct replay_report *);

#endif
