/* SPDX-License-Identifier: MIT */
/*
 * script_api_edit.c - edits of a message, asked for at any stage
 *
 * The host checks, queues and applies them at end of message. What it refuses it says in the log;
 * the rule fails, since its author counts on the edit.
 */
#include <lauxlib.h>
#include <limits.h>

#include "script_api.h"

/* The session of the message at index 1. */
static struct cm_session *
edited(lua_State *L)
{
	script_self(L, &script_class_message);
	return script_session_now(L);
}

static int
answer(lua_State *L, bool queued)
{
	const struct script_row *row = lua_touserdata(L, lua_upvalueindex(1));

	return queued ? 0 : luaL_error(L, "m:%s() was refused; the log says why", row->name);
}

static int
int_arg(lua_State *L, int arg, lua_Integer fallback, lua_Integer least)
{
	lua_Integer n = luaL_optinteger(L, arg, fallback);

	luaL_argcheck(L, n >= least && n <= INT_MAX, arg, "out of range");
	return (int)n;
}

/* Text or an address object. */
static const char *
address_arg(lua_State *L, int arg)
{
	const struct script_object *o = script_test(L, arg, &script_class_address);

	return o == NULL ? script_check_text(L, arg) : ((const struct cm_address *)o->data)->addr;
}

int
script_add_header(lua_State *L)
{
	struct cm_session *s = edited(L);

	return answer(L, cm_add_header(s, script_check_text(L, 2), script_check_text(L, 3)));
}

int
script_add_rcpt(lua_State *L)
{
	struct cm_session *s = edited(L);

	return answer(L, cm_add_rcpt(s, address_arg(L, 2)));
}

int
script_drop_rcpt(lua_State *L)
{
	struct cm_session *s = edited(L);

	return answer(L, cm_drop_rcpt(s, address_arg(L, 2)));
}

int
script_insert_header(lua_State *L)
{
	struct cm_session *s = edited(L);
	int index = int_arg(L, 2, -1, 0);

	return answer(
		L, cm_insert_header(s, index, script_check_text(L, 3), script_check_text(L, 4)));
}

int
script_prefix_subject(lua_State *L)
{
	struct cm_session *s = edited(L);

	return answer(L, cm_prefix_subject(s, script_check_text(L, 2)));
}

int
script_remove_header(lua_State *L)
{
	struct cm_session *s = edited(L);
	size_t n = lua_isnoneornil(L, 3) ? 0 : (size_t)int_arg(L, 3, 1, 1);

	return answer(L, cm_remove_header(s, script_check_text(L, 2), n));
}

int
script_set_header(lua_State *L)
{
	struct cm_session *s = edited(L);
	size_t n = (size_t)int_arg(L, 4, 1, 1);

	return answer(L, cm_set_header(s, script_check_text(L, 2), n, script_check_text(L, 3)));
}

int
script_set_sender(lua_State *L)
{
	struct cm_session *s = edited(L);

	return answer(L, cm_set_sender(s, address_arg(L, 2)));
}
