/* SPDX-License-Identifier: MIT */
/*
 * store_op.h - one operation of a store, and what it makes of an entry
 *
 * Back ends that hold entries themselves (memory, LMDB) find the old entry, ask store_op_run() for
 * the new one, and keep that, all under their lock. Redis does the same in a script of its own.
 * Inside store*.c only.
 */
#ifndef CORE_SERVICE_STORE_OP_H
#define CORE_SERVICE_STORE_OP_H

#include <stddef.h>
#include <stdint.h>

#include "store.h"

enum store_kind { STORE_GET, STORE_SET, STORE_DELETE, STORE_ADD, STORE_ADD_MEMBER, STORE_LIMIT };

struct store_op {
	enum store_kind kind;
	const void *key;
	size_t len;
	const void *value; /* set; the member of a set */
	size_t value_len;
	int64_t delta, ttl;
	const struct cm_limit *limit;
	const struct cm_limit_take *take;
	int64_t now; /* wall clock, microseconds */
	/* What comes out. */
	struct arena *arena;
	struct store_value *found;
	int64_t *number;
	struct cm_limit_answer *answer;
};

struct store_entry {
	const void *data; /* NULL: there is none */
	size_t len;
	int64_t expires; /* wall clock, microseconds; 0: never */
};

enum store_change { STORE_KEEP, STORE_WRITE, STORE_REMOVE };

/* Room for a new entry that is not the caller's own value. */
#define STORE_SCRATCH 1280u

/*
 * Fills the results and, for STORE_WRITE, the new entry, whose data is the operation's or in
 * scratch. An old entry whose time is over is none. STORE_OK or STORE_NONE.
 */
enum cm_store_status store_op_run(const struct store_op *, const struct store_entry *old,
	struct store_entry *new, unsigned char scratch[STORE_SCRATCH], enum store_change *);

#endif
