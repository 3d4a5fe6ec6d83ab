/* SPDX-License-Identifier: MIT */
/*
 * load_options.c - the command line of the load client, within bounds
 */
#include "load_options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_MOST 250u

enum kind { NUMBER, TEXT, SWITCH };

/* What getopt_long() returns is the row's place in the table. */
static const struct row {
	const char *name;
	enum kind kind;
	size_t at;
	unsigned long least, most; /* of a number */
} rows[] = {
	{"clients", NUMBER, offsetof(struct options, clients), 0, 65536},
	{"connections", NUMBER, offsetof(struct options, connections), 1, 1024},
	{"corpus", TEXT, offsetof(struct options, corpus), 0, 0},
	{"from", TEXT, offsetof(struct options, from), 0, 0},
	{"login", TEXT, offsetof(struct options, login), 0, 0},
	{"may-defer", SWITCH, offsetof(struct options, may_defer), 0, 0},
	{"messages", NUMBER, offsetof(struct options, messages), 1, 10000000},
	{"outcomes", TEXT, offsetof(struct options, outcomes), 0, 0},
	{"passes", NUMBER, offsetof(struct options, passes), 0, 10000},
	{"per-connection", NUMBER, offsetof(struct options, per_connection), 1, 10000000},
	{"rcpts", NUMBER, offsetof(struct options, rcpts), 1, 100000},
	{"seconds", NUMBER, offsetof(struct options, seconds), 1, 3600},
	{"senders", NUMBER, offsetof(struct options, senders), 0, 10000000},
	{"show-negotiation", SWITCH, offsetof(struct options, show_negotiation), 0, 0},
	{"size", NUMBER, offsetof(struct options, size), 0, 100000000},
	{"then", TEXT, offsetof(struct options, then), 0, 0},
	{"to", TEXT, offsetof(struct options, to), 0, 0},
};

#define ROWS (sizeof rows / sizeof *rows)

static bool
read_number(const struct row *row, const char *text, unsigned *number)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value < row->least || value > row->most) {
		fprintf(stderr, "load: --%s is a number from %lu to %lu\n", row->name, row->least,
			row->most);
		return false;
	}
	*number = (unsigned)value;
	return true;
}

static bool
read_text(const struct row *row, const char *text, const char **value)
{
	if (strlen(text) > ADDRESS_MOST) {
		fprintf(stderr, "load: --%s is longer than %u octets\n", row->name, ADDRESS_MOST);
		return false;
	}
	*value = text;
	return true;
}

static bool
read_row(const struct row *row, const char *text, struct options *o)
{
	void *at = (char *)o + row->at;

	switch (row->kind) {
	case NUMBER:
		return read_number(row, text, at);
	case TEXT:
		return read_text(row, text, at);
	case SWITCH:
		*(bool *)at = true;
		return true;
	}
	return false;
}

static bool
usage(void)
{
	fprintf(stderr,
		"usage: load SOCKET [--connections N] [--messages M] [--size BYTES] [--rcpts R]\n"
		"            [--per-connection K] [--seconds S] [--login USER] [--from ADDRESS]\n"
		"            [--senders N] [--to ADDRESS] [--clients N] [--may-defer]\n"
		"       load SOCKET|smtp:PORT --corpus DIR [--then SOCKET] [--connections N]\n"
		"            [--seconds S] [--passes N] [--outcomes FILE]\n"
		"       load SOCKET --show-negotiation\n");
	return false;
}

bool
options_read(int argc, char **argv, struct options *o)
{
	struct option names[ROWS + 1] = {{0}};
	int c;

	*o = (struct options){.from = "alice@example.org",
		.to = "bob@example.com",
		.connections = 1,
		.messages = 1000,
		.size = 4096,
		.rcpts = 1,
		.per_connection = 10,
		.seconds = 60};
	for (size_t i = 0; i < ROWS; i++)
		names[i] = (struct option){rows[i].name,
			rows[i].kind == SWITCH ? no_argument : required_argument, NULL, (int)i};
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c < 0 || c >= (int)ROWS)
			return usage();
		if (!read_row(&rows[c], optarg, o))
			return false;
	}
	o->address = argv[optind];
	return argc == optind + 1 || usage();
}
