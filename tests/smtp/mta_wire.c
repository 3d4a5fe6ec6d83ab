/* SPDX-License-Identifier: MIT */
/*
 * mta_wire.c - packets of the milter protocol over a socket, for the MTA's side
 *
 * The one file of the test client that makes system calls on the filter's socket. Every wait has an
 * end: a filter that hangs is a result of a test, not the end of it.
 */
#include "mta_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Beyond this the output leaves without waiting for a reason to read. */
#define FLUSH_AT     ((size_t)256 << 10)
#define READ_SIZE    ((size_t)64 << 10)
#define LENGTH_BYTES 4

/* Where packets read are written, too; of the one thread that plays. */
static FILE *copy;

long long
wire_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
buffer_reserve(struct wire_buffer *b, size_t more)
{
	size_t capacity = b->capacity ? b->capacity : 4096;

	while (capacity - b->length < more)
		capacity *= 2;
	if (capacity == b->capacity)
		return;
	b->bytes = realloc(b->bytes, capacity);
	if (!b->bytes) {
		fprintf(stderr, "out of memory for %zu bytes\n", capacity);
		abort();
	}
	b->capacity = capacity;
}

static void
buffer_add(struct wire_buffer *b, const void *bytes, size_t length)
{
	if (length == 0)
		return;
	buffer_reserve(b, length);
	memcpy(b->bytes + b->length, bytes, length);
	b->length += length;
}

/* Waits for `events`; false when the deadline passed first. */
static bool
wait_until(int fd, short events, long long deadline)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		long long left = deadline - wire_now_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return true;
		if (n == 0 || errno != EINTR)
			return false;
	}
}

static bool
connect_within(int fd, const struct sockaddr *address, socklen_t length, int timeout_ms)
{
	int failure = 0;
	socklen_t size = sizeof failure;

	if (connect(fd, address, length) == 0)
		return true;
	if (errno != EINPROGRESS)
		return false;
	if (!wait_until(fd, POLLOUT, wire_now_ms() + timeout_ms)) {
		errno = ETIMEDOUT;
		return false;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0)
		return true;
	errno = failure ? failure : EIO;
	return false;
}

static int
open_socket(const struct sockaddr *address, socklen_t length, int timeout_ms)
{
	int on = 1;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (!connect_within(fd, address, length, timeout_ms)) {
		int why = errno;

		close(fd);
		errno = why;
		return -1;
	}
	if (address->sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static int
open_unix(const char *path, int timeout_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	return open_socket((const struct sockaddr *)&address, sizeof address, timeout_ms);
}

static int
open_inet(const char *port_at_host, int timeout_ms)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char port[64];
	const char *at = strchr(port_at_host, '@');
	size_t length = at ? (size_t)(at - port_at_host) : 0;

	if (length == 0 || length >= sizeof port) {
		errno = EINVAL;
		return -1;
	}
	memcpy(port, port_at_host, length);
	port[length] = '\0';
	if (getaddrinfo(at + 1, port, &hints, &found) != 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	int fd = open_socket(found->ai_addr, found->ai_addrlen, timeout_ms);
	int why = errno;
	freeaddrinfo(found);
	errno = why;
	return fd;
}

static const struct transport {
	const char *prefix;
	int (*open)(const char *rest, int timeout_ms);
} transports[] = {
	{"inet6:", open_inet},
	{"inet:", open_inet},
	{"local:", open_unix},
	{"unix:", open_unix},
};

bool
wire_open(struct wire *w, const char *address, int timeout_ms)
{
	*w = (struct wire){.fd = -1, .timeout_ms = timeout_ms};
	errno = EINVAL;
	for (size_t i = 0; i < sizeof transports / sizeof *transports; i++) {
		size_t length = strlen(transports[i].prefix);

		if (strncmp(address, transports[i].prefix, length) == 0) {
			w->fd = transports[i].open(address + length, timeout_ms);
			break;
		}
	}
	return w->fd >= 0;
}

void
wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w->out.bytes);
	free(w->in.bytes);
	*w = (struct wire){.fd = -1, .timeout_ms = w->timeout_ms};
}

void
wire_add(struct wire *w, const void *bytes, size_t length)
{
	buffer_add(&w->out, bytes, length);
	if (w->out.length >= FLUSH_AT)
		(void)wire_flush(w);
}

void
wire_add_packet(struct wire *w, char command, const struct wire_part *parts, size_t count)
{
	size_t length = 1;

	for (size_t i = 0; i < count; i++)
		length += parts[i].length;
	uint32_t wide = htonl((uint32_t)length);
	buffer_reserve(&w->out, LENGTH_BYTES + length);
	buffer_add(&w->out, &wide, sizeof wide);
	buffer_add(&w->out, &command, 1);
	for (size_t i = 0; i < count; i++)
		buffer_add(&w->out, parts[i].bytes, parts[i].length);
	if (w->out.length >= FLUSH_AT)
		(void)wire_flush(w);
}

enum wire_status
wire_flush(struct wire *w)
{
	long long deadline = wire_now_ms() + w->timeout_ms;
	size_t sent = 0;
	enum wire_status status = w->fd < 0 ? WIRE_CLOSED : WIRE_OK;

	while (status == WIRE_OK && sent < w->out.length) {
		ssize_t n = send(w->fd, w->out.bytes + sent, w->out.length - sent, MSG_NOSIGNAL);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			status = WIRE_CLOSED;
		else if (!wait_until(w->fd, POLLOUT, deadline))
			status = WIRE_TIMEOUT;
	}
	w->out.length = 0;
	return status;
}

/* Makes at least `want` unread bytes available from in_used on. */
static enum wire_status
fill(struct wire *w, size_t want, long long deadline)
{
	while (w->in.length - w->in_used < want) {
		if (w->in_used == w->in.length)
			w->in_used = w->in.length = 0;
		buffer_reserve(&w->in, READ_SIZE);
		ssize_t n = recv(w->fd, w->in.bytes + w->in.length, READ_SIZE, 0);

		if (n > 0)
			w->in.length += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return WIRE_CLOSED;
		else if (!wait_until(w->fd, POLLIN, deadline))
			return WIRE_TIMEOUT;
	}
	return WIRE_OK;
}

/*
 * Whether unknown commands are wanted (SMFIP_NOUNKNOWN, the lowest bit of the third octet of the
 * steps) is left out: libmilter cannot have them, so it says nothing of the filter.
 */
static void
write_copy(const struct wire_packet *p)
{
	fprintf(copy, "  %c ", p->command);
	for (size_t i = 0; i < p->length; i++) {
		bool bit = p->command == 'O' && i == 10;
		unsigned char c = (unsigned char)(bit ? p->data[i] & ~1 : p->data[i]);

		if (c < ' ' || c == '\\' || c >= 127)
			fprintf(copy, "\\x%02x", c);
		else
			fputc(c, copy);
	}
	fputc('\n', copy);
}

enum wire_status
wire_read(struct wire *w, int timeout_ms, struct wire_packet *packet)
{
	long long deadline = wire_now_ms() + timeout_ms;
	uint32_t wide;

	if (w->fd < 0)
		return WIRE_CLOSED;
	enum wire_status status = fill(w, LENGTH_BYTES, deadline);
	if (status != WIRE_OK)
		return status;
	memcpy(&wide, w->in.bytes + w->in_used, sizeof wide);
	size_t length = ntohl(wide);
	if (length == 0 || length > WIRE_PACKET_MAX)
		return WIRE_GARBLED;
	status = fill(w, LENGTH_BYTES + length, deadline);
	if (status != WIRE_OK)
		return status;
	const unsigned char *start = w->in.bytes + w->in_used + LENGTH_BYTES;
	*packet = (struct wire_packet){(char)start[0], start + 1, length - 1};
	w->in_used += LENGTH_BYTES + length;
	if (copy)
		write_copy(packet);
	return WIRE_OK;
}

void
wire_write_to(FILE *f)
{
	copy = f;
}

bool
wire_pending(struct wire *w)
{
	return w->in.length > w->in_used ||
	       (w->fd >= 0 && wait_until(w->fd, POLLIN, wire_now_ms()));
}
