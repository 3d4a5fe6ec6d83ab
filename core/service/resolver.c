/* SPDX-License-Identifier: MIT */
/*
 * resolver.c - one resolver for everything that asks DNS
 *
 * Resolvers that are open are listed, so that a reload which does not change the section dns keeps
 * what is known.
 */
#include "resolver.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/worker.h"
#include "resolver_backend.h"
#include "resolver_name.h"
#include "resolver_table.h"

/* What a zone file says fits into that. */
#define ZONE_CACHE (4u << 20)

struct resolver {
	unsigned references; /* under the list's lock */
	struct resolver *next;
	struct resolver_config config;
	const struct resolver_backend *backend;
	void *self; /* of the back end */
	struct resolver_table table;
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct resolver *list; /* those over libunbound; under the lock */
/* Closed, but a thread that was stuck may still come back to answer their questions. */
static struct resolver *abandoned; /* under the lock */

/* --- open and close --- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_config(const struct resolver_config *a, const struct resolver_config *b)
{
	if (a->timeout_us != b->timeout_us || a->cache_size != b->cache_size ||
		a->dnssec != b->dnssec || !same_text(a->trust_anchor, b->trust_anchor) ||
		a->resolvers.count != b->resolvers.count)
		return false;
	for (size_t i = 0; i < a->resolvers.count; i++) {
		if (strcmp(a->resolvers.items[i], b->resolvers.items[i]) != 0)
			return false;
	}
	return true;
}

/* A copy, for the generation that it comes from may end first. */
static struct resolver_config
copy_config(const struct resolver_config *c)
{
	struct resolver_config copy = *c;
	const char **items = mem_zalloc(c->resolvers.count + 1, sizeof(*items));

	for (size_t i = 0; i < c->resolvers.count; i++)
		items[i] = strdup(c->resolvers.items[i]);
	copy.resolvers.items = items;
	copy.trust_anchor = c->trust_anchor == NULL ? NULL : strdup(c->trust_anchor);
	return copy;
}

static void
free_config(struct resolver_config *c)
{
	for (size_t i = 0; i < c->resolvers.count; i++)
		free((void *)(uintptr_t)c->resolvers.items[i]);
	free((void *)(uintptr_t)c->resolvers.items);
	free((void *)(uintptr_t)c->trust_anchor);
}

static struct resolver *
new_resolver(const struct resolver_backend *backend, size_t octets)
{
	struct resolver *r = mem_zalloc(1, sizeof(*r));

	r->references = 1;
	r->backend = backend;
	resolver_table_init(&r->table, octets);
	return r;
}

static void
resolver_free(struct resolver *r)
{
	if (r->self != NULL && !r->backend->close(r->self)) {
		pthread_mutex_lock(&list_lock);
		r->next = abandoned;
		abandoned = r;
		pthread_mutex_unlock(&list_lock);
		return;
	}
	resolver_table_fini(&r->table);
	free_config(&r->config);
	free(r);
}

/* With the list's lock. */
static struct resolver *
open_new(const struct resolver_config *config, struct err *err)
{
	struct resolver *r = new_resolver(&resolver_unbound, (size_t)config->cache_size / 2);

	r->config = copy_config(config);
	r->self = resolver_unbound_open(&r->config, err);
	if (r->self == NULL) {
		resolver_free(r);
		return NULL;
	}
	r->next = list;
	list = r;
	return r;
}

struct resolver *
resolver_open(const struct resolver_config *config, struct err *err)
{
	struct resolver *r;

	pthread_mutex_lock(&list_lock);
	for (r = list; r != NULL && !same_config(&r->config, config);)
		r = r->next;
	if (r != NULL)
		r->references++;
	else
		r = open_new(config, err);
	pthread_mutex_unlock(&list_lock);
	return r;
}

/* NULL for a zone that could not be read. */
static struct resolver *
open_over(void *zone)
{
	struct resolver *r;

	if (zone == NULL)
		return NULL;
	r = new_resolver(&resolver_zone, ZONE_CACHE);
	r->self = zone;
	return r;
}

struct resolver *
resolver_open_zone(const char *path, struct diag *diag)
{
	return open_over(resolver_zone_open(path, diag));
}

struct resolver *
resolver_open_text(const char *name, const char *text, size_t len, resolver_missed *missed,
	void *context, struct diag *diag)
{
	return open_over(resolver_zone_parse(name, text, len, missed, context, diag));
}

struct resolver *
resolver_open_given(resolver_answers *answers, void *context)
{
	struct resolver *r = new_resolver(&resolver_given, 0);

	r->self = resolver_given_open(answers, context);
	return r;
}

void
resolver_close(struct resolver *r)
{
	struct resolver **at = &list;
	bool last;

	if (r == NULL)
		return;
	pthread_mutex_lock(&list_lock);
	last = --r->references == 0;
	while (last && *at != NULL && *at != r)
		at = &(*at)->next;
	if (last && *at == r)
		*at = r->next;
	pthread_mutex_unlock(&list_lock);
	if (last)
		resolver_free(r);
}

/* --- questions --- */

struct question *
resolver_ask(struct resolver *r, const char *text, enum cm_dns_type type)
{
	char name[RESOLVER_NAME_SIZE];
	struct question *q;
	size_t len;
	bool valid = resolver_name(text, name, &len), is_new;

	q = resolver_table_get(&r->table, valid ? name : "\\", valid ? len : 1, type, &is_new);
	if (!is_new)
		return q;
	atomic_fetch_add(&q->references, 1);
	if (valid)
		r->backend->ask(r->self, q);
	else
		question_answer(q, answer_new(CM_DNS_BAD_NAME, "", 1));
	return q;
}

void
resolver_count(struct resolver *r, struct resolver_counts *out)
{
	resolver_table_count(&r->table, out);
}

bool
question_answered(const struct question *q)
{
	return atomic_load(&q->answer) != NULL;
}

struct waiting {
	struct question *question;
	bool cancelled; /* under the shard's lock */
};

static void
cancel(void *context)
{
	struct waiting *w = context;

	pthread_mutex_lock(&w->question->shard->lock);
	w->cancelled = true;
	pthread_cond_broadcast(&w->question->answered);
	pthread_mutex_unlock(&w->question->shard->lock);
}

/* What to say of a question that is still open then. */
static enum cm_dns_status
wait_until(struct question *q, int64_t deadline)
{
	struct waiting w = {.question = q};
	struct timespec until;
	int ended = 0;

	clock_after(&until, deadline - clock_now());
	worker_wait_begin(cancel, &w);
	pthread_mutex_lock(&q->shard->lock);
	while (!question_answered(q) && !w.cancelled && ended == 0)
		ended = pthread_cond_timedwait(&q->answered, &q->shard->lock, &until);
	pthread_mutex_unlock(&q->shard->lock);
	worker_wait_end();
	return w.cancelled ? CM_DNS_CANCELLED : CM_DNS_TIMEOUT;
}

void
question_wait(struct question *q, int64_t deadline, struct cm_dns_answer *out)
{
	enum cm_dns_status otherwise = CM_DNS_CANCELLED;
	const struct answer *a;

	if (!question_answered(q) && !worker_stopped())
		otherwise = wait_until(q, deadline);
	a = atomic_load(&q->answer);
	if (a == NULL) {
		*out = (struct cm_dns_answer){.status = otherwise, .name = q->name};
		return;
	}
	*out = a->said;
	if (out->ttl > 0) {
		int64_t left = q->expires - clock_now();

		out->ttl = left <= 0 ? 1 : (uint32_t)((left + CLOCK_SEC - 1) / CLOCK_SEC);
	}
}
