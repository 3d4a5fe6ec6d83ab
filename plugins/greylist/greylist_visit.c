/* SPDX-License-Identifier: MIT */
/*
 * greylist_visit.c - a visit of a triple, in the store
 *
 * Several servers may see the same triple at once. Of those who see it first one writes the record,
 * so a second first attempt does not begin the time anew. Triples that passed are a set, so none
 * counts twice.
 */
#include "greylist.h"

/* Longer than a hook may take, so whoever has it has written or will not. */
#define CLAIM_US (60 * GREYLIST_SECOND)

static const struct greylist_config *
config_of(const struct cm_session *s)
{
	return cm_config(s);
}

static enum cm_store_status
load(struct cm_session *s, const struct cm_store *store, const char *key, struct greylist_record *r)
{
	const void *value;
	size_t len;
	enum cm_store_status status = cm_store_get(s, store, key, &value, &len);

	greylist_decode(r, value, status == CM_STORE_OK ? len : 0);
	return status == CM_STORE_NONE ? CM_STORE_OK : status;
}

static enum cm_store_status
save(struct cm_session *s, const struct cm_store *store, const char *key,
	const struct greylist_record *r, int64_t ttl)
{
	unsigned char value[GREYLIST_RECORD];

	greylist_encode(r, value);
	return cm_store_set(s, store, key, value, sizeof(value), ttl);
}

/* Whoever has passed has passed, also where the store does not take it. */
static void
count_pass(struct cm_session *s, const struct cm_store *store, const struct greylist_keys *keys,
	struct greylist_record *from)
{
	int64_t remember = config_of(s)->remember_us, now = cm_time(s), count;

	if (cm_store_add_member(s, store, keys->passed, keys->triple, remember, &count) !=
		CM_STORE_OK)
		return;
	if (!from->there)
		*from = (struct greylist_record){.there = true, .first = now};
	from->last = now;
	from->passes = count < GREYLIST_FOR_EVER ? (uint32_t)count : GREYLIST_FOR_EVER - 1;
	save(s, store, keys->from, from, remember);
}

/* Nobody knew it. Another server may be about to write the same. */
static enum cm_store_status
write_first(struct cm_session *s, const struct cm_store *store, const struct greylist_keys *keys,
	const struct greylist_record *r, int64_t ttl)
{
	int64_t claims;
	enum cm_store_status status = cm_store_add(s, store, keys->claim, 1, CLAIM_US, &claims);

	if (status != CM_STORE_OK || claims > 1)
		return status;
	return save(s, store, keys->triple, r, ttl);
}

static enum cm_store_status
visit_triple(struct cm_session *s, const struct cm_store *store, const struct greylist_keys *keys,
	struct greylist_record *from, enum greylist_outcome *outcome, int64_t *wait)
{
	struct greylist_record r;
	enum cm_store_status status = load(s, store, keys->triple, &r);
	bool there = r.there;
	int64_t ttl;

	if (status != CM_STORE_OK)
		return status;
	*outcome = greylist_decide(config_of(s), &r, cm_time(s), wait, &ttl);
	if (*outcome == GREYLIST_NEW && !there)
		return write_first(s, store, keys, &r, ttl);
	if (ttl > 0)
		status = save(s, store, keys->triple, &r, ttl);
	if (*outcome == GREYLIST_PASSED)
		count_pass(s, store, keys, from);
	return *wait == 0 ? CM_STORE_OK : status;
}

enum cm_store_status
greylist_visit(struct cm_session *s, const struct cm_store *store, const struct greylist_keys *keys,
	enum greylist_outcome *outcome, int64_t *wait)
{
	const struct greylist_config *c = config_of(s);
	struct greylist_record from;
	enum cm_store_status status = load(s, store, keys->from, &from);

	if (status != CM_STORE_OK)
		return status;
	if (!greylist_allowed(c, &from))
		return visit_triple(s, store, keys, &from, outcome, wait);
	*outcome = GREYLIST_ALLOWED;
	*wait = 0;
	if (greylist_renew(c, &from, cm_time(s)))
		save(s, store, keys->from, &from, c->remember_us);
	return CM_STORE_OK;
}
