/* SPDX-License-Identifier: MIT */
/*
 * script_source.c - rule files and their modules, read once
 *
 * The text is kept: all states of a host are built from the same octets, also a state that is
 * rebuilt long after the file on the disk has changed.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "script_state.h"

#define SOURCE_MOST (1u << 20)
#define MODULE_MOST 100u
/* Lua shortens longer names of chunks. */
#define LABEL_MOST 56u

static bool
read_all(int fd, char *text, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = read(fd, text + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO; /* it became shorter while it was read */
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* Skips a UTF-8 byte order mark and what is in a first line that begins with #, not its end. */
static void
skip_opening(struct script_source *s)
{
	const char *end = s->text + s->len;
	const char *p = s->text;

	if (s->len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	if (p < end && *p == '#') {
		while (p < end && *p != '\n')
			p++;
	}
	s->text = p;
	s->len = (size_t)(end - p);
}

/* Text of an open file, in the arena. */
static bool
read_text(struct arena *arena, int fd, struct script_source *s, struct err *err)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "cannot read it");
	if (!S_ISREG(st.st_mode))
		return err_set(err, "it is not a regular file");
	if ((size_t)st.st_size > SOURCE_MOST)
		return err_set(err, "it is larger than 1 MiB");
	s->len = (size_t)st.st_size;
	text = arena_alloc(arena, s->len + 1);
	if (!read_all(fd, text, s->len))
		return err_errno(err, "cannot read it");
	s->text = text;
	skip_opening(s);
	if (s->len > 0 && s->text[0] == '\x1b')
		return err_set(err, "it is compiled Lua; only text is allowed");
	return true;
}

struct script_source *
script_source_read(struct script *script, const char *module, const char *path, const char *label,
	struct err *err)
{
	struct arena *arena = &script->host->arena;
	struct script_source *s = arena_alloc(arena, sizeof(*s));
	struct script_source **last = &script->sources;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool done;

	if (fd < 0) {
		err_errno(err, "cannot open %s", path);
		return NULL;
	}
	done = read_text(arena, fd, s, err);
	close(fd);
	if (!done)
		return NULL;
	s->module = arena_strdup(arena, module);
	s->label = arena_strdup(arena, label);
	s->path = arena_strdup(arena, text_path_here(path));
	while (*last != NULL)
		last = &(*last)->next;
	*last = s;
	return s;
}

struct script_source *
script_source_find(const struct script *script, const char *module)
{
	for (struct script_source *s = script->sources; s != NULL; s = s->next) {
		if (s->module != NULL && strcmp(s->module, module) == 0)
			return s;
	}
	return NULL;
}

/* Words of letters, digits and underscores with single dots between. */
static bool
module_name(const char *name)
{
	bool word = false;

	for (const char *p = name; *p != '\0'; p++) {
		if (*p == '.' && !word)
			return false;
		if (*p != '.' && *p != '_' && !isalnum((unsigned char)*p))
			return false;
		word = *p != '.';
	}
	return word && strlen(name) <= MODULE_MOST;
}

/* The file, links followed, is in the directory or below it; errno when there is no such file. */
static bool
is_below(const char *dir, const char *file, bool *below)
{
	char *real_dir = realpath(dir, NULL);
	char *real_file = realpath(file, NULL);
	bool there = real_dir != NULL && real_file != NULL;
	size_t len = there ? strlen(real_dir) : 0;

	/* The root ends in the slash that others lack. */
	len -= len == 1;
	*below = there && strncmp(real_file, real_dir, len) == 0 && real_file[len] == '/';
	free(real_dir);
	free(real_file);
	return there;
}

struct script_source *
script_source_require(struct script *script, const char *module, struct err *err)
{
	struct arena *arena = &script->host->arena;
	const char *label_dir = script_source_dir(arena, script->sources->label);
	char *file;
	const char *path;
	bool below;

	if (!module_name(module)) {
		err_set(err, "require takes the name of a file below the rule's directory: "
			     "\"lists\" for "
			     "lists.lua, \"my.lists\" for my/lists.lua");
		return NULL;
	}
	file = arena_strdup(arena, module);
	for (char *p = file; *p != '\0'; p++) {
		if (*p == '.')
			*p = '/';
	}
	path = arena_printf(arena, "%s/%s.lua", script->dir, file);
	if (is_below(script->dir, path, &below) && !below) {
		err_set(err, "%s is a link to a file that is not below the rule's directory", path);
		return NULL;
	}
	return script_source_read(script, module, path,
		script_source_label(arena, arena_printf(arena, "%s/%s.lua", label_dir, file)), err);
}

const char *
script_source_dir(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return ".";
	return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

/* Absolute paths are shown as "scripts/x.lua". */
const char *
script_source_label(struct arena *arena, const char *path)
{
	const char *label = path;
	size_t len;

	if (path[0] == '.' && path[1] == '/')
		label = path + 2;
	if (path[0] == '/') {
		label = strrchr(path, '/');
		while (label > path && label[-1] != '/')
			label--;
	}
	len = strlen(label);
	return len <= LABEL_MOST ? label
				 : arena_printf(arena, "...%s", label + len - (LABEL_MOST - 3));
}
