/* SPDX-License-Identifier: MIT */
/*
 * published.h - what plugins say that they publish: their results, row by row
 */
#ifndef CORE_HOST_PUBLISHED_H
#define CORE_HOST_PUBLISHED_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Row number i, whatever version the plugin was built for. */
struct cm_published published_row(const struct cm_plugin *, size_t i);
/* Row "#" or "*": it stands for more than one key. */
bool published_is_many(const struct cm_published *);
/* The row of that key, one of its own before "#" and "*". False: the plugin publishes no such. */
bool published_find(const struct cm_plugin *, const char *key, struct cm_published *);
/* The plugin may publish that key; true of one that does not say what it publishes. */
bool published_may(const struct cm_plugin *, const char *key);
/* The value is one of the row's words, or the row has none. */
bool published_may_be(const struct cm_published *, const char *value);
/* Steps through "pass|fail": the next word and its length, until it returns NULL. */
const char *published_word(const char **words, size_t *len);

/* Both return false: dmarc has no result "polcy"; did you mean "policy"? Or what it has. */
bool published_no_key(const struct cm_plugin *, const char *key, struct err *);
/* spf.result is never "sofftail"; did you mean "softfail"? Or what it can be. */
bool published_no_word(
	const struct cm_plugin *, const struct cm_published *, const char *value, struct err *);

/* Its rows make sense; else false with words. */
MUST_USE bool published_check(const struct cm_plugin *, struct err *);

#endif
