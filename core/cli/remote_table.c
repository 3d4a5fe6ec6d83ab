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

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#define COLUMNS_MOST 24

struct remote_table {
	bool json;
	json_t *rows; /* an array */
	char *error;
};

struct remote_table *
remote_table_new(bool json)
{
	struct remote_table *t = mem_zalloc(1, sizeof(*t));

	t->json = json;
	t->rows = json_array();
	return t;
}

void
remote_table_add(struct remote_table *t, json_t *row)
{
	json_array_append(t->rows, row);
}

void
remote_table_error(struct remote_table *t, const char *words)
{
	free(t->error);
	t->error = strdup(words);
}

/* --- one table --- */

static void
cell_text(struct buf *out, const json_t *value)
{
	const char *text = json_string_value(value);

	buf_clear(out);
	if (text != NULL)
		text_escape(out, text, strlen(text));
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
			cell_text(&text, value);
			if (i == first && strlen(name) > widths[column])
				widths[column] = strlen(name);
			if (text.len > widths[column])
				widths[column] = text.len;
			column++;
		}
	}
	buf_fini(&text);
}

static void
print_head(json_t *row, const size_t widths[COLUMNS_MOST])
{
	size_t column = 0;
	const char *name;
	json_t *value;

	json_object_foreach(row, name, value)
	{
		if (column == COLUMNS_MOST)
			break;
		if (json_is_integer(value))
			printf("%*s  ", (int)widths[column], name);
		else
			printf("%-*s  ", (int)widths[column], name);
		column++;
	}
	printf("\n");
}

static void
print_row(json_t *row, const size_t widths[COLUMNS_MOST])
{
	struct buf text;
	size_t column = 0;
	const char *name;
	json_t *value;

	buf_init(&text, 0);
	json_object_foreach(row, name, value)
	{
		if (column == COLUMNS_MOST)
			break;
		cell_text(&text, value);
		if (json_is_integer(value))
			printf("%*s  ", (int)widths[column], text.data);
		else
			printf("%-*s  ", (int)widths[column], text.data);
		column++;
	}
	printf("\n");
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
		print_head(head, widths);
		for (size_t i = first; i < end; i++)
			print_row(json_array_get(rows, i), widths);
	}
}

/* --- all --- */

void
remote_table_print(struct remote_table *t, const char *command)
{
	struct buf words;

	if (t->json) {
		json_dumpf(t->rows, stdout, JSON_COMPACT);
		printf("\n");
	} else {
		print_tables(t->rows);
	}
	buf_init(&words, 0);
	if (t->error != NULL) {
		text_escape(&words, t->error, strlen(t->error));
		fprintf(stderr, "chainmail %s: %s\n", command, words.data);
	}
	buf_fini(&words);
	json_decref(t->rows);
	free(t->error);
	free(t);
}
