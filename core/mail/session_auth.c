/* SPDX-License-Identifier: MIT */
/*
 * session_auth.c - what links found, as Authentication-Results says it (RFC 8601 section 2.2)
 *
 * Kept in the spans of results. Knows links only as what may be the same: their order is the
 * chain's.
 */
#include "session.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"

/* Of a connection and its message; a message of more signatures is meant to cost time. */
#define RESULTS_MOST	64u
#define PROPERTIES_MOST 16u
#define KEYWORD_MOST	64u
#define TEXT_MOST	1024u

static bool
is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Keyword of RFC 5321 section 4.1.2: letters, digits and inner hyphens. */
static bool
keyword(const char *text)
{
	size_t len = 0;

	/* Not strspn(), which makes a table of the letters each time. */
	while (text != NULL && len <= KEYWORD_MOST &&
		(is_letter_or_digit(text[len]) || text[len] == '-'))
		len++;
	return len > 0 && len <= KEYWORD_MOST && text[len] == '\0' && text[0] != '-' &&
	       text[len - 1] != '-';
}

static bool
check(const struct cm_auth_result *r, struct err *err)
{
	if (!keyword(r->method) || !keyword(r->result))
		return err_set(err, "method and result must be keywords, such as spf and pass");
	if (r->count > PROPERTIES_MOST)
		return err_set(err, "%s has more than %u properties", r->method, PROPERTIES_MOST);
	for (size_t i = 0; i < r->count; i++) {
		const struct cm_auth_property *p = &r->properties[i];

		if (!keyword(p->type) || !keyword(p->name) || p->value == NULL)
			return err_set(
				err, "%s has a property that is not TYPE.NAME=VALUE", r->method);
	}
	return true;
}

static bool
same_property(const struct cm_auth_property *a, const struct cm_auth_property *b)
{
	return text_equal_nocase(a->type, b->type) && text_equal_nocase(a->name, b->name) &&
	       strncmp(a->value, b->value, TEXT_MOST) == 0;
}

static bool
same(const struct cm_auth_result *a, const struct cm_auth_result *b)
{
	if (!text_equal_nocase(a->method, b->method) || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!same_property(&a->properties[i], &b->properties[i]))
			return false;
	}
	return true;
}

static const char *
copy_text(struct arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_strndup(arena, text, strnlen(text, TEXT_MOST));
}

static struct cm_auth_result
copy(struct arena *arena, const struct cm_auth_result *r)
{
	struct cm_auth_property *properties = arena_array(arena, r->count, sizeof(*properties));

	for (size_t i = 0; i < r->count; i++) {
		properties[i].type = arena_strdup(arena, r->properties[i].type);
		properties[i].name = arena_strdup(arena, r->properties[i].name);
		properties[i].value = copy_text(arena, r->properties[i].value);
	}
	return (struct cm_auth_result){
		.method = arena_strdup(arena, r->method),
		.result = arena_strdup(arena, r->result),
		.comment = copy_text(arena, r->comment),
		.reason = copy_text(arena, r->reason),
		.count = r->count,
		.properties = properties,
	};
}

static struct session_auth *
find(struct session_auth *list, const struct link *by, const struct cm_auth_result *r)
{
	while (list != NULL && (list->by != by || !same(&list->result, r)))
		list = list->next;
	return list;
}

static struct session_auth *
append(struct session_auth **at, struct arena *arena)
{
	while (*at != NULL)
		at = &(*at)->next;
	*at = arena_alloc(arena, sizeof(**at));
	return *at;
}

static size_t
count_all(const struct cm_session *s)
{
	size_t count = 0;

	for (unsigned span = 0; span < SESSION_SPANS; span++) {
		for (const struct session_auth *a = s->auth_results[span]; a != NULL; a = a->next)
			count++;
	}
	return count;
}

static void
say_full(struct cm_session *s)
{
	if (!s->auth_said)
		log_write(LOG_LEVEL_WARN,
			"%s more than %u results for Authentication-Results; the others are "
			"ignored",
			s->id, RESULTS_MOST);
	s->auth_said = true;
}

bool
session_add_auth(struct cm_session *s, const struct link *by, const struct cm_auth_result *r,
	struct err *err)
{
	enum session_span span = session_span(s);
	struct arena *arena = session_span_arena(s, span);
	struct session_auth *a;

	if (!check(r, err))
		return false;
	a = find(s->auth_results[span], by, r);
	if (a == NULL && count_all(s) >= RESULTS_MOST) {
		say_full(s);
		return true;
	}
	if (a == NULL)
		a = append(&s->auth_results[span], arena);
	a->by = by;
	a->result = copy(arena, r);
	return true;
}

/* A later span says the same anew. */
static bool
hidden(const struct cm_session *s, enum session_span span, const struct session_auth *a)
{
	for (unsigned later = span + 1u; later < SESSION_SPANS; later++) {
		if (find(s->auth_results[later], a->by, &a->result) != NULL)
			return true;
	}
	return false;
}

const struct cm_auth_result *
session_auth(const struct cm_session *s, const struct link *by, size_t i)
{
	for (unsigned span = 0; span < SESSION_SPANS; span++) {
		for (const struct session_auth *a = s->auth_results[span]; a != NULL; a = a->next) {
			if (a->by == by && !hidden(s, span, a) && i-- == 0)
				return &a->result;
		}
	}
	return NULL;
}
