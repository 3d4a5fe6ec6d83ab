/* SPDX-License-Identifier: MIT */
/*
 * script.h - a transcript read from a file: what the MTA says, line by line, and what must come
 * back
 *
 * The language is described in README.md. Reading only; play.c gives the lines their effect.
 */
#ifndef TESTS_SMTP_SCRIPT_H
#define TESTS_SMTP_SCRIPT_H

#include "expect.h"
#include "mta.h"
#include "word.h"

#include <stdbool.h>
#include <stddef.h>

enum verb {
	VERB_ABORT,
	VERB_BODY,
	VERB_CONNECT,
	VERB_DATA,
	VERB_EOH,
	VERB_EOM,
	VERB_HEADER,
	VERB_HELO,
	VERB_LOG,
	VERB_LOG_EVER,
	VERB_LOG_ONCE,
	VERB_MACRO,
	VERB_MAIL,
	VERB_NOLOG,
	VERB_PACKET,
	VERB_QUIT,
	VERB_QUIT_NC,
	VERB_RAW,
	VERB_RCPT,
	VERB_SLEEP,
	VERB_UNKNOWN,
	VERB_VANISH,
};

#define SCRIPT_WORDS_MAX 40
#define SCRIPT_LINES_MAX 16
#define SCRIPT_EDITS_MAX 128

struct step {
	unsigned line;
	enum verb verb;
	unsigned repeat;
	struct word words[SCRIPT_WORDS_MAX];
	size_t word_count;
	struct word macros[SCRIPT_WORDS_MAX]; /* {name}=value */
	size_t macro_count;
	struct expect expects[SCRIPT_LINES_MAX];
	size_t expect_count;
	const char *edits[SCRIPT_EDITS_MAX];
	size_t edit_count;
	bool any_edits;
	bool counts_pieces;
	unsigned long pieces; /* packets of the body that were sent */
};

/* The message that goes before, where one does. */
struct prelude {
	struct word words[SCRIPT_WORDS_MAX]; /* sender and recipients */
	size_t word_count;
	struct word macros[SCRIPT_WORDS_MAX];
	size_t macro_count;
	bool refused; /* it is refused, and must be */
};

/* In which surroundings a transcript is played; each a bit. */
enum way {
	WAY_ALONE = 1u << 0,
	WAY_SECOND = 1u << 1,	  /* after a whole message on the same connection */
	WAY_AFTER_RSET = 1u << 2, /* after a message that was begun and reset */
};
#define WAYS_ALL (WAY_ALONE | WAY_SECOND | WAY_AFTER_RSET)

struct script {
	char *path;
	char *config; /* as written, or NULL */
	char *engine; /* the only one it is played against; NULL: any */
	bool witness; /* another session is open meanwhile, and must be served in the end */
	bool differs; /* engines may answer it in other packets */
	unsigned ways;
	unsigned clients_max; /* 0: no limit to how many may play it at once */
	struct prelude before;
	bool negotiate;
	struct mta_offer offer;
	struct step *steps;
	size_t step_count;
	void **kept; /* all memory of the script */
	size_t kept_count;
};

/* On failure `why` holds "file:line: reason". Call script_fini either way. */
bool script_read(struct script *s, const char *path, char *why, size_t why_size);
void script_fini(struct script *s);

/* The index of the first MAIL, or step_count. */
size_t script_first_mail(const struct script *s);

#endif
