/* SPDX-License-Identifier: MIT */
/*
 * store_case.h - what every store must answer, whatever keeps its entries
 *
 * A back end joins with a row of struct store_case_backend and store_case_add(): each of its tests
 * begins with an empty store. Time is the virtual clock.
 */
#ifndef TESTS_UNIT_STORE_CASE_H
#define TESTS_UNIT_STORE_CASE_H

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "limit_random.h"
#include "service/store.h"
#include "table.h"

struct store_case_backend {
	/* An empty store, open; in an unchecked fixture of each test. NULL: skipped, and said so.
	 */
	struct cm_store *(*begin)(void);
	/* Closes it and removes what it left. */
	void (*end)(struct cm_store *);
	/* Lets time pass, also backwards, for the store; NULL: clock_advance(). */
	void (*pass)(int64_t us);
	/* Time to live is that of a server, which no test can move. */
	bool shows_twice; /* each() may show an entry twice while others come */
	bool own_time;
};

enum store_case_kind {
	CASE_END,
	CASE_SET,
	CASE_GET,
	CASE_DELETE,
	CASE_ADD,
	CASE_MEMBER,
	CASE_RESERVE,
	CASE_LOOK,
	CASE_COMMIT,
	CASE_RELEASE,
	CASE_PASS, /* number: so many microseconds */
};

struct store_case_step {
	enum store_case_kind kind;
	const char *key;
	const char *value; /* set, member: what goes in; get: what must be found, NULL: nothing */
	int64_t number;	   /* add: delta; limit: cost */
	int64_t ttl;
	int64_t result; /* add, member: the number; limit: used */
	bool refused;	/* limit */
};

struct store_case {
	const char *name;
	struct store_case_step step[12];
};

#define CASE_SEC      INT64_C(1000000)
#define CASE_WALL     INT64_C(1800000000)
#define CASE_DEADLINE (clock_now() + 10 * CASE_SEC)

/* clang-format off */
#define SET(k, v)		  {.kind = CASE_SET, .key = k, .value = v}
#define SET_FOR(k, v, t)	  {.kind = CASE_SET, .key = k, .value = v, .ttl = t}
#define GET(k, v)		  {.kind = CASE_GET, .key = k, .value = v}
/* v: NULL where there is none. */
#define DELETE(k, v)		  {.kind = CASE_DELETE, .key = k, .value = v}
#define ADD(k, n, r)		  {.kind = CASE_ADD, .key = k, .number = n, .result = r}
#define ADD_FOR(k, n, t, r)	  {.kind = CASE_ADD, .key = k, .number = n, .ttl = t, .result = r}
#define MEMBER(k, v, r)		  {.kind = CASE_MEMBER, .key = k, .value = v, .result = r}
#define MEMBER_FOR(k, v, t, r)	  {.kind = CASE_MEMBER, .key = k, .value = v, .ttl = t, .result = r}
/* Cost, and what is used then. */
#define RESERVE(k, n, r)	  {.kind = CASE_RESERVE, .key = k, .number = n, .result = r}
#define NOT_RESERVE(k, n, r)	  {.kind = CASE_RESERVE, .key = k, .number = n, .result = r, .refused = true}
#define LOOK(k, n, r)		  {.kind = CASE_LOOK, .key = k, .number = n, .result = r}
#define NOT_LOOK(k, n, r)	  {.kind = CASE_LOOK, .key = k, .number = n, .result = r, .refused = true}
#define COMMIT(k, n, r)		  {.kind = CASE_COMMIT, .key = k, .number = n, .result = r}
#define RELEASE(k, n, r)	  {.kind = CASE_RELEASE, .key = k, .number = n, .result = r}
#define PASS(us)		  {.kind = CASE_PASS, .number = us}
/* clang-format on */

static const struct store_case store_cases[] = {
	{"what was set is found", {SET("a", "one"), GET("a", "one")}},
	{"nothing is found where nothing was set", {GET("a", NULL)}},
	{"keys are apart", {SET("a", "one"), SET("ab", "two"), GET("a", "one"), GET("ab", "two"),
				   GET("abc", NULL)}},
	{"a value may be longer, and shorter again",
		{SET("a", "1"), SET("a", "a longer one"), GET("a", "a longer one"), SET("a", "2"),
			GET("a", "2")}},
	{"a time may be longer than all there is",
		{SET_FOR("a", "one", INT64_MAX), GET("a", "one"), ADD_FOR("n", 1, INT64_MAX, 1),
			ADD("n", 1, 2), MEMBER_FOR("s", "a", INT64_MAX, 1), MEMBER("s", "b", 2)}},
	{"a value may be empty", {SET("a", ""), GET("a", "")}},
	{"a key may be empty",
		{GET("", NULL), SET("", "one"), GET("", "one"), DELETE("", ""), GET("", NULL)}},
	{"what was deleted is gone",
		{SET("a", "one"), DELETE("a", ""), GET("a", NULL), DELETE("a", NULL)}},
	{"a counter begins at 0", {ADD("n", 5, 5), ADD("n", -7, -2), ADD("n", 0, -2)}},
	{"a counter does not wrap", {ADD("n", INT64_MAX, INT64_MAX), ADD("n", 1, INT64_MAX)}},
	{"a deleted counter begins again", {ADD("n", 5, 5), DELETE("n", ""), ADD("n", 1, 1)}},
	{"a counter is read as a number",
		{ADD("n", 41, 41), GET("n", "41"), ADD("n", -50, -9), GET("n", "-9")}},
	{"a number that was set is counted on",
		{SET("n", "41"), ADD("n", 1, 42), SET("n", "-1"), ADD("n", 1, 0), GET("n", "0")}},
	{"what is no number is replaced",
		{SET("n", "12345678"), SET("n", "1x"), ADD("n", 2, 2), SET("n", ""), ADD("n", 3, 3),
			SET("n", " 7"), ADD("n", 4, 4)}},
	{"what no counter would be written as is replaced",
		{SET("n", "007"), ADD("n", 5, 5), SET("n", "-0"), ADD("n", -6, -6),
			SET("n", "99999999999999999999"), ADD("n", 1, 1)}},
	{"a counter stays at the other end, too",
		{SET("n", "-9223372036854775808"), ADD("n", -1, INT64_MIN), ADD("n", 1, -INT64_MAX),
			GET("n", "-9223372036854775807")}},
	{"members count once", {MEMBER("s", "a", 1), MEMBER("s", "b", 2), MEMBER("s", "a", 2),
				       MEMBER("s", "", 3)}},
	{"a limit takes what fits", {RESERVE("l", 60, 60), NOT_RESERVE("l", 41, 60),
					    RESERVE("l", 40, 100), NOT_LOOK("l", 1, 100)}},
	{"what is released was never there",
		{RESERVE("l", 100, 100), RELEASE("l", 100, 0), LOOK("l", 0, 0)}},
	{"what is committed stays",
		{RESERVE("l", 100, 100), COMMIT("l", 100, 100), NOT_RESERVE("l", 1, 100)}},
	{"to look changes nothing", {LOOK("l", 50, 0), LOOK("l", 0, 0), DELETE("l", NULL)}},
};

/* Those in which time passes for the entries. */
static const struct store_case store_time_cases[] = {
	{"a value ends with its time",
		{SET_FOR("a", "one", 10 * CASE_SEC), PASS(10 * CASE_SEC - 1), GET("a", "one"),
			PASS(1), GET("a", NULL), DELETE("a", NULL)}},
	{"a value without time stays",
		{SET("a", "one"), PASS(365 * 86400 * CASE_SEC), GET("a", "one")}},
	{"a value that is set anew has a new time",
		{SET_FOR("a", "one", 10 * CASE_SEC), PASS(9 * CASE_SEC),
			SET_FOR("a", "two", 10 * CASE_SEC), PASS(9 * CASE_SEC), GET("a", "two")}},
	{"a counter keeps the time of its first",
		{ADD_FOR("n", 1, 10 * CASE_SEC, 1), PASS(9 * CASE_SEC),
			ADD_FOR("n", 1, 10 * CASE_SEC, 2), PASS(CASE_SEC),
			ADD_FOR("n", 1, 10 * CASE_SEC, 1)}},
	{"a set keeps the time of its first",
		{MEMBER_FOR("s", "a", 10 * CASE_SEC, 1), PASS(9 * CASE_SEC),
			MEMBER_FOR("s", "b", 10 * CASE_SEC, 2), PASS(CASE_SEC),
			MEMBER_FOR("s", "b", 10 * CASE_SEC, 1)}},
	{"a clock that is set back ends nothing",
		{SET_FOR("a", "one", 10 * CASE_SEC), PASS(-3600 * CASE_SEC), GET("a", "one"),
			ADD("n", 1, 1)}},
	{"a limit leaks", {RESERVE("l", 100, 100), COMMIT("l", 100, 100), PASS(36 * CASE_SEC),
				  LOOK("l", 0, 99), PASS(3564 * CASE_SEC), LOOK("l", 0, 0)}},
	{"a bucket is full at most when the clock is set back",
		{RESERVE("l", 100, 100), COMMIT("l", 100, 100), PASS(-86400 * CASE_SEC),
			LOOK("l", 0, 100), NOT_RESERVE("l", 1, 100), PASS(36 * CASE_SEC),
			RESERVE("l", 1, 100)}},
	{"a reservation that nobody ends is forgotten",
		{RESERVE("l", 100, 100), PASS(14 * 60 * CASE_SEC), NOT_LOOK("l", 1, 100),
			PASS(2 * 60 * CASE_SEC), LOOK("l", 1, 0)}},
};

/* Of the running test. */
static const struct store_case_backend *store_case_of;
static struct cm_store *store_case_store;

static inline void
store_case_pass(int64_t us)
{
	if (store_case_of->pass != NULL)
		store_case_of->pass(us);
	else
		clock_advance(us);
}

static inline void
store_case_setup(void)
{
	clock_freeze(CASE_WALL);
	store_case_store = store_case_of->begin();
}

static inline void
store_case_teardown(void)
{
	if (store_case_store != NULL)
		store_case_of->end(store_case_store);
	store_case_store = NULL;
	clock_thaw();
}

/* --- steps --- */

struct store_case_result {
	enum cm_store_status status;
	struct store_value value;
	int64_t number;
	struct cm_limit_answer answer;
};

static inline enum cm_store_status
store_case_limit(const struct store_case_step *s, struct cm_limit_answer *answer)
{
	static const struct cm_limit hundred = {1, {{100, 3600 * CASE_SEC, 0}}, false};
	static const enum cm_limit_step steps[] = {[CASE_RESERVE] = CM_LIMIT_RESERVE,
		[CASE_LOOK] = CM_LIMIT_LOOK,
		[CASE_COMMIT] = CM_LIMIT_COMMIT,
		[CASE_RELEASE] = CM_LIMIT_RELEASE};
	struct cm_limit_take take = {steps[s->kind], s->number, s->number, clock_wall_us()};

	/* What a release takes is only what was reserved. */
	if (s->kind == CASE_RELEASE)
		take.cost = 0;
	return store_limit(
		store_case_store, s->key, strlen(s->key), &hundred, &take, CASE_DEADLINE, answer);
}

static inline void
store_case_do(const struct store_case_step *s, struct arena *arena, struct store_case_result *r)
{
	struct cm_store *store = store_case_store;
	size_t len = s->key == NULL ? 0 : strlen(s->key);

	switch (s->kind) {
	case CASE_END:
		break;
	case CASE_SET:
		r->status = store_set(
			store, s->key, len, s->value, strlen(s->value), s->ttl, CASE_DEADLINE);
		break;
	case CASE_GET:
		r->status = store_get(store, s->key, len, CASE_DEADLINE, arena, &r->value);
		break;
	case CASE_DELETE:
		r->status = store_delete(store, s->key, len, CASE_DEADLINE);
		break;
	case CASE_ADD:
		r->status =
			store_add(store, s->key, len, s->number, s->ttl, CASE_DEADLINE, &r->number);
		break;
	case CASE_MEMBER:
		r->status = store_add_member(store, s->key, len, s->value, strlen(s->value), s->ttl,
			CASE_DEADLINE, &r->number);
		break;
	case CASE_RESERVE:
	case CASE_LOOK:
	case CASE_COMMIT:
	case CASE_RELEASE:
		r->status = store_case_limit(s, &r->answer);
		r->number = r->answer.used;
		break;
	case CASE_PASS:
		store_case_pass(s->number);
		break;
	}
}

static inline void
store_case_compare(const char *name, size_t at, const struct store_case_step *s,
	const struct store_case_result *r)
{
	bool found = s->kind == CASE_GET || s->kind == CASE_DELETE;
	bool limit = s->kind == CASE_RESERVE || s->kind == CASE_LOOK;

	ck_assert_msg(r->status == (found && s->value == NULL ? CM_STORE_NONE : CM_STORE_OK),
		"%s: step %zu: status %d", name, at, (int)r->status);
	ck_assert_msg(r->number == s->result, "%s: step %zu: %lld", name, at, (long long)r->number);
	if (limit)
		ck_assert_msg(r->answer.ok != s->refused, "%s: step %zu: taken: %d", name, at,
			r->answer.ok);
	if (s->kind == CASE_GET && s->value != NULL)
		ck_assert_msg(r->value.len == strlen(s->value) &&
				      memcmp(r->value.data, s->value, r->value.len) == 0,
			"%s: step %zu: %.*s", name, at, (int)r->value.len,
			(const char *)r->value.data);
}

static inline void
store_case_run(const struct store_case *c)
{
	struct arena arena;

	if (store_case_store == NULL)
		return;
	arena_init(&arena, 1024);
	for (size_t i = 0; i < sizeof(c->step) / sizeof(*c->step); i++) {
		struct store_case_result r = {.status = CM_STORE_OK};

		store_case_do(&c->step[i], &arena, &r);
		store_case_compare(c->name, i + 1, &c->step[i], &r);
	}
	arena_fini(&arena);
}

START_TEST(store_answers_as_the_table_says)
{
	store_case_run(&store_cases[_i]);
}
END_TEST

START_TEST(entries_end_as_the_table_says)
{
	store_case_run(&store_time_cases[_i]);
}
END_TEST

/* --- octets and sizes --- */

static const struct {
	const char *name;
	size_t key, value;
	enum cm_store_status status;
} store_sizes[] = {
	{"octets of any kind", 256, 256, CM_STORE_OK},
	{"the longest key that is kept whole", STORE_KEY_MOST, 10, CM_STORE_OK},
	{"a key that is hashed", STORE_KEY_MOST + 1, 10, CM_STORE_OK},
	{"a very long key", 100000, 10, CM_STORE_OK},
	{"the longest value", 10, STORE_VALUE_MOST, CM_STORE_OK},
	{"a value that is too long", 10, STORE_VALUE_MOST + 1, CM_STORE_FULL},
};

static inline unsigned char *
store_case_octets(size_t size)
{
	unsigned char *octets = malloc(size + 1);

	for (size_t i = 0; i < size; i++)
		octets[i] = (unsigned char)i;
	return octets;
}

START_TEST(sizes_and_octets_are_kept)
{
	unsigned char *key = store_case_octets(store_sizes[_i].key);
	unsigned char *value = store_case_octets(store_sizes[_i].value);
	struct store_value found;
	struct arena arena;
	enum cm_store_status status;

	arena_init(&arena, 1024);
	if (store_case_store != NULL) {
		status = store_set(store_case_store, key, store_sizes[_i].key, value,
			store_sizes[_i].value, 0, CASE_DEADLINE);
		ck_assert_msg(status == store_sizes[_i].status, "%s", store_sizes[_i].name);
		status = store_get(
			store_case_store, key, store_sizes[_i].key, CASE_DEADLINE, &arena, &found);
		ck_assert_msg((status == CM_STORE_OK) == (store_sizes[_i].status == CM_STORE_OK),
			"%s", store_sizes[_i].name);
		if (status == CM_STORE_OK) {
			ck_assert_uint_eq(found.len, store_sizes[_i].value);
			ck_assert_mem_eq(found.data, value, found.len);
		}
		/* Another end of a long key is another key. */
		key[store_sizes[_i].key - 1]++;
		status = store_get(
			store_case_store, key, store_sizes[_i].key, CASE_DEADLINE, &arena, &found);
		ck_assert_msg(status == CM_STORE_NONE, "%s", store_sizes[_i].name);
	}
	arena_fini(&arena);
	free(key);
	free(value);
}
END_TEST

START_TEST(sets_are_exact_up_to_64_and_then_close)
{
	int64_t count = 0;

	if (store_case_store == NULL)
		return;
	for (int i = 1; i <= 5000; i++) {
		ck_assert_int_eq(store_add_member(store_case_store, "s", 1, &i, sizeof(i), 0,
					 CASE_DEADLINE, &count),
			CM_STORE_OK);
		if (i <= 64)
			ck_assert_int_eq(count, i);
	}
	ck_assert_int_gt(count, 4500);
	ck_assert_int_lt(count, 5500);
}
END_TEST

/* --- each --- */

static char store_shown[4096];
static int store_shown_most;

static inline bool
store_show_one(void *context, const void *key, size_t len, const struct store_value *value)
{
	size_t at = strlen(store_shown);

	(void)context;
	snprintf(store_shown + at, sizeof(store_shown) - at, "%.*s=%.*s;", (int)len,
		(const char *)key, (int)value->len, (const char *)value->data);
	return --store_shown_most > 0;
}

START_TEST(each_shows_what_begins_so)
{
	static const char *const keys[] = {"a/1", "a/2", "b/1", "a"};

	if (store_case_store == NULL)
		return;
	for (int i = 0; i < LENGTH(keys); i++)
		ck_assert_int_eq(store_set(store_case_store, keys[i], strlen(keys[i]), "x", 1, 0,
					 CASE_DEADLINE),
			CM_STORE_OK);
	ck_assert_int_eq(store_delete(store_case_store, "a/2", 3, CASE_DEADLINE), CM_STORE_OK);
	store_shown[0] = '\0';
	store_shown_most = 100;
	ck_assert_int_eq(store_each(store_case_store, "a/", 2, store_show_one, NULL), CM_STORE_OK);
	ck_assert_str_eq(store_shown, "a/1=x;");
	store_shown[0] = '\0';
	ck_assert_int_eq(store_each(store_case_store, "", 0, store_show_one, NULL), CM_STORE_OK);
	for (int i = 0; i < LENGTH(keys); i++) {
		char entry[16];

		snprintf(entry, sizeof(entry), "%s=x;", keys[i]);
		ck_assert_msg((strstr(store_shown, entry) != NULL) == (i != 1), "%s in %s", entry,
			store_shown);
	}
	/* No more than show() wants. */
	store_shown[0] = '\0';
	store_shown_most = 2;
	ck_assert_int_eq(store_each(store_case_store, "", 0, store_show_one, NULL), CM_STORE_OK);
	ck_assert_int_eq(store_shown_most, 0);
}
END_TEST

#define CASE_SHOWN 3000

static struct {
	unsigned times[CASE_SHOWN];
	unsigned added;
} store_used;

/* show() writes as many entries as it is shown: no lock is held meanwhile. */
static inline bool
store_use_shown(void *context, const void *key, size_t len, const struct store_value *value)
{
	char other[32];
	unsigned number = (unsigned)atoi((const char *)key + 1);

	(void)context;
	ck_assert_uint_eq(value->len, 1);
	if (len < 2 || ((const char *)key)[0] != 'k' || number >= CASE_SHOWN)
		return true;
	store_used.times[number]++;
	snprintf(other, sizeof(other), "other%u", store_used.added++);
	ck_assert_int_eq(
		store_set(store_case_store, other, strlen(other), "y", 1, 0, CASE_DEADLINE),
		CM_STORE_OK);
	return true;
}

START_TEST(each_shows_all_while_the_store_is_used)
{
	char key[32];

	if (store_case_store == NULL)
		return;
	for (int i = 0; i < CASE_SHOWN; i++) {
		snprintf(key, sizeof(key), "k%d;", i);
		ck_assert_int_eq(
			store_set(store_case_store, key, strlen(key), "x", 1, 0, CASE_DEADLINE),
			CM_STORE_OK);
	}
	memset(&store_used, 0, sizeof(store_used));
	ck_assert_int_eq(store_each(store_case_store, "k", 1, store_use_shown, NULL), CM_STORE_OK);
	for (int i = 0; i < CASE_SHOWN; i++)
		ck_assert_msg(store_used.times[i] == 1 ||
				      (store_case_of->shows_twice && store_used.times[i] > 0),
			"%d was shown %u times", i, store_used.times[i]);
}
END_TEST

/* --- limits --- */

static inline void
store_case_model_step(const struct cm_limit *limit, const struct cm_limit_take *take, int64_t now,
	int64_t by, struct cm_limit_answer *a)
{
	static unsigned steps;

	store_case_pass(by);
	ck_assert_int_eq(clock_wall_us(), now);
	/* Now and then it is where it lasts, and what is over was looked for there. */
	if (++steps % 7 == 0)
		ck_assert(store_flush(store_case_store, CASE_DEADLINE));
	ck_assert_int_eq(
		store_limit(store_case_store, "l", 1, limit, take, CASE_DEADLINE, a), CM_STORE_OK);
}

/* The clock jumps by up to two days, forth and back. */
START_TEST(limits_of_a_store_are_as_the_list_says)
{
	if (store_case_store != NULL)
		random_run((uint64_t)_i + 1, 300, true, store_case_model_step);
}
END_TEST

/* --- many at once --- */

#define CASE_THREADS 4
#define CASE_TURNS   500

static inline void *
store_case_load(void *context)
{
	static const struct cm_limit most = {
		1, {{CASE_THREADS * CASE_TURNS / 2, 365 * 86400 * CASE_SEC, 0}}, false};
	static const struct cm_limit_take take = {CM_LIMIT_RESERVE, 1, 0, 0};
	int64_t *taken = context, number;
	struct cm_limit_answer a;

	for (int i = 0; i < CASE_TURNS; i++) {
		if (store_add(store_case_store, "n", 1, 1, 0, CASE_DEADLINE, &number) !=
				CM_STORE_OK ||
			store_limit(store_case_store, "l", 1, &most, &take, CASE_DEADLINE, &a) !=
				CM_STORE_OK)
			return NULL;
		*taken += a.ok;
	}
	return context;
}

START_TEST(nothing_is_counted_twice_or_lost)
{
	pthread_t threads[CASE_THREADS];
	int64_t taken[CASE_THREADS] = {0}, sum = 0, number;

	if (store_case_store == NULL)
		return;
	for (int i = 0; i < CASE_THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, store_case_load, &taken[i]), 0);
	for (int i = 0; i < CASE_THREADS; i++) {
		void *done;

		pthread_join(threads[i], &done);
		ck_assert_ptr_nonnull(done);
		sum += taken[i];
	}
	ck_assert_int_eq(sum, CASE_THREADS * CASE_TURNS / 2);
	ck_assert_int_eq(
		store_add(store_case_store, "n", 1, 0, 0, CASE_DEADLINE, &number), CM_STORE_OK);
	ck_assert_int_eq(number, CASE_THREADS * CASE_TURNS);
}
END_TEST

/* All of them for the back end of this program. */
static inline void
store_case_add(Suite *suite, const struct store_case_backend *backend)
{
	TCase *tc = tcase_create("every store");

	store_case_of = backend;
	tcase_add_checked_fixture(tc, store_case_setup, store_case_teardown);
	tcase_add_loop_test(tc, store_answers_as_the_table_says, 0, LENGTH(store_cases));
	if (!backend->own_time)
		tcase_add_loop_test(tc, entries_end_as_the_table_says, 0, LENGTH(store_time_cases));
	tcase_add_loop_test(tc, sizes_and_octets_are_kept, 0, LENGTH(store_sizes));
	tcase_add_test(tc, sets_are_exact_up_to_64_and_then_close);
	tcase_add_test(tc, each_shows_what_begins_so);
	tcase_add_test(tc, each_shows_all_while_the_store_is_used);
	tcase_add_loop_test(tc, limits_of_a_store_are_as_the_list_says, 0, 30);
	tcase_add_test(tc, nothing_is_counted_twice_or_lost);
	suite_add_tcase(suite, tc);
}

#endif
