/* SPDX-License-Identifier: MIT */
/*
 * event.c - one event of an SMTP session, from the door to the door
 *
 * The event is kept by the session, shown to the links, and what they say is settled here by scope:
 * held until MAIL at connect and HELO, for one recipient at RCPT, for the message elsewhere.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "run.h"

/* Refusals of the core itself. */
static const struct limit {
	int code;
	const char *status, *text, *reason;
} limits[] = {
	[SESSION_TOO_LARGE] = {552, "5.3.4", "Message header is too large", "max_header_size"},
	[SESSION_TOO_MANY] = {452, "4.5.3", "Too many recipients", "max_recipients"},
};

static void
decide_reply(
	struct cm_session *s, struct decision *d, int code, const char *status, const char *text)
{
	struct err err;

	d->verdict = code < 500 ? CM_TEMPFAIL : CM_REJECT;
	(void)reply_set(&d->reply, session_arena(s), s->id, &err, code, status, text);
}

static void
decide_limit(
	struct cm_session *s, const struct cm_event *ev, enum session_kept kept, struct decision *d)
{
	const struct limit *limit = &limits[kept];

	*d = (struct decision){.stage = ev->stage, .reason = limit->reason};
	decide_reply(s, d, limit->code, limit->status, limit->text);
	trace_add(s, ev, d, d->verdict, false, false, 0);
}

/* --- the message ---------------------------------------------------------------------------- */

static void
set_final(struct run *r, const struct decision *d)
{
	r->final = (struct cm_final){
		.verdict = d->verdict,
		.code = d->reply.code,
		.status = d->reply.code == 0 ? NULL : d->reply.status,
		.text = d->reply.text,
		.by = d->link == NULL ? NULL : d->link->name,
	};
}

static void
decide(struct run *r, const struct decision *d)
{
	r->decided = true;
	r->decision = *d;
}

/* Tells the MTA, at this stage, how the message ends. */
static void
give(struct cm_session *s, enum cm_stage stage, struct answer *a)
{
	struct run *r = s->run;

	r->given = true;
	set_final(r, &r->decision);
	a->verdict = r->decision.verdict;
	a->reply = r->decision.reply;
	/* At end of message the door may still fail to apply the edits. */
	if (stage != CM_STAGE_EOM)
		summary_write(s);
}

/* An accept may end the events of a message only when nothing is to be done at its end. */
static bool
accept_now(const struct cm_session *s)
{
	const struct run *r = s->run;

	if (r->chain->summary || s->edits.count > 0 || s->conn_edits.count > 0)
		return false;
	for (size_t i = 0; i < r->chain->link_count; i++) {
		if (r->profile->has[i] && (r->chain->links[i]->needs & CM_AFTER_ACCEPT) != 0)
			return false;
	}
	return true;
}

static bool
waits_for_reply(const struct cm_session *s, enum cm_stage stage)
{
	return (s->no_reply & (UINT32_C(1) << stage)) == 0;
}

/* What the links said at MAIL, DATA, header, eoh or body. */
static void
settle_message(
	struct cm_session *s, enum cm_stage stage, const struct decision *d, struct answer *a)
{
	struct run *r = s->run;

	if (d->verdict == CM_ACCEPT) {
		r->accepted = true;
		r->decision = *d;
		if (waits_for_reply(s, stage) && accept_now(s)) {
			r->decided = true;
			give(s, stage, a);
		}
	} else if (verdict_final(d->verdict)) {
		decide(r, d);
		if (waits_for_reply(s, stage))
			give(s, stage, a);
	}
}

/* --- MAIL ---------------------------------------------------------------------------------------
 */

/* Nobody knows which profile is the right one, so nothing may pass. */
static void
decide_unknown(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	struct decision d = {.stage = ev->stage, .reason = "no profile can be chosen"};

	d.verdict = CM_TEMPFAIL;
	reply_failure(&d.reply, &s->msg, s->id, CM_TEMPFAIL);
	trace_add(s, ev, &d, CM_TEMPFAIL, false, true, 0);
	settle_message(s, ev->stage, &d, a);
}

static struct decision
unhold(struct cm_session *s, const struct decision *held)
{
	struct decision d = *held;

	reply_move(&d.reply, &s->msg, s->conn_id, s->id);
	return d;
}

static void
settle_mail(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	struct run *r = s->run;
	const struct decision *held;
	struct decision d;

	if (!profile_choose(s)) {
		decide_unknown(s, ev, a);
		return;
	}
	if (r->profile == NULL)
		return;
	hold_catch_up(s);
	held = hold_find(r);
	if (held != NULL && r->profile->hold == PROFILE_HOLD_RCPT) {
		r->held_for_rcpt = true;
		return;
	}
	if (held != NULL)
		d = unhold(s, held);
	else
		links_run(s, ev, &d);
	settle_message(s, ev->stage, &d, a);
}

/* --- RCPT ---------------------------------------------------------------------------------------
 */

static void
refuse_rcpt(
	struct cm_session *s, const struct cm_event *ev, const struct decision *d, struct answer *a)
{
	s->rcpt_refused++;
	s->run->refused_rcpt = *d;
	a->verdict = d->verdict;
	a->reply = d->reply;
	summary_rcpt(s, ev, d);
}

/* Taken, and dropped at the end: the only way an MTA can forget one recipient of several. */
static void
discard_rcpt(struct cm_session *s, const struct cm_event *ev, const struct decision *d)
{
	struct edit drop = {.kind = EDIT_DROP_RCPT, .by = d->link, .value = ev->address->addr};
	struct err err;

	(void)edit_add(&s->edits, &s->msg, &drop, &err);
	session_add_rcpt(s, ev->address);
	s->run->discarded++;
	s->run->discard = *d;
}

static void
settle_rcpt(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	struct run *r = s->run;
	struct decision d;

	if (r->decided)
		return;
	if (r->held_for_rcpt)
		d = unhold(s, hold_find(r));
	else
		links_run(s, ev, &d);
	if (d.verdict == CM_REJECT || d.verdict == CM_TEMPFAIL)
		refuse_rcpt(s, ev, &d, a);
	else if (d.verdict == CM_DISCARD)
		discard_rcpt(s, ev, &d);
	else
		session_add_rcpt(s, ev->address);
}

/* --- connect, HELO, unknown
 * ------------------------------------------------------------------------ */

static void
settle_connection(struct cm_session *s, const struct cm_event *ev)
{
	struct run *r = s->run;
	struct decision d;

	if (ev->stage == CM_STAGE_HELO)
		hold_forget_helo(s);
	(void)profile_choose(s);
	if (hold_find(r) != NULL)
		return;
	links_run(s, ev, &d);
	if (d.verdict == CM_ACCEPT)
		r->conn_accepted = d.link;
	else if (verdict_final(d.verdict))
		hold_add(s, &d);
}

static void
settle_unknown(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	struct decision d;

	links_run(s, ev, &d);
	if (verdict_final(d.verdict)) {
		a->verdict = d.verdict;
		a->reply = d.reply;
	}
}

/* --- body and end of message
 * ------------------------------------------------------------------------- */

/* Nobody wants more of the body: the MTA need not send it. */
static bool
body_unwanted(const struct cm_session *s)
{
	const struct run *r = s->run;

	if (r->decided)
		return true;
	if (s->keep_body && !s->body_cut)
		return false;
	if (r->profile == NULL || links_accepted(r, &stages[CM_STAGE_BODY]))
		return true;
	for (struct link *const *l = r->profile->at[CM_STAGE_BODY]; *l != NULL; l++) {
		const struct link_state *state = &r->states[(*l)->index];

		if (!state->conn_done && !state->msg_done && !link_off(r, *l))
			return false;
	}
	return true;
}

/* Edits of links that the message's profile does not name were asked for at connect or HELO. */
static void
plan_edits(struct cm_session *s, struct answer *a)
{
	struct edit_fields fields = session_fields(s);
	const struct profile *p = s->run->profile;
	struct edit_queue conn;
	struct err err;

	edit_queue_init(&conn);
	for (const struct edit *e = s->conn_edits.first; e != NULL; e = e->next) {
		if (e->by != NULL && p != NULL && p->has[e->by->index])
			(void)edit_add(&conn, &s->msg, e, &err);
	}
	a->edits = edit_plan(&s->msg, &conn, &s->edits, &fields, &a->edit_count);
}

static void
settle_eom(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	struct run *r = s->run;
	struct decision d;

	if (!r->decided) {
		links_run(s, ev, &d);
		if (d.verdict != CM_CONTINUE)
			r->decision = d;
		else if (r->discarded > 0 && r->discarded == s->rcpt_count)
			r->decision = r->discard;
		r->decided = true;
	}
	if (!verdict_final(r->decision.verdict))
		plan_edits(s, a);
	give(s, ev->stage, a);
}

static void
settle_body(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	struct decision d;

	if (!s->run->decided) {
		links_run(s, ev, &d);
		settle_message(s, ev->stage, &d, a);
	}
	a->skip = ev->stage == CM_STAGE_BODY && !verdict_final(a->verdict) && body_unwanted(s);
}

static void
settle(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	switch (ev->stage) {
	case CM_STAGE_CONNECT:
	case CM_STAGE_HELO:
		settle_connection(s, ev);
		break;
	case CM_STAGE_MAIL:
		settle_mail(s, ev, a);
		break;
	case CM_STAGE_RCPT:
		settle_rcpt(s, ev, a);
		break;
	case CM_STAGE_DATA:
	case CM_STAGE_HEADER:
	case CM_STAGE_EOH:
	case CM_STAGE_BODY:
		settle_body(s, ev, a);
		break;
	case CM_STAGE_EOM:
		settle_eom(s, ev, a);
		break;
	case CM_STAGE_UNKNOWN:
		settle_unknown(s, ev, a);
		break;
	case CM_STAGE_COUNT:
		break;
	}
}

void
chain_event(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	enum session_kept kept;
	struct decision d;

	*a = (struct answer){.verdict = CM_CONTINUE};
	if (ev->stage == CM_STAGE_MAIL)
		chain_end_message(s);
	else if (event_stage(ev)->scope != SCOPE_CONNECTION && !s->in_message)
		return; /* the MTA goes on with a message that was ended */
	kept = session_keep(s, ev);
	if (kept == SESSION_KEPT) {
		settle(s, ev, a);
		return;
	}
	if (s->run->decided)
		return;
	decide_limit(s, ev, kept, &d);
	if (ev->stage == CM_STAGE_RCPT)
		refuse_rcpt(s, ev, &d, a);
	else
		settle_message(s, ev->stage, &d, a);
}

void
chain_undo(struct cm_session *s, struct answer *a, const char *reason)
{
	struct run *r = s->run;
	struct cm_event ev = {.stage = CM_STAGE_EOM};
	struct decision d = {.stage = CM_STAGE_EOM, .verdict = CM_TEMPFAIL, .reason = reason};

	reply_failure(&d.reply, &s->msg, s->id, CM_TEMPFAIL);
	trace_add(s, &ev, &d, CM_TEMPFAIL, false, true, 0);
	decide(r, &d);
	*a = (struct answer){.verdict = CM_CONTINUE};
	give(s, CM_STAGE_EOM, a);
}
