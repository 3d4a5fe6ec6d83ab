/* SPDX-License-Identifier: MIT */
/*
 * config.c - chainmail config: what can be set, and what is set
 */
#include "config.h"

#include <string.h>

#include "admin/load.h"
#include "base/text.h"
#include "cli.h"

struct config_args {
	const char *config;
	bool chain, defaults;
};

#define ARG(field) offsetof(struct config_args, field)

static const struct cli_option options[] = {
	{"chain", 0, CLI_FLAG, ARG(chain), NULL, "show: which check runs at which stage"},
	{"config", 'c', CLI_PATH, ARG(config), "FILE", CLI_CONFIG_HELP},
	{"defaults", 0, CLI_FLAG, ARG(defaults), NULL, "show: also what was left out"},
};

static const char *const verbs[] = {"help", "man", "markdown", "show"};

#define VERBS (sizeof(verbs) / sizeof(*verbs))

static int
show(const struct config_args *args)
{
	struct generation *g = load_config(cli_config_path(args->config), LOAD_LEFT_OUT);

	if (g == NULL)
		return EXIT_NO;
	if (args->chain)
		config_show_chain(g);
	else
		config_show(g, args->defaults);
	generation_drop(g);
	return EXIT_OK;
}

static int
unknown_verb(const char *given)
{
	const char *nearest = text_nearest(given, verbs, VERBS);

	if (nearest != NULL)
		return cli_usage(
			&command_config, "unknown \"%s\", did you mean \"%s\"?", given, nearest);
	return cli_usage(&command_config, "unknown \"%s\"", given);
}

/* The verbs that need no configuration; one given by -c says where plugins are. */
static int
explain(const char *verb, const char *name, const char *plugin_dir)
{
	if (strcmp(verb, "help") == 0)
		return config_help(name, plugin_dir);
	if (strcmp(verb, "man") == 0)
		config_print_man(plugin_dir);
	else if (strcmp(verb, "markdown") == 0)
		config_print_markdown(plugin_dir);
	else
		return unknown_verb(verb);
	return EXIT_OK;
}

static int
run(int argc, char **argv)
{
	struct config_args args = {0};
	const char *plugin_dir = NULL;
	struct arena arena;
	int operand = cli_parse(&command_config, argc, argv, &args);

	if (operand < 0)
		return EXIT_USAGE;
	if (operand == argc)
		return cli_usage(&command_config, "say one of help, man, markdown, show");
	const char *verb = argv[operand];
	const char *name = operand + 1 < argc ? argv[operand + 1] : NULL;

	if (operand + 2 < argc || (name != NULL && strcmp(verb, "help") != 0))
		return cli_usage(&command_config, "\"%s\" is too much", argv[argc - 1]);
	if (strcmp(verb, "show") == 0)
		return show(&args);
	arena_init(&arena, 4096);
	int code = args.config != NULL && !cli_plugin_dir(args.config, &arena, &plugin_dir)
			   ? EXIT_NO
			   : explain(verb, name, plugin_dir);

	arena_fini(&arena);
	return code;
}

const struct command command_config = {
	.name = "config",
	.operands = "show [--chain|--defaults] | help [NAME] | man | markdown",
	.help = "show the configuration, or explain a section or setting",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
};
