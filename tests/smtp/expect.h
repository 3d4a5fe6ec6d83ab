/* SPDX-License-Identifier: MIT */
/*
 * expect.h - the words in which a transcript says what must be answered, and their meaning
 *
 * Decides; sends and reads nothing.
 */
#ifndef TESTS_SMTP_EXPECT_H
#define TESTS_SMTP_EXPECT_H

#include "mta.h"

#include <stdbool.h>
#include <stddef.h>

/* Which answers of a repeated line an expectation is about. */
enum expect_scope { EXPECT_EACH, EXPECT_LAST, EXPECT_SOME };

/* "reject 550 5.7.1 *": the statuses the word allows and a glob for the reply, or NULL. */
struct expect {
	enum expect_scope scope;
	unsigned statuses; /* bit per enum mta_status */
	bool silence;	   /* waits only a moment for an answer that must not come */
	const char *source;
	const char *glob; /* points into source */
};

/* Parses what stands behind `expect`; source is kept. False for a word that does not exist. */
bool expect_parse(struct expect *e, const char *source);

/* What a line without `expect` stands for: the client is told that all is well. */
extern const struct expect expect_ok;

/* An SMTP client cannot tell CONTINUE from ACCEPT at end of message, so neither does a transcript.
 */
bool
expect_met(const struct expect *e, enum mta_status status, const char *text, bool end_of_message);

/* `*` matches any run of characters, all else itself. */
bool glob_match(const char *glob, const char *text);

/* The edit as a line of a transcript: `add X-Filter: yes`. The caller frees it. */
char *edit_line(const struct mta_edit *edit, bool leading_space);

/* The text on one line: "\r\n" of a reply as " / ", other control characters escaped. */
char *one_line(const char *text, size_t length);

#endif
