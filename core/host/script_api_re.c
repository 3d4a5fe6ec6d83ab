/* SPDX-License-Identifier: MIT */
/*
 * script_api_re.c - re.find, re.match and re.gsub: Perl's expressions
 *
 * They read like the functions of string of the same name.
 */
#include <lauxlib.h>

#include "script_api.h"
#include "script_re.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* A group that took no part in the match is nil. */
static void
push_capture(lua_State *L, const struct re_search *s, size_t i)
{
	if (s->spans[2 * i] == RE_UNSET)
		lua_pushnil(L);
	else
		lua_pushlstring(
			L, s->text + s->spans[2 * i], s->spans[2 * i + 1] - s->spans[2 * i]);
}

/* The groups; without any the whole match. */
static int
push_captures(lua_State *L, const struct re_search *s, bool whole)
{
	luaL_checkstack(L, (int)s->captures + 1, NULL);
	if (s->captures == 0 && whole) {
		push_capture(L, s, 0);
		return 1;
	}
	for (size_t i = 1; i <= s->captures; i++)
		push_capture(L, s, i);
	return (int)s->captures;
}

/* --- find and match ------------------------------------------------------------------------------
 */

/* Argument 3: where to begin, as string.find has it. False: behind the end. */
static bool
start_offset(lua_State *L, size_t len, size_t *at)
{
	lua_Integer init = luaL_optinteger(L, 3, 1);

	if (init > 0)
		*at = (size_t)init - 1;
	else if (init == 0 || init < -(lua_Integer)len)
		*at = 0;
	else
		*at = len - (size_t)-init;
	return *at <= len;
}

static int
re_find(lua_State *L)
{
	struct re_search s;
	size_t at;

	lua_settop(L, 3);
	script_re_begin(L, &s, "re.find");
	if (!start_offset(L, s.len, &at) || !script_re_next(&s, at, false)) {
		luaL_pushfail(L);
		return 1;
	}
	lua_pushinteger(L, (lua_Integer)s.spans[0] + 1);
	lua_pushinteger(L, (lua_Integer)s.spans[1]);
	return 2 + push_captures(L, &s, false);
}

static int
re_match(lua_State *L)
{
	struct re_search s;
	size_t at;

	lua_settop(L, 3);
	script_re_begin(L, &s, "re.match");
	if (start_offset(L, s.len, &at) && script_re_next(&s, at, false))
		return push_captures(L, &s, true);
	luaL_pushfail(L);
	return 1;
}

/* --- gsub ----------------------------------------------------------------------------------------
 */

/* The replacement text (argument 3) with its %0 to %9. */
static void
add_template(lua_State *L, luaL_Buffer *b, const struct re_search *s)
{
	size_t len;
	const char *p = lua_tolstring(L, 3, &len);
	const char *end = p + len;

	script_charge(L, len / 16);
	for (; p < end; p++) {
		size_t i = p + 1 < end && p[1] >= '0' && p[1] <= '9' ? (size_t)(p[1] - '0') : 10;

		if (*p != '%') {
			luaL_addchar(b, *p);
			continue;
		}
		if (++p < end && *p == '%') {
			luaL_addchar(b, '%');
			continue;
		}
		if (i == 10)
			luaL_error(L, "re.gsub: write %%%% for a %% in the replacement");
		if (i > s->captures && i > 1)
			luaL_error(L, "re.gsub: the expression has no group %%%d", (int)i);
		/* As in string.gsub: without groups %1 is the whole match. */
		i = i > s->captures ? 0 : i;
		if (s->spans[2 * i] != RE_UNSET)
			luaL_addlstring(b, s->text + s->spans[2 * i],
				s->spans[2 * i + 1] - s->spans[2 * i]);
	}
}

/* Asks the table or function (argument 3); false and nil keep the match as it is. */
static void
add_value(lua_State *L, luaL_Buffer *b, const struct re_search *s)
{
	if (lua_type(L, 3) == LUA_TTABLE) {
		push_capture(L, s, s->captures > 0 ? 1 : 0);
		lua_gettable(L, 3);
	} else {
		lua_pushvalue(L, 3);
		lua_call(L, push_captures(L, s, true), 1);
	}
	if (!lua_toboolean(L, -1)) {
		lua_pop(L, 1);
		push_capture(L, s, 0);
	} else if (!lua_isstring(L, -1)) {
		luaL_error(L, "re.gsub: a %s cannot be the replacement", luaL_typename(L, -1));
	}
	luaL_addvalue(b);
}

static int
re_gsub(lua_State *L)
{
	struct re_search s;
	int type = lua_type(L, 3);
	lua_Integer most, count = 0;
	size_t copied = 0;
	luaL_Buffer b;

	luaL_argexpected(L,
		type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
			type == LUA_TTABLE,
		3, "string/function/table");
	most = luaL_optinteger(L, 4, LUA_MAXINTEGER);
	lua_settop(L, 4);
	script_re_begin(L, &s, "re.gsub");
	luaL_buffinit(L, &b);
	while (count < most && script_re_next(&s, copied, count > 0)) {
		size_t end = s.spans[1];

		luaL_addlstring(&b, s.text + copied, s.spans[0] - copied);
		if (type == LUA_TNUMBER || type == LUA_TSTRING)
			add_template(L, &b, &s);
		else
			add_value(L, &b, &s);
		copied = end;
		count++;
	}
	luaL_addlstring(&b, s.text + copied, s.len - copied);
	luaL_pushresult(&b);
	lua_pushinteger(L, count);
	return 2;
}

static const struct script_row rows[] = {
	{"find", SCRIPT_FUNCTION, .call = re_find,
		.parameters = "text: string, expression: string, init?: integer",
		.result = "integer? first, integer? last, string? ...",
		.help = "where a Perl expression matches, and what its groups matched; nil: "
			"nowhere"},
	{"gsub", SCRIPT_FUNCTION, .call = re_gsub,
		.parameters = "text: string, expression: string, replacement: "
			      "string|table|function, n?: integer",
		.result = "string text, integer count",
		.help = "the text with each match, or the first n, replaced; %0 to %9 in a "
			"replacement are the match and its groups"},
	{"match", SCRIPT_FUNCTION, .call = re_match,
		.parameters = "text: string, expression: string, init?: integer",
		.result = "string? ...",
		.help = "what the groups of a Perl expression matched, or all of it where it has "
			"none; nil: no match"},
};

const struct script_class script_class_re = {
	.name = "re",
	.what = "re",
	.kind = SCRIPT_LIBRARY,
	.rows = rows,
	.row_count = COUNT(rows),
};
