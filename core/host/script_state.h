/* SPDX-License-Identifier: MIT */
/*
 * script_state.h - scripts, Lua states and what runs in them
 *
 * One host belongs to one generation of the configuration. Its scripts are immutable once it has
 * started; each of its states has loaded all of them and runs one hook at a time.
 */
#ifndef CORE_HOST_SCRIPT_STATE_H
#define CORE_HOST_SCRIPT_STATE_H

#include <chainmail/plugin.h>
#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "conf/diag.h"

struct conf_section;
struct script_block;
struct script_cover;
struct script_held;
struct script_names;
struct script_setting;
struct script_watch_slot;

/* Processor time that one file may use while it is loaded. */
#define SCRIPT_LOAD_CPU_US 1000000

/* Types of plugins that one rule can ask. */
#define SCRIPT_ASKED 8u

/* Hooks of a rule by stage; done() has the place behind. */
#define SCRIPT_DONE  CM_STAGE_COUNT
#define SCRIPT_SLOTS (CM_STAGE_COUNT + 1)

/* One file of Lua text, kept so that every state is built from the same. */
struct script_source {
	const char *module; /* as require() names it; NULL: the rule file itself */
	const char *label;  /* in messages: "scripts/x.lua" */
	const char *path;   /* as it can be opened from here */
	const char *text;
	size_t len;
	struct script_source *next;
};

struct script {
	struct cm_plugin plugin; /* as the chain sees it */
	struct script_host *host;
	const char *name;
	const char *dir;	       /* of the rule file; modules are below it */
	struct script_source *sources; /* the rule file first */
	const struct script_setting *settings;
	int64_t cpu_us;
	size_t memory;
	struct cm_macro *macros;	 /* of plugin */
	const char *asked[SCRIPT_ASKED]; /* types of plugins that its text asks */
	size_t asked_count;
	const char *after[SCRIPT_ASKED]; /* of plugin; NULL behind the last */
	const char *reads[SCRIPT_ASKED]; /* types of plugins whose results its hooks read */
	bool wants_store;
	bool wants_parts;	      /* its text names what reads parts of messages */
	const struct cm_store *store; /* NULL: wants none */
	bool has[SCRIPT_SLOTS];
	int index; /* in the host */
};

/* What the allocator of a state may hand out, and whose hooks took it. */
struct script_memory {
	size_t used, limit;
	size_t keys;   /* most keys of one table, those of its list not counted */
	bool too_many; /* that was why the latest block was refused */
	size_t *taken; /* octets by owner: 0 loading and all else, behind it the scripts */
	size_t owner;  /* of what is allocated now */
	struct script_block *blocks; /* all there are, in no order */
};

enum script_over { SCRIPT_IN_TIME, SCRIPT_OVER_CPU, SCRIPT_OVER_WALL };

/* What a hook waits for; runs while others use its state, and touches nothing of Lua. */
struct script_errand {
	void (*work)(struct cm_session *, void *data); /* NULL: it waits for nothing */
	void *data;				       /* kept by the coroutine */
};

/* One call into a state: a hook, or loading. */
struct script_run {
	struct script *script;
	struct cm_session *session; /* NULL while loading */
	const struct cm_event *event;
	lua_State *co;	 /* where it runs */
	uint64_t serial; /* of its objects */
	int slot;
	int64_t cpu_us;	   /* the budget */
	int64_t cpu_began; /* clock_cpu() at the first look; 0 before */
	int64_t deadline;  /* cm_clock() */
	size_t steps;	   /* charged since the last look at the clock */
	size_t *given;	   /* octets handed to the host for this message; NULL while loading */
	int lines;	   /* log lines written */
	size_t memory;	   /* octets it may still take */
	struct script_errand errand;
	int errands; /* so far */
	enum script_over over;
	bool starved; /* it ended for want of memory */
	bool bad_verdict;
	enum cm_verdict verdict;
	/* The first time a file is loaded, when require() reads files; NULL: all was checked. */
	const struct script_names *names;
	bool hooks[SCRIPT_SLOTS];
};

struct script_state {
	struct script_host *host;
	lua_State *L;
	lua_State *idle;	/* a coroutine for the next hook; NULL: make a new one */
	struct script_run *run; /* what runs now; NULL: nothing */
	uint64_t serial;	/* of the latest run that began */
	struct script_memory memory;
	struct script_held *held; /* of script_hold() */
	unsigned held_count;

	/* Of the pool and the watchdog, under host->lock. */
	struct script_state *next_free;
	bool busy;
	bool handed;		/* to one of those who claim it */
	bool worn;		/* to be built anew once nobody is away */
	size_t away;		/* hooks that wait for something else and come back */
	size_t claims;		/* of them, those that wait for the state */
	pthread_cond_t claimed; /* it was handed to one */
	pthread_t thread;
	unsigned ticks; /* of the watchdog since the run began */
	struct script_watch_slot *slot;
};

struct script_host {
	struct arena arena;
	struct script_cover *cover; /* which lines run; NULL: nobody asks */
	struct script **scripts;
	int count, room;

	/* lock protects the free list, what states say of the pool, and the watchdog's flags. */
	pthread_mutex_t lock;
	pthread_cond_t freed; /* a state came back */
	pthread_cond_t woken; /* the watchdog has something to watch, or shall stop */
	struct script_state **states;
	size_t state_count;
	struct script_state *free;
	bool watching; /* the watchdog is awake */
	bool stop;
	bool started; /* the watchdog exists */
	pthread_t watchdog;
	int64_t tick_us;
};

/* --- script_source.c ----------------------------------------------------------------------------
 */

/* Reads a file into the script's list of sources; NULL with words. */
struct script_source *script_source_read(
	struct script *, const char *module, const char *path, const char *label, struct err *);
/* The module as read before, or NULL. */
struct script_source *script_source_find(const struct script *, const char *module);
/* A module below the script's directory; NULL with words for a name or file that will not do. */
struct script_source *script_source_require(struct script *, const char *module, struct err *);
/* Directory of a path, and what people call the file. */
const char *script_source_dir(struct arena *, const char *path);
const char *script_source_label(struct arena *, const char *path);

/* --- script_compile.c ----------------------------------------------------------------------------
 */

/* Pushes the file as a function; raises with file and line. */
void script_compile(lua_State *, const struct script_source *);

/* --- script_cover.c ------------------------------------------------------------------------------
 */

/* Learns the lines of the file whose function is on top of the stack. */
void script_cover_learn(struct script_cover *, lua_State *, const struct script_source *);
/* Counts the lines that run from now on, where somebody asks; else no hook is set. */
void script_cover_begin(lua_State *);

/* --- script_scan.c, script_uses.c, script_order.c, script_results.c, script_compare.c ------------
 */

struct script_given;
struct script_scan;
struct script_token;

/* Looks for what this version or filter.conf does not have; false with words and the line. */
bool script_uses_check(
	const struct script_source *, const struct script_names *, unsigned *line, struct err *);
struct script_class;
/* The row of that name, or NULL. */
const struct script_row *
script_find_row(const struct script_class *, const struct script_token *name);
/* Fills needs and macros of the script's plugin from the names its sources use. */
void script_uses_needs(struct script *);
/* The row of m's field that the token names, if that gives the results of a plugin; else NULL. */
const struct script_row *script_results_row(const struct script_token *);
/* Behind this field of m its text does not read a result that the plugin lacks; else words. */
bool script_results_check(const struct script_names *, const struct script_token *field,
	const struct script_scan *behind, struct err *);
/* This field of m, which the text calls name, is not compared with a text; else words. */
bool script_compare_check(const struct script_names *, const char *name,
	const struct script_token *field, const struct script_scan *behind, struct err *);
/*
 * Reads the head of a function behind the token before that word: what it is given behind m, or
 * nothing (field is NULL).
 */
void script_given_read(struct script_given *, const struct script_source *,
	const struct script_token *before, const struct script_scan *head);
/* The name t, where it is what the function was given, is not compared with a text; else words. */
bool script_given_check(const struct script_given *, const struct script_token *t,
	const struct script_scan *behind, struct err *);
/* Fills the types of plugins that must stand before it, from the text of its hooks. */
void script_order_read(struct script *);

/* --- script_global.c -----------------------------------------------------------------------------
 */

/* Raises where the text names a global that the environment on top of the stack does not have. */
void script_global_check(lua_State *, const struct script_source *);

/* --- script_settings.c ---------------------------------------------------------------------------
 */

/* Copies a settings block into the host's arena; mistakes go to diag. section may be NULL. */
const struct script_setting *
script_settings_read(struct arena *, const struct conf_section *, struct diag *);
/* Pushes them as a sealed table. */
void script_settings_push(lua_State *, const struct script_setting *);

/* --- script_state.c ----------------------------------------------------------------------------
 */

struct script_state *script_state_of(lua_State *);
/* Whose memory a hook of the script takes (struct script_memory). */
size_t script_owner(const struct script *);
/* An empty state with all libraries; false with words. */
MUST_USE bool script_state_open(struct script_state *, struct script_host *, struct err *);
void script_state_close(struct script_state *);
/* Loads one script; false with words, which begin with the file's label and a line if possible. */
MUST_USE bool script_state_load(struct script_state *, struct script_run *, struct err *);
/* All scripts of the host, as they are once the host runs. */
MUST_USE bool script_state_load_all(struct script_state *, struct err *);
/* Gives the run a coroutine; false: no memory. */
MUST_USE bool script_state_ready(struct script_state *, struct script_run *);
/* After a run: forgets the coroutine when told, frees what the run left, rebuilds if needed. */
void script_state_tidy(struct script_state *, const struct script_run *, bool drop);

/* --- script_memory.c
 * ------------------------------------------------------------------------------- */

/* Nothing is allocated, without limits. owners: 1 and the number of scripts. */
void script_memory_open(struct script_memory *, size_t owners);
/* Once the state is closed: frees what its finalizers could not. Harmless if done before. */
void script_memory_close(struct script_memory *);
/* A lua_Alloc; its context is the struct script_state. */
void *script_allocate(void *context, void *at, size_t old_size, size_t size);

/* --- script_held.c
 * --------------------------------------------------------------------------------- */

/* Releases what functions of C still hold, once none of them runs. */
void script_let_go(struct script_state *);

/* --- script_env.c, script_seal.c, script_guard.c, script_table.c
 * ---------------------------------- */

/* Name i of Lua's own that rules do not have; NULL behind the last. */
const char *script_env_absent(size_t i);
/* The globals as rules see them, on top of the stack; common to all scripts. */
void script_env_open(lua_State *);
/*
 * The environment on top of the stack lacks that name, and it is no stage: pushes why it cannot be
 * read or assigned.
 */
bool script_env_lacks(lua_State *, const char *name, bool assigned);
/* Pushes the environment of a script or, with rule false, of one of its modules. */
void script_env_push(lua_State *, struct script *, bool rule);
/*
 * Pushes an environment with the language and the names of the table at index, which it keeps, and
 * nothing of the API that needs a message: for files that are no rules.
 */
void script_env_push_plain(lua_State *, int names);
/* Before all else in a state: from then on no other table is weak. */
void script_seal_open(lua_State *);
/* Replaces the table on top of the stack by one that reads like it and cannot be changed. */
void script_seal(lua_State *, const char *what);
/* The same with all tables that are reached through it; what is no table stays as it is. */
void script_seal_deep(lua_State *, const char *what);
/* Makes unknown names of the table on top of the stack an error with a suggestion. */
void script_seal_names(lua_State *, const char *what);
/* Suggests one of the keys of the table at index; pushes "" or "; did you mean ...". */
void script_push_suggestion(lua_State *, int index, const char *word);
/* The hook of a script on top of the stack; pushes nil when it has none. */
void script_env_hook(lua_State *, const struct script *, int slot);
/* pcall and friends into the table on top of the stack. */
void script_guard_open(lua_State *);
/* Functions of string and table that stay within their budget, into the table on top. */
void script_guard_string(lua_State *);
void script_guard_utf8(lua_State *);
void script_table_open(lua_State *);
void script_require_open(lua_State *);

/* --- script_api.c --------------------------------------------------------------------------------
 */

/* Global names, into the table on top of the stack; makes the kinds of objects. */
void script_api_open(lua_State *);

/* --- script_budget.c -----------------------------------------------------------------------------
 */

/* The running hook is out of time; whoever caught an error passes it on. */
bool script_is_over(lua_State *);
/* Leaves the running hook for good. Returns only inside of a hook of Lua (lua_Hook). */
int script_expire(lua_State *);
/* False: that many octets of new memory take longer than what runs may take still. Few do not
 * count. */
bool script_has_time_for(struct script_state *, size_t octets);
/* The count hook: looks at the clocks. */
void script_on_count(lua_State *, lua_Debug *);

/* --- script_errand.c -----------------------------------------------------------------------------
 */

/* What the stopped run waits for is done; false: it waits for nothing, or is out of time now. */
bool script_errand_run(struct script_state *, struct script_run *);

/* --- script_error.c ------------------------------------------------------------------------------
 */

/* Why the coroutine stopped, with file and line, and who called whom. */
void script_error_text(const struct script_state *, int status, struct err *, struct err *trace);

/* --- script_verdict.c ----------------------------------------------------------------------------
 */

struct chain_opinion;

/* Pushes what a link said when it was asked; or why nobody could ask it, to be said on return. */
int script_push_opinion(lua_State *, const char *function, const struct chain_opinion *);
int script_push_bad(lua_State *, const char *function, const char *why);
/* Takes what a hook returned (on top of the stack); raises where it will not do. */
void script_verdict_take(lua_State *, struct script_run *);

/* --- script_run.c --------------------------------------------------------------------------------
 */

/* What a hook is given behind m. */
struct script_argument {
	const char *name;  /* in the documentation; NULL: nothing */
	const char *field; /* what people mean who compare it with a text; NULL: it is a text */
};

extern const struct script_argument script_arguments[SCRIPT_SLOTS];
/* What rules call the hook; NULL: they have none. */
const char *script_slot_name(int slot);

/* Calls f in the state's coroutine within the budgets of the run; false with words. */
MUST_USE bool script_run_in(struct script_state *, struct script_run *, lua_CFunction f,
	struct err *, struct err *trace);
enum cm_verdict script_hook(struct cm_session *, const struct cm_event *);
void script_end_msg(struct cm_session *);

/* --- script_pool.c, script_watch.c
 * ---------------------------------------------------------------- */

struct script_state *script_pool_take(struct script_host *);
void script_pool_give(struct script_state *);
/* The same for a hook that waits, and gets that very state again. */
void script_pool_lend(struct script_state *);
void script_pool_return(struct script_state *);
/* Where the running state is published for the thread's own signal handler. */
struct script_watch_slot *script_watch_claim(void);
void script_watch_release(struct script_watch_slot *);
void script_watch_begin(struct script_state *);
void script_watch_end(struct script_state *);
MUST_USE bool script_watch_start(struct script_host *, struct err *);
void script_watch_stop(struct script_host *);

#endif
