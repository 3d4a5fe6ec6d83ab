/* SPDX-License-Identifier: MIT */
/*
 * script_held.c - what functions of C hold outside of Lua while they may raise
 *
 * A variable of Lua that is closed releases it when the function ends, however it ends. Where Lua
 * had no room to call that, the end of the hook does.
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>

#include "base/mem.h"
#include "script_api.h"
#include "script_state.h"

/* Of one hook at once. It is not counted as memory, and what is encoded may call what encodes. */
#define HELD_MOST 8u

struct script_held {
	void *what;
	void (*release)(void *what);
	struct script_held *next, *previous;
};

/* Key of the registry: the metatable. */
static const char held_key;

static void
let_go(struct script_state *st, struct script_held *h)
{
	if (h->previous == NULL)
		st->held = h->next;
	else
		h->previous->next = h->next;
	if (h->next != NULL)
		h->next->previous = h->previous;
	st->held_count--;
	if (h->what != NULL)
		h->release(h->what);
	free(h);
}

void
script_let_go(struct script_state *st)
{
	while (st->held != NULL)
		let_go(st, st->held);
}

static int
close_box(lua_State *L)
{
	struct script_held **box = lua_touserdata(L, 1);

	let_go(script_state_of(L), *box);
	return 0;
}

static void
push_metatable(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &held_key) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, close_box);
	lua_setfield(L, -2, "__close");
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &held_key);
}

void **
script_hold(lua_State *L, const char *name, void (*release)(void *what))
{
	struct script_state *st = script_state_of(L);
	struct script_held **box = lua_newuserdatauv(L, sizeof(*box), 0);
	struct script_held *h;

	if (st->held_count == HELD_MOST)
		luaL_error(L, "%s: too many calls of its kind within each other", name);
	push_metatable(L);
	lua_setmetatable(L, -2);
	*box = h = mem_zalloc(1, sizeof(*h));
	h->release = release;
	h->next = st->held;
	if (st->held != NULL)
		st->held->previous = h;
	st->held = h;
	st->held_count++;
	lua_toclose(L, -1);
	return &h->what;
}
