/* SPDX-License-Identifier: MIT */
/*
 * test_cover.c - which lines of rules the cases never ran
 */
#include <string.h>

#include "base/buf.h"
#include "host/script_cover.h"
#include "test.h"

unsigned
test_percent(size_t part, size_t whole)
{
	/* Not all is never shown as all. */
	return whole == 0 ? 100 : (unsigned)(part * 100 / whole);
}

bool
test_cover_has(const struct script_cover *cover, const char *path)
{
	struct script_cover_file file;
	size_t i = 0;

	while (script_cover_at(cover, i, &file) && strcmp(file.path, path) != 0)
		i++;
	return script_cover_at(cover, i, &file);
}

bool
test_cover_share(const struct script_cover *cover, unsigned *percent)
{
	struct script_cover_file file;
	size_t lines = 0, run = 0;

	for (size_t i = 0; script_cover_at(cover, i, &file); i++) {
		lines += file.lines;
		run += file.run;
	}
	*percent = test_percent(run, lines);
	return lines > 0;
}

void
test_missed_lines(struct buf *out, const struct script_cover_file *file)
{
	for (unsigned line = 1, end; line <= file->last; line = end + 1) {
		end = line;
		if (!script_cover_missed(file, line))
			continue;
		while (script_cover_missed(file, end + 1))
			end++;
		buf_printf(out, "%s%u", out->len > 0 ? ", " : "", line);
		if (end > line)
			buf_printf(out, "-%u", end);
	}
}
