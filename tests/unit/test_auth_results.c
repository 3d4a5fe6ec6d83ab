/* SPDX-License-Identifier: MIT */
/*
 * test_auth_results.c - plugin auth_results: what becomes of whole messages
 */
#include <stdio.h>
#include <strings.h>

#include "drive.h"
#include "table.h"

#define FIELD "Authentication-Results"

/* --- whole messages ----------------------------------------------------------------------------
 */

static const char conf[] = "profile all { chain = [ first, second, auth_results ] }\n"
			   "plugin first { type = trace; level = debug; answer = [ %s ] }\n"
			   "plugin second { type = trace; level = debug }\n"
			   "plugin auth_results { %s }\n";

static void
begin(struct drive *d, const char *set, const char *first)
{
	char text[1024];

	drive_init(d);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), conf, first, set);
#pragma GCC diagnostic pop
	drive_load(d, text);
	drive_open(d);
	drive_connect(d, "192.0.2.1", "client.example.net", "25");
	drive_helo(d, "client.example.net");
	drive_mail(d, "<a@example.org>", NULL, NULL);
	drive_rcpt(d, "<b@example.com>");
}

static void
publish(struct drive *d, const char *link, const char *method, const char *result)
{
	const struct cm_auth_result r = {.method = method, .result = result};
	struct err err;

	for (size_t i = 0; i < d->g->chain.link_count; i++) {
		if (strcmp(d->g->chain.links[i]->name, link) == 0) {
			ck_assert(session_add_auth(d->s, d->g->chain.links[i], &r, &err));
			return;
		}
	}
	ck_abort_msg("no link %s", link);
}

/* "-N2 -N1 +N" of the fields of that name: which are removed, where what is inserted. */
static const char *
edits(const struct drive *d)
{
	static char text[8192];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < d->answer.edit_count; i++) {
		const struct edit *e = d->answer.edits[i];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%zu %s",
			i > 0 ? " " : "",
			e->kind == EDIT_INSERT_HEADER ? "+"
			: e->value == NULL	      ? "-"
						      : "?",
			e->index, strcasecmp(e->name, FIELD) == 0 ? "AR" : e->name);
	}
	return text;
}

/* Why auth_results did what it did. */
static const char *
reason_of(const struct drive *d)
{
	for (const struct trace_record *r = chain_trace(d->s)->first; r != NULL; r = r->next) {
		if (strcmp(r->link->name, "auth_results") == 0)
			return r->reason;
	}
	return NULL;
}

static const char *
inserted(const struct drive *d)
{
	for (size_t i = 0; i < d->answer.edit_count; i++) {
		if (d->answer.edits[i]->kind == EDIT_INSERT_HEADER)
			return d->answer.edits[i]->value;
	}
	return "";
}

static const struct {
	const char *what, *options;
	struct cm_header fields[8];
	const char *edits, *removed;
} messages[] = {
	{"nothing to remove", "", {{"From", "a@example.org"}}, "+0 AR", "0"},
	{"a forged one", "", {{"From", "a"}, {FIELD, " mx.test; spf=pass"}}, "-1 AR +0 AR", "1"},
	{"a foreign one stays", "", {{FIELD, " mx.example; spf=pass"}}, "+0 AR", "0"},
	{"forged among foreign ones, the last first", "",
		{{FIELD, " mx.test; none"}, {FIELD, " mx.example; none"}, {"From", "a"},
			{FIELD, " mx.test; none"}, {FIELD, " b.example; none"},
			{FIELD, " mx.test; none"}},
		"-5 AR -3 AR -1 AR +0 AR", "3"},
	{"one without an id", "", {{FIELD, " spf=pass"}, {FIELD, ""}}, "-2 AR -1 AR +0 AR", "2"},
	{"the name in any case", "",
		{{"authentication-results", "mx.test; none"},
			{"AUTHENTICATION-RESULTS", "mx.example; none"},
			{"Authentication-RESULTS", "\tMX.TEST; none"}},
		"-3 AR -1 AR +0 AR", "2"},
	{"fields of other names stay", "",
		{{"ARC-Authentication-Results", " i=1; mx.test; spf=pass"},
			{"X-Authentication-Results", " mx.test; spf=pass"},
			{"Authentication-Results-Original", " mx.test; spf=pass"},
			{"Authentication-Result", " mx.test; spf=pass"}},
		"+0 AR", "0"},
	{"further fields", "remove_fields = [ X-Authentication-Results, X-AR ]",
		{{"X-AR", " mx.test; spf=pass"}, {FIELD, " mx.test; spf=pass"},
			{"x-authentication-results", " mx.test; spf=pass"},
			{"x-ar", " mx.example; spf=pass"}, {"X-ar", " (; spf=pass"}},
		"-3 X-AR -1 AR -1 X-Authentication-Results -1 X-AR +0 AR", "4"},
	{"further ids", "extra_ids = [ mx2.test, mx3.test ]",
		{{FIELD, " mx3.test; none"}, {FIELD, " mx4.test; none"},
			{FIELD, " MX2.test.; none"}},
		"-3 AR -1 AR +0 AR", "2"},
	{"from a relay of ours", "trusted_relays = [ 192.0.2.0/24 ]",
		{{FIELD, " mx.test; spf=pass"}, {FIELD, " ("}}, "+0 AR", NULL},
	{"from another relay", "trusted_relays = [ 198.51.100.0/24 ]",
		{{FIELD, " mx.test; spf=pass"}}, "-1 AR +0 AR", "1"},
};

START_TEST(what_is_removed)
{
	const char *removed;
	struct drive d;
	size_t count = 0;

	begin(&d, messages[_i].options, "");
	while (count < 8 && messages[_i].fields[count].name != NULL)
		count++;
	ck_assert_int_eq(drive_content(&d, messages[_i].fields, count, "text"), CM_CONTINUE);
	ck_assert_msg(
		strcmp(edits(&d), messages[_i].edits) == 0, "%s: %s", messages[_i].what, edits(&d));
	removed = session_result(d.s, "auth_results", "removed");
	if (messages[_i].removed == NULL)
		ck_assert_ptr_null(removed);
	else
		ck_assert_str_eq(removed, messages[_i].removed);
	drive_fini(&d);
}
END_TEST

static struct cm_header *
copies(size_t count, const char *value)
{
	struct cm_header *fields = calloc(count, sizeof(*fields));

	ck_assert_ptr_nonnull(fields);
	for (size_t i = 0; i < count; i++)
		fields[i] = (struct cm_header){FIELD, value};
	return fields;
}

/* CVE-2022-48521: removed forward, half of them would have stayed. */
START_TEST(a_hundred_forged_fields)
{
	struct cm_header *fields = copies(100, "mx.test; spf=pass");
	struct drive d;

	begin(&d, "", "");
	ck_assert_int_eq(drive_content(&d, fields, 100, "text"), CM_CONTINUE);
	ck_assert_uint_eq(d.answer.edit_count, 101);
	for (size_t i = 0; i < 100; i++) {
		ck_assert_uint_eq(d.answer.edits[i]->index, 100 - i);
		ck_assert_ptr_null(d.answer.edits[i]->value);
	}
	ck_assert_str_eq(session_result(d.s, "auth_results", "removed"), "100");
	free(fields);
	drive_fini(&d);
}
END_TEST

/* They would pass with one of them, where a failure means to accept. */
START_TEST(more_forged_fields_than_can_be_removed)
{
	static const struct {
		size_t count;
		enum cm_verdict verdict;
		const char *reply;
	} rows[] = {
		{900, CM_CONTINUE, ""},
		{901, CM_REJECT, "554 5.7.1 More than 900 forged fields"},
		{EDITS_MAX + 1, CM_REJECT, "554 5.7.1 More than 900 forged fields"},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct cm_header *fields = copies(rows[i].count, "mx.test; spf=pass");
		struct drive d;

		begin(&d, "on_error = accept", "");
		ck_assert_int_eq(drive_content(&d, fields, rows[i].count, "text"), rows[i].verdict);
		ck_assert_str_eq(drive_reply(&d), rows[i].reply);
		free(fields);
		drive_fini(&d);
	}
}
END_TEST

/* What was accepted is not refused; who takes the first field takes ours. */
START_TEST(too_many_forged_fields_of_accepted_mail)
{
	struct cm_header *fields = copies(EDITS_MAX, "mx.test; spf=pass");
	struct drive d;

	begin(&d, "", "\"mail accept\"");
	ck_assert_int_eq(drive_content(&d, fields, EDITS_MAX, "text"), CM_ACCEPT);
	ck_assert_uint_eq(d.answer.edit_count, 901);
	ck_assert_str_eq(inserted(&d), "mx.test; none");
	free(fields);
	drive_fini(&d);
}
END_TEST

/* No MTA passes on such a name; should one, the field could not be named to remove it. */
START_TEST(a_blank_behind_the_name)
{
	static const struct cm_header forged[] = {
		{FIELD, "mx.test; none"}, {FIELD " ", "mx.test; none"}};
	static const struct cm_header foreign[] = {
		{FIELD, "mx.test; none"}, {FIELD " ", "mx.example; none"}};
	struct drive d;

	begin(&d, "", "");
	ck_assert_int_eq(drive_content(&d, forged, 2, "text"), CM_TEMPFAIL);
	drive_mail(&d, "<a@example.org>", NULL, NULL);
	drive_rcpt(&d, "<b@example.com>");
	ck_assert_int_eq(drive_content(&d, foreign, 2, "text"), CM_CONTINUE);
	ck_assert_str_eq(edits(&d), "-1 AR +0 AR");
	drive_fini(&d);
}
END_TEST

/* In the order of the chain, whatever the order in which they were said. */
START_TEST(results_of_the_chain)
{
	static const struct cm_header from = {"From", "a@example.org"};
	struct drive d;

	begin(&d, "", "");
	publish(&d, "second", "dkim", "none");
	publish(&d, "second", "dmarc", "fail");
	publish(&d, "first", "spf", "softfail");
	ck_assert_int_eq(drive_content(&d, &from, 1, "text"), CM_CONTINUE);
	ck_assert_str_eq(inserted(&d), "mx.test;\n\tspf=softfail;\n\tdkim=none;\n\tdmarc=fail");
	drive_mail(&d, "<a@example.org>", NULL, NULL);
	drive_rcpt(&d, "<b@example.com>");
	ck_assert_int_eq(drive_content(&d, &from, 1, "text"), CM_CONTINUE);
	ck_assert_str_eq(inserted(&d), "mx.test; none");
	drive_fini(&d);
}
END_TEST

START_TEST(mail_that_was_accepted_early)
{
	static const struct cm_header forged = {FIELD, "mx.test; spf=pass"};
	struct drive d;

	begin(&d, "", "\"mail accept\"");
	ck_assert_int_eq(drive_content(&d, &forged, 1, "text"), CM_ACCEPT);
	ck_assert_str_eq(edits(&d), "-1 AR +0 AR");
	ck_assert_str_eq(inserted(&d), "mx.test; none");
	drive_fini(&d);
}
END_TEST

START_TEST(a_watched_link_changes_nothing)
{
	static const struct cm_header forged = {FIELD, "mx.test; spf=pass"};
	struct drive d;

	begin(&d, "mode = shadow", "");
	ck_assert_int_eq(drive_content(&d, &forged, 1, "text"), CM_CONTINUE);
	ck_assert_uint_eq(d.answer.edit_count, 0);
	ck_assert_str_eq(reason_of(&d), "removed 1 forged field");
	drive_fini(&d);
}
END_TEST

/* --- settings ----------------------------------------------------------------------------------
 */

static const struct {
	const char *options, *mistake; /* NULL: none */
} settings[] = {
	{"extra_ids = [ mx2.example.com, \"mx3.example.com.\" ]", NULL},
	{"extra_ids = \"\"", "\"\" is not an authserv-id, such as mx2.example.com"},
	{"extra_ids = [ a, \"b c\" ]", "\"b c\" is not an authserv-id, such as mx2.example.com"},
	{"extra_ids = \"a/b\"", "\"a/b\" is not an authserv-id, such as mx2.example.com"},
	{"extra_ids = \".\"", "\".\" is not an authserv-id, such as mx2.example.com"},
	{"remove_fields = X-Authentication-Results", NULL},
	{"remove_fields = \"X-A:\"", "\"X-A:\" is not the name of a header field"},
	{"remove_fields = \"X A\"", "\"X A\" is not the name of a header field"},
	{"remove_fields = \"\"", "\"\" is not the name of a header field"},
	{"remove_fields = arc-authentication-results",
		"arc-authentication-results must stay, or ARC breaks"},
};

START_TEST(settings_are_checked)
{
	char dir[PATH_MAX], text[PATH_MAX + 512];
	struct drive d;

	drive_init(&d);
	drive_plugin_dir(dir, false);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\" }\nlistener l { socket = inet:10025@127.0.0.1 }\n"
		"profile all { chain = [ auth_results ] }\nplugin auth_results { %s }\n",
		dir, settings[_i].options);
	drive_load_text(&d, text);
	if (settings[_i].mistake == NULL)
		ck_assert_str_eq(d.mistakes, "");
	else
		ck_assert_msg(strstr(d.mistakes, settings[_i].mistake) != NULL, "%s", d.mistakes);
	ck_assert_uint_eq(d.errors, settings[_i].mistake != NULL);
	drive_fini(&d);
}
END_TEST

START_TEST(it_runs_behind_what_it_reports)
{
	char dir[PATH_MAX], text[PATH_MAX + 512];
	struct drive d;

	drive_init(&d);
	drive_plugin_dir(dir, false);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\" }\nlistener l { socket = inet:10025@127.0.0.1 }\n"
		"profile all { chain = [ auth_results, auth ] }\n"
		"plugin auth_results { }\nplugin auth { }\n",
		dir);
	drive_load_text(&d, text);
	ck_assert_msg(strstr(d.mistakes, "auth_results runs before auth in profile all") != NULL,
		"%s", d.mistakes);
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth_results");
	TCase *t = tcase_create("auth_results");

	tcase_add_loop_test(t, what_is_removed, 0, LENGTH(messages));
	tcase_add_test(t, a_hundred_forged_fields);
	tcase_add_test(t, more_forged_fields_than_can_be_removed);
	tcase_add_test(t, too_many_forged_fields_of_accepted_mail);
	tcase_add_test(t, a_blank_behind_the_name);
	tcase_add_test(t, results_of_the_chain);
	tcase_add_test(t, mail_that_was_accepted_early);
	tcase_add_test(t, a_watched_link_changes_nothing);
	tcase_add_loop_test(t, settings_are_checked, 0, LENGTH(settings));
	tcase_add_test(t, it_runs_behind_what_it_reports);
	suite_add_tcase(s, t);
	return table_run(s);
}
