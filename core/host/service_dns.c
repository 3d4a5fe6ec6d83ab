/* SPDX-License-Identifier: MIT */
/*
 * service_dns.c - what links ask DNS
 *
 * A message remembers what it asked, so that all its links and stages go by the same answers. The
 * questions themselves are the resolver's; the session holds them until its message ends.
 */
#include <chainmail/plugin.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/net.h"
#include "chain/chain.h"
#include "mail/session.h"
#include "service.h"
#include "service/resolver.h"

/* The hook must still be able to say what it makes of an answer that did not come. */
#define MARGIN_US (50 * CLOCK_MS)
/* Outside of a hook (a probe) nobody waits for longer. */
#define ALONE_US (30 * CLOCK_SEC)
/* Names of IPv6 addresses: 32 nibbles with their dots. */
#define NIBBLES_SIZE 65

struct session_question {
	struct session_question *next;
	const char *name;
	enum cm_dns_type type;
	struct question *question;
	bool known; /* answered when it was asked */
	bool collected;
	struct cm_dns_answer answer;
};

static void
drop(void *question)
{
	question_drop(question);
}

static struct session_question *
find(const struct cm_session *s, const char *name, enum cm_dns_type type)
{
	struct session_question *q = s->in_message ? s->questions : NULL;

	while (q != NULL && (q->type != type || strcmp(q->name, name) != 0))
		q = q->next;
	return q;
}

/* Where the questions of now are kept; NULL: nowhere, for they are nobody's. */
static struct session_question **
questions_of(struct cm_session *s)
{
	if (s->in_message)
		return &s->questions;
	if (s->scratch != NULL || s->stage > CM_STAGE_HELO)
		return NULL;
	return s->stage == CM_STAGE_HELO ? &s->helo_questions : &s->conn_questions;
}

static struct session_question *
ask(struct cm_session *s, const char *name, enum cm_dns_type type)
{
	struct arena *arena = session_arena(s);
	struct session_question *q = arena_alloc(arena, sizeof(*q));
	struct session_question **list = questions_of(s);

	q->name = arena_strdup(arena, name);
	q->type = type;
	q->question = resolver_ask(chain_of(s)->resolver, name, type);
	q->known = question_answered(q->question);
	arena_defer(arena, drop, q->question);
	s->dns_asked++;
	s->dns_missed += !q->known;
	if (list != NULL) {
		q->next = *list;
		*list = q;
	}
	return q;
}

static struct session_question *
find_or_ask(struct cm_session *s, const char *name, enum cm_dns_type type)
{
	struct session_question *q = find(s, name, type);

	return q != NULL ? q : ask(s, name, type);
}

void
cm_dns_begin(struct cm_session *s, const char *name, enum cm_dns_type type)
{
	find_or_ask(s, name, type);
}

const struct cm_dns_answer *
cm_dns(struct cm_session *s, const char *name, enum cm_dns_type type)
{
	struct session_question *q = find_or_ask(s, name, type);
	int64_t deadline =
		chain_running(s) != NULL ? chain_deadline(s) - MARGIN_US : clock_now() + ALONE_US;

	/* Who came too late may ask again: the answer may have come meanwhile. */
	if (!q->collected || q->answer.status == CM_DNS_TIMEOUT) {
		question_wait(q->question, deadline, &q->answer);
		q->answer.cached = q->known;
		q->collected = true;
	}
	return &q->answer;
}

void
service_dns_each(const struct cm_session *s,
	void (*each)(void *context, const struct service_question *), void *context)
{
	const struct session_question *lists[] = {
		s->conn_questions, s->helo_questions, s->questions};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		for (const struct session_question *q = lists[i]; q != NULL; q = q->next) {
			struct service_question told = {
				q->name, q->type, q->answer, q->known, q->collected};

			/* Who began to ask need not have collected the answer. */
			if (!q->collected && question_answered(q->question))
				question_wait(q->question, clock_now(), &told.answer);
			else if (!q->collected)
				told.answer = (struct cm_dns_answer){
					.status = CM_DNS_CANCELLED, .name = q->name};
			each(context, &told);
		}
	}
}

/* --- names of addresses --- */

static void
write_v4(const unsigned char *octets, char *out, size_t size)
{
	snprintf(out, size, "%u.%u.%u.%u", octets[3], octets[2], octets[1], octets[0]);
}

static void
write_v6(const unsigned char *octets, char *out)
{
	static const char hex[] = "0123456789abcdef";

	for (int i = 15; i >= 0; i--) {
		*out++ = hex[octets[i] & 15];
		*out++ = '.';
		*out++ = hex[octets[i] >> 4];
		*out++ = i > 0 ? '.' : '\0';
	}
}

bool
cm_dns_reverse(const char *ip, const char *zone, char *out, size_t size)
{
	char reversed[NIBBLES_SIZE];
	struct net_addr addr;
	int len;

	if (!net_parse(&addr, ip))
		return false;
	if (addr.family == 4)
		write_v4(addr.octets, reversed, sizeof(reversed));
	else
		write_v6(addr.octets, reversed);
	if (zone == NULL)
		zone = addr.family == 4 ? "in-addr.arpa" : "ip6.arpa";
	len = snprintf(out, size, "%s.%s", reversed, zone);
	return len > 0 && (size_t)len < size;
}
