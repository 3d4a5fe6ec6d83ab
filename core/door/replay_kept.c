/* SPDX-License-Identifier: MIT */
/*
 * replay_kept.c - the offline door for a kept session
 *
 * The MTA stops where it would have stopped: at a refusal that it waits for, or when no recipient
 * is left. Links that need a body which was not kept say what they said then.
 */
#include "replay_kept.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "host/generation.h"
#include "host/service.h"
#include "mail/address.h"
#include "milter_negotiate.h"
#include "service/resolver.h"

#define BIT(stage) (UINT32_C(1) << (stage))
/* In the place of a body that was not kept, for those who count its octets. */
#define BLANK_SIZE 65536u

static const struct milter_offer everything = {~0UL, ~0UL};

/* One session while it is played. */
struct player {
	struct kept_run *run;
	struct cm_session *s;
	unsigned long steps;
	struct arena scratch;
	size_t named, taken; /* recipients */
	bool skip;
};

/* --- links that need the body --- */

static bool
needs_body(const struct link *l)
{
	return (l->needs & CM_NEED_BODY) != 0 || l->plugin->body != NULL;
}

static const struct trace_record *
find_answer(const struct kept *k, const struct link *l, enum cm_stage stage)
{
	const struct trace_record *r = k->traces[1].first;

	while (r != NULL &&
		(r->stage != stage || r->link == NULL || strcmp(r->link->name, l->name) != 0))
		r = r->next;
	return r;
}

/* What it published then, and what it asked to be done that decides about a message. */
static void
say_again(const struct kept *k, struct cm_session *s, const struct link *l)
{
	const char *type = l->plugin->name;
	struct err err;

	for (const struct session_pair *p = k->results[SESSION_MSG]; p != NULL; p = p->next) {
		if (strcmp(p->group, type) == 0)
			session_set_result(s, type, p->name, p->value);
	}
	for (const struct session_auth *a = k->findings; a != NULL; a = a->next) {
		if (a->by != NULL && strcmp(a->by->name, l->name) == 0)
			(void)!session_add_auth(s, l, &a->result, &err);
	}
	for (size_t i = 0; i < k->edit_count; i++) {
		const struct edit *e = k->edits[i];

		if (e->kind == EDIT_QUARANTINE && e->by != NULL &&
			strcmp(e->by->name, l->name) == 0)
			cm_quarantine(s, e->value);
	}
}

static bool
stand_in(void *context, struct cm_session *s, const struct link *l, const struct cm_event *ev,
	enum cm_verdict *verdict)
{
	struct kept_run *run = context;
	const struct kept *k = run->kept;
	const struct trace_record *then;

	if ((ev->stage != CM_STAGE_BODY && ev->stage != CM_STAGE_EOM) || !needs_body(l))
		return false;
	then = find_answer(k, l, ev->stage);
	*verdict = CM_CONTINUE;
	if (then == NULL) {
		run->without += ev->stage == CM_STAGE_EOM;
		return true;
	}
	run->stood_in += ev->stage == CM_STAGE_EOM;
	if (ev->stage == CM_STAGE_EOM)
		say_again(k, s, l);
	if (then->reply.code != 0 && !then->failed)
		*chain_running_reply(s) = then->reply;
	chain_set_reason(s, then->reason);
	chain_set_result(s, then->result);
	*verdict = then->verdict;
	return true;
}

/* --- DNS --- */

static const struct kept_question *
find_question(const struct kept *k, const char *name, enum cm_dns_type type)
{
	const struct kept_question *q = k->questions;

	while (q != NULL && (q->type != type || strcasecmp(q->name, name) != 0))
		q = q->next;
	return q;
}

/* It was on its way when the message ended. */
static bool
unanswered(const struct kept_question *q)
{
	return q->answer.status == CM_DNS_CANCELLED;
}

static bool
answers(void *context, const char *name, enum cm_dns_type type, struct cm_dns_answer *out)
{
	struct kept_run *run = context;
	const struct kept_question *q = find_question(run->kept, name, type);

	run->unasked += q == NULL;
	if (q == NULL || unanswered(q))
		return false;
	*out = q->answer;
	return true;
}

/* What nobody waited for then matters only where somebody does now. */
static void
count_unanswered(void *context, const struct service_question *asked)
{
	struct kept_run *run = context;
	const struct kept_question *q = find_question(run->kept, asked->name, asked->type);

	run->unasked += q != NULL && asked->waited && unanswered(q);
}

/* --- what the MTA says --- */

/* It could have told all that is asked now. */
static bool
asked_then(const struct kept *k, const struct chain_needs *needs)
{
	for (size_t i = 0; i < CM_STAGE_COUNT; i++) {
		for (const char *const *m = needs->macros[i]; m != NULL && *m != NULL; m++) {
			const char *at = strstr(k->asked, *m);
			size_t len = strlen(*m);

			while (at != NULL && ((at > k->asked && at[-1] != ' ') || at[len] != ' '))
				at = strstr(at + 1, *m);
			if (at == NULL)
				return false;
		}
	}
	return true;
}

/* What is missing, so that a message that came that far cannot be tried. */
static const char *
find_untried(const struct kept *k, const struct chain_needs *needs)
{
	if (k->cut)
		return "the session was too large to be kept whole";
	if ((needs->stages & BIT(CM_STAGE_HEADER)) != 0 && !kept_has_header(k) &&
		kept_find(k, NULL, CM_STAGE_EOM) != NULL)
		return "the header was not kept, for nothing asked for it then";
	return NULL;
}

static void
begin(struct player *p)
{
	struct kept_run *run = p->run;
	const struct kept *k = run->kept;
	const struct chain_needs *needs = &run->generation->needs;
	struct milter_terms terms;
	struct net_addr address;
	bool remote = net_parse(&address, k->client_ip);

	conversation_open(&run->conversation, k->listener);
	p->s = run->conversation.session;
	milter_negotiate(needs, &everything, &terms);
	p->steps = terms.steps;
	p->s->rights = terms.rights & ~k->denied;
	p->s->no_reply = terms.no_reply & ~k->waited;
	p->s->blanks = k->blanks;
	p->s->macros_asked = k->macros_asked && asked_then(k, needs);
	conversation_begin(&run->conversation);
	session_set_client(p->s, k->client_name, remote ? &address : NULL, k->client_port);
	run->untried = find_untried(k, needs);
}

static void
tell_macros(struct cm_session *s, enum cm_stage stage, const struct session_pair *list)
{
	session_macros_begin(s, stage);
	for (; list != NULL; list = list->next)
		session_macro_add(s, stage, list->name, list->value);
}

/* True when the MTA goes on. */
static bool
say(struct player *p, const struct cm_event *ev, struct answer *a)
{
	*a = (struct answer){.verdict = CM_CONTINUE};
	if ((p->steps & stages[ev->stage].no_flag) != 0)
		return true;
	conversation_event(&p->run->conversation, ev, a);
	p->skip = p->skip || a->skip;
	return (p->s->no_reply & BIT(ev->stage)) != 0 || a->verdict == CM_CONTINUE;
}

static bool
say_path(struct player *p, const struct kept_event *e, struct answer *a)
{
	struct cm_address address;
	const struct cm_event ev = {
		.stage = e->stage, .address = &address, .args = e->args, .rejected = e->rejected};

	address_parse_path(&address, &p->scratch, e->name);
	bool on = say(p, &ev, a);

	arena_reset(&p->scratch);
	return on;
}

/* Another recipient, in the order in which they were named (FNV-1a). */
static void
note_rcpt(uint64_t *rcpts, bool refused)
{
	*rcpts = (*rcpts ^ (refused ? 2u : 1u)) * UINT64_C(0x100000001b3);
}

static uint64_t
rcpts_then(const struct kept *k)
{
	const struct kept_event *e = NULL;
	uint64_t rcpts = 0;

	while ((e = kept_find(k, e, CM_STAGE_RCPT)) != NULL)
		note_rcpt(&rcpts, e->answered == CM_REJECT || e->answered == CM_TEMPFAIL);
	return rcpts;
}

/* A refused recipient is refused alone. */
static bool
say_rcpt(struct player *p, const struct kept_event *e, struct answer *a)
{
	bool on = say_path(p, e, a);
	bool refused = a->verdict == CM_REJECT || a->verdict == CM_TEMPFAIL;

	p->named++;
	p->taken += !refused && !e->rejected;
	note_rcpt(&p->run->rcpts, refused);
	return on || refused;
}

static bool
say_body(struct player *p, const struct kept_event *e, struct answer *a)
{
	unsigned char *blank = NULL;
	struct cm_event ev = {.stage = CM_STAGE_BODY, .data = e->data};
	bool on = true;

	if (e->data == NULL)
		ev.data = blank = mem_zalloc(1, BLANK_SIZE);
	for (size_t left = e->len; left > 0 && on && !p->skip; left -= ev.len) {
		ev.len = e->data != NULL || left < BLANK_SIZE ? left : BLANK_SIZE;
		on = say(p, &ev, a);
	}
	free(blank);
	return on;
}

static bool
say_event(struct player *p, const struct kept_event *e, struct answer *a)
{
	const struct cm_event ev = {
		.stage = e->stage, .name = e->name, .value = e->value, .glued = e->glued};

	if (e->macros_told)
		tell_macros(p->s, e->stage, e->macros);
	if (e->too_large)
		session_fill_header(p->s);
	if (e->stage == CM_STAGE_MAIL)
		return say_path(p, e, a);
	if (e->stage == CM_STAGE_RCPT)
		return say_rcpt(p, e, a);
	return e->stage == CM_STAGE_BODY ? say_body(p, e, a) : say(p, &ev, a);
}

/* Without a recipient that is left no MTA goes on to DATA. */
static bool
nobody_left(const struct player *p, const struct kept_event *e)
{
	return p->named > 0 && p->taken == 0 && e->stage > CM_STAGE_RCPT &&
	       e->stage != CM_STAGE_UNKNOWN;
}

/* The dialogue before the message; what is held there is told in the message. */
static bool
say_connection(struct player *p, struct answer *a)
{
	const struct kept *k = p->run->kept;
	const struct cm_event connected = {.stage = CM_STAGE_CONNECT, .name = k->client_name};
	const struct cm_event greeted = {.stage = CM_STAGE_HELO, .name = k->helo};
	bool on;

	tell_macros(p->s, CM_STAGE_CONNECT, k->conn_macros);
	on = say(p, &connected, a);
	if (!on || k->helo == NULL)
		return on;
	tell_macros(p->s, CM_STAGE_HELO, k->helo_macros);
	return say(p, &greeted, a);
}

/* --- what became of it --- */

/* It had its answer then: all that there was to be said was said. */
static bool
answered_then(const struct kept *k)
{
	const struct kept_event *e = k->events;

	while (e != NULL && e->stage != CM_STAGE_EOM &&
		(e->stage == CM_STAGE_RCPT || e->answered == CM_CONTINUE))
		e = e->next;
	return e != NULL;
}

static void
conclude(struct player *p)
{
	struct kept_run *run = p->run;
	bool refused = chain_outcome(p->s, &run->outcome);
	bool given = chain_final(p->s)->verdict != CM_CONTINUE;

	service_dns_each(p->s, count_unanswered, run);
	run->word = run->outcome.word;
	/* Decided before anything was missing. */
	if (!run->kept->cut && given && chain_final(p->s)->stage <= CM_STAGE_RCPT &&
		verdict_final(chain_final(p->s)->verdict))
		run->untried = NULL;
	if (given || (refused && p->taken == 0))
		return;
	/* Nobody objects; where the client gave up then, it does so again. */
	if (!answered_then(run->kept) && run->rcpts == run->rcpts_then) {
		run->word = run->kept->outcome.word;
		return;
	}
	run->word = "accept";
	run->unfinished = true;
}

void
replay_kept(struct kept_run *run, struct generation *g, const struct kept *k)
{
	struct player p = {.run = run};
	const struct chain_stand_in other = {stand_in, run};
	const struct kept_event *e = k->events;
	struct answer a = {.verdict = CM_CONTINUE};

	*run = (struct kept_run){.kept = k, .generation = g, .rcpts_then = rcpts_then(k)};
	arena_init(&p.scratch, 512);
	generation_set_resolver(g, resolver_open_given(answers, run));
	begin(&p);
	if (!kept_has_body(k))
		chain_set_stand_in(p.s, &other);
	if (say_connection(&p, &a)) {
		while (e != NULL && !nobody_left(&p, e) && say_event(&p, e, &a))
			e = e->next;
	}
	/* The struct is ours; nothing is shown to links behind the end but the end itself. */
	chain_set_stand_in(p.s, NULL);
	conclude(&p);
	arena_fini(&p.scratch);
}

void
replay_kept_end(struct kept_run *run)
{
	conversation_close(&run->conversation);
	generation_set_resolver(run->generation, NULL);
}
