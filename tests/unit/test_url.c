/* SPDX-License-Identifier: MIT */
/*
 * test_url.c - which web addresses the texts of a message name
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "service/url.h"
#include "table.h"

static struct arena arena;

static void
setup(void)
{
	struct err err;

	arena_init(&arena, 4096);
	ck_assert_msg(mime_fields_open(&err), "%s", err.text);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

static bool
always(void *data)
{
	(void)data;
	return true;
}

/* "text host" of each, or what is wrong. */
static const char *
list(const char *type, const char *body, size_t len)
{
	struct mime_source source = {
		.fields[MIME_TYPE] = type, .body = (const unsigned char *)body, .len = len};
	struct url *first;
	struct buf out;
	const char *text;

	buf_init(&out, 0);
	if (url_list(&arena, &source, always, NULL, &first) == MIME_TOO_MANY)
		buf_add_str(&out, "too many ");
	for (const struct url *u = first; u != NULL; u = u->next)
		buf_printf(&out, "%s %s%s", u->text, u->host, u->next == NULL ? "" : "; ");
	text = arena_strdup(&arena, out.data);
	buf_fini(&out);
	return text;
}

#define TEXT "text/plain"
#define HTML "text/html"

static const struct {
	const char *name, *type, *body, *want;
} rows[] = {
	{"One in a sentence", TEXT, "See https://a.example/b?c=d, please.",
		"https://a.example/b?c=d a.example"},
	{"Several, each once", TEXT, "http://a.example http://b.example http://a.example",
		"http://a.example a.example; http://b.example b.example"},
	{"Between angle brackets", TEXT, "<http://a.example/>", "http://a.example/ a.example"},
	{"Between brackets", TEXT, "(http://a.example/)", "http://a.example/ a.example"},
	{"With brackets of its own", TEXT, "http://a.example/b_(c)",
		"http://a.example/b_(c) a.example"},
	{"Without a scheme", TEXT, "go to www.a.example.", "www.a.example www.a.example"},
	{"An address of mail is none", TEXT, "joe@www.a.example mail:x@a.example", ""},
	{"Nor is a scheme alone", TEXT, "http:// https://", ""},
	{"Nor another scheme", TEXT, "mailto:a@b.example tel:1 file:///etc", ""},
	{"In any letters", TEXT, "HTTP://A.Example/B", "HTTP://A.Example/B a.example"},
	{"With a port", TEXT, "http://a.example:8080/", "http://a.example:8080/ a.example"},
	{"With a login", TEXT, "http://bank.example@evil.example/x",
		"http://bank.example@evil.example/x evil.example"},
	{"With two", TEXT, "http://a@b@evil.example/", "http://a@b@evil.example/ evil.example"},
	{"An @ in the path is none", TEXT, "http://a.example/@b", "http://a.example/@b a.example"},
	{"A dot at the end of the host", TEXT, "http://a.example./x",
		"http://a.example./x a.example"},
	{"Escapes in the host", TEXT, "http://%65vil.e%78ample/",
		"http://%65vil.e%78ample/ evil.example"},
	{"An escaped NUL ends no host", TEXT, "http://a.example%00.b.example/", ""},
	{"An address of IPv6", TEXT, "http://[2001:db8::1]:80/",
		"http://[2001:db8::1]:80/ [2001:db8::1]"},
	{"Backslashes", TEXT, "https:\\\\a.example\\b", "https:\\\\a.example\\b a.example"},
	{"More slashes", TEXT, "https:////a.example", "https:////a.example a.example"},
	{"A fragment behind the host", TEXT, "http://a.example#@b.example",
		"http://a.example#@b.example a.example"},
	{"An address of IPv6 at the end", TEXT, "[http://[2001:db8::1]]",
		"http://[2001:db8::1] [2001:db8::1]"},
	{"Between braces", TEXT, "{http://a.example}", "http://a.example a.example"},
	{"Two in one word", TEXT, "http://a.example,http://b.example|https://c.example/",
		"http://a.example a.example; http://b.example b.example; "
		"https://c.example/ c.example"},
	{"A mark in the host, where programs may end it", TEXT, "http://a.example;b.example/",
		"http://a.example;b.example/ a.example;b.example; http://a.example a.example"},
	{"A blank of Unicode", TEXT, "http://a.example\xc2\xa0x",
		"http://a.example\xc2\xa0x a.example\xc2\xa0x; http://a.example a.example"},
	{"Dots of other scripts", TEXT,
		"http://a\xe3\x80\x82"
		"b\xef\xbc\x8e"
		"c\xef\xbd\xa1"
		"example/",
		"http://a\xe3\x80\x82"
		"b\xef\xbc\x8e"
		"c\xef\xbd\xa1"
		"example/ a.b.c.example"},
	{"Wide letters", TEXT, "http://\xef\xbd\x85\xef\xbc\xa1\xef\xbc\x91.example/",
		"http://\xef\xbd\x85\xef\xbc\xa1\xef\xbc\x91.example/ ea1.example"},
	{"What a host does not have", TEXT, "http://e\xc2\xadv\xe2\x80\x8bil.example/",
		"http://e\xc2\xadv\xe2\x80\x8bil.example/ evil.example"},
	{"A scheme in a word", TEXT, "xhttps://a.example", "https://a.example a.example"},

	/* HTML */
	{"A link", HTML, "<a href=\"https://a.example/\">https://b.example</a>",
		"https://a.example/ a.example; https://b.example b.example"},
	{"Without quotes", HTML, "<a href=https://a.example/>x</a>",
		"https://a.example/ a.example"},
	{"In single ones", HTML, "<img src='https://a.example/x.gif'>",
		"https://a.example/x.gif a.example"},
	{"Its ampersands", HTML, "<a href=\"https://a.example/?b&amp;c\">",
		"https://a.example/?b&c a.example"},
	{"Letters as numbers", HTML, "<a href=\"&#104;ttp&#58//a&#x2e;example&sol;\">",
		"http://a.example/ a.example"},
	{"With zeros in front", HTML, "<a href=\"http&#0000000000000000000000058;//a.example\">",
		"http://a.example a.example"},
	{"Line breaks in a value", HTML, "<a href=\"ht\ntps://a.\r\nexa\tmple\">",
		"https://a.example a.example"},
	{"Not in the text", HTML, "https://a.example\nb", "https://a.example a.example"},
	{"A quote of the text opens nothing", HTML, "it's <b>https://a.example</b>\nb's",
		"https://a.example a.example"},
	{"A comment opens nothing", HTML, "<!-- x=' -->https://a.example\nb' ",
		"https://a.example a.example"},
	{"Line breaks as references", HTML, "<a href=\"ht&Tab;tps://a.&#10;exa&NewLine;mple\">",
		"https://a.example a.example"},
	{"And without quotes", HTML, "<a href=ht&#9;tps://a.example>",
		"https://a.example a.example"},
	{"Behind a comment that has an open value", HTML,
		"<!-- <a x=\" --><a href=\"ht\ntps://a.example\">", "https://a.example a.example"},
	{"Without a scheme", HTML, "<a href=\"//a.example/\"><a href=' \\\\b.example'>",
		"//a.example/ a.example; \\\\b.example b.example"},
	{"A name of a document type is none", HTML, "<!DOCTYPE HTML \"-//W3C//DTD HTML 4.01//EN\">",
		""},
	{"With one slash", HTML, "<a href=\"https:/a.example\">", "https:/a.example a.example"},
	{"With none", HTML, "<a href=\"https:a.example\">", "https:a.example a.example"},
	{"A word of the text is none", HTML, "<p>https: it is safe, http:x</p>", ""},
	{"A mark behind it in the text", HTML, "Go to https://a.example, now (https://b.example).",
		"https://a.example a.example; https://b.example b.example"},
	{"A login with a quote", HTML, "<a href=\"https://a.example&quot;@b.example/c\">",
		"https://a.example a.example; https://a.example%22@b.example/c b.example"},
	{"A login with blanks and others", HTML, "<a href=\"https://a.example '<>@b.example\">",
		"https://a.example a.example; https://a.example%20%27%3C%3E@b.example b.example"},
	{"An address of mail behind the value", HTML,
		"<a href=\"https://a.example\" title=\"x@b.example\">",
		"https://a.example a.example"},
	{"Or in the text", HTML, "https://a.example or x@b.example", "https://a.example a.example"},
	{"An address of a style", HTML, "<p style=\"background:url(https://a.example);c:d\">",
		"https://a.example);c:d a.example);c; https://a.example a.example"},
	{"A soft hyphen", HTML, "<a href=\"https://e&shy;vil.example\">",
		"https://e\xc2\xadvil.example evil.example"},
	{"Plain text is no HTML", TEXT, "http://a.example/?b&amp;c",
		"http://a.example/?b&amp;c a.example"},

	/* where */
	{"Other files are not read", "application/pdf", "http://a.example", ""},
	{"Other texts are", "text/calendar", "URL:http://a.example", "http://a.example a.example"},
	{"Text is what has no type", "", "http://a.example", "http://a.example a.example"},
	{"And what may be HTML is read as both", "text/plain; name*", "http://&#97;.example",
		"http://&#97;.example &; http://a.example a.example"},
	{"Parts are decoded", "multipart/mixed; boundary=b",
		"--b\nContent-Transfer-Encoding: quoted-printable\n\nhttp://a.exa=\nmple/=3D\n"
		"--b\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\n"
		"PGEgaHJlZj0iaHR0cDovL2IuZXhhbXBsZSI+\n--b--\n",
		"http://a.example/= a.example; http://b.example b.example"},
};

START_TEST(text_names)
{
	const char *got = list(rows[_i].type, rows[_i].body, strlen(rows[_i].body));

	ck_assert_msg(strcmp(got, rows[_i].want) == 0, "%s: want %s\ngot %s", rows[_i].name,
		rows[_i].want, got);
}
END_TEST

/* Some megabytes of one thing. */
static const struct {
	const char *name, *type, *text;
	size_t count;
	const char *want;
} bombs[] = {
	{"One address, a million times", TEXT, "http://a.example ", 1000000,
		"http://a.example a.example"},
	{"A scheme, a million times", TEXT, "http://", 1000000, ""},
	{"Colons", TEXT, "://", 1000000, ""},
	{"Open tags", HTML, "<a href='", 1000000, ""},
	{"References that are none", HTML, "&#x0", 1000000, ""},
	{"Words", TEXT, "www.", 1000000, ""},
	{"Values that seem to begin in a value", HTML, "=ftp:a\"", 1000000, "ftp:a a"},
};

START_TEST(bomb_is_bounded)
{
	struct buf text;
	const char *got;

	buf_init(&text, 0);
	for (size_t i = 0; i < bombs[_i].count; i++)
		buf_add_str(&text, bombs[_i].text);
	got = list(bombs[_i].type, text.data, text.len);
	ck_assert_msg(strncmp(got, bombs[_i].want, strlen(bombs[_i].want)) == 0 &&
			      strlen(got) < 2 * URL_SIZE,
		"%s: got %.100s", bombs[_i].name, got);
	buf_fini(&text);
}
END_TEST

static const struct {
	unsigned count;
	enum mime_end end;
} bounds[] = {{URLS_MOST, MIME_WHOLE}, {URLS_MOST + 1, MIME_TOO_MANY}};

START_TEST(different_ones_are_bounded)
{
	struct mime_source source = {.fields[MIME_TYPE] = TEXT};
	struct url *first;
	struct buf text;

	buf_init(&text, 0);
	for (unsigned i = 0; i < bounds[_i].count; i++)
		buf_printf(&text, "http://a%u.example ", i);
	source.body = (const unsigned char *)text.data;
	source.len = text.len;
	ck_assert_int_eq(url_list(&arena, &source, always, NULL, &first), (int)bounds[_i].end);
	buf_fini(&text);
}
END_TEST

/* Says no from the third time on; the second is for the text. */
static bool
twice(void *data)
{
	return ++*(int *)data < 3;
}

START_TEST(long_text_is_read_as_long_as_there_is_time)
{
	static char text[1000000] = "http://a.example ";
	struct mime_source source = {
		.fields[MIME_TYPE] = HTML, .body = (unsigned char *)text, .len = sizeof(text)};
	struct url *first;
	int asked = 0;

	ck_assert_int_eq(url_list(&arena, &source, twice, &asked, &first), MIME_LATE);
	ck_assert_int_eq(asked, 3);
}
END_TEST

START_TEST(long_one_is_cut)
{
	static char text[3 * URL_SIZE] = "http://a.example/";
	struct mime_source source = {.fields[MIME_TYPE] = TEXT, .body = (unsigned char *)text};
	struct url *first;

	memset(text + strlen(text), 'x', sizeof(text) - strlen(text) - 1);
	source.len = strlen(text);
	ck_assert_int_eq(url_list(&arena, &source, always, NULL, &first), MIME_WHOLE);
	ck_assert_uint_eq(strlen(first->text), URL_SIZE - 1);
	ck_assert_str_eq(first->host, "a.example");
	ck_assert_ptr_eq(first->next, NULL);
}
END_TEST

/* Logins of more octets than are kept, and behind them two hosts. */
START_TEST(long_ones_differ_in_their_host)
{
	struct mime_source source = {.fields[MIME_TYPE] = TEXT};
	struct url *first;
	struct buf text;

	buf_init(&text, 0);
	for (int host = 'a'; host <= 'b'; host++) {
		buf_add_str(&text, "http://");
		for (size_t i = 0; i < URL_SIZE; i++)
			buf_add_char(&text, 'x');
		buf_printf(&text, "@%c.example ", host);
	}
	source.body = (const unsigned char *)text.data;
	source.len = text.len;
	ck_assert_int_eq(url_list(&arena, &source, always, NULL, &first), MIME_WHOLE);
	ck_assert_str_eq(first->host, "a.example");
	ck_assert_ptr_ne(first->next, NULL);
	ck_assert_str_eq(first->next->host, "b.example");
	buf_fini(&text);
}
END_TEST

/* A login of a blank and many letters. */
START_TEST(long_login_hides_no_host)
{
	struct mime_source source = {.fields[MIME_TYPE] = HTML};
	struct url *first;
	struct buf text;

	buf_init(&text, 0);
	buf_add_str(&text, "<a href=\"https://a.example ");
	for (size_t i = 0; i < 2 * URL_SIZE; i++)
		buf_add_char(&text, 'x');
	buf_add_str(&text, "@b.example/c\">");
	source.body = (const unsigned char *)text.data;
	source.len = text.len;
	ck_assert_int_eq(url_list(&arena, &source, always, NULL, &first), MIME_WHOLE);
	ck_assert_str_eq(first->host, "a.example");
	ck_assert_ptr_ne(first->next, NULL);
	ck_assert_str_eq(first->next->text, "b.example/c");
	ck_assert_str_eq(first->next->host, "b.example");
	buf_fini(&text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("url");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, text_names, 0, LENGTH(rows));
	tcase_add_loop_test(tc, bomb_is_bounded, 0, LENGTH(bombs));
	tcase_add_loop_test(tc, different_ones_are_bounded, 0, LENGTH(bounds));
	tcase_add_test(tc, long_text_is_read_as_long_as_there_is_time);
	tcase_add_test(tc, long_one_is_cut);
	tcase_add_test(tc, long_ones_differ_in_their_host);
	tcase_add_test(tc, long_login_hides_no_host);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
