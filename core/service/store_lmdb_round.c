/* SPDX-License-Identifier: MIT */
/*
 * store_lmdb_round.c - what is written at once, and a look for entries whose time is over
 *
 * There is no index by time: each step of a limit moves the end of its entry, and would have to
 * write a second tree. A hand that goes round costs a thousandth of the file in each round.
 */
#include "store_lmdb_round.h"

#include <string.h>

#include "base/clock.h"

/* Items of one commit; each may cost LMDB a page of memory until then. */
#define COMMIT_MOST 16384u
/* So many items without room one after another: the next will find none either. */
#define STUCK_MOST 16u
/* Entries that a sweep looks at: a thousandth of all, within these bounds. */
#define SWEEP_PARTS 1000u
#define SWEEP_LEAST 256u
#define SWEEP_MOST  16384u
#define JUMP	    (60 * CLOCK_SEC)
#define REST	    (600 * CLOCK_SEC)

/* --- writing --- */

static int
write_item(MDB_txn *txn, MDB_dbi dbi, const struct waiting_item *i)
{
	unsigned char octets[LMDB_KEY_MOST] = {LMDB_ENTRY};
	MDB_val key = {1 + i->key_len, octets};
	MDB_val value = {LMDB_EXPIRES + i->len, NULL};
	int failure;

	memcpy(octets + 1, i->data, i->key_len);
	if (i->removed) {
		failure = mdb_del(txn, dbi, &key, NULL);
		return failure == MDB_NOTFOUND ? 0 : failure;
	}
	failure = mdb_put(txn, dbi, &key, &value, MDB_RESERVE);
	if (failure != 0)
		return failure;
	memcpy(value.mv_data, &i->expires, LMDB_EXPIRES);
	memcpy((unsigned char *)value.mv_data + LMDB_EXPIRES, waiting_value(i), i->len);
	return 0;
}

/* One commit: all of them or none. */
static int
commit(struct lmdb_file *f, const struct waiting_item *const *items, size_t count)
{
	MDB_txn *txn;
	int failure = mdb_txn_begin(f->env, NULL, 0, &txn);

	if (failure != 0)
		return failure;
	for (size_t i = 0; i < count && failure == 0; i++)
		failure = write_item(txn, f->dbi, items[i]);
	if (failure == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return failure;
}

static bool
no_room(int failure)
{
	return failure == MDB_MAP_FULL || failure == MDB_TXN_FULL;
}

/*
 * A commit needs free pages for all that it changes, and gives those that were there before to the
 * next but one: with little room, fewer at once may do.
 */
int
lmdb_round_write(
	struct lmdb_file *f, const struct waiting_item *const *items, size_t count, size_t *stuck)
{
	size_t most = COMMIT_MOST, in_a_row = 0;

	*stuck = 0;
	for (size_t i = 0; i < count;) {
		size_t now = count - i < most ? count - i : most;
		int failure = commit(f, items + i, now);

		if (failure == 0) {
			i += now;
			in_a_row = 0;
			most = most < COMMIT_MOST ? 2 * most : most;
		} else if (!no_room(failure)) {
			return failure;
		} else if (now > 1) {
			most = now / 2;
		} else {
			i++;
			(*stuck)++;
			if (++in_a_row == STUCK_MOST) {
				*stuck += count - i;
				return 0;
			}
		}
	}
	return 0;
}

/* --- sweeping --- */

bool
lmdb_sweep_may(struct lmdb_sweep *s, int64_t wall, int64_t now)
{
	int64_t jump = (wall - s->wall) - (now - s->now);

	if (s->now != 0 && (jump > JUMP || jump < -JUMP))
		s->rests_until = now + REST;
	s->wall = wall;
	s->now = now;
	return now >= s->rests_until;
}

static bool
is_over(const MDB_val *key, const MDB_val *value, int64_t wall)
{
	const unsigned char *octets = key->mv_data;
	struct store_entry entry;

	return octets[0] == LMDB_ENTRY && lmdb_decode(value, &entry) && entry.expires != 0 &&
	       entry.expires <= wall;
}

static size_t
slice(MDB_txn *txn, MDB_dbi dbi)
{
	MDB_stat pages;
	size_t part;

	if (mdb_stat(txn, dbi, &pages) != 0)
		return SWEEP_LEAST;
	part = pages.ms_entries / SWEEP_PARTS;
	return part < SWEEP_LEAST ? SWEEP_LEAST : part > SWEEP_MOST ? SWEEP_MOST : part;
}

static void
keep_hand(struct lmdb_sweep *s, const MDB_val *key)
{
	s->hand_len = key->mv_size <= sizeof(s->hand) ? key->mv_size : 0;
	memcpy(s->hand, key->mv_data, s->hand_len);
}

/* Leaves the hand at the first entry that was not looked at. */
static int
sweep(MDB_cursor *cursor, size_t most, struct lmdb_sweep *s)
{
	MDB_val key = {s->hand_len, s->hand}, value;
	int failure =
		mdb_cursor_get(cursor, &key, &value, s->hand_len > 0 ? MDB_SET_RANGE : MDB_FIRST);

	while (failure == 0 && most-- > 0) {
		if (is_over(&key, &value, s->wall))
			failure = mdb_cursor_del(cursor, 0);
		/* After a removal that is the one behind it, too. */
		if (failure == 0)
			failure = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	if (failure == 0)
		keep_hand(s, &key);
	else
		s->hand_len = 0;
	return failure == MDB_NOTFOUND ? 0 : failure;
}

int
lmdb_round_sweep(struct lmdb_file *f, struct lmdb_sweep *s)
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	int failure;

	if (!lmdb_sweep_may(s, clock_wall_us(), clock_now()))
		return 0;
	failure = mdb_txn_begin(f->env, NULL, 0, &txn);
	if (failure != 0)
		return failure;
	failure = mdb_cursor_open(txn, f->dbi, &cursor);
	if (failure == 0) {
		failure = sweep(cursor, slice(txn, f->dbi), s);
		mdb_cursor_close(cursor);
	}
	/* Where nothing was over, nothing is written. */
	if (failure == 0)
		failure = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	/* It goes on with smaller steps by itself: removals make room. */
	return no_room(failure) ? 0 : failure;
}

int
lmdb_round_count(struct lmdb_file *f, int64_t *octets, int64_t *entries)
{
	MDB_stat s;
	int failure = mdb_env_stat(f->env, &s);

	if (failure != 0)
		return failure;
	*octets =
		(int64_t)((s.ms_branch_pages + s.ms_leaf_pages + s.ms_overflow_pages) * s.ms_psize);
	/* One says of what version the store is. */
	*entries = (int64_t)s.ms_entries - 1;
	return 0;
}
