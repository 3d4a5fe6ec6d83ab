/* SPDX-License-Identifier: MIT */
/*
 * generation_maps.c - the maps of filter.conf
 *
 * A map that cannot be opened leaves an empty one of its name, so that what names it is not
 * reported too; the generation is thrown away in any case.
 */
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "generation_build.h"
#include "service/map.h"

#define POSTMAP "postmap:"

/* Tables of Postfix that are not text; their source is. */
static const char *const compiled[] = {"btree", "cdb", "dbm", "hash", "lmdb", "sdbm"};

/* The kind of table in front of a file name: "hash" of "hash:/etc/x". 0: none. */
static size_t
prefix_length(const char *source)
{
	size_t len = strspn(source, "abcdefghijklmnopqrstuvwxyz0123456789");

	return source[len] == ':' ? len : 0;
}

static bool
is_compiled(const char *source, size_t len)
{
	for (size_t i = 0; i < sizeof(compiled) / sizeof(*compiled); i++) {
		if (strlen(compiled[i]) == len && memcmp(compiled[i], source, len) == 0)
			return true;
	}
	return false;
}

static bool
source_known(struct build *b, const struct build_section *s, const struct conf_value *source)
{
	size_t len = prefix_length(source->text);

	if (len == 0 || strncmp(source->text, POSTMAP, strlen(POSTMAP)) == 0)
		return true;
	diag_error(b->diag, source->pos, NULL, "%s: there are no maps of type \"%.*s\"", s->what,
		(int)len, source->text);
	if (is_compiled(source->text, len))
		diag_help(b->diag, "name the text file that postmap reads: " POSTMAP "%s",
			source->text + len + 1);
	else
		diag_help(b->diag, "write " POSTMAP "FILE or FILE, a text file");
	return false;
}

static const char *
resolve_source(struct build *b, const char *source)
{
	size_t len = prefix_length(source);
	const char *path = len == 0 ? source : source + len + 1;

	if (path[0] == '/')
		return path;
	return arena_printf(&b->g->arena, "%s/%s", b->world.base_dir, path);
}

/* One of source and entries, and no more. */
static bool
has_content(struct build *b, const struct build_section *s, const struct map_settings *set)
{
	const struct conf_setting *entries = conf_find(s->section, "entries");

	if (set->source != NULL && entries != NULL) {
		diag_error(b->diag, entries->pos, NULL, "%s has source and entries", s->what);
		diag_help(b->diag, "keep one of them");
		return false;
	}
	if (set->source != NULL || entries != NULL)
		return true;
	if (!diag_broken(b->diag)) {
		diag_error(
			b->diag, s->section->open_pos, NULL, "%s needs source or entries", s->what);
		diag_help(b->diag, "add a line: source = postmap:FILE");
	}
	return false;
}

/* NULL after a mistake. */
static struct cm_map *
read_map(struct build *b, const struct build_section *s)
{
	struct schema_part part = {.rows = s->kind->rows};
	struct map_config config = {.name = s->section->name};
	struct map_settings set = {0};
	const struct conf_setting *source;

	part.out = &set;
	if (!schema_fill(s->what, s->section, &part, 1, &b->world, b->diag) ||
		!has_content(b, s, &set))
		return NULL;
	config.match = (enum map_match)set.match;
	config.reload_us = set.reload_us;
	config.entries = set.entries;
	source = conf_find(s->section, "source");
	if (source != NULL) {
		if (!source_known(b, s, &source->value))
			return NULL;
		config.pos = source->value.pos;
		config.source = resolve_source(b, set.source);
	}
	return map_open(&config, b->diag);
}

static struct cm_map *
empty_map(struct build *b, const char *name)
{
	return map_open(&(struct map_config){.name = name}, b->diag);
}

void
build_maps(struct build *b)
{
	struct generation *g = b->g;

	g->maps = arena_array(&g->arena, build_count(b, "map"), sizeof(struct cm_map *));
	for (size_t i = 0; i < b->section_count; i++) {
		const struct build_section *s = &b->sections[i];
		struct cm_map *map;

		if (strcmp(s->kind->name, "map") != 0)
			continue;
		map = read_map(b, s);
		g->maps[g->map_count++] = map != NULL ? map : empty_map(b, s->section->name);
	}
	g->chain.maps = g->maps;
	g->chain.map_count = g->map_count;
}
