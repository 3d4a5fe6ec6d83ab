/* SPDX-License-Identifier: MIT */
/*
 * test_text.c - small questions about strings, and text made safe for people
 */
#include "base/text.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "table.h"

#define TEXT(literal) (literal), sizeof(literal) - 1

static const struct {
	const char *name;
	const char *path; /* + stands for the working directory */
	const char *shown;
} paths[] = {
	{"a file here", "+/a.lua", "a.lua"},
	{"a file below", "+/a/b.lua", "a/b.lua"},
	{"a neighbour whose name begins alike", "+b/c.lua", "+b/c.lua"},
	{"the directory itself", "+", "+"},
	{"a file elsewhere", "/nothing/a.lua", "/nothing/a.lua"},
	{"a relative path", "a/b.lua", "a/b.lua"},
	{"nothing", "", ""},
};

static const char *
expand(const char *path, char out[PATH_MAX * 2])
{
	char here[PATH_MAX] = "";

	if (path[0] == '+')
		ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
	snprintf(out, PATH_MAX * 2, "%s%s", here, path + (path[0] == '+'));
	return out;
}

START_TEST(paths_are_shown_from_here)
{
	char path[PATH_MAX * 2], wanted[PATH_MAX * 2];

	ck_assert_msg(strcmp(text_path_here(expand(paths[_i].path, path)),
			      expand(paths[_i].shown, wanted)) == 0,
		"%s", paths[_i].name);
}
END_TEST

static const struct {
	const char *name;
	const char *text;
	size_t len;
	const char *escaped, *quoted, *json;
} texts[] = {
	{"plain text stays", TEXT("mail.example.org"), "mail.example.org", "\"mail.example.org\"",
		"\"mail.example.org\""},
	{"an empty text", TEXT(""), "", "\"\"", "\"\""},
	{"line ends cannot forge a line", TEXT("a\r\nb"), "a\\x0d\\x0ab", "\"a\\x0d\\x0ab\"",
		"\"a\\u000d\\u000ab\""},
	{"a quote cannot end the quotes", TEXT("a\"b"), "a\"b", "\"a\\\"b\"", "\"a\\\"b\""},
	{"a backslash cannot hide a quote", TEXT("a\\"), "a\\x5c", "\"a\\x5c\"", "\"a\\\\\""},
	{"NUL is shown", TEXT("a\0b"), "a\\x00b", "\"a\\x00b\"", "\"a\\u0000b\""},
	{"DEL is shown", TEXT("a\x7f"), "a\\x7f", "\"a\\x7f\"", "\"a\\u007f\""},
	{"ESC cannot reach a terminal", TEXT("\033[2J"), "\\x1b[2J", "\"\\x1b[2J\"",
		"\"\\u001b[2J\""},
	{"UTF-8 stays in JSON alone", TEXT("\xc3\xa4"), "\\xc3\\xa4", "\"\\xc3\\xa4\"",
		"\"\xc3\xa4\""},
	{"controls of ISO 8859 are shown", TEXT("\xc2\x9b"), "\\xc2\\x9b", "\"\\xc2\\x9b\"",
		"\"\\u009b\""},
	{"plain text between what is not plain", TEXT("ab\"cd\nef\xc3\xa4gh\\"),
		"ab\"cd\\x0aef\\xc3\\xa4gh\\x5c", "\"ab\\\"cd\\x0aef\\xc3\\xa4gh\\x5c\"",
		"\"ab\\\"cd\\u000aef\xc3\xa4gh\\\\\""},
	{"what is not UTF-8 is replaced in JSON",
		TEXT("a\xff"
		     "b\xc3"),
		"a\\xffb\\xc3", "\"a\\xffb\\xc3\"", "\"a\\ufffdb\\ufffd\""},
};

START_TEST(text_is_made_safe)
{
	struct buf b;

	buf_init(&b, 0);
	text_escape(&b, texts[_i].text, texts[_i].len);
	ck_assert_str_eq(b.data, texts[_i].escaped);
	buf_clear(&b);
	text_quote(&b, texts[_i].text, texts[_i].len);
	ck_assert_str_eq(b.data, texts[_i].quoted);
	buf_clear(&b);
	text_json(&b, texts[_i].text, texts[_i].len);
	ck_assert_str_eq(b.data, texts[_i].json);
	buf_fini(&b);
}
END_TEST

/* Octet by octet, as it may be said in a sentence. */
static size_t
escape_slowly(char *out, const unsigned char *text, size_t len, char odd)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bool plain = text[i] >= ' ' && text[i] <= '~' && text[i] != '\\' && text[i] != odd;

		n += (size_t)sprintf(out + n,
			plain			       ? "%c"
			: odd == '"' && text[i] == '"' ? "\\%c"
						       : "\\x%02x",
			text[i]);
	}
	return n;
}

/* Octets of all values, in runs of all lengths. */
START_TEST(runs_are_escaped_as_octets_are)
{
	uint32_t random = 1;
	unsigned char text[64];
	char slow[4 * sizeof(text) + 3];
	struct buf b;

	buf_init(&b, 0);
	for (int round = 0; round < 20000; round++) {
		size_t len = (random >> 8) % sizeof(text);
		bool mostly_plain = round % 2 == 0;

		for (size_t i = 0; i < len; i++) {
			random = random * 1664525 + 1013904223;
			text[i] = (unsigned char)(random >> 24);
			if (mostly_plain && (random >> 16 & 7) != 0)
				text[i] = (unsigned char)(' ' + text[i] % 95);
		}
		buf_clear(&b);
		text_escape(&b, (char *)text, len);
		ck_assert_uint_eq(b.len, escape_slowly(slow, text, len, '\\'));
		ck_assert_mem_eq(b.data, slow, b.len);
		buf_clear(&b);
		text_escape_word(&b, (char *)text, len);
		ck_assert_uint_eq(b.len, escape_slowly(slow, text, len, ' '));
		ck_assert_mem_eq(b.data, slow, b.len);
		buf_clear(&b);
		text_quote(&b, (char *)text, len);
		ck_assert_uint_eq(b.len, 2 + escape_slowly(slow, text, len, '"'));
		ck_assert_mem_eq(b.data + 1, slow, b.len - 2);
	}
	buf_fini(&b);
}
END_TEST

/* RFC 8259 section 7, and what terminals act on. */
START_TEST(each_octet_stands_in_json_where_it_may)
{
	struct buf b;

	buf_init(&b, 0);
	for (int octet = 0; octet < 256; octet++) {
		bool plain = octet >= ' ' && octet <= '~' && octet != '"' && octet != '\\';
		const char text[] = {'a', (char)octet, 'b'};

		buf_clear(&b);
		text_json(&b, text, sizeof(text));
		ck_assert_int_eq(b.len == 5 && memcmp(b.data + 1, text, 3) == 0, plain);
		for (size_t i = 0; i < b.len; i++)
			ck_assert(b.data[i] >= ' ' && b.data[i] <= '~');
	}
	buf_fini(&b);
}
END_TEST

START_TEST(numbers_are_written_as_printf_does)
{
	char text[TEXT_NUMBER], expected[32];
	uint64_t n = 1;

	for (int round = 0; round < 20000; round++) {
		uint64_t shown = n >> round % 64;

		snprintf(expected, sizeof(expected), "%" PRIu64, shown);
		ck_assert_ptr_eq(text_number(text, shown), text + strlen(expected));
		ck_assert_str_eq(text, expected);
		n = n * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	}
	text_number(text, 0);
	ck_assert_str_eq(text, "0");
	text_number(text, UINT64_MAX);
	ck_assert_str_eq(text, "18446744073709551615");
}
END_TEST

static const struct {
	const char *name;
	const char *text;
	size_t len, valid;
} utf8[] = {
	{"ASCII", TEXT("abc"), 3},
	{"two, three and four octets", TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa7"), 9},
	{"the last character there is", TEXT("\xf4\x8f\xbf\xbf"), 4},
	{"one behind the last character", TEXT("a\xf4\x90\x80\x80"), 1},
	{"NUL", TEXT("ab\0c"), 2},
	{"an octet that begins nothing", TEXT("ab\xff"), 2},
	{"a rest without a start", TEXT("\x80"), 0},
	{"a start without a rest", TEXT("a\xe2\x82"), 1},
	{"a slash written too long", TEXT("a\xc0\xaf"), 1},
	{"three octets for what needs two", TEXT("a\xe0\x80\xaf"), 1},
	{"four octets for what needs three", TEXT("a\xf0\x80\x80\x80"), 1},
	{"half of a surrogate pair", TEXT("a\xed\xa0\x80"), 1},
};

START_TEST(utf8_ends_where_it_stops_being_valid)
{
	ck_assert_msg(text_utf8_valid(utf8[_i].text, utf8[_i].len) == utf8[_i].valid, "%s",
		utf8[_i].name);
}
END_TEST

START_TEST(letters_are_compared_without_case)
{
	char text[] = "MaIl.EXAMPLE\xc4";

	ck_assert(text_equal_nocase("Subject", "sUBJECT"));
	ck_assert(!text_equal_nocase("Subject", "Subject2"));
	ck_assert(!text_equal_nocase("[", "{"));
	ck_assert(!text_equal_nocase("\xc4", "\xe4"));
	text_lower_all(text);
	ck_assert_str_eq(text, "mail.example\xc4");
	memcpy(text, "a\r\n\t\177b\xc4", 8);
	text_clean(text);
	ck_assert_str_eq(text, "a????b\xc4");
	ck_assert_int_eq(text_lower('@'), '@');
	ck_assert_int_eq(text_lower('Z'), 'z');
}
END_TEST

static const struct {
	const char *a, *b;
	size_t limit, distance;
} distances[] = {
	{"", "", 2, 0},
	{"dkim", "dkim", 2, 0},
	{"dkmi", "dkim", 2, 1},
	{"timeot", "timeout", 2, 1},
	{"softfial", "softfail", 2, 1},
	{"shaddow", "shadow", 2, 1},
	{"", "ab", 2, 2},
	{"kitten", "sitting", 5, 3},
	{"kitten", "sitting", 2, 3},
	{"ab", "wxyz", 2, 3},
	{"abcdefgh", "badcfehg", 4, 4},
	{"abcdefgh", "badcfehg", 2, 3},
};

START_TEST(distance_counts_a_transposition_once)
{
	size_t limit = distances[_i].limit;

	ck_assert_uint_eq(
		text_distance(distances[_i].a, distances[_i].b, limit), distances[_i].distance);
	ck_assert_uint_eq(
		text_distance(distances[_i].b, distances[_i].a, limit), distances[_i].distance);
}
END_TEST

START_TEST(very_long_words_are_not_compared)
{
	char a[200], b[200];

	memset(a, 'a', sizeof(a));
	memset(b, 'a', sizeof(b));
	a[199] = b[199] = '\0';
	ck_assert_uint_eq(text_distance(a, b, 2), 0);
	b[100] = 'b';
	ck_assert_uint_eq(text_distance(a, b, 2), 3);
}
END_TEST

static const struct {
	const char *name, *word, *nearest;
} suggestions[] = {
	{"a letter is missing", "gretlist", "greylist"},
	{"two letters changed places", "sfp", "spf"},
	{"the nearest of several", "dmrac", "dmarc"},
	{"the same in capitals", "DKIM", "dkim"},
	{"too far from all", "ratelimit", NULL},
	{"one letter is all of a word", "x", NULL},
	{"two letters are all of a short word", "zz", NULL},
	{"an empty word", "", NULL},
};

START_TEST(suggestions_are_near)
{
	static const char *const names[] = {"dkim", "dmarc", "greylist", "spf", "y", "zen"};
	const char *nearest = text_nearest(suggestions[_i].word, names, LENGTH(names));

	ck_assert_pstr_eq(nearest, suggestions[_i].nearest);
	ck_assert_ptr_null(text_nearest("dkim", NULL, 0));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("text");

	tcase_add_test(t, each_octet_stands_in_json_where_it_may);
	tcase_add_test(t, numbers_are_written_as_printf_does);
	tcase_add_test(t, runs_are_escaped_as_octets_are);
	tcase_add_loop_test(t, text_is_made_safe, 0, LENGTH(texts));
	tcase_add_loop_test(t, utf8_ends_where_it_stops_being_valid, 0, LENGTH(utf8));
	tcase_add_test(t, letters_are_compared_without_case);
	tcase_add_loop_test(t, distance_counts_a_transposition_once, 0, LENGTH(distances));
	tcase_add_test(t, very_long_words_are_not_compared);
	tcase_add_loop_test(t, paths_are_shown_from_here, 0, LENGTH(paths));
	tcase_add_loop_test(t, suggestions_are_near, 0, LENGTH(suggestions));
	suite_add_tcase(s, t);
	return table_run(s);
}
