/* SPDX-License-Identifier: MIT */
/*
 * kept_read.c - a kept session from the octets that record.c wrote
 *
 * One function for each tag; what refers to the item before it (an answer, an argument, a record of
 * DNS) is put there. Numbers that make no sense make the item none: it is left out.
 */
#include "kept.h"

#include <string.h>

#include "record.h"
#include "record_item.h"

#define ARENA_SIZE 8192

/* A session while it is read. */
struct reading {
	struct kept *k;
	const struct record_item *item;
	struct kept_event **last_event, *event; /* the latest */
	struct session_pair *macros;		/* of the event to come */
	bool macros_told;
	struct kept_question **last_question, *question;
	struct session_auth **last_finding, *finding;
	struct session_pair **last_result[SESSION_SPANS];
	bool headed; /* there was a head, of this version */
};

static const char *
text(const struct reading *r, unsigned i)
{
	return r->item->texts[i].text;
}

static const char *
word(const struct reading *r, unsigned i)
{
	const char *t = text(r, i);

	return t == NULL ? "" : t;
}

static int64_t
number(const struct reading *r, unsigned i)
{
	return record_item_number(r->item, i);
}

static bool
flag(const struct reading *r, unsigned i)
{
	return number(r, i) != 0;
}

/* Below the count, or the count. */
static unsigned
choice(const struct reading *r, unsigned i, unsigned count)
{
	int64_t n = number(r, i);

	return n < 0 || n >= (int64_t)count ? count : (unsigned)n;
}

/* A link of that name that is only a name. */
static struct link *
link_named(const struct reading *r, const char *name)
{
	struct link *l;

	if (name == NULL)
		return NULL;
	l = arena_alloc(&r->k->arena, sizeof(*l));
	l->name = name;
	return l;
}

static struct reply
reply_at(const struct reading *r, unsigned i)
{
	struct reply reply = {.code = (int)choice(r, i, 600)};
	const char *status = word(r, i + 1);

	reply.code = reply.code == 600 ? 0 : reply.code;
	memcpy(reply.status, status, strnlen(status, sizeof(reply.status) - 1));
	reply.text = word(r, i + 2);
	return reply;
}

/* --- what the MTA said --- */

static void
read_head(struct reading *r)
{
	struct kept *k = r->k;

	r->headed = number(r, 0) == RECORD_VERSION;
	k->id = word(r, 1);
	k->conn_id = word(r, 2);
	k->queue_id = text(r, 3);
	k->wall = number(r, 4);
	k->listener = word(r, 5);
}

static void
read_client(struct reading *r)
{
	struct kept *k = r->k;

	k->client_name = word(r, 0);
	k->client_ip = word(r, 1);
	k->client_port = choice(r, 2, 65536) % 65536;
	k->helo = text(r, 3);
	k->country = text(r, 4);
}

static void
read_macros(struct reading *r)
{
	(void)r;
	r->macros = NULL;
	r->macros_told = true;
}

/* Lists of connect and HELO stand behind the events, and belong to none. */
static void
read_macro(struct reading *r)
{
	struct session_pair *p = arena_alloc(&r->k->arena, sizeof(*p));
	unsigned stage = choice(r, 0, CM_STAGE_COUNT);

	*p = (struct session_pair){.name = word(r, 1), .value = word(r, 2)};
	if (stage == CM_STAGE_CONNECT) {
		p->next = (struct session_pair *)(uintptr_t)r->k->conn_macros;
		r->k->conn_macros = p;
	} else if (stage == CM_STAGE_HELO) {
		p->next = (struct session_pair *)(uintptr_t)r->k->helo_macros;
		r->k->helo_macros = p;
	} else {
		p->next = r->macros;
		r->macros = p;
	}
}

static struct kept_event *
add_event(struct reading *r, enum cm_stage stage)
{
	static const char *const none[] = {NULL};
	struct kept_event *e = arena_alloc(&r->k->arena, sizeof(*e));

	e->stage = stage;
	e->args = none;
	e->macros = r->macros;
	e->macros_told = r->macros_told;
	r->macros = NULL;
	r->macros_told = false;
	*r->last_event = r->event = e;
	r->last_event = &e->next;
	return e;
}

static void
read_event(struct reading *r)
{
	unsigned stage = choice(r, 0, CM_STAGE_COUNT);
	struct kept_event *e;

	if (stage == CM_STAGE_COUNT || stage == CM_STAGE_BODY)
		return;
	e = add_event(r, (enum cm_stage)stage);
	e->name = word(r, 1);
	e->value = word(r, 2);
	e->glued = (number(r, 3) & RECORD_GLUED) != 0;
	e->rejected = (number(r, 3) & RECORD_REJECTED) != 0;
	e->too_large = (number(r, 3) & RECORD_LARGE) != 0;
}

static void
read_arg(struct reading *r)
{
	struct kept_event *e = r->event;
	size_t count = 0;
	const char **args;

	if (e == NULL)
		return;
	while (e->args[count] != NULL)
		count++;
	args = arena_array(&r->k->arena, count + 2, sizeof(*args));
	memcpy(args, e->args, count * sizeof(*args));
	args[count] = word(r, 0);
	e->args = args;
}

static void
read_body(struct reading *r)
{
	struct kept_event *e = add_event(r, CM_STAGE_BODY);
	int64_t len = number(r, 0);

	e->len = len < 0 || len > INT32_MAX ? 0 : (size_t)len;
	if (text(r, 1) != NULL && r->item->texts[1].len == e->len)
		e->data = (const unsigned char *)text(r, 1);
	r->k->body_len += e->len;
	r->k->body_whole = r->k->body_whole && (e->data != NULL || e->len == 0);
}

static void
read_answer(struct reading *r)
{
	unsigned verdict = choice(r, 0, CM_FAILED + 1);

	if (r->event == NULL || verdict > CM_FAILED)
		return;
	r->event->answered = (enum cm_verdict)verdict;
	r->event->skip = flag(r, 1);
	r->k->body_whole = r->k->body_whole && !r->event->skip;
}

static void
read_terms(struct reading *r)
{
	struct kept *k = r->k;

	k->denied = (uint32_t)number(r, 0);
	k->waited = (uint32_t)number(r, 1);
	k->stages = (uint32_t)number(r, 2);
	k->macros_asked = flag(r, 3);
	k->blanks = flag(r, 4);
	k->asked = word(r, 5);
}

/* --- what was found --- */

static void
read_question(struct reading *r)
{
	unsigned status = choice(r, 2, CM_DNS_CANCELLED + 1);
	struct kept_question *q = arena_alloc(&r->k->arena, sizeof(*q));

	q->name = word(r, 0);
	q->type = (enum cm_dns_type)number(r, 1);
	q->answer.status = status > CM_DNS_CANCELLED ? CM_DNS_SERVFAIL : (enum cm_dns_status)status;
	q->answer.name = word(r, 3);
	q->answer.ttl = (uint32_t)number(r, 4);
	q->answer.secure = flag(r, 5);
	q->missed = flag(r, 6);
	*r->last_question = r->question = q;
	r->last_question = &q->next;
}

static void
read_data(struct reading *r)
{
	struct kept_question *q = r->question;
	const struct record_text *address = &r->item->texts[1];
	struct cm_dns_record *records;

	if (q == NULL || q->answer.status != CM_DNS_FOUND || text(r, 0) == NULL)
		return;
	records = arena_array(&r->k->arena, q->answer.count + 1, sizeof(*records));
	if (q->answer.count > 0)
		memcpy(records, q->answer.records, q->answer.count * sizeof(*records));
	records[q->answer.count] = (struct cm_dns_record){.text = text(r, 0),
		.len = r->item->texts[0].len,
		.preference = choice(r, 2, 65536) % 65536};
	if (address->text != NULL && address->len == (q->type == CM_DNS_A ? 4u : 16u))
		records[q->answer.count].address = (const unsigned char *)address->text;
	q->answer.records = records;
	q->answer.count++;
}

static void
read_trace(struct reading *r)
{
	unsigned stage = choice(r, 0, CM_STAGE_COUNT), verdict = choice(r, 1, CM_FAILED + 1);
	int64_t flags = number(r, 2);
	struct trace *t = &r->k->traces[(flags & RECORD_MESSAGE) != 0];
	struct trace_record *rec = arena_alloc(&r->k->arena, sizeof(*rec));

	if (stage == CM_STAGE_COUNT || verdict > CM_FAILED)
		return;
	*rec = (struct trace_record){
		.stage = (enum cm_stage)stage,
		.verdict = (enum cm_verdict)verdict,
		.shadow = (flags & RECORD_SHADOW) != 0,
		.failed = (flags & RECORD_FAILED) != 0,
		.sampled_out = (flags & RECORD_SAMPLED_OUT) != 0,
		.link = link_named(r, text(r, 3)),
		.us = number(r, 4),
		.calls = (unsigned)number(r, 5),
		.edits = (uint32_t)number(r, 6),
		.reason = text(r, 7),
		.result = text(r, 8),
		.rcpt = text(r, 9),
		.reply = reply_at(r, 10),
	};
	*t->last = rec;
	t->last = &rec->next;
	t->count++;
}

static void
read_lost(struct reading *r)
{
	for (unsigned i = 0; i < 2; i++)
		r->k->traces[i].lost = number(r, i) > 0 ? (size_t)number(r, i) : 0;
}

static void
read_result(struct reading *r)
{
	unsigned span = choice(r, 0, SESSION_SPANS);
	struct session_pair *p = arena_alloc(&r->k->arena, sizeof(*p));

	if (span == SESSION_SPANS)
		return;
	*p = (struct session_pair){.group = word(r, 1), .name = word(r, 2), .value = text(r, 3)};
	*r->last_result[span] = p;
	r->last_result[span] = &p->next;
}

static void
read_finding(struct reading *r)
{
	struct session_auth *a = arena_alloc(&r->k->arena, sizeof(*a));

	a->by = link_named(r, text(r, 0));
	a->result = (struct cm_auth_result){.method = word(r, 1),
		.result = word(r, 2),
		.comment = text(r, 3),
		.reason = text(r, 4)};
	*r->last_finding = r->finding = a;
	r->last_finding = &a->next;
}

static void
read_property(struct reading *r)
{
	struct cm_auth_result *f = r->finding == NULL ? NULL : &r->finding->result;
	struct cm_auth_property *list;

	if (f == NULL)
		return;
	list = arena_array(&r->k->arena, f->count + 1, sizeof(*list));
	if (f->count > 0)
		memcpy(list, f->properties, f->count * sizeof(*list));
	list[f->count++] = (struct cm_auth_property){word(r, 0), word(r, 1), word(r, 2)};
	f->properties = list;
}

static void
read_edit(struct reading *r)
{
	struct kept *k = r->k;
	unsigned kind = choice(r, 0, EDIT_KINDS);
	struct edit *e = arena_alloc(&k->arena, sizeof(*e));
	const struct edit **list;

	if (kind == EDIT_KINDS)
		return;
	*e = (struct edit){
		.kind = (enum edit_kind)kind,
		.by = link_named(r, text(r, 1)),
		.name = word(r, 2),
		.value = text(r, 3),
		.index = (size_t)number(r, 4),
		.len = (size_t)number(r, 5),
	};
	list = arena_array(&k->arena, k->edit_count + 1, sizeof(*list));
	if (k->edit_count > 0)
		memcpy(list, k->edits, k->edit_count * sizeof(*list));
	list[k->edit_count++] = e;
	k->edits = list;
}

static void
read_outcome(struct reading *r)
{
	r->k->outcome = (struct chain_outcome){.word = word(r, 0),
		.by = text(r, 1),
		.reply = reply_at(r, 2),
		.reason = text(r, 5)};
}

static void
read_profile(struct reading *r)
{
	r->k->profile = text(r, 0);
}

static void
read_cut(struct reading *r)
{
	r->k->cut = true;
}

static const struct {
	enum record_tag tag;
	void (*read)(struct reading *);
} readers[] = {
	{RECORD_ANSWER, read_answer},
	{RECORD_ARG, read_arg},
	{RECORD_BODY, read_body},
	{RECORD_CLIENT, read_client},
	{RECORD_CUT, read_cut},
	{RECORD_DATA, read_data},
	{RECORD_EDIT, read_edit},
	{RECORD_EVENT, read_event},
	{RECORD_FINDING, read_finding},
	{RECORD_HEAD, read_head},
	{RECORD_LOST, read_lost},
	{RECORD_MACRO, read_macro},
	{RECORD_MACROS, read_macros},
	{RECORD_OUTCOME, read_outcome},
	{RECORD_PROFILE, read_profile},
	{RECORD_PROPERTY, read_property},
	{RECORD_QUESTION, read_question},
	{RECORD_RESULT, read_result},
	{RECORD_TERMS, read_terms},
	{RECORD_TRACE, read_trace},
};

static void
begin(struct reading *r, struct kept *k)
{
	*k = (struct kept){
		.body_whole = true, .id = "", .conn_id = "", .asked = "", .listener = ""};
	k->client_name = k->client_ip = "";
	k->outcome.word = "";
	arena_init(&k->arena, ARENA_SIZE);
	*r = (struct reading){.k = k};
	r->last_event = &k->events;
	r->last_question = &k->questions;
	r->last_finding = &k->findings;
	for (unsigned i = 0; i < SESSION_SPANS; i++)
		r->last_result[i] = &k->results[i];
	for (unsigned i = 0; i < 2; i++)
		k->traces[i].last = &k->traces[i].first;
}

bool
kept_read(struct kept *k, const unsigned char *octets, size_t len)
{
	struct record_item item;
	struct reading r;
	size_t at = 0;

	begin(&r, k);
	/* Texts are borrowed, so they must live as long as the rest. */
	unsigned char *data = arena_memdup(&k->arena, octets, len);

	r.item = &item;
	while (record_item_next(data, len, &at, &item)) {
		for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
			if (readers[i].tag == item.tag)
				readers[i].read(&r);
		}
	}
	if (at == len && r.headed && k->events != NULL && k->events->stage == CM_STAGE_MAIL)
		return true;
	kept_free(k);
	return false;
}
