/* SPDX-License-Identifier: MIT */
/*
 * test_dmarc_record.c - plugin dmarc: names, policy records and days
 */
#include <stdint.h>
#include <string.h>

#include "../../plugins/dmarc/dmarc_record.h"
#include "../../plugins/dmarc/dmarc_name.h"
#include "../../plugins/dmarc/dmarc_store.h"
#include "table.h"

/* --- records -------------------------------------------------------------------------------------
 */

/* "p=reject sp=- np=- psd=u adkim=r aspf=r t=n", and what is not usual behind it. */
static const char *
described(const struct dmarc_record *r)
{
	static char text[512];
	static const char *const requests[] = {"none", "quarantine", "reject", "-"};
	static const char psds[] = "uyn";

	snprintf(text, sizeof(text), "p=%s sp=%s np=%s psd=%c adkim=%c aspf=%c t=%c%s%s%.*s%s%.*s",
		requests[r->p], requests[r->sp], requests[r->np], psds[r->psd],
		r->strict_dkim ? 's' : 'r', r->strict_spf ? 's' : 'r', r->testing ? 'y' : 'n',
		r->bad_request ? " bad" : "", r->rua.len > 0 ? " rua=" : "", (int)r->rua.len,
		r->rua.len > 0 ? r->rua.text : "", r->fo.len > 0 ? " fo=" : "", (int)r->fo.len,
		r->fo.len > 0 ? r->fo.text : "");
	return text;
}

#define USUAL " psd=u adkim=r aspf=r t=n"

/* result NULL: it is no record. */
static const struct {
	const char *what, *text, *result;
} records[] = {
	{"the shortest", "v=DMARC1", "p=- sp=- np=-" USUAL},
	{"a semicolon behind it", "v=DMARC1;", "p=- sp=- np=-" USUAL},
	{"a policy", "v=DMARC1; p=reject", "p=reject sp=- np=-" USUAL},
	{"all requests", "v=DMARC1;p=none;sp=quarantine;np=reject",
		"p=none sp=quarantine np=reject" USUAL},
	{"any order behind v", "v=DMARC1; np=none; sp=reject; p=quarantine",
		"p=quarantine sp=reject np=none" USUAL},
	{"blanks wherever they may stand", "v = DMARC1 ;\tp\t=  reject  ; ",
		"p=reject sp=- np=-" USUAL},
	{"names and values in any case", "V=DMARC1; P=Reject; ADKIM=S",
		"p=reject sp=- np=- psd=u adkim=s aspf=r t=n"},
	{"alignment", "v=DMARC1; p=none; adkim=s; aspf=s",
		"p=none sp=- np=- psd=u adkim=s aspf=s t=n"},
	{"relaxed alignment", "v=DMARC1; p=none; adkim=r; aspf=r", "p=none sp=- np=-" USUAL},
	{"alignment that is none is the default", "v=DMARC1; p=none; adkim=strict; aspf=x",
		"p=none sp=- np=-" USUAL},
	{"a public suffix", "v=DMARC1; p=reject; psd=y",
		"p=reject sp=- np=- psd=y adkim=r aspf=r t=n"},
	{"no public suffix", "v=DMARC1; p=reject; psd=n",
		"p=reject sp=- np=- psd=n adkim=r aspf=r t=n"},
	{"the default of psd", "v=DMARC1; p=reject; psd=u", "p=reject sp=- np=-" USUAL},
	{"a psd that is none", "v=DMARC1; p=reject; psd=maybe", "p=reject sp=- np=-" USUAL},
	{"test mode", "v=DMARC1; p=reject; t=y", "p=reject sp=- np=- psd=u adkim=r aspf=r t=y"},
	{"test mode that is none", "v=DMARC1; p=reject; t=yes", "p=reject sp=- np=-" USUAL},
	{"pct, rf and ri mean nothing", "v=DMARC1; p=reject; pct=0; rf=x; ri=-1",
		"p=reject sp=- np=-" USUAL},
	{"unknown tags mean nothing", "v=DMARC1; p=reject; x=y; foo=bar",
		"p=reject sp=- np=-" USUAL},
	{"what is no tag is ignored", "v=DMARC1; reject; p=reject; =none; p; ;; 1=2",
		"p=reject sp=- np=-" USUAL},
	{"the first of two counts", "v=DMARC1; p=reject; p=none; adkim=s; adkim=r",
		"p=reject sp=- np=- psd=u adkim=s aspf=r t=n"},
	{"the first of two, broken", "v=DMARC1; p=rejekt; p=none", "p=- sp=- np=-" USUAL " bad"},
	{"a request that is none", "v=DMARC1; p=r", "p=- sp=- np=-" USUAL " bad"},
	{"an empty request", "v=DMARC1; p=", "p=- sp=- np=-" USUAL " bad"},
	{"one of sub-domains that is none", "v=DMARC1; p=reject; sp=bogus",
		"p=reject sp=- np=-" USUAL " bad"},
	{"one of others that is none", "v=DMARC1; p=reject; np=rejected",
		"p=reject sp=- np=-" USUAL " bad"},
	{"an octet behind a request", "v=DMARC1; p=reject\001", "p=- sp=- np=-" USUAL " bad"},
	{"an address", "v=DMARC1; p=none; rua=mailto:a@b.test",
		"p=none sp=- np=-" USUAL " rua=mailto:a@b.test"},
	{"a size is no part of it", "v=DMARC1; p=none; rua=mailto:a@b.test!10m",
		"p=none sp=- np=-" USUAL " rua=mailto:a@b.test!10m"},
	{"one of two is an address", "v=DMARC1; rua=nobody , mailto:a@b.test",
		"p=- sp=- np=-" USUAL " rua=nobody , mailto:a@b.test"},
	{"an address without its scheme", "v=DMARC1; p=none; rua=a@b.test",
		"p=none sp=- np=-" USUAL},
	{"a scheme without an address", "v=DMARC1; p=none; rua=mailto:", "p=none sp=- np=-" USUAL},
	{"a scheme without a user", "v=DMARC1; p=none; rua=mailto:@b.test",
		"p=none sp=- np=-" USUAL},
	{"another scheme", "v=DMARC1; p=none; rua=https://b.test/x",
		"p=none sp=- np=-" USUAL " rua=https://b.test/x"},
	{"failure options", "v=DMARC1; p=none; fo=1:d:s", "p=none sp=- np=-" USUAL " fo=1:d:s"},
	{"failure options that are none", "v=DMARC1; p=none; fo=1:", "p=none sp=- np=-" USUAL},
	{"others", "v=DMARC1; p=none; fo=x", "p=none sp=- np=-" USUAL},
	{"long ones", "v=DMARC1; p=none; fo=1:d:s:1:d", "p=none sp=- np=-" USUAL},
	{"octets that are not ASCII", "v=DMARC1; p=reject; x=\303\244; \303\244=1",
		"p=reject sp=- np=-" USUAL},
	/* What is none. */
	{"nothing", "", NULL},
	{"a blank in front", " v=DMARC1; p=reject", NULL},
	{"another record", "v=spf1 -all", NULL},
	{"no version", "p=reject", NULL},
	{"the version later", "p=reject; v=DMARC1", NULL},
	{"another version", "v=DMARC2; p=reject", NULL},
	{"a longer version", "v=DMARC10; p=reject", NULL},
	{"a version in lower case", "v=dmarc1; p=reject", NULL},
	{"no semicolon behind the version", "v=DMARC1 p=reject", NULL},
	{"a comma behind the version", "v=DMARC1, p=reject", NULL},
	{"a quote in front", "\"v=DMARC1; p=reject", NULL},
	{"another tag first", "; v=DMARC1; p=reject", NULL},
	{"a version alone", "v", NULL},
	{"a version without a value", "v=; p=reject", NULL},
};

START_TEST(record)
{
	const char *text = records[_i].text;
	struct dmarc_record r;
	bool found = dmarc_record_parse(&r, text, strlen(text));

	ck_assert_msg(found == (records[_i].result != NULL), "%s", records[_i].what);
	if (found)
		ck_assert_msg(strcmp(described(&r), records[_i].result) == 0, "%s: %s",
			records[_i].what, described(&r));
}
END_TEST

START_TEST(a_nul_ends_nothing)
{
	static const char text[] = "v=DMARC1; p=none\0; sp=reject; p=reject";
	struct dmarc_record r;

	ck_assert(dmarc_record_parse(&r, text, sizeof(text) - 1));
	ck_assert_str_eq(described(&r), "p=- sp=reject np=-" USUAL " bad");
	ck_assert(!dmarc_record_parse(&r, "v=DMARC1\0", 9));
}
END_TEST

static const struct {
	const char *list;
	const char *uris[3]; /* ends in NULL */
} lists[] = {
	{"mailto:a@b.test", {"mailto:a@b.test"}},
	{"mailto:a@b.test!10m", {"mailto:a@b.test"}},
	{"mailto:a@b.test, mailto:c@d.test", {"mailto:a@b.test", "mailto:c@d.test"}},
	{"x, mailto:c@d.test ,, https://e.test", {"mailto:c@d.test", "https://e.test"}},
	{"mailto:a b@c.test,mailto:<a@b.test>,mailto:a@b.test", {"mailto:a@b.test"}},
};

START_TEST(uris)
{
	char text[200];
	struct dmarc_slice rest, uri;
	struct dmarc_record r;
	size_t i = 0;

	snprintf(text, sizeof(text), "v=DMARC1; rua=%s", lists[_i].list);
	ck_assert(dmarc_record_parse(&r, text, strlen(text)));
	for (rest = r.rua; dmarc_record_rua(&rest, &uri); i++) {
		ck_assert_ptr_nonnull(lists[_i].uris[i]);
		ck_assert_uint_eq(uri.len, strlen(lists[_i].uris[i]));
		ck_assert(memcmp(uri.text, lists[_i].uris[i], uri.len) == 0);
	}
	ck_assert_ptr_null(lists[_i].uris[i]);
}
END_TEST

/* --- names ---------------------------------------------------------------------------------------
 */

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10
#define X63 X60 "xxx"

/* result NULL: no host could be called that. */
static const struct {
	const char *text, *result;
} names[] = {
	{"example.org", "example.org"},
	{"Example.ORG", "example.org"},
	{"example.org.", "example.org"},
	{"org", "org"},
	{"a_b.-x-.example.org", "a_b.-x-.example.org"},
	{"xn--bcher-kva.example", "xn--bcher-kva.example"},
	{"b\303\274cher.example", "xn--bcher-kva.example"},
	{"B\303\234CHER.example", "xn--bcher-kva.example"},
	{"bu\314\210cher.example", "xn--bcher-kva.example"},
	{"b\303\274cher\343\200\202example", "xn--bcher-kva.example"},
	{"\357\275\205xample.org", "example.org"},
	{"fa\303\237.example", "xn--fa-hia.example"},
	{X63 "." X63 "." X63 "." X60 "x", X63 "." X63 "." X63 "." X60 "x"},
	{"", NULL},
	{".", NULL},
	{"..", NULL},
	{".example.org", NULL},
	{"example..org", NULL},
	{"example.org..", NULL},
	{"exam ple.org", NULL},
	{"example.org/", NULL},
	{"[192.0.2.1]", NULL},
	{"example.org!x", NULL},
	{X63 "x.org", NULL},
	{X63 "." X63 "." X63 "." X60 "xx", NULL},
	{"\303\050.example", NULL},
	{"\377.example", NULL},
	{"a\302\205b.example", NULL},
};

START_TEST(name)
{
	char out[DMARC_NAME_SIZE];
	bool ok = dmarc_name(out, names[_i].text);

	ck_assert_msg(ok == (names[_i].result != NULL), "%s: %s", names[_i].text, out);
	ck_assert_str_eq(out, ok ? names[_i].result : "");
}
END_TEST

START_TEST(parts_of_names)
{
	const char *text = "a.mail.example.org";

	ck_assert_uint_eq(dmarc_name_labels(text), 4);
	ck_assert_uint_eq(dmarc_name_labels("org"), 1);
	ck_assert_uint_eq(dmarc_name_labels(""), 0);
	ck_assert_str_eq(dmarc_name_parent(text), "mail.example.org");
	ck_assert_ptr_null(dmarc_name_parent("org"));
	ck_assert_str_eq(dmarc_name_last(text, 2), "example.org");
	ck_assert_str_eq(dmarc_name_last(text, 4), text);
	ck_assert_str_eq(dmarc_name_last(text, 9), text);
	ck_assert(dmarc_name_within(text, "example.org"));
	ck_assert(dmarc_name_within("example.org", "example.org"));
	ck_assert(!dmarc_name_within("badexample.org", "example.org"));
	ck_assert(!dmarc_name_within("org", "example.org"));
	/* One letter is a label like any other. */
	ck_assert(!dmarc_name_within("y.com", "x.com"));
}
END_TEST

/* --- days ----------------------------------------------------------------------------------------
 */

static const struct {
	const char *text;
	int64_t begin; /* -1: no day */
} days[] = {
	{"1970-01-01", 0},
	{"1970-12-31", 31449600},
	{"2000-02-29", 951782400},
	{"2026-05-31", 1780185600},
	{"2028-02-29", 1835395200},
	{"2100-03-01", 4107542400},
	{"2027-02-29", -1},
	{"2100-02-29", -1},
	{"2026-13-01", -1},
	{"2026-00-01", -1},
	{"2026-01-00", -1},
	{"2026-04-31", -1},
	{"1969-12-31", -1},
	{"2026-1-1", -1},
	{"2026/01/01", -1},
	{"2026-01-01 ", -1},
	{"20x6-01-01", -1},
	{"", -1},
};

START_TEST(day)
{
	char text[DMARC_DATE_SIZE];
	int64_t begin = days[_i].begin;

	ck_assert_int_eq(dmarc_date_read(days[_i].text), begin);
	if (begin < 0)
		return;
	dmarc_date(text, begin);
	ck_assert_str_eq(text, days[_i].text);
	dmarc_date(text, begin + DMARC_DAY - 1);
	ck_assert_str_eq(text, days[_i].text);
	dmarc_date(text, begin + DMARC_DAY);
	ck_assert_str_ne(text, days[_i].text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc_record");
	TCase *c = tcase_create("rules");

	tcase_add_loop_test(c, record, 0, LENGTH(records));
	tcase_add_test(c, a_nul_ends_nothing);
	tcase_add_loop_test(c, uris, 0, LENGTH(lists));
	tcase_add_loop_test(c, name, 0, LENGTH(names));
	tcase_add_test(c, parts_of_names);
	tcase_add_loop_test(c, day, 0, LENGTH(days));
	suite_add_tcase(suite, c);
	return table_run(suite);
}
