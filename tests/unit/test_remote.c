/* SPDX-License-Identifier: MIT */
/*
 * test_remote.c - what people see of a daemon's answers, whatever it says, and how a command exits
 */
#include "cli/remote.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "cli/cli.h"
#include "drive.h"
#include "table.h"

#define ARGS_MOST 10
#define DONE	  "{\"done\":true}\n"

static struct drive d;
static char path[96];
static int listening;
static char asked[4096]; /* the request, with its newline */

static void
setup(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	setenv("TZ", "UTC", 1);
	drive_init(&d);
	ck_assert_int_eq(chdir(d.dir), 0);
	snprintf(path, sizeof(path), "%s/s", d.dir);
	memcpy(at.sun_path, path, strlen(path));
	listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listening, (const struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listening, 4), 0);
}

static void
teardown(void)
{
	close(listening);
	unlink(path);
	drive_fini(&d);
}

/* A daemon that reads a line, if it is to, and says the text. It may stay until the client goes. */
struct daemon {
	const char *says;
	bool deaf, stays;
};

static void *
play_daemon(void *context)
{
	const struct daemon *daemon = context;
	int fd = accept(listening, NULL, NULL);
	size_t len = 0;

	while (!daemon->deaf && len + 1 < sizeof(asked) && recv(fd, asked + len, 1, 0) == 1 &&
		asked[len++] != '\n')
		continue;
	asked[len] = '\0';
	(void)!send(fd, daemon->says, strlen(daemon->says), MSG_NOSIGNAL);
	while (daemon->stays && recv(fd, (char[1]){0}, 1, 0) > 0)
		continue;
	close(fd);
	return NULL;
}

static void
read_file(const char *name, char *text, size_t size)
{
	FILE *f = fopen(name, "r");

	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, size - 1, f)] = '\0';
	fclose(f);
	unlink(name);
}

static int
run_into(const char *out, const char *const *args)
{
	char *argv[ARGS_MOST + 4] = {(char *)"chainmail"};
	int argc = 1, status;

	for (; args[argc - 1] != NULL; argc++)
		argv[argc] = (char *)args[argc - 1];
	fflush(NULL);
	pid_t child = fork();

	if (child == 0) {
		log_close();
		if (freopen(out, "w", stdout) == NULL || freopen("err", "w", stderr) == NULL)
			_exit(99);
		int code = cli_main(argc, argv);

		fflush(NULL);
		_exit(code);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
run(const char *const *args)
{
	return run_into("out", args);
}

static const struct {
	const char *name;
	const char *args[ARGS_MOST]; /* --socket stands behind them */
	const char *said, *asked;    /* by the daemon; of it, NULL: not looked at */
	int code;
	const char *out, *err; /* as a whole */
} answers[] = {
	{"rows are a table", {"top", "logins"},
		"{\"row\":{\"login\":\"bob\",\"rcpts\":3}}\n{\"row\":{\"login\":\"a\",\"rcpts\":"
		"1204}}\n" DONE,
		"{\"command\":[\"top\",\"logins\"]}\n", EXIT_OK,
		"login  rcpts\nbob        3\na       1204\n", ""},
	{"rows with other columns are another table", {"status"},
		"{\"row\":{\"a\":1}}\n{\"row\":{\"b\":\"x\"}}\n" DONE,
		"{\"command\":[\"status\"]}\n", EXIT_OK, "a\n1\nb\nx\n", ""},
	{"rows for programs", {"status", "--json"},
		"{\"row\":{\"a\":1,\"b\":\"\xc3\xa9\"}}\n{\"say\":\"x\"}\n" DONE, NULL, EXIT_OK,
		"[{\"a\":1,\"b\":\"\\u00E9\"}]\n", ""},
	{"no rows", {"status"}, DONE, NULL, EXIT_OK, "", ""},
	{"no rows for programs", {"status", "--json"}, DONE, NULL, EXIT_OK, "[]\n", ""},
	{"lines in place of rows", {"status"},
		"{\"row\":{\"a\":1}}\n{\"say\":\"one\"}\n{\"say\":\"two\"}\n" DONE, NULL, EXIT_OK,
		"one\ntwo\n", ""},
	{"a time is a date", {"status"}, "{\"row\":{\"last_at\":1800000000,\"at\":5}}\n" DONE, NULL,
		EXIT_OK, "last_at              at\n2027-01-15 08:00:00   5\n", ""},
	{"a time that is none", {"status"}, "{\"row\":{\"last_at\":0}}\n" DONE, NULL, EXIT_OK,
		"last_at\n-\n", ""},
	{"a time is a number for programs", {"status", "--json"},
		"{\"row\":{\"last_at\":1800000000}}\n" DONE, NULL, EXIT_OK,
		"[{\"last_at\":1800000000}]\n", ""},

	{"options that it does not know are the daemon's",
		{"top", "--json", "logins", "--by", "refused", "--for=1h"}, DONE,
		"{\"command\":[\"top\",\"logins\",\"--by\",\"refused\",\"--for=1h\"]}\n", EXIT_OK,
		"[]\n", ""},
	{"all behind -- is the daemon's", {"top", "--", "--json", "-c"}, "",
		"{\"command\":[\"top\",\"--\",\"--json\",\"-c\"]}\n", EXIT_LATER, "",
		"chainmail top: the daemon hung up, or takes too long; try again\n"},
	{"octets that are no UTF-8 are asked for as well as may be", {"top", "\xff\"\n"}, DONE,
		"{\"command\":[\"top\",\"\\ufffd\\\"\\u000a\"]}\n", EXIT_OK, "", ""},

	{"it may not be", {"reload"}, "{\"error\":\"no\",\"kind\":\"refused\"}\n", NULL, EXIT_NO,
		"", "chainmail reload: no\n"},
	{"it may be later", {"status"}, "{\"error\":\"no\",\"kind\":\"later\"}\n", NULL, EXIT_LATER,
		"", "chainmail status: no\n"},
	{"the words make no sense", {"top"}, "{\"error\":\"no\",\"kind\":\"usage\"}\n", NULL,
		EXIT_USAGE, "", "chainmail top: no\ntry: chainmail help top\n"},
	{"an option that was meant for this program", {"top", "--jsno"},
		"{\"error\":\"no\",\"kind\":\"usage\"}\n", NULL, EXIT_USAGE, "",
		"chainmail top: no\nor did you mean --json?\ntry: chainmail help top\n"},
	{"a kind of a later version", {"status"}, "{\"error\":\"no\",\"kind\":\"new\"}\n", NULL,
		EXIT_NO, "", "chainmail status: no\n"},
	{"what was said before the error is shown", {"status"},
		"{\"row\":{\"a\":1}}\n{\"error\":\"no\",\"kind\":\"refused\"}\n", NULL, EXIT_NO,
		"a\n1\n", "chainmail status: no\n"},
	{"it hangs up in the middle", {"status"}, "{\"row\":{\"a\":1}}\n{\"row\":{\"a\"", NULL,
		EXIT_LATER, "a\n1\n",
		"chainmail status: the daemon hung up, or takes too long; try again\n"},
	{"it says what is no JSON", {"status"}, "hello\n[1]\n{}\n\n{\"row\":5}\n" DONE, NULL,
		EXIT_OK, "", ""},

	{"lines as they come", {"log", "-f", "--login", "bob"},
		"{\"following\":true}\n{\"row\":{\"id\":1},\"say\":\"Q: "
		"a\\\\x20b=\\\"c\\\"\"}\n" DONE,
		"{\"command\":[\"log\",\"--follow\",\"--login\",\"bob\"]}\n", EXIT_OK,
		"Q: a\\x20b=\"c\"\n", ""},
	{"lines for programs", {"log", "--json", "--", "x"},
		"{\"row\":{\"id\":1,\"x\":\"\\u009b\\u007f\"},\"say\":\"Q\"}\n"
		"{\"row\":{\"lost\":2}}\n" DONE,
		"{\"command\":[\"log\",\"--\",\"x\"]}\n", EXIT_OK,
		"{\"id\":1,\"x\":\"\\u009B\\u007f\"}\n{\"lost\":2}\n", ""},
	{"lines, and then it hangs up", {"log", "-f"}, "{\"say\":\"Q\"}\n", NULL, EXIT_LATER, "Q\n",
		"chainmail log: the daemon hung up, or takes too long; try again\n"},
	{"lines of nonsense", {"log"}, "x\n[]\n5\n" DONE, NULL, EXIT_OK, "", ""},

	/* Terminals act on these. */
	{"escapes in a message line", {"log"}, "{\"say\":\"\\u001b[2J\\u009b\\n\"}\n" DONE, NULL,
		EXIT_OK, "\\x1b[2J\\xc2\\x9b\\x0a\n", ""},
	{"escapes in a cell", {"status"},
		"{\"row\":{\"a\":\"\\u001b[2J\\u0007\\u009b31m\\u202e\\u007f\\n\\r\",\"b\":1}}"
		"\n" DONE,
		NULL, EXIT_OK,
		"a                                               b\n"
		"\\x1b[2J\\x07\\xc2\\x9b31m\\xe2\\x80\\xae\\x7f\\x0a\\x0d  1\n",
		""},
	{"escapes in the name of a column", {"status"}, "{\"row\":{\"\\u001b[2J\":1}}\n" DONE, NULL,
		EXIT_OK, "\\x1b[2J\n   1\n", ""},
	{"escapes in a line", {"status"}, "{\"say\":\"\\u001b]0;x\\u0007\\u009b\"}\n" DONE, NULL,
		EXIT_OK, "\\x1b]0;x\\x07\\xc2\\x9b\n", ""},
	{"escapes in an error", {"status"},
		"{\"error\":\"\\u001b[2J\\u009b\\n\",\"kind\":\"refused\"}\n", NULL, EXIT_NO, "",
		"chainmail status: \\x1b[2J\\xc2\\x9b\\x0a\n"},
	{"escapes for programs", {"status", "--json"},
		"{\"row\":{\"\\u009bk\":\"\\u001b\\u007f\\u202e\"}}\n" DONE, NULL, EXIT_OK,
		"[{\"\\u009Bk\":\"\\u001B\\u007f\\u202E\"}]\n", ""},
};

static void
expect(const char *name, const char *file, const char *wanted)
{
	static char text[65536];

	read_file(file, text, sizeof(text));
	ck_assert_msg(
		strcmp(text, wanted) == 0, "%s: %s is\n%s\nand not\n%s", name, file, text, wanted);
}

START_TEST(answer_is_shown)
{
	struct daemon daemon = {.says = answers[_i].said};
	const char *args[ARGS_MOST + 3] = {answers[_i].args[0], "--socket", path};
	pthread_t thread;
	int code;

	for (int i = 1; answers[_i].args[i] != NULL; i++)
		args[i + 2] = answers[_i].args[i];
	ck_assert_int_eq(pthread_create(&thread, NULL, play_daemon, &daemon), 0);
	code = run(args);
	pthread_join(thread, NULL);
	expect(answers[_i].name, "out", answers[_i].out);
	expect(answers[_i].name, "err", answers[_i].err);
	ck_assert_msg(code == answers[_i].code, "%s: %d", answers[_i].name, code);
	if (answers[_i].asked != NULL)
		ck_assert_str_eq(asked, answers[_i].asked);
}
END_TEST

/* Who was turned away before he said anything reads why. */
START_TEST(who_is_turned_away_reads_why)
{
	struct daemon daemon = {
		.says = "{\"error\":\"too many clients; try again\",\"kind\":\"later\"}\n",
		.deaf = true};
	const char *const args[] = {"status", "--socket", path, NULL};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, play_daemon, &daemon), 0);
	ck_assert_int_eq(run(args), EXIT_LATER);
	pthread_join(thread, NULL);
	expect("turned away", "out", "");
	expect("turned away", "err", "chainmail status: too many clients; try again\n");
}
END_TEST

/* Whoever follows and cannot write what comes would never end. */
START_TEST(lines_that_nobody_gets_end_it)
{
	struct daemon daemon = {.says = "{\"say\":\"Q\"}\n", .stays = true};
	const char *const args[] = {"log", "-f", "--socket", path, NULL};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, play_daemon, &daemon), 0);
	ck_assert_int_eq(run_into("/dev/full", args), EXIT_NO);
	pthread_join(thread, NULL);
	expect("nobody gets it", "err",
		"chainmail: cannot write all of the output: No space left on device\n");
}
END_TEST

/* Whoever is behind the socket cannot make it keep what it says without end. */
START_TEST(endless_answer_is_given_up)
{
	enum { MOST = 20 << 20 };
	char *says = malloc(MOST);
	struct daemon daemon = {.says = says};
	const char *const args[] = {"status", "--socket", path, NULL};
	pthread_t thread;

	memset(says, 'x', MOST);
	memcpy(says + MOST - sizeof("\n" DONE), "\n" DONE, sizeof("\n" DONE));
	ck_assert_int_eq(pthread_create(&thread, NULL, play_daemon, &daemon), 0);
	ck_assert_int_eq(run(args), EXIT_LATER);
	pthread_join(thread, NULL);
	free(says);
	expect("endless", "out", "");
	expect("endless", "err",
		"chainmail status: the daemon hung up, or takes too long; try again\n");
}
END_TEST

static void
expect_begin(const char *file, const char *wanted)
{
	char text[1024];

	read_file(file, text, sizeof(text));
	ck_assert_msg(strncmp(text, wanted, strlen(wanted)) == 0, "%s", text);
}

START_TEST(no_daemon_is_said)
{
	const char *const args[] = {"status", "--socket", "none.sock", NULL};

	ck_assert_int_eq(run(args), EXIT_NO_DAEMON);
	expect_begin("err", "chainmail: no daemon answers at none.sock: No such file or directory\n"
			    "is it running, and has filter.conf a listener { type = control }? ");
	unlink("out");
}
END_TEST

START_TEST(long_name_of_a_socket_is_said)
{
	char name[300];
	const char *const args[] = {"status", "--socket", name, NULL};

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(run(args), EXIT_NO_DAEMON);
	unlink("out");
	unlink("err");
}
END_TEST

/* Not a daemon that is away, but one that he may not ask. */
START_TEST(who_may_not_connect_is_told_so)
{
	const char *const args[] = {"status", "--socket", path, NULL};
	int status;

	if (geteuid() != 0) {
		table_skip("who_may_not_connect_is_told_so", "only root can become another user");
		return;
	}
	chmod(d.dir, 0777);
	pid_t child = fork();

	if (child == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(98);
		_exit(run(args));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(WEXITSTATUS(status), EXIT_NO);
	expect_begin("err", "chainmail: you may not use the control socket at ");
	unlink("out");
}
END_TEST

/* The tables of plugins explain their commands; no daemon is needed. */
static const struct {
	const char *name;
	const char *args[ARGS_MOST];
	int code;
	const char *out[4], *err; /* what they hold */
} helps[] = {
	{"the list has the nouns of plugins", {"help", "-c", "filter.conf"}, EXIT_OK,
		{"\nto the running daemon: chainmail commands, errors, ", ", shadow, status, top\n",
			"\nto its plugins: chainmail dmarc, greylist, limit\n"},
		""},
	{"help for a noun", {"help", "limit", "-c", "filter.conf"}, EXIT_OK,
		{"chainmail limit list|reset|show - limits ",
			"  limit list [--over PERCENT] [--link NAME]\n      who has used ",
			"      --over PERCENT       who has used that much",
			"  limit reset KEY [--link NAME]\n      forget what was counted (root and "
			"main.admins)\n"},
		""},
	{"help as an option", {"greylist", "allow", "--help", "-c", "filter.conf"}, EXIT_OK,
		{"greylist allow CLIENT|NETWORK|DOMAIN [--for TIME]", "(default: 90d)",
			"  --json "},
		""},
	{"help for a command of the daemon", {"top", "--help"}, EXIT_OK,
		{"--by addresses|messages|recipients|refused", "(default: recipients)",
			"(default: 1h)"},
		""},
	{"a mistyped noun", {"limti", "list", "-c", "filter.conf"}, EXIT_USAGE, {NULL},
		"chainmail: unknown command \"limti\", did you mean \"limit\"?\n"},
	{"an option without its value", {"limit", "list", "-c", "filter.conf", "--socket"},
		EXIT_USAGE, {NULL}, "chainmail limit: --socket needs a value\n"},
	{"a flag with a value", {"status", "--json=no"}, EXIT_USAGE, {NULL},
		"chainmail status: --json takes no value\n"},
	{"a letter with a value", {"log", "-fx"}, EXIT_USAGE, {NULL},
		"chainmail log: --follow takes no value\n"},
	{"a socket without a name", {"status", "--socket="}, EXIT_USAGE, {NULL},
		"chainmail status: --socket : the name is empty\n"},
	/* Not the daemon at the usual place: it is another one's. */
	{"a configuration that is not there", {"reload", "-c", "none.conf"}, EXIT_NO, {NULL},
		"none.conf: error: cannot open none.conf: No such file or directory\n"
		"or name the control socket: --socket PATH\n"},
};

START_TEST(help_is_given)
{
	char dir[PATH_MAX], text[16384];

	drive_plugin_dir(dir, false);
	snprintf(text, sizeof(text), "main { plugin_dir = \"%.4000s\" }\n", dir);
	drive_write("filter.conf", text);
	ck_assert_int_eq(run(helps[_i].args), helps[_i].code);
	read_file("out", text, sizeof(text));
	for (int i = 0; i < 4 && helps[_i].out[i] != NULL; i++)
		ck_assert_msg(
			strstr(text, helps[_i].out[i]) != NULL, "%s:\n%s", helps[_i].name, text);
	read_file("err", text, sizeof(text));
	ck_assert_msg(strstr(text, helps[_i].err) != NULL, "%s:\n%s", helps[_i].name, text);
}
END_TEST

/* A screen of 24 lines, with what plugins bring. */
START_TEST(help_fits_one_screen)
{
	const char *const args[] = {"help", "-c", "filter.conf", NULL};
	char dir[PATH_MAX], text[8192];
	unsigned lines = 0;

	drive_plugin_dir(dir, false);
	snprintf(text, sizeof(text), "main { plugin_dir = \"%.4000s\" }\n", dir);
	drive_write("filter.conf", text);
	ck_assert_int_eq(run(args), EXIT_OK);
	read_file("out", text, sizeof(text));
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	ck_assert_uint_le(lines, 23);
	unlink("err");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("remote");
	TCase *tc = tcase_create("remote");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, answer_is_shown, 0, LENGTH(answers));
	tcase_add_test(tc, who_is_turned_away_reads_why);
	tcase_add_test(tc, lines_that_nobody_gets_end_it);
	tcase_add_test(tc, endless_answer_is_given_up);
	tcase_add_test(tc, no_daemon_is_said);
	tcase_add_test(tc, long_name_of_a_socket_is_said);
	tcase_add_test(tc, who_may_not_connect_is_told_so);
	tcase_add_loop_test(tc, help_is_given, 0, LENGTH(helps));
	tcase_add_test(tc, help_fits_one_screen);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
