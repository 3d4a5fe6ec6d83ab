/* SPDX-License-Identifier: MIT */
/*
 * test_buf.c - a string that grows up to a limit
 */
#include "base/buf.h"

#include <string.h>

#include "table.h"

static const struct {
	const char *name;
	size_t limit;
	const char *first, *second;
	const char *text;
	bool cut;
} rows[] = {
	{"without a limit all is kept", 0, "one", "two", "onetwo", false},
	{"what fits exactly is not cut", 6, "one", "two", "onetwo", false},
	{"past the limit nothing is written", 5, "one", "two", "onetw", true},
	{"a limit can be met by the first text", 2, "one", "two", "on", true},
	{"an empty text at the limit cuts nothing", 3, "one", "", "one", false},
};

START_TEST(text_is_kept_up_to_the_limit)
{
	struct buf b;

	for (int form = 0; form < 3; form++) {
		buf_init(&b, rows[_i].limit);
		ck_assert_str_eq(b.data, "");
		if (form == 0) {
			buf_add_str(&b, rows[_i].first);
			buf_add_str(&b, rows[_i].second);
		} else if (form == 1) {
			buf_printf(&b, "%s%s", rows[_i].first, rows[_i].second);
		} else {
			for (const char *p = rows[_i].first; *p != '\0'; p++)
				buf_add_char(&b, *p);
			buf_add(&b, rows[_i].second, strlen(rows[_i].second));
		}
		ck_assert_msg(strcmp(b.data, rows[_i].text) == 0, "%s (form %d): %s", rows[_i].name,
			form, b.data);
		ck_assert_uint_eq(b.len, strlen(b.data));
		ck_assert_msg(
			buf_cut(&b) == rows[_i].cut, "%s (form %d): cut", rows[_i].name, form);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(clear_begins_anew)
{
	struct buf b;

	buf_init(&b, 3);
	buf_add_str(&b, "long");
	ck_assert(buf_cut(&b));
	buf_clear(&b);
	ck_assert(!buf_cut(&b));
	ck_assert_str_eq(b.data, "");
	buf_add_str(&b, "abc");
	ck_assert_str_eq(b.data, "abc");
	buf_fini(&b);
}
END_TEST

START_TEST(growing_keeps_what_is_there)
{
	struct buf b;

	buf_init(&b, 0);
	for (int i = 0; i < 5000; i++)
		buf_printf(&b, "%04d,", i);
	ck_assert_uint_eq(b.len, 25000);
	ck_assert_mem_eq(b.data + 5 * 4321, "4321,", 5);
	ck_assert_int_eq(b.data[b.len], '\0');
	buf_fini(&b);
}
END_TEST

START_TEST(what_is_extended_is_filled_by_the_caller)
{
	struct buf b;

	buf_init(&b, 0);
	buf_add_str(&b, "ab");
	for (size_t i = 0; i < 1000; i++)
		memset(buf_extend(&b, 7), 'c', 7);
	buf_add_str(&b, "d");
	ck_assert_uint_eq(b.len, 7003);
	ck_assert_uint_eq(strspn(b.data + 2, "c"), 7000);
	ck_assert_str_eq(b.data + 7002, "d");
	ck_assert(!buf_cut(&b));
	buf_fini(&b);
}
END_TEST

START_TEST(octets_may_hold_nul)
{
	struct buf b;

	buf_init(&b, 0);
	buf_add(&b, "a\0b", 3);
	ck_assert_uint_eq(b.len, 3);
	ck_assert_mem_eq(b.data, "a\0b\0", 4);
	buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("buf");
	TCase *t = tcase_create("buf");

	tcase_add_loop_test(t, text_is_kept_up_to_the_limit, 0, LENGTH(rows));
	tcase_add_test(t, clear_begins_anew);
	tcase_add_test(t, growing_keeps_what_is_there);
	tcase_add_test(t, what_is_extended_is_filled_by_the_caller);
	tcase_add_test(t, octets_may_hold_nul);
	suite_add_tcase(s, t);
	return table_run(s);
}
