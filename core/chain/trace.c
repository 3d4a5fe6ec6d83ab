/* SPDX-License-Identifier: MIT */
/*
 * trace.c - what each link did with a message, and why
 */
#include "trace.h"

#include "base/arena.h"
#include "run.h"

void
trace_init(struct trace *t)
{
	*t = (struct trace){.last = &t->first};
}

void
trace_forget(struct trace *t, enum cm_stage stage)
{
	t->last = &t->first;
	for (struct trace_record *r = t->first; r != NULL; r = r->next) {
		if (r->stage == stage) {
			t->count--;
			continue;
		}
		*t->last = r;
		t->last = &r->next;
	}
	*t->last = NULL;
}

/* Another call of the same link at the same stage that had nothing to say? */
static bool
repeats(const struct trace_record *last, enum cm_stage stage, const struct decision *d,
	enum cm_verdict said, bool shadow)
{
	return last != NULL && last->stage == stage && last->verdict == said &&
	       said == CM_CONTINUE && last->reason == NULL && d->reason == NULL &&
	       last->result == NULL && d->result == NULL && last->shadow == shadow;
}

/*
 * Thousands of recipients or unknown commands must not push out the stages behind them; what
 * happened to the connection is bounded for all its messages.
 */
static size_t
room(const struct trace *t, enum cm_stage stage)
{
	size_t most =
		stage == CM_STAGE_RCPT || stage == CM_STAGE_UNKNOWN ? TRACE_MAX / 2 : TRACE_MAX;

	return t->count < most ? most - t->count : 0;
}

static struct reply
kept_reply(struct arena *arena, const struct reply *reply)
{
	struct reply kept = *reply;

	kept.text = arena_strdup(arena, reply->text);
	return kept;
}

static const char *
event_rcpt(struct arena *arena, const struct cm_event *ev, enum cm_verdict said)
{
	if (ev->stage != CM_STAGE_RCPT || said == CM_CONTINUE || ev->address == NULL)
		return NULL;
	return arena_strdup(arena, ev->address->text);
}

void
trace_add(struct cm_session *s, const struct cm_event *ev, const struct decision *d,
	enum cm_verdict said, bool shadow, bool failed, int64_t us)
{
	struct run *r = s->run;
	bool of_conn = event_stage(ev)->scope == SCOPE_CONNECTION;
	struct trace *t = of_conn ? &r->conn_trace : &r->trace;
	struct arena *arena = !of_conn			   ? &s->msg
			      : ev->stage == CM_STAGE_HELO ? &s->greeting
							   : &s->conn;
	struct link_state *state = d->link == NULL ? NULL : &r->states[d->link->index];
	struct trace_record *record;

	if (state != NULL && repeats(state->last, ev->stage, d, said, shadow)) {
		state->last->calls++;
		state->last->us += us;
		state->last->edits |= shadow ? r->watched : 0;
		return;
	}
	if (room(t, ev->stage) == 0) {
		t->lost++;
		return;
	}
	record = arena_alloc(arena, sizeof(*record));
	*record = (struct trace_record){
		.link = d->link,
		.stage = ev->stage,
		.verdict = said,
		.shadow = shadow,
		.failed = failed,
		.reply = kept_reply(arena, &d->reply),
		.reason = arena_strdup(arena, d->reason),
		.result = arena_strdup(arena, d->result),
		.rcpt = event_rcpt(arena, ev, said),
		.us = us,
		.calls = 1,
		.edits = shadow ? r->watched : 0,
	};
	*t->last = record;
	t->last = &record->next;
	t->count++;
	if (state != NULL)
		state->last = record;
}
