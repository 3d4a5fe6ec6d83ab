/* SPDX-License-Identifier: MIT */
/*
 * test_dkim.c - plugin dkim: whole messages through the chain, what is published, what is done
 */
#include "dkim_sign.h"
#include "drive.h"
#include "table.h"

static EVP_PKEY *ed25519;
static struct drive d;

static void
make_keys(void)
{
	ed25519 = dkim_sign_new_key(0);
}

static void
drop_keys(void)
{
	EVP_PKEY_free(ed25519);
}

/* --- one message --------------------------------------------------------------------------------
 */

static void
write_zone(void)
{
	char p[64], zone[8192];

	dkim_sign_public(ed25519, false, p);
	snprintf(zone, sizeof(zone),
		"good._domainkey.example.org    TXT \"k=ed25519; p=%s\"\n"
		"test._domainkey.example.org    TXT \"k=ed25519; t=y; p=%s\"\n"
		"revoked._domainkey.example.org TXT \"k=ed25519; p=\"\n"
		"two._domainkey.example.org     TXT \"k=ed25519; p=%s\"\n"
		"two._domainkey.example.org     TXT \"k=ed25519; p=%s; n=other\"\n"
		"note._domainkey.example.org    TXT \"k=ed25519; p=%s\"\n"
		"note._domainkey.example.org    TXT \"a note\"\n"
		"dmarc._domainkey.example.org   TXT \"k=ed25519; p=%s\"\n"
		"dmarc._domainkey.example.org   TXT \"v=DMARC1; p=reject\"\n"
		"good._domainkey.xn--bcher-kva.test TXT \"k=ed25519; p=%s\"\n"
		"slow._domainkey.example.org    timeout\n"
		"broken._domainkey.example.org  servfail\n",
		p, p, p, p, p, p, p);
	drive_file(&d, "zone", zone);
}

static void
begin(const char *options)
{
	char dir[PATH_MAX], *text;

	drive_init(&d);
	write_zone();
	drive_file(&d, "friends", "203.0.113.66 yes\n");
	drive_plugin_dir(dir, false);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test\n"
				 "       trusted_networks = [ 192.0.2.0/24 ] }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "dns { zone = zone }\n"
				 "map friends { source = friends; match = cidr }\n"
				 "profile all { chain = [ dkim, auth_results ] }\n"
				 "plugin dkim { %s }\nplugin auth_results { }\n",
				 dir, options),
		0);
	drive_load_text(&d, text);
	free(text);
	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	drive_open(&d);
}

static void
greet(const char *ip, const char *login)
{
	drive_connect(&d, ip, "client.example.net", "25");
	drive_helo(&d, "client.example.net");
	drive_mail(&d, "<ann@example.org>", login, NULL);
	drive_rcpt(&d, "<bob@example.com>");
}

/* As an MTA does: lines of a value end in LF, and the blank behind the colon is gone. */
static char *
mta_value(const struct canon_field *f)
{
	char *out = malloc(f->len + 1);
	size_t n = 0, i = f->len > 0 && f->value[0] == ' ';

	for (; i < f->len; i++) {
		if (f->value[i] != '\r')
			out[n++] = f->value[i];
	}
	out[n] = '\0';
	return out;
}

static enum cm_verdict
send_text(const char *text, size_t len)
{
	struct cm_header fields[64];
	struct dkim_case c;
	enum cm_verdict v;

	dkim_case_init(&c, text, len, true);
	ck_assert_uint_lt(c.field_count, 64);
	for (size_t i = 0; i < c.field_count; i++)
		fields[i] =
			(struct cm_header){.name = strndup(c.fields[i].name, c.fields[i].name_len),
				.value = mta_value(&c.fields[i])};
	v = drive_content(&d, fields, c.field_count, c.body);
	for (size_t i = 0; i < c.field_count; i++) {
		free((char *)(uintptr_t)fields[i].name);
		free((char *)(uintptr_t)fields[i].value);
	}
	dkim_case_fini(&c);
	return v;
}

#define LETTER "From: Ann <ann@example.org>\r\nSubject: a\r\n b\r\n\r\nHello  Bob\r\n"
#define USUAL  "v=1; a=ed25519-sha256; d=example.org; h=From:Subject; c=simple/relaxed; s="

/* A letter with one signature more, or as it is; tags NULL: none. */
static char *
letter(const char *tags, size_t *len)
{
	*len = strlen(LETTER);
	return tags == NULL ? strdup(LETTER) : dkim_sign(tags, ed25519, LETTER, len);
}

static enum cm_verdict
send_letter(const char *tags)
{
	size_t len;
	char *text = letter(tags, &len);
	enum cm_verdict v = send_text(text, len);

	free(text);
	return v;
}

static const char *
result(const char *key)
{
	const char *value = session_result(d.s, "dkim", key);

	return value == NULL ? "" : value;
}

/* The value of the field that was added or inserted, without folds, or "". */
static const char *
field(const char *name)
{
	static char text[4096];
	size_t n = 0;

	for (size_t i = 0; i < d.answer.edit_count; i++) {
		const struct edit *e = d.answer.edits[i];

		if (e->name == NULL || strcmp(e->name, name) != 0)
			continue;
		for (const char *p = e->value; *p != '\0'; p++) {
			if (*p != '\n')
				text[n++] = *p == '\t' ? ' ' : *p;
		}
		break;
	}
	text[n] = '\0';
	return text;
}

/* --- results and what is done -------------------------------------------------------------------
 */

#define NO "No valid DKIM signature: "

static const struct {
	const char *what, *options, *tags; /* NULL: not signed */
	enum cm_verdict verdict;
	const char *result, *reply;
} mails[] = {
	{"a pass", "", USUAL "good", CM_CONTINUE, "pass", ""},
	{"a pass with libopendkim", "engine = opendkim", USUAL "good", CM_CONTINUE, "pass", ""},
	{"no signature", "", NULL, CM_CONTINUE, "none", ""},
	{"no signature is refused", "none = reject", NULL, CM_REJECT, "none",
		"550 5.7.20 " NO "the message has no DKIM signature"},
	{"no signature, for now", "none = tempfail", NULL, CM_TEMPFAIL, "none",
		"451 4.7.20 " NO "the message has no DKIM signature"},
	{"no key", "permerror = reject", USUAL "nokey", CM_REJECT, "permerror",
		"550 5.7.20 " NO
		"the DKIM signature of example.org does not count: there is no such "
		"key in DNS"},
	{"a revoked key", "", USUAL "revoked", CM_CONTINUE, "permerror", ""},
	{"two keys", "", USUAL "two", CM_CONTINUE, "permerror", ""},
	{"a key and a note", "", USUAL "note", CM_CONTINUE, "pass", ""},
	{"a key and a record of DMARC", "", USUAL "dmarc", CM_CONTINUE, "pass", ""},
	{"a key in test", "neutral = reject", USUAL "test", CM_REJECT, "neutral",
		"550 5.7.20 " NO
		"the DKIM signature of example.org does not count: the key is only "
		"being tested (t=y)"},
	{"a key in test that counts", "test_key = pass", USUAL "test", CM_CONTINUE, "pass", ""},
	{"DNS does not answer", "", USUAL "slow", CM_CONTINUE, "temperror", ""},
	{"DNS does not answer, and may later", "temperror = tempfail", USUAL "slow", CM_TEMPFAIL,
		"temperror",
		"451 4.4.3 " NO "the DKIM signature of example.org cannot be verified now: DNS did "
		"not answer in time for the key"},
	{"DNS fails", "", USUAL "broken", CM_CONTINUE, "temperror", ""},
	{"a tail", "policy = reject", USUAL "good; l=3", CM_REJECT, "policy",
		"550 5.7.21 " NO "the DKIM signature of example.org does not count: not all of the "
		"body is signed (l=): anybody may have added the rest"},
	{"a tail that counts", "unsigned_tail = pass", USUAL "good; l=3", CM_CONTINUE, "pass", ""},
	{"a tail that is a fail", "unsigned_tail = fail; fail = reject", USUAL "good; l=3",
		CM_REJECT, "fail",
		"550 5.7.20 " NO "the DKIM signature of example.org does not count: not all of the "
		"body is signed (l=): anybody may have added the rest"},
	{"an unusable signature", "neutral = tempfail", USUAL "good; q=x", CM_TEMPFAIL, "neutral",
		"451 4.7.20 " NO "the DKIM signature of example.org does not count: q= has no "
		"dns/txt"},
	{"one without a domain", "neutral = reject", "v=1; a=ed25519-sha256; d=-(; h=From; s=good",
		CM_REJECT, "neutral",
		"550 5.7.20 " NO "a DKIM signature cannot be used: d= is not a domain name"},
	{"Ed25519 is strong", "min_key_bits = 4096", USUAL "good", CM_CONTINUE, "pass", ""},
	{"an expired one", "", USUAL "good; x=5", CM_CONTINUE, "neutral", ""},
};

START_TEST(what_becomes_of_mail)
{
	begin(mails[_i].options);
	greet("203.0.113.7", NULL);
	ck_assert_msg(send_letter(mails[_i].tags) == mails[_i].verdict, "%s: %s, %s",
		mails[_i].what, result("result"), drive_reply(&d));
	ck_assert_str_eq(result("result"), mails[_i].result);
	ck_assert_str_eq(drive_reply(&d), mails[_i].reply);
	drive_fini(&d);
}
END_TEST

/* Changed on its way; the same by both engines. */
START_TEST(a_changed_message_fails)
{
	static const char *const options[] = {"fail = reject", "fail = reject; engine = opendkim"};
	size_t len;
	char *text;

	for (size_t i = 0; i < 2; i++) {
		begin(options[i]);
		greet("203.0.113.7", NULL);
		text = letter(USUAL "good", &len);
		*strstr(text, "Bob") = 'R';
		ck_assert_int_eq(send_text(text, len), CM_REJECT);
		ck_assert_str_eq(drive_reply(&d),
			"550 5.7.20 " NO "the DKIM signature of example.org does not count: the "
			"body is not what was signed");
		free(text);
		drive_fini(&d);
	}
}
END_TEST

/* --- what others learn --------------------------------------------------------------------------
 */

START_TEST(what_is_published)
{
	char *text, *first;
	size_t len = 0;

	begin("");
	greet("203.0.113.7", NULL);
	first = letter(USUAL "nokey", &len);
	text = dkim_sign(USUAL "good", ed25519, first, &len);
	ck_assert_int_eq(send_text(text, len), CM_CONTINUE);
	ck_assert_str_eq(result("result"), "pass");
	ck_assert_str_eq(result("domain"), "example.org");
	ck_assert_str_eq(result("selector"), "good");
	ck_assert_str_eq(result("algorithm"), "ed25519-sha256");
	ck_assert_str_eq(result("reason"), "");
	ck_assert_str_eq(result("count"), "2");
	ck_assert_str_eq(result("1"), "pass example.org (selector good, ed25519-sha256)");
	ck_assert_str_eq(result("2"),
		"permerror example.org (selector nokey, ed25519-sha256): there is no such key in "
		"DNS");
	ck_assert_ptr_nonnull(strstr(field("Authentication-Results"),
		"mx.test; dkim=pass header.d=example.org header.s=good header.a=ed25519-sha256 "
		"header.b="));
	ck_assert_ptr_nonnull(strstr(field("Authentication-Results"),
		"; dkim=permerror reason=\"there is no such key in DNS\" header.d=example.org "
		"header.s=nokey"));
	free(first);
	free(text);
	drive_fini(&d);
}
END_TEST

static const struct {
	const char *what, *tags, *first, *field;
} unusable[] = {
	{"an algorithm that nobody knows", "v=1; a=rsa-sha512; d=example.org; h=From; s=good",
		"neutral example.org (selector good, -): a= is an unknown algorithm",
		"header.d=example.org header.s=good header.b="},
	{"no algorithm", "v=1; d=example.org; h=From; s=good",
		"neutral example.org (selector good, -): there is no a=",
		"header.d=example.org header.s=good header.b="},
	{"no domain", "v=1; a=ed25519-sha256; h=From; s=good",
		"neutral - (selector good, ed25519-sha256): there is no d=",
		"header.s=good header.a=ed25519-sha256 header.b="},
};

START_TEST(what_could_not_be_read_is_not_made_up)
{
	begin("");
	greet("203.0.113.7", NULL);
	ck_assert_int_eq(send_letter(unusable[_i].tags), CM_CONTINUE);
	ck_assert_str_eq(result("1"), unusable[_i].first);
	ck_assert_msg(strstr(field("Authentication-Results"), unusable[_i].field) != NULL, "%s: %s",
		unusable[_i].what, field("Authentication-Results"));
	drive_fini(&d);
}
END_TEST

START_TEST(no_signature_is_published_as_none)
{
	begin("");
	greet("203.0.113.7", NULL);
	send_letter(NULL);
	ck_assert_str_eq(field("Authentication-Results"), "mx.test; dkim=none");
	ck_assert_str_eq(result("count"), "0");
	drive_fini(&d);
}
END_TEST

START_TEST(a_tag_says_what_and_why)
{
	begin("permerror = tag; tag_header = X-Sig");
	greet("203.0.113.7", NULL);
	ck_assert_int_eq(send_letter(USUAL "nokey"), CM_CONTINUE);
	ck_assert_str_eq(field("X-Sig"),
		"permerror (the DKIM signature of example.org does not count: there is no such key "
		"in DNS)");
	drive_fini(&d);
}
END_TEST

/* --- bounds -------------------------------------------------------------------------------------
 */

/* Two ways to canonicalize: each octet counts twice. */
START_TEST(a_body_that_is_too_large_is_not_verified)
{
	size_t hello = strlen("From: ann@example.org\r\n\r\n"), size = 65536 / 2 + 10, len, start;
	char *message = malloc(hello + size + 1), *first, *text;

	for (int over = 0; over < 2; over++) {
		begin("max_hashed = 65536");
		greet("203.0.113.7", NULL);
		strcpy(message, "From: ann@example.org\r\n\r\n");
		start = hello;
		len = hello + 65536 / 2 + (over ? 1 : 0);
		memset(message + start, 'x', len - start);
		message[len] = '\0';
		first = dkim_sign("v=1; a=ed25519-sha256; d=example.org; s=good; h=From", ed25519,
			message, &len);
		text = dkim_sign("v=1; a=ed25519-sha256; d=example.org; s=good; h=From; "
				 "c=relaxed/relaxed",
			ed25519, first, &len);
		send_text(text, len);
		ck_assert_str_eq(result("result"), over ? "policy" : "pass");
		free(first);
		free(text);
		drive_fini(&d);
	}
	free(message);
}
END_TEST

START_TEST(no_more_signatures_than_that)
{
	char *text = strdup(LETTER), *next;
	size_t len = strlen(LETTER);

	begin("max_signatures = 2");
	greet("203.0.113.7", NULL);
	for (int i = 0; i < 5; i++) {
		next = dkim_sign(USUAL "good", ed25519, text, &len);
		free(text);
		text = next;
	}
	send_text(text, len);
	ck_assert_str_eq(result("count"), "5");
	ck_assert_str_ne(result("2"), "");
	ck_assert_str_eq(result("3"), "");
	free(text);
	drive_fini(&d);
}
END_TEST

/* The author's first, in whatever spelling his domain is. */
START_TEST(the_author_s_signature_is_among_those_that_are_verified)
{
	static const char from[] = "From: Ann <ann@B\xc3\xbc"
				   "cher.test>\r\n\r\nHello\r\n";
	size_t len = strlen(from);
	char *own, *text;

	begin("max_signatures = 1");
	greet("203.0.113.7", NULL);
	own = dkim_sign(
		"v=1; a=ed25519-sha256; d=xn--bcher-kva.test; h=From; s=good", ed25519, from, &len);
	text = dkim_sign(USUAL "good", ed25519, own, &len);
	send_text(text, len);
	ck_assert_str_eq(result("domain"), "xn--bcher-kva.test");
	ck_assert_str_eq(result("result"), "pass");
	free(text);
	free(own);
	drive_fini(&d);
}
END_TEST

/* --- who is not checked -------------------------------------------------------------------------
 */

static const struct {
	const char *what, *options, *ip, *login;
	bool checked;
} clients[] = {
	{"a stranger", "", "203.0.113.7", NULL, true},
	{"a login", "", "203.0.113.7", "ann", false},
	{"a login that is checked", "skip_authenticated = no", "203.0.113.7", "ann", true},
	{"a trusted network", "", "192.0.2.7", NULL, false},
	{"a trusted network that is checked", "skip_trusted = no", "192.0.2.7", NULL, true},
	{"a network", "skip_for = [ 203.0.113.0/24 ]", "203.0.113.7", NULL, false},
	{"a client of a map", "skip_clients = friends", "203.0.113.66", NULL, false},
	{"a client of no map", "skip_clients = friends", "203.0.113.67", NULL, true},
};

START_TEST(who_is_checked)
{
	begin(clients[_i].options);
	greet(clients[_i].ip, clients[_i].login);
	ck_assert_int_eq(send_letter(USUAL "good"), CM_CONTINUE);
	ck_assert_msg((result("result")[0] != '\0') == clients[_i].checked, "%s", clients[_i].what);
	drive_fini(&d);
}
END_TEST

/* --- messages that end early --------------------------------------------------------------------
 */

START_TEST(a_message_may_end_anywhere)
{
	size_t len;

	for (int with_body = 0; with_body < 2; with_body++) {
		char *text = letter(USUAL "good", &len), *value;
		struct dkim_case c;

		begin("");
		greet("203.0.113.7", NULL);
		dkim_case_init(&c, text, len, true);
		drive_stage(&d, CM_STAGE_DATA);
		value = mta_value(&c.fields[0]);
		drive_event(&d, &(struct cm_event){.stage = CM_STAGE_HEADER,
					.name = "DKIM-Signature",
					.value = value});
		drive_stage(&d, CM_STAGE_EOH);
		if (with_body)
			drive_event(&d, &(struct cm_event){.stage = CM_STAGE_BODY,
						.data = (const unsigned char *)"x",
						.len = 1});
		free(value);
		free(text);
		dkim_case_fini(&c);
		drive_fini(&d);
	}
}
END_TEST

static const struct {
	const char *options, *mistake;
} wrong[] = {
	{"min_key_bits = 512", "min_key_bits"},
	{"max_signatures = 17", "max_signatures"},
	{"max_signatures = 0", "max_signatures"},
	{"tag_header = \"a b\"", "name of a header field"},
	{"temperror = reject", "temperror"},
	{"engine = own", "engine"},
};

START_TEST(wrong_settings_are_refused)
{
	char dir[PATH_MAX], *text;

	drive_init(&d);
	drive_plugin_dir(dir, false);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\" }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "profile all { chain = [ dkim ] }\nplugin dkim { %s }\n",
				 dir, wrong[_i].options),
		0);
	drive_load_text(&d, text);
	free(text);
	ck_assert_ptr_null(d.g);
	ck_assert_msg(strstr(d.mistakes, wrong[_i].mistake) != NULL, "%s", d.mistakes);
	drive_fini(&d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim");
	TCase *tc = tcase_create("dkim");

	tcase_add_unchecked_fixture(tc, make_keys, drop_keys);
	tcase_add_loop_test(tc, what_becomes_of_mail, 0, LENGTH(mails));
	tcase_add_test(tc, a_changed_message_fails);
	tcase_add_test(tc, what_is_published);
	tcase_add_loop_test(tc, what_could_not_be_read_is_not_made_up, 0, LENGTH(unusable));
	tcase_add_test(tc, no_signature_is_published_as_none);
	tcase_add_test(tc, a_tag_says_what_and_why);
	tcase_add_test(tc, a_body_that_is_too_large_is_not_verified);
	tcase_add_test(tc, no_more_signatures_than_that);
	tcase_add_test(tc, the_author_s_signature_is_among_those_that_are_verified);
	tcase_add_loop_test(tc, who_is_checked, 0, LENGTH(clients));
	tcase_add_test(tc, a_message_may_end_anywhere);
	tcase_add_loop_test(tc, wrong_settings_are_refused, 0, LENGTH(wrong));
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
