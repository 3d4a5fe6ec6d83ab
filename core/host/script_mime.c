/* SPDX-License-Identifier: MIT */
/*
 * script_mime.c - the attachments of a message, for rules
 *
 * They are read where a rule asks for the first time, and kept for the rules behind it.
 */
#include <chainmail/plugin.h>

#include "mail/session.h"
#include "script_api.h"
#include "service/attachment.h"

static const char *const problems[] = {
	[MIME_WHOLE] = NULL,
	[MIME_TOO_MANY] = "too many parts",
	[MIME_TOO_DEEP] = "parts are nested too deeply",
};

static bool
in_time(void *session)
{
	const struct cm_session *s = session;

	return cm_clock(s) < cm_deadline(s);
}

static void
set_parts(struct cm_session *s, const struct attachment *first, struct script_parts *parts)
{
	struct script_part *items;

	for (const struct attachment *a = first; a != NULL; a = a->next)
		parts->count++;
	items = arena_array(&s->msg, parts->count, sizeof(*items));
	parts->items = items;
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
}

void
script_parts_read(struct cm_session *s)
{
	struct script_parts *parts = arena_alloc(&s->msg, sizeof(*parts));
	struct mime_source source = {.body = NULL};
	struct attachment *first;
	enum mime_end end;

	if (!cm_body(s, &source.body, &source.len)) {
		parts->problem = "not kept: larger than max_message_size";
		s->parts = parts;
		return;
	}
	for (enum mime_field f = 0; f < MIME_FIELDS; f++) {
		source.fields[f] = cm_header(s, mime_field_names[f], 1);
		source.repeated |= cm_header(s, mime_field_names[f], 2) != NULL;
	}
	end = attachment_list(&s->msg, &source, in_time, s, &first);
	if (end == MIME_LATE)
		return;
	parts->problem = problems[end];
	if (end == MIME_WHOLE)
		set_parts(s, first, parts);
	s->parts = parts;
}

const struct script_parts *
script_parts(const struct cm_session *s)
{
	return s->parts;
}
