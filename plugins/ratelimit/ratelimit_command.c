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
#define SECOND	  INT64_C(1000000)

struct gathered {
	char (*keys)[KEY_MOST];
	size_t count;
	const char *prefix;
};

/* --- whose a key is --- */

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes ratelimit_append() of one part, in its place. */
static void
decode(char *part)
{
	char *out = part;

	for (; *part != '\0'; part++) {
		if (part[0] == '%' && digit(part[1]) >= 0 && digit(part[2]) >= 0) {
			*out++ = (char)(digit(part[1]) * 16 + digit(part[2]));
			part += 2;
		} else {
			*out++ = *part;
		}
	}
	*out = '\0';
}

/* "bob/198.51.100.7", written as keys are; false: it has not as many parts as the limit's key. */
static bool
read_who(struct cm_session *s, const char *shown, struct ratelimit_who *who)
{
	const struct ratelimit_config *config = cm_config(s);
	size_t len = strlen(shown);
	char *parts = cm_msg_alloc(s, len + 1), *part;

	*who = (struct ratelimit_who){.missing = NULL};
	memcpy(parts, shown, len);
	for (size_t i = 0; i < config->part_count; i++) {
		part = strsep(&parts, "/");
		if (part == NULL || part[0] == '\0')
			return false;
		decode(part);
		who->values[i] = part;
	}
	/* Behind the parts there may be the period of a bucket. */
	return parts == NULL || strchr(parts, '/') == NULL;
}

/* --- rows --- */

static void
rate_of(const struct ratelimit_limit *l, size_t window, char *out, size_t size)
{
	const struct cm_limit_window *w = &l->limit.window[window];
	char period[RATELIMIT_WORDS];

	ratelimit_short(w->period_us, period);
	snprintf(out, size, "%lld/%s", (long long)(w->count * l->unit), period);
}

/* False: the store does not answer. */
static bool
show_bucket(struct cm_session *s, const struct ratelimit_subject *who, struct ratelimit_bucket *b,
	int64_t over)
{
	struct ratelimit_answer a = ratelimit_look(s, b, 1);
	int64_t unit = b->limit.unit, used = a.store.used, limit = a.store.limit;
	char rate[64];

	if (a.outcome != RATELIMIT_OK && a.outcome != RATELIMIT_OVER)
		return false;
	if (used * 100 < limit * over)
		return true;
	rate_of(&b->limit, a.store.window, rate, sizeof(rate));
	const struct cm_cell cells[] = {
		{"key", who->shown, 0},
		{"limit", rate, 0},
		{"used", NULL, used * unit},
		{"of", NULL, limit * unit},
		{"left", NULL, used < limit ? (limit - used) * unit : 0},
		{"next_in", NULL, (a.store.retry_us + SECOND - 1) / SECOND},
	};

	cm_row(s, cells, sizeof(cells) / sizeof(*cells));
	return true;
}

static bool
complain_away(struct cm_session *s)
{
	cm_complain(s, "the store does not answer");
	return false;
}

static bool
show_subject(struct cm_session *s, const struct ratelimit_subject *who, int64_t over)
{
	if (who == NULL) {
		cm_complain(s, "his limits cannot be told: a map could not be read");
		return false;
	}
	for (size_t i = 0; i < who->bucket_count; i++) {
		if (!show_bucket(s, who, &who->bucket[i], over))
			return complain_away(s);
	}
	return true;
}

static struct ratelimit_subject *
find_subject(struct cm_session *s, const char *shown)
{
	struct ratelimit_subject *list = NULL;
	struct ratelimit_who who;

	if (!read_who(s, shown, &who)) {
		cm_complain(s, "the key of this limit has other parts: %.100s", shown);
		return NULL;
	}
	return ratelimit_subject(s, &list, &who);
}

/* --- commands --- */

static bool
show(struct cm_session *s, size_t count, const char *const *operands)
{
	struct ratelimit_subject *who;

	if (count != 1) {
		cm_complain(s, "say whose: KEY, such as a login; of several parts: PART/PART");
		return false;
	}
	who = find_subject(s, operands[0]);
	if (who != NULL && who->kind != RATELIMIT_IS_LIMITED) {
		cm_row(s,
			(const struct cm_cell[]){{"key", who->shown, 0},
				{"limit", who->kind == RATELIMIT_IS_EXEMPT ? "exempt" : "unlimited",
					0}},
			2);
		return true;
	}
	return who != NULL && show_subject(s, who, 0);
}

static bool
gather(void *context, const char *key, const void *value, size_t len)
{
	struct gathered *g = context;

	(void)value;
	(void)len;
	if (strlen(key) < KEY_MOST)
		snprintf(g->keys[g->count++], KEY_MOST, "%s", key + strlen(g->prefix));
	return g->count < ROWS_MOST;
}

/* All that there is of this link; NULL after a complaint. */
static struct gathered *
gather_all(struct cm_session *s)
{
	const struct ratelimit_config *config = cm_config(s);
	struct gathered *g = cm_msg_alloc(s, sizeof(*g));
	size_t size = strlen(cm_link_name(s)) * 3 + sizeof("limit//");
	char *prefix = cm_msg_alloc(s, size);
	size_t used = ratelimit_append(prefix, size, 0, "limit", false);

	used += ratelimit_append(prefix, size, used, cm_link_name(s), false);
	prefix[used] = '/';
	g->prefix = prefix;
	g->keys = cm_msg_alloc(s, ROWS_MOST * sizeof(*g->keys));
	if (cm_store_each(s, config->store, prefix, gather, g) == CM_STORE_OK)
		return g;
	complain_away(s);
	return NULL;
}

/* "80%", or "80"; -1: neither. */
static int64_t
read_percent(const char *text)
{
	char *end;
	long percent = strtol(text, &end, 10);

	if (end == text || percent < 0 || percent > 1000 || (*end != '\0' && strcmp(end, "%") != 0))
		return -1;
	return percent;
}

static bool
list(struct cm_session *s, size_t count, const char *const *operands)
{
	int64_t over = count == 0 ? 0 : count == 1 ? read_percent(operands[0]) : -1;
	struct ratelimit_subject *all = NULL;
	struct gathered *g;

	if (over < 0) {
		cm_complain(s, "--over takes a percentage, such as 80%%");
		return false;
	}
	g = gather_all(s);
	for (size_t i = 0; g != NULL && i < g->count; i++) {
		struct ratelimit_subject *before = all;
		struct ratelimit_who who;
		struct ratelimit_subject *subject =
			read_who(s, g->keys[i], &who) ? ratelimit_subject(s, &all, &who) : before;

		/* One of several buckets has shown them all. */
		if (subject == NULL || subject == before || subject->asked)
			continue;
		subject->asked = true;
		if (!show_subject(s, subject, over))
			return false;
	}
	return g != NULL;
}

static bool
reset(struct cm_session *s, size_t count, const char *const *operands)
{
	const struct ratelimit_config *config = cm_config(s);
	struct ratelimit_subject *who;

	if (count != 1) {
		cm_complain(s, "say whose: KEY, such as a login; of several parts: PART/PART");
		return false;
	}
	who = find_subject(s, operands[0]);
	if (who == NULL || !show_subject(s, who, 0))
		return false;
	for (size_t i = 0; i < who->bucket_count; i++) {
		if (cm_store_delete(s, config->store, who->bucket[i].key) == CM_STORE_AWAY)
			return complain_away(s);
	}
	return true;
}

const struct cm_command ratelimit_commands[RATELIMIT_COMMANDS] = {
	{"list", "[PERCENT]", "shows who has used that much of his limit, or anything", false,
		list},
	{"reset", "KEY", "forgets what was counted, and shows it", true, reset},
	{"show", "KEY", "shows what was counted: used, limit, and seconds until the next fits",
		false, show},
};
