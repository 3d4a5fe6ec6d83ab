/* SPDX-License-Identifier: MIT */
/*
 * store_memory.c - a store in this process, gone with it
 *
 * Shards with a lock each. Entries whose time is over are swept with the next new ones, a bucket at
 * a time, so no write waits for all of them, and a change of what is there for none.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/mem.h"
#include "store_backend.h"

#define SHARDS	      16u
#define BUCKETS_LEAST 64u
/* Buckets swept with each new entry; more while there is no room. */
#define SWEEP	   2u
#define SWEEP_FULL 256u
/* What each() copies with a lock held, at least. */
#define SLICE_BUCKETS 256u
#define SLICE_OCTETS  32768u

struct item {
	struct item *next;
	uint64_t hash;
	int64_t expires;
	uint32_t key_len, len, room;
	unsigned char data[]; /* key, then value */
};

struct shard {
	pthread_mutex_t lock; /* protects what follows */
	struct item **buckets;
	size_t bucket_count, count;
	size_t hand; /* next bucket to sweep */
	int64_t octets, most;
};

struct memory {
	const char *name;
	struct shard shards[SHARDS];
};

/* --- with the shard's lock --- */

static struct item **
bucket_of(const struct shard *shard, uint64_t hash)
{
	return &shard->buckets[hash / SHARDS & (shard->bucket_count - 1)];
}

static struct item **
find(const struct shard *shard, uint64_t hash, const void *key, size_t len)
{
	struct item **at = bucket_of(shard, hash);

	while (*at != NULL && ((*at)->hash != hash || (*at)->key_len != len ||
				      memcmp((*at)->data, key, len) != 0))
		at = &(*at)->next;
	return at;
}

static int64_t
octets_of(const struct item *i)
{
	return (int64_t)(sizeof(*i) + i->key_len + i->room);
}

static void
drop(struct shard *shard, struct item **at)
{
	struct item *i = *at;

	*at = i->next;
	shard->count--;
	shard->octets -= octets_of(i);
	free(i);
}

static void
sweep(struct shard *shard, unsigned buckets, int64_t now)
{
	while (buckets-- > 0) {
		struct item **at = &shard->buckets[shard->hand];

		shard->hand = (shard->hand + 1) & (shard->bucket_count - 1);
		while (*at != NULL) {
			if ((*at)->expires != 0 && (*at)->expires <= now)
				drop(shard, at);
			else
				at = &(*at)->next;
		}
	}
}

static void
grow(struct shard *shard)
{
	struct item **old = shard->buckets;
	size_t count = shard->bucket_count;

	shard->bucket_count = 2 * count;
	shard->buckets = mem_zalloc(shard->bucket_count, sizeof(struct item *));
	for (size_t b = 0; b < count; b++) {
		for (struct item *i = old[b], *next; i != NULL; i = next) {
			struct item **at = bucket_of(shard, i->hash);

			next = i->next;
			i->next = *at;
			*at = i;
		}
	}
	free(old);
}

static struct item *
new_item(const struct store_op *op, uint64_t hash, size_t len)
{
	struct item *i = mem_alloc(sizeof(*i) + op->len + len);

	*i = (struct item){.hash = hash, .key_len = (uint32_t)op->len, .room = (uint32_t)len};
	memcpy(i->data, op->key, op->len);
	return i;
}

static void
fill(struct item *i, const struct store_entry *new)
{
	memcpy(i->data + i->key_len, new->data, new->len);
	i->len = (uint32_t) new->len;
	i->expires = new->expires;
}

/* There is none, or none in which the new one has room. */
static enum cm_store_status
put(struct shard *shard, const struct store_op *op, uint64_t hash, const struct store_entry *new)
{
	struct item **at = find(shard, hash, op->key, op->len), *i = *at;
	int64_t more = (int64_t)(sizeof(*i) + op->len + new->len) - (i == NULL ? 0 : octets_of(i));

	if (shard->octets + more > shard->most)
		return CM_STORE_FULL;
	i = new_item(op, hash, new->len);
	fill(i, new);
	if (*at != NULL)
		drop(shard, at);
	i->next = *at;
	*at = i;
	shard->count++;
	shard->octets += octets_of(i);
	if (shard->count > shard->bucket_count)
		grow(shard);
	return CM_STORE_OK;
}

static enum cm_store_status
put_or_sweep(struct shard *shard, const struct store_op *op, uint64_t hash,
	const struct store_entry *new)
{
	enum cm_store_status status;

	sweep(shard, SWEEP, op->now);
	status = put(shard, op, hash, new);
	if (status != CM_STORE_FULL)
		return status;
	sweep(shard, SWEEP_FULL, op->now);
	return put(shard, op, hash, new);
}

static enum cm_store_status
run_locked(struct shard *shard, const struct store_op *op, uint64_t hash)
{
	struct item **at = find(shard, hash, op->key, op->len);
	unsigned char scratch[STORE_SCRATCH];
	struct store_entry old = {0}, new = {0};
	enum cm_store_status status;
	enum store_change change;

	if (*at != NULL)
		old = (struct store_entry){
			(*at)->data + (*at)->key_len, (*at)->len, (*at)->expires};
	status = store_op_run(op, &old, &new, scratch, &change);
	switch (change) {
	case STORE_KEEP:
		break;
	case STORE_WRITE:
		if (*at == NULL || (*at)->room < new.len)
			return put_or_sweep(shard, op, hash, &new);
		fill(*at, &new);
		break;
	case STORE_REMOVE:
		if (*at != NULL)
			drop(shard, at);
		break;
	}
	return status;
}

/* --- the back end --- */

static enum cm_store_status
run(void *self, const struct store_op *op, int64_t deadline)
{
	static struct log_limit limit = LOG_LIMIT(1, 60 * CLOCK_SEC);
	struct memory *m = self;
	uint64_t hash = hash_bytes(op->key, op->len);
	struct shard *shard = &m->shards[hash % SHARDS];
	enum cm_store_status status;

	(void)deadline;
	pthread_mutex_lock(&shard->lock);
	status = run_locked(shard, op, hash);
	pthread_mutex_unlock(&shard->lock);
	if (status == CM_STORE_FULL)
		log_limited(
			&limit, LOG_LEVEL_WARN, "store %s is full: max_size is too small", m->name);
	return status;
}

/* --- each --- */

/* A walk through a shard: a slice is copied with its lock, and shown without. */
struct walk {
	struct shard *shard;
	const void *prefix;
	size_t len;
	size_t next, end; /* buckets, as many as there were at the beginning */
	struct buf slice; /* of copies: struct copy, key, value */
};

struct copy {
	size_t key_len, len;
	int64_t expires;
};

static void
copy_bucket(struct walk *w, size_t bucket, int64_t now)
{
	for (const struct item *i = w->shard->buckets[bucket]; i != NULL; i = i->next) {
		struct copy c = {i->key_len, i->len, i->expires};

		if (i->key_len < w->len || memcmp(i->data, w->prefix, w->len) != 0 ||
			(i->expires != 0 && i->expires <= now))
			continue;
		buf_add(&w->slice, &c, sizeof(c));
		buf_add(&w->slice, i->data, c.key_len + c.len);
	}
}

/*
 * Where the shard has grown meanwhile, a bucket of the beginning is every end-th of now, so each
 * entry is shown once.
 */
static void
copy_slice(struct walk *w)
{
	int64_t now = clock_wall_us();

	buf_clear(&w->slice);
	pthread_mutex_lock(&w->shard->lock);
	for (size_t n = 0; w->next < w->end && n < SLICE_BUCKETS && w->slice.len < SLICE_OCTETS;
		w->next++, n++) {
		for (size_t b = w->next; b < w->shard->bucket_count; b += w->end)
			copy_bucket(w, b, now);
	}
	pthread_mutex_unlock(&w->shard->lock);
}

static bool
show_slice(const struct walk *w, store_show *show, void *context)
{
	bool more = true;

	for (size_t at = 0; more && at < w->slice.len;) {
		struct copy c;
		const char *key = w->slice.data + at + sizeof(c);

		memcpy(&c, w->slice.data + at, sizeof(c));
		at += sizeof(c) + c.key_len + c.len;
		more = show(context, key, c.key_len,
			&(struct store_value){key + c.key_len, c.len, c.expires});
	}
	return more;
}

/* Mail waits for one slice at most, however much there is and whatever show() does. */
static enum cm_store_status
each(void *self, const void *prefix, size_t len, store_show *show, void *context)
{
	struct memory *m = self;
	struct walk w = {.prefix = prefix, .len = len};
	bool more = true;

	buf_init(&w.slice, 0);
	for (unsigned i = 0; more && i < SHARDS; i++) {
		w.shard = &m->shards[i];
		pthread_mutex_lock(&w.shard->lock);
		w.end = w.shard->bucket_count;
		pthread_mutex_unlock(&w.shard->lock);
		for (w.next = 0; more && w.next < w.end;) {
			copy_slice(&w);
			more = show_slice(&w, show, context);
		}
	}
	buf_fini(&w.slice);
	return CM_STORE_OK;
}

static void
health(void *self, struct store_health *h)
{
	struct memory *m = self;

	h->octets = h->entries = 0;
	for (unsigned i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&m->shards[i].lock);
		h->octets += m->shards[i].octets;
		h->entries += (int64_t)m->shards[i].count;
		pthread_mutex_unlock(&m->shards[i].lock);
	}
}

static void *
open_memory(const struct store_config *config, struct err *err)
{
	struct memory *m = mem_zalloc(1, sizeof(*m));

	(void)err;
	m->name = config->name;
	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *shard = &m->shards[i];

		shard->bucket_count = BUCKETS_LEAST;
		shard->buckets = mem_zalloc(BUCKETS_LEAST, sizeof(struct item *));
		shard->most = config->max_size / SHARDS;
		pthread_mutex_init(&shard->lock, NULL);
	}
	return m;
}

static void
close_memory(void *self)
{
	struct memory *m = self;

	for (unsigned i = 0; i < SHARDS; i++) {
		struct shard *shard = &m->shards[i];

		for (size_t b = 0; b < shard->bucket_count; b++) {
			while (shard->buckets[b] != NULL)
				drop(shard, &shard->buckets[b]);
		}
		free(shard->buckets);
		pthread_mutex_destroy(&shard->lock);
	}
	free(m);
}

const struct store_backend store_memory = {
	.open = open_memory,
	.close = close_memory,
	.run = run,
	.each = each,
	.health = health,
};
