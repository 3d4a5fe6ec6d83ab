/* SPDX-License-Identifier: MIT */
/*
 * script_doc.c - the API table as text: types for editors, names for a linter, a manual chapter
 */
#include "script_doc.h"

#include <stdio.h>
#include <string.h>

#include "mail/stage.h"
#include "script.h"
#include "script_api.h"
#include "script_state.h"
#include "script_test_api.h"

static bool
known_late(const struct script_row *row)
{
	return row->from != CM_STAGE_CONNECT;
}

/* Octets of the first parameter of several: its type may have commas in brackets. */
static size_t
param_len(const char *p)
{
	size_t len = 0;

	for (int depth = 0; p[len] != '\0' && (p[len] != ',' || depth > 0); len++)
		depth += (p[len] == '{' || p[len] == '(') - (p[len] == '}' || p[len] == ')');
	return len;
}

/* --- types for LuaLS -----------------------------------------------------------------------------
 */

/* "name: string, n?: integer" as one line for each. */
void
script_doc_params(const char *p)
{
	while (*p != '\0') {
		size_t name = strcspn(p, ":");
		size_t all = param_len(p);

		printf("---@param %.*s%.*s\n", (int)name, p, (int)(all - name - 1), p + name + 1);
		p += all;
		p += strspn(p, ", ");
	}
}

/* "name, n"; for people "name, n?" */
void
script_doc_names(const char *p, const char *end)
{
	for (const char *comma = ""; *p != '\0'; comma = ", ") {
		printf("%s%.*s", comma, (int)strcspn(p, end), p);
		p += param_len(p);
		p += strspn(p, ", ");
	}
}

static void
print_stage_help(const struct script_row *row)
{
	printf("%s", row->help);
	if (known_late(row))
		printf(" (from %s on)", script_stage_name(row->from));
}

static void
print_luals_function(const struct script_class *class, const struct script_row *row)
{
	const char *mark = class->kind == SCRIPT_OBJECT	   ? ":"
			   : class->kind == SCRIPT_LIBRARY ? "."
							   : "";

	printf("\n---");
	print_stage_help(row);
	printf("\n");
	script_doc_params(row->parameters);
	if (row->result[0] != '\0')
		printf("---@return %s\n", row->result);
	printf("function %s%s%s(", class->name, mark, row->name);
	script_doc_names(row->parameters, "?:");
	printf(") end\n");
}

static void
print_luals_field(
	const struct script_class *class, const struct script_row *row, const char *plugin_dir)
{
	char type[SCRIPT_DOC_CLASS];

	if (class->kind == SCRIPT_GLOBALS) {
		printf("\n---%s\n---@type %s\n%s = {}\n", row->help, row->result, row->name);
		return;
	}
	printf("---@field %s %s ", row->name, script_doc_field_type(row, plugin_dir, type));
	print_stage_help(row);
	printf("\n");
}

static void
print_luals_class(const struct script_class *class, const char *plugin_dir)
{
	if (class->kind != SCRIPT_GLOBALS)
		printf("\n---@class %s\n", class->name);
	for (size_t i = 0; i < class->row_count; i++) {
		if (class->rows[i].kind == SCRIPT_FIELD)
			print_luals_field(class, &class->rows[i], plugin_dir);
	}
	if (class == &script_class_message)
		script_doc_luals_fields(plugin_dir);
	if (class->other_type != NULL)
		printf("---@field %s\n", class->other_type);
	for (const struct script_operator *o = class->operators; o != NULL && o->name != NULL; o++)
		printf("---@operator %s%s: %s\n", o->name + 2, o->unary ? "" : "(any)",
			class->name);
	if (class->kind == SCRIPT_OBJECT)
		printf("local %s = {}\n", class->name);
	if (class->kind == SCRIPT_LIBRARY)
		printf("%s = {}\n", class->name);
	for (size_t i = 0; i < class->row_count; i++) {
		if (class->rows[i].kind == SCRIPT_FUNCTION)
			print_luals_function(class, &class->rows[i]);
	}
}

static void
print_luals(const char *plugin_dir)
{
	printf("---@meta\n-- Printed by `chainmail lua luals`: what a rule of Chainmail can "
	       "use.\n");
	for (size_t i = 0; script_classes[i] != NULL; i++)
		print_luals_class(script_classes[i], plugin_dir);
	script_doc_luals_results(plugin_dir);
	script_test_print_luals(plugin_dir);
}

/* --- names for luacheck --------------------------------------------------------------------------
 */

static void
print_luacheck_names(const struct script_class *class)
{
	if (class->kind == SCRIPT_LIBRARY)
		printf("\t\t%s = { fields = {", class->name);
	for (size_t i = 0; i < class->row_count; i++) {
		if (class->kind == SCRIPT_LIBRARY)
			printf(" \"%s\",", class->rows[i].name);
		if (class->kind == SCRIPT_GLOBALS)
			printf("\t\t%s = { other_fields = true },\n", class->rows[i].name);
	}
	if (class->kind == SCRIPT_LIBRARY)
		printf(" } },\n");
}

static void
print_luacheck(void)
{
	printf("-- Printed by `chainmail lua luacheck`: the names a rule of Chainmail can use.\n"
	       "stds.chainmail = {\n\tglobals = {\n");
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		if (stages[i].lua_name != NULL)
			printf("\t\t\"%s\",\n", stages[i].lua_name);
	}
	printf("\t\t\"done\",\n\t},\n\tread_globals = {\n");
	for (size_t i = 0; script_classes[i] != NULL; i++)
		print_luacheck_names(script_classes[i]);
	printf("\t},\n}\nstd = \"lua54+chainmail\"\nnot_globals = {\n");
	for (size_t i = 0; script_env_absent(i) != NULL; i++)
		printf("\t\"%s\",\n", script_env_absent(i));
	printf("}\n-- A hook need not use all it is given.\nunused_args = false\n");
	script_test_print_luacheck();
}

/* --- the chapter of the manual -------------------------------------------------------------------
 */

/* '|' ends a cell. */
void
script_doc_cell(const char *text)
{
	for (; *text != '\0'; text++)
		printf(*text == '|' ? "\\|" : "%c", *text);
}

/* What a rule writes: "m.client.ip" is said as "client.ip". */
static void
print_written(const struct script_class *class, const struct script_row *row)
{
	const char *mark = row->kind == SCRIPT_FUNCTION && class->kind == SCRIPT_OBJECT ? ":" : ".";
	const char *owner = class == &script_class_message ? "m" : class->what;

	if (class->kind == SCRIPT_GLOBALS || class->kind == SCRIPT_RECORD)
		printf("%s", row->name);
	else
		printf("%s%s%s", owner, mark, row->name);
	if (row->kind == SCRIPT_FUNCTION) {
		printf("(");
		script_doc_names(row->parameters, ":");
		printf(")");
	}
}

static const char *const titles[] = {
	[SCRIPT_GLOBALS] = "Global names",
	[SCRIPT_LIBRARY] = "Library ",
	[SCRIPT_OBJECT] = "",
	[SCRIPT_RECORD] = "",
};

static void
print_markdown_class(const struct script_class *class)
{
	if (class->row_count == 0)
		return;
	printf("\n### %s%s\n\n| Name | Gives | From stage | |\n| --- | --- | --- | --- |\n",
		titles[class->kind], class->name);
	for (size_t i = 0; i < class->row_count; i++) {
		const struct script_row *row = &class->rows[i];

		printf("| `");
		print_written(class, row);
		printf("` | ");
		script_doc_cell(row->result);
		printf(" | %s | ", known_late(row) ? script_stage_name(row->from) : "");
		script_doc_cell(row->help);
		printf(" |\n");
	}
}

static void
print_markdown(const char *plugin_dir)
{
	printf("A `?` behind a type means that the value may be nil.\n");
	for (size_t i = 0; script_classes[i] != NULL; i++)
		print_markdown_class(script_classes[i]);
	script_doc_markdown_results(plugin_dir);
}

/* --- the manual page -----------------------------------------------------------------------------
 */

void
script_doc_roff(const char *text)
{
	for (; *text != '\0'; text++)
		printf(*text == '\\' ? "\\e" : *text == '-' ? "\\-" : "%c", *text);
}

static void
print_man_row(const struct script_class *class, const struct script_row *row)
{
	printf(".It Li \"");
	print_written(class, row);
	printf("\"\n\\&");
	script_doc_roff(row->help);
	if (known_late(row))
		printf("; from %s on", script_stage_name(row->from));
	printf("\n");
	if (row->result[0] != '\0') {
		printf(".br\ngives ");
		script_doc_roff(row->result);
		printf("\n");
	}
}

static void
print_man_class(const struct script_class *class)
{
	if (class->row_count == 0)
		return;
	printf(".Ss %s%s\n.Bl -tag -width Ds\n", titles[class->kind], class->name);
	for (size_t i = 0; i < class->row_count; i++)
		print_man_row(class, &class->rows[i]);
	printf(".El\n");
}

static void
print_man(const char *plugin_dir)
{
	for (size_t i = 0; script_classes[i] != NULL; i++)
		print_man_class(script_classes[i]);
	script_doc_man_results(plugin_dir);
}

void
script_print_api(enum script_doc doc, const char *plugin_dir)
{
	switch (doc) {
	case SCRIPT_DOC_LUALS:
		print_luals(plugin_dir);
		return;
	case SCRIPT_DOC_LUACHECK:
		print_luacheck();
		return;
	case SCRIPT_DOC_MAN:
		print_man(plugin_dir);
		return;
	case SCRIPT_DOC_MARKDOWN:
		print_markdown(plugin_dir);
		return;
	case SCRIPT_DOC_TESTS:
		script_test_print_markdown();
		return;
	}
}
