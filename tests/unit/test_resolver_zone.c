/* SPDX-License-Identifier: MIT */
/*
 * test_resolver_zone.c - questions that a zone file answers, and files that are none
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "conf/diag.h"
#include "service/dns_type.h"
#include "service/resolver.h"
#include "table.h"
#include "temp.h"

static char dir[TEMP_NAME_SIZE], path[TEMP_NAME_SIZE + 16];

static void
setup(void)
{
	ck_assert(temp_dir(dir, "chainmail-zone"));
	snprintf(path, sizeof(path), "%s/zone", dir);
}

static void
teardown(void)
{
	remove(path);
	remove(dir);
}

static void
write_zone(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static const char zone[] = "# a comment\n"
			   "\n"
			   "example.org       A     192.0.2.1\n"
			   "example.org  60   A     192.0.2.2   # and why\n"
			   "Example.ORG.      aaaa  2001:DB8::1\n"
			   "example.org       MX    10 Mail.Example.Org.\n"
			   "example.org       MX    0 .\n"
			   "example.org       TXT   \"v=spf1 \" \"-all\"\n"
			   "example.org       TXT   \"a \\\"b\\\" \\\\ \\000\\255 # no comment\"\n"
			   "example.org\tNS\tns1.example.org\r\n"
			   "1.2.0.192.in-addr.arpa PTR example.org\n"
			   "www.example.org   CNAME web.example.org\n"
			   "web.example.org   CNAME example.org\n"
			   "brief.example 7   CNAME example.org\n"
			   "loop1.example.org CNAME loop2.example.org\n"
			   "loop2.example.org CNAME loop1.example.org\n"
			   "odd\\032name.x     A     192.0.2.3\n"
			   "*.bl.example      A     127.0.0.2\n"
			   "there.bl.example  TXT   \"only this\"\n"
			   "slow.example      timeout\n"
			   "half.example      A     192.0.2.4\n"
			   "half.example      timeout\n"
			   "bad.example       TXT   servfail\n"
			   "bad.example       A     192.0.2.5\n"
			   "no.example        refused\n"
			   "forged.example    A     bogus\n"
			   "stuck.example     CNAME servfail\n"
			   "gone.example      nxdomain\n";

static const char *const statuses[] = {
	[CM_DNS_FOUND] = "found",
	[CM_DNS_NO_DATA] = "nodata",
	[CM_DNS_NO_NAME] = "nxdomain",
	[CM_DNS_TIMEOUT] = "timeout",
	[CM_DNS_SERVFAIL] = "servfail",
	[CM_DNS_REFUSED] = "refused",
	[CM_DNS_BOGUS] = "bogus",
	[CM_DNS_BAD_NAME] = "badname",
};

static const struct {
	const char *name, *asked;
	enum cm_dns_type type;
	const char *said;
} questions[] = {
	{"addresses in their order, with the shortest TTL", "example.org", CM_DNS_A,
		"found 60: 192.0.2.1, 192.0.2.2"},
	{"case and dot of the question do not matter", "EXAMPLE.org.", CM_DNS_AAAA,
		"found 300: 2001:db8::1"},
	{"exchangers", "example.org", CM_DNS_MX, "found 300: 10 mail.example.org, "},
	{"texts", "example.org", CM_DNS_TXT,
		"found 300: v=spf1 -all, a \"b\" \\ 0\xff # no comment"},
	{"a line with CR", "example.org", CM_DNS_NS, "found 300: ns1.example.org"},
	{"a reverse name", "1.2.0.192.in-addr.arpa", CM_DNS_PTR, "found 300: example.org"},
	{"a chain of aliases", "www.example.org", CM_DNS_AAAA, "found 300: 2001:db8::1"},
	{"an alias that holds for less", "brief.example", CM_DNS_AAAA, "found 7: 2001:db8::1"},
	{"and for what it has not", "brief.example", CM_DNS_PTR, "nodata 7:"},
	{"an alias itself", "www.example.org", CM_DNS_CNAME, "found 300: web.example.org"},
	{"a loop of aliases", "loop1.example.org", CM_DNS_A, "servfail 0:"},
	{"an alias of what has no such record", "www.example.org", CM_DNS_PTR, "nodata 300:"},
	{"a name with a blank", "odd name.x", CM_DNS_A, "found 300: 192.0.2.3"},
	{"a wildcard", "1.2.3.4.bl.example", CM_DNS_A, "found 300: 127.0.0.2"},
	{"a wildcard is not for names that are there", "there.bl.example", CM_DNS_A, "nodata 300:"},
	{"nor for what is below them", "x.there.bl.example", CM_DNS_A, "nxdomain 300:"},
	{"nor for the name above it", "bl.example", CM_DNS_A, "nodata 300:"},
	{"a name between two that are there", "arpa", CM_DNS_A, "nodata 300:"},
	{"a name that is not there", "nobody.example", CM_DNS_A, "nxdomain 300:"},
	{"a name that says so", "gone.example", CM_DNS_A, "nxdomain 300:"},
	{"a name that is silent", "slow.example", CM_DNS_TXT, "timeout 0:"},
	{"a name that is silent but for its record", "half.example", CM_DNS_A,
		"found 300: 192.0.2.4"},
	{"and silent for others", "half.example", CM_DNS_MX, "timeout 0:"},
	{"a type that fails", "bad.example", CM_DNS_TXT, "servfail 0:"},
	{"an alias that fails", "stuck.example", CM_DNS_CNAME, "servfail 0:"},
	{"which leads nowhere", "stuck.example", CM_DNS_A, "nodata 300:"},
	{"and one that does not", "bad.example", CM_DNS_A, "found 300: 192.0.2.5"},
	{"a refusal", "no.example", CM_DNS_A, "refused 0:"},
	{"a forgery", "forged.example", CM_DNS_A, "bogus 0:"},
	{"no name", "a..b", CM_DNS_A, "badname 1:"},
};

static const char *
show(const struct cm_dns_answer *a)
{
	static char text[512];
	int len = snprintf(text, sizeof(text), "%s %u:", statuses[a->status], a->ttl);

	for (size_t i = 0; i < a->count; i++) {
		const struct cm_dns_record *r = &a->records[i];

		len += snprintf(text + len, sizeof(text) - (size_t)len, "%s ", i > 0 ? "," : "");
		if (r->preference > 0)
			len += snprintf(
				text + len, sizeof(text) - (size_t)len, "%u ", r->preference);
		for (size_t k = 0; k < r->len; k++)
			text[len++] = r->text[k] == '\0' ? '0' : r->text[k];
		text[len] = '\0';
	}
	return text;
}

START_TEST(zone_answers)
{
	struct diag *diag = diag_new();
	struct cm_dns_answer a;
	struct resolver *r;
	struct question *q;

	write_zone(zone, strlen(zone));
	clock_freeze(1000000);
	r = resolver_open_zone(path, diag);
	ck_assert_ptr_nonnull(r);
	for (int round = 0; round < 2; round++) {
		q = resolver_ask(r, questions[_i].asked, questions[_i].type);
		question_wait(q, clock_now(), &a);
		ck_assert_msg(strcmp(show(&a), questions[_i].said) == 0, "%s: %s",
			questions[_i].name, show(&a));
		question_drop(q);
	}
	resolver_close(r);
	diag_free(diag);
	clock_thaw();
}
END_TEST

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct {
	const char *name, *text;
	size_t len;
	const char *mistake;
} mistakes[] = {
	{"a name alone", TEXT("a.example"), ":1: error: a type and a value are missing"},
	{"no name", TEXT("\na..b A 192.0.2.1"), ":2: error: this is not a name DNS could have"},
	{"an unknown type", TEXT("a SRV x"), ":1: error: expected a type"},
	{"no value", TEXT("a A"), ":1: error: A needs an IPv4 address"},
	{"the wrong family", TEXT("a AAAA 192.0.2.1"), ":1: error: AAAA needs an IPv6 address"},
	{"an exchanger without preference", TEXT("a MX b"), ":1: error: the preference of MX"},
	{"an exchanger without name", TEXT("a MX 10"), ":1: error: the name is missing"},
	{"a preference that is too large", TEXT("a MX 65536 b"), "a number up to 65535"},
	{"a text without quotes", TEXT("a TXT b"), ":1: error: TXT needs a text in double quotes"},
	{"a text that is not closed", TEXT("a TXT \"b"), ":1: error: the string is not closed"},
	{"half an escape", TEXT("a TXT \"b\\1"), "\\ needs three digits"},
	{"an escape that is too large", TEXT("a TXT \"\\256\""), "at most 255"},
	{"a backslash at the end", TEXT("a TXT \"b\\"), "nothing stands behind"},
	{"something behind the value", TEXT("a A 192.0.2.1 x"), "something behind the value"},
	{"something behind a failure", TEXT("a timeout x"), "something behind the value"},
	{"a TTL alone", TEXT("a 300"), "a type is missing behind the TTL"},
	{"a TTL that is too large", TEXT("a 2147483648 A 192.0.2.1"), "a number of seconds"},
	{"a TTL with a unit", TEXT("a 5min A 192.0.2.1"), "a number of seconds"},
	{"NUL", TEXT("a A 192.0.2.1\0"), "something behind the value"},
};

START_TEST(mistake_is_named)
{
	struct diag *diag = diag_new();
	char *said;
	size_t len;
	FILE *f = open_memstream(&said, &len);

	write_zone(mistakes[_i].text, mistakes[_i].len);
	ck_assert_ptr_null(resolver_open_zone(path, diag));
	ck_assert_uint_eq(diag_errors(diag), 1);
	diag_print(diag, f);
	fclose(f);
	ck_assert_msg(
		strstr(said, mistakes[_i].mistake) != NULL, "%s: %s", mistakes[_i].name, said);
	free(said);
	diag_free(diag);
}
END_TEST

START_TEST(missing_file_is_named)
{
	struct diag *diag = diag_new();
	char *said;
	size_t len;
	FILE *f = open_memstream(&said, &len);

	ck_assert_ptr_null(resolver_open_zone(path, diag));
	diag_print(diag, f);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(said, "zone: error: No such file or directory"));
	free(said);
	diag_free(diag);
}
END_TEST

/* --- a text that must answer everything --------------------------------------------------------
 */

static char missed[200];

static void
miss(void *context, const char *name, enum cm_dns_type type)
{
	size_t len = strlen(missed);

	ck_assert_ptr_eq(context, &missed);
	snprintf(missed + len, sizeof(missed) - len, "%s/%d ", name, (int)type);
}

static const struct {
	const char *name;
	enum cm_dns_type type;
	enum cm_dns_status status;
	const char *missed;
} strict[] = {
	{"Example.org.", CM_DNS_A, CM_DNS_FOUND, ""},
	{"www.example.org", CM_DNS_MX, CM_DNS_FOUND, ""},
	{"any.bl.example", CM_DNS_A, CM_DNS_FOUND, ""},
	{"gone.example", CM_DNS_TXT, CM_DNS_NO_NAME, ""},
	{"slow.example", CM_DNS_PTR, CM_DNS_TIMEOUT, ""},
	{"bad.example", CM_DNS_TXT, CM_DNS_SERVFAIL, ""},
	{"loop1.example.org", CM_DNS_A, CM_DNS_SERVFAIL, ""},
	{"there.bl.example", CM_DNS_A, CM_DNS_SERVFAIL, "there.bl.example/1 "},
	{"web.example.org", CM_DNS_PTR, CM_DNS_SERVFAIL, "web.example.org/12 "},
	{"NEW.example", CM_DNS_AAAA, CM_DNS_SERVFAIL, "new.example/28 "},
	{"bl.example", CM_DNS_A, CM_DNS_SERVFAIL, "bl.example/1 "},
};

START_TEST(what_a_text_does_not_answer_is_told)
{
	struct diag *diag = diag_new();
	struct resolver *r = resolver_open_text("text", zone, sizeof(zone) - 1, miss, missed, diag);
	struct cm_dns_answer answer;
	struct question *q;

	ck_assert_ptr_nonnull(r);
	missed[0] = '\0';
	q = resolver_ask(r, strict[_i].name, strict[_i].type);
	question_wait(q, clock_now(), &answer);
	ck_assert_str_eq(statuses[answer.status], statuses[strict[_i].status]);
	ck_assert_str_eq(missed, strict[_i].missed);
	question_drop(q);
	resolver_close(r);
	diag_free(diag);
}
END_TEST

START_TEST(a_text_has_mistakes_like_a_file)
{
	static const char text[] = "a.example A 192.0.2.1\nb.example A x\n";
	struct diag *diag = diag_new();

	ck_assert_ptr_null(resolver_open_text("text", text, sizeof(text) - 1, miss, missed, diag));
	ck_assert_str_eq(diag_first(diag), "A needs an IPv4 address");
	diag_free(diag);
}
END_TEST

/* What has a name can be written. */
START_TEST(every_type_has_a_reader)
{
	for (size_t i = 0; i < dns_type_count; i++) {
		struct diag *diag = diag_new();
		char text[64];
		int len = snprintf(text, sizeof(text), "a.example %s\n", dns_types[i].name);

		ck_assert_ptr_null(
			resolver_open_text("text", text, (size_t)len, miss, missed, diag));
		ck_assert_msg(strstr(diag_first(diag), "expected a type") == NULL, "%s: %s",
			dns_types[i].name, diag_first(diag));
		diag_free(diag);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("resolver_zone");
	TCase *tc = tcase_create("zone");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, zone_answers, 0, LENGTH(questions));
	tcase_add_loop_test(tc, mistake_is_named, 0, LENGTH(mistakes));
	tcase_add_test(tc, missing_file_is_named);
	tcase_add_loop_test(tc, what_a_text_does_not_answer_is_told, 0, LENGTH(strict));
	tcase_add_test(tc, a_text_has_mistakes_like_a_file);
	tcase_add_test(tc, every_type_has_a_reader);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
