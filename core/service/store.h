/* SPDX-License-Identifier: MIT */
/*
 * store.h - what lasts from message to message: values, counters, sets, limits
 *
 * One interface, three back ends: memory, LMDB, Redis. Keys and values are octets. Everything has a
 * time at which it ends. An operation is atomic, waits at most until the deadline, and says when
 * the store is away; what that means is for whoever asked. Safe for many threads. Time is the wall
 * clock of base/clock.h, so tests may stop it.
 */
#ifndef CORE_SERVICE_STORE_H
#define CORE_SERVICE_STORE_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct arena;

#define STORE_KEY_MOST	 400u /* octets; longer keys are hashed behind their beginning */
#define STORE_VALUE_MOST 65536u

enum store_type { STORE_MEMORY, STORE_LMDB, STORE_REDIS };

/* The section store of filter.conf. */
struct store_config {
	const char *name;
	int type;		/* enum store_type */
	const char *path;	/* LMDB: a directory */
	int64_t max_size;	/* LMDB: of the file; memory: of everything */
	int64_t sync_us;	/* LMDB: at most so much is lost when the machine dies */
	struct cm_list servers; /* Redis: "unix:/path", "HOST:PORT" */
	const char *sentinel;	/* Redis: the master's name; servers are sentinels then */
	const char *password_file;
	int64_t timeout_us; /* Redis: of one operation */
	const char *prefix; /* Redis: in front of every key */
};

struct store_value {
	const void *data; /* in the caller's arena */
	size_t len;
	int64_t expires; /* wall clock, microseconds; 0: never */
};

/* One with these settings that is open already, or a new one. NULL with words. */
struct cm_store *store_open(const struct store_config *, struct err *);
/*
 * From now on it is used: by this user, and by no other daemon. store_open() only looks whether
 * that seems possible. Who does not call this has it done by the first use, which makes no
 * directory. False with words.
 */
bool store_start(struct cm_store *, struct err *) MUST_USE;
/* Writes what waits in memory, until the deadline. False: it could not be. */
bool store_flush(struct cm_store *, int64_t deadline);
/* Drops the caller's reference; the last writes what waits. NULL is allowed. */
void store_close(struct cm_store *);
const char *store_name(const struct cm_store *);
/* Memory of this process, for a store that is away; memory itself is its own. */
struct cm_store *store_fallback(struct cm_store *);

/* From now on everything happens in memory: for who wants to know what would be. */
void store_detach(struct cm_store *);

/* ttl in microseconds, 0: for ever. deadline in clock_now() microseconds. */
enum cm_store_status store_get(struct cm_store *, const void *key, size_t len, int64_t deadline,
	struct arena *, struct store_value *);
enum cm_store_status store_set(struct cm_store *, const void *key, size_t len, const void *value,
	size_t value_len, int64_t ttl, int64_t deadline);
enum cm_store_status store_delete(struct cm_store *, const void *key, size_t len, int64_t deadline);
/* Adds to a counter, which begins at 0; its time ends ttl after it was made. value: what it is
 * then. */
enum cm_store_status store_add(struct cm_store *, const void *key, size_t len, int64_t delta,
	int64_t ttl, int64_t deadline, int64_t *value);
/*
 * Adds a member to a set and says how many different ones it has had within ttl of its first: exact
 * up to 64, then a sketch of fixed size (HyperLogLog) that is wrong by a few hundredths.
 */
enum cm_store_status store_add_member(struct cm_store *, const void *key, size_t len,
	const void *member, size_t member_len, int64_t ttl, int64_t deadline, int64_t *count);

enum cm_store_status
store_limit(struct cm_store *, const void *key, size_t len, const struct cm_limit *,
	const struct cm_limit_take *, int64_t deadline, struct cm_limit_answer *);

/*
 * Shows every entry whose key begins with prefix, in no order, until show() returns false. Entries
 * that come and go meanwhile may be shown or not. Must not be called from a hook.
 */
enum cm_store_status store_each(struct cm_store *, const void *prefix, size_t len,
	bool (*show)(void *context, const void *key, size_t key_len, const struct store_value *),
	void *context);

/* How it is, for status and log. */
struct store_health {
	bool away;
	bool full;		 /* had no room for something, in the latest minute */
	int64_t away_since;	 /* wall clock, microseconds */
	int64_t octets, entries; /* -1: not known */
	int64_t synced;		 /* LMDB: wall clock of the latest sync */
	char words[200];	 /* of the latest trouble */
};

void store_health(struct cm_store *, struct store_health *);

#endif
