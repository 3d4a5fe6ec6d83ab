/* SPDX-License-Identifier: MIT */
/*
 * tally.h - how often each of some names was counted
 */
#ifndef CORE_CLI_TALLY_H
#define CORE_CLI_TALLY_H

#include <stddef.h>

#include "base/hash.h"

struct tally_row {
	char *name;
	size_t count;
};

struct tally {
	struct table index;
	struct tally_row **rows; /* as they came; tally_sort() puts the greatest first */
	size_t count;
};

void tally_init(struct tally *);
void tally_fini(struct tally *);
void tally_add(struct tally *, const char *name);
/* The greatest first, equal ones by name. */
void tally_sort(struct tally *);
/* All counts together. */
size_t tally_total(const struct tally *);

#endif
