/* SPDX-License-Identifier: MIT */
/*
 * test_script_waiting.c - rules that wait for DNS, and a session that asks nothing
 *
 * A real daemon, whose DNS server (a thread here) keeps its answers until it is told. 200 sessions
 * wait in a rule; then others come that ask nothing, and are served to their end while all the 200
 * still wait. Nothing here depends on how long that takes.
 */
#include <arpa/inet.h>
#include <check.h>
#include <ctype.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../smtp/daemon.h"
#include "../smtp/mta.h"
#include "table.h"
#include "temp.h"

#define PATIENCE_MS 60000
#define WAITING	    200
#define OTHERS	    20
#define HELD_MOST   4096
#define QUERY_MOST  512
#define HEADER	    12

/* --- the DNS server --- */

static struct server {
	pthread_t thread;
	int fd;
	unsigned port;
	atomic_bool answers, stop;
	bool asked[WAITING]; /* of its thread */
	atomic_int names;    /* asked so far */
	struct query {
		struct sockaddr_in from;
		size_t len; /* of header and question */
		unsigned char octets[QUERY_MOST + 16];
	} held[HELD_MOST];
	size_t held_count;
} server;

/* Where the question ends; 0: it does not. */
static size_t
question_end(const unsigned char *p, size_t len)
{
	size_t at = HEADER;

	while (at < len && p[at] != 0)
		at += (size_t)p[at] + 1;
	return at + 5 <= len ? at + 5 : 0;
}

/* The first label is a letter and the number of the session. */
static void
count_name(const unsigned char *label)
{
	unsigned long number = strtoul((const char *)label + 2, NULL, 10);

	if (tolower(label[1]) != 'w' || number >= WAITING || server.asked[number])
		return;
	server.asked[number] = true;
	atomic_fetch_add(&server.names, 1);
}

/* 192.0.2.1 for any name, and no record of another type. */
static void
answer(struct query *q)
{
	static const unsigned char record[] = {
		0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1};
	bool a = q->octets[q->len - 4] == 0 && q->octets[q->len - 3] == 1;
	const unsigned char counts[] = {0x81, 0x80, 0, 1, 0, a, 0, 0, 0, 0};

	memcpy(q->octets + 2, counts, sizeof(counts));
	if (a)
		memcpy(q->octets + q->len, record, sizeof(record));
	(void)!sendto(server.fd, q->octets, q->len + (a ? sizeof(record) : 0), 0,
		(struct sockaddr *)&q->from, sizeof(q->from));
}

static void
take_query(void)
{
	struct query *q = &server.held[server.held_count];
	socklen_t from = sizeof(q->from);
	ssize_t len =
		recvfrom(server.fd, q->octets, QUERY_MOST, 0, (struct sockaddr *)&q->from, &from);

	q->len = len < HEADER ? 0 : question_end(q->octets, (size_t)len);
	if (q->len == 0)
		return;
	count_name(q->octets + HEADER);
	if (server.held_count + 1 < HELD_MOST)
		server.held_count++;
}

static void *
serve_dns(void *context)
{
	(void)context;
	while (!atomic_load(&server.stop)) {
		take_query();
		if (!atomic_load(&server.answers))
			continue;
		for (size_t i = 0; i < server.held_count; i++)
			answer(&server.held[i]);
		server.held_count = 0;
	}
	return NULL;
}

static void
start_dns(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	const struct timeval step = {.tv_usec = 20000};
	socklen_t len = sizeof(any);

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(server.fd, 0);
	ck_assert_int_eq(bind(server.fd, (struct sockaddr *)&any, sizeof(any)), 0);
	ck_assert_int_eq(getsockname(server.fd, (struct sockaddr *)&any, &len), 0);
	setsockopt(server.fd, SOL_SOCKET, SO_RCVTIMEO, &step, sizeof(step));
	server.port = ntohs(any.sin_port);
	ck_assert_int_eq(pthread_create(&server.thread, NULL, serve_dns, NULL), 0);
}

static void
stop_dns(void)
{
	atomic_store(&server.stop, true);
	pthread_join(server.thread, NULL);
	close(server.fd);
}

/* --- the daemon --- */

static struct daemon d;
static char rule[TEMP_NAME_SIZE];

/* A file of this build: the test is build/tests/unit/test_script_waiting. */
static void
built(char out[PATH_MAX], const char *name)
{
	ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 32);

	ck_assert_int_gt(len, 0);
	out[len] = '\0';
	for (int up = 0; up < 3; up++)
		*strrchr(out, '/') = '\0';
	strcat(out, name);
}

static void
write_file(char path[TEMP_NAME_SIZE], const char *text)
{
	FILE *f = fdopen(temp_file(path, "waiting"), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

static void
start_daemon(void)
{
	char program[PATH_MAX], path[TEMP_NAME_SIZE], text[1024], why[256] = "";
	bool started;

	write_file(rule, "function mail(m, from)\n"
			 "\tif m.server.port == 587 then return end\n"
			 "\tlocal found, err = dns.a(from.domain)\n"
			 "\treturn reject('5.7.1', found and found[1] or err)\n"
			 "end\n");
	snprintf(text, sizeof(text),
		"main { authserv_id = mx.example.com; drain_timeout = 1s; message_timeout = 5min "
		"}\n"
		"log { target = stderr; summary = no }\n"
		"listener test { engine = @ENGINE@; socket = \"unix:@DIR@/milter.sock\" }\n"
		"dns { resolvers = [ \"127.0.0.1@%u\" ]; timeout = 60s }\n"
		"profile all { chain = [ asks ] }\n"
		"script asks { file = \"%s\"; timeout = 2min }\n",
		server.port, rule);
	built(program, "/chainmail");
	write_file(path, text);
	started = daemon_start(&d, program, path, "native", PATIENCE_MS, why, sizeof(why));
	unlink(path);
	if (!started)
		daemon_print_log(&d);
	ck_assert_msg(started, "%s", why);
}

static void
stop_daemon(void)
{
	char why[256] = "";
	bool good = d.pid == 0 || daemon_stop(&d, PATIENCE_MS, why, sizeof(why));

	if (!good)
		daemon_print_log(&d);
	ck_assert_msg(good, "%s", why);
	daemon_clean(&d);
	unlink(rule);
}

/* --- its clients --- */

static struct mta *
greet(const char *port)
{
	struct mta *m = mta_open(d.address, 2 * PATIENCE_MS);

	ck_assert_ptr_nonnull(m);
	mta_macro(m, "daemon_port", port);
	ck_assert_int_eq(mta_negotiate(m, &mta_offer_postfix), MTA_NEGOTIATED);
	ck_assert_int_lt(mta_connect(m, "mail.example.org", "203.0.113.7", 40000), MTA_REJECT);
	ck_assert_int_lt(mta_helo(m, "mail.example.org"), MTA_REJECT);
	return m;
}

struct waiting {
	pthread_t thread;
	struct mta *mta;
	int number;
	char reply[128];
};

static atomic_int replies;

static void *
say_mail(void *context)
{
	struct waiting *w = context;
	char from[64];
	const char *words = from;

	snprintf(from, sizeof(from), "<alice@w%d.example>", w->number);
	mta_mail(w->mta, &words, 1);
	snprintf(w->reply, sizeof(w->reply), "%s", mta_text(w->mta));
	atomic_fetch_add(&replies, 1);
	return NULL;
}

static void
until_all_wait(void)
{
	const struct timespec step = {0, 10 * 1000000L};

	for (int i = 0; i < PATIENCE_MS / 10 && atomic_load(&server.names) < WAITING; i++)
		nanosleep(&step, NULL);
	ck_assert_int_eq(atomic_load(&server.names), WAITING);
}

/* A message that asks nothing, from the first word to the last. */
static void
serve_another(void)
{
	const char *from = "<bob@example.org>", *to = "<a@example.com>";
	struct mta *m = greet("587");

	ck_assert_int_lt(mta_mail(m, &from, 1), MTA_REJECT);
	ck_assert_int_lt(mta_rcpt(m, &to, 1), MTA_REJECT);
	ck_assert_int_lt(mta_data(m), MTA_REJECT);
	ck_assert_int_lt(mta_eom(m), MTA_REJECT);
	mta_close(m);
}

START_TEST(two_hundred_wait_and_nobody_else)
{
	static struct waiting waiting[WAITING];

	for (int i = 0; i < WAITING; i++) {
		waiting[i].number = i;
		waiting[i].mta = greet("25");
		ck_assert_int_eq(
			pthread_create(&waiting[i].thread, NULL, say_mail, &waiting[i]), 0);
	}
	until_all_wait();
	for (int i = 0; i < OTHERS; i++)
		serve_another();
	ck_assert_int_eq(atomic_load(&replies), 0);
	atomic_store(&server.answers, true);
	for (int i = 0; i < WAITING; i++) {
		pthread_join(waiting[i].thread, NULL);
		ck_assert_msg(strncmp(waiting[i].reply, "550 5.7.1 192.0.2.1", 19) == 0,
			"session %d: %s", i, waiting[i].reply);
		mta_close(waiting[i].mta);
	}
}
END_TEST

static void
setup(void)
{
	start_dns();
	start_daemon();
}

static void
teardown(void)
{
	stop_daemon();
	stop_dns();
}

int
main(void)
{
	Suite *suite = suite_create("script_waiting");
	TCase *tc = tcase_create("dns");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 4 * PATIENCE_MS / 1000);
	tcase_add_test(tc, two_hundred_wait_and_nobody_else);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
