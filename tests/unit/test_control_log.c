/* SPDX-License-Identifier: MIT */
/*
 * test_control_log.c - who asks for message lines gets those he wants, and mail waits for nobody
 */
#include "admin/control_log.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/control.h"
#include "base/clock.h"
#include "base/log.h"
#include "drive.h"
#include "table.h"

#define NOW	 1800000000
#define MAX_ARGS 6

static struct drive d;
static char path[96];

static void
begin(const char *sections)
{
	struct listener_settings set = {.name = "c", .type = LISTENER_CONTROL, .mode = 0600};
	char socket[128];
	struct err err;

	setenv("TZ", "UTC", 1);
	clock_freeze(NOW);
	drive_init(&d);
	drive_run_test_plugins(&d, sections);
	snprintf(path, sizeof(path), "%s/s", d.dir);
	snprintf(socket, sizeof(socket), "unix:%s", path);
	set.socket = socket;
	ck_assert_msg(control_open(&set, &err), "%s", err.text);
	ck_assert_msg(control_start(d.conf, &err), "%s", err.text);
}

static void
setup(void)
{
	begin("profile all { chain = [ ] }\n");
}

static void
teardown(void)
{
	control_stop();
	generation_swap(NULL);
	drive_fini(&d);
	clock_thaw();
}

static FILE *
ask(const char *request)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path, path, strlen(path));
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	return fdopen(fd, "r");
}

/* The next line of an answer; free with json_decref(). NULL: there are no more. */
static json_t *
hear(FILE *in)
{
	static char line[65536];
	json_t *root;

	if (fgets(line, sizeof(line), in) == NULL)
		return NULL;
	root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(root != NULL, "no JSON: %s", line);
	return root;
}

/* A message line of few fields. */
static void
put(const char *id, const char *client, const char *login, const char *from, const char *to,
	const char *spf, const char *verdict, const char *by, const char *shadow)
{
	const struct log_field fields[] = {
		{"id", "ID", id, LOG_WORD},
		{"client", "CLIENT", client, LOG_WORD},
		{"auth", "AUTH_USER", login, LOG_WORD},
		{"from", "FROM", from, LOG_WORD},
		{"to", "TO", to, LOG_WORD},
		{"spf", NULL, spf, LOG_WORD},
		{"auth_result", NULL, spf, LOG_WORD},
		{"verdict", "VERDICT", verdict, LOG_WORD},
		{"by", "BY", by, LOG_WORD},
		{"shadow", "SHADOW", shadow, LOG_WORD},
	};

	log_record("Q", fields, LENGTH(fields));
}

static void
put_some(void)
{
	put("a", "mx[192.0.2.7]", "bob", "<bob@example.com>", "<x@y.org>+2", "pass", "accept", NULL,
		"dns2:reject,slow:edits");
	clock_advance(600 * CLOCK_SEC);
	put("b", "x]y[192.0.2.8][198.51.100.1]", "-", "<>", "<Ann@Example.COM>", "fail", "reject",
		"spf2", NULL);
	put("c", "mx6[2001:db8::1]", "Bob", "<ann@sub.example.com>", NULL, "fail", "rejected",
		"spf", "d:x");
	put("d", "local", "?", "-", "<weird>@example.com>", NULL, NULL, NULL, NULL);
}

static const struct {
	const char *name, *words; /* behind "log" */
	const char *ids;	  /* of the lines that come */
} wants[] = {
	{"everything", "", "abcd"},
	{"one login", ",\"--login\",\"bob\"", "a"},
	{"no login", ",\"--login\",\"-\"", "b"},
	{"one verdict", ",\"--verdict\",\"reject\"", "b"},
	{"any verdict", ",\"--verdict\",\"any\"", "abcd"},
	{"a network", ",\"--client\",\"192.0.2.0/24\"", "a"},
	{"an address behind a name that looks like one", ",\"--client\",\"198.51.100.1\"", "b"},
	{"a network of IPv6", ",\"--client\",\"2001:db8::/32\"", "c"},
	{"every address, and so no local client", ",\"--client\",\"0.0.0.0/0\"", "ab"},
	{"a sender", ",\"--from\",\"bob@example.com\"", "a"},
	{"a sender in other letters", ",\"--from\",\"BOB@example.com\"", "a"},
	{"part of a sender is none", ",\"--from\",\"ob@example.com\"", ""},
	{"senders of a domain, and not of those below", ",\"--from\",\"@example.com\"", "a"},
	{"the null sender", ",\"--from\",\"<>\"", "b"},
	{"the null sender as an empty word", ",\"--from\",\"\"", "b"},
	{"a sender in angles", ",\"--from\",\"<bob@example.com>\"", "a"},
	{"a recipient of several", ",\"--to\",\"x@y.org\"", "a"},
	{"recipients of a domain", ",\"--to\",\"@EXAMPLE.com\"", "bd"},
	{"a plugin that decided, and one that found something", ",\"--plugin\",\"spf\"", "abc"},
	{"a plugin that decided alone", ",\"--plugin\",\"spf2\"", "b"},
	{"a plugin that is watched", ",\"--plugin\",\"slow\"", "a"},
	{"part of a watched plugin's name is none", ",\"--plugin\",\"dns\"", ""},
	{"a plugin called like a field", ",\"--plugin\",\"auth\"", "abc"},
	{"a field is no plugin", ",\"--plugin\",\"client\"", ""},
	{"the latest time", ",\"--since\",\"9min\"", "bcd"},
	{"a time before all", ",\"--since\",\"1h\"", "abcd"},
	{"several wishes hold together", ",\"--verdict\",\"accept\",\"--login\",\"bob\"", "a"},
	{"wishes that nothing fulfils", ",\"--verdict\",\"reject\",\"--login\",\"bob\"", ""},
};

START_TEST(lines_are_those_that_are_wanted)
{
	char request[256], ids[16] = "";
	FILE *in;
	json_t *line;

	put_some();
	snprintf(request, sizeof(request), "{\"command\":[\"log\"%s]}\n", wants[_i].words);
	in = ask(request);
	while ((line = hear(in)) != NULL && !json_is_true(json_object_get(line, "done"))) {
		const json_t *row = json_object_get(line, "row");

		ck_assert_ptr_null(json_object_get(line, "error"));
		strcat(ids, json_string_value(json_object_get(row, "id")));
		json_decref(line);
	}
	json_decref(line);
	ck_assert_msg(strcmp(ids, wants[_i].ids) == 0, "%s: %s is not %s", wants[_i].name, ids,
		wants[_i].ids);
	fclose(in);
}
END_TEST

START_TEST(line_is_for_people_and_for_programs)
{
	json_t *line;
	FILE *in;

	put("i", "a b\x1b[192.0.2.7]", NULL, "<>", NULL, NULL, "reject", "x", NULL);
	in = ask("{\"command\":[\"log\"]}\n");
	line = hear(in);
	ck_assert_str_eq(json_string_value(json_object_get(line, "say")),
		"2027-01-15T08:00:00+00:00 Q: id=i client=a\\x20b\\x1b[192.0.2.7] auth=- from=<> "
		"to=- "
		"spf=- auth_result=- verdict=reject by=x shadow=-");
	ck_assert_str_eq(
		json_string_value(json_object_get(json_object_get(line, "row"), "verdict")),
		"reject");
	json_decref(line);
	fclose(in);
}
END_TEST

/* Of one more reader than there may be. */
static FILE *followers[CONTROL_FOLLOWERS_MOST + 1];

static FILE *
follow(const char *words)
{
	char request[256];
	FILE *in;
	json_t *line;

	snprintf(request, sizeof(request), "{\"command\":[\"log\",\"--follow\"%s]}\n", words);
	in = ask(request);
	line = hear(in);
	if (!json_is_true(json_object_get(line, "following"))) {
		fclose(in);
		in = NULL;
	}
	json_decref(line);
	return in;
}

static void
expect_id(FILE *in, const char *id)
{
	json_t *line = hear(in);
	const json_t *row = json_object_get(line, "row");

	ck_assert_str_eq(json_string_value(json_object_get(row, "id")), id);
	json_decref(line);
}

START_TEST(who_follows_sees_what_comes)
{
	FILE *new, *since;

	put("old", NULL, "bob", NULL, NULL, NULL, NULL, NULL, NULL);
	new = follow(",\"--login\",\"bob\"");
	since = follow(",\"--since\",\"1h\"");
	ck_assert(new != NULL &&since != NULL);
	put("ann", NULL, "ann", NULL, NULL, NULL, NULL, NULL, NULL);
	put("one", NULL, "bob", NULL, NULL, NULL, NULL, NULL, NULL);
	expect_id(new, "one");
	put("two", NULL, "bob", NULL, NULL, NULL, NULL, NULL, NULL);
	expect_id(new, "two");
	expect_id(since, "old");
	expect_id(since, "ann");
	expect_id(since, "one");
	fclose(new);
	fclose(since);
}
END_TEST

/* It took the configuration with it as long as it looked: a reload freed nothing. */
START_TEST(who_follows_holds_no_configuration)
{
	FILE *in = follow("");
	struct generation *g = generation_hold();

	/* Ours, and that of the daemon. */
	ck_assert_uint_eq(atomic_load(&g->references), 2);
	generation_drop(g);
	fclose(in);
}
END_TEST

#define MANY 60000

/* He reads nothing while all of it is logged: who logs does not wait, and he learns what he missed.
 */
START_TEST(slow_reader_loses_lines_and_is_told_how_many)
{
	static char text[200];
	FILE *in = follow("");
	long long lost = 0, got = 0;
	json_t *line;

	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < MANY; i++)
		put(text, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	while (got + lost < MANY && (line = hear(in)) != NULL) {
		const json_t *row = json_object_get(line, "row");
		const json_t *missed = json_object_get(row, "lost");

		lost += json_integer_value(missed);
		got += missed == NULL;
		json_decref(line);
	}
	ck_assert_int_gt(lost, 0);
	ck_assert_int_gt(got, 1000);
	ck_assert_int_eq(got + lost, MANY);
	put("last", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	expect_id(in, "last");
	fclose(in);
}
END_TEST

START_TEST(followers_are_few)
{
	/* Of one user, who may be no root. */
	unsigned most = geteuid() == 0 ? CONTROL_FOLLOWERS_MOST : CONTROL_OF_ONE_MOST;
	json_t *line;
	FILE *in;

	for (unsigned i = 0; i < most; i++) {
		followers[i] = follow("");
		ck_assert_ptr_nonnull(followers[i]);
	}
	ck_assert_ptr_null(follow(""));
	/* Who looks and goes has room beside them, where he is root. */
	in = ask("{\"command\":[\"status\"]}\n");
	line = hear(in);
	ck_assert(geteuid() != 0 || json_object_get(line, "row") != NULL);
	json_decref(line);
	fclose(in);
	/* A place is free again once the daemon has found that somebody left. */
	fclose(followers[0]);
	while ((followers[0] = follow("")) == NULL)
		continue;
	for (unsigned i = 0; i < most; i++)
		fclose(followers[i]);
}
END_TEST

/* No reader keeps the daemon from its end, not even one that does not read. */
START_TEST(daemon_ends_beside_followers)
{
	FILE *idle = follow(""), *slow = follow("");

	for (int i = 0; i < MANY / 10; i++)
		put("x", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	control_stop();
	ck_assert(idle != NULL && slow != NULL);
	fclose(idle);
	fclose(slow);
}
END_TEST

START_TEST(log_without_message_lines_says_so)
{
	json_t *line;
	FILE *in;

	begin("profile all { chain = [ ] }\n"
	      "log x { target = file; path = \"/dev/null\"; summary = no }\n");
	in = ask("{\"command\":[\"log\"]}\n");
	line = hear(in);
	ck_assert_str_eq(json_string_value(json_object_get(line, "error")),
		"there are no message lines: every log of the configuration has summary = no");
	json_decref(line);
	fclose(in);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("control_log");
	TCase *tc = tcase_create("lines"), *without = tcase_create("without");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, lines_are_those_that_are_wanted, 0, LENGTH(wants));
	tcase_add_test(tc, line_is_for_people_and_for_programs);
	tcase_add_test(tc, who_follows_sees_what_comes);
	tcase_add_test(tc, who_follows_holds_no_configuration);
	tcase_add_test(tc, slow_reader_loses_lines_and_is_told_how_many);
	tcase_add_test(tc, followers_are_few);
	tcase_add_test(tc, daemon_ends_beside_followers);
	tcase_add_checked_fixture(without, NULL, teardown);
	tcase_add_test(without, log_without_message_lines_says_so);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, without);
	return table_run(suite);
}
