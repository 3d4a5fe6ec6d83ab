/* SPDX-License-Identifier: MIT */
/*
 * check.h - what `chainmail check` asks beside the configuration
 */
#ifndef CORE_CLI_CHECK_H
#define CORE_CLI_CHECK_H

struct diag;
struct generation;

/* Warns where a Postfix on this machine gives up before the checks do. Takes a second at most. */
void check_postfix(const struct generation *, struct diag *);

#endif
