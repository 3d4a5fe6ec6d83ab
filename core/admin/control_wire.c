/* SPDX-License-Identifier: MIT */
/*
 * control_wire.c - lines in and answers out, with patience that ends
 *
 * A deadline is for the whole line or answer: octets that come or go one by one do not prolong it.
 */
#include "control_wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

/* How often the clock is looked at, ms. */
#define TICK 100

/* False: the deadline came first. */
static bool
wait_for(const struct control_wire *w, short events, int64_t deadline)
{
	struct pollfd p = {.fd = w->fd, .events = events};

	while (clock_now() < deadline) {
		int n = poll(&p, 1, TICK);

		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
	return false;
}

static bool
try_again(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void
drop_taken(struct control_wire *w)
{
	w->len -= w->taken;
	memmove(w->line, w->line + w->taken, w->len);
	w->taken = 0;
}

enum control_heard
control_hear(struct control_wire *w, const char **line, size_t *len)
{
	int64_t deadline = clock_now() + CONTROL_HEAR_US;
	size_t looked = 0;

	drop_taken(w);
	for (;;) {
		char *end = memchr(w->line + looked, '\n', w->len - looked);

		if (end != NULL) {
			*line = w->line;
			*len = (size_t)(end - w->line);
			w->taken = *len + 1;
			return CONTROL_HEARD;
		}
		looked = w->len;
		if (w->len == sizeof(w->line))
			return CONTROL_TOO_LONG;
		if (!wait_for(w, POLLIN, deadline))
			return CONTROL_GONE;

		ssize_t n = recv(w->fd, w->line + w->len, sizeof(w->line) - w->len, 0);

		if (n == 0 || (n < 0 && !try_again()))
			return CONTROL_GONE;
		w->len += n > 0 ? (size_t)n : 0;
	}
}

bool
control_send(struct control_wire *w, const char *data, size_t len)
{
	int64_t deadline = clock_now() + CONTROL_SEND_US;

	while (len > 0) {
		ssize_t n = send(w->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (!try_again() || !wait_for(w, POLLOUT, deadline)))
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
		if (clock_now() >= deadline)
			return len == 0;
	}
	return true;
}

bool
control_stream(struct control_wire *w, const char *data, size_t len, const _Atomic bool *ending)
{
	while (len > 0) {
		ssize_t n = send(w->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		struct pollfd p = {.fd = w->fd, .events = POLLOUT};

		if (n < 0 && !try_again())
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (atomic_load(ending) || control_left(w))
			return false;
		(void)poll(&p, 1, TICK);
	}
	return true;
}

void
control_pause(const struct control_wire *w)
{
	struct pollfd p = {.fd = w->fd};

	(void)poll(&p, 1, TICK);
}

bool
control_left(const struct control_wire *w)
{
	struct pollfd p = {.fd = w->fd};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0;
}
