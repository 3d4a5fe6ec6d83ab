/* SPDX-License-Identifier: MIT */
/*
 * test_resolver_name.c - names of DNS as text, in one form
 */
#include "service/resolver_name.h"

#include <string.h>

#include "table.h"

#define A10  "aaaaaaaaaa"
#define A63  A10 A10 A10 A10 A10 A10 "aaa"
#define A61  A10 A10 A10 A10 A10 A10 "a"
#define E10  "\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001"
#define E63  E10 E10 E10 E10 E10 E10 "\\001\\001\\001"
#define E61  E10 E10 E10 E10 E10 E10 "\\001"
#define N253 A63 "." A63 "." A63 "." A61

static const struct {
	const char *name, *text, *canonical; /* NULL: cannot be asked for */
} names[] = {
	{"a name", "example.org", "example.org"},
	{"case does not matter", "WWW.Example.ORG", "www.example.org"},
	{"the last dot does not count", "example.org.", "example.org"},
	{"one label", "localhost", "localhost"},
	{"the root", ".", ""},
	{"the root, too", "", ""},
	{"an underscore and a star", "*._domainkey.x", "*._domainkey.x"},
	{"octets that are no text", "a\x01\xff.x", "a\\001\\255.x"},
	{"a blank", "a b.x", "a\\032b.x"},
	{"an escaped octet", "\\065\\098.x", "ab.x"},
	{"an escaped character", "a\\b.x", "ab.x"},
	{"a dot inside a label", "a\\.b.x", "a\\046b.x"},
	{"a backslash", "a\\\\b.x", "a\\092b.x"},
	{"a NUL that is written", "a\\000b.x", "a\\000b.x"},
	{"63 octets in a label", A63 ".x", A63 ".x"},
	{"64 octets in a label", A63 "a.x", NULL},
	{"63 escaped octets in a label", E63 ".x", E63 ".x"},
	{"253 octets", N253, N253},
	{"253 octets and a dot", N253 ".", N253},
	{"253 escaped octets", E63 "." E63 "." E63 "." E61, E63 "." E63 "." E63 "." E61},
	{"254 octets", A63 "." A63 "." A63 "." A61 "a", NULL},
	{"an empty label", "a..b", NULL},
	{"an empty label in front", ".a", NULL},
	{"two dots behind", "a..", NULL},
	{"nothing but dots", "..", NULL},
	{"an escape of two digits", "a\\12", NULL},
	{"an escape of two digits and a letter", "a\\12x", NULL},
	{"an escape over 255", "a\\256", NULL},
	{"an escape of nothing", "a\\", NULL},
};

START_TEST(name_has_one_form)
{
	char out[RESOLVER_NAME_SIZE];
	size_t len;
	bool valid = resolver_name(names[_i].text, out, &len);

	ck_assert_msg(valid == (names[_i].canonical != NULL), "%s", names[_i].name);
	if (!valid)
		return;
	ck_assert_msg(strcmp(out, names[_i].canonical) == 0, "%s: %s", names[_i].name, out);
	ck_assert_uint_eq(len, strlen(out));
}
END_TEST

/* What was canonical stays as it is. */
START_TEST(form_is_its_own)
{
	char once[RESOLVER_NAME_SIZE], twice[RESOLVER_NAME_SIZE];
	size_t len;

	if (!resolver_name(names[_i].text, once, &len))
		return;
	ck_assert(resolver_name(once, twice, &len));
	ck_assert_str_eq(once, twice);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("resolver_name");
	TCase *tc = tcase_create("names");

	tcase_add_loop_test(tc, name_has_one_form, 0, LENGTH(names));
	tcase_add_loop_test(tc, form_is_its_own, 0, LENGTH(names));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
