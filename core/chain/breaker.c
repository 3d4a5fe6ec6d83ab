/* SPDX-License-Identifier: MIT */
/*
 * breaker.c - stops a link that fails too often, and tries it again
 *
 * While it is closed a call reads one word. The rest happens after a failure, or in the place of a
 * call, and is behind one lock for all of them.
 */
#include "breaker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/unit.h"
#include "mail/stage.h"

struct breaker {
	_Atomic int state; /* enum breaker_state; changed with the lock */
	const char *name;
	struct cm_rate trip_after;

	/* With the lock. */
	int64_t *failures;   /* clock_now() of the latest, a ring of trip_after.count */
	size_t next;	     /* the oldest of them, once all places are taken */
	enum cm_stage stage; /* that of the failure which tripped it */
	int64_t tripped_at;  /* seconds since 1970 */
	int64_t retry_at;    /* clock_now() from which on one may try */
	uint64_t tries, trips;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* what is said above, of all breakers */

struct breaker *
breaker_new(struct arena *arena, const char *name, const struct cm_rate *trip_after)
{
	struct breaker *b;

	if (trip_after->count <= 0 || trip_after->count > BREAKER_MOST)
		return NULL;
	b = arena_alloc(arena, sizeof(*b));
	b->name = name;
	b->trip_after = *trip_after;
	b->failures = arena_array(arena, (size_t)trip_after->count, sizeof(*b->failures));
	return b;
}

static void
set_state(struct breaker *b, enum breaker_state state)
{
	atomic_store_explicit(&b->state, (int)state, memory_order_release);
}

static enum breaker_state
state_of(const struct breaker *b)
{
	return (enum breaker_state)atomic_load_explicit(&b->state, memory_order_acquire);
}

static bool
of_message(enum cm_stage stage)
{
	return stages[stage].scope != SCOPE_CONNECTION;
}

/* What failed is tried: a message for a message, else the same stage of a connection. */
static bool
may_try(const struct breaker *b, enum cm_stage stage)
{
	return of_message(b->stage) ? of_message(stage) : stage == b->stage;
}

enum breaker_pass
breaker_enter(struct breaker *b, enum cm_stage stage, struct breaker_ticket *ticket)
{
	enum breaker_pass pass = BREAKER_STOP;
	int64_t now;

	if (state_of(b) == BREAKER_CLOSED)
		return BREAKER_RUN;
	now = clock_now();
	pthread_mutex_lock(&lock);
	if (state_of(b) == BREAKER_CLOSED) {
		pass = BREAKER_RUN;
	} else if (may_try(b, stage) && now >= b->retry_at) {
		/* A try that is not over by then is no longer waited for. */
		b->retry_at = now + BREAKER_RETRY_US;
		*ticket = (struct breaker_ticket){++b->tries, b->stage};
		set_state(b, BREAKER_HALF_OPEN);
		pass = BREAKER_TRY;
	}
	pthread_mutex_unlock(&lock);
	return pass;
}

/* With the lock. */
static void
open_again(struct breaker *b, int64_t now)
{
	b->retry_at = now + BREAKER_RETRY_US;
	set_state(b, BREAKER_OPEN);
}

/* So many failures within the time, with this one? With the lock. */
static bool
is_last_straw(struct breaker *b, int64_t now)
{
	size_t count = (size_t)b->trip_after.count;
	int64_t oldest;

	b->failures[b->next] = now;
	b->next = (b->next + 1) % count;
	oldest = b->failures[b->next];
	return oldest != 0 && now - oldest <= b->trip_after.period_us;
}

static void
forget_failures(struct breaker *b)
{
	for (int64_t i = 0; i < b->trip_after.count; i++)
		b->failures[i] = 0;
}

static void
span_text(const struct breaker *b, char *out, size_t size)
{
	char period[32];

	unit_duration_text(b->trip_after.period_us, period);
	snprintf(out, size, "%lld error%s in %s", (long long)b->trip_after.count,
		b->trip_after.count == 1 ? "" : "s", period);
}

/* Without the lock, for who is told may be slow. */
static void
say_tripped(const struct breaker *b, enum cm_stage stage)
{
	char span[64];

	span_text(b, span, sizeof(span));
	log_write(LOG_LEVEL_ERROR,
		"%s: tripped, %s, the latest at %s; it is tried again in a minute; see: chainmail "
		"errors %s",
		b->name, span, stages[stage].name, b->name);
}

bool
breaker_note_failure(struct breaker *b, enum cm_stage stage)
{
	int64_t now = clock_now();
	bool trips = false;

	pthread_mutex_lock(&lock);
	if (state_of(b) == BREAKER_CLOSED && is_last_straw(b, now)) {
		trips = true;
		b->stage = stage;
		b->tripped_at = clock_wall();
		b->trips++;
		forget_failures(b);
		open_again(b, now);
	}
	pthread_mutex_unlock(&lock);
	if (trips)
		say_tripped(b, stage);
	return trips;
}

bool
breaker_tried(struct breaker *b, const struct breaker_ticket *ticket, enum breaker_try how)
{
	int64_t now = clock_now();
	bool heard, closed;

	pthread_mutex_lock(&lock);
	heard = state_of(b) == BREAKER_HALF_OPEN && b->tries == ticket->number;
	closed = heard && how == BREAKER_WORKED;
	if (closed)
		set_state(b, BREAKER_CLOSED);
	else if (heard)
		open_again(b, how == BREAKER_UNTRIED ? now - BREAKER_RETRY_US : now);
	pthread_mutex_unlock(&lock);
	if (closed)
		log_write(LOG_LEVEL_INFO, "%s: works again", b->name);
	return heard && !closed;
}

struct breaker_view
breaker_look(struct breaker *b)
{
	struct breaker_view v;

	pthread_mutex_lock(&lock);
	v = (struct breaker_view){
		.state = state_of(b),
		.tripped_at = b->tripped_at,
		.retry_at = clock_wall() + (b->retry_at - clock_now()) / CLOCK_SEC,
		.trips = b->trips,
	};
	pthread_mutex_unlock(&lock);
	return v;
}

void
breaker_words(struct breaker *b, char out[BREAKER_WORDS_MAX])
{
	struct breaker_view v = breaker_look(b);
	time_t at = (time_t)v.tripped_at;
	char clock[16] = "?", span[64];
	struct tm tm;

	out[0] = '\0';
	if (v.state == BREAKER_CLOSED)
		return;
	if (localtime_r(&at, &tm) != NULL)
		strftime(clock, sizeof(clock), "%H:%M", &tm);
	span_text(b, span, sizeof(span));
	snprintf(out, BREAKER_WORDS_MAX, "tripped %s (%s)", clock, span);
}
