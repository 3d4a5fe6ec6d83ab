/* SPDX-License-Identifier: MIT */
/*
 * config.h - what the files of `chainmail config` share
 */
#ifndef CORE_CLI_CONFIG_H
#define CORE_CLI_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "conf/schema.h"
#include "host/generation.h"

/* --- tables of settings: sections, what plugins and scripts share, plugins --- */

struct config_table {
	const char *name;  /* "listener", "access" */
	const char *title; /* "listener", "plugin access" */
	const char *help;
	bool links; /* has the common settings of plugins and scripts, too */
	struct schema_rows rows;
	const struct cm_plugin *plugin; /* NULL: of none */
};

struct config_tables {
	struct config_table *items;
	size_t count;
	struct config_table common; /* of every plugin and script */
};

/* All sections, then all plugins of the directory (NULL: where they are looked for). */
void config_tables(struct config_tables *, struct arena *, const char *plugin_dir);
/* Row i of the table, unless it is a deprecated name. */
bool config_row(const struct config_table *, size_t i, struct cm_option *);
/* "one of enforce, shadow, off", "duration with a unit". */
const char *config_type(struct arena *, const struct cm_option *);
/* "1s to 1h", NULL without bounds. */
const char *config_range(struct arena *, const struct cm_option *);

/* --- the forms --- */

int config_help(const char *name, const char *plugin_dir);
void config_print_markdown(const char *plugin_dir);
void config_print_man(const char *plugin_dir);
void config_show(const struct generation *, bool defaults);
void config_show_chain(const struct generation *);
void config_print_value(FILE *, const struct conf_value *);

#endif
