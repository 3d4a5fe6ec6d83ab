/* SPDX-License-Identifier: MIT */
/*
 * milter_peers.c - the connections of the native engine, and which thread serves each
 *
 * Epoll tells of each change once (EPOLLET), to one thread, and is not asked again: that would be a
 * system call for each step of the SMTP dialogue. So one thread may serve a connection while
 * another is told of it. The connection's state says who serves:
 *
 * - Who is told sets OWNED and NEWS at once. If it was not owned, it is his now; else NEWS stays
 *   behind, and he leaves it alone.
 * - The owner takes NEWS away before he reads, and gives the connection back only in exchange for a
 *   state without NEWS. Whatever he did not read came after his read, so epoll tells of it after
 *   his read: either before he gives it back, then he finds NEWS and reads again, or later, then
 *   there is no owner and who is told becomes it.
 * - A read that did not fill its room has emptied the socket, but does not tell that there is no
 *   more to come. So who is told that the MTA hung up leaves HUNG_UP, for one more read.
 *
 * One who was told may be late, and the connection ended. Its memory is therefore never given back,
 * but kept for the next connection, and OWNED until then. Late news of an earlier connection cost
 * the next one a read in vain.
 */
#include "milter_peers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/worker.h"

/* Bits of the state of a connection. */
#define OWNED	(1u << 0)
#define NEWS	(1u << 1)
#define HUNG_UP (1u << 2)

/* Reads of one connection before others have their turn, if there is more to read. */
#define TURNS 8
/* An MTA that waits at end of message hears from us so often, in looks at the deadlines. */
#define PROGRESS_LOOKS 10
#define NEVER	       INT64_MAX
/* Connections at a time whose memory is worth to be given back. */
#define CROWD 256u

#define TO_READ	 (EPOLLIN | EPOLLRDHUP | EPOLLET)
#define TO_WRITE (EPOLLOUT | EPOLLET)

/* All but the source and the state belong to the owner. */
struct peer {
	struct milter_source source;
	atomic_uint state;
	uint32_t events; /* that epoll tells of; 0: none yet */
	struct milter_conn conn;
	const struct milter_listener *listener;
	_Atomic int64_t deadline; /* of the MTA; NEVER: it is served */
	int64_t halfway_since;	  /* 0: not within a packet */
	unsigned halfway_step;	  /* which packet that is */
	unsigned looks;		  /* at the wait of its end of message; the keeper's */
	struct peer *next, *prev;
};

/* What stays must not lie between sessions, whose memory could not be given back then. */
#define BLOCK_PEERS 64

struct block {
	struct block *next;
	struct peer peers[BLOCK_PEERS];
};

static struct {
	int epoll;
	atomic_uint count;
	pthread_mutex_t lock; /* protects the lists */
	struct peer *peers;
	struct peer *spare; /* owned, and nobody's */
	struct block *blocks;
	unsigned most; /* that were open since a crowd left */
} all = {.epoll = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

bool
milter_watch(int epoll, int operation, int fd, uint32_t events, struct milter_source *source)
{
	struct epoll_event ev = {.events = events, .data = {.ptr = source}};

	return epoll_ctl(epoll, operation, fd, &ev) == 0;
}

static bool serve_peer(struct milter_source *, uint32_t events, struct milter_room *);

static bool
watch(struct peer *p, uint32_t events)
{
	int operation = p->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	p->events = events;
	return milter_watch(all.epoll, operation, p->conn.fd, events, &p->source);
}

/* --- the lists --- */

/* Locked. */
static void
add_block(void)
{
	struct block *b = mem_zalloc(1, sizeof(*b));

	b->next = all.blocks;
	all.blocks = b;
	for (size_t i = 0; i < BLOCK_PEERS; i++) {
		struct peer *p = &b->peers[i];

		p->source.serve = serve_peer;
		atomic_init(&p->state, OWNED);
		p->next = all.spare;
		all.spare = p;
	}
}

static struct peer *
take_spare(void)
{
	struct peer *p;

	pthread_mutex_lock(&all.lock);
	if (all.spare == NULL)
		add_block();
	p = all.spare;
	all.spare = p->next;
	pthread_mutex_unlock(&all.lock);
	return p;
}

static void
enlist(struct peer *p)
{
	pthread_mutex_lock(&all.lock);
	p->prev = NULL;
	p->next = all.peers;
	if (all.peers != NULL)
		all.peers->prev = p;
	all.peers = p;
	unsigned open = atomic_load(&all.count);
	if (open > all.most)
		all.most = open;
	pthread_mutex_unlock(&all.lock);
}

static void
strike(struct peer *p)
{
	pthread_mutex_lock(&all.lock);
	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		all.peers = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	pthread_mutex_unlock(&all.lock);
}

/*
 * Of the owner, who keeps it for the next. Off the list first: whoever finds it there may use its
 * descriptor. And out of the set before it is closed: Linux (since its commit 4efaa5acf0a1)
 * keeps the socket open for a thread that just looks whether to be told of it, until that thread
 * has something else to do; so long the MTA would wait for the end of its connection.
 */
static void
end_peer(struct peer *p)
{
	strike(p);
	if (p->events != 0)
		(void)milter_watch(all.epoll, EPOLL_CTL_DEL, p->conn.fd, 0, &p->source);
	milter_conn_fini(&p->conn);
	pthread_mutex_lock(&all.lock);
	p->next = all.spare;
	all.spare = p;
	pthread_mutex_unlock(&all.lock);
	milter_peers_release();
}

/* --- serving --- */

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

/* As long as there is more to read; in the end that is what it wants if others have their turn. */
static enum milter_wants
serve_turns(struct peer *p, struct milter_room *room)
{
	unsigned news = 0;

	for (int turn = 0; turn < TURNS; turn++) {
		news |= atomic_exchange(&p->state, OWNED);
		enum milter_wants wants = milter_conn_serve(&p->conn, room);

		if (wants == MILTER_WANTS_MORE)
			continue;
		if (wants != MILTER_WANTS_READ || (news & HUNG_UP) == 0)
			return wants;
		news = 0;
	}
	return MILTER_WANTS_MORE;
}

/* To change what is watched, or watch it anew, makes epoll tell of what is there already. */
static bool
watch_for(struct peer *p, enum milter_wants wants)
{
	uint32_t events = wants == MILTER_WANTS_WRITE ? TO_WRITE : TO_READ;

	return (events == p->events && wants != MILTER_WANTS_MORE) || watch(p, events);
}

/* False: there are news, and the caller still owns it. */
static bool
let_go(struct peer *p)
{
	unsigned owned = OWNED;

	return atomic_compare_exchange_strong(&p->state, &owned, 0);
}

/*
 * Whose turns are over gets in line behind all that epoll has to tell. If somebody is told before
 * he lets go, nobody else waits for a turn, and he may go on.
 */
static void
serve_owned(struct peer *p, struct milter_room *room)
{
	do {
		atomic_store(&p->deadline, NEVER);
		enum milter_wants wants = serve_turns(p, room);

		if (wants == MILTER_WANTS_END || !watch_for(p, wants)) {
			end_peer(p);
			return;
		}
		atomic_store(&p->deadline, next_deadline(p, wants));
	} while (!let_go(p));
}

static bool
serve_peer(struct milter_source *source, uint32_t events, struct milter_room *room)
{
	struct peer *p = (struct peer *)source;
	unsigned news = NEWS | OWNED;

	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		news |= HUNG_UP;
	if ((atomic_fetch_or(&p->state, news) & OWNED) == 0)
		serve_owned(p, room);
	return true;
}

/* --- for the runner --- */

void
milter_peers_open(int epoll)
{
	all.epoll = epoll;
}

void
milter_peers_close(void)
{
	struct block *b;

	while (all.peers != NULL)
		end_peer(all.peers);
	all.spare = NULL;
	while ((b = all.blocks) != NULL) {
		all.blocks = b->next;
		free(b);
	}
}

bool
milter_peers_reserve(unsigned most)
{
	if (atomic_fetch_add(&all.count, 1) < most)
		return true;
	milter_peers_release();
	return false;
}

void
milter_peers_release(void)
{
	atomic_fetch_sub(&all.count, 1);
}

/* Owned by the caller, and counted by it. */
static struct peer *
new_peer(const struct milter_listener *l, int fd)
{
	struct peer *p = take_spare();

	p->listener = l;
	p->events = 0;
	p->halfway_since = 0;
	p->looks = 0;
	atomic_store(&p->deadline, NEVER);
	milter_conn_init(&p->conn, fd, l->name);
	enlist(p);
	return p;
}

/* The MTA speaks first, and mostly has when it is taken. */
void
milter_peers_serve(const struct milter_listener *l, int fd, struct milter_room *room)
{
	struct peer *p = new_peer(l, fd);

	worker_busy(&p->source);
	serve_owned(p, room);
}

/* Who is told too early leaves it alone, and must be told again. */
void
milter_peers_add(const struct milter_listener *l, int fd)
{
	struct peer *p = new_peer(l, fd);

	do {
		atomic_store(&p->state, OWNED);
		if (!watch(p, TO_READ)) {
			end_peer(p);
			return;
		}
		atomic_store(&p->deadline, next_deadline(p, MILTER_WANTS_READ));
	} while (!let_go(p));
}

unsigned
milter_peers_count(void)
{
	return atomic_load(&all.count);
}

bool
milter_peers_crowd_left(void)
{
	unsigned open = milter_peers_count();
	bool left;

	pthread_mutex_lock(&all.lock);
	left = all.most >= CROWD && open < all.most / 2;
	if (left)
		all.most = open;
	pthread_mutex_unlock(&all.lock);
	return left;
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

void
milter_peers_look(void)
{
	int64_t now = clock_now();

	pthread_mutex_lock(&all.lock);
	for (struct peer *p = all.peers; p != NULL; p = p->next)
		look_at_peer(p, now);
	pthread_mutex_unlock(&all.lock);
}

bool
milter_peers_gone(const struct milter_source *source)
{
	return source->serve == serve_peer &&
	       milter_conn_gone(&((const struct peer *)source)->conn);
}
