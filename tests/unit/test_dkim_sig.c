/* SPDX-License-Identifier: MIT */
/*
 * test_dkim_sig.c - signature fields, one tag after the other
 */
#include "dkim_case.h"
#include "table.h"

#define HASH  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define NINE  "123456789"
#define FIFTY NINE "0" NINE "0" NINE "0" NINE "0" NINE "0"

/* "!TAG" leaves that tag out; else a tag takes the place of the usual one, or is added. */
static const struct {
	const char *what, *change, *why; /* NULL: it can be used */
} fields[] = {
	{"the usual field", "", NULL},
	{"white space everywhere", " h =\r\n\tFrom :\r\n To ", NULL},
	{"an unknown tag", "xx=yy", NULL},
	{"a last semicolon", "z=From:a;", NULL},
	{"copied fields with letters above ASCII", "z=Subject:\xc3\xa4", NULL},
	{"a tag twice", "xx=1; xx=2", "a tag stands there twice"},

	{"no v=", "!v", "there is no v="},
	{"another version", "v=2", "v= is not 1"},
	{"a version in letters", "v=1.0", "v= is not 1"},

	{"no a=", "!a", "there is no a="},
	{"Ed25519", "a=ed25519-sha256", NULL},
	{"an algorithm in capitals", "a=RSA-SHA256", NULL},
	{"an unknown algorithm", "a=rsa-sha512", "a= is an unknown algorithm"},
	{"an empty algorithm", "a=", "a= is an unknown algorithm"},

	{"no d=", "!d", "there is no d="},
	{"an empty d=", "d=", "d= is not a domain name"},
	{"a d= of one label", "d=org", "d= is not a domain name"},
	{"a d= with a dot at its end", "d=example.org.", "d= is not a domain name"},
	{"a d= with two dots", "d=example..org", "d= is not a domain name"},
	{"a d= with a parenthesis", "d=example.org(.test", "d= is not a domain name"},
	{"a d= with a blank", "d=example. org", "d= is not a domain name"},
	{"a d= with a slash", "d=example.org/x", "d= is not a domain name"},
	{"a d= in U-labels",
		"d=b\xc3\xbc"
		"cher.example.org",
		NULL},
	{"a d= that is no UTF-8", "d=\xe4.example.org", "d= is not a domain name"},
	{"a d= with a letter that no host has", "d=\xe1\xa0\x85.example.org",
		"d= is not a domain name"},
	{"a d= of one U-label",
		"d=b\xc3\xbc"
		"cher",
		"d= is not a domain name"},
	{"a d= of U-labels that are too long",
		"d=\xc3\xbc." FIFTY "." FIFTY "." FIFTY "." FIFTY "." FIFTY,
		"d= is not a domain name"},
	{"a d= in U-labels that leads elsewhere", "d=\xc3\xbc/x.example.org",
		"d= is not a domain name"},
	{"a d= with an underscore", "d=_x.example.org", NULL},
	{"a label of 64 octets", "d=" FIFTY "12345678901234.org", "d= is not a domain name"},
	{"a label of 63 octets", "d=" FIFTY "1234567890123.org", NULL},
	{"a d= of 254 octets", "d=" FIFTY "." FIFTY "." FIFTY "." FIFTY "." FIFTY,
		"d= is not a domain name"},

	{"no s=", "!s", "there is no s="},
	{"a selector of two labels", "s=2026.mail", NULL},
	{"a selector with a quote", "s=a\"b", "s= is not a selector"},
	{"a selector with a backslash", "s=a\\046b", "s= is not a selector"},
	{"an empty selector", "s=", "s= is not a selector"},
	{"a selector in U-labels", "s=\xc3\xa4", NULL},
	{"a selector that is no UTF-8", "s=\xe4", "s= is not a selector"},

	{"no b=", "!b", "there is no b="},
	{"an empty b=", "b=", "b= is not base64, empty, or too long"},
	{"a b= that is no base64", "b=A*==", "b= is not base64, empty, or too long"},
	{"no bh=", "!bh", "there is no bh="},
	{"a bh= that is too short", "bh=AAAA", "bh= is not a SHA-256 hash"},
	{"a bh= that is too long", "bh=AAAA" HASH, "bh= is not a SHA-256 hash"},

	{"a simple header alone", "c=simple", NULL},
	{"an unknown way", "c=nofws", "c= is not made of simple and relaxed"},
	{"an unknown way of the body", "c=relaxed/nofws", "c= is not made of simple and relaxed"},
	{"three ways", "c=relaxed/simple/simple", "c= is not made of simple and relaxed"},
	{"no way behind the slash", "c=relaxed/", "c= is not made of simple and relaxed"},

	{"no h=", "!h", "there is no h="},
	{"From is not signed", "h=To:Subject", "From is not signed (h=)"},
	{"a FROM", "h=to:FROM", NULL},
	{"an empty h=", "h=", "h= is not a list of header fields"},
	{"a name with a letter above ASCII", "h=From:\xc3\xa4",
		"h= is not a list of header fields"},
	{"an empty name", "h=From::To", "h= is not a list of header fields"},
	{"a name with a blank", "h=From:X Y", "h= is not a list of header fields"},

	{"an i= without a local part", "i=@example.org", NULL},
	{"an i= below d=", "i=a@b.Example.ORG", NULL},
	{"an i= that is quoted", "i=a=3Db=20c@example.org", "i= is not quoted-printable"},
	{"an i= with an encoded =", "i=a=3Db@example.org", NULL},
	{"an i= of another domain", "i=@example.net", "the domain of i= is not d= or below it"},
	{"an i= that ends alike", "i=@anexample.org", "the domain of i= is not d= or below it"},
	{"an i= above d=", "i=@org", "i= has no domain name"},
	{"an i= without @", "i=example.org", "i= has no domain name"},
	{"an empty i=", "i=", "i= has no domain name"},
	{"an i= that ends in =", "i=@example.org=", "i= is not quoted-printable"},
	{"an i= that ends in half a code", "i=@example.org=4", "i= is not quoted-printable"},
	{"a = that is no code", "i=a=zz@example.org", "i= is not quoted-printable"},
	{"an encoded NUL", "i=a=00@example.org", "i= is not quoted-printable"},
	{"an i= with a letter above ASCII", "i=\xc3\xa4@example.org", NULL},
	{"an i= with such a letter, encoded", "i==C3=A4@example.org", NULL},
	{"an i= in U-labels below d=", "i=@\xc3\xa4.example.org", NULL},
	{"an i= in U-labels elsewhere", "i=@\xc3\xa4.example.net",
		"the domain of i= is not d= or below it"},
	{"an i= that is no UTF-8", "i=@\xe4.example.org", "i= has no domain name"},
	{"an encoded DEL", "i==7F@example.org", "i= is not quoted-printable"},
	{"an i= of 256 octets", "i=" FIFTY FIFTY FIFTY FIFTY FIFTY "123456@example.org",
		"i= is longer than 255 octets"},

	{"l=0", "l=0", NULL},
	{"an l= of 30 digits", "l=999999999999999999999999999999", NULL},
	{"a negative l=", "l=-1", "l= is not a number"},
	{"an empty l=", "l=", "l= is not a number"},
	{"an l= of two numbers", "l=1 2", "l= is not a number"},

	{"the only way to ask", "q=dns/txt", NULL},
	{"two ways to ask", "q=https : dns/txt", NULL},
	{"no way that we know", "q=dns/rr", "q= has no dns/txt"},

	{"a t= in words", "t=now", "t= is not a number"},
	{"an x= in words", "x=never", "x= is not a number"},
	{"an x= before t=", "t=5; x=4", "x= is not later than t="},
	{"an x= with t=", "t=5; x=5", "x= is not later than t="},
	{"an x= behind t=", "t=5; x=6", NULL},
	{"an x= without t=", "x=1", NULL},
};

static const struct {
	const char *name, *tag;
} usual[] = {{"v", "v=1"}, {"a", "a=rsa-sha256"}, {"d", "d=Example.org"}, {"s", "s=Sel"},
	{"c", "c=relaxed/relaxed"}, {"h", "h=From:To"}, {"bh", "bh=" HASH}, {"b", "b=A B\r\n CD"}};

static bool
names(const char *change, const char *name)
{
	size_t len = strlen(name);

	change += strspn(change, "! ");
	return strncmp(change, name, len) == 0 &&
	       strcspn(change + len, "=") <= strspn(change + len, " ");
}

static void
compose(char *out, size_t size, const char *change)
{
	size_t len = 0;

	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		if (!names(change, usual[i].name))
			len += (size_t)snprintf(
				out + len, size - len, "%s%s", len > 0 ? "; " : " ", usual[i].tag);
	}
	if (change[0] != '!' && change[0] != '\0')
		snprintf(out + len, size - len, "; %s", change);
}

START_TEST(which_fields_can_be_used)
{
	const char *why, *want = fields[_i].why;
	char text[2048];
	struct dkim_sig sig;
	bool good;

	compose(text, sizeof(text), fields[_i].change);
	good = dkim_sig_read(&sig, DKIM_SIG_DKIM, text, strlen(text), &why);
	ck_assert_msg(good == (want == NULL) && (good || strcmp(why, want) == 0), "%s: %s",
		fields[_i].what, good ? "can be used" : why);
}
END_TEST

START_TEST(what_a_field_says)
{
	static const char text[] =
		" v=1; a=ed25519-sha256; c=relaxed; d=Mail.Example.ORG; s=Sel.2; i=An=3Dn@x.mail."
		"example.org;\r\n q=dns/txt; t=1; x=2; l=17; h=From : To:X; bh=" HASH
		";\r\n b= AQID\r\n BAUGBwgJ ; z=a";
	struct dkim_sig sig;
	const char *why;

	ck_assert_msg(dkim_sig_read(&sig, DKIM_SIG_DKIM, text, strlen(text), &why), "%s", why);
	ck_assert_str_eq(sig.domain, "mail.example.org");
	ck_assert_str_eq(sig.selector, "sel.2");
	ck_assert(sig.below && sig.header == CANON_RELAXED && sig.body == CANON_SIMPLE);
	ck_assert_str_eq(dkim_sig_algorithm_name(sig.algorithm), "ed25519-sha256");
	ck_assert(sig.signed_at == 1 && sig.expires_at == 2 && sig.limit == 17);
	ck_assert_uint_eq(sig.name_count, 3);
	ck_assert(sig.names[1].len == 2 && memcmp(text + sig.names[1].at, "To", 2) == 0);
	ck_assert_uint_eq(sig.octet_count, 9);
	ck_assert_mem_eq(sig.octets, "\1\2\3\4\5\6\7\10\11", 9);
	ck_assert_str_eq(sig.first, "AQIDBAUG");
	/* All between "=" and ";" counts as not there. */
	ck_assert_mem_eq(text + sig.b_from - 2, "b=", 2);
	ck_assert_int_eq(text[sig.b_to], ';');
}
END_TEST

/* RFC 8616 section 5: each in its own spelling. */
START_TEST(names_in_u_labels_are_those_in_a_labels)
{
	static const char text[] =
		"v=1; a=rsa-sha256; d=B\xc3\x9c"
		"CHER.test; s=S\xc3\xa4; "
		"i=J\xc3\xb6rg@mail.xn--bcher-kva.test; h=From; bh=" HASH "; b=AAAA";
	struct dkim_sig sig;
	const char *why;

	ck_assert_msg(dkim_sig_read(&sig, DKIM_SIG_DKIM, text, strlen(text), &why), "%s", why);
	ck_assert_str_eq(sig.domain, "xn--bcher-kva.test");
	ck_assert_str_eq(sig.selector, "xn--s-0fa");
	ck_assert(sig.below);
}
END_TEST

START_TEST(what_can_be_read_of_a_bad_field_is)
{
	static const char text[] = "v=1; a=rsa-sha256; d=example.org; s=sel; h=To; b=AAAA";
	struct dkim_sig sig;
	const char *why;

	ck_assert(!dkim_sig_read(&sig, DKIM_SIG_DKIM, text, strlen(text), &why));
	ck_assert_str_eq(why, "there is no bh=");
	ck_assert_str_eq(sig.domain, "example.org");
	ck_assert_str_eq(sig.selector, "sel");
	ck_assert_str_eq(dkim_sig_algorithm_name(sig.algorithm), "rsa-sha256");
}
END_TEST

START_TEST(h_has_at_most_256_names)
{
	char text[2048] = "v=1; a=rsa-sha256; d=a.org; s=s; bh=" HASH "; b=AAAA; h=From";
	struct dkim_sig sig;
	const char *why;

	for (int i = 1; i < 256; i++)
		strcat(text, ":X");
	ck_assert(dkim_sig_read(&sig, DKIM_SIG_DKIM, text, strlen(text), &why));
	ck_assert_uint_eq(sig.name_count, 256);
	strcat(text, ":X");
	ck_assert(!dkim_sig_read(&sig, DKIM_SIG_DKIM, text, strlen(text), &why));
}
END_TEST

/* RFC 8617 section 4.1. */
static const struct {
	enum dkim_sig_kind kind;
	const char *text, *why;
} arcs[] = {
	{DKIM_SIG_ARC_MESSAGE, "i=1; a=rsa-sha256; d=a.org; s=s; h=From; bh=" HASH "; b=AAAA",
		NULL},
	{DKIM_SIG_ARC_MESSAGE, "i=51; a=rsa-sha256; d=a.org; s=s; h=From; bh=" HASH "; b=AAAA",
		"i= is not a number from 1 to 50"},
	{DKIM_SIG_ARC_MESSAGE, "i=0; a=rsa-sha256; d=a.org; s=s; h=From; bh=" HASH "; b=AAAA",
		"i= is not a number from 1 to 50"},
	{DKIM_SIG_ARC_MESSAGE, "a=rsa-sha256; d=a.org; s=s; h=From; bh=" HASH "; b=AAAA",
		"there is no i="},
	{DKIM_SIG_ARC_SEAL, "i=2; cv=pass; a=rsa-sha256; d=a.org; s=s; t=5; b=AAAA", NULL},
	{DKIM_SIG_ARC_SEAL, "i=2; cv=pass; a=rsa-sha256; d=a.org; t=5; b=AAAA", "there is no s="},
};

START_TEST(fields_of_arc)
{
	const char *why;
	struct dkim_sig sig;
	bool good = dkim_sig_read(&sig, arcs[_i].kind, arcs[_i].text, strlen(arcs[_i].text), &why);

	if (arcs[_i].why == NULL)
		ck_assert_msg(
			good && sig.instance == (unsigned)(arcs[_i].text[2] - '0'), "%s", why);
	else
		ck_assert_str_eq(why, arcs[_i].why);
	if (arcs[_i].kind == DKIM_SIG_ARC_SEAL)
		ck_assert_int_eq(sig.header, CANON_RELAXED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim_sig");
	TCase *tc = tcase_create("dkim_sig");

	tcase_add_loop_test(tc, which_fields_can_be_used, 0, LENGTH(fields));
	tcase_add_test(tc, what_a_field_says);
	tcase_add_test(tc, names_in_u_labels_are_those_in_a_labels);
	tcase_add_test(tc, what_can_be_read_of_a_bad_field_is);
	tcase_add_test(tc, h_has_at_most_256_names);
	tcase_add_loop_test(tc, fields_of_arc, 0, LENGTH(arcs));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
