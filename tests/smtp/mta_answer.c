/* SPDX-License-Identifier: MIT */
/*
 * mta_answer.c - reads what a filter answers: verdicts, replies, edits
 *
 * Stricter than Postfix on purpose: an edit without the right to it, a header with a line break in
 * the wrong place or a second answer is a fault of the filter that an MTA would pass over in
 * silence.
 */
#include "mta_inside.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Answers without data; the text is what Postfix makes of them. */
static const struct verdict_row {
	char command;
	enum mta_status status;
	const char *text;
} verdicts[] = {
	{SMFIR_ACCEPT, MTA_ACCEPT, ""},
	{SMFIR_CONTINUE, MTA_CONTINUE, ""},
	{SMFIR_DISCARD, MTA_DISCARD, ""},
	{SMFIR_REJECT, MTA_REJECT, "550 5.7.1 Command rejected"},
	{SMFIR_SHUTDOWN, MTA_SHUTDOWN, "421 4.7.0 Service unavailable - try again later"},
	{SMFIR_SKIP, MTA_SKIP, ""},
	{SMFIR_TEMPFAIL, MTA_TEMPFAIL, "451 4.7.1 Service unavailable - try again later"},
};

/* Shape of an edit's data: i index, n name, v value, o value that may be missing, b bytes. */
static const struct edit_row {
	char command;
	enum mta_edit_kind kind;
	uint32_t right;
	const char *shape;
} edit_rows[] = {
	{SMFIR_ADDHEADER, MTA_ADD_HEADER, SMFIF_ADDHDRS, "nv"},
	{SMFIR_ADDRCPT, MTA_ADD_RCPT, SMFIF_ADDRCPT, "n"},
	{SMFIR_ADDRCPT_PAR, MTA_ADD_RCPT, SMFIF_ADDRCPT_PAR, "no"},
	{SMFIR_CHGFROM, MTA_CHANGE_FROM, SMFIF_CHGFROM, "no"},
	{SMFIR_CHGHEADER, MTA_CHANGE_HEADER, SMFIF_CHGHDRS, "inv"},
	{SMFIR_DELRCPT, MTA_DROP_RCPT, SMFIF_DELRCPT, "n"},
	{SMFIR_INSHEADER, MTA_INSERT_HEADER, SMFIF_ADDHDRS, "inv"},
	{SMFIR_QUARANTINE, MTA_QUARANTINE, SMFIF_QUARANTINE, "v"},
	{SMFIR_REPLBODY, MTA_REPLACE_BODY, SMFIF_CHGBODY, "b"},
};

enum mta_status
answer_garbled(struct mta *m, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(m->text, sizeof m->text, format, arguments);
	va_end(arguments);
	return MTA_GARBLED;
}

enum mta_status
answer_lost(struct mta *m, enum wire_status status)
{
	if (status == WIRE_GARBLED)
		return answer_garbled(m, "a packet of length 0 or beyond all measure");
	snprintf(m->text, sizeof m->text, "%s", MTA_GONE_TEXT);
	return status == WIRE_TIMEOUT ? MTA_TIMEOUT : MTA_CLOSED;
}

/* One line of a reply: same code throughout, printable, enhanced code of the same class where there
 * is one. */
static bool
reply_line_ok(const char *line, size_t length, const char *first, bool last)
{
	if (length < 4 || memcmp(line, first, 3) != 0 || line[3] != (last ? ' ' : '-'))
		return false;
	if (length > 4 && isdigit((unsigned char)line[4]) && line[4] != line[0])
		return false;
	for (size_t i = 0; i < length; i++)
		if (line[i] < ' ' || line[i] > '~')
			return false;
	return true;
}

static bool
reply_ok(const char *text)
{
	if ((text[0] != '4' && text[0] != '5') || !isdigit((unsigned char)text[1]) ||
		!isdigit((unsigned char)text[2]))
		return false;
	for (const char *line = text;;) {
		const char *end = strstr(line, "\r\n");
		size_t length = end ? (size_t)(end - line) : strlen(line);

		if (!reply_line_ok(line, length, text, end == NULL))
			return false;
		if (!end)
			return true;
		line = end + 2;
	}
}

/* Postfix turns "%%" into "%" and drops a single one; for a filter that is a fault, so it is
 * reported. */
static bool
undouble_percent(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '%' && *++from != '%')
			return false;
		*to++ = *from;
	}
	*to = '\0';
	return true;
}

static enum mta_status
take_reply(struct mta *m, const struct wire_packet *p)
{
	if (p->length == 0 || p->length > sizeof m->text ||
		memchr(p->data, '\0', p->length) != p->data + p->length - 1)
		return answer_garbled(m,
			"a reply text of %zu bytes, or with a NUL in the wrong place", p->length);
	memcpy(m->text, p->data, p->length);
	if (!undouble_percent(m->text))
		return answer_garbled(m, "a reply text with a single %%");
	if (!reply_ok(m->text))
		return answer_garbled(m, "a malformed reply text");
	return m->text[0] == '5' ? MTA_REJECT : MTA_TEMPFAIL;
}

static char *
copy_bytes(const void *bytes, size_t length)
{
	char *copy = malloc(length + 1);

	if (!copy)
		abort();
	if (length)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	return copy;
}

struct cursor {
	const unsigned char *at;
	size_t left;
};

static bool
take_string(struct cursor *c, char **to)
{
	const unsigned char *end = c->left ? memchr(c->at, '\0', c->left) : NULL;

	if (!end)
		return false;
	size_t length = (size_t)(end - c->at);
	*to = copy_bytes(c->at, length);
	c->at += length + 1;
	c->left -= length + 1;
	return true;
}

static bool
take_index(struct cursor *c, uint32_t *to)
{
	uint32_t wide;

	if (c->left < sizeof wide)
		return false;
	memcpy(&wide, c->at, sizeof wide);
	*to = ntohl(wide);
	c->at += sizeof wide;
	c->left -= sizeof wide;
	return true;
}

static bool
take_part(struct cursor *c, char part, struct mta_edit *edit)
{
	if (part == 'i')
		return take_index(c, &edit->index);
	if (part == 'n')
		return take_string(c, &edit->name);
	if (part == 'o' && c->left == 0)
		return true;
	if (part != 'b')
		return take_string(c, &edit->value);
	edit->value = copy_bytes(c->at, c->left);
	edit->length = c->left;
	c->left = 0;
	return true;
}

/* No control characters but TAB, and LF only where a folded line goes on. */
static bool
text_ok(const char *text)
{
	for (const char *p = text ? text : ""; *p; p++) {
		bool folds = *p == '\n' && (p[1] == ' ' || p[1] == '\t');

		if ((unsigned char)*p < ' ' && *p != '\t' && !folds)
			return false;
	}
	return true;
}

static bool
edit_ok(const struct mta_edit *edit)
{
	bool header = edit->kind == MTA_ADD_HEADER || edit->kind == MTA_CHANGE_HEADER ||
		      edit->kind == MTA_INSERT_HEADER;

	if (edit->kind == MTA_REPLACE_BODY)
		return true;
	if (edit->kind != MTA_QUARANTINE && (!edit->name || edit->name[0] == '\0'))
		return false;
	if (header && edit->name[strcspn(edit->name, ": \t\n")] != '\0')
		return false;
	return text_ok(edit->name) && text_ok(edit->value);
}

static void
free_edit(struct mta_edit *edit)
{
	free(edit->name);
	free(edit->value);
}

/* Body chunks in a row are one replacement. */
static bool
joined(struct mta *m, struct mta_edit *edit)
{
	struct mta_edit *last = m->edit_count ? &m->edits[m->edit_count - 1] : NULL;

	if (edit->kind != MTA_REPLACE_BODY || !last || last->kind != MTA_REPLACE_BODY)
		return false;
	char *bytes = realloc(last->value, last->length + edit->length + 1);
	if (!bytes)
		abort();
	memcpy(bytes + last->length, edit->value, edit->length + 1);
	last->value = bytes;
	last->length += edit->length;
	free_edit(edit);
	return true;
}

static void
keep_edit(struct mta *m, struct mta_edit *edit)
{
	if (joined(m, edit))
		return;
	struct mta_edit *edits = realloc(m->edits, (m->edit_count + 1) * sizeof *edits);
	if (!edits)
		abort();
	m->edits = edits;
	m->edits[m->edit_count++] = *edit;
}

/* MTA_NONE: taken, go on reading. */
static enum mta_status
take_edit(struct mta *m, const struct edit_row *row, const struct wire_packet *p)
{
	struct mta_edit edit = {.kind = row->kind};
	struct cursor c = {p->data, p->length};
	bool ok = true;

	for (const char *part = row->shape; ok && *part; part++)
		ok = take_part(&c, *part, &edit);
	if (!ok || c.left > 0 || !edit_ok(&edit)) {
		free_edit(&edit);
		return answer_garbled(m, "malformed data in edit '%c'", row->command);
	}
	if ((m->terms.actions & row->right) == 0) {
		free_edit(&edit);
		return answer_garbled(m, "edit '%c' without the right to it", row->command);
	}
	keep_edit(m, &edit);
	return MTA_NONE;
}

/* MTA_NONE: not final, go on reading. */
static enum mta_status
take_packet(struct mta *m, enum mta_stage stage, const struct wire_packet *p)
{
	if (p->command == SMFIR_PROGRESS && p->length == 0) {
		m->progress++;
		return MTA_NONE;
	}
	if (p->command == SMFIR_REPLYCODE)
		return take_reply(m, p);
	if (p->command == SMFIC_OPTNEG)
		return MTA_NEGOTIATED;
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
		if (verdicts[i].command == p->command && p->length == 0) {
			snprintf(m->text, sizeof m->text, "%s", verdicts[i].text);
			return verdicts[i].status;
		}
	for (size_t i = 0; stage == MTA_EOM && i < sizeof edit_rows / sizeof *edit_rows; i++)
		if (edit_rows[i].command == p->command)
			return take_edit(m, &edit_rows[i], p);
	return answer_garbled(m, "answer 0x%02x with %zu bytes at %s", (unsigned char)p->command,
		p->length, mta_stage_name(stage));
}

enum mta_status
answer_read(struct mta *m, enum mta_stage stage, int timeout_ms)
{
	struct wire_packet packet;
	enum mta_status status = MTA_NONE;
	enum wire_status wire = wire_flush(&m->wire);

	m->text[0] = '\0';
	while (status == MTA_NONE && wire == WIRE_OK) {
		wire = wire_read(&m->wire, timeout_ms, &packet);
		if (wire == WIRE_OK)
			status = take_packet(m, stage, &packet);
	}
	if (wire != WIRE_OK)
		return answer_lost(m, wire);
	if (m->wire.in.length > m->wire.in_used && status != MTA_GARBLED)
		return answer_garbled(m, "a second answer after %s", mta_status_name(status));
	return status;
}

void
answer_forget_edits(struct mta *m)
{
	for (size_t i = 0; i < m->edit_count; i++)
		free_edit(&m->edits[i]);
	free(m->edits);
	m->edits = NULL;
	m->edit_count = 0;
	m->progress = 0;
}
