/* SPDX-License-Identifier: MIT */
/*
 * script_ask.c - functions of rules that plugins answer: greylist(m, { delay = "5min" })
 *
 * Options are read as filter.conf is, by the plugin's rows. As with all that makes a verdict, what
 * is wrong is said when a hook returns it.
 */
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "base/arena.h"
#include "chain/chain.h"
#include "conf/diag.h"
#include "conf/schema.h"
#include "conf/tree.h"
#include "mail/session.h"
#include "script_api.h"
#include "script_state.h"

/* One question, in the memory of the message. */
struct question {
	const char *type;
	struct link *link;
	const struct cm_event *event;
	void *options;
	struct chain_opinion opinion;
};

static struct link *
find_link(const struct cm_session *s, const char *type)
{
	const struct chain *chain = chain_of(s);

	for (size_t i = 0; i < chain->link_count; i++) {
		struct link *l = chain->links[i];

		if (l->asked && strcmp(l->plugin->name, type) == 0)
			return l;
	}
	return NULL;
}

/* --- options -------------------------------------------------------------------------------------
 */

/* The value on top of the stack, as filter.conf would have it; NULL: there is no such thing. */
static const char *
as_written(lua_State *L)
{
	if (lua_isboolean(L, -1))
		return lua_toboolean(L, -1) ? "yes" : "no";
	return script_to_text(L, -1);
}

/* Reads the table at index 2; NULL, or why not. */
static const char *
read_table(lua_State *L, struct arena *arena, struct conf_section *section)
{
	lua_pushnil(L);
	while (lua_next(L, 2)) {
		const char *name = lua_type(L, -2) == LUA_TSTRING ? script_to_text(L, -2) : NULL;
		const char *value = as_written(L);
		struct conf_setting *set;

		if (name == NULL)
			return "options are names and values: { name = value }";
		if (value == NULL)
			return arena_printf(arena, "%.40s is a %s", name, luaL_typename(L, -1));
		script_give(L, sizeof(*set) + strlen(name) + strlen(value));
		set = arena_alloc(arena, sizeof(*set));
		set->name = arena_strdup(arena, name);
		set->value.kind = CONF_STRING;
		set->value.text = arena_strdup(arena, value);
		set->next = section->settings;
		section->settings = set;
		lua_pop(L, 1);
	}
	return NULL;
}

static const char *
fill_options(struct question *q, const struct conf_section *section, struct arena *arena)
{
	const struct cm_plugin *plugin = q->link->plugin;
	const struct schema_world world = {.arena = arena, .base_dir = "."};
	const struct schema_part part = {
		.rows = {plugin->ask_options, plugin->ask_option_count, plugin->option_size},
		.out = q->options,
	};
	struct diag *diag = diag_new();
	const char *why = NULL;

	if (!schema_fill("its options", section, &part, 1, &world, diag))
		why = arena_strdup(arena, diag_first(diag));
	diag_free(diag);
	return why;
}

/* NULL, or why the options will not do. */
static const char *
read_options(lua_State *L, struct question *q)
{
	struct arena *arena = session_arena(script_session(L, q->type));
	struct conf_section section = {.kind = "options"};
	const char *why = NULL;

	q->options = arena_alloc(arena, q->link->plugin->ask_size);
	if (!lua_isnoneornil(L, 2) && !lua_istable(L, 2))
		return "options are a table: { name = value }";
	if (lua_istable(L, 2))
		why = read_table(L, arena, &section);
	return why != NULL ? why : fill_options(q, &section, arena);
}

/* --- asking --------------------------------------------------------------------------------------
 */

static void
work(struct cm_session *s, void *data)
{
	struct question *q = data;

	chain_ask(s, q->link, q->event, q->options, &q->opinion);
}

static int
answer(lua_State *L, int status, lua_KContext context)
{
	const struct question *q = (const struct question *)context;
	const struct chain_opinion *o = &q->opinion;

	(void)status;
	if (o->verdict == CM_CONTINUE || o->verdict == CM_DONE) {
		lua_pushnil(L);
		return 1;
	}
	if (o->verdict == CM_FAILED)
		return luaL_error(
			L, "%s(): %s", q->type, o->reason == NULL ? "could not tell" : o->reason);
	return script_push_opinion(L, q->type, o);
}

int
script_ask(lua_State *L)
{
	const struct script_row *row = lua_touserdata(L, lua_upvalueindex(1));
	struct cm_session *s = script_session(L, row->name);
	struct question *q;
	const char *why;

	lua_settop(L, 2);
	if (script_test(L, 1, &script_class_message) == NULL)
		return script_push_bad(L, row->name, "its first argument is the message: m");
	if (script_in_done(L))
		return luaL_error(L, "%s() comes too late in done()", row->name);
	script_give(L, sizeof(*q));
	q = cm_msg_alloc(s, sizeof(*q));
	q->type = row->name;
	q->event = script_state_of(L)->run->event;
	q->link = find_link(s, row->name);
	if (q->link == NULL)
		return luaL_error(L, "%s() was not found in the text of the rule", row->name);
	why = read_options(L, q);
	if (why != NULL)
		return script_push_bad(L, row->name, why);
	return script_errand(L, row->name, work, q, answer);
}
