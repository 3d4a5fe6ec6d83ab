/* SPDX-License-Identifier: MIT */
/*
 * store_lmdb.c - a store in a file, for one machine
 *
 * To open it only looks: the configuration is loaded before the daemon gives up root, and by
 * commands beside a daemon that runs. The directory is made when the store is started, by the user
 * who will use it; the first use of one that nobody started (explain) is content with one that is
 * there.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store_backend.h"
#include "store_lmdb_engine.h"
#include "store_lmdb_file.h"

/* After a start that failed the first use after so long tries again. */
#define RETRY_US CLOCK_SEC
/* Between two lines that it failed. */
#define LINE_US (60 * CLOCK_SEC)

struct lmdb {
	const struct store_config *config;
	_Atomic(struct lmdb_engine *) engine; /* NULL: not started */
	pthread_mutex_t lock;		      /* protects what follows, and the start */
	int64_t next_try;
	int64_t away_since; /* wall clock; 0: no start has failed */
	int64_t said;	    /* clock_now() of the latest line about that; 0: none */
	struct err trouble;
};

/* With the lock. */
static bool
begin(struct lmdb *l, bool make)
{
	struct lmdb_engine *e = lmdb_engine_open(l->config, make, &l->trouble);

	l->next_try = clock_now() + RETRY_US;
	if (e == NULL && l->away_since == 0)
		l->away_since = clock_wall_us();
	atomic_store(&l->engine, e);
	return e != NULL;
}

static bool
start(void *self, struct err *err)
{
	struct lmdb *l = self;
	bool good;

	pthread_mutex_lock(&l->lock);
	good = atomic_load(&l->engine) != NULL || begin(l, true);
	if (!good)
		*err = l->trouble;
	pthread_mutex_unlock(&l->lock);
	return good;
}

/* With the lock. */
static void
say_away(struct lmdb *l)
{
	int64_t now = clock_now();

	if (l->said != 0 && now - l->said < LINE_US)
		return;
	l->said = now;
	log_write(LOG_LEVEL_ERROR, "store %s is away: %s", l->config->name, l->trouble.text);
}

/* NULL: it cannot be started now. */
static struct lmdb_engine *
engine_of(struct lmdb *l)
{
	struct lmdb_engine *e = atomic_load(&l->engine);

	if (e != NULL)
		return e;
	pthread_mutex_lock(&l->lock);
	if (atomic_load(&l->engine) == NULL && clock_now() >= l->next_try && !begin(l, false))
		say_away(l);
	e = atomic_load(&l->engine);
	pthread_mutex_unlock(&l->lock);
	return e;
}

static enum cm_store_status
run(void *self, const struct store_op *op, int64_t deadline)
{
	struct lmdb_engine *e = engine_of(self);

	return e == NULL ? CM_STORE_AWAY : lmdb_engine_run(e, op, deadline);
}

static enum cm_store_status
each(void *self, const void *prefix, size_t len, store_show *show, void *context)
{
	struct lmdb_engine *e = engine_of(self);

	return e == NULL ? CM_STORE_AWAY : lmdb_engine_each(e, prefix, len, show, context);
}

static bool
flush(void *self, int64_t deadline)
{
	struct lmdb *l = self;
	struct lmdb_engine *e = atomic_load(&l->engine);

	return e == NULL || lmdb_engine_flush(e, deadline);
}

static void
health(void *self, struct store_health *h)
{
	struct lmdb *l = self;
	struct lmdb_engine *e = atomic_load(&l->engine);

	if (e != NULL) {
		lmdb_engine_health(e, h);
		return;
	}
	pthread_mutex_lock(&l->lock);
	h->away = l->away_since != 0;
	h->away_since = l->away_since;
	if (h->away)
		snprintf(h->words, sizeof(h->words), "%.199s", l->trouble.text);
	pthread_mutex_unlock(&l->lock);
}

static void *
open_lmdb(const struct store_config *config, struct err *err)
{
	struct lmdb *l;

	if (!lmdb_file_examine(config->path, err))
		return NULL;
	l = mem_zalloc(1, sizeof(*l));
	l->config = config;
	l->next_try = INT64_MIN;
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

static void
close_lmdb(void *self)
{
	struct lmdb *l = self;
	struct lmdb_engine *e = atomic_load(&l->engine);

	if (e != NULL)
		lmdb_engine_close(e);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

const struct store_backend store_lmdb = {
	.open = open_lmdb,
	.start = start,
	.flush = flush,
	.close = close_lmdb,
	.run = run,
	.each = each,
	.health = health,
};
