/* SPDX-License-Identifier: MIT */
/*
 * store_redis_client.c - what callers do: hand over, wait, go
 */
#include "store_redis_client.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/mem.h"
#include "base/worker.h"
#include "store_redis_inside.h"
#include "store_redis_reply.h"

/* A thread that looks up a name may not notice for long that it shall end. */
#define END_US CLOCK_SEC

/* --- requests --- */

static void
init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

struct redis_request *
redis_request_new(void)
{
	struct redis_request *r = mem_zalloc(1, sizeof(*r));

	buf_init(&r->wire, 0);
	init_cond(&r->ended);
	return r;
}

void
redis_request_free(struct redis_request *r)
{
	for (size_t i = 0; i < r->got; i++)
		redis_reply_free(r->replies[i]);
	free((void *)r->replies);
	buf_fini(&r->wire);
	pthread_cond_destroy(&r->ended);
	free(r);
}

void
redis_request_add(struct redis_request *r, const struct redis_command *c)
{
	redis_command_write(c, &r->wire);
	r->wanted++;
	r->replies = mem_grow((void *)r->replies, r->wanted * sizeof(*r->replies));
}

void
redis_request_add_script(
	struct redis_request *r, const struct redis_command *c, enum redis_script script)
{
	char before[64];

	assert(r->wanted == 0 && c->lens[1] == REDIS_SCRIPT_NAME);
	r->script = script;
	r->name_at = (size_t)snprintf(before, sizeof(before), "*%zu\r\n$7\r\nEVALSHA\r\n$%u\r\n",
		c->count, REDIS_SCRIPT_NAME);
	redis_request_add(r, c);
}

const struct redis_reply *
redis_request_reply(const struct redis_request *r, size_t i)
{
	return r->replies[i];
}

void
redis_requests_append(struct redis_requests *list, struct redis_request *r)
{
	r->next = NULL;
	*(list->last != NULL ? &list->last->next : &list->first) = r;
	list->last = r;
}

struct redis_request *
redis_requests_take(struct redis_requests *list)
{
	struct redis_request *r = list->first;

	if (r == NULL)
		return NULL;
	list->first = r->next;
	if (list->first == NULL)
		list->last = NULL;
	return r;
}

static bool
drop(struct redis_requests *list, const struct redis_request *r)
{
	struct redis_request **at = &list->first, *before = NULL;

	for (; *at != NULL && *at != r; at = &(*at)->next)
		before = *at;
	if (*at == NULL)
		return false;
	*at = r->next;
	if (list->last == r)
		list->last = before;
	return true;
}

void
redis_request_end(struct redis_request *r)
{
	r->done = true;
	if (r->left)
		redis_request_free(r);
	else
		pthread_cond_signal(&r->ended);
}

/* --- the thread --- */

static void
wake(struct redis_client *c)
{
	static const uint64_t one = 1;

	while (write(c->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

/* With the lock. False: there is none, and the next caller tries again. */
static bool
begin_thread(struct redis_client *c)
{
	static struct log_limit limit = LOG_LIMIT(1, 60 * CLOCK_SEC);
	sigset_t all, old;
	int failure;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failure = pthread_create(&c->thread, NULL, redis_thread_main, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (failure != 0) {
		log_limited(&limit, LOG_LEVEL_ERROR, "store %s has no thread: %s", c->name,
			strerror(failure));
		return false;
	}
	c->state = REDIS_TRYING;
	c->since = clock_now();
	return true;
}

void
redis_client_start(struct redis_client *c)
{
	pthread_mutex_lock(&c->lock);
	if (c->state == REDIS_RESTING)
		(void)begin_thread(c);
	pthread_mutex_unlock(&c->lock);
}

/* --- asking --- */

/* With the lock: is an answer in time to be expected? */
static bool
may_wait(struct redis_client *c)
{
	int64_t now = clock_now();

	switch (c->state) {
	case REDIS_RESTING:
		return begin_thread(c);
	case REDIS_TRYING:
		return now - c->since < c->timeout_us;
	case REDIS_JOINED:
		return !c->slow &&
		       (c->sent.first == NULL || now - c->sent.first->asked_at < c->timeout_us);
	case REDIS_AWAY:
		return false;
	}
	return false;
}

static bool
hand_over(struct redis_client *c, struct redis_request *r)
{
	bool taken, first;

	pthread_mutex_lock(&c->lock);
	taken = may_wait(c);
	first = c->fresh.first == NULL;
	if (taken)
		redis_requests_append(&c->fresh, r);
	pthread_mutex_unlock(&c->lock);
	if (taken && first)
		wake(c);
	return taken;
}

struct waiting {
	struct redis_client *client;
	/* Under the client's lock. */
	struct redis_request *request; /* NULL: it was given away */
	bool cancelled;
};

static void
cancel(void *context)
{
	struct waiting *w = context;

	pthread_mutex_lock(&w->client->lock);
	w->cancelled = true;
	if (w->request != NULL)
		pthread_cond_signal(&w->request->ended);
	pthread_mutex_unlock(&w->client->lock);
}

/* With the lock: it is too late. What was not sent yet never will be. */
static void
leave(struct redis_client *c, struct redis_request *r)
{
	r->left = true;
	if (drop(&c->fresh, r))
		redis_request_free(r);
}

static bool
wait_for(struct redis_client *c, struct redis_request *r, int64_t deadline)
{
	struct waiting w = {.client = c, .request = r};
	struct timespec until;
	int ended = 0;
	bool done, good;

	clock_after(&until, deadline - clock_now());
	worker_wait_begin(cancel, &w);
	pthread_mutex_lock(&c->lock);
	while (!r->done && !w.cancelled && ended == 0)
		ended = pthread_cond_timedwait(&r->ended, &c->lock, &until);
	done = r->done;
	good = done && r->got == r->wanted;
	if (!done) {
		leave(c, r);
		w.request = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	worker_wait_end();
	if (done && !good)
		redis_request_free(r);
	return good;
}

bool
redis_client_ask(struct redis_client *c, struct redis_request *r, int64_t deadline)
{
	int64_t now = clock_now();

	r->asked_at = now;
	if (deadline > now + c->timeout_us)
		deadline = now + c->timeout_us;
	if (deadline > now && !worker_stopped() && hand_over(c, r))
		return wait_for(c, r, deadline);
	redis_request_free(r);
	return false;
}

/* --- how it is --- */

void
redis_client_note(struct redis_client *c, const char *words)
{
	pthread_mutex_lock(&c->lock);
	snprintf(c->away.words, sizeof(c->away.words), "%s", words);
	pthread_mutex_unlock(&c->lock);
}

void
redis_client_health(struct redis_client *c, struct store_health *h)
{
	pthread_mutex_lock(&c->lock);
	h->away = c->away.since != 0;
	h->away_since = c->away.since;
	snprintf(h->words, sizeof(h->words), "%s", c->away.words);
	pthread_mutex_unlock(&c->lock);
}

/* --- open and close --- */

struct redis_client *
redis_client_open(const struct store_config *config, struct err *err)
{
	struct redis_client *c = mem_zalloc(1, sizeof(*c));

	c->wake = -1;
	c->name = strdup(config->name);
	c->timeout_us = config->timeout_us;
	pthread_mutex_init(&c->lock, NULL);
	init_cond(&c->left);
	redis_link_init(&c->link, -1, &c->stop);
	if (redis_find_init(&c->find, config, err)) {
		c->link.wake = c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (c->wake >= 0)
			return c;
		err_errno(err, "eventfd");
	}
	redis_client_free(c);
	return NULL;
}

void
redis_client_free(struct redis_client *c)
{
	redis_link_fini(&c->link);
	redis_find_fini(&c->find);
	if (c->wake >= 0)
		close(c->wake);
	pthread_cond_destroy(&c->left);
	pthread_mutex_destroy(&c->lock);
	free(c->name);
	free(c);
}

/* Waits until the thread is gone, or the time is over; then it is on its own. */
static bool
wait_until_gone(struct redis_client *c)
{
	struct timespec until;
	int late = 0;
	bool gone;

	clock_after(&until, END_US);
	pthread_mutex_lock(&c->lock);
	while (!c->gone && late == 0)
		late = pthread_cond_timedwait(&c->left, &c->lock, &until);
	gone = c->gone;
	c->lost = !gone;
	pthread_mutex_unlock(&c->lock);
	return gone;
}

/* Nobody asks any more. */
void
redis_client_close(struct redis_client *c)
{
	pthread_t thread = c->thread;
	bool resting;

	pthread_mutex_lock(&c->lock);
	resting = c->state == REDIS_RESTING;
	pthread_mutex_unlock(&c->lock);
	if (resting) {
		redis_client_free(c);
		return;
	}
	atomic_store(&c->stop, true);
	wake(c);
	if (wait_until_gone(c)) {
		pthread_join(thread, NULL);
		redis_client_free(c);
	} else {
		pthread_detach(thread);
	}
}
