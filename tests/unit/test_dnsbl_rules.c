/* SPDX-License-Identifier: MIT */
/*
 * test_dnsbl_rules.c - the pure parts of plugin dnsbl: lines, codes, questions, and what they mean
 */
#include <stdlib.h>
#include <string.h>

#include "../../plugins/dnsbl/dnsbl.h"
#include "table.h"

/* --- codes --- */

static const struct {
	const char *what, *code;
	unsigned char address[4];
	enum dnsbl_outcome outcome;
} codes[] = {
	{"the code itself", "127.0.0.2", {127, 0, 0, 2}, DNSBL_LISTED},
	{"another code", "127.0.0.2", {127, 0, 0, 3}, DNSBL_CLEAN},
	{"the first of a range", "127.0.0.2-11", {127, 0, 0, 2}, DNSBL_LISTED},
	{"the last of a range", "127.0.0.2-11", {127, 0, 0, 11}, DNSBL_LISTED},
	{"one behind a range", "127.0.0.2-11", {127, 0, 0, 12}, DNSBL_CLEAN},
	{"a range in the middle", "127.0.4-6.1", {127, 0, 5, 1}, DNSBL_LISTED},
	{"anything in the middle", "127.0.*.1-3", {127, 0, 200, 3}, DNSBL_LISTED},
	{"anything in the middle, and another end", "127.0.*.1-3", {127, 0, 200, 0}, DNSBL_CLEAN},
	{"the network alone", "127.*.*.*", {127, 9, 8, 7}, DNSBL_LISTED},
	{"127.0.0.1, though it is named", "127.*.*.*", {127, 0, 0, 1}, DNSBL_NONSENSE},
	{"127.0.0.0", "127.*.*.*", {127, 0, 0, 0}, DNSBL_NONSENSE},
	{"an error, though it is named", "127.255.255.*", {127, 255, 255, 254}, DNSBL_REFUSES},
	{"beside the errors", "127.255.254.255", {127, 255, 254, 255}, DNSBL_LISTED},
	{"another network", "127.*.*.*", {128, 0, 0, 2}, DNSBL_NONSENSE},
	{"no address at all", "127.*.*.*", {0, 0, 0, 0}, DNSBL_NONSENSE},
};

START_TEST(code)
{
	struct cm_dns_record record = {.text = "text", .len = 4, .address = codes[_i].address};
	struct cm_dns_answer answer = {CM_DNS_FOUND, .count = 1, .records = &record};
	struct dnsbl_rule rule = {0};
	const char *found = NULL;
	char why[200];

	ck_assert(dnsbl_check_code(codes[_i].code, why, sizeof(why)));
	dnsbl_add_code(&rule, codes[_i].code);
	ck_assert_msg(
		dnsbl_judge(&answer, &rule, &found) == codes[_i].outcome, "%s", codes[_i].what);
	ck_assert_pstr_eq(found, codes[_i].outcome == DNSBL_LISTED ? "text" : NULL);
	record.address = NULL;
	ck_assert_int_eq(dnsbl_judge(&answer, &rule, &found), DNSBL_NONSENSE);
}
END_TEST

static const char *const no_codes[] = {"", "127", "127.0.0", "127.0.0.", "127.0.0.2.3",
	"127.0.0.256", "127.0.0.0002", "127.0.0.11-2", "127.0.0.2-", "127.0.0.-2", "127.0.0.2-300",
	"126-127.0.0.2", "*.0.0.2", "127.0.0.+2", "127.0.0. 2", "127.0.0.2 ", "127.0.0.2/24", "::1",
	"127.0.0.99999999999999999999"};

START_TEST(no_code)
{
	char why[200] = "";

	ck_assert_msg(!dnsbl_check_code(no_codes[_i], why, sizeof(why)), "%s", no_codes[_i]);
	ck_assert_ptr_nonnull(strstr(why, " is no code: "));
}
END_TEST

static const struct {
	enum cm_dns_status status;
	enum dnsbl_outcome outcome;
} empty[] = {
	{CM_DNS_FOUND, DNSBL_NONSENSE},
	{CM_DNS_NO_DATA, DNSBL_CLEAN},
	{CM_DNS_NO_NAME, DNSBL_CLEAN},
	{CM_DNS_TIMEOUT, DNSBL_SILENT},
	{CM_DNS_SERVFAIL, DNSBL_SILENT},
	{CM_DNS_REFUSED, DNSBL_REFUSES},
	{CM_DNS_BOGUS, DNSBL_NONSENSE},
	{CM_DNS_BAD_NAME, DNSBL_NOT_ASKED},
	{CM_DNS_CANCELLED, DNSBL_NOT_ASKED},
};

START_TEST(answer_without_records)
{
	const struct cm_dns_answer answer = {.status = empty[_i].status};
	const char *found = NULL;

	ck_assert_int_eq(dnsbl_judge(&answer, NULL, &found), empty[_i].outcome);
	ck_assert_ptr_null(found);
}
END_TEST

/* --- questions --- */

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *what, *text;
	bool address;
	const char *question; /* NULL: none */
} questions[] = {
	{"an address", "192.0.2.1", true, "1.2.0.192.bl.example"},
	{"a name as address", "a.example", true, NULL},
	{"no address", "", true, NULL},
	{"nothing", NULL, false, NULL},
	{"a name", "a.example", false, "a.example.bl.example"},
	{"a name with the root's dot", "a.example.", false, "a.example.bl.example"},
	{"a name that ends in letters and digits", "a.x1", false, "a.x1.bl.example"},
	{"an address as name", "192.0.2.1", false, NULL},
	{"an address with the root's dot", "192.0.2.1.", false, NULL},
	{"one label", "localhost", false, NULL},
	{"one label with the root's dot", "localhost.", false, NULL},
	{"an empty label", "a..example", false, NULL},
	{"an empty label in front", ".a.example", false, NULL},
	{"an empty label behind", "a.example..", false, NULL},
	{"the longest label", L63 ".example", false, L63 ".example.bl.example"},
	{"a label that is too long", L63 "a.example", false, NULL},
	{"the root", ".", false, NULL},
	{"no name", "", false, NULL},
	{"an escape", "a\\046b.example", false, NULL},
	{"a blank", "a b.example", false, NULL},
	{"another alphabet", "\303\274.example", false, NULL},
	{"a line break", "a.example\n", false, NULL},
};

START_TEST(question)
{
	char out[DNSBL_QUESTION_SIZE];
	bool asked = dnsbl_question(out, questions[_i].text, questions[_i].address, "bl.example");

	ck_assert_msg(asked == (questions[_i].question != NULL), "%s", questions[_i].what);
	if (asked)
		ck_assert_str_eq(out, questions[_i].question);
}
END_TEST

START_TEST(long_names_are_not_asked_for)
{
	char name[400], out[DNSBL_QUESTION_SIZE];

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	memcpy(name + 190, ".example", 9);
	ck_assert(dnsbl_question(out, name, false, "bl.example"));
	ck_assert(!dnsbl_question(out, name, false, name));
	name[198] = 'a';
	memcpy(name + 200, ".example", 9);
	ck_assert(!dnsbl_question(out, name, false, "bl.example"));
}
END_TEST

/* --- lines --- */

START_TEST(line_says_what_is_its_own)
{
	struct dnsbl_rule r = {.about = 1, .code_count = 3, .action = DNSBL_SCORE, .test = "no"};
	char why[200];

	ck_assert(dnsbl_rule_parse(&r,
		" bl.example \t about=helo,sender codes=127.0.0.2-3,127.0.0.9  weight=-7 "
		"text=one  two weight=1",
		why, sizeof(why)));
	ck_assert_str_eq(r.zone, "bl.example");
	ck_assert_uint_eq(r.about, 1u << 2 | 1u << 3);
	ck_assert_uint_eq(r.code_count, 2);
	ck_assert_uint_eq(r.codes[0].high[3], 3);
	ck_assert_uint_eq(r.codes[1].low[3], 9);
	ck_assert_int_eq(r.weight, -7);
	ck_assert_int_eq(r.action, DNSBL_SCORE);
	ck_assert_str_eq(r.test, "no");
	ck_assert_str_eq(r.text, "one  two weight=1");
	free(r.line);
}
END_TEST

static const struct {
	const char *line, *why;
} no_lines[] = {
	{"", "\"\" is no zone"},
	{"  ", "\"\" is no zone"},
	{"bl", "\"bl\" is no zone"},
	{"bl..example", "\"bl..example\" is no zone"},
	{".bl.example", "\".bl.example\" is no zone"},
	{"bl.example two.example", "\"two.example\" behind bl.example: write about="},
	{"bl.example weight", "\"weight\" behind bl.example"},
	{"bl.example weight=", "weight= is no number"},
	{"bl.example weight=0", "weight=0 is no number"},
	{"bl.example weight=1001", "weight=1001 is no number"},
	{"bl.example weight=1x", "weight=1x is no number"},
	{"bl.example weight=99999999999999999999", "is no number from 1 to 1000"},
	{"bl.example weight=-99999999999999999999", "is no number from 1 to 1000"},
	{"bl.example action=drop", "action=drop is none of reject, tempfail, tag, accept, allow"},
	{"bl.example action=", "action= is none of"},
	{"bl.example codes=", "\"\" is no code"},
	{"bl.example codes=127.0.0.2,", "\"\" is no code"},
	{"bl.example about=client,", "\"\" is nothing to ask about"},
	{"bl.example test=", "\"\" is no test"},
	{"bl.example text=%{zone} %{x}", "\"%{x}\" is none of"},
	{"bl.example text=%{zone", "\"%{zone\" is none of"},
};

START_TEST(no_line)
{
	char why[200] = "";

	ck_assert_msg(
		!dnsbl_check_line(no_lines[_i].line, why, sizeof(why)), "%s", no_lines[_i].line);
	ck_assert_msg(strstr(why, no_lines[_i].why) != NULL, "%s: %s", no_lines[_i].line, why);
}
END_TEST

START_TEST(codes_of_a_line_are_bounded)
{
	char line[512] = "bl.example codes=127.0.0.2", why[200] = "";
	unsigned count = 1;

	for (; count < DNSBL_CODES_MOST; count++)
		strcat(line, ",127.0.0.2");
	ck_assert(dnsbl_check_line(line, why, sizeof(why)));
	strcat(line, ",127.0.0.2");
	ck_assert(!dnsbl_check_line(line, why, sizeof(why)));
	ck_assert_str_eq(why, "more than 16 codes");
}
END_TEST

/* --- decisions --- */

#define RULES_MOST 3

static const struct {
	const char *what;
	int64_t threshold;
	struct {
		enum dnsbl_action action;
		int64_t weight;
		enum dnsbl_outcome outcome;
	} rules[RULES_MOST];
	enum dnsbl_action action;
	size_t by;
	int64_t weight;
} decisions[] = {
	{"nothing is listed", 0, {{DNSBL_REJECT, 1, DNSBL_CLEAN}}, DNSBL_ACCEPT, 0, 0},
	{"nothing answers", 0, {{DNSBL_REJECT, 1, DNSBL_SILENT}}, DNSBL_ACCEPT, 0, 0},
	{"the first of two alike", 0,
		{{DNSBL_REJECT, 1, DNSBL_CLEAN}, {DNSBL_REJECT, 1, DNSBL_LISTED},
			{DNSBL_REJECT, 1, DNSBL_LISTED}},
		DNSBL_REJECT, 1, 0},
	{"the harshest", 0,
		{{DNSBL_TAG, 1, DNSBL_LISTED}, {DNSBL_TEMPFAIL, 1, DNSBL_LISTED},
			{DNSBL_ACCEPT, 1, DNSBL_LISTED}},
		DNSBL_TEMPFAIL, 1, 0},
	{"an allow list behind a refusal", 0,
		{{DNSBL_REJECT, 1, DNSBL_LISTED}, {DNSBL_ALLOW, 1, DNSBL_LISTED}}, DNSBL_ALLOW, 1,
		0},
	{"an allow list that is silent makes a refusal wait", 0,
		{{DNSBL_REJECT, 1, DNSBL_LISTED}, {DNSBL_ALLOW, 1, DNSBL_SILENT}}, DNSBL_TEMPFAIL,
		0, 0},
	{"an allow list that is suspended does not", 0,
		{{DNSBL_REJECT, 1, DNSBL_LISTED}, {DNSBL_ALLOW, 1, DNSBL_SUSPENDED}}, DNSBL_REJECT,
		0, 0},
	{"another list that is silent does not", 0,
		{{DNSBL_REJECT, 1, DNSBL_LISTED}, {DNSBL_REJECT, 1, DNSBL_SILENT}}, DNSBL_REJECT, 0,
		0},
	{"a tag waits for nobody", 0,
		{{DNSBL_TAG, 1, DNSBL_LISTED}, {DNSBL_ALLOW, 1, DNSBL_SILENT}}, DNSBL_TAG, 0, 0},
	{"weights below the threshold", 5,
		{{DNSBL_SCORE, 2, DNSBL_LISTED}, {DNSBL_SCORE, 2, DNSBL_LISTED},
			{DNSBL_SCORE, 2, DNSBL_CLEAN}},
		DNSBL_ACCEPT, 0, 4},
	{"weights that reach it, by the heaviest", 5,
		{{DNSBL_SCORE, 2, DNSBL_LISTED}, {DNSBL_SCORE, 3, DNSBL_LISTED},
			{DNSBL_SCORE, 9, DNSBL_CLEAN}},
		DNSBL_REJECT, 1, 5},
	{"a negative weight makes up", 5,
		{{DNSBL_SCORE, 3, DNSBL_LISTED}, {DNSBL_SCORE, 3, DNSBL_LISTED},
			{DNSBL_SCORE, -2, DNSBL_LISTED}},
		DNSBL_ACCEPT, 0, 4},
	{"a negative weight that is silent makes a refusal wait", 5,
		{{DNSBL_SCORE, 3, DNSBL_LISTED}, {DNSBL_SCORE, 3, DNSBL_LISTED},
			{DNSBL_SCORE, -2, DNSBL_SILENT}},
		DNSBL_TEMPFAIL, 0, 6},
	{"a line of its own beside weights", 5,
		{{DNSBL_SCORE, 4, DNSBL_LISTED}, {DNSBL_TEMPFAIL, 1, DNSBL_LISTED}}, DNSBL_TEMPFAIL,
		1, 4},
};

START_TEST(decision)
{
	struct dnsbl_rule rules[RULES_MOST] = {0};
	struct dnsbl_finding found[RULES_MOST] = {0};
	struct dnsbl lists = {.rule_count = RULES_MOST, .rules = rules, .action = DNSBL_REJECT};
	struct dnsbl_decision d;

	lists.threshold = decisions[_i].threshold;
	for (size_t i = 0; i < RULES_MOST; i++) {
		rules[i].action = (int)decisions[_i].rules[i].action;
		rules[i].weight = decisions[_i].rules[i].weight;
		found[i].outcome = decisions[_i].rules[i].outcome;
	}
	d = dnsbl_decide(&lists, found);
	ck_assert_msg(d.action == decisions[_i].action && d.by == decisions[_i].by &&
			      d.weight == decisions[_i].weight,
		"%s: action %d by %zu, weight %lld", decisions[_i].what, (int)d.action, d.by,
		(long long)d.weight);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dnsbl_rules");
	TCase *t = tcase_create("dnsbl_rules");

	tcase_add_loop_test(t, code, 0, LENGTH(codes));
	tcase_add_loop_test(t, no_code, 0, LENGTH(no_codes));
	tcase_add_loop_test(t, answer_without_records, 0, LENGTH(empty));
	tcase_add_loop_test(t, question, 0, LENGTH(questions));
	tcase_add_test(t, long_names_are_not_asked_for);
	tcase_add_test(t, line_says_what_is_its_own);
	tcase_add_loop_test(t, no_line, 0, LENGTH(no_lines));
	tcase_add_test(t, codes_of_a_line_are_bounded);
	tcase_add_loop_test(t, decision, 0, LENGTH(decisions));
	suite_add_tcase(s, t);
	return table_run(s);
}
