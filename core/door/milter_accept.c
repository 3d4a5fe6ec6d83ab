/* SPDX-License-Identifier: MIT */
/*
 * milter_accept.c - the next MTA that connects
 *
 * Who reaches a unix socket was let in by its mode and group. An inet socket has a list of peers.
 */
#include "milter_accept.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_limit.h"
#include "base/net.h"

union peer_address {
	struct sockaddr any;
	struct sockaddr_storage room;
};

static bool
may_talk(const struct milter_listener *l, const union peer_address *from)
{
	static struct log_limit limit = LOG_LIMIT(5, CLOCK_SEC);
	struct net_addr address;
	char text[NET_TEXT];

	if (l->allow == NULL || !net_from_sockaddr(&address, &from->any) ||
		networks_have(l->allow, &address))
		return true;
	net_text(&address, text);
	log_limited(&limit, LOG_LEVEL_WARN,
		"listener %s: %s may not connect (it is not in the listener's allow)", l->name,
		text);
	return false;
}

/* Answers are small and waited for; a peer that is gone must show some day. */
static void
set_options(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

int
milter_accept(const struct milter_listener *l)
{
	union peer_address from;
	socklen_t size = sizeof(from);
	int fd = accept4(l->socket.fd, &from.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -1;
	if (from.any.sa_family == AF_UNIX)
		return fd;
	if (may_talk(l, &from)) {
		set_options(fd);
		return fd;
	}
	close(fd);
	errno = ECONNABORTED;
	return -1;
}

bool
milter_accept_again(int error)
{
	return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM;
}
