/* SPDX-License-Identifier: MIT */
/*
 * test_summary.c - the log lines of a message, as docs/ARCHITECTURE.md and operators expect them
 */
#include <stdlib.h>
#include <unistd.h>

#include "chain_world.h"
#include "temp.h"

static char path[TEMP_NAME_SIZE];
static enum log_format format;

static void
open_log(enum log_level level)
{
	struct log_config config = {
		.target = LOG_TARGET_FILE, .level = level, .path = path, .summary = true};
	struct err err;

	config.format = format;
	ck_assert_msg(log_open(&config, 1, &err), "%s", err.text);
}

static void
setup(void)
{
	int fd;

	world_init();
	fd = temp_file(path, "chainmail-summary");
	ck_assert_int_ge(fd, 0);
	close(fd);
	format = LOG_FORMAT_TEXT;
	open_log(LOG_LEVEL_WARN);
	w.chain.summary = true;
	w.queue_id = "4XZ9Yt0kqzQ";
}

static void
teardown(void)
{
	world_fini();
	unlink(path);
}

/* Puts ID where an id stands, of a message or behind a reply. */
static const char *
blank_ids(const char *line)
{
	static const char *const marks[] = {"id=", "(id "};
	const char *out = "";

	while (*line != '\0') {
		size_t n = 1;

		for (size_t i = 0; i < 2; i++) {
			size_t len = strlen(marks[i]);

			if (strncmp(line, marks[i], len) != 0)
				continue;
			n = len + strspn(line + len, "0123456789BCDFGHJKLMNPQRSTVWXYZ"
						     "bcdfghjklmnpqrstvwxyz");
			out = arena_printf(&w.arena, "%s%sID", out, marks[i]);
		}
		if (n == 1)
			out = arena_printf(&w.arena, "%s%c", out, *line);
		line += n;
	}
	return out;
}

/* All lines so far without time and process, each with its LF; the file is emptied. */
static const char *
logged(void)
{
	char line[10000];
	const char *all = "";
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *start = strstr(line, "]: ");

		all = arena_printf(
			&w.arena, "%s%s", all, blank_ids(start == NULL ? line : start + 3));
	}
	fclose(f);
	ck_assert_int_eq(truncate(path, 0), 0);
	return all;
}

#define HEAD                                                           \
	"id=ID client=client.example[192.0.2.1] port=25 tls=- auth=- " \
	"helo=\"client.example\" from=<a@x.y> "

START_TEST(accepted_message)
{
	add_link("one", BIT(CM_STAGE_HEADER) | BIT(CM_STAGE_BODY));
	add_default_profile();
	begin(_i);
	logged();
	mail("<a@x.y>");
	logged();
	rcpt("<b@x.y>");
	content();
	ck_assert_str_eq(logged(), "");
	chain_end_message(w.s);
	ck_assert_str_eq(
		logged(), "4XZ9Yt0kqzQ: " HEAD "to=<b@x.y> size=35 verdict=accept time=0.0ms\n");
	chain_end_message(w.s);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(size_is_unknown_where_the_mta_sends_no_body)
{
	add_link("one", BIT(CM_STAGE_HEADER));
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	rcpt("<c@x.y>");
	rcpt("<d@x.y>");
	content();
	chain_end_message(w.s);
	ck_assert_str_eq(
		logged(), "4XZ9Yt0kqzQ: " HEAD "to=<b@x.y>+2 size=- verdict=accept time=0.0ms\n");
}
END_TEST

START_TEST(facts_of_the_session)
{
	add_default_profile();
	begin(FRESH);
	w.login = "bob smith";
	session_macros_begin(w.s, CM_STAGE_MAIL);
	session_macro_add(w.s, CM_STAGE_MAIL, "{auth_authen}", "bob smith");
	session_macro_add(w.s, CM_STAGE_MAIL, "{tls_version}", "TLSv1.3");
	path_event(CM_STAGE_MAIL, "<>");
	rcpt("<b@x.y>");
	content();
	chain_end_message(w.s);
	ck_assert_ptr_nonnull(strstr(logged(), " tls=TLSv1.3 auth=bob\\x20smith "
					       "helo=\"client.example\" from=<> to=<b@x.y> "));
}
END_TEST

START_TEST(what_the_mta_does_not_tell)
{
	add_default_profile();
	w.queue_id = NULL;
	open_session();
	w.s->macros_asked = false;
	session_set_client(w.s, NULL, NULL, 0);
	event(&(struct cm_event){.stage = CM_STAGE_CONNECT, .name = "x"});
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	content();
	chain_end_message(w.s);
	ck_assert_str_eq(logged(), "NOQUEUE: id=ID client=local port=- tls=? auth=? helo=- "
				   "from=<a@x.y> to=<b@x.y> size=- verdict=accept time=0.0ms\n");
}
END_TEST

START_TEST(text_of_the_network_is_escaped)
{
	const char *line;

	add_default_profile();
	open_session();
	session_set_client(w.s, "evil\nname", NULL, 0);
	event(&(struct cm_event){.stage = CM_STAGE_CONNECT, .name = "evil"});
	helo("a\"b\r\nx verdict=accept");
	mail("<\"a verdict=accept\"@x.y>");
	rcpt("<b@x.y>");
	content();
	chain_end_message(w.s);
	line = logged();
	ck_assert_ptr_eq(strpbrk(line, "\r\n"), line + strlen(line) - 1);
	ck_assert_ptr_nonnull(strstr(line, " helo=\"a\\\"b"));
	ck_assert_ptr_nonnull(strstr(line, "x verdict=accept\" from=<\"a"));
	ck_assert_ptr_nonnull(strstr(line, "\\x20verdict=accept\"@x.y> to=<b@x.y> "));
}
END_TEST

static const struct refusal_case {
	const char *says;
	enum cm_stage stage;
	enum cm_verdict verdict;
	const char *line;
} refusals[] = {
	{"refused at MAIL", CM_STAGE_MAIL, CM_REJECT,
		"NOQUEUE: " HEAD "to=- size=- verdict=reject by=one stage=mail "
		"reply=\"550 5.7.1 Refused by local policy (id ID)\" reason=\"why\" time=0.0ms\n"},
	{"refused for now at DATA", CM_STAGE_DATA, CM_TEMPFAIL,
		"4XZ9Yt0kqzQ: " HEAD "to=<b@x.y> size=- verdict=tempfail by=one stage=data "
		"reply=\"451 4.7.1 Refused for now, please try again later (id ID)\" "
		"reason=\"why\" time=0.0ms\n"},
	{"dropped at the end", CM_STAGE_EOM, CM_DISCARD,
		"4XZ9Yt0kqzQ: " HEAD "to=<b@x.y> size=- verdict=discard by=one stage=eom "
		"reason=\"why\" time=0.0ms\n"},
	{"refused at HELO", CM_STAGE_HELO, CM_REJECT,
		"NOQUEUE: " HEAD "to=- size=- verdict=reject by=one stage=helo "
		"reply=\"550 5.7.1 Refused by local policy (id ID)\" reason=\"why\" time=0.0ms\n"},
	{"accepted by a link", CM_STAGE_MAIL, CM_ACCEPT,
		"4XZ9Yt0kqzQ: " HEAD "to=<b@x.y> size=- verdict=accept by=one stage=mail "
		"reason=\"why\" time=0.0ms\n"},
};

START_TEST(decided_message)
{
	const struct refusal_case *c = &refusals[_i];
	struct link *l = add_verdict("one", c->stage, c->verdict);

	fake_of(l)->reason = "why";
	add_default_profile();
	begin(FRESH);
	for (int i = 0; i < 2; i++) {
		mail("<a@x.y>");
		if (w.a.verdict == CM_CONTINUE) {
			rcpt("<b@x.y>");
			step(CM_STAGE_DATA);
		}
		if (w.a.verdict == CM_CONTINUE)
			eom();
		chain_end_message(w.s);
		ck_assert_msg(strcmp(logged(), c->line) == 0, "%s", c->says);
	}
}
END_TEST

START_TEST(refused_message_is_logged_at_once)
{
	add_verdict("one", CM_STAGE_MAIL, CM_REJECT);
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
	ck_assert_ptr_nonnull(strstr(logged(), "verdict=reject by=one stage=mail"));
}
END_TEST

START_TEST(failure_is_logged_with_its_link)
{
	add_verdict("one", CM_STAGE_MAIL, CM_FAILED);
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
	ck_assert_ptr_nonnull(strstr(logged(),
		"verdict=tempfail by=one stage=mail reply=\"451 4.3.0 Temporary problem, please "
		"try again later (id ID)\" reason=\"could not tell\""));
}
END_TEST

static void
refuse_one(const char *addr)
{
	struct link *l = add_verdict("one", CM_STAGE_RCPT, CM_REJECT);

	fake_of(l)->rcpt = addr;
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
}

#define REFUSED \
	"verdict=reject by=one stage=rcpt reply=\"550 5.7.1 Refused by local policy (id ID)\""

START_TEST(refused_recipient_has_a_line_of_its_own)
{
	refuse_one("bad@x.y");
	rcpt("<b@x.y>");
	ck_assert_str_eq(logged(), "");
	rcpt("<bad@x.y>");
	ck_assert_str_eq(logged(), "NOQUEUE: " HEAD "to=<bad@x.y> " REFUSED "\n");
	content();
	chain_end_message(w.s);
	ck_assert_str_eq(logged(),
		"4XZ9Yt0kqzQ: " HEAD "to=<b@x.y> size=- verdict=accept time=0.0ms refused=1\n");
}
END_TEST

START_TEST(message_given_up_after_a_refused_recipient)
{
	bool other = _i == 1;

	refuse_one("bad@x.y");
	rcpt("<bad@x.y>");
	rcpt("<bad@x.y>");
	if (other)
		rcpt("<b@x.y>");
	logged();
	chain_end_message(w.s);
	ck_assert_str_eq(logged(), other ? "NOQUEUE: " HEAD "to=<b@x.y> size=- " REFUSED
					   " time=0.0ms refused=2\n"
					 : "NOQUEUE: " HEAD "to=<bad@x.y>+1 size=- " REFUSED
					   " time=0.0ms refused=2\n");
}
END_TEST

START_TEST(at_most_ten_refused_recipients_have_lines)
{
	const char *p;
	unsigned lines = 0;

	refuse_one("bad@x.y");
	for (int i = 0; i < 100; i++)
		rcpt("<bad@x.y>");
	for (p = logged(); (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	ck_assert_uint_eq(lines, 10);
	chain_end_message(w.s);
	ck_assert_ptr_nonnull(strstr(logged(), " refused=100\n"));
	mail("<a@x.y>");
	rcpt("<bad@x.y>");
	ck_assert_ptr_nonnull(strstr(logged(), "to=<bad@x.y>"));
}
END_TEST

START_TEST(abandoned_message_is_logged_for_debugging_alone)
{
	add_default_profile();
	begin(FRESH);
	if (_i == 1)
		open_log(LOG_LEVEL_DEBUG);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	chain_end_message(w.s);
	ck_assert_str_eq(logged(),
		_i == 0 ? "" : "NOQUEUE: " HEAD "to=<b@x.y> size=- verdict=abandoned time=0.0ms\n");
}
END_TEST

START_TEST(quarantined_message)
{
	struct link *l = add_link("hold", BIT(CM_STAGE_MAIL));

	fake_of(l)->edit_at = BIT(CM_STAGE_MAIL);
	fake_of(l)->edit = (struct edit){.kind = EDIT_QUARANTINE, .value = "looks odd"};
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	content();
	chain_end_message(w.s);
	ck_assert_ptr_nonnull(strstr(logged(), "verdict=quarantine by=hold stage=eom "
					       "reason=\"looks odd\" time="));
}
END_TEST

START_TEST(results_stand_between_size_and_verdict)
{
	static struct cm_plugin spf, dkim, auth;

	spf = dkim = auth = fake_plugin;
	spf.name = "spf";
	dkim.name = "dkim";
	auth.name = "auth";
	add_link("one", BIT(CM_STAGE_MAIL))->plugin = &spf;
	add_link("two", BIT(CM_STAGE_MAIL))->plugin = &dkim;
	add_link("three", BIT(CM_STAGE_MAIL))->plugin = &auth;
	add_link("four", BIT(CM_STAGE_MAIL));
	w.fakes[0].result = "softfail";
	w.fakes[1].result = "pass(x.y)";
	w.fakes[2].result = "pass";
	add_default_profile();
	begin(FRESH);
	session_set_result(w.s, "spf", "result", "of the connection");
	session_set_result(w.s, "geo", "result", "AT");
	mail("<a@x.y>");
	session_set_result(w.s, "spf", "domain", "x.y");
	rcpt("<b@x.y>");
	content();
	chain_end_message(w.s);
	ck_assert_str_eq(logged(),
		"4XZ9Yt0kqzQ: " HEAD "to=<b@x.y> size=- geo=AT spf=softfail dkim=pass(x.y) "
		"auth_result=pass verdict=accept time=0.0ms\n");
}
END_TEST

START_TEST(watched_links_are_named)
{
	add_verdict("zen", CM_STAGE_CONNECT, CM_REJECT)->set.mode = LINK_SHADOW;
	add_verdict("grey", CM_STAGE_RCPT, CM_TEMPFAIL)->set.mode = LINK_SHADOW;
	add_verdict("odd", CM_STAGE_EOM, CM_FAILED)->set.mode = LINK_SHADOW;
	add_verdict("calm", CM_STAGE_EOM, CM_CONTINUE)->set.mode = LINK_SHADOW;
	add_default_profile();
	begin(FRESH);
	for (int i = 0; i < 2; i++) {
		mail("<a@x.y>");
		rcpt("<b@x.y>");
		rcpt("<c@x.y>");
		content();
		logged();
		chain_end_message(w.s);
		ck_assert_ptr_nonnull(strstr(logged(),
			" verdict=accept shadow=zen:reject,grey:tempfail,odd:failed time="));
	}
}
END_TEST

/* What a watched link would have done to the message is no verdict, and yet news. */
static const struct watched_case {
	enum edit_kind kind;
	enum cm_verdict verdict;
	const char *shadow;
} watched[] = {
	{EDIT_QUARANTINE, CM_CONTINUE, "one:quarantine"},
	{EDIT_ADD_HEADER, CM_CONTINUE, "one:edits"},
	{EDIT_DROP_RCPT, CM_REJECT, "one:edits,one:reject"},
};

START_TEST(watched_edits_are_named)
{
	const struct watched_case *c = &watched[_i];
	struct link *l = add_link("one", BIT(CM_STAGE_RCPT) | BIT(CM_STAGE_EOM));

	l->set.mode = LINK_SHADOW;
	fake_of(l)->edit_at = BIT(CM_STAGE_RCPT) | BIT(CM_STAGE_EOM);
	fake_of(l)->edit.kind = c->kind;
	fake_of(l)->at[CM_STAGE_EOM] = c->verdict;
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	rcpt("<c@x.y>");
	content();
	logged();
	chain_end_message(w.s);
	ck_assert_ptr_nonnull(strstr(
		logged(), arena_printf(&w.arena, " verdict=accept shadow=%s time=", c->shadow)));
}
END_TEST

/* Whatever strangers write. */
static const char *const octets[] = {"x", "\"", " ", "\001", "\303\274", "\377"};

static const char *
many(const char *text, size_t len)
{
	char *all = arena_alloc(&w.arena, len + 8);

	while (strlen(all) < len)
		strcat(all, text);
	return all;
}

START_TEST(long_texts_leave_room_for_the_verdict)
{
	const char *text = many(octets[_i / 2], 600);
	struct link *l = add_verdict("one", CM_STAGE_EOM, CM_REJECT);
	const char *line;

	format = _i % 2 == 0 ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON;
	log_close();
	open_log(LOG_LEVEL_WARN);
	fake_of(l)->code = 550;
	fake_of(l)->status = "5.7.1";
	fake_of(l)->text = many("\"", 300);
	fake_of(l)->reason = text;
	add_default_profile();
	w.login = text;
	w.queue_id = text;
	open_session();
	connect_from("192.0.2.1");
	w.s->client.name = text;
	helo(text);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	w.s->sender.addr = w.s->rcpts[0].addr = text;
	for (int i = 0; i < 40; i++)
		session_set_result(w.s, arena_printf(&w.arena, "plugin%d", i), "result", text);
	content();
	chain_end_message(w.s);
	line = logged();
	ck_assert_msg(
		strstr(line, format == LOG_FORMAT_TEXT ? " verdict=" : "\"verdict\":") != NULL,
		"%s", line);
	ck_assert_ptr_nonnull(strstr(line, "one"));
	ck_assert_ptr_nonnull(strstr(line, "(id "));
	ck_assert_ptr_nonnull(strstr(line, format == LOG_FORMAT_TEXT ? " time=" : "\"took\":"));
	ck_assert_ptr_null(strstr(line, "\"cut\":true"));
}
END_TEST

static const struct from_text {
	const char *path, *from;
} from_texts[] = {
	{"<>", " from=<> "},
	{"< >", " from=<> "},
	{"", " from=- "},
	{"<a@x.y", " from=<<a@x.y> "},
};

START_TEST(null_sender_and_no_sender_are_told_apart)
{
	add_link("one", BIT(CM_STAGE_MAIL));
	add_default_profile()->mode = LINK_SHADOW;
	begin(FRESH);
	mail(from_texts[_i].path);
	rcpt("<b@x.y>");
	content();
	logged();
	chain_end_message(w.s);
	ck_assert_ptr_nonnull(strstr(logged(), from_texts[_i].from));
}
END_TEST

START_TEST(core_is_named_where_it_refuses)
{
	add_link("one", BIT(CM_STAGE_MAIL) | BIT(CM_STAGE_RCPT));
	add_default_profile();
	begin(FRESH);
	logged();
	mail("<a b@x.y>");
	ck_assert_str_eq(logged(),
		"NOQUEUE: id=ID client=client.example[192.0.2.1] port=25 tls=- auth=- "
		"helo=\"client.example\" from=<a\\x20b@x.y> to=- size=- verdict=reject by=core "
		"stage=mail reply=\"501 5.1.7 Bad sender address syntax (id ID)\" "
		"reason=\"unclear address\" time=0.0ms\n");
	mail("<a@x.y>");
	logged();
	rcpt("<b@x.y");
	ck_assert_str_eq(logged(), "NOQUEUE: " HEAD "to=<<b@x.y> verdict=reject by=core stage=rcpt "
				   "reply=\"501 5.1.3 Bad recipient address syntax (id ID)\" "
				   "reason=\"unclear address\"\n");
}
END_TEST

START_TEST(stray_events_are_said_once)
{
	add_link("one", BIT(CM_STAGE_MAIL));
	add_default_profile();
	open_session();
	connect_from("192.0.2.1");
	helo("client.example");
	rcpt("<b@x.y>");
	ck_assert_ptr_nonnull(
		strstr(logged(), "to=<b@x.y> verdict=tempfail by=core stage=rcpt reply=\"451 4.3.0 "
				 "Temporary problem, "
				 "please try again later (id ID)\" reason=\"no message\"\n"));
	for (int i = 0; i < 100; i++)
		eom();
	ck_assert_str_eq(logged(), "");
	ck_assert_uint_lt(w.s->passing.used, 2048);
}
END_TEST

START_TEST(mail_turned_away_has_a_line)
{
	struct cm_address a;
	struct cm_event ev = {.stage = CM_STAGE_MAIL, .address = &a};

	add_link("one", BIT(CM_STAGE_MAIL));
	add_default_profile();
	begin(FRESH);
	logged();
	address_parse_path(&a, &w.arena, "<a@x.y>");
	for (int i = 0; i < 2; i++) {
		ev.stage = CM_STAGE_MAIL;
		chain_turn_away(w.s, &ev, &w.a);
		ck_assert_str_eq(answered(), "tempfail 421 4.3.2 Service shutting down");
		ck_assert_str_eq(logged(), "NOQUEUE: " HEAD "verdict=tempfail by=core stage=mail "
					   "reply=\"421 4.3.2 Service shutting down (id ID)\" "
					   "reason=\"shutting down\"\n");
		ev.stage = CM_STAGE_RCPT;
		chain_turn_away(w.s, &ev, &w.a);
		ck_assert_str_eq(answered(), "tempfail 421 4.3.2 Service shutting down");
		ck_assert_str_eq(logged(), "");
	}
}
END_TEST

static const struct time_case {
	int64_t us;
	const char *text;
} times[] = {
	{0, "0.0ms"},
	{949, "0.9ms"},
	{9999, "9.9ms"},
	{10000, "10ms"},
	{142900, "142ms"},
	{7000000, "7000ms"},
};

START_TEST(time_is_what_the_links_took)
{
	struct link *l = add_link("one", BIT(CM_STAGE_MAIL));

	fake_of(l)->takes = times[_i].us;
	add_default_profile();
	begin(FRESH);
	mail("<a@x.y>");
	clock_advance(1000 * CLOCK_SEC);
	rcpt("<b@x.y>");
	content();
	chain_end_message(w.s);
	ck_assert_ptr_nonnull(
		strstr(logged(), arena_printf(&w.arena, " time=%s\n", times[_i].text)));
}
END_TEST

START_TEST(summary_can_be_switched_off)
{
	add_verdict("one", _i == 0 ? CM_STAGE_RCPT : CM_STAGE_MAIL, CM_REJECT);
	add_default_profile();
	w.chain.summary = false;
	begin(FRESH);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	chain_end_message(w.s);
	ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(same_record_as_json)
{
	const char *line;

	add_link("one", BIT(CM_STAGE_HEADER) | BIT(CM_STAGE_BODY));
	add_default_profile();
	format = LOG_FORMAT_JSON;
	open_log(LOG_LEVEL_INFO);
	begin(FRESH);
	mail("<a@x.y>");
	rcpt("<b@x.y>");
	content();
	chain_end_message(w.s);
	line = logged();
	ck_assert_ptr_nonnull(strstr(line, "\"queue_id\":\"4XZ9Yt0kqzQ\",\"id\":\""));
	ck_assert_ptr_nonnull(
		strstr(line, "\"to\":\"<b@x.y>\",\"size\":35,\"verdict\":\"accept\""));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("summary");
	TCase *t = tcase_create("summary");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, accepted_message, 0, PRELUDES);
	tcase_add_test(t, size_is_unknown_where_the_mta_sends_no_body);
	tcase_add_test(t, facts_of_the_session);
	tcase_add_test(t, what_the_mta_does_not_tell);
	tcase_add_test(t, text_of_the_network_is_escaped);
	tcase_add_loop_test(t, decided_message, 0, LENGTH(refusals));
	tcase_add_test(t, refused_message_is_logged_at_once);
	tcase_add_test(t, failure_is_logged_with_its_link);
	tcase_add_test(t, refused_recipient_has_a_line_of_its_own);
	tcase_add_loop_test(t, message_given_up_after_a_refused_recipient, 0, 2);
	tcase_add_test(t, at_most_ten_refused_recipients_have_lines);
	tcase_add_loop_test(t, abandoned_message_is_logged_for_debugging_alone, 0, 2);
	tcase_add_test(t, quarantined_message);
	tcase_add_test(t, results_stand_between_size_and_verdict);
	tcase_add_test(t, watched_links_are_named);
	tcase_add_loop_test(t, watched_edits_are_named, 0, LENGTH(watched));
	tcase_add_loop_test(t, long_texts_leave_room_for_the_verdict, 0, 2 * LENGTH(octets));
	tcase_add_loop_test(t, null_sender_and_no_sender_are_told_apart, 0, LENGTH(from_texts));
	tcase_add_test(t, core_is_named_where_it_refuses);
	tcase_add_test(t, stray_events_are_said_once);
	tcase_add_test(t, mail_turned_away_has_a_line);
	tcase_add_loop_test(t, time_is_what_the_links_took, 0, LENGTH(times));
	tcase_add_loop_test(t, summary_can_be_switched_off, 0, 2);
	tcase_add_test(t, same_record_as_json);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return table_run(suite());
}
