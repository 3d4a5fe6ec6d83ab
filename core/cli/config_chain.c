/* SPDX-License-Identifier: MIT */
/*
 * config_chain.c - chainmail config show --chain: which check runs at which stage
 *
 * One table per profile: links in the order of its chain, stages in that of SMTP.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/unit.h"
#include "mail/stage.h"

#define NAME_WIDTH 30

struct view {
	const struct generation *g;
	const struct profile *profile;
	const struct conf_section *section; /* of the profile */
	bool shown[CM_STAGE_COUNT];	    /* columns */
	unsigned number;		    /* of the line */
};

static const char *
stage_title(const struct stage *stage)
{
	return stage->lua_name != NULL ? stage->lua_name : stage->name;
}

static const struct conf_section *
find_section(const struct generation *g, const char *kind, const char *name)
{
	for (const struct conf_section *s = g->tree->sections; s != NULL; s = s->next) {
		if (strcmp(s->kind, kind) == 0 && s->name != NULL && strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

/* A stage has a column when some link runs there in some profile. */
static void
choose_columns(struct view *v)
{
	for (size_t i = 0; i < v->g->chain.profile_count; i++) {
		for (size_t stage = 0; stage < CM_STAGE_COUNT; stage++)
			v->shown[stage] =
				v->shown[stage] || v->g->chain.profiles[i].at[stage][0] != NULL;
	}
}

/* --- head --- */

static const char *const conditions[] = {"port", "daemon", "client", "authenticated"};

/* A list without its brackets. */
static void
print_items(FILE *out, const struct conf_value *v)
{
	for (size_t i = 0; v->kind == CONF_LIST && i < v->count; i++)
		fprintf(out, " %s", v->items[i].text);
	if (v->kind != CONF_LIST)
		fprintf(out, " %s", v->text);
}

static void
print_conditions(FILE *out, const struct conf_section *s)
{
	const char *between = " (";

	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		const struct conf_setting *set = conf_find(s, conditions[i]);

		if (set == NULL)
			continue;
		fprintf(out, "%s%s", between, set->name);
		print_items(out, &set->value);
		between = ", ";
	}
	fputs(between[0] == ',' ? ")" : " (default)", out);
}

/* The line's text in memory, to know its width. */
static void
print_head(const struct view *v)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return;
	fprintf(out, "profile %s", v->profile->name);
	print_conditions(out, v->section);
	fclose(out);
	printf("%-*s", NAME_WIDTH, text);
	if (len >= NAME_WIDTH)
		printf("\n%-*s", NAME_WIDTH, "");
	free(text);
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		if (v->shown[i])
			printf("  %s", stage_title(&stages[i]));
	}
	printf("\n");
}

/* --- lines --- */

static bool
runs_at(const struct profile *p, const struct link *link, size_t stage)
{
	for (struct link **l = p->at[stage]; *l != NULL; l++) {
		if (*l == link)
			return true;
	}
	return false;
}

/* Of a profile's mode and a link's the milder one holds. */
static void
print_mode(const struct view *v, const struct link *l)
{
	static const char *const modes[] = {
		[LINK_ENFORCE] = "enforce", [LINK_SHADOW] = "SHADOW", [LINK_OFF] = "off"};
	int mode = l->set.mode > v->profile->mode ? l->set.mode : v->profile->mode;
	char day[32];

	printf("  %s", modes[mode]);
	if (mode == LINK_ENFORCE && l->set.sample < 10000)
		printf(" %" PRId64 "%%", l->set.sample / 100);
	if (l->set.until != 0) {
		time_t until = (time_t)l->set.until;
		struct tm tm;

		strftime(day, sizeof(day), "%Y-%m-%d %H:%M", localtime_r(&until, &tm));
		printf(" until %s", day);
	}
}

static void
print_trip(const struct link *l)
{
	char period[32];

	if (l->set.trip_after.count == 0)
		return;
	unit_duration_text(l->set.trip_after.period_us, period);
	printf("  trips: %" PRId64 "/%s", l->set.trip_after.count, period);
}

static void
print_link(struct view *v, const struct link *l)
{
	static const char *const failures[] = {[LINK_TEMPFAIL] = "tempfail",
		[LINK_ACCEPT] = "accept",
		[LINK_REJECT] = "reject",
		[LINK_SKIP] = "skip"};
	bool script = find_section(v->g, "script", l->name) != NULL;
	char left[200];

	snprintf(left, sizeof(left), "%2u %s%s", ++v->number, l->name, script ? "  (lua)" : "");
	printf("%-*s", NAME_WIDTH, left);
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		if (v->shown[i])
			printf("  %-*s", (int)strlen(stage_title(&stages[i])),
				runs_at(v->profile, l, i) ? "x" : "");
	}
	print_mode(v, l);
	if (l->set.on_error != (int)v->g->chain.fail_action)
		printf("  errors: %s", failures[l->set.on_error]);
	print_trip(l);
	printf("\n");
}

static const struct link *
find_link(const struct view *v, const char *name)
{
	for (size_t i = 0; i < v->g->chain.link_count; i++) {
		if (strcmp(v->g->chain.links[i]->name, name) == 0)
			return v->g->chain.links[i];
	}
	return NULL;
}

/* Links of the setting chain in its order, then those that only a stage's own list names. */
static void
print_links(struct view *v, bool *printed)
{
	const struct conf_setting *chain = conf_find(v->section, "chain");
	bool list = chain != NULL && chain->value.kind == CONF_LIST;
	size_t count = chain == NULL ? 0 : list ? chain->value.count : 1;

	for (size_t i = 0; i < count; i++) {
		const struct conf_value *item = list ? &chain->value.items[i] : &chain->value;
		const struct link *l = find_link(v, item->text);

		if (l == NULL)
			continue;
		print_link(v, l);
		printed[l->index] = true;
	}
	for (size_t i = 0; i < v->g->chain.link_count; i++) {
		if (v->profile->has[i] && !printed[i])
			print_link(v, v->g->chain.links[i]);
	}
}

void
config_show_chain(const struct generation *g)
{
	struct view v = {.g = g};
	struct arena arena;

	arena_init(&arena, 256);
	choose_columns(&v);
	for (size_t i = 0; i < g->chain.profile_count; i++) {
		v.profile = &g->chain.profiles[i];
		v.section = find_section(g, "profile", v.profile->name);
		v.number = 0;
		if (i > 0)
			printf("\n");
		print_head(&v);
		print_links(&v, arena_array(&arena, g->chain.link_count, sizeof(bool)));
	}
	arena_fini(&arena);
}
