/* SPDX-License-Identifier: MIT */
/*
 * replay_macros.c - the macros an MTA would have told
 *
 * Postfix is the model: which macros it has, from when on, and how it writes them.
 */
#include "replay_macros.h"

#include <stdio.h>
#include <string.h>

#include "host/generation.h"

#define TEXT_MAX 1200

struct facts {
	const struct conversation *c;
	const struct replay_input *in;
	const struct cm_event *ev;
	char text[TEXT_MAX]; /* for values that must be written */
};

static const char *
number(struct facts *f, unsigned value)
{
	snprintf(f->text, sizeof(f->text), "%u", value);
	return value > 0 ? f->text : NULL;
}

static const char *
our_name(struct facts *f)
{
	const char *name = f->c->generation->chain.authserv_id;

	return name != NULL ? name : "localhost";
}

static const char *
client_name(struct facts *f)
{
	if (f->in->client_ip == NULL)
		return "localhost";
	return f->in->client_name != NULL ? f->in->client_name : "unknown";
}

static const char *
client_ptr(struct facts *f)
{
	return f->in->client_ptr != NULL ? f->in->client_ptr : client_name(f);
}

/* RFC 5321 section 4.1.3 spells IPv6 literals with a tag, and so does Postfix. */
static const char *
address(struct facts *f, const char *ip)
{
	if (ip == NULL)
		return NULL;
	bool tag = strchr(ip, ':') != NULL && strncmp(ip, "IPv6:", 5) != 0;

	snprintf(f->text, sizeof(f->text), "%s%s", tag ? "IPv6:" : "", ip);
	return f->text;
}

static const char *
client_addr(struct facts *f)
{
	return address(f, f->in->client_ip);
}

static const char *
daemon_addr(struct facts *f)
{
	return address(f, f->in->server_ip);
}

static const char *
client_full(struct facts *f)
{
	snprintf(f->text, sizeof(f->text), "%s [%s]", client_name(f),
		f->in->client_ip != NULL ? f->in->client_ip : "127.0.0.1");
	return f->text;
}

static const char *
client_port(struct facts *f)
{
	return number(f, f->in->client_port);
}

static const char *
client_connections(struct facts *f)
{
	return number(f, 1);
}

static const char *
daemon_port(struct facts *f)
{
	return number(f, f->in->port);
}

static const char *
tls_version(struct facts *f)
{
	if (!f->in->tls)
		return NULL;
	return f->in->tls_version != NULL ? f->in->tls_version : "TLSv1.3";
}

static const char *
tls_cipher(struct facts *f)
{
	return f->in->tls ? "TLS_AES_256_GCM_SHA384" : NULL;
}

static const char *
tls_bits(struct facts *f)
{
	return f->in->tls ? "256" : NULL;
}

static const char *
auth_login(struct facts *f)
{
	return f->in->login;
}

static const char *
auth_type(struct facts *f)
{
	const char *method = f->in->login_method != NULL ? f->in->login_method : "PLAIN";

	return f->in->login != NULL ? method : NULL;
}

static const char *
path_addr(struct facts *f)
{
	return f->ev->address != NULL ? f->ev->address->addr : NULL;
}

static const char *
path_host(struct facts *f)
{
	return f->ev->address != NULL ? f->ev->address->domain : NULL;
}

static const char *
mailer(struct facts *f)
{
	return f->ev->address != NULL ? "smtp" : NULL;
}

/* Postfix makes a queue file at the first recipient that nobody refused. */
static const char *
queue_id(struct facts *f)
{
	bool made = f->ev->stage > CM_STAGE_RCPT || f->c->session->rcpt_count > 0;

	return made ? f->in->queue_id : NULL;
}

/* Sorted by name. Known from the stage on; those of an address, at that stage alone. */
static const struct row {
	const char *name;
	enum cm_stage from, to;
	const char *(*value)(struct facts *);
} rows[] = {
	{"_", CM_STAGE_CONNECT, CM_STAGE_EOM, client_full},
	{"i", CM_STAGE_RCPT, CM_STAGE_EOM, queue_id},
	{"j", CM_STAGE_CONNECT, CM_STAGE_EOM, our_name},
	{"{auth_authen}", CM_STAGE_MAIL, CM_STAGE_EOM, auth_login},
	{"{auth_type}", CM_STAGE_MAIL, CM_STAGE_EOM, auth_type},
	{"{cipher_bits}", CM_STAGE_HELO, CM_STAGE_EOM, tls_bits},
	{"{cipher}", CM_STAGE_HELO, CM_STAGE_EOM, tls_cipher},
	{"{client_addr}", CM_STAGE_CONNECT, CM_STAGE_EOM, client_addr},
	{"{client_connections}", CM_STAGE_CONNECT, CM_STAGE_CONNECT, client_connections},
	{"{client_name}", CM_STAGE_CONNECT, CM_STAGE_EOM, client_name},
	{"{client_port}", CM_STAGE_CONNECT, CM_STAGE_EOM, client_port},
	{"{client_ptr}", CM_STAGE_CONNECT, CM_STAGE_EOM, client_ptr},
	{"{daemon_addr}", CM_STAGE_CONNECT, CM_STAGE_EOM, daemon_addr},
	{"{daemon_name}", CM_STAGE_CONNECT, CM_STAGE_EOM, our_name},
	{"{daemon_port}", CM_STAGE_CONNECT, CM_STAGE_EOM, daemon_port},
	{"{mail_addr}", CM_STAGE_MAIL, CM_STAGE_MAIL, path_addr},
	{"{mail_host}", CM_STAGE_MAIL, CM_STAGE_MAIL, path_host},
	{"{mail_mailer}", CM_STAGE_MAIL, CM_STAGE_MAIL, mailer},
	{"{rcpt_addr}", CM_STAGE_RCPT, CM_STAGE_RCPT, path_addr},
	{"{rcpt_host}", CM_STAGE_RCPT, CM_STAGE_RCPT, path_host},
	{"{rcpt_mailer}", CM_STAGE_RCPT, CM_STAGE_RCPT, mailer},
	{"{tls_version}", CM_STAGE_HELO, CM_STAGE_EOM, tls_version},
};

static const char *
lookup(struct facts *f, const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];

		if (strcmp(row->name, name) == 0 && f->ev->stage >= row->from &&
			f->ev->stage <= row->to)
			return row->value(f);
	}
	return NULL;
}

void
replay_macros(struct conversation *c, const struct replay_input *in, const struct cm_event *ev)
{
	const char *const *names = c->generation->needs.macros[ev->stage];
	struct facts facts = {.c = c, .in = in, .ev = ev};

	if (stages[ev->stage].macro_list == STAGE_NO_MACROS)
		return;
	session_macros_begin(c->session, ev->stage);
	for (; names != NULL && *names != NULL; names++) {
		const char *value = lookup(&facts, *names);

		if (value != NULL)
			session_macro_add(c->session, ev->stage, *names, value);
	}
}
