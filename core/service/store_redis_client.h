/* SPDX-License-Identifier: MIT */
/*
 * store_redis_client.h - one connection for all threads, on a thread of its own
 *
 * Callers hand over a request and wait for what is said to it, until their deadline and no longer;
 * the thread sends what is handed over together, so many callers need no more round trips than one.
 * While the server is away nobody waits: the thread alone tries to reach it. Inside store_redis*.c
 * only.
 */
#ifndef CORE_SERVICE_STORE_REDIS_CLIENT_H
#define CORE_SERVICE_STORE_REDIS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store.h"
#include "store_redis_command.h"
#include "store_redis_script.h"

struct redis_client;
struct redis_reply;
struct redis_request;

/* False with words: the settings are wrong. */
struct redis_client *redis_client_open(const struct store_config *, struct err *);
/* Begins to connect, and waits for nothing; else the first request does it. */
void redis_client_start(struct redis_client *);
void redis_client_close(struct redis_client *);

struct redis_request *redis_request_new(void);
/* One more command: a reply more is waited for. */
void redis_request_add(struct redis_request *, const struct redis_command *);
/*
 * The same with EVALSHA: the command's first words are "EVALSHA", and any text of REDIS_SCRIPT_NAME
 * octets, whose place the script's name takes. The only command of its request.
 */
void
redis_request_add_script(struct redis_request *, const struct redis_command *, enum redis_script);
/*
 * True: redis_request_reply() has everything, and the caller frees the request. False: the server
 * is away, or did not answer in time; the request is not the caller's any more. deadline in
 * clock_now().
 */
bool redis_client_ask(struct redis_client *, struct redis_request *, int64_t deadline);
const struct redis_reply *redis_request_reply(const struct redis_request *, size_t i);
void redis_request_free(struct redis_request *);

/* The latest trouble with a server that is not away, for the health. */
void redis_client_note(struct redis_client *, const char *words);
void redis_client_health(struct redis_client *, struct store_health *);

#endif
