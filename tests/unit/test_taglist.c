/* SPDX-License-Identifier: MIT */
/*
 * test_taglist.c - lists of "tag=value", their items, base64
 */
#include <string.h>

#include "../../plugins/lib/taglist.h"
#include "table.h"

static const struct {
	const char *what, *text, *want; /* "name[value]" of each tag; NULL: refused */
} lists[] = {
	{"one tag", "a=b", "a[b]"},
	{"a last semicolon", "a=b;", "a[b]"},
	{"white space around everything", " \t a \r\n =\r\n\t b c ;\r\n d=e ", "a[b c] d[e]"},
	{"an empty value", "p=; k=rsa", "p[] k[rsa]"},
	{"a value with = inside", "b=abc==; c=x", "b[abc==] c[x]"},
	{"names with digits and underscores", "a_1=x; B9=y", "a_1[x] B9[y]"},
	{"names differ by their case", "a=1; A=2", "a[1] A[2]"},
	{"a tag twice", "a=1; b=2; a=1", NULL},
	{"nothing", "", NULL},
	{"white space alone", " \r\n\t", NULL},
	{"a name that begins with a digit", "1a=x", NULL},
	{"no name", "=x", NULL},
	{"no =", "a=b; cd", NULL},
	{"two semicolons", "a=b;; c=d", NULL},
	{"a name of two words", "a b=c", NULL},
	{"a letter above ASCII", "a=\xc3\xa9; b=1", "a[\xc3\xa9] b[1]"},
	{"a name above ASCII", "\xc3\xa9=a", NULL},
	{"a name with a letter above ASCII", "a\xc3\xa9=a", NULL},
	{"a DEL", "a=b\x7f", NULL},
	{"a control character", "a=b\001", NULL},
	{"a vertical tab is no white space", "a=b\vc", NULL},
	{"more tags than anybody has",
		"a=;b=;c=;d=;e=;f=;g=;h=;i=;j=;k=;l=;m=;n=;o=;p=;q=;r=;s=;t=;u=;v=;w=;x=;y=;z=;"
		"A=;B=;C=;D=;E=;F=;G=",
		NULL},
};

START_TEST(which_texts_are_lists)
{
	const char *text = lists[_i].text, *why;
	char got[512] = "";
	struct taglist list;
	bool good = taglist_parse(&list, text, strlen(text), &why);

	ck_assert_msg(good == (lists[_i].want != NULL), "%s: %s", lists[_i].what, why);
	ck_assert((why == NULL) == good);
	for (size_t i = 0; good && i < list.count; i++) {
		const struct taglist_tag *t = &list.tags[i];

		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%.*s[%.*s]",
			i > 0 ? " " : "", (int)t->name_len, t->name, (int)t->len, t->value);
		ck_assert(text[t->from - 1] == '=' && (text[t->to] == ';' || text[t->to] == '\0'));
	}
	if (good)
		ck_assert_str_eq(got, lists[_i].want);
}
END_TEST

START_TEST(a_nul_is_no_end)
{
	struct taglist list;
	const char *why;

	ck_assert(!taglist_parse(&list, "a=b\0c", 5, &why));
}
END_TEST

START_TEST(a_tag_is_found_by_its_whole_name)
{
	static const char text[] = "bh=1; b=2";
	struct taglist list;
	const char *why;

	ck_assert(taglist_parse(&list, text, strlen(text), &why));
	ck_assert_int_eq(taglist_find(&list, "b")->value[0], '2');
	ck_assert_int_eq(taglist_find(&list, "bh")->value[0], '1');
	ck_assert_ptr_null(taglist_find(&list, "h"));
	ck_assert_ptr_null(taglist_find(&list, "bhx"));
}
END_TEST

static const struct {
	const char *value, *items;
} item_lists[] = {
	{"a:b", "[a][b]"},
	{" From :\r\n To ", "[From][To]"},
	{"a", "[a]"},
	{"a::b", "[a][][b]"},
	{"a:", "[a][]"},
	{"", "[]"},
};

START_TEST(which_items_a_value_has)
{
	const char *value = item_lists[_i].value, *item;
	struct taglist_tag tag = {.value = value, .len = strlen(value)};
	size_t at = 0, len;
	char got[64] = "";

	while (taglist_item(&tag, &at, &item, &len))
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "[%.*s]", (int)len, item);
	ck_assert_str_eq(got, item_lists[_i].items);
}
END_TEST

static const struct {
	const char *text, *octets; /* NULL: it is none */
} base64s[] = {
	/* RFC 4648 section 10. */
	{"Zg==", "f"},
	{"Zm8=", "fo"},
	{"Zm9v", "foo"},
	{"Zm9vYg==", "foob"},
	{"Zm9vYmE=", "fooba"},
	{"Zm9vYmFy", "foobar"},
	{" Zm9\r\n\tvYm Fy\t", "foobar"},
	{"Zm9vYg= =", "foob"},
	{"", NULL},
	{"====", NULL},
	{"Z", NULL},
	{"Zg", NULL},
	{"Zg=", NULL},
	{"Zg===", NULL},
	{"Zm9v====", NULL},
	{"Zg==Zg==", NULL},
	{"Zm9*", NULL},
	{"Zm-_", NULL},
	{"Zm9vYmFyYmF6", NULL}, /* nine octets: too many */
	{"Zm9vYmFyYmFy", NULL},
	{"Zm9vYmFyYg==", "foobarb"},
	{"Zm9vYmE9", "fooba="},
	{"Zm9v Ym Fy", "foobar"},
	{"Z m9vYmFy", "foobar"},
	{"Zm9vYm\r\n Fy", "foobar"},
	{"Zm9vY,Fy", NULL},
	{"Zm9vYmF{", NULL},
	{"*m9vYmFy", NULL},
	{"Zm9v\303mFy", NULL},
	{"////++++", "\377\377\377\373\357\276"},
};

/* Every digit, and every octet that is none, in each of four places. */
START_TEST(which_octets_are_digits)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[] = "AAAA";
	unsigned char out[3];

	for (int c = 1; c < 256; c++) {
		const char *digit = strchr(digits, c);
		unsigned bits = digit == NULL ? 0 : (unsigned)(digit - digits) << (18 - 6 * _i);
		size_t len;

		text[_i] = (char)c;
		len = taglist_base64(text, 4, out, sizeof(out));
		if (c == '=' && _i == 3)
			ck_assert_uint_eq(len, 2);
		else
			ck_assert_uint_eq(len, digit == NULL ? 0 : 3);
		if (digit != NULL)
			ck_assert_uint_eq(
				(unsigned)out[0] << 16 | (unsigned)out[1] << 8 | out[2], bits);
	}
}
END_TEST

START_TEST(what_base64_stands_for)
{
	const char *text = base64s[_i].text, *octets = base64s[_i].octets;
	unsigned char out[8];
	size_t len = taglist_base64(text, strlen(text), out, sizeof(out));

	ck_assert_uint_eq(len, octets == NULL ? 0 : strlen(octets));
	if (octets != NULL)
		ck_assert_mem_eq(out, octets, len);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("taglist");
	TCase *tc = tcase_create("taglist");

	tcase_add_loop_test(tc, which_texts_are_lists, 0, LENGTH(lists));
	tcase_add_test(tc, a_nul_is_no_end);
	tcase_add_test(tc, a_tag_is_found_by_its_whole_name);
	tcase_add_loop_test(tc, which_items_a_value_has, 0, LENGTH(item_lists));
	tcase_add_loop_test(tc, which_octets_are_digits, 0, 4);
	tcase_add_loop_test(tc, what_base64_stands_for, 0, LENGTH(base64s));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
