/* SPDX-License-Identifier: MIT */
/*
 * greylist.c - who comes for the first time must come again
 *
 * Decided for each recipient by itself. What is known of a triple is in the store, so it may be a
 * store that several mail servers share.
 */
#include "greylist/greylist.h"

#include <stdio.h>

static const struct greylist_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

/* --- hooks --- */

static void
settle_latest(struct cm_session *s, struct greylist_message *m)
{
	if (m->latest > m->wait && cm_rcpt_count(s) > m->before)
		m->wait = m->latest;
	m->latest = 0;
}

static enum cm_verdict
wait_later(struct cm_session *s, int64_t wait)
{
	struct greylist_message *m = cm_msg(s);

	m->latest = wait;
	m->before = cm_rcpt_count(s);
	return CM_CONTINUE;
}

/* The null sender, whose answer waits. */
static bool
answered_later(const struct cm_session *s)
{
	return cm_sender(s)->null && config_of(s)->null_sender == GREYLIST_AT_DATA;
}

static enum cm_verdict
rcpt(struct cm_session *s, const struct cm_event *ev)
{
	struct greylist_judgement j;
	bool later;

	settle_latest(s, cm_msg(s));
	greylist_judge(s, ev->address, config_of(s)->delay_us, &j);
	later = j.wait > 0 && answered_later(s);
	if (j.wait > 0 || j.verdict != CM_CONTINUE || cm_explained(s))
		greylist_give_reason(s, &j, later ? ", answered after DATA" : "");
	if (j.wait == 0)
		return j.verdict;
	return later ? wait_later(s, j.wait) : greylist_make_wait(s, j.wait);
}

static enum cm_verdict
data(struct cm_session *s, const struct cm_event *ev)
{
	struct greylist_message *m = cm_msg(s);

	(void)ev;
	settle_latest(s, m);
	return m->wait > 0 ? greylist_make_wait(s, m->wait) : CM_CONTINUE;
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
#define DAY	  GREYLIST_DAY

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

static const struct cm_published published[] = {
	{"result", "new|early|passed|known|allowed|crowded|skipped|unknown",
		"of the latest recipient"},
	{"wait", NULL, "seconds that it has to wait"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "greylist",
	.help = "makes unknown senders come again",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct greylist_config),
	.msg_size = sizeof(struct greylist_message),
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
	.ask = greylist_ask,
	.ask_options = greylist_ask_options,
	.ask_option_count = GREYLIST_ASK_OPTIONS,
	.ask_size = sizeof(struct greylist_ask),
	.results = greylist_publish_said,
	.published = published,
	.published_count = sizeof(published) / sizeof(*published),
	.published_size = sizeof(*published),
};
