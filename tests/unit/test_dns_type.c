/* SPDX-License-Identifier: MIT */
/*
 * test_dns_type.c - types of DNS records by name
 */
#include "service/dns_type.h"

#include <string.h>

#include "table.h"

static const struct {
	const char *name;
	enum cm_dns_type type; /* 0: there is none of that name */
	const char *canonical;
} types[] = {
	{"A", CM_DNS_A, "A"},
	{"aaaa", CM_DNS_AAAA, "AAAA"},
	{"Cname", CM_DNS_CNAME, "CNAME"},
	{"mx", CM_DNS_MX, "MX"},
	{"NS", CM_DNS_NS, "NS"},
	{"PTR", CM_DNS_PTR, "PTR"},
	{"tXT", CM_DNS_TXT, "TXT"},
	{"", 0, NULL},
	{"SOA", 0, NULL},
	{"AA", 0, NULL},
	{"TXT ", 0, NULL},
};

START_TEST(type_has_its_name)
{
	enum cm_dns_type type = 0;
	const char *name;

	ck_assert_int_eq(dns_type_find(types[_i].name, &type), types[_i].type != 0);
	ck_assert_int_eq(type, types[_i].type);
	name = dns_type_name(type);
	ck_assert_msg((name == NULL) == (types[_i].canonical == NULL) &&
			      (name == NULL || strcmp(name, types[_i].canonical) == 0),
		"%s: %s", types[_i].name, name);
}
END_TEST

/* What people are told can be asked for. */
START_TEST(words_are_those_of_the_table)
{
	char words[100] = "";

	for (size_t i = 0; i < dns_type_count; i++) {
		strcat(words, i > 0 ? " " : "");
		strcat(words, dns_types[i].name);
	}
	ck_assert_str_eq(words, DNS_TYPE_NAMES);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dns_type");
	TCase *tc = tcase_create("dns_type");

	tcase_add_loop_test(tc, type_has_its_name, 0, LENGTH(types));
	tcase_add_test(tc, words_are_those_of_the_table);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
