/* SPDX-License-Identifier: MIT */
/*
 * ring_writer.c - records on their way to the ring of this process
 *
 * The lock protects everything in `writer` but the open ring, which is the thread's own. It is held
 * for a few pointers, never while anything is written.
 */
#include "ring_writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/log_limit.h"
#include "base/mem.h"

/* What may wait: a writer that is this far behind has lost its disk. */
#define WAITING_OCTETS ((size_t)32 << 20)
/* Sessions that come within that time are one write; so much is one at once. */
#define GATHER_US (20 * CLOCK_MS)
#define ENOUGH	  ((size_t)1 << 20)
#define TOGETHER  64u

struct waiting {
	struct waiting *next;
	unsigned char *data;
	size_t len;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	pthread_t thread;
	bool running, ending, busy;
	bool idle;  /* the thread sleeps until something waits */
	bool hurry; /* somebody waits until all is written */
	struct waiting *first, **last;
	size_t octets;
	struct ring_config config; /* path NULL: nowhere */
	char *path;
	bool changed; /* the config, since the thread looked */
	struct ring_health health;
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER, .emptied = PTHREAD_COND_INITIALIZER};

static atomic_bool wanted;
/* A disk that stays full is said once a minute. */
static struct log_limit trouble = LOG_LIMIT(1, 60 * CLOCK_SEC);

/* --- the thread --- */

static void
count(size_t kept, size_t refused, const struct err *err)
{
	pthread_mutex_lock(&writer.lock);
	writer.health.kept += (int64_t)kept;
	writer.health.refused += (int64_t)refused;
	if (refused > 0)
		snprintf(writer.health.trouble, sizeof(writer.health.trouble), "%s", err->text);
	else
		writer.health.trouble[0] = '\0';
	pthread_mutex_unlock(&writer.lock);
	if (refused > 0)
		log_limited(&trouble, LOG_LEVEL_WARN, "%s; sessions are not kept: %zu", err->text,
			refused);
}

static struct ring *
open_ring(const struct ring_config *config, struct err *err)
{
	struct ring *ring = ring_open(config, err);

	if (ring != NULL && ring_cut(ring) > 0)
		log_write(LOG_LEVEL_WARN,
			"record: %s: %zu octets of a session that was not written whole are "
			"skipped",
			config->path, ring_cut(ring));
	return ring;
}

/* The ring of the latest configuration; NULL with words, and tried again the next time. */
static struct ring *
ring_for(struct ring *ring, struct err *err)
{
	struct ring_config config;
	char *path;
	bool changed;

	pthread_mutex_lock(&writer.lock);
	changed = writer.changed;
	writer.changed = false;
	config = writer.config;
	config.path = path = writer.path == NULL ? NULL : strdup(writer.path);
	pthread_mutex_unlock(&writer.lock);
	if (changed) {
		ring_close(ring);
		ring = NULL;
	}
	err_set(err, "record: there is no section record any more");
	if (ring == NULL && path != NULL)
		ring = open_ring(&config, err);
	free(path);
	return ring;
}

/* What the disk refused of some is tried without the one that it refused. */
static void
write_some(struct ring *ring, const struct ring_record *records, size_t n, const struct err *why)
{
	struct err err = *why;
	size_t kept = 0, refused = 0;

	while (ring != NULL && kept + refused < n) {
		kept += ring_append(ring, records + kept + refused, n - kept - refused, &err);
		refused += kept + refused < n;
	}
	count(kept, ring == NULL ? n : refused, &err);
}

/* Frees the list. */
static struct ring *
write_all(struct ring *ring, struct waiting *list)
{
	struct ring_record records[TOGETHER];
	struct err err;

	ring = ring_for(ring, &err);
	while (list != NULL) {
		size_t n = 0;

		for (struct waiting *w = list; w != NULL && n < TOGETHER; w = w->next)
			records[n++] = (struct ring_record){w->data, w->len};
		write_some(ring, records, n, &err);
		for (; n > 0; n--) {
			struct waiting *next = list->next;

			free(list->data);
			free(list);
			list = next;
		}
	}
	return ring;
}

/* With the lock: until there is enough for a write, or somebody is in a hurry. */
static void
gather(void)
{
	struct timespec until;
	int ended = 0;

	clock_after(&until, GATHER_US);
	while (!writer.ending && !writer.hurry && writer.octets < ENOUGH && ended == 0)
		ended = pthread_cond_timedwait(&writer.filled, &writer.lock, &until);
}

/* What waits; NULL: the end. */
static struct waiting *
take(void)
{
	struct waiting *list;

	pthread_mutex_lock(&writer.lock);
	writer.busy = false;
	if (writer.first == NULL) {
		writer.hurry = false;
		pthread_cond_broadcast(&writer.emptied);
	}
	while (writer.first == NULL && !writer.ending) {
		writer.idle = true;
		pthread_cond_wait(&writer.filled, &writer.lock);
	}
	writer.idle = false;
	gather();
	list = writer.first;
	writer.first = NULL;
	writer.last = &writer.first;
	writer.octets = 0;
	writer.busy = list != NULL;
	pthread_mutex_unlock(&writer.lock);
	return list;
}

static void *
serve(void *context)
{
	struct ring *ring = NULL;
	struct waiting *list;

	while ((list = take()) != NULL)
		ring = write_all(ring, list);
	ring_close(ring);
	return context;
}

/* --- for others --- */

bool
ring_writer_start(struct err *err)
{
	pthread_condattr_t attr;
	int failure;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&writer.filled, &attr);
	pthread_condattr_destroy(&attr);
	writer.last = &writer.first;
	writer.ending = writer.hurry = false;
	writer.health = (struct ring_health){0};
	failure = pthread_create(&writer.thread, NULL, serve, NULL);
	if (failure != 0)
		return err_set(err, "record: no thread: %s", strerror(failure));
	writer.running = true;
	return true;
}

void
ring_writer_configure(const struct ring_config *config)
{
	pthread_mutex_lock(&writer.lock);
	free(writer.path);
	writer.path = config == NULL ? NULL : strdup(config->path);
	writer.config = config == NULL ? (struct ring_config){0} : *config;
	writer.changed = true;
	atomic_store(&wanted, config != NULL && writer.running);
	pthread_mutex_unlock(&writer.lock);
}

bool
ring_writer_wanted(void)
{
	return atomic_load_explicit(&wanted, memory_order_relaxed);
}

void
ring_writer_put(unsigned char *data, size_t len)
{
	struct waiting *w = mem_alloc(sizeof(*w));
	bool room;

	*w = (struct waiting){.data = data, .len = len};
	pthread_mutex_lock(&writer.lock);
	room = writer.running && !writer.ending && len <= WAITING_OCTETS - writer.octets;
	if (room) {
		*writer.last = w;
		writer.last = &w->next;
		writer.octets += len;
		if (writer.idle || writer.octets >= ENOUGH)
			pthread_cond_signal(&writer.filled);
	} else {
		writer.health.crowded++;
	}
	pthread_mutex_unlock(&writer.lock);
	if (room)
		return;
	free(data);
	free(w);
}

void
ring_writer_health(struct ring_health *out)
{
	pthread_mutex_lock(&writer.lock);
	*out = writer.health;
	pthread_mutex_unlock(&writer.lock);
}

void
ring_writer_flush(void)
{
	pthread_mutex_lock(&writer.lock);
	writer.hurry = true;
	pthread_cond_signal(&writer.filled);
	while (writer.running && (writer.first != NULL || writer.busy))
		pthread_cond_wait(&writer.emptied, &writer.lock);
	pthread_mutex_unlock(&writer.lock);
}

void
ring_writer_stop(void)
{
	if (!writer.running)
		return;
	atomic_store(&wanted, false);
	pthread_mutex_lock(&writer.lock);
	writer.ending = true;
	pthread_cond_signal(&writer.filled);
	pthread_mutex_unlock(&writer.lock);
	pthread_join(writer.thread, NULL);
	writer.running = false;
	ring_writer_configure(NULL);
}
