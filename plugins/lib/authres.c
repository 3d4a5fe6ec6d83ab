/* SPDX-License-Identifier: MIT */
/*
 * authres.c - what Authentication-Results and ARC-Authentication-Results fields are made of
 */
#include "authres.h"

#include <string.h>

/* Columns after which a line is folded (RFC 5322 section 2.1.1), and those of a tab. */
#define LINE_COLUMNS 78
#define TAB_COLUMNS  8
/* A longer value is left out, for part of it would name another; a longer text is cut. */
#define VALUE_MOST 400
#define TEXT_MOST  200
/* What a token does not hold (RFC 2045 section 5.1), and an atom does (RFC 5322 section 3.2.3). */
#define TSPECIALS "()<>@,;:\\\"/[]?="
#define ATEXT	  "!#$%&'*+-/=?^_`{|}~"

/* --- reading --- */

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool
authres_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
authres_token_char(char c)
{
	return is_alnum(c) || (c > ' ' && c <= '~' && strchr(TSPECIALS, c) == NULL);
}

size_t
authres_token_length(const char *text)
{
	size_t len = 0;

	while (authres_token_char(text[len]))
		len++;
	return len;
}

/* Behind comments, which nest, and white space (RFC 5322 section 3.2.2); NULL: one has no end. */
const char *
authres_skip_cfws(const char *p)
{
	size_t depth = 0;

	for (; *p != '\0'; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && depth > 0)
			depth--;
		else if (*p == '\\' && depth > 0 && p[1] != '\0')
			p++;
		else if (depth == 0 && !authres_blank(*p))
			break;
	}
	return depth == 0 ? p : NULL;
}

/* --- writing --- */

static void
fold(struct authres_field *f)
{
	memmove(f->data + f->blank + 1, f->data + f->blank, f->len - f->blank);
	f->data[f->blank] = '\n';
	f->len++;
	f->line = ++f->blank;
	f->columns = f->len - f->line;
}

/* Room is left for a fold and the end. */
static void
put_char(struct authres_field *f, char c)
{
	if (f->len + 3 > f->size) {
		f->full = true;
		return;
	}
	/* At the first of several, for no line may end in blanks. */
	if (c == ' ' && f->len > f->line && f->data[f->len - 1] != ' ')
		f->blank = f->len;
	f->data[f->len++] = c;
	f->columns++;
	if (f->columns > LINE_COLUMNS && f->blank > f->line)
		fold(f);
}

static void
put(struct authres_field *f, const char *text)
{
	size_t len = strlen(text);

	/* A word that needs no fold, as most are. */
	if (f->columns + len <= LINE_COLUMNS && len + 3 <= f->size - f->len &&
		memchr(text, ' ', len) == NULL) {
		memcpy(f->data + f->len, text, len);
		f->len += len;
		f->columns += len;
		return;
	}
	while (*text != '\0')
		put_char(f, *text++);
}

/* With a backslash before each of special and '?' for what is no printable ASCII. */
static void
put_escaped(struct authres_field *f, const char *text, size_t most, const char *special)
{
	for (size_t i = 0; text[i] != '\0' && i < most; i++) {
		if (!is_alnum(text[i]) && strchr(special, text[i]) != NULL)
			put_char(f, '\\');
		put_char(f, text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
	}
	if (strnlen(text, most + 1) > most)
		put(f, "...");
}

static bool
is_token(const char *text)
{
	size_t len = authres_token_length(text);

	return len > 0 && text[len] == '\0';
}

static void
put_value(struct authres_field *f, const char *text, size_t most)
{
	if (is_token(text) && strlen(text) <= most) {
		put(f, text);
		return;
	}
	put_char(f, '"');
	put_escaped(f, text, most, "\"\\");
	put_char(f, '"');
}

/* Letters, digits and those of extra, with single dots inside. */
static bool
is_dotted(const char *text, size_t len, const char *extra)
{
	for (size_t i = 0; i < len; i++) {
		bool inner = i > 0 && i + 1 < len && text[i + 1] != '.';

		if (!is_alnum(text[i]) && strchr(extra, text[i]) == NULL &&
			!(text[i] == '.' && inner))
			return false;
	}
	return true;
}

/* RFC 6376 section 3.5: sub-domain 1*("." sub-domain). */
static bool
is_domain(const char *text)
{
	size_t len = strlen(text);

	return is_dotted(text, len, "-") && strchr(text, '.') != NULL && text[0] != '-' &&
	       text[len - 1] != '-' && strstr(text, ".-") == NULL && strstr(text, "-.") == NULL;
}

/* pvalue = value / [[local-part] "@"] domain-name (RFC 8601 section 2.2). */
static void
put_pvalue(struct authres_field *f, const char *text)
{
	const char *at = strrchr(text, '@');

	if (at != NULL && is_domain(at + 1) && is_dotted(text, (size_t)(at - text), ATEXT))
		put(f, text);
	else
		put_value(f, text, VALUE_MOST);
}

void
authres_begin(struct authres_field *f, char *data, size_t size, size_t columns)
{
	*f = (struct authres_field){.data = data, .size = size, .columns = columns};
}

void
authres_text(struct authres_field *f, const char *text)
{
	put(f, text);
}

void
authres_id(struct authres_field *f, const char *id)
{
	put_value(f, id, VALUE_MOST);
}

void
authres_result(struct authres_field *f, const char *method, const char *result, const char *comment,
	const char *reason)
{
	put(f, ";\n\t");
	f->line = f->blank = f->len;
	f->columns = TAB_COLUMNS;
	put(f, method);
	put_char(f, '=');
	put(f, result);
	if (comment != NULL && comment[0] != '\0') {
		put(f, " (");
		put_escaped(f, comment, TEXT_MOST, "()\\");
		put_char(f, ')');
	}
	if (reason != NULL && reason[0] != '\0') {
		put(f, " reason=");
		put_value(f, reason, TEXT_MOST);
	}
}

void
authres_property(struct authres_field *f, const char *type, const char *name, const char *value)
{
	if (strnlen(value, VALUE_MOST + 1) > VALUE_MOST)
		return;
	put_char(f, ' ');
	put(f, type);
	put_char(f, '.');
	put(f, name);
	put_char(f, '=');
	put_pvalue(f, value);
}

bool
authres_keep(struct authres_field *f, const struct authres_field *mark)
{
	bool fits = !f->full;

	if (!fits)
		*f = *mark;
	return fits;
}

void
authres_end(struct authres_field *f)
{
	f->data[f->len] = '\0';
}
