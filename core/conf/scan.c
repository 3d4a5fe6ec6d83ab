/* SPDX-License-Identifier: MIT */
/*
 * scan.c - the words, strings and marks of filter.conf
 *
 * A mistake inside a string is reported here and the string is read on to its end, so that the
 * parser sees a value and has nothing to add.
 */
#include "scan.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"

static const struct {
	char octet;
	enum token_kind kind;
	const char *text;
} marks[] = {
	{'\n', TOKEN_NEWLINE, "end of line"},
	{',', TOKEN_COMMA, ","},
	{';', TOKEN_SEMICOLON, ";"},
	{'=', TOKEN_EQUALS, "="},
	{'[', TOKEN_LIST_OPEN, "["},
	{']', TOKEN_LIST_CLOSE, "]"},
	{'{', TOKEN_OPEN, "{"},
	{'}', TOKEN_CLOSE, "}"},
};

/* --- octets that have no business in the file --- */

static bool
is_control(unsigned char c)
{
	return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

/* How many octets at p, of valid ones left, cannot stand here. */
static size_t
bad_octets(const char *p, size_t valid)
{
	unsigned char c = (unsigned char)*p;

	if (valid == 0)
		return 1;
	if (c == '\r' && valid > 1 && p[1] == '\n')
		return 0;
	/* U+0080 to U+009F are control characters too. */
	if (c == 0xc2 && (unsigned char)p[1] < 0xa0)
		return 2;
	return is_control(c) ? 1 : 0;
}

static void
report_octet(struct scan *s, const char *p, size_t bad, size_t valid)
{
	struct conf_pos pos = {.source = s->source, .line = s->line, .column = s->column};
	unsigned char c = (unsigned char)p[bad - 1];

	if (*p == '\0')
		diag_error(s->diag, pos, NULL, "NUL octet");
	else if (valid == 0)
		diag_error(s->diag, pos, NULL, "octet 0x%02x is not UTF-8", c);
	else
		diag_error(s->diag, pos, NULL, "control character 0x%02x", c);
	diag_help(s->diag, valid == 0 && *p != '\0'
				   ? "save the file in UTF-8"
				   : "a configuration is plain text: remove it or write it anew");
	diag_set_broken(s->diag);
}

static void
step(struct scan *s, const char *p)
{
	if (*p == '\n') {
		s->line++;
		s->column = 1;
	} else if (((unsigned char)*p & 0xc0) != 0x80) {
		s->column++;
	}
}

static void
clean(struct scan *s, char *text, size_t len)
{
	size_t valid_end = text_utf8_valid(text, len);

	for (size_t i = 0, bad; i < len; i += bad == 0 ? 1 : bad) {
		if (i > valid_end)
			valid_end = i + text_utf8_valid(text + i, len - i);
		bad = bad_octets(text + i, valid_end - i);
		if (bad == 0) {
			step(s, text + i);
			continue;
		}
		report_octet(s, text + i, bad, valid_end - i);
		memset(text + i, text[i] == '\r' ? ' ' : '?', bad);
		s->column += (unsigned)bad;
	}
}

/* --- tokens --- */

static bool
at_end(const struct scan *s)
{
	return s->p == s->end;
}

static bool
is_word_char(char c)
{
	return c != '\0' && strchr(" \t\r\n\"'{}[],;=#", c) == NULL;
}

static struct conf_pos
here(const struct scan *s)
{
	return (struct conf_pos){.source = s->source, .line = s->line, .column = s->column};
}

static void
advance(struct scan *s)
{
	step(s, s->p);
	s->p++;
}

static void
skip_blanks(struct scan *s)
{
	while (!at_end(s) && strchr(" \t\r", *s->p) != NULL)
		advance(s);
	if (!at_end(s) && *s->p == '#') {
		while (!at_end(s) && *s->p != '\n')
			advance(s);
	}
}

static struct token
word(struct scan *s)
{
	struct token t = {.kind = TOKEN_WORD, .pos = here(s)};
	const char *start = s->p;

	while (!at_end(s) && is_word_char(*s->p))
		advance(s);
	t.pos.width = s->column - t.pos.column;
	t.text = arena_strndup(s->arena, start, (size_t)(s->p - start));
	return t;
}

/* At the backslash. False for one that is not known. */
static bool
escape(struct scan *s, struct buf *b)
{
	static const char names[] = "\"\\nt";
	static const char octets[] = "\"\\\n\t";
	struct conf_pos pos = here(s);
	const char *known;

	advance(s);
	known = at_end(s) ? NULL : memchr(names, *s->p, sizeof(names) - 1);
	if (known != NULL) {
		buf_add_char(b, octets[known - names]);
		advance(s);
		return true;
	}
	buf_add_char(b, '\\');
	if (s->diag == NULL)
		return false;
	pos.width = 2;
	diag_error(s->diag, pos, NULL, "unknown escape in a string");
	diag_help(s->diag, "known are \\n \\t \\\" and \\\\ (a backslash itself)");
	diag_set_broken(s->diag);
	return false;
}

static void
unterminated(struct scan *s, struct conf_pos pos, const char *start)
{
	const char *stop = s->p;

	if (s->diag == NULL)
		return;
	pos.width = s->column - pos.column;
	while (stop > start && strchr(" \t\r", stop[-1]) != NULL) {
		stop--;
		pos.width--;
	}
	diag_error(s->diag, pos, "string starts here", "unterminated string");
	diag_help(s->diag, "add the closing \" on the same line (use \\n for a line break)");
	diag_set_broken(s->diag);
}

static struct token
string(struct scan *s)
{
	struct token t = {.kind = TOKEN_STRING, .pos = here(s)};
	const char *start = s->p;
	struct buf b;

	buf_init(&b, 0);
	advance(s);
	while (!at_end(s) && *s->p != '"' && *s->p != '\n') {
		if (*s->p == '\\') {
			t.broken = !escape(s, &b) || t.broken;
			continue;
		}
		buf_add_char(&b, *s->p);
		advance(s);
	}
	if (at_end(s) || *s->p == '\n') {
		unterminated(s, t.pos, start);
		t.broken = true;
	} else {
		advance(s);
	}
	t.pos.width = s->column - t.pos.column;
	t.text = arena_strndup(s->arena, b.data, b.len);
	buf_fini(&b);
	return t;
}

/* 'text' as shells and Lua have it: read as the string it was meant to be. */
static struct token
single_quoted(struct scan *s)
{
	struct token t = {.kind = TOKEN_STRING, .pos = here(s)};
	const char *start = s->p + 1;
	size_t len = strcspn(start, "'\n");

	t.text = arena_strndup(s->arena, start, len);
	while (s->p != start + len)
		advance(s);
	if (!at_end(s) && *s->p == '\'')
		advance(s);
	t.pos.width = s->column - t.pos.column;
	if (s->diag == NULL)
		return t;
	diag_error(s->diag, t.pos, NULL, "' does not start a string");
	diag_help(s->diag, "write \"%s\"", t.text);
	diag_set_broken(s->diag);
	return t;
}

static struct token
mark(struct scan *s)
{
	struct token t = {.kind = TOKEN_END, .pos = here(s), .text = "end of file"};

	t.pos.width = 1;
	for (size_t i = 0; !at_end(s) && i < sizeof(marks) / sizeof(*marks); i++) {
		if (*s->p == marks[i].octet) {
			t.kind = marks[i].kind;
			t.text = marks[i].text;
			advance(s);
			break;
		}
	}
	return t;
}

void
scan_init(struct scan *s, struct arena *arena, const struct conf_source *source, char *text,
	struct diag *diag)
{
	*s = (struct scan){.arena = arena, .diag = diag, .source = source, .line = 1, .column = 1};
	clean(s, text, source->len);
	s->p = text;
	s->end = text + source->len;
	s->line = 1;
	s->column = 1;
}

struct token
scan_next(struct scan *s)
{
	skip_blanks(s);
	if (at_end(s))
		return mark(s);
	if (*s->p == '"')
		return string(s);
	if (*s->p == '\'')
		return single_quoted(s);
	return is_word_char(*s->p) ? word(s) : mark(s);
}
