/* SPDX-License-Identifier: MIT */
/*
 * fuzz_header.c - any octets as header fields: From: read, values and names put into edits
 *
 * The input is a list of texts with NUL between them. All are From: fields of one message; the
 * first two are name and value of an edit, and each is the subject of a prefix.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/edit.h"

#define TEXTS_MOST 8

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

/*
 * A mailbox of From: is one of the envelope too: both are looked up in the same maps. Where its
 * quotes were needed (".a"@x) the envelope has it as MTAs read it without them, and so it is the
 * same.
 */
static void
check_from(struct arena *arena, const char *const *texts, size_t count)
{
	const struct cm_from *from = address_parse_from(arena, texts, count);

	check(count == 1 || from->problem != NULL);
	check(from->count > 0 || from->problem != NULL);
	for (size_t i = 0; i < from->count; i++) {
		const struct cm_address *a = &from->items[i];
		struct cm_address path;

		check(a->valid && !a->null);
		address_parse_path(&path, arena, a->addr);
		check(!path.unclear && address_same(a, &path));
	}
}

/* No line but a folded one, and each of them with something behind its blanks. */
static void
check_value(const char *value)
{
	for (const char *p = value; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		check(c >= 0x20 || c == '\t' || c == '\n');
		check(c != 0x7f);
		if (c == '\n') {
			size_t blanks = strspn(p + 1, " \t");

			check(blanks > 0 && p[1 + blanks] != '\0' && p[1 + blanks] != '\n');
		}
	}
}

static const char *subject;

static size_t
count_fields(const void *context, const char *name)
{
	(void)context;
	return subject != NULL && text_equal_nocase(name, "subject");
}

static const char *
field_value(const void *context, const char *name, size_t n)
{
	return count_fields(context, name) == n ? subject : NULL;
}

static const char *
field_spelling(const void *context, const char *name, size_t n)
{
	check(count_fields(context, name) == n);
	return "SUBJECT";
}

static void
check_edits(struct arena *arena, const char *name, const char *value, const char *received)
{
	const struct edit_fields fields = {
		.count = count_fields, .value = field_value, .spelling = field_spelling};
	struct edit asked[] = {
		{.kind = EDIT_ADD_HEADER, .name = name, .value = value},
		{.kind = EDIT_SET_HEADER, .name = name, .value = value, .index = 1},
		{.kind = EDIT_PREFIX_SUBJECT, .value = value},
		{.kind = EDIT_QUARANTINE, .value = value},
	};
	struct edit_queue conn, msg;
	struct edit_plan plan;
	struct err err;

	edit_queue_init(&conn);
	edit_queue_init(&msg);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		err.text[0] = '\0';
		check(edit_add(&msg, arena, &asked[i], &err) || err.text[0] != '\0');
	}
	for (const struct edit *e = msg.first; e != NULL; e = e->next) {
		check_value(e->value);
		check(e->name == NULL || strpbrk(e->name, ": \t\r\n") == NULL);
	}
	subject = received;
	plan = edit_plan(arena, &conn, &msg, &fields);
	check(plan.count <= msg.count);
	for (size_t i = 0; i < plan.count; i++)
		check_value(plan.edits[i]->value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *texts[TEXTS_MOST];
	struct arena arena;
	size_t count;

	arena_init(&arena, 4096);
	count = split(&arena, data, len, texts);
	check_from(&arena, texts, count);
	for (size_t i = 0; i < count; i++)
		check_edits(&arena, texts[0], texts[count > 1 ? 1 : 0], i > 0 ? texts[i] : NULL);
	arena_fini(&arena);
	return 0;
}
