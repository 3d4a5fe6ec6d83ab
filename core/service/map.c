/* SPDX-License-Identifier: MIT */
/*
 * map.c - named maps that follow their files
 *
 * Readers take the current table by reference and let it go; whoever finds that the file is due for
 * a look takes it, reads without a lock held, and puts the new table in place of the old. A file
 * with mistakes, or that may still be written, changes nothing.
 */
#include "map.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/account.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "map_file.h"
#include "map_table.h"

#define POSTMAP_PREFIX "postmap:"
/* Looks at a file that is being written, at start, before it is taken as it is. */
#define MOVING_TRIES	20
#define MOVING_PAUSE_MS 10
/* A file that was written to within this time may not be complete. */
#define REST_US	   CLOCK_SEC
#define UNREST_MAX 60 /* looks in a row that saw it change; then it is read all the same */

/* What changes while the daemon runs. */
struct live {
	pthread_mutex_t lock; /* protects table, its references, looking */
	struct map_table *table;
	bool looking;		   /* somebody looks at the file now: the stamp is theirs */
	struct map_stamp stamp;	   /* of the latest version that was read or refused */
	struct map_stamp fresh;	   /* of one that may still be written: seen at the latest look */
	unsigned unrest;	   /* looks that saw it written */
	_Atomic int64_t next_look; /* clock_now(); read without the lock, to be cheap */
};

struct cm_map {
	struct arena arena;
	const char *name;
	const char *path; /* NULL: entries of filter.conf, which never change */
	enum map_match match;
	int64_t reload_us;
	const struct map_check *checks; /* complete before the map is used */
	struct live *live;
};

static struct map_table *
hold(struct live *live)
{
	struct map_table *t;

	pthread_mutex_lock(&live->lock);
	t = live->table;
	t->references++;
	pthread_mutex_unlock(&live->lock);
	return t;
}

static void
drop(struct live *live, struct map_table *t)
{
	bool last;

	pthread_mutex_lock(&live->lock);
	last = --t->references == 0;
	pthread_mutex_unlock(&live->lock);
	if (last)
		map_table_free(t);
}

/* The map's own reference goes over to the new table. */
static void
replace(struct live *live, struct map_table *t)
{
	struct map_table *old;

	t->references = 1;
	pthread_mutex_lock(&live->lock);
	old = live->table;
	live->table = t;
	pthread_mutex_unlock(&live->lock);
	if (old != NULL)
		drop(live, old);
}

static struct map_table *
parse(const struct cm_map *map, const char *text, size_t len, struct map_report *report)
{
	struct map_table *t = map_table_new(map->match);

	map_table_text(t, text, len, report);
	if (map_table_finish(t, report)) {
		map_table_check(t, map->checks, report);
		if (report->errors == 0)
			return t;
	}
	map_table_free(t);
	return NULL;
}

static void
say_mistake(const struct cm_map *map, const char *words)
{
	log_write(LOG_LEVEL_WARN, "map %s: %s; the old content stays", map->name, words);
}

static void
say_ignored(const struct cm_map *map, const struct map_report *report)
{
	if (report->warnings == 1)
		log_write(LOG_LEVEL_WARN, "map %s: %s", map->name, report->first.text);
	else if (report->warnings > 1)
		log_write(LOG_LEVEL_WARN, "map %s: %s (and %u more)", map->name, report->first.text,
			report->warnings - 1);
}

/*
 * A newer file without entries, or with more lines that mean nothing than the one before, is more
 * likely broken than meant, and mail that was refused would pass.
 */
static bool
may_replace(const struct cm_map *map, const struct map_table *t, struct map_report *report)
{
	const struct map_table *old = map->live->table; /* only who looks replaces it */

	if (t->count == 0 && old->count > 0 && report->first.text[0] == '\0')
		err_set(&report->first, "%s: has no entries any more", map->path);
	return t->senseless <= old->senseless && (t->count > 0 || old->count == 0);
}

/* The file is another one: reads it. The stamp is remembered so that a mistake is said once. */
static void
read_again(const struct cm_map *map)
{
	struct map_report report = {.file = map->path};
	struct map_stamp stamp;
	struct map_table *t;
	struct err err;
	char *text;
	size_t len;

	switch (map_file_read(map->path, &text, &len, &stamp, &err)) {
	case MAP_FILE_MOVING:
		return;
	case MAP_FILE_FAILED:
		map->live->stamp = stamp;
		say_mistake(map, err.text);
		return;
	case MAP_FILE_READ:
		break;
	}
	map->live->stamp = stamp;
	t = parse(map, text, len, &report);
	free(text);
	if (t == NULL || !may_replace(map, t, &report)) {
		say_mistake(map, report.first.text);
		map_table_free(t);
		return;
	}
	say_ignored(map, &report);
	log_write(LOG_LEVEL_DEBUG, "map %s: %s read again, %zu entries", map->name, map->path,
		t->count);
	replace(map->live, t);
}

/* One caller per reload time gets true and must call look_end(). */
static bool
look_begin(const struct cm_map *map)
{
	struct live *live = map->live;
	int64_t now = clock_now();
	bool mine;

	if (map->path == NULL || now < atomic_load(&live->next_look))
		return false;
	pthread_mutex_lock(&live->lock);
	mine = !live->looking && now >= atomic_load(&live->next_look);
	if (mine) {
		live->looking = true;
		atomic_store(&live->next_look, now + map->reload_us);
	}
	pthread_mutex_unlock(&live->lock);
	return mine;
}

static void
look_end(struct live *live)
{
	pthread_mutex_lock(&live->lock);
	live->looking = false;
	pthread_mutex_unlock(&live->lock);
}

/*
 * A writer that empties the file and fills it again must not be caught between: what is not yet
 * old must look the same twice, REST_US apart. Clocks of file servers differ, so a time in the
 * future is no proof of age.
 */
static bool
at_rest(struct live *live, const struct map_stamp *now)
{
	int64_t age_us = clock_wall() * CLOCK_SEC - now->modified_ns / 1000;
	bool same = map_stamp_same(now, &live->fresh);

	live->fresh = *now;
	if (!same && now->error == 0 && age_us <= 2 * REST_US && ++live->unrest < UNREST_MAX)
		return false;
	live->unrest = 0;
	return true;
}

static void
look(const struct cm_map *map)
{
	struct live *live = map->live;
	struct map_stamp now;

	if (!look_begin(map))
		return;
	now = map_file_stamp(map->path);
	if (!map_stamp_same(&now, &live->stamp)) {
		if (at_rest(live, &now))
			read_again(map);
		else
			atomic_store(&live->next_look, clock_now() + REST_US);
	}
	look_end(live);
}

static void
say_unreadable(
	const struct map_config *config, const char *path, const struct err *err, struct diag *diag)
{
	struct denial denial;

	if (!account_denied(path, &denial)) {
		diag_error(diag, config->pos, NULL, "map %s: %s", config->name, err->text);
		return;
	}
	diag_error(diag, config->pos, NULL, "map %s: %s (as user %s)", config->name, err->text,
		denial.user);
	diag_help(diag, "%s", denial.help.text);
}

/* At start nothing old could stay: waits for a file that is being written right now. */
static enum map_file_result
read_first(struct cm_map *map, char **text, size_t *len, struct err *err)
{
	const struct timespec pause = {.tv_nsec = MOVING_PAUSE_MS * 1000000L};
	enum map_file_result result = MAP_FILE_MOVING;

	for (int i = 0; i < MOVING_TRIES && result == MAP_FILE_MOVING; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		result = map_file_read(map->path, text, len, &map->live->stamp, err);
	}
	if (result == MAP_FILE_MOVING)
		err_set(err, "%s: is being written all the time", map->path);
	return result;
}

static struct map_table *
open_file(struct cm_map *map, const struct map_config *config, struct diag *diag)
{
	struct map_report report = {.diag = diag, .file = map->path};
	struct map_table *t;
	struct err err;
	char *text;
	size_t len;

	if (read_first(map, &text, &len, &err) != MAP_FILE_READ) {
		say_unreadable(config, map->path, &err, diag);
		return NULL;
	}
	t = parse(map, text, len, &report);
	free(text);
	return t;
}

/* Mistakes are named by the number of the entry in the list. */
static const char *
source_name(struct cm_map *map)
{
	return map->path != NULL ? map->path
				 : arena_printf(&map->arena, "entries of map %s", map->name);
}

static struct map_table *
open_entries(struct cm_map *map, const struct map_config *config, struct diag *diag)
{
	struct map_table *t = map_table_new(config->match);
	struct map_report report = {.diag = diag, .file = source_name(map)};

	for (size_t i = 0; i < config->entries.count; i++) {
		const char *entry = config->entries.items[i];

		map_table_line(t, entry, strlen(entry), (unsigned)i + 1, &report);
	}
	if (map_table_finish(t, &report))
		return t;
	map_table_free(t);
	return NULL;
}

static const char *
path_of(const char *source)
{
	size_t len = strlen(POSTMAP_PREFIX);

	if (source == NULL)
		return NULL;
	return strncmp(source, POSTMAP_PREFIX, len) == 0 ? source + len : source;
}

struct cm_map *
map_open(const struct map_config *config, struct diag *diag)
{
	const char *path = path_of(config->source);
	struct cm_map *map = mem_zalloc(1, sizeof(*map));

	arena_init(&map->arena, 256);
	map->name = arena_strdup(&map->arena, config->name);
	map->path = arena_strdup(&map->arena, path);
	map->match = config->match;
	map->reload_us = config->reload_us;
	map->live = mem_zalloc(1, sizeof(*map->live));
	pthread_mutex_init(&map->live->lock, NULL);
	atomic_init(&map->live->next_look, clock_now() + map->reload_us);
	map->live->table =
		path == NULL ? open_entries(map, config, diag) : open_file(map, config, diag);
	if (map->live->table == NULL) {
		map_close(map);
		return NULL;
	}
	map->live->table->references = 1;
	return map;
}

void
map_close(struct cm_map *map)
{
	if (map == NULL)
		return;
	map_table_free(map->live->table);
	pthread_mutex_destroy(&map->live->lock);
	free(map->live);
	arena_fini(&map->arena);
	free(map);
}

const char *
map_name(const struct cm_map *map)
{
	return map->name;
}

enum map_match
map_match(const struct cm_map *map)
{
	return map->match;
}

bool
map_require(struct cm_map *map, const char *who,
	bool (*check)(const char *text, char *why, size_t why_size), struct diag *diag)
{
	struct map_report report = {.diag = diag, .file = source_name(map)};
	struct map_check *new;

	for (const struct map_check *c = map->checks; c != NULL; c = c->next) {
		if (c->check == check)
			return true;
	}
	new = arena_alloc(&map->arena, sizeof(*new));
	*new = (struct map_check){.who = arena_strdup(&map->arena, who), .check = check};
	map_table_check(map->live->table, new, &report);
	new->next = map->checks;
	map->checks = new;
	return report.errors == 0;
}

size_t
map_count(struct cm_map *map)
{
	struct map_table *t;
	size_t count;

	look(map);
	t = hold(map->live);
	count = t->count;
	drop(map->live, t);
	return count;
}

enum cm_known
map_get(const struct cm_map *map, const char *key, struct arena *arena, const char **value)
{
	struct map_table *t;
	const char *found;

	look(map);
	t = hold(map->live);
	found = map_table_find(t, key);
	*value = arena_strdup(arena, found);
	drop(map->live, t);
	return found == NULL ? CM_NONE : CM_KNOWN;
}
