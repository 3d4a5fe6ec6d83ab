/* SPDX-License-Identifier: MIT */
/*
 * identity.h - the user and group the daemon runs as
 */
#ifndef CORE_ADMIN_IDENTITY_H
#define CORE_ADMIN_IDENTITY_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Started by root: becomes user, in group (NULL: the user's own) and the user's other groups, for
 * good. Started by anybody else, or without a user, it changes nothing. A user or group that is
 * not there is refused with what to do about it.
 */
bool identity_drop(const char *user, const char *group, struct err *) MUST_USE;

#endif
