/* SPDX-License-Identifier: MIT */
/*
 * config_print.c - all tables of settings as Markdown and as a manual page (mdoc)
 *
 * `make docs` puts them into docs/CONFIG.md and filter.conf.5.
 */
#include "config.h"

#include <string.h>

/* What is done with each table in turn. */
static void
each_table(const char *plugin_dir, void (*print)(struct arena *, const struct config_table *))
{
	struct config_tables tables;
	struct arena arena;

	arena_init(&arena, 4096);
	config_tables(&tables, &arena, plugin_dir);
	for (size_t i = 0; i < section_kind_count; i++)
		print(&arena, &tables.items[i]);
	print(&arena, &tables.common);
	for (size_t i = section_kind_count; i < tables.count; i++)
		print(&arena, &tables.items[i]);
	arena_fini(&arena);
}

/* Help lines are no sentences; at the head of a section they look like one. */
static char *
sentence(struct arena *arena, const char *help)
{
	char *text = arena_printf(arena, "%s.", help);

	if (text[0] >= 'a' && text[0] <= 'z')
		text[0] = (char)(text[0] - 'a' + 'A');
	return text;
}

/* --- Markdown --- */

/* A bar would end the cell. */
static void
print_cell(const char *text, bool code)
{
	printf(code ? " `" : " ");
	for (; *text != '\0'; text++)
		printf(*text == '|' ? "\\%c" : "%c", *text);
	printf(code ? "` |" : " |");
}

static void
print_markdown_row(struct arena *arena, const struct cm_option *row)
{
	const char *range = config_range(arena, row);
	const char *type = config_type(arena, row);

	printf("|");
	print_cell(row->name, true);
	print_cell(range != NULL ? arena_printf(arena, "%s, %s", type, range) : type, false);
	if ((row->flags & CM_OPT_REQUIRED) != 0)
		print_cell("required", false);
	else if (row->fallback != NULL)
		print_cell(row->fallback, true);
	else
		print_cell("", false);
	print_cell(row->help != NULL ? row->help : "", false);
	printf("\n");
}

static void
print_markdown_table(struct arena *arena, const struct config_table *t)
{
	struct cm_option row;

	printf("\n### %s\n\n%s\n", t->title, sentence(arena, t->help));
	if (t->rows.count == 0)
		return;
	printf("\n| Setting | Value | Default | Meaning |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < t->rows.count; i++) {
		if (config_row(t, i, &row))
			print_markdown_row(arena, &row);
	}
}

void
config_print_markdown(const char *plugin_dir)
{
	each_table(plugin_dir, print_markdown_table);
	printf("\n");
}

/* --- mdoc --- */

/* A line of text that roff leaves as it is. */
static void
print_roff(const char *text)
{
	if (text[0] == '.' || text[0] == '\'')
		printf("\\&");
	for (; *text != '\0'; text++)
		printf(*text == '\\' ? "\\e" : *text == '-' ? "\\-" : "%c", *text);
}

static void
print_man_row(struct arena *arena, const struct cm_option *row)
{
	const char *range = config_range(arena, row);

	printf(".It Ic %s\n", row->name);
	print_roff(row->help != NULL ? row->help : "");
	printf("\n.br\n");
	print_roff(config_type(arena, row));
	if (range != NULL) {
		printf(", ");
		print_roff(range);
	}
	if ((row->flags & CM_OPT_REQUIRED) != 0) {
		printf("; required");
	} else if (row->fallback != NULL) {
		printf("; default: ");
		print_roff(row->fallback);
	}
	printf("\n");
}

static void
print_man_table(struct arena *arena, const struct config_table *t)
{
	struct cm_option row;

	printf(".Ss %s\n", t->title);
	print_roff(sentence(arena, t->help));
	printf("\n");
	if (t->rows.count == 0)
		return;
	printf(".Bl -tag -width Ds\n");
	for (size_t i = 0; i < t->rows.count; i++) {
		if (config_row(t, i, &row))
			print_man_row(arena, &row);
	}
	printf(".El\n");
}

void
config_print_man(const char *plugin_dir)
{
	each_table(plugin_dir, print_man_table);
}
