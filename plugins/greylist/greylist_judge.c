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

static const char *
sender_of(struct cm_session *s)
{
	struct greylist_message *m = cm_msg(s);
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

/* --- the answer --- */

static void
publish(struct cm_session *s, const char *result, int64_t wait)
{
	char seconds[24] = "0";

	cm_set_result(s, "result", result);
	if (wait != 0)
		snprintf(seconds, sizeof(seconds), "%lld", (long long)wait);
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
	struct greylist_keys keys;
	enum greylist_outcome outcome;
	enum cm_store_status status;

	if (!vouched_for(s, j->from, sizeof(j->from)) &&
		!greylist_network(c, cm_client(s)->ip, j->from, sizeof(j->from))) {
		unclear(s, j, "the mail server does not tell the client's address");
		return;
	}
	greylist_keys(&keys, cm_link_name(s), j->from, sender_of(s), spelled(j->rcpt));
	status = greylist_visit(s, c->store, &keys, delay_us, &outcome, &j->wait);
	if (status != CM_STORE_OK && c->on_store_error == GREYLIST_MEMORY)
		status = greylist_visit(
			s, cm_store_fallback(c->store), &keys, delay_us, &outcome, &j->wait);
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
