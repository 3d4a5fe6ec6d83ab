/* SPDX-License-Identifier: MIT */
/*
 * test_err.c - why a load or a start failed, in words
 */
#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "table.h"

START_TEST(set_writes_the_text_and_is_false)
{
	struct err err;

	ck_assert(!err_set(&err, "no %s in %d", "socket", 7));
	ck_assert_str_eq(err.text, "no socket in 7");
}
END_TEST

START_TEST(errno_is_told_in_words)
{
	struct err err;

	errno = ENOENT;
	ck_assert(!err_errno(&err, "cannot open %s", "x"));
	ck_assert_str_eq(err.text, "cannot open x: No such file or directory");
}
END_TEST

START_TEST(long_text_is_cut)
{
	struct err err;
	char long_text[2000];

	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	err_set(&err, "%s", long_text);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	errno = ENOENT;
	err_errno(&err, "%s", long_text);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("err");
	TCase *t = tcase_create("err");

	tcase_add_test(t, set_writes_the_text_and_is_false);
	tcase_add_test(t, errno_is_told_in_words);
	tcase_add_test(t, long_text_is_cut);
	suite_add_tcase(s, t);
	return table_run(s);
}
