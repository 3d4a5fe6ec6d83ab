/* SPDX-License-Identifier: MIT */
/*
 * script_api_address.c - addresses of the envelope, m.rcpts and m.from_header
 *
 * A From: field that breaks RFC 5322 has empty parts and a problem: a rule that compares its
 * address with a login refuses it, a rule that only asks whether it is there finds it.
 */
#include <lauxlib.h>

#include "script_api.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct cm_address *
address(const struct script_object *o)
{
	return o->data;
}

static int
address_addr(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, address(o)->addr);
}

static int
address_domain(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, address(o)->domain);
}

static int
address_null(lua_State *L, const struct script_object *o)
{
	lua_pushboolean(L, address(o)->null);
	return 1;
}

static int
address_text(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, address(o)->text);
}

static int
address_user(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, address(o)->user);
}

static int
address_valid(lua_State *L, const struct script_object *o)
{
	lua_pushboolean(L, address(o)->valid);
	return 1;
}

static const struct script_row address_rows[] = {
	{"addr", SCRIPT_FIELD, address_addr, .result = "string",
		.help = "user@domain with the domain in lower case; \"\" for the null sender"},
	{"domain", SCRIPT_FIELD, address_domain, .result = "string",
		.help = "in lower case; \"\" where there is none"},
	{"null", SCRIPT_FIELD, address_null, .result = "boolean", .help = "the null sender <>"},
	{"text", SCRIPT_FIELD, address_text, .result = "string", .help = "as received"},
	{"user", SCRIPT_FIELD, address_user, .result = "string",
		.help = "local part, quotes removed"},
	{"valid", SCRIPT_FIELD, address_valid, .result = "boolean",
		.help = "false: not an address, the other fields are best effort"},
};

const struct script_class script_class_address = {
	.name = "Address",
	.what = "address",
	.kind = SCRIPT_OBJECT,
	.rows = address_rows,
	.row_count = COUNT(address_rows),
	.text = address_addr,
};

/* --- recipients ----------------------------------------------------------------------------------
 */

static bool
recipient_at(lua_State *L, const struct script_object *o)
{
	const struct cm_address *rcpt = NULL;
	lua_Integer i;
	int exact;

	(void)o;
	i = lua_tointegerx(L, 2, &exact);
	if (!exact)
		return false;
	if (i >= 1)
		rcpt = cm_rcpt(script_session_now(L), (size_t)i - 1);
	if (rcpt == NULL)
		lua_pushnil(L);
	else
		script_push(L, &script_class_address, rcpt);
	return true;
}

static int
recipients_length(lua_State *L, const struct script_object *o)
{
	(void)o;
	lua_pushinteger(L, (lua_Integer)cm_rcpt_count(script_session_now(L)));
	return 1;
}

const struct script_class script_class_recipients = {
	.name = "Recipients",
	.what = "rcpts",
	.kind = SCRIPT_OBJECT,
	.other = recipient_at,
	.other_type = "[integer] Address",
	.length = recipients_length,
};

/* --- the author ----------------------------------------------------------------------------------
 */

/* The one author; NULL where there is not exactly one in a field without problems. */
static const struct cm_address *
author(const struct script_object *o)
{
	const struct cm_from *from = o->data;

	return from->count == 1 && from->problem == NULL ? &from->items[0] : NULL;
}

static int
from_addr(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, author(o) == NULL ? "" : author(o)->addr);
}

static int
from_domain(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, author(o) == NULL ? "" : author(o)->domain);
}

static int
from_problem(lua_State *L, const struct script_object *o)
{
	const struct cm_from *from = o->data;

	if (from->problem == NULL && from->count != 1)
		return script_push_text(L, "several authors");
	return script_push_text(L, from->problem);
}

static int
from_user(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, author(o) == NULL ? "" : author(o)->user);
}

static const struct script_row from_rows[] = {
	{"addr", SCRIPT_FIELD, from_addr, .result = "string",
		.help = "address of the one author; \"\" where there is a problem"},
	{"domain", SCRIPT_FIELD, from_domain, .result = "string", .help = "its domain, likewise"},
	{"problem", SCRIPT_FIELD, from_problem, .result = "string?",
		.help = "nil, or why the field names no single author (RFC 5322)"},
	{"user", SCRIPT_FIELD, from_user, .result = "string", .help = "its local part, likewise"},
};

const struct script_class script_class_from = {
	.name = "From",
	.what = "from_header",
	.kind = SCRIPT_OBJECT,
	.rows = from_rows,
	.row_count = COUNT(from_rows),
	.text = from_addr,
};
