/* SPDX-License-Identifier: MIT */
/*
 * script_results.c - the names of results that rules write, looked up in the tables of plugins
 *
 * A misspelled result would read nil, as one that was not published does. What the text of a rule
 * says plainly is found when it is loaded, what it computes when it runs.
 */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "published.h"
#include "script.h"
#include "script_api.h"
#include "script_scan.h"
#include "script_state.h"

#define KEY_SIZE 80

bool
script_row_is_results(const struct script_row *row)
{
	return row->result != NULL && strcmp(row->result, script_class_results.name) == 0;
}

const struct script_row *
script_results_row(const struct script_token *field)
{
	const struct script_row *row = script_find_row(&script_class_message, field);

	return row != NULL && script_row_is_results(row) ? row : NULL;
}

/* A field of m that is something else than results, whatever plugins there are. */
static bool
is_other_field(const struct script_token *field)
{
	const struct script_row *row = script_find_row(&script_class_message, field);

	return row != NULL && !script_row_is_results(row);
}

/* Behind "m.spf" stands ".key" or "["key"]". False: it does not, or the text is in escapes. */
static bool
read_key(struct script_scan s, char key[KEY_SIZE])
{
	struct script_token mark = script_scan_next(&s), t = script_scan_next(&s);
	struct script_token end = script_scan_next(&s);
	bool plain = script_token_is(&mark, ".") && t.kind == TOKEN_NAME;
	bool quoted = script_token_is(&mark, "[") && t.kind == TOKEN_STRING &&
		      script_token_is(&end, "]") && memchr(t.text, '\\', t.len) == NULL;

	if ((!plain && !quoted) || t.len >= KEY_SIZE)
		return false;
	snprintf(key, KEY_SIZE, "%.*s", (int)t.len, t.text);
	return true;
}

bool
script_results_check(const struct script_names *names, const struct script_token *field,
	const struct script_scan *behind, struct err *err)
{
	char type[KEY_SIZE], key[KEY_SIZE];
	const struct cm_plugin *plugin;

	if (is_other_field(field) || field->len >= sizeof(type) || !read_key(*behind, key))
		return true;
	snprintf(type, sizeof(type), "%.*s", (int)field->len, field->text);
	plugin = names->find_plugin(names->context, type);
	return plugin == NULL || published_may(plugin, key) || published_no_key(plugin, key, err);
}

void
script_check_result(lua_State *L, const struct cm_plugin *plugin, const char *key)
{
	struct err err;

	if (published_may(plugin, key))
		return;
	published_no_key(plugin, key, &err);
	luaL_error(L, "%s", err.text);
}
