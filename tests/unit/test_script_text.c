/* SPDX-License-Identifier: MIT */
/*
 * test_script_text.c - m:header_text(): what a rule gets, when, and within which budget
 */
#include "base/buf.h"
#include "script_case.h"
#include "table.h"

static struct rule r;

static void
setup(void)
{
	rule_init(&r);
}

static void
teardown(void)
{
	rule_fini(&r);
}

#define HEADERS(code) "function headers(m)\n" code "\nend\n"
#define SAY(what)     HEADERS("return reject('(' .. tostring(" what ") .. ')')")

static const struct {
	const char *name, *code, *want;
} rules[] = {
	{"The first", SAY("m:header_text('Subject')"), "550 5.7.1 (Big sale now)"},
	{"Whatever its case", SAY("m:header_text('SUBJECT')"), "550 5.7.1 (Big sale now)"},
	{"The second", SAY("m:header_text('Subject', 2)"), "550 5.7.1 (two)"},
	{"No third", SAY("m:header_text('Subject', 3)"), "550 5.7.1 (nil)"},
	{"No such field", SAY("m:header_text('List-Id')"), "550 5.7.1 (nil)"},
	{"An empty one", SAY("m:header_text('X-Empty')"), "550 5.7.1 ()"},
	{"A display name", SAY("m:header_text('From')"),
		"550 5.7.1 (\"Big Boss\" <bob@example.com>)"},
	{"As received it is another", SAY("m:header('Subject', 2)"),
		"550 5.7.1 ( =?utf-8?B?dHdv?=)"},
	{"It is UTF-8", SAY("utf8.len(m:header_text('X-Octets'))"), "550 5.7.1 (3)"},
	{"At the end of the message, too",
		"function message(m) return reject(m:header_text('Subject')) end",
		"550 5.7.1 Big sale now"},
	{"Zero", HEADERS("m:header_text('Subject', 0)"),
		"failed: scripts/x.lua:2: bad argument #2 to 'header_text' (fields are counted "
		"from "
		"1)*"},
	{"Before there are fields", "function mail(m) m:header_text('Subject') end",
		"failed: scripts/x.lua:1: message.header_text is known from stage headers on, not "
		"at mail*"},
	{"A name that is computed was not asked for", HEADERS("m['header_' .. 'text'](m, 'X')"),
		"failed: scripts/x.lua:2: message.header_text needs its name written in the rule*"},
	{"Where nothing may wait",
		HEADERS("local t\ntable.sort({ 1, 2 }, function(a, b) t = m:header_text('Subject') "
			"return a < b end)\nreturn reject(t)"),
		"550 5.7.1 Big sale now"},
};

static const struct cm_header fields[] = {
	{"From", " \"=?utf-8?Q?Big_Boss?=\" <bob@example.com>"},
	{"Subject", " =?utf-8?Q?Big?= \r\n =?koi8-r?B?IHNhbGU=?=\r\n\tnow"},
	{"Subject", " =?utf-8?B?dHdv?="},
	{"X-Empty", ""},
	{"X-Octets", "a\xff"
		     "b"},
};

static const char *
outcome(const struct cm_header *list, size_t count)
{
	enum cm_verdict v;

	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "client.example.org", "25");
	drive_helo(&r.d, "client.example.org");
	v = drive_mail(&r.d, "<bob@example.com>", NULL, NULL);
	if (v == CM_CONTINUE)
		v = drive_rcpt(&r.d, "<to@example.net>");
	return rule_outcome(&r, v == CM_CONTINUE ? drive_content(&r.d, list, count, "x\r\n") : v);
}

START_TEST(rule_gets)
{
	rule_load(&r, rules[_i].code, "");
	rule_expect(outcome(fields, LENGTH(fields)), rules[_i].want);
}
END_TEST

/* A header section of hundreds of kilobytes, which a rule reads again and again. */
static void
expect_of_large_field(const char *code, const char *budget, const char *want)
{
	struct cm_header field = {.name = "Subject"};
	struct buf value;

	buf_init(&value, 0);
	while (value.len < 300000)
		buf_add_str(&value, "=?utf-8?Q?a?= =?x?B?Yg==?= ");
	field.value = value.data;
	rule_load(&r, code, budget);
	rule_expect(outcome(&field, 1), want);
	buf_fini(&value);
}

START_TEST(large_field_is_bounded)
{
	expect_of_large_field(
		SAY("#m:header_text('Subject') < 16384"), "cpu = 10s", "550 5.7.1 (true)");
}
END_TEST

START_TEST(reading_it_for_ever_ends_with_the_budget)
{
	expect_of_large_field(
		HEADERS("while true do pcall(function() m:header_text('Subject') end) end"),
		"cpu = 200ms",
		"failed: scripts/x.lua:2: headers() used its 200ms of processor time*");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_text");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, rule_gets, 0, LENGTH(rules));
	tcase_add_test(tc, large_field_is_bounded);
	tcase_add_test(tc, reading_it_for_ever_ends_with_the_budget);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
