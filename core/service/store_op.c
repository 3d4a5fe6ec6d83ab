/* SPDX-License-Identifier: MIT */
/*
 * store_op.c - what an operation makes of an entry
 *
 * Pure functions: entry in, entry out.
 */
#include "store_op.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "limit.h"
#include "store_set.h"

/* What one operation works on. */
struct work {
	const struct store_op *op;
	const struct store_entry *old; /* NULL data: none, or its time is over */
	struct store_entry *new;
	unsigned char *scratch;
};

static int64_t
ends(const struct work *w)
{
	int64_t end;

	if (w->op->ttl == 0)
		return 0;
	return __builtin_add_overflow(w->op->now, w->op->ttl, &end) ? INT64_MAX : end;
}

static enum store_change
get(const struct work *w)
{
	struct store_value *found = w->op->found;

	found->data = arena_memdup(w->op->arena, w->old->data, w->old->len);
	found->len = w->old->len;
	found->expires = w->old->expires;
	return STORE_KEEP;
}

static enum store_change
set(const struct work *w)
{
	*w->new = (struct store_entry){w->op->value, w->op->value_len, ends(w)};
	return STORE_WRITE;
}

/* The time of a counter and of a set is that of its first. */
static int64_t
ends_as_before(const struct work *w)
{
	return w->old->data != NULL ? w->old->expires : ends(w);
}

/*
 * A counter is its number as text, so that it can be read as a value; 0: it is none. As in Redis,
 * "007" and "-0" are none.
 */
static int64_t
number_of(const struct store_entry *e)
{
	char text[24] = "", again[24];
	int64_t number;

	if (e->data == NULL || e->len >= sizeof(text))
		return 0;
	memcpy(text, e->data, e->len);
	number = strtoll(text, NULL, 10);
	snprintf(again, sizeof(again), "%" PRId64, number);
	return strlen(again) == e->len && memcmp(again, text, e->len) == 0 ? number : 0;
}

static enum store_change
add(const struct work *w)
{
	int64_t number = number_of(w->old);
	int len;

	if (__builtin_add_overflow(number, w->op->delta, &number))
		number = w->op->delta > 0 ? INT64_MAX : INT64_MIN;
	len = snprintf((char *)w->scratch, STORE_SCRATCH, "%" PRId64, number);
	*w->op->number = number;
	*w->new = (struct store_entry){w->scratch, (size_t)len, ends_as_before(w)};
	return STORE_WRITE;
}

static enum store_change
add_member(const struct work *w)
{
	size_t len = store_set_add(
		w->old->data, w->old->len, w->op->value, w->op->value_len, w->scratch);

	*w->op->number = store_set_count(w->scratch, len);
	*w->new = (struct store_entry){w->scratch, len, ends_as_before(w)};
	return STORE_WRITE;
}

static enum store_change
limit(const struct work *w)
{
	struct limit_record r;

	limit_decode(&r, w->old->data, w->old->data == NULL ? 0 : w->old->len);
	limit_step(w->op->limit, w->op->take, w->op->now, &r, w->op->answer);
	if (w->op->take->step == CM_LIMIT_LOOK)
		return STORE_KEEP;
	*w->new = (struct store_entry){w->scratch, limit_encode(&r, w->scratch), limit_ends(&r)};
	return w->new->expires <= w->op->now ? STORE_REMOVE : STORE_WRITE;
}

static enum store_change delete (const struct work *w) {(void)w; return STORE_REMOVE; }

static const struct {
	enum store_change (*run)(const struct work *);
	bool needs_old; /* without one there is nothing to do */
} kinds[] = {
	[STORE_GET] = {get, true},
	[STORE_SET] = {set, false},
	[STORE_DELETE] = {delete, true},
	[STORE_ADD] = {add, false},
	[STORE_ADD_MEMBER] = {add_member, false},
	[STORE_LIMIT] = {limit, false},
};

enum cm_store_status
store_op_run(const struct store_op *op, const struct store_entry *old, struct store_entry *new,
	unsigned char scratch[STORE_SCRATCH], enum store_change *change)
{
	static const struct store_entry none = {0};
	bool over = old->data != NULL && old->expires != 0 && old->expires <= op->now;
	struct work w = {op, over ? &none : old, new, scratch};

	*change = STORE_KEEP;
	if (kinds[op->kind].needs_old && w.old->data == NULL) {
		*change = over ? STORE_REMOVE : STORE_KEEP;
		return CM_STORE_NONE;
	}
	*change = kinds[op->kind].run(&w);
	return CM_STORE_OK;
}
