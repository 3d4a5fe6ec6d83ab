/* SPDX-License-Identifier: MIT */
/*
 * test_dkim_signing.c - plugin dkim as a signer: whose mail, as whom, and what the signature covers
 *
 * Each message is made as the mail server would make it of the edits, and its signatures are
 * verified in the plain way of RFC 6376 section 6.1.
 */
#include <stdio.h>

#include "../../plugins/lib/dkim_hash.h"
#include "../../plugins/lib/dkim_key.h"
#include "base/clock.h"
#include "dkim_keys.h"
#include "drive.h"
#include "table.h"

#define FIELDS_MOST 64

#define FIELD(n, v)                       \
	{                                 \
		.name = (n), .value = (v) \
	}

static const char table[] = "example.com          example.com  rsa ed\n"
			    "news@example.com     example.com  rsa\n"
			    ".example.com         example.com  ed\n"
			    "example.net          example.net  ed\n"
			    "later.example        example.net  ed@2999-01-01\n"
			    "<lists.example.net>  example.net  ed\n";

static const char maps[] =
	"map owners { entries = [ \"bob@example.com bob\", \"@bob.example.com bob\",\n"
	"    \"team@example.com bob, carol\", \"carol@example.com carol\",\n"
	"    \"x@lists.example.net lister\", \"a@example.net bob\" ] }\n";

/* --- a daemon with keys -------------------------------------------------------------------------
 */

struct world {
	struct drive d;
	char dir[96];
};

static void
world_files(struct world *w)
{
	drive_init(&w->d);
	snprintf(w->dir, sizeof(w->dir), "%s/dkim", w->d.dir);
	dkim_keys_write(w->dir, "example.com", "rsa", DKIM_KEYS_RSA);
	dkim_keys_write(w->dir, "example.com", "ed", DKIM_KEYS_ED25519);
	dkim_keys_write(w->dir, "example.net", "ed", DKIM_KEYS_ED25519);
	drive_file(&w->d, "signing.table", table);
}

/* before: what stands in the chain before dkim. */
static void
world_init(struct world *w, const char *settings, const char *before, const char *sections)
{
	char text[4096];

	world_files(w);
	snprintf(text, sizeof(text),
		"%s%sprofile all { chain = [ %s dkim ] }\n"
		"plugin dkim { sign_domains = signing.table; login_map = owners; "
		"recipient_delimiter = \"+\"; %s }\n",
		maps, sections, before, settings);
	drive_load(&w->d, text);
	drive_open(&w->d);
}

static void
world_fini(struct world *w)
{
	dkim_keys_remove(w->dir, "example.com", "rsa");
	dkim_keys_remove(w->dir, "example.com", "ed");
	dkim_keys_remove(w->dir, "example.net", "ed");
	drive_fini(&w->d);
}

/* A message in the words of the MTA; login NULL: none. */
struct mail {
	const char *ip, *login, *sender;
	const struct cm_header *fields;
	size_t count;
	const char *body;
};

static enum cm_verdict
send(struct world *w, const struct mail *m)
{
	drive_connect(&w->d, m->ip, "client.example.org", "587");
	drive_helo(&w->d, "client.example.org");
	drive_mail(&w->d, m->sender, m->login, NULL);
	drive_rcpt(&w->d, "<rcpt@example.org>");
	return drive_content(&w->d, m->fields, m->count, m->body);
}

static const char *
result(const struct world *w, const char *key)
{
	return session_result(w->d.s, "dkim", key);
}

/* --- a mail server that makes the edits, and a verifier
 * ------------------------------------------- */

struct made {
	size_t count;
	struct canon_field fields[FIELDS_MOST];
	const char *body;
	size_t body_len;
	char replaced[256];
};

/* The blank that the milter protocol leaves out is there again. */
static struct canon_field
field(const char *name, const char *value, bool glued)
{
	char *text = NULL;

	ck_assert_int_ge(asprintf(&text, "%s%s", glued ? "" : " ", value), 0);
	return (struct canon_field){name, text, strlen(name), strlen(text)};
}

static void
made_fini(struct made *made)
{
	for (size_t i = 0; i < made->count; i++)
		free((char *)(uintptr_t)made->fields[i].value);
}

static void
remove_at(struct made *made, size_t at)
{
	free((char *)(uintptr_t)made->fields[at].value);
	made->count--;
	memmove(&made->fields[at], &made->fields[at + 1],
		(made->count - at) * sizeof(*made->fields));
}

static void
insert_at(struct made *made, size_t at, const char *name, const char *value)
{
	if (at > made->count)
		at = made->count;
	memmove(&made->fields[at + 1], &made->fields[at],
		(made->count - at) * sizeof(*made->fields));
	made->fields[at] = field(name, value, false);
	made->count++;
}

static void
change(struct made *made, const struct edit *e)
{
	size_t n = e->index, at = 0;

	while (at < made->count && (strcasecmp(made->fields[at].name, e->name) != 0 || --n > 0))
		at++;
	ck_assert_uint_lt(at, made->count);
	remove_at(made, at);
	if (e->value != NULL)
		insert_at(made, at, e->name, e->value);
}

/* Lines of a new body may end in LF. */
static void
take_body(struct made *made, const char *text, size_t len)
{
	char *out = made->replaced;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			*out++ = '\r';
		*out++ = text[i];
	}
	made->body = made->replaced;
	made->body_len = (size_t)(out - made->replaced);
}

/* Of the mail: bit per field without a blank behind its colon. */
static unsigned glued_fields;

static void
make(struct made *made, const struct mail *m, const struct answer *a)
{
	*made = (struct made){.body = m->body, .body_len = strlen(m->body)};
	for (size_t i = 0; i < m->count; i++)
		made->fields[made->count++] =
			field(m->fields[i].name, m->fields[i].value, (glued_fields >> i & 1u) != 0);
	for (size_t i = 0; i < a->edit_count; i++) {
		const struct edit *e = a->edits[i];

		if (e->kind == EDIT_SET_HEADER)
			change(made, e);
		if (e->kind == EDIT_INSERT_HEADER)
			insert_at(made, e->index == 0 ? 0 : e->index - 1, e->name, e->value);
		if (e->kind == EDIT_ADD_HEADER)
			insert_at(made, made->count, e->name, e->value);
		if (e->kind != EDIT_BODY)
			continue;
		take_body(made, (const char *)e->data, e->len);
	}
}

static bool
body_good(const struct made *made, const struct dkim_sig *sig)
{
	unsigned char hash[DIGEST_SIZE];
	struct canon_body b;

	ck_assert(canon_body_init(&b, sig->body, sig->limit));
	canon_body_put(&b, made->body, made->body_len);
	ck_assert(canon_body_end(&b, hash));
	canon_body_fini(&b);
	return memcmp(hash, sig->hash, sizeof(hash)) == 0;
}

static bool
header_good(const struct made *made, size_t at, const struct dkim_sig *sig)
{
	const char *record = sig->algorithm == DKIM_SIG_RSA_SHA256 ? DKIM_KEYS_RSA_RECORD
								   : DKIM_KEYS_ED25519_RECORD;
	const struct dkim_key *key = dkim_key_get(record, strlen(record));
	unsigned char hash[DIGEST_SIZE];
	struct dkim_fields fields;
	bool good;

	ck_assert(dkim_fields_init(&fields, made->fields, made->count));
	ck_assert(dkim_hash(&fields, sig, at, hash));
	good = dkim_key_verify(key, hash, sig->octets, sig->octet_count);
	dkim_fields_fini(&fields);
	dkim_key_drop(key);
	return good;
}

/* "rsa.example.com ed.example.com", from the top; a bad one has its trouble in front. */
static void
verify(const struct made *made, char *out, size_t size)
{
	struct dkim_sig sig;
	const char *why;

	out[0] = '\0';
	for (size_t i = 0; i < made->count; i++) {
		const struct canon_field *f = &made->fields[i];
		size_t len = strlen(out);

		if (strcasecmp(f->name, "DKIM-Signature") != 0 || strstr(f->value, "foreign"))
			continue;
		ck_assert_msg(dkim_sig_read(&sig, DKIM_SIG_DKIM, f->value, f->len, &why), "%s: %s",
			why, f->value);
		ck_assert(sig.limit == CANON_ALL);
		snprintf(out + len, size - len, "%s%s%s%s.%s", len > 0 ? " " : "",
			body_good(made, &sig) ? "" : "BODY ",
			header_good(made, i, &sig) ? "" : "HEADER ", sig.selector, sig.domain);
	}
}

/* --- whose mail
 * ------------------------------------------------------------------------------------ */

#define BOTH "rsa.example.com ed.example.com"

static const struct {
	const char *what, *settings, *ip, *login, *sender, *from;
	const char *signers; /* "" none */
	const char *result;  /* NULL: it is no mail of ours */
} whose[] = {
	{"a login with its own address", "", "203.0.113.7", "bob", "<bob@example.com>",
		"Bob <bob@example.com>", BOTH, "signed"},
	{"a login in another case", "", "203.0.113.7", "BOB", "<bob@example.com>",
		"bob@example.com", BOTH, "signed"},
	{"an address with a tag", "", "203.0.113.7", "bob", "<bob@example.com>",
		"bob+tag@example.com", BOTH, "signed"},
	{"a domain of the login", "", "203.0.113.7", "bob", "<bob@example.com>",
		"any@bob.example.com", "ed.example.com", "signed"},
	{"a login with the address of another", "", "203.0.113.7", "bob", "<bob@example.com>",
		"carol@example.com", "", "unsigned"},
	{"another's address in front of the own", "", "203.0.113.7", "bob", "<bob@example.com>",
		"carol@example.com, bob@example.com", "", "unsigned"},
	{"another's address behind the own", "", "203.0.113.7", "bob", "<bob@example.com>",
		"bob@example.com, carol@example.com", "", "unsigned"},
	{"two authors of the login", "", "203.0.113.7", "bob", "<bob@example.com>",
		"team@example.com, bob@example.com", BOTH, "signed"},
	{"two authors of two domains", "", "203.0.113.7", "bob", "<bob@example.com>",
		"bob@example.com, a@example.net", "", "unsigned"},
	{"an address of the domain that is nobody's", "", "203.0.113.7", "bob", "<bob@example.com>",
		"root@example.com", "", "unsigned"},
	{"a login from a trusted client is a login", "", "127.0.0.1", "bob", "<bob@example.com>",
		"carol@example.com", "", "unsigned"},
	{"a domain that is not in the table", "", "127.0.0.1", NULL, "<a@example.org>",
		"a@example.org", "", "unsigned"},
	{"a domain whose selector has not begun", "", "127.0.0.1", NULL, "<a@later.example>",
		"a@later.example", "", "unsigned"},
	{"a trusted client", "", "127.0.0.1", NULL, "<a@example.com>", "carol@example.com", BOTH,
		"signed"},
	{"a local program", "sign_for = local", NULL, NULL, "<a@example.com>", "carol@example.com",
		BOTH, "signed"},
	{"a program over loopback", "sign_for = local", "127.0.0.1", NULL, "<a@example.com>",
		"carol@example.com", BOTH, "signed"},
	{"an address with a line of its own", "", "127.0.0.1", NULL, "<a@example.com>",
		"news@example.com", "rsa.example.com", "signed"},
	{"a bounce of ours", "", "127.0.0.1", NULL, "<>", "MAILER-DAEMON@example.com", BOTH,
		"signed"},
	{"a bounce in the name of a stranger", "", "127.0.0.1", NULL, "<>",
		"MAILER-DAEMON@example.org", "", "unsigned"},
	{"a stranger, whose mail is verified", "", "203.0.113.7", NULL, "<bob@example.com>",
		"bob@example.com", "", "none"},
	{"a login where logins are not signed for", "sign_for = [ trusted, local ]", "203.0.113.7",
		"bob", "<bob@example.com>", "bob@example.com", "", NULL},
	{"a trusted client where logins alone are signed for", "sign_for = logins", "127.0.0.1",
		NULL, "<a@example.com>", "carol@example.com", "", NULL},
	{"a list that sends on a stranger's mail", "", "127.0.0.1", NULL,
		"<list-bounces@lists.example.net>", "ann@example.org", "ed.example.net", "signed"},
	{"a list that sends on mail of ours", "", "127.0.0.1", NULL,
		"<list-bounces@lists.example.net>", "bob@example.com", BOTH, "signed"},
	{"a list by a login that owns it", "", "203.0.113.7", "lister", "<x@lists.example.net>",
		"ann@example.org", "ed.example.net", "signed"},
	{"a list by a login that does not own it", "", "203.0.113.7", "carol",
		"<x@lists.example.net>", "ann@example.org", "", "unsigned"},
	{"a list by a login, in the name of somebody here", "", "203.0.113.7", "lister",
		"<x@lists.example.net>", "bob@example.com", "", "unsigned"},
	{"a list by a login, in the name of somebody of its own domain", "", "203.0.113.7",
		"lister", "<x@lists.example.net>", "ceo@example.net", "", "unsigned"},
	{"a stranger in front of somebody here", "", "203.0.113.7", "lister",
		"<x@lists.example.net>", "ann@example.org, ceo@example.net", "", "unsigned"},
	{"a list by a login, in the name of a neighbour without a line", "", "203.0.113.7",
		"lister", "<x@lists.example.net>", "ceo@www.example.net", "", "unsigned"},
	{"a list by a login, in a spelling that becomes its domain elsewhere", "", "203.0.113.7",
		"lister", "<x@lists.example.net>", "ceo@\xef\xbd\x85xample.net", "", "unsigned"},
	{"a list of ours, in the name of a neighbour without a line", "", "127.0.0.1", NULL,
		"<x@lists.example.net>", "ceo@www.example.net", "ed.example.net", "signed"},
	{"a list that sends on mail of several domains of ours", "", "127.0.0.1", NULL,
		"<list-bounces@lists.example.net>", "bob@example.com, a@example.net", "",
		"unsigned"},
	{"no address in From:", "", "127.0.0.1", NULL, "<a@example.com>", "undisclosed:;", "",
		"unsigned"},
	{"a From: that cannot be read", "", "127.0.0.1", NULL, "<list-bounces@lists.example.net>",
		"<bob@example.com", "", "unsigned"},
};

static void
check_whose(int row, char *signers, size_t size)
{
	const struct cm_header fields[] = {FIELD("Subject", "hello"),
		FIELD("From", whose[row].from), FIELD("To", "rcpt@example.org")};
	const struct mail m = {
		whose[row].ip, whose[row].login, whose[row].sender, fields, 3, "text\r\n"};
	struct made made;
	struct world w;

	world_init(&w, whose[row].settings, "", "");
	ck_assert_int_eq(send(&w, &m), CM_CONTINUE);
	make(&made, &m, &w.d.answer);
	verify(&made, signers, size);
	const char *mail_result = result(&w, "result");

	ck_assert_msg(mail_result == NULL ? whose[row].result == NULL
					  : whose[row].result != NULL &&
						    strcmp(mail_result, whose[row].result) == 0,
		"%s: %s", whose[row].what, mail_result == NULL ? "not ours" : mail_result);
	made_fini(&made);
	world_fini(&w);
}

START_TEST(who)
{
	char signers[256];

	check_whose(_i, signers, sizeof(signers));
	ck_assert_msg(strcmp(signers, whose[_i].signers) == 0, "%s: %s", whose[_i].what, signers);
}
END_TEST

/* --- what is signed
 * -------------------------------------------------------------------------------- */

static const struct cm_header plain[] = {
	FIELD("Received", "from a by b"),
	FIELD("DKIM-Signature", "v=1; d=foreign.example; s=x; b=AAAA"),
	FIELD("From", "Bob <bob@example.com>"),
	FIELD("subject", "folded\n\tover  lines"),
	FIELD("To", "rcpt@example.org"),
	FIELD("Date", "Thu, 26 Nov 2026 10:00:00 +0000"),
	FIELD("Message-ID", "<1@example.com>"),
	FIELD("X-Other", "is not signed"),
};

static const struct {
	const char *what, *settings, *body;
} styles[] = {
	{"relaxed", "", "text\r\n"},
	{"relaxed with blanks", "", "a  b \t\r\n\r\n c\r\n\r\n\r\n"},
	{"an empty body", "", ""},
	{"empty lines alone", "", "\r\n\r\n"},
	{"no line break at the end", "", "text"},
	{"relaxed, simple", "sign_canonicalization = relaxed/simple", "a  b \r\n\r\n\r\n"},
	{"simple, relaxed", "sign_canonicalization = simple/relaxed", "a  b \r\n\r\n\r\n"},
	{"simple", "sign_canonicalization = simple/simple", "a  b \r\n\r\n\r\n"},
	{"simple with an empty body", "sign_canonicalization = simple/simple", ""},
	{"lines with dots in front", "", ".\r\n..\r\n.x\r\n"},
	{"eight bits", "", "gr\xc3\xbc\xc3\x9f\x65 \xff\xfe\r\n"},
	{"a CR inside of a line", "", "a\rb\r\n\r\r\n"},
	{"an LF inside of a line", "sign_canonicalization = simple/simple", "a\nb\r\n"},
};

START_TEST(style)
{
	const struct mail m = {
		"127.0.0.1", NULL, "<bob@example.com>", plain, LENGTH(plain), styles[_i].body};
	char signers[256];
	struct made made;
	struct world w;

	world_init(&w, styles[_i].settings, "", "");
	ck_assert_int_eq(send(&w, &m), CM_CONTINUE);
	make(&made, &m, &w.d.answer);
	verify(&made, signers, sizeof(signers));
	ck_assert_msg(strcmp(signers, BOTH) == 0, "%s: %s", styles[_i].what, signers);
	ck_assert_str_eq(result(&w, "signer"), "example.com");
	ck_assert_str_eq(result(&w, "selectors"), "rsa,ed");
	made_fini(&made);
	world_fini(&w);
}
END_TEST

/* Where the mail server tells blanks behind colons, the lack of one is signed. */
START_TEST(no_blank_behind_the_colon)
{
	static const char *const canons[] = {"relaxed/relaxed", "simple/simple"};
	const struct cm_header fields[] = {FIELD("From", "bob@example.com"),
		FIELD("To", "rcpt@example.org"), FIELD("Subject", "")};
	const struct mail m = {"127.0.0.1", NULL, "<bob@example.com>", fields, LENGTH(fields), "x"};
	char settings[64], signers[256];
	struct made made;
	struct world w;

	snprintf(settings, sizeof(settings), "sign_canonicalization = %s", canons[_i]);
	world_init(&w, settings, "", "");
	w.d.s->blanks = true;
	w.d.glued = glued_fields = 1u << 0 | 1u << 2;
	send(&w, &m);
	make(&made, &m, &w.d.answer);
	verify(&made, signers, sizeof(signers));
	ck_assert_str_eq(signers, BOTH);
	made_fini(&made);
	world_fini(&w);
}
END_TEST

/* The value of the upper signature. */
static const char *
upper(const struct world *w)
{
	const struct edit *e = w->d.answer.edits[w->d.answer.edit_count - 1];

	ck_assert_str_eq(e->name, "DKIM-Signature");
	ck_assert_uint_eq(e->index, 0);
	return e->value;
}

static const struct {
	const char *what, *settings;
	const char *has[4], *hasnot[2];
} tags[] = {
	{"what it says", "",
		{"v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=rsa;",
			"t=", "h=From:From:Subject:Subject:Date:Date:Message-ID:To;"},
		{"l=", "x="}},
	{"oversigned names", "oversign = [ From, Cc, X-Missing ]",
		{"h=From:From:Subject:Date:Message-ID:To:Cc:X-Missing;"}, {NULL}},
	{"a name twice in the list", "oversign = [ X-Other, x-other ]",
		{"h=From:Subject:Date:Message-ID:To:X-Other:X-Other;"}, {NULL}},
	{"nothing oversigned", "oversign = [ ]", {"h=From:Subject:Date:Message-ID:To;"},
		{"From:From"}},
	{"the end of it", "sign_expire = 10d", {" x="}, {NULL}},
	{"an end within the second", "sign_expire = 1ms", {" x="}, {NULL}},
};

START_TEST(tag)
{
	const struct mail m = {"127.0.0.1", NULL, "<bob@example.com>", plain, LENGTH(plain), "x"};
	struct world w;

	world_init(&w, tags[_i].settings, "", "");
	send(&w, &m);
	for (int i = 0; i < 4 && tags[_i].has[i] != NULL; i++)
		ck_assert_msg(strstr(upper(&w), tags[_i].has[i]) != NULL, "%s: no %s in %s",
			tags[_i].what, tags[_i].has[i], upper(&w));
	for (int i = 0; i < 2 && tags[_i].hasnot[i] != NULL; i++)
		ck_assert_msg(strstr(upper(&w), tags[_i].hasnot[i]) == NULL, "%s: %s in %s",
			tags[_i].what, tags[_i].hasnot[i], upper(&w));
	world_fini(&w);
}
END_TEST

START_TEST(times)
{
	const struct mail m = {"127.0.0.1", NULL, "<bob@example.com>", plain, LENGTH(plain), "x"};
	char want[64];
	struct world w;

	clock_freeze(1800000000);
	world_init(&w, "sign_expire = 10d", "", "");
	send(&w, &m);
	snprintf(want, sizeof(want), "t=%d; x=%d;", 1800000000, 1800000000 + 864000);
	ck_assert_msg(strstr(upper(&w), want) != NULL, "no %s in %s", want, upper(&w));
	world_fini(&w);
	clock_thaw();
}
END_TEST

START_TEST(no_line_is_long)
{
	const struct mail m = {"127.0.0.1", NULL, "<bob@example.com>", plain, LENGTH(plain), "x"};
	size_t most = strlen("DKIM-Signature: "), line = most;
	struct world w;

	world_init(&w, "", "", "");
	send(&w, &m);
	for (const char *p = upper(&w); *p != '\0'; p++) {
		line = *p == '\n' ? 0 : line + (*p == '\t' ? 8 : 1);
		most = line > most ? line : most;
	}
	ck_assert_uint_le(most, 78);
	world_fini(&w);
}
END_TEST

/* Somebody changes the message that was signed. */
static const struct {
	const char *what, *name, *value;
	bool top;
} additions[] = {
	{"a second From: on top", "From", "evil@example.org", true},
	{"a second From: below", "From", "evil@example.org", false},
	{"a second Subject: on top", "Subject", "win", true},
	{"a second Date: below", "date", "now", false},
};

START_TEST(oversigned_field_cannot_be_added)
{
	const struct mail m = {"127.0.0.1", NULL, "<bob@example.com>", plain, LENGTH(plain), "x"};
	char signers[256];
	struct made made;
	struct world w;

	world_init(&w, "", "", "");
	send(&w, &m);
	make(&made, &m, &w.d.answer);
	insert_at(
		&made, additions[_i].top ? 0 : made.count, additions[_i].name, additions[_i].value);
	verify(&made, signers, sizeof(signers));
	ck_assert_msg(strcmp(signers, "HEADER rsa.example.com HEADER ed.example.com") == 0,
		"%s: %s", additions[_i].what, signers);
	made_fini(&made);
	world_fini(&w);
}
END_TEST

/* Fields that a message lacks, and a server on the way adds. */
static const struct {
	const char *what, *settings, *name;
	const char *signers;
} lacking[] = {
	{"a Date: from the next server", "", "Date", BOTH},
	{"a Message-ID: from the next server", "oversign = [ From, Message-ID ]", "Message-ID",
		BOTH},
	{"a Subject: from somebody", "", "Subject", "HEADER rsa.example.com HEADER ed.example.com"},
};

START_TEST(field_that_a_server_supplies_does_no_harm)
{
	const struct cm_header fields[] = {FIELD("From", "bob@example.com")};
	const struct mail m = {"127.0.0.1", NULL, "<bob@example.com>", fields, 1, "x"};
	char signers[256];
	struct made made;
	struct world w;

	world_init(&w, lacking[_i].settings, "", "");
	send(&w, &m);
	make(&made, &m, &w.d.answer);
	insert_at(&made, 0, lacking[_i].name, "added");
	verify(&made, signers, sizeof(signers));
	ck_assert_msg(
		strcmp(signers, lacking[_i].signers) == 0, "%s: %s", lacking[_i].what, signers);
	made_fini(&made);
	world_fini(&w);
}
END_TEST

/* A hundred fields of a name are all covered; three hundred are too many. */
START_TEST(many_fields)
{
	struct cm_header *fields = calloc(400, sizeof(*fields));
	struct mail m = {"127.0.0.1", NULL, "<bob@example.com>", fields, 300, "x"};
	struct world w;

	for (int i = 0; i < 400; i++)
		fields[i] = (struct cm_header)FIELD(i == 0 ? "From" : "To", "bob@example.com");
	world_init(&w, "", "", "");
	send(&w, &m);
	ck_assert_str_eq(result(&w, "result"), "unsigned");
	ck_assert_uint_eq(w.d.answer.edit_count, 0);
	world_fini(&w);
	m.count = 100;
	world_init(&w, "", "", "");
	send(&w, &m);
	ck_assert_str_eq(result(&w, "result"), "signed");
	world_fini(&w);
	free(fields);
}
END_TEST

/* --- edits of others
 * ------------------------------------------------------------------------------- */

/* What a link before dkim asks for at end of message. */
static const struct {
	const char *what, *edit, *signers;
} edits[] = {
	{"a prefix of the subject", "prefix_subject [x] ", BOTH},
	{"another subject", "set_header 1 Subject: other", BOTH},
	{"a second subject in the place of none", "set_header 2 Subject: other", BOTH},
	{"no subject", "remove_header 1 Subject", BOTH},
	{"a field more", "add_header Cc: more@example.org", BOTH},
	{"a field more on top", "insert_header 0 To: more@example.org", BOTH},
	{"a field more in the middle", "insert_header 4 Subject: more", BOTH},
	{"a field more behind all", "insert_header 99 Subject: more", BOTH},
	{"another author of ours", "set_header 1 From: news@example.com", "rsa.example.com"},
	{"an author who is a stranger", "set_header 1 From: ann@example.org", ""},
	{"two authors", "add_header From: ann@example.org", ""},
	{"no author", "remove_header 1 From", ""},
	{"another body", "replace_body new\\n  text \\n\\n", BOTH},
	{"another body without a line break at its end", "replace_body new", BOTH},
};

START_TEST(edit)
{
	const struct mail m = {
		"127.0.0.1", NULL, "<bob@example.com>", plain, LENGTH(plain), "old text\r\n"};
	char settings[256], signers[256];
	struct made made;
	struct world w;

	snprintf(settings, sizeof(settings),
		"plugin edits { type = trace; answer = [ \"eom %s\" ] }\n", edits[_i].edit);
	world_init(&w, "", "edits,", settings);
	ck_assert_int_eq(send(&w, &m), CM_CONTINUE);
	make(&made, &m, &w.d.answer);
	verify(&made, signers, sizeof(signers));
	ck_assert_msg(strcmp(signers, edits[_i].signers) == 0, "%s: %s", edits[_i].what, signers);
	made_fini(&made);
	world_fini(&w);
}
END_TEST

/* Postfix writes the name of the edit, Sendmail keeps the one that is there: they must be one. */
START_TEST(name_of_a_changed_field)
{
	const struct mail m = {
		"127.0.0.1", NULL, "<bob@example.com>", plain, LENGTH(plain), "text\r\n"};
	char signers[256];
	struct made made;
	struct world w;

	world_init(&w, "sign_canonicalization = simple/simple", "edits,",
		"plugin edits { type = trace; answer = [ \"eom set_header 1 SUBJECT: x\" ] }\n");
	send(&w, &m);
	make(&made, &m, &w.d.answer);
	verify(&made, signers, sizeof(signers));
	ck_assert_str_eq(signers, BOTH);
	made_fini(&made);
	world_fini(&w);
}
END_TEST

/* --- other ways
 * -------------------------------------------------------------------------------------- */

START_TEST(shadow_changes_nothing)
{
	const struct mail m = {"127.0.0.1", NULL, "<bob@example.com>", plain, LENGTH(plain), "x"};
	struct world w;

	world_init(&w, "mode = shadow", "", "");
	ck_assert_int_eq(send(&w, &m), CM_CONTINUE);
	ck_assert_uint_eq(w.d.answer.edit_count, 0);
	world_fini(&w);
}
END_TEST

START_TEST(accepted_mail_is_signed)
{
	const struct mail m = {"127.0.0.1", NULL, "<bob@example.com>", plain, LENGTH(plain), "x"};
	struct world w;

	world_init(&w, "", "access,",
		"map senders { entries = [ \"bob@example.com allow\" ] }\n"
		"plugin access { sender = senders }\n");
	ck_assert_int_eq(send(&w, &m), CM_ACCEPT);
	ck_assert_uint_eq(w.d.answer.edit_count, 2);
	ck_assert_str_eq(result(&w, "result"), "signed");
	world_fini(&w);
}
END_TEST

/* A second message, and one that ends before its time. */
START_TEST(messages_of_a_connection)
{
	const struct mail m = {"127.0.0.1", NULL, "<bob@example.com>", plain, LENGTH(plain), "x"};
	char signers[256];
	struct made made;
	struct world w;

	world_init(&w, "", "", "");
	send(&w, &m);
	chain_end_message(w.d.s);
	drive_mail(&w.d, "<bob@example.com>", NULL, NULL);
	drive_rcpt(&w.d, "<rcpt@example.org>");
	drive_stage(&w.d, CM_STAGE_DATA);
	drive_stage(&w.d, CM_STAGE_EOH);
	chain_end_message(w.d.s);
	drive_mail(&w.d, "<bob@example.com>", NULL, NULL);
	drive_rcpt(&w.d, "<rcpt@example.org>");
	ck_assert_int_eq(drive_content(&w.d, m.fields, m.count, m.body), CM_CONTINUE);
	make(&made, &m, &w.d.answer);
	verify(&made, signers, sizeof(signers));
	ck_assert_str_eq(signers, BOTH);
	made_fini(&made);
	world_fini(&w);
}
END_TEST

/* The macros of the next message may come while this one is open. */
START_TEST(login_is_that_of_this_message)
{
	const struct cm_event from = {
		.stage = CM_STAGE_HEADER, .name = "From", .value = "carol@example.com"};
	struct world w;

	world_init(&w, "", "", "");
	drive_connect(&w.d, "203.0.113.7", "client.example.org", "587");
	drive_helo(&w.d, "client.example.org");
	drive_mail(&w.d, "<bob@example.com>", "bob", NULL);
	drive_rcpt(&w.d, "<rcpt@example.org>");
	drive_stage(&w.d, CM_STAGE_DATA);
	drive_event(&w.d, &from);
	drive_stage(&w.d, CM_STAGE_EOH);
	session_macros_begin(w.d.s, CM_STAGE_MAIL);
	session_macro_add(w.d.s, CM_STAGE_MAIL, "{auth_authen}", "carol");
	drive_stage(&w.d, CM_STAGE_EOM);
	ck_assert_str_eq(result(&w, "result"), "unsigned");
	world_fini(&w);
}
END_TEST

/* A mail server that does not tell logins: nobody knows whose mail it is. */
START_TEST(login_is_not_told)
{
	const struct mail m = {"203.0.113.7", NULL, "<bob@example.com>", plain, LENGTH(plain), "x"};
	struct world w;

	world_init(&w, "on_error = tempfail", "", "");
	w.d.s->macros_asked = false;
	ck_assert_int_eq(send(&w, &m), CM_TEMPFAIL);
	world_fini(&w);
	world_init(&w, "sign_for = trusted; skip_authenticated = no", "", "");
	w.d.s->macros_asked = false;
	ck_assert_int_eq(send(&w, &m), CM_CONTINUE);
	world_fini(&w);
}
END_TEST

/* --- settings
 * ----------------------------------------------------------------------------------------- */

static const struct {
	const char *what, *settings, *table, *mistake;
} mistakes[] = {
	{"logins without their addresses", "sign_domains = signing.table", table,
		"sign_for has logins, and nothing says which addresses are theirs: set login_map, "
		"or sign_for = [ local, trusted ]"},
	{"no table", "sign_domains = none.table; sign_for = local", table,
		"none.table: No such file or directory"},
	{"a line that is wrong", "sign_domains = signing.table; sign_for = local",
		"example.com example.com\n", "signing.table: line 1: example.com has no selector"},
	{"a key that is not there", "sign_domains = signing.table; sign_for = local",
		"example.com example.com s9\n",
		"dkim/example.com/s9.pem is not there; make it: chainmail dkim genkey example.com "
		"s9"},
	{"a word that is none", "sign_for = [ friends ]", table,
		"\"friends\" is not one of local, logins, trusted"},
	{"a field that changes on the way", "oversign = [ From, Received ]", table,
		"servers on the way change Received, so signatures would break"},
	{"a field that is none", "oversign = [ \"a:b\" ]", table,
		"\"a:b\" cannot be the name of a field"},
	{"a field without a name", "oversign = [ \"\" ]", table,
		"a name of a field has 1 to 64 octets"},
};

START_TEST(mistake)
{
	char text[PATH_MAX + 1024], dir[PATH_MAX];
	struct world w;

	world_files(&w);
	drive_write(w.d.files[0], mistakes[_i].table);
	drive_plugin_dir(dir, false);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\" }\nlistener l { socket = inet:10025@127.0.0.1 }\n"
		"profile all { chain = [ dkim ] }\nplugin dkim { %s }\n",
		dir, mistakes[_i].settings);
	drive_load_text(&w.d, text);
	ck_assert_msg(w.d.g == NULL, "%s", mistakes[_i].what);
	drive_shorten(&w.d);
	ck_assert_msg(strstr(w.d.mistakes, mistakes[_i].mistake) != NULL, "%s: %s",
		mistakes[_i].what, w.d.mistakes);
	world_fini(&w);
}
END_TEST

START_TEST(table_that_all_may_write)
{
	char text[PATH_MAX + 1024], dir[PATH_MAX];
	struct world w;

	world_files(&w);
	ck_assert_int_eq(chmod(w.d.files[0], 0666), 0);
	drive_plugin_dir(dir, false);
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\" }\nlistener l { socket = inet:10025@127.0.0.1 }\n"
		"profile all { chain = [ dkim ] }\n"
		"plugin dkim { sign_domains = signing.table; sign_for = local }\n",
		dir);
	drive_load_text(&w.d, text);
	ck_assert_ptr_null(w.d.g);
	ck_assert_ptr_nonnull(strstr(w.d.mistakes, "everybody can write to it; chmod o-w it"));
	world_fini(&w);
}
END_TEST

/* What uses results of dkim, and links that sign, and check only what they do not sign. */
static const struct {
	const char *chain;
	const char *said; /* NULL: nothing */
	bool loads;
} places[] = {
	{"verify, x, sign", NULL, true},
	{"sign, x", NULL, true},
	{"x, verify, sign", "error: x runs before verify in profile all", false},
	{"x, sign", "warning: x runs before sign in profile all", true},
	{"verify, dmarc, sign", NULL, true},
	{"sign, dmarc", NULL, true},
	{"dmarc, sign", "error: dmarc runs before sign in profile all", false},
	{"dmarc, sign, verify", "error: dmarc runs before sign in profile all", false},
	{"sign, dmarc, verify", "error: dmarc runs before verify in profile all", false},
};

START_TEST(place_in_the_chain)
{
	char dir[PATH_MAX], text[8192];
	struct world w;

	world_files(&w);
	drive_plugin_dir(dir, false);
	drive_file(&w.d, "x.lua", "function message(m) return m.dkim.result and nil end\n");
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\"; authserv_id = mx.test }\n"
		"listener l { socket = inet:10025@127.0.0.1 }\nprofile all { chain = [ %s ] }\n"
		"profile unused { port = 1; chain = [ spf, verify, dmarc, sign, x ] }\n"
		"plugin spf { }\nplugin dmarc { }\nscript x { file = x.lua }\n"
		"plugin verify { type = dkim }\n"
		"plugin sign { type = dkim; sign_domains = signing.table; sign_for = local }\n",
		dir, places[_i].chain);
	drive_load_text(&w.d, text);
	ck_assert_msg(
		(w.d.g != NULL) == places[_i].loads, "%s: %s", places[_i].chain, w.d.mistakes);
	ck_assert_msg(
		(strstr(w.d.mistakes, "runs before") != NULL) == (places[_i].said != NULL) &&
			(places[_i].said == NULL || strstr(w.d.mistakes, places[_i].said) != NULL),
		"%s: %s", places[_i].chain, w.d.mistakes);
	world_fini(&w);
}
END_TEST

START_TEST(rule_before_who_signs_reads_nothing)
{
	struct world w;
	const struct mail m = {"192.0.2.1", "bob", "<bob@example.com>", NULL, 0, "Hello\r\n"};
	char dir[PATH_MAX], text[8192];

	world_files(&w);
	drive_plugin_dir(dir, false);
	drive_file(&w.d, "x.lua",
		"function message(m)\n"
		"    if not m.dkim.result then return reject('nothing is known') end\n"
		"end\n");
	snprintf(text, sizeof(text),
		"main { plugin_dir = \"%s\"; authserv_id = mx.test }\n%s"
		"listener l { socket = inet:10025@127.0.0.1 }\nprofile all { chain = [ x, sign ] "
		"}\n"
		"script x { file = x.lua }\n"
		"plugin sign { type = dkim; sign_domains = signing.table; login_map = owners }\n",
		dir, maps);
	drive_load_text(&w.d, text);
	ck_assert_msg(w.d.g != NULL, "%s", w.d.mistakes);
	drive_open(&w.d);
	ck_assert_int_eq(send(&w, &m), CM_REJECT);
	ck_assert_ptr_nonnull(strstr(drive_reply(&w.d), "550 5.7.1 nothing is known"));
	world_fini(&w);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim_signing");
	TCase *tc = tcase_create("dkim_signing");

	tcase_add_loop_test(tc, who, 0, LENGTH(whose));
	tcase_add_loop_test(tc, style, 0, LENGTH(styles));
	tcase_add_loop_test(tc, no_blank_behind_the_colon, 0, 2);
	tcase_add_loop_test(tc, tag, 0, LENGTH(tags));
	tcase_add_test(tc, times);
	tcase_add_test(tc, no_line_is_long);
	tcase_add_loop_test(tc, oversigned_field_cannot_be_added, 0, LENGTH(additions));
	tcase_add_loop_test(tc, field_that_a_server_supplies_does_no_harm, 0, LENGTH(lacking));
	tcase_add_test(tc, many_fields);
	tcase_add_loop_test(tc, edit, 0, LENGTH(edits));
	tcase_add_test(tc, name_of_a_changed_field);
	tcase_add_test(tc, shadow_changes_nothing);
	tcase_add_test(tc, accepted_mail_is_signed);
	tcase_add_test(tc, messages_of_a_connection);
	tcase_add_test(tc, login_is_that_of_this_message);
	tcase_add_test(tc, login_is_not_told);
	tcase_add_loop_test(tc, mistake, 0, LENGTH(mistakes));
	tcase_add_test(tc, table_that_all_may_write);
	tcase_add_loop_test(tc, place_in_the_chain, 0, LENGTH(places));
	tcase_add_test(tc, rule_before_who_signs_reads_nothing);
	suite_add_tcase(suite, tc);
	return table_run(suite);
}
