/* SPDX-License-Identifier: MIT */
/*
 * kept.h - a kept session, read
 *
 * What record.c wrote, as structs of the chain and the session: so it is shown and played like one
 * that was just run. Text in it is what strangers sent.
 */
#ifndef CORE_DOOR_KEPT_H
#define CORE_DOOR_KEPT_H

#include "base/arena.h"
#include "chain/chain.h"

struct kept_event {
	enum cm_stage stage;
	const char *name;  /* connect, HELO, unknown: as in struct cm_event; mail, rcpt: the path */
	const char *value; /* header */
	bool glued, rejected;
	bool too_large; /* header: only its beginning is here, and it was refused for its size */
	const char *const *args;	   /* mail, rcpt; ends in NULL */
	const unsigned char *data;	   /* body; NULL: it was not kept */
	size_t len;			   /* of it, all the same */
	const struct session_pair *macros; /* the first that was told first */
	bool macros_told;		   /* the MTA told a list for the stage, be it empty */
	enum cm_verdict answered;
	bool skip; /* the MTA was told to send no more of the body */
	struct kept_event *next;
};

struct kept_question {
	const char *name;
	enum cm_dns_type type;
	struct cm_dns_answer answer;
	bool missed; /* nobody knew the answer when it was asked */
	struct kept_question *next;
};

struct kept {
	struct arena arena;			    /* of all that follows */
	const char *id, *conn_id, *queue_id;	    /* queue_id NULL: none */
	int64_t wall;				    /* at MAIL, microseconds since 1970 */
	const char *listener, *profile;		    /* profile NULL: none matched */
	const char *client_name, *client_ip, *helo; /* client_ip "": local; helo NULL: none */
	const char *country; /* of the client, as m.geo had it; NULL: no database knew */
	unsigned client_port;
	const struct session_pair *conn_macros, *helo_macros;
	/* What the MTA was asked for. */
	uint32_t denied, waited, stages; /* rights; bits per stage */
	bool macros_asked, blanks;
	const char *asked; /* names of macros, each with a blank behind it */

	struct kept_event *events; /* from MAIL on */
	struct kept_question *questions;
	struct trace traces[2]; /* connection, message */
	struct session_pair *results[SESSION_SPANS];
	struct session_auth *findings;
	const struct edit **edits;
	size_t edit_count;
	struct chain_outcome outcome;
	bool cut;	 /* it was too large: events are missing */
	bool body_whole; /* no piece of the body that came is missing */
	size_t body_len;
};

/* kept_read.c. False for what is no kept session of this version; then nothing is to be freed. */
bool kept_read(struct kept *, const unsigned char *, size_t);
void kept_free(struct kept *);

/* All that the MTA had of it is there: it was asked for, and a body was to be kept. */
bool kept_has_header(const struct kept *);
bool kept_has_body(const struct kept *);
/* What the MTA said: the latest value of the macro; NULL: none. */
const char *kept_macro(const struct kept *, const char *name);
/* The first event of the stage behind this one (NULL: from the start), or NULL. */
const struct kept_event *kept_find(const struct kept *, const struct kept_event *, enum cm_stage);

#endif
