/* SPDX-License-Identifier: MIT */
/*
 * asked.c - a plugin that people can ask something
 */
#include <chainmail/plugin.h>

static bool
change(struct cm_session *s, size_t count, const char *const *operands)
{
	(void)s;
	(void)count;
	(void)operands;
	return true;
}

static bool
echo(struct cm_session *s, size_t count, const char *const *operands)
{
	for (size_t i = 0; i < count; i++) {
		const struct cm_cell cells[] = {
			{"word", operands[i], 0}, {"number", NULL, (int64_t)i}};

		cm_row(s, cells, 2);
	}
	return true;
}

static bool
fail(struct cm_session *s, size_t count, const char *const *operands)
{
	(void)count;
	(void)operands;
	cm_complain(s, "cannot: %s", "100%");
	return false;
}

static const struct cm_command commands[] = {
	{"change", NULL, "changes something", true, change},
	{"echo", "WORD ...", "says it again", false, echo},
	{"fail", NULL, NULL, false, fail},
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
	.name = "asked",
	.help = "answers",
	.mail = mail,
	.noun = "asked",
	.commands = commands,
	.command_count = 3,
	.command_size = sizeof(struct cm_command),
};
