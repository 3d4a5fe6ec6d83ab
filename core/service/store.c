/* SPDX-License-Identifier: MIT */
/*
 * store.c - what lasts from message to message
 *
 * Stores that are open are listed, so that a reload keeps those whose settings are the same.
 */
#include "store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store_backend.h"

/* Of the memory that counts while a store is away. */
#define FALLBACK_SIZE (INT64_C(64) << 20)
/* So long after it had no room for something a store is said to be full. */
#define FULL_FOR (60 * CLOCK_SEC)

struct cm_store {
	unsigned references; /* under the list's lock */
	struct cm_store *next;
	struct store_config config;
	const struct store_backend *backend;
	void *self;
	struct cm_store *fallback;  /* memory; NULL: this is memory itself */
	bool detached;		    /* the fallback is used; before other threads know it */
	_Atomic int64_t full_until; /* after it had no room */
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cm_store *list; /* under the lock */

static const struct store_backend *const backends[] = {
	[STORE_MEMORY] = &store_memory,
	[STORE_LMDB] = &store_lmdb,
	[STORE_REDIS] = &store_redis,
};

/* --- settings --- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_config(const struct store_config *a, const struct store_config *b)
{
	bool same = a->type == b->type && a->max_size == b->max_size && a->sync_us == b->sync_us &&
		    a->timeout_us == b->timeout_us && a->servers.count == b->servers.count &&
		    same_text(a->name, b->name) && same_text(a->path, b->path) &&
		    same_text(a->sentinel, b->sentinel) && same_text(a->prefix, b->prefix) &&
		    same_text(a->password_file, b->password_file);

	for (size_t i = 0; same && i < a->servers.count; i++)
		same = strcmp(a->servers.items[i], b->servers.items[i]) == 0;
	return same;
}

static const char *
copy_text(const char *text)
{
	return text == NULL ? NULL : strdup(text);
}

static struct store_config
copy_config(const struct store_config *c)
{
	struct store_config copy = *c;
	const char **items = mem_zalloc(c->servers.count + 1, sizeof(*items));

	for (size_t i = 0; i < c->servers.count; i++)
		items[i] = strdup(c->servers.items[i]);
	copy.servers.items = items;
	copy.name = copy_text(c->name);
	copy.path = copy_text(c->path);
	copy.sentinel = copy_text(c->sentinel);
	copy.prefix = copy_text(c->prefix);
	copy.password_file = copy_text(c->password_file);
	return copy;
}

static void
free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

static void
free_config(struct store_config *c)
{
	for (size_t i = 0; i < c->servers.count; i++)
		free_text(c->servers.items[i]);
	free((void *)(uintptr_t)c->servers.items);
	free_text(c->name);
	free_text(c->path);
	free_text(c->sentinel);
	free_text(c->prefix);
	free_text(c->password_file);
}

/* --- open and close --- */

static struct cm_store *
make(const struct store_config *config, struct err *err)
{
	struct cm_store *s = mem_zalloc(1, sizeof(*s));

	if (backends[config->type] == NULL) {
		err_set(err, "this type of store is not available in this version");
		free(s);
		return NULL;
	}
	s->references = 1;
	s->config = copy_config(config);
	s->backend = backends[config->type];
	s->self = s->backend->open(&s->config, err);
	if (s->self != NULL)
		return s;
	free_config(&s->config);
	free(s);
	return NULL;
}

static void
unmake(struct cm_store *s)
{
	s->backend->close(s->self);
	if (s->fallback != NULL)
		unmake(s->fallback);
	free_config(&s->config);
	free(s);
}

/* With the list's lock. */
static struct cm_store *
open_new(const struct store_config *config, struct err *err)
{
	struct store_config memory = {.type = STORE_MEMORY, .max_size = FALLBACK_SIZE};
	struct cm_store *s = make(config, err);

	if (s == NULL)
		return NULL;
	memory.name = config->name;
	if (config->type != STORE_MEMORY)
		s->fallback = make(&memory, err);
	s->next = list;
	list = s;
	return s;
}

struct cm_store *
store_open(const struct store_config *config, struct err *err)
{
	struct cm_store *s;

	pthread_mutex_lock(&list_lock);
	for (s = list; s != NULL && !same_config(&s->config, config);)
		s = s->next;
	if (s != NULL)
		s->references++;
	else
		s = open_new(config, err);
	pthread_mutex_unlock(&list_lock);
	return s;
}

bool
store_start(struct cm_store *s, struct err *err)
{
	return s->backend->start == NULL || s->backend->start(s->self, err);
}

bool
store_flush(struct cm_store *s, int64_t deadline)
{
	return s->backend->flush == NULL || s->backend->flush(s->self, deadline);
}

void
store_close(struct cm_store *s)
{
	struct cm_store **at = &list;
	bool last;

	if (s == NULL)
		return;
	pthread_mutex_lock(&list_lock);
	last = --s->references == 0;
	while (last && *at != s)
		at = &(*at)->next;
	if (last)
		*at = s->next;
	pthread_mutex_unlock(&list_lock);
	if (last)
		unmake(s);
}

const char *
store_name(const struct cm_store *s)
{
	return s->config.name;
}

struct cm_store *
store_fallback(struct cm_store *s)
{
	return s->fallback != NULL ? s->fallback : s;
}

void
store_detach(struct cm_store *s)
{
	s->detached = true;
}

/* --- operations --- */

/* Longer keys are their beginning and a hash of the whole, which is the same in every process. */
static size_t
shorten(const void *key, size_t len, unsigned char out[STORE_KEY_MOST])
{
	static const uint64_t seeds[2][2] = {{1, 2}, {3, 4}};
	char hash[33];
	size_t kept = STORE_KEY_MOST - (sizeof(hash) - 1);

	snprintf(hash, sizeof(hash), "%016llx%016llx",
		(unsigned long long)hash_keyed(seeds[0], key, len),
		(unsigned long long)hash_keyed(seeds[1], key, len));
	memcpy(out, key, kept);
	memcpy(out + kept, hash, sizeof(hash) - 1);
	return STORE_KEY_MOST;
}

static enum cm_store_status
run(struct cm_store *s, struct store_op *op, int64_t deadline)
{
	unsigned char key[STORE_KEY_MOST];

	op->now = clock_wall_us();
	if (op->value_len > STORE_VALUE_MOST)
		return CM_STORE_FULL;
	if (op->len > STORE_KEY_MOST) {
		op->len = shorten(op->key, op->len, key);
		op->key = key;
	}
	s = s->detached ? store_fallback(s) : s;
	enum cm_store_status status = s->backend->run(s->self, op, deadline);

	if (status == CM_STORE_FULL)
		atomic_store(&s->full_until, clock_now() + FULL_FOR);
	return status;
}

enum cm_store_status
store_get(struct cm_store *s, const void *key, size_t len, int64_t deadline, struct arena *arena,
	struct store_value *value)
{
	struct store_op op = {
		.kind = STORE_GET, .key = key, .len = len, .arena = arena, .found = value};

	*value = (struct store_value){0};
	return run(s, &op, deadline);
}

enum cm_store_status
store_set(struct cm_store *s, const void *key, size_t len, const void *value, size_t value_len,
	int64_t ttl, int64_t deadline)
{
	struct store_op op = {.kind = STORE_SET,
		.key = key,
		.len = len,
		.value = value,
		.value_len = value_len,
		.ttl = ttl};

	return run(s, &op, deadline);
}

enum cm_store_status
store_delete(struct cm_store *s, const void *key, size_t len, int64_t deadline)
{
	struct store_op op = {.kind = STORE_DELETE, .key = key, .len = len};

	return run(s, &op, deadline);
}

enum cm_store_status
store_add(struct cm_store *s, const void *key, size_t len, int64_t delta, int64_t ttl,
	int64_t deadline, int64_t *value)
{
	struct store_op op = {.kind = STORE_ADD,
		.key = key,
		.len = len,
		.delta = delta,
		.ttl = ttl,
		.number = value};

	*value = 0;
	return run(s, &op, deadline);
}

enum cm_store_status
store_add_member(struct cm_store *s, const void *key, size_t len, const void *member,
	size_t member_len, int64_t ttl, int64_t deadline, int64_t *count)
{
	struct store_op op = {.kind = STORE_ADD_MEMBER,
		.key = key,
		.len = len,
		.value = member,
		.value_len = member_len,
		.ttl = ttl,
		.number = count};

	*count = 0;
	return run(s, &op, deadline);
}

enum cm_store_status
store_limit(struct cm_store *s, const void *key, size_t len, const struct cm_limit *limit,
	const struct cm_limit_take *take, int64_t deadline, struct cm_limit_answer *answer)
{
	struct store_op op = {.kind = STORE_LIMIT,
		.key = key,
		.len = len,
		.limit = limit,
		.take = take,
		.answer = answer};

	*answer = (struct cm_limit_answer){0};
	return run(s, &op, deadline);
}

enum cm_store_status
store_each(struct cm_store *s, const void *prefix, size_t len,
	bool (*show)(void *, const void *, size_t, const struct store_value *), void *context)
{
	return s->backend->each(s->self, prefix, len, show, context);
}

void
store_health(struct cm_store *s, struct store_health *health)
{
	*health = (struct store_health){.octets = -1, .entries = -1};
	s->backend->health(s->self, health);
	health->full = !health->away && clock_now() < atomic_load(&s->full_until);
	if (health->full && health->words[0] == '\0')
		snprintf(health->words, sizeof(health->words), "max_size is too small");
}
