/* SPDX-License-Identifier: MIT */
/*
 * control_links.c - what the daemon can be asked about one plugin or script, whatever it is
 *
 * Its mode, its errors, whether it tripped, and whom it would have refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "chain/breaker.h"
#include "chain/live.h"
#include "conf/unit.h"
#include "control_client.h"
#include "host/generation.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* Senders that `shadow NAME` shows. */
#define SENDERS_SHOWN 50u
#define DAY_SIZE      32

static const char *const mode_names[] = {
	[LINK_ENFORCE] = "enforce", [LINK_SHADOW] = "shadow", [LINK_OFF] = "off"};

static const char *
day_text(int64_t seconds, char out[DAY_SIZE])
{
	time_t at = (time_t)seconds;
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL || strftime(out, DAY_SIZE, "%Y-%m-%d %H:%M", &tm) == 0)
		snprintf(out, DAY_SIZE, "?");
	return out;
}

/* NULL: there is none, and why has words. */
static struct link *
find_link(const struct generation *g, const char *name, char *why)
{
	size_t count = g->chain.link_count;
	const char **names = mem_alloc(mem_product(count + 1, sizeof(*names))), *nearest;
	struct link *found = NULL;

	for (size_t i = 0; i < count; i++) {
		names[i] = g->chain.links[i]->name;
		if (strcmp(names[i], name) == 0)
			found = g->chain.links[i];
	}
	nearest = text_nearest(name, names, count);
	free(names);
	if (found == NULL && nearest != NULL)
		snprintf(why, CONTROL_WHY_SIZE,
			"filter.conf has no plugin or script \"%.60s\", did you mean \"%.60s\"?",
			name, nearest);
	else if (found == NULL)
		snprintf(why, CONTROL_WHY_SIZE,
			"filter.conf has no plugin or script \"%.60s\"; see: chainmail config show "
			"--chain",
			name);
	return found;
}

/* --- mode --- */

/* Of what filter.conf says, with an end that has not come. */
static struct live_mode
configured(const struct link *l)
{
	if (l->set.until != 0 && clock_wall() >= l->set.until)
		return (struct live_mode){.mode = LINK_ENFORCE};
	return (struct live_mode){.mode = l->set.mode, .until = l->set.until};
}

static void
add_mode(struct buf *out, const struct live_mode *m)
{
	char day[DAY_SIZE];

	buf_add_str(out, mode_names[m->mode]);
	if (m->until != 0)
		buf_printf(out, " until %s", day_text(m->until, day));
}

/* "greylist shadow until 2026-12-31 08:00 (filter.conf: enforce)" */
static void
show_mode(struct control_client *c, const char *head, const struct link *l)
{
	struct live_mode conf = configured(l), set = live_mode(l), *now = set.set ? &set : &conf;
	const struct cm_cell cells[] = {
		{"what", "mode", 0},
		{"name", l->name, 0},
		{"mode", mode_names[now->mode], 0},
		{"until_at", NULL, now->until},
		{"configured", mode_names[conf.mode], 0},
	};
	struct buf line;

	buf_init(&line, 0);
	buf_printf(&line, "%s%s ", head, l->name);
	add_mode(&line, now);
	buf_add_str(&line, set.set ? " (filter.conf: " : " (as in filter.conf)");
	if (set.set) {
		add_mode(&line, &conf);
		buf_add_char(&line, ')');
	}
	control_row(c, NULL, cells, COUNT(cells));
	control_say(c, line.data);
	buf_fini(&line);
}

/* What the words ask for; not set: what filter.conf says. */
static bool
read_mode(const struct command_words *words, struct live_mode *m, char *why)
{
	const struct control_mode_args *args = words->args;
	const char *bad;

	*m = (struct live_mode){.set = false};
	for (int i = 0; i < (int)COUNT(mode_names); i++) {
		if (strcmp(mode_names[i], words->operands[1]) == 0)
			*m = (struct live_mode){.set = true, .mode = i};
	}
	if (args->until == NULL)
		return true;
	if (!m->set) {
		snprintf(why, CONTROL_WHY_SIZE, "what filter.conf says ends when filter.conf says");
		return false;
	}
	if (unit_when(args->until, clock_wall(), &m->until, &bad) == NULL)
		return true;
	snprintf(why, CONTROL_WHY_SIZE, "--until %.100s: %s", args->until, bad);
	return false;
}

/* Mail servers were asked for what the links of filter.conf need, when they connected. */
static bool
may_run(const struct link *l, const struct live_mode *m, char *why)
{
	if (!m->set || m->mode == LINK_OFF || l->set.mode != LINK_OFF || l->set.until != 0)
		return true;
	snprintf(why, CONTROL_WHY_SIZE,
		"%.60s is off in filter.conf, so mail servers were not asked for what it needs; "
		"write mode = %s there and run: chainmail reload",
		l->name, mode_names[m->mode]);
	return false;
}

bool
control_mode(struct control_client *c, const struct command_words *words, char *why)
{
	struct generation *g = generation_hold();
	struct link *l = find_link(g, words->operands[0], why);
	struct live_mode m;
	bool done = l != NULL && read_mode(words, &m, why) && may_run(l, &m, why);

	if (done) {
		live_set_mode(l, &m);
		show_mode(c, "", l);
	}
	generation_drop(g);
	return done;
}

/* --- errors --- */

static const char *const states[] = {
	[BREAKER_CLOSED] = "closed", [BREAKER_OPEN] = "open", [BREAKER_HALF_OPEN] = "half-open"};

static void
show_error(struct control_client *c, const struct live_error *e)
{
	const struct cm_cell cells[] = {
		{"failed_at", NULL, e->at},
		{"id", e->id, 0},
		{"stage", stages[e->stage].name, 0},
		{"kind", failure_name(e->kind), 0},
		{"reason", e->reason, 0},
	};

	control_row(c, NULL, cells, COUNT(cells));
}

static void
show_errors_of(struct control_client *c, const struct link *l)
{
	struct live_error latest[LIVE_ERRORS];
	uint64_t counts[FAILURE_KINDS];
	size_t count = live_errors(l, counts, latest);

	for (size_t i = 0; i < count; i++)
		show_error(c, &latest[i]);
}

/* One row of a link that failed or tripped. */
static void
show_errors(struct control_client *c, const struct link *l)
{
	struct live_error latest[LIVE_ERRORS];
	uint64_t n[FAILURE_KINDS];
	size_t count = live_errors(l, n, latest);
	struct breaker_view v = {.state = BREAKER_CLOSED};

	if (l->breaker != NULL)
		v = breaker_look(l->breaker);
	if (count == 0 && v.trips == 0)
		return;
	const struct cm_cell cells[] = {
		{"link", l->name, 0},
		{failure_name(FAILURE_ERROR), NULL, (int64_t)n[FAILURE_ERROR]},
		{failure_name(FAILURE_TIMEOUT), NULL, (int64_t)n[FAILURE_TIMEOUT]},
		{failure_name(FAILURE_MEMORY), NULL, (int64_t)n[FAILURE_MEMORY]},
		{failure_name(FAILURE_INPUT), NULL, (int64_t)n[FAILURE_INPUT]},
		{"trips", NULL, (int64_t)v.trips},
		{"breaker", l->breaker == NULL ? "none" : states[v.state], 0},
		{"latest_at", NULL, count > 0 ? latest[0].at : 0},
		{"latest", count > 0 ? latest[0].reason : "", 0},
	};

	control_row(c, NULL, cells, COUNT(cells));
}

bool
control_errors(struct control_client *c, const struct command_words *words, char *why)
{
	struct generation *g = generation_hold();
	struct link *l = NULL;

	for (size_t i = 0; words->count == 0 && i < g->chain.link_count; i++)
		show_errors(c, g->chain.links[i]);
	if (words->count > 0)
		l = find_link(g, words->operands[0], why);
	if (l != NULL)
		show_errors_of(c, l);
	generation_drop(g);
	return words->count == 0 || l != NULL;
}

/* --- shadow --- */

/* "refused 412 (312 senders), changed 3" */
static void
add_would(struct buf *out, const struct live_would *w)
{
	static const struct {
		enum would kind;
		const char *word;
	} others[] = {{WOULD_DISCARD, "discarded"}, {WOULD_QUARANTINE, "quarantined"},
		{WOULD_ACCEPT, "accepted early"}, {WOULD_CHANGE, "changed"}};
	const char *between = "";

	if (w->refused > 0) {
		buf_printf(out, "refused %llu", (unsigned long long)w->refused);
		between = ", ";
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		if (w->messages[others[i].kind] == 0)
			continue;
		buf_printf(out, "%s%s %llu", between, others[i].word,
			(unsigned long long)w->messages[others[i].kind]);
		between = ", ";
	}
	buf_printf(out, " (%u%s sender%s)", w->senders, w->more ? " and more" : "",
		w->senders == 1 && !w->more ? "" : "s");
}

static void
show_would(struct control_client *c, const char *head, const struct link *l)
{
	struct live_would w = live_would(l);
	struct cm_cell cells[WOULD_KINDS + 6] = {
		{"what", "shadow", 0},
		{"name", l->name, 0},
		{"affected", NULL, (int64_t)w.affected},
		{"refused", NULL, (int64_t)w.refused},
		{"senders", NULL, w.senders},
		{"more", NULL, w.more},
	};
	struct buf line;

	if (w.affected == 0)
		return;
	for (int i = 0; i < WOULD_KINDS; i++)
		cells[6 + i] =
			(struct cm_cell){would_name((enum would)i), NULL, (int64_t)w.messages[i]};
	control_row(c, NULL, cells, COUNT(cells));
	buf_init(&line, 0);
	buf_printf(&line, "%s%s would have ", head, l->name);
	add_would(&line, &w);
	control_say(c, line.data);
	buf_fini(&line);
}

static void
show_sender(struct control_client *c, const struct live_sender *s)
{
	struct buf would;

	buf_init(&would, 0);
	for (unsigned i = 0; i < WOULD_KINDS; i++) {
		if ((s->would >> i & 1) != 0)
			buf_printf(&would, "%s%s", would.len > 0 ? "," : "",
				would_name((enum would)i));
	}
	const struct cm_cell cells[] = {
		{"sender", s->name, 0},
		{"messages", NULL, (int64_t)s->messages},
		{"would", would.data, 0},
		{"latest_at", NULL, s->last},
	};

	control_row(c, NULL, cells, COUNT(cells));
	buf_fini(&would);
}

static void
show_senders(struct control_client *c, const struct link *l)
{
	size_t count;
	struct live_sender *list = live_senders(l, &count);

	for (size_t i = 0; i < count && i < SENDERS_SHOWN; i++)
		show_sender(c, &list[i]);
	free(list);
}

bool
control_shadow(struct control_client *c, const struct command_words *words, char *why)
{
	struct generation *g = generation_hold();
	struct link *l = NULL;

	for (size_t i = 0; words->count == 0 && i < g->chain.link_count; i++)
		show_would(c, "", g->chain.links[i]);
	if (words->count > 0)
		l = find_link(g, words->operands[0], why);
	if (l != NULL)
		show_senders(c, l);
	generation_drop(g);
	return words->count == 0 || l != NULL;
}

/* --- status --- */

static void
show_broken(struct control_client *c, const char *head, const struct link *l)
{
	static const char *const counts_as[] = {
		[LINK_TRIPPED_SKIP] = "skipped", [LINK_TRIPPED_ON_ERROR] = "on_error"};
	struct breaker_view v = {.state = BREAKER_CLOSED};
	char words[BREAKER_WORDS_MAX];
	struct buf line;

	if (l->breaker != NULL)
		v = breaker_look(l->breaker);
	if (v.state == BREAKER_CLOSED)
		return;
	breaker_words(l->breaker, words);
	const struct cm_cell cells[] = {
		{"what", "broken", 0},
		{"name", l->name, 0},
		{"breaker", states[v.state], 0},
		{"tripped_at", NULL, v.tripped_at},
		{"retry_at", NULL, v.retry_at},
		{"trips", NULL, (int64_t)v.trips},
		{"counts_as", counts_as[l->set.tripped], 0},
	};

	control_row(c, NULL, cells, COUNT(cells));
	buf_init(&line, 0);
	buf_printf(&line, "%s%s: %s, %s   -> chainmail errors %s", head, l->name, words,
		counts_as[l->set.tripped], l->name);
	control_say(c, line.data);
	buf_fini(&line);
}

/* A rule that the daemon had to start without. */
static void
show_left_out(struct control_client *c, const char *head, const struct link *l)
{
	const struct cm_cell cells[] = {
		{"what", "left_out", 0},
		{"name", l->name, 0},
		{"reason", l->left_out, 0},
	};
	struct buf line;

	if (l->left_out == NULL)
		return;
	buf_init(&line, 0);
	buf_printf(&line, "%s%s: not loaded, left out: %s   -> mend it, and: chainmail reload",
		head, l->name, l->left_out);
	control_row(c, NULL, cells, COUNT(cells));
	control_say(c, line.data);
	buf_fini(&line);
}

void
control_status_links(struct control_client *c, const struct generation *g)
{
	for (size_t i = 0; i < g->chain.link_count; i++) {
		if (live_mode(g->chain.links[i]).set)
			show_mode(c, "mode        ", g->chain.links[i]);
	}
	for (size_t i = 0; i < g->chain.link_count; i++)
		show_would(c, "shadow      ", g->chain.links[i]);
	for (size_t i = 0; i < g->chain.link_count; i++) {
		show_broken(c, "broken      ", g->chain.links[i]);
		show_left_out(c, "broken      ", g->chain.links[i]);
	}
}
