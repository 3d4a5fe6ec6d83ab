/* SPDX-License-Identifier: MIT */
/*
 * script_budget.h - what a C function that Lua code can call pays for its work
 *
 * The count hook sees bytecode only. A function whose work grows with its arguments charges for it.
 */
#ifndef CORE_HOST_SCRIPT_BUDGET_H
#define CORE_HOST_SCRIPT_BUDGET_H

#include <stddef.h>

struct lua_State;

/*
 * steps of some ten nanoseconds each are done, or will be now. Raises once the running hook is out
 * of time, or would be.
 */
void script_charge(struct lua_State *, size_t steps);

#endif
