/* SPDX-License-Identifier: MIT */
/*
 * ratelimit_result.c - what later links, rules and people are told of a limit
 *
 * Of a message the word is published at once, and the rest when somebody reads it: the daemon's log
 * needs only the word.
 */
#include "ratelimit.h"

#include <stdio.h>
#include <string.h>

#define LENGTH(table) (sizeof(table) / sizeof(*(table)))

/* From the weakest: of several links of this type the strongest word is the result. */
static const char *const results[] = {"none", "exempt", "ok", "unknown", "over"};

static size_t
strength(const char *word)
{
	size_t i = LENGTH(results);

	while (word != NULL && i-- > 0) {
		if (strcmp(results[i], word) == 0)
			return i + 1;
	}
	return 0;
}

/* What was said before is stronger. Most often it is the same. */
static bool
weaker(const char *word, const char *before)
{
	return before != NULL && strcmp(word, before) != 0 && strength(word) < strength(before);
}

/* A link that is called like a result has none under its name. */
static bool
taken_name(const char *name)
{
	static const char *const names[] = {"key", "limit", "result", "used"};
	size_t i = 0;

	while (i < LENGTH(names) && strcmp(names[i], name) != 0)
		i++;
	return i < LENGTH(names);
}

/* True: no other link of this type has said more. Said again only for who reads each step. */
static bool
publish_word(struct cm_session *s, const char *word)
{
	const char *before = cm_result(s, "ratelimit", "result");
	bool strongest = !weaker(word, before);

	if (strongest && (before == NULL || strcmp(word, before) != 0 || cm_explained(s)))
		cm_set_result(s, "result", word);
	return strongest;
}

static void
publish_own_word(struct cm_session *s, const char *word)
{
	if (word != NULL && !taken_name(cm_link_name(s)))
		cm_set_result(s, cm_link_name(s), word);
}

/* Under the link's name, or as the type's. */
static void
publish(struct cm_session *s, const char *link, const char *key, const char *value)
{
	char own[RATELIMIT_TEXT_SIZE];

	if (link != NULL) {
		snprintf(own, sizeof(own), "%s_%s", link, key);
		key = own;
	}
	cm_set_result(s, key, value);
}

static void
publish_number(struct cm_session *s, const char *link, const char *key, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	publish(s, link, key, text);
}

static void
publish_one(struct cm_session *s, const char *link, const struct ratelimit_said *said)
{
	if (said->subject == NULL)
		return;
	publish(s, link, "key", said->subject->shown);
	if (!said->numbers)
		return;
	publish_number(s, link, "used", said->used);
	publish_number(s, link, "limit", said->limit);
}

/* Before the message, at connect, what is said lasts longer than what waits. */
static void
say(struct cm_session *s, const struct ratelimit_said *said, const char *word)
{
	struct ratelimit_message *m = cm_msg(s);
	bool strongest = publish_word(s, word);

	if (m == NULL) {
		publish_own_word(s, word);
		publish_one(s, cm_link_name(s), said);
		if (strongest)
			publish_one(s, NULL, said);
		return;
	}
	/* One recipient that was over the limit is not forgotten for the next. */
	if (!weaker(word, m->word))
		m->word = word;
	if (said->subject != NULL)
		m->latest_said = *said;
	if (said->subject != NULL && strongest)
		m->strongest_said = *said;
	cm_results_due(s, false);
}

void
ratelimit_publish_said(struct cm_session *s)
{
	const struct ratelimit_message *m = cm_msg(s);

	publish_own_word(s, m->word);
	publish_one(s, cm_link_name(s), &m->latest_said);
	publish_one(s, NULL, &m->strongest_said);
}

static const char *
word_for(const struct ratelimit_subject *subject, const struct ratelimit_answer *a)
{
	static const char *const of_outcome[] = {[RATELIMIT_OK] = "ok",
		[RATELIMIT_OVER] = "over",
		[RATELIMIT_AWAY] = "unknown",
		[RATELIMIT_BROKEN] = "unknown"};

	if (subject->kind == RATELIMIT_IS_EXEMPT)
		return "exempt";
	return a == NULL ? "ok" : of_outcome[a->outcome];
}

/* Why nobody is refused. */
static void
explain_others(struct cm_session *s, const struct ratelimit_subject *subject,
	const struct ratelimit_answer *a)
{
	if (subject->kind == RATELIMIT_IS_EXEMPT)
		cm_reason(s, "%.200s is exempt", subject->shown);
	else if (subject->kind == RATELIMIT_IS_UNLIMITED)
		cm_reason(s, "%.200s has no limit", subject->shown);
	else if (a != NULL && a->outcome != RATELIMIT_OK)
		cm_reason(s, "%.200s: the store is away", subject->shown);
}

void
ratelimit_publish(struct cm_session *s, const struct ratelimit_subject *subject,
	const struct ratelimit_answer *a)
{
	bool known = a != NULL && (a->outcome == RATELIMIT_OK || a->outcome == RATELIMIT_OVER);
	struct ratelimit_said said = {.subject = subject, .numbers = known && a->limit != NULL};

	if (said.numbers) {
		said.used = a->store.used * a->limit->unit;
		said.limit = a->store.limit * a->limit->unit;
	}
	say(s, &said, word_for(subject, a));
	if (said.numbers && (a->outcome == RATELIMIT_OVER || cm_explained(s)))
		ratelimit_explain(s, subject, a);
	else if (!said.numbers)
		explain_others(s, subject, a);
}

void
ratelimit_publish_none(struct cm_session *s, const char *missing)
{
	say(s, &(struct ratelimit_said){.subject = NULL}, "none");
	cm_reason(s, "no %s", missing);
}

const struct cm_published ratelimit_published[RATELIMIT_PUBLISHED] = {
	{"key", NULL, "of the strongest link: whose limit it is"},
	{"limit", NULL, "of the strongest link: how many there may be at once"},
	{"result", "none|exempt|ok|unknown|over", "the strongest of all links of this type"},
	{"used", NULL, "of the strongest link: how many there are"},
	{"*", NULL, "NAME: the word of the link of that name; NAME_used, NAME_limit, NAME_key"},
};
