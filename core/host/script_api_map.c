/* SPDX-License-Identifier: MIT */
/*
 * script_api_map.c - map "name": the maps of filter.conf
 *
 * A map object holds its name and may be kept; the map itself is asked for in the configuration
 * that runs the hook.
 */
#include <lauxlib.h>
#include <string.h>

#include "script_api.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

int
script_map(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	const struct cm_session *s = script_session_now(L);
	char *kept;

	if (s == NULL ? !script_map_known(L, name) : cm_map_find(s, name) == NULL)
		return luaL_error(L, "map \"%s\" is not in filter.conf", name);
	kept = script_push_new(L, &script_class_map, strlen(name) + 1);
	memcpy(kept, name, strlen(name) + 1);
	return 1;
}

/* Looks the key at index 2 up. NULL: it is not there. */
static const char *
look_up(lua_State *L)
{
	const char *name = script_self(L, &script_class_map)->data;
	struct cm_session *s = script_session(L, "a map");
	const struct script_object *address = script_test(L, 2, &script_class_address);
	const char *key, *value = NULL;

	key = address == NULL ? script_check_text(L, 2)
			      : ((const struct cm_address *)address->data)->addr;
	if (cm_map_get(s, cm_map_find(s, name), key, &value) == CM_UNDELIVERED)
		luaL_error(L, "map \"%s\" could not be read", name);
	/* Values are copied into the memory of the message. */
	if (value != NULL)
		script_give(L, strlen(value));
	return value;
}

static int
map_get(lua_State *L)
{
	return script_push_text(L, look_up(L));
}

static int
map_has(lua_State *L)
{
	lua_pushboolean(L, look_up(L) != NULL);
	return 1;
}

static int
map_text(lua_State *L, const struct script_object *o)
{
	lua_pushfstring(L, "map \"%s\"", (const char *)o->data);
	return 1;
}

static const struct script_row rows[] = {
	{"get", SCRIPT_FUNCTION, .call = map_get, .parameters = "key: string|Address",
		.result = "string?", .help = "value of the key, nil where it is not there"},
	{"has", SCRIPT_FUNCTION, .call = map_has, .parameters = "key: string|Address",
		.result = "boolean", .help = "is the key there?"},
};

const struct script_class script_class_map = {
	.name = "Map",
	.what = "map",
	.kind = SCRIPT_OBJECT,
	.lasting = true,
	.rows = rows,
	.row_count = COUNT(rows),
	.text = map_text,
};
