/* SPDX-License-Identifier: MIT */
/*
 * check.c - chainmail check: is filter.conf good?
 *
 * Loads a generation as the daemon does and throws it away, so what it accepts is what would run:
 * started by root as the user that the daemon becomes, for whom a file may be unreadable.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/identity.h"
#include "base/err.h"
#include "cli.h"
#include "conf/diag.h"
#include "conf/tree.h"
#include "host/generation.h"

struct check_args {
	const char *config;
	bool json;
};

#define ARG(field) offsetof(struct check_args, field)

static const struct cli_option options[] = {
	{"config", 'c', CLI_PATH, ARG(config), "FILE", CLI_CONFIG_HELP},
	{"json", 0, CLI_FLAG, ARG(json), NULL, "print the mistakes as JSON"},
};

/* "2 plugins", "1 plugin". */
static void
print_kind(const struct conf_section *root, const char *kind, const char *before)
{
	unsigned count = 0;

	for (const struct conf_section *s = root->sections; s != NULL; s = s->next)
		count += strcmp(s->kind, kind) == 0;
	if (count > 0)
		printf("%s%u %s%s", before, count, kind, count == 1 ? "" : "s");
}

static void
print_good(const struct generation *g)
{
	printf("%s is good: ", g->path);
	print_kind(g->tree, "profile", "");
	print_kind(g->tree, "plugin", ", ");
	print_kind(g->tree, "script", ", ");
	print_kind(g->tree, "map", ", ");
	print_kind(g->tree, "listener", ", ");
	printf("\n");
}

static void
print_text(const struct generation *g, const struct diag *diag)
{
	diag_print(diag, stdout);
	if (diag_errors(diag) + diag_warnings(diag) > 0) {
		printf("\n");
		diag_print_count(diag, stdout);
		printf(g == NULL ? " Nothing was loaded.\n" : "\n");
	}
	if (g != NULL)
		print_good(g);
}

static void
print_json(const struct generation *g, const struct diag *diag)
{
	printf("{\"good\": %s, \"errors\": %zu, \"warnings\": %zu, \"mistakes\": ",
		g != NULL ? "true" : "false", diag_errors(diag), diag_warnings(diag));
	diag_print_json(diag, stdout);
	printf("}\n");
}

/* Gives up root as the daemon does; false where it would stay. */
static bool
become_user(const struct generation *g)
{
	struct err err;

	if (g == NULL || g->main.user == NULL || geteuid() != 0)
		return false;
	if (identity_drop(g->main.user, g->main.group, &err))
		return geteuid() != 0;
	fprintf(stderr, "chainmail: %s; checked as root\n", err.text);
	return false;
}

static int
check(const struct check_args *args, const char *path)
{
	struct diag *diag = diag_new();
	struct generation *g = generation_load_to_serve(path, diag);
	int code;

	if (become_user(g)) {
		generation_drop(g);
		diag_free(diag);
		diag = diag_new();
		g = generation_load_to_serve(path, diag);
	}
	if (g != NULL)
		check_postfix(g, diag);
	code = g != NULL ? EXIT_OK : EXIT_NO;
	if (args->json)
		print_json(g, diag);
	else
		print_text(g, diag);
	generation_drop(g);
	diag_free(diag);
	return code;
}

static int
run(int argc, char **argv)
{
	struct check_args args = {0};
	int operand = cli_parse(&command_check, argc, argv, &args);

	if (operand < 0)
		return EXIT_USAGE;
	if (operand < argc)
		return cli_usage(&command_check, "\"%s\" is too much; the file is given by -c",
			argv[operand]);
	return check(&args, cli_config_path(args.config));
}

const struct command command_check = {
	.name = "check",
	.operands = "[-c FILE] [--json]",
	.help = "check the configuration and print every mistake",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
};
