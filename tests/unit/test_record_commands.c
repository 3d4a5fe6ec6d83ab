/* SPDX-License-Identifier: MIT */
/*
 * test_record_commands.c - what the commands make of sessions that were kept with a database of
 * addresses, or with results that came late
 *
 * Sessions are played and kept in this process; the commands run in its children.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/cli.h"
#include "kept_case.h"
#include "table.h"

#define ARGS_MOST 10
#define QUEUE_ID  "4XZ9Yt0kqzQ"

static struct keeper keeper;
static char printed[1 << 16]; /* by the latest command, both outputs */

static const char *
beside(const char *name)
{
	static char paths[4][TEMP_NAME_SIZE + 32];
	static unsigned next;
	char *path = paths[next++ % LENGTH(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", keeper.drive.dir, name);
	return path;
}

static void
setup(void)
{
	keeper_init(&keeper);
}

static void
teardown(void)
{
	unlink(beside("out"));
	unlink(beside("geo.mmdb"));
	unlink(beside("other.conf"));
	keeper_end(&keeper);
}

static void
read_printed(const char *path)
{
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	printed[fread(printed, 1, sizeof(printed) - 1, f)] = '\0';
	fclose(f);
}

/* Its exit status. Words behind the first are arguments; NULL ends them. */
static int
run(const char *command, ...)
{
	char *argv[ARGS_MOST + 3] = {(char *)"chainmail", (char *)(uintptr_t)command};
	const char *out = beside("out");
	int argc = 2, status;
	va_list words;

	va_start(words, command);
	while (argc < ARGS_MOST + 2 && (argv[argc] = va_arg(words, char *)) != NULL)
		argc++;
	va_end(words);
	fflush(NULL);
	pid_t child = fork();

	if (child == 0) {
		log_close();
		if (freopen(out, "w", stdout) == NULL || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
			_exit(99);
		int code = cli_main(argc, argv);

		fflush(NULL);
		_exit(code);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status), "%s: ended by a signal", command);
	read_printed(out);
	return WEXITSTATUS(status);
}

/* Plays one session on a server, and keeps it. */
static void
keep_on(const char *server, const char *sections, const char *client, const char *from)
{
	static const char *const to[] = {"bob@example.com", NULL};
	static const char message[] = "From: ann@example.org\nSubject: hello\n\nHello\n";
	const struct replay_input in = {.client_ip = client,
		.client_name = "mail.example.org",
		.client_port = 40000,
		.server_ip = server,
		.port = 25,
		.helo = "mail.example.org",
		.from = from,
		.to = to,
		.queue_id = QUEUE_ID,
		.message = message,
		.message_len = strlen(message)};

	keeper_load(&keeper, sections, "0");
	keeper_play(&in);
	keeper_stop(&keeper);
}

static void
keep(const char *sections, const char *client, const char *from)
{
	keep_on(NULL, sections, client, from);
}

/* --- where the client is --- */

#define RULE "profile all { chain = [ rule ] }\nscript rule { file = rule.lua }\n"

static const struct {
	const char *what, *client;
	const char *country; /* of the case; NULL: it has none */
} places[] = {
	{"a country", "192.0.2.1", "DE"},
	{"another", "2001:db8::1", "BR"},
	{"an address that the database does not have", "198.18.0.1", NULL},
	{"one of which it knows something else", "203.0.113.7", NULL},
	{"a country that is no code", "198.51.100.1", NULL},
	{"a local client", NULL, NULL},
};

/* False: the module of Perl that makes databases is not there. */
static bool
make_database(void)
{
	char command[300];

	snprintf(command, sizeof(command), "perl tests/unit/geo.pl '%s' DE 2>/dev/null",
		beside("geo.mmdb"));
	return system(command) == 0;
}

START_TEST(a_test_of_a_session_has_its_country)
{
	char wanted[40] = "";

	if (!make_database()) {
		table_skip(
			"a_test_of_a_session_has_its_country", "install libmaxmind-db-writer-perl");
		return;
	}
	drive_file(&keeper.drive, "rule.lua",
		"function headers(m)\n"
		"    local country = m.geo.country or 'nowhere'\n"
		"    if #country == 2 then return reject('From ' .. country) end\n"
		"end\n");
	keep("geo { database = geo.mmdb }\n" RULE, places[_i].client, "ann@example.org");
	ck_assert_int_eq(run("record", QUEUE_ID, "--as-test", "--rule", "rule", "-c",
				 keeper.drive.conf, NULL),
		EXIT_OK);
	if (places[_i].country != NULL)
		snprintf(wanted, sizeof(wanted), "    country = \"%s\",\n", places[_i].country);
	ck_assert_msg((strstr(printed, "country") != NULL) == (wanted[0] != '\0') &&
			      strstr(printed, wanted) != NULL,
		"%s: %s", places[_i].what, printed);
	drive_file(&keeper.drive, "rule_test.lua", printed);
	ck_assert_msg(run("test", beside("rule_test.lua"), NULL) == EXIT_OK, "%s: %s",
		places[_i].what, printed);
	ck_assert_msg(strstr(printed, "# 1 passed, 0 failed") != NULL, "%s", printed);
}
END_TEST

static const struct {
	const char *told, *option;
} servers[] = {
	{"192.0.2.44", "    server = \"192.0.2.44\",\n"},
	{"2001:db8:0:0::44", "    server = \"2001:db8::44\",\n"},
	{"0.0.0.0", NULL},
	{"nowhere", NULL},
	{NULL, NULL},
};

START_TEST(a_test_of_a_session_has_the_address_it_reached)
{
	const char *option = servers[_i].option;

	drive_file(&keeper.drive, "rule.lua",
		"function headers(m)\n"
		"    return reject('On ' .. (m.server.ip or 'nothing'))\n"
		"end\n");
	keep_on(servers[_i].told, RULE, "192.0.2.1", "ann@example.org");
	ck_assert_int_eq(run("record", QUEUE_ID, "--as-test", "--rule", "rule", "-c",
				 keeper.drive.conf, NULL),
		EXIT_OK);
	if (option == NULL) {
		ck_assert_msg(strstr(printed, "server") == NULL, "%s", printed);
		return;
	}
	ck_assert_msg(strstr(printed, option) != NULL, "%s", printed);
	drive_file(&keeper.drive, "rule_test.lua", printed);
	ck_assert_msg(run("test", beside("rule_test.lua"), NULL) == EXIT_OK, "%s", printed);
}
END_TEST

/* Whoever writes a test later may ask for it, though nobody asked then. */
START_TEST(country_is_kept_where_no_rule_asks)
{
	struct kept k;

	if (!make_database()) {
		table_skip(
			"country_is_kept_where_no_rule_asks", "install libmaxmind-db-writer-perl");
		return;
	}
	keep("geo { database = geo.mmdb }\nprofile all { chain = [] }\n", "192.0.2.1",
		"ann@example.org");
	ck_assert_uint_eq(keeper_read(&keeper, &k, 1), 1);
	ck_assert_pstr_eq(k.country, "DE");
	kept_free(&k);
}
END_TEST

START_TEST(without_a_database_there_is_no_country)
{
	struct kept k;

	keep("profile all { chain = [] }\n", "192.0.2.1", "ann@example.org");
	ck_assert_uint_eq(keeper_read(&keeper, &k, 1), 1);
	ck_assert_ptr_null(k.country);
	kept_free(&k);
}
END_TEST

/* --- results that come late --- */

/* Nothing of SPF refuses, so MAIL does not wait for its answer. */
#define LATE                                                                  \
	"dns { zone = zone }\nprofile all { chain = [ spf%s ] }\n"            \
	"plugin spf { fail = accept; softfail = accept; permerror = accept; " \
	"temperror = accept; helo = null-only }\n%s"
#define READER "script rule { file = rule.lua }\n"

/* Who asks for the result first, and at which stage it is explained. */
static const struct {
	const char *what, *chain, *sections, *rule, *stage;
} late[] = {
	{"nobody: the end of the message has it", "", "", "", "message"},
	{"a rule at RCPT", ", rule", READER,
		"function rcpt(m) if m.spf.result == 'pass' then return reject('no') end end\n",
		"rcpt"},
	{"a rule at the end", ", rule", READER,
		"function message(m) if m.spf.result == 'pass' then return reject('no') end end\n",
		"message"},
};

/* A session from ann@example.org, whose SPF says fail. DNS says something else afterwards. */
static void
keep_late(int which)
{
	char sections[500];

	drive_file(&keeper.drive, "zone", "example.org TXT \"v=spf1 -all\"\n");
	drive_file(&keeper.drive, "rule.lua", late[which].rule);
	snprintf(sections, sizeof(sections), LATE, late[which].chain, late[which].sections);
	keep(sections, "203.0.113.7", "ann@example.org");
	drive_write(beside("zone"), "example.org TXT \"v=spf1 +all\"\n");
}

/* The configuration of the session, with one setting changed. */
static const char *
changed(const char *from, const char *to)
{
	const char *path = beside("other.conf");
	char command[500];

	snprintf(command, sizeof(command), "sed 's/%s/%s/' '%s' >'%s'", from, to, keeper.drive.conf,
		path);
	ck_assert_int_eq(system(command), 0);
	return path;
}

static unsigned
times_printed(const char *text)
{
	unsigned times = 0;

	for (const char *at = printed; (at = strstr(at, text)) != NULL; at += strlen(text))
		times++;
	return times;
}

/* The result, of which record and at which stage; and at no other. */
START_TEST(a_late_result_is_explained)
{
	char found[120];

	keep_late(_i);
	ck_assert_int_eq(run("explain", QUEUE_ID, "-c", keeper.drive.conf, NULL), EXIT_OK);
	snprintf(found, sizeof(found), "\n%-10s%-20s%-13s%s", late[_i].stage, "spf", "fail",
		"example.org \"v=spf1 -all\"; matched \"-all\";");
	ck_assert_msg(
		times_printed(found) == 1, "%s: no \"%s\" in: %s", late[_i].what, found, printed);
	ck_assert_msg(times_printed("v=spf1 -all") == 1, "%s: %s", late[_i].what, printed);
	ck_assert_msg(times_printed("\nresult    spf.result = fail\n") == 1, "%s: %s",
		late[_i].what, printed);
}
END_TEST

START_TEST(a_late_result_is_kept)
{
	const struct session_pair *p;
	struct kept k;

	keep_late(_i);
	ck_assert_uint_eq(keeper_read(&keeper, &k, 1), 1);
	for (p = k.results[SESSION_MSG]; p != NULL; p = p->next) {
		if (strcmp(p->group, "spf") == 0 && strcmp(p->name, "result") == 0)
			break;
	}
	ck_assert_msg(p != NULL, "%s", late[_i].what);
	ck_assert_pstr_eq(p->value, "fail");
	ck_assert_ptr_nonnull(k.findings);
	ck_assert_str_eq(k.findings->result.method, "spf");
	ck_assert_str_eq(k.findings->result.result, "fail");
	kept_free(&k);
}
END_TEST

/* DNS is what it was then. */
START_TEST(a_late_result_is_the_same_in_a_replay)
{
	keep_late(_i);
	ck_assert_msg(run("replay", "--config", keeper.drive.conf, NULL) == EXIT_OK, "%s: %s",
		late[_i].what, printed);
	ck_assert_msg(strstr(printed, "same verdict                  1\n") != NULL, "%s: %s",
		late[_i].what, printed);
}
END_TEST

START_TEST(a_replay_tells_what_a_late_result_would_have_done)
{
	keep_late(_i);
	const char *other = changed("fail = accept; softfail", "fail = reject; softfail");

	ck_assert_int_eq(run("replay", "--config", other, "--against", keeper.drive.conf, NULL), 1);
	ck_assert_msg(strstr(printed, "accept     -> reject          1   by spf\n") != NULL,
		"%s: %s", late[_i].what, printed);
	ck_assert_int_eq(run("replay", "--config", other, NULL), 1);
	ck_assert_msg(strstr(printed, "accept     -> reject          1   by spf\n") != NULL,
		"%s: %s", late[_i].what, printed);
}
END_TEST

/* --- answers that nobody waited for --- */

#define UNREAD                                                                          \
	"dns { resolvers = [ \"127.0.0.1@%u\" ]; timeout = 30s; dnssec = no }\n"        \
	"profile all { chain = [ spf, rule ] }\nscript rule { file = rule.lua }\n"      \
	"plugin spf { fail = accept; softfail = accept; permerror = accept; temperror " \
	"= accept; helo = null-only }\n"

/* A server that says nothing: nobody reads what it is sent. */
static int
silent_server(unsigned *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

/* The rule refuses while the question for SPF is on its way, and nobody needs its answer. */
static void
keep_unread(void)
{
	char sections[600];
	unsigned port;
	int server = silent_server(&port);

	drive_file(&keeper.drive, "rule.lua", "function headers(m) return reject('No') end\n");
	snprintf(sections, sizeof(sections), UNREAD, port);
	keep(sections, "203.0.113.7", "ann@example.org");
	close(server);
}

START_TEST(an_answer_that_nobody_waited_for_is_no_timeout)
{
	struct kept k;

	keep_unread();
	ck_assert_uint_eq(keeper_read(&keeper, &k, 1), 1);
	ck_assert_ptr_nonnull(k.questions);
	ck_assert_str_eq(k.questions->name, "example.org");
	ck_assert_int_eq(k.questions->answer.status, CM_DNS_CANCELLED);
	kept_free(&k);
	ck_assert_int_eq(
		run("record", QUEUE_ID, "--as-test", "-c", keeper.drive.conf, NULL), EXIT_OK);
	ck_assert_msg(strstr(printed, "example.org TXT") == NULL, "%s", printed);
}
END_TEST

START_TEST(a_replay_counts_an_answer_that_nobody_waited_for)
{
	keep_unread();
	/* Nobody waits for it again. */
	ck_assert_msg(run("replay", "--config", keeper.drive.conf, NULL) == EXIT_OK, "%s", printed);
	ck_assert_msg(strstr(printed, "DNS not recorded") == NULL, "%s", printed);
	/* Who does is told nothing, for what DNS would have said is not known. */
	const char *other = changed("temperror = accept", "temperror = tempfail");

	ck_assert_int_eq(run("replay", "--config", other, NULL), 1);
	ck_assert_msg(strstr(printed, "reject     -> tempfail        1   by spf\n") != NULL, "%s",
		printed);
	ck_assert_msg(strstr(printed, "DNS not recorded              1") != NULL, "%s", printed);
}
END_TEST

/* --- what strangers said --- */

/* A login that clears the screen where it gets there: U+009B is CSI. */
START_TEST(a_replay_lists_in_printable_ascii)
{
	static const char *const to[] = {"bob@example.com", NULL};
	const struct replay_input in = {.helo = "h",
		.from = "ann@example.org",
		.to = to,
		.login = "ann\302\2332J\177",
		.message = "\n",
		.message_len = 1};

	drive_file(&keeper.drive, "rule.lua", "function mail(m) return reject('No') end\n");
	keeper_load(&keeper, RULE, "0");
	keeper_play(&in);
	keeper_stop(&keeper);
	const char *other = changed("chain = .*]", "chain = [ ]");

	ck_assert_int_eq(
		run("replay", "--config", other, "--list", "reject,accept", "--json", NULL), 1);
	ck_assert_msg(strstr(printed, "\"login\":\"ann\\u009B2J") != NULL, "%s", printed);
	for (const char *p = printed; *p != '\0'; p++)
		ck_assert_msg(*p == '\n' || (*p >= ' ' && *p <= '~'), "%s", printed);
}
END_TEST

/* Who may list the directory and not read the files is not told that nothing would change. */
START_TEST(sessions_that_may_not_be_read_are_said)
{
	int status;

	if (geteuid() != 0) {
		table_skip("sessions_that_may_not_be_read_are_said", "needs root");
		return;
	}
	keep("profile all { chain = [ ] }\n", "192.0.2.1", "ann@example.org");
	ck_assert_int_eq(chmod(keeper.drive.dir, 0777), 0);
	ck_assert_int_eq(chmod(keeper.ring, 0755), 0);
	fflush(NULL);
	pid_t child = fork();

	if (child == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(98);
		int code = run("replay", "--config", keeper.drive.conf, NULL);
		bool said = strstr(printed, "/00000001.ring: Permission denied\n") != NULL;

		if (code != EXIT_USAGE || !said)
			_exit(1);
		code = run("explain", QUEUE_ID, "-c", keeper.drive.conf, NULL);
		said = strstr(printed, "/00000001.ring: Permission denied\n") != NULL &&
		       strstr(printed, "damaged") == NULL && strstr(printed, "no kept") == NULL;
		_exit(code == EXIT_NO && said ? 0 : 2);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("record_commands");
	TCase *tests = tcase_create("record_commands");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, a_test_of_a_session_has_its_country, 0, LENGTH(places));
	tcase_add_loop_test(
		tests, a_test_of_a_session_has_the_address_it_reached, 0, LENGTH(servers));
	tcase_add_test(tests, country_is_kept_where_no_rule_asks);
	tcase_add_test(tests, without_a_database_there_is_no_country);
	tcase_add_loop_test(tests, a_late_result_is_explained, 0, LENGTH(late));
	tcase_add_loop_test(tests, a_late_result_is_kept, 0, LENGTH(late));
	/* Without a rule that reads it, the message is accepted whatever SPF says. */
	tcase_add_loop_test(tests, a_late_result_is_the_same_in_a_replay, 1, LENGTH(late));
	tcase_add_loop_test(
		tests, a_replay_tells_what_a_late_result_would_have_done, 0, LENGTH(late));
	tcase_add_test(tests, an_answer_that_nobody_waited_for_is_no_timeout);
	tcase_add_test(tests, a_replay_counts_an_answer_that_nobody_waited_for);
	tcase_add_test(tests, a_replay_lists_in_printable_ascii);
	tcase_add_test(tests, sessions_that_may_not_be_read_are_said);
	suite_add_tcase(suite, tests);
	return table_run(suite);
}
