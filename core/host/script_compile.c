/* SPDX-License-Identifier: MIT */
/*
 * script_compile.c - Lua text becomes a function
 *
 * The text is handed to Lua line by line. Some mistakes (nesting that is too deep, no memory) have
 * no line in Lua's words; then it is the one that was read last.
 */
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "script_state.h"

struct reader {
	const char *p, *end;
	int line;
};

static const char *
read_line(lua_State *L, void *context, size_t *len)
{
	struct reader *r = context;
	const char *line = r->p;
	const char *newline = memchr(line, '\n', (size_t)(r->end - line));

	(void)L;
	r->p = newline == NULL ? r->end : newline + 1;
	*len = (size_t)(r->p - line);
	r->line += *len > 0;
	return line;
}

void
script_compile(lua_State *L, const struct script_source *source)
{
	struct reader r = {.p = source->text, .end = source->text + source->len};
	const char *chunk = lua_pushfstring(L, "@%s", source->label);
	size_t len = strlen(source->label);
	int status = lua_load(L, read_line, &r, chunk, "t");
	const char *why;

	if (status == LUA_OK) {
		lua_remove(L, -2);
		if (script_state_of(L)->host->cover != NULL)
			script_cover_learn(script_state_of(L)->host->cover, L, source);
		return;
	}
	why = status == LUA_ERRMEM ? NULL : lua_tostring(L, -1);
	if (why != NULL && (strncmp(why, source->label, len) != 0 || why[len] != ':'))
		lua_pushfstring(L, "%s:%d: %s", source->label, r.line, why);
	lua_error(L);
}
