/* SPDX-License-Identifier: MIT */
/*
 * resolver_unbound.c - libunbound as a back end: a thread of it, and another when that is of no use
 *
 * A thread that ended, or does not come back from libunbound, is replaced with the next question.
 * Its own are answered as failures, and nobody waits for it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "resolver_backend.h"
#include "resolver_context.h"
#include "resolver_event.h"
#include "resolver_thread.h"

/* Threads that end are not replaced more often than that. */
#define PAUSE_US CLOCK_SEC
/* So long a thread that shall end may take; longer, and it is left alone. */
#define STOP_US (5 * CLOCK_SEC)

struct unbound {
	const struct resolver_config *config;
	pthread_mutex_t lock;		/* protects what follows */
	struct resolver_thread *thread; /* NULL: none runs */
	int64_t began;
	bool lost; /* a thread that was stuck may come back */
};

/* With the lock: takes away a thread that is of no use. */
static void
bury(struct unbound *u)
{
	bool stuck = resolver_thread_stuck(u->thread);

	if (stuck)
		log_write(LOG_LEVEL_ERROR, "dns: the resolver's thread is stuck; another is made");
	else if (!resolver_thread_ended(u->thread))
		return;
	u->lost = !resolver_thread_end(u->thread, stuck ? 0 : STOP_US) || u->lost;
	u->thread = NULL;
}

/* With the lock; NULL: there is none now. */
static struct resolver_thread *
find_thread(struct unbound *u)
{
	if (u->thread != NULL)
		bury(u);
	if (u->thread == NULL && (u->began == 0 || clock_now() - u->began >= PAUSE_US)) {
		u->began = clock_now();
		u->thread = resolver_thread_begin(u->config);
	}
	return u->thread;
}

static void
ask(void *self, struct question *q)
{
	struct unbound *u = self;
	struct resolver_thread *thread;
	bool taken;

	pthread_mutex_lock(&u->lock);
	thread = find_thread(u);
	taken = thread != NULL &&
		resolver_thread_ask(thread, q, clock_now() + u->config->timeout_us);
	pthread_mutex_unlock(&u->lock);
	if (!taken)
		question_answer(q, answer_new(CM_DNS_SERVFAIL, question_name(q), 0));
}

static bool
close_unbound(void *self)
{
	struct unbound *u = self;
	bool all = u->thread == NULL || resolver_thread_end(u->thread, STOP_US);

	all = all && !u->lost;
	pthread_mutex_destroy(&u->lock);
	free(u);
	return all;
}

const struct resolver_backend resolver_unbound = {.ask = ask, .close = close_unbound};

/* Tried once, so that a setting libunbound refuses is a mistake of the configuration. */
void *
resolver_unbound_open(const struct resolver_config *config, struct err *err)
{
	struct unbound *u;
	struct ub_ctx *context;
	struct event_loop *loop;
	int none = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	loop = none < 0 ? NULL : event_loop_new(none);
	if (loop == NULL) {
		err_errno(err, "dns");
		if (none >= 0)
			close(none);
		return NULL;
	}
	context = resolver_context(event_loop_base(loop), config, err);
	if (context != NULL)
		ub_ctx_delete(context);
	event_loop_free(loop);
	close(none);
	if (context == NULL)
		return NULL;
	u = mem_zalloc(1, sizeof(*u));
	u->config = config;
	pthread_mutex_init(&u->lock, NULL);
	return u;
}
