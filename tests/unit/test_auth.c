/* SPDX-License-Identifier: MIT */
/*
 * test_auth.c - plugin auth: what a submission client is told
 */
#include <stdio.h>

#include "drive.h"
#include "table.h"

static const char logins[] = "bob@example.com       bob\n"
			     "Carol@Example.COM     carol\n"
			     "team@example.com      bob, carol,\tdave\n"
			     "tag+ged@example.com   erin\n"
			     "@bob.example.com      bob\n"
			     "nobody@bob.example.com   carol\n";

static const char conf[] = "map logins { source = logins }\n"
			   "profile all { chain = [ auth ] }\n"
			   "plugin auth { login_map = logins%s }\n";

/* One submission: what is said at MAIL. */
static const struct {
	const char *what, *options, *ip, *login, *tls, *sender;
	enum cm_verdict verdict;
	const char *reply, *result;
} senders[] = {
	{"an address of the login", "", "203.0.113.1", "bob", "TLSv1.3", "<bob@example.com>",
		CM_CONTINUE, "", "pass"},
	{"address and login in another case", "", "203.0.113.1", "CAROL", "TLSv1.3",
		"<cArol@example.com>", CM_CONTINUE, "", "pass"},
	{"an address of several logins", "", "203.0.113.1", "dave", "TLSv1.3", "<team@example.com>",
		CM_CONTINUE, "", "pass"},
	{"any address of the login's domain", "", "203.0.113.1", "bob", "TLSv1.3",
		"<x@BOB.example.com.>", CM_CONTINUE, "", "pass"},
	{"no login", "", "203.0.113.1", NULL, "TLSv1.3", "<bob@example.com>", CM_REJECT,
		"530 5.7.0 Authentication required", "fail"},
	{"neither login nor TLS", "", "203.0.113.1", NULL, NULL, "<bob@example.com>", CM_REJECT,
		"530 5.7.0 Must issue a STARTTLS command first", "fail"},
	{"no login where TLS is not required", "; require_tls = no", "203.0.113.1", NULL, NULL,
		"<bob@example.com>", CM_REJECT, "530 5.7.0 Authentication required", "fail"},
	{"a login without TLS", "", "203.0.113.1", "bob", NULL, "<bob@example.com>", CM_REJECT,
		"530 5.7.0 Must issue a STARTTLS command first", "fail"},
	{"somebody else's address", "", "203.0.113.1", "bob", "TLSv1.3", "<carol@example.com>",
		CM_REJECT,
		"553 5.7.1 <carol@example.com>: Sender address rejected: not owned by user bob",
		"fail"},
	{"an address that nobody has", "", "203.0.113.1", "bob", "TLSv1.3", "<ceo@example.com>",
		CM_REJECT,
		"553 5.7.1 <ceo@example.com>: Sender address rejected: not owned by user bob",
		"fail"},
	{"the first key decides, not the domain", "", "203.0.113.1", "bob", "TLSv1.3",
		"<nobody@bob.example.com>", CM_REJECT,
		"553 5.7.1 <nobody@bob.example.com>: Sender address rejected: not owned by user "
		"bob",
		"fail"},
	{"a login that is part of another", "", "203.0.113.1", "bo", "TLSv1.3", "<bob@example.com>",
		CM_REJECT,
		"553 5.7.1 <bob@example.com>: Sender address rejected: not owned by user bo",
		"fail"},
	{"a tag without a delimiter set", "", "203.0.113.1", "bob", "TLSv1.3",
		"<bob+tag@example.com>", CM_REJECT,
		"553 5.7.1 <bob+tag@example.com>: Sender address rejected: not owned by user bob",
		"fail"},
	{"a tag", "; recipient_delimiter = \"+-\"", "203.0.113.1", "bob", "TLSv1.3",
		"<bob-tag@example.com>", CM_CONTINUE, "", "pass"},
	{"the address with its tag first", "; recipient_delimiter = +", "203.0.113.1", "erin",
		"TLSv1.3", "<tag+ged@example.com>", CM_CONTINUE, "", "pass"},
	{"a delimiter in front is no tag", "; recipient_delimiter = +", "203.0.113.1", "bob",
		"TLSv1.3", "<+bob@example.com>", CM_REJECT,
		"553 5.7.1 <+bob@example.com>: Sender address rejected: not owned by user bob",
		"fail"},
	{"an address without domain", "", "203.0.113.1", "bob", "TLSv1.3", "<bob>", CM_REJECT,
		"553 5.7.1 <bob>: Sender address rejected: not owned by user bob", "fail"},
	{"what is no address, at the login's domain", "", "203.0.113.1", "bob", "TLSv1.3",
		"<a..b@bob.example.com>", CM_REJECT,
		"553 5.7.1 <a..b@bob.example.com>: Sender address rejected: not owned by user bob",
		"fail"},
	{"a login that looks like a list", "", "203.0.113.1", "bob, carol", "TLSv1.3",
		"<team@example.com>", CM_REJECT,
		"553 5.7.1 <team@example.com>: Sender address rejected: not owned by user bob, "
		"carol",
		"fail"},
	{"the null sender", "", "203.0.113.1", "bob", "TLSv1.3", "<>", CM_CONTINUE, "", "pass"},
	{"the null sender where refused", "; null_sender = reject", "203.0.113.1", "bob", "TLSv1.3",
		"<>", CM_REJECT, "553 5.7.1 <>: Sender address rejected: not owned by user bob",
		"fail"},
	{"TLS not required", "; require_tls = no", "203.0.113.1", "bob", NULL, "<bob@example.com>",
		CM_CONTINUE, "", "pass"},
	{"login not required", "; require_login = no", "203.0.113.1", NULL, "TLSv1.3",
		"<anybody@example.org>", CM_CONTINUE, "", "none"},
	{"TLS required of all", "; require_login = no", "203.0.113.1", NULL, NULL,
		"<anybody@example.org>", CM_REJECT, "530 5.7.0 Must issue a STARTTLS command first",
		"fail"},
	{"login not required but there", "; require_login = no", "203.0.113.1", "bob", "TLSv1.3",
		"<carol@example.com>", CM_REJECT,
		"553 5.7.1 <carol@example.com>: Sender address rejected: not owned by user bob",
		"fail"},
	{"a client known by its address", "; identify_by_address = [ 192.0.2.0/24 ]", "192.0.2.9",
		NULL, NULL, "<scanner@example.com>", CM_CONTINUE, "", "address"},
	{"a client beside those", "; identify_by_address = [ 192.0.2.0/24 ]", "192.0.3.9", NULL,
		NULL, "<scanner@example.com>", CM_REJECT,
		"530 5.7.0 Must issue a STARTTLS command first", "fail"},
	{"a local client", "", NULL, NULL, NULL, "<root@example.com>", CM_REJECT,
		"530 5.7.0 Must issue a STARTTLS command first", "fail"},
};

static void
begin(struct drive *d, const char *options)
{
	char text[1024];

	drive_init(d);
	drive_file(d, "logins", logins);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), conf, options);
#pragma GCC diagnostic pop
	drive_load(d, text);
	drive_open(d);
}

START_TEST(sender_belongs_to_the_login)
{
	struct drive d;

	begin(&d, senders[_i].options);
	ck_assert_int_eq(
		drive_connect(&d, senders[_i].ip, "client.example.net", "587"), CM_CONTINUE);
	ck_assert_int_eq(drive_helo(&d, "client.example.net"), CM_CONTINUE);
	drive_mail(&d, senders[_i].sender, senders[_i].login, senders[_i].tls);
	ck_assert_msg(d.answer.verdict == senders[_i].verdict, "%s: verdict %s, %s",
		senders[_i].what, verdict_name(d.answer.verdict), drive_reply(&d));
	ck_assert_str_eq(drive_reply(&d), senders[_i].reply);
	ck_assert_str_eq(session_result(d.s, "auth", "result"), senders[_i].result);
	drive_fini(&d);
}
END_TEST

#define NOT_OWNED "550 5.7.1 From: address not owned by user bob"
#define NOT_VALID "550 5.7.1 From: header field is missing, doubled or not valid"

/* What the From: field may say for bob. */
static const struct {
	const char *what, *options, *login, *from, *second;
	const char *reply;
} authors[] = {
	{"an address of the login", "", "bob", "Bob <bob@example.com>", NULL, ""},
	{"an address of the login's domain", "", "bob", "sales@bob.example.com", NULL, ""},
	{"two addresses of the login", "", "bob", "bob@example.com, team@example.com", NULL, ""},
	{"somebody else's address", "", "bob", "Bob <carol@example.com>", NULL, NOT_OWNED},
	{"somebody else's beside the login's", "", "bob", "bob@example.com, ceo@example.com", NULL,
		NOT_OWNED},
	{"the login's as a name", "", "bob", "\"bob@example.com\" <ceo@example.com>", NULL,
		NOT_OWNED},
	{"no From:", "", "bob", NULL, NULL, NOT_VALID},
	{"two From:", "", "bob", "bob@example.com", "bob@example.com", NOT_VALID},
	{"a From: that is none", "", "bob", "bob", NULL, NOT_VALID},
	{"an empty From:", "", "bob", "", NULL, NOT_VALID},
	{"a group without members", "", "bob", "undisclosed:;", NULL, NOT_VALID},
	{"not checked when told so", "; from_header = no", "bob", "ceo@example.com", NULL, ""},
	{"not checked without a login", "; require_login = no", NULL, "ceo@example.com", NULL, ""},
};

START_TEST(authors_belong_to_the_login)
{
	struct cm_header fields[3] = {{"Subject", " hello"}};
	size_t count = 1;
	struct drive d;

	begin(&d, authors[_i].options);
	if (authors[_i].from != NULL)
		fields[count++] = (struct cm_header){"From", authors[_i].from};
	if (authors[_i].second != NULL)
		fields[count++] = (struct cm_header){"from", authors[_i].second};
	drive_connect(&d, "203.0.113.1", "client.example.net", "587");
	drive_helo(&d, "client.example.net");
	ck_assert_int_eq(drive_mail(&d, "<>", authors[_i].login, "TLSv1.3"), CM_CONTINUE);
	ck_assert_int_eq(drive_rcpt(&d, "<alice@example.org>"), CM_CONTINUE);
	drive_content(&d, fields, count, "hello\r\n");
	ck_assert_msg(strcmp(drive_reply(&d), authors[_i].reply) == 0, "%s: \"%s\"",
		authors[_i].what, drive_reply(&d));
	ck_assert_int_eq(d.answer.verdict, authors[_i].reply[0] == '\0' ? CM_CONTINUE : CM_REJECT);
	drive_fini(&d);
}
END_TEST

/* The macros of the next message may come while this one is open. */
START_TEST(login_is_that_of_this_message)
{
	const struct cm_event from = {
		.stage = CM_STAGE_HEADER, .name = "From", .value = "carol@example.com"};
	struct drive d;

	begin(&d, "");
	drive_connect(&d, "203.0.113.1", "client.example.net", "587");
	drive_helo(&d, "client.example.net");
	drive_mail(&d, "<bob@example.com>", "bob", "TLSv1.3");
	drive_rcpt(&d, "<alice@example.org>");
	drive_stage(&d, CM_STAGE_DATA);
	drive_event(&d, &from);
	session_macros_begin(d.s, CM_STAGE_MAIL);
	session_macro_add(d.s, CM_STAGE_MAIL, "{auth_authen}", "carol");
	drive_stage(&d, CM_STAGE_EOH);
	ck_assert_str_eq(drive_reply(&d), NOT_OWNED);
	drive_fini(&d);
}
END_TEST

/* An MTA that was not asked for the macros, so that their absence says nothing. */
static const struct {
	const char *login, *tls;
} untold[] = {{NULL, NULL}, {NULL, "TLSv1.3"}, {"bob", NULL}};

START_TEST(untold_facts_are_not_read_as_no)
{
	struct drive d;

	begin(&d, "");
	d.s->macros_asked = false;
	drive_connect(&d, "203.0.113.1", "client.example.net", "587");
	drive_helo(&d, "client.example.net");
	ck_assert_int_eq(
		drive_mail(&d, "<bob@example.com>", untold[_i].login, untold[_i].tls), CM_TEMPFAIL);
	ck_assert_str_eq(drive_reply(&d), "451 4.3.0 Temporary problem, please try again later");
	drive_fini(&d);
}
END_TEST

/* The login is good, whosever the sender is. */
START_TEST(logins_are_published)
{
	static const struct {
		const char *sender, *login;
		size_t count;
	} rows[] = {
		{"<bob@example.com>", "bob", 1},
		{"<ceo@example.com>", "bob", 1},
		{"<bob@example.com>", NULL, 0},
	};
	const struct cm_auth_result *r;
	struct drive d;

	begin(&d, "; require_login = no");
	drive_connect(&d, "203.0.113.1", "client.example.net", "587");
	drive_helo(&d, "client.example.net");
	drive_mail(&d, rows[_i].sender, rows[_i].login, "TLSv1.3");
	ck_assert_uint_eq(cm_auth_result_count(d.s), rows[_i].count);
	r = cm_auth_result(d.s, 0);
	if (r != NULL) {
		ck_assert_str_eq(r->method, "auth");
		ck_assert_str_eq(r->result, "pass");
		ck_assert_uint_eq(r->count, 1);
		ck_assert_str_eq(r->properties[0].type, "smtp");
		ck_assert_str_eq(r->properties[0].name, "auth");
		ck_assert_str_eq(r->properties[0].value, "bob");
	}
	drive_fini(&d);
}
END_TEST

/* What one message found out must not help or harm the next. */
START_TEST(each_message_is_checked_anew)
{
	static const struct cm_header foreign = {"From", "ceo@example.com"};
	struct drive d;

	begin(&d, "; require_login = no");
	drive_connect(&d, "203.0.113.1", "client.example.net", "587");
	drive_helo(&d, "client.example.net");
	ck_assert_int_eq(drive_mail(&d, "<bob@example.com>", "bob", "TLSv1.3"), CM_CONTINUE);
	chain_end_message(d.s);
	ck_assert_int_eq(drive_mail(&d, "<x@example.org>", NULL, "TLSv1.3"), CM_CONTINUE);
	drive_rcpt(&d, "<alice@example.org>");
	ck_assert_int_eq(drive_content(&d, &foreign, 1, ""), CM_CONTINUE);
	ck_assert_int_eq(drive_mail(&d, "<bob@example.com>", "bob", "TLSv1.3"), CM_CONTINUE);
	drive_rcpt(&d, "<alice@example.org>");
	ck_assert_int_eq(drive_content(&d, &foreign, 1, ""), CM_REJECT);
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth");
	TCase *t = tcase_create("auth");

	tcase_add_loop_test(t, sender_belongs_to_the_login, 0, LENGTH(senders));
	tcase_add_loop_test(t, authors_belong_to_the_login, 0, LENGTH(authors));
	tcase_add_test(t, login_is_that_of_this_message);
	tcase_add_loop_test(t, untold_facts_are_not_read_as_no, 0, LENGTH(untold));
	tcase_add_loop_test(t, logins_are_published, 0, 3);
	tcase_add_test(t, each_message_is_checked_anew);
	suite_add_tcase(s, t);
	return table_run(s);
}
