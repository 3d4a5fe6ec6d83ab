/* SPDX-License-Identifier: MIT */
/*
 * test_script_examples.c - the rules of scripts/ that count, wait or ask, as their comments say
 *
 * Each row is a step of one story, and the clock moves only where a row says so. Those that need
 * neither clock nor store have transcripts.
 */
#include "base/clock.h"
#include "script_case.h"
#include "table.h"

#define NOON 1750000000

static const char zone[] = "_dmarc.none.example TXT \"v=DMARC1; p=none\"\n"
			   "_dmarc.strict.example TXT \"v=DMARC1; p=reject\"\n"
			   "soft.example TXT \"v=spf1 ip4:192.0.2.0/24 ~all\"\n"
			   "hard.example TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
			   "7.113.0.203.one.example A 127.0.0.2\n"
			   "8.113.0.203.one.example A 127.0.0.2\n"
			   "8.113.0.203.two.example A 127.0.0.4\n"
			   "9.113.0.203.one.example A 127.255.255.254\n"
			   "9.113.0.203.two.example A 127.0.0.4\n"
			   "10.113.0.203.one.example timeout\n"
			   "10.113.0.203.two.example A 127.0.0.4\n";

/* One message, or after some time the next one. */
struct step {
	const char *name;
	int wait_min; /* minutes that pass before */
	const char *ip, *login, *from;
	int rcpts;	     /* that were taken before the last of them, which gets the answer */
	const char *outcome; /* as rule_outcome() says */
	const char *mark;    /* a field that is changed or added; NULL: none */
};

static const struct story {
	const char *script, *chain, *sections, *settings;
	struct step steps[10]; /* end with a row without a name */
} stories[] = {
	{"outbound_limit", "outbound_limit", "", "limit = \"4/1h\"; warn_at = 50",
		{
			{"Three recipients are taken", 0, "203.0.113.7", "ann", "<ann@example.org>",
				3, "continue", NULL},
			{"The fourth is the last", 0, "203.0.113.7", "ann", "<ann@example.org>", 2,
				"450 4.7.1 You have had 4 recipients, try again in 15 minutes",
				NULL},
			{"Another login has its own", 0, "203.0.113.7", "bob", "<bob@example.org>",
				4, "continue", NULL},
			{"Strangers are not counted", 0, "203.0.113.7", NULL, "<a@example.org>", 9,
				"continue", NULL},
			{"An hour later she may again", 61, "203.0.113.7", "ann",
				"<ann@example.org>", 4, "continue", NULL},
		}},
	{"tag_subject", "spf, dkim, dmarc, tag_subject",
		"plugin spf { fail = accept }\nplugin dkim { }\nplugin dmarc { }\n",
		"tag = \"[UNVERIFIED] \"",
		{
			{"The author's domain lets all pass", 0, "203.0.113.7", NULL,
				"<x@forger.example>", 1, "continue", "[UNVERIFIED] hello"},
			{"Whoever has logged in is known", 0, "203.0.113.7", "ann",
				"<x@forger.example>", 1, "continue", NULL},
			{"A client in the networks that are trusted is known", 0, "10.0.0.1", NULL,
				"<x@forger.example>", 1, "continue", NULL},
		}},
	{"soft_and_unsigned", "spf, dkim, soft_and_unsigned",
		"plugin spf { fail = accept; softfail = accept }\nplugin dkim { }\n"
		"plugin greylist { use_spf = no }\n",
		"delay = 10min",
		{
			{"The domain doubts the client", 0, "203.0.113.7", NULL, "<a@soft.example>",
				1, "451 4.7.1 *", NULL},
			{"It comes too soon", 5, "203.0.113.7", NULL, "<a@soft.example>", 1,
				"451 4.7.1 *", NULL},
			{"It has waited", 6, "203.0.113.7", NULL, "<a@soft.example>", 1, "continue",
				NULL},
			{"Another domain is sure, which is not this rule's", 0, "203.0.113.7", NULL,
				"<a@hard.example>", 1, "continue", NULL},
			{"The domain vouches for the client", 0, "192.0.2.7", NULL,
				"<b@soft.example>", 1, "continue", NULL},
			{"Whoever has logged in need not wait", 0, "203.0.113.7", "ann",
				"<c@soft.example>", 1, "continue", NULL},
		}},
	{"custom_dnsbl", "custom_dnsbl", "", "zones = [ one.example, two.example ]",
		{
			{"Nobody lists the client", 0, "203.0.113.1", NULL, "<a@x.example>", 1,
				"continue", NULL},
			{"One lists it", 0, "203.0.113.7", NULL, "<a@x.example>", 1, "continue",
				"one.example"},
			{"Both list it", 0, "203.0.113.8", NULL, "<a@x.example>", 0,
				"550 5.7.1 Client host [203.0.113.8] is listed by one.example and "
				"two.example",
				NULL},
			{"One that refuses to serve us lists nobody", 0, "203.0.113.9", NULL,
				"<a@x.example>", 1, "continue", "two.example"},
			{"One that does not answer lists nobody", 0, "203.0.113.10", NULL,
				"<a@x.example>", 1, "continue", "two.example"},
			{"Whoever has logged in is not asked for", 0, "203.0.113.8", "ann",
				"<a@x.example>", 1, "continue", NULL},
		}},
	{"watch_accounts", "watch_accounts", "", "networks = 2; closed = 12h",
		{
			{"From one network", 0, "203.0.113.7", "ann", "<a@x.example>", 1,
				"continue", NULL},
			{"From the same network", 0, "203.0.113.9", "ann", "<a@x.example>", 1,
				"continue", NULL},
			{"From another network, of IPv6", 0, "2001:db8:1:2::1", "ann",
				"<a@x.example>", 1, "continue", NULL},
			{"From a third", 0, "198.51.100.1", "ann", "<a@x.example>", 0,
				"550 5.7.1 Account closed for now, please contact your "
				"administrator",
				NULL},
			{"From the first again", 60, "203.0.113.7", "ann", "<a@x.example>", 0,
				"550 5.7.1 Account closed for now, *", NULL},
			{"Another login is not closed", 0, "198.51.100.1", "bob", "<b@x.example>",
				1, "continue", NULL},
			{"Twelve hours later it is open, and counts anew", 661, "198.51.100.1",
				"ann", "<a@x.example>", 1, "continue", NULL},
		}},
	{"watch_accounts", "watch_accounts, refuses",
		"script refuses { file = scripts/refuses.lua }\n", "refusals = 3",
		{
			{"A message is refused", 0, "203.0.113.7", "ann", "<bad@x.example>", 0,
				"550 5.7.1 no", NULL},
			{"Another one", 1, "203.0.113.7", "ann", "<bad@x.example>", 0,
				"550 5.7.1 no", NULL},
			{"A good one is taken", 1, "203.0.113.7", "ann", "<good@x.example>", 1,
				"continue", NULL},
			{"The third is one too many", 1, "203.0.113.7", "ann", "<bad@x.example>", 0,
				"550 5.7.1 no", NULL},
			{"Not even a good one is taken", 1, "203.0.113.7", "ann",
				"<good@x.example>", 0, "550 5.7.1 Account closed for now, *", NULL},
			{"Half a day later it is", 720, "203.0.113.7", "ann", "<good@x.example>", 1,
				"continue", NULL},
		}},
};

static const struct cm_header fields[] = {
	{"From", " Ann <ann@none.example>"},
	{"Subject", " hello"},
};

static struct rule r;

static void
setup(void)
{
	clock_freeze(NOON);
	rule_init(&r);
	drive_file(&r.d, "zone", zone);
	drive_file(&r.d, "scripts/refuses.lua",
		"function mail(m, from) if from.user == 'bad' then return reject('no') end end\n");
}

static void
teardown(void)
{
	rule_fini(&r);
	clock_thaw();
}

static void
load(const struct story *story)
{
	char plugins[PATH_MAX], script[PATH_MAX], name[128];
	char *text = NULL;

	drive_plugin_dir(plugins, false);
	snprintf(name, sizeof(name), "scripts/%s.lua", story->script);
	ck_assert_msg(realpath(name, script) != NULL, "there is no %s here", name);
	ck_assert_int_gt(asprintf(&text,
				 "main { authserv_id = mx.test; trusted_networks = [ 10.0.0.0/8 ]; "
				 "plugin_dir = \"%s\" }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "dns { zone = zone }\nstore local { type = memory }\n"
				 "profile p { chain = [ %s ] }\n%s"
				 "script %s { file = \"%s\"; settings { %s } }\n",
				 plugins, story->chain, story->sections, story->script, script,
				 story->settings),
		0);
	drive_load_text(&r.d, text);
	free(text);
	ck_assert_msg(r.d.g != NULL, "%s", r.d.mistakes);
}

static enum cm_verdict
send_message(const struct step *step)
{
	enum cm_verdict v;

	drive_connect(&r.d, step->ip, "client.example.org", "587");
	drive_helo(&r.d, "client.example.org");
	v = drive_mail(&r.d, step->from, step->login, "TLSv1.3");
	for (int i = 0; i < step->rcpts && v == CM_CONTINUE; i++) {
		char to[64];

		snprintf(to, sizeof(to), "<to%d@example.net>", i);
		v = drive_rcpt(&r.d, to);
	}
	return v == CM_CONTINUE ? drive_content(&r.d, fields, 2, "text\r\n") : v;
}

/* The first field of the header that is changed or added; NULL: none is. */
static const char *
mark(void)
{
	for (size_t i = 0; i < r.d.answer.edit_count; i++) {
		const struct edit *e = r.d.answer.edits[i];

		if (e->kind == EDIT_SET_HEADER || e->kind == EDIT_ADD_HEADER)
			return e->value;
	}
	return NULL;
}

/* A '*' at the end stands for the rest. */
static bool
ends_so(const char *got, const char *want)
{
	size_t len = strlen(want);

	return want[len - 1] == '*' ? strncmp(got, want, len - 1) == 0 : strcmp(got, want) == 0;
}

static void
take_step(const struct story *story, const struct step *step)
{
	const char *got, *marked;
	enum cm_verdict v;

	if (step->wait_min > 0)
		clock_advance(step->wait_min * 60 * CLOCK_SEC);
	drive_open(&r.d);
	v = send_message(step);
	got = rule_outcome(&r, v);
	ck_assert_msg(ends_so(got, step->outcome), "%s: %s: want %s, got %s", story->script,
		step->name, step->outcome, got);
	marked = mark();
	ck_assert_msg((marked == NULL) == (step->mark == NULL) &&
			      (marked == NULL || strcmp(marked, step->mark) == 0),
		"%s: %s: marked %s", story->script, step->name, marked);
	chain_end_message(r.d.s);
	chain_close(r.d.s);
	session_free(r.d.s);
	r.d.s = NULL;
}

START_TEST(story_goes_as_its_rule_says)
{
	const struct story *story = &stories[_i];

	load(story);
	for (const struct step *step = story->steps; step->name != NULL; step++)
		take_step(story, step);
}
END_TEST

/* What a story leaves in the log. */
static const struct {
	int story;
	const char *line;
	int times;
} lines[] = {
	{0, "login is near its limit limit=4 login=ann used=2", 2},
	{0, "login is near its limit limit=4 login=bob", 1},
	{3, "a list does not answer list=one.example why=timeout", 1},
	{4, "account closed duration=12h login=ann why=\"used from 3 networks within a day\"", 1},
	{5, "account closed duration=12h login=ann why=\"3 refused messages within 10 minutes\"",
		1},
};

START_TEST(log_has_it_once)
{
	const struct story *story = &stories[lines[_i].story];
	int times = 0;

	load(story);
	for (const struct step *step = story->steps; step->name != NULL; step++)
		take_step(story, step);
	for (const char *at = rule_log(&r); (at = strstr(at, lines[_i].line)) != NULL; at++)
		times++;
	ck_assert_msg(
		times == lines[_i].times, "%s: %d times in\n%s", lines[_i].line, times, r.text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("script_examples");
	TCase *tc = tcase_create("stories");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, story_goes_as_its_rule_says, 0, LENGTH(stories));
	tcase_add_loop_test(tc, log_has_it_once, 0, LENGTH(lines));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
