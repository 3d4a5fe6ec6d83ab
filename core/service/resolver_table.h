/* SPDX-License-Identifier: MIT */
/*
 * resolver_table.h - questions in flight and answers that still hold, in one bounded table
 *
 * Divided into shards, each with a lock of its own. A question in flight is in the table, so who
 * asks the same gets it; an answered one stays as long as its TTL says, or until its shard is full
 * and nobody has asked for it for the longest time. Inside resolver*.c only.
 */
#ifndef CORE_SERVICE_RESOLVER_TABLE_H
#define CORE_SERVICE_RESOLVER_TABLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "resolver.h"
#include "resolver_answer.h"

#define SHARDS 16u

struct question {
	atomic_uint references;
	struct shard *shard;   /* whose lock protects the links, and answer until it is there */
	struct question *next; /* in its bucket */
	struct question *older, *newer; /* answered ones of the shard, by their latest use */
	struct answer *_Atomic answer;	/* NULL: in flight */
	int64_t expires;		/* clock_now() */
	pthread_cond_t answered;
	uint64_t hash;
	enum cm_dns_type type;
	char name[]; /* canonical */
};

struct shard {
	pthread_mutex_t lock; /* protects everything of the shard and of its questions */
	struct question **buckets;
	size_t bucket_count, count;
	struct question *oldest, *newest;
	size_t octets, most; /* of answered ones */
	size_t kept;	     /* how many these are */
	struct resolver_counts counts;
};

struct resolver_table {
	struct shard shards[SHARDS];
};

void resolver_table_init(struct resolver_table *, size_t octets);
void resolver_table_count(struct resolver_table *, struct resolver_counts *);
/* Nobody may be asking any more; questions that others hold live on. */
void resolver_table_fini(struct resolver_table *);
/*
 * The question for a canonical name, with a reference for the caller; is_new: it was not there, and
 * the caller must see to it that it is answered.
 */
struct question *resolver_table_get(
	struct resolver_table *, const char *name, size_t len, enum cm_dns_type, bool *is_new);

#endif
