/* SPDX-License-Identifier: MIT */
/*
 * command.h - what people ask of links while the daemon runs
 */
#ifndef CORE_CHAIN_COMMAND_H
#define CORE_CHAIN_COMMAND_H

#include "chain.h"

/* Where the answer goes. */
struct command_sink {
	/* One row of that link; false: nobody reads it any more. */
	bool (*row)(void *context, const char *link, const struct cm_cell *, size_t count);
	void *context;
	char complaint[256]; /* "": nothing went wrong */
};

/* Command number i of the plugin, whatever version it was built for. */
struct cm_command command_at(const struct cm_plugin *, uint32_t i);
/* The plugin of that noun which some link uses; NULL: none. */
const struct cm_plugin *command_find_plugin(const struct chain *, const char *noun);
/* False: the plugin has no command of that name. */
bool command_find(const struct cm_plugin *, const char *name, struct cm_command *);
/* Runs it for every link of the plugin, in the session of nobody. False: it complained. */
bool command_run(struct cm_session *, const struct cm_plugin *, const struct cm_command *,
	size_t count, const char *const *operands, struct command_sink *);

#endif
