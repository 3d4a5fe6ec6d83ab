/* SPDX-License-Identifier: MIT */
/*
 * store_redis_inside.h - what callers and the thread of one client share
 *
 * Inside store_redis_client.c, store_redis_thread.c and store_redis_away.c only.
 */
#ifndef CORE_SERVICE_STORE_REDIS_INSIDE_H
#define CORE_SERVICE_STORE_REDIS_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store_redis_find.h"
#include "store_redis_link.h"
#include "store_redis_script.h"

struct redis_request {
	struct redis_request *next;
	struct buf wire;
	size_t name_at; /* where the script's name stands; 0: it is no script */
	enum redis_script script;
	bool again; /* its script was loaded for it: once is enough */
	size_t wanted, got;
	struct redis_reply **replies;
	int64_t asked_at; /* clock_now(); nobody waits longer than the timeout from here */
	/* Under the client's lock. */
	bool done; /* all replies are there, or no more will come */
	bool left; /* nobody waits: whoever is done with it frees it */
	pthread_cond_t ended;
};

struct redis_requests {
	struct redis_request *first, *last;
};

enum redis_state {
	REDIS_RESTING, /* never asked: there is no thread */
	REDIS_TRYING,  /* to connect, after no failure: callers wait for that */
	REDIS_JOINED,
	REDIS_AWAY /* the thread tries now and then; callers do not wait */
};

/* How long it is away, and what was said of it. */
struct redis_away {
	int64_t since; /* wall clock; 0: it is not */
	int64_t said;  /* clock_now() of the last line that it went away; 0: none */
	bool unsaid;   /* this time needs a line, and it is too early for one */
	char words[200];
};

struct redis_client {
	char *name;
	int64_t timeout_us;
	int wake; /* eventfd */
	atomic_bool stop;
	pthread_t thread;
	pthread_mutex_t lock; /* protects what follows */
	enum redis_state state;
	int64_t since; /* clock_now() of that state */
	bool slow;     /* joined, but the oldest request waits for too long */
	struct redis_requests fresh, sent;
	struct redis_away away;
	bool gone;	     /* the thread touches nothing of this any more */
	bool lost;	     /* nobody waits for that: it frees this itself */
	pthread_cond_t left; /* it is gone */
	/* Of the thread alone. */
	struct redis_link link;
	struct redis_find find;
	struct redis_names names;
	bool proved;   /* this connection has answered a request */
	int64_t pause; /* between two attempts */
};

/* Begins the thread's work; frees the client at its end when it is lost. */
void *redis_thread_main(void *client);

void redis_client_free(struct redis_client *);
void redis_requests_append(struct redis_requests *, struct redis_request *);
struct redis_request *redis_requests_take(struct redis_requests *);
/* With the lock: whoever waits for it wakes up, and has it. */
void redis_request_end(struct redis_request *);

/* With the lock: it went away, stays so, is back. */
void redis_away_begin(struct redis_client *, const char *words);
void redis_away_go_on(struct redis_client *);
void redis_away_end(struct redis_client *);

#endif
