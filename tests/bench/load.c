/* SPDX-License-Identifier: MIT */
/*
 * load.c - a bounded number of messages to a filter, over a number of connections at once, timed
 *
 * Each connection is a thread that plays the MTA with the client of the transcripts, so the filter
 * is asked exactly what Postfix would ask it. With a corpus it sends that, over and over, in order;
 * without one, the same small message. Prints one line of JSON.
 */
#include "load_corpus.h"
#include "load_options.h"
#include "load_outcome.h"
#include "load_player.h"
#include "load_times.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../smtp/mta.h"

#define FAILURES_MAX 100 /* a connection gives up after so many */
#define TIMEOUT_MS   30000
#define ADDRESS_SIZE 320u

/* What all threads share. */
struct load {
	struct options options;
	char *body;
	struct corpus corpus;
	atomic_uint taken; /* sessions of the corpus, or messages that some thread has begun, or
			      will on its connection */
	double deadline;
	pthread_barrier_t start;
};

struct worker {
	struct load *load;
	pthread_t thread;
	unsigned number;
	struct mta *mta;
	unsigned sent;	   /* on this connection */
	unsigned message;  /* its number; those of one connection follow each other */
	unsigned rcpt;	   /* of the message */
	unsigned deferred; /* messages of which no recipient was taken */
	unsigned deferred_rcpts;
	struct times times; /* ms of each message that was taken */
	double longest;	    /* ms, of a single command */
	unsigned failures;
	struct player *player;		/* of a corpus; without one NULL */
	const struct corpus_mail *mail; /* of the corpus, the latest */
};

static double
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

/* --- one message, command by command ------------------------------------------------------------
 */

static const struct {
	const char *name;
	const char *value;
} headers[] = {
	{"Received",
		" from client.example.org (client.example.org [198.51.100.7])\n\tby "
		"mail.example.org "
		"(Postfix) with ESMTPS id 4XZ9Yt0kqzQ;\n\tMon, 23 Nov 2026 09:14:02 +0000 (UTC)"},
	{"DKIM-Signature",
		" v=1; a=rsa-sha256; c=relaxed/simple; d=example.org;\n\ts=2026; t=1795425242; "
		"bh=g3zLYH4xKxcPrHOD18z9YfpQcnk/GaJedfustWU5uGs=;\n\th=From:To:Subject:Date;\n\t"
		"b=dGhpcyBpcyBub3QgYSBzaWduYXR1cmUsIGJ1dCBpdCBpcyBhcyBsb25nIGFzIG9uZQ=="},
	{"From", " Alice Example <alice@example.org>"},
	{"To", " Bob Example <bob@example.com>"},
	{"Subject", " the minutes of our meeting"},
	{"Date", " Mon, 23 Nov 2026 09:14:01 +0000"},
	{"Message-ID", " <20261123091401.4XZ9Yt0kqzQ@mail.example.org>"},
	{"MIME-Version", " 1.0"},
	{"Content-Type", " text/plain; charset=utf-8"},
};

/* "#" in a pattern is that number, "%" is that client. */
static void
expand(char out[ADDRESS_SIZE], const char *pattern, unsigned number, unsigned client)
{
	size_t len = 0;

	out[len++] = '<';
	/* Room for a number and what ends it. */
	for (const char *p = pattern; *p && len + 16 < ADDRESS_SIZE; p++) {
		if (*p == '#' || *p == '%')
			len += (size_t)snprintf(
				out + len, ADDRESS_SIZE - len, "%u", *p == '#' ? number : client);
		else
			out[len++] = *p;
	}
	memcpy(out + len, ">", 2);
}

/* Messages of one connection come from one client; each has a network of its own. */
static unsigned
client_of(const struct worker *w)
{
	const struct options *o = &w->load->options;

	return o->clients > 0 ? w->message / o->per_connection % o->clients : 0;
}

static enum mta_status
say_connect(struct worker *w)
{
	unsigned client = client_of(w);
	char address[32] = "203.0.113.7";

	if (w->load->options.clients > 0)
		snprintf(address, sizeof address, "10.%u.%u.7", client >> 8 & 255, client & 255);
	return mta_connect(w->mta, "mail.example.org", address, (uint16_t)(40000 + w->number));
}

static enum mta_status
say_helo(struct worker *w)
{
	return mta_helo(w->mta, "mail.example.org");
}

static enum mta_status
say_mail(struct worker *w)
{
	const struct options *o = &w->load->options;
	unsigned number = o->senders > 0 ? w->message % o->senders : w->message;
	char from[ADDRESS_SIZE];
	const char *const words[] = {from, "SIZE=4000"};

	expand(from, o->from, number, client_of(w));
	return mta_mail(w->mta, words, 2);
}

static enum mta_status
say_rcpt(struct worker *w)
{
	char to[ADDRESS_SIZE];
	const char *const words[] = {to};

	expand(to, w->load->options.to, w->rcpt, client_of(w));
	return mta_rcpt(w->mta, words, 1);
}

static enum mta_status
say_data(struct worker *w)
{
	return mta_data(w->mta);
}

static enum mta_status
say_headers(struct worker *w)
{
	enum mta_status status = MTA_NONE;

	for (size_t i = 0; status < MTA_REJECT && i < sizeof headers / sizeof *headers; i++)
		status = mta_header(w->mta, headers[i].name, headers[i].value);
	return status;
}

static enum mta_status
say_eoh(struct worker *w)
{
	return mta_eoh(w->mta);
}

static enum mta_status
say_body(struct worker *w)
{
	return mta_body(w->mta, w->load->body, w->load->options.size);
}

static enum mta_status
say_eom(struct worker *w)
{
	return mta_eom(w->mta);
}

static enum mta_status
time_command(struct worker *w, enum mta_status (*say)(struct worker *w))
{
	double began = now_ms();
	enum mta_status status = say(w);
	double took = now_ms() - began;

	if (took > w->longest)
		w->longest = took;
	return status;
}

/* False when the filter did not take it. */
static bool
do_command(struct worker *w, enum mta_status (*say)(struct worker *w))
{
	return time_command(w, say) < MTA_REJECT;
}

static void
log_in(struct mta *m, const char *login)
{
	mta_macro(m, "auth_authen", login);
	mta_macro(m, "auth_type", "PLAIN");
	mta_macro(m, "cipher", "TLS_AES_256_GCM_SHA384");
	mta_macro(m, "cipher_bits", "256");
	mta_macro(m, "daemon_port", "587");
	mta_macro(m, "tls_version", "TLSv1.3");
}

static bool
open_connection(struct worker *w)
{
	w->sent = 0;
	w->mta = mta_open(w->load->options.address, TIMEOUT_MS);
	if (w->mta && w->load->options.login)
		log_in(w->mta, w->load->options.login);
	return w->mta && mta_negotiate(w->mta, &mta_offer_postfix) == MTA_NEGOTIATED &&
	       do_command(w, say_connect) && do_command(w, say_helo);
}

/* False when one was refused who should not be; *taken: how many were not. */
static bool
send_rcpts(struct worker *w, unsigned *taken)
{
	const struct options *o = &w->load->options;

	*taken = 0;
	for (w->rcpt = 0; w->rcpt < o->rcpts; w->rcpt++) {
		enum mta_status status = time_command(w, say_rcpt);

		if (status >= MTA_REJECT && (status != MTA_TEMPFAIL || !o->may_defer))
			return false;
		if (status == MTA_TEMPFAIL)
			w->deferred_rcpts++;
		else
			(*taken)++;
	}
	return true;
}

/* A client whose recipients must all wait gives the message up, and its connection goes on. */
static bool
send_message(struct worker *w)
{
	unsigned taken;

	if (!(w->mta || open_connection(w)) || !do_command(w, say_mail) || !send_rcpts(w, &taken))
		return false;
	if (taken == 0) {
		mta_abort(w->mta);
		w->deferred++;
		return true;
	}
	return do_command(w, say_data) && do_command(w, say_headers) && do_command(w, say_eoh) &&
	       do_command(w, say_body) && do_command(w, say_eom);
}

/* --- threads ------------------------------------------------------------------------------------
 */

static void
hang_up(struct worker *w)
{
	if (w->mta)
		mta_quit(w->mta);
	mta_close(w->mta);
	w->mta = NULL;
}

/* A session is taken as a whole, and one that has begun is brought to its end. */
static bool
take_mail(struct worker *w)
{
	struct load *l = w->load;

	if (w->mail && !w->mail->last) {
		w->mail++;
		return true;
	}
	size_t session = atomic_fetch_add(&l->taken, 1);
	if (l->options.passes > 0 && session >= l->options.passes * l->corpus.session_count)
		return false;
	w->mail = &l->corpus.mails[l->corpus.sessions[session % l->corpus.session_count]];
	return now_ms() < l->deadline;
}

static bool
send_mail(struct worker *w)
{
	char outcome[OUTCOME_SIZE];
	bool ok = player_send(w->player, w->mail, outcome);

	outcome_add(w->mail->class, outcome);
	if (!ok) {
		fprintf(stderr, "load: %s of class %s: %s\n", w->mail->sender, w->mail->class,
			outcome);
		w->mail = NULL;
	}
	return ok;
}

/* A connection takes all its messages at once, so that their numbers do not depend on luck. */
static bool
take_message(struct worker *w)
{
	struct load *l = w->load;

	if (now_ms() >= l->deadline)
		return false;
	if (w->mta)
		w->message++;
	else
		w->message = atomic_fetch_add(&l->taken, l->options.per_connection);
	return w->message < l->options.messages;
}

static void *
work(void *context)
{
	struct worker *w = context;

	pthread_barrier_wait(&w->load->start);
	while (w->failures < FAILURES_MAX && (w->player ? take_mail(w) : take_message(w))) {
		double began = now_ms();
		bool ok = w->player ? send_mail(w) : send_message(w);

		if (ok)
			times_add(&w->times, now_ms() - began);
		else
			w->failures++;
		if (!w->player && (!ok || ++w->sent == w->load->options.per_connection))
			hang_up(w);
	}
	hang_up(w);
	return NULL;
}

/* --- figures -------------------------------------------------------------------------------------
 */

static bool
print_figures(const struct load *l, const struct worker *workers, double seconds)
{
	struct times all = {0};
	double longest = 0;
	unsigned failures = 0, deferred = 0, deferred_rcpts = 0;

	for (unsigned i = 0; i < l->options.connections; i++) {
		times_add_all(&all, &workers[i].times);
		failures += workers[i].failures;
		deferred += workers[i].deferred;
		deferred_rcpts += workers[i].deferred_rcpts;
		if (workers[i].longest > longest)
			longest = workers[i].longest;
	}
	printf("{\"connections\": %u, \"messages\": %zu, \"seconds\": %.3f, \"messages_per_s\": "
	       "%.1f, "
	       "\"p50_ms\": %.3f, \"p95_ms\": %.3f, \"p99_ms\": %.3f, \"longest_command_ms\": "
	       "%.3f, "
	       "\"deferred\": %u, \"deferred_rcpts\": %u, \"failures\": %u}\n",
		l->options.connections, all.count, seconds, (double)all.count / seconds,
		times_percentile(&all, 50), times_percentile(&all, 95), times_percentile(&all, 99),
		longest, deferred, deferred_rcpts, failures);
	bool ok = failures == 0 && all.count > 0;
	times_fini(&all);
	return ok;
}

static void
start_workers(struct load *l, struct worker *workers)
{
	for (unsigned i = 0; i < l->options.connections; i++) {
		workers[i] = (struct worker){.load = l, .number = i};
		if (l->options.corpus)
			workers[i].player = player_new(l->options.address, l->options.then);
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
			fprintf(stderr, "load: cannot start thread %u\n", i + 1);
			exit(1);
		}
	}
}

static bool
run(struct load *l)
{
	const unsigned count = l->options.connections;
	struct worker *workers = calloc(count, sizeof *workers);

	l->body = malloc(l->options.size + 1);
	if (!workers || !l->body)
		abort();
	for (unsigned i = 0; i < l->options.size; i++)
		l->body[i] = "Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam "
			     "nonumy.\r\n"[i % 75];
	pthread_barrier_init(&l->start, NULL, count + 1);
	start_workers(l, workers);
	double began = now_ms();
	l->deadline = began + (double)l->options.seconds * 1000;
	pthread_barrier_wait(&l->start);
	for (unsigned i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
	bool ok = print_figures(l, workers, (now_ms() - began) / 1000);
	for (unsigned i = 0; i < count; i++) {
		times_fini(&workers[i].times);
		if (workers[i].player)
			player_free(workers[i].player);
	}
	pthread_barrier_destroy(&l->start);
	free(workers);
	free(l->body);
	return ok;
}

/* --- what the filter agreed to
 * -------------------------------------------------------------------- */

/* Prints the arguments that make noop agree to the same; lists are numbered as SMFIM_*. */
static bool
show_negotiation(const char *address)
{
	static const char *const names[MTA_LISTS] = {
		"connect", "helo", "mail", "rcpt", "data", "eom", "eoh"};
	struct mta *m = mta_open(address, TIMEOUT_MS);
	bool ok = m && mta_negotiate(m, &mta_offer_postfix) == MTA_NEGOTIATED;

	if (!ok) {
		fprintf(stderr, "load: no agreement with %s\n", address);
		mta_close(m);
		return false;
	}
	const struct mta_terms *t = mta_terms(m);
	printf("--steps 0x%x --actions 0x%x", t->steps, t->actions);
	for (size_t i = 0; i < MTA_LISTS; i++) {
		if (!t->lists[i])
			continue;
		printf(" --macros %s:", names[i]);
		for (const char *p = t->lists[i]; *p; p++)
			putchar(*p == ' ' ? ',' : *p);
	}
	putchar('\n');
	mta_quit(m);
	mta_close(m);
	return true;
}

int
main(int argc, char **argv)
{
	static struct load l;

	if (!options_read(argc, argv, &l.options))
		return 2;
	if (l.options.show_negotiation)
		return show_negotiation(l.options.address) ? 0 : 1;
	if (l.options.corpus && !corpus_read(&l.corpus, l.options.corpus))
		return 2;
	bool ok = run(&l);
	return (!l.options.outcomes || outcome_write(l.options.outcomes)) && ok ? 0 : 1;
}
