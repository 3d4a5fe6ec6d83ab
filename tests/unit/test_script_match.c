/* SPDX-License-Identifier: MIT */
/*
 * test_script_match.c - the bounded matcher against the string library that Lua comes with
 *
 * One state holds both: `stock` is Lua's own library, `ours` has the four functions replaced. Cases
 * are written by hand and made at random (with a fixed seed); both must give the same results.
 */
#include <check.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <string.h>

#include "host/script_match_lib.h"
#include "longjmp.h"

static lua_State *L;

static void
add_library(const char *name, bool replaced)
{
	lua_pushcfunction(L, luaopen_string);
	lua_call(L, 0, 1);
	if (replaced)
		script_match_open(L);
	lua_setglobal(L, name);
}

static void
setup(void)
{
	L = luaL_newstate();
	ck_assert_ptr_nonnull(L);
	*(void **)lua_getextraspace(L) = NULL; /* no budget */
	luaL_requiref(L, "_G", luaopen_base, 1);
	luaL_requiref(L, "math", luaopen_math, 1);
	luaL_requiref(L, "table", luaopen_table, 1);
	lua_settop(L, 0);
	add_library("stock", false);
	add_library("ours", true);
}

static void
teardown(void)
{
	lua_close(L);
}

/* Runs the code and fails with the text it returns, if any. */
static void
run_lua(const char *code, int args)
{
	ck_assert_msg(luaL_loadstring(L, code) == LUA_OK, "%s", lua_tostring(L, -1));
	lua_insert(L, -1 - args);
	ck_assert_msg(lua_pcall(L, args, 1, 0) == LUA_OK, "%s", lua_tostring(L, -1));
	ck_assert_msg(lua_isnil(L, -1), "%s", lua_tostring(L, -1));
	lua_pop(L, 1);
}

/* --- both libraries agree -----------------------------------------------------------------------
 */

/*
 * compare(text, pattern, repl) calls all four functions of both libraries and says what differs.
 * A pattern that Lua's library finds malformed only when it gets there is malformed for us at once.
 */
#define COMPARE                                                                              \
	"local function show(ok, ...)\n"                                                     \
	"	local out = { ok and 'ok' or 'error' }\n"                                          \
	"	if not ok then return 'error', ... end\n"                                          \
	"	for i = 1, select('#', ...) do\n"                                                  \
	"		local v = select(i, ...)\n"                                                       \
	"		out[#out + 1] = math.type(v) or type(v)\n"                                        \
	"		out[#out + 1] = tostring(v)\n"                                                    \
	"	end\n"                                                                             \
	"	return table.concat(out, '|')\n"                                                   \
	"end\n"                                                                              \
	"local function all(lib, text, pattern)\n"                                           \
	"	local out = {}\n"                                                                  \
	"	for a, b in lib.gmatch(text, pattern) do\n"                                        \
	"		out[#out + 1] = tostring(a) .. '~' .. tostring(b)\n"                              \
	"		if #out > 100 then break end\n"                                                   \
	"	end\n"                                                                             \
	"	return table.concat(out, '|')\n"                                                   \
	"end\n"                                                                              \
	"local function back(a, b) if a ~= 'a' then return b end end\n"                      \
	"local calls = {\n"                                                                  \
	"	find = function(lib, s, p) return lib.find(s, p) end,\n"                           \
	"	find3 = function(lib, s, p) return lib.find(s, p, 3) end,\n"                       \
	"	find_end = function(lib, s, p) return lib.find(s, p, -2) end,\n"                   \
	"	match = function(lib, s, p) return lib.match(s, p) end,\n"                         \
	"	match2 = function(lib, s, p) return lib.match(s, p, 2) end,\n"                     \
	"	gsub = function(lib, s, p) return lib.gsub(s, p, '<%0%1>') end,\n"                 \
	"	gsub2 = function(lib, s, p) return lib.gsub(s, p, 'x', 2) end,\n"                  \
	"	gsub_call = function(lib, s, p) return lib.gsub(s, p, back) end,\n"                \
	"	gsub_table = function(lib, s, p) return lib.gsub(s, p, { a = 'A', b = 7 }) end,\n" \
	"	gmatch = all,\n"                                                                   \
	"}\n"                                                                                \
	"local function malformed(why)\n"                                                    \
	"	return why and (why:find('malformed', 1, true) or why:find('capture', 1, true))\n" \
	"end\n"                                                                              \
	"local function compare(text, pattern)\n"                                            \
	"	for name, call in pairs(calls) do\n"                                               \
	"		local want, why = show(pcall(call, stock, text, pattern))\n"                      \
	"		local got, our_why = show(pcall(call, ours, text, pattern))\n"                    \
	"		if want ~= got and not (got == 'error' and malformed(our_why)) then\n"            \
	"			return stock.format('%s(%q, %q): want %s %s, got %s %s', name, "                 \
	"text,\n"                                                                            \
	"				pattern, want, tostring(why), got, tostring(our_why))\n"                        \
	"		end\n"                                                                            \
	"	end\n"                                                                             \
	"end\n"

static const struct {
	const char *text, *pattern;
} same[] = {
	{"", ""},
	{"abc", ""},
	{"hello world", "o w"},
	{"hello world", "l+"},
	{"hello world", "%w*"},
	{"hello world", "(%w+) (%w+)"},
	{"hello", "^h"},
	{"hello", "^e"},
	{"hello", "o$"},
	{"hello", "l$"},
	{"a$b", "$b"},
	{"a^b", "a^b"},
	{"  trim me  ", "^%s*(.-)%s*$"},
	{"key = value", "(%w+)%s*=%s*(%w+)"},
	{"[192.0.2.1]", "^%[?(%d+%.%d+%.%d+%.%d+)%]?$"},
	{"f(a(b)c)d", "%b()"},
	{"((", "%b()"},
	{"xaxbx", "%bxx"},
	{"THE (quick) fox", "%f[%a]%a+%f[%A]"},
	{"abcabc", "(abc)%1"},
	{"abcabd", "(ab)c%1"},
	{"aa", "(a)(a)%2"},
	{"ab", "()a()"},
	{"ab", "()%1"},
	{"]]", "[]]"},
	{"a]", "[^]]"},
	{"a-z", "[a-]+"},
	{"a-z", "[%a-z]+"},
	{"a-z", "[a%-z]+"},
	{"+-*", "[+--]+"},
	{"x^y", "[x^]+"},
	{"aaab", "a-b"},
	{"aaab", "a*ab"},
	{"aaab", "a+a+a+b"},
	{"ab", "a?b?c?"},
	{"%d", "%%d"},
	{"a.b", "a%.b"},
	{"tab\there", "%c"},
	{"Ab1_", "[%u][%l][%d]%p"},
	{"0xFf", "0[xX](%x+)"},
	{"caf\xc3\xa9", "[\x80-\xff]+"},
	{"*", "*"},
	{"a*", "a(*)"},
	{"a+b", "(a)+"},
	{"aaa", "(a)*"},
	{"a%b", "[%%]"},
	{"one,two,,three", "([^,]*),?"},
	{"abc", "[b-"},
	{"abc", "[%"},
	{"abc", "%"},
	{"abc", "(b"},
	{"abc", "b)"},
	{"abc", "%1"},
	{"abc", "(a%1)"},
	{"abc", "%b"},
	{"abc", "%bx"},
	{"abc", "%f"},
	{"abc", "%fb"},
	{"abc", "[]"},
	{"abc", "[^]"},
	{"b", "%0"},
	{"zZ", "%z"},
	{"aQ", "%q%Q?"},
};

START_TEST(gives_what_the_stock_library_gives)
{
	lua_pushstring(L, same[_i].text);
	lua_pushstring(L, same[_i].pattern);
	run_lua(COMPARE "return compare(...)", 2);
}
END_TEST

START_TEST(agrees_on_random_patterns)
{
	run_lua(COMPARE
		"math.randomseed(20261123)\n"
		"local pick = function(t) return t[math.random(#t)] end\n"
		"local single = { 'a', 'b', 'c', '.', '%a', '%A', '%d', '%s', '%w', '%W', '%p', "
		"'%.',\n"
		"	'[ab]', '[^a]', '[a-c]', '[%d_]', '[^%s]', '[]a]', '[b-]', '-', ' ', '1' "
		"}\n"
		"local times = { '', '', '', '*', '+', '-', '?' }\n"
		"local rare = { '()', '%b()', '%bab', '%f[%w]', '%f[^a]', '(', '(', ')', ')', "
		"'%1', '%2',\n"
		"	'^', '$', '%', '[', ']' }\n"
		"local letters = { 'a', 'a', 'b', 'c', '1', ' ', '_', '.', '(', ')', '-', '\\0', "
		"'\\200' }\n"
		"local function some(n, from)\n"
		"	local out = {}\n"
		"	for i = 1, math.random(0, n) do out[i] = from() end\n"
		"	return table.concat(out)\n"
		"end\n"
		"local function item()\n"
		"	if math.random(6) == 1 then return pick(rare) end\n"
		"	return pick(single) .. pick(times)\n"
		"end\n"
		"local both, found = 0, 0\n"
		"for i = 1, 30000 do\n"
		"	local text = some(12, function() return pick(letters) end)\n"
		"	local pattern = pick{ '', '', '^' } .. some(6, item) .. pick{ '', '', '$' "
		"}\n"
		"	local wrong = compare(text, pattern)\n"
		"	if wrong then return wrong end\n"
		"	local ok, at = pcall(ours.find, text, pattern)\n"
		"	both = both + (ok and 1 or 0)\n"
		"	found = found + (ok and at and 1 or 0)\n"
		"end\n"
		"if both < 20000 or found < 8000 or found == both then\n"
		"	return 'cases too easy: ' .. both .. ' valid, ' .. found .. ' found'\n"
		"end\n",
		0);
}
END_TEST

START_TEST(reads_numbers_and_offsets_as_the_stock_library)
{
	run_lua("for init = -8, 8 do\n"
		"	for _, plain in ipairs{ false, true } do\n"
		"		local a, b = stock.find('a.b.c', '.', init, plain)\n"
		"		local c, d = ours.find('a.b.c', '.', init, plain)\n"
		"		if a ~= c or b ~= d then return 'find ' .. init .. tostring(plain) "
		"end\n"
		"	end\n"
		"	if stock.match('a1b2', '%d', init) ~= ours.match('a1b2', '%d', init) then\n"
		"		return 'match ' .. init\n"
		"	end\n"
		"	local f, g = stock.gmatch('a1b2', '%w', init), ours.gmatch('a1b2', '%w', "
		"init)\n"
		"	for i = 1, 6 do if f() ~= g() then return 'gmatch ' .. init end end\n"
		"end\n"
		"if ours.find(1234, 23) ~= 2 or ours.gsub(121, 1, 3) ~= '323' then return "
		"'numbers' end\n"
		"if ours.gsub('abc', '%w', '%%%0', -1) ~= 'abc' then return 'count' end\n"
		"if ours.find('a\\0b', '\\0', 1, true) ~= 2 then return 'NUL' end\n"
		"if select('#', ours.find('abc', 'x')) ~= 1 then return 'fail' end\n"
		"for w in ours.gmatch(12, '%d') do if w ~= '1' and w ~= '2' then return w end "
		"end\n",
		0);
}
END_TEST

START_TEST(needs_no_inline_room_for_long_patterns)
{
	run_lua("local text = ('ab'):rep(500)\n"
		"local pattern = ('a[b]'):rep(500)\n"
		"if ours.match(text, pattern) ~= text then return 'match' end\n"
		"if ours.gsub(text, pattern, 'x') ~= 'x' then return 'gsub' end\n"
		"local n = 0\n"
		"for w in ours.gmatch(text .. text, pattern) do n = n + (w == text and 1 or 0) "
		"end\n"
		"if n ~= 2 then return 'gmatch ' .. n end\n",
		0);
}
END_TEST

/* --- where we are meant to differ ------------------------------------------------------------- */

static const struct {
	const char *code, *error;
} refused[] = {
	{"ours.find('x', 'a%')", "malformed pattern (ends with '%'): \"a%\""},
	{"ours.find('x', 'a[b')", "malformed pattern (missing ']'): \"a[b\""},
	{"ours.match('x', 'a%bx')", "malformed pattern (missing arguments to '%b'): \"a%bx\""},
	{"ours.match('x', 'a%fx')", "malformed pattern (missing '[' after '%f'): \"a%fx\""},
	{"ours.gsub('x', 'a(', '')", "unfinished capture: \"a(\""},
	{"ours.gsub('x', 'a)', '')", "invalid pattern capture: \"a)\""},
	{"ours.gsub('x', 'a%1', '')", "invalid capture index in pattern: \"a%1\""},
	{"ours.find('x', ('()'):rep(33))", "too many captures"},
	{"ours.gsub('x', 'x', '%9')", "invalid capture index %9 in replacement string"},
	{"ours.gsub('x', 'x', '%a')", "invalid use of '%' in replacement string"},
	{"ours.gsub('x', 'x', '%')", "invalid use of '%' in replacement string"},
	{"ours.gsub('x', 'x', function() return {} end)", "invalid replacement value (a table)"},
	{"ours.gsub('x', 'x', true)", "string/function/table expected, got boolean"},
	{"ours.find(('a'):rep(100), ('a-'):rep(4) .. 'b')",
		"pattern \"a-a-a-a-b\" takes too many steps on a text of 100 characters"},
	{"ours.find(('a'):rep(1000), ('a*'):rep(10) .. 'b')", "takes too many steps"},
	{"ours.gsub(('a'):rep(100), ('a-'):rep(4) .. 'b', '')", "takes too many steps"},
	{"for _ in ours.gmatch(('a'):rep(100), ('.-'):rep(4) .. 'b') do end", "too many steps"},
	{"ours.find(('('):rep(20000), ('%b()'):rep(2))", "takes too many steps"},
	{"ours.match(('x'):rep(300), ('(.-)'):rep(31) .. '%1y')", "takes too many steps"},
	{"ours.find(('a'):rep(9000), '[' .. ('b'):rep(9000) .. ']')", "takes too many steps"},
};

START_TEST(refuses_in_words)
{
	ck_assert_int_eq(luaL_loadstring(L, refused[_i].code), LUA_OK);
	ck_assert_int_eq(lua_pcall(L, 0, 0, 0), LUA_ERRRUN);
	ck_assert_msg(
		strstr(lua_tostring(L, -1), refused[_i].error) != NULL, "%s", lua_tostring(L, -1));
}
END_TEST

START_TEST(takes_long_texts)
{
	run_lua("local text = ('word '):rep(200000)\n"
		"local _, n = ours.gsub(text, '%w+', '')\n"
		"if n ~= 200000 then return 'gsub ' .. n end\n"
		"if ours.find(text, '%d') then return 'find' end\n",
		0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_match");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(
		tc, gives_what_the_stock_library_gives, 0, (int)(sizeof(same) / sizeof(*same)));
	tcase_add_test(tc, agrees_on_random_patterns);
	tcase_add_test(tc, reads_numbers_and_offsets_as_the_stock_library);
	tcase_add_test(tc, needs_no_inline_room_for_long_patterns);
	tcase_add_loop_test(tc, refuses_in_words, 0, (int)(sizeof(refused) / sizeof(*refused)));
	tcase_add_test(tc, takes_long_texts);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
