/* SPDX-License-Identifier: MIT */
/*
 * service_edit.c - replies and edits, as plugins and rules ask for them
 *
 * An edit is checked and queued here and applied by a door. What a watched link asks for is checked
 * in the same way, said in the log, and forgotten.
 */
#include "service.h"

#include <chainmail/plugin.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/err.h"
#include "chain/chain.h"
#include "mail/edit.h"
#include "mail/reply.h"
#include "mail/session.h"

/* Longer than any reply may be; the rest would be cut anyway. */
#define REPLY_FORMATTED_MAX 1024
/* A reason stands in the log line of the message. */
#define REASON_MAX 256

bool
cm_reply(struct cm_session *s, int code, const char *status, const char *format, ...)
{
	struct reply *reply = chain_running_reply(s);
	char text[REPLY_FORMATTED_MAX];
	struct err err;
	const char *id;
	va_list args;

	if (reply == NULL) {
		cm_log(s, CM_LOG_ERROR, "cm_reply: there is no hook here whose reply it could be");
		return false;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	id = chain_running_asked(s) ? NULL : cm_id(s);
	if (reply_set(reply, session_arena(s), id, &err, code, status, text))
		return true;
	cm_log(s, CM_LOG_ERROR, "cm_reply: %s", err.text);
	return false;
}

/* Only texts one after the other: "%s is %s". */
static bool
is_plain(const char *format)
{
	for (const char *p = format; (p = strchr(p, '%')) != NULL; p += 2) {
		if (p[1] != 's')
			return false;
	}
	return true;
}

static size_t
append(char text[REASON_MAX], size_t at, const char *more, size_t len)
{
	size_t room = REASON_MAX - 1 - at;

	len = len < room ? len : room;
	memcpy(text + at, more, len);
	return at + len;
}

/* Each link has a reason for each recipient, and printf() takes longer than what it is for. */
static void
join(char text[REASON_MAX], const char *format, va_list args)
{
	size_t at = 0;

	while (*format != '\0') {
		size_t len = strcspn(format, "%");
		const char *value;

		at = append(text, at, format, len);
		format += len;
		if (*format == '\0')
			break;
		value = va_arg(args, const char *);
		value = value == NULL ? "(null)" : value;
		at = append(text, at, value, strlen(value));
		format += 2;
	}
	text[at] = '\0';
}

void
cm_reason(struct cm_session *s, const char *format, ...)
{
	char text[REASON_MAX];
	va_list args;

	if (chain_running(s) == NULL)
		return;
	va_start(args, format);
	if (is_plain(format))
		join(text, format, args);
	else
		vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	chain_set_reason(s, arena_strdup(session_arena(s), text));
}

bool
cm_explained(const struct cm_session *s)
{
	return chain_explained(s);
}

static const char *
edit_subject(const struct edit *e)
{
	if (e->name != NULL)
		return e->name;
	return e->value == NULL ? "" : e->value;
}

/* Checks a watched link's edit as if it counted. */
static bool
watch_edit(struct cm_session *s, const struct edit *e, struct err *err)
{
	struct edit_queue nowhere;

	edit_queue_init(&nowhere);
	if (!edit_add(&nowhere, session_arena(s), e, err))
		return false;
	chain_watch_edit(s, e->kind);
	cm_log(s, CM_LOG_DEBUG, "shadow: would %s %s", edit_kind_name(e->kind), edit_subject(e));
	return true;
}

/* What connect or HELO asks for holds for every message of the connection. */
static bool
keep_edit(struct cm_session *s, const struct edit *e, struct err *err)
{
	if (s->in_message && stages[s->stage].scope != SCOPE_CONNECTION)
		return edit_add(&s->edits, &s->msg, e, err);
	return edit_add(
		&s->conn_edits, e->stage == CM_STAGE_HELO ? &s->greeting : &s->conn, e, err);
}

static bool
queue_edit(struct cm_session *s, struct edit *e)
{
	const char *what = edit_kind_name(e->kind);
	struct err err;
	bool done;

	if (!service_declared(s, edit_right(e->kind), what))
		return false;
	e->by = chain_running(s);
	e->stage = s->stage;
	done = chain_running_shadow(s) ? watch_edit(s, e, &err) : keep_edit(s, e, &err);
	if (!done)
		cm_log(s, CM_LOG_ERROR, "%s refused: %s", what, err.text);
	return done;
}

bool
cm_add_header(struct cm_session *s, const char *name, const char *value)
{
	return queue_edit(s, &(struct edit){.kind = EDIT_ADD_HEADER, .name = name, .value = value});
}

bool
cm_insert_header(struct cm_session *s, int index, const char *name, const char *value)
{
	struct edit e = {.kind = EDIT_INSERT_HEADER, .name = name, .value = value};

	if (index < 0) {
		cm_log(s, CM_LOG_ERROR, "insert header refused: index %d", index);
		return false;
	}
	e.index = (size_t)index;
	return queue_edit(s, &e);
}

bool
cm_set_header(struct cm_session *s, const char *name, size_t n, const char *value)
{
	struct edit e = {.kind = EDIT_SET_HEADER, .name = name, .value = value, .index = n};

	return queue_edit(s, &e);
}

bool
cm_remove_header(struct cm_session *s, const char *name, size_t n)
{
	return cm_set_header(s, name, n, NULL);
}

bool
cm_prefix_subject(struct cm_session *s, const char *text)
{
	return queue_edit(s, &(struct edit){.kind = EDIT_PREFIX_SUBJECT, .value = text});
}

bool
cm_add_rcpt(struct cm_session *s, const char *address)
{
	return queue_edit(s, &(struct edit){.kind = EDIT_ADD_RCPT, .value = address});
}

bool
cm_drop_rcpt(struct cm_session *s, const char *address)
{
	return queue_edit(s, &(struct edit){.kind = EDIT_DROP_RCPT, .value = address});
}

bool
cm_set_sender(struct cm_session *s, const char *address)
{
	return queue_edit(s, &(struct edit){.kind = EDIT_SENDER, .value = address});
}

bool
cm_replace_body(struct cm_session *s, const void *data, size_t len)
{
	return queue_edit(s, &(struct edit){.kind = EDIT_BODY, .data = data, .len = len});
}

/* The field that an edit touches; NULL: none. */
static const char *
touched_field(const struct edit *e)
{
	switch (e->kind) {
	case EDIT_ADD_HEADER:
	case EDIT_INSERT_HEADER:
	case EDIT_SET_HEADER:
		return e->name;
	case EDIT_PREFIX_SUBJECT:
		return "Subject";
	case EDIT_BODY:
	case EDIT_SENDER:
	case EDIT_ADD_RCPT:
	case EDIT_DROP_RCPT:
	case EDIT_QUARANTINE:
	case EDIT_KINDS:
		return NULL;
	}
	return NULL;
}

static bool
touches(const struct edit_queue *q, const char *name)
{
	for (const struct edit *e = q->first; e != NULL; e = e->next) {
		const char *field = touched_field(e);

		if (name == NULL ? e->kind == EDIT_BODY
				 : field != NULL && strcasecmp(field, name) == 0)
			return true;
	}
	return false;
}

bool
cm_edited(const struct cm_session *s, const char *name)
{
	return touches(&s->conn_edits, name) || touches(&s->edits, name);
}

bool
cm_quarantine(struct cm_session *s, const char *reason)
{
	return queue_edit(s, &(struct edit){.kind = EDIT_QUARANTINE, .value = reason});
}
