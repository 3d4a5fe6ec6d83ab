/* SPDX-License-Identifier: MIT */
/*
 * script_test_doc.c - the language of test files as text: for editors, a linter, the manual
 */
#include <stdio.h>
#include <string.h>

#include "script_doc.h"
#include "script_test_api.h"

/* --- types for LuaLS -----------------------------------------------------------------------------
 */

/* Results of plugins have the plugins' types. */
static bool
is_results(const struct script_test_option *o)
{
	unsigned i = 0;

	while (i < SCRIPT_TEST_RESULTS &&
		strcmp(script_test_result_name((enum script_test_result)i), o->name) != 0)
		i++;
	return i < SCRIPT_TEST_RESULTS;
}

void
script_test_print_luals(const char *plugin_dir)
{
	printf("\n---Options of a case in a test file (NAME_test.lua).\n---@class CaseOptions\n");
	for (size_t i = 0; i < script_test_option_count; i++) {
		const struct script_test_option *o = &script_test_options[i];

		printf("---@field %s? ", o->name);
		if (is_results(o))
			script_doc_luals_given(o->name, o->type, plugin_dir);
		else
			printf("%s", o->type);
		printf(" %s\n", o->help);
	}
	printf("\n---@class Case\n---@overload fun(options: CaseOptions): Case\nlocal Case = {}\n");
	for (size_t i = 0; i < script_test_method_count; i++) {
		const struct script_test_method *m = &script_test_methods[i];

		printf("\n---%s\n", m->help);
		script_doc_params(m->parameter);
		printf("---@return Case\nfunction Case:%s(", m->name);
		script_doc_names(m->parameter, "?:");
		printf(") end\n");
	}
	for (size_t i = 0; i < script_test_global_count; i++) {
		const struct script_test_global *g = &script_test_globals[i];

		printf("\n---In a test file: %s\n", g->help);
		script_doc_params(g->parameters);
		if (g->result[0] != '\0')
			printf("---@return %s\n", g->result);
		printf("function %s(", g->name);
		script_doc_names(g->parameters, "?:");
		printf(") end\n");
	}
}

/* --- names for luacheck --------------------------------------------------------------------------
 */

void
script_test_print_luacheck(void)
{
	printf("stds.chainmail_test = { read_globals = {");
	for (size_t i = 0; i < script_test_global_count; i++)
		printf(" \"%s\",", script_test_globals[i].name);
	printf(" } }\nfiles[\"**/*_test.lua\"] = { std = \"lua54+chainmail_test\" }\n");
}

/* --- the chapter of the manual -------------------------------------------------------------------
 */

static void
print_row(const char *help)
{
	printf("` | ");
	script_doc_cell(help);
	printf(" |\n");
}

void
script_test_print_markdown(void)
{
	printf("| In the file | |\n| --- | --- |\n");
	for (size_t i = 0; i < script_test_global_count; i++) {
		printf("| `%s(", script_test_globals[i].name);
		script_doc_names(script_test_globals[i].parameters, ":");
		printf(")");
		print_row(script_test_globals[i].help);
	}
	printf("\n| Option of a case | |\n| --- | --- |\n");
	for (size_t i = 0; i < script_test_option_count; i++) {
		printf("| `%s", script_test_options[i].name);
		print_row(script_test_options[i].help);
	}
	printf("\n| Step | |\n| --- | --- |\n");
	for (size_t i = 0; i < script_test_method_count; i++) {
		printf("| `:%s(", script_test_methods[i].name);
		script_doc_names(script_test_methods[i].parameter, ":");
		printf(")");
		print_row(script_test_methods[i].help);
	}
}
