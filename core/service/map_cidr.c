/* SPDX-License-Identifier: MIT */
/*
 * map_cidr.c - networks of a map: the first line that holds, in any number of lines
 *
 * Blocks are sorted once; a question is one binary search per prefix length that occurs, and the
 * earliest line among the finds wins, as in cidr_table(5).
 */
#include "map_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void
mask(struct net_addr *addr, unsigned bits)
{
	for (unsigned i = 0; i < sizeof(addr->octets); i++) {
		unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

		if (kept < 8)
			addr->octets[i] &= (unsigned char)(0xff00u >> kept);
	}
}

/* Same family, length and octets. */
static int
compare_block(const void *a, const void *b)
{
	const struct net_block *x = a, *y = b;

	if (x->addr.family != y->addr.family)
		return x->addr.family < y->addr.family ? -1 : 1;
	if (x->bits != y->bits)
		return x->bits < y->bits ? -1 : 1;
	return memcmp(x->addr.octets, y->addr.octets, sizeof(x->addr.octets));
}

static int
compare_item(const void *a, const void *b)
{
	const struct map_block *x = a, *y = b;
	int order = compare_block(&x->block, &y->block);

	if (order != 0)
		return order;
	return x->line < y->line ? -1 : x->line > y->line;
}

static int
compare_key(const void *key, const void *item)
{
	return compare_block(key, &((const struct map_block *)item)->block);
}

void
map_blocks_add(struct map_table *t, const struct map_entry *e, struct map_report *report)
{
	struct map_blocks *b = &t->blocks;
	struct map_block item = {.value = e->value, .line = e->line};

	if (!net_block_parse(&item.block, e->key)) {
		map_error(report, e->line,
			"\"%s\" is not an address or network (a network has no bits set behind its "
			"prefix)",
			e->key);
		return;
	}
	if (b->count == b->room) {
		b->room = b->room == 0 ? 64 : mem_product(b->room, 2);
		b->items = mem_grow(b->items, mem_product(b->room, sizeof(*b->items)));
	}
	b->items[b->count++] = item;
}

/* Drops later lines of the same network and notes the lengths that are left. */
void
map_blocks_finish(struct map_table *t, struct map_report *report)
{
	struct map_blocks *b = &t->blocks;
	size_t kept = 0;

	if (b->count > 0)
		qsort(b->items, b->count, sizeof(*b->items), compare_item);
	for (size_t i = 0; i < b->count; i++) {
		const struct map_block *item = &b->items[i];

		if (kept > 0 && compare_block(&b->items[kept - 1].block, &item->block) == 0) {
			map_warn(report, item->line,
				"the same network stands in line %u; line ignored",
				b->items[kept - 1].line);
			continue;
		}
		b->items[kept++] = *item;
		if (memchr(b->lengths, (int)item->block.bits, b->length_count) == NULL)
			b->lengths[b->length_count++] = (unsigned char)item->block.bits;
	}
	t->count = b->count = kept;
}

const char *
map_blocks_find(const struct map_blocks *b, const char *key)
{
	const struct map_block *best = NULL;
	struct net_addr addr;

	if (b->count == 0 || !net_parse(&addr, key))
		return NULL;
	for (size_t i = 0; i < b->length_count; i++) {
		struct net_block wanted = {.addr = addr, .bits = b->lengths[i]};
		const struct map_block *found;

		mask(&wanted.addr, wanted.bits);
		found = bsearch(&wanted, b->items, b->count, sizeof(*b->items), compare_key);
		if (found != NULL && (best == NULL || found->line < best->line))
			best = found;
	}
	return best == NULL ? NULL : best->value;
}
