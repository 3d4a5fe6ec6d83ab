/* SPDX-License-Identifier: MIT */
/*
 * reply.h - what the SMTP client is told
 *
 * A reply here is always sendable: class of code = class of status, printable ASCII, at most 400
 * characters, at most 8 lines. Doors double '%' where their protocol needs it.
 */
#ifndef CORE_MAIL_REPLY_H
#define CORE_MAIL_REPLY_H

#include <chainmail/plugin.h>
#include <stdarg.h>
#include <stdbool.h>

#define REPLY_TEXT_MAX	400
#define REPLY_LINES_MAX 8

struct arena;
struct err;

struct reply {
	int code;	  /* 0: not set */
	char status[12];  /* "5.7.1" (RFC 3463) */
	const char *text; /* lines separated by \n; clean; never NULL when code is set */
};

/*
 * Checks code and status, cleans and cuts the text, appends " (id ID)" when id is not NULL. The
 * text lives in the arena. False, with the reply untouched, for a code or status that does not fit.
 */
bool reply_set(struct reply *, struct arena *, const char *id, struct err *, int code,
	const char *status, const char *text);
/* The default for REJECT and TEMPFAIL of a link, and for a check that could not be done. */
void reply_default(struct reply *, struct arena *, const char *id, enum cm_verdict);
void reply_failure(struct reply *, struct arena *, const char *id, enum cm_verdict);
/* The same reply for another session id: a refusal of the connection, given in a message. */
void reply_move(struct reply *, struct arena *, const char *from, const char *to);
/* The reply's class fits the verdict. */
bool reply_fits(const struct reply *, enum cm_verdict);
/* "550 5.7.1 text" on one line, line breaks as " / ". */
char *reply_line(const struct reply *, struct arena *);

#endif
