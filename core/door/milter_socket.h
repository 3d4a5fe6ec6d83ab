/* SPDX-License-Identifier: MIT */
/*
 * milter_socket.h - a listening socket: opened with care, and its file removed at the end
 *
 * Knows addresses, files and who listens there, and nothing of what is said over it.
 */
#ifndef CORE_DOOR_MILTER_SOCKET_H
#define CORE_DOOR_MILTER_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct milter_socket {
	int fd;	     /* -1: closed; non-blocking, closed on exec */
	bool passed; /* the service manager's, which keeps it for the next daemon */
	char *path;  /* file of a unix socket; NULL: none */
	dev_t device;
	ino_t inode; /* of the file as we made it */
};

/*
 * Listens on "unix:PATH", "local:PATH", "inet:PORT[@HOST]" or "inet6:PORT[@HOST]". A unix socket
 * gets mode and group (NULL: as the directory gives it); a stale one is replaced. False, with words
 * for an administrator, when a daemon answers there or the file is no socket. A socket that the
 * service manager passed under that name (FileDescriptorName=, sd_listen_fds(3)) is used as it is.
 */
bool milter_socket_open(struct milter_socket *, const char *address, mode_t mode, const char *group,
	const char *name, struct err *) MUST_USE;
/* Removes the file if it is still the one that was made. Idempotent. */
void milter_socket_close(struct milter_socket *);

#endif
