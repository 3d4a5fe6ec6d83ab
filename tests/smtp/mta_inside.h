/* SPDX-License-Identifier: MIT */
/*
 * mta_inside.h - what the files of the test client share with each other and with nobody else
 */
#ifndef TESTS_SMTP_MTA_INSIDE_H
#define TESTS_SMTP_MTA_INSIDE_H

#include "mta.h"
#include "mta_macros.h"
#include "mta_wire.h"

/* Room for 32 lines of 980 octets, the most libmilter sends. */
#define MTA_TEXT_MAX ((size_t)40000)

/* What the client is told when the filter is gone: Postfix's milter_default_action = tempfail. */
#define MTA_GONE_TEXT "451 4.7.1 Service unavailable - try again later"

struct mta {
	struct wire wire;
	struct mta_terms terms;
	uint32_t unspoken;	/* SMFIP_NO* of events that the version agreed on does not have */
	struct macro_set brief; /* goes before `given`, which goes before `own` */
	struct macro_set given;
	struct macro_set own;
	enum mta_status connection_end; /* not MTA_NONE: the answer to all that follows */
	enum mta_status message_end;	/* the same, until the message is over */
	int skipped;			/* the stage the filter wants no more of, or -1 */
	bool greeted;
	bool header_ended;
	bool in_mail;
	bool must_abort;
	size_t recipients;
	unsigned messages;
	unsigned char *body;
	size_t body_length;
	size_t body_packets;
	struct mta_edit *edits;
	size_t edit_count;
	size_t progress;
	char text[MTA_TEXT_MAX];
};

/* Sends what is queued and reads until a final answer; edits are taken only when stage is MTA_EOM.
 */
enum mta_status answer_read(struct mta *m, enum mta_stage stage, int timeout_ms);

/* Forgets the edits of the last message. */
void answer_forget_edits(struct mta *m);

/* Sets the complaint and returns MTA_GARBLED. */
enum mta_status
answer_garbled(struct mta *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The status for a wire that failed. */
enum mta_status answer_lost(struct mta *m, enum wire_status status);

#endif
