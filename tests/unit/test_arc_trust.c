/* SPDX-License-Identifier: MIT */
/*
 * test_arc_trust.c - what sealers recorded, and whose word counts
 */
#include "../../plugins/arc/arc_trust.h"

#include "arc_case.h"

static const struct {
	const char *value, *dmarc, *from, *dkim, *spf;
} values[] = {
	{"i=1; mx.test; spf=pass smtp.mailfrom=a.test; dkim=pass header.d=a.test; dmarc=pass "
	 "header.from=A.Test",
		"pass", "a.test", "pass", "pass"},
	{"i=1; mx.test 1; dmarc=fail (p=reject) header.from=a.test", "fail", "a.test", "", ""},
	{"(c) i (c) = (c) 12 (c) ; mx.test ; dmarc / 1 = Pass (c) header.from (c) = (c) a.test;",
		"pass", "a.test", "", ""},
	{"i=1; mx.test;\n\tdmarc=pass\n\theader.from=a.test", "pass", "a.test", "", ""},
	{"i=1; mx.test; dmarc=pass header.from=ann@a.test", "pass", "a.test", "", ""},
	{"i=1; mx.test; dmarc=pass", "pass", "", "", ""},
	{"i=1; mx.test; none", "", "", "", ""},
	{"i=1; mx.test", "", "", "", ""},
	/* Of several. */
	{"i=1; mx.test; dkim=fail header.d=a.test; dkim=pass header.d=b.test", "", "", "pass", ""},
	{"i=1; mx.test; dkim=fail; dkim=neutral", "", "", "fail", ""},
	{"i=1; mx.test; spf=pass smtp.helo=a.test; spf=fail smtp.mailfrom=a.test", "", "", "",
		"fail"},
	{"i=1; mx.test; dmarc=pass header.from=a.test; dmarc=fail header.from=b.test", "fail", "",
		"", ""},
	{"i=1; mx.test; dmarc=pass header.from=a.test; dmarc=pass header.from=b.test", "permerror",
		"", "", ""},
	{"i=1; mx.test; dmarc=pass; dmarc=pass header.from=b.test; dmarc=pass", "permerror", "", "",
		""},
	{"i=1; mx.test; dmarc=pass header.from=a.test; dmarc=pass header.from=A.test", "pass",
		"a.test", "", ""},
	/* What only looks like a result. */
	{"i=1; mx.test; x=y reason=\"; dmarc=pass header.from=a.test\"", "", "", "", ""},
	{"i=1; mx.test; x=y (; dmarc=pass header.from=a.test)", "", "", "", ""},
	{"i=1; mx.test; x=y reason=\"\\\"; dmarc=pass\"", "", "", "", ""},
	{"i=1; mx.test; x=y (unfinished; dmarc=pass", "", "", "", ""},
	{"i=1; mx.test; x=y \"unfinished; dmarc=pass", "", "", "", ""},
	{"i=1; mx.test; xdmarc=pass; dmarcx=pass; x.dmarc=pass", "", "", "", ""},
	{"i=1; mx.test; dmarc pass; dmarc; =pass; dmarc=; dmarc=p4ss", "", "", "", ""},
	{"i=1; mx.test; dmarc=passsssssssssssssssss", "", "", "", ""},
	{"i=1; dmarc=pass", "", "", "", ""},
	{"mx.test; dmarc=pass", "", "", "", ""},
	{"i=1; mx.test; dmarc=pass header.from=\"a b\"", "pass", "(unreadable)", "", ""},
	{"i=1; mx.test; dmarc=pass header.from=\"A.test\"", "pass", "a.test", "", ""},
	{"i=1; mx.test; dmarc=pass header.from=\"x;y\"@a.test", "pass", "(unreadable)", "", ""},
	{"i=1; mx.test; dmarc=pass header.from=", "pass", "(unreadable)", "", ""},
	{"i=1; mx.test; dmarc=pass header.from=b\xc3\xbc"
	 "cher.test",
		"pass", "xn--bcher-kva.test", "", ""},
	{"i=1; mx.test; dmarc=pass header.from=a\xff.test", "pass", "(unreadable)", "", ""},
	{"", "", "", "", ""},
	{"i=1;", "", "", "", ""},
	{"i=1;;;;dmarc=pass", "pass", "", "", ""},
};

START_TEST(what_a_sealer_recorded)
{
	/* A copy: what is read behind its end is seen. */
	char *value = strdup(values[_i].value);
	struct arc_recorded r;

	arc_recorded_read(&r, value);
	free(value);
	ck_assert_msg(
		strcmp(r.dmarc, values[_i].dmarc) == 0, "%s: dmarc %s", values[_i].value, r.dmarc);
	ck_assert_msg(strcmp(r.dmarc_from, values[_i].from) == 0, "%s: from %s", values[_i].value,
		r.dmarc_from);
	ck_assert_msg(
		strcmp(r.dkim, values[_i].dkim) == 0, "%s: dkim %s", values[_i].value, r.dkim);
	ck_assert_msg(strcmp(r.spf, values[_i].spf) == 0, "%s: spf %s", values[_i].value, r.spf);
}
END_TEST

#define PASS "it records dmarc=pass header.from=example.org, "
#define FAIL "it records dmarc=fail header.from=example.org, "

static const struct {
	const char *story, *trusted;
	unsigned instance;
	const char *dmarc;
} stories[] = {
	{PASS "one seals", "one", 1, "pass"},
	{PASS "one seals", "two", 0, ""},
	{PASS "one seals", "", 0, ""},
	{FAIL "one seals", "one", 1, "fail"},
	{PASS "one seals, the body changes", "one", 0, ""},
	/* A list whose mail comes by way of a forwarder: both are trusted. */
	{PASS "one seals, the body changes, " FAIL "two seals as pass", "one two", 1, "pass"},
	{FAIL "one seals, " FAIL "two seals", "one two", 2, "fail"},
	{PASS "one seals, " PASS "two seals", "one two", 2, "pass"},
	/* A stranger may have written what it passed on, unless the older signature still holds. */
	{PASS "one seals, the body changes, two seals as pass", "one", 0, ""},
	{PASS "one seals, the subject changes, two seals as pass", "one", 0, ""},
	{PASS "one seals, two seals", "one", 1, "pass"},
	{PASS "one seals, two seals, the body changes, three seals as pass", "one three", 3,
		"pass"},
	{PASS "one seals, the body changes, two seals as pass, " FAIL "three seals", "one three", 3,
		"fail"},
	{PASS "one seals, two seals, the body changes, " FAIL "three seals as pass", "one three", 3,
		"fail"},
};

static bool
is_trusted(void *context, const char *domain)
{
	const char *list = context;
	size_t len = strcspn(domain, ".");

	for (const char *p = list; *p != '\0'; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		if (n == len && strncmp(p, domain, len) == 0)
			return true;
		p += n;
	}
	return false;
}

START_TEST(whose_word_counts)
{
	char *story = strdup(stories[_i].story), *keys;
	struct arc_chain chain;
	struct arc_message m;
	struct arc_trust t;
	struct arc_result r;
	struct arc_case c;

	arc_case_init(&c);
	arc_case_tell(&c, story);
	keys = arc_case_keys(&c);
	arc_message_split(&m, strdup(c.text), strlen(c.text));
	arc_message_check(&m, keys, ARC_NOW, &r);
	ck_assert(arc_chain_init(&chain, m.fields, m.count));
	arc_trust_find(&t, &chain, &r, is_trusted, (void *)(uintptr_t)stories[_i].trusted);
	ck_assert_msg(
		t.instance == stories[_i].instance, "%s: set %u", stories[_i].story, t.instance);
	ck_assert_msg(strcmp(t.recorded.dmarc, stories[_i].dmarc) == 0, "%s: %s", stories[_i].story,
		t.recorded.dmarc);
	arc_chain_fini(&chain);
	arc_message_free(&m);
	arc_case_fini(&c);
	free(keys);
	free(story);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("arc_trust");
	TCase *tc = tcase_create("arc_trust");

	tcase_add_loop_test(tc, what_a_sealer_recorded, 0, LENGTH(values));
	tcase_add_loop_test(tc, whose_word_counts, 0, LENGTH(stories));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
