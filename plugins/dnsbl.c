/* SPDX-License-Identifier: MIT */
/*
 * dnsbl.c - asks DNS lists about the client and about names (RFC 5782), and adds up what they say
 *
 * Questions are begun as soon as what they are about is known, and judged at MAIL, where the login
 * is known. Only a list that works and clearly says so lists anybody.
 */
#include "dnsbl/dnsbl.h"

#define TEXT_SIZE 512

/* --- asking --- */

static struct dnsbl *
lists_of(const struct cm_session *s)
{
	return ((const struct dnsbl_config *)cm_config(s))->lists;
}

static bool
asks_about(const struct dnsbl_rule *rule, size_t subject)
{
	return (rule->about & 1u << subject) != 0;
}

/* All that is known at this stage; at MAIL also what may be forgotten since it was asked. */
static void
begin(struct cm_session *s, enum cm_stage stage)
{
	struct dnsbl *lists = lists_of(s);
	char question[DNSBL_QUESTION_SIZE];

	for (size_t i = 0; i < lists->rule_count * DNSBL_SUBJECTS; i++) {
		const struct dnsbl_rule *rule = &lists->rules[i / DNSBL_SUBJECTS];
		const struct dnsbl_subject *subject = &dnsbl_subjects[i % DNSBL_SUBJECTS];

		if ((stage != CM_STAGE_MAIL && subject->known != stage) ||
			!asks_about(rule, i % DNSBL_SUBJECTS) ||
			!dnsbl_list_asked(lists, rule->list))
			continue;
		if (dnsbl_question(question, subject->get(s), subject->address, rule->zone))
			cm_dns_begin(s, question, CM_DNS_A);
	}
}

/* The list has an entry; one that lists what nobody may list has one of everybody. */
static enum dnsbl_outcome
confirm(struct cm_session *s, struct dnsbl_list *l)
{
	const char *code;

	if (dnsbl_judge(cm_dns(s, l->never, CM_DNS_A), NULL, &code) != DNSBL_LISTED)
		return DNSBL_LISTED;
	dnsbl_list_note(s, lists_of(s), l, DNSBL_LISTS_ALL);
	return DNSBL_LISTS_ALL;
}

static void
look_for(struct cm_session *s, const struct dnsbl_rule *rule, const struct dnsbl_subject *subject,
	struct dnsbl_finding *f)
{
	struct dnsbl_finding new = {.subject = subject, .what = subject->get(s)};

	if (!dnsbl_question(new.question, new.what, subject->address, rule->zone))
		return;
	new.outcome = dnsbl_judge(cm_dns(s, new.question, CM_DNS_A), rule, &new.code);
	if (new.outcome == DNSBL_LISTED)
		new.outcome = confirm(s, rule->list);
	if (new.outcome > f->outcome)
		*f = new;
}

/* The worst of all that it is asked about. */
static void
look(struct cm_session *s, const struct dnsbl_rule *rule, struct dnsbl_finding *f)
{
	if (!dnsbl_list_asked(lists_of(s), rule->list)) {
		f->outcome = DNSBL_SUSPENDED;
		return;
	}
	for (size_t i = 0; i < DNSBL_SUBJECTS && f->outcome != DNSBL_LISTED; i++) {
		if (asks_about(rule, i))
			look_for(s, rule, &dnsbl_subjects[i], f);
	}
}

static const struct dnsbl_finding *
look_all(struct cm_session *s)
{
	struct dnsbl *lists = lists_of(s);
	struct dnsbl_finding *found = cm_msg_alloc(s, lists->rule_count * sizeof(*found));
	bool *due = cm_msg_alloc(s, lists->list_count * sizeof(*due));

	/* After an outage many are due, and a dead one takes its time. */
	for (size_t i = 0; i < lists->list_count; i++)
		due[i] = dnsbl_list_begin_retry(s, lists, &lists->lists[i]);
	for (size_t i = 0; i < lists->list_count; i++) {
		if (due[i])
			dnsbl_list_retry(s, lists, &lists->lists[i]);
	}
	begin(s, CM_STAGE_MAIL);
	for (size_t i = 0; i < lists->rule_count; i++)
		look(s, &lists->rules[i], &found[i]);
	return found;
}

/* --- acting --- */

/* RFC 8904 */
static void
vouch(struct cm_session *s, const struct dnsbl_rule *rule, const struct dnsbl_finding *f)
{
	const struct cm_auth_property properties[] = {
		{"dns", "zone", rule->zone},
		{"policy", "ip", f->code},
	};

	cm_add_auth_result(s,
		&(struct cm_auth_result){
			.method = "dnswl", .result = "pass", .count = 2, .properties = properties});
}

static enum cm_verdict
act(struct cm_session *s, const struct dnsbl_finding *found, const struct dnsbl_decision *d)
{
	const struct dnsbl_config *config = cm_config(s);
	const struct dnsbl_rule *rule = &config->lists->rules[d->by];
	char text[TEXT_SIZE];

	switch (d->action) {
	case DNSBL_REJECT:
	case DNSBL_TEMPFAIL:
		dnsbl_reply_text(s, rule, &found[d->by], text, sizeof(text));
		if (d->action == DNSBL_REJECT)
			cm_reply(s, 554, "5.7.1", "%s", text);
		else
			cm_reply(s, 451, "4.7.1", "%s", text);
		return d->action == DNSBL_REJECT ? CM_REJECT : CM_TEMPFAIL;
	case DNSBL_TAG:
		dnsbl_entry(rule, &found[d->by], text);
		return cm_add_header(s, config->header, text) ? CM_CONTINUE : CM_FAILED;
	case DNSBL_ALLOW:
		vouch(s, rule, &found[d->by]);
		break;
	case DNSBL_ACCEPT:
	case DNSBL_SCORE:
		break;
	}
	return CM_CONTINUE;
}

/* Nothing else refuses it, but some list could have. */
static enum cm_verdict
ask_to_wait(struct cm_session *s)
{
	cm_reply(s, 451, "4.4.3", "Temporary problem with a DNS list, please try again later");
	return CM_TEMPFAIL;
}

/* What would refuse a login, too, must know whether there is one. */
static enum cm_verdict
verdict_for(struct cm_session *s, const char *unclear, const struct dnsbl_finding *found)
{
	const struct dnsbl_config *config = cm_config(s);
	struct dnsbl_decision d = dnsbl_decide(config->lists, found);
	bool all = dnsbl_note_lists(s, config->lists, found);
	enum cm_verdict verdict;

	dnsbl_publish(s, config->lists, found, &d);
	dnsbl_explain(s, config->lists, found);
	verdict = act(s, found, &d);
	if (verdict == CM_CONTINUE && !all && d.action != DNSBL_ALLOW &&
		config->unanswered == DNSBL_UNANSWERED_TEMPFAIL)
		verdict = ask_to_wait(s);
	if (verdict == CM_CONTINUE || unclear == NULL)
		return verdict;
	cm_reason(s, "%s", unclear);
	return CM_FAILED;
}

/* --- hooks --- */

/* connect, helo */
static enum cm_verdict
early(struct cm_session *s, const struct cm_event *ev)
{
	const struct dnsbl_config *config = cm_config(s);
	const char *why;

	if (cm_skip(s, &config->skip, NULL, &why) == CM_NONE)
		begin(s, ev->stage);
	return CM_CONTINUE;
}

static enum cm_verdict
mail(struct cm_session *s, const struct cm_event *ev)
{
	const struct dnsbl_config *config = cm_config(s);
	const char *why;

	(void)ev;
	if (cm_skip(s, &config->skip, NULL, &why) == CM_KNOWN)
		return CM_CONTINUE;
	return verdict_for(s, why, look_all(s));
}

static void
probe(struct cm_session *s)
{
	struct dnsbl *lists = lists_of(s);

	for (size_t i = 0; i < lists->list_count; i++)
		dnsbl_list_begin_test(s, &lists->lists[i]);
	for (size_t i = 0; i < lists->list_count; i++)
		dnsbl_list_test(s, lists, &lists->lists[i]);
}

/* --- the tables --- */

#define AT(field) offsetof(struct dnsbl_config, field)

static const struct cm_option options[] = {
	{"about", CM_OPT_LIST, AT(about), "client", .check = dnsbl_check_about, .since = "0.1",
		.help = "what to ask about: client (its address), client_name, helo, sender (its "
			"domain)"},
	{"action", CM_OPT_CHOICE, AT(action), "reject", "reject|tempfail|tag|accept|allow",
		.since = "0.1",
		.help = "what an entry means: tag adds a header field, accept only publishes the "
			"result, allow overrules the other lists"},
	{"codes", CM_OPT_LIST, AT(codes), .check = dnsbl_check_code, .since = "0.1",
		.help = "answers that count: 127.0.0.2-11, 127.0.*.1-3; default: every code"},
	{"header", CM_OPT_STRING, AT(header), "X-DNSBL", .check = dnsbl_check_header,
		.since = "0.1", .help = "field that tag adds"},
	CM_SKIP_AUTHENTICATED(AT(skip), "0.1"),
	CM_SKIP_FOR(AT(skip), "0.1"),
	CM_SKIP_TRUSTED(AT(skip), "0.1"),
	{"test", CM_OPT_STRING, AT(test), .check = dnsbl_check_test, .since = "0.1",
		.help = "entry that a working list has, or no; default: 127.0.0.2, for names test"},
	{"text", CM_OPT_STRING, AT(text), .check = dnsbl_check_text, .since = "0.1",
		.help = "of the reply; may hold %{client_ip} %{code} %{domain} %{txt} %{zone}"},
	{"threshold", CM_OPT_INT, AT(threshold), .min = 1, .max = DNSBL_WEIGHT_MOST, .since = "0.1",
		.help = "weights of entries that together mean action; without it one entry does"},
	{"unanswered", CM_OPT_CHOICE, AT(unanswered), "accept", "accept|tempfail", .since = "0.1",
		.help = "what it means that a list did not answer"},
	{"zone", CM_OPT_STRING, AT(zone), .check = dnsbl_check_zone, .since = "0.1",
		.help = "the list"},
	{"zones", CM_OPT_LIST, AT(zones), .check = dnsbl_check_line, .since = "0.1",
		.help = "several: \"ZONE [about=] [action=] [codes=] [test=] [weight=] "
			"[text=...]\""},
};

static const struct cm_macro macros[] = {
	CM_SKIP_MACRO,
};

static const struct cm_published published[] = {
	{"listed", NULL,
		"entries that were found: zen.spamhaus.org=127.0.0.4, with blanks between"},
	{"result", "none|clean|unanswered|allowed|listed",
		"the strongest of all links of this type"},
	{"suspended", NULL, "zones that are not asked for now"},
	{"unanswered", NULL, "zones that did not answer"},
	{"*", NULL, "NAME: the word of the link of that name; NAME_weight: its sum"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "dnsbl",
	.help = "asks DNS lists about clients and domains",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct dnsbl_config),
	.needs = CM_EDIT_HEADERS,
	.macros = macros,
	.macro_count = sizeof(macros) / sizeof(*macros),
	.start = dnsbl_start,
	.stop = dnsbl_stop,
	.connect = early,
	.helo = early,
	.mail = mail,
	.probe = probe,
	.published = published,
	.published_count = sizeof(published) / sizeof(*published),
	.published_size = sizeof(*published),
};
