/* SPDX-License-Identifier: MIT */
/*
 * script_api_part.c - m:attachments(): what a message carries
 *
 * Reading a message takes as long as it is large, so that is an errand, done once for all rules.
 */
#include <lauxlib.h>

#include "script_api.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* --- one attachment ------------------------------------------------------------------------------
 */

static const struct script_part *
part_of(const struct script_object *o)
{
	return o->data;
}

static int
push_flag(lua_State *L, bool flag)
{
	lua_pushboolean(L, flag);
	return 1;
}

static int
part_encrypted(lua_State *L, const struct script_object *o)
{
	return push_flag(L, part_of(o)->encrypted);
}

static int
part_ext(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, part_of(o)->ext);
}

static int
part_has_macros(lua_State *L, const struct script_object *o)
{
	return push_flag(L, part_of(o)->has_macros);
}

static int
part_name(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, part_of(o)->name);
}

static int
part_size(lua_State *L, const struct script_object *o)
{
	lua_pushinteger(L, (lua_Integer)part_of(o)->size);
	return 1;
}

static int
part_type(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, part_of(o)->type);
}

static int
part_unreadable(lua_State *L, const struct script_object *o)
{
	return push_flag(L, part_of(o)->unreadable);
}

static const struct script_row rows[] = {
	{"encrypted", SCRIPT_FIELD, part_encrypted, .result = "boolean",
		.help = "a ZIP file or an Office document that needs a password"},
	{"ext", SCRIPT_FIELD, part_ext, .result = "string?",
		.help = "what is behind the last dot of the name, in lower case: \"docm\""},
	{"has_macros", SCRIPT_FIELD, part_has_macros, .result = "boolean",
		.help = "by its content, an Office document that holds macros or may hold them"},
	{"name", SCRIPT_FIELD, part_name, .result = "string",
		.help = "name of the file, without directories and what cannot be seen; \"\": "
			"it has none"},
	{"size", SCRIPT_FIELD, part_size, .result = "integer", .help = "octets, decoded"},
	{"type", SCRIPT_FIELD, part_type, .result = "string",
		.help = "MIME type as the message says, in lower case: \"application/pdf\""},
	{"unreadable", SCRIPT_FIELD, part_unreadable, .result = "boolean",
		.help = "it is damaged, or written so that mail programs may differ in what it is"},
};

const struct script_class script_class_part = {
	.name = "Part",
	.what = "attachment",
	.kind = SCRIPT_OBJECT,
	.rows = rows,
	.row_count = COUNT(rows),
	.text = part_name,
};

/* --- all of them ---------------------------------------------------------------------------------
 */

/* Upvalues: the message, attachments given so far. */
static int
part_next(lua_State *L)
{
	size_t i = (size_t)lua_tointeger(L, lua_upvalueindex(2));
	const struct script_parts *parts;

	script_check(L, lua_upvalueindex(1), &script_class_message);
	parts = script_parts(script_session_now(L));
	if (parts == NULL || i >= parts->count)
		return 0;
	lua_pushinteger(L, (lua_Integer)i + 1);
	lua_pushvalue(L, -1);
	lua_replace(L, lua_upvalueindex(2));
	script_push(L, &script_class_part, &parts->items[i]);
	return 2;
}

static int
push_parts(lua_State *L, int status, lua_KContext context)
{
	const struct script_parts *parts = script_parts(script_session_now(L));

	(void)status;
	(void)context;
	if (parts == NULL || parts->problem != NULL) {
		lua_pushnil(L);
		lua_pushstring(L, parts == NULL ? "not read in time" : parts->problem);
		return 2;
	}
	lua_pushvalue(L, 1);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, part_next, 2);
	return 1;
}

static void
read_parts(struct cm_session *s, void *data)
{
	(void)data;
	script_parts_read(s);
}

int
script_attachments(lua_State *L)
{
	script_self(L, &script_class_message);
	lua_settop(L, 1);
	if (script_parts(script_session_now(L)) != NULL)
		return push_parts(L, LUA_OK, 0);
	return script_errand(L, "m:attachments()", read_parts, NULL, push_parts);
}
