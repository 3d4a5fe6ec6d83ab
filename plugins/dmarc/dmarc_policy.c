/* SPDX-License-Identifier: MIT */
/*
 * dmarc_policy.c - what becomes of mail
 */
#include "dmarc_policy.h"

const char *const dmarc_override_names[DMARC_OVERRIDES] = {
	"none", "local_policy", "mailing_list", "trusted_forwarder"};

const char *const dmarc_disposition_names[DMARC_DISPOSITIONS] = {
	"none", "pass", "quarantine", "reject"};

static int
action_for_from(const struct dmarc_actions *a, enum dmarc_from from)
{
	switch (from) {
	case DMARC_FROM_ADDRESSES:
		return a->from_addresses;
	case DMARC_FROM_DOMAINS:
		return a->from_domains;
	case DMARC_FROM_NONE:
		return a->from_none;
	case DMARC_FROM_FIELDS:
		return a->from_fields;
	case DMARC_FROM_BROKEN:
		return a->from_broken;
	case DMARC_FROM_ONE:
	case DMARC_FROMS:
		break;
	}
	return DMARC_DO_NONE;
}

static int
action_for(const struct dmarc_actions *a, const struct dmarc_case *c)
{
	switch (c->code) {
	case DMARC_CODE_NONE:
		return a->none;
	case DMARC_CODE_FAIL:
		return a->failed[c->wanted];
	case DMARC_CODE_TEMPERROR:
		return a->temperror;
	case DMARC_CODE_PERMERROR:
		return action_for_from(a, c->from);
	case DMARC_CODE_PASS:
	case DMARC_CODES:
		break;
	}
	return DMARC_DO_NONE;
}

/* The most that a mailing list gets. */
static enum dmarc_action
list_most(int lists)
{
	static const enum dmarc_action most[] = {
		[DMARC_LIST_NONE] = DMARC_DO_NONE,
		[DMARC_LIST_TAG] = DMARC_DO_TAG,
		[DMARC_LIST_QUARANTINE] = DMARC_DO_QUARANTINE,
		[DMARC_LIST_NO] = DMARC_DO_REJECT,
	};

	return most[lists];
}

enum dmarc_action
dmarc_decide(
	const struct dmarc_actions *a, const struct dmarc_case *c, enum dmarc_override *override)
{
	enum dmarc_action action = (enum dmarc_action)action_for(a, c);
	enum dmarc_action most = list_most(a->mailing_list);

	*override = DMARC_OVERRIDE_NO;
	if (action == DMARC_DO_NONE)
		return action;
	if (c->exempt) {
		*override = DMARC_OVERRIDE_LOCAL;
		return DMARC_DO_NONE;
	}
	/* Whoever forwards mail breaks what vouched for it, and neither DNS nor From:. */
	if (c->code != DMARC_CODE_FAIL)
		return action;
	if (c->forwarded) {
		*override = DMARC_OVERRIDE_FORWARDER;
		return DMARC_DO_NONE;
	}
	if (!c->list || most >= action)
		return action;
	*override = DMARC_OVERRIDE_LIST;
	return most;
}

enum dmarc_disposition
dmarc_disposition(enum dmarc_code code, enum dmarc_request wanted, enum dmarc_action action)
{
	switch (action) {
	case DMARC_DO_TAG:
	case DMARC_DO_QUARANTINE:
		return DMARC_DIS_QUARANTINE;
	case DMARC_DO_TEMPFAIL:
	case DMARC_DO_REJECT:
		return DMARC_DIS_REJECT;
	case DMARC_DO_NONE:
		break;
	}
	return code == DMARC_CODE_PASS && wanted != DMARC_NONE ? DMARC_DIS_PASS : DMARC_DIS_NONE;
}

bool
dmarc_deviates(enum dmarc_request wanted, enum dmarc_disposition disposition)
{
	static const enum dmarc_disposition asked[DMARC_REQUESTS] = {
		DMARC_DIS_NONE, DMARC_DIS_QUARANTINE, DMARC_DIS_REJECT};

	return asked[wanted] != disposition;
}
