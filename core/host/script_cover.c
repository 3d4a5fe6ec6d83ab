/* SPDX-License-Identifier: MIT */
/*
 * script_cover.c - which lines of rules have run
 *
 * A hook of Lua tells each line that runs. Which lines could run is not told by any function of
 * Lua's for functions that were never made, so it is read from the compiled form of the file, which
 * script_lines.c knows.
 */
#include "script_cover.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "script_lines.h"
#include "script_state.h"

/* Instructions between two looks at the clock. */
#define COUNT 1000

struct file {
	char *label, *path;
	bool latest;		   /* of those with its label: the one that runs */
	struct script_lines lines; /* that could run */
	bool *run;		   /* by line */
	struct file *next;	   /* by path */
};

struct script_cover {
	struct file *files;
};

struct script_cover *
script_cover_new(void)
{
	return mem_zalloc(1, sizeof(struct script_cover));
}

void
script_cover_free(struct script_cover *cover)
{
	struct file *next;

	for (struct file *f = cover == NULL ? NULL : cover->files; f != NULL; f = next) {
		next = f->next;
		script_lines_fini(&f->lines);
		free(f->run);
		free(f->label);
		free(f->path);
		free(f);
	}
	free(cover);
}

/* Lua knows labels alone, which files in different directories may share. */
static struct file *
find_latest(const struct script_cover *cover, const char *label)
{
	struct file *f = cover->files;

	while (f != NULL && (!f->latest || strcmp(f->label, label) != 0))
		f = f->next;
	return f;
}

static struct file *
find(const struct script_cover *cover, const char *path)
{
	struct file *f = cover->files;

	while (f != NULL && strcmp(f->path, path) != 0)
		f = f->next;
	return f;
}

static int
take(lua_State *L, const void *data, size_t len, void *context)
{
	(void)L;
	buf_add(context, data, len);
	return 0;
}

static struct file *
add(struct script_cover *cover, const struct script_source *source, const struct buf *compiled)
{
	struct file **at = &cover->files;
	struct file *f = mem_zalloc(1, sizeof(*f));

	f->label = strdup(source->label);
	f->path = strdup(source->path);
	script_lines_read(&f->lines, compiled->data, compiled->len);
	f->run = mem_zalloc((size_t)f->lines.last + 1, sizeof(*f->run));
	while (*at != NULL && strcmp((*at)->path, f->path) < 0)
		at = &(*at)->next;
	f->next = *at;
	*at = f;
	return f;
}

void
script_cover_learn(struct script_cover *cover, lua_State *L, const struct script_source *source)
{
	struct file *f = find(cover, source->path), *before;
	struct buf compiled;

	if (f == NULL) {
		buf_init(&compiled, 0);
		lua_dump(L, take, &compiled, 0);
		f = add(cover, source, &compiled);
		buf_fini(&compiled);
	}
	before = find_latest(cover, source->label);
	if (before != NULL)
		before->latest = false;
	f->latest = true;
}

static void
on_line(lua_State *L, lua_Debug *ar)
{
	struct file *f;

	/* The name of a chunk has an @ in front of the label. */
	if (!lua_getinfo(L, "S", ar) || ar->source[0] != '@' || ar->currentline < 0)
		return;
	f = find_latest(script_state_of(L)->host->cover, ar->source + 1);
	if (f != NULL && (unsigned)ar->currentline <= f->lines.last)
		f->run[ar->currentline] = true;
}

static void
on_event(lua_State *L, lua_Debug *ar)
{
	if (ar->event == LUA_HOOKLINE)
		on_line(L, ar);
	else
		script_on_count(L, ar);
}

void
script_cover_begin(lua_State *L)
{
	if (script_state_of(L)->host->cover == NULL)
		lua_sethook(L, NULL, 0, 0);
	else
		lua_sethook(L, on_event, LUA_MASKLINE | LUA_MASKCOUNT, COUNT);
}

bool
script_cover_at(const struct script_cover *cover, size_t i, struct script_cover_file *out)
{
	const struct file *f = cover->files;

	for (; f != NULL && i > 0; i--)
		f = f->next;
	if (f == NULL)
		return false;
	*out = (struct script_cover_file){.path = f->path, .last = f->lines.last, .details = f};
	for (unsigned line = 1; line <= f->lines.last; line++) {
		out->lines += f->lines.could[line];
		out->run += f->lines.could[line] && f->run[line];
	}
	return true;
}

bool
script_cover_missed(const struct script_cover_file *file, unsigned line)
{
	const struct file *f = file->details;

	return line <= f->lines.last && f->lines.could[line] && !f->run[line];
}
