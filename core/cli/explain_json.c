/* SPDX-License-Identifier: MIT */
/*
 * explain_json.c - an explained message for programs: one JSON object on one line
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "door/kept.h"
#include "explain.h"

/* Members of one object, separated by commas. */
struct object {
	struct buf *out;
	bool any;
};

static struct object
begin(struct buf *out)
{
	buf_add_char(out, '{');
	return (struct object){.out = out};
}

static void
end(struct object *o)
{
	buf_add_char(o->out, '}');
}

static void
key(struct object *o, const char *name)
{
	if (o->any)
		buf_add_char(o->out, ',');
	o->any = true;
	text_json(o->out, name, strlen(name));
	buf_add_char(o->out, ':');
}

/* Nothing for NULL. */
static void
add_text(struct object *o, const char *name, const char *value)
{
	if (value == NULL)
		return;
	key(o, name);
	text_json(o->out, value, strlen(value));
}

static void
add_number(struct object *o, const char *name, int64_t value)
{
	key(o, name);
	buf_printf(o->out, "%" PRId64, value);
}

static void
add_bool(struct object *o, const char *name, bool value)
{
	key(o, name);
	buf_add_str(o->out, value ? "true" : "false");
}

static void
add_reply(struct object *o, const struct reply *reply)
{
	if (reply->code == 0)
		return;
	add_number(o, "code", reply->code);
	add_text(o, "status", reply->status);
	add_text(o, "text", reply->text);
}

/* Of a link that is only watched. */
static void
add_watched_edits(struct object *o, uint32_t edits)
{
	bool any = false;

	if (edits == 0)
		return;
	key(o, "would");
	buf_add_char(o->out, '[');
	for (unsigned kind = 0; kind < EDIT_KINDS; kind++) {
		if ((edits & UINT32_C(1) << kind) == 0)
			continue;
		buf_printf(
			o->out, "%s\"%s\"", any ? "," : "", edit_kind_name((enum edit_kind)kind));
		any = true;
	}
	buf_add_char(o->out, ']');
}

static void
add_record(struct buf *out, const struct cm_session *s, const struct trace_record *r)
{
	bool sampled_out = s == NULL ? r->sampled_out : chain_sampled_out(s, r->link);
	struct object o = begin(out);

	add_text(&o, "stage", stages[r->stage].name);
	add_text(&o, "link", r->link != NULL ? r->link->name : NULL);
	add_text(&o, "verdict", verdict_name(r->verdict));
	add_bool(&o, "shadow", r->shadow || sampled_out);
	if (sampled_out)
		add_bool(&o, "sampled_out", true);
	add_bool(&o, "failed", r->failed);
	add_reply(&o, &r->reply);
	add_text(&o, "result", r->result);
	add_text(&o, "reason", r->reason);
	add_text(&o, "rcpt", r->rcpt);
	add_watched_edits(&o, r->edits);
	add_number(&o, "calls", r->calls);
	add_number(&o, "us", r->us);
	end(&o);
}

static void
add_trace(struct object *o, const struct explained *e)
{
	const struct trace *const *traces = e->traces;
	bool any = false;

	key(o, "trace");
	buf_add_char(o->out, '[');
	for (size_t i = 0; i < 2; i++) {
		for (const struct trace_record *r = traces[i]->first; r != NULL; r = r->next) {
			if (any)
				buf_add_char(o->out, ',');
			any = true;
			add_record(o->out, e->session, r);
		}
	}
	buf_add_char(o->out, ']');
	add_number(o, "lost", (int64_t)(traces[0]->lost + traces[1]->lost));
}

static void
add_results(struct object *o, const struct session_pair *const *lists)
{
	char name[200];

	key(o, "results");
	struct object results = begin(o->out);

	for (size_t i = 0; i < SESSION_SPANS; i++) {
		for (const struct session_pair *p = lists[i]; p != NULL; p = p->next) {
			snprintf(name, sizeof(name), "%s.%s", p->group, p->name);
			add_text(&results, name, p->value);
		}
	}
	end(&results);
}

static void
add_edit(struct buf *out, const struct edit *e)
{
	struct object o = begin(out);

	add_text(&o, "edit", edit_kind_name(e->kind));
	add_text(&o, "by", e->by != NULL ? e->by->name : NULL);
	add_text(&o, "name", e->name);
	if (e->kind == EDIT_SET_HEADER && e->value == NULL)
		add_bool(&o, "remove", true);
	add_text(&o, "value", e->value);
	if (e->kind == EDIT_SET_HEADER || e->kind == EDIT_INSERT_HEADER)
		add_number(&o, "index", (int64_t)e->index);
	if (e->kind == EDIT_BODY)
		add_number(&o, "octets", (int64_t)e->len);
	end(&o);
}

static void
add_edits(struct object *o, const struct explained *e)
{
	key(o, "edits");
	buf_add_char(o->out, '[');
	for (size_t i = 0; i < e->edit_count; i++) {
		if (i > 0)
			buf_add_char(o->out, ',');
		add_edit(o->out, e->edits[i]);
	}
	buf_add_char(o->out, ']');
}

static void
add_recipients(struct object *o, const struct kept *k)
{
	bool any = false;

	key(o, "to");
	buf_add_char(o->out, '[');
	for (const struct kept_event *e = k->events; e != NULL; e = e->next) {
		if (e->stage != CM_STAGE_RCPT)
			continue;
		if (any)
			buf_add_char(o->out, ',');
		any = true;
		text_json(o->out, e->name, strlen(e->name));
	}
	buf_add_char(o->out, ']');
}

/* Whose session it was, where it was kept. */
static void
add_kept(struct object *o, const struct kept *k)
{
	if (k == NULL)
		return;
	add_text(o, "id", k->id);
	add_text(o, "connection", k->conn_id);
	add_text(o, "queue_id", k->queue_id);
	add_number(o, "at", k->wall / CLOCK_SEC);
	add_text(o, "client", k->client_ip);
	add_text(o, "client_name", k->client_name);
	add_text(o, "helo", k->helo);
	add_text(o, "login", kept_macro(k, "{auth_authen}"));
	add_text(o, "from", k->events->name);
	add_recipients(o, k);
}

void
explain_print_json(const struct explained *e)
{
	struct buf out;

	buf_init(&out, 0);
	struct object o = begin(&out);

	add_kept(&o, e->kept);
	add_text(&o, "profile", e->profile);
	add_trace(&o, e);
	add_results(&o, e->results);
	add_text(&o, "verdict", e->outcome);
	add_reply(&o, &e->reply);
	add_text(&o, "by", e->by);
	add_number(&o, "dns_questions", e->dns_asked);
	add_number(&o, "dns_misses", e->dns_missed);
	add_edits(&o, e);
	add_number(&o, "exit", e->exit_code);
	end(&o);
	printf("%s\n", out.data);
	buf_fini(&out);
}
