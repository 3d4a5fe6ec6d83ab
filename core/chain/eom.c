/* SPDX-License-Identifier: MIT */
/*
 * eom.c - the end of a message: its last links, its edits, its answer
 */
#include "base/arena.h"
#include "run.h"

/* Edits of links that do not count in the message's profile were asked for at connect or HELO. */
struct edit_plan
chain_plan_edits(struct cm_session *s)
{
	struct edit_fields fields = session_fields(s);
	struct edit_queue conn;

	edit_queue_init(&conn);
	for (const struct edit *e = s->conn_edits.first; e != NULL; e = e->next) {
		if (profile_counts(s->run, e->by))
			edit_queue_put(&conn, arena_memdup(&s->msg, e, sizeof(*e)));
	}
	return edit_plan(&s->msg, &conn, &s->edits, &fields);
}

/* Nobody refused: what is to be done with the message. */
static void
settle_edits(struct cm_session *s)
{
	struct edit_plan plan = chain_plan_edits(s);
	struct run *r = s->run;

	if (plan.nobody == NULL) {
		r->edits = plan.edits;
		r->edit_count = plan.count;
		return;
	}
	r->decision = (struct decision){
		.verdict = CM_DISCARD, .link = plan.nobody->by, .stage = CM_STAGE_RCPT};
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
	if (!verdict_final(r->decision.verdict)) {
		chain_publish(s, NULL, CHAIN_RESULTS_LATE);
		settle_edits(s);
	}
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
