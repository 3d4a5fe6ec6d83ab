/* SPDX-License-Identifier: MIT */
/*
 * test_signals.c - libmilter never sees a signal: storms of those that would end it
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "door/milter.h"
#include "drive.h"

#define ROUNDS 20000

static struct drive d;
static char path[128];

static void
block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}

/* libmilter looks whether it was told to stop after each connection. */
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
start(void)
{
	struct listener_settings listener = {
		.name = "test", .mode = 0600, .engine = ENGINE_LIBMILTER};
	static char address[160];
	struct err err;

	block_signals();
	drive_init(&d);
	drive_load(&d, "profile all { chain = [ ] }\n");
	generation_swap(d.g);
	d.g = NULL;
	snprintf(path, sizeof(path), "%s/m.sock", d.dir);
	snprintf(address, sizeof(address), "unix:%s", path);
	listener.socket = address;
	ck_assert_msg(milter_open(&listener, &err), "%s", err.text);
	ck_assert_msg(milter_start(&(struct main_settings){0}, &err), "%s", err.text);
}

static void
storm(void)
{
	static const int signals[] = {SIGUSR1, SIGHUP, SIGUSR1, SIGTERM, SIGUSR1, SIGINT};
	pid_t target = getpid();
	pid_t child = fork();
	int status;

	if (child == 0) {
		for (int i = 0; i < ROUNDS; i++)
			kill(target, signals[(size_t)i % (sizeof(signals) / sizeof(*signals))]);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

/* Takes what is pending, as the daemon does. */
static int
take_all(void)
{
	const struct timespec now = {0, 0};
	sigset_t set;
	int count = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	while (sigtimedwait(&set, NULL, &now) > 0)
		count++;
	return count;
}

START_TEST(every_signal_is_ours)
{
	start();
	storm();
	/* None was eaten: one of each kind is still there. */
	ck_assert_int_eq(take_all(), 4);
	for (int i = 0; i < 3; i++) {
		ck_assert(connects());
		usleep(100000);
	}
	ck_assert(!milter_failed());
	milter_stop();
	ck_assert(!connects());
	generation_swap(NULL);
	drive_fini(&d);
}
END_TEST

START_TEST(a_second_listener_is_refused_in_words)
{
	struct listener_settings second = {
		.name = "more", .socket = "inet:1@127.0.0.1", .engine = ENGINE_LIBMILTER};
	struct err err;

	start();
	ck_assert(!milter_open(&second, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "listener more: libmilter serves one listener"));
	milter_stop();
	generation_swap(NULL);
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("signals");
	TCase *group = tcase_create("signals");
	SRunner *runner = srunner_create(suite);

	/* libmilter starts once in a process, so each test has its own. */
	srunner_set_fork_status(runner, CK_FORK);
	suite_add_tcase(suite, group);
	tcase_set_timeout(group, 60);
	tcase_add_test(group, every_signal_is_ours);
	tcase_add_test(group, a_second_listener_is_refused_in_words);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
