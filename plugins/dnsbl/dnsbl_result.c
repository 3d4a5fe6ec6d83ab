/* SPDX-License-Identifier: MIT */
/*
 * dnsbl_result.c - what a message leaves behind: results for others, and how the lists did
 *
 * Results stand under the type's name, so links of this type share them: each adds to what the ones
 * before said, and its own word has the link's name.
 */
#include "dnsbl.h"

#include <stdio.h>
#include <string.h>

#define ZONES_SIZE 512
#define KEY_SIZE   128

/* From the weakest: of several links of this type the strongest word is the result. */
static const char *const words[] = {"none", "clean", "unanswered", "allowed", "listed"};

static size_t
strength(const char *word)
{
	size_t i = sizeof(words) / sizeof(*words);

	while (word != NULL && i-- > 0) {
		if (strcmp(words[i], word) == 0)
			return i + 1;
	}
	return 0;
}

static const char *
word_for(const struct dnsbl *lists, const struct dnsbl_finding *found, enum dnsbl_action action)
{
	static const size_t of_outcome[] = {
		[DNSBL_NOT_ASKED] = 0,
		[DNSBL_SUSPENDED] = 0,
		[DNSBL_CLEAN] = 1,
		[DNSBL_SILENT] = 2,
		[DNSBL_REFUSES] = 2,
		[DNSBL_NONSENSE] = 2,
		[DNSBL_NO_ENTRY] = 2,
		[DNSBL_LISTS_ALL] = 2,
		[DNSBL_LISTED] = 4,
	};
	size_t word = 0;

	if (action == DNSBL_ALLOW)
		return "allowed";
	for (size_t i = 0; i < lists->rule_count; i++) {
		if (of_outcome[found[i].outcome] > word)
			word = of_outcome[found[i].outcome];
	}
	return words[word];
}

static bool
has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)) != NULL; p += len) {
		if ((p == list || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return true;
	}
	return false;
}

/* Another link of this type, or another line, may have said it already. */
static void
append_result(struct cm_session *s, const char *key, const char *word)
{
	const char *old = cm_result(s, "dnsbl", key);
	char all[ZONES_SIZE];

	if (old == NULL) {
		cm_set_result(s, key, word);
	} else if (!has_word(old, word)) {
		snprintf(all, sizeof(all), "%s %s", old, word);
		cm_set_result(s, key, all);
	}
}

/* What the message heard of the list: CLEAN once it answered. */
static enum dnsbl_outcome
heard_of(const struct dnsbl *lists, const struct dnsbl_list *l, const struct dnsbl_finding *found)
{
	enum dnsbl_outcome heard = DNSBL_NOT_ASKED;

	for (size_t i = 0; i < lists->rule_count; i++) {
		enum dnsbl_outcome o = found[i].outcome;

		if (lists->rules[i].list != l || o == DNSBL_NOT_ASKED)
			continue;
		if (o == DNSBL_LISTED || o == DNSBL_CLEAN)
			return DNSBL_CLEAN;
		heard = o;
	}
	return heard;
}

bool
dnsbl_note_lists(struct cm_session *s, struct dnsbl *lists, const struct dnsbl_finding *found)
{
	bool all = true;

	for (size_t i = 0; i < lists->list_count; i++) {
		struct dnsbl_list *l = &lists->lists[i];
		enum dnsbl_outcome heard = heard_of(lists, l, found);

		if (heard == DNSBL_SUSPENDED)
			append_result(s, "suspended", l->zone);
		if (heard < DNSBL_CLEAN)
			continue;
		dnsbl_list_note(s, lists, l, heard);
		if (heard == DNSBL_CLEAN)
			continue;
		append_result(s, "unanswered", l->zone);
		all = false;
	}
	return all;
}

static void
publish_entries(struct cm_session *s, const struct dnsbl *lists, const struct dnsbl_finding *found)
{
	char entry[DNSBL_ENTRY_SIZE];

	for (size_t i = 0; i < lists->rule_count; i++) {
		if (found[i].outcome != DNSBL_LISTED)
			continue;
		dnsbl_entry(&lists->rules[i], &found[i], entry);
		append_result(s, "listed", entry);
	}
}

void
dnsbl_publish(struct cm_session *s, const struct dnsbl *lists, const struct dnsbl_finding *found,
	const struct dnsbl_decision *d)
{
	const char *word = word_for(lists, found, d->action);
	char text[32], key[KEY_SIZE];

	cm_set_result(s, cm_link_name(s), word);
	if (strength(word) > strength(cm_result(s, "dnsbl", "result")))
		cm_set_result(s, "result", word);
	publish_entries(s, lists, found);
	if (lists->threshold == 0)
		return;
	snprintf(key, sizeof(key), "%s_weight", cm_link_name(s));
	snprintf(text, sizeof(text), "%lld", (long long)d->weight);
	cm_set_result(s, key, text);
}
