/* SPDX-License-Identifier: MIT */
/*
 * script_api_log.c - log.info and log.warn
 *
 * Fields follow the text as name=value in the order of their names, so that lines can be compared.
 */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script_api.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define FIELDS_MOST  32u

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * Names of the fields in the table at index 2, sorted. They stay on the stack: what tostring()
 * calls could take them out of the table.
 */
static size_t
field_names(lua_State *L, const char **names)
{
	size_t count = 0;

	luaL_checkstack(L, FIELDS_MOST + 8, NULL);
	lua_pushnil(L);
	while (lua_next(L, 2)) {
		lua_pop(L, 1);
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "fields of a log line have names: { login = m.auth.user }");
		if (count == FIELDS_MOST)
			luaL_error(L, "a log line has at most %d fields", (int)FIELDS_MOST);
		names[count++] = lua_tostring(L, -1);
		lua_pushvalue(L, -1);
	}
	qsort(names, count, sizeof(*names), by_name);
	return count;
}

/* " name=value", quoted where the value has blanks or quotes. */
static void
add_field(lua_State *L, luaL_Buffer *b, const char *name)
{
	const char *quote;

	lua_getfield(L, 2, name);
	luaL_tolstring(L, -1, NULL);
	lua_remove(L, -2);
	quote = strpbrk(lua_tostring(L, -1), " \"=") == NULL ? "" : "\"";
	lua_pushfstring(L, " %s=%s%s%s", name, quote, lua_tostring(L, -1), quote);
	lua_remove(L, -2);
	luaL_addvalue(b);
}

static int
write_line(lua_State *L, enum cm_level level, const char *what)
{
	struct cm_session *s = script_session(L, what);
	const char *names[FIELDS_MOST];
	luaL_Buffer b;
	size_t count;

	luaL_checkstring(L, 1);
	lua_settop(L, 2);
	if (!lua_isnil(L, 2))
		luaL_checktype(L, 2, LUA_TTABLE);
	count = lua_isnil(L, 2) ? 0 : field_names(L, names);
	luaL_buffinit(L, &b);
	lua_pushvalue(L, 1);
	luaL_addvalue(&b);
	for (size_t i = 0; i < count; i++)
		add_field(L, &b, names[i]);
	luaL_pushresult(&b);
	script_log_line(L);
	cm_log(s, level, "%s", script_check_text(L, lua_gettop(L)));
	return 0;
}

static int
log_info(lua_State *L)
{
	return write_line(L, CM_LOG_INFO, "log.info()");
}

static int
log_warn(lua_State *L)
{
	return write_line(L, CM_LOG_WARN, "log.warn()");
}

#define LINE "text: string, fields?: table"

static const struct script_row rows[] = {
	{"info", SCRIPT_FUNCTION, .call = log_info, .parameters = LINE, .result = "",
		.help = "one log line with our id; fields follow as name=value"},
	{"warn", SCRIPT_FUNCTION, .call = log_warn, .parameters = LINE, .result = "",
		.help = "the same at level warn"},
};

const struct script_class script_class_log = {
	.name = "log",
	.what = "log",
	.kind = SCRIPT_LIBRARY,
	.rows = rows,
	.row_count = COUNT(rows),
};
