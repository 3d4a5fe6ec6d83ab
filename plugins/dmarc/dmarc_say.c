/* SPDX-License-Identifier: MIT */
/*
 * dmarc_say.c - what a check says to later links, headers, logs and people
 */
#include <stdio.h>
#include <string.h>

#include "dmarc.h"

#define TEXT_SIZE 800
#define SHOWN	  300 /* octets of a record in a reason */

static const char *const action_names[] = {
	[DMARC_DO_NONE] = "none",
	[DMARC_DO_TAG] = "tag",
	[DMARC_DO_QUARANTINE] = "quarantine",
	[DMARC_DO_TEMPFAIL] = "tempfail",
	[DMARC_DO_REJECT] = "reject",
};

static const char *
method_name(const struct cm_session *s)
{
	const struct dmarc_config *c = cm_config(s);

	return c->org_domain == DMARC_BY_PSL ? "psl" : "tree walk";
}

/* NULL: DNS failed, or nobody needed to know. */
static const char *
org_of(const struct dmarc_message *m)
{
	const struct dmarc_walk *w = &m->result.walk;

	return m->author[0] == '\0' || (w->failed && w->listed == NULL) ? NULL : dmarc_walk_org(w);
}

/* A record as it may be shown: printable. */
static const char *
record_text(struct cm_session *s, const struct dmarc_step *step)
{
	char *text = cm_msg_alloc(s, step->len + 1);

	for (size_t i = 0; i < step->len; i++)
		text[i] = step->text[i] >= ' ' && step->text[i] <= '~' ? step->text[i] : '?';
	return text;
}

static void
publish(struct cm_session *s, const struct dmarc_message *m)
{
	const struct dmarc_result *r = &m->result;
	const char *org = org_of(m);

	cm_set_result(s, "result", dmarc_code_names[r->code]);
	cm_set_result(s, "disposition", action_names[m->action]);
	if (m->override != DMARC_OVERRIDE_NO)
		cm_set_result(s, "override", dmarc_override_names[m->override]);
	if (m->author[0] == '\0')
		return;
	cm_set_result(s, "domain", m->author);
	cm_set_result(s, "method", method_name(s));
	if (org != NULL)
		cm_set_result(s, "org_domain", org);
	if (r->step == NULL)
		return;
	cm_set_result(s, "policy", dmarc_request_names[r->published]);
	cm_set_result(s, "record", record_text(s, r->step));
}

static void
explain(struct cm_session *s, const struct dmarc_message *m)
{
	const struct dmarc_result *r = &m->result;
	const char *org = org_of(m);
	char record[SHOWN + 320] = "", problem[DMARC_QUESTION_SIZE + 80] = "";

	if (r->step != NULL)
		snprintf(record, sizeof(record), DMARC_PREFIX "%s \"%.*s\"; policy %s%s",
			r->step->name, SHOWN, record_text(s, r->step),
			dmarc_request_names[r->published],
			r->wanted != r->published ? ", only tested" : "");
	if (r->problem != NULL)
		snprintf(problem, sizeof(problem), "%s%s%s%s", r->step != NULL ? "; " : "",
			r->problem_name, r->problem_name[0] == '\0' ? "" : ": ", r->problem);
	if (m->author[0] == '\0')
		cm_reason(s, "From: %s", dmarc_from_words(m->from));
	else
		cm_reason(s, "%s%s%s%s; org domain %s (%s%s)%s%s", r->step == NULL ? m->author : "",
			r->step == NULL ? ": " : "", record, problem, org == NULL ? "unknown" : org,
			method_name(s), r->by_list ? ", alignment by psl" : "",
			m->why == NULL ? "" : "; ", m->why == NULL ? "" : m->why);
}

/* "sp=none ", or nothing for a tag that is not there. */
static void
add_request(char *out, size_t size, const char *tag, enum dmarc_request request)
{
	size_t len = strlen(out);

	if (request != DMARC_REQUESTS)
		snprintf(out + len, size - len, "%s=%s ", tag, dmarc_request_names[request]);
}

/* "p=reject sp=none dis=quarantine", for people. */
static void
write_comment(char *out, size_t size, const struct dmarc_message *m)
{
	const char *act = action_names[m->action];
	const struct dmarc_record *r = m->result.step == NULL ? NULL : &m->result.step->record;
	char tags[64] = "";

	if (m->author[0] == '\0') {
		snprintf(out, size, "From: %s, dis=%s", dmarc_from_words(m->from), act);
		return;
	}
	if (r == NULL) {
		snprintf(out, size, "%s, dis=%s", m->result.problem, act);
		return;
	}
	add_request(tags, sizeof(tags), "p",
		r->bad_request || r->p == DMARC_REQUESTS ? DMARC_NONE : r->p);
	add_request(tags, sizeof(tags), "sp", r->bad_request ? DMARC_REQUESTS : r->sp);
	add_request(tags, sizeof(tags), "np", r->bad_request ? DMARC_REQUESTS : r->np);
	snprintf(out, size, "%s%sdis=%s", tags, r->testing ? "t=y " : "", act);
}

static void
publish_auth(struct cm_session *s, const struct dmarc_message *m)
{
	struct cm_auth_property properties[3];
	struct cm_auth_result result = {.method = "dmarc", .properties = properties};
	char comment[TEXT_SIZE];

	write_comment(comment, sizeof(comment), m);
	result.result = dmarc_code_names[m->result.code];
	result.comment = comment;
	if (m->author[0] != '\0')
		properties[result.count++] = (struct cm_auth_property){"header", "from", m->author};
	if (m->override != DMARC_OVERRIDE_NO) {
		properties[result.count++] = (struct cm_auth_property){
			"policy", "override", dmarc_override_names[m->override]};
		properties[result.count++] =
			(struct cm_auth_property){"policy", "override-reason", m->why};
	}
	cm_add_auth_result(s, &result);
}

void
dmarc_publish(struct cm_session *s, const struct dmarc_message *m)
{
	publish(s, m);
	publish_auth(s, m);
	explain(s, m);
}

void
dmarc_sentence(char *out, size_t size, const struct dmarc_message *m)
{
	switch (m->result.code) {
	case DMARC_CODE_FAIL:
		snprintf(out, size,
			"Unauthenticated email from %s is not accepted due to the domain's DMARC "
			"policy",
			m->author);
		return;
	case DMARC_CODE_NONE:
		snprintf(out, size,
			"Email from %s is not accepted, for the domain has no DMARC policy",
			m->author);
		return;
	case DMARC_CODE_TEMPERROR:
		snprintf(out, size,
			"DMARC of %s cannot be checked now, please try again later (%s%s%s)",
			m->author, m->result.problem_name,
			m->result.problem_name[0] == '\0' ? "" : ": ", m->result.problem);
		return;
	case DMARC_CODE_PERMERROR:
		snprintf(out, size, "The From: field %s; it must name one author domain",
			dmarc_from_words(m->from));
		return;
	case DMARC_CODE_PASS:
	case DMARC_CODES:
		break;
	}
	out[0] = '\0';
}

const struct cm_published dmarc_published[DMARC_PUBLISHED] = {
	{"disposition", "none|tag|quarantine|tempfail|reject", "what is done with the message"},
	{"domain", NULL, "author domain"},
	{"method", "psl|tree walk", "how the organizational domain was found"},
	{"org_domain", NULL, "organizational domain of the author"},
	{"override", "local_policy|mailing_list|trusted_forwarder",
		"why less is done than the domain asks for"},
	{"policy", "none|quarantine|reject", "what the domain asks for"},
	{"record", NULL, "the record that was found"},
	{"result", "none|pass|fail|temperror|permerror",
		"does the author domain vouch for the message"},
};
