/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign.c - which messages are signed, and the steps of signing one
 *
 * The body is hashed as it comes. All else is decided at end of message, on what the mail server
 * will send: links before this one may have changed the author as well as the text.
 */
#include "dkim_sign.h"

#include <stdio.h>
#include <string.h>

#include "../lib/owner.h"
#include "dkim_sign_whose.h"

/* --- whose mail it is --- */

static bool
is_loopback(const char *ip)
{
	return ip[0] == '\0' || strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}

static bool
wanted(const struct dkim_sign_config *c, enum dkim_whose whose)
{
	return (c->whose & 1u << whose) != 0;
}

/* Without a login. */
static bool
client_wanted(const struct cm_session *s, const struct dkim_sign_config *c)
{
	return (wanted(c, DKIM_WHOSE_LOCAL) && is_loopback(cm_client(s)->ip)) ||
	       (wanted(c, DKIM_WHOSE_TRUSTED) && cm_client_trusted(s));
}

/* The mail server may tell the next message's login while this one is open. */
static const char *
keep(struct cm_session *s, const char *login)
{
	size_t size = strlen(login) + 1;

	return memcpy(cm_msg_alloc(s, size), login, size);
}

/* A login is judged as a login wherever it comes from: a webmail server is a trusted client. */
static enum cm_known
message_wanted(struct cm_session *s, const struct dkim_sign_config *c, const char **login)
{
	const struct cm_auth *auth;

	*login = NULL;
	switch (cm_auth(s, &auth)) {
	case CM_KNOWN:
		*login = keep(s, auth->user);
		return wanted(c, DKIM_WHOSE_LOGINS) ? CM_KNOWN : CM_NONE;
	case CM_NONE:
		return client_wanted(s, c) ? CM_KNOWN : CM_NONE;
	case CM_UNDELIVERED:
		break;
	}
	if (!wanted(c, DKIM_WHOSE_LOGINS) && !client_wanted(s, c))
		return CM_NONE;
	cm_reason(s, "the mail server does not tell {auth_authen}");
	return CM_UNDELIVERED;
}

/* --- who signs it --- */

/* CM_KNOWN: nobody needs to own it, or the login does. */
static enum cm_known
owns(struct cm_session *s, const struct dkim_sign_config *c, const char *login,
	const struct cm_address *a)
{
	char buffer[OWNER_KEY_SIZE];
	const char *key, *owners;

	if (login == NULL)
		return CM_KNOWN;
	for (unsigned n = 0; (key = owner_key(buffer, a->addr, a->domain, c->delimiters, n)); n++) {
		enum cm_known known =
			key[0] == '\0' ? CM_NONE : cm_map_get(s, c->login_map, key, &owners);

		if (known == CM_KNOWN)
			return owner_listed(owners, login) ? CM_KNOWN : CM_NONE;
		if (known == CM_UNDELIVERED)
			return known;
	}
	return CM_NONE;
}

/* What was found out about a message; row NULL: why says why it is not signed. */
struct choice {
	const struct dkim_sign_row *row;
	const char *why;
	bool broken; /* it could not be found out */
};

static struct choice
unsigned_for(const char *why)
{
	return (struct choice){.why = why};
}

/* One address and its line of the table. */
static struct choice
judge(struct cm_session *s, const struct dkim_sign_config *c, const struct dkim_sign *st,
	enum dkim_sign_whose whose, const struct cm_address *a)
{
	struct choice choice = {0};

	if (!a->valid || a->null || a->domain[0] == '\0')
		return unsigned_for("an address that is none");
	choice.row = dkim_sign_table_find(c->table, whose, a->addr, a->domain);
	if (choice.row == NULL)
		return unsigned_for("the signing table has no line for the author");
	switch (owns(s, c, st->login, a)) {
	case CM_KNOWN:
		return choice;
	case CM_NONE:
		return unsigned_for("the author does not belong to the login");
	case CM_UNDELIVERED:
		break;
	}
	return (struct choice){.why = "the map of logins could not be read", .broken = true};
}

/* All authors must be somebody's for whom the same domain signs. */
static struct choice
judge_authors(struct cm_session *s, const struct dkim_sign_config *c, const struct dkim_sign *st,
	const struct cm_from *from)
{
	struct choice first = {0};

	for (size_t i = 0; i < from->count; i++) {
		struct choice next = judge(s, c, st, DKIM_SIGN_AUTHOR, &from->items[i]);

		if (next.row == NULL)
			return next;
		if (i == 0)
			first = next;
		if (strcmp(first.row->domain, next.row->domain) != 0)
			return unsigned_for("its authors are of several domains");
	}
	return first;
}

/* Where an organization's name begins, or deeper: below a suffix of two labels that is too much. */
static const char *
organization(const char *domain)
{
	const char *at = domain + strlen(domain);
	unsigned dots = 0;

	while (at > domain && (at[-1] != '.' || ++dots < 2))
		at--;
	return at;
}

/* Others may map what is not ASCII to the same name (UTS 46): nobody can tell here. */
static bool
neighbours(const char *domain, const char *signer)
{
	for (const char *p = domain; *p != '\0'; p++) {
		if ((*p & 0x80) != 0)
			return true;
	}
	return strcmp(organization(domain), organization(signer)) == 0;
}

/*
 * Nobody in From: may be one for whom the table has a line, or a login would get for another what
 * the line of its own address refuses; nor, for DMARC takes that for the author's signature, one
 * of the domain that signs.
 */
static bool
strangers(const struct dkim_sign_config *c, const struct dkim_sign *st, const struct cm_from *from,
	const char *signer)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct cm_address *a = &from->items[i];

		if (dkim_sign_table_find(c->table, DKIM_SIGN_AUTHOR, a->addr, a->domain) != NULL)
			return false;
		if (st->login != NULL && neighbours(a->domain, signer))
			return false;
	}
	return true;
}

/* A list that sends on what strangers wrote signs as itself, where the table says so. */
static struct choice
choose(struct cm_session *s, const struct dkim_sign_config *c, const struct dkim_sign *st,
	const struct cm_from *from)
{
	const struct cm_address *sender = cm_sender(s);
	struct choice author, other;

	if (from->problem != NULL || from->count == 0)
		return unsigned_for(from->problem != NULL ? from->problem : "it has no author");
	author = judge_authors(s, c, st, from);
	if (author.row != NULL || author.broken || sender == NULL)
		return author;
	other = judge(s, c, st, DKIM_SIGN_SENDER, sender);
	if (other.row != NULL && !strangers(c, st, from, other.row->domain))
		return author;
	return other.row != NULL || other.broken ? other : author;
}

/* --- what is signed --- */

/* The blank behind the colon, which the milter protocol leaves out, counts where fields are simple.
 */
static const struct canon_field *
fields_of(struct cm_session *s, const struct cm_outgoing *out, enum canon canon)
{
	struct canon_field *fields = cm_msg_alloc(s, (out->count + 1) * sizeof(*fields));

	for (size_t i = 0; i < out->count; i++) {
		const struct cm_outgoing_field *h = &out->fields[i];
		bool bare = canon == CANON_RELAXED || h->glued;
		char *room = bare ? NULL : cm_msg_alloc(s, strlen(h->value) + 2);

		fields[i] = canon_field_of(h->name, h->value, bare, room);
	}
	return fields;
}

/* A body that an edit put in the place of the other; the mail server ends its lines in CRLF. */
static bool
hash_replaced(const struct dkim_sign_style *style, const struct cm_outgoing *out,
	unsigned char hash[DIGEST_SIZE])
{
	struct canon_body b;
	bool done = canon_body_init(&b, style->body, CANON_ALL);

	if (done)
		canon_body_lines(&b, out->body, out->body_len);
	done = done && canon_body_end(&b, hash);
	canon_body_fini(&b);
	return done;
}

/* --- signing --- */

static enum cm_verdict
fail(struct cm_session *s, const char *why)
{
	cm_reason(s, "%s", why);
	return CM_FAILED;
}

static enum cm_verdict
leave(struct cm_session *s, const char *why)
{
	cm_set_result(s, "result", "unsigned");
	cm_reason(s, "not signed: %s", why);
	return CM_CONTINUE;
}

static void
publish(struct cm_session *s, const struct dkim_sign_row *row,
	const struct dkim_selector *const *picks, size_t count)
{
	char selectors[600] = "";
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(selectors + len, sizeof(selectors) - len, "%s%s",
			i > 0 ? "," : "", picks[i]->name);
	cm_set_result(s, "result", "signed");
	cm_set_result(s, "signer", row->domain);
	cm_set_result(s, "selectors", selectors);
}

/* One field after the other. Which fields do not fit is the same for all keys. */
static enum cm_verdict
sign(struct cm_session *s, const struct dkim_sign_row *row, const struct dkim_sign_message *m)
{
	const struct dkim_selector *picks[DKIM_SIGN_KEYS_MOST];
	size_t count = dkim_sign_row_pick(row, m->now, picks);
	char value[DKIM_SIGN_VALUE_SIZE];

	if (count == 0)
		return leave(s, "no selector of its line in the signing table has begun");
	/* The last one stands on top, and who verifies one alone should find RSA there. */
	for (size_t i = count; i-- > 0;) {
		switch (dkim_sign_field(m, row->domain, picks[i]->name, picks[i]->key, value)) {
		case DKIM_SIGN_GOOD:
			break;
		case DKIM_SIGN_FULL:
			return leave(s, "it has more fields than a signature covers");
		case DKIM_SIGN_BROKEN:
			return fail(s, "OpenSSL cannot sign");
		}
		if (!cm_insert_header(s, 0, DKIM_SIGN_FIELD, value))
			return fail(s, "the field that signs cannot be inserted");
	}
	publish(s, row, picks, count);
	return CM_CONTINUE;
}

static enum cm_verdict
sign_outgoing(struct cm_session *s, const struct dkim_sign_config *c, struct dkim_sign *st,
	const struct cm_outgoing *out, const struct dkim_sign_row *row)
{
	struct dkim_sign_message m = {.style = &c->style, .now = cm_time(s)};
	struct dkim_fields fields;
	enum cm_verdict v;

	if (out->body == NULL ? !canon_body_end(st->body, m.body_hash)
			      : !hash_replaced(&c->style, out, m.body_hash))
		return fail(s, "OpenSSL cannot hash the body");
	if (!dkim_fields_init(&fields, fields_of(s, out, c->style.header), out->count))
		return fail(s, "no memory to sign");
	m.fields = &fields;
	v = sign(s, row, &m);
	dkim_fields_fini(&fields);
	return v;
}

/* --- the steps --- */

enum cm_known
dkim_sign_begin(struct cm_session *s, const struct dkim_sign_config *c, struct dkim_sign *st)
{
	enum cm_known known = c->table == NULL ? CM_NONE : message_wanted(s, c, &st->login);

	if (known != CM_KNOWN)
		return known;
	st->body = cm_msg_alloc(s, sizeof(*st->body));
	/* Without memory the end says so. */
	canon_body_init(st->body, c->style.body, CANON_ALL);
	return CM_KNOWN;
}

void
dkim_sign_body(struct dkim_sign *st, const void *data, size_t len)
{
	canon_body_put(st->body, data, len);
}

enum cm_verdict
dkim_sign_finish(struct cm_session *s, const struct dkim_sign_config *c, struct dkim_sign *st)
{
	const struct cm_outgoing *out = cm_outgoing(s);
	struct choice choice;

	if (out == NULL)
		return fail(s, "the message is not known here");
	choice = choose(s, c, st, out->from);
	if (choice.broken)
		return fail(s, choice.why);
	if (choice.row == NULL)
		return leave(s, choice.why);
	return sign_outgoing(s, c, st, out, choice.row);
}

void
dkim_sign_end(struct dkim_sign *st)
{
	if (st->body != NULL)
		canon_body_fini(st->body);
	st->body = NULL;
}
