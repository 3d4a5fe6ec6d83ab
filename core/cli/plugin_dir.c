/* SPDX-License-Identifier: MIT */
/*
 * plugin_dir.c - where a configuration looks for plugins, whatever else is wrong with it
 *
 * For commands that explain plugins: who asks for help may well have a mistake in the file.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "cli.h"
#include "conf/diag.h"
#include "conf/tree.h"

/* The setting as it was written, or NULL. */
static const char *
find(const struct conf_section *root)
{
	for (const struct conf_section *s = root->sections; s != NULL; s = s->next) {
		const struct conf_setting *dir = conf_find(s, "plugin_dir");

		if (strcmp(s->kind, "main") == 0 && dir != NULL)
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

const char *
cli_find_plugin_dir(const char *config, struct arena *arena)
{
	struct diag *diag = diag_new();
	const char *dir = resolve(find(conf_read(arena, config, diag)), config, arena);

	diag_free(diag);
	return dir;
}

bool
cli_plugin_dir(const char *config, struct arena *arena, const char **dir)
{
	struct diag *diag = diag_new();
	const struct conf_section *root = conf_read(arena, config, diag);
	bool read = root->sections != NULL || diag_errors(diag) == 0;

	*dir = resolve(find(root), config, arena);
	if (!read)
		diag_print(diag, stderr);
	diag_free(diag);
	return read;
}
