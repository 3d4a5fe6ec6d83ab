/* SPDX-License-Identifier: MIT */
/*
 * mta_macros.c - the macros an MTA knows, and which of them a filter is told at a stage
 *
 * Names are kept as they stand on the wire: one letter bare, longer ones in braces.
 */
#include "mta_macros.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATORS ", \t\r\n"

/* Strips braces; the length of what is left goes to *length. */
static const char *
bare(const char *name, size_t *length)
{
	*length = strlen(name);
	if (*length > 2 && name[0] == '{' && name[*length - 1] == '}') {
		*length -= 2;
		return name + 1;
	}
	return name;
}

static bool
same_name(const char *a, const char *b)
{
	size_t an;
	size_t bn;

	a = bare(a, &an);
	b = bare(b, &bn);
	return an == bn && memcmp(a, b, an) == 0;
}

static char *
wire_name(const char *name)
{
	size_t length;
	const char *start = bare(name, &length);
	char *made = malloc(length + 3);

	if (made)
		snprintf(made, length + 3, length == 1 ? "%.*s" : "{%.*s}", (int)length, start);
	return made;
}

const struct macro_row *
macro_set_find(const struct macro_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (same_name(set->rows[i].name, name))
			return &set->rows[i];
	return NULL;
}

bool
macro_set_put(struct macro_set *set, const char *name, const char *value)
{
	const struct macro_row *found = macro_set_find(set, name);
	struct macro_row *row = found ? &set->rows[found - set->rows] : &set->rows[set->count];

	if (!found) {
		if (set->count == MACRO_ROWS)
			return false;
		row->name = wire_name(name);
		if (!row->name)
			return false;
		row->value = NULL;
		set->count++;
	}
	free(row->value);
	row->value = value ? strdup(value) : NULL;
	return true;
}

void
macro_set_fini(struct macro_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->rows[i].name);
		free(set->rows[i].value);
	}
	set->count = 0;
}

static const struct macro_row *
lookup(const struct macro_set *const *sets, const char *name)
{
	const struct macro_row *row = NULL;

	while (*sets && !row)
		row = macro_set_find(*sets++, name);
	return row && row->value ? row : NULL;
}

size_t
macro_list_write(const char *list, const struct macro_set *const *sets, char *to, size_t size)
{
	size_t used = 0;

	for (const char *p = list + strspn(list, SEPARATORS); *p; p += strspn(p, SEPARATORS)) {
		size_t length = strcspn(p, SEPARATORS);
		char name[128];

		snprintf(name, sizeof name, "%.*s", (int)length, p);
		p += length;
		const struct macro_row *row = lookup(sets, name);
		if (!row)
			continue;
		size_t need = strlen(row->name) + strlen(row->value) + 2;
		if (need > size - used)
			continue;
		memcpy(to + used, row->name, strlen(row->name) + 1);
		memcpy(to + used + strlen(row->name) + 1, row->value, strlen(row->value) + 1);
		used += need;
	}
	return used;
}
