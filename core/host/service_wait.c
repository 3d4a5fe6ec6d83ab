/* SPDX-License-Identifier: MIT */
/*
 * service_wait.c - hooks that wait
 */
#include <chainmail/plugin.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/worker.h"
#include "chain/chain.h"

struct pause {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool cancelled;
};

void
cm_wait_begin(struct cm_session *s)
{
	(void)s;
	worker_wait_begin(NULL, NULL);
}

void
cm_wait_end(struct cm_session *s)
{
	(void)s;
	worker_wait_end();
}

static void
cancel(void *context)
{
	struct pause *p = context;

	pthread_mutex_lock(&p->lock);
	p->cancelled = true;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

static void
pause_init(struct pause *p)
{
	pthread_condattr_t attr;

	p->cancelled = false;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attr);
	pthread_condattr_destroy(&attr);
}

/* True: nobody cancelled it. */
static bool
pause_for(int64_t us)
{
	struct timespec until;
	struct pause p;
	int ended = 0;

	pause_init(&p);
	clock_after(&until, us);
	worker_wait_begin(cancel, &p);
	pthread_mutex_lock(&p.lock);
	while (!p.cancelled && ended == 0)
		ended = pthread_cond_timedwait(&p.changed, &p.lock, &until);
	pthread_mutex_unlock(&p.lock);
	worker_wait_end();
	pthread_cond_destroy(&p.changed);
	pthread_mutex_destroy(&p.lock);
	return !p.cancelled;
}

bool
cm_pause(struct cm_session *s, int64_t us)
{
	int64_t left = chain_running(s) != NULL ? chain_deadline(s) - clock_now() : 0;
	int64_t time = us < left ? us : left;

	/* A clock that tests have stopped waits for nobody. */
	if (time > 0 && !clock_frozen() && (worker_stopped() || !pause_for(time)))
		return false;
	return us <= left;
}
