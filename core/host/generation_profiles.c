/* SPDX-License-Identifier: MIT */
/*
 * generation_profiles.c - profiles of filter.conf, and which links run where
 *
 * A chain is written once and flattened per stage here, so that a link without a hook for a stage
 * costs nothing there.
 */
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "generation_build.h"

static void
undefined(struct build *b, const char *setting, const struct conf_value *item)
{
	const struct chain *chain = &b->g->chain;
	const char **names = arena_array(&b->g->arena, chain->link_count, sizeof(*names));
	const char *nearest;

	if (diag_incomplete(b->diag))
		return;
	for (size_t i = 0; i < chain->link_count; i++)
		names[i] = chain->links[i]->name;
	diag_error(b->diag, item->pos, NULL, "%s names \"%s\", which is not defined", setting,
		item->text);
	nearest = text_nearest(item->text, names, chain->link_count);
	if (nearest != NULL)
		diag_help(b->diag, "did you mean \"%s\"?", nearest);
	else
		diag_help(b->diag, "define it: plugin %s { } or script %s { file = ... }",
			item->text, item->text);
}

static bool
is_listed(const struct build_list *l, const struct link *link)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->links[i] == link)
			return true;
	}
	return false;
}

static void
add_item(struct build *b, struct build_list *l, const struct conf_value *item)
{
	struct link *link = build_find_link(b, item->text);

	if (link == NULL) {
		undefined(b, l->setting->name, item);
	} else if (is_listed(l, link)) {
		diag_error(b->diag, item->pos, NULL, "%s names \"%s\" twice", l->setting->name,
			item->text);
	} else {
		l->items[l->count] = item;
		l->links[l->count++] = link;
	}
}

/* A setting may have one value without brackets. */
static struct build_list
resolve(struct build *b, const struct conf_setting *setting)
{
	const struct conf_value *v = &setting->value;
	size_t count = v->kind == CONF_LIST ? v->count : 1;
	struct build_list l = {.setting = setting};

	l.links = arena_array(&b->g->arena, count, sizeof(*l.links));
	l.items = arena_array(&b->g->arena, count, sizeof(*l.items));
	for (size_t i = 0; i < count; i++)
		add_item(b, &l, v->kind == CONF_LIST ? &v->items[i] : v);
	return l;
}

/* An off link with an end (until) runs afterwards. */
bool
build_off(const struct profile *p, const struct link *link)
{
	return p->mode == LINK_OFF || link->plugin == NULL ||
	       (link->set.mode == LINK_OFF && link->set.until == 0);
}

static struct link **
flatten(struct build *b, const struct profile *p, const struct build_list *l, enum cm_stage stage)
{
	struct link **at = arena_array(&b->g->arena, l->count + 1, sizeof(struct link *));
	size_t count = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct link *link = l->links[i];

		if (!build_off(p, link) && stage_hook(&stages[stage], link->plugin) != NULL)
			at[count++] = link;
	}
	return at;
}

/* A list for one stage, where it names what does nothing there. */
static void
warn_idle(struct build *b, const struct build_list *l, enum cm_stage stage)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct link *link = l->links[i];

		if (link->plugin != NULL && stage_hook(&stages[stage], link->plugin) == NULL)
			diag_warn(b->diag, l->items[i]->pos, NULL, "%s does nothing at %s",
				link->name, stages[stage].name);
	}
}

static struct build_list
read_list(struct build *b, struct profile *p, const struct conf_setting *setting)
{
	struct build_list l = resolve(b, setting);

	for (size_t i = 0; i < l.count; i++) {
		if (!p->has[l.links[i]->index])
			p->links[p->link_count++] = l.links[i];
		p->has[l.links[i]->index] = true;
	}
	build_check_order(b, p, &l);
	return l;
}

static void
place_links(struct build *b, struct profile *p, const struct conf_section *s)
{
	const struct conf_setting *setting = conf_find(s, "chain");
	struct build_list chain = {0};

	p->has = arena_array(&b->g->arena, b->g->chain.link_count, sizeof(bool));
	p->links = arena_array(&b->g->arena, b->g->chain.link_count, sizeof(struct link *));
	if (setting != NULL)
		chain = read_list(b, p, setting);
	for (unsigned i = 0; i < CM_STAGE_COUNT; i++) {
		struct build_list own = chain;

		setting = conf_find(s, stages[i].name);
		if (setting != NULL) {
			own = read_list(b, p, setting);
			warn_idle(b, &own, i);
		}
		p->at[i] = flatten(b, p, &own, i);
	}
}

void
build_profiles(struct build *b)
{
	struct generation *g = b->g;
	size_t room = build_count(b, "profile");

	g->chain.profiles = arena_array(&g->arena, room, sizeof(*g->chain.profiles));
	b->profile_sections = arena_array(&g->arena, room, sizeof(*b->profile_sections));
	for (size_t i = 0; i < b->section_count; i++) {
		const struct build_section *s = &b->sections[i];
		struct profile *p = &g->chain.profiles[g->chain.profile_count];
		struct profile_settings set = {0};
		struct schema_part part = {.rows = s->kind->rows, .out = &set};

		if (strcmp(s->kind->name, "profile") != 0)
			continue;
		schema_fill(s->what, s->section, &part, 1, &b->world, b->diag);
		*p = set.profile;
		p->name = s->section->name;
		place_links(b, p, s->section);
		b->profile_sections[g->chain.profile_count++] = s;
	}
}
