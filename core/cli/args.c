/* SPDX-License-Identifier: MIT */
/*
 * args.c - options of a subcommand, read by a table
 */
#include "cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define OPTIONS_MAX 24

/* The option table in getopt's two forms; a long option's value is its row's number. */
struct spelled {
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 2];
};

#define FIRST_ROW 256 /* above every letter */

int
cli_usage(const struct command *c, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "chainmail %s: ", c->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\ntry: chainmail help %s\n", c->name);
	return EXIT_USAGE;
}

/* How getopt takes the value of an option. */
static int
argument_of(const struct cli_option *o)
{
	if (o->argument == NULL)
		return no_argument;
	return o->argument[0] == '[' ? optional_argument : required_argument;
}

static void
spell(const struct command *c, struct spelled *out)
{
	size_t used = 0;

	*out = (struct spelled){.letters = ":"};
	used = 1;
	for (size_t i = 0; i < c->option_count && i < OPTIONS_MAX; i++) {
		const struct cli_option *o = &c->options[i];

		out->longs[i] = (struct option){o->name, argument_of(o), NULL, FIRST_ROW + (int)i};
		if (o->letter == '\0')
			continue;
		out->letters[used++] = o->letter;
		if (o->argument != NULL)
			out->letters[used++] = ':';
	}
}

static const struct cli_option *
find_option(const struct command *c, int got)
{
	for (size_t i = 0; i < c->option_count; i++) {
		if (got == FIRST_ROW + (int)i || (got > 0 && got == c->options[i].letter))
			return &c->options[i];
	}
	return NULL;
}

static int
unknown_option(const struct command *c, const char *given)
{
	const char *names[OPTIONS_MAX];
	const char *nearest = NULL;

	for (size_t i = 0; i < c->option_count; i++)
		names[i] = c->options[i].name;
	if (strncmp(given, "--", 2) == 0)
		nearest = text_nearest(given + 2, names, c->option_count);
	if (nearest != NULL)
		return cli_usage(c, "unknown option \"%s\", did you mean --%s?", given, nearest);
	return cli_usage(c, "unknown option \"%s\"", given);
}

static bool
read_port(const char *text, unsigned *out)
{
	char *end;
	long port = strtol(text, &end, 10);

	*out = (unsigned)port;
	return text[0] != '\0' && *end == '\0' && port >= 1 && port <= 65535;
}

static bool
take(const struct command *c, const struct cli_option *o, const char *value, void *args)
{
	void *out = (char *)args + o->offset;
	struct cli_list *list = out;

	switch (o->kind) {
	case CLI_FLAG:
		*(bool *)out = true;
		return true;
	case CLI_LIST:
		if (list->count == CLI_LIST_MAX)
			break;
		list->items[list->count++] = value;
		return true;
	case CLI_PORT:
		if (!read_port(value, out))
			break;
		return true;
	case CLI_PATH:
		/* What a shell makes of a variable that is not set. */
		if (value != NULL && value[0] == '\0')
			break;
		/* fall through */
	case CLI_TEXT:
		*(const char **)out = value != NULL ? value : "-";
		return true;
	}
	cli_usage(c, "--%s %s: %s", o->name, value,
		o->kind == CLI_LIST   ? "given too often"
		: o->kind == CLI_PATH ? "the name is empty"
				      : "want a number from 1 to 65535");
	return false;
}

int
cli_parse(const struct command *c, int argc, char **argv, void *out)
{
	struct spelled spelled;
	int got;

	spell(c, &spelled);
	optind = 0;
	opterr = 0;
	while ((got = getopt_long(argc, argv, spelled.letters, spelled.longs, NULL)) != -1) {
		const struct cli_option *o = find_option(c, got);

		if (got == ':') {
			cli_usage(c, "%s needs a value", argv[optind - 1]);
			return -1;
		}
		if (got == '?' && optopt >= FIRST_ROW) {
			cli_usage(c, "--%s takes no value", find_option(c, optopt)->name);
			return -1;
		}
		if (o == NULL) {
			unknown_option(c, argv[optind - 1]);
			return -1;
		}
		if (!take(c, o, optarg, out))
			return -1;
	}
	return optind;
}

/* --- some of the options --- */

/* The option that the word is; *value: what stands in the same word, or NULL. */
static const struct cli_option *
find_word(const struct command *c, char *word, char **value)
{
	for (size_t i = 0; i < c->option_count; i++) {
		const struct cli_option *o = &c->options[i];
		size_t len = strlen(o->name);

		*value = NULL;
		if (word[0] != '-')
			return NULL;
		if (o->letter != '\0' && word[1] == o->letter) {
			*value = word[2] != '\0' ? word + 2 : NULL;
			return o;
		}
		if (word[1] != '-' || strncmp(word + 2, o->name, len) != 0)
			continue;
		if (word[2 + len] == '=')
			*value = word + 3 + len;
		if (word[2 + len] == '\0' || word[2 + len] == '=')
			return o;
	}
	return NULL;
}

int
cli_take(const struct command *c, int argc, char **argv, void *out, char **rest)
{
	int count = 0;

	rest[count++] = argv[0];
	for (int i = 1; i < argc; i++) {
		bool end = strcmp(argv[i], "--") == 0;
		char *value;
		const struct cli_option *o = end ? NULL : find_word(c, argv[i], &value);

		if (o == NULL) {
			rest[count++] = argv[i];
			while (end && ++i < argc)
				rest[count++] = argv[i];
			continue;
		}
		if (value != NULL && o->argument == NULL) {
			cli_usage(c, "--%s takes no value", o->name);
			return -1;
		}
		if (value == NULL && o->argument != NULL)
			value = i + 1 < argc ? argv[++i] : NULL;
		if (value == NULL && o->argument != NULL) {
			cli_usage(c, "%s needs a value", argv[i]);
			return -1;
		}
		if (!take(c, o, value, out))
			return -1;
	}
	return count;
}
