/* SPDX-License-Identifier: MIT */
/*
 * generation_links.c - plugins and scripts of filter.conf become links
 *
 * A link that could not be made keeps its name without a plugin behind it, so that the chains which
 * name it are not reported too.
 */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "chain/breaker.h"
#include "generation_build.h"
#include "plugin.h"
#include "script.h"
#include "service/map.h"

#define WHY_SIZE 1024

static const struct cm_map *
find_map(void *context, const char *name)
{
	const struct build *b = context;

	for (size_t i = 0; i < b->g->map_count; i++) {
		if (strcmp(map_name(b->g->maps[i]), name) == 0)
			return b->g->maps[i];
	}
	return NULL;
}

static bool
has_map(void *context, const char *name)
{
	const struct build *b = context;

	return find_map(context, name) != NULL || diag_incomplete(b->diag);
}

/* What a plugin's section says of its type: a setting, or else its name. */
static const char *
type_of(const struct conf_section *section)
{
	const struct conf_setting *type = conf_find(section, "type");

	return type != NULL && type->value.kind != CONF_LIST ? type->value.text : section->name;
}

/* Of any section, also one that comes later in the file. */
static bool
has_plugin(void *context, const char *type)
{
	const struct build *b = context;

	for (size_t i = 0; i < b->section_count; i++) {
		const struct build_section *s = &b->sections[i];

		if (strcmp(s->kind->name, "plugin") == 0 && strcmp(type_of(s->section), type) == 0)
			return true;
	}
	return false;
}

static bool
has_geo(void *context)
{
	const struct build *b = context;

	return b->g->chain.place != NULL || build_count(context, "geo") > 0;
}

/* One that stands in the place of all plugins of its type; NULL: none does. */
static const struct cm_plugin *
find_given(const struct build *b, const char *type)
{
	const struct cm_plugin *const *given = b->seams == NULL ? NULL : b->seams->plugins;

	while (given != NULL && *given != NULL && strcmp((*given)->name, type) != 0)
		given++;
	return given == NULL ? NULL : *given;
}

static const struct cm_plugin *
find_by_type(const struct build *b, const char *type, struct err *err)
{
	const struct cm_plugin *given = find_given(b, type);

	return given != NULL ? given : plugin_load(type, b->g->main.plugin_dir, err);
}

/* Why it does not load is said of its section. */
static const struct cm_plugin *
known_plugin(void *context, const char *type)
{
	struct err err;

	return has_plugin(context, type) ? find_by_type(context, type, &err) : NULL;
}

static const char *const *
map_names(void *context, size_t *count)
{
	const struct build *b = context;
	const char **names = arena_array(&b->g->arena, b->g->map_count, sizeof(*names));

	*count = b->g->map_count;
	for (size_t i = 0; i < *count; i++)
		names[i] = map_name(b->g->maps[i]);
	return names;
}

static bool
use_map(void *context, const struct cm_map *map, const char *what, const struct cm_option *row,
	struct conf_pos pos)
{
	static const char *const matches[] = {[MAP_EXACT] = "exact", [MAP_CIDR] = "cidr"};
	const struct build *b = context;
	const char *match = matches[map_match(map)];
	size_t i = 0;

	if (row->choices != NULL && strcmp(row->choices, match) != 0) {
		diag_error(b->diag, pos, NULL, "%s takes a map with match = %s; map %s has %s",
			row->name, row->choices, map_name(map), match);
		return false;
	}
	if (row->check == NULL)
		return true;
	while (b->g->maps[i] != map)
		i++;
	return map_require(b->g->maps[i], arena_printf(&b->g->arena, "%s of %s", row->name, what),
		row->check, b->diag);
}

bool
build_is_rule(const struct build *b, const struct link *l)
{
	return strcmp(b->link_sections[l->index]->kind->name, "script") == 0;
}

struct link *
build_find_link(const struct build *b, const char *name)
{
	const struct chain *chain = &b->g->chain;

	for (size_t i = 0; i < chain->link_count; i++) {
		if (strcmp(chain->links[i]->name, name) == 0)
			return chain->links[i];
	}
	return NULL;
}

static void
suggest_type(struct build *b, const char *type)
{
	char **names = plugin_names(b->g->main.plugin_dir);
	const char *nearest;
	size_t count = 0;

	while (names[count] != NULL)
		count++;
	nearest = text_nearest(type, (const char *const *)names, count);
	/* It is there and does not load: said already. */
	if (nearest != NULL && strcmp(nearest, type) != 0)
		diag_help(b->diag, "did you mean \"%s\"?", nearest);
	else if (nearest == NULL)
		diag_help(b->diag, "list those there are: chainmail plugins");
	plugin_names_free(names);
}

/* The type's setting, or where it would be taken from. */
static const struct cm_plugin *
find_plugin(struct build *b, const struct build_section *s)
{
	const struct conf_setting *type = conf_find(s->section, "type");
	const char *name = type_of(s->section);
	bool given = name != s->section->name;
	struct conf_pos pos = given ? type->value.pos : s->section->name_pos;
	const struct cm_plugin *plugin;
	struct err err;

	plugin = find_by_type(b, name, &err);
	if (plugin != NULL)
		return plugin;
	diag_error(b->diag, pos, NULL, "%s: %s", s->what, err.text);
	suggest_type(b, name);
	return NULL;
}

/* What a section does not say itself. */
static void
finish_link(struct build *b, struct link *link, const struct build_section *s)
{
	link->needs = link->plugin->needs;
	if (link->set.stop_early)
		link->needs |= CM_STOP_EARLY;
	link->breaker = breaker_new(&b->g->arena, link->name, &link->set.trip_after);
	if (conf_find(s->section, "on_error") == NULL)
		link->set.on_error = b->g->main.fail_action;
}

static void
start(struct build *b, struct link *link, const struct build_section *s)
{
	const struct cm_plugin *plugin = link->plugin;
	char why[WHY_SIZE] = "";
	struct started *started;

	if (plugin->start != NULL && !plugin->start(link->config, why, sizeof(why))) {
		why[sizeof(why) - 1] = '\0';
		diag_error(b->diag, s->section->pos, NULL, "%s: %s", s->what, why);
		return;
	}
	if (plugin->needs_of != NULL)
		link->needs &= plugin->needs_of(link->config) | ~plugin->needs;
	if (plugin->silent_at != NULL)
		link->silent = plugin->silent_at(link->config);
	link->adds = plugin->adds != NULL && plugin->adds(link->config);
	if (plugin->stop == NULL)
		return;
	started = arena_alloc(&b->g->arena, sizeof(*started));
	*started = (struct started){plugin, link->config, b->g->started};
	b->g->started = started;
}

static void
read_plugin(struct build *b, const struct build_section *s, struct link *link)
{
	const struct cm_plugin *plugin = find_plugin(b, s);
	struct plugin_settings set;
	struct schema_part parts[] = {
		{.rows = s->kind->rows, .out = &set},
		{.rows = {chain_link_rows, chain_link_row_count, sizeof(*chain_link_rows)},
			.out = &link->set},
		{.out = NULL},
	};

	if (plugin == NULL)
		return;
	link->plugin = plugin;
	link->config = arena_alloc(&b->g->arena, plugin->config_size);
	parts[2].rows =
		(struct schema_rows){plugin->options, plugin->option_count, plugin->option_size};
	parts[2].out = link->config;
	if (!schema_fill(s->what, s->section, parts, 3, &b->world, b->diag) ||
		!build_give_stores(b, s, &parts[2].rows, link->config))
		return;
	finish_link(b, link, s);
	start(b, link, s);
}

/* The `settings { }` block of a script, NULL without one. False when there are two. */
static bool
find_block(struct build *b, const struct build_section *s, const struct conf_section **block)
{
	*block = NULL;
	for (const struct conf_section *c = s->section->sections; c != NULL; c = c->next) {
		if (strcmp(c->kind, "settings") != 0)
			continue;
		if (*block != NULL) {
			diag_error(b->diag, c->pos, NULL, "%s has settings { } twice", s->what);
			return false;
		}
		*block = c;
	}
	return true;
}

/* A mistake in a rule is told with the first place where the rule would run. */
static void
say_where(struct build *b, const char *script)
{
	for (size_t i = 0; i < b->section_count; i++) {
		const struct conf_section *s = b->sections[i].section;
		const struct conf_setting *chain = conf_find(s, "chain");

		if (strcmp(s->kind, "profile") != 0 || chain == NULL)
			continue;
		for (size_t k = 0; k < chain->value.count; k++) {
			if (strcmp(chain->value.items[k].text, script) != 0)
				continue;
			diag_append_in(
				b->diag, " (profile %s, chain position %zu)", s->name, k + 1);
			return;
		}
	}
}

/* A daemon that starts does without the rule, and one that runs keeps the rule that it has. */
static bool
may_lack(const struct build *b, const struct script_settings *set)
{
	return set->on_load_error == SCRIPT_LOAD_SKIP && b->purpose != BUILD_TO_REPLACE;
}

/* In its place stands what hooks nothing. */
static void
leave_out(struct build *b, const struct build_section *s, struct link *link, size_t mistakes)
{
	struct cm_plugin *nothing = arena_alloc(&b->g->arena, sizeof(*nothing));
	struct err why;

	diag_forgive(b->diag, mistakes, &why);
	diag_help(b->diag,
		"%s is left out (on_load_error = skip); a reload is refused until it "
		"can be loaded",
		s->what);
	nothing->abi = CM_ABI;
	nothing->size = sizeof(*nothing);
	nothing->name = link->name;
	link->plugin = nothing;
	link->left_out = arena_strdup(&b->g->arena, why.text);
	finish_link(b, link, s);
}

static void
read_script(struct build *b, const struct build_section *s, struct link *link)
{
	struct script_settings *set = arena_alloc(&b->g->arena, sizeof(*set));
	const struct conf_section *block;
	const struct script_names names = {has_map, has_plugin, has_geo, known_plugin, b};
	struct script_link out = {0};
	size_t mistakes;
	const struct schema_part parts[] = {
		{.rows = s->kind->rows, .out = set, .block = "settings"},
		{.rows = {chain_link_rows, chain_link_row_count, sizeof(*chain_link_rows)},
			.out = &link->set},
	};

	if (!schema_fill(s->what, s->section, parts, 2, &b->world, b->diag) || set->file == NULL ||
		!find_block(b, s, &block))
		return;
	mistakes = diag_errors(b->diag);
	if (!script_add(b->g->scripts, link->name, set, block,
		    conf_find(s->section, "file")->value.pos, &names, b->diag, &out)) {
		say_where(b, link->name);
		if (may_lack(b, set))
			leave_out(b, s, link, mistakes);
		return;
	}
	if (script_wants_store(out.config)) {
		if (!build_give_stores(b, s, &s->kind->rows, set))
			return;
		script_give_store(out.config, set->store);
	}
	link->plugin = out.plugin;
	link->config = out.config;
	finish_link(b, link, s);
}

/* The link that rules ask: called like its type, or the first of it. */
static struct link *
find_asked(const struct build *b, const char *type)
{
	struct link *first = NULL;

	for (size_t i = 0; i < b->g->chain.link_count; i++) {
		struct link *l = b->g->chain.links[i];

		if (l->plugin == NULL || l->plugin->ask == NULL ||
			strcmp(l->plugin->name, type) != 0)
			continue;
		if (strcmp(l->name, type) == 0)
			return l;
		if (first == NULL)
			first = l;
	}
	return first;
}

/* What a rule asks must be told by the MTA as if the link that is asked stood in the chain. */
static void
bind_script(struct build *b, struct link *link)
{
	const char *type;

	for (size_t i = 0; (type = script_asked(link->config, i)) != NULL; i++) {
		struct link *asked = find_asked(b, type);

		if (asked == NULL)
			continue; /* it could not be read: said already */
		script_needs_too(link->config, asked->plugin);
		link->needs |= asked->needs;
		asked->asked = true;
	}
}

static void
bind_scripts(struct build *b)
{
	for (size_t i = 0; i < b->g->chain.link_count; i++) {
		struct link *link = b->g->chain.links[i];

		if (link->plugin != NULL && link->left_out == NULL && build_is_rule(b, link))
			bind_script(b, link);
	}
}

void
build_links(struct build *b)
{
	struct generation *g = b->g;
	size_t room = build_count(b, "plugin") + build_count(b, "script");

	b->world.find_map = find_map;
	b->world.map_names = map_names;
	b->world.use_map = use_map;
	b->world.find_store = build_find_store;
	b->world.store_names = build_store_names;
	b->world.context = b;
	g->chain.links = arena_array(&g->arena, room, sizeof(struct link *));
	b->link_sections = arena_array(&g->arena, room, sizeof(*b->link_sections));
	if (build_count(b, "script") > 0)
		g->scripts = script_host_new(b->seams == NULL ? NULL : b->seams->cover);
	for (size_t i = 0; i < b->section_count; i++) {
		const struct build_section *s = &b->sections[i];
		struct link *link;

		if (!s->kind->links)
			continue;
		link = arena_alloc(&g->arena, sizeof(*link));
		link->name = s->section->name;
		link->index = (unsigned)g->chain.link_count;
		b->link_sections[g->chain.link_count] = s;
		g->chain.links[g->chain.link_count++] = link;
		if (strcmp(s->kind->name, "plugin") == 0)
			read_plugin(b, s, link);
		else
			read_script(b, s, link);
	}
	bind_scripts(b);
}
