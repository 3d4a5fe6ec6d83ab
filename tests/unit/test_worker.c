/* SPDX-License-Identifier: MIT */
/*
 * test_worker.c - threads that are replaced while they wait
 */
#include "base/worker.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "table.h"

#define LONG (60 * CLOCK_SEC)

enum work { WORK_QUICK, WORK_WAIT, WORK_CANCELLED, WORK_SILENT };

struct gate {
	sem_t open;
	atomic_bool cancelled;
};

/* A queue of works: a semaphore counts them, the array says what they are. */
static struct {
	sem_t jobs;
	_Atomic unsigned next;
	enum work works[4096];
	_Atomic unsigned added, quick, waiting, done, made;
	struct gate gate;
	atomic_bool stop;
} q;

static void
take(sem_t *s)
{
	while (sem_wait(s) != 0)
		ck_assert_int_eq(errno, EINTR);
}

static void
cancel(void *context)
{
	struct gate *g = context;

	atomic_store(&g->cancelled, true);
	sem_post(&g->open);
}

static void
work(enum work w)
{
	if (w == WORK_QUICK) {
		atomic_fetch_add(&q.quick, 1);
		return;
	}
	if (w != WORK_SILENT)
		worker_wait_begin(w == WORK_CANCELLED ? cancel : NULL, &q.gate);
	atomic_fetch_add(&q.waiting, 1);
	take(&q.gate.open);
	atomic_fetch_sub(&q.waiting, 1);
	if (w != WORK_SILENT)
		worker_wait_end();
}

static bool
serve(void *context, void *own)
{
	(void)context;
	(void)own;
	take(&q.jobs);
	if (atomic_load(&q.stop))
		return false;
	enum work w = q.works[atomic_fetch_add(&q.next, 1)];

	worker_busy(&q);
	work(w);
	worker_idle();
	atomic_fetch_add(&q.done, 1);
	return true;
}

static void *
begin(void)
{
	atomic_fetch_add(&q.made, 1);
	return malloc(1);
}

static void
add(enum work w, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		q.works[atomic_fetch_add(&q.added, 1)] = w;
		sem_post(&q.jobs);
	}
}

/* Until it is so; the test's own time limit ends a wait in vain. */
#define UNTIL(condition)                                   \
	do {                                               \
		while (!(condition)) {                     \
			struct timespec t = {0, 1000000L}; \
			nanosleep(&t, NULL);               \
		}                                          \
	} while (0)

static struct worker_pool *
start(unsigned running, unsigned most)
{
	const struct worker_work work = {
		.serve = serve, .begin = begin, .end = free, .running = running, .most = most};
	struct worker_pool *p;
	struct err err;

	sem_init(&q.jobs, 0, 0);
	sem_init(&q.gate.open, 0, 0);
	p = worker_pool_start(&work, &err);
	ck_assert_msg(p != NULL, "%s", err.text);
	return p;
}

static void
open_gate(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		sem_post(&q.gate.open);
}

static void
stop(struct worker_pool *p)
{
	atomic_store(&q.stop, true);
	for (unsigned i = 0; i < 2000; i++)
		sem_post(&q.jobs);
	ck_assert(worker_pool_stop(p, LONG));
}

START_TEST(work_that_waits_delays_nobody)
{
	struct worker_pool *p = start(2, 1000);

	add(WORK_WAIT, 300);
	UNTIL(atomic_load(&q.waiting) == 300);
	add(WORK_QUICK, 1000);
	UNTIL(atomic_load(&q.quick) == 1000);
	ck_assert_uint_eq(atomic_load(&q.waiting), 300);
	ck_assert_uint_eq(worker_pool_count(p).waiting, 300);
	open_gate(300);
	UNTIL(atomic_load(&q.done) == 1300);
	/* Those that came back rest, and are used again instead of new ones. */
	unsigned made = atomic_load(&q.made);

	add(WORK_WAIT, 100);
	UNTIL(atomic_load(&q.waiting) == 100);
	ck_assert_uint_eq(atomic_load(&q.made), made);
	ck_assert_uint_le(made, 303);
	open_gate(100);
	stop(p);
}
END_TEST

START_TEST(as_many_run_as_there_are_cores)
{
	struct worker_pool *p = start(2, 1000);

	add(WORK_WAIT, 50);
	UNTIL(atomic_load(&q.waiting) == 50);
	open_gate(50);
	add(WORK_QUICK, 2000);
	UNTIL(atomic_load(&q.done) == 2050);
	/* All have work behind them, so those that are too many rest or soon will. */
	UNTIL(worker_pool_count(p).running <= 2 || (add(WORK_QUICK, 1), false));
	stop(p);
}
END_TEST

START_TEST(threads_are_bounded)
{
	struct worker_pool *p = start(2, 10);

	add(WORK_WAIT, 30);
	UNTIL(atomic_load(&q.waiting) == 10);
	worker_pool_look(p);
	ck_assert_uint_eq(worker_pool_count(p).threads, 10);
	/* What waits for a thread is not lost. */
	open_gate(30);
	UNTIL(atomic_load(&q.done) == 30);
	stop(p);
}
END_TEST

START_TEST(who_waits_in_silence_is_found)
{
	struct worker_pool *p = start(2, 100);

	add(WORK_SILENT, 6);
	add(WORK_QUICK, 10);
	UNTIL((worker_pool_look(p), atomic_load(&q.quick) == 10));
	ck_assert_uint_eq(atomic_load(&q.waiting), 6);
	open_gate(6);
	UNTIL(atomic_load(&q.done) == 16);
	stop(p);
}
END_TEST

static bool
yes(void *job)
{
	return job == &q;
}

static bool
no(void *job)
{
	(void)job;
	return false;
}

START_TEST(a_wait_can_be_cancelled)
{
	struct worker_pool *p = start(1, 10);

	add(WORK_CANCELLED, 1);
	UNTIL(atomic_load(&q.waiting) == 1);
	worker_cancel_where(p, no);
	ck_assert(!atomic_load(&q.gate.cancelled));
	worker_cancel_where(p, yes);
	UNTIL(atomic_load(&q.done) == 1);
	ck_assert(atomic_load(&q.gate.cancelled));
	stop(p);
}
END_TEST

START_TEST(a_short_wait_cannot_be_cancelled)
{
	struct worker_pool *p = start(1, 10);

	add(WORK_WAIT, 1);
	UNTIL(atomic_load(&q.waiting) == 1);
	worker_cancel_where(p, yes);
	ck_assert(!atomic_load(&q.gate.cancelled));
	open_gate(1);
	stop(p);
}
END_TEST

START_TEST(stopping_does_not_wait_for_ever)
{
	struct worker_pool *p = start(1, 1);

	add(WORK_WAIT, 1);
	UNTIL(atomic_load(&q.waiting) == 1);
	atomic_store(&q.stop, true);
	ck_assert(!worker_pool_stop(p, 1));
	open_gate(1);
	sem_post(&q.jobs);
	ck_assert(worker_pool_stop(p, LONG));
}
END_TEST

START_TEST(others_may_say_that_they_wait)
{
	worker_busy(NULL);
	worker_wait_begin(cancel, NULL);
	worker_wait_end();
	worker_idle();
}
END_TEST

/* Root is not bound by this limit, and a sanitizer needs more address space than is left. */
START_TEST(without_threads_sessions_wait_and_nothing_is_lost)
{
	struct worker_pool *p = start(2, 1000);
	struct rlimit limit, none;

	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr)); /* it says so, as it should */
	UNTIL(atomic_load(&q.made) == 2);
	ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
	none = limit;
	none.rlim_cur = 1;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
	add(WORK_WAIT, 5);
	UNTIL(atomic_load(&q.waiting) == 2);
	worker_pool_look(p);
	ck_assert_uint_eq(worker_pool_count(p).threads, 2);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
	worker_pool_look(p);
	UNTIL(atomic_load(&q.waiting) == 5);
	open_gate(5);
	UNTIL(atomic_load(&q.done) == 5);
	stop(p);
}
END_TEST

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BOUNDED_MEMORY 0
#else
#define BOUNDED_MEMORY 1
#endif

int
main(void)
{
	Suite *suite = suite_create("worker");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, work_that_waits_delays_nobody);
	tcase_add_test(t, as_many_run_as_there_are_cores);
	tcase_add_test(t, threads_are_bounded);
	tcase_add_test(t, who_waits_in_silence_is_found);
	tcase_add_test(t, a_wait_can_be_cancelled);
	tcase_add_test(t, a_short_wait_cannot_be_cancelled);
	tcase_add_test(t, stopping_does_not_wait_for_ever);
	tcase_add_test(t, others_may_say_that_they_wait);
	if (BOUNDED_MEMORY)
		tcase_add_test(t, without_threads_sessions_wait_and_nothing_is_lost);
	suite_add_tcase(suite, t);
	return table_run(suite);
}
