/* SPDX-License-Identifier: MIT */
/*
 * eom.c - the end of a message: its last links, its edits, its answer
 */
#include "base/arena.h"
#include "run.h"

/* Edits of links that do not count in the message's profile were asked for at connect or HELO. */
static void
plan_edits(struct cm_session *s)
{
	struct edit_fields fields = session_fields(s);
	struct run *r = s->run;
	struct edit_queue conn;

	edit_queue_init(&conn);
	for (const struct edit *e = s->conn_edits.first; e != NULL; e = e->next) {
		if (profile_counts(r, e->by))
			edit_queue_put(&conn, arena_memdup(&s->msg, e, sizeof(*e)));
	}
	r->edits = edit_plan(&s->msg, &conn, &s->edits, &fields, &r->edit_count);
}

static const struct edit *
find_drop(const struct run *r, const struct cm_address *rcpt)
{
	for (size_t i = 0; i < r->edit_count; i++) {
		if (edit_drops(r->edits[i], rcpt))
			return r->edits[i];
	}
	return NULL;
}

/* The edit that dropped the last recipient there was; NULL: somebody is left. */
static const struct edit *
nobody_left(const struct cm_session *s)
{
	const struct run *r = s->run;
	const struct edit *drop = NULL;

	for (size_t i = 0; i < r->edit_count; i++) {
		if (r->edits[i]->kind == EDIT_ADD_RCPT)
			return NULL;
	}
	for (size_t i = 0; i < s->rcpt_count; i++) {
		drop = find_drop(r, &s->rcpts[i]);
		if (drop == NULL)
			return NULL;
	}
	return drop;
}

/* Nobody refused: what is to be done with the message. */
static void
settle_edits(struct cm_session *s)
{
	struct run *r = s->run;
	const struct edit *drop;

	plan_edits(s);
	drop = nobody_left(s);
	if (drop == NULL)
		return;
	r->decision =
		(struct decision){.verdict = CM_DISCARD, .link = drop->by, .stage = CM_STAGE_RCPT};
	r->edits = NULL;
	r->edit_count = 0;
}

void
eom_settle(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	struct run *r = s->run;
	struct decision d;

	if (!r->decided) {
		links_run(s, ev, &d);
		if (d.verdict != CM_CONTINUE)
			r->decision = d;
		r->decided = true;
	}
	if (!verdict_final(r->decision.verdict))
		settle_edits(s);
	message_give(s, ev->stage, a);
	a->edits = r->edits;
	a->edit_count = r->edit_count;
}

void
chain_undo(struct cm_session *s, struct answer *a, const char *reason)
{
	struct run *r = s->run;
	struct cm_event ev = {.stage = CM_STAGE_EOM};
	struct decision d = {.stage = CM_STAGE_EOM, .verdict = CM_TEMPFAIL, .reason = reason};

	reply_failure(&d.reply, &s->msg, s->id, CM_TEMPFAIL);
	trace_add(s, &ev, &d, CM_TEMPFAIL, false, true, 0);
	r->edits = NULL;
	r->edit_count = 0;
	message_decide(r, &d);
	*a = (struct answer){.verdict = CM_CONTINUE};
	message_give(s, CM_STAGE_EOM, a);
}
