/* SPDX-License-Identifier: MIT */
/*
 * test_arc_plugin.c - plugins arc and arc_seal: whom they look at, what they say and what they do
 */
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>

#include "arc_case.h"
#include "base/clock.h"
#include "drive.h"

#define FIELDS_MOST 200

static struct drive d;
static struct arc_case c;
static char *texts[FIELDS_MOST];
static struct cm_header headers[FIELDS_MOST];
static size_t header_count;

/* --- the world --- */

static void
write_key(int who, const char *name)
{
	const char *path = drive_file(&d, name, "");
	FILE *f = fopen(path, "w");

	ck_assert_int_eq(
		PEM_write_PKCS8PrivateKey(f, c.signers[who].pkey, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	chmod(path, 0600);
}

static void
write_zone(void)
{
	char *zone;
	size_t len;
	FILE *f = open_memstream(&zone, &len);

	for (int i = 0; i < 4; i++) {
		if (c.late[i])
			fprintf(f, "s._domainkey.%s.example timeout\n", arc_names[i]);
		else if (!c.absent[i])
			fprintf(f, "s._domainkey.%s.example TXT \"%s\"\n", arc_names[i],
				c.records[i]);
	}
	/* A key and what is none; two keys. */
	fprintf(f, "s._domainkey.noise.example TXT \"v=spf1 -all\"\n");
	fprintf(f, "s._domainkey.noise.example TXT \"%s\"\n", c.records[0]);
	fprintf(f, "s._domainkey.twice.example TXT \"%s\"\n", c.records[0]);
	fprintf(f, "s._domainkey.twice.example TXT \"%s\"\n", c.records[1]);
	fprintf(f, "_dmarc.example.org TXT \"v=DMARC1; p=reject\"\n");
	fclose(f);
	drive_file(&d, "zone", zone);
	free(zone);
}

/* Fields as an MTA gives them: without the blank behind the colon. */
static void
cut_headers(void)
{
	struct arc_message m;

	arc_message_split(&m, strdup(c.text), strlen(c.text));
	ck_assert_uint_le(m.count, FIELDS_MOST);
	for (header_count = 0; header_count < m.count; header_count++) {
		const struct canon_field *f = &m.fields[header_count];
		const char *value = f->value[0] == ' ' ? f->value + 1 : f->value;

		ck_assert_int_gt(asprintf(&texts[header_count], "%.*s%c%s", (int)f->name_len,
					 f->name, 0, value),
			0);
		headers[header_count] = (struct cm_header){
			texts[header_count], texts[header_count] + f->name_len + 1};
	}
	arc_message_free(&m);
}

/* Lines of the body that end in CRLF. */
static char *
body_of(const char *text)
{
	const char *p = strstr(text, "\n\n") + 2;
	char *out = malloc(2 * strlen(p) + 1), *to = out;

	for (; *p != '\0'; p++) {
		if (*p == '\n')
			*to++ = '\r';
		*to++ = *p;
	}
	*to = '\0';
	return out;
}

static void
load(const char *chain, const char *arc, const char *seal)
{
	char dir[PATH_MAX], *text;

	write_zone();
	write_key(3, "key.pem");
	drive_file(&d, "sealers", "one.example yes\n");
	drive_file(&d, "forwards", "list@one.example yes\n@two.example yes\n");
	drive_plugin_dir(dir, false);
	ck_assert_int_gt(asprintf(&text,
				 "main { plugin_dir = \"%s\"; authserv_id = mx.test\n"
				 "       trusted_networks = [ 192.0.2.0/24 ] }\n"
				 "listener l { socket = inet:10025@127.0.0.1 }\n"
				 "dns { zone = zone }\n"
				 "map sealers { source = sealers }\n"
				 "map forwards { source = forwards }\n"
				 "profile all { chain = [ %s ] }\n"
				 "plugin arc { %s }\n"
				 "plugin arc_seal { domain = four.example; selector = s\n"
				 "    key_file = key.pem\n%s }\n"
				 "plugin auth_results { }\n",
				 dir, chain, arc, seal),
		0);
	drive_load_text(&d, text);
	free(text);
}

static enum cm_verdict
send_from(const char *ip, const char *login, const char *rcpt)
{
	char *body = body_of(c.text);
	enum cm_verdict v;

	ck_assert_msg(d.g != NULL, "%s", d.mistakes);
	drive_open(&d);
	drive_connect(&d, ip, "client.example.net", "25");
	drive_helo(&d, "client.example.net");
	drive_mail(&d, "<ann@example.org>", login, NULL);
	drive_rcpt(&d, rcpt);
	cut_headers();
	v = drive_content(&d, headers, header_count, body);
	free(body);
	return v;
}

static void
begin(const char *story)
{
	char *copy = strdup(story);

	drive_init(&d);
	clock_freeze(ARC_NOW);
	arc_case_init(&c);
	arc_case_tell(&c, copy);
	/* What it records points into the copy. */
	c.results = NULL;
	free(copy);
}

static void
end(void)
{
	for (size_t i = 0; i < header_count; i++)
		free(texts[i]);
	header_count = 0;
	drive_fini(&d);
	arc_case_fini(&c);
	clock_thaw();
}

static const char *
result(const char *key)
{
	const char *value = session_result(d.s, "arc", key);

	return value == NULL ? "" : value;
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

/* --- arc ----------------------------------------------------------------------------------------
 */

#define DMARC "it records dmarc=pass header.from=example.org, "

static const struct {
	const char *story, *options;
	enum cm_verdict verdict;
	const char *result, *reply;
} mails[] = {
	{"", "", CM_CONTINUE, "none", ""},
	{"", "fail = reject; temperror = tempfail", CM_CONTINUE, "none", ""},
	{"one seals", "fail = reject", CM_CONTINUE, "pass", ""},
	{"one seals, two seals", "fail = reject", CM_CONTINUE, "pass", ""},
	{"one seals, the body changes", "", CM_CONTINUE, "fail", ""},
	{"one seals, the body changes", "fail = reject", CM_REJECT, "fail",
		"550 5.7.29 ARC validation failure: the message signature of one.example: the body "
		"is not what was signed"},
	{"one seals, the body changes", "fail = tempfail", CM_TEMPFAIL, "fail",
		"451 4.7.29 ARC validation failure: the message signature of one.example: the body "
		"is not what was signed"},
	{"one seals as pass", "fail = reject", CM_REJECT, "fail",
		"550 5.7.29 ARC validation failure: cv=pass cannot be"},
	{"one seals, the key of one is late", "fail = reject", CM_CONTINUE, "fail", ""},
	{"one seals, the key of one is late", "temperror = tempfail", CM_TEMPFAIL, "fail",
		"451 4.4.3 ARC validation failure: the message signature of one.example: DNS did "
		"not answer in time for the key"},
	{"one seals, the key of one is gone", "fail = reject", CM_REJECT, "fail",
		"550 5.7.29 ARC validation failure: the message signature of one.example: there is "
		"no such key in DNS"},
	{"one seals, change d=one to d=noise, change d=one to d=noise", "fail = reject", CM_REJECT,
		"fail",
		"550 5.7.29 ARC validation failure: the message signature of noise.example: the "
		"header is not what was signed, or the key is another"},
	{"one seals, change d=one to d=twice, change d=one to d=twice", "fail = reject", CM_REJECT,
		"fail",
		"550 5.7.29 ARC validation failure: the message signature of twice.example: DNS "
		"has several keys under that name"},
};

START_TEST(what_becomes_of_mail)
{
	enum cm_verdict v;

	begin(mails[_i].story);
	load("arc, auth_results", mails[_i].options, "seal_for = all");
	v = send_from("203.0.113.7", NULL, "<bob@example.com>");
	ck_assert_msg(v == mails[_i].verdict, "%s, %s: verdict %d", mails[_i].story,
		mails[_i].options, v);
	ck_assert_str_eq(result("result"), mails[_i].result);
	ck_assert_str_eq(drive_reply(&d), mails[_i].reply);
	end();
}
END_TEST

static const struct {
	const char *story, *options, *key, *value;
} results[] = {
	{"one seals, two seals", "", "sealer", "two.example"},
	{"one seals, two seals", "", "sealers", "two.example,one.example"},
	{"one seals, two seals", "", "oldest_pass", "0"},
	{"one seals, two seals", "", "sets", "2"},
	{"one seals, the body changes, two seals as pass", "", "oldest_pass", "2"},
	/* What failed proves nothing, so it names nobody. */
	{"one seals, the body changes", "", "sealer", ""},
	{"one seals, the body changes", "", "oldest_pass", ""},
	{"one seals, the body changes", "", "instance", "1"},
	{"one seals, the body changes", "trusted_sealers = [ one.example ]", "dmarc", ""},
	{"one seals, the key of one is late", "", "temporary", "yes"},
	{"one seals, the body changes", "", "temporary", ""},
	/* What cannot be verified now is called so. */
	{DMARC "one seals, the key of one is late", "trusted_sealers = [ one.example ]",
		"unverified", "one.example"},
	{DMARC "one seals, the key of one is late", "trusted_sealers = [ one.example ]",
		"unverified_dmarc", "pass"},
	{DMARC "one seals, the key of one is late", "trusted_sealers = [ one.example ]",
		"unverified_dmarc_from", "example.org"},
	{DMARC "one seals, the key of one is late", "trusted_sealers = [ one.example ]", "dmarc",
		""},
	{DMARC "one seals, the key of one is late", "trusted_sealers = [ one.example ]", "trusted",
		""},
	{DMARC "one seals, two seals, the key of two is late", "trusted_sealers = [ one.example ]",
		"unverified", "one.example"},
	{DMARC "one seals, the key of one is late", "trusted_sealers = [ two.example ]",
		"unverified", ""},
	{DMARC "one seals, the body changes", "trusted_sealers = [ one.example ]", "unverified",
		""},
	{DMARC "one seals, two seals, the key of two is late, the key of one is gone",
		"trusted_sealers = [ one.example ]", "unverified", ""},
	{DMARC "one seals", "trusted_sealers = [ one.example ]", "unverified", ""},
	/* Trust. */
	{DMARC "one seals", "", "dmarc", ""},
	{DMARC "one seals", "", "trusted", ""},
	{DMARC "one seals", "trusted_sealers = [ One.Example ]", "dmarc", "pass"},
	{DMARC "one seals", "trusted_sealers = [ one.example ]", "dmarc_from", "example.org"},
	{DMARC "one seals", "trusted_sealers = [ one.example ]", "trusted", "one.example"},
	{DMARC "one seals", "trusted_sealers = [ sub.one.example ]", "trusted", ""},
	{DMARC "one seals", "trusted_sealer_map = sealers", "dmarc", "pass"},
	{DMARC "two seals", "trusted_sealer_map = sealers", "dmarc", ""},
	{"it records spf=softfail; dkim=pass, one seals", "trusted_sealers = [ one.example ]",
		"spf", "softfail"},
	{"it records spf=softfail; dkim=pass, one seals", "trusted_sealers = [ one.example ]",
		"dkim", "pass"},
};

START_TEST(what_others_read)
{
	begin(results[_i].story);
	load("arc", results[_i].options, "seal_for = all");
	send_from("203.0.113.7", NULL, "<bob@example.com>");
	ck_assert_msg(strcmp(result(results[_i].key), results[_i].value) == 0,
		"%s, %s: %s is \"%s\"", results[_i].story, results[_i].options, results[_i].key,
		result(results[_i].key));
	end();
}
END_TEST

/* The message is of example.org, which wants what fails refused, and nobody vouches for it here. */
static const struct {
	const char *what, *story, *options; /* of dmarc */
	enum cm_verdict verdict;
	const char *dmarc, *reply;
} forwarded[] = {
	{"a sealer whom we trust says pass", DMARC "one seals", "", CM_CONTINUE, "fail", ""},
	{"its chain is broken", DMARC "one seals, the body changes", "", CM_REJECT, "fail",
		"550 5.7.26 Unauthenticated email from example.org is not accepted due to the "
		"domain's DMARC policy"},
	{"its key cannot be had now", DMARC "one seals, the key of one is late", "", CM_TEMPFAIL,
		"temperror",
		"451 4.4.3 DMARC of example.org cannot be checked now, please try again later "
		"(one.example: DNS does not tell all keys of the ARC chain that it has sealed)"},
	{"the key of who sealed behind it cannot be had now",
		DMARC "one seals, two seals, the key of two is late", "", CM_TEMPFAIL, "temperror",
		"451 4.4.3 DMARC of example.org cannot be checked now, please try again later "
		"(one.example: DNS does not tell all keys of the ARC chain that it has sealed)"},
	{"the settings let such mail go on", DMARC "one seals, the key of one is late",
		"temperror = none", CM_CONTINUE, "temperror", ""},
	{"nothing becomes of mail that fails", DMARC "one seals, the key of one is late",
		"p_reject = none", CM_CONTINUE, "fail", ""},
	{"the client is an exception", DMARC "one seals, the key of one is late",
		"skip_for = [ 203.0.113.7 ]", CM_CONTINUE, "fail", ""},
	{"dmarc trusts others", DMARC "one seals, the key of one is late",
		"trusted_sealers = [ two.example ]", CM_REJECT, "fail",
		"550 5.7.26 Unauthenticated email from example.org is not accepted due to the "
		"domain's DMARC policy"},
	{"it found another author",
		"it records dmarc=pass header.from=example.net, one seals, the key of one is late",
		"", CM_REJECT, "fail",
		"550 5.7.26 Unauthenticated email from example.org is not accepted due to the "
		"domain's DMARC policy"},
	{"nobody can read which author it found",
		"it records dmarc=pass header.from=\"example org\", one seals", "", CM_REJECT,
		"fail",
		"550 5.7.26 Unauthenticated email from example.org is not accepted due to the "
		"domain's DMARC policy"},
	{"it found that it fails",
		"it records dmarc=fail header.from=example.org, one seals, the key of one is late",
		"", CM_REJECT, "fail",
		"550 5.7.26 Unauthenticated email from example.org is not accepted due to the "
		"domain's DMARC policy"},
	{"somebody else's key cannot be had now", DMARC "two seals, the key of two is late", "",
		CM_REJECT, "fail",
		"550 5.7.26 Unauthenticated email from example.org is not accepted due to the "
		"domain's DMARC policy"},
};

/* A fault of DNS neither passes nor refuses, whatever the settings of arc. */
START_TEST(what_dmarc_makes_of_a_chain)
{
	char sections[256];
	const char *dmarc;
	enum cm_verdict v;

	snprintf(sections, sizeof(sections), "seal_for = all }\nplugin dmarc { need_dkim = no\n%s",
		forwarded[_i].options);
	begin(forwarded[_i].story);
	load("arc, dmarc", "trusted_sealers = [ one.example ]", sections);
	v = send_from("203.0.113.7", NULL, "<bob@example.com>");
	ck_assert_msg(v == forwarded[_i].verdict, "%s: verdict %d, %s", forwarded[_i].what, v,
		drive_reply(&d));
	dmarc = session_result(d.s, "dmarc", "result");
	ck_assert_msg(dmarc != NULL && strcmp(dmarc, forwarded[_i].dmarc) == 0, "%s: %s",
		forwarded[_i].what, dmarc);
	ck_assert_str_eq(drive_reply(&d), forwarded[_i].reply);
	end();
}
END_TEST

static const struct {
	const char *story, *field;
} fields[] = {
	{"", "mx.test;\n\tarc=none"},
	{"one seals", "mx.test;\n\tarc=pass smtp.remote-ip=203.0.113.7 header.oldest-pass=0"},
	{"one seals, the body changes, two seals as pass",
		"mx.test;\n\tarc=pass smtp.remote-ip=203.0.113.7 header.oldest-pass=2"},
	{"one seals as pass",
		"mx.test;\n\tarc=fail reason=\"cv=pass cannot be\" smtp.remote-ip=203.0.113.7"},
};

START_TEST(what_authentication_results_say)
{
	begin(fields[_i].story);
	load("arc, auth_results", "", "seal_for = all");
	send_from("203.0.113.7", NULL, "<bob@example.com>");
	ck_assert_str_eq(field("Authentication-Results"), fields[_i].field);
	end();
}
END_TEST

START_TEST(a_tag_says_why)
{
	begin("one seals, the subject changes");
	load("arc", "fail = tag", "seal_for = all");
	send_from("203.0.113.7", NULL, "<bob@example.com>");
	ck_assert_str_eq(field("X-ARC-Result"),
		"fail (the message signature of one.example: the header is not what was signed, or "
		"the key is another)");
	end();
}
END_TEST

static const struct {
	const char *ip, *login, *options, *result;
} clients[] = {
	{"203.0.113.7", NULL, "", "pass"},
	{"192.0.2.7", NULL, "", ""},
	{"192.0.2.7", NULL, "skip_trusted = no", "pass"},
	{"203.0.113.7", "ann", "", ""},
	{"203.0.113.7", "ann", "skip_authenticated = no", "pass"},
	{"203.0.113.7", NULL, "skip_for = 203.0.113.7", ""},
	{NULL, NULL, "", ""},
};

START_TEST(who_is_left_alone)
{
	begin("one seals");
	load("arc", clients[_i].options, "seal_for = all");
	send_from(clients[_i].ip, clients[_i].login, "<bob@example.com>");
	ck_assert_str_eq(result("result"), clients[_i].result);
	end();
}
END_TEST

/* --- arc_seal -----------------------------------------------------------------------------------
 */

/* The message as it is with what was inserted, and what its chain is then. */
static void
check_sealed(struct arc_result *r)
{
	char *text = strdup(c.text), *next;

	for (size_t i = 0; i < d.answer.edit_count; i++) {
		const struct edit *e = d.answer.edits[i];

		if (e->kind != EDIT_INSERT_HEADER || strncmp(e->name, "ARC-", 4) != 0)
			continue;
		ck_assert_int_gt(asprintf(&next, "%s: %s\n%s", e->name, e->value, text), 0);
		free(text);
		text = next;
	}
	arc_case_check(&c, text, strlen(text), r);
	free(text);
}

static const struct {
	const char *what, *story, *chain, *options, *rcpt;
	const char *cv; /* "": not sealed */
	enum arc_status status;
} sealed[] = {
	{"the first", "", "arc, arc_seal", "seal_for = all", "<b@x.test>", "none", ARC_PASS},
	{"no link before it", "", "arc_seal", "seal_for = all", "<b@x.test>", "none", ARC_PASS},
	{"the third", "one seals, two seals", "arc, arc_seal, auth_results", "seal_for = all",
		"<b@x.test>", "pass", ARC_PASS},
	{"a chain that fails", "one seals, the body changes", "arc, arc_seal", "seal_for = all",
		"<b@x.test>", "fail", ARC_FAIL},
	{"a chain that is dead", "one seals as fail", "arc, arc_seal", "seal_for = all",
		"<b@x.test>", "", ARC_FAIL},
	{"a chain nobody has looked at", "one seals", "arc_seal", "seal_for = all", "<b@x.test>",
		"", ARC_PASS},
	{"a key that is late", "one seals, the key of one is late", "arc, arc_seal",
		"seal_for = all", "<b@x.test>", "", ARC_FAIL},
	{"it stays", "", "arc, arc_seal", "local_domains = [ example.com ]", "<b@Example.com>", "",
		ARC_NONE},
	{"it leaves", "", "arc, arc_seal", "local_domains = [ example.com ]", "<b@x.test>", "none",
		ARC_PASS},
	{"postmaster stays", "", "arc, arc_seal", "local_domains = [ example.com ]", "<postmaster>",
		"", ARC_NONE},
	{"it is forwarded", "", "arc, arc_seal", "forwards = forwards", "<list@one.example>",
		"none", ARC_PASS},
	{"it is not", "", "arc, arc_seal", "forwards = forwards", "<ann@one.example>", "",
		ARC_NONE},
	{"a local domain that is forwarded", "", "arc, arc_seal",
		"forwards = forwards; local_domains = [ two.example ]", "<b@two.example>", "none",
		ARC_PASS},
};

START_TEST(what_is_sealed)
{
	const char *cv;
	struct arc_result r;

	begin(sealed[_i].story);
	load(sealed[_i].chain, "", sealed[_i].options);
	ck_assert_int_eq(send_from("203.0.113.7", NULL, sealed[_i].rcpt), CM_CONTINUE);
	cv = session_result(d.s, "arc_seal", "cv");
	ck_assert_msg(strcmp(cv == NULL ? "" : cv, sealed[_i].cv) == 0, "%s: cv=%s",
		sealed[_i].what, cv == NULL ? "" : cv);
	ck_assert_msg((field("ARC-Seal")[0] != '\0') == (cv != NULL), "%s", sealed[_i].what);
	check_sealed(&r);
	ck_assert_msg(r.status == sealed[_i].status, "%s: %s (%s)", sealed[_i].what,
		arc_status_name(r.status), r.reason);
	end();
}
END_TEST

START_TEST(the_set_records_what_links_have_found)
{
	begin("one seals");
	load("arc, arc_seal", "", "seal_for = all");
	send_from("203.0.113.7", NULL, "<bob@example.com>");
	ck_assert_str_eq(field("ARC-Authentication-Results"),
		"i=2; mx.test;\n\tarc=pass smtp.remote-ip=203.0.113.7 header.oldest-pass=0");
	ck_assert_ptr_nonnull(strstr(field("ARC-Seal"), "i=2; a=ed25519-sha256; cv=pass; "));
	ck_assert_ptr_nonnull(
		strstr(field("ARC-Message-Signature"), "h=from:from:to:subject:dkim-signature;"));
	end();
}
END_TEST

/* Nobody reads a dead chain, so its newest set is read by hand: the seal signs that one alone. */
static bool
seals_itself(const struct arc_set *set, const char *record)
{
	const struct canon_field *seal = set->fields[ARC_SEAL];
	const struct dkim_key *key = dkim_key_get(record, strlen(record));
	unsigned char hash[DIGEST_SIZE];
	struct dkim_sig sig;
	struct digest digest;
	const char *why;
	bool good;

	ck_assert(dkim_sig_read(&sig, DKIM_SIG_ARC_SEAL, seal->value, seal->len, &why));
	ck_assert(digest_init(&digest));
	for (int kind = ARC_RESULTS; kind <= ARC_MESSAGE; kind++) {
		canon_field(&digest, CANON_RELAXED, set->fields[kind], 0, 0);
		digest_put(&digest, "\r\n", 2);
	}
	canon_field(&digest, CANON_RELAXED, seal, sig.b_from, sig.b_to);
	ck_assert(digest_end(&digest, hash));
	digest_fini(&digest);
	good = dkim_key_verify(key, hash, sig.octets, sig.octet_count);
	dkim_key_drop(key);
	return good;
}

/* Section 5.1.2. */
START_TEST(a_broken_chain_is_sealed_without_it)
{
	struct arc_chain chain;
	struct arc_message m;
	char *text;

	begin("one seals, the body changes");
	load("arc, arc_seal", "", "seal_for = all");
	send_from("203.0.113.7", NULL, "<bob@example.com>");
	ck_assert_int_gt(asprintf(&text,
				 "ARC-Seal: %s\nARC-Message-Signature: %s\n"
				 "ARC-Authentication-Results: %s\n\n",
				 field("ARC-Seal"), field("ARC-Message-Signature"),
				 field("ARC-Authentication-Results")),
		0);
	arc_message_split(&m, text, strlen(text));
	ck_assert(arc_chain_init(&chain, m.fields, m.count));
	ck_assert_uint_eq(chain.newest, 2);
	ck_assert(seals_itself(&chain.sets[1], c.records[3]));
	arc_chain_fini(&chain);
	arc_message_free(&m);
	end();
}
END_TEST

/* becomes: what the edit makes of the message, as a clause of a story; NULL: it is not sealed. */
static const struct {
	const char *what, *story, *edit, *becomes;
} edits[] = {
	{"a field that is not signed", "", "add_header X-Checked: yes", ""},
	{"a prefix of the subject", "", "prefix_subject [list] ", "the subject changes"},
	{"a prefix, and a chain that passes", "one seals", "prefix_subject [list] ",
		"the subject changes"},
	{"another subject", "", "set_header 1 Subject: other",
		"change Subject: hello to Subject: other"},
	{"a field less", "", "remove_header 1 DKIM-Signature",
		"change DKIM-Signature: v=1; d=example.org\n to "},
	{"a field more", "", "add_header Reply-To: list@one.example",
		"change d=example.org\n to d=example.org\nReply-To: list@one.example\n"},
	{"another body", "", "replace_body Hello\\n\\nAnn.\\n", "the body changes"},
	{"a set less", "one seals", "remove_header 1 ARC-Seal", NULL},
	{"a set of its own", "", "insert_header 0 ARC-Seal: i=1; cv=none", NULL},
};

/* A seal that the next server finds broken is worse than none. */
START_TEST(what_another_link_changes_is_sealed_as_it_is_sent)
{
	bool wanted = edits[_i].becomes != NULL;
	char sections[256];
	struct arc_result r;

	snprintf(sections, sizeof(sections),
		"seal_for = all }\nplugin edits { type = trace; answer = [ \"eom %s\" ]",
		edits[_i].edit);
	begin(edits[_i].story);
	load("arc, edits, arc_seal", "", sections);
	ck_assert_int_eq(send_from("203.0.113.7", NULL, "<bob@example.com>"), CM_CONTINUE);
	ck_assert_uint_ge(d.answer.edit_count, 1);
	ck_assert_msg(
		(session_result(d.s, "arc_seal", "cv") != NULL) == wanted, "%s", edits[_i].what);
	if (wanted) {
		char *becomes = strdup(edits[_i].becomes);

		arc_case_tell(&c, becomes);
		free(becomes);
		check_sealed(&r);
		ck_assert_msg(r.status == ARC_PASS, "%s: %s (%s)", edits[_i].what,
			arc_status_name(r.status), r.reason);
	}
	end();
}
END_TEST

/* Two sets of one number are no chain. */
START_TEST(a_message_gets_one_set)
{
	struct arc_result r;

	begin("");
	load("arc, arc_seal, again", "",
		"seal_for = all }\n"
		"plugin again { type = arc_seal; domain = four.example; selector = s\n"
		"    key_file = key.pem; seal_for = all");
	ck_assert_int_eq(send_from("203.0.113.7", NULL, "<bob@example.com>"), CM_CONTINUE);
	check_sealed(&r);
	ck_assert_msg(r.status == ARC_PASS, "%s", r.reason);
	end();
}
END_TEST

/* --- settings that are refused --- */

#define NAME_OF_127                                                        \
	"a234567890123456789012345678901234567890123456789012345678901234" \
	"a23456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *arc, *seal, *mistake;
} mistakes[] = {
	{"trusted_sealers = [ example ]", "seal_for = all",
		"\"example\" is not a domain of seals (d=), such as lists.example.org"},
	{"trusted_sealers = [ .one.example ]", "seal_for = all",
		"\".one.example\" is not a domain of seals (d=), such as lists.example.org"},
	{"trusted_sealers = [ one.example. ]", "seal_for = all",
		"\"one.example.\" is not a domain of seals (d=), such as lists.example.org"},
	{"trusted_sealers = [ one..example ]", "seal_for = all",
		"\"one..example\" is not a domain of seals (d=), such as lists.example.org"},
	{"trusted_sealers = [ \"@one.example\" ]", "seal_for = all",
		"\"@one.example\" is not a domain of seals (d=), such as lists.example.org"},
	{"tag_header = ARC-Result", "seal_for = all",
		"must be the name of a header field, such as X-ARC-Result"},
	{"tag_header = X-" NAME_OF_127, "seal_for = all",
		"must be the name of a header field, such as X-ARC-Result"},
	{"temperror = reject", "seal_for = all", "temperror"},
	{"", "", "seal_for = forwarded needs local_domains, forwards or both, to know what leaves"},
	{"", "local_domains = [ \".\" ]", "is not a domain, such as example.com"},
	{"", "seal_for = some", "seal_for"},
};

START_TEST(settings_that_make_no_sense_are_refused)
{
	begin("");
	load("arc, arc_seal", mistakes[_i].arc, mistakes[_i].seal);
	ck_assert_ptr_null(d.g);
	ck_assert_msg(strstr(d.mistakes, mistakes[_i].mistake) != NULL, "%s", d.mistakes);
	end();
}
END_TEST

#define LABEL_60 "a2345678901234567890123456789012345678901234567890123456789."

START_TEST(a_key_has_a_name_that_dns_can_have)
{
	static const char seal[] = "seal_for = all }\n"
				   "plugin again { type = arc_seal; domain = four.example\n"
				   "    key_file = key.pem; seal_for = all\n"
				   "    selector = " LABEL_60 LABEL_60 LABEL_60 LABEL_60 "s";

	begin("");
	load("arc, arc_seal, again", "", seal);
	ck_assert_ptr_null(d.g);
	ck_assert_msg(strstr(d.mistakes, "four.example: a name in DNS has at most 253 octets; "
					 "choose a shorter selector") != NULL,
		"%s", d.mistakes);
	end();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("arc_plugin");
	TCase *tc = tcase_create("arc"), *seal = tcase_create("arc_seal");

	tcase_add_loop_test(tc, what_becomes_of_mail, 0, LENGTH(mails));
	tcase_add_loop_test(tc, what_others_read, 0, LENGTH(results));
	tcase_add_loop_test(tc, what_dmarc_makes_of_a_chain, 0, LENGTH(forwarded));
	tcase_add_loop_test(tc, what_authentication_results_say, 0, LENGTH(fields));
	tcase_add_test(tc, a_tag_says_why);
	tcase_add_loop_test(tc, who_is_left_alone, 0, LENGTH(clients));
	suite_add_tcase(suite, tc);
	tcase_add_loop_test(seal, what_is_sealed, 0, LENGTH(sealed));
	tcase_add_test(seal, the_set_records_what_links_have_found);
	tcase_add_test(seal, a_broken_chain_is_sealed_without_it);
	tcase_add_loop_test(
		seal, what_another_link_changes_is_sealed_as_it_is_sent, 0, LENGTH(edits));
	tcase_add_test(seal, a_message_gets_one_set);
	tcase_add_loop_test(seal, settings_that_make_no_sense_are_refused, 0, LENGTH(mistakes));
	tcase_add_test(seal, a_key_has_a_name_that_dns_can_have);
	suite_add_tcase(suite, seal);
	return table_run(suite);
}
