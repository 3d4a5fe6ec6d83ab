/* SPDX-License-Identifier: MIT */
/*
 * test_ratelimit_command.c - chainmail limit show, list, reset
 */
#include <stdio.h>

#include "base/clock.h"
#include "chain/command.h"
#include "drive.h"
#include "service/store.h"
#include "table.h"

/* 2027-01-15 08:00 UTC */
#define WALL	   1800000000
#define WORDS_MOST 8

static struct drive d;
/* The answer: a line for each row, its cells with blanks between, or the lines for people; at the
 * end what it complains of. */
static char rows[1 << 18], lines[8192];

static const char settings[] =
	"store m { type = memory }\n"
	"map limits { match = cidr; entries = [ \"203.0.113.0/24 7/1h\" ] }\n"
	"map no_limit { entries = [ \"free x\", \"daemon x\" ] }\n"
	"profile all { chain = [ quota, pairs, nets, sizes, news ] }\n"
	"plugin quota { type = ratelimit; key = [ auth_user ]; limit = [ 200/1h, 1000/1d ]\n"
	"    exempt_map = no_limit }\n"
	"plugin pairs { type = ratelimit; key = [ client_ip, auth_user ]; limit = 100/1h\n"
	"    burst = 50 }\n"
	"plugin nets { type = ratelimit; key = [ client_net ]; count = messages; limit = 100/1h\n"
	"    limits = limits; key_prefix_v6 = 48 }\n"
	"plugin sizes { type = ratelimit; key = [ auth_user ]; count = bytes; limit = 50M/1d }\n"
	"plugin news { type = ratelimit; key = [ auth_user ]; count = distinct_recipients\n"
	"    limit = [ 10/1h, 100/1d ]; over = tag }\n";

static void
begin(const char *sections)
{
	setenv("TZ", "UTC", 1);
	clock_freeze(WALL);
	drive_init(&d);
	drive_load(&d, sections);
}

static void
setup(void)
{
	begin(settings);
}

static void
teardown(void)
{
	drive_fini(&d);
	clock_thaw();
}

/* A message to so many recipients. */
static void
message(const char *ip, const char *login, int rcpts)
{
	const struct cm_header from = {"From", "<a@example.com>"};
	struct drive one = {.g = d.g};
	char path[64];

	drive_open(&one);
	drive_connect(&one, ip, "client.example.net", "25");
	drive_helo(&one, "client.example.net");
	drive_mail(&one, "<a@example.com>", login, NULL);
	for (int i = 0; i < rcpts; i++) {
		snprintf(path, sizeof(path), "<r%d@example.com>", i);
		drive_rcpt(&one, path);
	}
	drive_content(&one, &from, 1, "text\r\n");
	chain_end_message(one.s);
	chain_close(one.s);
	session_free(one.s);
}

static void
add(char *to, size_t size, const char *text)
{
	size_t len = strlen(to);

	snprintf(to + len, size - len, "%s", text);
}

static bool
row(void *context, const char *link, const struct cm_cell *cells, size_t count)
{
	char number[24];

	(void)context;
	add(rows, sizeof(rows), link);
	for (size_t i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%lld", (long long)cells[i].number);
		add(rows, sizeof(rows), " ");
		add(rows, sizeof(rows), cells[i].text == NULL ? number : cells[i].text);
	}
	add(rows, sizeof(rows), "\n");
	return true;
}

static void
say(void *context, const char *line)
{
	(void)context;
	add(lines, sizeof(lines), line);
	add(lines, sizeof(lines), "\n");
}

/* "show bob --link quota": the command and its words. */
static void
ask(const char *typed)
{
	char text[256], why[256] = "", *rest = text;
	const char *words[WORDS_MOST];
	size_t count = 0;
	struct command_sink sink = {.row = row, .say = say};
	const struct cm_plugin *plugin = command_find_plugin(&d.g->chain, "limit");
	struct cm_session *s = session_new(&d.g->chain.limits, "control");
	struct command_words read;
	struct command_form form;
	struct cm_command c;

	snprintf(text, sizeof(text), "%s", typed);
	while (count < WORDS_MOST && (words[count] = strsep(&rest, " ")) != NULL)
		count++;
	rows[0] = lines[0] = '\0';
	ck_assert(command_find(plugin, words[0], &c));
	form = command_form(&c);
	chain_open(&d.g->chain, s);
	if (!command_read(words[0], &form, count - 1, words + 1, &s->conn, &read, why, sizeof(why)))
		add(rows, sizeof(rows), why);
	else if (!command_run(s, plugin, &c, &read, &sink))
		add(rows, sizeof(rows), sink.complaint);
	session_free(s);
}

static void
fill(void)
{
	message("203.0.113.7", "bob", 7);
	message("203.0.113.7", "bob", 6);
	message("198.51.100.1", "ann", 30);
	message("2001:db8::77", "J\xc3\xb6rg/%\x1b[31m\xff", 3);
	message("2001:db8::78", "free", 1);
}

/* What is typed, and rows or lines of the answer. */
static const struct {
	const char *name, *typed, *rows, *lines;
} asked[] = {
	{"a login", "show bob --link quota",
		"quota bob 200/1h 13 200 187 0 1800000000 1800000234\n"
		"quota bob 1000/1d 13 1000 987 0 1800000000 1800001124\n",
		"quota  bob  13 of 200 recipients / 1h  full again 08:04\n"
		"quota  bob  13 of 1000 recipients / 1d  full again 08:19\n"
		"next message may have 187 recipients; exempt: no\n"
		"next message now\n"},
	{"nobody", "show nobody --link quota",
		"quota nobody 200/1h 0 200 200 0 1800000000 1800000000\n"
		"quota nobody 1000/1d 0 1000 1000 0 1800000000 1800000000\n",
		"quota  nobody  0 of 200 recipients / 1h  full now\n"
		"quota  nobody  0 of 1000 recipients / 1d  full now\n"
		"next message may have 200 recipients; exempt: no\n"
		"next message now\n"},
	{"one who is exempt", "show free --link quota", "quota free exempt\n",
		"quota  free  no limit; exempt: yes\n"},
	{"a key of two parts, of which all have a burst", "show 203.0.113.7/bob",
		"pairs 203.0.113.7/bob 100/1h 13 50 37 0 1800000000 1800000468\n",
		"pairs  203.0.113.7/bob  13 of 50 recipients at once, 100 / 1h  full again 08:08\n"
		"next message may have 37 recipients; exempt: no\n"
		"next message now\n"},
	{"a network with the limit of its map", "show 203.0.113.0/24 --link nets",
		"nets 203.0.113.0/24 7/1h 2 7 5 0 1800000000 1800001029\n",
		"nets  203.0.113.0/24  2 of 7 messages / 1h  full again 08:18\n"
		"5 more messages; exempt: no\nnext message now\n"},
	{"a network by one of its clients", "show 203.0.113.99 --link nets",
		"nets 203.0.113.0/24 7/1h 2 7 5 0 1800000000 1800001029\n", NULL},
	{"an IPv6 network in another spelling", "show 2001:DB8:0:0::/48 --link nets",
		"nets 2001:db8::/48 100/1h 2 100 98 0 1800000000 1800000072\n", NULL},
	{"an IPv6 network by one of its clients", "show 2001:db8:0:ffff::1 --link nets",
		"nets 2001:db8::/48 100/1h 2 100 98 0 1800000000 1800000072\n", NULL},
	{"a network of another size", "show 203.0.113.0/25 --link nets",
		"nets: \"203.0.113.0/25\" is no address or network of this limit's size", NULL},
	{"odd octets as they are shown", "show J%C3%B6rg%2F%25%1B[31m%FF --link quota",
		"quota j%C3%B6rg%2F%25%1B[31m%FF 200/1h 3 200 197 0 1800000000 1800000054\n"
		"quota j%C3%B6rg%2F%25%1B[31m%FF 1000/1d 3 1000 997 0 1800000000 1800000260\n",
		NULL},
	{"a percent sign that begins nothing", "show 100%zz --link sizes",
		"sizes 100%25zz 52428800/1d 0 52428800 52428800 0 1800000000 1800000000\n",
		"sizes  100%25zz  0 octets of 50 MB / 1d  full now\n"
		"next message may have 50 MB; exempt: no\nnext message now\n"},
	{"an octet 0 in the middle", "show a%00b --link sizes",
		"sizes a%2500b 52428800/1d 0 52428800 52428800 0 1800000000 1800000000\n", NULL},
	{"nobody's key", "show a/b/c/d",
		"quota: that is more than its key has; pairs: \"a/b/c/d\" is no address; nets: "
		"\"a/b/c/d\" is no address or network of this limit's size; sizes: that is more "
		"than "
		"its key has; news: that is more than its key has",
		NULL},
	{"a key that lacks a part", "show bob --link pairs", "pairs: \"bob\" is no address", NULL},
	{"a key that ends in its separator", "show 192.0.2.1/ --link pairs",
		"pairs: \"192.0.2.1/\" is no client_ip/auth_user", NULL},
	{"recipients that differ, who are over", "show ann --link news",
		"news ann 10/1h 10 10 0 360 1800000360 1800003600\n"
		"news ann 100/1d 10 100 90 0 1800000000 1800008640\n",
		"news  ann  10 of 10 different recipients / 1h  full again 09:00\n"
		"news  ann  10 of 100 different recipients / 1d  full again 10:24\n"
		"next message may have 0 recipients that are new; exempt: no\n"
		"next message 08:06, in 6 minutes\n"},
	{"who is over a share, the fullest first", "list --over 26% --link pairs",
		"pairs 198.51.100.1/ann 100/1h 30 50 20 0 1800000000 1800001080\n"
		"pairs 203.0.113.7/bob 100/1h 13 50 37 0 1800000000 1800000468\n",
		NULL},
	{"who is over a share that is larger", "list --link pairs --over=27%",
		"pairs 198.51.100.1/ann 100/1h 30 50 20 0 1800000000 1800001080\n", NULL},
	{"a share that is none", "list --over 80", "--over needs a percentage; did you mean 80%?",
		NULL},
	{"what is forgotten", "reset bob --link quota", "quota bob 13\n",
		"quota  bob  done (was 13)\n"},
	{"what is forgotten in every link", "reset bob", "quota bob 13\nsizes bob 62\nnews bob 7\n",
		"quota  bob  done (was 13)\nsizes  bob  done (was 62)\nnews  bob  done (was 7)\n"},
	{"a network that is forgotten", "reset 2001:db8::1 --link nets", "nets 2001:db8::/48 2\n",
		NULL},
};

START_TEST(command_answers)
{
	fill();
	ask(asked[_i].typed);
	ck_assert_msg(strcmp(rows, asked[_i].rows) == 0, "%s:\n%s", asked[_i].name, rows);
	if (asked[_i].lines != NULL)
		ck_assert_msg(
			strcmp(lines, asked[_i].lines) == 0, "%s:\n%s", asked[_i].name, lines);
}
END_TEST

START_TEST(what_was_reset_is_gone)
{
	fill();
	ask("reset bob --link quota");
	ask("show bob --link quota");
	ck_assert_ptr_nonnull(strstr(rows, "quota bob 200/1h 0 200 200 "));
	ask("show ann --link quota");
	ck_assert_ptr_nonnull(strstr(rows, "quota ann 200/1h 30 200 170 "));
	ask("list --link quota");
	ck_assert_ptr_null(strstr(rows, "bob"));
}
END_TEST

/* What list shows can be given to show, whatever octets are in it. */
START_TEST(what_is_listed_can_be_shown)
{
	static char all[sizeof(rows)];
	char typed[256], *line, *rest = all;
	unsigned count = 0;

	fill();
	ask("list");
	snprintf(all, sizeof(all), "%s", rows);
	while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
		char link[32], key[128];

		ck_assert_int_eq(sscanf(line, "%31s %127s", link, key), 2);
		for (const char *p = key; *p != '\0'; p++)
			ck_assert_msg(*p > ' ' && *p < 0x7f, "%s", key);
		snprintf(typed, sizeof(typed), "show %s --link %s", key, link);
		ask(typed);
		ck_assert_msg(strstr(rows, line) != NULL, "%s, but:\n%s", line, rows);
		count++;
	}
	/* Of quota 3, pairs 4, nets 3, sizes 4, news 4 in two periods. */
	ck_assert_uint_eq(count, 22);
}
END_TEST

/* --- one limit, or two --- */

#define ONE(settings)                                                                  \
	"store m { type = memory }\nprofile all { chain = [ q ] }\nplugin q { type = " \
	"ratelimit\n" settings " }\n"
#define TWO(name, other, settings)                                                                 \
	"store m { type = memory }\nprofile all { chain = [ " name ", " other " ] }\nplugin " name \
	" { type = ratelimit; key = [ auth_user ]; limit = 10/1h }\nplugin " other                 \
	" { type = ratelimit; " settings " }\n"

/* After a message of bob to three recipients, from 192.0.2.1; each ends with the moment it is full
 * again. */
static const struct {
	const char *what, *sections, *typed, *rows;
} shown[] = {
	{"who has used it all, and when the next fits", ONE("key = [ auth_user ]; limit = 3/1h"),
		"show bob", "q bob 3/1h 3 3 0 1200 1800001200 1800003600\n"},
	{"the burst is what there is", ONE("key = [ auth_user ]; limit = 10/1h; burst = 4"),
		"show bob", "q bob 10/1h 3 4 1 0 1800000000 1800001080\n"},
	{"a key of two parts", ONE("key = [ auth_user, client_ip ]; limit = 10/1h"),
		"show bob/192.0.2.1", "q bob/192.0.2.1 10/1h 3 10 7 0 1800000000 1800001080\n"},
	{"a key that has more parts than the limit's", ONE("key = [ auth_user ]; limit = 10/1h"),
		"show bob/192.0.2.1", "q: that is more than its key has"},
	{"a key that has fewer", ONE("key = [ auth_user, client_ip ]; limit = 10/1h"), "show bob",
		"q: \"bob\" is no auth_user/client_ip"},
	{"a key without a part", ONE("key = [ auth_user ]; limit = 10/1h"), "show ",
		"q: \"\" is no auth_user"},
	{"a network as people write it", ONE("key = [ client_net ]; limit = 10/1h"),
		"show 192.0.2.0/24", "q 192.0.2.0/24 10/1h 3 10 7 0 1800000000 1800001080\n"},
	{"a network as the store has it", ONE("key = [ client_net ]; limit = 10/1h"),
		"show 192.0.2.0%2F24", "q 192.0.2.0/24 10/1h 3 10 7 0 1800000000 1800001080\n"},
	{"an address of the network", ONE("key = [ client_net ]; limit = 10/1h"), "show 192.0.2.77",
		"q 192.0.2.0/24 10/1h 3 10 7 0 1800000000 1800001080\n"},
	{"a network and a login", ONE("key = [ client_net, auth_user ]; limit = 10/1h"),
		"show 192.0.2.0/24/bob",
		"q 192.0.2.0/24/bob 10/1h 3 10 7 0 1800000000 1800001080\n"},
	{"different recipients, each period",
		ONE("key = [ auth_user ]; count = distinct_recipients; limit = [ 9/1h, 20/1d ]"),
		"show bob",
		"q bob 9/1h 3 9 6 0 1800000000 1800001200\n"
		"q bob 20/1d 3 20 17 0 1800000000 1800012960\n"},
	{"who has no limit",
		ONE("key = [ auth_user ]; limits = l }\nmap l { entries = [ \"bob 0\" ]"),
		"show bob", "q bob unlimited\n"},
	{"whose class is not there",
		ONE("key = [ auth_user ]; limits = l }\nmap l { entries = [ \"eve class:x\" ]"),
		"show eve",
		"his limits cannot be told: a map cannot be read, or has not the class that it "
		"names"},
	{"nobody", ONE("key = [ auth_user ]; limit = 10/1h"), "show", "show needs KEY"},
	{"a key that fits one of two limits",
		TWO("one", "two", "key = [ auth_user, client_ip ]; limit = 10/1h"),
		"show bob/192.0.2.1", "two bob/192.0.2.1 10/1h 3 10 7 0 1800000000 1800001080\n"},
	{"a key that fits the other",
		TWO("one", "two", "key = [ auth_user, client_ip ]; limit = 10/1h"), "show bob",
		"one bob 10/1h 3 10 7 0 1800000000 1800001080\n"},
	{"one limit, whose name is the beginning of another's, and short",
		TWO("q", "q2", "key = [ client_ip ]; limit = 20/1h"), "list",
		"q bob 10/1h 3 10 7 0 1800000000 1800001080\n"
		"q2 192.0.2.1 20/1h 3 20 17 0 1800000000 1800000540\n"},
	{"each period once, though each has a bucket of its own, the fuller first",
		ONE("key = [ auth_user ]; count = distinct_recipients; limit = [ 20/1d, 4/1h ]"),
		"list",
		"q bob 4/1h 3 4 1 0 1800000000 1800002700\n"
		"q bob 20/1d 3 20 17 0 1800000000 1800012960\n"},
	{"the period that is over a share",
		ONE("key = [ auth_user ]; count = distinct_recipients; limit = [ 20/1d, 4/1h ]"),
		"list --over 50%", "q bob 4/1h 3 4 1 0 1800000000 1800002700\n"},
};

START_TEST(one_message_is_shown)
{
	begin(shown[_i].sections);
	message("192.0.2.1", "bob", 3);
	ask(shown[_i].typed);
	ck_assert_msg(strcmp(rows, shown[_i].rows) == 0, "%s:\n%s", shown[_i].what, rows);
	teardown();
}
END_TEST

START_TEST(list_is_of_now)
{
	begin(ONE("key = [ auth_user ]; limit = 10/1h"));
	ask("list");
	ck_assert_str_eq(rows, "");
	message("192.0.2.1", "bob", 8);
	ask("list --over 80%");
	ck_assert_str_eq(rows, "q bob 10/1h 8 10 2 0 1800000000 1800002880\n");
	ask("list --over 81%");
	ck_assert_str_eq(rows, "");
	clock_advance(1800 * CLOCK_SEC);
	ask("list");
	ck_assert_str_eq(rows, "q bob 10/1h 3 10 7 0 1800001800 1800002880\n");
	/* What has leaked is nothing. */
	clock_advance(1800 * CLOCK_SEC);
	ask("list --over 1%");
	ck_assert_str_eq(rows, "");
	teardown();
}
END_TEST

/* Who was reset has all of it; of a key that is nobody's, nothing is forgotten. */
START_TEST(reset_gives_all_of_it_back)
{
	begin(ONE("key = [ auth_user ]; limit = 3/1h"));
	message("192.0.2.1", "bob", 3);
	message("192.0.2.1", "eve", 2);
	ask("reset bob/x");
	ck_assert_str_eq(rows, "q: that is more than its key has");
	ask("reset bob");
	ck_assert_str_eq(rows, "q bob 3\n");
	ask("show bob");
	ck_assert_str_eq(rows, "q bob 3/1h 0 3 3 0 1800000000 1800000000\n");
	ask("show eve");
	ck_assert_str_eq(rows, "q eve 3/1h 2 3 1 0 1800000000 1800002400\n");
	message("192.0.2.1", "bob", 3);
	ask("show bob");
	ck_assert_str_eq(rows, "q bob 3/1h 3 3 0 1200 1800001200 1800003600\n");
	teardown();
}
END_TEST

/* What a message had reserved is forgotten with all else, and counts when it ends. */
START_TEST(open_message_counts_after_reset)
{
	begin(ONE("key = [ auth_user ]; limit = 10/1h"));
	drive_open(&d);
	drive_connect(&d, "192.0.2.1", "client.example.net", "587");
	drive_helo(&d, "client.example.net");
	drive_mail(&d, "<a@example.com>", "bob", NULL);
	drive_rcpt(&d, "<r1@example.com>");
	drive_rcpt(&d, "<r2@example.com>");
	ask("reset bob");
	ck_assert_str_eq(rows, "q bob 2\n");
	ask("show bob");
	ck_assert_str_eq(rows, "q bob 10/1h 0 10 10 0 1800000000 1800000000\n");
	ck_assert_int_eq(drive_content(&d, NULL, 0, "text\r\n"), CM_CONTINUE);
	chain_end_message(d.s);
	ask("show bob");
	ck_assert_str_eq(rows, "q bob 10/1h 2 10 8 0 1800000000 1800000720\n");
	teardown();
}
END_TEST

/* Known recipients stay so, and others may be written to again. */
START_TEST(reset_of_different_recipients)
{
	begin(ONE("key = [ auth_user ]; count = distinct_recipients; limit = [ 3/1h, 20/1d ]"));
	message("192.0.2.1", "bob", 3);
	ask("reset bob");
	ck_assert_str_eq(rows, "q bob 3\n");
	message("192.0.2.1", "bob", 3);
	ask("show bob");
	ck_assert_str_eq(rows, "q bob 3/1h 0 3 3 0 1800000000 1800000000\n"
			       "q bob 20/1d 0 20 20 0 1800000000 1800000000\n");
	message("192.0.2.1", "bob", 4);
	ask("show bob --link q");
	ck_assert_int_eq(strncmp(rows, "q bob 3/1h 1 3 2 ", strlen("q bob 3/1h 1 3 2 ")), 0);
	teardown();
}
END_TEST

/* --- many --- */

/* The fullest are among thousands of others, wherever they are in the store. */
START_TEST(the_fullest_of_many_are_listed)
{
	char login[32], ip[32];
	const char *p = rows;
	unsigned count = 0;

	for (int i = 0; i < 3000; i++) {
		snprintf(login, sizeof(login), "user%04d", i);
		snprintf(ip, sizeof(ip), "10.%d.%d.1", i / 200, i % 200);
		message(ip, login, i % 1000 == 999 ? 45 : 1);
	}
	ask("list --link quota --over 22%");
	ck_assert_str_eq(rows, "quota user0999 200/1h 45 200 155 0 1800000000 1800000810\n"
			       "quota user1999 200/1h 45 200 155 0 1800000000 1800000810\n"
			       "quota user2999 200/1h 45 200 155 0 1800000000 1800000810\n");
	ask("list --link quota");
	ck_assert_int_eq(strncmp(rows, "quota user0999 ", strlen("quota user0999 ")), 0);
	ck_assert_ptr_nonnull(
		strstr(rows, "\nthese are the fullest 1000 of 3000: ask for less with --over"));
	while ((p = strchr(p, '\n')) != NULL) {
		p++;
		count++;
	}
	ck_assert_uint_eq(count, 1000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ratelimit_command");
	TCase *tc = tcase_create("commands"), *one = tcase_create("one limit");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, command_answers, 0, LENGTH(asked));
	tcase_add_test(tc, what_was_reset_is_gone);
	tcase_add_test(tc, what_is_listed_can_be_shown);
	tcase_add_test(tc, the_fullest_of_many_are_listed);
	tcase_add_loop_test(one, one_message_is_shown, 0, LENGTH(shown));
	tcase_add_test(one, list_is_of_now);
	tcase_add_test(one, reset_gives_all_of_it_back);
	tcase_add_test(one, open_message_counts_after_reset);
	tcase_add_test(one, reset_of_different_recipients);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, one);
	return table_run(suite);
}
