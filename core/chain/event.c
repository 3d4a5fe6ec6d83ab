/* SPDX-License-Identifier: MIT */
/*
 * event.c - one event of an SMTP session, from the door to the door
 *
 * The event is kept by the session, shown to the links, and what they say is settled here by scope:
 * held until MAIL at connect and HELO, for one recipient at RCPT, for the message elsewhere.
 */
#include "base/arena.h"
#include "base/log.h"
#include "run.h"
#include "service/notice.h"

/* --- the message ---------------------------------------------------------------------------- */

/* An accept may end the events of a message only when nothing is to be done at its end. */
static bool
accept_now(const struct cm_session *s)
{
	const struct run *r = s->run;

	if (r->chain->summary || r->late > 0 || s->edits.count > 0 || s->conn_edits.count > 0)
		return false;
	for (size_t i = 0; i < r->chain->link_count; i++) {
		const struct link *l = r->chain->links[i];

		if (r->profile->has[i] && (l->needs & CM_AFTER_ACCEPT) != 0 && !link_off(r, l))
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
	}
	if (verdict_final(d->verdict)) {
		message_decide(r, d);
		if (waits_for_reply(s, stage))
			message_give(s, stage, a);
	} else if (r->accepted && waits_for_reply(s, stage) && accept_now(s)) {
		r->decided = true;
		message_give(s, stage, a);
	}
}

static void
refuse_rcpt(
	struct cm_session *s, const struct cm_event *ev, const struct decision *d, struct answer *a)
{
	/* The MTA took the recipient without waiting: only the whole message can be refused yet. */
	if (!waits_for_reply(s, ev->stage)) {
		message_decide(s->run, d);
		return;
	}
	s->rcpt_refused++;
	s->run->rejected_rcpts += d->verdict == CM_REJECT;
	s->run->final.rejected = s->run->rejected_rcpts;
	s->run->refused_rcpt = *d;
	s->run->refused_addr = arena_strdup(&s->msg, ev->address->addr);
	a->verdict = d->verdict;
	a->reply = d->reply;
	summary_rcpt(s, ev, d);
}

static void
refuse_for(struct cm_session *s, const struct cm_event *ev, enum refusal why, struct answer *a)
{
	struct decision d;

	refuse_decide(s, ev, why, &d);
	if (ev->stage == CM_STAGE_RCPT)
		refuse_rcpt(s, ev, &d, a);
	else
		settle_message(s, ev->stage, &d, a);
}

/* What no MTA can have meant is shown to no link. */
static bool
refuse_now(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	enum refusal why = refuse_nonsense(s->run, ev);

	if (why != REFUSE_NOTHING)
		refuse_for(s, ev, why, a);
	return why != REFUSE_NOTHING;
}

/* --- MAIL ----------------------------------------------------------------------------------- */

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

/* The message is accepted before it began; links that mark and sign see it all the same. */
static void
accept_connection(struct cm_session *s, const struct cm_event *ev, struct decision *d)
{
	links_run(s, ev, d);
	*d = s->run->conn_accept;
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
	if (refuse_now(s, ev, a))
		return;
	hold_catch_up(s);
	held = hold_find(r);
	/* A discard has no text for the client, and is for all recipients anyway. */
	if (held != NULL && r->profile->hold == PROFILE_HOLD_RCPT && held->verdict != CM_DISCARD) {
		r->held_for_rcpt = true;
		return;
	}
	if (held != NULL)
		d = unhold(s, held);
	else if (links_accepted(r, &stages[CM_STAGE_CONNECT]))
		accept_connection(s, ev, &d);
	else
		links_run(s, ev, &d);
	settle_message(s, ev->stage, &d, a);
}

/* --- RCPT ----------------------------------------------------------------------------------- */

/* Taken, and dropped at the end: the only way an MTA can forget one recipient of several. */
static void
discard_rcpt(struct cm_session *s, const struct cm_event *ev, const struct decision *d)
{
	struct edit drop = {.kind = EDIT_DROP_RCPT, .by = d->link};

	session_add_rcpt(s, ev->address);
	/* Not through edit_add(): the MTA took it, so it can be dropped even if it is no address.
	 */
	drop.value = s->rcpts[s->rcpt_count - 1].addr;
	edit_queue_discard(&s->edits, arena_memdup(&s->msg, &drop, sizeof(drop)));
}

static void
settle_rcpt(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	struct run *r = s->run;
	struct decision d;

	if (r->decided || refuse_now(s, ev, a))
		return;
	if (ev->rejected) {
		links_run(s, ev, &d);
		return;
	}
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

/* --- connect, HELO, unknown ----------------------------------------------------------------- */

static void
settle_connection(struct cm_session *s, const struct cm_event *ev)
{
	struct run *r = s->run;
	struct decision d;

	if (ev->stage == CM_STAGE_HELO && ev->name != NULL && notice_is_ours(ev->name)) {
		r->own = true;
		r->conn_accept = (struct decision){
			.verdict = CM_ACCEPT, .stage = CM_STAGE_HELO, .reason = "a notice of ours"};
	}
	(void)profile_choose(s);
	if (hold_find(r) != NULL)
		return;
	links_run(s, ev, &d);
	hold_settle(s, &d);
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

/* --- DATA, header and body ------------------------------------------------------------------ */

/* Somebody who is not done with the message counts its octets. */
static bool
body_counted(const struct run *r, const struct stage *body, bool accepted)
{
	for (size_t i = 0; i < r->chain->link_count; i++) {
		const struct link *l = r->chain->links[i];

		if (r->profile->has[i] && (l->needs & CM_NEED_SIZE) != 0 &&
			links_wanted(r, l, body, accepted))
			return true;
	}
	return false;
}

/* Nobody wants more of the body: the MTA need not send it. */
static bool
body_unwanted(const struct cm_session *s)
{
	const struct run *r = s->run;
	const struct stage *body = &stages[CM_STAGE_BODY];
	bool accepted = links_accepted(r, body);

	if (r->decided || r->profile == NULL)
		return true;
	if ((s->keep_body && !s->body_cut) || body_counted(r, body, accepted))
		return false;
	for (struct link *const *l = r->profile->at[CM_STAGE_BODY]; *l != NULL; l++) {
		if (links_wanted(r, *l, body, accepted))
			return false;
	}
	return true;
}

/* Said once, and no failure: what must have the body says what it does without. */
static void
say_cut(struct cm_session *s, const struct cm_event *ev)
{
	struct decision d = {
		.stage = ev->stage, .reason = "larger than max_message_size, not kept"};

	if (!s->body_cut || s->run->cut_said)
		return;
	s->run->cut_said = true;
	trace_add(s, ev, &d, CM_CONTINUE, false, false, 0);
	log_write(LOG_LEVEL_WARN, "%s the body is larger than max_message_size and was not kept",
		s->id);
}

static void
settle_body(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	struct decision d;

	if (!s->run->decided && !refuse_now(s, ev, a)) {
		say_cut(s, ev);
		links_run(s, ev, &d);
		settle_message(s, ev->stage, &d, a);
	}
	a->skip = ev->stage == CM_STAGE_BODY && waits_for_reply(s, ev->stage) &&
		  !verdict_final(a->verdict) && body_unwanted(s);
	s->run->skipped |= a->skip;
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
		eom_settle(s, ev, a);
		break;
	case CM_STAGE_UNKNOWN:
		settle_unknown(s, ev, a);
		break;
	case CM_STAGE_COUNT:
		break;
	}
}

/* Links see a name as the session keeps it, now and when they are caught up at MAIL. */
static struct cm_event
as_kept(const struct cm_session *s, const struct cm_event *ev)
{
	struct cm_event kept = *ev;

	if (ev->stage == CM_STAGE_CONNECT)
		kept.name = s->client.name;
	else if (ev->stage == CM_STAGE_HELO)
		kept.name = s->helo;
	return kept;
}

void
chain_event(struct cm_session *s, const struct cm_event *ev, struct answer *a)
{
	struct cm_event shown;
	enum session_kept kept;

	*a = (struct answer){.verdict = CM_CONTINUE};
	/* RFC 5321 section 4.1.4: a new EHLO is a RSET too. */
	if (ev->stage <= CM_STAGE_MAIL)
		chain_end_message(s);
	else if (event_stage(ev)->scope != SCOPE_CONNECTION && !s->in_message) {
		refuse_stray(s, ev, a);
		return;
	}
	s->run->stray = false;
	if (ev->stage == CM_STAGE_HELO)
		hold_forget_helo(s);
	kept = session_keep(s, ev);
	if (kept == SESSION_KEPT) {
		shown = as_kept(s, ev);
		settle(s, &shown, a);
		return;
	}
	/* Where nothing is enforced, what is over a limit is not kept, and passes. */
	if (!s->run->decided && refuse_enforced(s->run))
		refuse_for(s, ev, kept == SESSION_TOO_MANY ? REFUSE_RCPTS : REFUSE_HEADER, a);
}
