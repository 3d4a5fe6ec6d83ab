/* SPDX-License-Identifier: MIT */
/*
 * command_words.c - the words of a command: operands, and options by a table of rows
 *
 * The same rows as those of settings, read by the same readers. Whoever typed the words is told in
 * one line what is wrong with them.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "command.h"
#include "conf/diag.h"

#define NAMES_MOST   32u
#define CHOICES_MOST 16u

static const struct cm_option link_rows[] = {
	{"link", CM_OPT_STRING, offsetof(struct command_words, link),
		.help = "ask this link of the configuration alone"},
};

struct reading {
	const char *name; /* of the command */
	struct schema_part parts[2];
	struct schema_world world;
	char *why;
	size_t why_size;
};

const char *
command_argument(const struct cm_option *row)
{
	static const char *const arguments[] = {
		[CM_OPT_DURATION] = "TIME",
		[CM_OPT_INT] = "NUMBER",
		[CM_OPT_PERCENT] = "PERCENT",
		[CM_OPT_SIZE] = "SIZE",
		[CM_OPT_STRING] = "NAME",
		[CM_OPT_TIME] = "DATE",
	};

	if (row->type == CM_OPT_BOOL)
		return NULL;
	/* Of a text these are no choices, but what it is called. */
	if (row->type == CM_OPT_CHOICE || (row->type == CM_OPT_STRING && row->choices != NULL))
		return row->choices;
	if ((size_t)row->type < sizeof(arguments) / sizeof(*arguments) &&
		arguments[row->type] != NULL)
		return arguments[row->type];
	return "VALUE";
}

static void
describe_rows(const struct schema_rows *rows, struct buf *out)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct cm_option row = schema_row(rows, i);
		const char *argument = command_argument(&row);

		buf_printf(out, "%s[--%s%s%s]", out->len > 0 ? " " : "", row.name,
			argument != NULL ? " " : "", argument != NULL ? argument : "");
	}
}

void
command_describe(const struct command_form *form, struct buf *out)
{
	const struct schema_rows links = SCHEMA_ROWS(link_rows);

	buf_add_str(out, form->operands != NULL ? form->operands : "");
	describe_rows(&form->options, out);
	if (form->links)
		describe_rows(&links, out);
}

/* --- options --- */

/* Where the row's value goes; NULL: there is no such option. */
static void *
find_row(const struct reading *r, const char *name, size_t len, struct cm_option *row)
{
	for (size_t part = 0; part < 2; part++) {
		for (size_t i = 0; i < r->parts[part].rows.count; i++) {
			*row = schema_row(&r->parts[part].rows, i);
			if (strlen(row->name) == len && memcmp(row->name, name, len) == 0)
				return r->parts[part].out;
		}
	}
	return NULL;
}

static bool
unknown(const struct reading *r, const char *word)
{
	const char *names[NAMES_MOST];
	const char *given = word + strspn(word, "-"), *nearest;
	struct cm_option row;
	size_t count = 0;
	struct buf all;

	buf_init(&all, 0);
	for (size_t part = 0; part < 2; part++) {
		describe_rows(&r->parts[part].rows, &all);
		for (size_t i = 0; i < r->parts[part].rows.count && count < NAMES_MOST; i++) {
			row = schema_row(&r->parts[part].rows, i);
			names[count++] = row.name;
		}
	}
	nearest = text_nearest(given, names, count);
	if (word[1] != '-')
		snprintf(r->why, r->why_size,
			"unknown option \"%.60s\"; what begins with - and is none stands behind --",
			word);
	else if (nearest != NULL)
		snprintf(r->why, r->why_size, "unknown option \"%.60s\", did you mean --%s?", word,
			nearest);
	else
		snprintf(r->why, r->why_size, "unknown option \"%.60s\"; %s has %.150s", word,
			r->name, count > 0 ? all.data : "none");
	buf_fini(&all);
	return false;
}

static bool
read_value(const struct reading *r, const struct cm_option *row, const char *text, void *out)
{
	const struct conf_value value = {.kind = CONF_WORD, .text = text};
	struct diag *diag = diag_new();
	bool good = schema_value(r->name, row, &value, out, &r->world, diag);
	const char *help = diag_first_help(diag);

	if (!good)
		snprintf(r->why, r->why_size, "--%.160s%s%.100s", diag_first(diag),
			help != NULL ? "; " : "", help != NULL ? help : "");
	diag_free(diag);
	return good;
}

/* Those that nobody gives. */
static bool
read_fallbacks(const struct reading *r)
{
	const struct schema_part *own = &r->parts[0];

	for (size_t i = 0; i < own->rows.count; i++) {
		struct cm_option row = schema_row(&own->rows, i);

		if (row.fallback != NULL && !read_value(r, &row, row.fallback, own->out))
			return false;
	}
	return true;
}

/* "--for", and its value behind it or behind "="; takes as many words as it is. */
static bool
read_option(const struct reading *r, size_t count, const char *const *words, size_t *at)
{
	const char *word = words[(*at)++], *name = word + 2;
	const char *value = strchr(name, '=');
	size_t len = value != NULL ? (size_t)(value - name) : strlen(name);
	struct cm_option row;
	void *out = strncmp(word, "--", 2) == 0 ? find_row(r, name, len, &row) : NULL;

	if (out == NULL)
		return unknown(r, word);
	if (value != NULL)
		value++;
	else if (row.type == CM_OPT_BOOL)
		value = "yes";
	else if (*at < count)
		value = words[(*at)++];
	if (value != NULL)
		return read_value(r, &row, value, out);
	snprintf(r->why, r->why_size, "--%s needs a value: %s", row.name, command_argument(&row));
	return false;
}

/* --- operands --- */

/* How many "KEY [TEXT] ..." are. */
static void
count_operands(const char *operands, size_t *least, size_t *most)
{
	*least = *most = 0;
	while (operands != NULL && *operands != '\0') {
		size_t len = strcspn(operands, " ");

		if (strncmp(operands, "...", len) == 0)
			*most = SIZE_MAX;
		else if (*most != SIZE_MAX)
			++*most;
		*least += operands[0] != '[' && operands[0] != '.';
		operands += len + strspn(operands + len, " ");
	}
}

/* Words in small letters are meant as they are written: "in|out". */
static bool
check_choice(const struct reading *r, const char *choices, size_t len, const char *given)
{
	const char *names[CHOICES_MOST], *nearest;
	char *all = arena_strndup(r->world.arena, choices, len), *name;
	size_t count = 0;

	if (*choices < 'a' || *choices > 'z')
		return true;
	while ((name = strsep(&all, "|")) != NULL && count < CHOICES_MOST) {
		if (strcmp(name, given) == 0)
			return true;
		names[count++] = name;
	}
	nearest = text_nearest(given, names, count);
	if (nearest != NULL)
		snprintf(r->why, r->why_size, "\"%.60s\" is none of %.*s, did you mean %s?", given,
			(int)len, choices, nearest);
	else
		snprintf(
			r->why, r->why_size, "\"%.60s\" is none of %.*s", given, (int)len, choices);
	return false;
}

static bool
check_operands(const struct reading *r, const char *form, const struct command_words *w)
{
	size_t least, most;
	bool good = true;

	count_operands(form, &least, &most);
	if (w->count < least)
		snprintf(r->why, r->why_size, "%s needs %s", r->name, form);
	else if (w->count > most && most == 0)
		snprintf(r->why, r->why_size, "%s takes no operand, and \"%.60s\" is one", r->name,
			w->operands[0]);
	else if (w->count > most)
		snprintf(r->why, r->why_size, "\"%.60s\" is too much; %s takes %s",
			w->operands[most], r->name, form);
	if (w->count < least || w->count > most)
		return false;
	for (size_t i = 0; good && i < w->count; i++) {
		size_t len = strcspn(form, " ");

		good = check_choice(r, form, len, w->operands[i]);
		form += len + strspn(form + len, " ");
	}
	return good;
}

bool
command_read(const char *name, const struct command_form *form, size_t count,
	const char *const *words, struct arena *arena, struct command_words *out, char *why,
	size_t why_size)
{
	const struct schema_rows links = SCHEMA_ROWS(link_rows);
	struct reading r = {
		.name = name, .world = {.arena = arena}, .why = why, .why_size = why_size};
	bool options = true;

	*out = (struct command_words){.operands = arena_array(arena, count + 1, sizeof(char *)),
		.args = arena_alloc(arena, form->args_size + 1)};
	r.parts[0] = (struct schema_part){form->options, out->args, NULL};
	if (form->links)
		r.parts[1] = (struct schema_part){links, out, NULL};
	if (!read_fallbacks(&r))
		return false;
	for (size_t i = 0; i < count;) {
		bool end = options && strcmp(words[i], "--") == 0;

		if (end)
			i++;
		else if (!options || words[i][0] != '-' || words[i][1] == '\0')
			out->operands[out->count++] = words[i++];
		else if (!read_option(&r, count, words, &i))
			return false;
		options = options && !end;
	}
	return check_operands(&r, form->operands, out);
}
