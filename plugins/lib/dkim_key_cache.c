/* SPDX-License-Identifier: MIT */
/*
 * dkim_key_cache.c - keys that were read before
 *
 * To read a key costs five times as much as to verify a signature with it. What a record says
 * depends on its text alone, so the text is what it is found by: a key that DNS no longer has is
 * asked for no more. The one used longest ago makes room for a new one.
 */
#include <openssl/err.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dkim_key.h"

/* Some 4 KB each. */
#define ENTRIES_MOST 1024u
#define BUCKETS	     1024u

struct entry {
	struct dkim_key key; /* first: a key is given out by its address */
	struct entry *next;  /* of its bucket */
	struct entry *newer, *older;
	uint64_t hash;
	size_t users; /* the cache itself is one */
	size_t len;
	char text[];
};

/* Protects all below it, and users of entries. No key is read with it held. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *buckets[BUCKETS];
static struct entry *newest, *oldest;
static size_t count;

/* FNV-1a. Who fills a bucket on purpose slows down the search, by ENTRIES_MOST at most. */
static uint64_t
hash_of(const char *text, size_t len)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* --- with the lock held --- */

static void
unlink_age(struct entry *e)
{
	*(e->newer != NULL ? &e->newer->older : &newest) = e->older;
	*(e->older != NULL ? &e->older->newer : &oldest) = e->newer;
}

static void
link_age(struct entry *e)
{
	e->newer = NULL;
	e->older = newest;
	*(newest != NULL ? &newest->newer : &oldest) = e;
	newest = e;
}

static struct entry *
find(const char *text, size_t len, uint64_t hash)
{
	struct entry *e = buckets[hash % BUCKETS];

	while (e != NULL && (e->hash != hash || e->len != len || memcmp(e->text, text, len) != 0))
		e = e->next;
	if (e == NULL)
		return NULL;
	unlink_age(e);
	link_age(e);
	e->users++;
	return e;
}

/* True: it was the last one, and the entry is the caller's to free. */
static bool
leave(struct entry *e)
{
	return --e->users == 0;
}

/* Takes the oldest out; non-NULL: to be freed. */
static struct entry *
evict(void)
{
	struct entry *e = oldest, **p = &buckets[e->hash % BUCKETS];

	while (*p != e)
		p = &(*p)->next;
	*p = e->next;
	unlink_age(e);
	count--;
	return leave(e) ? e : NULL;
}

/* Non-NULL: one that had to go, and is to be freed. */
static struct entry *
insert(struct entry *e)
{
	struct entry *gone = count == ENTRIES_MOST ? evict() : NULL;

	e->next = buckets[e->hash % BUCKETS];
	buckets[e->hash % BUCKETS] = e;
	link_age(e);
	count++;
	e->users++;
	return gone;
}

/* --- without --- */

static void
entry_free(struct entry *e)
{
	if (e == NULL)
		return;
	dkim_key_fini(&e->key);
	free(e);
}

static struct entry *
read_entry(const char *text, size_t len, uint64_t hash)
{
	struct entry *e = calloc(1, sizeof(*e) + len);

	if (e == NULL)
		return NULL;
	memcpy(e->text, text, len);
	e->len = len;
	e->hash = hash;
	e->users = 1;
	dkim_key_read(&e->key, text, len);
	/* What OpenSSL thinks of a bad key is of no use to whoever looks next. */
	ERR_clear_error();
	return e;
}

const struct dkim_key *
dkim_key_get(const char *text, size_t len)
{
	uint64_t hash = hash_of(text, len);
	struct entry *e, *made, *gone = NULL;

	pthread_mutex_lock(&lock);
	e = find(text, len, hash);
	pthread_mutex_unlock(&lock);
	if (e != NULL)
		return &e->key;
	made = read_entry(text, len, hash);
	if (made == NULL)
		return NULL;
	pthread_mutex_lock(&lock);
	/* Another thread may have read it meanwhile. */
	e = find(text, len, hash);
	if (e == NULL)
		gone = insert(made);
	pthread_mutex_unlock(&lock);
	entry_free(e == NULL ? gone : made);
	return e == NULL ? &made->key : &e->key;
}

void
dkim_key_drop(const struct dkim_key *key)
{
	struct entry *e = (struct entry *)(uintptr_t)key;
	bool last;

	if (key == NULL)
		return;
	pthread_mutex_lock(&lock);
	last = leave(e);
	pthread_mutex_unlock(&lock);
	if (last)
		entry_free(e);
}
