/* SPDX-License-Identifier: MIT */
/*
 * store_lmdb_waiting.h - entries in memory that are on their way to the disk
 *
 * What was changed since the latest round began is fresh; what that round writes is leaving, and
 * does not change any more. Who looks for an entry looks here first. Knows nothing of LMDB; inside
 * store_lmdb*.c only.
 */
#ifndef CORE_SERVICE_STORE_LMDB_WAITING_H
#define CORE_SERVICE_STORE_LMDB_WAITING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store_op.h"

#define WAITING_SHARDS 64u

struct waiting_item {
	struct waiting_item *next;
	uint64_t hash;
	int64_t expires;
	uint32_t key_len, len, room;
	bool removed;	      /* the entry goes */
	unsigned char data[]; /* key, then value */
};

struct waiting_table {
	struct waiting_item **buckets;
	size_t bucket_count, count;
};

struct waiting_shard {
	pthread_mutex_t lock; /* protects what follows */
	struct waiting_table fresh, leaving;
	unsigned left; /* how often what was leaving has left */
};

struct waiting {
	struct waiting_shard shards[WAITING_SHARDS];
	atomic_size_t count;
	_Atomic int64_t octets;
};

void waiting_init(struct waiting *);
void waiting_fini(struct waiting *);
struct waiting_shard *waiting_shard_of(struct waiting *, uint64_t hash);

/* With the shard's lock: */

/* NULL: it is as it is on the disk. */
const struct waiting_item *
waiting_find(const struct waiting_shard *, uint64_t hash, const void *key, size_t len);
/* new NULL: the entry goes. */
void waiting_put(struct waiting *, struct waiting_shard *, uint64_t hash, const struct store_op *,
	const struct store_entry *new);

/* Of the thread that writes: */

/* What is fresh begins to leave, with what could not leave before. */
void waiting_begin(struct waiting *);
/*
 * All that leave, for reading, in the order of their keys; those that remove an entry first where
 * there is little room. free() it.
 */
const struct waiting_item **waiting_leaving(struct waiting *, bool removed_first, size_t *count);
/* They are on the disk. */
void waiting_end(struct waiting *);

static inline const unsigned char *
waiting_value(const struct waiting_item *i)
{
	return i->data + i->key_len;
}

#endif
