/* SPDX-License-Identifier: MIT */
/*
 * config_help.c - chainmail config help NAME: one section or setting explained
 *
 * A name is a section, a plugin, SECTION.SETTING, PLUGIN.SETTING (with "plugin." in front or not),
 * or a setting alone, which is explained wherever it stands.
 */
#include "config.h"

#include <string.h>

#include "base/text.h"
#include "cli.h"
#include "host/published.h"

struct query {
	struct config_tables tables;
	struct arena arena;
};

static void
print_setting(struct query *q, const struct config_table *t, const struct cm_option *row)
{
	const char *range = config_range(&q->arena, row);

	if (t == &q->tables.common)
		printf("%s of %s\n", row->name, t->title);
	else
		printf("%s.%s\n", t->name, row->name);
	printf("    %s\n", row->help != NULL ? row->help : "");
	printf("    value    %s\n", config_type(&q->arena, row));
	if (range != NULL)
		printf("    range    %s\n", range);
	if ((row->flags & CM_OPT_REQUIRED) != 0)
		printf("    required\n");
	else
		printf("    default  %s\n", row->fallback != NULL ? row->fallback : "none");
	if (row->since != NULL)
		printf("    since    %s\n", row->since);
}

/* "name = default", or the name alone. */
static void
print_row(const struct cm_option *row)
{
	char left[80];

	snprintf(left, sizeof(left), "%s%s%s%s", row->name, row->fallback != NULL ? " = " : "",
		row->fallback != NULL ? row->fallback : "",
		(row->flags & CM_OPT_REQUIRED) != 0 ? " = ..." : "");
	printf("  %-28s %s\n", left, row->help != NULL ? row->help : "");
}

static void
print_rows(const struct config_table *t)
{
	struct cm_option row;

	for (size_t i = 0; i < t->rows.count; i++) {
		if (config_row(t, i, &row))
			print_row(&row);
	}
}

/* "spf.result" with its help, its words below. */
static void
print_result(const struct cm_plugin *plugin, const struct cm_published *row)
{
	const char *words = row->words, *word, *mark = "";
	const char *key = row->key[0] == '#' ? "1, 2, ..." : row->key[0] == '*' ? "NAME" : row->key;
	size_t len;

	printf("  %s.%-*s %s\n", plugin->name, (int)(27 - strlen(plugin->name)), key, row->help);
	if (words == NULL)
		return;
	printf("%31s", "");
	for (; (word = published_word(&words, &len)) != NULL; mark = ", ")
		printf("%s%.*s", mark, (int)len, word);
	printf("\n");
}

static void
print_results(const struct cm_plugin *plugin)
{
	if (plugin == NULL || plugin->published_count == 0)
		return;
	printf(" results that it publishes:\n");
	for (size_t i = 0; i < plugin->published_count; i++) {
		const struct cm_published row = published_row(plugin, i);

		print_result(plugin, &row);
	}
}

static void
print_table(const struct query *q, const struct config_table *t)
{
	printf("%s - %s\n", t->title, t->help);
	print_rows(t);
	if (t->links) {
		printf(" as every plugin and script:\n");
		print_rows(&q->tables.common);
	}
	print_results(t->plugin);
}

static const struct config_table *
find_table(const struct query *q, const char *name, size_t len)
{
	for (size_t i = 0; i < q->tables.count; i++) {
		const struct config_table *t = &q->tables.items[i];

		if (strlen(t->name) == len && strncmp(t->name, name, len) == 0)
			return t;
	}
	return NULL;
}

static bool
find_row(const struct config_table *t, const char *name, struct cm_option *row)
{
	for (size_t i = 0; i < t->rows.count; i++) {
		if (config_row(t, i, row) && strcmp(row->name, name) == 0)
			return true;
	}
	return false;
}

/* TABLE.SETTING */
static bool
help_dotted(struct query *q, const char *name, const char *dot)
{
	const struct config_table *t = find_table(q, name, (size_t)(dot - name));
	struct cm_option row;

	if (t == NULL || (!find_row(t, dot + 1, &row) &&
				 !(t->links && find_row(&q->tables.common, dot + 1, &row))))
		return false;
	print_setting(q, t, &row);
	return true;
}

/* A setting alone, wherever it stands. */
static bool
help_setting(struct query *q, const char *name)
{
	struct cm_option row;
	bool found = find_row(&q->tables.common, name, &row);

	if (found)
		print_setting(q, &q->tables.common, &row);
	for (size_t i = 0; i < q->tables.count; i++) {
		if (!find_row(&q->tables.items[i], name, &row))
			continue;
		print_setting(q, &q->tables.items[i], &row);
		found = true;
	}
	return found;
}

/* What is part of the language and no row of a table. */
static const struct topic {
	const char *name, *text;
} topics[] = {
	{"include",
		"include \"PATTERN\" - other files, read at this place in name order\n"
		"    stands outside of sections; a relative name starts at the directory of the\n"
		"    file it stands in; a pattern (conf.d/*.conf) may match nothing, a plain name\n"
		"    must exist\n"},
	{"script.settings",
		"script.settings { NAME = VALUE } - the rule's own settings\n"
		"    a block in a script section; the rule reads them as settings.NAME\n"},
};

#define TOPICS (sizeof(topics) / sizeof(*topics))

static bool
help_topic(const char *name)
{
	for (size_t i = 0; i < TOPICS; i++) {
		const char *dot = strchr(topics[i].name, '.');

		if (strcmp(topics[i].name, name) != 0 &&
			(dot == NULL || strcmp(dot + 1, name) != 0))
			continue;
		fputs(topics[i].text, stdout);
		return true;
	}
	return false;
}

static bool
help_name(struct query *q, const char *name)
{
	const struct config_table *t = find_table(q, name, strlen(name));
	const char *dot = strchr(name, '.');

	if (t != NULL) {
		print_table(q, t);
		return true;
	}
	if (help_topic(name))
		return true;
	if (dot == NULL)
		return help_setting(q, name);
	/* plugin.auth, plugin.auth.login_map */
	return help_dotted(q, name, dot) ||
	       (strncmp(name, "plugin.", 7) == 0 && help_name(q, name + 7));
}

static void
add_names(struct query *q, const struct config_table *t, const char **names, size_t *count)
{
	struct cm_option row;

	names[(*count)++] = t->name;
	for (size_t i = 0; i < t->rows.count; i++) {
		if (!config_row(t, i, &row))
			continue;
		names[(*count)++] = row.name;
		names[(*count)++] = arena_printf(&q->arena, "%s.%s", t->name, row.name);
	}
}

static int
unknown_name(struct query *q, const char *name)
{
	size_t room = TOPICS, count = 0;

	for (size_t i = 0; i < q->tables.count; i++)
		room += 1 + 2 * q->tables.items[i].rows.count;
	const char **names = arena_array(&q->arena, room, sizeof(*names));

	for (size_t i = 0; i < q->tables.count; i++)
		add_names(q, &q->tables.items[i], names, &count);
	for (size_t i = 0; i < TOPICS; i++)
		names[count++] = topics[i].name;
	const char *nearest = text_nearest(name, names, count);

	fprintf(stderr, "chainmail config: there is no section, plugin or setting \"%s\"", name);
	if (nearest != NULL)
		fprintf(stderr, ", did you mean \"%s\"?", nearest);
	fprintf(stderr, "\ntry: chainmail config help\n");
	return EXIT_NO;
}

static void
list_tables(const struct query *q)
{
	printf("sections and plugins of filter.conf; chainmail config help NAME explains one\n\n");
	for (size_t i = 0; i < q->tables.count; i++)
		printf("  %-18s %s\n", q->tables.items[i].title, q->tables.items[i].help);
}

int
config_help(const char *name, const char *plugin_dir)
{
	struct query q;
	int code = EXIT_OK;

	arena_init(&q.arena, 4096);
	config_tables(&q.tables, &q.arena, plugin_dir);
	if (name == NULL)
		list_tables(&q);
	else if (!help_name(&q, name))
		code = unknown_name(&q, name);
	arena_fini(&q.arena);
	return code;
}
