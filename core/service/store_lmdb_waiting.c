/* SPDX-License-Identifier: MIT */
/*
 * store_lmdb_waiting.c - entries in memory that are on their way to the disk
 */
#include "store_lmdb_waiting.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BUCKETS_LEAST 64u

/* --- a table --- */

static struct waiting_item **
bucket_of(const struct waiting_table *t, uint64_t hash)
{
	return &t->buckets[hash / WAITING_SHARDS & (t->bucket_count - 1)];
}

/* NULL: the table was never used. */
static struct waiting_item **
find(const struct waiting_table *t, uint64_t hash, const void *key, size_t len)
{
	struct waiting_item **at;

	if (t->bucket_count == 0)
		return NULL;
	at = bucket_of(t, hash);
	while (*at != NULL && ((*at)->hash != hash || (*at)->key_len != len ||
				      memcmp((*at)->data, key, len) != 0))
		at = &(*at)->next;
	return at;
}

static void
grow(struct waiting_table *t)
{
	struct waiting_item **old = t->buckets;
	size_t count = t->bucket_count;

	t->bucket_count = count == 0 ? BUCKETS_LEAST : 2 * count;
	t->buckets = mem_zalloc(t->bucket_count, sizeof(*t->buckets));
	for (size_t b = 0; b < count; b++) {
		for (struct waiting_item *i = old[b], *next; i != NULL; i = next) {
			struct waiting_item **at = bucket_of(t, i->hash);

			next = i->next;
			i->next = *at;
			*at = i;
		}
	}
	free(old);
}

static int64_t
octets_of(const struct waiting_item *i)
{
	return (int64_t)(sizeof(*i) + i->key_len + i->room);
}

/* Empties it and keeps the buckets, for as much will wait again. */
static void
empty(struct waiting *w, struct waiting_table *t)
{
	int64_t octets = 0;

	for (size_t b = 0; b < t->bucket_count; b++) {
		for (struct waiting_item *i = t->buckets[b], *next; i != NULL; i = next) {
			next = i->next;
			octets += octets_of(i);
			free(i);
		}
		t->buckets[b] = NULL;
	}
	atomic_fetch_sub(&w->count, t->count);
	atomic_fetch_sub(&w->octets, octets);
	t->count = 0;
}

/* --- a shard --- */

struct waiting_shard *
waiting_shard_of(struct waiting *w, uint64_t hash)
{
	return &w->shards[hash % WAITING_SHARDS];
}

const struct waiting_item *
waiting_find(const struct waiting_shard *s, uint64_t hash, const void *key, size_t len)
{
	struct waiting_item **at = find(&s->fresh, hash, key, len);

	if (at == NULL || *at == NULL)
		at = find(&s->leaving, hash, key, len);
	return at == NULL ? NULL : *at;
}

/* In the place of the old one, where there is one. */
static struct waiting_item *
add(struct waiting *w, struct waiting_shard *s, uint64_t hash, const struct store_op *op,
	size_t room)
{
	struct waiting_item *i = mem_alloc(sizeof(*i) + op->len + room), **at;

	*i = (struct waiting_item){
		.hash = hash, .key_len = (uint32_t)op->len, .room = (uint32_t)room};
	memcpy(i->data, op->key, op->len);
	if (s->fresh.count >= s->fresh.bucket_count)
		grow(&s->fresh);
	at = find(&s->fresh, hash, op->key, op->len);
	atomic_fetch_add(&w->octets, octets_of(i));
	if (*at != NULL) {
		struct waiting_item *old = *at;

		i->next = old->next;
		atomic_fetch_sub(&w->octets, octets_of(old));
		free(old);
	} else {
		s->fresh.count++;
		atomic_fetch_add(&w->count, 1);
	}
	*at = i;
	return i;
}

void
waiting_put(struct waiting *w, struct waiting_shard *s, uint64_t hash, const struct store_op *op,
	const struct store_entry *new)
{
	struct waiting_item **at = find(&s->fresh, hash, op->key, op->len), *i = NULL;
	size_t len = new == NULL ? 0 : new->len;

	if (at != NULL && *at != NULL && (*at)->room >= len)
		i = *at;
	else
		i = add(w, s, hash, op, len);
	if (len > 0)
		memcpy(i->data + i->key_len, new->data, len);
	i->len = (uint32_t)len;
	i->expires = new == NULL ? 0 : new->expires;
	i->removed = new == NULL;
}

/* --- a round --- */

/* What is fresh takes the place of what is older. */
static void
merge(struct waiting *w, struct waiting_table *from, struct waiting_table *to)
{
	for (size_t b = 0; b < from->bucket_count; b++) {
		for (struct waiting_item *i = from->buckets[b], *next; i != NULL; i = next) {
			struct waiting_item **at, *old;

			if (to->count >= to->bucket_count)
				grow(to);
			at = find(to, i->hash, i->data, i->key_len);
			old = *at;
			next = i->next;
			i->next = old == NULL ? NULL : old->next;
			*at = i;
			if (old == NULL) {
				to->count++;
				continue;
			}
			atomic_fetch_sub(&w->count, 1);
			atomic_fetch_sub(&w->octets, octets_of(old));
			free(old);
		}
		from->buckets[b] = NULL;
	}
	from->count = 0;
}

void
waiting_begin(struct waiting *w)
{
	for (unsigned n = 0; n < WAITING_SHARDS; n++) {
		struct waiting_shard *s = &w->shards[n];
		struct waiting_table free_one;

		pthread_mutex_lock(&s->lock);
		if (s->leaving.count > 0) {
			merge(w, &s->fresh, &s->leaving);
		} else {
			free_one = s->leaving;
			s->leaving = s->fresh;
			s->fresh = free_one;
		}
		pthread_mutex_unlock(&s->lock);
	}
}

/* As LMDB orders them. */
static int
by_key(const void *a, const void *b)
{
	const struct waiting_item *x = *(const struct waiting_item *const *)a;
	const struct waiting_item *y = *(const struct waiting_item *const *)b;
	size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
	int order = memcmp(x->data, y->data, len);

	return order != 0 ? order : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static int
by_removal(const void *a, const void *b)
{
	const struct waiting_item *x = *(const struct waiting_item *const *)a;
	const struct waiting_item *y = *(const struct waiting_item *const *)b;

	return x->removed != y->removed ? (x->removed ? -1 : 1) : by_key(a, b);
}

const struct waiting_item **
waiting_leaving(struct waiting *w, bool removed_first, size_t *count)
{
	const struct waiting_item **items;
	size_t most = 0;

	/* Only this thread changes what leaves, so it may read it without the lock. */
	for (unsigned n = 0; n < WAITING_SHARDS; n++)
		most += w->shards[n].leaving.count;
	items = mem_zalloc(most + 1, sizeof(*items));
	*count = 0;
	for (unsigned n = 0; n < WAITING_SHARDS; n++) {
		const struct waiting_table *t = &w->shards[n].leaving;

		for (size_t b = 0; b < t->bucket_count; b++) {
			for (const struct waiting_item *i = t->buckets[b]; i != NULL; i = i->next)
				items[(*count)++] = i;
		}
	}
	qsort(items, *count, sizeof(struct waiting_item *), removed_first ? by_removal : by_key);
	return items;
}

void
waiting_end(struct waiting *w)
{
	for (unsigned n = 0; n < WAITING_SHARDS; n++) {
		struct waiting_shard *s = &w->shards[n];

		pthread_mutex_lock(&s->lock);
		empty(w, &s->leaving);
		s->left++;
		pthread_mutex_unlock(&s->lock);
	}
}

/* --- begin and end --- */

void
waiting_init(struct waiting *w)
{
	*w = (struct waiting){.count = 0};
	for (unsigned n = 0; n < WAITING_SHARDS; n++)
		pthread_mutex_init(&w->shards[n].lock, NULL);
}

void
waiting_fini(struct waiting *w)
{
	for (unsigned n = 0; n < WAITING_SHARDS; n++) {
		struct waiting_shard *s = &w->shards[n];

		empty(w, &s->fresh);
		empty(w, &s->leaving);
		free(s->fresh.buckets);
		free(s->leaving.buckets);
		pthread_mutex_destroy(&s->lock);
	}
}
