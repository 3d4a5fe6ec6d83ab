/* SPDX-License-Identifier: MIT */
/*
 * script_lpeg_grammar.c - a table of rules becomes a grammar of LPeg
 *
 * Each rule gets a step before it. What LPeg does to check a grammar is known from the shapes of
 * its rules, before it does it.
 */
#include <lauxlib.h>
#include <string.h>

#include "script_api.h"
#include "script_lpeg.h"

#define RULES_MOST	   64u
#define RULE_NODES	   6u /* of its own, and a step */
#define NODE_WAYS_PER_STEP 16u

/* A table of rules that becomes a grammar. */
struct grammar {
	struct lpeg_rule rules[RULES_MOST];
	struct lpeg_info info;
	size_t count, nodes;
	int source, made, kept; /* stack: the rule's table, LPeg's, texts that rules point to */
	const char *first;
	size_t first_len;
};

/* A text at index 1 names the first rule; else that is the one at index 1. */
static bool
names_first(lua_State *L)
{
	return lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1 && lua_type(L, -1) == LUA_TSTRING;
}

static void
find_first(lua_State *L, struct grammar *g)
{
	lua_pushinteger(L, 1);
	lua_rawgeti(L, g->source, 1);
	if (!names_first(L))
		lua_pop(L, 1);
	script_lpeg_shape_reference(L, lua_gettop(L));
	g->first = lua_tolstring(L, -1, &g->first_len);
	lua_rawseti(L, g->kept, 0);
	lua_settop(L, g->kept);
}

/* Key and pattern are on top and stay. */
static void
take_rule(lua_State *L, struct grammar *g)
{
	struct lpeg_rule *rule = &g->rules[g->count++];
	int pattern = lua_gettop(L);

	script_lpeg_shape_reference(L, pattern - 1);
	rule->name = lua_tolstring(L, -1, &rule->name_len);
	lua_rawseti(L, g->kept, (lua_Integer)g->count);
	script_lpeg_push_shape(L, pattern);
	rule->shape = lua_tolstring(L, -1, &rule->shape_len);
	lua_pop(L, 1); /* the pattern keeps it, and the table that */
	g->nodes += script_lpeg_nodes(L, pattern) + RULE_NODES;
	script_lpeg_add_info(L, &g->info, pattern);
	lua_pushvalue(L, pattern - 1);
	script_lpeg_push_raw(L, pattern);
	script_lpeg_tick(L);
	lua_rawset(L, g->made);
}

static void
take_rules(lua_State *L, struct grammar *g)
{
	lua_pushnil(L);
	for (; lua_next(L, g->source); lua_pop(L, 1)) {
		const char *type = luaL_typename(L, -1);

		if (names_first(L)) {
			lua_pushvalue(L, -1);
			lua_rawseti(L, g->made, 1);
			continue;
		}
		if (script_test(L, -1, &script_class_pattern) == NULL)
			luaL_error(L, "lpeg: rule \"%s\" is a %s and no pattern",
				script_tostring(L, -2, NULL), type);
		if (g->count == RULES_MOST)
			luaL_error(L,
				"lpeg: a grammar has at most %d rules; make patterns of some of "
				"them",
				(int)RULES_MOST);
		take_rule(L, g);
	}
}

static void
put_first(lua_State *L, struct grammar *g)
{
	for (size_t i = 0; i < g->count; i++) {
		struct lpeg_rule rule = g->rules[i];

		if (rule.name_len != g->first_len ||
			memcmp(rule.name, g->first, rule.name_len) != 0)
			continue;
		g->rules[i] = g->rules[0];
		g->rules[0] = rule;
		return;
	}
	luaL_error(L, "lpeg: the grammar has no rule \"%s\" to begin with",
		lua_pushlstring(L, g->first + 3, g->first_len - 3));
}

void
script_lpeg_grammar(lua_State *L, int arg)
{
	struct grammar g = {.source = arg, .info.nests = true};

	luaL_checkstack(L, 16, NULL);
	lua_newtable(L);
	g.made = lua_gettop(L);
	lua_newtable(L);
	g.kept = lua_gettop(L);
	find_first(L, &g);
	take_rules(L, &g);
	put_first(L, &g);
	script_lpeg_room(L, g.nodes);
	script_lpeg_few_references(L, g.info.references);
	script_lpeg_shape_grammar(L, g.rules, g.count);
	for (size_t i = 0; i < g.count; i++) {
		if (g.rules[i].ways > g.info.ways)
			g.info.ways = g.rules[i].ways;
	}
	script_charge(L, g.nodes * g.info.ways / NODE_WAYS_PER_STEP);
	script_lpeg_push_function(L, "P");
	lua_pushvalue(L, g.made);
	lua_call(L, 1, 1);
	lua_insert(L, -2);
	script_lpeg_wrap(L, &g.info);
	lua_replace(L, arg);
	lua_settop(L, g.made - 1);
}
