/* SPDX-License-Identifier: MIT */
/*
 * record.c - chainmail record: what can be made of a session that was kept
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "cli.h"
#include "kept_find.h"
#include "record_test.h"

struct record_args {
	const char *config, *record, *rule;
	bool as_test;
};

#define ARG(field) offsetof(struct record_args, field)

static const struct cli_option options[] = {
	{"as-test", 0, CLI_FLAG, ARG(as_test), NULL, "print it as a case for chainmail test"},
	{"config", 'c', CLI_PATH, ARG(config), "FILE", CLI_CONFIG_HELP},
	{"record", 0, CLI_PATH, ARG(record), "DIR", CLI_RECORD_HELP},
	{"rule", 0, CLI_TEXT, ARG(rule), "NAME",
		"the rule that is tested; default: the one that decided"},
};

struct latest {
	const char *rule;
	struct buf text; /* of the latest session */
};

static void
write_case(void *context, const struct kept *k)
{
	struct latest *latest = context;

	buf_clear(&latest->text);
	record_test_write(&latest->text, k, latest->rule);
}

static int
print_test(const struct record_args *args, const char *id)
{
	struct latest latest = {.rule = args->rule};
	struct arena arena;
	const char *dir;
	int code = EXIT_NO;

	arena_init(&arena, 1024);
	buf_init(&latest.text, 0);
	if (cli_record_dir(args->record, cli_config_path(args->config), &arena, &dir) &&
		kept_each("record", dir, id, write_case, &latest)) {
		fputs(latest.text.data, stdout);
		code = EXIT_OK;
	}
	buf_fini(&latest.text);
	arena_fini(&arena);
	return code;
}

static int
run(int argc, char **argv)
{
	struct record_args args = {0};
	int operand = cli_parse(&command_record, argc, argv, &args);

	if (operand < 0)
		return EXIT_USAGE;
	if (operand == argc)
		return cli_usage(&command_record, "say which session: its ID, or the queue id");
	if (operand + 1 < argc)
		return cli_usage(&command_record, "\"%s\" is too much", argv[operand + 1]);
	if (!args.as_test)
		return cli_usage(&command_record, "say what to make of it: --as-test");
	return print_test(&args, argv[operand]);
}

const struct command command_record = {
	.name = "record",
	.operands = "ID|QUEUEID --as-test",
	.help = "make a test of a session that was kept",
	.options = options,
	.option_count = sizeof(options) / sizeof(*options),
	.run = run,
};
