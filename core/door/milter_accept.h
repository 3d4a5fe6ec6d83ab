/* SPDX-License-Identifier: MIT */
/*
 * milter_accept.h - the next MTA that connects
 */
#ifndef CORE_DOOR_MILTER_ACCEPT_H
#define CORE_DOOR_MILTER_ACCEPT_H

#include <stdbool.h>

#include "milter_engine.h"

/*
 * A descriptor, non-blocking and closed on exec; -1 with errno. Who may not talk to this listener
 * is hung up on, and logged; errno is then ECONNABORTED.
 */
int milter_accept(const struct milter_listener *);
/* That connection failed; the next may not. */
bool milter_accept_again(int error);

#endif
