/* SPDX-License-Identifier: MIT */
/*
 * dkim_case.h - messages verified without a session: text in, results out
 *
 * For unit tests, the fuzz target, the suites and the benchmark. Both engines are run in the same
 * way, and DNS is a table.
 */
#ifndef TESTS_UNIT_DKIM_CASE_H
#define TESTS_UNIT_DKIM_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/dkim/dkim_collect.h"
#include "../../plugins/dkim/dkim_judge.h"
#include "../../plugins/dkim/dkim_verifier.h"

#define DKIM_CASE_FIELDS 512u
#define DKIM_CASE_MOST	 8u

/* A name of DNS and what stands there; text NULL: no answer in time. */
struct dkim_case_key {
	const char *name, *text;
};

struct dkim_case {
	char *text; /* lines end in CRLF */
	size_t field_count;
	struct canon_field fields[DKIM_CASE_FIELDS];
	const char *body;
	size_t body_len;
	struct dkim_collection found;
	struct dkim_signature all[DKIM_CASE_MOST + 1];
};

static const struct dkim_policy dkim_case_strict = {
	.min_key_bits = 1024, .unsigned_tail = DKIM_POLICY, .test_key = DKIM_NEUTRAL};

/* Every LF without a CR gets one, unless exact. */
static inline char *
dkim_case_lines(const char *text, size_t len, bool exact, size_t *out_len)
{
	char *out = malloc(2 * len + 1), *p = out;

	for (size_t i = 0; i < len; i++) {
		if (!exact && text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
			*p++ = '\r';
		*p++ = text[i];
	}
	*p = '\0';
	*out_len = (size_t)(p - out);
	return out;
}

static inline const char *
dkim_case_line_end(const char *p, const char *end)
{
	while (p + 1 < end && !(p[0] == '\r' && p[1] == '\n'))
		p++;
	return p + 1 < end ? p : end;
}

/* A field with the lines that continue it; false: no field begins here. */
static inline bool
dkim_case_field(struct canon_field *f, const char **at, const char *end)
{
	const char *stop = dkim_case_line_end(*at, end);
	const char *colon = memchr(*at, ':', (size_t)(stop - *at));

	if (colon == NULL || colon == *at)
		return false;
	while (stop + 2 < end && (stop[2] == ' ' || stop[2] == '\t'))
		stop = dkim_case_line_end(stop + 2, end);
	*f = (struct canon_field){
		*at, colon + 1, (size_t)(colon - *at), (size_t)(stop - colon - 1)};
	*at = end - stop < 2 ? end : stop + 2;
	return true;
}

static inline void
dkim_case_init(struct dkim_case *c, const char *text, size_t len, bool exact)
{
	const char *at, *end;

	*c = (struct dkim_case){.found.all = c->all};
	c->text = dkim_case_lines(text, len, exact, &len);
	at = c->text;
	end = at + len;
	while (at < end && c->field_count < DKIM_CASE_FIELDS &&
		dkim_case_field(&c->fields[c->field_count], &at, end))
		c->field_count++;
	if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
		at += 2;
	c->body = at;
	c->body_len = (size_t)(end - at);
}

static inline void
dkim_case_fini(struct dkim_case *c)
{
	free(c->text);
}

static inline void
dkim_case_take_key(struct dkim_signature *s, const struct dkim_case_key *keys, size_t key_count)
{
	struct cm_dns_answer answer = {.status = CM_DNS_NO_NAME};
	struct cm_dns_record records[4];
	char name[2 * DKIM_SIG_DOMAIN_SIZE + 16];

	snprintf(name, sizeof(name), "%s._domainkey.%s", s->job.sig.selector, s->job.sig.domain);
	answer.records = records;
	for (size_t i = 0; i < key_count && answer.count < 4; i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		answer.status = keys[i].text == NULL ? CM_DNS_TIMEOUT : CM_DNS_FOUND;
		if (keys[i].text != NULL)
			records[answer.count++] = (struct cm_dns_record){
				.text = keys[i].text, .len = strlen(keys[i].text)};
	}
	dkim_judge_key(s, &answer);
}

static inline void
dkim_case_body(
	const struct dkim_case *c, const struct dkim_engine *engine, void *running, size_t piece)
{
	for (size_t at = 0; at < c->body_len; at += piece) {
		size_t len = c->body_len - at < piece ? c->body_len - at : piece;

		engine->body(running, c->body + at, len);
	}
}

/* c->found is what came out. The body comes in pieces of that size. */
static inline void
dkim_case_verify(struct dkim_case *c, const struct dkim_engine *engine, const char *author,
	int64_t now, size_t piece, const struct dkim_case_key *keys, size_t key_count,
	const struct dkim_policy *policy)
{
	struct dkim_job *jobs[DKIM_CASE_MOST];
	struct dkim_message m = {.fields = c->fields, .field_count = c->field_count, .jobs = jobs};
	void *running;

	memset(c->all, 0, sizeof(c->all));
	dkim_collect(&c->found, c->fields, c->field_count, author, now, DKIM_CASE_MOST);
	for (size_t i = 0; i < c->found.count; i++) {
		if (dkim_judge_open(&c->all[i]))
			jobs[m.job_count++] = &c->all[i].job;
	}
	running = engine->begin(&m);
	if (running == NULL)
		abort();
	dkim_case_body(c, engine, running, piece);
	for (size_t i = 0; i < c->found.count; i++) {
		if (dkim_judge_open(&c->all[i]))
			dkim_case_take_key(&c->all[i], keys, key_count);
	}
	engine->finish(running);
	for (size_t i = 0; i < c->found.count; i++) {
		if (dkim_judge_open(&c->all[i]))
			dkim_judge_check(&c->all[i], policy);
		dkim_key_drop(c->all[i].job.key);
	}
	engine->end(running);
}

#endif
