/* SPDX-License-Identifier: MIT */
/*
 * test_stage.c - the one table of stages says the same as the public header and the milter protocol
 */
#include <check.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <string.h>

#include "mail/stage.h"

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

START_TEST(rows_stand_at_their_number)
{
	for (int i = 0; i < CM_STAGE_COUNT; i++)
		ck_assert_int_eq(stages[i].id, i);
}
END_TEST

static enum cm_verdict
hook(struct cm_session *s, const struct cm_event *ev)
{
	(void)s;
	(void)ev;
	return CM_CONTINUE;
}

static const struct hook_case {
	enum cm_stage stage;
	struct cm_plugin plugin;
} hooks[] = {
	{CM_STAGE_CONNECT, {.connect = hook}},
	{CM_STAGE_HELO, {.helo = hook}},
	{CM_STAGE_MAIL, {.mail = hook}},
	{CM_STAGE_RCPT, {.rcpt = hook}},
	{CM_STAGE_DATA, {.data = hook}},
	{CM_STAGE_HEADER, {.header = hook}},
	{CM_STAGE_EOH, {.eoh = hook}},
	{CM_STAGE_BODY, {.body = hook}},
	{CM_STAGE_EOM, {.eom = hook}},
	{CM_STAGE_UNKNOWN, {.unknown = hook}},
};

START_TEST(each_stage_finds_its_own_hook_and_no_other)
{
	const struct hook_case *c = &hooks[_i];

	for (int i = 0; i < CM_STAGE_COUNT; i++) {
		bool own = i == (int)c->stage;

		ck_assert_msg((stage_hook(&stages[i], &c->plugin) == hook) == own, "%s in %s",
			stages[i].name, stages[c->stage].name);
	}
}
END_TEST

static const struct name_case {
	const char *name;
	int stage; /* -1: none */
} names[] = {
	{"connect", CM_STAGE_CONNECT},
	{"helo", CM_STAGE_HELO},
	{"mail", CM_STAGE_MAIL},
	{"rcpt", CM_STAGE_RCPT},
	{"data", CM_STAGE_DATA},
	{"header", CM_STAGE_HEADER},
	{"headers", CM_STAGE_EOH},
	{"eoh", CM_STAGE_EOH},
	{"body", CM_STAGE_BODY},
	{"message", CM_STAGE_EOM},
	{"eom", CM_STAGE_EOM},
	{"unknown", CM_STAGE_UNKNOWN},
	{"mial", -1},
	{"", -1},
	{"Mail", -1},
};

START_TEST(stages_are_found_by_both_names)
{
	const struct stage *found = stage_find(names[_i].name);

	ck_assert_int_eq(found == NULL ? -1 : (int)found->id, names[_i].stage);
}
END_TEST

START_TEST(every_verdict_is_allowed_but_for_unknown_commands)
{
	for (int v = CM_CONTINUE; v <= CM_FAILED; v++) {
		bool command =
			v == CM_CONTINUE || v == CM_REJECT || v == CM_TEMPFAIL || v == CM_FAILED;

		for (int i = 0; i < CM_STAGE_COUNT; i++)
			ck_assert_int_eq(stage_allows(&stages[i], (enum cm_verdict)v),
				i != CM_STAGE_UNKNOWN || command);
	}
	ck_assert(!stage_allows(&stages[CM_STAGE_MAIL], (enum cm_verdict)7));
	ck_assert(!stage_allows(&stages[CM_STAGE_MAIL], (enum cm_verdict) - 1));
}
END_TEST

START_TEST(only_connect_and_helo_are_held)
{
	for (int i = 0; i < CM_STAGE_COUNT; i++)
		ck_assert_int_eq(stages[i].held, i == CM_STAGE_CONNECT || i == CM_STAGE_HELO);
}
END_TEST

/* Together the rows can switch off every stage and every reply but those of end of message. */
START_TEST(milter_flags_are_all_there_once)
{
	uint32_t no = 0, nr = 0;

	for (int i = 0; i < CM_STAGE_COUNT; i++) {
		ck_assert_uint_eq(no & stages[i].no_flag, 0);
		ck_assert_uint_eq(nr & stages[i].nr_flag, 0);
		no |= stages[i].no_flag;
		nr |= stages[i].nr_flag;
	}
	ck_assert_uint_eq(no, SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOMAIL | SMFIP_NORCPT |
				      SMFIP_NODATA | SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOBODY |
				      SMFIP_NOUNKNOWN);
	ck_assert_uint_eq(nr, SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT |
				      SMFIP_NR_DATA | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY |
				      SMFIP_NR_UNKN);
	ck_assert_uint_eq(stages[CM_STAGE_EOM].no_flag | stages[CM_STAGE_EOM].nr_flag, 0);
}
END_TEST

START_TEST(verdicts_have_names)
{
	ck_assert_str_eq(verdict_name(CM_CONTINUE), "continue");
	ck_assert_str_eq(verdict_name(CM_TEMPFAIL), "tempfail");
	ck_assert_str_eq(verdict_name(CM_FAILED), "failed");
	ck_assert_str_eq(verdict_name((enum cm_verdict)99), "nonsense");
	for (int v = CM_CONTINUE; v <= CM_FAILED; v++)
		ck_assert_int_eq(verdict_final((enum cm_verdict)v),
			v == CM_REJECT || v == CM_TEMPFAIL || v == CM_DISCARD);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("stage");
	TCase *t = tcase_create("stage");

	tcase_add_test(t, rows_stand_at_their_number);
	tcase_add_loop_test(t, each_stage_finds_its_own_hook_and_no_other, 0, LENGTH(hooks));
	tcase_add_loop_test(t, stages_are_found_by_both_names, 0, LENGTH(names));
	tcase_add_test(t, every_verdict_is_allowed_but_for_unknown_commands);
	tcase_add_test(t, only_connect_and_helo_are_held);
	tcase_add_test(t, milter_flags_are_all_there_once);
	tcase_add_test(t, verdicts_have_names);
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
