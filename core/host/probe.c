/* SPDX-License-Identifier: MIT */
/*
 * probe.c - asks once, when a generation begins to run, whether what its links depend on is there
 *
 * One thread waits for a generation to probe. While a probe waits for an answer another thread
 * takes its place, so a reload need not wait for the probes of the generation before.
 */
#include "probe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/worker.h"
#include "generation.h"
#include "mail/session.h"

#define THREADS_MOST 4u
/* For a probe that waits without a word; the process ends without it then. */
#define END_US (2 * CLOCK_SEC)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct generation *next; /* under the lock; to be probed, one reference */
static bool ending;		/* under the lock */

static struct worker_pool *pool; /* main thread alone; begun with the first generation to probe */
static _Atomic unsigned newest;	 /* number of the only generation that is probed; 0: none */

/* The generation to be probed, with its reference; NULL: the daemon ends. */
static struct generation *
take(void)
{
	struct generation *g;

	pthread_mutex_lock(&lock);
	while (next == NULL && !ending)
		pthread_cond_wait(&changed, &lock);
	g = next;
	next = NULL;
	pthread_mutex_unlock(&lock);
	return g;
}

/* Takes the caller's reference; what nobody took is not probed any more. */
static void
put(struct generation *g, bool end)
{
	struct generation *old;

	pthread_mutex_lock(&lock);
	old = next;
	next = g;
	ending = end;
	atomic_store(&newest, g == NULL ? 0 : g->number);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	generation_drop(old);
}

static bool
wanted(const void *context)
{
	const struct generation *g = context;

	return atomic_load(&newest) == g->number;
}

/* The session is never closed: no connection of a link began with it. */
static void
run(struct generation *g)
{
	struct cm_session *s = session_new(&g->chain.limits, "probe");

	/* No right is missing where nobody is served. */
	s->rights = UINT32_MAX;
	chain_open(&g->chain, s);
	chain_probe(s, wanted, g);
	session_free(s);
}

static bool
serve(void *context, void *own)
{
	struct generation *g = take();

	(void)context;
	(void)own;
	if (g == NULL)
		return false;
	worker_busy(g);
	run(g);
	worker_idle();
	generation_drop(g);
	return true;
}

static bool
start_pool(void)
{
	const struct worker_work work = {.serve = serve, .running = 1, .most = THREADS_MOST};
	struct err err;

	if (pool == NULL)
		pool = worker_pool_start(&work, &err);
	if (pool == NULL)
		log_write(LOG_LEVEL_WARN, "what plugins depend on is not probed: %s", err.text);
	return pool != NULL;
}

void
probe_begin(void)
{
	struct generation *g = generation_hold();

	if (g != NULL && chain_has_probe(&g->chain) && start_pool()) {
		put(g, false);
		return;
	}
	generation_drop(g);
	put(NULL, false);
}

void
probe_end(void)
{
	put(NULL, true);
	if (!worker_pool_stop(pool, END_US))
		log_write(LOG_LEVEL_WARN, "a probe does not end; the daemon ends without it");
	pool = NULL;
}
