/* SPDX-License-Identifier: MIT */
/*
 * script_mime.c - what rules look for in a message: its attachments, the addresses in its texts
 *
 * Each is looked for where a rule asks for the first time, and kept for the rules behind it.
 */
#include <chainmail/plugin.h>

#include <stdio.h>

#include "base/err.h"
#include "mail/session.h"
#include "script_api.h"
#include "script_budget.h"
#include "service/attachment.h"
#include "service/mime_text.h"
#include "service/url.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static bool
in_time(void *session)
{
	const struct cm_session *s = session;

	return cm_clock(s) < cm_deadline(s);
}

static enum mime_end
find_parts(struct cm_session *s, const struct mime_source *source, struct script_found *found)
{
	struct attachment *first;
	enum mime_end end = attachment_list(&s->msg, source, in_time, s, &first);
	struct script_part *items;

	for (const struct attachment *a = first; a != NULL; a = a->next)
		found->count++;
	items = arena_array(&s->msg, found->count, sizeof(*items));
	found->items = items;
	found->size = sizeof(*items);
	for (const struct attachment *a = first; a != NULL; a = a->next) {
		*items++ = (struct script_part){
			.name = a->name,
			.ext = a->ext,
			.type = a->type,
			.size = a->size,
			.has_macros = a->has_macros,
			.encrypted = a->encrypted,
			.unreadable = a->unreadable,
		};
	}
	return end;
}

static enum mime_end
find_urls(struct cm_session *s, const struct mime_source *source, struct script_found *found)
{
	struct url *first;
	enum mime_end end = url_list(&s->msg, source, in_time, s, &first);
	struct script_url *items;

	for (const struct url *u = first; u != NULL; u = u->next)
		found->count++;
	items = arena_array(&s->msg, found->count, sizeof(*items));
	found->items = items;
	found->size = sizeof(*items);
	for (const struct url *u = first; u != NULL; u = u->next)
		*items++ = (struct script_url){u->text, u->host};
	return end;
}

static const struct {
	enum mime_end (*find)(
		struct cm_session *, const struct mime_source *, struct script_found *);
	const char *problems[MIME_LATE + 1];
} kinds[] = {
	[SCRIPT_PARTS] = {find_parts, {[MIME_TOO_MANY] = "too many parts",
					      [MIME_TOO_DEEP] = "parts are nested too deeply"}},
	[SCRIPT_URLS] = {find_urls, {[MIME_TOO_MANY] = "too many parts or addresses",
					    [MIME_TOO_DEEP] = "parts are nested too deeply"}},
};

_Static_assert(COUNT(kinds) == SESSION_FOUND, "a session has room for what is found");

/* False: the body was not kept. */
static bool
open_source(struct cm_session *s, struct mime_source *source)
{
	*source = (struct mime_source){.body = NULL};
	for (enum mime_field f = 0; f < MIME_FIELDS; f++) {
		source->fields[f] = cm_header(s, mime_field_names[f], 1);
		source->repeated |= cm_header(s, mime_field_names[f], 2) != NULL;
	}
	return cm_body(s, &source->body, &source->len);
}

void
script_find(struct cm_session *s, enum script_find kind)
{
	struct script_found *found = arena_alloc(&s->msg, sizeof(*found));
	struct mime_source source;
	enum mime_end end;
	struct err err;

	/* It was loaded with the rule, but for a rule that computes the name. */
	if (!mime_fields_open(&err)) {
		found->problem = arena_strdup(&s->msg, err.text);
		s->found[kind] = found;
		return;
	}
	if (!open_source(s, &source)) {
		found->problem = "not kept: larger than max_message_size";
		s->found[kind] = found;
		return;
	}
	end = kinds[kind].find(s, &source, found);
	found->problem = kinds[kind].problems[end];
	if (end != MIME_LATE)
		s->found[kind] = found;
}

const struct script_found *
script_found(const struct cm_session *s, enum script_find kind)
{
	return s->found[kind];
}

/* --- texts of fields -----------------------------------------------------------------------------
 */

_Static_assert(SCRIPT_TEXT_SIZE == MIME_TEXT_SIZE, "a rule has room for a text");

static bool
hook_in_time(void *L)
{
	return !script_out_of_time(L);
}

bool
script_field_text(lua_State *L, const char *value, char out[SCRIPT_TEXT_SIZE])
{
	const struct mime_text_clock clock = {hook_in_time, L};
	struct err err;

	if (!mime_fields_open(&err)) {
		snprintf(out, SCRIPT_TEXT_SIZE, "%s", err.text);
		return false;
	}
	/* Where it was not, it is cut short. */
	(void)mime_text(value, &clock, out);
	return true;
}
