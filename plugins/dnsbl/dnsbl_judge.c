/* SPDX-License-Identifier: MIT */
/*
 * dnsbl_judge.c - what answers mean, one by one and all together
 *
 * Data in, data out: nothing here knows a session. Whatever is not clearly an entry of a list that
 * works is no entry.
 */
#include "dnsbl.h"

#include <string.h>

bool
dnsbl_unanswered(enum dnsbl_outcome o)
{
	return o >= DNSBL_SILENT && o <= DNSBL_LISTS_ALL;
}

static bool
code_fits(const struct dnsbl_codes *c, const unsigned char *octets)
{
	size_t i = 0;

	while (i < 4 && octets[i] >= c->low[i] && octets[i] <= c->high[i])
		i++;
	return i == 4;
}

static enum dnsbl_outcome
judge_record(const unsigned char *octets, const struct dnsbl_rule *rule)
{
	/* Resolvers that block say 127.0.0.1, or where their web page is. */
	if (octets == NULL || octets[0] != 127 || memcmp(octets, "\177\0\0\0", 4) == 0 ||
		memcmp(octets, "\177\0\0\1", 4) == 0)
		return DNSBL_NONSENSE;
	if (octets[1] == 255 && octets[2] == 255)
		return DNSBL_REFUSES;
	if (rule == NULL || rule->code_count == 0)
		return DNSBL_LISTED;
	for (size_t i = 0; i < rule->code_count; i++) {
		if (code_fits(&rule->codes[i], octets))
			return DNSBL_LISTED;
	}
	return DNSBL_CLEAN;
}

static enum dnsbl_outcome
judge_records(const struct cm_dns_answer *answer, const struct dnsbl_rule *rule, const char **code)
{
	enum dnsbl_outcome all = DNSBL_CLEAN;

	for (size_t i = 0; i < answer->count; i++) {
		enum dnsbl_outcome one = judge_record(answer->records[i].address, rule);

		/* One record that no list may have makes the others worthless. */
		if (dnsbl_unanswered(one))
			return one;
		if (one == DNSBL_LISTED && all != DNSBL_LISTED)
			*code = answer->records[i].text;
		if (one == DNSBL_LISTED)
			all = one;
	}
	return all;
}

enum dnsbl_outcome
dnsbl_judge(const struct cm_dns_answer *answer, const struct dnsbl_rule *rule, const char **code)
{
	static const enum dnsbl_outcome empty[] = {
		[CM_DNS_FOUND] = DNSBL_NONSENSE,
		[CM_DNS_NO_DATA] = DNSBL_CLEAN,
		[CM_DNS_NO_NAME] = DNSBL_CLEAN,
		[CM_DNS_TIMEOUT] = DNSBL_SILENT,
		[CM_DNS_SERVFAIL] = DNSBL_SILENT,
		[CM_DNS_REFUSED] = DNSBL_REFUSES,
		[CM_DNS_BOGUS] = DNSBL_NONSENSE,
		[CM_DNS_BAD_NAME] = DNSBL_NOT_ASKED,
		[CM_DNS_CANCELLED] = DNSBL_NOT_ASKED,
	};

	return answer->count == 0 ? empty[answer->status] : judge_records(answer, rule, code);
}

/* Without an answer nobody knows whether it would have spoken for the client. */
static bool
excuse_missing(const struct dnsbl_rule *rule, const struct dnsbl_finding *f)
{
	return dnsbl_unanswered(f->outcome) && (rule->action == DNSBL_ALLOW || rule->weight < 0);
}

static void
add_rule(struct dnsbl_decision *d, const struct dnsbl_rule *rule, size_t i)
{
	if (rule->action == DNSBL_SCORE) {
		d->weight += rule->weight;
	} else if ((int)d->action > rule->action) {
		d->action = (enum dnsbl_action)rule->action;
		d->by = i;
	}
}

/* The entry that weighs most speaks for the sum. */
static size_t
heaviest(const struct dnsbl *lists, const struct dnsbl_finding *found)
{
	size_t best = lists->rule_count;

	for (size_t i = 0; i < lists->rule_count; i++) {
		if (found[i].outcome != DNSBL_LISTED || lists->rules[i].action != DNSBL_SCORE)
			continue;
		if (best == lists->rule_count || lists->rules[i].weight > lists->rules[best].weight)
			best = i;
	}
	return best;
}

struct dnsbl_decision
dnsbl_decide(const struct dnsbl *lists, const struct dnsbl_finding *found)
{
	struct dnsbl_decision d = {.action = DNSBL_ACCEPT};
	bool doubt = false;

	for (size_t i = 0; i < lists->rule_count; i++) {
		const struct dnsbl_rule *rule = &lists->rules[i];

		doubt = doubt || excuse_missing(rule, &found[i]);
		if (found[i].outcome != DNSBL_LISTED)
			continue;
		if (rule->action == DNSBL_ALLOW)
			return (struct dnsbl_decision){.action = DNSBL_ALLOW, .by = i};
		add_rule(&d, rule, i);
	}
	if (lists->threshold > 0 && d.weight >= lists->threshold && (int)d.action > lists->action) {
		d.action = (enum dnsbl_action)lists->action;
		d.by = heaviest(lists, found);
	}
	if (d.action == DNSBL_REJECT && doubt)
		d.action = DNSBL_TEMPFAIL;
	return d;
}
