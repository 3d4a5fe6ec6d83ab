/* SPDX-License-Identifier: MIT */
/*
 * buf.c - a string that grows up to a limit
 *
 * The limit is checked in one function, room(); everything else only writes what it grants.
 */
#include "buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define FIRST_SIZE 64u

void
buf_init(struct buf *b, size_t limit)
{
	*b = (struct buf){.limit = limit, .size = FIRST_SIZE, .data = mem_alloc(FIRST_SIZE)};
	b->data[0] = '\0';
}

void
buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->cut = false;
	b->data[0] = '\0';
}

static void
grow(struct buf *b, size_t size)
{
	b->data = mem_grow(b->data, size);
	b->size = size;
}

/* How many of wanted octets may be added; there is space for them and a NUL. */
static size_t
room(struct buf *b, size_t wanted)
{
	size_t needed;

	if (b->limit != 0 && wanted > b->limit - b->len) {
		wanted = b->limit - b->len;
		b->cut = true;
	}
	needed = mem_sum(mem_sum(b->len, wanted), 1);
	if (needed > b->size)
		grow(b, needed > 2 * b->size ? needed : 2 * b->size);
	return wanted;
}

void
buf_reserve(struct buf *b, size_t len)
{
	size_t needed = mem_sum(mem_sum(b->len, len), 1);

	if (needed > b->size)
		grow(b, needed);
}

void
buf_add(struct buf *b, const void *data, size_t len)
{
	size_t n = room(b, len);

	if (n > 0)
		memcpy(b->data + b->len, data, n);
	b->len += n;
	b->data[b->len] = '\0';
}

char *
buf_extend(struct buf *b, size_t len)
{
	assert(b->limit == 0);
	room(b, len);
	b->len += len;
	b->data[b->len] = '\0';
	return b->data + b->len - len;
}

void
buf_add_char(struct buf *b, char c)
{
	if (room(b, 1) == 0)
		return;
	b->data[b->len++] = c;
	b->data[b->len] = '\0';
}

void
buf_add_str(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void
buf_vprintf(struct buf *b, const char *format, va_list args)
{
	va_list again;
	int len;
	size_t n;

	va_copy(again, args);
	len = vsnprintf(b->data + b->len, b->size - b->len, format, args);
	if (len > 0) {
		bool fits = (size_t)len < b->size - b->len;

		n = room(b, (size_t)len);
		if (!fits)
			vsnprintf(b->data + b->len, n + 1, format, again);
		b->len += n;
	}
	b->data[b->len] = '\0';
	va_end(again);
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(b, format, args);
	va_end(args);
}

bool
buf_cut(const struct buf *b)
{
	return b->cut;
}
