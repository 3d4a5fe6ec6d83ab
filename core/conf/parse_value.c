/* SPDX-License-Identifier: MIT */
/*
 * parse_value.c - values of settings, and how to go on after a mistake
 *
 * A list goes over lines, so one that is not closed would swallow the file: a line inside of it
 * that looks like a setting or a section ends it.
 */
#include "parse_value.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"

struct token
parse_take(struct parse_value *p)
{
	struct token taken = p->token;

	p->token = scan_next(&p->scan);
	return taken;
}

struct parse_value
parse_ahead(const struct parse_value *p)
{
	struct parse_value ahead = *p;

	ahead.scan.diag = NULL;
	return ahead;
}

/* The token is {. */
static void
skip_block(struct parse_value *p)
{
	size_t depth = 0;

	do {
		enum token_kind kind = parse_take(p).kind;

		depth += kind == TOKEN_OPEN;
		depth -= kind == TOKEN_CLOSE;
	} while (depth > 0 && p->token.kind != TOKEN_END);
}

void
parse_recover(struct parse_value *p)
{
	for (;;) {
		switch (p->token.kind) {
		case TOKEN_NEWLINE:
		case TOKEN_SEMICOLON:
		case TOKEN_CLOSE:
		case TOKEN_END:
			return;
		case TOKEN_OPEN:
			skip_block(p);
			break;
		case TOKEN_WORD:
		case TOKEN_STRING:
		case TOKEN_EQUALS:
		case TOKEN_COMMA:
		case TOKEN_LIST_OPEN:
		case TOKEN_LIST_CLOSE:
			parse_take(p);
			break;
		}
	}
}

static bool
is_value(const struct token *t)
{
	return t->kind == TOKEN_WORD || t->kind == TOKEN_STRING;
}

bool
parse_ends_setting(const struct token *t)
{
	return t->kind == TOKEN_NEWLINE || t->kind == TOKEN_SEMICOLON || t->kind == TOKEN_CLOSE ||
	       t->kind == TOKEN_END;
}

/* Reports what stands between a value (NULL: a list) and the end of its line. */
static void
end_of_setting(struct parse_value *p, const char *name, const char *value)
{
	struct token extra = p->token;
	const char *quote = is_value(&extra) ? "\"" : "";

	if (parse_ends_setting(&extra))
		return;
	diag_error(p->diag, extra.pos, NULL, "unexpected %s%s%s behind the value of %s", quote,
		extra.text, quote, name);
	if (is_value(&extra))
		parse_take(p);
	if (extra.kind == TOKEN_WORD && p->token.kind == TOKEN_EQUALS)
		diag_help(p->diag, "put a ; between two settings on one line");
	else if (value == NULL)
		diag_help(p->diag, "all values of a list stand between its brackets");
	else if (is_value(&extra))
		diag_help(p->diag, "a text with spaces is written \"%s %s\", a list [ %s, %s ]",
			value, extra.text, value, extra.text);
	else if (extra.kind == TOKEN_COMMA)
		diag_help(p->diag, "a list is written [ %s, ... ]", value);
	else
		diag_help(p->diag, "a text with such characters is written in double quotes");
	diag_set_broken(p->diag);
	parse_recover(p);
}

/* --- lists --- */

struct items {
	struct conf_value *data;
	size_t count, size;
};

static void
add_item(struct items *items, const struct token *t)
{
	if (items->count == items->size) {
		items->size = items->size == 0 ? 8 : mem_product(items->size, 2);
		items->data = mem_grow(items->data, mem_product(items->size, sizeof(*items->data)));
	}
	items->data[items->count++] =
		(struct conf_value){.kind = t->kind == TOKEN_WORD ? CONF_WORD : CONF_STRING,
			.pos = t->pos,
			.text = t->text};
}

/* NAME =, SECTION { or SECTION NAME {: what stands at the start of a line, not in a list. */
static bool
looks_like_statement(const struct parse_value *p)
{
	struct parse_value ahead = parse_ahead(p);

	if (ahead.token.kind != TOKEN_WORD)
		return false;
	parse_take(&ahead);
	if (ahead.token.kind == TOKEN_WORD)
		parse_take(&ahead);
	else if (ahead.token.kind == TOKEN_EQUALS)
		return true;
	return ahead.token.kind == TOKEN_OPEN;
}

static void
missing_comma(struct parse_value *p, const struct items *items)
{
	const char *before = items->data[items->count - 1].text;

	diag_error(p->diag, p->token.pos, NULL, "comma missing between \"%s\" and \"%s\"", before,
		p->token.text);
	diag_help(p->diag, "write %s, %s", before, p->token.text);
	diag_set_broken(p->diag);
}

static void
list_in_list(struct parse_value *p)
{
	size_t depth = 0;

	diag_error(p->diag, p->token.pos, NULL, "a list cannot hold a list");
	diag_help(p->diag, "put all values into one pair of brackets");
	diag_set_broken(p->diag);
	do {
		enum token_kind kind = parse_take(p).kind;

		depth += kind == TOKEN_LIST_OPEN;
		depth -= kind == TOKEN_LIST_CLOSE;
	} while (depth > 0 && !parse_ends_setting(&p->token));
}

static void
lonely_comma(struct parse_value *p)
{
	diag_error(p->diag, p->token.pos, NULL, "no value before this comma");
	diag_help(p->diag, "one comma stands between two values, and may stand behind the last");
	diag_set_broken(p->diag);
	parse_take(p);
}

/* `[ a; b ]` is a slip, `[ a; b = 1` a list that was left open. */
static bool
semicolon_in_list(struct parse_value *p)
{
	struct parse_value ahead = parse_ahead(p);

	if (p->token.kind != TOKEN_SEMICOLON)
		return false;
	parse_take(&ahead);
	if (looks_like_statement(&ahead) || parse_ends_setting(&ahead.token))
		return false;
	diag_error(p->diag, p->token.pos, NULL, "; in a list");
	diag_help(p->diag, "the values of a list are separated by commas");
	diag_set_broken(p->diag);
	parse_take(p);
	return true;
}

/* One value or one comma. False where the list ends, closed or not. */
static bool
list_item(struct parse_value *p, struct items *items, bool *comma)
{
	bool line_start = false;

	for (; p->token.kind == TOKEN_NEWLINE; line_start = true)
		parse_take(p);
	if (p->token.kind == TOKEN_COMMA) {
		if (*comma)
			lonely_comma(p);
		else
			parse_take(p);
		*comma = true;
		return true;
	}
	if (semicolon_in_list(p)) {
		*comma = true;
		return true;
	}
	if (p->token.kind == TOKEN_LIST_OPEN) {
		list_in_list(p);
		*comma = false;
		return true;
	}
	if (!is_value(&p->token) || (line_start && looks_like_statement(p)))
		return false;
	if (!*comma && items->count > 0)
		missing_comma(p, items);
	if (!p->token.broken)
		add_item(items, &p->token);
	parse_take(p);
	*comma = false;
	return true;
}

static bool
list(struct parse_value *p, const char *name, struct conf_value *value)
{
	struct token open = parse_take(p);
	struct items items = {0};
	bool comma = true; /* none is wanted before the first value */
	bool closed;

	while (list_item(p, &items, &comma))
		;
	value->kind = CONF_LIST;
	value->pos = open.pos;
	value->count = items.count;
	value->items = arena_memdup(p->arena, items.data, items.count * sizeof(*items.data));
	free(items.data);
	closed = p->token.kind == TOKEN_LIST_CLOSE;
	if (closed) {
		if (p->token.pos.line == open.pos.line)
			value->pos.width = p->token.pos.column + 1 - open.pos.column;
		parse_take(p);
		return true;
	}
	diag_error(
		p->diag, open.pos, "this [ is never closed", "the list of %s is not closed", name);
	diag_help(p->diag, "add a ] behind the last value");
	diag_set_broken(p->diag);
	return false;
}

bool
parse_value(struct parse_value *p, const char *name, const struct token *equals,
	struct conf_value *value)
{
	if (p->token.kind == TOKEN_LIST_OPEN) {
		if (list(p, name, value))
			end_of_setting(p, name, NULL);
		else if (p->token.kind != TOKEN_WORD)
			parse_recover(p);
		return true;
	}
	if (is_value(&p->token)) {
		struct token t = parse_take(p);

		*value = (struct conf_value){.kind = t.kind == TOKEN_WORD ? CONF_WORD : CONF_STRING,
			.pos = t.pos,
			.text = t.text};
		end_of_setting(p, name, t.text);
		return !t.broken;
	}
	diag_error(p->diag, equals->pos, "value missing", "%s has no value", name);
	diag_help(p->diag, "write %s = VALUE; an empty text is written \"\"", name);
	diag_set_broken(p->diag);
	parse_recover(p);
	return false;
}
