/* SPDX-License-Identifier: MIT */
/*
 * dnsbl_text.c - what people read: the reply, and why
 *
 * A text of filter.conf may hold %{zone} and its like. The host escapes what becomes of it; what
 * could still make two lines of one is replaced here.
 */
#include "dnsbl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(table) (sizeof(table) / sizeof(*(table)))
#define TXT_MOST      200u
#define MORE_SIZE     sizeof("; 10000 more")

struct text {
	size_t len, size;
	char *out;
};

/* What does not fit is left out. */
static void CM_PRINTF(2, 3) add(struct text *t, const char *format, ...)
{
	size_t room = t->size - t->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->out + t->len, room, format, args);
	va_end(args);
	if (n > 0)
		t->len += (size_t)n < room ? (size_t)n : room - 1;
}

/* --- the reply --- */

struct entry {
	struct cm_session *s;
	const struct dnsbl_rule *rule;
	const struct dnsbl_finding *finding;
};

static void
add_client_ip(struct text *t, const struct entry *e)
{
	add(t, "%s", cm_client(e->s)->ip);
}

static void
add_code(struct text *t, const struct entry *e)
{
	add(t, "%s", e->finding->code);
}

static void
add_domain(struct text *t, const struct entry *e)
{
	add(t, "%s", e->finding->what);
}

/* What the list itself says of its entry; nothing where it says nothing. */
static void
add_txt(struct text *t, const struct entry *e)
{
	const struct cm_dns_answer *answer = cm_dns(e->s, e->finding->question, CM_DNS_TXT);
	const struct cm_dns_record *first = answer->records;

	for (size_t i = 0; answer->count > 0 && i < first->len && i < TXT_MOST; i++)
		add(t, "%c", (unsigned char)first->text[i] < ' ' ? ' ' : first->text[i]);
}

static void
add_zone(struct text *t, const struct entry *e)
{
	add(t, "%s", e->rule->zone);
}

static const struct variable {
	const char *name;
	void (*add)(struct text *, const struct entry *);
} variables[] = {
	{"%{client_ip}", add_client_ip},
	{"%{code}", add_code},
	{"%{domain}", add_domain},
	{"%{txt}", add_txt},
	{"%{zone}", add_zone},
};

/* The variable that text begins with; NULL: none. */
static const struct variable *
find_variable(const char *text)
{
	for (size_t i = 0; i < LENGTH(variables); i++) {
		if (strncmp(variables[i].name, text, strlen(variables[i].name)) == 0)
			return &variables[i];
	}
	return NULL;
}

bool
dnsbl_check_text(const char *text, char *why, size_t why_size)
{
	for (const char *p = text; (p = strstr(p, "%{")) != NULL; p++) {
		if (find_variable(p) != NULL)
			continue;
		snprintf(why, why_size,
			"\"%.40s\" is none of %%{client_ip}, %%{code}, %%{domain}, %%{txt}, "
			"%%{zone}",
			p);
		return false;
	}
	return true;
}

static void
expand(struct text *t, const char *text, const struct entry *e)
{
	while (*text != '\0') {
		const struct variable *v = find_variable(text);

		if (v == NULL) {
			add(t, "%c", *text++);
			continue;
		}
		v->add(t, e);
		text += strlen(v->name);
	}
}

/* In Postfix's words, and the list's own where it has some. */
static void
add_default(struct text *t, const struct entry *e)
{
	size_t len;

	expand(t, e->finding->subject->reply, e);
	len = t->len;
	add(t, "; ");
	add_txt(t, e);
	if (t->len == len + strlen("; "))
		t->out[len] = '\0';
}

void
dnsbl_reply_text(struct cm_session *s, const struct dnsbl_rule *rule,
	const struct dnsbl_finding *finding, char *out, size_t size)
{
	const struct entry e = {s, rule, finding};
	struct text t = {0, size, out};

	out[0] = '\0';
	if (rule->text != NULL)
		expand(&t, rule->text, &e);
	/* Where the list says nothing, nothing may be left of a text. */
	t.len = 0;
	if (out[strspn(out, " \t")] == '\0')
		add_default(&t, &e);
}

/* --- why --- */

void
dnsbl_entry(
	const struct dnsbl_rule *rule, const struct dnsbl_finding *f, char out[DNSBL_ENTRY_SIZE])
{
	snprintf(out, DNSBL_ENTRY_SIZE, "%s=%s", rule->zone, f->code);
}

static const char *const statuses[] = {
	[CM_DNS_FOUND] = "",
	[CM_DNS_NO_DATA] = "no address",
	[CM_DNS_NO_NAME] = "no such name",
	[CM_DNS_TIMEOUT] = "timeout",
	[CM_DNS_SERVFAIL] = "servfail",
	[CM_DNS_REFUSED] = "refused",
	[CM_DNS_BOGUS] = "bogus",
	[CM_DNS_BAD_NAME] = "no name that can be asked for",
	[CM_DNS_CANCELLED] = "given up",
};

static void
add_answer(struct text *t, struct cm_session *s, const char *question)
{
	const struct cm_dns_answer *answer = cm_dns(s, question, CM_DNS_A);

	add(t, "%s A: %s", question, statuses[answer->status]);
	for (size_t i = 0; i < answer->count; i++)
		add(t, "%s%s", i > 0 ? " " : "", answer->records[i].text);
	if (answer->cached)
		add(t, " (cache, %u s left)", (unsigned)answer->ttl);
}

/* All of it, with room for how many others there are; false: it does not fit. */
static bool
add_finding(struct text *t, struct cm_session *s, const struct dnsbl_rule *rule,
	const struct dnsbl_finding *f)
{
	size_t before = t->len;

	if (t->len > 0)
		add(t, "; ");
	if (f->outcome == DNSBL_SUSPENDED)
		add(t, "%s is suspended", rule->zone);
	else
		add_answer(t, s, f->question);
	if (before == 0 || t->len + MORE_SIZE <= t->size)
		return true;
	t->len = before;
	t->out[before] = '\0';
	return false;
}

void
dnsbl_explain(struct cm_session *s, const struct dnsbl *lists, const struct dnsbl_finding *found)
{
	char reason[256] = "";
	struct text t = {0, sizeof(reason), reason};
	size_t more = 0;

	for (int o = DNSBL_LISTED; o > DNSBL_NOT_ASKED; o--) {
		for (size_t i = 0; i < lists->rule_count; i++) {
			if ((int)found[i].outcome == o)
				more += more > 0 ||
					!add_finding(&t, s, &lists->rules[i], &found[i]);
		}
	}
	if (more > 0)
		add(&t, "; %zu more", more);
	if (t.len > 0)
		cm_reason(s, "%s", reason);
}
