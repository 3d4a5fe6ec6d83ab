/* SPDX-License-Identifier: MIT */
/*
 * dkim_collect.c - the signatures of a message that are looked at
 */
#include "dkim_collect.h"

#include <string.h>

#include "../lib/taglist.h"

bool
dkim_is_signature(const struct canon_field *f)
{
	size_t len = f->name_len;

	while (len > 0 && taglist_blank(f->name[len - 1]))
		len--;
	return taglist_is(f->name, len, "DKIM-Signature");
}

size_t
dkim_count(const struct canon_field *fields, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += dkim_is_signature(&fields[i]);
	return n;
}

/* The lower, the more useful. */
static unsigned
rank(const struct dkim_signature *s, const char *author)
{
	return dkim_judge_distance(s->job.sig.domain, author) + (dkim_judge_open(s) ? 0 : 3);
}

/* Moves the last one to its place behind those that are as useful. */
static void
settle(struct dkim_collection *c, const char *author)
{
	size_t at = c->count - 1;
	struct dkim_signature moved = c->all[at];

	for (; at > 0 && rank(&c->all[at - 1], author) > rank(&moved, author); at--)
		c->all[at] = c->all[at - 1];
	c->all[at] = moved;
}

void
dkim_collect(struct dkim_collection *c, const struct canon_field *fields, size_t count,
	const char *author, int64_t now, size_t most)
{
	c->count = c->field_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!dkim_is_signature(&fields[i]))
			continue;
		c->field_count++;
		dkim_judge_field(&c->all[c->count++], &fields[i], i, now);
		settle(c, author);
		if (c->count > most)
			c->count = most;
	}
}
