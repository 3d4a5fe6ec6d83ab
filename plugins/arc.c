/* SPDX-License-Identifier: MIT */
/*
 * arc.c - what forwarders found out before they changed or passed on this message (RFC 8617)
 *
 * Looks for ARC sets at the end of the header section, and asks for their keys while the body goes
 * through the hash; publishes at end of message whether the chain is true, who sealed it, and what
 * a sealer recorded whom the administrator trusts. A message without a chain does not ask for its
 * body.
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "arc/arc_check.h"
#include "arc/arc_key.h"
#include "arc/arc_trust.h"
#include "lib/dkim_name.h"
#include "lib/option.h"

/* Octets of a list of sealers, and of a text for people. */
#define SEALERS_SIZE 1024
#define TEXT_SIZE    (ARC_REASON_SIZE + 64)

enum action { ACTION_ACCEPT, ACTION_TAG, ACTION_TEMPFAIL, ACTION_REJECT };

struct config {
	int fail, temperror;
	struct cm_list trusted_sealers;
	const struct cm_map *sealer_map;
	const char *tag_header;
	struct cm_skip skip;
};

struct state {
	struct arc_chain *chain; /* NULL: nothing to release */
	struct arc_check *check; /* NULL: nothing to verify */
};

/* --- publishing --- */

static void
publish_number(struct cm_session *s, const char *key, unsigned value)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", value);
	cm_set_result(s, key, number);
}

static void
publish_text(struct cm_session *s, const char *key, const char *value)
{
	if (value[0] != '\0')
		cm_set_result(s, key, value);
}

/* Sections 7.1 and 7.2 register the properties; what failed has none. */
static void
publish_auth(struct cm_session *s, const struct arc_result *r)
{
	char oldest[16];
	const struct cm_auth_property properties[] = {
		{"smtp", "remote-ip", cm_client(s)->ip},
		{"header", "oldest-pass", oldest},
	};
	struct cm_auth_result result = {.method = "arc", .properties = properties};

	snprintf(oldest, sizeof(oldest), "%u", r->oldest_pass);
	result.result = arc_status_name(r->status);
	result.reason = r->reason[0] == '\0' ? NULL : r->reason;
	result.count = r->status == ARC_PASS ? 2 : r->status == ARC_FAIL ? 1 : 0;
	cm_add_auth_result(s, &result);
}

/* The newest first; what does not fit is left out. */
static void
publish_sealers(struct cm_session *s, const struct arc_chain *chain)
{
	char list[SEALERS_SIZE] = "";
	size_t len = 0;

	for (unsigned i = chain->newest; i > 0; i--) {
		const char *domain = chain->sets[i - 1].seal->domain;
		size_t need = strlen(domain) + (len > 0);

		if (len + need >= sizeof(list))
			break;
		snprintf(list + len, sizeof(list) - len, "%s%s", len > 0 ? "," : "", domain);
		len += need;
	}
	cm_set_result(s, "sealer", chain->sets[chain->newest - 1].seal->domain);
	cm_set_result(s, "sealers", list);
}

static void
publish_trust(struct cm_session *s, const struct arc_chain *chain, const struct arc_trust *trust,
	bool later)
{
	const char *sealer;

	if (trust->instance == 0)
		return;
	sealer = chain->sets[trust->instance - 1].seal->domain;
	/* Under names of its own: whoever looks for a pass must not find what may be forged. */
	if (later) {
		cm_set_result(s, "unverified", sealer);
		publish_text(s, "unverified_dmarc", trust->recorded.dmarc);
		publish_text(s, "unverified_dmarc_from", trust->recorded.dmarc_from);
		return;
	}
	cm_set_result(s, "trusted", sealer);
	publish_text(s, "dmarc", trust->recorded.dmarc);
	publish_text(s, "dmarc_from", trust->recorded.dmarc_from);
	publish_text(s, "dkim", trust->recorded.dkim);
	publish_text(s, "spf", trust->recorded.spf);
}

static void
publish(struct cm_session *s, const struct arc_chain *chain, const struct arc_result *r)
{
	publish_auth(s, r);
	cm_set_result(s, "result", arc_status_name(r->status));
	publish_text(s, "reason", r->reason);
	if (r->status == ARC_NONE) {
		cm_reason(s, "no ARC sets");
		return;
	}
	publish_number(s, "sets", chain->newest);
	if (r->later)
		cm_set_result(s, "temporary", "yes");
	if (r->status == ARC_FAIL) {
		publish_number(s, "instance", r->instance);
		cm_reason(s, "fail at set %u of %u: %s", r->instance, chain->newest, r->reason);
		return;
	}
	publish_number(s, "oldest_pass", r->oldest_pass);
	publish_sealers(s, chain);
	cm_reason(s, "pass, %u set%s; newest seal: %s; unchanged since set %u", chain->newest,
		chain->newest == 1 ? "" : "s", chain->sets[chain->newest - 1].seal->domain,
		r->oldest_pass == 0 ? 1 : r->oldest_pass);
}

/* --- whom the administrator trusts --- */

struct trusting {
	struct cm_session *s;
	bool unknown; /* the map could not be read */
};

static bool
trusted(void *context, const char *domain)
{
	struct trusting *t = context;
	const struct config *config = cm_config(t->s);
	enum cm_known known = CM_NONE;
	const char *value;

	for (size_t i = 0; i < config->trusted_sealers.count; i++) {
		if (strcasecmp(config->trusted_sealers.items[i], domain) == 0)
			return true;
	}
	if (config->sealer_map != NULL)
		known = cm_map_get(t->s, config->sealer_map, domain, &value);
	t->unknown = t->unknown || known == CM_UNDELIVERED;
	return known == CM_KNOWN;
}

/* False: nobody can tell. */
static bool
judge_trust(struct cm_session *s, const struct arc_chain *chain, const struct arc_result *r)
{
	const struct arc_result passing = {.status = ARC_PASS};
	struct trusting trusting = {.s = s};
	struct arc_trust trust;

	/* Of a chain whose keys cannot be had now: what would count if all of it is true. */
	arc_trust_find(&trust, chain, r->later ? &passing : r, trusted, &trusting);
	if (trusting.unknown) {
		cm_reason(s, "the map of trusted sealers could not be read");
		return false;
	}
	publish_trust(s, chain, &trust, r->later);
	return true;
}

/* --- acting --- */

/* Section 7.3 has the status of a chain that fails. */
static enum cm_verdict
act(struct cm_session *s, const struct arc_result *r)
{
	const struct config *config = cm_config(s);
	char value[TEXT_SIZE];

	if (r->status != ARC_FAIL)
		return CM_CONTINUE;
	switch ((enum action)(r->later ? config->temperror : config->fail)) {
	case ACTION_ACCEPT:
		break;
	case ACTION_TAG:
		snprintf(value, sizeof(value), "fail (%s)", r->reason);
		cm_add_header(s, config->tag_header, value);
		break;
	case ACTION_TEMPFAIL:
		cm_reply(s, 451, r->later ? "4.4.3" : "4.7.29", "ARC validation failure: %s",
			r->reason);
		return CM_TEMPFAIL;
	case ACTION_REJECT:
		cm_reply(s, 550, "5.7.29", "ARC validation failure: %s", r->reason);
		return CM_REJECT;
	}
	return CM_CONTINUE;
}

static void
release(struct state *st)
{
	if (st->check != NULL)
		arc_check_fini(st->check);
	if (st->chain != NULL)
		arc_chain_fini(st->chain);
	*st = (struct state){0};
}

static enum cm_verdict
conclude(struct cm_session *s, struct state *st, const struct arc_result *r)
{
	enum cm_verdict v = CM_FAILED;

	publish(s, st->chain, r);
	if (judge_trust(s, st->chain, r))
		v = act(s, r);
	release(st);
	return v;
}

/* --- end of the header section --- */

/* With the blank behind the colon, which is not part of a value elsewhere. */
static const struct canon_field *
fields_of(struct cm_session *s, size_t count)
{
	struct canon_field *fields = cm_msg_alloc(s, (count + 1) * sizeof(*fields));

	for (size_t i = 0; i < count; i++) {
		const struct cm_header *h = cm_header_at(s, i);
		bool glued = cm_header_glued(s, i);
		char *room = glued ? NULL : cm_msg_alloc(s, strlen(h->value) + 2);

		fields[i] = canon_field_of(h->name, h->value, glued, room);
	}
	return fields;
}

/* Most messages have none, and then nothing is copied. */
static bool
has_sets(struct cm_session *s)
{
	for (size_t i = 0; i < cm_header_count(s); i++) {
		if (strncasecmp(cm_header_at(s, i)->name, "ARC-", 4) == 0)
			return true;
	}
	return false;
}

/* The chain, or NULL: no memory. */
static struct arc_chain *
find_chain(struct cm_session *s, struct state *st, const struct canon_field **fields, size_t *count)
{
	*count = has_sets(s) ? cm_header_count(s) : 0;
	*fields = fields_of(s, *count);
	st->chain = cm_msg_alloc(s, sizeof(*st->chain));
	return arc_chain_init(st->chain, *fields, *count) ? st->chain : NULL;
}

static void
begin(struct cm_session *s, struct state *st, const struct canon_field *fields, size_t count)
{
	char name[DKIM_NAME_KEY_SIZE];

	st->check = cm_msg_alloc(s, sizeof(*st->check));
	arc_check_init(st->check, st->chain, fields, count, cm_time(s));
	for (size_t i = 0; arc_check_key(st->check, i, name); i++)
		cm_dns_begin(s, name, CM_DNS_TXT);
}

static enum cm_verdict
look(struct cm_session *s, struct state *st)
{
	const struct canon_field *fields;
	const struct arc_chain *chain;
	struct arc_result r;
	enum cm_verdict v;
	size_t count;

	chain = find_chain(s, st, &fields, &count);
	if (chain == NULL) {
		cm_reason(s, "no memory to read the ARC sets");
		return CM_FAILED;
	}
	if (chain->newest > 0 && chain->problem[0] == '\0') {
		begin(s, st, fields, count);
		return CM_CONTINUE;
	}
	arc_check_none(chain, &r);
	v = conclude(s, st, &r);
	return v == CM_CONTINUE ? CM_DONE : v;
}

static enum cm_verdict
eoh(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);
	const char *why;

	(void)ev;
	switch (cm_skip(s, &config->skip, NULL, &why)) {
	case CM_KNOWN:
		cm_reason(s, "not checked: %s", why);
		return CM_DONE;
	case CM_UNDELIVERED:
		cm_reason(s, "%s", why);
		return CM_FAILED;
	case CM_NONE:
		break;
	}
	return look(s, cm_msg(s));
}

/* --- the body, and the end --- */

static enum cm_verdict
body(struct cm_session *s, const struct cm_event *ev)
{
	struct state *st = cm_msg(s);

	if (st->check != NULL)
		arc_check_body(st->check, ev->data, ev->len);
	return CM_CONTINUE;
}

/* Was asked for at the end of the header section; what is left to wait for is waited for here. */
static const struct dkim_key *
key(void *context, const char *name, const char **why, bool *later)
{
	return arc_key(cm_dns(context, name, CM_DNS_TXT), why, later);
}

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	const struct arc_keys keys = {s, key};
	struct state *st = cm_msg(s);
	struct arc_result r;

	(void)ev;
	if (st->check == NULL)
		return CM_CONTINUE;
	arc_check_end(st->check, &keys, &r);
	return conclude(s, st, &r);
}

/* A message that ends before its time. */
static void
end_msg(struct cm_session *s)
{
	struct state *st = cm_msg(s);

	if (st != NULL)
		release(st);
}

/* --- the tables --- */

/* What no d= can be would never count. */
static bool
check_domain(const char *text, char *why, size_t why_size)
{
	if (dkim_name_valid(text, strlen(text), 2))
		return true;
	snprintf(why, why_size,
		"\"%.60s\" is not a domain of seals (d=), such as lists.example.org", text);
	return false;
}

/* Those of ARC are covered by seals. */
static bool
check_header(const char *text, char *why, size_t why_size)
{
	const char *name = strncasecmp(text, "ARC-", 4) == 0 ? "" : text;

	return option_check_field(name, "X-ARC-Result", why, why_size);
}

#define AT(field) offsetof(struct config, field)

static const struct cm_option options[] = {
	/* A chain that fails says no more than no chain (section 5.2), so nothing is done. */
	{"fail", CM_OPT_CHOICE, AT(fail), "accept", "accept|tag|tempfail|reject", .since = "0.1",
		.help = "the chain is broken or forged"},
	CM_SKIP_AUTHENTICATED(AT(skip), "0.1"),
	CM_SKIP_CLIENTS(AT(skip), "0.1"),
	CM_SKIP_FOR(AT(skip), "0.1"),
	CM_SKIP_SENDERS(AT(skip), "0.1"),
	CM_SKIP_TRUSTED(AT(skip), "0.1"),
	{"tag_header", CM_OPT_STRING, AT(tag_header), "X-ARC-Result", .since = "0.1",
		.check = check_header, .help = "header field that tag adds"},
	/* No reject: a fault of DNS says nothing of the mail. */
	{"temperror", CM_OPT_CHOICE, AT(temperror), "accept", "accept|tag|tempfail", .since = "0.1",
		.help = "DNS did not answer for a key, so the chain fails for now"},
	{"trusted_sealer_map", CM_OPT_MAP, AT(sealer_map), .choices = "exact", .since = "0.1",
		.help = "further trusted_sealers: a map with their domains"},
	{"trusted_sealers", CM_OPT_LIST, AT(trusted_sealers), .since = "0.1", .check = check_domain,
		.help = "domains of seals (d=) whose word about SPF, DKIM and DMARC counts"},
};

static const struct cm_macro macros[] = {
	CM_SKIP_MACRO,
};

static uint32_t
needs_of(const void *settings)
{
	const struct config *config = settings;
	bool tags = config->fail == ACTION_TAG || config->temperror == ACTION_TAG;

	return CM_NEED_HEADERS | CM_NEED_BLANKS | (tags ? (uint32_t)CM_EDIT_HEADERS : 0);
}

static const struct cm_published published[] = {
	{"dkim", NULL, "what the trusted sealer recorded of DKIM: the best of its results"},
	{"dmarc", NULL, "what it recorded of DMARC"},
	{"dmarc_from", NULL, "and of which domain in From:"},
	{"instance", NULL, "fail: number of the set that does not hold"},
	{"oldest_pass", NULL, "pass: the message is unchanged since that set; 0: since the first"},
	{"reason", NULL, "fail: why"},
	{"result", "none|pass|fail", "of the whole chain"},
	{"sealer", NULL, "pass: domain of the newest seal"},
	{"sealers", NULL, "pass: domains of all seals, the newest first, with commas"},
	{"sets", NULL, "how many there are"},
	{"spf", NULL, "what the trusted sealer recorded of SPF: the worst of its results"},
	{"temporary", "yes", "fail only because a key could not be had now"},
	{"trusted", NULL, "pass: domain of the trusted sealer whose record is told"},
	{"unverified", NULL, "as trusted, of a chain with temporary: it may be forged"},
	{"unverified_dmarc", NULL, "what that one recorded of DMARC"},
	{"unverified_dmarc_from", NULL, "and of which domain in From:"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "arc",
	.help = "what forwarders found out about this message (RFC 8617)",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.msg_size = sizeof(struct state),
	.needs = CM_NEED_HEADERS | CM_NEED_BLANKS | CM_EDIT_HEADERS,
	.macros = macros,
	.macro_count = sizeof(macros) / sizeof(*macros),
	.needs_of = needs_of,
	.eoh = eoh,
	.body = body,
	.eom = eom,
	.end_msg = end_msg,
	.published = published,
	.published_count = sizeof(published) / sizeof(*published),
	.published_size = sizeof(*published),
};
