/* SPDX-License-Identifier: MIT */
/*
 * limit.c - the arithmetic of rate limits
 *
 * Levels are doubles, computed in one order: the script that does the same inside Redis
 * (store_redis_limit.lua) must come to the same answers, to the last bit.
 */
#include "limit.h"

#include <math.h>
#include <string.h>

#define VERSION 1
#define MINUTE	INT64_C(60000000)
/* Levels are sums of quotients; less than that is no difference. */
#define CLOSE 1e-6
/* Refused attempts of a strict limit fill a bucket up to so many bursts. */
#define STRICT_BURSTS 2
/* More cannot be pending in a minute; a store that says so is broken. */
#define PENDING_COST_MOST INT64_C(1000000000000000)
/* No bucket leaks for longer than 142 years, so every time is whole in a double, too. */
#define LONGEST (INT64_C(1) << 52)

static int64_t
burst_of(const struct cm_limit_window *w)
{
	return w->burst > 0 ? w->burst : w->count;
}

/* How long that many take to leak; rounded down, or the last of a count would not fit. */
static int64_t
time_of(const struct cm_limit_window *w, double tokens)
{
	double us = floor(tokens * (double)w->period_us / (double)w->count);

	return us < (double)LONGEST ? (int64_t)us : LONGEST;
}

static double
level_of(const struct cm_limit_window *w, const struct limit_bucket *b, int64_t now)
{
	if (b->empty_at <= now)
		return 0;
	return (double)(b->empty_at - now) * (double)w->count / (double)w->period_us;
}

/* --- the record as the limit wants it --- */

static int64_t
find_empty_at(const struct limit_record *r, int64_t period_us)
{
	for (size_t i = 0; i < r->bucket_count; i++) {
		if (r->bucket[i].period_us == period_us)
			return r->bucket[i].empty_at;
	}
	return 0;
}

/* No bucket is fuller than it can be: the clock was set back, or the limit is another. */
static void
align_buckets(const struct cm_limit *limit, int64_t now, struct limit_record *r)
{
	struct limit_record old = *r;

	r->bucket_count = limit->windows;
	for (size_t i = 0; i < limit->windows; i++) {
		const struct cm_limit_window *w = &limit->window[i];
		double most = (double)burst_of(w) * (limit->strict ? STRICT_BURSTS : 1);
		int64_t full = now + time_of(w, most), at = find_empty_at(&old, w->period_us);

		r->bucket[i] = (struct limit_bucket){w->period_us, at < full ? at : full};
	}
}

/* What nobody ended for a quarter of an hour is forgotten; so is what is of another time. */
static void
drop_pending(int64_t now, struct limit_record *r)
{
	int64_t minute = now / MINUTE;
	size_t kept = 0;

	for (size_t i = 0; i < r->pending_count; i++) {
		const struct limit_pending *p = &r->pending[i];

		if (p->cost > 0 && p->cost <= PENDING_COST_MOST &&
			p->minute > minute - (int64_t)LIMIT_PENDING_MOST && p->minute <= minute)
			r->pending[kept++] = *p;
	}
	r->pending_count = kept;
}

static int64_t
sum_pending(const struct limit_record *r)
{
	int64_t sum = 0;

	for (size_t i = 0; i < r->pending_count; i++)
		sum += r->pending[i].cost;
	return sum;
}

static struct limit_pending *
find_pending(struct limit_record *r, int64_t minute)
{
	for (size_t i = 0; i < r->pending_count; i++) {
		if (r->pending[i].minute == minute)
			return &r->pending[i];
	}
	return NULL;
}

/* --- steps --- */

/* Of the windows that refuse, the one that takes longest; else the fullest. */
static void
judge(const struct cm_limit *limit, const struct limit_record *r, int64_t cost, int64_t now,
	struct cm_limit_answer *a)
{
	double pending = (double)sum_pending(r), fullest = -1;

	*a = (struct cm_limit_answer){.ok = true};
	for (size_t i = 0; i < limit->windows; i++) {
		const struct cm_limit_window *w = &limit->window[i];
		double burst = (double)burst_of(w);
		double used = level_of(w, &r->bucket[i], now) + pending;
		double over = used + (double)cost - burst;
		int64_t retry = over > CLOSE ? time_of(w, over) + 1 : 0;
		bool worse = retry > 0 ? retry > a->retry_us
				       : a->retry_us == 0 && used / burst > fullest;

		a->never = a->never || cost > burst_of(w);
		if (!worse)
			continue;
		fullest = used / burst;
		a->ok = retry == 0;
		a->window = i;
		a->used = (int64_t)ceil(used - CLOSE);
		a->limit = burst_of(w);
		a->retry_us = retry;
	}
}

static void
fill(const struct cm_limit *limit, struct limit_record *r, int64_t cost, int64_t now)
{
	for (size_t i = 0; i < limit->windows; i++) {
		struct limit_bucket *b = &r->bucket[i];

		b->empty_at = (b->empty_at > now ? b->empty_at : now) +
			      time_of(&limit->window[i], (double)cost);
	}
}

static void
add_pending(struct limit_record *r, int64_t cost, int64_t now)
{
	struct limit_pending *p = find_pending(r, now / MINUTE);

	/* There is one for each minute that is not over yet: room for another. */
	if (p == NULL) {
		p = &r->pending[r->pending_count++];
		*p = (struct limit_pending){.minute = now / MINUTE};
	}
	p->cost += cost;
}

static void
take_pending(struct limit_record *r, const struct cm_limit_take *take, int64_t now)
{
	struct limit_pending *p = find_pending(r, take->reserved_at / MINUTE);

	if (p != NULL)
		p->cost -= p->cost < take->reserved ? p->cost : take->reserved;
	drop_pending(now, r);
}

static void
reserve(const struct cm_limit *limit, struct limit_record *r, int64_t cost, int64_t now,
	struct cm_limit_answer *a)
{
	if (a->ok) {
		add_pending(r, cost, now);
		a->used += cost;
		a->reserved_at = now;
	} else if (limit->strict && !a->never) {
		fill(limit, r, cost, now);
		align_buckets(limit, now, r);
	}
}

void
limit_step(const struct cm_limit *limit, const struct cm_limit_take *take, int64_t now,
	struct limit_record *r, struct cm_limit_answer *a)
{
	align_buckets(limit, now, r);
	drop_pending(now, r);
	switch (take->step) {
	case CM_LIMIT_LOOK:
		judge(limit, r, take->cost, now, a);
		break;
	case CM_LIMIT_RESERVE:
		judge(limit, r, take->cost, now, a);
		reserve(limit, r, take->cost, now, a);
		break;
	case CM_LIMIT_COMMIT:
		take_pending(r, take, now);
		fill(limit, r, take->cost, now);
		align_buckets(limit, now, r);
		judge(limit, r, 0, now, a);
		break;
	case CM_LIMIT_RELEASE:
		take_pending(r, take, now);
		judge(limit, r, 0, now, a);
		break;
	}
}

int64_t
limit_ends(const struct limit_record *r)
{
	int64_t ends = 0;

	for (size_t i = 0; i < r->bucket_count; i++)
		ends = r->bucket[i].empty_at > ends ? r->bucket[i].empty_at : ends;
	for (size_t i = 0; i < r->pending_count; i++) {
		int64_t over = (r->pending[i].minute + (int64_t)LIMIT_PENDING_MOST) * MINUTE;

		ends = over > ends ? over : ends;
	}
	return ends;
}

/* --- octets --- */

static unsigned char *
put(unsigned char *out, int64_t number)
{
	memcpy(out, &number, sizeof(number));
	return out + sizeof(number);
}

static const unsigned char *
get(const unsigned char *in, int64_t *number)
{
	memcpy(number, in, sizeof(*number));
	return in + sizeof(*number);
}

size_t
limit_encode(const struct limit_record *r, unsigned char out[LIMIT_RECORD_MOST])
{
	unsigned char *at = out + 4;

	memcpy(out,
		(unsigned char[]){VERSION, (unsigned char)r->bucket_count,
			(unsigned char)r->pending_count, 0},
		4);
	for (size_t i = 0; i < r->bucket_count; i++)
		at = put(put(at, r->bucket[i].period_us), r->bucket[i].empty_at);
	for (size_t i = 0; i < r->pending_count; i++)
		at = put(put(at, r->pending[i].minute), r->pending[i].cost);
	return (size_t)(at - out);
}

void
limit_decode(struct limit_record *r, const void *data, size_t len)
{
	const unsigned char *at = data;

	*r = (struct limit_record){0};
	if (len < 4 || at[0] != VERSION || at[1] > CM_LIMIT_WINDOWS || at[2] > LIMIT_PENDING_MOST ||
		len != 4u + 16u * at[1] + 16u * at[2])
		return;
	r->bucket_count = at[1];
	r->pending_count = at[2];
	at += 4;
	for (size_t i = 0; i < r->bucket_count; i++)
		at = get(get(at, &r->bucket[i].period_us), &r->bucket[i].empty_at);
	for (size_t i = 0; i < r->pending_count; i++)
		at = get(get(at, &r->pending[i].minute), &r->pending[i].cost);
}
