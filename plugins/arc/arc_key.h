/* SPDX-License-Identifier: MIT */
/*
 * arc_key.h - a key as DNS has it
 */
#ifndef PLUGINS_ARC_KEY_H
#define PLUGINS_ARC_KEY_H

#include <chainmail/plugin.h>

#include "../lib/dkim_key.h"

/* As struct arc_keys' get() says. A key that has a problem is one, too. */
const struct dkim_key *arc_key(const struct cm_dns_answer *, const char **why, bool *later);

#endif
