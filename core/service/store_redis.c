/* SPDX-License-Identifier: MIT */
/*
 * store_redis.c - a store in a Redis server, for several machines
 *
 * A table says what each operation asks and how its answer is read. To open it only looks at the
 * settings: it may be done as root, or beside a daemon.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log_limit.h"
#include "base/mem.h"
#include "base/text.h"
#include "store_backend.h"
#include "store_redis_client.h"
#include "store_redis_reply.h"
#include "store_redis_scan.h"
#include "store_set.h"

#define PREFIX_MOST 200u
/* Greater numbers are none that the script for limits answers: they would not be exact. */
#define NUMBER_MOST (INT64_C(1) << 53)

struct redis {
	const char *name;
	const char *prefix;
	size_t prefix_len;
	struct redis_client *client;
};

/* What one operation asks. */
struct asking {
	const struct store_op *op;
	struct redis_request *request;
	unsigned char key[PREFIX_MOST + STORE_KEY_MOST];
	size_t key_len;
};

/* --- what is asked --- */

static void
ask_key(const struct asking *a, const char *verb)
{
	struct redis_command c = {0};

	redis_word_text(&c, verb);
	redis_word(&c, a->key, a->key_len);
	redis_request_add(a->request, &c);
}

/* Rounded up, and no less than 1 for a time that is over: 0 is for ever. */
static int64_t
ms_of(int64_t us)
{
	if (us <= 0)
		return us == 0 ? 0 : 1;
	return (us - 1) / CLOCK_MS + 1;
}

/* A value set between both commands would be found with the time of the newer one. */
static void
ask_get(const struct asking *a)
{
	ask_key(a, "GET");
	ask_key(a, "PTTL");
}

static void
ask_set(const struct asking *a)
{
	struct redis_command c = {0};

	redis_word_text(&c, "SET");
	redis_word(&c, a->key, a->key_len);
	redis_word(&c, a->op->value, a->op->value_len);
	if (a->op->ttl != 0) {
		redis_word_text(&c, "PX");
		redis_word_number(&c, ms_of(a->op->ttl));
	}
	redis_request_add(a->request, &c);
}

static void
ask_delete(const struct asking *a)
{
	ask_key(a, "DEL");
}

static void
begin_script(struct redis_command *c, const struct asking *a)
{
	static const char name[REDIS_SCRIPT_NAME] = {0};

	redis_word_text(c, "EVALSHA");
	redis_word(c, name, sizeof(name));
	redis_word_number(c, 1);
	redis_word(c, a->key, a->key_len);
}

static void
ask_add(const struct asking *a)
{
	struct redis_command c = {0};

	begin_script(&c, a);
	redis_word_number(&c, a->op->delta);
	redis_word_number(&c, ms_of(a->op->ttl));
	redis_request_add_script(a->request, &c, REDIS_SCRIPT_ADD);
}

/* Members are known by their hashes, as in every store, so that a set has bounds. */
static void
ask_add_member(const struct asking *a)
{
	uint64_t hash = store_set_hash(a->op->value, a->op->value_len);
	struct redis_command c = {0};

	begin_script(&c, a);
	redis_word(&c, &hash, sizeof(hash));
	redis_word_number(&c, ms_of(a->op->ttl));
	redis_request_add_script(a->request, &c, REDIS_SCRIPT_ADD_MEMBER);
}

/*
 * Machines count in the time of the server, which they share. A clock that was stopped shares
 * nothing: it is told.
 */
static void
ask_limit(const struct asking *a)
{
	const struct cm_limit *limit = a->op->limit;
	const struct cm_limit_take *take = a->op->take;
	struct redis_command c = {0};

	begin_script(&c, a);
	redis_word_number(&c, clock_frozen() ? a->op->now : 0);
	redis_word_number(&c, (int64_t)take->step);
	redis_word_number(&c, take->cost);
	redis_word_number(&c, take->reserved);
	redis_word_number(&c, take->reserved_at);
	redis_word_number(&c, limit->strict);
	for (size_t i = 0; i < limit->windows; i++) {
		redis_word_number(&c, limit->window[i].count);
		redis_word_number(&c, limit->window[i].period_us);
		redis_word_number(&c, limit->window[i].burst);
	}
	redis_request_add_script(a->request, &c, REDIS_SCRIPT_LIMIT);
}

/* --- what is answered --- */

/* What is read from the first reply, which is no error; false: it is not what was asked for. */
static bool
read_get(const struct asking *a, const struct redis_reply *r, enum cm_store_status *status)
{
	const struct redis_reply *left = redis_request_reply(a->request, 1);
	struct store_value *found = a->op->found;

	if (r->kind == REDIS_NOTHING)
		*status = CM_STORE_NONE;
	if (r->kind != REDIS_TEXT || r->len > STORE_VALUE_MOST || left->kind != REDIS_NUMBER)
		return r->kind == REDIS_NOTHING;
	found->data = arena_memdup(a->op->arena, r->text, r->len);
	found->len = r->len;
	if (left->number >= 0 && left->number < INT64_MAX / 2 / CLOCK_MS)
		found->expires = a->op->now + left->number * CLOCK_MS;
	return true;
}

static bool
read_set(const struct asking *a, const struct redis_reply *r, enum cm_store_status *status)
{
	(void)a;
	(void)status;
	return redis_reply_is_text(r, "OK");
}

static bool
read_delete(const struct asking *a, const struct redis_reply *r, enum cm_store_status *status)
{
	(void)a;
	*status = r->number > 0 ? CM_STORE_OK : CM_STORE_NONE;
	return r->kind == REDIS_NUMBER;
}

static bool
read_add(const struct asking *a, const struct redis_reply *r, enum cm_store_status *status)
{
	char *end;

	(void)status;
	if (r->kind != REDIS_TEXT || r->len == 0)
		return false;
	errno = 0;
	*a->op->number = strtoll(r->text, &end, 10);
	return errno == 0 && end == r->text + r->len;
}

static bool
read_add_member(const struct asking *a, const struct redis_reply *r, enum cm_store_status *status)
{
	(void)status;
	*a->op->number = r->number;
	return r->kind == REDIS_NUMBER && r->number > 0;
}

static bool
is_number(const struct redis_reply *r, int64_t most)
{
	return r->kind == REDIS_NUMBER && r->number >= 0 && r->number <= most;
}

static bool
read_limit(const struct asking *a, const struct redis_reply *r, enum cm_store_status *status)
{
	size_t windows = a->op->limit->windows;
	const int64_t most[] = {1, 1, windows == 0 ? 0 : (int64_t)windows - 1, NUMBER_MOST,
		NUMBER_MOST, NUMBER_MOST, NUMBER_MOST};
	size_t count = sizeof(most) / sizeof(*most);

	(void)status;
	if (r->kind != REDIS_LIST || r->len != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!is_number(r->items[i], most[i]))
			return false;
	}
	*a->op->answer = (struct cm_limit_answer){.ok = r->items[0]->number != 0,
		.never = r->items[1]->number != 0,
		.window = (size_t)r->items[2]->number,
		.used = r->items[3]->number,
		.limit = r->items[4]->number,
		.retry_us = r->items[5]->number,
		.reserved_at = r->items[6]->number};
	return true;
}

static const struct {
	void (*ask)(const struct asking *);
	bool (*read)(const struct asking *, const struct redis_reply *, enum cm_store_status *);
} kinds[] = {
	[STORE_GET] = {ask_get, read_get},
	[STORE_SET] = {ask_set, read_set},
	[STORE_DELETE] = {ask_delete, read_delete},
	[STORE_ADD] = {ask_add, read_add},
	[STORE_ADD_MEMBER] = {ask_add_member, read_add_member},
	[STORE_LIMIT] = {ask_limit, read_limit},
};

/* --- trouble with one operation --- */

static enum cm_store_status
report_full(const struct redis *s)
{
	static struct log_limit limit = LOG_LIMIT(1, 60 * CLOCK_SEC);

	log_limited(&limit, LOG_LEVEL_WARN,
		"store %s is full: the server's maxmemory is too small, or what it evicts too "
		"little",
		s->name);
	redis_client_note(s->client, "the server has no room (maxmemory)");
	return CM_STORE_FULL;
}

/* Key and words are strangers' texts. */
static enum cm_store_status
report(const struct redis *s, const struct asking *a, const char *words, size_t len)
{
	static struct log_limit limit = LOG_LIMIT(3, 60 * CLOCK_SEC);
	struct buf text;

	buf_init(&text, 400);
	text_quote(&text, words, len);
	redis_client_note(s->client, text.data);
	buf_add_str(&text, " to the key ");
	text_quote(&text, (const char *)a->key, a->key_len);
	log_limited(&limit, LOG_LEVEL_WARN, "store %s: the server says %s", s->name, text.data);
	buf_fini(&text);
	return CM_STORE_AWAY;
}

static enum cm_store_status
read_answer(const struct redis *s, const struct asking *a)
{
	static const char strange[] = "what is no answer to that";
	const struct redis_reply *r = redis_request_reply(a->request, 0);
	enum cm_store_status status = CM_STORE_OK;

	switch (redis_trouble(r)) {
	case REDIS_WELL:
		break;
	case REDIS_FULL:
		return report_full(s);
	case REDIS_NOT_SERVING: /* said of the whole server */
		return CM_STORE_AWAY;
	case REDIS_TROUBLE:
	case REDIS_NO_SCRIPT:
		return report(s, a, r->text, r->len);
	}
	return kinds[a->op->kind].read(a, r, &status) ? status
						      : report(s, a, strange, sizeof(strange) - 1);
}

/* --- the back end --- */

static enum cm_store_status
run(void *self, const struct store_op *op, int64_t deadline)
{
	const struct redis *s = self;
	struct asking a = {.op = op, .request = redis_request_new()};
	enum cm_store_status status;

	memcpy(a.key, s->prefix, s->prefix_len);
	memcpy(a.key + s->prefix_len, op->key, op->len);
	a.key_len = s->prefix_len + op->len;
	kinds[op->kind].ask(&a);
	if (!redis_client_ask(s->client, a.request, deadline))
		return CM_STORE_AWAY;
	status = read_answer(s, &a);
	redis_request_free(a.request);
	return status;
}

static enum cm_store_status
each(void *self, const void *prefix, size_t len, store_show *show, void *context)
{
	struct redis *s = self;

	return redis_scan(s->client, s->prefix, prefix, len, show, context);
}

static void
health(void *self, struct store_health *h)
{
	struct redis *s = self;

	redis_client_health(s->client, h);
}

static void *
open_redis(const struct store_config *config, struct err *err)
{
	const char *prefix = config->prefix != NULL ? config->prefix : "";
	struct redis_client *client;
	struct redis *s;

	if (strlen(prefix) > PREFIX_MOST) {
		err_set(err, "prefix is longer than %u octets", PREFIX_MOST);
		return NULL;
	}
	client = redis_client_open(config, err);
	if (client == NULL)
		return NULL;
	s = mem_zalloc(1, sizeof(*s));
	*s = (struct redis){config->name, prefix, strlen(prefix), client};
	return s;
}

/* A server that is away is no reason not to start: it may come back, and the log says so. */
static bool
start(void *self, struct err *err)
{
	struct redis *s = self;

	(void)err;
	redis_client_start(s->client);
	return true;
}

static void
close_redis(void *self)
{
	struct redis *s = self;

	redis_client_close(s->client);
	free(s);
}

const struct store_backend store_redis = {
	.open = open_redis,
	.start = start,
	.close = close_redis,
	.run = run,
	.each = each,
	.health = health,
};
