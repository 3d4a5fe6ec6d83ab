/* SPDX-License-Identifier: MIT */
/*
 * resolver_zone.c - questions that a zone file answers
 *
 * Wildcards and empty names as in RFC 4592: what stands between two names of the file exists, and a
 * wildcard counts for what is below the nearest name that exists.
 */
#include "resolver_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "resolver_backend.h"
#include "resolver_name.h"

#define ARENA_SIZE   4096
#define CHAIN_MOST   16 /* CNAMEs */
#define NEGATIVE_TTL 300u

/* The name above; "" above those of the top; NULL above that. */
static const char *
parent_of(const char *name)
{
	const char *dot = strchr(name, '.');

	if (name[0] == '\0')
		return NULL;
	return dot == NULL ? "" : dot + 1;
}

static struct zone_name *
get_name(struct zone *z, const char *text)
{
	struct zone_name *name = table_get(&z->names, text);

	if (name != NULL)
		return name;
	name = arena_alloc(&z->arena, sizeof(*name));
	name->last = &name->records;
	table_add(&z->names, arena_strdup(&z->arena, text), name);
	return name;
}

struct zone_name *
zone_add_name(struct zone *z, const char *text)
{
	for (const char *above = parent_of(text); above != NULL; above = parent_of(above))
		get_name(z, above);
	return get_name(z, text);
}

static const struct zone_name *
find_name(const struct zone *z, const char *text)
{
	const struct zone_name *name = table_get(&z->names, text);
	char wild[RESOLVER_NAME_SIZE + 2];
	const char *above = parent_of(text);

	if (name != NULL)
		return name;
	while (above != NULL && table_get(&z->names, above) == NULL)
		above = parent_of(above);
	if (above == NULL)
		return NULL;
	snprintf(wild, sizeof(wild), "*%s%s", above[0] == '\0' ? "" : ".", above);
	return table_get(&z->names, wild);
}

static const struct zone_record *
find_record(const struct zone_name *name, enum cm_dns_type type)
{
	const struct zone_record *r = name->records;

	while (r != NULL && r->type != type)
		r = r->next;
	return r;
}

/* A line that says how questions for CNAME fail leads nowhere. */
static const struct zone_record *
find_alias(const struct zone_name *name)
{
	const struct zone_record *r = find_record(name, CM_DNS_CNAME);

	return r == NULL || r->fails != CM_DNS_FOUND ? NULL : r;
}

static void
add_record(struct draft *d, const struct zone_record *r)
{
	switch (r->type) {
	case CM_DNS_A:
	case CM_DNS_AAAA:
		draft_add_data(d, r->type, (const unsigned char *)r->text, r->len);
		break;
	case CM_DNS_TXT:
		draft_add_text(d, r->text, r->len);
		break;
	case CM_DNS_CNAME:
	case CM_DNS_MX:
	case CM_DNS_NS:
	case CM_DNS_PTR:
		draft_add_name(d, r->preference, r->text);
		break;
	}
}

/* ttl: of the aliases that lead here. */
static struct answer *
answer_records(const struct zone_record *r, const char *name, uint32_t ttl)
{
	enum cm_dns_type type = r->type;
	struct draft d;

	draft_init(&d);
	for (; r != NULL; r = r->next) {
		if (r->type == type && r->fails == CM_DNS_FOUND)
			add_record(&d, r);
		ttl = r->type == type && r->ttl < ttl ? r->ttl : ttl;
	}
	return draft_finish(&d, name, ttl, false);
}

static struct answer *
answer_failure(enum cm_dns_status status, const char *name, uint32_t ttl)
{
	bool kept = status == CM_DNS_NO_NAME || status == CM_DNS_NO_DATA;

	return answer_new(status, name, !kept ? 0 : ttl < NEGATIVE_TTL ? ttl : NEGATIVE_TTL);
}

static struct answer *
answer_to(const struct zone *z, const char *text, enum cm_dns_type type)
{
	uint32_t ttl = UINT32_MAX;

	for (int links = 0; links <= CHAIN_MOST; links++) {
		const struct zone_name *name = find_name(z, text);
		const struct zone_record *r = name == NULL ? NULL : find_record(name, type);
		const struct zone_record *alias = name == NULL ? NULL : find_alias(name);

		if (name == NULL)
			return answer_failure(CM_DNS_NO_NAME, text, ttl);
		if (r != NULL)
			return r->fails == CM_DNS_FOUND ? answer_records(r, text, ttl)
							: answer_failure(r->fails, text, ttl);
		if (name->fails != CM_DNS_FOUND)
			return answer_failure(name->fails, text, ttl);
		if (alias == NULL)
			return answer_failure(CM_DNS_NO_DATA, text, ttl);
		ttl = alias->ttl < ttl ? alias->ttl : ttl;
		text = alias->text;
	}
	return answer_failure(CM_DNS_SERVFAIL, text, 0);
}

/* Nothing in the file says anything of the question, nor of where its aliases lead. */
static bool
unanswered(const struct zone *z, const char *text, enum cm_dns_type type)
{
	for (int links = 0; links <= CHAIN_MOST; links++) {
		const struct zone_name *name = find_name(z, text);
		const struct zone_record *alias = name == NULL ? NULL : find_alias(name);

		if (name != NULL &&
			(find_record(name, type) != NULL || name->fails != CM_DNS_FOUND))
			return false;
		if (alias == NULL)
			return true;
		text = alias->text;
	}
	return false;
}

static void
ask(void *self, struct question *q)
{
	const struct zone *z = self;
	const char *name = question_name(q);
	enum cm_dns_type type = question_type(q);

	if (z->missed != NULL && unanswered(z, name, type)) {
		z->missed(z->context, name, type);
		question_answer(q, answer_failure(CM_DNS_SERVFAIL, name, 0));
		return;
	}
	question_answer(q, answer_to(z, name, type));
}

static bool
close_zone(void *self)
{
	struct zone *z = self;

	table_fini(&z->names);
	arena_fini(&z->arena);
	free(z);
	return true;
}

const struct resolver_backend resolver_zone = {.ask = ask, .close = close_zone};

static struct zone *
new_zone(void)
{
	struct zone *z = mem_zalloc(1, sizeof(*z));

	arena_init(&z->arena, ARENA_SIZE);
	table_init(&z->names);
	return z;
}

void *
resolver_zone_open(const char *path, struct diag *diag)
{
	struct zone *z = new_zone();

	if (zone_read(z, path, diag))
		return z;
	close_zone(z);
	return NULL;
}

void *
resolver_zone_parse(const char *name, const char *text, size_t len, resolver_missed *missed,
	void *context, struct diag *diag)
{
	struct zone *z = new_zone();

	z->missed = missed;
	z->context = context;
	if (zone_read_text(z, name, text, len, diag))
		return z;
	close_zone(z);
	return NULL;
}
