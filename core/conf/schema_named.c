/* SPDX-License-Identifier: MIT */
/*
 * schema_named.c - values that name a section: maps and stores
 */
#include "base/text.h"
#include "schema_field.h"

static bool
not_defined(const struct schema_field *f, const struct conf_value *v,
	const char *const *(*list)(void *, size_t *), const char *define)
{
	const char *const *names = NULL;
	const char *nearest;
	size_t count = 0;

	if (diag_incomplete(f->diag))
		return true;
	diag_error(f->diag, v->pos, NULL, "%s names \"%s\", which is not defined", f->row->name,
		v->text);
	if (list != NULL)
		names = list(f->world->context, &count);
	nearest = text_nearest(v->text, names, count);
	if (nearest != NULL)
		diag_help(f->diag, "did you mean \"%s\"?", nearest);
	else
		diag_help(f->diag, "define it: %s", define);
	return false;
}

bool
schema_read_map(const struct schema_field *f, const struct conf_value *v)
{
	const struct schema_world *w = f->world;
	const struct cm_map *map = w->find_map == NULL ? NULL : w->find_map(w->context, v->text);
	char define[300];

	*(const struct cm_map **)f->out = map;
	if (map != NULL && w->use_map != NULL)
		return w->use_map(w->context, map, f->what, f->row, v->pos);
	snprintf(define, sizeof(define), "map %s { source = ... }", v->text);
	return map != NULL || not_defined(f, v, w->map_names, define);
}

bool
schema_read_store(const struct schema_field *f, const struct conf_value *v)
{
	const struct schema_world *w = f->world;
	const struct cm_store *store =
		w->find_store == NULL ? NULL : w->find_store(w->context, v->text);
	char define[300];

	*(const struct cm_store **)f->out = store;
	snprintf(define, sizeof(define), "store %s { type = lmdb; path = ... }", v->text);
	return store != NULL || not_defined(f, v, w->store_names, define);
}
