/* SPDX-License-Identifier: MIT */
/*
 * replay.h - the offline door: a message file and what the SMTP client said
 *
 * The same session and chain as behind an MTA, without one. Used by `chainmail explain`, tests and
 * fuzzing.
 */
#ifndef CORE_DOOR_REPLAY_H
#define CORE_DOOR_REPLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "chain/chain.h"
#include "conversation.h"

struct replay_input {
	const char *client_ip;	    /* NULL: a local client */
	const char *client_name;    /* NULL: unknown */
	unsigned client_port, port; /* port: {daemon_port} */
	const char *helo;
	const char *from;
	const char *const *to;		  /* NULL-terminated */
	const char *login, *login_method; /* NULL: not logged in */
	bool tls;
	const char *queue_id;
	const char *message; /* header and body; line ends LF or CRLF */
	size_t message_len;
};

/* Shown after each step, in order. */
struct replay_output {
	void (*step)(void *context, const struct cm_event *, const struct answer *);
	void *context;
};

/* Runs to the end or the final answer, which is left in *last. The conversation stays open. */
void replay_run(struct conversation *, const struct replay_input *, const struct replay_output *,
	struct answer *last);

#endif
