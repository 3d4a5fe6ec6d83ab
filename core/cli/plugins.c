/* SPDX-License-Identifier: MIT */
/*
 * plugins.c - chainmail plugins: which there are, and what each is for
 */
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "cli.h"
#include "host/plugin.h"

struct plugins_args {
	const char *config;
};

static const struct cli_option options[] = {
	{"config", 'c', CLI_PATH, offsetof(struct plugins_args, config), "FILE",
		"look where this configuration does (main.plugin_dir)"},
};

/* False when it does not load; then the line says why. */
static bool
print_plugin(const char *name, const char *dir)
{
	struct err err;
	const struct cm_plugin *plugin = plugin_load(name, dir, &err);

	if (plugin == NULL)
		printf("%-16s does not load: %s\n", name, err.text);
	else
		printf("%-16s %s\n", name, plugin->help != NULL ? plugin->help : "");
	return plugin != NULL;
}

static int
print_plugins(const char *dir)
{
	char **names = plugin_names(dir);
	int code = EXIT_OK;

	for (char **name = names; *name != NULL; name++) {
		if (!print_plugin(*name, dir))
			code = EXIT_NO;
	}
	if (names[0] == NULL) {
		fprintf(stderr, "chainmail plugins: there are none%s%s\n",
			dir != NULL ? " in " : "", dir != NULL ? dir : "");
		code = EXIT_NO;
	}
	plugin_names_free(names);
	return code;
}

static int
run(int argc, char **argv)
{
	struct plugins_args args = {0};
	int operand = cli_parse(&command_plugins, argc, argv, &args);

	if (operand < 0)
		return EXIT_USAGE;
	if (operand < argc)
		return cli_usage(&command_plugins,
			"\"%s\" is too much; one plugin is explained by: chainmail config help %s",
			argv[operand], argv[operand]);
	const char *dir = NULL;
	struct arena arena;

	arena_init(&arena, 4096);
	int code = args.config != NULL && !cli_plugin_dir(args.config, &arena, &dir)
			   ? EXIT_NO
			   : print_plugins(dir);

	arena_fini(&arena);
	return code;
}

const struct command command_plugins = {
	.name = "plugins",
	.operands = "[-c FILE]",
	.help = "list the plugins there are",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
};
