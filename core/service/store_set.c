/* SPDX-License-Identifier: MIT */
/*
 * store_set.c - how many different members a set has had, in bounded room
 *
 * The first octet says which of both it is. The sketch and its estimate are those of Flajolet,
 * Fusy, Gandouet and Meunier, "HyperLogLog" (2007), with their correction for small counts.
 */
#include "store_set.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/hash.h"

#define EXACT	  1
#define SKETCH	  2
#define REGISTERS 1024u
#define BITS	  10u /* of a hash that choose the register */
#define ALPHA	  (0.7213 / (1 + 1.079 / REGISTERS))

static const uint64_t key[2] = {UINT64_C(0x636861696e6d6169), UINT64_C(0x6c2073657473)};

static bool
is_exact(const unsigned char *set, size_t len)
{
	return len > 0 && set[0] == EXACT && (len - 1) % 8 == 0 && len <= 1 + 8 * STORE_SET_EXACT;
}

static bool
is_sketch(const unsigned char *set, size_t len)
{
	return len == 1 + REGISTERS && set[0] == SKETCH;
}

static uint64_t
hash_at(const unsigned char *set, size_t i)
{
	uint64_t hash;

	memcpy(&hash, set + 1 + 8 * i, sizeof(hash));
	return hash;
}

static void
note(unsigned char *sketch, uint64_t hash)
{
	uint64_t rest = hash >> BITS | UINT64_C(1) << (64 - BITS);
	unsigned char rank = (unsigned char)(1 + __builtin_ctzll(rest));
	unsigned char *at = &sketch[1 + hash % REGISTERS];

	if (*at < rank)
		*at = rank;
}

/* set may be out. */
static size_t
to_sketch(const unsigned char *set, size_t count, unsigned char *out)
{
	unsigned char sketch[STORE_SET_MOST] = {SKETCH};

	for (size_t i = 0; i < count; i++)
		note(sketch, hash_at(set, i));
	memcpy(out, sketch, sizeof(sketch));
	return sizeof(sketch);
}

uint64_t
store_set_hash(const void *member, size_t len)
{
	return hash_keyed(key, member, len);
}

size_t
store_set_add(const void *set, size_t len, const void *member, size_t member_len,
	unsigned char out[STORE_SET_MOST])
{
	uint64_t hash = store_set_hash(member, member_len);
	size_t count;

	if (set != NULL && is_sketch(set, len)) {
		memcpy(out, set, len);
		note(out, hash);
		return len;
	}
	if (set == NULL || !is_exact(set, len)) {
		out[0] = EXACT;
		len = 1;
	} else {
		memcpy(out, set, len);
	}
	count = (len - 1) / 8;
	for (size_t i = 0; i < count; i++) {
		if (hash_at(out, i) == hash)
			return len;
	}
	if (count < STORE_SET_EXACT) {
		memcpy(out + len, &hash, sizeof(hash));
		return len + sizeof(hash);
	}
	len = to_sketch(out, count, out);
	note(out, hash);
	return len;
}

static int64_t
estimate(const unsigned char *sketch)
{
	double sum = 0, guess;
	unsigned empty = 0;

	for (unsigned i = 1; i <= REGISTERS; i++) {
		sum += ldexp(1, -sketch[i]);
		empty += sketch[i] == 0;
	}
	guess = ALPHA * REGISTERS * REGISTERS / sum;
	if (guess <= 2.5 * REGISTERS && empty > 0)
		guess = REGISTERS * log((double)REGISTERS / empty);
	return (int64_t)(guess + 0.5);
}

int64_t
store_set_count(const void *set, size_t len)
{
	if (is_exact(set, len))
		return (int64_t)((len - 1) / 8);
	return is_sketch(set, len) ? estimate(set) : 0;
}
