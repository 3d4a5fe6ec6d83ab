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

#define HELO "client.example.net"

static struct drive d;
static const char *helo = HELO;

static void
begin_chain(const char *chain, const char *settings)
{
	char text[1024];

	clock_freeze(WALL);
	drive_init(&d);
	drive_file(&d, "zone",
		"pool.example TXT \"v=spf1 ip4:203.0.113.0/24 ip4:198.51.100.0/24 -all\"\n"
		"weak.example TXT \"v=spf1 ip4:203.0.113.1 ~all\"\n"
		"helo.example TXT \"v=spf1 ip4:203.0.113.0/24 ip4:198.51.100.0/24 -all\"\n"
		"open.example TXT \"v=spf1 +all\"\n"
		"half.example TXT \"v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all\"\n");
	snprintf(text, sizeof(text),
		"dns { zone = zone }\nstore m { type = memory }\n"
		"map friends { entries = [ \"example.com x\", \"<> x\", \"abuse@ x\" ] }\n"
		"map clients { match = cidr; entries = [ \"192.0.2.0/30 x\" ] }\n"
		"profile other { port = [ 1 ]; chain = [ spf, access ] }\n"
		"profile all { chain = [ %s ] }\nplugin spf { fail = accept }\n"
		"map no { entries = [ \"no@example.net reject\" ] }\n"
		"plugin access { recipient = no }\n"
		"plugin greylist { %s }\n",
		chain, settings);
	drive_load(&d, text);
	drive_open(&d);
}

static void
begin(const char *settings)
{
	begin_chain("spf, greylist", settings);
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
	static char said[1024];

	chain_end_message(d.s);
	chain_close(d.s);
	session_free(d.s);
	drive_open(&d);
	drive_connect(&d, ip, "client.example.net", "25");
	drive_helo(&d, helo);
	ck_assert_msg(drive_mail(&d, sender, NULL, NULL) == CM_CONTINUE, "%s", drive_reply(&d));
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
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "passed");
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), "");
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "known");
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

/* A new triple, and its next attempt a minute later. */
static void
pass(const char *ip, const char *sender, const char *rcpt)
{
	ck_assert_str_eq(visit(ip, sender, rcpt), WAIT("60"));
	clock_advance(60 * CLOCK_SEC);
	ck_assert_str_eq(visit(ip, sender, rcpt), "");
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "passed");
}

START_TEST(network_that_passed_often_need_not_wait)
{
	char rcpt[32];

	begin("delay = 1min; auto_allow_after = 3");
	for (int i = 0; i < 3; i++) {
		snprintf(rcpt, sizeof(rcpt), "<b%d@example.net>", i);
		pass("2001:db8::1", "<a@example.org>", rcpt);
		clock_advance(3600 * CLOCK_SEC);
	}
	ck_assert_str_eq(visit("2001:db8::3", "<x@example.org>", "<y@example.net>"), "");
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "allowed");
	ck_assert_str_eq(
		visit("2001:db8:0:1::3", "<x@example.org>", "<y@example.net>"), WAIT("60"));
	end();
}
END_TEST

/* One message that came again says nothing of the next one, however many recipients it had. */
START_TEST(one_message_does_not_allow_its_network)
{
	char rcpt[32];

	begin("delay = 1min; auto_allow_after = 2");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 20; i++) {
			snprintf(rcpt, sizeof(rcpt), "<b%d@example.net>", i);
			ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", rcpt),
				round == 0 ? WAIT("60") : "");
		}
		clock_advance(60 * CLOCK_SEC);
	}
	ck_assert_str_eq(visit("192.0.2.1", "<x@example.org>", "<b@example.net>"), WAIT("60"));
	end();
}
END_TEST

/* An SPF pass must not make who comes from there wait. */
START_TEST(allowed_network_is_allowed_with_an_spf_pass)
{
	begin("delay = 1min; auto_allow_after = 1");
	pass("203.0.113.1", "<a@example.org>", "<b@example.net>");
	ck_assert_str_eq(visit("203.0.113.2", "<a@pool.example>", "<c@example.net>"), "");
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "allowed");
	ck_assert_str_eq(visit("198.51.100.1", "<a@pool.example>", "<c@example.net>"), WAIT("60"));
	end();
}
END_TEST

/* The site is a /24, and a /48 of IPv6, whatever networks count. */
static const struct {
	const char *name, *settings, *ips[3], *other;
} crowds[] = {
	{"one client", "", {"192.0.2.1", "192.0.2.1", "192.0.2.1"}, "192.0.3.1"},
	{"clients of a network", "key_prefix_v4 = 32", {"192.0.2.1", "192.0.2.2", "192.0.2.3"},
		"192.0.3.1"},
	{"a site with many networks", "", {"2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:ffff::1"},
		"2001:db8:1::1"},
};

START_TEST(site_does_not_fill_the_store)
{
	char settings[128], rcpt[32];

	snprintf(settings, sizeof(settings), "delay = 1min; retry_window = 1h; max_new = 2; %s",
		crowds[_i].settings);
	begin(settings);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3; i++) {
			snprintf(rcpt, sizeof(rcpt), "<b%d@example.net>", i);
			ck_assert_msg(strcmp(visit(crowds[_i].ips[i], "<a@example.org>", rcpt),
					      round == 0 || i == 2 ? WAIT("60") : "") == 0,
				"%s: round %d, recipient %d", crowds[_i].name, round, i);
		}
		clock_advance(60 * CLOCK_SEC);
	}
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "crowded");
	ck_assert_str_eq(cm_result(d.s, "greylist", "wait"), "60");
	pass(crowds[_i].other, "<a@example.org>", "<b2@example.net>");
	/* Later there is room again. */
	clock_advance(3600 * CLOCK_SEC);
	pass(crowds[_i].ips[2], "<a@example.org>", "<b2@example.net>");
	end();
}
END_TEST

/* Who has a wildcard in DNS has domains without end, and each of them has a pass. */
START_TEST(domains_of_a_client_are_one_crowd)
{
	begin("max_new = 1");
	ck_assert_str_eq(visit("203.0.113.1", "<a@pool.example>", "<b@example.net>"), WAIT("300"));
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "new");
	ck_assert_str_eq(visit("203.0.113.1", "<a@weak.example>", "<b@example.net>"), WAIT("300"));
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "crowded");
	end();
}
END_TEST

/* A message that is not finished, and another one, in the same connection. */
static const char *
again(const char *sender, const char *rcpt)
{
	static char said[1024];

	chain_end_message(d.s);
	ck_assert_msg(drive_mail(&d, sender, NULL, NULL) == CM_CONTINUE, "%s", drive_reply(&d));
	said[0] = '\0';
	if (drive_rcpt(&d, rcpt) == CM_TEMPFAIL)
		snprintf(said, sizeof(said), "%s", drive_reply(&d));
	return said;
}

START_TEST(recipients_wait_each_for_himself)
{
	begin("");
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), WAIT("300"));
	clock_advance(300 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), "");
	ck_assert_int_eq(drive_rcpt(&d, "<c@example.net>"), CM_TEMPFAIL);
	ck_assert_str_eq(drive_reply(&d), WAIT("300"));
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "new");
	ck_assert_str_eq(cm_result(d.s, "greylist", "wait"), "300");
	/* The same recipient twice is one. */
	ck_assert_int_eq(drive_rcpt(&d, "<b@example.net>"), CM_CONTINUE);
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "known");
	ck_assert_str_eq(cm_result(d.s, "greylist", "wait"), "0");
	ck_assert_int_eq(drive_content(&d, NULL, 0, "text"), CM_CONTINUE);
	end();
}
END_TEST

/* What a message has begun is not forgotten with it, and is nothing of the next one. */
START_TEST(message_given_up_counts)
{
	begin("");
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), WAIT("300"));
	ck_assert_str_eq(again("<a@example.org>", "<c@example.net>"), WAIT("300"));
	clock_advance(299 * CLOCK_SEC);
	ck_assert_str_eq(again("<a@example.org>", "<b@example.net>"),
		"451 4.7.1 Greylisted, try again in 1 second");
	clock_advance(CLOCK_SEC);
	ck_assert_str_eq(again("<a@example.org>", "<b@example.net>"), "");
	ck_assert_str_eq(again("<a@example.org>", "<b@example.net>"), "");
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "known");
	ck_assert_str_eq(again("<a@example.org>", "<c@example.net>"), "");
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "passed");
	end();
}
END_TEST

/* Each message of a list has another sender. */
START_TEST(numbers_of_a_sender_do_not_count)
{
	begin("");
	ck_assert_str_eq(
		visit("192.0.2.1", "<list-1-b=example.net@example.org>", "<b@example.net>"),
		WAIT("300"));
	clock_advance(300 * CLOCK_SEC);
	ck_assert_str_eq(
		visit("192.0.2.1", "<list-2-b=example.net@example.org>", "<b@example.net>"), "");
	ck_assert_str_eq(
		visit("192.0.2.1", "<list-3-c=example.net@example.org>", "<b@example.net>"),
		WAIT("300"));
	end();
}
END_TEST

/* A clock may be set by a day, and be set right again. */
START_TEST(clock_that_is_set_makes_nobody_wait_for_ever)
{
	begin("auto_allow_after = 0");
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), WAIT("300"));
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<c@example.net>"), WAIT("300"));
	clock_advance(300 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<c@example.net>"), "");
	clock_freeze(WALL - 86400);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), WAIT("300"));
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<c@example.net>"), "");
	clock_advance(300 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), "");
	clock_freeze(WALL + 86400);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), "");
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<d@example.net>"), WAIT("300"));
	clock_freeze(WALL + 2 * 86400);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<d@example.net>"), WAIT("300"));
	end();
}
END_TEST

/* remember is an hour; of the network, too, from its latest visit. */
START_TEST(allowed_network_is_forgotten_without_visits)
{
	begin("delay = 1min; remember = 1h; auto_allow_after = 1");
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), WAIT("60"));
	clock_advance(60 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), "");
	for (int i = 0; i < 3; i++) {
		clock_advance(50 * 60 * CLOCK_SEC);
		ck_assert_str_eq(visit("192.0.2.1", "<x@example.org>", "<y@example.net>"), "");
		ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "allowed");
	}
	clock_advance(61 * 60 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<x@example.org>", "<y@example.net>"), WAIT("60"));
	end();
}
END_TEST

/* Enough triples of a network must pass within remember. */
START_TEST(passes_of_long_ago_do_not_count)
{
	begin("delay = 1min; remember = 3h; auto_allow_after = 2");
	pass("192.0.2.1", "<a@example.org>", "<b@example.net>");
	clock_advance(3 * 3600 * CLOCK_SEC);
	pass("192.0.2.1", "<x@example.org>", "<b@example.net>");
	ck_assert_str_eq(visit("192.0.2.1", "<z@example.org>", "<b@example.net>"), WAIT("60"));
	clock_advance(3600 * CLOCK_SEC);
	pass("192.0.2.1", "<y@example.org>", "<b@example.net>");
	ck_assert_str_eq(visit("192.0.2.1", "<c@example.org>", "<b@example.net>"), "");
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "allowed");
	end();
}
END_TEST

static const struct {
	const char *name, *settings, *sender, *ip, *helo, *other_ip;
	bool same;
} sources[] = {
	{"a domain with a pass", "", "<a@pool.example>", "203.0.113.1", "x.example.net",
		"198.51.100.1", true},
	{"a domain of which nobody asks", "use_spf = no", "<a@pool.example>", "203.0.113.1",
		"x.example.net", "198.51.100.1", false},
	{"a domain that only says so", "", "<a@weak.example>", "203.0.113.2", "x.example.net",
		"198.51.100.1", false},
	{"a domain whose mail may come from anywhere", "", "<a@open.example>", "203.0.113.1",
		"x.example.net", "198.51.100.1", false},
	{"a domain whose mail may come from half of the world", "", "<a@half.example>",
		"203.0.113.1", "x.example.net", "198.51.100.1", false},
	{"a HELO name with a pass speaks for no sender", "", "<>", "203.0.113.1", "helo.example",
		"198.51.100.1", false},
	{"an IPv6 network", "", "<a@example.org>", "2001:db8::1", "x.example.net",
		"2001:db8::ffff:2", true},
	{"another IPv6 network", "", "<a@example.org>", "2001:db8::1", "x.example.net",
		"2001:db8:0:1::1", false},
	{"a longer IPv6 prefix", "key_prefix_v6 = 128", "<a@example.org>", "2001:db8::1",
		"x.example.net", "2001:db8::2", false},
	{"a shorter IPv4 prefix", "key_prefix_v4 = 16", "<a@example.org>", "192.0.2.1",
		"x.example.net", "192.0.99.9", true},
};

START_TEST(source_counts)
{
	char settings[128];

	snprintf(settings, sizeof(settings), "null_sender = rcpt; %s", sources[_i].settings);
	begin(settings);
	helo = sources[_i].helo;
	ck_assert_str_eq(visit(sources[_i].ip, sources[_i].sender, "<b@example.net>"), WAIT("300"));
	clock_advance(300 * CLOCK_SEC);
	ck_assert_msg((visit(sources[_i].other_ip, sources[_i].sender, "<b@example.net>")[0] ==
			      '\0') == sources[_i].same,
		"%s", sources[_i].name);
	helo = HELO;
	end();
}
END_TEST

/* Two links do not know each other's triples. */
START_TEST(links_know_for_themselves)
{
	clock_freeze(WALL);
	drive_init(&d);
	drive_load(&d, "store m { type = memory }\nprofile all { chain = [ one, two ] }\n"
		       "plugin one { type = greylist; delay = 1min }\n"
		       "plugin two { type = greylist; delay = 2min }\n");
	drive_open(&d);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), WAIT("60"));
	clock_advance(60 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), WAIT("120"));
	clock_advance(120 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), "");
	end();
}
END_TEST

/* --- the null sender --- */

/* Callouts ask no further than RCPT. */
START_TEST(null_sender_waits_at_data)
{
	begin("");
	ck_assert_str_eq(visit("192.0.2.1", "<>", "<b@example.net>"), "");
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "new");
	ck_assert_int_eq(drive_stage(&d, CM_STAGE_DATA), CM_TEMPFAIL);
	ck_assert_str_eq(drive_reply(&d), WAIT("300"));
	clock_advance(300 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<>", "<b@example.net>"), "");
	ck_assert_int_eq(drive_content(&d, NULL, 0, "text"), CM_CONTINUE);
	/* All recipients wait for the one who must. */
	ck_assert_str_eq(again("<>", "<b@example.net>"), "");
	ck_assert_int_eq(drive_rcpt(&d, "<c@example.net>"), CM_CONTINUE);
	ck_assert_int_eq(drive_stage(&d, CM_STAGE_DATA), CM_TEMPFAIL);
	/* The next message is not theirs. */
	ck_assert_str_eq(again("<>", "<b@example.net>"), "");
	ck_assert_int_eq(drive_content(&d, NULL, 0, "text"), CM_CONTINUE);
	end();
}
END_TEST

START_TEST(null_sender_waits_at_rcpt)
{
	begin("null_sender = rcpt");
	ck_assert_str_eq(visit("192.0.2.1", "<>", "<b@example.net>"), WAIT("300"));
	clock_advance(300 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<>", "<b@example.net>"), "");
	ck_assert_int_eq(drive_content(&d, NULL, 0, "text"), CM_CONTINUE);
	end();
}
END_TEST

/* Whom a later link refuses is not in the message, so nobody waits for him. */
START_TEST(null_sender_does_not_wait_for_who_was_refused)
{
	begin_chain("greylist, access", "skip_recipients = friends");
	visit("192.0.2.1", "<>", "<no@example.net>");
	ck_assert_int_eq(d.answer.verdict, CM_REJECT);
	ck_assert_int_eq(drive_rcpt(&d, "<b@example.com>"), CM_CONTINUE);
	ck_assert_int_eq(drive_rcpt(&d, "<no@example.net>"), CM_REJECT);
	ck_assert_int_eq(drive_content(&d, NULL, 0, "text"), CM_CONTINUE);
	ck_assert_str_eq(again("<>", "<b@example.com>"), "");
	ck_assert_int_eq(drive_rcpt(&d, "<b@example.net>"), CM_CONTINUE);
	ck_assert_int_eq(drive_stage(&d, CM_STAGE_DATA), CM_TEMPFAIL);
	end();
}
END_TEST

/* --- who need not wait --- */

static const struct {
	const char *name, *settings, *ip, *sender, *rcpt, *login;
	bool skipped;
} exempt[] = {
	{"a login", "", "192.0.2.1", "<a@example.org>", "<b@example.net>", "bob", true},
	{"no login, where they count", "skip_authenticated = no", "192.0.2.1", "<a@example.org>",
		"<b@example.net>", "bob", false},
	{"a trusted client", "", "127.0.0.1", "<a@example.org>", "<b@example.net>", NULL, true},
	{"no trusted client, where they count", "skip_trusted = no", "127.0.0.1", "<a@example.org>",
		"<b@example.net>", NULL, false},
	{"a network", "skip_for = [ 192.0.2.0/24 ]", "192.0.2.1", "<a@example.org>",
		"<b@example.net>", NULL, true},
	{"no client beside the network", "skip_for = [ 192.0.2.0/24 ]", "192.0.3.1",
		"<a@example.org>", "<b@example.net>", NULL, false},
	{"a client of a map", "skip_clients = clients", "192.0.2.1", "<a@example.org>",
		"<b@example.net>", NULL, true},
	{"no client beside the map", "skip_clients = clients", "192.0.2.4", "<a@example.org>",
		"<b@example.net>", NULL, false},
	{"a sender's domain", "skip_senders = friends", "192.0.2.1", "<a@example.com>",
		"<b@example.net>", NULL, true},
	{"no subdomain of it", "skip_senders = friends", "192.0.2.1", "<a@x.example.com>",
		"<b@example.net>", NULL, false},
	{"the null sender", "skip_senders = friends; null_sender = rcpt", "192.0.2.1", "<>",
		"<b@example.net>", NULL, true},
	{"a recipient's domain", "skip_recipients = friends", "192.0.2.1", "<a@example.org>",
		"<b@example.com>", NULL, true},
	{"a recipient's local part", "skip_recipients = friends", "192.0.2.1", "<a@example.org>",
		"<Abuse@example.net>", NULL, true},
	{"the local part alone", "skip_recipients = friends", "192.0.2.1", "<a@example.org>",
		"<abuse>", NULL, true},
	{"no other local part", "skip_recipients = friends", "192.0.2.1", "<a@example.org>",
		"<abuse2@example.net>", NULL, false},
	{"a local client", "", NULL, "<a@example.org>", "<b@example.net>", NULL, true},
};

START_TEST(some_need_not_wait)
{
	enum cm_verdict wanted = exempt[_i].skipped ? CM_CONTINUE : CM_TEMPFAIL;

	begin(exempt[_i].settings);
	drive_connect(&d, exempt[_i].ip, "client.example.net", "25");
	drive_helo(&d, "client.example.net");
	drive_mail(&d, exempt[_i].sender, exempt[_i].login, NULL);
	ck_assert_msg(drive_rcpt(&d, exempt[_i].rcpt) == wanted, "%s", exempt[_i].name);
	ck_assert_str_eq(
		cm_result(d.s, "greylist", "result"), exempt[_i].skipped ? "skipped" : "new");
	end();
}
END_TEST

/* An MTA that never tells who has logged in: nobody may be taken for a stranger. */
START_TEST(login_that_is_not_told_is_no_stranger)
{
	begin_chain("greylist", "");
	d.s->macros_asked = false;
	drive_connect(&d, "192.0.2.1", "client.example.net", "25");
	drive_helo(&d, "client.example.net");
	drive_mail(&d, "<a@example.org>", NULL, NULL);
	ck_assert_int_eq(drive_rcpt(&d, "<b@example.net>"), CM_TEMPFAIL);
	ck_assert_str_eq(cm_result(d.s, "greylist", "result"), "unknown");
	ck_assert_ptr_null(strstr(drive_reply(&d), "Greylisted"));
	end();
}
END_TEST

/* --- hostile --- */

/* Who writes long addresses waits as everybody does, and each address for itself. */
START_TEST(long_address_waits)
{
	char sender[400], other[400];
	size_t len = sizeof(sender) - 20;

	begin_chain("greylist", "");
	memset(sender, '/', sizeof(sender));
	sender[0] = '<';
	strcpy(sender + len, "@example.org>");
	memcpy(other, sender, sizeof(sender));
	other[len - 1] = 'x';
	ck_assert_str_eq(visit("192.0.2.1", sender, "<b@example.net>"), WAIT("300"));
	clock_advance(300 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", other, "<b@example.net>"), WAIT("300"));
	ck_assert_str_eq(visit("192.0.2.1", sender, "<b@example.net>"), "");
	end();
}
END_TEST

static const char *const odd_paths[] = {"<\"\"@example.org>", "<a/b%00@example.org>",
	"<\"a b\"@example.org>", "<prvs==@example.org>", "<SRS0=@example.org>", "<a@[192.0.2.1]>",
	"<\xc3\xa4@example.org>"};

START_TEST(odd_address_waits_and_passes)
{
	begin_chain("greylist", "null_sender = rcpt");
	ck_assert_str_eq(visit("192.0.2.1", odd_paths[_i], odd_paths[_i]), WAIT("300"));
	clock_advance(300 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", odd_paths[_i], odd_paths[_i]), "");
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
	tcase_add_test(tc, one_message_does_not_allow_its_network);
	tcase_add_test(tc, allowed_network_is_allowed_with_an_spf_pass);
	tcase_add_loop_test(tc, site_does_not_fill_the_store, 0, LENGTH(crowds));
	tcase_add_test(tc, domains_of_a_client_are_one_crowd);
	tcase_add_test(tc, recipients_wait_each_for_himself);
	tcase_add_test(tc, message_given_up_counts);
	tcase_add_test(tc, numbers_of_a_sender_do_not_count);
	tcase_add_test(tc, clock_that_is_set_makes_nobody_wait_for_ever);
	tcase_add_test(tc, allowed_network_is_forgotten_without_visits);
	tcase_add_test(tc, passes_of_long_ago_do_not_count);
	tcase_add_loop_test(tc, source_counts, 0, LENGTH(sources));
	tcase_add_test(tc, links_know_for_themselves);
	tcase_add_test(tc, null_sender_waits_at_data);
	tcase_add_test(tc, null_sender_waits_at_rcpt);
	tcase_add_test(tc, null_sender_does_not_wait_for_who_was_refused);
	tcase_add_loop_test(tc, some_need_not_wait, 0, LENGTH(exempt));
	tcase_add_test(tc, login_that_is_not_told_is_no_stranger);
	tcase_add_test(tc, long_address_waits);
	tcase_add_loop_test(tc, odd_address_waits_and_passes, 0, LENGTH(odd_paths));
	tcase_add_test(tc, delay_must_fit_into_the_window);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
