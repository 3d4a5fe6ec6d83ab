/* SPDX-License-Identifier: MIT */
/*
 * milter_runner.c - the native engine: threads share one epoll set, and each event is run to its
 * end
 *
 * One thread owns a connection at a time (milter_peers.c), and nothing is handed over. A thread
 * that waits is replaced (base/worker.h), so connections that wait for an answer delay nobody. One
 * more thread looks after what no descriptor tells: deadlines, MTAs that hung up while a check
 * waits, listeners that had to pause.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_limit.h"
#include "base/mem.h"
#include "base/worker.h"
#include "milter_accept.h"
#include "milter_engine.h"
#include "milter_peers.h"

#define LISTENERS_MOST 64
/* Descriptors left to files, maps and logs. */
#define RESERVE 128
#define PAUSE	(100 * CLOCK_MS)
#define TICK_MS 50
/* Ticks between looks at the waits, and at the deadlines. */
#define WAIT_TICKS     5
#define DEADLINE_TICKS 20
#define STOP_TIME      (5 * CLOCK_SEC)
#define NEVER	       INT64_MAX

struct door {
	struct milter_source source;
	struct milter_listener *listener;
	_Atomic int64_t resume; /* when it takes connections again; NEVER: it does */
};

static struct {
	int epoll;
	int wake; /* readable from stop on */
	struct door doors[LISTENERS_MOST];
	size_t door_count;
	struct worker_pool *pool;
	pthread_t keeper;
	bool started;
	atomic_bool draining, stopping, failed;
	unsigned most; /* connections */
} engine = {.epoll = -1, .wake = -1};

/* --- listeners --- */

static void
pause_door(struct door *d, const char *why)
{
	static struct log_limit limit = LOG_LIMIT(1, 60 * CLOCK_SEC);

	log_limited(&limit, LOG_LEVEL_ERROR,
		"listener %s: %u connections are open and no more can be taken (%s); MTAs wait",
		d->listener->name, milter_peers_count(), why);
	atomic_store(&d->resume, clock_now() + PAUSE);
}

static void
arm_door(struct door *d, int operation)
{
	if (!atomic_load(&engine.draining) &&
		!milter_watch(engine.epoll, operation, d->listener->socket.fd,
			EPOLLIN | EPOLLONESHOT, &d->source))
		pause_door(d, strerror(errno));
}

/* The next connection, its place taken; -1: none, and it may have to pause. */
static int
take_one(struct door *d)
{
	int fd;

	if (!milter_peers_reserve(engine.most)) {
		pause_door(d, "as many as the limit of open files allows");
		return -1;
	}
	fd = milter_accept(d->listener);
	if (fd < 0)
		milter_peers_release();
	if (fd >= 0 || milter_accept_again(errno) || errno == EAGAIN || errno == EWOULDBLOCK)
		arm_door(d, EPOLL_CTL_MOD);
	else if (!atomic_load(&engine.draining))
		pause_door(d, strerror(errno));
	return fd;
}

/* One at a time: the next may be another thread's while this one is served. */
static bool
serve_door(struct milter_source *source, uint32_t events, struct milter_room *room)
{
	struct door *d = (struct door *)source;
	int fd = take_one(d);

	(void)events;
	if (fd >= 0)
		milter_peers_serve(d->listener, fd, room);
	return true;
}

/* --- threads --- */

static bool
serve_stop(struct milter_source *source, uint32_t events, struct milter_room *room)
{
	(void)source;
	(void)events;
	(void)room;
	return false;
}

static struct milter_source stop_source = {serve_stop};

static bool
serve(void *context, void *own)
{
	struct epoll_event ev;
	int n = epoll_wait(engine.epoll, &ev, 1, -1);

	(void)context;
	if (n < 0 && errno != EINTR)
		atomic_store(&engine.failed, true);
	if (n <= 0)
		return !atomic_load(&engine.failed);
	struct milter_source *source = ev.data.ptr;

	worker_busy(source);
	bool on = source->serve(source, ev.events, own);

	worker_idle();
	return on;
}

static void *
begin_thread(void)
{
	struct milter_room *room = mem_alloc(sizeof(*room));

	milter_room_init(room);
	return room;
}

static void
rest_thread(void *own)
{
	milter_room_rest(own);
}

static void
end_thread(void *own)
{
	milter_room_fini(own);
	free(own);
}

/* --- what no descriptor tells --- */

/* The job of a thread that waits; called with the pool locked, so the job is still its. */
static bool
unwanted(void *job)
{
	return milter_peers_gone(job);
}

static void
look_at_doors(void)
{
	int64_t now = clock_now();

	for (size_t i = 0; i < engine.door_count; i++) {
		struct door *d = &engine.doors[i];

		if (atomic_load(&d->resume) > now)
			continue;
		atomic_store(&d->resume, NEVER);
		arm_door(d, EPOLL_CTL_MOD);
	}
}

static void *
keep(void *unused)
{
	struct pollfd p = {.fd = engine.wake, .events = POLLIN};

	(void)unused;
	for (unsigned tick = 1; poll(&p, 1, TICK_MS) <= 0; tick++) {
		worker_pool_look(engine.pool);
		look_at_doors();
		if (tick % WAIT_TICKS == 0)
			worker_cancel_where(engine.pool, unwanted);
		if (tick % DEADLINE_TICKS == 0) {
			milter_peers_look();
			if (milter_peers_crowd_left())
				mem_give_back();
		}
	}
	return NULL;
}

/* --- the engine --- */

static bool
add(struct milter_listener *l, struct err *err)
{
	struct door *d = &engine.doors[engine.door_count];

	if (engine.door_count == LISTENERS_MOST)
		return err_set(err, "listener %s: at most %d listeners", l->name, LISTENERS_MOST);
	d->source.serve = serve_door;
	d->listener = l;
	atomic_init(&d->resume, NEVER);
	engine.door_count++;
	return true;
}

static unsigned
connections_most(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 1u << 20)
		return 1u << 20;
	return limit.rlim_cur > 2 * RESERVE ? (unsigned)limit.rlim_cur - RESERVE
					    : (unsigned)limit.rlim_cur / 2;
}

static bool
open_set(struct err *err)
{
	engine.epoll = epoll_create1(EPOLL_CLOEXEC);
	engine.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (engine.epoll < 0 || engine.wake < 0 ||
		!milter_watch(engine.epoll, EPOLL_CTL_ADD, engine.wake, EPOLLIN, &stop_source))
		return err_errno(err, "the milter engine");
	milter_peers_open(engine.epoll);
	for (size_t i = 0; i < engine.door_count; i++)
		arm_door(&engine.doors[i], EPOLL_CTL_ADD);
	return true;
}

static bool
start(unsigned threads, unsigned most, struct err *err)
{
	const struct worker_work work = {
		.serve = serve,
		.begin = begin_thread,
		.end = end_thread,
		.rest = rest_thread,
		.running = threads,
		.most = most,
	};
	sigset_t all, old;
	int failure;

	if (engine.door_count == 0)
		return true;
	engine.most = connections_most();
	if (!open_set(err) || (engine.pool = worker_pool_start(&work, err)) == NULL)
		return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failure = pthread_create(&engine.keeper, NULL, keep, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (failure != 0)
		return err_set(err, "no thread for the milter engine: %s", strerror(failure));
	engine.started = true;
	return true;
}

/* Who had connected before is served, to be told to come later. */
static void
empty_door(struct door *d)
{
	int fd;

	shutdown(d->listener->socket.fd, SHUT_RDWR);
	while (milter_peers_reserve(engine.most)) {
		fd = milter_accept(d->listener);
		if (fd >= 0)
			milter_peers_add(d->listener, fd);
		else
			milter_peers_release();
		if (fd < 0 && !milter_accept_again(errno))
			break;
	}
}

/*
 * Who connects is refused, and keeps the message; the next daemon may take the address. In a socket
 * of the service manager they wait for that daemon.
 */
static void
drain(void)
{
	if (atomic_exchange(&engine.draining, true))
		return;
	for (size_t i = 0; i < engine.door_count; i++) {
		struct door *d = &engine.doors[i];

		if (d->listener->socket.passed)
			(void)epoll_ctl(engine.epoll, EPOLL_CTL_DEL, d->listener->socket.fd, NULL);
		else
			empty_door(d);
	}
}

/* A hook that does not return keeps its thread, and the end of the process ends it. */
static void
stop(void)
{
	uint64_t one = 1;

	if (!engine.started)
		return;
	drain();
	if (write(engine.wake, &one, sizeof(one)) != sizeof(one))
		return;
	pthread_join(engine.keeper, NULL);
	if (!worker_pool_stop(engine.pool, STOP_TIME))
		return;
	milter_peers_close();
	close(engine.epoll);
	close(engine.wake);
	engine.started = false;
}

static bool
failed(void)
{
	return atomic_load(&engine.failed);
}

const struct milter_engine milter_native_engine = {
	.name = "native",
	.add = add,
	.start = start,
	.drain = drain,
	.unsent = milter_conns_unsent,
	.stop = stop,
	.failed = failed,
};
