/* SPDX-License-Identifier: MIT */
/*
 * script_api_json.c - json.decode and json.encode, by jansson
 *
 * What jansson makes is not counted as the rule's memory, so texts and values have limits here, and
 * the tree is gone when the call ends, however it ends. Texts are octets in Lua and UTF-8 in JSON:
 * octets that are none become U+FFFD, for mail may hold anything.
 */
#include <jansson.h>
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "script_api.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

#define TEXT_MOST  (256u << 10) /* octets that are decoded */
#define DEPTH_MOST 64
/* What is encoded: octets of its texts, and so much for each value. */
#define SIZE_MOST    (1u << 20)
#define VALUE_OCTETS 16u
/* What things cost (script_charge). */
#define VALUE_STEPS 10u
#define DIGITS	    15
#define REPLACEMENT "\xef\xbf\xbd"

/* Key of the registry: the metatable of tables that are arrays when empty. */
static const char array_key;

static void
drop(void *root)
{
	json_decref(root);
}

/* Makes the table on top of the stack an array, also while it is empty. */
static void
mark_array(lua_State *L)
{
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_createtable(L, 0, 1);
		lua_pushboolean(L, false);
		lua_setfield(L, -2, "__metatable");
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &array_key);
	}
	lua_setmetatable(L, -2);
}

static bool
is_marked(lua_State *L, int table)
{
	bool marked;

	if (!lua_getmetatable(L, table))
		return false;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
	marked = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return marked;
}

static int
make_array(lua_State *L)
{
	if (lua_isnoneornil(L, 1)) {
		lua_settop(L, 0);
		lua_newtable(L);
	}
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	if (lua_getmetatable(L, 1) && !is_marked(L, 1))
		return luaL_error(L, "json.array: the table has a metatable");
	lua_settop(L, 1);
	mark_array(L);
	return 1;
}

static int
push_null(lua_State *L, const struct script_object *o)
{
	(void)o;
	lua_pushlightuserdata(L, NULL);
	return 1;
}

/* --- decoding ------------------------------------------------------------------------------------
 */

static void push_value(lua_State *, const json_t *);

/* The text opens more brackets than may be open. */
static bool
too_deep(const char *text, size_t len)
{
	bool quoted = false;
	int depth = 0;

	for (size_t i = 0; i < len && depth <= DEPTH_MOST; i++) {
		if (text[i] == '"')
			quoted = !quoted;
		else if (quoted)
			i += text[i] == '\\';
		else if (text[i] == '[' || text[i] == '{')
			depth++;
		else if (text[i] == ']' || text[i] == '}')
			depth--;
	}
	return depth > DEPTH_MOST;
}

static void
push_array(lua_State *L, const json_t *v)
{
	size_t count = json_array_size(v);

	lua_createtable(L, (int)count, 0);
	if (count == 0)
		mark_array(L);
	for (size_t i = 0; i < count; i++) {
		push_value(L, json_array_get(v, i));
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
}

static void
push_object(lua_State *L, json_t *v)
{
	lua_createtable(L, 0, (int)json_object_size(v));
	for (void *i = json_object_iter(v); i != NULL; i = json_object_iter_next(v, i)) {
		lua_pushlstring(L, json_object_iter_key(i), json_object_iter_key_len(i));
		push_value(L, json_object_iter_value(i));
		lua_rawset(L, -3);
	}
}

static void
push_value(lua_State *L, const json_t *v)
{
	script_charge(L, VALUE_STEPS);
	luaL_checkstack(L, 4, NULL);
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		push_object(L, (json_t *)(uintptr_t)v);
		break;
	case JSON_ARRAY:
		push_array(L, v);
		break;
	case JSON_STRING:
		lua_pushlstring(L, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		lua_pushinteger(L, json_integer_value(v));
		break;
	case JSON_REAL:
		lua_pushnumber(L, json_real_value(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		lua_pushboolean(L, json_is_true(v));
		break;
	case JSON_NULL:
		push_null(L, NULL);
		break;
	}
}

/* What a hostile text holds is no error of the rule: nil and why. */
static int
decode(lua_State *L)
{
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	json_error_t error;
	void **root;

	if (len > TEXT_MOST) {
		lua_pushnil(L);
		lua_pushfstring(L, "the text is longer than %d octets", (int)TEXT_MOST);
		return 2;
	}
	script_charge(L, len);
	if (too_deep(text, len)) {
		lua_pushnil(L);
		lua_pushfstring(L, "values are nested deeper than %d", DEPTH_MOST);
		return 2;
	}
	root = script_hold(L, "json.decode", drop);
	*root = json_loadb(
		text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (*root == NULL) {
		lua_pushnil(L);
		lua_pushfstring(
			L, "line %d, character %d: %s", error.line, error.column, error.text);
		return 2;
	}
	push_value(L, *root);
	return 1;
}

/* --- encoding ------------------------------------------------------------------------------------
 */

/* Where a value goes. Each is put there before it is filled, so that all hang on the root. */
struct place {
	void **root;
	json_t *parent; /* NULL: it is the root */
	const char *key;
	size_t key_len;
};

static void
count(lua_State *L, size_t *size, size_t octets)
{
	*size += octets + VALUE_OCTETS;
	if (*size > SIZE_MOST)
		luaL_error(L, "json.encode: more than %d octets", (int)SIZE_MOST);
	script_charge(L, VALUE_STEPS + octets / 8);
}

static json_t *
put(lua_State *L, const struct place *at, json_t *v)
{
	int failed = 0;

	/* A failure drops v, too; so does NULL fail. */
	if (at->parent == NULL)
		*at->root = v;
	else if (json_is_array(at->parent))
		failed = json_array_append_new(at->parent, v);
	else
		failed = json_object_setn_new_nocheck(at->parent, at->key, at->key_len, v);
	if (v == NULL || failed != 0)
		luaL_error(L, "json.encode: no memory");
	return v;
}

/* Replaces the text on top of the stack by one that is UTF-8. */
static const char *
to_utf8(lua_State *L, size_t *len)
{
	const char *text = lua_tolstring(L, -1, len);
	size_t good = script_utf8_valid(text, *len);
	luaL_Buffer b;

	if (good == *len)
		return text;
	luaL_buffinit(L, &b);
	for (size_t i = 0; i < *len; i += good + 1) {
		good = script_utf8_valid(text + i, *len - i);
		luaL_addlstring(&b, text + i, good);
		if (i + good < *len && text[i + good] == '\0')
			luaL_addchar(&b, '\0');
		else if (i + good < *len)
			luaL_addstring(&b, REPLACEMENT);
	}
	luaL_pushresult(&b);
	lua_replace(L, -2);
	return lua_tolstring(L, -1, len);
}

static void encode_value(lua_State *, const struct place *, size_t *size, int depth);

static void
encode_array(lua_State *L, void **root, json_t *v, size_t *size, int depth)
{
	struct place at = {.root = root, .parent = v};
	lua_Integer len = (lua_Integer)lua_rawlen(L, -1);
	lua_Integer keys = 0;

	for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
		script_charge(L, 1);
		keys++;
	}
	if (keys != len)
		luaL_error(L, "json.encode: a table has either the keys 1 to n or names, not both, "
			      "and no holes; json.null stands for nothing");
	for (lua_Integer i = 1; i <= len; i++) {
		lua_rawgeti(L, -1, i);
		encode_value(L, &at, size, depth);
		lua_pop(L, 1);
	}
}

static void
encode_object(lua_State *L, void **root, json_t *v, size_t *size, int depth)
{
	struct place at = {.root = root, .parent = v};

	lua_pushnil(L);
	while (lua_next(L, -2)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L,
				"json.encode: a key is a %s; a table has names or the keys 1 to n",
				luaL_typename(L, -2));
		lua_pushvalue(L, -2);
		at.key = to_utf8(L, &at.key_len);
		count(L, size, at.key_len);
		lua_insert(L, -2); /* name, key, value */
		encode_value(L, &at, size, depth);
		lua_pop(L, 2);
	}
}

/* Replaces the table on top of the stack, where pairs() shows another, by a copy of that. */
static void
show(lua_State *L, size_t *size)
{
	int table = lua_gettop(L);

	if (luaL_getmetafield(L, table, "__pairs") == LUA_TNIL)
		return;
	lua_pushvalue(L, table);
	lua_call(L, 1, 3);
	lua_newtable(L); /* function, state, key, copy */
	lua_insert(L, table + 1);
	for (;;) {
		lua_pushvalue(L, table + 2);
		lua_pushvalue(L, table + 3);
		lua_pushvalue(L, table + 4);
		lua_call(L, 2, 2);
		if (lua_isnil(L, -2))
			break;
		count(L, size, 0);
		lua_pushvalue(L, -2);
		lua_replace(L, table + 4);
		lua_rawset(L, table + 1);
	}
	lua_settop(L, table + 1);
	lua_replace(L, table);
}

static void
encode_table(lua_State *L, const struct place *at, size_t *size, int depth)
{
	bool array = is_marked(L, -1);
	json_t *v;

	luaL_checkstack(L, 12, NULL);
	if (depth == DEPTH_MOST)
		luaL_error(L, "json.encode: tables are nested deeper than %d, or in themselves",
			DEPTH_MOST);
	show(L, size);
	array = array || lua_rawlen(L, -1) > 0;
	v = put(L, at, array ? json_array() : json_object());
	if (array)
		encode_array(L, at->root, v, size, depth + 1);
	else
		encode_object(L, at->root, v, size, depth + 1);
}

static void
encode_number(lua_State *L, const struct place *at)
{
	lua_Number number = lua_tonumber(L, -1);

	if (lua_isinteger(L, -1))
		put(L, at, json_integer(lua_tointeger(L, -1)));
	else if (isfinite(number))
		put(L, at, json_real(number));
	else
		luaL_error(L, "json.encode: JSON has no %s", isnan(number) ? "nan" : "infinity");
}

/* The value on top of the stack, which stays there. */
static void
encode_value(lua_State *L, const struct place *at, size_t *size, int depth)
{
	int type = lua_type(L, -1);
	const char *text;
	size_t len = 0;

	count(L, size, 0);
	if (type == LUA_TTABLE) {
		lua_pushvalue(L, -1);
		encode_table(L, at, size, depth);
		lua_pop(L, 1);
	} else if (type == LUA_TSTRING) {
		lua_pushvalue(L, -1);
		text = to_utf8(L, &len);
		count(L, size, len);
		put(L, at, json_stringn_nocheck(text, len));
		lua_pop(L, 1);
	} else if (type == LUA_TNUMBER) {
		encode_number(L, at);
	} else if (type == LUA_TBOOLEAN) {
		put(L, at, json_boolean(lua_toboolean(L, -1)));
	} else if (type == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == NULL) {
		put(L, at, json_null());
	} else {
		luaL_error(L, "json.encode: JSON has no %s%s", luaL_typename(L, -1),
			type == LUA_TNIL ? "; write json.null" : "");
	}
}

static int
encode(lua_State *L)
{
	struct place at = {.parent = NULL};
	size_t size = 0;
	void **text;

	luaL_checkany(L, 1);
	lua_settop(L, 1);
	at.root = script_hold(L, "json.encode", drop);
	text = script_hold(L, "json.encode", free);
	lua_pushvalue(L, 1);
	encode_value(L, &at, &size, 0);
	script_charge(L, size);
	*text = json_dumps(*at.root,
		JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_REAL_PRECISION(DIGITS));
	if (*text == NULL)
		return luaL_error(L, "json.encode: no memory");
	lua_pushstring(L, *text);
	return 1;
}

static const struct script_row rows[] = {
	{"array", SCRIPT_FUNCTION, .call = make_array, .parameters = "t?: table", .result = "table",
		.help = "the table, or a new one, which is [] and not {} while it is empty"},
	{"decode", SCRIPT_FUNCTION, .call = decode, .parameters = "text: string",
		.result = "any value, string? err",
		.help = "the value of a JSON text; nil and why where it is none"},
	{"encode", SCRIPT_FUNCTION, .call = encode, .parameters = "value: any", .result = "string",
		.help = "the value as JSON text, names in their order; octets that are no UTF-8 "
			"become U+FFFD"},
	{"null", SCRIPT_FIELD, push_null, .result = "lightuserdata",
		.help = "null of JSON, where nil would be nothing"},
};

const struct script_class script_class_json = {
	.name = "json",
	.what = "json",
	.kind = SCRIPT_LIBRARY,
	.rows = rows,
	.row_count = COUNT(rows),
};
