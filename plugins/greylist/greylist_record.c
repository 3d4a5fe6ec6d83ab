/* SPDX-License-Identifier: MIT */
/*
 * greylist_record.c - what a record means, and what a visit makes of it
 */
#include <string.h>

#include "greylist.h"

#define VERSION 1

const char *const greylist_names[GREYLIST_OUTCOMES] = {
	[GREYLIST_NEW] = "new",
	[GREYLIST_EARLY] = "early",
	[GREYLIST_PASSED] = "passed",
	[GREYLIST_KNOWN] = "known",
	[GREYLIST_ALLOWED] = "allowed",
};

/* What cannot be read was never there. */
void
greylist_decode(struct greylist_record *r, const void *data, size_t len)
{
	const unsigned char *at = data;

	*r = (struct greylist_record){.there = false};
	if (len != GREYLIST_RECORD || at[0] != VERSION)
		return;
	r->there = true;
	memcpy(&r->first, at + 1, sizeof(r->first));
	memcpy(&r->last, at + 9, sizeof(r->last));
	memcpy(&r->passes, at + 17, sizeof(r->passes));
}

void
greylist_encode(const struct greylist_record *r, unsigned char out[GREYLIST_RECORD])
{
	out[0] = VERSION;
	memcpy(out + 1, &r->first, sizeof(r->first));
	memcpy(out + 9, &r->last, sizeof(r->last));
	memcpy(out + 17, &r->passes, sizeof(r->passes));
}

static int64_t
seconds(int64_t us)
{
	return us / GREYLIST_SECOND;
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
	/* A clock that was set back makes nobody wait longer than once more. */
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
