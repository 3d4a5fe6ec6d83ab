/* SPDX-License-Identifier: MIT */
/*
 * test_milter.c - the end of the milter door, while MTAs are still connected
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "door/milter.h"
#include "drive.h"

static struct drive d;
static char path[128];

static void
start(int engine)
{
	static char address[160];
	struct listener_settings listener = {.name = "test", .mode = 0600, .engine = engine};
	struct main_settings settings = {.threads = 1, .max_threads = 10};
	struct err err;

	drive_init(&d);
	drive_load(&d, "profile all { chain = [ ] }\n");
	generation_swap(d.g);
	d.g = NULL;
	snprintf(path, sizeof(path), "%s/m.sock", d.dir);
	snprintf(address, sizeof(address), "unix:%s", path);
	listener.socket = address;
	listener.idle_us = listener.packet_us = INT64_C(60000000);
	ck_assert_msg(milter_open(&listener, &err), "%s", err.text);
	ck_assert_msg(milter_start(&settings, &err), "%s", err.text);
}

static int
connect_mta(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(to.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* The MTA begins after the end: it is answered or sees its connection closed. */
START_TEST(a_session_outlives_its_listener)
{
	static const char negotiation[] = "\0\0\0\015O\0\0\0\006\0\0\001\377\0\037\377\377";
	char answer[17];

	signal(SIGPIPE, SIG_IGN);
	start(_i);
	int fd = connect_mta();
	milter_stop();
	if (write(fd, negotiation, sizeof(negotiation) - 1) < 0)
		ck_assert(errno == EPIPE || errno == ECONNRESET);
	ssize_t n = read(fd, answer, sizeof(answer));
	ck_assert(n == (ssize_t)sizeof(answer) || n == 0 || (n < 0 && errno == ECONNRESET));
	close(fd);
	/* The engine may still run in this process, which ends now: only files go. */
	unlink(path);
	unlink(d.conf);
	unlink(d.log);
	rmdir(d.dir);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("milter");
	TCase *group = tcase_create("milter");
	SRunner *runner = srunner_create(suite);

	/* An engine starts once in a process, so each test has its own. */
	srunner_set_fork_status(runner, CK_FORK);
	suite_add_tcase(suite, group);
	tcase_add_loop_test(
		group, a_session_outlives_its_listener, ENGINE_NATIVE, ENGINE_LIBMILTER + 1);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
