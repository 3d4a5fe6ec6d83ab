/* SPDX-License-Identifier: MIT */
/*
 * script_case.h - a rule, a whole SMTP session, and what became of it
 *
 * The rule is scripts/x.lua beside a filter.conf; chain and services are the real ones.
 */
#ifndef TESTS_UNIT_SCRIPT_CASE_H
#define TESTS_UNIT_SCRIPT_CASE_H

#include <sys/stat.h>

#include "drive.h"
#include "longjmp.h"
#include "mail/edit.h"

struct rule {
	struct drive d;
	char log[96];
	char text[16384]; /* what rule_log() read */
};

static inline void
rule_init(struct rule *r)
{
	char dir[128];

	memset(r, 0, sizeof(*r));
	drive_init(&r->d);
	snprintf(dir, sizeof(dir), "%s/scripts", r->d.dir);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	snprintf(r->log, sizeof(r->log), "%s/log", r->d.dir);
	drive_log_to(r->log);
}

static inline void
rule_fini(struct rule *r)
{
	struct drive d = r->d;
	char dir[128];

	drive_fini(&r->d);
	log_close();
	unlink(r->log);
	snprintf(dir, sizeof(dir), "%s/scripts", d.dir);
	rmdir(dir);
	ck_assert_int_eq(rmdir(d.dir), 0);
}

#define RULE_MAPS                                                                                 \
	"map logins { match = exact; entries = [ \"bob@example.com bob\", \"@sales.test eve\" ] " \
	"}\n"

/* Loads the rule with more settings of its section; mistakes are in d.mistakes. */
static inline void
rule_try(struct rule *r, const char *code, const char *more)
{
	char *text = NULL;

	drive_file(&r->d, "scripts/x.lua", code);
	ck_assert_int_gt(
		asprintf(&text,
			"main { authserv_id = mx.test; trusted_networks = [ 10.0.0.0/8 ] }\n"
			"listener l { socket = inet:10025@127.0.0.1 }\n"
			"profile p { chain = [ x ] }\n" RULE_MAPS
			"script x { file = scripts/x.lua; %s }\n",
			more),
		0);
	drive_load_text(&r->d, text);
	free(text);
	drive_shorten(&r->d);
}

static inline void
rule_load(struct rule *r, const char *code, const char *more)
{
	rule_try(r, code, more);
	ck_assert_msg(r->d.g != NULL, "%s", r->d.mistakes);
}

/* The log so far. */
static inline const char *
rule_log(struct rule *r)
{
	FILE *f = fopen(r->log, "r");
	size_t len = fread(r->text, 1, sizeof(r->text) - 1, f);

	fclose(f);
	r->text[len] = '\0';
	return r->text;
}

/* Reason of the first failed record of the trace, or NULL. */
static inline const char *
rule_failure(const struct trace *trace)
{
	for (const struct trace_record *t = trace->first; t != NULL; t = t->next) {
		if (t->failed)
			return t->reason;
	}
	return NULL;
}

/* "failed: why", the reply, or the name of the verdict. */
static inline const char *
rule_outcome(struct rule *r, enum cm_verdict verdict)
{
	static char text[1024];
	const char *why = rule_failure(chain_trace(r->d.s));

	if (why == NULL)
		why = rule_failure(chain_conn_trace(r->d.s));
	if (why != NULL)
		snprintf(text, sizeof(text), "failed: %s", why);
	else if (r->d.answer.reply.code != 0)
		snprintf(text, sizeof(text), "%s", drive_reply(&r->d));
	else
		snprintf(text, sizeof(text), "%s", verdict_name(verdict));
	return text;
}

/* The rule's outcome must be exactly this; a '*' at the end stands for the rest. */
static inline void
rule_expect(const char *got, const char *want)
{
	size_t len = strlen(want);

	if (len > 0 && want[len - 1] == '*')
		ck_assert_msg(strncmp(got, want, len - 1) == 0, "want %s\ngot  %s", want, got);
	else
		ck_assert_str_eq(got, want);
}

static const struct cm_header rule_fields[] = {
	{"Received", " from a by b"},
	{"From", " Bob <bob@example.com>"},
	{"Subject", " hello\r\n world"},
	{"Received", " from b by c"},
};

/* One message on an open, greeted session, up to its end or the first other answer. */
static inline const char *
rule_message(struct rule *r, const char *from)
{
	enum cm_verdict v = drive_mail(&r->d, from, "bob", "TLSv1.3");

	if (v == CM_CONTINUE)
		v = drive_rcpt(&r->d, "<to@Example.net>");
	if (v == CM_CONTINUE)
		v = drive_rcpt(&r->d, "<two@example.net>");
	if (v == CM_CONTINUE)
		v = drive_content(&r->d, rule_fields, 4, "line one\r\nline two\r\n");
	return rule_outcome(r, v);
}

/* A session with one message. */
static inline const char *
rule_session(struct rule *r)
{
	enum cm_verdict v;

	drive_open(&r->d);
	v = drive_connect(&r->d, "192.0.2.1", "client.example.org", "587");
	if (v == CM_CONTINUE)
		v = drive_helo(&r->d, "client.example.org");
	return v == CM_CONTINUE ? rule_message(r, "<bob@example.com>") : rule_outcome(r, v);
}

#endif
