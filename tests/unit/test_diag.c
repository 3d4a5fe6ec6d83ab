/* SPDX-License-Identifier: MIT */
/*
 * test_diag.c - how mistakes are kept, sorted and printed
 */
#include "conf/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "conf_case.h"
#include "table.h"

static struct diag *diag;

static const char profile[] =
	"    chain = [ zen, helo_checks, spf, greylist, dkmi, dmarc, content, soft_and_unsigned, "
	"tag_subject ]";

static void
setup(void)
{
	diag = diag_new();
}

static void
teardown(void)
{
	diag_free(diag);
}

static struct conf_source
source_of(const char *name, const char *text)
{
	return (struct conf_source){.name = name, .text = text, .len = strlen(text)};
}

static void
assert_output(const char *wanted)
{
	char *output = conf_case_output(diag);

	ck_assert_msg(strcmp(output, wanted) == 0, "%s\nwanted:\n%s", output, wanted);
	free(output);
}

/* What docs/CONFIG.md shows of checks that are made elsewhere. */
START_TEST(name_that_is_not_defined)
{
	char text[512];
	struct conf_source source;
	struct conf_pos pos = {.line = 93, .column = 48, .width = 4, .source = &source};

	memset(text, '\n', 92);
	snprintf(text + 92, sizeof(text) - 92, "%s\n", profile);
	source = source_of("filter.conf", text);
	diag_error(diag, pos, NULL, "chain names \"%s\", which is not defined", "dkmi");
	diag_help(diag, "did you mean \"%s\"?", "dkim");
	assert_output(
		"filter.conf:93:48: error: chain names \"dkmi\", which is not defined\n"
		"   93 |     chain = [ zen, helo_checks, spf, greylist, dkmi, dmarc, content, "
		"soft_and_unsigned, tag_subject ]\n"
		"      |                                                ^~~~\n"
		"      = help: did you mean \"dkim\"?\n"
		"\n1 error, 0 warnings.");
}
END_TEST

START_TEST(mistakes_in_other_files)
{
	diag_warn_in(diag, "/etc/postfix/sender_login_maps", 17,
		"\"%s\" has no login behind it; line ignored", "info@example.com");
	diag_error_in(diag, "scripts/tag_subject.lua", 4, "'then' expected near 'm'");
	diag_error_in(diag, "partners.cidr", 0, "cannot open");
	diag_help(diag, "chmod g+r it");
	assert_output(
		"/etc/postfix/sender_login_maps:17: warning: \"info@example.com\" has no login "
		"behind it; line ignored\n"
		"scripts/tag_subject.lua:4: error: 'then' expected near 'm'\n"
		"partners.cidr: error: cannot open\n"
		"      = help: chmod g+r it\n"
		"\n2 errors, 1 warning.");
}
END_TEST

START_TEST(what_is_forgiven_is_a_warning)
{
	struct err first;

	diag_error_in(diag, "a.lua", 1, "said before");
	diag_warn_in(diag, "b.lua", 2, "only a warning");
	diag_error_in(diag, "c.lua", 3, "forgiven");
	diag_error_in(diag, "d.lua", 0, "forgiven, too");
	diag_tell_first(diag, &first);
	ck_assert_str_eq(first.text, "a.lua:1: said before");
	diag_forgive(diag, 1, &first);
	ck_assert_str_eq(first.text, "c.lua:3: forgiven");
	assert_output("a.lua:1: error: said before\n"
		      "b.lua:2: warning: only a warning\n"
		      "c.lua:3: warning: forgiven\n"
		      "d.lua: warning: forgiven, too\n"
		      "\n1 error, 3 warnings.");
}
END_TEST

static const struct {
	const char *name;
	const char *text;
	struct conf_pos pos; /* without its source */
	const char *label;
	const char *output;
} layouts[] = {
	{"a width of nothing is one column", "a = b\n", {.line = 1, .column = 5}, NULL,
		"x:1:5: error: said\n    1 | a = b\n      |     ^\n"},
	{"a label stands behind the caret", "a = b\n", {.line = 1, .column = 5, .width = 1}, "here",
		"x:1:5: error: said\n    1 | a = b\n      |     ^ here\n"},
	{"one behind the end is where something is missing", "a =\n", {.line = 1, .column = 4},
		NULL, "x:1:4: error: said\n    1 | a =\n      |    ^\n"},
	{"a column that is not there has no caret", "a =\n", {.line = 1, .column = 9}, NULL,
		"x:1:9: error: said\n    1 | a =\n"},
	{"a width ends with the line", "a = b\n", {.line = 1, .column = 5, .width = 99}, NULL,
		"x:1:5: error: said\n    1 | a = b\n      |     ^\n"},
	{"a line that is not there is not shown", "a = b\n", {.line = 3, .column = 1}, NULL,
		"x:3:1: error: said\n"},
	{"the last line has no end", "a\nb = c", {.line = 2, .column = 1}, NULL,
		"x:2:1: error: said\n    2 | b = c\n      | ^\n"},
	{"an empty line", "a\n\nb\n", {.line = 2, .column = 1}, NULL,
		"x:2:1: error: said\n    2 | \n      | ^\n"},
	{"the whole file", "a\n", {.line = 0}, NULL, "x: error: said\n"},
	{"the end of a line of Windows is not shown", "a = b\r\n", {.line = 1, .column = 1}, NULL,
		"x:1:1: error: said\n    1 | a = b\n      | ^\n"},
	{"what a terminal would act on is not shown", "\033[2J\x9b\xc2\x9b = b\n",
		{.line = 1, .column = 9}, NULL,
		"x:1:9: error: said\n    1 | ?[2J??? = b\n      |         ^\n"},
	{"wide characters take two columns, combining ones none",
		"\345\255\227e\314\201 = \345\255\227\345\255\227 x\n",
		{.line = 1, .column = 7, .width = 2}, NULL,
		"x:1:7: error: said\n    1 | \345\255\227e\314\201 = "
		"\345\255\227\345\255\227 x\n      |       ^~~~\n"},
	{"tabs stand in both lines", "\ta\t= b\n", {.line = 1, .column = 6}, NULL,
		"x:1:6: error: said\n    1 | \ta\t= b\n      | \t \t  ^\n"},
	{"letters of several octets are one column", "\xc3\xa4\xe2\x82\xac = b\n",
		{.line = 1, .column = 6}, NULL,
		"x:1:6: error: said\n    1 | \xc3\xa4\xe2\x82\xac = b\n      |      ^\n"},
};

START_TEST(line_and_caret_stand_below_each_other)
{
	struct conf_source source = source_of("x", layouts[_i].text);
	struct conf_pos pos = layouts[_i].pos;
	char wanted[512];

	pos.source = &source;
	diag_error(diag, pos, layouts[_i].label, "said");
	snprintf(wanted, sizeof(wanted), "%s\n1 error, 0 warnings.", layouts[_i].output);
	assert_output(wanted);
}
END_TEST

START_TEST(very_long_line_is_cut)
{
	char text[2001];
	struct conf_source source;
	char *output;

	memset(text, 'a', 2000);
	text[2000] = '\0';
	source = source_of("x", text);
	diag_error(diag, (struct conf_pos){&source, 1, 1, 2000}, NULL, "said");
	diag_error(diag, (struct conf_pos){&source, 1, 1500, 1}, NULL, "said");
	output = conf_case_output(diag);
	ck_assert_uint_lt(strlen(output), 1500);
	free(output);
}
END_TEST

START_TEST(hostile_text_in_a_message_is_escaped)
{
	diag_error_in(diag, "a\nb", 1, "said \"%s\"", "\033[2J\n\xff\xc3\xa4");
	diag_help(diag, "write %s", "\r");
	assert_output("a\\x0ab:1: error: said \"\\x1b[2J\\x0a\\xff\xc3\xa4\"\n"
		      "      = help: write \\x0d\n"
		      "\n1 error, 0 warnings.");
}
END_TEST

START_TEST(order_is_that_of_files_and_lines)
{
	struct conf_source top = source_of("top", ""), b = source_of("b", ""),
			   a = source_of("a", "");
	struct conf_source c = source_of("c", "");

	a.includer = b.includer = c.includer = &top;
	a.includer_line = b.includer_line = 5;
	c.includer = &b;
	c.includer_line = 1;
	diag_error_in(diag, "map", 1, "ten");
	diag_error(diag, (struct conf_pos){&c, 2, 1, 1}, NULL, "nine");
	diag_error(diag, (struct conf_pos){&b, 9, 1, 1}, NULL, "eight");
	diag_warn(diag, (struct conf_pos){&a, 7, 3, 1}, NULL, "seven");
	diag_error(diag, (struct conf_pos){&a, 7, 2, 1}, NULL, "five");
	diag_error(diag, (struct conf_pos){&a, 7, 2, 1}, NULL, "six");
	diag_help(diag, "once");
	diag_help(diag, "twice");
	diag_error(diag, (struct conf_pos){&top, 20, 1, 1}, NULL, "four");
	diag_error(diag, (struct conf_pos){&top, 3, 1, 1}, NULL, "three");
	diag_error(diag, (struct conf_pos){&top, 2, 9, 1}, NULL, "two");
	diag_error(diag, (struct conf_pos){&top, 0, 0, 0}, NULL, "one");
	assert_output("top: error: one\n"
		      "top:2:9: error: two\n"
		      "top:3:1: error: three\n"
		      "top:20:1: error: four\n"
		      "a:7:2: error: five\n      = included from top:5\n"
		      "a:7:2: error: six\n      = help: once\n      = help: twice\n"
		      "      = included from top:5\n"
		      "a:7:3: warning: seven\n      = included from top:5\n"
		      "b:9:1: error: eight\n      = included from top:5\n"
		      "c:2:1: error: nine\n      = included from b:1\n      = included from top:5\n"
		      "map:1: error: ten\n"
		      "\n9 errors, 1 warning.");
}
END_TEST

START_TEST(mistake_outlives_its_configuration)
{
	struct conf_source *source = malloc(sizeof(*source));
	char *text = strdup("a = b\n"), *name = strdup("x"), *label = strdup("here");

	ck_assert(source != NULL && text != NULL && name != NULL && label != NULL);
	*source = source_of(name, text);
	diag_error(diag, (struct conf_pos){source, 1, 1, 1}, label, "said %s", text);
	memset(text, 'x', strlen(text));
	memset(name, 'y', 1);
	free(text);
	free(name);
	free(label);
	free(source);
	assert_output("x:1:1: error: said a = b\\x0a\n    1 | a = b\n      | ^ here\n"
		      "\n1 error, 0 warnings.");
}
END_TEST

START_TEST(thousands_are_counted_and_some_are_shown)
{
	char *output;

	for (int i = 0; i < 5000; i++) {
		diag_warn_in(diag, "x", 1, "said");
		diag_help(diag, "help");
	}
	ck_assert_uint_eq(diag_warnings(diag), 5000);
	output = conf_case_output(diag);
	ck_assert_ptr_nonnull(
		strstr(output, "\n(4800 more not shown)\n\n0 errors, 5000 warnings."));
	free(output);
}
END_TEST

START_TEST(broken_is_remembered)
{
	ck_assert(!diag_broken(diag));
	diag_help(diag, "help of nothing");
	diag_set_broken(diag);
	ck_assert(diag_broken(diag));
	ck_assert_uint_eq(diag_errors(diag), 0);
	diag_free(NULL);
}
END_TEST

static void
assert_json(const char *wanted)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	diag_print_json(diag, f);
	fclose(f);
	ck_assert_str_eq(text, wanted);
	free(text);
}

START_TEST(json_is_an_array)
{
	struct conf_source source = source_of("filter.conf", "a\n");

	assert_json("[]\n");
	diag_error_in(diag, "map", 2, "said \"%s\"", "\n\xff");
	diag_error(diag, (struct conf_pos){&source, 1, 1, 1}, "label", "first");
	diag_help(diag, "one");
	diag_help(diag, "two");
	diag_warn(diag, (struct conf_pos){0}, NULL, "nowhere");
	assert_json("[{\"file\":\"filter.conf\",\"line\":1,\"column\":1,\"severity\":\"error\","
		    "\"message\":\"first\",\"help\":\"one\\u000atwo\"},\n"
		    " {\"file\":\"map\",\"line\":2,\"column\":0,\"severity\":\"error\","
		    "\"message\":\"said \\\"\\u000a\\ufffd\\\"\",\"help\":null},\n"
		    " {\"file\":null,\"line\":0,\"column\":0,\"severity\":\"warning\","
		    "\"message\":\"nowhere\",\"help\":null}]\n");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("diag");
	TCase *t = tcase_create("diag");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, name_that_is_not_defined);
	tcase_add_test(t, mistakes_in_other_files);
	tcase_add_test(t, what_is_forgiven_is_a_warning);
	tcase_add_loop_test(t, line_and_caret_stand_below_each_other, 0, LENGTH(layouts));
	tcase_add_test(t, very_long_line_is_cut);
	tcase_add_test(t, hostile_text_in_a_message_is_escaped);
	tcase_add_test(t, order_is_that_of_files_and_lines);
	tcase_add_test(t, mistake_outlives_its_configuration);
	tcase_add_test(t, thousands_are_counted_and_some_are_shown);
	tcase_add_test(t, broken_is_remembered);
	tcase_add_test(t, json_is_an_array);
	suite_add_tcase(s, t);
	return table_run(s);
}
