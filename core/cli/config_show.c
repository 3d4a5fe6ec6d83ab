/* SPDX-License-Identifier: MIT */
/*
 * config_show.c - chainmail config show: the configuration as it was read
 *
 * Includes stand where they were read. With defaults, what was left out follows what was set.
 */
#include "config.h"

#include <string.h>

static void
indent(unsigned depth)
{
	printf("%*s", (int)(4 * depth), "");
}

static void
print_string(FILE *out, const char *text)
{
	static const char special[] = "\n\t\"\\";
	static const char letters[] = "nt\"\\";

	fputc('"', out);
	for (; *text != '\0'; text++) {
		const char *found = strchr(special, *text);

		if (found != NULL)
			fprintf(out, "\\%c", letters[found - special]);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

void
config_print_value(FILE *out, const struct conf_value *v)
{
	switch (v->kind) {
	case CONF_WORD:
		fputs(v->text, out);
		break;
	case CONF_STRING:
		print_string(out, v->text);
		break;
	case CONF_LIST:
		fputc('[', out);
		for (size_t i = 0; i < v->count; i++) {
			fputs(i > 0 ? ", " : " ", out);
			config_print_value(out, &v->items[i]);
		}
		fputs(" ]", out);
		break;
	}
}

static void
print_settings(const struct conf_section *s, unsigned depth)
{
	for (const struct conf_setting *set = s->settings; set != NULL; set = set->next) {
		indent(depth);
		printf("%s = ", set->name);
		config_print_value(stdout, &set->value);
		printf("\n");
	}
}

/* --- defaults --- */

static void
print_missing(const struct conf_section *s, const struct schema_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct cm_option row = schema_row(rows, i);

		if (row.renamed_to != NULL || conf_find(s, row.name) != NULL)
			continue;
		indent(1);
		if (row.fallback != NULL)
			printf("%s = %s    # default\n", row.name, row.fallback);
		else
			printf("# %s is not set\n", row.name);
	}
}

static const struct cm_plugin *
plugin_of(const struct generation *g, const char *name)
{
	for (size_t i = 0; i < g->chain.link_count; i++) {
		if (strcmp(g->chain.links[i]->name, name) == 0)
			return g->chain.links[i]->plugin;
	}
	return NULL;
}

static void
print_defaults(const struct generation *g, const struct conf_section *s)
{
	const struct section_kind *kind = section_kind_find(s->kind);
	const struct schema_rows common = {
		chain_link_rows, chain_link_row_count, sizeof(*chain_link_rows)};

	if (kind == NULL)
		return;
	print_missing(s, &kind->rows);
	if (!kind->links)
		return;
	print_missing(s, &common);
	const struct cm_plugin *p = plugin_of(g, s->name);

	if (p != NULL)
		print_missing(
			s, &(struct schema_rows){p->options, p->option_count, p->option_size});
}

/* --- sections --- */

static void
open_section(const struct conf_section *s, unsigned depth)
{
	indent(depth);
	printf("%s%s%s {\n", s->kind, s->name != NULL ? " " : "", s->name != NULL ? s->name : "");
}

/* Blocks inside of a section hold what their owner likes: they have no rows. */
static void
print_blocks(const struct conf_section *s, unsigned depth)
{
	for (const struct conf_section *b = s->sections; b != NULL; b = b->next) {
		open_section(b, depth);
		print_settings(b, depth + 1);
		print_blocks(b, depth + 1);
		indent(depth);
		printf("}\n");
	}
}

static void
print_section(const struct generation *g, const struct conf_section *s, bool defaults)
{
	open_section(s, 0);
	print_settings(s, 1);
	if (defaults)
		print_defaults(g, s);
	print_blocks(s, 1);
	printf("}\n");
}

static bool
has_section(const struct generation *g, const char *kind)
{
	for (const struct conf_section *s = g->tree->sections; s != NULL; s = s->next) {
		if (strcmp(s->kind, kind) == 0)
			return true;
	}
	return false;
}

void
config_show(const struct generation *g, bool defaults)
{
	static const struct conf_section absent[] = {{.kind = "main"}, {.kind = "log"}};

	for (size_t i = 0; defaults && i < sizeof(absent) / sizeof(*absent); i++) {
		if (!has_section(g, absent[i].kind))
			print_section(g, &absent[i], true);
	}
	for (const struct conf_section *s = g->tree->sections; s != NULL; s = s->next)
		print_section(g, s, defaults);
}
