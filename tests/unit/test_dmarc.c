/* SPDX-License-Identifier: MIT */
/*
 * test_dmarc.c - plugin dmarc: whom it checks, what becomes of the mail, and what it says
 */
#include "dmarc_case.h"
#include "table.h"

static const char zone[] =
	"_dmarc.example.org   TXT \"v=DMARC1; p=reject; sp=quarantine; np=none\"\n"
	"example.org          A 192.0.2.1\n"
	"mail.example.org     A 192.0.2.1\n"
	"pass.example.org     TXT \"v=spf1 ip4:203.0.113.0/24 -all\"\n"
	"pass.other.test      TXT \"v=spf1 ip4:203.0.113.0/24 -all\"\n"
	"fault.example.org    timeout\n"
	"_dmarc.quar.test     TXT \"v=DMARC1; p=quarantine\"\n"
	"_dmarc.none.test     TXT \"v=DMARC1; p=none\"\n"
	"_dmarc.tested.test   TXT \"v=DMARC1; p=reject; t=y\"\n"
	"_dmarc.strict.test   TXT \"v=DMARC1; p=reject; adkim=s\"\n"
	"_dmarc.hostile.test  TXT \"v=DMARC1; p=reject; x=\\013\\010550 %s %n\\255\"\n"
	"_dmarc.broken.test   TXT \"v=DMARC1; p=rejekt\"\n"
	"_dmarc.servfail.test servfail\n";

static struct drive d;

static void
begin(const char *options)
{
	char *text;

	ck_assert_int_gt(
		asprintf(&text,
			"map clients { match = cidr; entries = [ \"203.0.113.66 yes\" ] }\n"
			"map domains { entries = [ \"example.org yes\", \".quar.test yes\" ] }\n"
			"profile all { chain = [ spf, arc, dmarc, auth_results ] }\n"
			"plugin spf { fail = accept; temperror = accept }\nplugin arc { }\n"
			"plugin auth_results { }\nplugin dmarc { %s }\n",
			options),
		0);
	dmarc_case_load(&d, zone, text);
	free(text);
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	drive_open(&d);
}

/* The value of the field that was added or inserted, or of the quarantine; "". */
static const char *
edit(enum edit_kind kind, const char *name)
{
	for (size_t i = 0; i < d.answer.edit_count; i++) {
		const struct edit *e = d.answer.edits[i];

		if (e->kind == kind && (name == NULL || strcmp(e->name, name) == 0))
			return e->value;
	}
	return "";
}

/* The field of Authentication-Results in one line. */
static const char *
authentication(void)
{
	static char text[4000];
	size_t len = 0;

	for (const char *p = edit(EDIT_INSERT_HEADER, "Authentication-Results"); *p != '\0'; p++) {
		if (*p != '\n' && *p != '\t' && len + 1 < sizeof(text))
			text[len++] = *p;
	}
	text[len] = '\0';
	return text;
}

/* --- what becomes of mail ------------------------------------------------------------------------
 */

#define UNAUTHENTICATED(domain) \
	"Unauthenticated email from " domain " is not accepted due to the domain's DMARC policy"
#define FROM(what) "The From: field " what "; it must name one author domain"
#define DKIM	   "X-Claim: dkim=pass d=example.org s=key1"

static const struct {
	const char *what, *options;
	struct dmarc_mail mail;
	enum cm_verdict verdict;
	const char *result, *disposition, *reply;
	const char *hold; /* of the quarantine; NULL: none */
	const char *tag;  /* NULL: none */
} mails[] = {
	{"a signature of the domain", "", {.fields = {DKIM}}, CM_ACCEPT, "pass", "none", "", NULL,
		NULL},
	{"a sender of the domain", "", {.sender = "<a@pass.example.org>"}, CM_ACCEPT, "pass",
		"none", "", NULL, NULL},
	{"nothing of the domain", "", {.sender = "<a@pass.other.test>"}, CM_REJECT, "fail",
		"reject", "550 5.7.26 " UNAUTHENTICATED("example.org"), NULL, NULL},
	{"a signature that is none", "", {.fields = {"X-Claim: dkim=fail d=example.org s=key1"}},
		CM_REJECT, "fail", "reject", "550 5.7.26 " UNAUTHENTICATED("example.org"), NULL,
		NULL},
	{"a signature that another method made", "",
		{.fields = {"X-Claim: spf=pass d=example.org s=key1"}}, CM_REJECT, "fail", "reject",
		"550 5.7.26 " UNAUTHENTICATED("example.org"), NULL, NULL},
	{"a signature without a domain", "", {.fields = {"X-Claim: dkim=pass s=key1"}}, CM_REJECT,
		"fail", "reject", "550 5.7.26 " UNAUTHENTICATED("example.org"), NULL, NULL},
	{"a signature of several", "",
		{.fields = {"X-Claim: dkim=pass d=other.test s=a",
			 "X-Claim: dkim=fail d=example.org",
			 "X-Claim: dkim=pass d=Mail.Example.ORG s=b"}},
		CM_ACCEPT, "pass", "none", "", NULL, NULL},
	{"a domain that is hostile in a signature", "",
		{.fields = {"X-Claim: dkim=pass d=example.org(x) s=key1"}}, CM_REJECT, "fail",
		"reject", "550 5.7.26 " UNAUTHENTICATED("example.org"), NULL, NULL},
	{"a signature that cannot be checked now", "",
		{.fields = {"X-Claim: dkim=temperror d=example.org s=key1"}}, CM_TEMPFAIL,
		"temperror", "tempfail",
		"451 4.4.3 DMARC of example.org cannot be checked now, please try again later (SPF "
		"or "
		"DKIM could not be checked now)",
		NULL, NULL},
	{"a sender that cannot be checked now", "", {.sender = "<a@fault.example.org>"},
		CM_TEMPFAIL, "temperror", "tempfail",
		"451 4.4.3 DMARC of example.org cannot be checked now, please try again later (SPF "
		"or "
		"DKIM could not be checked now)",
		NULL, NULL},
	{"the null sender, and no HELO name of the domain", "", {.sender = "<>"}, CM_REJECT, "fail",
		"reject", "550 5.7.26 " UNAUTHENTICATED("example.org"), NULL, NULL},
	{"sp", "", {.from = "a@mail.example.org"}, CM_ACCEPT, "fail", "quarantine", "",
		UNAUTHENTICATED("mail.example.org"), NULL},
	{"np", "", {.from = "a@nowhere.example.org"}, CM_ACCEPT, "fail", "none", "", NULL, NULL},
	{"p=quarantine", "", {.from = "a@quar.test"}, CM_ACCEPT, "fail", "quarantine", "",
		UNAUTHENTICATED("quar.test"), NULL},
	{"p_quarantine = tag", "p_quarantine = tag", {.from = "a@quar.test"}, CM_ACCEPT, "fail",
		"tag", "", NULL, "fail (" UNAUTHENTICATED("quar.test") ")"},
	{"p_quarantine = none", "p_quarantine = none", {.from = "a@quar.test"}, CM_ACCEPT, "fail",
		"none", "", NULL, NULL},
	{"p_reject = tempfail", "p_reject = tempfail", {.from = NULL}, CM_TEMPFAIL, "fail",
		"tempfail", "451 4.7.26 " UNAUTHENTICATED("example.org"), NULL, NULL},
	{"p_reject = quarantine", "p_reject = quarantine", {.from = NULL}, CM_ACCEPT, "fail",
		"quarantine", "", UNAUTHENTICATED("example.org"), NULL},
	{"p=none", "", {.from = "a@none.test"}, CM_ACCEPT, "fail", "none", "", NULL, NULL},
	{"p_none = tag", "p_none = tag; tag_header = X-D", {.from = "a@none.test"}, CM_ACCEPT,
		"fail", "tag", "", NULL, NULL},
	{"test mode", "", {.from = "a@tested.test"}, CM_ACCEPT, "fail", "quarantine", "",
		UNAUTHENTICATED("tested.test"), NULL},
	{"strict", "", {.from = "a@strict.test", .fields = {"X-Claim: dkim=pass d=a.strict.test"}},
		CM_REJECT, "fail", "reject", "550 5.7.26 " UNAUTHENTICATED("strict.test"), NULL,
		NULL},
	{"a record with what is not printable", "", {.from = "a@hostile.test"}, CM_REJECT, "fail",
		"reject", "550 5.7.26 " UNAUTHENTICATED("hostile.test"), NULL, NULL},
	{"no record", "", {.from = "a@other.test"}, CM_ACCEPT, "none", "none", "", NULL, NULL},
	{"none = reject", "none = reject", {.from = "a@other.test"}, CM_REJECT, "none", "reject",
		"550 5.7.26 Email from other.test is not accepted, for the domain has no DMARC "
		"policy",
		NULL, NULL},
	{"a broken record", "", {.from = "a@broken.test"}, CM_ACCEPT, "none", "none", "", NULL,
		NULL},
	{"DNS that fails", "", {.from = "a@servfail.test"}, CM_TEMPFAIL, "temperror", "tempfail",
		"451 4.4.3 DMARC of servfail.test cannot be checked now, please try again later "
		"(_dmarc.servfail.test: the servers failed)",
		NULL, NULL},
	{"temperror = none", "temperror = none", {.from = "a@servfail.test"}, CM_ACCEPT,
		"temperror", "none", "", NULL, NULL},
	{"temperror = quarantine", "temperror = quarantine", {.from = "a@servfail.test"}, CM_ACCEPT,
		"temperror", "quarantine", "",
		"DMARC of servfail.test cannot be checked now, please try again later "
		"(_dmarc.servfail.test: the servers failed)",
		NULL},
	/* From: */
	{"no From:", "", {.from = "-"}, CM_REJECT, "permerror", "reject",
		"550 5.6.0 " FROM("has no address with a domain"), NULL, NULL},
	{"from_none = none", "from_none = none", {.from = "-"}, CM_ACCEPT, "permerror", "none", "",
		NULL, NULL},
	{"two From: fields", "", {.fields = {"From: a@example.org", DKIM}}, CM_REJECT, "permerror",
		"reject", "550 5.6.0 " FROM("stands there more than once"), NULL, NULL},
	{"from_fields = tempfail", "from_fields = tempfail", {.fields = {"From: a@example.org"}},
		CM_TEMPFAIL, "permerror", "tempfail",
		"451 4.6.0 " FROM("stands there more than once"), NULL, NULL},
	{"two domains", "", {.from = "a@example.org, b@other.test", .fields = {DKIM}}, CM_REJECT,
		"permerror", "reject", "550 5.6.0 " FROM("has addresses of several domains"), NULL,
		NULL},
	{"from_domains = quarantine", "from_domains = quarantine",
		{.from = "a@example.org, b@other.test"}, CM_ACCEPT, "permerror", "quarantine", "",
		FROM("has addresses of several domains"), NULL},
	{"two addresses", "", {.from = "a@example.org, b@example.org", .fields = {DKIM}}, CM_ACCEPT,
		"pass", "none", "", NULL, NULL},
	{"from_addresses = reject", "from_addresses = reject",
		{.from = "a@example.org, b@example.org", .fields = {DKIM}}, CM_REJECT, "permerror",
		"reject", "550 5.6.0 " FROM("has several addresses"), NULL, NULL},
	{"a broken From:", "", {.from = "a@bank.test <b@example.org>", .fields = {DKIM}}, CM_REJECT,
		"permerror", "reject", "550 5.6.0 " FROM("cannot be read"), NULL, NULL},
	{"from_broken = tag", "from_broken = tag", {.from = "a@bank.test <b@example.org>"},
		CM_ACCEPT, "permerror", "tag", "", NULL, "permerror (" FROM("cannot be read") ")"},
	{"one domain in any reading", "", {.from = "a@example.org <a@example.org>"}, CM_REJECT,
		"fail", "reject", "550 5.7.26 " UNAUTHENTICATED("example.org"), NULL, NULL},
	{"U-labels", "none = reject", {.from = "a@b\303\274cher.test"}, CM_REJECT, "none", "reject",
		"550 5.7.26 Email from xn--bcher-kva.test is not accepted, for the domain has no "
		"DMARC "
		"policy",
		NULL, NULL},
};

START_TEST(mail)
{
	const char *what = mails[_i].what;
	enum cm_verdict verdict;

	begin(mails[_i].options);
	verdict = dmarc_case_send(&d, &mails[_i].mail);
	if (verdict == CM_CONTINUE)
		verdict = CM_ACCEPT;
	ck_assert_msg(verdict == mails[_i].verdict, "%s: %s", what, verdict_name(verdict));
	ck_assert_msg(strcmp(dmarc_case_result(&d, "result"), mails[_i].result) == 0, "%s: %s",
		what, dmarc_case_result(&d, "result"));
	ck_assert_msg(strcmp(dmarc_case_result(&d, "disposition"), mails[_i].disposition) == 0,
		"%s: %s", what, dmarc_case_result(&d, "disposition"));
	ck_assert_str_eq(drive_reply(&d), mails[_i].reply);
	ck_assert_str_eq(edit(EDIT_QUARANTINE, NULL), mails[_i].hold == NULL ? "" : mails[_i].hold);
	if (strstr(mails[_i].options, "tag_header") != NULL)
		ck_assert_str_eq(
			edit(EDIT_ADD_HEADER, "X-D"), "fail (" UNAUTHENTICATED("none.test") ")");
	ck_assert_str_eq(edit(EDIT_ADD_HEADER, "X-DMARC-Result"),
		mails[_i].tag == NULL ? "" : mails[_i].tag);
	drive_fini(&d);
}
END_TEST

/* --- exceptions ----------------------------------------------------------------------------------
 */

#define LIST "List-Id: <friends.lists.test>"
#define SEAL "X-Claim: result=pass sealer=lists.test dmarc=pass oldest_pass=0"

/* All are of example.org, which nobody vouches for, unless they say otherwise. */
static const struct {
	const char *what, *options;
	struct dmarc_mail mail;
	enum cm_verdict verdict;
	const char *override, *reason; /* as Authentication-Results has them; NULL: none */
} exceptions[] = {
	{"none", "", {.ip = NULL}, CM_REJECT, NULL, NULL},
	{"skip_for", "skip_for = [ 203.0.113.0/24 ]", {.ip = NULL}, CM_ACCEPT, "local_policy",
		"a client of skip_for"},
	{"skip_for of others", "skip_for = [ 198.51.100.0/24 ]", {.ip = NULL}, CM_REJECT, NULL,
		NULL},
	{"skip_clients", "skip_clients = clients", {.ip = "203.0.113.66"}, CM_ACCEPT,
		"local_policy", "a client of skip_clients"},
	{"skip_clients of others", "skip_clients = clients", {.ip = "203.0.113.67"}, CM_REJECT,
		NULL, NULL},
	{"skip_senders", "skip_senders = domains", {.sender = "<a@example.org>"}, CM_ACCEPT,
		"local_policy", "a sender of skip_senders"},
	{"skip_senders of others", "skip_senders = domains", {.ip = NULL}, CM_REJECT, NULL, NULL},
	{"skip_domains", "skip_domains = domains", {.ip = NULL}, CM_ACCEPT, "local_policy",
		"the author domain is in skip_domains"},
	{"skip_domains, below", "skip_domains = domains; p_quarantine = reject",
		{.from = "a@x.quar.test"}, CM_ACCEPT, "local_policy",
		"the author domain is in skip_domains"},
	{"skip_domains, not itself", "skip_domains = domains; p_quarantine = reject",
		{.from = "a@quar.test"}, CM_REJECT, NULL, NULL},
	{"a forwarder", "trusted_forwarders = [ .example.net ]", {.ip = NULL}, CM_ACCEPT,
		"trusted_forwarder", "forwarder client.example.net"},
	{"a forwarder by its own name", "trusted_forwarders = [ Client.example.net ]", {.ip = NULL},
		CM_ACCEPT, "trusted_forwarder", "forwarder client.example.net"},
	{"a forwarder's name is not one below it", "trusted_forwarders = [ example.net ]",
		{.ip = NULL}, CM_REJECT, NULL, NULL},
	{"a name that ends like it", "trusted_forwarders = [ .ample.net ]", {.ip = NULL}, CM_REJECT,
		NULL, NULL},
	{"a client without a name", "trusted_forwarders = [ unknown ]", {.client = "unknown"},
		CM_REJECT, NULL, NULL},
	{"a sealer", "trusted_sealers = [ lists.test ]", {.fields = {SEAL}}, CM_ACCEPT,
		"trusted_forwarder", "dmarc=pass by ARC sealer lists.test, oldest pass 0"},
	{"a sealer that is not trusted", "trusted_sealers = [ other.test ]", {.fields = {SEAL}},
		CM_REJECT, NULL, NULL},
	{"a sealer that found no pass", "trusted_sealers = [ lists.test ]",
		{.fields = {"X-Claim: result=pass sealer=lists.test dmarc=fail"}}, CM_REJECT, NULL,
		NULL},
	{"a sealer that did not look", "trusted_sealers = [ lists.test ]",
		{.fields = {"X-Claim: result=pass sealer=lists.test"}}, CM_REJECT, NULL, NULL},
	{"a broken seal", "trusted_sealers = [ lists.test ]",
		{.fields = {"X-Claim: result=fail sealer=lists.test dmarc=pass"}}, CM_REJECT, NULL,
		NULL},
	{"a seal that says odd things", "trusted_sealers = [ lists.test ]",
		{.fields = {"X-Claim: result=pass sealer=lists.test dmarc=pass oldest_pass=x;y"}},
		CM_ACCEPT, "trusted_forwarder", "dmarc=pass by ARC sealer lists.test"},
	{"a list whose sender is vouched for", "",
		{.sender = "<l@pass.other.test>", .fields = {LIST}}, CM_ACCEPT, "mailing_list",
		"it has a List-Id, and a domain vouches for its sender"},
	{"a list that signs", "", {.fields = {LIST, "X-Claim: dkim=pass d=lists.test s=a"}},
		CM_ACCEPT, "mailing_list", "it has a List-Id, and a domain vouches for its sender"},
	{"a List-Id that nobody vouches for", "", {.fields = {LIST}}, CM_REJECT, NULL, NULL},
	{"mailing_list = no", "mailing_list = no",
		{.sender = "<l@pass.other.test>", .fields = {LIST}}, CM_REJECT, NULL, NULL},
};

START_TEST(exception)
{
	const char *what = exceptions[_i].what, *field;
	char wanted[400];
	enum cm_verdict verdict;

	begin(exceptions[_i].options);
	verdict = dmarc_case_send(&d, &exceptions[_i].mail);
	if (verdict == CM_CONTINUE)
		verdict = CM_ACCEPT;
	ck_assert_msg(verdict == exceptions[_i].verdict, "%s: %s", what, verdict_name(verdict));
	ck_assert_msg(strcmp(dmarc_case_result(&d, "result"), "fail") == 0, "%s: %s", what,
		dmarc_case_result(&d, "result"));
	ck_assert_str_eq(dmarc_case_result(&d, "override"),
		exceptions[_i].override == NULL ? "" : exceptions[_i].override);
	if (exceptions[_i].override == NULL) {
		drive_fini(&d);
		return;
	}
	field = authentication();
	snprintf(wanted, sizeof(wanted), "policy.override=%s", exceptions[_i].override);
	ck_assert_msg(strstr(field, wanted) != NULL, "%s: %s", what, field);
	snprintf(wanted, sizeof(wanted), "policy.override-reason=\"%s\"", exceptions[_i].reason);
	ck_assert_msg(strstr(field, wanted) != NULL, "%s: %s", what, field);
	drive_fini(&d);
}
END_TEST

static const struct {
	const char *what, *options, *ip, *login;
	bool checked;
} skips[] = {
	{"a client", "", "203.0.113.7", NULL, true},
	{"a local client", "", NULL, NULL, false},
	{"a login", "", "203.0.113.7", "ann", false},
	{"a login that does not matter", "skip_authenticated = no", "203.0.113.7", "ann", true},
	{"a trusted network", "", "192.0.2.7", NULL, false},
	{"a trusted network that does not matter", "skip_trusted = no", "192.0.2.7", NULL, true},
};

static enum cm_verdict
send_as(const char *ip, const char *login)
{
	const struct cm_header from = {"From", "ann@example.org"};

	drive_connect(&d, ip, "client.example.net", "25");
	drive_helo(&d, "helo.test");
	drive_mail(&d, "<a@none.test>", login, NULL);
	drive_rcpt(&d, "<b@example.com>");
	return drive_content(&d, &from, 1, "hello\r\n");
}

START_TEST(who_is_not_checked)
{
	begin(skips[_i].options);
	send_as(skips[_i].ip, skips[_i].login);
	ck_assert_msg((dmarc_case_result(&d, "result")[0] != '\0') == skips[_i].checked, "%s",
		skips[_i].what);
	drive_fini(&d);
}
END_TEST

/* What nobody looked at is not taken for none. */
START_TEST(signatures_that_nobody_looked_for)
{
	const struct dmarc_mail unseen = {.fields = {"X-Claim: nobody looked"}};

	begin("on_error = tempfail");
	ck_assert_int_eq(dmarc_case_send(&d, &unseen), CM_TEMPFAIL);
	ck_assert_str_eq(dmarc_case_result(&d, "result"), "");
	chain_end_message(d.s);
	dmarc_case_send(&d, &(struct dmarc_mail){.sender = "<a@pass.example.org>",
				    .fields = {"X-Claim: nobody looked"}});
	ck_assert_str_eq(dmarc_case_result(&d, "result"), "pass");
	drive_fini(&d);
	begin("need_dkim = no");
	ck_assert_int_eq(dmarc_case_send(&d, &unseen), CM_REJECT);
	drive_fini(&d);
}
END_TEST

START_TEST(unknown_login_is_not_taken_for_none)
{
	begin("");
	d.s->macros_asked = false;
	ck_assert_int_eq(send_as("203.0.113.7", NULL), CM_TEMPFAIL);
	ck_assert_str_eq(dmarc_case_result(&d, "result"), "");
	drive_fini(&d);
}
END_TEST

/* --- what it says --------------------------------------------------------------------------------
 */

START_TEST(results_for_later_links)
{
	begin("mailing_list = tag");
	dmarc_case_send(&d, &(struct dmarc_mail){.from = "a@mail.example.org"});
	ck_assert_str_eq(dmarc_case_result(&d, "result"), "fail");
	ck_assert_str_eq(dmarc_case_result(&d, "policy"), "quarantine");
	ck_assert_str_eq(dmarc_case_result(&d, "domain"), "mail.example.org");
	ck_assert_str_eq(dmarc_case_result(&d, "org_domain"), "example.org");
	ck_assert_str_eq(dmarc_case_result(&d, "method"), "tree walk");
	ck_assert_str_eq(
		dmarc_case_result(&d, "record"), "v=DMARC1; p=reject; sp=quarantine; np=none");
	drive_fini(&d);
	begin("org_domain = psl");
	dmarc_case_send(&d, &(struct dmarc_mail){.from = "a@hostile.test"});
	ck_assert_str_eq(dmarc_case_result(&d, "method"), "psl");
	ck_assert_str_eq(dmarc_case_result(&d, "record"), "v=DMARC1; p=reject; x=??550 %s %n?");
	drive_fini(&d);
}
END_TEST

/* field: of Authentication-Results, what stands behind "dmarc=" in one line. */
static const struct {
	const char *what, *options;
	struct dmarc_mail mail;
	const char *field;
} fields[] = {
	{"a pass", "", {.fields = {DKIM}},
		"pass (p=reject sp=quarantine np=none dis=none) header.from=example.org"},
	{"a fail", "p_reject = none", {.from = NULL},
		"fail (p=reject sp=quarantine np=none dis=none) header.from=example.org"},
	{"test mode", "", {.from = "a@tested.test"},
		"fail (p=reject t=y dis=quarantine) header.from=tested.test"},
	{"none", "", {.from = "a@other.test"},
		"none (no DMARC record, dis=none) header.from=other.test"},
	{"a broken record", "", {.from = "a@broken.test"},
		"none (its p, sp or np says nothing that is known, and there is no rua, dis=none) "
		"header.from=broken.test"},
	{"a fault", "temperror = none", {.from = "a@servfail.test"},
		"temperror (the servers failed, dis=none) header.from=servfail.test"},
	{"two domains", "from_domains = none", {.from = "a@b.test, c@d.test"},
		"permerror (From: has addresses of several domains, dis=none)"},
	{"an exception", "skip_domains = domains", {.from = NULL},
		"fail (p=reject sp=quarantine np=none dis=none) header.from=example.org "
		"policy.override=local_policy policy.override-reason=\"the author domain is in "
		"skip_domains\""},
};

START_TEST(authentication_results)
{
	const char *field;

	begin(fields[_i].options);
	dmarc_case_send(&d, &fields[_i].mail);
	field = strstr(authentication(), "dmarc=");
	ck_assert_msg(field != NULL, "%s", fields[_i].what);
	field += strlen("dmarc=");
	ck_assert_msg(strcmp(field, fields[_i].field) == 0, "%s: %s", fields[_i].what, field);
	drive_fini(&d);
}
END_TEST

/* Of the next message nothing is left. */
START_TEST(every_message_is_its_own)
{
	begin("");
	ck_assert_int_eq(dmarc_case_send(&d, &(struct dmarc_mail){.from = NULL}), CM_REJECT);
	chain_end_message(d.s);
	dmarc_case_send(&d, &(struct dmarc_mail){.from = "a@other.test"});
	ck_assert_str_eq(dmarc_case_result(&d, "result"), "none");
	ck_assert_str_eq(dmarc_case_result(&d, "policy"), "");
	ck_assert_str_eq(dmarc_case_result(&d, "record"), "");
	chain_end_message(d.s);
	dmarc_case_send(&d, &(struct dmarc_mail){.fields = {DKIM}});
	ck_assert_str_eq(dmarc_case_result(&d, "result"), "pass");
	drive_fini(&d);
}
END_TEST

/* --- settings ------------------------------------------------------------------------------------
 */

static const struct {
	const char *options, *mistake;
} refused[] = {
	{"temperror = reject", "temperror = reject is not a choice"},
	{"report_email = a@b.test", "report_email needs a store for what is reported"},
	{"report_email = nobody", "must be an address, such as postmaster@example.com"},
	{"trusted_forwarders = [ \"a b\" ]", "must be a domain in ASCII, such as example.org"},
	{"trusted_forwarders = [ mx.example.net. ]", "must be a domain in ASCII"},
	{"trusted_sealers = [ \"b\303\274cher.test\" ]", "must be a domain in ASCII"},
	{"tag_header = \"X Y\"", "must be the name of a header field, such as X-DMARC-Result"},
	{"org_domain = list", "org_domain = list is not a choice"},
};

START_TEST(settings_that_are_refused)
{
	char text[400];

	snprintf(text, sizeof(text), "profile all { chain = [ dmarc ] }\nplugin dmarc { %s }\n",
		refused[_i].options);
	dmarc_case_load(&d, zone, text);
	ck_assert_ptr_null(d.g);
	ck_assert_msg(strstr(d.mistakes, refused[_i].mistake) != NULL, "%s", d.mistakes);
	drive_fini(&d);
}
END_TEST

/* What no setting uses the mail server need not grant; and nothing is said of stores. */
START_TEST(rights_are_asked_for_as_they_are_needed)
{
	dmarc_case_load(&d, zone,
		"profile all { chain = [ dmarc ] }\n"
		"plugin dmarc { p_quarantine = reject; mailing_list = no }\n");
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	ck_assert_str_eq(d.mistakes, "");
	ck_assert_uint_eq(d.g->chain.links[0]->needs, CM_NEED_HEADERS);
	drive_fini(&d);
	dmarc_case_load(
		&d, zone, "profile all { chain = [ dmarc ] }\nplugin dmarc { p_none = tag }\n");
	ck_assert_uint_eq(
		d.g->chain.links[0]->needs, CM_NEED_HEADERS | CM_EDIT_HEADERS | CM_EDIT_QUARANTINE);
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc");
	TCase *c = tcase_create("plugin");

	tcase_add_loop_test(c, mail, 0, LENGTH(mails));
	tcase_add_loop_test(c, exception, 0, LENGTH(exceptions));
	tcase_add_loop_test(c, who_is_not_checked, 0, LENGTH(skips));
	tcase_add_test(c, signatures_that_nobody_looked_for);
	tcase_add_test(c, unknown_login_is_not_taken_for_none);
	tcase_add_test(c, results_for_later_links);
	tcase_add_loop_test(c, authentication_results, 0, LENGTH(fields));
	tcase_add_test(c, every_message_is_its_own);
	tcase_add_loop_test(c, settings_that_are_refused, 0, LENGTH(refused));
	tcase_add_test(c, rights_are_asked_for_as_they_are_needed);
	suite_add_tcase(suite, c);
	return table_run(suite);
}
