/* SPDX-License-Identifier: MIT */
/*
 * log_sink.c - one place where log entries go
 *
 * Speaks the journal's native protocol and syslog's datagrams itself: both libraries block when the
 * reader is slow, and a log must never hold mail up. Sockets are not connected, so a reader that
 * was restarted is found again by itself.
 */
#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log_line.h"
#include "text.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SYSLOG_SOCKET  "/dev/log"
#define FACILITY_MAIL  (2u << 3)

/* --- opening --- */

static void
look_at(struct log_sink *t)
{
	struct stat st;

	if (fstat(t->fd, &st) != 0)
		return;
	t->is_socket = S_ISSOCK(st.st_mode);
	t->is_regular = S_ISREG(st.st_mode);
}

/*
 * A description of our own can be made non-blocking without changing it for everybody who shares
 * standard error. A regular file keeps the shared one, for its offset.
 */
static bool
open_stderr(struct log_sink *t, struct err *err)
{
	t->fd = STDERR_FILENO;
	look_at(t);
	t->fd = -1;
	if (!t->is_regular && !t->is_socket)
		t->fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (t->fd < 0)
		t->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (t->fd < 0)
		return err_errno(err, "cannot log to standard error");
	return true;
}

static bool
open_file(struct log_sink *t, const char *path, struct err *err)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

	if (path == NULL)
		return err_set(err, "a log with target = file needs path");
	t->fd = open(path, flags, 0640);
	if (t->fd < 0)
		return err_errno(err, "cannot open log file %s", path);
	look_at(t);
	return true;
}

static bool
open_peer(struct log_sink *t, const char *path, struct err *err)
{
	int probe;
	bool there;

	if (strlen(path) >= sizeof(t->peer.sun_path))
		return err_set(err, "%s: name too long for a socket", path);
	t->peer.sun_family = AF_UNIX;
	memcpy(t->peer.sun_path, path, strlen(path) + 1);
	t->is_socket = true;
	probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	there = probe >= 0 && connect(probe, (struct sockaddr *)&t->peer, sizeof(t->peer)) == 0;
	if (!there)
		err_errno(err, "%s", path);
	if (probe >= 0)
		close(probe);
	if (!there)
		return false;
	t->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return t->fd >= 0 ? true : err_errno(err, "socket");
}

/* The journal, else syslog, else standard error: a missing logger must not stop mail. */
static bool
open_with_fallback(struct log_sink *t, const char *path, struct err *err)
{
	struct err why;

	if (t->config.target == LOG_TARGET_JOURNAL) {
		if (open_peer(t, path == NULL ? JOURNAL_SOCKET : path, &why))
			return true;
		err_set(&t->note, "journal: %.200s; logging to syslog instead", why.text);
		t->config.target = LOG_TARGET_SYSLOG;
		path = NULL;
	}
	if (open_peer(t, path == NULL ? SYSLOG_SOCKET : path, &why))
		return true;
	err_set(&t->note, "%s: %.200s; logging to standard error instead",
		t->note.text[0] == '\0' ? "syslog" : "neither journal nor syslog is there",
		why.text);
	t->config.target = LOG_TARGET_STDERR;
	t->peer = (struct sockaddr_un){0};
	t->is_socket = false;
	return open_stderr(t, err);
}

bool
log_sink_open(struct log_sink *t, const struct log_config *config, struct err *err)
{
	memset(t, 0, sizeof(*t));
	t->config = *config;
	t->config.path = NULL;
	t->fd = -1;
	switch (config->target) {
	case LOG_TARGET_STDERR:
		return open_stderr(t, err);
	case LOG_TARGET_FILE:
		return open_file(t, config->path, err);
	case LOG_TARGET_JOURNAL:
	case LOG_TARGET_SYSLOG:
		break;
	}
	return open_with_fallback(t, config->path, err);
}

void
log_sink_early(struct log_sink *t)
{
	memset(t, 0, sizeof(*t));
	t->config = (struct log_config){
		.target = LOG_TARGET_STDERR, .level = LOG_LEVEL_INFO, .summary = true};
	t->fd = STDERR_FILENO;
	look_at(t);
}

void
log_sink_close(struct log_sink *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

/* --- writing --- */

/* A pipe without a reader answers with SIGPIPE: take it back, whoever else ignores it or not. */
static ssize_t
write_guarded(int fd, const char *data, size_t len)
{
	struct timespec at_once = {0};
	sigset_t set, pending, old;
	ssize_t n;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	n = write(fd, data, len);
	if (n < 0 && errno == EPIPE && !sigismember(&pending, SIGPIPE)) {
		while (sigtimedwait(&set, NULL, &at_once) < 0 && errno == EINTR)
			;
		errno = EPIPE;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return n;
}

/* A pipe that is ready takes PIPE_BUF octets at once, even where it is not non-blocking. */
static ssize_t
write_ready(int fd, const char *data, size_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int flags = fcntl(fd, F_GETFL);

	if (poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0) {
		errno = EAGAIN;
		return -1;
	}
	if ((flags & O_NONBLOCK) == 0 && len > PIPE_BUF)
		len = PIPE_BUF;
	return write_guarded(fd, data, len);
}

/* A file takes all, unless its disk is full. Octets that were written. */
static ssize_t
write_file(int fd, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static ssize_t
put_once(const struct log_sink *t, const char *data, size_t len)
{
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	if (t->peer.sun_family != 0)
		return sendto(t->fd, data, len, flags, (const struct sockaddr *)&t->peer,
			sizeof(t->peer));
	if (t->is_socket)
		return send(t->fd, data, len, flags);
	if (t->is_regular)
		return write_file(t->fd, data, len);
	return write_ready(t->fd, data, len);
}

static ssize_t
put(const struct log_sink *t, const char *data, size_t len)
{
	ssize_t n;

	do
		n = put_once(t, data, len);
	while (n < 0 && errno == EINTR);
	return n;
}

/* False when not all of it was written. */
static bool
put_line(struct log_sink *t, const char *data, size_t len)
{
	ssize_t n;

	if (atomic_exchange(&t->torn, false) && put(t, "\n", 1) != 1) {
		atomic_store(&t->torn, true);
		return false;
	}
	n = put(t, data, len);
	if (n > 0 && (size_t)n < len)
		atomic_store(&t->torn, true);
	return n == (ssize_t)len;
}

static void
add_syslog_header(struct buf *b, const struct log_entry *e)
{
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t t = (time_t)e->wall;
	struct tm local = {0};

	localtime_r(&t, &local);
	buf_printf(b, "<%u>%s %2d %02d:%02d:%02d ", FACILITY_MAIL | log_line_severity(e->level),
		months[local.tm_mon], local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
}

static void
add_text_header(struct buf *b, const struct log_entry *e, bool with_time)
{
	char when[32], pid[TEXT_NUMBER];

	if (with_time) {
		log_line_time(e->wall, when);
		buf_add_str(b, when);
		buf_add_char(b, ' ');
	}
	text_number(pid, (uint64_t)e->pid);
	buf_add_str(b, LOG_IDENT "[");
	buf_add_str(b, pid);
	buf_add_str(b, "]: ");
}

void
log_sink_render(struct buf *b, const struct log_sink *t, const struct log_entry *e)
{
	bool json = t->config.format == LOG_FORMAT_JSON;

	if (t->config.target == LOG_TARGET_JOURNAL) {
		log_line_journal(b, e, t->config.format);
		return;
	}
	if (t->config.target == LOG_TARGET_SYSLOG)
		add_syslog_header(b, e);
	if (t->config.target == LOG_TARGET_SYSLOG || !json)
		add_text_header(b, e, t->config.target == LOG_TARGET_FILE);
	if (json)
		log_line_json(b, e);
	else
		log_line_text(b, e);
	if (t->config.target != LOG_TARGET_SYSLOG)
		buf_add_char(b, '\n');
}

/* Says how many lines are missing before the next one, once there is room again. */
static void
report_lost(struct log_sink *t)
{
	unsigned lost = atomic_load(&t->lost) == 0 ? 0 : atomic_exchange(&t->lost, 0);
	struct log_entry e = {.level = LOG_LEVEL_WARN, .wall = clock_wall(), .pid = (int)getpid()};
	char text[64];
	struct buf b;

	if (lost == 0)
		return;
	snprintf(text, sizeof(text), "log: lines lost before this one: %u", lost);
	e.text = text;
	buf_init(&b, 0);
	log_sink_render(&b, t, &e);
	if (!put_line(t, b.data, b.len))
		atomic_fetch_add(&t->lost, lost);
	buf_fini(&b);
}

void
log_sink_put(struct log_sink *t, const char *lines, size_t len, unsigned count)
{
	if (put_line(t, lines, len))
		report_lost(t);
	else
		atomic_fetch_add(&t->lost, count);
}

void
log_sink_write(struct log_sink *t, const struct log_entry *e)
{
	struct buf b;

	buf_init(&b, 0);
	log_sink_render(&b, t, e);
	log_sink_put(t, b.data, b.len, 1);
	buf_fini(&b);
}
