/* SPDX-License-Identifier: MIT */
/*
 * later.c - answers that wait for their time, the next one first
 */
#include "later.h"

#include <stdlib.h>
#include <string.h>

/* A heap: no answer is due before the one at half its place. Places count from 1. */
static struct {
	struct later **items;
	size_t count, room;
} heap;

static void
swap(size_t a, size_t b)
{
	struct later *kept = heap.items[a];

	heap.items[a] = heap.items[b];
	heap.items[b] = kept;
}

static bool
before(size_t a, size_t b)
{
	return heap.items[a]->at < heap.items[b]->at;
}

void
later_add(int64_t at, const struct asker *asker, const void *octets, size_t len)
{
	struct later *l = malloc(sizeof *l + len);

	if (heap.count + 1 >= heap.room) {
		heap.room = heap.room ? heap.room * 2 : 1024;
		heap.items = realloc(heap.items, heap.room * sizeof *heap.items);
	}
	if (!l || !heap.items)
		abort();
	l->at = at;
	l->asker = *asker;
	l->len = len;
	memcpy(l->octets, octets, len);
	heap.items[++heap.count] = l;
	for (size_t i = heap.count; i > 1 && before(i, i / 2); i /= 2)
		swap(i, i / 2);
}

int
later_wait(int64_t now)
{
	if (heap.count == 0)
		return -1;
	return heap.items[1]->at > now ? (int)(heap.items[1]->at - now) : 0;
}

struct later *
later_take(int64_t now)
{
	if (later_wait(now) != 0)
		return NULL;
	struct later *l = heap.items[1];

	heap.items[1] = heap.items[heap.count--];
	for (size_t i = 1; 2 * i <= heap.count;) {
		size_t child = 2 * i;

		if (child < heap.count && before(child + 1, child))
			child++;
		if (!before(child, i))
			break;
		swap(i, child);
		i = child;
	}
	return l;
}
