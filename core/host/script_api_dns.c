/* SPDX-License-Identifier: MIT */
/*
 * script_api_dns.c - dns.a, dns.all and dnsbl
 *
 * A name that does not exist is an answer without records; nil and a word mean that nobody knows.
 * Questions are asked outside of Lua, those of one call together.
 */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script_api.h"

#define COUNT(table)   (sizeof(table) / sizeof(*(table)))
#define QUESTIONS_MOST 64u
#define NAME_SIZE      300u

static const struct {
	const char *name;
	enum cm_dns_type type;
} types[] = {
	{"a", CM_DNS_A},
	{"aaaa", CM_DNS_AAAA},
	{"mx", CM_DNS_MX},
	{"ns", CM_DNS_NS},
	{"ptr", CM_DNS_PTR},
	{"txt", CM_DNS_TXT},
};

/* Why there is no answer; NULL: there is one. What cannot be asked for is not there. */
static const char *const unknown[] = {
	[CM_DNS_FOUND] = NULL,
	[CM_DNS_NO_DATA] = NULL,
	[CM_DNS_NO_NAME] = NULL,
	[CM_DNS_TIMEOUT] = "timeout",
	[CM_DNS_SERVFAIL] = "servfail",
	[CM_DNS_REFUSED] = "refused",
	[CM_DNS_BOGUS] = "bogus",
	[CM_DNS_BAD_NAME] = NULL,
	[CM_DNS_CANCELLED] = "timeout",
};

struct question {
	const char *name;
	enum cm_dns_type type;
	const struct cm_dns_answer *answer;
};

/* Those of one call, in the memory of the message. */
struct questions {
	size_t count;
	struct question items[];
};

static struct questions *
new_questions(lua_State *L, const char *what, size_t count)
{
	struct cm_session *s = script_session(L, what);
	size_t size = sizeof(struct questions) + count * sizeof(struct question);
	struct questions *q;

	script_give(L, size);
	q = cm_msg_alloc(s, size);
	q->count = count;
	return q;
}

/* For as long as the answer is kept. */
static const char *
keep(lua_State *L, const char *name)
{
	size_t size = strlen(name) + 1;

	script_give(L, size);
	return memcpy(cm_msg_alloc(script_session(L, "dns"), size), name, size);
}

static void
ask(struct cm_session *s, void *data)
{
	struct questions *q = data;

	for (size_t i = 0; q->count > 1 && i < q->count; i++)
		cm_dns_begin(s, q->items[i].name, q->items[i].type);
	for (size_t i = 0; i < q->count; i++)
		q->items[i].answer = cm_dns(s, q->items[i].name, q->items[i].type);
}

/* --- answers -------------------------------------------------------------------------------------
 */

/* Equal ones stay as they stand in their array. */
static int
by_preference(const void *a, const void *b)
{
	const struct cm_dns_record *ra = *(const struct cm_dns_record *const *)a;
	const struct cm_dns_record *rb = *(const struct cm_dns_record *const *)b;

	if (ra->preference != rb->preference)
		return ra->preference < rb->preference ? -1 : 1;
	return (ra > rb) - (ra < rb);
}

/* A table of texts, as the server ordered them; mail servers by their preference. */
static void
push_records(lua_State *L, const struct cm_dns_answer *a)
{
	const struct cm_dns_record **sorted =
		lua_newuserdatauv(L, (a->count + 1) * sizeof(struct cm_dns_record *), 0);

	for (size_t i = 0; i < a->count; i++)
		sorted[i] = &a->records[i];
	qsort(sorted, a->count, sizeof(*sorted), by_preference);
	lua_createtable(L, (int)a->count, 0);
	for (size_t i = 0; i < a->count; i++) {
		script_charge(L, 1 + sorted[i]->len / 64);
		lua_pushlstring(L, sorted[i]->text, sorted[i]->len);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	lua_remove(L, -2);
}

/* answers, or nil and why not */
static int
push_answer(lua_State *L, const struct cm_dns_answer *a)
{
	if (unknown[a->status] != NULL) {
		lua_pushnil(L);
		lua_pushstring(L, unknown[a->status]);
		return 2;
	}
	push_records(L, a);
	return 1;
}

static int
answer_one(lua_State *L, int status, lua_KContext context)
{
	const struct questions *q = (const struct questions *)context;

	(void)status;
	return push_answer(L, q->items[0].answer);
}

static int
answer_all(lua_State *L, int status, lua_KContext context)
{
	const struct questions *q = (const struct questions *)context;

	(void)status;
	lua_createtable(L, (int)q->count, 0);
	for (size_t i = 0; i < q->count; i++) {
		bool failed;

		lua_createtable(L, 0, 1);
		failed = push_answer(L, q->items[i].answer) == 2;
		lua_setfield(L, failed ? -3 : -2, failed ? "err" : "answers");
		if (failed)
			lua_pop(L, 1);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* --- dns.a and its like
 * ---------------------------------------------------------------------------
 */

/* -1: there is no such type, or we do not ask for it. */
static int
find_type(const char *name)
{
	for (size_t i = 0; name != NULL && i < COUNT(types); i++) {
		if (strcmp(types[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

/* An address stands for its reverse name. */
static const char *
name_for(lua_State *L, int index, enum cm_dns_type type)
{
	const char *text = script_check_text(L, index);
	char reverse[NAME_SIZE];

	if (type == CM_DNS_PTR && cm_dns_reverse(text, NULL, reverse, sizeof(reverse)))
		return keep(L, reverse);
	return keep(L, text);
}

static int
dns_one(lua_State *L)
{
	const struct script_row *row = lua_touserdata(L, lua_upvalueindex(1));
	enum cm_dns_type type = types[find_type(row->name)].type;
	struct questions *q;
	const char *what;

	lua_settop(L, 1);
	what = lua_pushfstring(L, "dns.%s", row->name);
	q = new_questions(L, what, 1);
	q->items[0] = (struct question){.name = name_for(L, 1, type), .type = type};
	return script_errand(L, what, ask, q, answer_one);
}

/* Element i of the table at index 1: { "a", name } */
static void
read_question(lua_State *L, struct question *out, lua_Integer i)
{
	int which;

	if (lua_geti(L, 1, i) != LUA_TTABLE)
		luaL_error(L, "dns.all: question %I is no table: { \"a\", name }", i);
	lua_geti(L, -1, 1);
	which = lua_type(L, -1) == LUA_TSTRING ? find_type(script_to_text(L, -1)) : -1;
	if (which < 0)
		luaL_error(L, "dns.all: question %I begins with a, aaaa, mx, ns, ptr or txt", i);
	out->type = types[which].type;
	if (lua_geti(L, -2, 2) != LUA_TSTRING)
		luaL_error(L, "dns.all: the name of question %I is a %s", i, luaL_typename(L, -1));
	out->name = name_for(L, lua_gettop(L), out->type);
	lua_pop(L, 3);
}

/* The table at index 1 has no other keys than 1 to count (and n, of table.pack()): nobody would get
 * their answers. */
static void
check_list(lua_State *L, lua_Integer count)
{
	lua_Integer keys = 0;

	for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
		if (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), "n") == 0)
			continue;
		if (lua_type(L, -2) == LUA_TSTRING)
			luaL_error(L,
				"dns.all{{\"a\", name}, ...}: there is a \"%s\" between the "
				"questions",
				lua_tostring(L, -2));
		if (++keys > count)
			luaL_error(L, "dns.all: the questions are no list");
	}
}

static int
dns_all(lua_State *L)
{
	struct questions *q;
	lua_Integer count;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	count = luaL_len(L, 1);
	if (count < 0 || count > (lua_Integer)QUESTIONS_MOST)
		return luaL_error(
			L, "dns.all asks at most %d questions at once", (int)QUESTIONS_MOST);
	check_list(L, count);
	q = new_questions(L, "dns.all", (size_t)count);
	for (lua_Integer i = 0; i < count; i++)
		read_question(L, &q->items[i], i + 1);
	return script_errand(L, "dns.all", ask, q, answer_all);
}

#define ADDRESSES                     \
	.parameters = "name: string", \
	.result = "string[]? answers, \"timeout\"|\"servfail\"|\"refused\"|\"bogus\"? err"

static const struct script_row rows[] = {
	{"a", SCRIPT_FUNCTION, .call = dns_one, ADDRESSES,
		.help = "IPv4 addresses; {} when there are none; nil and \"timeout\", "
			"\"servfail\", \"refused\" or \"bogus\" when nobody knows"},
	{"aaaa", SCRIPT_FUNCTION, .call = dns_one, ADDRESSES, .help = "IPv6 addresses"},
	{"all", SCRIPT_FUNCTION, .call = dns_all,
		.parameters = "questions: {[1]: string, [2]: string}[]",
		.result = "{answers: string[]?, err: string?}[]",
		.help = "dns.all{{\"a\", name}, {\"txt\", name}}: asks together, answers in order"},
	{"mx", SCRIPT_FUNCTION, .call = dns_one, ADDRESSES,
		.help = "names of mail servers, the preferred first"},
	{"ns", SCRIPT_FUNCTION, .call = dns_one, ADDRESSES, .help = "names of name servers"},
	{"ptr", SCRIPT_FUNCTION, .call = dns_one, ADDRESSES,
		.help = "names of an address, which may be given as it is"},
	{"txt", SCRIPT_FUNCTION, .call = dns_one, ADDRESSES,
		.help = "texts, the strings of each joined"},
};

const struct script_class script_class_dns = {
	.name = "dns",
	.what = "dns",
	.kind = SCRIPT_LIBRARY,
	.rows = rows,
	.row_count = COUNT(rows),
};

/* --- dnsbl(ip, zone) -----------------------------------------------------------------------------
 */

/* A list's own words begin with 127; 127.255.255.0/24 says that it does not serve us. */
static bool
is_code(const struct cm_dns_record *r)
{
	return r->address != NULL && r->address[0] == 127;
}

static bool
is_refusal(const struct cm_dns_record *r)
{
	return is_code(r) && r->address[1] == 255 && r->address[2] == 255;
}

/* { listed = true, codes = { "127.0.0.2" } } */
static int
push_listing(lua_State *L, const struct cm_dns_record *records, size_t count)
{
	lua_Integer codes = 0;

	lua_createtable(L, 0, 2);
	lua_createtable(L, (int)count, 0);
	for (size_t i = 0; i < count; i++) {
		if (!is_code(&records[i]))
			continue;
		lua_pushlstring(L, records[i].text, records[i].len);
		lua_rawseti(L, -2, ++codes);
	}
	lua_setfield(L, -2, "codes");
	lua_pushboolean(L, codes > 0);
	lua_setfield(L, -2, "listed");
	return 1;
}

static int
answer_listing(lua_State *L, int status, lua_KContext context)
{
	const struct cm_dns_answer *a = ((const struct questions *)context)->items[0].answer;

	(void)status;
	if (unknown[a->status] != NULL)
		return push_answer(L, a);
	for (size_t i = 0; i < a->count; i++) {
		if (!is_refusal(&a->records[i]))
			continue;
		lua_pushnil(L);
		lua_pushliteral(L, "refused");
		return 2;
	}
	return push_listing(L, a->records, a->count);
}

int
script_dnsbl(lua_State *L)
{
	struct questions *q = new_questions(L, "dnsbl", 1);
	const char *ip = script_opt_text(L, 1), *zone = script_check_text(L, 2);
	char name[NAME_SIZE];

	/* A local client has no address, and is on no list. */
	if (ip == NULL || ip[0] == '\0')
		return push_listing(L, NULL, 0);
	if (!cm_dns_reverse(ip, zone, name, sizeof(name)))
		return luaL_error(
			L, "dnsbl: \"%s\" below \"%s\" is no address or too long", ip, zone);
	q->items[0] = (struct question){.name = keep(L, name), .type = CM_DNS_A};
	return script_errand(L, "dnsbl", ask, q, answer_listing);
}
