/* SPDX-License-Identifier: MIT */
/*
 * schema.h - a tree section and a table of rows become a struct
 *
 * Rows are struct cm_option (plugin.h), for the core's own sections as for every plugin. Reports
 * unknown names with a suggestion, wrong types and units, ranges, choices, missing required rows,
 * doubles and deprecated names.
 */
#ifndef CORE_CONF_SCHEMA_H
#define CORE_CONF_SCHEMA_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tree.h"

struct arena;

/* A table of rows; row_size is what the plugin was compiled with. */
struct schema_rows {
	const struct cm_option *rows;
	size_t count;
	size_t row_size;
};

#define SCHEMA_ROWS(table)                                                  \
	{                                                                   \
		(table), sizeof(table) / sizeof(*(table)), sizeof(*(table)) \
	}

/* What a row's value may refer to outside the section. */
struct schema_world {
	struct arena *arena;  /* where values live */
	const char *base_dir; /* relative paths start here */
	/* The map with that name or NULL; names is for suggestions and may be NULL. */
	const struct cm_map *(*find_map)(void *context, const char *name);
	const char *const *(*map_names)(void *context, size_t *count);
	/* The same for stores. */
	const struct cm_store *(*find_store)(void *context, const char *name);
	const char *const *(*store_names)(void *context, size_t *count);
	/*
	 * The row of what ("plugin access") takes the map, which it names at that place; false
	 * after an error. NULL: every row takes every map.
	 */
	bool (*use_map)(void *context, const struct cm_map *, const char *what,
		const struct cm_option *, struct conf_pos);
	void *context;
};

/* One table read into one struct. A section may be read through several (common rows + own rows).
 */
struct schema_part {
	struct schema_rows rows;
	void *out;
	const char *block; /* a block that may stand in the section ("settings"), or NULL */
};

/*
 * what: "plugin greylist", for messages. Fills defaults first. False when an error was reported.
 * After a syntax error what may only be its consequence (a missing setting) is not reported.
 */
bool schema_fill(const char *what, const struct conf_section *, const struct schema_part *,
	size_t parts, const struct schema_world *, struct diag *);
/* Row i, zero-filled where the table is of an older, shorter struct. */
struct cm_option schema_row(const struct schema_rows *, size_t i);
/* One value by one row into the struct out (the row's offset counts), as schema_fill does it. */
bool schema_value(const char *what, const struct cm_option *, const struct conf_value *, void *out,
	const struct schema_world *, struct diag *);
/* "duration with a unit", "one of" (the row's choices follow): for help and manual pages. */
const char *schema_type_text(enum cm_option_type);

#endif
