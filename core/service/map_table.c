/* SPDX-License-Identifier: MIT */
/*
 * map_table.c - lines of a map source, read as postmap(1) reads them
 *
 * A line that starts with white space continues the one before; comments and blank lines end
 * nothing. The key ends at the first white space outside quotes and keeps its quotes. Where postmap
 * warns and leaves a line out, so do we.
 */
#include "map_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

/* Octets of a mistake's words. */
#define WORDS_MAX 300u
/* Octets of a key that is asked for; no address or name is longer (RFC 5321 section 4.5.3.1). */
#define KEY_MAX 1024u

/* Walks over the logical lines of a text. */
struct lines {
	const char *at, *end;
	unsigned number; /* of the physical line that ends before at */
	unsigned first;	 /* where the logical line in text begins */
	struct buf text;
};

enum gravity { NOTHING, WARNING, SENSELESS, ERROR };

/* For the log, which leaves it to us to make words of a file safe. */
static void
keep_first(struct map_report *r, enum gravity gravity, unsigned line, const char *words)
{
	struct buf safe;

	if ((int)gravity <= r->gravest)
		return;
	r->gravest = (int)gravity;
	buf_init(&safe, WORDS_MAX);
	text_escape(&safe, words, strlen(words));
	if (line == 0)
		err_set(&r->first, "%s: %s", r->file, safe.data);
	else
		err_set(&r->first, "%s:%u: %s", r->file, line, safe.data);
	buf_fini(&safe);
}

static void
report_mistake(struct map_report *r, enum gravity gravity, unsigned line, const char *words)
{
	unsigned *count = gravity == ERROR ? &r->errors : &r->warnings;

	keep_first(r, gravity, line, words);
	r->senseless += gravity == SENSELESS;
	if (++*count > MAP_REPORTS_MAX || r->diag == NULL)
		return;
	if (gravity == ERROR)
		diag_error_in(r->diag, r->file, line, "%s", words);
	else
		diag_warn_in(r->diag, r->file, line, "%s", words);
}

static void __attribute__((format(printf, 4, 0))) report_format(
	struct map_report *r, enum gravity gravity, unsigned line, const char *format, va_list args)
{
	struct buf words;

	buf_init(&words, WORDS_MAX);
	buf_vprintf(&words, format, args);
	report_mistake(r, gravity, line, words.data);
	buf_fini(&words);
}

void
map_error(struct map_report *r, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_format(r, ERROR, line, format, args);
	va_end(args);
}

void
map_senseless(struct map_report *r, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_format(r, SENSELESS, line, format, args);
	va_end(args);
}

void
map_warn(struct map_report *r, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_format(r, WARNING, line, format, args);
	va_end(args);
}

struct map_table *
map_table_new(enum map_match match)
{
	struct map_table *t = mem_zalloc(1, sizeof(*t));

	t->match = match;
	arena_init(&t->arena, 4096);
	table_init(&t->keys);
	t->end = &t->first;
	return t;
}

void
map_table_free(struct map_table *t)
{
	if (t == NULL)
		return;
	table_fini(&t->keys);
	free(t->blocks.items);
	arena_fini(&t->arena);
	free(t);
}

static bool
space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Octets of the key at the start of text; *closed: every quote has its partner. */
static size_t
key_length(const char *text, bool *closed)
{
	bool quoted = false;
	size_t i = 0;

	for (; text[i] != '\0'; i++) {
		if (text[i] == '\\' && text[i + 1] != '\0')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (space(text[i]) && !quoted)
			break;
	}
	*closed = !quoted;
	return i;
}

static void
add_exact(struct map_table *t, const struct map_entry *e, struct map_report *report)
{
	struct map_value *value;

	text_lower_all(e->key);
	if (e->key[strlen(e->key) - 1] == ':')
		map_warn(report, e->line, "\"%s\" ends in a colon; is this an alias file?", e->key);
	value = arena_alloc(&t->arena, sizeof(*value));
	*value = (struct map_value){.text = e->value, .line = e->line};
	if (table_add(&t->keys, e->key, value)) {
		t->count++;
		*t->end = value;
		t->end = &value->next;
	} else {
		map_warn(report, e->line, "\"%s\" stands further up already; line ignored", e->key);
	}
}

static void
add_entry(struct map_table *t, const struct map_entry *e, struct map_report *report)
{
	if (t->count + t->blocks.count >= MAP_ENTRIES_MAX) {
		if (report->errors == 0)
			map_error(report, e->line, "more than %u entries", MAP_ENTRIES_MAX);
		return;
	}
	if (t->match == MAP_CIDR)
		map_blocks_add(t, e, report);
	else
		add_exact(t, e, report);
}

static void
trim(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && space(text[len - 1]))
		len--;
	text[len] = '\0';
}

static void
split(struct map_table *t, char *text, unsigned line, struct map_report *report)
{
	struct map_entry e = {.key = text, .line = line};
	bool closed;

	e.value = text + key_length(text, &closed);
	if (!closed) {
		map_senseless(report, line, "unbalanced '\"' in '%.60s'; line ignored", text);
		return;
	}
	if (*e.value != '\0')
		*e.value++ = '\0';
	while (space(*e.value))
		e.value++;
	trim(e.value);
	if (*e.value == '\0')
		map_senseless(report, line, "\"%s\" has no value behind it; line ignored", e.key);
	else
		add_entry(t, &e, report);
}

void
map_table_line(
	struct map_table *t, const char *text, size_t len, unsigned line, struct map_report *report)
{
	if (len == 0 || space(text[0]))
		map_senseless(report, line, "a key does not start with white space; line ignored");
	else if (text_utf8_valid(text, len) != len)
		map_senseless(report, line, "not UTF-8; line ignored");
	else
		split(t, arena_strndup(&t->arena, text, len), line, report);
}

/* Blank, or a comment: neither ends a logical line nor belongs to it. */
static bool
silent(const char *at, const char *end)
{
	while (at < end && space(*at))
		at++;
	return at == end || *at == '#';
}

static bool
next_line(struct lines *l)
{
	buf_clear(&l->text);
	while (l->at < l->end) {
		const char *stop = memchr(l->at, '\n', (size_t)(l->end - l->at));

		stop = stop == NULL ? l->end : stop;
		if (!silent(l->at, stop)) {
			if (l->text.len > 0 && !space(*l->at))
				return true;
			if (l->text.len == 0)
				l->first = l->number + 1;
			buf_add(&l->text, l->at, (size_t)(stop - l->at));
		}
		l->number++;
		l->at = stop < l->end ? stop + 1 : stop;
	}
	return l->text.len > 0;
}

void
map_table_text(struct map_table *t, const char *text, size_t len, struct map_report *report)
{
	struct lines lines = {.at = text, .end = text + len};

	if (memchr(text, '\0', len) != NULL) {
		map_error(report, 0, "not a text file (give the file that postmap reads)");
		return;
	}
	buf_init(&lines.text, MAP_LINE_MAX);
	while (report->errors < MAP_REPORTS_MAX && next_line(&lines)) {
		if (buf_cut(&lines.text))
			map_error(report, lines.first, "line longer than %u octets", MAP_LINE_MAX);
		else
			map_table_line(t, lines.text.data, lines.text.len, lines.first, report);
	}
	buf_fini(&lines.text);
}

bool
map_table_finish(struct map_table *t, struct map_report *report)
{
	if (t->match == MAP_CIDR)
		map_blocks_finish(t, report);
	t->senseless = report->senseless;
	if (report->diag != NULL && report->warnings > MAP_REPORTS_MAX)
		diag_warn_in(report->diag, report->file, 0, "%u more warnings",
			report->warnings - MAP_REPORTS_MAX);
	return report->errors == 0;
}

static void
check_value(const struct map_check *c, const char *text, unsigned line, struct map_report *report)
{
	char why[WORDS_MAX] = "";

	for (; c != NULL && report->errors < MAP_REPORTS_MAX; c = c->next) {
		if (c->check(text, why, sizeof(why)))
			continue;
		why[sizeof(why) - 1] = '\0';
		map_error(report, line, "%s: %s", c->who, why);
		return;
	}
}

void
map_table_check(
	const struct map_table *t, const struct map_check *checks, struct map_report *report)
{
	for (const struct map_value *v = t->first; v != NULL; v = v->next)
		check_value(checks, v->text, v->line, report);
	for (size_t i = 0; i < t->blocks.count; i++)
		check_value(checks, t->blocks.items[i].value, t->blocks.items[i].line, report);
}

const char *
map_table_find(const struct map_table *t, const char *key)
{
	size_t len = strnlen(key, KEY_MAX);
	char lower[KEY_MAX];
	const struct map_value *value;

	if (t->match == MAP_CIDR)
		return map_blocks_find(&t->blocks, key);
	if (len == KEY_MAX)
		return NULL;
	memcpy(lower, key, len + 1);
	text_lower_all(lower);
	value = table_get(&t->keys, lower);
	return value == NULL ? NULL : value->text;
}
