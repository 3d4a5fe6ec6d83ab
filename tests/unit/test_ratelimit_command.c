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

#define WALL 1800000000

static struct drive d;
/* The answer: a line for each row, its cells with blanks between; at the end what it complains of.
 */
static char answer[1 << 18];
static size_t rows;

static void
begin(const char *sections)
{
	clock_freeze(WALL);
	drive_init(&d);
	drive_load(&d, sections);
}

static void
end(void)
{
	drive_fini(&d);
	clock_thaw();
}

/* A message that is taken. */
static void
message(const char *ip, const char *login, int rcpts)
{
	struct drive one = {.g = d.g};
	char path[64];

	drive_open(&one);
	drive_connect(&one, ip, "unknown", "587");
	drive_helo(&one, "client.example.net");
	drive_mail(&one, "<a@example.com>", login, NULL);
	for (int i = 1; i <= rcpts; i++) {
		snprintf(path, sizeof(path), "<r%d@example.com>", i);
		ck_assert_int_eq(drive_rcpt(&one, path), CM_CONTINUE);
	}
	ck_assert_int_eq(drive_content(&one, NULL, 0, "text"), CM_CONTINUE);
	chain_end_message(one.s);
	chain_close(one.s);
	session_free(one.s);
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
	add(link);
	for (size_t i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%lld", (long long)cells[i].number);
		add(" ");
		add(cells[i].text == NULL ? number : cells[i].text);
	}
	add("\n");
	rows++;
	return true;
}

/* operand NULL: none. */
static const char *
ask(const char *name, const char *operand)
{
	struct command_sink sink = {.row = row};
	const struct cm_plugin *plugin = command_find_plugin(&d.g->chain, "limit");
	struct cm_session *s = session_new(&d.g->chain.limits, "control");
	struct cm_command c;

	answer[0] = '\0';
	rows = 0;
	ck_assert(command_find(plugin, name, &c));
	chain_open(&d.g->chain, s);
	if (!command_run(s, plugin, &c, operand != NULL, &operand, &sink))
		add(sink.complaint);
	session_free(s);
	return answer;
}

#define ONE(settings)                                                                  \
	"store m { type = memory }\nprofile all { chain = [ q ] }\nplugin q { type = " \
	"ratelimit\n" settings " }\n"

/* --- show --- */

static const struct {
	const char *what, *sections, *key, *answer;
} shown[] = {
	{"a login", ONE("key = [ auth_user ]; limit = 10/1h"), "bob", "q bob 10/1h 3 10 7 0\n"},
	{"a login that has sent nothing", ONE("key = [ auth_user ]; limit = 10/1h"), "eve",
		"q eve 10/1h 0 10 10 0\n"},
	{"who has used it all, and when the next fits", ONE("key = [ auth_user ]; limit = 3/1h"),
		"bob", "q bob 3/1h 3 3 0 1200\n"},
	{"the burst is what there is", ONE("key = [ auth_user ]; limit = 10/1h; burst = 4"), "bob",
		"q bob 10/1h 3 4 1 0\n"},
	{"a key of two parts", ONE("key = [ auth_user, client_ip ]; limit = 10/1h"),
		"bob/192.0.2.1", "q bob/192.0.2.1 10/1h 3 10 7 0\n"},
	{"a key that has more parts than the limit's", ONE("key = [ auth_user ]; limit = 10/1h"),
		"bob/192.0.2.1", "q bob/192.0.2.1 keys are auth_user\n"},
	{"a key that has fewer", ONE("key = [ auth_user, client_ip ]; limit = 10/1h"), "bob",
		"q bob keys are auth_user/client_ip\n"},
	{"a key without a part", ONE("key = [ auth_user ]; limit = 10/1h"), "",
		"q  keys are auth_user\n"},
	{"a network as people write it", ONE("key = [ client_net ]; limit = 10/1h"), "192.0.2.0/24",
		"q 192.0.2.0%2F24 10/1h 3 10 7 0\n"},
	{"a network as the store has it", ONE("key = [ client_net ]; limit = 10/1h"),
		"192.0.2.0%2F24", "q 192.0.2.0%2F24 10/1h 3 10 7 0\n"},
	{"an address of the network", ONE("key = [ client_net ]; limit = 10/1h"), "192.0.2.77",
		"q 192.0.2.0%2F24 10/1h 3 10 7 0\n"},
	{"a network and a login", ONE("key = [ client_net, auth_user ]; limit = 10/1h"),
		"192.0.2.0/24/bob", "q 192.0.2.0%2F24/bob 10/1h 3 10 7 0\n"},
	{"different recipients, each period",
		ONE("key = [ auth_user ]; count = distinct_recipients; limit = [ 9/1h, 20/1d ]"),
		"bob", "q bob 9/1h 3 9 6 0\nq bob 20/1d 3 20 17 0\n"},
	{"who is exempt", ONE("key = [ auth_user ]; limit = 10/1h; exempt = [ bob ]"), "bob",
		"q bob exempt\n"},
	{"who has no limit",
		ONE("key = [ auth_user ]; limits = l }\nmap l { entries = [ \"bob 0\" ]"), "bob",
		"q bob unlimited\n"},
	{"whose class is not there",
		ONE("key = [ auth_user ]; limits = l }\nmap l { entries = [ \"eve class:x\" ]"),
		"eve", "his limits cannot be told: a map cannot be read, or names no class"},
	{"nobody", ONE("key = [ auth_user ]; limit = 10/1h"), NULL,
		"say whose: KEY, such as a login; of several parts: PART/PART"},
};

START_TEST(show)
{
	begin(shown[_i].sections);
	message("192.0.2.1", "bob", 3);
	ck_assert_msg(strcmp(ask("show", shown[_i].key), shown[_i].answer) == 0, "%s: %s",
		shown[_i].what, answer);
	end();
}
END_TEST

/* A key fits one of the limits, and the others do not keep it from being told. */
START_TEST(each_limit_answers)
{
	begin("store m { type = memory }\nprofile all { chain = [ one, two ] }\n"
	      "plugin one { type = ratelimit; key = [ auth_user ]; limit = 10/1h }\n"
	      "plugin two { type = ratelimit; key = [ auth_user, client_ip ]; limit = 10/1h }\n");
	message("192.0.2.1", "bob", 3);
	ck_assert_str_eq(ask("show", "bob/192.0.2.1"),
		"one bob/192.0.2.1 keys are auth_user\ntwo bob/192.0.2.1 10/1h 3 10 7 0\n");
	ck_assert_str_eq(ask("show", "bob"),
		"one bob 10/1h 3 10 7 0\ntwo bob keys are auth_user/client_ip\n");
	end();
}
END_TEST

/* --- list --- */

START_TEST(list)
{
	begin(ONE("key = [ auth_user ]; limit = 10/1h"));
	ck_assert_str_eq(ask("list", NULL), "");
	message("192.0.2.1", "bob", 8);
	ck_assert_str_eq(ask("list", NULL), "q bob 10/1h 8 10 2 0\n");
	message("192.0.2.1", "a/b", 2);
	ask("list", NULL);
	ck_assert_uint_eq(rows, 2);
	ck_assert_ptr_nonnull(strstr(answer, "q a%2Fb 10/1h 2 10 8 0\n"));
	ck_assert_str_eq(ask("list", "80%"), "q bob 10/1h 8 10 2 0\n");
	ck_assert_str_eq(ask("list", "81"), "");
	ck_assert_str_eq(ask("list", "half"), "--over takes a percentage, such as 80%");
	/* What has leaked is nothing. */
	clock_advance(3600 * CLOCK_SEC);
	ck_assert_str_eq(ask("list", "1%"), "");
	end();
}
END_TEST

/* A link's name may be the beginning of another's, and be short. */
START_TEST(list_is_of_one_limit)
{
	begin("store m { type = memory }\nprofile all { chain = [ q, q2 ] }\n"
	      "plugin q { type = ratelimit; key = [ auth_user ]; limit = 10/1h }\n"
	      "plugin q2 { type = ratelimit; key = [ client_ip ]; limit = 20/1h }\n");
	message("192.0.2.1", "bob", 3);
	ck_assert_str_eq(ask("list", NULL), "q bob 10/1h 3 10 7 0\nq2 192.0.2.1 20/1h 3 20 17 0\n");
	end();
}
END_TEST

/* Each period once, though each has a bucket of its own. */
START_TEST(list_of_different_recipients)
{
	begin(ONE("key = [ auth_user ]; count = distinct_recipients; limit = [ 4/1h, 20/1d ]"));
	message("192.0.2.1", "bob", 3);
	ask("list", NULL);
	ck_assert_uint_eq(rows, 2);
	ck_assert_ptr_nonnull(strstr(answer, "q bob 4/1h 3 4 1 0\n"));
	ck_assert_ptr_nonnull(strstr(answer, "q bob 20/1d 3 20 17 0\n"));
	ck_assert_str_eq(ask("list", "50%"), "q bob 4/1h 3 4 1 0\n");
	end();
}
END_TEST

static void
fill(const char *user, int64_t cost)
{
	const struct cm_limit limit = {1, {{10, 3600 * CLOCK_SEC, 0}}, false};
	const struct cm_limit_take take = {.step = CM_LIMIT_COMMIT, .cost = cost};
	struct cm_limit_answer a;
	char key[64];

	snprintf(key, sizeof(key), "limit/q/%s", user);
	ck_assert_int_eq(store_limit(d.g->stores[0], key, strlen(key), &limit, &take,
				 clock_now() + CLOCK_SEC, &a),
		CM_STORE_OK);
}

/* However many keys there are, those that are asked for are found; no more rows than one reads. */
START_TEST(list_of_many)
{
	char user[32];

	begin(ONE("key = [ auth_user ]; limit = 10/1h"));
	for (int i = 0; i < 5000; i++) {
		snprintf(user, sizeof(user), "user%d", i);
		fill(user, i % 1000 == 0 ? 9 : 1);
	}
	ask("list", "80%");
	ck_assert_uint_eq(rows, 5);
	ask("list", NULL);
	ck_assert_uint_eq(rows, 1000);
	ck_assert_ptr_nonnull(strstr(answer, "there are more than 1000; say which: --over 80%"));
	end();
}
END_TEST

/* --- reset --- */

START_TEST(reset)
{
	begin(ONE("key = [ auth_user ]; limit = 3/1h"));
	message("192.0.2.1", "bob", 3);
	message("192.0.2.1", "eve", 2);
	ck_assert_str_eq(ask("reset", "bob"), "q bob 3/1h 3 3 0 1200\n");
	ck_assert_str_eq(ask("show", "bob"), "q bob 3/1h 0 3 3 0\n");
	ck_assert_str_eq(ask("show", "eve"), "q eve 3/1h 2 3 1 0\n");
	message("192.0.2.1", "bob", 3);
	ck_assert_str_eq(ask("reset", "bob/x"), "q bob/x keys are auth_user\n");
	ck_assert_str_eq(ask("show", "bob"), "q bob 3/1h 3 3 0 1200\n");
	end();
}
END_TEST

/* Known recipients stay so, and others may be written to again. */
START_TEST(reset_of_different_recipients)
{
	begin(ONE("key = [ auth_user ]; count = distinct_recipients; limit = [ 3/1h, 20/1d ]"));
	message("192.0.2.1", "bob", 3);
	ask("reset", "bob");
	ck_assert_uint_eq(rows, 2);
	ck_assert_str_eq(ask("show", "bob"), "q bob 3/1h 0 3 3 0\nq bob 20/1d 0 20 20 0\n");
	end();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ratelimit command");
	TCase *t = tcase_create("commands");

	tcase_add_loop_test(t, show, 0, LENGTH(shown));
	tcase_add_test(t, each_limit_answers);
	tcase_add_test(t, list);
	tcase_add_test(t, list_is_of_one_limit);
	tcase_add_test(t, list_of_different_recipients);
	tcase_add_test(t, list_of_many);
	tcase_add_test(t, reset);
	tcase_add_test(t, reset_of_different_recipients);
	suite_add_tcase(suite, t);
	return table_run(suite);
}
