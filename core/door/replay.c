/* SPDX-License-Identifier: MIT */
/*
 * replay.c - the offline door: a message file and what the SMTP client said
 *
 * Plays a client and a current Postfix. What Postfix would not wait for is not waited for here
 * either, so a refusal comes where a real client would see it.
 */
#include "replay.h"

#include "base/arena.h"
#include "host/generation.h"
#include "mail/address.h"
#include "milter_negotiate.h"
#include "replay_macros.h"
#include "replay_message.h"

struct player {
	struct conversation *c;
	const struct replay_input *in;
	const struct replay_output *out;
	struct answer *last;
	struct arena scratch; /* addresses of the event at hand */
	unsigned long steps;  /* as negotiated */
};

/* An MTA that can do everything. */
static const struct milter_offer everything = {~0UL, ~0UL};

static void
begin(struct player *p)
{
	struct cm_session *s = p->c->session;
	struct milter_terms terms;
	struct net_addr address;
	const char *name = p->in->client_name;
	bool remote = p->in->client_ip != NULL && net_parse(&address, p->in->client_ip);

	milter_negotiate(&p->c->generation->needs, &everything, &terms);
	p->steps = terms.steps;
	s->rights = terms.rights;
	s->no_reply = terms.no_reply;
	s->macros_asked = true;
	if (name == NULL)
		name = remote ? "unknown" : "localhost";
	conversation_begin(p->c);
	session_set_client(s, name, remote ? &address : NULL, p->in->client_port);
}

/* True when the client may go on. What the MTA was asked not to send is not sent. */
static bool
step(struct player *p, const struct cm_event *ev)
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

static bool
step_path(struct player *p, enum cm_stage stage, const char *path)
{
	static const char *const no_args[] = {NULL};
	struct cm_address address;
	const struct cm_event ev = {.stage = stage, .address = &address, .args = no_args};

	if (path[0] != '<')
		path = arena_printf(&p->scratch, "<%s>", path);
	address_parse_path(&address, &p->scratch, path);
	bool on = step(p, &ev);

	arena_reset(&p->scratch);
	return on;
}

static bool
begin_dialogue(struct player *p)
{
	const struct cm_event connected = {
		.stage = CM_STAGE_CONNECT, .name = p->c->session->client.name};
	const struct cm_event greeted = {.stage = CM_STAGE_HELO, .name = p->in->helo};

	return step(p, &connected) && (p->in->helo == NULL || step(p, &greeted)) &&
	       step_path(p, CM_STAGE_MAIL, p->in->from != NULL ? p->in->from : "<>");
}

/* A refused recipient is refused alone; without any left the client gives up. */
static bool
name_recipients(struct player *p)
{
	bool any = false;

	for (const char *const *to = p->in->to; to != NULL && *to != NULL; to++) {
		if (step_path(p, CM_STAGE_RCPT, *to))
			any = true;
		else if (p->last->verdict == CM_ACCEPT || p->last->verdict == CM_DISCARD)
			return false;
	}
	return any;
}

static bool
send_header(struct player *p, struct replay_message *m)
{
	const struct cm_event eoh = {.stage = CM_STAGE_EOH};
	struct replay_field field;

	while (replay_message_field(m, &field)) {
		const struct cm_event ev = {.stage = CM_STAGE_HEADER,
			.name = field.name,
			.value = field.value,
			.glued = field.glued};

		if (!step(p, &ev))
			return false;
	}
	return step(p, &eoh);
}

static bool
send_body(struct player *p, struct replay_message *m)
{
	struct cm_event ev = {.stage = CM_STAGE_BODY};

	while (replay_message_body(m, &ev.data, &ev.len)) {
		if (!step(p, &ev))
			return false;
		if (p->last->skip && (p->c->session->no_reply & (UINT32_C(1) << ev.stage)) == 0)
			break;
	}
	return true;
}

static void
send_message(struct player *p)
{
	const struct cm_event data = {.stage = CM_STAGE_DATA};
	const struct cm_event eom = {.stage = CM_STAGE_EOM};
	struct replay_message m;

	replay_message_init(&m, p->in->message, p->in->message_len);
	if (step(p, &data) && send_header(p, &m) && send_body(p, &m))
		step(p, &eom);
	replay_message_fini(&m);
}

void
replay_run(struct conversation *c, const struct replay_input *in, const struct replay_output *out,
	struct answer *last)
{
	struct player p = {.c = c, .in = in, .out = out, .last = last};

	arena_init(&p.scratch, 512);
	begin(&p);
	if (begin_dialogue(&p) && name_recipients(&p))
		send_message(&p);
	arena_fini(&p.scratch);
}
