/* SPDX-License-Identifier: MIT */
/*
 * account.h - users and groups of this machine, and what they may read
 */
#ifndef CORE_BASE_ACCOUNT_H
#define CORE_BASE_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

struct account {
	uid_t uid;
	gid_t gid;
};

/* Fills uid and gid. False with "there is no user NAME", or why that cannot be told. */
bool account_user(const char *name, struct account *, struct err *) MUST_USE;
/* Fills gid alone. False with "there is no group NAME", or why that cannot be told. */
bool account_group(const char *name, struct account *, struct err *) MUST_USE;

/* Why the user that we are may not read a file. */
struct denial {
	char user[64];
	struct err help; /* the command that lets it */
};

/* False when rights are not what is missing. */
bool account_denied(const char *path, struct denial *);

#endif
