/* SPDX-License-Identifier: MIT */
/*
 * fuzz_record.c - any octets as an entry that a store finds: on the disk, or from another version
 *
 * Two octets choose the operation and the limit, the rest is the entry as LMDB keeps it. Every
 * operation must make something of it that it can read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "service/limit.h"
#include "service/store_lmdb_file.h"
#include "service/store_op.h"
#include "service/store_set.h"

#define NOW INT64_C(1800000000000000)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct cm_limit
limit_of(uint8_t octet)
{
	static const int64_t periods[] = {1000000, 60000000, 3600000000, 86400000000};
	struct cm_limit limit = {.windows = octet % 5, .strict = octet >> 7};

	for (size_t i = 0; i < limit.windows; i++)
		limit.window[i] = (struct cm_limit_window){
			1 + octet * 7, periods[i], octet % 2 == 0 ? 0 : octet};
	return limit;
}

static void
check_answer(const struct cm_limit *limit, const struct cm_limit_answer *a)
{
	if (a->window >= limit->windows && (a->window > 0 || limit->windows > 0))
		abort();
	if (a->used < 0 || a->limit < 0 || a->retry_us < 0 || a->reserved_at < 0)
		abort();
}

/* What is written is read as it was. */
static void
check_record(const struct store_entry *new)
{
	unsigned char again[LIMIT_RECORD_MOST];
	struct limit_record r;

	limit_decode(&r, new->data, new->len);
	if (r.bucket_count > CM_LIMIT_WINDOWS || r.pending_count > LIMIT_PENDING_MOST ||
		limit_encode(&r, again) != new->len || memcmp(again, new->data, new->len) != 0)
		abort();
}

static void
check_new(const struct store_op *op, const struct store_entry *new, int64_t number)
{
	if (op->kind != STORE_SET && new->len > STORE_SCRATCH)
		abort();
	if (op->kind == STORE_LIMIT)
		check_record(new);
	if (op->kind == STORE_ADD_MEMBER && store_set_count(new->data, new->len) != number)
		abort();
}

static void
run(const struct store_entry *old, uint8_t kind, uint8_t choice)
{
	const struct cm_limit limit = limit_of(choice);
	const struct cm_limit_take take = {
		choice >> 3 & 3, choice % 16, choice % 16, NOW - choice * INT64_C(10000000)};
	struct cm_limit_answer answer = {.ok = false};
	struct store_value found = {0};
	unsigned char scratch[STORE_SCRATCH];
	struct store_entry new = {0};
	enum store_change change;
	struct arena arena;
	int64_t number = 0;
	struct store_op op = {.kind = kind % (STORE_LIMIT + 1u),
		.value = "v",
		.value_len = 1,
		.delta = choice - 128,
		.ttl = choice,
		.limit = &limit,
		.take = &take,
		.now = NOW,
		.arena = &arena,
		.found = &found,
		.number = &number,
		.answer = &answer};

	arena_init(&arena, 256);
	(void)store_op_run(&op, old, &new, scratch, &change);
	if (op.kind == STORE_LIMIT)
		check_answer(&limit, &answer);
	if (change == STORE_WRITE)
		check_new(&op, &new, number);
	arena_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_entry old = {0};
	unsigned char *copy;
	MDB_val value;

	if (size < 2)
		return 0;
	/* Where an octet too many is noticed. */
	copy = malloc(size - 2 + (size == 2));
	memcpy(copy, data + 2, size - 2);
	value = (MDB_val){size - 2, copy};
	if (lmdb_decode(&value, &old))
		run(&old, data[0], data[1]);
	free(copy);
	return 0;
}
