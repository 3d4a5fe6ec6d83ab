/* SPDX-License-Identifier: MIT */
/*
 * hold.c - what is said at connect and HELO waits until MAIL
 *
 * Only then is the login known, and with it the profile; and only then do all MTAs pass the text on
 * to the client. It counts for messages whose profile names the link that decided.
 */
#include <string.h>

#include "base/arena.h"
#include "run.h"

static void
hold_add(struct cm_session *s, const struct decision *d)
{
	struct run *r = s->run;
	struct arena *arena = d->stage == CM_STAGE_HELO ? &s->greeting : &s->conn;
	struct held *h = arena_alloc(arena, sizeof(*h));

	h->decision = *d;
	*r->held_last = h;
	r->held_last = &h->next;
}

void
hold_settle(struct cm_session *s, const struct decision *d)
{
	if (d->verdict == CM_ACCEPT)
		s->run->conn_accept = *d;
	else if (verdict_final(d->verdict))
		hold_add(s, d);
}

const struct decision *
hold_find(const struct run *r)
{
	for (const struct held *h = r->own ? NULL : r->held; h != NULL; h = h->next) {
		if (profile_counts(r, h->decision.link))
			return &h->decision;
	}
	return NULL;
}

/* The event of a stage that is over, as far as the session kept it. */
static bool
past_event(const struct cm_session *s, enum cm_stage stage, struct cm_event *ev)
{
	*ev = (struct cm_event){.stage = stage};
	ev->name = stage == CM_STAGE_CONNECT ? s->client.name : s->helo;
	return ev->name != NULL;
}

/* As if there were no message yet: what links leave behind belongs to the connection. */
static void
catch_up_stage(struct cm_session *s, enum cm_stage stage)
{
	char id[SESSION_ID_SIZE];
	struct cm_event ev;
	struct decision d;

	if (hold_find(s->run) != NULL || !past_event(s, stage, &ev))
		return;
	memcpy(id, s->id, sizeof(id));
	memcpy(s->id, s->conn_id, sizeof(s->id));
	s->in_message = false;
	s->stage = stage;
	links_run(s, &ev, &d);
	hold_settle(s, &d);
	s->stage = CM_STAGE_MAIL;
	s->in_message = true;
	memcpy(s->id, id, sizeof(s->id));
}

void
hold_catch_up(struct cm_session *s)
{
	catch_up_stage(s, CM_STAGE_CONNECT);
	catch_up_stage(s, CM_STAGE_HELO);
}

void
hold_forget_helo(struct cm_session *s)
{
	struct run *r = s->run;

	r->held_last = &r->held;
	for (struct held *h = r->held; h != NULL; h = h->next) {
		if (h->decision.stage == CM_STAGE_HELO)
			continue;
		*r->held_last = h;
		r->held_last = &h->next;
	}
	*r->held_last = NULL;
	trace_forget(&r->conn_trace, CM_STAGE_HELO);
	r->own = false;
	if (r->conn_accept.stage == CM_STAGE_HELO)
		r->conn_accept = (struct decision){0};
	for (size_t i = 0; i < r->chain->link_count; i++) {
		struct trace_record *last = r->states[i].last;

		if (last != NULL && last->stage == CM_STAGE_HELO)
			r->states[i].last = NULL;
		r->states[i].would_helo = 0;
		r->states[i].seen &= ~(1u << CM_STAGE_HELO);
		r->states[i].counted &= ~(1u << CM_STAGE_HELO);
	}
}
