/* SPDX-License-Identifier: MIT */
/*
 * faults.c - system calls that are interrupted, do half of what they should, or must be asked again
 *
 * Loaded into the daemon before the C library (LD_PRELOAD). One call of each kind in N fails in one
 * of the ways in which the system may fail it at any time; nothing is lost, so everything must go
 * on as without it. The order is the same for the same order of calls.
 *
 * Octets that a call says are not there come later, and so does room: epoll tells of both again.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define ONE_IN 8u

static atomic_uint calls;

/* 0: all is well; else one of `ways`, from 1. */
static unsigned
fault(unsigned ways)
{
	unsigned n = atomic_fetch_add(&calls, 1) * 2654435761u;

	n ^= n >> 15;
	return n % ONE_IN == 0 ? 1 + n / ONE_IN % ways : 0;
}

typedef ssize_t recv_call(int, void *, size_t, int);
typedef ssize_t send_call(int, const void *, size_t, int);
typedef int accept_call(int, struct sockaddr *, socklen_t *, int);
typedef int epoll_call(int, struct epoll_event *, int, int);
typedef int control_call(int, int, int, struct epoll_event *);
typedef ssize_t write_call(int, const void *, size_t);
typedef ssize_t writev_call(int, const struct iovec *, int);

/* The C library's function of that name. */
static void
find(void *call, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		abort();
	memcpy(call, &found, sizeof(found));
}

static ssize_t
fail(int error)
{
	errno = error;
	return -1;
}

/* --- what epoll tells again --- */

#define DESCRIPTORS 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	int set; /* 0: in none that is known */
	struct epoll_event event;
} watched[DESCRIPTORS];

int
epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
	control_call *real;

	find(&real, "epoll_ctl");
	pthread_mutex_lock(&lock);
	if (fd < DESCRIPTORS) {
		watched[fd].set = event != NULL ? set : 0;
		if (event != NULL)
			watched[fd].event = *event;
	}
	int done = real(set, operation, fd, event);
	int error = errno;
	pthread_mutex_unlock(&lock);
	errno = error;
	return done;
}

/* A descriptor that was closed and is another now is told of in vain, or not at all. */
static void
tell_again(int fd)
{
	control_call *real;
	int error = errno;

	find(&real, "epoll_ctl");
	pthread_mutex_lock(&lock);
	if (fd < DESCRIPTORS && watched[fd].set > 0)
		(void)real(watched[fd].set, EPOLL_CTL_MOD, fd, &watched[fd].event);
	pthread_mutex_unlock(&lock);
	errno = error;
}

/* --- the calls --- */

ssize_t
recv(int fd, void *bytes, size_t len, int flags)
{
	recv_call *real;
	ssize_t n;

	find(&real, "recv");
	switch (fault(3)) {
	case 1:
		return fail(EINTR);
	case 2:
		tell_again(fd);
		return fail(EAGAIN);
	case 3:
		n = real(fd, bytes, len > 1 ? 1 : len, flags);
		tell_again(fd);
		return n;
	default:
		return real(fd, bytes, len, flags);
	}
}

ssize_t
send(int fd, const void *bytes, size_t len, int flags)
{
	send_call *real;

	find(&real, "send");
	switch (fault(3)) {
	case 1:
		return fail(EINTR);
	case 2:
		tell_again(fd);
		return fail(EAGAIN);
	case 3:
		return real(fd, bytes, len > 1 ? len / 2 : len, flags);
	default:
		return real(fd, bytes, len, flags);
	}
}

int
accept4(int fd, struct sockaddr *from, socklen_t *size, int flags)
{
	accept_call *real;

	find(&real, "accept4");
	switch (fault(4)) {
	case 1:
		return (int)fail(EINTR);
	case 2:
		return (int)fail(EAGAIN);
	case 3:
		return (int)fail(ECONNABORTED);
	case 4:
		return (int)fail(EMFILE);
	default:
		return real(fd, from, size, flags);
	}
}

int
epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
	epoll_call *real;

	find(&real, "epoll_wait");
	return fault(1) != 0 ? (int)fail(EINTR) : real(fd, events, most, timeout);
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
	write_call *real;

	find(&real, "write");
	switch (fault(2)) {
	case 1:
		return fail(EINTR);
	case 2:
		return real(fd, bytes, len > 1 ? len / 2 : len);
	default:
		return real(fd, bytes, len);
	}
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	writev_call *real;

	find(&real, "writev");
	switch (fault(2)) {
	case 1:
		return fail(EINTR);
	case 2:
		return real(fd, parts, count > 1 ? count / 2 : count);
	default:
		return real(fd, parts, count);
	}
}
