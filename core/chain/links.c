/* SPDX-License-Identifier: MIT */
/*
 * links.c - the loop over the links of one stage
 */
#include "base/clock.h"
#include "run.h"

/*
 * A stage of the connection is shown once to each link: again when the client says it again, or
 * when it was only watched because of the profile, and the one chosen since is enforced.
 */
static bool
shown(const struct run *r, const struct link_state *state, const struct stage *stage)
{
	uint32_t shown = r->profile->mode == LINK_ENFORCE ? state->counted : state->seen;

	return stage->held && (shown & (1u << stage->id)) != 0;
}

static void
set_shown(const struct run *r, const struct link *l, const struct stage *stage)
{
	struct link_state *state = &r->states[l->index];

	state->seen |= 1u << stage->id;
	if (r->profile->mode == LINK_ENFORCE)
		state->counted |= 1u << stage->id;
}

bool
links_wanted(const struct run *r, const struct link *l, const struct stage *stage, bool accepted)
{
	const struct link_state *state = &r->states[l->index];
	bool done = stage->scope == SCOPE_CONNECTION ? state->conn_done
						     : state->conn_done || state->msg_done;

	if (done || shown(r, state, stage) || link_off(r, l))
		return false;
	return !accepted || (l->needs & CM_AFTER_ACCEPT) != 0;
}

static void
set_done(struct run *r, const struct link *l, const struct stage *stage)
{
	struct link_state *state = &r->states[l->index];

	if (stage->scope == SCOPE_CONNECTION)
		state->conn_done = true;
	else if (stage->scope == SCOPE_MESSAGE)
		state->msg_done = true;
}

/*
 * An accept at connect or HELO counts where the profile names the link that said so. A notice of
 * ours is accepted as it is: a rule that tells of each message would never come to an end.
 */
bool
links_accepted(const struct run *r, const struct stage *stage)
{
	const struct link *by = r->conn_accept.link;

	if (r->own || (by != NULL && profile_counts(r, by)))
		return true;
	return stage->scope != SCOPE_CONNECTION && r->accepted;
}

void
links_run(struct cm_session *s, const struct cm_event *ev, struct decision *d)
{
	struct run *r = s->run;
	const struct stage *stage = event_stage(ev);
	bool accepted = links_accepted(r, stage);
	struct decision accept = {.verdict = CM_CONTINUE};

	*d = accept;
	if (r->profile == NULL)
		return;
	r->now = clock_now();
	for (struct link *const *l = r->profile->at[ev->stage]; *l != NULL; l++) {
		if (!links_wanted(r, *l, stage, accepted) ||
			(ev->rejected && ((*l)->needs & CM_SEES_REJECTED) == 0))
			continue;
		if (hook_run(s, *l, ev, d))
			set_shown(r, *l, stage);
		if (d->verdict == CM_DONE)
			set_done(r, *l, stage);
		/* After an accept a link may still mark and sign, not refuse. */
		if (verdict_final(d->verdict) && !accepted)
			return;
		if (d->verdict == CM_ACCEPT && !accepted) {
			accepted = true;
			accept = *d;
		}
	}
	*d = accept;
}
