/* SPDX-License-Identifier: MIT */
/*
 * hash.h - a keyed hash and a table from strings to pointers
 *
 * Keys come from the network, so the hash is keyed once per process (SipHash-1-3 or better).
 */
#ifndef CORE_BASE_HASH_H
#define CORE_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *, size_t);
/* The same with a key of the caller's, for values that must be the same in every process. */
uint64_t hash_keyed(const uint64_t key[2], const void *, size_t);

/* A table that only grows; keys are borrowed and must outlive it. */
struct table {
	struct table_slot *slots;
	size_t count;
	size_t size; /* a power of two; 0 until the first entry */
};

void table_init(struct table *);
void table_fini(struct table *);
/* False when the key was there already; its value stays. */
bool table_add(struct table *, const char *key, void *value);
/* NULL when the key is not there. */
void *table_get(const struct table *, const char *key);

#endif
