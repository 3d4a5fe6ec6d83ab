/* SPDX-License-Identifier: MIT */
/*
 * test_spf.c - plugin spf: whom it checks, what becomes of the mail, and what it says
 */
#include <stdio.h>

#include "drive.h"
#include "table.h"

static const char zone[] =
	"fail.test       TXT \"v=spf1 exp=why.fail.test -all\"\n"
	"why.fail.test   TXT \"Send %{d} through mx.%{d}\"\n"
	"softfail.test   TXT \"v=spf1 ~all\"\n"
	"neutral.test    TXT \"v=spf1 ?all\"\n"
	"pass.test       TXT \"v=spf1 ip4:203.0.113.0/24 ip6:2001:db8::/32 -all\"\n"
	"none.test       A 192.0.2.1\n"
	"temperror.test  timeout\n"
	"permerror.test  TXT \"v=spf1 -al\"\n"
	"moved.test      TXT \"v=spf1 redirect=fail.test\"\n"
	"hostile.test    TXT \"v=spf1 exp=x.hostile.test -all\"\n"
	"x.hostile.test  TXT \"250 2.0.0 Ok %{l} %% %s\"\n"
	"multi.test      TXT \"v=spf1 exp=y.hostile.test -all\"\n"
	"y.hostile.test  TXT \"a\\013\\010250 Ok\"\n";

static struct drive d;

static void
begin(const char *options)
{
	char dir[PATH_MAX], *text;

	drive_init(&d);
	drive_file(&d, "zone", zone);
	drive_file(&d, "friends", "203.0.113.66 yes\n");
	drive_file(&d, "senders",
		"ann@fail.test yes\n@softfail.test yes\nmoved.test yes\n<> yes\n"
		"root@ yes\n");
	drive_plugin_dir(dir, false);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test\n"
				 "       trusted_networks = [ 192.0.2.0/24 ] }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "dns { zone = zone }\n"
				 "map friends { source = friends; match = cidr }\n"
				 "map senders { source = senders }\n"
				 "profile all { chain = [ spf, auth_results ] }\n"
				 "plugin spf { %s }\nplugin auth_results { }\n",
				 dir, options),
		0);
	drive_load_text(&d, text);
	free(text);
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	drive_open(&d);
}

static enum cm_verdict
mail_from(const char *ip, const char *helo, const char *sender, const char *login)
{
	drive_connect(&d, ip, "client.example.net", "25");
	drive_helo(&d, helo);
	return drive_mail(&d, sender, login, NULL);
}

static const char *
result(const char *key)
{
	const char *value = session_result(d.s, "spf", key);

	return value == NULL ? "" : value;
}

static void
finish(void)
{
	drive_rcpt(&d, "<b@example.com>");
	drive_content(&d, NULL, 0, "hello\r\n");
}

/* The value of the field that was added or inserted, or "". */
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

/* --- results and what they do --------------------------------------------------------------------
 */

static const struct {
	const char *what, *options, *helo, *sender;
	enum cm_verdict verdict;
	const char *result, *reply;
} mails[] = {
	{"a pass", "", "none.test", "<a@pass.test>", CM_CONTINUE, "pass", ""},
	{"none", "", "none.test", "<a@none.test>", CM_CONTINUE, "none", ""},
	{"neutral", "", "none.test", "<a@neutral.test>", CM_CONTINUE, "neutral", ""},
	{"a softfail", "", "none.test", "<a@softfail.test>", CM_CONTINUE, "softfail", ""},
	{"a permanent error", "", "none.test", "<a@permerror.test>", CM_CONTINUE, "permerror", ""},
	{"a fail", "", "none.test", "<a@fail.test>", CM_REJECT, "fail",
		"550 5.7.23 SPF: fail.test does not let 203.0.113.7 send its mail (\"-all\" "
		"matched); fail.test explains: Send fail.test through mx.fail.test"},
	{"a fail behind a redirect", "", "none.test", "<a@moved.test>", CM_REJECT, "fail",
		"550 5.7.23 SPF: moved.test does not let 203.0.113.7 send its mail (\"-all\" "
		"matched); fail.test explains: Send fail.test through mx.fail.test"},
	{"a fail without its explanation", "explanation = no", "none.test", "<a@fail.test>",
		CM_REJECT, "fail",
		"550 5.7.23 SPF: fail.test does not let 203.0.113.7 send its mail (\"-all\" "
		"matched)"},
	{"a temporary error", "", "none.test", "<a@temperror.test>", CM_TEMPFAIL, "temperror",
		"451 4.7.24 SPF: the policy of temperror.test cannot be looked up now "
		"(temperror.test TXT: nobody answered in time)"},
	{"fail = tempfail", "fail = tempfail; explanation = no", "none.test", "<a@fail.test>",
		CM_TEMPFAIL, "fail",
		"451 4.7.23 SPF: fail.test does not let 203.0.113.7 send its mail (\"-all\" "
		"matched)"},
	{"fail = accept", "fail = accept", "none.test", "<a@fail.test>", CM_CONTINUE, "fail", ""},
	{"softfail = reject", "softfail = reject", "none.test", "<a@softfail.test>", CM_REJECT,
		"softfail",
		"550 5.7.1 SPF: softfail.test probably does not let 203.0.113.7 send its mail "
		"(\"~all\" matched)"},
	{"neutral = tempfail", "neutral = tempfail", "none.test", "<a@neutral.test>", CM_TEMPFAIL,
		"neutral",
		"451 4.7.1 SPF: neutral.test does not say whether 203.0.113.7 may send its mail"},
	{"none = reject", "none = reject", "none.test", "<a@none.test>", CM_REJECT, "none",
		"550 5.7.1 SPF: none.test has no SPF policy"},
	{"permerror = reject", "permerror = reject", "none.test", "<a@permerror.test>", CM_REJECT,
		"permerror",
		"550 5.7.24 SPF: the policy of permerror.test cannot be used (permerror.test: "
		"\"-al\": no such mechanism)"},
	{"temperror = accept", "temperror = accept", "none.test", "<a@temperror.test>", CM_CONTINUE,
		"temperror", ""},
	/* The HELO name. */
	{"a HELO name that fails", "explanation = no", "fail.test", "<a@pass.test>", CM_REJECT,
		"fail",
		"550 5.7.23 SPF of the HELO name: fail.test does not let 203.0.113.7 send its mail "
		"(\"-all\" matched)"},
	{"any other result of it says nothing", "softfail = reject; permerror = reject",
		"softfail.test", "<a@pass.test>", CM_CONTINUE, "pass", ""},
	{"a fault of it neither", "", "temperror.test", "<a@pass.test>", CM_CONTINUE, "pass", ""},
	{"a fail of it that would not refuse", "fail = tag", "fail.test", "<a@pass.test>",
		CM_CONTINUE, "pass", ""},
	{"helo = no", "helo = no", "fail.test", "<a@pass.test>", CM_CONTINUE, "pass", ""},
	{"helo = no, null sender", "helo = no", "fail.test", "<>", CM_CONTINUE, "", ""},
	{"helo = null-only", "helo = null-only", "fail.test", "<a@pass.test>", CM_CONTINUE, "pass",
		""},
	{"helo = null-only, null sender", "helo = null-only; explanation = no", "fail.test", "<>",
		CM_REJECT, "fail",
		"550 5.7.23 SPF of the HELO name: fail.test does not let 203.0.113.7 send its mail "
		"(\"-all\" matched)"},
	{"a null sender", "", "softfail.test", "<>", CM_CONTINUE, "softfail", ""},
	{"a null sender and a literal", "", "[203.0.113.7]", "<>", CM_CONTINUE, "none", ""},
	/* What cannot be checked. */
	{"a sender without a domain", "", "none.test", "<postmaster>", CM_CONTINUE, "none", ""},
	{"a domain of one label", "", "none.test", "<a@localhost>", CM_CONTINUE, "none", ""},
	/* Hostile explanations. */
	{"an explanation that looks like a reply", "", "none.test", "<\"%s%n\"@hostile.test>",
		CM_REJECT, "fail",
		"550 5.7.23 SPF: hostile.test does not let 203.0.113.7 send its mail (\"-all\" "
		"matched)"},
	{"an explanation of lines", "", "none.test", "<a@multi.test>", CM_REJECT, "fail",
		"550 5.7.23 SPF: multi.test does not let 203.0.113.7 send its mail (\"-all\" "
		"matched)"},
};

START_TEST(mail)
{
	enum cm_verdict verdict;

	begin(mails[_i].options);
	verdict = mail_from("203.0.113.7", mails[_i].helo, mails[_i].sender, NULL);
	ck_assert_msg(
		verdict == mails[_i].verdict, "%s: %s", mails[_i].what, verdict_name(verdict));
	ck_assert_msg(strcmp(result("result"), mails[_i].result) == 0, "%s: \"%s\"", mails[_i].what,
		result("result"));
	ck_assert_str_eq(drive_reply(&d), mails[_i].reply);
	drive_fini(&d);
}
END_TEST

/* --- whom it does not check ----------------------------------------------------------------------
 */

static const struct {
	const char *what, *options, *ip, *sender, *login;
	bool checked;
} exempt[] = {
	{"nobody is exempt", "", "203.0.113.7", "<ann@fail.test>", NULL, true},
	{"a local client", "", NULL, "<ann@fail.test>", NULL, false},
	{"the loopback is a client like others", "", "127.0.0.1", "<ann@fail.test>", NULL, true},
	{"a login", "", "203.0.113.7", "<ann@fail.test>", "ann", false},
	{"a login that does not matter", "skip_authenticated = no", "203.0.113.7",
		"<ann@fail.test>", "ann", true},
	{"a trusted network", "", "192.0.2.7", "<ann@fail.test>", NULL, false},
	{"a trusted network that does not matter", "skip_trusted = no", "192.0.2.7",
		"<ann@fail.test>", NULL, true},
	{"a network", "skip_for = [ 203.0.113.0/24 ]", "203.0.113.7", "<ann@fail.test>", NULL,
		false},
	{"a mapped client in a network", "skip_for = [ 203.0.113.0/24 ]", "::ffff:203.0.113.7",
		"<ann@fail.test>", NULL, false},
	{"a map of clients", "skip_clients = friends", "203.0.113.66", "<ann@fail.test>", NULL,
		false},
	{"a client that is not in the map", "skip_clients = friends", "203.0.113.67",
		"<ann@fail.test>", NULL, true},
	{"a map of senders, by address", "skip_senders = senders", "203.0.113.7", "<Ann@fail.test>",
		NULL, false},
	{"a map of senders, by @domain", "skip_senders = senders", "203.0.113.7",
		"<x@softfail.test>", NULL, false},
	{"a map of senders, by domain", "skip_senders = senders", "203.0.113.7", "<x@moved.test>",
		NULL, false},
	{"a map of senders, the null sender", "skip_senders = senders", "203.0.113.7", "<>", NULL,
		false},
	{"a local part, which anybody may write", "skip_senders = senders", "203.0.113.7",
		"<root@fail.test>", NULL, true},
	{"a sender that is not in the map", "skip_senders = senders", "203.0.113.7",
		"<bob@fail.test>", NULL, true},
};

START_TEST(exemption)
{
	begin(exempt[_i].options);
	mail_from(exempt[_i].ip, "none.test", exempt[_i].sender, exempt[_i].login);
	ck_assert_msg((result("result")[0] != '\0') == exempt[_i].checked, "%s: \"%s\"",
		exempt[_i].what, result("result"));
	drive_fini(&d);
}
END_TEST

START_TEST(unknown_login_is_not_taken_for_none)
{
	begin("");
	d.s->macros_asked = false;
	ck_assert_int_eq(mail_from("203.0.113.7", "x", "<a@fail.test>", NULL), CM_TEMPFAIL);
	ck_assert_str_eq(result("result"), "");
	drive_fini(&d);
	begin("skip_authenticated = no");
	d.s->macros_asked = false;
	ck_assert_int_eq(mail_from("203.0.113.7", "x", "<a@fail.test>", NULL), CM_REJECT);
	drive_fini(&d);
}
END_TEST

/* --- what it says --------------------------------------------------------------------------------
 */

START_TEST(results_for_later_links)
{
	begin("");
	mail_from("203.0.113.7", "none.test", "<ann@pass.test>", NULL);
	ck_assert_str_eq(result("domain"), "pass.test");
	ck_assert_str_eq(result("scope"), "mailfrom");
	ck_assert_str_eq(result("mechanism"), "ip4:203.0.113.0/24");
	ck_assert_str_eq(result("explanation"), "");
	ck_assert_str_eq(result("lookups"), "0");
	ck_assert_str_eq(result("voids"), "0");
	ck_assert_str_eq(result("helo"), "none");
	drive_fini(&d);
}
END_TEST

START_TEST(authentication_results)
{
	begin("");
	mail_from("203.0.113.7", "softfail.test", "<ann@pass.test>", NULL);
	finish();
	ck_assert_str_eq(field("Authentication-Results"),
		"mx.test;\n\tspf=pass (pass.test lets 203.0.113.7 send its mail)\n"
		" smtp.mailfrom=pass.test;\n"
		"\tspf=softfail (softfail.test probably does not let 203.0.113.7 send its\n"
		" mail \\(\"~all\" matched\\)) smtp.helo=softfail.test");
	drive_fini(&d);
}
END_TEST

START_TEST(tag_adds_a_field)
{
	begin("tag_header = X-Spf");
	mail_from("203.0.113.7", "none.test", "<ann@softfail.test>", NULL);
	finish();
	ck_assert_str_eq(field("X-Spf"),
		"softfail softfail.test probably does not let 203.0.113.7 send its mail (\"~all\" "
		"matched)");
	drive_fini(&d);
}
END_TEST

START_TEST(received_spf_quotes_what_clients_say)
{
	begin("received_spf = yes; fail = accept");
	mail_from("203.0.113.7", "a\"b\\c;d.test", "<\"x\\\" y\"@fail.test>", NULL);
	finish();
	ck_assert_str_eq(field("Received-SPF"),
		"fail (fail.test does not let 203.0.113.7 send its mail \\(\"-all\" matched\\))\n"
		"\treceiver=mx.test;\n\tidentity=mailfrom;\n\tclient-ip=\"203.0.113.7\";\n"
		"\tenvelope-from=\"\\\"x\\\\\\\" y\\\"@fail.test\";\n"
		"\thelo=\"a\\\"b\\\\c;d.test\";\n\tmechanism=\"-all\"");
	drive_fini(&d);
}
END_TEST

/* With nobody who reads why a mail was let pass, or somebody. */
static const struct {
	const char *what, *sender;
	bool explained;
	const char *reason; /* NULL: none */
} reasons[] = {
	{"a pass, and nobody asks", "<a@pass.test>", false, NULL},
	{"a pass, explained", "<a@pass.test>", true,
		"pass.test \"v=spf1 ip4:203.0.113.0/24 ip6:2001:db8::/32 -all\"; matched "
		"\"ip4:203.0.113.0/24\"; 0 of 10 lookups, 0 void"},
	{"a mistake in the record", "<a@permerror.test>", false,
		"permerror.test \"v=spf1 -al\": permerror.test: \"-al\": no such mechanism; 0 of "
		"10 "
		"lookups, 0 void"},
	{"a refusal", "<a@hostile.test>", false,
		"hostile.test \"v=spf1 exp=x.hostile.test -all\"; matched \"-all\"; 0 of 10 "
		"lookups, "
		"0 void"},
};

START_TEST(reason_is_for_who_reads_it)
{
	const struct trace_record *last = NULL;

	begin("helo = null-only");
	drive_connect(&d, "203.0.113.7", "client.example.net", "25");
	drive_helo(&d, "none.test");
	chain_explain(d.s, reasons[_i].explained);
	drive_mail(&d, reasons[_i].sender, NULL, NULL);
	for (const struct trace_record *r = chain_trace(d.s)->first; r != NULL; r = r->next) {
		if (r->stage == CM_STAGE_MAIL && strcmp(r->link->name, "spf") == 0)
			last = r;
	}
	ck_assert_ptr_nonnull(last);
	ck_assert_pstr_eq(last->reason, reasons[_i].reason);
	drive_fini(&d);
}
END_TEST

START_TEST(second_message_is_checked_anew)
{
	begin("");
	mail_from("203.0.113.7", "none.test", "<ann@softfail.test>", NULL);
	finish();
	ck_assert_str_ne(field("X-SPF-Result"), "");
	chain_end_message(d.s);
	ck_assert_int_eq(drive_mail(&d, "<ann@pass.test>", NULL, NULL), CM_CONTINUE);
	ck_assert_str_eq(result("result"), "pass");
	finish();
	ck_assert_str_eq(field("X-SPF-Result"), "");
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spf");
	TCase *t = tcase_create("spf");

	tcase_add_loop_test(t, mail, 0, LENGTH(mails));
	tcase_add_loop_test(t, exemption, 0, LENGTH(exempt));
	tcase_add_test(t, unknown_login_is_not_taken_for_none);
	tcase_add_test(t, results_for_later_links);
	tcase_add_test(t, authentication_results);
	tcase_add_test(t, tag_adds_a_field);
	tcase_add_test(t, received_spf_quotes_what_clients_say);
	tcase_add_loop_test(t, reason_is_for_who_reads_it, 0, LENGTH(reasons));
	tcase_add_test(t, second_message_is_checked_anew);
	suite_add_tcase(s, t);
	return table_run(s);
}
