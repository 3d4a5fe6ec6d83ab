/* SPDX-License-Identifier: MIT */
/*
 * greylist_judge.c - what becomes of one recipient, and why
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "greylist.h"

#define FROM_SIZE   300u
#define REASON_SIZE 400u

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
	char seconds[24];

	cm_set_result(s, "result", result);
	snprintf(seconds, sizeof(seconds), "%lld", (long long)wait);
	cm_set_result(s, "wait", seconds);
}

static struct greylist_judgement __attribute__((format(printf, 4, 5)))
judge(struct cm_session *s, enum cm_verdict verdict, int64_t wait, const char *format, ...)
{
	char *reason = cm_msg_alloc(s, REASON_SIZE);
	va_list args;

	va_start(args, format);
	vsnprintf(reason, REASON_SIZE, format, args);
	va_end(args);
	return (struct greylist_judgement){verdict, wait, reason};
}

/* Of the recipient before there may be another result. */
static struct greylist_judgement
unclear(struct cm_session *s, const char *why)
{
	publish(s, "unknown", 0);
	return judge(s, CM_FAILED, 0, "%s", why);
}

static struct greylist_judgement
no_store(struct cm_session *s)
{
	bool skip = config_of(s)->on_store_error == GREYLIST_SKIP;

	publish(s, "unknown", 0);
	if (!skip)
		cm_reply(s, 451, "4.3.0", "Temporary problem, please try again later");
	return judge(s, skip ? CM_CONTINUE : CM_TEMPFAIL, 0,
		"the store does not answer, or has no room");
}

static struct greylist_judgement
seen(struct cm_session *s, enum greylist_outcome outcome, int64_t wait, const char *from,
	const struct cm_address *rcpt)
{
	publish(s, greylist_names[outcome], wait);
	return judge(s, CM_CONTINUE, wait, "%s %s %s: %s", from, spelled(cm_sender(s)),
		spelled(rcpt),
		outcome == GREYLIST_NEW ? "first seen now" : greylist_names[outcome]);
}

static struct greylist_judgement
visit(struct cm_session *s, const struct cm_address *rcpt, int64_t delay_us)
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
	status = greylist_visit(s, c->store, &keys, delay_us, &outcome, &wait);
	if (status != CM_STORE_OK && c->on_store_error == GREYLIST_MEMORY)
		status = greylist_visit(
			s, cm_store_fallback(c->store), &keys, delay_us, &outcome, &wait);
	return status == CM_STORE_OK ? seen(s, outcome, wait, from, rcpt) : no_store(s);
}

struct greylist_judgement
greylist_judge(struct cm_session *s, const struct cm_address *rcpt, int64_t delay_us)
{
	const char *why;

	switch (cm_skip(s, &config_of(s)->skip, rcpt, &why)) {
	case CM_KNOWN:
		publish(s, "skipped", 0);
		return judge(s, CM_CONTINUE, 0, "not greylisted: %s", why);
	case CM_UNDELIVERED:
		return unclear(s, why);
	case CM_NONE:
		break;
	}
	return visit(s, rcpt, delay_us);
}

enum cm_verdict
greylist_make_wait(struct cm_session *s, int64_t wait)
{
	cm_reply(s, 451, "4.7.1", "Greylisted, try again in %lld second%s", (long long)wait,
		wait == 1 ? "" : "s");
	return CM_TEMPFAIL;
}
