/* SPDX-License-Identifier: MIT */
/*
 * test_record_daemon.c - a real daemon keeps its sessions, and the commands that read them
 *
 * The daemon is a process of this build's chainmail; its client speaks the milter protocol as an
 * MTA does, and says what a hostile one would. What the commands print is read as people and as
 * programs do.
 */
#include <jansson.h>
#include <lauxlib.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../smtp/daemon.h"
#include "../smtp/logfile.h"
#include "../smtp/mta.h"
#include "service/ring.h"
#include "table.h"
#include "temp.h"

#define PATIENCE_MS 60000
#define STEP_MS	    20
/* What would end a string of Lua or JSON, or be acted upon by a terminal. */
#define HOSTILE "\x1b[31m\x9b\" .. os.exit(1) .. \" ]] \\ \xff"

static struct daemon d;
static char ring[TEMP_NAME_SIZE];
static char rules[TEMP_NAME_SIZE];

static void
built(char out[PATH_MAX], const char *name)
{
	ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 32);

	ck_assert_int_gt(len, 0);
	out[len] = '\0';
	for (int up = 0; up < 3; up++)
		*strrchr(out, '/') = '\0';
	strcat(out, name);
}

/* A configuration that refuses these recipients. */
static void
write_config(FILE *f, const char *refused)
{
	char plugins[PATH_MAX];

	built(plugins, "/plugins");
	fprintf(f,
		"main { plugin_dir = \"%s\"; authserv_id = mx.example.com; drain_timeout = 1s }\n"
		"log { target = stderr }\n"
		"listener test { engine = @ENGINE@; socket = \"unix:@DIR@/milter.sock\" }\n"
		"listener people { type = control; socket = \"unix:@DIR@/control.sock\" }\n"
		"record { path = \"%s\" }\n"
		"map refused { entries = [ \"%s reject 550 5.7.1 No\" ] }\n"
		"profile all { chain = [ access, offers, watch ] }\n"
		"script offers { file = \"%s/offers.lua\" }\n"
		"plugin access { recipient = refused }\n"
		/* It sees all, so all is sent and kept. */
		"plugin watch { type = trace }\n",
		plugins, ring, refused, rules);
}

static void
start(void)
{
	char program[PATH_MAX], path[TEMP_NAME_SIZE], why[256] = "";
	FILE *f = fdopen(temp_file(path, "conf"), "w");

	ck_assert_ptr_nonnull(f);
	built(program, "/chainmail");
	write_config(f, "eve@example.com");
	ck_assert_int_eq(fclose(f), 0);
	bool started = daemon_start(&d, program, path, "native", PATIENCE_MS, why, sizeof(why));

	unlink(path);
	if (!started)
		daemon_print_log(&d);
	ck_assert_msg(started, "%s", why);
}

static void
stop(void)
{
	char why[256] = "";
	bool good = daemon_stop(&d, PATIENCE_MS, why, sizeof(why));

	if (!good)
		daemon_print_log(&d);
	ck_assert_msg(good, "%s", why);
}

static void
setup(void)
{
	char path[128];

	ck_assert(temp_dir(ring, "ring"));
	ck_assert(temp_dir(rules, "rules"));
	snprintf(path, sizeof(path), "%s/offers.lua", rules);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs("function headers(m)\n"
	      "    if m:header(\"Subject\") == \"offer\" then return reject(\"No "
	      "offers\") end\n"
	      "end\n",
		f);
	ck_assert_int_eq(fclose(f), 0);
	start();
}

static void
remove_ring(void)
{
	char name[128];

	for (unsigned i = 1; i < 10; i++) {
		snprintf(name, sizeof(name), "%s/%08x.ring", ring, i);
		unlink(name);
	}
	ck_assert_int_eq(rmdir(ring), 0);
}

static void
remove_rules(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/offers.lua", rules);
	unlink(path);
	snprintf(path, sizeof(path), "%s/offers_test.lua", rules);
	unlink(path);
	ck_assert_int_eq(rmdir(rules), 0);
}

static void
teardown(void)
{
	daemon_clean(&d);
	remove_ring();
	remove_rules();
}

/* --- what a client says --- */

static struct mta *
greet(void)
{
	struct mta *m = mta_open(d.address, PATIENCE_MS);

	ck_assert_ptr_nonnull(m);
	mta_macro(m, "{auth_authen}", "bob");
	mta_macro(m, "{daemon_port}", "587");
	ck_assert_int_eq(mta_negotiate(m, &mta_offer_postfix), MTA_NEGOTIATED);
	mta_connect(m, "mail.example.org", "203.0.113.7", 40000);
	mta_helo(m, "mail.example.org");
	return m;
}

static void
message(struct mta *m, const char *queue_id, const char *to, const char *subject)
{
	const char *from = "<bob@example.org>";

	mta_macro(m, "i", queue_id);
	mta_mail(m, &from, 1);
	if (mta_rcpt(m, &to, 1) >= MTA_REJECT) {
		mta_abort(m);
		return;
	}
	mta_data(m);
	mta_header(m, "Subject", subject);
	mta_eoh(m);
	mta_body(m, "hello\r\n", 7);
	mta_eom(m);
}

/* Until the daemon has written so many. */
static void
await(size_t sessions)
{
	const unsigned char *data;
	size_t len, count = 0;
	struct err err;

	for (int i = 0; i < PATIENCE_MS / STEP_MS && count < sessions; i++) {
		struct ring_reader *r = ring_reader_open(ring, &err);

		ck_assert_msg(r != NULL, "%s", err.text);
		for (count = 0; ring_reader_next(r, &data, &len);)
			count++;
		ring_reader_close(r);
		if (count < sessions)
			usleep(STEP_MS * 1000);
	}
	ck_assert_uint_eq(count, sessions);
}

static void
say_three(void)
{
	struct mta *m = greet();

	message(m, "QONE", "<ann@example.com>", " one " HOSTILE);
	message(m, "QTWO", "<eve@example.com>", " two");
	message(m, "QTHREE", "<dave@example.com>", " three");
	mta_quit(m);
	mta_close(m);
	await(3);
}

/* --- what a command prints --- */

static char output[1 << 16];

/* The exit status; standard output, and standard error behind it, are in output. */
static int
run(const char *words)
{
	char program[PATH_MAX], *command = NULL;
	size_t len;
	FILE *out;

	built(program, "/chainmail");
	ck_assert_int_gt(asprintf(&command, "export CHAINMAIL_CONFIG=%s/filter.conf; '%s' %s 2>&1",
				 d.directory, program, words),
		0);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	len = fread(output, 1, sizeof(output) - 1, out);
	output[len] = '\0';
	free(command);
	return WEXITSTATUS(pclose(out));
}

/* Nothing of it is acted upon by a terminal. */
static bool
is_clean(const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c != '\n' && (c < ' ' || c > '~'))
			return false;
	}
	return true;
}

static const struct {
	const char *name, *words;
	int status;
	const char *out[4];
} shown[] = {
	{"a session by its queue id", "explain QONE", 0,
		{" queue_id=QONE\n", "profile all (port 587, login bob)\n", "verdict   accept"}},
	{"one that was refused", "explain QTWO", 1,
		{" to=<eve@example.com>\n", "reject       <eve@example.com>  550 5.7.1 No",
			"verdict   reject  550 5.7.1 No"}},
	{"one that is not there", "explain QFOUR", 1,
		{"no kept session has the id QFOUR", "try: grep QFOUR in the log"}},
	{"an id that clears the screen", "record \"$(printf 'Q\\033[2J')\" --as-test", 1,
		{"no kept session has the id Q\\x1b[2J: ", "try: grep Q\\x1b[2J in the log"}},
	{"a test of nothing", "record --as-test", 64, {"say which session"}},
	{"a session of nothing", "record QONE", 64, {"--as-test"}},
	{"the same configuration", "replay --config $CHAINMAIL_CONFIG", 0,
		{"3 recorded sessions, ", "same verdict                  3\n"}},
	{"no configuration", "replay", 64, {"say which configuration"}},
	{"no pair", "replay --config x --list accept", 64, {"want two verdicts"}},
	{"a verdict that is none", "replay --config x --list accept,rejct", 64,
		{"want two verdicts"}},
	{"three verdicts", "replay --config x --list accept,reject,accept", 64,
		{"want two verdicts"}},
	{"no time", "replay --config x --since never", 64, {"want a time, such as 24h"}},
	{"a configuration that is not there", "replay --config /none.conf", 64, {"/none.conf"}},
	{"no ring", "replay --config $CHAINMAIL_CONFIG --record /none", 64, {"/none"}},
};

START_TEST(commands_show_what_was_kept)
{
	say_three();
	for (int i = 0; i < LENGTH(shown); i++) {
		int status = run(shown[i].words);

		ck_assert_msg(
			status == shown[i].status, "%s: %d: %s", shown[i].name, status, output);
		for (int k = 0; k < 4 && shown[i].out[k] != NULL; k++)
			ck_assert_msg(strstr(output, shown[i].out[k]) != NULL,
				"%s: no \"%s\" in: %s", shown[i].name, shown[i].out[k], output);
		ck_assert_msg(is_clean(output), "%s", shown[i].name);
	}
	stop();
}
END_TEST

START_TEST(programs_get_json)
{
	json_t *o;

	say_three();
	ck_assert_int_eq(run("explain QTWO --json"), 1);
	o = json_loads(output, 0, NULL);
	ck_assert_msg(o != NULL, "%s", output);
	ck_assert_str_eq(json_string_value(json_object_get(o, "queue_id")), "QTWO");
	ck_assert_str_eq(json_string_value(json_object_get(o, "login")), "bob");
	ck_assert_str_eq(json_string_value(json_object_get(o, "verdict")), "reject");
	json_decref(o);
	ck_assert_int_eq(run("replay --config $CHAINMAIL_CONFIG --json"), 0);
	o = json_loads(output, 0, NULL);
	ck_assert_msg(o != NULL, "%s", output);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "sessions")), 3);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "same")), 3);
	json_decref(o);
	ck_assert_int_eq(run("status --json"), 0);
	ck_assert_msg(strstr(output, "\"kept\":3") != NULL, "%s", output);
	stop();
}
END_TEST

/* --- another configuration --- */

static void
write_other(char path[128], const char *refused)
{
	snprintf(path, 128, "%s/other.conf", d.directory);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	write_config(f, refused);
	ck_assert_int_eq(fclose(f), 0);
	/* The marks of the runner stand for what is not asked here. */
	char command[512];

	snprintf(command, sizeof(command), "sed -i 's,@ENGINE@,native,; s,@DIR@,%s,' '%s'",
		d.directory, path);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(another_configuration_affects_exactly_these)
{
	char other[128], words[512];

	say_three();
	write_other(other, "dave@example.com");
	snprintf(words, sizeof(words), "replay --config %s", other);
	ck_assert_int_eq(run(words), 1);
	ck_assert_msg(strstr(output, "same verdict                  1\n") != NULL, "%s", output);
	ck_assert_msg(strstr(output, "accept     -> reject          1   by access\n") != NULL, "%s",
		output);
	ck_assert_msg(strstr(output, "reject     -> accept          1   by access\n") != NULL, "%s",
		output);
	ck_assert_msg(strstr(output, "logins affected               1   bob (2)\n") != NULL, "%s",
		output);
	snprintf(words, sizeof(words), "replay --config %s --list accept,reject", other);
	ck_assert_int_eq(run(words), 1);
	ck_assert_msg(strstr(output, "queue_id=QTHREE ") != NULL, "%s", output);
	ck_assert_msg(
		strstr(output, "QONE") == NULL && strstr(output, "QTWO") == NULL, "%s", output);
	snprintf(words, sizeof(words), "replay --config %s --list reject,accept", other);
	ck_assert_int_eq(run(words), 1);
	ck_assert_msg(strstr(output, "queue_id=QTWO ") != NULL, "%s", output);
	ck_assert_msg(
		strstr(output, "QONE") == NULL && strstr(output, "QTHREE") == NULL, "%s", output);
	snprintf(words, sizeof(words), "replay --config %s --against %s", other, other);
	ck_assert_int_eq(run(words), 0);
	stop();
}
END_TEST

/* --- a test of a rule --- */

/* The table of :send, at the top of the stack, is what the case sends. */
static int
keep_call(lua_State *L)
{
	if (lua_istable(L, 2) && lua_rawlen(L, 2) > 0) {
		lua_pushvalue(L, 2);
		lua_setglobal(L, "sent");
	}
	lua_settop(L, 1);
	return 1;
}

static int
find_step(lua_State *L)
{
	lua_pushcfunction(L, keep_call);
	return 1;
}

/* case "name" { ... }:step ... */
static int
begin_case(lua_State *L)
{
	lua_newtable(L);
	lua_newtable(L);
	lua_pushcfunction(L, find_step);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, keep_call);
	lua_setfield(L, -2, "__call");
	lua_setmetatable(L, -2);
	return 1;
}

START_TEST(a_test_of_a_session_is_lua_and_nothing_but_what_was_said)
{
	lua_State *L = luaL_newstate();

	say_three();
	ck_assert_int_eq(run("record QONE --as-test"), 0);
	ck_assert_msg(is_clean(output), "%s", output);
	ck_assert_msg(strstr(output, "login = \"bob\"") != NULL, "%s", output);
	ck_assert_msg(strstr(output, ":expect \"nothing\"") != NULL, "%s", output);
	lua_pushcfunction(L, begin_case);
	lua_setglobal(L, "case");
	/* No library is there: what is called beside the case is an error. */
	ck_assert_msg(luaL_dostring(L, output) == LUA_OK, "%s", lua_tostring(L, -1));
	lua_getglobal(L, "sent");
	ck_assert(lua_istable(L, -1));
	lua_rawgeti(L, -1, 1);
	ck_assert_str_eq(lua_tostring(L, -1), "Subject: one " HOSTILE);
	ck_assert_int_eq(run("record QTWO --as-test --rule access"), 0);
	ck_assert_msg(
		strstr(output, ":rcpt \"eve@example.com\" :expect \"reject 550 5.7.1 No\"") != NULL,
		"%s", output);
	ck_assert_msg(luaL_loadstring(L, output) == LUA_OK, "%s", output);
	lua_close(L);
	stop();
}
END_TEST

START_TEST(a_test_of_a_session_passes_where_the_rule_is_the_same)
{
	struct mta *m = greet();
	char words[256];

	message(m, "QOFFER", "<ann@example.com>", " offer");
	message(m, "QTWO", "<ann@example.com>", " two");
	mta_quit(m);
	mta_close(m);
	await(2);
	snprintf(words, sizeof(words), "record QOFFER --as-test > %s/offers_test.lua", rules);
	ck_assert_int_eq(run(words), 0);
	snprintf(words, sizeof(words), "record QTWO --as-test --rule offers >> %s/offers_test.lua",
		rules);
	ck_assert_int_eq(run(words), 0);
	snprintf(words, sizeof(words), "test %s", rules);
	ck_assert_msg(run(words) == 0, "%s", output);
	ck_assert_msg(strstr(output, "1..2\n") != NULL, "%s", output);
	/* Of another rule they say what is otherwise. */
	snprintf(words, sizeof(words), "%s/offers.lua", rules);
	FILE *f = fopen(words, "w");

	ck_assert_ptr_nonnull(f);
	fputs("function headers(m) end\n", f);
	ck_assert_int_eq(fclose(f), 0);
	snprintf(words, sizeof(words), "test %s", rules);
	ck_assert_int_eq(run(words), 1);
	ck_assert_msg(strstr(output, "reject 550 5.7.1 No offers") != NULL, "%s", output);
	stop();
}
END_TEST

/* --- a daemon that is killed --- */

static void
kill_daemon(void)
{
	kill(d.pid, SIGKILL);
	ck_assert_int_eq(waitpid(d.pid, &d.status, 0), d.pid);
	d.pid = 0;
}

START_TEST(what_was_written_is_there_after_a_kill)
{
	char file[128];
	struct stat st;

	say_three();
	kill_daemon();
	ck_assert_int_eq(run("explain QTHREE"), 0);
	/* It was at its fourth. */
	snprintf(file, sizeof(file), "%s/00000001.ring", ring);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_int_eq(truncate(file, st.st_size - 5), 0);
	daemon_clean(&d);
	start();
	struct mta *m = greet();

	message(m, "QFOUR", "<ann@example.com>", " four");
	mta_quit(m);
	mta_close(m);
	await(3);
	ck_assert_int_eq(run("explain QTWO"), 1);
	ck_assert_int_eq(run("explain QFOUR"), 0);
	/* What it says is written by a thread of its own, to the last line when it ends. */
	stop();
	ck_assert_uint_eq(logfile_count(d.log, 0,
				  "*octets of a session that was not written whole are skipped"),
		1);
}
END_TEST

START_TEST(a_ring_that_cannot_be_written_is_said_in_the_status)
{
	struct mta *m;
	bool said = false;

	/* Its place is a file by the time of the first session. */
	ck_assert_int_eq(rmdir(ring), 0);
	FILE *f = fopen(ring, "w");

	ck_assert_ptr_nonnull(f);
	fclose(f);
	m = greet();
	message(m, "QONE", "<ann@example.com>", " one");
	ck_assert_str_eq(mta_text(m), "");
	for (int i = 0; i < PATIENCE_MS / STEP_MS && !said; i++) {
		ck_assert_int_eq(run("status --json"), 0);
		said = strstr(output, "\"lost\":1") != NULL;
		if (!said)
			usleep(STEP_MS * 1000);
	}
	ck_assert_msg(said && strstr(output, ring) != NULL, "%s", output);
	mta_quit(m);
	mta_close(m);
	stop();
	ck_assert_int_eq(unlink(ring), 0);
	ck_assert_int_eq(mkdir(ring, 0700), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("record_daemon");
	TCase *tests = tcase_create("record_daemon");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, commands_show_what_was_kept);
	tcase_add_test(tests, programs_get_json);
	tcase_add_test(tests, another_configuration_affects_exactly_these);
	tcase_add_test(tests, a_test_of_a_session_is_lua_and_nothing_but_what_was_said);
	tcase_add_test(tests, a_test_of_a_session_passes_where_the_rule_is_the_same);
	tcase_add_test(tests, what_was_written_is_there_after_a_kill);
	tcase_add_test(tests, a_ring_that_cannot_be_written_is_said_in_the_status);
	suite_add_tcase(suite, tests);
	return table_run(suite);
}
