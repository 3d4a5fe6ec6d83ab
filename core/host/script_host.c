/* SPDX-License-Identifier: MIT */
/*
 * script_host.c - scripts of one configuration: read, learned, started
 *
 * A rule file is loaded once in a state of its own to learn what it defines; that state is thrown
 * away. When all are there, the states that run hooks are built from the same texts.
 */
#include "script.h"

#include <lua.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/account.h"
#include "base/mem.h"
#include "mail/stage.h"
#include "script_state.h"
#include "settings.h"
#include "service/mime_field.h"

#define ARENA_SIZE     4096
#define STATES_LEAST   2
#define STATES_MOST    64
#define DEFAULT_CPU_US 50000
#define DEFAULT_MEMORY (16u << 20)

struct script_host *
script_host_new(struct script_cover *cover)
{
	struct script_host *host = mem_zalloc(1, sizeof(*host));

	host->cover = cover;
	arena_init(&host->arena, ARENA_SIZE);
	pthread_mutex_init(&host->lock, NULL);
	pthread_cond_init(&host->freed, NULL);
	pthread_cond_init(&host->woken, NULL);
	return host;
}

static struct script_state *
new_state(void)
{
	struct script_state *st = mem_zalloc(1, sizeof(*st));

	pthread_cond_init(&st->claimed, NULL);
	return st;
}

static void
free_state(struct script_state *st)
{
	script_state_close(st);
	script_watch_release(st->slot);
	pthread_cond_destroy(&st->claimed);
	free(st);
}

void
script_host_free(struct script_host *host)
{
	if (host == NULL)
		return;
	script_watch_stop(host);
	for (size_t i = 0; i < host->state_count; i++)
		free_state(host->states[i]);
	pthread_cond_destroy(&host->woken);
	pthread_cond_destroy(&host->freed);
	pthread_mutex_destroy(&host->lock);
	arena_fini(&host->arena);
	free(host);
}

/* --- adding --------------------------------------------------------------------------------------
 */

/* "scripts/x.lua:3: words" of one of the script's files becomes a mistake in that file. */
static void
report(struct diag *diag, const struct script *script, const char *text)
{
	for (const struct script_source *s = script->sources; s != NULL; s = s->next) {
		size_t len = strlen(s->label);
		unsigned long line;
		char *end;

		if (strncmp(text, s->label, len) != 0 || text[len] != ':')
			continue;
		line = strtoul(text + len + 1, &end, 10);
		if (end == text + len + 1 || *end != ':')
			diag_error_in(diag, s->path, 0, "%s", text + len + 2);
		else
			diag_error_in(diag, s->path, (unsigned)line, "%s", end + 2);
		return;
	}
	diag_error_in(diag, script->sources->path, 0, "%s", text);
}

static bool
has_hooks(const struct script_run *run)
{
	for (int i = 0; i < SCRIPT_SLOTS; i++) {
		if (run->hooks[i])
			return true;
	}
	return false;
}

/* Loads the file in a state of its own. */
static bool
learn(struct script *script, struct script_run *run, struct diag *diag)
{
	struct script_state *st = new_state();
	struct err err;
	bool done = script_state_open(st, script->host, &err) && script_state_load(st, run, &err);

	free_state(st);
	if (!done)
		report(diag, script, err.text);
	else if (!has_hooks(run))
		diag_error_in(diag, script->sources->path, 0,
			"the file defines no hook: write function mail(m) or another stage "
			"(connect "
			"helo mail rcpt data headers message done)");
	return done && has_hooks(run);
}

/* What the chain sees. */
static void
fill_plugin(struct script *script)
{
	struct cm_plugin *plugin = &script->plugin;
	cm_hook *hook = script_hook;

	plugin->abi = CM_ABI;
	plugin->size = sizeof(*plugin);
	plugin->name = script->name;
	plugin->help = "a Lua rule";
	plugin->option_size = sizeof(struct cm_option);
	plugin->conn_size = plugin->msg_size = sizeof(size_t);
	for (int i = 0; i < CM_STAGE_COUNT; i++) {
		if (script->has[i])
			memcpy((char *)plugin + stages[i].hook, &hook, sizeof(hook));
	}
	if (script->has[SCRIPT_DONE])
		plugin->end_msg = script_end_msg;
	script_uses_needs(script);
	script_order_read(script);
}

static struct script *
new_script(struct script_host *host, const char *name, const struct script_settings *set)
{
	struct script *script = arena_alloc(&host->arena, sizeof(*script));

	script->host = host;
	script->name = arena_strdup(&host->arena, name);
	script->dir = script_source_dir(&host->arena, arena_strdup(&host->arena, set->file));
	script->cpu_us = set->cpu_us > 0 ? set->cpu_us : DEFAULT_CPU_US;
	script->memory = set->memory > 0 ? (size_t)set->memory : DEFAULT_MEMORY;
	script->index = host->count;
	return script;
}

static void
keep(struct script_host *host, struct script *script)
{
	struct script **scripts =
		arena_array(&host->arena, (size_t)host->count + 1, sizeof(*scripts));

	if (host->count > 0)
		memcpy(scripts, host->scripts, (size_t)host->count * sizeof(*scripts));
	scripts[host->count++] = script;
	host->scripts = scripts;
}

static void
say_unreadable(struct diag *diag, struct conf_pos pos, const struct script *script,
	const char *file, const char *why)
{
	struct denial denial;

	if (!account_denied(file, &denial)) {
		diag_error(diag, pos, NULL, "script %s: %s", script->name, why);
		return;
	}
	diag_error(diag, pos, NULL, "script %s: %s (as user %s)", script->name, why, denial.user);
	diag_help(diag, "%s", denial.help.text);
}

bool
script_add(struct script_host *host, const char *name, const struct script_settings *set,
	const struct conf_section *settings, struct conf_pos pos, const struct script_names *names,
	struct diag *diag, struct script_link *out)
{
	struct script *script = new_script(host, name, set);
	struct script_run run = {.script = script, .names = names};
	const char *label = script_source_label(&host->arena, set->file);
	size_t mistakes = diag_errors(diag);
	struct err err;
	unsigned line;

	if (script_source_read(script, NULL, set->file, label, &err) == NULL) {
		say_unreadable(diag, pos, script, set->file, err.text);
		return false;
	}
	script->settings = script_settings_read(&host->arena, settings, diag);
	if (!script_uses_check(script->sources, names, &line, &err)) {
		diag_error_in(diag, script->sources->path, line, "%s", err.text);
		return false;
	}
	if (!learn(script, &run, diag) || diag_errors(diag) > mistakes)
		return false;
	memcpy(script->has, run.hooks, sizeof(script->has));
	fill_plugin(script);
	if (script->wants_parts && !mime_fields_open(&err)) {
		report(diag, script, err.text);
		return false;
	}
	keep(host, script);
	*out = (struct script_link){.plugin = &script->plugin, .config = script};
	return true;
}

/* --- starting ------------------------------------------------------------------------------------
 */

static bool
add_state(struct script_host *host, struct err *err)
{
	struct script_state *st = new_state();

	st->slot = script_watch_claim();
	if (st->slot == NULL)
		err_set(err, "too many Lua states in this process");
	if (st->slot == NULL || !script_state_open(st, host, err) ||
		!script_state_load_all(st, err)) {
		free_state(st);
		return false;
	}
	st->next_free = host->free;
	host->free = st;
	host->states[host->state_count++] = st;
	return true;
}

bool
script_host_start(struct script_host *host, struct diag *diag)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = cores < STATES_LEAST  ? STATES_LEAST
			: cores > STATES_MOST ? STATES_MOST
					      : (size_t)cores;
	struct err err;
	bool done = true;

	if (host->count == 0)
		return true;
	host->states = arena_array(&host->arena, wanted, sizeof(struct script_state *));
	for (size_t i = 0; i < wanted && done; i++)
		done = add_state(host, &err);
	if (done && script_watch_start(host, &err))
		return true;
	diag_error_in(diag, "scripts", 0, "%s", err.text);
	return false;
}
