/* SPDX-License-Identifier: MIT */
/*
 * test_mime.c - which attachments a message has, however it is written
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "service/attachment.h"
#include "service/mime_name.h"
#include "table.h"

#define MIXED "multipart/mixed; boundary=b"
/* A part with these fields, of one octet. */
#define PART(fields)  "--b\r\n" fields "\r\n\r\nx\r\n"
#define END	      "--b--\r\n"
#define PDF	      PART("Content-Type: application/pdf; name=a.pdf")
#define FILE_OF(name) PART("Content-Disposition: attachment; " name) END
#define SAVED(name)   name " text/plain 1"
#define TEN	      ";0=;1=;2=;3=;4=;5=;6=;7=;8=;9="
#define HUNDRED	      TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

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

static void
add(struct buf *out, const struct attachment *a)
{
	if (out->len > 0)
		buf_add_str(out, "; ");
	buf_printf(out, "%s %s %zu", a->name[0] == '\0' ? "-" : a->name, a->type, a->size);
	buf_add_str(out, a->has_macros ? " macros" : "");
	buf_add_str(out, a->encrypted ? " encrypted" : "");
	buf_add_str(out, a->unreadable ? " unreadable" : "");
}

/* "name type octets" of each attachment, or what is wrong. */
static char *
list(const char *type, const char *body, size_t len)
{
	struct mime_source source = {
		.fields[MIME_TYPE] = type, .body = (const unsigned char *)body, .len = len};
	struct attachment *first;
	struct buf out;
	char *text;

	buf_init(&out, 0);
	switch (attachment_list(&arena, &source, always, NULL, &first)) {
	case MIME_TOO_MANY:
		buf_add_str(&out, "too many");
		break;
	case MIME_TOO_DEEP:
		buf_add_str(&out, "too deep");
		break;
	case MIME_LATE:
		buf_add_str(&out, "late");
		break;
	case MIME_WHOLE:
		for (const struct attachment *a = first; a != NULL; a = a->next)
			add(&out, a);
		break;
	}
	text = arena_strdup(&arena, out.data);
	buf_fini(&out);
	return text;
}

static const struct {
	const char *name, *type, *body, *want;
} messages[] = {
	/* what is an attachment */
	{"Text is none", "text/plain", "x", ""},
	{"Nor is a message without a type", NULL, "x", ""},
	{"Nor is HTML", MIXED, PART("Content-Type: text/html") END, ""},
	{"A message that is a file is one", "application/pdf", "xy", "- application/pdf 2"},
	{"A calendar is one", MIXED, PART("Content-Type: text/calendar") END, "- text/calendar 1"},
	{"Text is one where it says so", MIXED, PART("Content-Disposition: attachment") END,
		"- text/plain 1"},
	{"And where it has a name, though it is to be shown", MIXED,
		PART("Content-Disposition: inline; filename=a.txt") END, "a.txt text/plain 1"},
	{"A name stands in Content-Type alone", MIXED, PDF END, "a.pdf application/pdf 1"},
	{"Parts come in their order", MIXED, PDF PART("Content-Type: image/gif") PDF END,
		"a.pdf application/pdf 1; - image/gif 1; a.pdf application/pdf 1"},
	{"A message in a message is one, and has its own", MIXED,
		"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n"
		"Content-Type: application/pdf\r\n\r\nxyz\r\n" END,
		"- message/rfc822 48; - application/pdf 3"},
	{"Parts of a digest are messages", "multipart/digest; boundary=b",
		"--b\n\nContent-Type: image/gif\n\nx\n" END, "- message/rfc822 26; - image/gif 1"},
	{"A message may be encoded, though it must not", "message/rfc822",
		"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
		"Q29udGVudC1UeXBlOiBpbWFnZS9naWYKCng=\n",
		"- message/rfc822 101; - message/rfc822 26; - image/gif 1"},
	{"Types are in lower case", "Application/PDF", "", "- application/pdf 0"},

	/* encodings */
	{"Base64", MIXED,
		"--b\nContent-Type: image/gif\nContent-Transfer-Encoding: "
		"BASE64\n\neHl6\neHl6\n" END,
		"- image/gif 6"},
	{"Base64 with what is none of it", MIXED,
		"--b\nContent-Type: image/gif\nContent-Transfer-Encoding: base64\n\ne*H l6!\n" END,
		"- image/gif 3"},
	{"Quoted-printable", MIXED,
		"--b\nContent-Type: image/gif\nContent-Transfer-Encoding: quoted-printable\n\n"
		"=41b=\nc\n" END,
		"- image/gif 3"},
	{"A line of uuencode", MIXED,
		"--b\nContent-Type: image/gif\nContent-Transfer-Encoding: x-uuencode\n\n"
		"see below\nbegin 644 a.gif\n#>'EZ\n`\nend\n" END,
		"- image/gif 3"},
	{"Base64 that goes on behind its end", MIXED,
		"--b\nContent-Type: image/gif\nContent-Transfer-Encoding: base64\n\neA==eHl6\n" END,
		"- image/gif 1 unreadable"},
	{"Base64 that ends, and blanks", MIXED,
		"--b\nContent-Type: image/gif\nContent-Transfer-Encoding: base64\n\neA==\n \n" END,
		"- image/gif 1"},
	{"A comment before the encoding", MIXED,
		"--b\nContent-Type: image/gif\nContent-Transfer-Encoding: (x) base64\n\neHl6\n" END,
		"- image/gif 4 unreadable"},
	{"An encoding that nobody knows", MIXED,
		"--b\nContent-Type: image/gif\nContent-Transfer-Encoding: x-own\n\nxyz\n" END,
		"- image/gif 3 unreadable"},

	/* boundaries */
	{"In quotes, with a blank behind it", "multipart/mixed; boundary=\"b c\"",
		"--b c \t\r\nContent-Type: image/gif\r\n\r\nx\r\n--b c--", "- image/gif 1"},
	{"In quotes, with a blank that belongs to none", "multipart/mixed; boundary=\"b \"",
		"--b\r\nContent-Type: image/gif\r\n\r\nx\r\n--b \r\n\r\ny\r\n--b--",
		"- image/gif 1"},
	{"What stands before the first is no part", MIXED,
		"Content-Type: image/gif\r\n\r\nx\r\n" END, ""},
	{"It does not end", MIXED, PDF "--b\r\nContent-Type: image/gif\r\n\r\nx",
		"a.pdf "
		"application/pdf 1; - image/gif 1"},
	{"It goes on behind its end", MIXED, END PDF, "a.pdf application/pdf 3"},
	{"It is the beginning of a longer one", MIXED,
		"--bb\r\nContent-Type: image/gif\r\n\r\nx\r\n" END, ""},
	{"It stands inside of a line", MIXED, PART("Content-Type: image/gif") "x --b\r\n" END,
		"- image/gif 8"},
	{"A parent's ends a part that has another", MIXED,
		"--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n"
		"Content-Type: image/gif\n\nx\n" PDF END,
		"- image/gif 1; a.pdf application/pdf 1"},
	{"The same in parent and child", MIXED,
		"--b\nContent-Type: multipart/mixed; boundary=b\n\n" PDF END END,
		"- multipart/mixed 0 unreadable; a.pdf application/pdf 1"},
	{"There is none", "multipart/mixed", PDF END, "- multipart/mixed 60 unreadable"},
	{"None of its lines are there", MIXED, "x", "- multipart/mixed 1 unreadable"},
	{"Two of them", "multipart/mixed; boundary=b; boundary=c", PDF END,
		"- multipart/mixed 60 unreadable; a.pdf application/pdf 1"},
	{"Encoded as only names are", "multipart/mixed; boundary=\"=?us-ascii?q?b?=\"", PDF END,
		"- multipart/mixed 60 unreadable; a.pdf application/pdf 1"},
	{"RFC 2231, which few read there", "multipart/mixed; boundary*=us-ascii''b", PDF END,
		"- multipart/mixed 60 unreadable; a.pdf application/pdf 1"},
	{"A multipart without a subtype", "multipart; boundary=b", PDF END,
		"- application/octet-stream 60 unreadable"},
	{"A longer one than anybody writes",
		"multipart/mixed; boundary="
		"0123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789",
		"x", "- multipart/mixed 1 unreadable"},

	/* fields */
	{"A field is folded", MIXED,
		PART("Content-Disposition:\r\n attachment;\r\n\tfilename=a.txt") END,
		"a.txt text/plain 1"},
	{"Blanks before the colon", MIXED, PART("Content-Type : image/gif") END, "- image/gif 1"},
	{"A line that is no field is none", MIXED, PART("-----\r\nContent-Type: image/gif") END,
		"- image/gif 1"},
	{"A line break that is none to others", MIXED,
		PART("Content-Disposition: attachment; filename=a.exe\r.txt") END,
		"a.exe.txt text/plain 1 unreadable"},
	{"A field that comes twice", MIXED,
		PART("Content-Type: image/gif\r\nContent-Type: text/plain") END,
		"- image/gif 1 unreadable"},
	{"A parameter that comes twice", MIXED,
		PART("Content-Disposition: attachment; filename=a.txt; filename=b.exe") END,
		"a.txt text/plain 1 unreadable"},
	{"Two names with one ending", MIXED,
		PART("Content-Type: text/plain; name=b.TXT\r\n"
		     "Content-Disposition: attachment; filename=a.txt") END,
		"a.txt text/plain 1"},
	{"Two names with two", MIXED,
		PART("Content-Type: text/plain; name=b.exe\r\n"
		     "Content-Disposition: attachment; filename=a.txt") END,
		"a.txt text/plain 1 unreadable"},
	{"A type that is none", MIXED,
		PART("Content-Type: \r\nContent-Disposition: attachment") END,
		"- application/octet-stream 1 unreadable"},
	{"Half a type", MIXED, PART("Content-Type: text") END,
		"- application/octet-stream 1 unreadable"},
	{"The type that is used for all", MIXED, PART("Content-Type: Application/Octet-Stream") END,
		"- application/octet-stream 1"},
	{"Text that may be a file to others", MIXED,
		PART("Content-Type: text/plain\r\nContent-Type: image/gif; name=a.exe") END,
		"- text/plain 1 unreadable"},
	{"Text with an encoding that nobody knows is text", MIXED,
		PART("Content-Transfer-Encoding: utf-8") END, ""},
	{"A disposition that nobody knows is an attachment", MIXED,
		PART("Content-Disposition: x-own") END, "- text/plain 1"},
	{"Shown with the text", MIXED, PART("Content-Disposition: INLINE; size=1") END, ""},
	{"The semicolon is missing", MIXED,
		PART("Content-Disposition: attachment filename=a.docm") END,
		"- text/plain 1 unreadable"},
	{"The disposition is missing", MIXED, PART("Content-Disposition: filename=a.docm") END,
		"- text/plain 1 unreadable"},
	{"More parameters than are read", MIXED,
		PART("Content-Disposition: attachment" HUNDRED "; filename=a.docm") END,
		"- text/plain 1 unreadable"},
	{"What Outlook packs attachments into", MIXED,
		PART("Content-Type: application/ms-tnef; name=winmail.dat") END,
		"winmail.dat application/ms-tnef 1"},

	/* names */
	{"A token", MIXED, FILE_OF("filename=a.txt"), SAVED("a.txt")},
	{"Quoted", MIXED, FILE_OF("filename=\"a b.txt\""), SAVED("a b.txt")},
	{"Blanks without quotes", MIXED, FILE_OF("filename=a b.txt"), SAVED("a b.txt")},
	{"RFC 2231", MIXED, FILE_OF("filename*=UTF-8''h%C3%A4.txt"), SAVED("h\xc3\xa4.txt")},
	{"RFC 2231 in pieces", MIXED, FILE_OF("filename*0=a; filename*1=\".t\"; filename*2=xt"),
		SAVED("a.txt")},
	{"RFC 2047", MIXED, FILE_OF("filename=\"=?utf-8?B?w6QudHh0?=\""), SAVED("\xc3\xa4.txt")},
	{"RFC 2047 in two words", MIXED, FILE_OF("filename=\"=?utf-8?Q?a=2Et?= =?utf-8?Q?xt?=\""),
		SAVED("a.txt")},
	{"UTF-8 as it is", MIXED, FILE_OF("filename=\"\xc3\xa4.txt\""), SAVED("\xc3\xa4.txt")},
	{"RFC 2231 beside another", MIXED, FILE_OF("filename=a.txt; filename*=utf-8''b.docm"),
		SAVED("a.txt") " unreadable"},
	{"A NUL in it", MIXED, FILE_OF("filename*=utf-8''a%00.docm"), SAVED("a") " unreadable"},
	{"A NUL in RFC 2047", MIXED, FILE_OF("filename=\"=?utf-8?B?YQAuZG9jbQ==?=\""),
		SAVED("a?.docm")},
	{"UTF-16 in RFC 2047", MIXED, FILE_OF("filename=\"=?utf-16be?B?AGEALgB0AHgAdA==?=\""),
		SAVED("a.txt")},
	{"A charset that nobody knows", MIXED, FILE_OF("filename=\"=?x-own?Q?a.docm?=\""),
		SAVED("a.docm")},
	{"Nor in RFC 2231", MIXED, FILE_OF("filename*=x-own''a.docm"), SAVED("a.docm")},
	{"The parameter of the other field", MIXED, FILE_OF("name=a.docm"), SAVED("a.docm")},
	{"And the other way round", MIXED, PART("Content-Type: text/plain; filename=a.docm") END,
		SAVED("a.docm")},
	{"Latin 1 as it is", MIXED, FILE_OF("filename=\"\xe4.txt\""), SAVED("\xc3\xa4.txt")},
};

START_TEST(message_has_the_attachments)
{
	const char *body = messages[_i].body;
	const char *got = list(messages[_i].type, body, strlen(body));

	ck_assert_msg(strcmp(got, messages[_i].want) == 0, "%s: want %s\ngot %s", messages[_i].name,
		messages[_i].want, got);
}
END_TEST

static const struct {
	const char *name, *raw, *want, *ext;
} names[] = {
	{"Letters are kept, and an ending is small", "Report.DOCX", "Report.DOCX", "docx"},
	{"The last of two endings counts", "a.pdf.exe", "a.pdf.exe", "exe"},
	{"Dots and blanks behind it are not there", "a.exe. . ", "a.exe", "exe"},
	{"Nor are those before it", "  a.txt", "a.txt", "txt"},
	{"A directory is none of it", "../../etc/a.txt", "a.txt", "txt"},
	{"Of Windows neither", "C:\\temp\\a.txt", "a.txt", "txt"},
	{"A slash behind it", "a.exe/", "a.exe", "exe"},
	{"Control characters",
		"a\t.e\r\nx\x01"
		"e\x7f",
		"a.exe", "exe"},
	{"Control characters of Unicode", "a.e\xc2\x85xe", "a.exe", "exe"},
	{"A turn of the writing", "a\xe2\x80\xaetxt.exe", "atxt.exe", "exe"},
	{"A blank without width",
		"a.do\xe2\x80\x8b"
		"cm",
		"a.docm", "docm"},
	{"A tag of Unicode",
		"a.do\xf3\xa0\x81\xa1"
		"cm",
		"a.docm", "docm"},
	{"An octet that is no UTF-8", "a\xff.txt", "a?.txt", "txt"},
	{"A character that is cut", "a.\xe2\x82", "a.??", "??"},
	{"Nothing before the dot", ".docm", ".docm", "docm"},
	{"No dot", "README", "README", ""},
	{"Nothing behind it", "a.", "a", ""},
	{"Nothing at all", " ./. ", "", ""},
};

START_TEST(name_is_clean)
{
	char got[MIME_NAME_SIZE], ext[MIME_NAME_SIZE];

	mime_name_clean(names[_i].raw, got);
	ck_assert_msg(strcmp(got, names[_i].want) == 0, "%s: got %s", names[_i].name, got);
	ck_assert_int_eq(mime_name_ext(got, ext), names[_i].ext[0] != '\0');
	ck_assert_str_eq(ext, names[_i].ext);
}
END_TEST

START_TEST(long_name_keeps_both_ends)
{
	char raw[1024] = "begin", got[MIME_NAME_SIZE], ext[MIME_NAME_SIZE];

	/* Two octets each, so that one of them is where it is cut. */
	for (size_t i = strlen(raw); i < sizeof(raw) - 10; i += 2)
		memcpy(raw + i, "\xc3\xa4", 3);
	memcpy(raw + strlen(raw), ".exe", 5);
	mime_name_clean(raw, got);
	ck_assert_int_eq(strncmp(got, "begin", 5), 0);
	ck_assert_uint_ge(strlen(got), MIME_NAME_SIZE - 4);
	ck_assert(mime_name_ext(got, ext));
	ck_assert_str_eq(ext, "exe");
	ck_assert_ptr_eq(strchr(got, '?'), NULL);
}
END_TEST

/* The text so many times. */
static const char *
times(const char *begin, const char *text, size_t count, const char *end)
{
	struct buf out;
	const char *all;

	buf_init(&out, 0);
	buf_add_str(&out, begin);
	for (size_t i = 0; i < count; i++)
		buf_add_str(&out, text);
	buf_add_str(&out, end);
	all = arena_strdup(&arena, out.data);
	buf_fini(&out);
	return all;
}

#define FORWARDED "Content-Type: message/rfc822\n\n"
#define ENCODED	  "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n"

/* A thousand or a million of what a message has a few of. */
static const struct {
	const char *name, *type, *begin, *text;
	size_t count;
	const char *end, *want; /* a '*' stands for the rest */
} bombs[] = {
	{"Parts up to the bound", MIXED, "", "--b\n\n", MIME_PARTS_MOST - 1, END, ""},
	{"One more", MIXED, "", "--b\n\n", MIME_PARTS_MOST, END, "too many"},
	{"A million parts", MIXED, "", "--b\n\n", 1000000, END, "too many"},
	{"Messages in each other up to the bound", "message/rfc822", "", FORWARDED,
		MIME_DEPTH_MOST - 2, "\nx", "- message/rfc822 *"},
	{"One more", "message/rfc822", "", FORWARDED, MIME_DEPTH_MOST - 1, "\nx", "too deep"},
	{"Ten thousand", "message/rfc822", "", FORWARDED, 10000, "\nx", "too deep"},
	{"Messages that are encoded, in each other", "message/rfc822", "", ENCODED, 3, "",
		"- message/rfc822 222; - message/rfc822 148; - message/rfc822 74; "
		"- message/rfc822 0 unreadable"},
	{"A header of ten megabytes", MIXED, "--b\n", "X: 0123456\n", 1000000,
		"Content-Type: image/gif\n\nx\n" END, "- image/gif 1"},
	{"A field of ten megabytes", MIXED, "--b\nContent-Type: image/gif", ";\n x0123456", 1000000,
		"\n\nx\n" END, "- image/gif 1 unreadable"},
	{"A million lines that are nearly a boundary", "multipart/mixed; boundary=--------", "",
		"---------\n", 1000000, "", "- multipart/mixed 10000000 unreadable"},
	{"A line of what could begin one", "multipart/mixed; boundary=-------------------------",
		"", "----------", 1000000, "", "- multipart/mixed 10000000 unreadable"},
	{"Base64 that is none", MIXED,
		"--b\nContent-Type: image/gif\nContent-Transfer-Encoding: base64\n\n", "=*=\n",
		1000000, END, "- image/gif 0 unreadable"},
};

START_TEST(bomb_is_bounded)
{
	const char *body = times(bombs[_i].begin, bombs[_i].text, bombs[_i].count, bombs[_i].end);
	const char *got = list(bombs[_i].type, body, strlen(body)), *want = bombs[_i].want;
	size_t len = strcspn(want, "*");

	ck_assert_msg(want[len] == '*' ? strncmp(got, want, len) == 0 : strcmp(got, want) == 0,
		"%s: want %s\ngot %.200s", bombs[_i].name, want, got);
}
END_TEST

START_TEST(nul_octets_hide_nothing)
{
	static const char body[] = "--b\nContent-\0Type: x\nContent-Type: image/\0gif\n"
				   "Content-Disposition: attachment; filename=a.exe\0.txt\n\n"
				   "x\0y\n--b\0\n--b--\n";

	ck_assert_str_eq(list(MIXED, body, sizeof(body) - 1), "a.exe.txt image/gif 8 unreadable");
}
END_TEST

/* Says no at the third part. */
static bool
thrice(void *data)
{
	return ++*(int *)data < 3;
}

START_TEST(who_has_no_time_gets_no_list)
{
	static const char body[] = PDF PDF PDF END;
	struct mime_source source = {.fields[MIME_TYPE] = MIXED,
		.body = (const unsigned char *)body,
		.len = sizeof(body) - 1};
	struct attachment *first;
	int asked = 0;

	ck_assert_int_eq(attachment_list(&arena, &source, thrice, &asked, &first), MIME_LATE);
	ck_assert_int_eq(asked, 3);
}
END_TEST

START_TEST(fields_of_the_message_that_come_twice)
{
	struct mime_source source = {.fields[MIME_TYPE] = "image/gif",
		.repeated = true,
		.body = (const unsigned char *)"x",
		.len = 1};
	struct attachment *first;

	ck_assert_int_eq(attachment_list(&arena, &source, always, NULL, &first), MIME_WHOLE);
	ck_assert(first->unreadable);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mime");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, message_has_the_attachments, 0, LENGTH(messages));
	tcase_add_loop_test(tc, name_is_clean, 0, LENGTH(names));
	tcase_add_test(tc, long_name_keeps_both_ends);
	tcase_add_loop_test(tc, bomb_is_bounded, 0, LENGTH(bombs));
	tcase_add_test(tc, nul_octets_hide_nothing);
	tcase_add_test(tc, who_has_no_time_gets_no_list);
	tcase_add_test(tc, fields_of_the_message_that_come_twice);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
