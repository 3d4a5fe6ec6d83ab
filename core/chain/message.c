/* SPDX-License-Identifier: MIT */
/*
 * message.c - the part of a run that ends with the message
 */
#include "run.h"

/* What cm_final() says of a decision. */
static void
set_final(struct run *r, const struct decision *d)
{
	r->final = (struct cm_final){
		/* Nobody objected: it was accepted. */
		.verdict = d->verdict == CM_CONTINUE ? CM_ACCEPT : d->verdict,
		.code = d->reply.code,
		.status = d->reply.code == 0 ? NULL : d->reply.status,
		.text = d->reply.text,
		.by = d->link == NULL ? NULL : d->link->name,
		.stage = d->stage,
	};
}

void
message_decide(struct run *r, const struct decision *d)
{
	r->decided = true;
	r->decision = *d;
}

void
message_give(struct cm_session *s, enum cm_stage stage, struct answer *a)
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

static const struct edit *
find_quarantine(const struct run *r)
{
	for (size_t i = 0; i < r->edit_count; i++) {
		if (r->edits[i]->kind == EDIT_QUARANTINE)
			return r->edits[i];
	}
	return NULL;
}

const char *
message_outcome(const struct cm_session *s, struct decision *held, const struct decision **by)
{
	const struct run *r = s->run;
	const struct edit *quarantine = find_quarantine(r);

	*by = NULL;
	if (r->given && verdict_final(r->decision.verdict)) {
		*by = &r->decision;
		return verdict_name(r->decision.verdict);
	}
	if (r->given && quarantine != NULL) {
		*held = (struct decision){
			.link = quarantine->by, .stage = CM_STAGE_EOM, .reason = quarantine->value};
		*by = held;
		return "quarantine";
	}
	if (r->given) {
		*by = r->decision.verdict == CM_ACCEPT ? &r->decision : NULL;
		return "accept";
	}
	if (s->rcpt_refused > 0) {
		*by = &r->refused_rcpt;
		return verdict_name(r->refused_rcpt.verdict);
	}
	return "abandoned";
}

bool
chain_outcome(const struct cm_session *s, struct chain_outcome *out)
{
	const struct decision *d;
	struct decision held;

	*out = (struct chain_outcome){.word = message_outcome(s, &held, &d)};
	if (d != NULL) {
		out->by = d->link == NULL ? "core" : d->link->name;
		out->reply = d->reply;
		out->reason = d->reason;
	}
	return s->run->given || s->rcpt_refused > 0;
}

const struct edit *const *
chain_edits(const struct cm_session *s, size_t *count)
{
	*count = s->run->edit_count;
	return s->run->edits;
}

void
message_conclude(struct run *r, const struct cm_session *s)
{
	if (!r->given && s->rcpt_refused > 0)
		set_final(r, &r->refused_rcpt);
	r->final.rejected = r->rejected_rcpts;
}

void
message_reset(struct run *r)
{
	trace_init(&r->trace);
	r->due = r->late = 0;
	r->accepted = r->decided = r->given = r->logged = r->held_for_rcpt = false;
	r->decision = r->refused_rcpt = (struct decision){0};
	r->final = (struct cm_final){0};
	r->refused_addr = NULL;
	r->skipped = false;
	r->refused_logged = 0;
	r->rejected_rcpts = 0;
	r->cut_said = false;
	r->spent = 0;
	r->edits = NULL;
	r->edit_count = 0;
	for (size_t i = 0; i < r->chain->link_count; i++) {
		struct link_state *state = &r->states[i];

		if (state->pass != BREAKER_UNASKED)
			trip_end(state, r->chain->links[i]);
		state->msg = NULL;
		state->last = NULL;
		state->msg_done = state->tallied = false;
		state->due = 0;
		state->sampled_out = link_sampled_none(r->chain->links[i]);
		state->would_msg = 0;
		state->complained = 0;
	}
}
