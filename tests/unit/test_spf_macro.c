/* SPDX-License-Identifier: MIT */
/*
 * test_spf_macro.c - plugin spf: macros of RFC 7208 section 7
 */
#include <string.h>

#include "../../plugins/spf/spf_check.h"
#include "../../plugins/spf/spf_macro.h"
#include "../../plugins/spf/spf_text.h"
#include "table.h"

static const char *
client_name(void *ctx)
{
	(void)ctx;
	return "mx.example.org";
}

/* The example of section 7.4. */
static const struct spf_macro_values values = {
	.local = "strong-bad",
	.sender_domain = "email.example.com",
	.domain = "email.example.com",
	.helo = "mail+1=a,b/c_d.example.net",
	.ip = "192.0.2.3",
	.ip_readable = "192.0.2.3",
	.version = "in-addr",
	.receiver = "mx.example.net",
	.time = "1700000000",
	.name = client_name,
};

static const struct {
	const char *text, *expansion;
} domains[] = {
	{"%{s}", "strong-bad@email.example.com"},
	{"%{o}", "email.example.com"},
	{"%{d}", "email.example.com"},
	{"%{d4}", "email.example.com"},
	{"%{d3}", "email.example.com"},
	{"%{d2}", "example.com"},
	{"%{d1}", "com"},
	{"%{dr}", "com.example.email"},
	{"%{d2r}", "example.email"},
	{"%{D2R}", "example.email"},
	{"%{d99999999999999999999}", "email.example.com"},
	{"%{l}", "strong-bad"},
	{"%{l-}", "strong.bad"},
	{"%{lr}", "strong-bad"},
	{"%{lr-}", "bad.strong"},
	{"%{l1r-}", "strong"},
	{"%{h+}", "mail.1=a,b/c_d.example.net"},
	{"%{h-+,/_=}", "mail.1.a.b.c.d.example.net"},
	{"%{h2r+=.}", "1.mail"},
	{"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
	{"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
	{"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
	{"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
	{"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
	{"%{p}", "mx.example.org"},
	{"%{p2}.x", "example.org.x"},
	{"%%%_%-.x.org", "% %20.x.org"},
	{"%{S}.x.org", "strong-bad%40email.example.com.x.org"},
	{"x.org.", "x.org"},
};

START_TEST(domain)
{
	const char *text = domains[_i].text;
	char out[SPF_NAME_SIZE];

	ck_assert_ptr_null(spf_macro_wrong_domain(text, strlen(text)));
	spf_macro_domain(&values, text, strlen(text), out);
	ck_assert_str_eq(out, domains[_i].expansion);
}
END_TEST

static const char *const wrong_domains[] = {"", "%", "%x.org", "x.org%", "%{", "%{}", "%{d", "%{x}",
	"%{d0}", "%{d00}", "%{dx}", "%{d.r}", "%{d2r!}", "%{|}", "%{d|}", "%{c}", "%{R}",
	"%{t}.x.org", "x", "x.1", "x.org..", ".", "x.-org", "x.org-", "%{d}com", "%{d}1.2",
	"x y.org", "x.o\x7fg", "x.\xc3\xa4g"};

START_TEST(wrong_domain)
{
	const char *text = wrong_domains[_i];

	ck_assert_msg(spf_macro_wrong_domain(text, strlen(text)) != NULL, "\"%s\"", text);
}
END_TEST

static const struct {
	const char *text, *expansion; /* NULL: it is none */
} explanations[] = {
	{"", ""},
	{"Mail from %{i} for %{s}", "Mail from 192.0.2.3 for strong-bad@email.example.com"},
	{"%{c} at %{r}, %{t}", "192.0.2.3 at mx.example.net, 1700000000"},
	{"http://x.org/?s=%{S}&h=%{H}",
		"http://x.org/"
		"?s=strong-bad%40email.example.com&h=mail%2B1%3Da%2Cb%2Fc_d.example.net"},
	{"no dot", "no dot"},
	{"tab\there", NULL},
	{"100%", NULL},
	{"%{z}", NULL},
};

START_TEST(explanation)
{
	const char *text = explanations[_i].text;
	const char *why = spf_macro_wrong_explanation(text, strlen(text));
	char out[SPF_EXP_SIZE];

	ck_assert_int_eq(why == NULL, explanations[_i].expansion != NULL);
	if (why != NULL)
		return;
	spf_macro_explanation(&values, text, strlen(text), out, sizeof(out));
	ck_assert_str_eq(out, explanations[_i].expansion);
}
END_TEST

static const struct {
	const char *name, *text, *expansion;
} last_dots[] = {
	{"a HELO name", "x.%{h}.%{d2}.org", "x.mail.example.net.example.com.org"},
	{"its parts", "%{h2}.org", "example.net.org"},
	{"its parts, reversed", "%{h2r}.org", "example.mail.org"},
	{"the domain", "%{i}._ip.%{h}._ehlo.%{d}._spf.org",
		"192.0.2.3._ip.mail.example.net._ehlo.email.example.com._spf.org"},
	{"an address", "%{s}.org", "ann.@mail.example.net.org"},
	{"a local part keeps its own", "%{l}.org", "ann..org"},
};

START_TEST(last_dot_is_no_part_of_a_name)
{
	struct spf_macro_values v = values;
	const char *text = last_dots[_i].text;
	char out[SPF_NAME_SIZE];

	v.local = "ann.";
	v.helo = v.sender_domain = "mail.example.net.";
	v.domain = "email.example.com.";
	spf_macro_domain(&v, text, strlen(text), out);
	ck_assert_msg(
		strcmp(out, last_dots[_i].expansion) == 0, "%s: \"%s\"", last_dots[_i].name, out);
}
END_TEST

/* Section 7.3: labels go from the left until 253 octets are left. */
START_TEST(long_domain_is_cut_from_its_left)
{
	char text[SPF_MAX_RECORD], out[SPF_NAME_SIZE];
	size_t len = 0;

	for (int i = 0; i < 1000; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%d.", i);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "example.org");
	spf_macro_domain(&values, text, len, out);
	/* 253 - 11 is 242: sixty labels of four octets. */
	ck_assert_uint_eq(strlen(out), 251);
	ck_assert_int_eq(strncmp(out, "940.941.", 8), 0);
	ck_assert_str_eq(out + strlen(out) - 15, "999.example.org");
}
END_TEST

/* A macro can be all of a record; none may need more room than there is. */
START_TEST(many_macros_fit)
{
	static char helo[2000], text[SPF_MAX_RECORD];
	struct spf_macro_values v = values;
	char out[SPF_NAME_SIZE], small[16];
	size_t len = 0;

	memset(helo, '.', sizeof(helo) - 1);
	v.helo = v.local = v.domain = helo;
	while (len + 5 < sizeof(text))
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%%{HR}");
	spf_macro_domain(&v, text, len, out);
	ck_assert_uint_lt(strlen(out), sizeof(out));
	spf_macro_explanation(&v, text, len, small, sizeof(small));
	ck_assert_uint_eq(strlen(small), sizeof(small) - 1);
}
END_TEST

static const char *
counted_name(void *ctx)
{
	++*(unsigned *)ctx;
	return "mx.example.org";
}

/* Thousands of macros of a long local part would be much work for a name of 253 octets. */
START_TEST(what_would_be_cut_is_not_expanded)
{
	char text[SPF_MAX_RECORD], out[SPF_NAME_SIZE];
	struct spf_macro_values v = values;
	unsigned expanded = 0;
	size_t len = 0;

	v.name = counted_name;
	v.ctx = &expanded;
	while (len + 6 < sizeof(text))
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%%{p}.");
	spf_macro_domain(&v, text, len - 1, out);
	ck_assert_uint_eq(strlen(out), 251);
	ck_assert_uint_lt(expanded, 40);
	expanded = 0;
	spf_macro_explanation(&v, text, len - 1, out, sizeof(out));
	ck_assert_uint_eq(strlen(out), sizeof(out) - 1);
	ck_assert_uint_lt(expanded, 20);
}
END_TEST

/* Two pieces in three octets. */
START_TEST(short_pieces_are_not_lost)
{
	char text[SPF_MAX_RECORD], out[SPF_NAME_SIZE];
	size_t len = 0;

	while (len + 8 < sizeof(text))
		len += (size_t)snprintf(text + len, sizeof(text) - len, ".%%%%");
	len += (size_t)snprintf(text + len, sizeof(text) - len, ".org");
	spf_macro_domain(&values, text, len, out);
	ck_assert_uint_eq(strlen(out), 253);
	ck_assert_str_eq(out + 245, ".%.%.org");
}
END_TEST

START_TEST(names_that_are_none)
{
	char name[300];

	memset(name, 'a', sizeof(name));
	for (size_t i = 50; i < sizeof(name); i += 51)
		name[i] = '.';
	name[253] = '\0';
	ck_assert(spf_name_valid(name));
	ck_assert(spf_name_valid("a.b."));
	name[253] = 'b';
	name[254] = '\0';
	ck_assert(!spf_name_valid(name));
	ck_assert(!spf_name_valid(""));
	ck_assert(!spf_name_valid("."));
	ck_assert(!spf_name_valid("a..b"));
	ck_assert(!spf_name_valid(".a"));
	ck_assert(!spf_name_valid("a.."));
}
END_TEST

START_TEST(odd_octets_are_asked_as_numbers)
{
	char text[SPF_ASKED_SIZE];

	spf_name_text(text, "a b\\\"\xff.x_-1");
	ck_assert_str_eq(text, "a\\032b\\092\\034\\255.x_-1");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spf_macro");
	TCase *t = tcase_create("spf_macro");

	tcase_add_loop_test(t, domain, 0, LENGTH(domains));
	tcase_add_loop_test(t, wrong_domain, 0, LENGTH(wrong_domains));
	tcase_add_loop_test(t, explanation, 0, LENGTH(explanations));
	tcase_add_loop_test(t, last_dot_is_no_part_of_a_name, 0, LENGTH(last_dots));
	tcase_add_test(t, long_domain_is_cut_from_its_left);
	tcase_add_test(t, many_macros_fit);
	tcase_add_test(t, what_would_be_cut_is_not_expanded);
	tcase_add_test(t, short_pieces_are_not_lost);
	tcase_add_test(t, names_that_are_none);
	tcase_add_test(t, odd_octets_are_asked_as_numbers);
	suite_add_tcase(s, t);
	return table_run(s);
}
