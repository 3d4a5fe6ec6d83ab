/* SPDX-License-Identifier: MIT */
/*
 * fuzz_auth_results.c - any octets as an Authentication-Results field, and in what ours says
 *
 * The input is a list of texts with NUL between them. Each is the value of a field that came with a
 * message; all but the first are what results say. What is written must be one field, ours, with as
 * many results; what a careless reader would take for ours must not stay.
 */
#include "../../plugins/auth_results.c"

#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "mail/edit.h"

#define OURS	   "mx.test"
#define TEXTS_MOST 12

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static size_t
split(struct arena *arena, const uint8_t *data, size_t len, const char **texts)
{
	size_t count = 0;

	while (count < TEXTS_MOST) {
		const uint8_t *end = len == 0 ? NULL : memchr(data, 0, len);
		size_t n = end == NULL ? len : (size_t)(end - data);

		texts[count++] = arena_strndup(arena, (const char *)data, n);
		if (end == NULL)
			break;
		data += n + 1;
		len -= n + 1;
	}
	return count;
}

/* What stands before the first ";", without comments, quotes and white space, in lower case. */
static void
read_carelessly(const char *value, char *out, size_t size)
{
	size_t depth = 0, len = 0;

	for (; *value != '\0' && (*value != ';' || depth > 0) && len + 1 < size; value++) {
		if (*value == '\\' && value[1] != '\0') {
			value++;
			if (depth == 0)
				out[len++] = *value;
		} else if (*value == '(') {
			depth++;
		} else if (*value == ')' && depth > 0) {
			depth--;
		} else if (depth == 0 && strchr("\" \t\r\n", *value) == NULL) {
			out[len++] = *value;
		}
	}
	out[len] = '\0';
}

/* Whatever a version, a dot or a job stands behind our id. */
static bool
looks_like_ours(const char *value)
{
	char id[ID_SIZE];
	size_t len = strlen(OURS);

	read_carelessly(value, id, sizeof(id));
	if (strncasecmp(id, OURS, len) != 0)
		return false;
	len += strspn(id + len, ".");
	return id[len] == '\0' || id[len] == '/';
}

static void
check_received(const char *value)
{
	static const char *const ids[] = {"second.test"};
	static const struct cm_list extra = {1, ids};
	enum origin origin = origin_of(value, OURS, &extra);

	check(origin == ORIGIN_FOREIGN || origin == ORIGIN_OURS || origin == ORIGIN_UNREADABLE);
	check(origin != ORIGIN_FOREIGN || !looks_like_ours(value));
}

/* Counts what ends a result, outside of comments and quoted-strings, which must end. */
static size_t
count_results(const char *value)
{
	size_t depth = 0, count = 0;
	bool quoted = false;

	for (; *value != '\0'; value++) {
		if (*value == '\\') {
			check(quoted || depth > 0);
			check(*++value != '\0' && *value != '\n');
		} else if (*value == '"' && depth == 0) {
			quoted = !quoted;
		} else if (*value == '(' && !quoted) {
			depth++;
		} else if (*value == ')' && !quoted) {
			check(depth-- > 0);
		} else if (*value == ';' && !quoted && depth == 0) {
			count++;
		}
	}
	check(depth == 0 && !quoted);
	return count;
}

/* RFC 5322 section 2.1.1. */
static void
check_lines(const char *value)
{
	for (size_t len; *value != '\0'; value += len + (value[len] == '\n')) {
		len = strcspn(value, "\n");
		check(len > 0 && len + strlen(FIELD ": ") <= 998 && value[len - 1] != ' ');
		for (size_t i = 0; i < len; i++)
			check((value[i] >= ' ' && value[i] <= '~') || (value[i] == '\t' && i == 0));
	}
}

static void
check_written(struct arena *arena, const char *const *texts, size_t count)
{
	const struct cm_auth_property properties[] = {
		{"smtp", "mailfrom", texts[0]}, {"smtp", "auth", texts[count - 1]}};
	struct cm_auth_result all[TEXTS_MOST];
	const struct cm_auth_result *results[TEXTS_MOST];
	const struct cm_list none = {0};
	struct edit edit = {.kind = EDIT_INSERT_HEADER, .name = FIELD};
	struct edit_queue queue;
	char value[FIELD_SIZE];
	struct err err;

	for (size_t i = 0; i < count; i++) {
		all[i] =
			(struct cm_auth_result){.method = "auth", .result = "pass", .count = i % 3};
		all[i].properties = properties;
		all[i].comment = i % 2 == 0 ? texts[i] : NULL;
		all[i].reason = i % 4 < 2 ? texts[i] : NULL;
		results[i] = &all[i];
	}
	write_field(value, sizeof(value), OURS, results, count, count % 2 == 0);
	check(origin_of(value, OURS, &none) == ORIGIN_OURS);
	check(count_results(value) == count);
	check_lines(value);
	edit.value = value;
	edit_queue_init(&queue);
	check(edit_add(&queue, arena, &edit, &err) && strcmp(queue.first->value, value) == 0);
	write_field(value, sizeof(value), texts[0], results, 0, false);
	check_lines(value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *texts[TEXTS_MOST];
	struct arena arena;
	size_t count;

	arena_init(&arena, 4096);
	count = split(&arena, data, len, texts);
	for (size_t i = 0; i < count; i++)
		check_received(texts[i]);
	check_written(&arena, texts, count);
	arena_fini(&arena);
	return 0;
}
