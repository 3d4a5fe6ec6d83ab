/* SPDX-License-Identifier: MIT */
/*
 * store_redis_reply.h - what a Redis server says, read within bounds
 *
 * The parser is that of hiredis, the objects it builds are ours: what a server sends costs no more
 * memory than a store may need, whatever it is. Inside store_redis*.c only.
 */
#ifndef CORE_SERVICE_STORE_REDIS_REPLY_H
#define CORE_SERVICE_STORE_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of one reply, and of what has come of one that is not whole. */
#define REDIS_REPLY_MOST (4u << 20)
/* Replies of one list, and lists in lists. */
#define REDIS_LIST_MOST	 65536
#define REDIS_DEPTH_MOST 4

enum redis_kind {
	REDIS_NOTHING,
	REDIS_NUMBER,
	REDIS_TEXT,
	REDIS_WORD, /* "OK" */
	REDIS_ERROR,
	REDIS_LIST
};

struct redis_reply {
	enum redis_kind kind;
	int64_t number;
	size_t len;		    /* octets of the text, or items of the list */
	char *text;		    /* text, word, error: ends in NUL; may hold others */
	struct redis_reply **items; /* list */
};

/* NULL is allowed. */
void redis_reply_free(struct redis_reply *);
bool redis_reply_is_text(const struct redis_reply *, const char *text);

/* What an error means for whoever asked, and for the connection. */
enum redis_trouble {
	REDIS_WELL,	  /* it is none */
	REDIS_TROUBLE,	  /* this operation failed */
	REDIS_FULL,	  /* the server has no room */
	REDIS_NO_SCRIPT,  /* a script must be loaded again */
	REDIS_NOT_SERVING /* another server must be asked, or this one later */
};

enum redis_trouble redis_trouble(const struct redis_reply *);

struct redis_reader;

struct redis_reader *redis_reader_new(void);
void redis_reader_free(struct redis_reader *);
/* False: what comes is no Redis protocol, or more than anybody asked for. */
bool redis_reader_feed(struct redis_reader *, const void *, size_t len);
/* The next whole reply, which is the caller's; NULL where there is none. False as above. */
bool redis_reader_next(struct redis_reader *, struct redis_reply **);

#endif
