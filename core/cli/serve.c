/* SPDX-License-Identifier: MIT */
/*
 * serve.c - chainmail serve: the daemon
 */
#include "admin/daemon.h"
#include "cli.h"

struct serve_args {
	const char *config;
	bool foreground;
};

#define ARG(field) offsetof(struct serve_args, field)

static const struct cli_option options[] = {
	{"config", 'c', CLI_PATH, ARG(config), "FILE", CLI_CONFIG_HELP},
	{"foreground", 'f', CLI_FLAG, ARG(foreground), NULL, "it always does: accepted from habit"},
};

static const int codes[] = {
	[DAEMON_OK] = EXIT_OK,
	[DAEMON_REFUSED] = EXIT_NO,
	[DAEMON_NOT_BOUND] = EXIT_BIND,
};

static int
run(int argc, char **argv)
{
	struct serve_args args = {0};
	int operand = cli_parse(&command_serve, argc, argv, &args);

	if (operand < 0)
		return EXIT_USAGE;
	if (operand < argc)
		return cli_usage(&command_serve, "\"%s\" is too much", argv[operand]);
	return codes[daemon_run(cli_config_path(args.config))];
}

const struct command command_serve = {
	.name = "serve",
	.operands = "[-c FILE]",
	.help = "run the daemon in the foreground",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
};
