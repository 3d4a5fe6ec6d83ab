/* SPDX-License-Identifier: MIT */
/*
 * test_dmarc_from.c - plugin dmarc: the author domain of whatever stands in From:
 */
#include <string.h>

#include "../../plugins/dmarc/dmarc_from.h"
#include "base/arena.h"
#include "mail/address.h"
#include "table.h"

static const char *const kinds[DMARC_FROMS] = {
	"one", "addresses", "domains", "none", "fields", "broken"};

static const struct {
	const char *what, *field;
	enum dmarc_from kind;
	const char *domain;
} fields[] = {
	/* As RFC 5322 has it. */
	{"an address", "a@b.test", DMARC_FROM_ONE, "b.test"},
	{"an address in brackets", "<a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"a name and an address", "Ann Example <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"capitals", "a@B.TEST", DMARC_FROM_ONE, "b.test"},
	{"a dot behind", "a@b.test.", DMARC_FROM_ONE, "b.test"},
	{"a quoted name", "\"Example, Ann\" <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"an address as quoted name", "\"ceo@bank.test\" <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"brackets in a quoted name", "\"<ceo@bank.test>\" <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"a comment behind", "a@b.test (Ann)", DMARC_FROM_ONE, "b.test"},
	{"a comment that is an address", "(ceo@bank.test) a@b.test", DMARC_FROM_ONE, "b.test"},
	{"comments within", "a (x) @ (y) b.test", DMARC_FROM_ONE, "b.test"},
	{"nested comments", "(a (b@c.test) <d@e.test>) a@b.test", DMARC_FROM_ONE, "b.test"},
	{"a quoted local part", "\"ceo@bank.test\"@b.test", DMARC_FROM_ONE, "b.test"},
	{"an encoded word", "=?utf-8?Q?J=C3=BCrgen?= <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"an encoded address", "=?utf-8?Q?ceo=40bank.test?= <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"encoded brackets", "=?utf-8?B?PGNlb0BiYW5rLnRlc3Q+?= <a@b.test>", DMARC_FROM_ONE,
		"b.test"},
	{"folded", "Ann\r\n Example\r\n\t<a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"a literal", "a@[192.0.2.1]", DMARC_FROM_NONE, ""},
	{"a literal of IPv6", "a@[IPv6:2001:db8::1]", DMARC_FROM_NONE, ""},
	{"one label", "root@localhost", DMARC_FROM_ONE, "localhost"},
	{"a domain of digits", "a@192.0.2.1", DMARC_FROM_ONE, "192.0.2.1"},
	{"U-labels", "a@b\303\274cher.test", DMARC_FROM_ONE, "xn--bcher-kva.test"},
	{"U-labels in capitals", "a@B\303\234CHER.test", DMARC_FROM_ONE, "xn--bcher-kva.test"},
	{"A-labels", "a@xn--bcher-kva.test", DMARC_FROM_ONE, "xn--bcher-kva.test"},
	{"a local part that is not ASCII", "\303\244@b.test", DMARC_FROM_ONE, "b.test"},
	{"a name of U-labels that no host has", "a@\341\240\205.test", DMARC_FROM_BROKEN, ""},
	/* Several. */
	{"two addresses of one domain", "a@b.test, c@b.test", DMARC_FROM_ADDRESSES, "b.test"},
	{"the same in another case", "a@b.test, c@B.Test", DMARC_FROM_ADDRESSES, "b.test"},
	{"the same in U-labels", "a@b\303\274cher.test, c@xn--bcher-kva.test", DMARC_FROM_ADDRESSES,
		"xn--bcher-kva.test"},
	{"one address twice", "a@b.test, <a@b.test>", DMARC_FROM_ADDRESSES, "b.test"},
	{"two domains", "a@b.test, c@d.test", DMARC_FROM_DOMAINS, ""},
	{"a domain and its sub-domain", "a@b.test, c@d.b.test", DMARC_FROM_DOMAINS, ""},
	{"three, of which one is another", "a@b.test, c@b.test, d@e.test", DMARC_FROM_DOMAINS, ""},
	{"a domain and a literal", "a@b.test, c@[192.0.2.1]", DMARC_FROM_DOMAINS, ""},
	{"a domain and one that no host has", "a@b.test, c@\341\240\205.test", DMARC_FROM_BROKEN,
		""},
	/* Groups (RFC 6854). */
	{"an empty group", "undisclosed: ;", DMARC_FROM_NONE, ""},
	{"a group of one", "Team: a@b.test;", DMARC_FROM_ONE, "b.test"},
	{"a group of two", "Team: a@b.test, Ann <c@b.test>;", DMARC_FROM_ADDRESSES, "b.test"},
	{"a group of two domains", "Team: a@b.test, c@d.test;", DMARC_FROM_DOMAINS, ""},
	{"a group and another", "Team: a@b.test;, c@d.test", DMARC_FROM_DOMAINS, ""},
	{"an address as group", "\"a@bank.test\": a@b.test;", DMARC_FROM_ONE, "b.test"},
	{"an empty group and an address", "undisclosed:;, a@b.test", DMARC_FROM_ONE, "b.test"},
	/* No address. */
	{"nothing", "", DMARC_FROM_NONE, ""},
	{"blanks", " \r\n ", DMARC_FROM_NONE, ""},
	{"a name alone", "Ann Example", DMARC_FROM_NONE, ""},
	{"empty brackets", "Ann <>", DMARC_FROM_NONE, ""},
	{"a comment alone", "(Ann)", DMARC_FROM_NONE, ""},
	{"an encoded word alone", "=?utf-8?Q?a=40b.test?=", DMARC_FROM_NONE, ""},
	/* What cannot be read, and has one domain in any reading. */
	{"the address as name", "a@b.test <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"another of that domain as name", "info@b.test <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"the address as name, no blank", "a@b.test<a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"the address in apostrophes", "'a@b.test' <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"a comma in a name", "Example, Ann <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"brackets in a name", "Ann [Sales] <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"a colon in a name", "Re: Ann <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"a name in Latin-1", "J\374rgen <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"a quoted address in Latin-1", "\"J\374rgen a@b.test\" <a@b.test>", DMARC_FROM_ONE,
		"b.test"},
	{"open brackets", "Ann <a@b.test", DMARC_FROM_ONE, "b.test"},
	{"open quotes", "\"Ann <a@b.test>", DMARC_FROM_ONE, "b.test"},
	{"no comma", "a@b.test c@b.test", DMARC_FROM_ONE, "b.test"},
	{"brackets twice", "<<a@b.test>>", DMARC_FROM_ONE, "b.test"},
	{"an underscore", "a@my_host.b.test", DMARC_FROM_ONE, "my_host.b.test"},
	{"a semicolon behind", "a@b.test;", DMARC_FROM_ONE, "b.test"},
	{"words behind", "<a@b.test> Ann", DMARC_FROM_ONE, "b.test"},
	{"dots in a local part", "a..b@b.test", DMARC_FROM_ONE, "b.test"},
	/* And has not. */
	{"another address as name", "ceo@bank.test <a@b.test>", DMARC_FROM_BROKEN, ""},
	{"another address behind", "<a@b.test> ceo@bank.test", DMARC_FROM_BROKEN, ""},
	{"two in brackets", "<a@b.test><c@d.test>", DMARC_FROM_BROKEN, ""},
	{"a route", "<@relay.test:a@b.test>", DMARC_FROM_BROKEN, ""},
	{"two at signs", "a@b.test@c.test", DMARC_FROM_BROKEN, ""},
	{"an at sign in a name", "Ann @ Work <a@b.test>", DMARC_FROM_BROKEN, ""},
	{"an at sign alone", "@", DMARC_FROM_BROKEN, ""},
	{"no domain", "a@", DMARC_FROM_BROKEN, ""},
	{"two dots", "a@b..test", DMARC_FROM_BROKEN, ""},
	{"dots with blanks", "a@bank .test", DMARC_FROM_BROKEN, ""},
	{"a quote in a domain", "a@bank\".evil\".test", DMARC_FROM_BROKEN, ""},
	{"a backslash in a domain", "a@b\\.test", DMARC_FROM_BROKEN, ""},
	{"a comment in a domain that does not end", "a@b.test (", DMARC_FROM_BROKEN, ""},
	{"a literal that does not end", "a@[192.0.2.1", DMARC_FROM_BROKEN, ""},
	{"a percent sign behind", "a@b.test%c.test <", DMARC_FROM_BROKEN, ""},
	{"octets that are not UTF-8 in a domain", "a@b\374cher.test", DMARC_FROM_BROKEN, ""},
	{"an open comment with an address", "(ceo@bank.test a@b.test", DMARC_FROM_BROKEN, ""},
};

START_TEST(field)
{
	char domain[DMARC_NAME_SIZE];
	struct arena arena;
	enum dmarc_from kind;

	arena_init(&arena, 1024);
	kind = dmarc_from(
		address_parse_from(&arena, &fields[_i].field, 1), 1, fields[_i].field, domain);
	ck_assert_msg(kind == fields[_i].kind, "%s: %s, %s", fields[_i].what, kinds[kind], domain);
	ck_assert_msg(strcmp(domain, fields[_i].domain) == 0, "%s: %s", fields[_i].what, domain);
	ck_assert((dmarc_from_words(kind) == NULL) == (kind == DMARC_FROM_ONE));
	arena_fini(&arena);
}
END_TEST

START_TEST(several_fields_or_none)
{
	static const char *const both[] = {"a@b.test", "a@b.test"};
	char domain[DMARC_NAME_SIZE];
	struct arena arena;

	arena_init(&arena, 1024);
	ck_assert_int_eq(dmarc_from(address_parse_from(&arena, both, 2), 2, both[0], domain),
		DMARC_FROM_FIELDS);
	ck_assert_str_eq(domain, "");
	ck_assert_int_eq(
		dmarc_from(address_parse_from(&arena, NULL, 0), 0, NULL, domain), DMARC_FROM_NONE);
	ck_assert_str_eq(domain, "");
	arena_fini(&arena);
}
END_TEST

START_TEST(a_field_of_any_length)
{
	static char text[200000];
	char domain[DMARC_NAME_SIZE];
	struct arena arena;

	arena_init(&arena, 1024);
	for (size_t i = 0; i + 9 < sizeof(text); i += 9)
		snprintf(text + i, sizeof(text) - i, "a@b.test ");
	const char *one = text;

	ck_assert_int_eq(
		dmarc_from(address_parse_from(&arena, &one, 1), 1, text, domain), DMARC_FROM_ONE);
	ck_assert_str_eq(domain, "b.test");
	memset(text, 'x', sizeof(text) - 1);
	text[1] = '@';
	ck_assert_int_eq(dmarc_from(address_parse_from(&arena, &one, 1), 1, text, domain),
		DMARC_FROM_BROKEN);
	arena_fini(&arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc_from");
	TCase *c = tcase_create("rules");

	tcase_add_loop_test(c, field, 0, LENGTH(fields));
	tcase_add_test(c, several_fields_or_none);
	tcase_add_test(c, a_field_of_any_length);
	suite_add_tcase(suite, c);
	return table_run(suite);
}
