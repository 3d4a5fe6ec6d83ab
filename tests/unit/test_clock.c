/* SPDX-License-Identifier: MIT */
/*
 * test_clock.c - real and virtual clocks
 */
#include "base/clock.h"

#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "table.h"

#define READERS 4
#define STEPS	20000

START_TEST(real_clocks_run)
{
	int64_t before = clock_now();

	ck_assert_int_ge(clock_now(), before);
	ck_assert_int_ge(clock_wall(), (int64_t)time(NULL) - 1);
	ck_assert_int_le(clock_wall(), (int64_t)time(NULL));
	ck_assert_int_gt(clock_cpu(), 0);
}
END_TEST

START_TEST(frozen_clocks_move_only_when_told)
{
	int64_t now;

	clock_freeze(1000);
	now = clock_now();
	ck_assert_int_eq(clock_wall(), 1000);
	ck_assert_int_eq(clock_now(), now);
	clock_advance(CLOCK_SEC - 1);
	ck_assert_int_eq(clock_wall(), 1000);
	clock_advance(1);
	ck_assert_int_eq(clock_wall(), 1001);
	ck_assert_int_eq(clock_now(), now + CLOCK_SEC);
	clock_freeze(5);
	ck_assert_int_eq(clock_wall(), 5);
	ck_assert_int_eq(clock_now(), now + CLOCK_SEC);
	clock_thaw();
	ck_assert_int_gt(clock_wall(), 1000000000);
}
END_TEST

START_TEST(advance_without_freeze_does_nothing)
{
	int64_t before = clock_now();

	clock_advance(3600 * CLOCK_SEC);
	ck_assert_int_lt(clock_now() - before, 60 * CLOCK_SEC);
}
END_TEST

START_TEST(cpu_time_is_never_virtual)
{
	int64_t before = clock_cpu();
	volatile unsigned sum = 0;

	clock_freeze(1000);
	while (clock_cpu() == before)
		sum = sum + 1;
	ck_assert_int_gt(clock_cpu(), before);
	clock_thaw();
}
END_TEST

static void *
read_clocks(void *wrong)
{
	int64_t last = 0;

	for (int i = 0; i < STEPS; i++) {
		int64_t now = clock_now();

		if (now < last || clock_wall() < 1000)
			return wrong;
		last = now;
	}
	return NULL;
}

START_TEST(many_threads_see_a_clock_that_never_goes_back)
{
	pthread_t readers[READERS];
	void *wrong = NULL;
	char mark;

	clock_freeze(1000);
	for (int i = 0; i < READERS; i++)
		ck_assert_int_eq(pthread_create(&readers[i], NULL, read_clocks, &mark), 0);
	for (int i = 0; i < STEPS; i++)
		clock_advance(CLOCK_MS);
	for (int i = 0; i < READERS; i++) {
		ck_assert_int_eq(pthread_join(readers[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
	ck_assert_int_eq(clock_wall(), 1000 + STEPS / 1000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("clock");
	TCase *t = tcase_create("clock");

	tcase_add_test(t, real_clocks_run);
	tcase_add_test(t, frozen_clocks_move_only_when_told);
	tcase_add_test(t, advance_without_freeze_does_nothing);
	tcase_add_test(t, cpu_time_is_never_virtual);
	tcase_add_test(t, many_threads_see_a_clock_that_never_goes_back);
	suite_add_tcase(s, t);
	return table_run(s);
}
