/* SPDX-License-Identifier: MIT */
/*
 * lua.c - chainmail lua: what rules can call, for editors, linters and the manual
 */
#include <stdio.h>
#include <string.h>

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

static int
run(int argc, char **argv)
{
	if (argc != 2)
		return cli_usage(&command_lua, "say one of luacheck, luals, man, markdown, tests");
	for (size_t i = 0; i < FORMS; i++) {
		if (strcmp(argv[1], forms[i].name) != 0)
			continue;
		script_print_api(forms[i].doc);
		return EXIT_OK;
	}
	return unknown_form(argv[1]);
}

const struct command command_lua = {
	.name = "lua",
	.operands = "luacheck|luals|man|markdown|tests",
	.help = "print what rules can call: .luacheckrc, chainmail.d.lua, manuals",
	.run = run,
};
