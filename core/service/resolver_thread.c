/* SPDX-License-Identifier: MIT */
/*
 * resolver_thread.c - the thread that asks libunbound
 *
 * Every question has the same time, so those in flight are in the order in which their time ends.
 */
#include "resolver_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/mem.h"
#include "resolver_backend.h"
#include "resolver_context.h"
#include "resolver_event.h"

/* Questions that may be open at once; libunbound needs some 13 KB for each. */
#define OPEN_MOST 10000u
/* Questions that wait for so long to be taken: it is stuck. */
#define STUCK_US (10 * CLOCK_SEC)

/*
 * A question on its way: in the list of those handed over, then in that of those in flight. One
 * whose time is over is answered, and late until libunbound gives it up, too: it cannot be told to,
 * and what it holds for it (memory, a descriptor) counts.
 */
struct flight {
	struct flight *next, *prev;
	struct resolver_thread *thread;
	struct question *question;
	int64_t deadline;
	int id; /* libunbound's */
	bool starting, late, landed;
};

struct flights {
	struct flight *first, *last;
};

/* One thread and what is its own. */
struct resolver_thread {
	const struct resolver_config *config;
	pthread_t thread;
	int wake;
	pthread_mutex_t lock; /* protects what follows */
	struct flights handed;
	int64_t handed_since; /* clock_now() of the first of them */
	bool stop;	      /* it shall end */
	bool ended;	      /* it takes no more */
	bool gone;	      /* it touches nothing of this any more */
	bool lost;	      /* nobody waits for that: it frees this itself */
	pthread_cond_t left;  /* it is gone */
	/* Of any thread. */
	atomic_uint open; /* handed over, in flight or late */
	/* Of its thread alone. */
	struct event_loop *loop;
	struct ub_ctx *context;
	struct flights flying, late;
};

/* --- lists --- */

static void
append(struct flights *list, struct flight *f)
{
	f->next = NULL;
	f->prev = list->last;
	*(list->last != NULL ? &list->last->next : &list->first) = f;
	list->last = f;
}

static void
take_out(struct flights *list, struct flight *f)
{
	*(f->prev != NULL ? &f->prev->next : &list->first) = f->next;
	*(f->next != NULL ? &f->next->prev : &list->last) = f->prev;
}

/* --- on the thread --- */

static void
settle(struct flight *f, struct answer *a)
{
	take_out(&f->thread->flying, f);
	question_answer(f->question, a);
}

/* libunbound is done with it. Whoever is woken may ask at once, so the place is free before. */
static void
land(struct flight *f, struct answer *a)
{
	struct resolver_thread *t = f->thread;

	atomic_fetch_sub(&t->open, 1);
	if (f->late)
		take_out(&t->late, f);
	else
		settle(f, a);
	f->landed = true;
	if (!f->starting)
		free(f);
}

static struct answer *
failure(const struct flight *f, enum cm_dns_status status)
{
	return answer_new(status, question_name(f->question), 0);
}

/* A result without a packet: libunbound asked, and that is all there is. */
static enum cm_dns_status
failure_of(int rcode)
{
	switch (rcode) {
	case 3: /* NXDOMAIN */
		return CM_DNS_NO_NAME;
	case 5: /* REFUSED */
		return CM_DNS_REFUSED;
	default:
		return CM_DNS_SERVFAIL;
	}
}

/*
 * libunbound has an answer. The packet counts, and only where rcode is 0: else its buffer holds
 * something older. security: 1 is bogus, 2 is secure.
 */
static void
take_answer(void *context, int rcode, void *packet, int len, int security, char *why, int limited)
{
	struct flight *f = context;
	struct question *q = f->question;

	(void)why;
	(void)limited;
	if (f->late)
		land(f, NULL);
	else if (rcode != 0 || packet == NULL || len < 0)
		land(f, failure(f, failure_of(rcode)));
	else
		land(f, answer_read(packet, (size_t)len, question_name(q), question_type(q),
				security == 1, security == 2));
}

/* The answer may come inside the call. */
static void
start(struct resolver_thread *t, struct flight *f)
{
	const char *name = question_name(f->question);
	int refused;

	append(&t->flying, f);
	f->starting = true;
	refused = ub_resolve_event(t->context, name[0] == '\0' ? "." : name,
		(int)question_type(f->question), 1, f, take_answer, &f->id);
	if (refused != 0 && !f->landed)
		land(f, failure(f, CM_DNS_SERVFAIL));
	f->starting = false;
	if (f->landed)
		free(f);
}

static void
expire(struct resolver_thread *t, int64_t now)
{
	while (t->flying.first != NULL && t->flying.first->deadline <= now) {
		struct flight *f = t->flying.first;

		settle(f, failure(f, CM_DNS_TIMEOUT));
		f->late = true;
		append(&t->late, f);
	}
}

/* True: go on. */
static bool
take_handed(struct resolver_thread *t, struct flights *handed)
{
	bool stop;

	pthread_mutex_lock(&t->lock);
	*handed = t->handed;
	t->handed = (struct flights){0};
	stop = t->stop;
	pthread_mutex_unlock(&t->lock);
	return !stop;
}

static void
drain_wake(int wake)
{
	uint64_t count;

	while (read(wake, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
}

static void
run(struct resolver_thread *t)
{
	struct flights handed;
	bool more = true, works = true;

	while (more && works) {
		int64_t until = t->flying.first != NULL ? t->flying.first->deadline : INT64_MAX;

		works = event_loop_turn(t->loop, until);
		drain_wake(t->wake);
		more = take_handed(t, &handed);
		for (struct flight *f = handed.first, *next; f != NULL; f = next) {
			next = f->next;
			start(t, f);
		}
		expire(t, clock_now());
	}
	if (!works)
		log_write(LOG_LEVEL_ERROR,
			"dns: the resolver's thread ends, for it cannot wait: %s; another will be "
			"made",
			strerror(errno));
}

static bool
begin(struct resolver_thread *t)
{
	struct err err;

	t->loop = event_loop_new(t->wake);
	if (t->loop == NULL)
		err_errno(&err, "epoll");
	else
		t->context = resolver_context(event_loop_base(t->loop), t->config, &err);
	if (t->context != NULL)
		return true;
	log_write(LOG_LEVEL_ERROR, "dns: the resolver could not be started: %s", err.text);
	return false;
}

static void
thread_free(struct resolver_thread *t)
{
	if (t->wake >= 0)
		close(t->wake);
	pthread_cond_destroy(&t->left);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* However it ends: nobody may wait for it. */
static void
end(void *context)
{
	struct resolver_thread *t = context;
	struct flights handed;
	bool lost;

	pthread_mutex_lock(&t->lock);
	t->ended = true;
	pthread_mutex_unlock(&t->lock);
	take_handed(t, &handed);
	while (t->late.first != NULL) {
		ub_cancel(t->context, t->late.first->id);
		land(t->late.first, NULL);
	}
	while (t->flying.first != NULL) {
		ub_cancel(t->context, t->flying.first->id);
		land(t->flying.first, failure(t->flying.first, CM_DNS_SERVFAIL));
	}
	for (struct flight *f = handed.first, *next; f != NULL; f = next) {
		next = f->next;
		append(&t->flying, f);
		land(f, failure(f, CM_DNS_SERVFAIL));
	}
	if (t->context != NULL)
		ub_ctx_delete(t->context);
	event_loop_free(t->loop);
	pthread_mutex_lock(&t->lock);
	t->gone = true;
	lost = t->lost;
	pthread_cond_signal(&t->left);
	pthread_mutex_unlock(&t->lock);
	if (lost)
		thread_free(t);
}

static void *
main_of(void *context)
{
	struct resolver_thread *t = context;

	pthread_cleanup_push(end, t);
	if (begin(t))
		run(t);
	pthread_cleanup_pop(1);
	return NULL;
}

/* --- for others --- */

struct resolver_thread *
resolver_thread_begin(const struct resolver_config *config)
{
	struct resolver_thread *t = mem_zalloc(1, sizeof(*t));
	pthread_condattr_t attr;
	sigset_t all, old;
	int failure;

	t->config = config;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->left, &attr);
	pthread_condattr_destroy(&attr);
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failure = t->wake < 0 ? errno : pthread_create(&t->thread, NULL, main_of, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (failure == 0)
		return t;
	log_write(LOG_LEVEL_ERROR, "dns: the resolver has no thread: %s", strerror(failure));
	thread_free(t);
	return NULL;
}

static void
wake(struct resolver_thread *t)
{
	static const uint64_t one = 1;

	while (write(t->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

static void
tell_to_stop(struct resolver_thread *t)
{
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_mutex_unlock(&t->lock);
	wake(t);
}

/* False: nobody takes it. */
static bool
hand_over(struct resolver_thread *t, struct flight *f)
{
	bool first, taken;

	if (atomic_fetch_add(&t->open, 1) >= OPEN_MOST) {
		static struct log_limit limit = LOG_LIMIT(1, 60 * CLOCK_SEC);

		atomic_fetch_sub(&t->open, 1);
		log_limited(&limit, LOG_LEVEL_WARN,
			"dns: %u questions are open; no more are asked until some are answered",
			OPEN_MOST);
		return false;
	}
	pthread_mutex_lock(&t->lock);
	first = t->handed.first == NULL;
	taken = !t->ended && !t->stop;
	if (taken && first)
		t->handed_since = clock_now();
	if (taken)
		append(&t->handed, f);
	pthread_mutex_unlock(&t->lock);
	if (taken && first)
		wake(t);
	if (!taken)
		atomic_fetch_sub(&t->open, 1);
	return taken;
}

bool
resolver_thread_ask(struct resolver_thread *t, struct question *q, int64_t deadline)
{
	struct flight *f = mem_zalloc(1, sizeof(*f));

	f->thread = t;
	f->question = q;
	f->deadline = deadline;
	if (hand_over(t, f))
		return true;
	free(f);
	return false;
}

bool
resolver_thread_ended(struct resolver_thread *t)
{
	bool ended;

	pthread_mutex_lock(&t->lock);
	ended = t->ended;
	pthread_mutex_unlock(&t->lock);
	return ended;
}

bool
resolver_thread_stuck(struct resolver_thread *t)
{
	bool stuck;

	pthread_mutex_lock(&t->lock);
	stuck = t->handed.first != NULL && clock_now() - t->handed_since > STUCK_US;
	pthread_mutex_unlock(&t->lock);
	return stuck;
}

/* Waits until it is gone, or the time is over; then it is on its own. */
static bool
wait_until_gone(struct resolver_thread *t, const struct timespec *until)
{
	int late = 0;
	bool gone;

	pthread_mutex_lock(&t->lock);
	while (!t->gone && late == 0)
		late = pthread_cond_timedwait(&t->left, &t->lock, until);
	gone = t->gone;
	t->lost = !gone;
	pthread_mutex_unlock(&t->lock);
	return gone;
}

bool
resolver_thread_end(struct resolver_thread *t, int64_t us)
{
	pthread_t thread = t->thread;
	struct timespec until;

	tell_to_stop(t);
	clock_after(&until, us);
	if (!wait_until_gone(t, &until)) {
		pthread_detach(thread);
		return false;
	}
	pthread_join(thread, NULL);
	thread_free(t);
	return true;
}
