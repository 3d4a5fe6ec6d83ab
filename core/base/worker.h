/* SPDX-License-Identifier: MIT */
/*
 * worker.h - threads that run to completion, and are replaced while they wait
 *
 * A pool keeps as many threads running as there are cores. A thread that is about to wait says so
 * and another takes its place; back from its wait, there may be one too many, and the next that
 * finishes its piece of work rests. So any number of pieces of work wait at once, and delay nobody.
 * Knows nothing of what the work is.
 */
#ifndef CORE_BASE_WORKER_H
#define CORE_BASE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Of each thread: a Lua rule may nest 200 C calls. Only touched pages cost memory. */
#define WORKER_STACK ((size_t)2 << 20)

struct worker_pool;

struct worker_work {
	/*
	 * Waits for one piece of work, says worker_busy(), runs it, and says worker_idle(). False
	 * ends the thread. own is what begin() made for this thread.
	 */
	bool (*serve)(void *context, void *own);
	void *(*begin)(void);
	void (*end)(void *own);
	void (*rest)(void *own); /* no work for now: gives memory back; NULL: none has any */
	void *context;
	unsigned running; /* threads that run at once; 0: one per core */
	unsigned most;	  /* threads there may be, with those that wait */
};

/* Starts the first threads; NULL with words when there is none. */
struct worker_pool *worker_pool_start(const struct worker_work *, struct err *);
/*
 * Every serve() must return false from now on. Cancels all waits, those to come included, and
 * waits for all threads up to the time; false: some are still in their work, and the pool cannot be
 * freed.
 */
bool worker_pool_stop(struct worker_pool *, int64_t us);

/* What this thread works at, for worker_cancel_where(); only in serve(). */
void worker_busy(void *job);
void worker_idle(void);

/*
 * Around everything that may wait: an answer from the network, a lock held for long, a pause. In a
 * thread of no pool they do nothing. cancel may be called by another thread, with the pool locked,
 * when nobody wants the result any more; NULL: the wait is short. They do not nest.
 */
void worker_wait_begin(void (*cancel)(void *), void *context);
void worker_wait_end(void);

/* A pool was stopped: nothing is worth a wait any more, in whatever thread. */
bool worker_stopped(void);
/*
 * Cancels the waits of jobs for which unwanted() is true. It is called with the pool locked, once
 * for each job that waits and can be cancelled, and must not wait itself.
 */
void worker_cancel_where(struct worker_pool *, bool (*unwanted)(void *job));

/*
 * To be called every few hundredths of a second: threads that are at one piece of work for long
 * and never said that they wait are replaced as well.
 */
void worker_pool_look(struct worker_pool *);

struct worker_counts {
	unsigned threads, running, waiting;
};

struct worker_counts worker_pool_count(struct worker_pool *);

#endif
