/* SPDX-License-Identifier: MIT */
/*
 * store_lmdb_file.h - the directory and the file of an LMDB store
 *
 * A directory of mode 0700 with data.mdb and lock.mdb, mode 0600. The directory is locked (flock)
 * for as long as it is open: one daemon writes, and nobody else. Commits are synchronous, so the
 * file is whole after whatever happens. Keys have an octet in front, values the time at which they
 * end. Inside store_lmdb*.c only.
 */
#ifndef CORE_SERVICE_STORE_LMDB_FILE_H
#define CORE_SERVICE_STORE_LMDB_FILE_H

#include <lmdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store.h"
#include "store_lmdb_waiting.h"

/* In front of an entry's key; what else there is says of what version the store is. */
#define LMDB_ENTRY    'e'
#define LMDB_KEY_MOST (1 + STORE_KEY_MOST)
/* In front of its value: when it ends. */
#define LMDB_EXPIRES sizeof(int64_t)

/* Looks into the file at once. */
#define LMDB_READERS 16u

/* A read transaction at rest; whoever locks it may renew it. */
struct lmdb_reader {
	pthread_mutex_t lock;
	MDB_txn *txn;
};

struct lmdb_file {
	char *path;
	int dir; /* locked */
	dev_t dev;
	ino_t ino;
	MDB_env *env; /* NULL: it could not be opened again */
	MDB_dbi dbi;
	struct lmdb_reader readers[LMDB_READERS];
};

/*
 * Can this be a store? Opens and makes nothing, for whoever asks may be another user than the one
 * who will use it, or a command beside a running daemon. False with words.
 */
bool lmdb_file_examine(const char *path, struct err *) MUST_USE;

/* The locked directory; make: it is made where it is missing. -1 with words. */
int lmdb_dir_open(const char *path, bool make, struct err *) MUST_USE;
/* Takes dir, also where it fails. Makes the file where it is missing. False with words. */
bool
lmdb_file_open(struct lmdb_file *, const char *path, int dir, int64_t size, struct err *) MUST_USE;
void lmdb_file_close(struct lmdb_file *);

/* Of the thread that writes, with no transaction of its own open: */

/*
 * After a failure: can what is open still be written? Not where LMDB has given it up, nor where
 * another file stands in its place.
 */
bool lmdb_file_goes_on(const struct lmdb_file *);
/* LMDB gives up an environment after some failures; this opens another. */
bool lmdb_file_reopen(struct lmdb_file *, int64_t size, struct err *) MUST_USE;
/* The file may grow up to that size from now on; it never shrinks. After a failure it
 * must be opened again. */
bool lmdb_file_resize(struct lmdb_file *, int64_t size, struct err *) MUST_USE;

/* The entry of a value as it is kept. */
bool lmdb_decode(const MDB_val *, struct store_entry *) MUST_USE;

#endif
