/* SPDX-License-Identifier: MIT */
/*
 * session.h - one SMTP session as a filter sees it
 *
 * Keeps what the MTA said, in three lifetimes: the daemon's (not here), the connection's arena and
 * the message's arena. Knows nothing of links and doors. A session is used by one thread at a time.
 */
#ifndef CORE_MAIL_SESSION_H
#define CORE_MAIL_SESSION_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/net.h"
#include "edit.h"
#include "reply.h"
#include "stage.h"

struct run;		 /* the chain's state of this session; only carried */
struct script_found;	 /* attachments and addresses, as rules see them; only carried */
struct session_question; /* what a message asked DNS; only carried */

#define SESSION_ID_SIZE 16
/* What rules look for in a body: attachments, addresses. */
#define SESSION_FOUND 2

/* Bounds on what an MTA may make us keep. */
struct session_limits {
	size_t header_octets; /* of all fields of a message, main.max_header_size */
	size_t header_fields;
	size_t recipients;   /* main.max_recipients */
	int64_t body_octets; /* kept body, main.max_message_size */
};

struct session_pair {	   /* note, result */
	const char *group; /* result: plugin; else NULL */
	const char *name;
	const char *value;
	size_t name_len;
	struct session_pair *next;
};

struct session_fact;

struct session_macro {
	const char *name;
	const char *value;
	const char *bare; /* the name without its braces, bare_len octets */
	size_t bare_len;
	const struct session_fact *fact; /* that is made of it; NULL: none */
	struct session_macro *next;
};

/* Where what a link says belongs, and when it ends. */
enum session_span {
	SESSION_CONN,
	SESSION_HELO, /* the latest HELO */
	SESSION_MSG,
	SESSION_SPANS
};

struct session_auth {	       /* what a link found, for Authentication-Results */
	const struct link *by; /* of the chain; only carried */
	struct cm_auth_result result;
	struct session_auth *next;
};

struct session_header {
	struct cm_header field; /* first: the index points to it */
	bool glued;		/* as in struct cm_event */
	struct session_header *next;
};

struct cm_session {
	struct arena conn, msg;
	/* What a client may say again and again lives until it does. */
	struct arena greeting; /* the latest HELO, and what was said to it */
	struct arena passing;  /* the latest event outside of HELO and message */
	struct arena *scratch; /* what is taken meanwhile goes there; NULL: where it belongs */
	struct arena macro_arenas[CM_STAGE_COUNT]; /* the latest list of each stage */
	struct run *run;
	const struct session_limits *limits;

	/* What the door negotiated. */
	uint32_t rights;   /* CM_EDIT_* the MTA grants */
	uint32_t no_reply; /* bit per stage whose reply the MTA does not wait for */
	bool blanks;	   /* the MTA sends and takes what is behind a field's colon */
	bool macros_asked; /* our macro lists were accepted, so a missing macro means "none" */
	const char *listener;

	/* What the chain wants kept; it says so at each MAIL. */
	bool keep_headers, keep_body;

	/* Connection. */
	char conn_id[SESSION_ID_SIZE];
	struct net_addr peer;
	struct cm_client client;
	struct cm_server server;
	char server_ip[NET_TEXT]; /* what server.ip points to */
	const char *helo;
	struct edit_queue conn_edits;
	struct session_pair *conn_notes, *conn_results;
	struct session_pair *helo_notes, *helo_results;		  /* of the latest HELO */
	struct session_question *conn_questions, *helo_questions; /* asked at that stage */

	/* Message. */
	bool in_message;
	char id[SESSION_ID_SIZE]; /* conn_id outside a message */
	int64_t began;		  /* clock_now() at MAIL */
	enum cm_stage stage;	  /* of the latest event */
	struct cm_address sender;
	struct cm_address *rcpts;
	size_t rcpt_count, rcpt_room, rcpt_refused;
	struct session_header *headers, **headers_last;
	const struct cm_header **header_index; /* built at eoh */
	size_t header_count, header_octets;
	bool header_closed;
	unsigned char *body;
	size_t body_len, body_room;
	bool body_cut; /* larger than limits->body_octets: not kept */
	int64_t size;
	const struct cm_from *from;
	const struct script_found *found[SESSION_FOUND]; /* NULL: nobody asked */
	struct edit_queue edits;
	struct session_pair *notes, *results;
	bool pairs_said; /* that there are too many of them */
	struct session_auth *auth_results[SESSION_SPANS];
	bool auth_said; /* that there are too many of them */
	struct session_question *questions;
	unsigned dns_asked, dns_missed; /* questions, and those that nobody knew the answer to */

	/* Macros: the latest list of each stage, in an arena of its own. */
	struct session_macro *macros[CM_STAGE_COUNT];
	bool macros_ahead; /* those of MAIL are the next message's, this one is still open */
	/* What those lists say; texts in them are borrowed from the lists. */
	struct cm_auth auth;
	struct cm_tls tls;
};

struct cm_session *session_new(const struct session_limits *, const char *listener);
/* Ends a message that is still open. NULL is allowed. */
void session_free(struct cm_session *);

/*
 * Macro lists: begin drops the stage's and all later stages' lists (milter protocol), then add. The
 * facts in client, server, auth and tls end with the list that said them.
 */
void session_macros_begin(struct cm_session *, enum cm_stage);
void session_macro_add(struct cm_session *, enum cm_stage, const char *name, const char *value);
/* For session_end_message() alone: forgets the message's lists. */
void session_macros_end(struct cm_session *);
/* Braces around a name do not matter; an empty value is none. */
enum cm_known session_macro(const struct cm_session *, const char *name, const char **value);

/* Client facts, before the connect event. addr may be NULL (local client). */
void
session_set_client(struct cm_session *, const char *name, const struct net_addr *, unsigned port);

enum session_kept {
	SESSION_KEPT,
	SESSION_TOO_LARGE, /* header section over its limit: 552 5.3.4 */
	SESSION_TOO_MANY   /* recipients over their limit: 452 4.5.3 */
};
/*
 * Keeps what the event says. MAIL begins a message (and ends one left open, so its event must not
 * point into that message's arena). RCPT is kept by session_add_rcpt() once no link refused it.
 */
enum session_kept session_keep(struct cm_session *, const struct cm_event *);
/* The next field is too large, whatever the limit: the event shows only its beginning. */
void session_fill_header(struct cm_session *);
void session_add_rcpt(struct cm_session *, const struct cm_address *);
/* Idempotent. The only place where a message ends. */
void session_end_message(struct cm_session *);

/* NULL when the n-th field of that name (from 1, any case) is not there or was not kept. */
const char *session_header_value(const struct cm_session *, const char *name, size_t n);
struct edit_fields session_fields(const struct cm_session *);
const char *session_queue_id(const struct cm_session *);

/* Pairs of the message, else of the latest HELO, else of the connection; NULL when absent. */
const char *session_note(const struct cm_session *, const char *name);
/* A NULL value hides an older one. */
void session_set_note(struct cm_session *, const char *name, const char *value);
const char *session_result(const struct cm_session *, const char *plugin, const char *key);
void
session_set_result(struct cm_session *, const char *plugin, const char *key, const char *value);
/* The span of what is said now, and its arena. */
enum session_span session_span(const struct cm_session *);
struct arena *session_span_arena(struct cm_session *, enum session_span);
/*
 * Keeps a copy of what the link found, in the place of what it said of the same method and
 * properties. False for what no field could say; too many are said in the log and ignored.
 */
bool session_add_auth(struct cm_session *, const struct link *, const struct cm_auth_result *,
	struct err *) MUST_USE;
/* The i-th result of the link, from 0; one of the message hides one of HELO, this one of connect.
   NULL behind the last. */
const struct cm_auth_result *session_auth(const struct cm_session *, const struct link *, size_t i);
/* The arena of the current scope: msg inside a message, else that of the latest event. */
struct arena *session_arena(struct cm_session *);
/* An event that is answered without being kept. */
void session_pass(struct cm_session *, enum cm_stage);

/* A new id: unique in this process and, for years, across restarts. */
void session_id_new(char out[SESSION_ID_SIZE]);

#endif
