/* SPDX-License-Identifier: MIT */
/*
 * url_html.c - HTML as text in which addresses can be found
 *
 * This is no parser of HTML. It undoes the two spellings that browsers undo in an address:
 * character references, and tabs and line breaks inside of the value of an attribute.
 */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "url.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* Octets of a reference: "&#x0010ffff;" with zeros in front. */
#define REFERENCE_MOST 16u

/* Those that an address can be written with. */
static const struct {
	const char *name;
	uint32_t stands_for;
} references[] = {
	{"AMP;", '&'},
	{"GT;", '>'},
	{"LT;", '<'},
	{"NewLine;", '\n'},
	{"QUOT;", '"'},
	{"Tab;", '\t'},
	{"UnderBar;", '_'},
	{"ZeroWidthSpace;", 0x200b},
	{"amp;", '&'},
	{"apos;", '\''},
	{"bsol;", '\\'},
	{"colon;", ':'},
	{"commat;", '@'},
	{"equals;", '='},
	{"gt;", '>'},
	{"lt;", '<'},
	{"lbrack;", '['},
	{"lowbar;", '_'},
	{"lsqb;", '['},
	{"nbsp;", ' '},
	{"num;", '#'},
	{"percnt;", '%'},
	{"period;", '.'},
	{"quest;", '?'},
	{"quot;", '"'},
	{"rbrack;", ']'},
	{"rsqb;", ']'},
	{"semi;", ';'},
	{"shy;", 0xad},
	{"sol;", '/'},
};

enum place { IN_TEXT, IN_TAG, IN_VALUE };

struct reader {
	const char *at, *end;
	enum place place;
	bool every_value;
	char quote;  /* that ends the value */
	bool equals; /* the last that was no blank */
};

static size_t
put_utf8(uint32_t c, char *out)
{
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (len == 1) {
		out[0] = (char)c;
		return 1;
	}
	for (size_t i = len; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[len] | c);
	return len;
}

static int
digit(char c, unsigned base)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);

	return at != NULL && (unsigned)(at - digits) < base ? (int)(at - digits) : -1;
}

/* "#58;", "#x3a"; how long it is, 0: it is none. Zeros in front do not count for the bound. */
static size_t
read_number(const char *p, size_t len, uint32_t *c)
{
	unsigned base = len > 1 && (p[1] == 'x' || p[1] == 'X') ? 16 : 10;
	size_t first = base == 16 ? 2 : 1, i = first, zeros;
	int d;

	while (i < len && p[i] == '0')
		i++;
	zeros = i;
	for (*c = 0; i < len && i - zeros < REFERENCE_MOST && (d = digit(p[i], base)) >= 0; i++) {
		if (*c < 0x110000)
			*c = *c * base + (unsigned)d;
	}
	if (i == first || *c == 0 || *c >= 0x110000)
		return 0;
	return i + (i < len && p[i] == ';');
}

static size_t
read_name(const char *p, size_t len, uint32_t *c)
{
	for (size_t i = 0; i < COUNT(references); i++) {
		size_t n = strlen(references[i].name);

		if (n <= len && memcmp(p, references[i].name, n) == 0) {
			*c = references[i].stands_for;
			return n;
		}
	}
	return 0;
}

/* Behind '&'. */
static size_t
read_reference(const char *p, size_t len, uint32_t *c)
{
	return len > 1 && *p == '#' ? read_number(p, len, c) : read_name(p, len, c);
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The octet opens a value, or ends one. */
static bool
follow_value(struct reader *r, char c)
{
	bool opens = r->equals && (c == '"' || c == '\'');
	bool ends = c == r->quote || (r->every_value && c == '>');

	if (opens && (r->place == IN_TAG || r->every_value)) {
		r->place = IN_VALUE;
		r->quote = c;
		return true;
	}
	if (r->place != IN_VALUE)
		return false;
	if (ends)
		r->place = IN_TAG;
	return true;
}

/* Where the octet is, and what comes behind it. */
static void
follow(struct reader *r, char c)
{
	if (follow_value(r, c) || r->every_value)
		;
	else if (r->place == IN_TEXT && c == '<' && r->at < r->end && is_letter(*r->at))
		r->place = IN_TAG;
	else if (r->place == IN_TAG && c == '>')
		r->place = IN_TEXT;
	if (!is_space(c))
		r->equals = c == '=';
}

/* Line breaks in an address are left out however they are written. */
static size_t
put_reference(const struct reader *r, uint32_t c, char *out)
{
	if (r->place == IN_TEXT)
		return put_utf8(c, out);
	if (c == '\t' || c == '\r' || c == '\n')
		return 0;
	return put_utf8(c == '"' ? (unsigned char)URL_QUOTE : c, out);
}

size_t
url_plain(const unsigned char *html, size_t len, bool every_value, char *out)
{
	struct reader r = {.at = (const char *)html,
		.end = (const char *)html + len,
		.place = every_value ? IN_TAG : IN_TEXT,
		.every_value = every_value};
	size_t kept = 0;

	while (r.at < r.end) {
		char c = *r.at++;
		uint32_t stands_for;
		size_t n = c == '&' ? read_reference(r.at, (size_t)(r.end - r.at), &stands_for) : 0;

		if (n > 0) {
			r.at += n;
			r.equals = false;
			kept += put_reference(&r, stands_for, out + kept);
			continue;
		}
		follow(&r, c);
		if (r.place != IN_VALUE || c == ' ' || !is_space(c))
			out[kept++] = c;
	}
	return kept;
}
