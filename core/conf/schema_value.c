/* SPDX-License-Identifier: MIT */
/*
 * schema_value.c - one value by the type of its row
 *
 * A table of types: how each is called and read. What is wrong with a value is said here, with the
 * octet it is about where the reader knows it.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/net.h"
#include "base/text.h"
#include "schema.h"
#include "schema_field.h"
#include "schema_socket.h"
#include "unit.h"

#define CHOICES_MOST 64u
#define WHY_SIZE     256

#define TIME_HELP "units: ms s min h d w (they add up: 1h30min)"
#define SIZE_HELP "units: k M G (1k is 1024 octets)"

struct type {
	const char *article, *text;
	const char *example; /* or NULL */
	bool list;	     /* takes several values */
	bool (*read)(const struct schema_field *, const struct conf_value *);
};

static const struct type *type_of(enum cm_option_type);

/* --- mistakes --- */

static unsigned
characters(const char *text, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/* Where the octets from bad on stand; all of the value where an escape makes that unknown. */
static struct conf_pos
part_pos(const struct conf_value *v, const char *bad, size_t len)
{
	unsigned quote = v->kind == CONF_STRING ? 1 : 0;
	struct conf_pos pos = v->pos;

	if (len == 0 || characters(v->text, strlen(v->text)) + 2 * quote != pos.width)
		return pos;
	pos.column += quote + characters(v->text, (size_t)(bad - v->text));
	pos.width = characters(bad, len);
	return pos;
}

static bool
not_of_type(const struct schema_field *f, const struct conf_value *v, const char *label)
{
	const struct type *type = type_of(f->row->type);

	diag_error(f->diag, v->pos, label, "%s: \"%s\" is not %s%s", f->row->name, v->text,
		type->article, type->text);
	return false;
}

static void
unit_missing_help(const struct schema_field *f, const char *text)
{
	if (f->row->type == CM_OPT_PERCENT)
		diag_help(f->diag, "did you mean %s%%?", text);
	else if ((f->row->type == CM_OPT_RATE || f->row->type == CM_OPT_RATES) &&
		 strchr(text, '/') == NULL)
		diag_help(f->diag, "did you mean %s/1h? " TIME_HELP, text);
	else
		diag_help(f->diag, "did you mean %ss or %smin? " TIME_HELP, text, text);
}

/* What a reader of unit.h did not understand. */
static bool
bad_unit(const struct schema_field *f, const struct conf_value *v, const char *bad, const char *why)
{
	const struct type *type = type_of(f->row->type);
	size_t len = strcspn(bad, "0123456789");

	if (why == unit_missing) {
		diag_error(f->diag, v->pos, why, "%s needs %s%s", f->row->name, type->article,
			type->text);
		unit_missing_help(f, v->text);
	} else if (why == unit_not_of_time || why == unit_not_of_size) {
		diag_error(f->diag, part_pos(v, bad, len), why, "%s: unknown unit \"%.*s\"",
			f->row->name, (int)len, bad);
		diag_help(f->diag, "%s", why == unit_not_of_time ? TIME_HELP : SIZE_HELP);
	} else {
		struct conf_value marked = *v;

		marked.pos = part_pos(v, bad, strlen(bad));
		not_of_type(f, &marked, why);
		if (type->example != NULL)
			diag_help(f->diag, "such as %s", type->example);
	}
	return false;
}

/* --- numbers --- */

static void
bound_text(enum cm_option_type type, int64_t value, char out[32])
{
	static const char units[] = " kMG";
	unsigned unit = 0;

	if (type == CM_OPT_DURATION) {
		unit_duration_text(value, out);
	} else if (type == CM_OPT_PERCENT) {
		snprintf(out, 32, "%lld%%", (long long)value / 100);
	} else if (type == CM_OPT_SIZE) {
		for (; unit < 3 && value > 0 && value % 1024 == 0; unit++)
			value /= 1024;
		snprintf(out, 32, "%lld%.*s", (long long)value, unit > 0, units + unit);
	} else {
		snprintf(out, 32, "%lld", (long long)value);
	}
}

static bool
in_range(const struct schema_field *f, const struct conf_value *v, int64_t number)
{
	const struct cm_option *row = f->row;
	char least[32], most[32];

	if ((row->min == 0 && row->max == 0) || (number >= row->min && number <= row->max))
		return true;
	bound_text(row->type, row->min, least);
	bound_text(row->type, row->max, most);
	diag_error(f->diag, v->pos, NULL, "%s: %s is out of range", row->name, v->text);
	if (row->max == INT64_MAX)
		diag_help(f->diag, "at least %s", least);
	else
		diag_help(f->diag, "from %s to %s", least, most);
	return false;
}

static bool
read_bool(const struct schema_field *f, const struct conf_value *v)
{
	const char *why;

	if (unit_bool(v->text, f->out, &why) == NULL)
		return true;
	not_of_type(f, v, NULL);
	diag_help(f->diag, "write yes or no");
	return false;
}

/* The types that are one number. */
static bool
read_number(const struct schema_field *f, const struct conf_value *v)
{
	static const struct {
		enum cm_option_type type;
		const char *(*read)(const char *, int64_t *, const char **);
	} readers[] = {
		{CM_OPT_DURATION, unit_duration},
		{CM_OPT_INT, unit_int},
		{CM_OPT_MODE, unit_mode},
		{CM_OPT_NUMBERS, unit_int},
		{CM_OPT_PERCENT, unit_percent},
		{CM_OPT_SIZE, unit_size},
		{CM_OPT_TIME, unit_time},
	};
	size_t i = 0;
	int64_t number;
	const char *why, *bad;

	while (readers[i].type != f->row->type)
		i++;
	bad = readers[i].read(v->text, &number, &why);
	if (bad != NULL)
		return bad_unit(f, v, bad, why);
	if (!in_range(f, v, number))
		return false;
	*(int64_t *)f->out = number;
	return true;
}

static bool
read_rate(const struct schema_field *f, const struct conf_value *v)
{
	struct cm_rate rate;
	const char *why;
	const char *bad = unit_rate(v->text, &rate, &why);

	if (bad != NULL)
		return bad_unit(f, v, bad, why);
	if (!in_range(f, v, rate.count))
		return false;
	*(struct cm_rate *)f->out = rate;
	return true;
}

/* --- words --- */

static size_t
split_choices(struct arena *arena, const char *choices, const char *words[CHOICES_MOST])
{
	size_t count = 0;

	while (choices != NULL && *choices != '\0' && count < CHOICES_MOST) {
		size_t len = strcspn(choices, "|");

		words[count++] = arena_strndup(arena, choices, len);
		choices += len + (choices[len] == '|');
	}
	return count;
}

static bool
read_choice(const struct schema_field *f, const struct conf_value *v)
{
	const char *words[CHOICES_MOST];
	size_t count = split_choices(f->world->arena, f->row->choices, words);
	const char *nearest;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i], v->text) == 0) {
			*(int *)f->out = (int)i;
			return true;
		}
	}
	diag_error(f->diag, v->pos, NULL, "%s = %s is not a choice", f->row->name, v->text);
	nearest = text_nearest(v->text, words, count);
	if (nearest != NULL)
		diag_help(f->diag, "did you mean \"%s\"? (one of: %s)", nearest, f->row->choices);
	else
		diag_help(f->diag, "one of: %s", f->row->choices);
	return false;
}

/* What the row itself says of a text. */
static bool
passes(const struct schema_field *f, const struct conf_value *v)
{
	char why[WHY_SIZE] = "";

	if (f->row->check == NULL || f->row->check(v->text, why, sizeof(why)))
		return true;
	why[sizeof(why) - 1] = '\0';
	diag_error(f->diag, v->pos, NULL, "%s: %s", f->row->name, why);
	return false;
}

static bool
read_string(const struct schema_field *f, const struct conf_value *v)
{
	if (!passes(f, v))
		return false;
	*(const char **)f->out = arena_strdup(f->world->arena, v->text);
	return true;
}

static const char *
resolve(const struct schema_field *f, const char *path)
{
	if (path[0] == '/' || f->world->base_dir == NULL || f->world->base_dir[0] == '\0')
		return arena_strdup(f->world->arena, path);
	return arena_printf(f->world->arena, "%s/%s", f->world->base_dir, path);
}

static bool
read_path(const struct schema_field *f, const struct conf_value *v)
{
	if (v->text[0] == '\0')
		return not_of_type(f, v, NULL);
	*(const char **)f->out = resolve(f, v->text);
	return true;
}

static bool
read_socket(const struct schema_field *f, const struct conf_value *v)
{
	struct err help;

	if (!schema_socket_check(v->text, &help)) {
		not_of_type(f, v, NULL);
		diag_help(f->diag, "%s", help.text);
		return false;
	}
	if (strncmp(v->text, "unix:", 5) == 0)
		*(const char **)f->out =
			arena_printf(f->world->arena, "unix:%s", resolve(f, v->text + 5));
	else
		*(const char **)f->out = arena_strdup(f->world->arena, v->text);
	return true;
}

/* --- lists --- */

/* A list setting accepts a single value too. */
static const struct conf_value *
items_of(const struct conf_value *v, size_t *count)
{
	*count = v->kind == CONF_LIST ? v->count : 1;
	return v->kind == CONF_LIST ? v->items : v;
}

static bool
read_list(const struct schema_field *f, const struct conf_value *v)
{
	size_t count;
	const struct conf_value *items = items_of(v, &count);
	const char **words = arena_array(f->world->arena, count, sizeof(*words));
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		words[i] = arena_strdup(f->world->arena, items[i].text);
		good = passes(f, &items[i]) && good;
	}
	*(struct cm_list *)f->out = (struct cm_list){.count = count, .items = words};
	return good;
}

static bool
read_numbers(const struct schema_field *f, const struct conf_value *v)
{
	size_t count;
	const struct conf_value *items = items_of(v, &count);
	int64_t *numbers = arena_array(f->world->arena, count, sizeof(*numbers));
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		struct schema_field item = *f;

		item.out = &numbers[i];
		good = read_number(&item, &items[i]) && good;
	}
	*(struct cm_numbers *)f->out = (struct cm_numbers){.count = count, .items = numbers};
	return good;
}

static bool
read_rates(const struct schema_field *f, const struct conf_value *v)
{
	size_t count;
	const struct conf_value *items = items_of(v, &count);
	struct cm_rate *rates = arena_array(f->world->arena, count, sizeof(*rates));
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		struct schema_field item = *f;

		item.out = &rates[i];
		good = read_rate(&item, &items[i]) && good;
	}
	*(struct cm_rates *)f->out = (struct cm_rates){.count = count, .items = rates};
	return good;
}

static bool
read_network(const struct schema_field *f, const struct conf_value *v, struct net_block *block)
{
	char text[NET_TEXT];

	if (net_block_parse(block, v->text))
		return true;
	diag_error(f->diag, v->pos, NULL, "%s: \"%s\" is not an address or network", f->row->name,
		v->text);
	net_text(&block->addr, text);
	if (block->addr.family != 0)
		diag_help(f->diag, "did you mean %s/%u?", text, block->bits);
	else
		diag_help(
			f->diag, "write 192.0.2.1, 192.0.2.0/24, \"2001:db8::1\" or 2001:db8::/32");
	return false;
}

static bool
read_networks(const struct schema_field *f, const struct conf_value *v)
{
	size_t count;
	const struct conf_value *items = items_of(v, &count);
	struct cm_networks *set = networks_new(f->world->arena);
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		struct net_block block;

		if (read_network(f, &items[i], &block))
			networks_add(set, f->world->arena, &block);
		else
			good = false;
	}
	*(const struct cm_networks **)f->out = set;
	return good;
}

/* --- the table --- */

static const struct type types[] = {
	[CM_OPT_BOOL] = {"", "yes or no", NULL, false, read_bool},
	[CM_OPT_CHOICE] = {"", "one of", NULL, false, read_choice},
	[CM_OPT_DURATION] = {"a ", "duration with a unit", "30s or 1h30min", false, read_number},
	[CM_OPT_INT] = {"a ", "whole number", NULL, false, read_number},
	[CM_OPT_LIST] = {"a ", "list", NULL, true, read_list},
	[CM_OPT_MAP] = {"the ", "name of a map", NULL, false, schema_read_map},
	[CM_OPT_MODE] = {"a ", "file mode in octal", "0660", false, read_number},
	[CM_OPT_NETWORKS] = {"a ", "list of addresses and networks", NULL, true, read_networks},
	[CM_OPT_NUMBERS] = {"a ", "whole number", NULL, true, read_numbers},
	[CM_OPT_PATH] = {"a ", "file name", NULL, false, read_path},
	[CM_OPT_PERCENT] = {"a ", "percentage", "10%", false, read_number},
	[CM_OPT_RATE] = {"a ", "rate (COUNT/TIME)", "100/1h", false, read_rate},
	[CM_OPT_RATES] = {"a ", "rate (COUNT/TIME)", "100/1h", true, read_rates},
	[CM_OPT_SIZE] = {"a ", "size", "50M", false, read_number},
	[CM_OPT_SOCKET] = {"a ", "socket address", NULL, false, read_socket},
	[CM_OPT_STORE] = {"the ", "name of a store", NULL, false, schema_read_store},
	[CM_OPT_STRING] = {"a ", "text", NULL, false, read_string},
	[CM_OPT_TIME] = {"a ", "date or date and time", "2026-12-31 or \"2026-12-31 08:00\"", false,
		read_number},
};

/* NULL for a type of a newer interface. */
static const struct type *
type_of(enum cm_option_type type)
{
	return (size_t)type < sizeof(types) / sizeof(*types) ? &types[type] : NULL;
}

const char *
schema_type_text(enum cm_option_type type)
{
	if (type == CM_OPT_NUMBERS)
		return "list of whole numbers";
	if (type == CM_OPT_RATES)
		return "list of rates (COUNT/TIME)";
	return type_of(type) == NULL ? "unknown" : type_of(type)->text;
}

bool
schema_value(const char *what, const struct cm_option *row, const struct conf_value *value,
	void *out, const struct schema_world *world, struct diag *diag)
{
	const struct type *type = type_of(row->type);
	const struct schema_field f = {.what = what,
		.row = row,
		.out = (unsigned char *)out + row->offset,
		.world = world,
		.diag = diag};

	if (type == NULL) {
		diag_error(diag, value->pos, NULL, "%s of %s has a type this version does not know",
			row->name, what);
		return false;
	}
	if (value->kind == CONF_LIST && !type->list) {
		diag_error(diag, value->pos, NULL, "%s takes one value, not a list", row->name);
		if (value->count > 0)
			diag_help(diag, "write %s = %s", row->name, value->items[0].text);
		return false;
	}
	return type->read(&f, value);
}
