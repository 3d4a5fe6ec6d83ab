/* SPDX-License-Identifier: MIT */
/*
 * script_budget.h - what a C function that Lua code can call pays for its work
 *
 * The count hook sees bytecode only. A function whose work grows with its arguments charges for it.
 */
#ifndef CORE_HOST_SCRIPT_BUDGET_H
#define CORE_HOST_SCRIPT_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

struct lua_State;

/*
 * steps of some ten nanoseconds each are done, or will be now. Raises once the running hook is out
 * of time, or would be.
 */
void script_charge(struct lua_State *, size_t steps);
/*
 * Looks at the clocks and raises nothing, for those who must put things away first: true is for
 * them to end, and the next script_charge() raises.
 */
bool script_out_of_time(struct lua_State *);

#endif
