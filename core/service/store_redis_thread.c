/* SPDX-License-Identifier: MIT */
/*
 * store_redis_thread.c - the thread that talks to the server
 *
 * Replies come in the order of the requests, so the oldest request is the next that is answered.
 * What was sent when a connection ended may have been done or not: it is not sent again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "store_redis_client.h"
#include "store_redis_inside.h"
#include "store_redis_reply.h"

/* Between two attempts to reach a server. */
#define PAUSE_LEAST (100 * CLOCK_MS)
#define PAUSE_MOST  (2 * CLOCK_SEC)
/* A connection on which nothing was said for so long is dead. */
#define SILENT_US CLOCK_SEC
/* One that held so long was a good one, though nobody asked anything. */
#define LASTING_US CLOCK_SEC
/* How often the clock is looked at while there is a pause. */
#define LOOK_US (50 * CLOCK_MS)

/* --- states --- */

/* With the lock: none of them will be answered. */
static void
fail_all(struct redis_requests *list)
{
	struct redis_request *r;

	while ((r = redis_requests_take(list)) != NULL)
		redis_request_end(r);
}

/* With the lock. */
static void
enter(struct redis_client *c, enum redis_state state)
{
	c->state = state;
	c->since = clock_now();
	c->slow = false;
}

/* With the lock. */
static void
go_away(struct redis_client *c, const char *words)
{
	enter(c, REDIS_AWAY);
	fail_all(&c->fresh);
	redis_away_begin(c, words);
}

/*
 * The connection is of no use any more. One that was good may have been ended by a server that is
 * being restarted, or is no master now: then the next is tried at once, and who has not been sent
 * waits for that.
 */
static void
lose(struct redis_client *c, const char *why)
{
	char words[sizeof(c->find.where) + 256];
	bool silent, lasting;

	snprintf(words, sizeof(words), "%s: %s", c->find.where, why);
	redis_link_close(&c->link);
	pthread_mutex_lock(&c->lock);
	silent = c->slow;
	lasting = c->proved || clock_now() - c->since >= LASTING_US;
	fail_all(&c->sent);
	if (lasting)
		c->pause = PAUSE_LEAST;
	if (lasting && !silent)
		enter(c, REDIS_TRYING);
	else
		go_away(c, words);
	pthread_mutex_unlock(&c->lock);
}

static void
try(struct redis_client *c)
{
	struct err err;
	bool good = redis_find(&c->find, &c->link, &c->names, &err);

	pthread_mutex_lock(&c->lock);
	c->proved = false;
	if (good) {
		enter(c, REDIS_JOINED);
		redis_away_end(c);
	} else if (!atomic_load(&c->stop)) {
		go_away(c, err.text);
	}
	pthread_mutex_unlock(&c->lock);
}

/* Until the next attempt. */
static void
rest(struct redis_client *c)
{
	int64_t until = c->since + c->pause;

	while (clock_now() < until && !atomic_load(&c->stop)) {
		(void)redis_link_wait(&c->link, LOOK_US);
		pthread_mutex_lock(&c->lock);
		redis_away_go_on(c);
		pthread_mutex_unlock(&c->lock);
	}
	c->pause = c->pause < PAUSE_MOST / 2 ? 2 * c->pause : PAUSE_MOST;
}

/* --- what is sent --- */

/* With the lock. */
static void
send_request(struct redis_client *c, struct redis_request *r)
{
	if (r->name_at != 0)
		memcpy(r->wire.data + r->name_at, c->names.of[r->script], REDIS_SCRIPT_NAME);
	buf_add(&c->link.out, r->wire.data, r->wire.len);
	redis_requests_append(&c->sent, r);
}

static void
send_fresh(struct redis_client *c)
{
	struct redis_request *r;

	pthread_mutex_lock(&c->lock);
	while ((r = redis_requests_take(&c->fresh)) != NULL)
		send_request(c, r);
	pthread_mutex_unlock(&c->lock);
}

/* With the lock: the server has forgotten the scripts. It gets them, and then the request. */
static void
send_again(struct redis_client *c, struct redis_request *r)
{
	struct redis_request *load = redis_request_new();

	load->left = true;
	load->wanted = REDIS_SCRIPTS;
	load->replies = mem_zalloc(REDIS_SCRIPTS, sizeof(*load->replies));
	redis_find_load(&load->wire);
	load->asked_at = clock_now();
	send_request(c, load);
	r->again = true;
	send_request(c, r);
}

/* --- what comes --- */

/* With the lock. The oldest request has a reply, which is its own now. */
static void
give(struct redis_client *c, struct redis_reply *reply)
{
	struct redis_request *r = c->sent.first;

	if (redis_trouble(reply) == REDIS_NO_SCRIPT && !r->again && r->name_at != 0) {
		redis_reply_free(reply);
		send_again(c, redis_requests_take(&c->sent));
		return;
	}
	r->replies[r->got++] = reply;
	if (r->got == r->wanted)
		redis_request_end(redis_requests_take(&c->sent));
}

/* False with words: the server must not be asked any more. */
static bool
take_reply(struct redis_client *c, struct redis_reply *reply, struct err *err)
{
	bool serving = redis_trouble(reply) != REDIS_NOT_SERVING, expected;

	if (!serving) {
		err_set(err, "%.160s", reply->text);
		text_clean(err->text);
	}
	pthread_mutex_lock(&c->lock);
	expected = c->sent.first != NULL;
	if (expected)
		give(c, reply);
	if (expected && serving) {
		c->slow = false;
		redis_away_end(c);
	}
	pthread_mutex_unlock(&c->lock);
	if (!expected) {
		redis_reply_free(reply);
		return err_set(err, "the server answers what nobody asked");
	}
	if (serving && !c->proved)
		c->pause = PAUSE_LEAST;
	/* One that reads and does not write is not tried again with each write. */
	c->proved = serving;
	return serving;
}

static bool
receive(struct redis_client *c, struct err *err)
{
	struct redis_reply *reply = NULL;

	if (!redis_link_fill(&c->link, err))
		return false;
	do {
		if (!redis_link_next(&c->link, &reply, err) ||
			(reply != NULL && !take_reply(c, reply, err)))
			return false;
	} while (reply != NULL);
	return true;
}

/* --- time --- */

/* With the lock: microseconds that the oldest request waits; -1: there is none. */
static int64_t
oldest(const struct redis_client *c)
{
	return c->sent.first == NULL ? -1 : clock_now() - c->sent.first->asked_at;
}

static int64_t
silence(const struct redis_client *c)
{
	return c->timeout_us > SILENT_US ? c->timeout_us : SILENT_US;
}

/* How long there is nothing to do but to wait for octets; -1: for ever. False: it is dead. */
static bool
look(struct redis_client *c, int64_t *us)
{
	int64_t age;

	pthread_mutex_lock(&c->lock);
	age = oldest(c);
	if (age >= c->timeout_us && !c->slow) {
		char words[sizeof(c->find.where) + 64];

		snprintf(words, sizeof(words), "%s: no answer in time", c->find.where);
		c->slow = true;
		redis_away_begin(c, words);
	}
	*us = age < 0 ? -1 : (c->slow ? silence(c) : c->timeout_us) - age;
	pthread_mutex_unlock(&c->lock);
	return age < silence(c);
}

/* One turn of a connection that works. */
static void
turn(struct redis_client *c)
{
	struct err err = {"no answer for too long"};
	int64_t us;

	send_fresh(c);
	if (!redis_link_flush(&c->link, &err) || !look(c, &us)) {
		lose(c, err.text);
		return;
	}
	if (redis_link_wait(&c->link, us) && !receive(c, &err))
		lose(c, err.text);
}

/* --- its life --- */

static enum redis_state
state_of(struct redis_client *c)
{
	enum redis_state state;

	pthread_mutex_lock(&c->lock);
	state = c->state;
	pthread_mutex_unlock(&c->lock);
	return state;
}

static void
run(struct redis_client *c)
{
	enum redis_state state = state_of(c);

	c->pause = PAUSE_LEAST;
	for (; !atomic_load(&c->stop); state = state_of(c)) {
		if (state == REDIS_JOINED) {
			turn(c);
			continue;
		}
		if (state == REDIS_AWAY)
			rest(c);
		try(c);
	}
}

void *
redis_thread_main(void *context)
{
	struct redis_client *c = context;
	bool lost;

	run(c);
	pthread_mutex_lock(&c->lock);
	fail_all(&c->sent);
	fail_all(&c->fresh);
	c->gone = true;
	lost = c->lost;
	pthread_cond_signal(&c->left);
	pthread_mutex_unlock(&c->lock);
	if (lost)
		redis_client_free(c);
	return NULL;
}
