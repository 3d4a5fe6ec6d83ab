/* SPDX-License-Identifier: MIT */
/*
 * test_log_recent.c - the latest records: as they were logged, bounded, and counted where lost
 */
#include "base/log_recent.h"

#include <string.h>

#include "base/buf.h"
#include "table.h"

static struct buf taken;
static struct log_field fields[LOG_RECENT_FIELDS];

static void
setup(void)
{
	buf_init(&taken, 0);
	log_recent_begin();
}

static void
teardown(void)
{
	log_recent_end();
	buf_fini(&taken);
}

static void
put(const char *id, const char *value)
{
	const struct log_field list[] = {
		{"id", "ID", value, LOG_WORD},
		{"spf", NULL, "pass", LOG_WORD},
		{"auth", "AUTH_USER", NULL, LOG_WORD},
		{"helo", "HELO", "a \"b\"", LOG_QUOTED},
		{"size", "SIZE", "12", LOG_NUMBER},
	};
	const struct log_entry e = {.level = LOG_LEVEL_INFO,
		.wall = 1800000000,
		.pid = 812,
		.queue_id = id,
		.fields = list,
		.count = LENGTH(list)};

	log_recent_put(&e);
}

START_TEST(a_record_is_read_as_it_was_logged)
{
	struct log_reader r;
	struct log_entry e;
	uint64_t lost;
	size_t at = 0;
	struct buf line;

	put("4XZ", "one");
	log_reader_init(&r, true);
	ck_assert(log_reader_take(&r, &taken, &lost));
	ck_assert(log_recent_next(&taken, &at, &e, fields));
	ck_assert(e.wall == 1800000000 && e.pid == 812 && e.level == LOG_LEVEL_INFO);
	ck_assert_ptr_nonnull(e.fields[0].journal);
	ck_assert_ptr_null(e.fields[1].journal);
	buf_init(&line, 0);
	log_line_text(&line, &e);
	ck_assert_str_eq(line.data, "4XZ: id=one spf=pass auth=- helo=\"a \\\"b\\\"\" size=12");
	buf_clear(&line);
	log_line_json(&line, &e);
	ck_assert_ptr_nonnull(
		strstr(line.data, "\"auth\":null,\"helo\":\"a \\\"b\\\"\",\"size\":12}"));
	buf_fini(&line);
	ck_assert(!log_recent_next(&taken, &at, &e, fields));
	ck_assert(!log_reader_take(&r, &taken, &lost));
}
END_TEST

START_TEST(who_begins_now_reads_what_comes)
{
	struct log_reader r;
	struct log_entry e;
	uint64_t lost;
	size_t at = 0;

	put(NULL, "before");
	log_reader_init(&r, false);
	ck_assert(!log_reader_take(&r, &taken, &lost));
	put(NULL, "behind");
	ck_assert(log_reader_take(&r, &taken, &lost));
	ck_assert(log_recent_next(&taken, &at, &e, fields));
	ck_assert_ptr_null(e.queue_id);
	ck_assert_str_eq(e.fields[0].value, "behind");
	ck_assert_uint_eq(lost, 0);
}
END_TEST

static unsigned
read_all(struct log_reader *r, uint64_t *lost, const char *last)
{
	struct log_entry e = {.count = 0};
	unsigned records = 0;
	uint64_t more;

	*lost = 0;
	while (log_reader_take(r, &taken, &more)) {
		size_t at = 0;

		*lost += more;
		ck_assert_uint_le(taken.len, LOG_RECENT_PIECE + 8192);
		while (log_recent_next(&taken, &at, &e, fields))
			records++;
		ck_assert_uint_eq(at, taken.len);
	}
	ck_assert_str_eq(e.fields[0].value, last);
	return records;
}

#define MANY 50000u

/* However slow somebody is, the ring keeps its size and he is told what he missed. */
START_TEST(a_slow_reader_loses_the_oldest_and_learns_how_many)
{
	static char value[300];
	struct log_reader slow, late;
	uint64_t lost;
	unsigned kept;

	log_reader_init(&slow, false);
	for (unsigned i = 0; i < MANY; i++) {
		/* Of any length, so that records lie across the end of the ring in every way. */
		memset(value, 'x', i % 250);
		snprintf(value + i % 250, sizeof(value) - i % 250, "%u", i);
		put("Q", value);
	}
	log_reader_init(&late, true);
	kept = read_all(&slow, &lost, value);
	ck_assert_uint_gt(kept, LOG_RECENT_SIZE / 500);
	ck_assert_uint_gt(lost, 1000);
	ck_assert_uint_eq(kept + lost, MANY);
	ck_assert_uint_eq(read_all(&late, &lost, value), kept);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(a_value_and_a_record_have_an_end)
{
	static char value[10000];
	static struct log_field many[LOG_RECENT_FIELDS + 9];
	struct log_entry e = {.fields = many, .count = LENGTH(many)};
	struct log_reader r;
	uint64_t lost;
	size_t at = 0;

	memset(value, 'x', sizeof(value) - 1);
	for (int i = 0; i < LENGTH(many); i++)
		many[i] = (struct log_field){"name", NULL, value, LOG_WORD};
	log_reader_init(&r, false);
	log_recent_put(&e);
	ck_assert(log_reader_take(&r, &taken, &lost));
	ck_assert(log_recent_next(&taken, &at, &e, fields));
	ck_assert_uint_eq(e.count, LOG_RECENT_FIELDS);
	ck_assert_uint_eq(strlen(e.fields[LOG_RECENT_FIELDS - 1].value), 2048);
}
END_TEST

START_TEST(nothing_is_kept_before_and_after)
{
	struct log_reader r;
	uint64_t lost;

	put("Q", "kept");
	log_reader_init(&r, true);
	log_recent_end();
	put("Q", "not kept");
	ck_assert(!log_reader_take(&r, &taken, &lost) || lost == 1);
	ck_assert_uint_eq(taken.len, 0);
	log_recent_begin();
	log_reader_init(&r, true);
	ck_assert(!log_reader_take(&r, &taken, &lost));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log_recent");
	TCase *tc = tcase_create("records");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_record_is_read_as_it_was_logged);
	tcase_add_test(tc, who_begins_now_reads_what_comes);
	tcase_add_test(tc, a_slow_reader_loses_the_oldest_and_learns_how_many);
	tcase_add_test(tc, a_value_and_a_record_have_an_end);
	tcase_add_test(tc, nothing_is_kept_before_and_after);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
