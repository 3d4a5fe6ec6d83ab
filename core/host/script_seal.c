/* SPDX-License-Identifier: MIT */
/*
 * script_seal.c - tables that can be read and not changed
 *
 * What rules share (libraries, settings, modules) is shown through an empty table in front of the
 * real one. The real one is reachable from C alone: not by getmetatable, rawset or pairs. Tables
 * that are read out of a module are shown in the same way, one front for each, while the module's
 * own functions go on with the real ones.
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>

#include "base/text.h"
#include "script_api.h"
#include "script_state.h"

#define KEYS_MOST 128

/* Key of the registry: by table what it is shown as, of a front itself. Keeps none of them alive.
 */
static const char fronts_key;

static int
refuse_assignment(lua_State *L)
{
	return luaL_error(L, "%s cannot be changed", lua_tostring(L, lua_upvalueindex(1)));
}

static int
sealed_length(lua_State *L)
{
	lua_pushinteger(L, luaL_len(L, lua_upvalueindex(1)));
	return 1;
}

static int
sealed_next(lua_State *L)
{
	lua_settop(L, 2);
	return lua_next(L, lua_upvalueindex(1)) ? 2 : 0;
}

static int
sealed_pairs(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushcclosure(L, sealed_next, 1);
	return 1;
}

static void
make_fronts(lua_State *L)
{
	lua_newtable(L);
	lua_createtable(L, 0, 1);
	lua_pushliteral(L, "k");
	lua_setfield(L, -2, "__mode");
	lua_setmetatable(L, -2);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &fronts_key);
}

/*
 * Where weak keys hold the next weak key, Lua's collector goes through all of them again and again,
 * in one step that no hook sees. A rule may set __mode of a metatable that is in use already, which
 * no function sees. So the name that Lua looks for, of which it has one copy for good, becomes one
 * that no text of a rule is equal to; what has it as a key goes on to have it. It does not begin
 * with a NUL: Lua remembers the latest texts that were pushed and compares with strcmp(), so ""
 * would be taken for it.
 */
static void
make_no_more_weak_tables(lua_State *L)
{
	lua_pushliteral(L, "__mode");
	((char *)(uintptr_t)lua_tostring(L, -1))[0] = (char)0xff;
	lua_pop(L, 1);
}

void
script_seal_open(lua_State *L)
{
	make_fronts(L);
	make_no_more_weak_tables(L);
}

/* The table on top of the stack is shown as the one at index front. */
static void
remember(lua_State *L, int table, int front)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &fronts_key);
	lua_pushvalue(L, table);
	lua_pushvalue(L, front);
	lua_rawset(L, -3);
	lua_pushvalue(L, front);
	lua_pushvalue(L, front);
	lua_rawset(L, -3);
	lua_pop(L, 1);
}

/* Puts a front before the table on top of the stack; index and pairs have it as upvalue 1. */
static void
seal(lua_State *L, const char *what, lua_CFunction index, lua_CFunction pairs)
{
	int real = lua_gettop(L);

	luaL_checkstack(L, 8, NULL);
	lua_newtable(L);
	lua_createtable(L, 0, 5);
	lua_pushvalue(L, real);
	if (index != NULL) {
		lua_pushstring(L, what);
		lua_pushcclosure(L, index, 2);
	}
	lua_setfield(L, -2, "__index");
	lua_pushstring(L, what);
	lua_pushcclosure(L, refuse_assignment, 1);
	lua_setfield(L, -2, "__newindex");
	lua_pushvalue(L, real);
	lua_pushcclosure(L, sealed_length, 1);
	lua_setfield(L, -2, "__len");
	lua_pushvalue(L, real);
	lua_pushstring(L, what);
	lua_pushcclosure(L, pairs, 2);
	lua_setfield(L, -2, "__pairs");
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	remember(L, real, real + 1);
	lua_replace(L, real);
}

void
script_seal(lua_State *L, const char *what)
{
	seal(L, what, NULL, sealed_pairs);
}

/* --- in depth -----------------------------------------------------------------------------------
 */

/* Upvalues: the real table, what it is; arguments: front and key. */
static int
deep_index(lua_State *L)
{
	lua_settop(L, 2);
	lua_gettable(L, lua_upvalueindex(1));
	script_seal_deep(L, lua_tostring(L, lua_upvalueindex(2)));
	return 1;
}

static int
deep_next(lua_State *L)
{
	lua_settop(L, 2);
	if (!lua_next(L, lua_upvalueindex(1)))
		return 0;
	script_seal_deep(L, lua_tostring(L, lua_upvalueindex(2)));
	return 2;
}

static int
deep_pairs(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushvalue(L, lua_upvalueindex(2));
	lua_pushcclosure(L, deep_next, 2);
	return 1;
}

void
script_seal_deep(lua_State *L, const char *what)
{
	if (!lua_istable(L, -1))
		return;
	luaL_checkstack(L, 8, NULL);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &fronts_key);
	lua_pushvalue(L, -2);
	if (lua_rawget(L, -2) == LUA_TTABLE) {
		lua_replace(L, -3);
		lua_pop(L, 1);
		return;
	}
	lua_pop(L, 2);
	seal(L, what, deep_index, deep_pairs);
}

void
script_push_suggestion(lua_State *L, int index, const char *word)
{
	const char *keys[KEYS_MOST];
	const char *nearest;
	size_t count = 0;

	index = lua_absindex(L, index);
	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pop(L, 1);
		if (lua_type(L, -1) == LUA_TSTRING && count < KEYS_MOST)
			keys[count++] = lua_tostring(L, -1);
	}
	nearest = text_nearest(word, keys, count);
	if (nearest == NULL)
		lua_pushliteral(L, "");
	else
		lua_pushfstring(L, "; did you mean \"%s\"?", nearest);
}

/* Upvalues: what the table is; arguments: table and key. */
static int
refuse_name(lua_State *L)
{
	const char *what = lua_tostring(L, lua_upvalueindex(1));
	const char *key;

	if (lua_type(L, 2) != LUA_TSTRING)
		return luaL_error(
			L, "%s has names only, no [%s]", what, script_tostring(L, 2, NULL));
	key = lua_tostring(L, 2);
	script_push_suggestion(L, 1, key);
	return luaL_error(L, "%s has no \"%s\"%s", what, key, lua_tostring(L, -1));
}

void
script_seal_names(lua_State *L, const char *what)
{
	lua_createtable(L, 0, 1);
	lua_pushstring(L, what);
	lua_pushcclosure(L, refuse_name, 1);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
}
