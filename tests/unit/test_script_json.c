/* SPDX-License-Identifier: MIT */
/*
 * test_script_json.c - json.decode and json.encode: values, hostile texts, limits
 */
#include "base/clock.h"
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

#define AGAIN(text) "return json.encode(json.decode('" text "'))"
#define DECODE(text) \
	"local v, why = json.decode('" text "') return tostring(v) .. ' ' .. tostring(why)"

/* A table of which pairs() shows what json.encode() gives of another. */
#define NESTED                                                                                  \
	"local function nested(n) return setmetatable({}, { __pairs = function() return next, " \
	"{ n > 0 and json.decode(json.encode(nested(n - 1))) or 'x' }, nil end }) end "

static const struct {
	const char *code, *want;
} values[] = {
	/* what goes in comes out */
	{AGAIN("{}"), "{}"},
	{AGAIN("[]"), "[]"},
	{AGAIN("[[],{}]"), "[[],{}]"},
	{AGAIN(" [ 1 , 2.5 , true , false , null ] "), "[1,2.5,true,false,null]"},
	{AGAIN("{\"b\":1,\"a\":{\"c\":[null]}}"), "{\"a\":{\"c\":[null]},\"b\":1}"},
	{AGAIN("[null,null]"), "[null,null]"},
	{AGAIN("\"x\""), "\"x\""},
	{AGAIN("0.1"), "0.1"},
	{AGAIN("1e3"), "1000.0"},
	{AGAIN("9223372036854775807"), "9223372036854775807"},
	{AGAIN("-9223372036854775808"), "-9223372036854775808"},
	/* decode */
	{"return json.decode('{\"a\":[1,{\"b\":\"x\"}]}').a[2].b", "x"},
	{"return math.type(json.decode('1'))", "integer"},
	{"return math.type(json.decode('1.0'))", "float"},
	{"return json.decode('null') == json.null", "true"},
	{"return json.decode('[null]')[1] == json.null", "true"},
	{"return json.decode('false')", "false"},
	{"return #json.decode('\"a\\\\u0000b\"')", "3"},
	{"return json.decode('\"\\\\u00e4\"') == '\\xc3\\xa4'", "true"},
	{"return json.decode('\"\\\\ud83d\\\\ude00\"') == '\\u{1F600}'", "true"},
	{"local t = json.decode('[1]') t[2] = 2 return json.encode(t)", "[1,2]"},
	{"local t = json.decode('[]') table.insert(t, 'x') return json.encode(t)", "[\"x\"]"},
	/* what is no JSON is said, and is no error of the rule */
	{DECODE(""), "nil line 1, character 0: unexpected token near end of file"},
	{DECODE("{"), "nil line 1, character 1: string or '}' expected near end of file"},
	{DECODE("[1,]"), "nil line 1, character 4: unexpected token near ']'"},
	{DECODE("\\n{\"a\":x}"), "nil line 2, character 6: invalid token near 'x'"},
	{DECODE("{\"a\":1,\"a\":2}"),
		"nil line 1, character 10: duplicate object key near '\"a\"'"},
	{DECODE("[1] 2"), "nil line 1, character 5: end of file expected near '2'"},
	{DECODE("nan"), "nil line 1, character 3: invalid token near 'nan'"},
	{DECODE("01"), "nil line 1, character 1: invalid token near '0'"},
	{DECODE("\"\\\\ud800\""),
		"nil line 1, character 8: invalid Unicode '\\uD800' near '\"\\ud800\"'"},
	{DECODE("9223372036854775808"),
		"nil line 1, character 19: too big integer near '9223372036854775808'"},
	{"return select(2, json.decode('\"\\xff\"')) ~= nil", "true"},
	{"return select(2, json.decode(('['):rep(200000)))", "values are nested deeper than 64"},
	{"return select(2, json.decode(('['):rep(65) .. (']'):rep(65)))",
		"values are nested deeper than 64"},
	{"return #json.decode(('['):rep(64) .. (']'):rep(64))", "1"},
	{"return #json.decode('[\"[[\\\\\"' .. ('['):rep(100) .. '\"]')", "1"},
	{"return select(2, json.decode((' '):rep(262145)))",
		"the text is longer than 262144 octets"},
	/* encode */
	{"return json.encode('a\"\\n\\0\\\\')", "\"a\\\"\\n\\u0000\\\\\""},
	{"return json.encode{ 1, 'x', true, json.null, {} }", "[1,\"x\",true,null,{}]"},
	{"return json.encode(json.array())", "[]"},
	{"return json.encode(json.array{})", "[]"},
	{"return json.encode{ a = json.array(json.array{ 1 }) }", "{\"a\":[1]}"},
	{"return json.encode{ b = 1, a = 2 }", "{\"a\":2,\"b\":1}"},
	{"return json.encode(settings)", "{\"list\":[\"a\",\"b\"],\"n\":5}"},
	{"return json.encode{ n = settings.list }", "{\"n\":[\"a\",\"b\"]}"},
	{"return json.encode(setmetatable({}, { __pairs = function() return next, { x = 1 } end "
	 "}))",
		"{\"x\":1}"},
	{NESTED "return json.encode(nested(3))", "[[[[\"x\"]]]]"},
	/* what is held in such calls is not memory of Lua */
	{NESTED "return select(2, pcall(json.encode, nested(4))):match('json.*')",
		"json.encode: too many calls of its kind within each other"},
	{NESTED "for i = 1, 20 do pcall(json.encode, nested(4)) end return json.encode(nested(3))",
		"[[[[\"x\"]]]]"},
	{"return json.encode(math.mininteger)", "-9223372036854775808"},
	{"return json.decode(json.encode('\\xc3\\xa4')) == '\\xc3\\xa4'", "true"},
	/* octets that are no UTF-8: each is one U+FFFD */
	{"return json.decode(json.encode('a\\xffb\\xc3')) == 'a\\u{FFFD}b\\u{FFFD}'", "true"},
	{"return json.decode(json.encode('\\xed\\xa0\\x80')) == '\\u{FFFD}\\u{FFFD}\\u{FFFD}'",
		"true"},
	{"return json.decode(json.encode('\\xc0\\x80\\xf4\\x90')) == ('\\u{FFFD}'):rep(4)", "true"},
	{"return json.decode(json.encode('\\xe0\\x80\\x80')) == ('\\u{FFFD}'):rep(3)", "true"},
	{"return json.encode{ ['\\xff'] = 1 } == '{\"\\u{FFFD}\":1}'", "true"},
	{"local t = {} for i = 1, 20000 do t[i] = i end return #json.decode(json.encode(t))",
		"20000"},
	/* what fails leaves nothing behind that a later call trips over */
	{"for i = 1, 100 do pcall(json.encode, { {}, {}, next }) json.decode('[1,2') end "
	 "return json.encode{ 1 }",
		"[1]"},
};

START_TEST(value_is)
{
	value_expect(&r, values[_i].code, "cpu = 10s; settings { n = 5; list = [ a, b ] }",
		values[_i].want);
}
END_TEST

static const struct {
	const char *statement, *want;
} mistakes[] = {
	{"json.decode()", "bad argument #1 to 'decode' (string expected*"},
	{"json.encode()", "bad argument #1 to 'encode' (value expected*"},
	{"json.encode(nil)", "json.encode: JSON has no nil; write json.null*"},
	{"json.encode(m)", "json.encode: JSON has no userdata*"},
	{"json.encode{ mail }", "json.encode: JSON has no function*"},
	{"json.encode(0/0)", "json.encode: JSON has no nan*"},
	{"json.encode{ math.huge }", "json.encode: JSON has no infinity*"},
	{"json.encode{ 1, a = 2 }", "json.encode: a table has either the keys 1 to n or names*"},
	{"json.encode{ 1, nil, 3 }", "json.encode: a table has either the keys 1 to n or names*"},
	{"json.encode{ [true] = 1 }", "json.encode: a key is a boolean*"},
	{"json.encode{ [0] = 1 }", "json.encode: a key is a number*"},
	{"local t = {} t[1] = t json.encode(t)",
		"json.encode: tables are nested deeper than 64, or in themselves*"},
	{"local t = {} for i = 1, 40 do t = { t, t } end json.encode(t)",
		"json.encode: more than 1048576 octets*"},
	{"json.encode(('x'):rep(1048577))", "json.encode: more than 1048576 octets*"},
	{"json.array(m)", "bad argument #1 to 'array' (table expected*"},
	{"json.array(settings)", "json.array: the table has a metatable*"},
	{"json.null = 1", "json cannot be changed*"},
	{"setmetatable(json.array(), {})", "cannot change a protected metatable*"},
	{"getmetatable(json.array()).x = 1", "attempt to index a boolean value*"},
	{"local x = json.null.x", "attempt to index a userdata value (field 'null')*"},
};

START_TEST(mistake_is_told)
{
	mistake_expect(&r, mistakes[_i].statement, "cpu = 10s", mistakes[_i].want);
}
END_TEST

static const char *const bombs[] = {
	"while true do json.decode('1') end",
	"while true do pcall(json.decode, ('['):rep(200000)) end",
	"while true do json.decode('[' .. ('[],'):rep(80000) .. '1]') end",
	"while true do pcall(json.encode, { ('x'):rep(900000), next }) end",
	"local t = {} for i = 1, 40 do t = { t, t } end while true do pcall(json.encode, t) end",
	("json.encode(setmetatable({}, { __pairs = function() return function() return 1, 1 end "
	 "end }))"),
	"json.encode(setmetatable({}, { __pairs = function() while true do end end }))",
};

/* The bound is many times what an idle machine takes. */
START_TEST(stays_within_its_budget)
{
	char code[300];
	const char *got;
	int64_t began;

	snprintf(code, sizeof(code), "function mail(m) %s end\n", bombs[_i]);
	rule_load(&r, code, "cpu = 20ms; memory = 16M; timeout = 60s");
	began = clock_cpu();
	got = rule_session(&r);
	ck_assert_int_le((clock_cpu() - began) / CLOCK_MS, 800);
	if (strstr(got, "json.encode: more than") == NULL)
		rule_expect(
			got, "failed: scripts/x.lua:1: mail() used its 20ms of processor time*");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_json");
	TCase *tc = tcase_create("json");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, value_is, 0, LENGTH(values));
	tcase_add_loop_test(tc, mistake_is_told, 0, LENGTH(mistakes));
	tcase_add_loop_test(tc, stays_within_its_budget, 0, LENGTH(bombs));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
