/* SPDX-License-Identifier: MIT */
/*
 * load_times.c - how long messages took, and what part of them took how long
 */
#include "load_times.h"

#include <stdlib.h>

#define ROOM 1024u

void
times_add(struct times *t, double ms)
{
	if (t->count == t->room) {
		t->room = t->room > 0 ? t->room * 2 : ROOM;
		t->ms = realloc(t->ms, t->room * sizeof *t->ms);
		if (!t->ms)
			abort();
	}
	t->ms[t->count++] = ms;
}

void
times_add_all(struct times *t, const struct times *others)
{
	for (size_t i = 0; i < others->count; i++)
		times_add(t, others->ms[i]);
}

static int
by_size(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

double
times_percentile(struct times *t, unsigned percent)
{
	if (t->count == 0)
		return 0;
	qsort(t->ms, t->count, sizeof *t->ms, by_size);
	return t->ms[(t->count - 1) * percent / 100];
}

void
times_fini(struct times *t)
{
	free(t->ms);
}
