/* SPDX-License-Identifier: MIT */
/*
 * store_redis_scan.c - every entry of a store in Redis
 *
 * SCAN shows a key twice when the server makes room for more at that moment; so may this. A set has
 * no value that could be shown.
 */
#include "store_redis_scan.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store_redis_client.h"
#include "store_redis_reply.h"

/* Keys that a server looks at in one go, and that are asked for together. */
#define COUNT	200
#define BATCH	32u
#define STEP_US CLOCK_SEC
/* All of it: a server may say for ever that there are more. */
#define ALL_US	    (600 * CLOCK_SEC)
#define CURSOR_MOST 20u

struct scan {
	struct redis_client *client;
	struct buf begin; /* of every key: the store's prefix and the caller's */
	size_t own;	  /* octets of the store's */
	store_show *show;
	void *context;
	char cursor[CURSOR_MOST + 1];
	bool enough; /* show() wants no more */
};

static void
add_pattern(struct redis_command *c, const struct scan *s, struct buf *pattern)
{
	for (size_t i = 0; i < s->begin.len; i++) {
		if (s->begin.data[i] != '\0' && strchr("*?[]^\\", s->begin.data[i]) != NULL)
			buf_add_char(pattern, '\\');
		buf_add(pattern, &s->begin.data[i], 1);
	}
	buf_add_char(pattern, '*');
	redis_word_text(c, "MATCH");
	redis_word(c, pattern->data, pattern->len);
}

static struct redis_request *
scan_request(const struct scan *s)
{
	struct redis_request *r = redis_request_new();
	struct redis_command c = {0};
	struct buf pattern;

	buf_init(&pattern, 0);
	redis_word_text(&c, "SCAN");
	redis_word_text(&c, s->cursor);
	add_pattern(&c, s, &pattern);
	redis_word_text(&c, "COUNT");
	redis_word_number(&c, COUNT);
	redis_request_add(r, &c);
	buf_fini(&pattern);
	return r;
}

static void
add_one(struct redis_request *r, const char *verb, const struct redis_reply *key)
{
	struct redis_command c = {0};

	redis_word_text(&c, verb);
	redis_word(&c, key->text, key->len);
	redis_request_add(r, &c);
}

static bool
is_ours(const struct scan *s, const struct redis_reply *key)
{
	return key->kind == REDIS_TEXT && key->len >= s->begin.len &&
	       memcmp(key->text, s->begin.data, s->begin.len) == 0;
}

/* --- what is shown --- */

static void
show_one(struct scan *s, const struct redis_reply *key, const struct redis_reply *value,
	const struct redis_reply *left)
{
	struct store_value v = {"", 0, 0};

	if (s->enough || value->kind == REDIS_NOTHING)
		return;
	if (value->kind == REDIS_TEXT)
		v = (struct store_value){value->text, value->len, 0};
	if (left->kind == REDIS_NUMBER && left->number >= 0 && left->number < INT64_MAX / 2000)
		v.expires = clock_wall_us() + left->number * CLOCK_MS;
	s->enough = !s->show(s->context, key->text + s->own, key->len - s->own, &v);
}

/* False: the server is away. */
static bool
show_batch(struct scan *s, struct redis_reply *const *keys, size_t count)
{
	struct redis_request *r = redis_request_new();

	for (size_t i = 0; i < count; i++) {
		add_one(r, "GET", keys[i]);
		add_one(r, "PTTL", keys[i]);
	}
	if (!redis_client_ask(s->client, r, clock_now() + STEP_US))
		return false;
	for (size_t i = 0; i < count; i++)
		show_one(s, keys[i], redis_request_reply(r, 2 * i),
			redis_request_reply(r, 2 * i + 1));
	redis_request_free(r);
	return true;
}

static bool
show_keys(struct scan *s, const struct redis_reply *keys)
{
	struct redis_reply *batch[BATCH];
	size_t count = 0;

	for (size_t i = 0; i < keys->len && !s->enough; i++) {
		if (is_ours(s, keys->items[i]))
			batch[count++] = keys->items[i];
		if (count < BATCH && i + 1 < keys->len)
			continue;
		if (count > 0 && !show_batch(s, batch, count))
			return false;
		count = 0;
	}
	return true;
}

/* --- one step --- */

static bool
read_cursor(struct scan *s, const struct redis_reply *r)
{
	if (r->kind != REDIS_LIST || r->len != 2 || r->items[0]->kind != REDIS_TEXT ||
		r->items[0]->len > CURSOR_MOST || r->items[1]->kind != REDIS_LIST)
		return false;
	snprintf(s->cursor, sizeof(s->cursor), "%s", r->items[0]->text);
	return true;
}

static bool
step(struct scan *s)
{
	struct redis_request *r = scan_request(s);
	bool good;

	if (!redis_client_ask(s->client, r, clock_now() + STEP_US))
		return false;
	good = read_cursor(s, redis_request_reply(r, 0)) &&
	       show_keys(s, redis_request_reply(r, 0)->items[1]);
	redis_request_free(r);
	return good;
}

enum cm_store_status
redis_scan(struct redis_client *client, const char *own, const void *prefix, size_t len,
	store_show *show, void *context)
{
	struct scan s = {.client = client,
		.own = strlen(own),
		.show = show,
		.context = context,
		.cursor = "0"};
	int64_t until = clock_now() + ALL_US;
	bool good;

	buf_init(&s.begin, 0);
	buf_add_str(&s.begin, own);
	buf_add(&s.begin, prefix, len);
	do
		good = clock_now() < until && step(&s);
	while (good && !s.enough && strcmp(s.cursor, "0") != 0);
	buf_fini(&s.begin);
	return good ? CM_STORE_OK : CM_STORE_AWAY;
}
