/* SPDX-License-Identifier: MIT */
/*
 * chain_world.h - chains of invented links, and an MTA that drives a session through them
 *
 * A link does what its struct fake says and writes down that it was called. Nothing of the host or
 * of a door is used: an event in; a verdict, a reply and a list of edits out.
 */
#ifndef TESTS_UNIT_CHAIN_WORLD_H
#define TESTS_UNIT_CHAIN_WORLD_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "chain/chain.h"
#include "mail/address.h"
#include "table.h"

#define BIT(stage)    (1u << (stage))
#define ALL_STAGES    (BIT(CM_STAGE_COUNT) - 1)
#define LINKS_MOST    6
#define PROFILES_MOST 3
#define EDIT_RIGHTS \
	(CM_EDIT_HEADERS | CM_EDIT_RCPTS | CM_EDIT_SENDER | CM_EDIT_BODY | CM_EDIT_QUARANTINE)

/* What an invented link does. */
struct fake {
	unsigned hooks;			    /* bit per stage */
	enum cm_verdict at[CM_STAGE_COUNT]; /* what it returns */
	const char *rcpt;		    /* at RCPT only for this address */
	int code;			    /* 0: no reply of its own */
	const char *status, *text;
	const char *reason;
	int64_t takes; /* microseconds of each call */
	unsigned edit_at;
	struct edit edit;
	const char *result; /* published at MAIL */
	void *conn, *msg;   /* its states as seen last */
};

struct world {
	struct chain chain;
	struct profile profiles[PROFILES_MOST];
	struct link links[LINKS_MOST], *link_list[LINKS_MOST];
	struct link *at[PROFILES_MOST][CM_STAGE_COUNT][LINKS_MOST + 1];
	bool has[PROFILES_MOST][LINKS_MOST];
	struct fake fakes[LINKS_MOST];
	struct arena arena;
	struct cm_session *s;
	struct answer a;
	char calls[4096];  /* "mail:one rcpt:two " */
	bool asleep;	   /* all links return CM_CONTINUE and do nothing else */
	bool note_ends;	   /* write down end_msg and end_conn */
	const char *login; /* NULL: not logged in */
	const char *queue_id;
	uint32_t no_reply;
};

static struct world w;

static inline void
note_call(const char *what, const char *name)
{
	size_t len = strlen(w.calls);

	snprintf(w.calls + len, sizeof(w.calls) - len, "%s:%s ", what, name);
}

static void
fake_edit(struct cm_session *s, const struct fake *f)
{
	struct edit e = f->edit;
	struct err err;

	if (chain_running_shadow(s)) {
		chain_watch_edit(s, e.kind);
		return;
	}
	e.by = chain_running(s);
	e.stage = s->stage;
	ck_assert_msg(
		edit_add(s->in_message ? &s->edits : &s->conn_edits, session_arena(s), &e, &err),
		"%s", err.text);
}

static enum cm_verdict
fake_hook(struct cm_session *s, const struct cm_event *ev)
{
	struct link *l = chain_running(s);
	struct fake *f = l->config;
	struct err err;

	if (w.asleep)
		return CM_CONTINUE;
	note_call(stages[ev->stage].name, l->name);
	clock_advance(f->takes);
	f->conn = chain_conn_state(s);
	f->msg = chain_msg_state(s);
	if ((f->edit_at & BIT(ev->stage)) != 0)
		fake_edit(s, f);
	if (f->result != NULL && ev->stage == CM_STAGE_MAIL)
		session_set_result(s, l->plugin->name, "result", f->result);
	if (ev->stage == CM_STAGE_RCPT && f->rcpt != NULL &&
		strcmp(f->rcpt, ev->address->addr) != 0)
		return CM_CONTINUE;
	if (f->code != 0)
		ck_assert(reply_set(chain_running_reply(s), session_arena(s), s->id, &err, f->code,
			f->status, f->text));
	if (f->reason != NULL)
		chain_set_reason(s, f->reason);
	return f->at[ev->stage];
}

static void
fake_end_msg(struct cm_session *s)
{
	const struct cm_final *final = chain_final(s);
	char what[64];

	snprintf(what, sizeof(what), "end_msg(%s%s%s)", verdict_name(final->verdict),
		final->by == NULL ? "" : " by ", final->by == NULL ? "" : final->by);
	if (w.note_ends)
		note_call(what, chain_running(s)->name);
}

static void
fake_end_conn(struct cm_session *s)
{
	if (w.note_ends)
		note_call("end_conn", chain_running(s)->name);
}

static const struct cm_plugin fake_plugin = {
	.abi = CM_ABI,
	.size = sizeof(struct cm_plugin),
	.name = "fake",
	.conn_size = 8,
	.msg_size = 16,
	.connect = fake_hook,
	.helo = fake_hook,
	.mail = fake_hook,
	.rcpt = fake_hook,
	.data = fake_hook,
	.header = fake_hook,
	.eoh = fake_hook,
	.body = fake_hook,
	.eom = fake_hook,
	.unknown = fake_hook,
	.end_msg = fake_end_msg,
	.end_conn = fake_end_conn,
};

/* --- building --- */

static inline void
world_init(void)
{
	struct log_config quiet = {
		.target = LOG_TARGET_FILE, .level = LOG_LEVEL_ERROR, .path = "/dev/null"};
	struct err err;

	w = (struct world){0};
	ck_assert_msg(log_open(&quiet, 1, &err), "%s", err.text);
	clock_freeze(1800000000);
	arena_init(&w.arena, 1024);
	w.chain = (struct chain){
		.profiles = w.profiles,
		.links = w.link_list,
		.message_timeout_us = 25 * CLOCK_SEC,
		.limits = {.header_octets = 10000,
			.header_fields = 100,
			.recipients = 50,
			.body_octets = 1000},
	};
}

static inline void
world_fini(void)
{
	if (w.s != NULL) {
		chain_close(w.s);
		session_free(w.s);
	}
	arena_fini(&w.arena);
	log_close();
	clock_thaw();
}

/* A link that is called at the stages given; the profile names it from its next place on. */
static inline struct link *
add_link(const char *name, unsigned hooks)
{
	size_t i = w.chain.link_count++;
	struct link *l = &w.links[i];

	ck_assert_uint_lt(i, LINKS_MOST);
	w.fakes[i].hooks = hooks;
	l->name = name;
	l->plugin = &fake_plugin;
	l->config = &w.fakes[i];
	l->set = (struct link_settings){.timeout_us = 10 * CLOCK_SEC, .sample = 10000};
	l->needs = EDIT_RIGHTS;
	l->index = (unsigned)i;
	w.link_list[i] = l;
	return l;
}

static inline struct fake *
fake_of(const struct link *l)
{
	return l->config;
}

/* A link that returns this verdict at this stage and nothing elsewhere. */
static inline struct link *
add_verdict(const char *name, enum cm_stage stage, enum cm_verdict v)
{
	struct link *l = add_link(name, BIT(stage));

	fake_of(l)->at[stage] = v;
	return l;
}

static inline struct profile *
add_profile(const char *name)
{
	size_t i = w.chain.profile_count++;
	struct profile *p = &w.profiles[i];

	ck_assert_uint_lt(i, PROFILES_MOST);
	*p = (struct profile){.name = name, .has = w.has[i]};
	for (size_t stage = 0; stage < CM_STAGE_COUNT; stage++)
		p->at[stage] = w.at[i][stage];
	return p;
}

static inline void
profile_add(struct profile *p, struct link *l)
{
	p->has[l->index] = true;
	for (size_t stage = 0; stage < CM_STAGE_COUNT; stage++) {
		struct link **at = p->at[stage];

		if ((fake_of(l)->hooks & BIT(stage)) == 0)
			continue;
		while (*at != NULL)
			at++;
		*at = l;
	}
}

/* One profile with all links in their order. */
static inline struct profile *
add_default_profile(void)
{
	struct profile *p = add_profile("default");

	for (size_t i = 0; i < w.chain.link_count; i++)
		profile_add(p, &w.links[i]);
	return p;
}

/* --- the MTA --- */

static inline void
open_session(void)
{
	w.s = session_new(&w.chain.limits, "test");
	w.s->rights = EDIT_RIGHTS;
	w.s->macros_asked = true;
	w.s->no_reply = w.no_reply;
	chain_open(&w.chain, w.s);
}

static inline const char *
describe_edit(const struct edit *e)
{
	const char *what = edit_kind_name(e->kind);

	return arena_printf(&w.arena, "%s %s%s%s", what, e->name == NULL ? "" : e->name,
		e->name == NULL ? "" : "=", e->value == NULL ? "" : e->value);
}

/* "reject 550 5.7.1 text; edit; edit", without the id. */
static inline const char *
answered(void)
{
	const char *text = verdict_name(w.a.verdict);
	char *id;

	if (w.a.reply.code != 0)
		text = arena_printf(&w.arena, "%s %s", text, reply_line(&w.a.reply, &w.arena));
	id = strstr(text, " (id ");
	if (id != NULL)
		*id = '\0';
	if (w.a.skip)
		text = arena_printf(&w.arena, "%s skip", text);
	for (size_t i = 0; i < w.a.edit_count; i++)
		text = arena_printf(&w.arena, "%s; %s", text, describe_edit(w.a.edits[i]));
	return text;
}

static inline const char *
event(const struct cm_event *ev)
{
	chain_event(w.s, ev, &w.a);
	return answered();
}

static inline void
macros(enum cm_stage stage, const char *name, const char *value)
{
	session_macros_begin(w.s, stage);
	if (value != NULL)
		session_macro_add(w.s, stage, name, value);
}

static inline const char *
connect_from(const char *ip)
{
	struct net_addr addr;

	ck_assert(net_parse(&addr, ip));
	session_set_client(w.s, "client.example", &addr, 40000);
	macros(CM_STAGE_CONNECT, "{daemon_port}", "25");
	return event(&(struct cm_event){.stage = CM_STAGE_CONNECT, .name = "client.example"});
}

static inline const char *
helo(const char *name)
{
	session_macros_begin(w.s, CM_STAGE_HELO);
	return event(&(struct cm_event){.stage = CM_STAGE_HELO, .name = name});
}

static inline const char *
path_event(enum cm_stage stage, const char *path)
{
	struct cm_address a;

	address_parse_path(&a, &w.arena, path);
	return event(&(struct cm_event){.stage = stage, .address = &a});
}

static inline const char *
mail(const char *path)
{
	macros(CM_STAGE_MAIL, "{auth_authen}", w.login);
	return path_event(CM_STAGE_MAIL, path);
}

static inline const char *
rcpt(const char *path)
{
	session_macros_begin(w.s, CM_STAGE_RCPT);
	return path_event(CM_STAGE_RCPT, path);
}

static inline const char *
step(enum cm_stage stage)
{
	if (stages[stage].macro_list != STAGE_NO_MACROS)
		macros(stage, "i", w.queue_id);
	return event(&(struct cm_event){.stage = stage});
}

static inline const char *
header(const char *name, const char *value)
{
	return event(&(struct cm_event){.stage = CM_STAGE_HEADER, .name = name, .value = value});
}

static inline const char *
body(const char *text)
{
	return event(&(struct cm_event){
		.stage = CM_STAGE_BODY, .data = (const unsigned char *)text, .len = strlen(text)});
}

static inline const char *
eom(void)
{
	return step(CM_STAGE_EOM);
}

/* DATA, two fields, a body and the end; each step before it must not answer. */
static inline const char *
content(void)
{
	ck_assert_str_eq(step(CM_STAGE_DATA), "continue");
	ck_assert_str_eq(header("From", "a@x.y"), "continue");
	ck_assert_str_eq(header("Subject", "hello"), "continue");
	ck_assert_str_eq(step(CM_STAGE_EOH), "continue");
	body("text");
	ck_assert_int_eq(w.a.verdict, CM_CONTINUE);
	return eom();
}

static inline void
open_and_greet(void)
{
	open_session();
	ck_assert_str_eq(connect_from("192.0.2.1"), "continue");
	ck_assert_str_eq(helo("client.example"), "continue");
}

/* A message of the same connection before the one a test is about. */
enum prelude { FRESH, AFTER_MESSAGE, AFTER_RSET, AFTER_OPEN_MESSAGE, PRELUDES };

/* Nobody has an opinion on it, held refusals aside. */
static inline void
play_prelude(int prelude)
{
	w.asleep = true;
	if (prelude != FRESH && (mail("<before@x.y>"), w.a.verdict == CM_CONTINUE)) {
		rcpt("<first@x.y>");
		step(CM_STAGE_DATA);
		header("From", "before@x.y");
		if (prelude == AFTER_MESSAGE)
			eom();
	}
	if (prelude == AFTER_MESSAGE || prelude == AFTER_RSET)
		chain_end_message(w.s);
	w.asleep = false;
	w.calls[0] = '\0';
}

static inline void
begin(int prelude)
{
	open_and_greet();
	play_prelude(prelude);
}

/* What was called since, and forgets it. */
static inline const char *
called(void)
{
	const char *calls = arena_strdup(&w.arena, w.calls);

	w.calls[0] = '\0';
	return calls;
}

/* "stage link verdict[!][~] ..." of the connection and the message: ! failed, ~ watched. */
static inline const char *
add_traced(const char *text, const struct trace *t)
{
	for (const struct trace_record *r = t->first; r != NULL; r = r->next)
		text = arena_printf(&w.arena, "%s%s:%s:%s%s%s%s ", text, stages[r->stage].name,
			r->link == NULL ? "core" : r->link->name, verdict_name(r->verdict),
			r->failed ? "!" : "", r->shadow ? "~" : "",
			r->calls > 1 ? arena_printf(&w.arena, "*%u", r->calls) : "");
	return text;
}

static inline const char *
traced(void)
{
	return add_traced(add_traced("", chain_conn_trace(w.s)), chain_trace(w.s));
}

static inline const char *
last_reason(void)
{
	const char *reason = NULL;

	for (const struct trace_record *r = chain_trace(w.s)->first; r != NULL; r = r->next) {
		if (r->reason != NULL)
			reason = r->reason;
	}
	return reason == NULL ? "" : reason;
}

#endif
