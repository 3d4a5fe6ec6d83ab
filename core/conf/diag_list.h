/* SPDX-License-Identifier: MIT */
/*
 * diag_list.h - how diag.c keeps what diag_print.c prints
 */
#ifndef CORE_CONF_DIAG_LIST_H
#define CORE_CONF_DIAG_LIST_H

#include "base/arena.h"
#include "diag.h"

/* A configuration file as far as a mistake in it needs it; the source itself may be gone. */
struct diag_file {
	struct diag_file *next;
	const struct conf_source *source; /* compared, never followed */
	const char *name;
	const struct diag_file *includer;
	unsigned includer_line, depth;
};

struct diag_help {
	struct diag_help *next;
	const char *text;
};

struct mistake {
	struct mistake *next;
	const struct diag_file *file; /* NULL: not in a configuration file */
	const char *name;	      /* of the file; NULL: of none */
	const char *shown;	      /* the line, not ending in NUL; NULL: not shown */
	size_t shown_len;
	const char *label; /* or NULL */
	const char *text;
	struct diag_help *helps;
	struct diag_help **last_help;
	unsigned line, column, width;
	unsigned sequence;
	bool error;
};

struct diag {
	struct arena arena;
	struct diag_file *files;
	struct mistake *mistakes; /* as reported */
	struct mistake **last;
	struct mistake *latest; /* takes help; NULL after the first that was not kept */
	size_t kept, errors, warnings;
	bool broken, incomplete;
};

/* "x.lua:2: words", in one line. */
void diag_tell(const struct mistake *, struct err *);

#endif
