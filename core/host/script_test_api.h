/* SPDX-License-Identifier: MIT */
/*
 * script_test_api.h - the names a test file may use, as rows
 *
 * The parser of test files, the manual and the editor files are made of them. Inside
 * script_test*.c and script_doc.c.
 */
#ifndef CORE_HOST_SCRIPT_TEST_API_H
#define CORE_HOST_SCRIPT_TEST_API_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "script_test.h"

/* An option of a case: its value is on top of the stack. */
struct script_test_option {
	const char *name;
	void (*read)(lua_State *, struct script_test *, struct script_test_case *,
		const struct script_test_option *);
	size_t offset; /* into the case */
	const char *type, *help;
};

/* A method of a case; its argument is at index 2. */
struct script_test_method {
	const char *name;
	enum script_test_kind kind;
	void (*read)(lua_State *, struct script_test *, struct script_test_step *);
	const char *parameter; /* "address: string", "" for none */
	const char *help;
};

struct script_test_global {
	const char *name;
	lua_CFunction call; /* upvalue 1: the struct script_test */
	const char *parameters, *result, *help;
};

extern const struct script_test_option script_test_options[];
extern const size_t script_test_option_count;
extern const struct script_test_method script_test_methods[];
extern const size_t script_test_method_count;
extern const struct script_test_global script_test_globals[];
extern const size_t script_test_global_count;

/* script_test_doc.c: parts of what script_print_api() prints. */
void script_test_print_luals(const char *plugin_dir);
void script_test_print_luacheck(void);
void script_test_print_markdown(void);

/* Pushes a table with the globals, which write into the test. */
void script_test_open(lua_State *, struct script_test *);

/* --- script_test_value.c: values of Lua as texts of other languages; all raise ------------------
 */

/* The value at index as text without NUL, kept in the arena; what: for messages. */
const char *script_test_text(lua_State *, struct script_test *, int index, const char *what);
/* Counts what the file says; raises when it is too much. */
void script_test_give(lua_State *, struct script_test *, size_t octets);
/* Lines NAME = VALUE of the table at index, as filter.conf has them, behind what is in out. */
void script_test_write_settings(lua_State *, struct script_test *, int index, struct buf *out);
/* Items "key value" of the table at index, sorted by key. */
void script_test_write_pairs(lua_State *, struct script_test *, int index, struct buf *out);
/* Items "key value" of the value on top of the stack, which are results of that plugin. */
void
script_test_write_results(lua_State *, struct script_test *, const char *plugin, struct buf *out);
/* Lines of a zone file of the table at index: ["NAME TYPE"] = { ... } or "timeout". */
void script_test_write_zone(lua_State *, struct script_test *, int index, struct buf *out);
/* The message of the table or text at index. */
void script_test_write_message(lua_State *, struct script_test *, int index, struct buf *out);
/* A string of filter.conf. */
void script_test_quote(lua_State *, struct script_test *, const char *text, struct buf *out);
/* A name of filter.conf. */
void script_test_check_name(lua_State *, const char *name, const char *what);

#endif
