/* SPDX-License-Identifier: MIT */
/*
 * test_script_bombs.c - rules that want to stop the daemon
 *
 * Each bomb must end as a failed link soon after its budget, and the next hook in the same Lua
 * state must find everything as it was. These tests need real time; the bound is many times what a
 * bomb takes on an idle machine, so that sanitizers and busy machines pass.
 */
#include <pthread.h>

#include "base/clock.h"
#include "base/worker.h"
#include "script_case.h"
#include "table.h"

#define CPU_MS	 20
#define BOUND_MS (2 * CPU_MS * 20)

static struct rule r;

static void
setup(void)
{
	rule_init(&r);
}

static void
teardown(void)
{
	rule_fini(&r);
}

#define OVER   "used its 20ms of processor time"
#define MEMORY "not enough memory: mail() may use 1024 KB"

static const struct {
	const char *code;
	const char *why;
} bombs[] = {
	/* loops */
	{"while true do end", OVER},
	{"::a:: goto a", OVER},
	{"for i = 1, math.huge do end", OVER},
	{"repeat local x = {} until false", OVER},
	{"local function f() return f() end f()", OVER},
	{"local function f() return pcall(f) end while true do f() end", OVER},
	{"while true do local t = {} for i = 1, 100 do t[i] = {} end end", OVER},

	/* errors that are caught */
	{"while true do pcall(error) end", OVER},
	{"while true do pcall(function() while true do end end) end", OVER},
	{"pcall(pcall, pcall, pcall, function() while true do end end) while true do end", OVER},
	{"while true do xpcall(error, function() error('x') end) end", OVER},
	{"xpcall(function() while true do end end, function() while true do end end)", OVER},
	{"while true do xpcall(error, function(e) while true do end end) end", OVER},
	{"xpcall(error, function(e) local f f = function() return f() end f() end)", OVER},
	{"local function f() pcall(f) pcall(f) end f()", OVER},
	{"while true do pcall(string.rep, 'x', 1e9) end", OVER},
	{"while true do pcall(log.info, 'x') end", OVER},
	{"while true do pcall(m.note, m, 'k', ('x'):rep(1000)) end", OVER},
	{"while true do pcall(function() return m.nothing end) end", OVER},

	/* recursion */
	{"local function f() return 1 + f() end f()", NULL},
	{"local t = {} t.__index = function(t, k) return t[k] end setmetatable(t, t) return t.x",
		NULL},
	{"local t = setmetatable({}, {}) getmetatable(t).__tostring = function() return "
	 "tostring(t) end "
	 "tostring(t)",
		NULL},
	{"local function f() ('x'):gsub('x', f) end f()", NULL},
	{"local function f(a, b) table.sort({ 1, 2, 3 }, f) return a < b end f(1, 2)", NULL},

	/* memory */
	{"string.rep('x', 1e9)", MEMORY},
	{"string.rep('xx', 1 << 62)", "resulting string too large"},
	{"local t = {} while true do t[#t + 1] = ('x'):rep(1000) end", MEMORY},
	{"local s = 'x' while true do s = s .. s end", MEMORY},
	{"local t = {} for i = 1, 1e9 do t[i] = i end", MEMORY},
	{"local s = ('x'):rep(1000) s:gsub('x', s:rep(300))", MEMORY},
	{"local t = {} for i = 1, 100 do t[i] = ('x'):rep(900) end table.concat(t, "
	 "('y'):rep(20000))",
		MEMORY},
	{"table.unpack({}, 1, 1e7)", "too many results to unpack"},
	{"string.format('%99999d', 1)", "invalid conversion"},
	{"error(('x'):rep(500000))", "xxxx"},

	/* patterns */
	{"('a'):rep(100):find(('a-'):rep(4) .. 'b')", "takes too many steps"},
	{"('a'):rep(200):find(('a*'):rep(20) .. 'b')", "takes too many steps"},
	{"('a'):rep(100):gsub(('a-'):rep(4) .. 'b', '')", "takes too many steps"},
	{"for _ in ('a'):rep(100):gmatch(('a-'):rep(4) .. 'b') do end", "takes too many steps"},
	{"while true do pcall(string.find, ('a'):rep(100), ('a-'):rep(4) .. 'b') end", OVER},
	{"while true do ('x'):rep(10000):gsub('x', '%0') end", OVER},

	/* C functions that call back, or work as long as a number says */
	{"('x'):gsub('x', function() while true do end end)", OVER},
	{"('x'):gsub('x', function() while true do pcall(error) end end)", OVER},
	{"table.sort({ 3, 2, 1 }, function() while true do end end)", OVER},
	{"local t = {} for i = 1, 1000 do t[i] = i end while true do table.sort(t, function() "
	 "return true end) "
	 "end",
		OVER},
	{"local t = {} for i = 1, 9 do t[i] = ('x'):rep(50000) .. i end while true do "
	 "table.sort(t) end",
		OVER},
	{"local t = {} for i = 1, 5 do t[i] = i end table.sort(t, function() return pcall(f) end) "
	 "while true do "
	 "table.sort(t, rawequal) end",
		NULL},
	{"table.move({}, 1, 1 << 60, 2)", OVER},
	{"table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 'x')", OVER},
	{"table.concat(setmetatable({}, { __index = table.concat }), '', 1, 1 << 60)", OVER},
	{"table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)", OVER},
	{"for i in ipairs(setmetatable({}, { __index = function() return 1 end })) do end", OVER},
	{"while true do utf8.len(('x'):rep(100000)) end", OVER},
	{"while true do m.client:inside('10.0.0.0/8') end", OVER},
	{"while true do m:note('k') end", OVER},

	/* metamethods */
	{"return setmetatable({}, { __index = function() while true do end end }).x", OVER},
	{"setmetatable({}, { __newindex = function() while true do end end }).x = 1", OVER},
	{"tostring(setmetatable({}, { __tostring = function() while true do end end }))", OVER},
	{"error(setmetatable({}, { __tostring = function() while true do end end }))",
		"error() was called with a table"},
	{"log.info('x', { y = setmetatable({}, { __tostring = function() while true do end end }) "
	 "})",
		OVER},
	{"local t = setmetatable({}, { __lt = function() while true do end end }) table.sort({ t, "
	 "t })",
		OVER},
	{"local t = setmetatable({}, { __concat = function() while true do end end }) return t .. "
	 "t",
		OVER},
	{"for _ in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end",
		OVER},
	{"local x <close> = setmetatable({}, { __close = function() while true do end end }) "
	 "error('x')",
		"x"},
	{"do local x <close> = setmetatable({}, { __close = function() while true do end end }) "
	 "end",
		OVER},
	{"pcall(function() local x <close> = setmetatable({}, { __close = function() while true do "
	 "end end })\n"
	 "while true do end end) while true do end",
		OVER},
	{"while true do pcall(function() local x <close> = setmetatable({}, { __close = error }) "
	 "end) end",
		OVER},

	/* what is shared must stay as it is */
	{"getmetatable('').__index = nil", "attempt to index a boolean value"},
	{"rawset(string, 'find', error)", "this table cannot be changed"},
	{"string.find = error", "string cannot be changed"},
	{"settings.x = 1", "settings cannot be changed"},
	{"reject = 1", "global \"reject\": write local"},
	{"setmetatable(math, {})", "cannot change a protected metatable"},
	{"table.insert(string, 1)", "string cannot be changed"},
	{"table.move({ 1 }, 1, 1, 1, math)", "math cannot be changed"},
	{"local _, t = pairs(string) t.find = error", NULL},
	{"setmetatable({}, { __gc = function() while true do end end })", "__gc is not available"},
	{"setmetatable({}, setmetatable({}, { __index = { __gc = error } })) error('y')", "y"},
	{"local t = setmetatable({}, {}) getmetatable(t).__gc = function() while true do end end\n"
	 "t = nil while true do local x = {} end",
		OVER},
};

/* Hooks of one state: the bomb, then a look whether everything works. */
#define RULE                                                                            \
	"local kept\n"                                                                  \
	"local function bomb(m)\n%s\nend\n"                                             \
	"function mail(m, from)\n"                                                      \
	"\tif from.user == 'bomb' then return bomb(m) end\n"                            \
	"\tassert(('a1'):find('%%d') == 2 and string.format('%%5.1f', 1) == '  1.0')\n" \
	"\tassert(table.concat({ 1, 2 }, ',') == '1,2' and math.max(1, 2) == 2)\n"      \
	"\tassert(pcall(error) == false and #('x'):rep(1000) == 1000)\n"                \
	"\tassert(m.from.user == 'good' and m:note('k2') == nil)\n"                     \
	"\treturn reject('5.7.1', 'alive')\n"                                           \
	"end\n"

static void
load_bomb(const char *bomb)
{
	char *code = NULL;

	ck_assert_int_gt(asprintf(&code, RULE, bomb), 0);
	rule_load(&r, code, "cpu = 20ms; memory = 1M; timeout = 5s");
	free(code);
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_helo(&r.d, "c");
}

/* A sanitizer may be so slow that time ends before memory. */
static bool
ended_so(const char *got, const char *why)
{
	if (why == NULL || strstr(got, why) != NULL)
		return true;
	return strcmp(why, MEMORY) == 0 && strstr(got, OVER) != NULL;
}

START_TEST(ends_and_leaves_the_state_alive)
{
	const char *got;
	int64_t began, took;

	load_bomb(bombs[_i].code);
	for (int round = 0; round < 2; round++) {
		began = clock_cpu();
		got = rule_message(&r, "<bomb@example.com>");
		took = (clock_cpu() - began) / CLOCK_MS;
		ck_assert_msg(strncmp(got, "failed: ", 8) == 0, "%s: %s", bombs[_i].code, got);
		ck_assert_msg(ended_so(got, bombs[_i].why), "%s: want %s, got %s", bombs[_i].code,
			bombs[_i].why, got);
		ck_assert_msg(strncmp(got + 8, "scripts/x.lua:", 14) == 0, "%s", got);
		ck_assert_msg(took <= BOUND_MS, "%s: %d ms", bombs[_i].code, (int)took);
		if (getenv("BOMB_TIMES") != NULL)
			printf("%4d ms  %s\n", (int)took, bombs[_i].code);
		chain_end_message(r.d.s);
		ck_assert_str_eq(rule_message(&r, "<good@example.com>"), "550 5.7.1 alive");
		chain_end_message(r.d.s);
	}
}
END_TEST

/* --- wall time -----------------------------------------------------------------------------------
 */

START_TEST(ends_at_its_timeout_too)
{
	const char *got;

	rule_load(&r, "function mail(m) while true do end end", "cpu = 10s; timeout = 30ms");
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_helo(&r.d, "c");
	got = rule_message(&r, "<a@b.c>");
	ck_assert_msg(strstr(got, "mail() took longer than its timeout") != NULL, "%s", got);
}
END_TEST

/* --- one call that takes long ------------------------------------------------------------------
 */

static const char *const long_calls[] = {
	"string.format('%q', ('\\0'):rep(2e7))",
	"('%q'):format(('\\1x'):rep(2e7))",
	("local a = {} for i = 1, 1e5 do a[i] = 1e300 end (('%.99f'):rep(1e5)):format("
	 "table.unpack(a))"),
};

START_TEST(ends_before_a_call_that_takes_long)
{
	char code[256];
	const char *got;
	int64_t began;

	snprintf(code, sizeof(code), "function mail(m)\n%s\nend", long_calls[_i]);
	rule_load(&r, code, "cpu = 50ms; memory = 1G; timeout = 60s");
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_helo(&r.d, "c");
	began = clock_cpu();
	got = rule_message(&r, "<a@b.c>");
	ck_assert_msg(strstr(got, "used its 50ms of processor time") != NULL, "%s", got);
	ck_assert_int_le((clock_cpu() - began) / CLOCK_MS, BOUND_MS);
}
END_TEST

static const char *const short_calls[] = {
	"string.format('%q', ('\\0'):rep(10000))",
	"string.format('%s%s', ('x'):rep(2e6), ('y'):rep(2e6))",
	"for i = 1, 500 do string.format('%.2f %5.1f %g %d %%', i, i, i, i) end",
	"local s = ('ab'):rep(1e6, ',')",
};

START_TEST(lets_a_call_be_that_takes_a_moment)
{
	char code[256];

	snprintf(code, sizeof(code), "function mail(m)\n%s\nend", short_calls[_i]);
	rule_load(&r, code, "cpu = 500ms; memory = 64M; timeout = 60s");
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_helo(&r.d, "c");
	rule_expect(rule_message(&r, "<a@b.c>"), "continue");
}
END_TEST

/* --- memory that stays --------------------------------------------------------------------------
 */

START_TEST(builds_a_state_anew_that_keeps_too_much)
{
	int failed = 0;

	rule_load(&r,
		"local kept = {}\n"
		"function mail(m)\n"
		"\tfor i = 1, 100 do kept[#kept + 1] = ('x'):rep(2000) .. #kept end\n"
		"end\n",
		"memory = 1M");
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_helo(&r.d, "c");
	for (int i = 0; i < 40; i++) {
		failed += strcmp(rule_message(&r, "<a@b.c>"), "continue") != 0;
		chain_end_message(r.d.s);
	}
	ck_assert_int_eq(failed, 0);
	ck_assert_msg(strstr(rule_log(&r), "scripts/x.lua: the rule keeps ") != NULL, "%s", r.text);
}
END_TEST

/* The first rule stays within its memory; the second has little, and keeps nothing. */
START_TEST(holds_what_one_rule_keeps_against_no_other)
{
	drive_file(&r.d, "scripts/keeper.lua",
		"local kept, n = {}, 0\n"
		"function mail(m)\n"
		"\tif n == 0 then for i = 1, 2000 do kept[i] = ('x'):rep(1000) .. i end end\n"
		"\tn = n + 1\n"
		"\tlog.info('turn ' .. n)\n"
		"end\n");
	drive_file(&r.d, "scripts/x.lua",
		"function mail(m)\n"
		"\tlocal t = {}\n"
		"\tfor i = 1, 100 do t[i] = ('y'):rep(2000) .. i end\n"
		"end\n");
	drive_load(&r.d, "profile p { chain = [ keeper, x ] }\n"
			 "script keeper { file = scripts/keeper.lua; memory = 16M; cpu = 10s }\n"
			 "script x { file = scripts/x.lua; memory = 512k; cpu = 10s }\n");
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_helo(&r.d, "c");
	for (int i = 0; i < 20; i++) {
		ck_assert_str_eq(rule_message(&r, "<a@b.c>"), "continue");
		chain_end_message(r.d.s);
	}
	ck_assert_msg(strstr(rule_log(&r), "built anew") == NULL, "%s", r.text);
	ck_assert_ptr_nonnull(strstr(r.text, " keeper: turn 20\n"));
}
END_TEST

START_TEST(does_not_grow_with_many_failures)
{
	rule_load(&r,
		"function mail(m) local t = {} while true do t[#t + 1] = ('x'):rep(100) end end",
		"memory = 256k");
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "c", "25");
	drive_helo(&r.d, "c");
	for (int i = 0; i < 50; i++) {
		ck_assert_ptr_nonnull(strstr(rule_message(&r, "<a@b.c>"), "not enough memory"));
		chain_end_message(r.d.s);
	}
}
END_TEST

/* --- the stack ---------------------------------------------------------------------------------
 */

static const char *const nested[] = {
	"local function f(n) return (('x'):gsub('x', function() f(n + 1) end)) end f(1)",
	"local function f(n) table.sort({1, 2, 3}, function() f(n + 1) return false end) end f(1)",
	"local function f(n) return pcall(f, n + 1) end f(1) error('on')",
	"local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return t[1]",
};

static void *
send_one(void *context)
{
	static char got[200];

	(void)context;
	snprintf(got, sizeof(got), "%s", rule_message(&r, "<bomb@example.com>"));
	return got;
}

/* As deep as Lua lets a rule nest, on the stack of a thread that serves mail. */
START_TEST(nests_within_the_stack_of_a_worker)
{
	pthread_attr_t attr;
	pthread_t thread;
	void *got;

	load_bomb(nested[_i]);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	ck_assert_int_eq(pthread_create(&thread, &attr, send_one, NULL), 0);
	pthread_attr_destroy(&attr);
	pthread_join(thread, &got);
	ck_assert_msg(strncmp(got, "failed: ", 8) == 0, "%s", (char *)got);
	chain_end_message(r.d.s);
	ck_assert_str_eq(rule_message(&r, "<good@example.com>"), "550 5.7.1 alive");
}
END_TEST

/* --- many threads
 * --------------------------------------------------------------------------------- */

#define THREADS	 8
#define MESSAGES 60

/* Every message has its own answer; each tenth is a bomb. */
static void *
send_messages(void *context)
{
	struct rule *mine = context;
	struct rule own = {.d = {.g = mine->d.g}};
	size_t wrong = 0;

	drive_open(&own.d);
	drive_connect(&own.d, "192.0.2.1", "c", "25");
	drive_helo(&own.d, "c");
	for (int i = 0; i < MESSAGES; i++) {
		char from[64], want[64];
		enum cm_verdict v;

		snprintf(from, sizeof(from), "<%s%d@example.com>", i % 10 == 9 ? "bomb" : "u", i);
		snprintf(want, sizeof(want), "u%d@example.com", i);
		v = drive_mail(&own.d, from, NULL, NULL);
		if (i % 10 == 9)
			wrong += v != CM_TEMPFAIL;
		else
			wrong += v != CM_REJECT ||
				 strncmp(own.d.answer.reply.text, want, strlen(want)) != 0;
		chain_end_message(own.d.s);
	}
	chain_close(own.d.s);
	session_free(own.d.s);
	return (void *)wrong;
}

START_TEST(serves_many_threads_at_once)
{
	pthread_t threads[THREADS];

	rule_load(&r,
		"function mail(m, from)\n"
		"\tm:note('who', from.addr)\n"
		"\twhile from.user:find('^bomb') do end\n"
		"\tlocal t = {}\n"
		"\tfor i = 1, 100 do t[i] = from.user .. i end\n"
		"\ttable.sort(t)\n"
		"\treturn reject('5.7.1', m:note('who'))\n"
		"end\n",
		"cpu = 50ms; timeout = 60s");
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, send_messages, &r), 0);
	for (int i = 0; i < THREADS; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		ck_assert_uint_eq((size_t)wrong, 0);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_bombs");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, nests_within_the_stack_of_a_worker, 0, LENGTH(nested));
	tcase_add_loop_test(tc, ends_and_leaves_the_state_alive, 0, LENGTH(bombs));
	tcase_add_test(tc, ends_at_its_timeout_too);
	tcase_add_loop_test(tc, ends_before_a_call_that_takes_long, 0, LENGTH(long_calls));
	tcase_add_loop_test(tc, lets_a_call_be_that_takes_a_moment, 0, LENGTH(short_calls));
	tcase_add_test(tc, builds_a_state_anew_that_keeps_too_much);
	tcase_add_test(tc, holds_what_one_rule_keeps_against_no_other);
	tcase_add_test(tc, does_not_grow_with_many_failures);
	tcase_add_test(tc, serves_many_threads_at_once);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
