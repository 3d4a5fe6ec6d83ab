/* SPDX-License-Identifier: MIT */
/*
 * counts.c - what links and profiles decided, counted for as long as the process runs
 *
 * Those of a link stand in what live.c keeps of its name; those of profiles are kept here.
 */
#include "counts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "run.h"

struct entry {
	struct profile_counts counts;
	char *name;
	struct entry *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects the list, not the counts */
static struct entry *entries;

const int64_t count_bounds[COUNT_BUCKETS - 1] = {
	CLOCK_MS,
	5 * CLOCK_MS,
	25 * CLOCK_MS,
	100 * CLOCK_MS,
	500 * CLOCK_MS,
	2500 * CLOCK_MS,
	10 * CLOCK_SEC,
	30 * CLOCK_SEC,
};

const char *
count_verdict_name(enum count_verdict v)
{
	static const char *const names[COUNT_VERDICTS] = {
		[COUNT_ACCEPT] = "accept",
		[COUNT_DISCARD] = "discard",
		[COUNT_REJECT] = "reject",
		[COUNT_TEMPFAIL] = "tempfail",
	};

	return names[v];
}

/* The words of message_outcome(). */
static const char *const outcomes[COUNT_OUTCOMES] = {
	[COUNT_ABANDONED] = "abandoned",
	[COUNT_ACCEPTED] = "accept",
	[COUNT_DISCARDED] = "discard",
	[COUNT_QUARANTINED] = "quarantine",
	[COUNT_REJECTED] = "reject",
	[COUNT_TEMPFAILED] = "tempfail",
};

const char *
count_outcome_name(enum count_outcome outcome)
{
	return outcomes[outcome];
}

static void
add(_Atomic uint64_t *count, uint64_t n)
{
	atomic_fetch_add_explicit(count, n, memory_order_relaxed);
}

/* --- links --- */

void
counts_note_verdict(struct link_counts *c, enum cm_stage stage, enum cm_verdict v, bool shadow)
{
	/* One more than the number; 0 is no opinion. */
	static const uint8_t numbers[] = {
		[CM_ACCEPT] = COUNT_ACCEPT + 1,
		[CM_DISCARD] = COUNT_DISCARD + 1,
		[CM_REJECT] = COUNT_REJECT + 1,
		[CM_TEMPFAIL] = COUNT_TEMPFAIL + 1,
	};
	unsigned number = (size_t)v < sizeof(numbers) ? numbers[v] : 0;

	if (number > 0)
		add(shadow ? &c->shadow[stage][number - 1] : &c->said[stage][number - 1], 1);
}

/* --- profiles --- */

/* With the lock. */
static struct profile_counts *
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
	return &e->counts;
}

void
counts_join(struct chain *chain)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < chain->profile_count; i++)
		chain->profiles[i].counts = find_or_add(chain->profiles[i].name);
	pthread_mutex_unlock(&lock);
}

static enum count_outcome
outcome_of(const struct cm_session *s)
{
	const struct decision *by;
	struct decision held;
	const char *word = message_outcome(s, &held, &by);
	int i = COUNT_OUTCOMES - 1;

	while (i > 0 && strcmp(outcomes[i], word) != 0)
		i--;
	return (enum count_outcome)i;
}

void
counts_note_message(const struct cm_session *s)
{
	const struct run *r = s->run;
	struct profile_counts *c = r->profile == NULL ? NULL : r->profile->counts;
	enum count_outcome outcome;
	unsigned bucket = 0;

	if (c == NULL)
		return;
	outcome = outcome_of(s);
	add(&c->messages[outcome], 1);
	/* Those that were refused alone are none of the message's. */
	add(&c->recipients[r->given ? outcome : COUNT_ABANDONED], s->rcpt_count);
	add(&c->recipients[COUNT_REJECTED], r->rejected_rcpts);
	add(&c->recipients[COUNT_TEMPFAILED], s->rcpt_refused - r->rejected_rcpts);
	while (bucket < COUNT_BUCKETS - 1 && r->spent > count_bounds[bucket])
		bucket++;
	add(&c->took[bucket], 1);
	add(&c->took_us, (uint64_t)r->spent);
}
