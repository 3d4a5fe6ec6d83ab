/* SPDX-License-Identifier: MIT */
/*
 * script_verdict.c - reject, tempfail, accept, discard, quarantine, and what a hook may return
 *
 * "return reject(...)" is a tail call: an error raised in reject() would name no line. So a
 * constructor never raises; what is wrong is noted in the verdict and said when a hook returns it,
 * with file, hook and lines.
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chain/chain.h"
#include "mail/stage.h"
#include "script_api.h"
#include "script_state.h"

/* A reply code (RFC 5321 section 4.2). */
#define CODE_LEAST 200
#define CODE_MOST  599

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* Strings stand behind the struct; NULL: not given. */
struct verdict {
	enum cm_verdict verdict;
	const char *name; /* of the constructor */
	bool quarantine;
	int code; /* 0: not given */
	const char *status, *text, *reason;
	char bad[160]; /* why it is none; "" if it is one */
};

/* What REJECT and TEMPFAIL say where the rule does not. */
static const struct reply_default {
	int code;
	const char *status, *text;
} reply_defaults[] = {
	[CM_REJECT] = {550, "5.7.1", "Message refused"},
	[CM_TEMPFAIL] = {451, "4.7.1", "Try again later"},
};

const struct script_class script_class_verdict = {
	.name = "Verdict",
	.what = "verdict",
	.kind = SCRIPT_OBJECT,
	.lasting = true,
};

/* reject{...}; nothing reads these rows but the manual and check_fields(). */
static const struct script_row refusal_rows[] = {
	{"code", .result = "integer?", .help = "reply code: 550, or 451 of tempfail"},
	{"reason", .result = "string?", .help = "for the log; the client does not see it"},
	{"status", .result = "string?", .help = "enhanced status: \"5.7.1\", or \"4.7.1\""},
	{"text", .result = "string?", .help = "what the client is told"},
};

const struct script_class script_class_refusal = {
	.name = "Refusal",
	.what = "refusal",
	.kind = SCRIPT_RECORD,
	.rows = refusal_rows,
	.row_count = COUNT(refusal_rows),
};

/* --- making -------------------------------------------------------------------------------------
 */

static size_t
size_of(const char *text)
{
	return text == NULL ? 0 : strlen(text) + 1;
}

static const char *
keep(char **at, const char *text)
{
	char *copy = *at;

	*at += size_of(text);
	return text == NULL ? NULL : memcpy(copy, text, size_of(text));
}

static int
push_verdict(lua_State *L, const struct verdict *draft)
{
	size_t size = size_of(draft->status) + size_of(draft->text) + size_of(draft->reason);
	struct verdict *v = script_push_new(L, &script_class_verdict, sizeof(*v) + size);
	char *at = (char *)(v + 1);

	*v = *draft;
	v->status = keep(&at, draft->status);
	v->text = keep(&at, draft->text);
	v->reason = keep(&at, draft->reason);
	return 1;
}

static void __attribute__((format(printf, 2, 3)))
set_bad(struct verdict *v, const char *format, ...)
{
	va_list args;

	if (v->bad[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(v->bad, sizeof(v->bad), format, args);
	va_end(args);
}

/* The value at index as text of the draft; nil is NULL. */
static const char *
take_text(lua_State *L, struct verdict *v, int index, const char *what)
{
	const char *text = script_to_text(L, index);

	if (text == NULL && !lua_isnoneornil(L, index))
		set_bad(v, "%s(): the %s %s%s", v->name, what,
			lua_isstring(L, index) ? "holds a NUL character" : "is a ",
			lua_isstring(L, index) ? "" : luaL_typename(L, index));
	return text;
}

/* The table at index 1 has no fields but these. */
static void
check_fields(lua_State *L, struct verdict *v)
{
	const char *fields[COUNT(refusal_rows)];

	for (size_t i = 0; i < COUNT(refusal_rows); i++)
		fields[i] = refusal_rows[i].name;
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "[1]";
		const char *nearest = script_nearest(key, fields, COUNT(fields));

		lua_pop(L, 1);
		if (nearest == NULL)
			set_bad(v, "%s{} has no field \"%.32s\", only code, status, text, reason",
				v->name, key);
		else if (strcmp(nearest, key) != 0)
			set_bad(v, "%s{} has no field \"%.32s\"; did you mean \"%s\"?", v->name,
				key, nearest);
	}
}

static void
take_table(lua_State *L, struct verdict *v)
{
	lua_Integer code;
	int exact;

	check_fields(L, v);
	if (lua_getfield(L, 1, "code") != LUA_TNIL) {
		code = lua_tointegerx(L, -1, &exact);
		if (!exact)
			set_bad(v, "%s{}: code is no number", v->name);
		else if (code < CODE_LEAST || code > CODE_MOST)
			set_bad(v, "%s{}: code is no reply code", v->name);
		else
			v->code = (int)code;
	}
	lua_getfield(L, 1, "status");
	v->status = take_text(L, v, -1, "status");
	lua_getfield(L, 1, "text");
	v->text = take_text(L, v, -1, "text");
	lua_getfield(L, 1, "reason");
	v->reason = take_text(L, v, -1, "reason");
}

/* "5.7.1" (RFC 3463 section 2) of the class of code. */
static bool
status_fits(const char *status, int code)
{
	int subject, detail, end = 0;

	if (sscanf(status, "%*1[245].%3d.%3d%n", &subject, &detail, &end) != 2)
		return false;
	return status[end] == '\0' && strspn(status, "0123456789.") == (size_t)end &&
	       status[0] - '0' == code / 100;
}

/* Fills what was not given, once any of it was; code, status and kind must be of one class. */
static void
complete_reply(struct verdict *v)
{
	const struct reply_default *d = &reply_defaults[v->verdict];
	char class = d->status[0];

	if (v->code == 0 && v->status == NULL && v->text == NULL)
		return;
	v->code = v->code == 0 ? d->code : v->code;
	v->status = v->status == NULL ? d->status : v->status;
	v->text = v->text == NULL ? d->text : v->text;
	if (v->code / 100 != class - '0' || !status_fits(v->status, v->code))
		set_bad(v, "%s() needs a %cyz code and a %c.y.z status, got %d %.32s", v->name,
			class, class, v->code, v->status);
}

/* The text begins with a status, or a code and one, as a reply of SMTP does: it would be there
 * twice. */
static bool
begins_with_status(const char *text)
{
	int code = 0, status = 0;

	if (text == NULL)
		return false;
	sscanf(text, "%*1[245]%*1[0-9]%*1[0-9] %n", &code);
	text += code;
	sscanf(text, "%*1[245].%*3[0-9].%*3[0-9]%n", &status);
	return status > 0 && (text[status] == ' ' || text[status] == '\0');
}

/* What people write who think of a reply of SMTP, or of setreply() of milters. */
static void
check_order(struct verdict *v)
{
	if (v->status != NULL && strlen(v->status) == 3 && strspn(v->status, "0123456789") == 3)
		set_bad(v, "%s(%s, ...): write %s{ code = %s, status = \"...\", text = \"...\" }",
			v->name, v->status, v->name, v->status);
	else if (begins_with_status(v->text))
		set_bad(v,
			"the text \"%.40s\" begins with a status: write %s(status, text), or "
			"%s{ code =, status =, text = }",
			v->text, v->name, v->name);
}

/* reject(text), reject(status, text), reject{...} */
static int
refuse(lua_State *L, enum cm_verdict verdict)
{
	struct verdict v = {.verdict = verdict, .name = verdict_name(verdict)};
	bool table = lua_type(L, 1) == LUA_TTABLE;
	bool two = lua_gettop(L) >= 2;

	if (lua_gettop(L) > (table ? 1 : 2))
		set_bad(&v, "%s() takes a text, a status and a text, or a table", v.name);
	if (table) {
		take_table(L, &v);
	} else {
		v.status = two ? take_text(L, &v, 1, "status") : NULL;
		v.text = take_text(L, &v, two ? 2 : 1, "text");
	}
	check_order(&v);
	complete_reply(&v);
	return push_verdict(L, &v);
}

/* accept(reason) */
static int
decide(lua_State *L, const char *name, enum cm_verdict verdict, bool quarantine)
{
	struct verdict v = {.verdict = verdict, .name = name, .quarantine = quarantine};

	if (lua_gettop(L) > 1)
		set_bad(&v, "%s() takes a reason and nothing else", v.name);
	v.reason = take_text(L, &v, 1, "reason");
	return push_verdict(L, &v);
}

int
script_accept(lua_State *L)
{
	return decide(L, "accept", CM_ACCEPT, false);
}

int
script_discard(lua_State *L)
{
	return decide(L, "discard", CM_DISCARD, false);
}

int
script_quarantine(lua_State *L)
{
	return decide(L, "quarantine", CM_CONTINUE, true);
}

int
script_reject(lua_State *L)
{
	return refuse(L, CM_REJECT);
}

int
script_tempfail(lua_State *L)
{
	return refuse(L, CM_TEMPFAIL);
}

int
script_push_opinion(lua_State *L, const char *function, const struct chain_opinion *o)
{
	struct verdict v = {.verdict = o->verdict, .name = function};

	if (o->reply.code != 0) {
		v.code = o->reply.code;
		v.status = o->reply.status;
		v.text = o->reply.text;
	}
	v.reason = o->reason == NULL ? function : lua_pushfstring(L, "%s: %s", function, o->reason);
	return push_verdict(L, &v);
}

int
script_push_bad(lua_State *L, const char *function, const char *why)
{
	struct verdict v = {.verdict = CM_CONTINUE, .name = function};

	set_bad(&v, "%s(): %s", function, why);
	return push_verdict(L, &v);
}

/* --- taking --------------------------------------------------------------------------------------
 */

/* Raises with the file, the hook and its lines. */
static void
fail(lua_State *L, const struct script_run *run, const char *text)
{
	lua_Debug ar;

	script_env_hook(L, run->script, run->slot);
	lua_getinfo(L, ">S", &ar);
	lua_pushfstring(L, "%s: %s() (lines %d-%d): %s", run->script->sources->label,
		stages[run->slot].lua_name, ar.linedefined, ar.lastlinedefined, text);
	lua_error(L);
}

static void
fail_value(lua_State *L, const struct script_run *run)
{
	const char *type = luaL_typename(L, -1);
	const char *quote = lua_type(L, -1) == LUA_TSTRING ? "\"" : "";
	char shown[48];

	if (lua_type(L, -1) == LUA_TBOOLEAN)
		snprintf(shown, sizeof(shown), "%s", lua_toboolean(L, -1) ? "true" : "false");
	else if (lua_isstring(L, -1))
		snprintf(shown, sizeof(shown), "%.40s", lua_tostring(L, -1));
	else
		snprintf(shown, sizeof(shown), "a %s", type);
	lua_pushfstring(L,
		"%s: %s() returned %s%s%s; return nothing, or "
		"reject/tempfail/accept/discard/quarantine(...)",
		run->script->sources->label, stages[run->slot].lua_name, quote, shown, quote);
	lua_error(L);
}

static void
apply(lua_State *L, struct script_run *run, const struct verdict *v)
{
	struct cm_session *s = run->session;
	const char *why = v->reason == NULL ? run->script->name : v->reason;

	if (v->bad[0] != '\0')
		fail(L, run, v->bad);
	if (!stage_allows(&stages[run->slot], v->verdict))
		fail(L, run, lua_pushfstring(L, "%s() cannot be returned at this stage", v->name));
	if (v->quarantine && !cm_quarantine(s, why))
		fail(L, run, "quarantine() was refused; the log says why");
	/* For the trace: the verdict itself is that the message goes on. */
	if (v->quarantine)
		chain_set_result(s, v->name);
	if (v->code != 0 && !cm_reply(s, v->code, v->status, "%s", v->text))
		fail(L, run, "the reply was refused; the log says why");
	if (v->reason != NULL)
		cm_reason(s, "%s", v->reason);
	run->verdict = v->verdict;
}

void
script_verdict_take(lua_State *L, struct script_run *run)
{
	const struct script_object *o;

	run->verdict = CM_CONTINUE;
	if (lua_isnoneornil(L, -1))
		return;
	o = script_test(L, lua_absindex(L, -1), &script_class_verdict);
	if (o == NULL)
		fail_value(L, run);
	else
		apply(L, run, o->data);
}
