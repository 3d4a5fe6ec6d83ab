/* SPDX-License-Identifier: MIT */
/*
 * chain.c - begins and ends the chain's part of a session, and answers for the running hook
 */
#include "chain.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "run.h"
#include "talkers.h"

/* Everything an MTA can grant. */
#define RIGHTS                                                                        \
	((uint32_t)(CM_EDIT_HEADERS | CM_EDIT_RCPTS | CM_EDIT_SENDER | CM_EDIT_BODY | \
		    CM_EDIT_QUARANTINE))

static const struct {
	uint32_t right;
	const char *name;
} right_names[] = {
	{CM_EDIT_BODY, "replace the body"},
	{CM_EDIT_HEADERS, "edit header fields"},
	{CM_EDIT_QUARANTINE, "quarantine"},
	{CM_EDIT_RCPTS, "edit recipients"},
	{CM_EDIT_SENDER, "change the sender"},
};

/* Loudly, once for each right in a generation: a link without its right does not run. */
static void
warn_missing(const struct cm_session *s, struct link *l, uint32_t missing)
{
	uint32_t unsaid = missing & ~atomic_fetch_or(&l->warned, missing);

	for (size_t i = 0; i < sizeof(right_names) / sizeof(*right_names); i++) {
		if ((unsaid & right_names[i].right) != 0)
			log_write(LOG_LEVEL_ERROR,
				"%s %s is off for this MTA (listener %s), which does not let a "
				"filter %s",
				s->conn_id, l->name, s->listener, right_names[i].name);
	}
}

/* As large as it must be, where a chunk of the arena would be twice that: idle sessions are many.
 */
static struct run *
new_run(size_t links)
{
	struct run *r =
		mem_zalloc(1, mem_sum(sizeof(*r), mem_product(links, sizeof(struct link_state))));

	r->states = (struct link_state *)(r + 1);
	return r;
}

void
chain_open(const struct chain *chain, struct cm_session *s)
{
	struct run *r = new_run(chain->link_count);

	arena_defer(&s->conn, free, r);
	r->chain = chain;
	r->held_last = &r->held;
	r->sees_all = needs_stage(chain, CM_STAGE_HEADER) && needs_stage(chain, CM_STAGE_BODY);
	trace_init(&r->conn_trace);
	trace_init(&r->trace);
	s->run = r;
	for (size_t i = 0; i < chain->link_count; i++) {
		struct link *l = chain->links[i];
		uint32_t missing = l->needs & RIGHTS & ~s->rights;

		r->states[i].off = missing != 0;
		r->states[i].sampled_out = link_sampled_none(l);
		if (missing != 0 && (l->set.mode != LINK_OFF || l->set.until != 0))
			warn_missing(s, l, missing);
	}
	(void)profile_choose(s);
}

void
chain_explain(struct cm_session *s, bool explained)
{
	s->run->unread = !explained;
}

bool
chain_explained(const struct cm_session *s)
{
	return !s->run->unread;
}

/* Calls a hook that ends a scope, for each link that has one. */
static void
end_scope(struct cm_session *s, bool message)
{
	struct run *r = s->run;

	for (size_t i = 0; i < r->chain->link_count; i++) {
		struct link *l = r->chain->links[i];
		void (*end)(struct cm_session *) =
			message ? l->plugin->end_msg : l->plugin->end_conn;
		bool involved = !message || (r->profile != NULL && r->profile->has[i]);

		if (end == NULL || !involved || link_dormant(r, l) ||
			(message && trip_stopped(r, l)))
			continue;
		r->link = l;
		r->shadow = r->profile != NULL && link_watched(r, l);
		r->deadline = clock_now() + l->set.timeout_us;
		end(s);
		r->link = NULL;
		r->shadow = false;
	}
}

/* What links that were watched would have done to the message. */
static void
note_would(const struct cm_session *s)
{
	const struct run *r = s->run;

	for (size_t i = 0; r->profile != NULL && i < r->chain->link_count; i++) {
		const struct link_state *state = &r->states[i];
		unsigned early = state->would_connect | state->would_helo, would = state->would_msg;

		/* Before MAIL it may have been another profile that watched. */
		if (early != 0 && link_watched(r, r->chain->links[i]))
			would |= early;
		if (would != 0 && r->profile->has[i])
			live_note_would(s, r->chain->links[i], would);
	}
}

void
chain_end_message(struct cm_session *s)
{
	if (s->run == NULL || !s->in_message)
		return;
	message_conclude(s->run, s);
	summary_write(s);
	talkers_note(s);
	counts_note_message(s);
	note_would(s);
	end_scope(s, true);
	session_end_message(s);
	message_reset(s->run);
}

void
chain_set_stand_in(struct cm_session *s, const struct chain_stand_in *stand_in)
{
	s->run->stand_in = stand_in;
}

void
chain_close(struct cm_session *s)
{
	if (s->run == NULL)
		return;
	chain_end_message(s);
	end_scope(s, false);
	s->run = NULL;
}

/* --- for the bodies of the services
 * --------------------------------------------------------------- */

struct link *
chain_running(const struct cm_session *s)
{
	return s->run == NULL ? NULL : s->run->link;
}

bool
chain_comes_later(const struct cm_session *s, const char *type)
{
	const struct profile *p = chain_chosen(s);
	struct link *const *l = p == NULL ? NULL : p->at[cm_stage(s)];
	bool passed = false;

	for (; l != NULL && *l != NULL; l++) {
		if (strcmp((*l)->plugin->name, type) == 0)
			return passed && !(*l)->adds;
		passed = passed || *l == chain_running(s);
	}
	return false;
}

bool
chain_running_shadow(const struct cm_session *s)
{
	return s->run != NULL && s->run->shadow;
}

void
chain_set_failure(const struct cm_session *s, enum failure kind)
{
	if (chain_running(s) == NULL)
		return;
	s->run->failure = kind;
	s->run->innocent = kind == FAILURE_INPUT;
}

bool
chain_sampled_out(const struct cm_session *s, const struct link *l)
{
	return l != NULL && s->run->states[l->index].sampled_out;
}

bool
chain_running_asked(const struct cm_session *s)
{
	return s->run->asked;
}

void
chain_watch_edit(struct cm_session *s, enum edit_kind kind)
{
	s->run->watched |= UINT32_C(1) << kind;
}

struct reply *
chain_running_reply(struct cm_session *s)
{
	return chain_running(s) == NULL ? NULL : &s->run->reply;
}

void
chain_set_reason(struct cm_session *s, const char *reason)
{
	s->run->reason = reason;
}

void
chain_set_result(struct cm_session *s, const char *result)
{
	s->run->result = result;
}

void *
chain_conn_state(struct cm_session *s)
{
	struct link *l = chain_running(s);
	struct link_state *state;

	if (l == NULL || l->plugin->conn_size == 0)
		return NULL;
	state = &s->run->states[l->index];
	if (state->conn == NULL)
		state->conn = arena_alloc(&s->conn, l->plugin->conn_size);
	return state->conn;
}

void *
chain_msg_state(struct cm_session *s)
{
	struct link *l = chain_running(s);
	struct link_state *state;

	if (l == NULL || !s->in_message || l->plugin->msg_size == 0)
		return NULL;
	state = &s->run->states[l->index];
	if (state->msg == NULL)
		state->msg = arena_alloc(&s->msg, l->plugin->msg_size);
	return state->msg;
}

int64_t
chain_deadline(const struct cm_session *s)
{
	return s->run->deadline;
}

const struct chain *
chain_of(const struct cm_session *s)
{
	return s->run == NULL ? NULL : s->run->chain;
}

const struct profile *
chain_chosen(const struct cm_session *s)
{
	return s->run == NULL ? NULL : s->run->profile;
}

const struct trace *
chain_conn_trace(const struct cm_session *s)
{
	return &s->run->conn_trace;
}

const struct trace *
chain_trace(const struct cm_session *s)
{
	return &s->run->trace;
}

struct command_sink *
chain_sink(const struct cm_session *s)
{
	return s->run->sink;
}

const struct cm_final *
chain_final(const struct cm_session *s)
{
	return &s->run->final;
}
