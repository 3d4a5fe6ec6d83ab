/* SPDX-License-Identifier: MIT */
/*
 * auth.c - submission: a login, over TLS, and only addresses that belong to it
 *
 * The map is Postfix's own smtpd_sender_login_maps text: an address or @domain, then its logins.
 * As in Postfix the first key found decides, logins compare in any case, and the null sender
 * belongs to everybody. A fact that the mail server does not deliver is never read as "no".
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <string.h>

#include "lib/owner.h"

enum null_sender { NULL_SENDER_ALLOW, NULL_SENDER_REJECT };

struct config {
	bool require_login, require_tls, from_header;
	const struct cm_map *login_map;
	const struct cm_networks *by_address;
	int null_sender;
	const char *delimiters;
};

/* What MAIL found out, for the end of the header section. */
struct message {
	const char *login; /* NULL: nobody whose From: is to be checked */
};

/* --- acting --- */

static enum cm_verdict
failed(struct cm_session *s, const char *why)
{
	cm_reason(s, "%s", why);
	return CM_FAILED;
}

/* CM_NONE: no key of the address stands in the map. */
static enum cm_known
find_owners(struct cm_session *s, const struct cm_address *address, const char **owners)
{
	const struct config *config = cm_config(s);
	char buffer[OWNER_KEY_SIZE];
	const char *key;

	/* What is no address belongs to nobody: the next server may read it in another way. */
	if (!address->valid || address->domain[0] == '\0')
		return CM_NONE;
	for (unsigned n = 0;
		(key = owner_key(buffer, address->addr, address->domain, config->delimiters, n));
		n++) {
		enum cm_known known;

		if (key[0] == '\0')
			continue;
		known = cm_map_get(s, config->login_map, key, owners);
		if (known != CM_NONE)
			return known;
	}
	return CM_NONE;
}

/* CM_KNOWN: the login may use the address. */
static enum cm_known
owns(struct cm_session *s, const char *login, const struct cm_address *address)
{
	const char *owners;
	enum cm_known known = find_owners(s, address, &owners);

	if (known != CM_KNOWN)
		return known;
	return owner_listed(owners, login) ? CM_KNOWN : CM_NONE;
}

static enum cm_verdict
refuse_sender(struct cm_session *s, const struct cm_address *sender, const char *login)
{
	cm_set_result(s, "result", "fail");
	cm_reason(s, "sender does not belong to the login");
	cm_reply(s, 553, "5.7.1", "<%s>: Sender address rejected: not owned by user %s",
		sender->addr, login);
	return CM_REJECT;
}

static enum cm_verdict
check_sender(struct cm_session *s, const struct cm_address *sender, const char *login)
{
	const struct config *config = cm_config(s);

	if (config->login_map == NULL)
		return CM_CONTINUE;
	if (sender->null && config->null_sender == NULL_SENDER_ALLOW)
		return CM_CONTINUE;
	switch (owns(s, login, sender)) {
	case CM_KNOWN:
		return CM_CONTINUE;
	case CM_NONE:
		return refuse_sender(s, sender, login);
	case CM_UNDELIVERED:
		break;
	}
	return failed(s, "the map of logins could not be read");
}

static enum cm_verdict
need(struct cm_session *s, const char *what)
{
	cm_set_result(s, "result", "fail");
	cm_reply(s, 530, "5.7.0", "%s", what);
	return CM_REJECT;
}

static enum cm_verdict
check_tls(struct cm_session *s)
{
	const struct config *config = cm_config(s);
	const struct cm_tls *tls;

	if (!config->require_tls)
		return CM_CONTINUE;
	switch (cm_tls(s, &tls)) {
	case CM_KNOWN:
		return CM_CONTINUE;
	case CM_NONE:
		return need(s, "Must issue a STARTTLS command first");
	case CM_UNDELIVERED:
		break;
	}
	return failed(s, "the mail server does not tell {tls_version}");
}

/* RFC 8601 section 2.7.4: the mail server has checked the login, whosever the sender is. */
static void
publish_login(struct cm_session *s, const char *login)
{
	const struct cm_auth_property property = {"smtp", "auth", login};
	const struct cm_auth_result result = {
		.method = "auth", .result = "pass", .count = 1, .properties = &property};

	cm_add_auth_result(s, &result);
}

/* The mail server may tell the next message's login while this one is open. */
static const char *
keep(struct cm_session *s, const char *login)
{
	size_t size = strlen(login) + 1;

	return memcpy(cm_msg_alloc(s, size), login, size);
}

static enum cm_verdict
check_login(struct cm_session *s, const char *login, const struct cm_address *sender)
{
	struct message *message = cm_msg(s);
	enum cm_verdict verdict;

	cm_set_result(s, "user", login);
	publish_login(s, login);
	verdict = check_sender(s, sender, login);
	if (verdict != CM_CONTINUE)
		return verdict;
	message->login = keep(s, login);
	cm_set_result(s, "result", "pass");
	return CM_CONTINUE;
}

static enum cm_verdict
mail(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);
	const struct cm_auth *auth;
	enum cm_verdict verdict;

	cm_set_result(s, "result", "none");
	if (cm_client_in(s, config->by_address)) {
		cm_set_result(s, "result", "address");
		return CM_CONTINUE;
	}
	/* First: a client that is told to log in would send its password in plain text. */
	verdict = check_tls(s);
	if (verdict != CM_CONTINUE)
		return verdict;
	switch (cm_auth(s, &auth)) {
	case CM_KNOWN:
		return check_login(s, auth->user, ev->address);
	case CM_NONE:
		return config->require_login ? need(s, "Authentication required") : CM_CONTINUE;
	case CM_UNDELIVERED:
		break;
	}
	return failed(s, "the mail server does not tell {auth_authen}");
}

static enum cm_verdict
refuse_from(struct cm_session *s, const char *text)
{
	cm_set_result(s, "result", "fail");
	cm_reply(s, 550, "5.7.1", "%s", text);
	return CM_REJECT;
}

static enum cm_verdict
check_author(struct cm_session *s, const char *login, const struct cm_address *author)
{
	char text[OWNER_KEY_SIZE];

	switch (owns(s, login, author)) {
	case CM_KNOWN:
		return CM_CONTINUE;
	case CM_NONE:
		cm_reason(s, "From: <%s>", author->addr);
		snprintf(text, sizeof(text), "From: address not owned by user %s", login);
		return refuse_from(s, text);
	case CM_UNDELIVERED:
		break;
	}
	return failed(s, "the map of logins could not be read");
}

static enum cm_verdict
eoh(struct cm_session *s, const struct cm_event *ev)
{
	const struct config *config = cm_config(s);
	const struct message *message = cm_msg(s);
	const struct cm_from *from;

	(void)ev;
	if (!config->from_header || config->login_map == NULL || message->login == NULL)
		return CM_CONTINUE;
	from = cm_from(s);
	if (from->problem != NULL || from->count == 0) {
		cm_reason(s, "%s", from->problem == NULL ? "no author" : from->problem);
		return refuse_from(s, "From: header field is missing, doubled or not valid");
	}
	for (size_t i = 0; i < from->count; i++) {
		enum cm_verdict verdict = check_author(s, message->login, &from->items[i]);

		if (verdict != CM_CONTINUE)
			return verdict;
	}
	return CM_CONTINUE;
}

/* --- the tables --- */

#define AT(field) offsetof(struct config, field)

static const struct cm_option options[] = {
	{"from_header", CM_OPT_BOOL, AT(from_header), "yes", .since = "0.1",
		.help = "every author in From: must belong to the login (needs login_map)"},
	{"identify_by_address", CM_OPT_NETWORKS, AT(by_address), .since = "0.1",
		.help = "clients known by their address alone: no login, no TLS, any sender"},
	{"login_map", CM_OPT_MAP, AT(login_map), .choices = "exact", .since = "0.1",
		.help = "address or @domain, then the logins that may use it"},
	{"null_sender", CM_OPT_CHOICE, AT(null_sender), "allow", "allow|reject", .since = "0.1",
		.help = "MAIL FROM:<> of a login"},
	{"recipient_delimiter", CM_OPT_STRING, AT(delimiters), .since = "0.1",
		.help = "characters that begin a tag: with + bob+tag@example.com is bob's too"},
	{"require_login", CM_OPT_BOOL, AT(require_login), "yes", .since = "0.1",
		.help = "mail without a login is refused"},
	{"require_tls", CM_OPT_BOOL, AT(require_tls), "yes", .since = "0.1",
		.help = "mail over a connection without TLS is refused"},
};

static const struct cm_macro macros[] = {
	{CM_STAGE_MAIL, "{auth_authen}"},
	{CM_STAGE_MAIL, "{auth_type}"},
	{CM_STAGE_MAIL, "{tls_version}"},
};

static const struct cm_published published[] = {
	{"result", "none|address|pass|fail",
		"none: no login; address: known by its address, a login is not asked for"},
	{"user", NULL, "login name"},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "auth",
	.help = "login, TLS, and senders that belong to the login",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.option_size = sizeof(*options),
	.config_size = sizeof(struct config),
	.msg_size = sizeof(struct message),
	.needs = CM_NEED_HEADERS,
	.macros = macros,
	.macro_count = sizeof(macros) / sizeof(*macros),
	.mail = mail,
	.eoh = eoh,
	.published = published,
	.published_count = sizeof(published) / sizeof(*published),
	.published_size = sizeof(*published),
};
