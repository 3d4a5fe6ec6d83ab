/* SPDX-License-Identifier: MIT */
/*
 * script_api_store.c - store.get and its like, and ratelimit
 *
 * What a rule keeps has an end, and a store that does not answer is an error: a rule that took it
 * for "no" would let through what it was written to stop. Keys are those of all rules.
 */
#include <lauxlib.h>
#include <string.h>

#include "script_api.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define PREFIX	     "rule/"
#define SECOND_US    1e6
#define TTL_MOST     (3650.0 * 24 * 3600)
#define VALUE_MOST   65536u

/* One call, in the memory of the message. */
struct call {
	const struct cm_store *store;
	const char *what; /* for messages: "store.get" */
	const char *key;
	const char *text; /* value, or member; may hold NUL */
	size_t len;
	int64_t number, ttl_us;
	enum cm_store_status status;
	struct arena *scratch; /* of store.get: a rule may read large values often */
	const void *found;
	struct cm_limit limit;
	struct cm_limit_answer answer;
};

static struct call *
new_call(lua_State *L, const char *what)
{
	struct cm_session *s = script_session(L, what);
	struct call *c;

	script_give(L, sizeof(*c));
	c = cm_msg_alloc(s, sizeof(*c));
	c->what = what;
	c->store = script_store(L);
	if (c->store == NULL)
		luaL_error(L, "%s was not found in the text of the rule", what);
	return c;
}

static void *
copy(lua_State *L, const char *text, size_t len)
{
	char *p = cm_msg_alloc(script_session(L, "store"), len + 1);

	return memcpy(p, text, len);
}

static void
take_key(lua_State *L, struct call *c, const char *text)
{
	size_t len = strlen(text);
	char *key;

	if (len == 0)
		luaL_error(L, "%s: the key is empty", c->what);
	key = cm_msg_alloc(script_session(L, c->what), sizeof(PREFIX) + len);
	memcpy(key, PREFIX, sizeof(PREFIX) - 1);
	memcpy(key + sizeof(PREFIX) - 1, text, len);
	c->key = key;
}

/* "12h", or seconds. */
static void
take_ttl(lua_State *L, struct call *c, int arg)
{
	double seconds = 0;
	const char *why = NULL;

	if (lua_type(L, arg) == LUA_TNUMBER)
		seconds = lua_tonumber(L, arg);
	else if (lua_type(L, arg) == LUA_TSTRING)
		why = script_duration(lua_tostring(L, arg), &seconds);
	else
		luaL_error(L, "%s: argument %d says how long it is kept: \"12h\"", c->what, arg);
	if (why != NULL)
		luaL_error(L, "%s: duration \"%s\": %s (units: ms s min h d w)", c->what,
			lua_tostring(L, arg), why);
	if (!(seconds >= 1e-6 && seconds <= TTL_MOST))
		luaL_error(L, "%s: what is kept is kept for more than nothing and at most 3650d",
			c->what);
	c->ttl_us = (int64_t)(seconds * SECOND_US);
}

/* Octets, for values and members. */
static void
take_text(lua_State *L, struct call *c, int arg)
{
	const char *text = luaL_checklstring(L, arg, &c->len);

	if (c->len > VALUE_MOST)
		luaL_error(L, "%s: a value has at most %d octets", c->what, (int)VALUE_MOST);
	script_give(L, c->len);
	c->text = copy(L, text, c->len);
}

static int
check_status(lua_State *L, const struct call *c)
{
	if (c->status == CM_STORE_FULL)
		return luaL_error(L, "%s: the store has no room", c->what);
	if (c->status == CM_STORE_AWAY)
		return luaL_error(L, "%s: the store does not answer", c->what);
	return 0;
}

/* --- store -------------------------------------------------------------------------------------
 */

static void
get(struct cm_session *s, void *data)
{
	struct call *c = data;

	c->status = script_store_get(s, c->store, c->key, c->scratch, &c->found, &c->len);
}

static void
set(struct cm_session *s, void *data)
{
	struct call *c = data;

	c->status = cm_store_set(s, c->store, c->key, c->text, c->len, c->ttl_us);
}

static void delete (struct cm_session *s, void *data)
{
	struct call *c = data;

	c->status = cm_store_delete(s, c->store, c->key);
}

static void
add(struct cm_session *s, void *data)
{
	struct call *c = data;

	c->status = cm_store_add(s, c->store, c->key, c->number, c->ttl_us, &c->number);
}

static void
add_member(struct cm_session *s, void *data)
{
	struct call *c = data;

	c->status = cm_store_add_member(s, c->store, c->key, c->text, c->ttl_us, &c->number);
}

static int
give_value(lua_State *L, int status, lua_KContext context)
{
	const struct call *c = (const struct call *)context;

	(void)status;
	check_status(L, c);
	if (c->status == CM_STORE_NONE)
		lua_pushnil(L);
	else
		lua_pushlstring(L, c->found, c->len);
	script_scratch_end(c->scratch);
	return 1;
}

static int
give_nothing(lua_State *L, int status, lua_KContext context)
{
	(void)status;
	return check_status(L, (const struct call *)context);
}

static int
give_number(lua_State *L, int status, lua_KContext context)
{
	const struct call *c = (const struct call *)context;

	(void)status;
	check_status(L, c);
	lua_pushinteger(L, c->number);
	return 1;
}

static int
store_get(lua_State *L)
{
	struct call *c = new_call(L, "store.get");

	take_key(L, c, script_check_text(L, 1));
	c->scratch = script_scratch(script_session(L, c->what));
	return script_errand(L, c->what, get, c, give_value);
}

static int
store_set(lua_State *L)
{
	struct call *c = new_call(L, "store.set");

	take_key(L, c, script_check_text(L, 1));
	take_text(L, c, 2);
	take_ttl(L, c, 3);
	return script_errand(L, c->what, set, c, give_nothing);
}

static int
store_delete(lua_State *L)
{
	struct call *c = new_call(L, "store.delete");

	take_key(L, c, script_check_text(L, 1));
	return script_errand(L, c->what, delete, c, give_nothing);
}

static int
store_incr(lua_State *L)
{
	struct call *c = new_call(L, "store.incr");

	take_key(L, c, script_check_text(L, 1));
	c->number = luaL_checkinteger(L, 2);
	take_ttl(L, c, 3);
	return script_errand(L, c->what, add, c, give_number);
}

static int
store_add_to_set(lua_State *L)
{
	struct call *c = new_call(L, "store.add_to_set");
	const char *member;

	take_key(L, c, script_check_text(L, 1));
	member = script_check_text(L, 2);
	c->text = copy(L, member, strlen(member));
	take_ttl(L, c, 3);
	return script_errand(L, c->what, add_member, c, give_number);
}

static const struct script_row rows[] = {
	{"add_to_set", SCRIPT_FUNCTION, .call = store_add_to_set,
		.parameters = "key: string, member: string, ttl: string|number",
		.result = "integer",
		.help = "how many different members the set has had since its first, ttl ago at "
			"most; exact up to 64"},
	{"delete", SCRIPT_FUNCTION, .call = store_delete, .parameters = "key: string", .result = "",
		.help = "forgets the key"},
	{"get", SCRIPT_FUNCTION, .call = store_get, .parameters = "key: string",
		.result = "string?", .help = "the value; nil: there is none"},
	{"incr", SCRIPT_FUNCTION, .call = store_incr,
		.parameters = "key: string, n: integer, ttl: string|number", .result = "integer",
		.help = "adds to a counter, which begins at 0 and ends ttl after that"},
	{"set", SCRIPT_FUNCTION, .call = store_set,
		.parameters = "key: string, value: string|number, ttl: string|number", .result = "",
		.help = "keeps the value for so long: \"12h\", or seconds"},
};

const struct script_class script_class_store = {
	.name = "store",
	.what = "store",
	.kind = SCRIPT_LIBRARY,
	.store = true,
	.rows = rows,
	.row_count = COUNT(rows),
};

/* --- ratelimit{...} ------------------------------------------------------------------------------
 */

/* Nothing reads these rows but the manual and script_check_fields(). */
static const struct script_row limit_rows[] = {
	{"burst", .result = "integer?",
		.help = "at once, of the shortest limit; default: all of it"},
	{"cost", .result = "integer?", .help = "how many this counts as: 1; 0 looks only"},
	{"key", .result = "string", .help = "who or what is limited"},
	{"limit", .result = "string|string[]", .help = "\"200/1h\", or several of which all hold"},
};

const struct script_class script_class_limit = {
	.name = "Limit",
	.what = "limit",
	.kind = SCRIPT_RECORD,
	.rows = limit_rows,
	.row_count = COUNT(limit_rows),
};

static void
take_window(lua_State *L, struct call *c, int index)
{
	const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;
	struct cm_rate rate;
	const char *why;

	if (text == NULL)
		luaL_error(
			L, "ratelimit{}: limit is a text such as \"200/1h\", or a table of them");
	if (c->limit.windows == CM_LIMIT_WINDOWS)
		luaL_error(L, "ratelimit{}: at most %d limits", (int)CM_LIMIT_WINDOWS);
	why = script_rate(text, &rate);
	if (why != NULL)
		luaL_error(L, "ratelimit{}: limit \"%s\": %s", text, why);
	if (rate.count <= 0 || rate.count > CM_LIMIT_COUNT_MOST)
		luaL_error(L, "ratelimit{}: limit \"%s\": counts are 1 to %d", text,
			(int)CM_LIMIT_COUNT_MOST);
	c->limit.window[c->limit.windows++] =
		(struct cm_limit_window){.count = rate.count, .period_us = rate.period_us};
}

static void
take_limit(lua_State *L, struct call *c)
{
	if (lua_getfield(L, 1, "limit") != LUA_TTABLE) {
		take_window(L, c, -1);
		return;
	}
	for (lua_Integer i = 1; lua_geti(L, -1, i) != LUA_TNIL; i++) {
		take_window(L, c, -1);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	if (c->limit.windows == 0)
		luaL_error(L, "ratelimit{}: limit is empty");
}

/* A field that is a whole number; fallback where it is not given. */
static int64_t
take_number(lua_State *L, const char *name, int64_t least, int64_t fallback)
{
	int exact;
	lua_Integer n;

	if (lua_getfield(L, 1, name) == LUA_TNIL)
		return fallback;
	n = lua_tointegerx(L, -1, &exact);
	if (!exact || n < least || n > CM_LIMIT_COUNT_MOST)
		luaL_error(L, "ratelimit{}: %s is no number from %d to %d", name, (int)least,
			(int)CM_LIMIT_COUNT_MOST);
	return n;
}

/* A burst is about the window with the shortest period. */
static void
take_burst(lua_State *L, struct call *c)
{
	int64_t burst = take_number(L, "burst", 1, 0);
	struct cm_limit_window *shortest = c->limit.window;

	for (size_t i = 1; i < c->limit.windows; i++) {
		if (c->limit.window[i].period_us < shortest->period_us)
			shortest = &c->limit.window[i];
	}
	shortest->burst = burst;
}

/* It counts at once, and whatever becomes of the message. */
static void
take(struct cm_session *s, void *data)
{
	struct call *c = data;
	struct cm_limit_take step = {.step = CM_LIMIT_RESERVE, .cost = c->number};
	struct cm_limit_answer settled;

	if (c->number == 0)
		step = (struct cm_limit_take){.step = CM_LIMIT_LOOK, .cost = 1};
	c->status = cm_store_limit(s, c->store, c->key, &c->limit, &step, &c->answer);
	if (c->status != CM_STORE_OK || !c->answer.ok || c->number == 0)
		return;
	step = (struct cm_limit_take){.step = CM_LIMIT_COMMIT,
		.cost = c->number,
		.reserved = c->number,
		.reserved_at = c->answer.reserved_at};
	c->status = cm_store_limit(s, c->store, c->key, &c->limit, &step, &settled);
}

/* The microsecond that arithmetic adds is no second more. */
static lua_Integer
whole_seconds(int64_t us)
{
	return (us / 1000 + 999) / 1000;
}

static int
give_answer(lua_State *L, int status, lua_KContext context)
{
	const struct call *c = (const struct call *)context;
	const struct cm_limit_answer *a = &c->answer;
	/* What never fits has no time; a rule that divides by 60 needs a number. */
	int64_t retry_us = a->never ? c->limit.window[a->window].period_us : a->retry_us;

	(void)status;
	check_status(L, c);
	lua_createtable(L, 0, 5);
	lua_pushboolean(L, a->ok);
	lua_setfield(L, -2, "ok");
	lua_pushboolean(L, a->never);
	lua_setfield(L, -2, "never");
	lua_pushinteger(L, a->used);
	lua_setfield(L, -2, "used");
	lua_pushinteger(L, a->limit);
	lua_setfield(L, -2, "limit");
	lua_pushinteger(L, whole_seconds(retry_us));
	lua_setfield(L, -2, "retry_after");
	return 1;
}

int
script_ratelimit(lua_State *L)
{
	struct call *c = new_call(L, "ratelimit");
	const char *key;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	script_check_fields(L, "ratelimit{}", &script_class_limit);
	lua_getfield(L, 1, "key");
	key = script_to_text(L, -1);
	if (key == NULL)
		return luaL_error(L, "ratelimit{}: key is a %s, not a text", luaL_typename(L, -1));
	script_give(L, strlen(key));
	take_key(L, c, lua_pushfstring(L, "limit/%s", key));
	take_limit(L, c);
	take_burst(L, c);
	c->number = take_number(L, "cost", 0, 1);
	return script_errand(L, c->what, take, c, give_answer);
}
