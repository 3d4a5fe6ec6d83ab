/* SPDX-License-Identifier: MIT */
/*
 * test_address.c - what is an address, and whose
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "mail/address.h"

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10
#define L63 X60 "xxx"
/* 4 * 63 + 3 dots. */
#define D255 L63 "." L63 "." L63 "." L63

static struct arena arena;

static void
setup(void)
{
	arena_init(&arena, 1024);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

static const struct good_case {
	const char *text, *addr, *user, *domain;
} good[] = {
	{"<bob@example.org>", "bob@example.org", "bob", "example.org"},
	{"bob@example.org", "bob@example.org", "bob", "example.org"},
	{"<Bob@EXAMPLE.Org>", "Bob@example.org", "Bob", "example.org"},
	{"<bob@example.org.>", "bob@example.org", "bob", "example.org"},
	{"<a%b@x.y>", "a%b@x.y", "a%b", "x.y"},
	{"<bob@localhost>", "bob@localhost", "bob", "localhost"},
	{"<a.b+c=d@x-y.z9>", "a.b+c=d@x-y.z9", "a.b+c=d", "x-y.z9"},
	{"<!#$%&'*+-/=?^_`{|}~@x.y>", "!#$%&'*+-/=?^_`{|}~@x.y", "!#$%&'*+-/=?^_`{|}~", "x.y"},
	{"<\"bob\"@x.y>", "bob@x.y", "bob", "x.y"},
	{"<\"a.b\"@x.y>", "a.b@x.y", "a.b", "x.y"},
	{"<\"a b\"@x.y>", "\"a b\"@x.y", "a b", "x.y"},
	{"<\"a@b\"@x.y>", "\"a@b\"@x.y", "a@b", "x.y"},
	{"<\"\\b\\o\\b\"@x.y>", "bob@x.y", "bob", "x.y"},
	{"<\"a\\\"b\\\\c\"@x.y>", "\"a\\\"b\\\\c\"@x.y", "a\"b\\c", "x.y"},
	{"<\"\"@x.y>", "\"\"@x.y", "", "x.y"},
	{"<\"a..b\"@x.y>", "a..b@x.y", "a..b", "x.y"},
	{"<\"\\\\\303\251\"@x.y>", "\"\\\\\303\251\"@x.y", "\\\303\251", "x.y"},
	{"<bob@[192.0.2.1]>", "bob@[192.0.2.1]", "bob", "[192.0.2.1]"},
	{"<bob@[IPv6:2001:DB8::1]>", "bob@[ipv6:2001:db8::1]", "bob", "[ipv6:2001:db8::1]"},
	{"<@a.example,@b.example:bob@x.y>", "bob@x.y", "bob", "x.y"},
	{"<@[192.0.2.1]:bob@x.y>", "bob@x.y", "bob", "x.y"},
	{"<postmaster>", "postmaster", "postmaster", ""},
	{"PostMaster", "PostMaster", "PostMaster", ""},
	{"<j\303\274rgen@m\303\274ller.example>", "j\303\274rgen@m\303\274ller.example",
		"j\303\274rgen", "m\303\274ller.example"},
	{"<" X60 "1234@x.y>", X60 "1234@x.y", X60 "1234", "x.y"},
	{"<a@" D255 ">", "a@" D255, "a", D255},
	{"<a@" D255 ".>", "a@" D255, "a", D255},
	{"<" X60 "1234@" D255 ">", X60 "1234@" D255, X60 "1234", D255},
};

START_TEST(address_is_taken_apart)
{
	const struct good_case *c = &good[_i];
	struct cm_address a;

	address_parse_path(&a, &arena, c->text);
	ck_assert_msg(a.valid, "%s", c->text);
	ck_assert(!a.null && !a.unclear);
	ck_assert_str_eq(a.text, c->text);
	ck_assert_str_eq(a.addr, c->addr);
	ck_assert_str_eq(a.user, c->user);
	ck_assert_str_eq(a.domain, c->domain);
}
END_TEST

START_TEST(null_sender)
{
	struct cm_address a;

	address_parse_path(&a, &arena, "<>");
	ck_assert(a.valid && a.null);
	ck_assert_str_eq(a.text, "<>");
	ck_assert_str_eq(a.addr, "");
	ck_assert_str_eq(a.user, "");
	ck_assert_str_eq(a.domain, "");
}
END_TEST

/* What is no address, and yet an MTA knows what it is. */
static const struct odd_case {
	const char *name, *text, *addr, *user, *domain, *spelling;
} odd[] = {
	{"blanks around", "< dave@Example.com >", "dave@example.com", "dave", "example.com",
		"dave@Example.com"},
	{"blanks without brackets", " dave@x.y ", "dave@x.y", "dave", "x.y", "dave@x.y"},
	{"a blank before the at sign", "<dave @x.y>", "dave@x.y", "dave", "x.y", "dave@x.y"},
	{"blanks around a dot", "<da . ve@x. y>", "da.ve@x.y", "da.ve", "x.y", "da.ve@x.y"},
	{"a comment behind", "<dave@x.y(c)>", "dave@x.y", "dave", "x.y", "dave@x.y"},
	{"a comment before", "<(c)dave@x.y>", "dave@x.y", "dave", "x.y", "dave@x.y"},
	{"a comment outside of the brackets", "(c)<dave@x.y>(d)", "dave@x.y", "dave", "x.y",
		"dave@x.y"},
	{"comments in comments", "<dave(a (b \\) (c)) d)@x.y>", "dave@x.y", "dave", "x.y",
		"dave@x.y"},
	{"a comment with an address", "<dave@x.y(<erin@x.y>)>", "dave@x.y", "dave", "x.y",
		"dave@x.y"},
	{"brackets twice", "<<dave@x.y>>", "dave@x.y", "dave", "x.y", "dave@x.y"},
	{"brackets and blanks", "< <dave@x.y> >", "dave@x.y", "dave", "x.y", "dave@x.y"},
	{"a route and a blank", "<@a.b: dave@x.y>", "dave@x.y", "dave", "x.y", "dave@x.y"},
	{"a route in brackets twice", "<<@a.b,@c.d:dave@x.y>>", "dave@x.y", "dave", "x.y",
		"dave@x.y"},
	{"quotes around a word", "<\"da\".ve@x.y>", "da.ve@x.y", "da.ve", "x.y", "\"da\".ve@x.y"},
	{"quotes around the last word", "<da.\"v\\e\"@x.y>", "da.ve@x.y", "da.ve", "x.y",
		"da.\"v\\e\"@x.y"},
	{"quotes around a word that needs them", "<a.\"b c\"@x.y>", "\"a.b c\"@x.y", "a.b c", "x.y",
		"a.\"b c\"@x.y"},
	{"a comment in quotes is none", "<\"a(b)\" @x.y>", "\"a(b)\"@x.y", "a(b)", "x.y",
		"\"a(b)\"@x.y"},
	{"a dot at the end", "<.dave@x.Y.>", ".dave@x.y", ".dave", "x.y", ".dave@x.Y."},
	{"no domain", "<Bob>", "Bob", "Bob", "", "Bob"},
	{"no domain, quoted", "<\"a b\">", "\"a b\"", "a b", "", "\"a b\""},
	{"leading dot", "<.a@x.y>", ".a@x.y", ".a", "x.y", ".a@x.y"},
	{"trailing dot", "<a.@x.y>", "a.@x.y", "a.", "x.y", "a.@x.y"},
	{"two dots", "<a..b@x.y>", "a..b@x.y", "a..b", "x.y", "a..b@x.y"},
	{"two dots in the domain", "<a@x..y>", "a@x..y", "a", "x..y", "a@x..y"},
	{"hyphen at a label's start", "<a@-x.y>", "a@-x.y", "a", "-x.y", "a@-x.y"},
	{"hyphen at a label's end", "<a@x-.y>", "a@x-.y", "a", "x-.y", "a@x-.y"},
	{"underscore in a host name", "<a@x_y.z>", "a@x_y.z", "a", "x_y.z", "a@x_y.z"},
	{"not UTF-8", "<\377@x.y>", "\377@x.y", "\377", "x.y", "\377@x.y"},
	{"overlong UTF-8", "<\300\257@x.y>", "\300\257@x.y", "\300\257", "x.y", "\300\257@x.y"},
	{"UTF-8 and two dots", "<\303\274..b@x.y>", "\303\274..b@x.y", "\303\274..b", "x.y",
		"\303\274..b@x.y"},
	{"octet too many in an address", "<a@[192.0.2.1.1]>", "a@[192.0.2.1.1]", "a",
		"[192.0.2.1.1]", "a@[192.0.2.1.1]"},
	{"IPv6 without its tag", "<a@[2001:DB8::1]>", "a@[2001:db8::1]", "a", "[2001:db8::1]",
		"a@[2001:DB8::1]"},
	{"IPv4 with the IPv6 tag", "<a@[IPv6:192.0.2.1]>", "a@[ipv6:192.0.2.1]", "a",
		"[ipv6:192.0.2.1]", "a@[IPv6:192.0.2.1]"},
	{"tag nobody registered", "<a@[x-tag:thing]>", "a@[x-tag:thing]", "a", "[x-tag:thing]",
		"a@[x-tag:thing]"},
	{"empty literal", "<a@[]>", "a@[]", "a", "[]", "a@[]"},
	{"local part of 65", "<" X60 "12345@x.y>", X60 "12345@x.y", X60 "12345", "x.y",
		X60 "12345@x.y"},
	{"local part of 128", "<" X60 X60 "12345678@x.y>", X60 X60 "12345678@x.y",
		X60 X60 "12345678", "x.y", X60 X60 "12345678@x.y"},
	{"label of 64", "<a@" L63 "1>", "a@" L63 "1", "a", L63 "1", "a@" L63 "1"},
	{"domain of 257", "<a@" D255 ".x>", "a@" D255 ".x", "a", D255 ".x", "a@" D255 ".x"},
};

START_TEST(odd_spelling_is_the_mailbox_an_mta_makes_of_it)
{
	const struct odd_case *c = &odd[_i];
	struct cm_address a;

	address_parse_path(&a, &arena, c->text);
	ck_assert_msg(!a.valid && !a.null && !a.unclear, "%s", c->name);
	ck_assert_str_eq(a.text, c->text);
	ck_assert_str_eq(a.addr, c->addr);
	ck_assert_str_eq(a.user, c->user);
	ck_assert_str_eq(a.domain, c->domain);
	ck_assert_str_eq(address_spelling(&arena, &a), c->spelling);
}
END_TEST

static const char *const odd_nulls[] = {"< >", "<<>>", "<(c)>", "(c) < (d) >"};

START_TEST(odd_null_sender)
{
	struct cm_address a;

	address_parse_path(&a, &arena, odd_nulls[_i]);
	ck_assert(a.null && !a.valid && !a.unclear);
	ck_assert_str_eq(a.addr, "");
	ck_assert_str_eq(a.domain, "");
}
END_TEST

static const struct spelling_case {
	const char *text, *spelling;
} spellings[] = {
	{"<Bob@X.Y.>", "Bob@X.Y."},
	{"<@a.b:erin@x.y>", "erin@x.y"},
	{"<@a.b,@[192.0.2.1]:\"e e\"@[192.0.2.2]>", "\"e e\"@[192.0.2.2]"},
	{"<\"b\\ob\"@x.y>", "\"b\\ob\"@x.y"},
	{"bob@x.y", "bob@x.y"},
	{"<bob@x.y", "<bob@x.y"},
	{"bob@x.y>", "bob@x.y>"},
	{"<a@b@c>", "a@b@c"},
	{"<", "<"},
	{"<>", ""},
	{"", ""},
};

START_TEST(spelling_is_as_received)
{
	const struct spelling_case *c = &spellings[_i];
	struct cm_address a;

	address_parse_path(&a, &arena, c->text);
	ck_assert_str_eq(address_spelling(&arena, &a), c->spelling);
}
END_TEST

/* What two MTAs could read as two mailboxes, or none at all. */
static const struct bad_case {
	const char *name, *text, *addr, *user, *domain;
} bad[] = {
	{"nothing", "", "", "", ""},
	{"blanks", "  ", "  ", "  ", ""},
	{"a comment alone", "(c)", "(c)", "(c)", ""},
	{"only a bracket", "<", "<", "<", ""},
	{"only the other bracket", ">", ">", ">", ""},
	{"empty domain", "<bob@>", "bob@", "bob", ""},
	{"a dot as domain", "<bob@.>", "bob@.", "bob", "."},
	{"no local part", "<@X.Y>", "@x.y", "", "x.y"},
	{"no closing bracket", "<bob@x.y", "<bob@x.y", "<bob", "x.y"},
	{"no opening bracket", "bob@x.y>", "bob@x.y>", "bob", "x.y>"},
	{"one bracket too many", "<<bob@x.y>", "<bob@x.y", "<bob", "x.y"},
	{"brackets in the middle", "a<bob@x.y>", "a<bob@x.y>", "a<bob", "x.y>"},
	{"two paths", "<a@x.y><bob@x.y>", "a@x.y><bob@x.y", "a@x.y><bob", "x.y"},
	{"blank between words", "<a bob@x.y>", "a bob@x.y", "a bob", "x.y"},
	{"comment between words", "<a(b)c@x.y>", "a(b)c@x.y", "a(b)c", "x.y"},
	{"blank between words of the domain", "<a@x y>", "a@x y", "a", "x y"},
	{"two at signs", "<a@b@C>", "a@b@c", "a@b", "c"},
	{"at sign at the end", "<a@b.c@>", "a@b.c@", "a@b.c", ""},
	{"two at signs together", "<a@@b>", "a@@b", "a@", "b"},
	{"percent without domain", "<a%b.c>", "a%b.c", "a%b.c", ""},
	{"quoted percent without domain", "<\"a%b.c\">", "\"a%b.c\"", "\"a%b.c\"", ""},
	{"quoted at sign without domain", "<\"a@b.c\">", "\"a@b.c\"", "\"a", "b.c\""},
	{"two dots at the end", "<a@x.y..>", "a@x.y..", "a", "x.y.."},
	{"bang without domain", "<b.c!a>", "b.c!a", "b.c!a", ""},
	{"open quotes", "<\"bob@x.y>", "\"bob@x.y", "\"bob", "x.y"},
	{"text behind quotes", "<\"a\"b@x.y>", "\"a\"b@x.y", "\"a\"b", "x.y"},
	{"backslash outside of quotes", "<b\\ob@x.y>", "b\\ob@x.y", "b\\ob", "x.y"},
	{"open comment", "<bob@x.y(c>", "bob@x.y(c", "bob", "x.y(c"},
	{"open comment in a comment", "<bob@x.y(c(d)>", "bob@x.y(c(d)", "bob", "x.y(c(d)"},
	{"backslash at the end of a comment", "(\\", "(\\", "(\\", ""},
	{"closed comment", "<bob@x.y)>", "bob@x.y)", "bob", "x.y)"},
	{"list", "<a@x.y,b@x.y>", "a@x.y,b@x.y", "a@x.y,b", "x.y"},
	{"list of local parts", "<a,b@x.y>", "a,b@x.y", "a,b", "x.y"},
	{"group", "<g:a@x.y;>", "g:a@x.y;", "g:a", "x.y;"},
	{"line break", "<a\n@x.y>", "a?@x.y", "a?", "x.y"},
	{"line break in quotes", "<\"a\r\n b\"@x.y>", "\"a?? b\"@x.y", "\"a?? b\"", "x.y"},
	{"control octet", "<a\001@x.y>", "a?@x.y", "a?", "x.y"},
	{"delete", "<\"a\177\"@x.y>", "\"a?\"@x.y", "\"a?\"", "x.y"},
	{"tab", "<a@x.y\t>", "a@x.y?", "a", "x.y?"},
	{"C1 control", "<a\302\205@x.y>", "a\302\205@x.y", "a\302\205", "x.y"},
	{"parameters", "<a@x.y> SIZE=1", "<a@x.y> size=1", "<a", "x.y> size=1"},
	{"route without end", "<@a,@b>", "@a,@b", "@a,", "b"},
	{"route without at", "<@a,b:c@d>", "@a,b:c@d", "@a,b:c", "d"},
	{"route alone", "<@a.b:>", "@a.b:", "", "a.b:"},
	{"two routes", "<@a.b:@c.d:bob@x.y>", "@a.b:@c.d:bob@x.y", "@a.b:@c.d:bob", "x.y"},
	{"open literal", "<a@[192.0.2.1>", "a@[192.0.2.1", "a", "[192.0.2.1"},
	{"blank in a literal", "<a@[x: y]>", "a@[x: y]", "a", "[x: y]"},
	{"text behind a literal", "<a@[192.0.2.1]x>", "a@[192.0.2.1]x", "a", "[192.0.2.1]x"},
	{"literal behind a dot", "<a@x.[192.0.2.1]>", "a@x.[192.0.2.1]", "a", "x.[192.0.2.1]"},
	{"literal as local part", "<[192.0.2.1]@x.y>", "[192.0.2.1]@x.y", "[192.0.2.1]", "x.y"},
};

/* With a '?' for each control character. */
static const char *
cleaned(const char *text)
{
	char *copy = arena_strdup(&arena, text);

	for (char *p = copy; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	return copy;
}

START_TEST(no_address_is_said_and_guessed_at)
{
	const struct bad_case *c = &bad[_i];
	struct cm_address a;

	address_parse_path(&a, &arena, c->text);
	ck_assert_msg(!a.valid && a.unclear, "%s", c->name);
	ck_assert(!a.null);
	ck_assert_str_eq(a.text, cleaned(c->text));
	ck_assert_str_eq(a.addr, c->addr);
	ck_assert_str_eq(a.user, c->user);
	ck_assert_str_eq(a.domain, c->domain);
}
END_TEST

START_TEST(endless_text_is_cut)
{
	static char text[100000];
	struct cm_address a;

	memset(text, 'a', sizeof(text) - 1);
	text[5000] = '@';
	address_parse_path(&a, &arena, text);
	ck_assert(!a.valid && a.unclear);
	ck_assert_uint_eq(strlen(a.text), 1024);
	ck_assert_uint_lt(arena.used, 8192);
}
END_TEST

static const struct same_case {
	const char *a, *b;
	bool same;
} same[] = {
	{"<bob@example.org>", "bob@EXAMPLE.ORG.", true},
	{"<\"bob\"@example.org>", "<bob@example.org>", true},
	{"<@relay:bob@example.org>", "<bob@example.org>", true},
	{"<Bob@example.org>", "<bob@example.org>", false},
	{"<bob@example.org>", "<bob@example.com>", false},
	{"<>", "<>", true},
	{"<>", "< >", true},
	{"< bob@example.org(c)>", "<bob@example.org>", true},
	{"<\"a\".b@example.org>", "<a.b@example.org>", true},
	{"<>", "<bob@example.org>", false},
	{"<\"\"@example.org>", "<>", false},
};

START_TEST(same_mailbox)
{
	struct cm_address a, b;

	address_parse_path(&a, &arena, same[_i].a);
	address_parse_path(&b, &arena, same[_i].b);
	ck_assert_int_eq(address_same(&a, &b), same[_i].same);
	ck_assert_int_eq(address_same(&b, &a), same[_i].same);
}
END_TEST

/* addrs: of all mailboxes, with "|" between them. */
static const struct from_case {
	const char *name, *field, *addrs, *problem;
} from_cases[] = {
	{"bare", "bob@example.org", "bob@example.org", NULL},
	{"leading blank", " bob@example.org", "bob@example.org", NULL},
	{"angle", "<bob@example.org>", "bob@example.org", NULL},
	{"display name", "Bob Example <bob@Example.ORG>", "bob@example.org", NULL},
	{"quoted display name", "\"Example, Bob\" <bob@x.y>", "bob@x.y", NULL},
	{"another address as display name", "\"ceo@bank.example\" <bob@x.y>", "bob@x.y", NULL},
	{"dots in a display name", "John Q. Public Jr. <j@x.y>", "j@x.y", NULL},
	{"encoded word", "=?utf-8?Q?J=C3=BCrgen?= <j@x.y>", "j@x.y", NULL},
	{"two encoded words, folded", "=?utf-8?B?SsO8?=\n =?utf-8?B?cmdlbg==?= <j@x.y>", "j@x.y",
		NULL},
	{"UTF-8 display name", "J\303\274rgen <j@x.y>", "j@x.y", NULL},
	{"folded with CRLF", "Bob\r\n\t<bob@x.y>", "bob@x.y", NULL},
	{"comment behind", "bob@x.y (Bob)", "bob@x.y", NULL},
	{"comments everywhere", "(a) bob (b) @ (c) x.y (d)", "bob@x.y", NULL},
	{"nested comment", "(a (b (c) \\) ) d) <bob@x.y>", "bob@x.y", NULL},
	{"comment that looks like an address", "(<evil@x.y>) bob@x.y", "bob@x.y", NULL},
	{"comments in angle", "Bob <(a)bob@x.y(b)>", "bob@x.y", NULL},
	{"quoted local part", "\"a b\"@x.y", "\"a b\"@x.y", NULL},
	{"needless quotes", "\"bob\"@x.y", "bob@x.y", NULL},
	{"literal", "bob@[192.0.2.1]", "bob@[192.0.2.1]", NULL},
	{"two mailboxes", "a@x.y, Bob <b@x.y>", "a@x.y|b@x.y", NULL},
	{"group", "Team: a@x.y, Bob <b@x.y>;", "a@x.y|b@x.y", NULL},
	{"group and mailbox", "Team: a@x.y; , b@x.y", "a@x.y|b@x.y", NULL},
	{"empty group", "undisclosed recipients:;", "", "From: names no address"},
	{"empty", "", "", "From: cannot be parsed at its end"},
	{"blank", "  ", "", "From: cannot be parsed at its end"},
	{"only a name", "Bob", "", "From: cannot be parsed at its end"},
	{"no domain", "bob@", "", "From: cannot be parsed at its end"},
	{"no angle end", "Bob <bob@x.y", "", "From: cannot be parsed at its end"},
	{"text behind", "<bob@x.y> Bob", "bob@x.y", "From: cannot be parsed at \"Bob\""},
	{"two addresses without a comma", "a@x.y b@x.y", "a@x.y",
		"From: cannot be parsed at \"b@x.y\""},
	{"address as display name", "ceo@bank.example <bob@x.y>", "ceo@bank.example",
		"From: cannot be parsed at \"<bob@x.y>\""},
	{"two angles", "<a@x.y><b@x.y>", "a@x.y", "From: cannot be parsed at \"<b@x.y>\""},
	{"comma at the end", "a@x.y,", "a@x.y", "From: cannot be parsed at its end"},
	{"comma at the start", ",a@x.y", "", "From: cannot be parsed at \",a@x.y\""},
	{"comma twice", "a@x.y,,b@x.y", "a@x.y", "From: cannot be parsed at \",b@x.y\""},
	{"name with a comma", "Example, Bob <bob@x.y>", "",
		"From: cannot be parsed at \", Bob <bob@x.y>\""},
	{"route", "<@relay.example:bob@x.y>", "",
		"From: cannot be parsed at \"@relay.example:bob@x.y>\""},
	{"null", "<>", "", "From: cannot be parsed at \">\""},
	{"two at signs", "a@b@x.y", "a@b", "From: cannot be parsed at \"@x.y\""},
	{"dots apart", "a . b@x.y", "", "From: cannot be parsed at \". b@x.y\""},
	{"group in a group", "A: B: b@x.y;;", "", "From: cannot be parsed at \": b@x.y;;\""},
	{"open group", "A: b@x.y", "b@x.y", "From: cannot be parsed at its end"},
	{"group with a stray comma", "A: b@x.y,;", "b@x.y", "From: cannot be parsed at \";\""},
	{"open comment", "bob@x.y (", "", "From: cannot be parsed at \"(\""},
	{"open quotes", "\"bob <bob@x.y>", "", "From: cannot be parsed at \"\"bob <bob@x.y>\""},
	{"bare line break", "Bob\n<bob@x.y>", "", "From: cannot be parsed at \"?<bob@x.y>\""},
	{"bare CR", "Bob\r<bob@x.y>", "", "From: cannot be parsed at \"?<bob@x.y>\""},
	{"control octet", "Bob\033 <bob@x.y>", "", "From: cannot be parsed at \"? <bob@x.y>\""},
	{"tab in a local part", "\"a\tb\"@x.y", "", "From: cannot be parsed at \"\"a?b\"@x.y\""},
	{"not UTF-8", "J\374rgen <j@x.y>", "", "From: is not valid UTF-8"},
	{"host name that is none", "bob@ex_ample.org", "",
		"From: cannot be parsed at \"bob@ex_ample.org\""},
	{"long rest", "( " X60, "", "From: cannot be parsed at \"( " X10 X10 X10 "xxxxxxxx\""},
};

static const char *
join(const struct cm_from *from)
{
	const char *all = "";

	for (size_t i = 0; i < from->count; i++)
		all = arena_printf(&arena, "%s%s%s", all, i > 0 ? "|" : "", from->items[i].addr);
	return all;
}

START_TEST(from_field)
{
	const struct from_case *c = &from_cases[_i];
	const struct cm_from *from = address_parse_from(&arena, &c->field, 1);

	ck_assert_msg(strcmp(join(from), c->addrs) == 0, "%s: %s", c->name, join(from));
	ck_assert_msg((from->problem == NULL) == (c->problem == NULL), "%s: %s", c->name,
		from->problem == NULL ? "no problem" : from->problem);
	if (c->problem != NULL)
		ck_assert_str_eq(from->problem, c->problem);
	for (size_t i = 0; i < from->count; i++)
		ck_assert(from->items[i].valid);
}
END_TEST

START_TEST(from_text_is_the_mailbox_alone)
{
	const char *field = "Bob (x) <Bob@X.y> , (c) b (d) @X.y (e)";
	const struct cm_from *from = address_parse_from(&arena, &field, 1);

	ck_assert_uint_eq(from->count, 2);
	ck_assert_str_eq(from->items[0].text, "<Bob@X.y>");
	ck_assert_str_eq(from->items[0].user, "Bob");
	ck_assert_str_eq(from->items[1].text, "b (d) @X.y");
	ck_assert_str_eq(from->items[1].domain, "x.y");
}
END_TEST

START_TEST(number_of_fields_is_a_problem)
{
	const char *fields[] = {"a@x.y", "b@x.y", "("};
	const struct cm_from *from = address_parse_from(&arena, fields, 0);

	ck_assert_str_eq(from->problem, "no From: field");
	ck_assert_uint_eq(from->count, 0);
	from = address_parse_from(&arena, fields, 2);
	ck_assert_str_eq(from->problem, "2 From: fields");
	ck_assert_str_eq(join(from), "a@x.y|b@x.y");
	from = address_parse_from(&arena, fields, 3);
	ck_assert_str_eq(from->problem, "3 From: fields");
	ck_assert_uint_eq(from->count, 2);
}
END_TEST

START_TEST(too_many_mailboxes)
{
	static char field[8 * 1002];
	const char *p = field;
	const struct cm_from *from;

	for (int i = 0; i < 1000; i++)
		strcat(field, i > 0 ? ",a@x.y" : "a@x.y");
	from = address_parse_from(&arena, &p, 1);
	ck_assert_ptr_null(from->problem);
	ck_assert_uint_eq(from->count, 1000);
	strcat(field, ",a@x.y");
	from = address_parse_from(&arena, &p, 1);
	ck_assert_str_eq(from->problem, "From: has too many addresses");
	ck_assert_uint_eq(from->count, 1000);
}
END_TEST

START_TEST(deep_comments_cost_no_stack)
{
	static char field[200000];
	const char *p = field;

	memset(field, '(', 90000);
	memset(field + 90000, ')', 90000);
	strcpy(field + 180000, "a@x.y");
	ck_assert_ptr_null(address_parse_from(&arena, &p, 1)->problem);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("address");
	TCase *t = tcase_create("address");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, address_is_taken_apart, 0, LENGTH(good));
	tcase_add_test(t, null_sender);
	tcase_add_loop_test(t, odd_spelling_is_the_mailbox_an_mta_makes_of_it, 0, LENGTH(odd));
	tcase_add_loop_test(t, odd_null_sender, 0, LENGTH(odd_nulls));
	tcase_add_loop_test(t, spelling_is_as_received, 0, LENGTH(spellings));
	tcase_add_loop_test(t, no_address_is_said_and_guessed_at, 0, LENGTH(bad));
	tcase_add_test(t, endless_text_is_cut);
	tcase_add_loop_test(t, same_mailbox, 0, LENGTH(same));
	tcase_add_loop_test(t, from_field, 0, LENGTH(from_cases));
	tcase_add_test(t, from_text_is_the_mailbox_alone);
	tcase_add_test(t, number_of_fields_is_a_problem);
	tcase_add_test(t, too_many_mailboxes);
	tcase_add_test(t, deep_comments_cost_no_stack);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *r = srunner_create(suite());
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
