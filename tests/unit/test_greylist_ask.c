/* SPDX-License-Identifier: MIT */
/*
 * test_greylist_ask.c - greylist(m, { delay = ... }) in a rule, with the plugin itself
 */
#include "base/clock.h"
#include "script_case.h"
#include "table.h"

static struct rule r;

static void
setup(void)
{
	rule_init(&r);
	clock_freeze(1800000000);
}

static void
teardown(void)
{
	clock_thaw();
	rule_fini(&r);
}

static void
load(const char *code, const char *settings)
{
	char dir[PATH_MAX], *text = NULL;

	drive_plugin_dir(dir, false);
	drive_file(&r.d, "scripts/x.lua", code);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "store local { type = memory }\n"
				 "profile p { chain = [ x ] }\n"
				 "plugin greylist { use_spf = no; %s }\n"
				 "script x { file = scripts/x.lua }\n",
				 dir, settings),
		0);
	drive_load_text(&r.d, text);
	free(text);
	ck_assert_msg(r.d.g != NULL && r.d.mistakes[0] == '\0', "%s", r.d.mistakes);
}

struct visit {
	int64_t after; /* seconds since the one before */
	const char *ip, *login, *from, *rcpt, *second;
	const char *want;
};

#define ANN   "<ann@example.org>"
#define BOB   "<bob@example.com>"
#define CAROL "<carol@example.com>"
#define IP    "203.0.113.7"

static void
close_session(void)
{
	if (r.d.s == NULL)
		return;
	chain_end_message(r.d.s);
	chain_close(r.d.s);
	session_free(r.d.s);
	r.d.s = NULL;
}

static const char *
pay(const struct visit *v)
{
	enum cm_verdict verdict;

	clock_advance(v->after * CLOCK_SEC);
	close_session();
	drive_open(&r.d);
	drive_connect(&r.d, v->ip, "mail.example.org", "25");
	drive_helo(&r.d, "mail.example.org");
	verdict = drive_mail(&r.d, v->from, v->login, NULL);
	if (verdict == CM_CONTINUE)
		verdict = drive_rcpt(&r.d, v->rcpt);
	if (verdict == CM_CONTINUE && v->second != NULL)
		verdict = drive_rcpt(&r.d, v->second);
	if (verdict == CM_CONTINUE)
		verdict = drive_content(&r.d, rule_fields, 4, "hello\r\n");
	return rule_outcome(&r, verdict);
}

#define AT_MESSAGE "function message(m) return greylist(m, { delay = '10min' }) end\n"
#define AT_RCPT	   "function rcpt(m) return greylist(m) end\n"

#define WAIT(n) "451 4.7.1 Greylisted, try again in " n " seconds"

static const struct {
	const char *code, *settings;
	struct visit visits[5];
} stories[] = {
	/* the rule's delay counts */
	{AT_MESSAGE, "",
		{{0, IP, NULL, ANN, BOB, NULL, WAIT("600")},
			{300, IP, NULL, ANN, BOB, NULL, WAIT("300")},
			{300, IP, NULL, ANN, BOB, NULL, "continue"},
			{1, IP, NULL, ANN, BOB, NULL, "continue"}}},
	{AT_RCPT, "delay = 1min",
		{{0, IP, NULL, ANN, BOB, NULL, WAIT("60")},
			{60, IP, NULL, ANN, BOB, NULL, "continue"}}},
	/* of several recipients the one who must wait longest */
	{AT_MESSAGE, "",
		{{0, IP, NULL, ANN, BOB, NULL, WAIT("600")},
			{500, IP, NULL, ANN, BOB, CAROL, WAIT("600")},
			{100, IP, NULL, ANN, BOB, CAROL, WAIT("500")},
			{500, IP, NULL, ANN, BOB, CAROL, "continue"}}},
	/* who need not wait */
	{AT_MESSAGE, "", {{0, IP, "bob", ANN, BOB, NULL, "continue"}}},
	{AT_MESSAGE, "skip_for = [ 203.0.113.0/24 ]", {{0, IP, NULL, ANN, BOB, NULL, "continue"}}},
	/* a callout is answered; the message is not */
	{"function rcpt(m) return greylist(m) end\nfunction data(m) return greylist(m) end\n", "",
		{{0, IP, NULL, "<>", BOB, NULL, WAIT("300")},
			{300, IP, NULL, "<>", BOB, NULL, "continue"}}},
	{AT_RCPT, "", {{0, IP, NULL, "<>", BOB, NULL, "continue"}}},
	{AT_RCPT, "null_sender = rcpt", {{0, IP, NULL, "<>", BOB, NULL, WAIT("300")}}},
	/* only some mail */
	{"function headers(m)\n"
	 "  if m.from.domain == 'example.org' then return greylist(m, { delay = '1min' }) end\n"
	 "end\n",
		"",
		{{0, IP, NULL, "<eve@example.net>", BOB, NULL, "continue"},
			{0, IP, NULL, ANN, BOB, NULL, WAIT("60")}}},
	/* mistakes */
	{"function mail(m) return greylist(m) end\n", "",
		{{0, IP, NULL, ANN, BOB, NULL,
			"failed: scripts/x.lua:1: greylist(): there is no recipient yet; ask at "
			"rcpt, data, headers or message*"}}},
	{"function rcpt(m) return greylist(m, { delay = '5h' }) end\n", "",
		{{0, IP, NULL, ANN, BOB, NULL,
			"failed: scripts/x.lua:1: greylist(): delay is as long as retry_window*"}}},
	{"function rcpt(m) return greylist(m, { dely = '5h' }) end\n", "",
		{{0, IP, NULL, ANN, BOB, NULL,
			"failed: scripts/x.lua: rcpt() (lines 1-1): greylist(): unknown "
			"setting*"}}},
};

START_TEST(visits_end_so)
{
	load(stories[_i].code, stories[_i].settings);
	for (size_t i = 0; i < 5 && stories[_i].visits[i].ip != NULL; i++)
		rule_expect(pay(&stories[_i].visits[i]), stories[_i].visits[i].want);
	close_session();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("greylist_ask");
	TCase *tc = tcase_create("ask");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, visits_end_so, 0, LENGTH(stories));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
