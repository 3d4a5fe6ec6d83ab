/* SPDX-License-Identifier: MIT */
/*
 * milter_encode.h - answers as packets of the milter protocol
 *
 * Nothing else writes octets for an MTA. Appends to a buffer; knows no session and does no I/O.
 */
#ifndef CORE_DOOR_MILTER_ENCODE_H
#define CORE_DOOR_MILTER_ENCODE_H

#include <stdint.h>

#include "base/buf.h"
#include "milter_answer.h"
#include "milter_negotiate.h"

/* The answer to the offer of an MTA of that version: ours, or its own if that is older. */
void milter_encode_terms(
	struct buf *, uint32_t version, const struct milter_terms *, const struct chain_needs *);
/* Nothing for MILTER_NO_REPLY. */
void milter_encode_status(struct buf *, enum milter_status, const struct reply *);
/* At end of message, before its status, in the order of the answer. blanks: of the terms. */
void milter_encode_edits(struct buf *, const struct answer *, bool blanks);

/* "Still at it": the MTA waits on. */
extern const unsigned char milter_progress[5];

#endif
