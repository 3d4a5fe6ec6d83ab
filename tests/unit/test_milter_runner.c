/* SPDX-License-Identifier: MIT */
/*
 * test_milter_runner.c - the native engine on real sockets: limits, faults, ends
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/net.h"
#include "door/conversation.h"
#include "door/milter.h"
#include "door/milter_decode.h"
#include "drive.h"
#include "mta_bytes.h"
#include "table.h"

#define FOR_EVER (3600 * CLOCK_SEC)

static struct drive d;
static char path[128], address[160], log_path[128];

static void
load(const char *sections)
{
	drive_init(&d);
	snprintf(path, sizeof(path), "%s/m.sock", d.dir);
	snprintf(address, sizeof(address), "unix:%s", path);
	snprintf(log_path, sizeof(log_path), "%s/log", d.dir);
	drive_log_to(log_path);
	drive_run_test_plugins(&d, sections);
}

static const struct listener_settings usual = {
	.name = "test", .mode = 0600, .idle_us = FOR_EVER, .packet_us = FOR_EVER};

static void
listen_at(const char *where, struct listener_settings set)
{
	struct err err;

	set.socket = where;
	ck_assert_msg(milter_open(&set, &err), "%s", err.text);
}

static void
start_threads(unsigned threads)
{
	const struct main_settings set = {.threads = threads, .max_threads = 50};
	struct err err;

	ck_assert_msg(milter_start(&set, &err), "%s", err.text);
}

static void
start(void)
{
	start_threads(2);
}

static void
stop(void)
{
	milter_stop();
	ck_assert_uint_eq(conversations_open(), 0);
	ck_assert_uint_eq(conversations_messages(), 0);
	generation_swap(NULL);
	log_close();
	unlink(log_path);
	drive_fini(&d);
}

/* --- MTAs --- */

static int
connect_unix(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(to.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* From 127.0.0.N. */
static int
connect_inet(unsigned port, const char *from)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in own = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	inet_pton(AF_INET, from, &own.sin_addr);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static unsigned
free_port(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	socklen_t size = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	getsockname(fd, (struct sockaddr *)&to, &size);
	close(fd);
	return ntohs(to.sin_port);
}

static void
say(int fd, void (*what)(struct buf *))
{
	struct buf b;

	buf_init(&b, 0);
	what(&b);
	ck_assert_int_eq(send(fd, b.data, b.len, MSG_NOSIGNAL), (ssize_t)b.len);
	buf_fini(&b);
}

/* The command of the next packet; 0: hung up. Waits as long as the test may. */
static char
hear(int fd)
{
	unsigned char head[5];
	char rest[4096];
	ssize_t n = recv(fd, head, sizeof(head), MSG_WAITALL);

	if (n <= 0)
		return 0;
	ck_assert_int_eq(n, 5);
	size_t len = ((size_t)head[2] << 8 | head[3]) - 1;

	ck_assert_uint_le(len, sizeof(rest));
	/* Nothing to read would be waited for. */
	if (len > 0)
		ck_assert_int_eq(recv(fd, rest, len, MSG_WAITALL), (ssize_t)len);
	return (char)head[4];
}

/* A whole session is served. */
static void
expect_service(int fd)
{
	ck_assert_int_ge(fd, 0);
	say(fd, mta_begin);
	ck_assert_int_eq(hear(fd), 'O');
	say(fd, mta_message);
	ck_assert_int_eq(hear(fd), 'c');
	close(fd);
}

#define UNTIL(condition)                                   \
	do {                                               \
		while (!(condition)) {                     \
			struct timespec t = {0, 1000000L}; \
			nanosleep(&t, NULL);               \
		}                                          \
	} while (0)

static bool
logged(const char *words)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f = fopen(log_path, "r");
	bool found = false;

	while (f != NULL && !found && getline(&line, &size, f) > 0)
		found = strstr(line, words) != NULL;
	free(line);
	if (f != NULL)
		fclose(f);
	return found;
}

#define EMPTY "profile all { chain = [ ] }\n"

/* --- deadlines --- */

static void
half_a_packet(struct buf *b)
{
	mta_begin(b);
	buf_add(b, "\0\0\0\x20M", 5);
}

static void
nothing(struct buf *b)
{
	(void)b;
}

static const struct {
	void (*said)(struct buf *);
	int64_t idle_us, packet_us;
	const char *heard;
} silences[] = {
	{nothing, FOR_EVER, 1, ""},
	{half_a_packet, FOR_EVER, 1, "O"},
	{mta_begin, 1, FOR_EVER, "O"},
};

START_TEST(an_mta_that_falls_silent_is_hung_up_on)
{
	struct listener_settings set = usual;

	set.idle_us = silences[_i].idle_us;
	set.packet_us = silences[_i].packet_us;
	load(EMPTY);
	listen_at(address, set);
	start();
	int fd = connect_unix();

	say(fd, silences[_i].said);
	for (const char *p = silences[_i].heard; *p != '\0'; p++)
		ck_assert_int_eq(hear(fd), *p);
	ck_assert_int_eq(hear(fd), 0);
	close(fd);
	stop();
}
END_TEST

/* --- peers --- */

START_TEST(only_mail_servers_that_are_allowed_are_served)
{
	struct listener_settings set = usual;
	struct net_block block;
	struct cm_networks *allow;
	struct arena arena;
	unsigned port = free_port();
	char inet[64];

	arena_init(&arena, 256);
	allow = networks_new(&arena);
	ck_assert(net_block_parse(&block, "127.0.0.2/32"));
	networks_add(allow, &arena, &block);
	set.allow = allow;
	load(EMPTY);
	snprintf(inet, sizeof(inet), "inet:%u@127.0.0.1", port);
	listen_at(inet, set);
	arena_fini(&arena); /* settings are copied */
	start();
	int fd = connect_inet(port, "127.0.0.3");

	ck_assert_int_eq(hear(fd), 0);
	close(fd);
	expect_service(connect_inet(port, "127.0.0.2"));
	ck_assert(logged("listener test: 127.0.0.3 may not connect"));
	stop();
}
END_TEST

START_TEST(several_listeners_are_served)
{
	unsigned port = free_port();
	char inet[64];

	load(EMPTY);
	listen_at(address, usual);
	snprintf(inet, sizeof(inet), "inet:%u@127.0.0.1", port);
	listen_at(inet, usual);
	start();
	for (int i = 0; i < 3; i++) {
		expect_service(connect_unix());
		expect_service(connect_inet(port, "127.0.0.1"));
	}
	stop();
}
END_TEST

/* --- descriptors --- */

START_TEST(without_descriptors_mtas_wait_and_are_served_later)
{
	struct rlimit limit;
	int fds[200];
	int open;

	load(EMPTY);
	listen_at(address, usual);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 120;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	start(); /* serves 60 at once */
	limit.rlim_cur = 400;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (open = 0; open < 100; open++) {
		fds[open] = connect_unix();
		ck_assert_int_ge(fds[open], 0);
		say(fds[open], mta_begin);
	}
	for (int i = 0; i < 60; i++)
		ck_assert_int_eq(hear(fds[i]), 'O');
	UNTIL(logged("60 connections are open and no more can be taken"));
	struct pollfd p = {.fd = fds[60], .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, 0), 0);
	for (int i = 0; i < 60; i++)
		close(fds[i]);
	for (int i = 60; i < open; i++)
		ck_assert_int_eq(hear(fds[i]), 'O');
	for (int i = 60; i < open; i++)
		close(fds[i]);
	expect_service(connect_unix());
	stop();
}
END_TEST

/* --- waits --- */

START_TEST(a_check_that_waits_ends_when_the_mta_hangs_up)
{
	load("plugin slow { mail = 5min; timeout = 10min }\nprofile all { chain = [ slow ] }\n");
	listen_at(address, usual);
	start();
	int fds[20];

	for (int i = 0; i < 20; i++) {
		fds[i] = connect_unix();
		say(fds[i], mta_begin);
		ck_assert_int_eq(hear(fds[i]), 'O');
		say(fds[i], mta_message);
	}
	UNTIL(conversations_messages() == 20);
	/* They wait, and another is served. */
	int fd = connect_unix();

	say(fd, mta_begin);
	ck_assert_int_eq(hear(fd), 'O');
	close(fd);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
	UNTIL(conversations_open() == 0);
	ck_assert(logged("waited in vain"));
	stop();
}
END_TEST

START_TEST(a_check_that_waits_in_silence_delays_nobody_for_long)
{
	load("plugin slow { mail = 2s; silent = yes; timeout = 10min }\n"
	     "profile all { chain = [ slow ] }\n");
	listen_at(address, usual);
	start();
	int fds[8];

	for (int i = 0; i < 8; i++) {
		fds[i] = connect_unix();
		say(fds[i], mta_begin);
		say(fds[i], mta_message);
	}
	UNTIL(conversations_messages() == 8);
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(hear(fds[i]), 'O');
		ck_assert_int_eq(hear(fds[i]), 'c');
		ck_assert_int_eq(hear(fds[i]), 'c');
		close(fds[i]);
	}
	stop();
}
END_TEST

/* --- epoll tells once --- */

/* Octets of macros before RCPT: what is read in one turn, and in two. */
static const size_t before_rcpt[] = {0, 140 << 10};

static void
put_macros(struct buf *b, size_t size)
{
	static char macros[10 << 10] = "R{x}\0";

	memset(macros + 5, 'x', sizeof(macros) - 6);
	for (size_t done = 0; done < size; done += sizeof(macros))
		mta_put(b, 'D', macros, sizeof(macros));
}

/* The last command and the end are there together, and the end is told but once. */
START_TEST(an_mta_that_hangs_up_behind_its_last_command_is_let_go)
{
	struct buf b;

	load("plugin slow { mail = 200ms; silent = yes }\nprofile all { chain = [ slow ] }\n");
	listen_at(address, usual);
	start();
	int fd = connect_unix();

	say(fd, mta_begin);
	ck_assert_int_eq(hear(fd), 'O');
	buf_init(&b, 0);
	MTA_PUT(&b, 'M', "<a@example.org>\0");
	ck_assert_int_eq(send(fd, b.data, b.len, 0), (ssize_t)b.len);
	UNTIL(conversations_messages() == 1);
	buf_clear(&b);
	put_macros(&b, before_rcpt[_i]);
	MTA_PUT(&b, 'R', "<b@example.com>\0");
	ck_assert_int_eq(send(fd, b.data, b.len, 0), (ssize_t)b.len);
	buf_fini(&b);
	shutdown(fd, SHUT_WR);
	ck_assert_int_eq(hear(fd), 'c'); /* MAIL; RCPT has no answer here */
	ck_assert_int_eq(hear(fd), 0);
	close(fd);
	stop();
}
END_TEST

/* A session in pieces of some octets; every second MTA leaves without a look at the answers. */
static void
play_in_pieces(struct buf *session, size_t piece, bool stays)
{
	int fd = connect_unix();

	ck_assert_int_ge(fd, 0);
	for (size_t at = 0; at < session->len; at += piece) {
		size_t left = session->len - at;

		ck_assert_int_gt(
			send(fd, session->data + at, left < piece ? left : piece, MSG_NOSIGNAL), 0);
	}
	if (stays) {
		for (const char *p = "Occcsc"; *p != '\0'; p++)
			ck_assert_int_eq(hear(fd), *p);
	}
	close(fd);
}

#define MTAS	 8
#define SESSIONS 200

static void *
play_sessions(void *context)
{
	const size_t *number = context;
	struct buf b;

	buf_init(&b, 0);
	mta_begin(&b);
	mta_message(&b);
	for (size_t i = 0; i < SESSIONS; i++)
		play_in_pieces(&b, 1 + (i * 7 + *number) % 90, i % 2 == 0);
	buf_fini(&b);
	return NULL;
}

/* Nobody's time is limited: what is not told would be waited for until the test's own end. */
START_TEST(nothing_that_comes_while_it_is_served_is_lost)
{
	pthread_t threads[MTAS];
	size_t numbers[MTAS];

	load(EMPTY);
	listen_at(address, usual);
	start();
	for (size_t i = 0; i < MTAS; i++) {
		numbers[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, play_sessions, &numbers[i]), 0);
	}
	for (size_t i = 0; i < MTAS; i++)
		pthread_join(threads[i], NULL);
	UNTIL(conversations_open() == 0);
	stop();
}
END_TEST

#define ENDS 20000

/*
 * Pieces of both, in turns: while one thread reads what is wrong, and closes, the other looks
 * whether to be told of it. It sleeps soon, for nobody says anything more.
 */
START_TEST(an_mta_that_is_hung_up_on_learns_it_at_once)
{
	struct buf wrong, right;
	size_t said = 0;

	load(EMPTY);
	listen_at(address, usual);
	start_threads(8);
	buf_init(&wrong, 0);
	buf_init(&right, 0);
	MTA_PUT(&wrong, 'M', "no NUL");
	MTA_PUT(&right, 'A', "");
	int other = connect_unix();

	say(other, mta_begin);
	for (unsigned i = 0; i < ENDS; i++) {
		int fd = connect_unix();

		ck_assert_int_ge(fd, 0);
		say(fd, mta_begin);
		ck_assert_int_eq(hear(fd), 'O');
		for (size_t at = 0; at < wrong.len; at++, said++) {
			(void)send(fd, wrong.data + at, 1, MSG_NOSIGNAL);
			(void)send(other, right.data + said % right.len, 1, MSG_NOSIGNAL);
		}
		ck_assert_int_eq(hear(fd), 0);
		close(fd);
	}
	buf_fini(&wrong);
	buf_fini(&right);
	ck_assert_int_eq(hear(other), 'O');
	close(other);
	stop();
}
END_TEST

/* --- memory --- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GIVES_BACK 0 /* heaps are the sanitizer's */
#else
#define GIVES_BACK 1
#endif

#define MANY 1000

/* Resident octets of the process. */
static size_t
resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t pages = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%*u %zu", &pages), 1);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* The last of them stays, so the heap does not get shorter by itself. */
START_TEST(memory_of_a_crowd_is_given_back)
{
	static int fds[MANY];

	load(EMPTY);
	listen_at(address, usual);
	start();
	size_t before = resident();

	for (size_t i = 0; i < MANY; i++) {
		fds[i] = connect_unix();
		ck_assert_int_ge(fds[i], 0);
		say(fds[i], mta_begin);
		ck_assert_int_eq(hear(fds[i]), 'O');
	}
	UNTIL(conversations_open() == MANY);
	size_t grown = resident() - before;

	ck_assert_uint_ge(grown, MANY * 1024);
	for (size_t i = 0; i + 1 < MANY; i++)
		close(fds[i]);
	UNTIL(resident() - before < grown / 3);
	close(fds[MANY - 1]);
	stop();
}
END_TEST

/* --- ends --- */

START_TEST(who_is_in_a_message_may_end_it)
{
	struct buf b;

	load(EMPTY);
	listen_at(address, usual);
	start();
	int fd = connect_unix();

	say(fd, mta_begin);
	ck_assert_int_eq(hear(fd), 'O');
	buf_init(&b, 0);
	MTA_PUT(&b, 'M', "<a@example.org>\0");
	ck_assert_int_eq(send(fd, b.data, b.len, 0), (ssize_t)b.len);
	UNTIL(conversations_messages() == 1);
	milter_drain();
	conversations_drain();
	ck_assert_int_eq(connect_unix(), -1);
	buf_clear(&b);
	MTA_PUT(&b, 'R', "<b@example.com>\0");
	MTA_PUT(&b, 'E', "");
	ck_assert_int_eq(send(fd, b.data, b.len, 0), (ssize_t)b.len);
	ck_assert_int_eq(hear(fd), 'c');
	buf_fini(&b);
	close(fd);
	stop();
}
END_TEST

START_TEST(checks_that_wait_do_not_delay_the_end)
{
	int fds[10];

	load("plugin slow { mail = 5min; timeout = 10min }\nprofile all { chain = [ slow ] }\n");
	listen_at(address, usual);
	start();
	for (int i = 0; i < 10; i++) {
		fds[i] = connect_unix();
		say(fds[i], mta_begin);
		say(fds[i], mta_message);
	}
	UNTIL(conversations_messages() == 10);
	stop();
	for (int i = 0; i < 10; i++)
		close(fds[i]);
}
END_TEST

START_TEST(who_connected_before_the_drain_is_told)
{
	struct buf b;
	int fds[50];

	load(EMPTY);
	listen_at(address, usual);
	start();
	for (int i = 0; i < 50; i++)
		fds[i] = connect_unix();
	conversations_drain();
	milter_drain();
	buf_init(&b, 0);
	MTA_PUT(&b, 'O', "\0\0\0\6\0\0\1\xff\0\0\0\0");
	MTA_PUT(&b, 'C', MTA_CLIENT);
	MTA_PUT(&b, 'M', "<a@example.org>\0");
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(send(fds[i], b.data, b.len, MSG_NOSIGNAL), (ssize_t)b.len);
		ck_assert_int_eq(hear(fds[i]), 'O');
		ck_assert_int_eq(hear(fds[i]), 'c');
		ck_assert_int_eq(hear(fds[i]), 'y');
		close(fds[i]);
	}
	buf_fini(&b);
	stop();
}
END_TEST

START_TEST(sessions_in_every_state_end_with_the_engine)
{
	struct buf b;
	int fds[100], count = 0;

	load("plugin slow { mail = 0s }\nprofile all { chain = [ slow ] }\n");
	listen_at(address, usual);
	start();
	buf_init(&b, 0);
	mta_begin(&b);
	mta_message(&b);
	for (size_t len = 0; len < b.len && count < 100; len += 3) {
		fds[count] = connect_unix();
		if (len > 0)
			ck_assert_int_eq(send(fds[count], b.data, len, 0), (ssize_t)len);
		count++;
	}
	expect_service(connect_unix());
	stop();
	for (int i = 0; i < count; i++) {
		while (hear(fds[i]) != 0)
			continue;
		close(fds[i]);
	}
	buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("milter_runner");
	TCase *t = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	/* An engine starts once in a process. */
	srunner_set_fork_status(runner, CK_FORK);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, an_mta_that_falls_silent_is_hung_up_on, 0, LENGTH(silences));
	tcase_add_test(t, only_mail_servers_that_are_allowed_are_served);
	tcase_add_test(t, several_listeners_are_served);
	tcase_add_test(t, without_descriptors_mtas_wait_and_are_served_later);
	tcase_add_test(t, a_check_that_waits_ends_when_the_mta_hangs_up);
	tcase_add_test(t, a_check_that_waits_in_silence_delays_nobody_for_long);
	tcase_add_loop_test(
		t, an_mta_that_hangs_up_behind_its_last_command_is_let_go, 0, LENGTH(before_rcpt));
	tcase_add_test(t, nothing_that_comes_while_it_is_served_is_lost);
	tcase_add_test(t, an_mta_that_is_hung_up_on_learns_it_at_once);
	if (GIVES_BACK)
		tcase_add_test(t, memory_of_a_crowd_is_given_back);
	tcase_add_test(t, who_is_in_a_message_may_end_it);
	tcase_add_test(t, checks_that_wait_do_not_delay_the_end);
	tcase_add_test(t, who_connected_before_the_drain_is_told);
	tcase_add_test(t, sessions_in_every_state_end_with_the_engine);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
