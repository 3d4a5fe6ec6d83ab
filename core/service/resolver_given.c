/* SPDX-License-Identifier: MIT */
/*
 * resolver_given.c - questions that were answered before
 *
 * For sessions that are played again: each has answers of its own, so nothing is kept from one to
 * the next, whatever its TTL says.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "resolver_backend.h"
#include "resolver_name.h"

struct given {
	resolver_answers *answers;
	void *context;
};

static void
add_record(struct draft *d, enum cm_dns_type type, const struct cm_dns_record *r)
{
	switch (type) {
	case CM_DNS_A:
	case CM_DNS_AAAA:
		if (r->address != NULL)
			draft_add_data(d, type, r->address, type == CM_DNS_A ? 4 : 16);
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

/* Where the records stand must be a name like any other. */
static const char *
canonical(const char *text, char out[RESOLVER_NAME_SIZE])
{
	size_t len;

	return text != NULL && resolver_name(text, out, &len) ? out : "";
}

static void
ask(void *self, struct question *q)
{
	const struct given *g = self;
	char name[RESOLVER_NAME_SIZE];
	struct cm_dns_answer a = {.status = CM_DNS_SERVFAIL, .name = question_name(q)};
	struct draft d;

	if (!g->answers(g->context, question_name(q), question_type(q), &a))
		a = (struct cm_dns_answer){.status = CM_DNS_SERVFAIL, .name = question_name(q)};
	if (a.status != CM_DNS_FOUND) {
		question_answer(q, answer_new(a.status, canonical(a.name, name), a.ttl));
		return;
	}
	draft_init(&d);
	for (size_t i = 0; i < a.count; i++)
		add_record(&d, question_type(q), &a.records[i]);
	question_answer(q, draft_finish(&d, canonical(a.name, name), a.ttl, a.secure));
}

static bool
close_given(void *self)
{
	free(self);
	return true;
}

const struct resolver_backend resolver_given = {.ask = ask, .close = close_given};

void *
resolver_given_open(resolver_answers *answers, void *context)
{
	struct given *g = mem_zalloc(1, sizeof(*g));

	*g = (struct given){answers, context};
	return g;
}
