/* SPDX-License-Identifier: MIT */
/*
 * test_log_queue.c - what waits for the log writer: in order, bounded, counted
 */
#include "base/log_queue.h"

#include <stdlib.h>
#include <string.h>

#include "table.h"

static struct log_batch batch;

static void
teardown(void)
{
	log_queue_take(&batch);
	free(batch.data);
	batch = (struct log_batch){0};
}

START_TEST(lines_come_out_as_they_went_in)
{
	struct log_queue_head head;
	const char *line;
	size_t at = 0;

	log_queue_put(1, "first", 5);
	log_queue_put(0, "", 0);
	log_queue_put(2, "a\0b", 3);
	ck_assert(log_queue_wait());
	log_queue_take(&batch);
	line = log_batch_next(&batch, &at, &head);
	ck_assert(head.sink == 1 && head.len == 5 && memcmp(line, "first", 5) == 0);
	ck_assert_ptr_nonnull(log_batch_next(&batch, &at, &head));
	ck_assert(head.sink == 0 && head.len == 0);
	line = log_batch_next(&batch, &at, &head);
	ck_assert(head.sink == 2 && head.len == 3 && memcmp(line, "a\0b", 3) == 0);
	ck_assert_ptr_null(log_batch_next(&batch, &at, &head));
	ck_assert_uint_eq(batch.lost, 0);
}
END_TEST

/* A writer whose disk hangs must not make the daemon grow. */
START_TEST(what_does_not_fit_is_counted_and_then_there_is_room_again)
{
	static char line[8192];
	struct log_queue_head head;
	unsigned kept = 0;
	size_t at = 0;

	for (int i = 0; i < 1000; i++)
		log_queue_put(0, line, sizeof(line));
	log_queue_take(&batch);
	while (log_batch_next(&batch, &at, &head) != NULL)
		kept++;
	ck_assert_uint_gt(kept, 100);
	ck_assert_uint_gt(batch.lost, 100);
	ck_assert_uint_eq(kept + batch.lost, 1000);
	log_queue_put(0, line, sizeof(line));
	log_queue_take(&batch);
	ck_assert_uint_eq(batch.lost, 0);
	ck_assert_uint_eq(batch.len, sizeof(head) + sizeof(line));
}
END_TEST

START_TEST(waiting_ends_with_the_last_line)
{
	log_queue_put(0, "last", 4);
	log_queue_end();
	ck_assert(log_queue_wait());
	log_queue_take(&batch);
	ck_assert(!log_queue_wait());
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log queue");
	TCase *t = tcase_create("queue");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, lines_come_out_as_they_went_in);
	tcase_add_test(t, what_does_not_fit_is_counted_and_then_there_is_room_again);
	tcase_add_test(t, waiting_ends_with_the_last_line);
	suite_add_tcase(s, t);
	return table_run(s);
}
