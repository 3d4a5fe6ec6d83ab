/* SPDX-License-Identifier: MIT */
/*
 * address_loose.c - a path in any spelling that an MTA takes, without what it throws away
 *
 * MTAs read the envelope with the grammar of RFC 822: comments, blanks between words, brackets in
 * brackets, quotes around a part of the local part. A rule must see the mailbox they deliver to.
 * What could be read in two ways is not guessed at.
 */
#include "address_loose.h"

#include <string.h>

#include "address_syntax.h"
#include "base/arena.h"

/* What is kept of a text, and where it stands. */
struct squeeze {
	const char *p;
	char *out;
	size_t len;
	unsigned opened, closed; /* brackets */
	bool word;		 /* the token before was a word: none may stand beside it */
};

/* Octets of a comment, with comments in it; 0: it does not end. */
static size_t
comment(const char *p)
{
	size_t n = 0;
	unsigned depth = 0;

	do {
		if (p[n] == '\\')
			n++;
		else if (p[n] == '(')
			depth++;
		else if (p[n] == ')')
			depth--;
		if (p[n] == '\0')
			return 0;
		n++;
	} while (depth > 0);
	return n;
}

static size_t
literal(const char *p)
{
	size_t n = 1;

	while (p[n] > ' ' && strchr("[]\\<>()\"", p[n]) == NULL)
		n++;
	return p[n] == ']' ? n + 1 : 0;
}

static size_t
word(const char *p)
{
	if (*p == '"')
		return syntax_quoted(p, false);
	return *p == '[' ? literal(p) : syntax_atom(p);
}

static bool
take_bracket(struct squeeze *s)
{
	if (*s->p == '<' && (s->len > 0 || s->closed > 0))
		return false;
	if (*s->p == '<')
		s->opened++;
	else
		s->closed++;
	s->p++;
	return true;
}

/* A word, or one of the characters that stand between words. */
static bool
take_token(struct squeeze *s)
{
	bool between = strchr(".@:,", *s->p) != NULL;
	size_t n = between ? 1 : word(s->p);

	if (n == 0 || s->closed > 0 || (s->word && !between))
		return false;
	memcpy(s->out + s->len, s->p, n);
	s->len += n;
	s->p += n;
	s->word = !between;
	return true;
}

static bool
take_comment(struct squeeze *s)
{
	size_t n = comment(s->p);

	s->p += n;
	return n > 0;
}

static bool
squeeze(struct squeeze *s)
{
	while (*s->p != '\0') {
		bool ok = true;

		if (*s->p == ' ')
			s->p++;
		else if (*s->p == '(')
			ok = take_comment(s);
		else if (*s->p == '<' || *s->p == '>')
			ok = take_bracket(s);
		else
			ok = take_token(s);
		if (!ok)
			return false;
	}
	return s->opened == s->closed;
}

/* Words and dots, in any order: "a..b" is a mailbox somewhere. */
static size_t
local_part(const char *p)
{
	size_t n = 0, len = 1;

	while (len > 0) {
		len = p[n] == '.' ? 1 : p[n] == '[' ? 0 : word(p + n);
		n += len;
	}
	return n;
}

/* One dot at the end is none of the name's; what two are, nobody can tell. */
static size_t
domain_part(const char *p)
{
	size_t n = 0, len = strlen(p);

	if (*p == '[')
		return literal(p);
	if (strspn(p, ".") == len || (len > 1 && strcmp(p + len - 2, "..") == 0))
		return 0;
	while (p[n] == '.' || syntax_atom(p + n) > 0)
		n += p[n] == '.' ? 1 : syntax_atom(p + n);
	return n;
}

/* "a%b", "b!a" and, as Postfix drops the quotes, even "\"a@b\"" alone are a@b for some MTAs. */
static bool
routed(const char *local)
{
	return strpbrk(local, "@%!") != NULL;
}

static bool
split(struct loose *l)
{
	const char *rest;

	l->local_len = local_part(l->path);
	rest = l->path + l->local_len;
	if (l->local_len == 0)
		return false;
	if (*rest == '\0')
		return !routed(l->path);
	if (*rest != '@')
		return false;
	l->domain = rest + 1;
	rest += 1 + domain_part(rest + 1);
	return rest > l->domain && *rest == '\0';
}

bool
loose_parse(struct loose *l, struct arena *arena, const char *text)
{
	struct squeeze s = {.p = text, .out = arena_alloc(arena, strlen(text) + 1)};

	*l = (struct loose){.path = s.out};
	if (!squeeze(&s))
		return false;
	if (s.len == 0)
		return s.opened > 0;
	l->path = syntax_route(s.out);
	return l->path != NULL && split(l);
}
