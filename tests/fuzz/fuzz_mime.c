/* SPDX-License-Identifier: MIT */
/*
 * fuzz_mime.c - any message and its attachments: a Content-Type on the first line, behind it the
 * body; and both as the text of a field
 *
 * Names and endings are as docs/RULES.md promises, no part is larger than the message, and a
 * message in a message has the same attachments again. A text is valid UTF-8 on one line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "service/attachment.h"
#include "service/mime_name.h"
#include "service/mime_text.h"

int LLVMFuzzerInitialize(int *, char ***);
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
always(void *data)
{
	(void)data;
	return true;
}

static void
check_name(const struct attachment *a)
{
	char again[MIME_NAME_SIZE];
	size_t len = strlen(a->name);

	must(len < MIME_NAME_SIZE && text_utf8_valid(a->name, len) == len);
	must(strpbrk(a->name, "/\\\r\n\t\x7f") == NULL);
	mime_name_clean(a->name, again);
	must(strcmp(a->name, again) == 0);
	must(a->ext == NULL || (a->ext[0] != '\0' && strlen(a->ext) < len));
}

/* Attachments of it, or what is wrong. */
static enum mime_end
look(struct arena *arena, const char *type, const uint8_t *body, size_t len, size_t *count)
{
	const struct mime_source source = {.fields[MIME_TYPE] = type, .body = body, .len = len};
	struct attachment *first;
	enum mime_end end = attachment_list(arena, &source, always, NULL, &first);

	*count = 0;
	for (const struct attachment *a = first; a != NULL; a = a->next) {
		check_name(a);
		must(a->size <= len && strlen(a->type) < MIME_TYPE_SIZE);
		++*count;
	}
	must(*count <= MIME_PARTS_MOST);
	return end;
}

/* "Content-Type: TYPE", an empty line and the body, as a message in a message. */
static void
check_inside(struct arena *arena, const char *type, const uint8_t *body, size_t len, size_t count)
{
	size_t type_len = strlen(type), size = 16 + type_len + len;
	char *message = malloc(size), *at = message;
	size_t inside;

	memcpy(at, "Content-Type: ", 14);
	memcpy(at += 14, type, type_len);
	memcpy(at += type_len, "\n\n", 2);
	memcpy(at + 2, body, len);
	if (look(arena, "message/rfc822", (const uint8_t *)message, size, &inside) == MIME_WHOLE)
		must(inside == count + 1);
	free(message);
}

static void
check_text(const char *value)
{
	static const struct mime_text_clock clock = {always, NULL};
	static char out[MIME_TEXT_SIZE];
	size_t len;

	must(mime_text(value, &clock, out));
	len = strlen(out);
	must(len < MIME_TEXT_SIZE && text_utf8_valid(out, len) == len);
	must(len == 0 || (out[0] != ' ' && out[len - 1] != ' '));
	for (size_t i = 0; i < len; i++)
		must((unsigned char)out[i] >= ' ' && out[i] != 0x7f);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err err;

	(void)argc;
	(void)argv;
	must(mime_fields_open(&err));
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *lf = memchr(data, '\n', len);
	struct arena arena;
	size_t count;
	char *type;

	if (lf == NULL || memchr(data, '\r', (size_t)(lf - data)) != NULL)
		return 0;
	arena_init(&arena, 4096);
	type = arena_strndup(&arena, (const char *)data, (size_t)(lf - data));
	len -= (size_t)(lf + 1 - data);
	check_text(type);
	check_text(arena_strndup(&arena, (const char *)lf + 1, len));
	if (look(&arena, type, lf + 1, len, &count) == MIME_WHOLE)
		check_inside(&arena, type, lf + 1, len, count);
	arena_fini(&arena);
	return 0;
}
