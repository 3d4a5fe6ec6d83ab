/* SPDX-License-Identifier: MIT */
/*
 * ask.c - a link that is asked in the hook of another: for an opinion, or for its results
 */
#include <string.h>

#include "base/clock.h"
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
chain_results_due(struct cm_session *s, bool may_wait)
{
	struct run *r = s->run;
	struct link_state *state;

	if (r->link == NULL || r->link->plugin->results == NULL || !s->in_message)
		return;
	state = &r->states[r->link->index];
	if (state->due == 0) {
		state->due = may_wait ? CHAIN_RESULTS_LATE : CHAIN_RESULTS_THERE;
		r->due++;
		r->late += may_wait;
	}
}

/* What it found, where another asked it. */
static void
trace_found(struct cm_session *s, struct link *l, bool watched)
{
	struct run *r = s->run;
	struct decision d = {.verdict = CM_CONTINUE,
		.link = l,
		.stage = s->stage,
		.reason = r->reason,
		.result = r->result};

	if (watched)
		hook_note_would(r, l, s->stage, CM_CONTINUE);
	if (r->reason != NULL || r->result != NULL)
		trace_add(s, &(struct cm_event){.stage = s->stage}, &d, CM_CONTINUE, watched, false,
			0);
}

/* In the time of the hook that reads; at the end of the message, where none does, in its own. */
static void
publish(struct cm_session *s, struct link *l)
{
	struct run *r = s->run;
	struct place reading = place_of(r);
	bool watched = link_watched(r, l), alone = reading.link == NULL;
	uint32_t asked_in_vain = r->watched;
	int64_t began = clock_now();

	r->due--;
	r->late -= r->states[l->index].due == CHAIN_RESULTS_LATE;
	r->states[l->index].due = 0;
	enter(r, &(struct place){.link = l, .shadow = watched, .asked = !alone});
	r->watched = 0;
	if (alone)
		r->deadline = began + hook_time_left(s, l);
	l->plugin->results(s);
	if (alone)
		r->spent += clock_now() - began;
	trace_found(s, l, watched);
	r->watched = asked_in_vain;
	enter(r, &reading);
}

static bool
wanted(const struct run *r, const struct link *l, const char *type, unsigned which)
{
	return (r->states[l->index].due & which) != 0 &&
	       (type == NULL || strcmp(l->plugin->name, type) == 0);
}

static void
publish_some(struct cm_session *s, struct link *const *links, size_t count, const char *type,
	unsigned which)
{
	for (size_t i = 0; s->run->due > 0 && i < count; i++) {
		if (wanted(s->run, links[i], type, which))
			publish(s, links[i]);
	}
}

/* In the order of the chain; a rule may have asked one that is not in it. */
void
chain_publish(struct cm_session *s, const char *type, unsigned which)
{
	const struct run *r = s->run;

	if (r->due == 0 || (which == CHAIN_RESULTS_LATE && r->late == 0) ||
		(r->link != NULL && type != NULL && strcmp(r->link->plugin->name, type) == 0))
		return;
	if (r->profile != NULL)
		publish_some(s, r->profile->links, r->profile->link_count, type, which);
	publish_some(s, r->chain->links, r->chain->link_count, type, which);
}

bool
chain_results_late(const struct cm_session *s, const char *type)
{
	const struct run *r = s->run;

	for (size_t i = 0; r->late > 0 && i < r->chain->link_count; i++) {
		if (wanted(r, r->chain->links[i], type, CHAIN_RESULTS_LATE))
			return true;
	}
	return false;
}
