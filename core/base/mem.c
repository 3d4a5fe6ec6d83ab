/* SPDX-License-Identifier: MIT */
/*
 * mem.c - memory or the end
 *
 * The one place that decides what happens when memory is short: a message and abort(), so that a
 * supervisor sees a crash and starts the daemon again.
 */
#include "mem.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* By default glibc has eight heaps for each core. Threads that run at once are as many as cores. */
#define HEAPS 2
#define LARGE (128 << 10)

void
mem_tune(void)
{
	(void)mallopt(M_ARENA_MAX, HEAPS);
	/* Said once, it stays; else it grows with the largest piece that was freed. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
}

void
mem_give_back(void)
{
	(void)malloc_trim(0);
}

static _Noreturn void
out_of_memory(void)
{
	static const char words[] = "chainmail: out of memory\n";
	ssize_t written = write(STDERR_FILENO, words, sizeof(words) - 1);

	(void)written;
	abort();
}

void *
mem_alloc(size_t size)
{
	void *p = malloc(size == 0 ? 1 : size);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
mem_zalloc(size_t count, size_t size)
{
	void *p = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
mem_grow(void *old, size_t size)
{
	void *p = realloc(old, size == 0 ? 1 : size);

	if (p == NULL)
		out_of_memory();
	return p;
}

size_t
mem_sum(size_t a, size_t b)
{
	if (a > SIZE_MAX - b)
		out_of_memory();
	return a + b;
}

size_t
mem_product(size_t a, size_t b)
{
	if (b != 0 && a > SIZE_MAX / b)
		out_of_memory();
	return a * b;
}
