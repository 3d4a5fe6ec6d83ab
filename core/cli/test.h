/* SPDX-License-Identifier: MIT */
/*
 * test.h - what the files of `chainmail test` share
 */
#ifndef CORE_CLI_TEST_H
#define CORE_CLI_TEST_H

#include <chainmail/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"

struct buf;
struct cm_plugin;
struct script_cover;
struct script_test;
struct script_test_case;

/* In the place of a name where a result has none. */
#define TEST_THE_FILE "the file"

/* What became of a case. */
struct test_result {
	struct test_result *next;
	const char *rule; /* "require_auth" */
	const char
		*file; /* "scripts/require_auth_test.lua", if it is below the working directory */
	const char *name; /* of the case; NULL: of the file itself, which could not be used */
	unsigned line;	  /* of the step that failed, else of the case; 0: of no line */
	bool ok;
	const char *wanted, *got, *trace; /* NULL: nothing to say */
	int64_t us;			  /* processor time */
};

/* All files of one run; what it holds lives in the arena. */
struct test_run {
	struct arena arena;
	const char *pattern;			/* of the cases that are run; NULL: all */
	const char *plugin_dir;			/* NULL: as installed */
	const struct cm_plugin *const *plugins; /* whose results cases give; ends in NULL */
	struct script_cover *cover;
	int log;	    /* where the log goes */
	const char *missed; /* a question that the running case has no answer for */
	struct test_result *results, **last;
	size_t passed, failed;
	int64_t us;
	/* Called with each result; NULL: they are wanted together. */
	void (*show)(const struct test_run *, const struct test_result *);
};

/* test_file.c: runs the cases of a test file; path is absolute. */
void test_file(struct test_run *, const char *path);

/*
 * test_config.c: filter.conf for one case, and plugins in the place of those that give results:
 * they say that they publish what those do, as far as those can be loaded. Ends in NULL.
 */
void test_config(struct buf *, const struct test_run *, const char *rule,
	const struct script_test *, const struct script_test_case *);
const struct cm_plugin *const *test_plugins(struct arena *, const char *plugin_dir);

/* test_case.c: fills the result of a case, whose rule the running generation has. */
void test_case(struct test_run *, const struct script_test_case *, struct test_result *);

/* test_tap.c */
void test_tap_begin(void);
void test_tap_result(const struct test_run *, const struct test_result *);
/* "# name words" */
void test_tap_comment(const char *name, const char *words);
void test_tap_end(const struct test_run *, bool coverage);

/* test_report.c: for other programs. */
void test_print_junit(const struct test_run *, FILE *);
void test_print_json(const struct test_run *);

/* test_cover.c: "12, 15-17" of the lines that never ran; shares in whole percent. */
struct script_cover_file;
void test_missed_lines(struct buf *, const struct script_cover_file *);
unsigned test_percent(size_t part, size_t whole);
bool test_cover_has(const struct script_cover *, const char *path);
/* Of all rule files together; false: there is nothing to run. */
bool test_cover_share(const struct script_cover *, unsigned *percent);

/* test_watch.c: waits until a Lua file of one of the directories was saved; false with errno. */
bool
test_watch_open(const char *const *dirs, size_t count, int *fd) __attribute__((warn_unused_result));
bool test_watch_wait(int fd) __attribute__((warn_unused_result));

#endif
