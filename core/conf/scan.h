/* SPDX-License-Identifier: MIT */
/*
 * scan.h - the words, strings and marks of filter.conf
 *
 * Knows where each stands; knows nothing of how they go together.
 */
#ifndef CORE_CONF_SCAN_H
#define CORE_CONF_SCAN_H

#include <stdbool.h>

#include "diag.h"

struct arena;

enum token_kind {
	TOKEN_WORD,
	TOKEN_STRING,
	TOKEN_EQUALS,
	TOKEN_COMMA,
	TOKEN_SEMICOLON,
	TOKEN_LIST_OPEN,
	TOKEN_LIST_CLOSE,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_NEWLINE,
	TOKEN_END
};

struct token {
	enum token_kind kind;
	struct conf_pos pos;
	const char *text; /* a word, a string with its escapes resolved, or the mark */
	bool broken; /* a string with a mistake, which was reported: its text is not what was meant
		      */
};

/* May be copied to look ahead, with a diag of NULL: what is wrong there will be seen again. */
struct scan {
	struct arena *arena;
	struct diag *diag;
	const struct conf_source *source;
	const char *p, *end;
	unsigned line, column;
};

/*
 * text is the source's, writable: what cannot stand in a configuration (NUL, control octets, what
 * is not UTF-8) is reported and overwritten, so that it is reported once.
 */
void
scan_init(struct scan *, struct arena *, const struct conf_source *, char *text, struct diag *);
struct token scan_next(struct scan *);

#endif
