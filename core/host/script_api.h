/* SPDX-License-Identifier: MIT */
/*
 * script_api.h - how the names a rule may use are described, and what their functions may ask
 *
 * Every name is one row: registration, editor files, the manual chapter, what a link must declare
 * and from which stage a field is known are all made from it. The files script_api*.c see this, Lua
 * and <chainmail/plugin.h>, nothing else of the core.
 */
#ifndef CORE_HOST_SCRIPT_API_H
#define CORE_HOST_SCRIPT_API_H

#include <chainmail/plugin.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "script_budget.h"

struct arena;
struct script_object;

enum script_row_kind {
	SCRIPT_FIELD,
	SCRIPT_FUNCTION, /* with a colon where its class is an object */
};

/* One name that rules may use. */
struct script_row {
	const char *name;
	enum script_row_kind kind;
	/* field: pushes its value; of a library once, without an object */
	int (*get)(lua_State *, const struct script_object *);
	lua_CFunction call;	/* function: upvalue 1 is this row */
	const char *parameters; /* function: "name: string, n?: integer" */
	const char *result;	/* type of the value, "" for none: "string?" */
	const char *help;
	enum cm_stage from;	       /* known from this stage on */
	uint32_t needs;		       /* what the link must declare to use it */
	uint32_t rcpt_needs;	       /* and what in addition where the rule has a hook for rcpt */
	const struct cm_macro *macros; /* macros it reads; ends in a row without a name */
	bool store;		       /* of the globals: it needs the store of the script */
	bool parts;		       /* it reads parts of messages, mime_fields_open() */
};

enum script_class_kind {
	SCRIPT_GLOBALS,
	SCRIPT_LIBRARY,
	SCRIPT_OBJECT,
	SCRIPT_RECORD /* a table that rules write */
};

/* What Lua calls for an operator: "__add". */
struct script_operator {
	const char *name;
	lua_CFunction call;
	bool unary;
};

/* What has names: the globals, a library, a kind of object. */
struct script_class {
	const char *name; /* "Message"; of a library what rules write: "log"; of the globals "" */
	const char *what; /* in error messages: "message" */
	enum script_class_kind kind;
	bool store;   /* a library that needs the store of the script */
	bool lasting; /* its objects may be kept beyond the hook that made them */
	const struct script_row *rows;
	size_t row_count;
	/* Fields no row names (key is at index 2): pushes the value, or returns false. */
	bool (*other)(lua_State *, const struct script_object *);
	const char *other_type; /* the type of those fields, with their key: "[integer] Address" */
	int (*length)(lua_State *, const struct script_object *);
	int (*text)(lua_State *, const struct script_object *); /* tostring() */
	const char *hint;			 /* what to do instead of an assignment */
	const struct script_operator *operators; /* NULL: none; ends in a row without a name */
	int values; /* values of Lua that each object made by script_push_new() keeps */
};

/* A value of a rule that stands for something of the session. */
struct script_object {
	const struct script_class *class;
	uint64_t serial; /* of the hook call it belongs to */
	const void *data;
};

extern const struct script_class script_class_address, script_class_auth, script_class_client,
	script_class_dns, script_class_from, script_class_geo, script_class_globals,
	script_class_json, script_class_log, script_class_limit, script_class_lpeg,
	script_class_notice, script_class_map, script_class_message, script_class_pattern,
	script_class_re, script_class_recipients, script_class_results, script_class_server,
	script_class_store, script_class_time, script_class_tls, script_class_url,
	script_class_verdict, script_class_outcome, script_class_part, script_class_refusal;

/* All of them, in the order of the manual; ends in NULL. */
extern const struct script_class *const script_classes[];

/* --- objects -----------------------------------------------------------------------------------
 */

/* Pushes an object of the running hook; data lives until the hook ends. */
void script_push(lua_State *, const struct script_class *, const void *data);
/* The same with size zeroed octets of its own at data. */
void *script_push_new(lua_State *, const struct script_class *, size_t size);
/* Argument arg as an object of that class; raises where it is not, or its hook has ended. */
const struct script_object *script_check(lua_State *, int arg, const struct script_class *);
/* The same; NULL where it is something else. */
const struct script_object *script_test(lua_State *, int arg, const struct script_class *);
/* The object a method was called on; also checks that its row is known at this stage. */
const struct script_object *script_self(lua_State *, const struct script_class *);

/* --- functions whose rows stand in another file ------------------------------------------------
 */

int script_accept(lua_State *);
int script_ask(lua_State *); /* of the plugin whose type has the row's name */
int script_discard(lua_State *);
int script_quarantine(lua_State *);
int script_reject(lua_State *);
int script_tempfail(lua_State *);
int script_dnsbl(lua_State *);
int script_map(lua_State *);
int script_metric(lua_State *);
int script_notify(lua_State *);
int script_ratelimit(lua_State *);
int script_geo(lua_State *, const struct script_object *); /* of m */
int script_add_header(lua_State *);
int script_add_rcpt(lua_State *);
int script_attachments(lua_State *);
int script_drop_rcpt(lua_State *);
int script_insert_header(lua_State *);
int script_prefix_subject(lua_State *);
int script_remove_header(lua_State *);
int script_set_header(lua_State *);
int script_set_sender(lua_State *);
int script_urls(lua_State *);

/* --- the running hook
 * ----------------------------------------------------------------------------- */

/* The session; while a file is loaded there is none: raises "what can be used in hooks only". */
struct cm_session *script_session(lua_State *, const char *what);
/* The same; NULL while a file is loaded. */
struct cm_session *script_session_now(lua_State *);
/* The hook is done(). */
bool script_in_done(lua_State *);
/* Argument arg as text without NUL, counted against what a hook may hand to the host. */
const char *script_check_text(lua_State *, int arg);
const char *script_opt_text(lua_State *, int arg);
/* The value at index as text without NUL; NULL where it is neither text nor number. */
const char *script_to_text(lua_State *, int index);
/* Counts octets handed to the host; raises when a hook hands over too much. */
void script_give(lua_State *, size_t octets);
/*
 * Does work while others use the Lua state, then goes on with then(L, LUA_YIELD, data); to be
 * returned. what: for messages. data: kept by the stack of L, or by the session.
 */
int script_errand(lua_State *, const char *what, void (*work)(struct cm_session *, void *data),
	void *data, lua_KFunction then);
/*
 * Pushes what stays on the stack while the function holds what is not Lua's: where that goes, NULL
 * at first. It is released when the function returns or raises; a function that holds something
 * does not return script_errand(). Raises where calls within calls hold much. name: for messages.
 */
void **script_hold(lua_State *, const char *name, void (*release)(void *what));
/* A field of a log line: name=value. */
struct script_log_field {
	const char *name, *value;
	size_t len; /* of value, which may hold anything */
};

/* Counts a log line; raises when a hook writes too many. */
void script_log_line(lua_State *);
/* Pushes the value at index as tostring() gives it: "table" for one, never where it is. */
const char *script_tostring(lua_State *, int index, size_t *len);
/* Raises where the table at index 1 has a field that no row of the record names. */
void script_check_fields(lua_State *, const char *what, const struct script_class *record);
/* NULL is nil. */
int script_push_text(lua_State *, const char *);
/*
 * A fact of the MTA: its text, nil where the MTA says there is none, and an error "this listener
 * does not deliver what" where it never tells.
 */
int script_push_fact(lua_State *, const char *text, const char *macro, const char *what);
int script_undelivered(lua_State *, const char *what);

/* --- what the core does for the rows ------------------------------------------------------------
 */

/* The client is inside the network; false with ok false when text is no network. */
bool script_client_inside(const struct cm_session *, const char *text, bool *ok);
/* "1h30min" in seconds; NULL, or why not. */
const char *script_duration(const char *text, double *seconds);
/* "200/1h"; NULL, or why not. */
const char *script_rate(const char *text, struct cm_rate *);
/* The store of the running script; NULL: its text names none of what needs one. */
const struct cm_store *script_store(lua_State *);
/* Memory for what is read and not kept: it ends with the message, if not before. */
struct arena *script_scratch(struct cm_session *);
void script_scratch_end(struct arena *);
/* cm_store_get() with the value there. */
enum cm_store_status script_store_get(struct cm_session *, const struct cm_store *, const char *key,
	struct arena *scratch, const void **value, size_t *len);
/* The plugin of that type which a link of this configuration has; NULL: none. */
const struct cm_plugin *script_plugin(const struct cm_session *, const char *type);
/* The field gives the results of a plugin. */
bool script_row_is_results(const struct script_row *);
/* Raises where the plugin publishes no result of that name. */
void script_check_result(lua_State *, const struct cm_plugin *, const char *key);
/* A plugin of that type has its turn at this stage behind the running rule, in that profile. */
bool script_comes_later(const struct cm_session *, const char *type, const char **profile);
/* What rules call the stage: "message". */
const char *script_stage_name(enum cm_stage);
const char *script_verdict_name(enum cm_verdict);
/* While a file is loaded: filter.conf has the map. */
bool script_map_known(lua_State *, const char *name);
/* Seconds since 1970, also while a file is loaded. */
int64_t script_wall(lua_State *);
/* One log line; what could be taken for another field is quoted. */
void script_log(struct cm_session *, enum cm_level, const char *text,
	const struct script_log_field *, size_t count);
/* Labels of a metric, with "rule". */
#define SCRIPT_LABELS 8u

struct script_label {
	const char *name, *value;
};

bool script_metric_ok(const char *name);
bool script_label_ok(const char *name); /* "rule" is not: it is the host's */
/* Adds one to a metric; labels are sorted. */
void script_count(const char *name, const struct script_label *, size_t count);
/* Name of the running script. */
const char *script_rule_name(lua_State *);
/* Octet at which text stops being valid UTF-8 without NUL, or len. */
size_t script_utf8_valid(const char *, size_t len);
/* "" or 0: not known. */
struct script_place {
	char country[8], continent[8], city[64], as_name[128];
	uint32_t asn;
};

/* Where the client is, into a zeroed place; false: there is no database. */
bool script_look_up_place(const struct cm_session *, struct script_place *);

/* What is looked for in a body. */
enum script_find { SCRIPT_PARTS, SCRIPT_URLS };

/* An attachment of the message. */
struct script_part {
	const char *name; /* "": none */
	const char *ext;  /* NULL: none */
	const char *type;
	size_t size; /* octets, decoded */
	bool has_macros, encrypted, unreadable;
};

/* A web address in its texts. */
struct script_url {
	const char *text, *host;
};

struct script_found {
	const char *problem; /* why nobody knows; else NULL */
	const void *items;   /* of size octets each */
	size_t count, size;
};

/* Reads the body, which takes as long as it is large. */
void script_find(struct cm_session *, enum script_find);
/* NULL: not looked for yet, or not in time. */
const struct script_found *script_found(const struct cm_session *, enum script_find);

/* Octets of the text of a field, with its NUL. */
#define SCRIPT_TEXT_SIZE 16384u

/*
 * The text of a field as people see it. False, with why in out: nothing can read it. Where the hook
 * is out of time it ends early, and the next script_charge() raises.
 */
bool script_field_text(lua_State *, const char *value, char out[SCRIPT_TEXT_SIZE]);

struct script_notice {
	const char *rule, *to, *subject, *text;
};

/* One address that mail can be sent to without quotes. */
bool script_address_ok(const char *);
/* Hands a notice over; false: it is lost, and that was logged. Waits for nobody. */
bool script_notice_post(struct cm_session *, const struct script_notice *);
/* The nearest of the candidates, or NULL. */
const char *script_nearest(const char *word, const char *const *candidates, size_t count);

#endif
