/* SPDX-License-Identifier: MIT */
/*
 * hold.c - refusals at connect and HELO wait until MAIL
 *
 * Only then is the login known, and with it the profile; and only then do all MTAs pass the text on
 * to the client. A refusal counts for messages whose profile names the link that decided.
 */
#include "base/arena.h"
#include "run.h"

void
hold_add(struct cm_session *s, const struct decision *d)
{
	struct run *r = s->run;
	struct held *h = arena_alloc(&s->conn, sizeof(*h));

	h->decision = *d;
	h->decision.reply.text = arena_strdup(&s->conn, d->reply.text);
	h->decision.reason = arena_strdup(&s->conn, d->reason);
	*r->held_last = h;
	r->held_last = &h->next;
}

const struct decision *
hold_find(const struct run *r)
{
	for (const struct held *h = r->held; h != NULL && r->profile != NULL; h = h->next) {
		const struct link *l = h->decision.link;

		if (r->profile->has[l->index] && r->profile->mode == LINK_ENFORCE)
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

static void
catch_up_stage(struct cm_session *s, enum cm_stage stage)
{
	struct cm_event ev;
	struct decision d;

	if (!past_event(s, stage, &ev))
		return;
	links_run(s, &ev, &d);
	if (verdict_final(d.verdict))
		hold_add(s, &d);
}

void
hold_catch_up(struct cm_session *s)
{
	if (hold_find(s->run) != NULL)
		return;
	catch_up_stage(s, CM_STAGE_CONNECT);
	if (hold_find(s->run) == NULL)
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
	for (size_t i = 0; i < r->chain->link_count; i++)
		r->states[i].seen &= ~(1u << CM_STAGE_HELO);
}
