/* SPDX-License-Identifier: MIT */
/*
 * log_queue.c - lines on their way to the log writer
 *
 * The lock protects everything in `queue`; it is held for a copy of one line and for the swap of
 * two buffers, never while anything is written.
 */
#include "log_queue.h"

#include <pthread.h>
#include <string.h>

#include "mem.h"

/* Octets that may wait; a writer that is this far behind has lost its disk. */
#define WAITING_MOST (4u << 20)
#define FIRST_SIZE   16384u

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct log_batch waiting;
	bool idle; /* the writer sleeps until a line comes */
	bool ending;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static void
make_room(struct log_batch *b, size_t wanted)
{
	size_t size = b->size == 0 ? FIRST_SIZE : b->size;

	while (size < wanted)
		size *= 2;
	if (size != b->size)
		b->data = mem_grow(b->data, size);
	b->size = size;
}

static void
append(struct log_batch *b, const void *data, size_t len)
{
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void
log_queue_put(unsigned sink, const char *line, size_t len)
{
	const struct log_queue_head head = {.sink = sink, .len = (uint32_t)len};
	size_t wanted = sizeof(head) + len;

	pthread_mutex_lock(&queue.lock);
	if (wanted > WAITING_MOST - queue.waiting.len) {
		queue.waiting.lost++;
	} else {
		make_room(&queue.waiting, queue.waiting.len + wanted);
		append(&queue.waiting, &head, sizeof(head));
		append(&queue.waiting, line, len);
	}
	if (queue.idle) {
		queue.idle = false;
		pthread_cond_signal(&queue.filled);
	}
	pthread_mutex_unlock(&queue.lock);
}

void
log_queue_take(struct log_batch *b)
{
	struct log_batch empty = *b;

	empty.len = 0;
	empty.lost = 0;
	pthread_mutex_lock(&queue.lock);
	*b = queue.waiting;
	queue.waiting = empty;
	pthread_mutex_unlock(&queue.lock);
}

bool
log_queue_wait(void)
{
	bool some;

	pthread_mutex_lock(&queue.lock);
	while (queue.waiting.len == 0 && !queue.ending) {
		queue.idle = true;
		pthread_cond_wait(&queue.filled, &queue.lock);
	}
	queue.idle = false;
	some = queue.waiting.len > 0;
	pthread_mutex_unlock(&queue.lock);
	return some;
}

void
log_queue_begin(void)
{
	pthread_mutex_lock(&queue.lock);
	queue.ending = false;
	pthread_mutex_unlock(&queue.lock);
}

void
log_queue_end(void)
{
	pthread_mutex_lock(&queue.lock);
	queue.ending = true;
	pthread_cond_signal(&queue.filled);
	pthread_mutex_unlock(&queue.lock);
}

const char *
log_batch_next(const struct log_batch *b, size_t *at, struct log_queue_head *head)
{
	const unsigned char *line;

	if (*at >= b->len)
		return NULL;
	memcpy(head, b->data + *at, sizeof(*head));
	line = b->data + *at + sizeof(*head);
	*at += sizeof(*head) + head->len;
	return (const char *)line;
}
