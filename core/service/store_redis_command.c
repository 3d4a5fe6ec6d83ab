/* SPDX-License-Identifier: MIT */
/*
 * store_redis_command.c - a command of Redis as counted words
 */
#include "store_redis_command.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

void
redis_word(struct redis_command *c, const void *word, size_t len)
{
	assert(c->count < REDIS_WORDS_MOST);
	c->words[c->count] = word;
	c->lens[c->count++] = len;
}

void
redis_word_text(struct redis_command *c, const char *text)
{
	redis_word(c, text, strlen(text));
}

void
redis_word_number(struct redis_command *c, int64_t number)
{
	char *text = c->numbers[c->count];

	snprintf(text, sizeof(c->numbers[0]), "%lld", (long long)number);
	redis_word_text(c, text);
}

void
redis_command_write(const struct redis_command *c, struct buf *out)
{
	char *wire;
	long long len = redisFormatCommandArgv(
		&wire, (int)c->count, (const char **)(uintptr_t)c->words, c->lens);

	/* It fails only without memory, without which nothing else goes on either. */
	if (len < 0)
		abort();
	buf_add(out, wire, (size_t)len);
	redisFreeCommand(wire);
}
