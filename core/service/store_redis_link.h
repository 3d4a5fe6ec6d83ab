/* SPDX-License-Identifier: MIT */
/*
 * store_redis_link.h - one connection to a server, which no call waits on for longer than it says
 *
 * Belongs to one thread, which another one may wake. Inside store_redis*.c only.
 */
#ifndef CORE_SERVICE_STORE_REDIS_LINK_H
#define CORE_SERVICE_STORE_REDIS_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct redis_command;
struct redis_reader;
struct redis_reply;

struct redis_link {
	int fd;			 /* -1: none */
	int wake;		 /* an eventfd; readable: there is something else to do */
	const atomic_bool *stop; /* nothing is worth a wait any more */
	struct redis_reader *reader;
	struct buf out; /* not sent yet, from there on: */
	size_t sent;
};

void redis_link_init(struct redis_link *, int wake, const atomic_bool *stop);
void redis_link_fini(struct redis_link *);
void redis_link_close(struct redis_link *);

/* Is the text one that redis_link_open() takes? False with words. */
bool redis_link_examine(const char *where, struct err *);
/* "unix:/path" or "HOST:PORT"; until in clock_now(). A name is looked up, for as long as that
 * takes. */
bool redis_link_open(struct redis_link *, const char *where, int64_t until, struct err *);

/* Sends what goes without waiting; false with words. */
bool redis_link_flush(struct redis_link *, struct err *);
/* Reads what has come; false with words. */
bool redis_link_fill(struct redis_link *, struct err *);
/* The next whole reply, which is the caller's, or NULL; false with words. */
bool redis_link_next(struct redis_link *, struct redis_reply **, struct err *);
/* Waits until something can be done, or it is woken, or us is over; -1: for ever. True: octets have
 * come, or the connection is over. */
bool redis_link_wait(struct redis_link *, int64_t us);

/* Waits for the next reply; NULL with words. */
struct redis_reply *redis_link_await(struct redis_link *, int64_t until, struct err *);
/* Sends a command and waits for what is said to it. */
struct redis_reply *
redis_link_ask(struct redis_link *, const struct redis_command *, int64_t until, struct err *);

#endif
