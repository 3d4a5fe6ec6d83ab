/* SPDX-License-Identifier: MIT */
/*
 * fuzz_redis.c - any octets as what a Redis server said, in pieces of any size
 *
 * The first octet says how large the pieces are. However they are cut, the replies are the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/store_redis_reply.h"
#include "service/store_redis_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What all replies add up to. */
struct sum {
	size_t replies, octets, items;
	int64_t numbers;
	bool broken;
};

static void
add(struct sum *sum, const struct redis_reply *r, unsigned depth)
{
	struct redis_names names;

	if (r == NULL || depth > REDIS_DEPTH_MOST)
		abort();
	if ((r->kind == REDIS_LIST) != (r->items != NULL))
		abort();
	if (r->text != NULL && r->text[r->len] != '\0')
		abort();
	sum->numbers ^= r->number;
	if (r->text != NULL)
		sum->octets += r->len;
	(void)redis_trouble(r);
	(void)redis_names_keep(&names, REDIS_SCRIPT_LIMIT, r);
	for (size_t i = 0; r->items != NULL && i < r->len; i++, sum->items++)
		add(sum, r->items[i], depth + 1);
}

/* False: what comes is no protocol. */
static bool
take_all(struct sum *sum, struct redis_reader *reader)
{
	struct redis_reply *reply;

	while (redis_reader_next(reader, &reply)) {
		if (reply == NULL)
			return true;
		add(sum, reply, 0);
		sum->replies++;
		redis_reply_free(reply);
	}
	return false;
}

static struct sum
read_all(const uint8_t *data, size_t size, size_t piece)
{
	struct redis_reader *reader = redis_reader_new();
	struct sum sum = {0};

	while (!sum.broken && size > 0) {
		size_t n = piece < size ? piece : size;

		sum.broken = !redis_reader_feed(reader, data, n);
		data += n;
		size -= n;
		sum.broken = sum.broken || !take_all(&sum, reader);
	}
	redis_reader_free(reader);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole, pieces;

	if (size == 0)
		return 0;
	whole = read_all(data + 1, size - 1, size);
	pieces = read_all(data + 1, size - 1, 1u + data[0] % 32);
	if (whole.replies != pieces.replies || whole.octets != pieces.octets ||
		whole.items != pieces.items || whole.numbers != pieces.numbers ||
		whole.broken != pieces.broken)
		abort();
	return 0;
}
