/* SPDX-License-Identifier: MIT */
/*
 * script_test.c - test files of rules: what they say, as data
 *
 * A file is loaded once, in a state of its own and within the budgets of a rule that is loaded. Its
 * functions only write down; whatever it does, no message is seen by it.
 */
#include "script_test.h"

#include <lua.h>

#include "script.h"
#include "script_state.h"
#include "script_test_api.h"

#define ARENA_SIZE  4096
#define MEMORY_MOST (16u << 20)

static const char *const result_names[] = {
	[SCRIPT_TEST_ARC] = "arc",
	[SCRIPT_TEST_DKIM] = "dkim",
	[SCRIPT_TEST_DMARC] = "dmarc",
	[SCRIPT_TEST_SPF] = "spf",
};

const char *
script_test_result_name(enum script_test_result which)
{
	return result_names[which];
}

/* A file that is loaded as a rule would be. */
struct loading {
	struct script script; /* first: the run leads to it */
	struct script_test *test;
};

static int
load_test(lua_State *L)
{
	struct loading *l = (struct loading *)script_state_of(L)->run->script;

	script_test_open(L, l->test);
	script_compile(L, l->script.sources);
	script_env_push_plain(L, -2);
	lua_setupvalue(L, -2, 1);
	lua_call(L, 0, 0);
	return 0;
}

static bool
load(struct script_host *host, struct loading *l, struct err *err)
{
	struct script_run run = {.script = &l->script, .cpu_us = SCRIPT_LOAD_CPU_US};
	struct script_state st = {.host = host};
	struct err trace;
	bool done;

	if (!script_state_open(&st, host, err))
		return false;
	done = script_state_ready(&st, &run) ||
	       err_set(err, "%s: no memory to load it", l->script.sources->label);
	done = done && script_run_in(&st, &run, load_test, err, &trace);
	script_state_close(&st);
	return done;
}

bool
script_test_read(struct script_test *t, const char *path, const struct cm_plugin *const *plugins,
	struct err *err)
{
	struct script_host *host = script_host_new(NULL);
	struct loading l = {.script = {.host = host, .memory = MEMORY_MOST}, .test = t};
	bool done;

	*t = (struct script_test){.last = &t->cases, .plugins = plugins};
	arena_init(&t->arena, ARENA_SIZE);
	buf_init(&t->sections, 0);
	buf_init(&t->text, 0);
	t->label = script_source_label(&t->arena, arena_strdup(&t->arena, path));
	l.script.dir = script_source_dir(&t->arena, path);
	done = script_source_read(&l.script, NULL, path, t->label, err) != NULL &&
	       load(host, &l, err);
	script_host_free(host);
	return done;
}

void
script_test_fini(struct script_test *t)
{
	buf_fini(&t->sections);
	buf_fini(&t->text);
	arena_fini(&t->arena);
}
