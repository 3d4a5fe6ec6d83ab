/* SPDX-License-Identifier: MIT */
/*
 * log.c - chainmail log: the message lines of the running daemon, as they come
 *
 * Which lines are wanted is the daemon's business; here they are printed, one by one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "json_print.h"
#include "remote.h"
#include "standard.h"

struct args {
	struct remote_args remote;
	bool follow;
};

#define ARG(field) offsetof(struct args, field)

static const struct cli_option options[] = {
	{"config", 'c', CLI_PATH, ARG(remote.config), "FILE",
		"whose control socket to use; " CLI_CONFIG_HELP},
	{"follow", 'f', CLI_FLAG, ARG(follow), NULL, "go on with the lines to come"},
	{"json", 0, CLI_FLAG, ARG(remote.json), NULL, "print a JSON object a line"},
	{"socket", 0, CLI_PATH, ARG(remote.socket), "PATH",
		"the control socket, whatever the configuration says"},
};

/* The daemon has escaped it already, so a backslash stays; nothing reaches the terminal as it is.
 */
static void
print_text(const char *text)
{
	struct buf line;

	buf_init(&line, 0);
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			buf_add_char(&line, '\\');
		else
			text_escape(&line, text, 1);
	}
	puts(line.data);
	buf_fini(&line);
}

/* False: nobody gets it. */
static bool
print_line(void *context, const json_t *line)
{
	const struct args *args = context;
	const char *text = json_string_value(json_object_get(line, "say"));
	const json_t *row = json_object_get(line, "row");

	if (args->remote.json && json_is_object(row)) {
		json_print(row);
	} else if (!args->remote.json && text != NULL) {
		print_text(text);
	}
	/* Who reads a pipe wants each line when it comes. */
	return standard_flush();
}

static int
run(int argc, char **argv)
{
	static char follow[] = "--follow";
	struct args args = {.follow = false};
	/* Room for one in front: behind "--" it would be an operand. */
	char **room = mem_zalloc((size_t)argc + 2, sizeof(*room)), **words = room + 1;
	int count = cli_take(&command_log, argc, argv, &args, words);
	int code = EXIT_USAGE;

	if (args.follow) {
		words[0] = follow;
		words = room;
		words[0] = argv[0];
	}
	if (count >= 0)
		code = remote_lines(
			&args.remote, count + args.follow, words, args.follow, print_line, &args);
	free(room);
	return code;
}

const struct command command_log = {
	.name = "log",
	.operands = "[-f] [--login USER] [--verdict VERDICT] [--client NETWORK] ...",
	.help = "the latest messages of the running daemon, and those to come",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
	.explain = remote_explain_own,
};
