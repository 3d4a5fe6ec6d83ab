/* SPDX-License-Identifier: MIT */
/*
 * test_reply.c - every reply that is kept can be sent
 */
#include <check.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "mail/reply.h"

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

static struct arena arena;
static struct err err;

static void
setup(void)
{
	arena_init(&arena, 1024);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

static const struct code_case {
	const char *name;
	int code;
	const char *status;
	bool good;
} codes[] = {
	{"permanent", 550, "5.7.1", true},
	{"temporary", 451, "4.7.1", true},
	{"shutdown of the service", 421, "4.3.2", true},
	{"long status", 550, "5.123.456", true},
	{"zero subject", 550, "5.0.0", true},
	{"success", 250, "2.0.0", false},
	{"intermediate", 354, "3.0.0", false},
	{"code too high", 600, "6.0.0", false},
	{"no code", 0, "5.7.1", false},
	{"negative code", -550, "5.7.1", false},
	{"second digit not of SMTP", 571, "5.7.1", false},
	{"status of the other class", 550, "4.7.1", false},
	{"code of the other class", 451, "5.7.1", false},
	{"no status", 550, NULL, false},
	{"empty status", 550, "", false},
	{"status of two parts", 550, "5.7", false},
	{"status of four parts", 550, "5.7.1.1", false},
	{"status that ends in a dot", 550, "5.7.", false},
	{"four digits", 550, "5.7.1000", false},
	{"leading zero", 550, "5.07.1", false},
	{"text in the status", 550, "5.7.1\r\n", false},
};

START_TEST(code_and_status_must_fit)
{
	const struct code_case *c = &codes[_i];
	struct reply reply = {.code = 1, .text = "before"};

	ck_assert_msg(reply_set(&reply, &arena, NULL, &err, c->code, c->status, "x") == c->good,
		"%s", c->name);
	if (c->good) {
		ck_assert_int_eq(reply.code, c->code);
		ck_assert_str_eq(reply.status, c->status);
	} else {
		ck_assert_int_eq(reply.code, 1);
		ck_assert_str_eq(reply.text, "before");
	}
}
END_TEST

START_TEST(misfit_says_what_was_given)
{
	struct reply reply = {0};

	ck_assert(!reply_set(&reply, &arena, NULL, &err, 550, "4.7.1", "x"));
	ck_assert_str_eq(err.text, "needs a 5yz code and a 5.y.z status, got 550 4.7.1");
	ck_assert(!reply_set(&reply, &arena, NULL, &err, 250, "2.0.0", "x"));
	ck_assert_str_eq(err.text, "250 is not a reply code of class 4yz or 5yz");
}
END_TEST

static const struct text_case {
	const char *name, *in, *id, *out;
} texts[] = {
	{"plain", "No such user", NULL, "No such user"},
	{"id behind it", "No such user", "4bXk2h", "No such user (id 4bXk2h)"},
	{"percent stays", "100%s full %n", NULL, "100%s full %n"},
	{"control octets", "a\001b\033[31mc\177", NULL, "a?b?[31mc?"},
	{"tab becomes a blank", "a\tb", NULL, "a b"},
	{"non-ASCII", "gr\303\274n", NULL, "gr??n"},
	{"two lines", "one\ntwo", NULL, "one\ntwo"},
	{"CRLF is a line break", "one\r\ntwo", NULL, "one\ntwo"},
	{"bare CR is not", "one\rtwo", NULL, "one?two"},
	{"id on the last line", "one\ntwo", "X", "one\ntwo (id X)"},
	{"empty lines vanish", "\n\none\n\n\ntwo\n", NULL, "one\ntwo"},
	{"blanks at line ends vanish", "one  \ntwo ", "X", "one\ntwo (id X)"},
	{"lines of blanks vanish", "one\n   \ntwo", NULL, "one\ntwo"},
	{"a dialogue cannot be forged", "x\r\n250 2.0.0 Ok\r\n", NULL, "x\n250 2.0.0 Ok"},
	{"nothing said", "", "X", "Refused by local policy (id X)"},
	{"only blanks said", " \r\n\t", NULL, "Refused by local policy"},
	{"eight lines fit", "1\n2\n3\n4\n5\n6\n7\n8", "X", "1\n2\n3\n4\n5\n6\n7\n8 (id X)"},
	{"nine do not", "1\n2\n3\n4\n5\n6\n7\n8\n9", "X", "1\n2\n3\n4\n5\n6\n7\n8... (id X)"},
	{"a last line break is no line", "1\n2\n3\n4\n5\n6\n7\n8\n", NULL,
		"1\n2\n3\n4\n5\n6\n7\n8"},
};

START_TEST(text_is_cleaned)
{
	const struct text_case *c = &texts[_i];
	struct reply reply = {0};

	ck_assert(reply_set(&reply, &arena, c->id, &err, 550, "5.7.1", c->in));
	ck_assert_msg(strcmp(reply.text, c->out) == 0, "%s: \"%s\"", c->name, reply.text);
}
END_TEST

START_TEST(long_text_is_cut_before_the_id)
{
	char in[5000];
	struct reply reply = {0};

	for (size_t len = REPLY_TEXT_MAX - 20; len < sizeof(in); len += len < 450 ? 1 : 500) {
		memset(in, 'x', len);
		in[len] = '\0';
		ck_assert(reply_set(&reply, &arena, "4bXk2h", &err, 451, "4.7.1", in));
		ck_assert_uint_le(strlen(reply.text), REPLY_TEXT_MAX);
		ck_assert_ptr_nonnull(strstr(reply.text, " (id 4bXk2h)"));
		ck_assert_int_eq(strstr(reply.text, "... (id") != NULL,
			len + strlen(" (id 4bXk2h)") > REPLY_TEXT_MAX);
	}
}
END_TEST

START_TEST(many_short_lines_are_cut)
{
	char in[2 * REPLY_TEXT_MAX];
	struct reply reply = {0};
	size_t lines = 1;

	for (size_t i = 0; i < sizeof(in) - 1; i++)
		in[i] = i % 90 == 89 ? '\n' : 'y';
	in[sizeof(in) - 1] = '\0';
	ck_assert(reply_set(&reply, &arena, NULL, &err, 451, "4.7.1", in));
	for (const char *p = reply.text; *p != '\0'; p++)
		lines += *p == '\n';
	ck_assert_uint_le(strlen(reply.text), REPLY_TEXT_MAX);
	ck_assert_uint_le(lines, REPLY_LINES_MAX);
	ck_assert_str_eq(reply.text + strlen(reply.text) - 3, "...");
}
END_TEST

static const struct fit_case {
	int code;
	enum cm_verdict verdict;
	bool fits;
} fits[] = {
	{550, CM_REJECT, true},
	{451, CM_REJECT, false},
	{0, CM_REJECT, true},
	{451, CM_TEMPFAIL, true},
	{550, CM_TEMPFAIL, false},
	{0, CM_TEMPFAIL, true},
	{550, CM_CONTINUE, true},
	{451, CM_ACCEPT, true},
	{550, CM_DISCARD, true},
};

START_TEST(class_must_fit_the_verdict)
{
	struct reply reply = {.code = fits[_i].code};

	ck_assert_int_eq(reply_fits(&reply, fits[_i].verdict), fits[_i].fits);
}
END_TEST

START_TEST(defaults_are_those_of_the_header)
{
	struct reply reply;

	reply_default(&reply, &arena, "X", CM_REJECT);
	ck_assert_str_eq(reply_line(&reply, &arena), "550 5.7.1 Refused by local policy (id X)");
	reply_default(&reply, &arena, "X", CM_TEMPFAIL);
	ck_assert_str_eq(reply_line(&reply, &arena),
		"451 4.7.1 Refused for now, please try again later (id X)");
	reply_failure(&reply, &arena, "X", CM_TEMPFAIL);
	ck_assert_str_eq(reply_line(&reply, &arena),
		"451 4.3.0 Temporary problem, please try again later (id X)");
	reply_failure(&reply, &arena, NULL, CM_REJECT);
	ck_assert_str_eq(reply_line(&reply, &arena),
		"550 5.3.0 A check of this message could not be completed");
	reply_default(&reply, &arena, "X", CM_DISCARD);
	ck_assert_int_eq(reply.code, 0);
}
END_TEST

START_TEST(reply_moves_to_another_id)
{
	struct reply reply = {0};

	reply_move(&reply, &arena, "OLD", "NEW");
	ck_assert_int_eq(reply.code, 0);
	ck_assert(reply_set(&reply, &arena, "OLD", &err, 550, "5.7.1", "one\ntwo"));
	reply_move(&reply, &arena, "OLD", "NEW");
	ck_assert_str_eq(reply.text, "one\ntwo (id NEW)");
	reply_move(&reply, &arena, "OLD", "WRONG");
	ck_assert_str_eq(reply.text, "one\ntwo (id NEW)");
}
END_TEST

START_TEST(line_shows_breaks)
{
	struct reply reply = {0};

	ck_assert(reply_set(&reply, &arena, NULL, &err, 550, "5.7.1", "a\nb\nc"));
	ck_assert_str_eq(reply_line(&reply, &arena), "550 5.7.1 a / b / c");
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("reply");
	TCase *t = tcase_create("reply");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, code_and_status_must_fit, 0, LENGTH(codes));
	tcase_add_test(t, misfit_says_what_was_given);
	tcase_add_loop_test(t, text_is_cleaned, 0, LENGTH(texts));
	tcase_add_test(t, long_text_is_cut_before_the_id);
	tcase_add_test(t, many_short_lines_are_cut);
	tcase_add_loop_test(t, class_must_fit_the_verdict, 0, LENGTH(fits));
	tcase_add_test(t, defaults_are_those_of_the_header);
	tcase_add_test(t, reply_moves_to_another_id);
	tcase_add_test(t, line_shows_breaks);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *r = srunner_create(suite());
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
