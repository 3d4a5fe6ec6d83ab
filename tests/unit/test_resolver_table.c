/* SPDX-License-Identifier: MIT */
/*
 * test_resolver_table.c - questions in flight and answers that still hold
 */
#include "service/resolver_table.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "service/resolver_backend.h"
#include "table.h"

#define OCTETS (1u << 20)

static struct resolver_table table;

static void
setup(void)
{
	clock_freeze(1000000);
	resolver_table_init(&table, OCTETS);
}

static void
teardown(void)
{
	resolver_table_fini(&table);
	clock_thaw();
}

static struct question *
get(const char *name, bool *is_new)
{
	return resolver_table_get(&table, name, strlen(name), CM_DNS_A, is_new);
}

static struct answer *
address(const char *name, uint32_t ttl)
{
	struct draft d;

	draft_init(&d);
	draft_add_data(&d, CM_DNS_A, (const unsigned char *)"\xc0\0\2\1", 4);
	return draft_finish(&d, name, ttl, false);
}

/* The back end's part: it has a reference of its own. */
static void
answer(struct question *q, struct answer *a)
{
	atomic_fetch_add(&q->references, 1);
	question_answer(q, a);
}

START_TEST(same_question_is_asked_once)
{
	bool is_new;
	struct question *first = get("a.example", &is_new), *second, *other;

	ck_assert(is_new);
	second = get("a.example", &is_new);
	ck_assert(!is_new);
	ck_assert_ptr_eq(first, second);
	other = resolver_table_get(&table, "a.example", 9, CM_DNS_MX, &is_new);
	ck_assert(is_new);
	ck_assert_ptr_ne(first, other);
	answer(first, address("a.example", 60));
	ck_assert(question_answered(second));
	ck_assert(!question_answered(other));
	answer(other, answer_new(CM_DNS_TIMEOUT, "a.example", 0));
	question_drop(first);
	question_drop(second);
	question_drop(other);
}
END_TEST

static const struct {
	const char *name;
	enum cm_dns_status status;
	uint32_t ttl;
	int64_t later; /* seconds */
	bool kept;
} lives[] = {
	{"an answer holds for its TTL", CM_DNS_FOUND, 60, 59, true},
	{"and no longer", CM_DNS_FOUND, 60, 60, false},
	{"no such name holds as well", CM_DNS_NO_NAME, 60, 59, true},
	{"for fifteen minutes at most", CM_DNS_NO_NAME, 90000, 901, false},
	{"an answer without TTL is for those who asked", CM_DNS_FOUND, 0, 0, false},
	{"nobody inherits a timeout", CM_DNS_TIMEOUT, 0, 0, false},
	{"nobody inherits a failure", CM_DNS_SERVFAIL, 0, 0, false},
};

START_TEST(answers_hold_as_they_say)
{
	bool is_new;
	struct question *q = get("a.example", &is_new), *again;

	answer(q, lives[_i].status == CM_DNS_FOUND
			  ? address("a.example", lives[_i].ttl)
			  : answer_new(lives[_i].status, "a.example", lives[_i].ttl));
	clock_advance(lives[_i].later * CLOCK_SEC);
	again = get("a.example", &is_new);
	ck_assert_msg(is_new != lives[_i].kept, "%s", lives[_i].name);
	if (is_new)
		answer(again, address("a.example", 0));
	/* Who asked keeps what he was told. */
	ck_assert_int_eq(atomic_load(&q->answer)->said.status, lives[_i].status);
	question_drop(q);
	question_drop(again);
}
END_TEST

static size_t
octets_used(void)
{
	size_t sum = 0;

	for (unsigned i = 0; i < SHARDS; i++)
		sum += table.shards[i].octets;
	return sum;
}

static bool
is_known(const char *name)
{
	bool is_new;
	struct question *q = get(name, &is_new);

	if (is_new)
		answer(q, address(name, 0));
	question_drop(q);
	return !is_new;
}

/* More than fits, and one that is asked again and again. */
START_TEST(full_table_forgets_the_oldest)
{
	char name[32];
	bool is_new;

	for (int i = 0; i < 50000; i++) {
		struct question *q;

		snprintf(name, sizeof(name), "n%d.example", i);
		q = get(name, &is_new);
		ck_assert(is_new);
		answer(q, address(name, 3600));
		question_drop(q);
		ck_assert_uint_le(octets_used(), OCTETS);
		ck_assert(is_known("n0.example"));
	}
	ck_assert_uint_gt(octets_used(), OCTETS / 2);
	ck_assert(!is_known("n1.example"));
	ck_assert(is_known(name));
}
END_TEST

START_TEST(answer_too_large_to_keep_is_given)
{
	bool is_new;
	struct question *q = get("a.example", &is_new);
	struct draft d;

	draft_init(&d);
	for (int i = 0; i < 3; i++) {
		char *text = calloc(1, 60000);

		draft_add_text(&d, text, 60000);
		free(text);
	}
	answer(q, draft_finish(&d, "a.example", 60, false));
	ck_assert_uint_eq(atomic_load(&q->answer)->said.count, 3);
	ck_assert_uint_eq(octets_used(), 0);
	question_drop(q);
}
END_TEST

/* --- many at once --- */

#define THREADS 4
#define ROUNDS	20000

static atomic_uint asked;

static void *
ask_much(void *seed)
{
	unsigned state = *(unsigned *)seed;

	for (int i = 0; i < ROUNDS; i++) {
		char name[32];
		bool is_new;
		struct question *q;

		state = state * 1103515245 + 12345;
		snprintf(name, sizeof(name), "n%u.example", state >> 16 & 1023);
		q = get(name, &is_new);
		if (is_new) {
			atomic_fetch_add(&asked, 1);
			answer(q, address(name, 3600));
		}
		/* Whoever got it first answers it; a copy of the answer is there in the end. */
		if (question_answered(q))
			ck_assert_str_eq(atomic_load(&q->answer)->said.name, name);
		question_drop(q);
	}
	return NULL;
}

START_TEST(threads_share_answers)
{
	unsigned seeds[THREADS] = {1, 2, 3, 4};
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_much, &seeds[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(atomic_load(&asked), 1024);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("resolver_table");
	TCase *tc = tcase_create("table");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, same_question_is_asked_once);
	tcase_add_loop_test(tc, answers_hold_as_they_say, 0, LENGTH(lives));
	tcase_add_test(tc, full_table_forgets_the_oldest);
	tcase_add_test(tc, answer_too_large_to_keep_is_given);
	tcase_add_test(tc, threads_share_answers);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
