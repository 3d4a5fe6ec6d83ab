/* SPDX-License-Identifier: MIT */
/*
 * script_test_value.c - tables of a test file as lines of filter.conf, of a zone, of a message
 *
 * A table has no order, so keys are sorted: a test says the same each time it is run. Metatables of
 * what the file made itself are not asked.
 */
#include <ctype.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "published.h"
#include "script_api.h"
#include "script_test_api.h"
#include "service/dns_type.h"

/* All that one file may say, together. */
#define OCTETS_MOST (16u << 20)
#define NESTED_MOST 8
#define KEYS_MOST   100000u

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

void
script_test_give(lua_State *L, struct script_test *t, size_t octets)
{
	script_charge(L, 1 + octets / 64);
	if (octets > OCTETS_MOST - t->octets)
		luaL_error(L, "a test file says at most %d MB", (int)(OCTETS_MOST >> 20));
	t->octets += octets;
}

const char *
script_test_text(lua_State *L, struct script_test *t, int index, const char *what)
{
	int type = lua_type(L, index);
	const char *text;
	size_t len;

	if (type != LUA_TSTRING && type != LUA_TNUMBER)
		luaL_error(L, "%s is text, not a %s", what, luaL_typename(L, index));
	lua_pushvalue(L, index); /* lua_tolstring() would change a key */
	text = lua_tolstring(L, -1, &len);
	if (strlen(text) != len)
		luaL_error(L, "%s holds a NUL", what);
	script_test_give(L, t, len);
	text = arena_strndup(&t->arena, text, len);
	lua_pop(L, 1);
	return text;
}

void
script_test_check_name(lua_State *L, const char *name, const char *what)
{
	const char *p = name;

	while (isalnum((unsigned char)*p) || (*p != '\0' && strchr("_-.", *p) != NULL))
		p++;
	if (p == name || *p != '\0' || p - name > 64)
		luaL_error(L, "%s \"%s\": a name has letters, digits, _ - and .", what, name);
}

void
script_test_quote(lua_State *L, struct script_test *t, const char *text, struct buf *out)
{
	static const char octets[] = "\"\\\n\t";
	static const char names[] = "\"\\nt";

	script_test_give(L, t, strlen(text));
	buf_add_char(out, '"');
	for (; *text != '\0'; text++) {
		const char *special = strchr(octets, *text);

		if (special != NULL)
			buf_add_char(out, '\\');
		else if (iscntrl((unsigned char)*text))
			luaL_error(L, "text holds a control character");
		buf_add_char(out, special != NULL ? names[special - octets] : *text);
	}
	buf_add_char(out, '"');
}

/* --- keys ----------------------------------------------------------------------------------------
 */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * The keys that are text, sorted, in a userdata that is pushed; they live as long as the table has
 * them. positions: keys 1, 2, ... are left out and not refused.
 */
static const char **
push_keys(lua_State *L, int index, bool positions, size_t *count)
{
	const char **keys;
	size_t room = 0;

	*count = 0;
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
		room++;
	if (room > KEYS_MOST)
		luaL_error(L, "a table of a test has at most %d keys", (int)KEYS_MOST);
	script_charge(L, room * 8);
	keys = lua_newuserdatauv(L, (room + 1) * sizeof(*keys), 0);
	for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
		if (lua_type(L, -2) == LUA_TSTRING)
			keys[(*count)++] = lua_tostring(L, -2);
		else if (!positions)
			luaL_error(L, "keys are text: write { [\"key\"] = value }");
	}
	qsort(keys, *count, sizeof(*keys), by_text);
	return keys;
}

/* Pushes the value without asking a metatable. */
static void
push_field(lua_State *L, int index, const char *key)
{
	lua_pushstring(L, key);
	lua_rawget(L, index);
	if (lua_isnil(L, -1))
		luaL_error(L, "a key holds a NUL");
}

/* --- settings ------------------------------------------------------------------------------------
 */

static void
write_number(lua_State *L, struct buf *out)
{
	char text[64];
	int isint;
	lua_Integer n = lua_tointegerx(L, -1, &isint);

	if (lua_isinteger(L, -1) && isint) {
		buf_printf(out, "%lld", (long long)n);
		return;
	}
	snprintf(text, sizeof(text), "%.14g", lua_tonumber(L, -1));
	if (text[strspn(text, "-0123456789.")] != '\0')
		luaL_error(L, "%s cannot be written in filter.conf", text);
	buf_printf(out, "%s%s", text, strchr(text, '.') == NULL ? ".0" : "");
}

/* Of the value on top of the stack. */
static void
write_value(lua_State *L, struct script_test *t, struct buf *out, int depth)
{
	luaL_checkstack(L, 4, NULL);
	script_test_give(L, t, 8);
	switch (lua_type(L, -1)) {
	case LUA_TBOOLEAN:
		buf_add_str(out, lua_toboolean(L, -1) ? "yes" : "no");
		return;
	case LUA_TNUMBER:
		write_number(L, out);
		return;
	case LUA_TSTRING:
		script_test_quote(L, t, script_test_text(L, t, -1, "a setting"), out);
		return;
	case LUA_TTABLE:
		if (depth == NESTED_MOST)
			luaL_error(L, "lists of settings are nested at most %d deep", NESTED_MOST);
		buf_add_char(out, '[');
		for (lua_Unsigned i = 1; i <= lua_rawlen(L, -1); i++) {
			buf_add_str(out, i > 1 ? ", " : " ");
			lua_rawgeti(L, -1, (lua_Integer)i);
			write_value(L, t, out, depth + 1);
			lua_pop(L, 1);
		}
		buf_add_str(out, " ]");
		return;
	default:
		luaL_error(L, "a setting is text, a number, true, false or a list, not a %s",
			luaL_typename(L, -1));
	}
}

void
script_test_write_settings(lua_State *L, struct script_test *t, int index, struct buf *out)
{
	const char **keys;
	size_t count;

	index = lua_absindex(L, index);
	keys = push_keys(L, index, false, &count);
	for (size_t i = 0; i < count; i++) {
		script_test_check_name(L, keys[i], "setting");
		buf_printf(out, "\t%s = ", keys[i]);
		push_field(L, index, keys[i]);
		write_value(L, t, out, 0);
		lua_pop(L, 1);
		buf_add_char(out, '\n');
	}
	lua_pop(L, 1);
}

/* --- maps and results
 * ----------------------------------------------------------------------------- */

static const struct cm_plugin *
find_plugin(const struct script_test *t, const char *type)
{
	const struct cm_plugin *const *plugin = t->plugins;

	while (*plugin != NULL && strcmp((*plugin)->name, type) != 0)
		plugin++;
	return *plugin;
}

/* A rule must not pass a test with what the plugin would never say. */
static void
check_result(lua_State *L, const struct cm_plugin *plugin, const char *key, const char *value)
{
	struct cm_published row;
	struct err err;

	if (plugin == NULL || plugin->published_count == 0)
		return;
	if (!published_find(plugin, key, &row))
		published_no_key(plugin, key, &err);
	else if (!published_may_be(&row, value))
		published_no_word(plugin, &row, value, &err);
	else
		return;
	luaL_error(L, "%s", err.text);
}

/* plugin: whose results the pairs are; NULL: of none. */
static void
write_pairs(lua_State *L, struct script_test *t, int index, const struct cm_plugin *plugin,
	struct buf *out)
{
	const char **keys;
	size_t count;

	index = lua_absindex(L, index);
	keys = push_keys(L, index, false, &count);
	for (size_t i = 0; i < count; i++) {
		const char *value;

		push_field(L, index, keys[i]);
		value = lua_isboolean(L, -1) && lua_toboolean(L, -1)
				? "yes"
				: script_test_text(L, t, -1, "a value");
		lua_pop(L, 1);
		if (value[0] == '\0')
			luaL_error(L,
				"\"%s\" has no value: write [\"%s\"] = true where it is "
				"enough that it is there",
				keys[i], keys[i]);
		if (keys[i][0] == '\0' || keys[i][strcspn(keys[i], " \t\n")] != '\0')
			luaL_error(L, "\"%s\": a key has no blanks", keys[i]);
		check_result(L, plugin, keys[i], value);
		buf_add_str(out, i > 0 ? ", " : "");
		script_test_quote(L, t, arena_printf(&t->arena, "%s %s", keys[i], value), out);
	}
	lua_pop(L, 1);
}

void
script_test_write_pairs(lua_State *L, struct script_test *t, int index, struct buf *out)
{
	write_pairs(L, t, index, NULL, out);
}

/* spf = "pass" is short for spf = { result = "pass" }. */
void
script_test_write_results(lua_State *L, struct script_test *t, const char *plugin, struct buf *out)
{
	if (!lua_istable(L, -1)) {
		script_test_text(L, t, -1, plugin);
		lua_createtable(L, 0, 1);
		lua_insert(L, -2);
		lua_setfield(L, -2, "result");
	}
	write_pairs(L, t, -1, find_plugin(t, plugin), out);
}

/* --- DNS ----------------------------------------------------------------------------------------
 */

static const char *const failures[] = {"bogus", "nxdomain", "refused", "servfail", "timeout"};

static bool
is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

/* "example.com TXT": its type, or an error. */
static enum cm_dns_type
question_type(lua_State *L, const char *question)
{
	size_t name = strcspn(question, " \t\n");
	enum cm_dns_type type = CM_DNS_A;

	if (name == 0 || question[name] != ' ' || !dns_type_find(question + name + 1, &type))
		luaL_error(L,
			"dns: \"%s\" is no question: write [\"NAME TYPE\"] with one "
			"of " DNS_TYPE_NAMES ", such as [\"example.com A\"]",
			question);
	return type;
}

/* Zone files write what is no visible ASCII as \DDD. */
static void
write_txt(struct buf *out, const char *text)
{
	buf_add_char(out, '"');
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			buf_printf(out, "\\%03u", c);
		else
			buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

static void
write_answer(lua_State *L, enum cm_dns_type type, const char *answer, struct buf *out)
{
	if (type == CM_DNS_TXT) {
		write_txt(out, answer);
		return;
	}
	for (const char *p = answer; *p != '\0'; p++) {
		if (iscntrl((unsigned char)*p) || *p == '#')
			luaL_error(
				L, "dns: \"%s\" is no answer for %s", answer, dns_type_name(type));
	}
	buf_add_str(out, answer);
}

/* Of the value on top of the stack. */
static void
write_answers(lua_State *L, struct script_test *t, const char *question, struct buf *out)
{
	enum cm_dns_type type = question_type(L, question);
	lua_Unsigned count = lua_istable(L, -1) ? lua_rawlen(L, -1) : 0;

	if (!lua_istable(L, -1)) {
		const char *word = script_test_text(L, t, -1, "an answer");

		if (!is_one_of(word, failures, COUNT(failures)))
			luaL_error(L,
				"dns: [\"%s\"] = \"%s\": an answer is a list, { \"%s\" }; a "
				"failure is one of bogus, nxdomain, refused, servfail, timeout",
				question, word, word);
		buf_printf(out, "%s %s\n", question, word);
		return;
	}
	if (count == 0)
		buf_printf(out, "%s nxdomain\n", question);
	for (lua_Unsigned i = 1; i <= count; i++) {
		lua_rawgeti(L, -1, (lua_Integer)i);
		buf_printf(out, "%s ", question);
		write_answer(L, type, script_test_text(L, t, -1, "an answer"), out);
		buf_add_char(out, '\n');
		lua_pop(L, 1);
	}
}

void
script_test_write_zone(lua_State *L, struct script_test *t, int index, struct buf *out)
{
	const char **keys;
	size_t count;

	index = lua_absindex(L, index);
	keys = push_keys(L, index, false, &count);
	for (size_t i = 0; i < count; i++) {
		script_test_give(L, t, strlen(keys[i]));
		push_field(L, index, keys[i]);
		write_answers(L, t, keys[i], out);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

/* --- messages ------------------------------------------------------------------------------------
 */

/* A line break that does not fold would begin another field, or the body (RFC 5322 section 2.2). */
static void
write_field(lua_State *L, const char *name, const char *value, struct buf *out)
{
	for (const char *p = value; (p = strchr(p, '\n')) != NULL; p++) {
		if (p[1] != ' ' && p[1] != '\t')
			luaL_error(
				L, "a line of a header field goes on with a blank: \"one\\n two\"");
	}
	if (name != NULL)
		buf_printf(out, "%s: ", name);
	buf_add_str(out, value);
	buf_add_char(out, '\n');
}

static void
check_field_name(lua_State *L, const char *name)
{
	const char *p = name;

	while (*p > ' ' && *p < 127 && *p != ':')
		p++;
	if (p == name || *p != '\0')
		luaL_error(L, "\"%s\" is no name of a header field", name);
}

/* The value on top of the stack: a text, or a list of them. */
static void
write_fields(lua_State *L, struct script_test *t, const char *name, struct buf *out)
{
	check_field_name(L, name);
	if (!lua_istable(L, -1)) {
		write_field(L, name, script_test_text(L, t, -1, name), out);
		return;
	}
	for (lua_Unsigned i = 1; i <= lua_rawlen(L, -1); i++) {
		lua_rawgeti(L, -1, (lua_Integer)i);
		write_field(L, name, script_test_text(L, t, -1, name), out);
		lua_pop(L, 1);
	}
}

/* Whole lines, in their order, in front of the fields with names. */
static void
write_lines(lua_State *L, struct script_test *t, int index, struct buf *out)
{
	for (lua_Unsigned i = 1; i <= lua_rawlen(L, index); i++) {
		const char *line;

		lua_rawgeti(L, index, (lua_Integer)i);
		line = script_test_text(L, t, -1, "a header field");
		if (strchr(line, ':') == NULL)
			luaL_error(L, "\"%s\": a header field is written \"Name: value\"", line);
		write_field(L, NULL, line, out);
		lua_pop(L, 1);
	}
}

void
script_test_write_message(lua_State *L, struct script_test *t, int index, struct buf *out)
{
	const char *body = "";
	const char **keys;
	size_t count;

	index = lua_absindex(L, index);
	if (!lua_istable(L, index)) {
		buf_add_str(out, script_test_text(L, t, index, "a message"));
		return;
	}
	keys = push_keys(L, index, true, &count);
	write_lines(L, t, index, out);
	for (size_t i = 0; i < count; i++) {
		push_field(L, index, keys[i]);
		if (strcmp(keys[i], "body") == 0)
			body = script_test_text(L, t, -1, "body");
		else
			write_fields(L, t, keys[i], out);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	buf_printf(out, "\n%s", body);
}
