/* SPDX-License-Identifier: MIT */
/*
 * arena.c - memory that ends all at once
 *
 * Chunks are filled from their start; what does not fit opens a new one. The chunk of first_size is
 * kept over a reset, so that a connection's usual message costs no malloc.
 */
#include "arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Chunks grow by doubling up to this many octets; a bigger request has a chunk of its own. */
#define CHUNK_MOST 65536u

struct arena_chunk {
	struct arena_chunk *next; /* older */
	size_t size;		  /* octets of data */
	size_t used;
	alignas(max_align_t) unsigned char data[];
};

struct arena_deferred {
	struct arena_deferred *next; /* earlier */
	void (*end)(void *);
	void *thing;
};

static size_t
round_up(size_t size)
{
	size_t align = alignof(max_align_t);

	/* Empty things get an address of their own. */
	return size == 0 ? align : mem_sum(size, align - 1) & ~(align - 1);
}

static size_t
next_size(const struct arena *a)
{
	size_t size;

	if (a->chunks == NULL)
		return a->first_size;
	size = a->chunks->size;
	return size < CHUNK_MOST ? 2 * size : a->first_size;
}

static struct arena_chunk *
add_chunk(struct arena *a, size_t wanted)
{
	size_t size = next_size(a);
	struct arena_chunk *c;

	if (size < wanted)
		size = wanted;
	c = mem_alloc(mem_sum(sizeof(*c), size));
	c->size = size;
	c->used = 0;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

void
arena_init(struct arena *a, size_t first_size)
{
	*a = (struct arena){.first_size = round_up(first_size)};
}

static void
run_deferred(struct arena *a)
{
	for (struct arena_deferred *d = a->deferred; d != NULL; d = d->next)
		d->end(d->thing);
	a->deferred = NULL;
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk *kept = NULL;

	run_deferred(a);

	for (struct arena_chunk *c = a->chunks, *next; c != NULL; c = next) {
		next = c->next;
		if (kept == NULL && c->size == a->first_size)
			kept = c;
		else
			free(c);
	}
	if (kept != NULL) {
		kept->next = NULL;
		kept->used = 0;
	}
	a->chunks = kept;
	a->used = 0;
}

void
arena_fini(struct arena *a)
{
	run_deferred(a);
	for (struct arena_chunk *c = a->chunks, *next; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	a->chunks = NULL;
	a->used = 0;
}

static void *
take(struct arena *a, size_t size)
{
	size_t rounded = round_up(size);
	struct arena_chunk *c = a->chunks;
	void *p;

	if (c == NULL || c->size - c->used < rounded)
		c = add_chunk(a, rounded);
	p = c->data + c->used;
	c->used += rounded;
	a->used += rounded;
	return p;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	return memset(take(a, size), 0, size);
}

void
arena_defer(struct arena *a, void (*end)(void *), void *thing)
{
	struct arena_deferred *d = take(a, sizeof(*d));

	*d = (struct arena_deferred){a->deferred, end, thing};
	a->deferred = d;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	return arena_alloc(a, mem_product(count, size));
}

void *
arena_memdup(struct arena *a, const void *data, size_t size)
{
	void *p = take(a, size);

	if (size > 0)
		memcpy(p, data, size);
	return p;
}

char *
arena_strdup(struct arena *a, const char *text)
{
	return text == NULL ? NULL : arena_memdup(a, text, strlen(text) + 1);
}

char *
arena_strndup(struct arena *a, const char *text, size_t len)
{
	size_t n = strnlen(text, len);
	char *p = take(a, mem_sum(n, 1));

	memcpy(p, text, n);
	p[n] = '\0';
	return p;
}

char *
arena_join(struct arena *a, const char *first, ...)
{
	size_t len = 0, part;
	va_list args, again;
	char *p, *at;

	va_start(args, first);
	va_copy(again, args);
	for (const char *text = first; text != NULL; text = va_arg(args, const char *))
		len = mem_sum(len, strlen(text));
	va_end(args);
	p = at = take(a, mem_sum(len, 1));
	for (const char *text = first; text != NULL; text = va_arg(again, const char *)) {
		part = strlen(text);
		memcpy(at, text, part);
		at += part;
	}
	*at = '\0';
	va_end(again);
	return p;
}

char *
arena_vprintf(struct arena *a, const char *format, va_list args)
{
	va_list again;
	char *p;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	p = take(a, len < 0 ? 1 : (size_t)len + 1);
	p[0] = '\0';
	if (len >= 0)
		vsnprintf(p, (size_t)len + 1, format, again);
	va_end(again);
	return p;
}

char *
arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	char *p;

	va_start(args, format);
	p = arena_vprintf(a, format, args);
	va_end(args);
	return p;
}
