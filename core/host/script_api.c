/* SPDX-License-Identifier: MIT */
/*
 * script_api.c - the names that rules start from: verdicts, settings, maps, time
 *
 * The list of all classes stands here; each other file of the API describes the fields and methods
 * of some of them.
 */
#include "script_api.h"

#include <lauxlib.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static int
duration(lua_State *L)
{
	const char *text = luaL_checkstring(L, 1);
	double seconds = 0;
	const char *why = script_duration(text, &seconds);

	if (why != NULL)
		return luaL_error(
			L, "duration \"%s\": %s (units: ms s min h d w, as 1h30min)", text, why);
	/* Whole seconds are read by people, too: 3600, and not 3600.0. */
	if (seconds == (double)(lua_Integer)seconds)
		lua_pushinteger(L, (lua_Integer)seconds);
	else
		lua_pushnumber(L, seconds);
	return 1;
}

#define REFUSAL "status_or_text: string|Refusal, text?: string"

static const struct script_row global_rows[] = {
	{"accept", SCRIPT_FUNCTION, .call = script_accept, .parameters = "reason?: string",
		.result = "Verdict",
		.help = "no later plugin looks at this message; at rcpt: at this recipient"},
	{"discard", SCRIPT_FUNCTION, .call = script_discard, .parameters = "reason?: string",
		.result = "Verdict", .rcpt_needs = CM_EDIT_RCPTS,
		.help = "pretend to accept and drop; at rcpt: this recipient"},
	{"dnsbl", SCRIPT_FUNCTION, .call = script_dnsbl, .parameters = "ip: string, zone: string",
		.result = "{listed: boolean, codes: string[]}?, string? err",
		.help = "what a DNS list says of an address; nil and why when nobody knows"},
	{"duration", SCRIPT_FUNCTION, .call = duration, .parameters = "text: string",
		.result = "number", .help = "seconds of a text such as \"1h30min\""},
	{"greylist", SCRIPT_FUNCTION, .call = script_ask,
		.parameters = "m: Message, options?: table", .result = "Verdict?",
		.help = "tempfail until sender and recipient have waited, then nil; asks the "
			"plugin greylist of filter.conf, options: delay"},
	{"map", SCRIPT_FUNCTION, .call = script_map, .parameters = "name: string", .result = "Map",
		.help = "the map of filter.conf with that name"},
	{"metric", SCRIPT_FUNCTION, .call = script_metric,
		.parameters = "name: string, labels?: table", .result = "",
		.help = "adds one to the counter chainmail_rule_NAME_total{labels}; labels are for "
			"what has few values"},
	{"notify", SCRIPT_FUNCTION, .call = script_notify, .store = true,
		.parameters = "notice: Notice", .result = "boolean",
		.help = "mail to a person: notify{to=, subject=, text=, once_per=\"1h\"}; false "
			"where it is not sent"},
	{"quarantine", SCRIPT_FUNCTION, .call = script_quarantine, .parameters = "reason?: string",
		.result = "Verdict", .needs = CM_EDIT_QUARANTINE,
		.help = "let the MTA hold the message at its end; later plugins still run"},
	{"ratelimit", SCRIPT_FUNCTION, .call = script_ratelimit, .store = true,
		.parameters = "limit: Limit",
		.result = "{ok: boolean, never: boolean, used: integer, limit: integer, "
			  "retry_after: integer}",
		.help = "counts against a limit, if it fits: ratelimit{key=, limit=\"200/1h\"}; "
			"retry_after in seconds"},
	{"reject", SCRIPT_FUNCTION, .call = script_reject, .parameters = REFUSAL,
		.result = "Verdict",
		.help = "refuse for good: reject(text), reject(status, text), "
			"reject{code=, status=, text=, reason=}; default 550 5.7.1"},
	{"require", SCRIPT_FUNCTION, .parameters = "name: string", .result = "any",
		.help = "load NAME.lua from the rule's directory or below, once; at the top of the "
			"file only"},
	{"settings", SCRIPT_FIELD, .result = "table",
		.help = "the settings { } block of this script in filter.conf, read-only"},
	{"tempfail", SCRIPT_FUNCTION, .call = script_tempfail, .parameters = REFUSAL,
		.result = "Verdict",
		.help = "ask to try again later, in the same forms; default 451 4.7.1"},
};

const struct script_class script_class_globals = {
	.name = "",
	.what = "globals",
	.kind = SCRIPT_GLOBALS,
	.rows = global_rows,
	.row_count = COUNT(global_rows),
};

static int
time_now(lua_State *L)
{
	lua_pushinteger(L, script_wall(L));
	return 1;
}

static const struct script_row time_rows[] = {
	{"now", SCRIPT_FUNCTION, .call = time_now, .parameters = "", .result = "integer",
		.help = "seconds since 1970"},
};

const struct script_class script_class_time = {
	.name = "time",
	.what = "time",
	.kind = SCRIPT_LIBRARY,
	.rows = time_rows,
	.row_count = COUNT(time_rows),
};

/* --- what done() is told
 * --------------------------------------------------------------------------- */

static const struct cm_final *
final_of(const struct script_object *o)
{
	return o->data;
}

static int
outcome_by(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, final_of(o)->by);
}

static int
outcome_code(lua_State *L, const struct script_object *o)
{
	if (final_of(o)->code == 0)
		lua_pushnil(L);
	else
		lua_pushinteger(L, final_of(o)->code);
	return 1;
}

static int
outcome_kind(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, script_verdict_name(final_of(o)->verdict));
}

static int
outcome_status(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, final_of(o)->status);
}

static int
outcome_text(lua_State *L, const struct script_object *o)
{
	return script_push_text(L, final_of(o)->text);
}

static const struct script_row outcome_rows[] = {
	{"by", SCRIPT_FIELD, outcome_by, .result = "string?",
		.help = "name of the plugin or script that decided"},
	{"code", SCRIPT_FIELD, outcome_code, .result = "integer?", .help = "reply code, 550"},
	{"kind", SCRIPT_FIELD, outcome_kind,
		.result = "\"continue\"|\"accept\"|\"reject\"|\"tempfail\"|\"discard\"",
		.help = "what the MTA was told"},
	{"status", SCRIPT_FIELD, outcome_status, .result = "string?",
		.help = "enhanced status, \"5.7.1\""},
	{"text", SCRIPT_FIELD, outcome_text, .result = "string?", .help = "text of the reply"},
};

const struct script_class script_class_outcome = {
	.name = "Outcome",
	.what = "verdict",
	.kind = SCRIPT_OBJECT,
	.rows = outcome_rows,
	.row_count = COUNT(outcome_rows),
	.text = outcome_kind,
};

const struct script_class *const script_classes[] = {
	&script_class_globals,
	&script_class_log,
	&script_class_time,
	&script_class_dns,
	&script_class_store,
	&script_class_re,
	&script_class_lpeg,
	&script_class_pattern,
	&script_class_json,
	&script_class_message,
	&script_class_client,
	&script_class_server,
	&script_class_auth,
	&script_class_tls,
	&script_class_address,
	&script_class_recipients,
	&script_class_from,
	&script_class_part,
	&script_class_url,
	&script_class_geo,
	&script_class_results,
	&script_class_map,
	&script_class_verdict,
	&script_class_refusal,
	&script_class_limit,
	&script_class_notice,
	&script_class_outcome,
	NULL,
};
