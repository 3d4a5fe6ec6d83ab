/* SPDX-License-Identifier: MIT */
/*
 * address_from.c - the mailboxes of From: fields (RFC 5322 section 3.4, RFC 6854)
 *
 * The field names who the reader will think wrote the message. Where it can be read in two ways it
 * cannot be read: the problem is said, and what was understood before it is kept.
 */
#include "address.h"

#include <string.h>

#include "address_syntax.h"
#include "base/arena.h"
#include "base/text.h"

#define MAILBOXES_MOST 1000u
/* Octets of the field that a problem shows. */
#define SHOWN_MOST 40u

struct parser {
	struct arena *arena;
	const char *p; /* where it stands; after a mistake: where that is */
	struct cm_address *items;
	size_t count, room;
};

/* Behind the comment at p, or NULL. Comments nest (RFC 5322 section 3.2.2). */
static const char *
skip_comment(const char *p)
{
	size_t depth = 0;

	do {
		size_t blank = syntax_blank(p);

		if (blank > 0) {
			p += blank;
			continue;
		}
		if (*p == '\\')
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')')
			depth--;
		if (!(*p & 0x80) && (*p < 0x20 || *p > 0x7e))
			return NULL;
		p++;
	} while (depth > 0);
	return p;
}

/* Blanks, folding and comments; false for a comment that does not end well. */
static bool
skip_space(struct parser *ps)
{
	for (;;) {
		size_t blank = syntax_blank(ps->p);
		const char *end;

		ps->p += blank;
		if (blank > 0)
			continue;
		if (*ps->p != '(')
			return true;
		end = skip_comment(ps->p);
		if (end == NULL)
			return false;
		ps->p = end;
	}
}

static struct cm_address *
new_item(struct parser *ps)
{
	if (ps->count == ps->room) {
		size_t room = ps->room == 0 ? 1 : 2 * ps->room;
		struct cm_address *items = arena_array(ps->arena, room, sizeof(*items));

		if (ps->count > 0)
			memcpy(items, ps->items, ps->count * sizeof(*items));
		ps->items = items;
		ps->room = room;
	}
	return &ps->items[ps->count++];
}

/* local-part "@" domain; *end is behind the domain, the parser behind the space after it. */
static bool
parse_addr_spec(struct parser *ps, struct cm_address *a, const char **end)
{
	const char *local, *domain;
	size_t local_len, domain_len;

	if (!skip_space(ps))
		return false;
	local = ps->p;
	local_len = *local == '"' ? syntax_quoted(local, true) : syntax_dot_atom(local);
	ps->p += local_len;
	if (local_len == 0 || !skip_space(ps) || *ps->p != '@')
		return false;
	ps->p++;
	if (!skip_space(ps))
		return false;
	domain = ps->p;
	domain_len = syntax_domain(domain);
	ps->p += domain_len;
	*end = ps->p;
	if (domain_len == 0 || !skip_space(ps))
		return false;
	syntax_fill(a, ps->arena, local, local_len, domain, domain_len);
	if (!a->valid)
		ps->p = local;
	return a->valid;
}

/* A mailbox that stands at start; angle: between brackets. */
static bool
parse_mailbox(struct parser *ps, const char *start, bool angle)
{
	struct cm_address a = {0};
	const char *end = NULL;

	if (ps->count == MAILBOXES_MOST)
		return false;
	ps->p = start + (angle ? 1 : 0);
	if (!parse_addr_spec(ps, &a, &end))
		return false;
	if (angle) {
		if (*ps->p != '>')
			return false;
		end = ++ps->p;
	}
	a.text = arena_strndup(ps->arena, start, (size_t)(end - start));
	*new_item(ps) = a;
	return skip_space(ps);
}

/* Words of a display name, dots between them included; encoded words are atoms (RFC 2047). */
static bool
skip_phrase(struct parser *ps, size_t *words)
{
	for (*words = 0;; ++*words) {
		size_t n = *ps->p == '"' ? syntax_quoted(ps->p, true) : syntax_atom(ps->p);

		if (n == 0 && *words > 0 && *ps->p == '.')
			n = 1;
		if (n == 0)
			return *ps->p != '"';
		ps->p += n;
		if (!skip_space(ps))
			return false;
	}
}

/* Where the next address stands, and what kind it is by the octet behind its first words. */
static bool
look_ahead(struct parser *ps, const char **start, char *kind)
{
	size_t words;

	if (!skip_space(ps))
		return false;
	*start = ps->p;
	if (!skip_phrase(ps, &words))
		return false;
	*kind = *ps->p;
	return *kind == '<' || (words > 0 && (*kind == '@' || *kind == ':'));
}

/* The mailboxes of a group up to its ";", the parser stands behind the ":". */
static bool
parse_group(struct parser *ps)
{
	const char *start;
	char kind;

	if (!skip_space(ps))
		return false;
	while (*ps->p != ';') {
		if (!look_ahead(ps, &start, &kind) || kind == ':' ||
			!parse_mailbox(ps, kind == '<' ? ps->p : start, kind == '<'))
			return false;
		if (*ps->p == ';')
			break;
		if (*ps->p != ',')
			return false;
		ps->p++;
		if (!skip_space(ps) || *ps->p == ';')
			return false;
	}
	ps->p++;
	return skip_space(ps);
}

static bool
parse_address(struct parser *ps)
{
	const char *start;
	char kind;

	if (!look_ahead(ps, &start, &kind))
		return false;
	if (kind == ':') {
		ps->p++;
		return parse_group(ps);
	}
	return parse_mailbox(ps, kind == '<' ? ps->p : start, kind == '<');
}

static bool
parse_field(struct parser *ps, const char *field)
{
	ps->p = field;
	for (;;) {
		if (!parse_address(ps))
			return false;
		if (*ps->p == '\0')
			return true;
		if (*ps->p != ',')
			return false;
		ps->p++;
	}
}

static const char *
describe(struct parser *ps)
{
	size_t len = text_utf8_valid(ps->p, strnlen(ps->p, SHOWN_MOST));
	char *text;

	if (ps->count == MAILBOXES_MOST)
		return "From: has too many addresses";
	if (len == 0)
		return "From: cannot be parsed at its end";
	/* Whoever logs or shows it escapes it. */
	text = arena_printf(ps->arena, "From: cannot be parsed at \"%.*s\"", (int)len, ps->p);
	text_clean(text);
	return text;
}

/* NULL, or why this field is not one. */
static const char *
read_field(struct parser *ps, const char *field)
{
	if (!syntax_text(field, strlen(field)))
		return "From: is not valid UTF-8";
	return parse_field(ps, field) ? NULL : describe(ps);
}

const struct cm_from *
address_parse_from(struct arena *arena, const char *const *fields, size_t count)
{
	struct cm_from *from = arena_alloc(arena, sizeof(*from));
	struct parser ps = {.arena = arena};

	for (size_t i = 0; i < count; i++) {
		const char *problem = read_field(&ps, fields[i]);

		if (from->problem == NULL)
			from->problem = problem;
	}
	from->count = ps.count;
	from->items = ps.items;
	if (count == 0)
		from->problem = "no From: field";
	else if (count > 1)
		from->problem = arena_printf(arena, "%zu From: fields", count);
	else if (from->problem == NULL && from->count == 0)
		from->problem = "From: names no address";
	return from;
}
