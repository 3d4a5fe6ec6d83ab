/* SPDX-License-Identifier: MIT */
/*
 * test_greylist.c - plugin greylist: who comes for the first time, and who comes again
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "drive.h"
#include "table.h"

#define WALL 1800000000

static struct drive d;

static void
begin(const char *settings)
{
	char text[1024];

	clock_freeze(WALL);
	drive_init(&d);
	drive_file(&d, "zone",
		"pool.example TXT \"v=spf1 ip4:203.0.113.0/24 ip4:198.51.100.0/24 -all\"\n");
	snprintf(text, sizeof(text),
		"dns { zone = zone }\nstore m { type = memory }\n"
		"map friends { entries = [ \"example.com x\", \"<> x\" ] }\n"
		"profile all { chain = [ spf, greylist ] }\nplugin spf { fail = accept }\n"
		"plugin greylist { %s }\n",
		settings);
	drive_load(&d, text);
	drive_open(&d);
}

static void
end(void)
{
	drive_fini(&d);
	clock_thaw();
}

/* What the recipient is told; "" when it is taken. */
static const char *
visit(const char *ip, const char *sender, const char *rcpt)
{
	static char said[256];

	chain_end_message(d.s);
	chain_close(d.s);
	session_free(d.s);
	drive_open(&d);
	drive_connect(&d, ip, "client.example.net", "25");
	drive_helo(&d, "client.example.net");
	ck_assert_int_eq(drive_mail(&d, sender, NULL, NULL), CM_CONTINUE);
	said[0] = '\0';
	if (drive_rcpt(&d, rcpt) == CM_TEMPFAIL)
		snprintf(said, sizeof(said), "%s", drive_reply(&d));
	return said;
}

#define WAIT(n) "451 4.7.1 Greylisted, try again in " n " seconds"

START_TEST(who_comes_again_passes)
{
	begin("");
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), WAIT("300"));
	clock_advance(100 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), WAIT("200"));
	/* From the same network, in another spelling. */
	clock_advance(199 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.99", "<a@EXAMPLE.org>", "<b@example.net>"),
		"451 4.7.1 Greylisted, try again in 1 second");
	clock_advance(CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.99", "<a@example.org>", "<b@example.net>"), "");
	ck_assert_str_eq(session_result(d.s, "greylist", "result"), "passed");
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), "");
	ck_assert_str_eq(session_result(d.s, "greylist", "result"), "known");
	/* Others wait for themselves. */
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<c@example.net>"), WAIT("300"));
	ck_assert_str_eq(visit("192.0.2.1", "<x@example.org>", "<b@example.net>"), WAIT("300"));
	ck_assert_str_eq(visit("192.0.3.1", "<a@example.org>", "<b@example.net>"), WAIT("300"));
	end();
}
END_TEST

START_TEST(who_comes_too_late_is_new)
{
	begin("delay = 1min; retry_window = 1h; remember = 2h");
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), WAIT("60"));
	clock_advance(61 * 60 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), WAIT("60"));
	clock_advance(60 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), "");
	/* Each visit renews it; without one it is forgotten. */
	for (int i = 0; i < 3; i++) {
		clock_advance(119 * 60 * CLOCK_SEC);
		ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), "");
	}
	clock_advance(121 * 60 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), WAIT("60"));
	end();
}
END_TEST

START_TEST(network_that_passed_often_need_not_wait)
{
	char rcpt[32];

	begin("delay = 1min; auto_allow_after = 3");
	for (int i = 0; i < 3; i++) {
		snprintf(rcpt, sizeof(rcpt), "<b%d@example.net>", i);
		ck_assert_str_eq(visit("2001:db8::1", "<a@example.org>", rcpt), WAIT("60"));
	}
	clock_advance(60 * CLOCK_SEC);
	for (int i = 0; i < 3; i++) {
		snprintf(rcpt, sizeof(rcpt), "<b%d@example.net>", i);
		ck_assert_str_eq(visit("2001:db8::2", "<a@example.org>", rcpt), "");
	}
	ck_assert_str_eq(visit("2001:db8::3", "<x@example.org>", "<y@example.net>"), "");
	ck_assert_str_eq(session_result(d.s, "greylist", "result"), "allowed");
	ck_assert_str_eq(
		visit("2001:db8:0:1::3", "<x@example.org>", "<y@example.net>"), WAIT("60"));
	end();
}
END_TEST

/* A provider's servers are one, however far their addresses are from each other. */
START_TEST(spf_domain_counts_for_the_network)
{
	begin("delay = 1min");
	ck_assert_str_eq(visit("203.0.113.1", "<a@pool.example>", "<b@example.net>"), WAIT("60"));
	clock_advance(60 * CLOCK_SEC);
	ck_assert_str_eq(visit("198.51.100.1", "<a@pool.example>", "<b@example.net>"), "");
	/* Not for who only says so. */
	ck_assert_str_eq(visit("192.0.2.1", "<a@pool.example>", "<b@example.net>"), WAIT("60"));
	end();
}
END_TEST

START_TEST(null_sender_waits_at_data)
{
	begin("");
	ck_assert_str_eq(visit("192.0.2.1", "<>", "<b@example.net>"), "");
	ck_assert_int_eq(drive_stage(&d, CM_STAGE_DATA), CM_TEMPFAIL);
	ck_assert_str_eq(drive_reply(&d), WAIT("300"));
	end();
}
END_TEST

static const struct {
	const char *name, *settings, *ip, *sender, *rcpt, *login;
} exempt[] = {
	{"a login", "", "192.0.2.1", "<a@example.org>", "<b@example.net>", "bob"},
	{"a trusted client", "", "127.0.0.1", "<a@example.org>", "<b@example.net>", NULL},
	{"a network", "skip_for = [ 192.0.2.0/24 ]", "192.0.2.1", "<a@example.org>",
		"<b@example.net>", NULL},
	{"a sender's domain", "skip_senders = friends", "192.0.2.1", "<a@example.com>",
		"<b@example.net>", NULL},
	{"the null sender", "skip_senders = friends", "192.0.2.1", "<>", "<b@example.net>", NULL},
	{"a recipient's domain", "skip_recipients = friends", "192.0.2.1", "<a@example.org>",
		"<b@example.com>", NULL},
	{"a local client", "", NULL, "<a@example.org>", "<b@example.net>", NULL},
};

START_TEST(some_need_not_wait)
{
	begin(exempt[_i].settings);
	drive_connect(&d, exempt[_i].ip, "client.example.net", "25");
	drive_helo(&d, "client.example.net");
	drive_mail(&d, exempt[_i].sender, exempt[_i].login, NULL);
	ck_assert_msg(drive_rcpt(&d, exempt[_i].rcpt) == CM_CONTINUE, "%s", exempt[_i].name);
	ck_assert_ptr_null(session_result(d.s, "greylist", "result"));
	end();
}
END_TEST

START_TEST(delay_must_fit_into_the_window)
{
	char dir[PATH_MAX], text[PATH_MAX + 256];

	drive_init(&d);
	drive_plugin_dir(dir, false);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\" }\nlistener l { socket = inet:10025@127.0.0.1 }\nstore "
		"m { type = memory }\n"
		"profile p { chain = [ greylist ] }\nplugin greylist { delay = 4h }\n",
		dir);
	drive_load_text(&d, text);
	ck_assert_ptr_null(d.g);
	ck_assert_ptr_nonnull(strstr(d.mistakes, "delay is as long as retry_window"));
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("greylist");
	TCase *tc = tcase_create("greylist");

	tcase_add_test(tc, who_comes_again_passes);
	tcase_add_test(tc, who_comes_too_late_is_new);
	tcase_add_test(tc, network_that_passed_often_need_not_wait);
	tcase_add_test(tc, spf_domain_counts_for_the_network);
	tcase_add_test(tc, null_sender_waits_at_data);
	tcase_add_loop_test(tc, some_need_not_wait, 0, LENGTH(exempt));
	tcase_add_test(tc, delay_must_fit_into_the_window);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
