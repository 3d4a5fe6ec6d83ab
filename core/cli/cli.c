/* SPDX-License-Identifier: MIT */
/*
 * cli.c - picks a subcommand, and says which there are
 */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/control_client.h"
#include "base/text.h"
#include "noun.h"
#include "standard.h"

static const struct command *const commands[] = {
	&command_check,
	&command_commands,
	&command_config,
	&command_dkim,
	&command_dns,
	&command_errors,
	&command_explain,
	&command_help,
	&command_log,
	&command_lua,
	&command_metrics,
	&command_mode,
	&command_new,
	&command_plugins,
	&command_record,
	&command_reload,
	&command_replay,
	&command_serve,
	&command_shadow,
	&command_status,
	&command_test,
	&command_top,
	&command_version,
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))
/* With those that plugins bring. */
#define NAMES_MOST (COMMANDS + 32)

/* What people type from habit, and the command that does it. */
static const struct habit {
	const char *option;
	const struct command *command;
} habits[] = {
	{"--check", &command_check},
	{"--foreground", &command_serve},
	{"--help", &command_help},
	{"--version", &command_version},
	{"-V", &command_version},
	{"-f", &command_serve},
	{"-h", &command_help},
	{"-t", &command_check},
};

#define HABITS (sizeof(habits) / sizeof(*habits))

const char *
cli_config_path(const char *given)
{
	const char *set = getenv("CHAINMAIL_CONFIG");

	if (given != NULL)
		return given;
	return set != NULL && set[0] != '\0' ? set : CHAINMAIL_CONFIG;
}

/* Of plugins, too, once nouns_read() has looked for them. */
static size_t
count_all(void)
{
	size_t count = COMMANDS + nouns_count();

	return count < NAMES_MOST ? count : NAMES_MOST;
}

static const struct command *
command_number(size_t i)
{
	return i < COMMANDS ? commands[i] : noun_at(i - COMMANDS);
}

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < count_all(); i++) {
		if (strcmp(command_number(i)->name, name) == 0)
			return command_number(i);
	}
	return NULL;
}

/* Plugins are looked at only for what no command of ours is. */
static const struct command *
find_any(int argc, char **argv, const char *name)
{
	const struct command *c = find(name);
	const char *names[NAMES_MOST];

	if (c == NULL) {
		nouns_read(argc, argv);
		c = find(name);
	}
	if (c != NULL)
		return c;
	for (size_t i = 0; i < count_all(); i++)
		names[i] = command_number(i)->name;
	const char *nearest = text_nearest(name, names, count_all());

	fprintf(stderr, "chainmail: unknown command \"%s\"", name);
	if (nearest != NULL)
		fprintf(stderr, ", did you mean \"%s\"?", nearest);
	fprintf(stderr, "\ntry: chainmail help\n");
	return NULL;
}

/* --- help --- */

static bool
asks_daemon(const struct command *c)
{
	return control_command_find(c->name) != NULL;
}

/* "TITLE: one, two"; those that ask the daemon are named, so that all fits one screen. */
static void
print_names(FILE *out, const char *title, size_t from, size_t to)
{
	const char *between = title;

	for (size_t i = from; i < to; i++) {
		if (i < COMMANDS && !asks_daemon(command_number(i)))
			continue;
		fprintf(out, "%s%s", between, command_number(i)->name);
		between = ", ";
	}
	fprintf(out, "%s", between != title ? "\n" : "");
}

static void
print_commands(FILE *out)
{
	fprintf(out, "chainmail " CHAINMAIL_VERSION " - mail filter daemon\n\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!asks_daemon(commands[i]))
			fprintf(out, "  chainmail %-8s  %s\n", commands[i]->name,
				commands[i]->help);
	}
	print_names(out, "\nto the running daemon: chainmail ", 0, COMMANDS);
	print_names(out, "to its plugins: chainmail ", COMMANDS, count_all());
	fprintf(out,
		"\nconfiguration: %s (-c FILE, or $CHAINMAIL_CONFIG)\n"
		"chainmail help COMMAND explains one; chainmail(8) and filter.conf(5) the rest\n",
		cli_config_path(NULL));
}

void
cli_print_command(const struct command *c)
{
	printf("chainmail %s%s%s - %s\n", c->name, c->operands[0] != '\0' ? " " : "", c->operands,
		c->help);
	if (c->explain != NULL)
		c->explain(c);
	for (size_t i = 0; i < c->option_count; i++) {
		const struct cli_option *o = &c->options[i];
		char spelled[64];
		char letter[8] = "";

		if (o->letter != '\0')
			snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		snprintf(spelled, sizeof(spelled), "%s--%s%s%s", letter, o->name,
			o->argument != NULL && o->argument[0] != '[' ? " " : "",
			o->argument != NULL ? o->argument : "");
		printf("  %-24s %s\n", spelled, o->help);
	}
}

static int
run_help(int argc, char **argv)
{
	if (argc < 2 || argv[1][0] == '-') {
		nouns_read(argc, argv);
		print_commands(stdout);
		return EXIT_OK;
	}
	const struct command *c = find_any(argc, argv, argv[1]);

	if (c == NULL)
		return EXIT_USAGE;
	cli_print_command(c);
	return EXIT_OK;
}

const struct command command_help = {
	.name = "help",
	.operands = "[COMMAND]",
	.help = "explain the commands, or one of them",
	.run = run_help,
};

/* --- version --- */

static int
run_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("chainmail " CHAINMAIL_VERSION);
	return EXIT_OK;
}

const struct command command_version = {
	.name = "version",
	.operands = "",
	.help = "print the version",
	.run = run_version,
};

/* --- dispatch --- */

/* Takes the habit's option out of argv, so that the command sees the others. */
static const struct command *
find_habit(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		for (size_t h = 0; h < HABITS; h++) {
			if (strcmp(argv[i], habits[h].option) != 0)
				continue;
			memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(*argv));
			(*argc)--;
			return habits[h].command;
		}
	}
	return NULL;
}

/* `chainmail check --help` is `chainmail help check`. */
static int
run_command(const struct command *c, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			cli_print_command(c);
			return EXIT_OK;
		}
	}
	return c->run(argc, argv);
}

/* The exit code. */
static int
run_words(int argc, char **argv)
{
	if (argc < 2) {
		nouns_read(argc, argv);
		print_commands(stderr);
		return EXIT_USAGE;
	}
	if (argv[1][0] != '-') {
		const struct command *c = find_any(argc, argv, argv[1]);

		return c != NULL ? run_command(c, argc - 1, argv + 1) : EXIT_USAGE;
	}
	const struct command *c = find_habit(&argc, argv);

	if (c == NULL) {
		fprintf(stderr,
			"chainmail: a command comes first, not \"%s\"\n"
			"try: chainmail help\n",
			argv[1]);
		return EXIT_USAGE;
	}
	return run_command(c, argc, argv);
}

int
cli_main(int argc, char **argv)
{
	return standard_hold() ? standard_end(run_words(argc, argv)) : EXIT_NO;
}
