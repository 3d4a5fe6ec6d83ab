/* SPDX-License-Identifier: MIT */
/*
 * load.c - the configuration, loaded at a start, by a command, or while the daemon runs
 */
#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "chain/live.h"
#include "conf/diag.h"
#include "host/generation.h"
#include "host/probe.h"
#include "notify.h"
#include "service/ring_writer.h"

/* What is said without them may be wrong. */
static void
say_left_out(const struct chain *chain)
{
	for (size_t i = 0; i < chain->link_count; i++) {
		const struct link *l = chain->links[i];

		if (l->left_out != NULL)
			fprintf(stderr, "chainmail: warning: script %s is left out: %s\n", l->name,
				l->left_out);
	}
}

struct generation *
load_config(const char *path, enum load_words words)
{
	struct diag *diag = diag_new();
	struct generation *g = generation_load(path, diag);

	if (g == NULL || words == LOAD_WARNINGS)
		diag_print(diag, stderr);
	else if (words == LOAD_LEFT_OUT)
		say_left_out(&g->chain);
	if (g == NULL) {
		fputc('\n', stderr);
		diag_print_count(diag, stderr);
		fprintf(stderr, " Nothing was loaded.\n");
	}
	diag_free(diag);
	return g;
}

bool
load_zone(struct generation *g, const char *path)
{
	struct diag *diag = diag_new();
	bool ok = path == NULL || generation_set_zone(g, path, diag);

	if (!ok)
		diag_print(diag, stderr);
	diag_free(diag);
	return ok;
}

/* --- reload --- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_listener(const struct listener_settings *a, const struct listener_settings *b)
{
	return same_text(a->name, b->name) && same_text(a->socket, b->socket) &&
	       same_text(a->group, b->group) && a->mode == b->mode && a->engine == b->engine;
}

/* What only a start can change. */
static void
say_unchanged(const struct generation *old, const struct generation *new)
{
	bool same = old->listener_count == new->listener_count;

	for (size_t i = 0; same && i < new->listener_count; i++)
		same = same_listener(&old->listeners[i], &new->listeners[i]);
	if (!same)
		log_write(LOG_LEVEL_WARN,
			"the listeners have changed; they stay as they are until the next start");
	if (!same_text(old->main.user, new->main.user) ||
		!same_text(old->main.group, new->main.group) ||
		!same_text(old->main.pid_file, new->main.pid_file))
		log_write(LOG_LEVEL_WARN,
			"main.user, main.group and main.pid_file stay as they are until the next "
			"start");
}

/* What filter.conf says and the daemon does not do. */
static void
say_modes(const struct chain *chain)
{
	for (size_t i = 0; i < chain->link_count; i++) {
		if (live_mode(chain->links[i]).set)
			log_write(LOG_LEVEL_INFO,
				"%s: keeps the mode that was set with chainmail mode; see: "
				"chainmail status",
				chain->links[i]->name);
	}
}

static void
log_lines(enum log_level level, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (line[0] != '\0')
			log_write(level, "%s", line);
	}
}

/* The mistakes; with the generation that keeps running, also that it does. */
static void
say(enum log_level level, const struct diag *diag, const struct generation *kept)
{
	char *text = NULL, day[32];
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct tm tm;

	if (out == NULL)
		return;
	diag_print(diag, out);
	if (kept != NULL) {
		time_t loaded = (time_t)kept->loaded;

		strftime(day, sizeof(day), "%Y-%m-%d %H:%M", localtime_r(&loaded, &tm));
		diag_print_count(diag, out);
		fprintf(out, " The daemon keeps running with the configuration of %s.\n", day);
	}
	fclose(out);
	log_lines(level, text);
	free(text);
}

/* Loaded, and its stores and logs are open; else NULL and the mistakes are in diag. */
static struct generation *
load_and_start(const char *path, struct diag *diag)
{
	struct generation *g = generation_load_to_replace(path, diag);
	struct err err;

	if (g == NULL || (generation_start(g, &err) && log_open(g->logs, g->log_count, &err)))
		return g;
	diag_error_in(diag, g->path, 0, "%s", err.text);
	generation_drop(g);
	return NULL;
}

void
load_recorder(const struct generation *g)
{
	const struct record_settings *set = &g->record;
	const struct ring_config config = {
		.path = set->path, .max_size = set->max_size, .max_records = set->max_sessions};

	ring_writer_configure(set->path == NULL ? NULL : &config);
}

/* One at a time: a signal and a command may come together. */
static pthread_mutex_t reloading = PTHREAD_MUTEX_INITIALIZER;

static _Atomic uint64_t reloads[RELOAD_RESULTS];

uint64_t
reload_count(enum reload_result result)
{
	return atomic_load(&reloads[result]);
}

bool
reload_config(const char *path, struct err *err)
{
	pthread_mutex_lock(&reloading);
	struct generation *old = generation_hold();
	struct diag *diag = diag_new();

	notify_reloading();
	struct generation *g = load_and_start(path, diag);

	atomic_fetch_add(&reloads[g == NULL ? RELOAD_REFUSED : RELOAD_OK], 1);
	if (g == NULL) {
		say(LOG_LEVEL_ERROR, diag, old);
		if (err != NULL)
			diag_tell_first(diag, err);
	} else {
		say(LOG_LEVEL_WARN, diag, NULL);
		say_unchanged(old, g);
		load_recorder(g);
		generation_swap(g);
		log_write(LOG_LEVEL_INFO, "reloaded %s (generation %u)", path, g->number);
		say_modes(&g->chain);
		probe_begin();
	}
	notify_ready();
	diag_free(diag);
	generation_drop(old);
	pthread_mutex_unlock(&reloading);
	return g != NULL;
}
