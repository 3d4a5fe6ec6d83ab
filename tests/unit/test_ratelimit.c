/* SPDX-License-Identifier: MIT */
/*
 * test_ratelimit.c - plugin ratelimit in whole conversations: who may send how much, and when again
 */
#include <stdio.h>

#include "base/clock.h"
#include "drive.h"
#include "service/store.h"
#include "table.h"

#define BEGAN 1800000000
#define HOUR  (3600 * CLOCK_SEC)

static const char hook[] = "function message(m)\n"
			   "  local subject = m:header('Subject')\n"
			   "  if subject == 'no' then return reject('no') end\n"
			   "  if subject == 'pass' then return accept() end\n"
			   "  if subject == 'drop' then return discard() end\n"
			   "end\n";

static const char hook_section[] = "script hook { file = hook.lua }\n";
static const char access_section[] =
	"map rcpts { entries = [ \"no@example.com reject\", \"later@example.com tempfail\","
	"\"gone@example.com discard\" ] }\n"
	"plugin access { recipient = rcpts }\n";

/*
 * Conversations are words: "bob:1-60.=60" is a message of login bob to the recipients 1 to 60, of
 * whom 60 are taken. It ends with its content (.), or RSET (r), or the client hangs up (x), or it
 * is refused at its end (!). "-" is no login. "+36s" lets time pass.
 */
static void
begin_with(struct drive *d, const char *settings, const char *chain, const char *sections)
{
	char text[4096];

	clock_freeze(BEGAN);
	drive_init(d);
	drive_file(d, "hook.lua", hook);
	drive_file(d, "early.lua", "function data(m) return discard() end\n");
	snprintf(text, sizeof(text),
		"store m { type = memory }\nprofile all { chain = [ %s ] }\n"
		"plugin quota { type = ratelimit\n%s }\n%s%s%s",
		chain, settings, sections, strstr(chain, "access") == NULL ? "" : access_section,
		strstr(chain, "hook") == NULL ? "" : hook_section);
	drive_load(d, text);
	drive_open(d);
	drive_connect(d, "192.0.2.1", "unknown", "587");
	drive_helo(d, "client.example.net");
}

static void
begin(struct drive *d, const char *settings)
{
	begin_with(d, settings, "quota, access, hook", "");
}

static void
hang_up(struct drive *d)
{
	chain_close(d->s);
	session_free(d->s);
	drive_open(d);
	drive_connect(d, "192.0.2.1", "unknown", "587");
	drive_helo(d, "client.example.net");
}

static enum cm_verdict
content(struct drive *d, const char *subject)
{
	const struct cm_header fields[] = {{"From", "<a@example.com>"}, {"Subject", subject}};

	return drive_content(d, fields, 2, "text\r\n");
}

static int
rcpts(struct drive *d, int from, int to)
{
	char path[64];
	int taken = 0;

	for (int i = from; i <= to; i++) {
		snprintf(path, sizeof(path), "<r%d@example.com>", i);
		taken += drive_rcpt(d, path) == CM_CONTINUE;
	}
	return taken;
}

static void
end(struct drive *d, char how, const char *word)
{
	switch (how) {
	case '.':
		ck_assert_msg(content(d, "yes") == CM_CONTINUE, "%s: %s", word, drive_reply(d));
		break;
	case '!':
		ck_assert_msg(content(d, "yes") != CM_CONTINUE, "%s: taken", word);
		break;
	case 'x':
		hang_up(d);
		return;
	}
	chain_end_message(d->s);
}

/* What the latest recipient of a conversation was answered, or its MAIL. */
static char latest[1024];

static void
message(struct drive *d, const char *word)
{
	char login[32], how;
	int from, to, wanted, taken;

	ck_assert_msg(sscanf(word, "%31[^:]:%d-%d%c=%d", login, &from, &to, &how, &wanted) == 5,
		"%s", word);
	/* A colon in a login is written as =. */
	for (char *p = login; (p = strchr(p, '=')) != NULL; p++)
		*p = ':';
	/* No MTA sends recipients after a refusal. */
	if (drive_mail(d, "<a@example.com>", strcmp(login, "-") == 0 ? NULL : login, NULL) !=
		CM_CONTINUE)
		to = from - 1;
	taken = rcpts(d, from, to);
	snprintf(latest, sizeof(latest), "%s", drive_reply(d));
	ck_assert_msg(taken == wanted, "%s: %d: %s", word, taken, drive_reply(d));
	end(d, how, word);
}

static void
run(struct drive *d, const char *words)
{
	char *all = strdup(words), *rest = all, *word;

	while ((word = strsep(&rest, " ")) != NULL) {
		long long seconds;

		if (sscanf(word, "+%llds", &seconds) == 1)
			clock_advance(seconds * CLOCK_SEC);
		else if (word[0] != '\0')
			message(d, word);
	}
	free(all);
}

static const char *
result(const struct drive *d, const char *key)
{
	return cm_result(d->s, "ratelimit", key);
}

/* What a bucket of one window holds. */
static int64_t
used_in_store(const struct drive *d, const char *key, const struct cm_limit_window *w)
{
	const struct cm_limit limit = {1, {*w}, false};
	const struct cm_limit_take look = {.step = CM_LIMIT_LOOK};
	struct cm_limit_answer a;

	ck_assert_int_eq(store_limit(d->g->stores[0], key, strlen(key), &limit, &look,
				 clock_now() + CLOCK_SEC, &a),
		CM_STORE_OK);
	return a.used;
}

#define BOB "key = [ auth_user ]; "

static const struct {
	const char *what, *settings, *words;
} conversations[] = {
	/* Recipients. */
	{"200 recipients against 100 are exactly 100", BOB "limit = 100/1h", "bob:1-200.=100"},
	{"in two messages, too", BOB "limit = 100/1h", "bob:1-60.=60 bob:1-60.=40 bob:1-1.=0"},
	{"and back after the time that the reply says", BOB "limit = 100/1h",
		"bob:1-100.=100 +35s bob:1-1.=0 +1s bob:1-2.=1"},
	{"a new key begins empty, and its first message is counted", BOB "limit = 2/1h",
		"bob:1-2.=2 bob:1-1.=0 eve:1-3.=2 eve:1-1.=0"},
	{"a login in other letters is the same", BOB "limit = 2/1h",
		"bob:1-2.=2 BOB:1-1r=0 bOb:1-1r=0"},
	{"what ends with RSET is given back", BOB "limit = 100/1h",
		"bob:1-100r=100 bob:1-100r=100 bob:1-200.=100"},
	{"what ends with a lost connection is given back", BOB "limit = 100/1h",
		"bob:1-100x=100 bob:1-200.=100 bob:1-1.=0"},
	{"a limit without a login does not apply", BOB "limit = 1/1h", "-:1-20.=20 -:1-20.=20"},
	{"two windows: the short one", BOB "limit = [ 50/1h, 300/1d ]",
		"bob:1-60.=50 +3600s bob:1-60.=50"},
	{"two windows: the long one, and none is taken where one refuses",
		BOB "limit = [ 50/1h, 60/1d ]",
		/* In an hour the day gives back two and a half. */
		"bob:1-50.=50 +3600s bob:1-60.=12 +3600s bob:1-60.=3"},
	{"a burst is what fits at once", BOB "limit = 100/1h; burst = 10",
		"bob:1-20.=10 +36s bob:1-20.=1 +360s bob:1-20.=10"},
	{"a burst is about the shorter window", BOB "limit = [ 300/1d, 100/1h ]; burst = 10",
		"bob:1-20.=10 +360s bob:1-20.=10 +360s bob:1-20.=10"},
	{"what is refused does not count", BOB "limit = 10/1h",
		"bob:1-90.=10 bob:1-90.=0 +360s bob:1-1.=1"},
	{"where it does, who does not stop is not let in", BOB "limit = 10/1h; update = strict",
		"bob:1-90.=10 +360s bob:1-1.=0 +3600s bob:1-1.=0 +720s bob:1-1.=1"},
	{"exempt is who is listed, in any case", BOB "limit = 1/1h; exempt = [ BOB, ann ]",
		"bob:1-20.=20 ann:1-20.=20 eve:1-20.=1"},
	{"shadow refuses nobody", BOB "limit = 1/1h; over = shadow", "bob:1-20.=20 bob:1-20.=20"},
	{"tag refuses nobody", BOB "limit = 1/1h; over = tag", "bob:1-20.=20 bob:1-20.=20"},
	/* Messages. */
	{"a message is one, whatever its recipients", BOB "count = messages; limit = 2/1h",
		"bob:1-20.=20 bob:1-20.=20 bob:1-20r=0"},
	{"a message that was reset is none", BOB "count = messages; limit = 1/1h",
		"bob:1-20r=20 bob:1-20r=20 bob:1-1.=1 bob:1-1r=0"},
	{"a message that is over counts once where it counts",
		BOB "count = messages; limit = 4/1h; update = strict",
		"bob:1-1.=1 bob:1-1.=1 bob:1-1.=1 bob:1-1.=1 bob:1-90r=0 +1799s bob:1-1r=0 +3600s "
		"bob:1-1.=1"},
	/* Different recipients. */
	{"a recipient counts once in its time", BOB "count = distinct_recipients; limit = 3/1h",
		"bob:1-3.=3 bob:1-3.=3 bob:1-5.=3 bob:3-4r=1"},
	{"those who are known may be written to when there is no room for others",
		BOB "count = distinct_recipients; limit = 3/1h",
		"bob:1-9.=3 bob:4-9r=0 bob:1-3.=3"},
	{"a recipient of a message that was reset is not known",
		BOB "count = distinct_recipients; limit = 3/1h",
		"bob:1-3r=3 bob:4-6.=3 bob:1-1r=0"},
	{"a recipient counts again after its time", BOB "count = distinct_recipients; limit = 3/1h",
		"bob:1-3.=3 +3600s bob:1-3.=3 bob:4-4r=0"},
	{"a recipient in both windows", BOB "count = distinct_recipients; limit = [ 2/1h, 3/1d ]",
		"bob:1-3.=2 +3600s bob:1-4.=2 +3600s bob:4-5.=1 bob:1-2.=1"},
	/* Keys. */
	{"a key of two parts", "key = [ auth_user, recipient ]; limit = 1/1h",
		"bob:1-3.=3 bob:1-4.=1 eve:1-3.=3"},
	{"a key of recipients", "key = [ recipient ]; limit = 1/1h", "bob:1-3.=3 eve:3-5.=2"},
	{"a key of their domain", "key = [ recipient_domain ]; limit = 4/1h",
		"bob:1-3.=3 eve:3-5.=1"},
	{"a key of messages to a recipient", "key = [ recipient ]; count = messages; limit = 1/1h",
		"bob:1-3.=3 eve:3-5.=2"},
	{"a key of the client", "key = [ client_ip ]; limit = 4/1h", "bob:1-3.=3 -:3-5.=1"},
	{"a key of its network", "key = [ client_net ]; limit = 4/1h", "bob:1-3.=3 -:3-5.=1"},
	{"a key of the HELO name", "key = [ helo ]; limit = 4/1h", "bob:1-3.=3 -:3-5.=1"},
	{"a key of the sender", "key = [ sender ]; limit = 4/1h", "bob:1-3.=3 -:3-5.=1"},
	{"a key of his domain", "key = [ sender_domain ]; limit = 4/1h", "bob:1-3.=3 -:3-5.=1"},
	/* A session that lasts. */
	{"clocks that go back do not give more", BOB "limit = 10/1h",
		"bob:1-10.=10 +-7200s bob:1-9r=0"},
};

START_TEST(conversation)
{
	struct drive d;

	begin(&d, conversations[_i].settings);
	run(&d, conversations[_i].words);
	drive_fini(&d);
}
END_TEST

/* --- replies --- */

static const struct {
	const char *settings, *words, *reply;
} replies[] = {
	{BOB "limit = 200/1h", "bob:1-1.=1 bob:1-199.=199 bob:1-1r=0",
		"450 4.7.28 Recipient limit of 200 per hour exceeded, try again in 18 seconds; 200 "
		"used"},
	{BOB "limit = 1/1h", "bob:1-1.=1 +2880s bob:1-1r=0",
		"450 4.7.28 Recipient limit of 1 per hour exceeded, try again in 12 minutes; 1 "
		"used"},
	{BOB "limit = 1/1h", "bob:1-1.=1 +3599s bob:1-1r=0",
		"450 4.7.28 Recipient limit of 1 per hour exceeded, try again in 1 second; 1 used"},
	{BOB "limit = [ 50/1h, 60/1d ]", "bob:1-50.=50 +3600s bob:1-12.=12 bob:1-1r=0",
		"450 4.7.28 Recipient limit of 60 per day exceeded, try again in 12 minutes; 60 "
		"used"},
	{BOB "limit = 1/2h; over = reject", "bob:1-1.=1 bob:1-1r=0",
		"550 5.7.28 Recipient limit of 1 per 2 hours exceeded, try again in 2 hours; 1 "
		"used"},
	/* Those who are over come again without the others, and fit then. */
	{BOB "limit = 100/1h", "bob:1-101r=100",
		"450 4.7.28 Recipient limit of 100 per hour exceeded by this message alone, try "
		"again in 36 seconds; 100 used"},
	{BOB "limit = 100/1h; count = distinct_recipients", "bob:1-101r=100",
		"450 4.7.28 Distinct recipient limit of 100 per hour exceeded by this message "
		"alone, try again in 36 seconds; 100 used"},
	{BOB "limit = 100/1h; over = reject", "bob:1-101r=100",
		"550 5.7.28 Recipient limit of 100 per hour exceeded by this message alone, try "
		"again in 36 seconds; 100 used"},
	/* What is used is used of the burst. */
	{BOB "limit = 200/1h; burst = 50", "bob:1-50.=50 bob:1-1r=0",
		"450 4.7.28 Recipient limit of 50 at once (200 per hour) exceeded, try again in 18 "
		"seconds; 50 used"},
	{BOB "limit = 200/1h; burst = 50", "bob:1-51r=50",
		"450 4.7.28 Recipient limit of 50 at once (200 per hour) exceeded by this message "
		"alone, try again in 18 seconds; 50 used"},
	{BOB "limit = 100/1h", "bob:1-1.=1 bob:1-100r=99",
		"450 4.7.28 Recipient limit of 100 per hour exceeded, try again in 36 seconds; 100 "
		"used"},
	{BOB "limit = 1/1h; over = reject; text = \" \"", "bob:1-1.=1 bob:1-1r=0",
		"550 5.7.28 Recipient limit of 1 per hour exceeded, try again in 60 minutes; 1 "
		"used"},
	{BOB "limit = [ 50/1h, 300/1d ]; count = messages", "bob:1-1.=1", ""},
	{BOB "limit = 1/1min; count = messages", "bob:1-1.=1 bob:1-1r=0",
		"450 4.7.28 Message limit of 1 per minute exceeded, try again in 1 minute; 1 "
		"used"},
	{BOB "limit = 1/1w; count = distinct_recipients", "bob:1-1.=1 bob:2-2r=0",
		"450 4.7.28 Distinct recipient limit of 1 per week exceeded, try again in 7 days; "
		"1 "
		"used"},
	{"key = [ auth_user, sender ]; limit = 1/1h; text = \"%{key} (%{client_ip}): %{used} of "
	 "%{limit} %{count} per %{period}, %{burst}, 100% %{what}, %{retry}\"",
		"b/o:1-1.=1 b/o:1-1r=0",
		"450 4.7.28 b%2Fo/a@example.com (192.0.2.1): 1 of 1 recipients per hour, 1, 100% "
		"Recipient, 60 minutes"},
};

START_TEST(reply)
{
	struct drive d;

	begin(&d, replies[_i].settings);
	run(&d, replies[_i].words);
	ck_assert_str_eq(latest, replies[_i].reply);
	drive_fini(&d);
}
END_TEST

/* --- limits of a map --- */

static const char limits[] =
	"map l { entries = [ \"bob 3/1h\", \"ann@example.net -1\", \"@example.net 4/1h\","
	"\"free 0\", \"joe class:staff\", \"class:staff 5/1h 6/1d\", \"* 2/1h\","
	"\"tim class:boss\", \"class:boss class:staff\", \"sub -1\", \"lost class:none\","
	"\"loop class:loop\", \"class:loop class:loop\", \"class:odd 9/1h\","
	"\"pam class:odder\", \"class:odder -1\", \"b/192.0.2.1 7/1h\", \"192.0.2.1 8/1h\" ] }\n"
	"map nets { match = cidr; entries = [ \"192.0.2.0/25 6/1h\" ] }\n"
	"map free { entries = [ \"@example.org yes\", \"192.0.2.7 yes\" ] }\n";

static const struct {
	const char *what, *settings, *words;
} maps[] = {
	{"a limit of one's own", BOB "limit = 9/1h; limits = l", "bob:1-20.=3"},
	{"that of the domain", BOB "limit = 9/1h; limits = l", "eve@example.net:1-20.=4"},
	{"one's own says the domain's", BOB "limit = 9/1h; limits = l", "ann@example.net:1-20.=4"},
	{"none", BOB "limit = 9/1h; limits = l", "free:1-20.=20"},
	{"that of a class, with two windows", BOB "limit = 9/1h; limits = l",
		"joe:1-20.=5 +3600s joe:1-20.=1"},
	{"a class of a class", BOB "limit = 9/1h; limits = l", "tim:1-20.=5"},
	{"a class that says nothing", BOB "limit = 9/1h; limits = l", "pam:1-20.=2"},
	{"that of all", BOB "limit = 9/1h; limits = l", "eve:1-20.=2"},
	{"one's own says that of all", BOB "limit = 9/1h; limits = l", "sub:1-20.=2"},
	{"a login that is called like a class", BOB "limit = 9/1h; limits = l",
		"class=odd:1-20.=2"},
	{"a class that is not there", BOB "limit = 9/1h; limits = l", "lost:1-20r=0"},
	{"a class that is its own", BOB "limit = 9/1h; limits = l", "loop:1-20r=0"},
	{"the whole key before its parts",
		"key = [ auth_user, client_ip ]; limit = 9/1h; limits = l", "b:1-20.=7"},
	{"each part of a key", "key = [ auth_user, client_ip ]; limit = 9/1h; limits = l",
		"eve:1-20.=8"},
	{"a map of networks", "key = [ client_ip ]; limit = 9/1h; limits = nets", "eve:1-20.=6"},
	{"a map of networks, for a network", "key = [ client_net ]; limits = nets", "eve:1-20.=6"},
	{"nothing but a map, and not in it", BOB "limits = nets", "eve:1-20.=20"},
	{"exempt by a map", BOB "limit = 1/1h; exempt_map = free",
		"eve@example.org:1-20.=20 eve@example.net:1-20.=1"},
	{"exempt by a login, whatever the key",
		"key = [ client_ip ]; limit = 1/1h; exempt = [ bob ]", "bob:1-20.=20 eve:1-20.=1"},
	{"exempt by the client's address", BOB "limit = 1/1h; exempt = [ 192.0.2.1 ]",
		"bob:1-20.=20"},
	{"the sender is no login", BOB "limit = 1/1h; exempt = [ \"a@example.com\" ]",
		"bob:1-20.=1"},
};

START_TEST(limit_of_a_map)
{
	struct drive d;

	begin_with(&d, maps[_i].settings, "quota", limits);
	run(&d, maps[_i].words);
	drive_fini(&d);
}
END_TEST

/* --- recipients and messages that others refuse --- */

static const struct {
	const char *what, *chain, *settings;
} orders[] = {
	{"a later link", "quota, access", BOB "limit = 2/1h"},
	{"an earlier link", "access, quota", BOB "limit = 2/1h"},
	{"a later link, and different recipients", "quota, access",
		BOB "limit = 2/1h; count = distinct_recipients"},
};

/* However many are refused, two others may be written to. */
START_TEST(refused_recipients_are_given_back)
{
	struct drive d;

	begin_with(&d, orders[_i].settings, orders[_i].chain, "");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(drive_rcpt(&d, i % 2 ? "<no@example.com>" : "<later@example.com>"),
			i % 2 ? CM_REJECT : CM_TEMPFAIL);
	ck_assert_int_eq(rcpts(&d, 1, 1), 1);
	ck_assert_int_eq(drive_rcpt(&d, "<no@example.com>"), CM_REJECT);
	ck_assert_int_eq(rcpts(&d, 2, 2), 1);
	ck_assert_int_eq(rcpts(&d, 3, 9), 0);
	ck_assert_int_eq(content(&d, "yes"), CM_CONTINUE);
	chain_end_message(d.s);
	run(&d, "bob:4-4r=0");
	drive_fini(&d);
}
END_TEST

/* Two of five are taken; the last of the refused ones is known to be so at the end alone. */
START_TEST(refused_recipients_are_not_counted)
{
	const struct cm_limit_window window = {5, HOUR, 0};
	struct drive d;

	begin(&d, BOB "limit = 5/1h");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	ck_assert_int_eq(drive_rcpt(&d, "<no@example.com>"), CM_REJECT);
	ck_assert_int_eq(rcpts(&d, 1, 2), 2);
	ck_assert_int_eq(drive_rcpt(&d, "<no@example.com>"), CM_REJECT);
	ck_assert_int_eq(content(&d, "yes"), CM_CONTINUE);
	chain_end_message(d.s);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob", &window), 2);
	drive_fini(&d);
}
END_TEST

/* A message has nothing to do with recipients that were refused. */
START_TEST(message_counts_for_those_who_get_it)
{
	const struct cm_limit_window window = {5, HOUR, 0};
	struct drive d;

	begin(&d, "key = [ recipient ]; count = messages; limit = 5/1h");
	drive_mail(&d, "<a@example.com>", NULL, NULL);
	ck_assert_int_eq(drive_rcpt(&d, "<no@example.com>"), CM_REJECT);
	ck_assert_int_eq(rcpts(&d, 1, 1), 1);
	ck_assert_int_eq(content(&d, "yes"), CM_CONTINUE);
	chain_end_message(d.s);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/no@example.com", &window), 0);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/r1@example.com", &window), 1);
	drive_fini(&d);
}
END_TEST

START_TEST(recipients_of_several_minutes_are_given_back)
{
	struct drive d;

	begin(&d, BOB "limit = 100/1d");
	for (int i = 0; i < 3; i++) {
		drive_mail(&d, "<a@example.com>", "bob", NULL);
		for (int k = 0; k < 4; k++) {
			ck_assert_int_eq(rcpts(&d, 1, 25), 25);
			clock_advance(61 * CLOCK_SEC);
		}
		chain_end_message(d.s);
	}
	drive_fini(&d);
}
END_TEST

/* Where one window refuses, the other keeps no more than the next recipient needs. */
START_TEST(windows_of_different_recipients_take_together)
{
	const struct cm_limit_window hour = {10, HOUR, 0}, day = {2, 24 * HOUR, 0};
	struct drive d;

	begin(&d, BOB "count = distinct_recipients; limit = [ 10/1h, 2/1d ]");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	ck_assert_int_eq(rcpts(&d, 1, 20), 2);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob/1h", &hour), 3);
	ck_assert_int_eq(content(&d, "yes"), CM_CONTINUE);
	chain_end_message(d.s);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob/1h", &hour), 2);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob/1d", &day), 2);
	drive_fini(&d);
}
END_TEST

START_TEST(message_that_is_refused_is_given_back)
{
	struct drive d;

	begin(&d, BOB "limit = 5/1h");
	for (int i = 0; i < 5; i++) {
		drive_mail(&d, "<a@example.com>", "bob", NULL);
		ck_assert_int_eq(rcpts(&d, 1, 5), 5);
		ck_assert_int_eq(content(&d, "no"), CM_REJECT);
		chain_end_message(d.s);
	}
	run(&d, "bob:1-9.=5");
	drive_fini(&d);
}
END_TEST

/* All the client hears is that it was taken. */
START_TEST(what_is_dropped_counts)
{
	struct drive d;

	begin(&d, BOB "limit = 5/1h");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	ck_assert_int_eq(rcpts(&d, 1, 2), 2);
	ck_assert_int_eq(content(&d, "drop"), CM_DISCARD);
	chain_end_message(d.s);
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	ck_assert_int_eq(drive_rcpt(&d, "<gone@example.com>"), CM_CONTINUE);
	ck_assert_int_eq(content(&d, "yes"), CM_DISCARD);
	chain_end_message(d.s);
	run(&d, "bob:1-9.=2");
	drive_fini(&d);
}
END_TEST

/* Recipients of other sessions count while nobody knows yet. */
START_TEST(what_is_open_is_reserved)
{
	struct drive d, e;

	begin(&d, BOB "limit = 100/1h");
	e = (struct drive){.g = d.g};
	drive_open(&e);
	drive_connect(&e, "192.0.2.2", "unknown", "587");
	drive_helo(&e, "client.example.net");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	drive_mail(&e, "<a@example.com>", "bob", NULL);
	ck_assert_int_eq(rcpts(&d, 1, 60), 60);
	ck_assert_int_eq(rcpts(&e, 1, 60), 40);
	/* Half of them is gone. */
	chain_end_message(d.s);
	ck_assert_int_eq(rcpts(&e, 41, 80), 40);
	ck_assert_int_eq(content(&e, "yes"), CM_CONTINUE);
	chain_end_message(e.s);
	run(&d, "bob:1-60.=20");
	chain_close(e.s);
	session_free(e.s);
	drive_fini(&d);
}
END_TEST

/* New to two messages at once, it is one recipient all the same. */
START_TEST(recipient_of_two_messages_counts_once)
{
	const struct cm_limit_window window = {9, HOUR, 0};
	struct drive d, e;

	begin(&d, BOB "count = distinct_recipients; limit = 9/1h");
	e = (struct drive){.g = d.g};
	drive_open(&e);
	drive_connect(&e, "192.0.2.2", "unknown", "587");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	drive_mail(&e, "<a@example.com>", "bob", NULL);
	ck_assert_int_eq(rcpts(&d, 1, 3), 3);
	ck_assert_int_eq(rcpts(&e, 2, 4), 3);
	ck_assert_int_eq(content(&d, "yes"), CM_CONTINUE);
	ck_assert_int_eq(content(&e, "yes"), CM_CONTINUE);
	chain_end_message(d.s);
	chain_end_message(e.s);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob/1h", &window), 4);
	chain_close(e.s);
	session_free(e.s);
	drive_fini(&d);
}
END_TEST

/* A store forgets what nobody ends, so sessions that are kept open could have it several times. */
START_TEST(session_that_is_kept_open_has_no_more)
{
	struct drive d, e;

	begin(&d, BOB "limit = 100/1d");
	e = (struct drive){.g = d.g};
	drive_open(&e);
	drive_connect(&e, "192.0.2.2", "unknown", "587");
	drive_helo(&e, "client.example.net");
	drive_mail(&e, "<a@example.com>", "bob", NULL);
	ck_assert_int_eq(rcpts(&e, 1, 100), 100);
	run(&d, "bob:1-1r=0 +1020s bob:1-90.=90");
	ck_assert_int_eq(content(&e, "yes"), CM_TEMPFAIL);
	ck_assert_str_eq(drive_reply(&e), "450 4.7.28 Recipient limit of 100 per day exceeded, try "
					  "again in 22 hours; 90 used");
	chain_end_message(e.s);
	/* And one that has the right to it keeps it. */
	drive_mail(&e, "<a@example.com>", "eve", NULL);
	ck_assert_int_eq(rcpts(&e, 1, 50), 50);
	clock_advance(20 * 60 * CLOCK_SEC);
	ck_assert_int_eq(content(&e, "yes"), CM_CONTINUE);
	chain_end_message(e.s);
	run(&d, "eve:1-100.=50");
	chain_close(e.s);
	session_free(e.s);
	drive_fini(&d);
}
END_TEST

/* --- octets --- */

static enum cm_verdict
mail_of_size(struct drive *d, const char *login, const char *size)
{
	const char *const args[] = {"BODY=8BITMIME", size, NULL};
	struct cm_address address;
	struct arena arena;
	enum cm_verdict verdict;

	session_macros_begin(d->s, CM_STAGE_MAIL);
	session_macro_add(d->s, CM_STAGE_MAIL, "{auth_authen}", login);
	arena_init(&arena, 256);
	address_parse_path(&address, &arena, "<a@example.com>");
	verdict = drive_event(
		d, &(struct cm_event){.stage = CM_STAGE_MAIL, .address = &address, .args = args});
	arena_fini(&arena);
	return verdict;
}

/* Room at once for fewer octets than it has, but not in an hour. */
START_TEST(size_over_the_burst)
{
	struct drive d;

	begin_with(&d, BOB "count = bytes; limit = [ 100/1h, 1000/1d ]; burst = 40", "quota", "");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	ck_assert_int_eq(rcpts(&d, 1, 1), 1);
	ck_assert_int_eq(content(&d, "yes"), CM_REJECT);
	ck_assert_str_eq(drive_reply(&d), "550 5.7.28 Size limit of 40 octets at once (100 octets "
					  "per hour) exceeded by this message alone");
	drive_fini(&d);
}
END_TEST

#define NEVER(limit) "550 5.7.28 Size limit of " limit " per hour exceeded by this message alone"

/* A message has 45 octets. */
static const struct {
	const char *what, *limit, *size;
	enum cm_verdict mail, end;
	const char *reply;
	struct cm_limit_window window;
	int64_t used; /* afterwards */
} sizes[] = {
	{"no size is declared", "100/1h", NULL, CM_CONTINUE, CM_CONTINUE, "", {100, HOUR, 0}, 45},
	{"the size is right", "100/1h", "SIZE=45", CM_CONTINUE, CM_CONTINUE, "", {100, HOUR, 0},
		45},
	{"in lower case", "44/1h", "size=45", CM_REJECT, CM_CONTINUE, NEVER("44 octets"),
		{44, HOUR, 0}, 0},
	{"it is larger than declared", "100/1h", "SIZE=1", CM_CONTINUE, CM_CONTINUE, "",
		{100, HOUR, 0}, 45},
	{"it is smaller than declared", "100/1h", "SIZE=99", CM_CONTINUE, CM_CONTINUE, "",
		{100, HOUR, 0}, 45},
	{"it just fits", "45/1h", "SIZE=45", CM_CONTINUE, CM_CONTINUE, "", {45, HOUR, 0}, 45},
	{"it never fits", "44/1h", "SIZE=45", CM_REJECT, CM_CONTINUE, NEVER("44 octets"),
		{44, HOUR, 0}, 0},
	{"it never fits, but says so late", "44/1h", "SIZE=1", CM_CONTINUE, CM_REJECT,
		NEVER("44 octets"), {44, HOUR, 0}, 0},
	{"it never fits, and says nothing", "44/1h", NULL, CM_CONTINUE, CM_REJECT,
		NEVER("44 octets"), {44, HOUR, 0}, 0},
	{"a size that is no number is none", "100/1h", "SIZE=-1", CM_CONTINUE, CM_CONTINUE, "",
		{100, HOUR, 0}, 45},
	{"a size that no number holds", "1M/1h", "SIZE=99999999999999999999999999", CM_REJECT,
		CM_CONTINUE, NEVER("1 MB"), {1 << 20, HOUR, 0}, 0},
	{"in units where octets are too many", "2G/1h", "SIZE=1", CM_CONTINUE, CM_CONTINUE, "",
		{512 << 20, HOUR, 0}, 12},
};

START_TEST(size)
{
	char settings[200];
	struct drive d;

	snprintf(settings, sizeof(settings), BOB "count = bytes; limit = %s", sizes[_i].limit);
	begin_with(&d, settings, "quota", "");
	mail_of_size(&d, "bob", sizes[_i].size);
	ck_assert_msg(d.answer.verdict == sizes[_i].mail, "%s: mail %d", sizes[_i].what,
		d.answer.verdict);
	if (sizes[_i].mail == CM_CONTINUE) {
		ck_assert_int_eq(rcpts(&d, 1, 6), 6);
		ck_assert_msg(content(&d, "yes") == sizes[_i].end, "%s", sizes[_i].what);
	}
	ck_assert_str_eq(drive_reply(&d), sizes[_i].reply);
	chain_end_message(d.s);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob", &sizes[_i].window), sizes[_i].used);
	drive_fini(&d);
}
END_TEST

/* Room for two messages, and words for the third. */
START_TEST(sizes_add_up)
{
	struct drive d;

	begin_with(&d, BOB "count = bytes; limit = 100/1h", "quota", "");
	run(&d, "bob:1-9.=9 bob:1-9.=9 bob:1-9!=9");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	rcpts(&d, 1, 1);
	content(&d, "yes");
	ck_assert_str_eq(drive_reply(&d), "450 4.7.28 Size limit of 100 octets per hour exceeded, "
					  "try again in 21 minutes; 90 octets used");
	drive_fini(&d);
}
END_TEST

/* Another link lets it pass before this one has heard how large it is. */
static const char *const declared[] = {NULL, "SIZE=1", "SIZE=46", "SIZE=99"};

START_TEST(size_of_what_another_link_lets_pass)
{
	const struct cm_limit_window window = {200, HOUR, 0};
	struct drive d;

	begin_with(&d, BOB "count = bytes; limit = 200/1h", "hook, quota", "");
	mail_of_size(&d, "bob", declared[_i]);
	ck_assert_int_eq(rcpts(&d, 1, 3), 3);
	ck_assert_int_eq(content(&d, "pass"), CM_ACCEPT);
	chain_end_message(d.s);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob", &window), 46);
	drive_fini(&d);
}
END_TEST

/* It is dropped before anything of it has come. */
START_TEST(size_of_what_is_dropped_early)
{
	const struct cm_limit_window window = {200, HOUR, 0};
	struct drive d;

	begin_with(&d, BOB "count = bytes; limit = 200/1h", "quota, early",
		"script early { file = early.lua }\n");
	mail_of_size(&d, "bob", "SIZE=99");
	ck_assert_int_eq(rcpts(&d, 1, 1), 1);
	drive_event(&d, &(struct cm_event){.stage = CM_STAGE_DATA});
	ck_assert_int_eq(d.answer.verdict, CM_DISCARD);
	chain_end_message(d.s);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob", &window), 99);
	drive_fini(&d);
}
END_TEST

/* What is over and taken all the same is not counted, but for what was reserved. */
START_TEST(size_that_is_over_and_taken)
{
	const struct cm_limit_window window = {44, HOUR, 0};
	struct drive d;

	begin_with(&d, BOB "count = bytes; limit = 44/1h; over = shadow", "quota", "");
	mail_of_size(&d, "bob", "SIZE=1");
	ck_assert_int_eq(rcpts(&d, 1, 3), 3);
	ck_assert_int_eq(content(&d, "yes"), CM_CONTINUE);
	chain_end_message(d.s);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob", &window), 1);
	drive_fini(&d);
}
END_TEST

/* --- connections --- */

static void
connect_again(struct drive *d, const char *ip)
{
	chain_close(d->s);
	session_free(d->s);
	drive_open(d);
	drive_connect(d, ip, "unknown", "25");
	drive_helo(d, "client.example.net");
}

static const struct {
	const char *settings, *ip, *other, *alien;
} nets[] = {
	{"key = [ client_ip ]", "198.51.100.1", "198.51.100.1", "198.51.100.2"},
	{"key = [ client_net ]", "198.51.100.1", "198.51.100.255", "198.51.101.1"},
	{"key = [ client_net ]; key_prefix_v4 = 32", "198.51.100.1", "198.51.100.1",
		"198.51.100.0"},
	{"key = [ client_net ]; key_prefix_v4 = 22", "198.51.100.1", "198.51.103.255",
		"198.51.104.0"},
	{"key = [ client_net ]; key_prefix_v4 = 31", "198.51.100.2", "198.51.100.3",
		"198.51.100.1"},
	{"key = [ client_net ]", "2001:db8::1", "2001:db8::ffff:0:0:1", "2001:db8:0:1::1"},
	{"key = [ client_net ]; key_prefix_v6 = 48", "2001:db8::1", "2001:db8:0:1::1",
		"2001:db8:1::1"},
	{"key = [ client_net ]; key_prefix_v6 = 127", "2001:db8::2", "2001:db8::3", "2001:db8::1"},
	{"key = [ client_ip ]", "2001:db8::1", "2001:db8:0::1", "2001:db8::2"},
};

START_TEST(connections)
{
	char settings[200];
	struct drive d;

	snprintf(settings, sizeof(settings), "%s; count = connections; limit = 2/1min",
		nets[_i].settings);
	begin_with(&d, settings, "quota", "");
	for (int i = 0; i < 3; i++) {
		connect_again(&d, i == 1 ? nets[_i].other : nets[_i].ip);
		/* All messages of a connection are as it. */
		for (int k = 0; k < 2; k++) {
			drive_mail(&d, "<a@example.com>", NULL, NULL);
			ck_assert_str_eq(drive_reply(&d),
				i < 2 ? ""
				      : "450 4.7.28 Connection limit of 2 per minute exceeded, try "
					"again in 30 seconds; 2 used");
			chain_end_message(d.s);
		}
	}
	connect_again(&d, nets[_i].alien);
	ck_assert_int_eq(drive_mail(&d, "<a@example.com>", NULL, NULL), CM_CONTINUE);
	connect_again(&d, NULL);
	ck_assert_int_eq(drive_mail(&d, "<a@example.com>", NULL, NULL), CM_CONTINUE);
	connect_again(&d, nets[_i].ip);
	clock_advance(30 * CLOCK_SEC);
	connect_again(&d, nets[_i].ip);
	ck_assert_int_eq(drive_mail(&d, "<a@example.com>", NULL, NULL), CM_CONTINUE);
	drive_fini(&d);
}
END_TEST

/* Links are asked about the connection again at MAIL, where another profile is chosen then. */
START_TEST(connection_counts_once)
{
	const struct cm_limit_window window = {2, HOUR, 0};
	struct drive d;

	clock_freeze(BEGAN);
	drive_init(&d);
	drive_load(&d, "store m { type = memory }\n"
		       "profile users { authenticated = yes; chain = [ quota ] }\n"
		       "profile others { mode = shadow; chain = [ quota ] }\n"
		       "plugin quota { type = ratelimit; key = [ client_ip ]\n"
		       "count = connections; limit = 2/1h }\n");
	drive_open(&d);
	for (int i = 1; i <= 4; i++) {
		connect_again(&d, "192.0.2.1");
		ck_assert_int_eq(drive_mail(&d, "<a@example.com>", NULL, NULL), CM_CONTINUE);
		chain_end_message(d.s);
		ck_assert_int_eq(drive_mail(&d, "<a@example.com>", "bob", NULL),
			i <= 2 ? CM_CONTINUE : CM_TEMPFAIL);
		ck_assert_int_eq(
			used_in_store(&d, "limit/quota/192.0.2.1", &window), i <= 2 ? i : 2);
	}
	drive_fini(&d);
}
END_TEST

/* --- errors --- */

static void
refused_rcpts(struct drive *d, const char *path, int count)
{
	for (int i = 0; i < count; i++)
		drive_rcpt(d, path);
}

static void
rejected_by_mta(struct drive *d, const char *status)
{
	static const char *const none[] = {NULL};
	struct cm_address address;
	struct arena arena;

	session_macros_begin(d->s, CM_STAGE_RCPT);
	session_macro_add(d->s, CM_STAGE_RCPT, "{rcpt_host}", status);
	arena_init(&arena, 256);
	address_parse_path(&address, &arena, "<x@example.com>");
	drive_event(d, &(struct cm_event){.stage = CM_STAGE_RCPT,
			       .address = &address,
			       .args = none,
			       .rejected = true});
	arena_fini(&arena);
}

static void
four_rcpts(struct drive *d)
{
	refused_rcpts(d, "<no@example.com>", 4);
}
static void
three_rcpts(struct drive *d)
{
	refused_rcpts(d, "<no@example.com>", 3);
}
static void
later(struct drive *d)
{
	refused_rcpts(d, "<later@example.com>", 20);
}

static void
a_message(struct drive *d)
{
	refused_rcpts(d, "<no@example.com>", 3);
	rcpts(d, 1, 1);
	content(d, "no");
}

static void
a_good_message(struct drive *d)
{
	refused_rcpts(d, "<no@example.com>", 3);
	rcpts(d, 1, 1);
	content(d, "yes");
}

static void
by_the_mta(struct drive *d)
{
	for (int i = 0; i < 4; i++)
		rejected_by_mta(d, "5.1.1");
	refused_rcpts(d, "<later@example.com>", 1);
}

static void
by_the_mta_for_now(struct drive *d)
{
	for (int i = 0; i < 20; i++)
		rejected_by_mta(d, "4.2.2");
}

static const struct {
	const char *what;
	void (*say)(struct drive *);
	bool over;
} errors[] = {
	{"four recipients that a link refuses", four_rcpts, true},
	{"three", three_rcpts, false},
	{"three, and the message", a_message, true},
	{"three, and a message that is taken", a_good_message, false},
	{"twenty that it refuses for now", later, false},
	{"four that the mail server refuses", by_the_mta, true},
	{"twenty that it refuses for now", by_the_mta_for_now, false},
};

START_TEST(error)
{
	struct drive d;

	begin(&d, "key = [ client_ip ]; count = errors; limit = 4/1h");
	drive_mail(&d, "<a@example.com>", NULL, NULL);
	errors[_i].say(&d);
	chain_end_message(d.s);
	for (int i = 0; i < 3; i++) {
		drive_mail(&d, "<a@example.com>", NULL, NULL);
		ck_assert_msg(strcmp(drive_reply(&d),
				      errors[_i].over ? "450 4.7.28 Error limit of 4 per hour "
							"exceeded, try again in 15 minutes; 4 used"
						      : "") == 0,
			"%s: %s", errors[_i].what, drive_reply(&d));
		chain_end_message(d.s);
	}
	/* Its own refusals are no errors. */
	clock_advance(15 * 60 * CLOCK_SEC);
	drive_mail(&d, "<a@example.com>", NULL, NULL);
	ck_assert_str_eq(drive_reply(&d), "");
	drive_fini(&d);
}
END_TEST

/* Or a message could try as many recipients as it likes. */
static const struct {
	const char *what, *over;
	bool by_mta;
	const char *reply;
} within[] = {
	{"another link refused four, and the others wait", "tempfail", false,
		"450 4.7.28 Error limit of 4 per hour exceeded, try again in 15 minutes; 4 used"},
	{"the mail server refused four", "tempfail", true,
		"450 4.7.28 Error limit of 4 per hour exceeded, try again in 15 minutes; 4 used"},
	{"its own refusals are none", "reject", false,
		"550 5.7.28 Error limit of 4 per hour exceeded, try again in 15 minutes; 4 used"},
};

START_TEST(errors_within_a_message)
{
	const struct cm_limit_window window = {4, HOUR, 0};
	struct drive d, e;
	char settings[200];

	snprintf(settings, sizeof(settings),
		"key = [ client_ip ]; count = errors; limit = 4/1h; over = %s", within[_i].over);
	begin(&d, settings);
	e = (struct drive){.g = d.g};
	drive_open(&e);
	drive_connect(&e, "192.0.2.1", "unknown", "587");
	drive_helo(&e, "client.example.net");
	drive_mail(&d, "<a@example.com>", NULL, NULL);
	ck_assert_int_eq(rcpts(&d, 1, 2), 2);
	for (int i = 0; i < 4; i++) {
		if (within[_i].by_mta)
			rejected_by_mta(&d, "5.1.1");
		else
			refused_rcpts(&d, "<no@example.com>", 1);
	}
	ck_assert_msg(rcpts(&d, 1, 20) == 0, "%s", within[_i].what);
	ck_assert_str_eq(drive_reply(&d), within[_i].reply);
	/* Other sessions know of it already. */
	ck_assert_int_ne(drive_mail(&e, "<a@example.com>", NULL, NULL), CM_CONTINUE);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/192.0.2.1", &window), 4);
	/* Those who were taken get it. */
	ck_assert_int_eq(content(&d, "yes"), CM_CONTINUE);
	chain_end_message(d.s);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/192.0.2.1", &window), 4);
	chain_close(e.s);
	session_free(e.s);
	drive_fini(&d);
}
END_TEST

/*
 * A link behind one that refuses at MAIL learns of it at the end. By then the login may be that of
 * the next message, so nobody is blamed by his login.
 */
static const struct {
	const char *key, *bucket;
	int64_t used;
} behind[] = {
	{"client_ip", "limit/quota/192.0.2.1", 2},
	{"sender", "limit/quota/no@example.com", 2},
	{"auth_user", "limit/quota/bob", 0},
	{"auth_user", "limit/quota/eve", 0},
};

START_TEST(error_before_the_link)
{
	const struct cm_limit_window window = {4, HOUR, 0};
	char settings[100];
	struct drive d;

	snprintf(settings, sizeof(settings), "key = [ %s ]; count = errors; limit = 4/1h",
		behind[_i].key);
	begin_with(&d, settings, "senders, quota",
		"map bad { entries = [ \"no@example.com reject\" ] }\n"
		"plugin senders { type = access; sender = bad }\n");
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(drive_mail(&d, "<no@example.com>", "bob", NULL), CM_REJECT);
	drive_mail(&d, "<a@example.com>", "eve", NULL);
	chain_end_message(d.s);
	ck_assert_int_eq(used_in_store(&d, behind[_i].bucket, &window), behind[_i].used);
	drive_fini(&d);
}
END_TEST

/* --- results, edits, needs --- */

START_TEST(results)
{
	struct drive d;

	begin_with(&d, BOB "limit = 3/1h", "quota, second",
		"plugin second { type = ratelimit; key = [ client_ip ]; limit = 2/1d\n"
		"over = shadow; exempt = [ ann ] }\n");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	rcpts(&d, 1, 2);
	ck_assert_pstr_eq(result(&d, "result"), "ok");
	ck_assert_pstr_eq(result(&d, "quota"), "ok");
	ck_assert_pstr_eq(result(&d, "quota_used"), "2");
	ck_assert_pstr_eq(result(&d, "quota_limit"), "3");
	ck_assert_pstr_eq(result(&d, "quota_key"), "bob");
	ck_assert_pstr_eq(result(&d, "second_used"), "2");
	rcpts(&d, 3, 3);
	ck_assert_pstr_eq(result(&d, "second"), "over");
	ck_assert_pstr_eq(result(&d, "quota"), "ok");
	ck_assert_pstr_eq(result(&d, "result"), "over");
	ck_assert_pstr_eq(result(&d, "key"), "192.0.2.1");
	ck_assert_pstr_eq(result(&d, "used"), "2");
	chain_end_message(d.s);
	drive_mail(&d, "<a@example.com>", "ann", NULL);
	rcpts(&d, 1, 1);
	ck_assert_pstr_eq(result(&d, "second"), "exempt");
	chain_end_message(d.s);
	drive_mail(&d, "<a@example.com>", NULL, NULL);
	rcpts(&d, 1, 1);
	ck_assert_pstr_eq(result(&d, "quota"), "none");
	drive_fini(&d);
}
END_TEST

/* How many of the results of the message there are, read by nobody. */
static size_t
published(const struct drive *d)
{
	size_t count = 0;

	for (const struct session_pair *p = d->s->results; p != NULL; p = p->next)
		count++;
	return count;
}

START_TEST(numbers_wait_for_a_reader)
{
	struct drive d;

	begin(&d, BOB "limit = 3/1h");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	rcpts(&d, 1, 2);
	ck_assert_uint_eq(published(&d), 1);
	ck_assert_pstr_eq(session_result(d.s, "ratelimit", "result"), "ok");
	/* What another plugin says is nobody's here. */
	ck_assert_ptr_null(cm_result(d.s, "spf", "used"));
	ck_assert_uint_eq(published(&d), 1);
	ck_assert_pstr_eq(result(&d, "used"), "2");
	ck_assert_uint_eq(published(&d), 8);
	rcpts(&d, 3, 3);
	ck_assert_pstr_eq(result(&d, "quota_used"), "3");
	/* The next message does not have those of this one. */
	rcpts(&d, 4, 4);
	chain_end_message(d.s);
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	ck_assert_pstr_eq(result(&d, "used"), NULL);
	drive_fini(&d);
}
END_TEST

/* The reason of the latest recipient, with nobody who reads why one was let pass, or somebody. */
static const struct {
	const char *what;
	bool explained;
	int rcpts;
	const char *reason;
} reasons[] = {
	{"let pass, and nobody asks", false, 1, NULL},
	{"let pass, explained", true, 1, "bob: 1 of 2 recipients per hour"},
	{"over its limit", false, 3, "bob: 2 of 2 recipients per hour, again in 30 minutes"},
};

START_TEST(reason_is_for_who_reads_it)
{
	const struct trace_record *last = NULL;
	struct drive d;

	begin(&d, BOB "limit = 2/1h");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	chain_explain(d.s, reasons[_i].explained);
	rcpts(&d, 1, reasons[_i].rcpts);
	for (const struct trace_record *r = chain_trace(d.s)->first; r != NULL; r = r->next) {
		if (r->stage == CM_STAGE_RCPT && strcmp(r->link->name, "quota") == 0)
			last = r;
	}
	ck_assert_ptr_nonnull(last);
	ck_assert_pstr_eq(last->reason, reasons[_i].reason);
	drive_fini(&d);
}
END_TEST

START_TEST(tag_is_added_once)
{
	struct drive d;

	begin_with(&d, BOB "limit = 2/1h; over = tag; tag_header = X-Much", "quota", "");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	rcpts(&d, 1, 9);
	ck_assert_int_eq(content(&d, "yes"), CM_CONTINUE);
	ck_assert_uint_eq(d.answer.edit_count, 1);
	ck_assert_str_eq(d.answer.edits[0]->name, "X-Much");
	ck_assert_str_eq(d.answer.edits[0]->value,
		"quota: Recipient limit of 2 per hour exceeded by this message alone, try again in "
		"30 minutes; 2 used");
	drive_fini(&d);
}
END_TEST

START_TEST(tag_is_one_line)
{
	struct drive d;

	begin_with(&d, BOB "limit = 1/1h; over = tag; text = \"%{key}\\nX-Bad: \xc3\xa4\"", "quota",
		"");
	drive_mail(&d, "<a@example.com>", "b\xc3\xb6\nb", NULL);
	rcpts(&d, 1, 2);
	ck_assert_int_eq(content(&d, "yes"), CM_CONTINUE);
	ck_assert_uint_eq(d.answer.edit_count, 1);
	ck_assert_str_eq(d.answer.edits[0]->value, "quota: b??%0Ab?X-Bad: ??");
	drive_fini(&d);
}
END_TEST

START_TEST(login_that_is_not_delivered_is_a_failure)
{
	struct drive d;

	begin(&d, BOB "limit = 100/1h");
	d.s->macros_asked = false;
	drive_mail(&d, "<a@example.com>", NULL, NULL);
	ck_assert_int_eq(drive_rcpt(&d, "<r@example.com>"), CM_TEMPFAIL);
	ck_assert_str_eq(drive_reply(&d), "451 4.3.0 Temporary problem, please try again later");
	drive_fini(&d);
}
END_TEST

static const struct {
	const char *settings;
	bool headers, size, rejected;
} needs[] = {
	{BOB "limit = 1/1h", false, false, false},
	{BOB "limit = 1/1h; over = tag", true, false, false},
	{BOB "limit = 1/1h; count = bytes", false, true, false},
	{BOB "limit = 1/1h; count = errors", false, false, true},
};

START_TEST(no_more_is_asked_for_than_is_needed)
{
	struct chain_needs n;
	struct arena arena;
	struct drive d;

	begin_with(&d, needs[_i].settings, "quota", "");
	arena_init(&arena, 256);
	chain_needs(&d.g->chain, &arena, &n);
	ck_assert_int_eq(n.headers, needs[_i].headers);
	ck_assert_int_eq(n.size, needs[_i].size);
	ck_assert_int_eq(n.rejected, needs[_i].rejected);
	arena_fini(&arena);
	drive_fini(&d);
}
END_TEST

/* Keys lead from a user to his bucket; nothing that a client says leads out of it. */
static bool
collect(void *context, const void *key, size_t len, const struct store_value *value)
{
	(void)value;
	fwrite(key, 1, len, context);
	fputc(' ', context);
	return true;
}

static const struct {
	const char *settings, *login, *keys;
} keys[] = {
	{BOB "limit = 9/1h", "Bob", "limit/quota/bob "},
	{"key = [ client_net, sender ]; limit = 9/1h", "bob",
		"limit/quota/192.0.2.0%2F24/a@example.com "},
	{BOB "limit = 9/1h", "a/b\nc%", "limit/quota/a%2Fb%0Ac%25 "},
	{BOB "limit = 9/1h; count = distinct_recipients", "bob",
		"limit/quota/bob/1h seen/quota/bob/1h/r1@example.com "},
	/* Whoever has none by his login has none at all. */
	{BOB "limit = 9/1h", "", ""},
	{"key = [ recipient_domain, helo ]; limit = 9/1h", "bob",
		"limit/quota/example.com/client.example.net "},
};

START_TEST(key_in_the_store)
{
	const char *const prefixes[] = {"limit/", "seen/"};
	struct drive d;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	begin_with(&d, keys[_i].settings, "quota", "");
	drive_mail(&d, "<A@Example.COM>", keys[_i].login, NULL);
	rcpts(&d, 1, 1);
	ck_assert_int_eq(content(&d, "yes"), CM_CONTINUE);
	chain_end_message(d.s);
	for (int i = 0; i < 2; i++)
		store_each(d.g->stores[0], prefixes[i], strlen(prefixes[i]), collect, f);
	fclose(f);
	ck_assert_str_eq(text, keys[_i].keys);
	free(text);
	drive_fini(&d);
}
END_TEST

/* --- what administrators do --- */

/* Before its day it counts what it would have let pass, and refuses nobody. */
static const char *const watched[] = {
	"profile all { mode = shadow; chain = [ quota ] }\n"
	"plugin quota { type = ratelimit; key = [ auth_user ]; limit = 3/1h }\n",
	"profile all { chain = [ quota ] }\n"
	"plugin quota { type = ratelimit; mode = shadow; key = [ auth_user ]; limit = 3/1h }\n",
	"profile all { chain = [ quota ] }\n"
	"plugin quota { type = ratelimit; over = shadow; key = [ auth_user ]; limit = 3/1h }\n",
};

START_TEST(shadow_fills_as_it_would)
{
	const struct cm_limit_window window = {3, HOUR, 0};
	struct drive d;
	char text[512];

	clock_freeze(BEGAN);
	drive_init(&d);
	snprintf(text, sizeof(text), "store m { type = memory }\n%s", watched[_i]);
	drive_load(&d, text);
	drive_open(&d);
	drive_connect(&d, "192.0.2.1", "unknown", "587");
	run(&d, "bob:1-2.=2");
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob", &window), 2);
	run(&d, "bob:1-20.=20 bob:1-20.=20");
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob", &window), 3);
	run(&d, "bob:1-20r=20 eve:1-2x=2");
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob", &window), 3);
	ck_assert_int_eq(used_in_store(&d, "limit/quota/eve", &window), 0);
	drive_fini(&d);
}
END_TEST

/* Each link has its own buckets; what the second refuses, the first has back. */
START_TEST(two_limits_of_one_store)
{
	const struct cm_limit_window ten = {10, HOUR, 0}, three = {3, HOUR, 0};
	struct drive d;

	begin_with(&d, BOB "limit = 10/1h", "quota, second",
		"plugin second { type = ratelimit; key = [ auth_user ]; limit = 3/1h }\n");
	run(&d, "bob:1-20.=3 bob:1-20r=0");
	ck_assert_int_eq(used_in_store(&d, "limit/quota/bob", &ten), 3);
	ck_assert_int_eq(used_in_store(&d, "limit/second/bob", &three), 3);
	drive_fini(&d);
}
END_TEST

/* The clock is set while a message is open: it is counted once, and never more than once. */
static const int64_t jumps[] = {-86400, -3600, -61, 61, 899, 3600};

START_TEST(clock_is_set_in_a_message)
{
	struct drive d;

	begin(&d, BOB "limit = 10/1w");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	ck_assert_int_eq(rcpts(&d, 1, 4), 4);
	clock_freeze(BEGAN + jumps[_i]);
	ck_assert_int_eq(content(&d, "yes"), CM_CONTINUE);
	chain_end_message(d.s);
	run(&d, "bob:1-20r=6 bob:1-20.=6 bob:1-1r=0");
	drive_fini(&d);
}
END_TEST

/* --- settings --- */

static const struct {
	const char *settings, *mistake;
} mistakes[] = {
	{"limit = 1/1h", "plugin quota needs key"},
	{"key = [ login ]; limit = 1/1h", "\"login\" is none of auth_user, client_ip"},
	{"key = [ asn ]; limit = 1/1h",
		"\"asn\" needs a database of networks and their operators (libmaxminddb), which "
		"this version does not read; client_net is the nearest"},
	{"key = [ auth_user, auth_user ]; limit = 1/1h", "key has a part twice"},
	{"key = []; limit = 1/1h", "key has no part"},
	{BOB, "needs limit, such as 200/1h, or limits, a map of them"},
	{BOB "burst = 5; limits = g", "burst goes with limit"},
	{BOB "limit = 0/1h", "limit: 0/1h is out of range"},
	{BOB "limit = [ 1/1h, 2/60min ]", "two rates of one period"},
	{BOB "limit = 2G/1h", "only octets can be so many"},
	{BOB "limit = 1/1h; burst = 0", "burst: 0 is out of range"},
	{BOB "limit = 1/1h; count = connections", "count = connections takes keys of client_ip"},
	{"key = [ recipient ]; limit = 1/1h; count = errors", "count = errors takes no key of a"},
	{BOB "limit = 1/1h; text = \"%{login}\"", "\"%{login}\" is none of %{burst}, %{client_ip}"},
	{BOB "limit = 1/1h; tag_header = \"X-Much:\"", "\"X-Much:\" is not the name of a"},
	{BOB "limits = m", "\"5/h\": a digit is wanted"},
};

START_TEST(mistake)
{
	char dir[PATH_MAX], *text = NULL;
	struct drive d;

	drive_init(&d);
	drive_plugin_dir(dir, false);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\" }\nlistener l { socket = "
				 "inet:10025@127.0.0.1 }\n"
				 "store s { type = memory }\nmap m { entries = [ \"bob 5/h\" ] }\n"
				 "map g { entries = [ \"bob 5/1h\" ] }\n"
				 "profile all { chain = [ quota ] }\nplugin quota { type = "
				 "ratelimit\n%s }\n",
				 dir, mistakes[_i].settings),
		0);
	drive_load_text(&d, text);
	free(text);
	ck_assert_msg(d.g == NULL, "%s", mistakes[_i].settings);
	ck_assert_msg(strstr(d.mistakes, mistakes[_i].mistake) != NULL, "%s: %s",
		mistakes[_i].settings, d.mistakes);
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ratelimit");
	TCase *t = tcase_create("conversations");

	tcase_add_loop_test(t, conversation, 0, LENGTH(conversations));
	tcase_add_loop_test(t, reply, 0, LENGTH(replies));
	tcase_add_loop_test(t, limit_of_a_map, 0, LENGTH(maps));
	tcase_add_loop_test(t, refused_recipients_are_given_back, 0, LENGTH(orders));
	tcase_add_test(t, refused_recipients_are_not_counted);
	tcase_add_test(t, message_counts_for_those_who_get_it);
	tcase_add_test(t, recipients_of_several_minutes_are_given_back);
	tcase_add_test(t, windows_of_different_recipients_take_together);
	tcase_add_test(t, recipient_of_two_messages_counts_once);
	tcase_add_test(t, message_that_is_refused_is_given_back);
	tcase_add_test(t, what_is_dropped_counts);
	tcase_add_test(t, what_is_open_is_reserved);
	tcase_add_test(t, session_that_is_kept_open_has_no_more);
	tcase_add_loop_test(t, size, 0, LENGTH(sizes));
	tcase_add_test(t, size_over_the_burst);
	tcase_add_loop_test(t, size_of_what_another_link_lets_pass, 0, LENGTH(declared));
	tcase_add_test(t, size_of_what_is_dropped_early);
	tcase_add_test(t, size_that_is_over_and_taken);
	tcase_add_test(t, sizes_add_up);
	tcase_add_loop_test(t, connections, 0, LENGTH(nets));
	tcase_add_test(t, connection_counts_once);
	tcase_add_loop_test(t, error_before_the_link, 0, LENGTH(behind));
	tcase_add_loop_test(t, errors_within_a_message, 0, LENGTH(within));
	tcase_add_loop_test(t, error, 0, LENGTH(errors));
	tcase_add_test(t, results);
	tcase_add_test(t, numbers_wait_for_a_reader);
	tcase_add_loop_test(t, reason_is_for_who_reads_it, 0, LENGTH(reasons));
	tcase_add_test(t, tag_is_added_once);
	tcase_add_test(t, tag_is_one_line);
	tcase_add_test(t, login_that_is_not_delivered_is_a_failure);
	tcase_add_loop_test(t, no_more_is_asked_for_than_is_needed, 0, LENGTH(needs));
	tcase_add_loop_test(t, key_in_the_store, 0, LENGTH(keys));
	tcase_add_loop_test(t, shadow_fills_as_it_would, 0, LENGTH(watched));
	tcase_add_test(t, two_limits_of_one_store);
	tcase_add_loop_test(t, clock_is_set_in_a_message, 0, LENGTH(jumps));
	tcase_add_loop_test(t, mistake, 0, LENGTH(mistakes));
	suite_add_tcase(suite, t);
	return table_run(suite);
}
