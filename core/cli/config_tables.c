/* SPDX-License-Identifier: MIT */
/*
 * config_tables.c - every table of settings there is, and its rows in words
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "conf/unit.h"
#include "host/plugin.h"
#include "host/settings.h"

static void
add_sections(struct config_tables *t)
{
	for (size_t i = 0; i < section_kind_count; i++) {
		const struct section_kind *kind = &section_kinds[i];

		t->items[t->count++] = (struct config_table){.name = kind->name,
			.title = kind->name,
			.help = kind->help,
			.links = kind->links,
			.rows = kind->rows};
	}
}

static void
add_plugin(struct config_tables *t, struct arena *arena, const char *type, const char *dir)
{
	struct err err;
	const struct cm_plugin *p = plugin_load(type, dir, &err);

	if (p == NULL) {
		log_write(LOG_LEVEL_WARN, "plugin %s: %s", type, err.text);
		return;
	}
	t->items[t->count++] = (struct config_table){.name = p->name,
		.title = arena_printf(arena, "plugin %s", p->name),
		.help = p->help != NULL ? p->help : "",
		.links = true,
		.rows = {p->options, p->option_count, p->option_size},
		.plugin = p};
}

void
config_tables(struct config_tables *t, struct arena *arena, const char *plugin_dir)
{
	char **plugins = plugin_names(plugin_dir);
	size_t count = 0;

	while (plugins[count] != NULL)
		count++;
	*t = (struct config_tables){
		.items = arena_array(arena, section_kind_count + count, sizeof(*t->items)),
		.common = {.name = "every",
			.title = "every plugin and script",
			.help = "the settings that all plugins and scripts have on top of their "
				"own",
			.rows = {chain_link_rows, chain_link_row_count, sizeof(*chain_link_rows)}},
	};
	add_sections(t);
	for (size_t i = 0; i < count; i++)
		add_plugin(t, arena, plugins[i], plugin_dir);
	plugin_names_free(plugins);
}

bool
config_row(const struct config_table *t, size_t i, struct cm_option *row)
{
	*row = schema_row(&t->rows, i);
	return row->renamed_to == NULL;
}

/* "text|json" as "text, json". */
static const char *
choices_text(struct arena *arena, const char *choices)
{
	const char *text = "";

	while (*choices != '\0') {
		size_t len = strcspn(choices, "|");

		text = arena_printf(
			arena, "%s%s%.*s", text, text[0] != '\0' ? ", " : "", (int)len, choices);
		choices += len + (choices[len] == '|');
	}
	return text;
}

const char *
config_type(struct arena *arena, const struct cm_option *row)
{
	const char *type = schema_type_text(row->type);

	if (row->type == CM_OPT_MAP && row->choices != NULL)
		return arena_printf(arena, "%s with match = %s", type, row->choices);
	if (row->type != CM_OPT_CHOICE || row->choices == NULL)
		return type;
	if (strchr(row->choices, '|') == NULL)
		return row->choices;
	return arena_printf(arena, "%s %s", type, choices_text(arena, row->choices));
}

static const char *
size_text(struct arena *arena, int64_t octets)
{
	static const char units[] = "GMk";

	for (int i = 0; i < 3; i++) {
		int64_t unit = INT64_C(1) << (30 - 10 * i);

		if (octets != 0 && octets % unit == 0)
			return arena_printf(arena, "%" PRId64 "%c", octets / unit, units[i]);
	}
	return arena_printf(arena, "%" PRId64, octets);
}

static const char *
bound_text(struct arena *arena, enum cm_option_type type, int64_t bound)
{
	char text[32];

	if (type == CM_OPT_DURATION) {
		unit_duration_text(bound, text);
		return arena_strdup(arena, text);
	}
	if (type == CM_OPT_SIZE)
		return size_text(arena, bound);
	if (type == CM_OPT_PERCENT)
		return arena_printf(arena, "%" PRId64 "%%", bound / 100);
	return arena_printf(arena, "%" PRId64, bound);
}

const char *
config_range(struct arena *arena, const struct cm_option *row)
{
	if (row->min == 0 && row->max == 0)
		return NULL;
	return arena_printf(arena, "%s to %s", bound_text(arena, row->type, row->min),
		bound_text(arena, row->type, row->max));
}
