/* SPDX-License-Identifier: MIT */
/*
 * tally.c - how often each of some names was counted
 */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
tally_init(struct tally *t)
{
	*t = (struct tally){0};
	table_init(&t->index);
}

void
tally_fini(struct tally *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->rows[i]->name);
		free(t->rows[i]);
	}
	free(t->rows);
	table_fini(&t->index);
	*t = (struct tally){0};
}

void
tally_add(struct tally *t, const char *name)
{
	struct tally_row *row = table_get(&t->index, name);

	if (row == NULL) {
		row = mem_zalloc(1, sizeof(*row));
		row->name = strdup(name);
		table_add(&t->index, row->name, row);
		t->rows = mem_grow(t->rows, (t->count + 1) * sizeof(*t->rows));
		t->rows[t->count++] = row;
	}
	row->count++;
}

static int
greatest_first(const void *a, const void *b)
{
	const struct tally_row *x = *(struct tally_row *const *)a;
	const struct tally_row *y = *(struct tally_row *const *)b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

void
tally_sort(struct tally *t)
{
	if (t->count > 1)
		qsort(t->rows, t->count, sizeof(struct tally_row *), greatest_first);
}

size_t
tally_total(const struct tally *t)
{
	size_t total = 0;

	for (size_t i = 0; i < t->count; i++)
		total += t->rows[i]->count;
	return total;
}
