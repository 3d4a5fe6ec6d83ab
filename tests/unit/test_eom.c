/* SPDX-License-Identifier: MIT */
/*
 * test_eom.c - edits of links, discarded recipients, and what is left of a message at its end
 */
#include "chain_world.h"

static struct link *
add_edit(const char *name, enum cm_stage stage, struct edit e)
{
	struct link *l = add_link(name, BIT(stage));

	fake_of(l)->edit_at = BIT(stage);
	fake_of(l)->edit = e;
	return l;
}

static const struct edit header_x = {.kind = EDIT_ADD_HEADER, .name = "X", .value = "1"};

START_TEST(edit_of_any_stage_is_made_at_the_end)
{
	enum cm_stage stage = (enum cm_stage)(_i / PRELUDES);

	/* Set, not added: the hook of header is called for each field. */
	add_edit("one", stage,
		(struct edit){.kind = EDIT_SET_HEADER, .name = "X", .value = "1", .index = 1});
	add_default_profile();
	begin(_i % PRELUDES);
	for (int i = 0; i < 2; i++) {
		mail("<a@x.y>");
		rcpt("<b@x.y>");
		ck_assert_str_eq(content(), "continue; add header X=1");
		chain_end_message(w.s);
	}
}
END_TEST

START_TEST(edits_end_with_their_message)
{
	struct link *l = add_edit("one", CM_STAGE_MAIL, header_x);

	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	chain_end_message(w.s);
	fake_of(l)->edit_at = 0;
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	ck_assert_str_eq(content(), "continue");
}
END_TEST

static const enum cm_verdict refusals[] = {CM_REJECT, CM_TEMPFAIL, CM_DISCARD};

START_TEST(edits_of_a_refused_message_vanish)
{
	add_edit("one", CM_STAGE_MAIL, header_x);
	add_edit("hold", CM_STAGE_MAIL, (struct edit){.kind = EDIT_QUARANTINE, .value = "r"});
	add_verdict("two", CM_STAGE_EOM, refusals[_i % 3]);
	add_default_profile();
	begin(_i / 3);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	content();
	ck_assert_int_eq(w.a.verdict, refusals[_i % 3]);
	ck_assert_uint_eq(w.a.edit_count, 0);
}
END_TEST

START_TEST(quarantine_goes_with_the_message)
{
	add_edit("hold", CM_STAGE_MAIL, (struct edit){.kind = EDIT_QUARANTINE, .value = "odd"});
	add_edit("one", CM_STAGE_EOM, header_x);
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	ck_assert_str_eq(content(), "continue; add header X=1; quarantine odd");
}
END_TEST

START_TEST(edit_knows_the_fields_as_received)
{
	add_edit("one", CM_STAGE_MAIL, (struct edit){.kind = EDIT_PREFIX_SUBJECT, .value = "[X] "});
	add_edit("two", CM_STAGE_EOM,
		(struct edit){.kind = EDIT_SET_HEADER, .name = "Nope", .value = "1", .index = 1});
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	ck_assert_str_eq(content(), "continue; set header Subject=[X] hello; add header Nope=1");
}
END_TEST

/* Edits asked for at HELO are made where the profile of the message names the link. */
static const struct profile_case {
	const char *says;
	bool named; /* in the profile of who logs in */
	enum link_mode mode;
	const char *answer;
} profiles[] = {
	{"named", true, LINK_ENFORCE, "continue; add header X=1"},
	{"not named", false, LINK_ENFORCE, "continue"},
	{"named by a profile that is only watched", true, LINK_SHADOW, "continue"},
};

START_TEST(edit_before_mail_counts_where_the_profile_names_the_link)
{
	const struct profile_case *c = &profiles[_i];
	struct link *l = add_edit("one", CM_STAGE_HELO, header_x);
	struct profile *p = add_profile("login");

	p->login = PROFILE_AUTHENTICATED;
	p->mode = (int)c->mode;
	if (c->named)
		profile_add(p, l);
	profile_add(add_profile("strangers"), l);
	open_and_greet();
	w.login = "bob";
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	ck_assert_msg(strcmp(content(), c->answer) == 0, "%s: %s", c->says, answered());
}
END_TEST

/* --- discarded recipients --- */

START_TEST(discarded_recipient_is_dropped_in_its_own_spelling)
{
	struct link *l = add_verdict("one", CM_STAGE_RCPT, CM_DISCARD);

	fake_of(l)->rcpt = "bob@x.y";
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	ck_assert_str_eq(rcpt("<\"bob\"@X.Y>"), "continue");
	rcpt("<c@x.y>");
	ck_assert_str_eq(content(), "continue; drop recipient \"bob\"@X.Y");
}
END_TEST

START_TEST(recipient_that_is_no_address_is_dropped_too)
{
	struct link *l = add_verdict("one", CM_STAGE_RCPT, CM_DISCARD);

	fake_of(l)->rcpt = "bob@under_score";
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	rcpt("<bob@under_score>");
	rcpt("<c@x.y>");
	ck_assert_str_eq(content(), "continue; drop recipient bob@under_score");
}
END_TEST

START_TEST(message_without_recipients_is_discarded)
{
	add_verdict("one", CM_STAGE_RCPT, CM_DISCARD);
	add_edit("two", CM_STAGE_MAIL, header_x);
	add_default_profile();
	begin(_i);
	for (int i = 0; i < 2; i++) {
		mail("<a@x.y>");
		ck_assert_str_eq(rcpt("<b@x.y>"), "continue");
		ck_assert_str_eq(rcpt("<c@x.y>"), "continue");
		ck_assert_str_eq(content(), "discard");
		ck_assert_str_eq(chain_final(w.s)->by, "one");
		chain_end_message(w.s);
	}
}
END_TEST

START_TEST(message_is_not_discarded_when_somebody_was_added)
{
	add_verdict("one", CM_STAGE_RCPT, CM_DISCARD);
	add_edit("two", CM_STAGE_EOM, (struct edit){.kind = EDIT_ADD_RCPT, .value = "d@x.y"});
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	ck_assert_str_eq(content(), "continue; drop recipient b@x.y; add recipient d@x.y");
}
END_TEST

START_TEST(message_is_not_discarded_when_a_recipient_came_back)
{
	add_verdict("one", CM_STAGE_RCPT, CM_DISCARD);
	add_edit("two", CM_STAGE_EOM, (struct edit){.kind = EDIT_ADD_RCPT, .value = "b@x.y"});
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	ck_assert_str_eq(content(), "continue");
}
END_TEST

START_TEST(message_whose_last_recipient_a_link_dropped_is_discarded)
{
	add_edit("one", CM_STAGE_EOM, (struct edit){.kind = EDIT_DROP_RCPT, .value = "b@x.y"});
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	rcpt("<B@x.y>");
	ck_assert_str_eq(content(), "continue; drop recipient b@x.y");
	chain_end_message(w.s);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	ck_assert_str_eq(content(), "discard");
}
END_TEST

START_TEST(discard_at_rcpt_needs_its_right)
{
	struct link *l = add_verdict("one", CM_STAGE_RCPT, CM_DISCARD);

	l->needs &= ~(uint32_t)CM_EDIT_RCPTS;
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	ck_assert_str_eq(
		rcpt("<b@x.y>"), "tempfail 451 4.3.0 Temporary problem, please try again later");
	ck_assert_str_eq(
		last_reason(), "returned discard at rcpt without the right to drop recipients");
}
END_TEST

START_TEST(edits_that_could_not_be_sent_refuse_the_message_for_now)
{
	add_edit("one", CM_STAGE_MAIL, header_x);
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	content();
	chain_undo(w.s, &w.a, "the MTA went away");
	ck_assert_str_eq(
		answered(), "tempfail 451 4.3.0 Temporary problem, please try again later");
	ck_assert_int_eq(chain_final(w.s)->verdict, CM_TEMPFAIL);
	ck_assert_str_eq(last_reason(), "the MTA went away");
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("eom");
	TCase *t = tcase_create("eom");

	tcase_add_checked_fixture(t, world_init, world_fini);
	tcase_add_loop_test(
		t, edit_of_any_stage_is_made_at_the_end, 0, CM_STAGE_UNKNOWN * PRELUDES);
	tcase_add_loop_test(t, edits_end_with_their_message, 0, PRELUDES);
	tcase_add_loop_test(t, edits_of_a_refused_message_vanish, 0, 3 * PRELUDES);
	tcase_add_loop_test(t, quarantine_goes_with_the_message, 0, PRELUDES);
	tcase_add_loop_test(t, edit_knows_the_fields_as_received, 0, PRELUDES);
	tcase_add_loop_test(
		t, edit_before_mail_counts_where_the_profile_names_the_link, 0, LENGTH(profiles));
	tcase_add_loop_test(t, discarded_recipient_is_dropped_in_its_own_spelling, 0, PRELUDES);
	tcase_add_loop_test(t, recipient_that_is_no_address_is_dropped_too, 0, PRELUDES);
	tcase_add_loop_test(t, message_without_recipients_is_discarded, 0, PRELUDES);
	tcase_add_loop_test(t, message_is_not_discarded_when_somebody_was_added, 0, PRELUDES);
	tcase_add_loop_test(t, message_is_not_discarded_when_a_recipient_came_back, 0, PRELUDES);
	tcase_add_loop_test(
		t, message_whose_last_recipient_a_link_dropped_is_discarded, 0, PRELUDES);
	tcase_add_loop_test(t, discard_at_rcpt_needs_its_right, 0, PRELUDES);
	tcase_add_loop_test(
		t, edits_that_could_not_be_sent_refuse_the_message_for_now, 0, PRELUDES);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return table_run(suite());
}
