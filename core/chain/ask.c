/* SPDX-License-Identifier: MIT */
/*
 * ask.c - a link that is asked in the hook of another: for an opinion, or for its results
 */
#include <string.h>

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

/* --- results that wait for a reader --- */

void
chain_results_due(struct cm_session *s)
{
	struct run *r = s->run;

	if (r->link == NULL || r->link->plugin->results == NULL || !s->in_message)
		return;
	r->due += !r->states[r->link->index].due;
	r->states[r->link->index].due = true;
}

static void
publish(struct cm_session *s, struct link *l)
{
	struct run *r = s->run;
	struct place reading = place_of(r);

	r->due--;
	r->states[l->index].due = false;
	enter(r, &(struct place){.link = l, .shadow = reading.shadow, .asked = true});
	l->plugin->results(s);
	enter(r, &reading);
}

static void
publish_some(struct cm_session *s, struct link *const *links, size_t count, const char *type)
{
	struct run *r = s->run;

	for (size_t i = 0; r->due > 0 && i < count; i++) {
		if (r->states[links[i]->index].due &&
			(type == NULL || strcmp(links[i]->plugin->name, type) == 0))
			publish(s, links[i]);
	}
}

/* In the order of the chain; a rule may have asked one that is not in it. */
void
chain_publish(struct cm_session *s, const char *type)
{
	const struct run *r = s->run;

	if (r->due == 0)
		return;
	if (r->profile != NULL)
		publish_some(s, r->profile->links, r->profile->link_count, type);
	publish_some(s, r->chain->links, r->chain->link_count, type);
}
