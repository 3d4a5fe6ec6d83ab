/* SPDX-License-Identifier: MIT */
/*
 * greylist.c - who comes for the first time must come again
 *
 * Decided for each recipient by itself. What is known of a triple is in the store, so it may be a
 * store that several mail servers share.
 */
#include <stdio.h>
#include <string.h>

#include "greylist/greylist.h"

#define FROM_SIZE 300u

/* Of a message: the null sender is answered at DATA, for callouts ask no further than RCPT. */
struct message {
	int64_t wait; /* longest, seconds; 0: nobody must wait */
};

static const struct greylist_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

/* --- who is not greylisted --- */

static enum cm_known
listed(struct cm_session *s, const struct cm_map *map, const char *key)
{
	const char *value;

	return map == NULL || key[0] == '\0' ? CM_NONE : cm_map_get(s, map, key, &value);
}

/* As it is, then @domain, then domain. */
static enum cm_known
address_listed(struct cm_session *s, const struct cm_map *map, const struct cm_address *a)
{
	char at_domain[300] = "";
	const char *const keys[] = {a->null ? "<>" : a->addr, at_domain, a->domain};

	if (a->domain[0] != '\0')
		snprintf(at_domain, sizeof(at_domain), "@%s", a->domain);
	for (size_t i = 0; i < 3; i++) {
		enum cm_known known = listed(s, map, keys[i]);

		if (known != CM_NONE)
			return known;
	}
	return CM_NONE;
}

static enum cm_known
exempt(struct cm_session *s, const struct cm_address *rcpt)
{
	const struct greylist_config *c = config_of(s);
	const char *ip = cm_client(s)->ip;
	const struct cm_auth *auth;
	enum cm_known known = CM_NONE;

	if (ip[0] == '\0' || cm_client_in(s, c->skip_for) ||
		(c->skip_trusted && cm_client_trusted(s)))
		return CM_KNOWN;
	if (c->skip_authenticated)
		known = cm_auth(s, &auth);
	if (known == CM_NONE)
		known = listed(s, c->skip_clients, ip);
	if (known == CM_NONE)
		known = address_listed(s, c->skip_senders, cm_sender(s));
	if (known == CM_NONE)
		known = address_listed(s, c->skip_recipients, rcpt);
	return known;
}

/* --- where it comes from --- */

/* A domain that vouches for the client is the same from all its addresses. */
static bool
find_from(struct cm_session *s, char *out, size_t size)
{
	const struct greylist_config *c = config_of(s);
	const char *result = cm_result(s, "spf", "result"), *domain = cm_result(s, "spf", "domain");
	const char *scope = cm_result(s, "spf", "scope");

	if (c->use_spf && result != NULL && strcmp(result, "pass") == 0 && domain != NULL &&
		scope != NULL && strcmp(scope, "mailfrom") == 0)
		return snprintf(out, size, "%s", domain) < (int)size;
	return greylist_network(c, cm_client(s)->ip, out, size);
}

/* --- the store --- */

static enum cm_store_status
load(struct cm_session *s, const struct cm_store *store, const char *key, struct greylist_record *r)
{
	const void *value;
	size_t len;
	enum cm_store_status status = cm_store_get(s, store, key, &value, &len);

	greylist_decode(r, value, status == CM_STORE_OK ? len : 0);
	return status == CM_STORE_NONE ? CM_STORE_OK : status;
}

static enum cm_store_status
save(struct cm_session *s, const struct cm_store *store, const char *key,
	const struct greylist_record *r, int64_t ttl)
{
	unsigned char value[GREYLIST_RECORD];

	greylist_encode(r, value);
	return cm_store_set(s, store, key, value, sizeof(value), ttl);
}

/* One more triple of it has passed. */
static enum cm_store_status
count_pass(struct cm_session *s, const struct cm_store *store, const char *key,
	struct greylist_record *from)
{
	int64_t now = cm_time(s);

	if (!from->there)
		*from = (struct greylist_record){.there = true, .first = now};
	from->last = now;
	if (from->passes < UINT32_MAX)
		from->passes++;
	return save(s, store, key, from, config_of(s)->remember_us);
}

static bool
allowed(const struct greylist_config *c, const struct greylist_record *from)
{
	return from->there &&
	       (from->passes == UINT32_MAX ||
		       (c->allow_after > 0 && (int64_t)from->passes >= c->allow_after));
}

/* What becomes of the recipient; anything but STORE_OK: nobody knows. */
static enum cm_store_status
visit(struct cm_session *s, const struct cm_store *store, const char *from_key,
	const char *triple_key, enum greylist_outcome *outcome, int64_t *wait)
{
	const struct greylist_config *c = config_of(s);
	struct greylist_record from, triple;
	enum cm_store_status status = load(s, store, from_key, &from);
	int64_t ttl = 0;

	*outcome = GREYLIST_ALLOWED;
	*wait = 0;
	if (status != CM_STORE_OK || allowed(c, &from))
		return status;
	status = load(s, store, triple_key, &triple);
	if (status != CM_STORE_OK)
		return status;
	*outcome = greylist_decide(c, &triple, cm_time(s), wait, &ttl);
	if (ttl > 0)
		status = save(s, store, triple_key, &triple, ttl);
	if (status == CM_STORE_OK && *outcome == GREYLIST_PASSED)
		status = count_pass(s, store, from_key, &from);
	return status;
}

/* --- acting --- */

static enum cm_verdict
make_wait(struct cm_session *s, int64_t wait)
{
	cm_reply(s, 451, "4.7.1", "Greylisted, try again in %lld second%s", (long long)wait,
		wait == 1 ? "" : "s");
	return CM_TEMPFAIL;
}

static enum cm_verdict
act(struct cm_session *s, enum greylist_outcome outcome, int64_t wait, const char *from,
	const struct cm_address *rcpt)
{
	struct message *m = cm_msg(s);
	char seconds[24];

	cm_set_result(s, "result", greylist_names[outcome]);
	snprintf(seconds, sizeof(seconds), "%lld", (long long)wait);
	cm_set_result(s, "wait", seconds);
	cm_reason(s, "%s %s %s: %s", from, cm_sender(s)->text, rcpt->text,
		outcome == GREYLIST_NEW ? "first seen now" : greylist_names[outcome]);
	if (wait == 0)
		return CM_CONTINUE;
	if (!cm_sender(s)->null)
		return make_wait(s, wait);
	m->wait = wait > m->wait ? wait : m->wait;
	return CM_CONTINUE;
}

static enum cm_verdict
no_store(struct cm_session *s, const char *why)
{
	cm_reason(s, "%s", why);
	if (config_of(s)->on_store_error == GREYLIST_SKIP)
		return CM_CONTINUE;
	cm_reply(s, 451, "4.3.0", "Temporary problem, please try again later");
	return CM_TEMPFAIL;
}

static enum cm_verdict
check(struct cm_session *s, const struct cm_address *rcpt)
{
	const struct greylist_config *c = config_of(s);
	char from[FROM_SIZE], from_key[GREYLIST_KEY_SIZE], triple_key[GREYLIST_KEY_SIZE];
	const char *parts[] = {from, cm_sender(s)->addr, rcpt->addr};
	enum greylist_outcome outcome;
	enum cm_store_status status;
	int64_t wait;

	if (!find_from(s, from, sizeof(from)) ||
		!greylist_key(from_key, cm_link_name(s), "from", parts, 1) ||
		!greylist_key(triple_key, cm_link_name(s), "triple", parts, 3))
		return no_store(s, "the addresses are too long to be kept");
	status = visit(s, c->store, from_key, triple_key, &outcome, &wait);
	if (status != CM_STORE_OK && c->on_store_error == GREYLIST_MEMORY)
		status = visit(
			s, cm_store_fallback(c->store), from_key, triple_key, &outcome, &wait);
	if (status != CM_STORE_OK)
		return no_store(s, "the store does not answer");
	return act(s, outcome, wait, from, rcpt);
}

/* --- hooks --- */

static enum cm_verdict
rcpt(struct cm_session *s, const struct cm_event *ev)
{
	switch (exempt(s, ev->address)) {
	case CM_KNOWN:
		cm_reason(s, "not greylisted: one of our own, or listed");
		return CM_CONTINUE;
	case CM_UNDELIVERED:
		cm_reason(s, "nobody can tell whether it is greylisted: no {auth_authen}, or a map "
			     "that cannot be read");
		return CM_FAILED;
	case CM_NONE:
		break;
	}
	return check(s, ev->address);
}

static enum cm_verdict
data(struct cm_session *s, const struct cm_event *ev)
{
	const struct message *m = cm_msg(s);

	(void)ev;
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
		.help = "triples of a network or domain that must have passed before all do; 0: "
			"never"},
	{"delay", CM_OPT_DURATION, AT(delay_us), "5min", .min = GREYLIST_SECOND, .max = DAY,
		.since = "0.1", .help = "who comes back sooner must wait on"},
	{"key_prefix_v4", CM_OPT_INT, AT(prefix_v4), "24", .min = 8, .max = 32, .since = "0.1",
		.help = "bits of an IPv4 address that count"},
	{"key_prefix_v6", CM_OPT_INT, AT(prefix_v6), "64", .min = 16, .max = 128, .since = "0.1",
		.help = "bits of an IPv6 address that count"},
	{"on_store_error", CM_OPT_CHOICE, AT(on_store_error), "skip", "skip|tempfail|memory",
		.since = "0.1",
		.help = "when the store does not answer: let pass, refuse for now, or remember in "
			"this daemon"},
	{"remember", CM_OPT_DURATION, AT(remember_us), "36d", .min = MINUTE, .max = 3650 * DAY,
		.since = "0.1",
		.help = "who has passed is known for so long, from his latest visit"},
	{"retry_window", CM_OPT_DURATION, AT(window_us), "4h", .min = MINUTE, .max = 30 * DAY,
		.since = "0.1", .help = "who comes back later comes for the first time"},
	{"skip_authenticated", CM_OPT_BOOL, AT(skip_authenticated), "yes", .since = "0.1",
		.help = "not for clients that have logged in"},
	{"skip_clients", CM_OPT_MAP, AT(skip_clients), .choices = "cidr", .since = "0.1",
		.help = "map of clients that need not wait"},
	{"skip_for", CM_OPT_NETWORKS, AT(skip_for), .since = "0.1",
		.help = "clients that need not wait: addresses and networks"},
	{"skip_recipients", CM_OPT_MAP, AT(skip_recipients), .choices = "exact", .since = "0.1",
		.help = "map of recipients for whom nobody waits: address, @domain or domain"},
	{"skip_senders", CM_OPT_MAP, AT(skip_senders), .choices = "exact", .since = "0.1",
		.help = "map of senders that need not wait: address, @domain, domain or <>"},
	{"skip_trusted", CM_OPT_BOOL, AT(skip_trusted), "yes", .since = "0.1",
		.help = "not for clients in main.trusted_networks"},
	{"store", CM_OPT_STORE, AT(store), .since = "0.1",
		.help = "where it is remembered; default: the only store there is"},
	{"use_spf", CM_OPT_BOOL, AT(use_spf), "yes", .since = "0.1",
		.help = "with an SPF pass the sender's domain counts, and not the client's "
			"network"},
};

static const struct cm_macro macros[] = {
	{CM_STAGE_MAIL, "{auth_authen}"},
};

static const char *const after[] = {"access", "dnsbl", "rdns", "spf", NULL};

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
