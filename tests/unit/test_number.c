/* SPDX-License-Identifier: MIT */
/*
 * test_number.c - a number in digits
 */
#include <inttypes.h>
#include <stdio.h>

#include "../../plugins/lib/number.h"
#include "table.h"

static const uint64_t numbers[] = {
	0, 1, 9, 10, 99, 100, 1000, 4294967295, 4294967296, INT64_MAX, UINT64_MAX};

START_TEST(number_is_written_as_printf_does)
{
	char text[NUMBER_SIZE], expected[NUMBER_SIZE];

	snprintf(expected, sizeof(expected), "%" PRIu64, numbers[_i]);
	number_text(text, numbers[_i]);
	ck_assert_str_eq(text, expected);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("number");
	TCase *tc = tcase_create("number");

	tcase_add_loop_test(tc, number_is_written_as_printf_does, 0, LENGTH(numbers));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
