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

#include "base/arena.h"
#include "chain/chain.h"
#include "conversation.h"

struct replay_input {
	const char *client_ip;	    /* NULL: a local client */
	const char *client_name;    /* NULL: unknown */
	const char *client_ptr;	    /* not verified; NULL: as client_name */
	const char *server_ip;	    /* {daemon_addr}; NULL: not told */
	unsigned client_port, port; /* port: {daemon_port} */
	const char *helo;
	const char *from;
	const char *const *to;		  /* NULL-terminated */
	const char *login, *login_method; /* NULL: not logged in */
	bool tls;
	const char *tls_version; /* NULL: TLSv1.3 */
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

/* The same step by step, for who decides itself what the client does next. */
struct replay_player {
	struct conversation *c;
	const struct replay_input *in;
	const struct replay_output *out;
	struct answer *last;  /* to the latest event */
	struct arena scratch; /* addresses of the event at hand */
	unsigned long steps;  /* as negotiated */
};

/* The conversation was opened; all is borrowed until the end. out may be NULL. */
void replay_begin(struct replay_player *, struct conversation *, const struct replay_input *,
	const struct replay_output *out, struct answer *last);
/* True when the client may go on. What the MTA was asked not to send is not sent. */
bool replay_step(struct replay_player *, const struct cm_event *);
/* MAIL or RCPT with a path, with or without its brackets. */
bool replay_path(struct replay_player *, enum cm_stage, const char *path);
/* Header and body, behind DATA. */
void replay_content(struct replay_player *, const char *message, size_t len);
void replay_end(struct replay_player *);

#endif
