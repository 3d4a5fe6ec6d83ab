/* SPDX-License-Identifier: MIT */
/*
 * replay.c - chainmail replay: what another configuration would have said to kept sessions
 *
 * Runs offline and one session after the other: DNS answers as it did then, the clock stands where
 * it stood then, and stores are memory that is empty at the beginning.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/load.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "chain/counts.h"
#include "cli.h"
#include "conf/unit.h"
#include "door/replay_kept.h"
#include "host/generation.h"
#include "replay_report.h"
#include "service/ring.h"

#define PROGRESS_EVERY 1000u

struct replay_args {
	const char *against, *config, *list, *record, *since;
	bool json;
};

#define ARG(field) offsetof(struct replay_args, field)

static const struct cli_option options[] = {
	{"against", 0, CLI_PATH, ARG(against), "FILE",
		"compare with what this configuration would have said, not with what was said"},
	{"config", 'c', CLI_PATH, ARG(config), "FILE", "the configuration that is tried"},
	{"json", 0, CLI_FLAG, ARG(json), NULL, "print JSON"},
	{"list", 0, CLI_TEXT, ARG(list), "THEN,NOW",
		"list the sessions of such a difference: accept,reject"},
	{"record", 0, CLI_PATH, ARG(record), "DIR", CLI_RECORD_HELP},
	{"since", 0, CLI_TEXT, ARG(since), "TIME",
		"only sessions of the latest 24h, or another time"},
};

/* What a configuration says to one session. */
struct verdict {
	char *word, *by;
	uint64_t rcpts;
	const char *untried;
};

struct replay {
	const struct replay_args *args;
	const char *dir;
	int64_t since;		  /* microseconds since 1970 */
	struct generation *g;	  /* that is played to */
	struct verdict *verdicts; /* of the other configuration, in the order of the sessions */
	size_t count, at;	  /* at: the next that is compared */
	struct replay_report report;
};

/* --- sessions, one after the other --- */

/* Time never goes back: sessions are kept in the order in which they ended. */
static void
move_clock(int64_t wall)
{
	if (!clock_frozen())
		clock_freeze(wall / CLOCK_SEC);
	if (wall > clock_wall_us())
		clock_advance(wall - clock_wall_us());
}

static void
show_progress(const struct ring_reader *ring, size_t sessions)
{
	int64_t done, all;

	if (sessions % PROGRESS_EVERY != 0 || !isatty(STDERR_FILENO))
		return;
	ring_reader_progress(ring, &done, &all);
	fprintf(stderr, "\r%zu sessions, %d %%", sessions, all > 0 ? (int)(100 * done / all) : 100);
}

static void
end_progress(size_t sessions)
{
	if (sessions >= PROGRESS_EVERY && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%40s\r", "");
}

/*
 * Every kept session, played to the configuration, which is dropped. False with words when they
 * cannot be read, or not all of them.
 */
static bool
play_all(struct replay *r, struct generation *g,
	void (*each)(struct replay *, const struct kept_run *))
{
	const unsigned char *data;
	size_t len, sessions = 0;
	struct kept_run run;
	struct err err;
	struct kept k;
	bool read;
	struct ring_reader *ring = ring_reader_open(r->dir, &err);

	if (ring == NULL) {
		fprintf(stderr, "chainmail replay: %s\n", err.text);
		generation_drop(g);
		return false;
	}
	r->report.damaged = 0;
	generation_swap(g);
	while (ring_reader_next(ring, &data, &len)) {
		if (!kept_read(&k, data, len)) {
			r->report.damaged++;
			continue;
		}
		if (k.wall >= r->since) {
			move_clock(k.wall);
			replay_kept(&run, g, &k);
			each(r, &run);
			replay_kept_end(&run);
			show_progress(ring, ++sessions);
		}
		kept_free(&k);
	}
	end_progress(sessions);
	r->report.damaged += ring_reader_torn(ring);
	read = !ring_reader_unread(ring, &err);
	if (!read)
		fprintf(stderr, "chainmail replay: %s/%s\n", r->dir, err.text);
	ring_reader_close(ring);
	generation_swap(NULL);
	return read;
}

/* --- the two verdicts --- */

static void
note_verdict(struct replay *r, const struct kept_run *run)
{
	struct verdict *v;

	if (r->count % 1024 == 0)
		r->verdicts =
			mem_grow(r->verdicts, mem_product(r->count + 1024, sizeof(*r->verdicts)));
	v = &r->verdicts[r->count++];
	*v = (struct verdict){.word = strdup(run->word),
		.by = run->outcome.by == NULL ? NULL : strdup(run->outcome.by),
		.rcpts = run->rcpts,
		.untried = run->untried};
}

static struct verdict
verdict_before(struct replay *r, const struct kept_run *run)
{
	static const struct verdict nothing = {.untried = "it came while others were played"};

	if (r->args->against != NULL)
		return r->at < r->count ? r->verdicts[r->at++] : nothing;
	return (struct verdict){.word = (char *)(uintptr_t)run->kept->outcome.word,
		.by = (char *)(uintptr_t)run->kept->outcome.by,
		.rcpts = run->rcpts_then};
}

static bool
is_used(const struct chain *chain, const struct link *l)
{
	bool used = false;

	for (size_t i = 0; i < chain->profile_count; i++)
		used = used || chain->profiles[i].has[l->index];
	return used;
}

/* What became of the link that refused before; NULL: it is as it was. */
static const char *
became(const struct chain *chain, const char *name)
{
	for (size_t i = 0; name != NULL && i < chain->link_count; i++) {
		const struct link *l = chain->links[i];

		if (strcmp(l->name, name) == 0 && is_used(chain, l))
			return l->set.mode == LINK_SHADOW ? "shadow"
			       : l->set.mode == LINK_OFF  ? "off"
							  : NULL;
	}
	return name == NULL || strcmp(name, "core") == 0 ? NULL : "gone";
}

static void
count_unknown(struct replay_report *report, const struct kept_run *run)
{
	report->stood_in += run->stood_in;
	report->without += run->without;
	report->unasked += run->unasked;
	report->unfinished += run->unfinished;
}

static void
compare(struct replay *r, const struct kept_run *run)
{
	struct replay_report *report = &r->report;
	const struct verdict before = verdict_before(r, run);
	const char *untried = run->untried != NULL ? run->untried : before.untried;
	bool passes = strcmp(run->word, "accept") == 0, same;

	report->sessions++;
	if (untried != NULL) {
		tally_add(&report->untried, untried);
		return;
	}
	same = strcmp(before.word, run->word) == 0;
	count_unknown(report, run);
	if (same && before.rcpts == run->rcpts) {
		report->same++;
		return;
	}
	replay_report_change(
		report, &(struct replay_change){
				.kept = run->kept,
				.then = before.word,
				.now = run->word,
				.by = same     ? "other recipients"
				      : passes ? before.by
					       : run->outcome.by,
				.became = passes && !same ? became(&r->g->chain, before.by) : NULL,
				.reply = passes ? &run->kept->outcome.reply : &run->outcome.reply,
			});
}

/* --- the command --- */

/* What rules log was logged then. */
static void
quiet_log(void)
{
	const struct log_config config = {.target = LOG_TARGET_STDERR, .level = LOG_LEVEL_ERROR};
	struct err err;

	if (!log_open(&config, 1, &err))
		fprintf(stderr, "chainmail replay: %s\n", err.text);
}

static struct generation *
load(const char *path)
{
	struct generation *g = load_config(path, LOAD_LEFT_OUT);

	if (g != NULL)
		generation_detach_stores(g);
	return g;
}

static void
free_verdicts(struct replay *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->verdicts[i].word);
		free(r->verdicts[i].by);
	}
	free(r->verdicts);
}

/* Loads it and plays all; the other is gone by then, for they would share their stores. */
static bool
play_to(struct replay *r, const char *config,
	void (*each)(struct replay *, const struct kept_run *))
{
	bool played;

	r->g = load(config);
	played = r->g != NULL && play_all(r, r->g, each);
	clock_thaw();
	return played;
}

/* The exit status. What cannot be run is not taken for a difference. */
static int
replay(struct replay *r)
{
	const struct replay_args *args = r->args;
	int64_t began = clock_now();

	quiet_log();
	if (args->against != NULL && !play_to(r, args->against, note_verdict))
		return EXIT_USAGE;
	if (!play_to(r, args->config, compare))
		return EXIT_USAGE;
	replay_report_print(&r->report, clock_now() - began, args->against != NULL);
	return replay_report_differs(&r->report) ? EXIT_NO : EXIT_OK;
}

static bool
is_outcome(const char *word)
{
	for (int i = 0; i < COUNT_OUTCOMES; i++) {
		if (strcmp(word, count_outcome_name((enum count_outcome)i)) == 0)
			return true;
	}
	return false;
}

/* "accept,reject" in two; false for anything else. */
static bool
read_list(const char *list, struct replay_report *report, char out[64])
{
	char *comma;

	if (list == NULL)
		return true;
	if (snprintf(out, 64, "%s", list) >= 64 || (comma = strchr(out, ',')) == NULL)
		return false;
	*comma = '\0';
	report->list_then = out;
	report->list_now = comma + 1;
	return is_outcome(report->list_then) && is_outcome(report->list_now);
}

static bool
read_since(const char *text, int64_t *since)
{
	const char *why;
	int64_t us;

	if (text == NULL)
		return true;
	if (unit_duration(text, &us, &why) != NULL)
		return false;
	*since = clock_wall_us() - us;
	return true;
}

static int
run_with(struct replay *r, struct arena *arena)
{
	const struct replay_args *args = r->args;
	char list[64];

	if (args->config == NULL)
		return cli_usage(
			&command_replay, "say which configuration is to be tried: --config FILE");
	if (!read_list(args->list, &r->report, list))
		return cli_usage(&command_replay,
			"--list %s: want two verdicts, such as accept,reject, of accept, discard, "
			"quarantine, reject and tempfail",
			args->list);
	if (!read_since(args->since, &r->since))
		return cli_usage(
			&command_replay, "--since %s: want a time, such as 24h", args->since);
	/* The sessions are those of the configuration that runs; a new one may name another place.
	 */
	if (args->record == NULL)
		r->dir = cli_find_record_dir(cli_config_path(NULL), arena);
	if (r->dir == NULL && !cli_record_dir(args->record, args->config, arena, &r->dir))
		return EXIT_USAGE;
	return replay(r);
}

static int
run(int argc, char **argv)
{
	struct replay_args args = {0};
	struct replay r = {.args = &args};
	struct arena arena;
	int operand = cli_parse(&command_replay, argc, argv, &args), code;

	if (operand < 0)
		return EXIT_USAGE;
	if (operand < argc)
		return cli_usage(&command_replay, "\"%s\" is too much", argv[operand]);
	arena_init(&arena, 1024);
	replay_report_init(&r.report, args.json);
	code = run_with(&r, &arena);
	free_verdicts(&r);
	replay_report_fini(&r.report);
	arena_fini(&arena);
	return code;
}

const struct command command_replay = {
	.name = "replay",
	.operands = "--config FILE [--since 24h] [--list THEN,NOW]",
	.help = "say what another configuration would have said to kept sessions",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
};
