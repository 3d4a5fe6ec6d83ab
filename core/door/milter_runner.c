/* SPDX-License-Identifier: MIT */
/*
 * milter_runner.c - the native engine: threads share one epoll set, and each event is run to its
 * end
 *
 * A descriptor is armed for one event, so one thread owns a connection at a time, and nothing is
 * handed over. A thread that waits is replaced (base/worker.h), so connections that wait for an
 * answer delay nobody. One more thread looks after what no descriptor tells: deadlines, MTAs that
 * hung up while a check waits, listeners that had to pause.
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
#include "milter_conn.h"
#include "milter_engine.h"

#define LISTENERS_MOST 64
/* Connections taken before others have their turn. */
#define ACCEPTS 32
/* Descriptors left to files, maps and logs. */
#define RESERVE 128
#define PAUSE	(100 * CLOCK_MS)
#define TICK_MS 50
/* Ticks between looks at the waits, and at the deadlines. */
#define WAIT_TICKS     5
#define DEADLINE_TICKS 20
/* An MTA that waits at end of message hears from us so often, in looks at the deadlines. */
#define PROGRESS_LOOKS 10
#define STOP_TIME      (5 * CLOCK_SEC)
#define NEVER	       INT64_MAX

/* What epoll knows: the first member of everything that is in the set. */
struct source {
	bool (*serve)(struct source *, struct milter_room *); /* false: the thread ends */
};

struct door {
	struct source source;
	struct milter_listener *listener;
	_Atomic int64_t resume; /* when it takes connections again; NEVER: it does */
};

struct peer {
	struct source source;
	struct milter_conn conn;
	const struct milter_listener *listener;
	_Atomic int64_t deadline; /* of the MTA */
	int64_t halfway_since;	  /* 0: not within a packet */
	unsigned halfway_step;	  /* which packet that is */
	unsigned looks;		  /* at the wait of its end of message */
	struct peer *next, *prev;
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
	atomic_uint count; /* of peers */
	unsigned most;
	pthread_mutex_t lock; /* protects the list */
	struct peer *peers;
} engine = {.epoll = -1, .wake = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static bool
watch(int operation, int fd, uint32_t events, struct source *source)
{
	struct epoll_event ev = {.events = events, .data = {.ptr = source}};

	return epoll_ctl(engine.epoll, operation, fd, &ev) == 0;
}

/* --- connections --- */

static void
add_peer(struct peer *p)
{
	pthread_mutex_lock(&engine.lock);
	p->next = engine.peers;
	if (engine.peers != NULL)
		engine.peers->prev = p;
	engine.peers = p;
	pthread_mutex_unlock(&engine.lock);
}

/* Off the list first: whoever finds it there may use its descriptor. */
static void
end_peer(struct peer *p)
{
	pthread_mutex_lock(&engine.lock);
	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		engine.peers = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	pthread_mutex_unlock(&engine.lock);
	milter_conn_fini(&p->conn);
	free(p);
	atomic_fetch_sub(&engine.count, 1);
}

/* How long the MTA may take for its next step. */
static int64_t
next_deadline(struct peer *p, enum milter_wants wants)
{
	int64_t now = clock_now();

	if (!milter_conn_halfway(&p->conn)) {
		p->halfway_since = 0;
	} else if (p->halfway_since == 0 || p->halfway_step != p->conn.steps) {
		p->halfway_since = now;
		p->halfway_step = p->conn.steps;
	}
	if (p->halfway_since != 0)
		return p->halfway_since + p->listener->packet_us;
	if (wants == MILTER_WANTS_WRITE || p->conn.native.conversation.session == NULL)
		return now + p->listener->packet_us;
	return now + p->listener->idle_us;
}

/* Armed, the connection may be another thread's at once. */
static bool
arm_peer(struct peer *p, int operation, enum milter_wants wants)
{
	uint32_t event = wants == MILTER_WANTS_WRITE ? EPOLLOUT : EPOLLIN;
	int fd = p->conn.fd;

	atomic_store(&p->deadline, next_deadline(p, wants));
	return watch(operation, fd, event | EPOLLONESHOT, &p->source);
}

static bool
serve_peer(struct source *source, struct milter_room *room)
{
	struct peer *p = (struct peer *)source;
	enum milter_wants wants;

	/* What the thread that armed it wrote is seen here: it wrote the deadline last. */
	(void)atomic_exchange(&p->deadline, NEVER);
	wants = milter_conn_serve(&p->conn, room);
	if (wants == MILTER_WANTS_END || !arm_peer(p, EPOLL_CTL_MOD, wants))
		end_peer(p);
	return true;
}

static void
begin_peer(const struct milter_listener *l, int fd)
{
	struct peer *p = mem_zalloc(1, sizeof(*p));

	p->source.serve = serve_peer;
	p->listener = l;
	atomic_init(&p->deadline, NEVER);
	milter_conn_init(&p->conn, fd, l->name);
	atomic_fetch_add(&engine.count, 1);
	add_peer(p);
	if (!arm_peer(p, EPOLL_CTL_ADD, MILTER_WANTS_READ))
		end_peer(p);
}

/* --- listeners --- */

static void
pause_door(struct door *d, const char *why)
{
	static struct log_limit limit = LOG_LIMIT(1, 60 * CLOCK_SEC);

	log_limited(&limit, LOG_LEVEL_ERROR,
		"listener %s: %u connections are open and no more can be taken (%s); MTAs wait",
		d->listener->name, atomic_load(&engine.count), why);
	atomic_store(&d->resume, clock_now() + PAUSE);
}

static void
arm_door(struct door *d, int operation)
{
	if (!atomic_load(&engine.draining) &&
		!watch(operation, d->listener->socket.fd, EPOLLIN | EPOLLONESHOT, &d->source))
		pause_door(d, strerror(errno));
}

/* False: it has to pause. */
static bool
take_one(struct door *d, bool *more)
{
	int fd;

	*more = false;
	if (atomic_load(&engine.count) >= engine.most) {
		pause_door(d, "as many as the limit of open files allows");
		return false;
	}
	fd = milter_accept(d->listener);
	if (fd >= 0)
		begin_peer(d->listener, fd);
	*more = fd >= 0 || milter_accept_again(errno);
	if (*more || errno == EAGAIN || errno == EWOULDBLOCK || atomic_load(&engine.draining))
		return true;
	pause_door(d, strerror(errno));
	return false;
}

static bool
serve_door(struct source *source, struct milter_room *room)
{
	struct door *d = (struct door *)source;
	bool more = true;

	(void)room;
	for (int i = 0; more && i < ACCEPTS; i++) {
		if (!take_one(d, &more))
			return true;
	}
	arm_door(d, EPOLL_CTL_MOD);
	return true;
}

/* --- threads --- */

static bool
serve_stop(struct source *source, struct milter_room *room)
{
	(void)source;
	(void)room;
	return false;
}

static struct source stop_source = {serve_stop};

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
	struct source *source = ev.data.ptr;

	worker_busy(source);
	bool on = source->serve(source, own);

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
	struct source *source = job;

	return source->serve == serve_peer && milter_conn_gone(&((struct peer *)job)->conn);
}

static void
look_at_peer(struct peer *p, int64_t now)
{
	if (atomic_load(&p->deadline) <= now)
		shutdown(p->conn.fd, SHUT_RDWR);
	if (milter_conn_progress(&p->conn, p->looks > 0 && p->looks % PROGRESS_LOOKS == 0))
		p->looks++;
	else
		p->looks = 0;
}

static void
look_at_peers(void)
{
	int64_t now = clock_now();

	pthread_mutex_lock(&engine.lock);
	for (struct peer *p = engine.peers; p != NULL; p = p->next)
		look_at_peer(p, now);
	pthread_mutex_unlock(&engine.lock);
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
		if (tick % DEADLINE_TICKS == 0)
			look_at_peers();
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
		!watch(EPOLL_CTL_ADD, engine.wake, EPOLLIN, &stop_source))
		return err_errno(err, "the milter engine");
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
	while (atomic_load(&engine.count) < engine.most &&
		((fd = milter_accept(d->listener)) >= 0 || milter_accept_again(errno))) {
		if (fd >= 0)
			begin_peer(d->listener, fd);
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
	while (engine.peers != NULL)
		end_peer(engine.peers);
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
