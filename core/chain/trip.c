/* SPDX-License-Identifier: MIT */
/*
 * trip.c - a link's breaker in one session
 *
 * A link that was not shown the beginning of a message must not judge its end. So what holds at its
 * first call in a message holds for all of that message, and a try is a whole message, too. Before
 * MAIL each call is for itself.
 */
#include "run.h"

static struct link_state *
state_of(const struct run *r, const struct link *l)
{
	return &r->states[l->index];
}

bool
trip_lets(struct cm_session *s, struct link *l, enum cm_stage stage)
{
	struct link_state *state = state_of(s->run, l);

	if (state->pass == BREAKER_UNASKED)
		state->pass = (uint8_t)breaker_enter(l->breaker, stage, &state->ticket);
	if (state->pass != BREAKER_STOP)
		return true;
	if (!s->in_message)
		state->pass = BREAKER_UNASKED;
	return false;
}

bool
trip_stopped(const struct run *r, const struct link *l)
{
	return state_of(r, l)->pass == BREAKER_STOP;
}

/* One message is one failure, so that no single one can trip a link. True: it is open for that. */
static bool
note_failure(struct link_state *state, struct link *l, enum cm_stage stage)
{
	bool open = false;

	if (state->pass == BREAKER_TRY)
		open = breaker_tried(l->breaker, &state->ticket, BREAKER_FAILED);
	else if (!state->tallied)
		open = breaker_note_failure(l->breaker, stage);
	state->tallied = true;
	state->pass = BREAKER_RUN;
	return open;
}

void
trip_note(struct cm_session *s, struct link *l, const struct decision *d, bool failed)
{
	struct link_state *state = state_of(s->run, l);

	/* No message would ever try what only fails at commands that nobody knows. */
	if (failed && !s->run->innocent && d->stage != CM_STAGE_UNKNOWN) {
		if (note_failure(state, l, d->stage))
			trip_tell(s, l, d);
	} else if (!failed && state->pass == BREAKER_TRY) {
		state->tried_it = state->tried_it || d->stage == state->ticket.stage;
	}
	if (!s->in_message)
		trip_end(state, l);
}

/* A message that others refused before the stage that went wrong has shown nothing. */
void
trip_end(struct link_state *state, struct link *l)
{
	if (state->pass == BREAKER_TRY)
		breaker_tried(l->breaker, &state->ticket,
			state->tried_it ? BREAKER_WORKED : BREAKER_UNTRIED);
	state->pass = BREAKER_UNASKED;
	state->tried_it = false;
}
