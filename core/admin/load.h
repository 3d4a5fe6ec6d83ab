/* SPDX-License-Identifier: MIT */
/*
 * load.h - the configuration, loaded at a start, by a command, or while the daemon runs
 */
#ifndef CORE_ADMIN_LOAD_H
#define CORE_ADMIN_LOAD_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct generation;

/* What is printed where there are no errors: each adds to the one before. */
enum load_words { LOAD_NOTHING, LOAD_LEFT_OUT /* rules */, LOAD_WARNINGS };

/* Prints the mistakes to standard error; NULL after errors. */
struct generation *load_config(const char *path, enum load_words);

/* DNS is from now on what the file says; false after mistakes, which were printed. NULL is allowed.
 */
bool load_zone(struct generation *, const char *path);

/* From now on sessions are kept as its section record says. */
void load_recorder(const struct generation *);

/*
 * Makes the configuration the running one, or leaves the running one, and says in the log which,
 * with every mistake. Tells the service manager. False: it leaves it, and *err is the first
 * mistake, "scripts/x.lua:1: error: ..."; NULL is allowed.
 */
bool reload_config(const char *path, struct err *err);

enum reload_result { RELOAD_OK, RELOAD_REFUSED, RELOAD_RESULTS };

/* How many reloads ended so. */
uint64_t reload_count(enum reload_result);

#endif
