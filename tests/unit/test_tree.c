/* SPDX-License-Identifier: MIT */
/*
 * test_tree.c - the language of filter.conf, and what is said about what is not in it
 */
#include "conf/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "conf_case.h"
#include "table.h"

static char dir[64];
static struct arena arena;
static struct diag *diag;

static void
setup(void)
{
	conf_case_enter(dir);
	arena_init(&arena, 4096);
	diag = diag_new();
}

static void
teardown(void)
{
	diag_free(diag);
	arena_fini(&arena);
	conf_case_leave(dir);
}

/* --- what is in the language --- */

static const struct {
	const char *name, *text, *tree;
} trees[] = {
	{"an empty file", "", ""},
	{"comments and blank lines", "# a\n\n   # b\n", ""},
	{"a setting outside of sections", "a = 1\n", "a=1 "},
	{"a section without a name", "main {\n a = 1\n}\n", "main{a=1 } "},
	{"a section with a name", "plugin zen {\n}\n", "plugin zen{} "},
	{"all in one line", "script a { file = a.lua; on_error = skip }",
		"script a{file=a.lua on_error=skip } "},
	{"a block in a section", "script a { file = a.lua\n settings { b = 1; c = [ DE, AT ] } }\n",
		"script a{file=a.lua settings{b=1 c=[DE, AT] } } "},
	{"a semicolon at the end", "a { b = 1; }", "a{b=1 } "},
	{"a comment behind a value", "a = 5 # five\n", "a=5 "},
	{"a comment behind a brace", "a { # five\n}", "a{} "},
	{"no line end at the end", "a = 1", "a=1 "},
	{"line ends of Windows", "a {\r\n b = 1\r\n}\r\n", "a{b=1 } "},
	{"a byte order mark",
		"\xef\xbb\xbf"
		"a = 1",
		"a=1 "},
	{"an empty list", "a = []", "a=[] "},
	{"a list over lines with comments", "a = [ b, # one\n  c,\n\n d\n]\n", "a=[b, c, d] "},
	{"a comma behind the last value", "a = [ b, c, ]\nd = [\n e,\n]", "a=[b, c] d=[e] "},
	{"values like names in a list", "a = [\n b,\n c\n]\n", "a=[b, c] "},
	{"strings", "a = \"b c\"; d = \"\"", "a=\"b c\" d=\"\" "},
	{"marks inside strings", "a = \"{ [ ; # = ] }\"", "a=\"{ [ ; # = ] }\" "},
	{"escapes in strings", "a = \"1\\n2\\t3\\\"4\\\\5\"", "a=\"1\n2\t3\"4\\5\" "},
	{"a socket", "a = unix:/run/x.sock", "a=unix:/run/x.sock "},
	{"a socket of the network", "a = inet:9464@127.0.0.1", "a=inet:9464@127.0.0.1 "},
	{"a rate", "a = 100/1h", "a=100/1h "},
	{"a range of codes", "a = [ 127.0.0.2-11 ]", "a=[127.0.0.2-11] "},
	{"a map file", "a = postmap:/etc/x", "a=postmap:/etc/x "},
	{"a mode", "a = 0660", "a=0660 "},
	{"a percentage", "a = 10%", "a=10% "},
	{"addresses", "a = [ 127.0.0.0/8, \"::1\", ::1, a@example.com ]",
		"a=[127.0.0.0/8, \"::1\", ::1, a@example.com] "},
	{"letters beyond ASCII",
		"a = gr\xc3\xbc\xc3\x9f"
		"e",
		"a=gr\xc3\xbc\xc3\x9f"
		"e "},
	{"no spaces", "a=1;b{c=[d,e]}", "a=1 b{c=[d, e] } "},
	{"a setting that is called include", "include = 5", "include=5 "},
	{"the same name in two sections", "a { b = 1 }\nc { b = 2 }", "a{b=1 } c{b=2 } "},
};

START_TEST(text_becomes_a_tree)
{
	struct conf_section *root =
		conf_parse(&arena, "filter.conf", trees[_i].text, strlen(trees[_i].text), diag);
	struct buf b;

	buf_init(&b, 0);
	conf_case_show(&b, root);
	ck_assert_msg(strcmp(b.data, trees[_i].tree) == 0, "%s: %s", trees[_i].name, b.data);
	ck_assert_uint_eq(diag_errors(diag), 0);
	ck_assert(!diag_broken(diag));
	buf_fini(&b);
}
END_TEST

START_TEST(everything_knows_where_it_stands)
{
	static const char text[] = "\n\tplugin zen {\n  a = \"\xc3\xa4\"; b = [ c,\n d ]\n}\n";
	const struct conf_section *s =
		conf_parse(&arena, "x.conf", text, sizeof(text) - 1, diag)->sections;
	const struct conf_setting *a = conf_find(s, "a"), *b = conf_find(s, "b");
	const struct {
		struct conf_pos pos;
		unsigned line, column, width;
	} places[] = {
		{s->pos, 2, 2, 6},
		{s->name_pos, 2, 9, 3},
		{s->open_pos, 2, 13, 1},
		{a->pos, 3, 3, 1},
		{a->value.pos, 3, 7, 3},
		{b->pos, 3, 12, 1},
		{b->value.pos, 3, 16, 1},
		{b->value.items[0].pos, 3, 18, 1},
		{b->value.items[1].pos, 4, 2, 1},
	};

	for (int i = 0; i < LENGTH(places); i++) {
		ck_assert_uint_eq(places[i].pos.line, places[i].line);
		ck_assert_uint_eq(places[i].pos.column, places[i].column);
		ck_assert_uint_eq(places[i].pos.width, places[i].width);
		ck_assert_str_eq(places[i].pos.source->name, "x.conf");
	}
	ck_assert_ptr_null(conf_find(s, "c"));
}
END_TEST

/* --- mistakes --- */

#define ONE "\n1 error, 0 warnings."

static const struct {
	const char *name;
	struct conf_line lines[CONF_CASE_LINES];
	const char *output;
} mistakes[] = {
	{"a section that is not closed (docs/CONFIG.md)",
		{{126, "plugin greylist {"},
			{127, "    mode             = shadow                  # log what it would "
			      "do, change nothing"},
			{128, "    delay            = 5min"}, {135, "plugin dkim {"},
			{136, "    min_key_bits = 1024"}, {140, "}"},
			{155, "script country_check     { file = scripts/country_check.lua; mode = "
			      "shadow"},
			{156, "    settings { home = [ DE, AT, CH ] } }"}},
		"filter.conf:126:17: error: section plugin greylist is not closed\n"
		"  126 | plugin greylist {\n"
		"      |                 ^ this { is never closed\n"
		"      = help: add a line with } after the last setting of this section\n"
		"\n"
		"1 error, 0 warnings."},
	{"a string that is not closed (docs/CONFIG.md)",
		{{113, "plugin zen {"},
			{118, "    text   = \"Client host blocked; see "
			      "https://check.spamhaus.org/"},
			{119, "}"}},
		"filter.conf:118:14: error: unterminated string\n"
		"  118 |     text   = \"Client host blocked; see https://check.spamhaus.org/\n"
		"      |              ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~ string "
		"starts here\n"
		"      = help: add the closing \" on the same line (use \\n for a line break)\n"
		"\n"
		"1 error, 0 warnings."},
	{"a string that is not closed, with spaces behind it", {{1, "a = \"b   "}},
		"filter.conf:1:5: error: unterminated string\n"
		"    1 | a = \"b   \n"
		"      |     ^~ string starts here\n"
		"      = help: add the closing \" on the same line (use \\n for a line break)\n"
		"\n"
		"1 error, 0 warnings."},
	{"an include that is not there (docs/CONFIG.md)",
		{{164, "include \"conf.d/local.conf\"                        # your own additions, "
		       "in name order"}},
		"filter.conf:164:9: error: cannot open conf.d/local.conf: No such file or "
		"directory\n"
		"  164 | include \"conf.d/local.conf\"                        # your own "
		"additions, in name order\n"
		"      |         ^~~~~~~~~~~~~~~~~~~\n"
		"      = help: a pattern such as \"conf.d/*.conf\" may match nothing; a plain name "
		"must exist\n"
		"\n"
		"1 error, 0 warnings."},
	{"a section that is not closed at the end of the file",
		{{1, "plugin x {"}, {2, "    a = 1"}},
		"filter.conf:1:10: error: section plugin x is not closed\n"
		"    1 | plugin x {\n"
		"      |          ^ this { is never closed\n"
		"      = help: add a line with } after the last setting of this section\n"
		"\n"
		"1 error, 0 warnings."},
	{"a section whose closing brace is in a comment", {{1, "x { a = 5 # comment }"}},
		"filter.conf:1:3: error: section x is not closed\n"
		"    1 | x { a = 5 # comment }\n"
		"      |   ^ this { is never closed\n"
		"      = help: add a line with } after the last setting of this section\n"
		"\n"
		"1 error, 0 warnings."},
	{"a block that is not closed",
		{{1, "script a {"}, {2, "    settings { b = 1"}, {3, "script c { file = d }"}},
		"filter.conf:1:10: error: section script a is not closed\n"
		"    1 | script a {\n"
		"      |          ^ this { is never closed\n"
		"      = help: add a line with } after the last setting of this section\n"
		"filter.conf:2:14: error: section settings is not closed\n"
		"    2 |     settings { b = 1\n"
		"      |              ^ this { is never closed\n"
		"      = help: add a line with } after the last setting of this section\n"
		"\n"
		"2 errors, 0 warnings."},
	{"a section that is not closed before an include",
		{{1, "plugin x {"}, {2, "    a = 1"}, {3, "include \"conf.d/*.conf\""}},
		"filter.conf:1:10: error: section plugin x is not closed\n"
		"    1 | plugin x {\n"
		"      |          ^ this { is never closed\n"
		"      = help: add a line with } after the last setting of this section\n"
		"\n"
		"1 error, 0 warnings."},
	{"an include inside a section",
		{{1, "plugin x {"}, {2, "    include \"conf.d/*.conf\""}, {3, "}"}},
		"filter.conf:2:13: error: include inside section plugin x\n"
		"    2 |     include \"conf.d/*.conf\"\n"
		"      |             ^~~~~~~~~~~~~~~\n"
		"      = help: include stands outside of sections\n"
		"\n"
		"1 error, 0 warnings."},
	{"an include without a file name", {{1, "include"}},
		"filter.conf:1:1: error: include has no file name\n"
		"    1 | include\n"
		"      | ^~~~~~~\n"
		"      = help: write include \"FILE\" or include \"conf.d/*.conf\"\n"
		"\n"
		"1 error, 0 warnings."},
	{"an include with something behind it", {{1, "include \"conf.d/*.conf\" now"}},
		"filter.conf:1:25: error: unexpected \"now\" behind include\n"
		"    1 | include \"conf.d/*.conf\" now\n"
		"      |                         ^~~\n"
		"      = help: include takes one file name or pattern; write a line for each\n"
		"\n"
		"1 error, 0 warnings."},
	{"a brace too many", {{1, "main {"}, {2, "}"}, {3, "}"}, {4, "dns { }"}},
		"filter.conf:3:1: error: unexpected }\n"
		"    3 | }\n"
		"      | ^ no section is open here\n"
		"      = help: remove it, or look for a { that is missing above\n"
		"\n"
		"1 error, 0 warnings."},
	{"blocks in blocks", {{1, "x { y { z { a = 1 } b = 2 } }"}},
		"filter.conf:1:11: error: z: sections cannot be nested this deep\n"
		"    1 | x { y { z { a = 1 } b = 2 } }\n"
		"      |           ^\n"
		"      = help: is the } of section y missing?\n"
		"\n"
		"1 error, 0 warnings."},
	{"a brace on a line of its own",
		{{1, "main"}, {2, "{"}, {3, "    a = 1"}, {4, "}"}, {5, "plugin x"}, {7, "{"},
			{8, "}"}},
		"filter.conf:2:1: error: { stands on a line of its own\n"
		"    2 | {\n"
		"      | ^\n"
		"      = help: write it behind main, on the same line\n"
		"filter.conf:7:1: error: { stands on a line of its own\n"
		"    7 | {\n"
		"      | ^\n"
		"      = help: write it behind x, on the same line\n"
		"\n"
		"2 errors, 0 warnings."},
	{"a name that cannot be one", {{1, "plugin \"a\" { }"}, {2, "plugin a/b { }"}},
		"filter.conf:1:8: error: \"a\" cannot be the name of a section\n"
		"    1 | plugin \"a\" { }\n"
		"      |        ^~~\n"
		"      = help: names are made of letters, digits, _ - and . (at most 64, no "
		"quotes)\n"
		"filter.conf:2:8: error: \"a/b\" cannot be the name of a section\n"
		"    2 | plugin a/b { }\n"
		"      |        ^~~\n"
		"      = help: names are made of letters, digits, _ - and . (at most 64, no "
		"quotes)\n"
		"\n"
		"2 errors, 0 warnings."},
	{"three words before a brace", {{1, "listener a b {"}, {2, "    x = 1"}, {3, "}"}},
		"filter.conf:1:10: error: = is missing between listener and a\n"
		"    1 | listener a b {\n"
		"      |          ^\n"
		"      = help: write listener = a, or listener a { for a section\n"
		"\n"
		"1 error, 0 warnings."},
	{"no equals sign", {{1, "threads 4"}, {2, "text \"a b\""}},
		"filter.conf:1:9: error: = is missing between threads and 4\n"
		"    1 | threads 4\n"
		"      |         ^\n"
		"      = help: write threads = 4, or threads 4 { for a section\n"
		"filter.conf:2:6: error: = is missing between text and \"a b\"\n"
		"    2 | text \"a b\"\n"
		"      |      ^~~~~\n"
		"      = help: write text = \"a b\"\n"
		"\n"
		"2 errors, 0 warnings."},
	{"a name alone", {{1, "threads"}, {2, "a; b = 1"}},
		"filter.conf:1:1: error: threads has no value\n"
		"    1 | threads\n"
		"      | ^~~~~~~\n"
		"      = help: write threads = VALUE, or threads { for a section\n"
		"filter.conf:2:1: error: a has no value\n"
		"    2 | a; b = 1\n"
		"      | ^\n"
		"      = help: write a = VALUE, or a { for a section\n"
		"\n"
		"2 errors, 0 warnings."},
	{"no value", {{1, "zone ="}, {2, "a = ; b = 1"}, {3, "x { c = }"}},
		"filter.conf:1:6: error: zone has no value\n"
		"    1 | zone =\n"
		"      |      ^ value missing\n"
		"      = help: write zone = VALUE; an empty text is written \"\"\n"
		"filter.conf:2:3: error: a has no value\n"
		"    2 | a = ; b = 1\n"
		"      |   ^ value missing\n"
		"      = help: write a = VALUE; an empty text is written \"\"\n"
		"filter.conf:3:7: error: c has no value\n"
		"    3 | x { c = }\n"
		"      |       ^ value missing\n"
		"      = help: write c = VALUE; an empty text is written \"\"\n"
		"\n"
		"3 errors, 0 warnings."},
	{"two equals signs", {{1, "a == 2"}},
		"filter.conf:1:3: error: a has no value\n"
		"    1 | a == 2\n"
		"      |   ^ value missing\n"
		"      = help: write a = VALUE; an empty text is written \"\"\n"
		"\n"
		"1 error, 0 warnings."},
	{"a setting that is given twice",
		{{1, "plugin x {"}, {2, "    a = 1"}, {3, "    a = 2"}, {4, "}"}},
		"filter.conf:3:5: error: a is set twice in plugin x\n"
		"    3 |     a = 2\n"
		"      |     ^\n"
		"      = help: the first one stands in line 2\n"
		"\n"
		"1 error, 0 warnings."},
	{"a setting that is given twice outside of sections", {{1, "a = 1"}, {2, "a = 1"}},
		"filter.conf:2:1: error: a is set twice\n"
		"    2 | a = 1\n"
		"      | ^\n"
		"      = help: the first one stands in line 1\n"
		"\n"
		"1 error, 0 warnings."},
	{"a section with an equals sign", {{1, "script x { settings = { a = 1 } }"}},
		"filter.conf:1:21: error: settings is followed by a section, which takes no =\n"
		"    1 | script x { settings = { a = 1 } }\n"
		"      |                     ^\n"
		"      = help: write settings {\n"
		"\n"
		"1 error, 0 warnings."},
	{"two words as a value", {{1, "a = shadow off"}},
		"filter.conf:1:12: error: unexpected \"off\" behind the value of a\n"
		"    1 | a = shadow off\n"
		"      |            ^~~\n"
		"      = help: a text with spaces is written \"shadow off\", a list [ shadow, off "
		"]\n"
		"\n"
		"1 error, 0 warnings."},
	{"a word behind a string", {{1, "a = \"b\"c"}},
		"filter.conf:1:8: error: unexpected \"c\" behind the value of a\n"
		"    1 | a = \"b\"c\n"
		"      |        ^\n"
		"      = help: a text with spaces is written \"b c\", a list [ b, c ]\n"
		"\n"
		"1 error, 0 warnings."},
	{"two settings on one line", {{1, "a = 1 b = 2"}},
		"filter.conf:1:7: error: unexpected \"b\" behind the value of a\n"
		"    1 | a = 1 b = 2\n"
		"      |       ^\n"
		"      = help: put a ; between two settings on one line\n"
		"\n"
		"1 error, 0 warnings."},
	{"a list without brackets", {{1, "a = b, c"}},
		"filter.conf:1:6: error: unexpected , behind the value of a\n"
		"    1 | a = b, c\n"
		"      |      ^\n"
		"      = help: a list is written [ b, ... ]\n"
		"\n"
		"1 error, 0 warnings."},
	{"an equals sign in a word", {{1, "a = b=c"}},
		"filter.conf:1:6: error: unexpected = behind the value of a\n"
		"    1 | a = b=c\n"
		"      |      ^\n"
		"      = help: a text with such characters is written in double quotes\n"
		"\n"
		"1 error, 0 warnings."},
	{"a brace behind a value", {{1, "a = b { }"}},
		"filter.conf:1:7: error: unexpected { behind the value of a\n"
		"    1 | a = b { }\n"
		"      |       ^\n"
		"      = help: a text with such characters is written in double quotes\n"
		"\n"
		"1 error, 0 warnings."},
	{"something behind a list", {{1, "a = [ b ] c"}},
		"filter.conf:1:11: error: unexpected \"c\" behind the value of a\n"
		"    1 | a = [ b ] c\n"
		"      |           ^\n"
		"      = help: all values of a list stand between its brackets\n"
		"\n"
		"1 error, 0 warnings."},
	{"lines that start with no name",
		{{1, "\"a\" = 1"}, {2, "= 2"}, {3, "] 3"}, {4, "[ 4"}, {5, ", 5"}, {6, "{ 6 }"}},
		"filter.conf:1:1: error: unexpected \"a\"\n"
		"    1 | \"a\" = 1\n"
		"      | ^~~\n"
		"      = help: a line is NAME = VALUE, SECTION NAME { or }\n"
		"filter.conf:2:1: error: unexpected =\n"
		"    2 | = 2\n"
		"      | ^\n"
		"      = help: a line is NAME = VALUE, SECTION NAME { or }\n"
		"filter.conf:3:1: error: unexpected ]\n"
		"    3 | ] 3\n"
		"      | ^\n"
		"      = help: a line is NAME = VALUE, SECTION NAME { or }\n"
		"filter.conf:4:1: error: unexpected [\n"
		"    4 | [ 4\n"
		"      | ^\n"
		"      = help: a line is NAME = VALUE, SECTION NAME { or }\n"
		"filter.conf:5:1: error: unexpected ,\n"
		"    5 | , 5\n"
		"      | ^\n"
		"      = help: a line is NAME = VALUE, SECTION NAME { or }\n"
		"filter.conf:6:1: error: unexpected {\n"
		"    6 | { 6 }\n"
		"      | ^\n"
		"      = help: a line is NAME = VALUE, SECTION NAME { or }\n"
		"\n"
		"6 errors, 0 warnings."},
	{"a comma missing in a list", {{1, "a = [ b c, d ]"}, {2, "e = [ f"}, {3, "  g ]"}},
		"filter.conf:1:9: error: comma missing between \"b\" and \"c\"\n"
		"    1 | a = [ b c, d ]\n"
		"      |         ^\n"
		"      = help: write b, c\n"
		"filter.conf:3:3: error: comma missing between \"f\" and \"g\"\n"
		"    3 |   g ]\n"
		"      |   ^\n"
		"      = help: write f, g\n"
		"\n"
		"2 errors, 0 warnings."},
	{"a comma too many in a list", {{1, "a = [ b,, c ]"}, {2, "d = [ , e ]"}},
		"filter.conf:1:9: error: no value before this comma\n"
		"    1 | a = [ b,, c ]\n"
		"      |         ^\n"
		"      = help: one comma stands between two values, and may stand behind the last\n"
		"filter.conf:2:7: error: no value before this comma\n"
		"    2 | d = [ , e ]\n"
		"      |       ^\n"
		"      = help: one comma stands between two values, and may stand behind the last\n"
		"\n"
		"2 errors, 0 warnings."},
	{"a list in a list", {{1, "a = [ [ b, c ], d ]"}, {2, "e = [ f, [ g ] ]"}},
		"filter.conf:1:7: error: a list cannot hold a list\n"
		"    1 | a = [ [ b, c ], d ]\n"
		"      |       ^\n"
		"      = help: put all values into one pair of brackets\n"
		"filter.conf:2:10: error: a list cannot hold a list\n"
		"    2 | e = [ f, [ g ] ]\n"
		"      |          ^\n"
		"      = help: put all values into one pair of brackets\n"
		"\n"
		"2 errors, 0 warnings."},
	{"a semicolon in a list", {{1, "a = [ b; c ]"}},
		"filter.conf:1:8: error: ; in a list\n"
		"    1 | a = [ b; c ]\n"
		"      |        ^\n"
		"      = help: the values of a list are separated by commas\n"
		"\n"
		"1 error, 0 warnings."},
	{"a list that is not closed before a setting",
		{{1, "a = [ b, c"}, {2, "d = 1"}, {3, "e = [ f"}, {4, "]"}},
		"filter.conf:1:5: error: the list of a is not closed\n"
		"    1 | a = [ b, c\n"
		"      |     ^ this [ is never closed\n"
		"      = help: add a ] behind the last value\n"
		"\n"
		"1 error, 0 warnings."},
	{"a list that is not closed before a section",
		{{1, "a = [ b,"}, {2, "plugin x { }"}, {3, "c = [ d"}, {4, "main { }"}},
		"filter.conf:1:5: error: the list of a is not closed\n"
		"    1 | a = [ b,\n"
		"      |     ^ this [ is never closed\n"
		"      = help: add a ] behind the last value\n"
		"filter.conf:3:5: error: the list of c is not closed\n"
		"    3 | c = [ d\n"
		"      |     ^ this [ is never closed\n"
		"      = help: add a ] behind the last value\n"
		"\n"
		"2 errors, 0 warnings."},
	{"a list that is not closed before a brace", {{1, "x { a = [ b, c }"}},
		"filter.conf:1:9: error: the list of a is not closed\n"
		"    1 | x { a = [ b, c }\n"
		"      |         ^ this [ is never closed\n"
		"      = help: add a ] behind the last value\n"
		"\n"
		"1 error, 0 warnings."},
	{"a list that is not closed before a semicolon", {{1, "a = [ b, c; d = 1"}},
		"filter.conf:1:5: error: the list of a is not closed\n"
		"    1 | a = [ b, c; d = 1\n"
		"      |     ^ this [ is never closed\n"
		"      = help: add a ] behind the last value\n"
		"\n"
		"1 error, 0 warnings."},
	{"a list that is not closed at the end of the file", {{1, "a = [ b, c"}},
		"filter.conf:1:5: error: the list of a is not closed\n"
		"    1 | a = [ b, c\n"
		"      |     ^ this [ is never closed\n"
		"      = help: add a ] behind the last value\n"
		"\n"
		"1 error, 0 warnings."},
	{"an escape that is not known", {{1, "a = \"b\\q\\x41\""}},
		"filter.conf:1:7: error: unknown escape in a string\n"
		"    1 | a = \"b\\q\\x41\"\n"
		"      |       ^~\n"
		"      = help: known are \\n \\t \\\" and \\\\ (a backslash itself)\n"
		"filter.conf:1:9: error: unknown escape in a string\n"
		"    1 | a = \"b\\q\\x41\"\n"
		"      |         ^~\n"
		"      = help: known are \\n \\t \\\" and \\\\ (a backslash itself)\n"
		"\n"
		"2 errors, 0 warnings."},
	{"a backslash before the closing quote", {{1, "a = \"b\\\""}},
		"filter.conf:1:5: error: unterminated string\n"
		"    1 | a = \"b\\\"\n"
		"      |     ^~~~ string starts here\n"
		"      = help: add the closing \" on the same line (use \\n for a line break)\n"
		"\n"
		"1 error, 0 warnings."},
	{"a mistake in what is looked at ahead is reported once",
		{{1, "a = [ b,"}, {2, "c \"d\\q\""}, {3, "]"}, {4, "main"}, {5, "\"e"}},
		"filter.conf:2:3: error: comma missing between \"c\" and \"d\\q\"\n"
		"    2 | c \"d\\q\"\n"
		"      |   ^~~~~\n"
		"      = help: write c, d\\q\n"
		"filter.conf:2:5: error: unknown escape in a string\n"
		"    2 | c \"d\\q\"\n"
		"      |     ^~\n"
		"      = help: known are \\n \\t \\\" and \\\\ (a backslash itself)\n"
		"filter.conf:4:1: error: main has no value\n"
		"    4 | main\n"
		"      | ^~~~\n"
		"      = help: write main = VALUE, or main { for a section\n"
		"filter.conf:5:1: error: unterminated string\n"
		"    5 | \"e\n"
		"      | ^~ string starts here\n"
		"      = help: add the closing \" on the same line (use \\n for a line break)\n"
		"filter.conf:5:1: error: unexpected \"e\"\n"
		"    5 | \"e\n"
		"      | ^~\n"
		"      = help: a line is NAME = VALUE, SECTION NAME { or }\n"
		"\n"
		"5 errors, 0 warnings."},
	{"single quotes", {{1, "a = 'b c'"}, {2, "d = 'e"}},
		"filter.conf:1:5: error: ' does not start a string\n"
		"    1 | a = 'b c'\n"
		"      |     ^~~~~\n"
		"      = help: write \"b c\"\n"
		"filter.conf:2:5: error: ' does not start a string\n"
		"    2 | d = 'e\n"
		"      |     ^~\n"
		"      = help: write \"e\"\n"
		"\n"
		"2 errors, 0 warnings."},
	{"tabs are one column and the caret stands below", {{1, "\tx {\t\ta = 5\t6 }"}},
		"filter.conf:1:13: error: unexpected \"6\" behind the value of a\n"
		"    1 | \tx {\t\ta = 5\t6 }\n"
		"      | \t   \t\t     \t^\n"
		"      = help: a text with spaces is written \"5 6\", a list [ 5, 6 ]\n"
		"\n"
		"1 error, 0 warnings."},
	{"letters of two octets are one column", {{1, "gr\xc3\xb6\xc3\x9f = \xc3\xa4 b"}},
		"filter.conf:1:10: error: unexpected \"b\" behind the value of gr\xc3\xb6\xc3\x9f\n"
		"    1 | gr\xc3\xb6\xc3\x9f = \xc3\xa4 b\n"
		"      |          ^\n"
		"      = help: a text with spaces is written \"\xc3\xa4 b\", a list [ \xc3\xa4, b "
		"]\n"
		"\n"
		"1 error, 0 warnings."},
	{"two mistakes in one file, in the order of its lines",
		{{1, "x {"}, {2, "    a = [ b"}, {3, ""}},
		"filter.conf:1:3: error: section x is not closed\n"
		"    1 | x {\n"
		"      |   ^ this { is never closed\n"
		"      = help: add a line with } after the last setting of this section\n"
		"filter.conf:2:9: error: the list of a is not closed\n"
		"    2 |     a = [ b\n"
		"      |         ^ this [ is never closed\n"
		"      = help: add a ] behind the last value\n"
		"\n"
		"2 errors, 0 warnings."},
};

START_TEST(mistake_is_reported_once_with_its_place)
{
	char *output;

	conf_case_lines("filter.conf", mistakes[_i].lines);
	conf_read(&arena, "filter.conf", diag);
	output = conf_case_output(diag);
	ck_assert_msg(strcmp(output, mistakes[_i].output) == 0, "%s:\n%s\nwanted:\n%s",
		mistakes[_i].name, output, mistakes[_i].output);
	free(output);
}
END_TEST

/* Every beginning of a long configuration: it may be wrong, it may not crash or go on for ever. */
START_TEST(every_beginning_of_a_configuration_is_survived)
{
	static const char text[] =
		"main { a = [ 1, \"2\\n\", ]; b = \"\xc3\xa4\" } # c\n"
		"script s { file = x; settings { d = [\n e,\n f ] } }\ninclude \"conf.d/*.conf\"\n";

	for (size_t len = 0; len < sizeof(text); len++)
		conf_parse(&arena, "filter.conf", text, len, diag);
	ck_assert_uint_gt(diag_errors(diag), 0);
}
END_TEST

static const struct {
	const char *name;
	const char *text;
	size_t len;
	const char *output;
} octets[] = {
#define TEXT(literal) (literal), sizeof(literal) - 1
	{"NUL", TEXT("a = b\0c\n"),
		"filter.conf:1:6: error: NUL octet\n"
		"    1 | a = b?c\n"
		"      |      ^\n"
		"      = help: a configuration is plain text: remove it or write it anew\n" ONE},
	{"an octet of ISO 8859-1", TEXT("a = b\n# gr\xfc\n"),
		"filter.conf:2:5: error: octet 0xfc is not UTF-8\n"
		"    2 | # gr?\n"
		"      |     ^\n"
		"      = help: save the file in UTF-8\n" ONE},
	{"a control character in a string", TEXT("a = \"\xc3\xa4\x1b[2J\"\n"),
		"filter.conf:1:7: error: control character 0x1b\n"
		"    1 | a = \"\xc3\xa4?[2J\"\n"
		"      |       ^\n"
		"      = help: a configuration is plain text: remove it or write it anew\n" ONE},
	{"a control character of ISO 8859", TEXT("a = \"\xc2\x9b\"\n"),
		"filter.conf:1:6: error: control character 0x9b\n"
		"    1 | a = \"??\"\n"
		"      |      ^\n"
		"      = help: a configuration is plain text: remove it or write it anew\n" ONE},
	{"DEL", TEXT("a = b\x7f\n"),
		"filter.conf:1:6: error: control character 0x7f\n"
		"    1 | a = b?\n"
		"      |      ^\n"
		"      = help: a configuration is plain text: remove it or write it anew\n" ONE},
	{"a carriage return alone", TEXT("a = b\r c = d\r\n"),
		"filter.conf:1:6: error: control character 0x0d\n"
		"    1 | a = b? c = d\n"
		"      |      ^\n"
		"      = help: a configuration is plain text: remove it or write it anew\n"
		"filter.conf:1:8: error: unexpected \"c\" behind the value of a\n"
		"    1 | a = b  c = d\n"
		"      |        ^\n"
		"      = help: put a ; between two settings on one line\n"
		"\n2 errors, 0 warnings."},
};

START_TEST(octet_that_is_no_text_is_a_mistake_with_a_place)
{
	char *output;

	conf_case_write("filter.conf", octets[_i].text, octets[_i].len);
	conf_read(&arena, "filter.conf", diag);
	ck_assert(diag_broken(diag));
	output = conf_case_output(diag);
	ck_assert_msg(strcmp(output, octets[_i].output) == 0, "%s:\n%s", octets[_i].name, output);
	free(output);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tree");
	TCase *t = tcase_create("language");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, text_becomes_a_tree, 0, LENGTH(trees));
	tcase_add_test(t, everything_knows_where_it_stands);
	tcase_add_loop_test(t, mistake_is_reported_once_with_its_place, 0, LENGTH(mistakes));
	tcase_add_test(t, every_beginning_of_a_configuration_is_survived);
	tcase_add_loop_test(t, octet_that_is_no_text_is_a_mistake_with_a_place, 0, LENGTH(octets));
	suite_add_tcase(s, t);
	return table_run(s);
}
