/* SPDX-License-Identifier: MIT */
/*
 * dmarc_from.c - the author domain of a message
 *
 * The host reads the field strictly. What it cannot read, other programs read each in their own
 * way. If all that could be a domain in it is one domain, then that is the author domain in any
 * reading: many write an address or an odd word as display name without quotes.
 */
#include "dmarc_from.h"

#include <string.h>

/* The domains of a message, of which one is kept. */
struct domains {
	char *first; /* DMARC_NAME_SIZE octets */
	size_t count;
	bool several, literal, wrong;
};

static void
add_domain(struct domains *d, const char *text)
{
	char name[DMARC_NAME_SIZE];

	if (!dmarc_name(name, text)) {
		d->wrong = true;
		return;
	}
	if (d->first[0] == '\0')
		memcpy(d->first, name, sizeof(name));
	else if (strcmp(d->first, name) != 0)
		d->several = true;
	d->count++;
}

static enum dmarc_from
judge(const struct domains *d)
{
	if (d->wrong)
		return DMARC_FROM_BROKEN;
	if (d->count == 0)
		return DMARC_FROM_NONE;
	if (d->several || d->literal)
		return DMARC_FROM_DOMAINS;
	return d->count == 1 ? DMARC_FROM_ONE : DMARC_FROM_ADDRESSES;
}

static enum dmarc_from
of_addresses(const struct cm_from *from, struct domains *d)
{
	for (size_t i = 0; i < from->count; i++) {
		const char *domain = from->items[i].domain;

		if (domain[0] == '[' || domain[0] == '\0')
			d->literal = true;
		else
			add_domain(d, domain);
	}
	return judge(d);
}

/* --- a field that cannot be read --- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_domain_octet(char c)
{
	return (c & 0x80) != 0 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';
}

/*
 * The domain ends at p in any reading. Behind a quote, a comment, a literal or an octet that stands
 * in no domain, some go on and others do not.
 */
static bool
ends_domain(const char *p)
{
	bool quoted = *p == '"';

	if (*p != '\0' && !is_blank(*p) && strchr("<>,;:')]\"", *p) == NULL)
		return false;
	p += quoted;
	while (is_blank(*p))
		p++;
	return quoted ? *p == '<' : *p == '\0' || strchr(".([\"\\@", *p) == NULL;
}

/* What stands behind an "@" at p; some have blanks between. */
static void
scan_domain(struct domains *d, const char *p)
{
	char text[4 * DMARC_NAME_SIZE];
	size_t len = 0;

	while (is_blank(*p))
		p++;
	while (is_domain_octet(p[len]) && len + 1 < sizeof(text))
		len++;
	memcpy(text, p, len);
	text[len] = '\0';
	if (ends_domain(p + len))
		add_domain(d, text);
	else
		d->wrong = true;
}

/* Many addresses in one field that cannot be read are one sender: they have one domain. */
static enum dmarc_from
of_octets(const char *field, struct domains *d)
{
	enum dmarc_from kind;

	for (const char *at = strchr(field, '@'); at != NULL; at = strchr(at + 1, '@'))
		scan_domain(d, at + 1);
	kind = judge(d);
	return kind == DMARC_FROM_DOMAINS     ? DMARC_FROM_BROKEN
	       : kind == DMARC_FROM_ADDRESSES ? DMARC_FROM_ONE
					      : kind;
}

/* --- all --- */

enum dmarc_from
dmarc_from(
	const struct cm_from *from, size_t fields, const char *field, char domain[DMARC_NAME_SIZE])
{
	struct domains d = {.first = domain};
	enum dmarc_from kind = DMARC_FROM_FIELDS;

	domain[0] = '\0';
	if (fields == 0)
		kind = DMARC_FROM_NONE;
	else if (fields == 1)
		kind = from->problem == NULL ? of_addresses(from, &d) : of_octets(field, &d);
	if (kind != DMARC_FROM_ONE && kind != DMARC_FROM_ADDRESSES)
		domain[0] = '\0';
	return kind;
}

const char *
dmarc_from_words(enum dmarc_from kind)
{
	static const char *const words[DMARC_FROMS] = {
		[DMARC_FROM_ADDRESSES] = "has several addresses",
		[DMARC_FROM_DOMAINS] = "has addresses of several domains",
		[DMARC_FROM_NONE] = "has no address with a domain",
		[DMARC_FROM_FIELDS] = "stands there more than once",
		[DMARC_FROM_BROKEN] = "cannot be read",
	};

	return words[kind];
}
