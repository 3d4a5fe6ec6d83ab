/* SPDX-License-Identifier: MIT */
/*
 * arc_trust.c - what a sealer whom we trust found out when the message came to it
 *
 * What it wrote is sealed, so it is its own; that does not make it well formed.
 */
#include "arc_trust.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../lib/authres.h"
#include "../lib/taglist.h"

/* --- reading --- */

/* A place in the text, NULL once it makes no sense any more. */
static const char *
skip(const char *p)
{
	return p == NULL ? NULL : authres_skip_cfws(p);
}

static const char *
skip_quoted(const char *p)
{
	for (p++; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (*p == '\0')
			return NULL;
	}
	return p + 1;
}

/* Letters alone, in lower case; "": it is no result. */
static void
copy_word(char out[ARC_WORD_SIZE], const char *text, size_t len)
{
	out[0] = '\0';
	for (size_t i = 0; i < len; i++) {
		char c = (char)(text[i] | 0x20);

		if (len >= ARC_WORD_SIZE || c < 'a' || c > 'z') {
			out[0] = '\0';
			return;
		}
		out[i] = c;
		out[i + 1] = '\0';
	}
}

/* The domain behind an "@", or all. What is none must not be taken for nothing said. */
static void
copy_domain(char out[DKIM_SIG_DOMAIN_SIZE], const char *p)
{
	bool quoted = *p == '"';
	const char *text = p + quoted;
	size_t len = strcspn(text, quoted ? "\"" : " \t\r\n;(\"");
	const char *at = memrchr(text, '@', len);

	if (at != NULL) {
		len -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	if (!dkim_name_read(out, text, len, 1))
		snprintf(out, DKIM_SIG_DOMAIN_SIZE, "%s", ARC_UNREADABLE);
}

/* One resinfo (RFC 8601 section 2.2). */
struct entry {
	const char *method;
	size_t method_len;
	char result[ARC_WORD_SIZE];
	char from[DKIM_SIG_DOMAIN_SIZE];
};

/* Properties up to the next ";" or the end, or NULL. */
static const char *
read_properties(struct entry *e, const char *p)
{
	while ((p = skip(p)) != NULL && *p != ';' && *p != '\0') {
		size_t len = authres_token_length(p);
		bool from = taglist_is(p, len, "header.from");

		if (*p == '"') {
			p = skip_quoted(p);
			continue;
		}
		p = len == 0 ? p + 1 : skip(p + len);
		if (from && p != NULL && *p == '=' && (p = skip(p + 1)) != NULL)
			copy_domain(e->from, p);
	}
	return p;
}

/* From behind a ";" on. */
static const char *
read_entry(struct entry *e, const char *p)
{
	size_t len;

	*e = (struct entry){0};
	p = skip(p);
	if (p == NULL)
		return NULL;
	e->method = p;
	e->method_len = authres_token_length(p);
	p = skip(p + e->method_len);
	if (p != NULL && *p == '/') {
		p = skip(p + 1);
		p = p == NULL ? NULL : skip(p + authres_token_length(p));
	}
	if (p == NULL || *p != '=' || (p = skip(p + 1)) == NULL)
		return read_properties(e, p);
	len = authres_token_length(p);
	copy_word(e->result, p, len);
	return read_properties(e, p + len);
}

/* Of two results of a method the one that counts: all must pass, or one. */
static void
settle(char kept[ARC_WORD_SIZE], const char result[ARC_WORD_SIZE], bool one)
{
	bool pass = strcmp(result, "pass") == 0;

	if (result[0] != '\0' && (kept[0] == '\0' || (one ? pass : !pass)))
		memcpy(kept, result, ARC_WORD_SIZE);
}

/* Passes of different authors are one of none: which the message has now they do not say. */
static void
take_dmarc(struct arc_recorded *r, const struct entry *e)
{
	static const char several[ARC_WORD_SIZE] = "permerror";
	bool first = r->dmarc[0] == '\0', same = strcmp(r->dmarc_from, e->from) == 0;

	settle(r->dmarc, e->result, false);
	if (first)
		memcpy(r->dmarc_from, e->from, sizeof(r->dmarc_from));
	if (first || same)
		return;
	r->dmarc_from[0] = '\0';
	if (strcmp(r->dmarc, "pass") == 0)
		settle(r->dmarc, several, false);
}

static void
take(struct arc_recorded *r, const struct entry *e)
{
	if (taglist_is(e->method, e->method_len, "dkim"))
		settle(r->dkim, e->result, true);
	if (taglist_is(e->method, e->method_len, "spf"))
		settle(r->spf, e->result, false);
	if (taglist_is(e->method, e->method_len, "dmarc"))
		take_dmarc(r, e);
}

void
arc_recorded_read(struct arc_recorded *r, const char *value)
{
	unsigned instance;
	const char *p = arc_results_payload(value, &instance);
	struct entry e;

	*r = (struct arc_recorded){0};
	/* authserv-id and version look like a result without its "=". */
	p = p == NULL ? NULL : read_properties(&e, p);
	while (p != NULL && *p == ';') {
		p = read_entry(&e, p + 1);
		if (p != NULL)
			take(r, &e);
	}
}

/* --- whose word counts --- */

void
arc_trust_find(struct arc_trust *t, const struct arc_chain *chain, const struct arc_result *result,
	bool (*trusted)(void *context, const char *domain), void *context)
{
	bool strangers = false;

	*t = (struct arc_trust){0};
	if (result->status != ARC_PASS)
		return;
	for (unsigned i = chain->newest; i > 0; i--) {
		const struct arc_set *set = &chain->sets[i - 1];
		struct arc_recorded recorded;

		if (strangers && i < result->oldest_pass)
			return;
		if (!trusted(context, set->seal->domain)) {
			strangers = true;
			continue;
		}
		arc_recorded_read(&recorded, set->fields[ARC_RESULTS]->value);
		if (t->instance == 0 || strcmp(recorded.dmarc, "pass") == 0)
			*t = (struct arc_trust){i, recorded};
		if (strcmp(recorded.dmarc, "pass") == 0)
			return;
	}
}
