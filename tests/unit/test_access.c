/* SPDX-License-Identifier: MIT */
/*
 * test_access.c - plugin access: keys, actions, and what becomes of the mail
 */
#include <stdio.h>

#include "base/clock.h"
#include "drive.h"
#include "table.h"

/* One map for all texts: what is asked for tells which lookups there are. */
static const char conf[] = "map texts { source = texts }\n"
			   "map clients { source = clients; match = cidr }\n"
			   "profile all { chain = [ access ] }\n"
			   "plugin access { %s }\n";

static void
begin(struct drive *d, const char *options, const char *texts, const char *clients)
{
	char text[1024];

	drive_init(d);
	drive_file(d, "texts", texts);
	drive_file(d, "clients", clients);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), conf, options);
#pragma GCC diagnostic pop
	drive_load(d, text);
	drive_open(d);
}

/* Right-hand sides, by what MAIL of <a@example.org> is told. */
static const struct {
	const char *value;
	enum cm_verdict verdict;
	const char *reply;
} actions[] = {
	{"reject", CM_REJECT, "550 5.7.1 <a@example.org>: Sender address rejected: Access denied"},
	{"REJECT", CM_REJECT, "550 5.7.1 <a@example.org>: Sender address rejected: Access denied"},
	{"reject Go away", CM_REJECT, "550 5.7.1 Go away"},
	{"reject 554 Go away", CM_REJECT, "554 5.7.1 Go away"},
	{"reject 5.7.25 Go away", CM_REJECT, "550 5.7.25 Go away"},
	{"Reject 554 5.1.8 Go  away", CM_REJECT, "554 5.1.8 Go  away"},
	{"reject 554", CM_REJECT,
		"554 5.7.1 <a@example.org>: Sender address rejected: Access denied"},
	{"reject 100% sure", CM_REJECT, "550 5.7.1 100% sure"},
	{"reject 3 strikes", CM_REJECT, "550 5.7.1 3 strikes"},
	{"tempfail", CM_TEMPFAIL,
		"451 4.7.1 <a@example.org>: Sender address rejected: Access denied"},
	{"tempfail 450 4.2.1 Later", CM_TEMPFAIL, "450 4.2.1 Later"},
	{"DEFER Later", CM_TEMPFAIL, "451 4.7.1 Later"},
	{"550 No", CM_REJECT, "550 5.7.1 No"},
	{"550 5.1.8 No", CM_REJECT, "550 5.1.8 No"},
	{"450 Later", CM_TEMPFAIL, "450 4.7.1 Later"},
	{"421 4.7.0 Closing", CM_TEMPFAIL, "421 4.7.0 Closing"},
	{"554", CM_REJECT, "554 5.7.1 <a@example.org>: Sender address rejected: Access denied"},
	{"discard", CM_DISCARD, ""},
	{"DISCARD silently", CM_DISCARD, ""},
	{"dunno", CM_CONTINUE, ""},
	{"DUNNO", CM_CONTINUE, ""},
	{"quarantine a person should look", CM_CONTINUE, ""},
	{"HOLD", CM_CONTINUE, ""},
};

#define NO_ACTION "no action (accept reject tempfail discard quarantine dunno 4yz 5yz)"
#define BEYOND	  "an action of Postfix that a filter cannot do"
#define NOT_SOFT  "tempfail goes with a code 4yz, reject with 5yz"

/* Those that are no action, and why. */
static const struct {
	const char *value, *why;
} nonsense[] = {
	{"rejekt", NO_ACTION},
	{"yes", NO_ACTION},
	{"rejected", NO_ACTION},
	{"55 x", NO_ACTION},
	{"5500 x", NO_ACTION},
	{"12345", NO_ACTION},
	{"FILTER smtp:x", BEYOND},
	{"warn me", BEYOND},
	{"reject 450 4.7.1 x", "reject goes with a code 5yz"},
	{"reject 450 foo", "reject goes with a code 5yz"},
	{"reject 554 4.7.1 x", "reject and 5yz go with a status 5.y.z"},
	{"reject 4.7.1 x", "reject and 5yz go with a status 5.y.z"},
	{"550 4.7.1 x", "reject and 5yz go with a status 5.y.z"},
	{"tempfail 550 x", NOT_SOFT},
	{"250 2.0.0 ok", NOT_SOFT},
	{"600 x", NOT_SOFT},
	{"tempfail 5.7.1 x", "tempfail and 4yz go with a status 4.y.z"},
};

static void
mail_with(struct drive *d, const char *value)
{
	char texts[256];

	snprintf(texts, sizeof(texts), "a@example.org %s\n", value);
	begin(d, "sender = texts", texts, "");
	drive_connect(d, "192.0.2.1", "client.example.net", "25");
	drive_helo(d, "client.example.net");
	drive_mail(d, "<a@example.org>", NULL, NULL);
}

START_TEST(right_hand_sides)
{
	struct drive d;

	mail_with(&d, actions[_i].value);
	ck_assert_msg(d.answer.verdict == actions[_i].verdict, "%s: %s", actions[_i].value,
		verdict_name(d.answer.verdict));
	ck_assert_str_eq(drive_reply(&d), actions[_i].reply);
	drive_fini(&d);
}
END_TEST

static const char head[] = "main { plugin_dir = \"%s\" }\nplugin access { sender = texts }\n"
			   "profile all { chain = [ access ] }\n";

/* A configuration that is refused, with lines from 4 on behind it. */
static void
begin_refused(struct drive *d, const char *sections, const char *texts)
{
	char dir[PATH_MAX], text[PATH_MAX + 512];
	int len;

	drive_plugin_dir(dir, false);
	drive_init(d);
	drive_file(d, "texts", texts);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	len = snprintf(text, sizeof(text), head, dir);
#pragma GCC diagnostic pop
	snprintf(text + len, sizeof(text) - (size_t)len, "%s", sections);
	drive_load_text(d, text);
	ck_assert_ptr_null(d->g);
}

START_TEST(no_action_is_refused)
{
	char texts[256], wanted[512];
	struct drive d;

	snprintf(texts, sizeof(texts), "b@example.org reject\na@example.org %s\n",
		nonsense[_i].value);
	begin_refused(&d, "map texts { source = texts }\n", texts);
	snprintf(wanted, sizeof(wanted), "/texts:2: error: sender of plugin access: \"%s\": %s\n",
		nonsense[_i].value, nonsense[_i].why);
	ck_assert_uint_eq(d.errors, 1);
	ck_assert_msg(strstr(d.mistakes, wanted) != NULL, "%s\n%s", wanted, d.mistakes);
	drive_fini(&d);
}
END_TEST

START_TEST(no_action_in_entries_is_refused)
{
	struct drive d;

	begin_refused(&d, "map texts { entries = [ \"a@b reject\", \"c@d rejet\" ] }\n", "");
	ck_assert_msg(strstr(d.mistakes, "entries of map texts:2: error: sender of plugin access: "
					 "\"rejet\": " NO_ACTION "\n") == d.mistakes,
		"%s", d.mistakes);
	drive_fini(&d);
}
END_TEST

START_TEST(map_of_the_wrong_match_is_refused)
{
	struct drive d;

	begin_refused(&d,
		"map texts { match = cidr; entries = [ \"192.0.2.1 ok\" ] }\n"
		"map names { entries = [ \"192.0.2.0/24 reject\" ] }\n"
		"plugin second { type = access; client = names }\n",
		"");
	ck_assert_msg(strstr(d.mistakes, "filter.conf:2:26: error: sender takes a map with match = "
					 "exact; map texts has cidr\n") != NULL,
		"%s", d.mistakes);
	ck_assert_msg(strstr(d.mistakes, "filter.conf:6:41: error: client takes a map with match = "
					 "cidr; map names has exact\n") != NULL,
		"%s", d.mistakes);
	drive_fini(&d);
}
END_TEST

/* Refused as a whole while the daemon runs, too. */
START_TEST(newer_map_without_sense_keeps_the_old_one)
{
	struct drive d;

	clock_freeze(1000000);
	begin(&d, "sender = texts", "a@example.org reject\n", "");
	drive_connect(&d, "192.0.2.1", "h.example.net", "25");
	drive_helo(&d, "x");
	drive_write(d.files[0], "a@example.org rejekt\n");
	for (int i = 0; i < 3; i++) {
		clock_advance(30 * CLOCK_SEC);
		drive_mail(&d, "<x@example.org>", NULL, NULL);
	}
	ck_assert_int_eq(drive_mail(&d, "<a@example.org>", NULL, NULL), CM_REJECT);
	clock_thaw();
	drive_fini(&d);
}
END_TEST

/* Which key is found, by stage; the map says "reject KEY" for each word of keys. */
static const struct {
	const char *option, *keys;
	const char *name, *helo, *sender, *rcpt; /* said by the client */
	const char *found;			 /* NULL: none */
} lookups[] = {
	{"client_name", "mail.example.org .example.org", "mail.example.org", "x", "<>", "<b@x.org>",
		"mail.example.org"},
	{"client_name", "example.org .example.org", "a.mail.Example.ORG", "x", "<>", "<b@x.org>",
		".example.org"},
	{"client_name", "example.org", "a.mail.example.org", "x", "<>", "<b@x.org>", "example.org"},
	{"client_name", ".example.org", "example.org", "x", "<>", "<b@x.org>", NULL},
	{"client_name", "ample.org", "example.org", "x", "<>", "<b@x.org>", NULL},
	{"client_name", "org", "mail.example.org", "x", "<>", "<b@x.org>", "org"},
	{"client_name", "unknown", NULL, "x", "<>", "<b@x.org>", "unknown"},
	{"helo", "localhost", "h.example.net", "LOCALHOST", "<>", "<b@x.org>", "localhost"},
	{"helo", "example.org", "h.example.net", "mail.example.org.", "<>", "<b@x.org>",
		"example.org"},
	{"helo", "[192.0.2.1]", "h.example.net", "[192.0.2.1]", "<>", "<b@x.org>", "[192.0.2.1]"},
	{"sender", "a@b.example.org @b.example.org", "h", "x", "<A@b.example.org>", "<b@x.org>",
		"a@b.example.org"},
	{"sender", "b.example.org @b.example.org", "h", "x", "<c@b.example.org>", "<b@x.org>",
		"@b.example.org"},
	{"sender", "b.example.org .example.org", "h", "x", "<c@b.example.org>", "<b@x.org>",
		"b.example.org"},
	{"sender", ".example.org example.org", "h", "x", "<c@b.example.org>", "<b@x.org>",
		".example.org"},
	{"sender", "example.org", "h", "x", "<c@b.example.org>", "<b@x.org>", "example.org"},
	{"sender", "@example.org", "h", "x", "<c@b.example.org>", "<b@x.org>", NULL},
	{"sender", "<>", "h", "x", "<>", "<b@x.org>", "<>"},
	{"recipient", "b@x.org", "h", "x", "<>", "<b@X.org>", "b@x.org"},
	{"recipient", "x.org", "h", "x", "<>", "<b@x.org>", "x.org"},
	{"recipient", "postmaster", "h", "x", "<>", "<postmaster>", "postmaster"},
};

START_TEST(most_specific_key)
{
	char texts[512] = "", words[128], option[64], wanted[128] = "";
	struct drive d;
	char *save;

	snprintf(words, sizeof(words), "%s", lookups[_i].keys);
	for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		snprintf(texts + strlen(texts), sizeof(texts) - strlen(texts), "%s reject %s\n", w,
			w);
	snprintf(option, sizeof(option), "%s = texts", lookups[_i].option);
	begin(&d, option, texts, "");
	drive_connect(&d, "192.0.2.1", lookups[_i].name, "25");
	drive_helo(&d, lookups[_i].helo);
	if (drive_mail(&d, lookups[_i].sender, NULL, NULL) == CM_CONTINUE)
		drive_rcpt(&d, lookups[_i].rcpt);
	if (lookups[_i].found != NULL)
		snprintf(wanted, sizeof(wanted), "550 5.7.1 %s", lookups[_i].found);
	ck_assert_str_eq(drive_reply(&d), wanted);
	drive_fini(&d);
}
END_TEST

static const struct {
	const char *ip, *reply;
} clients[] = {
	{"192.0.2.7", "554 5.7.1 Not you"},
	{"192.0.2.8", "450 4.7.1 Wait"},
	{"192.0.3.1", ""},
	{"2001:db8::1", "550 5.7.1 <2001:db8::1>: Client host rejected: Access denied"},
	{NULL, ""},
};

START_TEST(client_networks)
{
	struct drive d;

	begin(&d, "client = clients", "",
		"192.0.2.7 reject 554 5.7.1 Not you\n"
		"192.0.2.0/24 tempfail 450 4.7.1 Wait\n"
		"2001:db8::/32 reject\n");
	ck_assert_int_eq(drive_connect(&d, clients[_i].ip, "h.example.net", "25"), CM_CONTINUE);
	drive_helo(&d, "x");
	drive_mail(&d, "<a@example.org>", NULL, NULL);
	ck_assert_str_eq(drive_reply(&d), clients[_i].reply);
	drive_fini(&d);
}
END_TEST

START_TEST(recipients_are_told_apart)
{
	struct drive d;

	begin(&d, "recipient = texts",
		"dave@example.com reject 550 5.2.1 Dave has left\n"
		"erin@example.com tempfail 450 4.2.1 Erin is moving\n"
		"spam@example.com discard\n",
		"");
	drive_connect(&d, "192.0.2.1", "h.example.net", "25");
	drive_helo(&d, "x");
	ck_assert_int_eq(drive_mail(&d, "<a@example.org>", NULL, NULL), CM_CONTINUE);
	ck_assert_int_eq(drive_rcpt(&d, "<alice@example.com>"), CM_CONTINUE);
	ck_assert_int_eq(drive_rcpt(&d, "<dave@example.com>"), CM_REJECT);
	ck_assert_str_eq(drive_reply(&d), "550 5.2.1 Dave has left");
	ck_assert_int_eq(drive_rcpt(&d, "<erin@example.com>"), CM_TEMPFAIL);
	ck_assert_str_eq(drive_reply(&d), "450 4.2.1 Erin is moving");
	ck_assert_int_eq(drive_rcpt(&d, "<spam@example.com>"), CM_CONTINUE);
	ck_assert_int_eq(drive_content(&d, NULL, 0, "hello\r\n"), CM_CONTINUE);
	ck_assert_uint_eq(d.answer.edit_count, 1);
	ck_assert_int_eq(d.answer.edits[0]->kind, EDIT_DROP_RCPT);
	ck_assert_str_eq(d.answer.edits[0]->value, "spam@example.com");
	drive_fini(&d);
}
END_TEST

START_TEST(quarantine_is_an_edit)
{
	struct drive d;

	mail_with(&d, "quarantine a person should look");
	drive_rcpt(&d, "<b@x.org>");
	ck_assert_int_eq(drive_content(&d, NULL, 0, "hello\r\n"), CM_CONTINUE);
	ck_assert_uint_eq(d.answer.edit_count, 1);
	ck_assert_int_eq(d.answer.edits[0]->kind, EDIT_QUARANTINE);
	ck_assert_str_eq(d.answer.edits[0]->value, "a person should look");
	drive_fini(&d);
}
END_TEST

/* An edit asked for at connect holds for every message of the connection. */
START_TEST(quarantined_client_stays_quarantined)
{
	struct drive d;

	begin(&d, "client = clients", "", "192.0.2.0/24 quarantine suspicious\n");
	drive_connect(&d, "192.0.2.1", "h.example.net", "25");
	drive_helo(&d, "x");
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(drive_mail(&d, "<a@example.org>", NULL, NULL), CM_CONTINUE);
		drive_rcpt(&d, "<b@x.org>");
		ck_assert_int_eq(drive_content(&d, NULL, 0, "hello\r\n"), CM_CONTINUE);
		ck_assert_uint_eq(d.answer.edit_count, 1);
		ck_assert_int_eq(d.answer.edits[0]->kind, EDIT_QUARANTINE);
		chain_end_message(d.s);
	}
	drive_fini(&d);
}
END_TEST

/* The same where the profile, and with it the link, is known only at MAIL. */
static void
begin_late(struct drive *d, const char *networks)
{
	drive_init(d);
	drive_file(d, "clients", networks);
	drive_load(d, "map clients { source = clients; match = cidr }\n"
		      "map rcpts { entries = [ \"dave@example.com reject\" ] }\n"
		      "profile logins { authenticated = yes; chain = [ access ] }\n"
		      "plugin access { client = clients; recipient = rcpts }\n");
	drive_open(d);
	drive_connect(d, "192.0.2.1", "h.example.net", "25");
	drive_helo(d, "x");
}

START_TEST(late_quarantine_holds_for_every_message)
{
	struct drive d;

	begin_late(&d, "192.0.2.0/24 quarantine suspicious\n");
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(drive_mail(&d, "<a@example.org>", "bob", NULL), CM_CONTINUE);
		drive_rcpt(&d, "<b@x.org>");
		ck_assert_int_eq(drive_content(&d, NULL, 0, "hello\r\n"), CM_CONTINUE);
		ck_assert_msg(
			d.answer.edit_count == 1, "message %d: %zu edits", i, d.answer.edit_count);
		chain_end_message(d.s);
	}
	drive_fini(&d);
}
END_TEST

START_TEST(late_allow_holds_for_every_message)
{
	struct drive d;

	begin_late(&d, "192.0.2.0/24 allow a friend\n");
	for (int i = 0; i < 2; i++) {
		drive_mail(&d, "<a@example.org>", "bob", NULL);
		ck_assert_int_eq(drive_rcpt(&d, "<dave@example.com>"), CM_CONTINUE);
		chain_end_message(d.s);
	}
	drive_fini(&d);
}
END_TEST

/* allow ends the checks of its scope: a friend's recipients are not looked at. */
START_TEST(allow_ends_the_checks_of_its_scope)
{
	struct drive d;

	begin(&d, "client = clients; recipient = texts", "dave@example.com reject\n",
		"192.0.2.0/24 allow a friend\n");
	drive_connect(&d, "192.0.2.1", "h.example.net", "25");
	drive_helo(&d, "x");
	drive_mail(&d, "<a@example.org>", NULL, NULL);
	ck_assert_int_eq(drive_rcpt(&d, "<dave@example.com>"), CM_CONTINUE);
	drive_fini(&d);
}
END_TEST

START_TEST(hostile_key_is_shown_safely)
{
	struct drive d;

	begin(&d, "helo = texts", "example.org reject\n", "");
	drive_connect(&d, "192.0.2.1", "h.example.net", "25");
	drive_helo(&d, "a\r\n250 %n%s ok\x1b[2J.example.org");
	drive_mail(&d, "<a@example.org>", NULL, NULL);
	ck_assert_str_eq(
		drive_reply(&d), "550 5.7.1 <example.org>: Helo command rejected: Access denied");
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("access");
	TCase *t = tcase_create("access");

	tcase_add_loop_test(t, right_hand_sides, 0, LENGTH(actions));
	tcase_add_loop_test(t, no_action_is_refused, 0, LENGTH(nonsense));
	tcase_add_test(t, no_action_in_entries_is_refused);
	tcase_add_test(t, map_of_the_wrong_match_is_refused);
	tcase_add_test(t, newer_map_without_sense_keeps_the_old_one);
	tcase_add_loop_test(t, most_specific_key, 0, LENGTH(lookups));
	tcase_add_loop_test(t, client_networks, 0, LENGTH(clients));
	tcase_add_test(t, recipients_are_told_apart);
	tcase_add_test(t, quarantine_is_an_edit);
	tcase_add_test(t, quarantined_client_stays_quarantined);
	tcase_add_test(t, late_quarantine_holds_for_every_message);
	tcase_add_test(t, late_allow_holds_for_every_message);
	tcase_add_test(t, allow_ends_the_checks_of_its_scope);
	tcase_add_test(t, hostile_key_is_shown_safely);
	suite_add_tcase(s, t);
	return table_run(s);
}
