/* SPDX-License-Identifier: MIT */
/*
 * milter_passed.c - sockets that the service manager opened for us (sd_listen_fds(3))
 *
 * They begin at descriptor 3, LISTEN_FDS says how many, LISTEN_FDNAMES how they are called, and
 * LISTEN_PID for whom they are: a child that inherits the environment must not take them.
 */
#include "milter_passed.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST 3
#define MOST  1024

static long
number_of(const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	long n = text != NULL ? strtol(text, &end, 10) : 0;

	return text != NULL && *text != '\0' && *end == '\0' ? n : 0;
}

/* The place of the name in "a:b:c"; count when it is not there. */
static long
place_of(const char *name, const char *names, long count)
{
	long place = 0;

	for (; place < count && names != NULL; place++) {
		size_t len = strcspn(names, ":");

		if (strncmp(names, name, len) == 0 && name[len] == '\0')
			return place;
		names = names[len] == ':' ? names + len + 1 : NULL;
	}
	return count;
}

static bool
listens(int fd)
{
	int on = 0;
	socklen_t size = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on;
}

int
milter_passed_socket(const char *name)
{
	long count = number_of("LISTEN_FDS");
	long place;
	int fd;

	if (number_of("LISTEN_PID") != (long)getpid() || count <= 0 || count > MOST)
		return -1;
	place = place_of(name, getenv("LISTEN_FDNAMES"), count);
	if (place == count || !listens(FIRST + (int)place))
		return -1;
	fd = fcntl(FIRST + (int)place, F_DUPFD_CLOEXEC, FIRST + (int)count);
	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return fd;
}
