/* SPDX-License-Identifier: MIT */
/*
 * greylist_judge.c - what becomes of one recipient, and why
 */
#include <stdio.h>
#include <string.h>

#include "greylist.h"

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
	size_t need = domain == NULL ? 0 : strlen(domain) + 1;

	if (!config_of(s)->use_spf || result == NULL || strcmp(result, "pass") != 0 ||
		scope == NULL || strcmp(scope, "mailfrom") != 0 || need <= 1 || need > size ||
		(term != NULL && greylist_matches_anybody(term)))
		return false;
	memcpy(out, domain, need);
	return true;
}

/* What is no address still is what it is. */
static const char *
spelled(const struct cm_address *a)
{
	if (a->null)
		return "<>";
	return a->addr[0] == '\0' ? a->text : a->addr;
}

/* NULL: the mail server did not tell the client's address. */
static const char *
from_of(struct cm_session *s)
{
	char from[GREYLIST_FROM];
	size_t size;
	char *kept;

	if (!vouched_for(s, from, sizeof(from)) &&
		!greylist_network(config_of(s), cm_client(s)->ip, from, sizeof(from)))
		return NULL;
	size = strlen(from) + 1;
	kept = cm_msg_alloc(s, size);
	return memcpy(kept, from, size);
}

/* The sender without what changes from message to message. */
static const char *
sender_of(struct cm_session *s)
{
	const char *sender = spelled(cm_sender(s));
	size_t size = strlen(sender) + 1;
	char *same = cm_msg_alloc(s, size);

	greylist_sender(sender, same, size);
	return same;
}

/* For the message once, but for the recipient. NULL: as from_of(). */
static const struct greylist_keys *
keys_of(struct cm_session *s, const struct cm_address *rcpt)
{
	struct greylist_message *m = cm_msg(s);

	if (m->keys == NULL) {
		m->from = from_of(s);
		if (m->from == NULL)
			return NULL;
		m->keys = cm_msg_alloc(s, sizeof(*m->keys));
		greylist_keys(m->keys, cm_link_name(s), m->from, sender_of(s));
	}
	greylist_keys_rcpt(m->keys, spelled(rcpt));
	return m->keys;
}

/* --- the answer --- */

/* Said again only for who reads each step. */
static void
publish(struct cm_session *s, const char *result, int64_t wait)
{
	const char *before = cm_result(s, "greylist", "result");

	if (before == NULL || strcmp(before, result) != 0 || cm_explained(s))
		cm_set_result(s, "result", result);
	((struct greylist_message *)cm_msg(s))->said_wait = wait;
	cm_results_due(s, false);
}

void
greylist_publish_said(struct cm_session *s)
{
	const struct greylist_message *m = cm_msg(s);
	char seconds[24];

	snprintf(seconds, sizeof(seconds), "%lld", (long long)m->said_wait);
	cm_set_result(s, "wait", seconds);
}

/* Of the recipient before there may be another result. */
static void
unclear(struct cm_session *s, struct greylist_judgement *j, const char *why)
{
	publish(s, "unknown", 0);
	j->verdict = CM_FAILED;
	j->what = why;
}

static void
no_store(struct cm_session *s, struct greylist_judgement *j)
{
	publish(s, "unknown", 0);
	j->what = "the store does not answer, or has no room";
	if (config_of(s)->on_store_error == GREYLIST_SKIP)
		return;
	cm_reply(s, 451, "4.3.0", "Temporary problem, please try again later");
	j->verdict = CM_TEMPFAIL;
}

static void
visit(struct cm_session *s, struct greylist_judgement *j, int64_t delay_us)
{
	const struct greylist_config *c = config_of(s);
	const struct greylist_keys *keys = keys_of(s, j->rcpt);
	enum greylist_outcome outcome;
	enum cm_store_status status;

	if (keys == NULL) {
		unclear(s, j, "the mail server does not tell the client's address");
		return;
	}
	j->from = ((struct greylist_message *)cm_msg(s))->from;
	status = greylist_visit(s, c->store, keys, delay_us, &outcome, &j->wait);
	if (status != CM_STORE_OK && c->on_store_error == GREYLIST_MEMORY)
		status = greylist_visit(
			s, cm_store_fallback(c->store), keys, delay_us, &outcome, &j->wait);
	if (status != CM_STORE_OK) {
		j->wait = 0;
		no_store(s, j);
		return;
	}
	publish(s, greylist_names[outcome], j->wait);
	j->visited = true;
	j->what = outcome == GREYLIST_NEW ? "first seen now" : greylist_names[outcome];
}

void
greylist_judge(struct cm_session *s, const struct cm_address *rcpt, int64_t delay_us,
	struct greylist_judgement *j)
{
	const char *why;

	j->verdict = CM_CONTINUE;
	j->wait = 0;
	j->rcpt = rcpt;
	j->skipped = j->visited = false;
	switch (cm_skip(s, &config_of(s)->skip, rcpt, &why)) {
	case CM_KNOWN:
		publish(s, "skipped", 0);
		j->skipped = true;
		j->what = why;
		return;
	case CM_UNDELIVERED:
		unclear(s, j, why);
		return;
	case CM_NONE:
		break;
	}
	visit(s, j, delay_us);
}

void
greylist_give_reason(struct cm_session *s, const struct greylist_judgement *j, const char *more)
{
	if (j->visited)
		cm_reason(s, "%s %s %s: %s%s", j->from, spelled(cm_sender(s)), spelled(j->rcpt),
			j->what, more);
	else
		cm_reason(s, "%s%s", j->skipped ? "not greylisted: " : "", j->what);
}

enum cm_verdict
greylist_make_wait(struct cm_session *s, int64_t wait)
{
	cm_reply(s, 451, "4.7.1", "Greylisted, try again in %lld second%s", (long long)wait,
		wait == 1 ? "" : "s");
	return CM_TEMPFAIL;
}
