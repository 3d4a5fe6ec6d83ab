/* SPDX-License-Identifier: MIT */
/*
 * script_api_geo.c - m.geo: where the client's address is
 *
 * The place is in the object itself: a database that is replaced meanwhile changes nothing.
 */
#include <lauxlib.h>

#include "script_api.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct script_place *
place_of(const struct script_object *o)
{
	return o->data;
}

/* "" is not known. */
static int
push(lua_State *L, const char *text)
{
	return script_push_text(L, text[0] == '\0' ? NULL : text);
}

static int
geo_as_name(lua_State *L, const struct script_object *o)
{
	return push(L, place_of(o)->as_name);
}

static int
geo_asn(lua_State *L, const struct script_object *o)
{
	if (place_of(o)->asn == 0)
		lua_pushnil(L);
	else
		lua_pushinteger(L, place_of(o)->asn);
	return 1;
}

static int
geo_city(lua_State *L, const struct script_object *o)
{
	return push(L, place_of(o)->city);
}

static int
geo_continent(lua_State *L, const struct script_object *o)
{
	return push(L, place_of(o)->continent);
}

static int
geo_country(lua_State *L, const struct script_object *o)
{
	return push(L, place_of(o)->country);
}

static const struct script_row rows[] = {
	{"as_name", SCRIPT_FIELD, geo_as_name, .result = "string?",
		.help = "who runs the network; needs asn_database"},
	{"asn", SCRIPT_FIELD, geo_asn, .result = "integer?",
		.help = "number of its autonomous system; needs asn_database"},
	{"city", SCRIPT_FIELD, geo_city, .result = "string?",
		.help = "its name in English, where the database has cities"},
	{"continent", SCRIPT_FIELD, geo_continent, .result = "string?", .help = "\"EU\""},
	{"country", SCRIPT_FIELD, geo_country, .result = "string?",
		.help = "\"DE\" (ISO 3166-1); nil: the database does not know"},
};

const struct script_class script_class_geo = {
	.name = "Geo",
	.what = "geo",
	.kind = SCRIPT_OBJECT,
	.rows = rows,
	.row_count = COUNT(rows),
	.text = geo_country,
};

int
script_geo(lua_State *L, const struct script_object *o)
{
	struct script_place *place =
		script_push_new(L, &script_class_geo, sizeof(struct script_place));

	(void)o;
	if (!script_look_up_place(script_session(L, "m.geo"), place))
		return luaL_error(L, "m.geo needs a database: section geo of filter.conf");
	return 1;
}
