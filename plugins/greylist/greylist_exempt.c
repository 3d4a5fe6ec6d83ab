/* SPDX-License-Identifier: MIT */
/*
 * greylist_exempt.c - who need not wait
 */
#include <stdio.h>

#include "greylist.h"

#define KEY_SIZE 400u

static const struct greylist_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

static enum cm_known
listed(struct cm_session *s, const struct cm_map *map, const char *key)
{
	const char *value;

	return map == NULL || key[0] == '\0' ? CM_NONE : cm_map_get(s, map, key, &value);
}

/* As it is, then @domain, domain, and user@ of any domain. */
static enum cm_known
address_listed(struct cm_session *s, const struct cm_map *map, const struct cm_address *a)
{
	char at_domain[KEY_SIZE] = "", user_at[KEY_SIZE] = "";
	const char *const keys[] = {a->null ? "<>" : a->addr, at_domain, a->domain, user_at};
	enum cm_known known = CM_NONE;

	if (a->domain[0] != '\0')
		snprintf(at_domain, sizeof(at_domain), "@%s", a->domain);
	if (a->user[0] != '\0')
		snprintf(user_at, sizeof(user_at), "%s@", a->user);
	for (size_t i = 0; known == CM_NONE && i < sizeof(keys) / sizeof(*keys); i++)
		known = listed(s, map, keys[i]);
	return known;
}

static enum cm_known
is(bool it)
{
	return it ? CM_KNOWN : CM_NONE;
}

static enum cm_known
local(struct cm_session *s, const struct cm_address *rcpt)
{
	(void)rcpt;
	return is(cm_client(s)->ip[0] == '\0');
}

static enum cm_known
in_networks(struct cm_session *s, const struct cm_address *rcpt)
{
	(void)rcpt;
	return is(cm_client_in(s, config_of(s)->skip_for));
}

static enum cm_known
trusted(struct cm_session *s, const struct cm_address *rcpt)
{
	(void)rcpt;
	return is(config_of(s)->skip_trusted && cm_client_trusted(s));
}

static enum cm_known
logged_in(struct cm_session *s, const struct cm_address *rcpt)
{
	const struct cm_auth *auth;

	(void)rcpt;
	return config_of(s)->skip_authenticated ? cm_auth(s, &auth) : CM_NONE;
}

static enum cm_known
client_listed(struct cm_session *s, const struct cm_address *rcpt)
{
	(void)rcpt;
	return listed(s, config_of(s)->skip_clients, cm_client(s)->ip);
}

static enum cm_known
sender_listed(struct cm_session *s, const struct cm_address *rcpt)
{
	(void)rcpt;
	return address_listed(s, config_of(s)->skip_senders, cm_sender(s));
}

static enum cm_known
rcpt_listed(struct cm_session *s, const struct cm_address *rcpt)
{
	return address_listed(s, config_of(s)->skip_recipients, rcpt);
}

static const struct {
	const char *words;
	enum cm_known (*holds)(struct cm_session *, const struct cm_address *rcpt);
} kinds[] = {
	{"a local client", local},
	{"a client of skip_for", in_networks},
	{"a trusted client", trusted},
	{"a login", logged_in},
	{"a client of skip_clients", client_listed},
	{"a sender of skip_senders", sender_listed},
	{"a recipient of skip_recipients", rcpt_listed},
};

enum cm_known
greylist_exempt(struct cm_session *s, const struct cm_address *rcpt, const char **why)
{
	enum cm_known known = CM_NONE;

	for (size_t i = 0; known == CM_NONE && i < sizeof(kinds) / sizeof(*kinds); i++) {
		*why = kinds[i].words;
		known = kinds[i].holds(s, rcpt);
	}
	return known;
}
