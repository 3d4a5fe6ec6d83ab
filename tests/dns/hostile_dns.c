/* SPDX-License-Identifier: MIT */
/*
 * hostile_dns.c - a DNS server for tests, which does to an asker what the name says
 *
 * One thread, UDP and TCP on one address and port of the loopback network. Prints "port N" when it
 * serves, ends with its standard input or TERM, and then prints what it has seen: a question that
 * is not as it should be is an error of the asker, and its exit status tells.
 */
#include "behave.h"
#include "later.h"
#include "packet.h"
#include "zone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH	     64
#define QUESTION_MAX 512  /* octets */
#define UDP_MAX	     4096 /* octets of an answer */
#define CONNECTIONS  512
#define NAMES	     1024 /* that are counted */

struct connection {
	int fd; /* -1: free */
	unsigned life;
	unsigned char in[QUESTION_MAX + 2];
	size_t in_len;
	unsigned char *out;
	size_t out_len;
	bool last; /* hang up when everything is written */
};

/* What epoll says is ready: one of these, or CONNECTION and the slot. */
enum ready { READY_UDP, READY_TCP, READY_INPUT, READY_SIGNAL, READY_CONNECTION };

static struct server {
	int epoll, udp, tcp;
	const struct zone *zone;
	bool over;
	int64_t now; /* milliseconds */
	struct connection connections[CONNECTIONS];
	struct {
		struct name name;
		unsigned count;
	} names[NAMES];
	unsigned long asked, answered, by_tcp, malformed;
} server;

static _Noreturn void
give_up(const char *what)
{
	fprintf(stderr, "hostile_dns: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
watch(int fd, uint64_t what, uint32_t events, int operation)
{
	struct epoll_event e = {.events = events, .data.u64 = what};

	if (epoll_ctl(server.epoll, operation, fd, &e) != 0)
		give_up("epoll_ctl");
}

/* --- out over UDP ----------------------------------------------------------------------------- */

static struct {
	unsigned count;
	unsigned char octets[BATCH][UDP_MAX];
	struct asker askers[BATCH];
	struct iovec vectors[BATCH];
	struct mmsghdr messages[BATCH];
} out;

/* An answer that the socket has no room for is lost, as on any network. */
static void
flush_udp(void)
{
	if (out.count > 0)
		(void)sendmmsg(server.udp, out.messages, out.count, MSG_DONTWAIT);
	out.count = 0;
}

static void
send_udp(const struct asker *to, const void *octets, size_t len)
{
	unsigned i = out.count;

	if (len > UDP_MAX)
		len = UDP_MAX;
	memcpy(out.octets[i], octets, len);
	out.askers[i] = *to;
	out.vectors[i] = (struct iovec){out.octets[i], len};
	out.messages[i].msg_hdr = (struct msghdr){.msg_name = &out.askers[i].address,
		.msg_namelen = to->address_len,
		.msg_iov = &out.vectors[i],
		.msg_iovlen = 1};
	if (++out.count == BATCH)
		flush_udp();
}

/* --- out over TCP ----------------------------------------------------------------------------- */

static void
hang_up(struct connection *c)
{
	close(c->fd);
	free(c->out);
	c->fd = -1;
	c->out = NULL;
	c->in_len = c->out_len = 0;
	c->life++;
}

static void
flush_tcp(struct connection *c)
{
	ssize_t n = send(c->fd, c->out, c->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		hang_up(c);
		return;
	}
	if (n > 0) {
		c->out_len -= (size_t)n;
		memmove(c->out, c->out + n, c->out_len);
	}
	if (c->out_len == 0 && c->last)
		hang_up(c);
	else
		watch(c->fd, READY_CONNECTION + (uint64_t)(c - server.connections),
			EPOLLIN | (c->out_len > 0 ? EPOLLOUT : 0), EPOLL_CTL_MOD);
}

static void
send_tcp(const struct asker *to, const unsigned char *octets, size_t len)
{
	struct connection *c = &server.connections[to->slot];
	unsigned char length[2] = {(unsigned char)(len >> 8), (unsigned char)len};

	if (c->fd < 0 || c->life != to->life || c->last)
		return;
	c->out = realloc(c->out, c->out_len + 2 + len);
	if (!c->out)
		abort();
	memcpy(c->out + c->out_len, length, 2);
	memcpy(c->out + c->out_len + 2, octets, len);
	c->out_len += 2 + (to->cut ? len / 2 : len);
	c->last = to->cut;
	flush_tcp(c);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void
send_now(const struct asker *to, const unsigned char *octets, size_t len)
{
	server.answered++;
	if (to->tcp)
		send_tcp(to, octets, len);
	else
		send_udp(to, octets, len);
}

static void
send_packet(const struct asker *to, const struct packet *p, unsigned delay_ms)
{
	if (delay_ms > 0)
		later_add(server.now + delay_ms, to, p->octets, p->len);
	else
		send_now(to, p->octets, p->len);
}

/* How often a name was asked with "counted" in front. */
static unsigned *
count_of(const struct name *name)
{
	size_t i = name_hash(name) % NAMES;

	for (size_t tries = 0; tries < NAMES; tries++, i = (i + 1) % NAMES) {
		if (server.names[i].name.len == 0)
			server.names[i].name = *name;
		if (name_equal(&server.names[i].name, name))
			return &server.names[i].count;
	}
	errno = ENOSPC;
	give_up("more names to be counted than there is room for");
}

static void
answer(struct asker *to, const struct query *q, const struct plan *plan)
{
	static struct packet p;

	behave_answer(plan, q, to->tcp, &p);
	if (p.full) {
		errno = EMSGSIZE;
		give_up("an answer that was asked for is larger than any packet");
	}
	for (int i = 0; plan->flags & PLAN_SPOOFED && i < 3; i++) {
		plan->spoil(&p);
		send_packet(to, &p, plan->delay_ms);
		plan->spoil(&p);
	}
	if (plan->spoil && !(plan->flags & PLAN_SPOOFED))
		plan->spoil(&p);
	to->cut = (plan->flags & PLAN_TCP_CUT) != 0;
	send_packet(to, &p, plan->delay_ms);
	if (plan->flags & PLAN_TWICE)
		send_packet(to, &p, plan->delay_ms);
}

/* False: there is nothing to wait for. */
static bool
on_question(struct asker *to, const unsigned char *octets, size_t len)
{
	struct query q;
	struct plan plan;

	if (!query_parse(octets, len, &q)) {
		server.malformed++;
		return true;
	}
	server.asked++;
	server.by_tcp += to->tcp;
	behave_plan(&plan, &q, server.zone);
	if (plan.flags & PLAN_COUNT)
		++*count_of(&q.name);
	if (plan.flags & PLAN_ASKED)
		plan.asked = *count_of(&plan.rest);
	if (to->tcp && plan.flags & PLAN_TCP_CLOSE)
		return false;
	if (!(plan.flags & PLAN_SILENT || (to->tcp && plan.flags & PLAN_TCP_SILENT)))
		answer(to, &q, &plan);
	return true;
}

/* --- in over UDP ------------------------------------------------------------------------------ */

static struct {
	unsigned char octets[BATCH][QUESTION_MAX];
	struct asker askers[BATCH];
	struct iovec vectors[BATCH];
	struct mmsghdr messages[BATCH];
} in;

static void
on_udp(void)
{
	for (int i = 0; i < BATCH; i++) {
		in.askers[i] = (struct asker){.tcp = false};
		in.vectors[i] = (struct iovec){in.octets[i], QUESTION_MAX};
		in.messages[i].msg_hdr = (struct msghdr){.msg_name = &in.askers[i].address,
			.msg_namelen = sizeof in.askers[i].address,
			.msg_iov = &in.vectors[i],
			.msg_iovlen = 1};
	}
	int count = recvmmsg(server.udp, in.messages, BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < count; i++) {
		in.askers[i].address_len = in.messages[i].msg_hdr.msg_namelen;
		(void)on_question(&in.askers[i], in.octets[i], in.messages[i].msg_len);
	}
	flush_udp();
}

/* --- in over TCP ------------------------------------------------------------------------------ */

static void
on_tcp(void)
{
	int fd = accept4(server.tcp, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct connection *c = server.connections;

	if (fd < 0)
		return;
	while (c < server.connections + CONNECTIONS && c->fd >= 0)
		c++;
	if (c == server.connections + CONNECTIONS) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->last = false;
	watch(fd, READY_CONNECTION + (uint64_t)(c - server.connections), EPOLLIN, EPOLL_CTL_ADD);
}

/* Takes whole questions from what was read; false when the connection is to end. */
static bool
take_questions(struct connection *c)
{
	while (c->in_len >= 2) {
		size_t len = (size_t)c->in[0] << 8 | c->in[1];
		struct asker to = {
			.tcp = true, .slot = (int)(c - server.connections), .life = c->life};

		if (len > QUESTION_MAX) {
			server.malformed++;
			return false;
		}
		if (c->in_len < len + 2)
			break;
		if (!on_question(&to, c->in + 2, len))
			return false;
		if (c->life != to.life)
			return true;
		c->in_len -= len + 2;
		memmove(c->in, c->in + len + 2, c->in_len);
	}
	return true;
}

static void
on_connection(struct connection *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (events & EPOLLOUT)
		flush_tcp(c);
	if (c->fd < 0 || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof c->in - c->in_len, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		c->in_len += (size_t)n;
	if (n <= 0 || !take_questions(c))
		hang_up(c);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void
on_input(void)
{
	char octets[64];

	server.over = read(0, octets, sizeof octets) <= 0;
}

static void
on_ready(const struct epoll_event *e)
{
	switch (e->data.u64) {
	case READY_UDP:
		on_udp();
		break;
	case READY_TCP:
		on_tcp();
		break;
	case READY_INPUT:
		on_input();
		break;
	case READY_SIGNAL:
		server.over = true;
		break;
	default:
		on_connection(&server.connections[e->data.u64 - READY_CONNECTION], e->events);
		break;
	}
}

static void
send_due(void)
{
	struct later *l;

	while ((l = later_take(server.now))) {
		send_now(&l->asker, l->octets, l->len);
		free(l);
	}
	flush_udp();
}

static void
serve(void)
{
	struct epoll_event events[BATCH];

	while (!server.over) {
		server.now = now_ms();
		send_due();
		int count = epoll_wait(server.epoll, events, BATCH, later_wait(server.now));

		server.now = now_ms();
		for (int i = 0; i < count; i++)
			on_ready(&events[i]);
	}
}

/* --- start ------------------------------------------------------------------------------------ */

static int
open_socket(int type, const struct asker *at)
{
	int fd = socket(at->address.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int yes = 1, room = 8 << 20;

	if (fd < 0)
		give_up("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(fd, &at->address.any, at->address_len) != 0 ||
		(type == SOCK_STREAM && listen(fd, 512) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
read_address(struct asker *at, const char *text, unsigned port)
{
	*at = (struct asker){.address_len = sizeof at->address.v4};
	if (inet_pton(AF_INET, text, &at->address.v4.sin_addr) == 1) {
		at->address.v4.sin_family = AF_INET;
		at->address.v4.sin_port = htons((uint16_t)port);
		return true;
	}
	at->address_len = sizeof at->address.v6;
	at->address.v6.sin6_family = AF_INET6;
	at->address.v6.sin6_port = htons((uint16_t)port);
	return inet_pton(AF_INET6, text, &at->address.v6.sin6_addr) == 1;
}

/* The port of UDP may be taken for TCP: where any port will do, another one is tried. */
static unsigned
open_sockets(const char *address, unsigned port)
{
	for (int tries = 0; tries < 100; tries++) {
		struct asker at;

		if (!read_address(&at, address, port)) {
			errno = EINVAL;
			give_up(address);
		}
		server.udp = open_socket(SOCK_DGRAM, &at);
		if (server.udp < 0)
			break;
		if (getsockname(server.udp, &at.address.any, &at.address_len) != 0)
			give_up("getsockname");
		server.tcp = open_socket(SOCK_STREAM, &at);
		if (server.tcp >= 0)
			return ntohs(at.address.v4.sin_port); /* that of IPv6 has the same place */
		close(server.udp);
		if (port != 0)
			break;
	}
	give_up("cannot listen");
}

static void
begin(const char *address, unsigned port)
{
	struct epoll_event input = {.events = EPOLLIN, .data.u64 = READY_INPUT};
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	for (int i = 0; i < CONNECTIONS; i++)
		server.connections[i].fd = -1;
	server.epoll = epoll_create1(EPOLL_CLOEXEC);
	port = open_sockets(address, port);
	watch(server.udp, READY_UDP, EPOLLIN, EPOLL_CTL_ADD);
	watch(server.tcp, READY_TCP, EPOLLIN, EPOLL_CTL_ADD);
	if (epoll_ctl(server.epoll, EPOLL_CTL_ADD, 0, &input) != 0)
		give_up("standard input, which must be a pipe or a terminal");
	watch(signalfd(-1, &ends, SFD_CLOEXEC), READY_SIGNAL, EPOLLIN, EPOLL_CTL_ADD);
	printf("port %u\n", port);
	fflush(stdout);
}

static const struct option rows[] = {
	{"address", required_argument, NULL, 'a'},
	{"port", required_argument, NULL, 'p'},
	{"zone", required_argument, NULL, 'z'},
	{NULL, 0, NULL, 0},
};

int
main(int argc, char **argv)
{
	const char *address = "127.0.0.1";
	unsigned long port = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (c == 'a')
			address = optarg;
		else if (c == 'p')
			port = strtoul(optarg, NULL, 10);
		else if (c == 'z')
			server.zone = zone_read(optarg, behave_known);
		else
			port = 65536;
	}
	if (port > 65535 || optind != argc) {
		fprintf(stderr, "usage: hostile_dns [--address ADDRESS] [--port PORT] "
				"[--zone FILE]   ends with its standard input\n");
		return 2;
	}
	begin(address, (unsigned)port);
	serve();
	printf("%lu questions, %lu of them over TCP, %lu answers, %lu malformed\n", server.asked,
		server.by_tcp, server.answered, server.malformed);
	return server.malformed == 0 ? 0 : 1;
}
