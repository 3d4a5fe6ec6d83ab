/* SPDX-License-Identifier: MIT */
/*
 * tree.c - filter.conf as a tree of sections, settings and values
 *
 * Finds and reads the files. How large, how many and how deep they may be is bounded here, so that
 * a mistaken pattern or a loop ends in a message.
 */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "parse.h"

#define DEPTH_MOST 8u
#define FILES_MOST 256u
#define SIZE_MOST  (1u << 20)

/* A file that is being read, and through it those that led to it. */
struct reading {
	struct conf_source *source;
	const struct reading *outer;
	struct loading *loading;
	dev_t device;
	ino_t inode;
	size_t size;
	unsigned depth;
};

/* What all files of one configuration share. */
struct loading {
	struct arena *arena;
	struct diag *diag;
	struct scope root;
	unsigned files;
};

static void
read_file(const struct reading *outer, struct loading *, const char *path, struct conf_pos);

/* --- names --- */

/* Name of a file that stands beside another, unless it is absolute; glob_safe escapes the other. */
static char *
beside(struct arena *arena, const char *other, const char *name, bool glob_safe)
{
	const char *slash = strrchr(other, '/');
	struct buf b;
	char *path;

	buf_init(&b, 0);
	for (const char *c = other; name[0] != '/' && slash != NULL && c <= slash; c++) {
		if (glob_safe && strchr("*?[\\", *c) != NULL)
			buf_add_char(&b, '\\');
		buf_add_char(&b, *c);
	}
	buf_add_str(&b, name);
	path = arena_strdup(arena, b.data);
	buf_fini(&b);
	return path;
}

static bool
is_pattern(const char *name)
{
	return strpbrk(name, "*?[") != NULL;
}

/* --- include --- */

static void
include_pattern(const struct reading *r, const struct token *t)
{
	struct arena *arena = r->loading->arena;
	glob_t found = {0};
	int failed;

	failed = glob(beside(arena, r->source->name, t->text, true), GLOB_ERR, NULL, &found);
	/* A directory that is not there holds no files; one that may not be read might. */
	if (failed != 0 && failed != GLOB_NOMATCH && errno != ENOENT) {
		diag_error(r->loading->diag, t->pos, NULL, "cannot read the directory of %s: %s",
			t->text, strerror(errno));
		diag_set_incomplete(r->loading->diag);
	}
	for (size_t i = 0; failed == 0 && i < found.gl_pathc; i++)
		read_file(r, r->loading, arena_strdup(arena, found.gl_pathv[i]), t->pos);
	globfree(&found);
}

static void
include(void *context, const struct token *t)
{
	const struct reading *r = context;

	if (r->depth + 1 >= DEPTH_MOST) {
		diag_error(r->loading->diag, t->pos, NULL, "files include each other too deep");
		diag_help(r->loading->diag, "at most %u files may lead to each other", DEPTH_MOST);
		diag_set_incomplete(r->loading->diag);
	} else if (is_pattern(t->text)) {
		include_pattern(r, t);
	} else {
		read_file(r, r->loading, beside(r->loading->arena, r->source->name, t->text, false),
			t->pos);
	}
}

static void
refuse_include(void *context, const struct token *t)
{
	diag_error(context, t->pos, NULL, "include is not possible here");
	diag_help(context, "only a file can include another");
}

/* --- one file --- */

/* Where a mistake with a file as a whole is shown: at the include, else in the file itself. */
static struct conf_pos
blame(const struct reading *r, struct conf_pos include_pos)
{
	return include_pos.source != NULL ? include_pos : (struct conf_pos){.source = r->source};
}

static bool
cannot(const struct reading *r, struct conf_pos pos, const char *what)
{
	int saved = errno;
	struct diag *diag = r->loading->diag;

	diag_error(diag, blame(r, pos), NULL, "cannot %s %s: %s", what, r->source->name,
		strerror(saved));
	diag_set_incomplete(diag);
	if (saved == ENOENT && pos.source != NULL)
		diag_help(diag, "a pattern such as \"conf.d/*.conf\" may match nothing; "
				"a plain name must exist");
	return false;
}

static bool
refuse(const struct reading *r, struct conf_pos pos, const char *why)
{
	diag_error(r->loading->diag, blame(r, pos), NULL, "%s %s", r->source->name, why);
	diag_set_incomplete(r->loading->diag);
	return false;
}

static bool
check_file(struct reading *r, int fd, struct conf_pos pos)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return cannot(r, pos, "read");
	if (S_ISDIR(st.st_mode))
		return refuse(r, pos, "is a directory, not a file");
	if (!S_ISREG(st.st_mode))
		return refuse(r, pos, "is not a regular file");
	if (st.st_size > (off_t)SIZE_MOST)
		return refuse(r, pos, "is larger than 1M: not a configuration");
	if (++r->loading->files > FILES_MOST)
		return refuse(r, pos, "is one file too many (at most 256 make a configuration)");
	r->size = (size_t)st.st_size;
	r->device = st.st_dev;
	r->inode = st.st_ino;
	for (const struct reading *o = r->outer; o != NULL; o = o->outer) {
		if (o->device == r->device && o->inode == r->inode)
			return refuse(r, pos, "includes itself");
	}
	return true;
}

/* Reads what was there when it was opened and puts a NUL behind it. */
static char *
read_text(struct reading *r, int fd, struct conf_pos pos)
{
	char *text = arena_alloc(r->loading->arena, r->size + 1);
	ssize_t n = 1;

	while (n != 0 && r->source->len < r->size) {
		n = read(fd, text + r->source->len, r->size - r->source->len);
		if (n < 0 && errno != EINTR) {
			cannot(r, pos, "read");
			return NULL;
		}
		r->source->len += n > 0 ? (size_t)n : 0;
	}
	return text;
}

static void
parse_text(struct scope *root, struct arena *arena, struct conf_source *source, char *text,
	const struct parse_include *included, struct diag *diag)
{
	static const char mark[] = "\xef\xbb\xbf"; /* some editors put it before UTF-8 */

	if (strncmp(text, mark, sizeof(mark) - 1) == 0) {
		text += sizeof(mark) - 1;
		source->len -= sizeof(mark) - 1;
	}
	source->text = text;
	parse_source(root, arena, source, text, included, diag);
}

static struct conf_source *
source_new(struct arena *arena, const char *name)
{
	struct conf_source *source = arena_alloc(arena, sizeof(*source));

	source->name = name;
	source->text = "";
	return source;
}

static void
read_file(
	const struct reading *outer, struct loading *loading, const char *path, struct conf_pos pos)
{
	struct reading r = {.outer = outer, .loading = loading};
	const struct parse_include included = {.run = include, .context = &r};
	char *text = NULL;
	int fd;

	r.source = source_new(loading->arena, path);
	if (outer != NULL) {
		r.depth = outer->depth + 1;
		r.source->includer = outer->source;
		r.source->includer_line = pos.line;
	}
	/* A FIFO must not hold the load up. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		cannot(&r, pos, "open");
		return;
	}
	if (check_file(&r, fd, pos))
		text = read_text(&r, fd, pos);
	close(fd);
	if (text != NULL)
		parse_text(
			&loading->root, loading->arena, r.source, text, &included, loading->diag);
}

struct conf_section *
conf_read(struct arena *arena, const char *path, struct diag *diag)
{
	struct conf_section *root = arena_alloc(arena, sizeof(*root));
	struct loading loading = {.arena = arena, .diag = diag};

	scope_init(&loading.root, root);
	read_file(NULL, &loading, arena_strdup(arena, path), (struct conf_pos){0});
	scope_fini(&loading.root);
	return root;
}

struct conf_section *
conf_parse(struct arena *arena, const char *name, const char *text, size_t len, struct diag *diag)
{
	const struct parse_include included = {.run = refuse_include, .context = diag};
	struct conf_section *root = arena_alloc(arena, sizeof(*root));
	struct conf_source *source = source_new(arena, arena_strdup(arena, name));
	char *copy = arena_alloc(arena, len + 1);
	struct scope scope;

	if (len > 0)
		memcpy(copy, text, len);
	source->len = len;
	scope_init(&scope, root);
	parse_text(&scope, arena, source, copy, &included, diag);
	scope_fini(&scope);
	return root;
}

const struct conf_setting *
conf_find(const struct conf_section *section, const char *name)
{
	for (const struct conf_setting *s = section->settings; s != NULL; s = s->next) {
		if (strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}
