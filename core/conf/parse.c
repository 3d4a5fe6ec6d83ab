/* SPDX-License-Identifier: MIT */
/*
 * parse.c - from tokens of one file to sections and settings
 *
 * Three levels: the file, sections, and blocks without a name inside of sections. That is what
 * tells a section that is not closed from one that holds another: what has a name belongs to the
 * file.
 */
#include "parse.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "parse_value.h"

/* The file, a section, a block in it. */
#define LEVELS 3

#define NAME_MOST 64u

struct parse {
	struct parse_value in; /* tokens and where values go */
	const struct parse_include *include;
	struct scope *root;
	struct scope scopes[LEVELS]; /* [0] is unused: root may be shared */
	unsigned depth;		     /* of the innermost open scope */
	bool lost;		     /* a section's { may just have been missed */
};

void
scope_init(struct scope *scope, struct conf_section *section)
{
	*scope = (struct scope){.section = section,
		.last_setting = &section->settings,
		.last_section = &section->sections};
	table_init(&scope->names);
}

void
scope_fini(struct scope *scope)
{
	table_fini(&scope->names);
}

static struct scope *
inner(struct parse *p)
{
	return p->depth == 0 ? p->root : &p->scopes[p->depth];
}

/* "section plugin greylist": at most two words, of which one may be missing. */
static const char *
section_text(struct parse *p, const struct conf_section *s)
{
	return s->name == NULL ? s->kind : arena_printf(p->in.arena, "%s %s", s->kind, s->name);
}

/* --- opening and closing --- */

static void
push(struct parse *p, struct conf_section *section)
{
	struct scope *outer = inner(p);

	*outer->last_section = section;
	outer->last_section = &section->next;
	scope_init(&p->scopes[++p->depth], section);
}

static void
pop(struct parse *p)
{
	scope_fini(&p->scopes[p->depth--]);
}

static void
pop_unclosed(struct parse *p)
{
	const struct conf_section *s = inner(p)->section;

	diag_error(p->in.diag, s->open_pos, "this { is never closed", "section %s is not closed",
		section_text(p, s));
	diag_help(p->in.diag, "add a line with } after the last setting of this section");
	diag_set_broken(p->in.diag);
	pop(p);
}

static void
close_section(struct parse *p)
{
	const struct scope *scope = inner(p);

	if (p->depth == 0) {
		diag_error(p->in.diag, p->in.token.pos, "no section is open here", "unexpected }");
		diag_help(p->in.diag, "remove it, or look for a { that is missing above");
		diag_set_broken(p->in.diag);
		p->lost = false;
	} else {
		/* Only now it is sure that the section was not just left open. */
		if (scope->include_pos.line > 0) {
			diag_error(p->in.diag, scope->include_pos, NULL,
				"include inside section %s", section_text(p, scope->section));
			diag_help(p->in.diag, "include stands outside of sections");
			diag_set_broken(p->in.diag);
		}
		pop(p);
	}
	parse_take(&p->in);
}

static bool
name_ok(const char *name)
{
	for (const char *c = name; *c != '\0'; c++) {
		if (!isascii((unsigned char)*c) ||
			(!isalnum((unsigned char)*c) && strchr("_-.", *c) == NULL))
			return false;
	}
	return strlen(name) <= NAME_MOST;
}

static void
check_name(struct parse *p, const struct token *name)
{
	if (name->broken || (name->kind == TOKEN_WORD && name_ok(name->text)))
		return;
	diag_error(
		p->in.diag, name->pos, NULL, "\"%s\" cannot be the name of a section", name->text);
	diag_help(p->in.diag,
		"names are made of letters, digits, _ - and . (at most %u, no quotes)", NAME_MOST);
	diag_set_broken(p->in.diag);
}

/* The token is {; name is NULL for a section without one. */
static void
open_section(struct parse *p, const struct token *kind, const struct token *name)
{
	struct conf_section *section = arena_alloc(p->in.arena, sizeof(*section));

	while (name != NULL && p->depth > 0)
		pop_unclosed(p);
	if (p->depth == LEVELS - 1) {
		diag_error(p->in.diag, p->in.token.pos, NULL,
			"%s: sections cannot be nested this deep", kind->text);
		diag_help(p->in.diag, "is the } of section %s missing?",
			section_text(p, inner(p)->section));
		diag_set_broken(p->in.diag);
		parse_recover(&p->in);
		return;
	}
	section->kind = kind->text;
	section->pos = kind->pos;
	section->open_pos = p->in.token.pos;
	if (name != NULL) {
		check_name(p, name);
		section->name = name->text;
		section->name_pos = name->pos;
	}
	parse_take(&p->in);
	push(p, section);
	p->lost = false;
}

/* --- statements --- */

static void
add_setting(struct parse *p, const struct token *name, const struct conf_value *value)
{
	struct scope *scope = inner(p);
	struct conf_setting *s = table_get(&scope->names, name->text);

	if (s != NULL) {
		diag_error(p->in.diag, name->pos, NULL, "%s is set twice%s%s", name->text,
			p->depth == 0 ? "" : " in ",
			p->depth == 0 ? "" : section_text(p, scope->section));
		diag_help(p->in.diag, "the first one stands in line %u%s%s", s->pos.line,
			s->pos.source == name->pos.source ? "" : " of ",
			s->pos.source == name->pos.source ? "" : s->pos.source->name);
		return;
	}
	s = arena_alloc(p->in.arena, sizeof(*s));
	s->name = name->text;
	s->pos = name->pos;
	s->value = *value;
	s->stray = p->lost;
	*scope->last_setting = s;
	scope->last_setting = &s->next;
	table_add(&scope->names, s->name, s);
}

static void
setting(struct parse *p, const struct token *name)
{
	struct conf_value value = {0};
	struct token equals = parse_take(&p->in);

	if (p->in.token.kind == TOKEN_OPEN) {
		diag_error(p->in.diag, equals.pos, NULL,
			"%s is followed by a section, which takes no =", name->text);
		diag_help(p->in.diag, "write %s {", name->text);
		diag_set_broken(p->in.diag);
		open_section(p, name, NULL);
		return;
	}
	if (parse_value(&p->in, name->text, &equals, &value))
		add_setting(p, name, &value);
}

static void
missing_equals(struct parse *p, const struct token *name, const struct token *value)
{
	const char *quote = value->kind == TOKEN_STRING ? "\"" : "";

	diag_error(p->in.diag, value->pos, NULL, "= is missing between %s and %s%s%s", name->text,
		quote, value->text, quote);
	if (value->kind == TOKEN_STRING)
		diag_help(p->in.diag, "write %s = \"%s\"", name->text, value->text);
	else
		diag_help(p->in.diag, "write %s = %s, or %s %s { for a section", name->text,
			value->text, name->text, value->text);
	diag_set_broken(p->in.diag);
	p->lost = true;
	parse_recover(&p->in);
}

static void
word_alone(struct parse *p, const struct token *name)
{
	const char *n = name->text;
	bool is_include = strcmp(n, "include") == 0;

	diag_error(p->in.diag, name->pos, NULL,
		is_include ? "%s has no file name" : "%s has no value", n);
	if (is_include)
		diag_help(p->in.diag, "write include \"FILE\" or include \"conf.d/*.conf\"");
	else
		diag_help(p->in.diag, "write %s = VALUE, or %s { for a section", n, n);
	diag_set_broken(p->in.diag);
	p->lost = !is_include;
	parse_recover(&p->in);
}

/* `main` and then { in a line of its own, as C has it. */
static bool
brace_on_next_line(struct parse *p, const struct token *last)
{
	struct parse_value ahead = parse_ahead(&p->in);

	if (p->in.token.kind != TOKEN_NEWLINE)
		return false;
	while (ahead.token.kind == TOKEN_NEWLINE)
		parse_take(&ahead);
	if (ahead.token.kind != TOKEN_OPEN)
		return false;
	while (p->in.token.kind == TOKEN_NEWLINE)
		parse_take(&p->in);
	diag_error(p->in.diag, p->in.token.pos, NULL, "{ stands on a line of its own");
	diag_help(p->in.diag, "write it behind %s, on the same line", last->text);
	diag_set_broken(p->in.diag);
	return true;
}

static void
include(struct parse *p, const struct token *pattern)
{
	struct scope *scope = inner(p);

	if (p->depth > 0)
		scope->include_pos = pattern->pos;
	else if (!pattern->broken)
		p->include->run(p->include->context, pattern);
	if (parse_ends_setting(&p->in.token))
		return;
	diag_error(p->in.diag, p->in.token.pos, NULL, "unexpected \"%s\" behind include",
		p->in.token.text);
	diag_help(p->in.diag, "include takes one file name or pattern; write a line for each");
	diag_set_broken(p->in.diag);
	parse_recover(&p->in);
}

/* The token is the word a line starts with. */
static void
statement(struct parse *p)
{
	struct token name = parse_take(&p->in);
	struct token second = p->in.token;

	if (second.kind == TOKEN_EQUALS) {
		setting(p, &name);
		return;
	}
	if (second.kind == TOKEN_OPEN || brace_on_next_line(p, &name)) {
		open_section(p, &name, NULL);
		return;
	}
	if (second.kind != TOKEN_WORD && second.kind != TOKEN_STRING) {
		word_alone(p, &name);
		return;
	}
	parse_take(&p->in);
	if (strcmp(name.text, "include") == 0)
		include(p, &second);
	else if (p->in.token.kind == TOKEN_OPEN || brace_on_next_line(p, &second))
		open_section(p, &name, &second);
	else
		missing_equals(p, &name, &second);
}

static void
unexpected(struct parse *p)
{
	const char *quote = p->in.token.kind == TOKEN_STRING ? "\"" : "";

	diag_error(p->in.diag, p->in.token.pos, NULL, "unexpected %s%s%s", quote, p->in.token.text,
		quote);
	diag_help(p->in.diag, "a line is NAME = VALUE, SECTION NAME { or }");
	diag_set_broken(p->in.diag);
	if (p->in.token.kind != TOKEN_OPEN)
		parse_take(&p->in);
	parse_recover(&p->in);
}

static void
line(struct parse *p)
{
	switch (p->in.token.kind) {
	case TOKEN_WORD:
		statement(p);
		break;
	case TOKEN_CLOSE:
		close_section(p);
		break;
	case TOKEN_NEWLINE:
	case TOKEN_SEMICOLON:
		parse_take(&p->in);
		break;
	case TOKEN_STRING:
	case TOKEN_EQUALS:
	case TOKEN_COMMA:
	case TOKEN_LIST_OPEN:
	case TOKEN_LIST_CLOSE:
	case TOKEN_OPEN:
		unexpected(p);
		break;
	case TOKEN_END:
		break;
	}
}

void
parse_source(struct scope *root, struct arena *arena, const struct conf_source *source, char *text,
	const struct parse_include *included, struct diag *diag)
{
	struct parse p = {.in = {.arena = arena, .diag = diag}, .include = included, .root = root};

	scan_init(&p.in.scan, arena, source, text, diag);
	parse_take(&p.in);
	while (p.in.token.kind != TOKEN_END)
		line(&p);
	while (p.depth > 0)
		pop_unclosed(&p);
}
