/* SPDX-License-Identifier: MIT */
/*
 * store_lmdb_thread.h - the thread that writes what waits, in rounds
 *
 * A round begins half of `sync` after the first change that it writes, and has the other half to
 * end. Where it does not, callers who change something wait for it, so that a store never has more
 * to lose than what was answered within `sync`. Inside store_lmdb*.c only.
 */
#ifndef CORE_SERVICE_STORE_LMDB_THREAD_H
#define CORE_SERVICE_STORE_LMDB_THREAD_H

#include "store_lmdb_file.h"
#include "store_lmdb_round.h"

struct lmdb_thread {
	struct lmdb_file file;
	struct waiting waiting;
	struct lmdb_sweep sweep; /* of the thread */
	pthread_t thread;

	/* clock_now() of the oldest change that is fresh, or leaving; 0: there is none. */
	_Atomic int64_t oldest_fresh, oldest_leaving;
	/* Octets by which entries that are new will add to the file, fresh or leaving. */
	_Atomic int64_t growth_fresh, growth_leaving;
	_Atomic int64_t octets, entries; /* in the file, after the latest round */
	_Atomic int64_t max_size, sync_us;
	atomic_bool away, stuck; /* stuck: the latest round found no room for some */

	pthread_mutex_t lock; /* protects what follows */
	pthread_cond_t wake, ended;
	const char *name;     /* for the log */
	uint64_t begun, done; /* rounds */
	uint64_t asked;	      /* a round that somebody waits for */
	bool dirty, stop;
	int64_t away_since, synced; /* wall clock */
	int64_t said;		    /* clock_now() of the latest line that it is away; 0: none */
	bool unsaid_well;	    /* that line wants one that it is over */
	char words[200];
};

/* Everything but file, max_size, sync_us and name is made here. False with words. */
bool lmdb_thread_start(struct lmdb_thread *, struct err *) MUST_USE;
/* Writes what waits, once, and ends. */
void lmdb_thread_stop(struct lmdb_thread *);

/* Something is fresh; called after it was put there. growth: octets of an entry that is new. */
void lmdb_thread_note(struct lmdb_thread *, int64_t growth);

/*
 * Before a change: waits while there is too much to lose, until the deadline. False: it must not be
 * made, for it could not be kept.
 */
bool lmdb_thread_may_change(struct lmdb_thread *, int64_t deadline) MUST_USE;
/* Writes all that was changed before the call. False: it could not be, or not in time. */
bool lmdb_thread_flush(struct lmdb_thread *, int64_t deadline) MUST_USE;

#endif
