/* SPDX-License-Identifier: MIT */
/*
 * profile.c - which profile is for this mail
 *
 * A condition on something the MTA never tells must not count as "does not hold": then mail of a
 * submission port would pass as mail from outside. Nobody knows, and MAIL gets a temporary failure.
 */
#include <string.h>

#include "base/log.h"
#include "run.h"

/* A macro as a condition sees it; before MAIL the MTA may still tell it. */
static enum cm_known
told(const struct cm_session *s, const char *macro, const char **value)
{
	enum cm_known known = session_macro(s, macro, value);

	return known == CM_UNDELIVERED && !s->in_message ? CM_NONE : known;
}

static enum cm_known
holds(bool condition)
{
	return condition ? CM_KNOWN : CM_NONE;
}

static enum cm_known
port_holds(const struct profile *p, const struct cm_session *s)
{
	const char *value;
	enum cm_known known;

	if (p->ports.count == 0)
		return CM_KNOWN;
	known = told(s, "{daemon_port}", &value);
	for (size_t i = 0; known == CM_KNOWN && i < p->ports.count; i++) {
		if (p->ports.items[i] == (int64_t)s->server.port)
			return CM_KNOWN;
	}
	return known == CM_KNOWN ? CM_NONE : known;
}

static enum cm_known
daemon_holds(const struct profile *p, const struct cm_session *s)
{
	const char *value;
	enum cm_known known;

	if (p->daemons.count == 0)
		return CM_KNOWN;
	known = told(s, "{daemon_name}", &value);
	for (size_t i = 0; known == CM_KNOWN && i < p->daemons.count; i++) {
		if (strcmp(p->daemons.items[i], value) == 0)
			return CM_KNOWN;
	}
	return known == CM_KNOWN ? CM_NONE : known;
}

static enum cm_known
client_holds(const struct profile *p, const struct cm_session *s)
{
	return holds(p->clients == NULL || networks_have(p->clients, &s->peer));
}

static enum cm_known
login_holds(const struct profile *p, const struct cm_session *s)
{
	const char *user;
	enum cm_known known;

	if (p->login == PROFILE_ANY)
		return CM_KNOWN;
	known = told(s, "{auth_authen}", &user);
	if (known == CM_UNDELIVERED)
		return known;
	return holds((known == CM_KNOWN) == (p->login == PROFILE_AUTHENTICATED));
}

typedef enum cm_known condition(const struct profile *, const struct cm_session *);

/* What is always known stands first, so that it can rule a profile out. */
static condition *const conditions[] = {client_holds, port_holds, daemon_holds, login_holds};

#define CONDITIONS (sizeof(conditions) / sizeof(*conditions))

static enum cm_known
profile_holds(const struct profile *p, const struct cm_session *s)
{
	enum cm_known all = CM_KNOWN;

	for (size_t i = 0; i < CONDITIONS; i++) {
		enum cm_known one = conditions[i](p, s);

		if (one == CM_NONE)
			return CM_NONE;
		if (one == CM_UNDELIVERED)
			all = one;
	}
	return all;
}

enum cm_known
chain_profile(const struct chain *chain, const struct cm_session *s, const struct profile **profile)
{
	for (size_t i = 0; i < chain->profile_count; i++) {
		enum cm_known known = profile_holds(&chain->profiles[i], s);

		if (known == CM_NONE)
			continue;
		*profile = &chain->profiles[i];
		return known;
	}
	*profile = NULL;
	return CM_NONE;
}

bool
profile_counts(const struct run *r, const struct link *l)
{
	return r->profile != NULL && r->profile->mode == LINK_ENFORCE &&
	       r->profile->has[l->index] && !r->states[l->index].sampled_out;
}

/* What the links of the profile want kept of the message. */
static void
keep_for(struct cm_session *s, const struct run *r)
{
	uint32_t needs = 0;

	for (size_t i = 0; r->profile != NULL && i < r->chain->link_count; i++) {
		if (r->profile->has[i] && !r->states[i].off)
			needs |= r->chain->links[i]->needs;
	}
	/* An edit of a field must know whether the field is there. */
	s->keep_headers = (needs & (CM_NEED_HEADERS | CM_EDIT_HEADERS)) != 0;
	s->keep_body = (needs & CM_NEED_BODY) != 0;
}

/* A message is wholly in the sample of a link, or wholly out of it, with what was held for it. */
static void
draw_samples(const struct cm_session *s, struct run *r)
{
	for (size_t i = 0; s->in_message && i < r->chain->link_count; i++)
		r->states[i].sampled_out = link_sampled_out(s, r->chain->links[i]);
}

bool
profile_choose(struct cm_session *s)
{
	struct run *r = s->run;
	enum cm_known known = chain_profile(r->chain, s, &r->profile);

	if (known == CM_UNDELIVERED) {
		log_write(LOG_LEVEL_ERROR,
			"%s profile %s has a condition on what this MTA does not tell (port, "
			"daemon or "
			"login); let it send {daemon_port}, {daemon_name} and {auth_authen}",
			s->in_message ? s->id : s->conn_id, r->profile->name);
		r->profile = NULL;
		return false;
	}
	keep_for(s, r);
	draw_samples(s, r);
	return true;
}
