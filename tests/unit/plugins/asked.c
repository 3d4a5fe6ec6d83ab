/* SPDX-License-Identifier: MIT */
/*
 * asked.c - a plugin that people can ask something
 */
#include <chainmail/plugin.h>
#include <limits.h>
#include <stdlib.h>

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

/* Answers with so many rows, or for as long as anybody takes it. */
static bool
flood(struct cm_session *s, size_t count, const char *const *operands)
{
	const struct cm_cell cell = {"water", "water, water, everywhere, nor any drop to drink", 0};

	long rows = count > 0 ? strtol(operands[0], NULL, 10) : LONG_MAX;

	while (rows-- > 0 && cm_row(s, &cell, 1))
		continue;
	return true;
}

struct sing_args {
	int64_t times, pause_us;
	const char *song;
	int voice;
	bool loud;
};

#define AT(field) offsetof(struct sing_args, field)

static const struct cm_option sing_options[] = {
	{"loud", CM_OPT_BOOL, AT(loud), .help = "so that all hear it"},
	{"pause", CM_OPT_DURATION, AT(pause_us), "1s", .help = "between two times"},
	{"song", CM_OPT_STRING, AT(song), .help = "which"},
	{"times", CM_OPT_INT, AT(times), "1", .help = "how often", .min = 1, .max = 9},
	{"voice", CM_OPT_CHOICE, AT(voice), "alto", .choices = "alto|bass|tenor", .help = "whose"},
};

static bool
sing(struct cm_session *s, size_t count, const char *const *operands)
{
	const struct sing_args *args = cm_args(s);
	const struct cm_cell cells[] = {
		{"loud", NULL, args->loud},
		{"pause", NULL, args->pause_us},
		{"song", args->song == NULL ? "" : args->song, 0},
		{"times", NULL, args->times},
		{"voice", NULL, args->voice},
		{"for", count > 0 ? operands[0] : "", 0},
	};

	cm_row(s, cells, sizeof(cells) / sizeof(*cells));
	cm_say(s, "la %s", args->song == NULL ? "la" : args->song);
	return true;
}

/* About the link of that name alone. */
static bool
mine(struct cm_session *s, size_t count, const char *const *operands)
{
	const char *name = cm_link_name(s), *p = operands[0];

	(void)count;
	while (*p != '\0' && *p == *name) {
		p++;
		name++;
	}
	if (*p == *name)
		return cm_row(s, &(struct cm_cell){"mine", operands[0], 0}, 1);
	cm_decline(s, "not mine");
	return false;
}

static const struct cm_command commands[] = {
	{.name = "change", .help = "changes something", .changes = true, .run = change},
	{.name = "echo", .operands = "WORD ...", .help = "says it again", .run = echo},
	{.name = "fail", .run = fail},
	{.name = "flood", .operands = "[ROWS]", .run = flood},
	{.name = "mine", .operands = "NAME", .run = mine},
	{"sing", "[WHOM]", "sings", false, sing, sing_options,
		sizeof(sing_options) / sizeof(*sing_options), sizeof(struct cm_option),
		sizeof(struct sing_args)},
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
	.command_count = sizeof(commands) / sizeof(*commands),
	.command_size = sizeof(struct cm_command),
};
