/* SPDX-License-Identifier: MIT */
/*
 * script_run.c - one call of one hook of a rule
 *
 * Everything that may raise happens inside of the coroutine; what comes out is a verdict, or words
 * for the log. Edits, replies and notes were handed to the host while the hook ran.
 */
#include <lauxlib.h>
#include <lua.h>

#include "base/clock.h"
#include "chain/chain.h"
#include "script_api.h"
#include "script_state.h"

/* Instructions between two looks at the clock while a file is loaded. */
#define LOAD_COUNT 10000
/* Keys of a table that any hook may have. */
#define KEYS_LEAST 1024u
/* Nobody waits for done(). */
#define DONE_TIMEOUT_US INT64_C(1000000)

/*
 * When a table of keys that all meet grows to n keys, Lua compares n * n / 8 of them in one step;
 * that takes half a nanosecond for each of n * n. It may use up the budget once more.
 */
static size_t
keys_within(int64_t cpu_us)
{
	size_t keys = KEYS_LEAST;

	while (4 * keys * keys <= (uint64_t)cpu_us * 2000)
		keys *= 2;
	return keys;
}

static void
begin(struct script_state *st, struct script_run *run)
{
	st->run = run;
	st->memory.limit = st->memory.used + run->memory;
	st->memory.keys = keys_within(run->cpu_us);
	st->memory.owner = run->session == NULL ? 0 : script_owner(run->script);
	if (run->session == NULL)
		lua_sethook(run->co, script_on_count, LUA_MASKCOUNT, LOAD_COUNT);
	else
		script_watch_begin(st);
	if (st->host->cover != NULL)
		script_cover_begin(run->co);
}

/* While it waits others free what is theirs, which gives it no more than it had. */
static void
end(struct script_state *st, struct script_run *run)
{
	size_t left = st->memory.limit - st->memory.used;

	script_watch_end(st);
	script_let_go(st);
	if (left < run->memory)
		run->memory = left;
	st->memory.limit = SIZE_MAX;
	st->memory.keys = SIZE_MAX;
	st->memory.owner = 0;
	if (lua_gethookmask(run->co) != 0)
		lua_sethook(run->co, NULL, 0, 0);
}

static int
go_on(struct script_state *st, struct script_run *run)
{
	int results, status;

	begin(st, run);
	status = lua_resume(run->co, st->L, 0, &results);
	end(st, run);
	return status;
}

bool
script_run_in(struct script_state *st, struct script_run *run, lua_CFunction f, struct err *err,
	struct err *trace)
{
	int status;

	run->serial = ++st->serial;
	run->memory = run->script->memory;
	lua_pushcfunction(run->co, f);
	status = go_on(st, run);
	while (status == LUA_YIELD && run->over == SCRIPT_IN_TIME && script_errand_run(st, run))
		status = go_on(st, run);
	st->run = run;
	run->starved = status == LUA_ERRMEM;
	if (status != LUA_OK || run->over != SCRIPT_IN_TIME)
		script_error_text(st, status, err, trace);
	st->run = NULL;
	if (status == LUA_OK)
		lua_settop(run->co, 0);
	return status == LUA_OK && run->over == SCRIPT_IN_TIME;
}

/* --- hooks
 * ------------------------------------------------------------------------------------------ */

const struct script_argument script_arguments[SCRIPT_SLOTS] = {
	[CM_STAGE_HELO] = {"name", NULL},
	[CM_STAGE_MAIL] = {"from", "addr"},
	[CM_STAGE_RCPT] = {"to", "addr"},
	[SCRIPT_DONE] = {"verdict", "kind"},
};

const char *
script_slot_name(int slot)
{
	return slot == SCRIPT_DONE ? "done" : stages[slot].lua_name;
}

/* The argument behind m, by the slot; returns how many were pushed. */
static int
push_argument(lua_State *L, const struct script_run *run)
{
	const struct cm_final *final;

	switch (run->slot) {
	case CM_STAGE_HELO:
		return script_push_text(L, run->event->name);
	case CM_STAGE_MAIL:
	case CM_STAGE_RCPT:
		script_push(L, &script_class_address, run->event->address);
		return 1;
	case SCRIPT_DONE:
		final = cm_final(run->session);
		if (final == NULL)
			lua_pushnil(L);
		else
			script_push(L, &script_class_outcome, final);
		return 1;
	default:
		return 0;
	}
}

static int
finish(lua_State *L, int status, lua_KContext context)
{
	struct script_run *run = script_state_of(L)->run;

	(void)status;
	(void)context;
	if (run->slot != SCRIPT_DONE)
		script_verdict_take(L, run);
	return 0;
}

/* The bottom of the coroutine. */
static int
call_hook(lua_State *L)
{
	struct script_run *run = script_state_of(L)->run;

	script_env_hook(L, run->script, run->slot);
	if (lua_isnil(L, -1))
		return luaL_error(L, "the hook was there when the rule was first read");
	script_push(L, &script_class_message, NULL);
	lua_callk(L, 1 + push_argument(L, run), 1, 0, finish);
	return finish(L, LUA_OK, 0);
}

/* The chain logs the reason of a failed link; it has no link when done() fails. */
static enum cm_verdict
complain(const struct script_run *run, const struct err *err, const struct err *trace)
{
	struct cm_session *s = run->session;
	const char *open = trace->text[0] == '\0' ? "" : " (";
	const char *close = trace->text[0] == '\0' ? "" : ")";

	if (run->over != SCRIPT_IN_TIME)
		chain_set_failure(s, FAILURE_TIMEOUT);
	else if (run->starved)
		chain_set_failure(s, FAILURE_MEMORY);
	if (run->slot == SCRIPT_DONE)
		cm_log(s, CM_LOG_ERROR, "%s%s%s%s", err->text, open, trace->text, close);
	else
		cm_reason(s, "%s%s%s%s", err->text, open, trace->text, close);
	return CM_FAILED;
}

/* Where the rule's octets are counted: with the message, before it with the connection. */
static size_t *
given_so_far(struct cm_session *s)
{
	void *state = cm_msg(s);

	return state == NULL ? cm_conn(s) : state;
}

static enum cm_verdict
run_hook(struct script *script, struct cm_session *s, const struct cm_event *ev, int slot)
{
	struct script_run run = {
		.script = script,
		.session = s,
		.event = ev,
		.slot = slot,
		.given = given_so_far(s),
		.cpu_us = script->cpu_us,
		.verdict = CM_CONTINUE,
		.deadline = slot == SCRIPT_DONE ? cm_clock(s) + DONE_TIMEOUT_US : cm_deadline(s),
	};
	struct script_state *st = script_pool_take(script->host);
	struct err err, trace = {.text = ""};
	bool done = false;

	run.starved = !script_state_ready(st, &run);
	if (run.starved)
		err_set(&err, "%s: no memory for a Lua state", script->sources->label);
	else
		done = script_run_in(st, &run, call_hook, &err, &trace);
	script_state_tidy(st, &run, !done);
	script_pool_give(st);
	return done ? run.verdict : complain(&run, &err, &trace);
}

static struct script *
script_of(const struct cm_session *s)
{
	return (struct script *)(uintptr_t)cm_config(s);
}

enum cm_verdict
script_hook(struct cm_session *s, const struct cm_event *ev)
{
	return run_hook(script_of(s), s, ev, (int)ev->stage);
}

void
script_end_msg(struct cm_session *s)
{
	run_hook(script_of(s), s, NULL, SCRIPT_DONE);
}
