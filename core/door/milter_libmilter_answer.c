/* SPDX-License-Identifier: MIT */
/*
 * milter_libmilter_answer.c - edits and reply texts as calls of libmilter
 *
 * Everything here is sent at end of message, before the final status. libmilter copies what it is
 * given; it only lacks the const.
 */
#include "milter_libmilter.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "mail/session.h"
#include "milter_answer.h"

/* --- edits --- */

/* "a@b" as "<a@b>", the form MTAs know from the dialogue. */
static char *
path_of(struct cm_session *s, const char *address)
{
	if (address[0] == '<')
		return arena_strdup(session_arena(s), address);
	return arena_printf(session_arena(s), "<%s>", address);
}

static bool
edit_body(SMFICTX *ctx, struct cm_session *s, const struct edit *e)
{
	(void)s;
	return e->len <= INT_MAX &&
	       smfi_replacebody(ctx, (unsigned char *)e->data, (int)e->len) == MI_SUCCESS;
}

static bool
edit_sender(SMFICTX *ctx, struct cm_session *s, const struct edit *e)
{
	return smfi_chgfrom(ctx, path_of(s, e->value), NULL) == MI_SUCCESS;
}

static bool
edit_add_rcpt(SMFICTX *ctx, struct cm_session *s, const struct edit *e)
{
	return smfi_addrcpt(ctx, path_of(s, e->value)) == MI_SUCCESS;
}

static bool
edit_drop_rcpt(SMFICTX *ctx, struct cm_session *s, const struct edit *e)
{
	return smfi_delrcpt(ctx, path_of(s, e->value)) == MI_SUCCESS;
}

/* A field's value as the MTA takes it; NULL or empty: the field goes. */
static char *
value_of(struct cm_session *s, const struct edit *e)
{
	if (!s->blanks || e->value == NULL || e->value[0] == '\0')
		return (char *)e->value;
	return arena_printf(&s->msg, " %s", e->value);
}

static bool
edit_set_header(SMFICTX *ctx, struct cm_session *s, const struct edit *e)
{
	return e->index <= INT_MAX &&
	       smfi_chgheader(ctx, (char *)e->name, (int)e->index, value_of(s, e)) == MI_SUCCESS;
}

static bool
edit_insert_header(SMFICTX *ctx, struct cm_session *s, const struct edit *e)
{
	return e->index <= INT_MAX &&
	       smfi_insheader(ctx, (int)e->index, (char *)e->name, value_of(s, e)) == MI_SUCCESS;
}

static bool
edit_add_header(SMFICTX *ctx, struct cm_session *s, const struct edit *e)
{
	return smfi_addheader(ctx, (char *)e->name, value_of(s, e)) == MI_SUCCESS;
}

static bool
edit_quarantine(SMFICTX *ctx, struct cm_session *s, const struct edit *e)
{
	(void)s;
	return smfi_quarantine(ctx, (char *)milter_quarantine_reason(e)) == MI_SUCCESS;
}

/* A prefix of the Subject: is a header edit when it comes here (edit_plan). */
static bool (*const apply[EDIT_KINDS])(SMFICTX *, struct cm_session *, const struct edit *) = {
	[EDIT_BODY] = edit_body,
	[EDIT_SENDER] = edit_sender,
	[EDIT_ADD_RCPT] = edit_add_rcpt,
	[EDIT_DROP_RCPT] = edit_drop_rcpt,
	[EDIT_SET_HEADER] = edit_set_header,
	[EDIT_INSERT_HEADER] = edit_insert_header,
	[EDIT_ADD_HEADER] = edit_add_header,
	[EDIT_QUARANTINE] = edit_quarantine,
};

bool
libmilter_edit(SMFICTX *ctx, struct cm_session *s, const struct answer *answer, struct err *err)
{
	for (size_t i = 0; i < answer->edit_count; i++) {
		const struct edit *e = answer->edits[i];

		if (apply[e->kind] == NULL || !apply[e->kind](ctx, s, e))
			return err_set(err, "%s (asked for by %s) could not be sent to the MTA",
				edit_kind_name(e->kind), e->by != NULL ? e->by->name : "the core");
	}
	return true;
}

/* --- replies --- */

/* Each '%' may become two, and the line has its NUL. */
#define LINE_SIZE (2 * REPLY_TEXT_MAX + 64)

/* One line of the text with every '%' doubled, for MTAs expand it; returns what is behind it. */
static const char *
copy_line(char out[LINE_SIZE], const char *text)
{
	size_t used = 0;

	for (; *text != '\0' && *text != '\n'; text++) {
		if (used + 3 > LINE_SIZE)
			continue;
		if (*text == '%')
			out[used++] = '%';
		out[used++] = *text;
	}
	out[used] = '\0';
	return *text == '\n' ? text + 1 : NULL;
}

void
libmilter_reply(SMFICTX *ctx, const struct reply *reply)
{
	char lines[REPLY_LINES_MAX][LINE_SIZE];
	char *l[REPLY_LINES_MAX + 1] = {NULL};
	const char *rest = reply->text;
	char code[4];
	size_t count = 0;

	if (reply->code < 400 || reply->code > 599)
		return;
	while (rest != NULL && count < REPLY_LINES_MAX) {
		l[count] = lines[count];
		rest = copy_line(lines[count++], rest);
	}
	snprintf(code, sizeof(code), "%d", reply->code);
	/* The list of lines ends at the first NULL. */
	int sent = count == 1 ? smfi_setreply(ctx, code, (char *)reply->status, l[0])
			      : smfi_setmlreply(ctx, code, reply->status, l[0], l[1], l[2], l[3],
					l[4], l[5], l[6], l[7], l[8]);
	if (sent != MI_SUCCESS)
		log_write(LOG_LEVEL_ERROR,
			"libmilter does not take the reply \"%s %s\"; the client is told the MTA's "
			"own words",
			code, reply->status);
}

_Static_assert(REPLY_LINES_MAX == 8, "libmilter_reply() names its lines one by one");
