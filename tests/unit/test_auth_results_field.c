/* SPDX-License-Identifier: MIT */
/*
 * test_auth_results_field.c - whose an Authentication-Results field is, and what ours says
 *
 * The pure functions of the plugin auth_results, apart from its hooks: a program that has cm_plugin
 * of its own loads no other.
 */
#include <check.h>
#include <stdlib.h>

#include "../../plugins/auth_results.c"
#include "table.h"

/* --- whose field it is --- */

#define OURS "mx.test"

static const struct {
	const char *value;
	enum origin origin;
} origins[] = {
	{"mx.test; spf=pass", ORIGIN_OURS},
	{"MX.Test; spf=pass", ORIGIN_OURS},
	{"mx.test;", ORIGIN_OURS},
	{"mx.test", ORIGIN_OURS},
	{"mx.test ; none", ORIGIN_OURS},
	{"mx.test.; spf=pass", ORIGIN_OURS},
	{"mx.test..; spf=pass", ORIGIN_OURS},
	{" \t mx.test; none", ORIGIN_OURS},
	{"\r\n mx.test; none", ORIGIN_OURS},
	{"\n\tmx.test\n\t;\n\tnone", ORIGIN_OURS},
	{"\rmx.test\r; none", ORIGIN_OURS},
	{"mx.test 1; spf=pass", ORIGIN_OURS},
	{"mx.test 2; spf=pass", ORIGIN_OURS},
	{"mx.test 1", ORIGIN_OURS},
	{"mx.test\r\n 1 ; none", ORIGIN_OURS},
	{"mx.test(c)1; none", ORIGIN_OURS},
	{"mx.test 99999999999999999999 (c) ; none", ORIGIN_OURS},
	{"(c) mx.test; none", ORIGIN_OURS},
	{"(c)mx.test(c);none", ORIGIN_OURS},
	{"(a (b (c) d) e) mx.test (f) 1 (g); none", ORIGIN_OURS},
	{"(\\) \\( \\\\) mx.test; none", ORIGIN_OURS},
	{"(foreign.test; spf=pass) mx.test; spf=pass", ORIGIN_OURS},
	{"(\"mx) mx.test; none", ORIGIN_OURS},
	{"(c\r\n d) mx.test; none", ORIGIN_OURS},
	{"(\xc3\xa9) mx.test; none", ORIGIN_OURS},
	{"\"mx.test\"; none", ORIGIN_OURS},
	{"\"MX.TEST.\" 1; none", ORIGIN_OURS},
	{"\"m\\x.t\\est\"; none", ORIGIN_OURS},
	{"\" mx.test\r\n \"; none", ORIGIN_OURS},
	{"\"mx.test/job-17\"; none", ORIGIN_OURS},
	{"second.test; none", ORIGIN_OURS},
	{"SECOND.test.; none", ORIGIN_OURS},
	{"xn--mxa.test; none", ORIGIN_OURS},
	/* What follows the id does not matter. */
	{"mx.test; (", ORIGIN_OURS},
	{"mx.test; \"", ORIGIN_OURS},
	{"mx.test; \xff", ORIGIN_OURS},
	{"mx.test;;;", ORIGIN_OURS},

	{"mx.example; spf=pass", ORIGIN_FOREIGN},
	{"amx.test; spf=pass", ORIGIN_FOREIGN},
	{"mx.test.example; spf=pass", ORIGIN_FOREIGN},
	{"mx.tes; spf=pass", ORIGIN_FOREIGN},
	{"test; spf=pass", ORIGIN_FOREIGN},
	{"mx..test; none", ORIGIN_FOREIGN},
	{".mx.test; none", ORIGIN_FOREIGN},
	{"\"mx.example\" 1; none", ORIGIN_FOREIGN},
	{"(mx.test) mx.example; none", ORIGIN_FOREIGN},
	{"mx.example (mx.test); none", ORIGIN_FOREIGN},
	{"mx.example; mx.test; none", ORIGIN_FOREIGN},
	{"mx.example;\r\n\tspf=pass (mx.test: fine) smtp.mailfrom=mx.test", ORIGIN_FOREIGN},
	{"mx.example; (unfinished", ORIGIN_FOREIGN},
	{"mx.example", ORIGIN_FOREIGN},
	{"mx.test1; none", ORIGIN_FOREIGN},

	{"", ORIGIN_UNREADABLE},
	{" \r\n ", ORIGIN_UNREADABLE},
	{";", ORIGIN_UNREADABLE},
	{"; spf=pass", ORIGIN_UNREADABLE},
	{"()", ORIGIN_UNREADABLE},
	{"spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.org; dkim=none",
		ORIGIN_UNREADABLE},
	{"mx.test spf=pass", ORIGIN_UNREADABLE},
	{"mx.example mx.test; none", ORIGIN_UNREADABLE},
	{"mx.example 1 mx.test; none", ORIGIN_UNREADABLE},
	{"mx.example 1 2; none", ORIGIN_UNREADABLE},
	{"mx.example, mx.test; none", ORIGIN_UNREADABLE},
	{"mx.example/job; none", ORIGIN_UNREADABLE},
	{"mx.test/job; none", ORIGIN_UNREADABLE},
	{"mx.test\"\"; none", ORIGIN_UNREADABLE},
	{"\"\"; none", ORIGIN_UNREADABLE},
	{"\".\"; none", ORIGIN_UNREADABLE},
	{"/; none", ORIGIN_UNREADABLE},
	{".; none", ORIGIN_UNREADABLE},
	{"\"mx.test; none", ORIGIN_UNREADABLE},
	{"\"mx.test\\", ORIGIN_UNREADABLE},
	{"(mx.test; none", ORIGIN_UNREADABLE},
	{"(mx.test\\", ORIGIN_UNREADABLE},
	{"((c) mx.test; none", ORIGIN_UNREADABLE},
	{"mx.test (; none", ORIGIN_UNREADABLE},
	{"mx.test 1 (; none", ORIGIN_UNREADABLE},
	{") mx.test; none", ORIGIN_UNREADABLE},
	{"\\mx.test; none", ORIGIN_UNREADABLE},
	{"mx.test\x01; none", ORIGIN_UNREADABLE},
	{"m\x0bx.test; none", ORIGIN_UNREADABLE},
	{"\"mx\x7f.test\"; none", ORIGIN_UNREADABLE},
	/* Beyond ASCII one reader's letter is another's: nobody knows whose it is. */
	{"\xef\xbd\x8dx.test; none", ORIGIN_UNREADABLE},
	{"m\xc3\xa9.test; none", ORIGIN_UNREADABLE},
	{"\"\xef\xbd\x8dx.test\"; none", ORIGIN_UNREADABLE},
	{"<mx.test>; none", ORIGIN_UNREADABLE},
	/* A careless reader sees a comment, or the end. */
	{"\" mx.test(t.\" (d) 1; none", ORIGIN_UNREADABLE},
	{"\"mx.test; none\"; none", ORIGIN_UNREADABLE},
	{"\"mx.test,mx.example\"; none", ORIGIN_UNREADABLE},
	{"i=1; mx.example; none", ORIGIN_UNREADABLE},
};

static const char *const extra_ids[] = {"second.test", "XN--mxa.test."};
static const struct cm_list extra = {2, extra_ids};

START_TEST(whose_a_field_is)
{
	ck_assert_msg(origin_of(origins[_i].value, OURS, &extra) == origins[_i].origin, "%s",
		origins[_i].value);
	ck_assert_msg(origin_of(origins[_i].value, "MX.TEST.", &extra) == origins[_i].origin,
		"our own id in another case, with a dot: %s", origins[_i].value);
}
END_TEST

/* Nothing is too deep or too long; what no host could be called is nobody's. */
START_TEST(long_fields)
{
	enum { LENGTH_OF_IT = 200000 };
	char *text = malloc(LENGTH_OF_IT + 64);

	memset(text, '(', LENGTH_OF_IT);
	strcpy(text + LENGTH_OF_IT, "mx.test; none");
	ck_assert_int_eq(origin_of(text, OURS, &extra), ORIGIN_UNREADABLE);
	memset(text + LENGTH_OF_IT / 2, ')', LENGTH_OF_IT / 2);
	ck_assert_int_eq(origin_of(text, OURS, &extra), ORIGIN_OURS);
	memset(text, 'a', LENGTH_OF_IT);
	ck_assert_int_eq(origin_of(text, OURS, &extra), ORIGIN_UNREADABLE);
	text[255] = '\0';
	ck_assert_int_eq(origin_of(text, OURS, &extra), ORIGIN_FOREIGN);
	ck_assert_int_eq(origin_of(text, text, &extra), ORIGIN_OURS);
	text[0] = '"';
	memset(text + 1, ' ', LENGTH_OF_IT);
	strcpy(text + LENGTH_OF_IT, "mx.test\"");
	ck_assert_int_eq(origin_of(text, OURS, &extra), ORIGIN_OURS);
	memset(text + 1, 'a', LENGTH_OF_IT - 1);
	ck_assert_int_eq(origin_of(text, OURS, &extra), ORIGIN_UNREADABLE);
	free(text);
}
END_TEST

/* --- what ours says --- */

#define TEN "aaaaaaaaaa"
#define HUN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define T20 "a b c d e f g h i j "

static const struct {
	const char *what;
	struct cm_auth_result result;
	struct cm_auth_property properties[4]; /* end where there is no type */
	const char *text;		       /* behind "mx.test;\n\t" */
} written[] = {
	{"a result alone", {.method = "dkim", .result = "none"}, {{0}}, "dkim=none"},
	{"with a property", {.method = "spf", .result = "softfail"},
		{{"smtp", "mailfrom", "example.org"}}, "spf=softfail smtp.mailfrom=example.org"},
	{"with a comment", {.method = "dmarc", .result = "fail", .comment = "p=none"},
		{{"header", "from", "example.org"}}, "dmarc=fail (p=none) header.from=example.org"},
	{"with a reason", {.method = "dkim", .result = "fail", .reason = "bad signature"}, {{0}},
		"dkim=fail reason=\"bad signature\""},
	{"with a reason of one word", {.method = "dkim", .result = "fail", .reason = "late"}, {{0}},
		"dkim=fail reason=late"},
	{"everything at once",
		{.method = "dkim", .result = "pass", .comment = "2048-bit key", .reason = "good"},
		{{"header", "d", "a.example"}, {"header", "s", "k1"}},
		"dkim=pass (2048-bit key) reason=good header.d=a.example header.s=k1"},
	{"an empty comment and reason are none",
		{.method = "spf", .result = "pass", .comment = "", .reason = ""}, {{0}},
		"spf=pass"},
	{"an address", {.method = "spf", .result = "pass"},
		{{"smtp", "mailfrom", "bob+tag@example.org"}},
		"spf=pass smtp.mailfrom=bob+tag@example.org"},
	{"a domain behind an @", {.method = "dkim", .result = "pass"},
		{{"header", "i", "@example.org"}}, "dkim=pass header.i=@example.org"},
	{"a local part with dots", {.method = "spf", .result = "pass"},
		{{"smtp", "mailfrom", "a.b.c@example.org"}},
		"spf=pass smtp.mailfrom=a.b.c@example.org"},
	{"a local part with two dots", {.method = "spf", .result = "pass"},
		{{"smtp", "mailfrom", "a..b@example.org"}},
		"spf=pass smtp.mailfrom=\"a..b@example.org\""},
	{"a quoted local part", {.method = "spf", .result = "pass"},
		{{"smtp", "mailfrom", "\"bob; dkim=pass\"@example.org"}},
		"spf=pass smtp.mailfrom=\"\\\"bob; dkim=pass\\\"@example.org\""},
	{"two @", {.method = "spf", .result = "pass"}, {{"smtp", "mailfrom", "a@b@example.org"}},
		"spf=pass smtp.mailfrom=\"a@b@example.org\""},
	{"a domain without a dot", {.method = "spf", .result = "pass"},
		{{"smtp", "mailfrom", "a@localhost"}}, "spf=pass smtp.mailfrom=\"a@localhost\""},
	{"an address literal", {.method = "spf", .result = "pass"},
		{{"smtp", "mailfrom", "a@[192.0.2.1]"}},
		"spf=pass smtp.mailfrom=\"a@[192.0.2.1]\""},
	{"a domain that ends in a dot", {.method = "spf", .result = "pass"},
		{{"smtp", "mailfrom", "a@example."}}, "spf=pass smtp.mailfrom=\"a@example.\""},
	{"a label that begins with a hyphen", {.method = "spf", .result = "pass"},
		{{"smtp", "mailfrom", "a@x.-b.example"}},
		"spf=pass smtp.mailfrom=\"a@x.-b.example\""},
	{"nothing behind the @", {.method = "spf", .result = "pass"}, {{"smtp", "mailfrom", "a@"}},
		"spf=pass smtp.mailfrom=\"a@\""},
	{"an empty value", {.method = "spf", .result = "none"}, {{"smtp", "mailfrom", ""}},
		"spf=none smtp.mailfrom=\"\""},
	{"an IPv6 address", {.method = "iprev", .result = "pass"},
		{{"policy", "iprev", "2001:db8::1"}}, "iprev=pass policy.iprev=\"2001:db8::1\""},
	{"what would begin another result", {.method = "spf", .result = "fail"},
		{{"smtp", "mailfrom", "x; dkim=pass header.d=bank.example"}},
		"spf=fail smtp.mailfrom=\"x; dkim=pass header.d=bank.example\""},
	{"what would end the value", {.method = "spf", .result = "fail"},
		{{"smtp", "mailfrom", "a\"; dkim=pass"}},
		"spf=fail smtp.mailfrom=\"a\\\"; dkim=pass\""},
	{"a backslash at the end", {.method = "spf", .result = "fail"},
		{{"smtp", "mailfrom", "a\\"}}, "spf=fail smtp.mailfrom=\"a\\\\\""},
	{"what would end the comment",
		{.method = "spf", .result = "fail", .comment = "a) dkim=pass (\\"}, {{0}},
		"spf=fail (a\\) dkim=pass \\(\\\\)"},
	{"a line break", {.method = "spf", .result = "fail", .comment = "a\r\nX-Evil: yes"},
		{{"smtp", "mailfrom", "a\r\n b"}},
		"spf=fail (a??X-Evil: yes) smtp.mailfrom=\"a?? b\""},
	{"control characters", {.method = "spf", .result = "fail", .reason = "\x01\x1b[0m\x7f"},
		{{"smtp", "mailfrom", "a\tb"}}, "spf=fail reason=\"??[0m?\" smtp.mailfrom=\"a?b\""},
	{"letters beyond ASCII", {.method = "spf", .result = "fail", .comment = "\xc3\xa9"},
		{{"smtp", "mailfrom", "\xc3\xa9@example.org"}},
		"spf=fail (?"
		"?) smtp.mailfrom=\"??@example.org\""},
	{"a value that is too long is left out", {.method = "spf", .result = "pass"},
		{{"smtp", "mailfrom", HUN HUN HUN HUN "a"}, {"smtp", "helo", "h.example"}},
		"spf=pass smtp.helo=h.example"},
	{"the longest value", {.method = "spf", .result = "pass"},
		{{"smtp", "mailfrom", HUN HUN HUN HUN}},
		"spf=pass\n smtp.mailfrom=" HUN HUN HUN HUN},
	{"a long comment is cut",
		{.method = "spf", .result = "pass", .comment = HUN HUN "((((((((((("}, {{0}},
		"spf=pass\n (" HUN HUN "...)"},
	{"a long reason is cut and quoted",
		{.method = "spf", .result = "pass", .reason = HUN HUN "b"}, {{0}},
		"spf=pass\n reason=\"" HUN HUN "...\""},
	{"a long comment is folded",
		{.method = "spf", .result = "pass", .comment = T20 T20 T20 T20 "z"}, {{0}},
		"spf=pass (" T20 T20 "a b c d e f g h i j\n " T20 "z)"},
	{"blanks stay as they are, and no line ends in one",
		{.method = "spf", .result = "pass", .reason = T20 T20 T20 "          z"}, {{0}},
		"spf=pass reason=\"" T20 T20 "a b c d e f g\n h i j           z\""},
	{"a comment that ends in blanks",
		{.method = "spf", .result = "pass", .comment = T20 T20 T20},
		{{"smtp", "helo", "          "}},
		"spf=pass (" T20 T20 "a b c d e f g h i j\n ) smtp.helo=\"          \""},
	{"a login", {.method = "auth", .result = "pass"}, {{"smtp", "auth", "bob"}},
		"auth=pass smtp.auth=bob"},
};

static size_t
count_properties(const struct cm_auth_property *properties)
{
	size_t count = 0;

	while (count < 4 && properties[count].type != NULL)
		count++;
	return count;
}

/* No line is longer than it should be, unless it is one word; none is longer than it may be. */
static void
check_lines(const char *value)
{
	size_t column = strlen(FIELD ": "), len;

	for (const char *line = value;; line += len + 1, column = 0) {
		len = strcspn(line, "\n");
		column += len + (line[0] == '\t' ? 7 : 0);
		ck_assert_msg(column <= 78 || memchr(line + 1, ' ', len - 1) == NULL, "%s", value);
		ck_assert_uint_le(column, 998);
		ck_assert_int_ne(line[len - 1], ' ');
		if (line[len] == '\0')
			break;
	}
}

START_TEST(what_a_result_says)
{
	char out[FIELD_SIZE], wanted[2048];
	struct cm_auth_result r = written[_i].result;
	const struct cm_auth_result *results[] = {&r};

	r.properties = written[_i].properties;
	r.count = count_properties(r.properties);
	write_field(out, sizeof(out), OURS, results, 1, true);
	snprintf(wanted, sizeof(wanted), "mx.test;\n\t%s", written[_i].text);
	ck_assert_msg(strcmp(out, wanted) == 0, "%s\nwanted %s\ngot    %s", written[_i].what,
		wanted, out);
	check_lines(out);
	ck_assert_int_eq(origin_of(out, OURS, &extra), ORIGIN_OURS);
}
END_TEST

START_TEST(a_field_without_results)
{
	char out[FIELD_SIZE];

	write_field(out, sizeof(out), OURS, NULL, 0, false);
	ck_assert_str_eq(out, "mx.test; none");
	write_field(out, sizeof(out), "odd name", NULL, 0, false);
	ck_assert_str_eq(out, "\"odd name\"; none");
}
END_TEST

/* Unless it is asked for; a property of that name of another method is another. */
START_TEST(a_login_is_not_shown)
{
	const struct cm_auth_property login = {"SMTP", "Auth", "bob"};
	const struct cm_auth_result auth = {
		.method = "AUTH", .result = "pass", .count = 1, .properties = &login};
	const struct cm_auth_result other = {
		.method = "spf", .result = "pass", .count = 1, .properties = &login};
	const struct cm_auth_result *results[] = {&auth, &other};
	char out[FIELD_SIZE];

	write_field(out, sizeof(out), OURS, results, 2, false);
	ck_assert_str_eq(out, "mx.test;\n\tAUTH=pass;\n\tspf=pass SMTP.Auth=bob");
	write_field(out, sizeof(out), OURS, results, 2, true);
	ck_assert_str_eq(out, "mx.test;\n\tAUTH=pass SMTP.Auth=bob;\n\tspf=pass SMTP.Auth=bob");
}
END_TEST

/* Whole results, as many as fit; a smaller one behind a large one has its place. */
START_TEST(more_results_than_fit)
{
	const struct cm_auth_property large = {"policy", "x", HUN HUN HUN HUN};
	const struct cm_auth_property many[] = {large, large, large, large};
	const struct cm_auth_result r = {
		.method = "x", .result = "pass", .count = 4, .properties = many};
	const struct cm_auth_result last = {.method = "spf", .result = "pass"};
	const struct cm_auth_result *results[65];
	char out[FIELD_SIZE];
	size_t count = 0;

	for (size_t i = 0; i < 64; i++)
		results[i] = &r;
	results[64] = &last;
	write_field(out, sizeof(out), OURS, results, 65, false);
	for (const char *p = out; (p = strstr(p, ";\n\tx=pass\n policy.x=")) != NULL; p++)
		count++;
	ck_assert_uint_eq(count, 9);
	ck_assert_str_eq(strrchr(out, ';'), ";\n\tspf=pass");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth_results_field");
	TCase *t = tcase_create("auth_results_field");

	tcase_add_loop_test(t, whose_a_field_is, 0, LENGTH(origins));
	tcase_add_test(t, long_fields);
	tcase_add_loop_test(t, what_a_result_says, 0, LENGTH(written));
	tcase_add_test(t, a_field_without_results);
	tcase_add_test(t, a_login_is_not_shown);
	tcase_add_test(t, more_results_than_fit);
	suite_add_tcase(s, t);
	return table_run(s);
}
