/* SPDX-License-Identifier: MIT */
/*
 * test_notify.c - what the service manager hears, over a socket of its kind
 */
#include "admin/notify.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "table.h"
#include "temp.h"

static char directory[TEMP_NAME_SIZE];
static char path[96];
static int manager;

/* Binds a socket as the manager does; "@" in front is an abstract name. */
static void
listen_at(const char *name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	memcpy(to.sun_path, name, strlen(name));
	if (name[0] == '@')
		to.sun_path[0] = '\0';
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&to, len), 0);
	setenv("NOTIFY_SOCKET", name, 1);
}

/* The next datagram; "" when there is none. */
static const char *
heard(void)
{
	static char text[256];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
setup(void)
{
	ck_assert(temp_dir(directory, "notify"));
	snprintf(path, sizeof(path), "%s/notify", directory);
	clock_freeze(1000000000);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	manager = -1;
}

static void
teardown(void)
{
	clock_thaw();
	if (manager >= 0)
		close(manager);
	unlink(path);
	rmdir(directory);
}

static const struct word_case {
	void (*tell)(void);
	const char *text;
} words[] = {
	{notify_ready, "READY=1"},
	{notify_reloading, "RELOADING=1\nMONOTONIC_USEC=%lld"},
	{notify_stopping, "STOPPING=1"},
	{notify_alive, "WATCHDOG=1"},
};

START_TEST(each_word_is_one_datagram)
{
	char now[32], *mark;
	char text[128];

	strcpy(text, words[_i].text);
	snprintf(now, sizeof(now), "%lld", (long long)clock_now());
	mark = strstr(text, "%lld");
	if (mark != NULL)
		strcpy(mark, now);
	listen_at(path);
	words[_i].tell();
	ck_assert_str_eq(heard(), text);
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(abstract_name_is_heard)
{
	char name[96];

	snprintf(name, sizeof(name), "@test_notify.%ld", (long)getpid());
	listen_at(name);
	notify_ready();
	ck_assert_str_eq(heard(), "READY=1");
}
END_TEST

/* Nobody there, no name of ours, a name that does not fit. */
START_TEST(manager_that_is_not_there_is_no_trouble)
{
	char name[300];

	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	notify_ready();
	setenv("NOTIFY_SOCKET", "", 1);
	notify_ready();
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_ready();
	setenv("NOTIFY_SOCKET", path, 1);
	notify_ready();
	setenv("NOTIFY_SOCKET", name, 1);
	notify_ready();
}
END_TEST

static const struct interval_case {
	const char *usec;
	const char *pid; /* "own": of this process */
	int64_t us;
} intervals[] = {
	{NULL, NULL, 0},
	{"30000000", NULL, 15000000},
	{"30000000", "own", 15000000},
	{"30000000", "1", 0},
	{"0", NULL, 0},
	{"-5", NULL, 0},
	{"no number", NULL, 0},
	{"", NULL, 0},
};

START_TEST(sign_of_life_is_given_in_half_the_time)
{
	const struct interval_case *c = &intervals[_i];
	char own[32];

	snprintf(own, sizeof(own), "%ld", (long)getpid());
	if (c->usec != NULL)
		setenv("WATCHDOG_USEC", c->usec, 1);
	if (c->pid != NULL)
		setenv("WATCHDOG_PID", strcmp(c->pid, "own") == 0 ? own : c->pid, 1);
	ck_assert_int_eq(notify_interval(), c->us);
}
END_TEST

static const struct wait_case {
	const char *allowed, *pid; /* WATCHDOG_USEC, WATCHDOG_PID */
	int wait;		   /* of 1000 ms */
} waits[] = {
	{NULL, NULL, 1000},
	{"", NULL, 1000},
	{"0", NULL, 1000},
	{"30000000", NULL, 1000},
	{"2000000", NULL, 1000},
	{"400000", NULL, 200},
	{"1999998", NULL, 999},
	{"100", NULL, 1},
	{"400000", "1", 1000},
};

START_TEST(sleep_ends_before_a_sign_of_life_is_due)
{
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (waits[_i].allowed != NULL)
		setenv("WATCHDOG_USEC", waits[_i].allowed, 1);
	if (waits[_i].pid != NULL)
		setenv("WATCHDOG_PID", waits[_i].pid, 1);
	ck_assert_int_eq(notify_wait(1000), waits[_i].wait);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("notify");
	TCase *t = tcase_create("notify");

	suite_add_tcase(suite, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, each_word_is_one_datagram, 0, LENGTH(words));
	tcase_add_test(t, abstract_name_is_heard);
	tcase_add_test(t, manager_that_is_not_there_is_no_trouble);
	tcase_add_loop_test(t, sign_of_life_is_given_in_half_the_time, 0, LENGTH(intervals));
	tcase_add_loop_test(t, sleep_ends_before_a_sign_of_life_is_due, 0, LENGTH(waits));
	return table_run(suite);
}
