/* SPDX-License-Identifier: MIT */
/*
 * ratelimit.c - how much one may send: messages, recipients, octets, connections or errors in a
 * time
 *
 * What is taken at RCPT is reserved, and counts from the end of the message on, if it was accepted:
 * what anybody refused, and what the client gave up, was never there.
 */
#include "ratelimit/ratelimit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Over what is sent today, and less than what a limit may be. */
#define SIZE_MOST (INT64_C(1) << 50)

struct connection {
	struct ratelimit_subject *subjects;
	bool counted;
	struct ratelimit_answer answer;
};

/* --- deciding --- */

static const struct ratelimit_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

/* SIZE= of MAIL FROM (RFC 1870); 0: not told, or no number. */
static int64_t
declared_size(const char *const *args)
{
	int64_t size = 0;

	while (args != NULL && *args != NULL && strncasecmp(*args, "SIZE=", 5) != 0)
		args++;
	if (args == NULL || *args == NULL)
		return 0;
	for (const char *p = *args + 5; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return 0;
		size = 10 * size + *p - '0';
		size = size < SIZE_MOST ? size : SIZE_MOST;
	}
	return size;
}

/* --- acting --- */

static enum cm_verdict
tag(struct cm_session *s, const char *text)
{
	struct ratelimit_message *m = cm_msg(s);
	char value[RATELIMIT_TEXT_SIZE + 64];

	if (m != NULL && m->tagged)
		return CM_CONTINUE;
	snprintf(value, sizeof(value), "%s: %s", cm_link_name(s), text);
	/* A field is of one line, and of ASCII. */
	for (char *c = value; *c != '\0'; c++)
		*c = *c >= ' ' && *c <= '~' ? *c : '?';
	if (m != NULL)
		m->tagged = true;
	return cm_add_header(s, config_of(s)->tag_header, value) ? CM_CONTINUE : CM_FAILED;
}

static enum cm_verdict
refuse(struct cm_session *s, const struct ratelimit_subject *subject,
	const struct ratelimit_answer *a)
{
	const struct ratelimit_config *config = config_of(s);
	char text[RATELIMIT_TEXT_SIZE];

	ratelimit_reply(s, subject, a, text);
	switch ((enum ratelimit_over)config->over) {
	case RATELIMIT_SHADOW:
		return CM_CONTINUE;
	case RATELIMIT_TAG:
		return tag(s, text);
	case RATELIMIT_TEMPFAIL:
		if (a->store.never)
			break;
		cm_reply(s, 450, "4.7.28", "%s", text);
		return CM_TEMPFAIL;
	case RATELIMIT_REJECT:
		break;
	}
	cm_reply(s, 550, "5.7.28", "%s", text);
	return CM_REJECT;
}

static enum cm_verdict
act(struct cm_session *s, const struct ratelimit_subject *subject, const struct ratelimit_answer *a)
{
	ratelimit_publish(s, subject, a);
	switch (a->outcome) {
	case RATELIMIT_OK:
		return CM_CONTINUE;
	case RATELIMIT_OVER:
		return refuse(s, subject, a);
	case RATELIMIT_AWAY:
		if (config_of(s)->on_store_error == RATELIMIT_SKIP)
			return CM_CONTINUE;
		cm_reply(s, 451, "4.3.0", "Temporary problem, please try again later");
		return CM_TEMPFAIL;
	case RATELIMIT_BROKEN:
		break;
	}
	return CM_FAILED;
}

static struct ratelimit_subject *
limited(struct cm_session *s, struct ratelimit_subject *subject)
{
	if (subject == NULL || subject->kind == RATELIMIT_IS_LIMITED)
		return subject;
	ratelimit_publish(s, subject, NULL);
	return NULL;
}

/* Whose limit it is. NULL: nobody's, and *verdict is what that means. */
static struct ratelimit_subject *
find_subject(struct cm_session *s, const struct cm_address *rcpt, struct ratelimit_subject **list,
	enum cm_verdict *verdict)
{
	const struct ratelimit_config *config = config_of(s);
	struct ratelimit_subject *subject;
	struct ratelimit_who who;

	*verdict = CM_CONTINUE;
	if (config->skip_trusted && cm_client_trusted(s))
		return NULL;
	if (*list != NULL && !ratelimit_key_by_rcpt(config))
		return limited(s, *list);
	switch (ratelimit_who(s, rcpt, &who)) {
	case CM_KNOWN:
		subject = ratelimit_subject(s, list, &who);
		*verdict = subject == NULL ? CM_FAILED : CM_CONTINUE;
		return limited(s, subject);
	case CM_NONE:
		ratelimit_publish_none(s, who.missing);
		return NULL;
	case CM_UNDELIVERED:
		break;
	}
	cm_reason(s, "the mail server does not tell {auth_authen}");
	*verdict = CM_FAILED;
	return NULL;
}

/* --- the end of a message --- */

/* The login of a message that somebody refused before us may be the next one's by now. */
static void
settle_errors(struct cm_session *s, struct ratelimit_message *m)
{
	int64_t errors = ratelimit_count_errors(s, m);
	struct ratelimit_subject *subject = m->subjects;
	enum cm_verdict verdict;

	if (errors == 0 || (subject == NULL && ratelimit_key_has(config_of(s), "auth_user")))
		return;
	subject = find_subject(s, NULL, &m->subjects, &verdict);
	if (subject != NULL)
		ratelimit_count_new(s, m, subject, errors);
}

/* --- hooks --- */

/* Once: links are asked again at MAIL where another profile was chosen. */
static enum cm_verdict
connect(struct cm_session *s, const struct cm_event *ev)
{
	struct connection *c = cm_conn(s);
	struct ratelimit_subject *subject;
	enum cm_verdict verdict;

	(void)ev;
	if (config_of(s)->count != RATELIMIT_CONNECTIONS)
		return CM_CONTINUE;
	subject = find_subject(s, NULL, &c->subjects, &verdict);
	if (subject == NULL)
		return verdict;
	if (!c->counted) {
		c->answer = ratelimit_reserve(s, subject->bucket, 1);
		ratelimit_settle(s, subject->bucket, 1);
	}
	c->counted = true;
	return act(s, subject, &c->answer);
}

static enum cm_verdict
mail(struct cm_session *s, const struct cm_event *ev)
{
	struct ratelimit_message *m = cm_msg(s);
	struct ratelimit_subject *subject;
	struct ratelimit_answer a;
	enum cm_verdict verdict;

	m->size = declared_size(ev->args);
	if (config_of(s)->count != RATELIMIT_ERRORS && !ratelimit_at_mail(config_of(s)))
		return CM_CONTINUE;
	subject = find_subject(s, NULL, &m->subjects, &verdict);
	if (subject == NULL)
		return verdict;
	if (ratelimit_at_mail(config_of(s)))
		a = ratelimit_take_message(s, subject);
	else
		a = ratelimit_look(s, subject->bucket, 1);
	return act(s, subject, &a);
}

/* As long as there are none, what was looked at at MAIL holds. */
static enum cm_verdict
rcpt_errors(struct cm_session *s, struct ratelimit_message *m)
{
	int64_t errors = ratelimit_count_refused(s, m);
	struct ratelimit_subject *subject;
	struct ratelimit_answer a;
	enum cm_verdict verdict;

	if (errors == 0)
		return CM_CONTINUE;
	subject = find_subject(s, NULL, &m->subjects, &verdict);
	if (subject == NULL)
		return verdict;
	ratelimit_count_new(s, m, subject, errors);
	a = ratelimit_look(s, subject->bucket, 1);
	verdict = act(s, subject, &a);
	m->refusing = verdict == CM_REJECT;
	return verdict;
}

static enum cm_verdict
rcpt(struct cm_session *s, const struct cm_event *ev)
{
	struct ratelimit_message *m = cm_msg(s);
	struct ratelimit_subject *subject;
	struct ratelimit_answer a;
	enum cm_verdict verdict;

	if (ev->rejected)
		m->refused += ratelimit_refused_by_mta(s);
	if (!ev->rejected && config_of(s)->count == RATELIMIT_ERRORS)
		return rcpt_errors(s, m);
	if (ev->rejected || !ratelimit_takes(config_of(s)) || ratelimit_at_mail(config_of(s)))
		return CM_CONTINUE;
	ratelimit_settle_latest(s, m);
	subject = find_subject(s, ev->address, &m->subjects, &verdict);
	if (subject == NULL)
		return verdict;
	a = ratelimit_take(s, m, subject, ev->address);
	return act(s, subject, &a);
}

/* How large it is, is known now; who declared less must have the rest as well. */
static struct ratelimit_answer
take_rest(struct cm_session *s, const struct ratelimit_message *m, struct ratelimit_bucket *b)
{
	int64_t more = ratelimit_cost(&b->limit, m->size) - b->reserved;

	return more > 0 ? ratelimit_reserve(s, b, more)
			: (struct ratelimit_answer){.outcome = RATELIMIT_OK};
}

static enum cm_verdict
check_subject(
	struct cm_session *s, const struct ratelimit_message *m, struct ratelimit_subject *subject)
{
	struct ratelimit_answer a = {.outcome = RATELIMIT_OK};

	/* Refused before, and only watched. */
	if (!subject->live || subject->answer.outcome != RATELIMIT_OK)
		return CM_CONTINUE;
	for (size_t i = 0; i < subject->bucket_count && a.outcome == RATELIMIT_OK; i++) {
		a = ratelimit_renew(s, &subject->bucket[i]);
		if (a.outcome == RATELIMIT_OK && config_of(s)->count == RATELIMIT_BYTES)
			a = take_rest(s, m, &subject->bucket[i]);
	}
	return a.limit == NULL ? CM_CONTINUE : act(s, subject, &a);
}

static void
measure(struct cm_session *s, struct ratelimit_message *m)
{
	if (config_of(s)->count == RATELIMIT_BYTES)
		m->size = cm_size(s);
	m->measured = true;
}

static enum cm_verdict
eom(struct cm_session *s, const struct cm_event *ev)
{
	struct ratelimit_message *m = cm_msg(s);
	enum cm_verdict verdict = CM_CONTINUE;

	(void)ev;
	ratelimit_settle_latest(s, m);
	measure(s, m);
	for (struct ratelimit_subject *i = m->subjects; i != NULL && verdict == CM_CONTINUE;
		i = i->next)
		verdict = check_subject(s, m, i);
	return verdict;
}

/* An earlier link let it pass before its size was known: of octets, the rest. */
static int64_t
uncounted(const struct cm_session *s, const struct ratelimit_message *m,
	const struct ratelimit_subject *subject)
{
	if (config_of(s)->count != RATELIMIT_BYTES || !subject->live ||
		subject->answer.outcome != RATELIMIT_OK)
		return 0;
	return ratelimit_cost(&subject->bucket->limit, m->size) - subject->bucket->reserved;
}

/* To the client a message that was dropped is one that was taken. */
static void
end_msg(struct cm_session *s)
{
	struct ratelimit_message *m = cm_msg(s);
	enum cm_verdict verdict = cm_final(s)->verdict;
	bool unchecked;

	if (config_of(s)->count == RATELIMIT_ERRORS) {
		settle_errors(s, m);
		return;
	}
	ratelimit_settle_latest(s, m);
	unchecked = !m->measured;
	/* What was decided before the end came has no other size than that declared. */
	if (config_of(s)->count == RATELIMIT_BYTES &&
		(cm_final(s)->stage == CM_STAGE_EOM || cm_size(s) > m->size))
		measure(s, m);
	for (struct ratelimit_subject *i = m->subjects; i != NULL; i = i->next) {
		bool accepted = verdict == CM_ACCEPT || verdict == CM_DISCARD;
		int64_t rest = unchecked && accepted ? uncounted(s, m, i) : 0;

		ratelimit_settle_subject(s, m, i, accepted);
		if (rest > 0)
			ratelimit_count(s, i->bucket, rest);
	}
}

/* --- the tables --- */

/* Header fields for tag, the size of messages, and what the mail server refuses itself. */
static uint32_t
needs_of(const void *settings)
{
	const struct ratelimit_config *config = settings;

	return (config->over == RATELIMIT_TAG ? CM_EDIT_HEADERS : 0) |
	       (config->count == RATELIMIT_BYTES ? CM_NEED_SIZE : 0) |
	       (config->count == RATELIMIT_ERRORS ? CM_SEES_REJECTED : 0);
}

/* At connect and MAIL, and for each recipient, only where something is counted there. */
static uint32_t
silent_at(const void *settings)
{
	const struct ratelimit_config *config = settings;
	bool at_mail = ratelimit_at_mail(config), errors = config->count == RATELIMIT_ERRORS;
	uint32_t silent = 0;

	if (config->count != RATELIMIT_CONNECTIONS)
		silent |= CM_AT(CM_STAGE_CONNECT);
	if (!at_mail && !errors)
		silent |= CM_AT(CM_STAGE_MAIL);
	if (at_mail || (!ratelimit_takes(config) && !errors))
		silent |= CM_AT(CM_STAGE_RCPT);
	return silent;
}

#define AT(field) offsetof(struct ratelimit_config, field)

static const struct cm_option options[] = {
	{"burst", CM_OPT_INT, AT(burst), .min = 1, .max = INT64_C(1) << 50, .since = "0.1",
		.help = "how many at once; of several rates that with the shortest time. Default: "
			"its "
			"count"},
	{"count", CM_OPT_CHOICE, AT(count), "recipients",
		"messages|recipients|distinct_recipients|bytes|connections|errors", .since = "0.1",
		.help = "what is counted; errors are recipients and messages refused for good"},
	{"exempt", CM_OPT_LIST, AT(exempt), .since = "0.1",
		.help = "not for these keys, logins and client addresses"},
	{"exempt_map", CM_OPT_MAP, AT(exempt_map), .since = "0.1",
		.help = "nor for those that stand in this map"},
	{"key", CM_OPT_LIST, AT(key), .check = ratelimit_check_part, .flags = CM_OPT_REQUIRED,
		.since = "0.1",
		.help = "who has a limit of his own, one or several of auth_user, client_ip, "
			"client_net, helo, recipient, recipient_domain, sender, sender_domain"},
	{"key_prefix_v4", CM_OPT_INT, AT(prefix_v4), "24", .min = 1, .max = 32, .since = "0.1",
		.help = "bits of client_net of an IPv4 address"},
	{"key_prefix_v6", CM_OPT_INT, AT(prefix_v6), "64", .min = 1, .max = 128, .since = "0.1",
		.help = "bits of client_net of an IPv6 address"},
	{"limit", CM_OPT_RATES, AT(limit), .min = 1, .max = INT64_C(1) << 50, .since = "0.1",
		.help = "how many in which time; of several all hold: [ 50/1h, 300/1d ]"},
	{"limits", CM_OPT_MAP, AT(limits), .check = ratelimit_check_line, .since = "0.1",
		.help = "other limits, by key, @domain, class:NAME or *: \"200/1h 1000/1d "
			"burst=50\", "
			"-1 (as the next), 0 (none), class:NAME"},
	{"on_store_error", CM_OPT_CHOICE, AT(on_store_error), "memory", "memory|tempfail|skip",
		.since = "0.1",
		.help = "when the store is away: count in memory, ask to wait, or let pass"},
	{"over", CM_OPT_CHOICE, AT(over), "tempfail", "tempfail|reject|tag|shadow", .since = "0.1",
		.help = "what happens to what is over: tag adds a header field, shadow only "
			"publishes the result"},
	{"skip_trusted", CM_OPT_BOOL, AT(skip_trusted), "no", .since = "0.1",
		.help = "not for clients in main.trusted_networks"},
	{"store", CM_OPT_STORE, AT(store), .since = "0.1", .help = "where it is counted"},
	{"tag_header", CM_OPT_STRING, AT(tag_header), "X-Ratelimit",
		.check = ratelimit_check_header, .since = "0.1", .help = "field that tag adds"},
	{"text", CM_OPT_STRING, AT(text), .check = ratelimit_check_text, .since = "0.1",
		.help = "of the reply; may hold %{burst} %{client_ip} %{count} %{key} %{limit} "
			"%{period} %{retry} %{used} %{what}"},
	{"update", CM_OPT_CHOICE, AT(update), "leaky", "leaky|strict", .since = "0.1",
		.help = "strict counts what it refuses as well, so who does not stop is not let "
			"in"},
};

static const struct cm_macro macros[] = {
	{CM_STAGE_MAIL, "{auth_authen}"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "ratelimit",
	.help = "limits what one may send: messages, recipients, octets, connections, errors",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct ratelimit_config),
	.conn_size = sizeof(struct connection),
	.msg_size = sizeof(struct ratelimit_message),
	.needs = CM_EDIT_HEADERS | CM_NEED_SIZE | CM_SEES_REJECTED,
	.macros = macros,
	.macro_count = sizeof(macros) / sizeof(*macros),
	.start = ratelimit_start,
	.connect = connect,
	.mail = mail,
	.rcpt = rcpt,
	.eom = eom,
	.end_msg = end_msg,
	.noun = "limit",
	.commands = ratelimit_commands,
	.command_count = RATELIMIT_COMMANDS,
	.command_size = sizeof(struct cm_command),
	.needs_of = needs_of,
	.results = ratelimit_publish_said,
	.silent_at = silent_at,
	.published = ratelimit_published,
	.published_count = RATELIMIT_PUBLISHED,
	.published_size = sizeof(struct cm_published),
};
