/* SPDX-License-Identifier: MIT */
/*
 * greylist_record.c - what a record means, and what a visit makes of it
 */
#include "greylist.h"

#define VERSION	  1
#define TIME_MOST (UINT64_C(1) << 40) /* seconds: in 36,000 years */
/* What has passed is written anew when that part of its time is over, not with each mail. */
#define RENEW_PART 16

const char *const greylist_names[GREYLIST_OUTCOMES] = {
	[GREYLIST_NEW] = "new",
	[GREYLIST_EARLY] = "early",
	[GREYLIST_PASSED] = "passed",
	[GREYLIST_KNOWN] = "known",
	[GREYLIST_ALLOWED] = "allowed",
	[GREYLIST_CROWDED] = "crowded",
};

/* The same octets on every machine, for some stores are shared. */
static void
put(unsigned char *out, unsigned octets, uint64_t value)
{
	for (unsigned i = 0; i < octets; i++)
		out[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t
get(const unsigned char *at, unsigned octets)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < octets; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

/* What cannot be read was never there. */
void
greylist_decode(struct greylist_record *r, const void *data, size_t len)
{
	const unsigned char *at = data;
	uint64_t first, last;

	*r = (struct greylist_record){.there = false};
	if (len != GREYLIST_RECORD || at[0] != VERSION)
		return;
	first = get(at + 1, 8);
	last = get(at + 9, 8);
	if (first > TIME_MOST || last > TIME_MOST)
		return;
	*r = (struct greylist_record){
		true, (int64_t)first, (int64_t)last, (uint32_t)get(at + 17, 4)};
}

void
greylist_encode(const struct greylist_record *r, unsigned char out[GREYLIST_RECORD])
{
	out[0] = VERSION;
	put(out + 1, 8, (uint64_t)r->first);
	put(out + 9, 8, (uint64_t)r->last);
	put(out + 17, 4, r->passes);
}

static int64_t
seconds(int64_t us)
{
	return (us + GREYLIST_SECOND - 1) / GREYLIST_SECOND;
}

static bool
worth_writing(const struct greylist_config *c, const struct greylist_record *r, int64_t now)
{
	int64_t age = now - r->last;

	return age < 0 || age > seconds(c->remember_us) / RENEW_PART;
}

static enum greylist_outcome
begin(const struct greylist_config *c, struct greylist_record *r, int64_t now, int64_t *wait,
	int64_t *ttl)
{
	*r = (struct greylist_record){.there = true, .first = now, .last = now};
	*wait = seconds(c->delay_us);
	*ttl = c->window_us;
	return GREYLIST_NEW;
}

static enum greylist_outcome
pass(const struct greylist_config *c, struct greylist_record *r, int64_t now, int64_t *ttl)
{
	enum greylist_outcome outcome = r->passes == 0 ? GREYLIST_PASSED : GREYLIST_KNOWN;

	if (outcome == GREYLIST_KNOWN && !worth_writing(c, r, now))
		return outcome;
	if (r->passes < UINT32_MAX)
		r->passes++;
	r->last = now;
	*ttl = c->remember_us;
	return outcome;
}

enum greylist_outcome
greylist_decide(const struct greylist_config *c, struct greylist_record *r, int64_t now,
	int64_t *wait, int64_t *ttl)
{
	int64_t age = now - r->first;

	*wait = *ttl = 0;
	/* A time that is not yet counts as now: a clock that is set back makes nobody wait longer
	   than once more. */
	if (!r->there || (r->passes == 0 && age < 0))
		return begin(c, r, now, wait, ttl);
	if (r->passes > 0)
		return now - r->last > seconds(c->remember_us) ? begin(c, r, now, wait, ttl)
							       : pass(c, r, now, ttl);
	if (age > seconds(c->window_us))
		return begin(c, r, now, wait, ttl);
	if (age >= seconds(c->delay_us))
		return pass(c, r, now, ttl);
	*wait = seconds(c->delay_us) - age;
	return GREYLIST_EARLY;
}

bool
greylist_allowed(const struct greylist_config *c, const struct greylist_record *from)
{
	return from->there &&
	       (from->passes == GREYLIST_FOR_EVER ||
		       (c->allow_after > 0 && (int64_t)from->passes >= c->allow_after));
}

bool
greylist_renew(const struct greylist_config *c, struct greylist_record *from, int64_t now)
{
	if (from->passes == GREYLIST_FOR_EVER || !worth_writing(c, from, now))
		return false;
	from->last = now;
	return true;
}
