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
/* Domains of one list: an answer has room for so many of the longest names. */
#define LIST_MOST 5000u

static bool
complain(struct cm_session *s, const char *why)
{
	cm_complain(s, "%s", why);
	return false;
}

/* --- entries of a day --- */

struct entry {
	const char *rest; /* of the key */
	const char *value;
};

/* While the store shows them nothing of the session can be kept. */
struct gathering {
	size_t skip; /* octets of the keys that are the same */
	bool bare;   /* values are not wanted: those of a day are as many as strangers like */
	char *text;  /* "rest\0value\0" of each */
	size_t len, room, count;
	struct entry *entries; /* then */
};

static bool
add_text(struct gathering *g, const void *text, size_t len)
{
	if (g->room - g->len < len + 1) {
		size_t room = 2 * (g->len + len + 1);
		char *more = realloc(g->text, room);

		if (more == NULL)
			return false;
		g->text = more;
		g->room = room;
	}
	if (len > 0)
		memcpy(g->text + g->len, text, len);
	g->len += len;
	g->text[g->len++] = '\0';
	return true;
}

static bool
gather(void *context, const char *key, const void *value, size_t len)
{
	struct gathering *g = context;

	if (memchr(len > 0 ? value : "", '\0', len) != NULL)
		return true; /* none of ours */
	if (!add_text(g, key + g->skip, strlen(key + g->skip)) ||
		!add_text(g, value, g->bare ? 0 : len))
		return false;
	return ++g->count < ENTRIES_MOST;
}

static void
split_entries(struct cm_session *s, struct gathering *g)
{
	char *p = cm_msg_alloc(s, g->len + 1);

	if (g->len > 0)
		memcpy(p, g->text, g->len);
	g->entries = cm_msg_alloc(s, (g->count + 1) * sizeof(*g->entries));
	for (size_t i = 0; i < g->count; i++) {
		g->entries[i].rest = p;
		p += strlen(p) + 1;
		g->entries[i].value = p;
		p += strlen(p) + 1;
	}
	free(g->text);
	g->text = NULL;
}

static int
by_value(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;
	int order = strcmp(x->value, y->value);

	return order != 0 ? order : strcmp(x->rest, y->rest);
}

/* A store may show an entry twice. */
static void
drop_doubles(struct gathering *g)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->count; i++) {
		if (kept == 0 || by_value(&g->entries[kept - 1], &g->entries[i]) != 0)
			g->entries[kept++] = g->entries[i];
	}
	g->count = kept;
}

/*
 * All whose key begins so, by their values, or without those by their keys. False: the store does
 * not answer, which was said.
 */
static bool
gather_all(struct cm_session *s, const char *prefix, bool bare, struct gathering *g)
{
	const struct dmarc_config *c = cm_config(s);

	*g = (struct gathering){.skip = strlen(prefix), .bare = bare};
	bool ok = cm_store_each(s, c->store, prefix, gather, g) == CM_STORE_OK;

	split_entries(s, g);
	if (!ok)
		return complain(s, "the store does not answer");
	/* Those that were found are good; which they are is chance. */
	if (g->count == ENTRIES_MOST)
		complain(s,
			"the store holds more than a million of them, and the rest is left out; "
			"lower report_day_rows");
	qsort(g->entries, g->count, sizeof(*g->entries), by_value);
	drop_doubles(g);
	return true;
}

/* What was counted below that key; 0: nothing, or it was forgotten. False: as gather_all(). */
static bool
counted(struct cm_session *s, const char *kind, const char *day, const char *rest, int64_t *value)
{
	const struct dmarc_config *c = cm_config(s);
	char key[DMARC_KEY_SIZE];

	dmarc_key(key, s, kind, day, rest);
	return cm_store_add(s, c->store, key, 0, DMARC_KEEP_US, value) == CM_STORE_OK ||
	       complain(s, "the store does not answer");
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

struct args {
	const char *day;   /* NULL: yesterday */
	const char *after; /* NULL: from the first domain on */
};

static const struct cm_option report_options[] = {
	{"after", CM_OPT_STRING, offsetof(struct args, after), .since = "0.1",
		.help = "without DOMAIN: only domains that stand behind that one in the list"},
	{"day", CM_OPT_STRING, offsetof(struct args, day), .since = "0.1",
		.help = "of that day in UTC: 2026-05-31; yesterday where it is not given"},
};

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
show_policy(const struct day *d, const char *domain, const char *policy, int64_t dropped)
{
	const struct dmarc_config *c = cm_config(d->s);
	const char *fields[DMARC_POLICY_FIELDS];
	struct cm_cell cells[11 + DMARC_POLICY_FIELDS];
	size_t n = 0;
	bool later;

	split(d->s, policy, fields, DMARC_POLICY_FIELDS);
	dmarc_rua_begin(d->s, domain, fields[DMARC_POLICY_ORG], fields[DMARC_POLICY_RUA]);
	fields[DMARC_POLICY_RUA] = dmarc_rua_agreed(
		d->s, domain, fields[DMARC_POLICY_ORG], fields[DMARC_POLICY_RUA], &later);
	cells[n++] = (struct cm_cell){"what", "report", 0};
	cells[n++] = (struct cm_cell){"domain", domain, 0};
	cells[n++] = (struct cm_cell){"begin_at", NULL, d->begin};
	cells[n++] = (struct cm_cell){"end_at", NULL, d->begin + DMARC_DAY - 1};
	cells[n++] = (struct cm_cell){"receiver", cm_authserv_id(d->s), 0};
	cells[n++] = (struct cm_cell){"org_name", org_name(c), 0};
	cells[n++] = (struct cm_cell){"email", c->report_email, 0};
	cells[n++] = (struct cm_cell){
		"extra_contact_info", c->report_contact == NULL ? "" : c->report_contact, 0};
	cells[n++] = (struct cm_cell){"dropped", NULL, dropped};
	cells[n++] = (struct cm_cell){"unclear", later ? "yes" : "no", 0};
	for (size_t i = 0; i < DMARC_POLICY_FIELDS; i++)
		cells[n++] = (struct cm_cell){dmarc_policy_names[i], fields[i], 0};
	return cm_row(d->s, cells, n);
}

static bool
show_row(const struct day *d, const char *value, int64_t count)
{
	const char *fields[DMARC_ROW_FIELDS];
	struct cm_cell cells[2 + DMARC_ROW_FIELDS] = {
		{"what", "record", 0}, {"count", NULL, count}};

	split(d->s, value, fields, DMARC_ROW_FIELDS);
	for (size_t i = 0; i < DMARC_ROW_FIELDS; i++)
		cells[2 + i] = (struct cm_cell){dmarc_row_names[i], fields[i], 0};
	return cm_row(d->s, cells, sizeof(cells) / sizeof(*cells));
}

/* Those that differ by the policy of their hour alone are one. */
static bool
show_rows(const struct day *d, const char *domain)
{
	char prefix[DMARC_KEY_SIZE], rest[DMARC_KEY_SIZE];
	struct gathering rows;
	int64_t count = 0, of_one;

	snprintf(rest, sizeof(rest), "%s/", domain);
	dmarc_key(prefix, d->s, "row", d->text, rest);
	if (!gather_all(d->s, prefix, false, &rows))
		return false;
	for (size_t i = 0; i < rows.count; i++) {
		const struct entry *e = &rows.entries[i];

		snprintf(rest, sizeof(rest), "%s/%s", domain, e->rest);
		if (!counted(d->s, "count", d->text, rest, &of_one))
			return false;
		count += of_one;
		if (i + 1 < rows.count && strcmp(rows.entries[i + 1].value, e->value) == 0)
			continue;
		if (count > 0 && !show_row(d, e->value, count))
			return true;
		count = 0;
	}
	return true;
}

static bool
show_report(const struct day *d, const char *text)
{
	const struct dmarc_config *c = cm_config(d->s);
	char key[DMARC_KEY_SIZE], domain[DMARC_NAME_SIZE];
	const void *value = NULL;
	int64_t dropped;
	size_t len;
	char *policy;

	if (!dmarc_name(domain, text))
		return complain(d->s, "that is no domain");
	dmarc_key(key, d->s, "policy", d->text, domain);
	switch (cm_store_get(d->s, c->store, key, &value, &len)) {
	case CM_STORE_OK:
		break;
	case CM_STORE_NONE:
		cm_decline(d->s, "nothing was counted of %s on %s", domain, d->text);
		return false;
	case CM_STORE_AWAY:
	case CM_STORE_FULL:
		return complain(d->s, "the store does not answer");
	}
	policy = cm_msg_alloc(d->s, len + 1);
	memcpy(policy, value, len);
	if (!counted(d->s, "dropped", d->text, domain, &dropped))
		return false;
	return !show_policy(d, domain, policy, dropped) || show_rows(d, domain);
}

/* Says where the rest of the list begins. */
static void
show_more(const struct day *d, const char *after)
{
	const struct cm_cell cells[] = {
		{"what", "more", 0}, {"after", after, 0}, {"day", d->text, 0}};

	cm_row(d->s, cells, 3);
}

/* The domains of which something was counted, in their order; after: "" for all. */
static bool
list_reports(const struct day *d, const char *after)
{
	struct gathering policies;
	char prefix[DMARC_KEY_SIZE];
	size_t first = 0;

	dmarc_key(prefix, d->s, "policy", d->text, "");
	if (!gather_all(d->s, prefix, true, &policies))
		return false;
	while (first < policies.count && strcmp(policies.entries[first].rest, after) <= 0)
		first++;
	for (size_t i = first; i < policies.count; i++) {
		const struct cm_cell cells[] = {
			{"domain", policies.entries[i].rest, 0}, {"day", d->text, 0}};

		if (i - first == LIST_MOST) {
			show_more(d, policies.entries[i - 1].rest);
			break;
		}
		if (!cm_row(d->s, cells, 2))
			break;
	}
	return true;
}

static bool
report(struct cm_session *s, size_t count, const char *const *operands)
{
	const struct dmarc_config *c = cm_config(s);
	const struct args *args = cm_args(s);
	char after[DMARC_NAME_SIZE] = "";
	struct day d = {.s = s};

	if (c->report_email == NULL) {
		cm_decline(s, "nothing is kept for reports: set report_email and store");
		return false;
	}
	dmarc_date(d.text, cm_time(s) - DMARC_DAY);
	d.begin = dmarc_date_read(args->day == NULL ? d.text : args->day);
	if (d.begin < 0)
		return complain(s, "that is no day; write it as 2026-05-31");
	if (d.begin + DMARC_DAY > cm_time(s))
		return complain(s, "that day has not ended (in UTC)");
	if (args->after != NULL && (count > 0 || !dmarc_name(after, args->after)))
		return complain(s, "--after takes a domain, and is for the list of all");
	dmarc_date(d.text, d.begin);
	return count == 0 ? list_reports(&d, after) : show_report(&d, operands[0]);
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

	(void)count;
	if (!dmarc_name(name, operands[0]))
		return complain(s, "that is no domain");
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
	{"report", "[DOMAIN]", "of which domains something was counted on a day, or what of one",
		false, report, report_options, sizeof(report_options) / sizeof(*report_options),
		sizeof(struct cm_option), sizeof(struct args)},
	{.name = "show",
		.operands = "DOMAIN",
		.help = "the records that are for mail from there",
		.run = show},
};
