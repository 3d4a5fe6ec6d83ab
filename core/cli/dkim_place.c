/* SPDX-License-Identifier: MIT */
/*
 * dkim_place.c - where keys of DKIM are, and who may read them, as a configuration says it
 *
 * Reads the tree alone: a table that names a key which is yet to be made is refused when the whole
 * is loaded.
 */
#include "dkim_place.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/account.h"
#include "base/arena.h"
#include "conf/diag.h"
#include "conf/tree.h"

/* As the plugin has it where nothing is set. */
#define KEY_DIR "dkim"

static const char *
text_of(const struct conf_section *s, const char *name)
{
	const struct conf_setting *setting = conf_find(s, name);

	return setting == NULL ? NULL : setting->value.text;
}

static bool
is_dkim(const struct conf_section *s)
{
	const char *type = text_of(s, "type");

	if (strcmp(s->kind, "plugin") != 0 || s->name == NULL)
		return false;
	return strcmp(type == NULL ? s->name : type, "dkim") == 0;
}

/* The first that says so. */
static const char *
find(const struct conf_section *root, bool (*wanted)(const struct conf_section *), const char *name)
{
	const char *text = NULL;

	for (const struct conf_section *s = root->sections; s != NULL && text == NULL; s = s->next)
		text = wanted(s) ? text_of(s, name) : NULL;
	return text;
}

static bool
is_main(const struct conf_section *s)
{
	return strcmp(s->kind, "main") == 0;
}

/* Root makes keys that the daemon, as another user, has to read. */
static bool
find_group(const struct conf_section *root, gid_t *group)
{
	const char *user = find(root, is_main, "user"), *name = find(root, is_main, "group");
	struct account account;
	struct err err;

	*group = (gid_t)-1;
	if (geteuid() != 0 || (user == NULL && name == NULL))
		return true;
	if (!(name != NULL ? account_group(name, &account, &err)
			   : account_user(user, &account, &err))) {
		fprintf(stderr, "chainmail dkim: main.%s: %s\n", name != NULL ? "group" : "user",
			err.text);
		return false;
	}
	*group = account.gid;
	return true;
}

bool
dkim_place(const char *config, const char *dir, struct arena *arena, struct dkim_place *out)
{
	struct diag *diag = diag_new();
	const struct conf_section *root = conf_read(arena, config, diag);
	const char *slash = strrchr(config, '/');
	bool read = root->sections != NULL || diag_errors(diag) == 0;

	out->group = (gid_t)-1;
	out->dir = dir != NULL ? dir : find(root, is_dkim, "key_dir");
	if (out->dir == NULL)
		out->dir = KEY_DIR;
	if (dir == NULL && out->dir[0] != '/' && slash != NULL)
		out->dir = arena_printf(arena, "%.*s/%s", (int)(slash - config), config, out->dir);
	/* With a directory of one's own it need not be there. */
	if (!read && dir == NULL)
		diag_print(diag, stderr);
	diag_free(diag);
	return (read || dir != NULL) && find_group(root, &out->group);
}
