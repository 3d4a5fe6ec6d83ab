/* SPDX-License-Identifier: MIT */
/*
 * test_store_memory.c - a store in this process
 */
#include "store_case.h"

static struct cm_store *
begin_memory(void)
{
	struct store_config config = {
		.name = "m", .type = STORE_MEMORY, .max_size = INT64_C(16) << 20};
	struct cm_store *store;
	struct err err;

	store = store_open(&config, &err);
	ck_assert_ptr_nonnull(store);
	return store;
}

static const struct store_case_backend memory = {.begin = begin_memory, .end = store_close};

START_TEST(full_store_refuses_and_keeps_what_it_has)
{
	static char value[STORE_VALUE_MOST];
	struct store_health health;
	struct cm_store *store;
	struct store_value found;
	struct arena arena;
	int set = 0;

	clock_freeze(CASE_WALL);
	store = begin_memory();
	arena_init(&arena, 1024);
	while (store_set(store, &set, sizeof(set), value, sizeof(value), 10 * CASE_SEC,
		       CASE_DEADLINE) == CM_STORE_OK)
		set++;
	ck_assert_int_gt(set, 100);
	ck_assert_int_eq(store_get(store, &(int){0}, sizeof(int), CASE_DEADLINE, &arena, &found),
		CM_STORE_OK);
	store_health(store, &health);
	ck_assert_int_le(health.octets, INT64_C(16) << 20);
	ck_assert(health.full && !health.away);
	ck_assert_str_eq(health.words, "max_size is too small");
	/* Room comes with time. */
	clock_advance(10 * CASE_SEC);
	ck_assert_int_eq(
		store_set(store, &set, sizeof(set), value, sizeof(value), 0, CASE_DEADLINE),
		CM_STORE_OK);
	clock_advance(50 * CASE_SEC);
	store_health(store, &health);
	ck_assert(!health.full);
	ck_assert_str_eq(health.words, "");
	arena_fini(&arena);
	store_close(store);
	clock_thaw();
}
END_TEST

static int64_t
entries_of(struct cm_store *store)
{
	struct store_health health;

	store_health(store, &health);
	return health.entries;
}

static void
set_number(struct cm_store *store, int key, int64_t ttl)
{
	ck_assert_int_eq(
		store_set(store, &key, sizeof(key), "value", 5, ttl, CASE_DEADLINE), CM_STORE_OK);
}

/* So what is dead is never more than a part of what lives, and a change costs nothing for it. */
START_TEST(new_entries_sweep_what_is_over_and_changes_do_not)
{
	struct cm_store *store;
	int key = 0;

	clock_freeze(CASE_WALL);
	store = begin_memory();
	while (key < 10000)
		set_number(store, key++, CASE_SEC);
	clock_advance(2 * CASE_SEC);
	set_number(store, 0, 0);
	set_number(store, 0, 0);
	ck_assert_int_eq(entries_of(store), 10000);
	while (key < 20000)
		set_number(store, key++, 0);
	ck_assert_int_eq(entries_of(store), 10001);
	store_close(store);
	clock_thaw();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store memory");
	TCase *tc = tcase_create("memory");

	store_case_add(suite, &memory);
	tcase_add_test(tc, full_store_refuses_and_keeps_what_it_has);
	tcase_add_test(tc, new_entries_sweep_what_is_over_and_changes_do_not);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
