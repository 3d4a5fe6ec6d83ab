/* SPDX-License-Identifier: MIT */
/*
 * tree.h - filter.conf as a tree of sections, settings and values
 *
 * The parser knows the language and nothing of what an option means. It goes on after a mistake and
 * reports every one. Everything lives in the arena given.
 */
#ifndef CORE_CONF_TREE_H
#define CORE_CONF_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"

struct arena;

enum conf_kind { CONF_WORD, CONF_STRING, CONF_LIST };

struct conf_value {
	enum conf_kind kind;
	struct conf_pos pos;
	const char *text;	  /* word, or string with its escapes resolved; no NUL inside */
	struct conf_value *items; /* CONF_LIST */
	size_t count;
};

struct conf_setting {
	struct conf_pos pos; /* of the name */
	const char *name;
	struct conf_value value;
	bool stray; /* outside of sections perhaps only because one lost its { */
	struct conf_setting *next;
};

struct conf_section {
	struct conf_pos pos; /* of the kind */
	struct conf_pos name_pos;
	struct conf_pos open_pos;      /* of the { */
	const char *kind;	       /* "plugin"; NULL for the root */
	const char *name;	       /* "greylist"; NULL when it has none */
	struct conf_setting *settings; /* in file order */
	struct conf_section *sections; /* in file order */
	struct conf_section *next;
};

/* The root section; never NULL. Reads include files (name order) relative to the including file. */
struct conf_section *conf_read(struct arena *, const char *path, struct diag *);
/* The same from memory; include is refused. For tests, fuzzing and one-line settings. */
struct conf_section *
conf_parse(struct arena *, const char *name, const char *text, size_t len, struct diag *);
/* NULL when the section does not set it. */
const struct conf_setting *conf_find(const struct conf_section *, const char *name);

#endif
