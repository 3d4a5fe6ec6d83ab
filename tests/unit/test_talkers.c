/* SPDX-License-Identifier: MIT */
/*
 * test_talkers.c - who sends how much, and for how long that is known
 */
#include "chain/talkers.h"

#include <stdio.h>

#include "base/clock.h"
#include "drive.h"
#include "table.h"

#define HOUR (3600 * CLOCK_SEC)

static struct drive d;

static void
setup(void)
{
	clock_freeze(1800000000);
	drive_init(&d);
	drive_load(&d, "map no { entries = [ \"no@example.com reject\" ] }\n"
		       "plugin access { recipient = no }\nprofile all { chain = [ access ] }\n");
}

static void
teardown(void)
{
	drive_fini(&d);
	clock_thaw();
}

/* A message to so many, of whom so many more are refused. */
static void
message(const char *ip, const char *login, const char *sender, int taken, int refused)
{
	const struct cm_header from = {"From", "<a@example.com>"};
	struct drive one = {.g = d.g};

	drive_open(&one);
	drive_connect(&one, ip, "client.example.net", "25");
	drive_helo(&one, "client.example.net");
	drive_mail(&one, sender, login, NULL);
	for (int i = 0; i < refused; i++)
		drive_rcpt(&one, "<no@example.com>");
	for (int i = 0; i < taken; i++)
		drive_rcpt(&one, "<yes@example.com>");
	if (taken > 0)
		drive_content(&one, &from, 1, "text\r\n");
	chain_end_message(one.s);
	chain_close(one.s);
	session_free(one.s);
}

/* "messages recipients refused addresses"; "" of nobody. */
static const char *
told(enum talker_kind kind, const char *name, int64_t us)
{
	static char text[100];
	size_t count;
	struct talker *list = talkers_list(kind, us, &count);

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i].name, name) == 0)
			snprintf(text, sizeof(text), "%llu %llu %llu %u",
				(unsigned long long)list[i].messages,
				(unsigned long long)list[i].recipients,
				(unsigned long long)list[i].refused, list[i].addresses);
	}
	free(list);
	return text;
}

START_TEST(messages_are_told_of_client_login_and_sender)
{
	message("192.0.2.1", "bob", "<b@example.org>", 3, 1);
	message("192.0.2.2", "bob", "<b@example.org>", 2, 0);
	message("192.0.2.2", NULL, "<>", 1, 0);
	message("192.0.2.2", "ann", "<a@example.org>", 0, 2);
	ck_assert_str_eq(told(TALKER_LOGIN, "bob", HOUR), "2 5 1 2");
	ck_assert_str_eq(told(TALKER_LOGIN, "ann", HOUR), "1 0 2 1");
	ck_assert_str_eq(told(TALKER_SENDER, "b@example.org", HOUR), "2 5 1 2");
	ck_assert_str_eq(told(TALKER_SENDER, "<>", HOUR), "1 1 0 1");
	ck_assert_str_eq(told(TALKER_CLIENT, "192.0.2.1", HOUR), "1 3 1 1");
	ck_assert_str_eq(told(TALKER_CLIENT, "192.0.2.2", HOUR), "3 3 2 1");
	ck_assert_str_eq(told(TALKER_LOGIN, "", HOUR), "");
}
END_TEST

START_TEST(what_is_older_is_not_told)
{
	message("192.0.2.1", "bob", "<b@example.org>", 3, 0);
	clock_advance(10 * 60 * CLOCK_SEC);
	message("192.0.2.2", "bob", "<b@example.org>", 1, 0);
	ck_assert_str_eq(told(TALKER_LOGIN, "bob", 5 * 60 * CLOCK_SEC), "1 1 0 1");
	ck_assert_str_eq(told(TALKER_LOGIN, "bob", HOUR), "2 4 0 2");
	clock_advance(2 * HOUR);
	ck_assert_str_eq(told(TALKER_LOGIN, "bob", HOUR), "");
	ck_assert_str_eq(told(TALKER_LOGIN, "bob", 4 * HOUR), "2 4 0 2");
	clock_advance(24 * HOUR);
	ck_assert_str_eq(told(TALKER_LOGIN, "bob", 100 * HOUR), "");
}
END_TEST

/* The same sixteen places: who was seen last is known. */
START_TEST(addresses_are_counted_up_to_sixteen)
{
	char ip[32];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 12; i++) {
			snprintf(ip, sizeof(ip), "192.0.2.%d", i);
			message(ip, "bob", "<b@example.org>", 1, 0);
		}
	}
	ck_assert_str_eq(told(TALKER_LOGIN, "bob", HOUR), "24 24 0 12");
	for (int i = 0; i < 30; i++) {
		snprintf(ip, sizeof(ip), "2001:db8::%d", i);
		message(ip, "bob", "<b@example.org>", 1, 0);
	}
	ck_assert_str_eq(told(TALKER_LOGIN, "bob", HOUR), "54 54 0 16");
	clock_advance(3 * HOUR);
	message("2001:db8::ffff", "bob", "<b@example.org>", 1, 0);
	ck_assert_str_eq(told(TALKER_LOGIN, "bob", HOUR), "1 1 0 1");
}
END_TEST

/* Who talks most is not forgotten for the many that talk once. */
START_TEST(who_talks_most_is_kept)
{
	char login[32];
	size_t count;

	for (int i = 0; i < 50; i++)
		message("192.0.2.1", "bob", "<b@example.org>", 1, 0);
	for (int i = 0; i < 20000; i++) {
		snprintf(login, sizeof(login), "user%d", i);
		message("192.0.2.1", login, "<b@example.org>", 1, 0);
	}
	ck_assert_str_eq(told(TALKER_LOGIN, "bob", HOUR), "50 50 0 1");
	free(talkers_list(TALKER_LOGIN, HOUR, &count));
	ck_assert_uint_le(count, 8192);
	ck_assert_uint_gt(count, 7000);
}
END_TEST

/* A name that is longer than there is room is its beginning. */
START_TEST(long_names_are_cut)
{
	char sender[300], name[TALKER_NAME_SIZE];

	memset(sender, 'a', sizeof(sender));
	sender[0] = '<';
	snprintf(sender + 200, sizeof(sender) - 200, "@example.org>");
	message("192.0.2.1", "bob", sender, 1, 0);
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	ck_assert_str_eq(told(TALKER_SENDER, name, HOUR), "1 1 0 1");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("talkers");
	TCase *tc = tcase_create("talkers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, messages_are_told_of_client_login_and_sender);
	tcase_add_test(tc, what_is_older_is_not_told);
	tcase_add_test(tc, addresses_are_counted_up_to_sixteen);
	tcase_add_test(tc, who_talks_most_is_kept);
	tcase_add_test(tc, long_names_are_cut);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
