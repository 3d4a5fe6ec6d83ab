/* SPDX-License-Identifier: MIT */
/*
 * script.h - Lua rules shown to the chain as plugins
 *
 * A pool of states, each with every script of the generation loaded once. A hook takes a free state
 * and runs as a coroutine with budgets for CPU time, memory and wall time; nothing of a session
 * stays in a state between hooks. Only host/script*.c knows Lua.
 */
#ifndef CORE_HOST_SCRIPT_H
#define CORE_HOST_SCRIPT_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf/diag.h"

struct conf_section;
struct script_cover;
struct script_host;
struct script_settings;

/* What script_add() tells the chain builder. */
struct script_link {
	const struct cm_plugin *plugin; /* hooks of the stages the script defines, needs, macros */
	void *config;			/* what cm_config() of its hooks gives */
};

/* What a rule may name of the rest of filter.conf. */
struct script_names {
	bool (*has_map)(void *context, const char *name);
	bool (*has_plugin)(void *context, const char *type);
	bool (*has_geo)(void *context); /* a section geo */
	/* What stands behind has_plugin; NULL also where it cannot be loaded. */
	const struct cm_plugin *(*find_plugin)(void *context, const char *type);
	void *context;
};

/* cover: counts which lines of the scripts run, and outlives the host; NULL: nobody does. */
struct script_host *script_host_new(struct script_cover *cover);
void script_host_free(struct script_host *);
/*
 * Reads and compiles one rule file and learns its hooks and needs. settings is its `settings { }`
 * block or NULL. Mistakes go to diag as "file:line: ..." with the place in filter.conf (pos) where
 * no line is known.
 */
bool script_add(struct script_host *, const char *name, const struct script_settings *,
	const struct conf_section *settings, struct conf_pos pos, const struct script_names *,
	struct diag *, struct script_link *out);
/* Type number i of the plugins that a script asks (config of its link); NULL: there are no more. */
const char *script_asked(const void *config, size_t i);
/* Type number i of the plugins whose results its hooks read; NULL: there are no more. */
const char *script_reads(const void *config, size_t i);
/* What a plugin that it asks needs, its own plugin needs too. */
void script_needs_too(void *config, const struct cm_plugin *asked);
/* The text of the script names what needs a store, which it is given before it runs. */
bool script_wants_store(const void *config);
void script_give_store(void *config, const struct cm_store *);
/* All scripts were added: builds the states (one per core) and starts the watchdog. */
bool script_host_start(struct script_host *, struct diag *);

/*
 * The API table printed as chainmail.d.lua, .luacheckrc or the chapter of a manual, with the
 * results of the plugins in the directory (NULL: where they are looked for); and that of the
 * language of test files.
 */
enum script_doc {
	SCRIPT_DOC_LUALS,
	SCRIPT_DOC_LUACHECK,
	SCRIPT_DOC_MAN,
	SCRIPT_DOC_MARKDOWN,
	SCRIPT_DOC_TESTS
};
void script_print_api(enum script_doc, const char *plugin_dir);

#endif
