/* SPDX-License-Identifier: MIT */
/*
 * table.h - tests that are rows of tables
 */
#ifndef TESTS_UNIT_TABLE_H
#define TESTS_UNIT_TABLE_H

#include <check.h>

#define LENGTH(table) ((int)(sizeof(table) / sizeof(*(table))))

/* The exit status of main(). */
static inline int
table_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

#endif
