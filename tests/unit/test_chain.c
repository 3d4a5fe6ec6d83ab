/* SPDX-License-Identifier: MIT */
/*
 * test_chain.c - what links say, and what the MTA is told
 *
 * Most cases run four times: as the first message, as the second, after RSET, and after a message
 * that the MTA never ended.
 */
#include "chain_world.h"

/* --- verdicts by stage --- */

static const struct verdict_case {
	enum cm_verdict verdict;
	const char *message; /* the answer at MAIL, DATA and EOM */
	const char *rcpt;
} verdicts[] = {
	{CM_CONTINUE, "continue", "continue"},
	{CM_REJECT, "reject 550 5.7.1 Refused by local policy",
		"reject 550 5.7.1 Refused by local policy"},
	{CM_TEMPFAIL, "tempfail 451 4.7.1 Refused for now, please try again later",
		"tempfail 451 4.7.1 Refused for now, please try again later"},
	{CM_DISCARD, "discard", "continue"},
	{CM_DONE, "continue", "continue"},
	{CM_FAILED, "tempfail 451 4.3.0 Temporary problem, please try again later",
		"tempfail 451 4.3.0 Temporary problem, please try again later"},
};

#define VERDICTS LENGTH(verdicts)

static const char *
reach(enum cm_stage stage)
{
	const char *answer = mail("<a@x.y>");

	if (stage == CM_STAGE_MAIL)
		return answer;
	answer = rcpt("<b@x.y>");
	if (stage == CM_STAGE_RCPT)
		return answer;
	answer = step(CM_STAGE_DATA);
	if (stage == CM_STAGE_DATA)
		return answer;
	answer = header("From", "a@x.y");
	if (stage == CM_STAGE_HEADER)
		return answer;
	answer = step(CM_STAGE_EOH);
	if (stage == CM_STAGE_EOH)
		return answer;
	answer = body("text");
	return stage == CM_STAGE_BODY ? answer : eom();
}

static const enum cm_stage message_stages[] = {
	CM_STAGE_MAIL, CM_STAGE_DATA, CM_STAGE_HEADER, CM_STAGE_EOH, CM_STAGE_EOM};

START_TEST(verdict_at_a_stage_of_the_message)
{
	const struct verdict_case *c = &verdicts[_i % VERDICTS];
	enum cm_stage stage = message_stages[_i / VERDICTS % LENGTH(message_stages)];

	add_verdict("one", stage, c->verdict);
	add_default_profile();
	begin(_i / VERDICTS / LENGTH(message_stages));
	ck_assert_str_eq(reach(stage), c->message);
}
END_TEST

START_TEST(verdict_at_rcpt)
{
	const struct verdict_case *c = &verdicts[_i % VERDICTS];
	struct link *l = add_verdict("one", CM_STAGE_RCPT, c->verdict);
	size_t taken =
		c->verdict == CM_REJECT || c->verdict == CM_TEMPFAIL || c->verdict == CM_FAILED ? 1
												: 2;

	fake_of(l)->rcpt = "b@x.y";
	add_default_profile();
	begin(_i / VERDICTS);
	mail("<a@x.y>");
	ck_assert_str_eq(rcpt("<c@x.y>"), "continue");
	ck_assert_str_eq(rcpt("<b@x.y>"), c->rcpt);
	ck_assert_uint_eq(w.s->rcpt_count, taken);
	ck_assert_uint_eq(w.s->rcpt_refused, 2 - taken);
	ck_assert_str_eq(content(),
		c->verdict == CM_DISCARD ? "continue; drop recipient b@x.y" : "continue");
}
END_TEST

START_TEST(verdict_at_body_skips_the_rest)
{
	add_verdict("one", CM_STAGE_BODY, CM_DONE);
	add_default_profile();
	begin(_i);
	ck_assert_str_eq(reach(CM_STAGE_BODY), "continue skip");
	ck_assert_str_eq(eom(), "continue");
}
END_TEST

START_TEST(own_reply_reaches_the_client_with_its_id)
{
	struct link *l = add_verdict("one", CM_STAGE_MAIL, CM_REJECT);

	fake_of(l)->code = 553;
	fake_of(l)->status = "5.7.1";
	fake_of(l)->text = "Not yours";
	add_default_profile();
	begin(_i);
	ck_assert_str_eq(mail("<a@x.y>"), "reject 553 5.7.1 Not yours");
	ck_assert_str_eq(w.a.reply.text, arena_printf(&w.arena, "Not yours (id %s)", w.s->id));
	ck_assert_str_ne(w.s->id, w.s->conn_id);
}
END_TEST

START_TEST(first_final_verdict_ends_the_loop)
{
	add_link("one", ALL_STAGES);
	add_verdict("two", CM_STAGE_MAIL, CM_TEMPFAIL);
	add_verdict("three", CM_STAGE_MAIL, CM_REJECT);
	add_default_profile();
	begin(_i);
	ck_assert_str_eq(
		mail("<a@x.y>"), "tempfail 451 4.7.1 Refused for now, please try again later");
	ck_assert_str_eq(called(), "mail:one mail:two ");
}
END_TEST

START_TEST(links_run_in_the_order_of_the_stage)
{
	struct link *one = add_link("one", BIT(CM_STAGE_MAIL) | BIT(CM_STAGE_RCPT));
	struct link *two = add_link("two", BIT(CM_STAGE_MAIL) | BIT(CM_STAGE_RCPT));
	struct profile *p = add_profile("p");

	profile_add(p, one);
	profile_add(p, two);
	p->at[CM_STAGE_RCPT][0] = two;
	p->at[CM_STAGE_RCPT][1] = one;
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	ck_assert_str_eq(called(), "mail:one mail:two rcpt:two rcpt:one ");
}
END_TEST

START_TEST(no_profile_and_no_link_accept_everything)
{
	if (_i == 1)
		add_profile("empty");
	open_and_greet();
	mail("<a@x.y>");
	ck_assert_str_eq(rcpt("<b@x.y>"), "continue");
	step(CM_STAGE_DATA);
	ck_assert_str_eq(body("text"), "continue skip");
	ck_assert_str_eq(eom(), "continue");
	ck_assert_int_eq(chain_final(w.s)->verdict, CM_ACCEPT);
}
END_TEST

/* --- failures --- */

static const struct failure_case {
	enum link_failure on_error;
	const char *answer;
} failures[] = {
	{LINK_TEMPFAIL, "tempfail 451 4.3.0 Temporary problem, please try again later"},
	{LINK_REJECT, "reject 550 5.3.0 A check of this message could not be completed"},
	{LINK_ACCEPT, "accept"},
	{LINK_SKIP, "continue"},
};

START_TEST(failed_link_does_what_on_error_says)
{
	struct link *l = add_verdict("one", CM_STAGE_MAIL, CM_FAILED);
	enum link_failure on_error = failures[_i].on_error;

	l->set.on_error = (int)on_error;
	fake_of(l)->reason = "no answer";
	add_link("two", BIT(CM_STAGE_MAIL));
	add_default_profile();
	begin(FRESH);
	ck_assert_str_eq(mail("<a@x.y>"), failures[_i].answer);
	ck_assert_str_eq(called(), on_error == LINK_SKIP ? "mail:one mail:two " : "mail:one ");
	ck_assert_ptr_nonnull(strstr(traced(), "mail:one:failed! "));
	ck_assert_str_eq(last_reason(), "no answer");
}
END_TEST

static const struct misfit_case {
	const char *says;
	enum cm_stage stage;
	enum cm_verdict verdict;
	int code;
	const char *status, *reason;
} misfits[] = {
	{"rejects with a temporary reply", CM_STAGE_MAIL, CM_REJECT, 451, "4.7.1",
		"returned reject with reply 451 4.7.1"},
	{"tempfails with a permanent reply", CM_STAGE_MAIL, CM_TEMPFAIL, 550, "5.7.1",
		"returned tempfail with reply 550 5.7.1"},
	{"returns nonsense", CM_STAGE_MAIL, (enum cm_verdict)42, 0, NULL,
		"returned nonsense, which mail does not allow"},
	{"fails without a word", CM_STAGE_MAIL, CM_FAILED, 0, NULL, "could not tell"},
	{"fails and left a reply", CM_STAGE_MAIL, CM_FAILED, 550, "5.7.1", "could not tell"},
};

START_TEST(answer_that_breaks_a_rule_is_a_failure)
{
	const struct misfit_case *c = &misfits[_i];
	struct link *l = add_verdict("one", c->stage, c->verdict);

	fake_of(l)->code = c->code;
	fake_of(l)->status = c->status;
	fake_of(l)->text = "x";
	add_default_profile();
	begin(FRESH);
	ck_assert_msg(strcmp(reach(c->stage), failures[0].answer) == 0, "%s", c->says);
	ck_assert_str_eq(last_reason(), c->reason);
}
END_TEST

START_TEST(reply_without_a_refusal_is_dropped)
{
	struct link *l = add_link("one", BIT(CM_STAGE_MAIL));

	fake_of(l)->code = 550;
	fake_of(l)->status = "5.7.1";
	fake_of(l)->text = "x";
	add_default_profile();
	begin(FRESH);
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
	ck_assert_int_eq(chain_trace(w.s)->first->reply.code, 0);
}
END_TEST

static const struct late_case {
	enum cm_verdict verdict;
	int64_t takes;
	const char *answer, *reason;
} late[] = {
	{CM_CONTINUE, 10 * CLOCK_SEC, "continue", ""},
	{CM_CONTINUE, 10 * CLOCK_SEC + 1, "tempfail 451 4.3.0", "took 10000 ms, had 10000 ms"},
	{CM_DONE, 11 * CLOCK_SEC, "tempfail 451 4.3.0", "took 11000 ms, had 10000 ms"},
	{CM_REJECT, 11 * CLOCK_SEC, "reject 550 5.7.1", "took 11000 ms, had 10000 ms"},
	{CM_ACCEPT, 11 * CLOCK_SEC, "continue", "took 11000 ms, had 10000 ms"},
};

START_TEST(late_opinion_counts_and_late_silence_fails)
{
	const struct late_case *c = &late[_i];
	struct link *l = add_verdict("one", CM_STAGE_MAIL, c->verdict);

	fake_of(l)->takes = c->takes;
	w.chain.summary = true;
	add_default_profile();
	begin(FRESH);
	ck_assert_ptr_nonnull(strstr(mail("<a@x.y>"), c->answer));
	ck_assert_str_eq(last_reason(), c->reason);
	ck_assert_int_eq(chain_trace(w.s)->first->us, c->takes);
}
END_TEST

START_TEST(late_opinion_keeps_its_own_reason)
{
	struct link *l = add_verdict("one", CM_STAGE_MAIL, CM_REJECT);

	fake_of(l)->takes = 12 * CLOCK_SEC;
	fake_of(l)->reason = "bad";
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
	ck_assert_str_eq(last_reason(), "bad (took 12000 ms, had 10000 ms)");
}
END_TEST

START_TEST(message_timeout_counts_time_in_hooks_alone)
{
	struct link *l = add_link("slow", BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_RCPT));

	fake_of(l)->takes = 9 * CLOCK_SEC;
	add_link("two", BIT(CM_STAGE_RCPT) | BIT(CM_STAGE_DATA));
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	clock_advance(3600 * CLOCK_SEC);
	ck_assert_str_eq(rcpt("<a@x.y>"), "continue");
	clock_advance(3600 * CLOCK_SEC);
	ck_assert_str_eq(rcpt("<b@x.y>"), "continue");
	/* 7 s are left: they are all the third call has. */
	called();
	ck_assert_str_eq(rcpt("<c@x.y>"), failures[0].answer);
	ck_assert_str_eq(last_reason(), "took 9000 ms, had 7000 ms");
	ck_assert_str_eq(called(), "rcpt:slow ");
	ck_assert_str_eq(step(CM_STAGE_DATA), failures[0].answer);
	ck_assert_str_eq(last_reason(), "message_timeout");
	ck_assert_str_eq(called(), "");
}
END_TEST

START_TEST(message_timeout_begins_anew_with_each_message)
{
	bool by_next_mail = _i == 1;
	struct link *l = add_link("slow", BIT(CM_STAGE_RCPT));

	fake_of(l)->takes = 9 * CLOCK_SEC;
	add_default_profile();
	begin(FRESH);
	for (int message = 0; message < 3; message++) {
		ck_assert_str_eq(mail("<a@x.y>"), "continue");
		ck_assert_str_eq(rcpt("<a@x.y>"), "continue");
		ck_assert_str_eq(rcpt("<b@x.y>"), "continue");
		ck_assert_str_eq(rcpt("<c@x.y>"), failures[0].answer);
		ck_assert_str_eq(last_reason(), "took 9000 ms, had 7000 ms");
		if (!by_next_mail)
			chain_end_message(w.s);
	}
}
END_TEST

START_TEST(deadline_is_the_nearer_of_the_two)
{
	add_link("one", BIT(CM_STAGE_MAIL));
	w.chain.message_timeout_us = 5 * CLOCK_SEC;
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
	ck_assert_int_eq(chain_deadline(w.s) - clock_now(), 5 * CLOCK_SEC);
	chain_end_message(w.s);
	w.chain.message_timeout_us = 25 * CLOCK_SEC;
	mail("<a@x.y>");
	ck_assert_int_eq(chain_deadline(w.s) - clock_now(), 10 * CLOCK_SEC);
}
END_TEST

/* --- accept and done --- */

START_TEST(accept_ends_the_checks_of_its_scope)
{
	add_link("before", ALL_STAGES & ~BIT(CM_STAGE_UNKNOWN));
	add_verdict("one", CM_STAGE_MAIL, CM_ACCEPT);
	add_verdict("two", CM_STAGE_MAIL, CM_REJECT);
	add_verdict("three", CM_STAGE_EOM, CM_REJECT);
	add_default_profile();
	w.chain.summary = true;
	begin(_i);
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
	ck_assert_str_eq(rcpt("<b@x.y>"), "continue");
	ck_assert_str_eq(content(), "accept");
	ck_assert_str_eq(called(), "mail:before mail:one ");
	ck_assert_str_eq(chain_final(w.s)->by, "one");
}
END_TEST

START_TEST(accept_at_rcpt_is_for_that_recipient)
{
	struct link *l = add_verdict("one", CM_STAGE_RCPT, CM_ACCEPT);

	fake_of(l)->rcpt = "b@x.y";
	add_verdict("two", CM_STAGE_RCPT, CM_REJECT);
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	ck_assert_str_eq(rcpt("<b@x.y>"), "continue");
	ck_assert_str_eq(rcpt("<c@x.y>"), "reject 550 5.7.1 Refused by local policy");
	ck_assert_uint_eq(w.s->rcpt_count, 1);
	ck_assert_str_eq(content(), "continue");
}
END_TEST

static const enum cm_stage held_stages[] = {CM_STAGE_CONNECT, CM_STAGE_HELO};

START_TEST(accept_of_the_connection_is_for_all_its_messages)
{
	add_verdict("one", held_stages[_i % 2], CM_ACCEPT);
	add_verdict("two", CM_STAGE_MAIL, CM_REJECT);
	add_verdict("three", CM_STAGE_HELO, CM_REJECT);
	add_default_profile();
	w.chain.summary = true;
	begin(_i / 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_str_eq(mail("<a@x.y>"), "continue");
		ck_assert_str_eq(rcpt("<b@x.y>"), "continue");
		ck_assert_str_eq(content(), "accept");
		ck_assert_str_eq(chain_final(w.s)->by, "one");
		chain_end_message(w.s);
	}
}
END_TEST

START_TEST(accept_early_when_nothing_is_left_to_do)
{
	add_verdict("one", CM_STAGE_MAIL, CM_ACCEPT);
	add_default_profile();
	begin(_i);
	ck_assert_str_eq(mail("<a@x.y>"), "accept");
	ck_assert_int_eq(chain_final(w.s)->verdict, CM_ACCEPT);
}
END_TEST

START_TEST(accept_of_the_connection_is_told_at_mail)
{
	add_verdict("one", CM_STAGE_CONNECT, CM_ACCEPT);
	add_default_profile();
	open_and_greet();
	ck_assert_str_eq(mail("<a@x.y>"), "accept");
}
END_TEST

/* What keeps an accept from being told before the end of the message. */
enum hindrance { SUMMARY, EDIT, CONN_EDIT, AFTER_ACCEPT, NO_REPLY, HINDRANCES };

START_TEST(accept_not_early_when_something_is_left)
{
	struct link *l = add_verdict("one", CM_STAGE_MAIL, CM_ACCEPT);

	fake_of(l)->edit = (struct edit){.kind = EDIT_ADD_HEADER, .name = "X", .value = "1"};
	if (_i == EDIT)
		fake_of(l)->edit_at = BIT(CM_STAGE_MAIL);
	if (_i == CONN_EDIT) {
		fake_of(l)->edit_at = BIT(CM_STAGE_HELO);
		fake_of(l)->hooks |= BIT(CM_STAGE_HELO);
	}
	if (_i == AFTER_ACCEPT)
		add_link("sign", BIT(CM_STAGE_EOM))->needs |= CM_AFTER_ACCEPT;
	add_default_profile();
	w.chain.summary = _i == SUMMARY;
	w.no_reply = _i == NO_REPLY ? BIT(CM_STAGE_MAIL) : 0;
	open_and_greet();
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
	rcpt("<b@x.y>");
	step(CM_STAGE_DATA);
	ck_assert_str_eq(
		eom(), _i == EDIT || _i == CONN_EDIT ? "accept; add header X=1" : "accept");
}
END_TEST

START_TEST(marking_links_run_after_accept_and_cannot_refuse)
{
	struct link *l;

	add_verdict("one", CM_STAGE_MAIL, CM_ACCEPT);
	l = add_link("sign", BIT(CM_STAGE_MAIL) | BIT(CM_STAGE_BODY) | BIT(CM_STAGE_EOM));
	l->needs |= CM_AFTER_ACCEPT;
	fake_of(l)->at[CM_STAGE_BODY] = CM_CONTINUE;
	fake_of(l)->at[CM_STAGE_EOM] = CM_REJECT;
	fake_of(l)->edit = (struct edit){.kind = EDIT_ADD_HEADER, .name = "Sig", .value = "1"};
	fake_of(l)->edit_at = BIT(CM_STAGE_EOM);
	add_default_profile();
	begin(_i);
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
	rcpt("<b@x.y>");
	step(CM_STAGE_DATA);
	/* The signer wants the body, so it is not skipped. */
	ck_assert_str_eq(body("text"), "continue");
	ck_assert_str_eq(eom(), "accept; add header Sig=1");
	ck_assert_str_eq(called(), "mail:one mail:sign body:sign eom:sign ");
	ck_assert_ptr_nonnull(strstr(traced(), "eom:sign:reject"));
}
END_TEST

START_TEST(done_link_is_not_called_again_in_this_message)
{
	struct link *l = add_link("one", BIT(CM_STAGE_MAIL) | BIT(CM_STAGE_RCPT));

	fake_of(l)->at[CM_STAGE_MAIL] = CM_DONE;
	add_link("two", BIT(CM_STAGE_RCPT));
	add_default_profile();
	begin(_i);
	for (int i = 0; i < 2; i++) {
		mail("<a@x.y>");
		rcpt("<b@x.y>");
		ck_assert_str_eq(called(), "mail:one rcpt:two ");
		chain_end_message(w.s);
	}
}
END_TEST

START_TEST(link_done_at_connect_is_done_with_the_connection)
{
	struct link *l = add_link("one", BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_MAIL));

	fake_of(l)->at[CM_STAGE_CONNECT] = CM_DONE;
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	ck_assert_str_eq(called(), "");
}
END_TEST

START_TEST(done_with_one_recipient_is_not_done_with_the_message)
{
	struct link *l = add_link("one", BIT(CM_STAGE_RCPT) | BIT(CM_STAGE_EOM));

	fake_of(l)->at[CM_STAGE_RCPT] = CM_DONE;
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	rcpt("<c@x.y>");
	content();
	ck_assert_str_eq(called(), "rcpt:one rcpt:one eom:one ");
}
END_TEST

/* --- refusals before MAIL --- */

START_TEST(refusal_at_connect_and_helo_is_given_at_mail)
{
	enum cm_stage stage = held_stages[_i % 2];
	const struct verdict_case *c = &verdicts[1 + _i / 2 % 3];

	add_verdict("one", stage, c->verdict);
	add_link("two", BIT(CM_STAGE_HELO) | BIT(CM_STAGE_MAIL));
	add_default_profile();
	begin(_i / 6);
	for (int i = 0; i < 3; i++) {
		ck_assert_str_eq(mail("<a@x.y>"), c->message);
		ck_assert_str_eq(chain_final(w.s)->by, "one");
		if (w.a.reply.code != 0)
			ck_assert_ptr_nonnull(
				strstr(w.a.reply.text, arena_printf(&w.arena, "(id %s)", w.s->id)));
		if (i == 1)
			chain_end_message(w.s);
	}
	/* Nobody was asked behind the refusal. */
	ck_assert_str_eq(called(), "");
}
END_TEST

START_TEST(after_a_refusal_at_connect_nobody_is_asked_at_helo)
{
	add_verdict("one", CM_STAGE_CONNECT, CM_REJECT);
	add_link("two", BIT(CM_STAGE_HELO));
	add_default_profile();
	open_and_greet();
	ck_assert_str_eq(called(), "connect:one ");
}
END_TEST

START_TEST(new_helo_takes_the_place_of_the_old_one)
{
	struct link *l = add_verdict("one", CM_STAGE_HELO, CM_REJECT);

	add_default_profile();
	open_and_greet();
	fake_of(l)->at[CM_STAGE_HELO] = CM_CONTINUE;
	helo("better.example");
	ck_assert_str_eq(called(), "helo:one helo:one ");
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
}
END_TEST

START_TEST(new_helo_takes_back_what_the_old_one_accepted)
{
	struct link *l = add_verdict("one", CM_STAGE_HELO, CM_ACCEPT);

	add_verdict("two", CM_STAGE_MAIL, CM_REJECT);
	add_default_profile();
	open_and_greet();
	fake_of(l)->at[CM_STAGE_HELO] = CM_CONTINUE;
	helo("other.example");
	ck_assert_str_eq(mail("<a@x.y>"), verdicts[1].message);
}
END_TEST

/* What is said at a HELO takes the memory of what was said at the one before. */
START_TEST(endless_helos_cost_no_memory)
{
	struct link *l = add_link("one", BIT(CM_STAGE_HELO) | BIT(CM_STAGE_UNKNOWN));
	struct fake *f = fake_of(l);
	size_t conn = 0, greeting = 0;
	char name[16];

	f->edit_at = BIT(CM_STAGE_HELO);
	f->edit = (struct edit){.kind = EDIT_ADD_HEADER, .name = "A", .value = "b"};
	f->at[CM_STAGE_HELO] = f->at[CM_STAGE_UNKNOWN] = _i == 0 ? CM_REJECT : CM_CONTINUE;
	f->code = _i == 0 ? 550 : 0;
	f->status = "5.7.1";
	f->text = "no";
	f->reason = "some reason";
	add_default_profile();
	open_session();
	connect_from("192.0.2.1");
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "helo%04d", i);
		helo(name);
		for (int n = 0; n < 3; n++)
			step(CM_STAGE_UNKNOWN);
		ck_assert_str_eq(w.s->helo, name);
		ck_assert_uint_eq(w.s->conn_edits.count, 1);
		if (i == 200) {
			conn = w.s->conn.used;
			greeting = w.s->greeting.used;
		}
	}
	ck_assert_uint_eq(w.s->conn.used, conn);
	ck_assert_uint_eq(w.s->greeting.used, greeting);
	ck_assert_uint_lt(w.s->passing.used, 1024);
	ck_assert_str_eq(mail("<a@x.y>"), _i == 0 ? "reject 550 5.7.1 no" : "continue");
}
END_TEST

START_TEST(new_helo_ends_an_open_message)
{
	add_link("one", BIT(CM_STAGE_MAIL));
	add_default_profile();
	open_and_greet();
	mail("<a@x.y>");
	helo("client.example");
	ck_assert(!w.s->in_message);
	ck_assert_str_eq(rcpt("<b@x.y>"), failures[0].answer);
}
END_TEST

/* Who logs in gets the profile "login", others "strangers". */
static void
two_profiles(struct link *of_strangers, struct link *of_login)
{
	struct profile *p = add_profile("login");

	p->login = PROFILE_AUTHENTICATED;
	if (of_login != NULL)
		profile_add(p, of_login);
	p = add_profile("strangers");
	if (of_strangers != NULL)
		profile_add(p, of_strangers);
}

START_TEST(held_refusal_counts_where_the_profile_names_the_link)
{
	struct link *l = add_verdict("one", held_stages[_i], CM_REJECT);

	two_profiles(l, NULL);
	open_and_greet();
	w.login = "bob";
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
	ck_assert_str_eq(chain_chosen(w.s)->name, "login");
	chain_end_message(w.s);
	w.login = NULL;
	ck_assert_str_eq(mail("<a@x.y>"), verdicts[1].message);
}
END_TEST

START_TEST(accept_before_mail_counts_where_the_profile_names_the_link)
{
	struct link *one = add_verdict("one", held_stages[_i], CM_ACCEPT);
	struct link *two = add_verdict("two", CM_STAGE_MAIL, CM_REJECT);

	two_profiles(one, two);
	profile_add(&w.profiles[1], two);
	open_and_greet();
	ck_assert_str_eq(mail("<a@x.y>"), "accept");
	chain_end_message(w.s);
	w.login = "bob";
	ck_assert_str_eq(mail("<a@x.y>"), verdicts[1].message);
}
END_TEST

START_TEST(link_of_a_profile_nobody_knew_of_is_asked_at_mail)
{
	struct link *l = add_verdict("one", held_stages[_i], CM_REJECT);

	two_profiles(NULL, l);
	open_and_greet();
	ck_assert_str_eq(called(), "");
	w.login = "bob";
	ck_assert_str_eq(mail("<a@x.y>"), verdicts[1].message);
	ck_assert_ptr_nonnull(strstr(w.a.reply.text, w.s->id));
	chain_end_message(w.s);
	ck_assert_str_eq(mail("<a@x.y>"), verdicts[1].message);
	ck_assert_ptr_nonnull(strstr(w.a.reply.text, w.s->id));
	ck_assert_str_eq(called(), _i == 0 ? "connect:one " : "helo:one ");
}
END_TEST

START_TEST(what_is_caught_up_belongs_to_the_connection)
{
	struct link *l = add_link("one", BIT(CM_STAGE_HELO));

	fake_of(l)->edit = (struct edit){.kind = EDIT_ADD_HEADER, .name = "X", .value = "1"};
	fake_of(l)->edit_at = BIT(CM_STAGE_HELO);
	two_profiles(NULL, l);
	open_and_greet();
	w.login = "bob";
	for (int i = 0; i < 2; i++) {
		mail("<a@x.y>");
		ck_assert(w.s->in_message);
		rcpt("<b@x.y>");
		ck_assert_str_eq(content(), "continue; add header X=1");
		chain_end_message(w.s);
	}
	ck_assert_str_eq(called(), "helo:one ");
}
END_TEST

START_TEST(accept_that_is_caught_up_counts)
{
	struct link *one = add_verdict("one", CM_STAGE_CONNECT, CM_ACCEPT);
	struct link *two = add_verdict("two", CM_STAGE_MAIL, CM_REJECT);

	two_profiles(NULL, one);
	profile_add(&w.profiles[0], two);
	open_and_greet();
	w.login = "bob";
	ck_assert_str_eq(mail("<a@x.y>"), "accept");
}
END_TEST

START_TEST(link_watched_before_mail_is_asked_again_where_it_counts)
{
	struct link *l = add_verdict("one", held_stages[_i], CM_REJECT);

	two_profiles(l, l);
	w.profiles[1].mode = LINK_SHADOW;
	open_and_greet();
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
	chain_end_message(w.s);
	called();
	w.login = "bob";
	ck_assert_str_eq(mail("<a@x.y>"), verdicts[1].message);
	chain_end_message(w.s);
	w.login = NULL;
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
	ck_assert_str_eq(called(), _i == 0 ? "connect:one " : "helo:one ");
}
END_TEST

START_TEST(refusal_held_until_rcpt)
{
	add_verdict("one", held_stages[_i % 2], CM_REJECT);
	add_link("two", BIT(CM_STAGE_RCPT));
	add_default_profile()->hold = PROFILE_HOLD_RCPT;
	begin(_i / 2);
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
	ck_assert_str_eq(rcpt("<b@x.y>"), verdicts[1].message);
	ck_assert_str_eq(rcpt("<c@x.y>"), verdicts[1].message);
	ck_assert_uint_eq(w.s->rcpt_refused, 2);
	ck_assert_str_eq(called(), "");
	chain_end_message(w.s);
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
	ck_assert_str_eq(rcpt("<b@x.y>"), verdicts[1].message);
}
END_TEST

START_TEST(discard_is_not_held_until_rcpt)
{
	add_verdict("one", held_stages[_i], CM_DISCARD);
	add_default_profile()->hold = PROFILE_HOLD_RCPT;
	open_and_greet();
	ck_assert_str_eq(mail("<a@x.y>"), "discard");
}
END_TEST

START_TEST(failure_before_mail_is_held_like_a_refusal)
{
	add_verdict("one", held_stages[_i], CM_FAILED);
	add_default_profile();
	open_and_greet();
	ck_assert_str_eq(mail("<a@x.y>"), failures[0].answer);
}
END_TEST

/* --- stages without a reply --- */

START_TEST(refusal_without_a_reply_waits_for_the_end)
{
	enum cm_stage stage = message_stages[_i % 4];

	add_verdict("one", stage, CM_REJECT);
	add_link("two", BIT(CM_STAGE_BODY) | BIT(CM_STAGE_EOM));
	add_default_profile();
	w.no_reply = ALL_STAGES & ~BIT(CM_STAGE_EOM);
	begin(_i / 4);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	ck_assert_str_eq(content(), verdicts[1].message);
	/* Nobody was asked behind it. */
	ck_assert_str_eq(called(), arena_printf(&w.arena, "%s:one ", stages[stage].name));
}
END_TEST

START_TEST(refusal_at_body_without_a_reply)
{
	add_verdict("one", CM_STAGE_BODY, CM_TEMPFAIL);
	add_default_profile();
	w.no_reply = BIT(CM_STAGE_BODY);
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	step(CM_STAGE_DATA);
	ck_assert_str_eq(body("one"), "continue");
	ck_assert_str_eq(body("two"), "continue");
	ck_assert_str_eq(eom(), verdicts[2].message);
	ck_assert_str_eq(called(), "body:one ");
}
END_TEST

START_TEST(refused_recipient_without_a_reply_refuses_the_message)
{
	struct link *l = add_verdict("one", CM_STAGE_RCPT, CM_REJECT);

	fake_of(l)->rcpt = "b@x.y";
	add_default_profile();
	w.no_reply = BIT(CM_STAGE_RCPT);
	begin(_i);
	mail("<a@x.y>");
	ck_assert_str_eq(rcpt("<a@x.y>"), "continue");
	ck_assert_str_eq(rcpt("<b@x.y>"), "continue");
	ck_assert_str_eq(rcpt("<c@x.y>"), "continue");
	ck_assert_str_eq(content(), verdicts[1].message);
}
END_TEST

START_TEST(pending_refusal_ends_with_its_message)
{
	struct link *l = add_verdict("one", CM_STAGE_DATA, CM_REJECT);

	add_default_profile();
	w.no_reply = BIT(CM_STAGE_DATA);
	open_and_greet();
	mail("<a@x.y>");
	step(CM_STAGE_DATA);
	chain_end_message(w.s);
	fake_of(l)->at[CM_STAGE_DATA] = CM_CONTINUE;
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	ck_assert_str_eq(content(), "continue");
}
END_TEST

/* --- limits --- */

START_TEST(recipients_over_the_limit)
{
	add_link("one", BIT(CM_STAGE_RCPT));
	add_default_profile();
	w.chain.limits.recipients = 2;
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	rcpt("<c@x.y>");
	called();
	ck_assert_str_eq(rcpt("<d@x.y>"), "tempfail 452 4.5.3 Too many recipients");
	ck_assert_str_eq(rcpt("<e@x.y>"), "tempfail 452 4.5.3 Too many recipients");
	ck_assert_str_eq(called(), "");
	ck_assert_uint_eq(w.s->rcpt_refused, 2);
	ck_assert_ptr_nonnull(strstr(traced(), "rcpt:core:tempfail"));
	ck_assert_str_eq(content(), "continue");
}
END_TEST

START_TEST(header_over_the_limit)
{
	bool told = _i % 2 == 0;
	static char value[20000];

	add_link("one", BIT(CM_STAGE_HEADER));
	add_default_profile();
	w.no_reply = told ? 0 : BIT(CM_STAGE_HEADER);
	begin(_i / 2);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	step(CM_STAGE_DATA);
	memset(value, 'x', sizeof(value) - 1);
	ck_assert_str_eq(header("A", value),
		told ? "reject 552 5.3.4 Message header is too large" : "continue");
	if (!told) {
		header("B", "c");
		step(CM_STAGE_EOH);
	}
	ck_assert_str_eq(eom(), "reject 552 5.3.4 Message header is too large");
	ck_assert_str_eq(called(), "");
	ck_assert_ptr_null(chain_final(w.s)->by);
}
END_TEST

START_TEST(body_over_the_limit_is_said_once_and_accepted)
{
	struct link *l = add_link("one", BIT(CM_STAGE_EOM));
	char text[700];

	l->needs |= CM_NEED_BODY;
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	step(CM_STAGE_DATA);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_str_eq(body(text), "continue");
	ck_assert_str_eq(body(text), "continue skip");
	body(text);
	ck_assert_str_eq(eom(), "continue");
	ck_assert_str_eq(traced(), "body:core:continue eom:one:continue ");
}
END_TEST

START_TEST(body_that_somebody_counts_is_not_skipped)
{
	struct link *l = add_link("one", BIT(CM_STAGE_EOM));

	l->needs |= CM_NEED_SIZE;
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	step(CM_STAGE_DATA);
	ck_assert_str_eq(body("text"), "continue");
	ck_assert_str_eq(eom(), "continue");
}
END_TEST

/* --- what no MTA can have meant --- */

static const char *const unclear[] = {
	"", "<a@x.y", "<a b@x.y>", "<\"a@x.y>", "<a@b@x.y>", "<a\001@x.y>", "<b.c!a>", "a@x.y(c"};

START_TEST(unclear_address_is_refused_and_shown_to_no_link)
{
	const char *path = unclear[_i / PRELUDES];

	add_link("one", BIT(CM_STAGE_MAIL) | BIT(CM_STAGE_RCPT));
	add_default_profile();
	begin(_i % PRELUDES);
	called();
	ck_assert_str_eq(mail(path), "reject 501 5.1.7 Bad sender address syntax");
	ck_assert_str_eq(called(), "");
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
	rcpt("<b@x.y>");
	called();
	ck_assert_str_eq(rcpt(path), "reject 501 5.1.3 Bad recipient address syntax");
	ck_assert_str_eq(called(), "");
	ck_assert_str_eq(rcpt("<c@x.y>"), "continue");
	ck_assert_uint_eq(w.s->rcpt_count, 2);
	ck_assert_uint_eq(w.s->rcpt_refused, 1);
	ck_assert_str_eq(content(), "continue");
}
END_TEST

static const char *const odd_but_clear[] = {"<>", "< >", "<a..b@docomo.ne.jp>", "<.a@x>",
	"<postmaster>", "<bob>", "<\303\274@x.y>", "<a@[192.0.2.1]>", "<\"a b\"@x.y>",
	"< dave@example.com (c)>", "<@a.b:bob@x.y>"};

START_TEST(odd_address_is_taken)
{
	add_link("one", BIT(CM_STAGE_MAIL) | BIT(CM_STAGE_RCPT));
	add_default_profile();
	begin(FRESH);
	ck_assert_str_eq(mail(odd_but_clear[_i]), "continue");
	ck_assert_str_eq(rcpt(odd_but_clear[_i]), "continue");
}
END_TEST

START_TEST(unclear_address_is_watched_where_nothing_is_enforced)
{
	add_link("one", BIT(CM_STAGE_MAIL) | BIT(CM_STAGE_RCPT) | BIT(CM_STAGE_HEADER));
	add_default_profile()->mode = LINK_SHADOW;
	begin(FRESH);
	called();
	ck_assert_str_eq(mail("<a b@x.y>"), "continue");
	ck_assert_str_eq(rcpt("<b@x.y"), "continue");
	ck_assert_str_eq(header("a:b", "c"), "continue");
	ck_assert_str_eq(called(), "mail:one rcpt:one header:one ");
	ck_assert_str_eq(eom(), "continue");
}
END_TEST

static const char *const broken_names[] = {"a:b", "a\nb", "a\rb", "\001", "a\177", ":"};

START_TEST(field_with_a_broken_name_refuses_the_message)
{
	static const char answer[] =
		"reject 550 5.6.0 Message has a header field with a broken name";
	bool told = _i % 2 == 0;

	add_link("one", BIT(CM_STAGE_HEADER));
	add_default_profile();
	w.no_reply = told ? 0 : BIT(CM_STAGE_HEADER);
	begin(FRESH);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	step(CM_STAGE_DATA);
	called();
	ck_assert_str_eq(header(broken_names[_i / 2], "v"), told ? answer : "continue");
	ck_assert_str_eq(called(), "");
	ck_assert_str_eq(eom(), answer);
}
END_TEST

START_TEST(message_out_of_order_is_refused_for_now)
{
	add_default_profile();
	open_and_greet();
	ck_assert_str_eq(rcpt("<b@x.y>"), failures[0].answer);
	ck_assert_str_eq(step(CM_STAGE_DATA), failures[0].answer);
	ck_assert_str_eq(body("text"), failures[0].answer);
	ck_assert_str_eq(eom(), failures[0].answer);
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
	rcpt("<b@x.y>");
	ck_assert_str_eq(content(), "continue");
	chain_end_message(w.s);
	ck_assert_str_eq(eom(), failures[0].answer);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("chain");
	TCase *t = tcase_create("chain");
	int stages_count = LENGTH(message_stages);

	tcase_add_checked_fixture(t, world_init, world_fini);
	tcase_add_loop_test(
		t, verdict_at_a_stage_of_the_message, 0, VERDICTS * stages_count * PRELUDES);
	tcase_add_loop_test(t, verdict_at_rcpt, 0, VERDICTS * PRELUDES);
	tcase_add_loop_test(t, verdict_at_body_skips_the_rest, 0, PRELUDES);
	tcase_add_loop_test(t, own_reply_reaches_the_client_with_its_id, 0, PRELUDES);
	tcase_add_loop_test(t, first_final_verdict_ends_the_loop, 0, PRELUDES);
	tcase_add_loop_test(t, links_run_in_the_order_of_the_stage, 0, PRELUDES);
	tcase_add_loop_test(t, no_profile_and_no_link_accept_everything, 0, 2);
	tcase_add_loop_test(t, failed_link_does_what_on_error_says, 0, LENGTH(failures));
	tcase_add_loop_test(t, answer_that_breaks_a_rule_is_a_failure, 0, LENGTH(misfits));
	tcase_add_test(t, reply_without_a_refusal_is_dropped);
	tcase_add_loop_test(t, late_opinion_counts_and_late_silence_fails, 0, LENGTH(late));
	tcase_add_test(t, late_opinion_keeps_its_own_reason);
	tcase_add_loop_test(t, message_timeout_counts_time_in_hooks_alone, 0, PRELUDES);
	tcase_add_loop_test(t, message_timeout_begins_anew_with_each_message, 0, 2);
	tcase_add_test(t, deadline_is_the_nearer_of_the_two);
	tcase_add_loop_test(t, accept_ends_the_checks_of_its_scope, 0, PRELUDES);
	tcase_add_loop_test(t, accept_at_rcpt_is_for_that_recipient, 0, PRELUDES);
	tcase_add_loop_test(t, accept_of_the_connection_is_for_all_its_messages, 0, 2 * PRELUDES);
	tcase_add_loop_test(t, accept_early_when_nothing_is_left_to_do, 0, PRELUDES);
	tcase_add_test(t, accept_of_the_connection_is_told_at_mail);
	tcase_add_loop_test(t, accept_not_early_when_something_is_left, 0, HINDRANCES);
	tcase_add_loop_test(t, marking_links_run_after_accept_and_cannot_refuse, 0, PRELUDES);
	tcase_add_loop_test(t, done_link_is_not_called_again_in_this_message, 0, PRELUDES);
	tcase_add_loop_test(t, link_done_at_connect_is_done_with_the_connection, 0, PRELUDES);
	tcase_add_loop_test(t, done_with_one_recipient_is_not_done_with_the_message, 0, PRELUDES);
	tcase_add_loop_test(t, refusal_at_connect_and_helo_is_given_at_mail, 0, 6 * PRELUDES);
	tcase_add_test(t, after_a_refusal_at_connect_nobody_is_asked_at_helo);
	tcase_add_test(t, new_helo_takes_the_place_of_the_old_one);
	tcase_add_test(t, new_helo_takes_back_what_the_old_one_accepted);
	tcase_add_loop_test(t, endless_helos_cost_no_memory, 0, 2);
	tcase_add_test(t, new_helo_ends_an_open_message);
	tcase_add_loop_test(t, held_refusal_counts_where_the_profile_names_the_link, 0, 2);
	tcase_add_loop_test(t, accept_before_mail_counts_where_the_profile_names_the_link, 0, 2);
	tcase_add_loop_test(t, link_of_a_profile_nobody_knew_of_is_asked_at_mail, 0, 2);
	tcase_add_test(t, what_is_caught_up_belongs_to_the_connection);
	tcase_add_test(t, accept_that_is_caught_up_counts);
	tcase_add_loop_test(t, link_watched_before_mail_is_asked_again_where_it_counts, 0, 2);
	tcase_add_loop_test(t, refusal_held_until_rcpt, 0, 2 * PRELUDES);
	tcase_add_loop_test(t, discard_is_not_held_until_rcpt, 0, 2);
	tcase_add_loop_test(t, failure_before_mail_is_held_like_a_refusal, 0, 2);
	tcase_add_loop_test(t, refusal_without_a_reply_waits_for_the_end, 0, 4 * PRELUDES);
	tcase_add_loop_test(t, refusal_at_body_without_a_reply, 0, PRELUDES);
	tcase_add_loop_test(t, refused_recipient_without_a_reply_refuses_the_message, 0, PRELUDES);
	tcase_add_test(t, pending_refusal_ends_with_its_message);
	tcase_add_loop_test(t, recipients_over_the_limit, 0, PRELUDES);
	tcase_add_loop_test(t, header_over_the_limit, 0, 2 * PRELUDES);
	tcase_add_loop_test(t, body_over_the_limit_is_said_once_and_accepted, 0, PRELUDES);
	tcase_add_loop_test(t, body_that_somebody_counts_is_not_skipped, 0, PRELUDES);
	tcase_add_loop_test(
		t, unclear_address_is_refused_and_shown_to_no_link, 0, PRELUDES * LENGTH(unclear));
	tcase_add_loop_test(t, odd_address_is_taken, 0, LENGTH(odd_but_clear));
	tcase_add_test(t, unclear_address_is_watched_where_nothing_is_enforced);
	tcase_add_loop_test(
		t, field_with_a_broken_name_refuses_the_message, 0, 2 * LENGTH(broken_names));
	tcase_add_test(t, message_out_of_order_is_refused_for_now);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return table_run(suite());
}
