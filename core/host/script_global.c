/* SPDX-License-Identifier: MIT */
/*
 * script_global.c - global names that a file writes and nobody has
 *
 * Lua finds them when the line runs, which may be in the one message of a year that matters. What
 * the file declares anywhere counts as declared everywhere: a mistake may be missed, never made up.
 */
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "script_scan.h"
#include "script_state.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const char *const keywords[] = {"and", "break", "do", "else", "elseif", "end", "false",
	"for", "function", "goto", "if", "in", "local", "nil", "not", "or", "repeat", "return",
	"then", "true", "until", "while"};

static bool
is_name(const struct script_token *t)
{
	return t->kind == TOKEN_NAME && !script_token_in(t, keywords, COUNT(keywords));
}

/* --- what the file declares ----------------------------------------------------------------------
 */

enum place {
	ELSEWHERE,
	NAMES,	    /* behind local or for */
	HEAD,	    /* behind function */
	PARAMETERS, /* of it, in parentheses */
};

/* Where a token stands that is no name. */
static enum place
place_behind(enum place place, const struct script_token *t)
{
	if (script_token_is(t, "local") || script_token_is(t, "for"))
		return NAMES;
	if (script_token_is(t, "function"))
		return HEAD;
	if (place == HEAD && script_token_is(t, "("))
		return PARAMETERS;
	if (place == NAMES &&
		(script_token_is(t, ",") || script_token_is(t, "<") || script_token_is(t, ">")))
		return NAMES;
	return script_token_is(t, ")") || place == NAMES ? ELSEWHERE : place;
}

/* The name t is declared there; before[0] stands directly before it. */
static bool
declares(enum place place, const struct script_token *before)
{
	if (place == NAMES)
		return script_token_is(&before[0], "local") || script_token_is(&before[0], "for") ||
		       script_token_is(&before[0], ",");
	if (place == HEAD)
		return script_token_is(&before[1], "local");
	return place == PARAMETERS;
}

static void
add(lua_State *L, const char *name, size_t len)
{
	lua_pushlstring(L, name, len);
	lua_pushboolean(L, true);
	lua_rawset(L, -3);
}

/* Pushes a table with the names as keys. */
static void
push_declared(lua_State *L, const struct script_source *source)
{
	struct script_token before[2] = {{.kind = TOKEN_END}};
	enum place place = ELSEWHERE;
	struct script_scan s;

	lua_newtable(L);
	add(L, "self", strlen("self"));
	script_scan_begin(&s, source->text, source->len);
	for (struct script_token t = script_scan_next(&s); t.kind != TOKEN_END;
		t = script_scan_next(&s)) {
		if (!is_name(&t))
			place = place_behind(place, &t);
		else if (declares(place, before))
			add(L, t.text, t.len);
		else if (place == NAMES && !script_token_is(&before[0], "<"))
			place = ELSEWHERE;
		before[1] = before[0];
		before[0] = t;
	}
}

/* --- what it uses --------------------------------------------------------------------------------
 */

/* The name between them is a field, a label, an attribute, or what a function is called. */
static bool
is_no_variable(const struct script_token *before, const struct script_token *behind)
{
	static const char *const marks[] = {".", ":", "::", "goto", "function"};

	if (script_token_is(before, "<") && script_token_is(behind, ">"))
		return true;
	for (size_t i = 0; i < COUNT(marks); i++) {
		if (script_token_is(before, marks[i]))
			return true;
	}
	return false;
}

static bool
is_declared(lua_State *L, int declared, const struct script_token *t)
{
	bool found;

	lua_pushlstring(L, t->text, t->len);
	found = lua_rawget(L, declared) != LUA_TNIL;
	lua_pop(L, 1);
	return found;
}

/* Raises unless the environment on top of the stack has it. */
static void
check(lua_State *L, const struct script_source *source, const struct script_token *t, bool assigned)
{
	int env = lua_gettop(L);
	const char *name = lua_pushlstring(L, t->text, t->len);

	lua_pushvalue(L, env);
	if (script_env_lacks(L, name, assigned)) {
		lua_pushfstring(L, "%s:%d: %s", source->label, (int)t->line, lua_tostring(L, -1));
		lua_error(L);
	}
	lua_settop(L, env);
}

void
script_global_check(lua_State *L, const struct script_source *source)
{
	struct script_token before = {.kind = TOKEN_END};
	int declared;
	size_t tables = 0; /* that are open: in them "a = " is a key */
	struct script_scan s;

	push_declared(L, source);
	lua_insert(L, -2);
	declared = lua_gettop(L) - 1;
	script_scan_begin(&s, source->text, source->len);
	for (struct script_token t = script_scan_next(&s); t.kind != TOKEN_END;
		t = script_scan_next(&s)) {
		struct script_scan ahead = s;
		struct script_token next = script_scan_next(&ahead);
		bool assigned = script_token_is(&next, "=");

		tables += script_token_is(&t, "{");
		tables -= tables > 0 && script_token_is(&t, "}");
		if (is_name(&t) && !is_no_variable(&before, &next) && !(assigned && tables > 0) &&
			!is_declared(L, declared, &t))
			check(L, source, &t, assigned);
		before = t;
	}
	lua_remove(L, declared);
}
