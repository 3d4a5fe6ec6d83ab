/* SPDX-License-Identifier: MIT */
/*
 * plugin_dir.c - which directories a configuration names, whatever else is wrong with it
 *
 * For commands that explain plugins or show kept sessions: who asks for help may well have a
 * mistake in the file, or may not read all that it names.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "cli.h"
#include "conf/diag.h"
#include "conf/tree.h"

/* The setting as it was written, or NULL. */
static const char *
find(const struct conf_section *root, const char *kind, const char *setting)
{
	for (const struct conf_section *s = root->sections; s != NULL; s = s->next) {
		const struct conf_setting *dir = conf_find(s, setting);

		if (strcmp(s->kind, kind) == 0 && dir != NULL)
			return dir->value.text;
	}
	return NULL;
}

static const char *
resolve(const char *dir, const char *config, struct arena *arena)
{
	const char *slash = strrchr(config, '/');

	if (dir == NULL || dir[0] == '/' || slash == NULL)
		return dir;
	return arena_printf(arena, "%.*s/%s", (int)(slash - config), config, dir);
}

static const char *
find_dir(const char *config, struct arena *arena, const char *kind, const char *setting)
{
	struct diag *diag = diag_new();
	const struct conf_section *root = conf_read(arena, config, diag);
	const char *dir = resolve(find(root, kind, setting), config, arena);

	diag_free(diag);
	return dir;
}

const char *
cli_find_plugin_dir(const char *config, struct arena *arena)
{
	return find_dir(config, arena, "main", "plugin_dir");
}

const char *
cli_find_record_dir(const char *config, struct arena *arena)
{
	return find_dir(config, arena, "record", "path");
}

bool
cli_record_dir(const char *given, const char *config, struct arena *arena, const char **dir)
{
	*dir = given != NULL ? given : cli_find_record_dir(config, arena);
	if (*dir == NULL)
		fprintf(stderr,
			"chainmail: %s has no section record, so no session is kept\n"
			"add: record { path = /var/lib/chainmail/record }; or name the directory: "
			"--record DIR\n",
			config);
	return *dir != NULL;
}

bool
cli_plugin_dir(const char *config, struct arena *arena, const char **dir)
{
	struct diag *diag = diag_new();
	const struct conf_section *root = conf_read(arena, config, diag);
	bool read = root->sections != NULL || diag_errors(diag) == 0;

	*dir = resolve(find(root, "main", "plugin_dir"), config, arena);
	if (!read)
		diag_print(diag, stderr);
	diag_free(diag);
	return read;
}
