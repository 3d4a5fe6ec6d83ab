/* SPDX-License-Identifier: MIT */
/*
 * worker.c - threads that run to completion, and are replaced while they wait
 *
 * One lock protects the pool. It is taken when a thread begins or ends to wait, rests or wakes, and
 * never for a piece of work that does not wait.
 */
#include "worker.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log_limit.h"
#include "mem.h"

/* At work for longer, a thread counts as waiting though it never said so. */
#define STUCK_US (100 * CLOCK_MS)
/* A thread that rested so long is not needed. */
#define REST_SECONDS 20

struct worker {
	struct worker_pool *pool;
	struct worker *next, *prev;
	void *own;
	void *job;		    /* NULL: none */
	_Atomic int64_t busy_since; /* 0: idle */
	bool waiting;
	void (*cancel)(void *);
	void *cancel_context;
};

struct worker_pool {
	struct worker_work work;
	pthread_mutex_t lock; /* protects all but the atomics */
	pthread_cond_t wake, ended;
	struct worker *workers;
	unsigned threads; /* begun and not ended */
	unsigned resting;
	unsigned tokens;	  /* wake-ups for those that rest */
	_Atomic unsigned running; /* neither waiting nor resting */
	_Atomic unsigned allowed; /* to run: the cores, and one for each that is stuck */
	bool stop;
};

/* A pool is being stopped, or was: the process ends. */
static atomic_bool stopped;

static pthread_key_t current;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
make_key(void)
{
	if (pthread_key_create(&current, NULL) != 0)
		abort();
}

static struct worker *
self(void)
{
	pthread_once(&once, make_key);
	return pthread_getspecific(current);
}

/* --- threads --- */

static void
add(struct worker_pool *p, struct worker *w)
{
	w->next = p->workers;
	if (p->workers != NULL)
		p->workers->prev = w;
	p->workers = w;
}

static void
drop(struct worker_pool *p, struct worker *w)
{
	if (w->prev != NULL)
		w->prev->next = w->next;
	else
		p->workers = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
}

/* With the lock: rests until woken. False: nobody needs this thread any more. */
static bool
rest(struct worker_pool *p)
{
	struct timespec until;
	int failed = 0;

	clock_after(&until, REST_SECONDS * CLOCK_SEC);
	atomic_fetch_sub(&p->running, 1);
	p->resting++;
	while (p->tokens == 0 && failed == 0 && !p->stop)
		failed = pthread_cond_timedwait(&p->wake, &p->lock, &until);
	p->resting--;
	if (p->tokens > 0) {
		p->tokens--; /* whoever woke us counts us as running */
		return true;
	}
	atomic_fetch_add(&p->running, 1);
	return p->stop;
}

/* Between two pieces of work; false: the thread ends. */
static bool
stays(struct worker *w)
{
	struct worker_pool *p = w->pool;
	bool stay = true;

	if (atomic_load(&p->running) <= atomic_load(&p->allowed))
		return true;
	if (p->work.rest != NULL)
		p->work.rest(w->own);
	pthread_mutex_lock(&p->lock);
	if (!p->stop && atomic_load(&p->running) > atomic_load(&p->allowed))
		stay = rest(p);
	pthread_mutex_unlock(&p->lock);
	return stay;
}

static void
leave(struct worker *w)
{
	struct worker_pool *p = w->pool;

	if (p->work.end != NULL)
		p->work.end(w->own);
	pthread_mutex_lock(&p->lock);
	drop(p, w);
	atomic_fetch_sub(&p->running, 1);
	p->threads--;
	pthread_cond_broadcast(&p->ended);
	pthread_mutex_unlock(&p->lock);
	free(w);
}

static void *
run(void *context)
{
	struct worker *w = context;
	struct worker_pool *p = w->pool;

	pthread_once(&once, make_key);
	pthread_setspecific(current, w);
	w->own = p->work.begin != NULL ? p->work.begin() : NULL;
	while (stays(w) && p->work.serve(p->work.context, w->own))
		continue;
	leave(w);
	return NULL;
}

/* Signals of the daemon are for its main thread. */
static int
create(struct worker *w)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int failure;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	sigdelset(&all, SIGURG); /* the watchdog of Lua rules */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failure = pthread_create(&thread, &attr, run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return failure;
}

/* The caller has counted it in threads and running. */
static bool
begin_thread(struct worker_pool *p)
{
	static struct log_limit limit = LOG_LIMIT(1, 60 * CLOCK_SEC);
	struct worker *w = mem_zalloc(1, sizeof(*w));
	int failure;

	w->pool = p;
	pthread_mutex_lock(&p->lock);
	add(p, w);
	pthread_mutex_unlock(&p->lock);
	failure = create(w);
	if (failure == 0)
		return true;
	log_limited(&limit, LOG_LEVEL_ERROR,
		"no thread can be made (%s); sessions wait for those there are", strerror(failure));
	pthread_mutex_lock(&p->lock);
	drop(p, w);
	atomic_fetch_sub(&p->running, 1);
	p->threads--;
	pthread_mutex_unlock(&p->lock);
	free(w);
	return false;
}

/* With the lock: sees to it that enough run. True: the caller must begin a thread. */
static bool
fill(struct worker_pool *p)
{
	if (p->stop || atomic_load(&p->running) >= atomic_load(&p->allowed))
		return false;
	if (p->resting > p->tokens) {
		p->tokens++;
		atomic_fetch_add(&p->running, 1);
		pthread_cond_signal(&p->wake);
		return false;
	}
	if (p->threads >= p->work.most)
		return false;
	p->threads++;
	atomic_fetch_add(&p->running, 1);
	return true;
}

/* --- what threads say --- */

void
worker_busy(void *job)
{
	struct worker *w = self();

	if (w == NULL)
		return;
	w->job = job;
	atomic_store(&w->busy_since, clock_now());
}

void
worker_idle(void)
{
	struct worker *w = self();

	if (w != NULL)
		atomic_store(&w->busy_since, 0);
}

void
worker_wait_begin(void (*cancel)(void *), void *context)
{
	struct worker *w = self();
	bool more;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->pool->lock);
	w->waiting = true;
	w->cancel = cancel;
	w->cancel_context = context;
	atomic_fetch_sub(&w->pool->running, 1);
	more = fill(w->pool);
	if (w->pool->stop && cancel != NULL)
		cancel(context);
	pthread_mutex_unlock(&w->pool->lock);
	if (more)
		(void)begin_thread(w->pool);
}

void
worker_wait_end(void)
{
	struct worker *w = self();

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->pool->lock);
	w->waiting = false;
	w->cancel = NULL;
	atomic_fetch_add(&w->pool->running, 1);
	pthread_mutex_unlock(&w->pool->lock);
	atomic_store(&w->busy_since, clock_now());
}

/* --- who looks after them --- */

void
worker_cancel_where(struct worker_pool *p, bool (*unwanted)(void *job))
{
	pthread_mutex_lock(&p->lock);
	for (struct worker *w = p->workers; w != NULL; w = w->next) {
		if (w->waiting && w->cancel != NULL && unwanted(w->job))
			w->cancel(w->cancel_context);
	}
	pthread_mutex_unlock(&p->lock);
}

/* With the lock. */
static void
cancel_all(struct worker_pool *p)
{
	for (struct worker *w = p->workers; w != NULL; w = w->next) {
		if (w->waiting && w->cancel != NULL)
			w->cancel(w->cancel_context);
	}
}

bool
worker_stopped(void)
{
	return atomic_load(&stopped);
}

static unsigned
count_stuck(const struct worker_pool *p)
{
	int64_t now = clock_now();
	unsigned stuck = 0;

	for (const struct worker *w = p->workers; w != NULL; w = w->next) {
		int64_t since = atomic_load(&w->busy_since);

		stuck += !w->waiting && since != 0 && now - since > STUCK_US;
	}
	return stuck;
}

void
worker_pool_look(struct worker_pool *p)
{
	bool more = true;

	while (more) {
		pthread_mutex_lock(&p->lock);
		atomic_store(&p->allowed, p->work.running + count_stuck(p));
		more = fill(p);
		pthread_mutex_unlock(&p->lock);
		if (more && !begin_thread(p))
			return;
	}
}

struct worker_counts
worker_pool_count(struct worker_pool *p)
{
	struct worker_counts c;

	pthread_mutex_lock(&p->lock);
	c = (struct worker_counts){.threads = p->threads, .running = atomic_load(&p->running)};
	for (const struct worker *w = p->workers; w != NULL; w = w->next)
		c.waiting += w->waiting;
	pthread_mutex_unlock(&p->lock);
	return c;
}

/* --- begin and end --- */

struct worker_pool *
worker_pool_start(const struct worker_work *work, struct err *err)
{
	struct worker_pool *p = mem_zalloc(1, sizeof(*p));
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_condattr_t attr;

	p->work = *work;
	if (p->work.running == 0)
		p->work.running = cores > 0 ? (unsigned)cores : 1;
	if (p->work.most < p->work.running)
		p->work.most = p->work.running;
	atomic_init(&p->allowed, p->work.running);
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_cond_init(&p->ended, &attr);
	pthread_condattr_destroy(&attr);
	worker_pool_look(p);
	if (worker_pool_count(p).threads > 0)
		return p;
	err_set(err, "no thread can be made; the limits of the system may say why");
	(void)worker_pool_stop(p, 0);
	return NULL;
}

bool
worker_pool_stop(struct worker_pool *p, int64_t us)
{
	struct timespec until;
	int failed = 0;
	bool done;

	if (p == NULL)
		return true;
	clock_after(&until, us);
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	atomic_store(&stopped, true);
	pthread_cond_broadcast(&p->wake);
	cancel_all(p);
	while (p->threads > 0 && failed == 0)
		failed = pthread_cond_timedwait(&p->ended, &p->lock, &until);
	done = p->threads == 0;
	pthread_mutex_unlock(&p->lock);
	if (!done)
		return false;
	pthread_cond_destroy(&p->wake);
	pthread_cond_destroy(&p->ended);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return true;
}
