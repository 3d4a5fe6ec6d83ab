/* SPDX-License-Identifier: MIT */
/*
 * milter_conn.c - one socket of an MTA in the native engine: reads, runs, writes
 *
 * Commands are read into a room that belongs to the thread, so a connection that waits for its MTA
 * holds no buffer; only the begin of a packet is kept. While answers cannot be written nothing is
 * read, so a peer that takes none gives no work.
 */
#include "milter_conn.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "milter_encode.h"

/* Most messages in one read; chunks of larger ones are gathered in the connection's own buffer.
 * Each check that waits holds one. */
#define ROOM_SIZE ((size_t)40 << 10)
/* So much of a packet is put into the room once more, with what is read behind it. */
#define BEGIN_MOST ((size_t)4 << 10)
/* What is read at least behind the begin of a packet. */
#define PIECE_LEAST ((size_t)512)
/* A room that an unusual answer has made larger is made anew. */
#define ROOM_KEPT ((size_t)256 << 10)

static atomic_uint unsent;

unsigned
milter_conns_unsent(void)
{
	return atomic_load(&unsent);
}

/* Answers that wait; all of them were written, or nobody will take them any more. */
static void
drop_out(struct milter_conn *c)
{
	if (c->out == NULL)
		return;
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_done = 0;
	atomic_fetch_sub(&unsent, 1);
}

void
milter_room_init(struct milter_room *r)
{
	r->bytes = NULL;
	buf_init(&r->out, 0);
}

void
milter_room_rest(struct milter_room *r)
{
	free(r->bytes);
	r->bytes = NULL;
}

void
milter_room_fini(struct milter_room *r)
{
	milter_room_rest(r);
	buf_fini(&r->out);
}

void
milter_conn_init(struct milter_conn *c, int fd, const char *listener)
{
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	milter_native_init(&c->native, listener);
}

void
milter_conn_fini(struct milter_conn *c)
{
	milter_native_fini(&c->native);
	free(c->in);
	drop_out(c);
	close(c->fd);
}

bool
milter_conn_halfway(const struct milter_conn *c)
{
	return c->in_len > 0 || c->skip > 0;
}

bool
milter_conn_gone(const struct milter_conn *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* A packet of 5 octets that does not fit whole means an MTA that does not read: it is cut off. */
bool
milter_conn_progress(struct milter_conn *c, bool wanted)
{
	ssize_t sent = sizeof(milter_progress);

	if (!atomic_exchange(&c->native.may_progress, false))
		return false;
	if (wanted)
		sent = send(c->fd, milter_progress, sizeof(milter_progress),
			MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent != sizeof(milter_progress))
		shutdown(c->fd, SHUT_RDWR);
	atomic_store(&c->native.may_progress, true);
	return true;
}

static bool
try_again(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* --- writing --- */

/* Octets written; -1: the MTA is gone. */
static ssize_t
write_some(int fd, const char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = send(fd, bytes + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return try_again() ? (ssize_t)done : -1;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* False: the MTA is gone. */
static bool
write_rest(struct milter_conn *c)
{
	ssize_t done = write_some(c->fd, c->out + c->out_done, c->out_len - c->out_done);

	if (done < 0)
		return false;
	c->out_done += (size_t)done;
	if (c->out_done < c->out_len)
		return true;
	drop_out(c);
	return true;
}

/* What the MTA does not take now is kept. */
static bool
write_answers(struct milter_conn *c, struct buf *out)
{
	ssize_t done = write_some(c->fd, out->data, out->len);

	if (done < 0)
		return false;
	if ((size_t)done < out->len) {
		c->out_len = out->len - (size_t)done;
		c->out = mem_alloc(c->out_len);
		memcpy(c->out, out->data + done, c->out_len);
		atomic_fetch_add(&unsent, 1);
	}
	buf_clear(out);
	if (out->size > ROOM_KEPT) {
		buf_fini(out);
		buf_init(out, 0);
	}
	return true;
}

/* --- reading --- */

/* A buffer for so many octets and as many more: what a peer sends costs at most twice its size. */
static size_t
larger(size_t len)
{
	return len + (len > PIECE_LEAST ? len : PIECE_LEAST);
}

/* Where to read to: behind the begin of a packet that was kept, in the room or where it is. */
static char *
find_room(struct milter_conn *c, struct milter_room *room, size_t *size)
{
	if (c->in_len <= BEGIN_MOST && c->in_size < ROOM_SIZE) {
		if (room->bytes == NULL)
			room->bytes = mem_alloc(ROOM_SIZE);
		if (c->in_len > 0)
			memcpy(room->bytes, c->in, c->in_len);
		*size = ROOM_SIZE - c->in_len;
		return room->bytes + c->in_len;
	}
	if (c->in_size - c->in_len < c->in_len) {
		c->in_size = larger(c->in_len);
		c->in = mem_grow(c->in, c->in_size);
	}
	*size = c->in_size - c->in_len;
	return c->in + c->in_len;
}

/* Keeps the begin of a packet, which is in the room or was kept, and no buffer without one. */
static void
keep_rest(struct milter_conn *c, const char *rest, size_t len)
{
	c->in_len = len;
	if (len > 0 && len <= c->in_size) {
		memmove(c->in, rest, len);
		return;
	}
	free(c->in);
	c->in = NULL;
	c->in_size = 0;
	if (len == 0)
		return;
	c->in_size = larger(len);
	c->in = mem_alloc(c->in_size);
	memcpy(c->in, rest, len);
}

/* Runs what was read; false: the connection ends. */
static bool
run(struct milter_conn *c, char *bytes, size_t len, struct buf *out)
{
	size_t dropped = c->skip < len ? c->skip : len;
	size_t used;

	c->skip -= dropped;
	if (c->skip > 0)
		return true;
	bytes += dropped;
	len -= dropped;
	c->ending = !milter_native_feed(&c->native, bytes, len, out, &used, &c->skip);
	if (used > 0 || dropped > 0)
		c->steps++;
	keep_rest(c, bytes + used, len - used);
	return true;
}

/* False: the MTA is gone. */
static bool
read_and_run(struct milter_conn *c, struct milter_room *room)
{
	size_t size;
	char *at = find_room(c, room, &size);
	ssize_t n = recv(c->fd, at, size, 0);

	c->filled = n < 0 ? errno == EINTR : (size_t)n == size;
	if (n < 0)
		return try_again();
	if (n == 0)
		return false;
	return run(c, at - c->in_len, c->in_len + (size_t)n, &room->out);
}

enum milter_wants
milter_conn_serve(struct milter_conn *c, struct milter_room *room)
{
	if (c->out != NULL && !write_rest(c))
		return MILTER_WANTS_END;
	if (c->out == NULL && !c->ending &&
		!(read_and_run(c, room) && write_answers(c, &room->out))) {
		buf_clear(&room->out);
		return MILTER_WANTS_END;
	}
	if (c->out != NULL)
		return MILTER_WANTS_WRITE;
	if (c->ending)
		return MILTER_WANTS_END;
	return c->filled ? MILTER_WANTS_MORE : MILTER_WANTS_READ;
}
