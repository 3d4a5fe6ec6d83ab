/* SPDX-License-Identifier: MIT */
/*
 * conversation.c - what every door does between its protocol and the chain
 *
 * The counts of open sessions and messages and the drain flag are the door's only global state.
 * They are atomics: each is read and changed alone.
 */
#include "conversation.h"

#include <stdatomic.h>

#include "host/generation.h"
#include "record.h"

static atomic_uint open_sessions;
static _Atomic uint64_t all_sessions;
static atomic_uint open_messages;
static atomic_bool draining;

void
conversation_open(struct conversation *c, const char *listener)
{
	*c = (struct conversation){.generation = generation_hold()};
	c->session = session_new(&c->generation->chain.limits, listener);
	atomic_fetch_add(&open_sessions, 1);
	atomic_fetch_add_explicit(&all_sessions, 1, memory_order_relaxed);
}

void
conversation_begin(struct conversation *c)
{
	chain_open(&c->generation->chain, c->session);
}

/* Keeps the count of open messages true. */
static void
count_message(struct conversation *c, bool open)
{
	if (open && !c->counted)
		atomic_fetch_add(&open_messages, 1);
	if (!open && c->counted)
		atomic_fetch_sub(&open_messages, 1);
	c->counted = open;
}

/* The events of a message that came too late; MAIL alone may have no reply, so all get it. */
static bool
too_late(struct conversation *c, const struct cm_event *ev)
{
	if (stages[ev->stage].scope == SCOPE_CONNECTION)
		return false;
	if (ev->stage == CM_STAGE_MAIL)
		c->turned_away = atomic_load(&draining);
	return c->turned_away;
}

void
conversation_event(struct conversation *c, const struct cm_event *ev, struct answer *answer)
{
	/* Counted before the flag is looked at: a drain waits for it, or it sees the drain. */
	if (ev->stage == CM_STAGE_MAIL)
		count_message(c, true);
	if (too_late(c, ev)) {
		record_end(c);
		chain_turn_away(c->session, ev, answer);
	} else {
		record_event(c, ev);
		if (ev->stage == CM_STAGE_MAIL && c->live)
			chain_explain(c->session, c->recording != NULL);
		chain_event(c->session, ev, answer);
		record_answer(c, answer);
	}
	count_message(c, c->session->in_message);
}

void
conversation_end_message(struct conversation *c)
{
	record_end(c);
	chain_end_message(c->session);
	count_message(c, false);
}

void
conversation_close(struct conversation *c)
{
	if (c->session == NULL)
		return;
	conversation_end_message(c);
	chain_close(c->session);
	session_free(c->session);
	generation_drop(c->generation);
	c->session = NULL;
	c->generation = NULL;
	atomic_fetch_sub(&open_sessions, 1);
}

void
conversation_again(struct conversation *c)
{
	struct cm_session *old = c->session;

	conversation_end_message(c);
	chain_close(old);
	c->session = session_new(&c->generation->chain.limits, old->listener);
	c->session->rights = old->rights;
	c->session->no_reply = old->no_reply;
	c->session->macros_asked = old->macros_asked;
	c->turned_away = false;
	session_free(old);
	atomic_fetch_add_explicit(&all_sessions, 1, memory_order_relaxed);
	conversation_begin(c);
}

void
conversations_drain(void)
{
	atomic_store(&draining, true);
}

bool
conversations_draining(void)
{
	return atomic_load(&draining);
}

unsigned
conversations_open(void)
{
	return atomic_load(&open_sessions);
}

unsigned
conversations_messages(void)
{
	return atomic_load(&open_messages);
}

uint64_t
conversations_begun(void)
{
	return atomic_load_explicit(&all_sessions, memory_order_relaxed);
}
