/* SPDX-License-Identifier: MIT */
/*
 * test_dmarc_check.c - plugin dmarc: alignment and policy, one rule a row (RFC 9989 section 4.10)
 */
#include "../conformance/dmarc_zone.h"
#include "table.h"
#include "temp.h"

static char dir[TEMP_NAME_SIZE], path[TEMP_NAME_SIZE + 16];
static struct dmarc_zone zone;

static void
setup(void)
{
	ck_assert(temp_dir(dir, "chainmail-dmarc"));
	snprintf(path, sizeof(path), "%s/zone", dir);
}

static void
teardown(void)
{
	remove(path);
	remove(dir);
}

static void
check(const char *text, enum dmarc_method method, const char *author, const char *ids,
	struct dmarc_result *r)
{
	struct dmarc_psl *psl = method == DMARC_BY_TREE ? NULL : dmarc_psl_open();
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert(dmarc_zone_open(&zone, path));
	dmarc_zone_check(&zone, method, psl, author, ids, r);
	dmarc_psl_close(psl);
}

/* --- who is vouched for --------------------------------------------------------------------------
 */

#define ORG    "_dmarc.example.org TXT \"v=DMARC1; p=reject\"\n"
#define STRICT "_dmarc.example.org TXT \"v=DMARC1; p=reject; adkim=s; aspf=s\"\n"
#define MAIL   "_dmarc.mail.example.org TXT \"v=DMARC1; p=reject\"\n"
#define OWN    "_dmarc.mail.example.org TXT \"v=DMARC1; p=reject; psd=n\"\n"
#define SUFFIX "_dmarc.org TXT \"v=DMARC1; p=none; psd=y\"\n"

static const struct {
	const char *rule, *zone, *author, *ids;
	enum dmarc_code code;
	bool spf, dkim;
} aligned[] = {
	{"nobody vouches", ORG, "example.org", "", DMARC_CODE_FAIL, false, false},
	{"the same name by SPF", ORG, "example.org", "spf:example.org", DMARC_CODE_PASS, true,
		false},
	{"the same name by DKIM", ORG, "example.org", "dkim:example.org", DMARC_CODE_PASS, false,
		true},
	{"both", ORG, "example.org", "spf:example.org dkim:example.org", DMARC_CODE_PASS, true,
		true},
	{"another organization", ORG, "example.org", "spf:example.net dkim:example.net",
		DMARC_CODE_FAIL, false, false},
	/* What other implementations got wrong. */
	{"one letter is a label", "_dmarc.x.com TXT \"v=DMARC1; p=reject\"\n", "x.com",
		"dkim:y.com spf:com", DMARC_CODE_FAIL, false, false},
	{"a top-level domain vouches for nobody", ORG, "example.org", "dkim:org spf:org",
		DMARC_CODE_FAIL, false, false},
	{"one that does not align hides none that does", ORG, "example.org",
		"dkim:example.net dkim:example.org dkim:example.net", DMARC_CODE_PASS, false, true},
	{"an ending is no label", ORG, "example.org", "dkim:badexample.org", DMARC_CODE_FAIL, false,
		false},
	/* Relaxed. */
	{"a sub-domain by DKIM", ORG, "example.org", "dkim:mail.example.org", DMARC_CODE_PASS,
		false, true},
	{"a sub-domain by SPF", ORG, "example.org", "spf:a.b.example.org", DMARC_CODE_PASS, true,
		false},
	{"the organization for its sub-domain", ORG, "mail.example.org", "dkim:example.org",
		DMARC_CODE_PASS, false, true},
	{"one sub-domain for another", ORG, "mail.example.org", "spf:bounce.example.org",
		DMARC_CODE_PASS, true, false},
	{"each has a walk of its own", ORG OWN, "example.org", "dkim:mail.example.org",
		DMARC_CODE_FAIL, false, false},
	{"what is below psd=n is of that organization", OWN ORG, "mail.example.org",
		"dkim:a.mail.example.org", DMARC_CODE_PASS, false, true},
	{"what is above psd=n is not", OWN ORG, "mail.example.org", "dkim:example.org",
		DMARC_CODE_FAIL, false, false},
	{"below a public suffix", SUFFIX, "mail.example.org", "dkim:bounce.example.org",
		DMARC_CODE_PASS, false, true},
	{"two of one public suffix", SUFFIX, "mail.example.org", "dkim:mail.example.net",
		DMARC_CODE_FAIL, false, false},
	{"neighbours below a public suffix", SUFFIX, "example.org", "dkim:other.org",
		DMARC_CODE_FAIL, false, false},
	{"a public suffix for one below it", SUFFIX, "example.org", "dkim:org", DMARC_CODE_FAIL,
		false, false},
	{"a record of a sub-domain alone is an organization", MAIL, "mail.example.org",
		"dkim:example.org", DMARC_CODE_FAIL, false, false},
	{"and its sub-domains are in it", MAIL, "mail.example.org", "dkim:x.mail.example.org",
		DMARC_CODE_PASS, false, true},
	/* Strict. */
	{"strict: the same name", STRICT, "example.org", "spf:example.org dkim:example.org",
		DMARC_CODE_PASS, true, true},
	{"strict: a sub-domain", STRICT, "example.org", "spf:a.example.org dkim:a.example.org",
		DMARC_CODE_FAIL, false, false},
	{"strict: the organization for its sub-domain", STRICT, "mail.example.org",
		"spf:example.org dkim:example.org", DMARC_CODE_FAIL, false, false},
	{"strict for SPF alone", "_dmarc.example.org TXT \"v=DMARC1; p=reject; aspf=s\"\n",
		"example.org", "spf:a.example.org dkim:a.example.org", DMARC_CODE_PASS, false,
		true},
	{"strict for DKIM alone", "_dmarc.example.org TXT \"v=DMARC1; p=reject; adkim=s\"\n",
		"example.org", "spf:a.example.org dkim:a.example.org", DMARC_CODE_PASS, true,
		false},
	/* No record. */
	{"no record", "", "example.org", "dkim:example.org", DMARC_CODE_NONE, false, false},
	{"a record elsewhere", ORG, "example.net", "dkim:example.net", DMARC_CODE_NONE, false,
		false},
	{"two records", ORG "_dmarc.example.org TXT \"v=DMARC1; p=none\"\n", "example.org",
		"dkim:example.org", DMARC_CODE_NONE, false, false},
	{"a record behind an alias",
		"_dmarc.example.org CNAME d.example.net\nd.example.net TXT \"v=DMARC1; "
		"p=reject\"\n",
		"example.org", "dkim:example.org", DMARC_CODE_PASS, false, true},
	{"a record in two strings", "_dmarc.example.org TXT \"v=DMA\" \"RC1; p=reject\"\n",
		"example.org", "dkim:example.org", DMARC_CODE_PASS, false, true},
	/* Faults. */
	{"the record cannot be had", "_dmarc.example.org servfail\n", "example.org",
		"dkim:example.org", DMARC_CODE_TEMPERROR, false, false},
	{"that of the organization cannot be had", "_dmarc.example.org timeout\n",
		"mail.example.org", "", DMARC_CODE_TEMPERROR, false, false},
	{"the top-level domain's cannot be had, and nobody needs it", ORG "_dmarc.org refused\n",
		"example.org", "dkim:example.org", DMARC_CODE_PASS, false, true},
	{"nor does a stranger", ORG "_dmarc.org refused\n", "example.org", "dkim:example.net",
		DMARC_CODE_FAIL, false, false},
	{"a sub-domain does", ORG "_dmarc.org refused\n", "example.org", "dkim:a.example.org",
		DMARC_CODE_TEMPERROR, false, false},
	{"in strict mode it does not", STRICT "_dmarc.org refused\n", "example.org",
		"dkim:a.example.org", DMARC_CODE_FAIL, false, false},
	{"the identifier's cannot be had", ORG "_dmarc.a.example.org timeout\n", "example.org",
		"dkim:a.example.org", DMARC_CODE_TEMPERROR, false, false},
	{"that of a stranger is not asked for", ORG "_dmarc.example.net timeout\n", "example.org",
		"dkim:example.net", DMARC_CODE_FAIL, false, false},
	{"another vouches", ORG "_dmarc.a.example.org timeout\n", "example.org",
		"dkim:a.example.org spf:b.example.org", DMARC_CODE_PASS, true, false},
	{"SPF cannot tell, and would align", ORG, "example.org", "spf?example.org",
		DMARC_CODE_TEMPERROR, false, false},
	{"DKIM cannot tell, and would align", ORG, "example.org", "dkim?mail.example.org",
		DMARC_CODE_TEMPERROR, false, false},
	{"DKIM cannot tell, and would not align", ORG, "example.org", "dkim?example.net",
		DMARC_CODE_FAIL, false, false},
	{"DKIM cannot tell of one, and vouches by another of that domain", ORG, "example.org",
		"dkim?a.example.org dkim:a.example.org", DMARC_CODE_PASS, false, true},
	{"DKIM cannot tell of two", ORG, "example.org", "dkim?a.example.org dkim?a.example.org",
		DMARC_CODE_TEMPERROR, false, false},
	{"DKIM cannot tell, and SPF vouches", ORG, "example.org",
		"dkim?example.org spf:example.org", DMARC_CODE_PASS, true, false},
};

START_TEST(alignment)
{
	struct dmarc_result r;

	check(aligned[_i].zone, DMARC_BY_TREE, aligned[_i].author, aligned[_i].ids, &r);
	ck_assert_msg(r.code == aligned[_i].code, "%s: %s (%s)", aligned[_i].rule,
		dmarc_code_names[r.code], r.problem == NULL ? "" : r.problem);
	ck_assert_msg(r.spf_aligned == aligned[_i].spf && r.dkim_aligned == aligned[_i].dkim,
		"%s: spf %d, dkim %d", aligned[_i].rule, r.spf_aligned, r.dkim_aligned);
	dmarc_zone_close(&zone);
}
END_TEST

START_TEST(walks_of_identifiers_are_bounded)
{
	char ids[2000] = "";
	struct dmarc_result r;

	for (int i = 0; i < 40; i++)
		snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids),
			"dkim:a%d.b.c.d.example.org ", i);
	check(ORG OWN "_dmarc.d.example.org TXT \"v=DMARC1; psd=n\"\n", DMARC_BY_TREE,
		"example.org", ids, &r);
	ck_assert_int_eq(r.code, DMARC_CODE_FAIL);
	ck_assert_uint_eq(r.walks, DMARC_WALKS_MOST);
	ck_assert_uint_le(zone.count, DMARC_ZONE_QUESTIONS);
	dmarc_zone_close(&zone);
	/* One that has the very name needs none. */
	strcat(ids, "dkim:example.org");
	check(ORG, DMARC_BY_TREE, "example.org", ids, &r);
	ck_assert_int_eq(r.code, DMARC_CODE_PASS);
	dmarc_zone_close(&zone);
}
END_TEST

START_TEST(a_domain_is_walked_once)
{
	struct dmarc_result r;

	check(ORG OWN, DMARC_BY_TREE, "example.org",
		"dkim:mail.example.org dkim:mail.example.org dkim:mail.example.org", &r);
	ck_assert_int_eq(r.code, DMARC_CODE_FAIL);
	ck_assert_uint_eq(r.walks, 1);
	dmarc_zone_close(&zone);
}
END_TEST

/* --- what is wanted ------------------------------------------------------------------------------
 */

#define EXISTS "a.example.org A 192.0.2.1\n"

/* The record is that of example.org. */
static const struct {
	const char *rule, *record, *zone, *author;
	enum dmarc_code code;
	const char *tag, *published, *wanted;
} wants[] = {
	{"p", "p=reject", "", "example.org", DMARC_CODE_FAIL, "p", "reject", "reject"},
	{"p, not sp", "p=quarantine; sp=reject; np=reject", "", "example.org", DMARC_CODE_FAIL, "p",
		"quarantine", "quarantine"},
	{"p for a sub-domain", "p=reject", EXISTS, "a.example.org", DMARC_CODE_FAIL, "p", "reject",
		"reject"},
	{"sp for a sub-domain", "p=reject; sp=none", EXISTS, "a.example.org", DMARC_CODE_FAIL, "sp",
		"none", "none"},
	{"np for one that does not exist", "p=none; sp=quarantine; np=reject", "", "a.example.org",
		DMARC_CODE_FAIL, "np", "reject", "reject"},
	{"sp for one that exists", "p=none; sp=quarantine; np=reject", EXISTS, "a.example.org",
		DMARC_CODE_FAIL, "sp", "quarantine", "quarantine"},
	{"p for one that exists, without sp", "p=none; np=reject", EXISTS, "a.example.org",
		DMARC_CODE_FAIL, "p", "none", "none"},
	{"sp for one that does not, without np", "p=none; sp=reject", "", "a.example.org",
		DMARC_CODE_FAIL, "sp", "reject", "reject"},
	{"a name with other records exists", "p=none; np=reject", "a.example.org MX 1 x.test\n",
		"a.example.org", DMARC_CODE_FAIL, "p", "none", "none"},
	{"a name above others exists", "p=none; np=reject", "x.a.example.org A 192.0.2.1\n",
		"a.example.org", DMARC_CODE_FAIL, "p", "none", "none"},
	{"an alias exists, wherever it leads", "p=none; np=reject",
		"a.example.org CNAME nowhere.test\n", "a.example.org", DMARC_CODE_FAIL, "p", "none",
		"none"},
	{"nobody knows whether it exists", "p=none; np=reject", "a.example.org A servfail\n",
		"a.example.org", DMARC_CODE_TEMPERROR, "p", "none", "none"},
	{"nobody knows, and it does not matter", "p=reject; np=reject",
		"a.example.org A servfail\n", "a.example.org", DMARC_CODE_FAIL, "p", "reject",
		"reject"},
	{"test mode, reject", "p=reject; t=y", "", "example.org", DMARC_CODE_FAIL, "p", "reject",
		"quarantine"},
	{"test mode, quarantine", "p=quarantine; t=y", "", "example.org", DMARC_CODE_FAIL, "p",
		"quarantine", "none"},
	{"test mode, none", "p=none; t=y", "", "example.org", DMARC_CODE_FAIL, "p", "none", "none"},
	{"test mode for sub-domains", "p=none; sp=reject; t=y", EXISTS, "a.example.org",
		DMARC_CODE_FAIL, "sp", "reject", "quarantine"},
	{"pct is not looked at", "p=reject; pct=0", "", "example.org", DMARC_CODE_FAIL, "p",
		"reject", "reject"},
	{"no p is p=none", "sp=reject", "", "example.org", DMARC_CODE_FAIL, "p", "none", "none"},
	{"a broken p with an address", "p=rejekt; rua=mailto:a@b.test", "", "example.org",
		DMARC_CODE_FAIL, "p", "none", "none"},
	{"a broken p without one", "p=rejekt", "", "example.org", DMARC_CODE_NONE, "p", "none",
		"none"},
	{"a broken sp with an address", "p=reject; sp=x; rua=mailto:a@b.test", "", "example.org",
		DMARC_CODE_FAIL, "p", "none", "none"},
	{"a broken np without one", "p=reject; np=x", "", "example.org", DMARC_CODE_NONE, "p",
		"none", "none"},
	{"a broken p with a broken address", "p=x; rua=x", "", "example.org", DMARC_CODE_NONE, "p",
		"none", "none"},
	{"the suffix's policy is for sub-domains", "p=reject",
		"_dmarc.test TXT \"v=DMARC1; p=none; sp=quarantine; psd=y\"\nb.test A 192.0.2.1\n",
		"b.test", DMARC_CODE_FAIL, "sp", "quarantine", "quarantine"},
	{"that of a name below that does not exist", "p=reject",
		"_dmarc.test TXT \"v=DMARC1; p=none; np=reject; psd=y\"\n", "b.test",
		DMARC_CODE_FAIL, "np", "reject", "reject"},
	{"a suffix's own policy", "p=reject",
		"_dmarc.test TXT \"v=DMARC1; p=none; sp=reject; psd=y\"\n", "test", DMARC_CODE_FAIL,
		"p", "none", "none"},
};

START_TEST(policy)
{
	struct dmarc_result r;
	char text[1000];

	snprintf(text, sizeof(text), "_dmarc.example.org TXT \"v=DMARC1; %s\"\n%s",
		wants[_i].record, wants[_i].zone);
	check(text, DMARC_BY_TREE, wants[_i].author, "dkim:example.net", &r);
	ck_assert_msg(r.code == wants[_i].code, "%s: %s", wants[_i].rule, dmarc_code_names[r.code]);
	ck_assert_msg(strcmp(r.tag, wants[_i].tag) == 0, "%s: %s", wants[_i].rule, r.tag);
	ck_assert_msg(strcmp(dmarc_request_names[r.published], wants[_i].published) == 0,
		"%s: %s published", wants[_i].rule, dmarc_request_names[r.published]);
	ck_assert_msg(strcmp(dmarc_request_names[r.wanted], wants[_i].wanted) == 0, "%s: %s wanted",
		wants[_i].rule, dmarc_request_names[r.wanted]);
	dmarc_zone_close(&zone);
}
END_TEST

/* --- the public suffix list ----------------------------------------------------------------------
 */

static const struct {
	const char *rule, *zone, *author, *ids;
	enum dmarc_method method;
	enum dmarc_code code;
	bool by_list;
} lists[] = {
	{"tree: nobody knows of example.org", MAIL, "mail.example.org", "dkim:example.org",
		DMARC_BY_TREE, DMARC_CODE_FAIL, false},
	{"both: the list does", MAIL, "mail.example.org", "dkim:example.org", DMARC_BY_BOTH,
		DMARC_CODE_PASS, true},
	{"both: the walk goes first", ORG, "mail.example.org", "dkim:example.org", DMARC_BY_BOTH,
		DMARC_CODE_PASS, false},
	{"both: what psd=n says is so", OWN, "mail.example.org", "dkim:example.org", DMARC_BY_BOTH,
		DMARC_CODE_FAIL, false},
	{"both: what somebody published is so",
		MAIL "_dmarc.a.example.org TXT \"v=DMARC1; p=none\"\n", "mail.example.org",
		"dkim:a.example.org", DMARC_BY_BOTH, DMARC_CODE_FAIL, false},
	{"both: a suffix is nobody's organization", MAIL, "mail.example.org", "dkim:org",
		DMARC_BY_BOTH, DMARC_CODE_FAIL, false},
	{"both: strangers", MAIL, "mail.example.org", "dkim:other.org", DMARC_BY_BOTH,
		DMARC_CODE_FAIL, false},
	{"both: a fault is a fault", MAIL "_dmarc.example.org timeout\n", "mail.example.org",
		"dkim:example.org", DMARC_BY_BOTH, DMARC_CODE_TEMPERROR, false},
	{"psl: a sub-domain", ORG, "mail.example.org", "dkim:bounce.example.org", DMARC_BY_PSL,
		DMARC_CODE_PASS, false},
	{"psl: psd tags mean nothing", ORG OWN, "example.org", "dkim:mail.example.org",
		DMARC_BY_PSL, DMARC_CODE_PASS, false},
	{"psl: a record between is not found", MAIL, "a.mail.example.org", "", DMARC_BY_PSL,
		DMARC_CODE_NONE, false},
	{"psl: rules with a wildcard", "_dmarc.a.c.kobe.jp TXT \"v=DMARC1; p=reject\"\n",
		"a.c.kobe.jp", "dkim:b.c.kobe.jp", DMARC_BY_PSL, DMARC_CODE_FAIL, false},
	{"psl: the suffix of many", "_dmarc.example.co.uk TXT \"v=DMARC1; p=reject\"\n",
		"a.example.co.uk", "dkim:b.example.co.uk", DMARC_BY_PSL, DMARC_CODE_PASS, false},
	{"psl: a stranger below it", "_dmarc.example.co.uk TXT \"v=DMARC1; p=reject\"\n",
		"example.co.uk", "dkim:other.co.uk", DMARC_BY_PSL, DMARC_CODE_FAIL, false},
	{"psl: a suffix itself", "_dmarc.co.uk TXT \"v=DMARC1; p=reject\"\n", "co.uk",
		"dkim:example.co.uk", DMARC_BY_PSL, DMARC_CODE_FAIL, false},
	{"psl: a suffix nobody knows", "_dmarc.a.invalidtld TXT \"v=DMARC1; p=reject\"\n",
		"a.invalidtld", "dkim:b.a.invalidtld", DMARC_BY_PSL, DMARC_CODE_PASS, false},
	{"psl: A-labels", "_dmarc.xn--55qx5d.cn TXT \"v=DMARC1; p=reject\"\n", "a.xn--55qx5d.cn",
		"dkim:b.xn--55qx5d.cn", DMARC_BY_PSL, DMARC_CODE_NONE, false},
};

START_TEST(public_suffix_list)
{
	struct dmarc_result r;

	check(lists[_i].zone, lists[_i].method, lists[_i].author, lists[_i].ids, &r);
	ck_assert_msg(r.code == lists[_i].code, "%s: %s", lists[_i].rule, dmarc_code_names[r.code]);
	ck_assert_msg(r.by_list == lists[_i].by_list, "%s", lists[_i].rule);
	dmarc_zone_close(&zone);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc_check");
	TCase *c = tcase_create("rules");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, alignment, 0, LENGTH(aligned));
	tcase_add_test(c, walks_of_identifiers_are_bounded);
	tcase_add_test(c, a_domain_is_walked_once);
	tcase_add_loop_test(c, policy, 0, LENGTH(wants));
	tcase_add_loop_test(c, public_suffix_list, 0, LENGTH(lists));
	suite_add_tcase(suite, c);
	return table_run(suite);
}
