/* SPDX-License-Identifier: MIT */
/*
 * generation_stores.c - the stores of filter.conf, and which of them a link uses
 *
 * A link that names none uses the only store there is. Where there is none at all, what it counts
 * is kept in memory and gone with the daemon, which is said.
 */
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "generation_build.h"
#include "service/store.h"

#define MEMORY_NAME "memory"
/* A disk that takes longer hangs. */
#define FLUSH_US    (5 * CLOCK_SEC)
#define MEMORY_SIZE (INT64_C(64) << 20)

/* What each type of store must and may have. */
static const struct {
	const char *setting;
	unsigned types; /* bit per type that takes it */
	unsigned needed;
} rules[] = {
	{"max_size", 1u << STORE_LMDB | 1u << STORE_MEMORY, 0},
	{"password_file", 1u << STORE_REDIS, 0},
	{"path", 1u << STORE_LMDB, 1u << STORE_LMDB},
	{"prefix", 1u << STORE_REDIS, 0},
	{"sentinel", 1u << STORE_REDIS, 0},
	{"servers", 1u << STORE_REDIS, 1u << STORE_REDIS},
	{"sync", 1u << STORE_LMDB, 0},
	{"timeout", 1u << STORE_REDIS, 0},
};

static const char *const type_names[] = {
	[STORE_MEMORY] = "memory", [STORE_LMDB] = "lmdb", [STORE_REDIS] = "redis"};

static bool
fits_type(struct build *b, const struct build_section *s, int type)
{
	bool good = true;

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		const struct conf_setting *setting = conf_find(s->section, rules[i].setting);

		if (setting != NULL && (rules[i].types & 1u << type) == 0) {
			diag_error(b->diag, setting->pos, NULL, "%s: type = %s has no %s", s->what,
				type_names[type], rules[i].setting);
			good = false;
		}
		if (setting == NULL && (rules[i].needed & 1u << type) != 0) {
			diag_error(b->diag, s->section->open_pos, NULL, "%s needs %s", s->what,
				rules[i].setting);
			diag_help(b->diag, "add a line: %s = ...", rules[i].setting);
			good = false;
		}
	}
	return good;
}

/* NULL after a mistake. */
static struct cm_store *
read_store(struct build *b, const struct build_section *s)
{
	struct schema_part part = {.rows = s->kind->rows};
	struct store_config config = {0};
	struct cm_store *store;
	struct err err;

	part.out = &config;
	if (!schema_fill(s->what, s->section, &part, 1, &b->world, b->diag) ||
		!fits_type(b, s, config.type))
		return NULL;
	config.name = s->section->name;
	store = store_open(&config, &err);
	if (store == NULL)
		diag_error(b->diag, s->section->pos, NULL, "%s: %s", s->what, err.text);
	return store;
}

/* In the place of one that could not be opened, so that what names it is not reported too. */
static struct cm_store *
open_memory(const char *name)
{
	struct store_config config = {.name = name, .type = STORE_MEMORY, .max_size = MEMORY_SIZE};
	struct err err;

	return store_open(&config, &err);
}

void
build_stores(struct build *b)
{
	struct generation *g = b->g;

	/* One more for the memory of a configuration without stores. */
	g->stores = arena_array(&g->arena, build_count(b, "store") + 1, sizeof(struct cm_store *));
	for (size_t i = 0; i < b->section_count; i++) {
		const struct build_section *s = &b->sections[i];
		struct cm_store *store;

		if (strcmp(s->kind->name, "store") != 0)
			continue;
		store = read_store(b, s);
		g->stores[g->store_count++] = store != NULL ? store : open_memory(s->section->name);
	}
}

bool
generation_start(struct generation *g, struct err *err)
{
	struct err why;

	for (size_t i = 0; i < g->store_count; i++) {
		if (!store_start(g->stores[i], &why))
			return err_set(
				err, "store %.64s: %.400s", store_name(g->stores[i]), why.text);
	}
	return true;
}

void
generation_flush(struct generation *g)
{
	int64_t deadline = clock_now() + FLUSH_US;

	for (size_t i = 0; i < g->store_count; i++) {
		if (!store_flush(g->stores[i], deadline))
			log_write(LOG_LEVEL_ERROR,
				"store %s: the latest changes could not be written and are lost",
				store_name(g->stores[i]));
	}
}

const struct cm_store *
build_find_store(void *context, const char *name)
{
	const struct build *b = context;

	for (size_t i = 0; i < b->g->store_count; i++) {
		if (strcmp(store_name(b->g->stores[i]), name) == 0)
			return b->g->stores[i];
	}
	return NULL;
}

const char *const *
build_store_names(void *context, size_t *count)
{
	const struct build *b = context;
	const char **names = arena_array(&b->g->arena, b->g->store_count, sizeof(*names));

	*count = b->g->store_count;
	for (size_t i = 0; i < *count; i++)
		names[i] = store_name(b->g->stores[i]);
	return names;
}

/* NULL after a mistake. */
static const struct cm_store *
only_store(struct build *b, const struct build_section *s)
{
	struct generation *g = b->g;

	if (g->store_count > 1) {
		diag_error(b->diag, s->section->open_pos, NULL,
			"%s must say which store it uses, for there are several", s->what);
		diag_help(b->diag, "add a line: store = %s", store_name(g->stores[0]));
		return NULL;
	}
	if (g->store_count == 0) {
		diag_warn(b->diag, s->section->open_pos, NULL,
			"%s: there is no store; what is counted is gone with the next start",
			s->what);
		diag_help(b->diag, "add: store local { type = lmdb; path = /var/lib/chainmail }");
		g->stores[g->store_count++] = open_memory(MEMORY_NAME);
	}
	return g->stores[0];
}

bool
build_give_stores(struct build *b, const struct build_section *s, const struct schema_rows *rows,
	void *config)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct cm_option row = schema_row(rows, i);
		const struct cm_store **at = (void *)((unsigned char *)config + row.offset);

		if (row.type != CM_OPT_STORE || (row.flags & CM_OPT_NO_DEFAULT) != 0 || *at != NULL)
			continue;
		*at = only_store(b, s);
		if (*at == NULL)
			return false;
	}
	return true;
}

void
generation_detach_stores(struct generation *g)
{
	for (size_t i = 0; i < g->store_count; i++)
		store_detach(g->stores[i]);
}
