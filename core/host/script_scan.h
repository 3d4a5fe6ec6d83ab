/* SPDX-License-Identifier: MIT */
/*
 * script_scan.h - the words of a Lua file
 *
 * Enough of a lexer to tell names from strings, comments and numbers; grammar is Lua's business.
 */
#ifndef CORE_HOST_SCRIPT_SCAN_H
#define CORE_HOST_SCRIPT_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum script_token_kind {
	TOKEN_END,
	TOKEN_NAME,   /* also keywords */
	TOKEN_OTHER,  /* one character, or a number */
	TOKEN_STRING, /* what stands between the quotes, escapes as they are */
};

struct script_token {
	enum script_token_kind kind;
	const char *text;
	size_t len;
	unsigned line;
};

/* What a hook is given behind m. */
struct script_given {
	struct script_token name;
	const char *field; /* what people mean by it; NULL: there is none */
};

struct script_scan {
	const char *p, *end;
	unsigned line;
};

void script_scan_begin(struct script_scan *, const char *text, size_t len);
/* The next token; TOKEN_END at the end, and for ever after. */
struct script_token script_scan_next(struct script_scan *);
/* The token is exactly this. */
bool script_token_is(const struct script_token *, const char *text);
/* The token is one of these names or keywords. */
bool script_token_in(const struct script_token *, const char *const *words, size_t count);
/* Both have the same letters. */
bool script_token_same(const struct script_token *, const struct script_token *);
/* The text has a local variable of that name, or one of a loop; parameters do not count. */
bool script_scan_binds(const char *text, size_t len, const struct script_token *name);
/* The text assigns to a variable of that name; keys of tables and fields are none. */
bool script_scan_assigns(const char *text, size_t len, const struct script_token *name);

#endif
