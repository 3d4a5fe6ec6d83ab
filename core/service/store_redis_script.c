/* SPDX-License-Identifier: MIT */
/*
 * store_redis_script.c - what runs inside the server, so that no two machines do it at once
 *
 * The texts are store_redis_*.lua. They need version 6 of Redis, for KEEPTTL, or Valkey. Errors of
 * their writes are what they return (pcall), for up to version 6 an error that is raised has its
 * code in the middle of a text.
 */
#include "store_redis_script.h"

#include <ctype.h>
#include <string.h>

#include "store_redis_reply.h"

/* Made of the files by the Makefile, an octet at a time: C promises strings of 4,095 only. */
static const char add[] = {
#include "store_redis_add.lua.inc"
	0};

static const char add_member[] = {
#include "store_redis_add_member.lua.inc"
	0};

static const char limit[] = {
#include "store_redis_limit.lua.inc"
	0};

static const char *const texts[REDIS_SCRIPTS] = {
	[REDIS_SCRIPT_ADD] = add,
	[REDIS_SCRIPT_ADD_MEMBER] = add_member,
	[REDIS_SCRIPT_LIMIT] = limit,
};

const char *
redis_script_text(enum redis_script script)
{
	return texts[script];
}

bool
redis_names_keep(struct redis_names *names, enum redis_script script, const struct redis_reply *r)
{
	if (r->kind != REDIS_TEXT || r->len != REDIS_SCRIPT_NAME)
		return false;
	for (size_t i = 0; i < r->len; i++) {
		if (!isxdigit((unsigned char)r->text[i]))
			return false;
	}
	memcpy(names->of[script], r->text, REDIS_SCRIPT_NAME);
	return true;
}
