/* SPDX-License-Identifier: MIT */
/*
 * plugin.h - finds and loads plugins: shared objects with one table
 */
#ifndef CORE_HOST_PLUGIN_H
#define CORE_HOST_PLUGIN_H

#include <chainmail/plugin.h>
#include <stdbool.h>

struct err;

/*
 * The plugin of that type, loaded once per process and never unloaded (its code may be running).
 * Searches main.plugin_dir when given, else <directory of the binary>/plugins, else the installed
 * directory. NULL, with words that name file and reason, when it is not there, is newer than this
 * daemon, lacks its table or asks for an unknown symbol. An older, shorter table is zero-filled.
 */
const struct cm_plugin *plugin_load(const char *type, const char *dir, struct err *);
/* Names of all plugins that can be found, sorted, NULL-terminated; caller frees with
 * plugin_names_free. */
char **plugin_names(const char *dir);
void plugin_names_free(char **);

#endif
