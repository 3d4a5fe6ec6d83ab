/* SPDX-License-Identifier: MIT */
/*
 * dkim.c - signatures of domains (RFC 6376, RFC 8301, RFC 8463): verified, or made for our own mail
 *
 * Looks at the signatures at the end of the header section and asks for their keys while the body
 * goes through the hash; publishes at end of message what each came to, and does with the mail what
 * the administrator chose for the best of them. A message that nothing can be verified of does not
 * ask for its body. Mail of our own, where there is a signing table, is signed and not verified.
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <string.h>

#include "dkim/dkim_collect.h"
#include "dkim/dkim_judge.h"
#include "dkim/dkim_publish.h"
#include "dkim/dkim_sign.h"
#include "dkim/dkim_verifier.h"
#include "lib/dkim_name.h"
#include "lib/option.h"

/* Octets of a sentence for people. */
#define TEXT_SIZE (DKIM_REASON_SIZE + DKIM_SIG_DOMAIN_SIZE + 64)

enum action { ACTION_ACCEPT, ACTION_TAG, ACTION_TEMPFAIL, ACTION_REJECT };

struct config {
	int engine, test_key, unsigned_tail;
	int fail, neutral, none, permerror, policy, temperror; /* enum action */
	int64_t max_hashed, max_signatures, min_key_bits;
	struct cm_skip skip;
	const char *tag_header;
	struct dkim_sign_config sign;
};

struct state {
	struct dkim_collection found;
	struct dkim_message message; /* of those that are verified */
	const struct dkim_engine *engine;
	void *running;
	int64_t hashed, hashes; /* octets so far; how often each is hashed */
	bool over;		/* too many */
	struct dkim_sign sign;	/* instead of all of this */
};

static const struct dkim_engine *const engines[] = {&dkim_native, &dkim_opendkim};
static const enum dkim_code tails[] = {DKIM_POLICY, DKIM_NEUTRAL, DKIM_FAIL, DKIM_PASS};
static const enum dkim_code test_keys[] = {DKIM_NEUTRAL, DKIM_PASS};

/* --- acting --- */

/* RFC 7372 section 3.1; a fault of DNS is none of the sender's. */
static const char *
status_of(enum dkim_code code, bool hard)
{
	switch (code) {
	case DKIM_TEMPERROR:
		return "4.4.3";
	case DKIM_POLICY:
		return hard ? "5.7.21" : "4.7.21";
	case DKIM_PASS:
	case DKIM_FAIL:
	case DKIM_NEUTRAL:
	case DKIM_PERMERROR:
	case DKIM_NONE:
	case DKIM_CODES:
		break;
	}
	return hard ? "5.7.20" : "4.7.20";
}

/* One sentence. */
static void
say(char *out, size_t size, enum dkim_code code, const struct dkim_signature *best)
{
	if (best == NULL)
		snprintf(out, size, "the message has no DKIM signature");
	else if (best->job.sig.domain[0] == '\0')
		snprintf(out, size, "a DKIM signature cannot be used: %s", best->reason);
	else
		snprintf(out, size, "the DKIM signature of %s %s: %s", best->job.sig.domain,
			code == DKIM_TEMPERROR ? "cannot be verified now" : "does not count",
			best->reason);
}

static enum cm_verdict
refuse(struct cm_session *s, enum dkim_code code, const char *text, bool hard)
{
	cm_reply(s, hard ? 550 : 451, status_of(code, hard), "No valid DKIM signature: %s", text);
	return hard ? CM_REJECT : CM_TEMPFAIL;
}

/* best NULL: there is no signature. */
static enum cm_verdict
act(struct cm_session *s, enum dkim_code code, const struct dkim_signature *best)
{
	const struct config *config = cm_config(s);
	const int actions[DKIM_CODES] = {
		[DKIM_PASS] = ACTION_ACCEPT,
		[DKIM_TEMPERROR] = config->temperror,
		[DKIM_FAIL] = config->fail,
		[DKIM_POLICY] = config->policy,
		[DKIM_NEUTRAL] = config->neutral,
		[DKIM_PERMERROR] = config->permerror,
		[DKIM_NONE] = config->none,
	};
	char text[TEXT_SIZE], value[TEXT_SIZE + 16];

	say(text, sizeof(text), code, best);
	switch ((enum action)actions[code]) {
	case ACTION_ACCEPT:
		break;
	case ACTION_TAG:
		snprintf(value, sizeof(value), "%s (%s)", dkim_code_name(code), text);
		cm_add_header(s, config->tag_header, value);
		break;
	case ACTION_TEMPFAIL:
		return refuse(s, code, text, false);
	case ACTION_REJECT:
		return refuse(s, code, text, true);
	}
	return CM_CONTINUE;
}

/* All signatures are decided. */
static enum cm_verdict
conclude(struct cm_session *s, const struct dkim_collection *found)
{
	const struct dkim_signature *best = &found->all[dkim_judge_best(found->all, found->count)];

	dkim_publish(s, found, best);
	return act(s, best->code, best);
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

/* The domain of the author, where there is one, as signatures name it; else "". */
static void
read_author(struct cm_session *s, char out[DKIM_NAME_SIZE])
{
	const struct cm_from *from = cm_from(s);
	const char *domain = from->count == 1 ? from->items[0].domain : "";

	dkim_name_read(out, domain, strlen(domain), 1);
}

/* The resolver knows which names DNS cannot have. */
static void
key_name(char out[DKIM_NAME_KEY_SIZE], const struct dkim_sig *sig)
{
	(void)dkim_name_key(out, sig->selector, sig->domain);
}

/* What is to be verified; asks for the keys. */
static void
pick(struct cm_session *s, struct state *st)
{
	struct dkim_collection *found = &st->found;
	char name[DKIM_NAME_KEY_SIZE];

	st->message.jobs = cm_msg_alloc(s, (found->count + 1) * sizeof(*st->message.jobs));
	for (size_t i = 0; i < found->count; i++) {
		if (!dkim_judge_open(&found->all[i]))
			continue;
		st->message.jobs[st->message.job_count++] = &found->all[i].job;
		key_name(name, &found->all[i].job.sig);
		cm_dns_begin(s, name, CM_DNS_TXT);
	}
}

static void
collect(struct cm_session *s, struct state *st)
{
	const struct config *config = cm_config(s);
	size_t most = (size_t)config->max_signatures, room;
	char author[DKIM_NAME_SIZE];

	read_author(s, author);
	st->message.field_count = cm_header_count(s);
	st->message.fields = fields_of(s, st->message.field_count);
	/* Each has four kilobytes, and most messages have one or none. */
	room = dkim_count(st->message.fields, st->message.field_count);
	room = room < most + 1 ? room : most + 1;
	st->found.all = cm_msg_alloc(s, room * sizeof(*st->found.all));
	dkim_collect(
		&st->found, st->message.fields, st->message.field_count, author, cm_time(s), most);
	pick(s, st);
}

/* This link wants nothing more of the message, unless it refuses it. */
static enum cm_verdict
done(enum cm_verdict v)
{
	return v == CM_CONTINUE ? CM_DONE : v;
}

static enum cm_verdict
begin_verifying(struct cm_session *s)
{
	const struct config *config = cm_config(s);
	struct state *st = cm_msg(s);
	const char *why;

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
	collect(s, st);
	if (st->found.count == 0) {
		dkim_publish_none(s);
		return done(act(s, DKIM_NONE, NULL));
	}
	if (st->message.job_count == 0)
		return done(conclude(s, &st->found));
	st->engine = engines[config->engine];
	st->hashes = (int64_t)dkim_body_hashes(&st->message);
	st->running = st->engine->begin(&st->message);
	if (st->running == NULL)
		cm_reason(s, "no memory to verify signatures");
	return st->running == NULL ? CM_FAILED : CM_CONTINUE;
}

static enum cm_verdict
eoh(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);
	struct state *st = cm_msg(s);

	(void)ev;
	switch (dkim_sign_begin(s, &config->sign, &st->sign)) {
	case CM_KNOWN:
		return CM_CONTINUE;
	case CM_UNDELIVERED:
		return CM_FAILED;
	case CM_NONE:
		break;
	}
	return begin_verifying(s);
}

/* --- the body, and the end --- */

static enum cm_verdict
body(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);
	struct state *st = cm_msg(s);

	if (st->sign.body != NULL)
		dkim_sign_body(&st->sign, ev->data, ev->len);
	if (st->running == NULL || st->over)
		return CM_CONTINUE;
	st->hashed += (int64_t)ev->len * st->hashes;
	st->over = st->hashed > config->max_hashed;
	if (!st->over)
		st->engine->body(st->running, ev->data, ev->len);
	return CM_CONTINUE;
}

static void
skip_all(struct dkim_collection *found)
{
	for (size_t i = 0; i < found->count; i++) {
		if (dkim_judge_open(&found->all[i]))
			dkim_judge_skip(&found->all[i], DKIM_POLICY,
				"the message is too large to verify (max_hashed)");
	}
}

/* The keys have been asked for; what is left to wait for is waited for here. */
static void
take_keys(struct cm_session *s, struct dkim_collection *found)
{
	char name[DKIM_NAME_KEY_SIZE];

	for (size_t i = 0; i < found->count; i++) {
		if (!dkim_judge_open(&found->all[i]))
			continue;
		key_name(name, &found->all[i].job.sig);
		dkim_judge_key(&found->all[i], cm_dns(s, name, CM_DNS_TXT));
	}
}

/* Only keys of undecided signatures are used. */
static void
verify(const struct config *config, struct state *st)
{
	const struct dkim_policy policy = {.min_key_bits = config->min_key_bits,
		.unsigned_tail = tails[config->unsigned_tail],
		.test_key = test_keys[config->test_key]};

	st->engine->finish(st->running);
	for (size_t i = 0; i < st->found.count; i++) {
		if (dkim_judge_open(&st->found.all[i]))
			dkim_judge_check(&st->found.all[i], &policy);
	}
}

static void
release(struct state *st)
{
	dkim_sign_end(&st->sign);
	if (st->running != NULL)
		st->engine->end(st->running);
	st->running = NULL;
	for (size_t i = 0; i < st->found.count; i++) {
		dkim_key_drop(st->found.all[i].job.key);
		st->found.all[i].job.key = NULL;
	}
}

static enum cm_verdict
finish_verifying(struct cm_session *s, struct state *st)
{
	if (st->running == NULL)
		return CM_CONTINUE;
	if (st->over) {
		skip_all(&st->found);
	} else {
		take_keys(s, &st->found);
		verify(cm_config(s), st);
	}
	release(st);
	return conclude(s, &st->found);
}

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);
	struct state *st = cm_msg(s);
	enum cm_verdict v;

	(void)ev;
	if (st->sign.body == NULL)
		return finish_verifying(s, st);
	v = dkim_sign_finish(s, &config->sign, &st->sign);
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
start(void *data, char *why, size_t why_size)
{
	struct config *config = data;

	return dkim_sign_start(&config->sign, why, why_size);
}

static void
stop(void *data)
{
	struct config *config = data;

	dkim_sign_stop(&config->sign);
}

static bool
adds(const void *data)
{
	return ((const struct config *)data)->sign.table != NULL;
}

/* What was accepted is signed, but need not be verified. */
static uint32_t
needs_of(const void *data)
{
	return adds(data) ? cm_plugin.needs : cm_plugin.needs & ~(uint32_t)CM_AFTER_ACCEPT;
}

/* --- the tables --- */

static bool
check_header(const char *text, char *why, size_t why_size)
{
	return option_check_field(text, "X-DKIM-Result", why, why_size);
}

#define AT(field) offsetof(struct config, field)

#define ACTION(field, words)                                                              \
	{                                                                                 \
#field, CM_OPT_CHOICE, AT(field), "accept", "accept|tag|tempfail|reject", \
			.since = "0.1", .help = (words)                                   \
	}

static const struct cm_option options[] = {
	{"engine", CM_OPT_CHOICE, AT(engine), "native", "native|opendkim", .since = "0.1",
		.help = "what verifies: our own code on OpenSSL, or libopendkim"},
	ACTION(fail, "header or body are not what was signed"),
	{"key_dir", CM_OPT_PATH, AT(sign.key_dir), "dkim", .since = "0.1",
		.help = "private keys: DOMAIN/SELECTOR.pem"},
	{"login_map", CM_OPT_MAP, AT(sign.login_map), .choices = "exact", .since = "0.1",
		.help = "address or @domain, then the logins whose mail is signed as it"},
	{"max_hashed", CM_OPT_SIZE, AT(max_hashed), "256M", .min = 1 << 16, .max = INT64_C(1) << 40,
		.since = "0.1",
		.help = "octets of body to hash, for all signatures of a message together"},
	{"max_signatures", CM_OPT_INT, AT(max_signatures), "8", .min = 1,
		.max = DKIM_SIGNATURES_MOST, .since = "0.1",
		.help = "signatures to verify; those of the author's domain first"},
	{"min_key_bits", CM_OPT_INT, AT(min_key_bits), "1024", .min = DKIM_KEY_BITS_LEAST,
		.max = DKIM_KEY_BITS_MOST, .since = "0.1",
		.help = "RSA keys with fewer bits count as policy; those below 1024 never verify"},
	ACTION(neutral, "no signature can be used: a wrong field, expired, a key in test"),
	ACTION(none, "the message has no signature"),
	{"oversign", CM_OPT_LIST, AT(sign.oversign), "[ From, Subject, Date ]",
		.check = dkim_sign_check_name, .since = "0.1",
		.help = "fields of which nobody may add one to a message we signed"},
	ACTION(permerror, "there is no key, or it does not fit"),
	ACTION(policy, "signatures are good, and not acceptable: unsigned_tail, min_key_bits"),
	{"recipient_delimiter", CM_OPT_STRING, AT(sign.delimiters), .since = "0.1",
		.help = "characters that begin a tag: with + bob+tag@example.com is bob's too"},
	{"sign_canonicalization", CM_OPT_CHOICE, AT(sign.canonicalization), "relaxed/relaxed",
		DKIM_SIGN_CANONICALIZATION, .since = "0.1",
		.help = "of header and body: what a server on the way may change"},
	{"sign_domains", CM_OPT_PATH, AT(sign.table_path), .since = "0.1",
		.help = "file of lines \"PATTERN DOMAIN SELECTOR...\": whose mail is signed as "
			"whom"},
	{"sign_expire", CM_OPT_DURATION, AT(sign.expire_us), "0s", .max = INT64_C(31536000000000),
		.since = "0.1", .help = "how long a signature is good (x=); 0s: for ever"},
	{"sign_for", CM_OPT_LIST, AT(sign.sign_for), "[ logins, trusted, local ]",
		.check = dkim_sign_check_whose, .since = "0.1",
		.help = "whose mail is signed: logins, main.trusted_networks, this machine's"},
	CM_SKIP_AUTHENTICATED(AT(skip), "0.1"),
	CM_SKIP_CLIENTS(AT(skip), "0.1"),
	CM_SKIP_FOR(AT(skip), "0.1"),
	CM_SKIP_TRUSTED(AT(skip), "0.1"),
	{"tag_header", CM_OPT_STRING, AT(tag_header), "X-DKIM-Result", .since = "0.1",
		.check = check_header, .help = "header field that tag adds"},
	/* No reject: a fault of DNS says nothing of the mail. */
	{"temperror", CM_OPT_CHOICE, AT(temperror), "accept", "accept|tag|tempfail", .since = "0.1",
		.help = "DNS did not tell a key"},
	{"test_key", CM_OPT_CHOICE, AT(test_key), "neutral", "neutral|pass", .since = "0.1",
		.help = "result of a good signature whose key is only being tested (t=y)"},
	{"unsigned_tail", CM_OPT_CHOICE, AT(unsigned_tail), "policy", "policy|neutral|fail|pass",
		.since = "0.1",
		.help = "result of a good signature that leaves out the end of the body (l=)"},
};

static const struct cm_macro macros[] = {CM_SKIP_MACRO};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "dkim",
	.help = "verifies signatures of domains, and signs mail of our own (RFC 6376)",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.msg_size = sizeof(struct state),
	.needs = CM_NEED_HEADERS | CM_NEED_BLANKS | CM_EDIT_HEADERS | CM_AFTER_ACCEPT,
	.macros = macros,
	.macro_count = sizeof(macros) / sizeof(*macros),
	.start = start,
	.stop = stop,
	.eoh = eoh,
	.body = body,
	.eom = eom,
	.end_msg = end_msg,
	.needs_of = needs_of,
	.published = dkim_published,
	.published_count = DKIM_PUBLISHED,
	.published_size = sizeof(struct cm_published),
	.adds = adds,
};
