/* SPDX-License-Identifier: MIT */
/*
 * generation.h - one generation of the configuration: loaded whole, or not at all
 *
 * Immutable once loaded. A reload builds a new one and swaps a pointer; every connection holds a
 * reference to the generation it began with.
 */
#ifndef CORE_HOST_GENERATION_H
#define CORE_HOST_GENERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "chain/chain.h"
#include "settings.h"

struct conf_section;
struct diag;
struct resolver;
struct script_cover;
struct started; /* plugins whose start() succeeded */

struct generation {
	_Atomic unsigned references;
	unsigned number;
	int64_t loaded; /* seconds since 1970 */
	const char *path;
	struct arena arena;
	struct main_settings main;
	struct dns_settings dns;
	struct geo_settings geo;
	struct notice_settings notify;
	struct record_settings record;
	struct listener_settings *listeners;
	size_t listener_count;
	struct log_config *logs;
	unsigned log_count;
	struct chain chain;
	struct chain_needs needs;
	struct cm_map **maps;
	size_t map_count;
	struct cm_store **stores;
	size_t store_count;
	struct script_host *scripts; /* Lua states; NULL without scripts */
	struct started *started;
	const struct conf_section *tree; /* as read, for `config show` */
};

/*
 * Reads, checks and builds everything. NULL when diag holds errors; warnings do not stop it, and a
 * rule that cannot be loaded is one where its on_load_error says so.
 */
struct generation *generation_load(const char *path, struct diag *);
/* The same for a daemon on this machine, whose users, groups and directories must be there, too. */
struct generation *generation_load_to_serve(const char *path, struct diag *);
/* The same in the place of one that runs, and goes on: on_load_error is for starts alone. */
struct generation *generation_load_to_replace(const char *path, struct diag *);
/*
 * Begins to use what only one daemon may use, as the user it runs as: the files of stores. False
 * with words. Without it they are used when they are first needed.
 */
bool generation_start(struct generation *, struct err *) MUST_USE;
/* Before the process ends, which sessions that hang do not: writes what stores have in memory. */
void generation_flush(struct generation *);
/*
 * What stands in the place of the world where a rule is tested: the text of the file, DNS (taken
 * over), plugins that are asked for by their type before any file is looked for (NULL-terminated),
 * where each client is (copied; NULL: what the section geo says), and who counts the lines of rules
 * that run (NULL: nobody).
 */
struct generation_seams {
	const char *text;
	size_t len;
	struct resolver *resolver;
	const struct cm_plugin *const *plugins;
	const struct geo_place *place;
	struct script_cover *cover;
};
/* path: whose directory relative names start at, and the name of the text in messages. */
struct generation *
generation_load_with(const char *path, const struct generation_seams *, struct diag *);
/* From now on DNS is what that file says. Mistakes in it are errors of diag and give false. */
bool generation_set_zone(struct generation *, const char *path, struct diag *);
/* From now on that resolver answers; takes the caller's reference. */
void generation_set_resolver(struct generation *, struct resolver *);
/* From now on its stores are memory: nothing is counted for good. */
void generation_detach_stores(struct generation *);
/* The running generation, NULL without one; hold gives the caller a reference, drop may free it. */
struct generation *generation_hold(void);
void generation_drop(struct generation *);
/*
 * Makes it the running one (takes the caller's reference); the old one ends with its last session.
 * NULL: none runs any more.
 */
void generation_swap(struct generation *);

#endif
