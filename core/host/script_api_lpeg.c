/* SPDX-License-Identifier: MIT */
/*
 * script_api_lpeg.c - lpeg: patterns that are built of patterns, and what they capture
 *
 * The names and what they do are those of LPeg's manual. An operator, and a function that takes
 * something for a pattern, see our objects, ask LPeg with what is in them, and make an object
 * again.
 */
#include <lauxlib.h>

#include "script_api.h"
#include "script_lpeg.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

#define REPEAT_NODES 5u /* that a repetition adds to each copy of its pattern */
#define VALUE_NODES  3u
#define VALUES_MOST  200
#define RANGES_MOST  200
#define SET_MOST     4096u

static const char *
row_name(lua_State *L)
{
	const struct script_row *row = lua_touserdata(L, lua_upvalueindex(1));

	return row->name;
}

/* LPeg's pattern and its shape are on top; the pattern at index 1 is in it. */
static int
wrap_around_first(lua_State *L)
{
	struct lpeg_info info = {0};

	script_lpeg_add_info(L, &info, 1);
	script_lpeg_wrap(L, &info);
	return 1;
}

/* LPeg's pattern is on top; it begins as the pattern at index 1 does. */
static int
wrap_like_first(lua_State *L)
{
	script_lpeg_push_shape(L, 1);
	return wrap_around_first(L);
}

/* The patterns at 1 and 2 are in it. */
static int
wrap_both(lua_State *L, bool sets_make_sets)
{
	struct lpeg_info info = {
		.is_set = sets_make_sets && script_lpeg_info(L, 1)->is_set &&
			  script_lpeg_info(L, 2)->is_set,
	};

	script_lpeg_add_info(L, &info, 1);
	script_lpeg_add_info(L, &info, 2);
	script_lpeg_wrap(L, &info);
	return 1;
}

static int
wrap_plain(lua_State *L, const char *shape, bool is_set)
{
	lua_pushstring(L, shape);
	script_lpeg_wrap(L, &(struct lpeg_info){.is_set = is_set});
	return 1;
}

/* --- operators ----------------------------------------------------------------------------------
 */

/* Makes patterns of both operands and pushes what LPeg makes of them. */
static void
operate(lua_State *L, int operator)
{
	script_lpeg_check(L, 1);
	script_lpeg_check(L, 2);
	script_lpeg_room(L, script_lpeg_nodes(L, 1) + script_lpeg_nodes(L, 2) + 2);
	script_lpeg_push_raw(L, 1);
	script_lpeg_push_raw(L, 2);
	lua_arith(L, operator);
}

static int
op_seq(lua_State *L)
{
	operate(L, LUA_OPMUL);
	script_lpeg_push_shape(L, 1);
	script_lpeg_push_shape(L, 2);
	script_lpeg_shape_seq(L);
	return wrap_both(L, false);
}

static int
op_choice(lua_State *L)
{
	operate(L, LUA_OPADD);
	script_lpeg_push_shape(L, 1);
	script_lpeg_push_shape(L, 2);
	script_lpeg_shape_choice(L);
	return wrap_both(L, true);
}

/* The first, where the second does not match. */
static int
op_but(lua_State *L)
{
	operate(L, LUA_OPSUB);
	script_lpeg_push_shape(L, 2);
	script_lpeg_shape_maybe(L);
	script_lpeg_push_shape(L, 1);
	script_lpeg_shape_seq(L);
	return wrap_both(L, true);
}

/* Lua gives both of these their operand twice. */
static int
op_not(lua_State *L)
{
	script_lpeg_room(L, script_lpeg_nodes(L, 1) + 1);
	script_lpeg_push_raw(L, 1);
	lua_arith(L, LUA_OPUNM);
	script_lpeg_push_shape(L, 1);
	script_lpeg_shape_maybe(L);
	return wrap_around_first(L);
}

/*
 * As not not: where a function of lpeg.Cmt() gave values within #p, LPeg 1.0.2 forgets them on its
 * stack, and an assertion ends the process.
 */
static int
op_and(lua_State *L)
{
	script_lpeg_room(L, script_lpeg_nodes(L, 1) + 2);
	script_lpeg_push_raw(L, 1);
	lua_arith(L, LUA_OPUNM);
	lua_arith(L, LUA_OPUNM);
	script_lpeg_push_shape(L, 1);
	script_lpeg_shape_maybe(L);
	return wrap_around_first(L);
}

/* Pushes the shape of the pattern at index 1, n times or more. */
static void
push_repeated_shape(lua_State *L, lua_Integer n)
{
	script_lpeg_push_shape(L, 1);
	script_lpeg_shape_maybe(L);
	for (; n > 0; n--) {
		script_lpeg_push_shape(L, 1);
		lua_insert(L, -2);
		script_lpeg_shape_seq(L);
	}
}

static int
op_repeat(lua_State *L)
{
	lua_Integer n = luaL_checkinteger(L, 2);
	struct lpeg_info info = {0};
	size_t copies, nodes;

	script_lpeg_check(L, 1);
	nodes = script_lpeg_nodes(L, 1) + REPEAT_NODES;
	/* More copies than any pattern has room for are as bad as one too many. */
	copies = n > -100000 && n < 100000 ? (size_t)(n < 0 ? -n : n) + 1 : 100000;
	script_lpeg_room(L, copies * nodes);
	script_lpeg_push_raw(L, 1);
	script_lpeg_repeat(L, script_lpeg_info(L, 1)->is_set, n);
	push_repeated_shape(L, n);
	script_lpeg_add_info(L, &info, 1);
	info.references *= copies;
	script_lpeg_wrap(L, &info);
	return 1;
}

/* What the captures of a pattern become. */
static int
op_become(lua_State *L)
{
	script_lpeg_check(L, 1);
	script_lpeg_room(L, script_lpeg_nodes(L, 1) + 2);
	script_lpeg_push_raw(L, 1);
	lua_pushvalue(L, 2);
	if (lua_type(L, 2) == LUA_TFUNCTION)
		script_lpeg_guard(L);
	lua_arith(L, LUA_OPDIV);
	if (lua_type(L, 2) == LUA_TSTRING)
		script_lpeg_count_values(L);
	return wrap_like_first(L);
}

/* --- patterns of values --------------------------------------------------------------------------
 */

static int
make_pattern(lua_State *L)
{
	luaL_checkany(L, 1);
	script_lpeg_check(L, 1);
	lua_settop(L, 1);
	return 1;
}

static int
make_set(lua_State *L)
{
	luaL_checkstring(L, 1);
	luaL_argcheck(L, lua_rawlen(L, 1) <= SET_MOST, 1, "a set has at most 4096 characters");
	script_lpeg_room(L, 8);
	script_lpeg_push_function(L, "S");
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	return wrap_plain(L, LPEG_TAKES, true);
}

static int
make_ranges(lua_State *L)
{
	int count = lua_gettop(L);

	luaL_argcheck(L, count <= RANGES_MOST, RANGES_MOST + 1, "at most 200 ranges");
	script_lpeg_room(L, 8);
	script_charge(L, (size_t)count * 16);
	script_lpeg_call(L, "R");
	return wrap_plain(L, LPEG_TAKES, true);
}

static int
make_reference(lua_State *L)
{
	luaL_checkany(L, 1);
	script_lpeg_room(L, 1);
	script_lpeg_push_function(L, "V");
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	script_lpeg_shape_reference(L, 1);
	script_lpeg_wrap(L, &(struct lpeg_info){.nests = true, .references = 1});
	return 1;
}

/* Alphanumeric characters and so on, as C has them. */
static int
make_locale(lua_State *L)
{
	bool given = !lua_isnoneornil(L, 1);

	if (given)
		luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	if (!given)
		lua_newtable(L);
	script_lpeg_push_function(L, "locale");
	lua_call(L, 0, 1);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		script_lpeg_room(L, 8);
		wrap_plain(L, LPEG_TAKES, true);
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_settable(L, given ? 1 : 2);
	}
	lua_pop(L, 1);
	return 1;
}

/* --- captures -----------------------------------------------------------------------------------
 */

/* Pushes LPeg's function of the row's name and its pattern, for which it has room. */
static void
begin_capture(lua_State *L)
{
	script_lpeg_check(L, 1);
	script_lpeg_room(L, script_lpeg_nodes(L, 1) + 1);
	script_lpeg_push_function(L, row_name(L));
	script_lpeg_push_raw(L, 1);
}

/*
 * When the values of lpeg.C() are asked for, LPeg makes room for those within it and not for the
 * text itself: one for each lpeg.C() around another, behind the end of Lua's stack. The call that
 * counts makes room, so it stands between them.
 */
static int
capture_text(lua_State *L)
{
	struct lpeg_info info = {0};

	lua_settop(L, 1);
	begin_capture(L);
	lua_call(L, 1, 1);
	script_lpeg_add_info(L, &info, 1);
	if (info.nests)
		script_lpeg_count_values(L);
	info.nests = true;
	script_lpeg_push_shape(L, 1);
	script_lpeg_wrap(L, &info);
	return 1;
}

/* Cs, Ct; Cg with its name. */
static int
capture(lua_State *L)
{
	lua_settop(L, 2);
	begin_capture(L);
	lua_pushvalue(L, 2);
	lua_call(L, 2, 1);
	return wrap_like_first(L);
}

static int
capture_calling(lua_State *L)
{
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	begin_capture(L);
	lua_pushvalue(L, 2);
	script_lpeg_guard(L);
	lua_call(L, 2, 1);
	return wrap_like_first(L);
}

/* LPeg asserts that there are no references to rules, even where they add nothing to a length. */
static int
behind(lua_State *L)
{
	lua_settop(L, 1);
	script_lpeg_check(L, 1);
	luaL_argcheck(L, script_lpeg_info(L, 1)->references == 0, 1,
		"pattern refers to rules of a grammar");
	script_lpeg_room(L, script_lpeg_nodes(L, 1) + 1);
	script_lpeg_push_raw(L, 1);
	lua_replace(L, 1);
	script_lpeg_call(L, "B");
	return wrap_plain(L, LPEG_NOTHING, false);
}

/* Cp, Carg, Cb, Cc: what takes no pattern. */
static void
capture_of_values(lua_State *L)
{
	int count = lua_gettop(L);

	luaL_argcheck(L, count <= VALUES_MOST, VALUES_MOST + 1, "at most 200 values");
	script_lpeg_room(L, VALUE_NODES * (size_t)count + 2);
	script_lpeg_push_function(L, row_name(L));
	lua_insert(L, 1);
	lua_call(L, count, 1);
}

static int
capture_values(lua_State *L)
{
	capture_of_values(L);
	return wrap_plain(L, LPEG_NOTHING, false);
}

static int
capture_back(lua_State *L)
{
	capture_of_values(L);
	script_lpeg_count_values(L);
	return wrap_plain(L, LPEG_NOTHING, false);
}

/* --- the rest ----------------------------------------------------------------------------------
 */

static int
type_of(lua_State *L)
{
	luaL_checkany(L, 1);
	if (script_test(L, 1, &script_class_pattern) != NULL)
		lua_pushliteral(L, "pattern");
	else
		lua_pushnil(L);
	return 1;
}

#define PATTERN "pattern: Pattern|string|number|boolean|table|function"

static const struct script_row rows[] = {
	{"B", SCRIPT_FUNCTION, .call = behind, .parameters = PATTERN, .result = "Pattern",
		.help = "matches where what is before matches; of fixed length, without captures"},
	{"C", SCRIPT_FUNCTION, .call = capture_text, .parameters = PATTERN, .result = "Pattern",
		.help = "captures the text, and what is captured in it"},
	{"Carg", SCRIPT_FUNCTION, .call = capture_values, .parameters = "n: integer",
		.result = "Pattern",
		.help = "the n-th value that was given to match() behind init"},
	{"Cb", SCRIPT_FUNCTION, .call = capture_back, .parameters = "name: any",
		.result = "Pattern", .help = "the values of the latest group of that name"},
	{"Cc", SCRIPT_FUNCTION, .call = capture_values, .parameters = "...: any",
		.result = "Pattern", .help = "these values, without any text"},
	{"Cf", SCRIPT_FUNCTION, .call = capture_calling, .parameters = PATTERN ", fold: function",
		.result = "Pattern",
		.help = "fold(...fold(first, second)..., last) of the values captured"},
	{"Cg", SCRIPT_FUNCTION, .call = capture, .parameters = PATTERN ", name?: any",
		.result = "Pattern",
		.help = "a group of values, as one; with a name a field of Ct()"},
	{"Cmt", SCRIPT_FUNCTION, .call = capture_calling, .parameters = PATTERN ", call: function",
		.result = "Pattern",
		.help = "calls with subject, position and values while matching; false: no match"},
	{"Cp", SCRIPT_FUNCTION, .call = capture_values, .parameters = "", .result = "Pattern",
		.help = "the position"},
	{"Cs", SCRIPT_FUNCTION, .call = capture, .parameters = PATTERN, .result = "Pattern",
		.help = "the text with what was captured in the place of what it was captured "
			"from"},
	{"Ct", SCRIPT_FUNCTION, .call = capture, .parameters = PATTERN, .result = "Pattern",
		.help = "a table of the values; named groups are its fields"},
	{"P", SCRIPT_FUNCTION, .call = make_pattern, .parameters = "value: any",
		.result = "Pattern",
		.help = "a text, n octets, nothing (true), a grammar (a table of rules), a "
			"function"},
	{"R", SCRIPT_FUNCTION, .call = make_ranges, .parameters = "...: string",
		.result = "Pattern",
		.help = "an octet in one of the ranges: lpeg.R(\"az\", \"09\")"},
	{"S", SCRIPT_FUNCTION, .call = make_set, .parameters = "set: string", .result = "Pattern",
		.help = "an octet of the set"},
	{"V", SCRIPT_FUNCTION, .call = make_reference, .parameters = "name: string|integer",
		.result = "Pattern", .help = "a rule of the grammar around it"},
	{"locale", SCRIPT_FUNCTION, .call = make_locale, .parameters = "t?: table",
		.result = "table", .help = "sets by name: alnum, alpha, cntrl, digit, ..."},
	{"match", SCRIPT_FUNCTION, .call = script_lpeg_match,
		.parameters = PATTERN ", subject: string, init?: integer, ...: any",
		.result = "any ...",
		.help = "what was captured, or the position behind the match; nil: it does not "
			"match at init"},
	{"type", SCRIPT_FUNCTION, .call = type_of, .parameters = "value: any",
		.result = "\"pattern\"?", .help = "whether a value is a pattern"},
};

const struct script_class script_class_lpeg = {
	.name = "lpeg",
	.what = "lpeg",
	.kind = SCRIPT_LIBRARY,
	.rows = rows,
	.row_count = COUNT(rows),
};

static const struct script_row pattern_rows[] = {
	{"match", SCRIPT_FUNCTION, .call = script_lpeg_match,
		.parameters = "subject: string, init?: integer, ...: any", .result = "any ...",
		.help = "lpeg.match() of this pattern"},
};

static const struct script_operator operators[] = {
	{"__add", op_choice, false},
	{"__div", op_become, false},
	{"__len", op_and, true},
	{"__mul", op_seq, false},
	{"__pow", op_repeat, false},
	{"__sub", op_but, false},
	{"__unm", op_not, true},
	{NULL, NULL, false},
};

const struct script_class script_class_pattern = {
	.name = "Pattern",
	.what = "pattern",
	.kind = SCRIPT_OBJECT,
	.lasting = true,
	.rows = pattern_rows,
	.row_count = COUNT(pattern_rows),
	.operators = operators,
	.values = LPEG_VALUES,
};
