/* SPDX-License-Identifier: MIT */
/*
 * script_object.c - what rules hold instead of pointers into the session
 *
 * An object is a class, the number of the hook call it was made in, and a pointer that is followed
 * only while that hook runs. A rule may keep an object as long as it likes; using it later is an
 * error. Fields are found in a table of the class, made from its rows.
 */
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "script_api.h"
#include "script_state.h"

/* What changes the message. */
#define EDITS                                                                         \
	((uint32_t)(CM_EDIT_HEADERS | CM_EDIT_RCPTS | CM_EDIT_SENDER | CM_EDIT_BODY | \
		    CM_EDIT_QUARANTINE))
/* Octets that a rule may hand to the host for one message: notes, edits, keys, log lines. */
#define GIVE_MOST (4u << 20)
/* Log lines that one hook may write. */
#define LINES_MOST 100

static bool
alive(lua_State *L, const struct script_object *o)
{
	const struct script_state *st = script_state_of(L);

	if (o->class->lasting)
		return true;
	return st->run != NULL && st->run->session != NULL && st->run->serial == o->serial;
}

static void
check_alive(lua_State *L, const struct script_object *o)
{
	if (!alive(L, o))
		luaL_error(L, "this %s belongs to a hook that has ended; m:note() keeps values",
			o->class->what);
}

/* Of the run; outside of one, where the libraries are made, 0. */
static uint64_t
serial_now(lua_State *L)
{
	const struct script_run *run = script_state_of(L)->run;

	return run == NULL ? 0 : run->serial;
}

void *
script_push_new(lua_State *L, const struct script_class *class, size_t size)
{
	struct script_object *o = lua_newuserdatauv(L, sizeof(*o) + size, class->values);

	o->class = class;
	o->serial = serial_now(L);
	o->data = memset(o + 1, 0, size);
	lua_rawgetp(L, LUA_REGISTRYINDEX, class);
	lua_setmetatable(L, -2);
	return o + 1;
}

void
script_push(lua_State *L, const struct script_class *class, const void *data)
{
	struct script_object *o = lua_newuserdatauv(L, sizeof(*o), 0);

	o->class = class;
	o->serial = serial_now(L);
	o->data = data;
	lua_rawgetp(L, LUA_REGISTRYINDEX, class);
	lua_setmetatable(L, -2);
}

const struct script_object *
script_test(lua_State *L, int arg, const struct script_class *class)
{
	const struct script_object *o = lua_touserdata(L, arg);

	/* Rules cannot make userdata: all there is are objects. */
	if (lua_type(L, arg) != LUA_TUSERDATA || o->class != class)
		return NULL;
	check_alive(L, o);
	return o;
}

const struct script_object *
script_check(lua_State *L, int arg, const struct script_class *class)
{
	const struct script_object *o = script_test(L, arg, class);

	if (o == NULL)
		luaL_typeerror(L, arg, class->name);
	return o;
}

/* Raises where the link did not declare what the row needs: its name was not found in the text. */
static void
check_needs(lua_State *L, const struct script_object *o, const struct script_row *row)
{
	const struct script_run *run = script_state_of(L)->run;

	if ((row->needs & ~run->script->plugin.needs) != 0)
		luaL_error(L,
			"%s.%s needs its name written in the rule: the MTA is asked for what the "
			"text names, and \"%s\" was computed",
			o->class->what, row->name, row->name);
}

/* Raises where the session has not come to the row's stage yet. */
static void
check_stage(lua_State *L, const struct script_object *o, const struct script_row *row)
{
	struct cm_session *s;

	if (row->from == CM_STAGE_CONNECT)
		return;
	s = script_session(L, row->name);
	if (cm_stage(s) < row->from)
		luaL_error(L, "%s.%s is known from stage %s on, not at %s", o->class->what,
			row->name, script_stage_name(row->from), script_stage_name(cm_stage(s)));
}

/* Raises where the answer was given: nobody applies an edit any more. */
static void
check_answered(lua_State *L, const struct script_row *row)
{
	if ((row->needs & EDITS) != 0 && script_in_done(L))
		luaL_error(
			L, "m:%s() comes too late in done(): the message was answered", row->name);
}

static void
check_row(lua_State *L, const struct script_object *o, const struct script_row *row)
{
	check_needs(L, o, row);
	check_answered(L, row);
	check_stage(L, o, row);
}

const struct script_object *
script_self(lua_State *L, const struct script_class *class)
{
	const struct script_row *row = lua_touserdata(L, lua_upvalueindex(1));
	const struct script_object *o = script_test(L, 1, class);

	if (o == NULL)
		luaL_error(L, "%s is called with a colon: m:%s(...)", row->name, row->name);
	else
		check_row(L, o, row);
	return o;
}

/* --- metamethods --------------------------------------------------------------------------------
 */

static int
no_field(lua_State *L, const struct script_object *o)
{
	const char *name = script_tostring(L, 2, NULL);

	script_push_suggestion(L, lua_upvalueindex(1), name);
	return luaL_error(L, "%s has no field \"%s\"%s", o->class->what, name, lua_tostring(L, -1));
}

/* Upvalue: the members, a function or the row of a field by name. */
static int
object_index(lua_State *L)
{
	const struct script_object *o = lua_touserdata(L, 1);
	const struct script_row *row;

	check_alive(L, o);
	lua_pushvalue(L, 2);
	lua_rawget(L, lua_upvalueindex(1));
	if (lua_isfunction(L, -1))
		return 1;
	row = lua_touserdata(L, -1);
	if (row != NULL) {
		check_row(L, o, row);
		return row->get(L, o);
	}
	if (o->class->other != NULL && o->class->other(L, o))
		return 1;
	return no_field(L, o);
}

static int
object_newindex(lua_State *L)
{
	const struct script_object *o = lua_touserdata(L, 1);
	const char *name = script_tostring(L, 2, NULL);

	return luaL_error(L, "%s.%s cannot be assigned%s",
		o->class == &script_class_message ? "m" : o->class->what, name,
		o->class->hint == NULL ? "" : o->class->hint);
}

static int
object_length(lua_State *L)
{
	const struct script_object *o = lua_touserdata(L, 1);

	check_alive(L, o);
	return o->class->length(L, o);
}

static int
object_text(lua_State *L)
{
	const struct script_object *o = lua_touserdata(L, 1);

	if (o->class->text == NULL || !alive(L, o))
		return script_push_text(L, o->class->what);
	return o->class->text(L, o);
}

/* A table of the class's functions and fields. */
static void
push_members(lua_State *L, const struct script_class *class)
{
	lua_newtable(L);
	for (size_t i = 0; i < class->row_count; i++) {
		const struct script_row *row = &class->rows[i];

		lua_pushlightuserdata(L, (void *)(uintptr_t)row);
		if (row->kind == SCRIPT_FUNCTION)
			lua_pushcclosure(L, row->call, 1);
		lua_setfield(L, -2, row->name);
	}
}

static void
add_object(lua_State *L, const struct script_class *class)
{
	lua_newtable(L);
	push_members(L, class);
	lua_pushcclosure(L, object_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, object_newindex);
	lua_setfield(L, -2, "__newindex");
	lua_pushcfunction(L, object_text);
	lua_setfield(L, -2, "__tostring");
	if (class->length != NULL) {
		lua_pushcfunction(L, object_length);
		lua_setfield(L, -2, "__len");
	}
	for (const struct script_operator *o = class->operators; o != NULL && o->name != NULL;
		o++) {
		lua_pushcfunction(L, o->call);
		lua_setfield(L, -2, o->name);
	}
	lua_pushstring(L, class->name);
	lua_setfield(L, -2, "__name");
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_rawsetp(L, LUA_REGISTRYINDEX, class);
}

/* Globals and libraries; rows with neither function nor value are made elsewhere. */
static void
add_functions(lua_State *L, const struct script_class *class)
{
	for (size_t i = 0; i < class->row_count; i++) {
		const struct script_row *row = &class->rows[i];

		if (row->call == NULL && row->get == NULL)
			continue;
		if (row->call == NULL) {
			row->get(L, NULL);
		} else {
			lua_pushlightuserdata(L, (void *)(uintptr_t)row);
			lua_pushcclosure(L, row->call, 1);
		}
		lua_setfield(L, -2, row->name);
	}
}

void
script_api_open(lua_State *L)
{
	for (size_t i = 0; script_classes[i] != NULL; i++) {
		const struct script_class *class = script_classes[i];

		if (class->kind == SCRIPT_OBJECT) {
			add_object(L, class);
		} else if (class->kind == SCRIPT_GLOBALS) {
			add_functions(L, class);
		} else if (class->kind == SCRIPT_LIBRARY) {
			lua_newtable(L);
			add_functions(L, class);
			script_seal_names(L, class->name);
			script_seal(L, class->name);
			lua_setfield(L, -2, class->name);
		}
	}
}

/* --- the running hook
 * ------------------------------------------------------------------------------ */

struct cm_session *
script_session_now(lua_State *L)
{
	const struct script_state *st = script_state_of(L);

	return st->run == NULL ? NULL : st->run->session;
}

bool
script_in_done(lua_State *L)
{
	const struct script_run *run = script_state_of(L)->run;

	return run != NULL && run->session != NULL && run->slot == SCRIPT_DONE;
}

struct cm_session *
script_session(lua_State *L, const char *what)
{
	struct cm_session *s = script_session_now(L);

	if (s == NULL)
		luaL_error(L, "%s can be used in hooks only, not while the file is loaded", what);
	return s;
}

void
script_give(lua_State *L, size_t octets)
{
	struct script_run *run = script_state_of(L)->run;

	script_charge(L, octets / 16);
	if (run == NULL || run->given == NULL)
		return;
	if (octets > GIVE_MOST - *run->given)
		luaL_error(L,
			"a rule may hand over at most %d KB of notes, edits, keys and log lines",
			(int)(GIVE_MOST / 1024));
	*run->given += octets;
}

void
script_log_line(lua_State *L)
{
	struct script_run *run = script_state_of(L)->run;

	if (run->lines == LINES_MOST)
		luaL_error(L, "one hook may write at most %d log lines", LINES_MOST);
	run->lines++;
}

const char *
script_to_text(lua_State *L, int index)
{
	size_t len;
	const char *text = lua_tolstring(L, index, &len);

	return text != NULL && strlen(text) == len ? text : NULL;
}

const char *
script_check_text(lua_State *L, int arg)
{
	size_t len;
	const char *text = luaL_checklstring(L, arg, &len);

	luaL_argcheck(L, strlen(text) == len, arg, "text holds a NUL character");
	script_give(L, len);
	return text;
}

const char *
script_opt_text(lua_State *L, int arg)
{
	return lua_isnoneornil(L, arg) ? NULL : script_check_text(L, arg);
}

#define FIELDS_MOST 16u

static int
no_record_field(lua_State *L, const char *what, const struct script_class *record, const char *key,
	const char *nearest)
{
	luaL_Buffer b;

	if (nearest != NULL)
		return luaL_error(
			L, "%s has no field \"%s\"; did you mean \"%s\"?", what, key, nearest);
	luaL_buffinit(L, &b);
	for (size_t i = 0; i < record->row_count; i++) {
		luaL_addstring(&b, i > 0 ? ", " : "");
		luaL_addstring(&b, record->rows[i].name);
	}
	luaL_pushresult(&b);
	return luaL_error(L, "%s has no field \"%s\", only %s", what, key, lua_tostring(L, -1));
}

void
script_check_fields(lua_State *L, const char *what, const struct script_class *record)
{
	const char *names[FIELDS_MOST];
	size_t count = 0;

	for (; count < record->row_count && count < FIELDS_MOST; count++)
		names[count] = record->rows[count].name;
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "[1]";
		const char *nearest = script_nearest(key, names, count);

		lua_pop(L, 1);
		if (nearest == NULL || strcmp(nearest, key) != 0)
			no_record_field(L, what, record, key, nearest);
	}
}

int
script_push_text(lua_State *L, const char *text)
{
	lua_pushstring(L, text); /* NULL is nil */
	return 1;
}

int
script_undelivered(lua_State *L, const char *what)
{
	return luaL_error(L, "this listener does not deliver %s", what);
}

int
script_push_fact(lua_State *L, const char *text, const char *macro, const char *what)
{
	const char *value;

	if (text == NULL && cm_macro(script_session(L, what), macro, &value) == CM_UNDELIVERED)
		return script_undelivered(L, what);
	return script_push_text(L, text);
}
