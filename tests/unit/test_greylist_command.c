/* SPDX-License-Identifier: MIT */
/*
 * test_greylist_command.c - chainmail greylist show, allow, forget
 */
#include <stdio.h>

#include "base/clock.h"
#include "chain/command.h"
#include "drive.h"
#include "table.h"

#define WALL 1800000000

static struct drive d;
/* The answer: a line for each row, its cells with blanks between; at the end what it complains of.
 */
static char answer[1 << 18];
static size_t rows;

static void
begin(const char *settings)
{
	char text[512];

	clock_freeze(WALL);
	drive_init(&d);
	drive_file(&d, "zone", "pool.example TXT \"v=spf1 ip4:203.0.113.0/24 -all\"\n");
	snprintf(text, sizeof(text),
		"dns { zone = zone }\nstore m { type = memory }\n"
		"profile all { chain = [ spf, greylist ] }\nplugin spf { fail = accept }\n"
		"plugin greylist { delay = 1min; %s }\n",
		settings);
	drive_load(&d, text);
}

static void
end(void)
{
	drive_fini(&d);
	clock_thaw();
}

/* The result for one recipient. */
static const char *
visit(const char *ip, const char *sender, const char *rcpt)
{
	static char result[16];
	struct drive one = {.g = d.g};

	drive_open(&one);
	drive_connect(&one, ip, "client.example.net", "25");
	drive_helo(&one, "client.example.net");
	drive_mail(&one, sender, NULL, NULL);
	drive_rcpt(&one, rcpt);
	snprintf(result, sizeof(result), "%s", cm_result(one.s, "greylist", "result"));
	chain_end_message(one.s);
	chain_close(one.s);
	session_free(one.s);
	return result;
}

static void
add(const char *text)
{
	snprintf(answer + strlen(answer), sizeof(answer) - strlen(answer), "%s", text);
}

static bool
row(void *context, const char *link, const struct cm_cell *cells, size_t count)
{
	char number[24];

	(void)context;
	ck_assert_str_eq(link, "greylist");
	for (size_t i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%lld", (long long)cells[i].number);
		add(i == 0 ? "" : " ");
		add(cells[i].text == NULL ? number : cells[i].text);
	}
	add("\n");
	rows++;
	return true;
}

/* As the words are typed: "allow", operand, and for how long; NULL: not given. */
static const char *
ask(const char *name, const char *operand, const char *period)
{
	const char *words[] = {operand, "--for", period};
	size_t count = operand == NULL ? 0 : period == NULL ? 1 : 3;
	struct command_sink sink = {.row = row};
	const struct cm_plugin *plugin = command_find_plugin(&d.g->chain, "greylist");
	struct cm_session *s = session_new(&d.g->chain.limits, "control");
	struct command_words read;
	struct command_form form;
	struct cm_command c;
	char why[200];

	answer[0] = '\0';
	rows = 0;
	ck_assert(command_find(plugin, name, &c));
	form = command_form(&c);
	chain_open(&d.g->chain, s);
	if (!command_read(name, &form, count, words, &s->conn, &read, why, sizeof(why)))
		add(why);
	else if (!command_run(s, plugin, &c, &read, &sink))
		add(sink.complaint);
	session_free(s);
	return answer;
}

START_TEST(what_is_known_is_shown)
{
	begin("auto_allow_after = 2");
	ck_assert_str_eq(ask("show", NULL, NULL), "");
	visit("192.0.2.1", "<list-17-b@example.org>", "<b@example.net>");
	ck_assert_str_eq(ask("show", NULL, NULL),
		"triple 192.0.2.0/24 list-#-b@example.org b@example.net waiting 0 1800000000 "
		"1800000000\n");
	clock_advance(60 * CLOCK_SEC);
	visit("192.0.2.1", "<list-18-b@example.org>", "<b@example.net>");
	visit("192.0.2.1", "<list-18-b@example.org>", "<b@example.net>");
	ck_assert_str_eq(ask("show", "list-#", NULL),
		"triple 192.0.2.0/24 list-#-b@example.org b@example.net passed 1 1800000000 "
		"1800000060\n");
	ck_assert_ptr_nonnull(strstr(
		ask("show", NULL, NULL), "from 192.0.2.0/24   passed 1 1800000060 1800000060\n"));
	ck_assert_uint_eq(rows, 2);
	visit("192.0.2.1", "<x@example.org>", "<b@example.net>");
	clock_advance(3600 * CLOCK_SEC);
	visit("192.0.2.1", "<x@example.org>", "<b@example.net>");
	ck_assert_ptr_nonnull(strstr(
		ask("show", NULL, NULL), "from 192.0.2.0/24   allowed 2 1800000060 1800003660\n"));
	end();
}
END_TEST

static const struct {
	const char *text;
	size_t rows; /* of four triples */
} shown[] = {
	{"192.0.2.1", 2},
	{"192.0.2.99", 2},
	{"192.0.2", 2},
	{"192.0.2.0/24", 2},
	{"192.0.3.1", 0},
	{"2001:db8::77", 1},
	{"pool.example", 1},
	{"example.org", 3},
	{"a@example.org", 3},
	{"c@example.net", 1},
	{"nobody", 0},
	{"/", 3},
	{"%2f", 0},
};

static void
fill(void)
{
	visit("192.0.2.1", "<a@example.org>", "<b@example.net>");
	visit("192.0.2.2", "<a@example.org>", "<c@example.net>");
	visit("2001:db8::1", "<a@example.org>", "<b@example.net>");
	visit("203.0.113.1", "<p@pool.example>", "<b@example.net>");
}

START_TEST(what_holds_the_text_is_shown)
{
	begin("");
	fill();
	ask("show", shown[_i].text, NULL);
	ck_assert_msg(rows == shown[_i].rows, "%s: %s", shown[_i].text, answer);
	end();
}
END_TEST

static const struct {
	const char *text, *forgotten; /* triples, their claims, and the count of their site */
	size_t left;
} forgotten[] = {
	{"192.0.2.77", "5\n", 2},
	{"192.0.2.0/24", "5\n", 2},
	{"2001:db8::2", "3\n", 3},
	{"pool.example", "2\n", 3},
	{"POOL.example", "2\n", 3},
	{"a@example.org", "6\n", 1},
	{"A@Example.ORG", "6\n", 1},
	{"example.org", "6\n", 1},
	{"@example.org", "6\n", 1},
	{"b@example.net", "6\n", 1},
	/* Not what is only a part of a word. */
	{"example", "0\n", 4},
	{"192.0.2", "0\n", 4},
	{"a", "0\n", 4},
	{"@", "0\n", 4},
	{"ample.org", "0\n", 4},
	{"", "say what: a client, network, address or domain", 4},
};

START_TEST(what_is_meant_is_forgotten)
{
	begin("");
	fill();
	ck_assert_str_eq(ask("forget", forgotten[_i].text, NULL), forgotten[_i].forgotten);
	ask("show", NULL, NULL);
	ck_assert_msg(rows == forgotten[_i].left, "%s: %s", forgotten[_i].text, answer);
	end();
}
END_TEST

/* A sender is found as it was sent. */
START_TEST(sender_with_numbers_is_forgotten)
{
	begin("");
	visit("192.0.2.1", "<list-17-b@example.org>", "<b@example.net>");
	ck_assert_str_eq(ask("forget", "list-99-b@example.org", NULL), "2\n");
	clock_advance(60 * CLOCK_SEC);
	ck_assert_str_eq(visit("192.0.2.1", "<list-17-b@example.org>", "<b@example.net>"), "new");
	end();
}
END_TEST

START_TEST(everything_of_a_network_is_forgotten)
{
	begin("auto_allow_after = 1");
	visit("192.0.2.1", "<a@example.org>", "<b@example.net>");
	clock_advance(60 * CLOCK_SEC);
	visit("192.0.2.1", "<a@example.org>", "<b@example.net>");
	ck_assert_str_eq(visit("192.0.2.1", "<x@example.org>", "<b@example.net>"), "allowed");
	/* Records of the triple and of the network, the set of its hours, the count of its site. */
	ck_assert_str_eq(ask("forget", "192.0.2.1", NULL), "4\n");
	ck_assert_str_eq(visit("192.0.2.1", "<x@example.org>", "<b@example.net>"), "new");
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), "new");
	end();
}
END_TEST

/* More than one round. */
START_TEST(many_are_forgotten)
{
	char rcpt[32];

	begin("");
	for (int i = 0; i < 700; i++) {
		snprintf(rcpt, sizeof(rcpt), "<b%d@example.net>", i);
		visit("192.0.2.1", "<a@example.org>", rcpt);
	}
	ck_assert_str_eq(ask("forget", "192.0.2.1", NULL), "1401\n");
	ask("show", NULL, NULL);
	ck_assert_uint_eq(rows, 0);
	end();
}
END_TEST

START_TEST(many_are_shown_in_part)
{
	char rcpt[32];

	begin("");
	for (int i = 0; i < 1001; i++) {
		snprintf(rcpt, sizeof(rcpt), "<b%d@example.net>", i);
		visit("192.0.2.1", "<a@example.org>", rcpt);
	}
	ck_assert_ptr_nonnull(strstr(ask("show", NULL, NULL), "\nthese are the first 1000: "));
	ck_assert_uint_eq(rows, 1000);
	ask("show", "b1000@", NULL);
	ck_assert_uint_eq(rows, 1);
	end();
}
END_TEST

static const struct {
	const char *name, *settings, *from, *period, *said;
	const char *ip, *sender; /* who need not wait then; NULL: nobody */
} allowed[] = {
	{"a client's network", "", "192.0.2.9", NULL, "192.0.2.0/24 1807776000\n", "192.0.2.1",
		"<a@example.org>"},
	{"a network", "", "192.0.2.0/24", "7d", "192.0.2.0/24 1800604800\n", "192.0.2.1",
		"<a@example.org>"},
	{"a network with host bits", "", "192.0.2.9/24", "12h", "192.0.2.0/24 1800043200\n",
		"192.0.2.1", "<a@example.org>"},
	{"an IPv6 client", "", "2001:DB8::1", NULL, "2001:db8::/64 1807776000\n", "2001:db8::2",
		"<a@example.org>"},
	{"a domain", "", "pool.example", NULL, "pool.example 1807776000\n", "203.0.113.7",
		"<a@pool.example>"},
	{"a domain in capitals", "", "Pool.EXAMPLE", NULL, "pool.example 1807776000\n",
		"203.0.113.7", "<a@pool.example>"},
	{"although networks never are by themselves", "auto_allow_after = 0", "192.0.2.1", NULL,
		"192.0.2.0/24 1807776000\n", "192.0.2.1", "<a@example.org>"},
	{"no network of another size", "", "192.0.0.0/16", NULL,
		"\"192.0.0.0/16\" is no address, no network of 24 or 64 bits, and no domain", NULL,
		NULL},
	{"no address with a mistake", "", "192.0.2.900", NULL,
		"\"192.0.2.900\" is no address, no network of 24 or 64 bits, and no domain", NULL,
		NULL},
	{"no address of mail", "", "a@pool.example", NULL,
		"\"a@pool.example\" is no address, no network of 24 or 64 bits, and no domain",
		NULL, NULL},
	{"no domain that does not count", "use_spf = no", "pool.example", NULL,
		"\"pool.example\" is no address, no network of 24 or 64 bits; domains do not "
		"count, for use_spf = no",
		NULL, NULL},
	{"not for no time", "", "192.0.2.1", "0d", "--for: 0d is out of range; from 1s to 3653d",
		NULL, NULL},
	{"not for years without end", "", "192.0.2.1", "99999d",
		"--for: 99999d is out of range; from 1s to 3653d", NULL, NULL},
	{"not for a number", "", "192.0.2.1", "90",
		"--for needs a duration with a unit; did you mean 90s or 90min? units: ms s min h "
		"d w (they add up: 1h30min)",
		NULL, NULL},
	{"nobody", "", NULL, NULL, "allow needs CLIENT|NETWORK|DOMAIN", NULL, NULL},
};

START_TEST(some_are_allowed)
{
	begin(allowed[_i].settings);
	ck_assert_str_eq(ask("allow", allowed[_i].from, allowed[_i].period), allowed[_i].said);
	ck_assert_str_eq(visit("198.51.100.1", "<a@example.org>", "<b@example.net>"), "new");
	if (allowed[_i].ip != NULL)
		ck_assert_msg(strcmp(visit(allowed[_i].ip, allowed[_i].sender, "<b@example.net>"),
				      "allowed") == 0,
			"%s", allowed[_i].name);
	end();
}
END_TEST

/* Visits do not prolong what a person has said. */
START_TEST(allowance_ends)
{
	begin("");
	ask("allow", "192.0.2.1", "2d");
	for (int day = 0; day < 2; day++) {
		ck_assert_str_eq(
			visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), "allowed");
		clock_advance(24 * 3600 * CLOCK_SEC);
	}
	ck_assert_str_eq(visit("192.0.2.1", "<a@example.org>", "<b@example.net>"), "new");
	end();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("greylist_command");
	TCase *tc = tcase_create("commands");

	tcase_add_test(tc, what_is_known_is_shown);
	tcase_add_loop_test(tc, what_holds_the_text_is_shown, 0, LENGTH(shown));
	tcase_add_loop_test(tc, what_is_meant_is_forgotten, 0, LENGTH(forgotten));
	tcase_add_test(tc, sender_with_numbers_is_forgotten);
	tcase_add_test(tc, everything_of_a_network_is_forgotten);
	tcase_add_test(tc, many_are_forgotten);
	tcase_add_test(tc, many_are_shown_in_part);
	tcase_add_loop_test(tc, some_are_allowed, 0, LENGTH(allowed));
	tcase_add_test(tc, allowance_ends);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
