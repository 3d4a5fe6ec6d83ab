/* SPDX-License-Identifier: MIT */
/*
 * spf_macro.c - macros of RFC 7208 section 7: is the text well-formed, and what becomes of it
 *
 * One function takes a text apart; the checks and the expansion look at the same pieces, so what
 * passed a check has one meaning. libspf2 never sees a macro.
 */
#include "spf_macro.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "spf_check.h"

#define NAME_OCTETS 253
/* Octets of what a macro stands for; longer local parts and HELO names are cut on their right. */
#define VALUE_MAX 512

struct macro {
	char letter;   /* lower case */
	bool escaped;  /* upper case: URL encoding */
	unsigned keep; /* parts from the right; 0: all */
	bool reverse;
	const char *delimiters;
	size_t delimiter_count; /* 0: the dot */
};

enum piece_kind { PIECE_LITERAL, PIECE_MACRO, PIECE_WRONG };

struct piece {
	enum piece_kind kind;
	const char *text; /* literal, or why it is wrong */
	size_t len;
	bool expands; /* a macro, or one of %% %_ %-: may end a domain-spec */
	struct macro macro;
};

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void
wrong(struct piece *piece, const char *why)
{
	*piece = (struct piece){.kind = PIECE_WRONG, .text = why};
}

/* macro-expand with braces; text begins behind them. Returns what it took. */
static size_t
take_macro(const char *text, size_t len, struct piece *piece)
{
	const char *end = memchr(text, '}', len), *p = text;
	struct macro m = {0};

	if (end == NULL || end == text || !letter(*p) || strchr("slodiphvcrt", lower(*p)) == NULL) {
		wrong(piece, "no such macro");
		return 0;
	}
	m.letter = lower(*p);
	m.escaped = m.letter != *p;
	p++;
	if (p < end && digit(*p)) {
		for (; p < end && digit(*p); p++)
			m.keep = m.keep < 1000 ? m.keep * 10 + (unsigned)(*p - '0') : m.keep;
		if (m.keep == 0) {
			wrong(piece, "a macro that keeps no part");
			return 0;
		}
	}
	m.reverse = p < end && lower(*p) == 'r';
	p += m.reverse;
	m.delimiters = p;
	m.delimiter_count = (size_t)(end - p);
	for (; p < end; p++) {
		if (memchr(".-+,/_=", *p, 7) == NULL) {
			wrong(piece, "no delimiter of a macro");
			return 0;
		}
	}
	*piece = (struct piece){.kind = PIECE_MACRO, .expands = true, .macro = m};
	return (size_t)(end - text) + 1;
}

static const struct escape {
	char sign;
	const char *text;
} escapes[] = {{'%', "%"}, {'-', "%20"}, {'_', " "}};

/* What stands behind a '%'. */
static size_t
take_escape(const char *text, size_t len, struct piece *piece)
{
	if (len > 0 && *text == '{')
		return take_macro(text + 1, len - 1, piece) + 1;
	for (size_t i = 0; len > 0 && i < sizeof(escapes) / sizeof(*escapes); i++) {
		if (escapes[i].sign != *text)
			continue;
		*piece = (struct piece){
			PIECE_LITERAL, escapes[i].text, strlen(escapes[i].text), .expands = true};
		return 1;
	}
	wrong(piece, "a % that begins no macro");
	return 0;
}

/* The first piece of a text that is not empty; returns how long it is. */
static size_t
take_piece(const char *text, size_t len, struct piece *piece)
{
	size_t n = 0;

	if (*text == '%')
		return take_escape(text + 1, len - 1, piece) + 1;
	while (n < len && text[n] != '%')
		n++;
	*piece = (struct piece){.kind = PIECE_LITERAL, .text = text, .len = n};
	return n;
}

/* --- checks --- */

enum {
	ALLOW_BLANK = 1,  /* SP, in explanations */
	ALLOW_ANSWER = 2, /* the letters c, r and t (section 7.2) */
};

static const char *
wrong_piece(const struct piece *piece, unsigned allowed)
{
	if (piece->kind == PIECE_WRONG)
		return piece->text;
	if (piece->kind == PIECE_MACRO) {
		bool answer = strchr("crt", piece->macro.letter) != NULL;

		return answer && (allowed & ALLOW_ANSWER) == 0
			       ? "a macro that only explanations may hold"
			       : NULL;
	}
	for (size_t i = 0; !piece->expands && i < piece->len; i++) {
		char c = piece->text[i];

		if ((c < 0x21 || c > 0x7e) && !(c == ' ' && (allowed & ALLOW_BLANK) != 0))
			return "an octet that is not printable ASCII";
	}
	return NULL;
}

static const char *
wrong_text(const char *text, size_t len, unsigned allowed, struct piece *last)
{
	const char *why = NULL;

	for (size_t at = 0; at < len && why == NULL;) {
		at += take_piece(text + at, len - at, last);
		why = wrong_piece(last, allowed);
	}
	return why;
}

/* "." toplabel [ "." ]: a last label with a letter or an inner hyphen. */
static bool
ends_in_toplabel(const char *text, size_t len)
{
	size_t begin, end = len > 0 && text[len - 1] == '.' ? len - 1 : len;
	bool name = false;

	for (begin = end; begin > 0 && text[begin - 1] != '.'; begin--) {
		char c = text[begin - 1];

		if (!letter(c) && !digit(c) && c != '-')
			return false;
		name = name || !digit(c);
	}
	return begin > 0 && begin < end && name && text[begin] != '-' && text[end - 1] != '-';
}

const char *
spf_macro_wrong_domain(const char *text, size_t len)
{
	struct piece last = {0};
	const char *why = wrong_text(text, len, 0, &last);

	if (why != NULL)
		return why;
	if (len == 0)
		return "no domain";
	return last.expands || ends_in_toplabel(last.text, last.len)
		       ? NULL
		       : "a domain without a valid last label";
}

const char *
spf_macro_wrong_string(const char *text, size_t len)
{
	struct piece last;

	return wrong_text(text, len, ALLOW_ANSWER, &last);
}

const char *
spf_macro_wrong_explanation(const char *text, size_t len)
{
	struct piece last;

	return wrong_text(text, len, ALLOW_ANSWER | ALLOW_BLANK, &last);
}

bool
spf_macro_tells_local(const char *text, size_t len)
{
	struct piece piece;

	for (size_t at = 0; at < len;) {
		at += take_piece(text + at, len - at, &piece);
		if (piece.kind == PIECE_MACRO && strchr("ls", piece.macro.letter) != NULL)
			return true;
	}
	return false;
}

/* --- expansion --- */

/* Where it goes; what does not fit is cut. */
struct out {
	char *text;
	size_t size, len;
};

static void
put(struct out *out, const char *text, size_t len)
{
	size_t room = out->size - out->len;

	if (len > room)
		len = room;
	memcpy(out->text + out->len, text, len);
	out->len += len;
}

/* Section 7.3: all but unreserved characters (RFC 3986 section 2.3). */
static void
put_escaped(struct out *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i], hex[4];

		if (letter(c) || digit(c) || (c != '\0' && strchr("-._~", c) != NULL)) {
			put(out, &c, 1);
			continue;
		}
		snprintf(hex, sizeof(hex), "%%%02X", (unsigned char)c);
		put(out, hex, 3);
	}
}

/* What the letter stands for; scratch has VALUE_MAX + 1. */
static const char *
value_of(const struct spf_macro_values *v, char which, char *scratch)
{
	const struct {
		char letter;
		const char *text;
	} values[] = {{'c', v->ip_readable}, {'d', v->domain}, {'h', v->helo}, {'i', v->ip},
		{'l', v->local}, {'o', v->sender_domain}, {'r', v->receiver}, {'t', v->time},
		{'v', v->version}};

	if (which == 'p')
		return v->name(v->ctx);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		if (values[i].letter == which)
			return values[i].text;
	}
	snprintf(scratch, VALUE_MAX + 1, "%s@%s", v->local, v->sender_domain);
	return scratch;
}

struct parts {
	size_t count;
	uint16_t begin[VALUE_MAX + 2]; /* part i ends before begin[i + 1] - 1 */
};

static void
split(const struct macro *m, const char *value, size_t len, struct parts *parts)
{
	const char *delimiters = m->delimiter_count > 0 ? m->delimiters : ".";
	size_t count = m->delimiter_count > 0 ? m->delimiter_count : 1;

	parts->count = 0;
	parts->begin[0] = 0;
	for (size_t i = 0; i <= len; i++) {
		if (i == len || memchr(delimiters, value[i], count) != NULL)
			parts->begin[++parts->count] = (uint16_t)(i + 1);
	}
}

static void
put_macro(const struct spf_macro_values *v, const struct macro *m, struct out *out)
{
	void (*putter)(struct out *, const char *, size_t) = m->escaped ? put_escaped : put;
	char scratch[VALUE_MAX + 1];
	const char *value = value_of(v, m->letter, scratch);
	size_t len = strnlen(value, VALUE_MAX), first;
	struct parts parts;

	/* The last dot of a HELO name is none of its parts; a local part has all of its dots. */
	if (m->letter != 'l' && len > 0 && value[len - 1] == '.')
		len--;
	split(m, value, len, &parts);
	first = m->keep > 0 && m->keep < parts.count ? parts.count - m->keep : 0;
	for (size_t i = first; i < parts.count; i++) {
		size_t part = m->reverse ? parts.count - 1 - i : i;

		if (i > first)
			put(out, ".", 1);
		putter(out, value + parts.begin[part],
			(size_t)(parts.begin[part + 1] - 1 - parts.begin[part]));
	}
}

/* A domain as it grows: towards its beginning, for labels are cut from its left. */
struct name {
	char text[2 * SPF_NAME_SIZE];
	size_t begin;
};

static void
put_before(struct name *name, const char *text, size_t len)
{
	size_t n = len < name->begin ? len : name->begin;

	name->begin -= n;
	memcpy(name->text + name->begin, text + len - n, n);
}

/* What a piece is, or a macro in it stands for, put in its place. */
static void
put_piece_before(const struct spf_macro_values *v, const struct piece *piece, struct name *name)
{
	char expanded[3 * VALUE_MAX]; /* "%20" for each octet */
	struct out out = {expanded, sizeof(expanded), 0};

	if (piece->kind == PIECE_MACRO) {
		put_macro(v, &piece->macro, &out);
		put_before(name, expanded, out.len);
	} else {
		put_before(name, piece->text, piece->len);
	}
}

/*
 * The last pieces first, and no more of them than can be left: a record has room for thousands of
 * macros, and a client chooses what each of them stands for.
 */
static void
expand_end(const struct spf_macro_values *v, const char *text, size_t len, struct name *name)
{
	uint16_t begins[SPF_MAX_RECORD]; /* a piece has an octet at least */
	size_t count = 0;
	struct piece piece;

	for (size_t at = 0; at < len && count < SPF_MAX_RECORD;) {
		begins[count++] = (uint16_t)at;
		at += take_piece(text + at, len - at, &piece);
	}
	while (count-- > 0 && name->begin > 0) {
		take_piece(text + begins[count], len - begins[count], &piece);
		put_piece_before(v, &piece, name);
	}
}

void
spf_macro_domain(const struct spf_macro_values *v, const char *text, size_t len, char *out)
{
	struct name name = {.begin = sizeof(name.text)};
	const char *begin, *end = name.text + sizeof(name.text), *dot;

	expand_end(v, text, len, &name);
	begin = name.text + name.begin;
	if (end > begin && end[-1] == '.')
		end--;
	while (end - begin > NAME_OCTETS) {
		dot = memchr(begin, '.', (size_t)(end - begin));
		begin = dot == NULL ? end : dot + 1;
	}
	memcpy(out, begin, (size_t)(end - begin));
	out[end - begin] = '\0';
}

void
spf_macro_explanation(
	const struct spf_macro_values *v, const char *text, size_t len, char *out, size_t size)
{
	struct out o = {out, size - 1, 0};
	struct piece piece;

	for (size_t at = 0; at < len && o.len < o.size;) {
		at += take_piece(text + at, len - at, &piece);
		if (piece.kind == PIECE_MACRO)
			put_macro(v, &piece.macro, &o);
		else
			put(&o, piece.text, piece.len);
	}
	out[o.len] = '\0';
}
