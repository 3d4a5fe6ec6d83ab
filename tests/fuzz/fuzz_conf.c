/* SPDX-License-Identifier: MIT */
/*
 * fuzz_conf.c - any octets as filter.conf: parsed, filled into every type, every mistake printed
 *
 * Beside crashes it looks for output that a terminal or a log would act on.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "conf/diag.h"
#include "conf/schema.h"
#include "conf/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* One member for all: the types do not overlap in time. */
union member {
	bool flag;
	int choice;
	int64_t number;
	struct cm_list list;
	struct cm_numbers numbers;
	struct cm_rate rate;
	const void *pointer;
};

struct settings {
	union member members[CM_OPT_TIME + 1];
};

static const char *const names[] = {"bool", "choice", "duration", "int", "list", "map", "mode",
	"networks", "numbers", "path", "percent", "rate", "size", "socket", "string", "time"};

static const struct cm_map *
find_map(void *context, const char *name)
{
	return strcmp(name, "known") == 0 ? context : NULL;
}

static void
make_rows(struct cm_option *rows)
{
	for (unsigned type = 0; type <= CM_OPT_TIME; type++) {
		rows[type] = (struct cm_option){.name = names[type],
			.type = (enum cm_option_type)type,
			.offset = type * sizeof(union member),
			.choices = "enforce|shadow|off",
			.max = type % 2 == 0 ? 0 : 100000};
	}
	rows[CM_OPT_STRING].flags = CM_OPT_REQUIRED;
	rows[CM_OPT_TIME + 1] = (struct cm_option){.name = "interval", .renamed_to = "duration"};
}

static void
fill(const struct conf_section *section, struct arena *arena, struct diag *diag)
{
	static const int map;
	struct cm_option rows[CM_OPT_TIME + 2];
	struct settings out;
	const struct schema_part part = {
		.rows = {rows, sizeof(rows) / sizeof(*rows), sizeof(*rows)},
		.out = &out,
		.block = "settings"};
	const struct schema_world world = {.arena = arena,
		.base_dir = "/etc",
		.find_map = find_map,
		.context = (void *)(uintptr_t)&map};

	make_rows(rows);
	memset(&out, 0, sizeof(out));
	schema_fill(
		section->kind == NULL ? "file" : section->kind, section, &part, 1, &world, diag);
	for (const struct conf_section *s = section->sections; s != NULL; s = s->next)
		fill(s, arena, diag);
}

/* Plain text: UTF-8 and no control octets but line ends and tabs. */
static void
check_output(const char *text, size_t len)
{
	if (text_utf8_valid(text, len) != len)
		abort();
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			abort();
	}
}

static void
check_print(const struct diag *diag, void (*print)(const struct diag *, FILE *))
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		abort();
	print(diag, f);
	fclose(f);
	check_output(text, len);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena arena;
	struct diag *diag = diag_new();
	struct conf_section *root;

	arena_init(&arena, 4096);
	root = conf_parse(&arena, "filter.conf", (const char *)data, len, diag);
	if (diag_broken(diag) && diag_errors(diag) == 0)
		abort();
	fill(root, &arena, diag);
	check_print(diag, diag_print);
	check_print(diag, diag_print_json);
	diag_free(diag);
	arena_fini(&arena);
	return 0;
}
