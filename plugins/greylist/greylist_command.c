/* SPDX-License-Identifier: MIT */
/*
 * greylist_command.c - chainmail greylist show, allow, forget
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "greylist.h"

#define FOR_EVER   UINT32_MAX
#define PART_SIZE  400u
#define ROWS_MOST  1000u
#define DAY_US	   (INT64_C(86400) * GREYLIST_SECOND)
#define USUAL_DAYS 90

/* What is looked for, and what was found. */
struct looking {
	struct cm_session *s;
	const char *text;		 /* NULL: everything */
	char (*keys)[GREYLIST_KEY_SIZE]; /* forget: what is to be deleted */
	size_t count;
};

static const struct greylist_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

static bool
wanted(const struct looking *l, const char *key)
{
	char part[PART_SIZE];

	for (unsigned i = 3; greylist_part(key, i, part, sizeof(part)); i++) {
		if (l->text == NULL || strstr(part, l->text) != NULL)
			return true;
	}
	return false;
}

static bool
show_entry(void *context, const char *key, const void *value, size_t len)
{
	struct looking *l = context;
	char kind[16], from[PART_SIZE], sender[PART_SIZE] = "", rcpt[PART_SIZE] = "";
	struct greylist_record r;

	greylist_decode(&r, value, len);
	if (!r.there || !wanted(l, key) || !greylist_part(key, 2, kind, sizeof(kind)) ||
		!greylist_part(key, 3, from, sizeof(from)))
		return true;
	greylist_part(key, 4, sender, sizeof(sender));
	greylist_part(key, 5, rcpt, sizeof(rcpt));
	const struct cm_cell cells[] = {
		{"kind", kind, 0},
		{"from", from, 0},
		{"sender", sender, 0},
		{"recipient", rcpt, 0},
		{"state",
			r.passes == FOR_EVER ? "allowed"
			: r.passes > 0	     ? "passed"
					     : "waiting",
			0},
		{"passes", NULL, r.passes == FOR_EVER ? 0 : (int64_t)r.passes},
		{"first", NULL, r.first},
		{"last", NULL, r.last},
	};

	return cm_row(l->s, cells, sizeof(cells) / sizeof(*cells)) && ++l->count < ROWS_MOST;
}

static bool
each(struct cm_session *s, bool (*use)(void *, const char *, const void *, size_t),
	struct looking *l)
{
	char prefix[GREYLIST_KEY_SIZE];

	greylist_key(prefix, cm_link_name(s), "", NULL, 0);
	if (cm_store_each(s, config_of(s)->store, prefix, use, l) == CM_STORE_OK)
		return true;
	cm_complain(s, "the store does not answer");
	return false;
}

static bool
show(struct cm_session *s, size_t count, const char *const *operands)
{
	struct looking l = {.s = s, .text = count > 0 ? operands[0] : NULL};

	return each(s, show_entry, &l);
}

/* --- forget --- */

static bool
gather(void *context, const char *key, const void *value, size_t len)
{
	struct looking *l = context;

	(void)value;
	if (!wanted(l, key))
		return true;
	memcpy(l->keys[l->count], key, strlen(key) + 1);
	(void)len;
	return ++l->count < ROWS_MOST;
}

static bool
forget(struct cm_session *s, size_t count, const char *const *operands)
{
	struct looking l = {.s = s};
	bool good;

	if (count != 1 || operands[0][0] == '\0') {
		cm_complain(s, "say what: a network, an address or a part of one");
		return false;
	}
	l.text = operands[0];
	l.keys = malloc(ROWS_MOST * sizeof(*l.keys));
	if (l.keys == NULL) {
		cm_complain(s, "no memory");
		return false;
	}
	good = each(s, gather, &l);
	for (size_t i = 0; good && i < l.count; i++)
		good = cm_store_delete(s, config_of(s)->store, l.keys[i]) != CM_STORE_AWAY;
	free(l.keys);
	if (good)
		cm_row(s, &(struct cm_cell){"forgotten", NULL, (int64_t)l.count}, 1);
	return good;
}

/* --- allow --- */

/* "90d" or "90": days. */
static int64_t
read_days(const char *text)
{
	char *end;
	long days = strtol(text, &end, 10);

	return days > 0 && days <= 3650 && (*end == '\0' || strcmp(end, "d") == 0) ? days : 0;
}

static bool
allow(struct cm_session *s, size_t count, const char *const *operands)
{
	int64_t days = count == 2 ? read_days(operands[1]) : USUAL_DAYS, now = cm_time(s);
	struct greylist_record r = {.there = true, .first = now, .last = now};
	unsigned char value[GREYLIST_RECORD];
	char key[GREYLIST_KEY_SIZE], from[PART_SIZE];

	if (count < 1 || count > 2 || days == 0) {
		cm_complain(s, "say which client address or domain, and for how many days: 90d");
		return false;
	}
	if (!greylist_network(config_of(s), operands[0], from, sizeof(from)))
		snprintf(from, sizeof(from), "%s", operands[0]);
	r.passes = FOR_EVER;
	greylist_encode(&r, value);
	if (!greylist_key(key, cm_link_name(s), "from", (const char *const[]){from}, 1) ||
		cm_store_set(s, config_of(s)->store, key, value, sizeof(value), days * DAY_US) !=
			CM_STORE_OK) {
		cm_complain(s, "the store does not take it");
		return false;
	}
	cm_row(s, (const struct cm_cell[]){{"allowed", from, 0}, {"days", NULL, days}}, 2);
	return true;
}

const struct cm_command greylist_commands[GREYLIST_COMMANDS] = {
	{"allow", "ADDRESS|NETWORK|DOMAIN [DAYS]", "lets mail from there pass at once", true,
		allow},
	{"forget", "TEXT", "forgets what holds the text: a network, an address", true, forget},
	{"show", "[TEXT]", "shows what is known, or what holds the text", false, show},
};
