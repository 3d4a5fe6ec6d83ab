/* SPDX-License-Identifier: MIT */
/*
 * notice.c - the queue of notices, and the thread that hands them over
 *
 * One lock protects everything here, and is not held while a server is talked to. Nothing of it is
 * kept on disk: a notice says that something happens now, and the log has it, too.
 */
#include "notice.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/mem.h"
#include "base/text.h"

#define HOUR_US	   (3600 * CLOCK_SEC)
#define MINUTE_US  (60 * CLOCK_SEC)
#define TOKEN_SIZE 33u
#define HELO_SIZE  (sizeof("notice-") + TOKEN_SIZE + 256u)

struct entry {
	char *server, *host, *to, *subject;
	struct buf message;
	int64_t due;
	unsigned attempts;
	struct entry *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static struct entry *queue, **last = &queue;
static unsigned waiting;
static int64_t hour_began;
static unsigned this_hour;
static bool accepting;
static bool news;		  /* something was posted since the thread looked */
static char in_flight[HELO_SIZE]; /* HELO name of the running attempt; "": none runs */
static _Atomic bool flying;	  /* in_flight is not ""; to be asked without the lock */
static _Atomic bool ending;

/* Of the main thread alone. */
static bool running;
static pthread_t thread;

static void
free_entry(struct entry *e)
{
	free(e->server);
	free(e->host);
	free(e->to);
	free(e->subject);
	buf_fini(&e->message);
	free(e);
}

static char *
copy(const char *text)
{
	size_t len = strlen(text) + 1;

	return memcpy(mem_alloc(len), text, len);
}

/* Shown in log lines. */
static char *
escaped(const char *text)
{
	struct buf b;
	char *out;

	buf_init(&b, NOTICE_SUBJECT);
	text_quote(&b, text, strlen(text));
	out = copy(b.data);
	buf_fini(&b);
	return out;
}

bool
notice_address_ok(const char *text)
{
	const char *at = strrchr(text, '@');
	size_t len = strlen(text);

	if (at == NULL || at == text || at[1] == '\0' || len > NOTICE_TO_MOST)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] >= 0x7f || strchr("()<>[]:;,\\\"", text[i]) != NULL)
			return false;
	}
	return strchr(text, '@') == at;
}

/* A word that nobody guesses. */
static void
draw(char token[TOKEN_SIZE])
{
	unsigned char octets[(TOKEN_SIZE - 1) / 2] = {0};

	if (getrandom(octets, sizeof(octets), 0) != (ssize_t)sizeof(octets))
		log_write(LOG_LEVEL_ERROR, "the system gives no random numbers for a notice");
	for (size_t i = 0; i < sizeof(octets); i++)
		snprintf(token + 2 * i, 3, "%02x", octets[i]);
}

/* --- the queue --- */

static void
append(struct entry *e)
{
	e->next = NULL;
	*last = e;
	last = &e->next;
	waiting++;
}

static struct entry *
remove_at(struct entry **place)
{
	struct entry *e = *place;

	*place = e->next;
	if (last == &e->next)
		last = place;
	waiting--;
	return e;
}

/* With the lock. */
static enum notice_post
may_post(int64_t now)
{
	if (!accepting)
		return NOTICE_NO_DAEMON;
	if (hour_began == 0 || now - hour_began >= HOUR_US) {
		hour_began = now;
		this_hour = 0;
	}
	if (waiting >= NOTICE_QUEUE || this_hour >= NOTICE_HOURLY)
		return NOTICE_FULL;
	this_hour++;
	return NOTICE_QUEUED;
}

static struct entry *
new_entry(const struct notice_settings *set, const struct notice *n)
{
	struct entry *e = mem_zalloc(1, sizeof(*e));
	char token[TOKEN_SIZE];

	draw(token);
	buf_init(&e->message, 0);
	notice_write(&e->message, set, n, clock_wall(), token);
	e->server = copy(set->server);
	e->host = copy(set->host);
	e->to = copy(n->to);
	e->subject = escaped(n->subject);
	e->due = clock_now();
	return e;
}

static void
say_not_queued(const struct entry *e, enum notice_post why)
{
	static struct log_limit limit = LOG_LIMIT(10, MINUTE_US);

	if (why == NOTICE_NO_DAEMON)
		log_write(LOG_LEVEL_INFO, "notice to <%s> %s: not sent, only the daemon sends",
			e->to, e->subject);
	else
		log_limited(&limit, LOG_LEVEL_ERROR,
			"notice to <%s> %s is lost: %d wait already, or %d were sent in this hour",
			e->to, e->subject, NOTICE_QUEUE, NOTICE_HOURLY);
}

enum notice_post
notice_post(const struct notice_settings *set, const struct notice *n)
{
	struct entry *e = new_entry(set, n);
	enum notice_post post;

	pthread_mutex_lock(&lock);
	post = may_post(e->due);
	if (post == NOTICE_QUEUED)
		append(e);
	news = true;
	if (running)
		pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	if (post != NOTICE_QUEUED) {
		say_not_queued(e, post);
		free_entry(e);
	}
	return post;
}

bool
notice_is_ours(const char *helo)
{
	bool ours;

	if (!atomic_load(&flying))
		return false;
	pthread_mutex_lock(&lock);
	ours = in_flight[0] != '\0' && strcasecmp(helo, in_flight) == 0;
	pthread_mutex_unlock(&lock);
	return ours;
}

/* --- sending --- */

/* The first that is due, out of the queue; NULL: none, and when the next one will be. */
static struct entry *
take(int64_t now, int64_t *wait_us)
{
	struct entry **p = &queue, *e = NULL;

	*wait_us = -1;
	pthread_mutex_lock(&lock);
	news = false;
	for (; *p != NULL && (*p)->due > now; p = &(*p)->next) {
		if (*wait_us < 0 || (*p)->due - now < *wait_us)
			*wait_us = (*p)->due - now;
	}
	if (*p != NULL)
		e = remove_at(p);
	pthread_mutex_unlock(&lock);
	return e;
}

static void
fly(const char *host)
{
	char token[TOKEN_SIZE];

	draw(token);
	pthread_mutex_lock(&lock);
	snprintf(in_flight, sizeof(in_flight), "notice-%s.%.255s", token, host);
	atomic_store(&flying, true);
	pthread_mutex_unlock(&lock);
}

static void
land(void)
{
	pthread_mutex_lock(&lock);
	in_flight[0] = '\0';
	atomic_store(&flying, false);
	pthread_mutex_unlock(&lock);
}

/* False: it is put back for a later attempt. */
static bool
settle(struct entry *e, enum notice_sent sent, const struct err *why)
{
	if (sent == NOTICE_SENT) {
		log_write(LOG_LEVEL_INFO, "notice to <%s> %s: sent", e->to, e->subject);
		return true;
	}
	if (sent == NOTICE_REFUSED || ++e->attempts == NOTICE_ATTEMPTS) {
		log_write(LOG_LEVEL_ERROR, "notice to <%s> %s is lost: %s: %s", e->to, e->subject,
			e->server, why->text);
		return true;
	}
	if (e->attempts == 1)
		log_write(LOG_LEVEL_WARN, "notice to <%s> %s waits: %s: %s", e->to, e->subject,
			e->server, why->text);
	e->due = clock_now() + (MINUTE_US << (e->attempts - 1));
	return false;
}

bool
notice_turn(int64_t *wait_us)
{
	struct entry *e = take(clock_now(), wait_us);
	enum notice_sent sent;
	struct err why;

	if (e == NULL)
		return false;
	fly(e->host);
	sent = notice_send(e->server, in_flight, e->to, &e->message, &ending, &why);
	land();
	if (settle(e, sent, &why)) {
		free_entry(e);
		return true;
	}
	pthread_mutex_lock(&lock);
	append(e);
	pthread_mutex_unlock(&lock);
	return true;
}

/* Something was posted, is due, or the daemon ends. */
static void
pause_for(int64_t wait_us)
{
	struct timespec until;

	pthread_mutex_lock(&lock);
	while (!atomic_load(&ending) && !news && wait_us < 0)
		pthread_cond_wait(&changed, &lock);
	if (!atomic_load(&ending) && !news && wait_us > 0) {
		clock_after(&until, wait_us);
		(void)pthread_cond_timedwait(&changed, &lock, &until);
	}
	pthread_mutex_unlock(&lock);
}

static void *
serve(void *context)
{
	int64_t wait_us;

	(void)context;
	while (!atomic_load(&ending)) {
		if (!notice_turn(&wait_us))
			pause_for(wait_us);
	}
	return NULL;
}

/* --- begin and end --- */

void
notice_open(void)
{
	pthread_mutex_lock(&lock);
	accepting = true;
	pthread_mutex_unlock(&lock);
	atomic_store(&ending, false);
}

bool
notice_start(struct err *err)
{
	pthread_condattr_t attr;
	bool made;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attr);
	pthread_condattr_destroy(&attr);
	notice_open();
	made = pthread_create(&thread, NULL, serve, NULL) == 0;
	pthread_mutex_lock(&lock);
	running = made;
	pthread_mutex_unlock(&lock);
	return made || err_set(err, "no thread for notices");
}

void
notice_stop(void)
{
	bool joined;

	pthread_mutex_lock(&lock);
	accepting = false;
	atomic_store(&ending, true);
	joined = running;
	running = false;
	if (joined)
		pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	if (joined)
		pthread_join(thread, NULL);
	while (queue != NULL) {
		struct entry *e = remove_at(&queue);

		log_write(LOG_LEVEL_ERROR, "notice to <%s> %s is lost: the daemon ends", e->to,
			e->subject);
		free_entry(e);
	}
}
