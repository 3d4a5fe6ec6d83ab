/* SPDX-License-Identifier: MIT */
/*
 * service_store.c - state that lasts, as links use it
 *
 * A call waits no longer than the hook may, so that the hook can still say what it makes of a store
 * that is away.
 */
#include <chainmail/plugin.h>
#include <string.h>

#include "base/clock.h"
#include "chain/chain.h"
#include "mail/session.h"
#include "service.h"
#include "service/store.h"

#define MARGIN_US (50 * CLOCK_MS)
/* Outside of a hook: at the end of a message, in a probe. */
#define ALONE_US CLOCK_SEC

static int64_t
deadline(const struct cm_session *s)
{
	return chain_running(s) != NULL && s->in_message ? chain_deadline(s) - MARGIN_US
							 : clock_now() + ALONE_US;
}

/* Plugins cannot look into a store; that theirs is const says so. */
static struct cm_store *
open_of(const struct cm_store *store)
{
	return (struct cm_store *)(uintptr_t)store;
}

enum cm_store_status
service_store_get(struct cm_session *s, const struct cm_store *store, const char *key,
	struct arena *arena, const void **value, size_t *len)
{
	struct store_value found;
	enum cm_store_status status =
		store_get(open_of(store), key, strlen(key), deadline(s), arena, &found);

	*value = found.data;
	*len = found.len;
	return status;
}

enum cm_store_status
cm_store_get(struct cm_session *s, const struct cm_store *store, const char *key,
	const void **value, size_t *len)
{
	return service_store_get(s, store, key, session_arena(s), value, len);
}

enum cm_store_status
cm_store_set(struct cm_session *s, const struct cm_store *store, const char *key, const void *value,
	size_t len, int64_t ttl_us)
{
	return store_set(open_of(store), key, strlen(key), value, len, ttl_us, deadline(s));
}

enum cm_store_status
cm_store_delete(struct cm_session *s, const struct cm_store *store, const char *key)
{
	return store_delete(open_of(store), key, strlen(key), deadline(s));
}

enum cm_store_status
cm_store_add(struct cm_session *s, const struct cm_store *store, const char *key, int64_t delta,
	int64_t ttl_us, int64_t *value)
{
	return store_add(open_of(store), key, strlen(key), delta, ttl_us, deadline(s), value);
}

enum cm_store_status
cm_store_add_member(struct cm_session *s, const struct cm_store *store, const char *key,
	const char *member, int64_t ttl_us, int64_t *count)
{
	return store_add_member(open_of(store), key, strlen(key), member, strlen(member), ttl_us,
		deadline(s), count);
}

enum cm_store_status
cm_store_limit(struct cm_session *s, const struct cm_store *store, const char *key,
	const struct cm_limit *limit, const struct cm_limit_take *take,
	struct cm_limit_answer *answer)
{
	return store_limit(open_of(store), key, strlen(key), limit, take, deadline(s), answer);
}

const struct cm_store *
cm_store_fallback(const struct cm_store *store)
{
	return store_fallback(open_of(store));
}
