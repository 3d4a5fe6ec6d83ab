/* SPDX-License-Identifier: MIT */
/*
 * needs.c - what a chain needs of an MTA: stages, replies, rights, macros
 *
 * The doors derive their negotiation from it. Each thing asked for costs round trips or octets for
 * every message, so nothing is asked for that no link and no line of the log uses.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "run.h"

#define BIT(stage) (UINT32_C(1) << (stage))

/* The client, the envelope and the end of the message: the core keeps these itself. */
#define CORE_STAGES                                                                             \
	(BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_HELO) | BIT(CM_STAGE_MAIL) | BIT(CM_STAGE_RCPT) | \
		BIT(CM_STAGE_EOM))

/* A refusal here waits for the end of the message, unless a link asks to stop early. */
#define LATE_STAGES \
	(BIT(CM_STAGE_DATA) | BIT(CM_STAGE_HEADER) | BIT(CM_STAGE_EOH) | BIT(CM_STAGE_BODY))

/* MTAs take at most so many macros for a stage. */
#define MACROS_MOST 50

struct macro_list {
	const char *names[MACROS_MOST + 1];
	size_t count;
};

static void
macro_add(struct macro_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->names[i], name) == 0)
			return;
	}
	if (list->count < MACROS_MOST)
		list->names[list->count++] = name;
}

static uint32_t
hooked(const struct link *l)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		if (stage_hook(&stages[i], l->plugin) != NULL)
			mask |= BIT(i);
	}
	return mask;
}

static void
link_needs(struct chain_needs *needs, const struct link *l)
{
	uint32_t mask = hooked(l);

	needs->stages |= mask;
	if ((mask & (BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_HELO) | BIT(CM_STAGE_MAIL))) != 0)
		needs->replies |= BIT(CM_STAGE_MAIL);
	needs->replies |= mask & (BIT(CM_STAGE_RCPT) | BIT(CM_STAGE_UNKNOWN));
	if ((l->needs & CM_STOP_EARLY) != 0)
		needs->replies |= mask & LATE_STAGES;
	needs->rights |= l->needs & (uint32_t)(CM_EDIT_HEADERS | CM_EDIT_RCPTS | CM_EDIT_SENDER |
					       CM_EDIT_BODY | CM_EDIT_QUARANTINE);
	needs->headers |= (l->needs & (CM_NEED_HEADERS | CM_EDIT_HEADERS)) != 0;
	needs->body |= (l->needs & CM_NEED_BODY) != 0;
}

static void
link_macros(struct macro_list lists[CM_STAGE_COUNT], const struct link *l)
{
	for (size_t i = 0; i < l->plugin->macro_count; i++) {
		const struct cm_macro *macro = &l->plugin->macros[i];

		if ((size_t)macro->stage < CM_STAGE_COUNT)
			macro_add(&lists[macro->stage], macro->name);
	}
}

/* Which macros the choice of a profile reads. */
static void
profile_macros(struct macro_list lists[CM_STAGE_COUNT], const struct profile *p, bool early)
{
	if (p->ports.count > 0)
		macro_add(&lists[CM_STAGE_MAIL], "{daemon_port}");
	if (p->daemons.count > 0)
		macro_add(&lists[CM_STAGE_MAIL], "{daemon_name}");
	if (p->login != PROFILE_ANY)
		macro_add(&lists[CM_STAGE_MAIL], "{auth_authen}");
	/* Links at connect and HELO run in the profile that matches by then. */
	if (early && p->ports.count > 0)
		macro_add(&lists[CM_STAGE_CONNECT], "{daemon_port}");
	if (early && p->daemons.count > 0)
		macro_add(&lists[CM_STAGE_CONNECT], "{daemon_name}");
}

static void
summary_macros(struct macro_list lists[CM_STAGE_COUNT])
{
	macro_add(&lists[CM_STAGE_MAIL], "{auth_authen}");
	macro_add(&lists[CM_STAGE_MAIL], "{daemon_port}");
	macro_add(&lists[CM_STAGE_MAIL], "{tls_version}");
	macro_add(&lists[CM_STAGE_EOM], "i");
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
collect_macros(const struct chain *chain, struct arena *arena, struct chain_needs *needs)
{
	struct macro_list lists[CM_STAGE_COUNT] = {0};
	bool early = (needs->stages & (BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_HELO))) != 0;

	for (size_t i = 0; i < chain->link_count; i++)
		link_macros(lists, chain->links[i]);
	for (size_t i = 0; i < chain->profile_count; i++)
		profile_macros(lists, &chain->profiles[i], early);
	if (chain->summary)
		summary_macros(lists);
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		qsort(lists[i].names, lists[i].count, sizeof(*lists[i].names), by_name);
		needs->macros[i] = arena_memdup(
			arena, lists[i].names, (lists[i].count + 1) * sizeof(*lists[i].names));
	}
}

void
chain_needs(const struct chain *chain, struct arena *arena, struct chain_needs *needs)
{
	*needs = (struct chain_needs){0};
	for (size_t i = 0; i < chain->link_count; i++)
		link_needs(needs, chain->links[i]);
	/* Before the core's own stages hide whether a link hooks connect or HELO. */
	collect_macros(chain, arena, needs);
	for (size_t i = 0; i < chain->profile_count; i++) {
		const struct profile *p = &chain->profiles[i];

		if (p->hold == PROFILE_HOLD_RCPT)
			needs->replies |= BIT(CM_STAGE_RCPT);
		/* A profile nobody can choose is a temporary failure at MAIL. */
		if (p->ports.count > 0 || p->daemons.count > 0 || p->login != PROFILE_ANY)
			needs->replies |= BIT(CM_STAGE_MAIL);
	}
	needs->stages |= CORE_STAGES;
	needs->replies |= BIT(CM_STAGE_EOM);
	if (needs->headers)
		needs->stages |= BIT(CM_STAGE_HEADER);
	if (needs->body)
		needs->stages |= BIT(CM_STAGE_BODY);
}
