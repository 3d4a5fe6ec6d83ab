/* SPDX-License-Identifier: MIT */
/*
 * test_service_dns.c - what links ask DNS, and the section that says whom
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "drive.h"
#include "service/resolver.h"
#include "table.h"

#define WALL 1800000000

static const char zone[] = "example.org  TXT \"v=spf1 -all\"\n"
			   "example.org  MX  10 mail.example.org\n"
			   "once.example 0 A 192.0.2.1\n"
			   "kept.example 60 A 192.0.2.2\n"
			   "slow.example timeout\n";

static struct drive d;

static void
begin(const char *settings)
{
	char text[512];

	clock_freeze(WALL);
	drive_init(&d);
	drive_file(&d, "zone", zone);
	snprintf(text, sizeof(text),
		"dns { zone = zone }\nprofile all { chain = [ asks ] }\nplugin asks { %s }\n",
		settings);
	drive_load_with(&d, text, true);
	drive_open(&d);
	drive_connect(&d, "192.0.2.1", "client.example.net", "25");
	drive_helo(&d, "client.example.net");
}

static void
end(void)
{
	drive_fini(&d);
	clock_thaw();
}

static void
message(void)
{
	ck_assert_int_eq(drive_mail(&d, "<a@Example.ORG>", NULL, NULL), CM_CONTINUE);
	ck_assert_int_eq(drive_rcpt(&d, "<b@example.com>"), CM_CONTINUE);
	ck_assert_int_eq(drive_content(&d, NULL, 0, "hello\r\n"), CM_CONTINUE);
}

static const char *
result(const char *key)
{
	const char *value = session_result(d.s, "asks", key);

	return value == NULL ? "" : value;
}

START_TEST(answers_come_together)
{
	begin("mail = [ \"TXT %d\", \"MX %d\", \"A nobody.example\", \"A slow.example\", \"A "
	      "a..b\" "
	      "]");
	drive_mail(&d, "<a@Example.ORG>", NULL, NULL);
	ck_assert_str_eq(result("0"), "found cached v=spf1 -all");
	ck_assert_str_eq(result("1"), "found cached mail.example.org");
	ck_assert_str_eq(result("2"), "nxdomain cached -");
	ck_assert_str_eq(result("3"), "timeout cached -");
	ck_assert_str_eq(result("4"), "badname cached -");
	ck_assert_uint_eq(d.s->dns_asked, 5);
	end();
}
END_TEST

/* An answer that nobody may keep is the message's, and the next message asks again. */
START_TEST(message_goes_by_one_answer)
{
	begin("begin = [ \"A once.example\" ]; mail = [ \"A once.example\" ]; "
	      "eom = [ \"A once.example\", \"A ONCE.example\" ]");
	drive_mail(&d, "<a@example.org>", NULL, NULL);
	ck_assert_uint_eq(d.s->dns_asked, 1);
	ck_assert_int_eq(drive_rcpt(&d, "<b@example.com>"), CM_CONTINUE);
	ck_assert_int_eq(drive_content(&d, NULL, 0, "hello\r\n"), CM_CONTINUE);
	ck_assert_str_eq(result("0"), "found cached 192.0.2.1");
	/* Written in another way it is another question. */
	ck_assert_uint_eq(d.s->dns_asked, 2);
	chain_end_message(d.s);
	session_end_message(d.s);
	ck_assert_uint_eq(d.s->dns_asked, 0);
	message();
	ck_assert_uint_eq(d.s->dns_asked, 2);
	end();
}
END_TEST

static const struct {
	const char *name, *section, *mistake;
} mistakes[] = {
	{"a name in the place of an address", "dns { resolvers = [ dns.example ] }",
		"must be an address, such as 192.0.2.1"},
	{"a port that is none", "dns { resolvers = [ \"192.0.2.1@x\" ] }", "must be an address"},
	{"a port that is too large", "dns { resolvers = [ \"192.0.2.1@65536\" ] }",
		"must be an address"},
	{"a timeout without unit", "dns { timeout = 5 }", "timeout needs a duration with a unit"},
	{"a timeout of nothing", "dns { timeout = 0s }", "timeout"},
	{"a cache that is too small", "dns { cache_size = 1k }", "cache_size"},
	{"keys that are not there", "dns { dnssec = yes; trust_anchor = nowhere }",
		"dnssec: cannot read the keys of the root in"},
	{"keys that are none", "dns { dnssec = yes; trust_anchor = broken }",
		"libunbound does not start; are there keys of the root in"},
	{"a file without keys", "dns { dnssec = yes; trust_anchor = /dev/null }",
		"the keys of the root in /dev/null: it holds none"},
	{"a zone file that is not there", "dns { zone = nowhere }", "No such file or directory"},
	{"two sections", "dns { }\ndns { }", "dns"},
	{"a name", "dns x { }", "dns"},
	{"a typing mistake", "dns { resolver = [ 192.0.2.1 ] }", "did you mean \"resolvers\"?"},
};

START_TEST(mistake_is_named)
{
	char text[512];

	drive_init(&d);
	drive_file(&d, "broken", ". IN DNSKEY nonsense\n");
	snprintf(text, sizeof(text),
		"listener l { socket = inet:10025@127.0.0.1 }\nprofile p { chain = [ ] }\n%s\n",
		mistakes[_i].section);
	drive_load_text(&d, text);
	ck_assert_ptr_null(d.g);
	ck_assert_msg(strstr(d.mistakes, mistakes[_i].mistake) != NULL, "%s: %s", mistakes[_i].name,
		d.mistakes);
	drive_fini(&d);
}
END_TEST

static const char *const taken[] = {
	"",
	"dns { }",
	"dns { resolvers = [ 192.0.2.1, \"192.0.2.2@5353\", \"2001:db8::1\", \"::1@53\" ] }",
	"dns { cache_size = 4G; timeout = 10ms }",
};

START_TEST(section_is_taken)
{
	drive_init(&d);
	drive_load(&d, "profile p { chain = [ ] }\n");
	ck_assert_ptr_nonnull(d.g->chain.resolver);
	drive_fini(&d);
	drive_init(&d);
	char text[512];

	snprintf(text, sizeof(text), "profile p { chain = [ ] }\n%s\n", taken[_i]);
	drive_load(&d, text);
	ck_assert_ptr_nonnull(d.g->chain.resolver);
	drive_fini(&d);
}
END_TEST

static const struct {
	const char *name, *ip, *zone, *out; /* NULL: no such name */
	size_t size;
} reversed[] = {
	{"an IPv4 address", "192.0.2.1", "bl.example", "1.2.0.192.bl.example", 64},
	{"an IPv6 address", "2001:db8::1", "bl.example",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example", 128},
	{"an IPv4 address in an IPv6 one", "::ffff:192.0.2.1", "x", "1.2.0.192.x", 64},
	{"the tree of IPv4", "192.0.2.1", NULL, "1.2.0.192.in-addr.arpa", 64},
	{"the tree of IPv6", "::", NULL,
		"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", 128},
	{"just room enough", "192.0.2.1", "bl.example", "1.2.0.192.bl.example", 21},
	{"one octet too little", "192.0.2.1", "bl.example", NULL, 20},
	{"no address", "mail.example", "bl.example", NULL, 64},
	{"nothing", "", "bl.example", NULL, 64},
};

START_TEST(address_is_reversed)
{
	char out[128];
	bool done = cm_dns_reverse(reversed[_i].ip, reversed[_i].zone, out, reversed[_i].size);

	ck_assert_msg(done == (reversed[_i].out != NULL), "%s", reversed[_i].name);
	if (done)
		ck_assert_str_eq(out, reversed[_i].out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("service_dns");
	TCase *tc = tcase_create("dns");

	tcase_add_test(tc, answers_come_together);
	tcase_add_test(tc, message_goes_by_one_answer);
	tcase_add_loop_test(tc, mistake_is_named, 0, LENGTH(mistakes));
	tcase_add_loop_test(tc, section_is_taken, 0, LENGTH(taken));
	tcase_add_loop_test(tc, address_is_reversed, 0, LENGTH(reversed));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
