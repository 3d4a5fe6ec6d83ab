/* SPDX-License-Identifier: MIT */
/*
 * replay_message.h - a message file in the pieces an MTA hands over
 *
 * Knows lines, header fields and chunks, and nothing of what they mean.
 */
#ifndef CORE_DOOR_REPLAY_MESSAGE_H
#define CORE_DOOR_REPLAY_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/* A chunk as the milter protocol has it. */
#define REPLAY_CHUNK 65535

struct replay_message {
	const char *at, *end; /* what is not read yet */
	char *field;	      /* name, NUL, value, NUL of the latest field */
	unsigned char *chunk; /* the latest chunk */
	char last;	      /* latest octet of the body */
	bool in_body;
};

struct replay_field {
	const char *name;
	const char
		*value; /* as Postfix gives it: one blank behind the colon dropped, LF at folds */
	bool glued;	/* there was none */
};

/* The text is borrowed. A mailbox's "From " line at the top is skipped. */
void replay_message_init(struct replay_message *, const char *text, size_t len);
void replay_message_fini(struct replay_message *);
/* The next header field, until the next call; false at the end of the header section. */
bool replay_message_field(struct replay_message *, struct replay_field *);
/* The next chunk of the body, every line ending in CRLF; false at its end. */
bool replay_message_body(struct replay_message *, const unsigned char **, size_t *);

#endif
