/* SPDX-License-Identifier: MIT */
/*
 * generation_system.c - what filter.conf names on this machine: users, groups, directories
 *
 * Asked only for a daemon that is to serve here. `explain` and `config` work on any machine.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/account.h"
#include "base/arena.h"
#include "generation_build.h"

#define UNIX "unix:"

/* A setting of a section as it was written; NULL when it was not. */
static const struct conf_value *
written(const struct build_section *s, const char *name)
{
	const struct conf_setting *setting = conf_find(s->section, name);

	return setting == NULL || setting->value.kind == CONF_LIST ? NULL : &setting->value;
}

static void
check_user(struct build *b, const struct build_section *s)
{
	const struct conf_value *v = written(s, "user");
	struct account account;
	struct err err;

	if (v == NULL || account_user(v->text, &account, &err))
		return;
	diag_error(b->diag, v->pos, NULL, "user: %s", err.text);
	diag_help(b->diag,
		"make it: useradd --system --user-group --home-dir /nonexistent --shell "
		"/usr/sbin/nologin %s",
		v->text);
}

static void
check_group(struct build *b, const struct build_section *s)
{
	const struct conf_value *v = written(s, "group");
	struct account account;
	struct err err;

	if (v == NULL || account_group(v->text, &account, &err))
		return;
	diag_error(b->diag, v->pos, NULL, "group: %s", err.text);
	diag_help(b->diag, "make it: groupadd --system %s", v->text);
}

static const char *
resolve(struct build *b, const char *path)
{
	return path[0] == '/' ? path : arena_printf(&b->g->arena, "%s/%s", b->world.base_dir, path);
}

static const char *
directory_of(struct build *b, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return ".";
	return slash == path ? "/" : arena_strndup(&b->g->arena, path, (size_t)(slash - path));
}

/* It is there, as far as we may look. */
static bool
has_directory(struct build *b, const char *path, const struct conf_value *v, const char *setting)
{
	const char *dir = directory_of(b, path), *user = b->g->main.user;
	struct stat st;

	if (stat(dir, &st) == 0 ? S_ISDIR(st.st_mode) : errno != ENOENT && errno != ENOTDIR)
		return true;
	diag_error(b->diag, v->pos, NULL, "%s: directory %s does not exist", setting, dir);
	if (user == NULL)
		diag_help(b->diag, "make it: mkdir -p %s", dir);
	else
		diag_help(b->diag, "make it: install -d -o %s %s", user, dir);
	return false;
}

static void
check_listener(struct build *b, const struct build_section *s)
{
	const struct conf_value *v = written(s, "socket");

	check_group(b, s);
	if (v != NULL && strncmp(v->text, UNIX, strlen(UNIX)) == 0)
		has_directory(b, resolve(b, v->text + strlen(UNIX)), v, "socket");
}

/* The daemon opens its logs as the user it becomes; nobody else can tell whether that works. */
static bool
is_daemon_user(const struct build *b)
{
	struct account account;
	struct err err;

	return b->g->main.user == NULL ||
	       (account_user(b->g->main.user, &account, &err) && account.uid == geteuid());
}

static void
check_log(struct build *b, const struct build_section *s)
{
	const struct conf_value *v = written(s, "path");
	const struct conf_value *target = written(s, "target");
	const char *path;
	struct stat st;
	bool there;

	if (v == NULL || v->text[0] == '\0' || target == NULL || strcmp(target->text, "file") != 0)
		return;
	path = resolve(b, v->text);
	if (!has_directory(b, path, v, "path"))
		return;
	there = stat(path, &st) == 0;
	if (there && S_ISDIR(st.st_mode)) {
		diag_error(b->diag, v->pos, NULL, "path: %s is a directory", path);
	} else if (is_daemon_user(b) && eaccess(there ? path : directory_of(b, path), W_OK) != 0) {
		diag_error(
			b->diag, v->pos, NULL, "path: cannot write %s: %s", path, strerror(errno));
		if (b->g->main.user != NULL)
			diag_help(b->diag, "the daemon opens it as user %s", b->g->main.user);
	}
}

static void
check_main(struct build *b, const struct build_section *s)
{
	const struct conf_value *v = written(s, "pid_file");

	check_user(b, s);
	check_group(b, s);
	if (v != NULL)
		has_directory(b, resolve(b, v->text), v, "pid_file");
}

static void
cannot_write(struct build *b, const struct conf_value *v, const char *path, int why)
{
	const char *user = b->g->main.user;

	diag_error(b->diag, v->pos, NULL, "path: cannot write %s: %s", path, strerror(why));
	diag_help(b->diag, "make it: install -d -m 750 -o %s %s", user == NULL ? "USER" : user,
		resolve(b, v->text));
}

/* The daemon makes the directory itself, as the user it becomes. */
static void
check_record(struct build *b, const struct build_section *s)
{
	const struct conf_value *v = written(s, "path");
	const char *path = v == NULL ? NULL : resolve(b, v->text), *dir = path;
	struct stat st;

	if (v == NULL)
		return;
	if (stat(path, &st) != 0) {
		if (!has_directory(b, path, v, "path"))
			return;
		dir = directory_of(b, path);
	} else if (!S_ISDIR(st.st_mode)) {
		diag_error(b->diag, v->pos, NULL, "path: %s is no directory", path);
		return;
	}
	if (is_daemon_user(b) && eaccess(dir, R_OK | W_OK | X_OK) != 0)
		cannot_write(b, v, dir, errno);
}

static const struct {
	const char *kind;
	void (*check)(struct build *, const struct build_section *);
} checks[] = {
	{"listener", check_listener},
	{"log", check_log},
	{"main", check_main},
	{"record", check_record},
};

void
build_system(struct build *b)
{
	for (size_t i = 0; i < b->section_count; i++) {
		const struct build_section *s = &b->sections[i];

		for (size_t k = 0; k < sizeof(checks) / sizeof(*checks); k++) {
			if (strcmp(s->kind->name, checks[k].kind) == 0)
				checks[k].check(b, s);
		}
	}
}
