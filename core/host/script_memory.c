/* SPDX-License-Identifier: MIT */
/*
 * script_memory.c - what a Lua state allocates
 *
 * Each block knows whose hook took it, so a rule answers for what it keeps and for nobody else's.
 * Lua frees the memory of its objects without fail, but asks a finalizer to free what belongs to
 * one: the large buffers of its libraries, expressions. Where stack, memory or calls of C are at
 * their end no finalizer can be called, and Lua does not try again. So the state knows its blocks:
 * those that were lost count as the rule's until the state is closed, which frees them.
 */
#include <lua.h>
#include <stdlib.h>

#include "base/mem.h"
#include "script_state.h"

/* Of Lua's struct for one key and its value, the same on all machines. */
#define NODE_SIZE 24u

/* Stands before each block; as strictly aligned as anything of Lua. */
struct script_block {
	struct script_block *next, *previous;
	union {
		size_t owner;
		lua_Integer integer;
		lua_Number number;
		void *pointer;
	};
};

static void
count(struct script_memory *m, struct script_block *b, size_t size)
{
	b->owner = m->owner;
	m->used += size;
	m->taken[b->owner] += size;
}

static void
uncount(struct script_memory *m, const struct script_block *b, size_t size)
{
	m->used -= size;
	m->taken[b->owner] -= size;
}

static void
link_in(struct script_memory *m, struct script_block *b)
{
	b->previous = NULL;
	b->next = m->blocks;
	if (m->blocks != NULL)
		m->blocks->previous = b;
	m->blocks = b;
}

/* Those beside the block point at another instead, which may be where it moved. */
static void
relink(struct script_memory *m, const struct script_block *b, struct script_block *next,
	struct script_block *previous)
{
	if (b->previous == NULL)
		m->blocks = next;
	else
		b->previous->next = next;
	if (b->next != NULL)
		b->next->previous = previous;
}

/*
 * A block for the keys of a table is a power of two of nodes; all that were there before are put
 * into it in one step of Lua, each behind those that meet it, and no hook sees that. Of other
 * blocks few have such a size.
 */
static bool
spreads_too_many(const struct script_memory *m, size_t kind, size_t size)
{
	size_t nodes = size / NODE_SIZE;

	return kind == LUA_TNIL && nodes > m->keys && size % NODE_SIZE == 0 &&
	       (nodes & (nodes - 1)) == 0;
}

static bool
refused(struct script_state *st, bool too_many, size_t more)
{
	struct script_memory *m = &st->memory;

	if (!too_many && m->used <= m->limit && more <= m->limit - m->used)
		return !script_has_time_for(st, more);
	m->too_many = too_many;
	return true;
}

static void *
new_block(struct script_state *st, size_t kind, size_t size)
{
	struct script_memory *m = &st->memory;
	struct script_block *b;

	if (size > SIZE_MAX - sizeof(*b) || refused(st, spreads_too_many(m, kind, size), size))
		return NULL;
	b = malloc(sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	count(m, b, size);
	link_in(m, b);
	return b + 1;
}

/* A block belongs to whose hook changed its size last, for a table made at load grows in hooks. */
static void *
change_block(struct script_state *st, struct script_block *old, size_t old_size, size_t size)
{
	struct script_memory *m = &st->memory;
	struct script_block *b;

	if (size > SIZE_MAX - sizeof(*b))
		return NULL;
	if (size > old_size && refused(st, false, size - old_size))
		return NULL;
	b = realloc(old, sizeof(*b) + size);
	if (b == NULL && size > old_size)
		return NULL;
	if (b == NULL)
		b = old; /* Lua relies on being able to shrink */
	uncount(m, b, old_size);
	count(m, b, size);
	relink(m, b, b, b);
	return b + 1;
}

static void
free_block(struct script_memory *m, struct script_block *b, size_t size)
{
	uncount(m, b, size);
	relink(m, b, b->next, b->previous);
	free(b);
}

/* Without memory Lua collects its garbage and asks once more. */
void *
script_allocate(void *context, void *at, size_t old_size, size_t size)
{
	struct script_state *st = context;
	struct script_block *b = at == NULL ? NULL : (struct script_block *)at - 1;

	if (b == NULL && size == 0)
		return NULL;
	/* Where there is no block yet, Lua says in its size what kind of thing it makes. */
	if (b == NULL)
		return new_block(st, old_size, size);
	if (size > 0)
		return change_block(st, b, old_size, size);
	free_block(&st->memory, b, old_size);
	return NULL;
}

void
script_memory_open(struct script_memory *m, size_t owners)
{
	*m = (struct script_memory){
		.limit = SIZE_MAX,
		.keys = SIZE_MAX,
		.taken = mem_zalloc(owners, sizeof(*m->taken)),
	};
}

void
script_memory_close(struct script_memory *m)
{
	struct script_block *next;

	for (struct script_block *b = m->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(m->taken);
	*m = (struct script_memory){.taken = NULL};
}
