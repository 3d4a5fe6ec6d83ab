/* SPDX-License-Identifier: MIT */
/*
 * test_control_links.c - modes, errors, trips and shadows, as people ask the daemon for them
 *
 * A configuration is served, mail comes, somebody asks, and somebody reloads. The clock moves only
 * when told.
 */
#include <stdlib.h>
#include <string.h>

#include "admin/control_client.h"
#include "base/clock.h"
#include "drive.h"
#include "table.h"

#define WALL INT64_C(1800000000) /* 2027-01-15 08:00 UTC */

static struct drive d;
static struct control_client client;

static const char conf[] =
	"plugin refuse { type = trace; level = debug; answer = [ \"rcpt tempfail\" ] }\n"
	"plugin watch { type = trace; level = debug; answer = [ \"mail reject\" ]\n"
	"    mode = shadow }\n"
	"plugin idle { type = trace; level = debug; mode = off }\n"
	"script bad { file = bad.lua; on_error = skip; trip_after = 2/5min }\n"
	"profile all { chain = [ bad, watch, idle, refuse ] }\n";

static const char bad[] = "function mail(m, from)\n"
			  "	if from.user == \"error\" then error(\"broken\") end\n"
			  "	if from.user == \"memory\" then return (\"x\"):rep(100000000) end\n"
			  "	if from.user == \"input\" then return m.auth and nil end\n"
			  "end\n";

static void
serve(void)
{
	drive_load(&d, conf);
	generation_swap(d.g);
	d.g = generation_hold();
}

static void
setup(void)
{
	setenv("TZ", "UTC", 1);
	clock_freeze(WALL);
	drive_init(&d);
	drive_file(&d, "bad.lua", bad);
	serve();
	client = (struct control_client){.uid = 0, .config = d.conf};
	buf_init(&client.out, 0);
}

static void
teardown(void)
{
	struct chain nobody = {.link_count = 0};

	buf_fini(&client.out);
	generation_swap(NULL);
	/* What was counted is not of the next test. */
	live_join(&nobody);
	drive_fini(&d);
	clock_thaw();
}

/* What is answered to words; _ stands for a blank inside of one. */
static const char *
ask(const char *words)
{
	char line[400] = "{\"command\":[\"";
	size_t len = strlen(line);

	for (; *words != '\0'; words++) {
		if (*words == ' ')
			len += (size_t)sprintf(line + len, "\",\"");
		else
			line[len++] = *words == '_' ? ' ' : *words;
	}
	len += (size_t)sprintf(line + len, "\"]}");
	buf_clear(&client.out);
	control_answer(&client, line, len);
	return client.out.data;
}

static void
expect(const char *words, const char *wanted)
{
	const char *answer = ask(words);

	ck_assert_msg(strstr(answer, wanted) != NULL, "%s: %s", words, answer);
}

static void
expect_not(const char *words, const char *unwanted)
{
	const char *answer = ask(words);

	ck_assert_msg(strstr(answer, unwanted) == NULL, "%s: %s", words, answer);
}

static enum cm_verdict
message(const char *from)
{
	char path[64];
	enum cm_verdict v;

	snprintf(path, sizeof(path), "<%s@example.org>", from);
	drive_open(&d);
	drive_connect(&d, "192.0.2.1", "client.example", "25");
	drive_helo(&d, "client.example");
	v = drive_mail(&d, path, NULL, NULL);
	if (v == CM_CONTINUE)
		v = drive_rcpt(&d, "<bob@example.com>");
	chain_end_message(d.s);
	chain_close(d.s);
	session_free(d.s);
	d.s = NULL;
	return v;
}

static void
reload(void)
{
	generation_drop(d.g);
	free(d.mistakes);
	serve();
}

/* --- mode --- */

static const struct {
	const char *words, *answer;
} answers[] = {
	{"mode refuse shadow",
		"{\"say\":\"refuse shadow (filter.conf: enforce)\"}\n{\"done\":true}"},
	{"mode refuse shadow --until tomorrow_08:00",
		"{\"row\":{\"what\":\"mode\",\"name\":\"refuse\",\"mode\":\"shadow\","
		"\"until_at\":1800086400,\"configured\":\"enforce\"}}\n"
		"{\"say\":\"refuse shadow until 2027-01-16 08:00 (filter.conf: enforce)\"}\n"},
	{"mode refuse off --until +2h", "refuse off until 2027-01-15 10:00 (filter.conf: enforce)"},
	{"mode watch enforce", "watch enforce (filter.conf: shadow)"},
	{"mode watch configured", "watch shadow (as in filter.conf)"},
	{"mode refuse shadow --until 2027-01-15", "--until 2027-01-15: that is over"},
	{"mode refuse shadow --until 2027-02-30", "--until 2027-02-30: there is no such time"},
	{"mode refuse shadow --until soon", "--until soon: YYYY-MM-DD, "},
	{"mode refuse configured --until +2h", "what filter.conf says ends when filter.conf says"},
	{"mode refuse shaddow",
		"\\\"shaddow\\\" is none of enforce|shadow|off|configured, did you mean shadow?"},
	{"mode refuse", "mode needs NAME enforce|shadow|off|configured"},
	{"mode refues shadow",
		"filter.conf has no plugin or script \\\"refues\\\", did you mean \\\"refuse\\\"?"},
	{"mode all shadow", "filter.conf has no plugin or script \\\"all\\\"; see: chainmail"},
	{"mode idle enforce", "idle is off in filter.conf, so mail servers were not asked for what "
			      "it needs; write "
			      "mode = enforce there and run: chainmail reload"},
	{"mode idle off", "idle off (filter.conf: off)"},
	{"errors nobody", "filter.conf has no plugin or script \\\"nobody\\\""},
	{"errors", "{\"done\":true}\n"},
	{"errors bad", "{\"done\":true}\n"},
	{"shadow", "{\"done\":true}\n"},
	{"shadow watch", "{\"done\":true}\n"},
};

START_TEST(people_are_answered)
{
	expect(answers[_i].words, answers[_i].answer);
}
END_TEST

START_TEST(mode_holds_over_a_reload_and_ends_by_itself)
{
	ck_assert_int_eq(message("a"), CM_TEMPFAIL);
	ask("mode refuse shadow --until tomorrow_08:00");
	ck_assert_int_eq(message("a"), CM_CONTINUE);
	expect("status", "mode        refuse shadow until 2027-01-16 08:00");
	reload();
	ck_assert_int_eq(message("a"), CM_CONTINUE);
	expect("status", "mode        refuse shadow until 2027-01-16 08:00");
	clock_advance(86399 * CLOCK_SEC);
	ck_assert_int_eq(message("a"), CM_CONTINUE);
	clock_advance(1 * CLOCK_SEC);
	ck_assert_int_eq(message("a"), CM_TEMPFAIL);
	expect_not("status", "\"what\":\"mode\"");
}
END_TEST

START_TEST(mode_is_taken_back)
{
	ask("mode refuse off");
	ck_assert_int_eq(message("a"), CM_CONTINUE);
	ask("mode refuse configured");
	ck_assert_int_eq(message("a"), CM_TEMPFAIL);
	expect_not("status", "\"what\":\"mode\"");
}
END_TEST

/* Who may connect may look, and may not change. */
START_TEST(mode_is_for_admins)
{
	client.uid = 12345;
	expect("mode refuse off", "only root and main.admins may do that");
	ck_assert_int_eq(message("a"), CM_TEMPFAIL);
	expect("errors", "{\"done\":true}");
	expect("shadow", "{\"done\":true}");
}
END_TEST

/* --- shadow --- */

START_TEST(status_says_what_shadow_would_have_done_and_to_how_many)
{
	message("a");
	message("a");
	expect("status", "shadow      watch would have refused 2 (1 sender)\"}");
	message("b");
	reload();
	expect("status", "shadow      watch would have refused 3 (2 senders)\"}");
	expect("shadow", "{\"what\":\"shadow\",\"name\":\"watch\",\"affected\":3,\"refused\":3,"
			 "\"senders\":2,\"more\":0,\"accept\":0,\"edits\":0,\"discard\":0,"
			 "\"quarantine\":0,\"reject\":3,\"tempfail\":0}");
	ck_assert_str_eq(ask("shadow watch"),
		"{\"row\":{\"sender\":\"a@example.org\",\"messages\":2,\"would\":\"reject\","
		"\"latest_at\":1800000000}}\n"
		"{\"row\":{\"sender\":\"b@example.org\",\"messages\":1,\"would\":\"reject\","
		"\"latest_at\":1800000000}}\n{\"done\":true}\n");
}
END_TEST

/* --- errors, trips --- */

static const struct {
	const char *sender;
	bool told; /* by the mail server: whether there is a login */
	const char *row, *reason;
} kinds[] = {
	{"error", true, "\"error\":1,\"timeout\":0,\"memory\":0,\"input\":0", "broken"},
	{"memory", true, "\"error\":0,\"timeout\":0,\"memory\":1,\"input\":0", "not enough memory"},
	{"input", false, "\"error\":0,\"timeout\":0,\"memory\":0,\"input\":1",
		"this listener does not deliver the login"},
};

static void
message_untold(const char *from)
{
	char path[64];

	snprintf(path, sizeof(path), "<%s@example.org>", from);
	drive_open(&d);
	d.s->macros_asked = false;
	drive_connect(&d, "192.0.2.1", "client.example", "25");
	drive_mail(&d, path, NULL, NULL);
	chain_close(d.s);
	session_free(d.s);
	d.s = NULL;
}

START_TEST(errors_have_their_kind)
{
	if (kinds[_i].told)
		message(kinds[_i].sender);
	else
		message_untold(kinds[_i].sender);
	expect("errors", kinds[_i].row);
	expect("errors bad", kinds[_i].reason);
	expect("errors bad", "\"stage\":\"mail\"");
}
END_TEST

/* Else one listener without logins would let all mail of the others pass unchecked. */
START_TEST(rule_without_its_input_does_not_trip)
{
	for (int i = 0; i < 10; i++)
		message_untold("input");
	expect("errors", "\"input\":10,\"trips\":0,\"breaker\":\"closed\"");
	expect_not("status", "broken");
}
END_TEST

START_TEST(status_says_what_has_tripped_until_it_works)
{
	message("error");
	expect_not("status", "broken");
	message("memory");
	expect("status",
		"broken      bad: tripped 08:00 (2 errors in 5min), skipped   -> chainmail "
		"errors bad");
	expect("status",
		"{\"what\":\"broken\",\"name\":\"bad\",\"breaker\":\"open\",\"tripped_at\":"
		"1800000000,\"retry_at\":1800000060,\"trips\":1,\"counts_as\":\"skipped\"}");
	message("error");
	expect("errors", "\"error\":1,\"timeout\":0,\"memory\":1,\"input\":0,\"trips\":1,"
			 "\"breaker\":\"open\"");
	clock_advance(60 * CLOCK_SEC);
	message("a");
	expect_not("status", "broken");
	expect("errors", "\"breaker\":\"closed\"");
}
END_TEST

/* Until it is mended; nothing of it is called. */
START_TEST(status_says_which_rule_the_daemon_started_without)
{
	drive_write(d.files[0], "function mial(m) end\n");
	generation_drop(d.g);
	free(d.mistakes);
	drive_load_text(&d, "script bad { file = bad.lua; on_load_error = skip }\n"
			    "profile all { chain = [ bad ] }\n");
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	generation_swap(d.g);
	d.g = generation_hold();
	ck_assert_int_eq(message("error"), CM_CONTINUE);
	expect("status", "broken      bad: not loaded, left out: ");
	expect("status", "bad.lua:1: function mial is not a stage ");
	expect("status", "{\"what\":\"left_out\",\"name\":\"bad\",\"reason\":\"");
	expect("errors", "{\"done\":true}\n");
	expect("mode bad shadow", "bad shadow (filter.conf: enforce)");
	drive_write(d.files[0], bad);
	reload();
	expect_not("status", "broken");
}
END_TEST

/* It was mended, or should be tried at once. */
START_TEST(reload_tries_what_has_tripped)
{
	message("error");
	message("error");
	expect("status", "broken");
	reload();
	expect_not("status", "broken");
	message("error");
	expect("errors", "\"error\":3,");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("control_links");
	TCase *tc = tcase_create("control_links");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, people_are_answered, 0, LENGTH(answers));
	tcase_add_test(tc, mode_holds_over_a_reload_and_ends_by_itself);
	tcase_add_test(tc, mode_is_taken_back);
	tcase_add_test(tc, mode_is_for_admins);
	tcase_add_test(tc, status_says_what_shadow_would_have_done_and_to_how_many);
	tcase_add_loop_test(tc, errors_have_their_kind, 0, LENGTH(kinds));
	tcase_add_test(tc, rule_without_its_input_does_not_trip);
	tcase_add_test(tc, status_says_what_has_tripped_until_it_works);
	tcase_add_test(tc, status_says_which_rule_the_daemon_started_without);
	tcase_add_test(tc, reload_tries_what_has_tripped);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
