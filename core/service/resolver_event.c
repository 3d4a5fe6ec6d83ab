/* SPDX-License-Identifier: MIT */
/*
 * resolver_event.c - the event loop that libunbound runs on
 *
 * What an event means is libunbound's own loop's (mini_event): add replaces what was there, a timer
 * that has run out takes UB_EV_TIMEOUT out of the event's bits, and a descriptor stays until it is
 * taken out, unless the event lacks UB_EV_PERSIST.
 */
#include "resolver_event.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unbound-event.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define BATCH	   64
#define NOT_A_TIME SIZE_MAX

struct event_loop {
	struct ub_event_base base; /* what libunbound sees; the first */
	int epoll;
	struct epoll_event batch[BATCH];
	int batch_count, batch_at;
	struct event **timers; /* a heap: the earliest first */
	size_t timer_count, timer_room;
};

struct event {
	struct ub_event ub; /* the first */
	struct event_loop *loop;
	int fd;
	short bits;
	bool watched; /* its descriptor is in epoll */
	size_t timer; /* place in the heap, or NOT_A_TIME */
	int64_t when;
	void (*call)(int, short, void *);
	void *context;
};

/* --- timers --- */

static void
put(struct event_loop *l, size_t i, struct event *e)
{
	l->timers[i] = e;
	e->timer = i;
}

static size_t
rise(struct event_loop *l, size_t i, const struct event *e)
{
	while (i > 0 && l->timers[(i - 1) / 2]->when > e->when) {
		put(l, i, l->timers[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	return i;
}

static size_t
sink(struct event_loop *l, size_t i, const struct event *e)
{
	for (size_t child = 2 * i + 1; child < l->timer_count; child = 2 * i + 1) {
		if (child + 1 < l->timer_count &&
			l->timers[child + 1]->when < l->timers[child]->when)
			child++;
		if (l->timers[child]->when >= e->when)
			break;
		put(l, i, l->timers[child]);
		i = child;
	}
	return i;
}

static void
drop_timer(struct event *e)
{
	struct event_loop *l = e->loop;
	struct event *last;
	size_t i = e->timer;

	if (i == NOT_A_TIME)
		return;
	e->timer = NOT_A_TIME;
	last = l->timers[--l->timer_count];
	if (last != e)
		put(l, sink(l, rise(l, i, last), last), last);
}

static void
add_timer(struct event *e, const struct timeval *after)
{
	struct event_loop *l = e->loop;

	e->when = clock_now() + (int64_t)after->tv_sec * CLOCK_SEC + after->tv_usec;
	if (l->timer_count == l->timer_room) {
		l->timer_room = l->timer_room == 0 ? 64 : 2 * l->timer_room;
		l->timers = mem_grow(l->timers, mem_product(l->timer_room, sizeof(struct event *)));
	}
	put(l, rise(l, l->timer_count, e), e);
	l->timer_count++;
}

static void
run_timers(struct event_loop *l)
{
	int64_t now = clock_now();

	while (l->timer_count > 0 && l->timers[0]->when <= now) {
		struct event *e = l->timers[0];

		drop_timer(e);
		e->bits &= ~UB_EV_TIMEOUT;
		e->call(e->fd, UB_EV_TIMEOUT, e->context);
	}
}

/* --- descriptors --- */

static int
watch(struct event *e)
{
	struct epoll_event wanted = {.data.ptr = e};

	if (e->fd < 0 || (e->bits & (UB_EV_READ | UB_EV_WRITE)) == 0)
		return 0;
	wanted.events = ((e->bits & UB_EV_READ) != 0 ? (unsigned)EPOLLIN : 0) |
			((e->bits & UB_EV_WRITE) != 0 ? (unsigned)EPOLLOUT : 0);
	if (epoll_ctl(e->loop->epoll, EPOLL_CTL_ADD, e->fd, &wanted) != 0)
		return -1;
	e->watched = true;
	return 0;
}

/* What was seen of it in this turn is forgotten as well: it may be gone. */
static void
unwatch(struct event *e)
{
	struct event_loop *l = e->loop;

	if (!e->watched)
		return;
	e->watched = false;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, e->fd, NULL);
	for (int i = l->batch_at; i < l->batch_count; i++) {
		if (l->batch[i].data.ptr == e)
			l->batch[i].data.ptr = NULL;
	}
}

/* Errors are told as both, so that whoever reads or writes finds them. */
static void
run_descriptor(const struct epoll_event *seen)
{
	struct event *e = seen->data.ptr;
	short bits = 0;

	if (e == NULL)
		return;
	if ((seen->events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
		bits |= UB_EV_READ;
	if ((seen->events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
		bits |= UB_EV_WRITE;
	bits &= e->bits;
	if (bits == 0)
		return;
	if ((e->bits & UB_EV_PERSIST) == 0) {
		unwatch(e);
		drop_timer(e);
	}
	e->call(e->fd, bits, e->context);
}

/* --- what libunbound calls --- */

static struct event *
event_of(struct ub_event *ub)
{
	return (struct event *)(void *)ub;
}

static int
event_del(struct ub_event *ub)
{
	struct event *e = event_of(ub);

	unwatch(e);
	drop_timer(e);
	return 0;
}

static int
event_add(struct ub_event *ub, struct timeval *after)
{
	struct event *e = event_of(ub);

	event_del(ub);
	if (after != NULL && (e->bits & UB_EV_TIMEOUT) != 0)
		add_timer(e, after);
	return watch(e);
}

static void
event_add_bits(struct ub_event *ub, short bits)
{
	event_of(ub)->bits |= bits;
}

static void
event_del_bits(struct ub_event *ub, short bits)
{
	event_of(ub)->bits &= (short)~bits;
}

static void
event_set_fd(struct ub_event *ub, int fd)
{
	event_of(ub)->fd = fd;
}

static void
event_free(struct ub_event *ub)
{
	event_del(ub);
	free(ub);
}

static int
event_add_timer(struct ub_event *ub, struct ub_event_base *base, void (*call)(int, short, void *),
	void *context, struct timeval *after)
{
	struct event *e = event_of(ub);

	(void)base;
	event_del(ub);
	e->fd = -1;
	e->bits = UB_EV_TIMEOUT;
	e->call = call;
	e->context = context;
	add_timer(e, after);
	return 0;
}

/* Never called for a loop that is not libunbound's own (unbound-event.h). */
static int
event_signal(struct ub_event *ub, struct timeval *after)
{
	(void)ub;
	(void)after;
	return -1;
}

static int
event_del_signal(struct ub_event *ub)
{
	return event_signal(ub, NULL);
}

static void
event_nothing(struct ub_event *ub)
{
	(void)ub;
}

static void
event_nothing_blocks(struct ub_event *ub, int bit)
{
	(void)ub;
	(void)bit;
}

static struct ub_event_vmt event_table = {
	.add_bits = event_add_bits,
	.del_bits = event_del_bits,
	.set_fd = event_set_fd,
	.free = event_free,
	.add = event_add,
	.del = event_del,
	.add_timer = event_add_timer,
	.del_timer = event_del,
	.add_signal = event_signal,
	.del_signal = event_del_signal,
	.winsock_unregister_wsaevent = event_nothing,
	.winsock_tcp_wouldblock = event_nothing_blocks,
};

static struct ub_event *
new_event(struct ub_event_base *base, int fd, short bits, void (*call)(int, short, void *),
	void *context)
{
	struct event *e = mem_zalloc(1, sizeof(*e));

	e->ub = (struct ub_event){.magic = UB_EVENT_MAGIC, .vmt = &event_table};
	e->loop = (struct event_loop *)(void *)base;
	e->fd = fd;
	e->bits = bits;
	e->timer = NOT_A_TIME;
	e->call = call;
	e->context = context;
	return &e->ub;
}

static struct ub_event_base_vmt base_table = {.new_event = new_event};

/* --- the loop --- */

struct event_loop *
event_loop_new(int wake)
{
	struct epoll_event wanted = {.events = EPOLLIN};
	struct event_loop *l = mem_zalloc(1, sizeof(*l));

	l->base = (struct ub_event_base){.magic = UB_EVENT_MAGIC, .vmt = &base_table};
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll >= 0 && epoll_ctl(l->epoll, EPOLL_CTL_ADD, wake, &wanted) == 0)
		return l;
	event_loop_free(l);
	return NULL;
}

void
event_loop_free(struct event_loop *l)
{
	if (l == NULL)
		return;
	if (l->epoll >= 0)
		close(l->epoll);
	free(l->timers);
	free(l);
}

struct ub_event_base *
event_loop_base(struct event_loop *l)
{
	return &l->base;
}

/* Milliseconds, rounded up: waking too early would only mean to wait again. */
static int
time_left(const struct event_loop *l, int64_t until)
{
	int64_t left;

	if (l->timer_count > 0 && l->timers[0]->when < until)
		until = l->timers[0]->when;
	if (until == INT64_MAX)
		return -1;
	left = (until - clock_now() + CLOCK_MS - 1) / CLOCK_MS;
	if (left < 0)
		return 0;
	return left > 60000 ? 60000 : (int)left;
}

bool
event_loop_turn(struct event_loop *l, int64_t until)
{
	l->batch_count = epoll_wait(l->epoll, l->batch, BATCH, time_left(l, until));
	if (l->batch_count < 0)
		return errno == EINTR;
	for (l->batch_at = 0; l->batch_at < l->batch_count;)
		run_descriptor(&l->batch[l->batch_at++]);
	l->batch_count = 0;
	run_timers(l);
	return true;
}
