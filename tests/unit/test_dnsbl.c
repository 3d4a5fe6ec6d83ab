/* SPDX-License-Identifier: MIT */
/*
 * test_dnsbl.c - plugin dnsbl: what lists say, whether they work, and what becomes of the mail
 */
#include <stdio.h>

#include "base/clock.h"
#include "drive.h"
#include "table.h"

#define MINUTE (60 * CLOCK_SEC)

#define V6 "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"

/* Clients 203.0.113.x, by what the lists say of them. */
static const char zone[] =
	"2.0.0.127.bl.example     A    127.0.0.2\n"
	"7.113.0.203.bl.example   A    127.0.0.2\n"
	"7.113.0.203.bl.example   TXT  \"see https://bl.example/7\"\n"
	"8.113.0.203.bl.example   A    127.0.0.10\n"
	"9.113.0.203.bl.example   A    127.255.255.254\n"
	"10.113.0.203.bl.example  A    1.2.3.4\n"
	"11.113.0.203.bl.example  timeout\n"
	"12.113.0.203.bl.example  servfail\n"
	"13.113.0.203.bl.example  refused\n"
	"14.113.0.203.bl.example  A    127.0.0.1\n"
	"15.113.0.203.bl.example  A    127.0.0.2\n"
	"15.113.0.203.bl.example  A    192.0.2.80\n"
	"16.113.0.203.bl.example  A    127.0.0.2\n"
	"16.113.0.203.bl.example  TXT  \"one\\010two\\000\\127%s\"\n"
	"17.113.0.203.bl.example  TXT  \"no address\"\n"
	"18.113.0.203.bl.example  A    127.0.0.4\n"
	"18.113.0.203.bl.example  A    127.0.0.10\n"
	"19.113.0.203.bl.example  bogus\n" V6 ".bl.example           A    127.0.0.3\n"
	"7.113.0.203.two.example  A    127.0.0.2\n"
	"8.113.0.203.two.example  A    127.0.0.2\n"
	"8.113.0.203.good.example A    127.0.9.2\n"
	"7.113.0.203.good.example timeout\n"
	"8.113.0.203.mute.example timeout\n"
	"spam.example.names.example      A  127.0.1.2\n"
	"mx.spam.example.names.example   A  127.0.1.4\n"
	"192.0.2.1.names.example         A  127.0.1.255\n"
	"test.names.example              A  127.0.1.2\n"
	"*.all.example            A    127.0.0.2\n"
	"2.0.0.127.away.example   refused\n"
	"1.0.0.127.away.example   refused\n"
	"own.away.example         A    127.0.0.2\n";

static void
begin(struct drive *d, const char *settings)
{
	char text[1024];

	clock_freeze(1800000000);
	drive_init(d);
	drive_file(d, "zone", zone);
	snprintf(text, sizeof(text),
		"dns { zone = zone }\nprofile all { chain = [ lists ] }\n"
		"plugin lists { type = dnsbl\n%s }\n",
		settings);
	drive_load(d, text);
	drive_open(d);
}

static enum cm_verdict
mail_from(struct drive *d, const char *ip, const char *helo, const char *sender)
{
	chain_end_message(d->s);
	chain_close(d->s);
	session_free(d->s);
	drive_open(d);
	drive_connect(d, ip, "unknown", "25");
	drive_helo(d, helo);
	return drive_mail(d, sender, NULL, NULL);
}

static enum cm_verdict
mail_of(struct drive *d, const char *ip)
{
	return mail_from(d, ip, "mail.example.org", "<a@example.org>");
}

static const char *
result(const struct drive *d, const char *key)
{
	return session_result(d->s, "dnsbl", key);
}

#define BLOCKED(ip) "554 5.7.1 Service unavailable; Client host [" ip "] blocked using bl.example"

static const struct {
	const char *what, *settings, *ip, *reply, *result;
} clients[] = {
	{"a client that is not listed", "zone = bl.example", "203.0.113.6", "", "clean"},
	{"a listed client, with the list's own words", "zone = bl.example", "203.0.113.7",
		BLOCKED("203.0.113.7") "; see https://bl.example/7", "listed"},
	{"a listed client, and no words of the list", "zone = bl.example", "203.0.113.8",
		BLOCKED("203.0.113.8"), "listed"},
	{"an entry by IPv6", "zone = bl.example", "2001:db8::1", BLOCKED("2001:db8::1"), "listed"},
	{"an IPv6 client that is not listed", "zone = bl.example", "2001:db8::2", "", "clean"},
	{"a code that counts", "zone = bl.example; codes = [ 127.0.0.2-11 ]", "203.0.113.8",
		BLOCKED("203.0.113.8"), "listed"},
	{"a code that does not count", "zone = bl.example; codes = [ 127.0.0.2-9 ]", "203.0.113.8",
		"", "clean"},
	{"one code of two that counts", "zone = bl.example; codes = [ 127.0.0.10 ]", "203.0.113.18",
		BLOCKED("203.0.113.18"), "listed"},
	{"a code for who is turned away", "zone = bl.example", "203.0.113.9", "", "unanswered"},
	{"a code for who is turned away, though it is named",
		"zone = bl.example; codes = [ \"127.*.*.*\" ]", "203.0.113.9", "", "unanswered"},
	{"an address outside of 127/8", "zone = bl.example", "203.0.113.10", "", "unanswered"},
	{"127.0.0.1", "zone = bl.example", "203.0.113.14", "", "unanswered"},
	{"an entry beside an address of elsewhere", "zone = bl.example", "203.0.113.15", "",
		"unanswered"},
	{"another type of record", "zone = bl.example", "203.0.113.17", "", "clean"},
	{"no answer in time", "zone = bl.example", "203.0.113.11", "", "unanswered"},
	{"a server that fails", "zone = bl.example", "203.0.113.12", "", "unanswered"},
	{"a server that refuses", "zone = bl.example", "203.0.113.13", "", "unanswered"},
	{"a forged answer", "zone = bl.example", "203.0.113.19", "", "unanswered"},
	{"no answer where that means to wait", "zone = bl.example; unanswered = tempfail",
		"203.0.113.11",
		"451 4.4.3 Temporary problem with a DNS list, please try again later",
		"unanswered"},
	{"an answer where no answer means to wait", "zone = bl.example; unanswered = tempfail",
		"203.0.113.6", "", "clean"},
	{"an entry that asks to wait", "zone = bl.example; action = tempfail", "203.0.113.8",
		"451 4.7.1 Service unavailable; Client host [203.0.113.8] blocked using bl.example",
		"listed"},
	{"an entry that is only noted", "zone = bl.example; action = accept", "203.0.113.8", "",
		"listed"},
	{"a text of one's own",
		"zone = bl.example; text = \"%{client_ip} is 100% bad: %{zone} says %{code}, "
		"%{txt}\"",
		"203.0.113.7",
		"554 5.7.1 203.0.113.7 is 100% bad: bl.example says 127.0.0.2, see "
		"https://bl.example/7",
		"listed"},
	{"a text of which nothing is left", "zone = bl.example; text = \"%{txt}\"", "203.0.113.8",
		BLOCKED("203.0.113.8"), "listed"},
	{"an empty text", "zone = bl.example; text = \"\"", "203.0.113.8", BLOCKED("203.0.113.8"),
		"listed"},
	{"a text of blanks", "zone = bl.example; text = \"  %{txt}\"", "203.0.113.8",
		BLOCKED("203.0.113.8"), "listed"},
	{"words of a list that would break the reply", "zone = bl.example", "203.0.113.16",
		BLOCKED("203.0.113.16") "; one two ?%s", "listed"},
	{"a client of a network that is left out",
		"zone = bl.example; skip_for = [ 203.0.113.0/28 ]", "203.0.113.7", "", NULL},
	{"a list that lists everything", "zone = all.example; test = no", "203.0.113.6", "",
		"unanswered"},
	{"two lists, the second with an entry", "zones = [ good.example, two.example ]",
		"203.0.113.8",
		"554 5.7.1 Service unavailable; Client host [203.0.113.8] blocked using "
		"good.example",
		"listed"},
	{"the harsher of two entries",
		"action = tempfail; zones = [ bl.example, \"two.example action=reject text=Two\" ]",
		"203.0.113.8", "554 5.7.1 Two", "listed"},
	{"a line for some codes of a list and one for others",
		"zones = [ \"bl.example codes=127.0.0.2-9 text=Bad\",\n"
		"\"bl.example codes=127.0.0.10,127.0.0.11 action=tempfail text=Dynamic\" ]",
		"203.0.113.8", "451 4.7.1 Dynamic", "listed"},
	{"weights below the threshold",
		"threshold = 3; zones = [ \"bl.example weight=2\", \"names.example weight=2\" ]",
		"203.0.113.8", "", "listed"},
	{"weights that reach the threshold, told by the heaviest",
		"threshold = 3\nzones = [ bl.example, \"two.example weight=2 text=Two\" ]",
		"203.0.113.8", "554 5.7.1 Two", "listed"},
	{"a weight that makes up for others",
		"threshold = 2\nzones = [ bl.example, two.example, \"good.example weight=-1\" ]",
		"203.0.113.8", "", "listed"},
	{"a line with an action beside a threshold",
		"threshold = 2\nzones = [ names.example, good.example, \"bl.example "
		"action=tempfail text=Wait\" ]",
		"203.0.113.8", "451 4.7.1 Wait", "listed"},
	{"a client that an allow list has",
		"zones = [ bl.example, \"good.example codes=127.0.*.1-3 action=allow\" ]",
		"203.0.113.8", "", "allowed"},
	{"a client that an allow list has need not wait",
		"zones = [ mute.example, \"good.example action=allow\" ]; unanswered = tempfail",
		"203.0.113.8", "", "allowed"},
	{"a client that an allow list has with another code",
		"zones = [ bl.example, \"good.example codes=127.0.*.0 action=allow\" ]",
		"203.0.113.8", BLOCKED("203.0.113.8"), "listed"},
	{"no refusal for good while an allow list does not answer",
		"zones = [ \"bl.example text=Bad\", \"good.example action=allow\" ]", "203.0.113.7",
		"451 4.7.1 Bad", "listed"},
};

START_TEST(client)
{
	struct drive d;

	begin(&d, clients[_i].settings);
	mail_of(&d, clients[_i].ip);
	ck_assert_msg(strcmp(drive_reply(&d), clients[_i].reply) == 0, "%s: \"%s\"",
		clients[_i].what, drive_reply(&d));
	ck_assert_pstr_eq(result(&d, "result"), clients[_i].result);
	ck_assert_pstr_eq(result(&d, "lists"), clients[_i].result);
	drive_fini(&d);
}
END_TEST

#define NAMES "zone = names.example; about = [ helo, sender ]"
#define BY(what, name)                                                      \
	"554 5.7.1 Service unavailable; " what " [" name "] blocked using " \
	"names.example"

static const struct {
	const char *what, *helo, *sender, *reply;
} names[] = {
	{"no listed name", "mail.example.org", "<a@example.org>", ""},
	{"a listed domain of the sender", "x.example.org", "<a@spam.example>",
		BY("Sender address", "spam.example")},
	{"a listed domain in another case", "x.example.org", "<a@SPAM.Example>",
		BY("Sender address", "spam.example")},
	{"a listed HELO name", "mx.spam.example", "<a@example.org>",
		BY("Helo command", "mx.spam.example")},
	{"a listed HELO name with the root's dot", "mx.spam.example.", "<a@example.org>",
		BY("Helo command", "mx.spam.example.")},
	{"an address as HELO name, which lists of names have an error for", "192.0.2.1", "<>", ""},
	{"an address literal", "[192.0.2.1]", "<>", ""},
	{"a name that is no domain", "mx spam.example", "<>", ""},
	{"a name with an escape", "mx\\046spam.example", "<>", ""},
	{"a name without a domain", "localhost", "<>", ""},
	{"empty labels", "..", "<>", ""},
	{"the null sender", "x.example.org", "<>", ""},
};

START_TEST(name)
{
	struct drive d;

	begin(&d, NAMES);
	mail_from(&d, "203.0.113.7", names[_i].helo, names[_i].sender);
	ck_assert_msg(strcmp(drive_reply(&d), names[_i].reply) == 0, "%s: \"%s\"", names[_i].what,
		drive_reply(&d));
	drive_fini(&d);
}
END_TEST

START_TEST(verified_name_of_the_client_is_asked_for)
{
	struct drive d;

	begin(&d, "zone = names.example; about = [ client_name ]");
	drive_connect(&d, "203.0.113.7", "mx.spam.example", "25");
	drive_helo(&d, "x");
	drive_mail(&d, "<a@example.org>", NULL, NULL);
	ck_assert_str_eq(drive_reply(&d), BY("Client host", "mx.spam.example"));
	drive_fini(&d);
}
END_TEST

START_TEST(tag_adds_a_field)
{
	struct drive d;

	begin(&d, "zone = bl.example; action = tag; header = X-Listed");
	ck_assert_int_eq(mail_of(&d, "203.0.113.8"), CM_CONTINUE);
	drive_rcpt(&d, "<b@example.com>");
	ck_assert_int_eq(drive_content(&d, NULL, 0, "hello\r\n"), CM_CONTINUE);
	ck_assert_uint_eq(d.answer.edit_count, 1);
	ck_assert_str_eq(d.answer.edits[0]->name, "X-Listed");
	ck_assert_str_eq(d.answer.edits[0]->value, "bl.example=127.0.0.10");
	drive_fini(&d);
}
END_TEST

/* RFC 8904 */
START_TEST(allow_list_is_an_authentication_result)
{
	const struct cm_auth_result *r;
	struct drive d;

	begin(&d, "zones = [ bl.example, \"good.example action=allow\" ]");
	mail_of(&d, "203.0.113.6");
	ck_assert_uint_eq(cm_auth_result_count(d.s), 0);
	mail_of(&d, "203.0.113.8");
	ck_assert_uint_eq(cm_auth_result_count(d.s), 1);
	r = cm_auth_result(d.s, 0);
	ck_assert_str_eq(r->method, "dnswl");
	ck_assert_str_eq(r->result, "pass");
	ck_assert_uint_eq(r->count, 2);
	ck_assert_str_eq(r->properties[0].value, "good.example");
	ck_assert_str_eq(r->properties[1].value, "127.0.9.2");
	drive_fini(&d);
}
END_TEST

/* --- who is not asked about --- */

static const struct {
	const char *what, *settings, *ip, *login;
	bool told; /* the MTA tells logins */
	enum cm_verdict verdict;
} logins[] = {
	{"a login", "", "203.0.113.7", "bob", true, CM_CONTINUE},
	{"a login that is not left out", "; skip_authenticated = no", "203.0.113.7", "bob", true,
		CM_REJECT},
	{"no login", "", "203.0.113.7", NULL, true, CM_REJECT},
	{"nobody knows whether there is a login", "", "203.0.113.7", NULL, false, CM_TEMPFAIL},
	{"nobody knows, and it is not listed", "", "203.0.113.6", NULL, false, CM_CONTINUE},
	{"nobody knows, and it does not matter", "; skip_authenticated = no", "203.0.113.7", NULL,
		false, CM_REJECT},
	{"a local client", "; about = [ client, helo ]", NULL, NULL, true, CM_CONTINUE},
};

START_TEST(login)
{
	char settings[128];
	struct drive d;

	snprintf(settings, sizeof(settings), "zone = bl.example%s", logins[_i].settings);
	begin(&d, settings);
	d.s->macros_asked = logins[_i].told;
	drive_connect(&d, logins[_i].ip, "unknown", "25");
	drive_helo(&d, "mail.example.org");
	ck_assert_msg(
		drive_mail(&d, "<a@example.org>", logins[_i].login, NULL) == logins[_i].verdict,
		"%s: %s", logins[_i].what, verdict_name(d.answer.verdict));
	drive_fini(&d);
}
END_TEST

START_TEST(trusted_networks_are_left_out)
{
	static const enum cm_verdict verdicts[] = {CM_CONTINUE, CM_REJECT};
	char dir[PATH_MAX], text[PATH_MAX + 256];

	for (int i = 0; i < 2; i++) {
		struct drive d;

		drive_plugin_dir(dir, false);
		drive_init(&d);
		drive_file(&d, "zone", zone);
		snprintf(text, sizeof(text),
			"main { plugin_dir = \"%s\"; trusted_networks = [ 203.0.113.0/24 ] }\n"
			"dns { zone = zone }\nprofile all { chain = [ dnsbl ] }\n"
			"plugin dnsbl { zone = bl.example; skip_trusted = %s }\n",
			dir, i == 0 ? "yes" : "no");
		drive_load_text(&d, text);
		ck_assert_msg(d.g != NULL, "%s", d.mistakes);
		drive_open(&d);
		ck_assert_int_eq(mail_of(&d, "203.0.113.7"), verdicts[i]);
		drive_fini(&d);
	}
}
END_TEST

/* --- several links --- */

START_TEST(links_of_this_type_share_their_results)
{
	struct drive d;

	drive_init(&d);
	drive_file(&d, "zone", zone);
	drive_load(&d, "dns { zone = zone }\nprofile all { chain = [ first, second, third ] }\n"
		       "plugin first { type = dnsbl; zone = bl.example; action = accept }\n"
		       "plugin second { type = dnsbl; threshold = 2; action = accept\n"
		       "zones = [ \"bl.example weight=3\", two.example ] }\n"
		       "plugin third { type = dnsbl; zone = names.example; about = [ helo ] }\n");
	drive_open(&d);
	ck_assert_int_eq(mail_of(&d, "203.0.113.8"), CM_CONTINUE);
	ck_assert_str_eq(result(&d, "result"), "listed");
	ck_assert_str_eq(result(&d, "first"), "listed");
	ck_assert_str_eq(result(&d, "second"), "listed");
	ck_assert_str_eq(result(&d, "second_weight"), "4");
	ck_assert_str_eq(result(&d, "third"), "clean");
	ck_assert_str_eq(result(&d, "listed"), "bl.example=127.0.0.10 two.example=127.0.0.2");
	ck_assert_ptr_null(result(&d, "unanswered"));
	drive_fini(&d);
}
END_TEST

START_TEST(each_message_has_its_own_results)
{
	struct drive d;

	begin(&d, NAMES "; action = accept");
	mail_from(&d, "203.0.113.7", "x.example.org", "<a@spam.example>");
	ck_assert_str_eq(result(&d, "result"), "listed");
	drive_mail(&d, "<a@example.org>", NULL, NULL);
	ck_assert_str_eq(result(&d, "result"), "clean");
	ck_assert_ptr_null(result(&d, "listed"));
	drive_fini(&d);
}
END_TEST

#define KEPT " (cache, 300 s left)"

static const struct {
	const char *what, *settings, *ip, *reason;
} reasons[] = {
	{"the worst answer first", "zones = [ names.example, two.example ]", "203.0.113.8",
		"8.113.0.203.two.example A: 127.0.0.2" KEPT
		"; 8.113.0.203.names.example A: no such name" KEPT},
	{"what does not fit is counted",
		"zones = [ one.example, names.example, three.example, four.example, five.example, "
		"bl.example ]",
		"203.0.113.8",
		"8.113.0.203.bl.example A: 127.0.0.10" KEPT
		"; 8.113.0.203.one.example A: no such name" KEPT
		"; 8.113.0.203.names.example A: no such name" KEPT
		"; 8.113.0.203.three.example A: no such name" KEPT "; 2 more"},
};

START_TEST(reason)
{
	struct drive d;
	const struct trace_record *r;

	begin(&d, reasons[_i].settings);
	mail_of(&d, reasons[_i].ip);
	for (r = chain_trace(d.s)->first; r->reason == NULL; r = r->next)
		continue;
	ck_assert_msg(
		strcmp(r->reason, reasons[_i].reason) == 0, "%s: %s", reasons[_i].what, r->reason);
	drive_fini(&d);
}
END_TEST

/* --- how the lists do --- */

static bool
always(const void *context)
{
	(void)context;
	return true;
}

/* As a daemon does it at the start. */
static void
probe(struct drive *d)
{
	chain_probe(d->s, always, NULL);
}

/* The log since the last time. */
static const char *
logged(const char *path)
{
	static char text[4096];
	FILE *f;
	size_t len;

	log_close();
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[len] = '\0';
	unlink(path);
	drive_log_to(path);
	return text;
}

static void
mails_without_answer(struct drive *d, int count)
{
	for (int i = 0; i < count; i++) {
		ck_assert_int_eq(mail_of(d, "203.0.113.11"), CM_CONTINUE);
		ck_assert_str_eq(result(d, "unanswered"), "bl.example");
	}
}

START_TEST(list_without_answers_is_suspended_and_comes_back)
{
	struct drive d;

	begin(&d, "zone = bl.example");
	mails_without_answer(&d, 5);
	ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_CONTINUE);
	ck_assert_str_eq(result(&d, "suspended"), "bl.example");
	ck_assert_str_eq(result(&d, "result"), "none");
	clock_advance(1 * MINUTE - 1);
	ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_CONTINUE);
	clock_advance(1);
	ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_REJECT);
	ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_REJECT);
	drive_fini(&d);
}
END_TEST

/* Answers that were kept: the test entry is well while the list itself is dead. */
START_TEST(list_that_passes_by_kept_answers_is_on_trial)
{
	char path[128];
	struct drive d;

	begin(&d, "zone = bl.example");
	snprintf(path, sizeof(path), "%s/log", d.dir);
	drive_log_to(path);
	mails_without_answer(&d, 5);
	ck_assert_ptr_nonnull(strstr(logged(path), "bl.example gives no answer"));
	for (int i = 0; i < 3; i++) {
		clock_advance(1 * MINUTE);
		mails_without_answer(&d, 1);
		ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_CONTINUE);
		ck_assert_str_eq(result(&d, "suspended"), "bl.example");
	}
	ck_assert_ptr_null(strstr(logged(path), "bl.example"));
	clock_advance(1 * MINUTE);
	ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_REJECT);
	mails_without_answer(&d, 4);
	ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_REJECT);
	ck_assert_ptr_nonnull(strstr(logged(path), "bl.example passed its test"));
	log_close();
	unlink(path);
	drive_fini(&d);
}
END_TEST

START_TEST(an_answer_between_keeps_the_list)
{
	struct drive d;

	begin(&d, "zone = bl.example");
	for (int i = 0; i < 3; i++) {
		mails_without_answer(&d, 4);
		ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_REJECT);
	}
	drive_fini(&d);
}
END_TEST

START_TEST(lines_of_one_list_count_it_once_a_message)
{
	struct drive d;

	begin(&d, "zones = [ \"bl.example codes=127.0.0.2\", \"bl.example codes=127.0.0.3\" ]");
	mails_without_answer(&d, 4);
	ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_REJECT);
	drive_fini(&d);
}
END_TEST

START_TEST(list_of_everything_is_suspended_at_its_first_entry)
{
	struct drive d;

	begin(&d, "zone = all.example");
	ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_CONTINUE);
	ck_assert_str_eq(result(&d, "unanswered"), "all.example");
	ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_CONTINUE);
	ck_assert_str_eq(result(&d, "suspended"), "all.example");
	drive_fini(&d);
}
END_TEST

START_TEST(other_lists_go_on)
{
	struct drive d;

	begin(&d, "zones = [ \"bl.example text=One\", \"two.example text=Two\" ]");
	mails_without_answer(&d, 5);
	ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_REJECT);
	ck_assert_str_eq(drive_reply(&d), "554 5.7.1 Two");
	drive_fini(&d);
}
END_TEST

START_TEST(suspended_list_is_no_reason_to_wait)
{
	struct drive d;

	begin(&d, "zone = bl.example; unanswered = tempfail");
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(mail_of(&d, "203.0.113.11"), CM_TEMPFAIL);
	ck_assert_int_eq(mail_of(&d, "203.0.113.11"), CM_CONTINUE);
	drive_fini(&d);
}
END_TEST

/* Settings, and whether the list is asked after the probe of a start. */
static const struct {
	const char *what, *settings, *words; /* NULL: it passes */
} tests[] = {
	{"a list that is well", "zone = bl.example", NULL},
	{"a list of names that is well", "zone = names.example; about = [ sender ]", NULL},
	{"a list without a test entry", "zone = two.example",
		"two.example does not list its test entry"},
	{"a list of names without a test entry", "zone = two.example; about = [ helo ]",
		"two.example does not list its test entry"},
	{"a list that has none and needs none", "zone = two.example; test = no", NULL},
	{"a list with a test entry of its own, by address",
		"zone = two.example; test = 203.0.113.8", NULL},
	{"a list with a test entry of its own, by name",
		"zone = names.example; test = spam.example; about = [ sender ]", NULL},
	{"a list of everything", "zone = all.example", "all.example lists what nobody may list"},
	{"a list of everything without a test entry", "zone = all.example; test = no",
		"all.example lists what nobody may list"},
	{"a list that turns us away", "zone = away.example", "away.example turns us away"},
	{"a list whose second line has the test entry",
		"zones = [ two.example, \"two.example about=sender test=no\" ]", NULL},
	{"a list of names whose second line has the test entry",
		"zones = [ \"names.example about=helo\", "
		"\"names.example about=sender test=spam.example\" ]",
		NULL},
	{"a list whose lines have the root's dot or not",
		"zones = [ \"two.example test=no\", two.example. ]", NULL},
	{"a list whose second half of the test fails", "zone = away.example; test = own",
		"away.example turns us away"},
};

START_TEST(probe_at_the_start)
{
	char path[128], expected[128];
	struct drive d;
	const char *log;

	begin(&d, tests[_i].settings);
	snprintf(path, sizeof(path), "%s/log", d.dir);
	drive_log_to(path);
	probe(&d);
	log = logged(path);
	snprintf(expected, sizeof(expected), " lists: %s", tests[_i].words);
	if (tests[_i].words == NULL)
		ck_assert_msg(log[0] == '\0', "%s: %s", tests[_i].what, log);
	else
		ck_assert_msg(strstr(log, expected) != NULL, "%s: %s", tests[_i].what, log);
	mail_from(&d, "203.0.113.7", "x.example.org", "<a@example.org>");
	ck_assert_msg((result(&d, "suspended") != NULL) == (tests[_i].words != NULL), "%s",
		tests[_i].what);
	log_close();
	unlink(path);
	drive_fini(&d);
}
END_TEST

START_TEST(failed_test_is_said_once_and_repeated)
{
	char path[128];
	struct drive d;

	begin(&d, "zone = all.example; test = no");
	snprintf(path, sizeof(path), "%s/log", d.dir);
	drive_log_to(path);
	probe(&d);
	ck_assert_ptr_nonnull(strstr(logged(path), "lists what nobody may list"));
	for (int i = 0; i < 3; i++) {
		clock_advance(10 * MINUTE);
		ck_assert_int_eq(mail_of(&d, "203.0.113.7"), CM_CONTINUE);
		ck_assert_str_eq(result(&d, "suspended"), "all.example");
	}
	ck_assert_ptr_null(strstr(logged(path), "all.example"));
	log_close();
	unlink(path);
	drive_fini(&d);
}
END_TEST

START_TEST(suspension_and_return_are_said_once)
{
	char path[128];
	const char *log;
	struct drive d;

	begin(&d, "zones = [ \"bl.example codes=127.0.0.2\", \"BL.example codes=127.0.0.3\" ]");
	snprintf(path, sizeof(path), "%s/log", d.dir);
	drive_log_to(path);
	mails_without_answer(&d, 5);
	log = strstr(logged(path), " lists: bl.example gives no answer; it is not asked until it "
				   "passes its test\n");
	ck_assert_ptr_nonnull(log);
	ck_assert_ptr_null(strstr(log, "BL.example"));
	clock_advance(1 * MINUTE);
	mail_of(&d, "203.0.113.6");
	ck_assert_ptr_nonnull(
		strstr(logged(path), " lists: bl.example passed its test and is asked again\n"));
	log_close();
	unlink(path);
	drive_fini(&d);
}
END_TEST

/* --- settings --- */

static const struct {
	const char *settings, *said;
} mistakes[] = {
	{"", "plugin lists: needs zone or zones, such as zone = zen.spamhaus.org"},
	{"zone = 192.0.2.1",
		"zone: \"192.0.2.1\" is no zone: write a name such as zen.spamhaus.org"},
	{"zone = localhost",
		"zone: \"localhost\" is no zone: write a name such as zen.spamhaus.org"},
	{"zone = bl.example; codes = [ 127.0.0.2-11, 128.0.0.1 ]",
		"codes: \"128.0.0.1\" is no code: write 127.0.0.2, 127.0.0.2-11 or 127.0.*.1-3"},
	{"zone = bl.example; about = [ recipient ]",
		"about: \"recipient\" is nothing to ask about: client, client_name, helo, sender"},
	{"zone = bl.example; test = \"a b\"",
		"test: \"a b\" is no test: write an address, a name, or no"},
	{"zone = bl.example; text = \"%{ip} is bad\"",
		"text: \"%{ip} is bad\" is none of %{client_ip}, %{code}, %{domain}, %{txt}, "
		"%{zone}"},
	{"zone = bl.example; action = tag; header = \"X-DNSBL:\"",
		"header: \"X-DNSBL:\" is not the name of a header field"},
	{"zone = bl.example; action = tag; header = \"\"",
		"header: \"\" is not the name of a header field"},
	{"zone = bl.example; header = \"X DNSBL\"",
		"header: \"X DNSBL\" is not the name of a header field"},
	{"zones = [ bl.example, \"two.example wieght=2\" ]",
		"zones: \"wieght=2\" behind two.example: write about=, action=, codes=, test=, "
		"weight=, and text= as the last"},
	{"zones = [ \"bl.example test=one\", \"BL.example test=two\" ]",
		"plugin lists: BL.example has one test entry: two lines of it name different ones"},
	{"zone = bl.example; about = [ ]",
		"plugin lists: about is empty: name what to ask about, such as client"},
	{"zones = [ \"bl.example weight=two\" ]",
		"zones: weight=two is no number from 1 to 1000, or from -1000 to -1"},
	{"zones = [ \"bl.example weight=2\" ]",
		"plugin lists: the weight of bl.example counts nowhere: set threshold, or take the "
		"weight or the action out"},
	{"threshold = 5; zones = [ bl.example, \"two.example weight=3\" ]",
		"plugin lists: threshold = 5 is never reached: the weights of all lines together "
		"are 4"},
	{"threshold = 1; zone = bl.example; action = allow",
		"plugin lists: a threshold allows nobody; give the line of an allow list "
		"action=allow or a weight below 0"},
};

START_TEST(mistake)
{
	char dir[PATH_MAX], text[PATH_MAX + 512];
	struct drive d;

	drive_plugin_dir(dir, false);
	drive_init(&d);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\" }\nprofile all { chain = [ lists ] }\n"
		"plugin lists { type = dnsbl\n%s }\n",
		dir, mistakes[_i].settings);
	drive_load_text(&d, text);
	ck_assert_ptr_null(d.g);
	snprintf(text, sizeof(text), "error: %s\n", mistakes[_i].said);
	ck_assert_msg(strstr(d.mistakes, text) != NULL, "%s\n%s", text, d.mistakes);
	ck_assert_uint_eq(d.errors, 1);
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dnsbl");
	TCase *t = tcase_create("dnsbl");

	tcase_add_loop_test(t, client, 0, LENGTH(clients));
	tcase_add_loop_test(t, name, 0, LENGTH(names));
	tcase_add_test(t, verified_name_of_the_client_is_asked_for);
	tcase_add_test(t, tag_adds_a_field);
	tcase_add_test(t, allow_list_is_an_authentication_result);
	tcase_add_loop_test(t, login, 0, LENGTH(logins));
	tcase_add_test(t, trusted_networks_are_left_out);
	tcase_add_test(t, links_of_this_type_share_their_results);
	tcase_add_test(t, each_message_has_its_own_results);
	tcase_add_loop_test(t, reason, 0, LENGTH(reasons));
	tcase_add_test(t, list_without_answers_is_suspended_and_comes_back);
	tcase_add_test(t, list_that_passes_by_kept_answers_is_on_trial);
	tcase_add_test(t, an_answer_between_keeps_the_list);
	tcase_add_test(t, lines_of_one_list_count_it_once_a_message);
	tcase_add_test(t, list_of_everything_is_suspended_at_its_first_entry);
	tcase_add_test(t, other_lists_go_on);
	tcase_add_test(t, suspended_list_is_no_reason_to_wait);
	tcase_add_loop_test(t, probe_at_the_start, 0, LENGTH(tests));
	tcase_add_test(t, failed_test_is_said_once_and_repeated);
	tcase_add_test(t, suspension_and_return_are_said_once);
	tcase_add_loop_test(t, mistake, 0, LENGTH(mistakes));
	suite_add_tcase(s, t);
	return table_run(s);
}
