/* SPDX-License-Identifier: MIT */
/*
 * script_match_lib.h - string.find, match, gmatch and gsub on the bounded matcher
 */
#ifndef CORE_HOST_SCRIPT_MATCH_LIB_H
#define CORE_HOST_SCRIPT_MATCH_LIB_H

struct lua_State;

/* Replaces the four functions in the table on top of the stack. */
void script_match_open(struct lua_State *);

#endif
