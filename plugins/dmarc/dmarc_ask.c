/* SPDX-License-Identifier: MIT */
/*
 * dmarc_ask.c - a check asks through the session
 */
#include "dmarc.h"

static const struct cm_dns_answer *
lookup(void *s, const char *name, enum cm_dns_type type)
{
	return cm_dns(s, name, type);
}

void
dmarc_ask(struct cm_session *s, struct dmarc_query *q, struct dmarc_dns *dns, const char *author)
{
	const struct dmarc_config *c = cm_config(s);

	*dns = (struct dmarc_dns){s, lookup};
	*q = (struct dmarc_query){.author = author,
		.method = (enum dmarc_method)c->org_domain,
		.psl = c->psl,
		.dns = dns};
}

void
dmarc_begin(struct cm_session *s, const char *name)
{
	const struct dmarc_config *c = cm_config(s);
	char question[DMARC_QUESTION_SIZE];
	struct dmarc_walk w;

	if (c->org_domain == DMARC_BY_PSL)
		dmarc_walk_begin_listed(&w, name, dmarc_psl_org(c->psl, name));
	else
		dmarc_walk_begin(&w, name);
	for (size_t i = 0; i < w.count; i++) {
		dmarc_walk_question(&w, i, question);
		cm_dns_begin(s, question, CM_DNS_TXT);
	}
}
