/* SPDX-License-Identifier: MIT */
/*
 * test_store_redis.c - a store in Redis: what every store answers, and that its scripts do what the
 * other stores do
 */
#include "service/limit.h"
#include "store_case.h"
#include "store_redis_case.h"

static struct redis_server server;

static struct cm_store *
begin_redis(void)
{
	if (!redis_is_there())
		return NULL;
	redis_begin(&server, NULL);
	return redis_case_open(&server, REDIS_PATIENT);
}

static void
end_redis(struct cm_store *store)
{
	store_close(store);
	redis_end(&server);
}

static const struct store_case_backend redis = {
	.shows_twice = true, .begin = begin_redis, .end = end_redis, .own_time = true};

/* --- the script is limit.c --- */

/* What the store holds is what limit.c would have written, octet for octet. */
struct twin {
	struct cm_store *store;
	struct arena arena;
	uint64_t seed;
	unsigned char record[LIMIT_RECORD_MOST];
	size_t len;
	int64_t reserved_at;
};

static int64_t
below(struct twin *t, int64_t most)
{
	t->seed = t->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)((t->seed >> 20) % (uint64_t)most);
}

/* Of any size, small ones as often as great ones. */
static int64_t
any_size(struct twin *t, int64_t most)
{
	int64_t size = INT64_C(1) << below(t, 50);

	return 1 + below(t, size < most ? size : most);
}

static void
any_limit(struct twin *t, struct cm_limit *limit)
{
	*limit = (struct cm_limit){
		.windows = 1 + (size_t)below(t, CM_LIMIT_WINDOWS), .strict = below(t, 2) == 0};
	for (size_t i = 0; i < limit->windows; i++) {
		limit->window[i].count = any_size(t, CM_LIMIT_COUNT_MOST);
		limit->window[i].period_us = any_size(t, 366 * 86400 * REDIS_SEC);
		limit->window[i].burst = below(t, 2) == 0 ? 0 : any_size(t, CM_LIMIT_COUNT_MOST);
	}
}

static struct cm_limit_take
any_take(struct twin *t)
{
	struct cm_limit_take take = {.step = (enum cm_limit_step)below(t, 4),
		.cost = any_size(t, CM_LIMIT_COUNT_MOST),
		.reserved = any_size(t, CM_LIMIT_COUNT_MOST),
		.reserved_at = below(t, 3) == 0 ? clock_wall_us() - below(t, 1000 * REDIS_SEC)
						: t->reserved_at};

	/* Mostly what fits, else all buckets are full all the time. */
	if (below(t, 4) != 0)
		take.cost = below(t, 10);
	return take;
}

static void
step_here(struct twin *t, const struct cm_limit *limit, const struct cm_limit_take *take,
	struct cm_limit_answer *a)
{
	struct limit_record r;

	limit_decode(&r, t->record, t->len);
	limit_step(limit, take, clock_wall_us(), &r, a);
	if (take->step == CM_LIMIT_LOOK)
		return;
	t->len = limit_ends(&r) > clock_wall_us() ? limit_encode(&r, t->record) : 0;
}

static void
compare(struct twin *t, const struct cm_limit_answer *here, const struct cm_limit_answer *there)
{
	struct store_value found;
	enum cm_store_status status;

	ck_assert_int_eq(there->ok, here->ok);
	ck_assert_int_eq(there->never, here->never);
	ck_assert_uint_eq(there->window, here->window);
	ck_assert_int_eq(there->used, here->used);
	ck_assert_int_eq(there->limit, here->limit);
	ck_assert_int_eq(there->retry_us, here->retry_us);
	ck_assert_int_eq(there->reserved_at, here->reserved_at);
	status = store_get(t->store, "l", 1, CASE_DEADLINE, &t->arena, &found);
	ck_assert_int_eq(status, t->len == 0 ? CM_STORE_NONE : CM_STORE_OK);
	ck_assert_uint_eq(found.len, t->len);
	if (t->len > 0)
		ck_assert_mem_eq(found.data, t->record, t->len);
}

static void
twin_step(struct twin *t, const struct cm_limit *limit)
{
	struct cm_limit_take take = any_take(t);
	struct cm_limit_answer here = {0}, there;

	step_here(t, limit, &take, &here);
	ck_assert_int_eq(
		store_limit(t->store, "l", 1, limit, &take, CASE_DEADLINE, &there), CM_STORE_OK);
	if (here.reserved_at != 0)
		t->reserved_at = here.reserved_at;
	compare(t, &here, &there);
}

/* Forth and back, and the limit changes meanwhile. */
START_TEST(script_is_the_arithmetic_to_the_last_bit)
{
	struct twin t = {.seed = (uint64_t)_i + 1, .store = store_case_store};
	struct cm_limit limit;

	if (t.store == NULL)
		return;
	arena_init(&t.arena, 4096);
	any_limit(&t, &limit);
	for (int i = 0; i < 300; i++) {
		int64_t by = any_size(&t, 100 * 86400 * REDIS_SEC);

		clock_advance(below(&t, 20) == 0 ? -by / 100 : by / 1000);
		if (below(&t, 50) == 0)
			any_limit(&t, &limit);
		twin_step(&t, &limit);
		arena_reset(&t.arena);
	}
	arena_fini(&t.arena);
}
END_TEST

/* CASE_WALL in minutes. */
#define MINUTE_NOW 0x80, 0xc3, 0xc9, 1, 0, 0, 0, 0

/* What another program, or another version, may have left there. */
static const struct {
	const char *name;
	unsigned char octets[40];
	size_t len;
} records[] = {
	{"nothing", "", 0},
	{"a text", "hello, world", 12},
	{"another version", {2, 0, 0, 0}, 4},
	{"too short for what it says", {1, 1, 0, 0, 1, 2, 3}, 7},
	{"more windows than there may be", {1, 200, 0, 0}, 4},
	{"a bucket that is never empty",
		{1, 1, 0, 0, 0, 0xa4, 0x93, 0xd6, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255,
			127},
		20},
	{"a bucket of before all times",
		{1, 1, 0, 0, 0, 0xa4, 0x93, 0xd6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128}, 20},
	{"a reservation of this minute", {1, 0, 1, 0, MINUTE_NOW, 7, 0, 0, 0, 0, 0, 0, 0}, 20},
	{"a reservation that is too great by one",
		{1, 0, 1, 0, MINUTE_NOW, 0x01, 0x80, 0xc6, 0xa4, 0x7e, 0x8d, 3, 0}, 20},
	{"the greatest reservation",
		{1, 0, 1, 0, MINUTE_NOW, 255, 255, 255, 255, 255, 255, 255, 127}, 20},
	{"a reservation of less than nothing",
		{1, 0, 1, 0, MINUTE_NOW, 255, 255, 255, 255, 255, 255, 255, 255}, 20},
};

START_TEST(strange_records_are_what_they_are_elsewhere)
{
	static const struct cm_limit hourly = {1, {{100, 3600 * CASE_SEC, 0}}, false};
	static const struct cm_limit_take take = {CM_LIMIT_RESERVE, 5, 0, 0};
	struct twin t = {.store = store_case_store, .len = records[_i].len};
	struct cm_limit_answer here = {0}, there;

	if (t.store == NULL)
		return;
	arena_init(&t.arena, 4096);
	memcpy(t.record, records[_i].octets, t.len);
	ck_assert_int_eq(
		store_set(t.store, "l", 1, t.record, t.len, 0, CASE_DEADLINE), CM_STORE_OK);
	step_here(&t, &hourly, &take, &here);
	ck_assert_int_eq(
		store_limit(t.store, "l", 1, &hourly, &take, CASE_DEADLINE, &there), CM_STORE_OK);
	compare(&t, &here, &there);
	arena_fini(&t.arena);
}
END_TEST

/* --- time to live --- */

static int64_t
ttl_of(const char *key)
{
	char command[64], said[64];
	long long ms;

	snprintf(command, sizeof(command), "PTTL test:%s", key);
	redis_ask(&server, said, sizeof(said), command);
	ck_assert_int_eq(sscanf(said, ":%lld", &ms), 1);
	return ms;
}

START_TEST(everything_has_its_time)
{
	static const struct cm_limit hourly = {1, {{100, 3600 * CASE_SEC, 0}}, false};
	static const struct cm_limit_take take = {CM_LIMIT_COMMIT, 50, 0, 0};
	struct cm_store *store = store_case_store;
	struct cm_limit_answer a;
	int64_t number;

	if (store == NULL)
		return;
	store_set(store, "v", 1, "x", 1, 1000 * CASE_SEC, CASE_DEADLINE);
	ck_assert_int_gt(ttl_of("v"), 900 * 1000);
	ck_assert_int_le(ttl_of("v"), 1000 * 1000);
	store_set(store, "v", 1, "x", 1, 0, CASE_DEADLINE);
	ck_assert_int_eq(ttl_of("v"), -1);
	store_add(store, "n", 1, 1, 1000 * CASE_SEC, CASE_DEADLINE, &number);
	store_add(store, "n", 1, 1, 9000 * CASE_SEC, CASE_DEADLINE, &number);
	ck_assert_int_gt(ttl_of("n"), 900 * 1000);
	ck_assert_int_le(ttl_of("n"), 1000 * 1000);
	/* Half an hour is in the bucket, and a minute more for the clocks. */
	store_limit(store, "l", 1, &hourly, &take, CASE_DEADLINE, &a);
	ck_assert_int_gt(ttl_of("l"), 1800 * 1000);
	ck_assert_int_le(ttl_of("l"), 1860 * 1000);
}
END_TEST

START_TEST(set_keeps_its_time_when_it_becomes_a_sketch)
{
	int64_t count;

	if (store_case_store == NULL)
		return;
	for (int i = 0; i < 70; i++)
		ck_assert_int_eq(store_add_member(store_case_store, "s", 1, &i, sizeof(i),
					 (1000 + i) * CASE_SEC, CASE_DEADLINE, &count),
			CM_STORE_OK);
	ck_assert_int_gt(ttl_of("s"), 900 * 1000);
	ck_assert_int_le(ttl_of("s"), 1000 * 1000);
}
END_TEST

START_TEST(value_says_when_it_ends)
{
	struct store_value found;
	struct arena arena;

	if (store_case_store == NULL)
		return;
	arena_init(&arena, 1024);
	store_set(store_case_store, "v", 1, "x", 1, 1000 * CASE_SEC, CASE_DEADLINE);
	ck_assert_int_eq(
		store_get(store_case_store, "v", 1, CASE_DEADLINE, &arena, &found), CM_STORE_OK);
	ck_assert_int_gt(found.expires, clock_wall_us() + 900 * CASE_SEC);
	ck_assert_int_le(found.expires, clock_wall_us() + 1000 * CASE_SEC);
	arena_fini(&arena);
}
END_TEST

/* Machines whose clocks are years apart count in one time, the server's. */
START_TEST(time_of_limits_is_that_of_the_server)
{
	static const struct cm_limit yearly = {1, {{10, 365 * 86400 * CASE_SEC, 0}}, false};
	static const struct cm_limit_take take = {CM_LIMIT_RESERVE, 1, 0, 0};
	struct cm_limit_answer a;
	char said[64];
	long long seconds;

	if (store_case_store == NULL)
		return;
	clock_thaw();
	ck_assert_int_eq(store_limit(store_case_store, "l", 1, &yearly, &take, CASE_DEADLINE, &a),
		CM_STORE_OK);
	redis_ask(&server, said, sizeof(said), "TIME");
	ck_assert_int_eq(sscanf(said, "*2\r\n$10\r\n%lld", &seconds), 1);
	ck_assert_int_le(a.reserved_at / CASE_SEC, seconds);
	ck_assert_int_gt(a.reserved_at / CASE_SEC, seconds - 60);
}
END_TEST

/* --- what is not ours --- */

static const struct {
	const char *name, *make; /* of the key test:k */
	enum cm_store_status get, set, add, member, limit, delete;
} foreign[] = {
	{"a list", "RPUSH test:k a", CM_STORE_AWAY, CM_STORE_OK, CM_STORE_AWAY, CM_STORE_AWAY,
		CM_STORE_AWAY, CM_STORE_OK},
	{"a hash", "HSET test:k a b", CM_STORE_AWAY, CM_STORE_OK, CM_STORE_AWAY, CM_STORE_AWAY,
		CM_STORE_AWAY, CM_STORE_OK},
	{"a stream", "XADD test:k * a b", CM_STORE_AWAY, CM_STORE_OK, CM_STORE_AWAY, CM_STORE_AWAY,
		CM_STORE_AWAY, CM_STORE_OK},
	{"a set of ours", "SADD test:k a", CM_STORE_AWAY, CM_STORE_OK, CM_STORE_AWAY, CM_STORE_OK,
		CM_STORE_AWAY, CM_STORE_OK},
	{"a text", "SET test:k text", CM_STORE_OK, CM_STORE_OK, CM_STORE_OK, CM_STORE_AWAY,
		CM_STORE_OK, CM_STORE_OK},
	{"a value that is too long", "SETRANGE test:k 70000 x", CM_STORE_AWAY, CM_STORE_OK,
		CM_STORE_OK, CM_STORE_AWAY, CM_STORE_OK, CM_STORE_OK},
};

static void
make_foreign(int i)
{
	redis_do(&server, "DEL test:k");
	redis_do(&server, "%s", foreign[i].make);
}

START_TEST(what_others_left_has_a_defined_outcome)
{
	struct cm_store *store = store_case_store;
	const char *name = foreign[_i].name;
	struct store_health health;
	struct store_value found;
	struct arena arena;
	int64_t number;
	bool taken;

	if (store == NULL)
		return;
	arena_init(&arena, 1024);
	make_foreign(_i);
	ck_assert_msg(store_get(store, "k", 1, CASE_DEADLINE, &arena, &found) == foreign[_i].get,
		"get of %s", name);
	ck_assert_msg(store_add(store, "k", 1, 1, 0, CASE_DEADLINE, &number) == foreign[_i].add,
		"add to %s", name);
	make_foreign(_i);
	ck_assert_msg(store_add_member(store, "k", 1, "m", 1, 0, CASE_DEADLINE, &number) ==
			      foreign[_i].member,
		"member of %s", name);
	make_foreign(_i);
	ck_assert_msg(
		redis_case_reserve(store, "k", 10, &taken) == foreign[_i].limit, "limit: %s", name);
	make_foreign(_i);
	ck_assert_msg(store_set(store, "k", 1, "x", 1, 0, CASE_DEADLINE) == foreign[_i].set,
		"set of %s", name);
	make_foreign(_i);
	ck_assert_msg(store_delete(store, "k", 1, CASE_DEADLINE) == foreign[_i].delete,
		"delete of %s", name);
	/* It is there all the time. */
	store_health(store, &health);
	ck_assert_msg(!health.away, "%s: %s", name, health.words);
	arena_fini(&arena);
}
END_TEST

/* What a member must not do, other members' keys and other people's neither. */
START_TEST(each_shows_nothing_of_others)
{
	if (store_case_store == NULL)
		return;
	redis_do(&server, "SET other:a x");
	redis_do(&server, "SET test:a* x");
	redis_do(&server, "SET test:ab x");
	redis_do(&server, "SADD test:a*s m");
	store_shown[0] = '\0';
	store_shown_most = 100;
	ck_assert_int_eq(store_each(store_case_store, "a*", 2, store_show_one, NULL), CM_STORE_OK);
	ck_assert_msg(
		strcmp(store_shown, "a*=x;a*s=;") == 0 || strcmp(store_shown, "a*s=;a*=x;") == 0,
		"%s", store_shown);
	store_shown[0] = '\0';
	ck_assert_int_eq(store_each(store_case_store, "", 0, store_show_one, NULL), CM_STORE_OK);
	ck_assert_ptr_null(strstr(store_shown, "other"));
	ck_assert_ptr_nonnull(strstr(store_shown, "ab=x;"));
}
END_TEST

#define MANY 3000

/* context: how often each was shown. */
static bool
count_one(void *context, const void *key, size_t len, const struct store_value *value)
{
	unsigned char *seen = context;
	int i;

	ck_assert_uint_eq(len, sizeof(i));
	memcpy(&i, key, sizeof(i));
	ck_assert_uint_eq(value->len, sizeof(i));
	ck_assert_mem_eq(value->data, &i, sizeof(i));
	seen[i]++;
	return true;
}

START_TEST(each_shows_thousands)
{
	unsigned char seen[MANY] = {0};

	if (store_case_store == NULL)
		return;
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(
			store_set(store_case_store, &i, sizeof(i), &i, sizeof(i), 0, CASE_DEADLINE),
			CM_STORE_OK);
	ck_assert_int_eq(store_each(store_case_store, "", 0, count_one, seen), CM_STORE_OK);
	for (int i = 0; i < MANY; i++)
		ck_assert_msg(seen[i] > 0, "%d was not shown", i);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store redis");
	TCase *tc = tcase_create("redis");

	store_case_add(suite, &redis);
	tcase_add_checked_fixture(tc, store_case_setup, store_case_teardown);
	tcase_add_loop_test(tc, script_is_the_arithmetic_to_the_last_bit, 0, 40);
	tcase_add_loop_test(tc, strange_records_are_what_they_are_elsewhere, 0, LENGTH(records));
	tcase_add_test(tc, everything_has_its_time);
	tcase_add_test(tc, set_keeps_its_time_when_it_becomes_a_sketch);
	tcase_add_test(tc, value_says_when_it_ends);
	tcase_add_test(tc, time_of_limits_is_that_of_the_server);
	tcase_add_loop_test(tc, what_others_left_has_a_defined_outcome, 0, LENGTH(foreign));
	tcase_add_test(tc, each_shows_nothing_of_others);
	tcase_add_test(tc, each_shows_thousands);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
