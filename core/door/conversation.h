/* SPDX-License-Identifier: MIT */
/*
 * conversation.h - what every door does between its protocol and the chain
 *
 * Opens a session on the running generation, counts open sessions and messages (for drain), turns
 * new messages away while draining, and closes once. Doors translate; they decide nothing.
 */
#ifndef CORE_DOOR_CONVERSATION_H
#define CORE_DOOR_CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/chain.h"

struct generation;
struct recording;

struct conversation {
	struct generation *generation; /* one reference */
	struct cm_session *session;
	bool live;		     /* of an MTA: nobody reads the trace but what keeps it */
	bool counted;		     /* among the open messages */
	bool turned_away;	     /* its message came while draining */
	struct recording *recording; /* of its message; NULL: none */
};

/* Holds the running generation; rights and no_reply are set by the door, then begin. */
void conversation_open(struct conversation *, const char *listener);
void conversation_begin(struct conversation *);
/*
 * chain_event, or 421 4.3.2 for a new message while draining. A final answer ends the message when
 * the door is done with it: by conversation_end_message().
 */
void conversation_event(struct conversation *, const struct cm_event *, struct answer *);
void conversation_end_message(struct conversation *);
/* The next client of the same MTA, on what was negotiated: same generation, same rights. */
void conversation_again(struct conversation *);
/* Idempotent. */
void conversation_close(struct conversation *);

/* From now on new messages get 421 4.3.2. */
void conversations_drain(void);
bool conversations_draining(void);
unsigned conversations_open(void);
unsigned conversations_messages(void);
/* Clients since the start. */
uint64_t conversations_begun(void);

#endif
