/* SPDX-License-Identifier: MIT */
/*
 * transcript.c - plays transcripts against a filter and counts
 *
 * Against a filter that runs already (SOCKET), or against one it starts itself, once for each
 * configuration that the transcripts name (--daemon). Each transcript is played in each of its ways
 * by each of the clients. The last line of output is "N passed, N failed".
 */
#include "daemon.h"
#include "logfile.h"
#include "play.h"
#include "mta_wire.h"
#include "script.h"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_MAX 256

struct options {
	unsigned clients;
	bool slow; /* a sanitizer's pace: longer waits, the same order of things */
	bool verbose;
	const char *program;
	const char *config;
	const char *engine;
	unsigned hup_ms; /* between two HUPs to the daemon; 0: none */
	FILE *wire;	 /* what the filter sends is written here; NULL: nowhere */
};

/* One filter and the transcripts to play against it, shared by all clients. */
struct round {
	const struct options *options;
	struct stage_door door;
	const struct script *scripts;
	size_t count;
	pthread_mutex_t lock; /* protects what follows, and the output */
	unsigned passed;
	unsigned failed;
};

struct client {
	struct round *round;
	unsigned number;
	pthread_t thread;
};

static int
limit_ms(const struct options *o)
{
	return o->slow ? 90000 : 15000;
}

static struct stage_door
door_of(const struct options *o, const char *address)
{
	return (struct stage_door){
		.address = address,
		.clients = o->clients,
		.timeout_ms = o->slow ? 60000 : 10000,
		.silence_ms = o->slow ? 2000 : 400,
		.log_wait_ms = o->slow ? 30000 : 3000,
	};
}

static void
report(struct client *c, const struct script *script, enum way way, bool ok,
	const struct complaint *complaint)
{
	struct round *r = c->round;
	char who[32] = "";

	if (r->options->clients > 1)
		snprintf(who, sizeof who, ", client %u", c->number + 1);
	pthread_mutex_lock(&r->lock);
	if (ok)
		r->passed++;
	else
		r->failed++;
	if (!ok)
		printf("FAIL %s:%u (%s%s): %s\n", script->path, complaint->line, way_name(way), who,
			complaint->text);
	else if (r->options->verbose)
		printf("ok   %s (%s%s)\n", script->path, way_name(way), who);
	pthread_mutex_unlock(&r->lock);
}

/* Those of a transcript that every engine must answer in the same packets. */
static void
copy_packets(const struct options *o, const struct script *script, enum way way)
{
	bool wanted = o->wire && !script->differs && !script->engine;

	if (!o->wire)
		return;
	wire_write_to(wanted ? o->wire : NULL);
	if (wanted)
		fprintf(o->wire, "%s (%s)\n", script->path, way_name(way));
}

static bool
is_for_engine(const struct round *r, const struct script *script)
{
	return !script->engine || strcmp(script->engine, r->options->engine) == 0;
}

static void
play_ways(struct client *c, const struct script *script)
{
	struct complaint complaint;

	if (script->clients_max != 0 && c->number >= script->clients_max)
		return;
	if (!is_for_engine(c->round, script))
		return;
	for (unsigned way = WAY_ALONE; way <= WAY_AFTER_RSET; way <<= 1) {
		if (!play_possible(script, way))
			continue;
		complaint.line = 0;
		complaint.text[0] = '\0';
		copy_packets(c->round->options, script, way);
		bool ok = play(&c->round->door, script, way, &complaint);
		report(c, script, way, ok, &complaint);
	}
}

/* Clients begin at different transcripts, so that different things meet in the filter. */
static void *
run_client(void *context)
{
	struct client *c = context;
	size_t count = c->round->count;

	for (size_t i = 0; i < count; i++)
		play_ways(c, &c->round->scripts[(i + c->number) % count]);
	return NULL;
}

static void
run_clients(struct round *r)
{
	static struct client clients[CLIENTS_MAX];
	unsigned started = 0;

	for (; started < r->options->clients; started++) {
		clients[started] = (struct client){.round = r, .number = started};
		if (pthread_create(&clients[started].thread, NULL, run_client, &clients[started]) !=
			0) {
			printf("FAIL cannot start client %u\n", started + 1);
			r->failed++;
			break;
		}
	}
	for (unsigned i = 0; i < started; i++)
		pthread_join(clients[i].thread, NULL);
}

static void
fault(struct round *r, const char *what, const char *why)
{
	printf("FAIL %s: %s\n", what, why);
	r->failed++;
}

/* Reloads while clients are served, until told to stop. */
struct reloads {
	pid_t pid;
	unsigned ms;
	atomic_bool over;
};

static void *
run_reloads(void *context)
{
	struct reloads *r = context;
	const struct timespec pause = {r->ms / 1000, (long)(r->ms % 1000) * 1000000};

	while (!atomic_load(&r->over)) {
		kill(r->pid, SIGHUP);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void
run_under_reloads(struct round *r, const struct daemon *d)
{
	struct reloads reloads = {.pid = d->pid, .ms = r->options->hup_ms};
	const struct timespec step = {0, 20 * 1000000L};
	pthread_t thread;
	bool started = reloads.ms > 0 && pthread_create(&thread, NULL, run_reloads, &reloads) == 0;

	if (reloads.ms > 0 && !started)
		fault(r, "reloads", "no thread");
	run_clients(r);
	long long deadline = wire_now_ms() + limit_ms(r->options);

	atomic_store(&reloads.over, true);
	if (started)
		pthread_join(thread, NULL);
	/* Under a sanitizer the first one may still be at it. */
	while (started && logfile_count(d->log, 0, "*reloaded *") == 0) {
		if (wire_now_ms() > deadline) {
			fault(r, "reloads", "not one came about");
			return;
		}
		nanosleep(&step, NULL);
	}
}

/* The log is whole only when its writer has ended. */
static void
check_nolog(struct round *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct script *script = &r->scripts[i];
		const struct step *step =
			is_for_engine(r, script) ? play_unclean(&r->door, script) : NULL;

		if (!step)
			continue;
		printf("FAIL %s:%u: these bytes stand in the log\n", script->path, step->line);
		r->failed++;
	}
}

/* A daemon that died or left a finding fails the round, however well the transcripts went. */
static void
run_with_daemon(struct round *r, const char *config)
{
	struct daemon d;
	char why[512] = "";

	bool started = daemon_start(&d, r->options->program, config, r->options->engine,
		limit_ms(r->options), why, sizeof why);
	if (started) {
		r->door.address = d.address;
		r->door.log = d.log;
		run_under_reloads(r, &d);
		if (!daemon_stop(&d, limit_ms(r->options), why, sizeof why))
			fault(r, config, why);
		check_nolog(r);
	} else {
		char unused[512];

		fault(r, config, why);
		daemon_stop(&d, limit_ms(r->options), unused, sizeof unused);
	}
	if (r->failed > 0)
		daemon_print_log(&d);
	daemon_clean(&d);
}

/* The configuration of a transcript, found beside it; NULL: it names none and there is no other. */
static char *
config_path(const struct options *o, const struct script *s)
{
	char path[4096];
	const char *slash = strrchr(s->path, '/');

	if (!s->config)
		return o->config ? strdup(o->config) : NULL;
	snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash + 1 - s->path) : 0, s->path,
		s->config);
	return strdup(path);
}

struct totals {
	unsigned passed;
	unsigned failed;
};

static void
run_round(const struct options *o, const char *address, const char *config,
	const struct script *scripts, size_t count, struct totals *totals)
{
	struct round r = {
		.options = o,
		.door = door_of(o, address),
		.scripts = scripts,
		.count = count,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};

	if (address)
		run_clients(&r);
	else
		run_with_daemon(&r, config);
	printf("%s %s: %u played, %u failed\n", r.failed ? "FAIL" : "ok  ",
		config ? config : address, r.passed + r.failed, r.failed);
	totals->passed += r.passed;
	totals->failed += r.failed;
}

/* One round for each configuration, in the order in which they are first named. */
static void
run_configs(const struct options *o, struct script *scripts, size_t count, struct totals *totals)
{
	struct script *group = malloc(count * sizeof *group);
	bool *done = calloc(count, sizeof *done);

	if (!group || !done)
		abort();
	for (size_t i = 0; i < count; i++) {
		char *config = config_path(o, &scripts[i]);
		size_t size = 0;

		for (size_t k = i; config && k < count; k++) {
			char *other = config_path(o, &scripts[k]);

			if (!done[k] && other && strcmp(config, other) == 0) {
				group[size++] = scripts[k];
				done[k] = true;
			}
			free(other);
		}
		if (size > 0)
			run_round(o, NULL, config, group, size, totals);
		if (!config) {
			printf("FAIL %s: names no config, and there is no --config\n",
				scripts[i].path);
			totals->failed++;
		}
		free(config);
	}
	free(done);
	free(group);
}

static int
usage(void)
{
	fprintf(stderr,
		"usage: transcript [-v] [-j CLIENTS] [--slow] SOCKET FILE...\n"
		"       transcript [-v] [-j CLIENTS] [--slow] --daemon PROGRAM [--config FILE]\n"
		"                  [--engine NAME] [--hup MS] [--wire FILE] FILE...\n");
	return 2;
}

static bool
read_options(int argc, char **argv, struct options *o)
{
	static const struct option rows[] = {
		{"config", required_argument, NULL, 'c'},
		{"daemon", required_argument, NULL, 'd'},
		{"engine", required_argument, NULL, 'e'},
		{"hup", required_argument, NULL, 'h'},
		{"slow", no_argument, NULL, 's'},
		{"wire", required_argument, NULL, 'w'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "j:v", rows, NULL)) != -1) {
		if (c == 'c')
			o->config = optarg;
		else if (c == 'd')
			o->program = optarg;
		else if (c == 'e')
			o->engine = optarg;
		else if (c == 'h')
			o->hup_ms = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'w' && !o->wire)
			o->wire = fopen(optarg, "w");
		else if (c == 'j')
			o->clients = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's')
			o->slow = true;
		else if (c == 'v')
			o->verbose = true;
		else
			return false;
	}
	/* Packets of several clients in one file would say nothing. */
	return o->clients >= 1 && o->clients <= CLIENTS_MAX && (!o->wire || o->clients == 1);
}

static bool
read_scripts(struct script *scripts, char **paths, size_t count)
{
	char why[512];
	bool ok = true;

	for (size_t i = 0; i < count; i++)
		if (!script_read(&scripts[i], paths[i], why, sizeof why)) {
			fprintf(stderr, "%s\n", why);
			ok = false;
		}
	return ok;
}

int
main(int argc, char **argv)
{
	struct options o = {.clients = 1, .engine = "native"};
	struct totals totals = {0, 0};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!read_options(argc, argv, &o))
		return usage();
	const char *address = o.program ? NULL : argv[optind];
	int first = o.program ? optind : optind + 1;
	if (first >= argc)
		return usage();
	size_t count = (size_t)(argc - first);
	struct script *scripts = calloc(count, sizeof *scripts);
	if (!scripts)
		abort();
	bool ok = read_scripts(scripts, argv + first, count);
	if (ok && address)
		run_round(&o, address, NULL, scripts, count, &totals);
	else if (ok)
		run_configs(&o, scripts, count, &totals);
	for (size_t i = 0; i < count; i++)
		script_fini(&scripts[i]);
	free(scripts);
	if (!ok)
		return 2;
	printf("%u passed, %u failed\n", totals.passed, totals.failed);
	return totals.failed || totals.passed == 0 ? 1 : 0;
}
