/* SPDX-License-Identifier: MIT */
/*
 * store_lmdb_engine.c - one LMDB store at work: operations in memory, rounds that write them
 *
 * An operation finds its entry among those that wait or in the file, and leaves the new one among
 * those that wait: no caller waits for a disk that is well. Readers of the file have a
 * transaction for as long as one look takes.
 */
#include "store_lmdb_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log_limit.h"
#include "base/mem.h"
#include "store_lmdb_thread.h"

/* Of max_size, in quarters, what entries may fill: the rest is for changes of them. */
#define FULL_QUARTERS 3
/* What an entry costs in pages that are not full. */
#define PAGE_SHARE(octets) ((octets)*3 / 2)
/* Octets that store_each() copies before it lets go of the file. */
#define SLICE_OCTETS (256u << 10)
/* What it waits for a round. */
#define EACH_US (10 * CLOCK_SEC)

struct lmdb_engine {
	unsigned references; /* under the list's lock */
	struct lmdb_engine *next;
	char *name;
	struct lmdb_thread thread;
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct lmdb_engine *list; /* under the lock */

/* --- one operation --- */

/* What it works on, and its place. */
struct step {
	struct lmdb_engine *engine;
	const struct store_op *op;
	uint64_t hash;
	struct waiting_shard *shard;
	struct lmdb_reader *reader;
	enum cm_store_status status;
};

static bool
changes(const struct store_op *op)
{
	return op->kind != STORE_GET &&
	       !(op->kind == STORE_LIMIT && op->take->step == CM_LIMIT_LOOK);
}

static bool
is_full(const struct lmdb_thread *t)
{
	int64_t growth = atomic_load(&t->growth_fresh) + atomic_load(&t->growth_leaving);

	return atomic_load(&t->octets) + PAGE_SHARE(growth) >
	       atomic_load(&t->max_size) / 4 * FULL_QUARTERS;
}

static enum cm_store_status
say_full(const struct lmdb_engine *e)
{
	static struct log_limit limit = LOG_LIMIT(1, 60 * CLOCK_SEC);

	log_limited(&limit, LOG_LEVEL_WARN, "store %s is full: max_size is too small", e->name);
	return CM_STORE_FULL;
}

/*
 * With the shard's lock. What fits into the old one's place is taken also when there is no room;
 * while changes are stuck for lack of room, nothing but removals.
 */
static enum cm_store_status
keep(const struct step *s, const struct store_entry *old, const struct store_entry *new,
	int64_t *growth)
{
	struct lmdb_thread *t = &s->engine->thread;
	int64_t before = old->data == NULL ? 0 : (int64_t)(s->op->len + old->len);

	*growth = new == NULL ? 0 : (int64_t)(s->op->len + new->len) - before;
	if (new != NULL && (atomic_load(&t->stuck) || (*growth > 0 && is_full(t))))
		return CM_STORE_FULL;
	waiting_put(&t->waiting, s->shard, s->hash, s->op, new);
	return CM_STORE_OK;
}

/* With the shard's lock, which it gives back. */
static void
finish(struct step *s, const struct store_entry *old)
{
	unsigned char scratch[STORE_SCRATCH];
	struct store_entry new = {0};
	enum store_change change;
	enum cm_store_status kept = CM_STORE_OK;
	int64_t growth = 0;

	s->status = store_op_run(s->op, old, &new, scratch, &change);
	/* Who only looks leaves it to the sweep to remove what is over. */
	if (!changes(s->op))
		change = STORE_KEEP;
	if (change == STORE_WRITE)
		kept = keep(s, old, &new, &growth);
	else if (change == STORE_REMOVE && old->data != NULL)
		kept = keep(s, old, NULL, &growth);
	else
		change = STORE_KEEP;
	pthread_mutex_unlock(&s->shard->lock);
	if (kept == CM_STORE_FULL)
		s->status = say_full(s->engine);
	else if (change != STORE_KEEP)
		lmdb_thread_note(&s->engine->thread, growth);
}

/* With the shard's lock. True: it was among those that wait. */
static bool
run_waiting(struct step *s)
{
	const struct waiting_item *i = waiting_find(s->shard, s->hash, s->op->key, s->op->len);
	struct store_entry old = {0};

	if (i == NULL)
		return false;
	if (!i->removed)
		old = (struct store_entry){waiting_value(i), i->len, i->expires};
	finish(s, &old);
	return true;
}

/* With the reader's lock. */
static bool
look(struct lmdb_file *f, MDB_txn *txn, const struct store_op *op, struct store_entry *old)
{
	unsigned char octets[LMDB_KEY_MOST] = {LMDB_ENTRY};
	MDB_val key = {1 + op->len, octets}, value;
	int failure;

	memcpy(octets + 1, op->key, op->len);
	failure = mdb_get(txn, f->dbi, &key, &value);
	if (failure == 0)
		return lmdb_decode(&value, old);
	return failure == MDB_NOTFOUND;
}

/*
 * Looks into the file, without the shard's lock, for that may take a while. What was found holds
 * unless it came to wait meanwhile, or did so and left; then true is: once more.
 */
static bool
run_reading(struct step *s, unsigned left)
{
	struct lmdb_thread *t = &s->engine->thread;
	struct store_entry old = {0};

	if (s->reader->txn == NULL || mdb_txn_renew(s->reader->txn) != 0) {
		s->status = CM_STORE_AWAY;
		return false;
	}
	if (!look(&t->file, s->reader->txn, s->op, &old)) {
		s->status = CM_STORE_AWAY;
		mdb_txn_reset(s->reader->txn);
		return false;
	}
	pthread_mutex_lock(&s->shard->lock);
	bool again = s->shard->left != left;

	if (again)
		pthread_mutex_unlock(&s->shard->lock);
	else if (!run_waiting(s))
		finish(s, &old);
	mdb_txn_reset(s->reader->txn);
	return again;
}

static enum cm_store_status
run_step(struct step *s)
{
	bool again = true;

	while (again) {
		unsigned left;

		pthread_mutex_lock(&s->shard->lock);
		left = s->shard->left;
		if (run_waiting(s))
			break;
		pthread_mutex_unlock(&s->shard->lock);
		pthread_mutex_lock(&s->reader->lock);
		again = run_reading(s, left);
		pthread_mutex_unlock(&s->reader->lock);
	}
	return s->status;
}

enum cm_store_status
lmdb_engine_run(struct lmdb_engine *e, const struct store_op *op, int64_t deadline)
{
	struct step s = {.engine = e, .op = op, .hash = hash_bytes(op->key, op->len)};

	if (changes(op) && !lmdb_thread_may_change(&e->thread, deadline))
		return CM_STORE_AWAY;
	s.shard = waiting_shard_of(&e->thread.waiting, s.hash);
	s.reader = &e->thread.file.readers[s.hash % LMDB_READERS];
	return run_step(&s);
}

bool
lmdb_engine_flush(struct lmdb_engine *e, int64_t deadline)
{
	return lmdb_thread_flush(&e->thread, deadline);
}

/* --- each --- */

/* A walk through the file, a slice in each transaction, which is over before anything is shown. */
struct walk {
	struct lmdb_engine *engine;
	const void *prefix;
	size_t len;
	unsigned char next[LMDB_KEY_MOST + 1]; /* where the next slice begins */
	size_t next_len;
	struct buf slice; /* of copies: struct copy, key, value */
	bool more;
};

struct copy {
	size_t key_len, len;
	int64_t expires;
};

static bool
begins_so(const struct walk *w, const MDB_val *key)
{
	const unsigned char *octets = key->mv_data;

	return key->mv_size >= 1 + w->len && octets[0] == LMDB_ENTRY &&
	       memcmp(octets + 1, w->prefix, w->len) == 0;
}

static void
add_copy(struct walk *w, const MDB_val *key, const struct store_entry *e)
{
	struct copy c = {key->mv_size - 1, e->len, e->expires};

	buf_add(&w->slice, &c, sizeof(c));
	buf_add(&w->slice, (const unsigned char *)key->mv_data + 1, c.key_len);
	buf_add(&w->slice, e->data, e->len);
	/* The first key behind this one has an octet more. */
	memcpy(w->next, key->mv_data, key->mv_size);
	w->next[key->mv_size] = 0;
	w->next_len = key->mv_size + 1;
}

static int
copy_slice(struct walk *w, MDB_cursor *cursor)
{
	MDB_val key = {w->next_len, w->next}, value;
	int failure = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

	while (failure == 0 && w->slice.len < SLICE_OCTETS && begins_so(w, &key)) {
		struct store_entry entry;

		if (key.mv_size <= LMDB_KEY_MOST && lmdb_decode(&value, &entry))
			add_copy(w, &key, &entry);
		failure = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	w->more = failure == 0 && begins_so(w, &key);
	return failure == MDB_NOTFOUND ? 0 : failure;
}

/* Any reader's transaction does. */
static bool
read_slice(struct walk *w)
{
	struct lmdb_file *f = &w->engine->thread.file;
	struct lmdb_reader *r = &f->readers[0];
	MDB_cursor *cursor;
	int failure = EIO;

	buf_clear(&w->slice);
	pthread_mutex_lock(&r->lock);
	if (r->txn != NULL && mdb_txn_renew(r->txn) == 0) {
		failure = mdb_cursor_open(r->txn, f->dbi, &cursor);
		if (failure == 0) {
			failure = copy_slice(w, cursor);
			mdb_cursor_close(cursor);
		}
		mdb_txn_reset(r->txn);
	}
	pthread_mutex_unlock(&r->lock);
	return failure == 0;
}

/* What waits is newer than what was copied. */
static bool
is_now(const struct walk *w, const void *key, struct copy *c, const void **value,
	unsigned char room[STORE_VALUE_MOST])
{
	uint64_t hash = hash_bytes(key, c->key_len);
	struct waiting_shard *shard = waiting_shard_of(&w->engine->thread.waiting, hash);
	const struct waiting_item *i;
	bool removed;

	pthread_mutex_lock(&shard->lock);
	i = waiting_find(shard, hash, key, c->key_len);
	removed = i != NULL && i->removed;
	if (i != NULL && !removed) {
		c->len = i->len;
		c->expires = i->expires;
		memcpy(room, waiting_value(i), i->len);
		*value = room;
	}
	pthread_mutex_unlock(&shard->lock);
	return !removed;
}

static bool
show_slice(const struct walk *w, store_show *show, void *context)
{
	unsigned char *room = mem_alloc(STORE_VALUE_MOST);
	int64_t now = clock_wall_us();
	bool more = true;

	for (size_t at = 0; more && at < w->slice.len;) {
		struct copy c;
		const char *key = w->slice.data + at + sizeof(c);
		const void *value;

		memcpy(&c, w->slice.data + at, sizeof(c));
		value = key + c.key_len;
		at += sizeof(c) + c.key_len + c.len;
		if (!is_now(w, key, &c, &value, room) || (c.expires != 0 && c.expires <= now))
			continue;
		more = show(
			context, key, c.key_len, &(struct store_value){value, c.len, c.expires});
	}
	free(room);
	return more;
}

/* What was changed before is written first: so the file has it all, and each once. */
enum cm_store_status
lmdb_engine_each(
	struct lmdb_engine *e, const void *prefix, size_t len, store_show *show, void *context)
{
	struct walk w = {.engine = e, .prefix = prefix, .len = len, .next = {LMDB_ENTRY}};
	bool good;

	if (len > STORE_KEY_MOST)
		return CM_STORE_OK;
	/* In a store that is full some are not: it must be seen all the same, to make room. */
	if (!lmdb_thread_flush(&e->thread, clock_now() + EACH_US) && !atomic_load(&e->thread.stuck))
		return CM_STORE_AWAY;
	memcpy(w.next + 1, prefix, len);
	w.next_len = 1 + len;
	buf_init(&w.slice, 0);
	do
		good = read_slice(&w);
	while (good && show_slice(&w, show, context) && w.more);
	buf_fini(&w.slice);
	return good ? CM_STORE_OK : CM_STORE_AWAY;
}

/* --- health --- */

void
lmdb_engine_health(struct lmdb_engine *e, struct store_health *h)
{
	struct lmdb_thread *t = &e->thread;

	h->octets = atomic_load(&t->octets);
	h->entries = atomic_load(&t->entries);
	pthread_mutex_lock(&t->lock);
	h->away = atomic_load(&t->away);
	h->away_since = t->away_since;
	h->synced = t->synced;
	memcpy(h->words, t->words, sizeof(h->words));
	pthread_mutex_unlock(&t->lock);
}

/* --- open and close --- */

static struct lmdb_engine *
start(const struct store_config *config, int dir, struct err *err)
{
	struct lmdb_engine *e = mem_zalloc(1, sizeof(*e));

	if (!lmdb_file_open(&e->thread.file, config->path, dir, config->max_size, err)) {
		free(e);
		return NULL;
	}
	e->name = strdup(config->name);
	e->thread.name = e->name;
	atomic_store(&e->thread.max_size, config->max_size);
	atomic_store(&e->thread.sync_us, config->sync_us);
	if (lmdb_thread_start(&e->thread, err)) {
		e->references = 1;
		e->next = list;
		list = e;
		return e;
	}
	lmdb_file_close(&e->thread.file);
	free(e->name);
	free(e);
	return NULL;
}

static struct lmdb_engine *
find(const char *path)
{
	struct lmdb_engine *e = list;
	struct stat st;

	if (stat(path, &st) != 0)
		return NULL;
	while (e != NULL && (e->thread.file.dev != st.st_dev || e->thread.file.ino != st.st_ino))
		e = e->next;
	return e;
}

/* The list stays locked, so that one that ends lets go of its directory before another begins. */
struct lmdb_engine *
lmdb_engine_open(const struct store_config *config, bool make, struct err *err)
{
	struct lmdb_engine *e;
	int dir;

	pthread_mutex_lock(&list_lock);
	e = find(config->path);
	if (e != NULL) {
		e->references++;
		atomic_store(&e->thread.max_size, config->max_size);
		atomic_store(&e->thread.sync_us, config->sync_us);
	} else {
		dir = lmdb_dir_open(config->path, make, err);
		e = dir < 0 ? NULL : start(config, dir, err);
	}
	pthread_mutex_unlock(&list_lock);
	return e;
}

void
lmdb_engine_close(struct lmdb_engine *e)
{
	struct lmdb_engine **at = &list;

	pthread_mutex_lock(&list_lock);
	if (--e->references == 0) {
		while (*at != e)
			at = &(*at)->next;
		*at = e->next;
		lmdb_thread_stop(&e->thread);
		lmdb_file_close(&e->thread.file);
		free(e->name);
		free(e);
	}
	pthread_mutex_unlock(&list_lock);
}
