/* SPDX-License-Identifier: MIT */
/*
 * fuzz_spf.c - an SPF check in a world that the input makes up
 *
 * Lines of the input: the HELO name, the sender, the record of the sender's domain, and then
 * answers. Which of them a question gets depends on its name and type alone, so a second check asks
 * the same and must come to the same. Whatever was published, the check stays within its limits,
 * says nothing that is not printable, and libspf2 sees only texts that were made for it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/spf/spf_alias.h"
#include "../../plugins/spf/spf_check.h"
#include "../../plugins/spf/spf_state.h"

#define LINES	16
#define RECORDS 16
#define ANSWERS 64
/* The domain whose record is the third line. */
#define TOP "v"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct line {
	const char *text;
	size_t len;
};

struct reply {
	struct cm_dns_answer answer;
	struct cm_dns_record records[RECORDS];
	char names[RECORDS][16];
};

struct world {
	struct line lines[LINES];
	size_t count;
	const char *top; /* the sender's domain */
	struct reply *replies;
	unsigned asked, begun;
};

/* The client's, and another. */
static const unsigned char four[2][4] = {{192, 0, 2, 10}, {192, 0, 2, 99}};
static const unsigned char six[2][16] = {
	{0x20, 1, 0x0d, 0xb8, [15] = 16}, {0x20, 1, 0x0d, 0xb8, [15] = 17}};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
split(struct world *w, const char *text, size_t len)
{
	for (const char *end = text + len; w->count < LINES; text++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		w->lines[w->count++] =
			(struct line){text, (size_t)((newline == NULL ? end : newline) - text)};
		if (newline == NULL)
			return;
		text = newline;
	}
}

static size_t
hash(const char *name, enum cm_dns_type type)
{
	size_t h = 5381 + (size_t)type;

	for (; *name != '\0'; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

static const struct line *
answer_line(const struct world *w, const char *name, enum cm_dns_type type)
{
	if (type == CM_DNS_TXT && strcmp(name, w->top) == 0 && w->count > 2)
		return &w->lines[2];
	return w->count > 3 ? &w->lines[3 + hash(name, type) % (w->count - 3)] : NULL;
}

/* Addresses of which one may be the client's; names of which some repeat. */
static void
fill(struct reply *r, enum cm_dns_type type, const struct line *line)
{
	r->answer.count = (size_t)(unsigned char)line->text[0] % RECORDS;
	for (size_t i = 0; i < r->answer.count; i++) {
		struct cm_dns_record *record = &r->records[i];
		unsigned char c = (unsigned char)line->text[(i + 1) % line->len];

		if (c % 7 != 0)
			snprintf(r->names[i], sizeof(r->names[i]), "h%u." TOP, c % 20u);
		record->text = r->names[i];
		record->len = strlen(record->text);
		if (type == CM_DNS_A)
			record->address = four[c % 2];
		if (type == CM_DNS_AAAA)
			record->address = six[c % 2];
	}
	if (r->answer.count == 0)
		r->answer.status = CM_DNS_NO_DATA;
}

static const struct cm_dns_answer *
lookup(void *ctx, const char *name, enum cm_dns_type type)
{
	struct world *w = ctx;
	const struct line *line = answer_line(w, name, type);
	struct reply *r = &w->replies[w->asked++];

	must(w->asked < ANSWERS && strlen(name) < SPF_ASKED_SIZE);
	*r = (struct reply){.answer = {.status = CM_DNS_FOUND, .name = name}};
	r->answer.records = r->records;
	if (line == NULL)
		r->answer.status = CM_DNS_NO_NAME;
	else if (line->len > 0 && line->text[0] < 8 && line->text[0] >= 0)
		r->answer.status = (enum cm_dns_status)line->text[0];
	else if (type == CM_DNS_TXT)
		r->records[r->answer.count++] =
			(struct cm_dns_record){.text = line->text, .len = line->len};
	else if (line->len > 0)
		fill(r, type, line);
	else
		r->answer.status = CM_DNS_NO_DATA;
	if (r->answer.status == CM_DNS_FOUND && r->answer.count == 0)
		r->answer.status = CM_DNS_NO_NAME;
	return &r->answer;
}

static void
begin(void *ctx, const char *name, enum cm_dns_type type)
{
	struct world *w = ctx;

	(void)name;
	(void)type;
	w->begun++;
}

static void
must_be_plain(const char *text)
{
	for (; *text != '\0'; text++)
		must(*text >= 0x20 && *text < 0x7f);
}

static void
check(const struct spf_query *query, struct world *w, struct spf_result *r)
{
	w->asked = w->begun = 0;
	spf_check(query, r);
	must(r->code < SPF_CODES);
	must(r->lookups <= SPF_MAX_LOOKUPS && r->voids <= SPF_MAX_VOIDS + 1);
	must(r->questions <= SPF_MAX_QUESTIONS && w->asked <= r->questions);
	must(r->code == SPF_FAIL || r->explanation[0] == '\0');
	must((r->problem[0] == '\0') ==
		(r->code != SPF_NONE && r->code != SPF_TEMPERROR && r->code != SPF_PERMERROR));
	/* The library never has a word to say; no name begins so. */
	must(strncmp(r->problem, "libspf2 ", 8) != 0);
	must_be_plain(r->domain);
	must_be_plain(r->record);
	must_be_plain(r->mechanism);
	must_be_plain(r->problem);
	must_be_plain(r->explanation);
}

static void
must_be_harmless(const struct spf_query *query, struct world *w)
{
	char text[SPF_ALIAS_TEXT];
	struct spf_result result;
	struct spf_frame *frame;
	struct spf_state st;

	w->asked = 0;
	if (!spf_state_init(&st, query, &result))
		return;
	frame = spf_enter(&st, query->domain);
	if (frame == NULL)
		return;
	spf_alias_record(&st, frame, text);
	must(strlen(text) < sizeof(text) - 1);
	must(text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789=:./+-?~ ")] == '\0');
}

/* A copy, for the sanitizer sees what is read behind its end. */
static bool
late(void *ctx)
{
	const struct world *w = ctx;

	return w->count % 2 == 0;
}

static char *
string_of(const struct world *w, size_t i)
{
	return i < w->count ? strndup(w->lines[i].text, w->lines[i].len) : strdup("");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reply replies[ANSWERS];
	struct world w = {.replies = replies};
	struct spf_dns dns = {&w, lookup, begin, late};
	struct spf_result first, second;
	struct spf_query query = {.receiver = "mx.example", .now = 1700000000, .dns = &dns};
	char *helo, *sender, *at;

	split(&w, (const char *)data, len);
	helo = string_of(&w, 0);
	sender = string_of(&w, 1);
	at = strrchr(sender, '@');
	if (at != NULL)
		*at = '\0';
	query.helo = helo;
	query.local = sender;
	query.domain = at != NULL && at[1] != '\0' ? at + 1 : "v.v";
	query.ip = len % 2 == 0 ? "192.0.2.10" : "2001:db8::10";
	w.top = query.domain;
	check(&query, &w, &first);
	check(&query, &w, &second);
	must(memcmp(&first, &second, sizeof(first)) == 0);
	must_be_harmless(&query, &w);
	free(helo);
	free(sender);
	return 0;
}
