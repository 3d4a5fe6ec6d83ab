/* SPDX-License-Identifier: MIT */
/*
 * test_store_lmdb_work.c - an LMDB store at work: full, without a disk, swept, late, with many
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/log.h"
#include "service/store_lmdb_round.h"
#include "service/store_lmdb_waiting.h"
#include "store_lmdb_case.h"

#define MEGABYTE INT64_C(1048576)

static struct store_config config;

static void
setup(void)
{
	clock_freeze(CASE_WALL);
	lmdb_case_make_dir();
	config = lmdb_case_config();
}

static void
teardown(void)
{
	lmdb_case_remove_dir();
	clock_thaw();
}

static struct cm_store *
open_store(void)
{
	struct err err = {""};
	struct cm_store *store = store_open(&config, &err);

	ck_assert_msg(store != NULL && store_start(store, &err), "%s", err.text);
	return store;
}

static enum cm_store_status
set(struct cm_store *store, int key, size_t len, int64_t ttl)
{
	unsigned char *value = malloc(len);
	enum cm_store_status status;

	memset(value, key, len);
	status = store_set(store, &key, sizeof(key), value, len, ttl, CASE_DEADLINE);
	free(value);
	return status;
}

static bool
has(struct cm_store *store, int key)
{
	struct store_value found;
	struct arena arena;
	bool there;

	arena_init(&arena, 1024);
	there = store_get(store, &key, sizeof(key), CASE_DEADLINE, &arena, &found) == CM_STORE_OK;
	ck_assert(!there ||
		  (found.len > 0 && *(const unsigned char *)found.data == (unsigned char)key));
	arena_fini(&arena);
	return there;
}

/* Writes all that waits, and sweeps a little. */
static bool
flush(struct cm_store *store)
{
	return store_flush(store, CASE_DEADLINE);
}

static struct store_health
health_of(struct cm_store *store)
{
	struct store_health health;

	store_health(store, &health);
	return health;
}

/* --- full --- */

static const size_t sizes[] = {8, 100, 1000, 3000, 10000, 65536};

/* Keys 0 to the result - 1 are set then. */
static int
fill(struct cm_store *store, size_t len)
{
	int keys = 0;

	while (set(store, keys, len, 0) == CM_STORE_OK) {
		/* Now and then it is on the disk, as in life. */
		ck_assert(++keys % 512 != 0 || flush(store));
		ck_assert_int_lt(keys, 1000000);
	}
	return keys;
}

static off_t
size_of_file(void)
{
	char path[sizeof(lmdb_case_path) + 16];
	struct stat st;

	snprintf(path, sizeof(path), "%s/data.mdb", lmdb_case_path);
	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_size;
}

START_TEST(full_store_refuses_and_loses_nothing)
{
	struct cm_store *store;
	size_t len = sizes[_i];
	int keys;

	config.max_size = 4 * MEGABYTE;
	store = open_store();
	keys = fill(store, len);
	/* With what each entry costs. */
	ck_assert_int_ge(keys * (int64_t)(len + 40), 3 * MEGABYTE / 2);
	ck_assert_int_eq(set(store, keys, len, 0), CM_STORE_FULL);
	ck_assert(health_of(store).full);
	ck_assert_str_eq(health_of(store).words, "max_size is too small");
	ck_assert_int_eq(set(store, keys / 2, len, 0), CM_STORE_OK);
	ck_assert(flush(store));
	store_close(store);
	ck_assert_int_le(size_of_file(), 4 * MEGABYTE);
	store = open_store();
	for (int key = 0; key < keys; key++)
		ck_assert_msg(has(store, key), "%d of %d", key, keys);
	ck_assert(!has(store, keys));
	store_close(store);
}
END_TEST

START_TEST(full_store_has_room_after_entries_went)
{
	struct cm_store *store;
	int keys;

	config.max_size = 4 * MEGABYTE;
	store = open_store();
	keys = fill(store, 100);
	for (int key = 0; key < keys / 2; key++)
		ck_assert_int_eq(
			store_delete(store, &key, sizeof(key), CASE_DEADLINE), CM_STORE_OK);
	ck_assert(flush(store));
	ck_assert_int_eq(set(store, keys, 100, 0), CM_STORE_OK);
	store_close(store);
}
END_TEST

START_TEST(full_store_grows_with_its_setting)
{
	struct cm_store *small, *large;

	config.max_size = 4 * MEGABYTE;
	small = open_store();
	int keys = fill(small, 1000);

	config.max_size = 8 * MEGABYTE;
	large = open_store();
	ck_assert_int_eq(set(large, keys, 1000, 0), CM_STORE_OK);
	store_close(small);
	ck_assert_int_gt(fill(large, 1000), keys * 3 / 2);
	ck_assert(flush(large));
	for (int key = 0; key < keys; key++)
		ck_assert(has(large, key));
	store_close(large);
}
END_TEST

/* More than a store takes without a round between, and all of it new to the file. */
START_TEST(burst_into_a_small_store_is_kept_as_far_as_it_was_taken)
{
	struct cm_store *store;
	int keys = 0;

	config.max_size = MEGABYTE;
	store = open_store();
	while (set(store, keys * 7919 % 100003, 40, 0) == CM_STORE_OK)
		keys++;
	ck_assert_int_gt(keys, 1000);
	ck_assert(flush(store));
	store_close(store);
	store = open_store();
	for (int i = 0; i < keys; i++)
		ck_assert(has(store, i * 7919 % 100003));
	store_close(store);
}
END_TEST

/* --- a disk that refuses --- */

static void
limit_files(rlim_t octets)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = octets;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(store_is_away_while_the_disk_is_full)
{
	struct cm_store *store = open_store();
	struct store_health health;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(set(store, 1, 100, 0), CM_STORE_OK);
	ck_assert(flush(store));
	ck_assert(!health_of(store).away);
	limit_files((rlim_t)size_of_file());
	for (int key = 100; key < 400; key++)
		ck_assert_int_eq(set(store, key, 1000, 0), CM_STORE_OK);
	ck_assert(!flush(store));
	/* It takes nothing more, and shows what it has. */
	ck_assert_int_eq(set(store, 2, 100, 0), CM_STORE_AWAY);
	ck_assert(has(store, 1));
	ck_assert(has(store, 399));
	health = health_of(store);
	ck_assert(health.away);
	ck_assert_int_eq(health.away_since, clock_wall_us());
	ck_assert_msg(strstr(health.words, lmdb_case_path) != NULL, "%s", health.words);
	/* There is room again: nothing that was taken is lost. */
	limit_files(RLIM_INFINITY);
	ck_assert(flush(store));
	ck_assert(!health_of(store).away);
	ck_assert_int_eq(set(store, 2, 100, 0), CM_STORE_OK);
	store_close(store);
	store = open_store();
	ck_assert(has(store, 1));
	ck_assert(has(store, 2));
	for (int key = 100; key < 400; key++)
		ck_assert(has(store, key));
	store_close(store);
}
END_TEST

#define MANY 300 /* entries of 1,000 octets: more than a small file has room for */

/* How many are taken; what the library of the tests notes of each would need the disk, too. */
static int
set_many(struct cm_store *store, int from)
{
	int count = 0;

	for (int key = from; key < from + MANY; key++)
		count += set(store, key, 1000, 0) == CM_STORE_OK;
	return count;
}

/* It cannot be opened again, either: its lock is no file any more. */
START_TEST(store_that_cannot_be_written_is_read)
{
	struct cm_store *store = open_store();
	char lock[sizeof(lmdb_case_path) + 16];

	signal(SIGXFSZ, SIG_IGN);
	snprintf(lock, sizeof(lock), "%s/lock.mdb", lmdb_case_path);
	ck_assert_int_eq(set(store, 1, 100, 0), CM_STORE_OK);
	ck_assert(flush(store));
	limit_files((rlim_t)size_of_file());
	ck_assert_int_eq(set_many(store, 100), MANY);
	ck_assert_int_eq(unlink(lock), 0);
	ck_assert_int_eq(mkdir(lock, 0700), 0);
	for (int round = 0; round < 3; round++)
		ck_assert(!flush(store));
	ck_assert(health_of(store).away);
	ck_assert(has(store, 1));
	ck_assert(has(store, 399));
	ck_assert_int_eq(rmdir(lock), 0);
	limit_files(RLIM_INFINITY);
	ck_assert(flush(store));
	store_close(store);
	store = open_store();
	ck_assert(has(store, 399));
	store_close(store);
}
END_TEST

/* Who removes a file to make room gets a new one, with what was not written. */
START_TEST(file_that_was_removed_is_made_anew)
{
	struct cm_store *store = open_store();
	char data[sizeof(lmdb_case_path) + 16];

	signal(SIGXFSZ, SIG_IGN);
	snprintf(data, sizeof(data), "%s/data.mdb", lmdb_case_path);
	ck_assert_int_eq(set(store, 1, 100, 0), CM_STORE_OK);
	ck_assert(flush(store));
	limit_files((rlim_t)size_of_file());
	ck_assert_int_eq(set_many(store, 100), MANY);
	ck_assert(!flush(store));
	ck_assert_int_eq(unlink(data), 0);
	limit_files(RLIM_INFINITY);
	ck_assert(flush(store));
	ck_assert(!has(store, 1));
	store_close(store);
	store = open_store();
	ck_assert(has(store, 399));
	store_close(store);
}
END_TEST

static int
count_lines(const char *path, const char *words)
{
	char line[1024];
	FILE *file = fopen(path, "r");
	int count = 0;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		count += strstr(line, words) != NULL;
	fclose(file);
	return count;
}

/* Full and not full again, with seconds between. */
static void
go_and_come_back(struct cm_store *store, int from)
{
	limit_files((rlim_t)size_of_file());
	ck_assert_int_eq(set_many(store, from), MANY);
	ck_assert(!flush(store));
	limit_files(RLIM_INFINITY);
	ck_assert(flush(store));
	clock_advance(5 * CASE_SEC);
}

START_TEST(disk_that_comes_and_goes_has_two_lines_a_minute)
{
	struct log_config to = {.target = LOG_TARGET_FILE, .level = LOG_LEVEL_INFO};
	struct cm_store *store = open_store();
	char path[TEMP_NAME_SIZE];
	struct err err;
	int fd = temp_file(path, "log");

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_ge(fd, 0);
	close(fd);
	to.path = path;
	ck_assert_msg(log_open(&to, 1, &err), "%s", err.text);
	for (int i = 0; i < 5; i++)
		go_and_come_back(store, 1000 * (i + 1));
	ck_assert_int_eq(count_lines(path, "store s cannot be written"), 1);
	ck_assert_int_eq(count_lines(path, "store s can be written again"), 1);
	clock_advance(60 * CASE_SEC);
	go_and_come_back(store, 10000);
	ck_assert_int_eq(count_lines(path, "store s cannot be written"), 2);
	ck_assert_int_eq(count_lines(path, "store s can be written again"), 2);
	log_close();
	unlink(path);
	store_close(store);
}
END_TEST

START_TEST(store_without_a_disk_ends_and_opens_again)
{
	struct cm_store *store = open_store();

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(set(store, 1, 100, 0), CM_STORE_OK);
	ck_assert(flush(store));
	limit_files((rlim_t)size_of_file());
	for (int key = 100; key < 400; key++)
		ck_assert_int_eq(set(store, key, 1000, 0), CM_STORE_OK);
	ck_assert(!flush(store));
	store_close(store);
	limit_files(RLIM_INFINITY);
	store = open_store();
	ck_assert(has(store, 1));
	ck_assert(!has(store, 100));
	store_close(store);
}
END_TEST

/* --- sweep --- */

#define SWEPT 3000

START_TEST(entries_go_when_their_time_is_over)
{
	struct cm_store *store = open_store();

	for (int key = 0; key < SWEPT; key++)
		ck_assert_int_eq(
			set(store, key, 50, key % 3 == 0 ? 0 : 10 * CASE_SEC), CM_STORE_OK);
	ck_assert(flush(store));
	ck_assert_int_eq(health_of(store).entries, SWEPT);
	clock_advance(10 * CASE_SEC);
	/* In slices: one does not see them all. */
	ck_assert(flush(store));
	ck_assert_int_gt(health_of(store).entries, SWEPT / 2);
	ck_assert_int_lt(health_of(store).entries, SWEPT);
	for (int round = 0; round < SWEPT / 256 + 1; round++)
		ck_assert(flush(store));
	ck_assert_int_eq(health_of(store).entries, SWEPT / 3);
	for (int key = 0; key < SWEPT; key++)
		ck_assert(has(store, key) == (key % 3 == 0));
	store_close(store);
}
END_TEST

START_TEST(sweep_spares_what_was_set_anew)
{
	struct cm_store *store = open_store();

	for (int key = 0; key < 100; key++)
		ck_assert_int_eq(set(store, key, 50, 10 * CASE_SEC), CM_STORE_OK);
	ck_assert(flush(store));
	clock_advance(10 * CASE_SEC);
	ck_assert_int_eq(set(store, 50, 60, 10 * CASE_SEC), CM_STORE_OK);
	for (int round = 0; round < 3; round++)
		ck_assert(flush(store));
	ck_assert_int_eq(health_of(store).entries, 1);
	ck_assert(has(store, 50));
	store_close(store);
}
END_TEST

static const struct {
	const char *name;
	int64_t wall, now; /* seconds by which the clocks have moved */
	bool may, may_later;
} clocks[] = {
	{"both clocks go", 10, 10, true, true},
	{"the machine slept", 3600, 3600, true, true},
	{"the wall clock is set a little", 70, 20, true, true},
	{"the wall clock jumps a day forward", 86400, 1, false, true},
	{"the wall clock jumps back", -3600, 1, false, true},
};

START_TEST(sweep_rests_after_the_clock_jumped)
{
	struct lmdb_sweep sweep = {.hand_len = 0};
	int64_t wall = CASE_WALL * CASE_SEC, now = 1000 * CASE_SEC;

	ck_assert(lmdb_sweep_may(&sweep, wall, now));
	wall += clocks[_i].wall * CASE_SEC;
	now += clocks[_i].now * CASE_SEC;
	ck_assert_msg(lmdb_sweep_may(&sweep, wall, now) == clocks[_i].may, "%s", clocks[_i].name);
	for (int i = 0; i < 9; i++)
		(void)lmdb_sweep_may(&sweep, wall += 60 * CASE_SEC, now += 60 * CASE_SEC);
	ck_assert_msg(lmdb_sweep_may(&sweep, wall, now) == clocks[_i].may, "%s", clocks[_i].name);
	ck_assert_msg(lmdb_sweep_may(&sweep, wall + 60 * CASE_SEC, now + 60 * CASE_SEC) ==
			      clocks[_i].may_later,
		"%s", clocks[_i].name);
}
END_TEST

/* The wall clock alone: what it ended is there again when it is set right soon. */
START_TEST(wrong_clock_takes_nothing_away)
{
	struct cm_store *store = open_store();

	for (int key = 0; key < 100; key++)
		ck_assert_int_eq(set(store, key, 50, 3600 * CASE_SEC), CM_STORE_OK);
	ck_assert(flush(store));
	clock_freeze(CASE_WALL + 86400);
	for (int round = 0; round < 5; round++)
		ck_assert(flush(store));
	ck_assert(!has(store, 1));
	ck_assert_int_eq(health_of(store).entries, 100);
	clock_freeze(CASE_WALL + 60);
	for (int round = 0; round < 5; round++)
		ck_assert(flush(store));
	for (int key = 0; key < 100; key++)
		ck_assert(has(store, key));
	clock_freeze(CASE_WALL - 86400);
	ck_assert(flush(store));
	ck_assert(has(store, 1));
	store_close(store);
}
END_TEST

/* --- what waits --- */

static void
put(struct waiting *w, const char *key, const char *value)
{
	struct store_op op = {.key = key, .len = strlen(key)};
	struct store_entry entry = {value, value == NULL ? 0 : strlen(value), 0};
	uint64_t hash = (uint64_t)key[0];

	waiting_put(w, waiting_shard_of(w, hash), hash, &op, value == NULL ? NULL : &entry);
}

/* "key=value;" of all that leave, in their order. */
static const char *
leaving(struct waiting *w, bool removed_first)
{
	static char text[256];
	size_t count, at = 0;
	const struct waiting_item **items = waiting_leaving(w, removed_first, &count);

	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%.*s=%.*s;",
			(int)items[i]->key_len, (const char *)items[i]->data,
			items[i]->removed ? 1 : (int)items[i]->len,
			items[i]->removed ? "-" : (const char *)waiting_value(items[i]));
	free(items);
	return text;
}

START_TEST(newer_changes_take_the_place_of_older_ones)
{
	struct waiting w;

	waiting_init(&w);
	put(&w, "b", "1");
	put(&w, "a", "one");
	put(&w, "a", "two");
	put(&w, "c", NULL);
	waiting_begin(&w);
	ck_assert_str_eq(leaving(&w, false), "a=two;b=1;c=-;");
	ck_assert_str_eq(leaving(&w, true), "c=-;a=two;b=1;");
	/* They could not leave; newer ones join them. */
	put(&w, "b", NULL);
	put(&w, "c", "a longer one");
	put(&w, "d", "4");
	ck_assert_str_eq(leaving(&w, false), "a=two;b=1;c=-;");
	waiting_begin(&w);
	ck_assert_str_eq(leaving(&w, false), "a=two;b=-;c=a longer one;d=4;");
	ck_assert_uint_eq(atomic_load(&w.count), 4);
	put(&w, "a", "three");
	waiting_end(&w);
	ck_assert_str_eq(leaving(&w, false), "");
	waiting_begin(&w);
	ck_assert_str_eq(leaving(&w, false), "a=three;");
	waiting_end(&w);
	ck_assert_uint_eq(atomic_load(&w.count), 0);
	ck_assert_int_eq(atomic_load(&w.octets), 0);
	waiting_fini(&w);
}
END_TEST

/* --- no room --- */

#define BIG	  4000
#define BIG_COUNT 400 /* more than fits into a megabyte */

static void
put_big(struct waiting *w, bool remove)
{
	static const char value[BIG];

	for (int key = 0; key < BIG_COUNT; key++) {
		struct store_op op = {.key = &key, .len = sizeof(key)};
		struct store_entry entry = {value, sizeof(value), 0};
		uint64_t hash = (uint64_t)key;

		waiting_put(w, waiting_shard_of(w, hash), hash, &op, remove ? NULL : &entry);
	}
	waiting_begin(w);
}

/* How many found no room; entries: how many there are then. */
static size_t
write_big(struct lmdb_file *f, struct waiting *w, int64_t *entries)
{
	size_t count, stuck;
	const struct waiting_item **items = waiting_leaving(w, true, &count);
	int64_t octets;

	ck_assert_int_eq(lmdb_round_write(f, items, count, &stuck), 0);
	ck_assert_int_eq(lmdb_round_count(f, &octets, entries), 0);
	free(items);
	return stuck;
}

START_TEST(what_finds_no_room_does_not_stop_the_rest)
{
	struct err err = {""};
	struct lmdb_file f;
	struct waiting w;
	size_t stuck;
	int64_t entries;
	int dir = lmdb_dir_open(lmdb_case_path, true, &err);

	ck_assert_msg(dir >= 0 && lmdb_file_open(&f, lmdb_case_path, dir, MEGABYTE, &err), "%s",
		err.text);
	waiting_init(&w);
	put_big(&w, false);
	stuck = write_big(&f, &w, &entries);
	ck_assert_uint_gt(stuck, 0);
	/* A commit that fails is halved, so that what fits is found. */
	ck_assert_int_gt(entries, BIG_COUNT / 4);
	ck_assert_int_ge(entries + (int64_t)stuck, BIG_COUNT);
	put_big(&w, true);
	ck_assert_uint_eq(write_big(&f, &w, &entries), 0);
	ck_assert_int_eq(entries, 0);
	lmdb_file_close(&f);
	waiting_fini(&w);
}
END_TEST

/* --- late --- */

START_TEST(change_waits_for_a_round_that_is_late)
{
	struct cm_store *store;
	int64_t before;

	config.sync_us = CASE_SEC;
	store = open_store();
	before = clock_wall_us();
	ck_assert_int_eq(set(store, 1, 10, 0), CM_STORE_OK);
	clock_advance(2 * CASE_SEC);
	/* More than a second would be lost: it is written first. */
	ck_assert_int_eq(set(store, 2, 10, 0), CM_STORE_OK);
	ck_assert_int_gt(health_of(store).synced, before);
	store_close(store);
}
END_TEST

START_TEST(more_than_memory_holds_is_written_meanwhile)
{
	struct cm_store *store;
	static const int keys = 2100; /* of 64 KB, which is twice what may wait */

	config.max_size = 1024 * MEGABYTE;
	store = open_store();
	for (int key = 0; key < keys; key++)
		ck_assert_int_eq(set(store, key, STORE_VALUE_MOST, 0), CM_STORE_OK);
	ck_assert(flush(store));
	ck_assert_int_eq(health_of(store).entries, keys);
	for (int key = 0; key < keys; key += 100)
		ck_assert(has(store, key));
	store_close(store);
}
END_TEST

/* --- many at once --- */

#define THREADS 4
#define TURNS	3000
#define KEYS	200

static atomic_bool over;

/* Each thread counts in all keys, and sets and deletes those of its own. */
static void *
work(void *context)
{
	struct cm_store *store = context;
	static atomic_int threads;
	int me = 1000 * (1 + atomic_fetch_add(&threads, 1));
	int64_t number;

	for (int i = 0; i < TURNS; i++) {
		int key = i % KEYS, own = me + i % 7;

		if (store_add(store, &key, sizeof(key), 1, 0, CASE_DEADLINE, &number) !=
				CM_STORE_OK ||
			set(store, own, 20, 0) != CM_STORE_OK || !has(store, own))
			return NULL;
		if (i % 2 == 0 &&
			(store_delete(store, &own, sizeof(own), CASE_DEADLINE) != CM_STORE_OK ||
				has(store, own)))
			return NULL;
	}
	return context;
}

static bool
count_one(void *context, const void *key, size_t len, const struct store_value *value)
{
	(void)key;
	(void)value;
	ck_assert_uint_eq(len, sizeof(int));
	++*(int *)context;
	return true;
}

static void *
walk(void *context)
{
	while (!atomic_load(&over)) {
		int shown = 0;

		if (store_each(context, "", 0, count_one, &shown) != CM_STORE_OK ||
			shown > KEYS + 7 * THREADS)
			return NULL;
	}
	return context;
}

START_TEST(rounds_lose_nothing_under_load)
{
	pthread_t threads[THREADS + 1];
	struct cm_store *store;
	void *done;

	config.sync_us = CLOCK_MS;
	store = open_store();
	for (int i = 0; i <= THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, i < THREADS ? work : walk, store), 0);
	for (int i = 0; i <= THREADS; i++) {
		atomic_store(&over, i == THREADS);
		pthread_join(threads[i], &done);
		ck_assert_ptr_nonnull(done);
	}
	store_close(store);
	store = open_store();
	for (int key = 0; key < KEYS; key++) {
		int64_t number;

		ck_assert_int_eq(store_add(store, &key, sizeof(key), 0, 0, CASE_DEADLINE, &number),
			CM_STORE_OK);
		ck_assert_int_eq(number, THREADS * TURNS / KEYS);
	}
	store_close(store);
}
END_TEST

static atomic_int workers; /* that have not ended */

static void *
work_and_say(void *context)
{
	void *done = work(context);

	atomic_fetch_sub(&workers, 1);
	return done;
}

/* As reloads do: another store of the same path takes over, and it may be larger. */
START_TEST(store_grows_and_is_reloaded_under_load)
{
	pthread_t threads[THREADS];
	struct cm_store *store, *latest;
	int64_t number;
	int reloads = 0;
	void *done;

	config.sync_us = CLOCK_MS;
	config.max_size = 2 * MEGABYTE;
	store = open_store();
	latest = open_store();
	atomic_store(&workers, THREADS);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work_and_say, store), 0);
	for (; atomic_load(&workers) > 0; reloads++) {
		struct cm_store *before = latest;

		config.max_size += MEGABYTE;
		latest = open_store();
		store_close(before);
		(void)set(latest, 100000 + reloads % 300, 1000, 0);
		ck_assert(flush(latest));
	}
	ck_assert_int_gt(reloads, 1);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &done);
		ck_assert_ptr_nonnull(done);
	}
	store_close(store);
	for (int key = 0; key < KEYS; key++) {
		ck_assert_int_eq(store_add(latest, &key, sizeof(key), 0, 0, CASE_DEADLINE, &number),
			CM_STORE_OK);
		ck_assert_int_eq(number, THREADS * TURNS / KEYS);
	}
	store_close(latest);
}
END_TEST

/* --- a walk beside those who write --- */

#define STILL 3000 /* entries that nobody touches */

static void *
stir(void *context)
{
	for (int i = 0; !atomic_load(&over); i++) {
		int key = STILL + i % 1000;

		if (set(context, key, 100, 0) != CM_STORE_OK ||
			(i % 3 == 0 && store_delete(context, &key, sizeof(key), CASE_DEADLINE) ==
					       CM_STORE_AWAY))
			return NULL;
	}
	return context;
}

static bool
mark_one(void *context, const void *key, size_t len, const struct store_value *value)
{
	unsigned char *seen = context;
	int number;

	memcpy(&number, key, sizeof(number));
	if (len != sizeof(number) || value->len != 100 ||
		*(const unsigned char *)value->data != (unsigned char)number)
		ck_abort_msg("entry %d is not whole", number);
	seen[number]++;
	return true;
}

/* Each of those that stay is shown, once; others are whole. */
START_TEST(each_shows_all_that_stay_beside_those_who_write)
{
	struct cm_store *store;
	pthread_t threads[2];
	void *done;

	config.sync_us = CLOCK_MS;
	store = open_store();
	for (int key = 0; key < STILL; key++)
		ck_assert_int_eq(set(store, key, 100, 0), CM_STORE_OK);
	for (int i = 0; i < LENGTH(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, stir, store), 0);
	for (int turn = 0; turn < 20; turn++) {
		unsigned char seen[STILL + 1000] = {0};

		ck_assert_int_eq(store_each(store, "", 0, mark_one, seen), CM_STORE_OK);
		for (int key = 0; key < LENGTH(seen); key++) {
			if (seen[key] != 1 && (key < STILL || seen[key] > 1))
				ck_abort_msg("%d is shown %d times", key, seen[key]);
		}
	}
	atomic_store(&over, true);
	for (int i = 0; i < LENGTH(threads); i++) {
		pthread_join(threads[i], &done);
		ck_assert_ptr_nonnull(done);
	}
	store_close(store);
}
END_TEST

/* More than one slice of a walk. */
START_TEST(each_shows_all_of_many)
{
	struct cm_store *store = open_store();
	int shown = 0;

	for (int key = 0; key < 5000; key++)
		ck_assert_int_eq(set(store, key, 200, 0), CM_STORE_OK);
	ck_assert_int_eq(store_each(store, "", 0, count_one, &shown), CM_STORE_OK);
	ck_assert_int_eq(shown, 5000);
	store_close(store);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store lmdb work");
	TCase *tc = tcase_create("work"), *pure = tcase_create("pure");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, full_store_refuses_and_loses_nothing, 0, LENGTH(sizes));
	tcase_add_test(tc, full_store_has_room_after_entries_went);
	tcase_add_test(tc, full_store_grows_with_its_setting);
	tcase_add_test(tc, burst_into_a_small_store_is_kept_as_far_as_it_was_taken);
	tcase_add_test(tc, store_is_away_while_the_disk_is_full);
	tcase_add_test(tc, store_that_cannot_be_written_is_read);
	tcase_add_test(tc, file_that_was_removed_is_made_anew);
	tcase_add_test(tc, disk_that_comes_and_goes_has_two_lines_a_minute);
	tcase_add_test(tc, store_without_a_disk_ends_and_opens_again);
	tcase_add_test(tc, entries_go_when_their_time_is_over);
	tcase_add_test(tc, sweep_spares_what_was_set_anew);
	tcase_add_test(tc, wrong_clock_takes_nothing_away);
	tcase_add_test(tc, what_finds_no_room_does_not_stop_the_rest);
	tcase_add_test(tc, change_waits_for_a_round_that_is_late);
	tcase_add_test(tc, more_than_memory_holds_is_written_meanwhile);
	tcase_add_test(tc, rounds_lose_nothing_under_load);
	tcase_add_test(tc, store_grows_and_is_reloaded_under_load);
	tcase_add_test(tc, each_shows_all_of_many);
	tcase_add_test(tc, each_shows_all_that_stay_beside_those_who_write);
	suite_add_tcase(suite, tc);
	tcase_add_loop_test(pure, sweep_rests_after_the_clock_jumped, 0, LENGTH(clocks));
	tcase_add_test(pure, newer_changes_take_the_place_of_older_ones);
	suite_add_tcase(suite, pure);
	return table_run(suite);
}
