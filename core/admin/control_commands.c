/* SPDX-License-Identifier: MIT */
/*
 * control_commands.c - what the daemon itself can be asked
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chain/command.h"
#include "chain/talkers.h"
#include "conf/unit.h"
#include "control_client.h"
#include "door/conversation.h"
#include "host/generation.h"
#include "load.h"
#include "service/store.h"

/* Rows of top. */
#define TOP_MOST 50u

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static bool
takes_nothing(size_t count, const char *name, char *why, size_t why_size)
{
	if (count == 1)
		return true;
	snprintf(why, why_size, "%s takes no operand", name);
	return false;
}

/* --- status --- */

static void
show_daemon(struct control_client *c, const struct generation *g)
{
	const struct cm_cell cells[] = {
		{"what", "daemon", 0},
		{"version", CHAINMAIL_VERSION, 0},
		{"configuration", g->path, 0},
		{"generation", NULL, g->number},
		{"loaded", NULL, g->loaded},
		{"sessions", NULL, (int64_t)conversations_open()},
		{"messages", NULL, (int64_t)conversations_messages()},
	};

	control_row(c, NULL, cells, COUNT(cells));
}

static void
show_store(struct control_client *c, struct cm_store *store)
{
	struct store_health h;

	store_health(store, &h);
	const struct cm_cell cells[] = {
		{"what", "store", 0},
		{"name", store_name(store), 0},
		{"state", h.away ? "away" : "ok", 0},
		{"octets", NULL, h.octets},
		{"entries", NULL, h.entries},
		{"trouble", h.words, 0},
	};

	control_row(c, NULL, cells, COUNT(cells));
}

static bool
status(struct control_client *c, size_t count, const char *const *words, char *why, size_t why_size)
{
	struct generation *g;

	if (!takes_nothing(count, words[0], why, why_size))
		return false;
	g = generation_hold();
	show_daemon(c, g);
	for (size_t i = 0; i < g->store_count; i++)
		show_store(c, g->stores[i]);
	generation_drop(g);
	return true;
}

/* --- reload --- */

static bool
reload(struct control_client *c, size_t count, const char *const *words, char *why, size_t why_size)
{
	struct generation *g;
	unsigned before, after;

	if (!takes_nothing(count, words[0], why, why_size))
		return false;
	g = generation_hold();
	before = g->number;
	generation_drop(g);
	reload_config(c->config);
	g = generation_hold();
	after = g->number;
	generation_drop(g);
	if (after == before) {
		snprintf(why, why_size,
			"refused, generation %u goes on; run: chainmail check -c %s", before,
			c->config);
		return false;
	}
	return control_row(c, NULL, &(struct cm_cell){"generation", NULL, after}, 1);
}

/* --- commands --- */

static bool
commands(struct control_client *c, size_t count, const char *const *words, char *why,
	size_t why_size)
{
	struct generation *g;

	if (!takes_nothing(count, words[0], why, why_size))
		return false;
	g = generation_hold();
	for (size_t i = 0; i < g->chain.link_count; i++) {
		const struct cm_plugin *plugin = g->chain.links[i]->plugin;

		for (uint32_t k = 0; plugin->noun != NULL && k < plugin->command_count; k++) {
			struct cm_command command = command_at(plugin, k);
			const struct cm_cell cells[] = {
				{"noun", plugin->noun, 0},
				{"command", command.name, 0},
				{"operands", command.operands == NULL ? "" : command.operands, 0},
				{"help", command.help == NULL ? "" : command.help, 0},
			};

			control_row(c, g->chain.links[i]->name, cells, COUNT(cells));
		}
	}
	generation_drop(g);
	return true;
}

/* --- top --- */

static const char *const talker_kinds[] = {
	[TALKER_CLIENT] = "clients", [TALKER_LOGIN] = "logins", [TALKER_SENDER] = "senders"};

static int
more_recipients(const void *a, const void *b)
{
	uint64_t x = ((const struct talker *)a)->recipients;
	uint64_t y = ((const struct talker *)b)->recipients;

	return x < y ? 1 : -(x > y);
}

static int
more_messages(const void *a, const void *b)
{
	uint64_t x = ((const struct talker *)a)->messages;
	uint64_t y = ((const struct talker *)b)->messages;

	return x < y ? 1 : -(x > y);
}

static int
more_refused(const void *a, const void *b)
{
	uint64_t x = ((const struct talker *)a)->refused;
	uint64_t y = ((const struct talker *)b)->refused;

	return x < y ? 1 : -(x > y);
}

static const struct {
	const char *name;
	int (*more)(const void *, const void *);
} orders[] = {
	{"messages", more_messages},
	{"recipients", more_recipients},
	{"refused", more_refused},
};

/* top KIND ORDER TIME */
struct top {
	enum talker_kind kind;
	int (*more)(const void *, const void *);
	int64_t us;
};

static bool
read_top(const char *const *words, struct top *top, char *why, size_t why_size)
{
	const char *wrong;
	size_t kind = 0, order = 0;

	while (kind < TALKER_KINDS && strcmp(talker_kinds[kind], words[1]) != 0)
		kind++;
	while (order < COUNT(orders) && strcmp(orders[order].name, words[2]) != 0)
		order++;
	top->kind = (enum talker_kind)kind;
	if (kind == TALKER_KINDS)
		snprintf(why, why_size, "say which: clients, logins or senders");
	else if (order == COUNT(orders))
		snprintf(why, why_size, "--by takes messages, recipients or refused");
	else if (unit_duration(words[3], &top->us, &wrong) != NULL || top->us <= 0)
		snprintf(why, why_size, "--for takes a time, such as 1h; a day at most");
	else
		top->more = orders[order].more;
	return top->more != NULL;
}

static bool
top(struct control_client *c, size_t count, const char *const *words, char *why, size_t why_size)
{
	struct top top = {.more = NULL};
	struct talker *list;
	size_t found;

	if (count != 4) {
		snprintf(why, why_size, "say which: clients, logins or senders");
		return false;
	}
	if (!read_top(words, &top, why, why_size))
		return false;
	list = talkers_list(top.kind, top.us, &found);
	if (list != NULL)
		qsort(list, found, sizeof(*list), top.more);
	for (size_t i = 0; i < found && i < TOP_MOST; i++) {
		const struct cm_cell cells[] = {
			{"name", list[i].name, 0},
			{"recipients", NULL, (int64_t)list[i].recipients},
			{"messages", NULL, (int64_t)list[i].messages},
			{"refused", NULL, (int64_t)list[i].refused},
		};

		control_row(c, NULL, cells, COUNT(cells));
	}
	free(list);
	return true;
}

const struct control_command control_commands[] = {
	{"commands", false, commands},
	{"reload", true, reload},
	{"status", false, status},
	{"top", false, top},
};

const size_t control_command_count = COUNT(control_commands);
