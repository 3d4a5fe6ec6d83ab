/* SPDX-License-Identifier: MIT */
/*
 * test_control.c - the control socket, and who may ask it what
 */
#include "admin/control.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/control_client.h"
#include "base/clock.h"
#include "drive.h"
#include "service/metric.h"
#include "service/store.h"
#include "table.h"

static struct drive d;
static char path[96];

static void
setup(void)
{
	struct listener_settings set = {.name = "c", .type = LISTENER_CONTROL, .mode = 0600};
	char socket[128];
	struct err err;

	drive_init(&d);
	drive_run_test_plugins(&d,
		"plugin asked { }\nplugin elder { }\nplugin other { type = asked }\n"
		"profile all { chain = [ asked, other, elder ] }\n"
		"store m { type = memory; max_size = 1M }\n");
	snprintf(path, sizeof(path), "%s/s", d.dir);
	snprintf(socket, sizeof(socket), "unix:%s", path);
	set.socket = socket;
	ck_assert_msg(control_open(&set, &err), "%s", err.text);
	ck_assert_msg(control_start(d.conf, &err), "%s", err.text);
	metric_count("a", &(struct metric_label){"v", "y"}, 1);
	metric_count("a", &(struct metric_label){"v", "x"}, 1);
	metric_count("a", &(struct metric_label){"v", "y"}, 1);
	metric_count("b", NULL, 0);
}

static void
teardown(void)
{
	control_stop();
	ck_assert_int_ne(access(path, F_OK), 0);
	generation_swap(NULL);
	drive_fini(&d);
}

static int
dial(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path, path, strlen(path));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Everything until the daemon hangs up, or has answered so many lines. */
static const char *
hear(int fd, unsigned lines)
{
	static char text[65536];
	size_t len = 0;

	while (lines > 0 && len + 1 < sizeof(text)) {
		ssize_t n = recv(fd, text + len, 1, 0);

		if (n <= 0)
			break;
		lines -= text[len++] == '\n';
	}
	text[len] = '\0';
	return text;
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

#define ERROR(words, kind) "{\"error\":\"" words "\",\"kind\":\"" kind "\"}\n"
#define WANT		   ERROR("want a line such as {\\\"command\\\":[\\\"status\\\"]}", "usage")
#define FAIL		   "{\"command\":[\"asked\",\"fail\"]}\n"
#define FAILED		   ERROR("cannot: 100%", "refused")
#define SING		   "{\"command\":[\"asked\",\"sing\""
/* What sing says; behind the row is the line. */
#define SUNG(link, loud, pause, song, times, voice, whom, line)                                  \
	"{\"row\":{\"link\":\"" link "\",\"loud\":" loud ",\"pause\":" pause ",\"song\":\"" song \
	"\",\"times\":" times ",\"voice\":" voice ",\"for\":\"" whom "\"}}\n{\"say\":\"la " line \
	"\"}\n"

static const struct {
	const char *name, *said, *heard;
	unsigned lines;
} talks[] = {
	{"a command of a plugin",
		"{\"command\":[\"asked\",\"echo\",\"a\",\"b\",\"--link\",\"asked\"]}\n",
		"{\"row\":{\"link\":\"asked\",\"word\":\"a\",\"number\":0}}\n"
		"{\"row\":{\"link\":\"asked\",\"word\":\"b\",\"number\":1}}\n{\"done\":true}\n",
		3},
	{"a command of two links", "{\"command\":[\"asked\",\"echo\",\"a\"]}\n",
		"{\"row\":{\"link\":\"asked\",\"word\":\"a\",\"number\":0}}\n"
		"{\"row\":{\"link\":\"other\",\"word\":\"a\",\"number\":0}}\n{\"done\":true}\n",
		3},
	{"what must be escaped",
		"{\"command\":[\"asked\",\"echo\",\"--link=other\",\"\\\"\\n\\u0001\\u009b\"]}\n",
		"{\"row\":{\"link\":\"other\",\"word\":\"\\\"\\u000a\\u0001\\u009b\",\"number\":0}}"
		"\n"
		"{\"done\":true}\n",
		2},
	{"a command that complains is not run for the next link", FAIL, FAILED, 1},
	{"a link that it is about", "{\"command\":[\"asked\",\"mine\",\"other\"]}\n",
		"{\"row\":{\"link\":\"other\",\"mine\":\"other\"}}\n{\"done\":true}\n", 2},
	{"no link that it is about", "{\"command\":[\"asked\",\"mine\",\"x\"]}\n",
		ERROR("asked: not mine; other: not mine", "refused"), 1},
	{"a link that there is not", "{\"command\":[\"asked\",\"fail\",\"--link\",\"x\"]}\n",
		ERROR("no link of this type is called \\\"x\\\"", "refused"), 1},
	{"options left out", SING ",\"--link\",\"asked\"]}\n",
		SUNG("asked", "0", "1000000", "", "1", "0", "", "la") "{\"done\":true}\n", 3},
	{"options before and behind operands",
		SING ",\"--loud\",\"--song\",\"-x\",\"bob\",\"--voice=bass\",\"--times\",\"9\",\"--"
		     "pause\","
		     "\"2min\",\"--link\",\"other\"]}\n",
		SUNG("other", "1", "120000000", "-x", "9", "1", "bob", "-x") "{\"done\":true}\n",
		3},
	{"no option behind --", SING ",\"--link\",\"asked\",\"--\",\"--loud\"]}\n",
		SUNG("asked", "0", "1000000", "", "1", "0", "--loud", "la") "{\"done\":true}\n", 3},
	{"a mistyped option", SING ",\"--lodu\"]}\n",
		ERROR("unknown option \\\"--lodu\\\", did you mean --loud?", "usage"), 1},
	{"an option like no other", "{\"command\":[\"asked\",\"fail\",\"--frobnicate\"]}\n",
		ERROR("unknown option \\\"--frobnicate\\\"; asked fail has [--link NAME]", "usage"),
		1},
	{"an option of one letter", SING ",\"-l\"]}\n",
		ERROR("unknown option \\\"-l\\\"; what begins with - and is none stands behind --",
			"usage"),
		1},
	{"an option without its value", SING ",\"--times\"]}\n",
		ERROR("--times needs a value: NUMBER", "usage"), 1},
	{"a number out of range", SING ",\"--times\",\"10\"]}\n",
		ERROR("--times: 10 is out of range; from 1 to 9", "usage"), 1},
	{"a duration without a unit", SING ",\"--pause\",\"5\"]}\n",
		ERROR("--pause needs a duration with a unit; did you mean 5s or 5min? units: ms s "
		      "min h d "
		      "w (they add up: 1h30min)",
			"usage"),
		1},
	{"a choice that there is not", SING ",\"--voice\",\"bas\"]}\n",
		ERROR("--voice = bas is not a choice; did you mean \\\"bass\\\"? (one of: "
		      "alto|bass|tenor)",
			"usage"),
		1},
	{"an operand too many", SING ",\"a\",\"b\"]}\n",
		ERROR("\\\"b\\\" is too much; asked sing takes [WHOM]", "usage"), 1},
	{"an operand too few", "{\"command\":[\"asked\",\"mine\"]}\n",
		ERROR("asked mine needs NAME", "usage"), 1},
	{"an operand of a word that is meant", "{\"command\":[\"top\",\"login\"]}\n",
		ERROR("\\\"login\\\" is none of clients|logins|senders, did you mean logins?",
			"usage"),
		1},
	{"a time that is too long", "{\"command\":[\"top\",\"logins\",\"--for\",\"25h\"]}\n",
		ERROR("--for: 25h is out of range; from 1s to 1d", "usage"), 1},
	{"nobody has sent anything", "{\"command\":[\"top\",\"logins\"]}\n", "{\"done\":true}\n",
		1},
	{"a command that there is not", "{\"command\":[\"asked\",\"frobnicate\"]}\n",
		ERROR("asked has no command \\\"frobnicate\\\"; it has change, echo, fail, flood, "
		      "mine, "
		      "sing",
			"usage"),
		1},
	{"a mistyped command", "{\"command\":[\"asked\",\"ecoh\"]}\n",
		ERROR("asked has no command \\\"ecoh\\\", did you mean echo?", "usage"), 1},
	{"a noun alone", "{\"command\":[\"asked\"]}\n",
		ERROR("say which: change, echo, fail, flood, mine, sing", "usage"), 1},
	{"a noun that nobody knows", "{\"command\":[\"nobody\",\"show\"]}\n",
		ERROR("no plugin of the running configuration knows \\\"nobody\\\"", "refused"), 1},
	{"what there is", "{\"command\":[\"commands\"]}\n",
		"{\"row\":{\"noun\":\"asked\",\"command\":\"change\","
		"\"operands\":\"[--link NAME]\",\"help\":\"changes something\"}}\n",
		1},
	{"a word too many", "{\"command\":[\"status\",\"now\"]}\n",
		ERROR("status takes no operand, and \\\"now\\\" is one", "usage"), 1},
	{"a command from before there were options", "{\"command\":[\"elder\",\"beg\",\"a\"]}\n",
		"{\"row\":{\"link\":\"elder\",\"word\":\"a\"}}\n{\"done\":true}\n", 2},
	{"an option of a command from before there were any",
		"{\"command\":[\"elder\",\"ask\",\"--all\"]}\n",
		ERROR("unknown option \\\"--all\\\"; elder ask has [--link NAME]", "usage"), 1},
	{"two lines at once", FAIL FAIL, FAILED FAILED, 2},
	{"no JSON", "status\n", WANT, 1},
	{"an empty line", "\n", WANT, 1},
	{"another object", "{\"x\":1}\n", WANT, 1},
	{"no words", "{\"command\":[]}\n", WANT, 1},
	{"a number", "{\"command\":[1]}\n", WANT, 1},
	{"a text in the place of words", "{\"command\":\"status\"}\n", WANT, 1},
	{"the same twice", "{\"command\":[\"status\"],\"command\":[\"status\"]}\n", WANT, 1},
	{"33 words",
		"{\"command\":[\"a\",1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
		"1]}\n",
		WANT, 1},
	{"octets that are no UTF-8", "{\"command\":[\"asked\",\"echo\",\"\xff\xc0\x80\"]}\n", WANT,
		1},
	{"half a surrogate", "{\"command\":[\"asked\",\"echo\",\"\\ud800\"]}\n", WANT, 1},
	{"a word with NUL", "{\"command\":[\"a\\u0000b\"]}\n", WANT, 1},
};

START_TEST(daemon_answers)
{
	int fd = dial();
	const char *heard;

	say(fd, talks[_i].said);
	heard = hear(fd, talks[_i].lines);
	ck_assert_msg(strcmp(heard, talks[_i].heard) == 0, "%s: %s", talks[_i].name, heard);
	close(fd);
}
END_TEST

/* Behind those of the daemon, and at the end. */
START_TEST(metrics_are_text_and_rows)
{
	static const char wanted[] =
		"{\"say\":\"# TYPE chainmail_rule_a_total counter\"}\n"
		"{\"row\":{\"name\":\"chainmail_rule_a_total\",\"labels\":\"v=\\\"x\\\"\","
		"\"value\":1}}"
		"\n"
		"{\"say\":\"chainmail_rule_a_total{v=\\\"x\\\"} 1\"}\n"
		"{\"row\":{\"name\":\"chainmail_rule_a_total\",\"labels\":\"v=\\\"y\\\"\","
		"\"value\":2}}"
		"\n"
		"{\"say\":\"chainmail_rule_a_total{v=\\\"y\\\"} 2\"}\n"
		"{\"say\":\"# TYPE chainmail_rule_b_total counter\"}\n"
		"{\"row\":{\"name\":\"chainmail_rule_b_total\",\"labels\":\"\",\"value\":1}}\n"
		"{\"say\":\"chainmail_rule_b_total 1\"}\n{\"done\":true}\n";
	int fd = dial();
	const char *heard, *rules;

	say(fd, "{\"command\":[\"metrics\"]}\n");
	shutdown(fd, SHUT_WR);
	heard = hear(fd, UINT_MAX);
	ck_assert_ptr_nonnull(strstr(heard, "{\"say\":\"# HELP chainmail_build_info always 1\"}\n"
					    "{\"say\":\"# TYPE chainmail_build_info gauge\"}\n"));
	rules = strstr(heard, "{\"say\":\"# TYPE chainmail_rule_");
	ck_assert_ptr_nonnull(rules);
	ck_assert_str_eq(rules, wanted);
	close(fd);
}
END_TEST

START_TEST(status_tells_of_stores)
{
	int fd = dial();
	const char *heard;

	say(fd, "{\"command\":[\"status\"]}\n");
	/* A row and a line for people each, and the end. */
	heard = hear(fd, 5);
	ck_assert_ptr_nonnull(strstr(heard, "\"what\":\"daemon\""));
	ck_assert_ptr_nonnull(strstr(heard, "\"what\":\"store\",\"name\":\"m\",\"state\":\"ok\""));
	ck_assert_ptr_nonnull(strstr(heard, "{\"say\":\"store       m ok  0 entries, "));
	ck_assert_ptr_nonnull(strstr(heard, "{\"done\":true}"));
	close(fd);
}
END_TEST

START_TEST(status_tells_of_a_store_that_is_full)
{
	static const char value[STORE_VALUE_MOST];
	struct generation *g = generation_hold();
	int fd = dial(), key = 0;

	for (; store_set(g->stores[0], &key, sizeof(key), value, sizeof(value), 0,
		       clock_now() + CLOCK_SEC) == CM_STORE_OK;
		key++)
		ck_assert_int_lt(key, 1000);
	generation_drop(g);
	say(fd, "{\"command\":[\"status\"]}\n");
	ck_assert_ptr_nonnull(strstr(hear(fd, 3), "\"name\":\"m\",\"state\":\"full\""));
	close(fd);
}
END_TEST

START_TEST(line_that_does_not_end_is_refused)
{
	char chunk[1001];
	int fd = dial();

	memset(chunk, 'a', 1000);
	chunk[1000] = '\0';
	for (int i = 0; i < 9; i++)
		send(fd, chunk, 1000, MSG_NOSIGNAL);
	ck_assert_str_eq(hear(fd, 1), ERROR("the line is too long", "usage"));
	ck_assert_str_eq(hear(fd, 1), "");
	close(fd);
}
END_TEST

/* A megabyte of brackets, and no end. */
START_TEST(request_of_a_megabyte_is_refused)
{
	static char chunk[1 << 20];
	int fd = dial();

	memset(chunk, '[', sizeof(chunk));
	/* The daemon hangs up before it has all of it. */
	(void)!send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL);
	ck_assert_str_eq(hear(fd, 1), ERROR("the line is too long", "usage"));
	ck_assert_str_eq(hear(fd, 1), "");
	close(fd);
}
END_TEST

START_TEST(deep_json_is_refused)
{
	static char line[CONTROL_LINE_MOST];
	int fd = dial();

	for (int round = 0; round < 2; round++) {
		memset(line, round == 0 ? '[' : ']', sizeof(line) - 1);
		if (round == 1)
			memset(line, '[', sizeof(line) / 2);
		memcpy(line, "{\"command\":", strlen("{\"command\":"));
		line[sizeof(line) - 2] = '\n';
		line[sizeof(line) - 1] = '\0';
		say(fd, line);
		ck_assert_str_eq(hear(fd, 1), WANT);
	}
	close(fd);
}
END_TEST

START_TEST(octet_by_octet_is_a_line)
{
	int fd = dial();

	for (const char *p = FAIL; *p != '\0'; p++)
		ck_assert_int_eq(send(fd, p, 1, MSG_NOSIGNAL), 1);
	ck_assert_str_eq(hear(fd, 1), FAILED);
	close(fd);
}
END_TEST

/* --- clients that take places --- */

/* Connects until one is answered; what was said to those before is that there is no room. */
static int
dial_until_served(void)
{
	for (;;) {
		int fd = dial();

		(void)!send(fd, FAIL, strlen(FAIL), MSG_NOSIGNAL);
		const char *heard = hear(fd, 1);

		if (strcmp(heard, FAILED) == 0)
			return fd;
		ck_assert_str_eq(heard, ERROR("too many clients; try again", "later"));
		close(fd);
	}
}

static int
dial_and_be_served(void)
{
	int fd = dial();

	say(fd, FAIL);
	ck_assert_str_eq(hear(fd, 1), FAILED);
	return fd;
}

static void
expect_no_room(void)
{
	int fd = dial();

	ck_assert_str_eq(hear(fd, 1), ERROR("too many clients; try again", "later"));
	ck_assert_str_eq(hear(fd, 1), "");
	close(fd);
}

START_TEST(clients_are_few)
{
	/* Of one user, who may be no root. */
	int most = geteuid() == 0 ? CONTROL_CLIENTS_MOST : CONTROL_OF_ONE_MOST;
	int fds[CONTROL_CLIENTS_MOST];

	for (int i = 0; i < most; i++)
		fds[i] = dial_and_be_served();
	expect_no_room();
	close(fds[0]);
	fds[0] = dial_until_served();
	for (int i = 0; i < most; i++)
		close(fds[i]);
}
END_TEST

START_TEST(thousand_connections_are_survived)
{
	enum { CONNECTIONS = 1000 };
	static int fds[CONNECTIONS];
	struct rlimit limit;

	/* Both ends are in this process. */
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < CONNECTIONS; i++)
		fds[i] = dial();
	/* Behind all of them. */
	expect_no_room();
	for (int i = 0; i < CONNECTIONS; i++)
		close(fds[i]);
	close(dial_until_served());
}
END_TEST

/* In a process of another user, for as long as the parent's end of the pipe is open. */
static pid_t
occupy(uid_t uid, int count, int served, int pipes[2])
{
	pid_t child;
	char octet;

	chmod(path, 0666);
	chmod(d.dir, 0755);
	ck_assert_int_eq(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		int got = 0;

		close(pipes[0]);
		if (setgid(65534) != 0 || setuid(uid) != 0)
			_exit(2);
		/* It waits to be killed, also by the end of a test that was. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < count; i++) {
			int fd = dial();

			(void)!send(fd, FAIL, strlen(FAIL), MSG_NOSIGNAL);
			got += strcmp(hear(fd, 1), FAILED) == 0;
		}
		(void)!write(pipes[1], got == served ? "y" : "n", 1);
		pause();
	}
	ck_assert_int_eq(read(pipes[0], &octet, 1), 1);
	ck_assert_int_eq(octet, 'y');
	close(pipes[0]);
	close(pipes[1]);
	return child;
}

static void
end_child(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
}

START_TEST(places_are_kept_for_root)
{
	pid_t children[3];
	int pipes[2], fd;

	if (geteuid() != 0) {
		table_skip("places_are_kept_for_root", "only root can become another user");
		return;
	}
	children[0] = occupy(65534, 10, CONTROL_OF_ONE_MOST, pipes);
	children[1] = occupy(1, 10, CONTROL_OTHERS_MOST - CONTROL_OF_ONE_MOST, pipes);
	children[2] = occupy(2, 10, 0, pipes);
	fd = dial_and_be_served();
	close(fd);
	for (int i = 0; i < 3; i++)
		end_child(children[i]);
}
END_TEST

/* --- clients that take time: the clock moves only when told --- */

/* Lets time pass until the daemon hangs up; says an octet each time where it is to. */
static void
expect_hang_up(int fd, int64_t step, bool talk)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int steps = 0;

	do {
		ck_assert_int_lt(steps++, 1000);
		if (talk)
			(void)!send(fd, "{", 1, MSG_NOSIGNAL);
		clock_advance(step);
	} while (poll(&p, 1, 20) == 0);
	ck_assert_str_eq(hear(fd, 1), "");
}

START_TEST(silent_client_is_let_go)
{
	int fd;

	clock_freeze(1800000000);
	fd = dial_and_be_served();
	expect_hang_up(fd, CONTROL_HEAR_US, false);
	close(fd);
}
END_TEST

/* What he says now and then does not prolong it. */
START_TEST(slow_client_is_let_go)
{
	int fd;

	clock_freeze(1800000000);
	fd = dial_and_be_served();
	expect_hang_up(fd, CONTROL_HEAR_US / 3, true);
	close(fd);
}
END_TEST

static const char flood[] = "{\"command\":[\"asked\",\"flood\"]}\n";

START_TEST(answer_has_an_end)
{
	static char text[CONTROL_ANSWER_MOST + 4096];
	int fd = dial();
	size_t len = 0;
	ssize_t n;

	say(fd, flood);
	shutdown(fd, SHUT_WR);
	while ((n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	ck_assert_uint_gt(len, CONTROL_ANSWER_MOST - 200);
	ck_assert_ptr_nonnull(strstr(text + len - 200,
		"\"}}\n" ERROR("the answer is too long, and this is its beginning; ask for less",
			"refused")));
	close(fd);
}
END_TEST

/* More than a socket holds, for each of two links, and made in a moment. */
static const char torrent[] = "{\"command\":[\"asked\",\"flood\",\"6000\"]}\n";

/* Who does not read has no hold on anything, and no place for long. */
START_TEST(client_that_does_not_read_is_let_go)
{
	int fds[CONTROL_CLIENTS_MOST],
		most = geteuid() == 0 ? CONTROL_CLIENTS_MOST : CONTROL_OF_ONE_MOST;
	struct generation *g = generation_hold();

	clock_freeze(1800000000);
	for (int i = 0; i < most; i++) {
		char octet;

		fds[i] = dial();
		say(fds[i], torrent);
		/* The answer is on its way. */
		ck_assert_int_eq(recv(fds[i], &octet, 1, 0), 1);
	}
	/* The running one and ours. */
	ck_assert_uint_eq(atomic_load(&g->references), 2);
	generation_drop(g);
	expect_no_room();
	clock_advance(CONTROL_SEND_US + CLOCK_SEC);
	close(dial_until_served());
	for (int i = 0; i < most; i++)
		close(fds[i]);
}
END_TEST

/* The daemon has no descriptor for a client: he waits, and is served when there is one. */
START_TEST(client_waits_for_a_descriptor)
{
	struct rlimit limit = {64, 64};
	int used[64], count = 0, fd;

	setrlimit(RLIMIT_NOFILE, &limit);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	while ((used[count] = dup(fd)) >= 0)
		count++;
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	memcpy(to.sun_path, path, strlen(path));
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	say(fd, FAIL);
	while (count > 0)
		close(used[--count]);
	ck_assert_str_eq(hear(fd, 1), FAILED);
	close(fd);
}
END_TEST

/* --- rights --- */

/* What another user is told. */
static void
ask_as_nobody(const char *line, const char *wanted)
{
	pid_t child;
	int status;

	chmod(path, 0666);
	chmod(d.dir, 0755);
	child = fork();
	if (child == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(2);
		int fd = dial();

		say(fd, line);
		_exit(strcmp(hear(fd, 1), wanted) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", line);
}

/* What a reload that is refused says first; each file is the whole filter.conf. */
static const struct {
	const char *name, *conf, *script, *first;
} refusals[] = {
	{"a setting that is mistyped",
		"listener l { socket = inet:10025@127.0.0.1 }\nlistner k { }\n", "",
		"filter.conf:2:1: unknown section \\\"listner\\\""},
	{"a script, behind a warning of filter.conf",
		"map unused { match = exact; entries = [ a ] }\n"
		"listener l { socket = inet:10025@127.0.0.1 }\n"
		"profile p { chain = [ x ] }\nscript x { file = x.lua }\n",
		"\nfunction mial(m) end\n", "x.lua:2: function mial is not a stage"},
	{"a script that a start would leave out",
		"listener l { socket = inet:10025@127.0.0.1 }\n"
		"profile p { chain = [ x ] }\nscript x { file = x.lua; on_load_error = skip }\n",
		"function mial(m) end\n", "x.lua:1: function mial is not a stage"},
};

START_TEST(refused_reload_says_what_and_where)
{
	const char *heard;
	int fd;

	if (geteuid() != 0) {
		table_skip("refused_reload_says_what_and_where", "only root may reload");
		return;
	}
	drive_file(&d, "x.lua", refusals[_i].script);
	drive_write(d.conf, refusals[_i].conf);
	fd = dial();
	say(fd, "{\"command\":[\"reload\"]}\n");
	heard = hear(fd, 1);
	ck_assert_msg(strncmp(heard, "{\"error\":\"", 10) == 0 &&
			      strstr(heard, refusals[_i].first) != NULL &&
			      strstr(heard, " goes on; all mistakes: chainmail check -c ") != NULL,
		"%s: %s", refusals[_i].name, heard);
	close(fd);
}
END_TEST

#define MAY_NOT ERROR("only root and main.admins may do that", "refused")

START_TEST(others_may_look_and_not_change)
{
	if (geteuid() != 0) {
		table_skip("others_may_look_and_not_change", "only root can become another user");
		return;
	}
	ask_as_nobody(FAIL, FAILED);
	ask_as_nobody("{\"command\":[\"asked\",\"change\"]}\n", MAY_NOT);
	ask_as_nobody("{\"command\":[\"reload\"]}\n", MAY_NOT);
}
END_TEST

/* What is changed is logged, with who did it, and so is the attempt. */
START_TEST(changes_are_logged)
{
	const char *log = drive_file(&d, "log", "");
	char text[1024];
	FILE *f;
	int fd;

	if (geteuid() != 0) {
		table_skip("changes_are_logged", "only root may change something");
		return;
	}
	drive_log_to(log);
	fd = dial();
	say(fd, "{\"command\":[\"asked\",\"change\"]}\n");
	ck_assert_str_eq(hear(fd, 1), "{\"done\":true}\n");
	say(fd, "{\"command\":[\"asked\",\"change\",\"--link\",\"\\u001b[2J\"]}\n");
	hear(fd, 1);
	ask_as_nobody("{\"command\":[\"asked\",\"change\"]}\n", MAY_NOT);
	close(fd);
	log_close();
	f = fopen(log, "r");
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	ck_assert_ptr_nonnull(
		strstr(text, "control: root (uid 0) asked for: asked change: done\n"));
	ck_assert_ptr_nonnull(strstr(text, "asked change --link \\x1b[2J: no link "));
	ck_assert_ptr_nonnull(strstr(text, "control: nobody (uid 65534) asked for: asked change: "
					   "only root and main.admins may do that\n"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("control");
	TCase *tc = tcase_create("control");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, daemon_answers, 0, LENGTH(talks));
	tcase_add_test(tc, metrics_are_text_and_rows);
	tcase_add_test(tc, status_tells_of_stores);
	tcase_add_test(tc, status_tells_of_a_store_that_is_full);
	tcase_add_test(tc, line_that_does_not_end_is_refused);
	tcase_add_test(tc, request_of_a_megabyte_is_refused);
	tcase_add_test(tc, deep_json_is_refused);
	tcase_add_test(tc, octet_by_octet_is_a_line);
	tcase_add_test(tc, clients_are_few);
	tcase_add_test(tc, thousand_connections_are_survived);
	tcase_add_test(tc, places_are_kept_for_root);
	tcase_add_test(tc, silent_client_is_let_go);
	tcase_add_test(tc, slow_client_is_let_go);
	tcase_add_test(tc, answer_has_an_end);
	tcase_add_test(tc, client_that_does_not_read_is_let_go);
	tcase_add_test(tc, client_waits_for_a_descriptor);
	tcase_add_test(tc, others_may_look_and_not_change);
	tcase_add_test(tc, changes_are_logged);
	tcase_add_loop_test(tc, refused_reload_says_what_and_where, 0, LENGTH(refusals));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
