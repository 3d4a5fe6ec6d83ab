/* SPDX-License-Identifier: MIT */
/*
 * test_notify.c - how long the main thread may sleep
 */
#include <check.h>
#include <stdlib.h>

#include "admin/notify.h"

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

static const struct {
	const char *allowed, *pid; /* WATCHDOG_USEC, WATCHDOG_PID */
	int wait;		   /* of 1000 ms */
} waits[] = {
	{NULL, NULL, 1000},
	{"", NULL, 1000},
	{"0", NULL, 1000},
	{"30000000", NULL, 1000},
	{"2000000", NULL, 1000},
	{"400000", NULL, 200},
	{"1999998", NULL, 999},
	{"100", NULL, 1},
	{"400000", "1", 1000},
};

START_TEST(sleep_ends_before_a_sign_of_life_is_due)
{
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (waits[_i].allowed != NULL)
		setenv("WATCHDOG_USEC", waits[_i].allowed, 1);
	if (waits[_i].pid != NULL)
		setenv("WATCHDOG_PID", waits[_i].pid, 1);
	ck_assert_int_eq(notify_wait(1000), waits[_i].wait);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("notify");
	TCase *t = tcase_create("notify");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, sleep_ends_before_a_sign_of_life_is_due, 0, LENGTH(waits));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
