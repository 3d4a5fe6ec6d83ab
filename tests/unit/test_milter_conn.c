/* SPDX-License-Identifier: MIT */
/*
 * test_milter_conn.c - one socket of an MTA: pieces, slow readers, ends
 */
#include "door/milter_conn.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

#include "drive.h"
#include "mta_bytes.h"
#include "table.h"

static struct drive d;
static struct milter_conn conn;
static struct milter_room room;
static struct buf in;
static int mta;

static void
load(const char *sections)
{
	drive_run_test_plugins(&d, sections);
}

static void
setup(void)
{
	int pair[2];

	drive_init(&d);
	buf_init(&in, 0);
	milter_room_init(&room);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	milter_conn_init(&conn, pair[0], "l");
	mta = pair[1];
}

static void
teardown(void)
{
	milter_conn_fini(&conn);
	milter_room_fini(&room);
	buf_fini(&in);
	close(mta);
	generation_swap(NULL);
	drive_fini(&d);
}

static enum milter_wants
serve(void)
{
	return milter_conn_serve(&conn, &room);
}

/* As epoll does: as long as there is something to read. */
static enum milter_wants
serve_all(void)
{
	struct pollfd p = {.fd = conn.fd, .events = POLLIN};
	enum milter_wants wants = MILTER_WANTS_READ;

	while (wants == MILTER_WANTS_MORE || (wants == MILTER_WANTS_READ && poll(&p, 1, 0) > 0))
		wants = serve();
	return wants;
}

static void
send_bytes(const char *bytes, size_t len)
{
	ck_assert_int_eq(send(mta, bytes, len, 0), (ssize_t)len);
}

/* Appends what has come back. */
static size_t
receive(struct buf *b)
{
	char bytes[4096];
	ssize_t n;
	size_t all = 0;

	while ((n = recv(mta, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		buf_add(b, bytes, (size_t)n);
		all += (size_t)n;
	}
	return all;
}

static size_t
count_packets(const struct buf *b)
{
	size_t at = 0, count = 0;
	struct milter_packet p;

	while (at < b->len) {
		ck_assert_int_eq(
			milter_frame(&p, b->data + at, b->len - at, 1 << 24), MILTER_PACKET);
		at += p.size;
		count++;
	}
	return count;
}

#define EMPTY "profile all { chain = [ ] }\n"

static const size_t pieces[] = {1, 2, 3, 4, 5, 6, 7, 11, 64, 1000};

START_TEST(any_pieces_make_the_same_session)
{
	struct buf back;

	load(EMPTY);
	mta_begin(&in);
	for (int i = 0; i < 3; i++)
		mta_message(&in);
	buf_init(&back, 0);
	for (size_t at = 0; at < in.len; at += pieces[_i]) {
		size_t left = in.len - at;

		send_bytes(in.data + at, left < pieces[_i] ? left : pieces[_i]);
		ck_assert_int_eq(serve_all(), MILTER_WANTS_READ);
	}
	ck_assert(!milter_conn_halfway(&conn));
	ck_assert_ptr_null(conn.in);
	receive(&back);
	/* The offer, and five for each message: what was switched off is answered all the same. */
	ck_assert_uint_eq(count_packets(&back), 1 + 3 * 5);
	buf_fini(&back);
}
END_TEST

#define CHUNK 65535

/* Around what is put into the room, what the room takes, and what is gathered beside it. */
static const size_t large_pieces[] = {900, 4096, 5000, 40960, 45000, 65541, 100000};

/* Four chunks that count, each octet in its place. */
static void
put_body(struct buf *b)
{
	static char chunk[CHUNK];

	for (size_t i = 0; i < 4u * CHUNK; i++) {
		chunk[i % CHUNK] = (char)(i % 251);
		if (i % CHUNK == CHUNK - 1)
			mta_put(b, 'B', chunk, CHUNK);
	}
}

START_TEST(chunks_of_a_body_are_put_together)
{
	size_t piece = large_pieces[_i];

	load("plugin counts { }\nprofile all { chain = [ counts ] }\n");
	mta_begin(&in);
	MTA_PUT(&in, 'M', "<a@example.org>\0");
	MTA_PUT(&in, 'R', "<b@example.com>\0");
	MTA_PUT(&in, 'T', "");
	MTA_PUT(&in, 'N', "");
	put_body(&in);
	MTA_PUT(&in, 'E', "");
	for (size_t at = 0; at < in.len; at += piece) {
		size_t left = in.len - at;

		send_bytes(in.data + at, left < piece ? left : piece);
		ck_assert_int_eq(serve_all(), MILTER_WANTS_READ);
	}
	ck_assert_ptr_null(conn.in);
	buf_clear(&in);
	receive(&in);
	ck_assert_mem_eq(in.data + in.len - 5, "\0\0\0\1a", 5);
}
END_TEST

START_TEST(half_a_packet_is_known_to_be_one)
{
	load(EMPTY);
	mta_begin(&in);
	send_bytes(in.data, in.len - 1);
	ck_assert_int_eq(serve(), MILTER_WANTS_READ);
	ck_assert(milter_conn_halfway(&conn));
	send_bytes(in.data + in.len - 1, 1);
	ck_assert_int_eq(serve(), MILTER_WANTS_READ);
	ck_assert(!milter_conn_halfway(&conn));
}
END_TEST

/* The time for half a packet is that packet's. */
START_TEST(half_packets_are_told_apart)
{
	size_t at;
	unsigned step;

	load(EMPTY);
	mta_begin(&in);
	at = in.len;
	for (int i = 0; i < 10; i++)
		MTA_PUT(&in, 'H', "h\0");
	send_bytes(in.data, at + 3);
	ck_assert_int_eq(serve(), MILTER_WANTS_READ);
	for (at += 3; at + 7 < in.len; at += 7) {
		step = conn.steps;
		send_bytes(in.data + at, 3);
		ck_assert_int_eq(serve(), MILTER_WANTS_READ);
		ck_assert_uint_eq(conn.steps, step);
		send_bytes(in.data + at + 3, 4);
		ck_assert_int_eq(serve(), MILTER_WANTS_READ);
		ck_assert(milter_conn_halfway(&conn));
		ck_assert_uint_ne(conn.steps, step);
	}
}
END_TEST

START_TEST(readiness_without_octets_is_nothing)
{
	load(EMPTY);
	ck_assert_int_eq(serve(), MILTER_WANTS_READ);
	ck_assert_int_eq(serve(), MILTER_WANTS_READ);
}
END_TEST

/* Epoll tells of octets once: what a read leaves behind must be known. */
START_TEST(a_read_that_left_something_says_so)
{
	int size = 1 << 20;
	char left;

	load(EMPTY);
	ck_assert_int_eq(setsockopt(mta, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	mta_begin(&in);
	MTA_PUT(&in, 'M', "<a@example.org>\0");
	while (in.len < 140000)
		MTA_PUT(&in, 'U', "XNOOP\0");
	send_bytes(in.data, in.len);
	for (int reads = 1;; reads++) {
		enum milter_wants wants = serve();

		receive(&in);
		if (recv(conn.fd, &left, 1, MSG_PEEK) < 0) {
			ck_assert_int_gt(reads, 1);
			ck_assert_int_eq(wants, MILTER_WANTS_READ);
			return;
		}
		ck_assert_int_eq(wants, MILTER_WANTS_MORE);
	}
}
END_TEST

START_TEST(a_slow_reader_is_waited_for_and_not_read_from)
{
	struct buf back;
	size_t sent = 0;
	int size = 1;

	load(EMPTY);
	ck_assert_int_eq(setsockopt(conn.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	MTA_PUT(&in, 'O', "\0\0\0\6\0\0\1\xff\0\0\0\0");
	MTA_PUT(&in, 'C', MTA_CLIENT);
	for (int i = 0; i < 5000; i++)
		MTA_PUT(&in, 'H', "h\0");
	buf_init(&back, 0);
	for (int i = 0; i < 100000 && (sent < in.len || conn.out != NULL); i++) {
		ssize_t n = send(mta, in.data + sent, in.len - sent, 0);

		sent += n > 0 ? (size_t)n : 0;
		enum milter_wants wants = serve();

		ck_assert_int_ne(wants, MILTER_WANTS_END);
		ck_assert_int_eq(wants == MILTER_WANTS_WRITE, conn.out != NULL);
		if (wants == MILTER_WANTS_WRITE) {
			/* Without room to write nothing more is read. */
			ck_assert_int_eq(serve(), MILTER_WANTS_WRITE);
			receive(&back);
		}
	}
	ck_assert_int_eq(serve(), MILTER_WANTS_READ);
	receive(&back);
	ck_assert_uint_eq(count_packets(&back), 5002);
	buf_fini(&back);
}
END_TEST

START_TEST(an_mta_that_is_gone_ends_it)
{
	load(EMPTY);
	mta_begin(&in);
	send_bytes(in.data, in.len);
	ck_assert(!milter_conn_gone(&conn));
	ck_assert_int_eq(serve(), MILTER_WANTS_READ);
	shutdown(mta, SHUT_RDWR);
	ck_assert(milter_conn_gone(&conn));
	ck_assert_int_eq(serve(), MILTER_WANTS_END);
}
END_TEST

START_TEST(answers_leave_before_the_end)
{
	struct buf back;

	load(EMPTY);
	mta_begin(&in);
	mta_message(&in);
	MTA_PUT(&in, 'Q', "");
	send_bytes(in.data, in.len);
	ck_assert_int_eq(serve(), MILTER_WANTS_END);
	buf_init(&back, 0);
	receive(&back);
	ck_assert_uint_eq(count_packets(&back), 1 + 5);
	buf_fini(&back);
}
END_TEST

START_TEST(octets_that_nobody_wants_are_not_kept)
{
	static char piece[60000];
	const char head[] = "\0\x30\0\0LX-Large\0x";
	size_t left = (3u << 20) + 4 - sizeof(head);

	load(EMPTY);
	mta_begin(&in);
	MTA_PUT(&in, 'M', "<a@example.org>\0");
	MTA_PUT(&in, 'R', "<b@example.com>\0");
	buf_add(&in, head, sizeof(head));
	send_bytes(in.data, in.len);
	ck_assert_int_eq(serve(), MILTER_WANTS_READ);
	memset(piece, 'x', sizeof(piece));
	while (left > 0) {
		ssize_t n = send(mta, piece, left < sizeof(piece) ? left : sizeof(piece), 0);

		left -= n > 0 ? (size_t)n : 0;
		ck_assert_int_eq(serve_all(), MILTER_WANTS_READ);
		ck_assert_uint_lt(conn.in_size, 1 << 18);
	}
	ck_assert(!milter_conn_halfway(&conn));
	buf_clear(&in);
	receive(&in);
	ck_assert_ptr_nonnull(memmem(in.data, in.len, "y552 5.3.4", 10));
	buf_clear(&in);
	mta_message(&in);
	send_bytes(in.data, in.len);
	ck_assert_int_eq(serve_all(), MILTER_WANTS_READ);
	buf_clear(&in);
	receive(&in);
	ck_assert_int_eq(in.data[in.len - 1], 'c');
}
END_TEST

/* --- progress --- */

static void *
serve_in_thread(void *unused)
{
	(void)unused;
	ck_assert_int_eq(serve(), MILTER_WANTS_READ);
	return NULL;
}

START_TEST(the_mta_is_told_that_a_check_takes_long)
{
	pthread_t thread;
	struct buf back;

	load("plugin slow { eom = 200ms; silent = yes }\nprofile all { chain = [ slow ] }\n");
	mta_begin(&in);
	mta_message(&in);
	send_bytes(in.data, in.len);
	ck_assert(!milter_conn_progress(&conn, true));
	pthread_create(&thread, NULL, serve_in_thread, NULL);
	while (!milter_conn_progress(&conn, true))
		sched_yield();
	pthread_join(thread, NULL);
	ck_assert(!milter_conn_progress(&conn, true));
	buf_init(&back, 0);
	receive(&back);
	ck_assert_ptr_nonnull(memmem(back.data, back.len, "\0\0\0\1p", 5));
	ck_assert_int_eq(back.data[back.len - 1], 'c');
	buf_fini(&back);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("milter_conn");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, any_pieces_make_the_same_session, 0, LENGTH(pieces));
	tcase_add_loop_test(t, chunks_of_a_body_are_put_together, 0, LENGTH(large_pieces));
	tcase_add_test(t, half_a_packet_is_known_to_be_one);
	tcase_add_test(t, half_packets_are_told_apart);
	tcase_add_test(t, readiness_without_octets_is_nothing);
	tcase_add_test(t, a_read_that_left_something_says_so);
	tcase_add_test(t, a_slow_reader_is_waited_for_and_not_read_from);
	tcase_add_test(t, an_mta_that_is_gone_ends_it);
	tcase_add_test(t, answers_leave_before_the_end);
	tcase_add_test(t, octets_that_nobody_wants_are_not_kept);
	tcase_add_test(t, the_mta_is_told_that_a_check_takes_long);
	suite_add_tcase(suite, t);
	return table_run(suite);
}
