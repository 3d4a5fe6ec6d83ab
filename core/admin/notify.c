/* SPDX-License-Identifier: MIT */
/*
 * notify.c - what the daemon tells the service manager (sd_notify(3), without its library)
 *
 * One datagram per message to the socket that $NOTIFY_SOCKET names; "@" in front means an abstract
 * name. A manager that is not there is no trouble of ours.
 */
#include "notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

static void
send_text(const char *text)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = name != NULL ? strlen(name) : 0;

	if (len == 0 || len >= sizeof(to.sun_path) || (name[0] != '/' && name[0] != '@'))
		return;
	memcpy(to.sun_path, name, len);
	if (name[0] == '@')
		to.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	(void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void
notify_ready(void)
{
	send_text("READY=1");
}

void
notify_reloading(void)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_now());
	send_text(text);
}

void
notify_stopping(void)
{
	send_text("STOPPING=1");
}

void
notify_alive(void)
{
	send_text("WATCHDOG=1");
}

int64_t
notify_interval(void)
{
	const char *allowed = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	long long us = allowed != NULL ? strtoll(allowed, NULL, 10) : 0;

	if (us <= 0 || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	return us / 2;
}

int
notify_wait(int ms)
{
	int64_t interval = notify_interval() / CLOCK_MS;

	if (notify_interval() == 0 || interval >= ms)
		return ms;
	return interval > 0 ? (int)interval : 1;
}
