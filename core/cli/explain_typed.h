/* SPDX-License-Identifier: MIT */
/*
 * explain_typed.h - SMTP as somebody types it, or a pipe: lines, a path with parameters, a message
 *
 * Knows octets and bounds, and nothing of what the commands do.
 */
#ifndef CORE_CLI_EXPLAIN_TYPED_H
#define CORE_CLI_EXPLAIN_TYPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct buf;

/* Octets of a command with its end, as Postfix takes them, and of a message. */
#define TYPED_LINE_MOST	   2048u
#define TYPED_MESSAGE_MOST (16u << 20)
/* ESMTP parameters of one command. */
#define TYPED_ARGS_MOST 16u

enum typed { TYPED_LINE, TYPED_TOO_LONG, TYPED_NUL, TYPED_END };

/* The next line without its end; what is too much of it is read and dropped. */
enum typed typed_line(FILE *, char line[TYPED_LINE_MOST]);
/*
 * Lines until one of a dot alone, dots doubled by the client taken away (RFC 5321 section 4.5.2).
 * TYPED_END: there was no such line; TYPED_TOO_LONG: there was, and the message is not kept.
 */
enum typed typed_message(FILE *, struct buf *);

struct typed_path {
	char *path;			       /* "<a@b>", or as it was typed */
	const char *args[TYPED_ARGS_MOST + 1]; /* NULL-terminated */
};

/* "FROM:<a@b> SIZE=9" behind the command, cut in place. False: it does not begin with the word. */
bool typed_path(char *text, const char *word, struct typed_path *);

#endif
