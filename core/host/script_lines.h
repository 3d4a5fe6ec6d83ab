/* SPDX-License-Identifier: MIT */
/*
 * script_lines.h - the lines of a Lua file that hold something to run
 */
#ifndef CORE_HOST_SCRIPT_LINES_H
#define CORE_HOST_SCRIPT_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct script_lines {
	bool *could;   /* by line, from 0 to last; never NULL */
	unsigned last; /* the last that could run; 0: none */
};

/*
 * Of what lua_dump() of Lua 5.4 writes of a file that was just compiled, with its lines. What has
 * another form gives no lines.
 */
void script_lines_read(struct script_lines *, const char *dump, size_t len);
void script_lines_fini(struct script_lines *);

#endif
