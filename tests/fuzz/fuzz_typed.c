/* SPDX-License-Identifier: MIT */
/*
 * fuzz_typed.c - any octets typed into `chainmail explain --session`
 *
 * Lines are read to the end as commands, and what stands behind DATA as a message. Each line is
 * shorter than it may be and has no NUL, paths and parameters lie inside it, and a message is no
 * longer than what was typed.
 */
#include <string.h>

#include "base/buf.h"
#include "cli/explain_typed.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_inside(const char *part, const char *line, size_t len)
{
	if (part < line || part + strlen(part) > line + len)
		die("a part that is not of the line");
}

static void
check_path(char *line)
{
	size_t len = strlen(line);
	struct typed_path typed;

	if (!typed_path(line, "FROM", &typed))
		return;
	check_inside(typed.path, line, len);
	for (size_t i = 0; typed.args[i] != NULL; i++) {
		if (i >= TYPED_ARGS_MOST || typed.args[i][0] == '\0' ||
			strpbrk(typed.args[i], " \t") != NULL)
			die("a parameter that is none");
		check_inside(typed.args[i], line, len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *in = size == 0 ? NULL : fmemopen((void *)data, size, "r");
	char line[TYPED_LINE_MOST];
	struct buf message;
	enum typed how;

	if (in == NULL)
		return 0;
	buf_init(&message, 0);
	while ((how = typed_line(in, line)) != TYPED_END) {
		if (memchr(line, '\0', sizeof(line)) == NULL || strchr(line, '\n') != NULL)
			die("a line without its end, or with two");
		if (how == TYPED_LINE && strcmp(line, "DATA") == 0) {
			how = typed_message(in, &message);
			if (message.len > size || how == TYPED_NUL)
				die("a message that nobody typed");
		} else if (how == TYPED_LINE) {
			check_path(line);
		}
	}
	buf_fini(&message);
	fclose(in);
	return 0;
}
