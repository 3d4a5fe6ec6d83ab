/* SPDX-License-Identifier: MIT */
/*
 * arc_seal.c - adds an ARC set of ours to mail that leaves again (RFC 8617 section 5.1)
 *
 * Says what the links before it found out, signs the message, and seals both. It is a plugin apart
 * from arc, for it goes behind dmarc, and dmarc goes behind arc.
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "arc_seal/arc_seal_set.h"
#include "lib/authres.h"
#include "lib/dkim_name.h"

enum seal_for { SEAL_FORWARDED, SEAL_ALL };

struct config {
	const char *domain, *selector, *key_file;
	int seal_for;
	struct cm_list local_domains;
	struct cm_skip forwards; /* its recipients alone */
	struct cm_skip skip;
	struct dkim_private *key;
};

struct state {
	struct arc_chain *chain; /* NULL: nothing to release */
	struct canon_body *body;
};

static void
release(struct state *st)
{
	if (st->chain != NULL)
		arc_chain_fini(st->chain);
	if (st->body != NULL)
		canon_body_fini(st->body);
	*st = (struct state){0};
}

/* --- what leaves again --- */

static bool
is_local(const struct config *config, const char *domain)
{
	if (domain[0] == '\0')
		return true;
	for (size_t i = 0; i < config->local_domains.count; i++) {
		if (strcasecmp(config->local_domains.items[i], domain) == 0)
			return true;
	}
	return false;
}

/* CM_KNOWN: a recipient is elsewhere, or is known to be forwarded. */
static enum cm_known
leaves(struct cm_session *s, const struct config *config)
{
	enum cm_known known = CM_NONE;
	const char *why;

	if (config->seal_for == SEAL_ALL)
		return CM_KNOWN;
	for (size_t i = 0; known == CM_NONE && i < cm_rcpt_count(s); i++) {
		const struct cm_address *rcpt = cm_rcpt(s, i);

		if (config->local_domains.count > 0 && !is_local(config, rcpt->domain))
			return CM_KNOWN;
		if (config->forwards.recipients != NULL)
			known = cm_skip(s, &config->forwards, rcpt, &why);
	}
	if (known == CM_UNDELIVERED)
		cm_reason(s, "the map of forwards could not be read");
	return known;
}

/* CM_KNOWN: the message is to be sealed. */
static enum cm_known
wanted(struct cm_session *s, const struct config *config)
{
	const char *why;
	enum cm_known known = cm_skip(s, &config->skip, NULL, &why);

	if (known != CM_NONE) {
		cm_reason(s, "%s%s", known == CM_KNOWN ? "not sealed: " : "", why);
		return known == CM_KNOWN ? CM_NONE : known;
	}
	known = leaves(s, config);
	if (known == CM_NONE)
		cm_reason(s, "not sealed: no recipient leaves");
	return known;
}

/* --- end of the header section --- */

/* All is relaxed here: that the MTA took a blank away does not matter. */
static const struct canon_field *
fields_as_received(struct cm_session *s, size_t count)
{
	struct canon_field *fields = cm_msg_alloc(s, (count + 1) * sizeof(*fields));

	for (size_t i = 0; i < count; i++) {
		const struct cm_header *h = cm_header_at(s, i);

		fields[i] = canon_field_of(h->name, h->value, true, NULL);
	}
	return fields;
}

static enum cm_verdict
begin(struct cm_session *s, struct state *st)
{
	size_t count = cm_header_count(s);
	const char *why;

	st->chain = cm_msg_alloc(s, sizeof(*st->chain));
	if (!arc_chain_init(st->chain, fields_as_received(s, count), count))
		return CM_FAILED;
	why = arc_seal_hinders(st->chain);
	if (why != NULL) {
		cm_reason(s, "not sealed: %s", why);
		return CM_DONE;
	}
	st->body = cm_msg_alloc(s, sizeof(*st->body));
	return canon_body_init(st->body, CANON_RELAXED, CANON_ALL) ? CM_CONTINUE : CM_FAILED;
}

static enum cm_verdict
eoh(struct cm_session *s, const struct cm_event *ev)
{
	struct state *st = cm_msg(s);
	enum cm_verdict v;

	(void)ev;
	switch (wanted(s, cm_config(s))) {
	case CM_NONE:
		return CM_DONE;
	case CM_UNDELIVERED:
		return CM_FAILED;
	case CM_KNOWN:
		break;
	}
	v = begin(s, st);
	if (v == CM_FAILED)
		cm_reason(s, "no memory to seal");
	if (v != CM_CONTINUE)
		release(st);
	return v;
}

static enum cm_verdict
body(struct cm_session *s, const struct cm_event *ev)
{
	struct state *st = cm_msg(s);

	if (st->body != NULL)
		canon_body_put(st->body, ev->data, ev->len);
	return CM_CONTINUE;
}

/* --- the set --- */

/* What the chain came to. NULL: the message may be sealed. */
static const char *
take_status(struct cm_session *s, const struct arc_chain *chain, enum arc_status *status)
{
	static const char *const own[] = {
		"ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"};
	const char *result = cm_result(s, "arc", "result");

	*status = ARC_NONE;
	/* The chain is the one that was received and validated. */
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		if (cm_edited(s, own[i]))
			return "another link changes its ARC sets";
	}
	if (chain->field_count == 0)
		return NULL;
	if (result == NULL)
		return "it has ARC sets that no link \"arc\" has validated";
	/* What is sealed as broken is broken for good. */
	if (cm_result(s, "arc", "temporary") != NULL)
		return "its ARC sets cannot be validated now";
	*status = strcmp(result, "pass") == 0 && chain->problem[0] == '\0' ? ARC_PASS : ARC_FAIL;
	return NULL;
}

/* A login is nobody's business but the server's. */
static bool
is_login(const struct cm_auth_result *r, const struct cm_auth_property *p)
{
	return strcasecmp(r->method, "auth") == 0 && strcasecmp(p->name, "auth") == 0;
}

static void
put_result(struct authres_field *f, const struct cm_auth_result *r)
{
	struct authres_field before = *f;

	authres_result(f, r->method, r->result, r->comment, r->reason);
	for (size_t i = 0; i < r->count; i++) {
		const struct cm_auth_property *p = &r->properties[i];

		if (!is_login(r, p))
			authres_property(f, p->type, p->name, p->value);
	}
	authres_keep(f, &before);
}

/* The value of ARC-Authentication-Results (section 4.1.1). */
static void
write_results(struct cm_session *s, unsigned instance, char out[ARC_SEAL_RESULTS_SIZE])
{
	struct authres_field f;
	char begins[16];

	authres_begin(&f, out, ARC_SEAL_RESULTS_SIZE, strlen("ARC-Authentication-Results: "));
	snprintf(begins, sizeof(begins), "i=%u; ", instance);
	authres_text(&f, begins);
	authres_id(&f, cm_authserv_id(s));
	for (size_t i = 0; i < cm_auth_result_count(s); i++)
		put_result(&f, cm_auth_result(s, i));
	if (cm_auth_result_count(s) == 0)
		authres_text(&f, "; none");
	authres_end(&f);
}

/* Section 5.1: what links before this one change is sealed as it will be sent. */
static const struct canon_field *
fields_as_sent(struct cm_session *s, const struct cm_outgoing *out)
{
	struct canon_field *fields = cm_msg_alloc(s, (out->count + 1) * sizeof(*fields));

	for (size_t i = 0; i < out->count; i++)
		fields[i] = canon_field_of(out->fields[i].name, out->fields[i].value, true, NULL);
	return fields;
}

static bool
hash_body(struct state *st, const struct cm_outgoing *out, unsigned char hash[DIGEST_SIZE])
{
	if (out->body == NULL)
		return canon_body_end(st->body, hash);
	canon_body_fini(st->body);
	if (!canon_body_init(st->body, CANON_RELAXED, CANON_ALL))
		return false;
	canon_body_lines(st->body, out->body, out->body_len);
	return canon_body_end(st->body, hash);
}

/* From the lowest up, for each goes above all. */
static bool
insert(struct cm_session *s, const char *results, const struct arc_seal_set *set)
{
	return cm_insert_header(s, 0, "ARC-Authentication-Results", results) &&
	       cm_insert_header(s, 0, "ARC-Message-Signature", set->message) &&
	       cm_insert_header(s, 0, "ARC-Seal", set->seal);
}

static enum cm_verdict
seal(struct cm_session *s, struct state *st, enum arc_status status)
{
	const struct config *config = cm_config(s);
	const struct cm_outgoing *out = cm_outgoing(s);
	struct arc_seal_job job = {.chain = st->chain,
		.fields = fields_as_sent(s, out),
		.count = out->count,
		.status = status,
		.domain = config->domain,
		.selector = config->selector,
		.key = config->key,
		.now = cm_time(s)};
	char *results = cm_msg_alloc(s, ARC_SEAL_RESULTS_SIZE);
	struct arc_seal_set *set = cm_msg_alloc(s, sizeof(*set));
	char instance[16];

	write_results(s, arc_seal_instance(st->chain), results);
	job.results = results;
	if (!hash_body(st, out, job.body) || !arc_seal_set_make(set, &job)) {
		cm_reason(s, "OpenSSL could not sign");
		return CM_FAILED;
	}
	if (!insert(s, results, set))
		return CM_FAILED;
	snprintf(instance, sizeof(instance), "%u", arc_seal_instance(st->chain));
	cm_set_result(s, "instance", instance);
	cm_set_result(s, "cv", arc_status_name(status));
	cm_reason(s, "sealed as set %s, cv=%s", instance, arc_status_name(status));
	return CM_CONTINUE;
}

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	struct state *st = cm_msg(s);
	enum cm_verdict v = CM_CONTINUE;
	enum arc_status status;
	const char *why;

	(void)ev;
	if (st->body == NULL)
		return CM_CONTINUE;
	why = take_status(s, st->chain, &status);
	if (why == NULL)
		v = seal(s, st, status);
	else
		cm_reason(s, "not sealed: %s", why);
	release(st);
	return v;
}

/* A message that ends before its time. */
static void
end_msg(struct cm_session *s)
{
	struct state *st = cm_msg(s);

	if (st != NULL)
		release(st);
}

/* --- settings --- */

static bool
start(void *settings, char *why, size_t why_size)
{
	struct config *config = settings;
	char name[DKIM_NAME_KEY_SIZE];

	if (!dkim_name_key(name, config->selector, config->domain)) {
		snprintf(why, why_size,
			"no key can stand at %.300s: a name in DNS has at most 253 octets; choose "
			"a shorter selector",
			name);
		return false;
	}
	if (config->seal_for == SEAL_FORWARDED && config->local_domains.count == 0 &&
		config->forwards.recipients == NULL) {
		snprintf(why, why_size,
			"seal_for = forwarded needs local_domains, forwards or both, to know what "
			"leaves");
		return false;
	}
	config->key = dkim_private_read(config->key_file, why, why_size);
	return config->key != NULL;
}

static void
stop(void *settings)
{
	struct config *config = settings;

	dkim_private_free(config->key);
	config->key = NULL;
}

static bool
check_domain(const char *text, char *why, size_t why_size)
{
	if (dkim_name_valid(text, strlen(text), 2))
		return true;
	snprintf(why, why_size, "\"%.60s\" is not a domain, such as example.com", text);
	return false;
}

static bool
check_selector(const char *text, char *why, size_t why_size)
{
	if (dkim_name_valid(text, strlen(text), 1))
		return true;
	snprintf(why, why_size, "\"%.60s\" is not a selector, such as arc2026", text);
	return false;
}

#define AT(field) offsetof(struct config, field)

static const struct cm_option options[] = {
	{"domain", CM_OPT_STRING, AT(domain), .flags = CM_OPT_REQUIRED, .since = "0.1",
		.check = check_domain, .help = "domain that seals (d=)"},
	{"forwards", CM_OPT_MAP, AT(forwards) + offsetof(struct cm_skip, recipients),
		.choices = "exact", .since = "0.1",
		.help = "recipients that are forwarded: address, @domain, domain or user@"},
	{"key_file", CM_OPT_PATH, AT(key_file), .flags = CM_OPT_REQUIRED, .since = "0.1",
		.help = "private key in PEM format, RSA or Ed25519, of root or of main.user"},
	{"local_domains", CM_OPT_LIST, AT(local_domains), .since = "0.1", .check = check_domain,
		.help = "domains whose mail stays here; recipients elsewhere leave"},
	{"seal_for", CM_OPT_CHOICE, AT(seal_for), "forwarded", "forwarded|all", .since = "0.1",
		.help = "seal what has a recipient that leaves, or all"},
	{"selector", CM_OPT_STRING, AT(selector), .flags = CM_OPT_REQUIRED, .since = "0.1",
		.check = check_selector,
		.help = "where the public key is (s=): TXT of SELECTOR._domainkey.DOMAIN"},
	CM_SKIP_AUTHENTICATED(AT(skip), "0.1"),
	CM_SKIP_CLIENTS(AT(skip), "0.1"),
	CM_SKIP_FOR(AT(skip), "0.1"),
	CM_SKIP_SENDERS(AT(skip), "0.1"),
	CM_SKIP_TRUSTED(AT(skip), "0.1"),
};

static const struct cm_macro macros[] = {
	CM_SKIP_MACRO,
};

static const char *const after[] = {"arc", "auth", "dkim", "dmarc", "dnsbl", "rdns", "spf", NULL};

static const struct cm_published published[] = {
	{"cv", "none|pass|fail", "state of the chain that was found, as the new seal says it"},
	{"instance", NULL, "number of the set that was added"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "arc_seal",
	.help = "adds an ARC set to mail that leaves again (RFC 8617)",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.msg_size = sizeof(struct state),
	.needs = CM_NEED_HEADERS | CM_EDIT_HEADERS | CM_AFTER_ACCEPT,
	.macros = macros,
	.macro_count = sizeof(macros) / sizeof(*macros),
	.after = after,
	.start = start,
	.stop = stop,
	.eoh = eoh,
	.body = body,
	.eom = eom,
	.end_msg = end_msg,
	.published = published,
	.published_count = sizeof(published) / sizeof(*published),
	.published_size = sizeof(*published),
};
