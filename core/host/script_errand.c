/* SPDX-License-Identifier: MIT */
/*
 * script_errand.c - hooks that wait for something
 *
 * What may take long is done outside of Lua: the coroutine stops, its state is lent to other hooks,
 * and the thread that runs the hook does the work. Rules see a plain call. What a rule waits for
 * counts against its timeout, and not as processor time of its own.
 */
#include <lauxlib.h>
#include <lua.h>

#include "base/clock.h"
#include "script_api.h"
#include "script_state.h"

/* How often one hook may wait; also bounds those that wait for nothing. */
#define ERRANDS_MOST 1000

int
script_errand(lua_State *L, const char *what, void (*work)(struct cm_session *, void *), void *data,
	lua_KFunction then)
{
	struct script_run *run = script_state_of(L)->run;

	script_session(L, what);
	if (!lua_isyieldable(L))
		return luaL_error(L,
			"%s cannot be used inside of a function that table.sort, string.gsub, lpeg "
			"or a "
			"metamethod calls",
			what);
	if (run->errands == ERRANDS_MOST)
		return luaL_error(L, "one hook may wait at most %d times", ERRANDS_MOST);
	run->errands++;
	run->errand = (struct script_errand){work, data};
	return lua_yieldk(L, 0, (lua_KContext)data, then);
}

bool
script_errand_run(struct script_state *st, struct script_run *run)
{
	struct script_errand errand = run->errand;
	int64_t cpu;

	if (errand.work == NULL)
		return false;
	run->errand.work = NULL;
	st->run = NULL;
	cpu = clock_cpu();
	script_pool_lend(st);
	errand.work(run->session, errand.data);
	script_pool_return(st);
	if (run->cpu_began != 0)
		run->cpu_began += clock_cpu() - cpu;
	if (cm_clock(run->session) >= run->deadline)
		run->over = SCRIPT_OVER_WALL;
	return run->over == SCRIPT_IN_TIME;
}
