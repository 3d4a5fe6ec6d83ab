/* SPDX-License-Identifier: MIT */
/*
 * script_lpeg_shape.c - what patterns may begin with, and in how many ways
 *
 * To find left recursion, and what an alternative begins with, LPeg follows references to rules
 * again and again: a rule of two references to a rule of two references, and so on, takes twice the
 * time for each. That work is C code that nothing interrupts, so its ways are counted here before.
 * The sum is linear, for each rule is looked at once. Too many ways are refused.
 *
 * A shape is in prefix order: 'c' takes an octet, 'e' may take none, '*' sequence, '|' choice, '?'
 * what may be left out, 'V' a reference (kind, length, name), 'G' a grammar (nullable, its ways).
 */
#include <lauxlib.h>
#include <string.h>

#include "script_api.h"
#include "script_lpeg.h"

#define SHAPE_MOST 4096u /* octets, of all rules together */
#define NAME_MOST  64u
#define WAYS_MOST  200u

enum { NEW, OPEN, DONE };

struct reader {
	lua_State *L;
	const char *p;		 /* a shape is well formed, so nothing asks for its end */
	struct lpeg_rule *rules; /* NULL: a reference may take nothing */
	size_t rule_count;
	bool count; /* ways, not only what is nullable */
};

struct found {
	bool nullable;
	size_t ways;
};

/* --- reading -----------------------------------------------------------------------------------
 */

static struct found read_shape(struct reader *, bool live);

static struct found
visit(struct reader *r, struct lpeg_rule *rule)
{
	struct reader inner = *r;

	if (rule->state == OPEN)
		luaL_error(r->L,
			"lpeg: left recursion: rule \"%s\" may come to itself before it takes "
			"anything",
			lua_pushlstring(r->L, rule->name + 3, rule->name_len - 3));
	if (rule->state == NEW) {
		rule->state = OPEN;
		inner.p = rule->shape;
		rule->ways = 1 + read_shape(&inner, true).ways;
		rule->state = DONE;
	}
	return (struct found){rule->nullable, rule->ways};
}

static struct found
read_reference(struct reader *r, const char *name, bool live)
{
	size_t len = 3 + (size_t)(unsigned char)name[2];

	r->p = name + len;
	if (r->rules == NULL)
		return (struct found){true, 1};
	for (size_t i = 0; i < r->rule_count; i++) {
		struct lpeg_rule *rule = &r->rules[i];

		if (rule->name_len != len || memcmp(rule->name, name, len) != 0)
			continue;
		return live && r->count ? visit(r, rule) : (struct found){rule->nullable, 1};
	}
	return (struct found){false, 1}; /* there is no such rule, and LPeg says so */
}

static struct found
read_grammar(struct reader *r)
{
	struct found f = {.nullable = r->p[0] == 'e'};

	f.ways = (size_t)(unsigned char)r->p[1] << 8 | (unsigned char)r->p[2];
	r->p += 3;
	return f;
}

static size_t
sum(struct reader *r, size_t a, size_t b)
{
	if (a + b > WAYS_MOST)
		luaL_error(r->L,
			"lpeg: there are more than %d ways through the rules of this grammar "
			"before anything is taken; let rules begin with what they take, or make "
			"patterns of some of them",
			(int)WAYS_MOST);
	return a + b;
}

/* live: LPeg would look here. */
static struct found
read_shape(struct reader *r, bool live)
{
	const char *at = r->p++;
	struct found a, b;

	switch (*at) {
	case 'V':
		return read_reference(r, at, live);
	case 'G':
		return read_grammar(r);
	case '?':
		a = read_shape(r, live);
		return (struct found){true, a.ways};
	case '|':
		a = read_shape(r, live);
		b = read_shape(r, live);
		return (struct found){a.nullable || b.nullable, sum(r, a.ways, b.ways)};
	case '*':
		a = read_shape(r, live);
		b = read_shape(r, live && a.nullable);
		return (struct found){
			a.nullable && b.nullable, a.nullable ? sum(r, a.ways, b.ways) : a.ways};
	default:
		return (struct found){*at == 'e', 1};
	}
}

/* Whatever its references are. */
static bool
takes_surely(lua_State *L, int index)
{
	struct reader r = {.L = L, .p = lua_tostring(L, index)};

	return !read_shape(&r, false).nullable;
}

/* --- combining ---------------------------------------------------------------------------------
 */

static bool
is(lua_State *L, int index, const char *shape)
{
	return strcmp(lua_tostring(L, index), shape) == 0;
}

/* Puts the operator before what the count values on top are together. */
static void
combine(lua_State *L, const char *operator, int count)
{
	lua_pushstring(L, operator);
	lua_insert(L, -count - 1);
	lua_concat(L, count + 1);
	if (lua_rawlen(L, -1) > SHAPE_MOST)
		luaL_error(L, "lpeg: a pattern names too many rules before it takes anything; let "
			      "it begin with what it takes");
}

void
script_lpeg_shape_seq(lua_State *L)
{
	script_charge(L, (lua_rawlen(L, -1) + lua_rawlen(L, -2)) / 2);
	if (is(L, -1, LPEG_NOTHING) || takes_surely(L, -2))
		lua_pop(L, 1);
	else if (is(L, -2, LPEG_NOTHING))
		lua_remove(L, -2);
	else
		combine(L, "*", 2);
}

void
script_lpeg_shape_choice(lua_State *L)
{
	bool takes = is(L, -1, LPEG_TAKES) && is(L, -2, LPEG_TAKES);

	if (lua_rawlen(L, -1) > 1 || lua_rawlen(L, -2) > 1) {
		combine(L, "|", 2);
		return;
	}
	lua_pop(L, 2);
	lua_pushstring(L, takes ? LPEG_TAKES : LPEG_NOTHING);
}

void
script_lpeg_shape_maybe(lua_State *L)
{
	if (lua_rawlen(L, -1) > 1) {
		combine(L, "?", 1);
		return;
	}
	lua_pop(L, 1);
	lua_pushliteral(L, LPEG_NOTHING);
}

void
script_lpeg_shape_reference(lua_State *L, int index)
{
	bool number = lua_type(L, index) == LUA_TNUMBER;
	char head[3] = {'V', number ? 'i' : 's', 0};
	size_t len;

	if (!lua_isinteger(L, index) && lua_type(L, index) != LUA_TSTRING)
		luaL_error(L, "lpeg: the name of a rule is a text or a whole number, not a %s",
			luaL_typename(L, index));
	lua_pushvalue(L, index);
	lua_tolstring(L, -1, &len);
	if (len > NAME_MOST)
		luaL_error(L, "lpeg: the name of a rule has at most %d characters", (int)NAME_MOST);
	head[2] = (char)len;
	lua_pushlstring(L, head, sizeof(head));
	lua_insert(L, -2);
	lua_concat(L, 2);
}

/* --- grammars ----------------------------------------------------------------------------------
 */

/* Until nothing changes; each round makes one rule nullable at least. */
static void
find_nullable(struct reader *r)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < r->rule_count; i++) {
			struct lpeg_rule *rule = &r->rules[i];

			r->p = rule->shape;
			script_charge(r->L, rule->shape_len);
			if (rule->nullable || !read_shape(r, false).nullable)
				continue;
			rule->nullable = changed = true;
		}
	}
}

void
script_lpeg_shape_grammar(lua_State *L, struct lpeg_rule *rules, size_t count)
{
	struct reader r = {.L = L, .rules = rules, .rule_count = count};
	size_t total = 0;
	char shape[4] = "G";

	for (size_t i = 0; i < count; i++)
		total += rules[i].shape_len;
	if (total > SHAPE_MOST)
		luaL_error(L, "lpeg: the rules of this grammar name too many others; let rules "
			      "begin with what they take, or make patterns of some of them");
	find_nullable(&r);
	r.count = true;
	for (size_t i = 0; i < count; i++)
		visit(&r, &rules[i]);
	shape[1] = rules[0].nullable ? 'e' : 'c';
	shape[2] = (char)(rules[0].ways >> 8);
	shape[3] = (char)rules[0].ways;
	lua_pushlstring(L, shape, sizeof(shape));
}
