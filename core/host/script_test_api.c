/* SPDX-License-Identifier: MIT */
/*
 * script_test_api.c - the names a test file may use: case, its options and steps, map, plugin
 *
 * Each function writes down and returns; what is wrong is said where it stands.
 */
#include "script_test_api.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/net.h"
#include "base/text.h"
#include "conf/unit.h"
#include "script_api.h"

/* More than any table of names here has. */
#define NAMES_MOST 40

/* Who connects to whom where a case does not say it: documentation (RFC 5737). */
#define CLIENT "203.0.113.7"
#define SERVER "192.0.2.25"

/* A century, in microseconds. */
#define ADVANCE_MOST (INT64_C(36525) * 86400 * 1000000)

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* The line that runs. */
static unsigned
line_now(lua_State *L)
{
	lua_Debug ar;

	if (lua_getstack(L, 1, &ar) && lua_getinfo(L, "l", &ar) && ar.currentline > 0)
		return (unsigned)ar.currentline;
	return 0;
}

static int
unknown(lua_State *L, const char *what, const char *word, const char *const *names, size_t count)
{
	const char *nearest = text_nearest(word, names, count);

	if (nearest == NULL)
		return luaL_error(L, "unknown %s \"%s\"", what, word);
	return luaL_error(L, "unknown %s \"%s\"; did you mean \"%s\"?", what, word, nearest);
}

/* --- options of a case ---------------------------------------------------------------------------
 */

#define AT(type, c, o) ((type *)(void *)((char *)(c) + (o)->offset))

static void
read_text(lua_State *L, struct script_test *t, struct script_test_case *c,
	const struct script_test_option *o)
{
	*AT(const char *, c, o) = script_test_text(L, t, -1, o->name);
}

static void
read_address(lua_State *L, struct script_test *t, struct script_test_case *c,
	const struct script_test_option *o)
{
	struct net_addr address;
	const char *text;

	read_text(L, t, c, o);
	text = *AT(const char *, c, o);
	if (!net_parse(&address, text))
		luaL_error(L, "%s \"%s\" is not an IP address", o->name, text);
}

/* As databases write it (ISO 3166-1, alpha-2): "de" would be another country to each rule. */
static void
read_country(lua_State *L, struct script_test *t, struct script_test_case *c,
	const struct script_test_option *o)
{
	read_text(L, t, c, o);
	if (strlen(c->country) != 2 || strspn(c->country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
		luaL_error(L, "%s \"%s\" is not a code of two capital letters, such as \"DE\"",
			o->name, c->country);
}

static void
read_flag(lua_State *L, struct script_test *t, struct script_test_case *c,
	const struct script_test_option *o)
{
	(void)t;
	if (!lua_isboolean(L, -1))
		luaL_error(L, "%s is true or false, not a %s", o->name, luaL_typename(L, -1));
	*AT(bool, c, o) = lua_toboolean(L, -1);
}

static void
read_port(lua_State *L, struct script_test *t, struct script_test_case *c,
	const struct script_test_option *o)
{
	int is_integer;
	lua_Integer n = lua_tointegerx(L, -1, &is_integer);

	(void)t;
	if (!is_integer || n < 1 || n > 65535)
		luaL_error(L, "%s is a number from 1 to 65535", o->name);
	*AT(unsigned, c, o) = (unsigned)n;
}

static const char *
kept(struct script_test *t)
{
	return arena_strndup(&t->arena, t->text.data, t->text.len);
}

static void
check_table(lua_State *L, const char *name)
{
	if (!lua_istable(L, -1))
		luaL_error(L, "%s is a table, not a %s", name, luaL_typename(L, -1));
}

static void
read_settings(lua_State *L, struct script_test *t, struct script_test_case *c,
	const struct script_test_option *o)
{
	check_table(L, o->name);
	buf_clear(&t->text);
	script_test_write_settings(L, t, -1, &t->text);
	*AT(const char *, c, o) = kept(t);
}

static void
read_zone(lua_State *L, struct script_test *t, struct script_test_case *c,
	const struct script_test_option *o)
{
	check_table(L, o->name);
	buf_clear(&t->text);
	script_test_write_zone(L, t, -1, &t->text);
	*AT(const char *, c, o) = kept(t);
}

static void
read_result(lua_State *L, struct script_test *t, struct script_test_case *c,
	const struct script_test_option *o)
{
	buf_clear(&t->text);
	script_test_write_results(L, t, o->name, &t->text);
	*AT(const char *, c, o) = kept(t);
}

#define CASE(field)    offsetof(struct script_test_case, field)
#define RESULT(number) CASE(results) + (number) * sizeof(const char *)

const struct script_test_option script_test_options[] = {
	{"arc", read_result, RESULT(SCRIPT_TEST_ARC), "string|{[string]: string}",
		"what the plugin arc would have found: its result, or all of its results"},
	{"client", read_address, CASE(client), "string", "address of the client; " CLIENT},
	{"country", read_country, CASE(country), "string",
		"country of its address, as m.geo.country has it; not known"},
	{"dkim", read_result, RESULT(SCRIPT_TEST_DKIM), "string|{[string]: string}",
		"what the plugin dkim would have found"},
	{"dmarc", read_result, RESULT(SCRIPT_TEST_DMARC), "string|{[string]: string}",
		"what the plugin dmarc would have found"},
	{"dns", read_zone, CASE(zone), "{[string]: string[]|string}",
		"what DNS says: [\"NAME TYPE\"] = { ... }, {} for no such name, or \"timeout\", "
		"\"servfail\", \"refused\", \"bogus\"; any other question fails the case"},
	{"helo", read_text, CASE(helo), "string",
		"its HELO where no step says it; mail.example.org"},
	{"login", read_text, CASE(login), "string", "it has logged in as this user"},
	{"method", read_text, CASE(method), "string", "and in this way; PLAIN"},
	{"name", read_text, CASE(client_name), "string", "verified name of the client; unknown"},
	{"port", read_port, CASE(port), "integer", "port it connected to; 25"},
	{"ptr", read_text, CASE(ptr), "string", "name of the client, not verified; as name"},
	{"server", read_address, CASE(server), "string", "address it connected to; " SERVER},
	{"settings", read_settings, CASE(settings), "table",
		"the settings { } block of the script"},
	{"spf", read_result, RESULT(SCRIPT_TEST_SPF), "string|{[string]: string}",
		"what the plugin spf would have found"},
	{"tls", read_flag, CASE(tls), "boolean", "the connection is encrypted"},
	{"tls_version", read_text, CASE(tls_version), "string", "and in this way; TLSv1.3"},
	{"trusted", read_flag, CASE(trusted), "boolean", "the client is in main.trusted_networks"},
};

const size_t script_test_option_count = COUNT(script_test_options);

static const struct script_test_option *
find_option(lua_State *L, const char *name)
{
	const char *names[NAMES_MOST];

	for (size_t i = 0; i < script_test_option_count; i++) {
		if (strcmp(script_test_options[i].name, name) == 0)
			return &script_test_options[i];
		names[i] = script_test_options[i].name;
	}
	unknown(L, "option of a case", name, names, script_test_option_count);
	return NULL;
}

/* --- steps ---------------------------------------------------------------------------------------
 */

static void
step_nothing(lua_State *L, struct script_test *t, struct script_test_step *s)
{
	(void)t;
	(void)s;
	if (!lua_isnoneornil(L, 2))
		luaL_error(L, "this step takes nothing in its brackets: write ()");
}

static void
step_text(lua_State *L, struct script_test *t, struct script_test_step *s)
{
	s->text = script_test_text(L, t, 2, "what stands behind a step");
}

static void
step_verdict(lua_State *L, struct script_test *t, struct script_test_step *s)
{
	static const char *const verdicts[] = {
		"accept", "discard", "error", "nothing", "quarantine", "reject", "tempfail"};
	const char *word;

	step_text(L, t, s);
	word = arena_strndup(&t->arena, s->text, strcspn(s->text, " "));
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		if (strcmp(verdicts[i], word) == 0)
			return;
	}
	unknown(L, "verdict", word, verdicts, COUNT(verdicts));
}

/* No line of SMTP holds a line break. */
static void
step_line(lua_State *L, struct script_test *t, struct script_test_step *s)
{
	step_text(L, t, s);
	if (strpbrk(s->text, "\r\n") != NULL)
		luaL_error(L, "no command of SMTP holds a line break");
}

static void
step_duration(lua_State *L, struct script_test *t, struct script_test_step *s)
{
	const char *text = script_test_text(L, t, 2, "a time");
	const char *why = NULL;

	if (unit_duration(text, &s->us, &why) != NULL)
		luaL_error(L, "\"%s\": %s (units: ms s min h d w, as 1h30min)", text, why);
	if (s->us > ADVANCE_MOST - t->advanced)
		luaL_error(L, "the clock of one file moves by at most a century");
	t->advanced += s->us;
}

static void
step_message(lua_State *L, struct script_test *t, struct script_test_step *s)
{
	luaL_checkany(L, 2);
	lua_settop(L, 2);
	buf_clear(&t->text);
	script_test_write_message(L, t, 2, &t->text);
	s->text = kept(t);
}

const struct script_test_method script_test_methods[] = {
	{"connect", SCRIPT_TEST_CONNECT, step_nothing, "", "the client connects"},
	{"helo", SCRIPT_TEST_HELO, step_line, "name: string", "HELO or EHLO"},
	{"mail", SCRIPT_TEST_MAIL, step_line, "address: string",
		"MAIL FROM; \"\" is the null sender; a second one begins the next message"},
	{"rcpt", SCRIPT_TEST_RCPT, step_line, "address: string", "RCPT TO"},
	{"data", SCRIPT_TEST_DATA, step_nothing, "", "DATA"},
	{"send", SCRIPT_TEST_SEND, step_message, "message: table|string",
		"header and body: { From = \"a@b.example\", body = \"text\" }; a list gives a "
		"field several times, \"Name: value\" without a key keeps its place; or all as one "
		"text"},
	{"advance", SCRIPT_TEST_ADVANCE, step_duration, "time: string",
		"the clock moves: \"61min\""},
	{"expect", SCRIPT_TEST_EXPECT, step_verdict, "verdict: string",
		"of the step before: \"reject 550 5.7.1 Text\" or the first words of it, "
		"\"nothing\", \"error\" and the first words of an error"},
	{"expect_edit", SCRIPT_TEST_EXPECT_EDIT, step_text, "edit: string",
		"of the message that was sent: \"add header X-A: b\" or the first words of it; "
		"\"nothing\""},
	{"expect_log", SCRIPT_TEST_EXPECT_LOG, step_text, "text: string",
		"a line of the log since the case began, or a reason, holds it; what done() "
		"logs of an answered message is there, too"},
};

const size_t script_test_method_count = COUNT(script_test_methods);

/* --- objects -------------------------------------------------------------------------------------
 */

#define CASE_TYPE "chainmail.case"
/* Userdata: where the case is, and the line of the method that was named last. */
struct object {
	struct script_test *test;
	struct script_test_case *c;
	unsigned line;
	bool stepped, sent; /* anything of SMTP so far; the latest message */
};

/* What is expected of nothing would hold whatever the rule does. */
static void
check_order(lua_State *L, struct object *o, enum script_test_kind kind)
{
	if (kind == SCRIPT_TEST_EXPECT && !o->stepped)
		luaL_error(L, ":expect is about the step before it, and there is none");
	if (kind == SCRIPT_TEST_EXPECT_EDIT && !o->sent)
		luaL_error(L, ":expect_edit is about a message: write :send { } before it");
	o->stepped |= kind <= SCRIPT_TEST_SEND;
	o->sent = kind == SCRIPT_TEST_SEND || (o->sent && kind > SCRIPT_TEST_MAIL);
}

/* Upvalue 1: the row. */
static int
add_step(lua_State *L)
{
	const struct script_test_method *row = lua_touserdata(L, lua_upvalueindex(1));
	struct object *o = luaL_testudata(L, 1, CASE_TYPE);
	struct script_test_step *s;

	if (o == NULL)
		return luaL_error(L, "write :%s with a colon, behind a case", row->name);
	check_order(L, o, row->kind);
	script_test_give(L, o->test, sizeof(*s));
	s = arena_alloc(&o->test->arena, sizeof(*s));
	s->kind = row->kind;
	s->line = o->line;
	row->read(L, o->test, s);
	*o->c->last = s;
	o->c->last = &s->next;
	lua_settop(L, 1);
	return 1;
}

/* Lua has the line of a call in a chain only where the name of the method stands. */
static int
find_method(lua_State *L)
{
	struct object *o = luaL_checkudata(L, 1, CASE_TYPE);
	const char *name = script_tostring(L, 2, NULL);
	const char *names[NAMES_MOST];

	o->line = line_now(L);
	for (size_t i = 0; i < script_test_method_count; i++) {
		if (strcmp(script_test_methods[i].name, name) == 0) {
			lua_pushlightuserdata(L, (void *)(uintptr_t)&script_test_methods[i]);
			lua_pushcclosure(L, add_step, 1);
			return 1;
		}
		names[i] = script_test_methods[i].name;
	}
	return unknown(L, "step of a case", name, names, script_test_method_count);
}

/* case "name" { options } */
static int
set_options(lua_State *L)
{
	struct object *o = luaL_checkudata(L, 1, CASE_TYPE);

	if (o->c->set || o->c->steps != NULL)
		return luaL_error(L, "the options of a case stand once, behind its name");
	if (!lua_istable(L, 2))
		return luaL_error(
			L, "the options of a case are a table: case \"name\" { port = 25 }");
	o->c->set = true;
	lua_settop(L, 2);
	for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
		const struct script_test_option *row;

		lua_pushvalue(L, -2);
		row = find_option(L, script_tostring(L, -1, NULL));
		lua_settop(L, 4);
		row->read(L, o->test, o->c, row);
		lua_settop(L, 4);
	}
	lua_settop(L, 1);
	return 1;
}

static void
open_objects(lua_State *L)
{
	luaL_newmetatable(L, CASE_TYPE);
	lua_pushcfunction(L, find_method);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, set_options);
	lua_setfield(L, -2, "__call");
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}

/* --- globals -------------------------------------------------------------------------------------
 */

static struct script_test *
test_of(lua_State *L)
{
	return lua_touserdata(L, lua_upvalueindex(1));
}

static int
begin_case(lua_State *L)
{
	struct script_test *t = test_of(L);
	struct script_test_case *c;
	struct object *o;

	script_test_give(L, t, sizeof(*c));
	c = arena_alloc(&t->arena, sizeof(*c));
	c->name = script_test_text(L, t, 1, "the name of a case");
	c->line = line_now(L);
	c->client = CLIENT;
	c->server = SERVER;
	c->last = &c->steps;
	*t->last = c;
	t->last = &c->next;
	o = lua_newuserdatauv(L, sizeof(*o), 0);
	*o = (struct object){.test = t, .c = c};
	luaL_setmetatable(L, CASE_TYPE);
	return 1;
}

static int
add_map(lua_State *L)
{
	struct script_test *t = test_of(L);
	const char *name = script_test_text(L, t, 1, "the name of a map");
	const char *match = lua_isnoneornil(L, 3) ? "exact" : script_test_text(L, t, 3, "match");

	script_test_check_name(L, name, "map");
	script_test_check_name(L, match, "match");
	if (!lua_istable(L, 2))
		return luaL_error(L,
			"map(\"%s\", { [\"key\"] = \"value\" }): the entries are "
			"missing",
			name);
	buf_printf(&t->sections, "map %s {\n\tmatch = %s\n\tentries = [ ", name, match);
	script_test_write_pairs(L, t, 2, &t->sections);
	buf_add_str(&t->sections, " ]\n}\n");
	return 0;
}

static int
add_plugin(lua_State *L)
{
	struct script_test *t = test_of(L);
	const char *name = script_test_text(L, t, 1, "the name of a plugin");

	script_test_check_name(L, name, "plugin");
	if (!lua_isnoneornil(L, 2))
		luaL_checktype(L, 2, LUA_TTABLE);
	buf_printf(&t->sections, "plugin %s {\n", name);
	if (lua_istable(L, 2))
		script_test_write_settings(L, t, 2, &t->sections);
	buf_add_str(&t->sections, "}\n");
	return 0;
}

static int
share_store(lua_State *L)
{
	test_of(L)->shared_store = true;
	return 0;
}

const struct script_test_global script_test_globals[] = {
	{"case", begin_case, "name: string", "Case",
		"a case, a session of its own: case \"name\" { options } :mail \"a@b.example\" "
		":expect \"nothing\""},
	{"map", add_map, "name: string, entries: {[string]: string}, match?: string", "",
		"a map of filter.conf with these entries; match: \"exact\" or \"cidr\""},
	{"plugin", add_plugin, "name: string, settings?: table", "",
		"a plugin of filter.conf that the rule asks, as greylist(m)"},
	{"shared_store", share_store, "", "",
		"the cases of this file share one store and one clock, in their order"},
};

const size_t script_test_global_count = COUNT(script_test_globals);

/* --- opening -------------------------------------------------------------------------------------
 */

void
script_test_open(lua_State *L, struct script_test *t)
{
	open_objects(L);
	lua_createtable(L, 0, (int)script_test_global_count);
	for (size_t i = 0; i < script_test_global_count; i++) {
		lua_pushlightuserdata(L, t);
		lua_pushcclosure(L, script_test_globals[i].call, 1);
		lua_setfield(L, -2, script_test_globals[i].name);
	}
}
