/* SPDX-License-Identifier: MIT */
/*
 * test_watch.c - links that are watched, sampled or off, their states, and the trace of it all
 */
#include <stdlib.h>
#include <unistd.h>

#include "chain_world.h"
#include "temp.h"

/* --- shadow --- */

enum shadow_by { BY_LINK, BY_PROFILE, BY_SAMPLE, SHADOWS };

static void
watch(struct link *l, struct profile *p, int how)
{
	if (how == BY_LINK)
		l->set.mode = LINK_SHADOW;
	if (how == BY_PROFILE)
		p->mode = LINK_SHADOW;
	if (how == BY_SAMPLE)
		l->set.sample = 0;
}

static const enum cm_verdict opinions[] = {
	CM_ACCEPT, CM_REJECT, CM_TEMPFAIL, CM_DISCARD, CM_FAILED};

START_TEST(watched_link_changes_nothing)
{
	enum cm_verdict v = opinions[_i % LENGTH(opinions)];
	struct link *l = add_link("one", ALL_STAGES & ~BIT(CM_STAGE_UNKNOWN));
	struct link *two = add_link("two", BIT(CM_STAGE_EOM));

	for (int i = 0; i < CM_STAGE_COUNT; i++)
		fake_of(l)->at[i] = v;
	fake_of(l)->edit_at = ALL_STAGES;
	fake_of(l)->edit = (struct edit){.kind = EDIT_ADD_HEADER, .name = "X", .value = "1"};
	watch(l, add_default_profile(), _i / LENGTH(opinions) % SHADOWS);
	begin(_i / LENGTH(opinions) / SHADOWS);
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
	ck_assert_str_eq(rcpt("<b@x.y>"), "continue");
	ck_assert_str_eq(content(), "continue");
	ck_assert_uint_eq(w.s->rcpt_count, 1);
	ck_assert_str_eq(called(),
		"mail:one rcpt:one data:one header:one header:one eoh:one body:one eom:one "
		"eom:two ");
	ck_assert_ptr_nonnull(
		strstr(traced(), arena_printf(&w.arena, "eom:one:%s%s~", verdict_name(v),
					 v == CM_FAILED ? "!" : "")));
	ck_assert_ptr_nonnull(fake_of(two)->msg);
}
END_TEST

START_TEST(watched_refusal_has_its_reply_in_the_trace)
{
	struct link *l = add_verdict("one", CM_STAGE_MAIL, CM_REJECT);
	const struct trace_record *r;

	l->set.mode = LINK_SHADOW;
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
	r = chain_trace(w.s)->first;
	ck_assert(r->shadow);
	ck_assert_int_eq(r->reply.code, 550);
	ck_assert(!chain_running_shadow(w.s));
	ck_assert_ptr_null(chain_running(w.s));
	ck_assert_ptr_null(chain_running_reply(w.s));
}
END_TEST

START_TEST(watched_link_that_is_done_is_not_called_again)
{
	struct link *l = add_link("one", BIT(CM_STAGE_MAIL) | BIT(CM_STAGE_EOM));

	fake_of(l)->at[CM_STAGE_MAIL] = CM_DONE;
	watch(l, add_default_profile(), _i);
	begin(FRESH);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	content();
	ck_assert_str_eq(called(), "mail:one ");
}
END_TEST

/* --- until, off --- */

static const struct until_case {
	const char *says;
	enum link_mode mode;
	int64_t until; /* seconds from now; 0: for ever */
	const char *answer, *calls;
} untils[] = {
	{"shadow for ever", LINK_SHADOW, 0, "continue", "mail:one "},
	{"shadow for a while", LINK_SHADOW, 10, "continue", "mail:one "},
	{"shadow until now", LINK_SHADOW, -1, "reject 550 5.7.1 Refused by local policy",
		"mail:one "},
	{"off for ever", LINK_OFF, 0, "continue", ""},
	{"off for a while", LINK_OFF, 10, "continue", ""},
	{"off until now", LINK_OFF, -1, "reject 550 5.7.1 Refused by local policy", "mail:one "},
};

START_TEST(mode_holds_until)
{
	const struct until_case *c = &untils[_i];
	struct link *l = add_verdict("one", CM_STAGE_MAIL, CM_REJECT);

	l->set.mode = (int)c->mode;
	l->set.until = c->until == 0 ? 0 : clock_wall() + c->until;
	add_default_profile();
	begin(FRESH);
	ck_assert_msg(strcmp(mail("<a@x.y>"), c->answer) == 0, "%s: %s", c->says, answered());
	ck_assert_str_eq(called(), c->calls);
}
END_TEST

START_TEST(profile_that_is_off_asks_nobody)
{
	add_link("one", ALL_STAGES);
	add_default_profile()->mode = LINK_OFF;
	begin(FRESH);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	ck_assert_str_eq(content(), "continue");
	ck_assert_str_eq(called(), "");
}
END_TEST

/* --- sample --- */

static unsigned
enforced_of(unsigned senders)
{
	unsigned enforced = 0;

	for (unsigned i = 0; i < senders; i++) {
		char from[32];

		snprintf(from, sizeof(from), "<user%u@example.org>", i);
		mail(from);
		enforced += w.a.verdict == CM_REJECT;
		chain_end_message(w.s);
	}
	return enforced;
}

START_TEST(sample_is_about_that_part_of_the_mail)
{
	static const unsigned parts[] = {0, 1, 10, 50, 99, 100};
	unsigned percent = parts[_i];
	unsigned enforced;

	add_verdict("one", CM_STAGE_MAIL, CM_REJECT)->set.sample = percent * 100;
	add_default_profile();
	begin(FRESH);
	enforced = enforced_of(4000);
	/* Five standard deviations of a fair draw are at most 4 % of 4000. */
	ck_assert_int_le(abs((int)enforced - (int)(percent * 40)), percent % 100 == 0 ? 0 : 160);
}
END_TEST

START_TEST(sample_is_the_same_for_the_same_client_and_sender)
{
	struct link *l = add_verdict("one", CM_STAGE_MAIL, CM_REJECT);
	bool differs = false;

	l->set.sample = 5000;
	add_default_profile();
	begin(FRESH);
	for (int i = 0; i < 50; i++) {
		char from[32];
		enum cm_verdict first;

		snprintf(from, sizeof(from), "<user%d@example.org>", i);
		mail(from);
		first = w.a.verdict;
		differs = differs || first != CM_REJECT;
		for (int again = 0; again < 3; again++) {
			mail(from);
			ck_assert_int_eq(w.a.verdict, first);
		}
	}
	ck_assert(differs);
}
END_TEST

/* Half of the senders are in; at connect and HELO nobody knows who will write. */
static const struct whole_case {
	const char *says;
	enum cm_stage stage;
	enum cm_verdict verdict;
	const char *in; /* the answer to MAIL */
} wholes[] = {
	{"a refusal at connect", CM_STAGE_CONNECT, CM_REJECT,
		"reject 550 5.7.1 Refused by local policy"},
	{"a refusal at HELO", CM_STAGE_HELO, CM_TEMPFAIL,
		"tempfail 451 4.7.1 Refused for now, please try again later"},
	{"an error at connect", CM_STAGE_CONNECT, CM_FAILED,
		"tempfail 451 4.3.0 Temporary problem, please try again later"},
	{"a refusal at MAIL", CM_STAGE_MAIL, CM_REJECT, "reject 550 5.7.1 Refused by local policy"},
	{"a discard at connect", CM_STAGE_CONNECT, CM_DISCARD, "discard"},
};

#define SAMPLED 40

START_TEST(message_is_wholly_in_the_sample_or_out_of_it)
{
	const struct whole_case *c = &wholes[_i];
	struct link *one = add_verdict("one", CM_STAGE_MAIL, CM_REJECT);
	struct link *two = add_verdict("two", c->stage, c->verdict);
	unsigned in = 0;

	/* Which senders are in, a link says that has no hook before MAIL. */
	one->set.sample = two->set.sample = 5000;
	profile_add(add_profile("reference"), one);
	profile_add(add_profile("tested"), two);
	for (int i = 0; i < SAMPLED; i++) {
		bool reference;
		char from[32];

		snprintf(from, sizeof(from), "<user%d@example.org>", i);
		for (int profile = 0; profile < 2; profile++) {
			w.chain.profiles = &w.profiles[profile];
			w.chain.profile_count = 1;
			open_and_greet();
			mail("<other@example.net>");
			mail(from);
			if (profile == 0)
				reference = w.a.verdict == CM_REJECT;
			else
				ck_assert_msg(
					strcmp(answered(), reference ? c->in : "continue") == 0,
					"%s of %s: %s", c->says, from, answered());
			in += profile == 0 && reference;
			chain_close(w.s);
			session_free(w.s);
			w.s = NULL;
		}
	}
	ck_assert_uint_gt(in, SAMPLED / 5);
	ck_assert_uint_lt(in, SAMPLED * 4 / 5);
}
END_TEST

/* What it said to the connection ends the walk for messages of its sample alone. */
START_TEST(link_behind_one_out_of_its_sample_is_asked)
{
	struct link *one = add_verdict("one", CM_STAGE_CONNECT, CM_REJECT);
	bool both[2] = {false, false};

	one->set.sample = 5000;
	add_verdict("two", CM_STAGE_CONNECT, CM_TEMPFAIL);
	add_default_profile();
	open_and_greet();
	for (int i = 0; i < SAMPLED; i++) {
		char from[32];

		snprintf(from, sizeof(from), "<user%d@example.org>", i);
		mail(from);
		ck_assert_int_eq(
			w.a.verdict, chain_sampled_out(w.s, one) ? CM_TEMPFAIL : CM_REJECT);
		both[chain_sampled_out(w.s, one)] = true;
	}
	ck_assert(both[0] && both[1]);
}
END_TEST

/* --- rights --- */

static const uint32_t rights[] = {
	CM_EDIT_BODY, CM_EDIT_HEADERS, CM_EDIT_QUARANTINE, CM_EDIT_RCPTS, CM_EDIT_SENDER};

START_TEST(link_without_its_right_is_off)
{
	struct link *l = add_link("one", ALL_STAGES);

	l->needs = rights[_i];
	add_link("two", BIT(CM_STAGE_MAIL))->needs = 0;
	add_default_profile();
	w.note_ends = true;
	w.s = session_new(&w.chain.limits, "test");
	w.s->rights = EDIT_RIGHTS & ~rights[_i];
	chain_open(&w.chain, w.s);
	connect_from("192.0.2.1");
	helo("client.example");
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	content();
	chain_end_message(w.s);
	ck_assert_str_eq(called(), "mail:two end_msg(accept):two ");
}
END_TEST

/* --- states and ends --- */

START_TEST(states_live_as_long_as_their_scope)
{
	struct link *l =
		add_link("one", BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_MAIL) | BIT(CM_STAGE_RCPT));
	struct fake *f = fake_of(l);
	void *conn;

	add_default_profile();
	open_and_greet();
	conn = f->conn;
	ck_assert_ptr_nonnull(conn);
	ck_assert_ptr_null(f->msg);
	for (int i = 0; i < 3; i++) {
		mail("<a@x.y>");
		ck_assert_ptr_eq(f->conn, conn);
		ck_assert_ptr_nonnull(f->msg);
		ck_assert_mem_eq(f->msg, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
		memset(f->msg, 1, 16);
		rcpt("<b@x.y>");
		ck_assert_mem_eq(f->msg, "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1", 16);
		if (i == 1)
			chain_end_message(w.s);
	}
	ck_assert_mem_eq(conn, "\0\0\0\0\0\0\0\0", 8);
}
END_TEST

static const struct end_case {
	const char *says;
	enum cm_stage stage;
	enum cm_verdict verdict;
	const char *final;
} ends[] = {
	{"an accepted message", CM_STAGE_MAIL, CM_CONTINUE, "end_msg(accept)"},
	{"a message some link accepted", CM_STAGE_MAIL, CM_ACCEPT, "end_msg(accept by one)"},
	{"a message refused at MAIL", CM_STAGE_MAIL, CM_REJECT, "end_msg(reject by one)"},
	{"a message refused at its end", CM_STAGE_EOM, CM_TEMPFAIL, "end_msg(tempfail by one)"},
	{"a message dropped", CM_STAGE_DATA, CM_DISCARD, "end_msg(discard by one)"},
	{"a message all of whose recipients were refused", CM_STAGE_RCPT, CM_REJECT,
		"end_msg(reject by one)"},
};

START_TEST(end_of_a_message_is_told_to_all_links_of_its_profile)
{
	const struct end_case *c = &ends[_i];
	struct link *one = add_verdict("one", c->stage, c->verdict);
	struct link *two = add_link("two", BIT(CM_STAGE_EOM));
	struct profile *p = add_profile("p");

	add_link("other", ALL_STAGES);
	add_link("off", ALL_STAGES)->set.mode = LINK_OFF;
	profile_add(p, one);
	profile_add(p, two);
	profile_add(p, &w.links[3]);
	w.chain.summary = true;
	begin(FRESH);
	w.note_ends = true;
	mail("<a@x.y>");
	if (w.a.verdict == CM_CONTINUE && (rcpt("<b@x.y>"), w.a.verdict == CM_CONTINUE)) {
		step(CM_STAGE_DATA);
		if (w.a.verdict == CM_CONTINUE)
			eom();
	}
	called();
	chain_end_message(w.s);
	ck_assert_msg(
		strcmp(called(), arena_printf(&w.arena, "%s:one %s:two ", c->final, c->final)) == 0,
		"%s", c->says);
	chain_end_message(w.s);
	ck_assert_str_eq(called(), "");
}
END_TEST

START_TEST(end_of_an_abandoned_message_has_no_verdict)
{
	add_link("one", BIT(CM_STAGE_MAIL));
	add_default_profile();
	begin(FRESH);
	w.note_ends = true;
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	called();
	if (_i == 0)
		chain_end_message(w.s);
	else if (_i == 1)
		mail("<c@x.y>");
	else
		chain_close(w.s);
	ck_assert_ptr_nonnull(strstr(called(), "end_msg(continue):one "));
}
END_TEST

START_TEST(end_of_the_connection_is_told_once)
{
	add_link("one", BIT(CM_STAGE_MAIL));
	add_default_profile();
	begin(FRESH);
	w.note_ends = true;
	mail("<a@x.y>");
	called();
	chain_close(w.s);
	ck_assert_str_eq(called(), "end_msg(continue):one end_conn:one ");
	chain_close(w.s);
	chain_end_message(w.s);
	ck_assert_str_eq(called(), "");
}
END_TEST

static int64_t end_deadline;

static void
end_and_look(struct cm_session *s)
{
	end_deadline = chain_deadline(s) - clock_now();
}

START_TEST(end_of_a_message_has_its_own_deadline)
{
	static struct cm_plugin plugin;
	struct link *l = add_link("one", BIT(CM_STAGE_MAIL));

	plugin = fake_plugin;
	plugin.end_msg = end_and_look;
	l->plugin = &plugin;
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
	clock_advance(100 * CLOCK_SEC);
	chain_end_message(w.s);
	ck_assert_int_eq(end_deadline, 10 * CLOCK_SEC);
}
END_TEST

/* --- the trace --- */

START_TEST(trace_tells_what_each_link_did)
{
	add_link("one", BIT(CM_STAGE_CONNECT) | BIT(CM_STAGE_HEADER) | BIT(CM_STAGE_BODY));
	add_verdict("two", CM_STAGE_EOM, CM_REJECT);
	add_default_profile();
	begin(_i);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	content();
	ck_assert_str_eq(traced(),
		"connect:one:continue header:one:continue*2 body:one:continue eom:two:reject ");
	ck_assert_uint_eq(chain_trace(w.s)->count, 3);
	chain_end_message(w.s);
	ck_assert_str_eq(traced(), "connect:one:continue ");
}
END_TEST

START_TEST(calls_with_an_opinion_are_records_of_their_own)
{
	struct link *l = add_link("one", BIT(CM_STAGE_RCPT));
	const struct trace_record *r;

	fake_of(l)->at[CM_STAGE_RCPT] = CM_REJECT;
	fake_of(l)->rcpt = "bad@x.y";
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	rcpt("<c@x.y>");
	rcpt("<bad@x.y>");
	rcpt("<d@x.y>");
	ck_assert_str_eq(traced(), "rcpt:one:continue*2 rcpt:one:reject rcpt:one:continue ");
	r = chain_trace(w.s)->first->next;
	ck_assert_str_eq(r->rcpt, "<bad@x.y>");
	ck_assert_int_eq(r->reply.code, 550);
}
END_TEST

START_TEST(many_recipients_leave_room_for_the_end)
{
	struct link *l = add_link("one", BIT(CM_STAGE_RCPT) | BIT(CM_STAGE_EOM));

	fake_of(l)->at[CM_STAGE_RCPT] = CM_REJECT;
	fake_of(l)->at[CM_STAGE_EOM] = CM_TEMPFAIL;
	fake_of(l)->rcpt = "bad@x.y";
	add_default_profile();
	w.chain.limits.recipients = 2000;
	begin(FRESH);
	mail("<a@x.y>");
	for (int i = 0; i < 1000; i++) {
		rcpt("<bad@x.y>");
		rcpt("<good@x.y>");
	}
	content();
	ck_assert_uint_le(chain_trace(w.s)->count, TRACE_MAX);
	ck_assert_uint_gt(chain_trace(w.s)->lost, 500);
	ck_assert_ptr_nonnull(strstr(traced(), "eom:one:tempfail"));
}
END_TEST

START_TEST(unknown_commands_are_answered_at_once)
{
	struct link *l = add_verdict("one", CM_STAGE_UNKNOWN, CM_REJECT);

	if (_i == 1)
		fake_of(l)->at[CM_STAGE_UNKNOWN] = CM_ACCEPT;
	add_default_profile();
	begin(FRESH);
	ck_assert_str_eq(step(CM_STAGE_UNKNOWN),
		_i == 0 ? "reject 550 5.7.1 Refused by local policy"
			: "tempfail 451 4.3.0 Temporary problem, please try again later");
	for (int i = 0; i < 1000; i++)
		step(CM_STAGE_UNKNOWN);
	ck_assert_uint_le(chain_conn_trace(w.s)->count, TRACE_MAX);
	ck_assert_str_eq(mail("<a@x.y>"), "continue");
}
END_TEST

START_TEST(link_with_an_opinion_on_every_field_is_logged_once)
{
	char path[TEMP_NAME_SIZE], text[4096] = "";
	int fd = temp_file(path, "chainmail-watch");
	struct log_config config = {
		.target = LOG_TARGET_FILE, .level = LOG_LEVEL_WARN, .path = path};
	struct err err;
	char *first;

	ck_assert_int_ge(fd, 0);
	ck_assert(log_open(&config, 1, &err));
	add_verdict("one", CM_STAGE_HEADER, CM_FAILED)->set.on_error = LINK_SKIP;
	fake_of(&w.links[0])->reason = "bad\r\nword";
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	content();
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	first = strstr(text, w.s->id);
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_nonnull(strstr(first, " one: bad\\x0d\\x0aword; on_error = skip\n"));
	ck_assert_ptr_null(strstr(first + 1, w.s->id));
	close(fd);
	unlink(path);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("watch");
	TCase *t = tcase_create("watch");

	tcase_add_checked_fixture(t, world_init, world_fini);
	tcase_add_loop_test(
		t, watched_link_changes_nothing, 0, LENGTH(opinions) * SHADOWS * PRELUDES);
	tcase_add_test(t, watched_refusal_has_its_reply_in_the_trace);
	tcase_add_loop_test(t, watched_link_that_is_done_is_not_called_again, 0, SHADOWS);
	tcase_add_loop_test(t, mode_holds_until, 0, LENGTH(untils));
	tcase_add_test(t, profile_that_is_off_asks_nobody);
	tcase_add_loop_test(t, sample_is_about_that_part_of_the_mail, 0, 6);
	tcase_add_test(t, sample_is_the_same_for_the_same_client_and_sender);
	tcase_add_loop_test(t, message_is_wholly_in_the_sample_or_out_of_it, 0, LENGTH(wholes));
	tcase_add_test(t, link_behind_one_out_of_its_sample_is_asked);
	tcase_add_loop_test(t, link_without_its_right_is_off, 0, LENGTH(rights));
	tcase_add_test(t, states_live_as_long_as_their_scope);
	tcase_add_loop_test(
		t, end_of_a_message_is_told_to_all_links_of_its_profile, 0, LENGTH(ends));
	tcase_add_loop_test(t, end_of_an_abandoned_message_has_no_verdict, 0, 3);
	tcase_add_test(t, end_of_the_connection_is_told_once);
	tcase_add_test(t, end_of_a_message_has_its_own_deadline);
	tcase_add_loop_test(t, trace_tells_what_each_link_did, 0, PRELUDES);
	tcase_add_test(t, calls_with_an_opinion_are_records_of_their_own);
	tcase_add_test(t, many_recipients_leave_room_for_the_end);
	tcase_add_loop_test(t, unknown_commands_are_answered_at_once, 0, 2);
	tcase_add_test(t, link_with_an_opinion_on_every_field_is_logged_once);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return table_run(suite());
}
