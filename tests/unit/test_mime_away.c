/* SPDX-License-Identifier: MIT */
/*
 * test_mime_away.c - GMime is loaded where a rule names what needs it, and nowhere else; what is
 * said where it is missing
 *
 * The dlopen() of this file stands in front of the C library's: nothing can be loaded.
 */
#include <dlfcn.h>

#include "script_case.h"
#include "table.h"

static struct rule r;
static unsigned loads;

void *
dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	loads++;
	return NULL;
}

static void
setup(void)
{
	rule_init(&r);
	loads = 0;
}

static void
teardown(void)
{
	rule_fini(&r);
}

#define MESSAGE(code) "function message(m)\n" code "\nend\n"

static const struct {
	const char *name, *code;
	bool loads;
} rules[] = {
	{"Attachments want it", MESSAGE("for _, p in m:attachments() do end"), true},
	{"Addresses want it", MESSAGE("for _, u in m:urls() do end"), true},
	{"The text of a field wants it", "function headers(m) m:header_text('Subject') end", true},
	{"A name in brackets wants it", MESSAGE("m['urls'](m)"), true},
	{"A helper wants it", "local function f(m) return m:urls() end\n" MESSAGE("f(m)"), true},
	{"A field as received does not", MESSAGE("m:header('Subject')"), false},
	{"A body does not", MESSAGE("m:body(10)"), false},
	{"A variable of that name does not",
		MESSAGE("local urls, attachments = 1, 2 return urls > attachments and nil"), false},
	{"A comment does not", "-- m:attachments()\n" MESSAGE("return nil"), false},
};

START_TEST(rule_loads_it)
{
	rule_try(&r, rules[_i].code, "");
	ck_assert_uint_eq(loads, rules[_i].loads ? 1 : 0);
	if (!rules[_i].loads) {
		ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
		return;
	}
	ck_assert_ptr_eq(r.d.g, NULL);
	ck_assert_msg(strstr(r.d.mistakes, "scripts/x.lua") != NULL, "%s", r.d.mistakes);
	ck_assert_msg(strstr(r.d.mistakes,
			      "libgmime-3.0.so.0 cannot be loaded (on Debian: apt-get install "
			      "libgmime-3.0-0)") != NULL,
		"%s", r.d.mistakes);
}
END_TEST

START_TEST(name_that_is_computed_gets_nothing_and_why)
{
	rule_load(&r,
		MESSAGE("local _ = m:body(1), m:header('Subject')\n"
			"local parts, why = m['attach' .. 'ments'](m)\n"
			"return reject(tostring(parts) .. ': ' .. why)"),
		"");
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "client.example.org", "25");
	drive_helo(&r.d, "client.example.org");
	drive_mail(&r.d, "<bob@example.com>", NULL, NULL);
	drive_rcpt(&r.d, "<to@example.net>");
	rule_expect(rule_outcome(&r, drive_content(&r.d, rule_fields, 1, "x\r\n")),
		"550 5.7.1 nil: libgmime-3.0.so.0 cannot be loaded *");
	ck_assert_uint_eq(loads, 1);
}
END_TEST

START_TEST(text_of_a_field_whose_name_is_computed_is_an_error)
{
	rule_load(&r,
		MESSAGE("local _ = m:header('Subject')\n"
			"return reject(m['header_' .. 'text'](m, 'Subject'))"),
		"");
	rule_expect(rule_session(&r), "failed: scripts/x.lua:3: m:header_text(): libgmime-3.0.so.0 "
				      "cannot be loaded *");
	ck_assert_uint_eq(loads, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mime_away");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, rule_loads_it, 0, LENGTH(rules));
	tcase_add_test(tc, name_that_is_computed_gets_nothing_and_why);
	tcase_add_test(tc, text_of_a_field_whose_name_is_computed_is_an_error);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
