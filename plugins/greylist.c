/* SPDX-License-Identifier: MIT */
/*
 * greylist.c - who comes for the first time must come again
 *
 * Decided for each recipient by itself. What is known of a triple is in the store, so it may be a
 * store that several mail servers share.
 */
#include "greylist/greylist.h"

#include <stdio.h>
#include <string.h>

#define FROM_SIZE 300u

/*
 * The null sender is answered at DATA, for callouts ask no further than RCPT. Whether a later link
 * refuses a recipient is known when the next one comes.
 */
struct message {
	int64_t wait; /* longest of the recipients that were taken, seconds; 0: nobody must wait */
	int64_t latest;	    /* of the latest recipient */
	size_t before;	    /* so many were taken before */
	const char *sender; /* without what changes from message to message; NULL: not yet known */
};

static const struct greylist_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

/* --- what counts as the same --- */

/* A domain that vouches for the client is the same from all its addresses; one that vouches for
   anybody is not. */
static bool
vouched_for(struct cm_session *s, char *out, size_t size)
{
	const char *result = cm_result(s, "spf", "result"), *domain = cm_result(s, "spf", "domain");
	const char *scope = cm_result(s, "spf", "scope");
	const char *term = cm_result(s, "spf", "mechanism");

	return config_of(s)->use_spf && result != NULL && strcmp(result, "pass") == 0 &&
	       scope != NULL && strcmp(scope, "mailfrom") == 0 && domain != NULL &&
	       domain[0] != '\0' && (term == NULL || !greylist_matches_anybody(term)) &&
	       snprintf(out, size, "%s", domain) < (int)size;
}

/* What is no address still is what it is. */
static const char *
spelled(const struct cm_address *a)
{
	if (a->null)
		return "<>";
	return a->addr[0] == '\0' ? a->text : a->addr;
}

static const char *
sender_of(struct cm_session *s)
{
	struct message *m = cm_msg(s);
	const char *sender = spelled(cm_sender(s));
	size_t size = strlen(sender) + 1;
	char *same;

	if (m->sender == NULL) {
		same = cm_msg_alloc(s, size);
		greylist_sender(sender, same, size);
		m->sender = same;
	}
	return m->sender;
}

/* --- acting --- */

static enum cm_verdict
make_wait(struct cm_session *s, int64_t wait)
{
	cm_reply(s, 451, "4.7.1", "Greylisted, try again in %lld second%s", (long long)wait,
		wait == 1 ? "" : "s");
	return CM_TEMPFAIL;
}

static void
settle_latest(struct cm_session *s, struct message *m)
{
	if (m->latest > m->wait && cm_rcpt_count(s) > m->before)
		m->wait = m->latest;
	m->latest = 0;
}

static enum cm_verdict
wait_later(struct cm_session *s, int64_t wait)
{
	struct message *m = cm_msg(s);

	m->latest = wait;
	m->before = cm_rcpt_count(s);
	return CM_CONTINUE;
}

static void
publish(struct cm_session *s, const char *result, int64_t wait)
{
	char seconds[24];

	cm_set_result(s, "result", result);
	snprintf(seconds, sizeof(seconds), "%lld", (long long)wait);
	cm_set_result(s, "wait", seconds);
}

static enum cm_verdict
act(struct cm_session *s, enum greylist_outcome outcome, int64_t wait, const char *from,
	const struct cm_address *rcpt)
{
	bool later = cm_sender(s)->null && config_of(s)->null_sender == GREYLIST_AT_DATA;

	publish(s, greylist_names[outcome], wait);
	cm_reason(s, "%s %s %s: %s%s", from, spelled(cm_sender(s)), spelled(rcpt),
		outcome == GREYLIST_NEW ? "first seen now" : greylist_names[outcome],
		wait > 0 && later ? ", answered after DATA" : "");
	if (wait == 0)
		return CM_CONTINUE;
	return later ? wait_later(s, wait) : make_wait(s, wait);
}

/* Of the recipient before there may be another result. */
static enum cm_verdict
unclear(struct cm_session *s, const char *why)
{
	publish(s, "unknown", 0);
	cm_reason(s, "%s", why);
	return CM_FAILED;
}

static enum cm_verdict
no_store(struct cm_session *s)
{
	publish(s, "unknown", 0);
	cm_reason(s, "the store does not answer, or has no room");
	if (config_of(s)->on_store_error == GREYLIST_SKIP)
		return CM_CONTINUE;
	cm_reply(s, 451, "4.3.0", "Temporary problem, please try again later");
	return CM_TEMPFAIL;
}

static enum cm_verdict
check(struct cm_session *s, const struct cm_address *rcpt)
{
	const struct greylist_config *c = config_of(s);
	char from[FROM_SIZE];
	struct greylist_keys keys;
	enum greylist_outcome outcome;
	enum cm_store_status status;
	int64_t wait;

	if (!vouched_for(s, from, sizeof(from)) &&
		!greylist_network(c, cm_client(s)->ip, from, sizeof(from)))
		return unclear(s, "the mail server does not tell the client's address");
	greylist_keys(&keys, cm_link_name(s), from, sender_of(s), spelled(rcpt));
	status = greylist_visit(s, c->store, &keys, &outcome, &wait);
	if (status != CM_STORE_OK && c->on_store_error == GREYLIST_MEMORY)
		status = greylist_visit(s, cm_store_fallback(c->store), &keys, &outcome, &wait);
	return status == CM_STORE_OK ? act(s, outcome, wait, from, rcpt) : no_store(s);
}

/* --- hooks --- */

static enum cm_verdict
rcpt(struct cm_session *s, const struct cm_event *ev)
{
	const char *why;

	settle_latest(s, cm_msg(s));
	switch (cm_skip(s, &config_of(s)->skip, ev->address, &why)) {
	case CM_KNOWN:
		publish(s, "skipped", 0);
		cm_reason(s, "not greylisted: %s", why);
		return CM_CONTINUE;
	case CM_UNDELIVERED:
		return unclear(s, why);
	case CM_NONE:
		break;
	}
	return check(s, ev->address);
}

static enum cm_verdict
data(struct cm_session *s, const struct cm_event *ev)
{
	struct message *m = cm_msg(s);

	(void)ev;
	settle_latest(s, m);
	return m->wait > 0 ? make_wait(s, m->wait) : CM_CONTINUE;
}

/* --- the tables --- */

static bool
start(void *config, char *why, size_t why_size)
{
	const struct greylist_config *c = config;

	if (c->delay_us < c->window_us)
		return true;
	snprintf(why, why_size, "delay is as long as retry_window: nobody could come in time");
	return false;
}

#define AT(field) offsetof(struct greylist_config, field)
#define MINUTE	  (60 * GREYLIST_SECOND)
#define DAY	  (24 * 60 * MINUTE)

static const struct cm_option options[] = {
	{"auto_allow_after", CM_OPT_INT, AT(allow_after), "5", .max = 1000000, .since = "0.1",
		.help = "triples of a network or domain that must have passed, one an hour, "
			"before all from there do; 0: never"},
	{"delay", CM_OPT_DURATION, AT(delay_us), "5min", .min = GREYLIST_SECOND, .max = DAY,
		.since = "0.1", .help = "who comes back sooner must wait on"},
	{"key_prefix_v4", CM_OPT_INT, AT(prefix_v4), "24", .min = 8, .max = 32, .since = "0.1",
		.help = "bits of an IPv4 address that count"},
	{"key_prefix_v6", CM_OPT_INT, AT(prefix_v6), "64", .min = 16, .max = 128, .since = "0.1",
		.help = "bits of an IPv6 address that count"},
	{"max_new", CM_OPT_INT, AT(max_new), "10000", .max = 1000000000, .since = "0.1",
		.help = "new triples of a client's network that are remembered within "
			"retry_window; more of them wait and are not; 0: no bound"},
	{"null_sender", CM_OPT_CHOICE, AT(null_sender), "data", "data|rcpt", .since = "0.1",
		.help = "where the null sender is told to wait: after DATA, which answers "
			"callouts, or "
			"at RCPT"},
	{"on_store_error", CM_OPT_CHOICE, AT(on_store_error), "skip", "skip|tempfail|memory",
		.since = "0.1",
		.help = "when the store does not answer: let pass, refuse for now, or remember in "
			"this daemon"},
	{"remember", CM_OPT_DURATION, AT(remember_us), "36d", .min = MINUTE, .max = 3650 * DAY,
		.since = "0.1",
		.help = "who has passed is known for so long, from his latest visit"},
	{"retry_window", CM_OPT_DURATION, AT(window_us), "4h", .min = MINUTE, .max = 30 * DAY,
		.since = "0.1", .help = "who comes back later comes for the first time"},
	CM_SKIP_AUTHENTICATED(AT(skip), "0.1"),
	CM_SKIP_CLIENTS(AT(skip), "0.1"),
	CM_SKIP_FOR(AT(skip), "0.1"),
	CM_SKIP_RECIPIENTS(AT(skip), "0.1"),
	CM_SKIP_SENDERS_OR_USERS(AT(skip), "0.1"),
	CM_SKIP_TRUSTED(AT(skip), "0.1"),
	{"store", CM_OPT_STORE, AT(store), .since = "0.1",
		.help = "where it is remembered; default: the only store there is"},
	{"use_spf", CM_OPT_BOOL, AT(use_spf), "yes", .since = "0.1",
		.help = "with an SPF pass the sender's domain counts, and not the client's "
			"network"},
};

static const struct cm_macro macros[] = {
	CM_SKIP_MACRO,
};

static const char *const after[] = {"spf", NULL};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "greylist",
	.help = "makes unknown senders come again",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct greylist_config),
	.msg_size = sizeof(struct message),
	.macros = macros,
	.macro_count = sizeof(macros) / sizeof(*macros),
	.after = after,
	.start = start,
	.rcpt = rcpt,
	.data = data,
	.noun = "greylist",
	.commands = greylist_commands,
	.command_count = GREYLIST_COMMANDS,
	.command_size = sizeof(struct cm_command),
};
