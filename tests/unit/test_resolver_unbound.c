/* SPDX-License-Identifier: MIT */
/*
 * test_resolver_unbound.c - questions over the network, and what becomes of them without it
 *
 * The server is a thread of the test on loopback that answers A with 192.0.2.1, or keeps silent.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unbound-event.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "service/resolver.h"
#include "table.h"

/* --- the system, when a test says that it fails --- */

static atomic_bool epoll_fails;

/* In the place of the C library's. */
int
epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
	if (atomic_exchange(&epoll_fails, false)) {
		errno = EBADF;
		return -1;
	}
	return (int)syscall(SYS_epoll_pwait, epoll, events, most, timeout, NULL, 0);
}

static atomic_bool hangs;
static sem_t comes_back;

/* In the place of libunbound's. */
int
ub_resolve_event(struct ub_ctx *ctx, const char *name, int type, int class, void *context,
	ub_event_callback_type call, int *id)
{
	int (*real)(struct ub_ctx *, const char *, int, int, void *, ub_event_callback_type, int *);

	*(void **)&real = dlsym(RTLD_NEXT, "ub_resolve_event");
	if (atomic_exchange(&hangs, false))
		sem_wait(&comes_back);
	return real(ctx, name, type, class, context, call, id);
}

/* --- a server --- */

static struct {
	int fd;
	pthread_t thread;
	atomic_bool silent, stop;
	atomic_uint asked;
	char address[32];
} server;

/* The question, and an address behind it. */
static void
answer(const unsigned char *question, size_t len, const struct sockaddr_in *to)
{
	static const unsigned char record[] = "\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\1";
	unsigned char out[1024];
	size_t end = 12;

	while (end < len && question[end] != 0)
		end += 1u + question[end];
	end += 5;
	if (end > len || end + sizeof(record) > sizeof(out))
		return;
	memcpy(out, question, end);
	memcpy(out + 2, "\x81\x80\0\1\0\1\0\0\0\0", 10);
	memcpy(out + end, record, sizeof(record) - 1);
	sendto(server.fd, out, end + sizeof(record) - 1, 0, (const struct sockaddr *)to,
		sizeof(*to));
}

static void *
serve(void *context)
{
	(void)context;
	while (!atomic_load(&server.stop)) {
		struct pollfd p = {.fd = server.fd, .events = POLLIN};
		unsigned char question[1024];
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);

		if (poll(&p, 1, 20) <= 0)
			continue;
		ssize_t len = recvfrom(server.fd, question, sizeof(question), 0,
			(struct sockaddr *)&from, &from_len);

		if (len < 12)
			continue;
		atomic_fetch_add(&server.asked, 1);
		if (!atomic_load(&server.silent))
			answer(question, (size_t)len, &from);
	}
	return NULL;
}

static void
setup(void)
{
	struct sockaddr_in me = {.sin_family = AF_INET};
	const struct log_config quiet = {.target = LOG_TARGET_FILE, .path = "/dev/null"};
	socklen_t len = sizeof(me);
	struct err err;

	ck_assert(log_open(&quiet, 1, &err));
	me.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(server.fd, 0);
	ck_assert_int_eq(bind(server.fd, (struct sockaddr *)&me, sizeof(me)), 0);
	ck_assert_int_eq(getsockname(server.fd, (struct sockaddr *)&me, &len), 0);
	snprintf(server.address, sizeof(server.address), "127.0.0.1@%d", ntohs(me.sin_port));
	ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void
teardown(void)
{
	atomic_store(&server.stop, true);
	pthread_join(server.thread, NULL);
	close(server.fd);
	clock_thaw();
}

/* --- the resolver --- */

static struct resolver *
open_resolver(int64_t timeout_us)
{
	const char *items[] = {server.address};
	struct resolver_config config = {.timeout_us = timeout_us, .cache_size = 1 << 20};
	struct err err;

	config.resolvers.count = 1;
	config.resolvers.items = items;
	struct resolver *r = resolver_open(&config, &err);

	ck_assert_msg(r != NULL, "%s", err.text);
	return r;
}

static enum cm_dns_status
ask(struct resolver *r, const char *name)
{
	struct question *q = resolver_ask(r, name, CM_DNS_A);
	struct cm_dns_answer a;

	question_wait(q, clock_now() + 20 * CLOCK_SEC, &a);
	if (a.status == CM_DNS_FOUND) {
		ck_assert_uint_eq(a.count, 1);
		ck_assert_str_eq(a.records[0].text, "192.0.2.1");
	}
	question_drop(q);
	return a.status;
}

START_TEST(answer_comes_and_is_kept)
{
	struct resolver *r = open_resolver(10 * CLOCK_SEC);

	ck_assert_int_eq(ask(r, "a.example"), CM_DNS_FOUND);
	unsigned asked = atomic_load(&server.asked);

	ck_assert_uint_ge(asked, 1);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(ask(r, "A.EXAMPLE."), CM_DNS_FOUND);
	ck_assert_uint_eq(atomic_load(&server.asked), asked);
	resolver_close(r);
}
END_TEST

START_TEST(many_who_ask_the_same_ask_once)
{
	struct resolver *r = open_resolver(10 * CLOCK_SEC);
	struct question *all[100];
	struct cm_dns_answer a;

	for (int i = 0; i < 100; i++)
		all[i] = resolver_ask(r, "a.example", CM_DNS_A);
	for (int i = 0; i < 100; i++) {
		ck_assert_ptr_eq(all[i], all[0]);
		question_wait(all[i], clock_now() + 20 * CLOCK_SEC, &a);
		ck_assert_int_eq(a.status, CM_DNS_FOUND);
	}
	for (int i = 0; i < 100; i++)
		question_drop(all[i]);
	ck_assert_uint_eq(atomic_load(&server.asked), 1);
	resolver_close(r);
}
END_TEST

START_TEST(silence_ends_with_the_timeout)
{
	struct resolver *r = open_resolver(50 * CLOCK_MS);

	atomic_store(&server.silent, true);
	ck_assert_int_eq(ask(r, "a.example"), CM_DNS_TIMEOUT);
	/* Nobody inherits it. */
	atomic_store(&server.silent, false);
	for (int i = 0; i < 100 && ask(r, "a.example") != CM_DNS_FOUND; i++)
		continue;
	ck_assert_int_eq(ask(r, "a.example"), CM_DNS_FOUND);
	resolver_close(r);
}
END_TEST

/* Who cannot wait so long is told so; the question goes on without him. */
START_TEST(deadline_of_who_asks_counts)
{
	struct resolver *r = open_resolver(10 * CLOCK_SEC);
	struct question *q;
	struct cm_dns_answer a;

	atomic_store(&server.silent, true);
	q = resolver_ask(r, "a.example", CM_DNS_A);
	question_wait(q, clock_now() + 20 * CLOCK_MS, &a);
	ck_assert_int_eq(a.status, CM_DNS_TIMEOUT);
	ck_assert(!question_answered(q));
	question_wait(q, clock_now() - CLOCK_SEC, &a);
	ck_assert_int_eq(a.status, CM_DNS_TIMEOUT);
	question_drop(q);
	/* Those in flight are answered when the resolver ends. */
	q = resolver_ask(r, "a.example", CM_DNS_A);
	resolver_close(r);
	ck_assert(question_answered(q));
	question_drop(q);
}
END_TEST

#define OPEN_MOST 10000

/* libunbound goes on after our timeout; what it holds for that is bounded like all else. */
START_TEST(questions_whose_time_is_over_count_until_libunbound_gives_up)
{
	struct resolver *r = open_resolver(CLOCK_SEC);
	static struct question *all[OPEN_MOST];
	struct cm_dns_answer a;
	char name[32];

	atomic_store(&server.silent, true);
	clock_freeze(1000000);
	for (int i = 0; i < OPEN_MOST; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		all[i] = resolver_ask(r, name, CM_DNS_A);
	}
	clock_advance(CLOCK_SEC);
	for (int i = 0; i < OPEN_MOST; i++) {
		question_wait(all[i], clock_now() + 20 * CLOCK_SEC, &a);
		ck_assert_int_eq(a.status, CM_DNS_TIMEOUT);
		question_drop(all[i]);
	}
	ck_assert_int_eq(ask(r, "more.example"), CM_DNS_SERVFAIL);
	atomic_store(&server.silent, false);
	clock_thaw();
	for (int i = 0; i < 500 && ask(r, "more.example") != CM_DNS_FOUND; i++)
		usleep(10000);
	ck_assert_int_eq(ask(r, "more.example"), CM_DNS_FOUND);
	resolver_close(r);
}
END_TEST

/* --- the thread's end --- */

START_TEST(thread_that_ends_is_replaced)
{
	struct resolver *r = open_resolver(10 * CLOCK_SEC);
	struct question *q;
	struct cm_dns_answer a;

	ck_assert_int_eq(ask(r, "a.example"), CM_DNS_FOUND);
	/* It fails when it waits the next time, with a question on its way. */
	atomic_store(&server.silent, true);
	q = resolver_ask(r, "b.example", CM_DNS_A);
	while (atomic_load(&server.asked) < 2)
		usleep(1000);
	atomic_store(&epoll_fails, true);
	ck_assert_int_eq(ask(r, "c.example"), CM_DNS_SERVFAIL);
	question_wait(q, clock_now() + 20 * CLOCK_SEC, &a);
	ck_assert_int_eq(a.status, CM_DNS_SERVFAIL);
	question_drop(q);
	/* What is known is known, and after a second there is another one. */
	ck_assert_int_eq(ask(r, "a.example"), CM_DNS_FOUND);
	atomic_store(&server.silent, false);
	for (int i = 0; i < 300 && ask(r, "d.example") != CM_DNS_FOUND; i++)
		usleep(10000);
	ck_assert_int_eq(ask(r, "d.example"), CM_DNS_FOUND);
	resolver_close(r);
}
END_TEST

/* It does not come back from libunbound: after ten seconds another takes its place. */
START_TEST(thread_that_is_stuck_is_replaced)
{
	struct resolver *r = open_resolver(60 * CLOCK_SEC);
	struct question *first, *second;

	sem_init(&comes_back, 0, 0);
	clock_freeze(1000000);
	atomic_store(&hangs, true);
	first = resolver_ask(r, "a.example", CM_DNS_A);
	while (atomic_load(&hangs))
		usleep(1000);
	second = resolver_ask(r, "b.example", CM_DNS_A);
	clock_advance(11 * CLOCK_SEC);
	ck_assert_int_eq(ask(r, "c.example"), CM_DNS_FOUND);
	ck_assert(!question_answered(first));
	ck_assert(!question_answered(second));
	sem_post(&comes_back);
	while (!question_answered(first) || !question_answered(second))
		usleep(1000);
	ck_assert_int_eq(ask(r, "d.example"), CM_DNS_FOUND);
	question_drop(first);
	question_drop(second);
	resolver_close(r);
}
END_TEST

/* --- workers that wait --- */

#define WORKERS 50

static struct resolver *shared;
static atomic_uint begun, cancelled, others;

static bool
wait_for_silence(void *context, void *own)
{
	char name[32];

	(void)context;
	(void)own;
	if (worker_stopped())
		return false;
	worker_busy(NULL);
	snprintf(name, sizeof(name), "n%u.example", atomic_fetch_add(&begun, 1));
	if (ask(shared, name) == CM_DNS_CANCELLED)
		atomic_fetch_add(&cancelled, 1);
	else
		atomic_fetch_add(&others, 1);
	worker_idle();
	return true;
}

/* All wait at once, on as many threads as it takes; when the pool stops, none waits on. */
START_TEST(workers_wait_and_can_be_cancelled)
{
	struct worker_work work = {.serve = wait_for_silence, .running = 2, .most = WORKERS};
	struct worker_pool *pool;
	struct err err;

	atomic_store(&server.silent, true);
	shared = open_resolver(60 * CLOCK_SEC);
	pool = worker_pool_start(&work, &err);
	ck_assert_ptr_nonnull(pool);
	while (worker_pool_count(pool).waiting < WORKERS)
		usleep(1000);
	ck_assert_uint_eq(atomic_load(&cancelled), 0);
	ck_assert(worker_pool_stop(pool, 20 * CLOCK_SEC));
	ck_assert_uint_ge(atomic_load(&cancelled), WORKERS);
	ck_assert_uint_eq(atomic_load(&others), 0);
	resolver_close(shared);
}
END_TEST

/* --- one resolver for the same settings --- */

START_TEST(same_settings_are_the_same_resolver)
{
	struct resolver *a = open_resolver(CLOCK_SEC), *b = open_resolver(CLOCK_SEC);
	struct resolver *c = open_resolver(2 * CLOCK_SEC);

	ck_assert_ptr_eq(a, b);
	ck_assert_ptr_ne(a, c);
	resolver_close(a);
	ck_assert_int_eq(ask(b, "a.example"), CM_DNS_FOUND);
	resolver_close(b);
	resolver_close(c);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("resolver_unbound");
	TCase *tc = tcase_create("network");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, answer_comes_and_is_kept);
	tcase_add_test(tc, many_who_ask_the_same_ask_once);
	tcase_add_test(tc, silence_ends_with_the_timeout);
	tcase_add_test(tc, deadline_of_who_asks_counts);
	tcase_add_test(tc, questions_whose_time_is_over_count_until_libunbound_gives_up);
	tcase_add_test(tc, thread_that_ends_is_replaced);
	tcase_add_test(tc, thread_that_is_stuck_is_replaced);
	tcase_add_test(tc, workers_wait_and_can_be_cancelled);
	tcase_add_test(tc, same_settings_are_the_same_resolver);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
