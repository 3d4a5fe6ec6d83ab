/* SPDX-License-Identifier: MIT */
/*
 * test_script_ask.c - rules ask plugins, and wait while others use their Lua state
 *
 * The plugin is tests/unit/plugins/greylist.c.
 */
#include <dlfcn.h>
#include <pthread.h>

#include "base/clock.h"
#include "script_case.h"
#include "table.h"

#define GREYLIST "plugin greylist { }\n"

static struct rule r;

static void
setup(void)
{
	rule_init(&r);
}

static void
teardown(void)
{
	clock_thaw();
	rule_fini(&r);
}

static void
load(const char *code, const char *sections, const char *more)
{
	char dir[PATH_MAX], *text = NULL;

	drive_plugin_dir(dir, true);
	drive_file(&r.d, "scripts/x.lua", code);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "profile p { chain = [ x ] }\n%s"
				 "script x { file = scripts/x.lua; %s }\n",
				 dir, sections, more),
		0);
	drive_load_text(&r.d, text);
	free(text);
	drive_shorten(&r.d);
}

/* --- what is said --- */

static const struct {
	const char *code, *want;
} says[] = {
	/* nothing, and nobody */
	{"function rcpt(m) return greylist(m) end", "continue"},
	{"function rcpt(m) if greylist(m) ~= nil then error('something') end end", "continue"},
	{"function rcpt(m) return greylist(m, { say = 'tempfail' }) end", "451 4.7.1 wait in 5 s"},
	{"function data(m) return greylist(m, { say = 'tempfail', delay = '9s', text = 'later' }) "
	 "end",
		"451 4.7.1 later in 9 s"},
	{"function headers(m) return greylist(m, { say = 'tempfail' }) end",
		"451 4.7.1 wait in 5 s"},
	{"function message(m) return greylist(m, { say = 'reject' }) end",
		"550 5.7.1 Refused by local policy"},
	{"function rcpt(m) greylist(m, { say = 'tempfail' }) end", "continue"},
	{"function rcpt(m, to) local g = greylist(m, { say = 'tempfail' })\n"
	 "  if g and to.user == 'none' then return g end end",
		"continue"},
	/* after the wait everything is as it was */
	{"function rcpt(m, to) local t = { 'a', to }\n greylist(m)\n"
	 "  return reject(t[1] .. t[2].addr .. m.from.addr) end",
		"550 5.7.1 ato@example.netbob@example.com"},
	{"local function ask(m, n) if n == 0 then return greylist(m, { say = 'tempfail' }) end\n"
	 "  local v = ask(m, n - 1)\n  return v end\n"
	 "function rcpt(m) return ask(m, 50) end",
		"451 4.7.1 wait in 5 s"},
	{"function rcpt(m) local ok, v = pcall(greylist, m, { say = 'tempfail' })\n"
	 "  return ok and v or nil end",
		"451 4.7.1 wait in 5 s"},
	{"function rcpt(m) local t = setmetatable({}, { __index = function() return "
	 "greylist(m, { say = 'tempfail' }) end })\n  return t.x end",
		"451 4.7.1 wait in 5 s"},
	{"function rcpt(m) for i = 1, 999 do greylist(m) end\n return reject('done') end",
		"550 5.7.1 done"},
	/* mistakes */
	{"function rcpt(m) return greylist(m, { say = 'fail' }) end",
		"failed: scripts/x.lua:1: greylist(): no idea*"},
	{"function rcpt(m)\n  local v = greylist(m, { say = 'fail' })\n  return v end",
		"failed: scripts/x.lua:2: greylist(): no idea (rcpt() scripts/x.lua:2)*"},
	{"function rcpt(m) local ok, why = pcall(greylist, m, { say = 'fail' })\n"
	 "  return reject(tostring(ok) .. why) end",
		"550 5.7.1 falsegreylist(): no idea"},
	{"function rcpt(m) return greylist() end",
		"failed: scripts/x.lua: rcpt() (lines 1-1): greylist(): its first argument is the "
		"message: m*"},
	{"function rcpt(m) return greylist(m, 'five') end",
		"failed: scripts/x.lua: rcpt() (lines 1-1): greylist(): options are a table: { "
		"name "
		"= value }*"},
	{"function rcpt(m) return greylist(m, { 'five' }) end",
		"failed: scripts/x.lua: rcpt() (lines 1-1): greylist(): options are names and "
		"values: { name = value }*"},
	{"function rcpt(m) return greylist(m, { delay = m }) end",
		"failed: scripts/x.lua: rcpt() (lines 1-1): greylist(): delay is a userdata*"},
	{"function rcpt(m) return greylist(m, { dely = '5s' }) end",
		"failed: scripts/x.lua: rcpt() (lines 1-1): greylist(): unknown setting \"dely\" "
		"in "
		"its options*"},
	{"function rcpt(m) return greylist(m, { delay = 5 }) end",
		"failed: scripts/x.lua: rcpt() (lines 1-1): greylist(): *"},
	{"function rcpt(m) return greylist(m, { delay = '1h' }) end",
		"failed: scripts/x.lua: rcpt() (lines 1-1): greylist(): *"},
	{"function rcpt(m) table.sort({ 1, 2 }, function() greylist(m) end) end",
		"failed: scripts/x.lua:1: greylist cannot be used inside of a function that "
		"table.sort*"},
	{"function rcpt(m) for i = 1, 1001 do greylist(m) end end",
		"failed: scripts/x.lua:1: one hook may wait at most 1000 times*"},
	{"function message(m) return greylist(m, { say = 'tempfail' }) end\n"
	 "function done(m) greylist(m) end",
		"451 4.7.1 wait in 5 s"},
};

START_TEST(rule_says)
{
	load(says[_i].code, GREYLIST, "");
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	rule_expect(rule_session(&r), says[_i].want);
}
END_TEST

START_TEST(reason_names_who_was_asked)
{
	load("function rcpt(m) return greylist(m, { say = 'tempfail', loud = true }) end",
		"plugin other { type = greylist }\n" GREYLIST, "");
	rule_session(&r);
	ck_assert_str_eq(session_result(r.d.s, "greylist", "rcpt"), "to@example.net");
	ck_assert_str_eq(session_result(r.d.s, "greylist", "loud"), "yes");
	ck_assert_ptr_nonnull(strstr(rule_log(&r), "greylist: seen by greylist"));
}
END_TEST

/* A reply has one id. */
START_TEST(reply_has_one_id)
{
	const char *at;

	load("function rcpt(m) return greylist(m, { say = 'tempfail' }) end", GREYLIST, "");
	rule_session(&r);
	at = strstr(r.d.answer.reply.text, " (id ");
	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_null(strstr(at + 1, " (id "));
}
END_TEST

static const struct {
	const char *settings, *want;
} modes[] = {
	{"mode = enforce", "451 4.7.1 wait in 5 s"},
	{"mode = shadow", "continue"},
	{"mode = off", "continue"},
	{"sample = 0%", "continue"},
};

START_TEST(mode_of_the_asked_counts)
{
	char section[80];

	snprintf(section, sizeof(section), "plugin greylist { %s }\n", modes[_i].settings);
	load("function rcpt(m) return greylist(m, { say = 'tempfail' }) end", section, "");
	rule_expect(rule_session(&r), modes[_i].want);
}
END_TEST

/* --- loading --- */

static const struct {
	const char *code, *sections, *want;
} loads[] = {
	{"function rcpt(m)\n  return greylist(m)\nend", "",
		"scripts/x.lua:2: error: greylist() needs the plugin greylist in filter.conf"},
	{"local greylist = 1\nfunction rcpt(m) return greylist and nil end", "", ""},
	{"function rcpt(m) local t = { greylist = 1 } return t.greylist and nil end", "", ""},
	{"function rcpt(m) return greylist(m) end", GREYLIST, ""},
	{"function rcpt(m) return greylist(m) end", "plugin g { type = greylist }\n", ""},
	{"greylist()\nfunction rcpt(m) end", GREYLIST,
		"scripts/x.lua:1: error: greylist can be used in hooks only, not while the file is "
		"loaded"},
};

START_TEST(file_loads)
{
	load(loads[_i].code, loads[_i].sections, "");
	ck_assert_msg(strstr(r.d.mistakes, loads[_i].want) != NULL, "want %s\ngot  %s",
		loads[_i].want, r.d.mistakes);
	ck_assert_int_eq(r.d.g == NULL, loads[_i].want[0] != '\0');
}
END_TEST

/* Nobody else is asked; one that no chain names and no rule asks is told of. */
START_TEST(unasked_is_unused)
{
	load("function rcpt(m) return greylist(m) end", GREYLIST "plugin g { type = greylist }\n",
		"");
	ck_assert_ptr_nonnull(strstr(r.d.mistakes, "plugin g is defined but no chain names it"));
	ck_assert_ptr_null(strstr(r.d.mistakes, "plugin greylist is defined"));
}
END_TEST

/* The MTA is asked for what the plugin reads. */
START_TEST(needs_are_the_rules_needs)
{
	struct chain_needs needs;
	struct arena arena;
	bool found = false;

	load("function rcpt(m) return greylist(m) end", GREYLIST, "");
	arena_init(&arena, 1024);
	chain_needs(&r.d.g->chain, &arena, &needs);
	ck_assert(needs.size);
	for (const char *const *m = needs.macros[CM_STAGE_MAIL]; *m != NULL; m++)
		found = found || strcmp(*m, "{tls_version}") == 0;
	ck_assert(found);
	arena_fini(&arena);
}
END_TEST

/* --- waiting --- */

#define THREADS 24

struct sender {
	pthread_t thread;
	struct drive drive;
	char outcome[200];
};

static void *
send_one(void *context)
{
	struct sender *sender = context;
	struct drive *d = &sender->drive;
	const char *why;
	enum cm_verdict v;

	drive_open(d);
	drive_connect(d, "192.0.2.1", "client.example.org", "587");
	drive_mail(d, "<bob@example.com>", "bob", NULL);
	v = drive_rcpt(d, "<to@example.net>");
	why = rule_failure(chain_trace(d->s));
	snprintf(sender->outcome, sizeof(sender->outcome), "%s",
		why != NULL ? why : verdict_name(v));
	return NULL;
}

static void
start_senders(struct sender *senders, int count)
{
	for (int i = 0; i < count; i++) {
		senders[i].drive.g = r.d.g;
		ck_assert_int_eq(
			pthread_create(&senders[i].thread, NULL, send_one, &senders[i]), 0);
	}
}

static void
close_sender(struct sender *sender)
{
	chain_end_message(sender->drive.s);
	chain_close(sender->drive.s);
	session_free(sender->drive.s);
}

static void
finish_senders(struct sender *senders, int count)
{
	for (int i = 0; i < count; i++)
		pthread_join(senders[i].thread, NULL);
	for (int i = 0; i < count; i++)
		close_sender(&senders[i]);
}

/*
 * All are in the plugin at once, though there are fewer states; each goes on with what is its own.
 * Each waits several times, so they come back to states that others use.
 */
START_TEST(all_wait_at_once)
{
	static struct sender senders[THREADS];

	memset(senders, 0, sizeof(senders));
	load("function rcpt(m, to)\n"
	     "  local mine = { m.id, to.addr }\n"
	     "  for i = 1, 20 do\n"
	     "    greylist(m, { meet = 24 })\n"
	     "    for k = 1, 200 do mine[2 + k] = m.id .. k end\n"
	     "  end\n"
	     "  if mine[1] ~= m.id or mine[2] ~= to.addr or mine[202] ~= m.id .. '200' then\n"
	     "    error('lost') end\n"
	     "end",
		GREYLIST, "");
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	start_senders(senders, THREADS);
	finish_senders(senders, THREADS);
	for (int i = 0; i < THREADS; i++)
		ck_assert_str_eq(senders[i].outcome, "continue");
}
END_TEST

static const struct {
	const char *code, *want;
} late[] = {
	{"function rcpt(m) greylist(m, { pass = '2s' }) end", "continue"},
	{"function rcpt(m)\n  greylist(m, { pass = '4s' })\nend",
		"failed: scripts/x.lua:2: rcpt() took longer than its timeout*"},
	{"function rcpt(m)\n  pcall(greylist, m, { pass = '4s' })\n  return reject('too "
	 "late')\nend",
		"failed: scripts/x.lua:2: rcpt() took longer than its timeout*"},
	{"function rcpt(m) while true do greylist(m, { pass = '1s' }) end end",
		"failed: scripts/x.lua:1: rcpt() took longer than its timeout*"},
	{"function rcpt(m) greylist(m, { pass = '2s' }) end\n"
	 "function data(m) greylist(m, { pass = '2s' }) end",
		"continue"},
};

/* A hook that waits is no exception: its timeout holds. */
START_TEST(time_passes_while_it_waits)
{
	char path[PATH_MAX];
	void (**elapse)(int64_t);
	void *plugin;

	load(late[_i].code, GREYLIST, "timeout = 3s");
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	drive_plugin_dir(path, true);
	strcat(path, "/greylist.so");
	plugin = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
	ck_assert_ptr_nonnull(plugin);
	elapse = dlsym(plugin, "greylist_elapse");
	ck_assert_ptr_nonnull(elapse);
	*elapse = clock_advance;
	clock_freeze(1800000000);
	rule_expect(rule_session(&r), late[_i].want);
	dlclose(plugin);
}
END_TEST

/* A rule that keeps too much has its state built anew, when nobody waits in it any more. */
START_TEST(worn_state_waits_for_those_away)
{
	static struct sender senders[THREADS];

	memset(senders, 0, sizeof(senders));
	load("local kept = {}\n"
	     "function rcpt(m, to)\n"
	     "  local id = m.id\n"
	     "  kept[#kept + 1] = ('x'):rep(400000) .. #kept\n"
	     "  for i = 1, 3 do greylist(m, { meet = 24 }) end\n"
	     "  if id ~= m.id then error('lost') end\n"
	     "end",
		GREYLIST, "memory = 1M");
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	start_senders(senders, THREADS);
	finish_senders(senders, THREADS);
	for (int i = 0; i < THREADS; i++)
		ck_assert_str_eq(senders[i].outcome, "continue");
	ck_assert_ptr_nonnull(strstr(rule_log(&r), "its Lua state is built anew"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_ask");
	TCase *tc = tcase_create("ask");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, rule_says, 0, LENGTH(says));
	tcase_add_test(tc, reason_names_who_was_asked);
	tcase_add_test(tc, reply_has_one_id);
	tcase_add_loop_test(tc, mode_of_the_asked_counts, 0, LENGTH(modes));
	tcase_add_loop_test(tc, file_loads, 0, LENGTH(loads));
	tcase_add_test(tc, unasked_is_unused);
	tcase_add_test(tc, needs_are_the_rules_needs);
	tcase_add_test(tc, all_wait_at_once);
	tcase_add_loop_test(tc, time_passes_while_it_waits, 0, LENGTH(late));
	tcase_add_test(tc, worn_state_waits_for_those_away);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
