/* SPDX-License-Identifier: MIT */
/*
 * test_spf_later.c - SPF that never refuses: MAIL does not wait, and whoever reads its result does
 */
#include <stdio.h>

#include "drive.h"
#include "table.h"

#define ACCEPTS                                                                             \
	"fail = accept; softfail = accept; permerror = accept; temperror = accept; helo = " \
	"null-only"

static const char zone[] = "fail.test       TXT \"v=spf1 -all\"\n"
			   "pass.test       TXT \"v=spf1 ip4:203.0.113.0/24 -all\"\n"
			   "softfail.test   TXT \"v=spf1 ~all\"\n"
			   "silent.test     timeout\n"
			   "_dmarc.pass.test TXT \"v=DMARC1; p=reject\"\n";

static struct drive d;

static void
begin(const char *spf, const char *chain, const char *sections, const char *rule)
{
	char dir[PATH_MAX], *text;

	drive_init(&d);
	drive_file(&d, "zone", zone);
	drive_file(&d, "rule.lua", rule);
	drive_plugin_dir(dir, false);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "dns { zone = zone }\nstore m { type = memory }\n"
				 "profile all { chain = [ %s ] }\nplugin spf { %s }\n%s",
				 dir, chain, spf, sections),
		0);
	drive_load_text(&d, text);
	free(text);
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	drive_open(&d);
	drive_connect(&d, "203.0.113.7", "client.example.net", "25");
	drive_helo(&d, "pass.test");
}

static const char *
found(void)
{
	const char *value = session_result(d.s, "spf", "result");

	return value == NULL ? "" : value;
}

static enum cm_verdict
content(void)
{
	const struct cm_header fields[] = {{"From", "<a@pass.test>"}, {"Subject", "x"}};

	return drive_content(&d, fields, 2, "hello\r\n");
}

static const char *
field(const char *name)
{
	for (size_t i = 0; i < d.answer.edit_count; i++) {
		const struct edit *e = d.answer.edits[i];

		if (e->name != NULL && strcmp(e->name, name) == 0)
			return e->value;
	}
	return "";
}

/* --- when --- */

#define RULE(hook, code) "function " hook "(m) " code " end\n"
#define READS		 "local r = m.spf.result; m:note('r', r); log.info(r)"

/* The result after each step, of a chain whose links read it or do not. */
static const struct {
	const char *what, *spf, *chain, *sections, *rule;
	const char *mail, *rcpt, *end;
} readers[] = {
	{"nobody reads", ACCEPTS, "spf", "", "", "", "", "pass"},
	{"a setting may refuse", "softfail = accept", "spf", "", "", "pass", "pass", "pass"},
	{"greylist reads at RCPT", ACCEPTS, "spf, greylist", "plugin greylist { }", "", "", "pass",
		"pass"},
	{"a rule reads at MAIL", ACCEPTS, "spf, rule", "script rule { file = \"rule.lua\" }",
		RULE("mail", READS), "pass", "pass", "pass"},
	{"a rule reads at RCPT", ACCEPTS, "spf, rule", "script rule { file = \"rule.lua\" }",
		RULE("rcpt", READS), "", "pass", "pass"},
	{"a rule reads at the end", ACCEPTS, "spf, rule", "script rule { file = \"rule.lua\" }",
		RULE("message", READS), "", "", "pass"},
	{"a rule reads inside of a function of C", ACCEPTS, "spf, rule",
		"script rule { file = \"rule.lua\" }",
		RULE("rcpt", "string.gsub('a', 'a', function() " READS " end)"), "", "pass",
		"pass"},
	{"auth_results reads at the end", ACCEPTS, "spf, auth_results", "plugin auth_results { }",
		"", "", "", "pass"},
	{"dmarc reads at the end", ACCEPTS, "spf, dmarc", "plugin dmarc { }", "", "", "", "pass"},
	{"an accept before the end", ACCEPTS, "spf, rule", "script rule { file = \"rule.lua\" }",
		RULE("headers", "return accept('known')"), "", "", "pass"},
	{"a refusal that needs no result", ACCEPTS, "spf, rule",
		"script rule { file = \"rule.lua\" }", RULE("headers", "return reject('no')"), "",
		"", ""},
	{"a link that is watched", ACCEPTS "; mode = shadow", "spf", "", "", "", "", "pass"},
};

START_TEST(result_is_there_when_somebody_reads_it)
{
	begin(readers[_i].spf, readers[_i].chain, readers[_i].sections, readers[_i].rule);
	drive_mail(&d, "<a@pass.test>", NULL, NULL);
	ck_assert_msg(strcmp(found(), readers[_i].mail) == 0, "%s: at MAIL %s", readers[_i].what,
		found());
	drive_rcpt(&d, "<b@example.com>");
	ck_assert_msg(strcmp(found(), readers[_i].rcpt) == 0, "%s: at RCPT %s", readers[_i].what,
		found());
	content();
	ck_assert_msg(strcmp(found(), readers[_i].end) == 0, "%s: at the end %s", readers[_i].what,
		found());
	drive_fini(&d);
}
END_TEST

/* --- what it comes to --- */

static const struct {
	const char *what, *spf, *sender, *result, *tag, *received;
} ends[] = {
	{"a pass", ACCEPTS "; received_spf = yes", "<a@pass.test>", "pass", "", "pass ("},
	{"a tag", "fail = tag; temperror = tag", "<a@fail.test>", "fail",
		"fail fail.test does not let 203.0.113.7", ""},
	{"servers that are silent", "fail = accept; temperror = tag", "<a@silent.test>",
		"temperror", "temperror the policy of silent.test cannot be looked up now", ""},
	{"the null sender, by its HELO name", ACCEPTS, "<>", "pass", "", ""},
	{"watched, it changes nothing", "fail = tag; temperror = tag; mode = shadow",
		"<a@fail.test>", "fail", "", ""},
};

static bool
begins_with(const char *text, const char *wanted)
{
	return wanted[0] == '\0' ? text[0] == '\0' : strncmp(text, wanted, strlen(wanted)) == 0;
}

START_TEST(edits_are_those_of_the_result)
{
	begin(ends[_i].spf, "spf", "", "");
	drive_mail(&d, ends[_i].sender, NULL, NULL);
	ck_assert_str_eq(found(), "");
	drive_rcpt(&d, "<b@example.com>");
	ck_assert_int_eq(content(), CM_CONTINUE);
	ck_assert_str_eq(found(), ends[_i].result);
	ck_assert_msg(begins_with(field("X-SPF-Result"), ends[_i].tag), "%s: %s", ends[_i].what,
		field("X-SPF-Result"));
	ck_assert_msg(begins_with(field("Received-SPF"), ends[_i].received), "%s: %s",
		ends[_i].what, field("Received-SPF"));
	drive_fini(&d);
}
END_TEST

/* Where another read it, the trace says what it found all the same. */
START_TEST(trace_has_what_was_found)
{
	const struct trace_record *last = NULL;

	begin(ACCEPTS, "spf, greylist", "plugin greylist { }", "");
	drive_mail(&d, "<a@softfail.test>", NULL, NULL);
	drive_rcpt(&d, "<b@example.com>");
	for (const struct trace_record *r = chain_trace(d.s)->first; r != NULL; r = r->next)
		last = strcmp(r->link->name, "spf") == 0 ? r : last;
	ck_assert_ptr_nonnull(last);
	ck_assert_int_eq(last->stage, CM_STAGE_RCPT);
	ck_assert_pstr_eq(last->result, "softfail");
	ck_assert_ptr_nonnull(last->reason);
	/* It is greylist's refusal, not that of whom it asked. */
	ck_assert_int_eq(d.answer.verdict, CM_TEMPFAIL);
	ck_assert_int_eq(d.answer.reply.code, 451);
	drive_fini(&d);
}
END_TEST

START_TEST(message_that_is_given_up_is_not_checked)
{
	begin(ACCEPTS, "spf", "", "");
	drive_mail(&d, "<a@pass.test>", NULL, NULL);
	chain_end_message(d.s);
	/* The next one has a result of its own. */
	drive_mail(&d, "<a@softfail.test>", NULL, NULL);
	drive_rcpt(&d, "<b@example.com>");
	content();
	ck_assert_str_eq(found(), "softfail");
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spf_later");
	TCase *t = tcase_create("later");

	tcase_add_loop_test(t, result_is_there_when_somebody_reads_it, 0, LENGTH(readers));
	tcase_add_loop_test(t, edits_are_those_of_the_result, 0, LENGTH(ends));
	tcase_add_test(t, trace_has_what_was_found);
	tcase_add_test(t, message_that_is_given_up_is_not_checked);
	suite_add_tcase(s, t);
	return table_run(s);
}
