/* SPDX-License-Identifier: MIT */
/*
 * logfile.c - what the filter wrote to its log, as a transcript looks at it
 *
 * The file grows while it is read: each question reads what is there now.
 */
#include "logfile.h"

#include "expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

size_t
logfile_size(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

char *
logfile_read(const char *path, size_t *length)
{
	FILE *f = fopen(path, "r");
	size_t size = logfile_size(path);
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (!f) {
		free(text);
		return NULL;
	}
	*length = fread(text, 1, size, f);
	text[*length] = '\0';
	fclose(f);
	return text;
}

size_t
logfile_count(const char *path, size_t from, const char *glob)
{
	size_t length = 0;
	size_t count = 0;
	char *text = logfile_read(path, &length);
	char *rest = text && from < length ? text + from : NULL;
	char *line;

	while ((line = strsep(&rest, "\n")))
		count += glob_match(glob, line);
	free(text);
	return count;
}

bool
logfile_has(const char *path, const void *bytes, size_t length)
{
	size_t size = 0;
	char *text = logfile_read(path, &size);
	bool found = text && memmem(text, size, bytes, length);

	free(text);
	return found;
}
