/* SPDX-License-Identifier: MIT */
/*
 * noun.c - the commands that plugins bring: chainmail NOUN ...
 *
 * The tables are those of the plugins that the configuration would load, so help needs no daemon.
 * What they answer is the daemon's business.
 */
#include "noun.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "chain/command.h"
#include "dmarc.h"
#include "host/plugin.h"
#include "remote.h"

#define NOUNS_MOST 32u

static struct {
	bool read;
	size_t count;
	const struct cm_plugin *plugins[NOUNS_MOST];
	struct command commands[NOUNS_MOST];
} nouns;

/* Nouns for which this program does more than to ask. */
static const struct {
	const char *noun;
	const struct cli_option *options;
	size_t option_count;
	int (*run)(int argc, char **argv);
} helped[] = {
	{"dmarc", dmarc_options, DMARC_OPTIONS, dmarc_run},
};

static const struct cm_plugin *
plugin_of(const struct command *c)
{
	return nouns.plugins[c - nouns.commands];
}

static void
explain(const struct command *c)
{
	const struct cm_plugin *plugin = plugin_of(c);

	for (uint32_t i = 0; i < plugin->command_count; i++) {
		struct cm_command command = command_at(plugin, i);
		struct command_form form = command_form(&command);
		char name[100];

		snprintf(name, sizeof(name), "%s %s", plugin->noun, command.name);
		remote_explain(name, &form, command.help, command.changes);
	}
}

/* "list|reset|show" */
static const char *
names_of(const struct cm_plugin *plugin)
{
	struct buf names;

	buf_init(&names, 0);
	for (uint32_t i = 0; i < plugin->command_count; i++)
		buf_printf(&names, "%s%s", i > 0 ? "|" : "", command_at(plugin, i).name);
	return names.data; /* until the process ends */
}

static void
add(const struct cm_plugin *plugin)
{
	if (plugin == NULL || plugin->noun == NULL || nouns.count == NOUNS_MOST)
		return;
	nouns.plugins[nouns.count] = plugin;
	struct command *c = &nouns.commands[nouns.count++];

	*c = (struct command){
		.name = plugin->noun,
		.operands = names_of(plugin),
		.help = plugin->help != NULL ? plugin->help : "",
		.options = remote_options,
		.option_count = REMOTE_OPTIONS,
		.run = remote_run,
		.explain = explain,
	};
	for (size_t i = 0; i < sizeof(helped) / sizeof(*helped); i++) {
		if (strcmp(helped[i].noun, plugin->noun) != 0)
			continue;
		c->options = helped[i].options;
		c->option_count = helped[i].option_count;
		c->run = helped[i].run;
	}
}

/* The configuration that the words name, whatever the command is; the last one, as for getopt. */
static const char *
find_config(int argc, char **argv)
{
	static const char *const spellings[] = {"--config=", "--config", "-c"};
	const char *found = NULL;

	for (int i = 1; i < argc; i++) {
		for (size_t k = 0; k < sizeof(spellings) / sizeof(*spellings); k++) {
			size_t len = strlen(spellings[k]);

			if (strncmp(argv[i], spellings[k], len) != 0)
				continue;
			found = argv[i][len] != '\0' ? argv[i] + len : argv[i + 1];
			break;
		}
	}
	return cli_config_path(found);
}

void
nouns_read(int argc, char **argv)
{
	const char *dir;
	struct arena arena;
	struct err err;
	char **names;

	if (nouns.read)
		return;
	nouns.read = true;
	arena_init(&arena, 4096);
	dir = cli_find_plugin_dir(find_config(argc, argv), &arena);
	names = plugin_names(dir);
	for (char **name = names; *name != NULL; name++)
		add(plugin_load(*name, dir, &err));
	plugin_names_free(names);
	arena_fini(&arena);
}

size_t
nouns_count(void)
{
	return nouns.count;
}

const struct command *
noun_at(size_t i)
{
	return &nouns.commands[i];
}
