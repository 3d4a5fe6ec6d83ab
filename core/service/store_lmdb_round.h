/* SPDX-License-Identifier: MIT */
/*
 * store_lmdb_round.h - what is written at once, and a look for entries whose time is over
 *
 * Of the thread that writes; inside store_lmdb*.c only.
 */
#ifndef CORE_SERVICE_STORE_LMDB_ROUND_H
#define CORE_SERVICE_STORE_LMDB_ROUND_H

#include "store_lmdb_file.h"

/* Where the sweep is, and what time it believes. */
struct lmdb_sweep {
	unsigned char hand[LMDB_KEY_MOST]; /* the key to go on with */
	size_t hand_len;		   /* 0: at the beginning */
	int64_t wall, now;		   /* of the clocks, when it last looked */
	int64_t rests_until;		   /* of clock_now() */
};

/*
 * Writes all items, in the order of their keys, in commits of bounded size. 0, or a code of LMDB or
 * of the system. stuck: so many found no room; the others are written.
 */
int lmdb_round_write(
	struct lmdb_file *, const struct waiting_item *const *items, size_t count, size_t *stuck);

/*
 * Looks at some entries, where it stopped the last time, and removes those whose time is over. A
 * pass takes some 1,000 calls, and each looks at 16,384 entries at most. 0 or a code.
 */
int lmdb_round_sweep(struct lmdb_file *, struct lmdb_sweep *);

/* Octets of the pages in use, and entries. */
int lmdb_round_count(struct lmdb_file *, int64_t *octets, int64_t *entries);

/*
 * Pure: may entries be removed by the clock as it is? Not for ten minutes after it jumped by more
 * than a minute: it may be set right again, and what it ended meanwhile would be gone.
 */
bool lmdb_sweep_may(struct lmdb_sweep *, int64_t wall, int64_t now);

#endif
