/* SPDX-License-Identifier: MIT */
/*
 * command.c - what people ask of links while the daemon runs
 */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "mail/session.h"
#include "run.h"

/* A command may look at everything that a store holds; for all of its links. */
#define TIME_US (60 * CLOCK_SEC)

struct cm_command
command_at(const struct cm_plugin *plugin, uint32_t i)
{
	const unsigned char *table = (const unsigned char *)plugin->commands;
	size_t size = plugin->command_size;
	struct cm_command c = {0};

	memcpy(&c, table + i * size, size < sizeof(c) ? size : sizeof(c));
	return c;
}

const struct cm_plugin *
command_find_plugin(const struct chain *chain, const char *noun)
{
	for (size_t i = 0; i < chain->link_count; i++) {
		const struct cm_plugin *plugin = chain->links[i]->plugin;

		if (plugin->noun != NULL && strcmp(plugin->noun, noun) == 0)
			return plugin;
	}
	return NULL;
}

bool
command_find(const struct cm_plugin *plugin, const char *name, struct cm_command *c)
{
	for (uint32_t i = 0; i < plugin->command_count; i++) {
		*c = command_at(plugin, i);
		if (strcmp(c->name, name) == 0)
			return true;
	}
	return false;
}

struct command_form
command_form(const struct cm_command *c)
{
	return (struct command_form){.operands = c->operands,
		.options = {c->options, c->option_count, c->option_size},
		.args_size = c->args_size,
		.links = true};
}

static bool
is_asked(const struct link *l, const struct cm_plugin *plugin, const char *name)
{
	return l->plugin == plugin && (name == NULL || strcmp(l->name, name) == 0);
}

/* Nobody took it: no link is called so, or each said why it is not about it. */
static void
complain_of_none(const struct command_words *words, struct command_sink *sink)
{
	if (sink->complaint[0] != '\0')
		return;
	if (sink->declined[0] != '\0')
		memcpy(sink->complaint, sink->declined, sizeof(sink->complaint));
	else if (words->link != NULL)
		snprintf(sink->complaint, sizeof(sink->complaint),
			"no link of this type is called \"%.60s\"", words->link);
	else
		snprintf(sink->complaint, sizeof(sink->complaint), "it could not be done");
}

bool
command_run(struct cm_session *s, const struct cm_plugin *plugin, const struct cm_command *c,
	const struct command_words *words, struct command_sink *sink)
{
	struct run *r = s->run;
	size_t done = 0;

	r->sink = sink;
	r->deadline = clock_now() + TIME_US;
	sink->args = words->args;
	for (size_t i = 0; sink->complaint[0] == '\0' && i < r->chain->link_count; i++) {
		struct link *l = r->chain->links[i];

		if (!is_asked(l, plugin, words->link))
			continue;
		r->link = l;
		done += c->run(s, words->count, words->operands);
		r->link = NULL;
	}
	r->sink = NULL;
	if (done == 0)
		complain_of_none(words, sink);
	return done > 0 && sink->complaint[0] == '\0';
}
