/* SPDX-License-Identifier: MIT */
/*
 * log_recent.c - the latest records of the log, for people who look at them while the daemon runs
 *
 * The lock protects everything in `ring`; it is held for a copy of one record, or of one piece for
 * a reader. Readers have no queue of their own, so their number and their patience cost nothing.
 */
#include "log_recent.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

/* Octets of one value that are kept. */
#define VALUE_MOST 2048u

/* In front of each record: what has a fixed size. */
struct head {
	uint32_t len; /* with the head */
	uint32_t count;
	int64_t wall;
	int32_t pid;
	uint32_t level;
};

/* In front of a text. */
enum { IS_NULL = 1, IN_JOURNAL = 2 };

static struct {
	pthread_mutex_t lock;
	unsigned char *data;	/* NULL: nothing is kept */
	uint64_t begin, end;	/* octets that ever came before the oldest, and behind the newest */
	uint64_t first, behind; /* the same in records */
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_bool keeping;

void
log_recent_begin(void)
{
	pthread_mutex_lock(&ring.lock);
	if (ring.data == NULL)
		ring.data = mem_alloc(LOG_RECENT_SIZE);
	pthread_mutex_unlock(&ring.lock);
	atomic_store(&keeping, true);
}

void
log_recent_end(void)
{
	atomic_store(&keeping, false);
	pthread_mutex_lock(&ring.lock);
	free(ring.data);
	ring.data = NULL;
	ring.begin = ring.end;
	ring.first = ring.behind;
	pthread_mutex_unlock(&ring.lock);
}

/* --- a record as octets --- */

static size_t
text_size(const char *text)
{
	return (text == NULL ? 0 : strnlen(text, VALUE_MOST)) + 2;
}

static char *
put_text(char *at, int flags, const char *text)
{
	size_t len = text == NULL ? 0 : strnlen(text, VALUE_MOST);

	*at++ = (char)(flags | (text == NULL ? IS_NULL : 0));
	if (len > 0)
		memcpy(at, text, len);
	at[len] = '\0';
	return at + len + 1;
}

static size_t
record_size(const struct log_entry *e, unsigned count)
{
	size_t size = sizeof(struct head) + text_size(e->queue_id);

	for (unsigned i = 0; i < count; i++)
		size += 1 + text_size(e->fields[i].name) + text_size(e->fields[i].value);
	return size;
}

/* The caller frees it. */
static char *
encode(const struct log_entry *e, size_t *len)
{
	unsigned count = e->count < LOG_RECENT_FIELDS ? e->count : LOG_RECENT_FIELDS;
	struct head head = {.count = count,
		.wall = e->wall,
		.pid = (int32_t)e->pid,
		.level = (uint32_t)e->level};
	char *record, *at;

	*len = record_size(e, count);
	head.len = (uint32_t)*len;
	record = at = mem_alloc(*len);
	memcpy(at, &head, sizeof(head));
	at = put_text(at + sizeof(head), 0, e->queue_id);
	for (unsigned i = 0; i < count; i++) {
		const struct log_field *f = &e->fields[i];

		*at++ = (char)f->style;
		at = put_text(at, f->journal != NULL ? IN_JOURNAL : 0, f->name);
		at = put_text(at, 0, f->value);
	}
	return record;
}

/* Moves *at behind the text. */
static const char *
next_text(const char **at, int *flags)
{
	const char *text = *at + 1;

	*flags = **at;
	*at = text + strlen(text) + 1;
	return (*flags & IS_NULL) != 0 ? NULL : text;
}

bool
log_recent_next(const struct buf *taken, size_t *at, struct log_entry *e,
	struct log_field fields[LOG_RECENT_FIELDS])
{
	const char *p = taken->data + *at;
	struct head head;
	int flags;

	if (*at >= taken->len)
		return false;
	memcpy(&head, p, sizeof(head));
	*at += head.len;
	p += sizeof(head);
	*e = (struct log_entry){.level = (enum log_level)head.level,
		.wall = head.wall,
		.pid = head.pid,
		.fields = fields,
		.count = head.count};
	e->queue_id = next_text(&p, &flags);
	for (unsigned i = 0; i < head.count; i++) {
		enum log_style style = (enum log_style)(*p++);
		const char *name = next_text(&p, &flags);
		const char *journal = (flags & IN_JOURNAL) != 0 ? name : NULL;

		fields[i] = (struct log_field){name, journal, next_text(&p, &flags), style};
	}
	return true;
}

/* --- the ring; all of it with the lock --- */

static void
copy_in(const char *data, size_t len)
{
	size_t at = ring.end % LOG_RECENT_SIZE, room = LOG_RECENT_SIZE - at;

	room = room < len ? room : len;
	memcpy(ring.data + at, data, room);
	memcpy(ring.data, data + room, len - room);
	ring.end += len;
}

static void
copy_out(uint64_t from, void *out, size_t len)
{
	size_t at = from % LOG_RECENT_SIZE, room = LOG_RECENT_SIZE - at;

	room = room < len ? room : len;
	memcpy(out, ring.data + at, room);
	memcpy((char *)out + room, ring.data, len - room);
}

static size_t
size_at(uint64_t at)
{
	struct head head;

	copy_out(at, &head, sizeof(head));
	return head.len;
}

void
log_recent_put(const struct log_entry *e)
{
	char *record;
	size_t len;

	if (!atomic_load_explicit(&keeping, memory_order_relaxed))
		return;
	record = encode(e, &len);
	pthread_mutex_lock(&ring.lock);
	if (ring.data != NULL) {
		while (ring.end + len - ring.begin > LOG_RECENT_SIZE) {
			ring.begin += size_at(ring.begin);
			ring.first++;
		}
		copy_in(record, len);
		ring.behind++;
	}
	pthread_mutex_unlock(&ring.lock);
	free(record);
}

/* --- readers --- */

void
log_reader_init(struct log_reader *r, bool oldest)
{
	pthread_mutex_lock(&ring.lock);
	r->at = oldest ? ring.begin : ring.end;
	r->serial = oldest ? ring.first : ring.behind;
	pthread_mutex_unlock(&ring.lock);
}

/* With the lock: whole records. */
static void
take_piece(struct log_reader *r, struct buf *out)
{
	uint64_t until = r->at;
	size_t at = r->at % LOG_RECENT_SIZE, room = LOG_RECENT_SIZE - at, len;

	while (until < ring.end && until - r->at < LOG_RECENT_PIECE) {
		until += size_at(until);
		r->serial++;
	}
	len = (size_t)(until - r->at);
	room = room < len ? room : len;
	buf_add(out, ring.data + at, room);
	buf_add(out, ring.data, len - room);
	r->at = until;
}

bool
log_reader_take(struct log_reader *r, struct buf *out, uint64_t *lost)
{
	*lost = 0;
	buf_clear(out);
	pthread_mutex_lock(&ring.lock);
	if (r->at < ring.begin) {
		*lost = ring.first - r->serial;
		r->at = ring.begin;
		r->serial = ring.first;
	}
	if (ring.data != NULL)
		take_piece(r, out);
	pthread_mutex_unlock(&ring.lock);
	return out->len > 0 || *lost > 0;
}
