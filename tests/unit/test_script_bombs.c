/* SPDX-License-Identifier: MIT */
/*
 * test_script_bombs.c - rules that want to stop the daemon
 *
 * Each bomb ends within twice its budget as a failed link, so that on_error decides; the Lua states
 * hold no more than before, and another thread's hooks meanwhile wait no longer than the budget.
 * All times are processor time of the bomb's thread, so a busy machine makes them no longer. What
 * takes longer once may be tried again; what always takes longer fails.
 */
#include <lauxlib.h>
#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "bombs.h"
#include "host/script_state.h"
#include "script_case.h"
#include "table.h"

/* What a sanitizer makes of times, and of memory: it keeps what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLOWER = 20, MOST_KB = 1 << 20, GROWS_KB = 1 << 20 };
#else
enum { SLOWER = 1, MOST_KB = 16384, GROWS_KB = 6144 };
#endif

#define CPU_US	    (20 * CLOCK_MS)
#define BOUND_US    (2 * CPU_US * SLOWER)
#define LOAD_US	    (2 * SCRIPT_LOAD_CPU_US * SLOWER)
#define ROUNDS	    2
#define ROUNDS_MOST 20
/* A coroutine, and names that were not known before. */
#define STATE_GROWS ((size_t)24 << 10)

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

static const struct {
	const char *name;
	enum cm_verdict verdict;
	const char *reply;
} on_error[] = {
	{"tempfail", CM_TEMPFAIL, "451 4.3.0 *"},
	{"reject", CM_REJECT, "550 5.3.0 *"},
	{"skip", CM_CONTINUE, ""},
};

/* The rule, with all that a bomb may ask. */
static void
load_rule(const char *code, const char *settings)
{
	char *conf = NULL;

	drive_file(&r.d, "scripts/x.lua", code);
	drive_file(&r.d, "zone", "one.example A 192.0.2.1\n");
	ck_assert_int_gt(asprintf(&conf,
				 "main { authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "dns { zone = zone }\n"
				 "store local { type = memory }\n"
				 "profile p { chain = [ x ] }\n"
				 "script x { file = scripts/x.lua; cpu = 20ms; memory = 1M; %s }\n",
				 settings),
		0);
	drive_load_text(&r.d, conf);
	free(conf);
	drive_shorten(&r.d);
}

static void
greet(struct drive *d)
{
	drive_open(d);
	drive_connect(d, "192.0.2.1", "c", "25");
	drive_helo(d, "c");
}

static void
load_bomb(const struct bomb *bomb, const char *settings)
{
	char *code = NULL;

	ck_assert_int_gt(asprintf(&code, RULE, bomb->code), 0);
	load_rule(code, settings);
	free(code);
	ck_assert_msg(r.d.g != NULL, "%s: %s", bomb->name, r.d.mistakes);
	greet(&r.d);
}

/* Time may end before memory, and under a sanitizer before all else. */
static bool
ended_so(const char *got, const char *why)
{
	if (why == NULL || strstr(got, why) != NULL)
		return true;
	return (SLOWER > 1 || strcmp(why, MEMORY) == 0) && strstr(got, OVER) != NULL;
}

/* Each collection halves the table of texts at most. */
#define COLLECTIONS 8

/* What the Lua states hold once their garbage is collected. */
static size_t
held(void)
{
	const struct script_host *host = r.d.g->scripts;
	size_t total = 0;

	for (size_t i = 0; i < host->state_count; i++) {
		ck_assert_ptr_nonnull(host->states[i]->L);
		for (int n = 0; n < COLLECTIONS; n++)
			lua_gc(host->states[i]->L, LUA_GCCOLLECT);
		total += host->states[i]->memory.used;
	}
	return total;
}

/* --- others, meanwhile ---------------------------------------------------------------------------
 */

/* Their waits are told by the clock of the bomb's thread: how long it ran meanwhile. */
struct others {
	pthread_t thread;
	clockid_t clock;
	struct rule rule;
	atomic_bool stop;
	int64_t longest;
	unsigned wrong;
};

static int64_t
bomb_ran(const struct others *o)
{
	struct timespec t;

	clock_gettime(o->clock, &t);
	return t.tv_sec * CLOCK_SEC + t.tv_nsec / 1000;
}

static bool
serve_one(struct drive *d)
{
	enum cm_verdict v = drive_mail(d, "<good@example.com>", NULL, NULL);
	bool alive = v == CM_REJECT && strncmp(d->answer.reply.text, "alive", 5) == 0;

	chain_end_message(d->s);
	return alive;
}

static void *
serve_others(void *context)
{
	struct others *o = context;

	do {
		int64_t ran = bomb_ran(o);

		o->wrong += !serve_one(&o->rule.d);
		ran = bomb_ran(o) - ran;
		if (ran > o->longest)
			o->longest = ran;
	} while (!atomic_load(&o->stop));
	return NULL;
}

static void
others_begin(struct others *o)
{
	memset(o, 0, sizeof(*o));
	o->rule.d.g = r.d.g;
	greet(&o->rule.d);
	ck_assert_int_eq(pthread_getcpuclockid(pthread_self(), &o->clock), 0);
	ck_assert_int_eq(pthread_create(&o->thread, NULL, serve_others, o), 0);
}

static void
others_end(struct others *o)
{
	atomic_store(&o->stop, true);
	pthread_join(o->thread, NULL);
	chain_close(o->rule.d.s);
	session_free(o->rule.d.s);
}

/* --- bombs ---------------------------------------------------------------------------------------
 */

/* Sends the bomb once; true: it kept within its budget, and so did the wait of others. */
static bool
explode(const struct bomb *bomb, int choice)
{
	struct others others;
	int64_t began, took;
	const char *got;

	others_begin(&others);
	began = clock_cpu();
	got = rule_message(&r, "<bomb@example.com>");
	took = clock_cpu() - began;
	others_end(&others);
	if (getenv("BOMB_TIMES") != NULL)
		printf("%6.1f ms, others %6.1f ms: %s: %s\n", (double)took / 1000,
			(double)others.longest / 1000, bomb->name, got);
	ck_assert_msg(strncmp(got, "failed: scripts/x.lua:", 22) == 0, "%s: %s", bomb->name, got);
	ck_assert_msg(ended_so(got, bomb->why), "%s: want %s, got %s", bomb->name, bomb->why, got);
	ck_assert_int_eq(r.d.answer.verdict, on_error[choice].verdict);
	rule_expect(drive_reply(&r.d), on_error[choice].reply);
	ck_assert_uint_eq(others.wrong, 0);
	chain_end_message(r.d.s);
	ck_assert_msg(serve_one(&r.d), "%s: the next message", bomb->name);
	return took <= BOUND_US && others.longest <= CPU_US * SLOWER;
}

START_TEST(ends_within_twice_its_budget)
{
	const struct bomb *bomb = &bombs[_i];
	int choice = _i % LENGTH(on_error), good = 0, rounds = 0;
	char settings[64];
	size_t before;

	snprintf(settings, sizeof(settings), "timeout = 5s; on_error = %s", on_error[choice].name);
	load_bomb(bomb, settings);
	ck_assert(serve_one(&r.d));
	before = held();
	while (good < ROUNDS && rounds++ < ROUNDS_MOST)
		good += explode(bomb, choice);
	ck_assert_msg(good == ROUNDS, "%s: takes too long, %d times", bomb->name, rounds);
	ck_assert_msg(held() <= before + STATE_GROWS, "%s: %zu octets before, %zu after",
		bomb->name, before, held());
}
END_TEST

START_TEST(is_not_loaded)
{
	const struct bomb *bomb = &load_bombs[_i];
	int64_t began = clock_cpu(), took;
	char *code = NULL;

	ck_assert_int_gt(asprintf(&code, "function mail(m) end\n%s\n", bomb->code), 0);
	load_rule(bomb->code[0] == '\x1b' ? bomb->code : code, "timeout = 5s");
	free(code);
	took = clock_cpu() - began;
	if (getenv("BOMB_TIMES") != NULL)
		printf("%6.1f ms: %s: %s\n", (double)took / 1000, bomb->name, r.d.mistakes);
	ck_assert_msg(r.d.g == NULL, "%s", bomb->name);
	ck_assert_uint_eq(r.d.errors, 1);
	ck_assert_msg(bomb->why == NULL || strstr(r.d.mistakes, bomb->why) != NULL,
		"%s: want %s, got %s", bomb->name, bomb->why, r.d.mistakes);
	ck_assert_int_le(took, LOAD_US);
}
END_TEST

static long
resident_kb(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%*s %ld", &pages), 1);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
explode_all(void)
{
	for (int i = 0; i < LENGTH(bombs); i++) {
		load_bomb(&bombs[i], "timeout = 5s");
		rule_message(&r, "<bomb@example.com>");
		chain_end_message(r.d.s);
		ck_assert(serve_one(&r.d));
		rule_fini(&r);
		rule_init(&r);
	}
}

/* The first time there is much that any hook brings: threads, libraries, room of the allocator. */
START_TEST(leave_the_process_as_large_as_it_was)
{
	long at_first = resident_kb(), before, after;

	explode_all();
	before = resident_kb();
	explode_all();
	after = resident_kb();
	if (getenv("BOMB_TIMES") != NULL)
		printf("%ld KB, after all bombs %ld KB, after all again %ld KB\n", at_first, before,
			after);
	ck_assert_int_le(before - at_first, MOST_KB);
	ck_assert_int_le(after - before, GROWS_KB);
}
END_TEST

/* Lua finds the latest texts that were pushed by the address they came from. */
START_TEST(an_empty_text_is_empty_wherever_it_comes_from)
{
	static const char nothing[256];
	lua_State *L = luaL_newstate();

	ck_assert_ptr_nonnull(L);
	script_seal_open(L);
	for (size_t i = 0; i < sizeof(nothing); i++) {
		size_t len;

		lua_pushstring(L, nothing + i);
		lua_tolstring(L, -1, &len);
		ck_assert_uint_eq(len, 0);
		lua_pop(L, 1);
	}
	lua_close(L);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_bombs");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, ends_within_twice_its_budget, 0, LENGTH(bombs));
	tcase_add_loop_test(tc, is_not_loaded, 0, LENGTH(load_bombs));
	tcase_add_test(tc, an_empty_text_is_empty_wherever_it_comes_from);
	tcase_add_test(tc, leave_the_process_as_large_as_it_was);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
