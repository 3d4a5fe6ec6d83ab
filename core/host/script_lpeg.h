/* SPDX-License-Identifier: MIT */
/*
 * script_lpeg.h - patterns of LPeg, built and matched within the budgets of a hook
 *
 * A rule holds objects of script_class_pattern; LPeg's own patterns are inside of them and never
 * come out, so no pattern is built or matched but by these functions.
 */
#ifndef CORE_HOST_SCRIPT_LPEG_H
#define CORE_HOST_SCRIPT_LPEG_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* Opens LPeg for a state. */
void script_lpeg_open(lua_State *);

/* --- patterns ----------------------------------------------------------------------------------
 */

/* Makes argument arg the pattern it stands for, as lpeg.P() does: a text, a table of rules, ... */
void script_lpeg_check(lua_State *, int arg);
/* Puts the grammar into the place of its table, argument arg. */
void script_lpeg_grammar(lua_State *, int arg);

/* Values of Lua that a pattern keeps. */
#define LPEG_VALUES 3

/* What is known of a pattern. */
struct lpeg_info {
	bool is_set;	   /* it takes one octet of a set */
	bool nests;	   /* there may be an lpeg.C() in it */
	size_t references; /* to rules, in all of it */
	size_t ways;	   /* most of a grammar in it */
};

/* Of the pattern at an index; borrowed. */
const struct lpeg_info *script_lpeg_info(lua_State *, int index);
/* Adds what holds for a pattern, too, if one at an index is in it; not that it is a set. */
void script_lpeg_add_info(lua_State *, struct lpeg_info *, int index);
size_t script_lpeg_nodes(lua_State *, int index);
void script_lpeg_push_raw(lua_State *, int index);
void script_lpeg_push_shape(lua_State *, int index);
/* Pushes a function of LPeg. */
void script_lpeg_push_function(lua_State *, const char *name);
/* Calls one in the place of the running function, whose arguments it takes, and errors of them. */
int script_lpeg_call(lua_State *, const char *name);
/*
 * Raises where a pattern of so many nodes is too large, and counts the work of building one; comes
 * before LPeg takes memory for it.
 */
void script_lpeg_room(lua_State *, size_t nodes);
/* Raises where there are too many in a pattern. */
void script_lpeg_few_references(lua_State *, size_t count);
/* Makes a pattern of LPeg's (second from the top) and its shape (top) an object in their place. */
void script_lpeg_wrap(lua_State *, const struct lpeg_info *);

/* --- what keeps them within budgets ------------------------------------------------------------
 */

/* Replaces the function on top of the stack by one that counts its calls. */
void script_lpeg_guard(lua_State *);
/* The values of LPeg's pattern on top are counted whenever they are asked for. */
void script_lpeg_count_values(lua_State *);
/* Puts what begins with a step into the place of LPeg's pattern on top. */
void script_lpeg_tick(lua_State *);
/* Replaces LPeg's pattern on top by the same repeated n times or more; a step each time. */
void script_lpeg_repeat(lua_State *, bool is_set, lua_Integer n);
/* lpeg.match(): pattern, subject, init, values for lpeg.Carg(). */
int script_lpeg_match(lua_State *);

/* --- shapes ------------------------------------------------------------------------------------
 */

/*
 * A shape is what a pattern may begin with, as a text: whether it takes an octet at least, and the
 * rules it names before it does. LPeg follows these when it builds a grammar, once for each way.
 */
#define LPEG_TAKES   "c"
#define LPEG_NOTHING "e"

/* Combine the two shapes, or the one, on top of the stack. */
void script_lpeg_shape_seq(lua_State *);
void script_lpeg_shape_choice(lua_State *);
void script_lpeg_shape_maybe(lua_State *);
/* Pushes the shape of a reference to the rule that the value at index names. */
void script_lpeg_shape_reference(lua_State *, int index);

/* A rule of a grammar; name and shape are on the stack. */
struct lpeg_rule {
	const char *name, *shape; /* name: its shape as a reference */
	size_t name_len, shape_len;
	bool nullable;
	unsigned char state; /* not seen, being looked at, done */
	size_t ways;
};

/*
 * Pushes the shape of a grammar whose first rule is rules[0]. Raises where a rule comes to itself
 * before it takes anything, or where there are more ways through the rules than LPeg may follow.
 */
void script_lpeg_shape_grammar(lua_State *, struct lpeg_rule *rules, size_t count);

#endif
