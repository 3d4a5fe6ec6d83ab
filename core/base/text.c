/* SPDX-License-Identifier: MIT */
/*
 * text.c - small questions about strings, and text made safe for people
 *
 * Nothing here looks at the locale: what is a letter or printable must not depend on who started
 * the daemon.
 */
#include "text.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"

/* Longer words are no slips of the finger. */
#define WORD_MOST 64u
/* A suggestion further away than this is a guess. */
#define NEAREST_MOST 2u

char
text_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

void
text_lower_all(char *text)
{
	for (; *text != '\0'; text++)
		*text = text_lower(*text);
}

char *
text_number(char *out, uint64_t n)
{
	char digits[TEXT_NUMBER];
	size_t i = sizeof(digits), len;

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	len = sizeof(digits) - i;
	memcpy(out, digits + i, len);
	out[len] = '\0';
	return out + len;
}

void
text_clean(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

bool
text_equal_nocase(const char *a, const char *b)
{
	for (; *a != '\0' && text_lower(*a) == text_lower(*b); a++, b++)
		;
	return text_lower(*a) == text_lower(*b);
}

/* Where an octet stands as it is; one that is not in the table does so nowhere. */
enum { IN_TEXT = 1, IN_WORD = 2, IN_QUOTES = 4, ALL = IN_TEXT | IN_WORD | IN_QUOTES };

#define ALL_8  ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL
#define ALL_24 ALL_8, ALL_8, ALL_8

static const unsigned char stands[256] = {
	/* clang-format off */
	[' '] = IN_TEXT | IN_QUOTES, ALL, IN_TEXT | IN_WORD, ALL, ALL, ALL, ALL, ALL,
	['('] = ALL_24,
	['@'] = ALL_24, ALL, ALL, ALL, ALL, 0 /* backslash */, ALL, ALL, ALL,
	['`'] = ALL_24, ALL, ALL, ALL, ALL, ALL, ALL, ALL,
	/* clang-format on */
};

/* How many octets stand as they are there. */
static size_t
clean(const char *text, size_t len, unsigned there)
{
	size_t n = 0;

	while (n < len && (stands[(unsigned char)text[n]] & there) != 0)
		n++;
	return n;
}

static void
escape(struct buf *b, const char *text, size_t len, unsigned there)
{
	const char *end = text + len;

	while (text < end) {
		size_t n = clean(text, (size_t)(end - text), there);

		buf_add(b, text, n);
		text += n;
		if (text == end)
			return;
		if (*text == '"')
			buf_add(b, "\\\"", 2);
		else
			buf_printf(b, "\\x%02x", (unsigned char)*text);
		text++;
	}
}

void
text_escape(struct buf *b, const char *text, size_t len)
{
	escape(b, text, len, IN_TEXT);
}

void
text_escape_word(struct buf *b, const char *text, size_t len)
{
	escape(b, text, len, IN_WORD);
}

void
text_quote(struct buf *b, const char *text, size_t len)
{
	buf_add_char(b, '"');
	escape(b, text, len, IN_QUOTES);
	buf_add_char(b, '"');
}

/* Shapes of UTF-8 sequences (RFC 3629 section 4): range of the first octet and of the second. */
static const struct {
	unsigned char first_min, first_max, second_min, second_max, len;
} utf8_shapes[] = {
	{0x01, 0x7f, 0x00, 0x00, 1},
	{0xc2, 0xdf, 0x80, 0xbf, 2},
	{0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3},
	{0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4},
	{0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* Octets of the character at the start of text, 0 when there is none. */
static size_t
utf8_len(const unsigned char *p, size_t len)
{
	size_t shape = 0;
	size_t count = sizeof(utf8_shapes) / sizeof(*utf8_shapes);

	while (shape < count &&
		(p[0] < utf8_shapes[shape].first_min || p[0] > utf8_shapes[shape].first_max))
		shape++;
	if (shape == count || utf8_shapes[shape].len > len)
		return 0;
	if (utf8_shapes[shape].len > 1 &&
		(p[1] < utf8_shapes[shape].second_min || p[1] > utf8_shapes[shape].second_max))
		return 0;
	for (size_t i = 2; i < utf8_shapes[shape].len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return utf8_shapes[shape].len;
}

size_t
text_utf8_valid(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t n = utf8_len((const unsigned char *)text + i, len - i);

		if (n == 0)
			return i;
		i += n;
	}
	return len;
}

/* Terminals act on U+0080 to U+009F as they do on control octets. */
static bool
c1_control(const unsigned char *p, size_t n)
{
	return n == 2 && p[0] == 0xc2 && p[1] < 0xa0;
}

void
text_json(struct buf *b, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	buf_add_char(b, '"');
	for (size_t i = 0, n; i < len; i += n) {
		n = clean(text + i, len - i, IN_QUOTES);
		if (n > 0) {
			buf_add(b, p + i, n);
			continue;
		}
		n = utf8_len(p + i, len - i);
		if (n == 0 && p[i] != 0)
			buf_add_str(b, "\\ufffd");
		else if (c1_control(p + i, n))
			buf_printf(b, "\\u%04x", p[i + 1]);
		else if (n > 1)
			buf_add(b, p + i, n);
		else if (p[i] == '"' || p[i] == '\\')
			buf_printf(b, "\\%c", p[i]);
		else
			buf_printf(b, "\\u%04x", p[i]);
		n = n == 0 ? 1 : n;
	}
	buf_add_char(b, '"');
}

static size_t
min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One row of the matrix: from the two before it. The row's smallest number is returned. */
static size_t
distance_row(const char *a, size_t i, const char *b, size_t b_len, size_t rows[3][WORD_MOST + 1])
{
	size_t *row = rows[i % 3];
	const size_t *above = rows[(i + 2) % 3];
	const size_t *above2 = rows[(i + 1) % 3];
	size_t least = i;

	row[0] = i;
	for (size_t j = 1; j <= b_len; j++) {
		row[j] = min(above[j], row[j - 1]) + 1;
		row[j] = min(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
		if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
			row[j] = min(row[j], above2[j - 2] + 1);
		least = min(least, row[j]);
	}
	return least;
}

size_t
text_distance(const char *a, const char *b, size_t limit)
{
	size_t rows[3][WORD_MOST + 1];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	if (a_len > WORD_MOST || b_len > WORD_MOST)
		return strcmp(a, b) == 0 ? 0 : limit + 1;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1, last = 0; i <= a_len; i++) {
		size_t least = distance_row(a, i, b, b_len, rows);

		/* A transposition looks two rows back. */
		if (least > limit && last > limit)
			return limit + 1;
		last = least;
	}
	return min(rows[a_len % 3][b_len], limit + 1);
}

const char *
text_nearest(const char *word, const char *const *candidates, size_t count)
{
	/* At most half of the word may be wrong. */
	size_t best = min(NEAREST_MOST, strlen(word) / 2) + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t distance = text_equal_nocase(word, candidates[i])
					  ? 0
					  : text_distance(word, candidates[i], NEAREST_MOST);

		if (distance < best) {
			best = distance;
			nearest = candidates[i];
		}
	}
	return nearest;
}

const char *
text_path_here(const char *path)
{
	char here[PATH_MAX];
	size_t len = getcwd(here, sizeof(here)) == NULL ? 0 : strlen(here);

	if (len > 1 && strncmp(path, here, len) == 0 && path[len] == '/')
		return path + len + 1;
	return path;
}
