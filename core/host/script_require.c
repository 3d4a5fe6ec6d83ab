/* SPDX-License-Identifier: MIT */
/*
 * script_require.c - modules: files below the rule's directory
 *
 * A module is loaded once for each rule that asks for it, while the rule is loaded. Its globals are
 * those of a rule that has no stages, and what it returns cannot be changed.
 */
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "script_state.h"

/* Key of the registry: for each script, its modules by name. */
static const char modules_key;

static struct script_source *
find_source(lua_State *L, struct script_run *run, const char *name)
{
	struct script_source *source = script_source_find(run->script, name);
	struct err err;
	unsigned line;

	if (source != NULL)
		return source;
	if (run->names == NULL)
		luaL_error(L, "module \"%s\" was not there when the rule was read", name);
	source = script_source_require(run->script, name, &err);
	if (source == NULL) {
		luaL_error(L, "module \"%s\": %s", name, err.text);
	} else if (!script_uses_check(source, run->names, &line, &err)) {
		/* luaL_error() would put the place of the call in front. */
		lua_pushfstring(L, "%s:%d: %s", source->label, (int)line, err.text);
		lua_error(L);
	}
	return source;
}

/* Runs the module; its sealed value stays on top of the stack. */
static void
load_module(lua_State *L, struct script *script, const struct script_source *source)
{
	const char *what = lua_pushfstring(L, "module %s", source->module);

	script_compile(L, source);
	script_env_push(L, script, false);
	if (script_state_of(L)->run->names != NULL)
		script_global_check(L, source);
	lua_setupvalue(L, -2, 1);
	lua_call(L, 0, 1);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_pushboolean(L, true);
	}
	script_seal_deep(L, what);
}

/* Pushes the table of the script's modules. */
static void
push_modules(lua_State *L, const struct script *script)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &modules_key);
	if (lua_rawgeti(L, -1, script->index + 1) == LUA_TNIL) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushvalue(L, -1);
		lua_rawseti(L, -3, script->index + 1);
	}
	lua_remove(L, -2);
}

static int
require(lua_State *L)
{
	struct script_run *run = script_state_of(L)->run;
	const char *name = luaL_checkstring(L, 1);
	int modules;

	lua_settop(L, 1);
	push_modules(L, run->script);
	modules = lua_gettop(L);
	if (lua_getfield(L, modules, name) != LUA_TNIL) {
		if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
			return luaL_error(L,
				"module \"%s\" requires itself, or failed when it was loaded",
				name);
		return 1;
	}
	if (run->session != NULL)
		return luaL_error(L,
			"module \"%s\": write require at the top of the file, not in a function",
			name);
	lua_pushboolean(L, false);
	lua_setfield(L, modules, name);
	load_module(L, run->script, find_source(L, run, name));
	lua_pushvalue(L, -1);
	lua_setfield(L, modules, name);
	return 1;
}

void
script_require_open(lua_State *L)
{
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &modules_key);
	lua_pushcfunction(L, require);
	lua_setfield(L, -2, "require");
}
