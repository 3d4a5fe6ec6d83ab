/* SPDX-License-Identifier: MIT */
/*
 * store_redis_link.c - one connection to a server, which no call waits on for longer than it says
 *
 * The socket never blocks. What hiredis has for connections waits for each octet anew, so only its
 * parser is used.
 */
#include "store_redis_link.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "store_redis_command.h"
#include "store_redis_reply.h"

#define UNIX	  "unix:"
#define HOST_MOST 256u
/* Of what was sent, kept at the front of the buffer. */
#define SENT_MOST 65536u

void
redis_link_init(struct redis_link *l, int wake, const atomic_bool *stop)
{
	*l = (struct redis_link){.fd = -1, .wake = wake, .stop = stop};
	buf_init(&l->out, 0);
}

void
redis_link_close(struct redis_link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	redis_reader_free(l->reader);
	l->reader = NULL;
	buf_fini(&l->out);
	buf_init(&l->out, 0);
	l->sent = 0;
}

void
redis_link_fini(struct redis_link *l)
{
	redis_link_close(l);
	buf_fini(&l->out);
}

/* --- addresses --- */

struct place {
	const char *path; /* unix */
	char host[HOST_MOST];
	const char *port;
};

/* An IPv6 address may stand in brackets. */
static bool
split_host(struct place *p, const char *where, size_t len)
{
	bool brackets = len > 2 && where[0] == '[' && where[len - 1] == ']';

	where += brackets;
	len -= brackets ? 2 : 0;
	if (len == 0 || len >= sizeof(p->host))
		return false;
	memcpy(p->host, where, len);
	p->host[len] = '\0';
	return true;
}

static bool
is_port(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= 5 && strspn(text, "0123456789") == len;
}

static bool
split(struct place *p, const char *where, struct err *err)
{
	struct sockaddr_un address;
	const char *colon = strrchr(where, ':');

	*p = (struct place){0};
	if (strncmp(where, UNIX, sizeof(UNIX) - 1) == 0) {
		p->path = where + sizeof(UNIX) - 1;
		return (p->path[0] == '/' && strlen(p->path) < sizeof(address.sun_path)) ||
		       err_set(err,
			       "%s: the path of a socket begins with / and has at most %zu octets",
			       where, sizeof(address.sun_path) - 1);
	}
	if (colon == NULL || !is_port(colon + 1) || !split_host(p, where, (size_t)(colon - where)))
		return err_set(err, "%s: must be unix:/PATH or HOST:PORT", where);
	p->port = colon + 1;
	return true;
}

bool
redis_link_examine(const char *where, struct err *err)
{
	struct place p;

	return split(&p, where, err);
}

/* --- waiting --- */

static void
drain(int wake)
{
	uint64_t count;

	while (read(wake, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
}

/* In milliseconds, rounded up: a wait that is too short would be one of many. */
static int
poll_time(int64_t us)
{
	if (us < 0)
		return -1;
	return us > 1000 * CLOCK_SEC ? (int)(CLOCK_SEC) : (int)((us + CLOCK_MS - 1) / CLOCK_MS);
}

/* What of events there is; 0: it was woken; -1: the time is over. */
static short
wait_for(struct redis_link *l, short events, int64_t us)
{
	struct pollfd fds[] = {{.fd = l->wake, .events = POLLIN}, {.fd = l->fd, .events = events}};
	int ready = poll(fds, 2, poll_time(us));

	if (ready <= 0)
		return ready == 0 ? -1 : 0;
	if (fds[0].revents != 0)
		drain(l->wake);
	return fds[1].revents;
}

bool
redis_link_wait(struct redis_link *l, int64_t us)
{
	bool sends = l->out.len > l->sent;
	short ready = wait_for(l, (short)(POLLIN | (sends ? POLLOUT : 0)), us);

	return ready > 0 && (ready & (POLLIN | POLLERR | POLLHUP)) != 0;
}

/* False with words: it is too late, or it must stop. */
static bool
wait_until(struct redis_link *l, short events, int64_t until, struct err *err)
{
	for (;;) {
		int64_t left = until - clock_now();
		short ready = left <= 0 ? -1 : wait_for(l, events, left);

		if (atomic_load(l->stop))
			return err_set(err, "it is being closed");
		if (ready < 0)
			return err_set(err, "no answer in time");
		if (ready > 0)
			return true;
	}
}

/* --- connecting --- */

/* Failures show in what follows: nothing here is needed for a connection to work. */
static void
set_options(int fd)
{
	static const struct {
		int level, option, value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		/* A server that went without a word is noticed before somebody asks it. */
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, 20},
		{IPPROTO_TCP, TCP_KEEPINTVL, 5},
		{IPPROTO_TCP, TCP_KEEPCNT, 3},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		(void)setsockopt(fd, options[i].level, options[i].option, &options[i].value,
			sizeof(options[i].value));
}

static bool
finish_connect(struct redis_link *l, const char *where, int64_t until, struct err *err)
{
	struct err why;
	int failure = 0;
	socklen_t len = sizeof(failure);

	if (!wait_until(l, POLLOUT, until, &why))
		return err_set(err, "%s: %s", where, why.text);
	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0)
		failure = errno;
	errno = failure;
	return failure == 0 || err_errno(err, "%s", where);
}

static bool
connect_to(struct redis_link *l, const struct sockaddr *address, socklen_t len, const char *where,
	int64_t until, struct err *err)
{
	redis_link_close(l);
	l->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return err_errno(err, "%s", where);
	if (address->sa_family != AF_UNIX)
		set_options(l->fd);
	/* EAGAIN is a unix socket's word for a server that takes no more. */
	if (connect(l->fd, address, len) != 0) {
		if (errno != EINPROGRESS)
			return err_errno(err, "%s", where);
		if (!finish_connect(l, where, until, err))
			return false;
	}
	l->reader = redis_reader_new();
	return true;
}

static bool
connect_unix(
	struct redis_link *l, const char *path, const char *where, int64_t until, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, path, strlen(path) + 1);
	return connect_to(l, (struct sockaddr *)&address, sizeof(address), where, until, err);
}

/* Each of the addresses has its part of the time. */
static bool
connect_host(struct redis_link *l, const struct place *p, const char *where, int64_t until,
	struct err *err)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list;
	int failure = getaddrinfo(p->host, p->port, &hints, &list), left = 0;
	bool good = false;

	if (failure != 0)
		return err_set(err, "%s: %s", where, gai_strerror(failure));
	for (struct addrinfo *a = list; a != NULL; a = a->ai_next)
		left++;
	for (struct addrinfo *a = list; a != NULL && !good; a = a->ai_next, left--) {
		int64_t now = clock_now();

		good = connect_to(
			l, a->ai_addr, a->ai_addrlen, where, now + (until - now) / left, err);
	}
	freeaddrinfo(list);
	return good;
}

bool
redis_link_open(struct redis_link *l, const char *where, int64_t until, struct err *err)
{
	struct place p;
	bool good;

	if (!split(&p, where, err))
		return false;
	good = p.path != NULL ? connect_unix(l, p.path, where, until, err)
			      : connect_host(l, &p, where, until, err);
	if (!good)
		redis_link_close(l);
	return good;
}

/* --- octets --- */

bool
redis_link_flush(struct redis_link *l, struct err *err)
{
	while (l->sent < l->out.len) {
		ssize_t n = send(l->fd, l->out.data + l->sent, l->out.len - l->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0)
			return err_errno(err, "cannot send");
		l->sent += (size_t)n;
	}
	if (l->sent == l->out.len) {
		buf_clear(&l->out);
		l->sent = 0;
	} else if (l->sent > SENT_MOST) {
		memmove(l->out.data, l->out.data + l->sent, l->out.len - l->sent + 1);
		l->out.len -= l->sent;
		l->sent = 0;
	}
	return true;
}

bool
redis_link_fill(struct redis_link *l, struct err *err)
{
	char data[16384];
	ssize_t n = recv(l->fd, data, sizeof(data), 0);

	if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
		return true;
	if (n < 0)
		return err_errno(err, "cannot receive");
	if (n == 0)
		return err_set(err, "the server closed the connection");
	return redis_reader_feed(l->reader, data, (size_t)n) ||
	       err_set(err, "the server says what is no answer");
}

bool
redis_link_next(struct redis_link *l, struct redis_reply **reply, struct err *err)
{
	return redis_reader_next(l->reader, reply) ||
	       err_set(err, "the server says what is no answer");
}

struct redis_reply *
redis_link_await(struct redis_link *l, int64_t until, struct err *err)
{
	struct redis_reply *reply;

	while (redis_link_next(l, &reply, err) && reply == NULL) {
		bool sends = l->out.len > l->sent;

		if (!wait_until(l, (short)(POLLIN | (sends ? POLLOUT : 0)), until, err) ||
			!redis_link_flush(l, err) || !redis_link_fill(l, err))
			return NULL;
	}
	return reply;
}

struct redis_reply *
redis_link_ask(
	struct redis_link *l, const struct redis_command *command, int64_t until, struct err *err)
{
	redis_command_write(command, &l->out);
	return redis_link_flush(l, err) ? redis_link_await(l, until, err) : NULL;
}
