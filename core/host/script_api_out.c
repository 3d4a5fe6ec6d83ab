/* SPDX-License-Identifier: MIT */
/*
 * script_api_out.c - what rules tell people who watch: metric
 */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script_api.h"

static int
by_name(const void *a, const void *b)
{
	const struct script_label *la = a, *lb = b;

	return strcmp(la->name, lb->name);
}

/* The labels in the table at index 2; their values are left on the stack. */
static size_t
read_labels(lua_State *L, struct script_label *labels)
{
	size_t count = 0;

	luaL_checkstack(L, (int)SCRIPT_LABELS + 8, NULL);
	lua_pushnil(L);
	while (lua_next(L, 2)) {
		struct script_label *l = &labels[count];

		if (count++ == SCRIPT_LABELS - 1)
			luaL_error(L, "metric: at most %d labels", (int)SCRIPT_LABELS - 1);
		l->name = lua_type(L, -2) == LUA_TSTRING ? script_to_text(L, -2) : NULL;
		if (l->name == NULL || !script_label_ok(l->name))
			luaL_error(L,
				"metric: labels have names of letters, digits and _, not \"rule\": "
				"{ reason = \"auto\" }");
		l->value = script_to_text(L, -1);
		if (l->value == NULL)
			luaL_error(L, "metric: label %s is a %s, not a text", l->name,
				luaL_typename(L, -1));
		script_give(L, strlen(l->value));
		lua_pushvalue(L, -2); /* name, value, name: where lua_next() goes on */
		lua_remove(L, -3);
	}
	return count;
}

/* The label "rule" is there always, so that what one rule counts is never another's. */
int
script_metric(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	struct script_label labels[SCRIPT_LABELS];
	size_t count = 1;

	script_session(L, "metric()");
	if (script_to_text(L, 1) == NULL || !script_metric_ok(name))
		return luaL_error(
			L, "metric \"%s\": a name has letters, digits and _, at most 63", name);
	lua_settop(L, 2);
	labels[0] = (struct script_label){"rule", script_rule_name(L)};
	if (!lua_isnil(L, 2)) {
		luaL_checktype(L, 2, LUA_TTABLE);
		count += read_labels(L, labels + 1);
	}
	qsort(labels, count, sizeof(*labels), by_name);
	script_count(name, labels, count);
	return 0;
}
