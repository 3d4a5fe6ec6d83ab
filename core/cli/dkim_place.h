/* SPDX-License-Identifier: MIT */
/*
 * dkim_place.h - where keys of DKIM are, and who may read them, as a configuration says it
 */
#ifndef CORE_CLI_DKIM_PLACE_H
#define CORE_CLI_DKIM_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

struct arena;

struct dkim_place {
	const char *dir;
	gid_t group; /* of the daemon; -1: it is not another one */
};

/*
 * key_dir of the plugin dkim, whatever else is wrong with the configuration, for a key is made
 * before a table names it. dir: NULL, or what overrides it. False when it cannot be told, which
 * was printed.
 */
bool dkim_place(const char *config, const char *dir, struct arena *, struct dkim_place *);

#endif
