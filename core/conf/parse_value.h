/* SPDX-License-Identifier: MIT */
/*
 * parse_value.h - values of settings, and how to go on after a mistake
 */
#ifndef CORE_CONF_PARSE_VALUE_H
#define CORE_CONF_PARSE_VALUE_H

#include <stdbool.h>

#include "scan.h"
#include "tree.h"

struct parse_value {
	struct scan scan;
	struct token token; /* the next one */
	struct arena *arena;
	struct diag *diag;
};

/* Returns the token and goes on to the next. */
struct token parse_take(struct parse_value *);
/* A copy to look ahead with, which reports nothing. */
struct parse_value parse_ahead(const struct parse_value *);
/* Skips the rest of a line, with all of a { } that begins in it. Stops before } and end of line. */
void parse_recover(struct parse_value *);
/* The value behind equals, and that the setting ends behind it. False when there was none. */
bool parse_value(
	struct parse_value *, const char *name, const struct token *equals, struct conf_value *);
/* A setting may end before this token. */
bool parse_ends_setting(const struct token *);

#endif
