/* SPDX-License-Identifier: MIT */
/*
 * command.h - what people ask of links while the daemon runs
 */
#ifndef CORE_CHAIN_COMMAND_H
#define CORE_CHAIN_COMMAND_H

#include "chain.h"
#include "conf/schema.h"

struct arena;
struct buf;

/* How the words of a command are told apart. */
struct command_form {
	const char *operands;	    /* "KEY", "[TEXT]", "WORD ..."; NULL: none. "in|out" in small
				       letters: one of these */
	struct schema_rows options; /* --NAME VALUE */
	size_t args_size;	    /* of the struct that they fill */
	bool links;		    /* has --link NAME, as every command of a plugin */
};

/* What somebody asks. All of it is in the reader's arena, or borrowed from the words. */
struct command_words {
	const char **operands;
	size_t count;
	void *args;	  /* options, with their defaults */
	const char *link; /* NULL: every link */
};

/* Where the answer goes. */
struct command_sink {
	/* One row of that link; false: nobody reads it any more. */
	bool (*row)(void *context, const char *link, const struct cm_cell *, size_t count);
	/* One line for people. NULL: nobody reads such. */
	void (*say)(void *context, const char *line);
	/* Somebody waits for the rest. NULL: always. */
	bool (*wanted)(void *context);
	void *context;
	const void *args;
	char complaint[400]; /* "": nothing went wrong */
	char declined[400];  /* by links that it is not about */
};

/* Command number i of the plugin, whatever version it was built for. */
struct cm_command command_at(const struct cm_plugin *, uint32_t i);
/* The plugin of that noun which some link uses; NULL: none. */
const struct cm_plugin *command_find_plugin(const struct chain *, const char *noun);
/* False: the plugin has no command of that name. */
bool command_find(const struct cm_plugin *, const char *name, struct cm_command *);
struct command_form command_form(const struct cm_command *);
/*
 * Reads the words behind the command's name ("limit show"). Options may stand behind operands; "--"
 * ends them. False with words: unknown options with the nearest name, values that are none, too few
 * operands, too many.
 */
bool
command_read(const char *name, const struct command_form *, size_t count, const char *const *words,
	struct arena *, struct command_words *, char *why, size_t why_size);
/* "KEY [--over PERCENT] [--link NAME]", for the help. */
void command_describe(const struct command_form *, struct buf *);
/* What stands behind --NAME: "PERCENT"; NULL: nothing. */
const char *command_argument(const struct cm_option *);
/*
 * Runs it for every link of the plugin, or that of words->link, in the session of nobody, until one
 * complains. False: one did, or it is about none of them.
 */
bool command_run(struct cm_session *, const struct cm_plugin *, const struct cm_command *,
	const struct command_words *, struct command_sink *);

#endif
