/* SPDX-License-Identifier: MIT */
/*
 * store.c - what a step of a limit costs in memory, in LMDB as Chainmail uses it, and in LMDB alone
 *
 * Steps are commits of random keys: each looks up a record, computes and writes it. Rates are per
 * second of CPU of the whole process, so what the thread of the store does counts. With STORE_KEYS
 * the store is filled with so many keys first, and what they take is printed as well. With
 * STORE_REDIS the steps are made in that server instead, behind the prefix "bench:".
 */
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/limit.h"
#include "service/store.h"

#define KEYS	    100000u
#define STEPS	    1000000u
#define RAW_COMMITS 2000u
#define RAW_GROUP   1000u
#define THREADS	    2u
#define REDIS_STEPS 100000u
#define REDIS_MOST  16u /* threads */
#define MAX_SIZE    (INT64_C(16) << 30)
#define SYNC_US	    CLOCK_SEC

/* Half powers of two, in nanoseconds. */
#define SLOTS 80u

struct load {
	struct cm_store *store;
	uint64_t seed, keys;
	unsigned steps, failures;
	unsigned slots[SLOTS];
	int64_t longest; /* ns */
};

static const struct cm_limit limit = {1, {{100, INT64_C(30) * 86400 * CLOCK_SEC, 0}}, false};
static const struct cm_limit_take take = {CM_LIMIT_COMMIT, 1, 0, 0};
static char dir[] = "/tmp/bench-store-XXXXXX";

static int64_t
now_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t
next(uint64_t *seed, uint64_t below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*seed >> 20) % below;
}

static size_t
name_key(char out[48], uint64_t key)
{
	return (size_t)snprintf(
		out, 48, "limit/out/user%08llu@example.org", (unsigned long long)key);
}

static bool
step(struct cm_store *store, uint64_t key)
{
	struct cm_limit_answer answer;
	char name[48];
	size_t len = name_key(name, key);

	return store_limit(store, name, len, &limit, &take, clock_now() + 60 * CLOCK_SEC,
		       &answer) == CM_STORE_OK;
}

/* --- a store under load --- */

static void
note(struct load *l, int64_t ns)
{
	unsigned slot = 0;

	for (int64_t edge = 2; ns >= edge && slot + 2 < SLOTS; edge *= 2)
		slot += 2;
	slot += ns >= (INT64_C(1) << slot / 2) * 3 / 2;
	l->slots[slot]++;
	l->longest = ns > l->longest ? ns : l->longest;
}

static void *
run_load(void *context)
{
	struct load *l = context;

	for (unsigned i = 0; i < l->steps; i++) {
		int64_t began = now_ns(CLOCK_MONOTONIC);

		l->failures += !step(l->store, next(&l->seed, l->keys));
		note(l, now_ns(CLOCK_MONOTONIC) - began);
	}
	return NULL;
}

/* Microseconds in which that part of the steps was done. */
static double
part_us(const struct load *loads, unsigned threads, double part)
{
	double all = 0, sum = 0;

	for (unsigned i = 0; i < threads; i++)
		all += loads[i].steps;
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		for (unsigned i = 0; i < threads; i++)
			sum += loads[i].slots[slot];
		if (sum >= part * all)
			return (double)(INT64_C(1) << slot / 2) * (slot % 2 ? 2 : 1.5) / 1000;
	}
	return 0;
}

static void
print_load(const char *name, const struct load *loads, unsigned threads, int64_t wall, int64_t cpu)
{
	double steps = 0, failures = 0;
	int64_t longest = 0;

	for (unsigned i = 0; i < threads; i++) {
		steps += loads[i].steps;
		failures += loads[i].failures;
		longest = loads[i].longest > longest ? loads[i].longest : longest;
	}
	printf("| %s | %u | %.0f | %.0f | %.1f | %.1f | %.0f | %.0f |\n", name, threads,
		steps * 1e9 / (double)wall, steps * 1e9 / (double)cpu, part_us(loads, threads, 0.5),
		part_us(loads, threads, 0.99), (double)longest / 1000, failures);
	fflush(stdout);
}

static void
measure(const char *name, struct cm_store *store, uint64_t keys, unsigned threads, unsigned steps)
{
	struct load loads[REDIS_MOST] = {{0}};
	pthread_t ids[REDIS_MOST];
	int64_t wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);

	for (unsigned i = 0; i < threads; i++) {
		loads[i] = (struct load){
			.store = store, .seed = i + 1, .keys = keys, .steps = steps / threads};
		if (pthread_create(&ids[i], NULL, run_load, &loads[i]) != 0)
			exit(1);
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	print_load(name, loads, threads, now_ns(CLOCK_MONOTONIC) - wall,
		now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

static struct cm_store *
open_config(const struct store_config *config)
{
	struct err err;
	struct cm_store *store = store_open(config, &err);

	if (store != NULL && store_start(store, &err))
		return store;
	fprintf(stderr, "bench_store: %s\n", err.text);
	exit(1);
}

static struct cm_store *
open_store(enum store_type type)
{
	struct store_config config = {.name = type == STORE_MEMORY ? "memory" : "lmdb",
		.type = (int)type,
		.path = dir,
		.max_size = MAX_SIZE,
		.sync_us = SYNC_US};

	return open_config(&config);
}

/* --- LMDB alone --- */

/* The same work with a transaction for each group of steps; the record is that of a limit. */
static bool
raw_commit(MDB_env *env, MDB_dbi dbi, uint64_t *seed, unsigned group)
{
	MDB_txn *txn;

	if (mdb_txn_begin(env, NULL, 0, &txn) != 0)
		return false;
	for (unsigned i = 0; i < group; i++) {
		unsigned char octets[LIMIT_RECORD_MOST];
		struct cm_limit_answer answer;
		struct limit_record record;
		char name[48];
		size_t len = name_key(name, next(seed, KEYS));
		MDB_val key = {len, name}, value = {0, NULL};

		if (mdb_get(txn, dbi, &key, &value) != 0)
			value.mv_size = 0;
		limit_decode(&record, value.mv_data, value.mv_size);
		limit_step(&limit, &take, clock_wall_us(), &record, &answer);
		value = (MDB_val){limit_encode(&record, octets), octets};
		if (mdb_put(txn, dbi, &key, &value, 0) != 0)
			return false;
	}
	return mdb_txn_commit(txn) == 0;
}

static void
measure_raw(const char *name, unsigned flags, unsigned commits, unsigned group)
{
	uint64_t seed = 1;
	int64_t wall, cpu;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	double steps = (double)commits * group;

	if (mdb_env_create(&env) != 0 || mdb_env_set_mapsize(env, (size_t)1 << 30) != 0 ||
		mdb_env_open(env, dir, flags, 0600) != 0 ||
		mdb_txn_begin(env, NULL, 0, &txn) != 0 || mdb_dbi_open(txn, NULL, 0, &dbi) != 0 ||
		mdb_txn_commit(txn) != 0)
		exit(1);
	wall = now_ns(CLOCK_MONOTONIC);
	cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned i = 0; i < commits; i++) {
		if (!raw_commit(env, dbi, &seed, group))
			exit(1);
	}
	wall = now_ns(CLOCK_MONOTONIC) - wall;
	cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	mdb_env_close(env);
	printf("| %s | 1 | %.0f | %.0f | %.1f | | | 0 |\n", name, steps * 1e9 / (double)wall,
		steps * 1e9 / (double)cpu, (double)wall / steps / 1000);
	fflush(stdout);
}

/* --- many keys --- */

static void
print_memory(const char *when)
{
	char line[200];
	FILE *in = fopen("/proc/self/status", "re");

	printf("%s:", when);
	while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
		unsigned long kb;

		if (sscanf(line, "RssAnon: %lu", &kb) == 1)
			printf(" memory %lu MB", kb / 1024);
		if (sscanf(line, "RssFile: %lu", &kb) == 1)
			printf(", pages of files %lu MB", kb / 1024);
	}
	printf("\n");
	if (in != NULL)
		fclose(in);
}

static void
fill(struct cm_store *store, uint64_t keys)
{
	int64_t wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);

	for (uint64_t key = 0; key < keys; key++) {
		if (!step(store, key)) {
			fprintf(stderr, "bench_store: key %llu is refused\n",
				(unsigned long long)key);
			exit(1);
		}
	}
	wall = now_ns(CLOCK_MONOTONIC) - wall;
	cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("%llu keys in %.1f s, %.1f s of CPU\n", (unsigned long long)keys, (double)wall / 1e9,
		(double)cpu / 1e9);
}

static void
print_file(struct cm_store *store)
{
	struct store_health health;
	char path[64];
	struct stat st = {0};

	(void)store_flush(store, clock_now() + 60 * CLOCK_SEC);
	store_health(store, &health);
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	(void)stat(path, &st);
	printf("file %lld MB, in use %lld MB, %lld entries\n", (long long)st.st_size >> 20,
		(long long)health.octets >> 20, (long long)health.entries);
}

static void
remove_files(void)
{
	static const char *const names[] = {"data.mdb", "lock.mdb"};
	char path[64];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
}

static const char head[] =
	"| store | threads | steps/s | steps/s of CPU | p50 us | p99 us | longest us "
	"| refused |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n";

static void
measure_many(uint64_t keys)
{
	struct cm_store *store = open_store(STORE_LMDB);

	print_memory("empty");
	fill(store, keys);
	print_file(store);
	print_memory("filled");
	fputs(head, stdout);
	measure("LMDB", store, keys, 1, STEPS);
	measure("LMDB", store, keys, THREADS, STEPS);
	print_memory("after the steps");
	print_file(store);
	store_close(store);
}

static void
measure_all(void)
{
	struct cm_store *memory = open_store(STORE_MEMORY), *lmdb = open_store(STORE_LMDB);

	printf("%u keys:\n\n%s", KEYS, head);
	for (unsigned threads = 1; threads <= THREADS; threads++) {
		measure("memory", memory, KEYS, threads, STEPS);
		measure("LMDB", lmdb, KEYS, threads, STEPS);
		measure("LMDB, 1,000 keys", lmdb, 1000, threads, STEPS);
	}
	store_close(memory);
	store_close(lmdb);
	remove_files();
	measure_raw("LMDB alone, a commit for each", 0, RAW_COMMITS, 1);
	measure_raw("the same, MDB_NOSYNC", MDB_NOSYNC, 100 * RAW_COMMITS, 1);
	measure_raw("LMDB alone, a commit for 1,000", 0, RAW_COMMITS / 2, RAW_GROUP);
}

/* The processor time is ours; the server's is its own. */
static void
measure_redis(const char *where)
{
	struct store_config config = {.name = "redis",
		.type = STORE_REDIS,
		.servers = {.items = &where, .count = 1},
		.timeout_us = 10 * CLOCK_SEC,
		.prefix = "bench:"};
	struct cm_store *store = open_config(&config);

	fputs(head, stdout);
	for (unsigned threads = 1; threads <= REDIS_MOST; threads *= 4)
		measure("Redis", store, KEYS, threads, REDIS_STEPS);
	store_close(store);
}

int
main(void)
{
	const char *keys = getenv("STORE_KEYS"), *redis = getenv("STORE_REDIS");

	if (mkdtemp(dir) == NULL)
		return 1;
	if (redis != NULL)
		measure_redis(redis);
	else if (keys != NULL)
		measure_many(strtoull(keys, NULL, 10));
	else
		measure_all();
	remove_files();
	(void)rmdir(dir);
	return 0;
}
