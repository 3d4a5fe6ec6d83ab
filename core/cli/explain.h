/* SPDX-License-Identifier: MIT */
/*
 * explain.h - what the files of `chainmail explain` share
 */
#ifndef CORE_CLI_EXPLAIN_H
#define CORE_CLI_EXPLAIN_H

#include "chain/chain.h"
#include "door/replay.h"

/* A message that was run, before its conversation is closed. */
struct explained {
	const struct replay_input *in;
	struct cm_session *session;
	const struct answer *last;
	const char *by; /* link that decided; "core" for the core; NULL: none */
	int exit_code;
};

/* What became of the message: "accept", "discard", "quarantine", "reject", "tempfail". */
const char *explain_outcome(const struct explained *);
void explain_print_text(const struct explained *);
void explain_print_json(const struct explained *);

#endif
