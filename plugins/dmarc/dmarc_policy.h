/* SPDX-License-Identifier: MIT */
/*
 * dmarc_policy.h - what becomes of mail: what its domain wants, and what is done here
 */
#ifndef PLUGINS_DMARC_POLICY_H
#define PLUGINS_DMARC_POLICY_H

#include <stdbool.h>

#include "dmarc_check.h"
#include "dmarc_from.h"

/* As the rows of the settings name them. */
enum dmarc_action {
	DMARC_DO_NONE,
	DMARC_DO_TAG,
	DMARC_DO_QUARANTINE,
	DMARC_DO_TEMPFAIL,
	DMARC_DO_REJECT
};

#define DMARC_ACTION_WORDS	"none|tag|quarantine|tempfail|reject"
#define DMARC_ACTION_WORDS_SOFT "none|tag|quarantine|tempfail"

/* What a mailing list gets at most; the last: what everybody gets. */
enum dmarc_lists { DMARC_LIST_NONE, DMARC_LIST_TAG, DMARC_LIST_QUARANTINE, DMARC_LIST_NO };

#define DMARC_LIST_WORDS "none|tag|quarantine|no"

/* Several addresses of one domain are a domain that can be checked. */
enum dmarc_several { DMARC_SEVERAL_CHECK = DMARC_DO_REJECT + 1 };

#define DMARC_SEVERAL_WORDS DMARC_ACTION_WORDS "|check"

/* Each is an enum dmarc_action, unless it says otherwise. */
struct dmarc_actions {
	int failed[DMARC_REQUESTS]; /* p_none, p_quarantine, p_reject */
	int none, temperror;
	int from_addresses; /* or DMARC_SEVERAL_CHECK */
	int from_broken, from_domains, from_fields, from_none;
	int mailing_list; /* enum dmarc_lists */
};

/* Why something milder is done than the settings say (RFC 9990, policy override reasons). */
enum dmarc_override {
	DMARC_OVERRIDE_NO,
	DMARC_OVERRIDE_LOCAL,
	DMARC_OVERRIDE_LIST,
	DMARC_OVERRIDE_FORWARDER,
	DMARC_OVERRIDES
};

extern const char *const dmarc_override_names[DMARC_OVERRIDES];

/* What a report calls what was done. */
enum dmarc_disposition {
	DMARC_DIS_NONE,
	DMARC_DIS_PASS,
	DMARC_DIS_QUARANTINE,
	DMARC_DIS_REJECT,
	DMARC_DISPOSITIONS
};

extern const char *const dmarc_disposition_names[DMARC_DISPOSITIONS];

struct dmarc_case {
	enum dmarc_code code;
	enum dmarc_request wanted; /* of mail that fails */
	enum dmarc_from from;	   /* why it is DMARC_CODE_PERMERROR */
	bool exempt, forwarded, list;
};

/* Nothing is milder than what the settings say for it. */
enum dmarc_action
dmarc_decide(const struct dmarc_actions *, const struct dmarc_case *, enum dmarc_override *);
/* wanted: what the domain wants of mail that fails. */
enum dmarc_disposition
dmarc_disposition(enum dmarc_code, enum dmarc_request wanted, enum dmarc_action);
/* What a report says besides: done here is not what the domain wants, and nothing says why. */
bool dmarc_deviates(enum dmarc_request wanted, enum dmarc_disposition);

#endif
