/* SPDX-License-Identifier: MIT */
/*
 * cli.h - the subcommands of the one binary
 *
 * One file per subcommand, one row each in the table of cli.c. A command's options are a table,
 * too: the parser and `chainmail help COMMAND` read it.
 */
#ifndef CORE_CLI_CLI_H
#define CORE_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes of every subcommand. */
enum {
	EXIT_OK = 0,
	EXIT_NO = 1, /* refused: configuration, message, command, test */
	EXIT_NO_DAEMON = 3,
	EXIT_USAGE = 64,
	EXIT_BIND = 69, /* cannot bind or start */
	EXIT_LATER = 75 /* temporary failure */
};

/* Type of an option, and what stands at its offset in the command's arguments. */
enum cli_kind {
	CLI_FLAG, /* bool */
	CLI_LIST, /* struct cli_list; may be given again */
	CLI_PATH, /* const char *, a name that is not empty */
	CLI_PORT, /* unsigned, 1 to 65535 */
	CLI_TEXT  /* const char * */
};

/* Help of the option that cli_config_path() reads. */
#define CLI_CONFIG_HELP "default: $CHAINMAIL_CONFIG, else " CHAINMAIL_CONFIG

/* Help of an option that load_zone() reads. */
#define CLI_ZONE_HELP "DNS says what is in this zone file, and nothing else"

/* Help of the option that cli_record_dir() reads. */
#define CLI_RECORD_HELP "where the sessions are kept; default: what the configuration says"

#define CLI_LIST_MAX 1000

struct cli_list {
	const char *items[CLI_LIST_MAX + 1]; /* NULL-terminated */
	size_t count;
};

struct cli_option {
	const char *name; /* "config" */
	char letter;	  /* 'c'; 0: none */
	enum cli_kind kind;
	size_t offset;
	const char *argument; /* "FILE"; "[=FILE]": "-" without one; NULL for a flag */
	const char *help;
};

struct command {
	const char *name;
	const char *operands; /* "FILE.eml --client IP ..." */
	const char *help;     /* one line */
	const struct cli_option *options;
	size_t option_count;
	int (*run)(int argc, char **argv);	 /* argv[0] is the command's name */
	void (*explain)(const struct command *); /* what the options above are not all; or NULL */
};

extern const struct command command_check, command_commands, command_config, command_dkim,
	command_dns, command_errors, command_explain, command_help, command_log, command_lua,
	command_metrics, command_mode, command_new, command_plugins, command_record, command_reload,
	command_replay, command_serve, command_shadow, command_status, command_test, command_top,
	command_version;

/* Runs argv[1]; prints help or a suggestion for what is unknown. */
int cli_main(int argc, char **argv);
/* filter.conf given by -c/--config, else $CHAINMAIL_CONFIG, else the installed path. */
const char *cli_config_path(const char *given);

struct arena;

/*
 * dir: where the configuration looks for plugins, whatever else is wrong with it; NULL: it does not
 * say. False when it cannot be read at all, which was printed.
 */
bool cli_plugin_dir(const char *config, struct arena *, const char **dir);
/* The same without a word: NULL also for one that cannot be read. */
const char *cli_find_plugin_dir(const char *config, struct arena *);

/*
 * The directory of kept sessions: the one given, else that of the configuration. False when there
 * is none, which was printed.
 */
bool cli_record_dir(const char *given, const char *config, struct arena *, const char **dir);
/* The same without a word: NULL when there is none. */
const char *cli_find_record_dir(const char *config, struct arena *);

/*
 * Reads the options into out and returns the index of the first operand; options may stand behind
 * operands. -1 after a mistake, which was printed.
 */
int cli_parse(const struct command *, int argc, char **argv, void *out);
/*
 * Reads the options of the table and leaves all other words, in their order, in rest, which has
 * room for argc: they are for somebody who knows them. So is all from "--" on. Their number,
 * argv[0] included; -1 after a mistake, which was printed.
 */
int cli_take(const struct command *, int argc, char **argv, void *out, char **rest);
/* Prints "chainmail COMMAND: ..." and the command that helps; returns EXIT_USAGE. */
int
cli_usage(const struct command *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What `chainmail help COMMAND` prints. */
void cli_print_command(const struct command *);

#endif
