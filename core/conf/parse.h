/* SPDX-License-Identifier: MIT */
/*
 * parse.h - from tokens of one file to sections and settings
 */
#ifndef CORE_CONF_PARSE_H
#define CORE_CONF_PARSE_H

#include "base/hash.h"
#include "scan.h"
#include "tree.h"

/* A section under construction. */
struct scope {
	struct conf_section *section;
	struct conf_setting **last_setting;
	struct conf_section **last_section;
	struct table names;	     /* of its settings; to the setting */
	struct conf_pos include_pos; /* an include inside of it; line 0: none */
};

void scope_init(struct scope *, struct conf_section *);
void scope_fini(struct scope *);

/* What `include "pattern"` does. */
struct parse_include {
	void (*run)(void *context, const struct token *pattern);
	void *context;
};

/* Adds what text (the source's, writable) says to root. */
void parse_source(struct scope *root, struct arena *, const struct conf_source *, char *text,
	const struct parse_include *, struct diag *);

#endif
