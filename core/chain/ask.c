/* SPDX-License-Identifier: MIT */
/*
 * ask.c - a link that is asked in the hook of another
 */
#include "run.h"

/* What belongs to the running link. */
struct place {
	struct link *link;
	struct reply reply;
	const char *reason, *result;
	bool shadow, asked;
};

static struct place
place_of(const struct run *r)
{
	return (struct place){r->link, r->reply, r->reason, r->result, r->shadow, r->asked};
}

static void
enter(struct run *r, const struct place *p)
{
	r->link = p->link;
	r->reply = p->reply;
	r->reason = p->reason;
	r->result = p->result;
	r->shadow = p->shadow;
	r->asked = p->asked;
}

void
chain_ask(struct cm_session *s, struct link *l, const struct cm_event *ev, const void *options,
	struct chain_opinion *o)
{
	struct run *r = s->run;
	struct place asking = place_of(r);
	bool watched = link_watched(r, l);

	*o = (struct chain_opinion){.verdict = CM_CONTINUE};
	if (link_dormant(r, l))
		return;
	enter(r, &(struct place){.link = l, .shadow = asking.shadow || watched, .asked = true});
	o->verdict = l->plugin->ask(s, ev, options);
	o->reply = r->reply;
	o->reason = r->reason;
	enter(r, &asking);
	if (watched && o->verdict != CM_FAILED)
		o->verdict = CM_CONTINUE;
}
