/* SPDX-License-Identifier: MIT */
/*
 * script_pool.c - who may use which Lua state
 *
 * As many states as cores; a thread that finds none free waits for one. Hooks are bounded in time,
 * so it does not wait long. A hook that waits for something lends its state to others, and goes on
 * in the same one, before hooks that have not begun.
 */
#include <assert.h>

#include "base/worker.h"
#include "script_state.h"

/* With the lock, which is let go while another thread takes this one's place. */
static void
wait_for_one(struct script_host *host)
{
	pthread_mutex_unlock(&host->lock);
	worker_wait_begin(NULL, NULL);
	pthread_mutex_lock(&host->lock);
	while (host->free == NULL)
		pthread_cond_wait(&host->freed, &host->lock);
	pthread_mutex_unlock(&host->lock);
	worker_wait_end();
	pthread_mutex_lock(&host->lock);
}

/* With the lock: from now on this thread uses it. */
static void
occupy(struct script_state *st)
{
	struct script_host *host = st->host;

	st->busy = true;
	st->thread = pthread_self();
	st->ticks = 0;
	if (!host->watching) {
		host->watching = true;
		pthread_cond_signal(&host->woken);
	}
}

struct script_state *
script_pool_take(struct script_host *host)
{
	struct script_state *st;

	pthread_mutex_lock(&host->lock);
	assert(host->state_count > 0);
	while (host->free == NULL)
		wait_for_one(host);
	st = host->free;
	host->free = st->next_free;
	occupy(st);
	pthread_mutex_unlock(&host->lock);
	return st;
}

/* With the lock. A worn state is for those who come back to it. */
static void
let_go(struct script_state *st)
{
	struct script_host *host = st->host;

	st->busy = false;
	if (st->claims > 0) {
		st->handed = true;
		pthread_cond_signal(&st->claimed);
	} else if (!st->worn) {
		st->next_free = host->free;
		host->free = st;
		pthread_cond_signal(&host->freed);
	}
}

void
script_pool_give(struct script_state *st)
{
	pthread_mutex_lock(&st->host->lock);
	let_go(st);
	pthread_mutex_unlock(&st->host->lock);
}

/* --- hooks that wait -----------------------------------------------------------------------------
 */

void
script_pool_lend(struct script_state *st)
{
	pthread_mutex_lock(&st->host->lock);
	st->away++;
	let_go(st);
	pthread_mutex_unlock(&st->host->lock);
}

/* With the lock. */
static void
take_from_free(struct script_state *st)
{
	struct script_state **at = &st->host->free;

	while (*at != NULL && *at != st)
		at = &(*at)->next_free;
	if (*at == st)
		*at = st->next_free;
}

/* With the lock, which is let go while another thread takes this one's place. */
static void
wait_for_this(struct script_state *st)
{
	pthread_mutex_t *lock = &st->host->lock;

	st->claims++;
	pthread_mutex_unlock(lock);
	worker_wait_begin(NULL, NULL);
	pthread_mutex_lock(lock);
	while (!st->handed)
		pthread_cond_wait(&st->claimed, lock);
	st->handed = false;
	st->claims--;
	occupy(st);
	pthread_mutex_unlock(lock);
	worker_wait_end();
	pthread_mutex_lock(lock);
}

void
script_pool_return(struct script_state *st)
{
	pthread_mutex_lock(&st->host->lock);
	if (st->busy || st->handed) {
		wait_for_this(st);
	} else {
		take_from_free(st);
		occupy(st);
	}
	st->away--;
	pthread_mutex_unlock(&st->host->lock);
}
