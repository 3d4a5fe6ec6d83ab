/* SPDX-License-Identifier: MIT */
/*
 * test_ring.c - records that survive what happens to files: wrap, torn ends, kill -9, full disks
 */
#include "service/ring.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "table.h"
#include "temp.h"

#define MEGA (INT64_C(1) << 20)
#define MANY 100000

static char dir[TEMP_NAME_SIZE];
static char path[TEMP_NAME_SIZE + 8]; /* of the ring */

static void
remove_ring(void)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

static void
setup(void)
{
	ck_assert(temp_dir(dir, "chainmail-ring"));
	snprintf(path, sizeof(path), "%s/ring", dir);
}

static void
teardown(void)
{
	remove_ring();
	ck_assert_int_eq(rmdir(dir), 0);
}

static struct ring *
open_ring(int64_t size, int64_t records)
{
	const struct ring_config config = {path, size, records};
	struct err err = {""};
	struct ring *r = ring_open(&config, &err);

	ck_assert_msg(r != NULL, "%s", err.text);
	return r;
}

static bool
append_one(struct ring *r, const void *data, size_t len, struct err *err)
{
	const struct ring_record record = {data, len};

	return ring_append(r, &record, 1, err) == 1;
}

/* "record 17" and a tail of that many octets. */
static size_t
write_text(char *out, size_t size, unsigned number, size_t tail)
{
	int len = snprintf(out, size, "record %u ", number);

	memset(out + len, 'x', tail);
	return (size_t)len + tail;
}

static void
append(struct ring *r, unsigned from, unsigned to, size_t tail)
{
	static char text[1 << 16];
	struct err err;

	for (unsigned i = from; i < to; i++) {
		size_t len = write_text(text, sizeof(text), i, tail);

		ck_assert_msg(append_one(r, text, len, &err), "%s", err.text);
	}
}

struct found {
	unsigned first, last, count;
	size_t torn;
	bool in_order; /* and none is missing between first and last */
};

static struct found
read_ring(void)
{
	struct found f = {.in_order = true};
	const unsigned char *data;
	struct err err = {""};
	struct ring_reader *r = ring_reader_open(path, &err);
	size_t len;

	ck_assert_msg(r != NULL, "%s", err.text);
	while (ring_reader_next(r, &data, &len)) {
		char text[32] = "";
		unsigned n = 0;

		memcpy(text, data, len < 31 ? len : 31);
		ck_assert_msg(sscanf(text, "record %u ", &n) == 1, "\"%s\"", text);
		f.in_order = f.in_order && (f.count == 0 || n == f.last + 1);
		f.first = f.count++ == 0 ? n : f.first;
		f.last = n;
	}
	f.torn = ring_reader_torn(r);
	ring_reader_close(r);
	return f;
}

/* Name of the newest segment's file. */
static void
newest(char out[128])
{
	DIR *d = opendir(path);
	struct dirent *e;
	char name[64] = "";

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.' && strcmp(e->d_name, name) > 0)
			snprintf(name, sizeof(name), "%.63s", e->d_name);
	}
	closedir(d);
	snprintf(out, 128, "%s/%s", path, name);
}

static int64_t
octets_of_all(void)
{
	DIR *d = opendir(path);
	struct dirent *e;
	struct stat st;
	int64_t sum = 0;

	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, 0) == 0)
			sum += st.st_size;
	}
	closedir(d);
	return sum;
}

/* --- bounds --- */

static const struct {
	const char *name;
	int64_t size, records;
	unsigned written;
	size_t tail;
	unsigned least, most; /* kept */
} bounds[] = {
	{"what fits is all there", MEGA, 1000, 100, 10, 100, 100},
	{"of too many the newest are kept", MEGA, 80, 1000, 10, 70, 80},
	{"of the fewest the newest are kept", MEGA, 10, 1000, 10, 9, 10},
	{"of too large ones the newest are kept", MEGA, MANY, 5000, 1000, 880, 1020},
	{"one that is larger than a part has a file of its own", MEGA, MANY, 50, 60000, 14, 17},
};

START_TEST(a_ring_keeps_the_newest_within_its_bounds)
{
	struct ring *r = open_ring(bounds[_i].size, bounds[_i].records);

	append(r, 0, bounds[_i].written, bounds[_i].tail);
	struct found f = read_ring();

	ck_assert_msg(f.count >= bounds[_i].least && f.count <= bounds[_i].most, "%s: %u are kept",
		bounds[_i].name, f.count);
	ck_assert_msg(f.in_order, "%s", bounds[_i].name);
	ck_assert_uint_eq(f.last, bounds[_i].written - 1);
	ck_assert_uint_eq(f.torn, 0);
	ck_assert_int_le(octets_of_all(), bounds[_i].size);
	ring_close(r);
}
END_TEST

START_TEST(a_ring_goes_on_where_it_ended)
{
	struct ring *r;

	for (unsigned i = 0; i < 30; i++) {
		r = open_ring(MEGA, 80);
		append(r, 10 * i, 10 * (i + 1), 10);
		ck_assert_uint_eq(ring_cut(r), 0);
		ring_close(r);
	}
	struct found f = read_ring();

	ck_assert(f.in_order);
	ck_assert_uint_eq(f.last, 299);
	ck_assert_msg(f.count >= 70 && f.count <= 80, "%u", f.count);
}
END_TEST

START_TEST(nobody_else_may_read_it)
{
	char file[128];
	struct stat st;
	mode_t old = umask(0);
	struct ring *r = open_ring(MEGA, 10);

	append(r, 0, 1, 0);
	newest(file);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0750);
	ring_close(r);
	umask(old);
}
END_TEST

START_TEST(one_daemon_writes_at_a_time)
{
	const struct ring_config config = {path, MEGA, 10};
	struct err err = {""};
	struct ring *r = open_ring(MEGA, 10);

	ck_assert_ptr_null(ring_open(&config, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "another daemon writes to"));
	ring_close(r);
	ring_close(open_ring(MEGA, 10));
}
END_TEST

/* --- torn ends --- */

START_TEST(a_torn_end_costs_only_itself)
{
	struct ring *r = open_ring(MEGA, 1000);
	char file[128];
	struct stat whole, shorter;
	struct found f;

	append(r, 0, 9, 10);
	newest(file);
	ck_assert_int_eq(stat(file, &shorter), 0);
	append(r, 9, 10, 10);
	ck_assert_int_eq(stat(file, &whole), 0);
	ring_close(r);
	/* Each length that a write can have been interrupted at. */
	for (off_t len = whole.st_size - 1; len > shorter.st_size; len--) {
		ck_assert_int_eq(truncate(file, len), 0);
		f = read_ring();
		ck_assert_uint_eq(f.count, 9);
		ck_assert_uint_eq(f.torn, 1);
	}
	/* The next process cuts it off and goes on. */
	r = open_ring(MEGA, 1000);
	ck_assert_uint_eq(ring_cut(r), 1);
	append(r, 9, 12, 10);
	ring_close(r);
	f = read_ring();
	ck_assert_uint_eq(f.count, 12);
	ck_assert_uint_eq(f.torn, 0);
	ck_assert(f.in_order);
}
END_TEST

START_TEST(zeros_behind_a_power_cut_are_skipped)
{
	struct ring *r = open_ring(MEGA, 1000);
	char file[128];
	struct stat st;

	append(r, 0, 5, 10);
	ring_close(r);
	newest(file);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_int_eq(truncate(file, st.st_size + 4096), 0);
	struct found f = read_ring();

	ck_assert_uint_eq(f.count, 5);
	ck_assert_uint_eq(f.torn, 1);
	r = open_ring(MEGA, 1000);
	ck_assert_uint_eq(ring_cut(r), 4096);
	append(r, 5, 6, 10);
	ring_close(r);
	f = read_ring();
	ck_assert_uint_eq(f.count, 6);
}
END_TEST

START_TEST(a_file_without_a_head_is_left_alone)
{
	struct ring *r = open_ring(MEGA, 1000);
	char file[128];

	append(r, 0, 5, 10);
	ring_close(r);
	newest(file);
	ck_assert_int_eq(truncate(file, 7), 0);
	r = open_ring(MEGA, 1000);
	append(r, 0, 3, 10);
	ring_close(r);
	struct found f = read_ring();

	ck_assert_uint_eq(f.count, 3);
	ck_assert_uint_eq(f.torn, 1);
}
END_TEST

static void
flip(const char *file, off_t at)
{
	int fd = open(file, O_RDWR);
	unsigned char c;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &c, 1, at), 1);
	c ^= 0x40;
	ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

START_TEST(damage_costs_the_record_it_is_in)
{
	struct ring *r = open_ring(MEGA, 1000);
	char file[128];
	struct stat one, two;

	append(r, 0, 1, 10);
	newest(file);
	ck_assert_int_eq(stat(file, &one), 0);
	append(r, 1, 2, 10);
	ck_assert_int_eq(stat(file, &two), 0);
	append(r, 2, 3, 10);
	ring_close(r);
	for (off_t at = one.st_size; at < two.st_size; at++) {
		flip(file, at);
		struct found f = read_ring();

		ck_assert_msg(f.count == 2 && f.first == 0 && f.last == 2, "octet %ld", (long)at);
		ck_assert_uint_eq(f.torn, 1);
		flip(file, at);
	}
}
END_TEST

/* A stranger's text that is a whole record of another ring is none here. */
START_TEST(a_record_in_a_record_is_not_taken_for_one)
{
	struct ring *r = open_ring(MEGA, 1000);
	static unsigned char forged[4096];
	char file[128];
	struct err err;
	int fd;

	append(r, 666, 667, 10);
	ring_close(r);
	newest(file);
	fd = open(file, O_RDONLY);
	ssize_t len = pread(fd, forged, sizeof(forged), 32);

	close(fd);
	ck_assert_int_gt(len, 16);
	remove_ring();
	r = open_ring(MEGA, 1000);
	append(r, 0, 1, 10);
	newest(file);
	struct stat st;

	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert(append_one(r, forged, (size_t)len, &err));
	append(r, 2, 3, 10);
	ring_close(r);
	/* The record around it is damaged, so its inside is looked at. */
	flip(file, st.st_size + 8);
	struct found f = read_ring();

	ck_assert_uint_eq(f.count, 2);
	ck_assert_uint_eq(f.first, 0);
	ck_assert_uint_eq(f.last, 2);
}
END_TEST

/* --- what the machine does --- */

START_TEST(what_was_written_before_a_kill_is_there)
{
	int told[2];
	unsigned sure = 0, n;

	ck_assert_int_eq(pipe(told), 0);
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct ring *r = open_ring(64 * MEGA, MANY);

		for (unsigned i = 0;; i++) {
			append(r, i, i + 1, i % 3000);
			if (write(told[1], &i, sizeof(i)) != sizeof(i))
				_exit(1);
		}
	}
	close(told[1]);
	while (sure < 2000 && read(told[0], &n, sizeof(n)) == sizeof(n))
		sure = n;
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	close(told[0]);
	struct ring *r = open_ring(64 * MEGA, MANY);
	struct found f = read_ring();

	ck_assert_uint_ge(f.last, sure);
	ck_assert_uint_eq(f.torn, 0);
	ck_assert(f.in_order);
	append(r, f.last + 1, f.last + 5, 10);
	ring_close(r);
	ck_assert(read_ring().in_order);
}
END_TEST

/* A limit on the size of files refuses like a disk that is full: after a part was written. */
START_TEST(a_full_disk_costs_what_does_not_fit)
{
	struct rlimit old, small = {5000, 5000};
	static char text[4000];
	struct err err = {""};
	struct ring *r = open_ring(MEGA, 1000);

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	append(r, 0, 3, 1000);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	size_t len = write_text(text, sizeof(text), 3, 3000);

	ck_assert(!append_one(r, text, len, &err));
	ck_assert_msg(
		strstr(err.text, path) != NULL && strchr(err.text, ':') != NULL, "%s", err.text);
	struct found f = read_ring();

	ck_assert_uint_eq(f.count, 3);
	ck_assert_uint_eq(f.torn, 0);
	/* What is small fits again, and so does all once there is room. */
	append(r, 3, 4, 10);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	append(r, 4, 6, 3000);
	f = read_ring();
	ck_assert_uint_eq(f.count, 6);
	ck_assert(f.in_order);
	ring_close(r);
}
END_TEST

START_TEST(too_much_for_one_record_is_refused)
{
	struct ring *r = open_ring(MEGA, 10);
	struct err err = {""};

	ck_assert(!append_one(r, "", 0, &err));
	ck_assert(!append_one(r, "x", RING_RECORD_MOST + 1, &err));
	ring_close(r);
}
END_TEST

START_TEST(what_cannot_be_opened_is_no_damage)
{
	struct rlimit limit = {0}, was;
	struct ring *r = open_ring(MEGA, 80);
	struct err err = {""};
	const unsigned char *data;
	size_t len;

	append(r, 0, 5, 10);
	ring_close(r);
	struct ring_reader *reader = ring_reader_open(path, &err);

	ck_assert_ptr_nonnull(reader);
	ck_assert(!ring_reader_unread(reader, &err));
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
	limit.rlim_max = was.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert(!ring_reader_next(reader, &data, &len));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
	ck_assert_uint_eq(ring_reader_torn(reader), 0);
	ck_assert(ring_reader_unread(reader, &err));
	ck_assert_str_eq(err.text, "00000001.ring: Too many open files");
	ring_reader_close(reader);
}
END_TEST

START_TEST(readers_see_what_a_writer_removes_meanwhile)
{
	struct ring *r = open_ring(MEGA, 80);
	struct err err;
	const unsigned char *data;
	size_t len, count = 0;

	append(r, 0, 80, 10);
	struct ring_reader *reader = ring_reader_open(path, &err);

	ck_assert_ptr_nonnull(reader);
	ck_assert(ring_reader_next(reader, &data, &len));
	append(r, 80, 120, 10);
	while (ring_reader_next(reader, &data, &len))
		count++;
	/* The files that were there at the start and still are. */
	ck_assert_uint_gt(count, 20);
	ck_assert_uint_eq(ring_reader_torn(reader), 0);
	ring_reader_close(reader);
	ring_close(r);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tests = tcase_create("ring");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, a_ring_keeps_the_newest_within_its_bounds, 0, LENGTH(bounds));
	tcase_add_test(tests, a_ring_goes_on_where_it_ended);
	tcase_add_test(tests, nobody_else_may_read_it);
	tcase_add_test(tests, one_daemon_writes_at_a_time);
	tcase_add_test(tests, a_torn_end_costs_only_itself);
	tcase_add_test(tests, zeros_behind_a_power_cut_are_skipped);
	tcase_add_test(tests, a_file_without_a_head_is_left_alone);
	tcase_add_test(tests, damage_costs_the_record_it_is_in);
	tcase_add_test(tests, a_record_in_a_record_is_not_taken_for_one);
	tcase_add_test(tests, what_was_written_before_a_kill_is_there);
	tcase_add_test(tests, a_full_disk_costs_what_does_not_fit);
	tcase_add_test(tests, too_much_for_one_record_is_refused);
	tcase_add_test(tests, what_cannot_be_opened_is_no_damage);
	tcase_add_test(tests, readers_see_what_a_writer_removes_meanwhile);
	suite_add_tcase(suite, tests);
	return table_run(suite);
}
