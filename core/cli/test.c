/* SPDX-License-Identifier: MIT */
/*
 * test.c - chainmail test: the cases of rules, without a mail server, network or daemon
 *
 * NAME_test.lua beside NAME.lua. The rule runs in the real chain; DNS, store, clock and maps are
 * what the test says.
 */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli.h"
#include "host/script_cover.h"

#define ENDING	   "_test.lua"
#define USUAL_DIR  "scripts"
#define FILES_MOST 10000u

struct test_args {
	const char *config, *junit, *pattern;
	bool coverage, json, watch;
};

#define ARG(field) offsetof(struct test_args, field)

static const struct cli_option options[] = {
	{"config", 'c', CLI_PATH, ARG(config), "FILE",
		"plugins are where this configuration looks for them (main.plugin_dir)"},
	{"coverage", 0, CLI_FLAG, ARG(coverage), NULL, "list the lines of rules that never ran"},
	{"json", 0, CLI_FLAG, ARG(json), NULL, "print JSON instead of TAP"},
	{"junit", 0, CLI_PATH, ARG(junit), "[=FILE]",
		"write JUnit's XML to FILE, or print it instead of TAP"},
	{"match", 'k', CLI_TEXT, ARG(pattern), "PATTERN",
		"run the cases whose \"rule: name\" holds it; * and ? stand for anything"},
	{"watch", 0, CLI_FLAG, ARG(watch), NULL, "run again whenever a Lua file is saved"},
};

/* What the command line names. */
struct places {
	struct arena arena;
	const char *dirs[CLI_LIST_MAX]; /* to be watched */
	size_t dir_count;
	const char **files; /* tests */
	size_t file_count;
	const char **rules; /* other Lua files beside them, as coverage calls them */
	size_t rule_count;
};

/* --- files ---------------------------------------------------------------------------------------
 */

static bool
is_test(const char *name)
{
	size_t len = strlen(name), ending = strlen(ENDING);

	return len > ending && strcmp(name + len - ending, ENDING) == 0;
}

static int
only_lua(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && strcmp(entry->d_name + len - 4, ".lua") == 0;
}

static void
add_test(struct places *p, const char *path)
{
	if (p->file_count < FILES_MOST)
		p->files[p->file_count++] = path;
}

static void
add_rule(struct places *p, const char *dir, const char *name)
{
	if (p->rule_count < FILES_MOST)
		p->rules[p->rule_count++] =
			text_path_here(arena_printf(&p->arena, "%s/%s", dir, name));
}

static void
add_dir(struct places *p, const char *dir)
{
	for (size_t i = 0; i < p->dir_count; i++) {
		if (strcmp(p->dirs[i], dir) == 0)
			return;
	}
	if (p->dir_count < CLI_LIST_MAX)
		p->dirs[p->dir_count++] = dir;
}

/* In the order of their names. */
static bool
find_in_dir(struct places *p, const char *dir)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, only_lua, alphasort);

	if (count < 0)
		return false;
	for (int i = 0; i < count; i++) {
		if (is_test(entries[i]->d_name))
			add_test(p, arena_printf(&p->arena, "%s/%s", dir, entries[i]->d_name));
		else
			add_rule(p, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	add_dir(p, dir);
	return true;
}

/* A directory, or one test file. */
static bool
find(struct places *p, const char *name)
{
	char *real = realpath(name, NULL);
	const char *path = arena_strdup(&p->arena, real);
	struct stat st;

	free(real);
	if (path == NULL || stat(path, &st) < 0)
		return false;
	if (S_ISDIR(st.st_mode))
		return find_in_dir(p, path);
	errno = EINVAL;
	if (!is_test(path))
		return false;
	add_test(p, path);
	add_dir(p, arena_strndup(&p->arena, path, (size_t)(strrchr(path, '/') - path)));
	return true;
}

/* Names of operands; without any the usual directory, or this one. False with words on stderr. */
static bool
find_all(struct places *p, char **names)
{
	struct stat st;
	char *usual[] = {USUAL_DIR, NULL}, *here[] = {".", NULL};

	p->file_count = p->dir_count = p->rule_count = 0;
	if (names[0] == NULL)
		names = stat(USUAL_DIR, &st) == 0 && S_ISDIR(st.st_mode) ? usual : here;
	for (; *names != NULL; names++) {
		if (find(p, *names))
			continue;
		cli_usage(&command_test, "%s: %s", *names,
			errno == EINVAL ? "not a directory, and not NAME" ENDING : strerror(errno));
		return false;
	}
	if (p->file_count > 0)
		return true;
	cli_usage(&command_test, "no NAME" ENDING " in %s", p->dirs[0]);
	return false;
}

/* --- one run -------------------------------------------------------------------------------------
 */

/* "-": in the place of TAP. */
static bool
write_junit(const struct test_run *run, const char *name)
{
	FILE *out = strcmp(name, "-") == 0 ? stdout : fopen(name, "we");
	bool good;

	if (out != NULL)
		test_print_junit(run, out);
	good = out != NULL && fflush(out) == 0 && !ferror(out);
	if (out != NULL && out != stdout)
		good = fclose(out) == 0 && good;
	if (!good)
		fprintf(stderr, "chainmail test: cannot write %s: %s\n", name, strerror(errno));
	return good;
}

/* Rules without a test, and those whose test could not run them. */
static void
print_unrun(const struct places *places, const struct test_run *run)
{
	for (size_t i = 0; i < places->rule_count; i++) {
		if (!test_cover_has(run->cover, places->rules[i]))
			test_tap_comment(places->rules[i], "never ran");
	}
}

static int
report(const struct places *places, const struct test_run *run, const struct test_args *args)
{
	bool good = run->failed == 0;

	if (args->json)
		test_print_json(run);
	if (run->show != NULL && args->coverage)
		print_unrun(places, run);
	if (run->show != NULL)
		test_tap_end(run, args->coverage);
	if (args->junit != NULL && !write_junit(run, args->junit))
		good = false;
	return good ? EXIT_OK : EXIT_NO;
}

static int
run_once(const struct places *places, const struct test_args *args, const char *plugin_dir, int log)
{
	struct test_run run = {
		.pattern = args->pattern,
		.plugin_dir = plugin_dir,
		.cover = script_cover_new(),
		.log = log,
		.last = &run.results,
	};
	bool tap = !args->json && (args->junit == NULL || strcmp(args->junit, "-") != 0);
	int64_t began = clock_now();
	int code;

	arena_init(&run.arena, 4096);
	run.plugins = test_plugins(&run.arena, plugin_dir);
	if (tap)
		test_tap_begin();
	run.show = tap ? test_tap_result : NULL;
	for (size_t i = 0; i < places->file_count; i++)
		test_file(&run, places->files[i]);
	run.us = clock_now() - began;
	code = report(places, &run, args);
	if (run.passed + run.failed == 0) {
		fprintf(stderr, "chainmail test: no case fits \"%s\"\n", args->pattern);
		code = EXIT_NO;
	}
	script_cover_free(run.cover);
	arena_fini(&run.arena);
	return code;
}

/* --- the command ---------------------------------------------------------------------------------
 */

/* Where the lines of the log go that cases expect. */
static bool
open_log(int *fd)
{
	struct log_config config = {.target = LOG_TARGET_FILE, .level = LOG_LEVEL_INFO};
	char path[64];
	struct err err;

	*fd = memfd_create("log", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	config.path = path;
	if (*fd >= 0 && log_open(&config, 1, &err))
		return true;
	fprintf(stderr, "chainmail test: no room for the log: %s\n",
		*fd < 0 ? strerror(errno) : err.text);
	return false;
}

/* Until it is interrupted. */
static int
run_again(struct places *places, char **names, const struct test_args *args, const char *plugin_dir,
	int log)
{
	int fd, code;

	if (!test_watch_open(places->dirs, places->dir_count, &fd)) {
		fprintf(stderr, "chainmail test: cannot watch %s: %s\n", places->dirs[0],
			strerror(errno));
		return EXIT_NO;
	}
	do
		code = find_all(places, names) ? run_once(places, args, plugin_dir, log) : EXIT_NO;
	while (test_watch_wait(fd));
	fprintf(stderr, "chainmail test: cannot watch any longer: %s\n", strerror(errno));
	close(fd);
	return code;
}

static int
run(int argc, char **argv)
{
	struct test_args args = {0};
	int operand = cli_parse(&command_test, argc, argv, &args), code, log;
	struct places places = {0};
	const char *plugin_dir;

	if (operand < 0)
		return EXIT_USAGE;
	if (args.json && args.junit != NULL && strcmp(args.junit, "-") == 0)
		return cli_usage(&command_test,
			"--json and --junit are both printed; write one to a file: --junit=FILE");
	arena_init(&places.arena, 4096);
	places.files = arena_array(&places.arena, FILES_MOST, sizeof(*places.files));
	places.rules = arena_array(&places.arena, FILES_MOST, sizeof(*places.rules));
	plugin_dir = cli_find_plugin_dir(cli_config_path(args.config), &places.arena);
	if (!find_all(&places, argv + operand))
		code = EXIT_USAGE;
	else if (!open_log(&log))
		code = EXIT_NO;
	else if (args.watch)
		code = run_again(&places, argv + operand, &args, plugin_dir, log);
	else
		code = run_once(&places, &args, plugin_dir, log);
	log_close();
	arena_fini(&places.arena);
	return code;
}

const struct command command_test = {
	.name = "test",
	.operands = "[DIR|FILE] ...",
	.help = "run the cases of rules: NAME_test.lua beside NAME.lua",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
};
