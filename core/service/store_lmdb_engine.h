/* SPDX-License-Identifier: MIT */
/*
 * store_lmdb_engine.h - one LMDB store at work: operations in memory, rounds that write them
 *
 * There is one for each directory, however many settings name it: a reload that changes them finds
 * it at work. Inside store_lmdb*.c only.
 */
#ifndef CORE_SERVICE_STORE_LMDB_ENGINE_H
#define CORE_SERVICE_STORE_LMDB_ENGINE_H

#include "store_backend.h"

struct lmdb_engine;

/*
 * The one of that directory, which takes the settings, or a new one. make: the directory is made
 * where it is missing. NULL with words.
 */
struct lmdb_engine *lmdb_engine_open(const struct store_config *, bool make, struct err *);
/* The last writes what waits and ends the thread. */
void lmdb_engine_close(struct lmdb_engine *);
/* Writes what was changed before the call. */
bool lmdb_engine_flush(struct lmdb_engine *, int64_t deadline);

enum cm_store_status
lmdb_engine_run(struct lmdb_engine *, const struct store_op *, int64_t deadline);
enum cm_store_status
lmdb_engine_each(struct lmdb_engine *, const void *prefix, size_t len, store_show *, void *context);
void lmdb_engine_health(struct lmdb_engine *, struct store_health *);

#endif
