/* SPDX-License-Identifier: MIT */
/*
 * dmarc_store.c - keeps the outcomes of a day until they are reported
 *
 * Senders choose most of a row, so the number of rows is bounded for each domain and for the day;
 * messages beyond are counted as dropped.
 */
#include "dmarc_store.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Signatures of one row; RFC 9990 section 3.1.3 allows for 100. */
#define SIGNATURES_MOST 10u
#define SELECTOR_MOST	64u

const char *const dmarc_row_names[DMARC_ROW_FIELDS] = {"source_ip", "disposition", "dkim", "spf",
	"reasons", "header_from", "envelope_from", "spf_domain", "spf_result", "dkim_results"};
const char *const dmarc_policy_names[DMARC_POLICY_FIELDS] = {
	"org_domain", "discovery_method", "p", "sp", "np", "fo", "adkim", "aspf", "testing", "rua"};

/* A text that grows in its buffer. What does not fit is left out whole. */
struct line {
	char *text;
	size_t size, len;
};

static void add(struct line *, const char *format, ...) CM_PRINTF(2, 3);

static void
add(struct line *line, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->len, line->size - line->len, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < line->size - line->len)
		line->len += (size_t)n;
	line->text[line->len] = '\0';
}

void
dmarc_key(char out[DMARC_KEY_SIZE], const struct cm_session *s, const char *kind, const char *day,
	const char *rest)
{
	snprintf(out, DMARC_KEY_SIZE, "dmarc/%.60s/%s/%s/%s", cm_link_name(s), kind, day, rest);
}

/* --- the policy that a report repeats --- */

static const char *
request_name(enum dmarc_request request)
{
	return request == DMARC_REQUESTS ? "" : dmarc_request_names[request];
}

static void
add_requests(struct line *line, const struct dmarc_record *r)
{
	const char *p = request_name(r->p);

	if (r->bad_request)
		add(line, "none\t\t\t");
	else
		add(line, "%s\t%s\t%s\t", p[0] == '\0' ? "none" : p, request_name(r->sp),
			request_name(r->np));
}

static void
write_policy(struct line *line, const struct dmarc_message *m)
{
	const struct dmarc_walk *w = &m->result.walk;
	const struct dmarc_record *r = &m->result.step->record;
	struct dmarc_slice rest = r->rua, uri;

	/* Where DNS failed nobody knows the organization; nothing outside of the domain is in it.
	 */
	add(line, "%s\t%s\t",
		w->failed && w->listed == NULL ? m->result.step->name : dmarc_walk_org(w),
		w->listed == NULL ? "treewalk" : "psl");
	add_requests(line, r);
	add(line, "%.*s\t%s\t%s\t%s\t", (int)r->fo.len, r->fo.len == 0 ? "" : r->fo.text,
		r->strict_dkim ? "s" : "r", r->strict_spf ? "s" : "r", r->testing ? "y" : "n");
	for (size_t i = 0; dmarc_record_rua(&rest, &uri); i++)
		add(line, "%s%.*s", i > 0 ? " " : "", (int)uri.len, uri.text);
}

/* --- rows --- */

static bool
is_selector(const char *text)
{
	char name[DMARC_NAME_SIZE];

	return text != NULL && strlen(text) <= SELECTOR_MOST && dmarc_name(name, text);
}

static bool
is_dkim_result(const char *text)
{
	static const char *const results[] = {
		"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"};

	for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++) {
		if (strcmp(results[i], text) == 0)
			return true;
	}
	return false;
}

static const char *
property(const struct cm_auth_result *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->properties[i].type, "header") == 0 &&
			strcmp(r->properties[i].name, name) == 0)
			return r->properties[i].value;
	}
	return NULL;
}

/* Of those that say most to the domain first (RFC 9990 section 3.1.3). */
enum rank { RANK_STRICT, RANK_RELAXED, RANK_PASS, RANK_OTHER, RANKS };

static enum rank
rank_of(const struct dmarc_message *m, const char *domain, const char *result)
{
	if (strcmp(result, "pass") != 0)
		return RANK_OTHER;
	if (strcmp(domain, m->author) == 0)
		return RANK_STRICT;
	for (size_t i = 0; i < m->id_count; i++) {
		if (m->ids[i].dkim && m->ids[i].aligned == DMARC_ALIGNED &&
			strcmp(m->ids[i].domain, domain) == 0)
			return RANK_RELAXED;
	}
	return RANK_PASS;
}

/* Adds the signatures of that rank; the number of those that are there then. */
static size_t
add_signatures(struct line *line, struct cm_session *s, const struct dmarc_message *m,
	enum rank rank, size_t count)
{
	char domain[DMARC_NAME_SIZE];

	for (size_t i = 0; i < cm_auth_result_count(s) && count < SIGNATURES_MOST; i++) {
		const struct cm_auth_result *r = cm_auth_result(s, i);
		const char *d = property(r, "d"), *selector = property(r, "s");

		if (strcmp(r->method, "dkim") != 0 || d == NULL || !dmarc_name(domain, d) ||
			!is_dkim_result(r->result) || rank_of(m, domain, r->result) != rank)
			continue;
		add(line, "%s%s %s %s", count > 0 ? ";" : "", domain,
			is_selector(selector) ? selector : "unknown", r->result);
		count++;
	}
	return count;
}

/* Every deviation from what the domain wants has its reason (RFC 9990 section 3.1.1.9). */
static void
add_reasons(struct line *line, const struct dmarc_message *m, enum dmarc_disposition disposition)
{
	const struct dmarc_result *r = &m->result;
	bool tested = r->published != r->wanted && r->code == DMARC_CODE_FAIL;

	if (tested)
		add(line, "policy_test_mode");
	if (m->override != DMARC_OVERRIDE_NO)
		add(line, "%s%s %s", tested ? ";" : "", dmarc_override_names[m->override], m->why);
	else if (r->code == DMARC_CODE_FAIL && dmarc_deviates(r->wanted, disposition))
		add(line, "%slocal_policy", tested ? ";" : "");
}

/* Only the sender's domain counts (RFC 9990 section 3.1.1.13). */
static void
add_spf(struct line *line, const struct cm_session *s)
{
	const char *result = cm_result(s, "spf", "result"), *domain = cm_result(s, "spf", "domain");
	const char *scope = cm_result(s, "spf", "scope");
	char name[DMARC_NAME_SIZE];

	if (result != NULL && domain != NULL && scope != NULL && strcmp(scope, "mailfrom") == 0 &&
		dmarc_name(name, domain))
		add(line, "%s\t%s\t", name, result);
	else
		add(line, "\t\t");
}

static void
write_row(struct line *line, struct cm_session *s, const struct dmarc_message *m,
	enum dmarc_disposition disposition)
{
	const struct dmarc_result *r = &m->result;
	char sender[DMARC_NAME_SIZE];
	size_t count = 0;

	dmarc_name(sender, cm_sender(s)->domain);
	add(line, "%s\t%s\t%s\t%s\t", cm_client(s)->ip, dmarc_disposition_names[disposition],
		r->dkim_aligned ? "pass" : "fail", r->spf_aligned ? "pass" : "fail");
	add_reasons(line, m, disposition);
	add(line, "\t%s\t%s\t", m->author, sender);
	add_spf(line, s);
	for (enum rank rank = RANK_STRICT; rank < RANKS; rank++)
		count = add_signatures(line, s, m, rank, count);
}

/* --- counting --- */

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

/* FNV-1a: a row that happens to have another's is counted with it. */
static uint64_t
hash(uint64_t h, const char *text)
{
	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h;
}

struct counting {
	struct cm_session *s;
	const struct dmarc_config *config;
	const char *domain; /* of the policy */
	char day[DMARC_DATE_SIZE];
	char rest[DMARC_NAME_SIZE + 20]; /* domain/hash */
};

static bool
count_up(const struct counting *c, const char *kind, const char *rest, int64_t more, int64_t *value)
{
	char key[DMARC_KEY_SIZE];

	dmarc_key(key, c->s, kind, c->day, rest);
	return cm_store_add(c->s, c->config->store, key, more, DMARC_KEEP_US, value) == CM_STORE_OK;
}

static bool
keep(const struct counting *c, const char *kind, const char *rest, const struct line *line)
{
	char key[DMARC_KEY_SIZE];

	dmarc_key(key, c->s, kind, c->day, rest);
	return cm_store_set(c->s, c->config->store, key, line->text, line->len, DMARC_KEEP_US) ==
	       CM_STORE_OK;
}

/* A domain that has all of its own takes none of the day's, which are everybody's. */
static bool
has_room(const struct counting *c, bool *room)
{
	int64_t of_domain, of_day;

	if (!count_up(c, "rows", c->domain, 0, &of_domain) || !count_up(c, "rows", "", 0, &of_day))
		return false;
	*room = of_domain < c->config->report_rows && of_day < c->config->report_day_rows;
	return true;
}

/* Behind the row: one too many does no harm, and one too few takes its place from another. */
static void
take_room(const struct counting *c)
{
	int64_t taken;

	count_up(c, "rows", c->domain, 1, &taken);
	count_up(c, "rows", "", 1, &taken);
}

/* False: nobody can tell. A row whose message found the store away is not there. */
static bool
is_kept(const struct counting *c, bool *kept)
{
	enum cm_store_status status;
	char key[DMARC_KEY_SIZE];
	const void *value;
	size_t len;

	dmarc_key(key, c->s, "row", c->day, c->rest);
	status = cm_store_get(c->s, c->config->store, key, &value, &len);
	*kept = status == CM_STORE_OK;
	return *kept || status == CM_STORE_NONE;
}

/*
 * Of messages that have no row yet, that many; false: the store does not answer, or is full. Behind
 * a policy whose rows are missing there is no report, and behind rows without a policy neither, so
 * the row, which is looked for, goes last.
 */
static bool
keep_row(const struct counting *c, const struct line *row, const struct line *policy,
	int64_t messages)
{
	int64_t dropped;
	char key[DMARC_KEY_SIZE];
	bool room;

	if (!has_room(c, &room))
		return false;
	if (!room) {
		dmarc_key(key, c->s, "count", c->day, c->rest);
		cm_store_delete(c->s, c->config->store, key);
		return count_up(c, "dropped", c->domain, messages, &dropped);
	}
	if (!keep(c, "policy", c->domain, policy) || !keep(c, "row", c->rest, row))
		return false;
	take_room(c);
	return true;
}

/* False: the message is in no report, or in one only if more of its kind come. */
static bool
count_message(const struct counting *c, const struct line *row, const struct line *policy)
{
	bool kept = false;
	int64_t messages;

	if (!count_up(c, "count", c->rest, 1, &messages) || (messages > 1 && !is_kept(c, &kept)))
		return false;
	return kept || keep_row(c, row, policy, messages);
}

/* Once when it begins, and once when it is over: how many. */
static void
log_lost(const struct counting *c, bool counted)
{
	atomic_uint *lost = &c->config->lost->messages;
	unsigned count;

	if (!counted && atomic_fetch_add(lost, 1) == 0)
		cm_log(c->s, CM_LOG_WARN,
			"messages are not counted for DMARC reports: the store does not answer, or "
			"is full");
	count = counted && atomic_load(lost) > 0 ? atomic_exchange(lost, 0) : 0;
	if (count > 0)
		cm_log(c->s, CM_LOG_WARN,
			"messages are counted for DMARC reports again; %u may be missing there",
			count);
}

/* What the mail server was told in the end; false: the message will come again, or was no message.
 */
static bool
settled(struct cm_session *s, const struct dmarc_message *m, enum dmarc_disposition *disposition)
{
	enum cm_verdict verdict = cm_final(s)->verdict;
	bool refused = m->disposition == DMARC_DIS_REJECT && verdict != CM_REJECT;

	*disposition = m->disposition;
	if (m->disposition != DMARC_DIS_PASS && (m->shadow || refused))
		*disposition = DMARC_DIS_NONE;
	return verdict == CM_ACCEPT || verdict == CM_DISCARD || verdict == CM_REJECT;
}

void
dmarc_record_outcome(struct cm_session *s, const struct dmarc_message *m)
{
	struct counting c = {.s = s, .config = cm_config(s)};
	char row_text[DMARC_ROW_SIZE] = "", policy_text[DMARC_ROW_SIZE] = "";
	struct line row = {row_text, sizeof(row_text), 0};
	struct line policy = {policy_text, sizeof(policy_text), 0};
	enum dmarc_disposition disposition;

	if (m->result.step == NULL || m->result.step->record.rua.len == 0 ||
		m->result.code == DMARC_CODE_TEMPERROR || !settled(s, m, &disposition))
		return;
	write_row(&row, s, m, disposition);
	write_policy(&policy, m);
	c.domain = m->result.step->name;
	dmarc_date(c.day, cm_time(s));
	/* With the policy: rows begin anew where it changes, and so the latest one is kept. */
	snprintf(c.rest, sizeof(c.rest), "%s/%016" PRIx64, c.domain,
		hash(hash(HASH_BEGIN, row_text), policy_text));
	log_lost(&c, count_message(&c, &row, &policy));
}
