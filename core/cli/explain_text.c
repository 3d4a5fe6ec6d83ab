/* SPDX-License-Identifier: MIT */
/*
 * explain_text.c - an explained message for people: one line per link and stage
 *
 * Everything from the message and the network is escaped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "door/kept.h"
#include "explain.h"

#define LINE_MAX_OCTETS 1000

/* A line built piece by piece and printed once. */
static void
print_escaped(const char *text)
{
	struct buf b;

	buf_init(&b, LINE_MAX_OCTETS);
	text_escape(&b, text, strlen(text));
	printf("%s%s", b.data, buf_cut(&b) ? "..." : "");
	buf_fini(&b);
}

static const char *
stage_word(enum cm_stage stage)
{
	return stages[stage].lua_name != NULL ? stages[stage].lua_name : stages[stage].name;
}

/* --- head --- */

/* Whose session it was. */
static void
print_kept(const struct kept *k)
{
	time_t at = (time_t)(k->wall / CLOCK_SEC);
	struct tm tm;
	char day[32];

	strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", localtime_r(&at, &tm));
	printf("session   %s  id=", day);
	print_escaped(k->id);
	printf(" queue_id=");
	print_escaped(k->queue_id == NULL ? "-" : k->queue_id);
	printf("\nclient    ");
	print_escaped(k->client_name);
	printf("[");
	print_escaped(k->client_ip[0] == '\0' ? "local" : k->client_ip);
	printf("] helo=");
	print_escaped(k->helo == NULL ? "-" : k->helo);
	printf("\nenvelope  from=");
	print_escaped(k->events->name);
	printf(" to=");
	for (const struct kept_event *e = kept_find(k, NULL, CM_STAGE_RCPT); e != NULL;
		e = kept_find(k, e, CM_STAGE_RCPT)) {
		print_escaped(e->name);
		printf("%s", kept_find(k, e, CM_STAGE_RCPT) != NULL ? "," : "");
	}
	printf("\n");
}

static void
print_profile(const struct explained *e)
{
	if (e->profile != NULL)
		printf("profile %s", e->profile);
	else
		printf("no profile matches, the message is not filtered");
	printf(" (port %u, ", e->port);
	if (e->login == NULL) {
		printf("no login");
	} else {
		printf("login ");
		print_escaped(e->login);
	}
	printf("%s)\n", e->tls ? ", TLS" : "");
}

/* --- trace --- */

/* What it found says more than that it has no opinion. */
static const char *
verdict_word(const struct trace_record *r)
{
	if (r->verdict != CM_CONTINUE && (r->verdict != CM_DONE || r->result == NULL))
		return verdict_name(r->verdict);
	return r->result != NULL ? r->result : "no opinion";
}

static void
print_word(const char *word)
{
	struct buf b;

	buf_init(&b, LINE_MAX_OCTETS);
	text_escape(&b, word, strlen(word));
	printf("%-12s ", b.data);
	buf_fini(&b);
}

/* Of a link that is only watched. */
static void
print_watched_edits(uint32_t edits)
{
	const char *between = "would ";

	for (unsigned kind = 0; kind < EDIT_KINDS; kind++) {
		if ((edits & UINT32_C(1) << kind) == 0)
			continue;
		printf("%s%s", between, edit_kind_name((enum edit_kind)kind));
		between = ", ";
	}
	if (edits != 0)
		printf("  ");
}

static void
print_details(const struct trace_record *r)
{
	const char *between = "";

	if (r->rcpt != NULL) {
		print_escaped(r->rcpt);
		between = "  ";
	}
	if (r->reply.code != 0) {
		printf("%s%d %s ", between, r->reply.code, r->reply.status);
		print_escaped(r->reply.text);
		between = "  ";
	}
	if (r->reason != NULL) {
		printf("%s", between);
		print_escaped(r->reason);
		between = "  ";
	}
	printf("%s", between);
}

void
explain_print_record(const struct cm_session *s, const struct trace_record *r)
{
	bool out = s == NULL ? r->sampled_out : chain_sampled_out(s, r->link);
	char who[160];

	snprintf(who, sizeof(who), "%-10s%s", r->link != NULL ? r->link->name : "core",
		r->shadow || out ? " SHADOW" : "");
	printf("%-9s %-19s ", stage_word(r->stage), who);
	print_word(verdict_word(r));
	print_details(r);
	print_watched_edits(r->edits);
	if (out)
		printf("outside of its sample  ");
	if (r->calls > 1)
		printf("%u calls, ", r->calls);
	printf("%" PRId64 " us\n", r->us);
}

static void
print_trace(const struct cm_session *s, const struct trace *t)
{
	for (const struct trace_record *r = t->first; r != NULL; r = r->next)
		explain_print_record(s, r);
	if (t->lost > 0)
		printf("(%zu more)\n", t->lost);
}

static void
print_results(const struct session_pair *list, const char *indent)
{
	for (; list != NULL; list = list->next) {
		printf("%sresult    %s.%s = ", indent, list->group, list->name);
		print_escaped(list->value != NULL ? list->value : "");
		printf("\n");
	}
}

/* --- verdict --- */

static void
count(const struct trace *t, size_t *records, int64_t *us)
{
	for (const struct trace_record *r = t->first; r != NULL; r = r->next) {
		*us += r->us;
		(*records)++;
	}
}

static void
print_verdict(const struct explained *e, const char *indent)
{
	size_t records = 0;
	int64_t us = 0;

	count(e->traces[0], &records, &us);
	count(e->traces[1], &records, &us);
	printf("%sverdict   %s", indent, e->outcome);
	if (e->reply.code != 0) {
		printf("  %d %s ", e->reply.code, e->reply.status);
		print_escaped(e->reply.text);
	}
	if (e->by != NULL)
		printf("  by %s", e->by);
	printf("  (%zu answer%s, ", records, records == 1 ? "" : "s");
	if (e->dns_asked > 0)
		printf("%u DNS question%s, ", e->dns_asked, e->dns_asked == 1 ? "" : "s");
	printf("%" PRId64 " us)\n", us);
}

/* --- edits --- */

/* On one line, as its reader takes it (RFC 5322 section 2.2.3). */
static void
print_unfolded(const char *value)
{
	struct buf b;

	buf_init(&b, 0);
	while (*value != '\0') {
		size_t fold = edit_fold(value);

		value += fold + strspn(value + fold, fold > 0 ? " \t" : "");
		buf_add_char(&b, fold > 0 ? ' ' : *value++);
	}
	print_escaped(b.data);
	buf_fini(&b);
}

static void
print_field(const char *sign, const struct edit *e)
{
	printf("headers   %s ", sign);
	print_escaped(e->name);
	if (e->kind == EDIT_SET_HEADER && e->index > 0)
		printf("[%zu]", e->index);
	if (e->value != NULL) {
		printf(": ");
		print_unfolded(e->value);
	}
	if (e->kind == EDIT_INSERT_HEADER)
		printf("  (at %zu)", e->index);
}

static void
print_named(const char *what, const char *value)
{
	printf("%s", what);
	print_escaped(value != NULL ? value : "");
}

static void
print_edit(const struct edit *e)
{
	switch (e->kind) {
	case EDIT_BODY:
		printf("body      = %zu octets", e->len);
		break;
	case EDIT_SENDER:
		print_named("sender    = <", e->value);
		printf(">");
		break;
	case EDIT_ADD_RCPT:
		print_named("recipients + ", e->value);
		break;
	case EDIT_DROP_RCPT:
		print_named("recipients - ", e->value);
		break;
	case EDIT_SET_HEADER:
		print_field(e->value != NULL ? "=" : "-", e);
		break;
	case EDIT_ADD_HEADER:
	case EDIT_INSERT_HEADER:
		print_field("+", e);
		break;
	case EDIT_QUARANTINE:
		print_named("hold      ", e->value);
		break;
	case EDIT_PREFIX_SUBJECT:
	case EDIT_KINDS:
		return;
	}
	printf("%s%s\n", e->by != NULL ? "  by " : "", e->by != NULL ? e->by->name : "");
}

void
explain_print_outcome(const struct explained *e, const char *indent)
{
	for (size_t i = 0; i < SESSION_SPANS; i++)
		print_results(e->results[i], indent);
	print_verdict(e, indent);
	for (size_t i = 0; i < e->edit_count; i++) {
		printf("%s", indent);
		print_edit(e->edits[i]);
	}
}

void
explain_print_text(const struct explained *e)
{
	if (e->kept != NULL)
		print_kept(e->kept);
	print_profile(e);
	print_trace(e->session, e->traces[0]);
	print_trace(e->session, e->traces[1]);
	explain_print_outcome(e, "");
	printf("exit %d\n", e->exit_code);
}
