/* SPDX-License-Identifier: MIT */
/*
 * test_hash.c - the keyed hash and the table
 */
#include "base/hash.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "table.h"

#define KEYS 10000

/*
 * SipHash-1-3 of the octets 0, 1, 2, ... len - 1 under a key of zeros, as two others compute it:
 * Rust's DefaultHasher and CPython 3.11 with PYTHONHASHSEED=0 (which has no answer for no octets).
 */
static const struct {
	size_t len;
	uint64_t hash;
} vectors[] = {
	{0, UINT64_C(0xd1fba762150c532c)},
	{1, UINT64_C(0x68a914128e01e473)},
	{2, UINT64_C(0x010bac45c41e3669)},
	{7, UINT64_C(0x2f098ab0c751325a)},
	{8, UINT64_C(0xead411e67ebe2eea)},
	{9, UINT64_C(0x75927f9d95124362)},
	{15, UINT64_C(0xf30eb725bb91c9ea)},
	{16, UINT64_C(0x8972188433a5c5b7)},
	{63, UINT64_C(0x385d3e39e5f37359)},
};

START_TEST(known_answers)
{
	const uint64_t zeros[2] = {0, 0};
	unsigned char data[64];

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)i;
	ck_assert_uint_eq(hash_keyed(zeros, data, vectors[_i].len), vectors[_i].hash);
}
END_TEST

START_TEST(key_changes_the_hash)
{
	const uint64_t one[2] = {1, 0}, other[2] = {0, 1};

	ck_assert_uint_ne(hash_keyed(one, "a", 1), hash_keyed(other, "a", 1));
	ck_assert_uint_eq(hash_keyed(one, "a", 1), hash_keyed(one, "a", 1));
}
END_TEST

/* Two processes that were not forked from one that had its key already. */
START_TEST(every_process_has_a_key_of_its_own)
{
	uint64_t hashes[2] = {0, 0};
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			uint64_t hash = hash_bytes("key", 3);

			_exit(write(ends[1], &hash, sizeof(hash)) != sizeof(hash));
		}
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		ck_assert_int_eq(read(ends[0], &hashes[i], sizeof(hashes[i])), sizeof(hashes[i]));
	}
	ck_assert_uint_ne(hashes[0], hashes[1]);
}
END_TEST

START_TEST(table_finds_what_was_added_and_nothing_else)
{
	static char keys[KEYS][16];
	struct table t;

	table_init(&t);
	ck_assert_ptr_null(table_get(&t, "k0"));
	for (int i = 0; i < KEYS; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
		ck_assert(table_add(&t, keys[i], keys[i]));
	}
	ck_assert_uint_eq(t.count, KEYS);
	for (int i = 0; i < KEYS; i++)
		ck_assert_ptr_eq(table_get(&t, keys[i]), keys[i]);
	ck_assert_ptr_null(table_get(&t, "k10000"));
	ck_assert_ptr_null(table_get(&t, ""));
	table_fini(&t);
}
END_TEST

START_TEST(second_value_of_a_key_is_refused)
{
	struct table t;
	char a, b;

	table_init(&t);
	ck_assert(table_add(&t, "key", &a));
	ck_assert(!table_add(&t, "key", &b));
	ck_assert_ptr_eq(table_get(&t, "key"), &a);
	ck_assert_uint_eq(t.count, 1);
	table_fini(&t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hash");
	TCase *t = tcase_create("hash");

	tcase_add_loop_test(t, known_answers, 0, LENGTH(vectors));
	tcase_add_test(t, key_changes_the_hash);
	tcase_add_test(t, every_process_has_a_key_of_its_own);
	tcase_add_test(t, table_finds_what_was_added_and_nothing_else);
	tcase_add_test(t, second_value_of_a_key_is_refused);
	suite_add_tcase(s, t);
	return table_run(s);
}
