/* SPDX-License-Identifier: MIT */
/*
 * test_dmarc_walk.c - plugin dmarc: the DNS tree walk, answer by answer (RFC 9989 section 4.10)
 */
#include <string.h>

#include "../../plugins/dmarc/dmarc_walk.h"
#include "table.h"

#define RECORDS_MOST 3

/* What DNS has at "_dmarc.NAME". text NULL: the status alone. */
struct fact {
	const char *name;
	const char *text[RECORDS_MOST];
	enum cm_dns_status status;
};

#define FACTS_MOST 9

static struct dmarc_walk w;
static char asked[16][DMARC_QUESTION_SIZE];
static size_t questions;

static void
answer(const struct fact *facts, const char *question)
{
	struct cm_dns_record records[RECORDS_MOST];
	struct cm_dns_answer a = {.status = CM_DNS_NO_NAME, .name = question, .records = records};
	const char *name = question + strlen(DMARC_PREFIX);

	for (const struct fact *f = facts; f->name != NULL; f++) {
		if (strcmp(f->name, name) != 0)
			continue;
		a.status = f->status;
		for (; a.count < RECORDS_MOST && f->text[a.count] != NULL; a.count++)
			records[a.count] = (struct cm_dns_record){
				.text = f->text[a.count], .len = strlen(f->text[a.count])};
	}
	dmarc_walk_answer(&w, &a);
}

static void
walk(const char *start, const struct fact *facts)
{
	size_t i;

	questions = 0;
	dmarc_walk_begin(&w, start);
	while (dmarc_walk_next(&w, &i)) {
		ck_assert_uint_lt(questions, DMARC_WALK_MOST);
		dmarc_walk_question(&w, i, asked[questions]);
		answer(facts, asked[questions++]);
	}
}

/* --- what is asked -------------------------------------------------------------------------------
 */

static const struct {
	const char *start;
	const char *names[DMARC_WALK_MOST + 1];
} asks[] = {
	{"com", {"com"}},
	{"example.com", {"example.com", "com"}},
	{"a.mail.example.com", {"a.mail.example.com", "mail.example.com", "example.com", "com"}},
	{"f.e.d.c.b.example.com",
		{"f.e.d.c.b.example.com", "e.d.c.b.example.com", "d.c.b.example.com",
			"c.b.example.com", "b.example.com", "example.com", "com"}},
	{"g.f.e.d.c.b.example.com",
		{"g.f.e.d.c.b.example.com", "f.e.d.c.b.example.com", "e.d.c.b.example.com",
			"d.c.b.example.com", "c.b.example.com", "b.example.com", "example.com",
			"com"}},
	{"h.g.f.e.d.c.b.example.com",
		{"h.g.f.e.d.c.b.example.com", "f.e.d.c.b.example.com", "e.d.c.b.example.com",
			"d.c.b.example.com", "c.b.example.com", "b.example.com", "example.com",
			"com"}},
	/* The example of the RFC. */
	{"a.b.c.d.e.f.g.h.i.j.mail.example.com",
		{"a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com",
			"h.i.j.mail.example.com", "i.j.mail.example.com", "j.mail.example.com",
			"mail.example.com", "example.com", "com"}},
};

START_TEST(names_that_are_asked)
{
	static const struct fact nothing[] = {{.name = NULL}};
	size_t i = 0;

	walk(asks[_i].start, nothing);
	for (; asks[_i].names[i] != NULL; i++) {
		ck_assert_uint_lt(i, questions);
		ck_assert(strncmp(asked[i], DMARC_PREFIX, strlen(DMARC_PREFIX)) == 0);
		ck_assert_str_eq(asked[i] + strlen(DMARC_PREFIX), asks[_i].names[i]);
	}
	ck_assert_uint_eq(questions, i);
	ck_assert(!w.failed);
	ck_assert(dmarc_walk_empty(&w));
	ck_assert_str_eq(dmarc_walk_org(&w), asks[_i].start);
	ck_assert_ptr_null(dmarc_walk_policy(&w));
}
END_TEST

/* --- what is found -------------------------------------------------------------------------------
 */

#define R(name_, text_)                             \
	{                                           \
		.name = (name_), .text = {(text_) } \
	}
#define PLAIN "v=DMARC1; p=reject"
#define PSD_Y "v=DMARC1; p=reject; psd=y"
#define PSD_N "v=DMARC1; p=reject; psd=n"
#define PSD_U "v=DMARC1; p=reject; psd=u"

static const struct {
	const char *what, *start;
	struct fact facts[FACTS_MOST];
	const char *org, *policy; /* policy "-": none */
	size_t questions;
	bool told;
} finds[] = {
	{"its own record", "example.com", {R("example.com", PLAIN)}, "example.com", "example.com",
		2, false},
	{"one of its organization", "a.mail.example.com", {R("example.com", PLAIN)}, "example.com",
		"example.com", 4, false},
	/* The examples of section 4.10.2. */
	{"two above, the one with the fewest labels", "a.mail.example.com",
		{R("mail.example.com", PLAIN), R("example.com", PLAIN)}, "example.com",
		"example.com", 4, false},
	{"psd=n ends the walk", "a.mail.example.com",
		{R("mail.example.com", PSD_N), R("example.com", PLAIN)}, "mail.example.com",
		"mail.example.com", 2, true},
	{"only a public suffix", "a.mail.example.com", {R("com", PSD_Y)}, "example.com", "com", 4,
		true},
	{"its own record is not its organization's", "a.mail.example.com",
		{R("a.mail.example.com", PLAIN), R("example.com", PLAIN)}, "example.com",
		"a.mail.example.com", 4, false},
	{"nobody but itself", "a.mail.example.com", {R("a.mail.example.com", PLAIN)},
		"a.mail.example.com", "a.mail.example.com", 4, false},
	{"the organization before the public suffix", "a.mail.example.com",
		{R("example.com", PLAIN), R("com", PSD_Y)}, "example.com", "example.com", 4, true},
	{"a record between is nobody's policy", "a.mail.example.com",
		{R("mail.example.com", PLAIN), R("com", PSD_Y)}, "example.com", "com", 4, true},
	{"a public suffix of two labels", "a.example.co.uk", {R("co.uk", PSD_Y), R("uk", PLAIN)},
		"example.co.uk", "co.uk", 3, true},
	{"a public suffix itself", "co.uk", {R("co.uk", PSD_Y)}, "co.uk", "co.uk", 1, true},
	{"a public suffix below another", "co.uk", {R("uk", PSD_Y)}, "co.uk", "uk", 2, true},
	{"psd=n of itself", "mail.example.com", {R("mail.example.com", PSD_N)}, "mail.example.com",
		"mail.example.com", 1, true},
	{"psd=u says nothing", "mail.example.com",
		{R("mail.example.com", PSD_U), R("example.com", PSD_U)}, "example.com",
		"mail.example.com", 3, false},
	{"a top-level domain that is an organization", "example.com", {R("com", PLAIN)}, "com",
		"com", 2, false},
	{"a single label", "localhost", {R("localhost", PLAIN)}, "localhost", "localhost", 1,
		false},
	/* Long names. */
	{"a record that is jumped over", "h.g.f.e.d.c.b.example.com",
		{R("g.f.e.d.c.b.example.com", PLAIN)}, "h.g.f.e.d.c.b.example.com", "-", 8, false},
	{"one behind the jump", "i.h.g.f.e.d.c.b.example.com", {R("f.e.d.c.b.example.com", PSD_N)},
		"f.e.d.c.b.example.com", "f.e.d.c.b.example.com", 2, true},
	{"below a suffix behind the jump", "i.h.g.f.e.d.c.b.example.com",
		{R("f.e.d.c.b.example.com", PSD_Y)}, "g.f.e.d.c.b.example.com",
		"f.e.d.c.b.example.com", 2, true},
	/* What is no record. */
	{"a foreign record", "example.com", {R("example.com", "v=spf1 -all")}, "example.com", "-",
		2, false},
	{"a record and a foreign one", "example.com",
		{{.name = "example.com", .text = {"v=spf1 -all", PLAIN}}}, "example.com",
		"example.com", 2, false},
	{"two records are none", "mail.example.com",
		{{.name = "mail.example.com", .text = {PLAIN, PLAIN}}, R("example.com", PLAIN)},
		"example.com", "example.com", 3, false},
	{"two records with psd=n stop nothing", "mail.example.com",
		{{.name = "mail.example.com", .text = {PSD_N, PSD_N}}, R("example.com", PLAIN)},
		"example.com", "example.com", 3, false},
	{"two records and a foreign one", "example.com",
		{{.name = "example.com", .text = {PLAIN, "x", "v=DMARC1"}}}, "example.com", "-", 2,
		false},
	{"a record without a policy counts", "mail.example.com", {R("example.com", "v=DMARC1")},
		"example.com", "example.com", 3, false},
	{"no data is as no name", "example.com",
		{{.name = "example.com", .status = CM_DNS_NO_DATA}, R("com", PLAIN)}, "com", "com",
		2, false},
	{"a name too long for a question has no record", "mail.example.com",
		{{.name = "mail.example.com", .status = CM_DNS_BAD_NAME}, R("example.com", PLAIN)},
		"example.com", "example.com", 3, false},
};

START_TEST(records_that_are_found)
{
	const struct dmarc_step *policy;

	walk(finds[_i].start, finds[_i].facts);
	policy = dmarc_walk_policy(&w);
	ck_assert_msg(strcmp(dmarc_walk_org(&w), finds[_i].org) == 0, "%s: org %s", finds[_i].what,
		dmarc_walk_org(&w));
	ck_assert_msg(strcmp(policy == NULL ? "-" : policy->name, finds[_i].policy) == 0,
		"%s: policy %s", finds[_i].what, policy == NULL ? "-" : policy->name);
	ck_assert_msg(
		questions == finds[_i].questions, "%s: %zu questions", finds[_i].what, questions);
	ck_assert_msg(dmarc_walk_told(&w) == finds[_i].told, "%s: told", finds[_i].what);
	ck_assert(!w.failed);
}
END_TEST

/* --- failures ------------------------------------------------------------------------------------
 */

static const enum cm_dns_status faults[] = {
	CM_DNS_TIMEOUT, CM_DNS_SERVFAIL, CM_DNS_REFUSED, CM_DNS_BOGUS, CM_DNS_CANCELLED};

/* Every fault at every step of a walk of eight. */
START_TEST(a_fault_ends_the_walk)
{
	const char *start = "g.f.e.d.c.b.example.com";

	for (int f = 0; f < LENGTH(faults); f++) {
		struct fact facts[3] = {R(start, PLAIN)};
		const struct dmarc_step *policy;

		facts[_i == 0 ? 0 : 1] = (struct fact){
			.name = dmarc_name_last(start, 8 - (size_t)_i), .status = faults[f]};
		walk(start, facts);
		policy = dmarc_walk_policy(&w);
		ck_assert(w.failed);
		ck_assert_uint_eq(w.at, (size_t)_i);
		ck_assert_uint_eq(questions, (size_t)_i + 1);
		ck_assert_int_eq(w.status, faults[f]);
		/* Its own record is its policy, whatever is above. */
		ck_assert_ptr_eq(policy, _i == 0 ? NULL : &w.steps[0]);
	}
}
END_TEST

START_TEST(behind_a_fault_no_organization_has_a_policy)
{
	static const struct fact facts[] = {R("mail.example.com", PLAIN),
		{.name = "example.com", .status = CM_DNS_TIMEOUT}, {.name = NULL}};

	walk("a.mail.example.com", facts);
	ck_assert(w.failed);
	ck_assert_ptr_null(dmarc_walk_policy(&w));
}
END_TEST

/* --- as a list has it ----------------------------------------------------------------------------
 */

static const struct {
	const char *start, *org, *own, *above; /* own, above: records, or NULL */
	const char *policy;
	size_t questions;
} listed[] = {
	{"a.mail.example.com", "example.com", NULL, PLAIN, "example.com", 2},
	{"a.mail.example.com", "example.com", PSD_Y, PLAIN, "a.mail.example.com", 2},
	{"a.mail.example.com", "example.com", NULL, NULL, "-", 2},
	{"a.mail.example.com", "example.com", NULL, PSD_Y, "example.com", 2},
	{"example.com", "example.com", PLAIN, NULL, "example.com", 1},
};

START_TEST(only_the_name_and_what_a_list_names)
{
	struct fact facts[3] = {{.name = listed[_i].org, .text = {listed[_i].above}},
		{.name = listed[_i].start, .text = {listed[_i].own}}};
	const struct dmarc_step *policy;
	size_t i;

	questions = 0;
	dmarc_walk_begin_listed(&w, listed[_i].start, listed[_i].org);
	while (dmarc_walk_next(&w, &i)) {
		dmarc_walk_question(&w, i, asked[questions]);
		answer(facts, asked[questions++]);
	}
	policy = dmarc_walk_policy(&w);
	ck_assert_uint_eq(questions, listed[_i].questions);
	ck_assert_str_eq(dmarc_walk_org(&w), listed[_i].org);
	ck_assert_str_eq(policy == NULL ? "-" : policy->name, listed[_i].policy);
	ck_assert(!dmarc_walk_told(&w));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc_walk");
	TCase *c = tcase_create("walk");

	tcase_add_loop_test(c, names_that_are_asked, 0, LENGTH(asks));
	tcase_add_loop_test(c, records_that_are_found, 0, LENGTH(finds));
	tcase_add_loop_test(c, a_fault_ends_the_walk, 0, DMARC_WALK_MOST);
	tcase_add_test(c, behind_a_fault_no_organization_has_a_policy);
	tcase_add_loop_test(c, only_the_name_and_what_a_list_names, 0, LENGTH(listed));
	suite_add_tcase(suite, c);
	return table_run(suite);
}
