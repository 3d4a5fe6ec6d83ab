/* SPDX-License-Identifier: MIT */
/*
 * identity.c - the user and group the daemon runs as
 */
#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/mem.h"

#define BUFFER ((size_t)1 << 16)

struct identity {
	uid_t uid;
	gid_t gid;
};

static bool
find_user(const char *name, struct identity *id, struct err *err)
{
	struct passwd entry, *found = NULL;
	char *buffer = mem_alloc(BUFFER);

	errno = getpwnam_r(name, &entry, buffer, BUFFER, &found);
	if (found != NULL)
		*id = (struct identity){entry.pw_uid, entry.pw_gid};
	free(buffer);
	if (found != NULL)
		return true;
	if (errno != 0 && errno != ENOENT)
		return err_errno(err, "main.user %s", name);
	return err_set(err,
		"main.user: there is no user %s; make it: useradd --system --user-group "
		"--home-dir /nonexistent --shell /usr/sbin/nologin %s",
		name, name);
}

static bool
find_group(const char *name, struct identity *id, struct err *err)
{
	struct group entry, *found = NULL;
	char *buffer = mem_alloc(BUFFER);

	errno = getgrnam_r(name, &entry, buffer, BUFFER, &found);
	if (found != NULL)
		id->gid = entry.gr_gid;
	free(buffer);
	if (found != NULL)
		return true;
	if (errno != 0 && errno != ENOENT)
		return err_errno(err, "main.group %s", name);
	return err_set(
		err, "main.group: there is no group %s; make it: groupadd --system %s", name, name);
}

static bool
become(const char *user, const struct identity *id, struct err *err)
{
	if (initgroups(user, id->gid) != 0 || setgid(id->gid) != 0 || setuid(id->uid) != 0)
		return err_errno(err, "cannot become user %s", user);
	if (id->uid != 0 && setuid(0) == 0)
		return err_set(err, "the rights of root could not be given up");
	return true;
}

bool
identity_drop(const char *user, const char *group, struct err *err)
{
	struct identity id = {0};

	if (geteuid() != 0 || user == NULL)
		return true;
	if (!find_user(user, &id, err) || (group != NULL && !find_group(group, &id, err)))
		return false;
	return become(user, &id, err);
}
