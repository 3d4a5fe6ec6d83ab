/* SPDX-License-Identifier: MIT */
/*
 * table.h - tests that are rows of tables
 */
#ifndef TESTS_UNIT_TABLE_H
#define TESTS_UNIT_TABLE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define LENGTH(table) ((int)(sizeof(table) / sizeof(*(table))))

/* Says which test is not run here, and why; where everything must run (.ci/run) it fails. */
static inline void
table_skip(const char *test, const char *why)
{
	ck_assert_msg(getenv("CHAINMAIL_NO_SKIP") == NULL, "%s: %s", test, why);
	fprintf(stderr, "SKIP %s: %s\n", test, why);
}

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
