/* SPDX-License-Identifier: MIT */
/*
 * script_table.c - the table library within a budget
 *
 * Lua's own functions work in C as long as the numbers they are given say, and a table of a few
 * octets can claim any length: table.move({}, 1, 1 << 60, 2) never comes back and no hook sees it.
 * These do what section 6.6 of the Lua 5.4 manual says and charge for each element.
 */
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>

#include "script_budget.h"
#include "script_state.h"

/* t[to] = t[from] */
static void
copy(lua_State *L, int from_table, lua_Integer from, int to_table, lua_Integer to)
{
	script_charge(L, 1);
	lua_geti(L, from_table, from);
	lua_seti(L, to_table, to);
}

static int
table_insert(lua_State *L)
{
	lua_Integer end, pos;

	luaL_checktype(L, 1, LUA_TTABLE);
	end = (lua_Integer)((lua_Unsigned)luaL_len(L, 1) + 1);
	if (lua_gettop(L) == 2) {
		lua_seti(L, 1, end);
		return 0;
	}
	if (lua_gettop(L) != 3)
		return luaL_error(L, "wrong number of arguments to 'insert'");
	pos = luaL_checkinteger(L, 2);
	luaL_argcheck(L, (lua_Unsigned)pos - 1 < (lua_Unsigned)end, 2, "position out of bounds");
	for (lua_Integer i = end; i > pos; i--)
		copy(L, 1, i - 1, 1, i);
	lua_seti(L, 1, pos);
	return 0;
}

static int
table_remove(lua_State *L)
{
	lua_Integer len, pos;

	luaL_checktype(L, 1, LUA_TTABLE);
	len = luaL_len(L, 1);
	pos = luaL_optinteger(L, 2, len);
	if (pos != len)
		luaL_argcheck(
			L, (lua_Unsigned)pos - 1 <= (lua_Unsigned)len, 2, "position out of bounds");
	lua_geti(L, 1, pos);
	for (; pos < len; pos++)
		copy(L, 1, pos + 1, 1, pos);
	lua_pushnil(L);
	lua_seti(L, 1, pos);
	return 1;
}

static int
table_move(lua_State *L)
{
	lua_Integer from = luaL_checkinteger(L, 2);
	lua_Integer end = luaL_checkinteger(L, 3);
	lua_Integer to = luaL_checkinteger(L, 4);
	int target = lua_isnoneornil(L, 5) ? 1 : 5;
	lua_Integer count;

	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_checktype(L, target, LUA_TTABLE);
	lua_pushvalue(L, target);
	if (end < from)
		return 1;
	luaL_argcheck(L, from > 0 || end < LUA_MAXINTEGER + from, 3, "too many elements to move");
	count = end - from + 1;
	luaL_argcheck(L, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
	/* Where source and destination overlap, what is still to be read must not be written. */
	if (to > end || to <= from || target != 1) {
		for (lua_Integer i = 0; i < count; i++)
			copy(L, 1, from + i, target, to + i);
	} else {
		for (lua_Integer i = count - 1; i >= 0; i--)
			copy(L, 1, from + i, target, to + i);
	}
	return 1;
}

static void
add_element(lua_State *L, luaL_Buffer *b, lua_Integer i)
{
	script_charge(L, 1);
	if (lua_geti(L, 1, i) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER)
		luaL_error(L, "invalid value (at index %I) in table for 'concat'", (LUAI_UACINT)i);
	luaL_addvalue(b);
}

static int
table_concat(lua_State *L)
{
	size_t sep_len;
	const char *sep = luaL_optlstring(L, 2, "", &sep_len);
	lua_Integer i = luaL_optinteger(L, 3, 1);
	lua_Integer last;
	luaL_Buffer b;

	luaL_checktype(L, 1, LUA_TTABLE);
	last = lua_isnoneornil(L, 4) ? luaL_len(L, 1) : luaL_checkinteger(L, 4);
	luaL_buffinit(L, &b);
	for (; i < last; i++) {
		add_element(L, &b, i);
		luaL_addlstring(&b, sep, sep_len);
	}
	if (i == last)
		add_element(L, &b, i);
	luaL_pushresult(&b);
	return 1;
}

static int
table_pack(lua_State *L)
{
	int count = lua_gettop(L);

	lua_createtable(L, count, 1);
	lua_insert(L, 1);
	for (int i = count; i > 0; i--)
		lua_rawseti(L, 1, i);
	lua_pushinteger(L, count);
	lua_setfield(L, 1, "n");
	return 1;
}

static int
table_unpack(lua_State *L)
{
	lua_Integer i = luaL_optinteger(L, 2, 1);
	lua_Integer last = lua_isnoneornil(L, 3) ? luaL_len(L, 1) : luaL_checkinteger(L, 3);
	lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)i + 1;

	if (i > last)
		return 0;
	if (count == 0 || count >= INT_MAX || !lua_checkstack(L, (int)count))
		return luaL_error(L, "too many results to unpack");
	for (lua_Unsigned n = 0; n < count; n++) {
		script_charge(L, 1);
		lua_geti(L, 1, (lua_Integer)((lua_Unsigned)i + n));
	}
	return (int)count;
}

/* --- sort
 * ------------------------------------------------------------------------------------------ */

/* Comparing two texts takes as long as they are equal. */
static void
charge_comparison(lua_State *L, int a)
{
	script_charge(L, lua_type(L, a) == LUA_TSTRING ? 1 + lua_rawlen(L, a) / 64 : 1);
}

/* The value at a comes before that at b; both are absolute indexes. */
static bool
before(lua_State *L, int a, int b)
{
	bool result;

	charge_comparison(L, a);
	if (lua_isnil(L, 2))
		return lua_compare(L, a, b, LUA_OPLT);
	lua_pushvalue(L, 2);
	lua_pushvalue(L, a);
	lua_pushvalue(L, b);
	lua_call(L, 2, 1);
	result = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return result;
}

/*
 * The value on top of the stack finds its place in the heap t[1..len] from hole on, whose parent is
 * free. Takes the value off the stack.
 */
static void
sift_down(lua_State *L, lua_Integer hole, lua_Integer len)
{
	int value = lua_gettop(L);

	while (hole <= len / 2) {
		lua_Integer child = 2 * hole;

		lua_geti(L, 1, child);
		if (child < len) {
			lua_geti(L, 1, child + 1);
			if (before(L, value + 1, value + 2)) {
				lua_replace(L, value + 1);
				child++;
			}
			lua_settop(L, value + 1);
		}
		if (!before(L, value, value + 1)) {
			lua_settop(L, value);
			break;
		}
		lua_seti(L, 1, hole);
		hole = child;
	}
	lua_seti(L, 1, hole);
}

/*
 * Heapsort: a comparison that contradicts itself gives some order and no endless loop, and no order
 * of the elements takes longer than another.
 */
static int
table_sort(lua_State *L)
{
	lua_Integer len;

	luaL_checktype(L, 1, LUA_TTABLE);
	if (!lua_isnoneornil(L, 2))
		luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	len = luaL_len(L, 1);
	luaL_argcheck(L, len < INT_MAX, 1, "array too big");
	for (lua_Integer i = len / 2; i >= 1; i--) {
		lua_geti(L, 1, i);
		sift_down(L, i, len);
	}
	for (lua_Integer last = len; last >= 2; last--) {
		lua_geti(L, 1, last);
		lua_geti(L, 1, 1);
		lua_seti(L, 1, last);
		sift_down(L, 1, last - 1);
	}
	return 0;
}

void
script_table_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"concat", table_concat},
		{"insert", table_insert},
		{"move", table_move},
		{"pack", table_pack},
		{"remove", table_remove},
		{"sort", table_sort},
		{"unpack", table_unpack},
		{NULL, NULL},
	};

	luaL_setfuncs(L, functions, 0);
}
