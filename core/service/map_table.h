/* SPDX-License-Identifier: MIT */
/*
 * map_table.h - the content of a map at one moment
 *
 * Filled line by line, then immutable. Knows neither files nor locks; those are map.c's.
 */
#ifndef CORE_SERVICE_MAP_TABLE_H
#define CORE_SERVICE_MAP_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/net.h"
#include "conf/diag.h"
#include "map.h"

#define MAP_FILE_MAX	(64u << 20) /* octets */
#define MAP_LINE_MAX	65536u	    /* octets of one logical line */
#define MAP_ENTRIES_MAX 2000000u
#define MAP_REPORTS_MAX 20u /* mistakes of one file; more help nobody */

/* Where mistakes of one source go: all of them at a load, the first at a reload. */
struct map_report {
	struct diag *diag; /* NULL: only first */
	const char *file;
	struct err first; /* "file:line: words" of the first of the gravest mistakes */
	int gravest;
	unsigned errors, warnings;
	unsigned senseless; /* of the warnings */
};

void map_error(struct map_report *, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A warning of a line that means nothing and is left out. */
void map_senseless(struct map_report *, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void map_warn(struct map_report *, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

struct map_entry {
	char *key, *value; /* in the table's arena */
	unsigned line;
};

/* A value of an exact map. */
struct map_value {
	const char *text;
	unsigned line;
	struct map_value *next;
};

/* What every value must pass. */
struct map_check {
	const char *who;
	bool (*check)(const char *text, char *why, size_t why_size);
	const struct map_check *next;
};

struct map_block {
	struct net_block block;
	const char *value;
	unsigned line; /* the first that holds wins */
};

struct map_blocks {
	struct map_block *items; /* sorted by family, length, octets once finished */
	size_t count, room;
	unsigned char lengths[129]; /* prefix lengths that occur, v4 and v6 together */
	size_t length_count;
};

struct map_table {
	struct arena arena;
	enum map_match match;
	size_t count;
	unsigned senseless;		/* lines that were left out because they mean nothing */
	struct table keys;		/* MAP_EXACT: lower-case key to struct map_value */
	struct map_value *first, **end; /* in the order of their lines */
	struct map_blocks blocks;	/* MAP_CIDR */
	unsigned references;		/* under the lock of the map that owns it */
};

struct map_table *map_table_new(enum map_match);
void map_table_free(struct map_table *);
/* Reads text as postmap(1) reads its source. */
void map_table_text(struct map_table *, const char *text, size_t len, struct map_report *);
/* One "key value" line of filter.conf. */
void map_table_line(
	struct map_table *, const char *text, size_t len, unsigned line, struct map_report *);
/* After the last line. False when errors were reported: the table must not be used. */
bool map_table_finish(struct map_table *, struct map_report *);
/* Every value that does not pass is an error. */
void map_table_check(const struct map_table *, const struct map_check *, struct map_report *);
/* NULL when there is no such key. */
const char *map_table_find(const struct map_table *, const char *key);

/* Networks, for map_table.c. */
void map_blocks_add(struct map_table *, const struct map_entry *, struct map_report *);
void map_blocks_finish(struct map_table *, struct map_report *);
const char *map_blocks_find(const struct map_blocks *, const char *key);

#endif
