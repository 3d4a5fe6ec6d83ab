/* SPDX-License-Identifier: MIT */
/*
 * session_note.c - notes and results that links leave for each other
 *
 * Those of the message hide those of the latest HELO with the same name, these those of the
 * connection.
 */
#include "session.h"

#include <string.h>

#include "base/log.h"

/* More names than this are a loop. */
#define PAIRS_MOST 256u

/* The list is gone through for each result of each recipient; most differ in a length or a first
   octet. */
static bool
same_pair(const struct session_pair *pair, const char *group, const char *name, size_t len)
{
	return pair->name_len == len && pair->name[0] == name[0] &&
	       (group == NULL || pair->group[0] == group[0]) &&
	       memcmp(pair->name, name, len) == 0 &&
	       (group == NULL || strcmp(pair->group, group) == 0);
}

static const struct session_pair *
find(const struct session_pair *list, const char *group, const char *name)
{
	size_t len = list == NULL ? 0 : strlen(name);

	while (list != NULL && !same_pair(list, group, name, len))
		list = list->next;
	return list;
}

/* The list of the message first. */
static const char *
get(const struct session_pair *const lists[3], const char *group, const char *name)
{
	const struct session_pair *pair = NULL;

	for (size_t i = 0; i < 3 && pair == NULL; i++)
		pair = find(lists[i], group, name);
	return pair == NULL ? NULL : pair->value;
}

static void
say_full(struct cm_session *s)
{
	if (!s->pairs_said)
		log_write(LOG_LEVEL_WARN,
			"%s more than %u names of notes or results; the others are ignored", s->id,
			PAIRS_MOST);
	s->pairs_said = true;
}

/* All in one piece: a message has some thirty. */
static struct session_pair *
new_pair(struct arena *arena, const char *group, const char *name, size_t len)
{
	size_t group_size = group == NULL ? 0 : strlen(group) + 1;
	struct session_pair *pair = arena_alloc(arena, sizeof(*pair) + len + 1 + group_size);
	char *text = (char *)(pair + 1);

	pair->name_len = len;
	pair->name = memcpy(text, name, len + 1);
	if (group != NULL)
		pair->group = memcpy(text + len + 1, group, group_size);
	return pair;
}

/* In order of first setting: the log shows results so. */
static void
set(struct cm_session *s, struct session_pair **at, struct arena *arena, const char *group,
	const char *name, const char *value)
{
	size_t count = 0, len = strlen(name);

	for (; *at != NULL && !same_pair(*at, group, name, len); at = &(*at)->next)
		count++;
	if (*at == NULL && count >= PAIRS_MOST) {
		say_full(s);
		return;
	}
	if (*at == NULL)
		*at = new_pair(arena, group, name, len);
	/* What is the same for ten thousand recipients is kept once. */
	if ((*at)->value == NULL || value == NULL || strcmp((*at)->value, value) != 0)
		(*at)->value = arena_strdup(arena, value);
}

/* A new HELO takes back what was noted at the one before. */
enum session_span
session_span(const struct cm_session *s)
{
	if (s->in_message)
		return SESSION_MSG;
	return s->stage == CM_STAGE_HELO ? SESSION_HELO : SESSION_CONN;
}

struct arena *
session_span_arena(struct cm_session *s, enum session_span span)
{
	struct arena *const arenas[SESSION_SPANS] = {
		[SESSION_CONN] = &s->conn, [SESSION_HELO] = &s->greeting, [SESSION_MSG] = &s->msg};

	return arenas[span];
}

const char *
session_note(const struct cm_session *s, const char *name)
{
	return get((const struct session_pair *[]){s->notes, s->helo_notes, s->conn_notes}, NULL,
		name);
}

void
session_set_note(struct cm_session *s, const char *name, const char *value)
{
	struct session_pair **const lists[SESSION_SPANS] = {
		[SESSION_CONN] = &s->conn_notes,
		[SESSION_HELO] = &s->helo_notes,
		[SESSION_MSG] = &s->notes,
	};
	enum session_span span = session_span(s);

	set(s, lists[span], session_span_arena(s, span), NULL, name, value);
}

const char *
session_result(const struct cm_session *s, const char *plugin, const char *key)
{
	return get((const struct session_pair *[]){s->results, s->helo_results, s->conn_results},
		plugin, key);
}

void
session_set_result(struct cm_session *s, const char *plugin, const char *key, const char *value)
{
	struct session_pair **const lists[SESSION_SPANS] = {
		[SESSION_CONN] = &s->conn_results,
		[SESSION_HELO] = &s->helo_results,
		[SESSION_MSG] = &s->results,
	};
	enum session_span span = session_span(s);

	set(s, lists[span], session_span_arena(s, span), plugin, key, value);
}
