/* SPDX-License-Identifier: MIT */
/*
 * test_dmarc_policy.c - plugin dmarc: what becomes of mail, in each case and with each exception
 */
#include "../../plugins/dmarc/dmarc_policy.h"
#include "table.h"

/* What the settings say where a row says nothing else. */
static const struct dmarc_actions usual = {
	.failed = {DMARC_DO_NONE, DMARC_DO_QUARANTINE, DMARC_DO_REJECT},
	.none = DMARC_DO_NONE,
	.temperror = DMARC_DO_TEMPFAIL,
	.from_addresses = DMARC_SEVERAL_CHECK,
	.from_broken = DMARC_DO_REJECT,
	.from_domains = DMARC_DO_REJECT,
	.from_fields = DMARC_DO_REJECT,
	.from_none = DMARC_DO_REJECT,
	.mailing_list = DMARC_LIST_QUARANTINE,
};

/* Every action differs from the usual. */
static const struct dmarc_actions other = {
	.failed = {DMARC_DO_TAG, DMARC_DO_REJECT, DMARC_DO_TEMPFAIL},
	.none = DMARC_DO_REJECT,
	.temperror = DMARC_DO_QUARANTINE,
	.from_addresses = DMARC_DO_TAG,
	.from_broken = DMARC_DO_QUARANTINE,
	.from_domains = DMARC_DO_TEMPFAIL,
	.from_fields = DMARC_DO_TAG,
	.from_none = DMARC_DO_NONE,
	.mailing_list = DMARC_LIST_NO,
};

static const struct dmarc_actions lists_pass = {
	.failed = {DMARC_DO_TAG, DMARC_DO_QUARANTINE, DMARC_DO_REJECT},
	.mailing_list = DMARC_LIST_NONE,
};

static const struct dmarc_actions lists_tag = {
	.failed = {DMARC_DO_TAG, DMARC_DO_QUARANTINE, DMARC_DO_TEMPFAIL},
	.mailing_list = DMARC_LIST_TAG,
};

#define FAIL	DMARC_CODE_FAIL
#define EXEMPT	.exempt = true
#define FORWARD .forwarded = true
#define LIST	.list = true

static const struct {
	const char *what;
	const struct dmarc_actions *settings;
	struct dmarc_case c;
	enum dmarc_action action;
	enum dmarc_override override;
} cases[] = {
	{"a pass", &usual, {.code = DMARC_CODE_PASS, .wanted = DMARC_REJECT}, DMARC_DO_NONE,
		DMARC_OVERRIDE_NO},
	{"a pass, whatever the settings", &other, {.code = DMARC_CODE_PASS, .wanted = DMARC_REJECT},
		DMARC_DO_NONE, DMARC_OVERRIDE_NO},
	{"p_none", &usual, {.code = FAIL, .wanted = DMARC_NONE}, DMARC_DO_NONE, DMARC_OVERRIDE_NO},
	{"p_quarantine", &usual, {.code = FAIL, .wanted = DMARC_QUARANTINE}, DMARC_DO_QUARANTINE,
		DMARC_OVERRIDE_NO},
	{"p_reject", &usual, {.code = FAIL, .wanted = DMARC_REJECT}, DMARC_DO_REJECT,
		DMARC_OVERRIDE_NO},
	{"p_none = tag", &other, {.code = FAIL, .wanted = DMARC_NONE}, DMARC_DO_TAG,
		DMARC_OVERRIDE_NO},
	{"p_quarantine = reject", &other, {.code = FAIL, .wanted = DMARC_QUARANTINE},
		DMARC_DO_REJECT, DMARC_OVERRIDE_NO},
	{"p_reject = tempfail", &other, {.code = FAIL, .wanted = DMARC_REJECT}, DMARC_DO_TEMPFAIL,
		DMARC_OVERRIDE_NO},
	{"no record", &usual, {.code = DMARC_CODE_NONE, .wanted = DMARC_NONE}, DMARC_DO_NONE,
		DMARC_OVERRIDE_NO},
	{"none = reject", &other, {.code = DMARC_CODE_NONE, .wanted = DMARC_NONE}, DMARC_DO_REJECT,
		DMARC_OVERRIDE_NO},
	{"a fault", &usual, {.code = DMARC_CODE_TEMPERROR, .wanted = DMARC_REJECT},
		DMARC_DO_TEMPFAIL, DMARC_OVERRIDE_NO},
	{"temperror = quarantine", &other, {.code = DMARC_CODE_TEMPERROR, .wanted = DMARC_NONE},
		DMARC_DO_QUARANTINE, DMARC_OVERRIDE_NO},
	{"several domains", &usual,
		{.code = DMARC_CODE_PERMERROR, .wanted = DMARC_NONE, .from = DMARC_FROM_DOMAINS},
		DMARC_DO_REJECT, DMARC_OVERRIDE_NO},
	{"from_domains = tempfail", &other,
		{.code = DMARC_CODE_PERMERROR, .wanted = DMARC_NONE, .from = DMARC_FROM_DOMAINS},
		DMARC_DO_TEMPFAIL, DMARC_OVERRIDE_NO},
	{"from_addresses = tag", &other,
		{.code = DMARC_CODE_PERMERROR, .wanted = DMARC_NONE, .from = DMARC_FROM_ADDRESSES},
		DMARC_DO_TAG, DMARC_OVERRIDE_NO},
	{"from_broken = quarantine", &other,
		{.code = DMARC_CODE_PERMERROR, .wanted = DMARC_NONE, .from = DMARC_FROM_BROKEN},
		DMARC_DO_QUARANTINE, DMARC_OVERRIDE_NO},
	{"from_fields = tag", &other,
		{.code = DMARC_CODE_PERMERROR, .wanted = DMARC_NONE, .from = DMARC_FROM_FIELDS},
		DMARC_DO_TAG, DMARC_OVERRIDE_NO},
	{"from_none = none", &other,
		{.code = DMARC_CODE_PERMERROR, .wanted = DMARC_NONE, .from = DMARC_FROM_NONE},
		DMARC_DO_NONE, DMARC_OVERRIDE_NO},
	/* Exceptions. */
	{"exempt", &usual, {.code = FAIL, .wanted = DMARC_REJECT, EXEMPT}, DMARC_DO_NONE,
		DMARC_OVERRIDE_LOCAL},
	{"exempt, and it would have been let pass", &usual,
		{.code = FAIL, .wanted = DMARC_NONE, EXEMPT}, DMARC_DO_NONE, DMARC_OVERRIDE_NO},
	{"exempt, with a broken From:", &usual,
		{.code = DMARC_CODE_PERMERROR,
			.wanted = DMARC_NONE,
			.from = DMARC_FROM_BROKEN,
			EXEMPT},
		DMARC_DO_NONE, DMARC_OVERRIDE_LOCAL},
	{"exempt, and DNS failed", &usual,
		{.code = DMARC_CODE_TEMPERROR, .wanted = DMARC_NONE, EXEMPT}, DMARC_DO_NONE,
		DMARC_OVERRIDE_LOCAL},
	{"exempt, and without a record", &other,
		{.code = DMARC_CODE_NONE, .wanted = DMARC_NONE, EXEMPT}, DMARC_DO_NONE,
		DMARC_OVERRIDE_LOCAL},
	{"forwarded", &usual, {.code = FAIL, .wanted = DMARC_REJECT, FORWARD}, DMARC_DO_NONE,
		DMARC_OVERRIDE_FORWARDER},
	{"forwarded, and DNS failed", &usual,
		{.code = DMARC_CODE_TEMPERROR, .wanted = DMARC_REJECT, FORWARD}, DMARC_DO_TEMPFAIL,
		DMARC_OVERRIDE_NO},
	{"forwarded, with several From: fields", &usual,
		{.code = DMARC_CODE_PERMERROR,
			.wanted = DMARC_NONE,
			.from = DMARC_FROM_FIELDS,
			FORWARD},
		DMARC_DO_REJECT, DMARC_OVERRIDE_NO},
	{"forwarded, without a record", &other,
		{.code = DMARC_CODE_NONE, .wanted = DMARC_NONE, FORWARD}, DMARC_DO_REJECT,
		DMARC_OVERRIDE_NO},
	{"exempt and forwarded", &usual, {.code = FAIL, .wanted = DMARC_REJECT, EXEMPT, FORWARD},
		DMARC_DO_NONE, DMARC_OVERRIDE_LOCAL},
	/* Mailing lists. */
	{"a list", &usual, {.code = FAIL, .wanted = DMARC_REJECT, LIST}, DMARC_DO_QUARANTINE,
		DMARC_OVERRIDE_LIST},
	{"a list gets no more than others", &usual,
		{.code = FAIL, .wanted = DMARC_QUARANTINE, LIST}, DMARC_DO_QUARANTINE,
		DMARC_OVERRIDE_NO},
	{"a list, and p=none", &usual, {.code = FAIL, .wanted = DMARC_NONE, LIST}, DMARC_DO_NONE,
		DMARC_OVERRIDE_NO},
	{"mailing_list = no", &other, {.code = FAIL, .wanted = DMARC_QUARANTINE, LIST},
		DMARC_DO_REJECT, DMARC_OVERRIDE_NO},
	{"mailing_list = none", &lists_pass, {.code = FAIL, .wanted = DMARC_REJECT, LIST},
		DMARC_DO_NONE, DMARC_OVERRIDE_LIST},
	{"mailing_list = none for a tag", &lists_pass, {.code = FAIL, .wanted = DMARC_NONE, LIST},
		DMARC_DO_NONE, DMARC_OVERRIDE_LIST},
	{"mailing_list = tag", &lists_tag, {.code = FAIL, .wanted = DMARC_QUARANTINE, LIST},
		DMARC_DO_TAG, DMARC_OVERRIDE_LIST},
	{"mailing_list = tag for a tempfail", &lists_tag,
		{.code = FAIL, .wanted = DMARC_REJECT, LIST}, DMARC_DO_TAG, DMARC_OVERRIDE_LIST},
	{"a list, and DNS failed", &usual,
		{.code = DMARC_CODE_TEMPERROR, .wanted = DMARC_REJECT, LIST}, DMARC_DO_TEMPFAIL,
		DMARC_OVERRIDE_NO},
	{"a list that a forwarder vouches for", &usual,
		{.code = FAIL, .wanted = DMARC_REJECT, FORWARD, LIST}, DMARC_DO_NONE,
		DMARC_OVERRIDE_FORWARDER},
};

START_TEST(decision)
{
	enum dmarc_override override;
	enum dmarc_action action = dmarc_decide(cases[_i].settings, &cases[_i].c, &override);

	ck_assert_msg(action == cases[_i].action, "%s: %d", cases[_i].what, action);
	ck_assert_msg(override == cases[_i].override, "%s: %s", cases[_i].what,
		dmarc_override_names[override]);
}
END_TEST

static const struct {
	enum dmarc_code code;
	enum dmarc_request wanted;
	enum dmarc_action action;
	const char *name;
	bool deviates;
} dispositions[] = {
	{DMARC_CODE_PASS, DMARC_NONE, DMARC_DO_NONE, "none", false},
	{DMARC_CODE_PASS, DMARC_REJECT, DMARC_DO_NONE, "pass", true},
	{FAIL, DMARC_NONE, DMARC_DO_NONE, "none", false},
	{FAIL, DMARC_NONE, DMARC_DO_TAG, "quarantine", true},
	{FAIL, DMARC_QUARANTINE, DMARC_DO_QUARANTINE, "quarantine", false},
	{FAIL, DMARC_QUARANTINE, DMARC_DO_TAG, "quarantine", false},
	{FAIL, DMARC_QUARANTINE, DMARC_DO_NONE, "none", true},
	{FAIL, DMARC_QUARANTINE, DMARC_DO_REJECT, "reject", true},
	{FAIL, DMARC_REJECT, DMARC_DO_REJECT, "reject", false},
	{FAIL, DMARC_REJECT, DMARC_DO_TEMPFAIL, "reject", false},
	{FAIL, DMARC_REJECT, DMARC_DO_QUARANTINE, "quarantine", true},
	{FAIL, DMARC_REJECT, DMARC_DO_NONE, "none", true},
};

START_TEST(disposition)
{
	enum dmarc_disposition d = dmarc_disposition(
		dispositions[_i].code, dispositions[_i].wanted, dispositions[_i].action);

	ck_assert_str_eq(dmarc_disposition_names[d], dispositions[_i].name);
	ck_assert_int_eq(dmarc_deviates(dispositions[_i].wanted, d), dispositions[_i].deviates);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc_policy");
	TCase *c = tcase_create("rules");

	tcase_add_loop_test(c, decision, 0, LENGTH(cases));
	tcase_add_loop_test(c, disposition, 0, LENGTH(dispositions));
	suite_add_tcase(suite, c);
	return table_run(suite);
}
