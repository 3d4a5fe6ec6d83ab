/* SPDX-License-Identifier: MIT */
/*
 * talkers.c - who sends how much: logins, clients and senders of the last day
 *
 * A table of sets: a name may stand in eight places, and takes that of the one which talked least
 * where all are taken. A place has memory once a name stands in it: few sites have so many.
 */
#include "talkers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "mail/session.h"
#include "run.h"

#define SETS	1024u
#define PLACES	8u
#define STEP_US (5 * 60 * CLOCK_SEC)
#define HOUR_US (3600 * CLOCK_SEC)
#define STEPS	12u
#define HOURS	24u

struct tally {
	uint32_t messages, recipients, refused;
};

/* Buckets of equal time; the newest is that of `at`. */
struct ring {
	int64_t at; /* clock_now() / its step */
	unsigned newest;
};

/* A client's address, and when it was seen last. */
struct seen {
	uint32_t hash, at; /* at: clock_now() / STEP_US; hash 0: free */
};

struct entry {
	char name[TALKER_NAME_SIZE];
	uint64_t hash;
	struct ring step_ring, hour_ring;
	struct tally steps[STEPS], hours[HOURS];
	struct seen seen[TALKER_ADDRESSES];
};

static struct {
	pthread_mutex_t lock;	/* protects entries */
	struct entry **entries; /* SETS * PLACES, free ones NULL; NULL until the first */
} kinds[TALKER_KINDS] = {
	{PTHREAD_MUTEX_INITIALIZER, NULL},
	{PTHREAD_MUTEX_INITIALIZER, NULL},
	{PTHREAD_MUTEX_INITIALIZER, NULL},
};

/* --- rings --- */

/* The bucket of now; what is older than the ring is forgotten. */
static struct tally *
turn(struct ring *r, struct tally *buckets, unsigned count, int64_t at)
{
	for (int64_t behind = at - r->at; behind > 0 && r->at != at; behind--) {
		if (behind > (int64_t)count) {
			memset(buckets, 0, count * sizeof(*buckets));
			break;
		}
		r->newest = (r->newest + 1) % count;
		buckets[r->newest] = (struct tally){0};
	}
	r->at = at > r->at ? at : r->at;
	return &buckets[r->newest];
}

static void
add(struct tally *to, const struct tally *what)
{
	to->messages += what->messages;
	to->recipients += what->recipients;
	to->refused += what->refused;
}

static uint64_t
total(const struct entry *e)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < HOURS; i++)
		sum += (uint64_t)e->hours[i].recipients + e->hours[i].refused;
	return sum;
}

/* --- entries, with the lock --- */

static struct entry *
find(struct entry **entries, const char *name, uint64_t hash)
{
	struct entry **set = &entries[hash % SETS * PLACES], **least = set;

	for (unsigned i = 0; i < PLACES; i++) {
		if (set[i] != NULL && set[i]->hash == hash && strcmp(set[i]->name, name) == 0)
			return set[i];
	}
	for (unsigned i = 0; i < PLACES && *least != NULL; i++) {
		if (set[i] == NULL || total(set[i]) < total(*least))
			least = &set[i];
	}
	if (*least == NULL)
		*least = mem_alloc(sizeof(**least));
	**least = (struct entry){.hash = hash};
	memcpy((*least)->name, name, strlen(name));
	return *least;
}

/* The one that was not seen for longest makes room. */
static void
see(struct entry *e, const char *ip, int64_t now)
{
	uint32_t hash = (uint32_t)hash_bytes(ip, strlen(ip)) | 1;
	struct seen *place = e->seen;

	for (unsigned i = 0; i < TALKER_ADDRESSES && place->hash != hash; i++) {
		if (e->seen[i].hash == hash || e->seen[i].at < place->at)
			place = &e->seen[i];
	}
	*place = (struct seen){hash, (uint32_t)(now / STEP_US)};
}

static void
note(enum talker_kind kind, const char *name, const char *ip, const struct tally *what)
{
	char cut[TALKER_NAME_SIZE] = "";
	int64_t now = clock_now();
	struct entry *e;

	if (name == NULL || name[0] == '\0')
		return;
	memcpy(cut, name, strnlen(name, sizeof(cut) - 1));
	pthread_mutex_lock(&kinds[kind].lock);
	if (kinds[kind].entries == NULL)
		kinds[kind].entries = mem_zalloc(SETS * PLACES, sizeof(struct entry *));
	e = find(kinds[kind].entries, cut, hash_bytes(cut, strlen(cut)));
	add(turn(&e->step_ring, e->steps, STEPS, now / STEP_US), what);
	add(turn(&e->hour_ring, e->hours, HOURS, now / HOUR_US), what);
	if (ip[0] != '\0')
		see(e, ip, now);
	pthread_mutex_unlock(&kinds[kind].lock);
}

void
talkers_note(const struct cm_session *s)
{
	const struct run *r = s->run;
	bool refused = r->given && verdict_final(r->decision.verdict);
	uint32_t rcpts = (uint32_t)s->rcpt_count, rejected = (uint32_t)s->rcpt_refused;
	struct tally what = {1, refused || !r->given ? 0 : rcpts, rejected + (refused ? 1 : 0)};

	if (!r->given && rejected == 0)
		return;
	note(TALKER_CLIENT, s->client.ip, s->client.ip, &what);
	note(TALKER_LOGIN, s->auth.user, s->client.ip, &what);
	note(TALKER_SENDER, s->sender.null ? "<>" : s->sender.addr, s->client.ip, &what);
}

/* --- lists --- */

static void
sum(struct talker *t, struct ring *r, struct tally *buckets, unsigned count, int64_t at,
	unsigned wanted)
{
	turn(r, buckets, count, at);
	for (unsigned i = 0; i < wanted && i < count; i++) {
		const struct tally *b = &buckets[(r->newest + count - i) % count];

		t->messages += b->messages;
		t->recipients += b->recipients;
		t->refused += b->refused;
	}
}

/* In that many steps until now. */
static unsigned
count_seen(const struct entry *e, int64_t steps, int64_t now)
{
	unsigned count = 0;

	for (unsigned i = 0; i < TALKER_ADDRESSES; i++)
		count += e->seen[i].hash != 0 && (int64_t)e->seen[i].at > now / STEP_US - steps;
	return count;
}

static bool
fill(struct talker *t, struct entry *e, int64_t us, int64_t now)
{
	*t = (struct talker){0};
	if (e == NULL)
		return false;
	memcpy(t->name, e->name, sizeof(t->name));
	if (us <= STEP_US * STEPS)
		sum(t, &e->step_ring, e->steps, STEPS, now / STEP_US,
			(unsigned)((us + STEP_US - 1) / STEP_US));
	else
		sum(t, &e->hour_ring, e->hours, HOURS, now / HOUR_US,
			(unsigned)((us + HOUR_US - 1) / HOUR_US));
	t->addresses = count_seen(e, (us + STEP_US - 1) / STEP_US, now);
	return t->messages > 0;
}

struct talker *
talkers_list(enum talker_kind kind, int64_t us, size_t *count)
{
	struct talker *list = NULL;
	int64_t now = clock_now();

	*count = 0;
	us = us > HOURS * HOUR_US ? HOURS * HOUR_US : us;
	pthread_mutex_lock(&kinds[kind].lock);
	if (kinds[kind].entries != NULL)
		list = mem_zalloc(SETS * PLACES, sizeof(*list));
	for (unsigned i = 0; list != NULL && i < SETS * PLACES; i++)
		*count += fill(&list[*count], kinds[kind].entries[i], us, now);
	pthread_mutex_unlock(&kinds[kind].lock);
	return list;
}
