/* SPDX-License-Identifier: MIT */
/*
 * store_redis_case.h - a store in a Redis server of the test's own
 */
#ifndef TESTS_UNIT_STORE_REDIS_CASE_H
#define TESTS_UNIT_STORE_REDIS_CASE_H

#include "base/clock.h"
#include "redis_server.h"
#include "service/store.h"

#define REDIS_SEC INT64_C(1000000)
#define REDIS_MS  INT64_C(1000)
/* Longer than a busy machine makes an answer take. */
#define REDIS_PATIENT (10 * REDIS_SEC)
/* What a call may take that has to take no time, on a busy machine. */
#define REDIS_GENEROUS (2 * REDIS_SEC)

/* One server. */
static inline struct store_config
redis_case_config(const char *const *servers, size_t count, int64_t timeout)
{
	return (struct store_config){.name = "r",
		.type = STORE_REDIS,
		.servers = {.items = (const char **)(uintptr_t)servers, .count = count},
		.timeout_us = timeout,
		.prefix = "test:"};
}

static inline struct cm_store *
redis_case_open_config(const struct store_config *config)
{
	struct err err = {""};
	struct cm_store *store = store_open(config, &err);

	ck_assert_msg(store != NULL, "%s", err.text);
	return store;
}

static inline struct cm_store *
redis_case_open(const struct redis_server *s, int64_t timeout)
{
	const char *servers[] = {s->where};
	struct store_config config = redis_case_config(servers, 1, timeout);

	return redis_case_open_config(&config);
}

/* One that changes something, as every machine must be able to. */
static inline enum cm_store_status
redis_case_add(struct cm_store *store)
{
	int64_t number;

	return store_add(store, "n", 1, 1, 0, clock_now() + 60 * REDIS_SEC, &number);
}

static inline enum cm_store_status
redis_case_reserve(struct cm_store *store, const char *key, int64_t count, bool *taken)
{
	const struct cm_limit limit = {1, {{count, 365 * 86400 * REDIS_SEC, 0}}, false};
	static const struct cm_limit_take take = {CM_LIMIT_RESERVE, 1, 0, 0};
	struct cm_limit_answer a;
	enum cm_store_status status = store_limit(
		store, key, strlen(key), &limit, &take, clock_now() + 60 * REDIS_SEC, &a);

	*taken = status == CM_STORE_OK && a.ok;
	return status;
}

/* Asks until it answers so; how long that took. */
static inline int64_t
redis_case_until(struct cm_store *store, enum cm_store_status wanted, int64_t most)
{
	int64_t began = clock_now();

	while (redis_case_add(store) != wanted) {
		ck_assert_msg(clock_now() - began < most, "not %d in time", (int)wanted);
		usleep(1000);
	}
	return clock_now() - began;
}

#endif
