/* SPDX-License-Identifier: MIT */
/*
 * test_rdns.c - plugin rdns: names of addresses, HELO names, and what becomes of the mail
 */
#include <stdio.h>

#include "drive.h"
#include "table.h"

/* Clients 203.0.113.x, by what DNS says of them. */
static const char zone[] =
	"1.113.0.203.in-addr.arpa  PTR  Mail.example.org\n"
	"2.113.0.203.in-addr.arpa  PTR  other.example.org\n"
	"3.113.0.203.in-addr.arpa  PTR  other.example.org\n"
	"3.113.0.203.in-addr.arpa  PTR  mail.example.org\n"
	"4.113.0.203.in-addr.arpa  timeout\n"
	"5.113.0.203.in-addr.arpa  PTR  slow.example.org\n"
	"6.113.0.203.in-addr.arpa  TXT  \"no name\"\n"
	"7.113.0.203.in-addr.arpa  PTR  gone.example.org\n"
	"8.113.0.203.in-addr.arpa  PTR  slow.example.org\n"
	"8.113.0.203.in-addr.arpa  PTR  mail.example.org\n"
	"9.113.0.203.in-addr.arpa  PTR  a\\010b\\(c.example.org\n"
	"10.113.0.203.in-addr.arpa PTR  six.example.org\n"
	"11.113.0.203.in-addr.arpa servfail\n"
	"12.113.0.203.in-addr.arpa bogus\n"
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR "
	"six.example.org\n"
	"mail.example.org   A     203.0.113.1\n"
	"mail.example.org   A     203.0.113.3\n"
	"mail.example.org   A     203.0.113.8\n"
	"other.example.org  A     192.0.2.1\n"
	"six.example.org    AAAA  2001:db8:0::1\n"
	"slow.example.org   timeout\n"
	"mx.example.org     MX    10 mail.example.org\n"
	"half.example.org   A     timeout\n"
	"half.example.org   MX    10 mail.example.org\n"
	"late.example.org   AAAA  servfail\n"
	"a\\010b\\(c.example.org A 203.0.113.9\n";

static void
begin(struct drive *d, const char *settings)
{
	char text[512];

	drive_init(d);
	drive_file(d, "zone", zone);
	snprintf(text, sizeof(text),
		"dns { zone = zone }\nprofile all { chain = [ rdns ] }\nplugin rdns { %s }\n",
		settings);
	drive_load(d, text);
	drive_open(d);
}

static enum cm_verdict
mail(struct drive *d, const char *ip, const char *helo)
{
	drive_connect(d, ip, "unknown", "25");
	if (helo != NULL)
		drive_helo(d, helo);
	return drive_mail(d, "<a@example.org>", NULL, NULL);
}

static const char *
result(const struct drive *d, const char *key)
{
	return session_result(d->s, "rdns", key);
}

static const struct {
	const char *what, *ip, *result, *name;
} addresses[] = {
	{"a name that leads back", "203.0.113.1", "pass", "mail.example.org"},
	{"a name that leads elsewhere", "203.0.113.2", "fail", NULL},
	{"the second of two names leads back", "203.0.113.3", "pass", "mail.example.org"},
	{"a name that leads nowhere", "203.0.113.7", "fail", NULL},
	{"a name of the other family alone", "203.0.113.10", "fail", NULL},
	{"no name", "203.0.113.99", "permerror", NULL},
	{"no name, but something else", "203.0.113.6", "permerror", NULL},
	{"no answer", "203.0.113.4", "temperror", NULL},
	{"a server that fails", "203.0.113.11", "temperror", NULL},
	{"a forged answer", "203.0.113.12", "temperror", NULL},
	{"no answer for the name", "203.0.113.5", "temperror", NULL},
	{"no answer for one name, and another that leads back", "203.0.113.8", "pass",
		"mail.example.org"},
	{"a name with odd octets", "203.0.113.9", "pass", "a\\010b(c.example.org"},
	{"IPv6", "2001:db8::1", "pass", "six.example.org"},
	{"IPv6 without a name", "2001:db8::2", "permerror", NULL},
	{"a local client", NULL, NULL, NULL},
};

START_TEST(address)
{
	struct drive d;

	begin(&d, "");
	ck_assert_int_eq(mail(&d, addresses[_i].ip, "mail.example.org"), CM_CONTINUE);
	ck_assert_msg(addresses[_i].result == NULL ||
			      strcmp(result(&d, "result"), addresses[_i].result) == 0,
		"%s: %s", addresses[_i].what, result(&d, "result"));
	ck_assert_pstr_eq(result(&d, "result"), addresses[_i].result);
	ck_assert_pstr_eq(result(&d, "name"), addresses[_i].name);
	drive_fini(&d);
}
END_TEST

START_TEST(ten_names_are_looked_at)
{
	for (int before = 9; before <= 10; before++) {
		char text[2048];
		size_t len = 0;
		struct drive d;

		for (int i = 0; i < before; i++)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
				"1.2.0.192.in-addr.arpa PTR n%d.example.org\n", i);
		snprintf(text + len, sizeof(text) - len,
			"1.2.0.192.in-addr.arpa PTR last.example.org\n"
			"last.example.org A 192.0.2.1\n");
		drive_init(&d);
		drive_file(&d, "zone", text);
		drive_load(&d, "dns { zone = zone }\nprofile all { chain = [ rdns ] }\n"
			       "plugin rdns { }\n");
		drive_open(&d);
		mail(&d, "192.0.2.1", "x.example.org");
		ck_assert_str_eq(result(&d, "result"), before == 9 ? "pass" : "fail");
		drive_fini(&d);
	}
}
END_TEST

START_TEST(authentication_result)
{
	static const struct {
		const char *ip, *result, *comment;
	} rows[] = {
		{"203.0.113.1", "pass", "mail.example.org"},
		{"203.0.113.9", "pass", "a\\010b(c.example.org"},
		{"203.0.113.2", "fail", "the reverse name does not lead back to the address"},
		{"203.0.113.99", "permerror", "no reverse name"},
	};
	const struct cm_auth_result *r;
	struct drive d;

	begin(&d, "");
	mail(&d, rows[_i].ip, "mail.example.org");
	ck_assert_uint_eq(cm_auth_result_count(d.s), 1);
	r = cm_auth_result(d.s, 0);
	ck_assert_str_eq(r->method, "iprev");
	ck_assert_str_eq(r->result, rows[_i].result);
	ck_assert_str_eq(r->comment, rows[_i].comment);
	ck_assert_uint_eq(r->count, 1);
	ck_assert_str_eq(r->properties[0].type, "policy");
	ck_assert_str_eq(r->properties[0].name, "iprev");
	ck_assert_str_eq(r->properties[0].value, rows[_i].ip);
	drive_fini(&d);
}
END_TEST

static const struct {
	const char *what, *helo, *result;
} names[] = {
	{"a name that leads to the client", "mail.example.org", "pass"},
	{"a name in another case, with the root's dot", "Mail.Example.org.", "pass"},
	{"a name that leads elsewhere", "other.example.org", "mismatch"},
	{"a name that gets mail and has no address", "mx.example.org", "mismatch"},
	{"a name of the other family", "six.example.org", "mismatch"},
	{"a name that is not there", "gone.example.org", "unknown"},
	{"no answer", "slow.example.org", "temperror"},
	{"no answer for what could have led to the client", "half.example.org", "temperror"},
	{"nothing, and no answer for the other family", "late.example.org", "temperror"},
	{"the client's address", "[203.0.113.1]", "pass"},
	{"the client's address, written as IPv6", "[IPv6:::ffff:203.0.113.1]", "pass"},
	{"somebody else's address", "[203.0.113.2]", "literal_mismatch"},
	{"somebody else's IPv6 address", "[IPv6:2001:db8::1]", "literal_mismatch"},
	{"no address in brackets", "[mail.example.org]", "invalid"},
	{"a bracket without its other half", "[203.0.113.1", "invalid"},
	{"something behind the bracket", "[203.0.113.1]x", "invalid"},
	{"a bracket alone", "[", "invalid"},
	{"nothing in brackets", "[]", "invalid"},
	{"an address without brackets", "203.0.113.1", "invalid"},
	{"one label", "localhost", "invalid"},
	{"one label with the root's dot", "localhost.", "invalid"},
	{"the root", ".", "invalid"},
	{"nothing", "", "invalid"},
	{"an empty label", "mail..example.org", "invalid"},
	{"two dots at the end", "mail.example.org..", "invalid"},
	{"a blank", "mail .example.org", "invalid"},
	{"an escape", "m\\097il.example.org", "invalid"},
	{"an underscore, which many have", "no_name.example.org", "unknown"},
	{"a label of 63 octets",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
		"unknown"},
	{"a label of 64 octets",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
		"invalid"},
};

START_TEST(helo_name)
{
	struct drive d;

	begin(&d, "");
	ck_assert_int_eq(mail(&d, "203.0.113.1", names[_i].helo), CM_CONTINUE);
	ck_assert_msg(strcmp(result(&d, "helo"), names[_i].result) == 0, "%s: %s", names[_i].what,
		result(&d, "helo"));
	drive_fini(&d);
}
END_TEST

START_TEST(ipv6_literal)
{
	struct drive d;

	begin(&d, "");
	mail(&d, "2001:db8::1", "[IPv6:2001:DB8:0:0::1]");
	ck_assert_str_eq(result(&d, "helo"), "pass");
	drive_fini(&d);
}
END_TEST

START_TEST(helo_is_left_alone)
{
	struct drive d;

	begin(&d, "helo = no; helo_unknown = reject");
	ck_assert_int_eq(mail(&d, "203.0.113.1", "gone.example.org"), CM_CONTINUE);
	ck_assert_ptr_null(result(&d, "helo"));
	drive_fini(&d);
	begin(&d, "helo_invalid = reject");
	ck_assert_int_eq(mail(&d, "203.0.113.1", NULL), CM_CONTINUE);
	ck_assert_ptr_null(result(&d, "helo"));
	drive_fini(&d);
}
END_TEST

#define HELO(name, words) "550 5.7.1 <" name ">: Helo command rejected: " words

static const struct {
	const char *settings, *ip, *helo, *reply;
} refusals[] = {
	{"no_ptr = reject", "203.0.113.99", "x.example.org",
		"550 5.7.25 Client host [203.0.113.99]: no reverse name"},
	{"no_ptr = tempfail", "203.0.113.99", "x.example.org",
		"451 4.7.25 Client host [203.0.113.99]: no reverse name"},
	{"no_ptr = reject", "203.0.113.2", "x.example.org", ""},
	{"no_ptr = reject", "203.0.113.4", "x.example.org", ""},
	{"unconfirmed = reject", "203.0.113.2", "x.example.org",
		"550 5.7.25 Client host [203.0.113.2]: the reverse name does not lead back to the "
		"address"},
	{"unconfirmed = reject", "203.0.113.99", "x.example.org", ""},
	{"temperror = tempfail", "203.0.113.4", "x.example.org",
		"451 4.7.25 Client host [203.0.113.4]: the reverse name could not be looked up"},
	{"temperror = tempfail", "203.0.113.1", "slow.example.org",
		"451 4.7.1 <slow.example.org>: Helo command rejected: The name could not be looked "
		"up"},
	{"helo_unknown = reject", "203.0.113.1", "gone.example.org",
		HELO("gone.example.org", "Host not found")},
	{"helo_mismatch = reject", "203.0.113.1", "mx.example.org",
		HELO("mx.example.org", "The name does not lead to your address")},
	{"helo_literal_mismatch = reject", "203.0.113.1", "[192.0.2.1]",
		HELO("[192.0.2.1]", "The address is not yours")},
	{"helo_invalid = reject", "203.0.113.1", "a\r\n250 ok%n\xff",
		HELO("a??250 ok%n?", "Invalid name")},
	{"no_ptr = tempfail; helo_unknown = reject", "203.0.113.99", "gone.example.org",
		HELO("gone.example.org", "Host not found")},
	{"no_ptr = reject; helo_unknown = reject", "203.0.113.99", "gone.example.org",
		"550 5.7.25 Client host [203.0.113.99]: no reverse name"},
	{"no_ptr = reject; skip_for = [ 203.0.113.0/24 ]", "203.0.113.99", "x.example.org", ""},
};

START_TEST(refusal)
{
	struct drive d;

	begin(&d, refusals[_i].settings);
	mail(&d, refusals[_i].ip, refusals[_i].helo);
	ck_assert_msg(strcmp(drive_reply(&d), refusals[_i].reply) == 0, "%s, %s: \"%s\"",
		refusals[_i].settings, refusals[_i].ip, drive_reply(&d));
	drive_fini(&d);
}
END_TEST

static const struct {
	const char *settings, *helo, *value; /* NULL: no field */
} tags[] = {
	{"no_ptr = tag", "mail.example.org", "no_ptr"},
	{"helo_unknown = tag", "gone.example.org", "helo_unknown"},
	{"no_ptr = tag; helo_unknown = tag", "gone.example.org", "no_ptr helo_unknown"},
	{"unconfirmed = tag", "gone.example.org", NULL},
};

START_TEST(tag_adds_one_field)
{
	struct drive d;

	begin(&d, tags[_i].settings);
	ck_assert_int_eq(mail(&d, "203.0.113.99", tags[_i].helo), CM_CONTINUE);
	drive_rcpt(&d, "<b@example.com>");
	ck_assert_int_eq(drive_content(&d, NULL, 0, "hello\r\n"), CM_CONTINUE);
	ck_assert_uint_eq(d.answer.edit_count, tags[_i].value == NULL ? 0 : 1);
	if (tags[_i].value != NULL) {
		ck_assert_str_eq(d.answer.edits[0]->name, "X-rDNS");
		ck_assert_str_eq(d.answer.edits[0]->value, tags[_i].value);
	}
	drive_fini(&d);
}
END_TEST

static const struct {
	const char *what, *settings, *ip, *login;
	bool told; /* the MTA tells logins */
	enum cm_verdict verdict;
} logins[] = {
	{"a login", "no_ptr = reject", "203.0.113.99", "bob", true, CM_CONTINUE},
	{"a login that is not left out", "no_ptr = reject; skip_authenticated = no", "203.0.113.99",
		"bob", true, CM_REJECT},
	{"no login", "no_ptr = reject", "203.0.113.99", NULL, true, CM_REJECT},
	{"nobody knows whether there is a login", "no_ptr = reject", "203.0.113.99", NULL, false,
		CM_TEMPFAIL},
	{"nobody knows, and all is well", "no_ptr = reject", "203.0.113.1", NULL, false,
		CM_CONTINUE},
};

START_TEST(login)
{
	struct drive d;

	begin(&d, logins[_i].settings);
	d.s->macros_asked = logins[_i].told;
	drive_connect(&d, logins[_i].ip, "unknown", "25");
	drive_helo(&d, "mail.example.org");
	ck_assert_msg(
		drive_mail(&d, "<a@example.org>", logins[_i].login, NULL) == logins[_i].verdict,
		"%s: %s", logins[_i].what, verdict_name(d.answer.verdict));
	drive_fini(&d);
}
END_TEST

/* Said when it is loaded, not when mail cannot be tagged. */
static const struct {
	const char *header, *said;
} headers[] = {
	{"X-rDNS:", "error: header: \"X-rDNS:\" is not the name of a header field\n"},
	{"X rDNS", "error: header: \"X rDNS\" is not the name of a header field\n"},
	{"", "error: header: \"\" is not the name of a header field\n"},
	{"X-\303\274", "error: header: \"X-\303\274\" is not the name of a header field\n"},
};

START_TEST(header_is_no_name_of_a_field)
{
	char dir[PATH_MAX], text[PATH_MAX + 256];
	struct drive d;

	drive_plugin_dir(dir, false);
	drive_init(&d);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\" }\nprofile all { chain = [ rdns ] }\n"
		"plugin rdns { no_ptr = tag; header = \"%s\" }\n",
		dir, headers[_i].header);
	drive_load_text(&d, text);
	ck_assert_ptr_null(d.g);
	ck_assert_msg(strstr(d.mistakes, headers[_i].said) != NULL, "%s", d.mistakes);
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rdns");
	TCase *t = tcase_create("rdns");

	tcase_add_loop_test(t, address, 0, LENGTH(addresses));
	tcase_add_test(t, ten_names_are_looked_at);
	tcase_add_loop_test(t, authentication_result, 0, 4);
	tcase_add_loop_test(t, helo_name, 0, LENGTH(names));
	tcase_add_test(t, ipv6_literal);
	tcase_add_test(t, helo_is_left_alone);
	tcase_add_loop_test(t, refusal, 0, LENGTH(refusals));
	tcase_add_loop_test(t, tag_adds_one_field, 0, LENGTH(tags));
	tcase_add_loop_test(t, login, 0, LENGTH(logins));
	tcase_add_loop_test(t, header_is_no_name_of_a_field, 0, LENGTH(headers));
	suite_add_tcase(s, t);
	return table_run(s);
}
