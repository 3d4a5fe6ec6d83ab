/* SPDX-License-Identifier: MIT */
/*
 * burst.c - many sessions become ready together for a check that waits; is anybody else served?
 *
 * Each session is a thread that says MAIL on port 25, where the check waits. Meanwhile fresh
 * connections on port 587, where nothing waits, are timed from connect to end of message. Prints
 * one line of JSON.
 */
#include "../smtp/mta.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MOST	   5000
#define TIMEOUT_MS 300000
#define STACK	   ((size_t)128 << 10)

static const char *address;
static pthread_barrier_t ready;
static atomic_uint left, failures;

struct session {
	struct mta *mta;
	pthread_t thread;
	double took;
};

static double
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static struct mta *
open_session(const char *port)
{
	struct mta *m = mta_open(address, TIMEOUT_MS);

	if (!m)
		return NULL;
	mta_macro(m, "daemon_port", port);
	if (mta_negotiate(m, &mta_offer_postfix) == MTA_NEGOTIATED &&
		mta_connect(m, "mail.example.org", "203.0.113.7", 40000) < MTA_REJECT &&
		mta_helo(m, "mail.example.org") < MTA_REJECT)
		return m;
	mta_close(m);
	return NULL;
}

static bool
say_mail(struct mta *m)
{
	const char *const from[] = {"<alice@example.org>"};

	return mta_mail(m, from, 1) < MTA_REJECT;
}

static void *
wait_for_mail(void *context)
{
	struct session *s = context;

	pthread_barrier_wait(&ready);
	double began = now_ms();

	if (!s->mta || !say_mail(s->mta))
		atomic_fetch_add(&failures, 1);
	s->took = now_ms() - began;
	atomic_fetch_sub(&left, 1);
	return NULL;
}

/* Milliseconds of a whole session that waits for nothing; negative: it was not served. */
static double
probe(void)
{
	const char *const to[] = {"<bob@example.com>"};
	double began = now_ms();
	struct mta *m = open_session("587");
	bool ok = m && say_mail(m) && mta_rcpt(m, to, 1) < MTA_REJECT && mta_data(m) < MTA_REJECT &&
		  mta_eom(m) < MTA_REJECT;

	mta_close(m);
	return ok ? now_ms() - began : -1;
}

static void
pause_ms(long ms)
{
	const struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

static bool
start(struct session *sessions, unsigned count)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (unsigned i = 0; i < count; i++) {
		sessions[i].mta = open_session("25");
		if (!sessions[i].mta || pthread_create(&sessions[i].thread, &attr, wait_for_mail,
						&sessions[i]) != 0) {
			fprintf(stderr, "burst: session %u cannot begin\n", i + 1);
			return false;
		}
	}
	pthread_attr_destroy(&attr);
	return true;
}

int
main(int argc, char **argv)
{
	static struct session sessions[MOST];
	unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	double longest_probe = 0, longest = 0;
	unsigned probes = 0;

	if (count < 1 || count > MOST) {
		fprintf(stderr, "usage: burst SOCKET SESSIONS\n");
		return 2;
	}
	address = argv[1];
	atomic_init(&left, count);
	pthread_barrier_init(&ready, NULL, count + 1);
	if (!start(sessions, count))
		return 1;
	pthread_barrier_wait(&ready);
	double began = now_ms();

	while (atomic_load(&left) > 0) {
		double took = probe();

		probes++;
		if (took < 0)
			atomic_fetch_add(&failures, 1);
		if (took > longest_probe)
			longest_probe = took;
		pause_ms(20);
	}
	double all = now_ms() - began;

	for (unsigned i = 0; i < count; i++) {
		pthread_join(sessions[i].thread, NULL);
		mta_close(sessions[i].mta);
		if (sessions[i].took > longest)
			longest = sessions[i].took;
	}
	printf("{\"sessions\": %u, \"all_done_ms\": %.0f, \"longest_ms\": %.0f, \"probes\": %u, "
	       "\"longest_probe_ms\": %.1f, \"failures\": %u}\n",
		count, all, longest, probes, longest_probe, atomic_load(&failures));
	return atomic_load(&failures) == 0 ? 0 : 1;
}
