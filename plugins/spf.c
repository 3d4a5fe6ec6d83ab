/* SPDX-License-Identifier: MIT */
/*
 * spf.c - may this client send mail for this domain (RFC 7208)
 *
 * Checks the HELO name and the envelope sender at MAIL, publishes what came out, and does with the
 * mail what the administrator chose for each result. Where that is never a refusal, MAIL does not
 * wait for DNS: whoever reads the result does, or the end of the message. The check itself is in
 * plugins/spf/.
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <string.h>

#include "lib/number.h"
#include "lib/option.h"
#include "spf/spf_check.h"
#include "spf/spf_report.h"

/* Octets of an address that is looked up, of a text for people, of a header field. */
#define TEXT_SIZE   800
#define HEADER_SIZE 2048
/* What is left of the time when a question gets no more of it, at most. */
#define LATE_US 100000

enum action { ACTION_ACCEPT, ACTION_TAG, ACTION_TEMPFAIL, ACTION_REJECT };
enum helo { HELO_YES, HELO_NO, HELO_NULL_ONLY };

struct config {
	int fail, neutral, none, permerror, softfail, temperror; /* enum action */
	int helo;						 /* enum helo */
	bool explanation, received_spf;
	const char *tag_header;
	struct cm_skip skip;
};

struct message {
	bool later; /* it is still to be checked */
};

/* --- deciding --- */

static enum action
action_for(const struct config *config, enum spf_code code)
{
	const int actions[SPF_CODES] = {
		[SPF_NONE] = config->none,
		[SPF_NEUTRAL] = config->neutral,
		[SPF_PASS] = ACTION_ACCEPT,
		[SPF_FAIL] = config->fail,
		[SPF_SOFTFAIL] = config->softfail,
		[SPF_TEMPERROR] = config->temperror,
		[SPF_PERMERROR] = config->permerror,
	};

	return (enum action)actions[code];
}

/* RFC 7372 section 3.2 has statuses for fail and errors; the rest is a local policy. */
static const char *
status_of(enum spf_code code, bool hard)
{
	switch (code) {
	case SPF_FAIL:
		return hard ? "5.7.23" : "4.7.23";
	case SPF_TEMPERROR:
	case SPF_PERMERROR:
		return hard ? "5.7.24" : "4.7.24";
	case SPF_NONE:
	case SPF_NEUTRAL:
	case SPF_PASS:
	case SPF_SOFTFAIL:
	case SPF_CODES:
		break;
	}
	return hard ? "5.7.1" : "4.7.1";
}

/* --- who is not checked --- */

/* CM_KNOWN: the mail is not checked. CM_UNDELIVERED: nobody can tell. */
static enum cm_known
exempt(struct cm_session *s, const struct config *config, const struct cm_address *sender)
{
	const char *why;
	enum cm_known known = cm_skip(s, &config->skip, NULL, &why);

	if (known != CM_KNOWN && sender->null && config->helo == HELO_NO) {
		known = CM_KNOWN;
		why = "a null sender, and helo = no";
	}
	if (known != CM_NONE)
		cm_reason(s, "%s%s", known == CM_KNOWN ? "not checked: " : "", why);
	return known;
}

/* --- checking --- */

static const struct cm_dns_answer *
lookup(void *s, const char *name, enum cm_dns_type type)
{
	return cm_dns(s, name, type);
}

static void
begin(void *s, const char *name, enum cm_dns_type type)
{
	cm_dns_begin(s, name, type);
}

/* cm_dns() gives up a little before the deadline. */
static bool
late(void *s)
{
	return cm_clock(s) + LATE_US >= cm_deadline(s);
}

/* The record will be asked for. */
static void
begin_record(struct cm_session *s, const char *domain)
{
	if (spf_checkable(domain))
		cm_dns_begin(s, domain, CM_DNS_TXT);
}

static void
check(struct cm_session *s, const struct spf_identity *id, struct spf_result *result)
{
	const struct spf_dns dns = {s, lookup, begin, late};
	const struct spf_query query = {.ip = id->ip,
		.local = id->local,
		.domain = id->domain,
		.helo = id->helo,
		.receiver = id->receiver,
		.now = cm_time(s),
		.dns = &dns};

	spf_check(&query, result);
}

static struct spf_identity
identity(struct cm_session *s, const struct cm_address *sender, bool helo)
{
	const char *name = cm_helo(s) == NULL ? "" : cm_helo(s);

	return (struct spf_identity){.scope = helo ? "helo" : "mailfrom",
		.local = helo ? "" : sender->user,
		.domain = helo ? name : sender->domain,
		.sender = sender->addr,
		.helo = name,
		.ip = cm_client(s)->ip,
		.receiver = cm_authserv_id(s)};
}

/* --- acting --- */

static void
publish_auth(struct cm_session *s, const struct spf_identity *id, const struct spf_result *r)
{
	const struct cm_auth_property property = {"smtp", id->scope, id->domain};
	struct cm_auth_result result = {.method = "spf", .count = 1, .properties = &property};
	char comment[TEXT_SIZE];

	spf_report_sentence(comment, sizeof(comment), id, r);
	result.result = spf_code_name(r->code);
	result.comment = comment;
	result.reason = r->problem[0] == '\0' ? NULL : r->problem;
	cm_add_auth_result(s, &result);
}

static bool
refuses(const struct config *config, enum spf_code code)
{
	enum action action = action_for(config, code);

	return action == ACTION_TEMPFAIL || action == ACTION_REJECT;
}

/* What a result does not have is not published. */
static void
publish_text(struct cm_session *s, const char *key, const char *value)
{
	if (value[0] != '\0')
		cm_set_result(s, key, value);
}

static void
publish_number(struct cm_session *s, const char *key, unsigned value)
{
	char number[NUMBER_SIZE];

	number_text(number, value);
	cm_set_result(s, key, number);
}

/* Trouble is told always: a hook that it makes late fails, and the log says why. */
static void
explain(struct cm_session *s, const struct spf_identity *id, const struct spf_result *r)
{
	char reason[TEXT_SIZE];

	if (!refuses(cm_config(s), r->code) && r->problem[0] == '\0' && !cm_explained(s))
		return;
	spf_report_reason(reason, sizeof(reason), id, r);
	cm_reason(s, "%s", reason);
}

static void
publish(struct cm_session *s, const struct spf_identity *id, const struct spf_result *r)
{
	cm_set_result(s, "result", spf_code_name(r->code));
	cm_set_result(s, "scope", id->scope);
	publish_text(s, "domain", id->domain);
	publish_text(s, "mechanism", r->mechanism);
	publish_text(s, "explanation", r->explanation);
	publish_text(s, "problem", r->problem);
	publish_number(s, "lookups", r->lookups);
	publish_number(s, "voids", r->voids);
	explain(s, id, r);
}

static void
add_received(struct cm_session *s, const struct spf_identity *id, const struct spf_result *r)
{
	char value[HEADER_SIZE];

	spf_report_received(value, sizeof(value), id, r);
	cm_insert_header(s, 0, "Received-SPF", value);
}

static void
tag(struct cm_session *s, const struct config *config, const struct spf_identity *id,
	const struct spf_result *r)
{
	char sentence[TEXT_SIZE], value[TEXT_SIZE + 16];

	spf_report_sentence(sentence, sizeof(sentence), id, r);
	snprintf(value, sizeof(value), "%s %s", spf_code_name(r->code), sentence);
	cm_add_header(s, config->tag_header, value);
}

static enum cm_verdict
refuse(struct cm_session *s, const struct spf_identity *id, const struct spf_result *r, bool hard)
{
	const struct config *config = cm_config(s);
	bool explained = config->explanation && r->explanation[0] != '\0';
	char sentence[TEXT_SIZE];

	spf_report_sentence(sentence, sizeof(sentence), id, r);
	cm_reply(s, hard ? 550 : 451, status_of(r->code, hard), "SPF%s: %s%s%s%s%s",
		strcmp(id->scope, "helo") == 0 ? " of the HELO name" : "", sentence,
		explained ? "; " : "", explained ? r->domain : "", explained ? " explains: " : "",
		explained ? r->explanation : "");
	return hard ? CM_REJECT : CM_TEMPFAIL;
}

static enum cm_verdict
act(struct cm_session *s, const struct spf_identity *id, const struct spf_result *r)
{
	const struct config *config = cm_config(s);

	publish(s, id, r);
	if (config->received_spf)
		add_received(s, id, r);
	switch (action_for(config, r->code)) {
	case ACTION_ACCEPT:
		break;
	case ACTION_TAG:
		tag(s, config, id, r);
		break;
	case ACTION_TEMPFAIL:
		return refuse(s, id, r, false);
	case ACTION_REJECT:
		return refuse(s, id, r, true);
	}
	return CM_CONTINUE;
}

static void
check_and_publish(struct cm_session *s, const struct spf_identity *id, struct spf_result *result)
{
	check(s, id, result);
	publish_auth(s, id, result);
}

/*
 * Of the HELO name only a fail that refuses counts (RFC 7208 section 2.3): any other result says
 * nothing of the sender. So the sender goes first: a HELO name whose servers are silent must not
 * take the time of its check.
 */
static bool
helo_fails(struct cm_session *s, const struct spf_identity *id, struct spf_result *result)
{
	const struct config *config = cm_config(s);

	check_and_publish(s, id, result);
	cm_set_result(s, "helo", spf_code_name(result->code));
	return result->code == SPF_FAIL && refuses(config, SPF_FAIL);
}

static enum cm_verdict
check_both(struct cm_session *s, const struct cm_address *sender)
{
	const struct config *config = cm_config(s);
	bool helo_too = config->helo == HELO_YES && !sender->null;
	struct spf_identity of_sender = identity(s, sender, sender->null);
	struct spf_identity of_helo = identity(s, sender, true);
	struct spf_result result, helo_result;

	if (helo_too)
		begin_record(s, of_helo.domain);
	check_and_publish(s, &of_sender, &result);
	if (helo_too && !refuses(config, result.code) && helo_fails(s, &of_helo, &helo_result))
		return act(s, &of_helo, &helo_result);
	return act(s, &of_sender, &result);
}

static bool
ever_refuses(const struct config *config)
{
	enum spf_code code = 0;

	while (code < SPF_CODES && !refuses(config, code))
		code++;
	return code < SPF_CODES;
}

/* The questions are on their way while the mail server sends the rest. */
static enum cm_verdict
check_later(struct cm_session *s, const struct cm_address *sender)
{
	const struct config *config = cm_config(s);
	struct message *m = cm_msg(s);

	if (!sender->null)
		begin_record(s, sender->domain);
	if (sender->null || config->helo == HELO_YES)
		begin_record(s, identity(s, sender, true).domain);
	m->later = true;
	cm_results_due(s, true);
	return CM_CONTINUE;
}

static void
results(struct cm_session *s)
{
	struct message *m = cm_msg(s);

	if (m->later)
		check_both(s, cm_sender(s));
	m->later = false;
}

static enum cm_verdict
mail(struct cm_session *s, const struct cm_event *ev)
{
	switch (exempt(s, cm_config(s), ev->address)) {
	case CM_KNOWN:
		return CM_CONTINUE;
	case CM_UNDELIVERED:
		return CM_FAILED;
	case CM_NONE:
		break;
	}
	return ever_refuses(cm_config(s)) ? check_both(s, ev->address)
					  : check_later(s, ev->address);
}

/* The answer will be there at MAIL. */
static enum cm_verdict
helo(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);

	const char *why;

	if (config->helo == HELO_YES && cm_skip(s, &config->skip, NULL, &why) == CM_NONE)
		begin_record(s, ev->name);
	return CM_CONTINUE;
}

/* --- the tables --- */

static uint32_t
silent_at(const void *settings)
{
	return CM_AT(CM_STAGE_HELO) | (ever_refuses(settings) ? 0 : CM_AT(CM_STAGE_MAIL));
}

static bool
check_header(const char *text, char *why, size_t why_size)
{
	return option_check_field(text, "X-SPF-Result", why, why_size);
}

#define AT(field) offsetof(struct config, field)

#define ACTION(field, usual, words)                                                      \
	{                                                                                \
#field, CM_OPT_CHOICE, AT(field), (usual), "accept|tag|tempfail|reject", \
			.since = "0.1", .help = (words)                                  \
	}

static const struct cm_option options[] = {
	{"explanation", CM_OPT_BOOL, AT(explanation), "yes", .since = "0.1",
		.help = "a refusal repeats what the domain says of it (exp=)"},
	ACTION(fail, "reject", "the domain says that this client may not send its mail"),
	{"helo", CM_OPT_CHOICE, AT(helo), "yes", "yes|no|null-only", .since = "0.1",
		.help = "check the HELO name: always, never, or for null senders alone"},
	ACTION(neutral, "accept", "the domain does not say whether this client may"),
	ACTION(none, "accept", "the domain has no SPF record"),
	ACTION(permerror, "tag", "the domain's SPF record is wrong"),
	{"received_spf", CM_OPT_BOOL, AT(received_spf), "no", .since = "0.1",
		.help = "add a Received-SPF field"},
	CM_SKIP_AUTHENTICATED(AT(skip), "0.1"),
	CM_SKIP_CLIENTS(AT(skip), "0.1"),
	CM_SKIP_FOR(AT(skip), "0.1"),
	CM_SKIP_SENDERS(AT(skip), "0.1"),
	CM_SKIP_TRUSTED(AT(skip), "0.1"),
	ACTION(softfail, "tag", "the domain says that this client probably may not"),
	{"tag_header", CM_OPT_STRING, AT(tag_header), "X-SPF-Result", .since = "0.1",
		.check = check_header, .help = "header field that tag adds"},
	/* No reject: a fault of DNS says nothing of the mail. */
	{"temperror", CM_OPT_CHOICE, AT(temperror), "tempfail", "accept|tag|tempfail",
		.since = "0.1", .help = "DNS did not answer"},
};

static const struct cm_macro macros[] = {
	CM_SKIP_MACRO,
};

static const struct cm_published published[] = {
	{"domain", NULL, "domain that was asked"},
	{"explanation", NULL, "fail: what the domain says of it"},
	{"helo", "none|neutral|pass|fail|softfail|temperror|permerror",
		"of the HELO name, where it was asked"},
	{"lookups", NULL, "terms of the record that asked DNS"},
	{"mechanism", NULL, "term of the record that decided"},
	{"problem", NULL, "why there is an error, or no record"},
	{"result", "none|neutral|pass|fail|softfail|temperror|permerror",
		"may the client send mail for the domain"},
	{"scope", "mailfrom|helo", "helo: of a null sender, or of a HELO name that failed"},
	{"voids", NULL, "terms that asked DNS and found nothing"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "spf",
	.help = "may this client send mail for this domain (RFC 7208)",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.msg_size = sizeof(struct message),
	.needs = CM_EDIT_HEADERS,
	.macros = macros,
	.macro_count = sizeof(macros) / sizeof(*macros),
	.helo = helo,
	.mail = mail,
	.results = results,
	.silent_at = silent_at,
	.published = published,
	.published_count = sizeof(published) / sizeof(*published),
	.published_size = sizeof(*published),
};
