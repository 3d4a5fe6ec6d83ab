/* SPDX-License-Identifier: MIT */
/*
 * script_state.c - one Lua state: made, loaded, kept small, made anew
 *
 * A state has a limit on what it may allocate and a coroutine that is used for one hook after the
 * other; while one waits, the next gets another. A coroutine that did not come to its end is
 * forgotten: no code of it runs any more.
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "script_state.h"

struct script_state *
script_state_of(lua_State *L)
{
	return *(struct script_state **)lua_getextraspace(L);
}

size_t
script_owner(const struct script *script)
{
	return (size_t)script->index + 1;
}

static int
open_env(lua_State *L)
{
	luaL_Buffer b;

	/* Lua makes what large buffers need with the first of them, and never again. */
	luaL_buffinitsize(L, &b, 2 * LUAL_BUFFERSIZE);
	luaL_pushresultsize(&b, 0);
	lua_pop(L, 1);
	script_env_open(L);
	return 0;
}

bool
script_state_open(struct script_state *st, struct script_host *host, struct err *err)
{
	st->host = host;
	st->idle = NULL;
	st->run = NULL;
	st->worn = false;
	st->held = NULL;
	st->held_count = 0;
	script_memory_open(&st->memory, (size_t)host->count + 1);
	st->L = lua_newstate(script_allocate, st);
	if (st->L == NULL) {
		script_state_close(st);
		return err_set(err, "no memory for a Lua state");
	}
	*(struct script_state **)lua_getextraspace(st->L) = st;
	lua_pushcfunction(st->L, open_env);
	if (lua_pcall(st->L, 0, 0, 0) == LUA_OK)
		return true;
	err_set(err, "Lua: %s", lua_tostring(st->L, -1));
	script_state_close(st);
	return false;
}

void
script_state_close(struct script_state *st)
{
	script_let_go(st);
	if (st->L != NULL)
		lua_close(st->L);
	st->L = st->idle = NULL;
	script_memory_close(&st->memory);
}

/* --- coroutines
 * -------------------------------------------------------------------------------- */

/* The registry keeps each under its own address. */
static int
new_coroutine(lua_State *L)
{
	lua_State *co = lua_newthread(L);

	lua_rawsetp(L, LUA_REGISTRYINDEX, co);
	script_state_of(L)->idle = co;
	return 0;
}

static void
drop_coroutine(struct script_state *st, lua_State *co)
{
	/* The key is there, so this allocates nothing. */
	lua_pushnil(st->L);
	lua_rawsetp(st->L, LUA_REGISTRYINDEX, co);
}

bool
script_state_ready(struct script_state *st, struct script_run *run)
{
	if (st->L == NULL)
		return false;
	if (st->idle == NULL) {
		lua_pushcfunction(st->L, new_coroutine);
		if (lua_pcall(st->L, 0, 0, 0) != LUA_OK) {
			lua_settop(st->L, 0);
			return false;
		}
	}
	run->co = st->idle;
	st->idle = NULL;
	return true;
}

/* Behind a run: the next one may have it. */
static void
keep_coroutine(struct script_state *st, lua_State *co, bool drop)
{
	if (co == NULL)
		return;
	if (drop || st->idle != NULL)
		drop_coroutine(st, co);
	else
		st->idle = co;
}

/* --- loading
 * --------------------------------------------------------------------------------------- */

static int
load_rule(lua_State *L)
{
	struct script_run *run = script_state_of(L)->run;

	script_compile(L, run->script->sources);
	script_env_push(L, run->script, true);
	if (run->names != NULL)
		script_global_check(L, run->script->sources);
	lua_setupvalue(L, -2, 1);
	lua_call(L, 0, 0);
	return 0;
}

bool
script_state_load(struct script_state *st, struct script_run *run, struct err *err)
{
	struct err trace;
	bool done;

	run->cpu_us = SCRIPT_LOAD_CPU_US;
	if (!script_state_ready(st, run))
		return err_set(err, "%s: no memory to load it", run->script->sources->label);
	done = script_run_in(st, run, load_rule, err, &trace);
	keep_coroutine(st, run->co, !done);
	return done;
}

bool
script_state_load_all(struct script_state *st, struct err *err)
{
	for (int i = 0; i < st->host->count; i++) {
		struct script_run run = {.script = st->host->scripts[i]};

		if (!script_state_load(st, &run, err))
			return false;
	}
	lua_gc(st->L, LUA_GCCOLLECT);
	return true;
}

/* --- after a run
 * ------------------------------------------------------------------------------------ */

static void
rebuild(struct script_state *st)
{
	struct err err;

	script_state_close(st);
	if (script_state_open(st, st->host, &err) && script_state_load_all(st, &err))
		return;
	/* Every hook that gets this state fails; the next one tries again. */
	log_write(LOG_LEVEL_ERROR, "a Lua state could not be built anew: %s", err.text);
	script_state_close(st);
}

/* Hooks that wait keep what they need; any of them may be this rule's. */
static bool
keeps_too_much(struct script_state *st, const struct script *script)
{
	const size_t *kept = &st->memory.taken[script_owner(script)];
	size_t most = script->memory / 2 + st->away * script->memory;

	if (*kept <= most)
		return false;
	lua_gc(st->L, LUA_GCCOLLECT);
	if (*kept <= most)
		return false;
	log_write(LOG_LEVEL_WARN,
		"%s: the rule keeps %zu KB between messages; its Lua state is built anew",
		script->sources->label, *kept / 1024);
	return true;
}

void
script_state_tidy(struct script_state *st, const struct script_run *run, bool drop)
{
	if (st->L != NULL) {
		keep_coroutine(st, run->co, drop);
		st->worn = st->worn || keeps_too_much(st, run->script);
	}
	/* What waits there could not go on. */
	if (st->away == 0 && (st->L == NULL || st->worn))
		rebuild(st);
}
