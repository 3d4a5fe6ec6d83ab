/* SPDX-License-Identifier: MIT */
/*
 * live.c - what is known of a link beyond its configuration: its mode of today, what it did
 *
 * One entry for each name that a served configuration had; sessions of an older generation use the
 * same one. A mode is one word, so that a hook reads it without a lock. All else is written where
 * something went wrong or would have been refused.
 */
#include "live.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "chain.h"

#define TELL_US (3600 * CLOCK_SEC)

#define SLOTS (2 * LIVE_SENDERS) /* a power of two */

/* Found by their slots: numbers of `list`, from 1 on. */
struct senders {
	uint16_t slots[SLOTS];
	struct live_sender list[LIVE_SENDERS];
};

struct entry {
	struct live live;
	char *name;
	bool joined; /* by the chain that came last */
	uint64_t error_counts[FAILURE_KINDS];
	struct live_error errors[LIVE_ERRORS]; /* a ring */
	int64_t told_at;		       /* clock_now() of the latest notice; 0: none */
	size_t error_count;		       /* of all time; its place is that modulo the ring */
	struct live_would would;
	struct senders *senders; /* NULL until the first */
	struct entry *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects the entries, but for modes */
static struct entry *entries;

static struct entry *
entry_of(const struct link *l)
{
	return (struct entry *)l->live;
}

/* --- mode --- */

#define MODE_BITS 3u

static uint64_t
pack(const struct live_mode *m)
{
	return m->set ? (uint64_t)m->until << MODE_BITS | (uint64_t)(m->mode + 1) : 0;
}

static struct live_mode
unpack(uint64_t word)
{
	struct live_mode m = {.set = word != 0};

	if (m.set) {
		m.mode = (int)(word & ((1u << MODE_BITS) - 1)) - 1;
		m.until = (int64_t)(word >> MODE_BITS);
	}
	return m;
}

static bool
is_over(const struct live_mode *m)
{
	return m->set && m->until != 0 && clock_wall() >= m->until;
}

struct live_mode
live_mode(const struct link *l)
{
	struct live_mode m = {.set = false};

	if (l->live != NULL)
		m = unpack(atomic_load_explicit(&l->live->mode, memory_order_relaxed));
	return is_over(&m) ? (struct live_mode){.set = false} : m;
}

void
live_set_mode(struct link *l, const struct live_mode *m)
{
	atomic_store(&l->live->mode, pack(m));
}

void
live_end_modes(void)
{
	pthread_mutex_lock(&lock);
	for (struct entry *e = entries; e != NULL; e = e->next) {
		uint64_t word = atomic_load(&e->live.mode);
		struct live_mode m = unpack(word);

		/* Not one that was set just now. */
		if (is_over(&m) && atomic_compare_exchange_strong(&e->live.mode, &word, 0))
			log_write(LOG_LEVEL_INFO,
				"%s: the mode that was set with chainmail mode is over, and that "
				"of filter.conf holds",
				e->name);
	}
	pthread_mutex_unlock(&lock);
}

/* --- joining, with the lock --- */

static struct entry *
find_or_add(const char *name)
{
	struct entry *e = entries;

	while (e != NULL && strcmp(e->name, name) != 0)
		e = e->next;
	if (e == NULL) {
		e = mem_zalloc(1, sizeof(*e));
		e->name = mem_alloc(strlen(name) + 1);
		memcpy(e->name, name, strlen(name) + 1);
		e->next = entries;
		entries = e;
	}
	return e;
}

/* The entry stays, for links of sessions that have not ended point to it. */
static void
forget(struct entry *e)
{
	if (atomic_exchange(&e->live.mode, 0) != 0)
		log_write(LOG_LEVEL_WARN,
			"%s: its mode was set with chainmail mode, and is forgotten, for "
			"filter.conf has no such link any more",
			e->name);
	memset(e->error_counts, 0, sizeof(e->error_counts));
	e->error_count = 0;
	e->told_at = 0;
	e->would = (struct live_would){0};
	free(e->senders);
	e->senders = NULL;
}

void
live_join(struct chain *chain)
{
	pthread_mutex_lock(&lock);
	for (struct entry *e = entries; e != NULL; e = e->next)
		e->joined = false;
	for (size_t i = 0; i < chain->link_count; i++) {
		struct entry *e = find_or_add(chain->links[i]->name);

		e->joined = true;
		chain->links[i]->live = &e->live;
	}
	for (struct entry *e = entries; e != NULL; e = e->next) {
		if (!e->joined)
			forget(e);
	}
	pthread_mutex_unlock(&lock);
}

/* --- errors --- */

const char *
failure_name(enum failure kind)
{
	static const char *const names[FAILURE_KINDS] = {
		[FAILURE_ERROR] = "error",
		[FAILURE_TIMEOUT] = "timeout",
		[FAILURE_MEMORY] = "memory",
		[FAILURE_INPUT] = "input",
	};

	return names[kind];
}

static void
copy(char *out, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memcpy(out, text, len);
	out[len] = '\0';
}

void
live_note_error(const struct cm_session *s, struct link *l, enum cm_stage stage, enum failure kind,
	const char *reason)
{
	struct entry *e = entry_of(l);
	struct live_error *to;

	if (e == NULL)
		return;
	pthread_mutex_lock(&lock);
	e->error_counts[kind]++;
	to = &e->errors[e->error_count++ % LIVE_ERRORS];
	to->at = clock_wall();
	to->stage = stage;
	to->kind = kind;
	copy(to->id, sizeof(to->id), s->in_message ? s->id : s->conn_id);
	copy(to->reason, sizeof(to->reason), reason);
	pthread_mutex_unlock(&lock);
}

size_t
live_errors(
	const struct link *l, uint64_t counts[FAILURE_KINDS], struct live_error latest[LIVE_ERRORS])
{
	const struct entry *e = entry_of(l);
	size_t count;

	memset(counts, 0, FAILURE_KINDS * sizeof(*counts));
	if (e == NULL)
		return 0;
	pthread_mutex_lock(&lock);
	memcpy(counts, e->error_counts, sizeof(e->error_counts));
	count = e->error_count < LIVE_ERRORS ? e->error_count : LIVE_ERRORS;
	for (size_t i = 0; i < count; i++)
		latest[i] = e->errors[(e->error_count - 1 - i) % LIVE_ERRORS];
	pthread_mutex_unlock(&lock);
	return count;
}

bool
live_may_tell(struct link *l)
{
	struct entry *e = entry_of(l);
	int64_t now = clock_now();
	bool may;

	if (e == NULL)
		return false;
	pthread_mutex_lock(&lock);
	may = e->told_at == 0 || now - e->told_at >= TELL_US;
	if (may)
		e->told_at = now;
	pthread_mutex_unlock(&lock);
	return may;
}

/* --- what a watched link would have done --- */

const char *
would_name(enum would would)
{
	static const char *const names[WOULD_KINDS] = {
		[WOULD_ACCEPT] = "accept",
		[WOULD_CHANGE] = "edits",
		[WOULD_DISCARD] = "discard",
		[WOULD_QUARANTINE] = "quarantine",
		[WOULD_REJECT] = "reject",
		[WOULD_TEMPFAIL] = "tempfail",
	};

	return names[would];
}

/* NULL: there is no room for another. */
static struct live_sender *
find_sender(struct senders *all, unsigned *count, const char *name)
{
	size_t at = hash_bytes(name, strlen(name)) % SLOTS;

	for (; all->slots[at] != 0; at = (at + 1) % SLOTS) {
		struct live_sender *known = &all->list[all->slots[at] - 1];

		if (strcmp(known->name, name) == 0)
			return known;
	}
	if (*count == LIVE_SENDERS)
		return NULL;
	copy(all->list[*count].name, LIVE_SENDER_SIZE, name);
	all->slots[at] = (uint16_t)++ * count;
	return &all->list[*count - 1];
}

/* With the lock. */
static void
note_sender(struct entry *e, const struct cm_session *s, unsigned would)
{
	char name[LIVE_SENDER_SIZE];
	struct live_sender *sender;

	copy(name, sizeof(name), s->sender.null ? "<>" : s->sender.addr);
	if (e->senders == NULL)
		e->senders = mem_zalloc(1, sizeof(*e->senders));
	sender = find_sender(e->senders, &e->would.senders, name);
	if (sender == NULL) {
		e->would.more = true;
		return;
	}
	sender->messages++;
	sender->would |= would;
	sender->last = clock_wall();
}

void
live_note_would(const struct cm_session *s, struct link *l, unsigned would)
{
	static const unsigned refusals = 1u << WOULD_REJECT | 1u << WOULD_TEMPFAIL;
	struct entry *e = entry_of(l);

	if (e == NULL)
		return;
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < WOULD_KINDS; i++)
		e->would.messages[i] += would >> i & 1;
	e->would.refused += (would & refusals) != 0;
	e->would.affected++;
	note_sender(e, s, would);
	pthread_mutex_unlock(&lock);
}

struct live_would
live_would(const struct link *l)
{
	struct entry *e = entry_of(l);
	struct live_would would = {0};

	if (e == NULL)
		return would;
	pthread_mutex_lock(&lock);
	would = e->would;
	pthread_mutex_unlock(&lock);
	return would;
}

/* Equal ones by name, so that what is shown does not change by itself. */
static int
by_messages(const void *a, const void *b)
{
	const struct live_sender *x = a, *y = b;

	if (x->messages != y->messages)
		return x->messages < y->messages ? 1 : -1;
	return strcmp(x->name, y->name);
}

struct live_sender *
live_senders(const struct link *l, size_t *count)
{
	struct entry *e = entry_of(l);
	struct live_sender *list = NULL;

	*count = 0;
	if (e == NULL)
		return NULL;
	pthread_mutex_lock(&lock);
	if (e->senders != NULL) {
		*count = e->would.senders;
		list = mem_alloc(mem_product(*count, sizeof(*list)));
		memcpy(list, e->senders->list, *count * sizeof(*list));
	}
	pthread_mutex_unlock(&lock);
	if (list != NULL)
		qsort(list, *count, sizeof(*list), by_messages);
	return list;
}
