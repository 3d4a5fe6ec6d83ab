/* SPDX-License-Identifier: MIT */
/*
 * script_budget.c - the clocks of a running hook
 *
 * The count hook is armed by the watchdog only for a hook that runs long, so the first look merely
 * notes the processor time; what was used before is less than two ticks of the watchdog.
 */
#include "script_budget.h"

#include <lauxlib.h>
#include <lua.h>

#include "base/clock.h"
#include "script_state.h"

/* Charged steps between two looks at the clock, some 0.2 ms. */
#define STEPS_BETWEEN_LOOKS 20000u
#define STEPS_PER_US	    100u
#define COVER_SLOWER	    20

bool
script_is_over(lua_State *L)
{
	const struct script_state *st = script_state_of(L);

	return st->run != NULL && st->run->over != SCRIPT_IN_TIME;
}

int
script_expire(lua_State *L)
{
	/* From now on every instruction is one too many, wherever the error is caught. */
	lua_sethook(L, script_on_count, LUA_MASKCOUNT, 1);
	if (lua_isyieldable(L))
		return lua_yield(L, 0);
	return luaL_error(L, "out of time");
}

/* Counting lines takes many times as long as running them, and is not the rule's doing. */
static int64_t
budget(lua_State *L, const struct script_run *run)
{
	return script_state_of(L)->host->cover == NULL ? run->cpu_us : run->cpu_us * COVER_SLOWER;
}

/* Work that was charged for may be still to do, and cannot be interrupted: its time counts now. */
static void
look(lua_State *L, struct script_run *run)
{
	int64_t now = clock_cpu();
	int64_t charged = (int64_t)(run->steps / STEPS_PER_US);

	run->steps = 0;
	if (run->cpu_began == 0)
		run->cpu_began = now;
	if (now - run->cpu_began >= budget(L, run) - charged)
		run->over = SCRIPT_OVER_CPU;
	else if (run->session != NULL && cm_clock(run->session) >= run->deadline - charged)
		run->over = SCRIPT_OVER_WALL;
}

void
script_on_count(lua_State *L, lua_Debug *ar)
{
	struct script_run *run = script_state_of(L)->run;

	(void)ar;
	if (run != NULL && run->over == SCRIPT_IN_TIME)
		look(L, run);
	if (run != NULL && run->over != SCRIPT_IN_TIME)
		script_expire(L);
	else if (run == NULL || run->session != NULL)
		script_cover_begin(L); /* the watchdog comes again */
}

bool
script_out_of_time(lua_State *L)
{
	struct script_run *run = script_state_of(L)->run;

	if (run != NULL && run->over == SCRIPT_IN_TIME)
		look(L, run);
	return run != NULL && run->over != SCRIPT_IN_TIME;
}

void
script_charge(lua_State *L, size_t steps)
{
	struct script_state *st = script_state_of(L);

	if (st == NULL || st->run == NULL)
		return;
	st->run->steps += steps;
	if (st->run->steps >= STEPS_BETWEEN_LOOKS && st->run->over == SCRIPT_IN_TIME)
		look(L, st->run);
	if (st->run->over != SCRIPT_IN_TIME)
		script_expire(L);
}
