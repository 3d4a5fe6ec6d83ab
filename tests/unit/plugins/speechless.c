/* SPDX-License-Identifier: MIT */
/*
 * speechless.c - a plugin with a command whose option nobody can type
 */
#include <chainmail/plugin.h>

struct args {
	struct cm_list who;
};

static bool
ask(struct cm_session *s, size_t count, const char *const *operands)
{
	(void)s;
	(void)count;
	(void)operands;
	return true;
}

static const struct cm_option options[] = {
	{"who", CM_OPT_LIST, offsetof(struct args, who), .help = "a list is several words"},
};

static const struct cm_command commands[] = {
	{"ask", NULL, "asks", false, ask, options, 1, sizeof(*options), sizeof(struct args)},
};

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "speechless",
	.noun = "speechless",
	.commands = commands,
	.command_count = 1,
	.command_size = sizeof(*commands),
};
