/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign_keys.c - the keys that a signing table names, each read once
 *
 * Ten thousand domains may sign with the key of their host, so what was read is found in a tree.
 */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dkim_sign_table.h"

struct loaded {
	const char *domain, *selector;
	struct dkim_private *key;
};

static int
compare(const void *left, const void *right)
{
	const struct loaded *a = left, *b = right;
	int order = strcmp(a->domain, b->domain);

	return order != 0 ? order : strcmp(a->selector, b->selector);
}

static void
drop(void *node)
{
	struct loaded *e = node;

	dkim_private_free(e->key);
	free(e);
}

/* NULL: why says why. */
static const struct dkim_private *
load(struct dkim_sign_table *t, const struct dkim_private_name *name, char *why, size_t why_size)
{
	struct loaded *e = calloc(1, sizeof(*e));
	struct loaded **place;

	if (e == NULL)
		return NULL;
	*e = (struct loaded){.domain = name->domain, .selector = name->selector};
	place = tsearch(e, &t->keys, compare);
	if (place == NULL || *place != e) {
		free(e);
		return place == NULL ? NULL : (*place)->key;
	}
	e->key = dkim_private_load(name, why, why_size);
	return e->key;
}

/* Nobody could tell which of the two signs. */
static bool
check_dates(const struct dkim_sign_row *row, size_t i, char *why, size_t why_size)
{
	const struct dkim_selector *s = &row->selectors[i];

	for (size_t other = 0; other < i; other++) {
		const struct dkim_selector *o = &row->selectors[other];

		if (o->key->type != s->key->type || o->from != s->from)
			continue;
		snprintf(why, why_size,
			"line %u: the keys of %.64s and %.64s are of one type and would begin at "
			"the same time; give the newer one a date: %.64s@2026-12-31",
			row->line, o->name, s->name, s->name);
		return false;
	}
	return true;
}

bool
dkim_sign_table_load(struct dkim_sign_table *t, const char *dir, char *why, size_t why_size)
{
	snprintf(why, why_size, "no memory");
	for (size_t i = 0; i < t->count; i++) {
		struct dkim_sign_row *row = &t->rows[i];

		for (size_t n = 0; n < row->selector_count; n++) {
			struct dkim_selector *s = &row->selectors[n];
			const struct dkim_private_name name = {dir, row->domain, s->name};

			s->key = load(t, &name, why, why_size);
			if (s->key == NULL || !check_dates(row, n, why, why_size))
				return false;
		}
	}
	return true;
}

void
dkim_sign_table_fini(struct dkim_sign_table *t)
{
	tdestroy(t->keys, drop);
	free(t->selectors);
	free(t->rows);
	free(t->text);
	*t = (struct dkim_sign_table){0};
}
