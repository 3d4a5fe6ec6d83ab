/* SPDX-License-Identifier: MIT */
/*
 * remote_table.c - rows of a daemon's answer, for people or for machines
 *
 * Rows with the same columns are one table; its columns are as wide as what is in them. What came
 * from strangers (a login, an address) is escaped.
 */
#include "remote_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "json_print.h"

#define COLUMNS_MOST 24

struct remote_table {
	bool json;
	json_t *rows;	  /* an array */
	struct buf lines; /* for people, escaped */
	char *error;
};

struct remote_table *
remote_table_new(bool json)
{
	struct remote_table *t = mem_zalloc(1, sizeof(*t));

	t->json = json;
	t->rows = json_array();
	buf_init(&t->lines, 0);
	return t;
}

void
remote_table_add(struct remote_table *t, json_t *row)
{
	json_array_append(t->rows, row);
}

void
remote_table_say(struct remote_table *t, const char *line)
{
	text_escape(&t->lines, line, strlen(line));
	buf_add_char(&t->lines, '\n');
}

void
remote_table_error(struct remote_table *t, const char *words)
{
	free(t->error);
	t->error = strdup(words);
}

const json_t *
remote_table_rows(const struct remote_table *t)
{
	return t->rows;
}

bool
remote_table_failed(const struct remote_table *t)
{
	return t->error != NULL;
}

struct remote_table *
remote_table_take_error(struct remote_table *t)
{
	struct remote_table *alone = remote_table_new(false);

	alone->error = t->error;
	t->error = NULL;
	return alone;
}

void
remote_table_free(struct remote_table *t)
{
	buf_fini(&t->lines);
	json_decref(t->rows);
	free(t->error);
	free(t);
}

/* --- one table --- */

/* "first_at": what is there is a time. */
static bool
is_time(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && strcmp(name + len - 3, "_at") == 0;
}

static void
time_text(struct buf *out, json_int_t seconds)
{
	time_t at = (time_t)seconds;
	char text[40];
	struct tm tm;

	if (seconds != 0 && localtime_r(&at, &tm) != NULL &&
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
		buf_add_str(out, text);
	else
		buf_add_char(out, '-');
}

static void
cell_text(struct buf *out, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);

	buf_clear(out);
	if (text != NULL)
		text_escape(out, text, strlen(text));
	else if (json_is_integer(value) && is_time(name))
		time_text(out, json_integer_value(value));
	else if (json_is_integer(value))
		buf_printf(out, "%lld", (long long)json_integer_value(value));
}

static bool
same_columns(json_t *a, json_t *b)
{
	const char *name;
	json_t *value;

	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach(a, name, value)
	{
		if (json_object_get(b, name) == NULL)
			return false;
	}
	return true;
}

/* The widths of the columns of rows first to end. */
static void
measure(json_t *rows, size_t first, size_t end, size_t widths[COLUMNS_MOST])
{
	struct buf text;
	const char *name;
	json_t *value;

	buf_init(&text, 0);
	for (size_t i = first; i < end; i++) {
		size_t column = 0;

		json_object_foreach(json_array_get(rows, i), name, value)
		{
			if (column == COLUMNS_MOST)
				break;
			cell_text(&text, name, value);
			if (i == first && strlen(name) > widths[column])
				widths[column] = strlen(name);
			if (text.len > widths[column])
				widths[column] = text.len;
			column++;
		}
	}
	buf_fini(&text);
}

/* The last column has no blanks behind it. */
static void
print_cell(const struct buf *text, bool right, size_t width, bool last)
{
	if (right)
		printf("%*s", (int)width, text->data);
	else
		printf("%-*s", last ? 0 : (int)width, text->data);
	printf("%s", last ? "\n" : "  ");
}

/* Or of the names at its head. */
static void
print_row(json_t *row, const size_t widths[COLUMNS_MOST], bool head)
{
	size_t column = 0, count = json_object_size(row);
	struct buf text;
	const char *name;
	json_t *value;

	count = count < COLUMNS_MOST ? count : COLUMNS_MOST;
	buf_init(&text, 0);
	json_object_foreach(row, name, value)
	{
		if (column == count)
			break;
		if (head) {
			buf_clear(&text);
			text_escape(&text, name, strlen(name));
		} else {
			cell_text(&text, name, value);
		}
		column++;
		print_cell(&text, json_is_integer(value) && !is_time(name), widths[column - 1],
			column == count);
	}
	buf_fini(&text);
}

static void
print_tables(json_t *rows)
{
	size_t count = json_array_size(rows), end;

	for (size_t first = 0; first < count; first = end) {
		json_t *head = json_array_get(rows, first);
		size_t widths[COLUMNS_MOST] = {0};

		end = first + 1;
		while (end < count && same_columns(head, json_array_get(rows, end)))
			end++;
		measure(rows, first, end, widths);
		print_row(head, widths, true);
		for (size_t i = first; i < end; i++)
			print_row(json_array_get(rows, i), widths, false);
	}
}

/* --- all --- */

void
remote_table_print(struct remote_table *t, const char *command)
{
	struct buf words;

	if (t->json) {
		json_print(t->rows);
	} else if (t->lines.len > 0) {
		fwrite(t->lines.data, 1, t->lines.len, stdout);
	} else {
		print_tables(t->rows);
	}
	buf_init(&words, 0);
	if (t->error != NULL) {
		text_escape(&words, t->error, strlen(t->error));
		fprintf(stderr, "chainmail %s: %s\n", command, words.data);
	}
	buf_fini(&words);
	remote_table_free(t);
}
