/* SPDX-License-Identifier: MIT */
/*
 * test_socket.c - listening sockets: whose they are, who may reach them, and that they go away
 */
#include "door/milter_socket.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "temp.h"

static char directory[TEMP_NAME_SIZE];
static char path[96];
static char address[112];
static struct err err;

static void
setup(void)
{
	ck_assert(temp_dir(directory, "chainmail-socket"));
	snprintf(path, sizeof(path), "%s/milter.sock", directory);
	snprintf(address, sizeof(address), "unix:%s", path);
	err.text[0] = '\0';
}

static void
teardown(void)
{
	unlink(path);
	rmdir(directory);
}

static bool
exists(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

static unsigned
mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(stat(name, &st), 0);
	return st.st_mode & 0777;
}

static bool
connects(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(to.sun_path, path, strlen(path) + 1);
	bool ok = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;

	close(fd);
	return ok;
}

static void
expect_open(struct milter_socket *s, mode_t mode, const char *group)
{
	ck_assert_msg(milter_socket_open(s, address, mode, group, "l", &err), "%s", err.text);
}

static void
expect_refused(const char *where, const char *words)
{
	struct milter_socket s;

	ck_assert(!milter_socket_open(&s, where, 0660, NULL, "l", &err));
	ck_assert_msg(strstr(err.text, words) != NULL, "\"%s\" lacks \"%s\"", err.text, words);
	ck_assert_int_eq(s.fd, -1);
}

START_TEST(a_socket_has_its_mode_and_goes_when_closed)
{
	struct milter_socket s;

	umask(0);
	expect_open(&s, 0660, NULL);
	ck_assert(connects());
	ck_assert_uint_eq(mode_of(path), 0660);
	ck_assert_int_ne(fcntl(s.fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(s.fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_uint_eq(umask(022), 0);
	milter_socket_close(&s);
	milter_socket_close(&s);
	ck_assert(!exists(path));
}
END_TEST

START_TEST(a_live_daemon_keeps_its_socket)
{
	struct milter_socket s;
	char pid[32];

	expect_open(&s, 0600, NULL);
	snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
	expect_refused(address, "already in use by a running daemon");
	ck_assert_ptr_nonnull(strstr(err.text, pid));
	ck_assert(connects());
	milter_socket_close(&s);
}
END_TEST

START_TEST(a_live_daemon_with_a_full_queue_keeps_its_socket)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int client[2];

	memcpy(to.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	for (int i = 0; i < 2; i++) {
		client[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(client[i], (struct sockaddr *)&to, sizeof(to));
	}
	expect_refused(address, "already in use by a running daemon");
	ck_assert(exists(path));
	close(client[0]);
	close(client[1]);
	close(fd);
}
END_TEST

START_TEST(a_stale_socket_is_replaced)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct milter_socket s;

	memcpy(to.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	close(fd);
	ck_assert(exists(path) && !connects());
	expect_open(&s, 0600, NULL);
	ck_assert(connects());
	milter_socket_close(&s);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	ck_assert_int_eq(close(fd), 0);
	expect_refused(address, "is not a socket");
	ck_assert(exists(path));
	unlink(path);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	expect_refused(address, "is not a socket");
	ck_assert(exists(path));
}
END_TEST

START_TEST(somebody_elses_file_survives_our_end)
{
	struct milter_socket s;

	expect_open(&s, 0600, NULL);
	unlink(path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	milter_socket_close(&s);
	ck_assert(exists(path));
}
END_TEST

START_TEST(an_unknown_group_leaves_nothing_behind)
{
	struct milter_socket s;

	ck_assert(!milter_socket_open(&s, address, 0660, "no_such_group_here", "l", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "there is no group no_such_group_here"));
	ck_assert(!exists(path));
}
END_TEST

static unsigned
free_port(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&to, &size), 0);
	close(fd);
	return ntohs(to.sin_port);
}

START_TEST(a_port_in_use_is_said_to_be)
{
	struct milter_socket s;

	snprintf(address, sizeof(address), "inet:%u@127.0.0.1", free_port());
	expect_open(&s, 0, NULL);
	expect_refused(address, "already in use by a running program");
	milter_socket_close(&s);
	snprintf(address, sizeof(address), "inet:%u@[127.0.0.1]", free_port());
	expect_open(&s, 0, NULL);
	milter_socket_close(&s);
}
END_TEST

static const struct {
	const char *address;
	const char *words;
} wrong[] = {
	{"/run/milter.sock", "is not a socket address"},
	{"inet:0@127.0.0.1", "port is a number"},
	{"inet:65536@127.0.0.1", "port is a number"},
	{"inet:smtp@127.0.0.1", "port is a number"},
	{"inet:-1@127.0.0.1", "port is a number"},
	{"inet:@127.0.0.1", "port is a number"},
	{"inet:10025@not an address", "inet:10025@not an address: "},
	{"inet6:10025@127.0.0.1", "inet6:10025@127.0.0.1: "},
	{"unix:", "1 to 107 characters"},
	{"unix:/nowhere/at/all/milter.sock", "directory does not exist"},
	{"unix:/tmp/0123456789012345678901234567890123456789012345678901234567890123456789"
	 "0123456789012345678901234567890123456789",
		"1 to 107 characters"},
};

START_TEST(an_address_that_is_none_is_refused)
{
	expect_refused(wrong[_i].address, wrong[_i].words);
}
END_TEST

/* --- sockets of the service manager --- */

static int
listening(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static unsigned
port_of(int fd)
{
	struct sockaddr_in to;
	socklen_t size = sizeof(to);

	return getsockname(fd, (struct sockaddr *)&to, &size) == 0 ? ntohs(to.sin_port) : 0;
}

static const struct {
	const char *count, *names, *name;
	bool ours;  /* LISTEN_PID is */
	int passed; /* descriptor that is found; 0: none */
} manager[] = {
	{"2", "postfix:sendmail", "postfix", true, 3},
	{"2", "postfix:sendmail", "sendmail", true, 4},
	{"2", "postfix:sendmail", "sendma", true, 0},
	{"2", "postfix:sendmail", "sendmail2", true, 0},
	{"1", "postfix:sendmail", "sendmail", true, 0},
	{"2", "postfix:sendmail", "postfix", false, 0}, {"0", "postfix", "postfix", true, 0},
	{"-1", "postfix", "postfix", true, 0}, {"99999999999", "postfix", "postfix", true, 0},
	{"x", "postfix", "postfix", true, 0}, {"2", "", "postfix", true, 0},
	{"3", "a:b:postfix", "postfix", true, 0}, /* no socket */
};

/* In a process of its own, whose descriptors 3 and 4 may be anything. */
static int
as_started(int row)
{
	char pid[32];
	struct milter_socket s;
	int first = fcntl(listening(), F_DUPFD, 100), second = fcntl(listening(), F_DUPFD, 100);

	dup2(first, 3);
	dup2(second, 4);
	close(5);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid() + !manager[row].ours);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", manager[row].count, 1);
	setenv("LISTEN_FDNAMES", manager[row].names, 1);
	if (!milter_socket_open(&s, address, 0600, NULL, manager[row].name, &err))
		return 1;
	bool took = s.path == NULL;

	if (took != (manager[row].passed != 0))
		return 2;
	if (took && port_of(s.fd) != port_of(manager[row].passed))
		return 3;
	if (took && s.fd <= 4)
		return 4;
	milter_socket_close(&s);
	return 0;
}

START_TEST(a_passed_socket_is_used)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(as_started(_i));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("socket");
	TCase *cases = tcase_create("socket");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, cases);
	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, a_socket_has_its_mode_and_goes_when_closed);
	tcase_add_test(cases, a_live_daemon_keeps_its_socket);
	tcase_add_test(cases, a_live_daemon_with_a_full_queue_keeps_its_socket);
	tcase_add_test(cases, a_stale_socket_is_replaced);
	tcase_add_test(cases, what_is_no_socket_is_left_alone);
	tcase_add_test(cases, somebody_elses_file_survives_our_end);
	tcase_add_test(cases, an_unknown_group_leaves_nothing_behind);
	tcase_add_test(cases, a_port_in_use_is_said_to_be);
	tcase_add_loop_test(cases, a_passed_socket_is_used, 0, sizeof(manager) / sizeof(*manager));
	tcase_add_loop_test(cases, an_address_that_is_none_is_refused, 0,
		(int)(sizeof(wrong) / sizeof(*wrong)));
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
