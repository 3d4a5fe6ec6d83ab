/* SPDX-License-Identifier: MIT */
/*
 * milter_answer.h - what an answer of the chain is in the milter protocol, for both engines
 */
#ifndef CORE_DOOR_MILTER_ANSWER_H
#define CORE_DOOR_MILTER_ANSWER_H

#include <stdbool.h>

#include "chain/chain.h"

enum milter_status {
	MILTER_CONTINUE,
	MILTER_ACCEPT,
	MILTER_DISCARD,
	MILTER_REJECT,
	MILTER_TEMPFAIL,
	MILTER_SKIP,
	MILTER_NO_REPLY
};

/* skip: the MTA understands it. */
enum milter_status
milter_status_of(const struct cm_session *, enum cm_stage, const struct answer *, bool skip);
/* The MTA forgets the message (except after RCPT) and says nothing more of it. */
bool milter_ends_message(enum cm_stage, enum milter_status);
/* asked: the MTA was asked for recipients that it refused; this one, whose macros are known, is. */
bool milter_rejected(const struct cm_session *, bool asked);
/* Never empty, for an MTA wants one. */
const char *milter_quarantine_reason(const struct edit *);

#endif
