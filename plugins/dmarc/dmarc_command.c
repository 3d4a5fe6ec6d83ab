/* SPDX-License-Identifier: MIT */
/*
 * dmarc_command.c - chainmail dmarc report, show
 *
 * A report is one row that says what it is about, and one for each kind of message. Who asks makes
 * a file of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmarc_store.h"

/* Entries of the store that one answer looks at. */
#define ENTRIES_MOST 1000000u

static bool
complain(struct cm_session *s, const char *why)
{
	cm_complain(s, "%s", why);
	return false;
}

/* --- entries of a day --- */

struct entry {
	const char *domain; /* all in one piece of memory, behind the struct */
	const char *rest;   /* of the key; "" for a policy */
	const char *value;
};

struct gathering {
	struct cm_session *s;
	size_t skip; /* octets of the keys that are the same */
	struct entry **entries;
	size_t count, room;
};

static void
add_entry(struct gathering *g, struct entry *e)
{
	if (g->count == g->room) {
		size_t room = g->room == 0 ? 64 : 2 * g->room;
		struct entry **entries = cm_msg_alloc(g->s, room * sizeof(struct entry *));

		if (g->count > 0)
			memcpy(entries, g->entries, g->count * sizeof(struct entry *));
		g->entries = entries;
		g->room = room;
	}
	g->entries[g->count++] = e;
}

static bool
gather(void *context, const char *key, const void *value, size_t len)
{
	struct gathering *g = context;
	const char *domain = key + g->skip;
	size_t domain_len = strcspn(domain, "/");
	const char *rest = domain[domain_len] == '/' ? domain + domain_len + 1 : "";
	size_t rest_len = strlen(rest);
	struct entry *e = cm_msg_alloc(g->s, sizeof(*e) + domain_len + rest_len + len + 3);
	char *text = (char *)(e + 1);

	memcpy(text, domain, domain_len);
	memcpy(text + domain_len + 1, rest, rest_len);
	if (len > 0)
		memcpy(text + domain_len + rest_len + 2, value, len);
	*e = (struct entry){text, text + domain_len + 1, text + domain_len + rest_len + 2};
	add_entry(g, e);
	return g->count < ENTRIES_MOST;
}

static int
by_domain(const void *a, const void *b)
{
	const struct entry *x = *(const struct entry *const *)a;
	const struct entry *y = *(const struct entry *const *)b;
	int order = strcmp(x->domain, y->domain);

	return order != 0 ? order : strcmp(x->value, y->value);
}

static bool
gather_all(struct cm_session *s, const char *kind, const char *day, struct gathering *g)
{
	const struct dmarc_config *c = cm_config(s);
	char prefix[DMARC_KEY_SIZE];

	dmarc_key(prefix, s, kind, day, "");
	*g = (struct gathering){.s = s, .skip = strlen(prefix)};
	if (cm_store_each(s, c->store, prefix, gather, g) != CM_STORE_OK)
		return complain(s, "the store does not answer");
	if (g->count > 0)
		qsort(g->entries, g->count, sizeof(struct entry *), by_domain);
	return true;
}

/* What was counted below that key; 0: nothing, or it was forgotten. */
static int64_t
counted(struct cm_session *s, const char *kind, const char *day, const char *rest)
{
	const struct dmarc_config *c = cm_config(s);
	char key[DMARC_KEY_SIZE];
	int64_t value = 0;

	dmarc_key(key, s, kind, day, rest);
	if (cm_store_add(s, c->store, key, 0, DMARC_KEEP_US, &value) != CM_STORE_OK)
		return 0;
	return value;
}

/* Fields with tabs between; those that are not there are "". The text is taken apart. */
static void
split(struct cm_session *s, const char *value, const char **fields, size_t count)
{
	size_t size = strlen(value) + 1;
	char *text = memcpy(cm_msg_alloc(s, size), value, size);

	for (size_t i = 0; i < count; i++) {
		fields[i] = text;
		text += strcspn(text, "\t");
		if (*text == '\t')
			*text++ = '\0';
	}
}

/* --- report --- */

struct day {
	struct cm_session *s;
	char text[DMARC_DATE_SIZE];
	int64_t begin;
};

static const char *
org_name(const struct dmarc_config *c)
{
	return c->report_org != NULL ? c->report_org : strrchr(c->report_email, '@') + 1;
}

static bool
show_policy(const struct day *d, const struct entry *e)
{
	const struct dmarc_config *c = cm_config(d->s);
	const char *fields[DMARC_POLICY_FIELDS];
	struct cm_cell cells[11 + DMARC_POLICY_FIELDS];
	size_t n = 0;
	bool later;

	split(d->s, e->value, fields, DMARC_POLICY_FIELDS);
	fields[DMARC_POLICY_RUA] = dmarc_rua_agreed(
		d->s, e->domain, fields[DMARC_POLICY_ORG], fields[DMARC_POLICY_RUA], &later);
	cells[n++] = (struct cm_cell){"what", "report", 0};
	cells[n++] = (struct cm_cell){"domain", e->domain, 0};
	cells[n++] = (struct cm_cell){"day", d->text, 0};
	cells[n++] = (struct cm_cell){"begin", NULL, d->begin};
	cells[n++] = (struct cm_cell){"end", NULL, d->begin + DMARC_DAY - 1};
	cells[n++] = (struct cm_cell){"receiver", cm_authserv_id(d->s), 0};
	cells[n++] = (struct cm_cell){"org_name", org_name(c), 0};
	cells[n++] = (struct cm_cell){"email", c->report_email, 0};
	cells[n++] = (struct cm_cell){
		"extra_contact_info", c->report_contact == NULL ? "" : c->report_contact, 0};
	cells[n++] =
		(struct cm_cell){"dropped", NULL, counted(d->s, "dropped", d->text, e->domain)};
	cells[n++] = (struct cm_cell){"unclear", later ? "yes" : "no", 0};
	for (size_t i = 0; i < DMARC_POLICY_FIELDS; i++)
		cells[n++] = (struct cm_cell){dmarc_policy_names[i], fields[i], 0};
	return cm_row(d->s, cells, n);
}

static bool
show_row(const struct day *d, const struct entry *e, int64_t count)
{
	const char *fields[DMARC_ROW_FIELDS];
	struct cm_cell cells[3 + DMARC_ROW_FIELDS] = {
		{"what", "record", 0}, {"domain", e->domain, 0}, {"count", NULL, count}};

	split(d->s, e->value, fields, DMARC_ROW_FIELDS);
	for (size_t i = 0; i < DMARC_ROW_FIELDS; i++)
		cells[3 + i] = (struct cm_cell){dmarc_row_names[i], fields[i], 0};
	return cm_row(d->s, cells, sizeof(cells) / sizeof(*cells));
}

/* Rows of the domain from *i on; those that differ by the policy of their hour alone are one. */
static bool
show_rows(const struct day *d, const char *domain, const struct gathering *rows, size_t *i)
{
	int64_t count = 0;

	for (; *i < rows->count && strcmp(rows->entries[*i]->domain, domain) == 0; ++*i) {
		const struct entry *e = rows->entries[*i];
		const struct entry *next = *i + 1 < rows->count ? rows->entries[*i + 1] : NULL;
		char rest[DMARC_KEY_SIZE];

		snprintf(rest, sizeof(rest), "%s/%s", e->domain, e->rest);
		count += counted(d->s, "count", d->text, rest);
		if (next != NULL && strcmp(next->domain, domain) == 0 &&
			strcmp(next->value, e->value) == 0)
			continue;
		if (count > 0 && !show_row(d, e, count))
			return false;
		count = 0;
	}
	return true;
}

static bool
show_day(const struct day *d)
{
	struct gathering policies, rows;
	size_t row = 0;

	if (!gather_all(d->s, "policy", d->text, &policies) ||
		!gather_all(d->s, "row", d->text, &rows))
		return false;
	for (size_t i = 0; i < policies.count; i++) {
		const char *fields[DMARC_POLICY_FIELDS];

		split(d->s, policies.entries[i]->value, fields, DMARC_POLICY_FIELDS);
		dmarc_rua_begin(d->s, policies.entries[i]->domain, fields[DMARC_POLICY_ORG],
			fields[DMARC_POLICY_RUA]);
	}
	for (size_t i = 0; i < policies.count; i++) {
		const char *domain = policies.entries[i]->domain;

		while (row < rows.count && strcmp(rows.entries[row]->domain, domain) < 0)
			row++;
		if (!show_policy(d, policies.entries[i]) || !show_rows(d, domain, &rows, &row))
			return false;
	}
	return true;
}

static bool
report(struct cm_session *s, size_t count, const char *const *operands)
{
	const struct dmarc_config *c = cm_config(s);
	struct day d = {.s = s};

	if (count > 1)
		return complain(s, "say one day: 2026-05-31");
	/* Of several links those without are no mistake; of one it is. */
	if (c->report_email == NULL)
		return complain(s, "nothing is kept for reports: set report_email and store");
	dmarc_date(d.text, cm_time(s) - DMARC_DAY);
	d.begin = dmarc_date_read(count == 0 ? d.text : operands[0]);
	if (d.begin < 0)
		return complain(s, "that is no day; write it as 2026-05-31");
	if (d.begin + DMARC_DAY > cm_time(s))
		return complain(s, "that day has not ended (in UTC)");
	dmarc_date(d.text, d.begin);
	return show_day(&d);
}

/* --- show --- */

static bool
show_step(struct cm_session *s, const struct dmarc_walk *w, size_t i)
{
	const struct dmarc_step *step = &w->steps[i];
	bool failed = w->failed && i == w->at;
	char *record = cm_msg_alloc(s, step->len + 1);
	char question[DMARC_QUESTION_SIZE];

	if (step->found)
		memcpy(record, step->text, step->len);
	dmarc_walk_question(w, i, question);
	const struct cm_cell cells[] = {
		{"name", question, 0},
		{"record",
			step->found ? record
			: failed    ? "DNS does not answer"
				    : "none",
			0},
	};

	return cm_row(s, cells, 2);
}

static bool
show_end(struct cm_session *s, const struct dmarc_walk *w)
{
	const struct dmarc_step *policy = dmarc_walk_policy(w);
	const struct cm_cell cells[] = {
		{"domain", w->start, 0},
		{"policy_of", policy == NULL ? "none" : policy->name, 0},
		{"org_domain", w->failed && w->listed == NULL ? "unknown" : dmarc_walk_org(w), 0},
		{"method", w->listed == NULL ? "tree walk" : "psl", 0},
	};

	return cm_row(s, cells, sizeof(cells) / sizeof(*cells));
}

static bool
show(struct cm_session *s, size_t count, const char *const *operands)
{
	char name[DMARC_NAME_SIZE];
	struct dmarc_query q;
	struct dmarc_dns dns;
	struct dmarc_walk w;

	if (count != 1 || !dmarc_name(name, operands[0]))
		return complain(s, "say one domain");
	dmarc_begin(s, name);
	dmarc_ask(s, &q, &dns, name);
	dmarc_check_walk(&q, &w, name);
	for (size_t i = 0; i < w.at + (w.failed ? 1 : 0); i++) {
		if (!show_step(s, &w, i))
			return true;
	}
	show_end(s, &w);
	return true;
}

const struct cm_command dmarc_commands[DMARC_COMMANDS] = {
	{"report", "[DAY]", "what was counted on a day, yesterday, for the reports on it", false,
		report},
	{"show", "DOMAIN", "shows the records that are for mail from there", false, show},
};
