/* SPDX-License-Identifier: MIT */
/*
 * command.c - what people ask of links while the daemon runs
 */
#include "command.h"

#include <string.h>

#include "base/clock.h"
#include "mail/session.h"
#include "run.h"

/* A command may look at everything that a store holds. */
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

bool
command_run(struct cm_session *s, const struct cm_plugin *plugin, const struct cm_command *c,
	size_t count, const char *const *operands, struct command_sink *sink)
{
	struct run *r = s->run;
	bool done = true;

	r->sink = sink;
	for (size_t i = 0; done && i < r->chain->link_count; i++) {
		struct link *l = r->chain->links[i];

		if (l->plugin != plugin)
			continue;
		r->link = l;
		r->deadline = clock_now() + TIME_US;
		done = c->run(s, count, operands);
		r->link = NULL;
	}
	r->sink = NULL;
	return done && sink->complaint[0] == '\0';
}
