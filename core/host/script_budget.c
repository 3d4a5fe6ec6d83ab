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
/*
 * New memory comes page by page: 0.3 us for 4 KB, and up to 14 in virtual machines. The charge is
 * 8, and who was charged too little is found out at his next block.
 */
#define FEW_OCTETS	    (1u << 20)
#define NEW_OCTETS_PER_STEP 5u

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
budget(const struct script_state *st)
{
	return st->host->cover == NULL ? st->run->cpu_us : st->run->cpu_us * COVER_SLOWER;
}

/* Work that was charged for may be still to do, and cannot be interrupted: its time counts now. */
static void
look(struct script_state *st)
{
	struct script_run *run = st->run;
	int64_t now = clock_cpu();
	int64_t charged = (int64_t)(run->steps / STEPS_PER_US);

	run->steps = 0;
	if (run->cpu_began == 0)
		run->cpu_began = now;
	if (now - run->cpu_began >= budget(st) - charged)
		run->over = SCRIPT_OVER_CPU;
	else if (run->session != NULL && cm_clock(run->session) >= run->deadline - charged)
		run->over = SCRIPT_OVER_WALL;
}

void
script_on_count(lua_State *L, lua_Debug *ar)
{
	struct script_state *st = script_state_of(L);
	struct script_run *run = st->run;

	(void)ar;
	if (run != NULL && run->over == SCRIPT_IN_TIME)
		look(st);
	if (run != NULL && run->over != SCRIPT_IN_TIME)
		script_expire(L);
	else if (run == NULL || run->session != NULL)
		script_cover_begin(L); /* the watchdog comes again */
}

bool
script_out_of_time(lua_State *L)
{
	struct script_state *st = script_state_of(L);

	if (st->run != NULL && st->run->over == SCRIPT_IN_TIME)
		look(st);
	return script_is_over(L);
}

bool
script_has_time_for(struct script_state *st, size_t octets)
{
	if (st->run == NULL || octets < FEW_OCTETS)
		return true;
	st->run->steps += octets / NEW_OCTETS_PER_STEP;
	return !script_out_of_time(st->L);
}

void
script_charge(lua_State *L, size_t steps)
{
	struct script_state *st = script_state_of(L);

	if (st == NULL || st->run == NULL)
		return;
	st->run->steps += steps;
	if (st->run->steps >= STEPS_BETWEEN_LOOKS && st->run->over == SCRIPT_IN_TIME)
		look(st);
	if (st->run->over != SCRIPT_IN_TIME)
		script_expire(L);
}
