/* SPDX-License-Identifier: MIT */
/*
 * script_api_log.c - log.info and log.warn
 *
 * Fields follow the text as name=value in the order of their names, so that lines can be compared.
 * Values come from the network: none of them can look like another field.
 */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script_api.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define FIELDS_MOST  32u

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."

static int
by_name(const void *a, const void *b)
{
	const struct script_log_field *fa = a, *fb = b;

	return strcmp(fa->name, fb->name);
}

/* Names are words, so that no name holds another field. */
static const char *
check_name(lua_State *L, int index)
{
	const char *name = lua_type(L, index) == LUA_TSTRING ? script_to_text(L, index) : NULL;
	size_t len = name == NULL ? 0 : strspn(name, NAME_CHARACTERS);

	if (len == 0 || name[len] != '\0')
		luaL_error(L, "fields of a log line have names of letters, digits, _, - and .: "
			      "{ login = m.auth.user }");
	return name;
}

/*
 * The fields in the table at index 2, sorted. Names and values stay on the stack: what tostring()
 * calls could take them out of the table.
 */
static size_t
read_fields(lua_State *L, struct script_log_field *fields)
{
	size_t count = 0;

	luaL_checkstack(L, 2 * (int)FIELDS_MOST + 8, NULL);
	lua_pushnil(L);
	while (lua_next(L, 2)) {
		struct script_log_field *f = &fields[count];

		if (count++ == FIELDS_MOST)
			luaL_error(L, "a log line has at most %d fields", (int)FIELDS_MOST);
		f->name = check_name(L, -2);
		f->value = script_tostring(L, -1, &f->len);
		script_give(L, strlen(f->name) + f->len);
		lua_replace(L, -2);
		lua_pushvalue(L, -2); /* name, value, name: where lua_next() goes on */
	}
	qsort(fields, count, sizeof(*fields), by_name);
	return count;
}

static int
write_line(lua_State *L, enum cm_level level, const char *what)
{
	struct cm_session *s = script_session(L, what);
	struct script_log_field fields[FIELDS_MOST];
	const char *text = script_check_text(L, 1);
	size_t count = 0;

	lua_settop(L, 2);
	if (!lua_isnil(L, 2)) {
		luaL_checktype(L, 2, LUA_TTABLE);
		count = read_fields(L, fields);
	}
	script_log_line(L);
	script_log(s, level, text, fields, count);
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
