/* SPDX-License-Identifier: MIT */
/*
 * limit.h - the arithmetic of rate limits: pure functions over a small record
 *
 * A limit has windows, each a leaking bucket kept as one number, the time at which it will be empty
 * (GCRA). What a message may still take is reserved, and counts in full until the message is
 * accepted (committed: it begins to leak) or not (released: it was never there). A reservation that
 * nobody ended is forgotten after a quarter of an hour. All windows take, or none does. Knows
 * nothing of stores.
 */
#ifndef CORE_SERVICE_LIMIT_H
#define CORE_SERVICE_LIMIT_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Minutes in which what is pending was reserved. */
#define LIMIT_PENDING_MOST 16u
#define LIMIT_RECORD_MOST  (4u + 16u * CM_LIMIT_WINDOWS + 16u * LIMIT_PENDING_MOST)

/* A bucket goes by its period, so a limit may change its counts and its windows and keep the rest.
 */
struct limit_bucket {
	int64_t period_us;
	int64_t empty_at; /* wall clock, microseconds; past: it is empty */
};

struct limit_pending {
	int64_t minute; /* since 1970 */
	int64_t cost;
};

struct limit_record {
	size_t bucket_count, pending_count;
	struct limit_bucket bucket[CM_LIMIT_WINDOWS];
	struct limit_pending pending[LIMIT_PENDING_MOST];
};

/*
 * One step; now is the wall clock in microseconds. A clock that was set back finds a bucket that is
 * full at most, one that was set forward finds it empty.
 */
void limit_step(const struct cm_limit *, const struct cm_limit_take *, int64_t now,
	struct limit_record *, struct cm_limit_answer *);
/* When the record says nothing any more, wall clock in microseconds; 0: it says nothing now. */
int64_t limit_ends(const struct limit_record *);

/* As octets in a store. What cannot be decoded is an empty record. */
size_t limit_encode(const struct limit_record *, unsigned char out[LIMIT_RECORD_MOST]);
void limit_decode(struct limit_record *, const void *, size_t len);

#endif
