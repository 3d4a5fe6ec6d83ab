/* SPDX-License-Identifier: MIT */
/*
 * notice_smtp.c - one message over SMTP to the MTA of this machine (RFC 5321)
 *
 * No extension is used: the message is ASCII in short lines. Everything has one deadline.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "notice.h"

#define TALK_US	   (60 * CLOCK_SEC)
#define SLICE_MS   200 /* how soon an end of the daemon is noticed */
#define LINE_SIZE  1024u
#define LINES_MOST 100

struct talk {
	int fd;
	int64_t deadline;
	const _Atomic bool *stop;
	char in[LINE_SIZE]; /* what was received and not yet looked at */
	size_t begin, end;
	char reply[LINE_SIZE]; /* its last line */
	struct err *why;
};

/* False: it is over. */
static bool
wait_for(struct talk *t, short events)
{
	struct pollfd p = {.fd = t->fd, .events = events};

	while (clock_now() < t->deadline && !atomic_load(t->stop)) {
		int n = poll(&p, 1, SLICE_MS);

		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return err_errno(t->why, "poll");
	}
	return err_set(
		t->why, "%s", atomic_load(t->stop) ? "the daemon ends" : "no answer in time");
}

/* --- the connection --- */

static bool
dial(struct talk *t, const struct sockaddr *to, socklen_t size)
{
	int error = 0;
	socklen_t len = sizeof(error);

	t->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0)
		return err_errno(t->why, "socket");
	if (connect(t->fd, to, size) != 0 && errno != EINPROGRESS)
		return err_errno(t->why, "connect");
	if (!wait_for(t, POLLOUT))
		return false;
	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
		return true;
	errno = error;
	return err_errno(t->why, "connect");
}

static bool
dial_unix(struct talk *t, const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(to.sun_path))
		return err_set(t->why, "the path is too long");
	memcpy(to.sun_path, path, strlen(path));
	return dial(t, (const struct sockaddr *)&to, sizeof(to));
}

/* "25@127.0.0.1", "25@[::1]" */
static bool
dial_inet(struct talk *t, const char *text)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	size_t port_len = strcspn(text, "@"), host_len;
	struct addrinfo *found = NULL;
	char port[8], host[256];
	const char *at = text + port_len;
	int error;
	bool done;

	at += *at == '@';
	at += *at == '[';
	host_len = strcspn(at, "]");
	snprintf(port, sizeof(port), "%.*s", (int)port_len, text);
	snprintf(host, sizeof(host), "%.*s", (int)host_len, at);
	error = getaddrinfo(host, port, &hints, &found);
	if (error != 0)
		return err_set(t->why, "%s: %s", host, gai_strerror(error));
	done = dial(t, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return done;
}

static bool
dial_server(struct talk *t, const char *server)
{
	const char *rest = strchr(server, ':');

	if (strncmp(server, "unix:", 5) == 0)
		return dial_unix(t, rest + 1);
	return dial_inet(t, rest == NULL ? server : rest + 1);
}

/* --- the dialogue --- */

static bool
put(struct talk *t, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n;

		if (!wait_for(t, POLLOUT))
			return false;
		n = send(t->fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_errno(t->why, "send");
		data += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

static bool
next_octet(struct talk *t, char *c)
{
	while (t->begin == t->end) {
		ssize_t n;

		if (!wait_for(t, POLLIN))
			return false;
		n = recv(t->fd, t->in, sizeof(t->in), 0);
		if (n == 0)
			return err_set(t->why, "it hung up");
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_errno(t->why, "receive");
		t->begin = 0;
		t->end = n > 0 ? (size_t)n : 0;
	}
	*c = t->in[t->begin++];
	return true;
}

/* What does not fit of a line is not kept; control characters of it are '?'. */
static bool
read_line(struct talk *t)
{
	size_t len = 0;
	char c = '\0';

	while (c != '\n') {
		if (!next_octet(t, &c))
			return false;
		if (c != '\r' && c != '\n' && len + 1 < sizeof(t->reply))
			t->reply[len++] = (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
	}
	t->reply[len] = '\0';
	return true;
}

/* The reply to what was sent must be of that class. */
static enum notice_sent
expect(struct talk *t, char class)
{
	int lines = 0;

	do {
		if (!read_line(t))
			return NOTICE_LATER;
	} while (strlen(t->reply) > 3 && t->reply[3] == '-' && ++lines < LINES_MOST);
	if (t->reply[0] == class && lines < LINES_MOST)
		return NOTICE_SENT;
	err_set(t->why, "it said: %.300s", t->reply);
	return t->reply[0] == '4' ? NOTICE_LATER : NOTICE_REFUSED;
}

static enum notice_sent
say(struct talk *t, char class, const char *verb, const char *what, const char *end)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "%s%s%s\r\n", verb, what, end);

	if (n < 0 || (size_t)n >= sizeof(line)) {
		err_set(t->why, "a command would be too long");
		return NOTICE_REFUSED;
	}
	return put(t, line, (size_t)n) ? expect(t, class) : NOTICE_LATER;
}

static enum notice_sent
converse(struct talk *t, const char *helo, const char *to, const struct buf *message)
{
	enum notice_sent sent = expect(t, '2');

	if (sent == NOTICE_SENT)
		sent = say(t, '2', "EHLO ", helo, "");
	if (sent == NOTICE_SENT)
		sent = say(t, '2', "MAIL FROM:<", "", ">");
	if (sent == NOTICE_SENT)
		sent = say(t, '2', "RCPT TO:<", to, ">");
	if (sent == NOTICE_SENT)
		sent = say(t, '3', "DATA", "", "");
	if (sent == NOTICE_SENT)
		sent = put(t, message->data, message->len) ? say(t, '2', ".", "", "")
							   : NOTICE_LATER;
	return sent;
}

enum notice_sent
notice_send(const char *server, const char *helo, const char *to, const struct buf *message,
	const _Atomic bool *stop, struct err *why)
{
	struct talk *t = calloc(1, sizeof(*t));
	enum notice_sent sent = NOTICE_LATER;

	if (t == NULL) {
		err_set(why, "no memory");
		return sent;
	}
	t->fd = -1;
	t->deadline = clock_now() + TALK_US;
	t->stop = stop;
	t->why = why;
	if (dial_server(t, server))
		sent = converse(t, helo, to, message);
	/* Taken or not was said; that it is the end need not be answered. */
	if (t->fd >= 0)
		(void)!send(t->fd, "QUIT\r\n", 6, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
	return sent;
}
