/* SPDX-License-Identifier: MIT */
/*
 * script_match_lib.c - string.find, match, gmatch and gsub on the bounded matcher
 *
 * What the four functions do is said in the Lua 5.4 manual, section 6.4. They differ from Lua's own
 * in two ways: a malformed pattern is an error whatever the text, and a pattern that takes too many
 * steps on a text is one too.
 */
#include "script_match_lib.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>
#include <string.h>

#include "script_budget.h"
#include "script_match.h"

/* What one call may do: so much, and so much for each octet of the text. */
#define STEPS_BASE  1000000u
#define STEPS_OCTET 16u
/* Patterns up to this length need no memory from Lua. */
#define INLINE_ITEMS 24u

/* A pattern and a text, and how far the text was searched. */
struct search {
	const char *text, *pattern;
	size_t len, pattern_len;
	const char *at;		 /* where the next match may begin */
	const char *last;	 /* end of the match before: an empty match there does not count */
	const char *start, *end; /* of the match found */
	struct match match;
	struct match_item inline_items[INLINE_ITEMS];
};

static size_t
budget(size_t len)
{
	return len > (SIZE_MAX - STEPS_BASE) / STEPS_OCTET ? SIZE_MAX
							   : STEPS_BASE + STEPS_OCTET * len;
}

/* Items for the pattern: in the search itself or, left on the stack, from Lua. */
static struct match_item *
items_new(lua_State *L, struct search *s)
{
	size_t room = match_room(s->pattern_len);

	if (room <= INLINE_ITEMS) {
		lua_pushnil(L);
		return s->inline_items;
	}
	if (room > SIZE_MAX / sizeof(struct match_item)) {
		luaL_error(L, "pattern too long");
		return NULL;
	}
	return lua_newuserdatauv(L, room * sizeof(struct match_item), 0);
}

/* Text and pattern are arguments 1 and 2. Leaves one value on the stack. */
static void
search_begin(lua_State *L, struct search *s, bool anchor)
{
	const char *why;

	s->text = luaL_checklstring(L, 1, &s->len);
	s->pattern = luaL_checklstring(L, 2, &s->pattern_len);
	s->at = s->text;
	s->last = NULL;
	why = match_compile(&s->match, items_new(L, s), s->pattern, s->pattern_len, anchor);
	if (why != NULL)
		luaL_error(L, "%s: \"%s\"", why, s->pattern);
	match_begin(&s->match, s->text, s->len, budget(s->len));
}

/* The next match from s->at on. */
static bool
search_next(lua_State *L, struct search *s)
{
	size_t before = s->match.steps;
	const char *end = NULL;
	const char *p = s->at;

	for (; p <= s->text + s->len; p++) {
		end = match_at(&s->match, p);
		if ((end != NULL && end != s->last) || s->match.anchored || s->match.steps == 0)
			break;
	}
	script_charge(L, before - s->match.steps);
	if (s->match.steps == 0)
		luaL_error(L, "pattern \"%s\" takes too many steps on a text of %d characters",
			s->pattern, (int)s->len);
	if (p > s->text + s->len || end == NULL || end == s->last)
		return false;
	s->start = p;
	s->at = s->last = s->end = end;
	return true;
}

/* --- captures ------------------------------------------------------------------------------- */

/* Capture i; without captures the whole match is capture 0. */
static void
push_capture(lua_State *L, const struct search *s, size_t i)
{
	const struct match_capture *cap = &s->match.capture[i];

	if (i >= s->match.captures)
		lua_pushlstring(L, s->start, (size_t)(s->end - s->start));
	else if (cap->position)
		lua_pushinteger(L, (const char *)cap->start - s->text + 1);
	else
		lua_pushlstring(L, (const char *)cap->start, (size_t)(cap->end - cap->start));
}

static int
push_captures(lua_State *L, const struct search *s, bool whole)
{
	size_t count = s->match.captures == 0 && whole ? 1 : s->match.captures;

	luaL_checkstack(L, (int)count, "too many captures");
	for (size_t i = 0; i < count; i++)
		push_capture(L, s, i);
	return (int)count;
}

/* --- find and match ----------------------------------------------------------------------------
 */

/* Argument init: an offset into the text, or more than its length. */
static size_t
start_offset(lua_State *L, int arg, size_t len)
{
	lua_Integer init = luaL_optinteger(L, arg, 1);

	if (init > 0)
		return (lua_Unsigned)init - 1 > len ? len + 1 : (size_t)init - 1;
	if (init == 0 || init < -(lua_Integer)len)
		return 0;
	return len - (size_t)-init;
}

static bool
ordinary(const char *pattern, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (pattern[i] != '\0' && strchr("^$*+?.([%-", pattern[i]) != NULL)
			return false;
	}
	return true;
}

static int
find_plain(lua_State *L, const char *text, size_t len, size_t offset)
{
	size_t wanted_len;
	const char *wanted = lua_tolstring(L, 2, &wanted_len);
	const char *at = memmem(text + offset, len - offset, wanted, wanted_len);

	script_charge(L, (len - offset) / 16);
	if (at == NULL) {
		luaL_pushfail(L);
		return 1;
	}
	lua_pushinteger(L, at - text + 1);
	lua_pushinteger(L, at - text + (lua_Integer)wanted_len);
	return 2;
}

static int
find_pattern(lua_State *L, size_t offset, bool find)
{
	struct search s;

	search_begin(L, &s, true);
	s.at += offset;
	if (!search_next(L, &s)) {
		luaL_pushfail(L);
		return 1;
	}
	if (!find)
		return push_captures(L, &s, true);
	lua_pushinteger(L, s.start - s.text + 1);
	lua_pushinteger(L, s.end - s.text);
	return 2 + push_captures(L, &s, false);
}

static int
lib_find(lua_State *L)
{
	size_t len, pattern_len;
	const char *text = luaL_checklstring(L, 1, &len);
	const char *pattern = luaL_checklstring(L, 2, &pattern_len);
	size_t offset = start_offset(L, 3, len);

	if (offset > len) {
		luaL_pushfail(L);
		return 1;
	}
	if (lua_toboolean(L, 4) || ordinary(pattern, pattern_len))
		return find_plain(L, text, len, offset);
	return find_pattern(L, offset, true);
}

static int
lib_match(lua_State *L)
{
	size_t len;
	size_t offset;

	luaL_checklstring(L, 1, &len);
	luaL_checkstring(L, 2);
	offset = start_offset(L, 3, len);
	if (offset > len) {
		luaL_pushfail(L);
		return 1;
	}
	return find_pattern(L, offset, false);
}

/* --- gmatch ------------------------------------------------------------------------------------
 */

/* Upvalues: text and pattern, which the search points into, its items, the search. */
static int
gmatch_next(lua_State *L)
{
	struct search *s = lua_touserdata(L, lua_upvalueindex(4));

	match_begin(&s->match, s->text, s->len, budget(s->len));
	return search_next(L, s) ? push_captures(L, s, true) : 0;
}

static int
lib_gmatch(lua_State *L)
{
	struct search *s;
	size_t offset;

	/* A number given as text becomes a string here, once. */
	luaL_checkstring(L, 1);
	luaL_checkstring(L, 2);
	lua_settop(L, 3);
	s = lua_newuserdatauv(L, sizeof(*s), 0);
	search_begin(L, s, false);
	offset = start_offset(L, 3, s->len);
	s->at += offset > s->len ? s->len + 1 : offset;
	lua_pushvalue(L, 1);
	lua_pushvalue(L, 2);
	lua_rotate(L, 4, 2);
	lua_rotate(L, -2, 1);
	lua_pushcclosure(L, gmatch_next, 4);
	return 1;
}

/* --- gsub ----------------------------------------------------------------------------------------
 */

/* Adds the replacement string (argument 3) with its %0 to %9. */
static void
add_template(lua_State *L, luaL_Buffer *b, const struct search *s)
{
	size_t len;
	const char *p = lua_tolstring(L, 3, &len);
	const char *end = p + len;

	script_charge(L, len / 16);
	for (; p < end; p++) {
		if (*p != '%') {
			luaL_addchar(b, *p);
		} else if (++p < end && *p == '%') {
			luaL_addchar(b, '%');
		} else if (p < end && *p == '0') {
			luaL_addlstring(b, s->start, (size_t)(s->end - s->start));
		} else if (p < end && *p >= '1' && *p <= '9') {
			size_t i = (size_t)(*p - '1');

			if (i >= s->match.captures && i > 0)
				luaL_error(L, "invalid capture index %%%d in replacement string",
					(int)i + 1);
			push_capture(L, s, i);
			luaL_addvalue(b);
		} else {
			luaL_error(L, "invalid use of '%%' in replacement string");
		}
	}
}

/* Asks the table or function (argument 3); false and nil keep the match as it is. */
static void
add_value(lua_State *L, luaL_Buffer *b, const struct search *s)
{
	if (lua_type(L, 3) == LUA_TTABLE) {
		push_capture(L, s, 0);
		lua_gettable(L, 3);
	} else {
		lua_pushvalue(L, 3);
		lua_call(L, push_captures(L, s, true), 1);
	}
	if (!lua_toboolean(L, -1)) {
		lua_pop(L, 1);
		lua_pushlstring(L, s->start, (size_t)(s->end - s->start));
	} else if (!lua_isstring(L, -1)) {
		luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
	}
	luaL_addvalue(b);
}

static void
add_replacement(lua_State *L, luaL_Buffer *b, const struct search *s)
{
	if (lua_isstring(L, 3))
		add_template(L, b, s);
	else
		add_value(L, b, s);
}

static int
lib_gsub(lua_State *L)
{
	struct search s;
	const char *copied; /* the text is in the buffer up to here */
	lua_Integer most, count = 0;
	luaL_Buffer b;
	int type = lua_type(L, 3);

	luaL_argexpected(L,
		type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
			type == LUA_TTABLE,
		3, "string/function/table");
	luaL_checklstring(L, 1, &s.len);
	most = luaL_optinteger(L, 4, (lua_Integer)s.len + 1);
	search_begin(L, &s, true);
	copied = s.text;
	luaL_buffinit(L, &b);
	while (count < most && search_next(L, &s)) {
		luaL_addlstring(&b, copied, (size_t)(s.start - copied));
		add_replacement(L, &b, &s);
		copied = s.end;
		count++;
		if (s.match.anchored)
			break;
	}
	luaL_addlstring(&b, copied, (size_t)(s.text + s.len - copied));
	luaL_pushresult(&b);
	lua_pushinteger(L, count);
	return 2;
}

void
script_match_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"find", lib_find},
		{"gmatch", lib_gmatch},
		{"gsub", lib_gsub},
		{"match", lib_match},
		{NULL, NULL},
	};

	luaL_setfuncs(L, functions, 0);
}
