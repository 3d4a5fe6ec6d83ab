/* SPDX-License-Identifier: MIT */
/*
 * milter_socket.c - a listening socket: opened with care, and its file removed at the end
 *
 * A filter that takes away the socket of a running one, or that everybody may talk to, is worse
 * than one that does not start. So a socket file is removed only when nobody answers behind it, and
 * is reachable by nobody until it has its group and mode.
 */
#include "milter_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "milter_passed.h"

#define BACKLOG 1024

static int
new_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* --- unix --- */

static bool
refuse_live(const char *path, int fd, struct err *err)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0)
		return err_set(err, "unix:%s is already in use by a running daemon", path);
	return err_set(err,
		"unix:%s is already in use by a running daemon (pid %ld); stop that one first, or "
		"choose another socket",
		path, (long)peer.pid);
}

/* True when nobody listens behind the socket file. */
static bool
nobody_answers(const char *path, const struct sockaddr_un *address, struct err *err)
{
	int fd = new_socket(AF_UNIX);

	if (fd < 0)
		return err_errno(err, "unix:%s", path);
	bool connected = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
	bool stale = !connected && errno == ECONNREFUSED;

	/* EAGAIN: its queue is full, so somebody listens. */
	if (connected || errno == EAGAIN)
		refuse_live(path, fd, err);
	else if (!stale)
		err_errno(err, "unix:%s exists, and whether a daemon uses it cannot be told", path);
	close(fd);
	return stale;
}

static bool
clear_path(const char *path, const struct sockaddr_un *address, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT || err_errno(err, "unix:%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, "unix:%s: %s exists and is not a socket; it was left alone",
			path, path);
	if (!nobody_answers(path, address, err))
		return false;
	if (unlink(path) != 0 && errno != ENOENT)
		return err_errno(err, "unix:%s: the stale socket cannot be removed", path);
	return true;
}

static bool
find_group(const char *name, gid_t *gid, struct err *err)
{
	struct group entry, *found = NULL;
	size_t size = 1 << 16;
	char *buffer = mem_alloc(size);
	int problem = getgrnam_r(name, &entry, buffer, size, &found);

	if (found != NULL)
		*gid = entry.gr_gid;
	free(buffer);
	if (found != NULL)
		return true;
	errno = problem;
	return problem != 0 ? err_errno(err, "group %s", name)
			    : err_set(err, "there is no group %s on this machine", name);
}

static bool
give_rights(const char *path, mode_t mode, const char *group, struct err *err)
{
	gid_t gid = (gid_t)-1;

	if (group != NULL) {
		if (!find_group(group, &gid, err))
			return false;
		if (lchown(path, (uid_t)-1, gid) != 0)
			return err_errno(err,
				"unix:%s: its group cannot be %s (start as root, or make the "
				"daemon's user a member)",
				path, group);
	}
	return chmod(path, mode) == 0 || err_errno(err, "unix:%s: mode %04o", path, (unsigned)mode);
}

/* Bound with mode 0600, whatever the umask of the process is. */
static bool
bind_private(int fd, const char *path, const struct sockaddr_un *address, struct err *err)
{
	mode_t before = umask(0177);
	int failed = bind(fd, (const struct sockaddr *)address, sizeof(*address));

	umask(before);
	if (failed == 0)
		return true;
	if (errno == ENOENT)
		return err_set(err,
			"unix:%s: its directory does not exist; make it, for the daemon's user",
			path);
	return err_errno(err, "unix:%s", path);
}

static bool
open_unix(
	struct milter_socket *s, const char *path, mode_t mode, const char *group, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;

	if (path[0] == '\0' || strlen(path) >= sizeof(address.sun_path))
		return err_set(err, "unix:%s: a socket's name has 1 to %zu characters", path,
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (!clear_path(path, &address, err))
		return false;
	s->fd = new_socket(AF_UNIX);
	if (s->fd < 0)
		return err_errno(err, "unix:%s", path);
	if (!bind_private(s->fd, path, &address, err))
		return false;
	s->path = mem_alloc(strlen(path) + 1);
	memcpy(s->path, path, strlen(path) + 1);
	if (lstat(path, &st) != 0)
		return err_errno(err, "unix:%s", path);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	return give_rights(path, mode, group, err);
}

/* --- inet --- */

static bool
bind_inet(int fd, const char *address, const struct addrinfo *to, struct err *err)
{
	const int on = 1;

	/* Without SO_REUSEADDR a restart would have to wait for old connections to fade. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (to->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, to->ai_addr, to->ai_addrlen) == 0)
		return true;
	if (errno == EADDRINUSE)
		return err_set(err,
			"%s is already in use by a running program; `ss -ltnp` shows which",
			address);
	return err_errno(err, "%s", address);
}

static bool
resolve(const char *address, int family, const char *port, const char *host, struct addrinfo **out,
	struct err *err)
{
	const struct addrinfo hints = {
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	int problem = getaddrinfo(host, port, &hints, out);

	return problem == 0 || err_set(err, "%s: %s", address, gai_strerror(problem));
}

static bool
valid_port(const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && port >= 1 && port <= 65535;
}

/* PORT@HOST apart; brackets around the host are dropped. */
static void
split_inet(char *text, const char **port, const char **host)
{
	char *at = strchr(text, '@');

	*port = text;
	*host = NULL;
	if (at == NULL)
		return;
	*at++ = '\0';
	size_t len = strlen(at);

	if (len >= 2 && at[0] == '[' && at[len - 1] == ']') {
		at[len - 1] = '\0';
		at++;
	}
	*host = at;
}

static bool
open_inet(
	struct milter_socket *s, const char *address, int family, const char *rest, struct err *err)
{
	struct addrinfo *found = NULL;
	const char *port, *host;
	char text[300];

	if (strlen(rest) >= sizeof(text))
		return err_set(err, "%.60s...: the address is too long", address);
	memcpy(text, rest, strlen(rest) + 1);
	split_inet(text, &port, &host);
	if (!valid_port(port))
		return err_set(err, "%s: the port is a number from 1 to 65535", address);
	if (!resolve(address, family, port, host, &found, err))
		return false;
	s->fd = new_socket(family);
	bool ok =
		s->fd >= 0 ? bind_inet(s->fd, address, found, err) : err_errno(err, "%s", address);

	freeaddrinfo(found);
	return ok;
}

/* --- both --- */

static const struct kind {
	const char *prefix;
	int family;
} kinds[] = {
	{"inet6:", AF_INET6},
	{"inet:", AF_INET},
	{"local:", AF_UNIX},
	{"unix:", AF_UNIX},
};

static bool
open_any(struct milter_socket *s, const char *address, mode_t mode, const char *group,
	struct err *err)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (strncmp(address, kinds[i].prefix, len) != 0)
			continue;
		if (kinds[i].family == AF_UNIX)
			return open_unix(s, address + len, mode, group, err);
		return open_inet(s, address, kinds[i].family, address + len, err);
	}
	return err_set(
		err, "\"%s\" is not a socket address; write unix:/path or inet:PORT@HOST", address);
}

bool
milter_socket_open(struct milter_socket *s, const char *address, mode_t mode, const char *group,
	const char *name, struct err *err)
{
	*s = (struct milter_socket){.fd = milter_passed_socket(name)};
	s->passed = s->fd >= 0;
	if (s->passed)
		return true;
	if (open_any(s, address, mode, group, err) &&
		(listen(s->fd, BACKLOG) == 0 || err_errno(err, "%s", address)))
		return true;
	milter_socket_close(s);
	return false;
}

void
milter_socket_close(struct milter_socket *s)
{
	struct stat st;

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (s->path != NULL && lstat(s->path, &st) == 0 && st.st_dev == s->device &&
		st.st_ino == s->inode)
		unlink(s->path);
	free(s->path);
	s->path = NULL;
}
