/* SPDX-License-Identifier: MIT */
/*
 * script_settings.c - the settings { } block of a script, as rules read it
 *
 * The rows of plugins do not exist for rules, so a word tells its type itself: yes, no, true and
 * false in lower case (NO is a country), whole and decimal numbers; all else is text, and so is
 * everything in quotes. Durations and rates stay text; duration() reads them.
 */
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "conf/tree.h"
#include "script_state.h"

enum setting_kind { SETTING_BOOL, SETTING_INTEGER, SETTING_LIST, SETTING_NUMBER, SETTING_TEXT };

struct script_setting {
	const char *name; /* NULL in a list */
	enum setting_kind kind;
	bool truth;
	long long integer;
	double number;
	const char *text;
	struct script_setting *items;
	struct script_setting *next;
};

static const struct {
	const char *word;
	bool value;
} booleans[] = {
	{"false", false},
	{"no", false},
	{"true", true},
	{"yes", true},
};

static bool
read_bool(const char *word, struct script_setting *s)
{
	for (size_t i = 0; i < sizeof(booleans) / sizeof(*booleans); i++) {
		if (strcmp(word, booleans[i].word) != 0)
			continue;
		s->kind = SETTING_BOOL;
		s->truth = booleans[i].value;
		return true;
	}
	return false;
}

/* "-12" and "0.25"; not "1e3", "0x10" or " 1", which are words. */
static bool
read_number(const char *word, struct script_setting *s)
{
	size_t digits = strspn(word + (*word == '-'), "0123456789") + (*word == '-');
	char *end;

	if (digits == (size_t)(*word == '-'))
		return false;
	errno = 0;
	if (word[digits] == '\0') {
		s->kind = SETTING_INTEGER;
		s->integer = strtoll(word, &end, 10);
		return errno == 0;
	}
	if (word[digits] != '.' || word[digits + 1] == '\0' ||
		word[digits + 1 + strspn(word + digits + 1, "0123456789")] != '\0')
		return false;
	s->kind = SETTING_NUMBER;
	s->number = strtod(word, &end);
	return errno == 0;
}

static void
read_value(struct arena *arena, const struct conf_value *v, struct script_setting *s)
{
	struct script_setting **last = &s->items;

	if (v->kind == CONF_WORD && (read_bool(v->text, s) || read_number(v->text, s)))
		return;
	if (v->kind != CONF_LIST) {
		s->kind = SETTING_TEXT;
		s->text = arena_strdup(arena, v->text);
		return;
	}
	s->kind = SETTING_LIST;
	for (size_t i = 0; i < v->count; i++) {
		*last = arena_alloc(arena, sizeof(**last));
		read_value(arena, &v->items[i], *last);
		last = &(*last)->next;
	}
}

const struct script_setting *
script_settings_read(struct arena *arena, const struct conf_section *section, struct diag *diag)
{
	struct script_setting *first = NULL;
	struct script_setting **last = &first;

	if (section == NULL)
		return NULL;
	for (const struct conf_section *c = section->sections; c != NULL; c = c->next)
		diag_error(diag, c->pos, NULL, "settings { } holds settings only, no sections");
	for (const struct conf_setting *c = section->settings; c != NULL; c = c->next) {
		if (conf_find(section, c->name) != c) {
			diag_error(diag, c->pos, NULL, "%s is set twice", c->name);
			continue;
		}
		*last = arena_alloc(arena, sizeof(**last));
		(*last)->name = arena_strdup(arena, c->name);
		read_value(arena, &c->value, *last);
		last = &(*last)->next;
	}
	return first;
}

static void push_list(lua_State *, const struct script_setting *);

static void
push_value(lua_State *L, const struct script_setting *s)
{
	switch (s->kind) {
	case SETTING_BOOL:
		lua_pushboolean(L, s->truth);
		return;
	case SETTING_INTEGER:
		lua_pushinteger(L, s->integer);
		return;
	case SETTING_LIST:
		push_list(L, s->items);
		return;
	case SETTING_NUMBER:
		lua_pushnumber(L, s->number);
		return;
	case SETTING_TEXT:
		lua_pushstring(L, s->text);
		return;
	}
}

static void
push_list(lua_State *L, const struct script_setting *item)
{
	luaL_checkstack(L, 4, NULL);
	lua_newtable(L);
	for (lua_Integer i = 1; item != NULL; item = item->next, i++) {
		push_value(L, item);
		lua_rawseti(L, -2, i);
	}
	script_seal(L, "a list of settings");
}

void
script_settings_push(lua_State *L, const struct script_setting *s)
{
	lua_newtable(L);
	for (; s != NULL; s = s->next) {
		push_value(L, s);
		lua_setfield(L, -2, s->name);
	}
	script_seal(L, "settings");
}
