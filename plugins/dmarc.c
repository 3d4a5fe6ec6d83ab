/* SPDX-License-Identifier: MIT */
/*
 * dmarc.c - does the domain in From: vouch for the message (RFC 9989)
 *
 * Results of SPF and DKIM are compared with the author domain at the end of the message; what was
 * to be asked of DNS for that was begun as soon as the names were known.
 */
#include "dmarc/dmarc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/option.h"

#define TEXT_SIZE 800

static const struct dmarc_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

/* --- who is not checked --- */

/* CM_KNOWN: the mail is not checked. CM_UNDELIVERED: nobody can tell. */
static enum cm_known
skipped(struct cm_session *s)
{
	const char *why;
	enum cm_known known = cm_skip(s, &config_of(s)->skip, NULL, &why);

	if (known != CM_NONE)
		cm_reason(s, "%s%s", known == CM_KNOWN ? "not checked: " : "", why);
	return known;
}

/* --- what it does --- */

/* RFC 7372 section 3.2 has a status for failed checks, RFC 3463 those for DNS and for headers. */
static const char *
status_of(enum dmarc_code code, bool hard)
{
	switch (code) {
	case DMARC_CODE_TEMPERROR:
		return "4.4.3";
	case DMARC_CODE_PERMERROR:
		return hard ? "5.6.0" : "4.6.0";
	case DMARC_CODE_NONE:
	case DMARC_CODE_PASS:
	case DMARC_CODE_FAIL:
	case DMARC_CODES:
		break;
	}
	return hard ? "5.7.26" : "4.7.26";
}

static enum cm_verdict
act(struct cm_session *s, const struct dmarc_message *m)
{
	bool hard = m->action == DMARC_DO_REJECT;
	char sentence[TEXT_SIZE], value[TEXT_SIZE + 16];

	dmarc_sentence(sentence, sizeof(sentence), m);
	switch (m->action) {
	case DMARC_DO_NONE:
		break;
	case DMARC_DO_TAG:
		snprintf(value, sizeof(value), "%s (%s)", dmarc_code_names[m->result.code],
			sentence);
		cm_add_header(s, config_of(s)->tag_header, value);
		break;
	case DMARC_DO_QUARANTINE:
		cm_quarantine(s, sentence);
		break;
	case DMARC_DO_TEMPFAIL:
	case DMARC_DO_REJECT:
		cm_reply(s, hard ? 550 : 451, status_of(m->result.code, hard), "%s", sentence);
		return hard ? CM_REJECT : CM_TEMPFAIL;
	}
	return CM_CONTINUE;
}

/* --- checking --- */

static enum dmarc_from
read_from(struct cm_session *s, char domain[DMARC_NAME_SIZE])
{
	size_t fields = 0;

	while (fields < 2 && cm_header(s, "From", fields + 1) != NULL)
		fields++;
	return dmarc_from(cm_from(s), fields, cm_header(s, "From", 1), domain);
}

/* False: there is no one domain, or the settings want no other answer than that. */
static bool
has_author(struct cm_session *s, enum dmarc_from from)
{
	return from == DMARC_FROM_ONE ||
	       (from == DMARC_FROM_ADDRESSES &&
		       config_of(s)->actions.from_addresses == DMARC_SEVERAL_CHECK);
}

/*
 * Mail that fails, and that a sealer would vouch for whose chain cannot be verified now, is none
 * that is refused for good: another day it would pass.
 */
static void
doubt(struct cm_session *s, struct dmarc_message *m, struct dmarc_case *c)
{
	const char *sealer = dmarc_unverified(s, m->author);

	if (c->code != DMARC_CODE_FAIL || c->exempt || c->forwarded || sealer == NULL ||
		config_of(s)->actions.failed[c->wanted] == DMARC_DO_NONE)
		return;
	m->result.code = c->code = DMARC_CODE_TEMPERROR;
	m->result.problem = "DNS does not tell all keys of the ARC chain that it has sealed";
	snprintf(m->result.problem_name, sizeof(m->result.problem_name), "%s", sealer);
}

/* Only what the settings allow for is looked for. */
static bool
find_case(struct cm_session *s, struct dmarc_message *m, struct dmarc_case *c,
	const struct dmarc_identifier *ids, size_t count)
{
	const char *exempt_why, *forward_why = "";
	enum cm_known exempt = dmarc_exempt(s, m->author, &exempt_why);

	if (exempt == CM_UNDELIVERED) {
		cm_reason(s, "%s", exempt_why);
		return false;
	}
	c->code = m->result.code;
	c->wanted = m->result.wanted;
	c->exempt = exempt == CM_KNOWN;
	c->forwarded = dmarc_forwarded(s, m->author, &forward_why);
	c->list = dmarc_listed(s, ids, count);
	doubt(s, m, c);
	const char *const why[DMARC_OVERRIDES] = {
		[DMARC_OVERRIDE_LOCAL] = exempt_why,
		[DMARC_OVERRIDE_LIST] = "it has a List-Id, and a domain vouches for its sender",
		[DMARC_OVERRIDE_FORWARDER] = forward_why,
	};

	enum dmarc_action action = dmarc_decide(&config_of(s)->actions, c, &m->override);

	m->why = why[m->override];
	m->disposition = dmarc_disposition(c->code, c->wanted, action);
	m->action = action;
	return true;
}

static void
check(struct cm_session *s, struct dmarc_message *m, struct dmarc_identifier *ids, size_t count)
{
	struct dmarc_query q;
	struct dmarc_dns dns;

	dmarc_ask(s, &q, &dns, m->author);
	q.ids = ids;
	q.id_count = count;
	dmarc_check(&q, &m->result);
}

/* A signature that nobody looked for might have made it pass. */
static bool
is_unknown(struct cm_session *s, const struct dmarc_message *m)
{
	if (m->result.code != DMARC_CODE_FAIL || !config_of(s)->need_dkim || dmarc_dkim_checked(s))
		return false;
	cm_reason(s, "nobody looked for DKIM signatures: put dkim in front of %s in the chain",
		cm_link_name(s));
	return true;
}

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	struct dmarc_message *m = cm_msg(s);
	struct dmarc_case c = {0};
	struct dmarc_identifier *ids;
	size_t count;

	(void)ev;
	switch (skipped(s)) {
	case CM_KNOWN:
		return CM_CONTINUE;
	case CM_UNDELIVERED:
		return CM_FAILED;
	case CM_NONE:
		break;
	}
	m->from = c.from = read_from(s, m->author);
	ids = dmarc_identifiers(s, &count);
	m->ids = ids;
	m->id_count = count;
	m->result = (struct dmarc_result){.code = DMARC_CODE_PERMERROR};
	m->checked = has_author(s, c.from);
	if (m->checked)
		check(s, m, ids, count);
	else
		m->author[0] = '\0';
	m->shadow = cm_shadow(s);
	if (is_unknown(s, m) || !find_case(s, m, &c, ids, count)) {
		m->checked = false;
		return CM_FAILED;
	}
	dmarc_publish(s, m);
	return act(s, m);
}

/* The answers will be there at the end of the message. */
static enum cm_verdict
eoh(struct cm_session *s, const struct cm_event *ev)
{
	char author[DMARC_NAME_SIZE];

	(void)ev;
	if (skipped(s) == CM_NONE && has_author(s, read_from(s, author)))
		dmarc_begin(s, author);
	return CM_CONTINUE;
}

/* Most mail has its author in the organization of its sender. */
static enum cm_verdict
mail(struct cm_session *s, const struct cm_event *ev)
{
	char sender[DMARC_NAME_SIZE];

	if (dmarc_name(sender, ev->address->domain) && skipped(s) == CM_NONE)
		dmarc_begin(s, sender);
	return CM_CONTINUE;
}

static void
end_msg(struct cm_session *s)
{
	const struct dmarc_message *m = cm_msg(s);

	if (m->checked && config_of(s)->report_email != NULL)
		dmarc_record_outcome(s, m);
}

/* --- the tables --- */

static bool
check_header(const char *text, char *why, size_t why_size)
{
	return option_check_field(text, "X-DMARC-Result", why, why_size);
}

static bool
check_domain(const char *text, char *why, size_t why_size)
{
	const char *domain = text + (text[0] == '.');
	char name[DMARC_NAME_SIZE];

	/* Names of clients and seals are compared as they come, which is in no other spelling. */
	if (dmarc_name(name, domain) && strcasecmp(name, domain) == 0)
		return true;
	snprintf(why, why_size,
		"must be a domain in ASCII, such as example.org, or .domain for all below it");
	return false;
}

static bool
check_email(const char *text, char *why, size_t why_size)
{
	const char *at = strrchr(text, '@');
	char name[DMARC_NAME_SIZE];

	if (at != NULL && at > text && strpbrk(text, " \t\r\n<>") == NULL &&
		dmarc_name(name, at + 1))
		return true;
	snprintf(why, why_size, "must be an address, such as postmaster@example.com");
	return false;
}

static bool
start(void *config, char *why, size_t why_size)
{
	struct dmarc_config *c = config;

	if (c->report_email != NULL && c->store == NULL) {
		snprintf(why, why_size,
			"report_email needs a store for what is reported; add a line: store = "
			"NAME");
		return false;
	}
	c->psl = c->org_domain == DMARC_BY_TREE ? NULL : dmarc_psl_open();
	if (c->org_domain != DMARC_BY_TREE && c->psl == NULL) {
		snprintf(why, why_size,
			"there is no public suffix list: install the package publicsuffix, or set "
			"org_domain = tree");
		return false;
	}
	c->lost = calloc(1, sizeof(*c->lost));
	if (c->lost != NULL)
		return true;
	snprintf(why, why_size, "no memory");
	dmarc_psl_close(c->psl);
	return false;
}

static void
stop(void *config)
{
	struct dmarc_config *c = config;

	dmarc_psl_close(c->psl);
	free(c->lost);
}

/* MAIL only begins to ask. */
static uint32_t
silent_at(const void *settings)
{
	(void)settings;
	return CM_AT(CM_STAGE_MAIL);
}

/* A right that no setting uses is not asked for. */
static uint32_t
needs_of(const void *settings)
{
	const struct dmarc_actions *a = &((const struct dmarc_config *)settings)->actions;
	const int all[] = {a->failed[DMARC_NONE], a->failed[DMARC_QUARANTINE],
		a->failed[DMARC_REJECT], a->none, a->temperror, a->from_addresses, a->from_broken,
		a->from_domains, a->from_fields, a->from_none};
	uint32_t needs = CM_NEED_HEADERS;

	/* A list may get less than its row says, which is a tag or a quarantine. */
	if (a->mailing_list == DMARC_LIST_TAG)
		needs |= CM_EDIT_HEADERS;
	if (a->mailing_list == DMARC_LIST_QUARANTINE)
		needs |= CM_EDIT_QUARANTINE;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		needs |= all[i] == DMARC_DO_TAG ? CM_EDIT_HEADERS : 0;
		needs |= all[i] == DMARC_DO_QUARANTINE ? CM_EDIT_QUARANTINE : 0;
	}
	return needs;
}

#define AT(field) offsetof(struct dmarc_config, field)

#define ACTION(name, field, usual, words, text)                                           \
	{                                                                                 \
		name, CM_OPT_CHOICE, AT(actions.field), (usual), (words), .since = "0.1", \
									  .help = (text)  \
	}

static const struct cm_option options[] = {
	ACTION("from_addresses", from_addresses, "check", DMARC_SEVERAL_WORDS,
		"From: has several addresses of one domain"),
	ACTION("from_broken", from_broken, "reject", DMARC_ACTION_WORDS,
		"From: cannot be read, and has not one domain alone"),
	ACTION("from_domains", from_domains, "reject", DMARC_ACTION_WORDS,
		"From: has addresses of several domains"),
	ACTION("from_fields", from_fields, "reject", DMARC_ACTION_WORDS,
		"there are several From: fields"),
	ACTION("from_none", from_none, "reject", DMARC_ACTION_WORDS,
		"there is no From:, no address in it, or none with a domain"),
	ACTION("mailing_list", mailing_list, "quarantine", DMARC_LIST_WORDS,
		"the most that becomes of mail that fails and comes from a mailing list; no: as of "
		"other mail"),
	{"need_dkim", CM_OPT_BOOL, AT(need_dkim), "yes", .since = "0.1",
		.help = "where no link looked for DKIM signatures nobody can tell whether a "
			"message "
			"fails, and on_error decides; no: it fails"},
	ACTION("none", none, "none", DMARC_ACTION_WORDS, "the author domain has no DMARC record"),
	{"org_domain", CM_OPT_CHOICE, AT(org_domain), "tree", "tree|psl|both", .since = "0.1",
		.help = "organizations end where DNS says so, where the public suffix list does, "
			"or there "
			"where DNS says nothing"},
	ACTION("p_none", failed[DMARC_NONE], "none", DMARC_ACTION_WORDS,
		"mail that fails, and its domain asks for nothing"),
	ACTION("p_quarantine", failed[DMARC_QUARANTINE], "quarantine", DMARC_ACTION_WORDS,
		"mail that fails, and its domain asks for quarantine"),
	ACTION("p_reject", failed[DMARC_REJECT], "reject", DMARC_ACTION_WORDS,
		"mail that fails, and its domain asks for it to be refused"),
	{"report_contact", CM_OPT_STRING, AT(report_contact), .since = "0.1",
		.help = "more for those who read our reports: a page, a telephone number"},
	{"report_day_rows", CM_OPT_INT, AT(report_day_rows), "50000", .min = 1, .max = 10000000,
		.since = "0.1", .help = "different rows of one day that are kept for reports"},
	{"report_email", CM_OPT_STRING, AT(report_email), .since = "0.1", .check = check_email,
		.help = "whom to ask about our reports; without it nothing is kept for any"},
	{"report_org", CM_OPT_STRING, AT(report_org), .since = "0.1",
		.help = "who we are in our reports; default: the domain of report_email"},
	{"report_rows", CM_OPT_INT, AT(report_rows), "1000", .min = 1, .max = 100000,
		.since = "0.1", .help = "different rows of one domain and day"},
	CM_SKIP_AUTHENTICATED(AT(skip), "0.1"),
	CM_SKIP_CLIENTS(AT(exempt), "0.1"),
	{"skip_domains", CM_OPT_MAP, AT(skip_domains), .choices = "exact", .since = "0.1",
		.help = "not for author domains of this map: domain, or .domain for all below it"},
	CM_SKIP_FOR(AT(exempt), "0.1"),
	CM_SKIP_SENDERS(AT(exempt), "0.1"),
	CM_SKIP_TRUSTED(AT(skip), "0.1"),
	{"store", CM_OPT_STORE, AT(store), .since = "0.1", .flags = CM_OPT_NO_DEFAULT,
		.help = "where is kept what is reported"},
	{"tag_header", CM_OPT_STRING, AT(tag_header), "X-DMARC-Result", .since = "0.1",
		.check = check_header, .help = "header field that tag adds"},
	/* No reject: a fault of DNS says nothing of the mail. */
	ACTION("temperror", temperror, "tempfail", DMARC_ACTION_WORDS_SOFT, "DNS did not answer"),
	{"trusted_forwarders", CM_OPT_LIST, AT(trusted_forwarders), .since = "0.1",
		.check = check_domain,
		.help = "verified names of clients whose mail is let pass: host.example.org, or "
			".example.org"},
	{"trusted_sealers", CM_OPT_LIST, AT(trusted_sealers), .since = "0.1", .check = check_domain,
		.help = "domains whose ARC seal counts: mail that passed there is let pass here; "
			"default: those that the plugin arc trusts"},
};

static const struct cm_macro macros[] = {
	CM_SKIP_MACRO,
};

static const char *const after[] = {"spf", "dkim", "arc", NULL};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "dmarc",
	.help = "does the domain in From: vouch for the message (RFC 9989)",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct dmarc_config),
	.msg_size = sizeof(struct dmarc_message),
	.needs = CM_NEED_HEADERS | CM_EDIT_HEADERS | CM_EDIT_QUARANTINE,
	.macros = macros,
	.macro_count = sizeof(macros) / sizeof(*macros),
	.after = after,
	.start = start,
	.stop = stop,
	.mail = mail,
	.eoh = eoh,
	.eom = eom,
	.end_msg = end_msg,
	.noun = "dmarc",
	.commands = dmarc_commands,
	.command_count = DMARC_COMMANDS,
	.command_size = sizeof(struct cm_command),
	.needs_of = needs_of,
	.silent_at = silent_at,
	.published = dmarc_published,
	.published_count = DMARC_PUBLISHED,
	.published_size = sizeof(struct cm_published),
};
