/* SPDX-License-Identifier: MIT */
/*
 * summary.c - one log line per message, and one for each refused recipient of a few
 *
 * Made of the session and the trace when the message's fate is known. Says what happened, not how.
 * What strangers wrote is cut here, so that the verdict always has its place in the line.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "run.h"

#define FIELDS_MOST 48
/* Fields up to here may be results; the others are behind them. */
#define RESULTS_END	32u
#define RCPT_LINES_MOST 10
#define SHADOW_MOST	256u
/* Of one value, and of all results: octets as they are, and as they may have to be written. */
#define VALUE_MOST    256u
#define WRITTEN_MOST  512u
#define RESULTS_MOST  1536u
#define QUEUE_ID_MOST 64u

struct record {
	struct cm_session *s;
	struct arena *arena;
	size_t results; /* octets that they may take */
	struct log_field fields[FIELDS_MOST];
	unsigned count;
};

static void
add(struct record *rec, const char *name, const char *journal, const char *value,
	enum log_style style)
{
	if (rec->count < FIELDS_MOST)
		rec->fields[rec->count++] = (struct log_field){name, journal, value, style};
}

/* What the octet takes in a line, as text or JSON. */
static size_t
written(unsigned char c)
{
	if (c == '"' || c == '\\')
		return 2;
	if (c < 0x20 || c == 0x7f)
		return 6;
	return c == ' ' || c > 0x7f ? 4 : 1;
}

/* As much as may be written; "..." stands for the rest. */
static const char *
cap(struct record *rec, const char *value)
{
	size_t n = 0, takes = 0;

	if (value == NULL)
		return NULL;
	while (value[n] != '\0' && n < VALUE_MOST && takes < WRITTEN_MOST)
		takes += written((unsigned char)value[n++]);
	if (value[n] == '\0')
		return value;
	return arena_printf(rec->arena, "%.*s...", (int)n, value);
}

static const char *
number(struct record *rec, uint64_t n, const char *unit)
{
	char digits[TEXT_NUMBER];

	text_number(digits, n);
	return arena_join(rec->arena, digits, unit, NULL);
}

static const char *
client_text(struct record *rec)
{
	const struct cm_session *s = rec->s;

	if (s->client.ip[0] == '\0')
		return "local";
	return arena_join(rec->arena, cap(rec, s->client.name), "[", s->client.ip, "]", NULL);
}

/* "-" says the MTA told there is none, "?" that it does not tell. */
static const char *
macro_text(const struct cm_session *s, const char *name)
{
	const char *value = NULL;

	switch (session_macro(s, name, &value)) {
	case CM_KNOWN:
		return value;
	case CM_NONE:
		return "-";
	case CM_UNDELIVERED:
		break;
	}
	return "?";
}

static void
add_client(struct record *rec)
{
	const struct cm_session *s = rec->s;
	const char *port = s->server.port == 0 ? NULL : number(rec, s->server.port, "");

	add(rec, "id", "ID", s->id, LOG_WORD);
	add(rec, "client", "CLIENT", client_text(rec), LOG_WORD);
	add(rec, "port", "PORT", port, LOG_WORD);
	add(rec, "tls", "TLS", cap(rec, macro_text(s, "{tls_version}")), LOG_WORD);
	add(rec, "auth", "AUTH_USER", cap(rec, macro_text(s, "{auth_authen}")), LOG_WORD);
	add(rec, "helo", "HELO", cap(rec, s->helo), LOG_QUOTED);
}

/* "<>" is the null sender alone: where there was nothing, there is none. */
static const char *
angle(struct record *rec, const struct cm_address *a)
{
	if (a->addr[0] == '\0' && !a->null)
		return NULL;
	return arena_join(rec->arena, "<", cap(rec, a->addr), ">", NULL);
}

/* Who got it; of a message that nobody got, who did not. */
static const char *
recipients(struct record *rec)
{
	const struct cm_session *s = rec->s;
	size_t count = s->rcpt_count > 0 ? s->rcpt_count : s->rcpt_refused;
	const char *first = s->rcpt_count > 0 ? s->rcpts[0].addr : s->run->refused_addr;

	if (count == 0)
		return NULL;
	first = cap(rec, first);
	if (count == 1)
		return arena_join(rec->arena, "<", first, ">", NULL);
	return arena_join(rec->arena, "<", first, ">+", number(rec, count - 1, ""), NULL);
}

static void
add_envelope(struct record *rec)
{
	const struct cm_session *s = rec->s;
	const struct run *r = s->run;
	bool whole = s->stage == CM_STAGE_EOM && r->sees_all && !r->skipped;

	add(rec, "from", "FROM", angle(rec, &s->sender), LOG_WORD);
	add(rec, "to", "TO", recipients(rec), LOG_WORD);
	add(rec, "size", "SIZE", whole ? number(rec, (uint64_t)s->size, "") : NULL, LOG_NUMBER);
}

/* A plugin may be called like a field of the line, as text or as JSON. */
static const char *
result_name(struct record *rec, const char *group)
{
	static const char *const taken[] = {"auth", "by", "client", "dns", "from", "helo", "id",
		"level", "pid", "port", "queue_id", "reason", "refused", "reply", "shadow", "size",
		"stage", "time", "tls", "to", "took", "verdict"};

	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		if (strcmp(taken[i], group) == 0)
			return arena_join(rec->arena, group, "_result", NULL);
	}
	return group;
}

/* There is room for it beside the others. */
static bool
fits(struct record *rec, const char *name, const char *value)
{
	size_t takes = strlen(name) + 2;

	for (; *value != '\0'; value++)
		takes += written((unsigned char)*value);
	if (takes > RESULTS_MOST - rec->results)
		return false;
	rec->results += takes;
	return true;
}

/* What checks found: spf=softfail. One of the message hides one of the connection. */
static void
add_results(struct record *rec, const struct session_pair *list)
{
	for (const struct session_pair *p = list; p != NULL; p = p->next) {
		const char *value, *name;

		if (rec->count >= RESULTS_END || strcmp(p->name, "result") != 0)
			continue;
		value = session_result(rec->s, p->group, "result");
		if (value == NULL || value != p->value)
			continue;
		name = result_name(rec, p->group);
		value = cap(rec, value);
		if (fits(rec, name, value))
			add(rec, name, NULL, value, LOG_WORD);
	}
}

static void
add_decision(struct record *rec, const char *verdict, const struct decision *d)
{
	add(rec, "verdict", "VERDICT", verdict, LOG_WORD);
	if (d == NULL)
		return;
	add(rec, "by", "BY", d->link == NULL ? "core" : d->link->name, LOG_WORD);
	add(rec, "stage", "STAGE", stages[d->stage].name, LOG_WORD);
	if (d->reply.code != 0)
		add(rec, "reply", "REPLY", reply_line(&d->reply, rec->arena), LOG_QUOTED);
	if (d->reason != NULL)
		add(rec, "reason", "REASON", cap(rec, d->reason), LOG_QUOTED);
}

/* Each pair once. Every item of the list has a comma in front and behind. */
static void
list_item(struct buf *list, const struct link *l, const char *what)
{
	char item[128];

	snprintf(item, sizeof(item), ",%s:%s,", l->name, what);
	if (strstr(list->data, item) == NULL)
		buf_add_str(list, list->len > 0 ? item + 1 : item);
}

/* NAME:verdict of links that were only watched, and what they would have done to the message. */
static void
list_shadow(const struct cm_session *s, struct buf *list, const struct trace *t)
{
	const uint32_t quarantine = UINT32_C(1) << EDIT_QUARANTINE;

	for (const struct trace_record *r = t->first; r != NULL; r = r->next) {
		if (!r->shadow && !chain_sampled_out(s, r->link))
			continue;
		if ((r->edits & quarantine) != 0)
			list_item(list, r->link, "quarantine");
		if ((r->edits & ~quarantine) != 0)
			list_item(list, r->link, "edits");
		if (r->verdict != CM_CONTINUE && r->verdict != CM_DONE)
			list_item(list, r->link, verdict_name(r->verdict));
	}
}

static void
add_shadow(struct record *rec)
{
	const struct run *run = rec->s->run;
	struct buf list;

	buf_init(&list, SHADOW_MOST);
	list_shadow(rec->s, &list, &run->conn_trace);
	list_shadow(rec->s, &list, &run->trace);
	if (list.len > 2)
		add(rec, "shadow", "SHADOW", arena_strndup(rec->arena, list.data + 1, list.len - 2),
			LOG_WORD);
	buf_fini(&list);
}

/* The verdict of the whole message, and who decided. */
static void
add_verdict(struct record *rec)
{
	const struct decision *d;
	struct decision held;
	const char *word = message_outcome(rec->s, &held, &d);

	add_decision(rec, word, d);
}

/* What the links took, not what the client took; of a short time a digit behind the point. */
static void
add_time(struct record *rec)
{
	int64_t us = rec->s->run->spent;
	const char *ms = number(rec, (uint64_t)(us / CLOCK_MS), us < 10 * CLOCK_MS ? "." : "ms");

	if (us < 10 * CLOCK_MS)
		ms = arena_join(
			rec->arena, ms, number(rec, (uint64_t)(us % CLOCK_MS / 100), "ms"), NULL);
	add(rec, "time", "TIME", ms, LOG_WORD);
}

/* Questions asked, and those whose answer was not known before: "9/2miss". */
static void
add_dns(struct record *rec)
{
	const struct cm_session *s = rec->s;

	if (s->dns_asked > 0)
		add(rec, "dns", "DNS",
			arena_join(rec->arena, number(rec, s->dns_asked, "/"),
				number(rec, s->dns_missed, "miss"), NULL),
			LOG_WORD);
}

/* A message nobody finished and nobody refused is no news. */
static bool
worth_a_line(const struct cm_session *s)
{
	const struct run *r = s->run;

	if (!r->chain->summary || r->logged)
		return false;
	return r->given || s->rcpt_refused > 0 || log_wanted(LOG_LEVEL_DEBUG);
}

/* An MTA's queue id is short, whatever it says. */
static void
write_record(struct record *rec)
{
	const char *id = session_queue_id(rec->s);

	log_record(id == NULL ? NULL : arena_strndup(rec->arena, id, QUEUE_ID_MOST), rec->fields,
		rec->count);
}

void
summary_write(struct cm_session *s)
{
	struct record rec = {.s = s, .arena = &s->msg};

	if (!worth_a_line(s))
		return;
	s->run->logged = true;
	add_client(&rec);
	add_envelope(&rec);
	add_results(&rec, s->conn_results);
	add_results(&rec, s->helo_results);
	add_results(&rec, s->results);
	add_verdict(&rec);
	add_shadow(&rec);
	add_time(&rec);
	add_dns(&rec);
	if (s->rcpt_refused > 0)
		add(&rec, "refused", "REFUSED", number(&rec, s->rcpt_refused, ""), LOG_NUMBER);
	write_record(&rec);
}

void
summary_rcpt(struct cm_session *s, const struct cm_event *ev, const struct decision *d)
{
	struct record rec = {.s = s, .arena = &s->msg};

	if (!s->run->chain->summary || s->run->refused_logged >= RCPT_LINES_MOST)
		return;
	s->run->refused_logged++;
	add_client(&rec);
	add(&rec, "from", "FROM", angle(&rec, &s->sender), LOG_WORD);
	add(&rec, "to", "TO", angle(&rec, ev->address), LOG_WORD);
	add_decision(&rec, verdict_name(d->verdict), d);
	write_record(&rec);
}

void
summary_refusal(struct cm_session *s, const struct cm_event *ev, const struct decision *d)
{
	struct record rec = {.s = s, .arena = session_arena(s)};

	if (!s->run->chain->summary)
		return;
	add_client(&rec);
	if (ev->stage == CM_STAGE_MAIL)
		add(&rec, "from", "FROM", angle(&rec, ev->address), LOG_WORD);
	if (ev->stage == CM_STAGE_RCPT)
		add(&rec, "to", "TO", angle(&rec, ev->address), LOG_WORD);
	add_decision(&rec, verdict_name(d->verdict), d);
	write_record(&rec);
}
