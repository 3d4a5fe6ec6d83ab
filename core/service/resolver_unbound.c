/* SPDX-License-Identifier: MIT */
/*
 * resolver_unbound.c - questions that libunbound asks, on a thread of its own
 *
 * Threads that want to know hand over questions in a list and wake the thread; it alone touches
 * libunbound. Every question has the same time, so those in flight are in the order in which their
 * time ends. A thread that ended, or does not come back from libunbound, is replaced with the next
 * question: its own are answered as failures, and nobody waits for it.
 */
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
/* A thread that has not come round for so long while questions wait is stuck. */
#define STUCK_US (10 * CLOCK_SEC)
/* Threads that end are not replaced more often than that. */
#define PAUSE_US CLOCK_SEC
/* When the resolver is closed, its thread has so long to end. */
#define STOP_US (5 * CLOCK_SEC)

/* A question on its way: in the list of those handed over, then in that of those in flight. */
struct flight {
	struct flight *next, *prev;
	struct asking *asking;
	struct question *question;
	int64_t deadline;
	int id; /* libunbound's */
	bool starting, answered;
};

struct flights {
	struct flight *first, *last;
};

/* One thread and what is its own. */
struct asking {
	const struct resolver_config *config;
	pthread_t thread;
	int wake;
	pthread_mutex_t lock; /* protects what follows */
	struct flights handed;
	int64_t handed_since; /* clock_now() of the first of them */
	bool stop, ended;
	/* Of any thread. */
	atomic_uint open;
	/* Of its thread alone. */
	struct event_loop *loop;
	struct ub_ctx *context;
	struct flights flying;
};

struct unbound {
	const struct resolver_config *config;
	pthread_mutex_t lock;  /* protects what follows */
	struct asking *asking; /* NULL: none runs */
	int64_t began;
	bool lost; /* a thread that was stuck may come back */
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
land(struct flight *f, struct answer *a)
{
	struct asking *t = f->asking;

	take_out(&t->flying, f);
	atomic_fetch_sub(&t->open, 1);
	question_answer(f->question, a);
	f->answered = true;
	if (!f->starting)
		free(f);
}

static void
fail(struct flight *f, enum cm_dns_status status)
{
	land(f, answer_new(status, question_name(f->question), 0));
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
	if (rcode != 0 || packet == NULL || len < 0)
		fail(f, failure_of(rcode));
	else
		land(f, answer_read(packet, (size_t)len, question_name(q), question_type(q),
				security == 1, security == 2));
}

/* The answer may come inside the call. */
static void
start(struct asking *t, struct flight *f)
{
	const char *name = question_name(f->question);
	int failure;

	append(&t->flying, f);
	f->starting = true;
	failure = ub_resolve_event(t->context, name[0] == '\0' ? "." : name,
		(int)question_type(f->question), 1, f, take_answer, &f->id);
	if (failure != 0 && !f->answered)
		fail(f, CM_DNS_SERVFAIL);
	f->starting = false;
	if (f->answered)
		free(f);
}

static void
expire(struct asking *t, int64_t now)
{
	while (t->flying.first != NULL && t->flying.first->deadline <= now) {
		struct flight *f = t->flying.first;

		ub_cancel(t->context, f->id);
		fail(f, CM_DNS_TIMEOUT);
	}
}

/* True: go on. */
static bool
take_handed(struct asking *t, struct flights *handed)
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
run(struct asking *t)
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
begin(struct asking *t)
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

/* However it ends: nobody may wait for it. */
static void
end(void *context)
{
	struct asking *t = context;
	struct flights handed;

	pthread_mutex_lock(&t->lock);
	t->ended = true;
	pthread_mutex_unlock(&t->lock);
	take_handed(t, &handed);
	while (t->flying.first != NULL) {
		ub_cancel(t->context, t->flying.first->id);
		fail(t->flying.first, CM_DNS_SERVFAIL);
	}
	for (struct flight *f = handed.first, *next; f != NULL; f = next) {
		next = f->next;
		append(&t->flying, f);
		fail(f, CM_DNS_SERVFAIL);
	}
	if (t->context != NULL)
		ub_ctx_delete(t->context);
	event_loop_free(t->loop);
}

static void *
thread(void *context)
{
	struct asking *t = context;

	pthread_cleanup_push(end, t);
	if (begin(t))
		run(t);
	pthread_cleanup_pop(1);
	return NULL;
}

/* --- the thread's life --- */

static void
asking_free(struct asking *t)
{
	if (t->wake >= 0)
		close(t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* NULL: the system has none. */
static struct asking *
asking_new(const struct resolver_config *config)
{
	struct asking *t = mem_zalloc(1, sizeof(*t));
	sigset_t all, old;
	int failure;

	t->config = config;
	pthread_mutex_init(&t->lock, NULL);
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failure = t->wake < 0 ? errno : pthread_create(&t->thread, NULL, thread, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (failure == 0)
		return t;
	log_write(LOG_LEVEL_ERROR, "dns: the resolver has no thread: %s", strerror(failure));
	asking_free(t);
	return NULL;
}

static void
wake(struct asking *t)
{
	static const uint64_t one = 1;

	while (write(t->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

static void
tell_to_stop(struct asking *t)
{
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_mutex_unlock(&t->lock);
	wake(t);
}

/* False: it does not come back. It cannot be freed; should it, it finds that it shall stop. */
static bool
asking_stop(struct asking *t)
{
	struct timespec until;

	tell_to_stop(t);
	clock_after(&until, STOP_US);
	if (pthread_clockjoin_np(t->thread, NULL, CLOCK_MONOTONIC, &until) != 0) {
		pthread_detach(t->thread);
		return false;
	}
	asking_free(t);
	return true;
}

static bool
is_stuck(struct asking *t)
{
	bool stuck;

	pthread_mutex_lock(&t->lock);
	stuck = t->handed.first != NULL && clock_now() - t->handed_since > STUCK_US;
	pthread_mutex_unlock(&t->lock);
	return stuck;
}

static bool
has_ended(struct asking *t)
{
	bool ended;

	pthread_mutex_lock(&t->lock);
	ended = t->ended;
	pthread_mutex_unlock(&t->lock);
	return ended;
}

/* With the back end's lock: takes away a thread that is of no use. */
static void
bury(struct unbound *u)
{
	struct asking *t = u->asking;

	if (has_ended(t)) {
		pthread_join(t->thread, NULL);
		asking_free(t);
	} else if (is_stuck(t)) {
		log_write(LOG_LEVEL_ERROR, "dns: the resolver's thread is stuck; another is made");
		tell_to_stop(t);
		pthread_detach(t->thread);
		u->lost = true;
	} else {
		return;
	}
	u->asking = NULL;
}

/* With the back end's lock; NULL: there is none now. */
static struct asking *
find_asking(struct unbound *u)
{
	if (u->asking != NULL)
		bury(u);
	if (u->asking == NULL && (u->began == 0 || clock_now() - u->began >= PAUSE_US)) {
		u->began = clock_now();
		u->asking = asking_new(u->config);
	}
	return u->asking;
}

/* --- questions --- */

/* False: nobody takes it. */
static bool
hand_over(struct asking *t, struct flight *f)
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
	f->asking = t;
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

static void
ask(void *self, struct question *q)
{
	struct unbound *u = self;
	struct flight *f = mem_zalloc(1, sizeof(*f));
	struct asking *t;
	bool taken;

	f->question = q;
	f->deadline = clock_now() + u->config->timeout_us;
	pthread_mutex_lock(&u->lock);
	t = find_asking(u);
	taken = t != NULL && hand_over(t, f);
	pthread_mutex_unlock(&u->lock);
	if (taken)
		return;
	free(f);
	question_answer(q, answer_new(CM_DNS_SERVFAIL, question_name(q), 0));
}

static bool
close_unbound(void *self)
{
	struct unbound *u = self;
	bool all = !u->lost && (u->asking == NULL || asking_stop(u->asking));

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
