/* SPDX-License-Identifier: MIT */
/*
 * script_guard.c - functions of Lua's base and string libraries that a rule could abuse
 *
 * A hook that is out of time must not go on because it caught the error: pcall and xpcall pass it
 * on. The handler of xpcall is called after the stack was unwound, where its time counts as any
 * other's. Metatables get no finalizer, since Lua runs those without hooks, and no weak keys, for
 * which its collector goes through all of them again and again, in one step. No text shows where in
 * memory a thing is.
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>
#include <string.h>

#include "script_api.h"
#include "script_budget.h"
#include "script_state.h"

/* What things cost (script_charge). */
#define OCTETS_PER_STEP	 64u   /* copied */
#define QUOTE_STEPS	 8u    /* for an octet of "%q" */
#define FLOAT_STEPS	 1500u /* for a number written with "%f" */
#define STEP_NANOSECONDS 10u

/* Behind a protected call: everything above index 1 is a result, or the error alone on top. */
static bool
caught(lua_State *L, int status)
{
	if (script_is_over(L))
		script_expire(L);
	return status != LUA_OK && status != LUA_YIELD;
}

static int
finish_pcall(lua_State *L, int status, lua_KContext context)
{
	(void)context;
	if (!caught(L, status))
		return lua_gettop(L);
	lua_pushboolean(L, false);
	lua_pushvalue(L, -2);
	return 2;
}

static int
guard_pcall(lua_State *L)
{
	luaL_checkany(L, 1);
	lua_pushboolean(L, true);
	lua_insert(L, 1);
	return finish_pcall(
		L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_pcall), 0);
}

/* What the handler gave, or the error it raised itself. */
static int
finish_handler(lua_State *L, int status, lua_KContext context)
{
	(void)context;
	caught(L, status);
	lua_pushboolean(L, false);
	lua_insert(L, -2);
	return 2;
}

/* Index 1: handler, 2: true, then the results. */
static int
finish_xpcall(lua_State *L, int status, lua_KContext context)
{
	if (!caught(L, status))
		return lua_gettop(L) - 1;
	lua_pushvalue(L, 1);
	lua_insert(L, -2);
	return finish_handler(L, lua_pcallk(L, 1, 1, 0, context, finish_handler), context);
}

static int
guard_xpcall(lua_State *L)
{
	luaL_checktype(L, 2, LUA_TFUNCTION);
	/* function, handler, arguments become handler, true, function, arguments. */
	lua_pushboolean(L, true);
	lua_rotate(L, 1, 1);
	lua_pushvalue(L, 3);
	lua_remove(L, 3);
	lua_insert(L, 1);
	return finish_xpcall(
		L, lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 0, 0, finish_xpcall), 0);
}

/* Names that no metatable has. */
static const char *const refused[] = {"__gc", "__mode"};

static void
check_metatable(lua_State *L, int index)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		lua_pushstring(L, refused[i]);
		if (lua_rawget(L, index) != LUA_TNIL)
			luaL_error(L, "%s is not available in rules", refused[i]);
		lua_pop(L, 1);
	}
}

static int
guard_setmetatable(lua_State *L)
{
	int type = lua_type(L, 2);

	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
		return luaL_error(L, "cannot change a protected metatable");
	if (type == LUA_TTABLE && luaL_getmetafield(L, 2, "__metatable") != LUA_TNIL)
		return luaL_error(L, "a table that cannot be changed is no metatable; let its "
				     "module call setmetatable()");
	if (type == LUA_TTABLE)
		check_metatable(L, 2);
	lua_settop(L, 2);
	lua_setmetatable(L, 1);
	return 1;
}

static int
guard_rawset(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_checkany(L, 2);
	luaL_checkany(L, 3);
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
		return luaL_error(L, "this table cannot be changed");
	lua_settop(L, 3);
	lua_rawset(L, 1);
	return 1;
}

const char *
script_tostring(lua_State *L, int index, size_t *len)
{
	int type = lua_type(L, index);

	if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING)
		return luaL_tolstring(L, index, len);
	if (luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
		lua_pop(L, 1);
		return luaL_tolstring(L, index, len);
	}
	lua_pushstring(L, lua_typename(L, type));
	return lua_tolstring(L, -1, len);
}

static int
guard_tostring(lua_State *L)
{
	luaL_checkany(L, 1);
	script_tostring(L, 1, NULL);
	return 1;
}

/* Functions that go through a text at once, and what an octet of it takes. */
struct reader {
	const char *name;
	lua_Integer nanoseconds;
};

static const struct reader base_readers[] = {{"tonumber", 10}, {NULL, 0}};

static const struct reader string_readers[] = {
	{"lower", 2},
	{"pack", 25},
	{"packsize", 25},
	{"reverse", 2},
	{"unpack", 27},
	{"upper", 2},
	{NULL, 0},
};

static const struct reader utf8_readers[] = {{"len", 5}, {"offset", 1}, {NULL, 0}};

/* Upvalues: Lua's own function, and nanoseconds for an octet of its first argument. */
static int
guard_reader(lua_State *L)
{
	size_t len = lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) : 0;
	size_t each = (size_t)lua_tointeger(L, lua_upvalueindex(2));
	lua_CFunction call = lua_tocfunction(L, lua_upvalueindex(1));

	script_charge(L, len / STEP_NANOSECONDS * each);
	return call(L);
}

/* In the library on top of the stack. */
static void
guard_readers(lua_State *L, const struct reader *rows)
{
	for (; rows->name != NULL; rows++) {
		lua_getfield(L, -1, rows->name);
		lua_pushinteger(L, rows->nanoseconds);
		lua_pushcclosure(L, guard_reader, 2);
		lua_setfield(L, -2, rows->name);
	}
}

void
script_guard_utf8(lua_State *L)
{
	guard_readers(L, utf8_readers);
}

void
script_guard_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"pcall", guard_pcall},
		{"rawset", guard_rawset},
		{"setmetatable", guard_setmetatable},
		{"tostring", guard_tostring},
		{"xpcall", guard_xpcall},
		{NULL, NULL},
	};

	luaL_setfuncs(L, functions, 0);
	guard_readers(L, base_readers);
}

/* --- string
 * ---------------------------------------------------------------------------------------- */

/* Fills total octets with text, sep, text, ..., text: what is there is copied behind itself. */
static void
repeat(char *p, size_t total, const char *text, size_t len, const char *sep, size_t sep_len)
{
	size_t done = len;

	memcpy(p, text, len);
	if (done < total) {
		memcpy(p + len, sep, sep_len);
		done += sep_len;
	}
	while (done < total) {
		size_t more = done < total - done ? done : total - done;

		memcpy(p + done, p, more);
		done += more;
	}
}

/* Lua's own goes through a billion copies of nothing one by one. */
static int
guard_rep(lua_State *L)
{
	size_t len, sep_len, total;
	const char *text = luaL_checklstring(L, 1, &len);
	lua_Integer count = luaL_checkinteger(L, 2);
	const char *sep = luaL_optlstring(L, 3, "", &sep_len);
	luaL_Buffer b;
	char *p;

	if (count <= 0 || len + sep_len == 0) {
		lua_pushliteral(L, "");
		return 1;
	}
	if ((lua_Unsigned)count > (PTRDIFF_MAX - 1) / (len + sep_len))
		return luaL_error(L, "resulting string too large");
	total = (size_t)count * (len + sep_len) - sep_len;
	p = luaL_buffinitsize(L, &b, total);
	script_charge(L, total / OCTETS_PER_STEP);
	repeat(p, total, text, len, sep, sep_len);
	luaL_pushresultsize(&b, total);
	return 1;
}

/* What one conversion costs at most: "%.99f" has 400 digits, "%q" writes each octet as "\000". */
static size_t
conversion_steps(lua_State *L, char letter, int arg)
{
	size_t len = lua_type(L, arg) == LUA_TSTRING ? lua_rawlen(L, arg) : 0;

	if (strchr("aAeEfFgG", letter) != NULL)
		return FLOAT_STEPS;
	return letter == 'q' ? len * QUOTE_STEPS : 1 + len / OCTETS_PER_STEP;
}

/* Argument arg as "%s" shows it. */
static void
show_argument(lua_State *L, int arg)
{
	if (lua_type(L, arg) == LUA_TSTRING)
		return;
	script_tostring(L, arg, NULL);
	lua_replace(L, arg);
}

/* Lua's own does all of its work at once; no hook sees it. Upvalue: that function. */
static int
guard_format(lua_State *L)
{
	const char *p = luaL_checkstring(L, 1);
	lua_CFunction format = lua_tocfunction(L, lua_upvalueindex(1));
	int top = lua_gettop(L);
	size_t steps = 0;

	for (int arg = 1; (p = strchr(p, '%')) != NULL; p += *p != '\0') {
		p++;
		if (*p == '%')
			continue;
		p += strspn(p, "-+ #0123456789.");
		if (*p == 'p')
			return luaL_error(L, "conversion '%%p' is not available in rules");
		if (*p == '\0' || ++arg > top)
			continue;
		if (*p == 's')
			show_argument(L, arg);
		steps += conversion_steps(L, *p, arg);
	}
	script_charge(L, steps);
	return format(L);
}

void
script_guard_string(lua_State *L)
{
	lua_pushnil(L);
	lua_setfield(L, -2, "dump");
	lua_pushcfunction(L, guard_rep);
	lua_setfield(L, -2, "rep");
	lua_getfield(L, -1, "format");
	lua_pushcclosure(L, guard_format, 1);
	lua_setfield(L, -2, "format");
	guard_readers(L, string_readers);
}
