/* SPDX-License-Identifier: MIT */
/*
 * greylist_visit.c - a visit of a triple, in the store
 *
 * Several servers may see the same triple at once. Of those who see it first one writes the record,
 * so a second first attempt does not begin the time anew. The hours in which triples passed are a
 * set, so none counts twice.
 */
#include <stdio.h>
#include <string.h>

#include "greylist.h"

/* Longer than a hook may take, so whoever has it has written or will not. */
#define CLAIM_US (60 * GREYLIST_SECOND)
/* Of the triples that pass within so many seconds one counts: one message may have a thousand
   recipients, and that it came again says nothing of the next one. */
#define PASS_EVERY 3600
#define PLACE_SIZE 64u

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
	char hour[24], key[GREYLIST_KEY_SIZE];

	snprintf(hour, sizeof(hour), "%lld", (long long)(now / PASS_EVERY));
	greylist_key_of(key, keys, GREYLIST_KEY_PASSED);
	if (cm_store_add_member(s, store, key, hour, remember, &count) != CM_STORE_OK)
		return;
	if (!from->there)
		*from = (struct greylist_record){.there = true, .first = now};
	from->last = now;
	from->passes = count < GREYLIST_FOR_EVER ? (uint32_t)count : GREYLIST_FOR_EVER - 1;
	greylist_key_of(key, keys, GREYLIST_KEY_FROM);
	save(s, store, key, from, remember);
}

/* One site must not fill the store, however many senders, domains and recipients it makes up. This
   goes before the claim: a full store must not let pass who has filled it. */
static enum cm_store_status
look_for_crowd(struct cm_session *s, const struct cm_store *store, bool *crowded)
{
	const struct greylist_config *c = config_of(s);
	char site[PLACE_SIZE], key[GREYLIST_KEY_SIZE];
	enum cm_store_status status;
	int64_t count = 0;

	*crowded = false;
	if (c->max_new == 0 || !greylist_site(c, cm_client(s)->ip, site, sizeof(site)))
		return CM_STORE_OK;
	greylist_key(key, cm_link_name(s), "crowd", (const char *const[]){site}, 1);
	status = cm_store_add(s, store, key, 1, c->window_us, &count);
	*crowded = status == CM_STORE_OK && count > c->max_new;
	if (*crowded && count == c->max_new + 1)
		cm_log(s, CM_LOG_WARN,
			"%s has had %lld new triples within retry_window (max_new): more of them "
			"are not remembered, and wait",
			site, (long long)c->max_new);
	return status;
}

/* Nobody knew it. Another server may be about to write the same. */
static enum cm_store_status
write_first(struct cm_session *s, const struct cm_store *store, const struct greylist_keys *keys,
	const struct greylist_record *r, int64_t ttl, enum greylist_outcome *outcome)
{
	char key[GREYLIST_KEY_SIZE];
	bool crowded;
	int64_t claims;
	enum cm_store_status status = look_for_crowd(s, store, &crowded);

	if (crowded)
		*outcome = GREYLIST_CROWDED;
	greylist_key_of(key, keys, GREYLIST_KEY_CLAIM);
	if (status == CM_STORE_OK && !crowded)
		status = cm_store_add(s, store, key, 1, CLAIM_US, &claims);
	if (status != CM_STORE_OK || crowded || claims > 1)
		return status;
	greylist_key_of(key, keys, GREYLIST_KEY_TRIPLE);
	return save(s, store, key, r, ttl);
}

static enum cm_store_status
visit_triple(struct cm_session *s, const struct cm_store *store, const struct greylist_keys *keys,
	int64_t delay_us, struct greylist_record *from, enum greylist_outcome *outcome,
	int64_t *wait)
{
	struct greylist_config config = *config_of(s);
	char key[GREYLIST_KEY_SIZE];
	struct greylist_record r;
	enum cm_store_status status;
	bool there;
	int64_t ttl;

	greylist_key_of(key, keys, GREYLIST_KEY_TRIPLE);
	status = load(s, store, key, &r);
	there = r.there;
	if (status != CM_STORE_OK)
		return status;
	config.delay_us = delay_us;
	*outcome = greylist_decide(&config, &r, cm_time(s), wait, &ttl);
	if (*outcome == GREYLIST_NEW && !there)
		return write_first(s, store, keys, &r, ttl, outcome);
	if (ttl > 0)
		status = save(s, store, key, &r, ttl);
	if (*outcome == GREYLIST_PASSED)
		count_pass(s, store, keys, from);
	return *wait == 0 ? CM_STORE_OK : status;
}

/* Whether all from there pass, and then for longer. */
static enum cm_store_status
look_at_source(struct cm_session *s, const struct cm_store *store, const char *key,
	struct greylist_record *from, bool *allowed)
{
	const struct greylist_config *c = config_of(s);
	enum cm_store_status status = load(s, store, key, from);

	*allowed = status == CM_STORE_OK && greylist_allowed(c, from);
	if (*allowed && greylist_renew(c, from, cm_time(s)))
		save(s, store, key, from, c->remember_us);
	return status;
}

/* Of the client's network, where a domain is what counts. */
static bool
other_source(struct cm_session *s, const char *from, char key[GREYLIST_KEY_SIZE])
{
	char network[PLACE_SIZE];

	if (!greylist_network(config_of(s), cm_client(s)->ip, network, sizeof(network)))
		return false;
	greylist_key(key, cm_link_name(s), "from", (const char *const[]){network}, 1);
	return strcmp(key, from) != 0;
}

/* The same for all recipients of a message. */
static enum cm_store_status
look_at_sources(struct cm_session *s, const struct cm_store *store,
	const struct greylist_keys *keys, struct greylist_source *source)
{
	struct greylist_record network;
	char from[GREYLIST_KEY_SIZE], key[GREYLIST_KEY_SIZE];
	enum cm_store_status status;

	if (source->known)
		return CM_STORE_OK;
	greylist_key_of(from, keys, GREYLIST_KEY_FROM);
	status = look_at_source(s, store, from, &source->record, &source->allowed);
	if (status == CM_STORE_OK && !source->allowed && other_source(s, from, key))
		status = look_at_source(s, store, key, &network, &source->allowed);
	source->known = status == CM_STORE_OK;
	return status;
}

enum cm_store_status
greylist_visit(struct cm_session *s, const struct cm_store *store, const struct greylist_keys *keys,
	int64_t delay_us, enum greylist_outcome *outcome, int64_t *wait)
{
	struct greylist_source *source = &((struct greylist_message *)cm_msg(s))->source;
	enum cm_store_status status = look_at_sources(s, store, keys, source);

	if (status != CM_STORE_OK)
		return status;
	if (!source->allowed)
		return visit_triple(s, store, keys, delay_us, &source->record, outcome, wait);
	*outcome = GREYLIST_ALLOWED;
	*wait = 0;
	return CM_STORE_OK;
}
