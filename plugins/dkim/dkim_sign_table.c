/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign_table.c - the signing table: text to rows, and the row of an address
 *
 * Pure: files are another part's. What is in a table is as hostile as who may write it, so names
 * are checked before they become parts of file names and header fields.
 */
#include "dkim_sign_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/dkim_name.h"

/* RFC 5321 section 4.5.3.1 allows 320. */
#define PATTERN_SIZE 512u
#define BLANKS	     " \t\r"
#define DAY_S	     86400

struct reader {
	struct dkim_sign_table *table;
	char *why;
	size_t why_size;
	unsigned line;
	size_t selectors; /* used so far */
};

static bool __attribute__((format(printf, 2, 3)))
complain(const struct reader *r, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(r->why, r->why_size, "line %u: %s", r->line, text);
	return false;
}

/* --- words --- */

static void
lower(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + ('a' - 'A'));
	}
}

/* The next word of the line, or NULL; ends it in NUL. */
static char *
word(char **line)
{
	char *begin = *line + strspn(*line, BLANKS), *end = begin + strcspn(begin, BLANKS);

	if (*begin == '\0')
		return NULL;
	*line = *end == '\0' ? end : end + 1;
	*end = '\0';
	lower(begin);
	return begin;
}

/* --- columns --- */

/* What nobody would be found by, for mail would go unsigned and nothing would say why. */
static bool
check_pattern(const struct reader *r, const char *text)
{
	size_t len = strlen(text);

	if (text[0] == '*' && (text[1] == '@' || text[1] == '.'))
		return complain(r,
			"\"%.100s\" would never be found: write %.64s, or .%.64s for the domains "
			"below it",
			text, text + 2, text + 2);
	if (text[len - 1] == '.')
		return complain(
			r, "\"%.100s\" would never be found: write it without the last dot", text);
	return true;
}

static bool
take_pattern(const struct reader *r, struct dkim_sign_row *row, char *text)
{
	size_t len = strlen(text);

	row->sender = text[0] == '<';
	if (row->sender && (len < 3 || text[len - 1] != '>'))
		return complain(r, "\"%.100s\": an envelope sender is <ADDRESS> or <DOMAIN>", text);
	if (row->sender) {
		text[len - 1] = '\0';
		text++;
		len -= 2;
	}
	if (text[0] == '@') {
		text++;
		len--;
	}
	if (len == 0 || len >= PATTERN_SIZE || strpbrk(text, "<>,;") != NULL)
		return complain(r, "\"%.100s\" is neither an address nor a domain", text);
	row->pattern = text;
	return check_pattern(r, text);
}

static bool
take_domain(const struct reader *r, struct dkim_sign_row *row, const char *text)
{
	if (text == NULL)
		return complain(r, "the domain that signs and its selectors are missing");
	if (!dkim_name_valid(text, strlen(text), 2))
		return complain(r, "\"%.100s\" is not a domain name that can sign", text);
	row->domain = text;
	return true;
}

/* YYYY-MM-DD, midnight UTC. */
static bool
read_date(const char *text, int64_t *out)
{
	static const char shape[] = "dddd-dd-dd";
	struct tm tm = {0};
	struct tm day;
	time_t seconds;

	if (strlen(text) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i] != '\0'; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (shape[i] == 'd' ? !digit : text[i] != shape[i])
			return false;
	}
	tm.tm_year = atoi(text) - 1900;
	tm.tm_mon = atoi(text + 5) - 1;
	tm.tm_mday = atoi(text + 8);
	seconds = timegm(&tm);
	/* The 31st of February becomes a day of March. */
	*out = seconds;
	return seconds >= DAY_S && gmtime_r(&seconds, &day) != NULL &&
	       day.tm_mday == atoi(text + 8) && day.tm_mon == atoi(text + 5) - 1;
}

static bool
take_selector(struct reader *r, struct dkim_sign_row *row, char *text)
{
	struct dkim_selector *s = &row->selectors[row->selector_count];
	char *at = strchr(text, '@'), name[DKIM_NAME_KEY_SIZE];

	if (row->selector_count == DKIM_SELECTORS_MOST)
		return complain(r, "more than %u selectors", DKIM_SELECTORS_MOST);
	if (at != NULL)
		*at++ = '\0';
	if (!dkim_name_valid(text, strlen(text), 1))
		return complain(r, "\"%.100s\" is not a selector", text);
	if (!dkim_name_key(name, text, row->domain))
		return complain(r,
			"%.64s._domainkey of the domain is too long a name for DNS, which has 253 "
			"octets at most; choose a shorter selector",
			text);
	if (at != NULL && !read_date(at, &s->from))
		return complain(r, "\"%.100s\" is not a date: write %.64s@2026-12-31", at, text);
	for (size_t i = 0; i < row->selector_count; i++) {
		if (strcmp(row->selectors[i].name, text) == 0)
			return complain(r, "selector %.64s stands there twice", text);
	}
	s->name = text;
	row->selector_count++;
	return true;
}

static bool
take_line(struct reader *r, char *line)
{
	struct dkim_sign_row *row = &r->table->rows[r->table->count];
	char *text = word(&line);

	if (text == NULL || text[0] == '#')
		return true;
	*row = (struct dkim_sign_row){
		.line = r->line, .selectors = &r->table->selectors[r->selectors]};
	if (!take_pattern(r, row, text) || !take_domain(r, row, word(&line)))
		return false;
	while ((text = word(&line)) != NULL && text[0] != '#') {
		if (!take_selector(r, row, text))
			return false;
	}
	if (row->selector_count == 0)
		return complain(r, "%.100s has no selector", row->domain);
	r->selectors += row->selector_count;
	r->table->count++;
	return true;
}

/* --- the table --- */

static int
compare(const void *left, const void *right)
{
	const struct dkim_sign_row *a = left, *b = right;

	return a->sender != b->sender ? a->sender - b->sender : strcmp(a->pattern, b->pattern);
}

static size_t
count(const char *text, size_t len, const char *octets)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += strchr(octets, text[i]) != NULL;
	return n;
}

/* A selector stands behind a blank, a row behind a line break. */
static bool
make_room(struct dkim_sign_table *t, const char *text, size_t len)
{
	t->text = malloc(len + 1);
	t->rows = calloc(count(text, len, "\n") + 1, sizeof(*t->rows));
	t->selectors = calloc(count(text, len, BLANKS "\n") + 1, sizeof(*t->selectors));
	if (t->text == NULL || t->rows == NULL || t->selectors == NULL)
		return false;
	memcpy(t->text, text, len);
	t->text[len] = '\0';
	return true;
}

static bool
take_lines(struct reader *r, size_t len)
{
	char *line = r->table->text, *end = line + len;

	while (line < end) {
		char *next = line + strcspn(line, "\n");

		r->line++;
		if (*next == '\0' && next != end)
			return complain(r, "it has a NUL octet");
		*next = '\0';
		if (!take_line(r, line))
			return false;
		line = next + 1;
	}
	return true;
}

static bool
sort(struct reader *r)
{
	struct dkim_sign_table *t = r->table;

	qsort(t->rows, t->count, sizeof(*t->rows), compare);
	for (size_t i = 1; i < t->count; i++) {
		const struct dkim_sign_row *a = &t->rows[i - 1], *b = &t->rows[i];

		if (compare(a, b) != 0)
			continue;
		r->line = a->line > b->line ? a->line : b->line;
		return complain(r, "\"%.100s\" stands in line %u already", a->pattern,
			a->line < b->line ? a->line : b->line);
	}
	return true;
}

bool
dkim_sign_table_parse(
	struct dkim_sign_table *t, const char *text, size_t len, char *why, size_t why_size)
{
	struct reader r = {.table = t, .why = why, .why_size = why_size};

	*t = (struct dkim_sign_table){0};
	if (!make_room(t, text, len))
		snprintf(why, why_size, "no memory");
	else if (take_lines(&r, len) && sort(&r))
		return true;
	dkim_sign_table_fini(t);
	return false;
}

/* --- finding --- */

static const struct dkim_sign_row *
find(const struct dkim_sign_table *t, enum dkim_sign_whose whose, const char *pattern)
{
	const struct dkim_sign_row key = {.pattern = pattern, .sender = whose == DKIM_SIGN_SENDER};

	return t->count == 0 ? NULL : bsearch(&key, t->rows, t->count, sizeof(key), compare);
}

const struct dkim_sign_row *
dkim_sign_table_find(const struct dkim_sign_table *t, enum dkim_sign_whose whose, const char *addr,
	const char *domain)
{
	const struct dkim_sign_row *row = NULL;
	char text[PATTERN_SIZE];

	/* The null sender is nobody's. */
	if (domain[0] == '\0')
		return NULL;
	if (strlen(addr) < sizeof(text)) {
		snprintf(text, sizeof(text), "%s", addr);
		lower(text);
		row = find(t, whose, text);
	}
	if (row == NULL)
		row = find(t, whose, domain);
	for (const char *dot = strchr(domain, '.'); row == NULL && dot != NULL;
		dot = strchr(dot + 1, '.'))
		row = find(t, whose, dot);
	return row != NULL ? row : find(t, whose, "*");
}

size_t
dkim_sign_row_pick(const struct dkim_sign_row *row, int64_t now,
	const struct dkim_selector *out[DKIM_SIGN_KEYS_MOST])
{
	const struct dkim_selector *best[DKIM_SIGN_KEYS_MOST] = {NULL};
	size_t n = 0;

	for (size_t i = 0; i < row->selector_count; i++) {
		const struct dkim_selector *s = &row->selectors[i];
		enum dkim_key_type type = s->key->type;

		if (s->from <= now && (best[type] == NULL || s->from > best[type]->from))
			best[type] = s;
	}
	for (size_t i = 0; i < DKIM_SIGN_KEYS_MOST; i++) {
		if (best[i] != NULL)
			out[n++] = best[i];
	}
	return n;
}
