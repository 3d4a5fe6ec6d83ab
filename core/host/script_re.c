/* SPDX-License-Identifier: MIT */
/*
 * script_re.c - Perl's expressions, searched by PCRE2 within the budgets of a hook
 *
 * PCRE2 backtracks, and its own limits hold for each place where a match may begin, not for the
 * whole text. So it is told to call back before each item of the expression: there steps are
 * counted and the clocks of the hook are looked at. Its memory is the rule's; as Lua does for its
 * own, garbage is collected where there is none, and all is tried again. Nothing raises while PCRE2
 * runs.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "script_re.h"

#include <lauxlib.h>
#include <pcre2.h>
#include <string.h>

#include "script_budget.h"

/* What one search may do: so much, and so much for each octet of the text. */
#define STEPS_BASE  1000000u
#define STEPS_OCTET 16u
/* PCRE2's own limits: of one place where a match may begin, and of what waits to be tried. */
#define MATCH_LIMIT 1000000u
#define DEPTH_LIMIT 250000u
#define HEAP_KB	    8192u
/* Between two steps PCRE2 reads the text at most once; so much of it between two looks. */
#define OCTETS_BETWEEN_LOOKS (1u << 20)
#define STEPS_BETWEEN_LOOKS  4096u

#define EXPRESSION_MOST	 4096u
#define TEXT_MOST	 (1u << 20)
#define SEARCH_STEPS	 50u
#define COMPILE_STEPS	 200u /* and some for each octet of the expression */
#define QUOTED_MOST	 80   /* octets of an expression in messages */
#define EXPRESSIONS_KEPT 64

/* Keys of the registry: compiled expressions, and the metatable of one. */
static const char cache_key, code_key;

/* A compiled expression; its userdata has the metatable at code_key. */
struct expression {
	pcre2_code *code;
};

/* --- memory --------------------------------------------------------------------------------------
 */

/* Stands before each block: Lua's allocator wants to know how large it was. */
union block {
	size_t size;
	lua_Number number;
	void *pointer;
};

/* data is the main thread of the state, which lives as long as the state. */
static void *
take(PCRE2_SIZE size, void *data)
{
	void *context;
	lua_Alloc allocate = lua_getallocf(data, &context);
	union block *b;

	if (size > SIZE_MAX - sizeof(*b))
		return NULL;
	size += sizeof(*b);
	b = allocate(context, NULL, 0, size);
	if (b == NULL)
		return NULL;
	b->size = size;
	return b + 1;
}

static void
give_back(void *at, void *data)
{
	void *context;
	lua_Alloc allocate = lua_getallocf(data, &context);
	union block *b = at == NULL ? NULL : (union block *)at - 1;

	if (b != NULL)
		allocate(context, b, b->size, 0);
}

static pcre2_general_context *
new_context(lua_State *L)
{
	lua_State *main;

	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
	main = lua_tothread(L, -1);
	lua_pop(L, 1);
	return pcre2_general_context_create(take, give_back, main);
}

/* --- compiling -----------------------------------------------------------------------------------
 */

static int
free_expression(lua_State *L)
{
	struct expression *e = lua_touserdata(L, 1);

	pcre2_code_free(e->code);
	e->code = NULL;
	return 0;
}

/* "(*UTF)" among what an expression may begin with. */
static bool
wants_utf(const char *pattern)
{
	while (strncmp(pattern, "(*", 2) == 0) {
		if (strncmp(pattern, "(*UTF)", 6) == 0)
			return true;
		pattern += strcspn(pattern, ")");
		pattern += *pattern != '\0';
	}
	return false;
}

/* Pushes the expression as people read it: its beginning where it is long. */
static const char *
push_quoted(lua_State *L, const char *pattern)
{
	size_t len = strlen(pattern);

	lua_pushlstring(L, pattern, len > QUOTED_MOST ? QUOTED_MOST : len);
	return lua_pushfstring(L, "\"%s%s\"", lua_tostring(L, -1), len > QUOTED_MOST ? "..." : "");
}

static void
refuse_expression(lua_State *L, const struct re_search *s, int error, PCRE2_SIZE offset)
{
	PCRE2_UCHAR why[160];

	pcre2_get_error_message(error, why, sizeof(why));
	luaL_error(L, "%s: expression %s: %s at character %d", s->what, push_quoted(L, s->pattern),
		(const char *)why, (int)offset + 1);
}

/* Invalid octets of a text are what no expression matches, not an error: texts are hostile. */
static int
try_to_compile(lua_State *L, const struct re_search *s, struct expression *e, PCRE2_SIZE *offset)
{
	uint32_t options = PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C |
			   (s->utf ? PCRE2_MATCH_INVALID_UTF : 0);
	pcre2_general_context *memory = new_context(L);
	pcre2_compile_context *context =
		memory == NULL ? NULL : pcre2_compile_context_create(memory);
	int error = PCRE2_ERROR_HEAP_FAILED;

	if (context != NULL)
		e->code = pcre2_compile((PCRE2_SPTR)s->pattern, PCRE2_ZERO_TERMINATED, options,
			&error, offset, context);
	pcre2_compile_context_free(context);
	pcre2_general_context_free(memory);
	return error;
}

static void
compile(lua_State *L, const struct re_search *s, struct expression *e)
{
	PCRE2_SIZE offset = 0;
	int error = try_to_compile(L, s, e, &offset);

	if (e->code == NULL && error == PCRE2_ERROR_HEAP_FAILED) {
		lua_gc(L, LUA_GCCOLLECT);
		error = try_to_compile(L, s, e, &offset);
	}
	if (e->code == NULL && error == PCRE2_ERROR_HEAP_FAILED)
		luaL_error(L, "%s: no memory", s->what);
	else if (e->code == NULL)
		refuse_expression(L, s, error, offset);
}

/* The oldest of them goes where there are many: a rule may make expressions of what it reads. */
static void
remember(lua_State *L, int cache, int code)
{
	lua_Integer next;

	lua_rawgeti(L, cache, 0);
	next = lua_tointeger(L, -1) % EXPRESSIONS_KEPT + 1;
	lua_pop(L, 1);
	if (lua_rawgeti(L, cache, next) == LUA_TSTRING) {
		lua_pushnil(L);
		lua_rawset(L, cache);
	} else {
		lua_pop(L, 1);
	}
	lua_pushvalue(L, 2);
	lua_rawseti(L, cache, next);
	lua_pushinteger(L, next);
	lua_rawseti(L, cache, 0);
	lua_pushvalue(L, 2);
	lua_pushvalue(L, code);
	lua_rawset(L, cache);
}

static void
push_cache(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
}

/* It is whole before anybody can find it: what follows may raise. */
static void
push_metatable(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &code_key) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, free_expression);
	lua_setfield(L, -2, "__gc");
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &code_key);
}

/* Leaves the compiled expression of argument 2 on the stack. */
static void
push_expression(lua_State *L, struct re_search *s, size_t pattern_len)
{
	struct expression *e;
	int cache;

	push_cache(L);
	cache = lua_gettop(L);
	lua_pushvalue(L, 2);
	if (lua_rawget(L, cache) == LUA_TUSERDATA) {
		s->code = ((struct expression *)lua_touserdata(L, -1))->code;
		return;
	}
	lua_pop(L, 1);
	script_charge(L, COMPILE_STEPS + 4 * pattern_len);
	e = lua_newuserdatauv(L, sizeof(*e), 0);
	e->code = NULL;
	push_metatable(L);
	lua_setmetatable(L, -2);
	compile(L, s, e);
	remember(L, cache, cache + 1);
	s->code = e->code;
}

void
script_re_begin(lua_State *L, struct re_search *s, const char *what)
{
	size_t pattern_len;

	*s = (struct re_search){.what = what, .L = L};
	s->text = luaL_checklstring(L, 1, &s->len);
	s->pattern = luaL_checklstring(L, 2, &pattern_len);
	luaL_argcheck(L, s->len <= TEXT_MOST, 1, "a text has at most 1048576 octets");
	luaL_argcheck(L, strlen(s->pattern) == pattern_len, 2,
		"the expression holds a NUL character; write \\0");
	luaL_argcheck(
		L, pattern_len <= EXPRESSION_MOST, 2, "an expression has at most 4096 characters");
	s->utf = wants_utf(s->pattern);
	push_expression(L, s, pattern_len);
	pcre2_pattern_info(s->code, PCRE2_INFO_CAPTURECOUNT, &s->captures);
	if (s->captures > RE_CAPTURES)
		luaL_error(L, "%s: expression %s: at most %d groups may capture", what,
			push_quoted(L, s->pattern), (int)RE_CAPTURES);
	s->between_looks = OCTETS_BETWEEN_LOOKS / (s->len + 64) + 1;
	if (s->between_looks > STEPS_BETWEEN_LOOKS)
		s->between_looks = STEPS_BETWEEN_LOOKS;
}

/* --- searching -----------------------------------------------------------------------------------
 */

/* PCRE2 is about to try an item. Anything but 0 ends the search. */
static int
step(pcre2_callout_block *block, void *data)
{
	struct re_search *s = data;

	(void)block;
	if (--s->steps_left == 0)
		return PCRE2_ERROR_MATCHLIMIT;
	if (--s->until_look > 0)
		return 0;
	s->until_look = s->between_looks;
	return script_out_of_time(s->L) ? PCRE2_ERROR_CALLOUT : 0;
}

/* A result of PCRE2, or that there was no memory. */
static int
try_to_run(struct re_search *s, size_t at, uint32_t options)
{
	pcre2_general_context *memory = new_context(s->L);
	pcre2_match_context *context = memory == NULL ? NULL : pcre2_match_context_create(memory);
	pcre2_match_data *found =
		context == NULL ? NULL : pcre2_match_data_create(RE_CAPTURES + 1, memory);
	int result = PCRE2_ERROR_NOMEMORY;

	if (found != NULL) {
		pcre2_set_callout(context, step, s);
		pcre2_set_match_limit(context, MATCH_LIMIT);
		pcre2_set_depth_limit(context, DEPTH_LIMIT);
		pcre2_set_heap_limit(context, HEAP_KB);
		result = pcre2_match(
			s->code, (PCRE2_SPTR)s->text, s->len, at, options, found, context);
	}
	if (result > 0)
		memcpy(s->spans, pcre2_get_ovector_pointer(found),
			2 * (s->captures + 1) * sizeof(*s->spans));
	pcre2_match_data_free(found);
	pcre2_match_context_free(context);
	pcre2_general_context_free(memory);
	return result;
}

static int
run(struct re_search *s, size_t at, uint32_t options)
{
	int result = try_to_run(s, at, options);

	if (result != PCRE2_ERROR_NOMEMORY)
		return result;
	lua_gc(s->L, LUA_GCCOLLECT);
	return try_to_run(s, at, options);
}

static void
refuse_text(lua_State *L, const struct re_search *s, int result)
{
	PCRE2_UCHAR why[160];

	switch (result) {
	case PCRE2_ERROR_MATCHLIMIT:
		luaL_error(L, "%s: expression %s takes too many steps on a text of %d octets",
			s->what, push_quoted(L, s->pattern), (int)s->len);
		break;
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
	case PCRE2_ERROR_NOMEMORY:
		luaL_error(L, "%s: expression %s takes too much memory on a text of %d octets",
			s->what, push_quoted(L, s->pattern), (int)s->len);
		break;
	default:
		pcre2_get_error_message(result, why, sizeof(why));
		luaL_error(L, "%s: expression %s: %s", s->what, push_quoted(L, s->pattern),
			(const char *)why);
	}
}

bool
script_re_next(struct re_search *s, size_t at, bool before)
{
	lua_State *L = s->L;
	int result;

	s->steps_left = STEPS_BASE + STEPS_OCTET * s->len;
	s->until_look = s->between_looks;
	result = run(s, at, before ? PCRE2_NOTEMPTY_ATSTART : 0);
	/*
	 * What no step told: PCRE2 looks for what a match must begin with, and reads all of a
	 * text that may be UTF-8. Raises where the time is over.
	 */
	script_charge(L, SEARCH_STEPS + s->len / (s->utf ? 16 : 256));
	if (result < 0 && result != PCRE2_ERROR_NOMATCH)
		refuse_text(L, s, result);
	return result > 0;
}
