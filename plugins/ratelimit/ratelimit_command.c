/* SPDX-License-Identifier: MIT */
/*
 * ratelimit_command.c - chainmail limit show, list, reset
 *
 * A key in the store says who it is of, so it can be made a subject again, with his limits of now.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ratelimit.h"

#define ROWS_MOST 1000u
#define KEY_MOST  512u
#define WHY_SIZE  160u

struct list_args {
	int64_t over; /* hundredths of a percent */
};

static const struct cm_option list_options[] = {
	{"over", CM_OPT_PERCENT, offsetof(struct list_args, over), "0%",
		.help = "who has used that much of his limit, or more", .min = 0, .max = 20000},
};

static bool
complain_away(struct cm_session *s)
{
	cm_complain(s, "the store does not answer, or not in time");
	return false;
}

/* NULL after words. */
static struct ratelimit_subject *
find_subject(struct cm_session *s, const char *text)
{
	struct ratelimit_subject *list = NULL, *subject;
	struct ratelimit_who who;
	const char *rest;
	char why[WHY_SIZE];

	if (!ratelimit_read_who(s, text, &who, &rest, why, sizeof(why)) || rest != NULL) {
		cm_decline(s, "%s", rest == NULL ? why : "that is more than its key has");
		return NULL;
	}
	subject = ratelimit_subject(s, &list, &who);
	if (subject == NULL)
		cm_complain(s, "his limits cannot be told: a map cannot be read, or has not the "
			       "class that it names");
	return subject;
}

static bool
show(struct cm_session *s, size_t count, const char *const *operands)
{
	struct ratelimit_subject *who = find_subject(s, operands[0]);

	(void)count;
	return who != NULL && (ratelimit_show_subject(s, who) || complain_away(s));
}

/* --- list --- */

struct entry {
	int64_t fullness;
	char key[KEY_MOST]; /* behind "limit/LINK/" */
};

/* The fullest of all, as a heap: the least full of them is the first. */
struct gathered {
	struct cm_session *s;
	int64_t over;
	size_t prefix; /* octets of "limit/LINK/" */
	struct entry *entries;
	size_t count, found;
	bool away;
};

/* That whose key in the store it is: of several buckets, which have a period behind it, the one. */
static struct ratelimit_bucket *
find_bucket(struct cm_session *s, const char *key, size_t prefix, struct ratelimit_subject **who)
{
	struct ratelimit_subject *list = NULL;
	struct ratelimit_who parts;
	const char *rest;
	char why[WHY_SIZE];

	if (!ratelimit_read_who(s, key + prefix, &parts, &rest, why, sizeof(why)))
		return NULL;
	*who = ratelimit_subject(s, &list, &parts);
	for (size_t i = 0; *who != NULL && i < (*who)->bucket_count; i++) {
		if (strcmp((*who)->bucket[i].key, key) == 0)
			return &(*who)->bucket[i];
	}
	return NULL;
}

static void
swap(struct entry *a, struct entry *b)
{
	struct entry c = *a;

	*a = *b;
	*b = c;
}

static void
sink_first(struct gathered *g)
{
	for (size_t i = 0, child; (child = 2 * i + 1) < g->count; i = child) {
		child += child + 1 < g->count &&
			 g->entries[child + 1].fullness < g->entries[child].fullness;
		if (g->entries[i].fullness <= g->entries[child].fullness)
			return;
		swap(&g->entries[i], &g->entries[child]);
	}
}

static void
keep(struct gathered *g, const char *key, int64_t fullness)
{
	size_t i = g->count;

	g->found++;
	if (g->count == ROWS_MOST) {
		if (fullness <= g->entries[0].fullness)
			return;
		g->entries[0].fullness = fullness;
		snprintf(g->entries[0].key, KEY_MOST, "%s", key);
		sink_first(g);
		return;
	}
	g->count++;
	g->entries[i].fullness = fullness;
	snprintf(g->entries[i].key, KEY_MOST, "%s", key);
	for (; i > 0 && g->entries[i].fullness < g->entries[(i - 1) / 2].fullness; i = (i - 1) / 2)
		swap(&g->entries[i], &g->entries[(i - 1) / 2]);
}

static bool
gather(void *context, const char *key, const void *value, size_t len)
{
	struct gathered *g = context;
	struct ratelimit_subject *who;
	struct ratelimit_bucket *b = find_bucket(g->s, key, g->prefix, &who);
	int64_t fullness;

	(void)value;
	(void)len;
	if (b == NULL || strlen(key) >= KEY_MOST)
		return true;
	fullness = ratelimit_fullness(g->s, b);
	g->away = fullness < 0;
	if (fullness >= g->over)
		keep(g, key, fullness);
	return !g->away;
}

/* The fullest first; equal ones by name. */
static int
by_fullness(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->fullness != y->fullness)
		return x->fullness < y->fullness ? 1 : -1;
	return strcmp(x->key, y->key);
}

/* "limit/LINK/", of which the octets are *len. */
static const char *
prefix_of(struct cm_session *s, size_t *len)
{
	size_t size = strlen(cm_link_name(s)) * 3 + sizeof("limit//");
	char *prefix = cm_msg_alloc(s, size);

	*len = ratelimit_append(prefix, size, 0, "limit", false);
	*len = ratelimit_append(prefix, size, *len, cm_link_name(s), false);
	prefix[(*len)++] = '/';
	return prefix;
}

static bool
list(struct cm_session *s, size_t count, const char *const *operands)
{
	const struct ratelimit_config *config = cm_config(s);
	const struct list_args *args = cm_args(s);
	struct gathered g = {.s = s, .over = args->over};
	const char *prefix = prefix_of(s, &g.prefix);

	(void)count;
	(void)operands;
	g.entries = cm_msg_alloc(s, ROWS_MOST * sizeof(*g.entries));
	if (cm_store_each(s, config->store, prefix, gather, &g) != CM_STORE_OK || g.away)
		return complain_away(s);
	qsort(g.entries, g.count, sizeof(*g.entries), by_fullness);
	for (size_t i = 0; i < g.count; i++) {
		struct ratelimit_subject *who;
		struct ratelimit_bucket *b = find_bucket(s, g.entries[i].key, g.prefix, &who);

		if (b != NULL && !ratelimit_list_bucket(s, who, b))
			return complain_away(s);
	}
	if (g.found > g.count)
		cm_complain(s, "these are the fullest %zu of %zu: ask for less with --over",
			g.count, g.found);
	return g.found == g.count;
}

/* --- reset --- */

/* Where it is counted: in memory, while the store is away. */
static bool
forget(struct cm_session *s, const struct ratelimit_bucket *b)
{
	enum cm_store_status status = cm_store_delete(s, b->store, b->key);

	return status == CM_STORE_OK || status == CM_STORE_NONE;
}

static bool
reset(struct cm_session *s, size_t count, const char *const *operands)
{
	struct ratelimit_subject *who = find_subject(s, operands[0]);
	int64_t was = 0;

	(void)count;
	if (who == NULL)
		return false;
	for (size_t i = 0; i < who->bucket_count; i++) {
		struct ratelimit_bucket *b = &who->bucket[i];
		struct ratelimit_answer a = ratelimit_look(s, b, 0);
		int64_t used = a.store.used * b->limit.unit;

		if ((a.outcome != RATELIMIT_OK && a.outcome != RATELIMIT_OVER) || !forget(s, b))
			return complain_away(s);
		was = used > was ? used : was;
	}
	const struct cm_cell cells[] = {
		{"key", ratelimit_readable(s, who), 0},
		{"was", NULL, was},
	};

	(void)cm_row(s, cells, sizeof(cells) / sizeof(*cells));
	cm_say(s, "%s  %s  done (was %lld)", cm_link_name(s), cells[0].text, (long long)was);
	return true;
}

const struct cm_command ratelimit_commands[RATELIMIT_COMMANDS] = {
	{"list", NULL, "who has used how much of his limit, the fullest first", false, list,
		list_options, sizeof(list_options) / sizeof(*list_options),
		sizeof(struct cm_option), sizeof(struct list_args)},
	{.name = "reset",
		.operands = "KEY",
		.help = "forget what was counted",
		.changes = true,
		.run = reset},
	{.name = "show",
		.operands = "KEY",
		.help = "what was counted, what is left, and when the next message may come",
		.run = show},
};
