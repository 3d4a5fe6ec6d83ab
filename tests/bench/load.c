/* SPDX-License-Identifier: MIT */
/*
 * load.c - a bounded number of messages to a filter, over a number of connections at once, timed
 *
 * Each connection is a thread that plays the MTA with the client of the transcripts, so the filter
 * is asked exactly what Postfix would ask it. Prints one line of JSON.
 */
#include "../smtp/mta.h"

#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS_MAX 1024
#define MESSAGES_MAX	10000000
#define FAILURES_MAX	100 /* a connection gives up after so many */
#define TIMEOUT_MS	30000

struct options {
	const char *address;
	const char *login; /* over TLS; NULL: not logged in */
	const char *from;  /* "#" in it stands for the number of the message */
	unsigned senders;  /* different numbers; 0: no number comes again */
	unsigned connections;
	unsigned messages;
	unsigned size;
	unsigned rcpts;
	unsigned per_connection;
	unsigned seconds;
	bool show_negotiation;
};

/* What all threads share. */
struct load {
	struct options options;
	char *body;
	atomic_uint taken; /* messages that some thread has begun */
	double deadline;
	pthread_barrier_t start;
};

struct worker {
	struct load *load;
	pthread_t thread;
	unsigned number;
	struct mta *mta;
	unsigned sent;	  /* on this connection */
	unsigned message; /* its number, of all connections */
	double *times;	  /* ms of each message that was taken */
	size_t time_count;
	size_t time_room;
	double longest; /* ms, of a single command */
	unsigned failures;
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

static enum mta_status
say_connect(struct worker *w)
{
	return mta_connect(
		w->mta, "mail.example.org", "203.0.113.7", (uint16_t)(40000 + w->number));
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
	const char *mark = strchr(o->from, '#');
	char from[300];
	const char *const words[] = {from, "SIZE=4000"};

	if (mark)
		snprintf(from, sizeof from, "<%.*s%u%s>", (int)(mark - o->from), o->from, number,
			mark + 1);
	else
		snprintf(from, sizeof from, "<%s>", o->from);
	return mta_mail(w->mta, words, 2);
}

static enum mta_status
say_rcpt(struct worker *w)
{
	const char *const words[] = {"<bob@example.com>"};

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

/* Does and times one command; false when the filter did not take it. */
static bool
do_command(struct worker *w, enum mta_status (*say)(struct worker *w))
{
	double began = now_ms();
	enum mta_status status = say(w);
	double took = now_ms() - began;

	if (took > w->longest)
		w->longest = took;
	return status < MTA_REJECT;
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

static bool
send_message(struct worker *w)
{
	bool ok = (w->mta || open_connection(w)) && do_command(w, say_mail);

	for (unsigned i = 0; ok && i < w->load->options.rcpts; i++)
		ok = do_command(w, say_rcpt);
	return ok && do_command(w, say_data) && do_command(w, say_headers) &&
	       do_command(w, say_eoh) && do_command(w, say_body) && do_command(w, say_eom);
}

/* --- threads ------------------------------------------------------------------------------------
 */

static void
note_time(struct worker *w, double ms)
{
	if (w->time_count == w->time_room) {
		w->time_room = w->time_room ? w->time_room * 2 : 1024;
		w->times = realloc(w->times, w->time_room * sizeof *w->times);
		if (!w->times)
			abort();
	}
	w->times[w->time_count++] = ms;
}

static void
hang_up(struct worker *w)
{
	if (w->mta)
		mta_quit(w->mta);
	mta_close(w->mta);
	w->mta = NULL;
}

static bool
take_message(struct load *l, unsigned *number)
{
	if (now_ms() >= l->deadline)
		return false;
	*number = atomic_fetch_add(&l->taken, 1);
	return *number < l->options.messages;
}

static void *
work(void *context)
{
	struct worker *w = context;

	pthread_barrier_wait(&w->load->start);
	while (w->failures < FAILURES_MAX && take_message(w->load, &w->message)) {
		double began = now_ms();
		bool ok = send_message(w);

		if (ok)
			note_time(w, now_ms() - began);
		else
			w->failures++;
		if (!ok || ++w->sent == w->load->options.per_connection)
			hang_up(w);
	}
	hang_up(w);
	return NULL;
}

/* --- figures -------------------------------------------------------------------------------------
 */

static int
by_size(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
percentile(const double *sorted, size_t count, unsigned percent)
{
	return count ? sorted[(count - 1) * percent / 100] : 0;
}

/* All times in one array, sorted. */
static double *
gather(const struct worker *workers, unsigned count, size_t *total)
{
	*total = 0;
	for (unsigned i = 0; i < count; i++)
		*total += workers[i].time_count;
	double *all = calloc(*total + 1, sizeof *all);
	if (!all)
		abort();
	size_t used = 0;
	for (unsigned i = 0; i < count; i++) {
		if (workers[i].time_count)
			memcpy(all + used, workers[i].times, workers[i].time_count * sizeof *all);
		used += workers[i].time_count;
	}
	qsort(all, *total, sizeof *all, by_size);
	return all;
}

static bool
print_figures(const struct load *l, const struct worker *workers, double seconds)
{
	size_t total;
	double *all = gather(workers, l->options.connections, &total);
	double longest = 0;
	unsigned failures = 0;

	for (unsigned i = 0; i < l->options.connections; i++) {
		failures += workers[i].failures;
		if (workers[i].longest > longest)
			longest = workers[i].longest;
	}
	printf("{\"connections\": %u, \"messages\": %zu, \"seconds\": %.3f, \"messages_per_s\": "
	       "%.1f, "
	       "\"p50_ms\": %.3f, \"p95_ms\": %.3f, \"p99_ms\": %.3f, \"longest_command_ms\": "
	       "%.3f, "
	       "\"failures\": %u}\n",
		l->options.connections, total, seconds, (double)total / seconds,
		percentile(all, total, 50), percentile(all, total, 95), percentile(all, total, 99),
		longest, failures);
	free(all);
	return failures == 0 && total > 0;
}

static void
start_workers(struct load *l, struct worker *workers)
{
	for (unsigned i = 0; i < l->options.connections; i++) {
		workers[i] = (struct worker){.load = l, .number = i};
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
	for (unsigned i = 0; i < count; i++)
		free(workers[i].times);
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

static int
usage(void)
{
	fprintf(stderr,
		"usage: load SOCKET [--connections N] [--messages M] [--size BYTES] [--rcpts R] "
		"[--per-connection K] [--seconds S] [--login USER] [--from ADDRESS] [--senders N]\n"
		"       load SOCKET --show-negotiation\n");
	return 2;
}

static const struct option rows[] = {
	{"connections", required_argument, NULL, 'c'},
	{"from", required_argument, NULL, 'f'},
	{"login", required_argument, NULL, 'l'},
	{"messages", required_argument, NULL, 'm'},
	{"per-connection", required_argument, NULL, 'k'},
	{"rcpts", required_argument, NULL, 'r'},
	{"seconds", required_argument, NULL, 's'},
	{"senders", required_argument, NULL, 'd'},
	{"show-negotiation", no_argument, NULL, 'n'},
	{"size", required_argument, NULL, 'b'},
	{NULL, 0, NULL, 0},
};

static unsigned *
option_number(struct options *o, int c)
{
	switch (c) {
	case 'b':
		return &o->size;
	case 'c':
		return &o->connections;
	case 'd':
		return &o->senders;
	case 'k':
		return &o->per_connection;
	case 'm':
		return &o->messages;
	case 'r':
		return &o->rcpts;
	case 's':
		return &o->seconds;
	default:
		return NULL;
	}
}

static bool
read_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		unsigned *number = option_number(o, c);

		if (number)
			*number = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'f')
			o->from = optarg;
		else if (c == 'l')
			o->login = optarg;
		else if (c == 'n')
			o->show_negotiation = true;
		else
			return false;
	}
	o->address = argv[optind];
	return argc == optind + 1 && o->connections >= 1 && o->connections <= CONNECTIONS_MAX &&
	       o->messages >= 1 && o->messages <= MESSAGES_MAX && o->size <= 100000000 &&
	       o->rcpts >= 1 && o->rcpts <= 100000 && o->per_connection >= 1 && o->seconds >= 1 &&
	       o->seconds <= 3600 && strlen(o->from) <= 250;
}

int
main(int argc, char **argv)
{
	static struct load l;

	l.options = (struct options){.from = "alice@example.org",
		.connections = 1,
		.messages = 1000,
		.size = 4096,
		.rcpts = 1,
		.per_connection = 10,
		.seconds = 60};
	if (!read_options(argc, argv, &l.options))
		return usage();
	if (l.options.show_negotiation)
		return show_negotiation(l.options.address) ? 0 : 1;
	return run(&l) ? 0 : 1;
}
