/* SPDX-License-Identifier: MIT */
/*
 * test_limit.c - the arithmetic of rate limits
 */
#include "service/limit.h"

#include <stdio.h>
#include <string.h>

#include "limit_random.h"
#include "table.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define NOW    (INT64_C(1800000000) * SECOND)

static struct limit_record r;
static struct cm_limit_answer a;

static void
step(const struct cm_limit *limit, enum cm_limit_step kind, int64_t cost, int64_t now)
{
	struct cm_limit_take take = {kind, cost, cost, now};

	limit_step(limit, &take, now, &r, &a);
}

/* --- single limits --- */

static const struct cm_limit hundred = {1, {{100, HOUR, 0}}, false};

START_TEST(limit_gives_exactly_its_count)
{
	r = (struct limit_record){0};
	for (int i = 1; i <= 100; i++) {
		step(&hundred, CM_LIMIT_RESERVE, 1, NOW);
		ck_assert(a.ok);
		ck_assert_int_eq(a.used, i);
		ck_assert_int_eq(a.limit, 100);
		step(&hundred, CM_LIMIT_COMMIT, 1, NOW);
	}
	step(&hundred, CM_LIMIT_RESERVE, 1, NOW);
	ck_assert(!a.ok);
	ck_assert(!a.never);
	ck_assert_int_eq(a.used, 100);
	ck_assert_int_eq(a.retry_us, 36 * SECOND + 1);
	step(&hundred, CM_LIMIT_RESERVE, 1, NOW + 36 * SECOND - 1000);
	ck_assert(!a.ok);
	step(&hundred, CM_LIMIT_RESERVE, 1, NOW + 36 * SECOND);
	ck_assert(a.ok);
}
END_TEST

START_TEST(reservation_counts_until_it_ends)
{
	r = (struct limit_record){0};
	step(&hundred, CM_LIMIT_RESERVE, 100, NOW);
	ck_assert(a.ok);
	/* It does not leak. */
	step(&hundred, CM_LIMIT_LOOK, 1, NOW + 10 * 60 * SECOND);
	ck_assert(!a.ok);
	ck_assert_int_eq(a.used, 100);
	struct cm_limit_take release = {CM_LIMIT_RELEASE, 0, 100, NOW};

	limit_step(&hundred, &release, NOW + 10 * 60 * SECOND, &r, &a);
	ck_assert_int_eq(a.used, 0);
	ck_assert_int_eq(limit_ends(&r), 0);
}
END_TEST

START_TEST(reservation_that_nobody_ends_is_forgotten)
{
	r = (struct limit_record){0};
	step(&hundred, CM_LIMIT_RESERVE, 100, NOW);
	step(&hundred, CM_LIMIT_LOOK, 1, NOW + 15 * 60 * SECOND);
	ck_assert(!a.ok);
	ck_assert_int_le(limit_ends(&r), NOW + 17 * 60 * SECOND);
	step(&hundred, CM_LIMIT_LOOK, 1, NOW + 16 * 60 * SECOND);
	ck_assert(a.ok);
}
END_TEST

START_TEST(less_may_be_committed_than_was_reserved)
{
	struct cm_limit_take commit = {CM_LIMIT_COMMIT, 3, 10, NOW};

	r = (struct limit_record){0};
	step(&hundred, CM_LIMIT_RESERVE, 10, NOW);
	limit_step(&hundred, &commit, NOW, &r, &a);
	ck_assert_int_eq(a.used, 3);
}
END_TEST

static const struct {
	const char *name;
	struct cm_limit limit;
	int64_t cost;
	bool ok, never;
	size_t window;
} wholes[] = {
	{"all windows must take", {2, {{50, HOUR, 0}, {300, 24 * HOUR, 0}}, false}, 51, false, true,
		0},
	{"a burst is what fits at once", {1, {{200, HOUR, 50}}, false}, 51, false, true, 0},
	{"and no less", {1, {{200, HOUR, 50}}, false}, 50, true, false, 0},
	{"a burst may be more than the count", {1, {{10, HOUR, 100}}, false}, 100, true, false, 0},
	{"the second window refuses", {2, {{300, HOUR, 0}, {20, 24 * HOUR, 0}}, false}, 21, false,
		true, 1},
	{"nothing costs nothing", {1, {{1, HOUR, 0}}, false}, 0, true, false, 0},
};

START_TEST(windows_take_together)
{
	r = (struct limit_record){0};
	step(&wholes[_i].limit, CM_LIMIT_RESERVE, wholes[_i].cost, NOW);
	ck_assert_msg(a.ok == wholes[_i].ok, "%s", wholes[_i].name);
	ck_assert_msg(a.never == wholes[_i].never, "%s", wholes[_i].name);
	ck_assert_msg(a.window == wholes[_i].window, "%s: %zu", wholes[_i].name, a.window);
	if (a.ok)
		return;
	/* None did. */
	step(&wholes[_i].limit, CM_LIMIT_LOOK, 0, NOW);
	ck_assert_int_eq(a.used, 0);
}
END_TEST

START_TEST(strict_limit_counts_what_it_refuses)
{
	struct cm_limit strict = hundred;

	strict.strict = true;
	r = (struct limit_record){0};
	for (int i = 0; i < 100; i++) {
		step(&strict, CM_LIMIT_RESERVE, 1, NOW);
		step(&strict, CM_LIMIT_COMMIT, 1, NOW);
	}
	for (int i = 0; i < 1000; i++) {
		step(&strict, CM_LIMIT_RESERVE, 1, NOW);
		ck_assert(!a.ok);
	}
	/* Who stops is let in after an hour, however long he tried. */
	step(&strict, CM_LIMIT_LOOK, 1, NOW + HOUR - SECOND);
	ck_assert(!a.ok);
	step(&strict, CM_LIMIT_LOOK, 1, NOW + HOUR + 36 * SECOND);
	ck_assert(a.ok);
}
END_TEST

static const struct {
	const char *name;
	int64_t by, used;
} jumps[] = {
	{"a minute forward", 60 * SECOND, 99},
	{"a day forward: it is empty", 24 * HOUR, 0},
	{"a minute back: it is full at most", -60 * SECOND, 100},
	{"a day back: it is full at most", -24 * HOUR, 100},
	{"years back", -NOW + SECOND, 100},
};

START_TEST(clock_may_jump)
{
	r = (struct limit_record){0};
	step(&hundred, CM_LIMIT_RESERVE, 100, NOW);
	step(&hundred, CM_LIMIT_COMMIT, 100, NOW);
	step(&hundred, CM_LIMIT_LOOK, 0, NOW + jumps[_i].by);
	ck_assert_msg(a.used == jumps[_i].used, "%s: %lld", jumps[_i].name, (long long)a.used);
}
END_TEST

START_TEST(limit_may_change_and_keeps_what_was)
{
	const struct cm_limit two = {2, {{50, 60 * SECOND, 0}, {200, HOUR, 0}}, false};

	r = (struct limit_record){0};
	step(&hundred, CM_LIMIT_RESERVE, 40, NOW);
	step(&hundred, CM_LIMIT_COMMIT, 40, NOW);
	/* Forty of a hundred are 24 minutes, which are eighty of two hundred. */
	step(&two, CM_LIMIT_LOOK, 0, NOW);
	ck_assert_uint_eq(a.window, 1);
	ck_assert_int_eq(a.used, 80);
}
END_TEST

START_TEST(record_survives_its_octets)
{
	unsigned char octets[LIMIT_RECORD_MOST];
	struct limit_record back;
	size_t len;

	r = (struct limit_record){0};
	for (int i = 0; i < 20; i++)
		step(&hundred, CM_LIMIT_RESERVE, 1, NOW + i * 60 * SECOND);
	step(&hundred, CM_LIMIT_COMMIT, 1, NOW + 20 * 60 * SECOND);
	len = limit_encode(&r, octets);
	limit_decode(&back, octets, len);
	ck_assert_uint_eq(back.bucket_count, r.bucket_count);
	ck_assert_uint_eq(back.pending_count, r.pending_count);
	ck_assert_int_eq(back.bucket[0].empty_at, r.bucket[0].empty_at);
	ck_assert_mem_eq(back.pending, r.pending, r.pending_count * sizeof(r.pending[0]));
	for (size_t cut = 0; cut < len; cut++) {
		limit_decode(&back, octets, cut);
		ck_assert_uint_eq(back.bucket_count + back.pending_count, 0);
	}
}
END_TEST

/* --- the model --- */

static void
take_step(const struct cm_limit *limit, const struct cm_limit_take *take, int64_t now, int64_t by,
	struct cm_limit_answer *answer)
{
	(void)by;
	limit_step(limit, take, now, &r, answer);
}

START_TEST(random_steps_are_as_the_list_says)
{
	r = (struct limit_record){0};
	random_run((uint64_t)_i + 1, 1000, false, take_step);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("limit");
	TCase *tc = tcase_create("limits");

	tcase_add_test(tc, limit_gives_exactly_its_count);
	tcase_add_test(tc, reservation_counts_until_it_ends);
	tcase_add_test(tc, reservation_that_nobody_ends_is_forgotten);
	tcase_add_test(tc, less_may_be_committed_than_was_reserved);
	tcase_add_loop_test(tc, windows_take_together, 0, LENGTH(wholes));
	tcase_add_test(tc, strict_limit_counts_what_it_refuses);
	tcase_add_loop_test(tc, clock_may_jump, 0, LENGTH(jumps));
	tcase_add_test(tc, limit_may_change_and_keeps_what_was);
	tcase_add_test(tc, record_survives_its_octets);
	tcase_add_loop_test(tc, random_steps_are_as_the_list_says, 0, 300);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
