/* SPDX-License-Identifier: MIT */
/*
 * dmarc_check.c - alignment and policy (RFC 9989 sections 4.10.1, 4.10.2, 5.3)
 *
 * Temporary failures of DNS never make a message pass or fail: they are temporary errors wherever
 * another answer could have decided otherwise.
 */
#include "dmarc_check.h"

#include <stdio.h>
#include <string.h>

const char *const dmarc_code_names[DMARC_CODES] = {
	"none", "pass", "fail", "temperror", "permerror"};

/* One check while it runs. */
struct check {
	const struct dmarc_query *q;
	struct dmarc_result *r;
	const char *org;      /* of the author domain; NULL: DNS failed */
	struct dmarc_walk at; /* of an identifier */
};

static const char *
status_words(enum cm_dns_status status)
{
	switch (status) {
	case CM_DNS_TIMEOUT:
		return "nobody answered in time";
	case CM_DNS_REFUSED:
		return "the server does not answer us";
	case CM_DNS_BOGUS:
		return "DNSSEC says that the answer is forged";
	case CM_DNS_CANCELLED:
		return "nobody waits for the answer any more";
	case CM_DNS_FOUND:
	case CM_DNS_NO_DATA:
	case CM_DNS_NO_NAME:
	case CM_DNS_SERVFAIL:
	case CM_DNS_BAD_NAME:
		break;
	}
	return "the servers failed";
}

/* --- asking --- */

void
dmarc_check_walk(const struct dmarc_query *q, struct dmarc_walk *w, const char *name)
{
	char question[DMARC_QUESTION_SIZE];
	size_t i;

	if (q->method == DMARC_BY_PSL)
		dmarc_walk_begin_listed(w, name, dmarc_psl_org(q->psl, name));
	else
		dmarc_walk_begin(w, name);
	while (dmarc_walk_next(w, &i)) {
		dmarc_walk_question(w, i, question);
		dmarc_walk_answer(w, q->dns->lookup(q->dns->context, question, CM_DNS_TXT));
	}
}

const char *
dmarc_check_org(const struct dmarc_query *q, struct dmarc_walk *w, const char *name)
{
	/* A list names it without a question. */
	if (q->method == DMARC_BY_PSL) {
		dmarc_walk_begin_listed(w, name, dmarc_psl_org(q->psl, name));
		return dmarc_walk_org(w);
	}
	dmarc_check_walk(q, w, name);
	return w->failed ? NULL : dmarc_walk_org(w);
}

static void
fault(struct dmarc_result *r, const struct dmarc_walk *w)
{
	if (r->problem != NULL)
		return;
	r->problem = status_words(w->status);
	dmarc_walk_question(w, w->at, r->problem_name);
}

/* --- alignment (section 4.10.2) --- */

/* It was looked at already when id is: those that pass come first, each in its turn. */
static bool
is_before(const struct dmarc_identifier *i, const struct dmarc_identifier *id)
{
	return i->pass == id->pass ? i < id : i->pass;
}

/* What was looked at for the same domain; NULL: it is the first. */
static const struct dmarc_identifier *
seen_before(const struct dmarc_query *q, const struct dmarc_identifier *id)
{
	for (const struct dmarc_identifier *i = q->ids; i < q->ids + q->id_count; i++) {
		if (is_before(i, id) && i->dkim == id->dkim && strcmp(i->domain, id->domain) == 0)
			return i;
	}
	return NULL;
}

/*
 * The list as a fall-back: nobody has published anything for the identifier, and no psd tag says
 * where the author's organization ends.
 */
static bool
listed_together(const struct check *c, const char *domain)
{
	const char *org = dmarc_psl_org(c->q->psl, c->q->author);

	return dmarc_walk_empty(&c->at) && !dmarc_walk_told(&c->r->walk) &&
	       strcmp(dmarc_psl_org(c->q->psl, domain), org) == 0;
}

/* An organization is at or above each of its names; so who is not below it needs no walk. */
static bool
worth_a_walk(const struct check *c, const char *domain)
{
	if (c->org == NULL || dmarc_name_within(domain, c->org))
		return true;
	return c->q->method == DMARC_BY_BOTH &&
	       dmarc_name_within(domain, dmarc_psl_org(c->q->psl, c->q->author));
}

static enum dmarc_aligned
align_relaxed(struct check *c, const char *domain)
{
	const char *org;

	/* Wherever the author's organization ends, it is above what the two have in common. */
	if (strcmp(dmarc_name_last(domain, 1), dmarc_name_last(c->q->author, 1)) != 0 ||
		!worth_a_walk(c, domain))
		return DMARC_NOT_ALIGNED;
	if (c->org == NULL) {
		fault(c->r, &c->r->walk);
		return DMARC_ALIGNED_UNKNOWN;
	}
	if (c->r->walks == DMARC_WALKS_MOST)
		return DMARC_NOT_ALIGNED;
	c->r->walks++;
	org = dmarc_check_org(c->q, &c->at, domain);
	if (org == NULL) {
		fault(c->r, &c->at);
		return DMARC_ALIGNED_UNKNOWN;
	}
	if (strcmp(org, c->org) == 0)
		return DMARC_ALIGNED;
	if (c->q->method != DMARC_BY_BOTH || !listed_together(c, domain))
		return DMARC_NOT_ALIGNED;
	c->r->by_list = true;
	return DMARC_ALIGNED;
}

static enum dmarc_aligned
align(struct check *c, const struct dmarc_identifier *id)
{
	const struct dmarc_record *record = &c->r->step->record;
	const struct dmarc_identifier *before = seen_before(c->q, id);

	if (strcmp(id->domain, c->q->author) == 0)
		return DMARC_ALIGNED;
	if (id->dkim ? record->strict_dkim : record->strict_spf)
		return DMARC_NOT_ALIGNED;
	return before != NULL ? before->aligned : align_relaxed(c, id->domain);
}

/* Those that pass first: the number of walks is bounded. */
static void
align_all(struct check *c, bool pass)
{
	for (size_t i = 0; i < c->q->id_count; i++) {
		struct dmarc_identifier *id = &c->q->ids[i];

		if (id->pass != pass)
			continue;
		id->aligned = align(c, id);
		c->r->spf_aligned |= pass && !id->dkim && id->aligned == DMARC_ALIGNED;
		c->r->dkim_aligned |= pass && id->dkim && id->aligned == DMARC_ALIGNED;
	}
}

/* Somebody might vouch for the author after all. */
static bool
undecided(const struct dmarc_query *q)
{
	for (size_t i = 0; i < q->id_count; i++) {
		if (q->ids[i].aligned == DMARC_ALIGNED_UNKNOWN ||
			(!q->ids[i].pass && q->ids[i].aligned == DMARC_ALIGNED))
			return true;
	}
	return false;
}

static enum dmarc_code
judge(struct check *c)
{
	align_all(c, true);
	if (c->r->spf_aligned || c->r->dkim_aligned)
		return DMARC_CODE_PASS;
	align_all(c, false);
	if (!undecided(c->q))
		return DMARC_CODE_FAIL;
	if (c->r->problem == NULL)
		c->r->problem = "SPF or DKIM could not be checked now";
	return DMARC_CODE_TEMPERROR;
}

/* --- policy (section 4.10.1) --- */

/* What is behind an alias may not exist, and the name does. False: nobody can tell. */
static bool
exists(struct check *c, bool *there)
{
	const struct cm_dns_answer *a =
		c->q->dns->lookup(c->q->dns->context, c->q->author, CM_DNS_A);
	enum cm_dns_status status = a->status;

	*there = status != CM_DNS_NO_NAME || strcmp(a->name, c->q->author) != 0;
	if (status == CM_DNS_FOUND || status == CM_DNS_NO_DATA || status == CM_DNS_NO_NAME ||
		status == CM_DNS_BAD_NAME)
		return true;
	c->r->problem = status_words(status);
	snprintf(c->r->problem_name, sizeof(c->r->problem_name), "%s", c->q->author);
	return false;
}

static void
choose(struct dmarc_result *r, const char *tag, enum dmarc_request request)
{
	r->tag = tag;
	r->published = request == DMARC_REQUESTS ? DMARC_NONE : request;
	r->wanted = r->published;
	if (r->step->record.testing && r->wanted > DMARC_NONE)
		r->wanted--;
}

/* Whether the author domain exists matters only for mail that fails, and where np says otherwise.
 */
static void
find_request(struct check *c)
{
	struct dmarc_result *r = c->r;
	const struct dmarc_record *record = &r->step->record;
	bool own = r->step->name == r->walk.start, there = true;

	if (record->bad_request) {
		choose(r, "p", DMARC_NONE);
		return;
	}
	if (own || record->sp == DMARC_REQUESTS)
		choose(r, "p", record->p);
	else
		choose(r, "sp", record->sp);
	if (own || r->code != DMARC_CODE_FAIL || record->np == DMARC_REQUESTS ||
		record->np == r->published)
		return;
	if (!exists(c, &there))
		r->code = DMARC_CODE_TEMPERROR;
	else if (!there)
		choose(r, "np", record->np);
}

/* --- all --- */

/* False: DMARC has nothing to say, or cannot. */
static bool
find_record(struct dmarc_result *r)
{
	r->step = dmarc_walk_policy(&r->walk);
	if (r->step == NULL && r->walk.failed) {
		r->code = DMARC_CODE_TEMPERROR;
		fault(r, &r->walk);
		return false;
	}
	if (r->step != NULL && (!r->step->record.bad_request || r->step->record.rua.len > 0))
		return true;
	r->problem = r->step == NULL
			     ? "no DMARC record"
			     : "its p, sp or np says nothing that is known, and there is no "
			       "rua";
	r->step = NULL;
	return false;
}

void
dmarc_check(const struct dmarc_query *q, struct dmarc_result *r)
{
	struct check c = {.q = q, .r = r};

	*r = (struct dmarc_result){.code = DMARC_CODE_NONE, .tag = "p"};
	for (size_t i = 0; i < q->id_count; i++)
		q->ids[i].aligned = DMARC_NOT_ALIGNED;
	dmarc_check_walk(q, &r->walk, q->author);
	if (!find_record(r))
		return;
	c.org = r->walk.failed && r->walk.listed == NULL ? NULL : dmarc_walk_org(&r->walk);
	r->code = judge(&c);
	find_request(&c);
}
