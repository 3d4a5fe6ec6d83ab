/* SPDX-License-Identifier: MIT */
/*
 * record.h - what is kept of a session, to be explained and played again
 *
 * Of each message that was answered: what the MTA said of the client and in the message, its
 * macros, what DNS answered, what each link found, and what became of it. Bodies only where
 * record.max_body says so. Made by the thread that has the session, written by another.
 */
#ifndef CORE_DOOR_RECORD_H
#define CORE_DOOR_RECORD_H

#include "chain/chain.h"

struct conversation;

/* The version of what record.c writes; kept_read.c reads no other. */
#define RECORD_VERSION 1

/* The event is about to be shown to the chain; MAIL begins a recording, where sessions are kept. */
void record_event(struct conversation *, const struct cm_event *);
/* What it was answered. */
void record_answer(struct conversation *, const struct answer *);
/* Before the message ends: hands over what there is. Nothing happens without a recording. */
void record_end(struct conversation *);

#endif
