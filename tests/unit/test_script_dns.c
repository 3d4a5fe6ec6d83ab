/* SPDX-License-Identifier: MIT */
/*
 * test_script_dns.c - dns.a and its like, dns.all, dnsbl
 */
#include "base/clock.h"
#include "script_case.h"
#include "table.h"

static const char zone[] = "one.example A 192.0.2.1\n"
			   "two.example A 192.0.2.2\n"
			   "two.example A 192.0.2.3\n"
			   "two.example AAAA 2001:db8::2\n"
			   "alias.example CNAME one.example\n"
			   "text.example TXT \"a b\" \"c\"\n"
			   "text.example TXT \"x\\000y\"\n"
			   "mail.example MX 20 Second.example\n"
			   "mail.example MX 10 first.example\n"
			   "mail.example NS ns.example\n"
			   "null.example MX 0 .\n"
			   "1.2.0.192.in-addr.arpa PTR one.example\n"
			   "slow.example timeout\n"
			   "bad.example servfail\n"
			   "no.example refused\n"
			   "forged.example bogus\n"
			   "1.2.0.192.bl.example A 127.0.0.2\n"
			   "1.2.0.192.bl.example A 127.0.0.4\n"
			   "1.2.0.192.full.example A 127.255.255.254\n"
			   "1.2.0.192.gone.example A 203.0.113.80\n"
			   "1.2.0.192.slow.example timeout\n";

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

static const char *
run_rule(const char *code)
{
	drive_file(&r.d, "scripts/x.lua", code);
	drive_file(&r.d, "zone", zone);
	drive_load_text(&r.d, "main { authserv_id = mx.test }\n"
			      "listener l { socket = inet:10025@127.0.0.1 }\n"
			      "dns { zone = zone }\n"
			      "profile p { chain = [ x ] }\n"
			      "script x { file = scripts/x.lua }\n");
	drive_shorten(&r.d);
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
	return rule_session(&r);
}

/* "a,b" of a list, or "nil word" */
#define SHOW                                                          \
	"local function show(t, err)\n"                               \
	"  if not t then return 'nil ' .. tostring(err) end\n"        \
	"  return '{' .. table.concat(t, ',') .. '}'\n"               \
	"end\n"                                                       \
	"local function bl(l, err)\n"                                 \
	"  if not l then return 'nil ' .. err end\n"                  \
	"  return tostring(l.listed) .. table.concat(l.codes, ',')\n" \
	"end\n"

static const struct {
	const char *expression, *want;
} answers[] = {
	{"show(dns.a('one.example'))", "{192.0.2.1}"},
	{"show(dns.a('One.Example.'))", "{192.0.2.1}"},
	{"show(dns.a('two.example'))", "{192.0.2.2,192.0.2.3}"},
	{"show(dns.aaaa('two.example'))", "{2001:db8::2}"},
	{"show(dns.a('alias.example'))", "{192.0.2.1}"},
	{"show(dns.aaaa('one.example'))", "{}"},
	{"show(dns.a('nobody.example'))", "{}"},
	{"show(dns.a(('x'):rep(64) .. '.example'))", "{}"},
	{"show(dns.a(''))", "{}"},
	{"show(dns.txt('text.example')):gsub('\\0', '0')", "{a bc,x0y}"},
	{"show(dns.mx('mail.example'))", "{first.example,second.example}"},
	{"show(dns.mx('null.example'))", "{}"},
	{"#dns.mx('null.example')", "1"},
	{"show(dns.ns('mail.example'))", "{ns.example}"},
	{"show(dns.ptr('192.0.2.1'))", "{one.example}"},
	{"show(dns.ptr('1.2.0.192.in-addr.arpa'))", "{one.example}"},
	{"show(dns.a('slow.example'))", "nil timeout"},
	{"show(dns.a('bad.example'))", "nil servfail"},
	{"show(dns.a('no.example'))", "nil refused"},
	{"show(dns.a('forged.example'))", "nil bogus"},
	{"#dns.all{}", "0"},
	{"#dns.all(table.pack({'a', 'one.example'}))", "1"},
	{"(function() local t = {}\n"
	 " for i, q in ipairs(dns.all{{'a', 'one.example'}, {'txt', 'slow.example'}, "
	 "{'ptr', '192.0.2.1'}, {'a', 'nobody.example'}}) do\n"
	 " t[i] = show(q.answers, q.err) end return table.concat(t, ' ') end)()",
		"{192.0.2.1} nil timeout {one.example} {}"},
	{"bl(dnsbl('192.0.2.1', 'bl.example'))", "true127.0.0.2,127.0.0.4"},
	{"bl(dnsbl(m.client.ip, 'bl.example'))", "true127.0.0.2,127.0.0.4"},
	{"bl(dnsbl('192.0.2.9', 'bl.example'))", "false"},
	{"bl(dnsbl('', 'bl.example'))", "false"},
	{"bl(dnsbl('192.0.2.1', 'full.example'))", "nil refused"},
	{"bl(dnsbl('192.0.2.1', 'gone.example'))", "false"},
	{"bl(dnsbl('192.0.2.1', 'slow.example'))", "nil timeout"},
	{"bl(dnsbl('2001:db8::1', 'bl.example'))", "false"},
	/* in a loop, in a pcall, one after the other */
	{"(function() local n = 0 for i = 1, 40 do n = n + #dns.a('two.example') end return n "
	 "end)()",
		"80"},
	{"select(2, pcall(function() return show(dns.a('one.example')) end))", "{192.0.2.1}"},
};

START_TEST(answer_is)
{
	char code[1200], want[120];

	snprintf(code, sizeof(code),
		SHOW "function mail(m)\n  local t = %s\n  return reject(tostring(t))\nend\n",
		answers[_i].expression);
	snprintf(want, sizeof(want), "550 5.7.1 %s", answers[_i].want);
	ck_assert_str_eq(run_rule(code), want);
}
END_TEST

static const struct {
	const char *statement, *want;
} mistakes[] = {
	{"dns.a()", "failed: scripts/x.lua:1: bad argument #1 to 'a' (string expected*"},
	{"dns.a({})", "failed: scripts/x.lua:1: bad argument #1 to 'a' (string expected*"},
	{"dns.a('a\\0b')", "failed: scripts/x.lua:1: bad argument #1 to 'a' (text holds a NUL*"},
	{"dns.all('x')", "failed: scripts/x.lua:1: bad argument #1 to 'all' (table expected*"},
	{"dns.all{'x'}", "failed: scripts/x.lua:1: dns.all: question 1 is no table: { \"a\", "
			 "name }*"},
	{"dns.all{{'a', 'x'}, {'any', 'x'}}",
		"failed: scripts/x.lua:1: dns.all: question 2 begins with a, aaaa, mx, ns, ptr or "
		"txt*"},
	{"dns.all{ a = 'x' }",
		"failed: scripts/x.lua:1: dns.all{{\"a\", name}, ...}: there is a \"a\" "
		"between the questions*"},
	{"dns.all{{'a'}}", "failed: scripts/x.lua:1: dns.all: the name of question 1 is a nil*"},
	{"local t = {} for i = 1, 65 do t[i] = {'a', 'x'} end dns.all(t)",
		"failed: scripts/x.lua:1: dns.all asks at most 64 questions at once*"},
	{"dnsbl('x', 'bl.example')",
		"failed: scripts/x.lua:1: dnsbl: \"x\" below \"bl.example\" is no address or too "
		"long*"},
	{"dnsbl('192.0.2.1')", "failed: scripts/x.lua:1: bad argument #2 to 'dnsbl'*"},
	{"table.sort({2, 1}, function(a, b) dns.a('one.example') return a < b end)",
		"failed: scripts/x.lua:1: dns.a cannot be used inside of a function that "
		"table.sort*"},
	{"for i = 1, 2000 do dns.a('one.example') end",
		"failed: scripts/x.lua:1: one hook may wait at most 1000 times*"},
};

START_TEST(mistake_is_told)
{
	char code[400];

	snprintf(code, sizeof(code), "function mail(m) %s end\n", mistakes[_i].statement);
	rule_expect(run_rule(code), mistakes[_i].want);
}
END_TEST

/* An answer is the same at every stage, and for each rule. */
START_TEST(asked_in_every_hook)
{
	ck_assert_str_eq(run_rule("function connect(m) dns.a('one.example') end\n"
				  "function helo(m) dns.a('one.example') end\n"
				  "function rcpt(m) dns.a('one.example') end\n"
				  "function data(m) dns.a('one.example') end\n"
				  "function headers(m) dns.a('one.example') end\n"
				  "function message(m) m:note('a', dns.a('one.example')[1]) end\n"
				  "function done(m) log.info('done', { a = "
				  "dns.a('one.example')[1], note = m:note('a') }) end\n"),
		"continue");
	chain_end_message(r.d.s);
	ck_assert_ptr_nonnull(strstr(rule_log(&r), "done a=192.0.2.1 note=192.0.2.1"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_dns");
	TCase *tc = tcase_create("dns");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, answer_is, 0, LENGTH(answers));
	tcase_add_loop_test(tc, mistake_is_told, 0, LENGTH(mistakes));
	tcase_add_test(tc, asked_in_every_hook);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
