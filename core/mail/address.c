/* SPDX-License-Identifier: MIT */
/*
 * address.c - addresses of the envelope
 *
 * An odd spelling becomes the mailbox that an MTA makes of it. What is no address is taken apart as
 * well as can be, so that a map can still name it, and says so.
 */
#include "address.h"

#include <string.h>

#include "address_loose.h"
#include "address_syntax.h"
#include "base/arena.h"
#include "base/text.h"

/* Of a longer text only this much is kept; no address is that long. */
#define TEXT_MOST 1024u

/* "local@domain" and nothing behind it; also "postmaster" (RFC 5321 section 4.1.1.3). */
static bool
parse_mailbox(struct cm_address *a, struct arena *arena, const char *text)
{
	const char *local = syntax_route(text);
	size_t local_len, domain_len;

	if (local == NULL)
		return false;
	local_len = *local == '"' ? syntax_quoted(local, false) : syntax_dot_atom(local);
	if (local_len == 0)
		return false;
	if (local[local_len] == '\0' && text_equal_nocase(local, "postmaster")) {
		syntax_fill(a, arena, local, local_len, "", 0);
		return true;
	}
	if (local[local_len] != '@')
		return false;
	domain_len = syntax_domain(local + local_len + 1);
	if (domain_len == 0 || local[local_len + 1 + domain_len] != '\0')
		return false;
	syntax_fill(a, arena, local, local_len, local + local_len + 1, domain_len);
	return a->valid;
}

/* What looks like user and domain, for maps and logs. */
static void
guess(struct cm_address *a, struct arena *arena, const char *text)
{
	const char *at = strrchr(text, '@');
	size_t user = at == NULL ? strlen(text) : (size_t)(at - text);
	char *domain = arena_strdup(arena, at == NULL ? "" : at + 1);

	text_lower_all(domain);
	a->user = arena_strndup(arena, text, user);
	a->domain = domain;
	a->addr = at == NULL ? a->user : arena_join(arena, a->user, "@", domain, NULL);
	a->unclear = true;
}

/* An odd spelling; false: nobody knows of what. */
static bool
normalise(struct cm_address *a, struct arena *arena, const char *text)
{
	struct loose l;

	if (!loose_parse(&l, arena, text))
		return false;
	a->null = l.path[0] == '\0';
	if (!a->null)
		syntax_fill(a, arena, l.path, l.local_len, l.domain == NULL ? "" : l.domain,
			l.domain == NULL ? 0 : strlen(l.domain));
	a->valid = false;
	return true;
}

/* What stands between the brackets; NULL when only one of the two is there. */
static const char *
strip_brackets(struct arena *arena, const char *text)
{
	size_t len = strlen(text);

	if (text[0] != '<')
		return len > 0 && text[len - 1] == '>' ? NULL : text;
	return text[len - 1] == '>' && len > 1 ? arena_strndup(arena, text + 1, len - 2) : NULL;
}

void
address_parse_path(struct cm_address *a, struct arena *arena, const char *text)
{
	size_t len = strnlen(text, TEXT_MOST + 1);
	char *kept = arena_strndup(arena, text, len > TEXT_MOST ? TEXT_MOST : len);
	const char *inner;
	bool kept_whole;

	*a = (struct cm_address){.text = kept, .addr = "", .user = "", .domain = ""};
	/* Rules put addresses into replies, where a line break would begin a line. */
	text_clean(kept);
	/* What was cut or cleaned was no address, whatever it looks like now. */
	kept_whole = strcmp(kept, text) == 0 && !syntax_c1(kept);
	inner = strip_brackets(arena, kept);
	if (strcmp(a->text, "<>") == 0) {
		a->null = a->valid = true;
		return;
	}
	if (kept_whole && inner != NULL && syntax_text(kept, len) && parse_mailbox(a, arena, inner))
		return;
	if (!kept_whole || !normalise(a, arena, kept))
		guess(a, arena, inner == NULL ? a->text : inner);
}

const char *
address_spelling(struct arena *arena, const struct cm_address *a)
{
	const char *inner;
	struct loose l;

	if (!a->unclear && loose_parse(&l, arena, a->text))
		return l.path;
	inner = strip_brackets(arena, a->text);
	return inner == NULL ? a->text : inner;
}

bool
address_same(const struct cm_address *a, const struct cm_address *b)
{
	if (a->null || b->null)
		return a->null && b->null;
	return strcmp(a->user, b->user) == 0 && text_equal_nocase(a->domain, b->domain);
}
