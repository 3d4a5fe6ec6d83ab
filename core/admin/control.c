/* SPDX-License-Identifier: MIT */
/*
 * control.c - the socket on which people ask the running daemon
 *
 * One thread accepts; each client has another. Their number, their lines, their answers and their
 * time are bounded, for everybody of the socket's group may connect: no user but root can take all
 * places, and no users together those that are kept for root.
 */
#include "control.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_recent.h"
#include "base/mem.h"
#include "control_client.h"
#include "door/milter_socket.h"

/* Descriptors may be back after so long, ms. */
#define NO_ROOM_PAUSE 100
/* Commands that run when the daemon ends have so long. */
#define END_US (2 * CLOCK_SEC)

struct served {
	struct control_client client;
	struct served *next;
};

/* Main thread alone, but for what the lock protects. */
static struct {
	struct milter_socket *sockets;
	size_t count;
	const char *config;
	pthread_t thread;
	bool running;
	int wake;
} control = {.wake = -1};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects what follows */
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static struct served *served;
static unsigned served_count, others_count; /* others: not root */
static bool ending;

bool
control_open(const struct listener_settings *set, struct err *err)
{
	struct milter_socket s = {.fd = -1};

	if (!milter_socket_open(&s, set->socket, (mode_t)set->mode, set->group, set->name, err))
		return false;
	control.sockets = mem_grow(control.sockets, mem_product(control.count + 1, sizeof(s)));
	control.sockets[control.count++] = s;
	return true;
}

/* --- clients --- */

static void
drop(struct served *s)
{
	struct served **at = &served;

	pthread_mutex_lock(&lock);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	served_count--;
	others_count -= s->client.uid != 0;
	close(s->client.wire.fd);
	pthread_cond_signal(&left);
	pthread_mutex_unlock(&lock);
	free(s);
}

static void *
serve(void *context)
{
	struct served *s = context;

	control_serve(&s->client);
	drop(s);
	return NULL;
}

/* With the lock. */
static bool
has_room(uid_t uid)
{
	unsigned own = 0;

	for (const struct served *s = served; s != NULL; s = s->next)
		own += s->client.uid == uid;
	if (ending || served_count >= CONTROL_CLIENTS_MOST)
		return false;
	return uid == 0 || (others_count < CONTROL_OTHERS_MOST && own < CONTROL_OF_ONE_MOST);
}

/* False: there is no room for it, or no thread. */
static bool
begin(struct served *s)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool room;

	pthread_mutex_lock(&lock);
	room = has_room(s->client.uid);
	if (room) {
		s->next = served;
		served = s;
		served_count++;
		others_count += s->client.uid != 0;
	}
	pthread_mutex_unlock(&lock);
	if (!room)
		return false;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	room = pthread_create(&thread, &attr, serve, s) == 0;
	pthread_attr_destroy(&attr);
	if (!room)
		drop(s);
	return true;
}

/* False: there are no descriptors, or no memory for one. */
static bool
take_client(const struct milter_socket *socket)
{
	static const char full[] =
		"{\"error\":\"too many clients; try again\",\"kind\":\"later\"}\n";
	struct ucred who;
	socklen_t len = sizeof(who);
	struct served *s;
	int fd = accept4(socket->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM;
	/* Whom the kernel does not name is nobody. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		who.uid = (uid_t)-1;
	s = mem_zalloc(1, sizeof(*s));
	s->client.wire.fd = fd;
	s->client.uid = who.uid;
	s->client.config = control.config;
	if (begin(s))
		return true;
	(void)!send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL);
	close(fd);
	free(s);
	return true;
}

/* --- the thread that accepts --- */

static void *
accept_all(void *context)
{
	struct pollfd *polls = context, *wake = &polls[control.count];

	while (poll(polls, control.count + 1, -1) >= 0 || errno == EINTR) {
		bool room = true;

		if ((wake->revents & POLLIN) != 0)
			break;
		for (size_t i = 0; i < control.count; i++) {
			if ((polls[i].revents & POLLIN) != 0)
				room = take_client(&control.sockets[i]) && room;
		}
		/* Who cannot be taken is there at once again. */
		if (!room)
			(void)poll(wake, 1, NO_ROOM_PAUSE);
	}
	free(polls);
	return NULL;
}

bool
control_start(const char *config, struct err *err)
{
	struct pollfd *polls;
	sigset_t all, old;
	int failure;

	if (control.count == 0)
		return true;
	pthread_mutex_lock(&lock);
	ending = false;
	pthread_mutex_unlock(&lock);
	control.config = config;
	control_metrics_begin();
	log_recent_begin();
	control.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (control.wake < 0)
		return err_errno(err, "control socket");
	polls = mem_zalloc(control.count + 1, sizeof(*polls));
	for (size_t i = 0; i < control.count; i++)
		polls[i] = (struct pollfd){.fd = control.sockets[i].fd, .events = POLLIN};
	polls[control.count] = (struct pollfd){.fd = control.wake, .events = POLLIN};
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failure = pthread_create(&control.thread, NULL, accept_all, polls);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	control.running = failure == 0;
	if (control.running)
		return true;
	free(polls);
	return err_set(err, "control socket: %s", strerror(failure));
}

/* Wakes those who read; those who work end with their command. */
static void
end_clients(void)
{
	struct timespec until;
	int late = 0;

	clock_after(&until, END_US);
	pthread_mutex_lock(&lock);
	ending = true;
	for (struct served *s = served; s != NULL; s = s->next) {
		atomic_store(&s->client.ending, true);
		shutdown(s->client.wire.fd, SHUT_RDWR);
	}
	while (served_count > 0 && late == 0)
		late = pthread_cond_clockwait(&left, &lock, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(&lock);
	if (late != 0)
		log_write(LOG_LEVEL_WARN, "a command does not end; the daemon ends without it");
}

void
control_stop(void)
{
	static const uint64_t one = 1;

	if (control.running) {
		(void)!write(control.wake, &one, sizeof(one));
		pthread_join(control.thread, NULL);
		end_clients();
		control.running = false;
	}
	log_recent_end();
	if (control.wake >= 0)
		close(control.wake);
	control.wake = -1;
	for (size_t i = 0; i < control.count; i++)
		milter_socket_close(&control.sockets[i]);
	free(control.sockets);
	control.sockets = NULL;
	control.count = 0;
}
