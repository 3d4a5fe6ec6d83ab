/* SPDX-License-Identifier: MIT */
/*
 * plugin_table.h - checks the table of a plugin before anything of it is believed
 */
#ifndef CORE_HOST_PLUGIN_TABLE_H
#define CORE_HOST_PLUGIN_TABLE_H

#include <chainmail/plugin.h>
#include <stdbool.h>

#include "base/err.h"

/*
 * Copies theirs, which may be of an older and shorter struct, into ours. False with words when it
 * is of a newer interface, calls itself something else than name, or makes no sense.
 */
MUST_USE bool plugin_table_read(
	struct cm_plugin *ours, const struct cm_plugin *theirs, const char *name, struct err *);
/* A type name as filter.conf may give it: lower case, digits, underscore. */
bool plugin_name_valid(const char *name);

#endif
