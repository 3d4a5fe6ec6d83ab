/* SPDX-License-Identifier: MIT */
/*
 * map.h - named maps: text files, CIDR lists and lists in filter.conf
 *
 * A map file is looked at again when it is newer, at most every `reload`; a new file with mistakes,
 * without entries, or with more senseless lines than before is refused as a whole, said once, and
 * the old content stays. Safe for many threads.
 */
#ifndef CORE_SERVICE_MAP_H
#define CORE_SERVICE_MAP_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/diag.h"

struct arena;

enum map_match { MAP_EXACT, MAP_CIDR };

struct map_config {
	const char *name;
	struct conf_pos pos; /* in filter.conf, for a file that cannot be read */
	/* "postmap:/path" (text as read by postmap), "/path" (the same), or NULL: entries. */
	const char *source;
	struct cm_list entries; /* "key value", as a line of a file */
	enum map_match match;
	int64_t reload_us;
};

/*
 * Reads it; mistakes in the file are errors of diag and give NULL. Lines ignored are warnings. The
 * configuration is copied.
 */
struct cm_map *map_open(const struct map_config *, struct diag *);
void map_close(struct cm_map *);
const char *map_name(const struct cm_map *);
enum map_match map_match(const struct cm_map *);
/*
 * Before the map is used: from now on every value must pass check, as struct cm_option says. Those
 * that do not are errors of diag and give false; who ("sender of plugin access") is put in front.
 */
bool map_require(struct cm_map *, const char *who,
	bool (*check)(const char *text, char *why, size_t why_size), struct diag *);
size_t map_count(struct cm_map *);
/* value is copied into the arena. Keys of MAP_EXACT in any case; of MAP_CIDR the first that holds.
 */
enum cm_known map_get(const struct cm_map *, const char *key, struct arena *, const char **value);

#endif
