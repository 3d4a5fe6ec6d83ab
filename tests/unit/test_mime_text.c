/* SPDX-License-Identifier: MIT */
/*
 * test_mime_text.c - fields as a reader of mail sees them: encoded words of every kind, and what is
 * none
 */
#include <check.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "service/mime_field.h"
#include "service/mime_text.h"
#include "table.h"

#define NONE "\xef\xbf\xbd"

static char out[MIME_TEXT_SIZE];
static int asked, most;

static void
setup(void)
{
	struct err err;

	ck_assert_msg(mime_fields_open(&err), "%s", err.text);
	asked = 0;
	most = 1 << 30;
}

static bool
in_time(void *data)
{
	(void)data;
	return asked++ < most;
}

static bool
read_text(const char *value)
{
	const struct mime_text_clock clock = {in_time, NULL};

	return mime_text(value, &clock, out);
}

static const struct {
	const char *name, *value, *want;
} texts[] = {
	{"Nothing", "", ""},
	{"Blanks alone", " \t \r\n ", ""},
	{"Plain words", " hello world", "hello world"},
	{"Blanks around it", "  hello \t", "hello"},
	{"Folded", " hello\r\n world", "hello world"},
	{"Folded with a tab", " hello\r\n\tworld", "hello world"},
	{"Folded with a bare LF", " hello\n world", "hello world"},
	{"An end of line that folds nothing", "a\rb", "a b"},
	{"B", "=?utf-8?B?w6QgYg==?=", "\xc3\xa4 b"},
	{"Q", "=?UTF-8?q?=C3=A4_b=?=", "\xc3\xa4 b="},
	{"Q with lower digits and an odd end", "=?utf-8?q?=c3=a4=4?=", "\xc3\xa4=4"},
	{"An empty word", "a =?utf-8?Q?\?= b", "a  b"},
	{"UTF-8 by its short name", "=?utf8?Q?=C3=A4?=", "\xc3\xa4"},
	{"A language", "=?utf-8*de?Q?=C3=A4?=", "\xc3\xa4"},
	{"ISO-8859-1", "=?iso-8859-1?Q?Gr=FC=DFe?=",
		"Gr\xc3\xbc\xc3\x9f"
		"e"},
	{"ISO-8859-1 that is Windows'", "=?iso-8859-1?Q?=80?=", "\xe2\x82\xac"},
	{"ISO-8859-15", "=?ISO-8859-15?Q?=A4?=", "\xe2\x82\xac"},
	{"US-ASCII that is none", "=?us-ascii?Q?=FC?=", "\xc3\xbc"},
	{"Windows-1251",
		"=?windows-1251?B?z/Do4uXy?=", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"},
	{"KOI8-R", "=?koi8-r?B?8NLJ18XU?=", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"},
	{"GB2312", "=?gb2312?B?xOO6ww==?=", "\xe4\xbd\xa0\xe5\xa5\xbd"},
	{"GB2312 that is GBK", "=?gb2312?B?6Wc=?=", "\xe9\x96\x93"},
	{"Big5", "=?big5?B?p0Gmbg==?=", "\xe4\xbd\xa0\xe5\xa5\xbd"},
	{"ISO-2022-JP", "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac"},
	{"Shift_JIS", "=?Shift_JIS?B?k/qWew==?=", "\xe6\x97\xa5\xe6\x9c\xac"},
	{"EUC-KR", "=?ks_c_5601-1987?B?x9GxuQ==?=", "\xed\x95\x9c\xea\xb5\xad"},
	{"UTF-7", "=?utf-7?Q?+AOQ-?=", "\xc3\xa4"},
	{"UTF-16", "=?utf-16be?B?AOQAYg==?=",
		"\xc3\xa4"
		"b"},
	{"A charset nobody knows", "=?x-secret?Q?a=E4b?=", "a" NONE "b"},
	{"A charset with a switch of iconv", "=?utf-7//IGNORE?Q?a?=", "=?utf-7//IGNORE?Q?a?="},
	{"A charset that iconv alone knows", "=?IBM1364?Q?a=0E=42?=", "a" NONE "B"},
	{"A charset with a long name",
		"=?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?Q?a=80?=", "a" NONE},
	{"No charset", "=??Q?a?=", "=??Q?a?="},
	{"An encoding nobody knows", "=?utf-8?X?a?=", "=?utf-8?X?a?="},
	{"A word without its end", "=?utf-8?Q?a", "=?utf-8?Q?a"},
	{"A word that is cut off in its head", "a =?utf-8?", "a =?utf-8?"},
	{"A word without its end before another", "=?utf-8?Q?a =?utf-8?Q?b?=", "=?utf-8?Q?a b"},
	{"Two neighbours", "=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"},
	{"Two neighbours, folded", "=?utf-8?Q?a?=\r\n =?utf-8?Q?b?=", "ab"},
	{"Two neighbours without a blank", "=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"},
	{"Neighbours of different kinds", "=?utf-8?Q?=C3=A4?= =?iso-8859-1?B?9g==?= =?x?Q?c?=",
		"\xc3\xa4\xc3\xb6"
		"c"},
	{"A word between words", "a =?utf-8?Q?b?= c =?utf-8?Q?d?= e", "a b c d e"},
	{"What looks like a neighbour", "=?utf-8?Q?a?= =?b?= c", "a =?b?= c"},
	{"A character in two words", "=?utf-8?B?4oI=?= =?utf-8?B?rA==?=", "\xe2\x82\xac"},
	{"A character in two words of two encodings",
		"=?utf-8?B?4oI=?=\r\n =?UTF-8?Q?=AC?=", "\xe2\x82\xac"},
	{"A character of GB2312 in two words", "=?gb2312?Q?=C4?= =?gb2312?Q?=E3?=", "\xe4\xbd\xa0"},
	{"Half a character", "=?utf-8?Q?=E2=82?= b", NONE NONE " b"},
	{"Half a character of GB2312", "=?gb2312?Q?a=C4?=", "a" NONE},
	{"Half a character of UTF-16", "=?utf-16be?B?AGEA?=", "a" NONE},
	{"Octets that are none of Windows-1252", "=?iso-8859-1?Q?a=81b?=", "a" NONE "b"},
	{"Base64 without its end", "=?utf-8?B?YWI?= =?utf-8?B?Y2Q?=", "abcd"},
	{"Base64 with one character too many", "=?utf-8?B?YWJjY?=", "abc"},
	{"Base64 with what is none in it", "=?utf-8?B?Y W-J!j?=", "abc"},
	{"Q with blanks", "=?utf-8?Q?a b=20c?=", "a b c"},
	{"Q that is folded", "=?utf-8?Q?a\r\n b?=", "a b"},
	{"Q with a question mark", "=?utf-8?Q?a?b?=", "a?b"},
	{"In the middle of a word", "a=?utf-8?Q?b?=c", "abc"},
	{"In a quoted string", "\"=?utf-8?Q?B=C3=A4r?= X\" <a@b.test>",
		"\"B\xc3\xa4r X\" <a@b.test>"},
	{"Raw UTF-8", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	{"Raw octets that are none",
		"gr\xfc\xdf"
		"e",
		"gr" NONE NONE "e"},
	{"A surrogate", "=?utf-8?Q?=ED=A0=80?=", NONE NONE NONE},
	{"A long way to write a letter", "=?utf-8?Q?=C1=A1?=", NONE NONE},
	{"NUL", "=?utf-8?B?YQBi?=", "a" NONE "b"},
	{"NUL in another charset", "=?iso-8859-1?Q?a=00b?=", "a" NONE "b"},
	{"NUL where nobody knows the charset", "=?x?Q?a=00b?=", "a" NONE "b"},
	{"Control characters", "=?utf-8?Q?a=1Bb=7Fc=C2=85d?=\x01",
		"a" NONE "b" NONE "c" NONE "d" NONE},
	{"Ends of lines in a word", "=?utf-8?Q?a=0D=0Ab=09c?=", "a  b c"},
	{"An end of line in UTF-7", "=?utf-7?Q?a+AAoACg-b?=", "a  b"},
	{"What cannot be seen stays", "=?utf-8?Q?a=E2=80=8Bb=E2=80=AEc?=",
		"a\xe2\x80\x8b"
		"b\xe2\x80\xae"
		"c"},
	{"Blanks around it that were encoded", "=?utf-8?Q?=20_a=09?=", "a"},
	{"A word in a word", "=?utf-8?B?PT91dGYtOD9RP2E/PQ==?=", "=?utf-8?Q?a?="},
};

START_TEST(field_is_read)
{
	ck_assert(read_text(texts[_i].value));
	ck_assert_str_eq(out, texts[_i].want);
}
END_TEST

/* Each is repeated up to size octets. */
static const struct {
	const char *name, *piece;
	size_t size, text; /* octets that come of it */
} large[] = {
	{"Plain text is cut", "a", 300000, MIME_TEXT_SIZE - 1},
	{"No character is cut", "\xe2\x82\xac", 300000, MIME_TEXT_SIZE - 1},
	{"No character of four octets is cut", "\xf0\x9f\x98\x80", 300000, MIME_TEXT_SIZE - 4},
	{"Raw octets", "\xff", 300000, MIME_TEXT_SIZE - 1},
	{"Words", "=?utf-8?Q?a?= ", 300000, MIME_TEXT_SIZE - 1},
	{"Beginnings of words", "=?a?Q?x", 600000, MIME_TEXT_SIZE - 1},
	{"Empty words", "=?utf-8?Q?\?= ", 600000, 0},
	{"Empty words of two charsets", "=?big5?Q?\?= =?iso-2022-jp?Q?\?=", 300000, 0},
	{"Words of many charsets, of which the C library forgets all but the latest",
		"=?big5?Q?=00?==?gbk?Q?\?==?koi8-r?Q?a?==?euc-jp?Q?\?==?sjis?Q?\?==?cp866?Q?\?=",
		300000, 300000 / 74 * 4},
	{"Escapes that give nothing", "=?iso-2022-jp?Q?=1B$B=1B(B?= ", 300000, 0},
};

START_TEST(large_field_is_read_at_once)
{
	struct buf value;
	size_t len = strlen(large[_i].piece);

	buf_init(&value, 0);
	while (value.len + len <= large[_i].size)
		buf_add(&value, large[_i].piece, len);
	ck_assert(read_text(value.data));
	ck_assert_uint_eq(strlen(out), large[_i].text);
	ck_assert_uint_eq(text_utf8_valid(out, strlen(out)), strlen(out));
	buf_fini(&value);
}
END_TEST

START_TEST(decoder_ends_when_it_is_told_to)
{
	most = 2;
	ck_assert(!read_text("a =?utf-8?Q?b?= c =?utf-8?Q?d?= e =?utf-8?Q?f?="));
	ck_assert_str_eq(out, "a b c d");
	ck_assert_int_eq(asked, 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mime_text");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, field_is_read, 0, LENGTH(texts));
	tcase_add_loop_test(tc, large_field_is_read_at_once, 0, LENGTH(large));
	tcase_add_test(tc, decoder_ends_when_it_is_told_to);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
