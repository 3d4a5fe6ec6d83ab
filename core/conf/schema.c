/* SPDX-License-Identifier: MIT */
/*
 * schema.c - a tree section and a table of rows become a struct
 *
 * Goes over the settings that are there; what a single value means is in schema_value.c.
 */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

/* Octets of a list of names in a help line. */
#define NAMES_MOST 400u

/* One row of one part, and the setting that used it. */
struct target {
	struct cm_option row;
	void *out;
	const struct conf_setting *setting;
};

struct fill {
	const char *what;
	const struct conf_section *section;
	struct target *targets;
	size_t count;
	const struct schema_world *world;
	struct diag *diag;
};

struct cm_option
schema_row(const struct schema_rows *rows, size_t i)
{
	struct cm_option row = {0};
	size_t size = rows->row_size < sizeof(row) ? rows->row_size : sizeof(row);

	memcpy(&row, (const unsigned char *)rows->rows + i * rows->row_size, size);
	return row;
}

static void
collect_targets(struct fill *f, const struct schema_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		f->count += parts[i].rows.count;
	f->targets = mem_zalloc(f->count, sizeof(*f->targets));
	for (size_t i = 0, n = 0; i < count; i++) {
		for (size_t j = 0; j < parts[i].rows.count; j++, n++) {
			f->targets[n].row = schema_row(&parts[i].rows, j);
			f->targets[n].out = parts[i].out;
		}
	}
}

static struct target *
find_target(const struct fill *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++) {
		if (strcmp(f->targets[i].row.name, name) == 0)
			return &f->targets[i];
	}
	return NULL;
}

/* --- defaults --- */

/* A default is written as in filter.conf, except that text needs no quotes. */
static struct conf_value
default_value(const struct fill *f, const struct cm_option *row)
{
	struct arena *arena = f->world->arena;
	char *name = arena_printf(arena, "default of %s in %s", row->name, f->what);
	size_t len = strlen(row->fallback);
	struct conf_source *source;

	if (row->fallback[0] == '[' || row->fallback[0] == '"') {
		char *line = arena_printf(arena, "%s = %s", row->name, row->fallback);
		struct conf_section *root = conf_parse(arena, name, line, strlen(line), f->diag);

		if (root->settings != NULL)
			return root->settings->value;
	}
	source = arena_alloc(arena, sizeof(*source));
	*source = (struct conf_source){.name = name, .text = row->fallback, .len = len};
	return (struct conf_value){.kind = CONF_WORD,
		.text = row->fallback,
		.pos = {.source = source, .line = 1, .column = 1, .width = (unsigned)len}};
}

static void
fill_defaults(const struct fill *f)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct cm_option *row = &f->targets[i].row;
		struct conf_value value;

		if (row->fallback == NULL || row->renamed_to != NULL)
			continue;
		value = default_value(f, row);
		schema_value(f->what, row, &value, f->targets[i].out, f->world, f->diag);
	}
}

/* --- settings --- */

/* The setting that was meant; near a deprecated name that which replaced it. NULL: none is near. */
static const char *
nearest_name(const struct fill *f, const char *name)
{
	const char **names = mem_alloc(mem_product(f->count, sizeof(*names)));
	const char *nearest;

	for (size_t i = 0; i < f->count; i++)
		names[i] = f->targets[i].row.name;
	nearest = text_nearest(name, names, f->count);
	free(names);
	if (nearest != NULL && find_target(f, nearest)->row.renamed_to != NULL)
		return find_target(f, nearest)->row.renamed_to;
	return nearest;
}

static void
unknown_setting(const struct fill *f, const struct conf_setting *s)
{
	const char *nearest = nearest_name(f, s->name);
	struct buf all;

	diag_error(f->diag, s->pos, NULL, "unknown setting \"%s\" in %s", s->name, f->what);
	if (nearest != NULL) {
		diag_help(f->diag, "did you mean \"%s\"?", nearest);
	} else if (f->count > 0) {
		buf_init(&all, NAMES_MOST);
		for (size_t i = 0; i < f->count; i++) {
			if (f->targets[i].row.renamed_to == NULL)
				buf_printf(&all, " %s", f->targets[i].row.name);
		}
		diag_help(f->diag, "%s has%s%s", f->what, all.data, buf_cut(&all) ? "..." : "");
		buf_fini(&all);
	}
}

/* The row that takes the setting; a deprecated name leads to the one that replaced it. */
static struct target *
setting_target(const struct fill *f, const struct conf_setting *s)
{
	struct target *t = find_target(f, s->name);
	struct target *renamed;

	if (t == NULL || t->row.renamed_to == NULL)
		return t;
	diag_warn(f->diag, s->pos, NULL, "%s in %s is now called %s", s->name, f->what,
		t->row.renamed_to);
	diag_help(f->diag, "write %s; the old name will be gone in a later version",
		t->row.renamed_to);
	renamed = find_target(f, t->row.renamed_to);
	return renamed == NULL ? t : renamed;
}

static void
fill_setting(const struct fill *f, const struct conf_setting *s)
{
	struct target *t = setting_target(f, s);

	if (t == NULL) {
		unknown_setting(f, s);
	} else if (t->setting != NULL) {
		diag_error(f->diag, s->pos, NULL, "%s and %s are the same setting of %s",
			t->setting->name, s->name, f->what);
		diag_help(f->diag, "keep %s", t->row.name);
	} else {
		t->setting = s;
		schema_value(f->what, &t->row, &s->value, t->out, f->world, f->diag);
	}
}

static void
check_required(const struct fill *f)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct target *t = &f->targets[i];

		if ((t->row.flags & CM_OPT_REQUIRED) == 0 || t->setting != NULL)
			continue;
		diag_error(
			f->diag, f->section->open_pos, NULL, "%s needs %s", f->what, t->row.name);
		diag_help(f->diag, "add a line: %s = ...", t->row.name);
	}
}

static void
check_blocks(const struct fill *f, const struct schema_part *parts, size_t count)
{
	for (const struct conf_section *s = f->section->sections; s != NULL; s = s->next) {
		bool known = false;

		for (size_t i = 0; i < count; i++)
			known = known ||
				(parts[i].block != NULL && strcmp(parts[i].block, s->kind) == 0);
		if (known)
			continue;
		diag_error(f->diag, s->pos, NULL, "unknown section \"%s\" in %s", s->kind, f->what);
		for (size_t i = 0; i < count; i++) {
			if (parts[i].block != NULL &&
				text_nearest(s->kind, &parts[i].block, 1) != NULL)
				diag_help(f->diag, "did you mean \"%s\"?", parts[i].block);
		}
	}
}

bool
schema_fill(const char *what, const struct conf_section *section, const struct schema_part *parts,
	size_t count, const struct schema_world *world, struct diag *diag)
{
	struct fill f = {.what = what, .section = section, .world = world, .diag = diag};
	size_t errors = diag_errors(diag);

	collect_targets(&f, parts, count);
	fill_defaults(&f);
	for (const struct conf_setting *s = section->settings; s != NULL; s = s->next)
		fill_setting(&f, s);
	if (!diag_broken(diag)) {
		check_required(&f);
		check_blocks(&f, parts, count);
	}
	free(f.targets);
	return diag_errors(diag) == errors;
}
