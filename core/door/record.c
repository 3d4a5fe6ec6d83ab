/* SPDX-License-Identifier: MIT */
/*
 * record.c - what is kept of a session, to be explained and played again
 *
 * Events are written as they come, for the session does not keep them all; the rest at the end of
 * the message, when session and trace know it. What is read where stands in kept_read.c.
 */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "conversation.h"
#include "host/generation.h"
#include "host/service.h"
#include "record_item.h"
#include "service/geo.h"
#include "service/ring_writer.h"

/* Octets of events without bodies, and of all that follows them. */
#define EVENTS_MOST ((size_t)256 << 10)
#define REST_MOST   ((size_t)512 << 10)
#define NUMBERS	    8
/* Most sessions need no more. */
#define USUAL 6000u

struct recording {
	struct buf out;
	size_t most;	   /* octets, for now */
	int64_t wall;	   /* at MAIL, microseconds since 1970 */
	int64_t body_left; /* octets of the body that may be kept */
	bool cut;	   /* something did not fit */
	char numbers[NUMBERS][RECORD_NUMBER];
	unsigned number; /* the next of them */
};

static void
add(struct recording *r, enum record_tag tag, const struct record_text *texts, unsigned count)
{
	if (record_item_size(texts, count) > r->most - r->out.len)
		r->cut = true;
	else
		record_item_add(&r->out, tag, texts, count);
}

/* Good for one item. */
static struct record_text
number(struct recording *r, int64_t n)
{
	char *room = r->numbers[r->number];

	r->number = (r->number + 1) % NUMBERS;
	return record_number(room, n);
}

#define TEXT(text)   record_str(text)
#define NUMBER(r, n) number(r, n)

#define ADD(r, tag, ...)                                            \
	do {                                                        \
		const struct record_text texts[] = {__VA_ARGS__};   \
                                                                    \
		add(r, tag, texts, sizeof(texts) / sizeof(*texts)); \
	} while (0)

/* --- events --- */

static struct recording *
begin(const struct conversation *c)
{
	struct recording *r = mem_zalloc(1, sizeof(*r));

	buf_init(&r->out, 0);
	buf_extend(&r->out, USUAL);
	buf_clear(&r->out);
	r->wall = clock_wall_us();
	r->body_left = c->generation->record.max_body;
	r->most = EVENTS_MOST + (size_t)r->body_left;
	return r;
}

static void
add_macros(struct recording *r, const struct cm_session *s, enum cm_stage stage)
{
	if (stages[stage].macro_list == STAGE_NO_MACROS)
		return;
	ADD(r, RECORD_MACROS, NUMBER(r, stage));
	for (const struct session_macro *p = s->macros[stage]; p != NULL; p = p->next)
		ADD(r, RECORD_MACRO, NUMBER(r, stage), TEXT(p->name), TEXT(p->value));
}

/* A body is kept whole or not at all, but who finds out later has kept its beginning. */
static void
add_body(struct recording *r, const struct cm_event *ev)
{
	bool kept = r->body_left > 0 && ev->len <= (size_t)r->body_left;
	const struct record_text data = {kept ? (const char *)ev->data : NULL, ev->len};

	r->body_left = kept ? r->body_left - (int64_t)ev->len : 0;
	ADD(r, RECORD_BODY, NUMBER(r, (int64_t)ev->len), data);
}

/* A door shows only the beginning of such a field, and says so with session_fill_header(). */
static bool
too_large(const struct conversation *c, const struct cm_event *ev)
{
	const struct cm_session *s = c->session;

	return ev->stage == CM_STAGE_HEADER && s->header_octets >= s->limits->header_octets;
}

/* Most fields have no flags, and what is not there costs nothing. */
static void
add_event(struct recording *r, const struct cm_event *ev, bool large)
{
	unsigned flags = (ev->glued ? RECORD_GLUED : 0) | (ev->rejected ? RECORD_REJECTED : 0) |
			 (large ? RECORD_LARGE : 0);
	const struct record_text texts[] = {
		NUMBER(r, ev->stage),
		TEXT(ev->address != NULL ? ev->address->text : ev->name),
		TEXT(ev->value),
		NUMBER(r, flags),
	};

	add(r, RECORD_EVENT, texts, flags != 0 ? 4 : ev->value != NULL ? 3 : 2);
}

void
record_event(struct conversation *c, const struct cm_event *ev)
{
	struct recording *r;

	if (ev->stage <= CM_STAGE_MAIL)
		record_end(c);
	if (ev->stage == CM_STAGE_MAIL && ring_writer_wanted() &&
		c->generation->record.path != NULL)
		c->recording = begin(c);
	r = c->recording;
	if (r == NULL)
		return;
	add_macros(r, c->session, ev->stage);
	if (ev->stage == CM_STAGE_BODY) {
		add_body(r, ev);
		return;
	}
	add_event(r, ev, too_large(c, ev));
	for (const char *const *arg = ev->args; arg != NULL && *arg != NULL; arg++)
		ADD(r, RECORD_ARG, TEXT(*arg));
}

void
record_answer(struct conversation *c, const struct answer *a)
{
	if (c->recording != NULL && (a->verdict != CM_CONTINUE || a->skip))
		ADD(c->recording, RECORD_ANSWER, NUMBER(c->recording, a->verdict),
			NUMBER(c->recording, a->skip));
}

/* --- the end --- */

/* As a rule finds it, whether or not one asked; not set where no database knows. */
static struct record_text
country(const struct cm_session *s, struct geo_place *place)
{
	bool known = service_place(s, place) && place->country[0] != '\0';

	return TEXT(known ? place->country : NULL);
}

static void
add_head(struct recording *r, const struct cm_session *s)
{
	const struct profile *p = chain_chosen(s);
	struct geo_place place;

	ADD(r, RECORD_HEAD, NUMBER(r, RECORD_VERSION), TEXT(s->id), TEXT(s->conn_id),
		TEXT(session_queue_id(s)), NUMBER(r, r->wall), TEXT(s->listener));
	ADD(r, RECORD_CLIENT, TEXT(s->client.name), TEXT(s->client.ip), NUMBER(r, s->client.port),
		TEXT(s->helo), country(s, &place));
	add_macros(r, s, CM_STAGE_CONNECT);
	add_macros(r, s, CM_STAGE_HELO);
	ADD(r, RECORD_PROFILE, TEXT(p == NULL ? NULL : p->name));
}

/*
 * What another configuration must know to tell what it would have been told: rights that the MTA
 * did not grant, stages where it waited though it was asked not to, stages that were sent, and the
 * macros that it could have told.
 */
static void
add_terms(struct recording *r, const struct conversation *c)
{
	const struct chain_needs *needs = &c->generation->needs;
	const struct cm_session *s = c->session;

	ADD(r, RECORD_TERMS, NUMBER(r, needs->rights & ~s->rights),
		NUMBER(r, ~s->no_reply & ~needs->replies), NUMBER(r, needs->stages),
		NUMBER(r, s->macros_asked), NUMBER(r, s->blanks), TEXT(needs->asked));
}

static void
add_answer(struct recording *r, const struct cm_session *s, const struct trace_record *t,
	unsigned flags)
{
	unsigned out = chain_sampled_out(s, t->link) ? RECORD_SAMPLED_OUT : 0;
	const struct record_text texts[] = {
		NUMBER(r, t->stage),
		NUMBER(r, t->verdict),
		NUMBER(r, flags | out | (t->shadow ? RECORD_SHADOW : 0) |
				  (t->failed ? RECORD_FAILED : 0)),
		TEXT(t->link == NULL ? NULL : t->link->name),
		NUMBER(r, t->us),
		NUMBER(r, t->calls),
		NUMBER(r, t->edits),
		TEXT(t->reason),
		TEXT(t->result),
		TEXT(t->rcpt),
		NUMBER(r, t->reply.code),
		TEXT(t->reply.status),
		TEXT(t->reply.text),
	};
	bool talks = t->reason != NULL || t->result != NULL || t->rcpt != NULL;

	add(r, RECORD_TRACE, texts, t->reply.code != 0 ? 13 : talks ? 10 : 7);
}

static void
add_trace(struct recording *r, const struct cm_session *s, const struct trace *t, unsigned flags)
{
	for (const struct trace_record *answer = t->first; answer != NULL; answer = answer->next)
		add_answer(r, s, answer, flags);
}

static void
add_results(struct recording *r, const struct session_pair *list, int span)
{
	for (; list != NULL; list = list->next)
		ADD(r, RECORD_RESULT, NUMBER(r, span), TEXT(list->group), TEXT(list->name),
			TEXT(list->value));
}

static void
add_findings(struct recording *r, const struct cm_session *s)
{
	for (unsigned span = 0; span < SESSION_SPANS; span++) {
		const struct session_auth *a = s->auth_results[span];

		for (; a != NULL; a = a->next) {
			const struct cm_auth_result *f = &a->result;

			ADD(r, RECORD_FINDING, TEXT(a->by == NULL ? NULL : a->by->name),
				TEXT(f->method), TEXT(f->result), TEXT(f->comment),
				TEXT(f->reason));
			for (size_t i = 0; i < f->count; i++)
				ADD(r, RECORD_PROPERTY, TEXT(f->properties[i].type),
					TEXT(f->properties[i].name), TEXT(f->properties[i].value));
		}
	}
}

static void
add_question(void *recording, const struct service_question *q)
{
	struct recording *r = recording;

	ADD(r, RECORD_QUESTION, TEXT(q->name), NUMBER(r, q->type), NUMBER(r, q->answer.status),
		TEXT(q->answer.name), NUMBER(r, q->answer.ttl), NUMBER(r, q->answer.secure),
		NUMBER(r, !q->known));
	for (size_t i = 0; i < q->answer.count; i++) {
		const struct cm_dns_record *d = &q->answer.records[i];
		const struct record_text text = {d->text, d->len};
		const struct record_text address = {
			(const char *)d->address, q->type == CM_DNS_A ? 4 : 16};

		ADD(r, RECORD_DATA, text, address, NUMBER(r, d->preference));
	}
}

/* What was to be done with the message, without bodies. */
static void
add_edits(struct recording *r, const struct cm_session *s)
{
	size_t count;
	const struct edit *const *edits = chain_edits(s, &count);

	for (size_t i = 0; i < count; i++) {
		const struct edit *e = edits[i];

		ADD(r, RECORD_EDIT, NUMBER(r, e->kind), TEXT(e->by == NULL ? NULL : e->by->name),
			TEXT(e->name), TEXT(e->value), NUMBER(r, (int64_t)e->index),
			NUMBER(r, (int64_t)e->len));
	}
}

static void
add_outcome(struct recording *r, const struct chain_outcome *o)
{
	ADD(r, RECORD_OUTCOME, TEXT(o->word), TEXT(o->by), NUMBER(r, o->reply.code),
		TEXT(o->reply.code != 0 ? o->reply.status : NULL), TEXT(o->reply.text),
		TEXT(o->reason));
}

static void
add_rest(struct recording *r, const struct conversation *c, const struct chain_outcome *o)
{
	const struct cm_session *s = c->session;
	const struct trace *traces[] = {chain_conn_trace(s), chain_trace(s)};

	r->most += REST_MOST;
	add_outcome(r, o);
	add_head(r, s);
	add_terms(r, c);
	service_dns_each(s, add_question, r);
	add_trace(r, s, traces[0], 0);
	add_trace(r, s, traces[1], RECORD_MESSAGE);
	ADD(r, RECORD_LOST, NUMBER(r, (int64_t)traces[0]->lost),
		NUMBER(r, (int64_t)traces[1]->lost));
	add_results(r, s->conn_results, SESSION_CONN);
	add_results(r, s->helo_results, SESSION_HELO);
	add_results(r, s->results, SESSION_MSG);
	add_findings(r, s);
	add_edits(r, s);
	if (r->cut) {
		r->most += 16;
		ADD(r, RECORD_CUT, TEXT("1"));
	}
}

void
record_end(struct conversation *c)
{
	struct recording *r = c->recording;
	struct chain_outcome o;

	if (r == NULL)
		return;
	c->recording = NULL;
	/* A message that nobody finished and nobody refused is no news. */
	if (c->session->in_message && chain_outcome(c->session, &o)) {
		chain_publish(c->session, NULL, CHAIN_RESULTS_THERE);
		add_rest(r, c, &o);
		ring_writer_put((unsigned char *)r->out.data, r->out.len);
	} else {
		buf_fini(&r->out);
	}
	free(r);
}
