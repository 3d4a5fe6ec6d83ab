/* SPDX-License-Identifier: MIT */
/*
 * explain.h - what the files of `chainmail explain` share
 */
#ifndef CORE_CLI_EXPLAIN_H
#define CORE_CLI_EXPLAIN_H

#include <stdio.h>

#include "chain/chain.h"
#include "door/replay.h"

struct generation;
struct kept;

/* What became of a message, and why: one that was just run, or one that was kept. */
struct explained {
	const struct kept *kept;	  /* NULL: it was just run */
	const struct cm_session *session; /* that was run; NULL: it was kept */
	const char *profile;		  /* NULL: none matched */
	unsigned port;
	const char *login; /* NULL: none */
	bool tls;
	const struct trace *traces[2]; /* of the connection, of the message */
	const struct session_pair *results[SESSION_SPANS];
	const char *outcome; /* "accept", "discard", "quarantine", "reject", "tempfail" */
	struct reply reply;  /* code 0: none */
	const char *by;	     /* link that decided; "core" for the core; NULL: none */
	unsigned dns_asked, dns_missed;
	const struct edit *const *edits;
	size_t edit_count;
	int exit_code;
};

/* What the session's message came to, with the answer it got; texts live as long as they do. */
struct explained
explain_run(struct cm_session *, const struct replay_input *, const struct answer *);
/* One line of a trace; of a session that was run, or NULL. */
void explain_print_record(const struct cm_session *, const struct trace_record *);
/* Results, verdict and edits, each line behind the indent. */
void explain_print_outcome(const struct explained *, const char *indent);
/* Reads SMTP from the file, answers it and says why, until QUIT or its end. */
void explain_session(struct generation *, const struct replay_input *, FILE *);
/* The exit status that tells the outcome. */
int explain_exit_code(const char *outcome);
void explain_print_text(const struct explained *);
void explain_print_json(const struct explained *);
/* Each kept session with that id, id of the connection or queue id; exit status. */
int explain_kept(const char *ring, const char *id, bool json);

#endif
