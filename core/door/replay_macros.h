/* SPDX-License-Identifier: MIT */
/*
 * replay_macros.h - the macros an MTA would have told
 */
#ifndef CORE_DOOR_REPLAY_MACROS_H
#define CORE_DOOR_REPLAY_MACROS_H

#include "replay.h"

/* Gives the session the macros of the event's stage: those that were asked for and exist. */
void replay_macros(struct conversation *, const struct replay_input *, const struct cm_event *);

#endif
