/* SPDX-License-Identifier: MIT */
/*
 * explain.h - what the files of `chainmail explain` share
 */
#ifndef CORE_CLI_EXPLAIN_H
#define CORE_CLI_EXPLAIN_H

#include <stdio.h>

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
/* The link that decided; "core"; NULL: nobody did. */
const char *explain_decided_by(struct cm_session *, const struct answer *);
/* One line of a trace. */
void explain_print_record(const struct cm_session *, const struct trace_record *);
/* Results, verdict and edits, each line behind the indent. */
void explain_print_outcome(const struct explained *, const char *indent);
/* Reads SMTP from the file, answers it and says why, until QUIT or its end. */
void explain_session(struct generation *, const struct replay_input *, FILE *);
void explain_print_text(const struct explained *);
void explain_print_json(const struct explained *);

#endif
