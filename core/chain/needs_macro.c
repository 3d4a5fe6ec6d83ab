/* SPDX-License-Identifier: MIT */
/*
 * needs_macro.c - which macros a chain needs, and at which stage each is asked for
 *
 * An MTA sends a list of macros with each stage. A macro that means the same all through the
 * connection is asked for once; others are asked for at each stage that needs them, because the
 * MTA evaluates them anew ({auth_authen} is empty before MAIL).
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "run.h"

#define BIT(stage) (UINT32_C(1) << (stage))

/* MTAs take at most so many macros for a stage. */
#define MACROS_MOST 50

/* Known at connect, and never another. */
static const char *const fixed[] = {"_", "j", "v", "{client_addr}", "{client_name}",
	"{client_port}", "{client_ptr}", "{daemon_addr}", "{daemon_name}", "{daemon_port}",
	"{if_addr}", "{if_name}"};

struct macro_list {
	const char *names[MACROS_MOST + 1];
	size_t count;
};

struct lists {
	struct macro_list at[CM_STAGE_COUNT];
	uint32_t sent; /* stages */
};

static bool
is_fixed(const char *name)
{
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		if (strcmp(fixed[i], name) == 0)
			return true;
	}
	return false;
}

static bool
has(const struct macro_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->names[i], name) == 0)
			return true;
	}
	return false;
}

/* The latest list that comes before the stage's event; some stages have none, or are not sent. */
static size_t
list_for(const struct lists *lists, size_t stage)
{
	if (stage == CM_STAGE_UNKNOWN)
		return CM_STAGE_CONNECT;
	while (stages[stage].macro_list == STAGE_NO_MACROS || (lists->sent & BIT(stage)) == 0)
		stage--;
	return stage;
}

static void
add(struct lists *lists, size_t stage, const char *name)
{
	struct macro_list *list = &lists->at[list_for(lists, stage)];

	if (has(list, name))
		return;
	if (list->count < MACROS_MOST)
		list->names[list->count++] = name;
	else
		log_write(LOG_LEVEL_ERROR, "macro %s is one too many: an MTA takes %d for a stage",
			name, MACROS_MOST);
}

static void
add_link(struct lists *lists, const struct link *l)
{
	for (size_t i = 0; i < l->plugin->macro_count; i++) {
		const struct cm_macro *macro = &l->plugin->macros[i];

		if ((size_t)macro->stage < CM_STAGE_COUNT)
			add(lists, macro->stage, macro->name);
	}
}

/* What the choice of a profile reads. Links at connect and HELO run in the one that matches then.
 */
static void
add_profile(struct lists *lists, const struct profile *p, bool early)
{
	enum cm_stage stage = early ? CM_STAGE_CONNECT : CM_STAGE_MAIL;

	if (p->ports.count > 0)
		add(lists, stage, "{daemon_port}");
	if (p->daemons.count > 0)
		add(lists, stage, "{daemon_name}");
	if (p->login != PROFILE_ANY)
		add(lists, CM_STAGE_MAIL, "{auth_authen}");
}

/* What the log line of each message reads. */
static void
add_summary(struct lists *lists)
{
	add(lists, CM_STAGE_MAIL, "{auth_authen}");
	add(lists, CM_STAGE_MAIL, "{tls_version}");
	add(lists, CM_STAGE_EOM, "i");
}

/* Takes out what an earlier stage asks for. */
static void
drop_doubles(struct lists *lists, size_t stage)
{
	struct macro_list *list = &lists->at[stage];
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		bool asked = false;

		for (size_t before = 0; before < stage; before++)
			asked = asked || has(&lists->at[before], list->names[i]);
		if (!asked || !is_fixed(list->names[i]))
			list->names[kept++] = list->names[i];
	}
	list->count = kept;
	list->names[kept] = NULL;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All names, each with a blank behind it. */
static const char *
join(struct arena *arena, const struct chain_needs *needs)
{
	struct buf names;
	const char *joined;

	buf_init(&names, 0);
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		for (const char *const *name = needs->macros[i]; *name != NULL; name++)
			buf_printf(&names, "%s ", *name);
	}
	joined = arena_strdup(arena, names.data);
	buf_fini(&names);
	return joined;
}

void
needs_macros(const struct chain *chain, struct arena *arena, struct chain_needs *needs)
{
	struct lists lists = {.sent = needs->stages};
	bool early = (needs_hooked(chain) & (BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_HELO))) != 0;

	for (size_t i = 0; i < chain->link_count; i++) {
		if (needs_link(chain, chain->links[i]))
			add_link(&lists, chain->links[i]);
	}
	for (size_t i = 0; i < chain->profile_count; i++)
		add_profile(&lists, &chain->profiles[i], early);
	/* {daemon_port} is in the log line too, and what tells ports apart for rules. */
	add(&lists, CM_STAGE_MAIL, "{daemon_port}");
	if (chain->summary)
		add_summary(&lists);
	/* "error" there says that the MTA refused the recipient, the status whether for good. */
	if (needs->rejected) {
		add(&lists, CM_STAGE_RCPT, "{rcpt_host}");
		add(&lists, CM_STAGE_RCPT, "{rcpt_mailer}");
	}
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		struct macro_list *list = &lists.at[i];

		drop_doubles(&lists, i);
		qsort(list->names, list->count, sizeof(*list->names), by_name);
		needs->macros[i] =
			arena_memdup(arena, list->names, (list->count + 1) * sizeof(*list->names));
	}
	needs->asked = join(arena, needs);
}
