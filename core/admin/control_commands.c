/* SPDX-License-Identifier: MIT */
/*
 * control_commands.c - what the daemon itself can be asked
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "chain/command.h"
#include "chain/talkers.h"
#include "control_client.h"
#include "control_log.h"
#include "door/conversation.h"
#include "host/generation.h"
#include "load.h"
#include "service/ring_writer.h"
#include "service/store.h"

/* Rows of top. */
#define TOP_MOST 50u

#define LINE_SIZE 1000

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* --- status --- */

static void
show_daemon(struct control_client *c, const struct generation *g)
{
	unsigned sessions = conversations_open(), messages = conversations_messages();
	const struct cm_cell cells[] = {
		{"what", "daemon", 0},
		{"version", CHAINMAIL_VERSION, 0},
		{"configuration", g->path, 0},
		{"generation", NULL, g->number},
		{"loaded_at", NULL, g->loaded},
		{"sessions", NULL, sessions},
		{"messages", NULL, messages},
	};

	char line[LINE_SIZE], day[32] = "?";
	time_t loaded = (time_t)g->loaded;
	struct tm tm;

	control_row(c, NULL, cells, COUNT(cells));
	if (localtime_r(&loaded, &tm) != NULL)
		strftime(day, sizeof(day), "%Y-%m-%d %H:%M", &tm);
	snprintf(line, sizeof(line),
		"chainmail " CHAINMAIL_VERSION "  configuration of %s (%s, generation %u)   %u "
		"session%s, %u message%s open",
		day, g->path, g->number, sessions, sessions == 1 ? "" : "s", messages,
		messages == 1 ? "" : "s");
	control_say(c, line);
}

static void
show_store(struct control_client *c, struct cm_store *store)
{
	struct store_health h;

	store_health(store, &h);
	const char *state = h.away ? "away" : h.full ? "full" : "ok";
	const struct cm_cell cells[] = {
		{"what", "store", 0},
		{"name", store_name(store), 0},
		{"state", state, 0},
		{"octets", NULL, h.octets},
		{"entries", NULL, h.entries},
		{"trouble", h.words, 0},
	};
	char line[LINE_SIZE];

	control_row(c, NULL, cells, COUNT(cells));
	snprintf(line, sizeof(line), "store       %s %s  %lld entries, %lld octets%s%s",
		store_name(store), state, (long long)h.entries, (long long)h.octets,
		h.words[0] != '\0' ? "   " : "", h.words);
	control_say(c, line);
}

static void
show_record(struct control_client *c, const struct generation *g)
{
	struct ring_health h;

	if (g->record.path == NULL)
		return;
	ring_writer_health(&h);
	const char *state = h.trouble[0] != '\0' ? "refused" : "ok";
	const struct cm_cell cells[] = {
		{"what", "record", 0},
		{"name", g->record.path, 0},
		{"state", state, 0},
		{"kept", NULL, h.kept},
		{"lost", NULL, h.crowded + h.refused},
		{"trouble", h.trouble, 0},
	};
	char line[LINE_SIZE];

	control_row(c, NULL, cells, COUNT(cells));
	snprintf(line, sizeof(line), "record      %s  %lld kept, %lld lost%s%.300s", state,
		(long long)h.kept, (long long)(h.crowded + h.refused),
		h.trouble[0] != '\0' ? "   " : "", h.trouble);
	control_say(c, line);
}

static bool
status(struct control_client *c, const struct command_words *words, char *why)
{
	struct generation *g = generation_hold();

	(void)words;
	(void)why;
	show_daemon(c, g);
	for (size_t i = 0; i < g->store_count; i++)
		show_store(c, g->stores[i]);
	show_record(c, g);
	control_status_links(c, g);
	generation_drop(g);
	return true;
}

/* --- reload --- */

static unsigned
running_number(void)
{
	struct generation *g = generation_hold();
	unsigned number = g->number;

	generation_drop(g);
	return number;
}

static bool
reload(struct control_client *c, const struct command_words *words, char *why)
{
	struct err err;

	(void)words;
	if (!reload_config(c->config, &err)) {
		snprintf(why, CONTROL_WHY_SIZE,
			"%.230s; generation %u goes on; all mistakes: chainmail check -c %.90s",
			err.text, running_number(), c->config);
		return false;
	}
	return control_row(c, NULL, &(struct cm_cell){"generation", NULL, running_number()}, 1);
}

/* --- commands --- */

static void
show_command(struct control_client *c, const char *noun, const struct cm_command *command)
{
	const struct command_form form = command_form(command);
	struct buf words;

	buf_init(&words, 0);
	command_describe(&form, &words);
	const struct cm_cell cells[] = {
		{"noun", noun, 0},
		{"command", command->name, 0},
		{"operands", words.data, 0},
		{"help", command->help == NULL ? "" : command->help, 0},
	};

	control_row(c, NULL, cells, COUNT(cells));
	buf_fini(&words);
}

/* Once for each plugin, however many links use it. */
static bool
is_first(const struct chain *chain, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (chain->links[k]->plugin == chain->links[i]->plugin)
			return false;
	}
	return true;
}

static bool
commands(struct control_client *c, const struct command_words *words, char *why)
{
	struct generation *g = generation_hold();

	(void)words;
	(void)why;
	for (size_t i = 0; i < g->chain.link_count; i++) {
		const struct cm_plugin *plugin = g->chain.links[i]->plugin;

		for (uint32_t k = 0; is_first(&g->chain, i) && k < plugin->command_count; k++) {
			struct cm_command command = command_at(plugin, k);

			show_command(c, plugin->noun, &command);
		}
	}
	generation_drop(g);
	return true;
}

/* --- top --- */

static const struct {
	const char *name, *column;
} kinds[] = {
	[TALKER_CLIENT] = {"clients", "client"},
	[TALKER_LOGIN] = {"logins", "login"},
	[TALKER_SENDER] = {"senders", "sender"},
};

/* Equal ones by name, so that what is shown does not change by itself. */
static int
by_number(uint64_t x, uint64_t y, const struct talker *a, const struct talker *b)
{
	if (x != y)
		return x < y ? 1 : -1;
	return strcmp(a->name, b->name);
}

static int
by_addresses(const void *a, const void *b)
{
	const struct talker *x = a, *y = b;

	return by_number(x->addresses, y->addresses, x, y);
}

static int
by_messages(const void *a, const void *b)
{
	const struct talker *x = a, *y = b;

	return by_number(x->messages, y->messages, x, y);
}

static int
by_recipients(const void *a, const void *b)
{
	const struct talker *x = a, *y = b;

	return by_number(x->recipients, y->recipients, x, y);
}

static int
by_refused(const void *a, const void *b)
{
	const struct talker *x = a, *y = b;

	return by_number(x->refused, y->refused, x, y);
}

/* In the order of the choices of --by. */
static int (*const orders[])(const void *, const void *) = {
	by_addresses, by_messages, by_recipients, by_refused};

struct top_args {
	int by;
	int64_t period_us;
};

static const struct cm_option top_options[] = {
	{"by", CM_OPT_CHOICE, offsetof(struct top_args, by), "recipients",
		.choices = "addresses|messages|recipients|refused", .help = "what is counted"},
	{"for", CM_OPT_DURATION, offsetof(struct top_args, period_us), "1h",
		.help = "in the latest hour, or another time, a day at most", .min = CLOCK_SEC,
		.max = 24 * 3600 * CLOCK_SEC},
};

static void
show_talker(struct control_client *c, enum talker_kind kind, const struct talker *t)
{
	const struct cm_cell cells[] = {
		{kinds[kind].column, t->name, 0},
		{"rcpts", NULL, (int64_t)t->recipients},
		{"messages", NULL, (int64_t)t->messages},
		{"refused", NULL, (int64_t)t->refused},
		{"addresses", NULL, t->addresses},
	};

	/* A client is one address. */
	control_row(c, NULL, cells, COUNT(cells) - (kind == TALKER_CLIENT));
}

static bool
top(struct control_client *c, const struct command_words *words, char *why)
{
	const struct top_args *args = words->args;
	struct talker *list;
	size_t kind = 0, found;

	(void)why;
	while (strcmp(kinds[kind].name, words->operands[0]) != 0)
		kind++;
	list = talkers_list((enum talker_kind)kind, args->period_us, &found);
	if (list != NULL)
		qsort(list, found, sizeof(*list), orders[args->by]);
	for (size_t i = 0; i < found && i < TOP_MOST; i++)
		show_talker(c, (enum talker_kind)kind, &list[i]);
	free(list);
	return true;
}

/* --- the table --- */

static const struct cm_option mode_options[] = {
	{"until", CM_OPT_STRING, offsetof(struct control_mode_args, until), .choices = "TIME",
		.help = "when it ends: 2026-12-31, \"2026-12-31 08:00\", 08:00, \"tomorrow "
			"08:00\", +2h"},
};

const struct control_command control_commands[] = {
	{"commands", "what the plugins of the running daemon can be asked", {.operands = NULL},
		false, false, commands},
	{"errors", "what went wrong in plugins and scripts", {.operands = "[NAME]"}, false, false,
		control_errors},
	{"log", "the latest message lines, and those to come",
		{NULL, {control_log_options, CONTROL_LOG_OPTIONS, sizeof(struct cm_option)},
			sizeof(struct control_log_args), false},
		false, true, control_log},
	{"metrics", "what the daemon and rules have counted, as Prometheus reads it",
		{.operands = NULL}, false, false, control_metrics_tell},
	{"mode", "enforce, watch or switch off a plugin or script until the daemon ends",
		{"NAME enforce|shadow|off|configured", SCHEMA_ROWS(mode_options),
			sizeof(struct control_mode_args), false},
		true, false, control_mode},
	{"reload", "make the running daemon read its configuration again", {.operands = NULL}, true,
		false, reload},
	{"shadow", "what plugins and scripts would have done, and to whom", {.operands = "[NAME]"},
		false, false, control_shadow},
	{"status", "how the running daemon is", {.operands = NULL}, false, false, status},
	{"top", "who sends most",
		{"clients|logins|senders", SCHEMA_ROWS(top_options), sizeof(struct top_args),
			false},
		false, false, top},
};

const size_t control_command_count = COUNT(control_commands);

const struct control_command *
control_command_find(const char *name)
{
	for (size_t i = 0; i < control_command_count; i++) {
		if (strcmp(control_commands[i].name, name) == 0)
			return &control_commands[i];
	}
	return NULL;
}
