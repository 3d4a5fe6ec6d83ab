/* SPDX-License-Identifier: MIT */
/*
 * milter_libmilter.h - what the files of the libmilter engine share
 */
#ifndef CORE_DOOR_MILTER_LIBMILTER_H
#define CORE_DOOR_MILTER_LIBMILTER_H

#include <stdbool.h>

#include <libmilter/mfapi.h>

#include "base/err.h"
#include "chain/chain.h"

/* Asks the MTA for the edits of the answer, in their order; the first that fails ends it. */
bool libmilter_edit(SMFICTX *, struct cm_session *, const struct answer *, struct err *);
/* The text that goes with the REJECT or TEMPFAIL about to be returned. */
void libmilter_reply(SMFICTX *, const struct reply *);

/* libmilter has begun to wait for signals, and waits for ever. */
bool libmilter_signals_held(void);

#endif
