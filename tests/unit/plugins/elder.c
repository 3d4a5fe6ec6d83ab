/* SPDX-License-Identifier: MIT */
/*
 * elder.c - a plugin with commands from before they had options
 *
 * What stands behind a row is the next row: it must never be taken for options.
 */
#include <chainmail/plugin.h>

/* struct cm_command without its options. */
struct old_command {
	const char *name, *operands, *help;
	bool changes;
	bool (*run)(struct cm_session *, size_t count, const char *const *operands);
};

static bool
ask(struct cm_session *s, size_t count, const char *const *operands)
{
	const struct cm_cell cell = {"word", count > 0 ? operands[0] : "", 0};

	return cm_row(s, &cell, 1);
}

static const struct old_command commands[] = {
	{"ask", "[WORD]", "says it again", false, ask},
	{"beg", "[WORD]", "says it again", false, ask},
};

static enum cm_verdict
mail(struct cm_session *s, const struct cm_event *ev)
{
	(void)s;
	(void)ev;
	return CM_CONTINUE;
}

const struct cm_plugin cm_plugin = {
	.abi = CM_ABI,
	.size = sizeof(cm_plugin),
	.name = "elder",
	.mail = mail,
	.noun = "elder",
	.commands = (const struct cm_command *)(const void *)commands,
	.command_count = 2,
	.command_size = sizeof(*commands),
};
