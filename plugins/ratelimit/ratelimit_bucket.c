/* SPDX-License-Identifier: MIT */
/*
 * ratelimit_bucket.c - what is taken from a bucket in a store, and what becomes of it
 *
 * What a message took is kept in slots, one for each minute, so that it ends with one step however
 * many recipients there were. A store that was away once is not asked again for the message.
 */
#include "ratelimit.h"

#include <string.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
/* For how long a store keeps what was reserved, at least. */
#define KEPT_MINUTES 15

/* --- stores --- */

/* Memory, where that is what to do; true: ask it. */
static bool
fall_back(const struct ratelimit_config *config, const struct cm_store **store)
{
	const struct cm_store *memory = cm_store_fallback(config->store);

	if (config->on_store_error != RATELIMIT_MEMORY || memory == NULL || memory == *store)
		return false;
	*store = memory;
	return true;
}

static bool
failed(enum cm_store_status status)
{
	return status == CM_STORE_AWAY || status == CM_STORE_FULL;
}

static const struct cm_store *
store_of(const struct cm_session *s, struct ratelimit_bucket *b)
{
	if (b->store == NULL)
		b->store = ((const struct ratelimit_config *)cm_config(s))->store;
	return b->store;
}

static struct ratelimit_answer
step(struct cm_session *s, struct ratelimit_bucket *b, const struct cm_limit_take *take)
{
	const struct ratelimit_config *config = cm_config(s);
	struct ratelimit_answer a = {.limit = &b->limit};
	enum cm_store_status status =
		cm_store_limit(s, store_of(s, b), b->key, &b->limit.limit, take, &a.store);

	if (failed(status) && fall_back(config, &b->store))
		status = cm_store_limit(s, b->store, b->key, &b->limit.limit, take, &a.store);
	if (!failed(status))
		a.outcome = a.store.ok ? RATELIMIT_OK : RATELIMIT_OVER;
	else
		a.outcome = config->on_store_error == RATELIMIT_MEMORY ? RATELIMIT_BROKEN
								       : RATELIMIT_AWAY;
	a.memory = b->store != config->store;
	return a;
}

/* --- what a message takes --- */

static void
add_slot(struct cm_session *s, struct ratelimit_bucket *b, int64_t at, int64_t cost)
{
	struct ratelimit_slot *slot = b->slots;

	if (slot == NULL || slot->store != b->store || slot->at / MINUTE != at / MINUTE) {
		slot = cm_msg_alloc(s, sizeof(*slot));
		*slot = (struct ratelimit_slot){b->slots, b->store, at, 0};
		b->slots = slot;
	}
	slot->cost += cost;
	b->reserved += cost;
}

struct ratelimit_answer
ratelimit_look(struct cm_session *s, struct ratelimit_bucket *b, int64_t cost)
{
	return step(s, b, &(struct cm_limit_take){.step = CM_LIMIT_LOOK, .cost = cost});
}

/*
 * Of octets a message wants all, so one that wants more than there ever is need not come back,
 * whoever else took what. Recipients come back without those who were taken, and fit.
 */
static void
judge_whole(const struct ratelimit_config *config, const struct ratelimit_bucket *b, int64_t whole,
	struct ratelimit_answer *a)
{
	for (size_t i = 0; i < b->limit.limit.windows; i++) {
		const struct cm_limit_window *w = &b->limit.limit.window[i];
		int64_t burst = w->burst > 0 ? w->burst : w->count;

		if (whole <= burst)
			continue;
		a->alone = true;
		if (config->count != RATELIMIT_BYTES)
			continue;
		a->store.never = true;
		a->store.window = i;
		a->store.limit = burst;
	}
}

struct ratelimit_answer
ratelimit_reserve(struct cm_session *s, struct ratelimit_bucket *b, int64_t cost)
{
	struct ratelimit_answer a =
		step(s, b, &(struct cm_limit_take){.step = CM_LIMIT_RESERVE, .cost = cost});

	if (a.outcome == RATELIMIT_OK)
		add_slot(s, b, a.store.reserved_at, cost);
	else if (a.outcome == RATELIMIT_OVER)
		judge_whole(cm_config(s), b, b->reserved - b->spare + cost, &a);
	return a;
}

struct ratelimit_answer
ratelimit_reserve_one(struct cm_session *s, struct ratelimit_bucket *b)
{
	if (b->spare == 0)
		return ratelimit_reserve(s, b, 1);
	b->spare--;
	return (struct ratelimit_answer){.outcome = RATELIMIT_OK};
}

/* What a store that is away does not hear, it forgets after a quarter of an hour. */
static void
end(struct cm_session *s, const struct ratelimit_bucket *b, const struct ratelimit_slot *slot,
	int64_t cost)
{
	const struct cm_limit_take take = {
		cost > 0 ? CM_LIMIT_COMMIT : CM_LIMIT_RELEASE, cost, slot->cost, slot->at};
	struct cm_limit_answer answer;

	(void)cm_store_limit(s, slot->store, b->key, &b->limit.limit, &take, &answer);
}

/* Or whoever keeps many sessions open for long would have as many times his limit. */
struct ratelimit_answer
ratelimit_renew(struct cm_session *s, struct ratelimit_bucket *b)
{
	int64_t now = cm_time(s) * SECOND, lost = 0;
	struct ratelimit_slot **at = &b->slots;

	while (*at != NULL) {
		if ((*at)->at / MINUTE + KEPT_MINUTES > now / MINUTE) {
			at = &(*at)->next;
			continue;
		}
		end(s, b, *at, 0);
		lost += (*at)->cost;
		*at = (*at)->next;
	}
	b->reserved -= lost;
	return lost > 0 ? ratelimit_reserve(s, b, lost)
			: (struct ratelimit_answer){.outcome = RATELIMIT_OK};
}

void
ratelimit_settle(struct cm_session *s, struct ratelimit_bucket *b, int64_t cost)
{
	for (const struct ratelimit_slot *slot = b->slots; slot != NULL; slot = slot->next) {
		int64_t part = cost < slot->cost ? cost : slot->cost;

		end(s, b, slot, part);
		cost -= part;
	}
	b->slots = NULL;
	b->reserved = b->spare = b->taken = 0;
}

void
ratelimit_count(struct cm_session *s, struct ratelimit_bucket *b, int64_t cost)
{
	if (cost > 0)
		(void)step(s, b, &(struct cm_limit_take){.step = CM_LIMIT_COMMIT, .cost = cost});
}

/* --- recipients that are new --- */

static const char *
seen_key(struct cm_session *s, const struct ratelimit_bucket *b, const char *rcpt)
{
	size_t len = strlen(b->seen);
	size_t size = ratelimit_append(NULL, 0, len, rcpt, true) + 1;
	char *key = cm_msg_alloc(s, size);

	memcpy(key, b->seen, len);
	ratelimit_append(key, size, len, rcpt, true);
	return key;
}

static bool
is_member(const struct ratelimit_bucket *b, const char *seen)
{
	const struct ratelimit_member *m = b->members;

	while (m != NULL && strcmp(m->seen, seen) != 0)
		m = m->next;
	return m != NULL;
}

static enum cm_store_status
find_seen(struct cm_session *s, struct ratelimit_bucket *b, const char *seen)
{
	const void *value;
	size_t len;
	enum cm_store_status status = cm_store_get(s, store_of(s, b), seen, &value, &len);

	if (failed(status) && fall_back(cm_config(s), &b->store))
		status = cm_store_get(s, b->store, seen, &value, &len);
	return status;
}

/* Where the store cannot say who is known, the step after it says what that means. */
struct ratelimit_answer
ratelimit_reserve_new(
	struct cm_session *s, struct ratelimit_bucket *b, const char *rcpt, bool *took)
{
	const char *seen = seen_key(s, b, rcpt);
	struct ratelimit_answer a = {.outcome = RATELIMIT_OK};

	*took = false;
	if (is_member(b, seen) || find_seen(s, b, seen) == CM_STORE_OK)
		return a;
	a = ratelimit_reserve_one(s, b);
	*took = a.outcome == RATELIMIT_OK;
	return a;
}

void
ratelimit_add_member(struct cm_session *s, struct ratelimit_bucket *b, const char *rcpt)
{
	struct ratelimit_member *m = cm_msg_alloc(s, sizeof(*m));

	*m = (struct ratelimit_member){b->members, seen_key(s, b, rcpt)};
	b->members = m;
}

int64_t
ratelimit_count_members(struct cm_session *s, struct ratelimit_bucket *b)
{
	int64_t period = b->limit.limit.window[0].period_us, count = 0;

	for (const struct ratelimit_member *m = b->members; m != NULL; m = m->next) {
		int64_t times = 1;

		(void)cm_store_add(s, store_of(s, b), m->seen, 1, period, &times);
		count += times == 1;
	}
	b->members = NULL;
	return count;
}
