/* SPDX-License-Identifier: MIT */
/*
 * test_script_lpeg.c - lpeg: what patterns give, what is refused
 *
 * What explodes is among the bombs of test_script_bombs.c.
 */
#include "script_value.h"
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

#define P "local P, V, C = lpeg.P, lpeg.V, lpeg.C "
/* Two values as one text. */
#define SHOW  "local a, b = "
#define SHOWN " return tostring(a) .. ' ' .. tostring(b)"

static const struct {
	const char *code, *want;
} values[] = {
	/* what matches */
	{"return lpeg.match('ab', 'abc')", "3"},
	{"return lpeg.match('b', 'abc')", "nil"},
	{"return lpeg.match('b', 'abc', 2)", "3"},
	{"return lpeg.match('c', 'abc', -1)", "4"},
	{"return lpeg.match(2, 'abc')", "3"},
	{"return lpeg.match(-4, 'abc')", "1"},
	{"return lpeg.match(true, 'abc')", "1"},
	{"return lpeg.match(false, 'abc')", "nil"},
	{"return lpeg.match('', '')", "1"},
	{"return lpeg.S('ab'):match('b')", "2"},
	{"return lpeg.R('az', '09'):match('7')", "2"},
	{"return (lpeg.S'ab'^0):match('abac')", "4"},
	{"return (lpeg.S'ab'^2):match('ac')", "nil"},
	{"return (lpeg.S'ab'^-2):match('aba')", "3"},
	{"return (lpeg.P'ab'^0):match('ababa')", "5"},
	{"return (lpeg.P'ab'^2):match('ab')", "nil"},
	{"return (lpeg.P'ab'^-1):match('abab')", "3"},
	{"return ('a' * lpeg.P'b' + 'c'):match('c')", "2"},
	{"return ((1 - lpeg.P'--')^0):match('a-b--c')", "4"},
	{"return (lpeg.R'az' - lpeg.S'xyz'):match('x')", "nil"},
	{"return (#lpeg.P'ab' * 1):match('ab')", "2"},
	{"return (-lpeg.P'a' * 1):match('a')", "nil"},
	{"return (1 * lpeg.B('a') * 'b'):match('ab')", "3"},
	{"return lpeg.locale().digit:match('7')", "2"},
	{"local t = {} return lpeg.locale(t) == t and t.alpha:match('x')", "2"},
	{"return lpeg.type(lpeg.P'a') .. ' ' .. tostring(lpeg.type('a'))", "pattern nil"},
	{"return tostring(lpeg.P'a')", "pattern"},
	{"return #lpeg.C(lpeg.P(1)^0):match(('a'):rep(1048576))", "1048576"},
	/* grammars */
	{P "return P{ '(' * V(1)^0 * ')' }:match('(()())')", "7"},
	{P "return P{ '(' * V(1)^0 * ')' }:match('(()')", "nil"},
	{P "return P{ 'top', x = P'x', top = V'x' * V'x' }:match('xx')", "3"},
	{P "local e = P{ 'sum', sum = lpeg.Cf(V'term' * lpeg.Cg(lpeg.S'+-' * V'term')^0, "
	   "function(a, b) return a + b end), term = C(lpeg.R'09'^1) / tonumber + '(' * V'sum' * "
	   "')' } return e:match('1+(2+3)+4')",
		"10"},
	{P "return ({ pcall(P{ P'x' * P{ V'y', y = P'z' } }.match, P{ P'x' * P{ 'y', y = P'z' } }, "
	   "'xz') })[2]",
		"3"},
	{P "local g = {} for i = 1, 60 do g[i] = 'a' * V(i + 1) end g[61] = P'b' return "
	   "P(g):match(('a'):rep(60) .. 'b')",
		"62"},
	/* the names of RFC 5322 calling one another in a ring, as all take something first */
	{P "return P{ 'a', a = '(' * V'b' + 'x', b = '[' * V'a' * ']' * P')' }:match('([x])')",
		"6"},
	/* captures */
	{SHOW "lpeg.match(lpeg.C('a') * lpeg.Cp(), 'ab')" SHOWN, "a 2"},
	{SHOW "lpeg.match(lpeg.C(1 * lpeg.C(1)), 'ab')" SHOWN, "ab b"},
	{SHOW "lpeg.match(lpeg.Cc('x', 2), '')" SHOWN, "x 2"},
	{SHOW "lpeg.match(lpeg.Carg(2) * lpeg.Carg(1), '', 1, 'x', 'y')" SHOWN, "y x"},
	{"return lpeg.match(lpeg.Ct(lpeg.Cg('a', 'k')), 'a').k", "a"},
	{"return lpeg.match(lpeg.Ct((lpeg.C(1))^0), 'abc')[3]", "c"},
	{"return lpeg.match(lpeg.Cs((lpeg.P'a' / 'b' + 1)^0), 'banana')", "bbnbnb"},
	{"return lpeg.match(lpeg.C(1) * lpeg.C(1) / '%2%1%0', 'ab')", "baab"},
	{"return lpeg.match(lpeg.C(1) * lpeg.C(1) / 2, 'ab')", "b"},
	{"return lpeg.match(lpeg.C(1) / { a = 'A' }, 'a')", "A"},
	{"return lpeg.match(lpeg.C(1) / string.upper, 'a')", "A"},
	{"return lpeg.match(lpeg.Cg(lpeg.C(1), 'x') * lpeg.Cb('x'), 'a')", "a"},
	{"return lpeg.match(lpeg.Cmt(lpeg.C(1)^1, function(s, i, a, b) return i, b .. a end), "
	 "'ab')",
		"ba"},
	{"return lpeg.match(lpeg.P(function(s, i) return i + 1 end), 'ab')", "2"},
	{"return lpeg.match(lpeg.P'a' * lpeg.Cmt(true, function() return false end) + 'ab', 'ab')",
		"3"},
	/* each lpeg.C() around another is one more value, and there is room for it */
	{"local p = lpeg.P(1) for i = 1, 90 do p = lpeg.C(p) end return select('#', p:match('x'))",
		"90"},
	{P "local p = P{ C('(' * V(1) * ')' + 'x') } local s = ('('):rep(60) .. 'x' .. "
	   "(')'):rep(60) "
	   "return select('#', p:match(s))",
		"61"},
	/* a pattern of many levels, compiled in the innermost of as many matches as Lua's calls
	   nest */
	{"local q = lpeg.P'x' for i = 1, 1900 do q = -q end local deep, ok = 0 "
	 "local function f(s, i) deep = deep + 1 "
	 "if not pcall(lpeg.match, lpeg.P(f), s) and ok == nil then ok = pcall(q.match, q, s) end "
	 "return i end lpeg.match(lpeg.P(f), 'x') return deep > 10 and ok",
		"false"},
	/* values of a function within what is only looked at are gone */
	{SHOW "lpeg.match(#lpeg.Cmt('a', function(s, i) return i, 'x', 'y' end) * lpeg.C(1) * "
	      "lpeg.C(1), 'ab')" SHOWN,
		"a b"},
	/* steps hide nothing */
	{"return lpeg.match(lpeg.Ct((lpeg.C'a' + lpeg.Cc'-' * 1)^0), 'axa')[2]", "-"},
	{"return lpeg.match(lpeg.C((lpeg.S'ab'^0 * 'c')^0), 'abcacc')", "abcacc"},
	/* an error in a function of a match is the rule's, and the pattern goes on to work */
	{"local n = 0 local p = lpeg.P(function(s, i) n = n + 1 if n == 1 then error('no') end "
	 "return i end) * 'a' return tostring(pcall(p.match, p, 'a')) .. p:match('a')",
		"false2"},
};

START_TEST(value_is)
{
	value_expect(&r, values[_i].code, "cpu = 10s", values[_i].want);
}
END_TEST

static const struct {
	const char *statement, *want;
} mistakes[] = {
	{"lpeg.P()", "bad argument #1 to 'P' (value expected*"},
	{"lpeg.P(m)", "bad argument #1 to 'P' (Pattern expected, got Message*"},
	{"local x = lpeg.P'a' * nil", "bad argument #2 to 'mul' (Pattern expected, got nil*"},
	{"lpeg.match('a')", "bad argument #2 to 'match' (string expected, got no value*"},
	{"lpeg.match('a', ('a'):rep(1048577))", "bad argument #2 to 'match' (a text has at most*"},
	{"lpeg.R('abc')", "bad argument #1 to 'R' (range must have two characters*"},
	{"local p = lpeg.P(''):match('') local q = lpeg.P('')^0",
		"loop body may accept empty string*"},
	{"lpeg.B(lpeg.P'a'^1)", "bad argument #1 to 'B' (pattern may not have fixed length*"},
	{"lpeg.B(lpeg.C'a')", "bad argument #1 to 'B' (pattern have captures*"},
	{"lpeg.B(-lpeg.V'x')", "bad argument #1 to 'B' (pattern refers to rules of a grammar*"},
	{"lpeg.match(lpeg.V'x', 'a')", "rule 'x' used outside a grammar*"},
	{"lpeg.P{ lpeg.V'x' }", "rule 'x' undefined in given grammar*"},
	{"lpeg.P{}", "lpeg: the grammar has no rule \"1\" to begin with*"},
	{"lpeg.P{ 'x' }", "lpeg: the grammar has no rule \"x\" to begin with*"},
	{"lpeg.P{ 'x', x = {} }", "lpeg: rule \"x\" is a table and no pattern*"},
	{"lpeg.P{ 'x', x = 'y' }", "lpeg: rule \"x\" is a string and no pattern*"},
	{"lpeg.V(m)", "lpeg: the name of a rule is a text or a whole number, not a userdata*"},
	{"lpeg.V(('x'):rep(65))", "lpeg: the name of a rule has at most 64 characters*"},
	{"lpeg.P{ 'x', x = lpeg.P'a'^-1 * lpeg.V'y', y = lpeg.V'x' }",
		"lpeg: left recursion: rule \"x\" may come to itself before it takes anything*"},
	{"lpeg.P(('x'):rep(1001))",
		"lpeg: this pattern has more than 2000 nodes; make it simpler*"},
	{"lpeg.P(1 << 31)", "lpeg: this pattern has more than 2000 nodes*"},
	{"local p = lpeg.P'ab'^400", "lpeg: this pattern has more than 2000 nodes*"},
	{"local p = lpeg.P'ab'^math.mininteger", "lpeg: this pattern has more than 2000 nodes*"},
	{"local p = lpeg.V'x' for i = 1, 7 do p = p * p end",
		"lpeg: more than 64 references to rules in one pattern; make patterns of rules "
		"that*"},
	{"local V = lpeg.V local g = {} for i = 1, 30 do g[i] = 'a' * V(1) * V(1) * V(1) end "
	 "lpeg.P(g)",
		"lpeg: more than 64 references to rules in one pattern*"},
	{"local V = lpeg.V local g = {} for i = 1, 30 do g[i] = V(i + 1) + V(i + 1) end g[31] = "
	 "lpeg.P'x' lpeg.P(g)",
		"lpeg: there are more than 200 ways through the rules of this grammar before*"},
	{"local g = {} for i = 1, 65 do g[i] = lpeg.P'x' end lpeg.P(g)",
		"lpeg: a grammar has at most 64 rules; make patterns of some of them*"},
	{"lpeg.P{ '(' * lpeg.V(1) * ')' }:match(('('):rep(5000))",
		"backtrack stack overflow (current limit is 2000)*"},
	{"lpeg.match(lpeg.Cb('x'), 'a')", "back reference 'x' not found*"},
	{"local x = lpeg.P'a' < lpeg.P'b'", "attempt to compare two Pattern values*"},
	{"local x = lpeg.P'a'.x", "pattern has no field \"x\"*"},
	{"lpeg.setmaxstack(1)", "lpeg has no \"setmaxstack\"*"},
	{"lpeg.match(lpeg.P(1) / function() error('mine') end, 'a')", "mine*"},
};

START_TEST(mistake_is_told)
{
	mistake_expect(&r, mistakes[_i].statement, "cpu = 20s", mistakes[_i].want);
}
END_TEST

/* LPeg takes the rule's memory. What it could not compile for want of it works once there is some.
 */
START_TEST(memory_is_the_rules)
{
	rule_load(&r,
		"function mail(m)\n"
		"	local p = lpeg.P('x')\n"
		"	for i = 1, 100 do p = p + 'y' * lpeg.C('ab' .. i) end\n"
		"	local kept, failed = {}, 0\n"
		"	pcall(function() while true do kept[#kept + 1] = ('x'):rep(300) .. #kept "
		"end "
		"end)\n"
		"	while #kept > 0 do\n"
		"		if not pcall(p.match, p, 'z') then failed = failed + 1 end\n"
		"		kept[#kept] = nil\n"
		"	end\n"
		"	return reject(tostring(failed > 0) .. ' ' .. p:match('yab1'))\n"
		"end\n",
		"cpu = 20s; memory = 1M");
	for (int i = 0; i < 5; i++)
		ck_assert_str_eq(value_next(&r), "550 5.7.1 true ab1");
	ck_assert_ptr_null(strstr(rule_log(&r), "built anew"));
}
END_TEST

START_TEST(want_of_memory_is_told)
{
	rule_load(&r,
		"function mail(m)\n"
		"	local p = lpeg.P('x')\n"
		"	for i = 1, 100 do p = p + 'y' * lpeg.C('ab' .. i) end\n"
		"	local kept = {}\n"
		"	pcall(function() while true do kept[#kept + 1] = ('x'):rep(300) .. #kept "
		"end "
		"end)\n"
		"	p:match('z')\n"
		"	return reject(#kept)\n"
		"end\n",
		"cpu = 20s; memory = 1M");
	rule_expect(rule_session(&r), "failed: scripts/x.lua:6: not enough memory: mail() may use "
				      "1024 KB*");
}
END_TEST

/* A pattern of the top of the file serves all hooks. */
START_TEST(patterns_last)
{
	rule_load(&r,
		"local pair = lpeg.C(lpeg.R'az'^1) * '=' * lpeg.C(lpeg.R'09'^1)\n"
		"function mail(m)\n"
		"	local name, value = pair:match('size=42')\n"
		"	return reject(name .. ' ' .. value)\n"
		"end\n",
		"");
	for (int i = 0; i < 3; i++)
		ck_assert_str_eq(value_next(&r), "550 5.7.1 size 42");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_lpeg");
	TCase *tc = tcase_create("lpeg");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, value_is, 0, LENGTH(values));
	tcase_add_loop_test(tc, mistake_is_told, 0, LENGTH(mistakes));
	tcase_add_test(tc, memory_is_the_rules);
	tcase_add_test(tc, want_of_memory_is_told);
	tcase_add_test(tc, patterns_last);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
