/* SPDX-License-Identifier: MIT */
/*
 * test_script_store.c - what rules keep: store.get and its like, ratelimit
 */
#include "base/clock.h"
#include "script_case.h"
#include "table.h"

static struct rule r;

static void
setup(void)
{
	rule_init(&r);
	clock_freeze(1800000000);
}

static void
teardown(void)
{
	clock_thaw();
	rule_fini(&r);
}

#define STORE "store local { type = memory }\n"

static void
load_with(const char *code, const char *sections, const char *more)
{
	char *text = NULL;

	drive_file(&r.d, "scripts/x.lua", code);
	ck_assert_int_gt(asprintf(&text,
				 "main { authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n%s"
				 "profile p { chain = [ x ] }\n"
				 "script x { file = scripts/x.lua; %s }\n",
				 sections, more),
		0);
	drive_load_text(&r.d, text);
	free(text);
	drive_shorten(&r.d);
}

static void
load(const char *code)
{
	load_with(code, STORE, "");
	ck_assert_msg(r.d.g != NULL && r.d.mistakes[0] == '\0', "%s", r.d.mistakes);
}

/* Another message in the same daemon. */
static const char *
next_message(void)
{
	if (r.d.s != NULL) {
		chain_end_message(r.d.s);
		chain_close(r.d.s);
		session_free(r.d.s);
		r.d.s = NULL;
	}
	return rule_session(&r);
}

/* --- one hook --- */

static const struct {
	const char *code, *want;
} values[] = {
	{"return store.get('none')", "nil"},
	{"store.set('k', 'v', '1h') return store.get('k')", "v"},
	{"store.set('k', 42, '1h') return store.get('k')", "42"},
	{"store.set('k', '', '1h') return #store.get('k')", "0"},
	{"store.set('k', 'a\\0b', '1h') return #store.get('k')", "3"},
	{"store.set('k', ('x'):rep(65000), 60) return #store.get('k')", "65000"},
	{"store.set('k', 'v', 0.5) return store.get('k')", "v"},
	{"store.set('k', 'v', '1h') store.set('k', 'w', '1h') return store.get('k')", "w"},
	{"store.set('k', 'v', '1h') store.delete('k') return store.get('k')", "nil"},
	{"store.delete('none') return 'ok'", "ok"},
	{"return store.incr('n', 1, '1h') + store.incr('n', 5, '1h')", "7"},
	{"store.incr('n', 5, '1h') return store.incr('n', -2, '1h')", "3"},
	{"store.incr('n', 5, '1h') return store.get('n') + 1", "6"},
	{"store.add_to_set('s', 'a', '1h') store.add_to_set('s', 'b', '1h') return "
	 "store.add_to_set('s', 'a', '1h')",
		"2"},
	{"local n for i = 1, 100 do n = store.incr('n', 1, '1h') end return n", "100"},
	{"local r = ratelimit{key = 'k', limit = '2/1h'} return show(r)", "true 1 2 0"},
	{"ratelimit{key = 'k', limit = '2/1h', cost = 2}\n"
	 "return show(ratelimit{key = 'k', limit = '2/1h'})",
		"false 2 2 1800"},
	{"return show(ratelimit{key = 'k', limit = '2/1h', cost = 3})", "false 0 2 3600"},
	{"return ratelimit{key = 'k', limit = '2/1h', cost = 3}.never", "true"},
	{"ratelimit{key = 'k', limit = '2/1h', cost = 0}\n"
	 "return show(ratelimit{key = 'k', limit = '2/1h', cost = 0})",
		"true 0 2 0"},
	{"return show(ratelimit{key = 'k', limit = '200/1h', burst = 50})", "true 1 50 0"},
	{"for i = 1, 3 do ratelimit{key = 'k', limit = {'3/1min', '100/1d'}} end\n"
	 "return show(ratelimit{key = 'k', limit = {'3/1min', '100/1d'}})",
		"false 3 3 20"},
	{"ratelimit{key = 'a', limit = '1/1h'} return ratelimit{key = 'b', limit = "
	 "'1/1h'}.ok",
		"true"},
	/* a limit is no value */
	{"ratelimit{key = 'k', limit = '1/1h'} return store.get('k')", "nil"},
	{"return select('#', pcall(store.get, 'k'))", "2"},
};

#define SHOW                                                                               \
	"local function show(r) return tostring(r.ok) .. ' ' .. r.used .. ' ' .. r.limit " \
	".. ' ' .. r.retry_after end\n"

START_TEST(value_is)
{
	char code[700], want[120];

	snprintf(code, sizeof(code),
		SHOW "local function f()\n%s\nend\n"
		     "function mail(m) return reject(tostring(f())) end\n",
		values[_i].code);
	snprintf(want, sizeof(want), "550 5.7.1 %s", values[_i].want);
	load(code);
	ck_assert_str_eq(rule_session(&r), want);
}
END_TEST

static const struct {
	const char *statement, *want;
} mistakes[] = {
	{"store.get()", "bad argument #1 to 'get' (string expected*"},
	{"store.get('')", "store.get: the key is empty*"},
	{"store.get('a\\0b')", "bad argument #1 to 'get' (text holds a NUL*"},
	{"store.set('k', nil, '1h')", "bad argument #2 to 'set' (string expected*"},
	{"store.set('k', {}, '1h')", "bad argument #2 to 'set' (string expected*"},
	{"store.set('k', 'v')", "store.set: argument 3 says how long it is kept: \"12h\"*"},
	{"store.set('k', 'v', '12')", "store.set: duration \"12\": *"},
	{"store.set('k', 'v', 0)", "store.set: what is kept is kept for more than nothing*"},
	{"store.set('k', 'v', -1)", "store.set: what is kept is kept for more than nothing*"},
	{"store.set('k', 'v', 0/0)", "store.set: what is kept is kept for more than nothing*"},
	{"store.set('k', 'v', math.huge)", "store.set: what is kept is kept for more than*"},
	{"store.set('k', ('x'):rep(65537), '1h')", "store.set: a value has at most 65536*"},
	{"store.incr('k', 1.5, '1h')", "bad argument #2 to 'incr' (number has no integer*"},
	{"store.add_to_set('k', nil, '1h')", "bad argument #2 to 'add_to_set' (string expected*"},
	{"store.add_to_set('k', {}, '1h')", "bad argument #2 to 'add_to_set' (string expected*"},
	{"ratelimit()", "bad argument #1 to 'ratelimit' (table expected*"},
	{"ratelimit{limit = '1/1h'}", "ratelimit{}: key is a nil, not a text*"},
	{"ratelimit{key = 'k'}", "ratelimit{}: limit is a text such as*"},
	{"ratelimit{key = 'k', limit = {}}", "ratelimit{}: limit is empty*"},
	{"ratelimit{key = 'k', limit = '200'}", "ratelimit{}: limit \"200\": *"},
	{"ratelimit{key = 'k', limit = '0/1h'}", "ratelimit{}: limit \"0/1h\": counts are 1*"},
	{"ratelimit{key = 'k', limit = '1/1h', cost = -1}",
		"ratelimit{}: cost is no number from 0 to*"},
	{"ratelimit{key = 'k', limit = '1/1h', burst = 0}",
		"ratelimit{}: burst is no number from 1 to*"},
	{"ratelimit{key = 'k', limt = '1/1h'}",
		"ratelimit{} has no field \"limt\"; did you mean \"limit\"?*"},
	{"ratelimit{key = 'k', limit = {'1/1s', '1/2s', '1/3s', '1/4s', '1/5s', '1/6s', "
	 "'1/7s', '1/8s', '1/9s'}}",
		"ratelimit{}: at most 8 limits*"},
};

START_TEST(mistake_is_told)
{
	char code[300], want[160];

	snprintf(code, sizeof(code), "function mail(m) %s end\n", mistakes[_i].statement);
	snprintf(want, sizeof(want), "failed: scripts/x.lua:1: %s", mistakes[_i].want);
	load(code);
	rule_expect(rule_session(&r), want);
}
END_TEST

/* --- from message to message --- */

START_TEST(kept_until_its_time)
{
	load("function mail(m)\n"
	     "  local seen = store.get('seen')\n"
	     "  if not seen then store.set('seen', m.id, '10min') end\n"
	     "  return reject(seen and 'seen' or 'new')\n"
	     "end\n");
	ck_assert_str_eq(next_message(), "550 5.7.1 new");
	ck_assert_str_eq(next_message(), "550 5.7.1 seen");
	clock_advance(599 * CLOCK_SEC);
	ck_assert_str_eq(next_message(), "550 5.7.1 seen");
	clock_advance(CLOCK_SEC);
	ck_assert_str_eq(next_message(), "550 5.7.1 new");
}
END_TEST

/* The rule of the manual: recipients of a login, and when it may go on. */
START_TEST(limit_of_a_login)
{
	load("function rcpt(m, to)\n"
	     "  local r = ratelimit{ key = 'out:' .. m.auth.user, limit = '3/1h' }\n"
	     "  if not r.ok then return tempfail{ code = 450, status = '4.7.1',\n"
	     "    text = ('limit of %d, again in %d minutes'):format(r.limit, "
	     "math.ceil(r.retry_after / 60)) } end\n"
	     "end\n");
	ck_assert_str_eq(next_message(), "continue"); /* two recipients */
	ck_assert_str_eq(next_message(), "450 4.7.1 limit of 3, again in 20 minutes");
	clock_advance(20 * 60 * CLOCK_SEC);
	ck_assert_str_eq(
		drive_rcpt(&r.d, "<three@example.net>") == CM_CONTINUE ? "taken" : "", "taken");
}
END_TEST

/* done() may count, and the next message sees it. */
START_TEST(done_counts)
{
	load("function mail(m) if (tonumber(store.get('refused') or 0)) >= 2 then return "
	     "reject('blocked') end end\n"
	     "function message(m) return reject('no') end\n"
	     "function done(m, v) if v and v.kind == 'reject' then\n"
	     "  store.set('refused', store.incr('n', 1, '1h'), '1h') end end\n");
	ck_assert_str_eq(next_message(), "550 5.7.1 no");
	ck_assert_str_eq(next_message(), "550 5.7.1 no");
	ck_assert_str_eq(next_message(), "550 5.7.1 blocked");
}
END_TEST

/* --- which store --- */

#define KEEPS "function mail(m) store.set('k', 'v', '1h') end\n"
#define TWO   "store one { type = memory }\nstore two { type = memory }\n"

static const struct {
	const char *code, *sections, *more, *mistake;
} choices[] = {
	{KEEPS, STORE, "", ""},
	{KEEPS, TWO, "store = two", ""},
	{KEEPS, TWO, "", "script x must say which store it uses, for there are several"},
	{KEEPS, "", "", "script x: there is no store; what is counted is gone"},
	{KEEPS, STORE, "store = other", "other"},
	/* what only looks like it */
	{"local m2 = map 'logins'\nfunction mail(m) m2:get('x') end\n", TWO RULE_MAPS, "", ""},
	{"function mail(m) local t = { get = 1 } return t.get and nil end\n", TWO, "", ""},
	{"function mail(m) ratelimit{key = 'k', limit = '1/1h'} end\n", TWO, "",
		"script x must say which store it uses"},
};

START_TEST(store_is_chosen)
{
	load_with(choices[_i].code, choices[_i].sections, choices[_i].more);
	if (choices[_i].mistake[0] == '\0')
		ck_assert_str_eq(r.d.mistakes, "");
	else
		ck_assert_msg(
			strstr(r.d.mistakes, choices[_i].mistake) != NULL, "%s", r.d.mistakes);
}
END_TEST

/* A store that does not answer is an error, and on_error decides. */
START_TEST(store_is_away)
{
	load_with("function mail(m) return reject(store.get('k') or 'nobody') end\n",
		"store away { type = redis; servers = unix:/nonexistent/redis.sock }\n", "");
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	clock_thaw();
	rule_expect(rule_session(&r), "failed: scripts/x.lua:1: store.get: the store does not "
				      "answer*");
}
END_TEST

/* What is kept has bounds. */
START_TEST(store_is_full)
{
	load_with("function mail(m)\n"
		  "  for i = 1, 50 do store.set('k' .. i, ('x'):rep(60000), '1h') end end\n",
		"store small { type = memory; max_size = 1M }\n", "");
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	rule_expect(rule_session(&r), "failed: scripts/x.lua:2: store.set: the store has no "
				      "room*");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_store");
	TCase *tc = tcase_create("store");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, value_is, 0, LENGTH(values));
	tcase_add_loop_test(tc, mistake_is_told, 0, LENGTH(mistakes));
	tcase_add_test(tc, kept_until_its_time);
	tcase_add_test(tc, limit_of_a_login);
	tcase_add_test(tc, done_counts);
	tcase_add_loop_test(tc, store_is_chosen, 0, LENGTH(choices));
	tcase_add_test(tc, store_is_away);
	tcase_add_test(tc, store_is_full);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
