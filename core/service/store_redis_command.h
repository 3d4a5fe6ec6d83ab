/* SPDX-License-Identifier: MIT */
/*
 * store_redis_command.h - a command of Redis as counted words
 *
 * Words are octets and never a format. Inside store_redis*.c only.
 */
#ifndef CORE_SERVICE_STORE_REDIS_COMMAND_H
#define CORE_SERVICE_STORE_REDIS_COMMAND_H

#include <stddef.h>
#include <stdint.h>

/* A step of a limit has nine and three for each of its windows. */
#define REDIS_WORDS_MOST 40u

struct buf;

/* Begins as {0}. Texts are borrowed until it is written; more words than there is room for are a
 * bug. */
struct redis_command {
	size_t count;
	const char *words[REDIS_WORDS_MOST];
	size_t lens[REDIS_WORDS_MOST];
	char numbers[REDIS_WORDS_MOST][24];
};

void redis_word(struct redis_command *, const void *, size_t len);
void redis_word_text(struct redis_command *, const char *);
void redis_word_number(struct redis_command *, int64_t);
/* Appends it as it goes over the wire. */
void redis_command_write(const struct redis_command *, struct buf *);

#endif
