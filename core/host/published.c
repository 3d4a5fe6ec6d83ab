/* SPDX-License-Identifier: MIT */
/*
 * published.c - what plugins say that they publish: their results, row by row
 *
 * Asked where somebody reads a result that is not there, and by who explains plugins; publishing
 * itself asks nothing. Knows neither rules nor chains.
 */
#include "published.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "plugin_table.h"

#define NAMES_MOST 64u
#define WORD_SIZE  64u
#define LIST_SIZE  400u
/* The first interface that had results had all of a row. */
#define SIZE_LEAST (offsetof(struct cm_published, help) + sizeof(const char *))

struct cm_published
published_row(const struct cm_plugin *plugin, size_t i)
{
	const unsigned char *table = (const unsigned char *)plugin->published;
	size_t size = plugin->published_size;
	struct cm_published row = {0};

	memcpy(&row, table + i * size, size < sizeof(row) ? size : sizeof(row));
	return row;
}

bool
published_is_many(const struct cm_published *row)
{
	return strcmp(row->key, "#") == 0 || strcmp(row->key, "*") == 0;
}

static bool
is_number(const char *key)
{
	return key[0] >= '1' && key[0] <= '9' && key[strspn(key, "0123456789")] == '\0';
}

static bool
find_row(const struct cm_plugin *plugin, const char *key, struct cm_published *row)
{
	for (size_t i = 0; i < plugin->published_count; i++) {
		*row = published_row(plugin, i);
		if (strcmp(row->key, key) == 0)
			return true;
	}
	return false;
}

bool
published_find(const struct cm_plugin *plugin, const char *key, struct cm_published *row)
{
	bool one = strcmp(key, "#") != 0 && strcmp(key, "*") != 0;

	return (one && find_row(plugin, key, row)) ||
	       (is_number(key) && find_row(plugin, "#", row)) || find_row(plugin, "*", row);
}

bool
published_may(const struct cm_plugin *plugin, const char *key)
{
	struct cm_published row;

	return plugin->published_count == 0 || published_find(plugin, key, &row);
}

const char *
published_word(const char **words, size_t *len)
{
	const char *word = *words;

	if (word == NULL || *word == '\0')
		return NULL;
	*len = strcspn(word, "|");
	*words = word + *len + (word[*len] == '|');
	return word;
}

bool
published_may_be(const struct cm_published *row, const char *value)
{
	const char *words = row->words, *word;
	size_t len;

	while ((word = published_word(&words, &len)) != NULL) {
		if (strlen(value) == len && memcmp(word, value, len) == 0)
			return true;
	}
	return row->words == NULL;
}

/* --- what is wrong ------------------------------------------------------------------------------
 */

/* "result, policy" */
static void
list(char out[LIST_SIZE], const char *const *names, size_t count)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count && len < LIST_SIZE; i++)
		len += (size_t)snprintf(
			out + len, LIST_SIZE - len, "%s%s", i > 0 ? ", " : "", names[i]);
}

bool
published_no_key(const struct cm_plugin *plugin, const char *key, struct err *err)
{
	const char *names[NAMES_MOST], *nearest;
	struct cm_published numbers;
	char all[LIST_SIZE];
	size_t count = 0;

	for (size_t i = 0; i < plugin->published_count && count < NAMES_MOST - 1; i++) {
		const struct cm_published row = published_row(plugin, i);

		if (!published_is_many(&row))
			names[count++] = row.key;
	}
	nearest = text_nearest(key, names, count);
	if (nearest != NULL)
		return err_set(err, "%s has no result \"%.60s\"; did you mean \"%s\"?",
			plugin->name, key, nearest);
	if (find_row(plugin, "#", &numbers))
		names[count++] = "1, 2, ...";
	list(all, names, count);
	return err_set(err, "%s has no result \"%.60s\", only %s", plugin->name, key, all);
}

bool
published_no_word(const struct cm_plugin *plugin, const struct cm_published *row, const char *value,
	struct err *err)
{
	char kept[NAMES_MOST][WORD_SIZE], all[LIST_SIZE];
	const char *names[NAMES_MOST], *words = row->words, *word, *nearest;
	size_t count = 0, len;

	while (count < NAMES_MOST && (word = published_word(&words, &len)) != NULL) {
		snprintf(kept[count], WORD_SIZE, "%.*s", (int)len, word);
		names[count] = kept[count];
		count++;
	}
	nearest = text_nearest(value, names, count);
	if (nearest != NULL)
		return err_set(err, "%s.%s is never \"%.60s\"; did you mean \"%s\"?", plugin->name,
			row->key, value, nearest);
	list(all, names, count);
	return err_set(
		err, "%s.%s is never \"%.60s\", only %s", plugin->name, row->key, value, all);
}

/* --- its table ----------------------------------------------------------------------------------
 */

static bool
are_words(const char *words)
{
	const char *word;
	size_t len = 0;
	char last = words[0] == '\0' ? '|' : words[strlen(words) - 1];

	while ((word = published_word(&words, &len)) != NULL) {
		if (len == 0 || len >= WORD_SIZE)
			return false;
	}
	return last != '|';
}

static size_t
count_key(const struct cm_plugin *plugin, size_t end, const char *key)
{
	size_t count = 0;

	for (size_t i = 0; i < end; i++)
		count += strcmp(published_row(plugin, i).key, key) == 0;
	return count;
}

bool
published_check(const struct cm_plugin *plugin, struct err *err)
{
	if (plugin->published_count == 0)
		return true;
	if (plugin->published == NULL || plugin->published_size < SIZE_LEAST)
		return err_set(err, "its table of results is too short");
	for (size_t i = 0; i < plugin->published_count; i++) {
		const struct cm_published row = published_row(plugin, i);

		if (row.key == NULL || (!plugin_name_valid(row.key) && !published_is_many(&row)))
			return err_set(err, "publishes a result without a usable name");
		if (count_key(plugin, i, row.key) > 0)
			return err_set(err, "result %s stands in its table twice", row.key);
		if (row.help == NULL)
			return err_set(err, "result %s has no help", row.key);
		if (row.words != NULL && !are_words(row.words))
			return err_set(err, "result %s: \"%.80s\" is no list of words", row.key,
				row.words);
	}
	return true;
}
