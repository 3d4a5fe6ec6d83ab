/* SPDX-License-Identifier: MIT */
/*
 * control.h - the socket on which people ask the running daemon
 *
 * One JSON object a line: {"command":["limit","show","bob"]} in; {"row":{...}} for each row,
 * {"say":"..."} for each line that people see in place of the rows, and then {"done":true} or
 * {"error":"...","kind":"usage|refused|later"} out. Who is there is told by the kernel
 * (SO_PEERCRED): everybody the socket lets in may look, root and main.admins may change. A client
 * has a thread; there are few.
 */
#ifndef CORE_ADMIN_CONTROL_H
#define CORE_ADMIN_CONTROL_H

#include <stdbool.h>

#include "base/err.h"
#include "host/settings.h"

/* Clients at a time: all; those that are not root; those of one user who is not. */
#define CONTROL_CLIENTS_MOST 16
#define CONTROL_OTHERS_MOST  12
#define CONTROL_OF_ONE_MOST  6

/* Opens the listener's socket; before the user changes. */
bool control_open(const struct listener_settings *, struct err *);
/* Serves what was opened; config is what `reload` reads. */
bool control_start(const char *config, struct err *);
/* Ends it: commands that run are given a moment. Idempotent. */
void control_stop(void);

#endif
