/* SPDX-License-Identifier: MIT */
/*
 * hash.c - a keyed hash and a table from strings to pointers
 *
 * SipHash-1-3 (Aumasson and Bernstein): one round per eight octets, three at the end. The key is
 * drawn once per process, so nobody outside can choose keys that collide.
 */
#include "hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"

#define FIRST_SIZE 16u

struct table_slot {
	uint64_t hash;
	const char *key; /* NULL: free */
	void *value;
};

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t secret[2];
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void
draw_secret(void)
{
	if (getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret))
		return;
	/* Only before Linux 3.17: weak, but still not the same in every process. */
	secret[0] ^= (uint64_t)clock_now() * UINT64_C(0x9e3779b97f4a7c15);
	secret[1] ^= (uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)&secret_once;
}

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

/* Inline, so that the four words stay in registers. */
static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

/* Compilers make one load of it. */
static inline uint64_t
read_eight(const unsigned char *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	       (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	       (uint64_t)p[7] << 56;
}

static uint64_t
read_rest(const unsigned char *p, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++)
		word |= (uint64_t)p[i] << 8 * i;
	return word;
}

static inline void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

static uint64_t
sip_hash(const uint64_t key[2], const unsigned char *p, size_t len)
{
	struct sip s = {
		.v0 = key[0] ^ UINT64_C(0x736f6d6570736575),
		.v1 = key[1] ^ UINT64_C(0x646f72616e646f6d),
		.v2 = key[0] ^ UINT64_C(0x6c7967656e657261),
		.v3 = key[1] ^ UINT64_C(0x7465646279746573),
	};
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8)
		sip_word(&s, read_eight(p));
	sip_word(&s, read_rest(p, left) | (uint64_t)len << 56);
	s.v2 ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
hash_keyed(const uint64_t key[2], const void *data, size_t len)
{
	return sip_hash(key, data, len);
}

uint64_t
hash_bytes(const void *data, size_t len)
{
	pthread_once(&secret_once, draw_secret);
	return sip_hash(secret, data, len);
}

void
table_init(struct table *t)
{
	*t = (struct table){0};
}

void
table_fini(struct table *t)
{
	free(t->slots);
	*t = (struct table){0};
}

/* The slot that holds key, or the free one where it belongs. The table is never full. */
static struct table_slot *
find_slot(const struct table *t, const char *key, uint64_t hash)
{
	size_t i = (size_t)hash & (t->size - 1);

	while (t->slots[i].key != NULL &&
		(t->slots[i].hash != hash || strcmp(t->slots[i].key, key) != 0))
		i = (i + 1) & (t->size - 1);
	return &t->slots[i];
}

static void
grow(struct table *t)
{
	struct table old = *t;

	t->size = old.size == 0 ? FIRST_SIZE : mem_product(old.size, 2);
	t->slots = mem_zalloc(t->size, sizeof(*t->slots));
	for (size_t i = 0; i < old.size; i++) {
		if (old.slots[i].key != NULL)
			*find_slot(t, old.slots[i].key, old.slots[i].hash) = old.slots[i];
	}
	free(old.slots);
}

bool
table_add(struct table *t, const char *key, void *value)
{
	uint64_t hash = hash_bytes(key, strlen(key));
	struct table_slot *slot;

	if (t->count >= t->size / 4 * 3)
		grow(t);
	slot = find_slot(t, key, hash);
	if (slot->key != NULL)
		return false;
	*slot = (struct table_slot){.hash = hash, .key = key, .value = value};
	t->count++;
	return true;
}

void *
table_get(const struct table *t, const char *key)
{
	if (t->size == 0)
		return NULL;
	return find_slot(t, key, hash_bytes(key, strlen(key)))->value;
}
