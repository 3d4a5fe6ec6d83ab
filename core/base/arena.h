/* SPDX-License-Identifier: MIT */
/*
 * arena.h - memory that ends all at once
 *
 * An arena belongs to one lifetime (daemon, connection, message). What is put in it needs no free.
 * Allocation never returns NULL: without memory the process ends with a message, so budgets are
 * enforced where data enters. Not safe for two threads at once.
 */
#ifndef CORE_BASE_ARENA_H
#define CORE_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_chunk;
struct arena_deferred;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	size_t first_size;	    /* octets of the first chunk, allocated when first needed */
	size_t used;		    /* octets handed out since init or reset */
	struct arena_deferred *deferred; /* latest first */
};

void arena_init(struct arena *, size_t first_size);
/* Frees everything but keeps one chunk of first_size for the next round. */
void arena_reset(struct arena *);
/* Frees everything; the arena can be used again. */
void arena_fini(struct arena *);
/*
 * At the next reset, or at the end, end(thing) is called, the latest first: for what the memory
 * only points to. end must not use the arena.
 */
void arena_defer(struct arena *, void (*end)(void *thing), void *thing);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *, size_t size);
/* count * size, checked for overflow. */
void *arena_array(struct arena *, size_t count, size_t size);
void *arena_memdup(struct arena *, const void *, size_t);
/* strdup(NULL) is NULL. */
char *arena_strdup(struct arena *, const char *);
/* At most len octets, then a NUL. */
char *arena_strndup(struct arena *, const char *, size_t len);
/* The texts one behind the other, up to a NULL; for what is made for every message. */
char *arena_join(struct arena *, const char *first, ...) __attribute__((sentinel));
char *arena_printf(struct arena *, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *
arena_vprintf(struct arena *, const char *format, va_list) __attribute__((format(printf, 2, 0)));

#endif
