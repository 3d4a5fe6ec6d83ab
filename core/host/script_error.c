/* SPDX-License-Identifier: MIT */
/*
 * script_error.c - what went wrong in a rule, in words
 *
 * Reads the stopped coroutine without allocating in its state, which may be out of memory, and
 * without calling anything of the rule, which may be why it was stopped.
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <string.h>

#include "conf/unit.h"
#include "mail/stage.h"
#include "script_state.h"

#define FRAMES_MOST 8

/* "mail()" */
static void
run_name(const struct script_run *run, char *out, size_t size)
{
	if (run->session == NULL)
		snprintf(out, size, "loading");
	else
		snprintf(out, size, "%s()", script_slot_name(run->slot));
}

static void
message(const struct script_state *st, int status, char *out, size_t size)
{
	const struct script_run *run = st->run;
	char what[32], budget[32];
	int type = lua_type(st->run->co, -1);

	run_name(run, what, sizeof(what));
	unit_duration_text(run->cpu_us, budget);
	if (run->over == SCRIPT_OVER_CPU)
		snprintf(out, size, "%s used its %s of processor time", what, budget);
	else if (run->over == SCRIPT_OVER_WALL)
		snprintf(out, size, "%s took longer than its timeout", what);
	else if (status == LUA_ERRMEM && st->memory.too_many)
		snprintf(out, size,
			"a table has too many keys for %s, which has %s of processor time; long "
			"lists belong into a map",
			what, budget);
	else if (status == LUA_ERRMEM)
		snprintf(out, size, "not enough memory: %s may use %zu KB", what,
			run->script->memory / 1024);
	else if (type == LUA_TSTRING)
		snprintf(out, size, "%s", lua_tostring(st->run->co, -1));
	else
		snprintf(
			out, size, "error() was called with a %s", lua_typename(st->run->co, type));
}

/* The text begins with the name of one of the rule's files. */
static bool
placed(const struct script *script, const char *text)
{
	for (const struct script_source *s = script->sources; s != NULL; s = s->next) {
		size_t len = strlen(s->label);

		if (strncmp(text, s->label, len) == 0 && text[len] == ':')
			return true;
	}
	return false;
}

/* The frame at level or the next above it that has lines; false: none. */
static bool
lua_frame(lua_State *co, int *level, lua_Debug *ar)
{
	for (; lua_getstack(co, *level, ar); ++*level) {
		if (lua_getinfo(co, "nSl", ar) && ar->currentline > 0)
			return true;
	}
	return false;
}

/* "owns scripts/x.lua:4 < mail scripts/x.lua:12" */
static void
traceback(const struct script_state *st, struct err *trace)
{
	char outermost[32];
	lua_Debug ar;
	size_t len = 0;
	int count = 0;

	trace->text[0] = '\0';
	run_name(st->run, outermost, sizeof(outermost));
	for (int level = 0; count < FRAMES_MOST && lua_frame(st->run->co, &level, &ar); level++) {
		lua_Debug above;
		int next = level + 1;
		const char *name = ar.name == NULL ? "function" : ar.name;
		int n;

		if (!lua_frame(st->run->co, &next, &above))
			name = outermost;
		n = snprintf(trace->text + len, sizeof(trace->text) - len, "%s%s %s:%d",
			count++ > 0 ? " < " : "", name, ar.short_src, ar.currentline);
		if (n < 0 || (size_t)n >= sizeof(trace->text) - len)
			return;
		len += (size_t)n;
	}
}

void
script_error_text(const struct script_state *st, int status, struct err *err, struct err *trace)
{
	const struct script_run *run = st->run;
	char text[sizeof(err->text)];
	lua_Debug ar;
	int level = 0;

	message(st, status, text, sizeof(text));
	traceback(st, trace);
	if (placed(run->script, text))
		err_set(err, "%s", text);
	else if (lua_frame(st->run->co, &level, &ar))
		err_set(err, "%s:%d: %s", ar.short_src, ar.currentline, text);
	else
		err_set(err, "%s: %s", run->script->sources->label, text);
}
