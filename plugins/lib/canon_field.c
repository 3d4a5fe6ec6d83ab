/* SPDX-License-Identifier: MIT */
/*
 * canon_field.c - header fields as a signature sees them (RFC 6376 sections 3.4.1, 3.4.2)
 */
#include "canon.h"

#include <string.h>

/* --- simple --- */

/* A value whose lines end in CRLF, whatever they ended in. */
static void
put_simple(struct digest *d, const char *text, size_t len)
{
	size_t from = 0;

	for (size_t at = 0; at < len; at++) {
		if (text[at] != '\n' || (at > 0 && text[at - 1] == '\r'))
			continue;
		digest_put(d, text + from, at - from);
		digest_put(d, "\r", 1);
		from = at;
	}
	digest_put(d, text + from, len - from);
}

/* --- relaxed --- */

struct relaxed {
	bool begun, space;
};

static bool
is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* The octets of a line break at the place: LF, or CRLF. */
static size_t
line_break(const char *text, size_t at, size_t len)
{
	if (text[at] == '\n')
		return 1;
	return text[at] == '\r' && at + 1 < len && text[at + 1] == '\n' ? 2 : 0;
}

/* A word goes on; what most octets are is asked first. */
static bool
is_word(const char *text, size_t at, size_t len)
{
	return (unsigned char)text[at] > ' ' ||
	       (!is_wsp(text[at]) && line_break(text, at, len) == 0);
}

/* Unfolds, and makes each run of white space inside one blank. */
static void
put_relaxed(struct digest *d, struct relaxed *r, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t skip = is_wsp(text[at]) ? 1 : line_break(text, at, len), from = at;

		if (skip > 0) {
			r->space = r->space || is_wsp(text[at]);
			at += skip;
			continue;
		}
		while (at < len && is_word(text, at, len))
			at++;
		if (r->space && r->begun)
			digest_put(d, " ", 1);
		digest_put(d, text + from, at - from);
		*r = (struct relaxed){.begun = true};
	}
}

static void
put_lower(struct digest *d, const char *name, size_t len)
{
	while (len > 0 && is_wsp(name[len - 1]))
		len--;
	for (size_t i = 0; i < len; i++) {
		char c = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + ('a' - 'A')) : name[i];

		digest_put(d, &c, 1);
	}
}

void
canon_field(struct digest *d, enum canon canon, const struct canon_field *f, size_t from, size_t to)
{
	struct relaxed r = {0};

	if (to < from || to > f->len)
		from = to = 0;
	switch (canon) {
	case CANON_SIMPLE:
		digest_put(d, f->name, f->name_len);
		digest_put(d, ":", 1);
		put_simple(d, f->value, from);
		put_simple(d, f->value + to, f->len - to);
		break;
	case CANON_RELAXED:
		put_lower(d, f->name, f->name_len);
		digest_put(d, ":", 1);
		put_relaxed(d, &r, f->value, from);
		put_relaxed(d, &r, f->value + to, f->len - to);
		break;
	}
}

struct canon_field
canon_field_of(const char *name, const char *value, bool glued, char *room)
{
	size_t len = strlen(value);

	if (glued)
		return (struct canon_field){name, value, strlen(name), len};
	room[0] = ' ';
	memcpy(room + 1, value, len + 1);
	return (struct canon_field){name, room, strlen(name), len + 1};
}
