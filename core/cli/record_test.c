/* SPDX-License-Identifier: MIT */
/*
 * record_test.c - a kept session as a case of `chainmail test`
 *
 * All of it is text that strangers sent, so each piece is a quoted string of Lua with nothing but
 * printable ASCII, and comments hold none of it.
 */
#include "record_test.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/net.h"
#include "service/dns_type.h"
#include "test.h"

struct writer {
	struct buf *out;
	const struct kept *k;
	const char *rule; /* NULL: nobody's answers are expected */
	bool expected;	  /* something was */
};

/* --- Lua ---------------------------------------------------------------------------------------
 */

static void
add_octet(struct buf *out, char c)
{
	if (c == '\n')
		buf_add_str(out, "\\n");
	else if (c == '\t')
		buf_add_str(out, "\\t");
	else if (c < ' ' || c > '~')
		buf_printf(out, "\\%03u", (unsigned)(unsigned char)c);
	else if (c == '"' || c == '\\')
		buf_printf(out, "\\%c", c);
	else
		buf_add_char(out, c);
}

static void
add_quoted(struct buf *out, const char *text, size_t len)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < len; i++)
		add_octet(out, text[i]);
	buf_add_char(out, '"');
}

static void
quote(struct buf *out, const char *text)
{
	add_quoted(out, text, strlen(text));
}

/* --- options -------------------------------------------------------------------------------------
 */

static void
add_option(struct writer *w, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	buf_printf(w->out, "    %s = ", name);
	quote(w->out, value);
	buf_add_str(w->out, ",\n");
}

/* NULL: no such question can be asked, or nobody waited for what it would be answered. */
static const char *const failures[] = {
	[CM_DNS_FOUND] = "",
	[CM_DNS_NO_DATA] = "",
	[CM_DNS_NO_NAME] = "",
	[CM_DNS_TIMEOUT] = "timeout",
	[CM_DNS_SERVFAIL] = "servfail",
	[CM_DNS_REFUSED] = "refused",
	[CM_DNS_BOGUS] = "bogus",
	[CM_DNS_BAD_NAME] = NULL,
	[CM_DNS_CANCELLED] = NULL,
};

static void
add_records(struct buf *out, const struct kept_question *q)
{
	buf_add_str(out, "{");
	for (size_t i = 0; i < q->answer.count; i++) {
		const struct cm_dns_record *r = &q->answer.records[i];
		struct buf text;

		buf_init(&text, 0);
		if (q->type == CM_DNS_MX)
			buf_printf(&text, "%u ", r->preference);
		buf_add(&text, r->text, r->len);
		buf_add_str(out, i > 0 ? ", " : " ");
		add_quoted(out, text.data, text.len);
		buf_fini(&text);
	}
	buf_add_str(out, q->answer.count > 0 ? " }" : "}");
}

static bool
asked_before(const struct kept *k, const struct kept_question *q)
{
	const struct kept_question *first = k->questions;

	while (first != q && (first->type != q->type || strcasecmp(first->name, q->name) != 0))
		first = first->next;
	return first != q;
}

static void
add_question(struct writer *w, const struct kept_question *q)
{
	const char *type = dns_type_name(q->type), *failure = failures[q->answer.status];
	struct buf name;

	if (type == NULL || failure == NULL || asked_before(w->k, q))
		return;
	buf_init(&name, 0);
	buf_printf(&name, "%s %s", q->name, type);
	buf_add_str(w->out, "        [");
	quote(w->out, name.data);
	buf_add_str(w->out, "] = ");
	if (failure[0] != '\0')
		quote(w->out, failure);
	else
		add_records(w->out, q);
	buf_add_str(w->out, ",\n");
	buf_fini(&name);
}

static void
add_dns(struct writer *w)
{
	if (w->k->questions == NULL)
		return;
	buf_add_str(w->out, "    dns = {\n");
	for (const struct kept_question *q = w->k->questions; q != NULL; q = q->next)
		add_question(w, q);
	buf_add_str(w->out, "    },\n");
}

/* What earlier links of these types found, for a rule that reads it. */
static void
add_results(struct writer *w, const char *type)
{
	bool any = false;

	for (unsigned span = 0; span < SESSION_SPANS; span++) {
		for (const struct session_pair *p = w->k->results[span]; p != NULL; p = p->next) {
			if (strcmp(p->group, type) != 0 || p->value == NULL)
				continue;
			buf_printf(w->out, any ? ", [" : "    %s = { [", type);
			quote(w->out, p->name);
			buf_add_str(w->out, "] = ");
			quote(w->out, p->value);
			any = true;
		}
	}
	if (any)
		buf_add_str(w->out, " },\n");
}

/* Nothing but a code of two letters can be a country of a case. */
static const char *
country(const struct kept *k)
{
	bool code = k->country != NULL && strlen(k->country) == 2 &&
		    strspn(k->country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2;

	return code ? k->country : NULL;
}

/* What the client reached: Sendmail tells it in {if_addr}, and in {daemon_addr} where it listens.
 */
static void
add_server(struct writer *w)
{
	static const char *const names[] = {"{daemon_addr}", "{if_addr}"};
	struct net_addr address, any = {0};
	char text[NET_TEXT];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *told = kept_macro(w->k, names[i]);

		if (told == NULL || !net_parse(&address, told) ||
			memcmp(address.octets, any.octets, sizeof(any.octets)) == 0)
			continue;
		net_text(&address, text);
		add_option(w, "server", text);
		return;
	}
}

static void
add_options(struct writer *w)
{
	static const char *const checks[] = {"arc", "dkim", "dmarc", "spf"};
	const struct kept *k = w->k;
	const char *port = kept_macro(k, "{daemon_port}");
	const char *name = strcmp(k->client_name, "unknown") == 0 ? NULL : k->client_name;

	buf_add_str(w->out, " {\n");
	add_option(w, "client", k->client_ip);
	add_option(w, "country", country(k));
	add_option(w, "name", name);
	add_option(w, "ptr", kept_macro(k, "{client_ptr}"));
	add_server(w);
	if (port != NULL && strtoul(port, NULL, 10) > 0)
		buf_printf(w->out, "    port = %lu,\n", strtoul(port, NULL, 10));
	if (kept_macro(k, "{tls_version}") != NULL)
		buf_add_str(w->out, "    tls = true,\n");
	add_option(w, "login", kept_macro(k, "{auth_authen}"));
	add_option(w, "method", kept_macro(k, "{auth_type}"));
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		add_results(w, checks[i]);
	add_dns(w);
	buf_add_str(w->out, "}\n");
}

/* --- steps ---------------------------------------------------------------------------------------
 */

static bool
speaks(const struct writer *w, const struct trace_record *r)
{
	return r->link != NULL && w->rule != NULL && strcmp(r->link->name, w->rule) == 0 &&
	       r->verdict != CM_CONTINUE && r->verdict != CM_DONE;
}

/* The rule's answer at one of the stages; rcpt NULL: whoever it was for. */
static const struct trace_record *
find_answer(const struct writer *w, enum cm_stage from, enum cm_stage to, const char *rcpt)
{
	for (size_t i = 0; i < 2; i++) {
		for (const struct trace_record *r = w->k->traces[i].first; r != NULL; r = r->next) {
			bool same = rcpt == NULL || (r->rcpt != NULL && strcmp(r->rcpt, rcpt) == 0);

			if (r->stage >= from && r->stage <= to && same && speaks(w, r))
				return r;
		}
	}
	return NULL;
}

/* Without the id, which is another each time. */
static size_t
text_length(const char *text)
{
	const char *id = strstr(text, " (id "), *more;

	while (id != NULL && (more = strstr(id + 1, " (id ")) != NULL)
		id = more;
	return id == NULL ? strlen(text) : (size_t)(id - text);
}

static void
add_expectation(struct writer *w, const struct trace_record *r)
{
	struct buf text;

	if (r == NULL)
		return;
	w->expected = true;
	buf_init(&text, 0);
	buf_add_str(&text, r->failed ? "error" : verdict_name(r->verdict));
	if (!r->failed && r->reply.code != 0) {
		buf_printf(&text, " %d %s ", r->reply.code, r->reply.status);
		buf_add(&text, r->reply.text, text_length(r->reply.text));
	}
	buf_add_str(w->out, " :expect ");
	add_quoted(w->out, text.data, text.len);
	buf_fini(&text);
}

/* Nothing follows a refusal of the message. */
static bool
ends(const struct trace_record *r)
{
	return r != NULL && (r->failed || r->verdict != CM_ACCEPT);
}

/* Without its angle brackets. */
static void
add_path(struct writer *w, const char *step, const char *path)
{
	size_t len = strlen(path);
	bool angle = len >= 2 && path[0] == '<' && path[len - 1] == '>';

	buf_printf(w->out, "\n    :%s ", step);
	add_quoted(w->out, path + angle, len - 2 * (size_t)angle);
}

static void
add_body(struct writer *w)
{
	const struct kept_event *e = NULL;
	struct buf body;

	if (!kept_has_body(w->k) || w->k->body_len == 0)
		return;
	buf_init(&body, 0);
	while ((e = kept_find(w->k, e, CM_STAGE_BODY)) != NULL) {
		/* A text of a test has LF, and no NUL. */
		for (size_t i = 0; i < e->len; i++) {
			if (e->data[i] != '\r' && e->data[i] != '\0')
				buf_add_char(&body, (char)e->data[i]);
		}
	}
	buf_add_str(w->out, "        body = ");
	add_quoted(w->out, body.data, body.len);
	buf_add_str(w->out, ",\n");
	buf_fini(&body);
}

static void
add_message(struct writer *w)
{
	const struct kept_event *e = NULL;
	struct buf line;

	buf_init(&line, 0);
	buf_add_str(w->out, "\n    :send {\n");
	while ((e = kept_find(w->k, e, CM_STAGE_HEADER)) != NULL) {
		buf_clear(&line);
		buf_printf(&line, "%s:%s%s", e->name, e->glued ? "" : " ", e->value);
		buf_add_str(w->out, "        ");
		quote(w->out, line.data);
		buf_add_str(w->out, ",\n");
	}
	add_body(w);
	buf_add_str(w->out, "    }");
	buf_fini(&line);
}

/* A recipient and what the rule said of it; what it said of all of them stands at the first. */
static void
add_recipients(struct writer *w)
{
	const struct kept_event *e = NULL;

	while ((e = kept_find(w->k, e, CM_STAGE_RCPT)) != NULL) {
		add_path(w, "rcpt", e->name);
		add_expectation(w, find_answer(w, CM_STAGE_RCPT, CM_STAGE_RCPT, e->name));
	}
}

static void
add_steps(struct writer *w)
{
	const struct trace_record *r;

	if (w->k->helo != NULL) {
		buf_add_str(w->out, "    :helo ");
		quote(w->out, w->k->helo);
		add_expectation(w, find_answer(w, CM_STAGE_CONNECT, CM_STAGE_HELO, NULL));
	} else {
		buf_add_str(w->out, "    :connect()");
		add_expectation(w, find_answer(w, CM_STAGE_CONNECT, CM_STAGE_CONNECT, NULL));
	}
	add_path(w, "mail", w->k->events->name);
	r = find_answer(w, CM_STAGE_MAIL, CM_STAGE_MAIL, NULL);
	add_expectation(w, r);
	if (ends(r))
		return;
	add_recipients(w);
	if (kept_find(w->k, NULL, CM_STAGE_DATA) == NULL &&
		kept_find(w->k, NULL, CM_STAGE_EOM) == NULL)
		return;
	add_message(w);
	add_expectation(w, find_answer(w, CM_STAGE_DATA, CM_STAGE_EOM, NULL));
}

/* --- the case ------------------------------------------------------------------------------------
 */

static void
add_head(struct writer *w)
{
	const struct kept *k = w->k;
	time_t at = (time_t)(k->wall / CLOCK_SEC);
	struct buf name;
	struct tm tm;
	char day[32];

	strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", localtime_r(&at, &tm));
	if (w->rule != NULL)
		buf_add_str(w->out, "-- What is expected is what this rule said then.\n");
	else
		buf_add_str(w->out, "-- No rule decided then, so nothing is expected.\n");
	if (kept_find(k, NULL, CM_STAGE_EOM) != NULL && !kept_has_header(k))
		buf_add_str(w->out, "-- The header was not kept.\n");
	if (kept_find(k, NULL, CM_STAGE_EOM) != NULL && !kept_has_body(k))
		buf_add_str(w->out, "-- The body was not kept.\n");
	buf_init(&name, 0);
	buf_printf(&name, "session %s of %s", k->id, day);
	if (w->rule != NULL)
		buf_printf(&name, ": %s", w->rule);
	buf_add_str(w->out, "case ");
	quote(w->out, name.data);
	buf_fini(&name);
}

void
record_test_write(struct buf *out, const struct kept *k, const char *rule)
{
	struct writer w = {.out = out, .k = k, .rule = rule};

	if (w.rule == NULL && k->outcome.by != NULL && strcmp(k->outcome.by, "core") != 0)
		w.rule = k->outcome.by;
	add_head(&w);
	add_options(&w);
	add_steps(&w);
	if (!w.expected)
		buf_add_str(out, " :expect \"nothing\"");
	buf_add_char(out, '\n');
}
