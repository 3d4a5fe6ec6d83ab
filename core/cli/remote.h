/* SPDX-License-Identifier: MIT */
/*
 * remote.h - the commands that the running daemon answers
 */
#ifndef CORE_CLI_REMOTE_H
#define CORE_CLI_REMOTE_H

#include <jansson.h>

#include "cli.h"

struct command_form;
struct remote_table;

struct remote_args {
	const char *config, *socket;
	bool json;
};

/* Of every such command; all other options are the daemon's. */
#define REMOTE_OPTIONS 3
extern const struct cli_option remote_options[REMOTE_OPTIONS];

/* Asks the daemon; argv[0] is the command's name. The exit code. */
int remote_run(int argc, char **argv);
/*
 * The same with words that were read already; what is answered goes into the table. Where nobody
 * answers that is printed.
 */
int remote_ask(const struct remote_args *, int count, char *const *words, struct remote_table *);
/*
 * The same, and each line of the answer is given to take() when it comes, until it says false.
 * Patient: for a line the daemon has all the time. What it complains of is printed.
 */
int remote_lines(const struct remote_args *, int count, char *const *words, bool patient,
	bool (*take)(void *context, const json_t *line), void *context);
/* The options of a command of the daemon itself. */
void remote_explain_own(const struct command *);
/* Prints what stands behind the command ("limit show"), what it is for, and its options. */
void
remote_explain(const char *command, const struct command_form *, const char *help, bool changes);

#endif
