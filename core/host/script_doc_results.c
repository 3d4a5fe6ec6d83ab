/* SPDX-License-Identifier: MIT */
/*
 * script_doc_results.c - what plugins publish as text: types for editors, tables of the manual
 *
 * Of the plugins that are found; one that does not say what it publishes is left out, and so is one
 * whose name means something else in rules: m.auth is the login.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "plugin.h"
#include "published.h"
#include "script_api.h"
#include "script_doc.h"

static const struct script_row *
find_field(const char *type)
{
	for (size_t i = 0; i < script_class_message.row_count; i++) {
		if (strcmp(script_class_message.rows[i].name, type) == 0)
			return &script_class_message.rows[i];
	}
	return NULL;
}

/* Each plugin whose results rules read, in order of name. */
static void
each_plugin(const char *plugin_dir, void (*print)(const struct cm_plugin *))
{
	char **names = plugin_names(plugin_dir);

	for (char **name = names; *name != NULL; name++) {
		const struct script_row *field = find_field(*name);
		const struct cm_plugin *plugin;
		struct err err;

		plugin = plugin_load(*name, plugin_dir, &err);
		if (plugin == NULL)
			log_write(LOG_LEVEL_WARN, "plugin %s: %s", *name, err.text);
		else if (plugin->published_count > 0 &&
			 (field == NULL || script_row_is_results(field)))
			print(plugin);
	}
	plugin_names_free(names);
}

/* Words in quotes or not, with that between them. */
static void
print_words(const struct cm_published *row, const char *quote, const char *between)
{
	const char *words = row->words, *word, *mark = "";
	size_t len;

	for (; (word = published_word(&words, &len)) != NULL; mark = between)
		printf("%s%s%.*s%s", mark, quote, (int)len, word, quote);
}

/* --- types for LuaLS -----------------------------------------------------------------------------
 */

/* "arc_seal": ArcSealResults. */
static const char *
class_name(const char *type, char out[SCRIPT_DOC_CLASS])
{
	size_t len = 0;

	for (bool begins = true; *type != '\0'; begins = *type++ == '_') {
		if (*type != '_')
			out[len++] = (char)(begins ? toupper((unsigned char)*type) : *type);
	}
	snprintf(out + len, SCRIPT_DOC_CLASS - len, "%s", script_class_results.name);
	return out;
}

const char *
script_doc_field_type(
	const struct script_row *row, const char *plugin_dir, char out[SCRIPT_DOC_CLASS])
{
	const struct cm_plugin *plugin;
	struct err err;

	if (!script_row_is_results(row))
		return row->result;
	plugin = plugin_load(row->name, plugin_dir, &err);
	return plugin == NULL || plugin->published_count == 0 ? row->result
							      : class_name(row->name, out);
}

static void
print_luals_row(const struct cm_published *row)
{
	if (row->key[0] == '#' || row->key[0] == '*')
		printf("---@field [%s] string? ", row->key[0] == '#' ? "integer" : "string");
	else
		printf("---@field %s? %s", row->key, row->words == NULL ? "string " : "");
	print_words(row, "\"", "|");
	printf("%s%s\n", row->words == NULL ? "" : " ", row->help);
}

static void
print_luals_class(const struct cm_plugin *plugin)
{
	char name[SCRIPT_DOC_CLASS];

	printf("\n---What the plugin %s publishes; nil: not this time.\n---@class %s\n",
		plugin->name, class_name(plugin->name, name));
	for (size_t i = 0; i < plugin->published_count; i++) {
		const struct cm_published row = published_row(plugin, i);

		print_luals_row(&row);
	}
}

/* The row of what the plugin publishes under "result". */
static bool
find_result(const struct cm_plugin *plugin, struct cm_published *row)
{
	return plugin->published_count > 0 && published_find(plugin, "result", row) &&
	       row->words != NULL;
}

void
script_doc_luals_given(const char *type, const char *otherwise, const char *plugin_dir)
{
	const struct cm_plugin *plugin;
	struct cm_published row;
	char name[SCRIPT_DOC_CLASS];
	struct err err;

	plugin = plugin_load(type, plugin_dir, &err);
	if (plugin == NULL || !find_result(plugin, &row)) {
		printf("%s", otherwise);
		return;
	}
	print_words(&row, "\"", "|");
	printf("|%s", class_name(type, name));
}

static void
print_luals_field(const struct cm_plugin *plugin)
{
	char name[SCRIPT_DOC_CLASS];

	if (find_field(plugin->name) == NULL)
		printf("---@field %s %s results of the plugin %s\n", plugin->name,
			class_name(plugin->name, name), plugin->name);
}

void
script_doc_luals_fields(const char *plugin_dir)
{
	each_plugin(plugin_dir, print_luals_field);
}

void
script_doc_luals_results(const char *plugin_dir)
{
	each_plugin(plugin_dir, print_luals_class);
}

/* --- the chapters --------------------------------------------------------------------------------
 */

/* What a rule writes. */
static void
print_written(const struct cm_plugin *plugin, const struct cm_published *row)
{
	if (row->key[0] == '#')
		printf("m.%s[1]", plugin->name);
	else
		printf("m.%s.%s", plugin->name, row->key[0] == '*' ? "NAME" : row->key);
}

static void
print_markdown_plugin(const struct cm_plugin *plugin)
{
	printf("\n### Results of the plugin %s\n\n| Name | Is | |\n| --- | --- | --- |\n",
		plugin->name);
	for (size_t i = 0; i < plugin->published_count; i++) {
		const struct cm_published row = published_row(plugin, i);

		printf("| `");
		print_written(plugin, &row);
		printf("` | %s", row.words == NULL ? "text" : "");
		print_words(&row, "`", ", ");
		printf(" | ");
		script_doc_cell(row.help);
		printf(" |\n");
	}
}

void
script_doc_markdown_results(const char *plugin_dir)
{
	each_plugin(plugin_dir, print_markdown_plugin);
}

/* "ed25519-sha256" has a hyphen that roff would take for another. */
static void
print_man_words(const struct cm_published *row)
{
	const char *words = row->words, *word, *mark = ".br\none of ";
	char text[SCRIPT_DOC_CLASS];
	size_t len;

	for (; (word = published_word(&words, &len)) != NULL; mark = ", ") {
		snprintf(text, sizeof(text), "%.*s", (int)len, word);
		printf("%s", mark);
		script_doc_roff(text);
	}
	if (row->words != NULL)
		printf("\n");
}

static void
print_man_plugin(const struct cm_plugin *plugin)
{
	printf(".Ss Results of the plugin %s\n.Bl -tag -width Ds\n", plugin->name);
	for (size_t i = 0; i < plugin->published_count; i++) {
		const struct cm_published row = published_row(plugin, i);

		printf(".It Li \"");
		print_written(plugin, &row);
		printf("\"\n\\&");
		script_doc_roff(row.help);
		printf("\n");
		print_man_words(&row);
	}
	printf(".El\n");
}

void
script_doc_man_results(const char *plugin_dir)
{
	each_plugin(plugin_dir, print_man_plugin);
}
