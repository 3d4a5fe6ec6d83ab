/* SPDX-License-Identifier: MIT */
/*
 * lua.c - chainmail lua: what rules can call, for editors, linters and the manual
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "cli.h"
#include "host/script.h"

static const struct form {
	const char *name;
	enum script_doc doc;
} forms[] = {
	{"luacheck", SCRIPT_DOC_LUACHECK},
	{"luals", SCRIPT_DOC_LUALS},
	{"man", SCRIPT_DOC_MAN},
	{"markdown", SCRIPT_DOC_MARKDOWN},
	{"tests", SCRIPT_DOC_TESTS},
};

struct lua_args {
	const char *config;
};

static const struct cli_option options[] = {
	{"config", 'c', CLI_PATH, offsetof(struct lua_args, config), "FILE",
		"plugins, whose results rules read, are where this configuration looks for them"},
};

#define FORMS (sizeof(forms) / sizeof(*forms))

static int
unknown_form(const char *given)
{
	const char *names[FORMS];

	for (size_t i = 0; i < FORMS; i++)
		names[i] = forms[i].name;
	const char *nearest = text_nearest(given, names, FORMS);

	return cli_usage(&command_lua, "unknown form \"%s\"%s%s", given,
		nearest != NULL ? ", did you mean " : "", nearest != NULL ? nearest : "");
}

/* False: there is no such form. */
static bool
print(const char *form, const char *plugin_dir)
{
	for (size_t i = 0; i < FORMS; i++) {
		if (strcmp(form, forms[i].name) != 0)
			continue;
		script_print_api(forms[i].doc, plugin_dir);
		return true;
	}
	return false;
}

/* A configuration is not needed; one given by -c says where plugins are. */
static int
run(int argc, char **argv)
{
	struct lua_args args = {0};
	int operand = cli_parse(&command_lua, argc, argv, &args);
	const char *plugin_dir = NULL;
	int code = EXIT_OK;
	struct arena arena;

	if (operand < 0)
		return EXIT_USAGE;
	if (operand + 1 != argc)
		return cli_usage(&command_lua, "say one of luacheck, luals, man, markdown, tests");
	arena_init(&arena, 4096);
	if (args.config != NULL && !cli_plugin_dir(args.config, &arena, &plugin_dir))
		code = EXIT_NO;
	else if (!print(argv[operand], plugin_dir))
		code = unknown_form(argv[operand]);
	arena_fini(&arena);
	return code;
}

const struct command command_lua = {
	.name = "lua",
	.operands = "luacheck|luals|man|markdown|tests",
	.help = "print what rules can call: .luacheckrc, chainmail.d.lua, manuals",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
};
