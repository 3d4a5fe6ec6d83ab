/* SPDX-License-Identifier: MIT */
/*
 * store_lmdb_thread.c - the thread that writes what waits, in rounds
 *
 * What a round could not write stays in memory and is tried again, also after the disk was full or
 * broken; meanwhile nothing more is taken.
 */
#include "store_lmdb_thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/worker.h"

/* So much in memory begins a round at once, and twice as much stops those who add to it. */
#define COUNT_MOST  65536u
#define OCTETS_MOST (INT64_C(32) << 20)
/* Without changes a round only sweeps. */
#define IDLE_US (10 * CLOCK_SEC)
/* Pauses after a failure. */
#define RETRY_LEAST (100 * CLOCK_MS)
#define RETRY_MOST  (5 * CLOCK_SEC)
/* Between two lines that it is away. */
#define LINE_US (60 * CLOCK_SEC)
/* Slices of a sweep that makes room. */
#define SWEEPS_STUCK 32u

/* --- how it goes --- */

static bool
crowded(const struct lmdb_thread *t, unsigned times)
{
	return atomic_load(&t->waiting.count) >= (size_t)times * COUNT_MOST ||
	       atomic_load(&t->waiting.octets) >= times * OCTETS_MOST;
}

static bool
older(int64_t since, int64_t now, int64_t us)
{
	return since != 0 && now - since > us;
}

/* Is there as much to lose as may be lost? What finds no room waits for something else. */
static bool
late(const struct lmdb_thread *t)
{
	int64_t leaving = atomic_load(&t->oldest_leaving), fresh = atomic_load(&t->oldest_fresh);
	int64_t now, sync = atomic_load(&t->sync_us);

	if ((leaving == 0 && fresh == 0) || atomic_load(&t->stuck))
		return false;
	now = clock_now();
	return older(leaving, now, sync) || older(fresh, now, sync);
}

static bool
must_wait(const struct lmdb_thread *t)
{
	return crowded(t, 2) || late(t);
}

/* With the lock: once a minute, however often it comes and goes. */
static bool
may_say_away(struct lmdb_thread *t)
{
	int64_t now = clock_now();

	if (t->said != 0 && now - t->said < LINE_US)
		return false;
	t->said = now;
	t->unsaid_well = true;
	return true;
}

static void
set_away(struct lmdb_thread *t, const char *why)
{
	bool say;

	pthread_mutex_lock(&t->lock);
	say = may_say_away(t);
	if (t->away_since == 0)
		t->away_since = clock_wall_us();
	snprintf(t->words, sizeof(t->words), "%s", why);
	atomic_store(&t->away, true);
	pthread_mutex_unlock(&t->lock);
	if (say)
		log_write(LOG_LEVEL_ERROR,
			"store %s cannot be written: %s; it is away until it can", t->name, why);
}

static void
set_well(struct lmdb_thread *t)
{
	bool say;

	pthread_mutex_lock(&t->lock);
	say = t->unsaid_well;
	t->unsaid_well = false;
	t->away_since = 0;
	t->synced = clock_wall_us();
	atomic_store(&t->away, false);
	pthread_mutex_unlock(&t->lock);
	if (say)
		log_write(LOG_LEVEL_INFO, "store %s can be written again", t->name);
}

static void
say_stuck(struct lmdb_thread *t, size_t count)
{
	static struct log_limit limit = LOG_LIMIT(1, 60 * CLOCK_SEC);

	log_limited(&limit, LOG_LEVEL_ERROR,
		"store %s is full: %zu changes wait in memory for room; max_size is too small",
		t->name, count);
}

/* --- a round --- */

/* In this order, for whoever makes a change notes it after he made it. */
static void
take_fresh(struct lmdb_thread *t)
{
	int64_t oldest = atomic_exchange(&t->oldest_fresh, 0);

	if (atomic_load(&t->oldest_leaving) == 0)
		atomic_store(&t->oldest_leaving, oldest);
	atomic_fetch_add(&t->growth_leaving, atomic_exchange(&t->growth_fresh, 0));
	waiting_begin(&t->waiting);
}

static int
write_leaving(struct lmdb_thread *t)
{
	size_t count, stuck;
	const struct waiting_item **items =
		waiting_leaving(&t->waiting, atomic_load(&t->stuck), &count);
	int failure = lmdb_round_write(&t->file, items, count, &stuck);

	free(items);
	if (failure != 0)
		return failure;
	atomic_store(&t->stuck, stuck > 0);
	if (stuck > 0) {
		say_stuck(t, stuck);
		return 0;
	}
	waiting_end(&t->waiting);
	atomic_store(&t->oldest_leaving, 0);
	atomic_store(&t->growth_leaving, 0);
	return 0;
}

static int
sweep(struct lmdb_thread *t)
{
	unsigned slices = atomic_load(&t->stuck) ? SWEEPS_STUCK : 1;
	int failure = 0;

	while (slices-- > 0 && failure == 0)
		failure = lmdb_round_sweep(&t->file, &t->sweep);
	return failure;
}

static int
count(struct lmdb_thread *t)
{
	int64_t octets, entries;
	int failure = lmdb_round_count(&t->file, &octets, &entries);

	if (failure != 0)
		return failure;
	atomic_store(&t->octets, octets);
	atomic_store(&t->entries, entries);
	return 0;
}

static int
write_all(struct lmdb_thread *t)
{
	int failure;

	take_fresh(t);
	failure = write_leaving(t);
	if (failure == 0)
		failure = sweep(t);
	return failure != 0 ? failure : count(t);
}

static bool
prepare(struct lmdb_thread *t, struct err *err)
{
	int64_t size = atomic_load(&t->max_size);

	/* What can still be read stays open: it may be that nothing can be opened now. */
	if (t->file.env == NULL || (atomic_load(&t->away) && !lmdb_file_goes_on(&t->file)))
		return lmdb_file_reopen(&t->file, size, err);
	/* Who copied the file and was killed would keep its pages for ever. */
	(void)mdb_reader_check(t->file.env, NULL);
	return lmdb_file_resize(&t->file, size, err);
}

static bool
do_round(struct lmdb_thread *t)
{
	struct err err;
	int failure;

	if (!prepare(t, &err)) {
		set_away(t, err.text);
		return false;
	}
	failure = write_all(t);
	if (failure != 0) {
		err_set(&err, "%.200s: %s", t->file.path, mdb_strerror(failure));
		set_away(t, err.text);
		return false;
	}
	set_well(t);
	return true;
}

/* --- the thread --- */

/* With the lock: when the next round is due, from now. */
static int64_t
next_in(const struct lmdb_thread *t, int64_t pause)
{
	if (pause > 0)
		return pause;
	if (t->dirty)
		return atomic_load(&t->sync_us) / 2;
	return IDLE_US;
}

/* With the lock: until there is a reason for a round. */
static void
rest(struct lmdb_thread *t, int64_t pause)
{
	bool dirty = t->dirty;
	struct timespec until;
	int ended = 0;

	clock_after(&until, next_in(t, pause));
	while (ended == 0 && !t->stop && t->asked <= t->begun && (pause > 0 || !crowded(t, 1))) {
		ended = pthread_cond_timedwait(&t->wake, &t->lock, &until);
		if (t->dirty && !dirty && pause == 0) {
			dirty = true;
			ended = 0;
			clock_after(&until, next_in(t, pause));
		}
	}
}

static int64_t
next_pause(int64_t pause, bool good)
{
	if (good)
		return 0;
	if (pause == 0)
		return RETRY_LEAST;
	return pause < RETRY_MOST / 2 ? 2 * pause : RETRY_MOST;
}

static void *
serve(void *context)
{
	struct lmdb_thread *t = context;
	int64_t pause = 0;
	bool last = false;

	pthread_mutex_lock(&t->lock);
	while (!last) {
		uint64_t round;
		bool good;

		rest(t, pause);
		last = t->stop;
		round = ++t->begun;
		t->dirty = false;
		pthread_mutex_unlock(&t->lock);
		good = do_round(t);
		/* What found no room is tried as often as what found no disk. */
		pause = next_pause(pause, good && !atomic_load(&t->stuck));
		pthread_mutex_lock(&t->lock);
		t->done = round;
		pthread_cond_broadcast(&t->ended);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* --- what callers do --- */

void
lmdb_thread_note(struct lmdb_thread *t, int64_t growth)
{
	int64_t none = 0;
	bool first;

	if (growth > 0)
		atomic_fetch_add(&t->growth_fresh, growth);
	first = atomic_load(&t->oldest_fresh) == 0 &&
		atomic_compare_exchange_strong(&t->oldest_fresh, &none, clock_now());
	if (!first && !crowded(t, 1))
		return;
	pthread_mutex_lock(&t->lock);
	t->dirty = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

struct patience {
	struct lmdb_thread *thread;
	bool cancelled; /* under its lock */
};

static void
cancel(void *context)
{
	struct patience *p = context;

	pthread_mutex_lock(&p->thread->lock);
	p->cancelled = true;
	pthread_cond_broadcast(&p->thread->ended);
	pthread_mutex_unlock(&p->thread->lock);
}

/* With no lock; round 0: until nothing must wait, else until that round was done. */
static bool
wait_for(struct lmdb_thread *t, uint64_t round, int64_t deadline)
{
	struct patience p = {.thread = t};
	struct timespec until;
	int ended = 0;

	clock_after(&until, deadline - clock_now());

	worker_wait_begin(cancel, &p);
	pthread_mutex_lock(&t->lock);
	while (ended == 0 && !p.cancelled && (round > 0 ? t->done < round : must_wait(t))) {
		if (round == 0 && t->asked <= t->begun && t->begun == t->done)
			t->asked = t->begun + 1;
		pthread_cond_signal(&t->wake);
		ended = pthread_cond_timedwait(&t->ended, &t->lock, &until);
		if (round == 0 && atomic_load(&t->away))
			break;
	}
	ended = p.cancelled ? ETIMEDOUT : ended;
	pthread_mutex_unlock(&t->lock);
	worker_wait_end();
	return ended == 0 && !atomic_load(&t->away);
}

bool
lmdb_thread_may_change(struct lmdb_thread *t, int64_t deadline)
{
	if (atomic_load(&t->away))
		return false;
	if (!must_wait(t))
		return true;
	if (worker_stopped())
		return false;
	return wait_for(t, 0, deadline);
}

bool
lmdb_thread_flush(struct lmdb_thread *t, int64_t deadline)
{
	uint64_t round;

	pthread_mutex_lock(&t->lock);
	/* A round that has begun may have passed the latest changes. */
	round = t->begun + 1;
	t->asked = t->asked < round ? round : t->asked;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	return wait_for(t, round, deadline) && !atomic_load(&t->stuck);
}

/* --- begin and end --- */

/* Signals of the daemon are for its main thread. */
static int
create(struct lmdb_thread *t)
{
	sigset_t all, old;
	int failure;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failure = pthread_create(&t->thread, NULL, serve, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return failure;
}

bool
lmdb_thread_start(struct lmdb_thread *t, struct err *err)
{
	pthread_condattr_t attr;
	int failure;

	waiting_init(&t->waiting);
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_cond_init(&t->ended, &attr);
	pthread_condattr_destroy(&attr);
	t->synced = clock_wall_us();
	(void)count(t);
	failure = create(t);
	if (failure == 0)
		return true;
	waiting_fini(&t->waiting);
	pthread_cond_destroy(&t->wake);
	pthread_cond_destroy(&t->ended);
	pthread_mutex_destroy(&t->lock);
	return err_set(err, "no thread can be made for store %s (%s)", t->name, strerror(failure));
}

static void
say_lost(const struct lmdb_thread *t)
{
	size_t lost = atomic_load(&t->waiting.count);

	if (lost > 0)
		log_write(LOG_LEVEL_ERROR,
			"store %s: the latest %zu changes could not be written and are lost",
			t->name, lost);
}

void
lmdb_thread_stop(struct lmdb_thread *t)
{
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	say_lost(t);
	waiting_fini(&t->waiting);
	pthread_cond_destroy(&t->wake);
	pthread_cond_destroy(&t->ended);
	pthread_mutex_destroy(&t->lock);
}
