/* SPDX-License-Identifier: MIT */
/*
 * store_redis_script.h - what runs inside the server, so that no two machines do it at once
 *
 * Inside store_redis*.c only.
 */
#ifndef CORE_SERVICE_STORE_REDIS_SCRIPT_H
#define CORE_SERVICE_STORE_REDIS_SCRIPT_H

#include <stdbool.h>

enum redis_script { REDIS_SCRIPT_ADD, REDIS_SCRIPT_ADD_MEMBER, REDIS_SCRIPT_LIMIT };

#define REDIS_SCRIPTS	  3u
#define REDIS_SCRIPT_NAME 40u /* hexadecimal digits by which a server knows a script */

struct redis_reply;

/* The names that a server gave them. */
struct redis_names {
	char of[REDIS_SCRIPTS][REDIS_SCRIPT_NAME];
};

const char *redis_script_text(enum redis_script);
/* Keeps the answer to SCRIPT LOAD; false: it is no name. */
bool redis_names_keep(struct redis_names *, enum redis_script, const struct redis_reply *);

#endif
