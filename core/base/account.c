/* SPDX-License-Identifier: MIT */
/*
 * account.c - users and groups of this machine, and what they may read
 */
#include "account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

#define BUFFER ((size_t)1 << 16)

/* What the look-ups leave in errno where there simply is no such name. */
static bool
not_found(const char *kind, const char *name, struct err *err)
{
	if (errno != 0 && errno != ENOENT)
		return err_errno(err, "%s %s", kind, name);
	return err_set(err, "there is no %s %s on this machine", kind, name);
}

bool
account_user(const char *name, struct account *account, struct err *err)
{
	struct passwd entry, *found = NULL;
	char *buffer = mem_alloc(BUFFER);

	errno = getpwnam_r(name, &entry, buffer, BUFFER, &found);
	if (found != NULL)
		*account = (struct account){entry.pw_uid, entry.pw_gid};
	free(buffer);
	return found != NULL || not_found("user", name, err);
}

bool
account_group(const char *name, struct account *account, struct err *err)
{
	struct group entry, *found = NULL;
	char *buffer = mem_alloc(BUFFER);

	errno = getgrnam_r(name, &entry, buffer, BUFFER, &found);
	if (found != NULL)
		account->gid = entry.gr_gid;
	free(buffer);
	return found != NULL || not_found("group", name, err);
}

/* The first directory on the way that may not be searched, or path itself. */
static void
find_obstacle(const char *path, char obstacle[PATH_MAX])
{
	for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		size_t len = slash == path ? 1 : (size_t)(slash - path);

		if (len >= PATH_MAX)
			break;
		memcpy(obstacle, path, len);
		obstacle[len] = '\0';
		if (eaccess(obstacle, X_OK) != 0 && errno == EACCES)
			return;
	}
	snprintf(obstacle, PATH_MAX, "%s", path);
}

bool
account_denied(const char *path, struct denial *d)
{
	const struct passwd *pw = getpwuid(geteuid());
	const struct group *gr = getgrgid(getegid());
	const char *group = gr == NULL ? "GROUP" : gr->gr_name;
	char obstacle[PATH_MAX];

	if (eaccess(path, R_OK) == 0 || errno != EACCES)
		return false;
	find_obstacle(path, obstacle);
	snprintf(d->user, sizeof(d->user), "%s", pw == NULL ? "?" : pw->pw_name);
	err_set(&d->help, "chgrp %s %s && chmod g+%s %s", group, obstacle,
		strcmp(obstacle, path) == 0 ? "r" : "x", obstacle);
	return true;
}
