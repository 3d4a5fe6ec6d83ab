/* SPDX-License-Identifier: MIT */
/*
 * cli.h - the subcommands of the one binary
 *
 * One file per subcommand, one row each in the table of cli.c.
 */
#ifndef CORE_CLI_CLI_H
#define CORE_CLI_CLI_H

/* Exit codes of every subcommand. */
enum {
	EXIT_OK = 0,
	EXIT_NO = 1, /* refused: configuration, message, test */
	EXIT_USAGE = 64,
	EXIT_BIND = 69, /* cannot bind or start */
	EXIT_LATER = 75 /* temporary failure */
};

struct command {
	const char *name;
	const char *arguments;		   /* "FILE.eml --client IP ..." */
	const char *help;		   /* one line */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

/* Runs argv[1]; prints help or a suggestion for what is unknown. */
int cli_main(int argc, char **argv);
/* filter.conf given by -c/--config, else $CHAINMAIL_CONFIG, else the installed path. */
const char *cli_config_path(const char *given);

int cli_check(int argc, char **argv);
int cli_config(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_lua(int argc, char **argv);
int cli_plugins(int argc, char **argv);
int cli_serve(int argc, char **argv);

#endif
