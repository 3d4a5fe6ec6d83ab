/* SPDX-License-Identifier: MIT */
/*
 * script_lpeg.c - patterns of LPeg, built and matched within the budgets of a hook
 *
 * LPeg's machine is C code that no hook of Lua sees. So each repetition and each rule of a grammar
 * begins with a match-time capture of ours, which counts a step: between two of them LPeg does no
 * more than its pattern is long, for without a loop or a call it goes through each node at most
 * once. What a repeated set runs over is counted behind it. Values are made of captures behind the
 * match; captures that may be asked for more than once (references back, texts with %1) count as
 * well. As a rule that is called begins with such a capture, LPeg's searches for fixed lengths and
 * for captures end there, too; what its other searches cost is counted by the shapes of patterns.
 */
#include "script_lpeg.h"

#include <lauxlib.h>
#include <lua-lpeg.h>

#include "script_api.h"
#include "script_state.h"

/* Of one pattern, a grammar with all of its rules; LPeg's own numbers have 16 bits. */
#define NODES_MOST   2000u
#define NODE_SIZE    8u
#define CODE_OF_NODE 96u /* octets at most, while the code grows */
#define TEXT_MOST    (1u << 20)
/* Entries of LPeg's stack, for calls and alternatives; they are in memory of the state. */
#define STACK_MOST	2000
#define REFERENCES_MOST 64u
#define ARGUMENTS_MOST	32

/* What things cost (script_charge). */
#define BUILD_STEPS	50u
#define TICK_STEPS	15u
#define CALL_STEPS	20u
#define OCTETS_PER_STEP 8u
/*
 * To compile a pattern LPeg looks for what each part begins with, and in it again for each part;
 * 2000 nodes take 10 ms at most, and 32 ms with all the references and ways that there may be.
 */
#define NODE_PAIRS_PER_STEP 4u

/* Keys of the registry: LPeg's functions, and the tick. */
static const char functions_key, tick_key;

/* Values that a pattern keeps. */
enum { RAW = 1, READY, SHAPE };

struct pattern {
	struct lpeg_info info;
	bool compiled; /* READY is */
};

/* --- steps -------------------------------------------------------------------------------------
 */

/* Arguments: subject, position, and of a repeated set where it began. */
static int
tick(lua_State *L)
{
	lua_Integer moved = lua_isinteger(L, 3) ? lua_tointeger(L, 2) - lua_tointeger(L, 3) : 0;

	script_charge(L, TICK_STEPS + (size_t)moved / OCTETS_PER_STEP);
	lua_pushboolean(L, true);
	return 1;
}

/*
 * LPeg goes through what it has captured to find what a call is about, and nothing tells how much
 * that is: so the clock is looked at.
 */
static void
count_call(lua_State *L)
{
	script_charge(L, CALL_STEPS + (size_t)lua_gettop(L));
	if (script_out_of_time(L))
		script_charge(L, 0);
}

static int
counter(lua_State *L)
{
	count_call(L);
	return lua_gettop(L);
}

/* Upvalue: the function. */
static int
guarded(lua_State *L)
{
	count_call(L);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

void
script_lpeg_guard(lua_State *L)
{
	lua_pushcclosure(L, guarded, 1);
}

void
script_lpeg_count_values(lua_State *L)
{
	lua_pushcfunction(L, counter);
	lua_arith(L, LUA_OPDIV);
}

void
script_lpeg_push_function(lua_State *L, const char *name)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_key);
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
}

int
script_lpeg_call(lua_State *L, const char *name)
{
	lua_CFunction call;

	script_lpeg_push_function(L, name);
	call = lua_tocfunction(L, -1);
	lua_pop(L, 1);
	return call(L);
}

/* --- patterns ----------------------------------------------------------------------------------
 */

static struct pattern *
pattern_at(lua_State *L, int index)
{
	const struct script_object *o = script_test(L, index, &script_class_pattern);

	return o == NULL ? NULL : (struct pattern *)(uintptr_t)o->data;
}

const struct lpeg_info *
script_lpeg_info(lua_State *L, int index)
{
	return &pattern_at(L, index)->info;
}

void
script_lpeg_push_raw(lua_State *L, int index)
{
	lua_getiuservalue(L, index, RAW);
}

void
script_lpeg_push_shape(lua_State *L, int index)
{
	lua_getiuservalue(L, index, SHAPE);
}

size_t
script_lpeg_nodes(lua_State *L, int index)
{
	size_t size;

	lua_getiuservalue(L, index, RAW);
	size = lua_rawlen(L, -1);
	lua_pop(L, 1);
	return size / NODE_SIZE;
}

void
script_lpeg_room(lua_State *L, size_t nodes)
{
	if (nodes > NODES_MOST)
		luaL_error(L,
			"lpeg: this pattern has more than %d nodes; make it simpler, or match its "
			"parts one after the other",
			(int)NODES_MOST);
	script_charge(L, BUILD_STEPS + nodes / 2);
}

void
script_lpeg_few_references(lua_State *L, size_t count)
{
	if (count > REFERENCES_MOST)
		luaL_error(L,
			"lpeg: more than %d references to rules in one pattern; make patterns of "
			"rules that do not call themselves, and use those",
			(int)REFERENCES_MOST);
}

void
script_lpeg_wrap(lua_State *L, const struct lpeg_info *info)
{
	struct pattern *p;

	script_lpeg_few_references(L, info->references);
	p = script_push_new(L, &script_class_pattern, sizeof(*p));
	p->info = *info;
	lua_insert(L, -3);
	lua_setiuservalue(L, -3, SHAPE);
	lua_setiuservalue(L, -2, RAW);
}

void
script_lpeg_add_info(lua_State *L, struct lpeg_info *sum, int index)
{
	const struct lpeg_info *one = script_lpeg_info(L, index);

	sum->nests = sum->nests || one->nests;
	sum->references += one->references;
	if (one->ways > sum->ways)
		sum->ways = one->ways;
}

void
script_lpeg_tick(lua_State *L)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &tick_key);
	lua_insert(L, -2);
	lua_arith(L, LUA_OPMUL);
}

void
script_lpeg_repeat(lua_State *L, bool is_set, lua_Integer n)
{
	if (n >= 0 && !is_set)
		script_lpeg_tick(L);
	lua_pushinteger(L, n);
	lua_arith(L, LUA_OPPOW);
	if (n < 0 || !is_set)
		return;
	script_lpeg_push_function(L, "Cmt");
	script_lpeg_push_function(L, "Cp");
	lua_call(L, 0, 1);
	lua_rotate(L, -3, -1);
	lua_arith(L, LUA_OPMUL);
	lua_pushcfunction(L, tick);
	lua_call(L, 2, 1);
}

/* --- what stands for a pattern ------------------------------------------------------------------
 */

/* LPeg's pattern for the value on top, in its place. */
static void
make_raw(lua_State *L)
{
	script_lpeg_push_function(L, "P");
	lua_insert(L, -2);
	lua_call(L, 1, 1);
}

static void
make_simple(lua_State *L, int arg, const char *shape, bool is_set)
{
	lua_pushvalue(L, arg);
	make_raw(L);
	lua_pushstring(L, shape);
	script_lpeg_wrap(L, &(struct lpeg_info){.is_set = is_set});
	lua_replace(L, arg);
}

static void
make_number(lua_State *L, int arg)
{
	lua_Integer n = luaL_checkinteger(L, arg);

	script_lpeg_room(L, n > -(lua_Integer)NODES_MOST && n < (lua_Integer)NODES_MOST
				    ? 2 * (size_t)(n < 0 ? -n : n)
				    : NODES_MOST + 1);
	make_simple(L, arg, n > 0 ? LPEG_TAKES : LPEG_NOTHING, n == 1);
}

static void
make_function(lua_State *L, int arg)
{
	lua_pushvalue(L, arg);
	script_lpeg_guard(L);
	lua_replace(L, arg);
	make_simple(L, arg, LPEG_NOTHING, false);
}

void
script_lpeg_check(lua_State *L, int arg)
{
	size_t len;

	switch (lua_type(L, arg)) {
	case LUA_TSTRING:
		len = lua_rawlen(L, arg);
		script_lpeg_room(L, 2 * len);
		make_simple(L, arg, len > 0 ? LPEG_TAKES : LPEG_NOTHING, len == 1);
		break;
	case LUA_TNUMBER:
		make_number(L, arg);
		break;
	case LUA_TBOOLEAN:
		make_simple(L, arg, lua_toboolean(L, arg) ? LPEG_NOTHING : LPEG_TAKES, false);
		break;
	case LUA_TFUNCTION:
		make_function(L, arg);
		break;
	case LUA_TTABLE:
		script_lpeg_grammar(L, arg);
		break;
	default:
		script_check(L, arg, &script_class_pattern);
	}
}

/* --- matching ----------------------------------------------------------------------------------
 */

/* Upvalue: the pattern. LPeg has compiled it, or this would not be called. */
static int
note_compiled(lua_State *L)
{
	pattern_at(L, lua_upvalueindex(1))->compiled = true;
	lua_pushboolean(L, true);
	return 1;
}

/*
 * For its code LPeg asks the allocator itself, which collects nothing, and where that has none, the
 * error is one like any other. So it is asked for here first.
 */
static void
make_room_for_code(lua_State *L, size_t size)
{
	const struct script_memory *m = &script_state_of(L)->memory;

	if (m->limit - m->used >= size)
		return;
	lua_gc(L, LUA_GCCOLLECT);
	if (m->limit - m->used < size)
		lua_newuserdatauv(L, size, 0); /* raises */
}

/*
 * Pushes what is matched of the pattern at index 1. LPeg compiles it at the first match; where
 * memory ends meanwhile, LPeg keeps half of the code, and would run it next time. So that is done
 * with a pattern that is thrown away until it was compiled.
 */
static void
push_ready(lua_State *L, const struct pattern *p)
{
	size_t nodes = script_lpeg_nodes(L, 1);

	if (p->compiled) {
		lua_getiuservalue(L, 1, READY);
		return;
	}
	script_charge(
		L, nodes * nodes / NODE_PAIRS_PER_STEP + nodes * p->info.references * p->info.ways);
	script_lpeg_push_function(L, "Cmt");
	lua_pushboolean(L, true);
	lua_pushvalue(L, 1);
	lua_pushcclosure(L, note_compiled, 1);
	lua_call(L, 2, 1);
	script_lpeg_push_raw(L, 1);
	lua_arith(L, LUA_OPMUL);
	lua_pushvalue(L, -1);
	lua_setiuservalue(L, 1, READY);
	make_room_for_code(L, nodes * CODE_OF_NODE);
}

int
script_lpeg_match(lua_State *L)
{
	size_t len;

	script_lpeg_check(L, 1);
	luaL_checklstring(L, 2, &len);
	luaL_argcheck(L, len <= TEXT_MOST, 2, "a text has at most 1048576 octets");
	luaL_optinteger(L, 3, 1);
	luaL_argcheck(L, lua_gettop(L) <= 3 + ARGUMENTS_MOST, 4 + ARGUMENTS_MOST,
		"at most 32 values for lpeg.Carg()");
	script_lpeg_push_function(L, "match");
	push_ready(L, pattern_at(L, 1));
	lua_replace(L, 1);
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

void
script_lpeg_open(lua_State *L)
{
	lua_pushcfunction(L, luaopen_lpeg);
	lua_call(L, 0, 1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &functions_key);
	script_lpeg_push_function(L, "setmaxstack");
	lua_pushinteger(L, STACK_MOST);
	lua_call(L, 1, 0);
	script_lpeg_push_function(L, "Cmt");
	lua_pushboolean(L, true);
	lua_pushcfunction(L, tick);
	lua_call(L, 2, 1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &tick_key);
}
