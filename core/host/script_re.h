/* SPDX-License-Identifier: MIT */
/*
 * script_re.h - Perl's expressions, searched within the budgets of a hook
 */
#ifndef CORE_HOST_SCRIPT_RE_H
#define CORE_HOST_SCRIPT_RE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RE_CAPTURES 32u
/* Of a group that took no part in a match. */
#define RE_UNSET SIZE_MAX

/* What one search is about, and where it is. */
struct re_search {
	const char *what; /* "re.match", for messages */
	const char *text, *pattern;
	size_t len;
	struct pcre2_real_code_8 *code;
	bool utf;
	lua_State *L;
	size_t steps_left, until_look, between_looks;
	uint32_t captures;
	size_t spans[2 * (RE_CAPTURES + 1)]; /* of the match found: begin and end, groups behind */
};

/*
 * Argument 1 is the text, 2 the expression; both, and what is left on the stack, stay while it is
 * used. Raises where one of them will not do, with the place in the expression.
 */
void script_re_begin(lua_State *, struct re_search *, const char *what);
/*
 * The next match from an offset on; where the one before ended there, an empty one does not count.
 * Raises where it takes too many steps, memory or time.
 */
bool script_re_next(struct re_search *, size_t at, bool before);

#endif
