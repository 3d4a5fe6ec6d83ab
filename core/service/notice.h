/* SPDX-License-Identifier: MIT */
/*
 * notice.h - mail to a person, handed to the MTA of this machine
 *
 * A queue in memory and a thread of its own, so that no message waits for it. A notice has the null
 * sender and says that a program wrote it (RFC 3834), so nobody answers it. It comes back to us as
 * mail through the MTA: the session in which it does is known by its HELO name, which is drawn for
 * each attempt and told nobody else.
 */
#ifndef CORE_SERVICE_NOTICE_H
#define CORE_SERVICE_NOTICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf;

#define NOTICE_QUEUE	100 /* that wait at a time */
#define NOTICE_HOURLY	100 /* that are taken in an hour */
#define NOTICE_TEXT	(16u << 10)
#define NOTICE_SUBJECT	200u
#define NOTICE_TO_MOST	254u /* RFC 5321 section 4.5.3.1.3, without the brackets */
#define NOTICE_ATTEMPTS 6u   /* after one, two, four ... minutes */

/* Where notices go, of one configuration. */
struct notice_settings {
	const char *server;	/* "inet:25@127.0.0.1", "unix:PATH" */
	const char *from;	/* address of the From: field */
	const char *host;	/* name of this host */
	const char *postmaster; /* who is told of links that trip; NULL: nobody */
};

struct notice {
	const char *to;		    /* notice_address_ok() */
	const char *subject, *text; /* any octets but NUL; cut where they are too long */
	const char *by, *id;	    /* who tells, about which message */
};

enum notice_post {
	NOTICE_QUEUED,
	NOTICE_FULL,	 /* too many wait, or were sent in this hour */
	NOTICE_NO_DAEMON /* nobody would send it */
};

/* user@domain of printable ASCII that needs no quotes in a command or field. */
bool notice_address_ok(const char *);
/* Copies all of it. What is not queued was logged. */
enum notice_post notice_post(const struct notice_settings *, const struct notice *);
/* The session with that HELO name hands us a notice of ours. */
bool notice_is_ours(const char *helo);

/* From now on notices are queued; notice_start() begins the thread that sends them, too. */
void notice_open(void);
bool notice_start(struct err *) MUST_USE;
/* What waits is lost, and logged. */
void notice_stop(void);
/* Sends the first that is due; false: there is none, and *wait_us is when to look again, -1: never.
 */
bool notice_turn(int64_t *wait_us);

/* --- notice_text.c --- */

/* The message as it goes over the wire, CRLF at each end of line; no line begins with a dot. */
void notice_write(struct buf *, const struct notice_settings *, const struct notice *, int64_t wall,
	const char *token);

/* --- notice_smtp.c --- */

enum notice_sent {
	NOTICE_SENT,
	NOTICE_LATER,  /* no server, or it said 4yz */
	NOTICE_REFUSED /* it said 5yz, or makes no sense */
};

/* One conversation (RFC 5321); why has words unless it is sent. stop: given up as soon as it is
 * true. */
enum notice_sent notice_send(const char *server, const char *helo, const char *to,
	const struct buf *message, const _Atomic bool *stop, struct err *why);

#endif
