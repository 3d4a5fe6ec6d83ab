/* SPDX-License-Identifier: MIT */
/*
 * replay.c - the offline door: a message file and what the SMTP client said
 *
 * Plays a client and a current Postfix. What Postfix would not wait for is not waited for here
 * either, so a refusal comes where a real client would see it.
 */
#include "replay.h"

#include "host/generation.h"
#include "mail/address.h"
#include "milter_negotiate.h"
#include "replay_macros.h"
#include "replay_message.h"

/* An MTA that can do everything. */
static const struct milter_offer everything = {~0UL, ~0UL};

void
replay_begin(struct replay_player *p, struct conversation *c, const struct replay_input *in,
	const struct replay_output *out, struct answer *last)
{
	struct cm_session *s = c->session;
	struct milter_terms terms;
	struct net_addr address;
	const char *name = in->client_name;
	bool remote = in->client_ip != NULL && net_parse(&address, in->client_ip);

	*p = (struct replay_player){.c = c, .in = in, .out = out, .last = last};
	arena_init(&p->scratch, 512);
	milter_negotiate(&c->generation->needs, &everything, &terms);
	p->steps = terms.steps;
	s->rights = terms.rights;
	s->no_reply = terms.no_reply;
	s->macros_asked = true;
	if (name == NULL)
		name = remote ? "unknown" : "localhost";
	conversation_begin(c);
	session_set_client(s, name, remote ? &address : NULL, in->client_port);
}

void
replay_end(struct replay_player *p)
{
	arena_fini(&p->scratch);
}

bool
replay_step(struct replay_player *p, const struct cm_event *ev)
{
	*p->last = (struct answer){.verdict = CM_CONTINUE};
	if ((p->steps & stages[ev->stage].no_flag) != 0)
		return true;
	replay_macros(p->c, p->in, ev);
	conversation_event(p->c, ev, p->last);
	if (p->out != NULL && p->out->step != NULL)
		p->out->step(p->out->context, ev, p->last);
	if ((p->c->session->no_reply & (UINT32_C(1) << ev->stage)) != 0)
		return true;
	return p->last->verdict == CM_CONTINUE;
}

bool
replay_path(struct replay_player *p, enum cm_stage stage, const char *path)
{
	static const char *const no_args[] = {NULL};
	struct cm_address address;
	const struct cm_event ev = {.stage = stage, .address = &address, .args = no_args};

	if (path[0] != '<')
		path = arena_printf(&p->scratch, "<%s>", path);
	address_parse_path(&address, &p->scratch, path);
	bool on = replay_step(p, &ev);

	arena_reset(&p->scratch);
	return on;
}

static bool
begin_dialogue(struct replay_player *p)
{
	const struct cm_event connected = {
		.stage = CM_STAGE_CONNECT, .name = p->c->session->client.name};
	const struct cm_event greeted = {.stage = CM_STAGE_HELO, .name = p->in->helo};

	return replay_step(p, &connected) && (p->in->helo == NULL || replay_step(p, &greeted)) &&
	       replay_path(p, CM_STAGE_MAIL, p->in->from != NULL ? p->in->from : "<>");
}

/* A refused recipient is refused alone; without any left the client gives up. */
static bool
name_recipients(struct replay_player *p)
{
	bool any = false;

	for (const char *const *to = p->in->to; to != NULL && *to != NULL; to++) {
		if (replay_path(p, CM_STAGE_RCPT, *to))
			any = true;
		else if (p->last->verdict == CM_ACCEPT || p->last->verdict == CM_DISCARD)
			return false;
	}
	return any;
}

static bool
send_header(struct replay_player *p, struct replay_message *m)
{
	const struct cm_event eoh = {.stage = CM_STAGE_EOH};
	struct replay_field field;

	while (replay_message_field(m, &field)) {
		const struct cm_event ev = {.stage = CM_STAGE_HEADER,
			.name = field.name,
			.value = field.value,
			.glued = field.glued};

		if (!replay_step(p, &ev))
			return false;
	}
	return replay_step(p, &eoh);
}

static bool
send_body(struct replay_player *p, struct replay_message *m)
{
	struct cm_event ev = {.stage = CM_STAGE_BODY};

	while (replay_message_body(m, &ev.data, &ev.len)) {
		if (!replay_step(p, &ev))
			return false;
		if (p->last->skip && (p->c->session->no_reply & (UINT32_C(1) << ev.stage)) == 0)
			break;
	}
	return true;
}

void
replay_content(struct replay_player *p, const char *message, size_t len)
{
	const struct cm_event eom = {.stage = CM_STAGE_EOM};
	struct replay_message m;

	replay_message_init(&m, message, len);
	if (send_header(p, &m) && send_body(p, &m))
		replay_step(p, &eom);
	replay_message_fini(&m);
}

void
replay_run(struct conversation *c, const struct replay_input *in, const struct replay_output *out,
	struct answer *last)
{
	const struct cm_event data = {.stage = CM_STAGE_DATA};
	struct replay_player p;

	replay_begin(&p, c, in, out, last);
	if (begin_dialogue(&p) && name_recipients(&p) && replay_step(&p, &data))
		replay_content(&p, in->message, in->message_len);
	replay_end(&p);
}
