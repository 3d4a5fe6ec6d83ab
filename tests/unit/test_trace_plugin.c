/* SPDX-License-Identifier: MIT */
/*
 * test_trace_plugin.c - plugin trace: every verdict at every stage, every edit, and what it logs
 */
#include <stdio.h>

#include "drive.h"
#include "table.h"

static void
begin(struct drive *d, const char *answers)
{
	char text[512];

	drive_init(d);
	snprintf(text, sizeof(text),
		"profile all { chain = [ trace ] }\nplugin trace { answer = [ %s ] }\n", answers);
	drive_load(d, text);
	drive_open(d);
}

/* One message with two recipients; stops where the MTA is told no. */
static enum cm_verdict
message(struct drive *d)
{
	static const struct cm_header fields[] = {
		{"Subject", " hello"}, {"X-Old", " one"}, {"X-Old", " two"}};

	drive_connect(d, "192.0.2.1", "client.example.net", "25");
	drive_helo(d, "client.example.net");
	if (drive_mail(d, "<a@example.org>", NULL, NULL) != CM_CONTINUE ||
		drive_rcpt(d, "<b@example.com>") != CM_CONTINUE ||
		drive_rcpt(d, "<c@example.com>") != CM_CONTINUE)
		return d->answer.verdict;
	return drive_content(d, fields, 3, "hello\r\n");
}

static const struct {
	const char *answer;
	enum cm_verdict verdict;
	const char *reply;
} verdicts[] = {
	{"\"connect reject\"", CM_REJECT, "550 5.7.1 Refused by local policy"},
	{"\"connect tempfail 421 4.7.0 Busy\"", CM_TEMPFAIL, "421 4.7.0 Busy"},
	{"\"helo reject 554 5.7.1 Not you\"", CM_REJECT, "554 5.7.1 Not you"},
	{"\"helo failed\"", CM_TEMPFAIL, "451 4.3.0 Temporary problem, please try again later"},
	{"\"mail reject\"", CM_REJECT, "550 5.7.1 Refused by local policy"},
	{"\"mail discard\"", CM_DISCARD, ""},
	{"\"mail failed\"", CM_TEMPFAIL, "451 4.3.0 Temporary problem, please try again later"},
	{"\"rcpt tempfail 451 4.7.1 later\"", CM_TEMPFAIL, "451 4.7.1 later"},
	{"\"rcpt discard\"", CM_DISCARD, ""},
	{"\"data reject\"", CM_REJECT, "550 5.7.1 Refused by local policy"},
	{"\"header reject 550 5.6.0 bad\"", CM_REJECT, "550 5.6.0 bad"},
	{"\"eoh tempfail\"", CM_TEMPFAIL, "451 4.7.1 Refused for now, please try again later"},
	{"\"body discard\"", CM_DISCARD, ""},
	{"\"eom reject 550 5.7.1 100% no\"", CM_REJECT, "550 5.7.1 100% no"},
	{"\"eom failed\"", CM_TEMPFAIL, "451 4.3.0 Temporary problem, please try again later"},
	{"\"eom discard\"", CM_DISCARD, ""},
	{"\"mail done\", \"eom reject\"", CM_CONTINUE, ""},
	{"\"mail accept\", \"eom reject\"", CM_CONTINUE, ""},
	{"\"mail continue\", \"mail reject\"", CM_REJECT, "550 5.7.1 Refused by local policy"},
};

START_TEST(verdict_of_a_stage)
{
	struct drive d;
	enum cm_verdict verdict;

	begin(&d, verdicts[_i].answer);
	verdict = message(&d);
	/* An accepted message goes on without checks; what the MTA is told then is the same. */
	if (verdict == CM_ACCEPT)
		verdict = CM_CONTINUE;
	ck_assert_msg(verdict == verdicts[_i].verdict, "%s: %s", verdicts[_i].answer,
		verdict_name(verdict));
	ck_assert_str_eq(drive_reply(&d), verdicts[_i].reply);
	drive_fini(&d);
}
END_TEST

static const struct {
	const char *answer;
	enum edit_kind kind;
	const char *name, *value;
	size_t index;
} edits[] = {
	{"\"eom add_header X-New: a: b\"", EDIT_ADD_HEADER, "X-New", "a: b", 0},
	{"\"eom insert_header 0 X-Top: t\"", EDIT_INSERT_HEADER, "X-Top", "t", 0},
	{"\"eom set_header 2 X-Old: new\"", EDIT_SET_HEADER, "X-Old", "new", 2},
	{"\"eom set_header 1 X-Not-There: new\"", EDIT_ADD_HEADER, "X-Not-There", "new", 0},
	{"\"eom remove_header 1 X-Old\"", EDIT_SET_HEADER, "X-Old", NULL, 1},
	{"\"eom prefix_subject [TAG] \"", EDIT_SET_HEADER, "Subject", "[TAG] hello", 1},
	{"\"connect add_rcpt d@example.com\"", EDIT_ADD_RCPT, NULL, "d@example.com", 0},
	{"\"rcpt drop_rcpt b@example.com\"", EDIT_DROP_RCPT, NULL, "b@example.com", 0},
	{"\"mail set_sender n@example.org\"", EDIT_SENDER, NULL, "n@example.org", 0},
	{"\"eoh quarantine look at it\"", EDIT_QUARANTINE, NULL, "look at it", 0},
};

START_TEST(edit_at_end_of_message)
{
	struct drive d;
	const struct edit *e;

	begin(&d, edits[_i].answer);
	ck_assert_int_eq(message(&d), CM_CONTINUE);
	ck_assert_msg(
		d.answer.edit_count == 1, "%s: %zu edits", edits[_i].answer, d.answer.edit_count);
	e = d.answer.edits[0];
	ck_assert_int_eq(e->kind, edits[_i].kind);
	ck_assert_pstr_eq(e->name, edits[_i].name);
	ck_assert_pstr_eq(e->value, edits[_i].value);
	if (edits[_i].index != 0)
		ck_assert_uint_eq(e->index, edits[_i].index);
	drive_fini(&d);
}
END_TEST

START_TEST(body_is_replaced)
{
	struct drive d;

	begin(&d, "\"eom replace_body new text\"");
	ck_assert_int_eq(message(&d), CM_CONTINUE);
	ck_assert_uint_eq(d.answer.edit_count, 1);
	ck_assert_int_eq(d.answer.edits[0]->kind, EDIT_BODY);
	ck_assert_uint_eq(d.answer.edits[0]->len, 8);
	ck_assert_mem_eq(d.answer.edits[0]->data, "new text", 8);
	drive_fini(&d);
}
END_TEST

/* What could not stand in a message fails the link. */
static const char *const bad_edits[] = {"eom add_header X Y: z", "eom add_header : z",
	"eom add_rcpt not an address", "eom insert_header -1 X: y"};

START_TEST(bad_edit_fails)
{
	char answer[64];
	struct drive d;

	snprintf(answer, sizeof(answer), "\"%s\"", bad_edits[_i]);
	begin(&d, answer);
	ck_assert_msg(message(&d) == CM_TEMPFAIL, "%s: %s", bad_edits[_i],
		verdict_name(d.answer.verdict));
	drive_fini(&d);
}
END_TEST

static const struct {
	const char *answer, *said; /* the second of a list */
} bad_answers[] = {
	{"helo", "is not: STAGE ACTION ARGUMENTS"},
	{"hello reject", "is not: STAGE ACTION ARGUMENTS"},
	{"helo rejekt", "is not: STAGE ACTION ARGUMENTS"},
	{"eom add_header", "lacks what stands behind the action: add_header NAME: VALUE"},
	{"mail reject 450 4.7.1 x",
		"has no code and status of that class: reject [CODE STATUS TEXT]"},
	{"mail reject 550", "has no code and status of that class: reject [CODE STATUS TEXT]"},
	{"mail tempfail 450 5.7.1 x",
		"has no code and status of that class: tempfail [CODE STATUS TEXT]"},
};

START_TEST(bad_answer_is_refused)
{
	char dir[PATH_MAX], text[PATH_MAX + 256];
	struct drive d;

	drive_plugin_dir(dir, false);
	drive_init(&d);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\" }\nprofile all { chain = [ trace ] }\n"
		"plugin trace { answer = [ \"eom accept\", \"%s\", x ] }\n",
		dir, bad_answers[_i].answer);
	drive_load_text(&d, text);
	ck_assert_ptr_null(d.g);
	snprintf(text, sizeof(text), "filter.conf:3:41: error: answer: \"%s\" %s\n",
		bad_answers[_i].answer, bad_answers[_i].said);
	ck_assert_msg(strstr(d.mistakes, text) != NULL, "%s\n%s", text, d.mistakes);
	ck_assert_uint_eq(d.errors, 2);
	drive_fini(&d);
}
END_TEST

START_TEST(every_event_is_logged_safely)
{
	char path[128], text[4096];
	struct drive d;
	size_t len;
	FILE *f;

	begin(&d, "");
	snprintf(path, sizeof(path), "%s/log", d.dir);
	drive_log_to(path);
	drive_connect(&d, "192.0.2.1", "client.example.net", "25");
	drive_helo(&d, "a\r\nb \\ %s \xff");
	drive_mail(&d, "<a@example.org>", NULL, NULL);
	drive_rcpt(&d, "<b@example.com>");
	drive_content(&d, &(struct cm_header){"Subject", " hi\r\n there"}, 1, "hello\r\n");
	chain_end_message(d.s);
	log_close();
	f = fopen(path, "r");
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	fclose(f);
	unlink(path);
	ck_assert_ptr_nonnull(strstr(text, " trace: connect client.example.net [192.0.2.1]:40000"));
	ck_assert_ptr_nonnull(strstr(text, " trace: helo a??b \\x5c %s \\xff\n"));
	ck_assert_ptr_nonnull(strstr(text, " trace: mail <a@example.org>\n"));
	ck_assert_ptr_nonnull(strstr(text, " trace: rcpt <b@example.com>\n"));
	ck_assert_ptr_nonnull(strstr(text, " trace: data, 1 recipients, "));
	ck_assert_ptr_nonnull(strstr(text, " trace: header Subject:  hi\\x0d\\x0a there\n"));
	ck_assert_ptr_nonnull(strstr(text, " trace: eoh, "));
	ck_assert_ptr_nonnull(strstr(text, " trace: body, 7 octets\n"));
	ck_assert_ptr_nonnull(strstr(text, " trace: eom, 1 recipients, "));
	drive_fini(&d);
}
END_TEST

/* Its line at connect names the port, so the MTA must be asked for it by then. */
START_TEST(port_is_asked_for)
{
	struct drive d;
	bool asked = false;

	begin(&d, "");
	for (const char *const *m = d.g->needs.macros[CM_STAGE_CONNECT]; *m != NULL; m++)
		asked = asked || strcmp(*m, "{daemon_port}") == 0;
	ck_assert(asked);
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("trace");
	TCase *t = tcase_create("trace");

	tcase_add_loop_test(t, verdict_of_a_stage, 0, LENGTH(verdicts));
	tcase_add_loop_test(t, edit_at_end_of_message, 0, LENGTH(edits));
	tcase_add_test(t, body_is_replaced);
	tcase_add_loop_test(t, bad_edit_fails, 0, LENGTH(bad_edits));
	tcase_add_loop_test(t, bad_answer_is_refused, 0, LENGTH(bad_answers));
	tcase_add_test(t, port_is_asked_for);
	tcase_add_test(t, every_event_is_logged_safely);
	suite_add_tcase(s, t);
	return table_run(s);
}
