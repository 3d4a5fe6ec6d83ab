/* SPDX-License-Identifier: MIT */
/*
 * replay_message.c - a message file in the pieces an MTA hands over
 *
 * Where a file is no message (no header, a line that is no field, no line end at its end) it is
 * read as Postfix reads it: what does not look like a field begins the body.
 */
#include "replay_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Behind the LF that ends the line at text, or the end. */
static const char *
line_end(const char *text, const char *end)
{
	const char *lf = memchr(text, '\n', (size_t)(end - text));

	return lf != NULL ? lf + 1 : end;
}

static bool
blank_line(const char *text, const char *end)
{
	size_t len = (size_t)(end - text);

	return (len >= 1 && text[0] == '\n') || (len >= 2 && text[0] == '\r' && text[1] == '\n');
}

/* The colon of a field "Name:" or "Name :" (RFC 5322 section 4.5.8), NULL for any other line. */
static const char *
field_colon(const char *text, const char *end)
{
	const char *p = text;

	while (p<end && * p> ' ' && *p < 127 && *p != ':')
		p++;
	if (p == text)
		return NULL;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p < end && *p == ':' ? p : NULL;
}

/* Behind the field's last line: those that begin with a blank continue it. */
static const char *
field_end(const char *text, const char *end)
{
	const char *p = line_end(text, end);

	while (p < end && (*p == ' ' || *p == '\t'))
		p = line_end(p, end);
	return p;
}

void
replay_message_init(struct replay_message *m, const char *text, size_t len)
{
	*m = (struct replay_message){.at = text, .end = text + len, .last = '\n'};
	if (len >= 5 && memcmp(text, "From ", 5) == 0 && field_colon(text, m->end) == NULL)
		m->at = line_end(text, m->end);
}

void
replay_message_fini(struct replay_message *m)
{
	free(m->field);
	free(m->chunk);
	*m = (struct replay_message){0};
}

/* Copies from..to with CRLF as LF and without the last line end. */
static void
copy_value(char *out, const char *from, const char *to)
{
	size_t used = 0;

	for (const char *p = from; p < to; p++) {
		if (*p == '\r' && p + 1 < to && p[1] == '\n')
			continue;
		out[used++] = *p;
	}
	if (used > 0 && out[used - 1] == '\n')
		used--;
	out[used] = '\0';
}

bool
replay_message_field(struct replay_message *m, struct replay_field *field)
{
	const char *colon;

	if (m->in_body)
		return false;
	colon = field_colon(m->at, m->end);
	if (colon == NULL) {
		if (blank_line(m->at, m->end))
			m->at = line_end(m->at, m->end);
		m->in_body = true;
		return false;
	}
	const char *end = field_end(m->at, m->end);
	bool blank = colon + 1 < end && colon[1] == ' ';
	size_t name_len = (size_t)(colon - m->at);

	while (m->at[name_len - 1] == ' ' || m->at[name_len - 1] == '\t')
		name_len--;
	m->field = mem_grow(m->field, (size_t)(end - m->at) + 2);
	memcpy(m->field, m->at, name_len);
	m->field[name_len] = '\0';
	copy_value(m->field + name_len + 1, colon + 1 + blank, end);
	*field = (struct replay_field){m->field, m->field + name_len + 1, !blank};
	m->at = end;
	return true;
}

bool
replay_message_body(struct replay_message *m, const unsigned char **data, size_t *len)
{
	size_t used = 0;

	if (m->chunk == NULL)
		m->chunk = mem_alloc(REPLAY_CHUNK);
	while (m->at < m->end && used + 2 <= REPLAY_CHUNK) {
		if (*m->at == '\n' && m->last != '\r')
			m->chunk[used++] = '\r';
		m->last = *m->at++;
		m->chunk[used++] = (unsigned char)m->last;
	}
	/* SMTP has no line without an end. */
	if (m->at == m->end && m->last != '\n' && used + 2 <= REPLAY_CHUNK) {
		m->chunk[used++] = '\r';
		m->chunk[used++] = '\n';
		m->last = '\n';
	}
	*data = m->chunk;
	*len = used;
	return used > 0;
}
