/* SPDX-License-Identifier: MIT */
/*
 * kept.c - what is asked of a kept session
 */
#include "kept.h"

#include <string.h>

void
kept_free(struct kept *k)
{
	arena_fini(&k->arena);
}

/* Octets of a macro's name without its braces, which do not matter. */
static const char *
bare_name(const char *name, size_t *len)
{
	*len = strlen(name);
	if (*len < 2 || name[0] != '{' || name[*len - 1] != '}')
		return name;
	*len -= 2;
	return name + 1;
}

static bool
same_macro(const char *a, const char *b)
{
	size_t a_len, b_len;
	const char *a_bare = bare_name(a, &a_len), *b_bare = bare_name(b, &b_len);

	return a_len == b_len && memcmp(a_bare, b_bare, a_len) == 0;
}

static const char *
find_macro(const struct session_pair *list, const char *name, const char *found)
{
	for (; list != NULL; list = list->next) {
		if (same_macro(list->name, name) && list->value[0] != '\0')
			found = list->value;
	}
	return found;
}

const char *
kept_macro(const struct kept *k, const char *name)
{
	const char *found = find_macro(k->conn_macros, name, NULL);

	found = find_macro(k->helo_macros, name, found);
	for (const struct kept_event *e = k->events; e != NULL; e = e->next)
		found = find_macro(e->macros, name, found);
	return found;
}

bool
kept_has_header(const struct kept *k)
{
	return (k->stages & UINT32_C(1) << CM_STAGE_HEADER) != 0;
}

bool
kept_has_body(const struct kept *k)
{
	return k->body_whole && (k->stages & UINT32_C(1) << CM_STAGE_BODY) != 0;
}

const struct kept_event *
kept_find(const struct kept *k, const struct kept_event *e, enum cm_stage stage)
{
	e = e == NULL ? k->events : e->next;
	while (e != NULL && e->stage != stage)
		e = e->next;
	return e;
}
