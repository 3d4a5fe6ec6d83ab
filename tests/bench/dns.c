/* SPDX-License-Identifier: MIT */
/*
 * dns.c - the resolver itself, timed: what is known already, and beside thousands that stay silent
 *
 * Asks the hostile server of tests/dns through the resolver as the daemon does, and where it says
 * so libunbound without it. Prints one line of JSON.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "service/resolver.h"
#include "service/resolver_context.h"
#include "service/resolver_event.h"

#define TIMEOUT	     (4 * CLOCK_SEC)
#define HEALTHY_US   (10 * CLOCK_MS) /* one question each; 100 a second */
#define ASKERS	     64		     /* who can wait for them at the same time */
#define SILENT	     5000	     /* questions in flight */
#define KNOWN	     1000	     /* names that are in the cache */
#define TURNS	     1000000
#define SYNC_TURNS   2000
#define THREADS_MOST 2

static struct resolver_config config = {.timeout_us = TIMEOUT, .cache_size = 32 << 20};
static struct resolver *resolver;

static bool
ask_healthy(const char *name)
{
	struct question *q = resolver_ask(resolver, name, CM_DNS_A);
	struct cm_dns_answer a;

	question_wait(q, clock_now() + 2 * TIMEOUT, &a);
	question_drop(q);
	return a.status == CM_DNS_FOUND;
}

static void
sleep_until(int64_t when)
{
	int64_t left = when - clock_now();
	const struct timespec time = {left / CLOCK_SEC, (long)(left % CLOCK_SEC) * 1000};

	if (left > 0)
		nanosleep(&time, NULL);
}

/* --- beside silent names ---------------------------------------------------------------------- */

static struct crowd {
	int64_t began, ends;
	atomic_uint next; /* healthy question */
	unsigned count;	  /* of them */
	double *ms;	  /* from when it was due, so that who comes late is not forgiven */
	atomic_uint failures;
	atomic_uint asked; /* silent ones */
} crowd;

static void *
ask_in_time(void *context)
{
	char name[64];
	unsigned i;

	(void)context;
	while ((i = atomic_fetch_add(&crowd.next, 1)) < crowd.count) {
		int64_t due = crowd.began + i * HEALTHY_US;

		sleep_until(due);
		snprintf(name, sizeof name, "ok.h%u.example", i);
		if (!ask_healthy(name))
			atomic_fetch_add(&crowd.failures, 1);
		crowd.ms[i] = (double)(clock_now() - due) / 1000;
	}
	return NULL;
}

static struct question *
next_silent(void)
{
	char name[64];

	snprintf(name, sizeof name, "silent.s%u.example", atomic_fetch_add(&crowd.asked, 1));
	return resolver_ask(resolver, name, CM_DNS_A);
}

/* Each one whose time has ended is followed by another; they begin evenly over that time. */
static void *
keep_silent(void *context)
{
	static struct question *questions[SILENT];
	int64_t began = clock_now();

	(void)context;
	for (unsigned i = 0; i < SILENT; i++) {
		sleep_until(began + i * (TIMEOUT / SILENT));
		questions[i] = next_silent();
	}
	while (clock_now() < crowd.ends) {
		for (unsigned i = 0; i < SILENT; i++)
			if (question_answered(questions[i])) {
				question_drop(questions[i]);
				questions[i] = next_silent();
			}
		sleep_until(clock_now() + 10 * CLOCK_MS);
	}
	for (unsigned i = 0; i < SILENT; i++)
		question_drop(questions[i]);
	return NULL;
}

static int
by_size(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
resident_mb(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (f && fscanf(f, "%*s %ld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static void
start(pthread_t *thread, void *(*run)(void *), void *context)
{
	if (pthread_create(thread, NULL, run, context) != 0)
		abort();
}

static bool
measure_silent(unsigned seconds, bool with_silent)
{
	pthread_t askers[ASKERS], keeper;

	crowd.count = (unsigned)(seconds * CLOCK_SEC / HEALTHY_US);
	crowd.ms = calloc(crowd.count, sizeof *crowd.ms);
	if (!crowd.ms)
		abort();
	crowd.began = clock_now() + 2 * TIMEOUT; /* the silent ones are all there by then */
	crowd.ends = crowd.began + (int64_t)seconds * CLOCK_SEC;
	if (with_silent)
		start(&keeper, keep_silent, NULL);
	for (unsigned i = 0; i < ASKERS; i++)
		start(&askers[i], ask_in_time, NULL);
	for (unsigned i = 0; i < ASKERS; i++)
		pthread_join(askers[i], NULL);
	double mb = resident_mb();

	if (with_silent)
		pthread_join(keeper, NULL);
	qsort(crowd.ms, crowd.count, sizeof *crowd.ms, by_size);
	printf("{\"silent_in_flight\": %u, \"silent_asked\": %u, \"healthy\": %u, \"failures\": "
	       "%u, "
	       "\"p50_ms\": %.2f, \"p99_ms\": %.2f, \"longest_ms\": %.2f, \"resident_mb\": %.0f}\n",
		with_silent ? SILENT : 0, atomic_load(&crowd.asked), crowd.count,
		atomic_load(&crowd.failures), crowd.ms[crowd.count / 2],
		crowd.ms[crowd.count * 99 / 100], crowd.ms[crowd.count - 1], mb);
	return atomic_load(&crowd.failures) == 0;
}

/* --- what is known already -------------------------------------------------------------------- */

static char known[KNOWN][64];
static pthread_barrier_t ready;

static void *
ask_known(void *context)
{
	double *us = context;

	pthread_barrier_wait(&ready);
	int64_t began = clock_now();

	for (unsigned i = 0; i < TURNS; i++)
		if (!ask_healthy(known[i % KNOWN]))
			abort();
	*us = (double)(clock_now() - began) / TURNS;
	return NULL;
}

/* Microseconds of a question, with so many threads asking. */
static double
time_known(unsigned threads)
{
	pthread_t ids[THREADS_MOST];
	double us[THREADS_MOST], sum = 0;

	pthread_barrier_init(&ready, NULL, threads);
	for (unsigned i = 0; i < threads; i++)
		start(&ids[i], ask_known, &us[i]);
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		sum += us[i];
	}
	pthread_barrier_destroy(&ready);
	return sum / threads;
}

/* --- libunbound without us -------------------------------------------------------------------- */

static unsigned long called;

static void
count_answer(void *context, int rcode, void *packet, int len, int security, char *why, int limited)
{
	(void)context, (void)packet, (void)len, (void)security, (void)why, (void)limited;
	if (rcode != 0)
		abort();
	called++;
}

static struct ub_ctx *
bare_context(struct ub_event_base *base)
{
	struct err err;
	struct ub_ctx *ctx = resolver_context(base, &config, &err);

	if (ctx)
		return ctx;
	fprintf(stderr, "dns: %s\n", err.text);
	exit(1);
}

/* The first time round asks, the second is measured: it calls back from inside the call. */
static double
time_event(void)
{
	struct event_loop *loop = event_loop_new(eventfd(0, EFD_CLOEXEC));
	struct ub_ctx *ctx = bare_context(event_loop_base(loop));
	int64_t began;
	int id;

	for (unsigned i = 0; i < KNOWN; i++) {
		ub_resolve_event(ctx, known[i], CM_DNS_A, 1, NULL, count_answer, &id);
		while (called <= i && event_loop_turn(loop, INT64_MAX))
			continue;
	}
	began = clock_now();
	for (unsigned i = 0; i < TURNS; i++)
		ub_resolve_event(ctx, known[i % KNOWN], CM_DNS_A, 1, NULL, count_answer, &id);
	double us = (double)(clock_now() - began) / TURNS;

	if (called != KNOWN + TURNS)
		abort();
	ub_ctx_delete(ctx);
	event_loop_free(loop);
	return us;
}

static double
time_sync(void)
{
	struct ub_ctx *ctx = ub_ctx_create();
	struct ub_result *result;
	int64_t began = 0;

	if (!ctx || ub_ctx_set_option(ctx, "do-not-query-localhost:", "no") != 0 ||
		ub_ctx_set_option(ctx, "module-config:", "iterator") != 0 ||
		ub_ctx_set_fwd(ctx, config.resolvers.items[0]) != 0)
		abort();
	for (unsigned i = 0; i < SYNC_TURNS + 1; i++) {
		if (ub_resolve(ctx, known[0], CM_DNS_A, 1, &result) != 0 || !result->havedata)
			abort();
		ub_resolve_free(result);
		if (i == 0)
			began = clock_now();
	}
	double us = (double)(clock_now() - began) / SYNC_TURNS;

	ub_ctx_delete(ctx);
	return us;
}

static bool
measure_known(void)
{
	double one, two;

	for (unsigned i = 0; i < KNOWN; i++) {
		snprintf(known[i], sizeof *known, "ok.k%u.example", i);
		if (!ask_healthy(known[i]))
			return false;
	}
	one = time_known(1);
	two = time_known(2);
	printf("{\"known_us_1_thread\": %.3f, \"known_us_2_threads\": %.3f, "
	       "\"ub_resolve_event_us\": %.3f, \"ub_resolve_us\": %.1f}\n",
		one, two, time_event(), time_sync());
	return true;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	unsigned seconds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	const char *servers[1] = {argc > 1 ? argv[1] : NULL};
	bool silent = strcmp(what, "silent") == 0 || strcmp(what, "alone") == 0, ok;
	struct err err;

	if (!(silent && argc == 4 && seconds > 0) && !(strcmp(what, "known") == 0 && argc == 3)) {
		fprintf(stderr, "usage: dns SERVER@PORT known\n"
				"       dns SERVER@PORT silent|alone SECONDS\n");
		return 2;
	}
	config.resolvers = (struct cm_list){.count = 1, .items = servers};
	resolver = resolver_open(&config, &err);
	if (!resolver) {
		fprintf(stderr, "dns: %s\n", err.text);
		return 1;
	}
	ok = silent ? measure_silent(seconds, strcmp(what, "silent") == 0) : measure_known();
	resolver_close(resolver);
	return ok ? 0 : 1;
}
