/* SPDX-License-Identifier: MIT */
/*
 * test_control.c - the control socket, and who may ask it what
 */
#include "admin/control.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drive.h"
#include "table.h"

#define CLIENTS_MOST 8

static struct drive d;
static char path[96];

static void
setup(void)
{
	struct listener_settings set = {.name = "c", .type = LISTENER_CONTROL, .mode = 0600};
	char socket[128];
	struct err err;

	drive_init(&d);
	drive_run_test_plugins(&d, "plugin asked { }\nprofile all { chain = [ asked ] }\n"
				   "store m { type = memory }\n");
	snprintf(path, sizeof(path), "%s/s", d.dir);
	snprintf(socket, sizeof(socket), "unix:%s", path);
	set.socket = socket;
	ck_assert_msg(control_open(&set, &err), "%s", err.text);
	ck_assert_msg(control_start(d.conf, &err), "%s", err.text);
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

#define WANT "{\"error\":\"want a line such as {\\\"command\\\":[\\\"status\\\"]}\"}\n"

static const struct {
	const char *name, *said, *heard;
	unsigned lines;
} talks[] = {
	{"a command of a plugin", "{\"command\":[\"asked\",\"echo\",\"a\",\"b\"]}\n",
		"{\"row\":{\"link\":\"asked\",\"word\":\"a\",\"number\":0}}\n"
		"{\"row\":{\"link\":\"asked\",\"word\":\"b\",\"number\":1}}\n{\"done\":true}\n",
		3},
	{"what must be escaped", "{\"command\":[\"asked\",\"echo\",\"\\\"\\n\\u0001\"]}\n",
		"{\"row\":{\"link\":\"asked\",\"word\":\"\\\"\\u000a\\u0001\",\"number\":0}}\n"
		"{\"done\":true}\n",
		2},
	{"a command that complains", "{\"command\":[\"asked\",\"fail\"]}\n",
		"{\"error\":\"cannot: 100%\"}\n", 1},
	{"a command that there is not", "{\"command\":[\"asked\",\"sing\"]}\n",
		"{\"error\":\"asked has no command \\\"sing\\\"\"}\n", 1},
	{"a noun alone", "{\"command\":[\"asked\"]}\n",
		"{\"error\":\"asked has no command \\\"\\\"\"}\n", 1},
	{"a noun that nobody knows", "{\"command\":[\"nobody\",\"show\"]}\n",
		"{\"error\":\"no plugin of the running configuration knows \\\"nobody\\\"\"}\n", 1},
	{"what there is", "{\"command\":[\"commands\"]}\n",
		"{\"row\":{\"link\":\"asked\",\"noun\":\"asked\",\"command\":\"change\","
		"\"operands\":\"\",\"help\":\"changes something\"}}\n",
		1},
	{"a word too many", "{\"command\":[\"status\",\"now\"]}\n",
		"{\"error\":\"status takes no operand\"}\n", 1},
	{"two lines at once",
		"{\"command\":[\"asked\",\"fail\"]}\n{\"command\":[\"asked\",\"fail\"]}\n",
		"{\"error\":\"cannot: 100%\"}\n{\"error\":\"cannot: 100%\"}\n", 2},
	{"no JSON", "status\n", WANT, 1},
	{"an empty line", "\n", WANT, 1},
	{"another object", "{\"x\":1}\n", WANT, 1},
	{"no words", "{\"command\":[]}\n", WANT, 1},
	{"a number", "{\"command\":[1]}\n", WANT, 1},
	{"a text in the place of words", "{\"command\":\"status\"}\n", WANT, 1},
	{"the same twice", "{\"command\":[\"status\"],\"command\":[\"status\"]}\n", WANT, 1},
	{"seventeen words",
		"{\"command\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\","
		"\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]}\n",
		WANT, 1},
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

START_TEST(status_tells_of_stores)
{
	int fd = dial();
	const char *heard;

	say(fd, "{\"command\":[\"status\"]}\n");
	heard = hear(fd, 3);
	ck_assert_ptr_nonnull(strstr(heard, "\"what\":\"daemon\""));
	ck_assert_ptr_nonnull(strstr(heard, "\"what\":\"store\",\"name\":\"m\",\"state\":\"ok\""));
	ck_assert_ptr_nonnull(strstr(heard, "{\"done\":true}"));
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
	ck_assert_str_eq(hear(fd, 1), "{\"error\":\"the line is too long\"}\n");
	ck_assert_str_eq(hear(fd, 1), "");
	close(fd);
}
END_TEST

START_TEST(clients_are_few)
{
	int fds[CLIENTS_MOST], one_more;

	for (int i = 0; i < CLIENTS_MOST; i++) {
		fds[i] = dial();
		say(fds[i], "{\"command\":[\"asked\",\"fail\"]}\n");
		hear(fds[i], 1);
	}
	one_more = dial();
	ck_assert_str_eq(hear(one_more, 1), "{\"error\":\"too many clients; try again\"}\n");
	close(one_more);
	/* One leaves, and there is room. */
	close(fds[0]);
	do {
		fds[0] = dial();
		(void)!send(fds[0], "{\"command\":[\"asked\",\"fail\"]}\n", 29, MSG_NOSIGNAL);
		one_more = strstr(hear(fds[0], 1), "too many") != NULL;
		if (one_more)
			close(fds[0]);
	} while (one_more);
	for (int i = 0; i < CLIENTS_MOST; i++)
		close(fds[i]);
}
END_TEST

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

START_TEST(others_may_look_and_not_change)
{
	if (geteuid() != 0) {
		table_skip("others_may_look_and_not_change", "only root can become another user");
		return;
	}
	ask_as_nobody("{\"command\":[\"asked\",\"fail\"]}\n", "{\"error\":\"cannot: 100%\"}\n");
	ask_as_nobody("{\"command\":[\"asked\",\"change\"]}\n",
		"{\"error\":\"only root and main.admins may do that\"}\n");
	ask_as_nobody("{\"command\":[\"reload\"]}\n",
		"{\"error\":\"only root and main.admins may do that\"}\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("control");
	TCase *tc = tcase_create("control");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, daemon_answers, 0, LENGTH(talks));
	tcase_add_test(tc, status_tells_of_stores);
	tcase_add_test(tc, line_that_does_not_end_is_refused);
	tcase_add_test(tc, clients_are_few);
	tcase_add_test(tc, others_may_look_and_not_change);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
