/* SPDX-License-Identifier: MIT */
/*
 * script_scan.c - the words of a Lua file
 *
 * Follows section 3.1 of the Lua 5.4 manual. A file with mistakes gives some tokens or other; it
 * has been compiled, or will be, by those who can tell what the mistake is.
 */
#include "script_scan.h"

#include <ctype.h>
#include <string.h>

static bool
name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void
advance(struct script_scan *s, size_t count)
{
	for (; count > 0 && s->p < s->end; count--)
		s->line += *s->p++ == '\n';
}

static bool
ahead(const struct script_scan *s, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(s->end - s->p) >= len && memcmp(s->p, text, len) == 0;
}

/* Length of "[[" or "[==[" here; 0: it is something else. */
static size_t
long_bracket(const struct script_scan *s)
{
	const char *p = s->p;

	if (p == s->end || *p++ != '[')
		return 0;
	while (p < s->end && *p == '=')
		p++;
	return p < s->end && *p == '[' ? (size_t)(p - s->p) + 1 : 0;
}

/* "]==]" that ends a bracket of that length stands here. */
static bool
long_end(const struct script_scan *s, size_t open)
{
	if ((size_t)(s->end - s->p) < open || s->p[0] != ']' || s->p[open - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < open; i++) {
		if (s->p[i] != '=')
			return false;
	}
	return true;
}

static struct script_token
read_long(struct script_scan *s, size_t open)
{
	struct script_token t = {.kind = TOKEN_STRING, .line = s->line};

	advance(s, open);
	t.text = s->p;
	while (s->p < s->end && !long_end(s, open))
		advance(s, 1);
	t.len = (size_t)(s->p - t.text);
	advance(s, open);
	return t;
}

/* A backslash and what it takes with it: the end of a line, or with \z all blanks. */
static void
skip_escape(struct script_scan *s)
{
	bool blanks = ahead(s, "\\z");

	advance(s, ahead(s, "\\\r\n") ? 3 : 2);
	while (blanks && s->p < s->end && isspace((unsigned char)*s->p))
		advance(s, 1);
}

static struct script_token
read_string(struct script_scan *s)
{
	struct script_token t = {.kind = TOKEN_STRING, .line = s->line};
	char quote = *s->p;

	advance(s, 1);
	t.text = s->p;
	while (s->p < s->end && *s->p != quote && *s->p != '\n') {
		if (*s->p == '\\')
			skip_escape(s);
		else
			advance(s, 1);
	}
	t.len = (size_t)(s->p - t.text);
	advance(s, 1);
	return t;
}

static void
skip_comment(struct script_scan *s)
{
	size_t open;

	advance(s, 2);
	open = long_bracket(s);
	if (open > 0) {
		read_long(s, open);
		return;
	}
	while (s->p < s->end && *s->p != '\n' && *s->p != '\r')
		advance(s, 1);
}

static void
skip_blanks(struct script_scan *s)
{
	while (s->p < s->end) {
		if (isspace((unsigned char)*s->p))
			advance(s, 1);
		else if (ahead(s, "--"))
			skip_comment(s);
		else
			return;
	}
}

/* A name, or a number with all that belongs to it: 0x1p4, 1e5 hold letters too. */
static struct script_token
read_word(struct script_scan *s)
{
	struct script_token t = {.text = s->p, .line = s->line};

	t.kind = isdigit((unsigned char)*s->p) ? TOKEN_OTHER : TOKEN_NAME;
	while (s->p < s->end && name_char(*s->p))
		advance(s, 1);
	t.len = (size_t)(s->p - t.text);
	return t;
}

/* ".." and "..." are not two dots, "==" is no assignment, "::" begins a label. */
static struct script_token
read_mark(struct script_scan *s)
{
	struct script_token t = {.kind = TOKEN_OTHER, .text = s->p, .line = s->line};
	char c = *s->p;
	size_t most = c == '.' ? 3 : c == '=' || c == ':' ? 2 : 1;

	while (t.len < most && s->p < s->end && *s->p == c) {
		advance(s, 1);
		t.len++;
	}
	return t;
}

void
script_scan_begin(struct script_scan *s, const char *text, size_t len)
{
	*s = (struct script_scan){.p = text, .end = text + len, .line = 1};
}

struct script_token
script_scan_next(struct script_scan *s)
{
	struct script_token t;
	size_t open;

	skip_blanks(s);
	t = (struct script_token){.kind = TOKEN_END, .text = s->p, .line = s->line};
	if (s->p == s->end)
		return t;
	open = long_bracket(s);
	if (open > 0)
		return read_long(s, open);
	if (*s->p == '"' || *s->p == '\'')
		return read_string(s);
	if (name_char(*s->p))
		return read_word(s);
	return read_mark(s);
}

bool
script_token_is(const struct script_token *t, const char *text)
{
	return t->kind != TOKEN_STRING && t->len == strlen(text) &&
	       memcmp(t->text, text, t->len) == 0;
}

bool
script_token_in(const struct script_token *t, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (t->kind == TOKEN_NAME && script_token_is(t, words[i]))
			return true;
	}
	return false;
}

bool
script_token_same(const struct script_token *a, const struct script_token *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* Behind "local" or "for": "a <const>, b". */
static bool
names(struct script_scan *s, const struct script_token *name)
{
	bool found = false;
	struct script_token t;

	do {
		t = script_scan_next(s);
		found = found || (t.kind == TOKEN_NAME && script_token_same(&t, name));
		t = script_scan_next(s);
		if (script_token_is(&t, "<")) {
			script_scan_next(s);
			script_scan_next(s);
			t = script_scan_next(s);
		}
	} while (script_token_is(&t, ","));
	return found;
}

bool
script_scan_binds(const char *text, size_t len, const struct script_token *name)
{
	struct script_scan s;

	script_scan_begin(&s, text, len);
	for (struct script_token t = script_scan_next(&s); t.kind != TOKEN_END;
		t = script_scan_next(&s)) {
		struct script_scan ahead = s;
		bool begins = script_token_is(&t, "local") || script_token_is(&t, "for");

		if (t.kind == TOKEN_NAME && begins && names(&ahead, name))
			return true;
	}
	return false;
}

/* Behind a variable: "= 1", or ", t.x = 1, 2". */
static bool
is_assigned(struct script_scan s)
{
	struct script_token t = script_scan_next(&s);
	bool more = script_token_is(&t, ",");

	while (more && t.kind != TOKEN_END &&
		(t.kind != TOKEN_OTHER || strchr("(){}=", t.text[0]) == NULL))
		t = script_scan_next(&s);
	return script_token_is(&t, "=");
}

bool
script_scan_assigns(const char *text, size_t len, const struct script_token *name)
{
	struct script_token before = {.kind = TOKEN_END};
	size_t tables = 0; /* that are open */
	struct script_scan s;

	script_scan_begin(&s, text, len);
	for (struct script_token t = script_scan_next(&s); t.kind != TOKEN_END;
		t = script_scan_next(&s)) {
		bool field = script_token_is(&before, ".") || script_token_is(&before, ":");
		bool key = tables > 0 && before.kind == TOKEN_OTHER &&
			   strchr("{,;", before.text[0]) != NULL;

		if (t.kind == TOKEN_NAME && !field && !key && script_token_same(&t, name) &&
			is_assigned(s))
			return true;
		tables += script_token_is(&t, "{");
		tables -= tables > 0 && script_token_is(&t, "}");
		before = t;
	}
	return false;
}
