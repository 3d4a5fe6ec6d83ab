/* SPDX-License-Identifier: MIT */
/*
 * ratelimit_take.c - what a message takes for its recipients, and what of it was taken in the end
 *
 * Whether a later link refuses a recipient is known when the next one comes. What was reserved for
 * him is spare then, and the next of his subject has it.
 */
#include "ratelimit.h"

#include <string.h>

static const struct ratelimit_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

void
ratelimit_settle_latest(struct cm_session *s, struct ratelimit_message *m)
{
	struct ratelimit_latest *l = &m->latest;
	bool accepted = cm_rcpt_count(s) > l->before;

	if (ratelimit_at_mail(config_of(s)) && m->subjects != NULL)
		m->subjects->live = cm_rcpt_count(s) > 0;
	if (l->subject == NULL)
		return;
	l->subject->live = l->subject->live || accepted;
	for (size_t i = 0; i < l->subject->bucket_count; i++) {
		struct ratelimit_bucket *b = &l->subject->bucket[i];

		if ((l->buckets & 1u << i) == 0)
			continue;
		b->taken += accepted;
		b->spare += !accepted;
		if (accepted && b->seen != NULL)
			ratelimit_add_member(s, b, l->rcpt);
	}
	l->subject = NULL;
}

static struct ratelimit_answer
take_recipient(struct cm_session *s, struct ratelimit_subject *subject, const char *rcpt,
	unsigned *buckets)
{
	struct ratelimit_answer a = ratelimit_reserve_one(s, subject->bucket);

	(void)rcpt;
	*buckets = a.outcome == RATELIMIT_OK;
	return a;
}

/* All buckets, or none. */
static struct ratelimit_answer
take_new(struct cm_session *s, struct ratelimit_subject *subject, const char *rcpt,
	unsigned *buckets)
{
	struct ratelimit_answer a = {.outcome = RATELIMIT_OK};

	*buckets = 0;
	for (size_t i = 0; i < subject->bucket_count && a.outcome == RATELIMIT_OK; i++) {
		struct ratelimit_answer one;
		bool took;

		one = ratelimit_reserve_new(s, &subject->bucket[i], rcpt, &took);
		if (one.limit != NULL)
			a = one;
		*buckets |= (unsigned)took << i;
	}
	if (a.outcome == RATELIMIT_OK)
		return a;
	for (size_t i = 0; i < subject->bucket_count; i++)
		subject->bucket[i].spare += (*buckets & 1u << i) != 0;
	*buckets = 0;
	return a;
}

/* One for the whole message, however many recipients it has; so is the answer. */
static struct ratelimit_answer
take_once(struct cm_session *s, struct ratelimit_subject *subject, int64_t cost, unsigned *buckets)
{
	*buckets = 0;
	if (!subject->asked && cost > 0)
		subject->answer = ratelimit_reserve(s, subject->bucket, cost);
	subject->asked = true;
	return subject->answer;
}

static struct ratelimit_answer
take_message(struct cm_session *s, struct ratelimit_subject *subject, const char *rcpt,
	unsigned *buckets)
{
	(void)rcpt;
	return take_once(s, subject, 1, buckets);
}

static struct ratelimit_answer
take_size(struct cm_session *s, struct ratelimit_subject *subject, const char *rcpt,
	unsigned *buckets)
{
	const struct ratelimit_message *m = cm_msg(s);

	(void)rcpt;
	return take_once(s, subject, ratelimit_cost(&subject->bucket->limit, m->size), buckets);
}

/* Takes for one recipient; in *buckets those of which it took something for him alone. */
static struct ratelimit_answer (*const takes[])(
	struct cm_session *, struct ratelimit_subject *, const char *rcpt, unsigned *buckets) = {
	[RATELIMIT_MESSAGES] = take_message,
	[RATELIMIT_RECIPIENTS] = take_recipient,
	[RATELIMIT_DISTINCT] = take_new,
	[RATELIMIT_BYTES] = take_size,
	[RATELIMIT_CONNECTIONS] = NULL,
	[RATELIMIT_ERRORS] = NULL,
};

bool
ratelimit_takes(const struct ratelimit_config *config)
{
	return takes[config->count] != NULL;
}

bool
ratelimit_at_mail(const struct ratelimit_config *config)
{
	return (config->count == RATELIMIT_MESSAGES || config->count == RATELIMIT_BYTES) &&
	       !ratelimit_key_by_rcpt(config);
}

struct ratelimit_answer
ratelimit_take_message(struct cm_session *s, struct ratelimit_subject *subject)
{
	unsigned none;

	return takes[config_of(s)->count](s, subject, NULL, &none);
}

struct ratelimit_answer
ratelimit_take(struct cm_session *s, struct ratelimit_message *m, struct ratelimit_subject *subject,
	const struct cm_address *rcpt)
{
	const char *addr = rcpt->addr[0] == '\0' ? rcpt->text : rcpt->addr;
	struct ratelimit_latest latest = {.subject = subject, .before = cm_rcpt_count(s)};
	struct ratelimit_answer a;
	char *kept;

	a = takes[config_of(s)->count](s, subject, addr, &latest.buckets);
	if (latest.buckets != 0 && config_of(s)->count == RATELIMIT_DISTINCT) {
		kept = cm_msg_alloc(s, strlen(addr) + 1);
		latest.rcpt = memcpy(kept, addr, strlen(addr) + 1);
	}
	m->latest = latest;
	return a;
}

/* What it came to, of all that was reserved. */
static int64_t
taken(struct cm_session *s, const struct ratelimit_message *m,
	const struct ratelimit_subject *subject, struct ratelimit_bucket *b)
{
	switch ((enum ratelimit_count)config_of(s)->count) {
	case RATELIMIT_MESSAGES:
		return subject->live;
	case RATELIMIT_RECIPIENTS:
		return b->taken;
	case RATELIMIT_DISTINCT:
		return ratelimit_count_members(s, b);
	case RATELIMIT_BYTES:
		return subject->live ? ratelimit_cost(&b->limit, m->size) : 0;
	case RATELIMIT_CONNECTIONS:
	case RATELIMIT_ERRORS:
		break;
	}
	return 0;
}

void
ratelimit_settle_subject(struct cm_session *s, const struct ratelimit_message *m,
	struct ratelimit_subject *subject, bool accepted)
{
	for (size_t i = 0; i < subject->bucket_count; i++) {
		struct ratelimit_bucket *b = &subject->bucket[i];

		if (b->slots != NULL)
			ratelimit_settle(s, b, accepted ? taken(s, m, subject, b) : 0);
	}
}
