/* SPDX-License-Identifier: MIT */
/*
 * test_script_re.c - re.find, re.match and re.gsub: what they give, what they refuse, what they
 * cost
 *
 * The last needs real time; its bound is many times what an idle machine takes.
 */
#include "base/clock.h"
#include "script_value.h"
#include "table.h"

#define CPU_MS	 20
#define BOUND_MS (2 * CPU_MS * 20)

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

/* Three values as one text. */
#define SHOW  "local a, b, c = "
#define SHOWN " return tostring(a) .. ' ' .. tostring(b) .. ' ' .. tostring(c)"

static const struct {
	const char *code, *want;
} values[] = {
	{"return re.match('hello world', 'o w')", "o w"},
	{"return re.match('hello', 'x')", "nil"},
	{SHOW "re.match('key = value', '(\\\\w+)\\\\s*=\\\\s*(\\\\w+)')" SHOWN, "key value nil"},
	{SHOW "re.match('ac', '(a)(b)?(c)')" SHOWN, "a nil c"},
	{SHOW "re.find('hello world', 'o w')" SHOWN, "5 7 nil"},
	{SHOW "re.find('hello', '(l+)')" SHOWN, "3 4 ll"},
	{SHOW "re.find('hello', 'l', 4)" SHOWN, "4 4 nil"},
	{SHOW "re.find('hello', 'l', -1)" SHOWN, "nil nil nil"},
	{SHOW "re.find('hello', 'l', -2)" SHOWN, "4 4 nil"},
	{SHOW "re.find('hello', '', 6)" SHOWN, "6 5 nil"},
	{SHOW "re.find('hello', '', 7)" SHOWN, "nil nil nil"},
	{SHOW "re.find('hello', '^l', 3)" SHOWN, "nil nil nil"},
	{SHOW "re.find('hello', '\\\\Gl', 3)" SHOWN, "3 3 nil"},
	{SHOW "re.find('hello', 'h', math.mininteger)" SHOWN, "1 1 nil"},
	{SHOW "re.find('hello', 'h', math.maxinteger)" SHOWN, "nil nil nil"},
	/* what Lua's patterns cannot */
	{"return re.match('an invoice', '(?i)\\\\b(bill|INVOICE)\\\\b')", "invoice"},
	{"return re.match('foobar', 'foo(?!baz)\\\\w+')", "foobar"},
	{"return re.match('aa-bb', '(?<x>b)\\\\k<x>')", "b"},
	{"return re.match('((x))', '\\\\((?:[^()]|(?R))*\\\\)')", "((x))"},
	/* octets, unless the expression says otherwise */
	{"return #re.match('\\xc3\\xa4', '.')", "1"},
	{"return #re.match('\\xc3\\xa4', '(*UTF).')", "2"},
	{"return #re.match('\\xc3\\xa4', '(*UCP)(*UTF)\\\\w')", "2"},
	{"return #re.match('\\xff\\xc3\\xa4', '(*UTF).')", "2"},
	{"return #re.match('a\\0b', 'a\\\\0b')", "3"},
	{"return re.match(42, '4')", "4"},
	/* gsub */
	{SHOW "re.gsub('hello world', 'o', '0')" SHOWN, "hell0 w0rld 2 nil"},
	{SHOW "re.gsub('hello world', 'o', '0', 1)" SHOWN, "hell0 world 1 nil"},
	{SHOW "re.gsub('hello world', 'o', '0', 0)" SHOWN, "hello world 0 nil"},
	{SHOW "re.gsub('hello world', '(\\\\w+) (\\\\w+)', '%2 %1')" SHOWN, "world hello 1 nil"},
	{SHOW "re.gsub('abc', '\\\\w', '%0%1%%')" SHOWN, "aa%bb%cc% 3 nil"},
	{SHOW "re.gsub('ac', 'a(b)?', '[%1]')" SHOWN, "[]c 1 nil"},
	{SHOW "re.gsub('abc', '', '-')" SHOWN, "-a-b-c- 4 nil"},
	{SHOW "re.gsub('aaa', 'a*', '-')" SHOWN, "- 1 nil"},
	{SHOW "re.gsub('ab', '(?=b)|b', '-')" SHOWN, "a-- 2 nil"},
	{SHOW "re.gsub('abc', '^.', '-')" SHOWN, "-bc 1 nil"},
	{SHOW "re.gsub('a b', '\\\\w', { a = 'A' })" SHOWN, "A b 2 nil"},
	{SHOW "re.gsub('a b', '\\\\w', string.upper)" SHOWN, "A B 2 nil"},
	{SHOW "re.gsub('a b', '\\\\w', function(x) return re.gsub(x, '\\\\w', '%0%0') end)" SHOWN,
		"aa bb 2 nil"},
	{SHOW "re.gsub('a b', '(x)?\\\\w', function(x) return x == nil and '-' end)" SHOWN,
		"- - 2 nil"},
	/* more expressions than are kept, twice */
	{"local n = 0 for i = 1, 400 do local x = tostring(i % 200) "
	 "if re.match('<' .. x .. '>', '<(' .. x .. ')>') == x then n = n + 1 end end return n",
		"400"},
	/* the callback's many expressions do not take away the one that is running */
	{"return re.gsub(('a'):rep(200), 'a', function(x) for i = 1, 100 do re.match('x', 'x{' .. "
	 "i .. '}') end end) == ('a'):rep(200)",
		"true"},
	{"return #re.match(('a'):rep(1048576), 'a+')", "1048576"},
	{"return #re.gsub(('ab'):rep(20000), '(a)(b)', '%2%1')", "40000"},
};

START_TEST(value_is)
{
	value_expect(&r, values[_i].code, "cpu = 10s", values[_i].want);
}
END_TEST

static const struct {
	const char *statement, *want;
} mistakes[] = {
	{"re.match('x')", "bad argument #2 to 'match' (string expected*"},
	{"re.match(nil, 'x')", "bad argument #1 to 'match' (string expected*"},
	{"re.match('x', 'a(b')",
		"re.match: expression \"a(b\": missing closing parenthesis at character 4*"},
	{"re.find('x', '[a')",
		"re.find: expression \"[a\": missing terminating ] for character class at*"},
	{"re.gsub('x', 'a{2,1}', '')",
		"re.gsub: expression \"a{2,1}\": numbers out of order in {} quantifier at*"},
	{"re.match('x', ('('):rep(200))",
		"re.match: expression "
		"\"(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
		"((((((((((((((...\": missing closing*"},
	{"re.match('x', ('('):rep(2000) .. (')'):rep(2000))", "re.match: expression \"*"},
	{"re.match('x', ('x'):rep(4097))",
		"bad argument #2 to 'match' (an expression has at most 4096 characters*"},
	{"re.match('x', 'a\\0')",
		"bad argument #2 to 'match' (the expression holds a NUL character; write \\0*"},
	{"re.match(('x'):rep(1048577), 'a')",
		"bad argument #1 to 'match' (a text has at most 1048576 octets*"},
	{"re.match('x', ('(x)?'):rep(33))", "re.match: expression \"*"},
	{"re.match('x', '\\\\C')", "re.match: expression \"\\C\": using \\C is disabled*"},
	{"re.match('x', '(?:(?:xy){1000}){99}')", "re.match: expression \"(?:(?:xy){1000}){99}\": "
						  "regular expression is too large at*"},
	{"re.gsub('x', 'x', '%2')", "re.gsub: the expression has no group %2*"},
	{"re.gsub('x', '(x)', '%2')", "re.gsub: the expression has no group %2*"},
	{"re.gsub('x', 'x', '%')", "re.gsub: write %% for a % in the replacement*"},
	{"re.gsub('x', 'x', '%a')", "re.gsub: write %% for a % in the replacement*"},
	{"re.gsub('x', 'x', true)",
		"bad argument #3 to 'gsub' (string/function/table expected, got boolean)*"},
	{"re.gsub('x', 'x', function() return {} end)",
		"re.gsub: a table cannot be the replacement*"},
	{"re.mach('x', 'x')", "re has no \"mach\"; did you mean \"match\"?*"},
	/* expressions that explode */
	{"re.match(('a'):rep(40) .. '!', '^(a+)+$')",
		"re.match: expression \"^(a+)+$\" takes too many steps on a text of 41 octets*"},
	{"re.match(('a'):rep(5000), '(x+x+)+y|a*a*a*b')",
		"re.match: expression \"(x+x+)+y|a*a*a*b\" takes too many steps on a text of "
		"5000*"},
	{"re.match(('a'):rep(900000), '(?:a|b)*[cd]')",
		"re.match: expression \"(?:a|b)*[cd]\" takes too much memory on a text of 900000*"},
};

START_TEST(mistake_is_told)
{
	mistake_expect(&r, mistakes[_i].statement, "cpu = 20s", mistakes[_i].want);
}
END_TEST

/* --- what cannot be done within the budget is stopped soon after it --- */

static const char *const bombs[] = {
	"while true do re.match('x', 'y') end",
	"while true do pcall(re.match, 'x', '(') end",
	"local i = 0 while true do i = i + 1 re.match('x', 'x' .. i) end",
	"while true do pcall(re.match, ('a'):rep(40), '^(a+)+[bc]') end",
	"while true do re.match(('a'):rep(1000000), '[^b]*+[cd]') end",
	"while true do re.match(('a'):rep(1000000), '(?i)x') end",
	"while true do re.match(('\\xc3\\xa4'):rep(500000), '(*UTF)x') end",
	"while true do re.gsub(('a'):rep(1000000), '(?i)a', '') end",
	"while true do re.gsub(('a'):rep(1000000), '(*UTF)a', '') end",
	"while true do re.gsub(('a'):rep(1000000), '', '') end",
	"while true do re.gsub(('a'):rep(1000), 'a', ('x'):rep(500)) end",
	"while true do re.match(('a'):rep(1000000), '(?=(a+))\\\\1[bc]') end",
	"while true do re.match(('ab'):rep(500000), '(?:ab)*+[cd]') end",
	"while true do re.match(('a'):rep(1000000), '(?<=a{200})[bc]') end",
	"while true do re.match(('('):rep(100000), '\\\\((?:[^()]++|(?R))*+\\\\)') end",
	"re.match('x', ('(?:a|ab|'):rep(60) .. 'x' .. (')*'):rep(60)) while true do end",
	"while true do local s = ('(?=a)'):rep(700) pcall(re.match, 'x', s .. 'y') end",
};

START_TEST(stays_within_its_budget)
{
	char code[400];
	int64_t began, took;

	snprintf(code, sizeof(code), "function mail(m) %s end\n", bombs[_i]);
	rule_load(&r, code, "cpu = 20ms; memory = 16M; timeout = 60s");
	began = clock_cpu();
	rule_expect(rule_session(&r), "failed: scripts/x.lua:1: mail() used its 20ms of processor "
				      "time*");
	took = (clock_cpu() - began) / CLOCK_MS;
	ck_assert_msg(took <= BOUND_MS, "%d ms", (int)took);
}
END_TEST

/* PCRE2 takes the rule's memory, and gives it back. */
START_TEST(memory_is_the_rules)
{
	rule_load(&r,
		"function mail(m) return reject(tostring(pcall(re.match, ('a'):rep(200000), "
		"'(?:a|b)*[cd]'))) end\n",
		"cpu = 20s; memory = 1M");
	for (int i = 0; i < 20; i++) {
		ck_assert_str_eq(value_next(&r), "550 5.7.1 false");
	}
	ck_assert_ptr_null(strstr(rule_log(&r), "built anew"));
}
END_TEST

/* While a file is loaded, its expressions may be tried, too. */
START_TEST(works_while_loading)
{
	rule_try(&r, "local x = re.match('a', '(')\nfunction mail(m) end\n", "");
	ck_assert_msg(strstr(r.d.mistakes,
			      "scripts/x.lua:1: error: re.match: expression \"(\": missing closing "
			      "parenthesis at character 2") != NULL,
		"%s", r.d.mistakes);
}
END_TEST

/* Garbage is no reason to find nothing: the rule keeps six tenths of what it may. */
START_TEST(garbage_is_collected)
{
	value_expect(&r,
		"local kept = {}\n"
		"for i = 1, 600 do kept[i] = ('x'):rep(1000) .. i end\n"
		"for i = 1, 5000 do re.find(('y'):rep(300) .. i, 'y+' .. i // 100) end\n"
		"return #kept",
		"cpu = 10s; memory = 1M", "600");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_re");
	TCase *tc = tcase_create("re");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, value_is, 0, LENGTH(values));
	tcase_add_loop_test(tc, mistake_is_told, 0, LENGTH(mistakes));
	tcase_add_loop_test(tc, stays_within_its_budget, 0, LENGTH(bombs));
	tcase_add_test(tc, memory_is_the_rules);
	tcase_add_test(tc, works_while_loading);
	tcase_add_test(tc, garbage_is_collected);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
