/* SPDX-License-Identifier: MIT */
/*
 * milter.h - the milter door: MTAs connect, events come in, answers go out
 *
 * Nothing outside the door knows which engine runs.
 */
#ifndef CORE_DOOR_MILTER_H
#define CORE_DOOR_MILTER_H

#include <stdbool.h>

#include "host/settings.h"

struct err;

/*
 * Opens the listening socket: one that the service manager passed, or a new one (it refuses one a
 * live daemon answers on, removes a stale one, sets mode and group). As the user the daemon was
 * started by, before privileges are dropped. Settings are copied.
 */
bool milter_open(const struct listener_settings *, struct err *);
/* Serves in threads of its own; returns at once. */
bool milter_start(const struct main_settings *, struct err *);
/* Takes no more connections. */
void milter_drain(void);
/* Connections with answers that their MTA has not taken yet. */
unsigned milter_unsent(void);
/* Stops listening, ends the threads; called after the drain. Removes the socket files. */
void milter_stop(void);
/* An engine ended by itself (it should not); the daemon then ends with an error. */
bool milter_failed(void);

#endif
