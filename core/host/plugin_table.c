/* SPDX-License-Identifier: MIT */
/*
 * plugin_table.c - checks the table of a plugin before anything of it is believed
 *
 * Only the first two fields are there in every version of the interface; everything else is read
 * after they were understood.
 */
#include "plugin_table.h"

#include <string.h>

#include "chain/chain.h"
#include "chain/command.h"
#include "conf/schema.h"
#include "published.h"

/* The first interface had everything up to the hooks; a shorter table is none. */
#define SIZE_LEAST	   offsetof(struct cm_plugin, connect)
#define OPTION_SIZE_LEAST  offsetof(struct cm_option, flags)
#define COMMAND_SIZE_LEAST offsetof(struct cm_command, options)
#define NAME_MOST	   40u

/* What stands at the offset of an option. */
static const size_t type_sizes[] = {
	[CM_OPT_BOOL] = sizeof(bool),
	[CM_OPT_CHOICE] = sizeof(int),
	[CM_OPT_DURATION] = sizeof(int64_t),
	[CM_OPT_INT] = sizeof(int64_t),
	[CM_OPT_LIST] = sizeof(struct cm_list),
	[CM_OPT_MAP] = sizeof(const struct cm_map *),
	[CM_OPT_MODE] = sizeof(int64_t),
	[CM_OPT_NETWORKS] = sizeof(const struct cm_networks *),
	[CM_OPT_NUMBERS] = sizeof(struct cm_numbers),
	[CM_OPT_PATH] = sizeof(const char *),
	[CM_OPT_PERCENT] = sizeof(int64_t),
	[CM_OPT_RATE] = sizeof(struct cm_rate),
	[CM_OPT_RATES] = sizeof(struct cm_rates),
	[CM_OPT_SIZE] = sizeof(int64_t),
	[CM_OPT_SOCKET] = sizeof(const char *),
	[CM_OPT_STORE] = sizeof(const struct cm_store *),
	[CM_OPT_STRING] = sizeof(const char *),
	[CM_OPT_TIME] = sizeof(int64_t),
};

bool
plugin_name_valid(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && len <= NAME_MOST && name[len] == '\0';
}

/* The core has a row of that name for every plugin. */
static bool
name_taken(const char *name)
{
	for (size_t i = 0; i < chain_link_row_count; i++) {
		if (strcmp(chain_link_rows[i].name, name) == 0)
			return true;
	}
	return strcmp(name, "type") == 0;
}

/* Rows of that name, deprecated ones counted or not. */
static size_t
count_rows(const struct schema_rows *rows, const char *name, bool deprecated)
{
	size_t count = 0;

	for (size_t i = 0; i < rows->count; i++) {
		struct cm_option row = schema_row(rows, i);

		count += row.name != NULL && strcmp(row.name, name) == 0 &&
			 (deprecated || row.renamed_to == NULL);
	}
	return count;
}

static bool
check_choices(const struct cm_option *o, struct err *err)
{
	if (o->type == CM_OPT_CHOICE && o->choices == NULL)
		return err_set(err, "option %s has no choices", o->name);
	if (o->type == CM_OPT_MAP && o->choices != NULL && strcmp(o->choices, "exact") != 0 &&
		strcmp(o->choices, "cidr") != 0)
		return err_set(
			err, "option %s: there are no maps with match = %s", o->name, o->choices);
	return true;
}

static bool
check_option(const struct schema_rows *rows, size_t config_size, const struct cm_option *o,
	struct err *err)
{
	size_t size;

	if (o->name == NULL || !plugin_name_valid(o->name))
		return err_set(err, "has an option without a usable name");
	if (name_taken(o->name))
		return err_set(err, "option %s: every plugin has a setting of that name", o->name);
	if (count_rows(rows, o->name, true) > 1)
		return err_set(err, "option %s stands in its table twice", o->name);
	if (o->renamed_to != NULL)
		return count_rows(rows, o->renamed_to, false) == 1 ||
		       err_set(err, "option %s is renamed to %.40s, which it does not have",
			       o->name, o->renamed_to);
	if ((size_t)o->type >= sizeof(type_sizes) / sizeof(*type_sizes))
		return err_set(err, "option %s: unknown type %d", o->name, (int)o->type);
	size = type_sizes[o->type];
	if (size > config_size || o->offset > config_size - size)
		return err_set(err, "option %s stands outside its settings struct", o->name);
	return check_choices(o, err);
}

static bool
check_rows(const struct schema_rows *rows, size_t config_size, struct err *err)
{
	if (rows->count == 0)
		return true;
	if (rows->rows == NULL || rows->row_size < OPTION_SIZE_LEAST)
		return err_set(err, "its option table is too short");
	for (size_t i = 0; i < rows->count; i++) {
		struct cm_option row = schema_row(rows, i);

		if (!check_option(rows, config_size, &row, err))
			return false;
	}
	return true;
}

/* Written in rules, which have no part of filter.conf to name. */
static bool
check_ask_row(const struct cm_option *o, struct err *err)
{
	static const bool fits[] = {
		[CM_OPT_BOOL] = true,
		[CM_OPT_CHOICE] = true,
		[CM_OPT_DURATION] = true,
		[CM_OPT_INT] = true,
		[CM_OPT_PERCENT] = true,
		[CM_OPT_RATE] = true,
		[CM_OPT_SIZE] = true,
		[CM_OPT_STRING] = true,
	};

	return ((size_t)o->type < sizeof(fits) && fits[o->type]) ||
	       err_set(err, "option %s: rules cannot give such a value", o->name);
}

static bool
check_ask(const struct cm_plugin *p, struct err *err)
{
	struct schema_rows rows = {p->ask_options, p->ask_option_count, p->option_size};

	if (!check_rows(&rows, p->ask_size, err))
		return false;
	for (size_t i = 0; i < rows.count; i++) {
		struct cm_option row = schema_row(&rows, i);

		if (!check_ask_row(&row, err))
			return false;
	}
	return true;
}

static bool
check_options(const struct cm_plugin *p, struct err *err)
{
	struct schema_rows rows = {p->options, p->option_count, p->option_size};

	return check_rows(&rows, p->config_size, err) && check_ask(p, err);
}

/* Of one value, and without anything that only filter.conf has. */
static bool
is_word(enum cm_option_type type)
{
	static const bool words[] = {
		[CM_OPT_BOOL] = true,
		[CM_OPT_CHOICE] = true,
		[CM_OPT_DURATION] = true,
		[CM_OPT_INT] = true,
		[CM_OPT_PERCENT] = true,
		[CM_OPT_SIZE] = true,
		[CM_OPT_STRING] = true,
		[CM_OPT_TIME] = true,
	};

	return (size_t)type < sizeof(words) / sizeof(*words) && words[type];
}

static bool
check_command(const struct cm_command *c, struct err *err)
{
	const struct schema_rows rows = {c->options, c->option_count, c->option_size};

	if (c->name == NULL || !plugin_name_valid(c->name) || c->run == NULL)
		return err_set(err, "has a command without a usable name, or that does nothing");
	if (!check_rows(&rows, c->args_size, err))
		return false;
	for (size_t i = 0; i < rows.count; i++) {
		struct cm_option row = schema_row(&rows, i);

		if (!is_word(row.type))
			return err_set(err, "option %s of command %s cannot be one word", row.name,
				c->name);
	}
	return true;
}

static bool
check_commands(const struct cm_plugin *p, struct err *err)
{
	if (p->command_count == 0)
		return true;
	if (p->commands == NULL || p->command_size < COMMAND_SIZE_LEAST || p->noun == NULL ||
		!plugin_name_valid(p->noun))
		return err_set(
			err, "its commands have no usable noun, or their table is too short");
	for (uint32_t i = 0; i < p->command_count; i++) {
		struct cm_command c = command_at(p, i);

		if (!check_command(&c, err))
			return false;
	}
	return true;
}

static bool
check_macros(const struct cm_plugin *p, struct err *err)
{
	if (p->macro_count > 0 && p->macros == NULL)
		return err_set(err, "its macro table is not there");
	for (uint32_t i = 0; i < p->macro_count; i++) {
		if (p->macros[i].name == NULL || (unsigned)p->macros[i].stage >= CM_STAGE_COUNT)
			return err_set(err, "row %u of its macro table makes no sense", i);
	}
	return true;
}

bool
plugin_table_read(
	struct cm_plugin *ours, const struct cm_plugin *theirs, const char *name, struct err *err)
{
	if (theirs->abi > CM_ABI)
		return err_set(err, "is built for plugin interface %u, this daemon has %u",
			theirs->abi, CM_ABI);
	if (theirs->abi == 0)
		return err_set(err,
			"its table does not say for which plugin interface it is (.abi = CM_ABI)");
	if (theirs->size < SIZE_LEAST)
		return err_set(err, "its table is too short (%u octets)", theirs->size);
	if (theirs->size > sizeof(*ours))
		return err_set(
			err, "its table of %u octets is newer than this daemon", theirs->size);
	*ours = (struct cm_plugin){0};
	memcpy(ours, theirs, theirs->size);
	if (ours->name == NULL || strcmp(ours->name, name) != 0)
		return err_set(err, "calls itself \"%.40s\", so its file must be called %.40s.so",
			ours->name == NULL ? "" : ours->name, ours->name == NULL ? "" : ours->name);
	return check_options(ours, err) && check_macros(ours, err) && check_commands(ours, err) &&
	       published_check(ours, err);
}
