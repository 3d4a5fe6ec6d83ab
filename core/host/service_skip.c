/* SPDX-License-Identifier: MIT */
/*
 * service_skip.c - whom a link leaves alone
 *
 * The same answer for every check that has these settings. What the client is by itself comes
 * first, for it is known in any case: a login that is not told does not matter then.
 */
#include <chainmail/plugin.h>

#include <stdio.h>

#define KEY_SIZE 400u

/* Everything that may be looked at; sender and rcpt: NULL where there is none. */
struct subject {
	struct cm_session *s;
	const struct cm_skip *skip;
	const struct cm_address *sender, *rcpt;
};

static enum cm_known
is(bool it)
{
	return it ? CM_KNOWN : CM_NONE;
}

static enum cm_known
listed(const struct subject *about, const struct cm_map *map, const char *key)
{
	const char *value;

	return key[0] == '\0' ? CM_NONE : cm_map_get(about->s, map, key, &value);
}

static const char *
join(char key[KEY_SIZE], const char *before, const char *text, const char *behind)
{
	int len = snprintf(key, KEY_SIZE, "%s%s%s", before, text, behind);

	return text[0] == '\0' || len >= (int)KEY_SIZE ? "" : key;
}

/* As it is, then @domain, domain, and perhaps user@ of any domain. */
static enum cm_known
address_listed(const struct subject *about, const struct cm_map *map, const struct cm_address *a,
	bool any_domain)
{
	char at_domain[KEY_SIZE], user_at[KEY_SIZE];
	enum cm_known known = CM_NONE;

	if (map == NULL || a == NULL)
		return CM_NONE;
	const char *const keys[] = {a->null ? "<>" : a->addr, join(at_domain, "@", a->domain, ""),
		a->domain, any_domain ? join(user_at, "", a->user, "@") : ""};

	for (size_t i = 0; known == CM_NONE && i < sizeof(keys) / sizeof(*keys); i++)
		known = listed(about, map, keys[i]);
	return known;
}

static enum cm_known
local(const struct subject *about)
{
	return is(cm_client(about->s)->ip[0] == '\0');
}

static enum cm_known
in_networks(const struct subject *about)
{
	return is(cm_client_in(about->s, about->skip->networks));
}

static enum cm_known
trusted(const struct subject *about)
{
	return is(about->skip->trusted && cm_client_trusted(about->s));
}

static enum cm_known
logged_in(const struct subject *about)
{
	const struct cm_auth *auth;

	return about->skip->authenticated && about->sender != NULL ? cm_auth(about->s, &auth)
								   : CM_NONE;
}

static enum cm_known
client_listed(const struct subject *about)
{
	const struct cm_map *map = about->skip->clients;

	return map == NULL ? CM_NONE : listed(about, map, cm_client(about->s)->ip);
}

static enum cm_known
sender_listed(const struct subject *about)
{
	return address_listed(about, about->skip->senders, about->sender, false);
}

static enum cm_known
sender_or_user_listed(const struct subject *about)
{
	return address_listed(about, about->skip->senders_or_users, about->sender, true);
}

static enum cm_known
rcpt_listed(const struct subject *about)
{
	return address_listed(about, about->skip->recipients, about->rcpt, true);
}

static const struct {
	enum cm_known (*holds)(const struct subject *);
	const char *words, *unclear;
} kinds[] = {
	{local, "a local client", NULL},
	{in_networks, "a client of skip_for", NULL},
	{trusted, "a trusted client", NULL},
	{logged_in, "a login", "the mail server does not tell {auth_authen}"},
	{client_listed, "a client of skip_clients", "the map skip_clients cannot be read"},
	{sender_listed, "a sender of skip_senders", "the map skip_senders cannot be read"},
	{sender_or_user_listed, "a sender of skip_senders", "the map skip_senders cannot be read"},
	{rcpt_listed, "a recipient of skip_recipients", "the map skip_recipients cannot be read"},
};

enum cm_known
cm_skip(struct cm_session *s, const struct cm_skip *skip, const struct cm_address *rcpt,
	const char **why)
{
	const struct subject about = {s, skip, cm_sender(s), rcpt};
	enum cm_known known = CM_NONE;

	*why = NULL;
	for (size_t i = 0; known == CM_NONE && i < sizeof(kinds) / sizeof(*kinds); i++) {
		known = kinds[i].holds(&about);
		if (known != CM_NONE)
			*why = known == CM_KNOWN ? kinds[i].words : kinds[i].unclear;
	}
	return known;
}
