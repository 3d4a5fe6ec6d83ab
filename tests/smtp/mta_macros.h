/* SPDX-License-Identifier: MIT */
/*
 * mta_macros.h - the macros an MTA knows, and which of them a filter is told at a stage
 *
 * Keeps names and values only; what sets them is the dialogue (mta.c) or the test.
 */
#ifndef TESTS_SMTP_MTA_MACROS_H
#define TESTS_SMTP_MTA_MACROS_H

#include <stdbool.h>
#include <stddef.h>

#define MACRO_ROWS 64

struct macro_row {
	char *name;
	char *value; /* NULL: known not to exist */
};

struct macro_set {
	struct macro_row rows[MACRO_ROWS];
	size_t count;
};

/* Sets a macro, with or without braces; value NULL: it does not exist. False when the set is full.
 */
bool macro_set_put(struct macro_set *set, const char *name, const char *value);

/* The row of that name, or NULL. */
const struct macro_row *macro_set_find(const struct macro_set *set, const char *name);

/* Forgets every row. */
void macro_set_fini(struct macro_set *set);

/* Writes name NUL value NUL for each name of a comma or blank separated list that exists; of
 * `sets`, the last of which is followed by NULL, the first that knows a name counts. Names that do
 * not fit below `size` are left out. Returns the bytes written. */
size_t
macro_list_write(const char *list, const struct macro_set *const *sets, char *to, size_t size);

#endif
