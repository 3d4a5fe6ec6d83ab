/* SPDX-License-Identifier: MIT */
/*
 * script_api_part.c - m:attachments() and m:urls(): what a message carries and what it points to
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

/* --- one address ---------------------------------------------------------------------------------
 */

static const struct script_url *
url_of(const struct script_object *o)
{
	return o->data;
}

static int
url_host(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, url_of(o)->host);
}

static int
url_text(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, url_of(o)->text);
}

static const struct script_row url_rows[] = {
	{"host", SCRIPT_FIELD, url_host, .result = "string",
		.help = "its host, in lower case, without port and login: \"www.example.org\""},
	{"text", SCRIPT_FIELD, url_text, .result = "string",
		.help = "as the message writes it: \"https://www.example.org/a?b\""},
};

const struct script_class script_class_url = {
	.name = "Url",
	.what = "address",
	.kind = SCRIPT_OBJECT,
	.rows = url_rows,
	.row_count = COUNT(url_rows),
	.text = url_text,
};

/* --- all of them ---------------------------------------------------------------------------------
 */

static const struct kind {
	enum script_find find;
	const struct script_class *class;
	const char *call;
} part_kind = {SCRIPT_PARTS, &script_class_part, "m:attachments()"},
  url_kind = {SCRIPT_URLS, &script_class_url, "m:urls()"};

/* Upvalues: the message, items given so far, the kind. */
static int
next_item(lua_State *L)
{
	size_t i = (size_t)lua_tointeger(L, lua_upvalueindex(2));
	const struct kind *kind = lua_touserdata(L, lua_upvalueindex(3));
	const struct script_found *found;

	script_check(L, lua_upvalueindex(1), &script_class_message);
	found = script_found(script_session_now(L), kind->find);
	if (found == NULL || i >= found->count)
		return 0;
	lua_pushinteger(L, (lua_Integer)i + 1);
	lua_pushvalue(L, -1);
	lua_replace(L, lua_upvalueindex(2));
	script_push(L, kind->class, (const char *)found->items + i * found->size);
	return 2;
}

static int
push_found(lua_State *L, int status, lua_KContext context)
{
	const struct kind *kind = (const struct kind *)context;
	const struct script_found *found = script_found(script_session_now(L), kind->find);

	(void)status;
	if (found == NULL || found->problem != NULL) {
		lua_pushnil(L);
		lua_pushstring(L, found == NULL ? "not read in time" : found->problem);
		return 2;
	}
	lua_pushvalue(L, 1);
	lua_pushinteger(L, 0);
	lua_pushlightuserdata(L, (void *)(uintptr_t)kind);
	lua_pushcclosure(L, next_item, 3);
	return 1;
}

static void
find(struct cm_session *s, void *kind)
{
	script_find(s, ((const struct kind *)kind)->find);
}

static int
give(lua_State *L, const struct kind *kind)
{
	script_self(L, &script_class_message);
	lua_settop(L, 1);
	if (script_found(script_session_now(L), kind->find) != NULL)
		return push_found(L, LUA_OK, (lua_KContext)kind);
	return script_errand(L, kind->call, find, (void *)(uintptr_t)kind, push_found);
}

int
script_attachments(lua_State *L)
{
	return give(L, &part_kind);
}

int
script_urls(lua_State *L)
{
	return give(L, &url_kind);
}
