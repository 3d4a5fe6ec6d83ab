/* SPDX-License-Identifier: MIT */
/*
 * script_env.c - the global names of a rule
 *
 * Each rule sees an empty table as its globals. Reading goes through to the names of the language
 * and the API; what is not there is an error. Assigning defines a hook while the file is loaded,
 * where name and value fit; anything else is an error too. So no rule keeps state by accident, and
 * none sees another's names.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <string.h>

#include "mail/stage.h"
#include "script_api.h"
#include "script_lpeg.h"
#include "script_match_lib.h"
#include "script_state.h"

/* Keys of the registry. */
static const char globals_key, hooks_key;

/* Names of Lua's own library that rules may use as they are. */
static const char *const base_names[] = {"_VERSION", "assert", "error", "getmetatable", "ipairs",
	"next", "pairs", "rawequal", "rawget", "rawlen", "select", "tonumber", "tostring", "type"};

/* Names of Lua that people will look for, and what to do instead. */
static const struct {
	const char *name, *help;
} absent[] = {
	{"collectgarbage", ""},
	{"coroutine", ""},
	{"debug", ""},
	{"dofile", "; require \"name\" loads a file below the rule's directory"},
	{"io", ""},
	{"load", ""},
	{"loadfile", "; require \"name\" loads a file below the rule's directory"},
	{"loadstring", ""},
	{"os", "; time.now() gives the time"},
	{"package", "; require \"name\" loads a file below the rule's directory"},
	{"print", "; write log.info(text)"},
	{"warn", "; write log.warn(text)"},
};

const char *
script_env_absent(size_t i)
{
	return i < sizeof(absent) / sizeof(*absent) ? absent[i].name : NULL;
}

static int
slot_of(const char *name)
{
	for (int i = 0; i < SCRIPT_SLOTS; i++) {
		const char *hook = script_slot_name(i);

		if (hook != NULL && strcmp(hook, name) == 0)
			return i;
	}
	return -1;
}

/* "connect helo mail rcpt data headers message done" */
static const char *
push_stage_names(lua_State *L)
{
	luaL_Buffer b;

	luaL_buffinit(L, &b);
	for (int i = 0; i < CM_STAGE_COUNT; i++) {
		if (stages[i].lua_name == NULL)
			continue;
		luaL_addstring(&b, stages[i].lua_name);
		luaL_addchar(&b, ' ');
	}
	luaL_addstring(&b, "done");
	luaL_pushresult(&b);
	return lua_tostring(L, -1);
}

/* --- assigning
 * -------------------------------------------------------------------------------------- */

static lua_Integer
hook_index(const struct script *script, int slot)
{
	return (lua_Integer)script->index * SCRIPT_SLOTS + slot + 1;
}

/* A parameter too many would be nil for ever. */
static void
check_parameters(lua_State *L, int slot)
{
	const char *more = script_arguments[slot].name;
	lua_Debug ar;

	lua_pushvalue(L, 3);
	lua_getinfo(L, ">u", &ar);
	if (ar.nparams > (more == NULL ? 1 : 2))
		luaL_error(L, "function %s has %d parameters, but is called with (m%s%s)",
			lua_tostring(L, 2), (int)ar.nparams, more == NULL ? "" : ", ",
			more == NULL ? "" : more);
}

/* Keeps the function at index 3 as a hook, and lets the rule call it by its name. */
static int
define_hook(lua_State *L, struct script_run *run, int slot)
{
	if (run->hooks[slot])
		return luaL_error(L, "function %s is defined twice", lua_tostring(L, 2));
	check_parameters(L, slot);
	run->hooks[slot] = true;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &hooks_key);
	lua_pushvalue(L, 3);
	lua_rawseti(L, -2, hook_index(run->script, slot));
	lua_pushvalue(L, 2);
	lua_pushvalue(L, 3);
	lua_rawset(L, lua_upvalueindex(1));
	return 0;
}

static const char *
push_assigned(lua_State *L, const char *name)
{
	return lua_pushfstring(
		L, "global \"%s\": write local, or store.set() to keep it between messages", name);
}

/* Arguments: environment, name, value. Upvalues: what reading sees, whether it is a rule file. */
static int
assign_global(lua_State *L)
{
	struct script_run *run = script_state_of(L)->run;
	bool rule = lua_toboolean(L, lua_upvalueindex(2));
	bool function = lua_isfunction(L, 3);
	const char *name = script_tostring(L, 2, NULL);
	int slot = lua_type(L, 2) == LUA_TSTRING ? slot_of(name) : -1;

	lua_settop(L, 4);
	if (slot >= 0 && function && rule && run->session == NULL)
		return define_hook(L, run, slot);
	if (slot >= 0 && function)
		return luaL_error(
			L, "function %s: stages are defined at the top of a rule file", name);
	if (slot >= 0)
		return luaL_error(L, "%s is a stage: write function %s(m)", name, name);
	if (function)
		return luaL_error(L,
			"function %s is not a stage (%s); helper functions need \"local\"", name,
			push_stage_names(L));
	return luaL_error(L, "%s", push_assigned(L, name));
}

/* --- reading
 * ----------------------------------------------------------------------------------------- */

/* Pushes why there is no such name among names. */
static const char *
push_unknown(lua_State *L, int names, const char *name)
{
	for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++) {
		if (strcmp(absent[i].name, name) == 0)
			return lua_pushfstring(
				L, "%s is not available in rules%s", name, absent[i].help);
	}
	script_push_suggestion(L, names, name);
	return lua_pushfstring(L, "unknown name \"%s\"%s", name, lua_tostring(L, -1));
}

/* Arguments: what reading sees, name. */
static int
refuse_global(lua_State *L)
{
	return luaL_error(L, "%s", push_unknown(L, 1, script_tostring(L, 2, NULL)));
}

bool
script_env_lacks(lua_State *L, const char *name, bool assigned)
{
	int env = lua_gettop(L), type;

	luaL_getmetafield(L, env, "__index");
	lua_pushstring(L, name);
	type = lua_rawget(L, env + 1);
	if (type != LUA_TNIL || slot_of(name) >= 0) {
		lua_settop(L, env);
		return false;
	}
	if (assigned)
		push_assigned(L, name);
	else
		push_unknown(L, env + 1, name);
	return true;
}

void
script_env_push(lua_State *L, struct script *script, bool rule)
{
	lua_newtable(L); /* the environment */
	lua_newtable(L); /* what reading sees */
	lua_rawgetp(L, LUA_REGISTRYINDEX, &globals_key);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, -5);
	}
	lua_pop(L, 1);
	script_settings_push(L, script->settings);
	lua_setfield(L, -2, "settings");
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, refuse_global);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);

	lua_createtable(L, 0, 3); /* the environment's metatable */
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, "__index");
	lua_insert(L, -2);
	lua_pushboolean(L, rule);
	lua_pushcclosure(L, assign_global, 2);
	lua_setfield(L, -2, "__newindex");
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
}

/* A name of the API, which rules alone have, but for what needs no message. */
static bool
of_api(const char *name)
{
	if (strcmp(name, "duration") == 0 || strcmp(name, "json") == 0 || strcmp(name, "time") == 0)
		return false;
	for (size_t c = 0; script_classes[c] != NULL; c++) {
		const struct script_class *class = script_classes[c];

		if (class->kind == SCRIPT_LIBRARY && strcmp(class->name, name) == 0)
			return true;
		for (size_t i = 0; class->kind == SCRIPT_GLOBALS && i < class->row_count; i++) {
			if (strcmp(class->rows[i].name, name) == 0)
				return true;
		}
	}
	return false;
}

static int
refuse_any_global(lua_State *L)
{
	return luaL_error(L, "global \"%s\": write local", script_tostring(L, 2, NULL));
}

void
script_env_push_plain(lua_State *L, int names)
{
	names = lua_absindex(L, names);
	lua_newtable(L); /* the environment */
	lua_createtable(L, 0, 3);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &globals_key);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		if (of_api(lua_tostring(L, -2))) {
			lua_pop(L, 1);
			continue;
		}
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, names);
	}
	lua_pop(L, 1);
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, refuse_global);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, names);
	lua_pushvalue(L, names);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, refuse_any_global);
	lua_setfield(L, -2, "__newindex");
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
}

void
script_env_hook(lua_State *L, const struct script *script, int slot)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &hooks_key);
	lua_rawgeti(L, -1, hook_index(script, slot));
	lua_remove(L, -2);
}

/* --- libraries
 * ---------------------------------------------------------------------------------------- */

/* Seals the library on top of the stack and makes it a global. */
static void
add_library(lua_State *L, const char *name)
{
	script_seal_names(L, name);
	script_seal(L, name);
	lua_setfield(L, -2, name);
}

static void
add_base(lua_State *L)
{
	lua_pushcfunction(L, luaopen_base);
	lua_call(L, 0, 1);
	for (size_t i = 0; i < sizeof(base_names) / sizeof(*base_names); i++) {
		lua_getfield(L, -1, base_names[i]);
		lua_setfield(L, -3, base_names[i]);
	}
	lua_pop(L, 1);
	script_guard_open(L);
}

/* Methods of strings are found in the same table as string.find. */
static void
add_string(lua_State *L)
{
	lua_pushcfunction(L, luaopen_string);
	lua_call(L, 0, 1);
	script_match_open(L);
	script_guard_string(L);
	lua_pushliteral(L, "");
	lua_getmetatable(L, -1);
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 2);
	add_library(L, "string");
}

static void
add_math(lua_State *L)
{
	lua_pushcfunction(L, luaopen_math);
	lua_call(L, 0, 1);
	/* One rule must not foretell another's numbers. */
	lua_pushnil(L);
	lua_setfield(L, -2, "randomseed");
	add_library(L, "math");
}

void
script_env_open(lua_State *L)
{
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &hooks_key);
	script_seal_open(L);
	lua_newtable(L);
	add_base(L);
	add_math(L);
	add_string(L);
	lua_newtable(L);
	script_table_open(L);
	add_library(L, "table");
	lua_pushcfunction(L, luaopen_utf8);
	lua_call(L, 0, 1);
	script_guard_utf8(L);
	add_library(L, "utf8");
	script_require_open(L);
	script_lpeg_open(L);
	script_api_open(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &globals_key);
}
