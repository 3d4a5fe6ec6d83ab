/* SPDX-License-Identifier: MIT */
/*
 * test_replay.c - the offline door: what is said, in which order, and where a client stops
 */
#include "door/replay.h"

#include "base/buf.h"
#include "door/conversation.h"
#include "drive.h"

#define MESSAGE "From: ann@example.org\nSubject: hello\n\nfirst\nsecond\n"
#define ALL	"bob@example.com", "dave@example.com"

/* Sees every stage but unknown and the body's chunks beyond what is there. */
#define TRACE(answers) \
	"profile all { chain = [ t ] }\nplugin t { type = trace; answer = [ " answers " ] }\n"

static const struct {
	const char *name;
	const char *sections;
	struct replay_input in;
	const char *to[3];
	const char *said; /* stages; a verdict that is not continue behind a colon */
	enum cm_verdict verdict;
	const char *reply;
	size_t edits;
} cases[] = {
	{
		.name = "a whole message",
		.sections = TRACE(""),
		.in = {.client_ip = "192.0.2.1", .helo = "h", .from = "a@b.example"},
		.to = {ALL},
		.said = "connect helo mail rcpt rcpt data header header eoh body eom",
		.verdict = CM_CONTINUE,
	},
	{
		.name = "a local client without HELO, the null sender",
		.sections = TRACE(""),
		.in = {.from = ""},
		.to = {"bob@example.com"},
		.said = "connect mail rcpt data header header eoh body eom",
		.verdict = CM_CONTINUE,
	},
	{
		.name = "a client stops when MAIL is refused",
		.sections = TRACE("\"mail reject 553 5.7.1 No\""),
		.in = {.helo = "h", .from = "a@b.example"},
		.to = {ALL},
		.said = "connect helo mail:reject",
		.verdict = CM_REJECT,
		.reply = "553 5.7.1 No",
	},
	{
		.name = "a refusal at HELO is told at MAIL",
		.sections = TRACE("\"helo tempfail 450 4.7.1 Later\""),
		.in = {.helo = "h", .from = "a@b.example"},
		.to = {ALL},
		.said = "connect helo mail:tempfail",
		.verdict = CM_TEMPFAIL,
		.reply = "450 4.7.1 Later",
	},
	{
		.name = "a refused recipient is refused alone",
		.sections = "map r { entries = [ \"dave@example.com reject\" ] }\n"
			    "profile all { chain = [ access, t ] }\n"
			    "plugin access { recipient = r }\nplugin t { type = trace }\n",
		.in = {.helo = "h", .from = "a@b.example"},
		.to = {ALL},
		.said = "connect helo mail rcpt rcpt:reject data header header eoh body eom",
		.verdict = CM_CONTINUE,
	},
	{
		.name = "a client without recipients stops",
		.sections = TRACE("\"rcpt reject 550 5.1.1 Who\""),
		.in = {.helo = "h", .from = "a@b.example"},
		.to = {ALL},
		.said = "connect helo mail rcpt:reject rcpt:reject",
		.verdict = CM_REJECT,
		.reply = "550 5.1.1 Who",
	},
	{
		.name = "what Postfix would not wait for is not waited for",
		.sections = TRACE("\"data reject 550 5.7.1 Late\""),
		.in = {.helo = "h", .from = "a@b.example"},
		.to = {ALL},
		.said = "connect helo mail rcpt rcpt data header header eoh body eom:reject",
		.verdict = CM_REJECT,
		.reply = "550 5.7.1 Late",
	},
	{
		.name = "a link that wants to stop early stops early",
		.sections = "profile all { chain = [ t ] }\nplugin t { type = trace; stop_early = "
			    "yes; answer = [ \"data reject 550 5.7.1 Early\" ] }\n",
		.in = {.helo = "h", .from = "a@b.example"},
		.to = {ALL},
		.said = "connect helo mail rcpt rcpt data:reject",
		.verdict = CM_REJECT,
		.reply = "550 5.7.1 Early",
	},
	{
		.name = "what no link hooks is not sent",
		.sections = "map s { entries = [ \"x@y.example reject\" ] }\n"
			    "profile all { chain = [ access ] }\nplugin access { sender = s }\n",
		.in = {.helo = "h", .from = "a@b.example"},
		.to = {ALL},
		.said = "connect helo mail rcpt rcpt eom",
		.verdict = CM_CONTINUE,
	},
	{
		.name = "edits come with the end of the message",
		.sections = TRACE("\"mail quarantine odd\", \"eom add_header X-A: 1\""),
		.in = {.helo = "h", .from = "a@b.example"},
		.to = {ALL},
		.said = "connect helo mail rcpt rcpt data header header eoh body eom",
		.verdict = CM_CONTINUE,
		.edits = 2,
	},
	{
		.name = "a discarded message is discarded at its end",
		.sections = TRACE("\"eom discard\""),
		.in = {.helo = "h", .from = "a@b.example"},
		.to = {ALL},
		.said = "connect helo mail rcpt rcpt data header header eoh body eom:discard",
		.verdict = CM_DISCARD,
	},
};

static void
note_step(void *context, const struct cm_event *ev, const struct answer *a)
{
	struct buf *said = context;

	buf_printf(said, "%s%s", said->len > 0 ? " " : "", stages[ev->stage].name);
	if (a->verdict != CM_CONTINUE)
		buf_printf(said, ":%s", verdict_name(a->verdict));
}

static struct drive d;
static struct conversation c;
static struct buf said;

static void
run(const struct replay_input *in, const char *const *to, struct answer *last)
{
	const struct replay_output out = {note_step, &said};
	struct replay_input whole = *in;

	whole.to = to;
	if (whole.message == NULL) {
		whole.message = MESSAGE;
		whole.message_len = strlen(MESSAGE);
	}
	generation_swap(d.g);
	d.g = NULL;
	conversation_open(&c, "test");
	replay_run(&c, &whole, &out, last);
}

static void
setup(void)
{
	drive_init(&d);
	buf_init(&said, 0);
}

static void
teardown(void)
{
	conversation_close(&c);
	conversation_close(&c);
	ck_assert_uint_eq(conversations_open(), 0);
	ck_assert_uint_eq(conversations_messages(), 0);
	generation_swap(NULL);
	buf_fini(&said);
	drive_fini(&d);
}

START_TEST(a_dialogue)
{
	struct answer last;

	drive_load(&d, cases[_i].sections);
	run(&cases[_i].in, cases[_i].to, &last);
	ck_assert_msg(strcmp(said.data, cases[_i].said) == 0, "%s:\n  %s\nwant\n  %s",
		cases[_i].name, said.data, cases[_i].said);
	ck_assert_int_eq(last.verdict, cases[_i].verdict);
	ck_assert_uint_eq(last.edit_count, cases[_i].edits);
	d.answer = last;
	ck_assert_str_eq(drive_reply(&d), cases[_i].reply == NULL ? "" : cases[_i].reply);
}
END_TEST

/* The MTA's macros: a port chooses the profile, a login is one, and none is none. */
static const struct {
	const char *name;
	struct replay_input in;
	const char *profile;
	enum cm_verdict verdict;
	const char *reply;
} submissions[] = {
	{"another port, another profile", {.port = 25}, "rest", CM_CONTINUE, ""},
	{"no login", {.port = 587, .tls = true}, "submission", CM_REJECT,
		"530 5.7.0 Authentication required"},
	{"a login with its address", {.port = 587, .tls = true, .login = "ann"}, "submission",
		CM_CONTINUE, ""},
	{"a login with another's", {.port = 587, .tls = true, .login = "bob"}, "submission",
		CM_REJECT,
		"553 5.7.1 <ann@example.org>: Sender address rejected: not owned by user bob"},
};

START_TEST(macros_are_those_of_an_mta)
{
	static const char *const to[] = {"bob@example.com", NULL};
	struct replay_input in = submissions[_i].in;
	struct answer last;

	drive_load(&d, "map logins { entries = [ \"ann@example.org ann\" ] }\n"
		       "profile submission { port = [ 587 ]; chain = [ auth ] }\n"
		       "profile rest { chain = [ ] }\n"
		       "plugin auth { login_map = logins }\n");
	in.client_ip = "2001:db8::1";
	in.helo = "h";
	in.from = "ann@example.org";
	run(&in, to, &last);
	ck_assert_str_eq(chain_chosen(c.session)->name, submissions[_i].profile);
	ck_assert_str_eq(cm_client(c.session)->ip, "2001:db8::1");
	ck_assert_msg(last.verdict == submissions[_i].verdict, "%s: %s", submissions[_i].name,
		verdict_name(last.verdict));
	d.answer = last;
	ck_assert_str_eq(drive_reply(&d), submissions[_i].reply);
}
END_TEST

START_TEST(a_body_that_nobody_wants_is_cut)
{
	static const char *const to[] = {"bob@example.com", NULL};
	struct replay_input in = {.from = "a@b.example", .message_len = 300000};
	struct answer last;
	char *text = calloc(1, in.message_len);

	memset(text, 'x', in.message_len);
	memcpy(text, "A: 1\n\n", 6);
	in.message = text;
	drive_load(&d, "profile all { chain = [ t ] }\n"
		       "plugin t { type = trace; stop_early = yes; answer = [ \"body done\" ] }\n");
	run(&in, to, &last);
	ck_assert_str_eq(said.data, "connect mail rcpt data header eoh body eom");
	free(text);
}
END_TEST

/* A new message while draining gets 421; one that has begun is finished. */
START_TEST(draining_turns_new_messages_away)
{
	static const char *const none[] = {NULL};
	struct cm_address from = {
		.text = "<>", .addr = "", .user = "", .domain = "", .null = true, .valid = true};
	const struct cm_event mail = {.stage = CM_STAGE_MAIL, .address = &from, .args = none};
	const struct cm_event eom = {.stage = CM_STAGE_EOM};
	struct answer last;

	drive_load(&d, TRACE(""));
	generation_swap(d.g);
	d.g = NULL;
	conversation_open(&c, "test");
	conversation_begin(&c);
	conversation_event(&c, &mail, &last);
	ck_assert_int_eq(last.verdict, CM_CONTINUE);
	ck_assert_uint_eq(conversations_messages(), 1);
	conversations_drain();
	conversation_event(&c, &eom, &last);
	ck_assert_int_eq(last.verdict, CM_CONTINUE);
	conversation_end_message(&c);
	ck_assert_uint_eq(conversations_messages(), 0);
	conversation_event(&c, &mail, &last);
	ck_assert_int_eq(last.reply.code, 421);
	ck_assert_uint_eq(conversations_messages(), 0);
	/* MAIL may have had no reply: the end of the message has one. */
	conversation_event(&c, &eom, &last);
	ck_assert_int_eq(last.verdict, CM_TEMPFAIL);
	ck_assert_int_eq(last.reply.code, 421);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("replay");
	TCase *group = tcase_create("replay");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, group);
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_loop_test(group, a_dialogue, 0, (int)(sizeof(cases) / sizeof(*cases)));
	tcase_add_loop_test(group, macros_are_those_of_an_mta, 0,
		(int)(sizeof(submissions) / sizeof(*submissions)));
	tcase_add_test(group, a_body_that_nobody_wants_is_cut);
	tcase_add_test(group, draining_turns_new_messages_away);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
