/* SPDX-License-Identifier: MIT */
/*
 * test_script_part.c - m:attachments() and m:urls(): what a rule gets, when, and what it is told
 * where it gets nothing
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

#define FIRST          \
	"local _, p\n" \
	"for i, part in m:attachments() do p = p or part end\n"
#define SAY(what)     "function message(m)\n" FIRST "return reject(tostring(" what "))\nend\n"
#define MESSAGE(code) "function message(m)\n" code "\nend\n"

static const struct {
	const char *name, *code, *want;
} rules[] = {
	{"The name", SAY("p.name"), "550 5.7.1 a.PDF"},
	{"What it is as text", SAY("p"), "550 5.7.1 a.PDF"},
	{"Its ending", SAY("p.ext"), "550 5.7.1 pdf"},
	{"Its type", SAY("p.type"), "550 5.7.1 application/pdf"},
	{"Its size", SAY("p.size"), "550 5.7.1 3"},
	{"No macros", SAY("p.has_macros"), "550 5.7.1 false"},
	{"No password", SAY("p.encrypted"), "550 5.7.1 false"},
	{"Nothing damaged", SAY("p.unreadable"), "550 5.7.1 false"},
	{"A field that is none", SAY("p.extension"),
		"failed: scripts/x.lua:4: attachment has no field \"extension\"*"},
	{"They are counted from one",
		MESSAGE("local n = 0 for i in m:attachments() do n = n + i end return reject('' .. "
			"n)"),
		"550 5.7.1 3"},
	{"A second time they are the same",
		MESSAGE("for _, a in m:attachments() do for _, b in m:attachments() do\n"
			"return reject(a.name .. ' ' .. b.name) end end"),
		"550 5.7.1 a.PDF a.PDF"},
	{"Before the end of the message nobody knows them",
		"function headers(m)\nm:attachments()\nend",
		"failed: scripts/x.lua:2: message.attachments is known from stage message on, not "
		"at headers *"},
	{"A name that is computed was not asked for", MESSAGE("m['attach' .. 'ments'](m)"),
		"failed: scripts/x.lua:2: message.attachments needs its name written in the rule*"},
	{"With a dot", MESSAGE("m.attachments()"),
		"failed: scripts/x.lua:2: attachments is called with a colon: m:attachments(...) "
		"*"},
	{"Where nothing may wait",
		MESSAGE("table.sort({ 1, 2 }, function(a, b) m:attachments() return a < b end)"),
		"failed: scripts/x.lua:2: m:attachments() cannot be used inside of a function*"},
	{"An address",
		MESSAGE("for i, u in m:urls() do return reject(i .. ' ' .. u.text .. ' ' .. "
			"u.host .. ' ' .. tostring(u)) end"),
		"550 5.7.1 1 http://A.example/ a.example http://A.example/"},
	{"A field of it that is none", MESSAGE("for _, u in m:urls() do return reject(u.path) end"),
		"failed: scripts/x.lua:2: address has no field \"path\"*"},
	{"An attachment belongs to its hook",
		"local kept = {}\nfunction message(m)\nfor i, p in m:attachments() do kept[i] = p "
		"end\nend\nfunction done(m)\nlog.warn(kept[1].name)\nend",
		"continue"},
};

static const struct cm_header fields[] = {
	{"From", " Bob <bob@example.com>"},
	{"Content-Type", " multipart/mixed;\r\n\tboundary=\"b\""},
};

static const char body[] = "--b\r\nContent-Type: application/pdf; name=a.PDF\r\n\r\nxyz\r\n"
			   "--b\r\nContent-Type: text/csv\r\n\r\nhttp://A.example/\r\n--b--\r\n";

static const char *
outcome(const char *text)
{
	drive_open(&r.d);
	drive_connect(&r.d, "192.0.2.1", "client.example.org", "587");
	drive_helo(&r.d, "client.example.org");
	drive_mail(&r.d, "<bob@example.com>", NULL, NULL);
	drive_rcpt(&r.d, "<to@example.net>");
	return rule_outcome(&r, drive_content(&r.d, fields, 2, text));
}

START_TEST(rule_gets)
{
	rule_load(&r, rules[_i].code, "");
	rule_expect(outcome(body), rules[_i].want);
}
END_TEST

START_TEST(done_may_look_and_keeps_nothing)
{
	rule_load(&r,
		"local kept\nfunction message(m)\nfor _, p in m:attachments() do kept = kept or p "
		"end\nend\nfunction done(m)\nfor _, p in m:attachments() do log.info(p.name) end\n"
		"log.info(kept.name)\nend",
		"");
	ck_assert_str_eq(outcome(body), "continue");
	chain_end_message(r.d.s);
	ck_assert_ptr_ne(strstr(rule_log(&r), "x: a.PDF"), NULL);
	ck_assert_ptr_ne(strstr(r.text, "this attachment belongs to a hook that has ended"), NULL);
}
END_TEST

#define WHY MESSAGE("local parts, why = m:attachments() return reject(tostring(why))")

static const struct {
	const char *name, *code, *more, *part;
	int parts;
	const char *want;
} unknown[] = {
	{"Too many parts are said", WHY, "", "--b\r\n\r\n", 501, "550 5.7.1 too many parts"},
	{"Too many addresses are said",
		MESSAGE("local urls, why = m:urls() return reject(tostring(why))"), "",
		"--b\r\n\r\n", 501, "550 5.7.1 too many parts or addresses"},
	{"A loop that does not ask is an error", MESSAGE("for _, p in m:attachments() do end"), "",
		"--b\r\n\r\n", 501, "failed: scripts/x.lua:2: *"},
	{"A body that is not kept is said", WHY, "", "x", 2048,
		"550 5.7.1 not kept: larger than max_message_size"},
};

START_TEST(rule_is_told_why_not)
{
	struct buf text;

	rule_load(&r, unknown[_i].code, unknown[_i].more);
	buf_init(&text, 0);
	for (int i = 0; i < unknown[_i].parts; i++)
		buf_add_str(&text, unknown[_i].part);
	if (unknown[_i].parts > 1000)
		r.d.g->chain.limits.body_octets = 1024;
	rule_expect(outcome(text.data), unknown[_i].want);
	buf_fini(&text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_part");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, rule_gets, 0, LENGTH(rules));
	tcase_add_test(tc, done_may_look_and_keeps_nothing);
	tcase_add_loop_test(tc, rule_is_told_why_not, 0, LENGTH(unknown));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
