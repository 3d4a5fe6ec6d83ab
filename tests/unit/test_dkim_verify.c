/* SPDX-License-Identifier: MIT */
/*
 * test_dkim_verify.c - whole messages: the examples of the standards, and what is done to them
 *
 * Each case is run by both engines, and must come to the same.
 */
#include <dlfcn.h>

#include "dkim_sign.h"
#include "table.h"

#define KEY_6376                                                                         \
	"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGe" \
	"LnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+" \
	"Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
#define KEY_8463_RSA                                                                          \
	"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6W" \
	"k08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6l" \
	"HvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define KEY_8463_ED25519 "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

/* RFC 6376 appendix A.2, with the key of appendix C. */
static const char rfc_6376[] = "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\n"
			       "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\n"
			       "      h=Received : From : To : Subject : Date : Message-ID;\n"
			       "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
			       "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\n"
			       "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\n"
			       "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\n"
			       "      4bmp/YzhwvcubU4=;\n"
			       "Received: from client1.football.example.com  [192.0.2.1]\n"
			       "      by submitserver.example.com with SUBMISSION;\n"
			       "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\n"
			       "From: Joe SixPack <joe@football.example.com>\n"
			       "To: Suzie Q <suzie@shopping.example.net>\n"
			       "Subject: Is dinner ready?\n"
			       "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
			       "Message-ID: <20030712040037.46341.5F8J@football.example.com>\n"
			       "\n"
			       "Hi.\n"
			       "\n"
			       "We lost the game. Are you hungry yet?\n"
			       "\n"
			       "Joe.\n";

/* RFC 8463 appendix A.3. */
static const char rfc_8463[] = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\n"
			       " d=football.example.com; i=@football.example.com;\n"
			       " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\n"
			       " subject : date : message-id : from : subject : date;\n"
			       " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
			       " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\n"
			       " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\n"
			       "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\n"
			       " d=football.example.com; i=@football.example.com;\n"
			       " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\n"
			       " date : message-id : from : subject : date;\n"
			       " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
			       " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\n"
			       " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\n"
			       " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\n"
			       "From: Joe SixPack <joe@football.example.com>\n"
			       "To: Suzie Q <suzie@shopping.example.net>\n"
			       "Subject: Is dinner ready?\n"
			       "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
			       "Message-ID: <20030712040037.46341.5F8J@football.example.com>\n"
			       "\n"
			       "Hi.\n"
			       "\n"
			       "We lost the game.  Are you hungry yet?\n"
			       "\n"
			       "Joe.\n";

static const struct dkim_case_key keys[] = {
	{"brisbane._domainkey.example.com", KEY_6376},
	{"brisbane._domainkey.football.example.com", KEY_8463_ED25519},
	{"test._domainkey.football.example.com", KEY_8463_RSA},
};

static const struct dkim_engine *const engines[] = {&dkim_native, &dkim_opendkim};

#define NOW INT64_C(1800000000)

static EVP_PKEY *rsa, *weak, *ed25519;

static void
make_keys(void)
{
	rsa = dkim_sign_new_key(2048);
	weak = dkim_sign_new_key(1024);
	ed25519 = dkim_sign_new_key(0);
}

static void
drop_keys(void)
{
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(ed25519);
}

/* "pass; fail: REASON" of all that was looked at. */
static const char *
results(const struct dkim_case *c)
{
	static char text[2048];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < c->found.count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%s%s",
			i > 0 ? "; " : "", dkim_code_name(c->all[i].code),
			c->all[i].reason[0] == '\0' ? "" : ": ", c->all[i].reason);
	return text;
}

static void
must_be(const char *what, const struct dkim_engine *e, const char *got, const char *want)
{
	ck_assert_msg(strcmp(got, want) == 0, "%s, %s: %s", what, e->name, got);
}

/* --- the standards' examples --------------------------------------------------------------------
 */

static const struct {
	const char *what, *text;
	const char *from, *to; /* NULL, or what is changed, and into what */
	const char *want;
} examples[] = {
	{"RFC 6376", rfc_6376, NULL, NULL, "pass"},
	{"RFC 8463", rfc_8463, NULL, NULL, "pass; pass"},
	{"RFC 6376 with another subject", rfc_6376, "dinner ready", "dinner read",
		"fail: the header is not what was signed, or the key is another"},
	{"RFC 6376 with another body", rfc_6376, "We lost", "We won",
		"fail: the body is not what was signed"},
	{"RFC 6376 with a blank more", rfc_6376, "Subject: Is", "Subject:  Is",
		"fail: the header is not what was signed, or the key is another"},
	{"RFC 8463 with blanks more", rfc_8463, "Subject: Is dinner", "SUBJECT:\tIs   dinner",
		"pass; pass"},
	{"RFC 8463 with blanks more in the body", rfc_8463, "We lost the", "We  lost the ",
		"pass; pass"},
	{"RFC 8463 with a second Subject", rfc_8463, "To: Suzie", "Subject: Win\nTo: Suzie",
		"fail: the header is not what was signed, or the key is another; "
		"fail: the header is not what was signed, or the key is another"},
};

static char *
replace(const char *text, const char *from, const char *to)
{
	const char *at = from == NULL ? text : strstr(text, from);
	char *out = NULL;

	ck_assert_ptr_nonnull(at);
	if (from == NULL)
		from = to = "";
	ck_assert_int_gt(
		asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)), 0);
	return out;
}

START_TEST(examples_of_the_standards)
{
	char *text = replace(examples[_i].text, examples[_i].from, examples[_i].to);

	for (size_t e = 0; e < 2; e++) {
		static const size_t pieces[] = {1, 2, 3, 7, 65535};

		for (size_t p = 0; p < 5; p++) {
			struct dkim_case c;

			dkim_case_init(&c, text, strlen(text), false);
			dkim_case_verify(&c, engines[e], "football.example.com", NOW, pieces[p],
				keys, 3, &dkim_case_strict);
			must_be(examples[_i].what, engines[e], results(&c), examples[_i].want);
			dkim_case_fini(&c);
		}
	}
	free(text);
}
END_TEST

/* --- signatures of every kind -------------------------------------------------------------------
 */

static const char letter[] = "Received: from a\r\n\tby b; c\r\n"
			     "From: Ann <ann@example.org>\r\n"
			     "To: Bob <bob@example.com>\r\n"
			     "Subject:hello\r\n"
			     "Subject:  hello \t again \r\n"
			     "X-Empty:\r\n"
			     "X-Long-Name : value\r\n"
			     "\r\n"
			     " Hello \t Bob \r\n"
			     "\r\n"
			     "\t\r\n"
			     "Bye\r\n"
			     "\r\n"
			     "\r\n";

#define NAMES	  "h=From:To:Subject:Subject:Subject:x-empty:X-LONG-name:Received"
#define HEAD(a)	  "v=1; a=" a "; d=example.org; s=sel; "
#define SIGNED(a) HEAD(a) NAMES
#define RSA	  "rsa-sha256"
#define K_RSA	  "v=DKIM1; k=rsa; p=%s"
#define OTHER	  "fail: the header is not what was signed, or the key is another"

/* Of a letter of ours, signed with a key whose record has its p= in it. */
static const struct {
	const char *what, *tags;
	EVP_PKEY **key;
	const char *record;    /* NULL: DNS does not answer; "": there is none */
	const char *from, *to; /* changed afterwards */
	const char *want;
} kinds[] = {
	{"simple/simple by default", SIGNED(RSA), &rsa, K_RSA, NULL, NULL, "pass"},
	{"simple/simple", SIGNED(RSA) "; c=simple/simple", &rsa, K_RSA, NULL, NULL, "pass"},
	{"simple alone", SIGNED(RSA) "; c=simple", &rsa, K_RSA, NULL, NULL, "pass"},
	{"relaxed alone", SIGNED(RSA) "; c=relaxed", &rsa, K_RSA, NULL, NULL, "pass"},
	{"relaxed/simple", SIGNED(RSA) "; c=relaxed/simple", &rsa, K_RSA, NULL, NULL, "pass"},
	{"simple/relaxed", SIGNED(RSA) "; c=simple/relaxed", &rsa, K_RSA, NULL, NULL, "pass"},
	{"relaxed/relaxed", SIGNED(RSA) "; c=relaxed/relaxed", &rsa, K_RSA, NULL, NULL, "pass"},
	{"Ed25519", SIGNED("ed25519-sha256") "; c=relaxed/relaxed", &ed25519,
		"v=DKIM1; k=ed25519; p=%s", NULL, NULL, "pass"},
	{"1024 bits", SIGNED(RSA), &weak, K_RSA, NULL, NULL, "pass"},
	{"a key without v= and k=", SIGNED(RSA), &rsa, "p=%s", NULL, NULL, "pass"},
	{"a key with notes and blanks", SIGNED(RSA), &rsa,
		" v = DKIM1 ; h=sha1 : sha256; n=a note; s=email:other; t=x:z; p = %s ; ", NULL,
		NULL, "pass"},
	{"oversigned", HEAD(RSA) "h=From:From:Subject:Subject:Subject:Reply-To", &rsa, K_RSA, NULL,
		NULL, "pass"},
	{"oversigned, and a field more", HEAD(RSA) "h=From:From", &rsa, K_RSA, "To: Bob",
		"From: Eve\r\nTo: Bob", OTHER},
	{"a field more above, not oversigned", HEAD(RSA) "h=From", &rsa, K_RSA, "Received: from",
		"From: eve@example.net\r\nReceived: from", "pass"},
	{"an i= below d=", SIGNED(RSA) "; i=ann=3D@mail.example.org", &rsa, K_RSA, NULL, NULL,
		"pass"},
	{"times that fit", SIGNED(RSA) "; t=1700000000; x=4000000000", &rsa, K_RSA, NULL, NULL,
		"pass"},
	{"a t= that clocks may differ by", SIGNED(RSA) "; t=1800000299", &rsa, K_RSA, NULL, NULL,
		"pass"},

	{"another sender", SIGNED(RSA), &rsa, K_RSA, "ann@", "eve@", OTHER},
	{"another body", SIGNED(RSA), &rsa, K_RSA, "\nBye", "\nBuy",
		"fail: the body is not what was signed"},
	{"another signature field", SIGNED(RSA) "; z=From:ann", &rsa, K_RSA, "z=From", "z=Frm",
		OTHER},

	{"rsa-sha1", SIGNED("rsa-sha1"), &rsa, K_RSA, NULL, NULL,
		"permerror: rsa-sha1 proves nothing (RFC 8301)"},
	{"expired", SIGNED(RSA) "; x=1799999999", &rsa, K_RSA, NULL, NULL,
		"neutral: the signature has expired (x=)"},
	{"of the future", SIGNED(RSA) "; t=1800000301", &rsa, K_RSA, NULL, NULL,
		"neutral: the signature is of the future (t=)"},

	{"all of the body under l=", SIGNED(RSA) "; l=25", &rsa, K_RSA, NULL, NULL, "pass"},
	{"l= that leaves out", SIGNED(RSA) "; l=10", &rsa, K_RSA, NULL, NULL,
		"policy: not all of the body is signed (l=): anybody may have added the rest"},
	{"l= and something more", SIGNED(RSA) "; l=25; c=relaxed/simple", &rsa, K_RSA,
		"Bye\r\n\r\n\r\n", "Bye\r\n\r\n\r\nBuy\r\n",
		"policy: not all of the body is signed (l=): anybody may have added the rest"},
	{"l=0", SIGNED(RSA) "; l=0", &rsa, K_RSA, NULL, NULL,
		"policy: not all of the body is signed (l=): anybody may have added the rest"},
	{"l= and another body", SIGNED(RSA) "; l=10", &rsa, K_RSA, " Hello", " Hallo",
		"fail: the body is not what was signed"},
	{"l= larger than the body", SIGNED(RSA) "; l=26", &rsa, K_RSA, NULL, NULL,
		"permerror: l= is larger than the body"},

	{"no key", SIGNED(RSA), &rsa, "", NULL, NULL, "permerror: there is no such key in DNS"},
	{"DNS does not answer", SIGNED(RSA), &rsa, NULL, NULL, NULL,
		"temperror: DNS did not answer in time for the key"},
	{"a revoked key", SIGNED(RSA), &rsa, "v=DKIM1; p=", NULL, NULL,
		"permerror: the key is revoked (p= is empty)"},
	{"a key of another type", SIGNED("ed25519-sha256"), &ed25519,
		"p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5b"
		"dOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4h"
		"stT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
		NULL, NULL, "permerror: the key is of another type than the signature"},
	{"a key in test", SIGNED(RSA), &rsa, "t=y; p=%s", NULL, NULL,
		"neutral: the key is only being tested (t=y)"},
	{"a key in test and another body", SIGNED(RSA), &rsa, "t=y; p=%s", "\nBye", "\nBuy",
		"neutral: the body is not what was signed; the key is only being tested (t=y)"},
	{"a strict key", SIGNED(RSA) "; i=@example.org", &rsa, "t=s; p=%s", NULL, NULL, "pass"},
	{"a strict key and i= below", SIGNED(RSA) "; i=@a.example.org", &rsa, "t=y:s; p=%s", NULL,
		NULL, "permerror: the key allows no domain below d= in i= (t=s)"},
};

/* The clock of libopendkim cannot be set. */
static bool
native_alone(int row)
{
	return strcmp(kinds[row].what, "a t= that clocks may differ by") == 0;
}

/* DNS has the key of the row. */
static void
verify_kind(struct dkim_case *c, const struct dkim_engine *e, int row, size_t piece)
{
	char p[4096], record[8192];
	const char *text = kinds[row].record == NULL ? "" : kinds[row].record;
	const struct dkim_case_key key = {
		"sel._domainkey.example.org", kinds[row].record == NULL ? NULL : record};
	const char *place = strstr(text, "%s");
	bool none = kinds[row].record != NULL && text[0] == '\0';

	dkim_sign_public(*kinds[row].key, false, p);
	if (place == NULL)
		snprintf(record, sizeof(record), "%s", text);
	else
		snprintf(record, sizeof(record), "%.*s%s%s", (int)(place - text), text, p,
			place + 2);
	dkim_case_verify(c, e, "example.org", NOW, piece, &key, none ? 0 : 1, &dkim_case_strict);
}

START_TEST(signatures_of_every_kind)
{
	size_t len = strlen(letter);
	char *sent, *text;

	sent = dkim_sign(kinds[_i].tags, *kinds[_i].key, letter, &len);
	text = replace(sent, kinds[_i].from, kinds[_i].to);
	for (size_t e = 0; e < (native_alone(_i) ? 1 : 2); e++) {
		for (size_t piece = 1; piece < 40; piece += 6) {
			struct dkim_case c;

			dkim_case_init(&c, text, strlen(text), true);
			verify_kind(&c, engines[e], _i, piece);
			must_be(kinds[_i].what, engines[e], results(&c), kinds[_i].want);
			dkim_case_fini(&c);
		}
	}
	free(sent);
	free(text);
}
END_TEST

/* RFC 8616 section 5; the library knows ASCII alone. */
#define ABOVE(d, s, i) "v=1; a=rsa-sha256; c=relaxed/simple; d=" d "; s=" s "; i=" i "; h=From"
#define UNREAD	       "neutral: libopendkim cannot read letters above ASCII (engine = native can)"

static const struct {
	const char *what, *tags;
} above[] = {
	{"in the local part of i=", ABOVE("example.org", "sel", "J\xc3\xb6rg@example.org")},
	{"in d=", ABOVE("b\xc3\xbc"
			"cher.test",
			  "sel",
			  "@mail.b\xc3\xbc"
			  "cher.test")},
	{"in d= and not in i=", ABOVE("b\xc3\xbc"
				      "cher.test",
					"sel", "@xn--bcher-kva.test")},
	{"in i= and not in d=", ABOVE("xn--bcher-kva.test", "sel",
					"@b\xc3\xbc"
					"cher.test")},
	{"in s=", ABOVE("example.org", "s\xc3\xa4", "@example.org")},
};

START_TEST(a_signature_with_letters_above_ascii)
{
	static const char *const wants[] = {"pass", UNREAD};
	char p[4096], record[8192], *text;
	const struct dkim_case_key served[] = {{"sel._domainkey.example.org", record},
		{"sel._domainkey.xn--bcher-kva.test", record},
		{"xn--s-0fa._domainkey.example.org", record}};
	size_t len = strlen(letter);

	dkim_sign_public(rsa, false, p);
	snprintf(record, sizeof(record), "p=%s", p);
	text = dkim_sign(above[_i].tags, rsa, letter, &len);
	for (size_t e = 0; e < 2; e++) {
		struct dkim_case c;

		dkim_case_init(&c, text, len, true);
		dkim_case_verify(&c, engines[e], "", NOW, 100, served, 3, &dkim_case_strict);
		must_be(above[_i].what, engines[e], results(&c), wants[e]);
		dkim_case_fini(&c);
	}
	free(text);
}
END_TEST

/* Which the library cannot read is not one that it need see. */
START_TEST(a_signature_beside_one_with_letters_above_ascii)
{
	static const char *const wants[] = {"pass; pass", "pass; " UNREAD};
	char p[4096], record[8192], *text, *both;
	const struct dkim_case_key served[] = {{"sel._domainkey.example.org", record},
		{"sel._domainkey.xn--bcher-kva.test", record}};
	size_t len = strlen(letter);

	dkim_sign_public(rsa, false, p);
	snprintf(record, sizeof(record), "p=%s", p);
	text = dkim_sign(SIGNED(RSA), rsa, letter, &len);
	both = dkim_sign(above[1].tags, rsa, text, &len);
	for (size_t e = 0; e < 2; e++) {
		struct dkim_case c;

		dkim_case_init(&c, both, len, true);
		dkim_case_verify(
			&c, engines[e], "example.org", NOW, 100, served, 2, &dkim_case_strict);
		must_be("beside letters above ASCII", engines[e], results(&c), wants[e]);
		dkim_case_fini(&c);
	}
	free(both);
	free(text);
}
END_TEST

/* --- what the administrator decides -------------------------------------------------------------
 */

static const struct {
	const char *what, *tags, *flags;
	struct dkim_policy policy;
	const char *want;
} policies[] = {
	{"keys of 2048 bits at least", "", "", {2048, DKIM_POLICY, DKIM_NEUTRAL},
		"policy: a key of 1024 bits is too weak here"},
	{"keys of 1024 bits at least", "", "", {1024, DKIM_POLICY, DKIM_NEUTRAL}, "pass"},
	{"a tail counts", "; l=5", "", {1024, DKIM_PASS, DKIM_NEUTRAL}, "pass"},
	{"a tail is a fail", "; l=5", "", {1024, DKIM_FAIL, DKIM_NEUTRAL},
		"fail: not all of the body is signed (l=): anybody may have added the rest"},
	{"a test counts", "", "t=y; ", {1024, DKIM_POLICY, DKIM_PASS}, "pass"},
	{"a tail in a test that counts", "; l=5", "t=y; ", {1024, DKIM_NEUTRAL, DKIM_PASS},
		"neutral: not all of the body is signed (l=): anybody may have added the rest"},
};

START_TEST(what_the_administrator_decides)
{
	char tags[256], p[4096], record[8192], *text;
	const struct dkim_case_key key = {"sel._domainkey.example.org", record};
	size_t len = strlen(letter);

	dkim_sign_public(weak, false, p);
	snprintf(record, sizeof(record), "%sp=%s", policies[_i].flags, p);
	snprintf(tags, sizeof(tags), "%s%s", SIGNED(RSA), policies[_i].tags);
	text = dkim_sign(tags, weak, letter, &len);
	for (size_t e = 0; e < 2; e++) {
		struct dkim_case c;

		dkim_case_init(&c, text, len, true);
		dkim_case_verify(&c, engines[e], "", NOW, 100, &key, 1, &policies[_i].policy);
		must_be(policies[_i].what, engines[e], results(&c), policies[_i].want);
		dkim_case_fini(&c);
	}
	free(text);
}
END_TEST

/* --- several ------------------------------------------------------------------------------------
 */

START_TEST(others_are_not_harmed_by_one_that_dns_cannot_tell)
{
	static const struct dkim_case_key some[] = {
		{"brisbane._domainkey.football.example.com", NULL},
		{"test._domainkey.football.example.com", KEY_8463_RSA},
	};
	struct dkim_case c;

	for (size_t e = 0; e < 2; e++) {
		dkim_case_init(&c, rfc_8463, strlen(rfc_8463), false);
		dkim_case_verify(&c, engines[e], "", NOW, 100, some, 2, &dkim_case_strict);
		must_be("one key is not told", engines[e], results(&c),
			"temperror: DNS did not answer in time for the key; pass");
		ck_assert_uint_eq(dkim_judge_best(c.all, c.found.count), 1);
		dkim_case_fini(&c);
	}
}
END_TEST

/* What the ninth place was used for before must not stick to the one that comes into it. */
START_TEST(one_that_is_left_out_says_nothing_of_another)
{
	static const char broken[] = "DKIM-Signature: v=2\r\n";
	char p[4096], record[8192], text[8192] = "", *sent;
	const struct dkim_case_key key = {"sel._domainkey.example.org", record};
	size_t len = strlen(letter);
	struct dkim_case c;

	dkim_sign_public(rsa, false, p);
	snprintf(record, sizeof(record), "p=%s", p);
	sent = dkim_sign(SIGNED(RSA), rsa, letter, &len);
	for (size_t i = 0; i <= DKIM_CASE_MOST; i++)
		strcat(text, broken);
	strcat(text, sent);
	free(sent);
	for (size_t e = 0; e < 2; e++) {
		dkim_case_init(&c, text, strlen(text), true);
		dkim_case_verify(&c, engines[e], "", NOW, 100, &key, 1, &dkim_case_strict);
		ck_assert_int_eq(c.all[0].code, DKIM_PASS);
		ck_assert_str_eq(c.all[0].reason, "");
		dkim_case_fini(&c);
	}
}
END_TEST

/* Of the key of RFC 8463 appendix A.1, made with the command openssl. */
#define TWIN_TAGS "; c=relaxed/relaxed; d=football.example.com; s=test; h=From; bh="
#define TWIN_B                                                                             \
	"; b=4QxXIoafvNnqSygBAkm/o3ld5zenifld47si7YfBsmyOkIwK8GpZM9QBLDGD5wksAVlC5euSCV7"  \
	"0uQdWd7vU7Bp+PDZ6a1grqpS9Rqvj6gu+qQ9ZgoRsaTExzWIwfJ921Io6o+hI4+mOMsVCcjujvi/YrPa" \
	"uxavvKKAlyvvwv8A="

/* Else a signature of SHA-1 passes, under the name of its copy. */
START_TEST(a_copy_of_a_signature_is_not_taken_for_it)
{
	static const char text[] =
		"DKIM-Signature: v=1; a=rsa-sha1" TWIN_TAGS "xm5+S+1pD83h2S7N/hIJHs4cack=" TWIN_B
		"\nDKIM-Signature: v=1; a=rsa-sha256" TWIN_TAGS
		"UrA8rmgY3eNBotmDWtzAmHyn5RyZv8Gea45sNGsP0zw=" TWIN_B
		"\nFrom: Joe SixPack <joe@football.example.com>\n\nHi.\n";
	struct dkim_case c;

	for (size_t e = 0; e < 2; e++) {
		dkim_case_init(&c, text, strlen(text), false);
		dkim_case_verify(&c, engines[e], "", NOW, 100, keys, 3, &dkim_case_strict);
		must_be("a copy of rsa-sha1", engines[e], results(&c),
			OTHER "; permerror: rsa-sha1 proves nothing (RFC 8301)");
		dkim_case_fini(&c);
	}
}
END_TEST

/* d= of each that was looked at. */
static const char *
domains(const struct dkim_case *c)
{
	static char text[1024];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < c->found.count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? " " : "",
			c->all[i].job.sig.domain);
	return text;
}

START_TEST(at_most_eight_and_those_of_the_author_first)
{
	static const char *const signers[] = {"a.test", "b.test", "broken", "c.test", "d.test",
		"sub.example.org", "e.test", "f.test", "g.test", "h.test", "EXAMPLE.org",
		"org.test", "notexample.org"};
	char text[8192] = "";
	struct dkim_case c;

	for (size_t i = 0; i < sizeof(signers) / sizeof(*signers); i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"DKIM-Signature: v=1; a=rsa-sha256; d=%s; s=s; h=From; bh=%s; b=AAAA\n",
			signers[i], DKIM_SIGN_NO_HASH);
	strcat(text, "From: ann@example.org\n\nHello\n");
	dkim_case_init(&c, text, strlen(text), false);
	dkim_collect(&c.found, c.fields, c.field_count, "example.org", NOW, 8);
	ck_assert_str_eq(domains(&c),
		"example.org sub.example.org a.test b.test c.test d.test e.test f.test");
	ck_assert_uint_eq(c.found.field_count, 13);
	dkim_collect(&c.found, c.fields, c.field_count, "", NOW, 1);
	ck_assert_str_eq(domains(&c), "a.test");
	dkim_case_fini(&c);
}
END_TEST

/* Each that the library sees costs a hash of the body: among many it sees those that count. */
START_TEST(the_library_is_not_shown_more_signatures_than_are_looked_at)
{
	static const char other[] = "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=From; "
				    "bh=" DKIM_SIGN_NO_HASH "; b=AAAA; l=%02zu\r\n";
	char p[4096], record[8192], *text, *sent;
	const struct dkim_case_key key = {"sel._domainkey.example.org", record};

	dkim_sign_public(rsa, false, p);
	snprintf(record, sizeof(record), "p=%s", p);
	for (size_t others = DKIM_SIGNATURES_MOST - 1; others <= DKIM_SIGNATURES_MOST; others++) {
		bool few = others < DKIM_SIGNATURES_MOST;
		struct dkim_case c;
		size_t len = 0;

		text = calloc(1, sizeof(other) * others + sizeof(letter));
		for (size_t i = 0; i < others; i++)
			sprintf(text + strlen(text), other, i);
		strcat(text, letter);
		len = strlen(text);
		/* It covers all of them, and so shows whether they were seen. */
		sent = dkim_sign(HEAD(RSA) "h=From:DKIM-Signature:DKIM-Signature:DKIM-Signature:"
					   "DKIM-Signature",
			rsa, text, &len);
		for (size_t e = 0; e < 2; e++) {
			dkim_case_init(&c, sent, len, true);
			dkim_case_verify(&c, engines[e], "example.org", NOW, 100, &key, 1,
				&dkim_case_strict);
			ck_assert_int_eq(c.all[0].code, (e == 0 || few) ? DKIM_PASS : DKIM_FAIL);
			dkim_case_fini(&c);
		}
		free(sent);
		free(text);
	}
}
END_TEST

#define MANY 1000u

static size_t shown;

int dkim_header(void *dkim, unsigned char *text, size_t len);

/* In the place of the library's, whose header has a dkim_sign(), too. */
int
dkim_header(void *dkim, unsigned char *text, size_t len)
{
	int (*real)(void *, unsigned char *, size_t);

	*(void **)&real = dlsym(RTLD_NEXT, "dkim_header");
	shown++;
	return real(dkim, text, len);
}

/* The library looks through all fields that it sees for each name of h=, and these are many. */
START_TEST(the_library_is_not_shown_fields_that_nobody_signed)
{
	static struct canon_field fields[MANY];
	static const char record[] = KEY_8463_ED25519;
	static char value[8192] =
		"v=1; a=ed25519-sha256; d=a.test; s=s; bh=" DKIM_SIGN_NO_HASH "; b=AAAA; h=From";
	static struct dkim_signature signature;
	struct dkim_job *jobs[] = {&signature.job};
	const struct dkim_message m = {fields, MANY, jobs, 1};

	for (unsigned i = 0; i < 255; i++)
		snprintf(value + strlen(value), sizeof(value) - strlen(value), ":x%x", i);
	fields[0] = (struct canon_field){"DKIM-Signature", value, 14, strlen(value)};
	fields[1] = (struct canon_field){"From", " a@a.test", 4, 9};
	for (size_t i = 2; i < MANY; i++)
		fields[i] = (struct canon_field){"X", " y", 1, 2};
	dkim_judge_field(&signature, &fields[0], 0, NOW);
	ck_assert(dkim_judge_open(&signature));
	shown = 0;
	void *running = dkim_opendkim.begin(&m);

	signature.job.key = dkim_key_get(record, strlen(record));
	dkim_opendkim.finish(running);
	ck_assert_int_eq(signature.job.check, DKIM_CHECK_SIGNATURE);
	ck_assert_uint_eq(shown, 2);
	dkim_opendkim.end(running);
	dkim_key_drop(signature.job.key);
}
END_TEST

/* Two of the same kind share a hash of the body. */
START_TEST(signatures_share_hashes_of_the_body)
{
	static const char *const tags[] = {"c=simple/relaxed", "c=relaxed/relaxed", "c=simple",
		"c=relaxed/simple", "l=5", "l=5; c=relaxed/simple", "l=6"};
	struct dkim_signature all[7];
	struct dkim_job *jobs[7];
	const struct dkim_message m = {.jobs = jobs, .job_count = 7};
	char value[7][256];

	for (size_t i = 0; i < 7; i++) {
		struct canon_field f = {"DKIM-Signature", value[i], 14, 0};

		f.len = (size_t)snprintf(value[i], sizeof(value[i]),
			"v=1; a=rsa-sha256; d=a.test; s=s; h=From; bh=%s; b=AAAA; %s",
			DKIM_SIGN_NO_HASH, tags[i]);
		dkim_judge_field(&all[i], &f, i, NOW);
		ck_assert(dkim_judge_open(&all[i]));
		jobs[i] = &all[i].job;
	}
	ck_assert_uint_eq(dkim_body_hashes(&m), 4);
	ck_assert_uint_eq(dkim_body_of(&m, 1), 0);
	ck_assert_uint_eq(dkim_body_of(&m, 5), 4);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim_verify");
	TCase *tc = tcase_create("dkim_verify");

	tcase_add_unchecked_fixture(tc, make_keys, drop_keys);

	tcase_add_loop_test(tc, examples_of_the_standards, 0, LENGTH(examples));
	tcase_add_loop_test(tc, signatures_of_every_kind, 0, LENGTH(kinds));
	tcase_add_loop_test(tc, a_signature_with_letters_above_ascii, 0, LENGTH(above));
	tcase_add_test(tc, a_signature_beside_one_with_letters_above_ascii);
	tcase_add_loop_test(tc, what_the_administrator_decides, 0, LENGTH(policies));
	tcase_add_test(tc, others_are_not_harmed_by_one_that_dns_cannot_tell);
	tcase_add_test(tc, one_that_is_left_out_says_nothing_of_another);
	tcase_add_test(tc, a_copy_of_a_signature_is_not_taken_for_it);
	tcase_add_test(tc, at_most_eight_and_those_of_the_author_first);
	tcase_add_test(tc, the_library_is_not_shown_more_signatures_than_are_looked_at);
	tcase_add_test(tc, the_library_is_not_shown_fields_that_nobody_signed);
	tcase_add_test(tc, signatures_share_hashes_of_the_body);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
