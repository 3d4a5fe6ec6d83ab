/* SPDX-License-Identifier: MIT */
/*
 * store_redis_find.h - which server takes writes, and what is said to it first
 *
 * Inside store_redis*.c only.
 */
#ifndef CORE_SERVICE_STORE_REDIS_FIND_H
#define CORE_SERVICE_STORE_REDIS_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store_redis_link.h"
#include "store_redis_script.h"

struct store_config;

#define REDIS_PASSWORD_MOST 1024u
#define REDIS_WHERE_MOST    320u

/* Copies, for the thread that uses them may outlive the configuration. */
struct redis_find {
	char **servers;
	size_t count;
	size_t at;	/* which is asked first */
	char *sentinel; /* NULL: servers are Redis servers */
	char *password_file;
	char password[REDIS_PASSWORD_MOST];
	char where[REDIS_WHERE_MOST]; /* that was found, or tried last */
};

/* False with words. */
bool redis_find_init(struct redis_find *, const struct store_config *, struct err *);
void redis_find_fini(struct redis_find *);
/*
 * Opens the link to a server that takes writes, is told the password, and has the scripts. Takes
 * two or three seconds at most, but for names that nobody knows. False with words.
 */
bool redis_find(struct redis_find *, struct redis_link *, struct redis_names *, struct err *);

/* Asks for the scripts to be loaded: an answer for each will come, in the order of theirs. */
void redis_find_load(struct buf *out);

#endif
