/* SPDX-License-Identifier: MIT */
/*
 * script_api_message.c - m: the message as a hook sees it
 *
 * A field is asked of the session when it is read. The results of plugins stand beside the fields
 * of the message, under the plugins' names.
 */
#include <lauxlib.h>
#include <string.h>

#include "script_api.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
/* What the text of a field costs (script_charge). */
#define OCTETS_PER_STEP 2

static struct cm_session *
session(lua_State *L)
{
	return script_session_now(L);
}

/* --- what the MTA said ------------------------------------------------------------------------ */

static int
get_auth(lua_State *L, const struct script_object *o)
{
	const struct cm_auth *auth;
	enum cm_known known = cm_auth(session(L), &auth);

	(void)o;
	/* Before MAIL nobody has logged in. */
	if (known == CM_UNDELIVERED && cm_stage(session(L)) >= CM_STAGE_MAIL)
		return script_undelivered(L, "the login");
	if (known == CM_KNOWN)
		script_push(L, &script_class_auth, auth);
	else
		lua_pushnil(L);
	return 1;
}

static int
get_client(lua_State *L, const struct script_object *o)
{
	(void)o;
	script_push(L, &script_class_client, NULL);
	return 1;
}

static int
get_from(lua_State *L, const struct script_object *o)
{
	const struct cm_address *sender = cm_sender(session(L));

	(void)o;
	if (sender == NULL)
		lua_pushnil(L);
	else
		script_push(L, &script_class_address, sender);
	return 1;
}

static int
get_from_header(lua_State *L, const struct script_object *o)
{
	(void)o;
	if (cm_header(session(L), "From", 1) == NULL)
		lua_pushnil(L);
	else
		script_push(L, &script_class_from, cm_from(session(L)));
	return 1;
}

static int
get_helo(lua_State *L, const struct script_object *o)
{
	(void)o;
	return script_push_text(L, cm_helo(session(L)));
}

static int
get_id(lua_State *L, const struct script_object *o)
{
	(void)o;
	return script_push_text(L, cm_id(session(L)));
}

static int
get_queue_id(lua_State *L, const struct script_object *o)
{
	(void)o;
	return script_push_text(L, cm_queue_id(session(L)));
}

static int
get_rcpts(lua_State *L, const struct script_object *o)
{
	(void)o;
	script_push(L, &script_class_recipients, NULL);
	return 1;
}

static int
get_server(lua_State *L, const struct script_object *o)
{
	(void)o;
	script_push(L, &script_class_server, NULL);
	return 1;
}

static int
get_size(lua_State *L, const struct script_object *o)
{
	(void)o;
	lua_pushinteger(L, cm_size(session(L)));
	return 1;
}

static int
get_stage(lua_State *L, const struct script_object *o)
{
	(void)o;
	return script_push_text(
		L, script_in_done(L) ? "done" : script_stage_name(cm_stage(session(L))));
}

static int
get_tls(lua_State *L, const struct script_object *o)
{
	const struct cm_tls *tls;
	enum cm_known known = cm_tls(session(L), &tls);

	(void)o;
	if (known == CM_UNDELIVERED)
		return script_undelivered(L, "TLS");
	if (known == CM_KNOWN)
		script_push(L, &script_class_tls, tls);
	else
		lua_pushnil(L);
	return 1;
}

static int
from_trusted(lua_State *L)
{
	script_self(L, &script_class_message);
	lua_pushboolean(L, cm_client_trusted(session(L)));
	return 1;
}

/* --- results of plugins
 * --------------------------------------------------------------------------- */

static void
await_results(struct cm_session *s, void *plugin)
{
	(void)cm_result(s, ((const struct cm_plugin *)plugin)->name, "result");
}

static int
push_awaited(lua_State *L, int status, lua_KContext plugin)
{
	(void)status;
	script_push(L, &script_class_results, (const void *)plugin);
	return 1;
}

/* Raises where the plugin gives its results at this very stage, and its turn comes later. */
static void
check_turn(lua_State *L, const char *plugin, enum cm_stage from)
{
	const struct cm_session *s = session(L);
	const char *profile, *rule = cm_link_name(s);

	if (cm_stage(s) == from && !script_in_done(L) && script_comes_later(s, plugin, &profile))
		luaL_error(L,
			"m.%s is not known yet: plugin %s stands behind %s in profile %s; move %s "
			"behind it",
			plugin, plugin, rule, profile, rule);
}

/* A check whose answers are still on their way is waited for outside of Lua. */
static int
push_results(lua_State *L, const char *name, enum cm_stage from)
{
	const struct cm_plugin *plugin = script_plugin(session(L), name);

	if (plugin == NULL)
		return luaL_error(L, "m.%s needs the plugin %s in filter.conf", name, name);
	check_turn(L, plugin->name, from);
	if (cm_results_wait(session(L), plugin->name) && lua_isyieldable(L))
		return script_errand(
			L, name, await_results, (void *)(uintptr_t)plugin, push_awaited);
	return push_awaited(L, LUA_OK, (lua_KContext)plugin);
}

static int
get_dkim(lua_State *L, const struct script_object *o)
{
	(void)o;
	return push_results(L, "dkim", CM_STAGE_EOM);
}

static int
get_dmarc(lua_State *L, const struct script_object *o)
{
	(void)o;
	return push_results(L, "dmarc", CM_STAGE_EOM);
}

static int
get_spf(lua_State *L, const struct script_object *o)
{
	(void)o;
	return push_results(L, "spf", CM_STAGE_MAIL);
}

/* A field without a row: the name of a plugin. */
static bool
plugin_results(lua_State *L, const struct script_object *o)
{
	const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";

	(void)o;
	/* Nobody knows when other plugins give theirs. */
	return script_plugin(session(L), name) != NULL &&
	       push_results(L, name, CM_STAGE_COUNT) == 1;
}

/* What was published needs no look at the plugin's table. */
static bool
result(lua_State *L, const struct script_object *o)
{
	const struct cm_plugin *plugin = o->data;
	const char *key = script_to_text(L, 2), *value;

	if (key == NULL)
		return false;
	value = cm_result(session(L), plugin->name, key);
	if (value == NULL)
		script_check_result(L, plugin, key);
	script_push_text(L, value);
	return true;
}

const struct script_class script_class_results = {
	.name = "Results",
	.what = "results",
	.kind = SCRIPT_OBJECT,
	.other = result,
	.other_type = "[string] string?",
};

/* --- header and body -------------------------------------------------------------------------- */

/* The value that m:header(name, n) is about, or NULL. */
static const char *
value_asked(lua_State *L)
{
	const char *name;
	lua_Integer n;

	script_self(L, &script_class_message);
	name = luaL_checkstring(L, 2);
	n = luaL_optinteger(L, 3, 1);
	luaL_argcheck(L, n >= 1, 3, "fields are counted from 1");
	script_charge(L, cm_header_count(session(L)));
	return cm_header(session(L), name, (size_t)n);
}

static int
header(lua_State *L)
{
	return script_push_text(L, value_asked(L));
}

static int
header_text(lua_State *L)
{
	const char *value = value_asked(L);
	luaL_Buffer b;
	char *out;

	if (value == NULL)
		return script_push_text(L, NULL);
	script_charge(L, strlen(value) / OCTETS_PER_STEP);
	out = luaL_buffinitsize(L, &b, SCRIPT_TEXT_SIZE);
	if (!script_field_text(L, value, out))
		return luaL_error(L, "m:header_text(): %s", out);
	script_charge(L, 0);
	luaL_pushresultsize(&b, strlen(out));
	return 1;
}

/* Upvalues: the message, fields given so far. */
static int
header_next(lua_State *L)
{
	size_t i = (size_t)lua_tointeger(L, lua_upvalueindex(2));
	const struct cm_header *field;

	script_check(L, lua_upvalueindex(1), &script_class_message);
	field = cm_header_at(session(L), i);
	if (field == NULL)
		return 0;
	lua_pushinteger(L, (lua_Integer)i + 1);
	lua_replace(L, lua_upvalueindex(2));
	lua_pushstring(L, field->name);
	lua_pushstring(L, field->value);
	return 2;
}

static int
header_list(lua_State *L)
{
	script_self(L, &script_class_message);
	/* Who gives a name would take all fields for those of that name. */
	luaL_argcheck(L, lua_isnoneornil(L, 2), 2,
		"it gives all fields; m:header(name, n) is the n-th of a name");
	lua_pushvalue(L, 1);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, header_next, 2);
	return 1;
}

static int
body(lua_State *L)
{
	const unsigned char *data;
	lua_Integer most;
	size_t len;

	script_self(L, &script_class_message);
	most = luaL_checkinteger(L, 2);
	luaL_argcheck(L, most >= 0, 2, "number of octets wanted");
	if (!cm_body(session(L), &data, &len)) {
		lua_pushnil(L);
		lua_pushliteral(L, "not kept: larger than max_message_size");
		return 2;
	}
	if ((lua_Unsigned)most < len)
		len = (size_t)most;
	script_charge(L, len / 64);
	lua_pushlstring(L, (const char *)data, len);
	return 1;
}

/* m:note(key) reads, m:note(key, value) writes, m:note(key, nil) deletes. */
static int
note(lua_State *L)
{
	const char *key, *value, *kept;

	script_self(L, &script_class_message);
	key = script_check_text(L, 2);
	kept = cm_note(session(L), key);
	if (lua_gettop(L) == 2)
		return script_push_text(L, kept);
	if (lua_isboolean(L, 3)) {
		lua_pushstring(L, lua_toboolean(L, 3) ? "true" : "false");
		lua_replace(L, 3);
	}
	value = script_opt_text(L, 3);
	if (value == NULL && kept == NULL)
		return 0;
	cm_set_note(session(L), key, value);
	kept = cm_note(session(L), key);
	if (value == NULL ? kept != NULL : kept == NULL || strcmp(kept, value) != 0)
		return luaL_error(L, "m:note(\"%s\"): a message has no room for more notes", key);
	return 0;
}

/* --- the rows
 * --------------------------------------------------------------------------------------- */

static const struct cm_macro auth_macros[] = {
	{CM_STAGE_MAIL, "{auth_authen}"},
	{CM_STAGE_MAIL, "{auth_type}"},
	{0, NULL},
};
static const struct cm_macro queue_macros[] = {{CM_STAGE_DATA, "i"}, {0, NULL}};
static const struct cm_macro server_macros[] = {
	{CM_STAGE_CONNECT, "j"},
	{CM_STAGE_CONNECT, "{daemon_addr}"},
	{CM_STAGE_CONNECT, "{daemon_name}"},
	{CM_STAGE_CONNECT, "{daemon_port}"},
	{CM_STAGE_CONNECT, "{if_addr}"},
	{0, NULL},
};
static const struct cm_macro tls_macros[] = {{CM_STAGE_MAIL, "{tls_version}"}, {0, NULL}};

#define FIELD "name: string, value: string"

static const struct script_row rows[] = {
	{"add_header", SCRIPT_FUNCTION, .call = script_add_header, .parameters = FIELD,
		.result = "", .needs = CM_EDIT_HEADERS, .help = "add a header field at the end"},
	{"add_rcpt", SCRIPT_FUNCTION, .call = script_add_rcpt,
		.parameters = "address: string|Address", .result = "", .needs = CM_EDIT_RCPTS,
		.help = "add a recipient"},
	{"attachments", SCRIPT_FUNCTION, .call = script_attachments, .parameters = "",
		.result = "fun(): integer, Part|nil, string? why", .from = CM_STAGE_EOM,
		.needs = CM_NEED_BODY | CM_NEED_HEADERS, .parts = true,
		.help = "for _, part in m:attachments() do: files and messages that it carries; "
			"nil and why when they are not known"},
	{"auth", SCRIPT_FIELD, get_auth, .result = "Auth?", .macros = auth_macros,
		.help = "the login; nil: not logged in, as nobody is before mail"},
	{"body", SCRIPT_FUNCTION, .call = body, .parameters = "octets: integer",
		.result = "string?, string? why", .from = CM_STAGE_EOM, .needs = CM_NEED_BODY,
		.help = "the first octets of the body; nil and why when it was not kept"},
	{"client", SCRIPT_FIELD, get_client, .result = "Client", .help = "who connected"},
	{"dkim", SCRIPT_FIELD, get_dkim, .result = "Results", .from = CM_STAGE_EOM,
		.help = "results of the plugin dkim"},
	{"dmarc", SCRIPT_FIELD, get_dmarc, .result = "Results", .from = CM_STAGE_EOM,
		.help = "results of the plugin dmarc"},
	{"drop_rcpt", SCRIPT_FUNCTION, .call = script_drop_rcpt,
		.parameters = "address: string|Address", .result = "", .needs = CM_EDIT_RCPTS,
		.help = "remove a recipient"},
	{"from", SCRIPT_FIELD, get_from, .result = "Address", .from = CM_STAGE_MAIL,
		.help = "envelope sender"},
	{"from_header", SCRIPT_FIELD, get_from_header, .result = "From?", .from = CM_STAGE_EOH,
		.needs = CM_NEED_HEADERS,
		.help = "author of the From: field; nil: there is no such field"},
	{"from_trusted", SCRIPT_FUNCTION, .call = from_trusted, .parameters = "",
		.result = "boolean", .help = "is the client in main.trusted_networks?"},
	{"geo", SCRIPT_FIELD, script_geo, .result = "Geo",
		.help = "where the client's address is; needs the section geo"},
	{"header", SCRIPT_FUNCTION, .call = header, .parameters = "name: string, n?: integer",
		.result = "string?", .from = CM_STAGE_EOH, .needs = CM_NEED_HEADERS,
		.help = "value of the n-th field of that name as received, folding included"},
	{"header_list", SCRIPT_FUNCTION, .call = header_list, .parameters = "",
		.result = "fun(): string, string", .from = CM_STAGE_EOH, .needs = CM_NEED_HEADERS,
		.help = "for name, value in m:header_list() do: all fields in their order"},
	{"header_text", SCRIPT_FUNCTION, .call = header_text,
		.parameters = "name: string, n?: integer", .result = "string?",
		.from = CM_STAGE_EOH, .needs = CM_NEED_HEADERS, .parts = true,
		.help = "value of the n-th field of that name as people see it: one line of UTF-8, "
			"encoded words decoded"},
	{"helo", SCRIPT_FIELD, get_helo, .result = "string?", .from = CM_STAGE_HELO,
		.help = "argument of HELO or EHLO"},
	{"id", SCRIPT_FIELD, get_id, .result = "string", .help = "our id; in every log line"},
	{"insert_header", SCRIPT_FUNCTION, .call = script_insert_header,
		.parameters = "index: integer, " FIELD, .result = "", .needs = CM_EDIT_HEADERS,
		.help = "insert a header field; 0: above all"},
	{"note", SCRIPT_FUNCTION, .call = note,
		.parameters = "key: string, value?: string|number|boolean", .result = "string?",
		.help = "remember text for this message, or read it; nil deletes it; all plugins "
			"and rules share it"},
	{"prefix_subject", SCRIPT_FUNCTION, .call = script_prefix_subject,
		.parameters = "text: string", .result = "", .needs = CM_EDIT_HEADERS,
		.help = "put text in front of the Subject:, once"},
	{"queue_id", SCRIPT_FIELD, get_queue_id, .result = "string?", .macros = queue_macros,
		.help = "the MTA's queue id; Postfix has one after the first accepted recipient"},
	{"rcpts", SCRIPT_FIELD, get_rcpts, .result = "Recipients", .from = CM_STAGE_MAIL,
		.help = "recipients accepted so far: #m.rcpts, m.rcpts[1], ipairs(m.rcpts)"},
	{"remove_header", SCRIPT_FUNCTION, .call = script_remove_header,
		.parameters = "name: string, n?: integer", .result = "", .needs = CM_EDIT_HEADERS,
		.help = "remove the fields of that name, or the n-th of them"},
	{"server", SCRIPT_FIELD, get_server, .result = "Server", .macros = server_macros,
		.help = "where the client connected to"},
	{"set_header", SCRIPT_FUNCTION, .call = script_set_header,
		.parameters = FIELD ", n?: integer", .result = "", .needs = CM_EDIT_HEADERS,
		.help = "change the n-th field of that name, or add it"},
	{"set_sender", SCRIPT_FUNCTION, .call = script_set_sender,
		.parameters = "address: string|Address", .result = "", .needs = CM_EDIT_SENDER,
		.help = "change the envelope sender; \"\" is the null sender"},
	{"size", SCRIPT_FIELD, get_size, .result = "integer", .needs = CM_NEED_SIZE,
		.help = "octets of header and body received so far"},
	{"spf", SCRIPT_FIELD, get_spf, .result = "Results", .from = CM_STAGE_MAIL,
		.help = "results of the plugin spf"},
	{"stage", SCRIPT_FIELD, get_stage, .result = "string",
		.help = "the stage, as hooks are named"},
	{"tls", SCRIPT_FIELD, get_tls, .result = "Tls?", .from = CM_STAGE_MAIL,
		.macros = tls_macros, .help = "nil: plain text"},
	{"urls", SCRIPT_FUNCTION, .call = script_urls, .parameters = "",
		.result = "fun(): integer, Url|nil, string? why", .from = CM_STAGE_EOM,
		.needs = CM_NEED_BODY | CM_NEED_HEADERS, .parts = true,
		.help = "for _, url in m:urls() do: web addresses in its texts; nil and why when "
			"they are not known"},
};

const struct script_class script_class_message = {
	.name = "Message",
	.what = "message",
	.kind = SCRIPT_OBJECT,
	.rows = rows,
	.row_count = COUNT(rows),
	.other = plugin_results,
	.other_type = "[string] Results",
	.hint = "; use m:note(key, value) to remember something for this message",
};
