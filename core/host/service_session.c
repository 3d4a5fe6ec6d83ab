/* SPDX-License-Identifier: MIT */
/*
 * service_session.c - facts of the session, as plugins and rules ask for them
 *
 * The session keeps the facts; what is decided here is only how sure a link may be of one. A fact
 * that the MTA was never asked for is never read as "no".
 */
#include <chainmail/plugin.h>

#include <string.h>

#include "base/net.h"
#include "chain/chain.h"
#include "mail/session.h"
#include "service.h"
#include "service/geo.h"

const struct cm_client *
cm_client(const struct cm_session *s)
{
	return &s->client;
}

const struct cm_server *
cm_server(const struct cm_session *s)
{
	return &s->server;
}

/* The running link asked for the macro, so the MTA was told to send it by now. */
static bool
macro_declared(const struct cm_session *s, const char *name)
{
	const struct link *link = chain_running(s);

	if (link == NULL)
		return true;
	for (uint32_t i = 0; i < link->plugin->macro_count; i++) {
		const struct cm_macro *m = &link->plugin->macros[i];

		if (m->stage <= s->stage && strcmp(m->name, name) == 0)
			return true;
	}
	return false;
}

/* A link that fails for it is not to blame. */
static enum cm_known
undelivered(const struct cm_session *s)
{
	chain_set_failure(s, FAILURE_INPUT);
	return CM_UNDELIVERED;
}

enum cm_known
cm_macro(const struct cm_session *s, const char *name, const char **value)
{
	enum cm_known known;

	*value = NULL;
	known = session_macro(s, name, value);
	if (known == CM_UNDELIVERED || (known == CM_NONE && !macro_declared(s, name)))
		return undelivered(s);
	return known;
}

enum cm_known
cm_auth(const struct cm_session *s, const struct cm_auth **auth)
{
	const char *user;
	enum cm_known known;

	*auth = NULL;
	if (!s->in_message)
		return undelivered(s);
	known = cm_macro(s, "{auth_authen}", &user);
	if (known == CM_KNOWN)
		*auth = &s->auth;
	return known;
}

enum cm_known
cm_tls(const struct cm_session *s, const struct cm_tls **tls)
{
	const char *version;
	enum cm_known known;

	*tls = NULL;
	if (!s->in_message)
		return undelivered(s);
	known = cm_macro(s, "{tls_version}", &version);
	if (known == CM_KNOWN)
		*tls = &s->tls;
	return known;
}

bool
cm_client_in(const struct cm_session *s, const struct cm_networks *networks)
{
	return networks_have(networks, &s->peer);
}

bool
cm_client_trusted(const struct cm_session *s)
{
	return networks_have(chain_of(s)->trusted, &s->peer);
}

bool
service_place(const struct cm_session *s, struct geo_place *out)
{
	const struct chain *chain = chain_of(s);
	struct net_addr client;

	*out = (struct geo_place){.asn = 0};
	if (chain->place != NULL)
		*out = *chain->place;
	else if (chain->geo[0] == NULL)
		return false;
	if (!net_parse(&client, cm_client(s)->ip))
		return true;
	for (size_t i = 0; i < sizeof(chain->geo) / sizeof(*chain->geo); i++) {
		if (chain->geo[i] != NULL)
			geo_look_up(chain->geo[i], &client, out);
	}
	return true;
}

const char *
cm_helo(const struct cm_session *s)
{
	return s->helo;
}

const struct cm_address *
cm_sender(const struct cm_session *s)
{
	return s->in_message ? &s->sender : NULL;
}

size_t
cm_rcpt_count(const struct cm_session *s)
{
	return s->rcpt_count;
}

const struct cm_address *
cm_rcpt(const struct cm_session *s, size_t i)
{
	return i < s->rcpt_count ? &s->rcpts[i] : NULL;
}

const char *
cm_id(const struct cm_session *s)
{
	return s->id;
}

const char *
cm_queue_id(const struct cm_session *s)
{
	return session_queue_id(s);
}

int64_t
cm_size(const struct cm_session *s)
{
	return service_declared(s, CM_NEED_SIZE, "cm_size") ? s->size : -1;
}

enum cm_stage
cm_stage(const struct cm_session *s)
{
	return s->stage;
}
