/* SPDX-License-Identifier: MIT */
/*
 * script_api_notify.c - notify{to=, subject=, text=, once_per=}: mail to a person
 *
 * Here is only whether it is to be told; the queue and the mail server are the core's business.
 */
#include <lauxlib.h>
#include <string.h>

#include "script_api.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define SECOND_US    1e6
#define PER_MOST     (3650.0 * 24 * 3600)
#define TO_MOST	     255u /* one more than an address may have */
#define SUBJECT_MOST 200u
#define TEXT_MOST    16384u

/* One call, in the memory of the message. */
struct call {
	const struct cm_store *store;
	const char *key; /* of once_per; NULL: tell in any case */
	int64_t per_us, count;
	enum cm_store_status status;
	struct script_notice notice;
	bool queued;
};

/* Nothing reads these rows but the manual and script_check_fields(). */
static const struct script_row notice_rows[] = {
	{"once_per", .result = "string|number|nil",
		.help = "not again within so long, with the same to and subject: \"1h\""},
	{"subject", .result = "string", .help = "its first 200 octets"},
	{"text", .result = "string", .help = "its first 16 KB"},
	{"to", .result = "string", .help = "one address"},
};

const struct script_class script_class_notice = {
	.name = "Notice",
	.what = "notice",
	.kind = SCRIPT_RECORD,
	.rows = notice_rows,
	.row_count = COUNT(notice_rows),
};

/* In the memory of the message. */
static const char *
keep(lua_State *L, const char *text)
{
	size_t len = strlen(text) + 1;

	script_give(L, len);
	return memcpy(cm_msg_alloc(script_session(L, "notify{}"), len), text, len);
}

/* A field that is a text, its first octets. */
static const char *
take_text(lua_State *L, const char *name, size_t most)
{
	const char *text;

	lua_getfield(L, 1, name);
	text = script_to_text(L, -1);
	if (text == NULL)
		luaL_error(L, "notify{}: %s is a %s, not a text%s", name, luaL_typename(L, -1),
			lua_isstring(L, -1) ? " without NUL" : "");
	lua_pushlstring(L, text, strnlen(text, most));
	text = keep(L, lua_tostring(L, -1));
	lua_pop(L, 2);
	return text;
}

/* "12h", or seconds. */
static void
take_once(lua_State *L, struct call *c)
{
	const struct script_notice *n = &c->notice;
	double seconds = 0;
	const char *why = NULL;
	int type = lua_getfield(L, 1, "once_per");

	if (type == LUA_TNIL)
		return;
	if (type == LUA_TSTRING)
		why = script_duration(lua_tostring(L, -1), &seconds);
	else if (type == LUA_TNUMBER)
		seconds = lua_tonumber(L, -1);
	else
		why = "it is a text such as \"1h\", or seconds";
	if (why != NULL)
		luaL_error(L, "notify{}: once_per: %s", why);
	if (!(seconds >= 1 && seconds <= PER_MOST))
		luaL_error(L, "notify{}: once_per is at least 1s and at most 3650d");
	c->per_us = (int64_t)(seconds * SECOND_US);
	lua_pushfstring(L, "notify/%s/%s/%s", script_rule_name(L), n->to, n->subject);
	c->key = keep(L, lua_tostring(L, -1));
}

/* Whoever counts first tells; where it cannot be told, the next may try. */
static void
tell(struct cm_session *s, void *data)
{
	struct call *c = data;

	if (c->key != NULL)
		c->status = cm_store_add(s, c->store, c->key, 1, c->per_us, &c->count);
	if (c->status != CM_STORE_OK || c->count > 1)
		return;
	c->queued = script_notice_post(s, &c->notice);
	if (!c->queued && c->key != NULL)
		(void)cm_store_delete(s, c->store, c->key);
}

static int
told(lua_State *L, int status, lua_KContext context)
{
	const struct call *c = (const struct call *)context;

	(void)status;
	if (c->status != CM_STORE_OK)
		return luaL_error(L, "notify{}: the store %s",
			c->status == CM_STORE_FULL ? "has no room" : "does not answer");
	lua_pushboolean(L, c->queued);
	return 1;
}

int
script_notify(lua_State *L)
{
	struct cm_session *s = script_session(L, "notify{}");
	struct call *c;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	script_check_fields(L, "notify{}", &script_class_notice);
	script_give(L, sizeof(*c));
	c = cm_msg_alloc(s, sizeof(*c));
	c->store = script_store(L);
	if (c->store == NULL)
		return luaL_error(L, "notify was not found in the text of the rule");
	c->status = CM_STORE_OK;
	c->notice.rule = script_rule_name(L);
	c->notice.to = take_text(L, "to", TO_MOST);
	if (!script_address_ok(c->notice.to))
		return luaL_error(L, "notify{}: to is one address, such as postmaster@example.com");
	c->notice.subject = take_text(L, "subject", SUBJECT_MOST);
	c->notice.text = take_text(L, "text", TEXT_MOST);
	take_once(L, c);
	return script_errand(L, "notify{}", tell, c, told);
}
