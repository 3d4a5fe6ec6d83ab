/* SPDX-License-Identifier: MIT */
/*
 * test_watch.c - waits until somebody saves a Lua file
 *
 * Editors write a file in place, or another that then takes its name; both count, and a file that
 * goes away. What comes together is one change.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "test.h"

#define CHANGES (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
/* After a change, others are waited for so long. */
#define TOGETHER_MS 50

bool
test_watch_open(const char *const *dirs, size_t count, int *fd)
{
	int failure;

	*fd = inotify_init1(IN_CLOEXEC);
	if (*fd < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (inotify_add_watch(*fd, dirs[i], CHANGES) >= 0)
			continue;
		failure = errno;
		close(*fd);
		errno = failure;
		return false;
	}
	return true;
}

static bool
is_lua(const struct inotify_event *ev)
{
	size_t len = ev->len > 0 ? strlen(ev->name) : 0;

	return len > 4 && strcmp(ev->name + len - 4, ".lua") == 0;
}

/* Reads what is there; *changed: a Lua file was among it. */
static bool
read_events(int fd, bool *changed)
{
	union {
		struct inotify_event first; /* aligned as the events are */
		char octets[8192];
	} events;
	ssize_t got = read(fd, events.octets, sizeof(events.octets));

	if (got <= 0)
		return got < 0 && errno == EINTR;
	for (const char *p = events.octets; p < events.octets + got;) {
		const struct inotify_event *ev = (const void *)p;

		*changed = *changed || is_lua(ev);
		p += sizeof(*ev) + ev->len;
	}
	return true;
}

bool
test_watch_wait(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	bool changed = false;

	while (!changed || poll(&ready, 1, TOGETHER_MS) > 0) {
		if (!read_events(fd, &changed))
			return false;
	}
	return true;
}
