/* SPDX-License-Identifier: MIT */
/*
 * milter_encode.c - answers as packets of the milter protocol
 *
 * A packet is its length in network byte order, a command and its arguments; texts end in NUL.
 */
#include "milter_encode.h"

#include <assert.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <string.h>

#include "mail/edit.h"

const unsigned char milter_progress[5] = {0, 0, 0, 1, SMFIR_PROGRESS};

static void
add_number(struct buf *b, uint32_t n)
{
	const unsigned char octets[] = {
		(unsigned char)(n >> 24),
		(unsigned char)(n >> 16),
		(unsigned char)(n >> 8),
		(unsigned char)n,
	};

	buf_add(b, octets, sizeof(octets));
}

/* The length is not known yet; packet_end() fills it in. */
static size_t
packet_begin(struct buf *b, char command)
{
	size_t begin = b->len;

	add_number(b, 0);
	buf_add_char(b, command);
	return begin;
}

static void
packet_end(struct buf *b, size_t begin)
{
	uint32_t len = (uint32_t)(b->len - begin - MILTER_LEN_BYTES);

	for (int i = 0; i < MILTER_LEN_BYTES; i++)
		b->data[begin + (size_t)i] = (char)(len >> (24 - 8 * i));
}

static void
add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text) + 1);
}

/* --- negotiation --- */

void
milter_encode_terms(struct buf *b, uint32_t version, const struct milter_terms *terms,
	const struct chain_needs *needs)
{
	size_t begin = packet_begin(b, SMFIC_OPTNEG);
	char text[MILTER_LIST_SIZE];

	add_number(b, version < SMFI_PROT_VERSION ? version : SMFI_PROT_VERSION);
	add_number(b, (uint32_t)terms->actions);
	add_number(b, (uint32_t)terms->steps);
	for (int list = 0; terms->ask_macros && list < MILTER_LISTS; list++) {
		(void)milter_macro_list(needs, list, text); /* terms say that it fits */
		add_number(b, (uint32_t)list);
		add_text(b, text);
	}
	packet_end(b, begin);
}

/* --- status --- */

static const char statuses[] = {
	[MILTER_CONTINUE] = SMFIR_CONTINUE,
	[MILTER_ACCEPT] = SMFIR_ACCEPT,
	[MILTER_DISCARD] = SMFIR_DISCARD,
	[MILTER_REJECT] = SMFIR_REJECT,
	[MILTER_TEMPFAIL] = SMFIR_TEMPFAIL,
	[MILTER_SKIP] = SMFIR_SKIP,
};

/* One line of the text with every '%' doubled, for MTAs expand it; returns what is behind it. */
static const char *
add_line(struct buf *b, const char *text)
{
	for (; *text != '\0' && *text != '\n'; text++) {
		if (*text == '%')
			buf_add_char(b, '%');
		buf_add_char(b, *text);
	}
	return *text == '\n' ? text + 1 : NULL;
}

/* RFC 5321 section 4.2.1: a hyphen behind the code of every line but the last. */
static void
encode_reply(struct buf *b, const struct reply *reply)
{
	size_t begin = packet_begin(b, SMFIR_REPLYCODE);
	const char *rest = reply->text;

	while (rest != NULL) {
		char mark = strchr(rest, '\n') != NULL ? '-' : ' ';

		buf_printf(b, "%d%c%s ", reply->code, mark, reply->status);
		rest = add_line(b, rest);
		if (rest != NULL)
			buf_add_str(b, "\r\n");
	}
	buf_add_char(b, '\0');
	packet_end(b, begin);
}

void
milter_encode_status(struct buf *b, enum milter_status status, const struct reply *reply)
{
	bool refused = status == MILTER_REJECT || status == MILTER_TEMPFAIL;

	if (status == MILTER_NO_REPLY)
		return;
	if (refused && reply->code != 0)
		encode_reply(b, reply);
	else
		packet_end(b, packet_begin(b, statuses[status]));
}

/* --- edits --- */

/* "a@b" as "<a@b>", the form MTAs know from the dialogue. */
static void
encode_path(struct buf *b, char command, const char *address)
{
	size_t begin = packet_begin(b, command);

	if (address[0] == '<') {
		buf_add_str(b, address);
	} else {
		buf_add_char(b, '<');
		buf_add_str(b, address);
		buf_add_char(b, '>');
	}
	buf_add_char(b, '\0');
	packet_end(b, begin);
}

/* An empty body is one empty piece. */
static void
encode_body(struct buf *b, const struct edit *e, bool blanks)
{
	size_t done = 0;

	(void)blanks;
	do {
		size_t rest = e->len - done;
		size_t piece = rest < MILTER_CHUNK_SIZE ? rest : MILTER_CHUNK_SIZE;
		size_t begin = packet_begin(b, SMFIR_REPLBODY);

		if (piece > 0)
			buf_add(b, e->data + done, piece);
		packet_end(b, begin);
		done += piece;
	} while (done < e->len);
}

static void
encode_sender(struct buf *b, const struct edit *e, bool blanks)
{
	(void)blanks;
	encode_path(b, SMFIR_CHGFROM, e->value);
}

static void
encode_add_rcpt(struct buf *b, const struct edit *e, bool blanks)
{
	(void)blanks;
	encode_path(b, SMFIR_ADDRCPT, e->value);
}

static void
encode_drop_rcpt(struct buf *b, const struct edit *e, bool blanks)
{
	(void)blanks;
	encode_path(b, SMFIR_DELRCPT, e->value);
}

/* Else the MTA puts the blank there. */
static void
encode_field(struct buf *b, const struct edit *e, bool blanks)
{
	add_text(b, e->name);
	if (blanks && e->value != NULL && e->value[0] != '\0')
		buf_add_char(b, ' ');
	add_text(b, e->value != NULL ? e->value : "");
}

static void
encode_indexed(struct buf *b, char command, const struct edit *e, bool blanks)
{
	size_t begin = packet_begin(b, command);

	add_number(b, (uint32_t)e->index);
	encode_field(b, e, blanks);
	packet_end(b, begin);
}

/* An empty value removes the field. */
static void
encode_set_header(struct buf *b, const struct edit *e, bool blanks)
{
	encode_indexed(b, SMFIR_CHGHEADER, e, blanks);
}

static void
encode_insert_header(struct buf *b, const struct edit *e, bool blanks)
{
	encode_indexed(b, SMFIR_INSHEADER, e, blanks);
}

static void
encode_add_header(struct buf *b, const struct edit *e, bool blanks)
{
	size_t begin = packet_begin(b, SMFIR_ADDHEADER);

	encode_field(b, e, blanks);
	packet_end(b, begin);
}

static void
encode_quarantine(struct buf *b, const struct edit *e, bool blanks)
{
	size_t begin = packet_begin(b, SMFIR_QUARANTINE);

	(void)blanks;
	add_text(b, milter_quarantine_reason(e));
	packet_end(b, begin);
}

/* A prefix of the Subject: is a header edit when it comes here (edit_plan). */
static void (*const encoders[EDIT_KINDS])(struct buf *, const struct edit *, bool blanks) = {
	[EDIT_BODY] = encode_body,
	[EDIT_SENDER] = encode_sender,
	[EDIT_ADD_RCPT] = encode_add_rcpt,
	[EDIT_DROP_RCPT] = encode_drop_rcpt,
	[EDIT_SET_HEADER] = encode_set_header,
	[EDIT_INSERT_HEADER] = encode_insert_header,
	[EDIT_ADD_HEADER] = encode_add_header,
	[EDIT_QUARANTINE] = encode_quarantine,
};

void
milter_encode_edits(struct buf *b, const struct answer *answer, bool blanks)
{
	for (size_t i = 0; i < answer->edit_count; i++) {
		const struct edit *e = answer->edits[i];

		assert(encoders[e->kind] != NULL);
		encoders[e->kind](b, e, blanks);
	}
}
