/* SPDX-License-Identifier: MIT */
/*
 * identity.c - the user and group the daemon runs as
 */
#include "identity.h"

#include <grp.h>
#include <unistd.h>

#include "base/account.h"

static bool
find_user(const char *name, struct account *id, struct err *err)
{
	struct err why;

	if (account_user(name, id, &why))
		return true;
	return err_set(err,
		"main.user: %.120s; make it: useradd --system --user-group "
		"--home-dir /nonexistent --shell /usr/sbin/nologin %s",
		why.text, name);
}

static bool
find_group(const char *name, struct account *id, struct err *err)
{
	struct err why;

	if (account_group(name, id, &why))
		return true;
	return err_set(err, "main.group: %.120s; make it: groupadd --system %s", why.text, name);
}

static bool
become(const char *user, const struct account *id, struct err *err)
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
	struct account id = {0};

	if (geteuid() != 0 || user == NULL)
		return true;
	if (!find_user(user, &id, err) || (group != NULL && !find_group(group, &id, err)))
		return false;
	return become(user, &id, err);
}
