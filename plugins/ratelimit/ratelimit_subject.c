/* SPDX-License-Identifier: MIT */
/*
 * ratelimit_subject.c - whom a message has met: is he exempt, and which limit is his
 *
 * Names are looked up from the most specific to the least: his own, his domain's, that of all (*).
 */
#include "ratelimit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CLASS	     "class:"
#define CLASSES_MOST 4u
#define WHY_SIZE     100

static bool
fail(struct cm_session *s, const char *what, const char *why)
{
	cm_reason(s, "%.100s: %.100s", what, why);
	return false;
}

/* --- exempt --- */

static bool
listed(const struct cm_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcasecmp(list->items[i], name) == 0)
			return true;
	}
	return false;
}

/* Only what the client cannot choose: his key's names, his login, his address. */
static size_t
exempt_names(
	struct cm_session *s, const struct ratelimit_who *who, const char *names[RATELIMIT_NAMES])
{
	size_t count = ratelimit_names(s, who, names);
	const struct cm_auth *auth;

	if (cm_auth(s, &auth) == CM_KNOWN)
		names[count++] = auth->user;
	if (cm_client(s)->ip[0] != '\0')
		names[count++] = cm_client(s)->ip;
	return count;
}

/* False: nobody can tell. */
static bool
find_exempt(struct cm_session *s, const struct ratelimit_who *who, bool *exempt)
{
	const struct ratelimit_config *config = cm_config(s);
	const char *names[RATELIMIT_NAMES], *value;
	size_t count = exempt_names(s, who, names);

	*exempt = false;
	for (size_t i = 0; i < count && !*exempt; i++) {
		enum cm_known known = CM_NONE;

		if (config->exempt_map != NULL)
			known = cm_map_get(s, config->exempt_map, names[i], &value);
		if (known == CM_UNDELIVERED)
			return fail(s, "exempt_map", "the map could not be read");
		*exempt = known == CM_KNOWN || listed(&config->exempt, names[i]);
	}
	return true;
}

/* --- limits --- */

/* What the line of that name says in the end. False: there is no telling. */
static bool
read_line(struct cm_session *s, const char *name, enum ratelimit_line *kind,
	struct ratelimit_limit *l)
{
	const struct ratelimit_config *config = cm_config(s);
	const char *value, *asked = name;
	char why[WHY_SIZE];

	for (unsigned i = 0; i <= CLASSES_MOST; i++) {
		switch (cm_map_get(s, config->limits, name, &value)) {
		case CM_KNOWN:
			break;
		case CM_NONE:
			*kind = RATELIMIT_INHERIT;
			return name == asked || fail(s, name, "limits has no such class");
		case CM_UNDELIVERED:
			return fail(s, "limits", "the map could not be read");
		}
		if (!ratelimit_parse(value, kind, l, &name, why, sizeof(why)))
			return fail(s, value, why);
		if (*kind != RATELIMIT_CLASS)
			return true;
	}
	return fail(s, asked, "classes of classes of classes");
}

/* A name that a client gives himself is no class. */
static bool
is_class(const char *name)
{
	return strncasecmp(name, CLASS, strlen(CLASS)) == 0;
}

static bool
find_line(struct cm_session *s, const struct ratelimit_who *who, enum ratelimit_line *kind,
	struct ratelimit_limit *l)
{
	const struct ratelimit_config *config = cm_config(s);
	const char *names[RATELIMIT_NAMES];
	size_t count;

	*kind = RATELIMIT_INHERIT;
	if (config->limits == NULL)
		return true;
	count = ratelimit_names(s, who, names);
	names[count++] = "*";
	for (size_t i = 0; i < count && *kind == RATELIMIT_INHERIT; i++) {
		if (!is_class(names[i]) && !read_line(s, names[i], kind, l))
			return false;
	}
	if (*kind == RATELIMIT_LIMITED && l->unit > 1 && config->count != RATELIMIT_BYTES)
		return fail(s, "limits", "only octets can be so many");
	return true;
}

static bool
find_limit(struct cm_session *s, const struct ratelimit_who *who, struct ratelimit_subject *subject,
	struct ratelimit_limit *l)
{
	const struct ratelimit_config *config = cm_config(s);
	enum ratelimit_line kind;

	if (!find_line(s, who, &kind, l))
		return false;
	if (kind == RATELIMIT_INHERIT)
		*l = config->all;
	if (kind == RATELIMIT_UNLIMITED || (kind == RATELIMIT_INHERIT && !config->limited))
		subject->kind = RATELIMIT_IS_UNLIMITED;
	l->limit.strict = config->update != 0;
	return true;
}

/* --- buckets --- */

static const char *
with_period(struct cm_session *s, const char *key, int64_t us)
{
	size_t size = strlen(key) + RATELIMIT_WORDS + 2;
	char *out = cm_msg_alloc(s, size);
	char period[RATELIMIT_WORDS];

	ratelimit_short(us, period);
	snprintf(out, size, "%s/%s", key, period);
	return out;
}

/* A recipient may be new to one period and known in another, so each has a bucket. */
static void
fill_buckets_of_new(struct cm_session *s, const struct ratelimit_who *who,
	struct ratelimit_subject *subject, const struct ratelimit_limit *l)
{
	const char *shown, *seen = ratelimit_key(s, "seen", who, &shown);

	for (size_t i = 0; i < l->limit.windows; i++) {
		struct ratelimit_bucket *b = &subject->bucket[i];
		int64_t period = l->limit.window[i].period_us;

		b->key = with_period(s, subject->key, period);
		b->seen = with_period(s, seen, period);
		b->limit = *l;
		b->limit.limit.windows = 1;
		b->limit.limit.window[0] = l->limit.window[i];
	}
}

static bool
fill(struct cm_session *s, const struct ratelimit_who *who, struct ratelimit_subject *subject)
{
	const struct ratelimit_config *config = cm_config(s);
	struct ratelimit_limit l = {.unit = 1};
	bool exempt;

	if (!find_exempt(s, who, &exempt))
		return false;
	if (exempt)
		subject->kind = RATELIMIT_IS_EXEMPT;
	else if (!find_limit(s, who, subject, &l))
		return false;
	if (subject->kind != RATELIMIT_IS_LIMITED)
		return true;
	subject->bucket_count = config->count == RATELIMIT_DISTINCT ? l.limit.windows : 1;
	subject->bucket = cm_msg_alloc(s, subject->bucket_count * sizeof(*subject->bucket));
	if (config->count == RATELIMIT_DISTINCT)
		fill_buckets_of_new(s, who, subject, &l);
	else
		*subject->bucket = (struct ratelimit_bucket){.key = subject->key, .limit = l};
	return true;
}

/* --- subjects --- */

/* FNV-1a; it only spreads the keys of one message. */
static uint32_t
spread(const char *key)
{
	uint32_t h = UINT32_C(2166136261);

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * UINT32_C(16777619);
	return h;
}

/* Where he is, or would be: a message may have ten thousand. */
static struct ratelimit_subject **
place_of(struct ratelimit_subject **at, const char *key)
{
	uint32_t h = spread(key);

	while (*at != NULL && strcmp((*at)->key, key) != 0) {
		at = &(*at)->child[h & 1];
		h = h >> 1 | h << 31;
	}
	return at;
}

struct ratelimit_subject *
ratelimit_subject(
	struct cm_session *s, struct ratelimit_subject **first, const struct ratelimit_who *who)
{
	const char *shown, *key = ratelimit_key(s, "limit", who, &shown);
	struct ratelimit_subject **at = place_of(first, key), *subject = *at;

	if (subject != NULL)
		return subject;
	subject = cm_msg_alloc(s, sizeof(*subject));
	subject->key = key;
	subject->shown = shown;
	if (!fill(s, who, subject))
		return NULL;
	*at = subject;
	if (subject != *first) {
		subject->next = (*first)->next;
		(*first)->next = subject;
	}
	return subject;
}
