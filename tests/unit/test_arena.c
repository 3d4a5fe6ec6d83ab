/* SPDX-License-Identifier: MIT */
/*
 * test_arena.c - memory that ends all at once
 */
#include "base/arena.h"

#include <signal.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "table.h"

static struct arena arena;

static void
setup(void)
{
	arena_init(&arena, 256);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

static const struct {
	const char *name;
	size_t size;
} sizes[] = {
	{"nothing has an address of its own", 0},
	{"one octet", 1},
	{"the rest of a chunk", 256},
	{"one octet more than a chunk", 257},
	{"more than any chunk", 1000000},
};

START_TEST(memory_is_zeroed_aligned_and_apart)
{
	size_t size = sizes[_i].size;
	unsigned char *pieces[8];
	unsigned char seen = 0;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 8; i++) {
			pieces[i] = arena_alloc(&arena, size);
			ck_assert_msg((uintptr_t)pieces[i] % alignof(max_align_t) == 0,
				"%s: aligned", sizes[_i].name);
			for (size_t j = 0; j < size; j++)
				seen |= pieces[i][j];
			ck_assert_msg(seen == 0, "%s: zeroed", sizes[_i].name);
			memset(pieces[i], 0xa5, size);
		}
		for (int i = 1; i < 8; i++)
			ck_assert_ptr_ne(pieces[i], pieces[i - 1]);
		arena_reset(&arena);
		ck_assert_uint_eq(arena.used, 0);
	}
}
END_TEST

START_TEST(strings_are_copied)
{
	char text[] = "envelope";
	char *copy = arena_strdup(&arena, text);

	text[0] = 'X';
	ck_assert_str_eq(copy, "envelope");
	ck_assert_ptr_null(arena_strdup(&arena, NULL));
	ck_assert_str_eq(arena_strndup(&arena, text, 3), "Xnv");
	ck_assert_str_eq(arena_strndup(&arena, text, 100), "Xnvelope");
	ck_assert_str_eq(arena_printf(&arena, "%s-%d", text, 7), "Xnvelope-7");
	ck_assert_mem_eq(arena_memdup(&arena, "a\0b", 3), "a\0b", 3);
}
END_TEST

START_TEST(printf_longer_than_a_chunk_is_whole)
{
	char *text = arena_printf(&arena, "%0999d", 5);

	ck_assert_uint_eq(strlen(text), 999);
	ck_assert_int_eq(text[998], '5');
}
END_TEST

START_TEST(texts_are_joined)
{
	char longer[1001];

	memset(longer, 'x', 1000);
	longer[1000] = '\0';
	ck_assert_str_eq(arena_join(&arena, "<", "user", "@", "example.org", ">", NULL),
		"<user@example.org>");
	ck_assert_str_eq(arena_join(&arena, "", "", NULL), "");
	ck_assert_str_eq(arena_join(&arena, "%s", NULL), "%s");
	ck_assert_uint_eq(strlen(arena_join(&arena, longer, longer, NULL)), 2000);
}
END_TEST

START_TEST(reset_keeps_one_chunk_for_the_next_round)
{
	void *first = arena_alloc(&arena, 16);

	for (int i = 0; i < 100; i++)
		arena_alloc(&arena, 100);
	arena_reset(&arena);
	ck_assert_ptr_eq(arena_alloc(&arena, 16), first);
	ck_assert_uint_eq(arena.used, 16);
}
END_TEST

START_TEST(used_counts_what_was_handed_out)
{
	arena_alloc(&arena, 1);
	arena_alloc(&arena, 17);
	ck_assert_uint_ge(arena.used, 18);
	ck_assert_uint_le(arena.used, 18 + 2 * alignof(max_align_t));
}
END_TEST

/* Ends the process: Check expects the signal. */
START_TEST(product_that_overflows_ends_the_process)
{
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr)); /* it says so, as it should */
	arena_array(&arena, SIZE_MAX / 2, 3);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("arena");
	TCase *t = tcase_create("arena");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, memory_is_zeroed_aligned_and_apart, 0, LENGTH(sizes));
	tcase_add_test(t, strings_are_copied);
	tcase_add_test(t, printf_longer_than_a_chunk_is_whole);
	tcase_add_test(t, texts_are_joined);
	tcase_add_test(t, reset_keeps_one_chunk_for_the_next_round);
	tcase_add_test(t, used_counts_what_was_handed_out);
	tcase_add_test_raise_signal(t, product_that_overflows_ends_the_process, SIGABRT);
	suite_add_tcase(s, t);
	return table_run(s);
}
