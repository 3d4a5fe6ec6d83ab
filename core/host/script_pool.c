/* SPDX-License-Identifier: MIT */
/*
 * script_pool.c - who may use which Lua state
 *
 * As many states as cores; a thread that finds none free waits for one. Hooks are bounded in time,
 * so it does not wait long.
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
	st->busy = true;
	st->thread = pthread_self();
	st->ticks = 0;
	if (!host->watching) {
		host->watching = true;
		pthread_cond_signal(&host->woken);
	}
	pthread_mutex_unlock(&host->lock);
	return st;
}

void
script_pool_give(struct script_state *st)
{
	struct script_host *host = st->host;

	pthread_mutex_lock(&host->lock);
	st->busy = false;
	st->next_free = host->free;
	host->free = st;
	pthread_cond_signal(&host->freed);
	pthread_mutex_unlock(&host->lock);
}
