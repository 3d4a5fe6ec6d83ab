/* SPDX-License-Identifier: MIT */
/*
 * test_dkim_sign_table.c - signing tables: lines, the line of an address, and keys by date
 */
#include "../../plugins/dkim/dkim_sign_table.h"

#include <stdlib.h>
#include <string.h>

#include "dkim_keys.h"
#include "table.h"
#include "temp.h"

#define LABEL_49 "a23456789012345678901234567890123456789012345678."
#define LABEL_60 "a2345678901234567890123456789012345678901234567890123456789."
#define LABEL_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* --- lines --------------------------------------------------------------------------------------
 */

static const struct {
	const char *what, *text, *why; /* NULL: it is a good table */
} tables[] = {
	{"an empty table", "", NULL},
	{"comments and empty lines", "# mine\n\n  \t\n", NULL},
	{"a domain", "example.com example.com s1\n", NULL},
	{"no line break at the end", "example.com example.com s1", NULL},
	{"lines that end in CRLF", "example.com example.com s1\r\nexample.org example.org s1\r\n",
		NULL},
	{"a comment behind a line", "example.com example.com s1 # old\n", NULL},
	{"each kind of pattern",
		"* a.org s\n.example.com a.org s\n@example.org a.org s\nann@a.org a.org s\n"
		"<list@a.org> a.org s\n<a.org> a.org s\n",
		NULL},
	{"one pattern for author and sender", "a.org a.org s\n<a.org> a.org s\n", NULL},
	{"dates", "a.org a.org s1 s2@2026-12-01 s3@2027-02-28\n", NULL},
	{"a leap day", "a.org a.org s@2028-02-29\n", NULL},
	{"a pattern alone", "a.org\n",
		"line 1: the domain that signs and its selectors are missing"},
	{"no selector", "# x\na.org a.org\n", "line 2: a.org has no selector"},
	{"a selector that is a comment", "a.org a.org # s1\n", "line 1: a.org has no selector"},
	{"a domain of one label", "a.org org s\n",
		"line 1: \"org\" is not a domain name that can sign"},
	{"a domain that leads elsewhere", "a.org ../a s\n",
		"line 1: \"../a\" is not a domain name that can sign"},
	{"a domain with an empty label", "a.org a..org s\n",
		"line 1: \"a..org\" is not a domain name that can sign"},
	{"a domain with another tag", "a.org a.org;l=0 s\n",
		"line 1: \"a.org;l=0\" is not a domain name that can sign"},
	{"a selector that leads elsewhere", "a.org a.org ../../x\n",
		"line 1: \"../../x\" is not a selector"},
	{"a label of 64 octets", "a.org a.org " LABEL_64 "\n",
		"line 1: \"" LABEL_64 "\" is not a selector"},
	{"a key at a name of 253 octets",
		"a.org " LABEL_60 LABEL_60 LABEL_60 LABEL_49 "example.org s\n", NULL},
	{"a key at a name that DNS cannot have",
		"a.org " LABEL_60 LABEL_60 LABEL_60 LABEL_49 "example.org s2\n",
		"line 1: s2._domainkey of the domain is too long a name for DNS, which has 253 "
		"octets "
		"at most; choose a shorter selector"},
	{"a day that is none", "a.org a.org s@2026-02-30\n",
		"line 1: \"2026-02-30\" is not a date: write s@2026-12-31"},
	{"a month that is none", "a.org a.org s@2026-13-01\n",
		"line 1: \"2026-13-01\" is not a date: write s@2026-12-31"},
	{"a date in another order", "a.org a.org s@01-12-2026\n",
		"line 1: \"01-12-2026\" is not a date: write s@2026-12-31"},
	{"a date with a time", "a.org a.org s@2026-12-01T10:00\n",
		"line 1: \"2026-12-01t10:00\" is not a date: write s@2026-12-31"},
	{"a date before all dates", "a.org a.org s@0000-01-01\n",
		"line 1: \"0000-01-01\" is not a date: write s@2026-12-31"},
	{"no date", "a.org a.org s@\n", "line 1: \"\" is not a date: write s@2026-12-31"},
	{"a selector twice", "a.org a.org s s@2026-12-01\n",
		"line 1: selector s stands there twice"},
	{"seventeen selectors", "a.org a.org 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
		"line 1: more than 16 selectors"},
	{"a pattern twice", "a.org a.org s\nb.org a.org s\nA.ORG b.org s\n",
		"line 3: \"a.org\" stands in line 1 already"},
	{"a domain in two spellings", "a.org a.org s\n@a.org b.org s\n",
		"line 2: \"a.org\" stands in line 1 already"},
	{"brackets that do not close", "<a.org a.org s\n",
		"line 1: \"<a.org\": an envelope sender is <ADDRESS> or <DOMAIN>"},
	{"the null sender", "<> a.org s\n",
		"line 1: \"<>\": an envelope sender is <ADDRESS> or <DOMAIN>"},
	{"all addresses of a domain, as OpenDKIM has them", "*@a.org a.org s\n",
		"line 1: \"*@a.org\" would never be found: write a.org, or .a.org for the domains "
		"below it"},
	{"all domains below one, as others have them", "*.a.org a.org s\n",
		"line 1: \"*.a.org\" would never be found: write a.org, or .a.org for the domains "
		"below it"},
	{"an address with a star in it", "a*@a.org a.org s\n", NULL},
	{"a domain with a dot at its end", "a.org. a.org s\n",
		"line 1: \"a.org.\" would never be found: write it without the last dot"},
	{"an address with a dot at its end", "<ann@a.org.> a.org s\n",
		"line 1: \"ann@a.org.\" would never be found: write it without the last dot"},
	{"a list of patterns", "a.org,b.org a.org s\n",
		"line 1: \"a.org,b.org\" is neither an address nor a domain"},
};

START_TEST(table)
{
	struct dkim_sign_table t;
	char why[256] = "";
	bool good = dkim_sign_table_parse(
		&t, tables[_i].text, strlen(tables[_i].text), why, sizeof(why));

	ck_assert_msg(good == (tables[_i].why == NULL), "%s: %s", tables[_i].what, why);
	if (!good)
		ck_assert_str_eq(why, tables[_i].why);
	else
		dkim_sign_table_fini(&t);
}
END_TEST

START_TEST(nul_is_refused)
{
	static const char text[] = "a.org a.org s\n\0b.org b.org s\n";
	struct dkim_sign_table t;
	char why[256];

	ck_assert(!dkim_sign_table_parse(&t, text, sizeof(text) - 1, why, sizeof(why)));
	ck_assert_str_eq(why, "line 2: it has a NUL octet");
}
END_TEST

/* --- the line of an address ---------------------------------------------------------------------
 */

static const char lines[] = "example.com            d1.org s\n"
			    "news@example.com       d2.org s\n"
			    ".example.com           d3.org s\n"
			    ".deep.example.com      d4.org s\n"
			    "\"a.b\"@example.net    d5.org s\n"
			    "<lists.example.com>    d6.org s\n"
			    "<owner@example.net>    d7.org s\n"
			    "example.net            d8.org s\n";

static const struct {
	const char *what;
	enum dkim_sign_whose whose;
	const char *addr, *domain, *signer; /* NULL: nobody */
} finds[] = {
	{"a domain", DKIM_SIGN_AUTHOR, "bob@example.com", "example.com", "d1.org"},
	{"an address before its domain", DKIM_SIGN_AUTHOR, "news@example.com", "example.com",
		"d2.org"},
	{"an address in capitals", DKIM_SIGN_AUTHOR, "News@example.com", "example.com", "d2.org"},
	{"a domain below", DKIM_SIGN_AUTHOR, "bob@a.example.com", "a.example.com", "d3.org"},
	{"two labels below", DKIM_SIGN_AUTHOR, "bob@a.b.example.com", "a.b.example.com", "d3.org"},
	{"the nearest domain above", DKIM_SIGN_AUTHOR, "b@a.deep.example.com", "a.deep.example.com",
		"d4.org"},
	{"not below itself", DKIM_SIGN_AUTHOR, "b@deep.example.com", "deep.example.com", "d3.org"},
	{"a name that only ends like it", DKIM_SIGN_AUTHOR, "b@notexample.com", "notexample.com",
		NULL},
	{"a quoted local part", DKIM_SIGN_AUTHOR, "\"a.b\"@example.net", "example.net", "d5.org"},
	{"another domain", DKIM_SIGN_AUTHOR, "b@example.org", "example.org", NULL},
	{"a sender's line is not for authors", DKIM_SIGN_AUTHOR, "b@lists.example.org",
		"lists.example.org", NULL},
	{"a sender's domain", DKIM_SIGN_SENDER, "b@lists.example.com", "lists.example.com",
		"d6.org"},
	{"a sender's address", DKIM_SIGN_SENDER, "owner@example.net", "example.net", "d7.org"},
	{"an author's line is not for senders", DKIM_SIGN_SENDER, "bob@example.com", "example.com",
		NULL},
	{"nobody", DKIM_SIGN_SENDER, "", "", NULL},
};

static void
parse(struct dkim_sign_table *t, const char *text)
{
	char why[256];

	ck_assert_msg(dkim_sign_table_parse(t, text, strlen(text), why, sizeof(why)), "%s", why);
}

START_TEST(find)
{
	const struct dkim_sign_row *row;
	struct dkim_sign_table t;

	parse(&t, lines);
	row = dkim_sign_table_find(&t, finds[_i].whose, finds[_i].addr, finds[_i].domain);
	ck_assert_msg((row != NULL) == (finds[_i].signer != NULL), "%s", finds[_i].what);
	if (row != NULL)
		ck_assert_msg(strcmp(row->domain, finds[_i].signer) == 0, "%s: %s", finds[_i].what,
			row->domain);
	dkim_sign_table_fini(&t);
}
END_TEST

START_TEST(star_is_the_last)
{
	struct dkim_sign_table t;

	parse(&t, "* all.org s\nexample.com one.org s\n");
	ck_assert_str_eq(
		dkim_sign_table_find(&t, DKIM_SIGN_AUTHOR, "a@b.org", "b.org")->domain, "all.org");
	ck_assert_str_eq(
		dkim_sign_table_find(&t, DKIM_SIGN_AUTHOR, "a@example.com", "example.com")->domain,
		"one.org");
	ck_assert_ptr_null(dkim_sign_table_find(&t, DKIM_SIGN_AUTHOR, "", ""));
	dkim_sign_table_fini(&t);
}
END_TEST

START_TEST(ten_thousand_lines)
{
	size_t len = 0, size = 10000 * 64;
	struct dkim_sign_table t;
	char *text = malloc(size);

	for (int i = 0; i < 10000; i++)
		len += (size_t)snprintf(text + len, size - len, "d%d.example host.org s\n", i);
	parse(&t, text);
	ck_assert_uint_eq(t.count, 10000);
	ck_assert_uint_eq(
		dkim_sign_table_find(&t, DKIM_SIGN_AUTHOR, "a@d7777.example", "d7777.example")
			->line,
		7778);
	dkim_sign_table_fini(&t);
	free(text);
}
END_TEST

/* --- keys ---------------------------------------------------------------------------------------
 */

#define DAY INT64_C(86400)
/* 2026-12-01. */
#define DECEMBER INT64_C(1796083200)

/* r1, r2, r3 are RSA keys, e1 and e2 Ed25519 keys. */
static const struct {
	const char *what, *selectors;
	int64_t now;
	const char *signs; /* "" none */
} picks[] = {
	{"one selector", "r1", 0, "r1"},
	{"both types", "r1 e1", 0, "r1 e1"},
	{"both types, RSA first", "e1 r1", 0, "r1 e1"},
	{"a second before its date", "r1 r2@2026-12-01", DECEMBER - 1, "r1"},
	{"at its date", "r1 r2@2026-12-01", DECEMBER, "r2"},
	{"whatever the order", "r2@2026-12-01 r1", DECEMBER + DAY, "r2"},
	{"the latest that has come", "r1 r2@2026-12-01 r3@2026-12-03", DECEMBER + DAY, "r2"},
	{"each type for itself", "r1 e1 e2@2026-12-01", DECEMBER, "r1 e2"},
	{"a type that has not begun", "r1 e1@2026-12-01", DECEMBER - 1, "r1"},
	{"nothing has begun", "r1@2026-12-01 e1@2026-12-01", DECEMBER - 1, ""},
};

static const char *const selectors[] = {"e1", "e2", "r1", "r2", "r3"};

static void
write_keys(const char *dir)
{
	for (int i = 0; i < LENGTH(selectors); i++)
		dkim_keys_write(dir, "example.com", selectors[i],
			selectors[i][0] == 'r' ? DKIM_KEYS_RSA : DKIM_KEYS_ED25519);
}

static void
remove_keys(const char *dir)
{
	for (int i = 0; i < LENGTH(selectors); i++)
		dkim_keys_remove(dir, "example.com", selectors[i]);
}

START_TEST(pick)
{
	const struct dkim_selector *out[DKIM_SIGN_KEYS_MOST];
	char text[128], dir[TEMP_NAME_SIZE], why[DKIM_PRIVATE_WHY], got[64] = "";
	struct dkim_sign_table t;
	size_t count;

	ck_assert(temp_dir(dir, "chainmail-table"));
	write_keys(dir);
	snprintf(text, sizeof(text), "example.com example.com %s\n", picks[_i].selectors);
	parse(&t, text);
	ck_assert_msg(dkim_sign_table_load(&t, dir, why, sizeof(why)), "%s", why);
	count = dkim_sign_row_pick(&t.rows[0], picks[_i].now, out);
	for (size_t i = 0; i < count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i > 0 ? " " : "",
			out[i]->name);
	ck_assert_msg(strcmp(got, picks[_i].signs) == 0, "%s: %s", picks[_i].what, got);
	dkim_sign_table_fini(&t);
	remove_keys(dir);
}
END_TEST

static const struct {
	const char *what, *text, *why;
} loads[] = {
	{"a key that is not there", "example.com example.com r1 r9\n",
		"/example.com/r9.pem is not there; make it: chainmail dkim genkey example.com r9"},
	{"two keys of one type without a date", "example.com example.com r1 e1 r2\n",
		"line 1: the keys of r1 and r2 are of one type and would begin at the same time; "
		"give the newer one a date: r2@2026-12-31"},
	{"two keys of one type and date",
		"example.com example.com r1 e1@2026-12-01 e2@2026-12-01\n",
		"line 1: the keys of e1 and e2 are of one type and would begin at the same time; "
		"give the newer one a date: e2@2026-12-31"},
};

START_TEST(load)
{
	char dir[TEMP_NAME_SIZE], why[DKIM_PRIVATE_WHY];
	struct dkim_sign_table t;

	ck_assert(temp_dir(dir, "chainmail-table"));
	write_keys(dir);
	parse(&t, loads[_i].text);
	ck_assert_msg(!dkim_sign_table_load(&t, dir, why, sizeof(why)), "%s", loads[_i].what);
	ck_assert_msg(strstr(why, loads[_i].why) != NULL, "%s: %s", loads[_i].what, why);
	dkim_sign_table_fini(&t);
	remove_keys(dir);
}
END_TEST

START_TEST(key_is_read_once)
{
	char dir[TEMP_NAME_SIZE], why[DKIM_PRIVATE_WHY];
	struct dkim_sign_table t;

	ck_assert(temp_dir(dir, "chainmail-table"));
	write_keys(dir);
	parse(&t, "a.org example.com r1\nb.org example.com e1 r1\n");
	ck_assert_msg(dkim_sign_table_load(&t, dir, why, sizeof(why)), "%s", why);
	ck_assert_ptr_eq(t.rows[0].selectors[0].key, t.rows[1].selectors[1].key);
	dkim_sign_table_fini(&t);
	remove_keys(dir);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim_sign_table");
	TCase *tc = tcase_create("dkim_sign_table");

	tcase_add_loop_test(tc, table, 0, LENGTH(tables));
	tcase_add_test(tc, nul_is_refused);
	tcase_add_loop_test(tc, find, 0, LENGTH(finds));
	tcase_add_test(tc, star_is_the_last);
	tcase_add_test(tc, ten_thousand_lines);
	tcase_add_loop_test(tc, pick, 0, LENGTH(picks));
	tcase_add_loop_test(tc, load, 0, LENGTH(loads));
	tcase_add_test(tc, key_is_read_once);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
