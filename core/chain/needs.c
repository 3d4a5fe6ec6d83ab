/* SPDX-License-Identifier: MIT */
/*
 * needs.c - what a chain needs of an MTA: stages, replies, rights
 *
 * The doors derive their negotiation from it. Each thing asked for costs round trips or octets for
 * every message, so nothing is asked for that no link and no line of the log uses.
 */
#include "run.h"

#define BIT(stage) (UINT32_C(1) << (stage))

/* The client, the envelope and the end of the message: the core keeps these itself. */
#define CORE_STAGES                                                                             \
	(BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_HELO) | BIT(CM_STAGE_MAIL) | BIT(CM_STAGE_RCPT) | \
		BIT(CM_STAGE_EOM))

/* A refusal here waits for the end of the message, unless a link asks to stop early. */
#define LATE_STAGES \
	(BIT(CM_STAGE_DATA) | BIT(CM_STAGE_HEADER) | BIT(CM_STAGE_EOH) | BIT(CM_STAGE_BODY))

#define RIGHTS                                                                        \
	((uint32_t)(CM_EDIT_HEADERS | CM_EDIT_RCPTS | CM_EDIT_SENDER | CM_EDIT_BODY | \
		    CM_EDIT_QUARANTINE))

bool
needs_link(const struct chain *chain, const struct link *l)
{
	if (l->set.mode == LINK_OFF && l->set.until == 0)
		return false;
	for (size_t i = 0; i < chain->profile_count; i++) {
		const struct profile *p = &chain->profiles[i];

		if (p->mode != LINK_OFF && p->has[l->index])
			return true;
	}
	return false;
}

/* The stages at which a profile shows something to a link. */
static uint32_t
profile_stages(const struct profile *p)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		if (p->mode != LINK_OFF && p->at[i][0] != NULL)
			mask |= BIT(i);
	}
	return mask;
}

uint32_t
needs_hooked(const struct chain *chain)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < chain->profile_count; i++)
		mask |= profile_stages(&chain->profiles[i]);
	return mask;
}

static bool
may_decide(struct link *const *links, enum cm_stage stage)
{
	while (*links != NULL && ((*links)->silent & BIT(stage)) != 0)
		links++;
	return *links != NULL;
}

/* The stages at which some link may have a verdict. */
static uint32_t
decided(const struct chain *chain)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < chain->profile_count; i++) {
		const struct profile *p = &chain->profiles[i];

		for (unsigned stage = 0; p->mode != LINK_OFF && stage < CM_STAGE_COUNT; stage++)
			mask |= may_decide(p->at[stage], stage) ? BIT(stage) : 0;
	}
	return mask;
}

static void
link_needs(struct chain_needs *needs, const struct link *l)
{
	uint32_t late = 0;

	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		if (stage_hook(&stages[i], l->plugin) != NULL)
			late |= BIT(i) & LATE_STAGES;
	}
	if ((l->needs & CM_STOP_EARLY) != 0)
		needs->replies |= late & needs->stages;
	needs->rights |= l->needs & RIGHTS;
	/* An edit of a field must know whether the field is there. */
	needs->headers |= (l->needs & (CM_NEED_HEADERS | CM_EDIT_HEADERS)) != 0;
	needs->body |= (l->needs & CM_NEED_BODY) != 0;
	needs->rejected |= (l->needs & CM_SEES_REJECTED) != 0;
	needs->size |= (l->needs & CM_NEED_SIZE) != 0;
	needs->blanks |= (l->needs & CM_NEED_BLANKS) != 0;
}

static void
profile_needs(struct chain_needs *needs, const struct profile *p)
{
	if (p->hold == PROFILE_HOLD_RCPT)
		needs->replies |= BIT(CM_STAGE_RCPT);
	/* A profile nobody can choose is a temporary failure at MAIL. */
	if (p->ports.count > 0 || p->daemons.count > 0 || p->login != PROFILE_ANY)
		needs->replies |= BIT(CM_STAGE_MAIL);
}

/* Refusals at connect and HELO are given at MAIL. */
static uint32_t
replies(uint32_t decided)
{
	uint32_t mask = decided & (BIT(CM_STAGE_RCPT) | BIT(CM_STAGE_UNKNOWN));

	if ((decided & (BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_HELO) | BIT(CM_STAGE_MAIL))) != 0)
		mask |= BIT(CM_STAGE_MAIL);
	return mask | BIT(CM_STAGE_EOM);
}

static void
find_needs(const struct chain *chain, struct chain_needs *needs)
{
	*needs = (struct chain_needs){.stages = needs_hooked(chain)};
	needs->replies = replies(decided(chain));
	for (size_t i = 0; i < chain->link_count; i++) {
		if (needs_link(chain, chain->links[i]))
			link_needs(needs, chain->links[i]);
	}
	for (size_t i = 0; i < chain->profile_count; i++)
		profile_needs(needs, &chain->profiles[i]);
	needs->stages |= CORE_STAGES;
	if (needs->headers || needs->size)
		needs->stages |= BIT(CM_STAGE_HEADER);
	if (needs->body || needs->size)
		needs->stages |= BIT(CM_STAGE_BODY);
}

bool
needs_stage(const struct chain *chain, enum cm_stage stage)
{
	struct chain_needs needs;

	find_needs(chain, &needs);
	return (needs.stages & BIT(stage)) != 0;
}

void
chain_needs(const struct chain *chain, struct arena *arena, struct chain_needs *needs)
{
	find_needs(chain, needs);
	needs_macros(chain, arena, needs);
}
