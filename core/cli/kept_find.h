/* SPDX-License-Identifier: MIT */
/*
 * kept_find.h - kept sessions by the ids that people have
 */
#ifndef CORE_CLI_KEPT_FIND_H
#define CORE_CLI_KEPT_FIND_H

#include <stdbool.h>

#include "door/kept.h"

/*
 * Shows each kept session of the directory with that id, id of the connection or queue id, the
 * oldest first. False when there is none, which was printed for the command.
 */
bool kept_each(const char *command, const char *dir, const char *id,
	void (*show)(void *context, const struct kept *), void *context);

#endif
