/* SPDX-License-Identifier: MIT */
/*
 * store_redis_reply.c - what a Redis server says, read within bounds
 */
#include "store_redis_reply.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct redis_reader {
	redisReader *parser;
	size_t pending; /* octets that came since the last whole reply */
};

/* --- replies --- */

void
redis_reply_free(struct redis_reply *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; r->items != NULL && i < r->len; i++)
		redis_reply_free(r->items[i]);
	free((void *)r->items);
	free(r->text);
	free(r);
}

bool
redis_reply_is_text(const struct redis_reply *r, const char *text)
{
	return (r->kind == REDIS_TEXT || r->kind == REDIS_WORD) && r->len == strlen(text) &&
	       memcmp(r->text, text, r->len) == 0;
}

/* --- what hiredis calls while it parses --- */

/* Puts it where it belongs; hiredis itself takes the outermost. */
static struct redis_reply *
place(const redisReadTask *task, struct redis_reply *r)
{
	if (task->parent != NULL)
		((struct redis_reply *)task->parent->obj)->items[task->idx] = r;
	return r;
}

static struct redis_reply *
new_reply(enum redis_kind kind)
{
	struct redis_reply *r = mem_zalloc(1, sizeof(*r));

	r->kind = kind;
	return r;
}

static void *
create_text(const redisReadTask *task, char *text, size_t len)
{
	enum redis_kind kind = task->type == REDIS_REPLY_ERROR	  ? REDIS_ERROR
			       : task->type == REDIS_REPLY_STATUS ? REDIS_WORD
								  : REDIS_TEXT;
	struct redis_reply *r = new_reply(kind);

	r->text = mem_alloc(len + 1);
	memcpy(r->text, text, len);
	r->text[len] = '\0';
	r->len = len;
	return place(task, r);
}

static bool
too_deep(const redisReadTask *task)
{
	unsigned depth = 0;

	for (; task != NULL; task = task->parent)
		depth++;
	return depth > REDIS_DEPTH_MOST;
}

static void *
create_list(const redisReadTask *task, size_t count)
{
	struct redis_reply *r;

	if (count > REDIS_LIST_MOST || too_deep(task))
		return NULL;
	r = new_reply(REDIS_LIST);
	r->items = mem_zalloc(count + 1, sizeof(struct redis_reply *));
	r->len = count;
	return place(task, r);
}

static void *
create_number(const redisReadTask *task, long long number)
{
	struct redis_reply *r = new_reply(REDIS_NUMBER);

	r->number = number;
	return place(task, r);
}

static void *
create_nothing(const redisReadTask *task)
{
	return place(task, new_reply(REDIS_NOTHING));
}

static void
free_object(void *object)
{
	redis_reply_free(object);
}

#if HIREDIS_MAJOR < 1
/* It counts in int, and knows nothing but RESP2. */
static void *
create_array(const redisReadTask *task, int count)
{
	return count < 0 ? NULL : create_list(task, (size_t)count);
}

static redisReplyObjectFunctions functions = {
	.createString = create_text,
	.createArray = create_array,
	.createInteger = create_number,
	.createNil = create_nothing,
	.freeObject = free_object,
};
#else
/* Nobody asked for RESP3. */
static void *
refuse_double(const redisReadTask *task, double number, char *text, size_t len)
{
	(void)task;
	(void)number;
	(void)text;
	(void)len;
	return NULL;
}

static void *
refuse_bool(const redisReadTask *task, int value)
{
	(void)task;
	(void)value;
	return NULL;
}

static redisReplyObjectFunctions functions = {
	.createString = create_text,
	.createArray = create_list,
	.createInteger = create_number,
	.createDouble = refuse_double,
	.createNil = create_nothing,
	.createBool = refuse_bool,
	.freeObject = free_object,
};
#endif

/* --- reader --- */

struct redis_reader *
redis_reader_new(void)
{
	struct redis_reader *r = mem_zalloc(1, sizeof(*r));

	r->parser = redisReaderCreateWithFunctions(&functions);
	if (r->parser == NULL)
		abort();
	return r;
}

void
redis_reader_free(struct redis_reader *r)
{
	if (r == NULL)
		return;
	redisReaderFree(r->parser);
	free(r);
}

bool
redis_reader_feed(struct redis_reader *r, const void *data, size_t len)
{
	r->pending += len;
	return r->pending <= REDIS_REPLY_MOST && redisReaderFeed(r->parser, data, len) == REDIS_OK;
}

bool
redis_reader_next(struct redis_reader *r, struct redis_reply **reply)
{
	void *object = NULL;
	bool good = redisReaderGetReply(r->parser, &object) == REDIS_OK;

	*reply = object;
	if (object != NULL)
		r->pending = r->parser->len - r->parser->pos;
	return good;
}

/* --- errors --- */

/* By their first word; what is not here is REDIS_TROUBLE. */
static const struct {
	const char *code;
	enum redis_trouble trouble;
} codes[] = {
	{"ASK", REDIS_NOT_SERVING},
	{"BUSY", REDIS_NOT_SERVING},
	{"CLUSTERDOWN", REDIS_NOT_SERVING},
	{"LOADING", REDIS_NOT_SERVING},
	{"MASTERDOWN", REDIS_NOT_SERVING},
	{"MISCONF", REDIS_NOT_SERVING},
	{"MOVED", REDIS_NOT_SERVING},
	{"NOAUTH", REDIS_NOT_SERVING},
	{"NOREPLICAS", REDIS_NOT_SERVING},
	{"NOSCRIPT", REDIS_NO_SCRIPT},
	{"OOM", REDIS_FULL},
	{"READONLY", REDIS_NOT_SERVING},
};

static enum redis_trouble
find_code(const char *text)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		size_t len = strlen(codes[i].code);

		if (strncmp(text, codes[i].code, len) == 0 &&
			(text[len] == ' ' || text[len] == '\0'))
			return codes[i].trouble;
	}
	return REDIS_TROUBLE;
}

/* Up to version 6 an error inside a script stands at the end of "ERR Error running script ...". */
enum redis_trouble
redis_trouble(const struct redis_reply *r)
{
	static const char script[] = "ERR Error running script";
	const char *code;

	if (r->kind != REDIS_ERROR)
		return REDIS_WELL;
	if (strncmp(r->text, script, sizeof(script) - 1) != 0)
		return find_code(r->text);
	code = strstr(r->text, ": -");
	return code == NULL ? REDIS_TROUBLE : find_code(code + 3);
}
