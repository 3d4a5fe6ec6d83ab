/* SPDX-License-Identifier: MIT */
/*
 * resolver_table.c - questions in flight and answers that still hold, in one bounded table
 */
#include "resolver_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "resolver_backend.h"

#define BUCKETS_LEAST 64u

/* --- a question --- */

static struct question *
new_question(
	struct shard *shard, uint64_t hash, const char *name, size_t len, enum cm_dns_type type)
{
	struct question *q = mem_zalloc(1, sizeof(*q) + len + 1);
	pthread_condattr_t attr;

	atomic_init(&q->references, 2); /* the table's and the caller's */
	q->shard = shard;
	q->hash = hash;
	q->type = type;
	memcpy(q->name, name, len);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->answered, &attr);
	pthread_condattr_destroy(&attr);
	return q;
}

void
question_drop(struct question *q)
{
	if (q == NULL || atomic_fetch_sub(&q->references, 1) != 1)
		return;
	free(atomic_load(&q->answer));
	pthread_cond_destroy(&q->answered);
	free(q);
}

const char *
question_name(const struct question *q)
{
	return q->name;
}

enum cm_dns_type
question_type(const struct question *q)
{
	return q->type;
}

/* --- with the shard's lock --- */

static size_t
octets_of(const struct question *q)
{
	return sizeof(*q) + strlen(q->name) + 1 + atomic_load(&q->answer)->size;
}

static struct question **
bucket_of(const struct shard *shard, uint64_t hash)
{
	return &shard->buckets[(hash / SHARDS) & (shard->bucket_count - 1)];
}

static void
unlink_use(struct shard *shard, struct question *q)
{
	*(q->older != NULL ? &q->older->newer : &shard->oldest) = q->newer;
	*(q->newer != NULL ? &q->newer->older : &shard->newest) = q->older;
	q->older = q->newer = NULL;
	shard->kept--;
}

static void
link_use(struct shard *shard, struct question *q)
{
	q->older = shard->newest;
	q->newer = NULL;
	*(shard->newest != NULL ? &shard->newest->newer : &shard->oldest) = q;
	shard->newest = q;
	shard->kept++;
}

static void
used(struct shard *shard, struct question *q)
{
	if (shard->newest == q)
		return;
	unlink_use(shard, q);
	link_use(shard, q);
}

/* Out of the table; the table's reference is the caller's to drop, without the lock or with it. */
static void
forget(struct shard *shard, struct question *q)
{
	struct question **at = bucket_of(shard, q->hash);

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	shard->count--;
}

static void
forget_answered(struct shard *shard, struct question *q)
{
	forget(shard, q);
	unlink_use(shard, q);
	shard->octets -= octets_of(q);
	question_drop(q);
}

static void
grow(struct shard *shard)
{
	struct question **old = shard->buckets;
	size_t count = shard->bucket_count;

	shard->bucket_count = 2 * count;
	shard->buckets = mem_zalloc(shard->bucket_count, sizeof(*shard->buckets));
	for (size_t i = 0; i < count; i++) {
		for (struct question *q = old[i], *next; q != NULL; q = next) {
			struct question **at = bucket_of(shard, q->hash);

			next = q->next;
			q->next = *at;
			*at = q;
		}
	}
	free(old);
}

static struct question *
find(const struct shard *shard, uint64_t hash, const char *name, enum cm_dns_type type)
{
	struct question *q = *bucket_of(shard, hash);

	while (q != NULL && (q->hash != hash || q->type != type || strcmp(q->name, name) != 0))
		q = q->next;
	return q;
}

static struct question *
add(struct shard *shard, uint64_t hash, const char *name, size_t len, enum cm_dns_type type)
{
	struct question *q = new_question(shard, hash, name, len, type), **at;

	if (shard->count >= shard->bucket_count)
		grow(shard);
	at = bucket_of(shard, hash);
	q->next = *at;
	*at = q;
	shard->count++;
	return q;
}

static struct question *
get(struct shard *shard, uint64_t hash, const char *name, size_t len, enum cm_dns_type type,
	bool *is_new)
{
	struct question *q = find(shard, hash, name, type);
	bool answered = q != NULL && atomic_load(&q->answer) != NULL;

	if (answered && q->expires <= clock_now()) {
		forget_answered(shard, q);
		q = NULL;
	}
	*is_new = q == NULL;
	if (q == NULL)
		return add(shard, hash, name, len, type);
	if (answered)
		used(shard, q);
	atomic_fetch_add(&q->references, 1);
	return q;
}

/* --- the table --- */

void
resolver_table_init(struct resolver_table *t, size_t octets)
{
	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *shard = &t->shards[i];

		*shard = (struct shard){.bucket_count = BUCKETS_LEAST, .most = octets / SHARDS};
		shard->buckets = mem_zalloc(shard->bucket_count, sizeof(*shard->buckets));
		pthread_mutex_init(&shard->lock, NULL);
	}
}

void
resolver_table_fini(struct resolver_table *t)
{
	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *shard = &t->shards[i];

		while (shard->oldest != NULL)
			forget_answered(shard, shard->oldest);
		free(shard->buckets);
		pthread_mutex_destroy(&shard->lock);
	}
}

struct question *
resolver_table_get(
	struct resolver_table *t, const char *name, size_t len, enum cm_dns_type type, bool *is_new)
{
	uint64_t hash = hash_bytes(name, len) ^ (uint64_t)type << 32;
	struct shard *shard = &t->shards[hash % SHARDS];
	struct question *q;

	pthread_mutex_lock(&shard->lock);
	q = get(shard, hash, name, len, type, is_new);
	if (!*is_new)
		shard->counts.hits++;
	else if ((size_t)type < RESOLVER_TYPES)
		shard->counts.asked[type]++;
	pthread_mutex_unlock(&shard->lock);
	return q;
}

void
resolver_table_count(struct resolver_table *t, struct resolver_counts *out)
{
	*out = (struct resolver_counts){0};
	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *shard = &t->shards[i];

		pthread_mutex_lock(&shard->lock);
		out->hits += shard->counts.hits;
		out->in_flight += shard->count - shard->kept;
		for (size_t type = 0; type < RESOLVER_TYPES; type++)
			out->asked[type] += shard->counts.asked[type];
		pthread_mutex_unlock(&shard->lock);
	}
}

/* Keeps what holds for a while; a failure holds for nobody who asks later. */
static void
keep(struct shard *shard, struct question *q, const struct answer *a)
{
	if (a->said.ttl == 0) {
		forget(shard, q);
		question_drop(q);
		return;
	}
	link_use(shard, q);
	shard->octets += octets_of(q);
	while (shard->octets > shard->most)
		forget_answered(shard, shard->oldest);
}

void
question_answer(struct question *q, struct answer *a)
{
	struct shard *shard = q->shard;

	pthread_mutex_lock(&shard->lock);
	/* Who sees the answer reads this without the lock. */
	q->expires = clock_now() + (int64_t)a->said.ttl * CLOCK_SEC;
	atomic_store(&q->answer, a);
	keep(shard, q, a);
	pthread_cond_broadcast(&q->answered);
	pthread_mutex_unlock(&shard->lock);
	question_drop(q);
}
